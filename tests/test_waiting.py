"""Waiting and failing: the server gone and back, a place in line, a refusal; what a page keeps so that nothing is lost."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from browsing import ROOT, SEEN, Page

from merger.errors import MergeError
from merger.recipe import dump
from merger.ui import PRESETS, Panels, away, lanes, workspace
from merger.ui.panels.dock import NOTHING, worst
from merger.ui.service.feeds import Feeds
from merger.ui.studio import Studio
from merger.ui.words import Remark
from merger.ui.workspace import Workspace

HOW = (0.7, 3, True, 40, 0.9, 1.1, "stop", False)
"""What stands in the fields that say how answers are drawn."""
AWAY = "No connection; you can go on painting."
REQUEST = gr.Request()


@pytest.fixture(scope="module")
def panels() -> Panels:
    from merger.ui.app import build_app

    return build_app(PRESETS).panels


def first(studio: Studio) -> Workspace:
    return workspace.start(studio.presets[0], studio.base, studio.parents_of_family)


# ---------------------------------------------------------------------------------------- what a page keeps


def test_a_page_keeps_what_a_new_server_needs(panels: Panels) -> None:
    """Recipe, models, preset, A and B; of what is no such text it is said that it cannot be read."""
    studio = panels.studio
    for i, preset in enumerate(studio.presets):
        work = workspace.with_preset(first(studio), preset, studio.base, studio.parents_of_family)
        work = workspace.kept_as(work, i % 2)
        back = away.restored(first(studio), away.kept(work))
        assert (back.moment, back.slots) == (work.moment, work.slots)
        assert away.kept(back) == away.kept(work)
    own = json.loads(away.kept(first(studio)))
    wrong = (
        "", "[]", "nonsense", "[" * 100_000, "x" * 1_000_000, json.dumps(own | {"shelf": "pirate"}),
        json.dumps(own | {"slots": [1, 2]}), json.dumps(own | {"base": None}), json.dumps(own | {"shelf": ["x" * 9000]}),
        json.dumps(own | {"shelf": ["x"] * 1000}), json.dumps({k: v for k, v in own.items() if k != "recipe"}),
        json.dumps(own | {"recipe": "x" * 300_000}),
    )  # fmt: skip
    for text in wrong:
        with pytest.raises(MergeError) as refused:
            away.restored(first(studio), text)
        assert str(refused.value) == away.MISFIT
    with pytest.raises(MergeError, match="merge_method"):
        away.restored(first(studio), json.dumps(own | {"recipe": "models: []"}))


def resumed(panels: Panels, work: Workspace, value: Any, mixer: Any = None, written: str = "", tick: str = "7") -> dict[str, Any]:
    return panels.dock.resume(REQUEST, work, value, mixer, written, tick, "8", "3", "5", *HOW)


def test_a_server_that_was_there_all_the_time_asks_nobody(panels: Panels) -> None:
    work = first(panels.studio)
    assert resumed(panels, work, {"kept": away.kept(work), "unsent": False}, written=dump(work.recipe)) == {"how": HOW}
    assert panels.desk.visit(REQUEST).run >= 8 and panels.desk.visit(REQUEST).talking.run >= 5
    asked = resumed(panels, work, {"kept": away.kept(work), "unsent": True}, written=dump(work.recipe), tick="90")
    assert asked["tick"] == "91" and asked["work"].moment == work.moment


def test_what_was_painted_meanwhile_is_one_step(panels: Panels) -> None:
    """On a server that knows nothing of the page: the recipe that was there, then the bars as they are now."""
    studio = panels.studio
    there = workspace.kept_as(workspace.with_preset(first(studio), studio.presets[2], studio.base, studio.parents_of_family), 0)
    value, _ = lanes.describe(studio.plan(there.recipe))
    path = next(iter(value["lanes"]))
    value["lanes"][path] = [0.25 for _ in value["lanes"][path]]
    sent = {"kept": away.kept(there), "unsent": True}
    drawn = resumed(panels, first(studio), sent, value, written=dump(there.recipe))
    now = drawn["work"]
    assert now.preset == studio.presets[2].name and now.slots == there.slots and now.past[-1].recipe == there.recipe
    assert lanes.describe(studio.plan(now.recipe))[0]["lanes"][path] == value["lanes"][path]
    assert drawn["yaml"] == dump(now.recipe) and drawn["drafted"] is False and drawn["how"] == HOW
    drafted = resumed(panels, first(studio), sent, value, written="merge_method: mine, not done")
    assert "yaml" not in drafted and drafted["drafted"] is True


def test_models_that_are_not_here_any_more_are_told(panels: Panels) -> None:
    work = first(panels.studio)
    gone = json.loads(away.kept(work))
    gone["recipe"] = gone["recipe"].replace("family/pirate", "family/parrot")
    drawn = resumed(panels, work, {"kept": json.dumps(gone), "unsent": True})
    assert "parrot" in drawn["notice"]["value"] and "tick" not in drawn and drawn["how"] == HOW
    for value in (None, 7, {}, {"kept": 7}, {"kept": "x" * 1_000_000, "unsent": "yes"}):
        assert resumed(panels, work, value)["notice"]["value"] == away.MISFIT


# ---------------------------------------------------------------------------------------- one line, one sentence


def test_the_dock_says_what_speaks_most_against_the_merge() -> None:
    note, warning, error = (Remark(level, level) for level in ("note", "warning", "error"))
    assert json.loads(worst([note])) == {"words": NOTHING, "level": ""}
    assert json.loads(worst([note, warning])) == {"words": "warning", "level": "warning"}
    assert json.loads(worst([warning, note, error, warning])) == {"words": "error (and 2 more)", "level": "error"}


def test_a_place_in_line_is_told_with_each_feed() -> None:
    feeds = Feeds(1, "hello", ["merge"])
    assert feeds.waiting(2)["place"] == 3
    feeds.begin(["merge"])
    assert "place" not in feeds.flush()


# ---------------------------------------------------------------------------------------- the start


@pytest.mark.long
def test_the_page_is_built_without_what_only_answers_need() -> None:
    """Of what is imported, garbage is looked for once again; transformers comes when the page is up."""
    code = "import app, gc, sys; assert 'transformers' not in sys.modules and gc.isenabled() and gc.get_freeze_count() > 100_000"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("Merge explorer:")] == [
        "Merge explorer: loading the libraries…", "Merge explorer: building the page…",
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------- in a browser


class Server:
    """app.py at one port, which can be killed and started again."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        own = {**os.environ, "GRADIO_SERVER_PORT": str(self.port), "GRADIO_SERVER_NAME": "127.0.0.1"}
        self.process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=own, stdout=subprocess.DEVNULL)
        for _ in range(2400):
            assert self.process.poll() is None, "app.py ended by itself"
            with contextlib.suppress(OSError):
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.start()
    yield made
    made.kill()


def visit(browser: Any, url: str, before: str = "") -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.add_init_script(SEEN + before)
    page = Page(context.new_page())
    page.page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.page.goto(f"{url}?__theme=light")
    page.page.wait_for_selector(".mixer .mx-track canvas", timeout=30_000)
    page.page.wait_for_selector("#announcer", state="attached", timeout=30_000)
    page.page.wait_for_timeout(300)
    page.page.evaluate("window.mine = true")  # gone after a reload
    return page


ASKS = """() => {
  const named = (id) => gradio_config.components.find((one) => one.props.elem_id === id).id;
  const told = [named('answers'), named('recorder')];
  return gradio_config.dependencies.filter(({queue, outputs}) => queue !== false && told.every((id) => outputs.includes(id)))
    .map(({id}) => id);
}"""


def count(page: Page) -> list[int]:
    """A list that grows with each time that the rows are asked."""
    ids, asked = set(page.page.evaluate(ASKS)), list[int]()
    assert len(ids) == 3  # after a bar was let go, after another edit, and by hand

    def heard(request: Any) -> None:
        if "/queue/join" in request.url and request.method == "POST":
            asked.extend({json.loads(request.post_data)["fn_index"]} & ids)

    page.page.on("request", heard)
    return asked


@pytest.mark.browser
@pytest.mark.long
def test_the_server_gone_and_back(browser: Any, server: Server) -> None:
    """Killed while the page is open: a line says so, painting goes on; back, what was painted is sent and asked once."""
    expect = pytest.importorskip("playwright.sync_api").expect
    page = visit(browser, server.url)
    view, dock = page.page, page.page.locator(".dock")
    page.says("ahoy me matey, arr!")
    expect(dock.locator(".dk-line")).to_have_text(NOTHING)
    view.locator(".hd-key").first.click()  # A is kept
    expect(view.locator(".hd-key").first).to_have_attribute("data-kept", "true")
    asked = count(page)
    server.kill()
    expect(dock).to_have_attribute("data-kind", "away", timeout=5_000)  # before anything is asked
    expect(dock.locator(".dk-line")).to_have_text(AWAY)
    expect(page.row(1).locator(".rw-answer")).to_have_text("ahoy me matey, arr!")
    page.paint("pirate weight", 0.0)
    for number in (1, 2, 3):
        expect(page.row(number).locator(".rw-state")).to_have_text("not asked")
    expect(view.locator(".rw-right")).to_have_text("Not asked")  # and not that nothing is right
    page.field.fill("spell cat")
    page.field.press("Enter")
    expect(page.row(4).locator(".rw-words")).to_have_text("spell cat")
    view.locator(".rw-chips button").first.click()
    assert view.locator(".toast-body").count() == 0 and not re.search(r"^Error", view.inner_text("body"), re.MULTILINE)
    rows = view.locator(".rw-row").count()
    server.start()
    expect(dock).not_to_have_attribute("data-kind", "away", timeout=15_000)
    expect(page.row(1).locator(".rw-answer")).to_have_text("dunno.", timeout=40_000)
    expect(page.row(4).locator(".rw-state")).not_to_have_text(re.compile("not asked|waiting|line|writing"), timeout=40_000)
    assert view.evaluate("window.mine") and view.locator(".rw-row").count() == rows
    view.wait_for_timeout(3_500)  # whoever insists has done so by then
    assert len(asked) == 1
    assert view.locator(".hd-key").first.get_attribute("data-kept") == "true"
    page.paint("pirate weight", 1.0)  # and on it goes
    expect(page.row(1).locator(".rw-answer")).to_have_text(re.compile("ahoy"), timeout=20_000)
    assert len(asked) == 2 and page.complaints == []


@pytest.mark.browser
def test_a_line_that_was_cut_for_a_while_loses_nothing(browser: Any, url: str) -> None:
    """The server has been there all the time: Undo leads back over what was painted before, and meanwhile."""
    expect = pytest.importorskip("playwright.sync_api").expect
    page = visit(browser, url)
    view, dock = page.page, page.page.locator(".dock")
    page.says("ahoy me matey, arr!")
    page.paint("pirate weight", 0.0)
    page.says("dunno.")
    asked = count(page)
    view.context.set_offline(True)
    page.paint("pirate weight", 1.0)
    expect(dock).to_have_attribute("data-kind", "away", timeout=5_000)
    expect(page.row(1).locator(".rw-state")).to_have_text("not asked")
    view.context.set_offline(False)
    expect(dock).not_to_have_attribute("data-kind", "away", timeout=15_000)
    page.says(re.compile("ahoy"))
    assert len(asked) == 1
    page.press("Undo")
    page.says("dunno.")
    page.press("Undo")
    page.says("ahoy me matey, arr!")
    assert page.complaints == []


@pytest.mark.browser
def test_a_refusal_is_a_sentence_in_the_dock(browser: Any, url: str) -> None:
    """Whatever refuses: no box of gradio's lies over the page, and the next event goes through."""
    expect = pytest.importorskip("playwright.sync_api").expect
    page = visit(browser, url)
    view, line = page.page, page.page.locator(".dk-line")
    page.says("ahoy me matey, arr!")
    busy = {"status": 503, "content_type": "application/json", "body": json.dumps({"detail": "The line is full; come again."})}
    view.route("**/queue/join*", lambda route: route.fulfill(**busy))
    page.paint("pirate weight", 0.0)
    expect(line).to_have_text("The line is full; come again.", timeout=10_000)
    assert view.locator(".toast-body").count() == 0
    view.unroute("**/queue/join*")
    page.paint("pirate weight", 0.02)
    page.says("dunno.")
    expect(line).to_have_text(NOTHING)
    assert page.complaints == []


@pytest.mark.browser
def test_a_press_on_the_dock_opens_what_speaks_against_the_merge(browser: Any, url: str) -> None:
    """And nothing of gradio's lies over the dock: its links are in the head line's last box."""
    expect = pytest.importorskip("playwright.sync_api").expect
    page = visit(browser, url)
    view, line = page.page, page.page.locator(".dk-line")
    page.says("ahoy me matey, arr!")
    page.press("Mute pirate")
    expect(line).to_have_text(re.compile("pirate is in the mix but has no say"), timeout=15_000)
    at = line.bounding_box()
    assert at is not None
    over = view.evaluate("([x, y]) => document.elementFromPoint(x, y).className", [at["x"] + 4, at["y"] + at["height"] / 2])
    assert "dk-line" in over
    line.click()
    expect(view.get_by_role("tab", name="Recipe", exact=True)).to_have_attribute("aria-selected", "true")
    expect(view.locator("#verdict textarea")).to_be_in_viewport(timeout=10_000)
    assert not view.locator("footer").is_visible()
    page.box("more").get_by_role("button", name="Use via API").click()
    expect(view.locator(".api-docs-wrap")).to_be_visible(timeout=15_000)
    assert page.complaints == []


@pytest.mark.browser
@pytest.mark.long
def test_what_was_said_in_a_conversation_is_kept_as_a_row(browser: Any, url: str) -> None:
    """It is asked at once, as the rows are, and opened; where there is no room, that is said."""
    expect = pytest.importorskip("playwright.sync_api").expect
    kept = [["toys", {"rows": [{"prompt": f"plural of {word}"} for word in "box fox cat dog hat map".split()], "open": 0}]]
    page = visit(browser, url, f"localStorage.setItem('merge-explorer-rows', {json.dumps(json.dumps(kept))})")
    view, rows = page.page, page.page.locator(".rw-row")
    expect(rows).to_have_count(6)
    view.locator(".rw-closehead").get_by_role("button", name="Chat", exact=True).click()
    field = view.get_by_role("textbox", name="Say something", exact=True)
    for turn, said in enumerate(("spell cat", "spell dog", "spell hat"), 1):
        expect(view.locator(".rw-merge:is([data-state=waiting], [data-state=busy])")).to_have_count(0, timeout=40_000)
        field.fill(said)  # else a place in line is told in the note's place
        field.press("Enter")
        view.get_by_role("button", name=f"Keep turn {turn} as a row").click()
        expect(view.locator(".ch-note")).to_contain_text(f"A row now: {said}." if turn < 3 else "At most 8 rows")
        expect(view.locator(".ch-line").get_by_role("button", name="Stop")).to_be_hidden(timeout=40_000)
    assert rows.locator(".rw-words").all_inner_texts()[6:] == ["spell cat", "spell dog"]
    expect(page.row(8).locator(".rw-answer")).not_to_be_empty(timeout=40_000)
    assert page.complaints == []
