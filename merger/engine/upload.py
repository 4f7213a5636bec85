"""Output to an object store: each file of a merge goes there in parts as it is made, and is seen when all are.

Until then a store holds parts that belong to no file. A merge that fails or is stopped takes back what it has sent; one that is
killed leaves such parts, which nobody sees, and which a bucket's rule for unfinished uploads clears away. It does not go on
where it was: the next one begins anew.
"""

import contextlib
import math
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from merger.engine.companions import temporary
from merger.engine.plan import TensorJob
from merger.errors import CheckpointError, MergeError
from merger.files.checkpoints import INDEX, Slot, file_names, header, write_index
from merger.files.stores import Folder, Upload, is_address, opened

_LAST = (INDEX, "config.json")
"""What makes a folder a model goes last."""


def target(out: str | Path) -> Folder | None:
    """The store's folder that an output names; None for a folder on this machine. MergeError where it is neither."""
    if not is_address(out):
        return None
    try:
        return opened(str(out))
    except CheckpointError as error:
        raise MergeError(str(error)) from None


def check_target(to: Folder, shared: bool) -> None:
    """MergeError unless a merge can go there. shared: whether several machines make it."""
    if shared:
        raise MergeError(
            f"{to.address}: --part, --join and --ray share a folder, and a store is none.\n"
            "  Write to a folder that all machines see, or merge to the store with one command."
        )
    to.check_free()


class Uploads:
    """Writes the files of a model into a store, each from its beginning to its end; see output.Writer."""

    def __init__(self, to: Folder, files: Sequence[Sequence[Slot]], metadata: Mapping[str, str]) -> None:
        self.lost = set[str]()
        self._to, self._metadata = to, metadata
        self._files = dict(zip(file_names(len(files)), files, strict=True))
        self._places: dict[str, tuple[str, int, Slot]] = {}
        self._begun: dict[str, Upload] = {}
        self._committed: list[str] = []
        self._lock = threading.Lock()
        for name, slots in self._files.items():
            offset = len(header(slots, metadata))
            for slot in slots:
                self._places[slot.name] = name, offset, slot
                offset += slot.nbytes

    def write(self, name: str, tensor: Tensor, first: int = 0) -> None:
        """Send a tensor's elements from `first` on. They must come in the order in which they lie in the file."""
        file, offset, slot = self._places[name]
        flat = tensor.detach().contiguous().cpu().reshape(-1)
        upload = self._upload(file)
        if tensor.dtype != slot.dtype or first + flat.numel() > math.prod(slot.shape):
            raise ValueError(f"{name}: promised {slot.shape} {slot.dtype}, got {tuple(tensor.shape)} {tensor.dtype} at {first}")
        if flat.numel():
            if upload.at != offset + first * slot.dtype.itemsize:
                raise ValueError(f"{name}: comes at byte {upload.at} of {file}, not where it belongs")
            upload.write(flat.view(torch.uint8).numpy().data)
            if upload.at == upload.size:
                upload.close()  # or what is left of each file would be kept until the end

    def _upload(self, file: str) -> Upload:
        with self._lock:
            upload = self._begun.get(file)
            if upload is None:
                slots = self._files[file]
                head = header(slots, self._metadata)
                upload = self._begun[file] = self._to.upload(file, len(head) + sum(slot.nbytes for slot in slots))
                upload.write(head)
        return upload

    def sum(self, name: str) -> str:
        """Nothing: nobody looks later."""
        return ""

    def kept(self, name: str, word: str) -> bool:
        """Never: a merge to a store begins anew."""
        return False

    def sync(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Send what is left of each file."""
        for file in self._files:
            self._upload(file).close()

    def commit(self, beside: Iterable[Path]) -> None:
        """Let the files be seen, then those beside them, the one that makes it a model last."""
        for file, upload in self._begun.items():
            upload.commit()
            self._committed.append(file)
        for path in sorted(beside, key=lambda path: (path.name in _LAST, path.name == "config.json", path.name)):
            self._committed.append(path.name)
            self._to.put(path.name, path.read_bytes())

    def discard(self) -> None:
        """Take everything back."""
        for file in reversed(self._committed):
            self._to.remove(file)
        for file, upload in self._begun.items():
            if file not in self._committed:
                upload.discard()


@dataclass
class Uploading:
    """A merge's folder in a store while it is being written; as output.Output. folder: a temporary one, for what is beside."""

    to: Folder
    folder: Path
    files: Sequence[Sequence[Slot]]
    writer: Uploads
    done: set[str] = field(default_factory=set[str])
    allowed: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def place(self) -> str:
        """Where it will be."""
        return self.to.address

    @property
    def names(self) -> list[str]:
        """The tensors it makes: all."""
        return [slot.name for slots in self.files for slot in slots]

    def lanes(self, jobs: Sequence[TensorJob]) -> list[list[TensorJob]]:
        """The jobs of each file, as they lie in it: several files may be made at a time, each from its beginning to its end."""
        by_name = {job.name: job for job in jobs}
        return [[by_name[slot.name] for slot in slots] for slots in self.files]

    def finished(self, name: str, allowed: str = "") -> None:
        """Note that a tensor is sent; allowed: a line about what in it is not finite."""
        if allowed:
            self.allowed[name] = allowed

    def check(self) -> None:
        """Nothing: nobody sees what is there until it is whole."""


@contextlib.contextmanager
def uploading(to: Folder, files: Sequence[Sequence[Slot]], metadata: Mapping[str, str]) -> Generator[Uploading]:
    """Send a merge to a store. At the end all of it is seen there, or nothing of it."""
    with contextlib.ExitStack() as held:
        folder = Path(held.enter_context(temporary()))
        beside = held.pop_all()  # errors of what is done meanwhile are not its own
        output = Uploading(to, folder, files, Uploads(to, files, metadata))
        try:
            yield output
            output.writer.close()
            if to.deferred:
                to.check_free()  # somebody else may have been faster
            write_index(folder, files, metadata)
            output.writer.commit(folder.iterdir())
        except KeyboardInterrupt:
            output.writer.discard()
            raise KeyboardInterrupt("Nothing of it is in the store.") from None
        except BaseException:
            output.writer.discard()
            raise
        finally:
            beside.close()


__all__ = ["Uploading", "Uploads", "check_target", "target", "uploading"]
