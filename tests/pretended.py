"""A pretended GPU: tensors that compute on the CPU, say they are elsewhere, refuse to be mixed, and are counted.

    with pretended.device(capacity=10_000_000) as gpu:      # "pretended:0" and "pretended:1" are devices of the engine now
        Session(Parents("pretended")).apply(recipe)
        gpu.used, gpu.peak                                   # bytes

A backend of torch's PrivateUse1 written in Python. What a real GPU does besides (streams, fragments of memory, Triton, rounding
that `device(cuda=True)` does not imitate) cannot be seen here; what is on which device, how long it is held and what happens when
memory runs out can.
"""

import contextlib
import functools
import threading
import weakref
from collections.abc import Generator
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor

from merger.kernels import devices, gpu

NAME = "pretended"
COUNT = 2
"""Devices of that name."""
CPU = torch.device("cpu")
MIXES = frozenset({"aten::copy_", "aten::_to_copy", "aten::index", "aten::index_put_", "aten::is_same_size"})
"""Operations that may take tensors of the device and of the CPU at once, as CUDA's may."""


class Ledger:
    """What lies on the device. capacity: bytes; beyond them allocating raises what CUDA raises."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.blocks: weakref.WeakValueDictionary[int, Block] = weakref.WeakValueDictionary()
        self.begin()

    def begin(self, capacity: int | None = None, float64: bool = True, cuda: bool = False) -> None:
        """Start anew. float64: whether the device has it; Apple's have not. cuda: whether it rounds as CUDA does."""
        self.capacity, self.float64, self.cuda = capacity, float64, cuda
        self.used = self.peak = 0
        self.epoch = object()
        """What was there before, as a failed test's tensors, is not counted."""
        self.blocks.clear()
        self.refused = self.emptied = 0
        self.current: list[int] = []

    def block(self, inner: Tensor) -> "Block":
        """The block behind a tensor: one for all views of the same memory."""
        storage = inner.untyped_storage()
        with self.lock:
            found = self.blocks.get(storage._cdata)
            if found is None:
                if self.capacity is not None and self.used + storage.nbytes() > self.capacity:
                    self.refused += 1
                    free = self.capacity - self.used
                    raise torch.OutOfMemoryError(
                        f"CUDA out of memory. Tried to allocate {storage.nbytes()} bytes; {free} bytes are free (pretended)."
                    )
                found = self.blocks[storage._cdata] = Block(self, storage.nbytes())
            return found

    def reset_peak(self) -> None:
        """From now on the peak counts anew."""
        self.peak = self.used


class Block:
    """A piece of the device's memory, as long as a tensor lies in it."""

    def __init__(self, ledger: Ledger, nbytes: int) -> None:
        self.ledger, self.nbytes, self.epoch = ledger, nbytes, ledger.epoch
        ledger.used += nbytes
        ledger.peak = max(ledger.peak, ledger.used)

    def __del__(self) -> None:
        with self.ledger.lock:
            if self.ledger.epoch is self.epoch:
                self.ledger.used -= self.nbytes


LEDGER = Ledger()


class Pretended(Tensor):
    """A tensor on the device; `inner` holds its numbers on the CPU."""

    inner: Tensor
    place: torch.device
    block: Block

    @staticmethod
    def __new__(cls: type["Pretended"], inner: Tensor, device: torch.device) -> "Pretended":
        if not LEDGER.float64 and inner.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64.")
        block = LEDGER.block(inner)
        made: Pretended = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype, device=device
        )
        made.inner, made.place, made.block = inner, device, block
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def tolist(self) -> Any:
        """Torch refuses to list a class made in Python."""
        return self.inner.tolist()

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"Pretended({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


@functools.cache
def _writes(func: Any) -> tuple[int, str] | None:
    """Place and name of the first argument that an operation writes to, and gives back."""
    for i, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            return i, argument.name
    return None


def _run(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """An operation: on the CPU, with its results where they belong."""
    places: set[torch.device] = set()
    mixed, asked = False, None

    def plain(value: Any) -> Any:
        nonlocal mixed, asked
        if isinstance(value, Pretended):
            places.add(value.place)
            return value.inner
        if isinstance(value, Tensor):
            mixed |= value.dim() > 0
        elif isinstance(value, torch.device):
            asked = value
            return CPU
        elif isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return value

    given = [plain(value) for value in args]
    named = {key: plain(value) for key, value in kwargs.items() if key != "pin_memory"}
    if len(places) > 1 or (places and mixed and func._schema.name not in MIXES):
        raise RuntimeError(f"Expected all tensors to be on the same device, but found {places} and others ({func}).")
    if LEDGER.cuda and places:
        out = _as_cuda(func, given, named, [isinstance(value, Pretended) for value in args])
    else:
        out = func(*given, **named)
    written = _writes(func)
    if written and isinstance(out, Tensor):
        return args[written[0]] if written[0] < len(args) else kwargs[written[1]]
    place = asked if asked is not None else next(iter(places), CPU)
    return out if place.type != NAME else _wrapped(out, torch.device(NAME, place.index or 0))


def _as_cuda(func: Any, given: list[Any], named: dict[str, Any], there: list[bool]) -> Any:
    """An operation as CUDA's kernels round it where that is otherwise. there: which of the arguments lie on the device.

    A number that does not divides by its reciprocal, a product and a sum in one operation are rounded once, and sums over
    elements run in an order of their own.
    """
    name, x = func._schema.name.removeprefix("aten::"), given[0] if given else None
    if not isinstance(x, Tensor) or not x.is_floating_point():
        return func(*given, **named)
    if name in ("div", "div_") and not named and not there[1]:
        return (x.mul_ if name == "div_" else x.mul)(1 / torch.as_tensor(given[1], dtype=x.dtype))
    if name in ("add", "sub", "addcmul", "lerp") and x.dtype == torch.float32 and (named or name in ("addcmul", "lerp")):
        wide = [value.double() if isinstance(value, Tensor) else value for value in given]
        return func(*wide, **named).to(x.dtype)
    if name in ("sum", "mean") and x.dim():
        along = given[1] if len(given) > 1 and given[1] else range(x.dim())
        return func(x.flip(*along), *given[1:], **named)
    return func(*given, **named)


def _wrapped(value: Any, place: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value if isinstance(value, Pretended) else Pretended(value, place)
    return type(value)(_wrapped(item, place) for item in value) if type(value) in (list, tuple) else value


class Module:
    """What torch.cuda is to CUDA, as far as it is asked."""

    OutOfMemoryError = torch.OutOfMemoryError

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None: ...

    def device_count(self) -> int:
        return COUNT

    def current_device(self) -> int:
        return LEDGER.current[-1] if LEDGER.current else 0

    @contextlib.contextmanager
    def device(self, which: Any) -> Generator[None]:
        LEDGER.current.append(torch.device(which).index or 0)
        try:
            yield
        finally:
            LEDGER.current.pop()

    def mem_get_info(self, device: Any = None) -> tuple[int, int]:
        whole = LEDGER.capacity or 1 << 40
        return whole - LEDGER.used, whole

    def memory_reserved(self, device: Any = None) -> int:
        return LEDGER.used

    def memory_allocated(self, device: Any = None) -> int:
        return LEDGER.used

    def empty_cache(self) -> None:
        LEDGER.emptied += 1


_kept: list[Any] = []


def register() -> bool:
    """Once in a process, and before its first backward pass: torch counts devices there, and none that come later. False where
    this torch has no backends written in Python."""
    if _kept:
        return True
    try:
        from torch.utils import backend_registration as backend
    except ImportError:
        return False
    if not hasattr(backend, "_setup_privateuseone_for_python_backend"):
        return False
    backend._setup_privateuseone_for_python_backend(NAME, backend_module=Module())
    library = torch.library.Library("_", "IMPL")
    library.fallback(lambda func, *args, **kwargs: _run(func, args, kwargs), "PrivateUse1")
    aten = torch.library.Library("aten", "IMPL", "PrivateUse1")  # torch.tensor() copies where Python's dispatch is shut off
    aten.impl("copy_", lambda into, source, non_blocking=False: _run(torch.ops.aten.copy_.default, (into, source), {}))
    _kept.extend((library, aten))
    return True


@contextlib.contextmanager
def device(capacity: int | None = None, float64: bool = True, cuda: bool = False, merges: bool = True) -> Generator[Ledger]:
    """The device, as one the engine merges on, without Triton. Skips the test where this torch cannot.

    merges  False: models are only heard on it, as on Apple's
    """
    if not register():
        pytest.skip("this torch has no backends written in Python")
    LEDGER.begin(capacity, float64, cuda)
    before = devices.GPUS, devices.SPEAKERS
    devices.GPUS, devices.SPEAKERS = before[0] | ({NAME} if merges else set()), before[1] | (set() if merges else {NAME})
    try:
        with mock.patch.object(gpu, "_kernels", lambda: None):
            yield LEDGER
    finally:
        devices.GPUS, devices.SPEAKERS = before
        LEDGER.begin()
