"""Trims that several methods share: which positions of one delta stay."""

import torch
from torch import Tensor

from merger.methods.ops import Draws, above_cut, cut_for, divided, restore_scale


def largest(score: Tensor, k: int, draws: Draws) -> Tensor:
    """Mask of the k largest scores. Equal scores at the cut share what is left of k by a hash of their position.

    Nested: the mask of a smaller k lies inside that of a larger one.

    >>> largest(torch.tensor([0.1, 0.4, 0.3]), 2, Draws())
    tensor([False,  True,  True])
    """
    n = score.numel()
    if k <= 0 or n == 0:
        return torch.zeros_like(score, dtype=torch.bool)
    if k >= n:
        return torch.ones_like(score, dtype=torch.bool)
    cut, room = cut_for(score, k)
    return above_cut(score, cut, room, draws)


def keep_middle(delta: Tensor, density: float, gamma: float, draws: Draws) -> Tensor:
    """Breadcrumbs' trim: drop the largest `gamma` of the magnitudes, keep the next `density`, drop the rest.

    Where both do not fit, gamma shrinks (as mergekit). A density of 1 keeps everything.

    >>> keep_middle(torch.tensor([1.0, -2.0, 3.0, -4.0]), density=0.5, gamma=0.25, draws=Draws())
    tensor([ 0., -2.,  3., -0.])
    """
    if density >= 1:
        return delta
    count, top = middle(delta.numel(), density, gamma)
    if not count:
        return torch.zeros_like(delta)  # of what is no number, too
    size = delta.abs()
    return delta * (largest(size, top + count, draws) & ~largest(size, top, draws))


def middle(n: int, density: float, gamma: float) -> tuple[int, int]:
    """How many of n magnitudes breadcrumbs keeps, and how many larger ones it drops.

    >>> middle(10, 0.5, 0.2), middle(10, 0.9, 0.2)
    ((5, 2), (9, 1))
    """
    count = int(density * n)
    return count, min(int(gamma * n), n - count)


def drop_small(delta: Tensor, density: float, epsilon: float, rescale: bool | str, model: int, draws: Draws) -> Tensor:
    """DELLA's drop, and rescaling: the keep probability rises with a change's rank in its row.

    It runs from density - epsilon (smallest) to density + epsilon (largest); rows lie along the last axis. Equal magnitudes
    share the mean of their ranks, so no column is favoured.
    `rescale: inverse` divides each change that stays by its own keep probability (paper), `true` restores the L1 norm.

    >>> one = torch.ones(4)
    >>> drop_small(one, 1.0, 0.1, True, 0, Draws()).tolist(), drop_small(one, 0.0, 0.1, True, 0, Draws()).tolist()
    ([1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0])
    """
    if density >= 1 or delta.numel() == 0:
        return delta
    if density <= 0:
        return torch.zeros_like(delta)
    keep = keep_chances(delta, density, epsilon)
    mask = draws.uniform(delta, model) < keep
    if rescale == "inverse":
        return torch.where(mask, delta / keep, 0).to(delta.dtype)
    return restore_scale(delta * mask, delta, density, rescale)


def keep_chances(delta: Tensor, density: float, epsilon: float) -> Tensor:
    """The probability that `drop_small` keeps each change, by its rank in its row, float64."""
    return chances(_rank_share(delta.abs()), density, epsilon)


def chances(share: Tensor, density: float, epsilon: float) -> Tensor:
    """The same of ranks in a row as shares from 0 (smallest) to 1 (largest), float64."""
    return (density + epsilon * (2 * share - 1)).clamp_(0, 1)


def shares(ranks: Tensor, columns: int) -> Tensor:
    """Ranks from 0 in a row of so many, float64, as shares from 0 to 1; in a row of one: 1/2."""
    return divided(ranks, columns - 1) if columns > 1 else ranks + 0.5


def _rank_share(size: Tensor) -> Tensor:
    """Each element's rank in its row, as a share from 0 (smallest) to 1 (largest), float64; a row of one: 1/2."""
    rows = size.reshape(-1, size.shape[-1] if size.dim() else 1).contiguous()
    columns = rows.shape[1]
    ordered = rows.sort(1).values
    below = torch.searchsorted(ordered, rows)
    through = torch.searchsorted(ordered, rows, right=True)
    mean_rank = (below + through - 1).to(torch.float64) / 2  # from 0
    return shares(mean_rank, columns).reshape(size.shape)
