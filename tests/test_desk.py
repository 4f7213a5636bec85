"""The desk in a real browser: nothing essential ever leaves the screen, answers stay, strokes are seen, keys do it all."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browsing import ROOT, Page, seen, serve
from tiny import make_family

from merger.recipe import load
from merger.ui.service.answers import Answers
from merger.ui.studio import GREEDY, Manner
from merger.ui.workspace import link

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = sync_api.expect
SLOW = 60_000  # ms: the first answers wait for the models

SIZES = ((1280, 860), (390, 844), (1920, 1080), (640, 430), (360, 640), (1024, 768))
TOYS = ("pirate", "plural", "spell", "count", "story", "mirror")
ANSWERS, TRACKS = ".rw-row .rw-merge", ".mixer [role=slider]"


def cell(page: Page, number: int) -> Any:
    """The merge's answer in a row, from 1."""
    return page.page.locator(ANSWERS).nth(number - 1)


def prompts(page: Page) -> list[str]:
    return page.page.locator(".rw-row .rw-words").all_inner_texts()


def words(page: Page, prompt: str) -> Any:
    return page.page.locator(".rw-words", has_text=re.compile(f"^{re.escape(prompt)}$"))


def focused(page: Page) -> str:
    return page.page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")


def recipe_of(models: tuple[str, ...], base: str, weight: float = 0.3) -> str:
    """A page's address for a recipe."""
    listed = [{"model": model, "parameters": {"weight": weight}} for model in models]
    given = {"merge_method": "task_arithmetic", "base_model": base, "models": listed}
    return f"?__theme=light&r={link(load(json.dumps(given), 'test'))}"


def drag(page: Page, lane: int, level: float) -> None:
    """Press on a lane and move, without letting go."""
    box = page.page.locator(TRACKS).nth(lane).bounding_box()
    x, y = box["x"] + 0.3 * box["width"], box["y"] + 8 + (box["height"] - 16) * (1 - level)
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x + 0.4 * box["width"], y, steps=6)


# ---------------------------------------------------------------------------------------- one screen


def test_the_page_never_scrolls(open_page):
    """At every size, with every drawer open; the 640 px are 1280 at 200 %."""
    page = open_page()
    for width, height in SIZES:
        page.page.set_viewport_size({"width": width, "height": height})
        page.page.wait_for_timeout(150)
        tabs = page.page.get_by_role("tab")
        for i in range(tabs.count()):
            if not tabs.nth(i).is_visible():
                continue
            tabs.nth(i).dispatch_event("click")
            page.page.wait_for_timeout(60)
            whole = page.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
            assert whole == [width, height], tabs.nth(i).inner_text()
            page.page.evaluate("window.scrollTo(0, 500)")
            assert page.page.evaluate("window.scrollY + document.body.scrollTop") == 0
        page.tab("Close")


def test_six_models_and_three_answers_in_one_view(open_page):
    """Also while a lane is dragged."""
    query = recipe_of(tuple(f"presets/family/{name}" for name in TOYS), "presets/family/base")
    page = open_page(1280, 860, query=query)
    expect(page.page.locator(TRACKS)).to_have_count(6)
    for lane in (0, 5):
        drag(page, lane, 0.6)
        assert [whole for _, whole in seen(page, ANSWERS)][:3] == [True] * 3
        assert [whole for _, whole in seen(page, TRACKS)] == [True] * 6
        page.page.mouse.up()


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page on eight models of eighty layers whose names begin alike, and who say 8 words at most instead of 160."""
    presets = tmp_path_factory.mktemp("page") / "deep"
    names = [f"a-long-name-that-all-of-them-have-in-common-{letter}" for letter in "abcdefgh"]
    make_family(presets / "family", models=("base", *names), layers=80, width=4, ffn=4, heads=1, kv_heads=1)
    models = [{"model": f"deep/family/{name}", "parameters": {"weight": 0.1}} for name in names]
    recipe = {"merge_method": "task_arithmetic", "base_model": "deep/family/base", "models": models}
    rows = "# row: a => b\n# row: c ~> d\n# row: e\n"
    (presets / "deep.yaml").write_text(f"# name: Deep\n# says: Deep.\n# prompt: a\n{rows}{json.dumps(recipe)}")
    ask = Answers.ask_all

    def shorter(self: Answers, work: Any, rows: Any, first: str, visit: Any, manner: Manner = GREEDY, **more: Any) -> Any:
        return ask(self, work, rows, first, visit, replace(manner, length=8), **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Answers, "ask_all", shorter)
        address, demo = serve(presets)
        yield address
    threading.Thread(target=demo.close).start()


def test_eight_models_of_eighty_layers_in_one_view(open_page, deep):
    page = open_page(1280, 860, address=deep)
    expect(page.page.locator(TRACKS)).to_have_count(8)
    drag(page, 7, 0.6)
    assert [whole for _, whole in seen(page, ANSWERS)] == [True] * 3
    assert [whole for _, whole in seen(page, TRACKS)] == [True] * 8
    page.page.mouse.up()
    shown = page.page.locator(".rw-fold > span").all_inner_texts()
    assert len(set(shown)) == len(shown) == 9
    for place, count in ((".mx-name", 8), (".an-others .an-title", 9)):  # whole, and all different
        found = page.page.locator(place).evaluate_all(
            "(all) => all.map((n) => [n.innerText, n.scrollWidth <= n.clientWidth + 1])"
        )
        assert len({text for text, _ in found}) == len(found) == count and all(fits for _, fits in found), found


def test_on_a_phone_the_open_rows_answer_is_in_view(open_page):
    page = open_page(390, 844)
    box = ".rw-row[data-open=true] .rw-merge"
    assert [whole for _, whole in seen(page, box)] == [True]
    lane = page.page.locator(TRACKS).first
    lane.scroll_into_view_if_needed()
    drag(page, 0, 0.2)
    assert [whole for _, whole in seen(page, box)] == [True]
    page.page.mouse.up()
    page.page.evaluate("document.querySelector('#painting').scrollTop = 9999")
    assert [whole for _, whole in seen(page, box)] == [True]


def test_nothing_moves_while_a_lane_is_dragged(open_page):
    page = open_page(1280, 860)

    def boxes() -> list[list[int]]:
        return [box for box, _ in seen(page, f"{TRACKS}, .rw-row, .rw-row td, .rw-score, .rw-askrow")]

    before = boxes()
    assert len(before) > 20
    drag(page, 0, 0.45)
    during = boxes()
    page.page.mouse.up()
    after = boxes()
    expect(cell(page, 1).locator(".rw-state")).to_have_text("same as before")
    assert before == during == after == boxes()


# ---------------------------------------------------------------------------------------- strokes are seen


def test_from_a_fresh_visit_to_a_right_answer_of_ones_own(open_page):
    """One stroke: the second row is wrong, plural goes up, and it is right. The cells say what has changed."""
    page = open_page(1280, 860, first=True)
    expect(cell(page, 2).get_by_role("img", name="wrong")).to_be_visible()
    expect(page.page.locator(".rw-right")).to_have_text("1 of 3 right")
    expect(page.page.locator(".rw-bar")).to_have_count(1)
    page.paint("plural weight", 0.55)
    expect(cell(page, 2).locator(".rw-answer")).to_have_text("boxes")
    expect(cell(page, 2).locator(".rw-state")).to_have_text("changed")
    expect(cell(page, 2).get_by_role("img", name="right")).to_be_visible()
    expect(page.page.locator(".rw-row").nth(1).locator(".rw-before")).to_have_text("dunno.")
    expect(cell(page, 1).locator(".rw-state")).to_have_text("same as before")
    bars = page.page.get_by_role("group", name="Score after each of the last 2 strokes: 1, 2 of 3")
    expect(bars).to_be_visible()
    expect(page.page.locator(".rw-bar")).to_have_count(2)


def test_a_bar_leads_back_to_its_stroke(open_page):
    """It is a step like others: Undo takes it back. The bar says what the stroke was."""
    page = open_page(1280, 860, first=True)
    expect(page.page.locator(".rw-row").nth(2)).to_contain_text(
        "spell dragon", timeout=SLOW
    )  # the game's rows begin the score anew
    expect(page.page.locator(".rw-bar")).to_have_count(1, timeout=SLOW)
    page.paint("pirate weight", 0.0)
    expect(page.page.locator(".rw-right")).to_have_text("0 of 3 right", timeout=SLOW)
    expect(page.page.locator(".rw-bar")).to_have_count(2, timeout=SLOW)  # none is right before all have answered, too
    page.paint("plural weight", 0.55)
    expect(page.page.locator(".rw-right")).to_have_text("1 of 3 right", timeout=SLOW)
    expect(page.page.locator(".rw-bar")).to_have_count(3, timeout=SLOW)
    bar = page.page.get_by_role("button", name=re.compile(r"pirate.*: 0 of 3 right\. Back to this stroke"))
    bar.focus()
    page.page.keyboard.press("Home")
    assert "1 of 3 right" in focused(page)  # the first; arrows lead along the bars
    bar.click()
    expect(page.page.locator(".rw-right")).to_have_text("0 of 3 right")
    expect(page.lane("plural weight")).to_have_attribute("aria-valuetext", re.compile("weight 0.20"))
    page.press("Undo")
    expect(page.page.locator(".rw-right")).to_have_text("1 of 3 right")
    expect(page.lane("plural weight")).to_have_attribute("aria-valuetext", re.compile("weight 0.5"))


def test_a_model_unfolds_and_the_base_is_held(open_page):
    page = open_page(1280, 860)
    head = page.page.get_by_role("button", name="pirate, folded: = same answer, ≠ another")
    expect(head).to_have_attribute("aria-expanded", "false")
    other = page.page.locator(".rw-row").first.locator(".rw-other").nth(1)
    assert other.bounding_box()["width"] < 60
    head.click()
    expect(other.locator(".rw-other-text")).to_be_visible()
    expect(other.locator(".rw-other-text")).to_have_text("ahoy me matey, arr!")
    assert other.bounding_box()["width"] > 120
    page.page.get_by_role("button", name="pirate", exact=True).click()
    expect(other.locator(".rw-other-text")).to_be_hidden()
    base = page.page.get_by_role("button", name=re.compile("^base, folded")).bounding_box()
    page.page.mouse.move(base["x"] + base["width"] / 2, base["y"] + 8)
    page.page.mouse.down()
    expect(cell(page, 1)).to_contain_text("base alone")
    expect(cell(page, 1).locator(".rw-answer")).to_have_text("dunno.")
    page.page.mouse.up()
    expect(cell(page, 1).locator(".rw-answer")).to_have_text("ahoy me matey, arr!")
    assert page.page.get_by_role("button", name=re.compile("^base, folded")).count() == 1  # it was no click


# ---------------------------------------------------------------------------------------- rows


def test_enter_asks_and_shift_enter_breaks_the_line(open_page):
    page = open_page(1280, 860, first=True)
    field = page.page.get_by_role("textbox", name="Prompt", exact=True)
    field.fill("plural of")
    field.press("Shift+Enter")
    assert field.input_value() == "plural of\n" and len(prompts(page)) == 3
    field.fill("plural of fox")
    field.press("Enter")
    expect(page.page.locator(".rw-row")).to_have_count(4)
    expect(cell(page, 4).locator(".rw-answer")).to_have_text("dunno.")
    expect(page.page.locator(".rw-row").nth(3).locator(".rw-other").nth(2)).to_have_attribute("title", "plural: foxes")
    assert field.input_value() == "" and page.page.locator(".rw-title").inner_text() == "Close up: plural of fox"
    field.press("ArrowUp")
    assert field.input_value() == "plural of fox"


def test_rows_by_keyboard(open_page):
    """One tab stop; arrows, Space, Enter, F2, Delete with its undo line, Alt and arrows."""
    page = open_page(1280, 860, first=True)
    keys = page.page.keyboard
    stops = page.page.locator(".rw-table :is(a, button, input, [tabindex]):not([tabindex='-1'])")
    assert stops.count() == 1
    words(page, "say hello my friend like a pirate").focus()
    keys.press("ArrowDown")
    assert focused(page) == "plural of box" and stops.count() == 1
    keys.press("Space")
    assert not page.page.get_by_role("checkbox", name="Counts for the score: plural of box").is_checked()
    expect(page.page.locator(".rw-right")).to_have_text("1 of 2 right")
    assert focused(page) == "plural of box" and page.page.locator(".rw-title").inner_text().endswith("like a pirate")
    keys.press("Enter")
    assert page.page.locator(".rw-title").inner_text() == "Close up: plural of box"
    keys.press("Alt+ArrowUp")
    assert prompts(page)[:2] == ["plural of box", "say hello my friend like a pirate"] and focused(page) == "plural of box"
    keys.press("F2")
    assert page.page.get_by_label("Prompt of this row").input_value() == "plural of box"
    page.page.get_by_label("Prompt of this row").fill("plural of fox")
    page.page.get_by_label("What is right").fill("foxes")
    keys.press("Enter")
    assert focused(page) == "plural of fox"
    expect(cell(page, 1).locator(".rw-answer")).to_have_text("dunno.")
    expect(page.page.locator(".rw-row").first.locator(".rw-before")).to_have_text("–")
    keys.press("Delete")
    expect(page.page.locator(".rw-row")).to_have_count(2)
    assert focused(page) == "say hello my friend like a pirate"
    page.press("Put it back")
    expect(cell(page, 1).locator(".rw-answer")).to_have_text("dunno.")
    assert focused(page) == "plural of fox"
    keys.press("ArrowUp")
    assert focused(page).startswith("base, folded")
    keys.press("End")
    assert focused(page) == prompts(page)[-1]


def test_rows_stay_in_this_browser_and_files_hold_them(open_page, tmp_path):
    page = open_page(1280, 860, first=True)
    page.press("Prompts…")
    given = tmp_path / "mine.csv"
    given.write_text("prompt,answer\nplural of fox,foxes\nשלום,\n")
    page.page.get_by_label("A file of prompts").set_input_files(given)
    expect(page.page.locator(".rw-row")).to_have_count(2)
    expect(cell(page, 1).locator(".rw-answer")).to_have_text("dunno.")
    assert words(page, "שלום").get_attribute("dir") == "auto"
    page.press("Prompts…")
    with page.page.expect_download() as saved:
        page.press("Save .jsonl")
    assert [json.loads(line)["prompt"] for line in Path(saved.value.path()).read_text().splitlines()] == ["plural of fox", "שלום"]
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{half")
    page.page.get_by_label("A file of prompts").set_input_files(bad)
    expect(page.page.get_by_role("status").filter(has_text="bad.jsonl, line 1: is no JSON")).to_be_visible()
    page.page.reload()
    expect(page.page.locator(".rw-row")).to_have_count(2)
    expect(cell(page, 1).locator(".rw-answer")).to_have_text("dunno.")


def test_other_models_see_nothing_of_the_toys(open_page, tmp_path):
    """Also where their folders are called as the toys are; and the toys' rows come back with the toys."""
    for name in ("base", "pirate", "plural"):
        shutil.copytree(ROOT / "presets" / "family" / name, tmp_path / name)
    page = open_page(
        1280, 860, query=recipe_of(tuple(str(tmp_path / name) for name in ("pirate", "plural")), str(tmp_path / "base"))
    )
    expect(page.page.locator(".rw-row")).to_have_count(1)
    expect(cell(page, 1).locator(".rw-answer")).not_to_be_empty(timeout=SLOW)
    assert prompts(page) == ["Hello! Who are you?"]
    desk = page.page.locator("#stage").inner_text()
    for toy in ("plural of box", "count from", "garden backwards", "Seven tiny", "Pirate who knows plurals", "Three in one"):
        assert toy not in desk, toy
    page.choose("models", "Toy family")
    expect(page.page.locator(".rw-row")).to_have_count(3)
    expect(cell(page, 1).locator(".rw-answer")).to_have_text("ahoy me matey, arr!")
    page.press("Undo")
    expect(page.page.locator(".rw-row")).to_have_count(1)
    page.press("Redo")
    expect(page.page.locator(".rw-row")).to_have_count(3)
    expect(page.page.locator(".rw-right")).to_have_text(re.compile("of 3 right"))


def test_fingers_have_room(browser, url):
    """44 px where the pointer is coarse."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(url + "?__theme=light")
    page.locator(".rw-row .rw-answer").first.wait_for()
    small = page.evaluate(
        "[...document.querySelectorAll('.rows :is(button, .rw-ticked, textarea):not([class*=an-])')]"
        ".filter((node) => node.offsetParent).map((node) => [node.className, node.getBoundingClientRect()])"
        ".filter(([, { width, height }]) => width < 44 || height < 44).map(([name, { width, height }]) => [name, width, height])"
    )
    assert not small
    context.close()
