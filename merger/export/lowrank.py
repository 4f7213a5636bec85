"""A matrix as the product of two thin ones: its strongest directions, by random projections (truncated SVD)."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from merger.methods.ops import Draws

_MORE = 8
"""Directions looked for beyond those that are wanted: the last few of a projection are not as exact as the others."""
_PASSES = 2
"""Times that the projection is sharpened by the matrix's own product with itself."""
_FIRST = 16
_BLOCK = 1 << 22
_svd: Callable[..., tuple[Tensor, Tensor, Tensor]] = getattr(torch.linalg, "svd")  # noqa: B009 - documented, but of no known type
_qr: Callable[..., tuple[Tensor, Tensor]] = getattr(torch.linalg, "qr")  # noqa: B009
Stop = Callable[[], None]


def squares(delta: Tensor) -> float:
    """The sum of a matrix's squares, in float64, a stretch of rows at a time."""
    return math.fsum(float(torch.sum(part.to(torch.float64) ** 2)) for part in _rows(delta))


def room(rows: int, columns: int) -> int:
    """The largest rank at which two thin matrices hold fewer numbers than the matrix itself."""
    return (rows * columns - 1) // (rows + columns) if rows and columns else 0


def factors(
    delta: Tensor,
    most: int,
    share: float | None,
    noise: float,
    draws: Draws,
    stop: Stop = lambda: None,
    always: bool = False,
) -> tuple[Tensor, Tensor] | None:
    """B (rows, rank) and A (rank, columns), float64, equally long, whose product is the nearest to `delta` of their rank.

    delta  (rows, columns), float
    most   the largest rank
    share  of the sum of squares that is to be kept, by as few directions as that takes; None: as many as `most`
    noise  directions no stronger than this are rounding, and left out
    draws  the random projection: the same for the same seed and name
    stop   called between the passes
    always  also where they hold more numbers than the matrix; else None where more than `room` directions are needed

    Memory: the matrix's numbers in float32, and thin matrices.
    """
    rows, columns = delta.shape
    fits, whole = min(rows, columns) if always else room(rows, columns), squares(delta)
    last = min(most, fits + 1) + _MORE
    width = last if share is None else min(last, _FIRST + _MORE)
    while True:
        exact = width >= min(rows, columns)
        u, s, vt = _all(delta) if exact else _strongest(delta, width, draws, stop)
        count = _needed(s, most, share, whole, noise, exact)
        if count is not None or width == last:
            break
        width = min(2 * width, last)
    count = min(most, len(s)) if count is None else count
    if count > fits:
        return None
    root = s[:count].sqrt()
    largest = torch.gather(u[:, :count], 0, u[:, :count].abs().argmax(0, keepdim=True)).sign() if count else root
    return u[:, :count] * root * largest, (largest * root).reshape(-1, 1) * vt[:count]


def residual(delta: Tensor, b: Tensor, a: Tensor) -> float:
    """The sum of squares of what the product of two factors leaves out of a matrix; in float32, a stretch of rows at a time."""
    a, b = a.to(torch.float32), b.to(torch.float32)
    left, at = list[float](), 0
    for part in _rows(delta):
        rest = part.to(torch.float32) - b[at : at + len(part)] @ a
        left.append(float(torch.sum(rest.to(torch.float64) ** 2)))
        at += len(part)
    return math.fsum(left)


def _rows(delta: Tensor) -> "list[Tensor]":
    return list(delta.split(max(1, _BLOCK // max(1, delta.shape[1])))) if delta.numel() else []


def _needed(s: Tensor, most: int, share: float | None, whole: float, noise: float, exact: bool) -> int | None:
    """How many of the directions that were found are kept; None where more have to be looked for.

    exact  these are all there are
    """
    strong, enough = int((s > noise).sum()), most
    if share is not None:
        enough = int((torch.cumsum(s**2, 0) < share * whole).sum()) + 1
        if enough <= min(strong, most, len(s) - _MORE):
            return enough
    if exact or strong < len(s) or len(s) >= most + _MORE:  # the others are rounding, or are not wanted
        return min(strong, most, enough)
    return None


def _all(delta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Singular vectors and values: (rows, k), (k,), (k, columns), strongest first, float64."""
    return _svd(delta.to(torch.float64), full_matrices=False)


def _strongest(delta: Tensor, width: int, draws: Draws, stop: Stop) -> tuple[Tensor, Tensor, Tensor]:
    """The same of so many directions, found by a projection."""
    q = _basis(delta @ (draws.uniform(delta.new_empty(delta.shape[1], width)) - 0.5))
    for _ in range(_PASSES):
        stop()
        q = _basis(delta @ _basis(delta.T @ q))
    stop()
    u, s, vt = _svd((q.T @ delta).to(torch.float64), full_matrices=False)
    return q.to(torch.float64) @ u, s, vt


def _basis(x: Tensor) -> Tensor:
    """Orthonormal columns that span those of a thin matrix."""
    made: Any = _qr(x.to(torch.float64))[0]
    return made.to(x.dtype)


__all__ = ["factors", "residual", "room", "squares"]
