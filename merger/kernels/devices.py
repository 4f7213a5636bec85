"""Devices that compute: which there are, how much memory they have left, and what is done when it runs out."""

import contextlib
import ctypes
import gc
import os
import re
from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import Any, TypeVar

import torch
from torch import Tensor

from merger.errors import MergeError, OutOfMemory

T = TypeVar("T")
GPUS: frozenset[str] = frozenset({"cuda"})
"""Kinds of device that merge and speak, beside the CPU."""
SPEAKERS: frozenset[str] = frozenset({"mps"})
"""Kinds that only speak. Merging adds up in float64, which Apple's GPUs do not have: for them the CPU merges, to its bits."""
_NEEDS = {
    "cuda": ("CUDA device", lambda: torch.cuda.is_available()),
    "mps": ("Apple GPU", lambda: torch.backends.mps.is_available()),
}


def pick_device(name: str, elsewhere: bool = False) -> torch.device:
    """The device that merges where `cpu`, `cuda`, `cuda:1` or `mps` is asked for; MergeError when this machine has none.

    elsewhere  it is another machine's
    """
    device = speaking_device(name, elsewhere)
    return torch.device("cpu") if device.type in SPEAKERS else device


def speaking_device(name: str, elsewhere: bool = False) -> torch.device:
    """The device whose memory merged models are heard and judged in, likewise."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise MergeError(f"{name!r} is not a device; write cpu, cuda or mps.") from None
    if device.type not in {"cpu"} | GPUS | SPEAKERS:
        raise MergeError(f"{name!r} is not supported; write cpu, cuda or mps.")
    if elsewhere:
        return device
    what, there = _NEEDS.get(device.type, ("", lambda: True))
    if not there():
        raise MergeError(f"--device {name}: this machine or this torch build has no {what}; use --device cpu.")
    count = 1 if device.type == "cpu" else int(_module(device).device_count())
    if (device.index or 0) >= count:
        have = f"{device.type}:0" if count == 1 else f"{device.type}:0 to {device.type}:{count - 1}"
        raise MergeError(f"--device {name}: this machine has {'cpu' if device.type == 'cpu' else have}.")
    return device


def best_device() -> str:
    """cuda where there is one, else cpu. Not mps, which nobody has tried: it is to be asked for."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def gpu_memory(name: str = "cuda") -> int:
    """Bytes of a CUDA device, 0 where there is none or the CPU is named."""
    return int(torch.cuda.mem_get_info(name)[1]) if name.startswith("cuda") and torch.cuda.is_available() else 0


def _module(device: torch.device) -> Any:
    """torch.cuda, or what is to another kind of device what torch.cuda is to CUDA; an object without anything elsewhere."""
    return getattr(torch, device.type, None) if device.type != "cpu" else None


def memory(device: torch.device) -> tuple[int, int] | None:
    """Bytes of a GPU that can be taken now, and that this process could take if it let go of all it has; None: unknown."""
    module = _module(device)
    if module is None or not hasattr(module, "mem_get_info"):
        return None
    free, _ = module.mem_get_info(device)
    reserved, used = (int(getattr(module, f"memory_{what}")(device)) for what in ("reserved", "allocated"))
    return int(free) + reserved - used, int(free) + reserved  # the allocator keeps what was let go of for the next tensor


@contextlib.contextmanager
def current(device: torch.device) -> Generator[None]:
    """While this lasts the device is the one that launches go to: cuda:1 is not just because its tensors lie there."""
    guard = getattr(_module(device), "device", None)
    with contextlib.nullcontext() if guard is None else guard(device):
        yield


def uploaded(x: Tensor, device: torch.device, name: str) -> Tensor:
    """A tensor on a device. MergeError where the device has no numbers of its type."""
    if device.type in SPEAKERS and x.dtype == torch.float64:
        raise MergeError(f"{name} is in float64, which {device} does not have; use --device cpu, or write dtype: float32.")
    return x.to(device)


def waiting(x: Tensor, device: torch.device) -> Tensor:
    """A tensor of the CPU as it goes to a device fastest: in memory that the system does not move, where CUDA has such."""
    return x.pin_memory() if device.type == "cuda" else x


def empty_cache(device: torch.device) -> None:
    """Give back what no tensor uses any more, also where tensors that nobody holds still hold each other."""
    gc.collect()
    empty = getattr(_module(device), "empty_cache", None)
    if empty is not None:
        empty()


def give_back() -> None:
    """Memory that nothing uses any more goes back to the system, which the C library alone would keep: a stack that was heard."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


_WORDS = re.compile(r"out of memory|ALLOC_FAILED|can't allocate memory", re.IGNORECASE)


def out_of_memory(error: BaseException | None) -> bool:
    """Whether an error says that a device's or the machine's memory ran out. Libraries below torch say so in words only.

    >>> out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate")), out_of_memory(None)
    (True, False)
    """
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and _WORDS.search(str(error)) is not None


class Attempt:
    """One try, as the block of a `with`. short: memory ran out in it; then what follows the block goes on."""

    def __init__(self) -> None:
        self.short = False

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        self.short = out_of_memory(error)
        return self.short  # here the error ends, and with it what its traceback holds of the device's memory


def attempts(device: torch.device, release: Callable[[], None], words: Callable[[], str]) -> Iterator[Attempt]:
    """Try something up to twice: `for attempt in attempts(...): with attempt: ...`.

    release  frees what can be made again: called after each try that ran out of memory
    words   what to tell after the second one, as OutOfMemory
    """
    for _ in range(2):
        attempt = Attempt()
        yield attempt
        if not attempt.short:
            return
        release()
        empty_cache(device)
    raise OutOfMemory(words())


def tried(do: Callable[[], T], device: torch.device, release: Callable[[], None], words: Callable[[], str]) -> T:
    """What `do` gives, in up to two attempts."""
    for attempt in attempts(device, release, words):
        with attempt:
            return do()
    raise AssertionError("attempts end with a result or an error")


__all__ = [
    "GPUS", "SPEAKERS", "Attempt", "attempts", "best_device", "current", "empty_cache", "give_back", "gpu_memory", "memory",
    "out_of_memory", "pick_device", "speaking_device", "tried", "uploaded", "waiting",
]  # fmt: skip
