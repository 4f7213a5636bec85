"""The passes of kernels.c on a GPU: the same numbers and bits, for tensors that stay in the device's memory.

A merge is one launch for a tensor, written in Triton, which torch for CUDA brings along. Where Triton is missing the same
operations run one after the other in torch. Both were checked on a CPU (Triton in its interpreter), the launches on no GPU yet.
"""

import functools
import math
import os
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from merger.kernels import ADDED, ALL, ALONE, ELECTED, MIXED, Combine, Ladder, Trim
from merger.ops import dot, hashed, total

MOST_MODELS = 4
"""Models that one launch takes; more are merged by torch."""
_MOST_STEPS = 1 << 17
_DTYPES = frozenset({torch.float32, torch.bfloat16, torch.float16})
_ALL, _NONE, _CUT, _RANDOM = range(4)


def takes(tensors: Sequence[Tensor]) -> bool:
    """Whether these tensors can be given to these passes."""
    return len(tensors) <= MOST_MODELS + 1 and all(t.dtype in _DTYPES for t in tensors)


# ---------------------------------------------------------------------------------------------- numbers of whole tensors


def _delta(x: Tensor, base: Tensor | None) -> Tensor:
    return x.to(torch.float32) if base is None else x.to(torch.float32) - base.to(torch.float32)


def kth(x: Tensor, base: Tensor | None, k: int, bracket: tuple[float, float] = (1.0, 0.0)) -> tuple[float, int, int]:
    """As `kernels.kth`; the bracket is what is searched."""
    size = _delta(x, base).abs_().view(-1)
    low, high = bracket if bracket[0] <= bracket[1] else (0.0, math.inf)
    over = int((size > high).sum())
    inside = size[(size >= low) & (size <= high)]
    if not over < k <= over + inside.numel():
        over, inside = 0, size
    cut = torch.topk(inside, k - over).values[-1] if k - over <= 64 else inside.kthvalue(inside.numel() - (k - over) + 1).values
    return float(cut), int((size > cut).sum()), int((size == cut).sum())


def ladder(x: Tensor, base: Tensor | None) -> Ladder:
    """As `kernels.ladder`, but with all magnitudes of the delta where they are few: memory is plenty, a pass is what costs."""
    size = _delta(x, base).abs_().view(-1)
    steps, at = size.unique(return_counts=True)
    above = size.numel() - at.cumsum(0)
    if len(steps) > _MOST_STEPS:
        some = torch.linspace(0, len(steps) - 1, _MOST_STEPS, dtype=torch.float64, device=steps.device).long()
        steps, at, above = steps[some], at[some], above[some]
    return Ladder(array("f", steps.tolist()), array("I", above.tolist()), array("I", at.tolist()))


def lengths(x: Tensor, base: Tensor | None, trim: Trim) -> tuple[float, float]:
    """As `kernels.lengths`."""
    delta = _delta(x, base).view(-1)
    return float(total(delta.abs())), float(total(_trimmed(delta, trim).abs()))


def products(tensors: Sequence[Tensor], base: Tensor | None) -> Tensor:
    """As `kernels.products`, on the CPU."""
    n = len(tensors)
    deltas = [_delta(x, base) for x in tensors]
    found = torch.zeros(n, n, dtype=torch.float64)
    for i in range(n):
        for j in range(i, n):
            found[i, j] = found[j, i] = float(dot(deltas[i], deltas[j]))
    return found


# ---------------------------------------------------------------------------------------------- combining


def combine(what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None) -> None:
    """As `Combine.into` for a whole tensor; `out` is written in place, so that what holds its memory sees the change."""
    launch = _launcher() if len(tensors) <= MOST_MODELS else None
    if launch is None or not (out.is_cuda or os.environ.get("TRITON_INTERPRET") == "1"):
        _by_operations(what, out, tensors, base)
    else:
        launch(what, out, tensors, base)


def _ordered(what: Combine, n: int) -> tuple[list[int], float]:
    """The heaviest model goes first in a mixture, and what the weights leave it of itself."""
    order = list(range(n))
    if what.mode != MIXED:
        return order, 0.0
    lead = max(order, key=lambda i: abs(what.weights[i]))
    return [lead, *(i for i in order if i != lead)], math.fsum(what.weights) - 1


def _trimmed(x: Tensor, t: Trim) -> Tensor:
    """The flat delta x with what its trim drops at 0, and scaled."""
    u = hashed(x.numel(), *t.key, x.device) if t.kind == _RANDOM or t.low_room < 1 or t.high != math.inf else None
    if t.kind == _NONE:
        x = torch.zeros_like(x)
    elif t.kind == _RANDOM:
        assert u is not None
        x = x * (u < t.density)
    elif t.kind == _CUT:
        size = x.abs()
        kept = size >= t.low if u is None else (size > t.low) | ((size == t.low) & (u < t.low_room))
        if u is not None and t.high != math.inf:
            kept &= ~((size > t.high) | ((size == t.high) & (u < t.high_room)))
        x = x * kept
    x = x * t.scale if t.scale != 1 else x
    return x / t.divide if t.divide != 1 else x


def _by_operations(what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None) -> None:
    """One operation after the other, each over the whole tensor."""
    order, rest = _ordered(what, len(tensors))
    under = None if base is None else base.to(torch.float32).view(-1)
    xs = [_delta(tensors[i], base).view(-1) for i in order]
    if what.mode == MIXED:
        merged = rest * xs[0]
        for i, x in zip(order[1:], xs[1:], strict=True):
            merged += (x - xs[0]) * what.weights[i]
        merged = xs[0] + merged
    else:
        trims = what.trims or (ALL,) * len(xs)
        xs = [_trimmed(x, t) * w for x, t, w in zip(xs, trims, what.weights, strict=True)]
        merged = xs[0] if what.mode == ALONE else torch.zeros_like(xs[0])  # alone, zeros keep their signs
        for x in xs if what.mode != ALONE else ():
            merged += x
        if what.mode == ELECTED:
            side = torch.where(merged < 0, -1.0, 1.0)
            merged, below = torch.zeros_like(merged), torch.zeros_like(merged)
            for x, w in zip(xs, what.weights, strict=True):
                agree = (x * side > 0).to(torch.float32)
                merged += x * agree
                below += w * agree
            if what.normalize:
                merged /= torch.where(below.abs() > what.least, below, 1.0)
        elif what.divide != 1:
            merged /= what.divide
        if what.scale != 1:
            merged = what.scale * merged
    if what.depth != 1:
        merged = what.depth * merged
    if under is not None and what.add_base:
        merged = under + merged
    out.view(-1).copy_(merged)


@functools.cache
def _launcher() -> Callable[[Combine, Tensor, Sequence[Tensor], Tensor | None], None] | None:
    """How to run the Triton kernel; None where there is no Triton."""
    try:
        from merger import launches
    except ImportError:
        return None
    merged: Any = launches.merged
    block = 1024

    def launch(what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None) -> None:
        order, rest = _ordered(what, len(tensors))
        rows: list[Any] = []
        for i in [*order, *[order[0]] * (MOST_MODELS - len(order))]:
            t = what.trims[i] if what.trims else ALL
            between = t.kind == _CUT and t.high != math.inf
            rows += (
                tensors[i], what.weights[i], t.kind + 10 * between, *map(_signed, t.key), t.low, t.low_room, t.high,
                t.high_room, t.density, t.scale, t.divide,
            )  # fmt: skip
        n = out.numel()
        merged[(-(-n // block),)](
            out, tensors[0] if base is None else base, *rows, n, rest, what.divide, what.scale, what.depth, what.least,
            K=len(tensors), MODE=what.mode, BASE=base is not None, ADD=what.add_base and base is not None,
            NORMALIZE=what.normalize, DIVIDE=what.mode == ADDED and what.divide != 1, BLOCK=block,
            enable_fp_fusion=False,  # the same bits as the CPU: no fused multiply-add
        )  # fmt: skip

    return launch


def _signed(word: int) -> int:
    """A 32-bit word as Triton takes it: larger numbers would be another type, and another compilation."""
    return word - (1 << 32) if word >> 31 else word
