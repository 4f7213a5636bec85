"""A merge's tensors as llama.cpp wants them: rows in its order, packed into its types. Others say where the bytes go."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from merger.engine.plan import TensorJob
from merger.errors import MergeError
from merger.export.mapping import Recast, Turn
from merger.gguf.kinds import packed_rows
from merger.gguf.process import Converter

Packed = bytes | memoryview
Put = Callable[[str, int, Packed], None]
Pack = Callable[[Tensor, str], NDArray[np.uint8]]


class TooLarge(MergeError):
    """A weight is beyond what float16 holds."""


@dataclass
class _Coming:
    """A source that comes piece by piece. left: numbers to come; rest: of a row that was not whole."""

    job: TensorJob
    left: int
    rest: Tensor | None = None

    @property
    def width(self) -> int:
        """Numbers of a row; a vector's rows are its numbers."""
        return self.job.shape[-1] if len(self.job.shape) > 1 else 1


@dataclass(frozen=True)
class _Rows:
    """Where a turn puts the rows of its source: sorted by the source's rows."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]


class Turning:
    """Turns and packs the merge's tensors as the converter would. Threads may write different tensors at the same time.

    jobs  the tensors that will come; of those that only the converter can make, all that it makes them of
    put   takes bytes of a tensor of the file: its name, where in it they begin, and what they are
    pack  makes them, as `packed_rows`
    """

    def __init__(
        self, recast: Recast, jobs: Sequence[TensorJob], converter: Converter, put: Put, pack: Pack = packed_rows
    ) -> None:
        self._recast, self._converter, self._put, self._pack = recast, converter, put, pack
        self._coming = {job.name: _Coming(job, job.numel) for job in jobs}
        turned = (turn for name in self._coming for turn in recast.turns.get(name, ()))
        self._rows = {id(turn): _sorted(turn.rows) for turn in turned if turn.rows is not None}
        made = {into: set(sources) for into, sources in recast.whole.items() if self._coming.keys() >= {*sources}}
        self._waiting = made
        self._whole = {source: i for i, source in enumerate(sorted({s for sources in made.values() for s in sources}))}
        self._lock = threading.Lock()

    def write(self, name: str, tensor: Tensor, first: int = 0) -> None:
        """A tensor's elements from `first` on, wherever they go."""
        coming = self._coming[name]
        flat = tensor.detach().cpu().reshape(-1)
        if name in self._whole:
            with self._file(name).open("r+b" if first else "wb") as file:
                file.seek(first * flat.element_size())
                file.write(flat.contiguous().view(torch.uint8).numpy().data)
        coming.left -= flat.numel()
        if name in self._recast.turns:
            if coming.rest is not None:
                first -= coming.rest.numel()
                flat = torch.cat([coming.rest, flat])
            width = coming.width
            count = flat.numel() // width
            coming.rest = flat[count * width :].clone() if count * width < flat.numel() else None
            rows = flat[: count * width].view(count, width)
            for turn in self._recast.turns[name]:
                self._turned(name, turn, rows, first // width)
        if coming.left <= 0:
            self._made(name)

    def _turned(self, name: str, turn: Turn, rows: Tensor, first: int) -> None:
        """Pack those of the source's rows from `first` on that a tensor of the file has, and write them."""
        place = self._recast.places[turn.into]
        if turn.rows is None:
            picked, targets = rows, np.arange(first, first + len(rows))
        else:
            known = self._rows[id(turn)]
            low, high = np.searchsorted(known.source, [first, first + len(rows)])
            order = np.argsort(known.target[low:high])
            targets = known.target[low:high][order]
            picked = rows[torch.from_numpy(known.source[low:high][order] - first)]
        if picked.dtype not in (torch.float16, torch.float32) and (turn.add or picked.dtype != torch.bfloat16):
            picked = picked.float()  # as the converter does, before it adds anything
        for some, at in _pieces(picked + turn.add if turn.add else picked, targets):
            packed = self._pack(some, place.kind)
            if place.kind == "f16":
                self._check_half(name, some, packed)
            for low, high in _runs(at):
                some_rows = np.ascontiguousarray(packed[low:high]).reshape(-1)
                self._put(turn.into, (turn.start + int(at[low])) * place.row_bytes, some_rows.data)

    def _check_half(self, name: str, rows: Tensor, packed: NDArray[np.uint8]) -> None:
        """MergeError where float16 makes infinities of numbers."""
        if rows.dtype != torch.float16 and ((np.ascontiguousarray(packed).view(np.uint16) & 0x7FFF) == 0x7C00).any():
            largest = float(rows[rows.isfinite()].abs().max()) if rows.isfinite().any() else 0.0
            if largest > 65504:
                raise TooLarge(f"{name}: holds numbers up to {largest:,.0f}, and f16 ends at 65,504; write bf16 or q8_0 instead.")

    def _made(self, name: str) -> None:
        """A source is whole: the converter makes what was waiting for it last."""
        if name not in self._whole:
            return
        with self._lock:
            ready = [into for into, sources in self._waiting.items() if sources == {name} or not sources]
            for sources in self._waiting.values():
                sources.discard(name)
            for into in ready:
                del self._waiting[into]
                self._convert(into)
            if not any(name in self._recast.whole[into] for into in self._waiting):
                self._file(name).unlink()

    def _convert(self, into: str) -> None:
        names = self._recast.whole[into]
        sources = {n: [str(self._file(n)), str(self._coming[n].job.out).removeprefix("torch.")] for n in names}
        made, place = self._converter.home / "made", self._recast.places[into]
        answer = self._converter.ask({"into": into, "sources": sources, "file": str(made)})
        if answer["bytes"] != place.nbytes:
            raise MergeError(f"llama.cpp's converter made {into} of {answer['bytes']:,} bytes, and had said {place.nbytes:,}.")
        with made.open("rb") as file:
            at = 0
            while some := file.read(1 << 22):
                self._put(into, at, some)
                at += len(some)
        made.unlink()

    def _file(self, name: str) -> Path:
        return self._converter.home / f"source-{self._whole[name]}"


def _sorted(rows: NDArray[np.int64]) -> _Rows:
    order = np.argsort(rows, kind="stable")
    return _Rows(rows[order], order)


_NUMBERS = 1 << 18
"""That are packed at a time: what is made in between stays in a processor's cache, which is three times as fast as with four
times as many."""


def _pieces(rows: Tensor, targets: NDArray[np.int64]) -> Iterator[tuple[Tensor, NDArray[np.int64]]]:
    step = max(1, _NUMBERS // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        yield rows[start : start + step], targets[start : start + step]


def _runs(targets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Stretches of rows that lie one after the other in the file.

    >>> list(_runs(np.array([3, 4, 5, 9, 10])))
    [(0, 3), (3, 5)]
    """
    ends = [*(np.flatnonzero(np.diff(targets) != 1) + 1).tolist(), len(targets)]
    yield from zip([0, *ends[:-1]], ends, strict=True)


__all__ = ["Pack", "Packed", "Put", "TooLarge", "Turning"]
