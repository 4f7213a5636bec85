"""The passes of cpu.c on a GPU: the same numbers and bits, for tensors that stay in the device's memory.

A merge is one launch for a tensor, written in Triton (triton.py), which torch for CUDA brings along. Where Triton is missing or
fails there are no passes, and the method's own torch function merges on the GPU, with the same bits and more memory.
"""

import functools
import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from merger.kernels.devices import current, out_of_memory
from merger.kernels.magnitudes import STRETCH, kth, ladder, parts, products, sizes
from merger.kernels.passes import ADDED, ALL, ALONE, Combine, Trim
from merger.limits import RECIPE_MODELS
from merger.methods.ops import total_of

MOST_MODELS = RECIPE_MODELS
TRIMS = frozenset({"all", "largest", "middle", "random"})
"""Trims of laws that the kernel does; ranks in rows it does not."""
_BLOCK = 1024
_DTYPES = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2}
log = logging.getLogger(__name__)


class TritonError(Exception):
    """A launch failed: there are no passes any more, and the job is to be done without."""


def available() -> bool:
    """Whether Triton is there, as far as is known before its first launch."""
    return _kernel() is not None


def supports(tensors: Sequence[Tensor]) -> bool:
    """Whether these tensors can be given to the passes."""
    return len(tensors) <= MOST_MODELS + 1 and all(t.dtype in _DTYPES for t in tensors)


def combine(what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None, first: int = 0) -> None:
    """As `cpu.combine`. TritonError where Triton does not work here; torch's own error where memory runs out."""
    kernel = _kernel()
    if kernel is None:
        raise TritonError
    try:
        with current(out.device):
            _launch(kernel, what, out, tensors, base, first)
    except Exception as error:
        if out_of_memory(error):
            raise
        _give_up(error)  # Triton compiles at its first launch: that may fail for anything
        raise TritonError from error


def lengths(x: Tensor, base: Tensor | None, trim: Trim) -> tuple[float, float]:
    """As `cpu.lengths`."""
    n = x.numel()
    room = torch.empty(min(n, STRETCH), dtype=torch.float32, device=x.device)
    alone = Combine(ALONE, (1.0,), (trim,), add_base=False)

    def trimmed(part: slice) -> Tensor:
        made = room[: part.stop - part.start]
        combine(alone, made, [x], base, part.start)
        return made.abs_()

    before = total_of((sizes(x, base, part) for part in parts(n)), n)
    return float(before), float(total_of((trimmed(part) for part in parts(n)), n))


def _launch(kernel: Any, what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None, first: int) -> None:
    """Tables of the models, and one launch."""
    order, n = what.order(len(tensors)), out.numel()
    trims = [what.trims[i] if what.trims else ALL for i in order]
    words = [[tensors[i].data_ptr(), _DTYPES[tensors[i].dtype], t.kind, *t.key] for i, t in zip(order, trims, strict=True)]
    words.append([0] * 5 if base is None else [base.data_ptr(), _DTYPES[base.dtype], 0, 0, 0])
    numbers = [
        [what.weights[i], t.low, t.low_room, t.high, t.high_room, t.density, t.scale, t.divide]
        for i, t in zip(order, trims, strict=True)
    ]
    kernel[(-(-n // _BLOCK),)](
        out, torch.tensor(words, device=out.device), torch.tensor(numbers, dtype=torch.float32, device=out.device), len(order),
        n, first, what.rest, what.divide, what.scale, what.depth, what.least,
        MODE=what.mode, BASE=base is not None, ADD=what.add_base and base is not None, NORMALIZE=what.normalize,
        DIVIDE=what.mode == ADDED and what.divide != 1, ALIGNED=all(row[0] % 16 == 0 for row in words), BLOCK=_BLOCK,
        enable_fp_fusion=False,  # the same bits as the CPU: no fused multiply-add
    )  # fmt: skip


_failed: list[str] = []
"""Why there are no launches any more, once one has failed."""


def _give_up(error: BaseException) -> None:
    """Say once, in words, that Triton does not work."""
    reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
    _failed.append(reason)
    _kernel.cache_clear()
    log.warning("Triton does not work here, so torch's own operations merge on the GPU, to the same bits: %s", reason)


@functools.cache
def _kernel() -> Any:
    """The kernel; None where there is no Triton, or it does not work."""
    if _failed:
        return None
    try:
        from merger.kernels import triton

        return triton.merged
    except ImportError:
        return None
    except Exception as error:  # another version's, or it finds no driver
        _give_up(error)
        return None


__all__ = [
    "MOST_MODELS", "STRETCH", "TRIMS", "TritonError", "available", "combine", "kth", "ladder", "lengths", "products", "supports",
]  # fmt: skip
