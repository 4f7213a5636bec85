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
    if at.dtype == tl.int64:  # noqa: SIM108 (not a choice between two types)
        x = x + (key1.to(tl.uint32) + (at >> 32).to(tl.uint32) * 0x9E3779B9)
    else:
        x = x + key1.to(tl.uint32)
    x = x * 0x846CA68B
    x = x ^ (x >> 16)
    return (x >> 8).to(tl.int32)


@triton.jit
def _uniform(at, key0, key1):
    """Draws.uniform: the same as numbers in [0, 1)."""
    return _drawn(at, key0, key1).to(tl.float32) * 5.9604644775390625e-08


@triton.jit
def _stored(words, i, at, inside, ALIGNED: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr):
    """A block of the tensor in a row of the table, as float32.

    ALIGNED  all begin where 16 bytes can be read at once
    DTYPE    of all of them, -1: it stands in the table
    """
    address = tl.load(words + 5 * i)
    dtype = tl.load(words + 5 * i + 1) if DTYPE == -1 else DTYPE
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
    scale, divide = tl.load(numbers + 8 * i + 6), tl.load(numbers + 8 * i + 7)
    if scale != 1.0:
        x = x * scale
    if divide != 1.0:
        x = tl.div_rn(x, divide + tl.full([BLOCK], 0.0, tl.float32))
    return x


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


@triton.jit
def _part(
    words, numbers, i, models, at, inside, under,
    BASE: tl.constexpr, ALIGNED: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr,
):  # fmt: skip
    """What a model adds before it is weighed: its delta, or itself, trimmed."""
    x = _stored(words, i, at, inside, ALIGNED, BLOCK, DTYPE)
    if BASE:
        x = x - under
    return _trimmed(x, at, inside, words, numbers, i, BLOCK)


@triton.jit
def _agreeing(sum, below, x, weight, side):
    """The sum, and the weights, with one more model where it has the elected sign. x: weighed."""
    agree = tl.where(x * side > 0, 1.0, 0.0)
    return sum + x * agree, below + weight * agree


@triton.jit(do_not_specialize=["models"])
def merged(  # noqa: C901
    out, words, numbers, models, n, first, rest, over, scale, depth, least,
    MODE: tl.constexpr, BASE: tl.constexpr, ADD: tl.constexpr, NORMALIZE: tl.constexpr, DIVIDE: tl.constexpr,
    ALIGNED: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr, MODELS: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip
    """Elements first .. first + n of the merged tensor -> out. MODE: 0 added, 1 elected, 2 mixed, 3 alone.

    MODELS  1 to 4: then they are compiled one by one, and an election holds them in registers; 0: any number, in a loop
    WIDE    whether an element's place takes more than 31 bits
    """
    to = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    if WIDE:
        to = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = to < n
    at = to + first
    under = tl.full([BLOCK], 0.0, tl.float32)
    if BASE:
        under = _stored(words, models, at, inside, ALIGNED, BLOCK, DTYPE)
    if MODE == 2:
        x = _stored(words, 0, at, inside, ALIGNED, BLOCK, DTYPE)
        if BASE:
            x = x - under
        sum = rest * x
        for i in range(1, models):
            other = _stored(words, i, at, inside, ALIGNED, BLOCK, DTYPE)
            if BASE:
                other = other - under
            sum = sum + tl.load(numbers + 8 * i) * (other - x)
        sum = x + sum
    else:
        x0 = _part(words, numbers, 0, models, at, inside, under, BASE, ALIGNED, BLOCK, DTYPE) * tl.load(numbers)
        sum = x0
        if MODE != 3:  # alone, zeros keep their signs
            sum = 0.0 + sum
        if MODELS > 1:
            x1 = _part(words, numbers, 1, models, at, inside, under, BASE, ALIGNED, BLOCK, DTYPE) * tl.load(numbers + 8)
            sum = sum + x1
        if MODELS > 2:
            x2 = _part(words, numbers, 2, models, at, inside, under, BASE, ALIGNED, BLOCK, DTYPE) * tl.load(numbers + 16)
            sum = sum + x2
        if MODELS > 3:
            x3 = _part(words, numbers, 3, models, at, inside, under, BASE, ALIGNED, BLOCK, DTYPE) * tl.load(numbers + 24)
            sum = sum + x3
        if MODELS == 0:
            for i in range(1, models):
                x = _part(words, numbers, i, models, at, inside, under, BASE, ALIGNED, BLOCK, DTYPE)
                sum = sum + x * tl.load(numbers + 8 * i)
        if MODE == 1:
            side = tl.where(sum < 0, -1.0, 1.0)
            sum = tl.full([BLOCK], 0.0, tl.float32)
            below = tl.full([BLOCK], 0.0, tl.float32)
            sum, below = _agreeing(sum, below, x0, tl.load(numbers), side)
            if MODELS > 1:
                sum, below = _agreeing(sum, below, x1, tl.load(numbers + 8), side)
            if MODELS > 2:
                sum, below = _agreeing(sum, below, x2, tl.load(numbers + 16), side)
            if MODELS > 3:
                sum, below = _agreeing(sum, below, x3, tl.load(numbers + 24), side)
            if MODELS == 0:
                for i in range(1, models):  # once more: they are still in a cache
                    weight = tl.load(numbers + 8 * i)
                    x = _part(words, numbers, i, models, at, inside, under, BASE, ALIGNED, BLOCK, DTYPE) * weight
                    sum, below = _agreeing(sum, below, x, weight, side)
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
def _of_base(
    words, i, models, at, inside, BASE: tl.constexpr, ALIGNED: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr = -1
):  # fmt: skip
    """A block of a model's delta; of the model itself where there is no base."""
    x = _stored(words, i, at, inside, ALIGNED, BLOCK, DTYPE)
    if BASE:
        x = x - _stored(words, models, at, inside, ALIGNED, BLOCK, DTYPE)
    return x


@triton.jit(do_not_specialize=["models", "questions", "tables"])
def counted(
    counts, words, asked, models, questions, tables, n,
    BASE: tl.constexpr, ALIGNED: tl.constexpr, BLOCK: tl.constexpr, CELLS: tl.constexpr,
):  # fmt: skip
    """How often the magnitudes of deltas have bits within a range -> counts (tables, questions, CELLS), added to.

    asked   (questions, 5) int64: which model, the first and the last bits of the range, by how much the distance from the first
            is shifted, and 1 where a cell is two: that of what the shift leaves whole, and that of all others
    tables  of counts, between which programs are spread so that few wait for each other
    """
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    into = counts + (tl.program_id(0) % tables).to(tl.int64) * questions * CELLS
    for q in range(questions):
        first = tl.load(asked + 5 * q + 1).to(tl.int32)
        last = tl.load(asked + 5 * q + 2).to(tl.int32)
        shift = tl.load(asked + 5 * q + 3).to(tl.int32)
        x = _of_base(words, tl.load(asked + 5 * q).to(tl.int32), models, at, inside, BASE, ALIGNED, BLOCK)
        bits = x.to(tl.int32, bitcast=True) & 0x7FFFFFFF
        wanted = inside & (bits >= first) & (bits <= last)
        away = tl.where(wanted, bits - first, 0)
        place = away >> shift
        if tl.load(asked + 5 * q + 4) == 1:
            place = 2 * place + tl.where((place << shift) != away, 1, 0)
        if first == 0:  # zeros are often most of all, and would wait for each other
            zeros = tl.where(wanted & (bits == 0), 1, 0)
            zeros = tl.reduce(tl.reshape(zeros, [1, BLOCK]), 1, tl.standard._sum_combine)
            tl.atomic_add(into + q * CELLS + tl.arange(0, 1), zeros, mask=zeros > 0, sem="relaxed")
        tl.atomic_add(into + q * CELLS + place, 1, mask=wanted & (bits != 0), sem="relaxed")


@triton.jit
def reached(found, counts, line_sums, picks, ROWS: tl.constexpr, ROW: tl.constexpr):
    """In which cell the k-th element from the top lies, how many lie above that cell, and in it -> found (picks, 3) int64.

    counts     (questions, ROWS * ROW) int32
    line_sums  (questions, ROWS) int32: sums of each row of a question's counts
    picks      (picks, 2) int64: which question, and k
    """
    own = tl.program_id(0)
    q, k = tl.load(picks + 2 * own), tl.load(picks + 2 * own + 1)
    i, j = tl.arange(0, ROWS), tl.arange(0, ROW)
    each = tl.load(line_sums + q * ROWS + i).to(tl.int64)
    row = _last(each, i, k)
    above = tl.reduce(tl.where(i > row, each, 0), 0, tl.standard._sum_combine)
    each = tl.load(counts + (q * ROWS + row) * ROW + j).to(tl.int64)
    column = _last(each, j, k - above)
    tl.store(found + 3 * own, row * ROW + column)
    tl.store(found + 3 * own + 1, above + tl.reduce(tl.where(j > column, each, 0), 0, tl.standard._sum_combine))
    tl.store(found + 3 * own + 2, tl.reduce(tl.where(j == column, each, 0), 0, tl.standard._sum_combine))


@triton.jit
def _last(counts, i, k):
    """The last of these cells from which on there are k elements."""
    there = tl.associative_scan(counts, 0, tl.standard._sum_combine, reverse=True) >= k
    return tl.reduce(tl.where(there, 1, 0), 0, tl.standard._sum_combine).to(tl.int64) - 1


@triton.jit
def _halved(x, HALF: tl.constexpr):
    """One half added to the other. As tl.sum, which Triton's interpreter takes only where nothing was compiled before."""
    return tl.reduce(tl.reshape(x, [2, HALF]), 0, tl.standard._sum_combine)


@triton.jit
def _folded(x):
    """(1024,) float64 -> (1,): one half is added to the other until one number is left, as ops.total does."""
    x = _halved(x, 512)
    x = _halved(x, 256)
    x = _halved(x, 128)
    x = _halved(x, 64)
    x = _halved(x, 32)
    x = _halved(x, 16)
    x = _halved(x, 8)
    x = _halved(x, 4)
    x = _halved(x, 2)
    return _halved(x, 1)


@triton.jit
def _addend(
    words, numbers, i, other, models, at, n, KIND: tl.constexpr, BASE: tl.constexpr, ALIGNED: tl.constexpr, DTYPE: tl.constexpr
):  # fmt: skip
    """1024 elements of what is added up, float64.

    KIND  0 a delta's magnitude, 1 that of what its trim keeps, 2 a product of two deltas, 3 what is float64 in memory
    """
    at = at + tl.arange(0, 1024)
    inside = at < n
    if KIND == 3:
        x = tl.load(words + at, mask=inside, other=0.0)
    else:
        x = _of_base(words, i, models, at, inside, BASE, ALIGNED, 1024, DTYPE)
        if KIND == 1:
            x = _trimmed(x, at, inside, words, numbers, i, 1024)
        if KIND == 2:
            y = _of_base(words, other, models, at, inside, BASE, ALIGNED, 1024, DTYPE)
            x = x.to(tl.float64) * y.to(tl.float64)
        else:
            x = tl.abs(x).to(tl.float64)
    return x


@triton.jit
def _grouped(
    words, numbers, i, other, models, at, n, KIND: tl.constexpr, BASE: tl.constexpr, ALIGNED: tl.constexpr, DTYPE: tl.constexpr
):  # fmt: skip
    """4096 elements from `at` added up -> (1,) float64: the halves of four parts in a thread's own registers, then the rest."""
    x = _addend(words, numbers, i, other, models, at, n, KIND, BASE, ALIGNED, DTYPE)
    x = x + _addend(words, numbers, i, other, models, at + 2048, n, KIND, BASE, ALIGNED, DTYPE)
    y = _addend(words, numbers, i, other, models, at + 1024, n, KIND, BASE, ALIGNED, DTYPE)
    y = y + _addend(words, numbers, i, other, models, at + 3072, n, KIND, BASE, ALIGNED, DTYPE)
    return _folded(x + y)


@triton.jit(do_not_specialize=["models", "groups"])
def summed(sums, words, numbers, models, n, groups, BASE: tl.constexpr, ALIGNED: tl.constexpr, DTYPE: tl.constexpr):
    """The magnitudes of each delta and of what its trim keeps, added up in groups of 4096 -> sums (2, models, groups)."""
    group, one = tl.program_id(0).to(tl.int64), tl.arange(0, 1)
    for i in range(models):
        x = _grouped(words, numbers, i, i, models, group * 4096, n, 0, BASE, ALIGNED, DTYPE)
        tl.store(sums + i * groups + group + one, x)
        x = _grouped(words, numbers, i, i, models, group * 4096, n, 1, BASE, ALIGNED, DTYPE)
        tl.store(sums + (models + i) * groups + group + one, x)


@triton.jit(do_not_specialize=["models", "groups"])
def dotted(sums, words, models, n, groups, BASE: tl.constexpr, ALIGNED: tl.constexpr, DTYPE: tl.constexpr):
    """The products of all pairs of deltas, added up in groups of 4096 -> sums (pairs, groups)."""
    group, one = tl.program_id(0).to(tl.int64), tl.arange(0, 1)
    to = sums + group
    for i in range(models):
        for j in range(i, models):
            tl.store(to + one, _grouped(words, words, i, j, models, group * 4096, n, 2, BASE, ALIGNED, DTYPE))
            to += groups


@triton.jit(do_not_specialize=["groups", "into"])
def totalled(totals, sums, groups, into):
    """Groups of 4096 of the sums in each row added up -> totals. sums: (rows, groups) float64; totals: (rows, into)."""
    row, group = tl.program_id(1).to(tl.int64), tl.program_id(0).to(tl.int64)
    x = _grouped(sums + row * groups, sums, 0, 0, 0, group * 4096, groups, 3, False, False, 0)
    tl.store(totals + row * into + group + tl.arange(0, 1), x)


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
