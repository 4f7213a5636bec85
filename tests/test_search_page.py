"""Search, in Find: trials on a board while processes of their own try them; a press loads one; at home only."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from merger.errors import MergeError
from merger.inspect import plots
from merger.search import study
from merger.search.study import Tried
from merger.ui.app import Panels
from merger.ui.panels import search
from merger.ui.studio import Studio
from merger.ui.workspace import start

ROOT = Path(__file__).parent.parent
YAML = (
    "{merge_method: task_arithmetic, base_model: presets/family/base, "
    "models: [{model: presets/family/%s, parameters: {weight: %s}}]}"
)


@pytest.fixture(scope="module")
def panels() -> Panels:
    return Panels(Studio(ROOT / "presets", "cpu"))


def trials() -> list[Tried]:
    return [
        Tried(3, YAML % ("plural", 0.5), {"a": 0.5, "b": 1.0, "c": 0.1}, "", {"a": (0.5,) * 8}, {"a": (0.75,) * 8}),
        Tried(1, YAML % ("pirate", 0.7), {"a": 2.0, "b": 0.2, "c": 0.1}),
        Tried(2, YAML % ("spell", 0.7), {"a": 2.0, "b": 2.0, "c": 0.2}),
        Tried(4, YAML % ("count", 0.7), note="worse than most on a few prompts"),
    ]


def test_the_board_says_what_nothing_beats() -> None:
    drawn = search._shown(trials(), several=False, picture=True)
    [group] = json.loads(drawn["search board"]["board"])["groups"]
    assert [entry["key"] for entry in group["entries"]] == ["3", "1", "2"] and drawn["searched"]["1"] == YAML % ("pirate", 0.7)
    assert [bool(entry["term"]) for entry in group["entries"]] == [True, True, False]
    assert "task_arithmetic: plural 0.5" in group["entries"][0]["label"] and "a 0.50, b 1.00" in group["entries"][0]["says"]
    assert (
        group["entries"][0]["says"].endswith(". -0.25 ± 0.00 nats against the start")
        and "start" not in group["entries"][1]["says"]
    )
    several = search._shown(trials(), several=True, picture=False)
    assert [entry["key"] for entry in json.loads(several["search board"]["board"])["groups"][0]["entries"]] == ["3", "1"]
    others, best = drawn["search picture"].data
    assert (list(best.x), list(best.y)) == ([0.2, 1.0], [2.0, 0.5]) or (list(best.x), list(best.y)) == ([0.5, 2.0], [1.0, 0.2])
    assert len(others.x) == 1 and others.marker.symbol == "circle-open"


def test_names_in_the_picture_are_text() -> None:
    figure = plots.front([(1.0, 1.0, "<b>evil</b>")], {0}, ("<i>", "b"))
    assert "<b>" not in str(figure.data) and "<i>" not in figure.layout.xaxis.title.text


def test_what_is_gone_from_the_board_is_refused(panels: Panels) -> None:
    studio = panels.studio
    work = start(studio.presets[0], studio.base, studio.parents_of_family)
    for value, searched in (({"key": "7"}, {}), (None, {"7": ""}), ({"key": ["7"]}, {"7": "x"}), ({"key": "7"}, "no")):
        drawn = panels.search.take_trial(work, value, searched, None)  # type: ignore[arg-type] - a browser sends anything
        assert "not on the board any more" in drawn["notice"]["value"]


def test_hosted_there_is_none(panels: Panels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search.Searching, "here", property(lambda self: False))
    monkeypatch.setattr(panels.search._runs, "run", lambda *a, **k: pytest.fail("it was begun"))
    [drawn] = panels.search.try_many(None, None, None, None, None, None)  # type: ignore[arg-type] - nothing is asked of them
    assert "at home only" in drawn["search words"]
    assert Studio(ROOT / "presets", "cpu").host.hosted is False and panels.search.here is False


def test_without_optuna_the_page_says_how(panels: Panels, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise MergeError("a search needs Optuna, which is not installed here: pip install 'merge-explorer[search]'.")

    class Request:
        session_hash, headers, cookies, client = "one", {}, {}, None

    monkeypatch.setattr(study, "optuna", missing)
    studio = panels.studio
    work = start(studio.presets[0], studio.base, studio.parents_of_family)
    *_, last = panels.search.try_many(work, None, None, None, 10, Request())  # type: ignore[arg-type] - what is asked of one
    assert "pip install 'merge-explorer[search]'" in last["search words"] and last["search go"]["visible"]


@pytest.mark.browser
@pytest.mark.long
def test_a_search_on_the_page(open_page: Any) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    pytest.importorskip("optuna")
    page = open_page()
    page.tab("Find")
    page.page.get_by_role("button", name=re.compile("^Search: other methods")).click()
    page.page.locator("#search input[type=number]").fill("10")
    page.page.locator("#search input[type=number]").press("Tab")
    page.page.locator("#search-go").click()
    trials = page.page.locator("#search-board").get_by_role("radio")
    sync_api.expect(trials.nth(1)).to_be_visible(timeout=150_000)  # it stands back for whoever wants the processors
    page.says("ahoy me matey, arr!")  # the page stays live meanwhile
    words = page.page.locator("#search-words textarea")
    sync_api.expect(words).to_have_value(re.compile(r"\d+ trials"), timeout=20_000)
    sync_api.expect(page.page.locator("#search-go")).to_be_visible(timeout=90_000)
    sync_api.expect(page.page.locator("#search .js-plotly-plot")).to_contain_text("Every trial", timeout=20_000)
    trials.first.click()
    sync_api.expect(page.page.get_by_role("button", name="Undo", exact=True)).not_to_have_attribute("aria-disabled", "true")
