"""Law, interpreted: what merger/methods/law.py says of a method as plain NumPy in float32, one operation after the other.

It knows no method by name and calls none, so that a new method with a law is held to it. `shares` are part of the law.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from merger.methods.law import Law
from merger.methods.ops import CANCELLED, Draws

F, Array = np.float32, np.ndarray[Any, np.dtype[Any]]


@dataclass
class Made:
    """What a law makes of one tensor. kept: trimmed deltas; terms: these weighted; agree: where one counts."""

    merged: Array
    kept: list[Array]
    terms: list[Array]
    agree: list[Array]


def uniform(n: int, key: tuple[int, int]) -> Array:
    """Draws' numbers in [0, 1), of a key and the index alone."""
    x = np.arange(n, dtype=np.uint32) + np.uint32(key[0])
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x += np.uint32(key[1])
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(F) * F(2.0**-24)


def total(x: Array) -> float:
    """The sum in float64: groups of 4096 folded in halves, then their sums likewise."""
    x = x.astype(np.float64).ravel()
    while x.size:
        width = min(4096, 1 << max(0, x.size - 1).bit_length())
        rows = np.pad(x, (0, -x.size % width)).reshape(-1, width)
        while width > 1:
            width //= 2
            rows = rows[:, :width] + rows[:, width:]
        x = rows[:, 0]
        if x.size == 1:
            return float(x[0])
    return 0.0


def dots(xs: Sequence[Array]) -> torch.Tensor:
    """The dot products of all pairs, float64."""
    wide = [x.astype(np.float64) for x in xs]
    found = np.zeros((len(xs), len(xs)))
    for i, a in enumerate(wide):
        for j, b in enumerate(wide[i:], i):
            found[i, j] = found[j, i] = total(a * b)
    return torch.from_numpy(found)


def largest(size: Array, k: int, u: Array) -> Array:
    """The k largest; of those equal to the last, the share that makes k, by lot."""
    n = size.size
    if k <= 0 or k >= n:
        return np.full(n, k > 0)
    cut = np.sort(size)[n - k]
    above, equal = n - int((size <= cut).sum()), int((size == cut).sum())
    share = (k - above) / max(1, equal)
    return (size > cut) | ((size == cut) & ((share >= 1) | (u < F(share))))


def chances(size: Array, columns: int, density: float, epsilon: float) -> Array:
    """Of a trim by rank: density - epsilon for the smallest of a row to density + epsilon for the largest; equal ones share."""
    rows = size.reshape(-1, columns)
    below = (rows[:, None, :] < rows[:, :, None]).sum(-1)
    through = (rows[:, None, :] <= rows[:, :, None]).sum(-1)
    rank = (below + through - 1) / 2
    share = rank / (columns - 1) if columns > 1 else rank + 0.5
    return np.clip(density + epsilon * (2 * share - 1), 0, 1).ravel()


def trimmed(law: Law, x: Array, args: dict[str, Any], i: int, columns: int, draws: Draws) -> Array:
    """What the trim leaves of the i-th delta, rescaled."""
    density, n = args.get("density", 1.0), x.size
    if law.trim == "all" or density >= 1:
        return x
    if density <= 0 or not n:
        return np.zeros_like(x)
    size, rescale, chance = np.abs(x), args.get("rescale", False), None
    if law.trim == "largest":
        mask = largest(size, max(1, int(density * n)), uniform(n, draws.key()))
    elif law.trim == "middle":
        count, u = int(density * n), uniform(n, draws.key())
        top = min(int(args["gamma"] * n), n - count)
        if not count:
            return np.zeros_like(x)
        mask = largest(size, top + count, u) & ~largest(size, top, u)
    elif law.trim == "random":
        mask = uniform(n, draws.key(i)) < F(density)
    else:
        chance = chances(size, columns, density, args["epsilon"])
        mask = uniform(n, draws.key(i)) < chance
    if rescale == "inverse":
        return x * mask / F(density) if chance is None else np.where(mask, x / chance, 0).astype(F)
    kept = x * mask
    before, after = (total(np.abs(x)), total(np.abs(kept))) if rescale else (0.0, 0.0)
    return kept * F(before / after) if before >= 1e-7 and after >= 1e-7 else kept


def mixed(shares: Sequence[float], xs: Sequence[Array]) -> Array:
    """Shares of tensors: the heaviest, and the others' differences from it."""
    lead = max(range(len(xs)), key=lambda i: abs(shares[i]))
    rest = F(math.fsum(shares) - 1) * xs[lead]
    for i, share in enumerate(shares):
        if i != lead:
            rest = rest + F(share) * (xs[i] - xs[lead])
    return xs[lead] + rest


def added(xs: Sequence[Array]) -> Array:
    """One after the other."""
    out = np.zeros_like(xs[0])
    for x in xs:
        out = out + x
    return out


def summed(law: Law, xs: Sequence[Array], args: dict[str, Any], columns: int, draws: Draws) -> Made:
    """Trim, weigh, elect where the law votes, add up."""
    own = [{name: value[i] if isinstance(value, tuple) else value for name, value in args.items()} for i in range(len(xs))]
    kept = [trimmed(law, x, mine, i, columns, draws) for i, (x, mine) in enumerate(zip(xs, own, strict=True))]
    weights = [F(mine["weight"]) for mine in own]
    terms = [w * x for w, x in zip(weights, kept, strict=True)]
    agree = [np.ones(x.size, dtype=bool) for x in xs]
    if law.vote:
        side = np.where(added(terms) < 0, -1, 1)
        agree = [np.sign(term) == side for term in terms]
    merged = added([term * own for term, own in zip(terms, agree, strict=True)])
    if args.get("normalize"):
        below = added([w * own for w, own in zip(weights, agree, strict=True)])
        least = F(CANCELLED * math.fsum(abs(float(w)) for w in weights))
        merged = merged / np.where(np.abs(below) > least, below, F(1))
    return Made(F(args["lambda"]) * merged, kept, terms, agree)


def made(
    law: Law, tensors: Sequence[Array], base: Array | None, args: dict[str, Any], columns: int, draws: Draws, add_base: bool
) -> Made:
    """The law's float32 tensor, flat. tensors: flat float32; base: what is subtracted; columns: of a row."""
    xs = [x if base is None else x - base for x in tensors]
    with np.errstate(all="ignore"):
        if law.combine == "sum":
            found = summed(law, xs, args, columns, draws)
        elif law.combine == "step":
            found = Made(F(law.taken(dots(xs), args)[0]) * (added(xs) / F(len(xs))), [], [], [])
        elif law.combine == "alone":
            found = Made(F(law.taken(1, args)[0]) * xs[0], [], [], [])
        else:
            found = Made(mixed(law.taken(len(xs) if law.combine == "average" else dots(xs), args), xs), [], [], [])
        if args.get("lines", 1.0) != 1.0:
            found.merged = F(args["lines"]) * found.merged
        if add_base and base is not None:
            found.merged = base + found.merged
    return found


def rounded(x: Array, dtype: torch.dtype) -> torch.Tensor:
    """float32 -> a type of weights, to the nearest, ties to even."""
    with np.errstate(all="ignore"):
        if dtype == torch.float16:
            return torch.from_numpy(x.astype(np.float16))
    if dtype == torch.float32:
        return torch.from_numpy(x)
    bits = x.view(np.uint32)
    nearest = ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype(np.uint16)
    return torch.from_numpy(np.where(np.isnan(x), np.uint16(0x7FC0), nearest).astype(np.uint16)).view(torch.bfloat16)
