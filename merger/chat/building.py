"""Modules of transformers are built without memory for their parameters, and without other threads noticing."""

import contextlib
import threading
from collections.abc import Callable, Generator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_BUILDING = threading.RLock()
"""Held while a module is built: what that takes of torch's is set for all threads. Answers, arrows and Improve load models by
themselves."""


@contextlib.contextmanager
def building() -> Generator[None]:
    """Modules built inside, by this thread, have parameters without memory (meta); buffers, which no file holds, are real.

    transformers sets the process's default type to the model's meanwhile, so that every number that another thread makes just
    then, of a merge or a score, would be rounded to half precision. Here it is this thread's alone.
    """
    import transformers.modeling_utils as theirs

    with _BUILDING, _weightless(), contextlib.ExitStack() as stack:
        if hasattr(theirs, "local_torch_dtype"):
            stack.enter_context(_replaced(theirs, "local_torch_dtype", _typed))
        yield


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: object) -> Generator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def _weightless() -> Generator[None]:
    original, mine = nn.Module.register_parameter, threading.get_ident()

    def without_memory(self: nn.Module, name: str, param: nn.Parameter | None) -> None:
        original(self, name, param)
        if param is not None and threading.get_ident() == mine:
            original(self, name, nn.Parameter(param.to("meta"), requires_grad=False))

    with _replaced(nn.Module, "register_parameter", without_memory):
        yield


@contextlib.contextmanager
def _typed(dtype: torch.dtype, *_: Any) -> Generator[None]:
    """As transformers' own context, for this thread alone."""
    if not dtype.is_floating_point:
        raise ValueError(f"{dtype} is no type of a model's numbers")
    with _BUILDING:  # also for a module that another thread builds without `building`: its end may come later
        default, normal, mine = torch.get_default_dtype, torch.normal, threading.get_ident()

        def told() -> torch.dtype:
            return dtype if threading.get_ident() == mine else default()

        def drawn(*given: Any, **more: Any) -> Tensor:  # torch lets no mode see this one
            return _rounded(normal(*given, **more), default(), told() if more.get("dtype") is None else default())

        with _replaced(torch, "get_default_dtype", told), _replaced(torch, "normal", drawn), _Typed(default(), dtype):
            yield


class _Typed(TorchFunctionMode):
    """What this thread makes without saying of which type has this one, as if it were the default."""

    def __init__(self, default: torch.dtype, dtype: torch.dtype) -> None:
        super().__init__()
        self.default, self.dtype = default, dtype

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = dict(kwargs or {})
        if func in _MAKE and given.get("dtype") is None:
            return func(*args, **{**given, "dtype": self.dtype})
        made = func(*args, **given)
        if not isinstance(made, Tensor) or made.dtype != self.default or func in _SAY or given.get("dtype") is not None:
            return made
        known = [one.dtype for one in (*args, *given.values()) if hasattr(one, "dtype")]
        if any(isinstance(one, torch.dtype) for one in args) or any(kind not in _WHOLE for kind in known):
            return made  # its type was told, or is that of what it is made of
        return _rounded(made, self.default, self.dtype) if known or func in _OF_NUMBERS else made


_MAKE: frozenset[Callable[..., Any]] = frozenset({
    torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn, torch.linspace, torch.logspace, torch.eye,
})  # fmt: skip
"""They make numbers of the default type."""
_OF_NUMBERS: frozenset[Callable[..., Any]] = frozenset({
    torch.tensor, torch.as_tensor, torch.full, torch.arange, torch.scalar_tensor, torch.hann_window,
})  # fmt: skip
"""They do of Python's own fractions; all others, where whole numbers become fractions."""
_SAY: frozenset[Callable[..., Any]] = frozenset({torch.Tensor.float, torch.Tensor.type, torch.Tensor.to, torch.Tensor.type_as})
"""They are told a type."""
_WHOLE = frozenset({torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64})


def _rounded(made: Tensor, default: torch.dtype, dtype: torch.dtype) -> Tensor:
    return made.to(dtype) if made.dtype == default else made
