"""The passes of cpu.c on a GPU: the same numbers and bits, for tensors that stay in the device's memory.

A merge is one launch for a tensor, written in Triton (triton.py), which torch for CUDA brings along. Where Triton is missing or
fails there are no passes, and the method's own torch function merges on the GPU, with the same bits and more memory.
"""

import functools
import logging
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from merger.kernels.devices import current, out_of_memory
from merger.kernels.magnitudes import CELLS, ROW, WHOLE, Range, bracket, ladder, of_all
from merger.kernels.passes import ADDED, ALL, MIXED, RANDOM, Combine, Ladder, Trim
from merger.limits import RECIPE_MODELS
from merger.methods.ops import GROUP
from merger.methods.trims import chances, shares

MOST_MODELS = RECIPE_MODELS
TRIMS = frozenset({"all", "largest", "middle", "random", "ranked"})
"""Trims of laws that the kernels do."""
ELEMENTS = 1 << 31
"""Of a tensor, fewer than these: counts are 32 bits wide, and all of a delta may be 0 (fused experts that nobody trained)."""
RANKED_ROW = 1 << 16
"""Elements of a row that has ranks, at most: the work grows with their square beyond a few thousand."""
_BLOCK, _RANKED, _WARPS = 1024, 4096, 16
_TABLES, SPREAD = 16, 1 << 23
"""Tables of counts in which all elements are counted, of all models at most; each has one more for each so many elements."""
_UNROLLED = 4
"""Models that the kernel which merges has registers for, at most."""
_QUESTIONS = 8
"""Tables of counts that one pass fills, at most."""
_DTYPES = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2}
OUTS = frozenset(_DTYPES) - ({torch.float16} if torch.version.hip else set[torch.dtype]())
"""Types that are written; AMD's compiler rounds the last product once where float16 is written, not in float32 first."""
log = logging.getLogger(__name__)


class TritonError(Exception):
    """A launch failed: there are no passes any more, and the job is to be done without."""


def available() -> bool:
    """Whether Triton is there, as far as is known before its first launch."""
    return _kernels() is not None


def supports(tensors: Sequence[Tensor]) -> bool:
    """Whether these tensors can be given to the passes."""
    return len(tensors) <= MOST_MODELS + 1 and all(t.dtype in _DTYPES for t in tensors)


def combine(what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None, first: int = 0) -> None:
    """As `cpu.combine`. TritonError where Triton does not work here; torch's own error where memory runs out."""
    _run(lambda kernels: _launch(kernels, what, out, tensors, base, first), out.device)


def lengths(tensors: Sequence[Tensor], base: Tensor | None, trims: Sequence[Trim]) -> list[tuple[float, float]]:
    """As `cpu.lengths`, of all in one pass."""
    n, count = tensors[0].numel(), len(tensors)
    groups = -(-n // GROUP)
    sums = torch.empty(2 * count, groups, dtype=torch.float64, device=tensors[0].device)

    def look(kernels: Any) -> None:
        words, aligned = _words(tensors, base, trims)
        kernels.summed[(groups,)](
            sums, *_there(sums.device, words, _numbers(trims)), count, n, groups, BASE=base is not None, ALIGNED=aligned,
            DTYPE=_dtype(tensors, base), enable_fp_fusion=False,
        )  # fmt: skip

    _run(look, sums.device)
    found = _totals(sums)
    return list(zip(found[:count], found[count:], strict=True))


def _totals(sums: Tensor) -> list[float]:
    """Each row added up in the order of `ops.total`, whose groups these are the sums of. (rows, groups) float64."""

    def add(kernels: Any) -> None:
        nonlocal sums
        rows, groups = sums.shape
        totals = torch.empty(rows, -(-groups // GROUP), dtype=torch.float64, device=sums.device)
        kernels.totalled[(totals.shape[1], rows)](totals, sums, groups, totals.shape[1], enable_fp_fusion=False)
        sums = totals

    while sums.shape[1] > 1:
        _run(add, sums.device)
    return sums[:, 0].tolist()


def products(tensors: Sequence[Tensor], base: Tensor | None) -> Tensor:
    """As `cpu.products`, on the CPU."""
    n, count = tensors[0].numel(), len(tensors)
    groups = -(-n // GROUP)
    sums = torch.empty(count * (count + 1) // 2, groups, dtype=torch.float64, device=tensors[0].device)

    def look(kernels: Any) -> None:
        words, aligned = _words(tensors, base)
        kernels.dotted[(groups,)](
            sums, _there(sums.device, words)[0], count, n, groups, BASE=base is not None, ALIGNED=aligned,
            DTYPE=_dtype(tensors, base), enable_fp_fusion=False,
        )  # fmt: skip

    _run(look, sums.device)
    table = torch.zeros(count, count, dtype=torch.float64)
    i, j = torch.triu_indices(count, count)
    table[i, j] = table[j, i] = torch.tensor(_totals(sums), dtype=torch.float64)
    return table


def search(
    tensors: Sequence[Tensor], base: Tensor | None, ks: Sequence[Sequence[int]], ladders: Sequence[Ladder | None]
) -> list[tuple[Ladder, list[tuple[float, int, int]]]]:
    """For each delta its ladder, and for each k that is asked of it what `cpu.kth` tells.

    ladders  what is known; where None stands one pass over the whole makes one

    Then one pass counts what lies between two steps of a ladder; seldom a second one, where that is more than CELLS magnitudes.
    """
    found = list(ladders)
    told: dict[int, list[Range | tuple[float, int, int]]] = {
        i: [bracket(known, k) for k in ks[i]] for i, known in enumerate(ladders) if known is not None
    }
    new = [i for i, known in enumerate(ladders) if known is None]
    for some in (new[i : i + _QUESTIONS] for i in range(0, len(new), _QUESTIONS)):
        counts = _counts(tensors, base, [(i, 0, (1 << 31) - 1, WHOLE, 1) for i in some], _tables(tensors[0].numel(), len(some)))
        counts = counts.sum(0, dtype=torch.int32)
        cells = iter(_reached(counts, [(q, k) for q, i in enumerate(some) for k in ks[i]]))
        for i, table in zip(some, counts, strict=True):
            told[i] = [of_all(k, *next(cells)) for k in ks[i]]
            found[i] = ladder(table)
    while open_ := [(i, one) for i, own in told.items() for one in own if isinstance(one, Range)]:
        parts = [open_[i : i + _QUESTIONS] for i in range(0, len(open_), _QUESTIONS)]
        nearer = iter([one for part in parts for one in _nearer(tensors, base, part)])
        told = {i: [next(nearer) if isinstance(one, Range) else one for one in own] for i, own in told.items()}
    return [(one, [cut for cut in told[i] if not isinstance(cut, Range)]) for i, one in enumerate(found) if one is not None]


def _nearer(
    tensors: Sequence[Tensor], base: Tensor | None, open_: Sequence[tuple[int, Range]]
) -> list[Range | tuple[float, int, int]]:
    """What one pass tells of ranges of deltas, each with the place of its model."""
    questions = [(i, one.first, one.last, one.shift, 0) for i, one in open_]
    asked = list(dict.fromkeys(questions))
    counts = _counts(tensors, base, asked, 1)[0]
    cells = _reached(counts, [(asked.index(own), one.k) for own, (_, one) in zip(questions, open_, strict=True)])
    return [one.reached(*cell) for (_, one), cell in zip(open_, cells, strict=True)]


def _reached(counts: Tensor, picks: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """See triton.reached. counts: (questions, CELLS) int32."""
    rows = counts.view(-1, CELLS // ROW, ROW).sum(2, dtype=torch.int32)
    found = torch.empty(len(picks), 3, dtype=torch.int64, device=counts.device)

    def look(kernels: Any) -> None:
        where, _ = _there(counts.device, [number for pick in picks for number in pick])
        kernels.reached[(len(picks),)](found, counts, rows, where, ROWS=CELLS // ROW, ROW=ROW)

    _run(look, counts.device)
    return [(cell, above, at) for cell, above, at in found.tolist()]


def ranked(tensors: Sequence[Tensor], base: Tensor | None, trims: Sequence[Trim]) -> list[Tensor]:
    """As `cpu.ranked`, in whole words, of all in one pass. Rows are no longer than RANKED_ROW."""
    n, row, device = tensors[0].numel(), tensors[0].shape[-1] if tensors[0].dim() else 1, tensors[0].device
    whole = row + (31 if row % 32 else 0)  # a row may begin within a word of its mask
    levels = min(max(5, (whole - 1).bit_length()), (_RANKED - 1).bit_length())
    masks = torch.zeros(len(tensors), -(-n // 32), dtype=torch.int32, device=device)

    def look(kernels: Any) -> None:
        words, aligned = _words(tensors, base, [replace(trim, kind=RANDOM) for trim in trims])
        rows, limits = n // row, torch.stack([_limits(row, trim) for trim in trims]).to(device)
        kernels.ranked[(-(-rows // (_RANKED >> levels)),)](
            masks, _there(device, words)[0], limits, len(tensors), rows, row, -(-row >> levels), -(-whole >> levels), levels,
            masks.shape[1], BASE=base is not None, ALIGNED=aligned, BLOCK=_RANKED, num_warps=_WARPS,
        )  # fmt: skip

    _run(look, device)
    return list(masks)


def _limits(row: int, trim: Trim) -> Tensor:
    """For every rank and half rank how many of 2**24 draws let an element stay, (2 row - 1,) int32. Exact."""
    ranks = torch.arange(2 * row - 1, dtype=torch.float64) / 2
    return (chances(shares(ranks, row), trim.density, trim.spread) * 2**24).ceil_().to(torch.int32)


def searching(n: int, models: int, ranked: bool) -> int:
    """Bytes that looking at models of n elements takes for a while: tables of counts, once more as they are added up, or sums.

    ranked  masks and tables of ranks, too
    """
    questions = min(2 * models, _QUESTIONS)
    tables = (questions + min(models, questions) * (_tables(n, models) + 1)) * 4 * CELLS + 16 * CELLS
    masks = models * (n // 8 + 8 * RANKED_ROW) if ranked else 0
    return max(tables, 8 * (models + 2) * models * -(-n // GROUP)) + masks + (2 << 20)


def _tables(n: int, questions: int) -> int:
    return max(1, min(_TABLES // questions, 1 + n // SPREAD))


def _counts(
    tensors: Sequence[Tensor], base: Tensor | None, asked: Sequence[tuple[int, int, int, int, int]], tables: int
) -> Tensor:
    """Tables of counts, (tables, asked, CELLS) int32, by one pass; see triton.counted."""
    n, device = tensors[0].numel(), tensors[0].device
    counts = torch.zeros(tables, len(asked), CELLS, dtype=torch.int32, device=device)

    def look(kernels: Any) -> None:
        words, aligned = _words(tensors, base)
        both, _ = _there(device, [*words, *(number for question in asked for number in question)])
        kernels.counted[(-(-n // _BLOCK),)](
            counts, both, both[len(words) :], len(tensors), len(asked), tables, n, BASE=base is not None,
            ALIGNED=aligned, BLOCK=_BLOCK, CELLS=CELLS,
        )  # fmt: skip

    _run(look, device)
    return counts


def _run(launch: Callable[[Any], None], device: torch.device) -> None:
    """A launch on a device. TritonError where Triton does not work here; torch's own error where memory runs out."""
    kernels = _kernels()
    if kernels is None:
        raise TritonError
    try:
        with current(device):
            launch(kernels)
    except Exception as error:
        if out_of_memory(error):
            raise
        _give_up(error)  # Triton compiles at its first launch: that may fail for anything
        raise TritonError from error


def _words(tensors: Sequence[Tensor], base: Tensor | None, trims: Sequence[Trim] = ()) -> tuple[list[int], bool]:
    """The table of words, see triton.py; and whether all begin where 16 bytes can be read at once."""
    own = trims or (ALL,) * len(tensors)
    begins = [x.data_ptr() for x in (*tensors, *(() if base is None else (base,)))]
    words: list[int] = []
    for begin, x, t in zip(begins, tensors, own, strict=False):
        words += (begin, _DTYPES[x.dtype], t.kind, *(t.key if t.mask is None else (t.mask.data_ptr(), 0)))
    words += (0, 0, 0, 0, 0) if base is None else (begins[-1], _DTYPES[base.dtype], 0, 0, 0)
    return words, all(begin % 16 == 0 for begin in begins)


def _dtype(tensors: Sequence[Tensor], base: Tensor | None) -> int:
    """The type that all of them have, as triton.py numbers it, so that nothing is asked for each block; -1: they differ."""
    found = {x.dtype for x in tensors} | ({base.dtype} if base is not None else set())
    return _DTYPES[found.pop()] if len(found) == 1 else -1


def _numbers(trims: Sequence[Trim], weights: Sequence[float] = ()) -> list[float]:
    """The table of numbers, see triton.py."""
    numbers: list[float] = []
    for weight, t in zip(weights or (1.0,) * len(trims), trims, strict=True):
        numbers += (weight, t.low, t.low_room, t.high, t.high_room, t.density, t.scale, t.divide)
    return numbers


def _there(device: torch.device, words: Sequence[int], numbers: Sequence[float] = ()) -> tuple[Tensor, Tensor]:
    """Whole numbers (int64) and others (float32) on a device, in one upload: each costs as much as a launch.

    CUDA copies what is so small before it returns, also where it does not wait for what was launched before; nobody has seen
    whether AMD's does.
    """
    both = bytearray(array("q", words)) + bytearray(array("f", numbers))
    there, at = torch.frombuffer(both, dtype=torch.uint8).to(device, non_blocking=not torch.version.hip), 8 * len(words)
    return there[:at].view(torch.int64), there[at:].view(torch.float32)


def _launch(kernels: Any, what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None, first: int) -> None:
    """One launch that merges."""
    order, n = what.order(len(tensors)), out.numel()
    trims = [what.trims[i] if what.trims else ALL for i in order]
    words, aligned = _words([tensors[i] for i in order], base, trims)
    kernels.merged[(-(-n // _BLOCK),)](
        out, *_there(out.device, words, _numbers(trims, [what.weights[i] for i in order])), len(order),
        n, first, what.rest, what.divide, what.scale, what.depth, what.least,
        MODE=what.mode, BASE=base is not None, ADD=what.add_base and base is not None, NORMALIZE=what.normalize,
        DIVIDE=what.mode == ADDED and what.divide != 1, ALIGNED=aligned, BLOCK=_BLOCK, DTYPE=_dtype(tensors, base),
        MODELS=len(order) if what.mode != MIXED and len(order) <= _UNROLLED else 0, WIDE=first + n + _BLOCK >= 1 << 31,
        enable_fp_fusion=False,  # the same bits as the CPU: no fused multiply-add
    )  # fmt: skip


_TRITON = (3, 6)
"""The first Triton whose division rounds as the CPU's: 3.4, of torch 2.8, flushes (div.rn.ftz)."""
_failed: list[str] = []
"""Why there are no launches any more, once one has failed."""


def _give_up(error: BaseException) -> None:
    """Say once, in words, that Triton does not work."""
    distrust(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}")


def distrust(reason: str) -> None:
    """Use Triton no more in this process, and say why."""
    _failed.append(reason)
    _kernels.cache_clear()
    log.warning("Triton does not work here, so torch's own operations merge on the GPU, to the same bits: %s", reason)


@functools.cache
def _kernels() -> Any:
    """triton.py, whose functions are the kernels; None where there is no Triton, or it does not work."""
    if _failed:
        return None
    try:
        from merger.kernels import triton

        if triton.VERSION < _TRITON:
            distrust("before {}.{} its division makes the smallest numbers 0".format(*_TRITON))
            return None
        return triton
    except ImportError:
        return None
    except Exception as error:  # another version's, or it finds no driver
        _give_up(error)
        return None


__all__ = [
    "ELEMENTS", "MOST_MODELS", "OUTS", "RANKED_ROW", "TRIMS", "TritonError", "available", "combine", "distrust", "lengths",
    "products", "ranked", "search", "searching", "supports",
]  # fmt: skip
