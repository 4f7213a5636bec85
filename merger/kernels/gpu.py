"""The passes of cpu.c on a GPU: the same numbers and bits, for tensors that stay in the device's memory.

A merge is one launch for a tensor, written in Triton (triton.py), which torch for CUDA brings along. Where Triton is missing or
fails there are no passes, and the method's own torch function merges on the GPU, with the same bits and more memory.
"""

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from merger.kernels.devices import current, out_of_memory
from merger.kernels.magnitudes import HALVES, Place, ladder, place, placed
from merger.kernels.passes import ADDED, ALL, RANDOM, Combine, Ladder, Trim
from merger.limits import RECIPE_MODELS
from merger.methods.ops import GROUP, total_of_groups
from merger.methods.trims import chances, shares

MOST_MODELS = RECIPE_MODELS
TRIMS = frozenset({"all", "largest", "middle", "random", "ranked"})
"""Trims of laws that the kernels do."""
ROW = 1 << 16
"""Elements of a row that has ranks, at most: the work grows with their square beyond a few thousand."""
_BLOCK, _RANKED, _WARPS = 1024, 4096, 16
_TABLES, SPREAD = 16, 1 << 22
"""Tables of counts that programs are spread over, at most; and one more for each so many elements."""
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
            sums, words, _numbers(sums.device, trims), count, n, groups, BASE=base is not None, ALIGNED=aligned, GROUP=GROUP,
            enable_fp_fusion=False,
        )  # fmt: skip

    _run(look, sums.device)
    found = [float(total_of_groups(row)) for row in sums.cpu()]
    return list(zip(found[:count], found[count:], strict=True))


def products(tensors: Sequence[Tensor], base: Tensor | None) -> Tensor:
    """As `cpu.products`, on the CPU."""
    n, count = tensors[0].numel(), len(tensors)
    groups = -(-n // GROUP)
    sums = torch.empty(count * (count + 1) // 2, groups, dtype=torch.float64, device=tensors[0].device)

    def look(kernels: Any) -> None:
        words, aligned = _words(tensors, base)
        kernels.dotted[(groups,)](
            sums, words, count, n, groups, BASE=base is not None, ALIGNED=aligned, GROUP=GROUP, enable_fp_fusion=False
        )

    _run(look, sums.device)
    table = torch.zeros(count, count, dtype=torch.float64)
    i, j = torch.triu_indices(count, count)
    table[i, j] = table[j, i] = torch.stack([total_of_groups(row) for row in sums.cpu()])
    return table


def search(
    tensors: Sequence[Tensor], base: Tensor | None, ks: Sequence[Sequence[int]]
) -> list[tuple[Ladder, list[tuple[float, int, int]]]]:
    """For each delta its ladder, and for each k that is asked of it what `cpu.kth` tells.

    One pass counts all of them by the upper halves of their bits; a second one, where that leaves some open, by the lower.
    """
    uppers = _counts(tensors, base, [(i, -1) for i in range(len(tensors))])
    found = [[place(table, k) for k in own] for table, own in zip(uppers, ks, strict=True)]
    open_ = list(dict.fromkeys((i, one.half) for i, own in enumerate(found) for one in own if isinstance(one, Place)))
    lowers = dict(zip(open_, _counts(tensors, base, open_), strict=True))
    return [
        (ladder(uppers[i]), [placed(lowers[i, one.half], one) if isinstance(one, Place) else one for one in own])
        for i, own in enumerate(found)
    ]


def ranked(tensors: Sequence[Tensor], base: Tensor | None, trims: Sequence[Trim]) -> list[Tensor]:
    """As `cpu.ranked`, in whole words, of all in one pass. Rows are no longer than ROW."""
    n, row, device = tensors[0].numel(), tensors[0].shape[-1] if tensors[0].dim() else 1, tensors[0].device
    whole = row + (31 if row % 32 else 0)  # a row may begin within a word of its mask
    levels = min(max(5, (whole - 1).bit_length()), (_RANKED - 1).bit_length())
    masks = torch.zeros(len(tensors), -(-n // 32), dtype=torch.int32, device=device)

    def look(kernels: Any) -> None:
        words, aligned = _words(tensors, base, [replace(trim, kind=RANDOM) for trim in trims])
        rows, limits = n // row, torch.stack([_limits(row, trim) for trim in trims]).to(device)
        kernels.ranked[(-(-rows // (_RANKED >> levels)),)](
            masks, words, limits, len(tensors), rows, row, -(-row >> levels), -(-whole >> levels), levels, masks.shape[1],
            BASE=base is not None, ALIGNED=aligned, BLOCK=_RANKED, num_warps=_WARPS,
        )  # fmt: skip

    _run(look, device)
    return list(masks)


def _limits(row: int, trim: Trim) -> Tensor:
    """For every rank and half rank how many of 2**24 draws let an element stay, (2 row - 1,) int32. Exact."""
    ranks = torch.arange(2 * row - 1, dtype=torch.float64) / 2
    return (chances(shares(ranks, row), trim.density, trim.spread) * 2**24).ceil_().to(torch.int32)


def searching(n: int, models: int, ranked: bool) -> int:
    """Bytes that looking at models of n elements takes for a while: tables of counts, twice as wide once added up, or sums.

    ranked  masks and tables of ranks, too
    """
    tables = (_tables(n) + 2) * 2 * models * 4 * HALVES
    masks = models * (n // 8 + 8 * ROW) if ranked else 0
    return max(tables, 8 * (models + 2) * models * -(-n // GROUP)) + masks + (2 << 20)


def _tables(n: int) -> int:
    return min(_TABLES, 1 + n // SPREAD)


def _counts(tensors: Sequence[Tensor], base: Tensor | None, asked: Sequence[tuple[int, int]]) -> Tensor:
    """Tables of counts on the CPU, (asked, 65536) int64, by one pass; see triton.counted."""
    if not asked:
        return torch.zeros(0, HALVES, dtype=torch.int64)
    n, device = tensors[0].numel(), tensors[0].device
    tables = _tables(n)
    counts = torch.zeros(tables, len(asked), HALVES, dtype=torch.int32, device=device)

    def look(kernels: Any) -> None:
        words, aligned = _words(tensors, base)
        kernels.counted[(-(-n // _BLOCK),)](
            counts, words, torch.tensor(asked, device=device), len(tensors), len(asked), tables, n, BASE=base is not None,
            ALIGNED=aligned, BLOCK=_BLOCK,
        )  # fmt: skip

    _run(look, device)
    return counts.sum(0).cpu()


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


def _words(tensors: Sequence[Tensor], base: Tensor | None, trims: Sequence[Trim] = ()) -> tuple[Tensor, bool]:
    """The table of words, see triton.py; and whether all begin where 16 bytes can be read at once."""
    own = trims or (ALL,) * len(tensors)
    words = [
        [x.data_ptr(), _DTYPES[x.dtype], t.kind, *(t.key if t.mask is None else (t.mask.data_ptr(), 0))]
        for x, t in zip(tensors, own, strict=True)
    ]
    words.append([0] * 5 if base is None else [base.data_ptr(), _DTYPES[base.dtype], 0, 0, 0])
    return torch.tensor(words, device=tensors[0].device), all(row[0] % 16 == 0 for row in words)


def _numbers(device: torch.device, trims: Sequence[Trim], weights: Sequence[float] = ()) -> Tensor:
    """The table of numbers, see triton.py."""
    own = weights or (1.0,) * len(trims)
    numbers = [
        [weight, t.low, t.low_room, t.high, t.high_room, t.density, t.scale, t.divide]
        for weight, t in zip(own, trims, strict=True)
    ]
    return torch.tensor(numbers, dtype=torch.float32, device=device)


def _launch(kernels: Any, what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None, first: int) -> None:
    """One launch that merges."""
    order, n = what.order(len(tensors)), out.numel()
    trims = [what.trims[i] if what.trims else ALL for i in order]
    words, aligned = _words([tensors[i] for i in order], base, trims)
    kernels.merged[(-(-n // _BLOCK),)](
        out, words, _numbers(out.device, trims, [what.weights[i] for i in order]), len(order),
        n, first, what.rest, what.divide, what.scale, what.depth, what.least,
        MODE=what.mode, BASE=base is not None, ADD=what.add_base and base is not None, NORMALIZE=what.normalize,
        DIVIDE=what.mode == ADDED and what.divide != 1, ALIGNED=aligned, BLOCK=_BLOCK,
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
    "MOST_MODELS", "OUTS", "ROW", "TRIMS", "TritonError", "available", "combine", "distrust", "lengths", "products", "ranked",
    "search", "searching", "supports",
]  # fmt: skip
