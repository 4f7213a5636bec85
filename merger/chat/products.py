"""Matrix products of half-precision weights, on processors that have none of their own.

Without AVX-512 (most desktop processors; for float16 nearly all) torch multiplies half precision number by number, which takes
several times as long as converting the weights to float32, multiplying, and rounding. That is done here, a piece of the weights
at a time, so that no second copy of the model is held. Sums are in float32 either way, and are rounded once.
"""

import functools
from collections.abc import Iterator
from types import MethodType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PIECE = 1 << 19
"""Weights that are converted at once: 2 MB in float32, which a processor's own memory holds."""
_ROWS = 4
"""Rows are filled up to a multiple of this: by so many at a time each gives the same bits whatever stands beside it, where a
layer's inputs are a multiple of 4. Others with few outputs were seen to differ; merger/chat/reuse.py tries it first."""


@functools.cache
def slow(dtype: torch.dtype) -> bool:
    """Whether this processor multiplies numbers of this type one by one, as torch itself asks."""
    if dtype not in (torch.bfloat16, torch.float16):
        return False
    try:
        native = (
            torch.ops.mkldnn._is_mkldnn_bf16_supported if dtype == torch.bfloat16 else torch.ops.mkldnn._is_mkldnn_fp16_supported
        )
        return not native()
    except AttributeError:  # a torch that was built without, or that asks otherwise
        return False


def multiply_in_float32(module: nn.Module) -> None:
    """Let the linear layers of a module compute so where they are on a CPU for which their type is slow."""
    for part in module.modules():
        if type(part).forward is nn.Linear.forward:
            part.forward = MethodType(_forward, part)


def _forward(part: nn.Linear, given: Tensor) -> Tensor:
    weight = part.weight
    rows = given.numel() // max(1, given.shape[-1])
    # one row is quicker as it is: the weights are read once, and nothing is won by reading them twice
    if rows < 2 or weight.device.type != "cpu" or given.dtype != weight.dtype or not slow(weight.dtype):
        return F.linear(given, weight, part.bias)
    made = product(given.reshape(rows, -1), weight)
    bias = getattr(part, "bias", None)
    made = made if bias is None else made + bias.float()
    return made.to(weight.dtype).view(*given.shape[:-1], -1)


def product(given: Tensor, weight: Tensor) -> Tensor:
    """given (rows, k) times weight (n, k), both in half precision, as float32 (rows, n); gradients reach both."""
    if not torch.is_grad_enabled() or not (given.requires_grad or weight.requires_grad):
        return _multiplied(given, weight)  # a small model's products take no longer than the way into torch's autograd
    made: Tensor = _Product.apply(given, weight)
    return made


def _multiplied(given: Tensor, weight: Tensor) -> Tensor:
    rows, n, whole = given.shape[0], weight.shape[0], _filled(given)
    if weight.numel() <= _PIECE:
        return (whole @ weight.float().T)[:rows]
    made = whole.new_empty(whole.shape[0], n)
    for a, b, piece in _pieces(weight):
        made[:, a:b] = whole @ piece.T
    return made[:rows]


class _Product(torch.autograd.Function):
    """Keeps what it was given, not what it converted it to: a model's way back takes no more memory than torch's own."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, weight: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.save_for_backward(given, weight)
        return _multiplied(given, weight)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, Tensor | None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        given, weight = ctx.saved_tensors
        to_given = to_weight = None
        if ctx.needs_input_grad[0]:
            sums = slope.new_zeros(given.shape)
            for a, b, piece in _pieces(weight):
                sums.addmm_(slope[:, a:b], piece)
            to_given = sums.to(given.dtype)
        if ctx.needs_input_grad[1]:
            to_weight = (slope.T @ given.float()).to(weight.dtype)
        return to_given, to_weight


def _filled(given: Tensor) -> Tensor:
    """In float32, with rows of zeros up to a multiple of _ROWS."""
    rows, width = given.shape
    lacking = -rows % _ROWS
    if not lacking:
        return given.float()
    whole = torch.zeros(rows + lacking, width, dtype=torch.float32)  # whatever the default is while a model is built
    whole[:rows] = given
    return whole


def _pieces(weight: Tensor) -> Iterator[tuple[int, int, Tensor]]:
    """Rows of the weights from and to, and they in float32, in memory that the next piece uses again."""
    n, width = weight.shape
    step = max(1, _PIECE // max(1, width))
    if step >= n:
        yield 0, n, weight.float()
        return
    piece = torch.empty(step, width, dtype=torch.float32)
    for a in range(0, n, step):
        b = min(n, a + step)
        yield a, b, piece[: b - a].copy_(weight[a:b])
