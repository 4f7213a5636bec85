"""Before a GPU merges: one small tensor is merged there and compared with the CPU's. That compiles its kernels, too."""

import logging
import math
import threading
from collections.abc import Iterable

import torch
from torch import Tensor

from merger.engine import fused
from merger.engine.arguments import Argument, Arguments
from merger.engine.plan import Source, TensorJob
from merger.engine.tensor import merge_tensor
from merger.kernels import backend, gpu
from merger.kernels.devices import out_of_memory
from merger.methods import METHODS, Method
from merger.methods.ops import hashed, unwatched

log = logging.getLogger(__name__)
SHAPE = (96, 128)
WARMED = 2, 3, 4
"""How many models people merge."""
_proven: set[tuple[str, str, int]] = set()
"""Devices, methods and how many models there were."""
_proving = threading.Lock()


def prove(device: torch.device, methods: Iterable[str] | None = None, count: int = 2) -> None:
    """Merge a small tensor by these methods on a device, once in a process, and compare it with the CPU's bit for bit.

    methods  None: the one that does most: it searches, trims and lets vote
    count    of models, where a method takes so many: each of a few is compiled apart

    Where the kernels give other bits they are not used any more, and torch's own operations merge there: a warning says so.
    """
    if device.type == "cpu":
        return
    names = [_first()] if methods is None else methods
    for method in [METHODS[name] for name in names if name in METHODS]:
        with _proving:
            if _has_kernels(method) and (str(device), method.name, _models(method, count)) not in _proven:
                _compare(method, device, _models(method, count))


def warm(device: torch.device) -> None:
    """Prove all methods that have kernels, beside what else is done: compiling one takes a second or two."""
    names = [m.name for m in METHODS.values() if _has_kernels(m)]

    def work() -> None:
        for count in WARMED:
            prove(device, names, count)

    if device.type != "cpu" and backend.backend(device.type) is not None:
        threading.Thread(target=work, name="kernels", daemon=True).start()


def _has_kernels(method: Method) -> bool:
    return method.law.compiled and method.law.trim in gpu.TRIMS


def _first() -> str:
    return next(m.name for m in METHODS.values() if m.law.compiled and m.law.vote and m.law.trim == "largest")


def _models(method: Method, count: int) -> int:
    return max(method.models[0], min(count, method.models[1] or count))


def _compare(method: Method, device: torch.device, count: int) -> None:
    job, held = sample(method, count)
    truth = merge_tensor(job, lambda source: held[source.model], watch=unwatched)  # watched: by the method's function

    def differing() -> int:
        made = merge_tensor(job, lambda source: held[source.model].to(device), device, known=fused.Known()).cpu()
        return int((made.view(torch.int16) != truth.view(torch.int16)).sum())

    try:
        wrong = differing()
        if wrong and backend.backend(device.type) is gpu:
            gpu.distrust(f"{wrong} of {truth.numel()} elements of a small '{method.name}' merge were not the CPU's")
            wrong = differing()
        if wrong:
            log.warning(
                "%s: %d of %d elements of a small '%s' merge are not the CPU's. What is merged there may differ in its "
                "last bits; --device cpu gives the bits of every other machine.", device, wrong, truth.numel(), method.name,
            )  # fmt: skip
    except Exception as error:
        if out_of_memory(error):  # another time
            return
        log.warning("%s: a small '%s' merge could not be compared with the CPU's: %s", device, method.name, error)
    _proven.add((str(device), method.name, count))


def sample(method: Method, count: int = 2) -> tuple[TensorJob, dict[str, Tensor]]:
    """A small job of a method with its numbers between their ends, and its models by name, bfloat16. The same at every call."""
    count, n = _models(method, count), math.prod(SHAPE)
    base = hashed(n, 1, 2, torch.device("cpu")).sub_(0.5)
    held = {"base": base.to(torch.bfloat16).view(SHAPE)}
    for i in range(count):
        change = hashed(n, 3, i, torch.device("cpu")).sub_(0.5)
        held[f"model {i}"] = (base + 0.1 * change**3).to(torch.bfloat16).view(SHAPE)
    args: dict[str, Argument] = {}
    for param in method.params:
        low, high = param.slider
        low = low if math.isfinite(low) else 0.0
        between = low + 0.4 * (min(high, low + 1) - low)
        if param.per_model and param.kind not in ("choice", "bool"):
            args[param.name] = tuple(between + 0.1 * i for i in range(count))
        else:
            args[param.name] = between if param.default is None else param.default
    sources = tuple(Source(f"model {i}", "w") for i in range(count))
    own = Source("base", "w")
    if method.base == "first":
        sources = (own, *sources[1:])
    return TensorJob("w", sources, own, method.name, Arguments(args), SHAPE, torch.float32, torch.bfloat16, 0), held


__all__ = ["prove", "sample", "warm"]
