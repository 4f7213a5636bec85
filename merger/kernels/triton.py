# ruff: noqa: N803, SIM300, RET505
# type: ignore  (Triton is there only with torch for CUDA, and its functions are a language of their own)
"""The Triton kernels of gpu.py: one launch merges one tensor, or looks at one. Operation by operation what cpu.c does.

Models come as rows of two tables, so that any number of them is one loop and one compilation:
words    (models + 1, 5) int64: address, dtype (0 float32, 1 bfloat16, 2 float16), trim, the two words of its key (or the address
         of its mask); last the base
numbers  (models, 8) float32: weight, low, low_room, high, high_room, density, scale, divide
"""

import triton
import triton.language as tl

VERSION = tuple(int(part) for part in triton.__version__.split(".")[:2])


@triton.jit
def _drawn(at, key0, key1):
    """Whole numbers in [0, 2**24) of the key and the element's index alone."""
    x = at.to(tl.uint32) + key0.to(tl.uint32)
    x = x ^ (x >> 16)
    x = x * 0x7FEB352D
    x = x ^ (x >> 15)
    x = x + (key1.to(tl.uint32) + (at >> 32).to(tl.uint32) * 0x9E3779B9)
    x = x * 0x846CA68B
    x = x ^ (x >> 16)
    return (x >> 8).to(tl.int32)


@triton.jit
def _uniform(at, key0, key1):
    """Draws.uniform: the same as numbers in [0, 1)."""
    return _drawn(at, key0, key1).to(tl.float32) * 5.9604644775390625e-08


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
        brain = address.to(tl.pointer_type(tl.uint16))  # its bits are float32's upper half; the interpreter makes the smallest 0
        if ALIGNED:
            brain = tl.multiple_of(brain, 16)
        value = (tl.load(brain + at, mask=inside, other=0).to(tl.uint32) << 16).to(tl.float32, bitcast=True)
    if dtype == 2:
        half = address.to(tl.pointer_type(tl.float16))
        if ALIGNED:
            half = tl.multiple_of(half, 16)
        value = tl.load(half + at, mask=inside, other=0.0).to(tl.float32)
    return value


@triton.jit
def _trimmed(x, at, inside, words, numbers, i, BLOCK: tl.constexpr):
    """What the trim in a row keeps of x: 0 all, 1 nothing, 2 between cuts, 3 by chance, 4 by a mask."""
    trim = tl.load(words + 5 * i + 2)
    if trim == 1:
        x = tl.full([BLOCK], 0.0, tl.float32)
    if trim == 4:
        mask = tl.load(words + 5 * i + 3).to(tl.pointer_type(tl.int32))
        bits = tl.load(mask + (at >> 5), mask=inside, other=0)
        x = x * ((bits >> (at & 31).to(tl.int32)) & 1).to(tl.float32)
    elif trim >= 2:
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
        sum = _trimmed(x, at, inside, words, numbers, 0, BLOCK) * tl.load(numbers)
        if MODE != 3:  # alone, zeros keep their signs
            sum = 0.0 + sum
        for i in range(1, models):
            x = _stored(words, i, at, inside, ALIGNED, BLOCK)
            if BASE:
                x = x - under
            sum = sum + _trimmed(x, at, inside, words, numbers, i, BLOCK) * tl.load(numbers + 8 * i)
        if MODE == 1:
            side = tl.where(sum < 0, -1.0, 1.0)
            sum = tl.full([BLOCK], 0.0, tl.float32)
            below = tl.full([BLOCK], 0.0, tl.float32)
            for i in range(models):  # once more: any number of them does not fit registers, and they are still in a cache
                x = _stored(words, i, at, inside, ALIGNED, BLOCK)
                if BASE:
                    x = x - under
                weight = tl.load(numbers + 8 * i)
                x = _trimmed(x, at, inside, words, numbers, i, BLOCK) * weight
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


@triton.jit
def _of_base(words, i, models, at, inside, BASE: tl.constexpr, ALIGNED: tl.constexpr, BLOCK: tl.constexpr):
    """A block of a model's delta; of the model itself where there is no base."""
    x = _stored(words, i, at, inside, ALIGNED, BLOCK)
    if BASE:
        x = x - _stored(words, models, at, inside, ALIGNED, BLOCK)
    return x


@triton.jit(do_not_specialize=["models", "questions", "tables"])
def counted(
    counts, words, asked, models, questions, tables, n, BASE: tl.constexpr, ALIGNED: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """How often the magnitudes of deltas have which half of their bits -> counts (tables, questions, 65536), added to.

    asked  (questions, 2) int64: which model, and -1: twice the upper half, and 1 where the lower is not 0; else an upper half:
           the lower halves below it
    tables of counts between which programs are spread, so that few wait for each other
    """
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    into = counts + (tl.program_id(0) % tables).to(tl.int64) * questions * 65536
    for q in range(questions):
        half = tl.load(asked + 2 * q + 1).to(tl.int32)
        x = _of_base(words, tl.load(asked + 2 * q).to(tl.int32), models, at, inside, BASE, ALIGNED, BLOCK)
        bits = x.to(tl.int32, bitcast=True) & 0x7FFFFFFF
        upper, lower = bits >> 16, bits & 0xFFFF
        place = tl.where(half < 0, 2 * upper + tl.where(lower != 0, 1, 0), lower)
        wanted = inside & ((half < 0) | (upper == half))
        two = tl.arange(0, 2)
        zeros = tl.histogram(tl.where(wanted & (bits == 0), 0, 1), 2)  # often most of them, which would wait for each other
        tl.atomic_add(into + q * 65536 + two, zeros, mask=(two == 0) & (zeros > 0), sem="relaxed")
        tl.atomic_add(into + q * 65536 + place, 1, mask=wanted & (bits != 0), sem="relaxed")


@triton.jit
def _halved(x, HALF: tl.constexpr):
    """One half added to the other. As tl.sum, which Triton's interpreter takes only where nothing was compiled before."""
    return tl.reduce(tl.reshape(x, [2, HALF]), 0, tl.standard._sum_combine)


@triton.jit
def _folded(x, GROUP: tl.constexpr):
    """(4096,) -> (1,): the sum in float64: one half is added to the other until one number is left, as ops.total does."""
    x = x.to(tl.float64)
    x = _halved(x, GROUP // 2)
    x = _halved(x, GROUP // 4)
    x = _halved(x, GROUP // 8)
    x = _halved(x, GROUP // 16)
    x = _halved(x, GROUP // 32)
    x = _halved(x, GROUP // 64)
    x = _halved(x, GROUP // 128)
    x = _halved(x, GROUP // 256)
    x = _halved(x, GROUP // 512)
    x = _halved(x, GROUP // 1024)
    x = _halved(x, GROUP // 2048)
    return _halved(x, GROUP // 4096)


@triton.jit(do_not_specialize=["models", "groups"])
def summed(sums, words, numbers, models, n, groups, BASE: tl.constexpr, ALIGNED: tl.constexpr, GROUP: tl.constexpr):
    """The magnitudes of each delta and of what its trim keeps, added up in groups of 4096 -> sums (2, models, groups)."""
    group, one = tl.program_id(0).to(tl.int64), tl.arange(0, 1)
    at = group * GROUP + tl.arange(0, GROUP)
    inside = at < n
    for i in range(models):
        x = _of_base(words, i, models, at, inside, BASE, ALIGNED, GROUP)
        tl.store(sums + i * groups + group + one, _folded(tl.abs(x), GROUP))
        x = _trimmed(x, at, inside, words, numbers, i, GROUP)
        tl.store(sums + (models + i) * groups + group + one, _folded(tl.abs(x), GROUP))


@triton.jit(do_not_specialize=["models", "groups"])
def dotted(sums, words, models, n, groups, BASE: tl.constexpr, ALIGNED: tl.constexpr, GROUP: tl.constexpr):
    """The products of all pairs of deltas, added up in groups of 4096 -> sums (pairs, groups)."""
    group, one = tl.program_id(0).to(tl.int64), tl.arange(0, 1)
    at = group * GROUP + tl.arange(0, GROUP)
    inside = at < n
    to = sums + group
    for i in range(models):
        x = _of_base(words, i, models, at, inside, BASE, ALIGNED, GROUP).to(tl.float64)
        for j in range(i, models):
            y = _of_base(words, j, models, at, inside, BASE, ALIGNED, GROUP).to(tl.float64)
            tl.store(to + one, _folded(x * y, GROUP))
            to += groups


@triton.jit
def _ordered(x, place, at, levels):
    """Rising within each stretch of 2**levels elements of a block: a bitonic network. place: within the stretch; at: within x."""
    for level in range(1, levels + 1):
        for step in range(level):
            far = 1 << (level - 1 - step)
            other = tl.gather(x, at ^ far, 0)
            up = ((place >> level) & 1) == 0
            x = tl.where(((place & far) == 0) == up, tl.minimum(x, other), tl.maximum(x, other))
    return x


@triton.jit
def _below(ordered, begin, x, levels):
    """How many of a rising stretch's 2**levels elements, which begins at `begin` of its block, are less than x."""
    found = begin
    for level in range(levels):
        step = 1 << (levels - 1 - level)
        found += tl.where(tl.gather(ordered, found + step - 1, 0) < x, step, 0)
    return found - begin + tl.where(tl.gather(ordered, found, 0) < x, 1, 0)


@triton.jit(do_not_specialize=["models", "rows", "row", "chunks", "parts", "levels", "length"])
def ranked(
    masks, words, limits, models, rows, row, chunks, parts, levels, length,
    BASE: tl.constexpr, ALIGNED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Which elements of each delta stay, by their ranks in their rows -> masks (models, length) int32, a bit each; they were 0.

    limits  (models, 2 row - 1) int32: below which an element of a (half) rank must have drawn, see _drawn
    rows    how many there are, of `row` elements each
    chunks  stretches of 2**levels elements in which a row is put in order; parts: in which it is asked for, whole words each

    A program has as many rows as fit its block. Every element looks up how many of a stretch are less, and how many no more.
    A bit is added once: adding is what every GPU has an instruction for.
    """
    i = tl.arange(0, BLOCK)
    place, which = i & ((1 << levels) - 1), i >> levels
    own = tl.program_id(0).to(tl.int64) * (BLOCK >> levels) + which
    begin = own * row
    end = tl.where(own < rows, begin + row, begin)
    lead = (begin & 31).to(tl.int32)  # a word of the mask may hold the end of the row before
    for model in range(models):
        key0, key1 = tl.load(words + 5 * model + 3), tl.load(words + 5 * model + 4)
        for part in range(parts):
            at = begin - lead + (part << levels) + place
            inside = (at >= begin) & (at < end)
            x = _magnitude_bits(words, model, models, at, inside, BASE, ALIGNED, BLOCK)
            twice = tl.full([BLOCK], -1, tl.int32)  # the rank, from 0: the mean of those that equal elements have
            for chunk in range(chunks):
                other = begin + (chunk << levels) + place
                there = other < end
                y = _magnitude_bits(words, model, models, other, there, BASE, ALIGNED, BLOCK)
                y = _ordered(tl.where(there, y, 0x7FFFFFFF), place, i, levels)
                twice += _below(y, i - place, x, levels) + _below(y, i - place, x + 1, levels)
            limit = tl.load(limits + model * (2 * row - 1) + twice, mask=inside, other=0)
            kept = tl.where(inside & (_drawn(at, key0, key1) < limit), 1, 0) << (at & 31).to(tl.int32)
            word = tl.reduce(tl.reshape(kept, [BLOCK // 32, 32]), 1, tl.standard._sum_combine)
            first = tl.reduce(tl.reshape(at, [BLOCK // 32, 32]), 1, tl.standard._sum_combine) >> 10
            tl.atomic_add(masks + model * length + first, word, mask=word != 0, sem="relaxed")


@triton.jit
def _magnitude_bits(words, i, models, at, inside, BASE: tl.constexpr, ALIGNED: tl.constexpr, BLOCK: tl.constexpr):
    """The magnitudes of a block of a delta as whole numbers, which are in their order. What is no number is below 2**31 - 1."""
    x = _of_base(words, i, models, at, inside, BASE, ALIGNED, BLOCK)
    return tl.minimum(x.to(tl.int32, bitcast=True) & 0x7FFFFFFF, 0x7FFFFFFE)
