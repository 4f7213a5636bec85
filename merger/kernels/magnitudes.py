"""What follows from counts of a delta's magnitudes by their bits: where the k-th one lies, and the delta's ladder. Exact.

A magnitude's 31 bits, read as a whole number, are in its order. A range of them is counted in CELLS cells; where a cell is more
than one magnitude, it is the next range.
"""

import math
import struct
from array import array
from dataclasses import dataclass

import torch
from torch import Tensor

from merger.kernels.passes import STEPS, Ladder

ROW = 1 << 10
CELLS = ROW << 11
"""Cells of a table of counts, a number of rows that are looked through one after the other."""
_TOP = (1 << 31) - 1
_INFINITE = 0x7F800000


@dataclass(frozen=True)
class Range:
    """Magnitudes whose bits are from `first` to `last`, among which the k-th from the top is wanted; `above` lie above all."""

    first: int
    last: int
    above: int
    k: int

    @property
    def shift(self) -> int:
        """By how much a distance from the first is shifted to be a cell."""
        return max(0, (self.last - self.first).bit_length() - (CELLS.bit_length() - 1))

    def reached(self, cell: int, above: int, at: int) -> "Range | tuple[float, int, int]":
        """The k-th magnitude, how many lie above it and at it; or the range of its cell.

        cell, above, at  as `triton.reached` finds them
        """
        first = self.first + (cell << self.shift)
        if not self.shift:
            return _magnitude(first), self.above + above, at
        return Range(first, min(self.last, first + (1 << self.shift) - 1), self.above + above, self.k - above)


WHOLE = 33 - CELLS.bit_length()
"""By how much bits are shifted where all magnitudes are counted, in two cells each: what the shift leaves whole, and others."""


def of_all(k: int, cell: int, above: int, at: int) -> "Range | tuple[float, int, int]":
    """What the cell in which the k-th of all magnitudes lies tells of it: as `Range.reached`."""
    first = cell // 2 << WHOLE
    if cell % 2 == 0:
        return _magnitude(first), above, at
    return Range(first + 1, first + (1 << WHOLE) - 1, above, k - above)


def bracket(ladder: Ladder, k: int) -> "Range | tuple[float, int, int]":
    """The k-th magnitude, how many lie above it and at it; or the range in which it lies, as far as a ladder tells."""
    i, exact = ladder.find(k)
    if exact:
        return ladder.steps[i], ladder.above[i], ladder.at[i]
    last, above = (_TOP, 0) if i == len(ladder.steps) else (_bits(ladder.steps[i]) - 1, ladder.above[i] + ladder.at[i])
    return Range(_bits(ladder.steps[i - 1]) + 1 if i else 0, last, above, k - above)


def ladder(counts: Tensor) -> Ladder:
    """A ladder from counts of all magnitudes: a third of its steps are the commonest ones that the shift leaves whole, the others
    divide all elements into equal parts. (CELLS,) int32, on any device, of which few numbers are read."""
    alone, up_to = counts[::2], counts.cumsum(0)
    finite = (_INFINITE >> WHOLE) + 1
    most = alone[:finite].topk(STEPS // 3).indices
    parts = torch.arange(1, STEPS - len(most) + 1, device=counts.device) * up_to[-1] // (STEPS - len(most) + 1)
    steps = torch.cat([most, torch.searchsorted(up_to[1::2].contiguous(), parts).clamp_(max=finite - 1)]).sort().values
    found = torch.stack([steps, up_to[-1] - up_to[2 * steps], alone[steps].long()]).tolist()
    own = dict(zip(found[0], zip(found[1], found[2], strict=True), strict=True))
    return Ladder(
        array("f", [_magnitude(step << WHOLE) for step in own]), array("I", [above for above, _ in own.values()]),
        array("I", [at for _, at in own.values()]),
    )  # fmt: skip


def _magnitude(bits: int) -> float:
    return struct.unpack("f", struct.pack("I", bits))[0]


def _bits(magnitude: float) -> int:
    return _INFINITE if math.isinf(magnitude) else struct.unpack("I", struct.pack("f", magnitude))[0]
