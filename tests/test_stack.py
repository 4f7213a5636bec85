"""Slices on the page: as lanes where they are whole models, else as a picture whose blocks are moved."""

import json
import re
from typing import Any

import pytest

import merger.ui.lanes as lanes
import merger.ui.workspace as workspace
from merger.errors import RecipeError
from merger.methods import METHODS
from merger.recipe import load
from merger.ui import PRESETS, Panels, blocks
from merger.ui.studio import Studio

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

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
def first(studio: Studio) -> workspace.Workspace:
    return workspace.start(studio.presets[0], studio.base, studio.parents_of_family)


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


def test_the_most_copied_yaml_is_two_lanes_of_t(studio: Studio, first: workspace.Workspace) -> None:
    there = workspace.with_text(first, COPIED).recipe
    bars = studio.with_bars(there)
    value, board = lanes.describe(studio.plan(bars))
    assert [lane["part"] for lane in board["lanes"]] == ["attention", "MLP"] and not board["locked"]
    assert value["lanes"]["parameters.t#attention"][1:7] == [0, 0.4, 0.38, 0.46, 0.76, 1]
    assert value["lanes"]["parameters.t#rest"][1:7] == [1, 0.6, 0.62, 0.54, 0.24, 0]
    assert studio.plan(bars).jobs == studio.plan(there).jobs


@pytest.mark.parametrize(("method", "more"), [("linear", ""), ("ties", f"base_model: {BASE}\n")])
def test_slices_that_are_whole_models_are_lanes(studio: Studio, first: workspace.Workspace, method: str, more: str) -> None:
    there = workspace.with_text(first, halves(method, "[0, 2] [2, 6]", more)).recipe
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
def test_all_others_stay_slices(studio: Studio, first: workspace.Workspace, text: str) -> None:
    there = workspace.with_text(first, text).recipe
    assert studio.with_bars(there) is there and load(text) == there


# ---------------------------------------------------------------------------------------------- as a picture

FRANKEN = f"""\
merge_method: passthrough
slices:
- sources: [{{model: {PIRATE}, layer_range: [0, 3]}}]
- sources: [{{model: {PLURAL}, layer_range: [2, 5]}}]
- sources: [{{model: {PIRATE}, layer_range: [3, 6]}}]
"""
MIXED = f"""\
merge_method: linear
slices:
- sources: [{{model: {PIRATE}, layer_range: [0, 4], parameters: {{weight: [0.2, 0.6]}}}},
            {{model: {PLURAL}, layer_range: [0, 4], parameters: {{weight: 0.3}}}}]
- sources: [{{model: {PIRATE}, layer_range: [2, 6], parameters: {{weight: 1}}}},
            {{model: {SPELL}, layer_range: [2, 6], parameters: {{weight: 0.5}}}}]
"""
KNOWN = (blocks.Source(PIRATE, 6), blocks.Source(PLURAL, 6), blocks.Source(SPELL, 6))


def board_of(studio: Studio, work: workspace.Workspace, text: str) -> tuple[workspace.Workspace, dict[str, Any]]:
    """The desk after a pasted recipe, and the board of its stack."""
    drawn = Panels(studio).recipe.use_text(work, text, None)
    return drawn["work"], json.loads(drawn["stack"]["board"])


def test_a_stack_is_told(studio: Studio, first: workspace.Workspace) -> None:
    work, board = board_of(studio, first, FRANKEN)
    names = [model["name"] for model in board["models"]]
    assert names[:2] == ["pirate", "plural"] and {"spell", "mirror", "base"} <= {*names}
    assert [block["sources"] for block in board["blocks"]] == [[[0, 0, 3]], [[1, 2, 5]], [[0, 3, 6]]]
    assert board["foot"] == "9 layers from 2 models of 6. 1.8M weights instead of 1.2M. Layers 3–5 run twice, from 2 models."
    assert board["can_undo"] and not any(block["numbers"] for block in board["blocks"])
    again = FRANKEN.replace(PLURAL, PIRATE)
    assert board_of(studio, first, again)[1]["foot"].endswith("Layers 3–5 of pirate run twice.")
    assert board_of(studio, first, COPIED)[1]["blocks"] == []  # lanes
    assert work.recipe == load(FRANKEN)


def test_a_block_that_mixes_has_its_numbers(studio: Studio, first: workspace.Workspace) -> None:
    _, board = board_of(studio, first, MIXED)
    numbers = [[(n["path"], n["label"], n["value"]) for n in block["numbers"]] for block in board["blocks"]]
    assert numbers[0] == [
        ("slices[0].sources[0].parameters.weight", "pirate: How much", 0.4),
        ("slices[0].sources[1].parameters.weight", "plural: How much", 0.3),
    ]
    recipe = blocks.edited(load(MIXED), {"set": numbers[0][0][0], "to": 0.7}, KNOWN)
    assert recipe == load(MIXED.replace("[0.2, 0.6]", "0.7"))
    _, slerp = board_of(studio, first, COPIED.replace(f"[0, {LAYERS}]", "[0, 4]"))
    assert [n["path"] for n in slerp["blocks"][0]["numbers"]] == ["slices[0].parameters.t"]


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_that_takes_slices_has_its_picture(studio: Studio, first: workspace.Workspace, method: str) -> None:
    """Its board, and the recipe of the same blocks, which is the same; no numbers that it does not know."""
    kind = METHODS[method]
    names = [PIRATE, PLURAL, SPELL][: min(3, kind.models[1] or 3)]
    entries = ", ".join(
        f"{{model: {name}, layer_range: [{at}, {at + 3}]"
        + (", parameters: {weight: 0.5}}" if (weight := kind.param("weight")) and weight.per_model else "}")
        for at in (1,) for name in names
    )  # fmt: skip
    base = {"none": "", "first": f"base_model: {PIRATE}\n"}.get(kind.base, f"base_model: {BASE}\n")
    own = "".join(f"  {p.name}: 0.5\n" for p in kind.params if p.required and not p.per_model)
    text = f"merge_method: {method}\n{base}{'parameters:' + chr(10) + own if own else ''}slices:\n- sources: [{entries}]\n"
    work, board = board_of(studio, first, text)
    [block] = board["blocks"]
    assert [source[1:] for source in block["sources"]] == [[1, 4]] * len(names), method
    known = [blocks.Source(model["full"], model["layers"]) for model in board["models"]]
    assert blocks.edited(work.recipe, {"blocks": board["blocks"]}, known) == work.recipe
    for number in block["numbers"]:
        assert blocks.edited(work.recipe, {"set": number["path"], "to": number["value"]}, known).slices
    assert bool(block["numbers"]) == (
        len(names) > 1 and any(p.kind == "float" and (p.per_model or p.required) for p in kind.params)
    )


def test_moved_blocks_are_the_recipe(studio: Studio) -> None:
    sent = {"blocks": [{"of": 1, "sources": [[1, 1, 5]]}, {"of": 0, "sources": [[2, 0, 1]]}, {"of": 0, "sources": [[0, 5, 6]]}]}
    made = blocks.edited(load(FRANKEN), sent, KNOWN)
    assert [(p.sources[0].model, p.sources[0].layer_range) for p in made.slices] == [
        (PLURAL, (1, 5)), (SPELL, (0, 1)), (PIRATE, (5, 6))
    ]  # fmt: skip
    kept = blocks.edited(load(MIXED), {"blocks": [{"of": 1, "sources": [[1, 0, 2], [2, 1, 3]]}]}, KNOWN)
    assert kept.slices[0].sources[1].parameters == load(MIXED).slices[1].sources[1].parameters


@pytest.mark.parametrize(("value", "why"), [
    (None, "takes a list of 1 to 512 blocks"), ({"blocks": []}, "takes a list"), ({"blocks": "x" * 99}, "takes a list"),
    ({"blocks": [{"of": 0, "sources": [[0, 0, 1]]}] * 513}, "takes a list"),
    ({"blocks": [{"of": 9, "sources": [[0, 0, 1]]}]}, "block 1 must say which of the 3 slices"),
    ({"blocks": [{"of": True, "sources": [[0, 0, 1]]}]}, "block 1 must say"), ({"blocks": [7]}, "block 1 must say"),
    ({"blocks": [{"of": 0, "sources": []}]}, "block 1 takes 1 source"),
    ({"blocks": [{"of": 0, "sources": [[3, 0, 1]]}]}, "is [model, first layer, end], of 3 models"),
    ({"blocks": [{"of": 0, "sources": [[0, 0.5, 1]]}]}, "is [model, first"),
    ({"blocks": [{"of": 0, "sources": [{}]}]}, "is [model"),
    ({"blocks": [{"of": 0, "sources": [[0, 2, 2]]}]}, "within 0 and 6, at least one"),
    ({"blocks": [{"of": 0, "sources": [[0, -1, 2]]}]}, "within 0 and 6"),
    ({"blocks": [{"of": 0, "sources": [[0, 0, 7]]}]}, "within 0 and 6"),
    ({"set": "slices[0].sources[0].model", "to": "x"}, "no such number"), ({"set": [1], "to": 1}, "no such number"),
    ({"set": "slices[0].parameters.scale", "to": 1}, "no such number"),
])  # fmt: skip
def test_what_no_page_sends_is_refused_in_a_sentence(value: Any, why: str) -> None:
    with pytest.raises(RecipeError) as refused:
        blocks.edited(load(FRANKEN), value, KNOWN)
    assert why in str(refused.value) and str(refused.value).startswith("The stack: ") and str(refused.value).endswith(".")


def test_numbers_that_are_none_are_refused() -> None:
    for number in (None, "1", True, float("nan"), float("inf"), [1]):
        with pytest.raises(RecipeError, match="weight takes a number"):
            blocks.edited(load(MIXED), {"set": "slices[0].sources[0].parameters.weight", "to": number}, KNOWN)
    with pytest.raises(RecipeError, match="no slices"):
        blocks.edited(load(f"{{merge_method: linear, models: [{{model: {PIRATE}, parameters: {{weight: 1}}}}]}}"), {}, KNOWN)


def test_a_refused_stack_is_taken_back(studio: Studio, first: workspace.Workspace) -> None:
    on = Panels(studio)
    pasted = on.recipe.use_text(first, FRANKEN, None)
    work, board = pasted["work"], json.loads(pasted["stack"]["board"])
    drawn = on.stack.release(work, {"blocks": [{"of": 0, "sources": [[0, 0, 99]]}]}, None)
    assert drawn["notice"]["visible"] and drawn["work"].recipe == work.recipe
    again = json.loads(drawn["stack"]["board"])
    assert again["blocks"] == board["blocks"] and again["turn"] != board["turn"]  # else no page would hear of it


# ---------------------------------------------------------------------------------------------- in a browser


@pytest.mark.long
def test_a_frankenmerge_pasted_is_a_picture(open_page: Any) -> None:
    """A border is moved by keys and by hand, Undo takes it back, the recipe's text follows, and every one is answered."""
    page = open_page()
    page.page.goto(f"{page.page.url.partition('?')[0]}?__theme=light&r={workspace.link(load(FRANKEN))}")
    listed = page.page.get_by_role("listbox", name="Blocks of your merge")
    expect(listed.get_by_role("option")).to_have_count(3, timeout=15_000)
    expect(page.page.locator("#mixer")).to_be_hidden()
    page.says("ahoy me matey, arr!")
    foot = page.page.locator(".st-foot")
    expect(foot).to_contain_text("9 layers")
    listed.focus()
    for key in ("ArrowDown", "{", "{"):
        page.page.keyboard.press(key)
    expect(listed.get_by_role("option", selected=True)).to_have_attribute("aria-label", "block 2 of 3: plural, 3")
    expect(foot).to_contain_text("7 layers", timeout=10_000)  # one edit, of two keys
    expect(page.page.locator(".rw-row .rw-answer").first).to_have_text(re.compile("."))
    page.tab("Recipe")
    expect(page.page.locator("#yaml")).to_contain_text("[2, 3]")
    page.tab("Close")
    page.page.locator(".stack").get_by_role("button", name="Undo").click()
    expect(foot).to_contain_text("9 layers", timeout=10_000)
    grip = page.page.locator(".st-border[data-border='0']").bounding_box()
    unit = page.page.locator(".st-block").first.bounding_box()["height"] / 3
    page.page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.page.mouse.down()
    page.page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2 + unit, steps=5)
    page.page.mouse.up()
    expect(listed.get_by_role("option").first).to_have_attribute("aria-label", "block 1 of 3: pirate, 1–4")
    expect(listed.get_by_role("option").nth(1)).to_have_attribute("aria-label", "block 2 of 3: plural, 4–5")
    page.page.get_by_role("combobox", name="Source 1 of block 1").select_option("spell")
    expect(listed.get_by_role("option").first).to_have_attribute("aria-label", "block 1 of 3: spell, 1–4")
    page.page.get_by_role("button", name="Remove block 1").click()
    expect(listed.get_by_role("option")).to_have_count(2)
    expect(foot).to_contain_text("5 layers", timeout=10_000)
    page.preset("Three in one")
    expect(page.page.locator("#stack")).to_be_hidden()
    expect(page.lane("pirate weight")).to_be_visible()
