"""One tensor under the glass: histograms of its deltas, and its numbers on their way through the method's stages.

Everything is measured on the real tensor by the method's own function, with its `watch` told of the stages (ops.Watch).
Tensors of more than LIMIT elements are looked at by every n-th row, which is said: then a cut or a random mask is the
sample's, near that of the merge and not the same.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from merger.engine.plan import NO_ARGUMENTS, Source, TensorJob
from merger.engine.tensor import Read, merge_tensor
from merger.files.layout import Layout, role
from merger.inspect.analysis import Staged, TensorStats, counted_up, facts_of, has_deltas, staged
from merger.methods import LINES, METHODS
from merger.methods.angles import products
from merger.methods.law import NO_LAW, Law
from merger.methods.ops import cut_for, total, unwatched
from merger.methods.trims import keep_chances, middle

LIMIT = 1 << 20
"""Elements of a tensor that are looked at whole: less than a second of plain torch under most methods."""
MOST_DIRECTIONS = 256
"""The shorter side of a matrix that is decomposed whole; longer ones are thinned to it. A decomposition grows with its square."""
BINS = 81
POSITIONS = 10
STRONGEST = 64


@dataclass(frozen=True)
class Cut:
    """Of a delta, magnitudes from `low` to below `high` are kept (inf: no upper end)."""

    low: float
    high: float = math.inf


@dataclass(frozen=True)
class Histogram:
    """How often each delta occurs, per model: all of them, and those that are kept. Bins between `edges`, the same for all."""

    edges: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]
    kept: tuple[tuple[int, ...], ...]
    cuts: tuple[Cut | None, ...]


@dataclass(frozen=True)
class Stage:
    """One step at the chosen positions: a row for each model, or one for all. `out`: takes no part any more, same shape.

    name  base, models, deltas, chance, kept, rescaled, weighted, elected, agreeing, importance, taken, average, merged, result
    """

    name: str
    rows: tuple[tuple[float, ...], ...]
    out: tuple[tuple[bool, ...], ...]


@dataclass(frozen=True)
class Arc:
    """The models as vectors in their plane, and what became of them. Points are (x, y) with the origin at 0, 0.

    degrees  the largest angle between two of them
    straight where the same shares of a straight line between them would end
    shown    the share of what they differ by that lies in this plane: 1 for two models
    deltas   the vectors are changes from the base, else whole weights
    """

    points: tuple[tuple[float, float], ...]
    result: tuple[float, float]
    straight: tuple[float, float]
    degrees: float
    shown: float
    deltas: bool


@dataclass(frozen=True)
class Spectrum:
    """Singular values, strongest first, at most STRONGEST: of each weighted delta, of their sum, of the merged delta."""

    models: tuple[tuple[float, ...], ...]
    added: tuple[float, ...]
    merged: tuple[float, ...]


@dataclass(frozen=True)
class Explanation:
    """A method at work on some telling positions of one tensor.

    models   references, in the order of the stages' rows
    against  what "change" means here: the reference of the model that is subtracted; None: the first model's values
    at       the positions, as indices into the tensor
    numbers  the method's own: weight, density, scale (after dropping), cut, share, t, step, cosine, reach, line, lambda, ...;
             one per model, or one
    """

    method: str | None
    models: tuple[str, ...]
    against: str | None
    at: tuple[tuple[int, ...], ...]
    stages: tuple[Stage, ...]
    numbers: Mapping[str, tuple[float, ...]]
    arc: Arc | None = None
    spectrum: Spectrum | None = None

    def stage(self, name: str) -> Stage | None:
        """The stage of this name, or None."""
        return next((s for s in self.stages if s.name == name), None)


@dataclass(frozen=True)
class Look:
    """One tensor: what it is, how the models differ there, what the method does to it.

    stored  each model's dtype, by reference
    every   only every n-th row was looked at; 1: all
    stats   None without a base to compare with
    own     the statistics' kept, counted and pull are this recipe's; else (methods that tell no stages) only the raw deltas'
    """

    name: str
    role: str
    shape: tuple[int, ...]
    out: torch.dtype
    stored: tuple[tuple[str, torch.dtype], ...]
    every: int
    stats: TensorStats | None
    own: bool
    histogram: Histogram | None
    explained: Explanation

    @property
    def numel(self) -> int:
        """Weights in the tensor."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes in the merged model."""
        return self.numel * self.out.itemsize


def look(
    job: TensorJob, read: Read, where: Layout, *, against: TensorJob | None = None, device: str | torch.device = "cpu",
    positions: int = POSITIONS,
) -> Look:  # fmt: skip
    """Look at one tensor under its job.

    against  a job of the same tensor on deltas, for jobs that have none of their own: what its models changed from its base
    """
    every = _every(job)
    sample = _thinned(read, every)
    held: dict[Source, Tensor] = {}

    def once(source: Source) -> Tensor:
        if source not in held:
            held[source] = sample(source)
        return held[source]

    if against is not None and against.shape != job.shape:  # it has other tokens: there is no change to look at
        against = None
    delta_method = job.method is not None and METHODS[job.method].takes == "deltas"
    native = delta_method and has_deltas(job)
    own = native and "watch" in METHODS[job.method or ""].given
    measured = job if native else against if against is not None and has_deltas(against) else job if has_deltas(job) else None
    passed = staged(measured, once, device) if measured is not None else None
    stats = None
    if measured is not None and passed is not None:
        stats = counted_up(measured, passed, where, facts_of(passed.base, passed.deltas))
        if measured is not job:
            merged = merge_tensor(replace(job, out=job.compute), once, device, watch=unwatched)
            stats = replace(stats, merged_sq=float(total((merged - passed.base).square())))
    explained = (
        _of_deltas(job, passed, positions) if native and passed is not None
        else _of_tensors(job, once, device, measured, positions)
    )  # fmt: skip
    sources = [*([job.base] if job.base else []), *job.sources]
    return Look(
        job.name, role(job.name), job.shape, job.out, tuple({s.model: once(s).dtype for s in sources}.items()), every,
        stats, own, _histogram(job if own else None, passed) if passed is not None else None, explained,
    )  # fmt: skip


def _law(job: TensorJob) -> Law:
    return METHODS[job.method].law if job.method is not None else NO_LAW


def _every(job: TensorJob) -> int:
    """Every how many rows (of a vector: elements) are looked at."""
    every = max(1, math.ceil(math.prod(job.shape) / LIMIT))
    if _law(job).decomposes and len(job.shape) == 2 and min(job.shape) > MOST_DIRECTIONS:
        every = max(every, math.ceil(job.shape[0] / MOST_DIRECTIONS))
    return min(every, job.shape[0]) if job.shape else 1


def _thinned(read: Read, every: int) -> Read:
    return read if every == 1 else lambda source: read(source)[::every]


# ---------------------------------------------------------------------------------------------- histograms


def _histogram(job: TensorJob | None, passed: Staged) -> Histogram | None:
    """Of the raw deltas; None where nothing changed. job: whose trims are drawn, None for none."""
    deltas = passed.deltas.reshape(len(passed.deltas), -1)
    reach = float(deltas.abs().max()) if deltas.numel() else 0.0
    if not reach or not math.isfinite(reach):
        return None
    kept = passed.stages.get("kept") if job is not None else None
    mask = torch.ones_like(deltas, dtype=torch.bool) if kept is None else kept.reshape(deltas.shape) != 0
    step = 2 * reach / BINS

    def counts(values: Tensor) -> tuple[int, ...]:
        return tuple(int(c) for c in values.float().histc(BINS, -reach, reach).tolist())

    return Histogram(
        tuple(-reach + i * step for i in range(BINS + 1)), tuple(counts(d) for d in deltas),
        tuple(counts(d[m]) for d, m in zip(deltas, mask, strict=True)),
        cuts(job, deltas) if job is not None else (None,) * len(deltas),
    )  # fmt: skip


def cuts(job: TensorJob, deltas: Tensor) -> tuple[Cut | None, ...]:
    """Where the job's method cuts each delta by its magnitude; None where it does not. deltas (n, *shape)."""
    args, trim = job.args, _law(job).trim
    if trim not in ("largest", "middle"):
        return (None,) * len(deltas)
    n = deltas[0].numel()
    densities = args.each("density", len(deltas))
    cuts: list[Cut | None] = []
    for i, (delta, density) in enumerate(zip(deltas, densities, strict=True)):
        size = delta.abs()
        if density >= 1 or n == 0:
            cuts.append(None)
        elif trim == "largest":
            cuts.append(Cut(cut_for(size, max(1, int(density * n)))[0]) if density > 0 else Cut(math.inf))
        else:
            count, top = middle(n, density, args.each("gamma", len(deltas), 0.01)[i])
            low = cut_for(size, min(n, top + count))[0] if count else math.inf
            cuts.append(Cut(low, cut_for(size, top)[0] if top else math.inf))
    return tuple(cuts)


# ---------------------------------------------------------------------------------------------- stages


def _of_deltas(job: TensorJob, passed: Staged, positions: int) -> Explanation:
    """A method on deltas: every stage it told of, at the positions where they can be told apart."""
    n, shape, law = len(passed.deltas), passed.base.shape, _law(job)
    deltas = passed.deltas.reshape(n, -1)
    on_deltas = {name: value for name, value in passed.stages.items() if value.shape == passed.deltas.shape}
    kept, voting, counted = (on_deltas[k].reshape(n, -1) if k in on_deltas else None for k in ("kept", "voting", "counted"))
    at = _telling(deltas, kept, voting, counted, positions, cuts(job, deltas))
    base, merged = passed.base.reshape(-1), passed.merged.reshape(-1)
    numbers = dict(_numbers(job, passed))
    none = torch.zeros(n, len(at), dtype=torch.bool)
    stages = [_stage("base", base[None, at]), _stage("deltas", deltas[:, at])]
    chances = _chances(job, passed.deltas)
    if chances is not None:
        stages.append(_stage("chance", chances.reshape(n, -1)[:, at]))
    out = none
    if kept is not None:
        out = (kept[:, at] == 0) & (deltas[:, at] != 0)
        if chances is not None or bool(((kept == 0) & (deltas != 0)).any()):
            stages.append(_stage("kept", deltas[:, at], out))
        if bool(((kept - deltas).abs() > 1e-5 * deltas.abs())[:, at][kept[:, at] != 0].any()):
            stages.append(_stage("rescaled", kept[:, at], out))
    unweighed = [before for before in (kept, deltas) if before is not None]
    if voting is not None and kept is not None and not any(torch.equal(voting[:, at], before[:, at]) for before in unweighed):
        stages.append(_stage("weighted", voting[:, at], (voting[:, at] == 0) & (deltas[:, at] != 0)))
    if voting is not None and "elected" in passed.stages:
        sign = passed.stages["elected"].reshape(-1)
        tally = voting[:, at].sum(0)
        stages.append(_stage("elected", (sign[at] * tally.abs())[None], (voting[:, at] == 0).all(0)[None]))
    if counted is not None and voting is not None and (law.vote or law.combine != "sum"):
        lost = (counted[:, at] == 0) & (voting[:, at] != 0)
        shown = torch.where(counted[:, at] != 0, counted[:, at], voting[:, at])
        stages.append(_stage("agreeing", shown, lost | (voting[:, at] == 0)))
    if law.combine == "step":
        stages.append(_stage("average", deltas[:, at].mean(0)[None]))
    change = (merged - base)[at]
    if counted is not None:
        change = _recombined(job, passed, counted)[at]
        below = passed.stages.get("below")
        if below is not None:
            numbers["below"] = tuple(below.reshape(-1).expand(base.numel())[at].tolist())
    stages += [_stage("merged", change[None]), _stage("result", torch.stack([base[at], merged[at]]))]
    return Explanation(
        job.method, tuple(s.model for s in job.sources), job.base.model if job.base else None,
        _indices(at, shape, _every(job)), tuple(stages), numbers, _stock(job, passed), _spectrum(job, passed),
    )  # fmt: skip


def _recombined(job: TensorJob, passed: Staged, counted: Tensor) -> Tensor:
    """The merged delta from its parts: what counts, added up, divided, scaled. (n, numel) -> (numel,)."""
    args = job.args
    below = passed.stages.get("below")
    whole = counted.sum(0)
    if below is not None:
        whole = whole / below.reshape(-1)
    return whole * args.number("lambda") * args.number(LINES.name)


def _numbers(job: TensorJob, passed: Staged) -> Iterator[tuple[str, tuple[float, ...]]]:
    """The job's arguments as numbers, one per model or one, and what a drop was made up for by."""
    n = len(passed.deltas)
    yield from job.args.numbers().items()
    kept = passed.stages.get("kept")
    if kept is not None and "rescale" in job.args:
        scales: list[float] = []
        for own, delta in zip(kept.reshape(n, -1), passed.deltas.reshape(n, -1), strict=True):
            left = own != 0
            scales.append(float((own[left] / delta[left]).median()) if bool(left.any()) else 1.0)
        yield "scale", tuple(scales)
    where = cuts(job, passed.deltas)
    if any(c is not None for c in where):
        yield "cut", tuple(0.0 if c is None else c.low for c in where)
        yield "top", tuple(math.inf if c is None else c.high for c in where)
    if _law(job).combine == "step" and n > 1:
        dots = products(passed.deltas)
        lengths = dots.diagonal().clamp_min(0).sqrt()
        pairs = [
            float(dots[i, j] / (lengths[i] * lengths[j]).clamp_min(1e-300)) for i in range(n) for j in range(i + 1, n)
        ]  # fmt: skip
        yield "cosine", (math.fsum(pairs) / len(pairs),)
        if not _law(job).rowwise(job.args, passed.deltas.dim() - 1):
            yield "step", tuple(_law(job).taken(dots, job.args))


def _chances(job: TensorJob, deltas: Tensor) -> Tensor | None:
    """How likely each change was to stay, where that is drawn by lot."""
    law = _law(job)
    if not law.drawn:
        return None
    args = job.args
    n = len(deltas)
    densities = args.each("density", n)
    if all(d >= 1 for d in densities):
        return None
    spread = args.each("epsilon", n, 0.0)
    return torch.stack(
        [
            keep_chances(delta, d, e).to(delta.dtype) if law.trim == "ranked" and 0 < d < 1 else torch.full_like(delta, d)
            for delta, d, e in zip(deltas, densities, spread, strict=True)
        ]
    )


def _of_tensors(job: TensorJob, read: Read, device: str | torch.device, against: TensorJob | None, positions: int) -> Explanation:
    """A method on whole weights, or a copy: the models' values beside what became of them, as differences from one of them."""
    if not job.sources and job.base is not None:  # the base alone
        job = replace(job, sources=(job.base,), method=None, args=NO_ARGUMENTS)
    stages_told: dict[str, Tensor] = {}
    method = METHODS[job.method] if job.method is not None else None

    def load(source: Source) -> Tensor:
        return read(source).to(device, job.compute)

    merged = merge_tensor(replace(job, out=job.compute), read, device, watch=stages_told.__setitem__)
    law = _law(job)
    moves = method is not None and method.base == "first" and law.combine == "own"  # from the first
    own_base = job.base if method is not None and method.base == "optional" else None
    zero = job.sources[0] if moves else own_base or (against.base if against is not None else None) or job.sources[0]
    sources = job.sources[1:] if moves else job.sources
    base = load(zero)
    tensors = torch.stack([load(s) for s in sources])
    n, flat = len(tensors), base.reshape(-1)
    apart = tensors.reshape(n, -1) - flat
    numbers = job.args.numbers()
    vectors = tensors - base if own_base is not None else tensors
    dots = products(vectors) if method is not None and n > 1 and not moves else None
    shares = _shares(job, dots, n)
    if shares is not None:
        numbers["share"] = tuple(shares)
    numbers |= {name: (float(value),) for name, value in stages_told.items() if value.dim() == 0}
    taken = apart * stages_told["taken"].reshape(1, -1) if "taken" in stages_told else None
    at = _telling(apart, taken, None, None, positions)
    stages = [_stage("base", flat[None, at]), _stage("models", apart[:, at])]
    if "importance" in stages_told:
        size = stages_told["importance"].reshape(-1)[at]
        stages.append(_stage("importance", size[None], (size < numbers["line"][0])[None]))
    if taken is not None and "importance" in stages_told:
        stages.append(_stage("kept", apart[:, at], (taken == 0)[:, at] & (apart[:, at] != 0)))
    if shares is not None and n > 1:
        parts = torch.tensor(shares, dtype=apart.dtype)[:, None] * apart.cpu()[:, at]
        stages.append(_stage("taken", parts))
    done = merged.reshape(-1)
    stages += [_stage("merged", (done - flat)[None, at]), _stage("result", torch.stack([flat[at], done[at]]))]
    arc = None if dots is None or shares is None or law.combine != "arc" else _plane(dots, shares, own_base is not None)
    return Explanation(
        job.method, tuple(s.model for s in sources), zero.model, _indices(at, base.shape, _every(job)), tuple(stages),
        numbers, arc,
    )  # fmt: skip


def _shares(job: TensorJob, dots: Tensor | None, n: int) -> list[float] | None:
    """What the method takes of each model, where that is one number for the whole tensor."""
    law, args = _law(job), job.args
    if job.method is None:
        return [1.0]
    if law.combine in ("average", "alone"):
        return law.taken(n, args)
    if dots is None or law.combine != "arc" or law.rowwise(args, len(job.shape)):
        return None
    return law.taken(dots, args)


def _stage(name: str, values: Tensor, out: Tensor | None = None) -> Stage:
    gone = out.tolist() if out is not None else [[False] * values.shape[1]] * len(values)
    return Stage(name, tuple(map(tuple, values.double().tolist())), tuple(map(tuple, gone)))


def _indices(at: Tensor, shape: Sequence[int], every: int) -> tuple[tuple[int, ...], ...]:
    """Flat positions of the sample as indices into the whole tensor."""
    if not shape:
        return ((),) * len(at)
    places = torch.stack(torch.unravel_index(at, tuple(shape)), 1).tolist()
    return tuple((index[0] * every, *index[1:]) for index in places)


# ---------------------------------------------------------------------------------------------- which positions


def _telling(
    deltas: Tensor, kept: Tensor | None, voting: Tensor | None, counted: Tensor | None, most: int,
    where: Sequence[Cut | None] = (),
) -> Tensor:  # fmt: skip
    """Positions where the stages can be told apart, in the tensor's order: (at most `most`,). All inputs (n, numel).

    In turn: models that pull apart, changes just too small to be kept, changes too large to be kept, changes that lose the
    vote, models that agree, what only one model changed; then the largest changes. Changes as large as the cut are no example.
    """
    size = deltas.abs()
    if not bool(size.any()):
        return torch.zeros(0, dtype=torch.int64)
    kept = deltas if kept is None else kept
    up, down = kept.clamp_min(0).amax(0), (-kept).clamp_min(0).amax(0)
    dropped = torch.where((kept == 0) & (size > 0), size, 0)
    for i, cut in enumerate(where):
        if cut is not None and math.isfinite(cut.low):
            dropped[i] *= (size[i] < 0.9 * cut.low) | (size[i] > 1.1 * cut.high)
    alive = (kept != 0).sum(0)
    smallest = size.amin(0)
    same = (deltas > 0).all(0) | (deltas < 0).all(0)
    wishes: list[tuple[Tensor, int]] = [(torch.minimum(up, down), 3)]
    if voting is not None and counted is not None:
        wishes.append((torch.where((counted == 0) & (voting != 0), voting.abs(), 0).amax(0), 1))
    wishes += [(dropped.amin(0) if len(deltas) == 1 else torch.where(alive > 0, dropped.amax(0), 0), 2)]
    wishes += [(torch.where(alive == 0, dropped.amax(0), 0), 1), (torch.where(same & (alive == len(deltas)), smallest, 0), 2)]
    wishes += [(torch.where(alive == 1, kept.abs().amax(0), 0), 1), (size.amax(0), most), (size.amax(0) + 1e-45, most)]
    chosen: dict[int, None] = {}
    for score, count in wishes:
        left = min(count, most - len(chosen))
        if left <= 0:
            break
        best = score.topk(min(len(chosen) + left, score.numel()))
        fresh = [int(i) for v, i in zip(best.values.tolist(), best.indices.tolist(), strict=True) if v > 0 and i not in chosen]
        chosen |= dict.fromkeys(fresh[:left])
    return torch.tensor(sorted(chosen), dtype=torch.int64)


# ---------------------------------------------------------------------------------------------- geometry


def _plane(dots: Tensor, shares: Sequence[float], deltas: bool) -> Arc | None:
    """Two models in the plane they span; more in the plane of their mean direction and their main difference."""
    lengths = dots.diagonal().clamp_min(0).sqrt()
    if float(lengths.min()) <= 0:
        return None
    cosines = (dots / lengths[:, None] / lengths).clamp(-1, 1)
    n = len(dots)
    if n == 2:
        theta = math.acos(float(cosines[0, 1]))
        a, b = float(lengths[0]), float(lengths[1])
        points = torch.tensor([[a, 0.0], [b * math.cos(theta), b * math.sin(theta)]], dtype=torch.float64)
        shown = 1.0
    else:
        values, vectors = torch.linalg.eigh(dots)
        values, vectors = values.clamp_min(0).flip(0), vectors.flip(1)
        points = vectors[:, :2] * values[:2].sqrt()
        points = points * torch.where(points.sum(0) < 0, -1.0, 1.0)
        rest = float(values[1:].sum())
        shown = float(values[1]) / rest if rest > 0 else 1.0
    weights = torch.tensor(list(shares), dtype=torch.float64)
    whole = float(weights.sum())
    straight = (weights / whole if abs(whole) > 1e-9 else weights) @ points
    x, y = (weights @ points).tolist()
    return Arc(
        tuple((float(p[0]), float(p[1])) for p in points), (x, y), (float(straight[0]), float(straight[1])),
        math.degrees(math.acos(float(cosines.min()))), shown, deltas,
    )  # fmt: skip


def _stock(job: TensorJob, passed: Staged) -> Arc | None:
    """The picture of a step along the average: the deltas, their average, and how far along it the result lies."""
    n = len(passed.deltas)
    law = _law(job)
    if law.combine != "step" or n < 2 or law.rowwise(job.args, passed.deltas.dim() - 1):
        return None
    dots = products(passed.deltas)
    return _plane(dots, [law.taken(dots, job.args)[0] / n] * n, True)


def _spectrum(job: TensorJob, passed: Staged) -> Spectrum | None:
    """The singular values before and after, for methods that work on them."""
    if not _law(job).decomposes or passed.deltas.dim() != 3 or not passed.deltas.numel():
        return None
    weights = torch.tensor(job.args.each("weight", len(passed.deltas)), dtype=passed.deltas.dtype)
    weighted = passed.deltas * weights.to(passed.deltas.device)[:, None, None]

    def strengths(matrix: Tensor) -> tuple[float, ...]:
        return tuple(torch.linalg.svdvals(matrix)[:STRONGEST].tolist())

    return Spectrum(tuple(strengths(d) for d in weighted), strengths(weighted.sum(0)), strengths(passed.merged - passed.base))


__all__ = [
    "BINS", "LIMIT", "Arc", "Cut", "Explanation", "Histogram", "Look", "Spectrum", "Stage", "cuts", "look",
]  # fmt: skip
