"""Checkpoint: a model folder's headers and lazy reads. ShardWriter: header first, every tensor straight to its place."""

import contextlib
import errno
import json
import math
import os
import shutil
import threading
from collections import deque
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merger.errors import CheckpointError, InputChanged, MergeError
from merger.files import texts as small_files
from merger.files.layout import is_buffer
from merger.files.mapped import MappedFile, address, written_to
from merger.files.pickles import read_places
from merger.files.ranges import Ranges
from merger.files.sums import Sum, sum_of
from merger.kernels import build, windows
from merger.limits import AFAR_TENSORS, HEADER_BYTES, INDEX_BYTES, NAME_CHARACTERS, SHARDS, TENSORS
from merger.regular import JOURNAL, Seen, is_file, look, look_into, open_regular, there

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
    "U16": torch.uint16, "U32": torch.uint32, "U64": torch.uint64,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "F8_E8M0": torch.float8_e8m0fnu,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz, "F8_E5M2FNUZ": torch.float8_e5m2fnuz, "C64": torch.complex64,
}  # fmt: skip
_CODES = {dtype: code for code, dtype in DTYPES.items()}
_PACKED = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
"""Types whose numbers share bytes, with their bits: torch has none for them, so that they can only be copied."""
INDEX = "model.safetensors.index.json"
_BIN_INDEX = "pytorch_model.bin.index.json"


@dataclass(frozen=True)
class Stored:
    """One tensor on disk: where its bytes are and what they mean. `offset` and `nbytes` in bytes.

    stride  in elements, where the tensor is not contiguous (a view saved in a .bin file)
    packed  the header's name of a type that torch has not: then it is read as its bytes, flat, and dtype is uint8
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    file: Path
    offset: int
    stride: tuple[int, ...] | None = None
    packed: str = ""

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return _nbytes(self.shape, self.dtype, self.packed)

    @property
    def plain(self) -> bool:
        """Whether its numbers mean what they say: floats of 16 bits or more."""
        return self.dtype.is_floating_point and self.dtype.itemsize > 1


def _nbytes(shape: Sequence[int], dtype: torch.dtype, packed: str) -> int:
    count = math.prod(shape)
    return -(-count * _PACKED[packed] // 8) if packed else count * dtype.itemsize


@dataclass(frozen=True)
class Piece:
    """A model or LoRA as it lies on disk: what a Checkpoint is put together from."""

    reference: str
    folder: Path
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Checkpoint:
    """A model folder. Opening reads headers and config.json only; `read` maps the file, and copies nothing.

    renamed  how many of its tensors are under another prefix here than in the file
    """

    reference: str
    folder: Path
    tensors: Mapping[str, Stored]
    config: Mapping[str, Any]
    seen: Mapping[Path, Seen] = field(default_factory=dict[Path, Seen], repr=False, compare=False)
    """What its files, those beside the weights too, were like when it was opened."""
    _maps: dict[Path, MappedFile] = field(default_factory=dict[Path, MappedFile], repr=False, compare=False)
    compared: dict[tuple[str, str], bool] = field(default_factory=dict[tuple[str, str], bool], repr=False, compare=False)
    """Which of its tensors hold the same numbers, as far as somebody has looked."""
    _others: dict[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)
    renamed: int = field(default=0, repr=False, compare=False)
    afar: Ranges | None = field(default=None, repr=False, compare=False)
    """Those of its weight files that lie elsewhere, and are read by ranges."""

    @property
    def words(self) -> Path:
        """The folder of its tokenizer."""
        return self.folder

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of it, whatever it is merged with."""
        return ()

    def read(self, name: str, rows: slice | None = None) -> Tensor:
        """The tensor, or a run of its rows, sharing memory with the file (treat it as read-only)."""
        return self._mapped(self.tensors[self.own(name)], rows)

    def own(self, name: str) -> str:
        """What the model calls a tensor that it is asked for under another prefix."""
        return name if name in self.tensors else self._others.get(name, name)

    def under(self, names: Mapping[str, str]) -> "Checkpoint":
        """The model with other names for some tensors, own -> other; from now on it knows them by both itself."""
        self._others.update({other: own for own, other in names.items()})
        tensors = {names.get(name, name): stored for name, stored in self.tensors.items()}
        return replace(self, tensors=tensors, _others={}, renamed=len(names))

    def _mapped(self, stored: Stored, rows: slice | None) -> Tensor:
        shape, offset = (stored.nbytes,) if stored.packed else stored.shape, stored.offset
        if stored.stride is not None:
            span = 1 + sum((n - 1) * step for n, step in zip(shape, stored.stride, strict=True))
            flat = torch.frombuffer(self.mapping(stored.file), dtype=stored.dtype, count=span, offset=offset)
            view = flat.as_strided(shape, stored.stride)
            return view if rows is None else view[rows]
        if rows is not None:
            start, stop, _ = rows.indices(shape[0])
            offset += start * (stored.nbytes // max(1, shape[0]))
            shape = (max(0, stop - start), *shape[1:])
        count = math.prod(shape)
        if count == 0:
            return torch.empty(shape, dtype=stored.dtype)
        if self.afar is not None and stored.file in self.afar.files:
            nbytes = count * stored.dtype.itemsize
            return torch.frombuffer(self.afar.read(stored.file, offset, nbytes), dtype=stored.dtype).reshape(shape)
        return torch.frombuffer(self.mapping(stored.file), dtype=stored.dtype, count=count, offset=offset).reshape(shape)

    def mapping(self, file: Path) -> MappedFile:
        """One of its files in memory; CheckpointError where it cannot be read, InputChanged where it is no longer as it was."""
        mapped = self._maps.get(file)
        if mapped is None:
            try:
                mapped = self._maps.setdefault(file, MappedFile.of(file, self.seen.get(file)))
            except OSError as error:
                raise CheckpointError(f"{file}: cannot be read: {error.strerror}.") from error
        mapped.check()
        return mapped

    def hold(self) -> None:
        """Map all its files now: what is deleted or replaced from here on is still read as it was."""
        for file in self.files:
            self.mapping(file)

    def check(self) -> None:
        """InputChanged where a file that was read has been cut or written to since it was opened."""
        for mapped in tuple(self._maps.values()):
            mapped.check()
        if self.afar is not None:
            self.afar.check()

    def changed(self) -> bool:
        """Whether it must be opened anew: a weight file is no longer what it was, in memory or on the disk."""
        try:
            self.check()
        except InputChanged:
            return True
        return any(look(file) != self.seen[file] for file in self._files if file in self.seen and file not in self._maps)

    @cached_property
    def _files(self) -> frozenset[Path]:
        return frozenset(stored.file for stored in self.tensors.values())

    @property
    def files(self) -> frozenset[Path]:
        """Those of its weight files that lie on this machine."""
        return self._files - self.afar.files.keys() if self.afar is not None else self._files

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The folders it is read from, with their weight files."""
        return (Piece(self.reference, self.folder, tuple(sorted(self._files))),)

    @property
    def numels(self) -> dict[str, int]:
        """Tensor name -> number of elements."""
        return {name: stored.numel for name, stored in self.tensors.items()}

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(stored.nbytes for stored in self.tensors.values())


def cached(file: Path, share: float = 0.95) -> bool:
    """Whether the system holds so much of a file in memory already, by a few of its bytes; False where it does not say."""
    try:
        handle = os.open(file, os.O_RDONLY)
        try:
            size, pages = os.fstat(handle).st_size, 0
            for i in range(_LOOKS):
                with contextlib.suppress(BlockingIOError):  # it would have to be read from the disk
                    pages += os.preadv(handle, [bytearray(1)], size * i // _LOOKS, os.RWF_NOWAIT)
            return pages >= share * _LOOKS
        finally:
            os.close(handle)
    except (OSError, AttributeError):  # a file system without it, macOS, Windows
        return False


_LOOKS = 256


@contextlib.contextmanager
def read_by_files(models: Iterable[Checkpoint], files: Collection[Path]) -> Generator[None]:
    """While this lasts, the compiled passes read these files of the models instead of touching mapped memory."""
    handles: dict[int, tuple[int, windows.Handle]] = {}
    for model in models:
        for file in {stored.file for stored in model.tensors.values()} & {*files} if type(model) is Checkpoint else ():
            mapped = model.mapping(file)
            begin = address(mapped)
            if begin not in handles:
                handle = windows.Handle(file)
                handles[begin] = (len(mapped), handle)
                if Seen.of(os.fstat(handle.number)) != mapped.seen:  # another has its name now
                    raise written_to(file)
                if hasattr(os, "posix_fadvise"):  # tensors come by size: reading on past their end is for nothing
                    os.posix_fadvise(handle.number, 0, 0, os.POSIX_FADV_RANDOM)
    with windows.reading(handles):
        yield


def open_checkpoint(reference: str, folder: Path) -> Checkpoint:
    """Read the headers of a model folder's weight files and its config.json. CheckpointError names the file.

    Weights are safetensors files or, where there are none, PyTorch .bin files, of which no code is run.
    """
    seen = look_around(folder)
    small_files.check_links(folder)
    files, places = _weight_files(reference, folder)
    tensors = read_headers(files, places)
    if not tensors:
        raise CheckpointError(f"{folder}: its {files[0].suffix.removeprefix('.')} files hold no tensors.")
    return Checkpoint(reference, folder, tensors, read_json(folder / "config.json", required=False), seen)


def look_around(folder: Path) -> dict[Path, Seen]:
    """What a model's files are like before the first is read. CheckpointError where one is a pipe, a device or a socket, or the
    folder is one that a merge works in."""
    try:
        seen = look_into(folder)
    except OSError as error:
        raise CheckpointError(f"{error.filename or folder}: cannot be read: {error.strerror}.") from None
    if any(file.name == JOURNAL or file.name.startswith(f"{JOURNAL}-") for file in seen):
        raise CheckpointError(f"{folder}: is the working folder of a merge that has not finished; let it finish first.")
    return seen


def read_headers(files: Sequence[Path], places: Mapping[str, str] | None = None) -> dict[str, Stored]:
    """The tensors of several files, safetensors or .bin. A name in two of them is refused, unless an index says which counts.

    places  tensor -> file name, as an index says it
    """
    return together(((f, read_header(f) if f.suffix == ".safetensors" else _unpickled(f)) for f in files), places or {})


def together(headers: Iterable[tuple[Path, Mapping[str, Stored]]], places: Mapping[str, str], of: str = "") -> dict[str, Stored]:
    """The headers of a model's files as one; `places` as in read_headers, `of` the model's name where the files are elsewhere."""
    tensors: dict[str, Stored] = {}
    for file, header in headers:
        for name, stored in header.items():
            if name in tensors and places.get(name) == tensors[name].file.name:
                continue
            if name in tensors and places.get(name) != file.name:
                where = f"{of}: {file.name}" if of else file
                raise CheckpointError(f"{where}: {name} is also in {tensors[name].file.name}; one of the files is left over.")
            tensors[name] = stored
        check_count(len(tensors), of or str(file.parent))
    again = ("lm_head.weight",)  # may be listed where it is the embeddings again
    lost = next((n for n in places if n not in tensors and not is_buffer(n, ()) and not n.endswith(again)), None)
    if lost is not None and tensors:
        where = of or next(iter(tensors.values())).file.parent
        raise CheckpointError(
            f"{where}: its index says that {lost[:200]!r} is in {places[lost]}, and no file holds it; download the model again."
        )
    return tensors


def check_count(tensors: int, where: str, afar: bool = False) -> None:
    """CheckpointError for more tensors than a model has: each takes memory before a weight is read."""
    if tensors > (AFAR_TENSORS if afar else TENSORS):
        what = "too many to look into from afar; download the model first" if afar else "no model has so many"
        raise CheckpointError(f"{where}: names more than {AFAR_TENSORS if afar else TENSORS:,} tensors; {what}.")


def _unpickled(file: Path) -> dict[str, Stored]:
    return {name: Stored(p.shape, p.dtype, file, p.offset, p.stride) for name, p in read_places(file).items()}


def _weight_files(reference: str, folder: Path) -> tuple[list[Path], Mapping[str, str]]:
    """The files of a model, and which of them holds which tensor where an index says so."""
    kinds = ((INDEX, "model.safetensors", "*.safetensors"), (_BIN_INDEX, "pytorch_model.bin", "pytorch_model*.bin"))
    for index, one, several in kinds:
        if there(folder / index):
            return _listed(folder / index)
        files = sorted(f for f in folder.glob(several) if not f.name.startswith("adapter_model"))
        if (folder / one) in files:
            return [folder / one], {}
        if files:
            return files, {}
    if there(folder / "adapter_config.json"):
        base = read_json(folder / "adapter_config.json").get("base_model_name_or_path") or "its base model"
        raise CheckpointError(f"{reference}: this is a LoRA, not a model.\n  Write the model before it: {base}+{reference}")
    if any(folder.glob("*.gguf")):
        raise CheckpointError(
            f"{reference}: the folder {folder} holds GGUF files only, which are quantized.\n"
            "  Take the model they were made from, or load one dequantized in transformers (gguf_file=...) and "
            "save_pretrained it."
        )
    raise CheckpointError(f"{reference}: the folder {folder} holds no .safetensors files and no pytorch_model.bin.")


def _listed(index: Path) -> tuple[list[Path], Mapping[str, str]]:
    """The files an index names, with what it says; all must be there."""
    folder, listed = index.parent, weight_map(index)
    names = sorted(set(listed.values()))
    if any(Path(name).name != name or "\\" in name for name in names):
        raise CheckpointError(f"{index}: names a file outside the model's folder.")
    odd = next((name for name in names if not name.isprintable() or len(name) > 255), None)
    if odd is not None:
        raise CheckpointError(f"{index}: {odd[:40]!a} is not the name of a weight file.")
    if len(names) > SHARDS:
        raise CheckpointError(f"{index}: names {len(names):,} files; no model has more than {SHARDS:,}.")
    missing = [name for name in names if not is_file(folder / name)]
    if missing:
        raise CheckpointError(
            f"{folder}: {len(missing)} of {len(names)} files are missing, the first is {missing[0]}.\n"
            "  The download is incomplete; download the model again."
        )
    return [folder / name for name in names], listed


def weight_map(index: Path) -> dict[str, str]:
    """Which file holds which tensor, as an index says it."""
    listed = small_files.read_json(index, INDEX_BYTES, 2 * TENSORS).get("weight_map")
    check_count(len(listed) if isinstance(listed, dict) else 0, str(index))
    if not isinstance(listed, dict) or not listed or not all(isinstance(v, str) for v in listed.values()):
        raise CheckpointError(f"{index}: `weight_map` must map tensor names to files.")
    return listed


def read_header(file: Path) -> dict[str, Stored]:
    """The tensors of one safetensors file, from its header; every claim is checked against the file's size."""
    try:
        with open_regular(file) as handle:
            size = os.fstat(handle.fileno()).st_size
            length = int.from_bytes(handle.read(8), "little")
            if size < 8 or length > min(HEADER_BYTES, size - 8):
                raise CheckpointError(f"{file}: not a safetensors file, or its beginning is damaged ({size} bytes).")
            raw = handle.read(length)
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read: {error.strerror}.") from None
    return parse_header(file, raw, size)


def parse_header(file: Path, raw: bytes, size: int) -> dict[str, Stored]:
    """The tensors that a safetensors header of a file of `size` bytes names; the file itself may be elsewhere."""
    length = len(raw)
    check_header(raw, str(file))
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{file}: its header is damaged; download the file again.") from None
    if not isinstance(header, dict):
        raise CheckpointError(f"{file}: its header is no table of tensors.")
    header.pop("__metadata__", None)
    broken = next((name for name in header if not name.isprintable() or len(name) > NAME_CHARACTERS), None)
    if broken is not None:
        raise CheckpointError(f"{file}: {broken[:80]!a} is not the name of a tensor; the header is damaged.")
    return {name: _stored(file, name, entry, 8 + length, size) for name, entry in header.items()}


def check_header(raw: bytes, where: str, afar: bool = False) -> None:
    """CheckpointError for a header of too many tensors or numbers; counted, not parsed, for that takes memory already."""
    check_count(raw.count(b"{") - 2, where, afar)  # the table itself and its metadata
    if raw.count(b",") > 24 * (AFAR_TENSORS if afar else TENSORS):
        raise CheckpointError(f"{where}: its header holds more numbers than its tensors can need.")


def _stored(file: Path, name: str, entry: Any, start: int, size: int) -> Stored:
    try:
        code, shape, (first, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = (*shape, first, end)
        fine = isinstance(code, str) and len(shape) <= 16 and all(type(n) is int and 0 <= n < 1 << 48 for n in numbers)
    except (KeyError, TypeError, ValueError):
        fine, code, shape, first, end = False, "", [], 0, 0
    if not fine:
        raise CheckpointError(f"{file}: the header's entry for {name!r} is damaged.")
    if code not in DTYPES and code not in _PACKED:
        raise CheckpointError(
            f"{file}: {name} is stored as {str(code)[:40]!r}, a type of numbers that is not known here.\n"
            "  Take the model in a 16-bit type, or a newer version of this program."
        )
    packed = code if code in _PACKED else ""
    stored = Stored(tuple(shape), torch.uint8 if packed else DTYPES[code], file, start + first, packed=packed)
    if stored.nbytes != end - first:
        raise CheckpointError(f"{file}: {name} needs {stored.nbytes} bytes, its header gives it {end - first}.")
    if start + end > size:
        raise CheckpointError(
            f"{file}: truncated: {name} ends at byte {start + end}, the file has {size}.\n  Download the file again."
        )
    return stored


def read_json(path: Path, required: bool = True) -> dict[str, Any]:
    """A JSON object from a file of a model; {} where it is not required and not there."""
    if not required and not there(path):
        return {}
    return small_files.read_json(path)


# ---------------------------------------------------------------------------------------------- writing


@dataclass(frozen=True)
class Slot:
    """Where an output tensor goes, known before any is made. `packed` as in Stored."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    packed: str = ""

    @property
    def nbytes(self) -> int:
        return _nbytes(self.shape, self.dtype, self.packed)


def shards(slots: Sequence[Slot], limit: int, count_parameters: bool = False) -> list[list[Slot]]:
    """Split in order into files of at most `limit` bytes (or parameters); a larger tensor gets its own file."""
    files: list[list[Slot]] = [[]]
    used = 0
    for slot in slots:
        size = math.prod(slot.shape) if count_parameters else slot.nbytes
        if files[-1] and used + size > limit:
            files.append([])
            used = 0
        files[-1].append(slot)
        used += size
    return files


def parse_size(text: str, of: str = "") -> tuple[int, bool]:
    """A shard size: `1B` is parameters (as mergekit's help says), `5GB` is bytes. Returns (limit, counts parameters).

    >>> parse_size("1B"), parse_size("500MB")
    ((1000000000, True), (500000000, False))
    """
    units = {"K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9}
    body = text.strip().upper()
    in_bytes = len(body) > 1 and body.endswith("B") and body[-2] in "KMG"
    digits = body[:-2] if in_bytes else body[:-1] if body[-1:] in units else body
    unit = units.get(body[-2] if in_bytes else body[-1:], 1)
    try:
        limit = int(float(digits) * unit)
    except (ValueError, OverflowError):
        limit = -1
    if limit < 1:
        if of:
            raise MergeError(f"{of} {text}: write a size, such as 2GB.")
        raise MergeError(f"{text!r} is not a shard size; write 5GB (bytes) or 1B (parameters).")
    return limit, not in_bytes


def file_names(count: int) -> list[str]:
    """What the shards of a model are called.

    >>> file_names(1), file_names(2)[1]
    (['model.safetensors'], 'model-00002-of-00002.safetensors')
    """
    return ["model.safetensors"] if count == 1 else [f"model-{i + 1:05d}-of-{count:05d}.safetensors" for i in range(count)]


class ShardWriter:
    """Writes safetensors shards into a folder: headers and sizes first, then each tensor at its offset, in any order.

    files  all files of the model, `only` the numbers of those that are written here; default: all
    keep   write into files that are there already, and leave what they hold
    dirty  bytes that may wait in memory for the disk; None: as many as the system likes

    Threads may write at the same time. `write_index` makes the folder whole; until then it does not look so.
    """

    def __init__(
        self, folder: Path, files: Sequence[Sequence[Slot]], metadata: Mapping[str, str], only: Sequence[int] | None = None,
        keep: bool = False, dirty: int | None = None,
    ) -> None:  # fmt: skip
        self._dirty = dirty
        self._unsettled: deque[tuple[int, int, int]] = deque()
        self._waiting, self._lock = 0, threading.Lock()
        self._metadata = dict(metadata)
        self._places: dict[str, tuple[Path, int, Slot]] = {}
        self._sums: dict[str, Sum] = {}
        self._handles: dict[Path, int] = {}
        self.lost = set[str]()
        """Tensors of files that were to be kept, and are not there as they were laid out."""
        try:
            for i, name in enumerate(file_names(len(files))):
                if only is None or i in only:
                    self._create(folder / name, files[i], keep)
        except BaseException:
            self.close()  # an open handle would keep the space of a deleted file
            raise

    def _create(self, path: Path, slots: Sequence[Slot], keep: bool) -> None:
        head, nbytes = header(slots, self._metadata), sum(slot.nbytes for slot in slots)
        if keep and not begins_with(path, head, len(head) + nbytes):
            self.lost |= {slot.name for slot in slots}
            keep = False
        with full_disk(path):
            self._handles[path] = os.open(path, os.O_RDWR | os.O_CREAT | (0 if keep else os.O_TRUNC), 0o666)
            reserve(self._handles[path], len(head) + nbytes)
            write_at(self._handles[path], head, 0)
        offset = len(head)
        for slot in slots:
            self._places[slot.name] = (path, offset, slot)
            offset += slot.nbytes

    def write(self, name: str, tensor: Tensor, first: int = 0) -> None:
        """Put a tensor's elements from `first` on in their place; the dtype must be the one promised."""
        path, offset, slot = self._places[name]
        flat = tensor.detach().contiguous().cpu().reshape(-1)
        if tensor.dtype != slot.dtype or first + flat.numel() > math.prod(slot.shape):
            raise ValueError(f"{name}: promised {slot.shape} {slot.dtype}, got {tuple(tensor.shape)} {tensor.dtype} at {first}")
        if flat.numel():
            with full_disk(path):
                offset += first * slot.dtype.itemsize
                data = flat.view(torch.uint8).numpy().data
                write_at(self._handles[path], data, offset)
                self._add(name, data, first * slot.dtype.itemsize)
                if self._dirty is not None:
                    self._settle((self._handles[path], offset, flat.nbytes), self._dirty)

    def _settle(self, written: tuple[int, int, int], most: int) -> None:
        """Send what was written on to the disk; wait for the oldest stretches where more than `most` bytes are on the way.

        Else a memory limit fills up with pages that only the disk can free, and everything waits for the system to notice.
        """
        build.settle(*written, wait=False)
        with self._lock:
            self._unsettled.append(written)
            self._waiting += written[2]
        while True:
            with self._lock:
                if self._waiting <= most:
                    return
                oldest = self._unsettled.popleft()
                self._waiting -= oldest[2]
            build.settle(*oldest, wait=True)

    def _add(self, name: str, data: memoryview, first: int) -> None:
        """Count in what was written from a byte of a tensor on; what does not come in order is not summed."""
        if not first:
            self._sums[name] = Sum()
        so_far = self._sums.setdefault(name, Sum())
        if so_far.nbytes == first:
            so_far.add(data)

    def sum(self, name: str) -> str:
        """The sum of a tensor that is written; "" unless all of it came in order."""
        so_far = self._sums.pop(name, Sum())
        return so_far.word() if so_far.nbytes == self._places[name][2].nbytes else ""

    def kept(self, name: str, word: str) -> bool:
        """Whether what lies there of a tensor has this sum."""
        path, offset, slot = self._places[name]
        return sum_of(self._handles[path], offset, slot.nbytes) == word

    def sync(self) -> None:
        """Wait until the disk has what was written."""
        for path, handle in self._handles.items():
            with full_disk(path):
                os.fsync(handle)

    def close(self) -> None:
        """Close the files; what is missing stays missing."""
        for handle in self._handles.values():
            os.close(handle)
        self._handles.clear()


def header(slots: Sequence[Slot], metadata: Mapping[str, str]) -> bytes:
    """The beginning of a safetensors file that holds these tensors, in this order."""
    table: dict[str, Any] = {"__metadata__": {"format": "pt", **metadata}}
    offset = 0
    for slot in slots:
        table[slot.name] = {
            "dtype": slot.packed or _CODES[slot.dtype], "shape": list(slot.shape),
            "data_offsets": [offset, offset + slot.nbytes],
        }  # fmt: skip
        offset += slot.nbytes
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text


def write_index(folder: Path, files: Sequence[Sequence[Slot]], metadata: Mapping[str, str]) -> None:
    """The table of which file holds which tensor, for models of several files. The last thing to write."""
    if len(files) > 1:
        weight_map = {slot.name: name for name, slots in zip(file_names(len(files)), files, strict=True) for slot in slots}
        size = sum(slot.nbytes for slots in files for slot in slots)
        index = {"metadata": {"total_size": size, **metadata}, "weight_map": weight_map}
        with full_disk(folder / INDEX):
            (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def reserve(handle: int, size: int) -> None:
    """Claim the space now, so that a full disk is found before the work and not in the middle of it."""
    try:
        os.posix_fallocate(handle, 0, size)
    except AttributeError:  # no posix_fallocate on macOS and Windows
        os.truncate(handle, size)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        os.truncate(handle, size)  # a file system without fallocate


def begins_with(path: Path, header: bytes, size: int) -> bool:
    """Whether a file of this size is there that begins so."""
    try:
        with open_regular(path) as handle:
            return os.fstat(handle.fileno()).st_size == size and handle.read(len(header)) == header
    except OSError:
        return False


def write_at(handle: int, data: bytes | memoryview, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        done = os.pwrite(handle, rest[: 1 << 30], offset)
        rest, offset = rest[done:], offset + done


@contextlib.contextmanager
def full_disk(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        free = ""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            with contextlib.suppress(OSError):
                free = f" ({shutil.disk_usage(path.parent).free:,} bytes free)"
        raise MergeError(f"{path}: cannot be written: {error.strerror}{free}.") from error


def format_bytes(nbytes: int) -> str:
    """Bytes for people.

    >>> format_bytes(2_340_000_000)
    '2.3 GB'
    """
    value = float(nbytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
