"""Crossfade and blend: recipes made from recipes, proved on the tensors they merge."""

from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import as_text, rich_recipe
from torch import Tensor

from merger.engine.session import Parents, Session
from merger.errors import RecipeError
from merger.methods import METHODS
from merger.recipe import Recipe, dump, load
from merger.recipe.between import blend, crossfade

TWO = "{merge_method: task_arithmetic, base_model: base, models: [{model: a, parameters: {weight: %s}}, " \
      "{model: b, parameters: {weight: %s}}]}"  # fmt: skip


def two(first: Any, second: Any) -> Recipe:
    return load(TWO % (as_text(first), as_text(second)))


@pytest.fixture
def session(family: Path) -> Session:
    return Session(Parents(roots=[family]))


def merged(session: Session, recipe: Recipe) -> dict[str, Tensor]:
    session.apply(recipe)
    return {name: value.clone() for name, value in session.tensors.items()}


def numbers(session: Session, recipe: Recipe) -> dict[str, dict[str, Any]]:
    """What each tensor's job was told."""
    return {job.name: dict(job.args) for job in session.prepare(recipe)[0].jobs if job.method is not None}


def lowered(values: Any) -> Any:
    """A recipe's document with all its fractions a little smaller."""
    if isinstance(values, dict):
        return {key: lowered(value) for key, value in values.items()}
    if isinstance(values, list):
        return [lowered(value) for value in values]
    return values * 0.97 if isinstance(values, float) else values


CURVES = [
    (0.2, 0.8),
    ([0, 1], 0.5),
    ([0, 1], [1, 0.2, 0.7]),
    ([0.1, 0.2, 0.3, 0.4], [1, 0]),
    ([{"filter": "mlp", "value": [0, 1]}, {"value": 0.3}], 0.9),
    ([{"filter": "mlp", "value": 0.1}, {"value": 0.3}], [{"filter": "mlp.up_proj", "value": [1, 0]}, {"value": 0.6}]),
    ([{"filter": "mlp", "value": 0.1}, {"value": 0.3}], [{"filter": "self_attn", "value": 1}, {"value": [0.6, 0.1]}]),
    ([{"filter": "layers.2.", "value": 0.1}, {"value": 0.3}], [{"filter": "self_attn", "value": 1}, {"value": [0.6, 0.1]}]),
]


@pytest.mark.parametrize(("one", "other"), CURVES)
def test_between_two_recipes_every_tensor_gets_the_number_between(session: Session, one: Any, other: Any) -> None:
    a, b = two(one, 0.5), two(other, 1.0)
    names = [job.name for job in session.prepare(a)[0].jobs]
    from_a, from_b = numbers(session, a), numbers(session, b)
    for t in (0.25, 0.6):
        got = numbers(session, crossfade(a, b, t, names))
        for name in names:
            for i in (0, 1):
                wanted = (1 - t) * from_a[name]["weight"][i] + t * from_b[name]["weight"][i]
                assert got[name]["weight"][i] == pytest.approx(wanted, abs=2e-6), (name, i, t)


def test_curves_of_any_lengths_meet_exactly_in_models_of_any_depth() -> None:
    a, b = two([0, 1, 0], 0.5), two([1, 0, 0.2, 0.9], 0.5)
    mixed = crossfade(a, b, 0.25)
    one, other, got = (dict(recipe.models[0].parameters)["weight"] for recipe in (a, b, mixed))
    for layers in (1, 2, 4, 7, 32):
        for layer in range(layers):
            wanted = 0.75 * one.at("", layer, layers) + 0.25 * other.at("", layer, layers)
            assert got.at("", layer, layers) == pytest.approx(wanted, abs=2e-6)
    with pytest.raises(RecipeError, match="do not fit one curve"):
        crossfade(two([0, 1] * 100, 1), two([1, 0] * 99, 1), 0.5)


@pytest.mark.parametrize("name", METHODS)
def test_the_ends_of_a_crossfade_are_the_two_recipes_bit_for_bit(session: Session, name: str) -> None:
    a = load(as_text(rich_recipe(METHODS[name])))
    b = load(as_text(lowered(rich_recipe(METHODS[name]))))
    assert crossfade(a, b, 0) == a and crossfade(a, b, 1) == b
    names = [job.name for job in session.prepare(a)[0].jobs]
    near = numbers(session, crossfade(a, b, 1e-9, names))
    for tensor, args in numbers(session, a).items():
        for key, value in args.items():
            assert near[tensor][key] == (pytest.approx(value, abs=1e-5) if isinstance(value, (float, tuple)) else value), key


def test_a_crossfade_of_merges_moves_their_weights_evenly(session: Session) -> None:
    """Task arithmetic is linear in its weights: half way between the recipes is half way between the models."""
    a, b = two(0.2, [1, 0]), two([0, 1, 0], 0.4)
    half, one, other = (merged(session, r) for r in (crossfade(a, b, 0.5), a, b))
    for name in half:
        torch.testing.assert_close(half[name], (one[name] + other[name]) / 2)


def test_defaults_take_part_and_switches_change_in_the_middle(session: Session) -> None:
    a = load("{merge_method: ties, base_model: base, models: [a, b], parameters: {weight: 1, density: 0.2, normalize: false}}")
    b = load("{merge_method: ties, base_model: base, models: [b, a], parameters: {weight: 1}, seed: 5}")
    early, late = crossfade(a, b, 0.25), crossfade(a, b, 0.75)
    assert next(iter(numbers(session, early).values()))["density"] == pytest.approx((0.4, 0.4))
    assert next(iter(numbers(session, early).values()))["normalize"] is False and early.seed == 0
    assert next(iter(numbers(session, late).values()))["normalize"] is True and late.seed == 5


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("{merge_method: ties, base_model: base, models: [a, b], parameters: {weight: 1}}", "no numbers in common"),
        ("{merge_method: task_arithmetic, base_model: c, models: [a, b], parameters: {weight: 1}}", "other bases: base and c"),
        (
            "{merge_method: task_arithmetic, base_model: base, models: [a, c], parameters: {weight: 1}}",
            "Add b to the second recipe, c to the first recipe with weight 0",
        ),
    ],
)
def test_what_cannot_be_mixed_says_what_to_do(other: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words) as told:
        crossfade(two(0.5, 0.5), load(other), 0.5)
    assert "merge_method: linear" in str(told.value)
    with pytest.raises(RecipeError, match="from 0"):
        crossfade(two(0, 0), two(1, 1), 1.5)
    far = [{"filter": "mlp", "value": 0.1}, {"value": 1}], [{"filter": "layers.2.", "value": 0.1}, {"value": 0}]
    with pytest.raises(RecipeError, match=r"models\[0\].parameters.weight: the filters 'mlp' and 'layers.2.' may meet"):
        crossfade(two(far[0], 1), two(far[1], 1), 0.5)


def test_a_blend_averages_what_any_two_recipes_make(session: Session) -> None:
    a = two(0.3, [1, 0])
    b = load("{merge_method: ties, base_model: base, models: [{model: c, parameters: {weight: 1, density: 0.4}}, b], "
             "parameters: {weight: 0.5}}")  # fmt: skip
    mixed = blend(a, b, 0.25)
    assert load(dump(mixed)) == mixed and blend(a, b, 0) == a and blend(a, b, 1) == b
    got, one, other = (merged(session, r) for r in (mixed, a, b))
    for name in got:
        torch.testing.assert_close(got[name], 0.75 * one[name] + 0.25 * other[name])
    again = blend(mixed, a, 0.5)  # a blend of a blend: names do not collide
    for name, value in merged(session, again).items():
        torch.testing.assert_close(value, (got[name] + one[name]) / 2)
