"""Rows of models that are not quick: the open row at once, the others when the machine is free, and a stroke comes before them.

The toys stand for such models: only what counts as quick is another here, and, in the page, how long a word takes.
"""

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from browsing import ROOT, SEEN, Page, serve

from merger.recipe import replace_all
from merger.ui import Panels, workspace
from merger.ui.rows import Row
from merger.ui.service import answers
from merger.ui.service.answers import Answers
from merger.ui.studio import Studio, Visit
from merger.ui.workspace import Workspace

ROWS = tuple(Row(f"r{i}", f"plural of {word}") for i, word in enumerate(("box", "fox", "cat"), 1))


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(ROOT / "presets")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "QUICK_BYTES", 0)


def first(studio: Studio, weight: float = 0.5) -> Workspace:
    work = workspace.start(studio.presets[0], studio.base, studio.parents_of_family)
    return workspace.with_recipe(work, replace_all(work.recipe, {"models[0].parameters.weight": weight}))


def begun(feed: dict[str, Any]) -> set[str]:
    """Whose merges begin to speak."""
    return {key for key, how in feed.get("state", {}).items() if how == "busy" and key.endswith("/merge")}


def test_the_open_row_is_asked_at_once_and_the_others_later(studio: Studio, slow: None) -> None:
    work, when = first(studio, 0.41), dict[str, float]()
    start = time.monotonic()
    feeds = []
    for feed in Answers(studio).ask_all(work, ROWS, "r2", Visit(), idle=0.6):
        feeds.append(feed)
        when |= dict.fromkeys(begun(feed), time.monotonic() - start)
    states = feeds[0]["state"]
    assert {states[f"r2/{who}"] for who in ("merge", work.base)} == {"waiting"}
    assert {states[f"{row}/{who}"] for row in ("r1", "r3") for who in ("merge", *work.chosen)} == {"idle"}
    assert list(when) == ["r2/merge", "r1/merge", "r3/merge"] and when["r1/merge"] >= 0.6
    ended = {key for feed in feeds for key in feed["done"]}
    assert ended == set(states)
    again = next(iter(Answers(studio).ask_all(work, ROWS, "r2", Visit(), idle=0.6)))
    assert set(again["state"].values()) == {"cached"}  # what is in memory costs nothing, and waits for nothing


def test_the_toys_are_asked_all_at_once(studio: Studio) -> None:
    states = next(iter(Answers(studio).ask_all(first(studio, 0.42), ROWS, "r1", Visit())))["state"]
    assert "idle" not in states.values()


@pytest.mark.parametrize("during", ["the pause", "an answer"])
def test_a_stroke_interrupts_what_is_idle(studio: Studio, slow: None, during: str) -> None:
    """At once, and it is the open row that answers next; what was asked of the others is not."""
    visit, spoken = Visit(), set[str]()
    weight = {"the pause": 0.43, "an answer": 0.44}[during]
    idle = 30.0 if during == "the pause" else 0.2
    feeds = Answers(studio).ask_all(first(studio, weight), ROWS, "r1", visit, idle=idle)
    told: Iterator[Any] = iter(feeds)
    for feed in told:
        spoken |= begun(feed)
        if "r1/merge" in feed["done"] if during == "the pause" else "r2/merge" in spoken:
            break
    visit.moves_on()
    start = time.monotonic()
    rest = list(told)
    assert time.monotonic() - start < 1.5  # not the pause's 30 seconds
    assert not any("r3/merge" in begun(feed) or "r3/merge" in feed["done"] for feed in rest)
    following = Answers(studio).ask_all(first(studio, weight + 0.1), ROWS, "r1", visit, idle=0.1)
    assert next(key for feed in following for key in begun(feed)) == "r1/merge"


def test_others_come_before_what_is_idle(studio: Studio, slow: None) -> None:
    """A visitor's second row gives way to another's first, who came in meanwhile."""
    mine, turn = Visit(address="me"), studio.turns
    feeds = iter(Answers(studio).ask_all(first(studio, 0.45), ROWS, "r1", mine, idle=0.1))
    for feed in feeds:
        if all(f"r1/{who}" in {*feed["done"]} for who in ("merge",)):
            break
    with turn.stand("you") as ahead:
        while ahead(0.01):
            next(feeds)  # the words of my open row
        waits = next(feed for feed in feeds if feed.get("place"))
        assert waits["place"] == 2
    assert "r2/merge" in {key for feed in feeds for key in feed["done"]}


@pytest.mark.browser
@pytest.mark.long
def test_stale_rows_say_so(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the page: the others keep their words, say that they are asked later, and a stroke meanwhile asks the open one first."""
    expect = pytest.importorskip("playwright.sync_api").expect
    monkeypatch.setattr(answers, "QUICK_BYTES", 0)
    monkeypatch.setattr(Answers.ask_all, "__defaults__", (*(Answers.ask_all.__defaults__ or ())[:-1], 4.0))
    url, demo = serve(ROOT / "presets")
    view = browser.new_page(viewport={"width": 1280, "height": 860})
    view.add_init_script(SEEN)
    page = Page(view)
    try:
        view.goto(url)
        view.wait_for_selector(".mixer .mx-track canvas", timeout=30_000)
        page.says("ahoy me matey, arr!")
        for level, said in ((0.0, "dunno."), (1.0, re.compile("ahoy"))):  # the second stroke comes while the others wait
            page.paint("pirate weight", level)
            expect(page.row(1).locator(".rw-answer")).to_have_text(said, timeout=60_000)
            for number in (2, 3):
                expect(page.row(number).locator(".rw-state")).to_have_text("asked again when the machine is free")
                expect(page.row(number).locator(".rw-answer")).not_to_be_empty()
            assert view.get_by_role("button", name="Stop", exact=True).is_visible()
        for number in (2, 3):
            expect(page.row(number).locator(".rw-state")).to_have_text(re.compile("changed|same as before"), timeout=60_000)
    finally:
        view.close()
        demo.close()


def test_the_warm_up_gives_way(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes while the first models are loaded waits for that alone, not for answers that nobody asked for."""
    told: list[int] = []

    def ask_all(self: Answers, work: Workspace, rows: Any, first: str, visit: Visit, **_: Any) -> Iterator[dict[str, Any]]:
        with studio.turns.stand():
            while visit.current(0) and len(told) < 50:
                told.append(len(told))
                if len(told) == 3:
                    somebody.enter_context(studio.turns.stand("somebody"))
                yield {}

    monkeypatch.setattr(Answers, "ask_all", ask_all)
    with contextlib.ExitStack() as somebody:
        Panels(studio).answers.warm_up()
    assert len(told) == 3
