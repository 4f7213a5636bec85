"""Which back end makes the passes over tensors: cpu.c on the CPU, Triton on a GPU. None: the methods' own torch functions."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from merger.kernels import build, cpu, devices, gpu
from merger.kernels.passes import Combine, Trim


class Backend(Protocol):
    """What both have; said of each function in cpu.py. Cuts are searched by cpu.kth in one delta, by gpu.search in several."""

    @property
    def MOST_MODELS(self) -> int: ...  # noqa: N802 - a constant of the modules
    @property
    def TRIMS(self) -> frozenset[str]: ...  # noqa: N802
    @property
    def OUTS(self) -> frozenset[torch.dtype]: ...  # noqa: N802
    def supports(self, tensors: Sequence[Tensor]) -> bool: ...
    def lengths(self, tensors: Sequence[Tensor], base: Tensor | None, trims: Sequence[Trim]) -> list[tuple[float, float]]: ...
    def ranked(self, tensors: Sequence[Tensor], base: Tensor | None, trims: Sequence[Trim]) -> list[Tensor]: ...
    def products(self, tensors: Sequence[Tensor], base: Tensor | None) -> Tensor: ...
    def combine(self, what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None, first: int = ...) -> None: ...


def backend(kind: str) -> Backend | None:
    """The one for a kind of device."""
    if kind in devices.GPUS:
        return gpu if gpu.available() else None
    return cpu if kind == "cpu" and build.available() else None
