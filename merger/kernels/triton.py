# ruff: noqa: N803, SIM300, RET505
# type: ignore  (Triton is there only with torch for CUDA, and its functions are a language of their own)
"""The Triton kernel of gpu.py: one launch merges one tensor. Operation by operation what merger_combine in cpu.c does.

Models come as rows of two tables, so that any number of them is one loop and one compilation:
words    (models + 1, 5) int64: address, dtype (0 float32, 1 bfloat16, 2 float16), trim, the two words of its key; last the base
numbers  (models, 8) float32: weight, low, low_room, high, high_room, density, scale, divide
"""

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
def _stored(words, i, at, inside, ALIGNED: tl.constexpr, BLOCK: tl.constexpr):
    """A block of the tensor in a row of the table, as float32. ALIGNED: all begin where 16 bytes can be read at once."""
    address = tl.load(words + 5 * i)
    dtype = tl.load(words + 5 * i + 1)
    value = tl.full([BLOCK], 0.0, tl.float32)
    if dtype == 0:
        wide = address.to(tl.pointer_type(tl.float32))
        if ALIGNED:
            wide = tl.multiple_of(wide, 16)
        value = tl.load(wide + at, mask=inside, other=0.0)
    if dtype == 1:
        brain = address.to(tl.pointer_type(tl.bfloat16))
        if ALIGNED:
            brain = tl.multiple_of(brain, 16)
        value = tl.load(brain + at, mask=inside, other=0.0).to(tl.float32)
    if dtype == 2:
        half = address.to(tl.pointer_type(tl.float16))
        if ALIGNED:
            half = tl.multiple_of(half, 16)
        value = tl.load(half + at, mask=inside, other=0.0).to(tl.float32)
    return value


@triton.jit
def _trimmed(x, at, words, numbers, i, BLOCK: tl.constexpr):
    """What the trim in a row keeps of x: 0 all, 1 nothing, 2 between cuts, 3 by chance."""
    trim = tl.load(words + 5 * i + 2)
    if trim == 1:
        x = tl.full([BLOCK], 0.0, tl.float32)
    if trim >= 2:
        u = _uniform(at, tl.load(words + 5 * i + 3), tl.load(words + 5 * i + 4))
        if trim == 2:
            size = tl.abs(x)
            low, high = tl.load(numbers + 8 * i + 1), tl.load(numbers + 8 * i + 3)
            kept = (size > low) | ((size == low) & (u < tl.load(numbers + 8 * i + 2)))
            kept = kept & ~((size > high) | ((size == high) & (u < tl.load(numbers + 8 * i + 4))))
            x = x * tl.where(kept, 1.0, 0.0)
        else:
            x = x * tl.where(u < tl.load(numbers + 8 * i + 5), 1.0, 0.0)
    divide = tl.load(numbers + 8 * i + 7) + tl.full([BLOCK], 0.0, tl.float32)
    return tl.div_rn(x * tl.load(numbers + 8 * i + 6), divide)


@triton.jit
def _rounded(x, DTYPE: tl.constexpr):
    """float32 in another type, to the nearest; for bfloat16 by its bits, as Triton's interpreter would cut off."""
    if DTYPE == tl.bfloat16:
        bits = x.to(tl.uint32, bitcast=True)
        nearest = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
        nearest = tl.where((bits & 0x7FFFFFFF) > 0x7F800000, 0x7FC0, nearest)
        return nearest.to(tl.uint16).to(tl.bfloat16, bitcast=True)
    else:
        return x.to(DTYPE)


@triton.jit(do_not_specialize=["models"])
def merged(
    out, words, numbers, models, n, first, rest, over, scale, depth, least,
    MODE: tl.constexpr, BASE: tl.constexpr, ADD: tl.constexpr, NORMALIZE: tl.constexpr, DIVIDE: tl.constexpr,
    ALIGNED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Elements first .. first + n of the merged tensor -> out. MODE: 0 added, 1 elected, 2 mixed, 3 alone."""
    to = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = to < n
    at = to + first
    under = tl.full([BLOCK], 0.0, tl.float32)
    if BASE:
        under = _stored(words, models, at, inside, ALIGNED, BLOCK)
    x = _stored(words, 0, at, inside, ALIGNED, BLOCK)
    if BASE:
        x = x - under
    if MODE == 2:
        sum = rest * x
        for i in range(1, models):
            other = _stored(words, i, at, inside, ALIGNED, BLOCK)
            if BASE:
                other = other - under
            sum = sum + tl.load(numbers + 8 * i) * (other - x)
        sum = x + sum
    else:
        sum = _trimmed(x, at, words, numbers, 0, BLOCK) * tl.load(numbers)
        if MODE != 3:  # alone, zeros keep their signs
            sum = 0.0 + sum
        for i in range(1, models):
            x = _stored(words, i, at, inside, ALIGNED, BLOCK)
            if BASE:
                x = x - under
            sum = sum + _trimmed(x, at, words, numbers, i, BLOCK) * tl.load(numbers + 8 * i)
        if MODE == 1:
            side = tl.where(sum < 0, -1.0, 1.0)
            sum = tl.full([BLOCK], 0.0, tl.float32)
            below = tl.full([BLOCK], 0.0, tl.float32)
            for i in range(models):  # once more: any number of them does not fit registers, and they are still in a cache
                x = _stored(words, i, at, inside, ALIGNED, BLOCK)
                if BASE:
                    x = x - under
                weight = tl.load(numbers + 8 * i)
                x = _trimmed(x, at, words, numbers, i, BLOCK) * weight
                agree = tl.where(x * side > 0, 1.0, 0.0)
                sum = sum + x * agree
                below = below + weight * agree
            if NORMALIZE:
                sum = tl.div_rn(sum, tl.where(tl.abs(below) > least, below, 1.0))
        elif DIVIDE:
            sum = tl.div_rn(sum, over + tl.full([BLOCK], 0.0, tl.float32))
        sum = scale * sum
    sum = depth * sum
    if ADD:
        sum = under + sum
    tl.store(out + to, _rounded(sum, out.dtype.element_ty), mask=inside)
