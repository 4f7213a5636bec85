"""The passes of cpu.c over tensors in the CPU's memory, called through ctypes, which lets other threads run."""

import ctypes
import os
from array import array
from collections.abc import Sequence

import torch
from torch import Tensor

from merger.kernels import windows
from merger.kernels.build import How, Source, library, loaded
from merger.kernels.passes import ALL, STEPS, Combine, Ladder, Seen, Trim
from merger.methods.ops import Draws

MOST_MODELS = 16
TRIMS = frozenset({"all", "largest", "middle", "random", "ranked"})
"""Trims of laws that cpu.c does."""
KINDS = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2}
OUTS = frozenset(KINDS)
_Sources = ctypes.Array[Source]


def supports(tensors: Sequence[Tensor]) -> bool:
    """Whether these tensors can be given to the compiled passes: few enough, on the CPU, of a dtype they know."""
    compiled = library()
    if compiled is None or len(tensors) > MOST_MODELS + 1:
        return False
    kinds = KINDS if compiled.merger_has_float16() else {torch.float32, torch.bfloat16}
    return all(t.device.type == "cpu" and t.dtype in kinds for t in tensors)


def kth(x: Tensor, base: Tensor | None, k: int, bracket: tuple[float, float] = (1.0, 0.0)) -> tuple[float, int, int]:
    """The k-th largest magnitude of x - base, float32; how many lie above it, and how many at it. Exact. 1 <= k <= numel.

    bracket  magnitudes between which it is known to lie, if they are
    """
    above, at = ctypes.c_int64(), ctypes.c_int64()
    source, under = _sources([x]), _base(base)
    kth = loaded().merger_kth(source, under, x.numel(), k, *bracket, ctypes.byref(above), ctypes.byref(at))
    _check(source, under)
    if not at.value:
        raise MemoryError
    return kth, above.value, at.value


def ladder(x: Tensor, base: Tensor | None) -> Ladder:
    """Common magnitudes of x - base from the smallest, and exactly how many lie above and at each. 65536 <= numel < 2**32."""
    steps, above, at = array("f", bytes(4 * STEPS)), array("I", bytes(4 * STEPS)), array("I", bytes(4 * STEPS))
    source, under = _sources([x]), _base(base)
    count = loaded().merger_ladder(source, under, x.numel(), STEPS, *(a.buffer_info()[0] for a in (steps, above, at)))
    if count < 0:
        raise MemoryError
    _check(source, under)
    return Ladder(steps[:count], above[:count], at[:count])


def lengths(tensors: Sequence[Tensor], base: Tensor | None, trims: Sequence[Trim]) -> list[tuple[float, float]]:
    """For each of the tensors the sums of magnitudes of x - base before its trim and after it, as `ops.total`."""
    return [_lengths(x, base, trim) for x, trim in zip(tensors, trims, strict=True)]


def _lengths(x: Tensor, base: Tensor | None, trim: Trim) -> tuple[float, float]:
    before, after = ctypes.c_double(), ctypes.c_double()
    source, under = _sources([x], [trim]), _base(base)
    if loaded().merger_lengths(source, under, x.numel(), ctypes.byref(before), ctypes.byref(after)):
        raise MemoryError
    _check(source, under)
    return before.value, after.value


def products(tensors: Sequence[Tensor], base: Tensor | None) -> Tensor:
    """The dot products of all pairs of x - base, (n, n) float64, as `ops.dot`."""
    n = len(tensors)
    table = torch.zeros(n, n, dtype=torch.float64)
    sources, under = _sources(tensors), _base(base)
    if loaded().merger_products(sources, n, under, tensors[0].numel(), table.data_ptr()):
        raise MemoryError
    _check(sources, under)
    return table


def ranked(tensors: Sequence[Tensor], base: Tensor | None, trims: Sequence[Trim]) -> list[Tensor]:
    """Masks of what `trims.drop_small` keeps of each x - base, a bit for each element. Of a trim: key, density, spread."""
    return [_ranked(x, base, trim) for x, trim in zip(tensors, trims, strict=True)]


def _ranked(x: Tensor, base: Tensor | None, trim: Trim) -> Tensor:
    mask = torch.empty((x.numel() + 7) // 8, dtype=torch.uint8)
    row = x.shape[-1] if x.dim() else 1
    source, under = _sources([x], [Trim(key=trim.key)], room=row), _base(base, row)
    source[0].keep, source[0].spread = trim.density, trim.spread
    if loaded().merger_ranked(source, under, x.numel(), row, mask.data_ptr()):
        raise MemoryError
    _check(source, under)
    return mask


def odd(x: Tensor) -> bool:
    """Whether an element of a contiguous tensor that `supports` allows is infinite or no number."""
    return bool(loaded().merger_odd(x.data_ptr(), KINDS[x.dtype], x.numel()))


def q8_0(rows: Tensor) -> Tensor | None:
    """Rows (n, width) as ggml's blocks of 8 bits, (n, width / 32 * 34) uint8; None where this cannot be done here. 32 | width."""
    compiled = library()
    if compiled is None or not compiled.merger_has_float16() or rows.dtype not in KINDS or rows.device.type != "cpu":
        return None
    plain = rows.contiguous()
    out = torch.empty((len(rows), rows.shape[1] // 32 * 34), dtype=torch.uint8)
    compiled.merger_q8_0(out.data_ptr(), plain.data_ptr(), KINDS[rows.dtype], rows.numel() // 32)
    return out


def combine(
    what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None, first: int = 0, seen: Seen | None = None
) -> None:
    """Elements first .. first + out.numel() of the merged tensor, written to `out`, contiguous, rounded once."""
    order = what.order(len(tensors))
    sources = _sources(
        [tensors[i] for i in order], [what.trims[i] for i in order] if what.trims else (), [what.weights[i] for i in order]
    )
    under, how = _base(base), _how(what, base)
    loaded().merger_combine(
        out.data_ptr(), KINDS[out.dtype], how, sources, len(tensors), under, first, out.numel(), tensors[0].numel(),
    )  # fmt: skip
    _check(sources, under)
    _note(seen, how, sources, under)


def _how(what: Combine, base: Tensor | None) -> How:
    """Its numbers as the passes take them."""
    add_base = what.add_base and base is not None
    return How(what.mode, what.normalize, add_base, what.divide, what.scale, what.depth, what.rest, what.least)


def _note(seen: Seen | None, how: How, *passed: "_Sources | None") -> None:
    """Take over what a pass noted."""
    if seen is not None:
        seen.odd |= bool(how.odd) or any(source.odd for sources in passed if sources for source in sources)


def _sources(
    tensors: Sequence[Tensor], trims: Sequence[Trim] = (), weights: Sequence[float] = (), room: int = 0, begin: int = 1
) -> _Sources:
    """The tensors as the passes take them. room: elements that must be ready at once; begin: the first one's window, the
    base's being 0: a window that is asked for twice may be another the second time, and the first be gone."""
    sources = (Source * len(tensors))()
    held = list[windows.Handle]()
    for i, x in enumerate(tensors):
        t = trims[i] if trims else ALL
        sources[i] = Source(
            x.data_ptr(), t.mask.data_ptr() if t.mask is not None else None, 0.0, 0.0, KINDS[x.dtype], t.kind, *t.key,
            t.low, t.low_room, t.high, t.high_room, t.density, t.scale, t.divide, weights[i] if weights else 1.0,
        )  # fmt: skip
        held += _place(sources[i], x, begin + i, room)
    setattr(sources, "held", held)  # noqa: B010  # as long as they are read by, whoever closes them meanwhile
    return sources


def _base(base: Tensor | None, room: int = 0) -> _Sources | None:
    return None if base is None else _sources([base], room=room, begin=0)


def _check(*passed: _Sources | None) -> None:
    """OSError where a file could not be read, or has become shorter."""
    for sources in passed:
        for source in sources or ():
            if source.trouble:
                file = next(one.file for one in getattr(sources, "held") if one.number == source.file)  # noqa: B009
                raise OSError(source.trouble, os.strerror(source.trouble), str(file))


def _place(source: Source, x: Tensor, i: int, room: int) -> list[windows.Handle]:
    """The handle that is read by, if any."""
    at = windows.place(x)
    if at is None:
        source.file = -1
        return []
    source.file, source.place = at[0].number, at[1]
    source.room = max(windows.WINDOW, room)
    source.window = windows.window(i, source.room * x.element_size()).data_ptr()
    return [at[0]]


def uniform(draws: Draws, n: int, model: int | None = None) -> Tensor:
    """`draws.uniform` of n elements."""
    out = torch.empty(n, dtype=torch.float32)
    loaded().merger_uniform(out.data_ptr(), *draws.key(model), 0, n)
    return out
