"""What a redesign must not lose (the design's eleventh part): which test holds each thing, and those that no other file holds."""

import ast
import re
from typing import Any

import pytest
from browsing import ROOT

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = sync_api.expect

HELD = {
    "painting with interpolation, double press resets": "components::fast_strokes_are_interpolated_and_double_click_resets",
    "one level for all by Shift, keys": "components::keyboard_edits_and_releases",
    "ramps by the round ends": "components::handles_pull_a_ramp",
    "shapes, mirror, invert, mute, link": "components::shapes_mute_gain_and_link",
    "attention and MLP apart": "components::attention_and_mlp_are_lanes_of_their_own",
    "zoom": "components::zoom_shows_some_layers_and_works_on_them",
    "layers at a time": "components::layers_move_in_steps",
    "lock": "components::nothing_moves_a_locked_lane_or_layer",
    "keep only this layer": "components::keep_only_this_layer",
    "copy lane, half to double": "components::a_lane_is_multiplied_and_copied",
    "Surprise me": "components::the_dice_is_seeded_small_and_one_step",
    "solo": "components::solo_hears_one_model_and_gives_the_others_back",
    "reset": "components::undo_redo_reset_and_preset",
    "undo over methods and models": "ui::undo_goes_back_over_everything_and_on_again",
    "dashed second number": "must_stay::the_other_number_is_a_dashed_line",
    "hold: base": "desk::a_model_unfolds_and_the_base_is_held",
    "A to B across methods": "ui::the_fader_from_a_to_b_mixes_what_two_methods_make",
    "blind tally": "instrument::a_hunter_keeps_compares_and_restores",
    "words: probability, alternatives, why, by click and arrows": "must_stay::a_words_reasons_by_click_and_by_arrows",
    "streams, place in line": "waiting::a_place_in_line_is_told_with_each_feed",
    "Stop": "journey::stop",
    "plain continuation": "ui::a_text_can_be_gone_on_with",
    "seeds": "ui::answers_can_vary_and_the_seed_repeats_them",
    "remarks with fix buttons": "instrument::what_speaks_against_a_merge_can_be_mended",
    "ways out of a refusal": "ui::a_refused_recipe_has_a_button_that_mends_it",
    "every method with its parameters": "ui::every_method_can_be_chosen_and_left",
    "method step by step on real numbers": "instrument::a_layer_of_the_line_opens_its_tensor",
    "the strip follows the hand": "instrument::the_strip_follows_the_hand",
    "map, sweep, table": "instrument::a_sweep_is_drawn_and_its_best_point_loaded",
    "a point is loaded": "explore::a_line_is_tried_looked_at_and_loaded",
    "own questions": "explore::a_map_has_two_sliders_and_own_questions_count",
    "YAML both ways, wrong line, numbers, command": "instrument::a_researcher_writes_yaml_and_numbers",
    "a recipe's file opened and dropped": "must_stay::a_recipes_file_is_dropped_and_opened",
    "merge into a folder": "journey::download_is_the_command_lines_model",
    "sizes before a download, progress": "pick::download_then_the_page_has_them",
    "cancel, going on": "pick::cancel_and_go_on",
    "Hub: search, fit, licence": "pick::verdict_before_the_download",
    "folders": "pick::folders_of_this_computer",
    "publish, card, parents": "pick::from_a_search_to_a_repository",
    "who may publish": "pick::who_may_publish",
    "recipe in the address": "instrument::a_newcomer_plays_and_shares",
    "lanes and rows alone": "instrument::embedded_view_has_the_mixer_and_the_answers_alone",
    "a link's bound is told": "ui::a_recipe_too_long_for_a_link_says_so",
    "History across tabs, stars": "must_stay::history_is_the_same_in_two_tabs",
    "History after a reload": "instrument::history_survives_a_reload_and_restores",
    "named API": "api::ask_hears_the_merge_and_its_parents",
    "MCP": "api::mcp_tools",
    "Use via API": "waiting::a_press_on_the_dock_opens_what_speaks_against_the_merge",
    "text only": "components::hostile_names_and_tokens_stay_text",
    "dark, phone": "journey::phone_and_dark",
    "spoken sentences": "instrument::moves_and_refusals_are_said_aloud",
    "first screen without computing": "waiting::the_page_is_built_without_what_only_answers_need",
}


def test_each_has_its_test() -> None:
    """That the named tests are there; whether they hold what they say is theirs to show."""
    there: dict[str, set[str]] = {}
    for file in {held.partition("::")[0] for held in HELD.values()}:
        tree = ast.parse((ROOT / "tests" / f"test_{file}.py").read_text(encoding="utf-8"))
        there[file] = {node.name.removeprefix("test_") for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert not [held for held in HELD.values() if held.partition("::")[2] not in there[held.partition("::")[0]]]


def test_a_words_reasons_by_click_and_by_arrows(open_page: Any) -> None:
    """A press on a word keeps its reasons below the answer; arrows go on to the next, and say it; Esc takes the tip away."""
    page = open_page()
    page.says("ahoy me matey, arr!")
    card = page.page.locator(".an-card[data-lead=true]")
    tip, why = page.page.locator(".an-tip"), card.locator(".an-why")
    card.locator(".an-token").nth(1).hover()
    expect(tip).to_be_visible()
    expect(why).to_be_hidden()
    page.page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    card.locator(".an-token").nth(1).click()
    expect(why).to_contain_text("%")
    first = why.inner_text()
    page.page.mouse.move(5, 5)
    expect(why).to_have_text(first)  # it stays
    page.page.keyboard.press("ArrowRight")
    expect(why).not_to_have_text(first)
    expect(tip.locator(".an-tip-row").first).to_contain_text("%")  # what else it might have said
    page.page.keyboard.press("ArrowLeft")
    expect(why).to_have_text(first)
    page.page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


RECIPE = """merge_method: linear
models:
- {model: presets/family/spell, parameters: {weight: 1.0}}
"""
DROP = """([selector, name, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], name));
  const node = document.querySelector(selector);
  const { left, top } = node.getBoundingClientRect();
  const how = { dataTransfer, bubbles: true, cancelable: true, clientX: left + 5, clientY: top + 5 };
  return ['dragenter', 'dragover', 'drop'].map((kind) => node.dispatchEvent(new DragEvent(kind, how)));
}"""


@pytest.mark.long
def test_a_recipes_file_is_dropped_and_opened(open_page: Any, tmp_path: Any) -> None:
    """On the lanes, with every drawer closed, and into the editor, whose text it replaces; or chosen by the button."""
    page = open_page()
    page.says("ahoy me matey, arr!")
    taken = page.page.evaluate(DROP, [".mixer", "mine.yaml", RECIPE])
    assert taken[1:] == [False, False], "the browser would leave the page for the file"
    expect(page.lane("spell weight")).to_be_visible(timeout=10_000)
    text = page.page.locator("#yaml .cm-content")
    expect(text).to_contain_text("presets/family/spell")
    page.page.evaluate(DROP, ["#yaml .cm-content", "other.yml", RECIPE.replace("spell", "count")])
    expect(page.lane("count weight")).to_be_visible(timeout=10_000)
    expect(text).not_to_contain_text("spell")
    page.press("Undo")
    expect(page.lane("spell weight")).to_be_visible(timeout=10_000)
    file = tmp_path / "third.yaml"
    file.write_text(RECIPE.replace("spell", "plural"), encoding="utf-8")
    with page.page.expect_file_chooser() as chooser:
        page.press("Open a YAML file")
    chooser.value.set_files(file)
    expect(page.lane("plural weight")).to_be_visible(timeout=10_000)
    page.page.evaluate(DROP, ["#yaml .cm-content", "picture.png", "no recipe"])
    expect(page.page.get_by_text("Invalid file type: picture.png")).to_be_visible()
    expect(page.lane("plural weight")).to_be_visible()


@pytest.mark.long
def test_history_is_the_same_in_two_tabs(open_page: Any) -> None:
    """What one tab hears and stars, the other's list shows without a reload."""
    page = open_page()
    page.says("ahoy me matey, arr!")
    other = page.page.context.new_page()
    other.goto(page.page.url)
    other.get_by_role("tab", name="History", exact=True).click()
    items = other.locator(".hi-item")
    before = items.count()
    page.preset("Only the biggest changes")
    page.says("r-o-b-o-t")
    expect(items).to_have_count(before + 1, timeout=10_000)
    page.tab("History")
    page.page.get_by_role("button", name=re.compile("^Star: ties")).click()
    expect(other.get_by_role("button", name=re.compile("^Take the star off: ties"))).to_be_visible(timeout=10_000)


def test_the_other_number_is_a_dashed_line(open_page: Any) -> None:
    """Weights' lanes show the kept shares too: painting those, with weights as they were, draws the weights' lane anew."""
    page = open_page()
    page.preset("Only the biggest changes")
    page.says("r-o-b-o-t")
    picture = "() => document.querySelector('.mixer .mx-track canvas').toDataURL()"
    page.page.get_by_role("button", name="Amount", exact=True).click()
    lane = page.page.get_by_role("slider", name=re.compile(" weight$")).first
    expect(lane).to_be_visible()
    page.page.wait_for_timeout(300)
    before, told = page.page.evaluate(picture), re.match(r".*weight [\d.]+", lane.get_attribute("aria-valuetext"))[0]
    page.page.get_by_role("button", name="Kept", exact=True).click()
    kept = page.page.get_by_role("slider", name=re.compile(" density$")).first
    kept.focus()
    page.page.keyboard.press("Home")
    page.page.keyboard.press("ArrowUp")
    page.page.wait_for_timeout(600)
    page.page.get_by_role("button", name="Amount", exact=True).click()
    expect(lane).to_have_attribute("aria-valuetext", re.compile(re.escape(told)))
    page.page.wait_for_timeout(300)
    assert page.page.evaluate(picture) != before
