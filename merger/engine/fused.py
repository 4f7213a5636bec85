"""Jobs of the methods that people use most, through the compiled passes of merger/kernels: the same bits, a fraction of the time.

Each job is two steps: find the few numbers of the whole tensors that its method needs (cuts, lengths, dot products), then
make the output stretch by stretch. So memory does not grow with a tensor, and what was found is kept while sliders move.
"""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from merger.engine.plan import Source, TensorJob
from merger.files.layout import role
from merger.kernels import backend, cpu, gpu, passes
from merger.kernels.passes import ADDED, ALL, ALONE, ELECTED, EMPTY, EVERY, MASK, MIXED, NONE, NOTHING, Combine, Ladder, Trim
from merger.methods import METHODS
from merger.methods.law import NO_LAW, Law
from merger.methods.ops import Draws, cancelled, numbers, per_model, scale_back
from merger.methods.trims import middle

_Delta = tuple[Source, Source | None]
_TrimmedDelta = tuple[Source, Source | None, Trim]
_Deltas = tuple[tuple[Source, ...], Source | None]


@dataclass
class Known:
    """What was measured of tensors and no weight changes: for each tensor and parent at most a kilobyte.

    cuts     (source, base) -> rows of k, the k-th magnitude, how many lie above it, how many at it
    ladders  (source, base) -> common magnitudes with these counts, so that most of all k are known after one pass; None: one
             k of each delta is all that will be asked
    lengths  (source, base, trim) -> sums of magnitudes before and after the trim
    dots     (sources, base) -> their dot products
    """

    cuts: dict[_Delta, "array[float]"] = field(default_factory=dict[_Delta, "array[float]"])
    ladders: dict[_Delta, Ladder] | None = field(default_factory=dict[_Delta, Ladder])
    lengths: dict[_TrimmedDelta, tuple[float, float]] = field(default_factory=dict[_TrimmedDelta, tuple[float, float]])
    dots: dict[_Deltas, Tensor] = field(default_factory=dict[_Deltas, Tensor])

    def drop(self, model: str) -> None:
        """Drop what was measured of a model's tensors."""
        for table in (self.cuts, self.ladders or {}, self.lengths, self.dots):
            _drop(table, model)


def _drop(table: dict[Any, Any], model: str) -> None:
    """Drop the entries of a model; keys are a source or several, and a base."""
    for key in list(table):
        first = key[0] if isinstance(key[0], tuple) else (key[0],)
        if any(source is not None and source.model == model for source in (*first, key[1])):
            table.pop(key, None)


_ROWS = 8
_MANY = 20_000


def base_of(job: TensorJob) -> Source | None:
    """The base the arithmetic needs: what is subtracted and added back. None where it is only one of the models."""
    if job.method is None:
        return None
    method = METHODS[job.method]
    return job.base if law_of(job).compiled and (method.takes == "deltas" or method.base == "optional") else None


def supports(job: TensorJob, device: str = "cpu") -> bool:
    """Whether a job is one for the compiled passes of a kind of device, by what is known before reading."""
    by = backend.backend(device)
    if by is None or job.method is None or job.compute != torch.float32:
        return False
    method, n = METHODS[job.method], len(job.sources)
    law, args = law_of(job), _arguments(job)
    if not law.compiled or law.rowwise(args, len(job.shape)) or not 0 < n <= by.MOST_MODELS:
        return False
    if law.trim not in by.TRIMS or (law.trim == "ranked" and args.get("rescale") == "inverse"):
        return False
    if by is gpu and math.prod(job.shape) >= gpu.ELEMENTS:
        return False
    if law.trim == "ranked" and by is gpu and job.shape and job.shape[-1] > gpu.RANKED_ROW:
        return False
    if n == 1 and method.base == "optional":
        return False  # one model stays as it is
    return job.out in by.OUTS


def law_of(job: TensorJob) -> Law:
    """The law that a job's tensor is merged by."""
    law = METHODS[job.method].law if job.method else NO_LAW
    return law.at(len(job.shape), role(job.name) in ("embed", "head")) if law.decomposes else law


def _arguments(job: TensorJob) -> dict[str, Any]:
    """The job's arguments, with the method's defaults for what a job made by hand leaves out."""
    params = METHODS[job.method or ""].params
    return {**{p.name: p.default for p in params if p.default is not None}, **job.args}


def prepared(job: TensorJob, tensors: Sequence[Tensor], base: Tensor | None, known: Known | None = None) -> Combine | None:
    """The job's numbers, found by passes over its tensors. None where the tensors are not ones for the compiled passes.

    tensors  the job's sources, contiguous, as stored; base: that of `base_of`
    known    what was found before, and where to keep what is found now
    """
    by = backend.backend(tensors[0].device.type)
    if by is None or not by.supports([*tensors, *([base] if base is not None else [])]) or not tensors[0].numel():
        return None
    measured = Known(ladders=None) if known is None else known
    args, law, n = _arguments(job), law_of(job), len(tensors)
    depth = args.get("lines", 1.0)
    if law.combine == "sum":
        return _trimmed(by, job, args, tensors, base, measured, depth)
    if law.combine in ("average", "alone"):
        return Combine(MIXED if law.combine == "average" else ALONE, tuple(law.taken(n, args)), add_base=False)
    key = (job.sources, base_of(job))
    if key not in measured.dots:
        if len(measured.dots) > _MANY:
            measured.dots.clear()
        measured.dots[key] = by.products(tensors, base)
    shares = tuple(law.taken(measured.dots[key], args))
    if law.combine == "step":
        return Combine(ADDED, (1.0,) * n, divide=float(n), scale=shares[0], depth=depth)
    return Combine(MIXED, shares)


def _trimmed(
    by: backend.Backend, job: TensorJob, args: Mapping[str, Any], tensors: Sequence[Tensor], base: Tensor | None, known: Known,
    depth: float,
) -> Combine:  # fmt: skip
    """The methods on deltas: trim each, weigh, add up, with an election or without. by: asked for once, as another thread may
    find meanwhile that a device is not to be trusted."""
    n = len(tensors)
    weights = per_model(args["weight"], n)
    if by is gpu:
        _search(job, args, tensors, base, known)
    trims = _masked(by, [_trim(job, i, args, x, base, known) for i, x in enumerate(tensors)], tensors, base)
    trims = _rescaled(by, job, args, tensors, base, trims, known)
    divide, rounded = 1.0, torch.tensor(weights, dtype=torch.float32)
    least = float(torch.tensor(cancelled(numbers(rounded)), dtype=torch.float32))
    elected = law_of(job).vote
    if args.get("normalize") and not elected:
        whole = 0.0  # as `added`: float32, one after the other, and not divided where they cancel out
        for w in rounded:
            whole = float(torch.tensor(whole, dtype=torch.float32) + w)
        divide = whole if abs(whole) > least else 1.0
    mode, scale = ELECTED if elected else ADDED, float(args["lambda"])
    normalize = bool(args["normalize"])
    return Combine(mode, tuple(weights), trims, normalize=normalize, divide=divide, scale=scale, depth=depth, least=least)


def _trim(job: TensorJob, i: int, args: Mapping[str, Any], x: Tensor, base: Tensor | None, known: Known) -> Trim:
    """The trim of one model's delta, not rescaled."""
    density = per_model(args.get("density", 1.0), len(job.sources))[i]
    if density >= 1:
        return ALL
    if density <= 0:
        return NONE
    n, source = x.numel(), (job.sources[i], job.base)
    draws = Draws(job.seed, job.name, job.parents)
    ks, how = _ks(job, i, args, n), law_of(job).trim
    if how == "all":
        return ALL
    if how == "largest":
        return passes.cut(draws.key(), _cut(x, base, ks[0], source, known))
    if how == "random":
        return passes.random(draws.key(i), density)
    if how == "ranked":
        return passes.ranked(draws.key(i), density, per_model(args["epsilon"], len(job.sources))[i])
    if not ks:
        return NONE
    low = _cut(x, base, ks[0], source, known) if ks[0] < n else (-1.0, 1.0)
    return passes.cut(draws.key(), low, _cut(x, base, ks[1], source, known) if ks[1] else (math.inf, 0.0))


def _masked(by: backend.Backend, trims: Sequence[Trim], tensors: Sequence[Tensor], base: Tensor | None) -> list[Trim]:
    """The trims with the masks of those that go by ranks, which are found together."""
    ranked = [i for i, t in enumerate(trims) if t.kind == MASK]
    masks = by.ranked([tensors[i] for i in ranked], base, [trims[i] for i in ranked]) if ranked else []
    found = dict(zip(ranked, masks, strict=True))
    return [replace(t, mask=found[i]) if i in found else t for i, t in enumerate(trims)]


def _rescaled(
    by: backend.Backend, job: TensorJob, args: Mapping[str, Any], tensors: Sequence[Tensor], base: Tensor | None,
    trims: Sequence[Trim], known: Known,
) -> tuple[Trim, ...]:  # fmt: skip
    """The trims with what gives the deltas their scale back; the sums that are not known yet are found together."""
    densities = per_model(args.get("density", 1.0), len(trims))
    if args.get("rescale") == "inverse":
        return tuple(
            t if t.kind in (EVERY, NOTHING) else replace(t, divide=density) for t, density in zip(trims, densities, strict=True)
        )
    some = [i for i, t in enumerate(trims) if t.kind not in (EVERY, NOTHING)] if args.get("rescale") else []
    keys = {i: (job.sources[i], job.base, replace(trims[i], mask=None, density=densities[i])) for i in some}
    sums = {i: known.lengths[key] for i, key in keys.items() if key in known.lengths}
    new = [i for i in some if i not in sums]
    if new:
        sums |= zip(new, by.lengths([tensors[i] for i in new], base, [trims[i] for i in new]), strict=True)
    for i in new:
        if len(known.lengths) > _MANY:  # sliders have been everywhere
            known.lengths.clear()
        known.lengths[keys[i]] = sums[i]
    return tuple(replace(t, scale=scale_back(*sums[i])) if i in sums else t for i, t in enumerate(trims))


def _ks(job: TensorJob, i: int, args: Mapping[str, Any], n: int) -> tuple[int, ...]:
    """Which magnitudes, counted from the largest, bound what the trim of one model's delta keeps: below, then above."""
    density = per_model(args.get("density", 1.0), len(job.sources))[i]
    if not 0 < density < 1:
        return ()
    trim = law_of(job).trim
    if trim == "largest":
        return (max(1, int(density * n)),)
    if trim == "middle":
        count, top = middle(n, density, per_model(args["gamma"], len(job.sources))[i])
        return (top + count, top) if count else ()
    return ()


def _cut(x: Tensor, base: Tensor | None, k: int, source: tuple[Source, Source | None], known: Known) -> tuple[float, float]:
    """`ops.cut_for` of x - base, from what is known of this delta if that tells it, else by one pass."""
    told = _told(known, source, k)
    if told is not None:
        return told
    bracket = (1.0, 0.0)
    if known.ladders is not None and _LADDERED[0] <= x.numel() < _LADDERED[1]:
        if source not in known.ladders:
            known.ladders[source] = cpu.ladder(x, base)
        ladder = known.ladders[source]
        i, exact = ladder.find(k)
        if exact:
            return ladder.steps[i], (k - ladder.above[i]) / ladder.at[i]
        bracket = (ladder.steps[i - 1] if i else 0.0, ladder.steps[i] if i < len(ladder.steps) else math.inf)
    return _keep(known, source, k, cpu.kth(x, base, k, bracket))


_LADDERED = 1 << 16, 1 << 32
"""Elements of the deltas that have ladders; on a GPU smaller ones have them, too."""


def _told(known: Known, source: _Delta, k: int) -> tuple[float, float] | None:
    """The cut and the share of those at it, as far as is known."""
    rows = known.cuts.setdefault(source, array("d"))
    for at_k, cut, above, equal in zip(*[iter(rows[:])] * 4, strict=True):  # a copy: another session may add to them
        if at_k == k or above < k <= above + equal:
            return cut, (k - above) / equal
    ladder = None if known.ladders is None else known.ladders.get(source)
    i, exact = ladder.find(k) if ladder is not None else (0, False)
    return (ladder.steps[i], (k - ladder.above[i]) / ladder.at[i]) if exact and ladder is not None else None


def _keep(known: Known, source: _Delta, k: int, found: tuple[float, int, int]) -> tuple[float, float]:
    """Keep a k-th magnitude, with how many lie above it and at it; the cut and the share of those at it."""
    rows = known.cuts.setdefault(source, array("d"))
    if len(rows) >= 4 * _ROWS:
        del rows[:4]
    rows.extend((k, *found))
    return found[0], (k - found[1]) / found[2]


def _search(job: TensorJob, args: Mapping[str, Any], tensors: Sequence[Tensor], base: Tensor | None, known: Known) -> None:
    """On a GPU reading is what costs: all cuts of all models that are not known are found in the same passes."""
    n = tensors[0].numel()
    asked: dict[int, list[int]] = {}
    for i, source in enumerate(job.sources):
        ks = [k for k in dict.fromkeys(_ks(job, i, args, n)) if k > 0 and (k < n or law_of(job).trim == "largest")]
        missing = [k for k in ks if _told(known, (source, job.base), k) is None]
        if missing:
            asked[i] = missing
    if not asked:
        return
    keeps = known.ladders is not None and n < _LADDERED[1]
    sources = [(job.sources[i], job.base) for i in asked]
    ladders = [known.ladders.get(source) if keeps and known.ladders is not None else EMPTY for source in sources]
    found = gpu.search([tensors[i] for i in asked], base, list(asked.values()), ladders)
    for source, missing, (ladder, cuts) in zip(sources, asked.values(), found, strict=True):
        if keeps and known.ladders is not None:
            known.ladders[source] = ladder
        for k, cut in zip(missing, cuts, strict=True):
            _keep(known, source, k, cut)
