"""The Triton kernel without a GPU: compiled offline for GPUs that are not here, and its code looked through.

Its bits are held to the law by test_conformance.py. `make gpu-dry` fetches Triton and compiles every variant (TRITON_ALL=1).
"""

import itertools
import os
import re
from pathlib import Path

import pytest
import torch
from tritons import MODES, TARGETS, compiled, interpreting, needs_triton

from merger.kernels import cpu, magnitudes, passes
from merger.kernels.build import available

pytestmark = needs_triton
ALL = [
    *(
        one
        for one in itertools.product(TARGETS, MODES, ("bf16", "fp16", "fp32"), (True,), (True,))
        if (TARGETS[one[0]][0], one[2]) != ("hip", "fp16")  # see gpu.OUTS
    ),
    *itertools.product(TARGETS, MODES, ("bf16",), (False,), (True, False)),
]
SAMPLE = [
    ("sm_80", "elected", "bf16", True, True),
    ("sm_120", "mixed", "fp32", True, False),
    ("gfx942", "added", "bf16", True, True),
]
ROUNDED_OTHERWISE = re.compile(r"\b(?:fma|mad\.f|mad\.rn|div\.(?:full|approx)|sqrt\.approx|rcp\.approx|\w+(?:\.\w+)*\.ftz)\b")
"""Instructions of PTX that give other bits than the CPU: products and sums in one, approximations, the smallest numbers as 0."""
LOOSE = re.compile(r"llvm\.fma|llvm\.fmuladd|\b(?:fast|contract|afn|arcp|reassoc|nnan|ninf|nsz) float")


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of compiled kernels of this test's own: nothing is taken from an earlier version."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize(("target", "mode", "out", "aligned", "based"), ALL if os.environ.get("TRITON_ALL") else SAMPLE)
def test_it_compiles_to_what_the_cpu_computes(target: str, mode: str, out: str, aligned: bool, based: bool) -> None:
    code = compiled(target, mode, out, aligned, based)
    assert "fmul float" in code["llir"] or "fmul <" in code["llir"] or mode == "alone"
    assert not LOOSE.findall(code["llir"])
    if "ptx" in code:
        assert "mul.rn.f32" in code["ptx"] and not ROUNDED_OTHERWISE.findall(code["ptx"])
        assert ("ld.global.v4" in code["ptx"]) == aligned  # 16 bytes at once
        assert len(code["cubin"]) > 1000
    else:
        assert ".amdhsa_float_denorm_mode_32 3" in code["amdgcn"]  # the smallest numbers stay
        assert mode != "mixed" or not re.search(r"\bv_(?:fma|mad|mac|fmac)", code["amdgcn"])  # others divide by a series of them
        assert len(code["hsaco"]) > 1000


def test_the_searches_find_something() -> None:
    bad = "fma.rn.f32 %f1; div.full.f32 %f2; mul.ftz.f32 %f3; add.rn.ftz.f32 %f4; mad.rn.f32 %f5;"
    assert len(ROUNDED_OTHERWISE.findall(bad)) == 5 and not ROUNDED_OTHERWISE.findall("mad.lo.s32; div.rn.f32; mul.rn.f32")
    assert LOOSE.findall("%1 = fmul contract float %a, %b") and not LOOSE.findall("%1 = fmul float %a, %b")


@pytest.mark.skipif(not available(), reason="no C compiler here")
@pytest.mark.parametrize("trim", [passes.random((1, 2), 0.3), passes.cut((3, 4), (0.01, 0.5)), passes.NONE])
def test_lengths_do_not_depend_on_stretches(trim: passes.Trim, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = torch.Generator().manual_seed(0)
    base = torch.randn(70_001, generator=chance).bfloat16()
    x = (base + 0.02 * torch.randn(70_001, generator=chance)).bfloat16()
    truth = cpu.lengths(x, base, trim)
    for stretch in (1 << 14, 1 << 22):
        monkeypatch.setattr(magnitudes, "STRETCH", stretch)
        with interpreting() as gpu:
            monkeypatch.setattr(gpu, "STRETCH", stretch)
            assert gpu.lengths(x, base, trim) == truth
