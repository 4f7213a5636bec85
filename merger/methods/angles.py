"""Methods that look at the angles between models: directions and lengths are averaged apart.

Their results are sums of the models. So only the n x n dot products of the models are needed: they are added up in float64,
the geometry is done on n coefficients, and one weighted sum makes the tensor. A float32 norm of 60 million numbers is off
by a percent; these are not.
"""

import math

import torch
from torch import Tensor

from merger.methods import method
from merger.methods.averages import mix
from merger.methods.law import Law, Teach
from merger.methods.ops import added_up, cancelled, divided, dot, numbers, per_model
from merger.methods.params import (
    AlongFirst,
    Blend,
    FilterWise,
    Flatten,
    Floor,
    Iterations,
    Normalize,
    PerModel,
    Tolerance,
    Weight,
)

_SHOEMAKE = "Shoemake 1985, Animating rotation with quaternion curves, section 3.3"


_ARC = Teach("{arc}", "Each row is turned along its own arc from one model to the other.")


# ---------------------------------------------------------------------------------------------- what is taken of each model


def products(vectors: Tensor) -> Tensor:
    """(n, *shape) -> (n, n): the dot products, float64, on the CPU."""
    n = len(vectors)
    found = torch.zeros(n, n, dtype=torch.float64)
    for i in range(n):
        for j in range(i, n):
            found[i, j] = found[j, i] = dot(vectors[i], vectors[j]).cpu()
    return found


def _length(coefficients: Tensor, products: Tensor) -> Tensor:
    """Length of a weighted sum of vectors with these products."""
    return (coefficients @ products @ coefficients).clamp_min(0).sqrt()


def slerp_shares(dots: Tensor, t: float) -> list[float]:
    """What slerp takes of each model, from their dot products (2, 2)."""
    theta = _angle(dots)
    if float(dots.diagonal().min()) <= 0 or abs(math.cos(theta)) > 0.9995:
        return [1 - t, t]
    return [math.sin((1 - t) * theta) / math.sin(theta), math.sin(t * theta) / math.sin(theta)]


def _angle(dots: Tensor) -> float:
    """The angle between two tensors in radians, from their dot products (2, 2), float64."""
    lengths = math.sqrt(max(0.0, float(dots[0, 0]))) * math.sqrt(max(0.0, float(dots[1, 1])))
    return math.acos(max(-1.0, min(1.0, float(dots[0, 1]) / lengths))) if lengths else math.pi / 2


def nuslerp_shares(dots: Tensor, weight: PerModel) -> list[float]:
    """What nuslerp takes of each whole tensor, from their dot products (2, 2)."""
    t, theta = _second_share(weight), _angle(dots)
    sin = math.sin(theta)
    straight = sin < 1e-7  # parallel or opposite, to the rounding of float64 dot products
    return [1 - t, t] if straight else [math.sin((1 - t) * theta) / sin, math.sin(t * theta) / sin]


def _second_share(weight: PerModel) -> float:
    first, second = per_model(weight, 2)
    return second / (first + second) if abs(first + second) > cancelled((first, second)) else 0.5


def multislerp_shares(dots: Tensor, weight: PerModel, normalize_weights: bool, eps: float) -> list[float]:
    """What multislerp takes of each model, from their dot products (n, n)."""
    weights = torch.tensor(per_model(weight, len(dots)), dtype=torch.float64)
    whole = float(weights.sum())
    if normalize_weights and abs(whole) > cancelled(numbers(weights)):
        weights = weights / whole
    lengths = dots.diagonal().clamp_min(0).sqrt()
    towards = weights / (lengths + eps).clamp_min(1e-300)  # coefficients of the mean direction
    length = _length(towards, dots)
    opposed = length <= max(eps, 1e-6)  # shorter is the models' rounding
    return numbers(weights if opposed else towards / length * (weights * lengths).sum())


def karcher_shares(dots: Tensor, max_iter: int, tol: float) -> list[float]:
    """What the Karcher mean takes of each model, from their dot products (n, n)."""
    lengths = dots.diagonal().clamp_min(0).sqrt()
    long = lengths > tol
    if not bool(long.any()):
        return [0.0] * len(dots)
    scale = torch.where(long, 1 / lengths.clamp_min(1e-300), 0)
    cosines = dots * scale[:, None] * scale  # of the unit vectors
    share = long / long.sum()
    mean = share.to(torch.float64)  # coefficients of the unit vectors
    length = _length(mean, cosines)
    first = torch.zeros_like(mean)
    first[int(long.nonzero()[0])] = 1
    mean = first if length < max(tol, 1e-12) else mean / length
    for _ in range(int(max_iter)):
        near = (cosines @ mean).clamp(-1, 1)
        theta = near.acos()
        still = (theta < tol) | (theta.sin() < 1e-7)  # there already, or opposite: no way is the shortest
        away = share * torch.where(still, 0, theta / theta.sin().clamp_min(1e-7))
        step = away - (away * near).sum() * mean
        size = _length(step, cosines)
        if size <= max(tol, 1e-12):
            break
        mean = size.cos() * mean + size.sin() / size * step
        mean = mean / _length(mean, cosines)
    return numbers(mean * scale * lengths.mean())


def stock_shares(dots: Tensor) -> list[float]:
    """How far Model Stock goes along the average of the deltas, from their dot products (n, n)."""
    return [float(stock_step(dots))]


def stock_step(dots: Tensor) -> Tensor:
    """How far Model Stock goes along the average, from the deltas' dot products (n, n, ...) -> (...), float64."""
    n = len(dots)
    lengths = [dots[i, i].clamp_min(0).sqrt() for i in range(n)]
    pairs = [(dots[i, j] / (lengths[i] * lengths[j]).clamp_min(1e-300)).clamp(-1, 1) for i in range(n) for j in range(i + 1, n)]
    cosine = torch.stack(pairs).mean(0)
    below = 1 + (n - 1) * cosine
    return torch.where(below.abs() < 1e-6, 0, n * cosine / below.where(below.abs() >= 1e-6, 1))


# ---------------------------------------------------------------------------------------------- the methods


@method(
    source=_SHOEMAKE,
    plain="Along the arc",
    group="average",
    says="travel the arc from one model to another",
    models=(2, 2),
    base="first",
    symmetric=False,
    law=Law(combine="arc", shares=slerp_shares, memory=(3.5, 1.5), teach=_ARC),
)
def slerp(tensors: Tensor, t: Blend) -> Tensor:
    """Spherical interpolation from the base (t = 0) to the other model (t = 1), a tensor at a time.

    tensors  (2, *shape), float: the base first.
    returns  (*shape).

    The angle is that of the whole flattened tensor. Nearly parallel tensors (|cos| > 0.9995, as mergekit) and tensors of
    no length are interpolated linearly.

    >>> import torch
    >>> slerp(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), t=0.5)
    tensor([0.7071, 0.7071])

    Source: Shoemake 1985, Animating rotation with quaternion curves, section 3.3.
    """
    return mix(slerp_shares(products(tensors), t), tensors)


@method(
    source=_SHOEMAKE,
    plain="Along the arc, by weights",
    group="average",
    says="travel the arc, by weights, with or without a base",
    models=(2, 2),
    base="optional",
    law=Law(
        combine="arc",
        shares=nuslerp_shares,
        by_rows=("nuslerp_flatten", False),
        normalized="always",
        memory=(3.5, 1.5),
        teach=_ARC,
    ),
)
def nuslerp(
    tensors: Tensor,
    weight: Weight,
    nuslerp_flatten: Flatten = True,
    nuslerp_row_wise: AlongFirst = False,
    base: Tensor | None = None,
) -> Tensor:
    """Spherical interpolation of two models by their weights; with a base, of what they changed.

    tensors  (2, *shape), float.
    base     (*shape) or None: with it the two deltas are interpolated, and the result is added to it.
    returns  (*shape).

    t is the second model's share of the weights, 1/2 where they sum to zero. `nuslerp_flatten: false` turns vectors along
    the last axis, with `nuslerp_row_wise: true` along the first. Parallel and opposite vectors are interpolated linearly.
    mergekit's unit vectors of half precision are off by percents in large tensors; angles here are float64.

    >>> import torch
    >>> nuslerp(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), weight=[1.0, 1.0])
    tensor([0.7071, 0.7071])

    Source: Shoemake 1985, Animating rotation with quaternion curves, section 3.3.
    """
    t = _second_share(weight)
    vectors = tensors if base is None else tensors - base
    if nuslerp_flatten or vectors.dim() < 3:
        turned = mix(nuslerp_shares(products(vectors), weight), vectors)
        return turned if base is None else base + turned
    a, b = vectors
    theta = _angles(a, b, 0 if nuslerp_row_wise else -1)
    sin = theta.sin()
    bent = sin > 1e-8  # elsewhere the vectors are parallel or opposite
    sin = sin.where(bent, 1)
    one = torch.where(bent, ((1 - t) * theta).sin() / sin, 1 - t).to(a.dtype)
    two = torch.where(bent, (t * theta).sin() / sin, t).to(a.dtype)
    turned = one * a + two * b
    return turned if base is None else base + turned


def _angles(a: Tensor, b: Tensor, axis: int) -> Tensor:
    """Angles between vectors along an axis, float64; stays exact where arccos of a dot product does not.

    2*atan2(|u - v|, |u + v|) of the unit vectors (W. Kahan, How futile are mindless assessments of roundoff, 2006).
    """

    def unit(x: Tensor) -> Tensor:
        x = x.to(torch.float64)
        return x / x.square().sum(axis, keepdim=True).sqrt().clamp_min(1e-300)

    u, v = unit(a), unit(b)
    apart, along = ((u - v).square(), (u + v).square())
    return 2 * torch.atan2(apart.sum(axis, keepdim=True).sqrt(), along.sum(axis, keepdim=True).sqrt())


@method(
    source="Goddard 2025, goddard.blog/posts/multislerp-wow-what-a-cool-idea",
    plain="Mean direction",
    group="average",
    says="average of the models' directions, at their average length",
    base="optional",
    law=Law(combine="arc", shares=multislerp_shares, normalized="normalize_weights", memory=(4, 2), teach=_ARC),
)
def multislerp(
    tensors: Tensor, weight: Weight, normalize_weights: Normalize = True, eps: Floor = 1e-8, base: Tensor | None = None
) -> Tensor:
    """Point in the weighted mean of the models' directions, as long as the weighted sum of their lengths.

    tensors  (n, *shape), float.
    base     (*shape) or None: with it directions and lengths are those of the deltas, and the result is added to it.
    returns  (*shape); a single model is returned as it is.

    mergekit goes on to move along the mean of the tangents at that direction, which is zero by construction.
    Directions that cancel out (opposite models) leave none: then the weighted sum; mergekit refuses more than two.

    >>> import torch
    >>> multislerp(torch.tensor([[3.0, 0.0], [0.0, 1.0]]), weight=1.0)
    tensor([1.4142, 1.4142])

    Source: Goddard 2025, goddard.blog/posts/multislerp-wow-what-a-cool-idea.
    """
    if len(tensors) == 1:
        return tensors[0]
    vectors = tensors if base is None else tensors - base
    mixed = mix(multislerp_shares(products(vectors), weight, normalize_weights, eps), vectors)
    return mixed if base is None else base + mixed


@method(
    source="Karcher 1977, Riemannian center of mass and mollifier smoothing, section 1",
    plain="Middle of all",
    group="average",
    says="the middle of all models on the sphere",
    base="joins",
    law=Law(combine="arc", shares=karcher_shares, memory=(1.6, 1.7), teach=_ARC),
)
def karcher(tensors: Tensor, max_iter: Iterations = 10, tol: Tolerance = 1e-5) -> Tensor:
    """The mean direction on the sphere (the Karcher mean) at the models' mean length.

    tensors  (n, *shape), float; a base that is named is one more of them, as in mergekit.
    returns  (*shape).

    Models shorter than `tol` have no direction, and count in the length alone.

    >>> import torch
    >>> karcher(torch.tensor([[3.0, 0.0], [0.0, 1.0]]))
    tensor([1.4142, 1.4142])

    Source: Karcher 1977, Riemannian center of mass and mollifier smoothing, section 1.
    """
    return mix(karcher_shares(products(tensors), max_iter, tol), tensors)


@method(
    source="Jang et al. 2024, arXiv:2403.19522, section 4",
    plain="Pulled to the base",
    group="average",
    says="average of the models, pulled to the base where they disagree",
    models=(2, None),
    law=Law(
        combine="step",
        shares=stock_shares,
        by_rows=("filter_wise", True),
        memory=(1.6, 1.6),
        teach=Teach(
            "The changes point {apart} apart on average (cosine {cosine:.2f}). The less they agree, the nearer to the base: the "
            "merge goes {way} of the way to their average.",
            "Each row goes towards the average as far as the models agree there.",
        ),
    ),
)
def model_stock(deltas: Tensor, filter_wise: FilterWise = False) -> Tensor:
    """The average of the deltas times a step that is long where they point the same way.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    With the mean cosine c of all pairs, the step is n c / (1 + (n - 1) c), and 0 where that has no value. It may be negative,
    or above 1. mergekit takes pairs whose norms multiply to less than 1e-6, as of small biases, for nearly orthogonal.

    >>> import torch
    >>> model_stock(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    tensor([0.8284, 0.4142])

    Source: Jang et al. 2024, arXiv:2403.19522, section 4.
    """
    if filter_wise and deltas.dim() > 2:
        rows = deltas.to(torch.float64)
        dots = torch.stack([(row * rows).sum(-1, keepdim=True) for row in rows])  # (n, n, ..., 1)
        return stock_step(dots).to(deltas.dtype) * divided(added_up(deltas), len(deltas))
    return float(stock_step(products(deltas))) * divided(added_up(deltas), len(deltas))
