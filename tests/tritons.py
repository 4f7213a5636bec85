"""Triton without a GPU: the kernel in Triton's interpreter, on the CPU's memory, and compiled offline for GPUs that are not here.

Both are the same file, read once with TRITON_INTERPRET=1 and once without: Triton looks at it where a function is decorated.
"""

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest

from merger.kernels import backend, gpu

FILE = Path(gpu.__file__).with_name("triton.py")
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="no Triton here: `make gpu-dry` fetches it for these tests"
)


@cache
def module(interpreted: bool) -> ModuleType:
    """The kernel's file, for the interpreter or for compiling."""
    name = f"merger.kernels.triton_{'interpreted' if interpreted else 'compiled'}"
    spec = importlib.util.spec_from_file_location(name, FILE)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made  # Triton asks for the source
    with mock.patch.dict(os.environ):
        os.environ.pop("TRITON_INTERPRET", None)
        if interpreted:
            os.environ["TRITON_INTERPRET"] = "1"
        spec.loader.exec_module(made)
    return made


@contextlib.contextmanager
def interpreting() -> Iterator[Any]:
    """While this lasts, tensors of the CPU are merged as a GPU's are: by gpu.py, the interpreter being the GPU."""
    kernel: Any = module(True).merged
    with (
        mock.patch.object(gpu, "_kernel", lambda: kernel),
        mock.patch.object(backend, "backend", lambda _: gpu),
        mock.patch.dict(os.environ, TRITON_INTERPRET="1"),
    ):
        yield gpu


MODES = {"added": 0, "elected": 1, "mixed": 2, "alone": 3}
TARGETS = {
    "sm_75": ("cuda", 75, 32), "sm_80": ("cuda", 80, 32), "sm_90": ("cuda", 90, 32), "sm_120": ("cuda", 120, 32),
    "gfx942": ("hip", "gfx942", 64), "gfx1100": ("hip", "gfx1100", 32),
}  # fmt: skip


def compiled(target: str, mode: str, out: str, aligned: bool = True, based: bool = True) -> dict[str, Any]:
    """The code of one variant of the kernel for a GPU that is not here: its stages by name (ptx and cubin, or amdgcn and hsaco).

    out      fp32, bf16 or fp16: type of the merged tensor
    aligned  as gpu.py calls it for tensors at addresses, and of a count, that 16 divides
    """
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    constants = {
        "MODE": MODES[mode], "BASE": based, "ADD": based and mode not in ("mixed", "alone"), "NORMALIZE": mode == "elected",
        "DIVIDE": mode == "added", "ALIGNED": aligned, "BLOCK": 1024,
    }  # fmt: skip
    plain = {"out": f"*{out}", "words": "*i64", "numbers": "*fp32", "models": "i32", "n": "i64", "first": "i64"}
    kernel = module(False).merged
    signature = {name: "constexpr" if name in constants else plain.get(name, "fp32") for name in kernel.arg_names}
    divisible = {(i,): [["tt.divisibility", 16]] for i, n in enumerate(kernel.arg_names) if n in ("out", "words", "numbers")}
    if aligned:
        divisible |= {(i,): [["tt.divisibility", 16]] for i, n in enumerate(kernel.arg_names) if n in ("n", "first")}
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=divisible)
    return dict(triton.compile(source, target=GPUTarget(*TARGETS[target]), options={"enable_fp_fusion": False}).asm)
