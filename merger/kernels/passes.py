"""What the passes over tensors are told and tell: how models become one tensor, what a trim keeps, what was counted."""

import math
from array import array
from dataclasses import dataclass

from torch import Tensor

EVERY, NOTHING, CUT, RANDOM, MASK = range(5)
"""Kinds of trims."""
ADDED, ELECTED, MIXED, ALONE = range(4)
"""Modes of combining."""
STEPS = 64
"""Magnitudes of a ladder, at most."""


@dataclass(frozen=True)
class Trim:
    """Which elements of one delta stay, with the numbers of the whole tensor already found; see cpu.c."""

    kind: int = EVERY
    key: tuple[int, int] = (0, 0)
    low: float = -1.0
    low_room: float = 1.0
    high: float = math.inf
    high_room: float = 0.0
    density: float = 1.0
    spread: float = 0.0
    mask: Tensor | None = None
    scale: float = 1.0
    divide: float = 1.0


ALL, NONE = Trim(EVERY), Trim(NOTHING)


@dataclass(frozen=True)
class Ladder:
    """Some magnitudes of a delta, rising, and how many of its elements lie above and at each."""

    steps: "array[float]"
    above: "array[int]"
    at: "array[int]"

    @property
    def nbytes(self) -> int:
        """Bytes of its numbers."""
        return sum(a.itemsize * len(a) for a in (self.steps, self.above, self.at))

    def find(self, k: int) -> tuple[int, bool]:
        """The step that is the k-th largest magnitude, and true; or the first step above it (len: none), and false."""
        low, high = 0, len(self.steps)
        while low < high:  # `above` falls: the first step with fewer than k above it
            middle = (low + high) // 2
            low, high = (low, middle) if self.above[middle] < k else (middle + 1, high)
        return low, low < len(self.steps) and k <= self.above[low] + self.at[low]


EMPTY = Ladder(array("f"), array("I"), array("I"))
"""Tells nothing."""


def cut(key: tuple[int, int], low: tuple[float, float], high: tuple[float, float] = (math.inf, 0.0)) -> Trim:
    """Keep what `ops.above_cut` keeps for `low` and not for `high`, each (magnitude, share of those equal to it)."""
    return Trim(CUT, key, low[0], low[1], high[0], high[1])


def random(key: tuple[int, int], density: float) -> Trim:
    """Keep what `ops.drop_random` keeps."""
    return Trim(RANDOM, key, density=density)


def ranked(key: tuple[int, int], density: float, epsilon: float) -> Trim:
    """Keep what `trims.drop_small` keeps, once a back end's `ranked` has made the mask."""
    return Trim(MASK, key, density=density, spread=epsilon)


@dataclass(frozen=True)
class Combine:
    """How trimmed and weighted deltas (or weights) become one tensor; the numbers are those of `added`, `elected`, `mix`."""

    mode: int
    weights: tuple[float, ...]
    trims: tuple[Trim, ...] = ()
    add_base: bool = True
    normalize: bool = False
    divide: float = 1.0
    scale: float = 1.0
    depth: float = 1.0
    least: float = 0.0

    def order(self, n: int) -> list[int]:
        """The order in which n models are taken: in a mixture the heaviest goes first."""
        order = list(range(n))
        if self.mode != MIXED:
            return order
        lead = max(order, key=lambda i: abs(self.weights[i]))
        return [lead, *(i for i in order if i != lead)]

    @property
    def rest(self) -> float:
        """What a mixture takes of its heaviest model beside the model itself."""
        return math.fsum(self.weights) - 1 if self.mode == MIXED else 0.0


@dataclass
class Seen:
    """What passes over a tensor saw: whether some number of the inputs or of what is written is infinite or none."""

    odd: bool = False
