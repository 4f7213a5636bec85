"""Every method's error against float64, ours beside mergekit's, by the type the models are stored in -> docs/accuracy.md.

    python benchmarks/accuracy.py --mergekit .venv-mergekit/bin/python > docs/accuracy.md

mergekit runs through its public Python API, in a process of its own environment (or $MERGEKIT_PYTHON); see scripts/golden.py
for how to make one. Base: normal numbers of standard deviation 0.02. Three fine-tunes: normal changes of 0.5, 1 and 2 % of that,
with a direction in common, rounded to the stored type. Both programs get the same stored tensors and write the same type. Truth:
the method's formula in float64 on these tensors. Error: |merged - truth| / |truth - base|, root of squares.

Masks. Random ones are ours, handed to mergekit. Which of many equal magnitudes a trim keeps is not defined by any paper:
such positions are left out of the comparison for both programs, and drops by rank (della) are compared in float32 only, where
equal magnitudes are few. Votes that end in an exact tie (0.6 * 2 = 0.4 * 3) turn on the last bit, in both.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

SHAPE = (1024, 1024)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
W = {"weight": [0.6, 0.4, 0.3]}
Case = tuple[str, int, bool, dict[str, Any]]
CASES: list[Case] = [  # method, models, base, parameters
    ("linear", 3, False, W), ("slerp", 1, True, {"t": 0.4}), ("nuslerp", 2, True, {"weight": [0.6, 0.4]}),
    ("multislerp", 3, True, W), ("karcher", 3, False, {}), ("task_arithmetic", 3, True, W),
    ("ties", 3, True, W | {"density": [0.5] * 3}), ("dare_linear", 3, True, W | {"density": [0.5] * 3}),
    ("dare_ties", 3, True, W | {"density": [0.5] * 3}), ("breadcrumbs", 3, True, W | {"density": [0.5] * 3}),
    ("breadcrumbs_ties", 3, True, W | {"density": [0.5] * 3}), ("della", 3, True, W | {"density": [0.5] * 3}),
    ("della_linear", 3, True, W | {"density": [0.5] * 3}), ("sce", 3, True, {}), ("ram", 3, True, {}),
    ("ramplus_tl", 3, True, {}), ("model_stock", 3, True, {}),
    ("nearswap", 1, True, {"t": 0.0001}), ("arcee_fusion", 1, True, {}),
]  # fmt: skip
OWN: list[Case] = [  # methods that mergekit does not have; their truth is ours in float64, checked by the golden tests
    ("consensus_ta", 3, True, W | {"tall_lambda": 0.4, "k": 2}),
    ("pcb", 3, True, W | {"density": [0.5] * 3}),
    ("tsv_merge", 3, True, W),
    ("iso_c", 3, True, W),
    ("knots", 3, True, W | {"density": [0.5] * 3}),
]
RANKED = ("della", "della_linear")

MERGEKIT = """
import json, sys
import torch
import mergekit.sparsify
from mergekit.merge_methods.api import merge_tensors
from safetensors.torch import load_file, save_file
tensors = load_file(sys.argv[1]); cases = json.loads(sys.argv[2]); out = {}
class Masks:
    def __init__(self): self.model = -1
    def __getattr__(self, name): return getattr(torch, name)
    def bernoulli(self, p):
        self.model += 1
        return (tensors[f"mask {self.model}"].reshape(p.shape) < p.double()).to(p.dtype)
for key, method, names, base, parameters, double in cases:
    mergekit.sparsify.torch = Masks()
    models = [tensors[n].double() if double else tensors[n] for n in names]
    torch.manual_seed(0)
    with torch.no_grad():
        merged = merge_tensors(models, method, parameters=parameters, base_index=0 if base else None, name="t")
    out[key] = merged.to(models[0].dtype).contiguous()
save_file(out, sys.argv[3])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mergekit", default=os.environ.get("MERGEKIT_PYTHON"), help="python of mergekit's own environment")
    options = parser.parse_args()
    if not options.mergekit:
        parser.error("name mergekit's python with --mergekit or $MERGEKIT_PYTHON")
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    found = {name: measure(name, options.mergekit) for name in DTYPES}
    print(report(found))


def measure(stored: str, mergekit: str) -> dict[str, list[float]]:
    """method -> errors of: rounding alone, ours, mergekit's, mergekit's in float64 throughout (which checks the truth)."""
    from merger.methods.ops import Draws

    tensors = family(DTYPES[stored])
    draws = {f"mask {i}": Draws(0, "t").uniform(tensors["base"], i) for i in range(3)}
    cases = [c for c in CASES if stored == "float32" or c[0] not in RANKED]
    theirs = run_mergekit(tensors | draws, cases, mergekit)
    found: dict[str, list[float]] = {}
    for method, n, with_base, parameters in (*cases, *OWN):
        inputs = [tensors[f"m{i}"] for i in range(n)]
        base = tensors["base"] if with_base else None
        truth = ours(method, inputs, base, parameters, torch.float64, torch.float64)
        mine = ours(method, inputs, base, parameters, torch.float32, DTYPES[stored])
        clear = ~undecided(method, inputs, tensors["base"], parameters)
        ideal = float(((truth - tensors["base"].double()) * clear).norm())
        answers = (truth.to(DTYPES[stored]), mine, theirs.get(method), theirs.get(method + " in float64"))
        errors = found[method] = [
            math.nan if x is None else float(((x.double() - truth) * clear).norm()) / ideal for x in answers
        ]
        print(f"{stored} {method}: {errors}", file=sys.stderr)
    return found


def family(dtype: torch.dtype) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    base = (0.02 * torch.randn(SHAPE, generator=draw)).to(dtype)
    common = torch.randn(SHAPE, generator=draw)
    tensors = {"base": base}
    for i in range(3):
        change = (0.5**0.5) * (common + torch.randn(SHAPE, generator=draw))
        tensors[f"m{i}"] = (base.float() + (0.0001, 0.0002, 0.0004)[i] * change).to(dtype)
    return tensors


def ours(
    method: str, inputs: list[Tensor], base: Tensor | None, parameters: dict[str, Any], compute: torch.dtype, out: torch.dtype
) -> Tensor:
    from merger.engine.arguments import Arguments
    from merger.engine.plan import Source, TensorJob
    from merger.engine.tensor import merge_tensor
    from merger.methods import METHODS

    held = {str(i): x for i, x in enumerate(inputs)} | ({} if base is None else {"base": base})
    sources = tuple(Source(str(i), "t") for i in range(len(inputs)))
    at = None if base is None else Source("base", "t")
    if METHODS[method].base == "first" and at:
        sources = (at, *sources)
    args = Arguments({k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()})
    job = TensorJob("t", sources, at, method, args, tuple(inputs[0].shape), compute, out, 0)
    return merge_tensor(job, lambda source: held[source.model])


def undecided(method: str, inputs: list[Tensor], base: Tensor, parameters: dict[str, Any]) -> Tensor:
    """Positions whose magnitude is shared at a trim's cut, or in a row for drops by rank, in any model."""
    mask = torch.zeros(base.shape, dtype=torch.bool)
    if method in RANKED:
        for model in inputs:
            rows, order = (model.double() - base.double()).abs().sort(1)
            same = rows[:, 1:] == rows[:, :-1]
            tied = torch.zeros_like(mask)
            tied[:, 1:] |= same
            tied[:, :-1] |= same
            mask |= torch.zeros_like(mask).scatter(1, order, tied)
    if method not in ("ties", "breadcrumbs", "breadcrumbs_ties"):
        return mask
    top = 0.01 if method != "ties" else 0.0
    for model, density in zip(inputs, parameters["density"], strict=True):
        size = (model.double() - base.double()).abs()
        flat = size.reshape(-1)
        n = flat.numel()
        drop = int(top * n)
        for k in {drop, drop + int(density * n)} - {0}:
            mask |= size == flat.kthvalue(n - k + 1).values
    return mask


def run_mergekit(tensors: dict[str, Tensor], cases: list[Case], python: str) -> dict[str, Tensor]:
    with tempfile.TemporaryDirectory() as folder:
        given, taken = Path(folder) / "in.safetensors", Path(folder) / "out.safetensors"
        save_file(tensors, given)
        listed = [
            (key, method, [*(["base"] if base else []), *(f"m{i}" for i in range(n))], base, parameters, key != method)
            for method, n, base, parameters in cases
            for key in (method, method + " in float64")
        ]  # fmt: skip
        subprocess.run([python, "-c", MERGEKIT, str(given), json.dumps(listed), str(taken)], check=True)
        return load_file(taken)


def report(found: dict[str, dict[str, list[float]]]) -> str:
    lines = [
        "# Accuracy", "",
        "Written by `benchmarks/accuracy.py`, whose first lines say what is measured; do not edit.", "",
        "Error of the merged change, relative to its size, for models stored in each type. *Least*: what rounding the exact",
        "result to that type costs; nothing can do better. mergekit is version 0.1.5. *Check*: mergekit in float64 throughout.",
        "Masks, equal magnitudes and votes that tie: see there. mergekit's sce and arcee_fusion compute something else;",
        "the last five methods it does not have.",
        "",
        "| method | " + " | ".join(f"{d}: least | ours | mergekit" for d in found) + " | check |",
        "|---|" + "---:|" * (3 * len(found) + 1),
    ]  # fmt: skip
    for method, *_ in (*CASES, *OWN):
        cells = [f"{x:.1e}" for d in found for x in found[d].get(method, [math.nan] * 3)[:3]]
        cells.append(f"{found['float32'][method][3]:.0e}")
        lines.append(f"| {method} | " + " | ".join("" if cell == "nan" else cell for cell in cells) + " |")
    worse = [f"{m} ({d})" for d, rows in found.items() for m, (_, mine, theirs, _) in rows.items() if mine > theirs * 1.001]
    return "\n".join([*lines, "", f"Ours is farther from the truth than mergekit's in: {', '.join(worse) or 'none'}."])


if __name__ == "__main__":
    main()
