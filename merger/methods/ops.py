"""The words merge methods are written in: trim, drop, elect, weigh. Pure functions on tensors, shapes in comments.

Sums over whole tensors run in float64 and in a fixed order, so a result does not depend on the number of threads.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from merger.methods.params import PerModel

Watch = Callable[[str, Tensor], None]
"""Told the stages of a method as they pass. Analysis listens.

"kept", "voting", "counted"   (n, *shape): what a trim left, what enters the vote, what is added up
"elected"                     (*shape), 1 or -1: the sign that won
"below"                       what the sum of "counted" is divided by, a number or (*shape)
"importance", "line"          (*shape) and a number: what is taken over only where it reaches the line
"""


def unwatched(stage: str, value: Tensor) -> None:
    """The default Watch: nobody looks."""


@dataclass(frozen=True)
class Draws:
    """Random numbers that depend only on (seed, tensor name, model index, element index): never on order or device.

    A counter-based generator: two rounds of a 32-bit multiply-xorshift hash of the element's index, keyed by a digest.
    Sharding, threads, partial re-merges and the device cannot change a mask, and masks are nested as density moves.
    """

    seed: int = 0
    name: str = ""
    models: tuple[int, ...] = ()
    """Where a tensor's models stand in the recipe, if one before them is left out; empty: where they are."""

    def key(self, model: int | None = None) -> tuple[int, int]:
        """The two 32-bit words that key the hash for a model's mask; no model: for breaking ties."""
        own = self.models[model] if model is not None and self.models else model
        purpose = f"ties||{self.name}|" if own is None else f"mask|{self.seed}|{self.name}|{own}"
        digest = hashlib.blake2b(purpose.encode(), digest_size=8).digest()
        return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")

    def uniform(self, like: Tensor, model: int | None = None) -> Tensor:
        """Numbers in [0, 1) in steps of 2**-24, float32, in the shape of `like`. No model: the key for breaking ties."""
        return hashed(like.numel(), *self.key(model), like.device).reshape(like.shape)


def hashed(n: int, first: int, second: int, device: torch.device, begin: int = 0) -> Tensor:
    """n numbers in [0, 1), float32, of a key's two words and the index alone, which is `begin` for the first of them."""
    out = torch.empty(n, dtype=torch.float32, device=device)
    block = 1 << 18 if device.type == "cpu" else 1 << 26  # stays in cache; the result does not depend on it
    for start in range(0, n, block):
        size = min(block, n - start)
        out[start : start + size] = _hash(begin + start, size, first, second, device)
    return out


def _hash(start: int, size: int, first: int, second: int, device: torch.device) -> Tensor:
    """uniform() for the indices start .. start+size; int32 arithmetic wraps modulo 2**32 on every device."""
    high = start >> 32
    x = torch.arange(size, dtype=torch.int32, device=device)
    x += _int32(start + first)
    x ^= (x >> 16) & 0xFFFF
    x *= 0x7FEB352D
    x ^= (x >> 15) & 0x1FFFF
    x += _int32(second + high * 0x9E3779B9)
    x *= _int32(0x846CA68B)
    x ^= (x >> 16) & 0xFFFF
    return ((x >> 8) & 0xFFFFFF).to(torch.float32).mul_(2.0**-24)


def _int32(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def column(values: PerModel, like: Tensor) -> Tensor:
    """Per-model numbers as a tensor that multiplies (n, *shape): (n, 1, ..., 1), in the dtype of `like`."""
    numbers = per_model(values, len(like))
    return torch.tensor(numbers, dtype=like.dtype, device=like.device).reshape(-1, *[1] * (like.dim() - 1))


class _Numbers(Protocol):
    """A tensor of one dimension, whose own `tolist` says nothing of what is in the list."""

    def tolist(self) -> Any: ...


def numbers(x: _Numbers) -> list[float]:
    """The numbers of a tensor of one dimension.

    >>> numbers(torch.tensor([1.0, 0.5]))
    [1.0, 0.5]
    """
    return x.tolist()


def per_model(values: PerModel, n: int) -> list[float]:
    """One number for each of n models; ValueError when a list has another length."""
    numbers = [float(v) for v in values] if isinstance(values, Sequence) else [float(values)] * n
    if len(numbers) != n:
        raise ValueError(f"{len(numbers)} values for {n} models")
    return numbers


def added_up(x: Tensor) -> Tensor:
    """(n, *shape) -> (*shape): the sum over the models, one after the other; torch's own order depends on the shape."""
    out = x.new_zeros(x.shape[1:])
    for row in x:
        out += row
    return out


def total(x: Tensor) -> Tensor:
    """Sum of all elements, float64, in an order that no thread count, block size or device changes."""
    return _sum(x.reshape(-1), None)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Sum of the products of two tensors' elements: products and sums in float64, in `total`'s order."""
    return _sum(a.reshape(-1), b.reshape(-1))


GROUP = 4096
"""Elements that are added up together, of a tensor that has so many."""


def _sum(a: Tensor, b: Tensor | None) -> Tensor:
    """Groups of 4096 are folded: one half is added to the other until one number is left. Then those numbers likewise."""
    return _added([_folded(block, a.numel()) for block in _blocks(a, b)] or [a.new_zeros(1, dtype=torch.float64)])


def _blocks(a: Tensor, b: Tensor | None) -> Iterator[Tensor]:
    """The elements, or products, in float64: whole groups, of a million elements in memory."""
    for start in range(0, a.numel(), 1 << 20):
        part = a[start : start + (1 << 20)].to(torch.float64)
        yield part if b is None else part * b[start : start + (1 << 20)].to(torch.float64)


def _added(sums: Sequence[Tensor]) -> Tensor:
    """The sum of the groups' sums."""
    rest = torch.cat(list(sums))
    while rest.numel() > 1:
        rest = _folded(rest, rest.numel())
    return rest[0]


def _folded(x: Tensor, of: int) -> Tensor:
    """The sums of groups as wide as a tensor of `of` elements has them; (m,) -> (m / width,)."""
    width = min(GROUP, 1 << max(0, of - 1).bit_length())
    rows = torch.nn.functional.pad(x, (0, -x.numel() % width)).view(-1, width)
    while width > 1:
        width //= 2
        rows = rows[:, :width] + rows[:, width:]
    return rows[:, 0]


def keep_largest(delta: Tensor, density: float, draws: Draws) -> Tensor:
    """Zero all but the k = max(1, int(density * numel)) largest magnitudes of one tensor.

    Deltas of bf16 checkpoints lie on a coarse grid, so many share the cut's magnitude. All above the cut stay; of those
    at the cut the share that makes k, picked by a hash of the position: exact in expectation, and no part of the tensor
    is favoured. Without equal magnitudes this is exactly "the k largest".
    """
    n = delta.numel()
    if density >= 1 or n == 0:
        return delta
    if density <= 0:
        return torch.zeros_like(delta)
    k = max(1, int(density * n))
    size = delta.abs()
    cut, room = cut_for(size, k)
    return delta * above_cut(size, cut, room, draws)


CANCELLED = 1e-6
"""Share of the weights' magnitudes: where their sum is no more than this, they cancel out, and what is left is rounding."""


def cancelled(weights: Sequence[float]) -> float:
    """Up to here the size of a sum of these weights, or of some of them, counts as 0: nothing is divided by it.

    >>> cancelled([0.5, -0.5]), cancelled([0.0, 0.0])
    (1e-06, 0.0)
    """
    return CANCELLED * math.fsum(map(abs, weights))


def all_finite(x: Tensor) -> bool:
    """Whether no element is infinite or NaN; one pass, and no memory."""
    return not x.numel() or all(math.isfinite(float(end)) for end in x.aminmax())


def cut_for(size: Tensor, k: int) -> tuple[float, float]:
    """The k-th largest of these magnitudes, and the share of those equal to it that makes k. 1 <= k <= numel."""
    cut = size.reshape(-1).kthvalue(size.numel() - k + 1).values
    above = size.numel() - int((size <= cut).sum())  # what is no number counts as the largest, as for kthvalue
    return float(cut), (k - above) / max(1, int((size == cut).sum()))


def above_cut(size: Tensor, cut: float, room: float, draws: Draws) -> Tensor:
    """Mask of the magnitudes above the cut and, by a hash of the position, of this share of those equal to it."""
    return size >= cut if room >= 1 else (size > cut) | ((size == cut) & (draws.uniform(size) < room))


def drop_random(delta: Tensor, density: float, model: int, draws: Draws) -> Tensor:
    """Keep each element with probability `density`, zero the rest (DARE's drop, without the rescaling)."""
    if density >= 1:
        return delta
    if density <= 0:
        return torch.zeros_like(delta)
    return delta * (draws.uniform(delta, model) < density)


def restore_scale(kept: Tensor, delta: Tensor, density: float, rescale: bool | str) -> Tensor:
    """After dropping: `true` gives `kept` the L1 norm of `delta` (mergekit), "inverse" divides by the density (DARE)."""
    if rescale == "inverse":
        return divided(kept, density) if 0 < density < 1 else kept
    if not rescale or density >= 1:
        return kept
    return kept * scale_back(float(total(delta.abs())), float(total(kept.abs())))


def divided(x: Tensor, by: float) -> Tensor:
    """x / by, rounded once on every device: where the number does not lie on a GPU too, CUDA multiplies by its reciprocal."""
    return x / torch.full((), by, dtype=x.dtype, device=x.device)


def scale_back(before: float, after: float) -> float:
    """What gives a trimmed delta the sum of magnitudes it had; 1 where there is next to nothing."""
    return before / after if before >= 1e-7 and after >= 1e-7 else 1.0


def elect_sign(weighted: Tensor) -> Tensor:
    """(n, *shape) -> (*shape): the sign of the sum over models, +1 where the sum is exactly zero (as mergekit)."""
    votes = added_up(weighted)
    return torch.where(votes < 0, -1.0, 1.0).to(weighted.dtype)
