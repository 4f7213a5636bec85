"""Methods on whole weights: tensors (n, *shape) -> (*shape)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from merger.methods import method
from merger.methods.law import Law, Teach
from merger.methods.ops import Watch, cancelled, column, per_model, unwatched
from merger.methods.params import Normalize, PerModel, Reach, Scale, Weight


def linear_shares(n: int, weight: PerModel, normalize: bool) -> list[float]:
    """What `linear` takes of each of n models."""
    weights = per_model(weight, n)
    whole = math.fsum(weights)
    return [w / whole for w in weights] if normalize and abs(whole) > cancelled(weights) else weights


def passed_through(n: int, scale: PerModel) -> list[float]:
    """What `passthrough` takes of its one model."""
    return per_model(scale, n)


@method(
    source="Wortsman et al. 2022, arXiv:2203.05482, section 2",
    plain="Plain average",
    group="average",
    says="plain weighted average of the models",
    law=Law(combine="average", shares=linear_shares, memory=(2, 1.5), teach=Teach("A weighted average: {shares}.")),
)
def linear(tensors: Tensor, weight: Weight, normalize: Normalize = True) -> Tensor:
    """Weighted average of the models' weights, a "model soup".

    tensors  (n, *shape), float: the models' weights; the base takes no part unless it is listed.
    returns  (*shape).

    Normalized weights that cancel out give no average; the sum is then left undivided, where mergekit divides by next to 0.

    >>> import torch
    >>> linear(torch.tensor([[1.0, 2.0], [3.0, 6.0]]), weight=[1.0, 3.0])
    tensor([2.5000, 5.0000])

    Source: Wortsman et al. 2022, arXiv:2203.05482, section 2.
    """
    return mix(linear_shares(len(tensors), weight, normalize), tensors)


def mix(shares: Sequence[float], tensors: Tensor) -> Tensor:
    """Sum of shares times tensors, as one of them plus differences: models are nearly equal, so only differences are rounded.

    float64 has digits to spare and is added up plainly.

    >>> import torch
    >>> mix([0.75, 0.5], torch.tensor([[4.0, 0.0], [2.0, 8.0]]))
    tensor([4., 4.])
    """
    if tensors.dtype == torch.float64:
        return (column(shares, tensors) * tensors).sum(0)
    main = max(range(len(shares)), key=lambda i: abs(shares[i]))
    rest = (math.fsum(shares) - 1) * tensors[main]
    for i, share in enumerate(shares):
        if i != main:
            rest = rest + share * (tensors[i] - tensors[main])
    return tensors[main] + rest


@method(
    source="Goddard et al. 2024, arXiv:2403.13257 (mergekit), method passthrough",
    plain="Layers as they are",
    says="take the layers of one model as they are",
    models=(1, 1),
    symmetric=False,
    law=Law(combine="alone", shares=passed_through, memory=(2, 1.5), teach=Teach("{first} passes through {scaled}.")),
)
def passthrough(tensors: Tensor, scale: Scale = 1.0) -> Tensor:
    """One model's weights, scaled. For layers stacked anew (`slices`), and to mute a part with `scale: 0`.

    tensors  (1, *shape), float.
    returns  (*shape).

    >>> import torch
    >>> passthrough(torch.tensor([[1.0, -2.0]]), scale=0.5)
    tensor([ 0.5000, -1.0000])

    Source: Goddard et al. 2024, arXiv:2403.13257 (mergekit), method passthrough.
    """
    return passed_through(1, scale)[0] * tensors[0]


@method(
    source="alchemonaut 2024, huggingface.co/alchemonaut/QuartetAnemoi-70B-t0.0001",
    plain="Where they are close",
    group="average",
    says="take the other model's weight where it is close",
    models=(2, 2),
    base="first",
    symmetric=False,
    law=Law(
        memory=(5.3, 0),
        nanoseconds=10,
        teach=Teach(
            "Where {first} is within {reach:g} of {zero} its weight is taken over; elsewhere {zero} moves that far towards it."
        ),
    ),
)
def nearswap(tensors: Tensor, t: Reach, watch: Watch = unwatched) -> Tensor:
    """Move each weight of the base towards the other model's, by `t` at most: closer weights are taken over.

    tensors  (2, *shape), float: the base first.
    returns  (*shape).

    The same as mergekit's blend by t / |difference|, without its floor of 1e-6 on the difference.

    >>> import torch
    >>> nearswap(torch.tensor([[1.0, 1.0], [1.25, 3.0]]), t=0.5)
    tensor([1.2500, 1.5000])

    Source: alchemonaut 2024, huggingface.co/alchemonaut/QuartetAnemoi-70B-t0.0001.
    """
    base, other = tensors
    apart = other - base
    near = apart.abs() <= t
    watch("taken", near)
    watch("reach", torch.tensor(t))
    return torch.where(near, other, base + apart.sign() * t)


@method(
    source="Arcee AI 2025, Arcee Fusion in mergekit, method arcee_fusion",
    plain="Only what stands out",
    group="largest",
    says="take over only the changes that stand out",
    models=(2, 2),
    base="first",
    symmetric=False,
    law=Law(
        memory=(12.7, 0),
        nanoseconds=45,
        teach=Teach(
            "Only changes of {first} that stand out are taken over: importance above {line:.3g}.",
            kept="Take over only what stands out",
        ),
    ),
)
def arcee_fusion(tensors: Tensor, watch: Watch = unwatched) -> Tensor:
    """Take over the changes whose importance is an outlier: above the median plus 1.5 interquartile ranges.

    tensors  (2, *shape), float: the base first.
    returns  (*shape).

    Importance: the size of the change times the divergence KL(other || base) of the softmax of its row. Computed in float64,
    as small divergences vanish in half precision, where mergekit takes over nearly everything. Quartiles are exact: mergekit
    draws a million importances at random from larger tensors. The result has the inputs' dtype, not always float32.

    >>> import torch
    >>> arcee_fusion(torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0], [0.1, -0.2, 0.3, 0.2, 5.0]]))
    tensor([0., 0., 0., 0., 5.])

    Source: Arcee AI 2025, Arcee Fusion in mergekit, method arcee_fusion.
    """
    base, other = tensors
    if base.numel() == 0:
        return base.clone()
    change = other - base
    rows = base.shape[-1] if base.dim() else 1
    importance = change.abs().to(torch.float64).reshape(-1, rows) * _divergence(other.reshape(-1, rows), base.reshape(-1, rows))
    flat = importance.reshape(-1)
    low, middle, high = (flat.kthvalue(int(q * (flat.numel() - 1)) + 1).values for q in (0.25, 0.5, 0.75))
    line = middle + 1.5 * (high - low)
    watch("importance", importance.reshape(base.shape))
    watch("line", line)
    taken = (importance >= line).reshape(base.shape)
    watch("taken", taken)
    return base + change * taken


def _divergence(rows: Tensor, from_rows: Tensor) -> Tensor:
    """KL divergence of the softmax of each row, (m, k) -> (m, 1), float64; a million numbers at a time."""
    step = max(1, (1 << 20) // rows.shape[1])
    parts: list[Tensor] = []
    for start in range(0, len(rows), step):
        p = rows[start : start + step].to(torch.float64).softmax(-1) + 1e-8
        q = from_rows[start : start + step].to(torch.float64).softmax(-1) + 1e-8
        parts.append((p * (p / q).log()).sum(-1, keepdim=True))
    return torch.cat(parts)
