"""The Triton kernel without a GPU: compiled offline for GPUs that are not here, and its code looked through.

Its bits are held to the law by test_conformance.py. `make gpu-dry` fetches Triton and compiles every variant (TRITON_ALL=1).
"""

import itertools
import math
import os
import re
from pathlib import Path

import pytest
import torch
from test_kernels import job
from tritons import MODES, SEARCHES, TARGETS, WHERE, compiled, interpreting, needs_triton, running, searching

from merger.engine import fused
from merger.kernels import cpu, passes
from merger.kernels.build import available

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


@needs_triton
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


ADDS = {
    **dict.fromkeys(("counted", "ranked"), (r"(?:red|atom)\.[\w.]*add\.[su]32", "_atomic_add")),
    "reached": (r"add\.s64", "v_add"),
    **dict.fromkeys(("summed", "dotted", "totalled"), (r"add(?:\.rn)?\.f64", "v_add_f64")),
}
"""How each brings together what programs find, in PTX and in AMD's instructions."""


@needs_triton
@pytest.mark.parametrize("which", SEARCHES)
@pytest.mark.parametrize("target", list(TARGETS) if os.environ.get("TRITON_ALL") else ["sm_90", "gfx942"])
def test_what_looks_at_tensors_compiles(target: str, which: str) -> None:
    """It counts and marks by whole numbers in memory, and adds up in float64, neither fused nor rounded otherwise."""
    code = searching(target, which)
    assert not LOOSE.findall(code["llir"])
    if "ptx" in code:
        assert not ROUNDED_OTHERWISE.findall(code["ptx"])
        assert re.search(ADDS[which][0], code["ptx"]) and (
            which not in ("counted", "summed", "dotted") or "ld.global.v" in code["ptx"]
        )
    else:
        assert not re.search(r"\bv_(?:fma|mad|mac|fmac)_f64", code["amdgcn"]) and len(code["hsaco"]) > 1000
        assert ADDS[which][1] in code["amdgcn"]
        assert which != "ranked" or not re.search(r"spill_count: [1-9]", code["amdgcn"])


def test_the_searches_find_something() -> None:
    bad = "fma.rn.f32 %f1; div.full.f32 %f2; mul.ftz.f32 %f3; add.rn.ftz.f32 %f4; mad.rn.f32 %f5;"
    assert len(ROUNDED_OTHERWISE.findall(bad)) == 5 and not ROUNDED_OTHERWISE.findall("mad.lo.s32; div.rn.f32; mul.rn.f32")
    assert LOOSE.findall("%1 = fmul contract float %a, %b") and not LOOSE.findall("%1 = fmul float %a, %b")


@pytest.mark.skipif(not available(), reason="no C compiler here")
@pytest.mark.parametrize("numel", [1, 3000, 20_001])
@pytest.mark.parametrize("kind", ["coarse", "fine", "same", "odd"])
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.long
def test_the_searches_find_what_the_cpu_finds(where: str, kind: str, numel: int) -> None:
    """Cuts, ladders, lengths and dot products of two deltas at once, whatever they lie among."""
    chance = torch.Generator().manual_seed(numel)
    base = torch.randn(numel, generator=chance)
    base = 0.1 * base.sign() if kind == "coarse" else base  # all of a size, as the weights of a layer are
    tensors = [base + 0.02 * torch.randn(numel, generator=chance) for _ in range(2)]
    if kind == "odd":
        tensors[0][::7], tensors[1][::5] = math.inf, math.nan
    base, *tensors = [(torch.full_like(x, 0.5) if kind == "same" else x) for x in (base, *tensors)]
    if kind == "coarse":
        base, *tensors = [x.bfloat16() for x in (base, *tensors)]
    ks = [sorted({1, 1 + numel // 3, numel}), [1 + numel // 2]]
    trims = [passes.random((1, 2), 0.3), passes.cut((3, 4), (0.01, 0.5))]
    with running(where) as gpu:
        for under in (base, None):
            lies, below = [x.to(where) for x in tensors], None if under is None else under.to(where)
            found = gpu.search(lies, below, ks, [None, None])
            for x, own, (ladder, cuts) in zip(tensors, ks, found, strict=True):
                truth = [cpu.kth(x, under, k) for k in own]
                assert [str(cut) for cut in cuts] == [str(cut) for cut in truth]  # as NaN is not itself
                size = (x.float() - (0 if under is None else under.float())).abs()
                assert 0 < ladder.nbytes <= 768 and list(ladder.steps) == sorted(set(ladder.steps))
                for step, above, at in zip(ladder.steps, ladder.above, ladder.at, strict=True):
                    assert (above, at) == (int((~(size <= step)).sum()), int((size == step).sum()))
            other = sorted(
                {1 + numel // 5, 1 + numel // 4, 1 + 2 * numel // 3, numel}
            )  # between steps of the ladders, and at them
            later = gpu.search(lies, below, [other, other], [ladder for ladder, _ in found])
            for x, (_, cuts) in zip(tensors, later, strict=True):
                assert [str(cut) for cut in cuts] == [str(cpu.kth(x, under, k)) for k in other]
            if kind == "coarse" and numel > 3000 and under is not None:  # most densities are told by what is remembered
                assert all(sum(ladder.at) > numel / 2 for ladder, _ in found)
            if kind != "odd":
                assert gpu.lengths(lies, below, trims) == cpu.lengths(tensors, under, trims)
                assert torch.equal(gpu.products(lies, below), cpu.products(tensors, under))


@pytest.mark.skipif(not available(), reason="no C compiler here")
@pytest.mark.parametrize("block", [64, 4096])
@pytest.mark.parametrize("shape", [(), (1,), (150,), (5, 1), (9, 33), (7, 64), (2, 2, 70)])
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.long
def test_ranks_in_rows_are_the_cpus(where: str, block: int, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows shorter and longer than a block, that begin within a word of the mask, with equal magnitudes and infinite ones."""
    monkeypatch.setattr("merger.kernels.gpu._RANKED", block)
    chance = torch.Generator().manual_seed(len(shape))
    base = torch.randn(shape, generator=chance)
    fine = base + 0.02 * torch.randn(shape, generator=chance)
    coarse = (base + 0.05 * torch.randn(shape, generator=chance).round()).bfloat16()
    odd = fine.where(torch.rand(shape, generator=chance) > 0.1, math.inf)
    trims = [passes.ranked((1, 2), 0.5, 0.3), passes.ranked((3, 4), 0.4, 0.0), passes.ranked((2**32 - 1, 5), 0.9, 0.0999)]
    with running(where) as gpu:
        for under in (base, None):
            tensors = [fine, coarse, odd]
            truth = cpu.ranked(tensors, under, trims)
            found = gpu.ranked([x.to(where) for x in tensors], None if under is None else under.to(where), trims)
            found = [mask.cpu() for mask in found]
            for right, mask in zip(truth, found, strict=True):
                assert mask.view(torch.uint8)[: len(right)].tolist() == right.tolist()
                assert not mask.view(torch.uint8)[len(right) :].any()
            if base.numel() > 99:
                assert len({tuple(mask.tolist()) for mask in found}) == 3 and all(right.any() for right in truth)


@needs_triton
def test_what_is_too_large_for_the_kernels_is_the_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("merger.kernels.gpu.RANKED_ROW", 100)
    with interpreting():
        assert [fused.supports(job("della", 2, (3, columns), {}, torch.float32)) for columns in (100, 101)] == [True, False]
        assert fused.supports(job("dare_ties", 2, (3, 101), {}, torch.float32))
        assert [fused.supports(job("ties", 2, (256, 4096, rows), {}, torch.bfloat16)) for rows in (2047, 2048)] == [True, False]
