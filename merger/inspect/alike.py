"""Tensors of a plan that are merged alike: judged together, as a bar's move gives hundreds of them a few numbers.

What does not depend on the numbers is kept from one move to the next: a plan that was moved has the very same sources.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from merger.engine import costs, fused
from merger.engine.arguments import Arguments
from merger.engine.budget import memory_together
from merger.engine.plan import Plan, Source, TensorJob
from merger.files.checkpoints import Checkpoint
from merger.files.layout import Layout, role
from merger.inspect.kinship import Samples, differing

FACTORS = ("weight", "density", "lambda", "t")
"""Parameters by which what a model adds is multiplied."""


@dataclass
class Alike:
    """Output tensors with the same arguments, of the same models, of which the same shares differ from the base.

    job     one of them
    alters  for each source the share of such a tensor in which it differs from the base, 0 to 1
    numel   parameters of all of them
    kinds   those that also have one shape: kind -> one of them, how many
    acting  the places of the donors that have a part in them: no factor that multiplies them is zero
    keeps   for each source the share that it changes after a trim: what is trimmed first is what does not change
    changes the share that some acting donor changes, and that some changes after a trim (models trim independently)
    compiled  whether the compiled passes merge it, by all that they ask of a job before reading
    """

    job: TensorJob
    alters: tuple[float, ...]
    numel: int
    kinds: dict[int, tuple[TensorJob, int]]
    acting: tuple[int, ...]
    keeps: tuple[float, ...]
    changes: tuple[float, float]
    compiled: bool


@dataclass(frozen=True)
class Fixed:
    """What of a plan does not depend on its numbers.

    stamps   of the files that were sampled
    alters   for each tensor: as in Alike
    places   for each tensor the number of those that are merged alike when their arguments are the same
    kinds    for each tensor the number of those that have also one shape
    touched  model -> the layers where it differs from the base, None for what is outside of them
    nbytes   of the output's tensors
    cache    what else was worked out of it before, by name
    """

    layout: Layout
    sources: tuple[tuple[Source, ...], ...]
    stamps: Mapping[str, tuple[object, ...]]
    alters: tuple[tuple[float, ...], ...]
    places: tuple[int, ...]
    kinds: tuple[int, ...]
    numel: int
    touched: Mapping[str, frozenset[int | None]]
    nbytes: int
    cache: dict[str, Any] = field(default_factory=dict[str, Any], compare=False)

    def of(self, plan: Plan, samples: Samples) -> bool:
        """Whether it holds of this plan, too."""
        return (
            self.layout is plan.layout and self.stamps == samples.stamps and len(self.sources) == len(plan.jobs)
            and all(job.sources is own for job, own in zip(plan.jobs, self.sources, strict=True))
        )  # fmt: skip


_MANY = 10_000
_KEPT: dict[int, Fixed] = {}
"""The last few, by the identity of the plan's layout, which moves share."""


def fixed(plan: Plan, samples: Samples) -> Fixed:
    """What of a plan does not depend on its numbers, from the plan before where it was moved only."""
    known = _KEPT.get(id(plan.layout))
    if known is not None and known.of(plan, samples):
        return known
    alters = tuple(tuple(_differs(plan, job, i, samples) for i in range(len(job.sources))) for job in plan.jobs)
    touched: dict[str, set[int | None]] = {}
    for job, shares in zip(plan.jobs, alters, strict=True):
        for i, source in job.donors:
            if shares[i] > 0:
                touched.setdefault(source.model, set()).add(plan.layout.layer(job.name))
    numbers: dict[object, int] = {}
    places = [numbers.setdefault(_place(job, own), len(numbers)) for job, own in zip(plan.jobs, alters, strict=True)]
    kinds = [
        numbers.setdefault((place, job.shape, job.packed, _read_whole(job)), len(numbers))
        for place, job in zip(places, plan.jobs, strict=True)
    ]
    made = Fixed(
        plan.layout, tuple(job.sources for job in plan.jobs), samples.stamps, alters, tuple(places), tuple(kinds),
        sum(job.numel for job in plan.jobs), {model: frozenset(layers) for model, layers in touched.items()},
        plan.nbytes,
    )  # fmt: skip
    for old in list(_KEPT)[: max(0, len(_KEPT) - 7)]:
        _KEPT.pop(old, None)
    _KEPT[id(plan.layout)] = made
    return made


def _place(job: TensorJob, alters: tuple[float, ...]) -> object:
    """What the verdict and the compiled passes ask of a tensor beside its arguments, without its size."""
    donors = tuple((i, source.model) for i, source in job.donors)
    ends = role(job.name) in ("embed", "head")
    return (job.method, donors, len(job.sources), job.base is None, job.compute, job.out, len(job.shape), ends, alters)


def _read_whole(job: TensorJob) -> int:
    """How many of its inputs are put together in memory before they are merged."""
    return sum(s.vocab is not None or bool(s.made) for s in (*job.sources, *([job.base] if job.base else [])))


def _differs(plan: Plan, job: TensorJob, i: int, samples: Samples) -> float:
    """The share of a tensor in which a source differs from the base, from a few stretches of it; 1 where it cannot be told, or
    where there is no base to differ from."""
    base, source = job.base, job.sources[i]
    if base is None and plan.recipe.method.base == "first":
        base = job.sources[0]
    if base is None or any(s.vocab is not None or s.rows is not None or s.made for s in (base, source)):
        return 1.0
    if not samples.here(base.model, source.model):
        return 1.0
    return differing(samples, base.model, base.name, source.model, source.name)


def alike(plan: Plan, still: Fixed) -> list[Alike]:
    """A plan's tensors, those together that are merged alike, in the order of the output."""
    groups: dict[tuple[int, int], Alike] = {}
    known: dict[tuple[int, Arguments], _Facts] = still.cache.setdefault("facts", {})  # a move changes few of them
    if len(known) > _MANY:
        known.clear()
    for job, place, kind, alters in zip(plan.jobs, still.places, still.kinds, still.alters, strict=True):
        group = groups.get((place, id(job.args)))
        if group is None:
            key = (place, job.args)
            if key not in known:
                known[key] = _facts(job, alters)
            group = groups[place, id(job.args)] = Alike(job, alters, 0, {}, *known[key])
        group.numel += job.numel
        first, count = group.kinds.get(kind, (job, 0))
        group.kinds[kind] = (first, count + 1)
    return list(groups.values())


_Facts = tuple[tuple[int, ...], tuple[float, ...], tuple[float, float], bool]


def _facts(job: TensorJob, alters: tuple[float, ...]) -> _Facts:
    """What follows from the arguments alone: acting, keeps, changes and compiled of an Alike."""
    factors = [value for name in FACTORS if (value := job.args.get(name)) is not None]
    acting = tuple([i for i, _ in job.donors if all((f[i] if isinstance(f, tuple) else f) != 0 for f in factors)])
    densities = [job.args.at("density", i) for i in range(len(alters))]
    keeps = tuple([a if d is None else min(1.0, float(d), a) for d, a in zip(densities, alters, strict=True)])
    changes = 1 - math.prod(1 - alters[i] for i in acting), 1 - math.prod(1 - keeps[i] for i in acting)
    return acting, keeps, changes, fused.supports(job)


def takes(groups: Sequence[Alike], afar: Mapping[str, Checkpoint]) -> tuple[int, float]:
    """Bytes of memory and seconds that a merge of these tensors takes: of each kind one is looked at.

    afar  the models that lie elsewhere: their tensors are fetched into memory
    """
    counts: dict[tuple[int, bool], tuple[TensorJob, int]] = {}
    for group in groups:
        for kind, (job, count) in group.kinds.items():
            first, known = counts.get((kind, group.compiled), (job, 0))
            counts[kind, group.compiled] = (first, known + count)
    largest = [job for job, count in counts.values() for _ in range(min(count, 2))]  # as many as are made at a time
    return memory_together(largest, 2, afar), costs.START + sum(count * costs.seconds(job) for job, count in counts.values())


ByModel = Mapping[str, Sequence[tuple[Alike, int]]]
"""For each model the tensors that it can change, with its place among their sources."""


def by_model(groups: Sequence[Alike]) -> ByModel:
    """Those of each model."""
    mine: defaultdict[str, list[tuple[Alike, int]]] = defaultdict(list)
    for group in groups:
        for i, source in group.job.donors:
            mine[source.model].append((group, i))
    return mine


__all__ = ["FACTORS", "Alike", "ByModel", "Fixed", "alike", "by_model", "fixed", "takes"]
