"""Triton without a GPU: the kernel in Triton's interpreter, on the CPU's memory, and compiled offline for GPUs that are not here.

Both are the same file, read once with TRITON_INTERPRET=1 and once without: Triton looks at it where a function is decorated.
"""

import contextlib
import importlib
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

from merger.kernels import backend, gpu, magnitudes

if importlib.util.find_spec("triton") is None:
    sys.path.append(str(Path(__file__).parent.parent / ".cache/triton"))  # where make puts it
FILE = Path(gpu.__file__).with_name("triton.py")
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="no Triton here: `make gpu-dry` fetches it where there is one (Linux on x86)",
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
        importlib.import_module("triton.language")  # its own functions, as `sum`, are to be compiled: both ways take them so
        if interpreted:
            os.environ["TRITON_INTERPRET"] = "1"
        spec.loader.exec_module(made)
    return made


WHERE = [pytest.param("cpu", marks=needs_triton), pytest.param("cuda", marks=pytest.mark.gpu)]
"""Where the kernels run: in the interpreter, and on a GPU where there is one."""


def running(where: str) -> contextlib.AbstractContextManager[Any]:
    """gpu.py with the kernels for tensors that lie there."""
    return interpreting() if where == "cpu" else contextlib.nullcontext(gpu)


@contextlib.contextmanager
def interpreting() -> Iterator[Any]:
    """While this lasts, tensors of the CPU are merged as a GPU's are: by gpu.py, the interpreter being the GPU."""
    kernels = module(True)
    with (
        mock.patch.object(gpu, "_kernels", lambda: kernels),
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
    constants = {
        "MODE": MODES[mode], "BASE": based, "ADD": based and mode not in ("mixed", "alone"), "NORMALIZE": mode == "elected",
        "DIVIDE": mode == "added", "ALIGNED": aligned, "BLOCK": 1024, "DTYPE": 1 if aligned else -1,
        "MODELS": {"added": 3, "elected": 2, "mixed": 0, "alone": 1}[mode] if aligned else 0, "WIDE": not aligned,
    }  # fmt: skip
    plain = {
        "out": f"*{out}",
        "words": "*i64",
        "numbers": "*fp32",
        "models": "i32",
        **dict.fromkeys(("n", "first"), "i32" if aligned else "i64"),
    }
    return _asm(target, "merged", constants, plain, aligned)


SEARCHES = ("counted", "reached", "summed", "dotted", "totalled", "ranked")


def searching(target: str, which: str) -> dict[str, Any]:
    """The code of a kernel that looks at tensors, likewise."""
    plain = {
        "counts": "*i32", "sums": "*fp64", "words": "*i64", "asked": "*i64", "numbers": "*fp32", "models": "i32", "n": "i64",
        "questions": "i32", "tables": "i32", "groups": "i32", "masks": "*i32", "found": "*i64", "picks": "*i64",
        "totals": "*fp64", "into": "i32", "line_sums": "*i32", "limits": "*i32", "length": "i32",
        **dict.fromkeys(("rows", "row", "chunks", "parts", "levels"), "i32"),
    }  # fmt: skip
    block = gpu._RANKED if which == "ranked" else gpu._BLOCK
    warps = gpu._WARPS if which == "ranked" else 4
    constants = {
        "BASE": True, "ALIGNED": True, "BLOCK": block, "DTYPE": 1, "CELLS": magnitudes.CELLS,
        "ROWS": magnitudes.CELLS // magnitudes.ROW, "ROW": magnitudes.ROW,
    }  # fmt: skip
    return _asm(target, which, constants, plain, True, warps)


def _asm(
    target: str, which: str, constants: dict[str, Any], plain: dict[str, str], aligned: bool, warps: int = 4
) -> dict[str, Any]:
    """The stages of a kernel's code. plain: the types of its arguments, float32 where none stands."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    kernel = getattr(module(False), which)
    given = {name: value for name, value in constants.items() if name in kernel.arg_names}
    signature = {name: "constexpr" if name in given else plain.get(name, "fp32") for name in kernel.arg_names}
    even = {name for name, kind in plain.items() if kind.startswith("*") or (aligned and name in ("n", "first"))}
    divisible = {(i,): [["tt.divisibility", 16]] for i, name in enumerate(kernel.arg_names) if name in even}
    source = ASTSource(fn=kernel, signature=signature, constexprs=given, attrs=divisible)
    options = {"enable_fp_fusion": False, "num_warps": warps}
    return dict(triton.compile(source, target=GPUTarget(*TARGETS[target]), options=options).asm)
