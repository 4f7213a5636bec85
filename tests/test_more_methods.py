"""Methods against second implementations in numpy, written from the papers in plain loops, and their edge cases."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from merger import recipe
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.errors import RecipeError
from merger.methods import METHODS
from merger.methods.ops import Draws
from merger.methods.trims import drop_small, keep_middle, largest

Array = NDArray[np.float64]


def call(name: str, tensors: Tensor, **args: Any) -> Tensor:
    return METHODS[name].fn(tensors, **args)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).float()


# ------------------------------------------------------------------------------------ references


def reference_consensus_ta(deltas: Array, weights: list[float], strictness: float, k: int) -> Array:
    out = np.zeros(deltas.shape[1:])
    for at in np.ndindex(*out.shape):
        terms = [w * float(d[at]) for w, d in zip(weights, deltas, strict=True)]
        claims = sum(abs(t) > strictness * abs(sum(terms) - t) for t in terms)
        out[at] = sum(terms) if claims >= min(k, len(terms)) else 0.0
    return out


def reference_pcb(deltas: Array, weights: list[float], density: float) -> Array:
    n, shape = len(deltas), deltas.shape[1:]
    flat = [[float(x) for x in d.reshape(-1)] for d in deltas]
    count = len(flat[0])
    shares: list[list[float]] = []
    clamped: list[list[float]] = []
    for own in flat:
        ordered = sorted(map(abs, own))
        low, high = ordered[int(count * 0.0001)], ordered[int(count * (1 - 0.0001) - 1)]  # the largest is always clamped
        sizes = [min(max(abs(x), low), high) for x in own]
        clamped.append([math.copysign(size, x) if x else 0.0 for x, size in zip(own, sizes, strict=True)])
        scores = [
            math.exp(n * ((size - low) / (high - low)) ** 2) * math.tanh(x * sum(other[i] for other in flat))
            for i, (x, size) in enumerate(zip(own, sizes, strict=True))
        ]
        cut = sorted(scores)[int(count * (1 - density))]
        shares.append([(max(s, cut) - cut) / (max(scores) - cut) for s in scores])
    out = [
        sum(w * d[i] * s[i] for w, d, s in zip(weights, clamped, shares, strict=True)) / max(sum(s[i] for s in shares), 1e-300)
        for i in range(count)
    ]
    return np.array(out).reshape(shape)


def reference_tsv_merge(deltas: Array, weights: list[float]) -> Array:
    """With the inverse root of the Gram matrix instead of the SVD of the concatenation."""
    rank = min(deltas.shape[1:]) // len(deltas)
    left: list[Array] = []
    middle: list[float] = []
    right: list[Array] = []
    for w, delta in zip(weights, deltas, strict=True):
        values, vectors = np.linalg.eigh((w * delta).T @ (w * delta))
        for i in np.argsort(-values)[:rank]:
            strength = math.sqrt(values[i])
            left.append(w * delta @ vectors[:, i] / strength)
            middle.append(strength)
            right.append(vectors[:, i])

    def orthogonal(columns: Array) -> Array:
        values, vectors = np.linalg.eigh(columns.T @ columns)
        return columns @ vectors @ np.diag(values**-0.5) @ vectors.T

    u, v = orthogonal(np.stack(left, 1)), orthogonal(np.stack(right, 1))
    return sum((s * np.outer(u[:, i], v[:, i]) for i, s in enumerate(middle)), np.zeros(deltas.shape[1:]))


def reference_iso_c(deltas: Array, weights: list[float]) -> Array:
    whole = sum((w * d for w, d in zip(weights, deltas, strict=True)), np.zeros(deltas.shape[1:]))
    values, vectors = np.linalg.eigh(whole.T @ whole)
    kept = np.argsort(-values)[: min(whole.shape)]
    strengths = np.sqrt(values[kept])
    directions = whole @ vectors[:, kept] @ np.diag(1 / strengths) @ vectors[:, kept].T
    return float(strengths.mean()) * directions


def reference_ties(deltas: Array, weights: list[float], density: float) -> Array:
    n, count = len(deltas), deltas[0].size
    kept = [d.reshape(-1).copy() for d in deltas]
    for d in kept:
        order = sorted(range(count), key=lambda i: -abs(float(d[i])))
        for i in order[max(1, int(density * count)) :]:
            d[i] = 0.0
    out = np.zeros(count)
    for i in range(count):
        terms = [weights[m] * float(kept[m][i]) for m in range(n)]
        sign = -1 if sum(terms) < 0 else 1
        agree = [m for m in range(n) if terms[m] * sign > 0]
        out[i] = sum(terms[m] for m in agree) / (sum(weights[m] for m in agree) or 1)
    return out.reshape(deltas.shape[1:])


def reference_knots(deltas: Array, weights: list[float], density: float) -> Array:
    n, columns = len(deltas), deltas.shape[2]
    u, s, vt = np.linalg.svd(np.concatenate(list(deltas), 1), full_matrices=False)
    rank = int((s > 1e-5).sum())
    parts = np.stack([(s[:, None] * vt)[:rank, i * columns : (i + 1) * columns] for i in range(n)])
    return u[:, :rank] @ reference_ties(parts, weights, density)


REFERENCES: list[tuple[str, Callable[..., Array], list[Any], dict[str, Any]]] = [
    ("consensus_ta", reference_consensus_ta, [0.4, 2], {}),
    ("consensus_ta", reference_consensus_ta, [0.15, 3], {"tall_lambda": 0.15, "k": 3}),
    ("pcb", reference_pcb, [0.1], {}),
    ("pcb", reference_pcb, [0.6], {"density": 0.6}),
    ("tsv_merge", reference_tsv_merge, [], {}),
    ("iso_c", reference_iso_c, [], {}),
    ("knots", reference_knots, [1.0], {}),
    ("knots", reference_knots, [0.3], {"density": 0.3}),
]


@pytest.mark.parametrize(("name", "reference", "values", "args"), REFERENCES, ids=lambda x: x if isinstance(x, str) else "")
@pytest.mark.parametrize("shape", [(12, 9), (9, 12)], ids=str)
def test_agrees_with_the_paper_written_again(
    name: str, reference: Callable[..., Array], values: list[Any], args: dict[str, Any], shape: tuple[int, int]
) -> None:
    deltas = 0.3 * random(3, *shape) + 0.2 * random(*shape, seed=1)
    weights = [0.9, 0.5, 1.3]
    expected = reference(deltas.double().numpy(), weights, *values)
    merged = call(name, deltas, weight=weights, lambda_=1.7, **args)
    assert float(np.abs(merged.numpy() / 1.7 - expected).max() / np.abs(expected).max()) < 2e-6
    assert torch.equal(merged, call(name, deltas, weight=weights, lambda_=1.7, **args))


@pytest.mark.parametrize("name", ["tsv_merge", "iso_c"])
@pytest.mark.parametrize("shape", [(7,), (2, 3, 4), ()], ids=str)
def test_tensors_that_are_no_matrices_are_averaged(name: str, shape: tuple[int, ...]) -> None:
    deltas = random(3, *shape)
    torch.testing.assert_close(call(name, deltas, weight=[1.0, 2.0, 3.0]), (deltas[0] + 2 * deltas[1] + 3 * deltas[2]) / 3)


def test_knots_is_ties_where_there_is_no_matrix() -> None:
    deltas = random(3, 40)
    args: dict[str, Any] = {"weight": [1.0, 2.0, 3.0], "density": 0.4}
    torch.testing.assert_close(call("knots", deltas, **args), call("ties", deltas, **args))


@pytest.mark.parametrize("name", ["tsv_merge", "iso_c", "knots"])
def test_low_rank_deltas_have_one_answer(name: str) -> None:
    """Directions a LoRA's delta does not have are arbitrary: they must not reach the result."""
    factors = random(3, 30, 2), random(3, 2, 20, seed=1)
    deltas = factors[0] @ factors[1]
    merged = call(name, deltas, weight=1.0)
    rotation = torch.linalg.qr(random(30, 30, seed=2))[0]
    within = torch.cat(list(factors[0]), 1)  # the six directions there are
    outside = merged - within @ torch.linalg.lstsq(within, merged).solution
    assert outside.norm() < 1e-4 * merged.norm()
    if name != "knots":  # TIES depends on the axes
        turned = call(name, rotation @ deltas, weight=1.0)
        torch.testing.assert_close(turned, rotation @ merged, rtol=0, atol=2e-4)


def test_more_models_than_directions() -> None:
    merged = call("tsv_merge", random(5, 2, 3), weight=1.0)  # one direction of each stays
    assert merged.isfinite().all() and merged.any()


# ------------------------------------------------------------------------------------ averages on spheres


def truth_multislerp(vectors: Array, weights: Array, eps: float) -> Array:
    """mergekit's formula with its step along the tangents, in float64."""
    weights = weights / weights.sum()
    lengths = np.sqrt((vectors**2).sum(1))
    units = vectors / (lengths + eps)[:, None]
    mean = (weights[:, None] * units).sum(0)
    mean /= np.sqrt((mean**2).sum())
    tangent = (weights[:, None] * (units - (units @ mean)[:, None] * mean)).sum(0)
    n = np.sqrt((tangent**2).sum()) + eps
    return (mean * np.cos(n) + tangent * (np.sin(n) / n)) * (weights * lengths).sum()


def truth_nuslerp(vectors: Array, t: float) -> Array:
    a, b = vectors
    theta = math.acos(float(a @ b) / math.sqrt(float(a @ a) * float(b @ b)))
    return (math.sin((1 - t) * theta) * a + math.sin(t * theta) * b) / math.sin(theta)


def truth_karcher(vectors: Array) -> Array:
    """The point where the logarithms of all models cancel out, by many small steps."""
    lengths = np.sqrt((vectors**2).sum(1))
    units = vectors / lengths[:, None]
    mean = units.mean(0)
    mean /= np.sqrt((mean**2).sum())
    for _ in range(60):
        near = units @ mean
        theta = np.arccos(np.clip(near, -1, 1))
        step = ((theta / np.sin(theta))[:, None] * (units - near[:, None] * mean)).mean(0)
        size = np.sqrt((step**2).sum())
        if size < 1e-12:
            break
        mean = np.cos(size) * mean + np.sin(size) / size * step
        mean /= np.sqrt((mean**2).sum())
    return mean * lengths.mean()


def truth_model_stock(deltas: Array) -> Array:
    pairs = [(a @ b) / math.sqrt((a @ a) * (b @ b)) for a, b in itertools.combinations(deltas, 2)]
    cosine, n = float(np.mean(pairs)), len(deltas)
    return n * cosine / (1 + (n - 1) * cosine) * deltas.mean(0)


@pytest.mark.parametrize("stored", [torch.float32, torch.float16], ids=str)
def test_large_tensors_are_as_accurate_as_small_ones(stored: torch.dtype) -> None:
    """4 million elements against float64; fp16 sums overflow there, and float32 sums lose digits on one-sided data."""
    draw = torch.Generator().manual_seed(0)
    common = torch.randn(1 << 22, generator=draw) + 3
    models = torch.stack([(common + 0.7 * torch.randn(1 << 22, generator=draw)).to(stored).float() for _ in range(3)])
    exact = models.double().numpy()
    found = {
        "multislerp": (call("multislerp", models, weight=[1.0, 2.0, 0.5]), truth_multislerp(exact, np.array([1, 2, 0.5]), 1e-8)),
        "nuslerp": (call("nuslerp", models[:2], weight=[1.0, 3.0]), truth_nuslerp(exact[:2], 0.75)),
        "karcher": (call("karcher", models, max_iter=60, tol=1e-9), truth_karcher(exact)),
        "model_stock": (call("model_stock", models), truth_model_stock(exact)),
    }
    for name, (merged, truth) in found.items():
        assert merged.isfinite().all()
        error = np.linalg.norm(merged.double().numpy() - truth) / np.linalg.norm(truth)
        assert error < 1e-7, name


def test_multislerp_of_opposite_models() -> None:
    a = random(4, 5)
    for n in (2, 4):
        models = torch.stack([a, -a] * (n // 2))
        torch.testing.assert_close(call("multislerp", models, weight=1.0), torch.zeros(4, 5))
    base = random(4, 5, seed=1)
    pair = torch.stack([base + a, base - a / 2])
    torch.testing.assert_close(call("multislerp", pair, weight=1.0, base=base), base + a / 4)


def test_multislerp_of_one_model_is_that_model_with_any_weight_and_base() -> None:
    a = random(1, 4, 5)
    assert torch.equal(call("multislerp", a, weight=0.3, base=random(4, 5, seed=1)), a[0])


def test_nuslerp_opposite_and_parallel_are_straight_lines() -> None:
    a = random(6, 5)
    for other in (2 * a, -a):
        merged = call("nuslerp", torch.stack([a, other]), weight=[3.0, 1.0])
        torch.testing.assert_close(merged, 0.75 * a + 0.25 * other)
    half = torch.stack([a, torch.cat([2 * a[:3], random(3, 5, seed=1)])])  # three rows parallel, three not
    rows = call("nuslerp", half, weight=1.0, nuslerp_flatten=False)
    torch.testing.assert_close(rows[:3], 1.5 * a[:3])
    for i in range(3, 6):
        torch.testing.assert_close(rows[i], call("nuslerp", half[:, i], weight=1.0))


def test_karcher_steps_end_at_the_mean() -> None:
    models = torch.stack([random(400, seed=i) + (i == 0) * 4 * random(400, seed=9) for i in range(4)])
    truth = torch.from_numpy(truth_karcher(models.double().numpy())).float()
    errors = [float((call("karcher", models, max_iter=n, tol=0) - truth).norm()) for n in (1, 3, 60)]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
    assert errors[2] < 1e-5 * float(truth.norm())
    early = call("karcher", models, max_iter=60, tol=0.5)  # a first step shorter than the tolerance is not taken
    assert torch.equal(early, call("karcher", models, max_iter=1, tol=0.5))


def test_karcher_of_opposite_models_starts_at_the_first() -> None:
    a = random(30)
    merged = call("karcher", torch.stack([a, -3 * a]), max_iter=1)
    torch.testing.assert_close(merged, 2 * a)


def test_karcher_models_without_a_direction_count_in_the_length_alone() -> None:
    a = random(30)
    torch.testing.assert_close(call("karcher", torch.stack([a, torch.zeros(30)])), a / 2)
    assert not call("karcher", torch.full((2, 3), 1e-7)).any()


def test_model_stock_holds_for_tiny_changes() -> None:
    deltas = random(3, 8, 6) + 2 * random(8, 6, seed=1)
    for filter_wise in (False, True):
        whole = call("model_stock", deltas, filter_wise=filter_wise)
        torch.testing.assert_close(call("model_stock", deltas * 1e-6, filter_wise=filter_wise), whole * 1e-6, rtol=1e-5, atol=0)
    flat = call("model_stock", deltas[:, 0])
    torch.testing.assert_close(call("model_stock", deltas, filter_wise=True)[0], flat)
    thirds = torch.tensor([[3.0, 0.0], [-0.5, math.sqrt(0.75)], [-0.5, -math.sqrt(0.75)]])
    assert not call("model_stock", thirds).any()  # c = -1/2: the step has no value


# ------------------------------------------------------------------------------------ two models


def test_nearswap_takes_close_weights_over_exactly() -> None:
    a, b = random(50, 40), random(50, 40, seed=1)
    merged = call("nearswap", torch.stack([a, b]), t=0.8)
    near = (a - b).abs() <= 0.8
    assert near.any() and not near.all()
    assert torch.equal(merged[near], b[near])
    torch.testing.assert_close((merged - a).abs()[~near], torch.full_like(a, 0.8)[~near])
    assert torch.equal(call("nearswap", torch.stack([a, b]), t=0.0), a)


def test_arcee_fusion_in_half_precision_selects_what_float32_does() -> None:
    """Rows of many equal probabilities: divergences vanish in fp16."""
    base = (0.02 * random(64, 512)).half()
    other = (base.float() + 0.002 * random(64, 512, seed=1)).half()
    merged = call("arcee_fusion", torch.stack([base, other]).float())
    importance = torch.empty(64, 512, dtype=torch.float64)
    for i in range(64):
        p, q = (x.double().softmax(0) + 1e-8 for x in (other[i], base[i]))
        importance[i] = (other[i].double() - base[i].double()).abs() * (p * (p / q).log()).sum()
    q1, q2, q3 = (sorted(importance.flatten().tolist())[int(q * (64 * 512 - 1))] for q in (0.25, 0.5, 0.75))
    taken = importance >= q2 + 1.5 * (q3 - q1)
    assert 0.005 < taken.float().mean() < 0.2
    torch.testing.assert_close(merged, torch.where(taken, other.float(), base.float()))


def test_passthrough_by_one_is_exact() -> None:
    a = random(1, 6, 5)
    assert torch.equal(call("passthrough", a), a[0])
    assert torch.equal(call("passthrough", a, scale=(0.0,)).abs(), torch.zeros(6, 5))


# ------------------------------------------------------------------------------------ trims


def test_largest_is_nested_and_exact() -> None:
    score = torch.tensor([3.0, 1.0, 3.0, 3.0, 2.0, 0.0] * 50)
    masks = [largest(score, k, Draws()) for k in range(0, 301, 20)]
    assert not masks[0].any() and masks[-1].all()
    assert not any((small & ~big).any() for small, big in itertools.pairwise(masks))
    assert torch.equal(largest(score, 150, Draws()), score == 3)
    assert torch.equal(largest(score, 200, Draws()), score >= 2)


@pytest.mark.parametrize(("density", "gamma"), [(0.5, 0.01), (0.3, 0.2), (0.9, 0.4), (0.0, 0.1), (0.001, 0.0), (1.0, 0.3)])
def test_keep_middle_keeps_the_ranks_mergekit_keeps(density: float, gamma: float) -> None:
    delta = random(37, 11)
    n = delta.numel()
    count, top = int(density * n), int(gamma * n)
    low = max(0, n - count - top)
    order = sorted(range(n), key=lambda i: abs(float(delta.flatten()[i])))
    expected = torch.zeros(n)
    for i in order[low : low + count]:
        expected[i] = delta.flatten()[i]
    assert torch.equal(keep_middle(delta, density, gamma, Draws()), expected.reshape(37, 11))


@pytest.mark.parametrize("rescale", [True, "inverse", False])
def test_drop_small_keeps_by_rank_in_the_row(rescale: bool | str) -> None:
    density, epsilon, rows, columns = 0.4, 0.3, 4000, 5
    delta = torch.stack([torch.tensor([5.0, -1.0, 3.0, -4.0, 2.0]).roll(i) for i in range(rows)])
    kept = drop_small(delta, density, epsilon, rescale, 1, Draws(3, "w"))
    for size in range(1, 6):
        keep = density - epsilon + 2 * epsilon * (size - 1) / (columns - 1)
        share = float((kept[delta.abs() == size] != 0).float().mean())
        assert abs(share - keep) < 4 * math.sqrt(keep * (1 - keep) / rows)
        if rescale == "inverse":
            left = kept[(delta.abs() == size) & (kept != 0)].abs()
            torch.testing.assert_close(left, torch.full_like(left, size / keep))
    if rescale is True:
        torch.testing.assert_close(kept.abs().sum(), delta.abs().sum())
    if rescale == "inverse":
        assert abs(float(kept.abs().sum() / delta.abs().sum()) - 1) < 0.05


def test_drop_small_ranks_fused_experts_along_the_last_axis_and_shares_ranks_of_ties() -> None:
    delta = random(3, 50, 8)
    flat = drop_small(delta.reshape(150, 8), 0.5, 0.4, False, 0, Draws())
    assert torch.equal(drop_small(delta, 0.5, 0.4, False, 0, Draws()), flat.reshape(3, 50, 8))
    ties = torch.tensor([2.0, 1.0, 1.0, 1.0, 3.0]).repeat(4000, 1)  # ranks 3, 1, 1, 1, 4 of 0 .. 4
    shares = (drop_small(ties, 0.5, 0.4, False, 0, Draws()) != 0).float().mean(0).tolist()
    assert shares == pytest.approx([0.7, 0.3, 0.3, 0.3, 0.9], abs=0.03)
    assert abs(float((drop_small(torch.ones(4000, 1), 0.3, 0.2, False, 0, Draws()) != 0).float().mean()) - 0.3) < 0.03


DELLA = """
merge_method: della
base_model: base
models:
- model: a
  parameters: {weight: 1, density: 0.5}
- model: b
  parameters: {weight: 1, density: 0.9}
"""


def test_della_bounds_are_refused_before_anything_is_read(family: Path) -> None:
    loaded = recipe.load(DELLA)
    with pytest.raises(RecipeError) as error:
        make_plan(loaded, open_models(loaded, [family]))
    assert str(error.value) == (
        "recipe: models[1].parameters, for model.embed_tokens.weight: density 0.9 and epsilon 0.15: changes are kept with "
        "probabilities from density - epsilon to density + epsilon, which must lie between 0 and 1.\n"
        "  Use an epsilon below 0.1."
    )
    for change in ("parameters.epsilon", "models[1].parameters.epsilon"):
        fixed = recipe.replace(loaded, change, 0.05)
        assert make_plan(fixed, open_models(fixed, [family])).jobs
    for density in (1.0, 0.0):  # all is kept, or nothing: no probabilities
        fixed = recipe.replace(loaded, "models[1].parameters.density", density)
        assert make_plan(fixed, open_models(fixed, [family])).jobs


def test_della_bounds_name_the_slice(family: Path) -> None:
    text = """
merge_method: della_linear
base_model: base
parameters: {weight: 1, density: 0.1}
slices:
- sources: [{model: base, layer_range: [0, 4]}, {model: a, layer_range: [0, 4]}]
"""
    loaded = recipe.load(text)
    with pytest.raises(RecipeError, match=r"recipe: slices\[0\]\.sources\[1\]\.parameters, for .*: density 0\.1 and epsilon"):
        make_plan(loaded, open_models(loaded, [family]))


# ------------------------------------------------------------------------------------ consensus


def test_sce_weights_hold_for_small_changes() -> None:
    """Two parents that agree everywhere, changed by 2e-4 and 8e-4: shares 1/17 and 16/17, not one half each."""
    direction = random(64, 64)
    deltas = torch.stack([2e-4 * direction, 8e-4 * direction])
    torch.testing.assert_close(call("sce", deltas), (2e-4 / 17 + 8e-4 * 16 / 17) * direction)
    torch.testing.assert_close(call("sce", deltas * 1e-12), (2e-4 / 17 + 8e-4 * 16 / 17) * 1e-12 * direction, rtol=1e-4, atol=0)


def test_sce_keeps_the_change_of_a_faint_model_where_it_is_alone() -> None:
    deltas = torch.stack([1e-4 * random(40), torch.cat([torch.zeros(20), random(20, seed=1)])])
    torch.testing.assert_close(call("sce", deltas)[:20], deltas[0, :20])


@pytest.mark.parametrize("topk", [1.0, 0.3, 0.0])
def test_sce_of_one_parent_is_that_parent(topk: float) -> None:
    delta = random(1, 6, 5)
    torch.testing.assert_close(call("sce", delta, select_topk=topk), delta[0])


def test_sce_selects_by_variance() -> None:
    deltas = random(3, 20, 20)
    stages: dict[str, Tensor] = {}
    call("sce", deltas, select_topk=0.25, watch=stages.__setitem__)
    chosen = (stages["kept"] != 0).any(0)
    assert int(chosen.sum()) == 100
    varied = deltas.double().var(0, correction=0)
    assert varied[chosen].min() > varied[~chosen].max()
    assert not call("sce", deltas, select_topk=0.0).any()


@pytest.mark.parametrize("name", ["sce", "ram", "ramplus_tl", "consensus_ta", "pcb", "della", "breadcrumbs", "breadcrumbs_ties"])
def test_stages_add_up(name: str) -> None:
    """`counted` holds what is added up: each model's part of the result, up to what it is divided by."""
    deltas = random(3, 10, 9)
    stages: dict[str, Tensor] = {}
    args = {p.name: 0.5 for p in METHODS[name].params if p.name in ("weight", "density")}
    args |= {"normalize": False} if METHODS[name].param("normalize") else {}
    merged = call(name, deltas, watch=stages.__setitem__, **args)
    parts = {"kept", "voting", "counted"}
    assert parts <= stages.keys() <= parts | {"elected", "below"}
    assert all(stages[part].shape == deltas.shape for part in parts)
    assert not ((stages["counted"] != 0) & (stages["voting"] == 0)).any()
    torch.testing.assert_close(merged, stages["counted"].sum(0) / stages.get("below", torch.ones(())))


def test_consensus_of_fewer_models_than_claims_needed() -> None:
    delta = random(1, 6, 5)
    torch.testing.assert_close(call("consensus_ta", delta, weight=1.0), delta[0])


def test_pcb_clamps_the_outermost_magnitudes() -> None:
    deltas = random(2, 300, 100)
    deltas[0, 7, 7] = 1e4  # alone it would win everything and flatten all other sizes
    merged = call("pcb", deltas, weight=1.0)
    high = float(deltas[0].abs().flatten().kthvalue(30_000 - 3).values)
    assert float(merged.abs().max()) <= max(high, float(deltas[1].abs().max()))
    assert int((merged != 0).sum()) > 3000


@pytest.mark.parametrize("name", [m.name for m in METHODS.values() if m.takes == "deltas"])
def test_large_fp16_inputs_stay_finite(name: str) -> None:
    """Sums of a million changes near fp16's largest number are far beyond it."""
    deltas = (20_000 * random(3, 1024, 64)).half().clamp(-60_000, 60_000).float()
    method = METHODS[name]
    args: dict[str, Any] = {p.name: 0.5 for p in method.params if p.name in ("weight", "density")}
    args |= {"rescale": True} if method.param("rescale") else {}
    assert call(name, deltas, **args).isfinite().all()
