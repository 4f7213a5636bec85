"""Weights that cancel out: what `normalize` then does to them, in words. Reads no weights of models."""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from merger.engine.plan import Plan, TensorJob
from merger.methods import METHODS
from merger.methods.ops import CANCELLED

NEARLY = 0.02
"""Where the weights' sum is a smaller share of their sizes, `normalize` makes them more than fifty times as large."""
_MOST = 10


@dataclass(frozen=True)
class Cancelling:
    """A method's weights in some tensors, whose sum is nearly nothing.

    share    the size of the sum over the sum of the sizes; of those that agree in a vote, the smallest
    switch   the parameter that divides by the sum; "" where the method always does
    voted    that only some of the models, those that agree, cancel out
    tensors  how many
    """

    method: str
    switch: str
    weights: tuple[float, ...]
    share: float
    voted: bool
    tensors: int

    @property
    def words(self) -> str:
        """What happens there."""
        listed = ", ".join(f"{w:g}" for w in self.weights)
        where = " where some models agree and others do not vote" if self.voted else ""
        if self.share > CANCELLED:
            times = f"{1 / self.share:,.0f} times"
            return f"the weights {listed} nearly cancel out{where}: dividing by their sum makes them {times} as large."
        if not self.switch:
            return f"the weights {listed} cancel out, so no share of them is right: {self.method} takes half of each."
        left = "they are not divided there" if self.voted else "they are used as they are"
        whole = ", and their sum is a difference of models, not a model" if METHODS[self.method].law.combine == "average" else ""
        return f"the weights {listed} cancel out{where}, so `{self.switch}` has nothing to divide by: {left}{whole}."

    @property
    def fix(self) -> str:
        """What would be right."""
        return f"Write `{self.switch}: false`, or weights of one sign." if self.switch else "Write weights of one sign."


def cancelling(plan: Plan) -> Iterator[Cancelling]:
    """The weights of a plan that are divided by their sum and cancel out, those of most tensors first."""
    counts: dict[tuple[str, str, tuple[float, ...]], int] = {}
    alike: dict[tuple[str | None, int], list[TensorJob]] = {}  # a plan holds equal arguments as one object
    for job in plan.jobs:
        alike.setdefault((job.method, id(job.args)), []).append(job)
    for job, *others in alike.values():
        switch = divides(job)
        weights = job.args.get("weight")
        if switch is not None and isinstance(weights, tuple):
            key = (job.method or "", switch, tuple(float(w) for w in weights))
            counts[key] = counts.get(key, 0) + 1 + len(others)
    for (method, switch, weights), tensors in sorted(counts.items(), key=lambda item: -item[1]):
        share, voted = _share(weights, METHODS[method].law.vote)
        if share < NEARLY:
            yield Cancelling(method, switch, weights, share, voted, tensors)


def divides(job: TensorJob) -> str | None:
    """The parameter by which a job divides by the sum of its weights, "" where its method always does; None: it does not."""
    by = METHODS[job.method].normalized_by if job.method else ""
    if by == "always":
        return ""
    return by if by and job.args.get(by) is True else None


@functools.lru_cache(4096)
def _share(weights: Sequence[float], elected: bool) -> tuple[float, bool]:
    """The smallest size of a sum over the sizes' sum, of all weights or, in a vote, of some; and whether of some only."""
    acting = [w for w in weights if w != 0]
    if not acting:
        return 1.0, False
    whole = abs(math.fsum(acting)) / math.fsum(map(abs, acting))
    if whole <= CANCELLED or not elected or len(acting) > _MOST:
        return whole, False
    size = math.fsum(map(abs, acting))  # of all, as the engine looks at it
    groups = (g for count in range(2, len(acting) + 1) for g in itertools.combinations(acting, count))
    some = min((abs(math.fsum(group)) / size for group in groups), default=whole)
    return (some, True) if some < whole else (whole, False)


__all__ = ["Cancelling", "cancelling", "divides"]
