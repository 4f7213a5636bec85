"""One architecture under two prefixes is one architecture: its tensors are matched, and read from where they are."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import make_family, read_weights

from merger.engine.batch import merge
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.engine.session import Parents, Session
from merger.errors import CheckpointError
from merger.files.prefixes import bare
from merger.recipe import load

RECIPE = "merge_method: task_arithmetic\nbase_model: @/base\nmodels:\n  - {model: @/%s, parameters: {weight: 0.5}}\n"


def under(source: Path, other: Path, rename: Callable[[str], str]) -> Path:
    """A copy of a model with other names."""
    shutil.copytree(source, other)
    tensors = read_weights(source)
    for file in other.glob("*.safetensors*"):
        file.unlink()
    save_file({rename(name): value for name, value in tensors.items()}, other / "model.safetensors")
    return other


OTHERS: dict[str, Callable[[str], str]] = {
    "bare": lambda n: n.removeprefix("model."),
    "compiled": lambda n: f"_orig_mod.{n}",
    "part_compiled": lambda n: n.replace(".self_attn.", "._orig_mod.self_attn."),
    "language": lambda n: n.replace("model.", "model.language_model.", 1),
    "language_first": lambda n: f"language_model.{n}",
    "trainer": lambda n: f"module.{n}",
    "peft": lambda n: f"base_model.model.{n}",
}


@pytest.mark.parametrize("other", OTHERS)
def test_the_merge_is_that_of_the_same_model_under_the_bases_names(other: str, tmp_path: Path) -> None:
    make_family(tmp_path)
    under(tmp_path / "a", tmp_path / "x", OTHERS[other])
    for name, out in (("a", "wanted"), ("x", "out")):
        merge(load((RECIPE % name).replace("@", str(tmp_path))), tmp_path / out)
    wanted, found = read_weights(tmp_path / "wanted"), read_weights(tmp_path / "out")
    assert wanted.keys() == found.keys() and all(torch.equal(wanted[n], found[n]) for n in wanted)


def test_moves_of_a_session_go_on_with_the_plan_before(tmp_path: Path) -> None:
    make_family(tmp_path)
    under(tmp_path / "a", tmp_path / "x", OTHERS["bare"])
    recipe = load((RECIPE % "x").replace("@", str(tmp_path)))
    session, parents = Session(Parents()), Parents()
    session.apply(recipe)
    first = parents.open(recipe)
    assert parents.open(recipe)[str(tmp_path / "x")] is first[str(tmp_path / "x")]  # so that a plan is not made anew
    moved = load((RECIPE % "x").replace("@", str(tmp_path)).replace("0.5", "0.9"))
    assert session.apply(moved)
    merge(moved, tmp_path / "out")
    written = read_weights(tmp_path / "out")
    assert all(torch.equal(value, written[name]) for name, value in session.tensors.items())


def test_the_user_is_told(tmp_path: Path) -> None:
    make_family(tmp_path)
    under(tmp_path / "a", tmp_path / "x", OTHERS["compiled"])
    recipe = load((RECIPE % "x").replace("@", str(tmp_path)))
    (told,) = [remark for remark in make_plan(recipe, open_models(recipe)).remarks if "prefix" in remark]
    assert "tensors have another prefix there; they are matched by what follows it" in told and str(tmp_path / "x") in told


def test_the_first_model_counts_where_there_is_no_base(tmp_path: Path) -> None:
    make_family(tmp_path)
    under(tmp_path / "a", tmp_path / "x", OTHERS["bare"])
    text = f"merge_method: linear\nparameters: {{weight: 0.5}}\nmodels: [{tmp_path}/x, {tmp_path}/b]\n"
    recipe = load(text)
    assert {job.name for job in make_plan(recipe, open_models(recipe)).jobs} == load_file(tmp_path / "x/model.safetensors").keys()


def test_a_lora_stays_on_its_tensor(tmp_path: Path) -> None:
    make_family(tmp_path)
    under(tmp_path / "a", tmp_path / "x", OTHERS["language_first"])
    adapter = tmp_path / "lora"
    adapter.mkdir()
    for prefix in ("", "language_model."):
        name = f"base_model.model.{prefix}model.layers.1.self_attn.o_proj"
        save_file(
            {f"{name}.lora_A.weight": torch.ones(2, 8), f"{name}.lora_B.weight": torch.ones(8, 2)},
            adapter / "adapter_model.safetensors",
        )
        settings = {"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["o_proj"]}
        (adapter / "adapter_config.json").write_text(json.dumps(settings))
        model, out = ("x", "out") if prefix else ("a", "wanted")
        merge(load((RECIPE % f"{model}+{adapter}").replace("@", str(tmp_path))), tmp_path / out)
    wanted, found = read_weights(tmp_path / "wanted"), read_weights(tmp_path / "out")
    assert wanted.keys() == found.keys() and all(torch.equal(wanted[n], found[n]) for n in wanted)


def test_another_architecture_is_left_as_it_is(tmp_path: Path) -> None:
    make_family(tmp_path)
    other = OTHERS["bare"]
    under(tmp_path / "a", tmp_path / "x", lambda n: other(n.replace("mlp", "ffn").replace("self_attn", "attention")))
    recipe = load((RECIPE % "x").replace("@", str(tmp_path)))
    with pytest.raises(CheckpointError, match="do not share one architecture"):
        make_plan(recipe, open_models(recipe))
    models = open_models(recipe)
    assert not any(model.renamed for model in models.values())


def test_two_names_that_become_one_are_refused_with_the_reason(tmp_path: Path) -> None:
    make_family(tmp_path)
    under(tmp_path / "a", tmp_path / "x", OTHERS["bare"])
    tensors = load_file(tmp_path / "x/model.safetensors")
    save_file(tensors | {"language_model.norm.weight": tensors["norm.weight"] + 0}, tmp_path / "x/model.safetensors")
    recipe = load((RECIPE % "x").replace("@", str(tmp_path)))
    with pytest.raises(CheckpointError, match="only the prefix of its tensors' names differs") as told:
        open_models(recipe)
    assert "two are called norm.weight: language_model.norm.weight, norm.weight, model.norm.weight" in str(told.value)


def test_text_alone_against_a_model_that_sees(tmp_path: Path) -> None:
    """The text's tensors are matched; what sees has no counterpart, and that is what is said."""
    make_family(tmp_path)
    seeing = under(tmp_path / "a", tmp_path / "x", OTHERS["language"])
    tensors = load_file(seeing / "model.safetensors")
    save_file(tensors | {"model.vision_tower.blocks.0.norm.weight": torch.ones(3)}, seeing / "model.safetensors")
    recipe = load((RECIPE % "x").replace("@", str(tmp_path)))
    plan = make_plan(recipe, open_models(recipe))
    assert {job.name for job in plan.jobs} == read_weights(tmp_path / "base").keys()
    models = f"models: [{{model: {tmp_path}/b, parameters: {{weight: 1}}}}]\n"
    other = load(f"merge_method: task_arithmetic\nbase_model: {seeing}\n{models}")
    with pytest.raises(CheckpointError, match=r"^model\.vision_tower\.blocks\.0\.norm\.weight: not in every model"):
        make_plan(other, open_models(other))


def test_what_is_left_of_a_name() -> None:
    assert bare("layers.0.a.weight") == bare("_orig_mod.model.language_model.layers.0.a.weight") == "layers.0.a.weight"
    assert bare("model.vision_tower.a.weight") == bare("vision_tower.a.weight") != bare("model.a.weight")
    assert bare("lm_head.weight") == "lm_head.weight" and bare("model.weight") == "model.weight"
