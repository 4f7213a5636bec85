"""Slices on the page: as lanes where they are whole models, else as a picture whose blocks are moved."""

import re
from typing import Any

import pytest

import merger.ui.lanes as lanes
import merger.ui.state as state
from merger.recipe import load
from merger.ui import PRESETS
from merger.ui.studio import Studio

BASE, PIRATE, PLURAL, SPELL = (f"presets/family/{name}" for name in ("base", "pirate", "plural", "spell"))
LAYERS = 6

COPIED = f"""\
slices:
  - sources:
      - model: {PIRATE}
        layer_range: [0, {LAYERS}]
      - model: {PLURAL}
        layer_range: [0, {LAYERS}]
merge_method: slerp
base_model: {PIRATE}
parameters:
  t:
    - filter: self_attn
      value: [0, 0.5, 0.3, 0.7, 1]
    - filter: mlp
      value: [1, 0.5, 0.7, 0.3, 0]
    - value: 0.5
dtype: bfloat16
"""


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(PRESETS)


@pytest.fixture
def first(studio: Studio) -> state.Workspace:
    return state.start(studio.presets[0], studio.base, studio.parents_of_family)


def halves(method: str, ranges: str, more: str = "") -> str:
    """Two models in slices on each other, each slice with curves of its own."""
    curves = ("[1, 0.4]", "0.2"), ("0.4", "[0.3, 0.6]")
    parts = [
        f"  - sources: [{{model: {PIRATE}, layer_range: {where}, parameters: {{weight: {a}}}}}, "
        f"{{model: {PLURAL}, layer_range: {where}, parameters: {{weight: {b}}}}}]"
        for where, (a, b) in zip(re.findall(r"\[\d, \d\]", ranges), curves, strict=True)
    ]
    return f"merge_method: {method}\n{more}slices:\n" + "\n".join(parts)


# ---------------------------------------------------------------------------------------------- as lanes


def test_the_most_copied_yaml_is_two_lanes_of_t(studio: Studio, first: state.Workspace) -> None:
    there = state.with_text(first, COPIED).recipe
    bars = studio.with_bars(there)
    value, board = lanes.describe(studio.plan(bars))
    assert [lane["part"] for lane in board["lanes"]] == ["attention", "MLP"] and not board["locked"]
    assert value["lanes"]["parameters.t#attention"][1:7] == [0, 0.4, 0.38, 0.46, 0.76, 1]
    assert value["lanes"]["parameters.t#rest"][1:7] == [1, 0.6, 0.62, 0.54, 0.24, 0]
    assert studio.plan(bars).jobs == studio.plan(there).jobs


@pytest.mark.parametrize(("method", "more"), [("linear", ""), ("ties", f"base_model: {BASE}\n")])
def test_slices_that_are_whole_models_are_lanes(studio: Studio, first: state.Workspace, method: str, more: str) -> None:
    there = state.with_text(first, halves(method, "[0, 2] [2, 6]", more)).recipe
    bars = studio.with_bars(there)
    assert not bars.slices and "slices cover all layers" in bars.notes[-1]
    value, _ = lanes.describe(studio.plan(bars))
    assert value["lanes"]["models[0].parameters.weight"][1:7] == [1, 0.4, 0.4, 0.4, 0.4, 0.4]
    assert value["lanes"]["models[1].parameters.weight"][1:8] == pytest.approx([0.2, 0.2, 0.3, 0.4, 0.5, 0.6, 0.3])
    assert studio.plan(bars).jobs == studio.plan(there).jobs


@pytest.mark.parametrize("text", [
    halves("linear", "[0, 2] [3, 6]"), halves("linear", "[0, 2] [2, 5]"), halves("linear", "[0, 3] [2, 6]"),
    halves("linear", "[0, 2] [2, 6]").replace("[1, 0.4]", "[{filter: mlp, value: 1}, {value: 0}]"),
    f"merge_method: passthrough\nslices: [{{sources: [{{model: {PIRATE}, layer_range: [0, {LAYERS}]}}]}}]",
], ids=["a gap", "not all", "an overlap", "rules of one slice", "one model's layers"])  # fmt: skip
def test_all_others_stay_slices(studio: Studio, first: state.Workspace, text: str) -> None:
    there = state.with_text(first, text).recipe
    assert studio.with_bars(there) is there and load(text) == there
