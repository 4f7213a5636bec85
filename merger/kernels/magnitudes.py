"""What follows from counts of a delta's magnitudes by the halves of their bits: its k-th magnitude and its ladder. Exact.

A magnitude's 31 bits, read as a whole number, are in its order. Triton's kernel counts magnitudes by the upper half of them;
those whose lower half is 0 by themselves, as they are most of what coarsely stored weights differ by.
"""

import struct
from array import array
from dataclasses import dataclass

from torch import Tensor

from merger.kernels.passes import STEPS, Ladder

HALVES = 1 << 16
"""Counts of a table: of upper halves two for each, lower half 0 or not; of lower halves one for each."""
_NONE = 0x7F81
"""From here on upper halves are of what is no number."""


@dataclass(frozen=True)
class Place:
    """Where the k-th magnitude from the top lies: its upper half, and how many lie above all that have it; `rest`: of these."""

    half: int
    above: int
    rest: int


def place(uppers: Tensor, k: int) -> "Place | tuple[float, int, int]":
    """The k-th magnitude, how many lie above it and at it; or as far as counts of upper halves tell. (65536,) int64."""
    at, above, equal = _kth(uppers, k)
    if at % 2 == 0:
        return _magnitude(at // 2, 0), above, equal
    return Place(at // 2, above, k - above)


def placed(lowers: Tensor, found: Place) -> tuple[float, int, int]:
    """The same by the counts of the lower halves of those with its upper half. (65536,) int64; half 0 is above all the others."""
    at, above, equal = _kth(lowers, found.rest)
    return _magnitude(found.half, at), found.above + above, equal


def ladder(uppers: Tensor) -> Ladder:
    """The commonest magnitudes that are told by an upper half alone, with what lies above and at them. (65536,) int64."""
    alone = uppers[0 : 2 * _NONE : 2]
    most = alone.topk(min(STEPS, int((alone > 0).sum()))).indices.sort().values
    above = int(uppers.sum()) - uppers.cumsum(0)
    steps = array("f", [_magnitude(int(half), 0) for half in most])
    return Ladder(steps, array("I", above[2 * most].tolist()), array("I", alone[most].tolist()))


def _kth(counts: Tensor, k: int) -> tuple[int, int, int]:
    """Where the k-th element from the top lies among counts of rising values; how many lie above, and how many there."""
    up_to = counts.flip(0).cumsum(0)
    back = int((up_to < k).sum())
    at = len(counts) - 1 - back
    return at, int(up_to[back] - counts[at]), int(counts[at])


def _magnitude(upper: int, lower: int) -> float:
    return struct.unpack("f", struct.pack("I", upper << 16 | lower))[0]
