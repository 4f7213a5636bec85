"""The design's list of what a browser must show, as far as no other file holds it: one page is opened once for many checks."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from browsing import ROOT, Page, seen

from merger.recipe import load
from merger.ui.workspace import link, read_presets

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = sync_api.expect
FOCUSED = "(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent || '').slice(0, 80)"


def focused(page: Page) -> str:
    return page.page.evaluate(FOCUSED)


def test_keys_and_names(open_page: Any) -> None:
    """Every key of the page as a whole, the skip link, headings and landmarks, the menu of what is about the page."""
    page = open_page(1280, 860)
    page.says("ahoy me matey, arr!")
    keys, body = page.page.keyboard, page.page
    body.evaluate("document.activeElement.blur()")
    keys.press("Tab")
    assert focused(page) == "To the answers"
    keys.press("Enter")
    assert focused(page) == "say hello my friend like a pirate"

    headings = body.evaluate("[...document.querySelectorAll('h1, h2')].map((h) => [h.tagName, h.textContent])")
    assert headings[0] == ["H1", "Merge explorer"] and [text for tag, text in headings if tag == "H1"] == ["Merge explorer"]
    assert {"Models", "Answers"} <= {text for tag, text in headings if tag == "H2"}
    for role, name in (("banner", "Head"), ("region", "Models"), ("region", "Answers"), ("navigation", "Drawers")):
        assert body.get_by_role(role, name=name, exact=True).count() == 1, name

    places = []
    for _ in range(4):  # from the answers on, and around
        keys.press("F6")
        places.append(body.evaluate("document.activeElement.closest('#top, #painting, #hearing, #below').id"))
    assert places == ["below", "top", "painting", "hearing"]
    keys.press("Shift+F6")
    assert body.evaluate("document.activeElement.closest('#painting') !== null")

    for number, name in enumerate(("Find", "Inside", "Recipe", "History"), 1):
        keys.press(f"Alt+{number}")
        expect(body.get_by_role("tab", name=name, exact=True)).to_have_attribute("aria-selected", "true")
        assert body.get_by_role("heading", name=name, exact=True, level=2).count() == 1
    keys.press("/")
    assert focused(page) == "Prompt"
    page.row(1).locator(".rw-words").focus()
    keys.press("Escape")  # the drawer first
    expect(body.get_by_role("tab", name="Close", exact=True)).to_be_hidden()
    assert focused(page) == "History"  # the focus is where it was opened

    page.press("Chat")
    expect(body.locator(".chat")).to_be_visible()
    page.row(1).locator(".rw-words").focus()
    keys.press("?")
    listed = body.get_by_role("dialog", name="Keys")
    expect(listed).to_contain_text("F6 next part")
    keys.press("Escape")  # what floats, then the chat
    expect(listed).to_be_hidden()
    expect(body.locator(".chat")).to_be_visible()
    page.row(1).locator(".rw-words").focus()
    keys.press("Escape")
    expect(body.locator(".chat")).to_be_hidden()

    words = page.answer().locator("xpath=..")
    words.focus()
    keys.press("ArrowRight")
    expect(body.locator(".an-tip")).to_be_visible()
    keys.press("r")
    expect(body.get_by_role("status").filter(has_text="The same words: variety is 0")).to_be_visible()
    words.focus()
    body.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    keys.press("c")
    assert body.evaluate("window.copied") == "ahoy me matey, arr!"


@pytest.mark.long
def test_appearance_is_kept_and_the_first_steps_come_again(open_page: Any) -> None:
    page = open_page(1280, 860, query="")
    dark = "document.body.classList.contains('dark')"
    page.box("more").get_by_role("radio", name="Dark").check()
    page.page.wait_for_function(dark)
    page.page.reload()
    page.page.wait_for_function(dark)
    more = page.box("more")
    expect(more.get_by_role("radio", name="Dark")).to_be_checked()
    more.get_by_role("radio", name="Light").check()
    page.page.wait_for_function(f"!{dark}")
    more.get_by_role("button", name="Keys", exact=True).click()
    expect(page.page.get_by_role("dialog", name="Keys")).to_be_visible()
    more = page.box("more")
    more.get_by_role("button", name="Play the first steps again").click()
    expect(page.page.locator(".coach")).to_contain_text("Try it. Drag pirate down to nothing")
    expect(page.page.locator("#pop-more")).to_be_hidden()
    expect(page.page.locator(".rw-right")).to_have_text("1 of 3 right", timeout=15_000)


def test_marks_and_lines_are_told_apart_without_colour(open_page: Any) -> None:
    """Right and wrong differ in filling and sign; same and other in sign; each model's line under words in its kind."""
    page = open_page(1280, 860)
    page.says("ahoy me matey, arr!")
    marks = page.page.evaluate(
        """() => ['true', 'false'].map((right) => { const node = document.querySelector(`.rw-merge [data-right=${right}]`);
        const { backgroundColor, boxShadow } = getComputedStyle(node);
        return [node.textContent, backgroundColor === 'rgba(0, 0, 0, 0)', boxShadow !== 'none']; })"""
    )
    assert marks == [["✓", False, False], ["✗", True, True]]
    signs = page.page.locator(".rw-row .rw-sign").all_inner_texts()
    assert {"=", "≠"} <= set(signs)
    styles = page.page.evaluate(
        """() => { const box = document.querySelector('.answers .an-text'); return ['0', '1', '2', '3', 'all'].map((line) => {
        const node = box.appendChild(Object.assign(document.createElement('span'), { className: 'an-token' }));
        node.dataset.line = line; const { textDecorationStyle, textDecorationThickness } = getComputedStyle(node);
        node.remove(); return `${textDecorationStyle} ${textDecorationThickness}`; }); }"""
    )
    assert len(set(styles)) == 5, styles


EVIL = "<img src=x onerror=window.hacked=1> ${window.hacked=2}"


def test_models_of_ones_own_suggest_prompts(open_page: Any, tmp_path: Path) -> None:
    """Their cards' prompts stand beside the field; nothing of the toys does, though the folders are called as theirs."""
    for name in ("base", "pirate", "plural"):
        shutil.copytree(ROOT / "presets" / "family" / name, tmp_path / name)
    (tmp_path / "pirate" / "README.md").write_text(f"---\nwidget:\n- text: plural of fox\n- text: {json.dumps(EVIL)}\n---\n")
    (tmp_path / "base" / "README.md").write_text("---\nlicense: mit\n---\n")
    models = [{"model": str(tmp_path / name), "parameters": {"weight": 0.5}} for name in ("pirate", "plural")]
    recipe = {"merge_method": "task_arithmetic", "base_model": str(tmp_path / "base"), "models": models}
    page = open_page(1280, 860, query=f"?__theme=light&r={link(load(json.dumps(recipe), 'test'))}")
    chips = page.page.locator(".rw-chips .rw-chip")
    expect(chips).to_have_text(["plural of fox", EVIL], timeout=15_000)
    page.press("Prompts…")
    expect(page.page.locator(".rw-form .rw-chip")).to_have_text(["plural of fox", EVIL])
    chips.first.click()
    page.asked("plural of fox")
    desk = page.page.locator("#desk").inner_html()
    for toy in ("count from 7", "garden backwards", "Seven tiny", "plural of box", "Pirate who knows plurals"):
        assert toy not in desk.replace("Seven tiny models with six tricks; they answer at once.", ""), toy
    assert page.page.evaluate("window.hacked") is None and page.page.locator(".rows img").count() == 0
    family = page.box("models").get_by_role("radio", name="Other models…")
    expect(family).to_contain_text("Live up to ")


GAME = {"pirate": 0.5, "plural": 0.2, "spell": 0.2}
DRAWERS = ("Find", "Inside", "Recipe", "History")


def of(method: str, weights: dict[str, float], **more: Any) -> str:
    """A page's address for a recipe of toys."""
    listed = [{"model": f"presets/family/{name}", "parameters": {"weight": weight}} for name, weight in weights.items()]
    recipe = {"merge_method": method, "base_model": "presets/family/base", "models": listed, **more}
    return f"?__theme=light&r={link(load(json.dumps(recipe), 'test'))}"


@pytest.mark.long
def test_beside_every_drawer(open_page: Any) -> None:
    """Three lanes and three answers are whole at 1280; on a phone the open row's answer is."""
    page = open_page(1280, 860, query=of("task_arithmetic", GAME))
    expect(page.page.locator(".mixer [role=slider]")).to_have_count(3)
    for drawer in DRAWERS:
        page.tab(drawer)
        page.page.wait_for_timeout(150)
        assert [whole for _, whole in seen(page, ".mixer [role=slider]")] == [True] * 3, drawer
        assert [whole for _, whole in seen(page, ".rw-row .rw-merge")][:3] == [True] * 3, drawer
        low = page.page.locator(".mixer .mx-track").evaluate_all("(all) => Math.min(...all.map((track) => track.clientHeight))")
        assert low >= 18
    page.choose("save", "Zip…")  # what it says takes its room from the drawer
    expect(page.page.locator("#taking")).to_be_visible()
    for height in (860, 720):
        page.page.set_viewport_size({"width": 1280, "height": height})
        page.page.wait_for_timeout(150)
        assert [whole for _, whole in seen(page, ".mixer [role=slider]")] == [True] * 3
        assert [whole for _, whole in seen(page, ".rw-row .rw-merge")][:3] == [True] * 3
    page.page.locator("#taking").get_by_role("button", name="Cancel").click()
    page.page.set_viewport_size({"width": 390, "height": 844})
    for drawer in ("History", "Recipe"):
        page.page.locator("#below [role=tab]", has_text=drawer).first.dispatch_event("click")
        page.page.wait_for_timeout(150)
        assert [whole for _, whole in seen(page, ".rw-row[data-open=true] .rw-merge")] == [True], drawer


SLICES = {
    "one after the other": {"slices": [
        {"sources": [{"model": "presets/family/pirate", "layer_range": [0, 4]}]},
        {"sources": [{"model": "presets/family/plural", "layer_range": [2, 6]}]},
    ], "merge_method": "passthrough"},
    "the most copied": {"slices": [{"sources": [
        {"model": "presets/family/pirate", "layer_range": [0, 6]}, {"model": "presets/family/plural", "layer_range": [0, 6]},
    ]}], "merge_method": "slerp", "base_model": "presets/family/pirate",
        "parameters": {"t": [{"filter": "self_attn", "value": [0, 1]}, {"filter": "mlp", "value": [1, 0]}, {"value": 0.5}]}},
    "mixed": {"slices": [{"sources": [
        {"model": "presets/family/pirate", "layer_range": [a, b], "parameters": {"weight": 0.4, "density": 0.5}},
        {"model": "presets/family/plural", "layer_range": [a, b], "parameters": {"weight": 0.4, "density": 0.5}},
    ]} for a, b in ((0, 4), (3, 6))], "merge_method": "dare_ties", "base_model": "presets/family/base"},
}  # fmt: skip


@pytest.mark.long
def test_slices_are_shown_without_a_complaint(open_page: Any) -> None:
    """Whole models as lanes, others as a stack; the fixture holds that the console stays empty."""
    for name, recipe in SLICES.items():
        page = open_page(1280, 860, query=f"?__theme=light&r={link(load(json.dumps(recipe), 'test'))}")
        shown = page.page.locator(".mixer [role=slider]" if name == "the most copied" else ".st-picture")
        expect(shown.first, name).to_be_visible(timeout=30_000)
        expect(page.page.locator(".rw-row .rw-mark[data-right=null]")).to_have_count(0, timeout=60_000)  # all have answered


@pytest.mark.long
def test_every_preset_is_shown_without_a_complaint(open_page: Any) -> None:
    """One after the other on one page, as a visitor tries them; the fixture holds that the console stays empty."""
    page = open_page(1280, 860)
    for preset in read_presets(ROOT / "presets"):
        page.preset(preset.name)
        expect(page.value("start")).to_have_text(preset.name, timeout=30_000)
        expect(page.page.locator(".mixer [role=slider], .st-picture").first, preset.name).to_be_visible()
        said = page.page.locator(".rw-row .rw-merge:not([data-state=done], [data-state=cached])")
        expect(said, preset.name).to_have_count(0, timeout=60_000)


@pytest.mark.long
def test_a_model_keeps_its_colour(open_page: Any) -> None:
    """And its place: through another model, a method, a preset, Undo, a reload, and a link in another browser."""
    page = open_page(1280, 860)
    page.says("ahoy me matey, arr!")

    def inks(of: Any) -> dict[str, str]:
        listed = of.page.evaluate(
            "[...document.querySelectorAll('.mx-lane')].map((lane) => [lane.querySelector('.mx-name').textContent, "
            "getComputedStyle(lane.querySelector('.mx-dot')).backgroundColor])"
        )
        return dict(listed)

    def lanes(of: Any, *names: str) -> dict[str, str]:
        expect(of.page.locator(".mx-name")).to_have_text(list(names), timeout=30_000)
        return inks(of)

    first = lanes(page, "pirate", "plural")
    page.box("models").get_by_role("checkbox", name="spell · ").check()
    three = lanes(page, "pirate", "plural", "spell")
    assert len(set(three.values())) == 3 and three.items() >= first.items()
    page.page.keyboard.press("Escape")
    page.method("ties")
    expect(page.value("method")).to_have_text("Largest changes, by vote", timeout=30_000)
    assert lanes(page, "pirate", "plural", "spell") == three
    page.page.keyboard.press("Escape")
    page.page.wait_for_function("location.search.includes('r=')")
    friend = open_page(1280, 860, query=page.page.evaluate("location.search"))
    assert lanes(friend, "pirate", "plural", "spell") == three
    friend.press("Undo")
    assert lanes(friend, "pirate", "plural") == first


def test_on_a_wide_page_a_drawer_covers_nothing(open_page):
    page = open_page(1700, 900)
    page.tab("Recipe")
    hearing, drawer = (page.page.locator(place).bounding_box() for place in ("#hearing", "#below > .tabitem:visible"))
    assert drawer["width"] == 600 and drawer["height"] > 780
    assert hearing["x"] + hearing["width"] <= drawer["x"] + 1 and hearing["height"] > 780


def test_a_lane_is_made_higher_by_enter_and_models_say_what_they_take(open_page: Any) -> None:
    page = open_page(1280, 860)
    lane = page.lane("plural weight")
    height = lane.bounding_box()["height"]
    lane.focus()
    page.page.keyboard.press("Enter")
    expect(page.page.locator(".mx-lane[data-high] .mx-name")).to_have_text("plural")
    assert lane.bounding_box()["height"] > 1.5 * height
    canvas = page.page.locator(".mx-lane[data-high] canvas").first
    assert canvas.evaluate("(node) => node.height === Math.round(node.clientHeight * devicePixelRatio)")  # drawn for it
    page.lane("pirate weight").focus()
    page.page.keyboard.press("Enter")
    expect(page.page.locator(".mx-lane[data-high] .mx-name")).to_have_text("pirate")  # one at a time
    page.page.keyboard.press("Enter")
    expect(page.page.locator(".mx-lane[data-high]")).to_have_count(0)
    assert abs(lane.bounding_box()["height"] - height) < 1
    expect(page.box("models").get_by_role("checkbox", name="pirate · 2.5 MB", exact=True)).to_be_visible()
