# ruff: noqa: N803, ANN
# type: ignore  (Triton is there only with torch for CUDA, and its functions are a language of their own)
"""The Triton kernel of gpu.py: one launch merges one tensor. Operation by operation what merger_combine in cpu.c does."""

import triton
import triton.language as tl


@triton.jit
def _uniform(at, key0, key1):
    """Draws.uniform: numbers in [0, 1) of the key and the element's index alone."""
    x = at.to(tl.uint32) + key0.to(tl.uint32)
    x = x ^ (x >> 16)
    x = x * 0x7FEB352D
    x = x ^ (x >> 15)
    x = x + (key1.to(tl.uint32) + (at >> 32).to(tl.uint32) * 0x9E3779B9)
    x = x * 0x846CA68B
    x = x ^ (x >> 16)
    return (x >> 8).to(tl.int32).to(tl.float32) * 5.9604644775390625e-08


@triton.jit
def _trimmed(x, at, KIND: tl.constexpr, key0, key1, low, low_room, high, high_room, density, scale, divide):
    """What a trim keeps of x. KIND: 0 all, 1 none, 2 above a cut, 12 and below another, 3 by chance."""
    if KIND == 1:
        x = tl.zeros_like(x)
    if KIND == 3:
        x = x * tl.where(_uniform(at, key0, key1) < density, 1.0, 0.0)
    if KIND == 2 or KIND == 12:
        size = tl.abs(x)
        u = _uniform(at, key0, key1)
        kept = (size > low) | ((size == low) & (u < low_room))
        if KIND == 12:
            kept = kept & ~((size > high) | ((size == high) & (u < high_room)))
        x = x * tl.where(kept, 1.0, 0.0)
    return tl.div_rn(x * scale, divide)


@triton.jit
def _one(x, at, inside, base, BASE: tl.constexpr):
    """A block of a model, less the base."""
    value = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
    if BASE:
        value = value - base
    return value


@triton.jit(do_not_specialize=[
    "a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3", "n",
])  # fmt: skip
def merged(
    out, base,
    x0, w0, T0: tl.constexpr, a0, b0, l0, lr0, h0, hr0, d0, s0, v0,
    x1, w1, T1: tl.constexpr, a1, b1, l1, lr1, h1, hr1, d1, s1, v1,
    x2, w2, T2: tl.constexpr, a2, b2, l2, lr2, h2, hr2, d2, s2, v2,
    x3, w3, T3: tl.constexpr, a3, b3, l3, lr3, h3, hr3, d3, s3, v3,
    n, rest, over, scale, depth, least,
    K: tl.constexpr, MODE: tl.constexpr, BASE: tl.constexpr, ADD: tl.constexpr, NORMALIZE: tl.constexpr, DIVIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """K models x with weight w, trim T and its numbers -> out. MODE: 0 added, 1 elected, 2 mixed, 3 alone."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    under = tl.load(base + at, mask=inside, other=0.0).to(tl.float32)
    p0 = _one(x0, at, inside, under, BASE)
    p1 = p0
    p2 = p0
    p3 = p0
    if K > 1:
        p1 = _one(x1, at, inside, under, BASE)
    if K > 2:
        p2 = _one(x2, at, inside, under, BASE)
    if K > 3:
        p3 = _one(x3, at, inside, under, BASE)
    if MODE == 2:
        sum = rest * p0
        if K > 1:
            sum = sum + w1 * (p1 - p0)
        if K > 2:
            sum = sum + w2 * (p2 - p0)
        if K > 3:
            sum = sum + w3 * (p3 - p0)
        sum = p0 + sum
    else:
        p0 = _trimmed(p0, at, T0, a0, b0, l0, lr0, h0, hr0, d0, s0, v0) * w0
        sum = p0
        if MODE != 3:  # alone, zeros keep their signs
            sum = 0.0 + p0
        if K > 1:
            p1 = _trimmed(p1, at, T1, a1, b1, l1, lr1, h1, hr1, d1, s1, v1) * w1
            sum = sum + p1
        if K > 2:
            p2 = _trimmed(p2, at, T2, a2, b2, l2, lr2, h2, hr2, d2, s2, v2) * w2
            sum = sum + p2
        if K > 3:
            p3 = _trimmed(p3, at, T3, a3, b3, l3, lr3, h3, hr3, d3, s3, v3) * w3
            sum = sum + p3
        if MODE == 1:
            side = tl.where(sum < 0, -1.0, 1.0)
            agree = tl.where(p0 * side > 0, 1.0, 0.0)
            sum = 0.0 + p0 * agree
            below = 0.0 + w0 * agree
            if K > 1:
                agree = tl.where(p1 * side > 0, 1.0, 0.0)
                sum = sum + p1 * agree
                below = below + w1 * agree
            if K > 2:
                agree = tl.where(p2 * side > 0, 1.0, 0.0)
                sum = sum + p2 * agree
                below = below + w2 * agree
            if K > 3:
                agree = tl.where(p3 * side > 0, 1.0, 0.0)
                sum = sum + p3 * agree
                below = below + w3 * agree
            if NORMALIZE:
                sum = tl.div_rn(sum, tl.where(tl.abs(below) > least, below, 1.0))
        elif DIVIDE:
            sum = tl.div_rn(sum, over + tl.zeros_like(sum))
        sum = scale * sum
    sum = depth * sum
    if ADD:
        sum = under + sum
    if out.dtype.element_ty == tl.bfloat16:  # to the nearest, as everywhere; Triton's interpreter would cut off
        bits = sum.to(tl.uint32, bitcast=True)
        nearest = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
        nearest = tl.where((bits & 0x7FFFFFFF) > 0x7F800000, 0x7FC0, nearest)
        tl.store(out + at, nearest.to(tl.uint16).to(tl.bfloat16, bitcast=True), mask=inside)
    else:
        tl.store(out + at, sum.to(out.dtype.element_ty), mask=inside)
