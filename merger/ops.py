"""The words merge methods are written in: trim, drop, elect, weigh. Pure functions on tensors, shapes in comments.

Sums over whole tensors run in float64 and in a fixed order, so a result does not depend on the number of threads.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from merger.params import PerModel

Watch = Callable[[str, Tensor], None]
"""Told the stages of a method as they pass: "kept", "voting", "counted", each (n, *shape). Analysis listens."""


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

    def uniform(self, like: Tensor, model: int | None = None) -> Tensor:
        """Numbers in [0, 1) in steps of 2**-24, float32, in the shape of `like`. No model: the key for breaking ties."""
        own = self.models[model] if model is not None and self.models else model
        purpose = f"ties||{self.name}|" if own is None else f"mask|{self.seed}|{self.name}|{own}"
        digest = hashlib.blake2b(purpose.encode(), digest_size=8).digest()
        first, second = (int.from_bytes(part, "little") for part in (digest[:4], digest[4:]))
        out = torch.empty(like.numel(), dtype=torch.float32, device=like.device)
        block = 1 << 18  # stays in cache; the result does not depend on it
        for start in range(0, out.numel(), block):
            size = min(block, out.numel() - start)
            out[start : start + size] = _hash(start, size, first, second, like.device)
        return out.reshape(like.shape)


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


def per_model(values: PerModel, n: int) -> list[float]:
    """One number for each of n models; ValueError when a list has another length."""
    numbers = [float(v) for v in values] if isinstance(values, Sequence) else [float(values)] * n
    if len(numbers) != n:
        raise ValueError(f"{len(numbers)} values for {n} models")
    return numbers


def total(x: Tensor) -> Tensor:
    """Sum of all elements, float64, in an order that no thread count changes."""
    flat = x.reshape(-1)
    while flat.numel() > 4096:
        whole = flat.numel() // 4096 * 4096
        parts = flat[:whole].view(-1, 4096).sum(1, dtype=torch.float64)
        flat = torch.cat([parts, flat[whole:].sum(dtype=torch.float64).reshape(1)])
    return flat.sum(dtype=torch.float64)


def norm(x: Tensor) -> Tensor:
    """Euclidean norm of the whole tensor, float64 accumulation."""
    return total(x.to(torch.float64).square() if x.numel() <= 1 << 22 else x.square()).sqrt()


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
    cut = size.reshape(-1).kthvalue(n - k + 1).values
    above = size > cut
    at_cut = size == cut
    room = (k - int(above.sum())) / int(at_cut.sum())
    if room < 1:
        at_cut &= draws.uniform(delta) < room
    return delta * (above | at_cut)


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
        return kept / density if 0 < density < 1 else kept
    if not rescale or density >= 1:
        return kept
    before, after = float(total(delta.abs())), float(total(kept.abs()))
    return kept * (before / after) if before >= 1e-7 and after >= 1e-7 else kept


def elect_sign(weighted: Tensor) -> Tensor:
    """(n, *shape) -> (*shape): the sign of the sum over models, +1 where the sum is exactly zero (as mergekit)."""
    votes = weighted.sum(0)
    return torch.where(votes < 0, -1.0, 1.0).to(weighted.dtype)


def cosine_angle(a: Tensor, b: Tensor) -> Tensor:
    """The angle between two tensors in radians, float64; stays exact where arccos of a dot product does not.

    2*atan2(|u - v|, |u + v|) of the unit vectors (W. Kahan, How futile are mindless assessments of roundoff, 2006).
    """
    u = a.to(torch.float64) / norm(a).clamp_min(1e-300)
    v = b.to(torch.float64) / norm(b).clamp_min(1e-300)
    return 2 * torch.atan2(norm(u - v), norm(u + v))
