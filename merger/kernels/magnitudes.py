"""Numbers of whole tensors wherever they lie, by torch's own operations: k-th magnitudes, ladders, dot products. Exact.

The same numbers as cpu.c's searches find on the CPU; what a trim or a method does with them stands elsewhere.
"""

import struct
from array import array
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from merger.kernels.passes import Ladder
from merger.methods.ops import dot_of

STRETCH = 1 << 22
"""Elements that are looked at at a time, since torch's results take memory: whole groups of `ops.total`."""
_MOST_STEPS = 1 << 12
_SAMPLE = 1 << 20


def parts(n: int) -> Iterator[slice]:
    """Stretches of n elements."""
    return (slice(start, min(n, start + STRETCH)) for start in range(0, n, STRETCH))


def delta(x: Tensor, base: Tensor | None, part: slice) -> Tensor:
    """A stretch of x - base, flat, float32."""
    own = x.reshape(-1)[part].to(torch.float32)
    return own if base is None else own - base.reshape(-1)[part].to(torch.float32)


def sizes(x: Tensor, base: Tensor | None, part: slice) -> Tensor:
    """The magnitudes of a stretch of x - base."""
    return delta(x, base, part).abs()  # not in place: without a base it may be the model itself


def kth(x: Tensor, base: Tensor | None, k: int, bracket: tuple[float, float] = (1.0, 0.0)) -> tuple[float, int, int]:
    """As `cpu.kth`, by counting how often the upper half of a magnitude's bits is what, then the lower half."""
    upper = torch.zeros(1 << 15, dtype=torch.int64, device=x.device)
    for part in parts(x.numel()):
        upper += torch.bincount(sizes(x, base, part).view(torch.int32) >> 16, minlength=1 << 15)
    half, over, _ = _place(upper, k)
    lower = torch.zeros(1 << 16, dtype=torch.int64, device=x.device)
    for part in parts(x.numel()):
        bits = sizes(x, base, part).view(torch.int32)
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
    """As `cpu.ladder`, with the magnitudes that are most common in a sample, and more of them: a pass is what costs."""
    n = x.numel()
    every = max(1, n // _SAMPLE)
    steps, often = sizes(x.view(-1)[::every], None if base is None else base.view(-1)[::every], slice(None)).unique(
        return_counts=True
    )
    steps = steps[often.topk(min(_MOST_STEPS, len(steps))).indices.sort().values]
    counts = torch.zeros(2 * len(steps) + 1, dtype=torch.int64, device=x.device)
    for part in parts(n):  # a magnitude between two steps falls on an even place, one at a step on an odd one
        size = sizes(x, base, part)
        place = torch.searchsorted(steps, size, out_int32=True)
        place += torch.searchsorted(steps, size, out_int32=True, right=True)
        counts += torch.bincount(place, minlength=len(counts))
    at, above = counts[1::2], n - counts.cumsum(0)[1::2]
    return Ladder(array("f", steps.tolist()), array("I", above.tolist()), array("I", at.tolist()))


def products(tensors: Sequence[Tensor], base: Tensor | None) -> Tensor:
    """As `cpu.products`, on the CPU."""
    count, n = len(tensors), tensors[0].numel()
    table = torch.zeros(count, count, dtype=torch.float64)
    for i in range(count):
        for j in range(i, count):
            pairs = ((delta(tensors[i], base, part), delta(tensors[j], base, part)) for part in parts(n))
            table[i, j] = table[j, i] = float(dot_of(pairs, n))
    return table
