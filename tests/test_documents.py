"""Recipes of several documents and of several modules."""

import json
from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import save_file

from merger.engine.batch import merge
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.engine.session import Parents, Session
from merger.errors import RecipeError
from merger.files.layout import modules
from merger.recipe import dump, load, replace

FIRST = """
merge_method: ties
base_model: base
models:
  - {model: a, parameters: {weight: 0.6, density: 0.5}}
  - {model: b, parameters: {weight: 0.4, density: 0.3}}
out_dtype: bfloat16
"""
SECOND = """
merge_method: slerp
base_model: FIRST
models: [{model: FIRST}, {model: c}]
parameters: {t: 0.3}
"""
BOTH = "name: FIRST" + FIRST + "---" + SECOND


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_two_documents_are_two_merges(family: Path, tmp_path: Path) -> None:
    merge(load(FIRST), tmp_path / "FIRST", roots=[family])
    merge(load(SECOND), tmp_path / "steps", roots=[tmp_path, family])
    recipe = load(BOTH)
    merge(recipe, tmp_path / "out", roots=[family])  # FIRST is no folder there
    expected = tiny.read_weights(tmp_path / "steps")
    assert same(tiny.read_weights(tmp_path / "out"), expected)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["FIRST", "out", "steps"]  # nothing in between
    assert json.loads((tmp_path / "out/config.json").read_text()) == json.loads((tmp_path / "steps/config.json").read_text())
    session = Session(Parents(roots=[family]))
    session.apply(recipe)
    assert same(session.tensors, expected)
    other = load(BOTH.replace("0.6", "0.7"))  # the same name, another document
    assert len(session.apply(other)) == len(expected)
    fresh = Session(Parents(roots=[family]))
    fresh.apply(other)
    assert same(session.tensors, fresh.tensors) and not same(session.tensors, expected)
    assert session.apply(recipe) and same(session.tensors, expected)


def test_three_documents_in_any_order(family: Path, tmp_path: Path) -> None:
    third = "merge_method: linear\nmodels: [{model: FIRST, parameters: {weight: 1}}, {model: MID, parameters: {weight: 2}}]\n"
    merge(load("name: MID\n" + SECOND.lstrip() + "---\n" + third + "---\nname: FIRST" + FIRST), tmp_path / "out", roots=[family])
    for name, text in (("FIRST", FIRST), ("MID", SECOND), ("last", third)):
        merge(load(text), tmp_path / name, roots=[tmp_path, family])
    assert same(tiny.read_weights(tmp_path / "out"), tiny.read_weights(tmp_path / "last"))


def test_documents_round_trip_and_change() -> None:
    recipe = load(BOTH)
    assert recipe.opened == ("base", "a", "b", "c") and recipe.references == ("FIRST", "c")
    assert load(dump(recipe)) == recipe and dump(recipe).count("---") == 1
    changed = replace(recipe, "parameters.t", 0.5)
    assert changed.earlier == recipe.earlier and load(dump(changed)) == changed
    only = load("name: alone" + FIRST)
    assert only.name == "alone" and load(dump(only)) == only
    last = load("name: FIRST" + FIRST + "---\nname: SECOND" + SECOND)  # as mergekit: all named, the last makes the output
    assert last.name == "SECOND" and [d.name for d in last.earlier] == ["FIRST"]
    assert load(BOTH + "---\n").earlier == recipe.earlier  # nothing after the last line


REFUSED = {
    "an error in the second": (
        "name: FIRST" + FIRST + "---\nmerge_method: slerpp\n",
        "recipe, line 9: merge_method must be one of linear, ",
    ),
    "two outputs": (
        FIRST + "---" + SECOND,
        "recipe, line 9: two documents have no `name`; one makes the output.\n"
        "  Give the others a `name:`, by which they are used.",
    ),
    "a name twice": (
        "name: FIRST" + FIRST + "---\nname: FIRST" + FIRST + "---" + SECOND,
        "recipe, line 9: the name 'FIRST' is taken by an earlier document.",
    ),
    "a circle": (
        "name: FIRST" + FIRST.replace("model: a", "model: MID") + "---\nname: MID" + SECOND + "---" + SECOND,
        "recipe, line 1: FIRST needs MID needs FIRST: documents cannot need each other in a circle.",
    ),
    "no text in a name": ("name: 3" + FIRST, "recipe, line 1: name must be a name for this document; got 3."),
    "modules and models": (
        FIRST + "modules: {default: {models: [a]}}\n",
        "recipe, line 2: give one of `models:`, `slices:` and `modules:`: which models to merge.",
    ),
    "no modules": (
        "merge_method: linear\nmodules: []\n",
        "recipe, line 2: modules must map names of modules, for example text_decoder, to their `models:` or `slices:`; got [].",
    ),
    "an empty module": (
        "merge_method: linear\nmodules:\n  text_decoder: {parameters: {weight: 1}}\n",
        "recipe, line 3: modules.text_decoder: give either `models:` or `slices:`, what this module is made of.",
    ),
    "a wrong number in a module": (
        "merge_method: ties\nbase_model: base\nmodules: {default: {models: [{model: a, parameters: {density: 2}}]}}\n",
        "recipe, line 3: modules.default.models[0].parameters.density must be a number from 0 to 1; got 2.",
    ),
    "a model twice in a module": (
        "merge_method: linear\nmodules: {default: {models: [{model: a, parameters: {weight: 1}}, {model: a}]}}\n",
        "recipe, line 2: modules.default.models[1] repeats modules.default.models[0] (a); list each model once.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=list(REFUSED))
def test_refused(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        load(text)
    assert str(error.value) == message or (message.endswith(", ") and str(error.value).startswith(message))


# ------------------------------------------------------------------------------------ modules


def test_modules_by_names() -> None:
    qwen = ["model.layers.0.w", "lm_head.weight", "visual.blocks.0.w", "visual.merger.ln_q.weight", "visual.patch_embed.w"]
    assert modules(qwen) == {
        "text_decoder": ("model.layers.0.w", "lm_head.weight"), "vision_tower": ("visual.blocks.0.w", "visual.patch_embed.w"),
        "multi_modal_projector": ("visual.merger.ln_q.weight",),
    }  # fmt: skip
    assert modules(["shared.weight", "encoder.block.0.w", "decoder.block.0.w", "lm_head.weight"]) == {
        "shared": ("shared.weight",), "encoder": ("encoder.block.0.w",), "decoder": ("decoder.block.0.w", "lm_head.weight"),
    }  # fmt: skip
    assert modules(["encoder.layer.0.w", "pooler.w"]) == {"default": ("encoder.layer.0.w", "pooler.w")}  # bert
    assert modules([]) == {}


def seeing(folder: Path, seed: int) -> None:
    """A llava-like model with two layers of text, one of vision, and a projector."""
    g = torch.Generator().manual_seed(seed)
    names = {
        "language_model.model.embed_tokens.weight": (12, 4), "language_model.model.layers.0.mlp.up_proj.weight": (6, 4),
        "language_model.model.layers.1.mlp.up_proj.weight": (6, 4), "language_model.model.norm.weight": (4,),
        "language_model.lm_head.weight": (12, 4), "vision_tower.vision_model.encoder.layers.0.fc1.weight": (5, 3),
        "multi_modal_projector.linear_1.weight": (4, 3),
    }  # fmt: skip
    folder.mkdir(parents=True)
    save_file({name: torch.randn(shape, generator=g) for name, shape in names.items()}, folder / "model.safetensors")
    config = {"text_config": {"num_hidden_layers": 2}, "vision_config": {"num_hidden_layers": 1}}
    (folder / "config.json").write_text(json.dumps(config))


VISION = """
merge_method: task_arithmetic
base_model: base
parameters: {weight: 0.5, lambda: 0.9}
modules:
  text_decoder:
    slices:
      - sources: [{model: base, layer_range: [0, 2]}, {model: a, layer_range: [0, 2], parameters: {weight: 0.25}}]
      - sources: [{model: base, layer_range: [1, 2]}, {model: a, layer_range: [1, 2]}]
  vision_tower:
    models: [{model: a}]
    parameters: {weight: [{filter: fc1, value: 2.0}]}
"""


def test_modules_of_a_model_that_sees(tmp_path: Path) -> None:
    for i, name in enumerate(("base", "a")):
        seeing(tmp_path / name, i)
    recipe = load(VISION)
    assert load(dump(recipe)) == recipe and recipe.references == ("base", "a")
    done = merge(recipe, tmp_path / "out", roots=[tmp_path])
    out, base, a = (tiny.read_weights(tmp_path / name) for name in ("out", "base", "a"))
    text = "language_model.model.layers.{}.mlp.up_proj.weight".format
    factor = {name: 0.9 * 0.25 for name in base if name.startswith("language_model")}
    factor["vision_tower.vision_model.encoder.layers.0.fc1.weight"] = 0.9 * 2
    expected = {name: base[name] + f * (a[name] - base[name]) for name, f in factor.items()}
    last = 0.9 * 0.5  # norm and head belong to the last slice
    for name in ("language_model.model.norm.weight", "language_model.lm_head.weight"):
        expected[name] = base[name] + last * (a[name] - base[name])
    expected[text(2)] = base[text(1)] + last * (a[text(1)] - base[text(1)])
    assert out.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(out[name], tensor)
    assert json.loads((tmp_path / "out/config.json").read_text())["text_config"]["num_hidden_layers"] == 3
    assert json.loads((tmp_path / "out/config.json").read_text())["vision_config"]["num_hidden_layers"] == 1
    assert "module multi_modal_projector is not named: its 1 tensors are not in the output." in done.remarks
    changed = replace(recipe, "modules.vision_tower.models[0].parameters.weight", 0.0)
    plan = make_plan(changed, open_models(changed, [tmp_path]))
    assert dict(plan.job("vision_tower.vision_model.encoder.layers.0.fc1.weight").args)["weight"] == (0.0,)


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    for i, name in enumerate(("base", "a")):
        seeing(tmp_path / name, i)
    recipe = load(VISION.replace("vision_tower", "vision_towers"))
    with pytest.raises(RecipeError) as error:
        make_plan(recipe, open_models(recipe, [tmp_path]))
    assert str(error.value) == (
        "recipe: modules.vision_towers: base has no module of this name.\n"
        "  It has: text_decoder, multi_modal_projector, vision_tower.  Did you mean 'vision_tower'?"
    )
