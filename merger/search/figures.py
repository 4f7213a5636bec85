"""Figures of a model, kept question by question, so that the difference between two models can be told from chance.

words(compare(merged.figures["right", "plural"], base.figures["right", "plural"]))   # "+4 ± 3 points; may be chance"
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

Kind = Literal["right", "nll", "bits", "kl", "agree", "same"]
Key = tuple[Kind, str]
ALL = "all"
NAMES: dict[Kind, str] = {
    "right": "right", "nll": "-log P of the answer", "bits": "bits per byte", "kl": "KL from", "agree": "top-1 agreement with",
    "same": "says what it says:",
}  # fmt: skip
"""What each kind is called; right, agree and same are shares, 0 to 1; nll and kl are in nats, kl of a token."""
SHARES: frozenset[Kind] = frozenset({"right", "agree", "same"})
"""Of these more is better; of the others less."""
FEW = 6
"""With fewer questions answered differently, a coin would fall on one side alone in more than one of twenty cases."""
DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Figure:
    """A figure of a model: the sum of `parts` over that of `sizes`, both with a number for each question or piece of text.

    of  the skill, text or model it is about
    """

    kind: Kind
    of: str
    parts: tuple[float, ...]
    sizes: tuple[float, ...]

    @property
    def value(self) -> float:
        """The figure."""
        return sum(self.parts) / sum(self.sizes)


def by_skill(kind: Kind, values: Sequence[tuple[str, float]]) -> dict[Key, Figure]:
    """Figures of questions' numbers, each with its skill: of all, in which each skill counts the same, and of each of several."""
    groups: dict[str, list[float]] = {}
    for skill, value in values:
        groups.setdefault(skill, []).append(value)
    found: dict[Key, Figure] = {}
    if groups:
        share = {skill: 1 / len(group) for skill, group in groups.items()}
        found[kind, ALL] = Figure(kind, ALL, tuple(v * share[s] for s, v in values), tuple(share[s] for s, _ in values))
    if len(groups) > 1:
        found |= {(kind, s): Figure(kind, s, tuple(group), (1.0,) * len(group)) for s, group in groups.items()}
    return found


@dataclass(frozen=True)
class Interval:
    """How much larger one model's figure is than another's, and where that lies with 95 % of certainty: low to high.

    chance  it may be: the interval holds 0, or too few questions tell the models apart
    """

    kind: Kind
    difference: float
    low: float
    high: float
    chance: bool

    @property
    def better(self) -> bool:
        """Whether the difference is an improvement."""
        return self.difference > 0 if self.kind in SHARES else self.difference < 0


def compare(own: Figure, other: Figure, seed: int = 0, draws: int = DRAWS) -> Interval | None:
    """The difference own - other by a paired bootstrap over questions; None where they are not of the same questions.

    seed  of the draws; the same seed gives the same interval
    """
    if (own.kind, len(own.parts), own.sizes) != (other.kind, len(other.parts), other.sizes):
        return None
    gaps = torch.tensor([a - b for a, b in zip(own.parts, other.parts, strict=True)], dtype=torch.float64)
    sizes = torch.tensor(own.sizes, dtype=torch.float64)
    n, chance = len(gaps), torch.Generator().manual_seed(seed)
    found = torch.empty(draws, dtype=torch.float64)
    step = max(1, 2_000_000 // n)
    for start in range(0, draws, step):
        drawn = torch.randint(n, (min(step, draws - start), n), generator=chance)
        found[start : start + len(drawn)] = gaps[drawn].sum(-1) / sizes[drawn].sum(-1)
    low, high = (float(torch.quantile(found, share)) for share in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    told = int((gaps.abs() > 1e-9).sum())
    return Interval(own.kind, float(gaps.sum() / sizes.sum()), low, high, low <= 0 <= high or told < FEW)


def shown(kind: Kind, value: float) -> str:
    """A figure as a table has it.

    >>> shown("right", 0.5), shown("bits", 1.234)
    ('50 %', '1.23')
    """
    return f"{100 * value:.0f} %" if kind in SHARES else f"{value:.2f}"


def gap(found: Interval) -> str:
    """A difference and half the width of its interval.

    >>> gap(Interval("right", 0.04, 0.01, 0.07, False)), gap(Interval("bits", -0.25, -0.5, 0.0, True))
    ('+4 ± 3', '-0.25 ± 0.25')
    """
    half = (found.high - found.low) / 2
    if found.kind in SHARES:
        return f"{100 * found.difference:+.0f} ± {100 * half:.0f}"
    return f"{found.difference:+.2f} ± {half:.2f}"


def words(found: Interval) -> str:
    """A difference as a sentence has it.

    >>> words(Interval("right", 0.04, -0.01, 0.09, True))
    '+4 ± 5 points; may be chance'
    """
    unit = " points" if found.kind in SHARES else " nats" if found.kind in ("nll", "kl") else " bits per byte"
    return f"{gap(found)}{unit}{'; may be chance' if found.chance else ''}"


__all__ = [
    "ALL", "DRAWS", "FEW", "NAMES", "SHARES", "Figure", "Interval", "Key", "Kind", "by_skill", "compare", "gap", "shown", "words",
]  # fmt: skip
