"""The passes of cpu.c on a GPU: the same numbers and bits, for tensors that stay in the device's memory.

A merge is one launch for a tensor, written in Triton, which torch for CUDA brings along. Where Triton is missing the same
operations run one after the other in torch. Both were checked on a CPU (Triton in its interpreter), the launches on no GPU yet.
"""

import functools
import logging
import math
import os
import struct
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from merger.kernels.cpu import ADDED, ALL, ALONE, ELECTED, MIXED, Combine, Ladder, Trim
from merger.kernels.devices import current, out_of_memory
from merger.methods.ops import dot_of, hashed, total_of

MOST_MODELS = 4
"""Models that one launch takes; more are merged by torch."""
STRETCH = 1 << 22
"""Elements that torch's operations take at a time, since their results take memory: whole groups of `ops.total`."""
_MOST_STEPS = 1 << 12
_SAMPLE = 1 << 20
_DTYPES = frozenset({torch.float32, torch.bfloat16, torch.float16})
_ALL, _NONE, _CUT, _RANDOM = range(4)
log = logging.getLogger(__name__)


def takes(tensors: Sequence[Tensor]) -> bool:
    """Whether these tensors can be given to these passes."""
    return len(tensors) <= MOST_MODELS + 1 and all(t.dtype in _DTYPES for t in tensors)


# ---------------------------------------------------------------------------------------------- numbers of whole tensors


def _parts(n: int) -> Iterator[slice]:
    return (slice(start, min(n, start + STRETCH)) for start in range(0, n, STRETCH))


def _delta(x: Tensor, base: Tensor | None, part: slice) -> Tensor:
    """A stretch of x - base, flat, float32."""
    own = x.reshape(-1)[part].to(torch.float32)
    return own if base is None else own - base.reshape(-1)[part].to(torch.float32)


def _sizes(x: Tensor, base: Tensor | None, part: slice) -> Tensor:
    """The magnitudes of a stretch of x - base."""
    return _delta(x, base, part).abs()  # not in place: without a base it may be the model itself


def kth(x: Tensor, base: Tensor | None, k: int, bracket: tuple[float, float] = (1.0, 0.0)) -> tuple[float, int, int]:
    """As `kernels.kth`, by counting how often the upper half of a magnitude's bits is what, then the lower half."""
    upper = torch.zeros(1 << 15, dtype=torch.int64, device=x.device)
    for part in _parts(x.numel()):
        upper += torch.bincount(_sizes(x, base, part).view(torch.int32) >> 16, minlength=1 << 15)
    half, over, _ = _place(upper, k)
    lower = torch.zeros(1 << 16, dtype=torch.int64, device=x.device)
    for part in _parts(x.numel()):
        bits = _sizes(x, base, part).view(torch.int32)
        lower += torch.bincount(bits[bits >> 16 == half] & 0xFFFF, minlength=1 << 16)
    rest, above, at = _place(lower, k - over)
    return struct.unpack("f", struct.pack("I", half << 16 | rest))[0], over + above, at


def _place(counts: Tensor, k: int) -> tuple[int, int, int]:
    """Where the k-th element from the top lies among counts of rising values; how many lie above, and how many there."""
    up_to = counts.flip(0).cumsum(0)
    back = int((up_to < k).sum())
    place = len(counts) - 1 - back
    return place, int(up_to[back] - counts[place]), int(counts[place])


def ladder(x: Tensor, base: Tensor | None) -> Ladder:
    """As `kernels.ladder`, with the magnitudes that are most common in a sample, and more of them: a pass is what costs."""
    n = x.numel()
    every = max(1, n // _SAMPLE)
    steps, often = _sizes(x.view(-1)[::every], None if base is None else base.view(-1)[::every], slice(None)).unique(
        return_counts=True
    )
    steps = steps[often.topk(min(_MOST_STEPS, len(steps))).indices.sort().values]
    counts = torch.zeros(2 * len(steps) + 1, dtype=torch.int64, device=x.device)
    for part in _parts(n):  # a magnitude between two steps falls on an even place, one at a step on an odd one
        size = _sizes(x, base, part)
        place = torch.searchsorted(steps, size, out_int32=True)
        place += torch.searchsorted(steps, size, out_int32=True, right=True)
        counts += torch.bincount(place, minlength=len(counts))
    at, above = counts[1::2], n - counts.cumsum(0)[1::2]
    return Ladder(array("f", steps.tolist()), array("I", above.tolist()), array("I", at.tolist()))


def lengths(x: Tensor, base: Tensor | None, trim: Trim) -> tuple[float, float]:
    """As `kernels.lengths`."""
    n = x.numel()
    before = total_of((_sizes(x, base, part) for part in _parts(n)), n)
    after = total_of((_trimmed(_delta(x, base, part), trim, part.start).abs() for part in _parts(n)), n)
    return float(before), float(after)


def products(tensors: Sequence[Tensor], base: Tensor | None) -> Tensor:
    """As `kernels.products`, on the CPU."""
    count, n = len(tensors), tensors[0].numel()
    found = torch.zeros(count, count, dtype=torch.float64)
    for i in range(count):
        for j in range(i, count):
            pairs = ((_delta(tensors[i], base, part), _delta(tensors[j], base, part)) for part in _parts(n))
            found[i, j] = found[j, i] = float(dot_of(pairs, n))
    return found


# ---------------------------------------------------------------------------------------------- combining


def combine(what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None) -> None:
    """As `Combine.into` for a whole tensor; `out` is written in place, so that what holds its memory sees the change."""
    launch = _launcher() if len(tensors) <= MOST_MODELS else None
    if launch is not None and (out.device.type != "cpu" or os.environ.get("TRITON_INTERPRET") == "1"):
        try:
            with current(out.device):
                launch(what, out, tensors, base)
            return
        except Exception as error:
            if out_of_memory(error):
                raise
            _do_without(error)
    _by_operations(what, out, tensors, base)


_failed: list[str] = []
"""Why there are no launches any more, once one has failed."""


def _do_without(error: BaseException) -> None:
    """Triton compiles at its first launch: where that fails, by whatever, torch merges from now on."""
    reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
    _failed.append(reason)
    _launcher.cache_clear()
    log.warning("Triton does not work here, so torch's own operations merge on the GPU, to the same bits: %s", reason)


def _ordered(what: Combine, n: int) -> tuple[list[int], float]:
    """The heaviest model goes first in a mixture, and what the weights leave it of itself."""
    order = list(range(n))
    if what.mode != MIXED:
        return order, 0.0
    lead = max(order, key=lambda i: abs(what.weights[i]))
    return [lead, *(i for i in order if i != lead)], math.fsum(what.weights) - 1


def _trimmed(x: Tensor, t: Trim, start: int) -> Tensor:
    """A flat delta, from its element `start` on, with what its trim drops at 0, and scaled."""
    u = hashed(x.numel(), *t.key, x.device, start) if t.kind == _RANDOM or t.low_room < 1 or t.high != math.inf else None
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
    """One operation after the other, each over a stretch of the tensor."""
    for part in _parts(out.numel()):
        out.view(-1)[part].copy_(_combined(what, tensors, base, part))


def _combined(what: Combine, tensors: Sequence[Tensor], base: Tensor | None, part: slice) -> Tensor:
    """A stretch of the merge, flat, float32."""
    order, rest = _ordered(what, len(tensors))
    under = None if base is None else base.view(-1)[part].to(torch.float32)
    xs = [_delta(tensors[i], base, part) for i in order]
    if what.mode == MIXED:
        merged = rest * xs[0]
        for i, x in zip(order[1:], xs[1:], strict=True):
            merged += (x - xs[0]) * what.weights[i]
        merged = xs[0] + merged
    else:
        trims = what.trims or (ALL,) * len(xs)
        xs = [_trimmed(x, t, part.start) * w for x, t, w in zip(xs, trims, what.weights, strict=True)]
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
    return under + merged if under is not None and what.add_base else merged


@functools.cache
def _launcher() -> Callable[[Combine, Tensor, Sequence[Tensor], Tensor | None], None] | None:
    """How to run the Triton kernel; None where there is no Triton, or it does not work."""
    if _failed:
        return None
    try:
        from merger.kernels import launches

        merged: Any = launches.merged
    except ImportError:
        return None
    except Exception as error:  # another version's, or it finds no driver
        _do_without(error)
        return None
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
