"""Methods that weigh each position by what all models did there: deltas (n, *shape) -> the merged delta (*shape)."""

import torch
from torch import Tensor

from merger.methods import method
from merger.methods.law import Law, Teach
from merger.methods.ops import Draws, Watch, column, elect_sign, numbers, per_model, total, unwatched
from merger.methods.params import Agreement, Boost, BoostCap, Density, Lambda, MaskStrictness, SelectTop, Threshold, Weight
from merger.methods.trims import largest

_RAM = "Reinforced Agent Merging 2026, arXiv:2601.13572"


@method(
    source="Wan et al. 2024, arXiv:2408.07990, SCE",
    plain="What varies most",
    group="largest",
    says="keep what varies most, weigh models by how much they changed, vote",
    unused=("int8_mask",),
    law=Law(
        vote=True,
        memory=(2, 4.4),
        nanoseconds=25,
        teach=Teach(
            "{selected}; whoever changed more there weighs more, and the minority's sign is erased.",
            kept="Select: only where the models differ most",
            dropped="not selected",
        ),
    ),
)
def sce(
    deltas: Tensor,
    select_topk: SelectTop = 1.0,
    draws: Draws = Draws(),  # noqa: B008 - frozen
    watch: Watch = unwatched,
) -> Tensor:
    """Select the weights that vary most between models, weigh each model by its changes there, erase the minority's sign.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    A model's weight is the mean square of its selected changes. mergekit takes weights that sum to less than 1e-6 for
    zero and makes them equal, which real fine-tunes (changes below 1e-3) always hit; here they hold at any size.
    A single model varies from none: all of it stays, where mergekit returns the base.

    >>> sce(torch.tensor([[3.0, -1.0, 0.0], [1.0, 1.0, 0.0]]), select_topk=1.0)
    tensor([2.6667, 1.0000, 0.0000])

    Source: Wan et al. 2024, arXiv:2408.07990, SCE.
    """
    kept = deltas
    if select_topk < 1 and len(deltas) > 1:
        varied = (deltas - deltas.mean(0)).square().mean(0)
        kept = deltas * largest(varied, int(int(varied.count_nonzero()) * select_topk), draws)
    sign = elect_sign(kept)
    agree = kept.sign() == sign
    watch("kept", kept)
    watch("voting", kept)
    watch("elected", sign)
    squares = torch.stack([total(delta.square()) for delta in kept])  # the count of positions cancels out
    whole = squares.sum()
    shares = squares / whole if float(whole) > 0 else torch.full_like(squares, 1 / len(kept))
    weights = column(numbers(shares), kept)
    counted = weights * kept * agree
    watch("counted", counted)
    below = (weights * agree).sum(0)
    below = below.where(below != 0, 1)
    watch("below", below)
    return counted.sum(0) / below


@method(
    source=_RAM,
    plain="Unique in full, shared averaged",
    says="unique changes in full, shared changes averaged",
    law=Law(
        memory=(6, 4.5),
        teach=Teach(
            "Where one model changed a weight, its change is taken in full; where several did, their average.",
            kept="Leave out what hardly changed",
            agreeing="Shared changes are averaged",
            dropped="below the threshold",
        ),
    ),
)
def ram(deltas: Tensor, epsilon: Threshold = 1e-5, watch: Watch = unwatched) -> Tensor:
    """Where one model changed a weight, take its change; where several did, their mean.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    >>> ram(torch.tensor([[2.0, 4.0], [0.0, -1.0]]))
    tensor([2.0000, 1.5000])

    Source: Reinforced Agent Merging 2026, arXiv:2601.13572.
    """
    active = deltas.abs() > epsilon
    return _unique_and_shared(deltas, active, torch.ones(len(deltas)), watch)


@method(
    source=_RAM,
    plain="Unique strengthened, shared averaged",
    says="unique changes strengthened, shared changes averaged",
    law=Law(
        memory=(6.5, 4.4),
        nanoseconds=25,
        teach=Teach(
            "Where one model changed a weight, its change is taken in full, a little strengthened; where several did, their average.",
            kept="Leave out what hardly changed",
            agreeing="Unique changes gain, shared ones are averaged",
            dropped="below the threshold",
        ),
    ),
)
def ramplus_tl(
    deltas: Tensor, epsilon: Threshold = 1e-5, r: Boost = 0.1, alpha: BoostCap = 0.2, watch: Watch = unwatched
) -> Tensor:
    """RAM with unique changes times 1 + r * min(alpha, shared / unique), from each tensor's own counts.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    Makes up for what averaging takes from a model whose changes are mostly shared.

    >>> ramplus_tl(torch.tensor([[2.0, 4.0], [0.0, -1.0]]))
    tensor([2.0400, 1.5000])

    Source: Reinforced Agent Merging 2026, arXiv:2601.13572.
    """
    active = deltas.abs() > epsilon
    alone = active.sum(0) == 1
    unique = torch.stack([(mask & alone).sum() for mask in active]).to("cpu", torch.float64)
    shared = torch.stack([(mask & ~alone).sum() for mask in active]).to("cpu", torch.float64)
    return _unique_and_shared(deltas, active, 1 + r * (shared / unique.clamp_min(1)).clamp(0, alpha), watch)


def _unique_and_shared(deltas: Tensor, active: Tensor, boost: Tensor, watch: Watch) -> Tensor:
    count = active.sum(0)
    kept = deltas * active
    watch("kept", kept)
    watch("voting", kept)
    terms = torch.where(count == 1, column(numbers(boost), deltas) * kept, kept / count.clamp_min(1))
    watch("counted", terms)
    return terms.sum(0)


@method(
    source="Wang et al. 2024, arXiv:2405.07813, Consensus Merging",
    plain="Add, without one-model quirks",
    group="add",
    says="add up, but leave out what only one model cares about",
    law=Law(
        adds_up=True,
        memory=(2, 5.1),
        teach=Teach(
            "A change counts only where at least {k:g} models claim the weight as important to them.",
            kept="Claim: what each model counts as its own",
            agreeing="Consensus: where too few claim it, it stays",
            dropped="not claimed",
        ),
    ),
)
def consensus_ta(
    deltas: Tensor,
    weight: Weight,
    tall_lambda: MaskStrictness = 0.4,
    k: Agreement = 2,
    lambda_: Lambda = 1.0,
    watch: Watch = unwatched,
) -> Tensor:
    """Consensus task arithmetic: the sum of the weighted deltas where at least `k` models claim the weight.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    A model's TALL mask claims a weight where |its delta| > tall_lambda * |the sum - its delta|; the paper picks
    tall_lambda from 0.2 to 0.6 by validation data. Deltas are weighted first, which at a weight of 1 is the paper's.
    Of fewer than `k` models, all must claim a weight.

    >>> consensus_ta(torch.tensor([[4.0, 3.0, 0.0], [2.0, 0.1, 1.0]]), weight=1.0)
    tensor([6., 0., 0.])

    Source: Wang et al. 2024, arXiv:2405.07813, Consensus Merging.
    """
    terms = column(weight, deltas) * deltas
    whole = terms.sum(0)
    claims = terms.abs() > tall_lambda * (whole - terms).abs()
    consensus = claims.sum(0) >= min(int(k), len(deltas))
    watch("kept", deltas * claims)
    watch("voting", terms)
    watch("counted", terms * consensus)
    return lambda_ * whole * consensus


@method(
    source="Du et al. 2024, arXiv:2410.02396, section 3",
    plain="Largest win",
    group="largest",
    says="changes compete: large ones that others support win",
    law=Law(
        adds_up=False,
        nanoseconds=110,
        teach=Teach(
            "Changes compete by size and support; the best {best} of each model are averaged by score.",
            kept="Compete: only the best scores stay",
            rescaled="Clamp the extremes",
            agreeing="Weigh each by its score",
            dropped="outscored",
        ),
    ),
)
def pcb(
    deltas: Tensor,
    weight: Weight,
    density: Density = 0.1,
    lambda_: Lambda = 1.0,
    draws: Draws = Draws(),  # noqa: B008 - frozen
    watch: Watch = unwatched,
) -> Tensor:
    """PCB-Merging: score each change by its size and by the others' support, average the best by their scores.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    As the authors' code: score = exp(n * size**2) * tanh(delta * sum of deltas), size scaled to 0 .. 1 within the tensor;
    the best `density` of each model's scores, scaled to 0 .. 1, weigh its changes, and the outermost 0.01 % of the
    magnitudes are clamped, at least the largest. The paper writes softmax for exp and tanh. Theirs are of the whole model,
    these of one tensor.

    >>> pcb(torch.tensor([[0.5, 0.4, -0.2, 0.1], [0.2, 0.1, 0.3, 0.4]]), weight=1.0, density=0.5)
    tensor([0.4000, 0.0000, 0.0000, 0.3000])

    Source: Du et al. 2024, arXiv:2410.02396, section 3.
    """
    n = len(deltas)
    whole = deltas.sum(0)
    clamped = torch.stack([_without_extremes(delta) for delta in deltas])
    shares = torch.stack(
        [
            _best(torch.exp(n * _spread(own.abs()).square()) * torch.tanh(delta * whole), d, draws)
            for own, delta, d in zip(clamped, deltas, per_model(density, n), strict=True)
        ]
    )
    terms = column(weight, deltas) * clamped
    watch("kept", clamped * (shares > 0))
    watch("voting", terms * (shares > 0))
    below = shares.sum(0)
    counted = terms * shares / below.where(below > 0, 1)
    watch("counted", counted)
    return lambda_ * counted.sum(0)


def _without_extremes(delta: Tensor) -> Tensor:
    """Magnitudes clamped to what lies between the outermost 0.01 % on either side: the authors' places in their order."""
    n = delta.numel()
    if n == 0:
        return delta
    size = delta.abs()
    low, high = (size.reshape(-1).kthvalue(int(place) + 1).values for place in (n * 1e-4, n * (1 - 1e-4) - 1))
    return delta.sign() * size.clamp(low, high)


def _spread(score: Tensor) -> Tensor:
    """Scaled so that the smallest is 0 and the largest 1; all 0 where they are the same."""
    if score.numel() == 0:
        return score
    low, high = score.min(), score.max()
    return (score - low) / (high - low).where(high > low, 1)


def _best(score: Tensor, density: float, draws: Draws) -> Tensor:
    """The best `density` of the scores as shares: 1 for the best, nearly 0 at the cut, 0 below; equal scores share alike."""
    n = score.numel()
    if n == 0 or density <= 0:
        return torch.zeros_like(score)
    mask = largest(score, n - int((1 - density) * n), draws)
    best, cut = score.max(), score.where(mask, torch.inf).min()
    return mask * torch.where(best > cut, (score - cut) / (best - cut).where(best > cut, 1), 1)
