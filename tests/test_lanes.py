"""The Mixer's lanes: recipe -> numbers per column -> recipe, whole and split into attention and the rest, for real names."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import merger.engine.plan as planner
from merger.engine.plan import Plan, make_plan
from merger.files.checkpoints import Checkpoint, Stored
from merger.recipe import dump, load
from merger.ui import lanes

ATTENTION = [f"self_attn.{x}_proj.weight" for x in "qkvo"]
GATED = [f"mlp.{x}_proj.weight" for x in ("gate", "up", "down")]
NORMS = ["input_layernorm.weight", "post_attention_layernorm.weight"]
EDGES = ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"]
# kind -> stack, names in a layer, names outside, the filter of its attention, attention in a layer
KINDS: dict[str, tuple[str, list[str], list[str], tuple[str, ...], int]] = {
    "llama": ("model.layers.", [*ATTENTION, *GATED, *NORMS], EDGES, ("self_attn",), 4),
    "qwen3": ("model.layers.", [*ATTENTION, "self_attn.q_norm.weight", *GATED, *NORMS], EDGES, ("self_attn",), 5),
    "opt": ("decoder.layers.", ["self_attn.q_proj.weight", "self_attn.out_proj.weight", "self_attn_layer_norm.weight",
            "fc1.weight", "fc2.weight"], ["decoder.embed_tokens.weight"], (".self_attn.",), 2),
    "mixtral": ("model.layers.", [*ATTENTION, "block_sparse_moe.gate.weight", "block_sparse_moe.experts.0.w1.weight",
                "block_sparse_moe.experts.0.w2.weight", *NORMS], EDGES, ("self_attn",), 4),
    "gpt2": ("h.", ["ln_1.weight", "attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight"],
             ["wte.weight", "wpe.weight", "ln_f.weight"], ("attn",), 2),
    "neox": ("gpt_neox.layers.", ["attention.query_key_value.weight", "attention.dense.weight", "mlp.dense_h_to_4h.weight",
             "mlp.dense_4h_to_h.weight", "post_attention_layernorm.weight"],
             ["gpt_neox.embed_in.weight", "embed_out.weight"], (".attention.",), 2),
    "bert": ("bert.encoder.layer.", ["attention.self.query.weight", "attention.output.dense.weight",
             "attention.output.LayerNorm.weight", "intermediate.dense.weight", "output.dense.weight", "output.LayerNorm.weight"],
             ["bert.embeddings.word_embeddings.weight"], ("attention",), 3),
    # two stacks: the filter of the main one is found in the other too
    "t5": ("decoder.block.", ["layer.0.SelfAttention.q.weight", "layer.0.SelfAttention.o.weight", "layer.0.layer_norm.weight",
           "layer.1.EncDecAttention.q.weight", "layer.2.DenseReluDense.wi.weight", "layer.2.DenseReluDense.wo.weight"],
           ["shared.weight", *(f"encoder.block.{i}.layer.{k}" for i in range(4)
            for k in ("0.SelfAttention.q.weight", "1.DenseReluDense.wi.weight"))], ("SelfAttention", "EncDecAttention"), 3),
    # an edge's name is a part of every layer's name
    "bare": ("layers.", ["attn.wq.weight", "mlp.w1.weight", "norm.weight"], ["norm.weight", "embed.weight"], ("attn",), 1),
}  # fmt: skip
LAYERS = 4


def model(kind: str, reference: str) -> Checkpoint:
    stack, inside, outside, *_ = KINDS[kind]
    names = [*outside, *(f"{stack}{i}.{name}" for i in range(LAYERS) for name in inside)]
    return Checkpoint(reference, Path(), {n: Stored((64,), torch.float32, Path("x"), 256 * k) for k, n in enumerate(names)}, {})


def planned(kind: str, text: str = "") -> Plan:
    text = (
        text
        or """{merge_method: ties, base_model: base, models: [
      {model: base}, {model: a, parameters: {weight: 0.5, density: 1}}, {model: b, parameters: {weight: [0, 1]}}]}"""
    )
    recipe = load(text)
    return make_plan(recipe, {r: model(kind, r) for r in recipe.references})


def again(recipe: Any, kind: str = "llama") -> Plan:
    """The plan of what the recipe's text says."""
    return planned(kind, dump(recipe))


def weights(plan: Plan, which: int = 0, name: str = "weight") -> dict[str, float]:
    """Tensor -> the number the plan resolved for the which-th merged model."""
    found = {job.name: dict(job.args)[name] for job in plan.jobs}
    return {tensor: v[which] if isinstance(v, tuple) else v for tensor, v in found.items()}  # type: ignore[misc]


def wanted(plan: Plan, numbers: Mapping[str, list[float]], setting: str, kind: str = "llama") -> dict[str, float]:
    """Tensor -> the number painted for it: is a part of its name in its layer the attention's, and which column is it in?"""
    inside = {f".{i}" for i in KINDS[kind][1] if any(w in f".{i}".split(".") for w in (f.strip(".") for f in KINDS[kind][3]))}
    out = {}
    for column, found in enumerate(lanes.columns(plan).columns):
        for tensor in found.names:
            mine = found.kind == "layer" and any(tensor.endswith(f"{found.layer}{i}") for i in inside)
            out[tensor] = numbers[f"{setting}#{'attention' if mine else 'rest'}"][column]
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_the_filter_finds_the_attention_and_nothing_else(kind: str) -> None:
    stack, inside, _, expected, count = KINDS[kind]
    found = lanes.filters(planned(kind))
    assert found == expected
    assert sum(any(f in f"{stack}0.{name}" for f in found) for name in inside) == count
    rest = [n for n in inside if not any(f in f"{stack}0.{n}" for f in found)]
    assert "post_attention_layernorm.weight" not in inside or "post_attention_layernorm.weight" in rest


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", [False, True])
def test_what_is_described_and_painted_back_changes_nothing(kind: str, split: bool) -> None:
    plan = planned(kind)
    value, board = lanes.describe(plan, split=split)
    assert board["split"] is split and board["can_split"]
    assert lanes.painted(plan, value["lanes"], split=split) is plan.recipe
    assert lanes.painted(plan, value["lanes"]) is plan.recipe


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_every_tensor_gets_the_number_painted_for_it(kind: str, seed: int) -> None:
    plan = planned(kind)
    value, board = lanes.describe(plan, split=True)
    draw = random.Random(f"{kind}{seed}")
    setting = "models[1].parameters.weight"
    for path in (f"{setting}#attention", f"{setting}#rest"):
        value["lanes"][path] = [round(draw.choice([0, 0.5, draw.random()]), 4) for _ in board["columns"]]
    recipe = lanes.painted(plan, value["lanes"])
    after = again(recipe, kind)
    assert weights(after) == wanted(plan, value["lanes"], setting, kind)
    rules = dict(recipe.models[1].parameters)["weight"].rules
    assert len(rules) <= len(KINDS[kind][2]) + len(KINDS[kind][3]) + 2  # a person can read it
    assert weights(after, 1) == weights(plan, 1) and weights(after, 0, "density") == weights(plan, 0, "density")
    shown, seen = lanes.describe(after)
    assert seen["split"]  # the rules are recognised
    off = {lane["path"]: set(lane["off"]) for lane in seen["lanes"]}
    for path, numbers in value["lanes"].items():
        for i, number in enumerate(numbers):
            assert i in off[path] or shown["lanes"][path][i] == number
    assert lanes.painted(after, shown["lanes"]) is after.recipe


MIXES = {
    "ties": "{merge_method: ties, base_model: base, models: [base, {model: a, parameters: {weight: 0.5}}, b],"
    " parameters: {weight: 1}}",
    "linear": "{merge_method: linear, models: [{model: a, parameters: {weight: 0.5}}, {model: b, parameters: {weight: [0, 1]}}]}",
    "slerp": "{merge_method: slerp, base_model: a, models: [{model: b}], parameters: {t: 0.5}}",
    "della": "{merge_method: della, base_model: base, models: [a, b], parameters: {weight: 0.5}}",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["llama", "t5", "bare"])
@pytest.mark.parametrize("method", MIXES)
@pytest.mark.parametrize("split", [False, True])
def test_moved_is_the_plan_of_what_was_painted(kind: str, method: str, split: bool) -> None:
    recipe = load(MIXES[method])
    models = {r: model(kind, r) for r in recipe.references}
    plan = make_plan(recipe, models)
    value, _ = lanes.describe(plan, split=split)
    draw = random.Random(kind)
    assert lanes.painted(plan, value["lanes"]) is plan.recipe
    path, numbers = next((p, n) for p, n in value["lanes"].items() if "density" not in p)
    first = make_plan(lanes.painted(plan, {path: [0.25, *numbers[1:]]}), models)
    few = make_plan(lanes.painted(first, {path: [0.35, *numbers[1:]]}), models)
    assert any(a is b for a, b in zip(first.jobs, few.jobs, strict=True))  # what no number moved is the very same
    for path, numbers in value["lanes"].items():
        if "density" not in path and "epsilon" not in path:
            value["lanes"][path] = [round(draw.random(), 2) for _ in numbers]
    fast = make_plan(lanes.painted(few, value["lanes"]), models)
    planner._FRAMES.clear()
    slow = make_plan(load(dump(fast.recipe)), models)
    assert fast.jobs == slow.jobs and fast == slow != plan


@pytest.mark.parametrize("kind", KINDS)
def test_whole_lanes_reach_every_tensor(kind: str) -> None:
    plan = planned(kind)
    value, board = lanes.describe(plan, split=False)
    numbers = [round(0.1 + 0.07 * i, 4) for i in range(len(board["columns"]))]
    after = again(lanes.painted(plan, value["lanes"] | {"models[1].parameters.weight": numbers}), kind)
    columns = lanes.columns(plan).columns
    assert weights(after) == {tensor: numbers[i] for i, column in enumerate(columns) for tensor in column.names}
    assert not lanes.describe(after)[1]["split"]


def test_split_is_written_as_mergekit_writes_it() -> None:
    plan = planned("llama")
    setting = "models[1].parameters.weight"
    value, _ = lanes.describe(plan, split=True)
    value["lanes"][f"{setting}#attention"] = [0, 0.1, 0.2, 0.3, 0.4, 0, 0]
    recipe = lanes.painted(plan, value["lanes"])
    assert dict(recipe.models[1].parameters)["weight"].rules == (("self_attn", (0.1, 0.2, 0.3, 0.4)), (None, 0.5))
    same = value["lanes"] | {f"{setting}#attention": value["lanes"][f"{setting}#rest"]}
    assert lanes.painted(again(recipe), same) == plan.recipe  # alike again: no rules are left


def test_the_well_known_slerp_recipe_is_shown_split() -> None:
    """mergekit's example: attention and MLP by curves, 0.5 for all else; the norms ride with the MLP when it is painted."""
    text = """{merge_method: slerp, base_model: a, models: [{model: a}, {model: b}], parameters: {t: [
      {filter: self_attn, value: [0, 0.5, 0.3, 0.7]}, {filter: mlp, value: [1, 0.5, 0.7, 0.3]}, {value: 0.5}]}}"""
    plan = planned("llama", text)
    value, board = lanes.describe(plan)
    assert board["split"] and board["can_keep"]
    assert value["lanes"]["parameters.t#attention"][1:5] == [0, 0.5, 0.3, 0.7]
    assert value["lanes"]["parameters.t#rest"] == [0.5, 1, 0.5, 0.7, 0.3, 0.5, 0.5]
    assert {lane["note"] for lane in board["lanes"]} == {"norms have numbers of their own; painting takes them along"}
    assert [lane["off"] for lane in board["lanes"]] == [[0, 5, 6], []]
    assert lanes.painted(plan, value["lanes"]) is plan.recipe
    value["lanes"]["parameters.t#rest"][1] = 0.9
    after = weights(again(lanes.painted(plan, value["lanes"])), name="t")
    assert after == wanted(plan, value["lanes"], "parameters.t")
    _, joined = lanes.describe(plan, split=False)
    assert joined["lanes"][0]["note"] == "set by rules inside the layers; painting replaces them"


def test_other_rules_are_shown_mixed() -> None:
    text = """{merge_method: linear, models: [{model: a, parameters: {weight: [{filter: q_proj, value: 1}, {value: 0.2}]}},
      {model: b, parameters: {weight: [{filter: norm, value: 1}, {value: 0.2}]}}]}"""
    plan = planned("llama", text)
    value, board = lanes.describe(plan)
    assert not board["split"] and not board["can_keep"]  # an average of nothing is no model
    assert all(lane["note"].startswith("set by rules") for lane in board["lanes"])
    assert value["lanes"]["models[0].parameters.weight"][1] == pytest.approx((1 + 8 * 0.2) / 9, abs=1e-6)
    assert lanes.painted(plan, value["lanes"]) is plan.recipe


def test_reset_goes_back_to_the_preset_whole_or_split() -> None:
    plan = planned("llama")
    whole, _ = lanes.describe(plan)
    _, board = lanes.describe(plan, {"models[1].parameters.weight": [0.25] * 7}, split=True)
    assert board["initial"]["models[1].parameters.weight#attention"] == [0.25] * 7
    assert lanes.describe(plan, whole["lanes"])[1]["initial"] == whole["lanes"]


def test_names_without_attention_cannot_be_split() -> None:
    KINDS["plain"] = ("blocks.", ["w.weight"], ["embed.weight"], (), 0)
    try:
        plan = planned("plain")
        value, board = lanes.describe(plan, split=True)
    finally:
        del KINDS["plain"]
    assert not board["can_split"] and not board["split"]
    assert all("#" not in path for path in value["lanes"])


def test_eight_long_names_differ_where_they_are_seen() -> None:
    """Also beside the base that all of them are called after, and where only their ends differ."""
    kinds = ("creative", "code", "math", "chat", "roleplay", "vision", "json", "pirate")
    base = "meta/Meta-Llama-3.1-8B-Instruct"
    for tail in ("-abliterated-{}-v1", "-{}-merged-of-the-week-GGUF-source"):
        found = lanes.short_names([base, *(f"someone/Meta-Llama-3.1-8B-Instruct{tail.format(kind)}" for kind in kinds)])
        assert len({name[:5] for name in found.values()}) == 9 and max(map(len, found.values())) <= 20
    assert len(set(lanes.short_names([f"a/{'x' * 40}{end}" for end in "abcdefgh"]).values())) == 8
