"""Methods on the singular vectors of the deltas: deltas (n, *shape) -> the merged delta (*shape).

Matrices only; what they do with tensors of other shapes is said in each. Decompositions run in float64, one tensor at a
time: about 20 m k**2 operations for an (m, k) matrix with k <= m. A layer of 4096 x 4096 takes minutes on a CPU core, a
second on a GPU. Every formula gives the same matrix when a pair of singular vectors changes sign. A matrix with a NaN or an
infinity in it has no decomposition: the result is NaN all over.
"""

from typing import Protocol

import torch
from torch import Tensor

from merger.methods import method
from merger.methods.deltas import elected
from merger.methods.law import Law, Teach
from merger.methods.ops import Draws, all_finite, column, keep_largest, per_model, unwatched
from merger.methods.params import Density, FullRank, Lambda, Normalize, Weight


class _Linalg(Protocol):
    """What is used of torch.linalg, whose functions have no types of their own."""

    def svd(self, A: Tensor, full_matrices: bool = True) -> tuple[Tensor, Tensor, Tensor]: ...  # noqa: N803
    def eigh(self, A: Tensor) -> tuple[Tensor, Tensor]: ...  # noqa: N803


_linalg: _Linalg = torch.linalg
_NO_MATRIX = "This tensor is no matrix, so it has no directions to work on; the changes are combined position by position."


@method(
    source="Gargiulo et al. 2024, arXiv:2412.00081, TSV-Merge",
    plain="Strongest directions",
    group="add",
    says="a share of the strongest directions of each model, made orthogonal",
    law=Law(
        adds_up=False,
        decomposes="each",
        teach=Teach(
            "Of each model the strongest 1/{n} of its directions stays, and all are made independent. The strongest direction "
            "of the plain sum had {before}; now the strongest has {after}.",
            _NO_MATRIX,
        ),
    ),
)
def tsv_merge(deltas: Tensor, weight: Weight, lambda_: Lambda = 1.0) -> Tensor:
    """Task singular vectors: keep 1/n of each delta's singular directions, make all of them orthogonal, add up.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    At least one direction of each model stays. Directions of no strength are left out, so that low-rank deltas have one
    answer. Tensors that are not matrices are averaged, as in the authors' code.

    >>> a = torch.diag(torch.tensor([3.0, 0.1])), torch.diag(torch.tensor([0.2, 2.0]))
    >>> tsv_merge(torch.stack(a), weight=1.0)
    tensor([[3., 0.],
            [0., 2.]])

    Source: Gargiulo et al. 2024, arXiv:2412.00081, TSV-Merge.
    """
    weighted = column(weight, deltas) * deltas
    if deltas.dim() != 3 or deltas.numel() == 0:
        return lambda_ * weighted.mean(0)
    if not all_finite(weighted):
        return torch.full_like(deltas[0], torch.nan)
    rank = max(1, min(deltas.shape[1:]) // len(deltas))
    left, strength, right = (list[Tensor](), list[Tensor](), list[Tensor]())
    for delta in weighted:
        u, s, vt = _svd(delta)
        u, s, vt = u[:, :rank], s[:rank], vt[:rank]
        left.append(u)
        strength.append(s)
        right.append(vt)
    u, vt = _orthogonal(torch.cat(left, 1)), _orthogonal(torch.cat(right))
    return (lambda_ * (u * torch.cat(strength)) @ vt).to(deltas.dtype)


@method(
    source="Marczak et al. 2025, arXiv:2502.04959, section 4",
    plain="Add, all directions alike",
    group="add",
    says="add up, then make all directions equally strong",
    law=Law(
        adds_up=False,
        decomposes="sum",
        teach=Teach(
            "The strongest direction of the sum had {before}; now every direction has the same strength, {after}.",
            _NO_MATRIX,
        ),
    ),
)
def iso_c(deltas: Tensor, weight: Weight, lambda_: Lambda = 1.0, full_rank: FullRank = False) -> Tensor:
    """Isotropic merging in the common subspace: the sum of the deltas with all singular values set to their mean.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    returns  (*shape), the merged delta; the caller adds the base.

    Of a sum of low rank, as of LoRAs, only the directions it has are made equal, at their own mean. The authors' code takes the
    mean over all min(m, n) and gives it to all, also to directions of no strength, which are arbitrary and differ from machine
    to machine: `full_rank: true`. By default each direction of a sum of rank r is min(m, n) / r times as strong as theirs, the
    whole delta the root of that: a lambda of r / min(m, n) gives their strength. Full-rank sums are the same in both.
    Tensors that are not matrices are averaged, as in the authors' code.

    >>> iso_c(torch.diag(torch.tensor([3.0, 1.0]))[None], weight=1.0)
    tensor([[2., 0.],
            [0., 2.]])

    Source: Marczak et al. 2025, arXiv:2502.04959, section 4.
    """
    weighted = column(weight, deltas) * deltas
    if deltas.dim() != 3 or deltas.numel() == 0:
        return lambda_ * weighted.mean(0)
    if not all_finite(weighted):
        return torch.full_like(deltas[0], torch.nan)
    u, s, vt = _svd(weighted.sum(0, dtype=torch.float64), full_rank)
    return (lambda_ * s.mean() * (u @ vt)).to(deltas.dtype) if len(s) else torch.zeros_like(deltas[0])


@method(
    source="Stoica et al. 2024, arXiv:2410.19735, KnOTS-TIES",
    plain="In common directions, for LoRAs",
    group="largest",
    says="bring the models into common directions, then merge as TIES; for LoRAs",
    law=Law(
        vote=True,
        adds_up=True,
        decomposes="together",
        other=Law("largest", "sum", vote=True),
        smooth=False,
        teach=Teach(
            "All changes are written in common directions, and the vote of TIES is held there. The strongest direction of the "
            "plain sum had {before}; now the strongest has {after}.",
            _NO_MATRIX,
        ),
    ),
)
def knots(
    deltas: Tensor,
    weight: Weight,
    density: Density = 1.0,
    lambda_: Lambda = 1.0,
    normalize: Normalize = True,
    draws: Draws = Draws(),  # noqa: B008 - frozen
    words: bool = False,
) -> Tensor:
    """KnOTS-TIES: one singular basis for all deltas side by side, and TIES on each delta's coordinates in it.

    deltas   (n, *shape), float: fine-tuned minus base, one per model.
    words    the rows are tokens: embeddings, output head.
    returns  (*shape), the merged delta; the caller adds the base.

    Made for deltas of low rank, as of LoRA, and for the layers' matrices: embeddings and output heads are merged as TIES, as no
    LoRA's authors take them apart and a basis of them would take minutes. The basis comes from the eigenvectors of the deltas'
    products with each other along the shorter side of all of them side by side, so its cost is that of one such square matrix.
    Tensors that are not matrices are merged as TIES, which is what the authors' diagonal matrices of norms come to.

    >>> knots(torch.tensor([[[4.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 3.0]]]), weight=1.0)
    tensor([[3., 0.],
            [0., 3.]])

    Source: Stoica et al. 2024, arXiv:2410.19735, KnOTS-TIES.
    """
    matrices = deltas.dim() == 3 and deltas.numel() > 0 and not words
    if matrices and not all_finite(deltas):
        return torch.full_like(deltas[0], torch.nan)
    u = _row_basis(deltas) if matrices else None
    coordinates = deltas if u is None else torch.stack([(u.T @ d.to(u)).to(d) for d in deltas])  # (n, rank, columns)
    kept = torch.stack([keep_largest(own, d, draws) for own, d in zip(coordinates, per_model(density, len(deltas)), strict=True)])
    merged = elected(kept, column(weight, deltas), lambda_, normalize, unwatched)
    return merged if u is None else (u @ merged.to(torch.float64)).to(deltas.dtype)


def _svd(matrix: Tensor, whole: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Thin SVD in float64, `whole` or of the directions whose strength is above the rounding of the matrix's own dtype."""
    u, s, vt = _linalg.svd(matrix.to(torch.float64), full_matrices=False)
    if whole:
        return u, s, vt
    kept = int((s > _rounding(s, max(matrix.shape))).sum())
    return u[:, :kept], s[:kept], vt[:kept]


def _orthogonal(matrix: Tensor) -> Tensor:
    """The nearest matrix with orthonormal rows or columns (polar factor); nothing in directions the matrix lacks."""
    u, _, vt = _svd(matrix)
    return u @ vt


def _row_basis(deltas: Tensor) -> Tensor:
    """Left singular vectors of the deltas side by side, (rows, rank), strongest first; largest entry positive.

    From the eigenvectors of the smaller Gram matrix: that of the rows, or that of all columns, which then turn into rows'.
    """
    n, rows, columns = deltas.shape
    if rows <= n * columns:
        gram = torch.zeros(rows, rows, dtype=torch.float64, device=deltas.device)
        for delta in deltas:
            wide = delta.to(torch.float64)
            gram += wide @ wide.T
        s, u = _strongest(gram, n * columns)
    else:
        beside = torch.cat([*deltas], 1).to(torch.float64)
        s, v = _strongest(beside.T @ beside, rows)
        u = beside @ v / s
    return u * torch.gather(u, 0, u.abs().argmax(0, keepdim=True)).sign() if u.numel() else u


def _strongest(gram: Tensor, other: int) -> tuple[Tensor, Tensor]:
    """Singular values and vectors, strongest first, of a matrix with this Gram matrix and so many on its other side."""
    values, vectors = _linalg.eigh(gram)
    s, vectors = values.clamp_min(0).sqrt().flip(0), vectors.flip(1)
    kept = s > _rounding(s, max(len(gram), other))
    return s[kept], vectors[:, kept]


def _rounding(strengths: Tensor, size: int) -> Tensor:
    """Singular values up to here are what float32 rounding makes of none."""
    return strengths.max() * size * torch.finfo(torch.float32).eps if strengths.numel() else strengths
