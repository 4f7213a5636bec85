"""Methods on task vectors: deltas (n, *shape), fine-tuned minus base, -> the merged delta (*shape)."""

import torch
from torch import Tensor

from merger.methods import method
from merger.methods.law import Law
from merger.methods.ops import (
    Draws,
    Watch,
    added_up,
    cancelled,
    column,
    drop_random,
    elect_sign,
    keep_largest,
    numbers,
    per_model,
    restore_scale,
    unwatched,
)
from merger.methods.params import Density, Epsilon, Gamma, Lambda, Normalize, PerModel, Rescale, Weight
from merger.methods.trims import drop_small, keep_middle

_TIES = "Yadav et al. 2023, arXiv:2306.01708, section 3"
_DELLA = "Deep et al. 2024, arXiv:2406.11617, section 3"
_BREADCRUMBS = "Davari and Belilovsky 2023, arXiv:2312.06795, section 3"
_DARE = "Yu et al. 2023, arXiv:2311.03099, section 3"


@method(
    source="Ilharco et al. 2022, arXiv:2212.04089, section 2",
    plain="Add what each learned",
    group="add",
    says="add up what each model learned",
    unused=("density", "int8_mask", "rescale"),
    law=Law(combine="sum", memory=(3, 2)),
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
    return added(deltas, column(weight, deltas), lambda_, normalize, watch)


@method(
    source=_TIES,
    plain="Largest changes, by vote",
    group="largest",
    says="trim, vote on a direction, average those that agree",
    unused=("int8_mask",),
    law=Law("largest", "sum", vote=True, nanoseconds=60),
)
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
    PEFT elects before weighting and divides by the count of the models that agree: with unequal weights 30 to 100 % of the
    elements differ, with equal ones only the scale. The authors' code and sd-mecha keep one element more than k.

    >>> ties(torch.tensor([[4.0, -1.0], [2.0, 3.0]]), weight=1.0)
    tensor([3., 3.])

    Source: Yadav et al. 2023, arXiv:2306.01708, section 3.
    """
    kept = torch.stack(
        [
            restore_scale(keep_largest(delta, d, draws), delta, d, rescale)
            for delta, d in zip(deltas, per_model(density, len(deltas)), strict=True)
        ]
    )  # (n, *shape)
    return elected(kept, column(weight, deltas), lambda_, normalize, watch)


@method(
    source=_DARE,
    plain="Drop by lot, add",
    group="lot",
    says="drop changes at random, scale up the rest, add",
    symmetric=False,
    unused=("int8_mask",),
    law=Law("random", "sum", memory=(0.5, 5.5)),
)
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
    return added(kept, column(weight, deltas), lambda_, normalize, watch)


@method(
    source=_DARE,
    plain="Drop by lot, vote",
    group="lot",
    says="drop changes at random, then vote as TIES",
    symmetric=False,
    unused=("int8_mask",),
    law=Law("random", "sum", vote=True, memory=(0.5, 5.5)),
)
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
    return elected(kept, column(weight, deltas), lambda_, normalize, watch)


def _within(density: float, epsilon: float, **_: object) -> None:
    """DELLA's keep probabilities must be probabilities."""
    if 0 < density < 1 and not epsilon < min(density, 1 - density):
        raise ValueError(
            f"density {density:g} and epsilon {epsilon:g}: changes are kept with probabilities from density - epsilon to "
            f"density + epsilon, which must lie between 0 and 1.\n  Use an epsilon below {min(density, 1 - density):g}."
        )


@method(
    source=_DELLA,
    plain="Drop small ones by lot, vote",
    group="lot",
    says="drop small changes more often, then vote as TIES",
    symmetric=False,
    unused=("int8_mask",),
    check=_within,
    law=Law("ranked", "sum", vote=True, memory=(0.5, 7.2), nanoseconds=170),
)
def della(
    deltas: Tensor,
    weight: Weight,
    density: Density = 1.0,
    epsilon: Epsilon = 0.15,
    lambda_: Lambda = 1.0,
    normalize: Normalize = True,
    rescale: Rescale = True,
    draws: Draws = Draws(),  # noqa: B008 - frozen
    watch: Watch = unwatched,
) -> Tensor:
    """Drop changes at random, small ones more often, rescale, elect a sign per weight, average those that agree.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    `rescale: true` restores the delta's L1 norm, as mergekit; `inverse` divides each change by its keep probability, as the
    paper. Ranks run along the last axis; mergekit ranks fused experts (3-D) along the wrong one. Equal magnitudes share a rank.

    >>> della(torch.tensor([[4.0, -1.0], [2.0, 3.0]]), weight=1.0)
    tensor([3., 3.])

    Source: Deep et al. 2024, arXiv:2406.11617, section 3.
    """
    kept = _dropped_small(deltas, density, epsilon, rescale, draws)
    return elected(kept, column(weight, deltas), lambda_, normalize, watch)


@method(
    source=_DELLA,
    plain="Drop small ones by lot, add",
    group="lot",
    says="drop small changes more often, add the rest",
    symmetric=False,
    unused=("int8_mask",),
    check=_within,
    law=Law("ranked", "sum", memory=(0.5, 7.2), nanoseconds=170),
)
def della_linear(
    deltas: Tensor,
    weight: Weight,
    density: Density = 1.0,
    epsilon: Epsilon = 0.15,
    lambda_: Lambda = 1.0,
    normalize: Normalize = False,
    rescale: Rescale = True,
    draws: Draws = Draws(),  # noqa: B008 - frozen
    watch: Watch = unwatched,
) -> Tensor:
    """Drop changes at random, small ones more often, rescale what is left, add the weighted deltas.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    Ranks and rescaling as in `della`.

    >>> della_linear(torch.tensor([[4.0, -1.0], [2.0, 3.0]]), weight=1.0)
    tensor([6., 2.])

    Source: Deep et al. 2024, arXiv:2406.11617, section 3.
    """
    kept = _dropped_small(deltas, density, epsilon, rescale, draws)
    return added(kept, column(weight, deltas), lambda_, normalize, watch)


@method(
    source=_BREADCRUMBS,
    plain="Without extremes",
    group="largest",
    says="drop the smallest and the very largest changes, add the rest",
    unused=("int8_mask",),
    law=Law("middle", "sum", memory=(6.6, 2.1), nanoseconds=60),
)
def breadcrumbs(
    deltas: Tensor,
    weight: Weight,
    density: Density = 1.0,
    gamma: Gamma = 0.01,
    lambda_: Lambda = 1.0,
    normalize: Normalize = False,
    rescale: Rescale = False,
    draws: Draws = Draws(),  # noqa: B008 - frozen
    watch: Watch = unwatched,
) -> Tensor:
    """Drop each delta's outliers and its smallest changes, add the weighted deltas.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    Per tensor: the largest `gamma` go, the next `density` stay. With a density of 1 nothing goes, and where both do not fit
    gamma shrinks, as in mergekit.

    >>> breadcrumbs(torch.tensor([[4.0, -1.0, 2.0, 3.0]]), weight=1.0, density=0.5, gamma=0.25)
    tensor([0., 0., 2., 3.])

    Source: Davari and Belilovsky 2023, arXiv:2312.06795, section 3.
    """
    kept = _middles(deltas, density, gamma, rescale, draws)
    return added(kept, column(weight, deltas), lambda_, normalize, watch)


@method(
    source=_BREADCRUMBS,
    plain="Without extremes, by vote",
    group="largest",
    says="drop the smallest and the very largest changes, then vote as TIES",
    unused=("int8_mask",),
    law=Law("middle", "sum", vote=True, memory=(6.6, 4), nanoseconds=65),
)
def breadcrumbs_ties(
    deltas: Tensor,
    weight: Weight,
    density: Density = 1.0,
    gamma: Gamma = 0.01,
    lambda_: Lambda = 1.0,
    normalize: Normalize = False,
    rescale: Rescale = False,
    draws: Draws = Draws(),  # noqa: B008 - frozen
    watch: Watch = unwatched,
) -> Tensor:
    """Drop each delta's outliers and its smallest changes, elect a sign per weight, add those that agree.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    >>> breadcrumbs_ties(torch.tensor([[4.0, -1.0], [2.0, 3.0]]), weight=1.0)
    tensor([6., 3.])

    Source: Davari and Belilovsky 2023, arXiv:2312.06795, section 3; election: arXiv:2306.01708, section 3.
    """
    kept = _middles(deltas, density, gamma, rescale, draws)
    return elected(kept, column(weight, deltas), lambda_, normalize, watch)


def _dropped(deltas: Tensor, density: PerModel, rescale: bool | str, draws: Draws) -> Tensor:
    densities = per_model(density, len(deltas))
    return torch.stack(
        [
            restore_scale(drop_random(delta, d, model, draws), delta, d, rescale)
            for model, (delta, d) in enumerate(zip(deltas, densities, strict=True))
        ]
    )  # (n, *shape)


def _dropped_small(deltas: Tensor, density: PerModel, epsilon: PerModel, rescale: bool | str, draws: Draws) -> Tensor:
    n = len(deltas)
    each = zip(deltas, per_model(density, n), per_model(epsilon, n), strict=True)
    return torch.stack([drop_small(delta, d, e, rescale, model, draws) for model, (delta, d, e) in enumerate(each)])


def _middles(deltas: Tensor, density: PerModel, gamma: PerModel, rescale: bool | str, draws: Draws) -> Tensor:
    n = len(deltas)
    each = zip(deltas, per_model(density, n), per_model(gamma, n), strict=True)
    return torch.stack([restore_scale(keep_middle(delta, d, g, draws), delta, d, rescale) for delta, d, g in each])


def added(kept: Tensor, weights: Tensor, lambda_: float, normalize: bool, watch: Watch) -> Tensor:
    """Add the weighted deltas; normalized: divide by the sum of the weights (by 1 where they cancel out)."""
    terms = weights * kept  # (n, *shape)
    watch("kept", kept)
    watch("voting", terms)
    watch("counted", terms)
    merged = added_up(terms)
    if normalize:
        whole = added_up(weights)
        whole = whole.where(whole.abs() > _least(weights), 1)
        watch("below", whole)
        merged = merged / whole
    return lambda_ * merged


def elected(kept: Tensor, weights: Tensor, lambda_: float, normalize: bool, watch: Watch) -> Tensor:
    """Elect a sign on the weighted deltas, add those that agree; normalized: divide by the weights that agree, where they do
    not cancel out."""
    weighted = weights * kept  # (n, *shape)
    sign = elect_sign(weighted)
    agree = weighted.sign() == sign  # zeros never agree
    watch("kept", kept)
    watch("voting", weighted)
    watch("elected", sign)
    counted = weighted * agree
    watch("counted", counted)
    merged = added_up(counted)
    if normalize:
        whole = added_up(weights * agree)
        whole = whole.where(whole.abs() > _least(weights), 1)
        watch("below", whole)
        merged = merged / whole
    return lambda_ * merged


def _least(weights: Tensor) -> Tensor:
    """`cancelled` of a column of weights, in its dtype."""
    return torch.tensor(cancelled(numbers(weights.flatten())), dtype=weights.dtype, device=weights.device)
