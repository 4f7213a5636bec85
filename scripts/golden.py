"""Golden numbers: what mergekit 0.1.5 itself answers to many small recipes, for our tests to compare with.

Run from the repository root, in an environment of mergekit's own (mergekit is LGPL: it is run here as a
tool, and neither it nor its versions of torch and transformers are dependencies of this project):

    python3.11 -m venv .venv-mergekit
    .venv-mergekit/bin/pip install torch==2.13.0 mergekit==0.1.5
    .venv-mergekit/bin/python scripts/golden.py

It builds the family of tests/tiny.py in a temporary folder, runs every recipe of CASES through mergekit's own
planner and executor, and writes

    tests/golden/mergekit.safetensors   "<case>/<tensor name>" in float32; metadata entry "golden", JSON:
                                        versions, family, hash of the weights that went in (family_digest)
    tests/golden/cases.json             [{name, method, mergekit, note, float64_gap, mask_margin, yaml}]

Random masks: mergekit draws them from torch's global generator, we from a counter-based one, so numbers
agree only under equal masks. `torch.bernoulli`, as seen by mergekit's sparsify module, is replaced by a
draw from our numbers, written here a second time, in numpy, from their description alone. A mask's key
holds the name of the output tensor and the parent's place among the slice's inputs without the base,
counted from 0.

Each recipe also runs with `dtype: float64`. `float64_gap` is the largest difference to the float32
numbers: rounding alone. A large one would mean that a mask, a rank or a branch hangs on the last bit, so
that a correct program might answer otherwise; such a recipe is refused (GAP_ALLOWED), and the cure is to
change its numbers. `mask_margin` is the smallest |u - p| among its random draws, refused for the same
reason when it is tiny.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mergekit.sparsify
import numpy as np
import torch
import yaml
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.merge_methods import generalized_task_arithmetic as family_module
from mergekit.options import MergeOptions
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import tiny  # noqa: E402  (a test helper, found through the line above)

GAP_ALLOWED = 5e-6
MARGIN_NEEDED = 2e-7
SEED = 0


# --- Our random numbers, in numpy ---


def uniforms(name: str, parent: int, count: int) -> np.ndarray:
    """Numbers in [0, 1), one per flat index, for output tensor `name` and the parent-th non-base model."""
    digest = hashlib.blake2b(f"mask|{SEED}|{name}|{parent}".encode(), digest_size=8).digest()
    k0 = np.frombuffer(digest, "<u4")[0]
    k1 = np.frombuffer(digest, "<u4")[1]
    index = np.arange(count, dtype=np.uint64)
    low = (index & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    high = (index >> np.uint64(32)).astype(np.uint32)
    with np.errstate(over="ignore"):  # all arithmetic is meant modulo 2**32
        x = low + k0
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= x >> np.uint32(15)
        x += k1 + high * np.uint32(0x9E3779B9)
        x *= np.uint32(0x846CA68B)
        x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float64) * 2.0**-24


@dataclass
class Masks:
    """Stands for `torch` inside mergekit.sparsify, and knows which parent of which tensor is being pruned.

    mergekit merges one tensor at a time and prunes its parents in recipe order, one call of `sparsify` each
    (also where density is 1 and nothing is drawn), so counting these calls inside a tensor tells the parent.
    `deltas` holds what each of them should be handed: a change of that order would be noticed.
    """

    name: str | None = None
    parent: int = -1
    margin: float = 1.0
    draws: int = 0
    deltas: list[torch.Tensor] = field(default_factory=list)

    def __getattr__(self, attribute: str) -> Any:
        """Everything but `bernoulli` is torch's own."""
        return getattr(torch, attribute)

    def bernoulli(self, p: torch.Tensor) -> torch.Tensor:
        """1 where u < p, elsewhere 0."""
        if self.name is None:
            raise RuntimeError("mergekit drew a mask outside of a tensor's merge")
        u = uniforms(self.name, self.parent, p.numel()).reshape(tuple(p.shape))
        probability = p.numpy().astype(np.float64)
        self.margin = min(self.margin, float(np.abs(u - probability).min()))
        self.draws += 1
        return torch.from_numpy(u < probability).to(p.dtype)


@contextmanager
def our_masks() -> Iterator[Masks]:
    """While open, mergekit's random masks come from `uniforms`."""
    masks = Masks()
    merge_group = family_module.GeneralizedTaskArithmeticMerge.merge_group
    sparsify = family_module.sparsify

    def named_merge_group(self: Any, group: Any, /, **parameters: Any) -> torch.Tensor:
        masks.name, masks.parent = group.metadata.name, -1
        masks.deltas = [entry.tensor - group.base.tensor for entry in group.non_base]
        try:
            return merge_group(self, group, **parameters)
        finally:
            masks.name = None

    def counted_sparsify(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        masks.parent += 1
        if not torch.equal(tensor, masks.deltas[masks.parent]):
            raise RuntimeError(f"{masks.name}: parents are not pruned in recipe order")
        return sparsify(tensor, *args, **kwargs)

    family_module.GeneralizedTaskArithmeticMerge.merge_group = named_merge_group
    family_module.sparsify = counted_sparsify
    mergekit.sparsify.torch = masks
    try:
        yield masks
    finally:
        family_module.GeneralizedTaskArithmeticMerge.merge_group = merge_group
        family_module.sparsify = sparsify
        mergekit.sparsify.torch = torch


# --- Recipes ---

CASES: dict[str, tuple[str, str]] = {}  # name → (yaml, note)
Parameters = dict[str, Any]

A6B4 = {"a": {"weight": 0.6}, "b": {"weight": 0.4}}
ABC = {"a": {"weight": 0.6}, "b": {"weight": 0.4}, "c": {"weight": -0.3}}
PRUNED = {
    "a": {"weight": 0.6, "density": 0.3},
    "b": {"weight": 0.4, "density": 0.7},
    "c": {"weight": -0.3, "density": 1.0},
}
HALF = {"a": {"weight": 0.6, "density": 0.5}, "b": {"weight": 0.4, "density": 0.5}}
DARE_NOTE = "Masks: u < density, then L1 rescale over the whole tensor unless rescale is false."
DELLA_NOTE = (
    "p = density - epsilon + 2 epsilon (rank - 1)/(columns - 1), rank of |delta| ascending from 1 in a row "
    "(dim 1; a 1-D tensor is one row); mask u < p in float32; L1 rescale over the whole tensor unless off."
)
CRUMBS_NOTE = (
    "No random draw. Whole tensor, |delta| ascending: t = int(density n), top = int(gamma n), "
    "bottom = max(0, n - t - top); ranks [bottom, bottom + t) stay."
)


def case(
    name: str,
    method: str,
    models: dict[str, Parameters] | list[str],
    base: str | None = "base",
    note: str = "",
    **parameters: Any,
) -> None:
    """A recipe of the `models:` form; `lambda_` stands for the reserved word."""
    listed = models if isinstance(models, dict) else {model: {} for model in models}
    entries: list[Parameters] = []
    for model, values in listed.items():
        entries.append({"model": model, "parameters": values} if values else {"model": model})
    recipe: Parameters = {"merge_method": method}
    if base is not None:
        recipe["base_model"] = base
    recipe["models"] = entries
    if parameters:
        recipe["parameters"] = {key.rstrip("_"): value for key, value in parameters.items()}
    recipe["dtype"] = "float32"
    text(name, yaml.safe_dump(recipe, sort_keys=False, default_flow_style=None, width=100), note)


def text(name: str, recipe: str, note: str = "") -> None:
    """A recipe as a person would type it."""
    if name in CASES:
        raise ValueError(f"two cases are called {name}")
    CASES[name] = (recipe.lstrip("\n"), note)


def per_model(models: list[str], **values: Any) -> dict[str, Parameters]:
    """The same parameters under each model."""
    return {model: dict(values) for model in models}


def averages() -> None:
    """Methods that know no base, or need none."""
    case("linear_two", "linear", A6B4, base=None)
    case("linear_three_negative", "linear", ABC, base=None)
    case("linear_sum", "linear", ABC, base=None, normalize=False)
    case(
        "linear_base_is_a_model",
        "linear",
        {"base": {"weight": 0.5}, **ABC},
        note="linear ignores base_model: the base is one more input and must carry a weight of its own.",
    )
    case(
        "linear_one_parent",
        "linear",
        {"a": {"weight": 0.25}},
        base=None,
        note="Normalized: the parent itself.",
    )
    case("linear_one_parent_sum", "linear", {"a": {"weight": 0.25}}, base=None, normalize=False)

    case("slerp_third", "slerp", ["base", "a"], t=0.3)
    case("slerp_ends_0", "slerp", ["base", "a"], t=0)
    case("slerp_ends_1", "slerp", ["base", "a"], t=1.0)
    case("slerp_beyond", "slerp", ["base", "c"], t=1.3, note="t outside [0, 1] extrapolates.")
    case("slerp_base_second", "slerp", ["a", "base"], t=0.3, note="t = 0 is the base, wherever it is listed.")
    case("slerp_base_unlisted", "slerp", ["a"], t=0.3, note="The base joins although only base_model names it.")

    case("nuslerp_two", "nuslerp", A6B4, base=None)
    case("nuslerp_base", "nuslerp", A6B4, note="With a base: the deltas turn, and are added to the base.")
    case("nuslerp_rows", "nuslerp", A6B4, base=None, nuslerp_flatten=False, note="Vectors along the last axis.")
    case(
        "nuslerp_columns",
        "nuslerp",
        A6B4,
        nuslerp_flatten=False,
        nuslerp_row_wise=True,
        note="nuslerp_row_wise true takes vectors along axis 0.",
    )
    case("nuslerp_opposite_weights", "nuslerp", {"a": {"weight": 0.5}, "b": {"weight": -0.5}}, note="t = 0.5.")

    case("multislerp_three", "multislerp", per_model(["a", "b", "c"], weight=0.5), base=None)
    case("multislerp_base", "multislerp", {"a": {"weight": 0.6}, "b": {"weight": 0.4}, "c": {"weight": 0.3}})
    case(
        "multislerp_raw_weights",
        "multislerp",
        {"a": {"weight": 0.6}, "b": {"weight": 0.7}},
        normalize_weights=False,
        eps=1e-6,
    )
    case(
        "multislerp_one",
        "multislerp",
        {"a": {"weight": 0.5}},
        note="One parent: that parent, not base + half.",
    )

    case("karcher_three", "karcher", ["a", "b", "c"], base=None)
    case("karcher_base_listed", "karcher", ["base", "a"], note="karcher ignores base_model: one more input.")
    case("karcher_one_step", "karcher", ["base", "a", "b", "c"], base=None, max_iter=1)

    case("passthrough_copy", "passthrough", ["a"], base=None)
    case("passthrough_scale", "passthrough", {"a": {"scale": 0.5}}, base=None)
    case(
        "passthrough_scale_filters",
        "passthrough",
        {"a": {"scale": [{"filter": "o_proj", "value": 0.0}, {"filter": "down_proj", "value": [1.0, 0.5]}]}},
        base=None,
        note="Where no filter matches, no scale: a plain copy.",
    )


def delta_methods() -> None:
    """Methods that add something to a base."""
    case("task_arithmetic_two", "task_arithmetic", A6B4)
    case("task_arithmetic_negative", "task_arithmetic", ABC, lambda_=0.8)
    case("task_arithmetic_normalize", "task_arithmetic", ABC, normalize=True, lambda_=1.5)
    case("task_arithmetic_base_listed", "task_arithmetic", {"base": {}, **A6B4})
    case("task_arithmetic_one_parent", "task_arithmetic", {"a": {"weight": 0.5}})
    case("task_arithmetic_base_only", "task_arithmetic", ["base"], note="No other model: the base.")
    case(
        "task_arithmetic_density_unused",
        "task_arithmetic",
        PRUNED,
        rescale=True,
        int8_mask=True,
        note="density, rescale and int8_mask do nothing here.",
    )

    case("ties_default", "ties", HALF)
    case("ties_mixed", "ties", PRUNED)
    case("ties_sum", "ties", PRUNED, normalize=False, lambda_=0.7)
    case("ties_rescale", "ties", PRUNED, rescale=True, int8_mask=True)
    case(
        "ties_low_density",
        "ties",
        per_model(["a", "b"], weight=1.0, density=0.01),
        note="At least one stays.",
    )
    case(
        "ties_density_zero",
        "ties",
        {"a": {"weight": 1.0, "density": 0.0}, "b": {"weight": 0.5, "density": 0.4}},
    )
    case("ties_one_parent", "ties", {"a": {"weight": 0.3, "density": 0.4}}, note="Normalized: full deltas.")
    case("ties_base_in_the_middle", "ties", {"a": HALF["a"], "base": {}, "b": HALF["b"]})

    case("dare_ties_default", "dare_ties", HALF, note=DARE_NOTE)
    case("dare_ties_mixed", "dare_ties", PRUNED, note=DARE_NOTE)
    case("dare_ties_normalize", "dare_ties", PRUNED, normalize=True, rescale=False, note=DARE_NOTE)
    case("dare_ties_lambda", "dare_ties", PRUNED, lambda_=1.4, int8_mask=True, note=DARE_NOTE)
    case(
        "dare_ties_base_in_the_middle",
        "dare_ties",
        {"a": HALF["a"], "base": {}, "b": HALF["b"]},
        note=DARE_NOTE + " Parents count without the base: a is 0, b is 1.",
    )

    case("dare_linear_default", "dare_linear", HALF, note=DARE_NOTE)
    case("dare_linear_mixed", "dare_linear", PRUNED, note=DARE_NOTE)
    case("dare_linear_plain", "dare_linear", PRUNED, rescale=False, lambda_=0.5, note=DARE_NOTE)
    case("dare_linear_normalize", "dare_linear", PRUNED, normalize=True, note=DARE_NOTE)
    case("dare_linear_one_parent", "dare_linear", {"b": {"weight": 0.9, "density": 0.4}}, note=DARE_NOTE)

    della = {
        "a": {"weight": 0.6, "density": 0.3, "epsilon": 0.2},
        "b": {"weight": 0.4, "density": 0.7},
        "c": {"weight": -0.3, "density": 1.0},
    }
    case("della_default", "della", HALF, note=DELLA_NOTE)
    case("della_mixed", "della", della, note=DELLA_NOTE)
    case("della_sum", "della", della, normalize=False, rescale=False, lambda_=1.2, note=DELLA_NOTE)
    case("della_linear_default", "della_linear", HALF, note=DELLA_NOTE)
    case("della_linear_mixed", "della_linear", della, normalize=True, note=DELLA_NOTE)
    case("della_linear_plain", "della_linear", della, rescale=False, epsilon=0.05, note=DELLA_NOTE)

    crumbs = {
        "a": {"weight": 0.6, "density": 0.3, "gamma": 0.1},
        "b": {"weight": 0.4, "density": 0.7},
        "c": {"weight": -0.3, "density": 1.0},
    }
    case("breadcrumbs_default", "breadcrumbs", HALF, note=CRUMBS_NOTE)
    case("breadcrumbs_mixed", "breadcrumbs", crumbs, rescale=True, lambda_=0.7, note=CRUMBS_NOTE)
    case(
        "breadcrumbs_wide_gamma",
        "breadcrumbs",
        per_model(["a", "b"], weight=0.5, density=0.9),
        gamma=0.25,
        normalize=True,
        note=CRUMBS_NOTE + " Here n - t < top, so gamma shrinks.",
    )
    case("breadcrumbs_ties_default", "breadcrumbs_ties", HALF, note=CRUMBS_NOTE)
    case("breadcrumbs_ties_mixed", "breadcrumbs_ties", crumbs, normalize=True, int8_mask=True, note=CRUMBS_NOTE)
    case("breadcrumbs_ties_rescale", "breadcrumbs_ties", crumbs, rescale=True, gamma=0.05, note=CRUMBS_NOTE)

    case("sce_default", "sce", ["a", "b", "c"])
    case("sce_topk", "sce", ["a", "b", "c"], select_topk=0.4)
    case("sce_two", "sce", ["base", "b", "c"], select_topk=0.15, int8_mask=True)

    case("ram_default", "ram", ["a", "b", "c"], note="All deltas exceed epsilon: the mean of the deltas.")
    case("ram_epsilon", "ram", ["a", "b", "c"], epsilon=0.06, note="Unique and shared positions both occur.")
    case("ramplus_tl_default", "ramplus_tl", ["a", "b", "c"])
    case("ramplus_tl_epsilon", "ramplus_tl", ["a", "b", "c"], epsilon=0.06, r=0.3, alpha=0.9)
    case("ramplus_tl_clamped", "ramplus_tl", ["a", "b"], epsilon=0.08, r=0.5, alpha=0.1)

    case("model_stock_three", "model_stock", ["a", "b", "c"])
    case("model_stock_two", "model_stock", ["a", "base", "b"])
    case("model_stock_filter_wise", "model_stock", ["a", "b", "c"], filter_wise=True)

    case("nearswap_small", "nearswap", ["a"], t=0.01)
    case("nearswap_large", "nearswap", ["c", "base"], t=0.2)
    case("nearswap_gradient", "nearswap", ["base", "a"], t=[0.0, 0.1])

    case("arcee_fusion_a", "arcee_fusion", ["a"], note="Threshold: sorted importance at int(q (n - 1)).")
    case("arcee_fusion_c", "arcee_fusion", ["base", "c"])


# Lists longer, shorter and exactly as long as the four layers.
SHORT, EXACT, LONG = [0.1, 0.9, 0.4], [0.2, 0.5, 0.3, 0.8], [0.0, 0.3, 0.5, 0.9, 0.5, 0.3, 0.7]
BY_PART = [
    {"filter": "self_attn", "value": [0.0, 0.5, 0.3]},
    {"filter": "mlp", "value": [1.0, 0.5, 0.7, 0.3, 0.1]},
    {"value": 0.5},
]
GRADIENT_NOTE = "Embeddings, final norm and head take a gradient's first value."


def gradients() -> None:
    """Gradients, filters and places of parameters, for the six methods people use most."""
    case("slerp_gradient_short", "slerp", ["base", "a"], t=SHORT, note=GRADIENT_NOTE)
    case("slerp_gradient_long", "slerp", ["base", "a"], t=LONG, note=GRADIENT_NOTE)
    case("slerp_gradient_exact", "slerp", ["base", "b"], t=EXACT, note=GRADIENT_NOTE)
    case(
        "slerp_filters",
        "slerp",
        ["a", "base"],
        t=BY_PART,
        note="First matching filter wins; last is the rest.",
    )
    case(
        "slerp_filter_layer",
        "slerp",
        ["base", "a"],
        t=[{"filter": "layers.2.", "value": 1.0}, {"filter": "*", "value": 0.2}],
        note="A filter is any part of the tensor's name, so also a layer.",
    )
    case("slerp_single_condition", "slerp", ["base", "a"], t={"value": 0.4, "filter": "*"})

    case(
        "linear_gradients",
        "linear",
        {"a": {"weight": SHORT}, "b": {"weight": LONG}, "c": {"weight": EXACT}},
        base=None,
        note=GRADIENT_NOTE,
    )
    case("linear_filters", "linear", {"a": {"weight": BY_PART}, "b": {"weight": 0.5}}, base=None)
    case(
        "linear_fall_through",
        "linear",
        {"a": {"weight": [{"filter": "mlp", "value": 0.8}]}, "b": {}, "c": {"weight": 0.3}},
        base=None,
        weight=[{"filter": "q_proj", "value": [0.9, 0.1]}, {"value": 0.25}],
        note="What no filter under a model matches is looked up at the top level.",
    )

    mixed_gradients: dict[str, Parameters] = {
        "a": {"weight": SHORT},
        "b": {"weight": LONG},
        "c": {"weight": EXACT},
    }
    case("task_arithmetic_gradients", "task_arithmetic", mixed_gradients, note=GRADIENT_NOTE)
    case("task_arithmetic_filters", "task_arithmetic", {"a": {"weight": BY_PART}, "b": {"weight": -0.3}})
    case(
        "task_arithmetic_top_level",
        "task_arithmetic",
        ["base", "a", "b"],
        weight=[0.8, 0.2],
        lambda_=[{"filter": "mlp", "value": [0.5, 1.5]}, {"value": 0.9}],
        note="A top-level weight serves every model but the base; lambda by filter and gradient.",
    )

    pruned_gradients: dict[str, Parameters] = {
        "a": {"weight": SHORT, "density": [0.9, 0.3]},
        "b": {"weight": EXACT, "density": [0.2, 0.4, 1.0, 0.6, 0.5]},
    }
    pruned_filters: dict[str, Parameters] = {
        "a": {"weight": BY_PART, "density": [{"filter": "mlp", "value": [0.3, 0.7]}, {"value": 0.5}]},
        "b": {"weight": [{"filter": "self_attn", "value": 0.7}, {"value": 0.2}], "density": 0.6},
    }
    for method in ("ties", "dare_linear", "dare_ties"):
        note = "" if method == "ties" else " " + DARE_NOTE
        case(f"{method}_gradients", method, pruned_gradients, note=GRADIENT_NOTE + note)
        case(f"{method}_filters", method, pruned_filters, note=note.strip())
        case(
            f"{method}_top_level",
            method,
            {"base": {}, "a": {"weight": 0.7}, "b": {"density": 0.9}, "c": {}},
            weight=[0.2, 0.6],
            density=[
                {"filter": "mlp", "value": 0.4},
                {"filter": "norm", "value": 1.0},
                {"value": [0.3, 0.8]},
            ],
            note="Own values first, the top level for the rest." + note,
        )
    case(
        "ties_normalize_by_layer",
        "ties",
        HALF,
        normalize=[{"filter": "mlp", "value": [True, False]}, {"value": True}],
        lambda_=[1.0, 0.5],
        note="Booleans do not mix: values[int(t (n - 1))], so only the last layer gets the last value.",
    )


def structures() -> None:
    """Layers stacked anew, and parameters in slices and sources."""
    text(
        "frankenmerge",
        """
slices:
- sources:
  - model: a
    layer_range: [0, 3]
- sources:
  - model: b
    layer_range: [1, 4]
merge_method: passthrough
dtype: float32
""",
        "Layers a0 a1 a2 b1 b2 b3. Embeddings from the first slice, final norm and head from the last.",
    )
    text(
        "frankenmerge_repeat_scale",
        """
slices:
- sources:
  - model: a
    layer_range: [0, 2]
- sources:
  - model: a
    layer_range: [1, 3]
    parameters:
      scale:
      - filter: o_proj
        value: 0.0
      - filter: down_proj
        value: 0.5
      - value: 1.0
- sources:
  - model: a
    layer_range: [2, 4]
merge_method: passthrough
dtype: float32
""",
        "One model, layers 0 1 1 2 2 3; a source's own parameters.",
    )
    text(
        "frankenmerge_input_names",
        """
slices:
- sources:
  - model: a
    layer_range: [2, 4]
- sources:
  - model: b
    layer_range: [0, 2]
merge_method: passthrough
parameters:
  scale:
  - filter: layers.3.
    value: 0.5
  - filter: layers.0.
    value: 0.25
  - value: 1.0
dtype: float32
""",
        "scale belongs to each input, so its filter sees the input's name: layers.3. is output layer 1.",
    )
    text(
        "slices_slerp",
        """
slices:
- sources:
  - model: base
    layer_range: [0, 2]
  - model: a
    layer_range: [0, 2]
  parameters:
    t: [0.2, 0.8]
- sources:
  - model: a
    layer_range: [1, 4]
  - model: base
    layer_range: [0, 3]
merge_method: slerp
base_model: base
parameters:
  t:
  - filter: self_attn
    value: [0, 0.5, 0.3]
  - filter: layers.3.
    value: 0.9
  - value: 0.6
dtype: float32
""",
        "Gradients run over a slice's own layers; t is shared, so its filter sees the output's name.",
    )
    text(
        "slices_slerp_own_base",
        """
slices:
- sources:
  - model: base
    layer_range: [0, 2]
  - model: a
    layer_range: [0, 2]
- sources:
  - model: b
    layer_range: [3, 4]
  - model: a
    layer_range: [3, 4]
  base_model: b
merge_method: slerp
base_model: base
parameters:
  t: [0.3, 0.7]
dtype: float32
""",
        "A slice with another base. A slice of one layer stands at the gradient's end: t = 0.7 there, "
        "but 0.3 in the final norm and head.",
    )
    text(
        "slices_ties",
        """
slices:
- sources:
  - model: base
    layer_range: [0, 2]
  - model: a
    layer_range: [0, 2]
    parameters: {weight: [0.9, 0.5], density: 0.4}
  - model: b
    layer_range: [2, 4]
    parameters:
      weight:
      - filter: layers.3.
        value: 0.8
- sources:
  - model: base
    layer_range: [1, 4]
  - model: c
    layer_range: [1, 4]
  - model: a
    layer_range: [0, 3]
    parameters: {weight: 0.2}
  parameters: {weight: 0.6, density: [0.3, 1.0], normalize: false}
merge_method: ties
base_model: base
parameters:
  weight: 0.35
  density: 0.7
  lambda: 0.9
dtype: float32
""",
        "Source, then slice, then top level. weight belongs to an input, so its filter sees the input's "
        "name: layers.3. is b's layer in output layer 1.",
    )
    text(
        "slices_linear",
        """
slices:
- sources:
  - model: a
    layer_range: [0, 1]
    parameters: {weight: [0.2, 0.7]}
  - model: b
    layer_range: [3, 4]
- sources:
  - model: b
    layer_range: [1, 4]
  - model: c
    layer_range: [0, 3]
    parameters: {weight: [0.1, 0.9]}
  parameters: {weight: 0.4, normalize: false}
merge_method: linear
parameters:
  weight: 0.5
dtype: float32
""",
        "A slice of one layer stands at the gradient's end, 0.7; its embeddings at the beginning, 0.2.",
    )
    text(
        "slices_dare_ties",
        """
slices:
- sources:
  - model: a
    layer_range: [0, 2]
  - model: base
    layer_range: [0, 2]
  - model: b
    layer_range: [0, 2]
- sources:
  - model: c
    layer_range: [2, 4]
  - model: base
    layer_range: [2, 4]
  - model: a
    layer_range: [2, 4]
    parameters: {density: 0.9}
merge_method: dare_ties
base_model: base
parameters:
  weight: 0.5
  density: 0.6
dtype: float32
""",
        DARE_NOTE + " Tensor name in the mask's key: the output's. Parent: position among the slice's sources without the base.",
    )
    text(
        "modules_task_arithmetic",
        """
modules:
  default:
    models:
    - model: a
      parameters: {weight: 0.7}
    - model: b
    parameters: {weight: 0.2}
merge_method: task_arithmetic
base_model: base
parameters: {weight: 9.0, lambda: 1.1}
dtype: float32
""",
        "A plain language model has one module, called default; its parameters come before the top level's.",
    )


# --- Running ---


def merged(recipe: str, folder: Path, **changes: str) -> dict[str, torch.Tensor]:
    """Run a recipe as a user would, through files, and read what mergekit wrote."""
    content = {**yaml.safe_load(recipe), **changes}
    options = MergeOptions(copy_tokenizer=False, write_model_card=False, clone_tensors=True, quiet=True)
    run_merge(MergeConfiguration.model_validate(content), str(folder), options)
    return tiny.read_weights(folder)


def largest_gap(ours: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Largest absolute difference over all tensors."""
    return max(float((ours[name].double() - other[name].double()).abs().max()) for name in ours)


def run(folder: Path, only: Callable[[str], bool]) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]], str]:
    """All goldens, their descriptions, and the digest of the family they were made from."""
    family = tiny.make_family(folder)
    digest = tiny.family_digest(family)
    os.chdir(folder)  # so that the bare names in the recipes are the folders
    tensors: dict[str, torch.Tensor] = {}
    cases: list[dict[str, Any]] = []
    for name, (recipe, note) in CASES.items():
        if not only(name):
            continue
        with our_masks() as masks:
            answer = merged(recipe, folder / "out" / name)
        draws = masks.draws
        with our_masks():
            gap = largest_gap(answer, merged(recipe, folder / "out64" / name, dtype="float64"))
        method = str(yaml.safe_load(recipe)["merge_method"])
        print(f"{name:34} {method:18} {len(answer):3} tensors  {draws:3} masks  gap {gap:.1e}", flush=True)
        if any(tensor.dtype != torch.float32 or not tensor.isfinite().all() for tensor in answer.values()):
            raise RuntimeError(f"{name}: expected finite float32 numbers")
        if gap > GAP_ALLOWED or (draws and masks.margin < MARGIN_NEEDED):
            raise RuntimeError(f"{name} hangs on rounding: gap {gap:.1e}, mask margin {masks.margin:.1e}")
        for tensor_name, tensor in answer.items():
            tensors[f"{name}/{tensor_name}"] = tensor.contiguous()
        cases.append(
            {
                "name": name,
                "method": method,
                "mergekit": importlib.metadata.version("mergekit"),
                "note": note,
                "float64_gap": float(f"{gap:.2e}"),
                "mask_margin": float(f"{masks.margin:.2e}") if draws else None,
                "yaml": recipe,
            }
        )
    return tensors, cases, digest


def main() -> None:
    """Write both files, or with names of cases only show that these run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="run only these cases and write nothing")
    names: list[str] = parser.parse_args().names
    torch.set_num_threads(1)  # the order of sums, and so the last bit, must not depend on the machine's cores
    for fill in (averages, delta_methods, gradients, structures):
        fill()
    with tempfile.TemporaryDirectory() as folder:
        tensors, cases, digest = run(Path(folder), lambda name: not names or name in names)
        os.chdir(ROOT)
    if names:
        return
    target = ROOT / "tests" / "golden"
    target.mkdir(exist_ok=True)
    versions = {package: importlib.metadata.version(package) for package in ("mergekit", "torch")}
    about = {**versions, "family": "tiny.make_family(folder)", "family_digest": digest}
    # One entry only: safetensors writes several in random order, and equal numbers should give equal files.
    metadata = {"golden": json.dumps(about)}
    save_file(tensors, target / "mergekit.safetensors", metadata=metadata)
    (target / "mergekit.safetensors").chmod(0o644)  # safetensors writes files only their owner may read
    (target / "cases.json").write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")
    size = (target / "mergekit.safetensors").stat().st_size
    print(f"{len(cases)} cases, {len(tensors)} tensors, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
