"""Plans made again after a move: only the jobs whose numbers changed are decided, and the plan is the one made from nothing."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny
from conftest import as_text, rich_recipe

from merger.engine import plan as planning
from merger.engine.plan import Plan, make_plan
from merger.engine.session import Parents
from merger.errors import RecipeError
from merger.methods import METHODS
from merger.recipe import Recipe, load, replace


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """No plan of another test is remembered."""
    planning._FRAMES.clear()
    yield
    planning._FRAMES.clear()


def anew(recipe: Recipe, parents: Parents) -> Plan:
    """The plan made with nothing remembered."""
    known = dict(planning._FRAMES)
    planning._FRAMES.clear()
    try:
        return make_plan(recipe, parents.open(recipe))
    finally:
        planning._FRAMES.update(known)


@pytest.mark.parametrize("method", METHODS)
def test_a_walk_of_moves_gives_the_plans_made_anew(method: str, tmp_path: Path) -> None:
    """Constants, curves and filters in any order; what does not change is the very same object."""
    tiny.make_family(tmp_path, models=("base", "a", "b", "c"))
    parents, dice = Parents(roots=[tmp_path]), random.Random(method)
    recipe = load(as_text(rich_recipe(METHODS[method])))
    before = make_plan(recipe, parents.open(recipe))
    names = [p for p in METHODS[method].params if p.kind == "float"]
    if not names:
        return
    for _ in range(12):
        param = dice.choice(names)
        low, high = (max(0.1, param.slider[0]), param.slider[1] * 0.9)
        value = [dice.uniform(low, high) for _ in range(3)]
        where = dice.choice(("layers.1.", "mlp", "norm", "embed"))
        rules = dice.choice((value[0], value, [{"filter": where, "value": value[0]}, {"value": value[1]}]))
        path = f"models[{dice.randrange(len(recipe.models))}].parameters" if param.per_model else "parameters"
        moved = replace(recipe, f"{path}.{param.name}", rules)
        other = dice.choice(names)
        path = f"models[{len(recipe.models) - 1}].parameters" if other.per_model else "parameters"
        moved = replace(moved, f"{path}.{other.name}", max(0.1, other.slider[0]) * dice.uniform(1, 1.2))  # two at once
        try:
            wanted = anew(moved, parents)
        except RecipeError as error:  # numbers that do not go together
            with pytest.raises(RecipeError) as again:
                make_plan(moved, parents.open(moved))
            assert str(again.value) == str(error)
            continue
        recipe, plan = moved, make_plan(moved, parents.open(moved))
        assert plan == wanted
        for job, old in zip(plan.jobs, before.jobs, strict=True):
            assert (job is old) == (job == old)
        before = plan


def test_one_layers_move_decides_that_layer_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.make_family(tmp_path)
    parents = Parents(roots=[tmp_path])
    recipe = load(as_text(rich_recipe(METHODS["ties"])))
    make_plan(recipe, parents.open(recipe))
    seen: list[str] = []
    arguments = planning._arguments
    monkeypatch.setattr(planning, "_arguments", lambda row, *rest: seen.append(row.name) or arguments(row, *rest))
    rules = [{"filter": "layers.2.", "value": 0.111}, *[{"value": v} for v in (0.55,)]]
    moved = replace(recipe, "models[1].parameters.density", rules)
    make_plan(moved, parents.open(moved))
    seen.clear()
    rules[0] = {"filter": "layers.2.", "value": 0.222}
    last = replace(recipe, "models[1].parameters.density", rules)
    make_plan(last, parents.open(last))
    assert seen and all(".layers.2." in name for name in seen)
    seen.clear()
    assert make_plan(last, parents.open(last)).jobs == anew(last, parents).jobs
    rules[0] = {"filter": "layers.2.", "value": 0.333}
    both = replace(last, "models[1].parameters.density", rules)
    both = replace(both, "models[0].parameters.weight", [{"filter": "layers.1.", "value": 0.5}, {"value": 0.7}])
    make_plan(both, parents.open(both))
    rules[0] = {"filter": "layers.2.", "value": 0.444}
    both = replace(both, "models[1].parameters.density", rules)
    both = replace(both, "models[0].parameters.weight", [{"filter": "layers.1.", "value": 0.4}, {"value": 0.7}])
    assert make_plan(both, parents.open(both)).jobs == anew(both, parents).jobs  # each layer by its own move


def test_what_is_not_a_number_is_planned_anew(tmp_path: Path) -> None:
    """Another dtype, method, seed, order of models, policy, or other files of the same names."""
    tiny.make_family(tmp_path / "1")
    tiny.make_family(tmp_path / "2", layers=6)
    parents = Parents(roots=[tmp_path / "1"])
    document = rich_recipe(METHODS["ties"])
    plain = load(as_text(document))
    make_plan(plain, parents.open(plain))
    turned = document | {"models": document["models"][::-1]}
    for change in (document | {"dtype": "bfloat16"}, document | {"seed": 5}, document | {"merge_method": "dare_ties"}, turned):
        recipe = load(as_text(change))
        assert make_plan(recipe, parents.open(recipe)) == anew(recipe, parents) != make_plan(plain, parents.open(plain))
    others = Parents(roots=[tmp_path / "2"])
    assert make_plan(plain, others.open(plain)) == anew(plain, others)
    assert len(make_plan(plain, others.open(plain)).jobs) > len(make_plan(plain, parents.open(plain)).jobs)
    for n in range(20):
        recipe = load(as_text(document | {"seed": n}))
        make_plan(recipe, parents.open(recipe))
    assert len(planning._FRAMES) <= 8


def test_moves_where_models_are_left_out_or_in_slices(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", "a", "b"))
    tiny.make_family(tmp_path / "x", models=("base", "c"), vocab=20)
    parents = Parents(roots=[tmp_path, tmp_path / "x"])
    skipped = load("""{on_mismatch: skip, merge_method: ties, base_model: base, models: [{model: a, parameters: {weight: 1}},
      {model: c, parameters: {weight: 1}}, {model: b, parameters: {weight: 1}}]}""")
    one = "{sources: [{model: a, layer_range: [0, 2], parameters: {weight: 1}}, {model: b, layer_range: [0, 2]}]}"
    two = "{sources: [{model: a, layer_range: [1, 3], parameters: {weight: 3}}, {model: b, layer_range: [2, 4]}]}"
    sliced = load(f"{{merge_method: linear, parameters: {{weight: 1}}, slices: [{one}, {two}]}}")
    for recipe, path in ((skipped, "models[{}].parameters.weight"), (sliced, "slices[1].sources[{}].parameters.weight")):
        make_plan(recipe, parents.open(recipe))
        assert planning._FRAMES
        for i in (1, 0, 1):
            recipe = replace(recipe, path.format(i), 0.3 + i)
            again = make_plan(recipe, parents.open(recipe))
            assert again == anew(recipe, parents)
    assert any(job.parents == (0, 2) for job in make_plan(skipped, parents.open(skipped)).jobs)
