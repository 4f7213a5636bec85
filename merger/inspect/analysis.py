"""Numbers about a merge, a tensor at a time: sign conflict, density, norms, cosines, who is in the result.

Every number is kept as counts and sums, so tensors combine to layers, roles and models exactly.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from merger.engine.document import read_source
from merger.engine.plan import Source, TensorJob
from merger.engine.tensor import Read, merge_tensor, used
from merger.files.checkpoints import Checkpoint
from merger.files.layout import Layout, role
from merger.kernels.finite import Count, Look, count
from merger.methods.ops import column, total

SAMPLES = 2048
_ROWS, _WHOLE = 16, 1 << 19
"""Of a tensor that lies elsewhere: rows that are looked at, and elements up to which it is fetched whole."""


class Contest(NamedTuple):
    """How far models pull against each other, beside what unrelated ones would; sums over positions.

    At a position, 1 - prod(1 - a_i / a) over the models i whose term has another sign than that of the strongest model with a
    term there; a_i is the model's mean |weight * change| in the tensor, a the strongest's. So two models of equal pull conflict
    wholly or not at all, one of a tenth of the pull by a tenth, and one of weight 0 takes no part. Unrelated models, whose signs
    are as good as tossed, give 1 - prod(1 - a_i / 2a) over all others with a term there: 1/2 for two of equal pull,
    1 - 2 * (1/2)^n for n.

    against  the first, chance the second, both summed over the positions where two or more have a term, of which there are met
    """

    against: float = 0.0
    chance: float = 0.0
    met: int = 0

    @property
    def beyond(self) -> float | None:
        """More (or less) than chance, in shares of the positions; None where no two models meet."""
        return (self.against - self.chance) / self.met if self.met else None


@dataclass(frozen=True)
class Facts:
    """What no slider changes: sums over the raw deltas (fine-tuned minus base). Counts of positions, sums of squares.

    clash     positions where two nonzero deltas differ in sign
    changed   per model, positions where its delta is not zero
    dots      dot products of the deltas, row by row, n * n
    """

    numel: int
    base_sq: float
    clash: int
    changed: tuple[int, ...]
    dots: tuple[float, ...]


@dataclass(frozen=True)
class TensorStats:
    """One tensor's (or layer's, or model's) numbers under one recipe.

    kept      per model, positions left after trimming or dropping
    clash     positions where two deltas differ in sign as they enter the vote: trimmed and weighted
    counted   per model, positions where it takes part in the result
    pull      per model, sum of the absolute values it takes part with
    merged_sq sum of squares of merged minus base
    contest   how far they pull against each other as they are added up: trimmed and weighted
    """

    name: str
    layer: int | None
    role: str
    models: tuple[str, ...]
    facts: Facts
    kept: tuple[int, ...]
    clash: int
    counted: tuple[int, ...]
    pull: tuple[float, ...]
    merged_sq: float
    contest: "Contest"

    @property
    def conflict(self) -> float:
        """Share of positions where the deltas that vote differ in sign, 0 to 1."""
        return self.clash / max(1, self.facts.numel)

    @property
    def conflict_before(self) -> float:
        """The same before trimming and weighting."""
        return self.facts.clash / max(1, self.facts.numel)

    @property
    def density(self) -> tuple[float, ...]:
        """Kept density per model: share of positions left after trimming."""
        return tuple(k / max(1, self.facts.numel) for k in self.kept)

    @property
    def effective(self) -> tuple[float, ...]:
        """Effective density per model: share of positions where it takes part in the result."""
        return tuple(c / max(1, self.facts.numel) for c in self.counted)

    @property
    def size(self) -> tuple[float, ...]:
        """Norm of each delta relative to the base's."""
        n = len(self.models)
        return tuple(_root(self.facts.dots[i * n + i], self.facts.base_sq) for i in range(n))

    @property
    def moved(self) -> float:
        """Norm of merged minus base relative to the base's."""
        return _root(self.merged_sq, self.facts.base_sq)

    @property
    def share(self) -> tuple[float, ...]:
        """Each model's share of the result: of the absolute values that were added up."""
        whole = math.fsum(self.pull)
        return tuple(p / whole if whole else 0.0 for p in self.pull)

    def cosine(self, i: int, j: int) -> float:
        """Cosine between two models' deltas; 0 where one of them is zero."""
        n = len(self.models)
        scale = math.sqrt(self.facts.dots[i * n + i] * self.facts.dots[j * n + j])
        return self.facts.dots[i * n + j] / scale if scale else 0.0


def _root(part: float, whole: float) -> float:
    return math.sqrt(part / whole) if whole else 0.0


def has_deltas(job: TensorJob) -> bool:
    """Whether there is a base to measure this job's models against."""
    return job.base is not None and job.method is not None and any(s != job.base for s in job.sources)


def _deltas(job: TensorJob, read: Read, device: str | torch.device) -> tuple[Tensor, Tensor]:
    assert job.base is not None
    base = read(job.base).to(device, job.compute)
    others = [read(s).to(device, job.compute) for s in job.sources if s != job.base]
    return base, torch.stack(others).sub_(base)  # (n, *shape)


def facts(job: TensorJob, read: Read, device: str | torch.device = "cpu") -> Facts:
    """The numbers no slider changes. `job` must have deltas."""
    return facts_of(*_deltas(job, read, device))


def facts_of(base: Tensor, deltas: Tensor) -> Facts:
    """The same of tensors at hand: base (*shape), deltas (n, *shape)."""
    n = len(deltas)
    flat = deltas.reshape(n, -1)
    products = {(i, j): float(total(flat[i] * flat[j])) for i in range(n) for j in range(i, n)}
    return Facts(
        base.numel(), float(total(base * base)), _clash(deltas), tuple(int((d != 0).sum()) for d in deltas),
        tuple(products[min(i, j), max(i, j)] for i in range(n) for j in range(n)),
    )  # fmt: skip


_STRETCH = 1 << 20


def contest(terms: Tensor) -> Contest:
    """What Contest says, of one tensor's terms (n, *shape)."""
    rows = terms.reshape(len(terms), -1)
    pulls = [_mean(whole, some) for whole, some in zip(_sums(rows.abs()), _counts(rows), strict=True)]
    strongest_first = sorted((i for i, pull in enumerate(pulls) if pull), key=lambda i: -pulls[i])
    found = Contest()
    for start in range(0, rows.shape[1], _STRETCH) if len(strongest_first) > 1 else ():
        part = rows[:, start : start + _STRETCH]
        lead = torch.zeros(part.shape[1], dtype=torch.int8, device=part.device)  # the strongest's sign
        share = torch.zeros_like(lead, dtype=torch.float64)  # 1 / its pull
        same, fair = torch.ones_like(share), torch.ones_like(share)
        for i in strongest_first:
            sign = (part[i] > 0).to(torch.int8) - (part[i] < 0).to(torch.int8)
            takes = sign != 0
            part_of_lead = share * pulls[i]
            same *= 1 - (sign * lead == -1) * part_of_lead
            fair *= 1 - takes * part_of_lead / 2
            first = takes & (lead == 0)
            lead += sign * first
            share += first * (1 / pulls[i])
        more = float((1 - same).sum()), float((1 - fair).sum()), int((fair < 1).sum())
        found = Contest(found.against + more[0], found.chance + more[1], found.met + more[2])
    return found


def _mean(whole: float, some: int) -> float:
    """Mean magnitude of what is not zero, of a sum and a count; 0 where nothing is, or where it is no number."""
    return whole / some if some and math.isfinite(whole) else 0.0


def _clash(values: Tensor) -> int:
    """Positions where nonzero values of two models differ in sign. values (n, *shape)."""
    return int(((values > 0).any(0) & (values < 0).any(0)).sum())


@dataclass(frozen=True)
class Staged:
    """A tensor on its way through its job's method, all in job.compute.

    base    (*shape); deltas (n, *shape), of the models other than the base
    stages  what the method told of itself (ops.Watch), by name
    merged  (*shape), before the one rounding to job.out
    """

    base: Tensor
    deltas: Tensor
    stages: Mapping[str, Tensor]
    merged: Tensor


def staged(job: TensorJob, read: Read, device: str | torch.device = "cpu") -> Staged:
    """Run a job and keep what happens on the way. `job` must have deltas."""
    base, deltas = _deltas(job, read, device)
    stages: dict[str, Tensor] = {}
    merged = merge_tensor(replace(job, out=job.compute), read, device, watch=stages.__setitem__)
    return Staged(base, deltas, stages, merged)


def measure(
    job: TensorJob, read: Read, where: Layout, device: str | torch.device = "cpu", known: Facts | None = None
) -> TensorStats:
    """One tensor's statistics under its job; `known` saves measuring the facts again. `job` must have deltas."""
    return counted_up(job, staged(job, read, device), where, known or facts(job, read, device))


def counted_up(job: TensorJob, tensor: Staged, where: Layout, known: Facts) -> TensorStats:
    """The statistics of a tensor whose stages are at hand."""
    base, deltas, stages, merged = tensor.base, tensor.deltas, tensor.stages, tensor.merged
    weighted = deltas
    weights = job.args.get("weight")
    if isinstance(weights, tuple) and len(weights) == len(job.sources):
        own = [float(w) for w, s in zip(weights, job.sources, strict=True) if s != job.base]
        weighted = deltas * column(own, deltas)
    voting = stages.get("voting", weighted)
    counted = stages.get("counted", voting)
    return TensorStats(
        job.name, where.layer(job.name), role(job.name),
        tuple(s.model for s in job.sources if s != job.base),
        known,
        _counts(stages.get("kept", deltas)),
        _clash(voting),
        _counts(counted),
        _sums(counted.abs()),
        _sums((merged - base).square()[None])[0],
        contest(voting),
    )  # fmt: skip


def _counts(values: Tensor) -> tuple[int, ...]:
    """Per model, positions that are not zero. values (n, *shape)."""
    return tuple(values.reshape(len(values), -1).count_nonzero(1).tolist())


def _sums(values: Tensor) -> tuple[float, ...]:
    """Per model, the sum of all elements in float64. values (n, *shape); a sketch's few at once, as sliders wait for them."""
    rows = values.reshape(len(values), -1)
    if rows.shape[1] <= 2 * SAMPLES:
        return tuple(rows.sum(1, dtype=torch.float64).tolist())
    return tuple(float(total(row)) for row in rows)


def combine(stats: Iterable[TensorStats], name: str, models: tuple[str, ...] = ()) -> TensorStats | None:
    """Several tensors as one: sums of counts and squares. None for no tensors.

    models  all that take part in any of them, in order (default: the first tensor's); left out of one, a model counts 0 there
    """
    parts = list(stats)
    if not parts:
        return None
    parts = [_among(models or parts[0].models, p) for p in parts]
    first = parts[0]

    def added(rows: list[tuple[float, ...]]) -> tuple[float, ...]:
        return tuple(math.fsum(column) for column in zip(*rows, strict=True))

    def counts(rows: list[tuple[int, ...]]) -> tuple[int, ...]:
        return tuple(sum(column) for column in zip(*rows, strict=True))

    whole = Facts(
        sum(p.facts.numel for p in parts), math.fsum(p.facts.base_sq for p in parts), sum(p.facts.clash for p in parts),
        counts([p.facts.changed for p in parts]), added([p.facts.dots for p in parts]),
    )  # fmt: skip
    layers = {p.layer for p in parts}
    roles = {p.role for p in parts}
    return TensorStats(
        name, layers.pop() if len(layers) == 1 else None, roles.pop() if len(roles) == 1 else "all", first.models, whole,
        counts([p.kept for p in parts]), sum(p.clash for p in parts), counts([p.counted for p in parts]),
        added([p.pull for p in parts]), math.fsum(p.merged_sq for p in parts),
        Contest(
            math.fsum(p.contest.against for p in parts), math.fsum(p.contest.chance for p in parts),
            sum(p.contest.met for p in parts),
        ),
    )  # fmt: skip


def _among(models: tuple[str, ...], stats: TensorStats) -> TensorStats:
    """A tensor's statistics in places of all `models`, zeros where one is left out of it."""
    if stats.models == models:
        return stats
    n, places = len(stats.models), [stats.models.index(m) if m in stats.models else None for m in models]

    def counts(values: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(0 if i is None else values[i] for i in places)

    dots = tuple(
        0.0 if i is None or j is None else stats.facts.dots[i * n + j] for i in places for j in places
    )  # fmt: skip
    return replace(
        stats, models=models, facts=replace(stats.facts, changed=counts(stats.facts.changed), dots=dots),
        kept=counts(stats.kept), counted=counts(stats.counted),
        pull=tuple(0.0 if i is None else stats.pull[i] for i in places),
    )  # fmt: skip


class Sketch:
    """A small fixed sample of every tensor, so that statistics follow a slider: `read` gives SAMPLES positions.

    Positions step by the golden ratio, which no row length can line up with. Smaller tensors are taken whole.
    """

    def __init__(self, models: Mapping[str, Checkpoint], samples: int = SAMPLES) -> None:
        self._models = models
        self._samples = samples
        self._afar = any(model.afar is not None for model in models.values())
        self._held: dict[Source, Tensor] = {}
        self._facts: dict[tuple[Source | None, tuple[Source, ...]], Facts] = {}
        self._done: dict[TensorJob, TensorStats] = {}

    def read(self, source: Source) -> Tensor:
        """The sampled values of a tensor, (min(samples, numel),)."""
        if source not in self._held:
            flat = self._some(source) if self._afar else read_source(self._models, source).reshape(-1)
            if flat.numel() > self._samples:
                flat = flat[_positions(flat.numel(), self._samples)]
            taken = flat.clone()
            self._models[source.key].check()  # it stays for long
            self._held[source] = taken
        return self._held[source]

    def _some(self, source: Source) -> Tensor:
        """A few rows of a large tensor: of a model that lies elsewhere not all is fetched. The same rows of every model."""
        model = self._models[source.key]
        whole = read_source(self._models, source) if source.vocab is not None or source.made is not None else None
        shape = whole.shape if whole is not None else model.tensors[source.name].shape
        total = min(shape[0], source.rows or shape[0]) if shape else 0
        if math.prod(shape) <= _WHOLE or len(shape) < 2 or total < _ROWS:
            return (read_source(self._models, source) if whole is None else whole).reshape(-1)
        starts = [(2 * k + 1) * total // (2 * _ROWS) for k in range(_ROWS)]
        rows = [slice(start, start + 1) for start in starts]
        return torch.cat([model.read(source.name, run) if whole is None else whole[run] for run in rows]).reshape(-1)

    @property
    def samples(self) -> int:
        """How many positions of a tensor are looked at, at most."""
        return self._samples

    def packed(self, jobs: Iterable[TensorJob]) -> tuple[list[int], bytes]:
        """The sampled deltas of jobs that have them: how many positions each tensor has, and all values as little-endian
        float32, tensor after tensor and model after model."""
        counts: list[int] = []
        values: list[bytes] = []
        for job in jobs:
            _, deltas = _deltas(job, self.read, "cpu")
            counts.append(deltas.shape[1])
            values.append(deltas.to(torch.float32).contiguous().numpy().astype("<f4").tobytes())
        return counts, b"".join(values)

    def measure(self, jobs: Iterable[TensorJob], where: Layout) -> Iterator[TensorStats]:
        """Estimated statistics of the jobs that have deltas; what was measured before is not redone."""
        if len(self._done) > 20_000:  # many visitors, many recipes
            self._done.clear()
        for job in jobs:
            if not has_deltas(job):
                continue
            if job not in self._done:
                key = (job.base, job.sources)
                if key not in self._facts:
                    self._facts[key] = facts(job, self.read)
                self._done[job] = measure(job, self.read, where, known=self._facts[key])
            yield self._done[job]


def damaged(jobs: Iterable[TensorJob], read: Read) -> Iterator[tuple[Source, Count]]:
    """The tensors of models in which some of the numbers that `read` gives are NaN or infinite, and how many."""
    for source in dict.fromkeys(source for job in jobs for source in used(job)):
        tensor, look = read(source), Look()
        look.at(tensor)
        if look.suspects:
            yield source, count([tensor], tensor.shape)


def _positions(numel: int, samples: int) -> Tensor:
    golden = 0x9E3779B97F4A7C15 / 2**64
    steps = torch.arange(samples, dtype=torch.float64) * golden
    return ((steps - steps.floor()) * numel).to(torch.int64).clamp_(max=numel - 1)


def samples_for(jobs: Iterable[TensorJob], nbytes: int = 4_500_000) -> int:
    """As many positions of each tensor as keep the jobs' deltas within so many bytes of float32: SAMPLES, a half or a quarter."""
    each = 4 * sum(len(job.sources) for job in jobs)
    return next((n for n in (SAMPLES, SAMPLES // 2) if n * each <= nbytes), SAMPLES // 4)


def sampled_share(jobs: Iterable[TensorJob]) -> bool:
    """Whether a sketch of these jobs is an estimate: some tensor is larger than the sample."""
    return any(math.prod(job.shape) > SAMPLES for job in jobs)
