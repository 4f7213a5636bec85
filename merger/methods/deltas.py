"""Methods on task vectors: deltas (n, *shape), fine-tuned minus base, -> the merged delta (*shape)."""

import torch
from torch import Tensor

from merger.methods import method
from merger.ops import (
    Draws,
    Watch,
    column,
    drop_random,
    elect_sign,
    keep_largest,
    per_model,
    restore_scale,
    unwatched,
)
from merger.params import Density, Lambda, Normalize, Rescale, Weight

_TIES = "Yadav et al. 2023, arXiv:2306.01708, section 3"
_DARE = "Yu et al. 2023, arXiv:2311.03099, section 3"


@method(
    source="Ilharco et al. 2022, arXiv:2212.04089, section 2",
    says="add up what each model learned",
    unused=("density", "int8_mask", "rescale"),
)
def task_arithmetic(
    deltas: Tensor, weight: Weight, lambda_: Lambda = 1.0, normalize: Normalize = False, watch: Watch = unwatched
) -> Tensor:
    """Add the weighted deltas.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    >>> task_arithmetic(torch.tensor([[4.0, -1.0], [2.0, 3.0]]), weight=[0.5, 1.0])
    tensor([4.0000, 2.5000])

    Source: Ilharco et al. 2022, arXiv:2212.04089, section 2.
    """
    return _sum(deltas, column(weight, deltas), lambda_, normalize, watch)


@method(source=_TIES, says="trim, vote on a direction, average those that agree", unused=("int8_mask",))
def ties(
    deltas: Tensor,
    weight: Weight,
    density: Density = 1.0,
    lambda_: Lambda = 1.0,
    normalize: Normalize = True,
    rescale: Rescale = False,
    draws: Draws = Draws(),  # noqa: B008 - frozen
    watch: Watch = unwatched,
) -> Tensor:
    """Keep each model's largest changes, elect a sign per weight, average those that agree.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    Trims per tensor; the paper trims over the whole model. Elects on weighted deltas, a tie counts as +, as mergekit.
    PEFT elects before weighting and divides by the count of models that agree.

    >>> ties(torch.tensor([[4.0, -1.0], [2.0, 3.0]]), weight=1.0)
    tensor([3., 3.])

    Source: Yadav et al. 2023, arXiv:2306.01708, section 3.
    """
    kept = torch.stack([
        restore_scale(keep_largest(delta, d, draws), delta, d, rescale)
        for delta, d in zip(deltas, per_model(density, len(deltas)), strict=True)
    ])  # (n, *shape)
    return _elect(kept, column(weight, deltas), lambda_, normalize, watch)


@method(source=_DARE, says="drop changes at random, scale up the rest, add", symmetric=False, unused=("int8_mask",))
def dare_linear(
    deltas: Tensor,
    weight: Weight,
    density: Density = 1.0,
    lambda_: Lambda = 1.0,
    normalize: Normalize = False,
    rescale: Rescale = True,
    draws: Draws = Draws(),  # noqa: B008 - frozen
    watch: Watch = unwatched,
) -> Tensor:
    """Drop each change with probability 1 - density, rescale what is left, add the weighted deltas.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    `rescale: true` restores the delta's L1 norm, as mergekit; `inverse` divides by the density, as the paper.

    >>> dare_linear(torch.tensor([[4.0, -1.0], [2.0, 3.0]]), weight=1.0)
    tensor([6., 2.])

    Source: Yu et al. 2023, arXiv:2311.03099, section 3.
    """
    kept = _dropped(deltas, density, rescale, draws)
    return _sum(kept, column(weight, deltas), lambda_, normalize, watch)


@method(source=_DARE, says="drop changes at random, then vote as TIES", symmetric=False, unused=("int8_mask",))
def dare_ties(
    deltas: Tensor,
    weight: Weight,
    density: Density = 1.0,
    lambda_: Lambda = 1.0,
    normalize: Normalize = False,
    rescale: Rescale = True,
    draws: Draws = Draws(),  # noqa: B008 - frozen
    watch: Watch = unwatched,
) -> Tensor:
    """Drop at random and rescale as DARE, then elect a sign per weight and add those that agree, as TIES.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    >>> dare_ties(torch.tensor([[4.0, -1.0], [2.0, 3.0]]), weight=1.0)
    tensor([6., 3.])

    Source: Yu et al. 2023, arXiv:2311.03099, section 3; election: arXiv:2306.01708, section 3.
    """
    kept = _dropped(deltas, density, rescale, draws)
    return _elect(kept, column(weight, deltas), lambda_, normalize, watch)


def _dropped(deltas: Tensor, density: float | object, rescale: bool | str, draws: Draws) -> Tensor:
    densities = per_model(density, len(deltas))  # type: ignore[arg-type]
    return torch.stack([
        restore_scale(drop_random(delta, d, model, draws), delta, d, rescale)
        for model, (delta, d) in enumerate(zip(deltas, densities, strict=True))
    ])  # (n, *shape)


def _sum(kept: Tensor, weights: Tensor, lambda_: float, normalize: bool, watch: Watch) -> Tensor:
    """Add the weighted deltas; normalized: divide by the sum of the weights (by 1 where that is nearly 0)."""
    terms = weights * kept  # (n, *shape)
    watch("kept", kept)
    watch("voting", terms)
    watch("counted", terms)
    merged = terms.sum(0)
    if normalize:
        whole = weights.sum(0)
        merged = merged / whole.where(whole.abs() >= 1e-8, 1)
    return lambda_ * merged


def _elect(kept: Tensor, weights: Tensor, lambda_: float, normalize: bool, watch: Watch) -> Tensor:
    """Elect a sign on the weighted deltas, add those that agree; normalized: divide by the weights that agree."""
    weighted = weights * kept  # (n, *shape)
    agree = weighted.sign() == elect_sign(weighted)  # zeros never agree
    watch("kept", kept)
    watch("voting", weighted)
    counted = weighted * agree
    watch("counted", counted)
    merged = counted.sum(0)
    if normalize:
        whole = (weights * agree).sum(0)
        merged = merged / whole.where(whole != 0, 1)
    return lambda_ * merged
