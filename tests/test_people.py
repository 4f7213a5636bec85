"""Whole journeys: the newcomer wins the game, by pointer and by keys; the owner of a long YAML brings it and takes it home.

The hunter's and the researcher's are in test_instrument.py, the visitor's of a hosted page in test_hosted.py.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from browsing import Page

from merger.recipe import load

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = sync_api.expect
SLOW = 60_000  # ms: the first answers wait for the models
TOYS = ("pirate", "plural", "spell", "count", "story", "mirror")


def steps(page: Page) -> tuple[Any, ...]:
    """The band's words and the score."""
    return page.page.locator(".co-words"), page.page.locator(".rw-right")


def framed(page: Page) -> list[str]:
    """Whose lane is meant now, by its pill."""
    return page.page.evaluate(
        "[...document.querySelectorAll('.mx-lane')].filter((lane) => getComputedStyle(lane.querySelector('.mx-track'), '::after')"
        ".content.includes('drag')).map((lane) => lane.querySelector('.mx-name').textContent)"
    )


def test_a_newcomer_wins_the_game_by_pointer_and_by_keys(open_page: Any) -> None:
    page = open_page(1280, 860, first=True)
    words, score = steps(page)
    expect(score).to_have_text("1 of 3 right", timeout=SLOW)
    expect(words).to_have_text("Try it. Drag pirate down to nothing and let go. Row 1 forgets.")
    assert framed(page) == ["pirate"]
    page.paint("pirate weight", 0.0)
    expect(words).to_have_text("Row 1 forgot. Now drag plural up until row 2 learns.", timeout=SLOW)
    assert framed(page) == ["plural"]
    page.paint("plural weight", 0.5)
    expect(words).to_contain_text("The game: all three right.", timeout=SLOW)
    assert framed(page) == ["spell"]
    page.paint("pirate weight", 0.5)
    page.paint("spell weight", 0.5)
    expect(score).to_have_text("3 of 3 right", timeout=SLOW)
    expect(words).to_contain_text("All three.")
    assert framed(page) == []
    page.press("Done")
    expect(page.page.locator(".coach")).to_be_hidden()

    page.box("more").get_by_role("button", name="Play the first steps again").click()
    expect(words).to_contain_text("Try it.")
    expect(score).to_have_text("1 of 3 right", timeout=SLOW)

    def whole(lane: str, key: str, times: int) -> None:
        page.lane(f"{lane} weight").focus()
        for _ in range(times):
            page.page.keyboard.press(key)

    whole("pirate", "[", 10)
    expect(words).to_contain_text("Row 1 forgot.", timeout=SLOW)
    whole("plural", "]", 6)
    expect(words).to_contain_text("The game: all three right.", timeout=SLOW)
    whole("pirate", "]", 10)
    whole("spell", "]", 6)
    expect(score).to_have_text("3 of 3 right", timeout=SLOW)
    expect(words).to_contain_text("All three.")


def long_recipe() -> list[str]:
    """150 lines as people keep them: six models, each with ten anchors of weight and density."""
    lines = ["# my best one so far", "merge_method: ties", "base_model: presets/family/base", "dtype: float32", "models:"]
    for i, name in enumerate(TOYS):
        lines += [f"  - model: presets/family/{name}", "    parameters:", "      weight:"]
        lines += [f"        - {round(0.1 + 0.05 * i + 0.02 * k, 2)}" for k in range(10)]
        lines += ["      density:", *[f"        - {round(0.3 + 0.05 * k, 2)}" for k in range(10)]]
    return [*lines, "parameters:"] + ["  normalize: false"] * (len(lines) < 150)


def test_the_owner_of_a_long_yaml(open_page: Any) -> None:
    """Pasted with a wrong line, which is marked and stays; mended, its bars are shown; and it goes home as it plays."""
    lines = long_recipe()
    assert len(lines) == 151
    wrong = next(i for i in range(len(lines) - 1, 0, -1) if lines[i] == "      density:")
    page = open_page(1280, 860)
    page.says("ahoy me matey, arr!")
    page.tab("Recipe")
    code = page.page.locator("#yaml .cm-content")

    def put(text: list[str]) -> None:
        code.click()
        page.page.keyboard.press("Control+a")
        page.page.keyboard.insert_text("\n".join(text))

    put([*lines[:wrong], "      densty:", *lines[wrong + 1 :]])
    told = page.page.locator("#yaml-error textarea")
    expect(told).to_have_value(re.compile(f"line {wrong + 1}.*Did you mean 'density'", re.DOTALL), timeout=SLOW)
    expect(page.page.locator("#yaml .cm-line.wrong")).to_contain_text("densty")
    page.press("Use this recipe")
    expect(page.page.locator("#notice textarea")).to_have_value(re.compile(f"line {wrong + 1}"), timeout=SLOW)
    assert page.lane("pirate weight").count() == 1 and page.lane("story weight").count() == 0  # what plays is unchanged
    put(lines)
    expect(told).to_have_value(re.compile("can be used"), timeout=SLOW)
    page.press("Use this recipe")
    for name in TOYS:
        expect(page.lane(f"{name} weight")).to_be_visible(timeout=SLOW)
    expect(page.lane("mirror weight")).to_have_attribute("aria-valuetext", re.compile(r"weight 0\.3[5-9]"))
    with page.page.expect_download() as taken:
        page.page.locator("#yaml").get_by_role("link", name=re.compile("[Dd]ownload")).or_(
            page.page.locator("#yaml a[download]")
        ).first.click()
    home = load(Path(taken.value.path()).read_text(encoding="utf-8"))
    assert [entry.model for entry in home.models] == [f"presets/family/{name}" for name in TOYS]
    assert home.merge_method == "ties" and home == load("\n".join(lines))
