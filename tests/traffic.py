"""Bytes that a GPU's memory moves for an element of a merged tensor, counted without a GPU: `python tests/traffic.py`, a table.

torch's operations are counted by what they take and give (a dispatch mode), Triton's kernels in its interpreter by what they load
and store: what one program asks for twice lies in its cache and counts once. Tables of counts are the same for tensors of any
size, so what an element takes is the difference between two sizes; the part of them that grows with a tensor is added.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

from test_kernels import job, models, reads  # noqa: E402
from tritons import interpreting  # noqa: E402

from merger.engine import fused  # noqa: E402
from merger.engine.arguments import Arguments  # noqa: E402
from merger.engine.tensor import merge_tensor  # noqa: E402
from merger.kernels import gpu, magnitudes  # noqa: E402
from merger.methods import METHODS  # noqa: E402

SIZES = (1, 4096), (3, 4096)
MOVED = {"density": 0.37, "weight": 0.45, "t": 0.3, "scale": 0.7}
"""The number that is moved, the first of these that a method has; from 0.5."""


class Traffic(TorchDispatchMode):
    """Counts bytes while it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0
        self.questions = 0
        """Tables of counts that were made."""
        self.launching = False
        """In a launch the interpreter copies tensors; a GPU does not."""
        self._seen: set[tuple[int, int]] = set()
        self._at: Any = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        made = func._schema.name.startswith("aten::empty")  # nothing is written to it yet
        if (
            not self.launching
            and not made
            and not any(a.alias_info is not None and not a.alias_info.is_write for a in func._schema.arguments)
        ):  # no view
            self.bytes += sum(t.nbytes for t in _tensors((args, kwargs, out)) if not _counts(t))
        return out

    def forget(self) -> None:
        """The next launch has nothing in its caches."""
        self._at = None

    def touched(self, builder: Any, pointers: Any, mask: Any, size: int) -> None:
        """What a program has loaded or stored."""
        if builder.grid_idx != self._at:
            self._at = builder.grid_idx
            self._seen.clear()
        own = {(int(at), size) for at in pointers[mask].ravel()} - self._seen
        self._seen |= own
        self.bytes += size * len(own)


def _counts(tensor: Tensor) -> bool:
    """Whether it is a table of counts, or made from one: these are as large for any tensor."""
    return not tensor.is_floating_point() and tensor.numel() >= magnitudes.CELLS // 2


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _tensors(one)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


@contextlib.contextmanager
def counting() -> Iterator[Traffic]:
    """Count what torch and the interpreted kernels move; adding to counts is added for each table, as caches hold them."""
    from triton.runtime import interpreter

    builder = interpreter.interpreter_builder
    load, store, counts, change = builder.create_masked_load, builder.create_masked_store, gpu._counts, builder.create_atomic_rmw
    traffic, launch, ranking = Traffic(), interpreter.GridExecutor.__call__, [False]

    def loaded(pointers: Any, mask: Any, *more: Any) -> Any:
        made = load(pointers, mask, *more)
        if not ranking[0] or made.data.dtype != "int32":  # the table of limits; words and tensors have other types
            traffic.touched(builder, pointers.data, mask.data, made.data.itemsize)
        return made

    def changed(op: Any, pointers: Any, value: Any, mask: Any, *more: Any) -> Any:
        if ranking[0]:  # a mask's word is read and written
            traffic.touched(builder, pointers.data, mask.data, 2 * value.data.itemsize)
        return change(op, pointers, value, mask, *more)

    def stored(pointers: Any, value: Any, mask: Any, *more: Any) -> Any:
        traffic.touched(builder, pointers.data, mask.data, value.data.itemsize)
        return store(pointers, value, mask, *more)

    def launched(*args: Any, **more: Any) -> Any:
        traffic.launching, ranking[0] = True, args[0].fn.__name__ == "ranked"
        try:
            return launch(*args, **more)
        finally:
            traffic.launching = ranking[0] = False
            traffic.forget()

    def counted(tensors: Any, base: Any, asked: Any, tables: int) -> Any:
        traffic.questions += len(asked) * asked[0][4]  # those of all elements, which grow in number
        return counts(tensors, base, asked, tables)

    with (
        mock.patch.object(builder, "create_masked_load", loaded), mock.patch.object(builder, "create_masked_store", stored),
        mock.patch.object(builder, "create_atomic_rmw", changed),
        mock.patch.object(interpreter.GridExecutor, "__call__", launched), mock.patch.object(gpu, "_counts", counted), traffic,
    ):  # fmt: skip
        yield traffic


@dataclass(frozen=True)
class Row:
    """Bytes an element of a method with a base and two models (fewer, where it takes fewer), of one type."""

    method: str
    floor: int
    first: float
    moved: float


def row(name: str, dtype: torch.dtype, **more: object) -> Row:
    """What a first merge takes, and one after a number was moved."""
    method = METHODS[name]
    n = max(method.models[0], min(2, method.models[1] or 2))
    moves = next((key for key in MOVED if key in {p.name for p in method.params}), None)
    found: list[list[float]] = []
    for shape in SIZES:
        held, known = models(n, shape, dtype), fused.Known()
        todo = job(name, n, shape, {**_given(name, n), **more}, dtype)
        taken: list[float] = []
        for value in (0.5, MOVED.get(moves or "", 0.5)):
            given = dict(todo.args)
            if moves:
                given[moves] = tuple(value - 0.01 * i for i in range(n)) if isinstance(given.get(moves), tuple) else value
            with interpreting(), mock.patch.object(fused, "_LADDERED", (0, 1 << 32)), counting() as traffic:
                merge_tensor(replace(todo, args=Arguments(given)), reads(held), known=known)
            grown = traffic.questions * magnitudes.CELLS * 4 * 2 / gpu.SPREAD * shape[0] * shape[1]  # made zero, and added up
            taken.append(traffic.bytes + grown)
        found.append(taken)
    count = SIZES[1][0] * SIZES[1][1] - SIZES[0][0] * SIZES[0][1]
    first, moved = ((b - a) / count for a, b in zip(*found, strict=True))
    read = len(todo.sources) + (fused.base_of(todo) is not None)
    return Row(name, (read + 1) * dtype.itemsize, first, moved)


def _given(name: str, n: int) -> dict[str, object]:
    own = {p.name: p for p in METHODS[name].params}
    each = {key: (0.5,) * n for key in ("weight", "density") if key in own and own[key].per_model}
    return each | ({"t": 0.5} if "t" in own else {})


NAMES = [m.name for m in METHODS.values() if m.law.compiled and m.law.trim in gpu.TRIMS]
HEAD = ["| method | floor | first | moved | float32: floor | first | moved |", "|---|---:|---:|---:|---:|---:|---:|"]


def line(name: str, rows: Sequence[Row]) -> str:
    """A line of the table in docs/performance.md: its rows in bfloat16 and float32."""
    return f"| {name} | " + " | ".join(f"{r.floor} | {r.first:.1f} | {r.moved:.1f}" for r in rows) + " |"


if __name__ == "__main__":
    print("\n".join([*HEAD, *(line(name, [row(name, dtype) for dtype in (torch.bfloat16, torch.float32)]) for name in NAMES)]))
