"""How a model becomes a GGUF file: learnt from llama.cpp's converter, in a process of its own; nothing of it is known here."""

import contextlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from merger.engine.companions import tokenizer_folder
from merger.engine.document import reader
from merger.engine.plan import Plan
from merger.engine.tensor import merge_tensor
from merger.errors import MergeError
from merger.files.checkpoints import Checkpoint
from merger.files.texts import is_mapping
from merger.gguf.kinds import Kind
from merger.gguf.process import Converter, end, paths, running
from merger.tokenizer.tokens import read_vocabulary

_NOT_TOLD = frozenset({"auto_map", "quantization_config", "custom_pipelines", "name_or_path", "tokenizer_class"})
"""What of a config names code or says how to load: the converter does not hear of it."""


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


@contextlib.contextmanager
def asked(
    plan: Plan, models: Mapping[str, Checkpoint], kind: Kind, name: str, home: Path, cancelled: Callable[[], bool]
) -> Generator[tuple[Recast, Converter]]:
    """What the converter says of a plan's output, and the converter for what only it can make.

    name  of the model, which stands in the file
    home  an empty folder for what is passed on
    """
    where = paths()
    with (
        running(home, lambda name: merge_tensor(plan.job(name), reader(models)), cancelled) as converter,
        tokenizer_folder(plan, models) as words,
    ):
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
            end(converter.process)  # all is known
        yield found, converter


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


__all__ = ["Place", "Recast", "Turn", "asked"]
