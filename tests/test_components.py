"""The Mixer and the answers in a real browser: what a hand does, what Python receives, what stays text."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

gr = pytest.importorskip("gradio")
sync_api = pytest.importorskip("playwright.sync_api")

from merger.ui.answers import answers  # noqa: E402  (after the skips)
from merger.ui.mixer import mixer  # noqa: E402

CHROMIUM = os.environ.get("PLAYWRIGHT_CHROMIUM") or shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no chromium here")]

EVIL = ["${window.hacked=1}", "<img src=x onerror=window.hacked=2>", "{{constructor}} `${window.hacked=3}`"]
QUIET = {"show_progress": "hidden", "api_visibility": "private"}
WEIGHT, DENSITY = "models[0].parameters.weight", "models[0].parameters.density"


def board(layers: int, names: list[str]) -> dict[str, Any]:
    columns = [{"label": "embeddings", "kind": "embed", "layer": None}]
    columns += [{"label": f"layer {i + 1} of {layers}", "kind": "layer", "layer": i} for i in range(layers)]
    columns += [{"label": "head", "kind": "head", "layer": None}]
    params = [
        {"name": "weight", "label": "How much", "help": ""},
        {"name": "density", "label": "Kept", "help": ""},
    ]
    lanes = [
        {
            "path": f"models[{slot}].parameters.{p}",
            "model": name,
            "param": p,
            "slot": slot,
            "low": low,
            "high": high,
            "view": [0, 1],
            "step": 0.01,
            "default": 0.5,
            "name": f"{name} {p}",
            "note": "",
        }
        for slot, name in enumerate(names)
        for p, low, high in (("weight", -10, 10), ("density", 0, 1))
    ]
    return {"columns": columns, "params": params, "lanes": lanes, "locked": False}


def stats(value: dict[str, Any]) -> dict[str, Any]:
    rows = [
        {"label": row, "values": [None, *numbers[1:]]}
        for row, numbers in zip("qkvo", value["lanes"].values(), strict=False)
    ]
    remarks = {path: f"mean {sum(x) / len(x):.3f}" for path, x in value["lanes"].items()}
    return {
        "rows": rows,
        "summary": f"sum {sum(map(sum, value['lanes'].values())):.2f}",
        "note": "",
        "lanes": remarks,
    }


@dataclass
class App:
    """A small page around both components, and what Python received from it."""

    layers: int
    names: list[str]
    seen: dict[str, list[Any]] = field(default_factory=lambda: {"input": [], "release": [], "select": []})
    url: str = ""

    def __post_init__(self) -> None:
        made = board(self.layers, self.names)
        self.value = {
            "lanes": {lane["path"]: [0.5] * len(made["columns"]) for lane in made["lanes"]},
            "seq": 0,
        }
        columns = [{"key": "merge", "name": "your merge", "slot": None, "lead": True}]
        columns += [{"key": f"m{slot}", "name": name, "slot": slot} for slot, name in enumerate(self.names)]

        def live(value: dict[str, Any]) -> Any:
            self.seen["input"].append(value)
            return gr.update(stats=json.dumps(stats(value)))

        def pick(value: dict[str, Any], event: gr.SelectData) -> None:
            self.seen["select"].append((value["picked"], event.index))

        with gr.Blocks() as self.demo:
            mix = mixer(self.value, made, stats(self.value))
            panel = answers({"columns": columns})
            box = gr.Textbox(label="message")
            every = {
                "queue": False,
                "trigger_mode": "multiple",
                **QUIET,
            }  # the default, "once", drops what comes while busy
            mix.input(live, mix, mix, queue=False, trigger_mode="always_last", **QUIET)
            mix.release(lambda value: self.seen["release"].append(value), mix, None, **every)
            mix.select(pick, mix, None, **every)
            for name, target in (("feed", panel), ("board", mix), ("value", mix)):
                gr.Button(f"send {name}").click(
                    lambda text, name=name: gr.update(**{name: json.loads(text)}), box, target, **every
                )
        self.demo.launch(prevent_thread_lock=True, quiet=True, run_history=False, server_name="127.0.0.1")
        self.url = self.demo.local_url

    def last(self, kind: str, path: str = WEIGHT) -> list[float]:
        newest = max(self.seen[kind], key=lambda value: value["seq"])  # requests may overtake each other
        return newest["lanes"][path]


def until(test: Callable[[], Any], seconds: float = 5.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := test():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


@pytest.fixture(scope="module")
def small() -> Iterator[App]:
    app = App(6, ["pirate", "plural", "rhyme"])
    yield app
    app.demo.close()


@pytest.fixture(scope="module")
def evil() -> Iterator[App]:
    app = App(6, EVIL)
    yield app
    app.demo.close()


@pytest.fixture(scope="module")
def large() -> Iterator[App]:
    app = App(80, ["pirate", "plural", "rhyme"])
    yield app
    app.demo.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open an app; after the test, no error may stand in the console and no dialog may have opened."""
    pages, errors = [], []

    def go(app: App, width: int = 1280, theme: str = "light", **options: Any) -> Any:
        for kind in app.seen.values():
            kind.clear()
        page = browser.new_page(viewport={"width": width, "height": 860}, **options)
        pages.append(page)
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.on("dialog", lambda d: (errors.append("dialog"), d.dismiss()))
        page.goto(f"{app.url}?__theme={theme}")
        page.wait_for_selector(".mx-pad")
        page.wait_for_selector(".an-card")
        return page

    yield go
    for page in pages:
        page.close()
    assert errors == []


def send(page: Any, name: str, message: Any) -> None:
    page.get_by_label("message").fill(json.dumps(message))
    page.get_by_role("button", name=f"send {name}").click()


def tool(page: Any, name: str) -> Any:
    return page.locator(".mx-toolbar, .mx-drawer").get_by_role("button", name=name, exact=True)


def lane(page: Any, name: str = "pirate weight") -> Any:
    return page.get_by_role("slider", name=name, exact=True)


def drag(page: Any, pad: Any, start: tuple[float, float], end: tuple[float, float], steps: int = 30) -> None:
    """Across a lane, positions as fractions of its box."""
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=steps)
    page.mouse.up()


def test_painting_sends_inputs_and_one_release(small: App, visit: Any) -> None:
    page = visit(small)
    drag(page, lane(page), (0.3, 0.2), (0.99, 0.2))  # past the last layer, over the head
    until(lambda: small.seen["release"])
    page.wait_for_timeout(150)
    assert len(small.seen["release"]) == 1
    assert max(x["seq"] for x in small.seen["input"]) == small.seen["release"][0]["seq"]  # the last one left
    painted = small.last("release")
    changed = [i for i, x in enumerate(painted) if x != 0.5]
    assert len(changed) >= 3
    assert changed == list(range(changed[0], changed[-1] + 1))  # no column skipped
    assert {painted[i] for i in changed} == {painted[changed[0]]}
    assert 0.7 < painted[changed[0]] < 0.95
    assert painted[0] == painted[-1] == 0.5  # the edge columns stay
    assert small.last("release", DENSITY) == [0.5] * 8


def test_fast_strokes_are_interpolated_and_double_click_resets(small: App, visit: Any) -> None:
    page = visit(small)
    drag(page, lane(page), (0.2, 0.9), (0.8, 0.1), steps=1)
    until(lambda: small.seen["release"])
    layers = [x for x in small.last("release")[1:-1] if x != 0.5]
    assert layers == sorted(layers)
    assert len(set(layers)) >= 4
    box = lane(page).bounding_box()
    page.mouse.dblclick(box["x"] + 0.7 * box["width"], box["y"] + 0.8 * box["height"])
    until(lambda: small.last("release").count(0.5) >= 3)
    tool(page, "Undo").click()  # one step, although two clicks painted
    until(lambda: [x for x in small.last("release")[1:-1] if x != 0.5] == layers)
    tool(page, "Reset").click()
    until(lambda: small.last("release") == [0.5] * 8)
    small.seen["release"].clear()
    page.mouse.dblclick(box["x"] + 0.7 * box["width"], box["y"] + 0.8 * box["height"])
    until(lambda: len(small.seen["release"]) == 2)  # the first click painted; the second says so too
    assert small.last("release") == [0.5] * 8


def test_handles_pull_a_ramp(small: App, visit: Any) -> None:
    page = visit(small)
    pad = lane(page)
    box = pad.bounding_box()
    spot = page.evaluate(  # the first place from the right where the pointer says "handle"
        """async ([x, y, w]) => { const pad = document.querySelector('.mx-pad');
        for (let dx = w - 1; dx > 0; dx -= 2) {
          pad.dispatchEvent(new PointerEvent('pointermove', { clientX: x + dx, clientY: y }));
          if (pad.style.cursor === 'ns-resize') return x + dx - 4; } }""",
        [box["x"], box["y"] + box["height"] / 2, box["width"]],
    )
    page.mouse.move(spot, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(spot, box["y"] + 2, steps=5)
    page.mouse.up()
    until(lambda: small.seen["release"])
    assert small.last("release") == [0.5, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.5]


def test_keyboard_edits_and_releases(small: App, visit: Any) -> None:
    page = visit(small)
    pad = lane(page)
    pad.focus()
    assert pad.get_attribute("aria-valuetext") == "layer 1 of 6, weight 0.50"
    for key in ("ArrowRight", "ArrowRight", "7", "ArrowUp", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert not small.seen["release"]  # not before the hand rests
    until(lambda: small.seen["release"])
    assert small.last("release") == [0.5, 0.5, 0.5, 0.61, 0.5, 0.5, 0.5, 0.5]
    assert pad.get_attribute("aria-valuetext") == "layer 3 of 6, weight 0.61"
    assert [pad.get_attribute(f"aria-value{x}") for x in ("now", "min", "max")] == ["0.61", "0", "1"]
    page.keyboard.press("End")
    page.keyboard.press("]")
    until(lambda: small.last("release")[3] == 1.05)
    assert small.last("release")[0] == 0.55
    assert pad.get_attribute("aria-valuemax") == "2"  # the view grew, the number is not hidden
    page.keyboard.press("Control+z")
    until(lambda: small.last("release")[3] == 0.61)
    page.keyboard.press("Control+Shift+z")
    until(lambda: small.last("release")[3] == 1.05)
    page.wait_for_timeout(400)
    assert len(small.seen["release"]) == 4


def test_undo_redo_reset_and_preset(small: App, visit: Any) -> None:
    page = visit(small)
    assert tool(page, "Undo").get_attribute("aria-disabled") == "true"
    drag(page, lane(page), (0.3, 0.2), (0.7, 0.2))
    until(lambda: small.seen["release"])
    painted = small.last("release")
    tool(page, "Undo").click()
    until(lambda: small.last("release") == [0.5] * 8)
    tool(page, "Redo").click()
    until(lambda: small.last("release") == painted)
    preset = {"lanes": {path: [0.25] * 8 for path in small.value["lanes"]}, "seq": 0}
    send(page, "value", preset)
    page.wait_for_selector(".mx-pad[aria-valuenow='0.25']")
    tool(page, "Undo").click()  # a preset is one step as well
    until(lambda: small.last("release") == painted)
    tool(page, "Reset").click()
    until(lambda: small.last("release") == [0.25] * 8)


def test_shapes_mute_gain_and_link(small: App, visit: Any) -> None:
    page = visit(small)
    tool(page, "Rise").click()
    until(lambda: small.seen["release"])
    assert small.last("release") == [0.5, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5]
    tool(page, "More").click()
    tool(page, "Mirror").click()
    until(lambda: small.last("release") == [0.5, 0.5, 0.4, 0.3, 0.2, 0.1, 0, 0.5])
    tool(page, "Invert").click()
    until(lambda: small.last("release") == [0.5, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.5])
    mute = page.get_by_role("button", name="Mute pirate")
    mute.click()
    until(lambda: small.last("release") == [0] * 8)
    until(lambda: mute.get_attribute("aria-pressed") == "true")
    mute.click()
    until(lambda: small.last("release")[6] == 1)
    page.get_by_role("button", name="Lower pirate weight").click()
    until(lambda: small.last("release")[6] == 0.95)
    tool(page, "Link").click()
    until(lambda: small.last("release")[0] != 0.45)
    for column in zip(
        *(x for path, x in small.seen["release"][-1]["lanes"].items() if "weight" in path), strict=True
    ):
        assert sum(column) == pytest.approx(1)
    lane(page, "plural weight").focus()
    tool(page, "Flat").click()  # acts on the lane that had the focus last
    until(lambda: len(set(small.last("release", "models[1].parameters.weight")[1:-1])) == 1)


def test_names_switch_and_picking_a_cell(small: App, visit: Any) -> None:
    page = visit(small)
    names = [x.get_attribute("aria-label") for x in page.get_by_role("slider").all()]
    assert names == ["pirate weight", "plural weight", "rhyme weight"]
    tool(page, "Kept").click()
    assert page.get_by_role("slider").first.get_attribute("aria-label") == "pirate density"
    assert tool(page, "Kept").get_attribute("aria-pressed") == "true"
    strip = page.get_by_role("img", name="sum 24.00")
    strip.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    until(lambda: small.seen["select"])
    assert small.seen["select"][-1] == ({"column": 1, "row": "k"}, [1, "k"])
    assert page.locator(".mx-tip").text_content() == "layer 1 of 6 · k · 50%"


def test_board_can_lock_and_change(small: App, visit: Any) -> None:
    page = visit(small)
    send(page, "board", board(6, ["pirate", "plural", "rhyme"]) | {"locked": True, "note": EVIL[1]})
    page.wait_for_selector(".mixer[data-locked=true]")
    drag(page, lane(page), (0.3, 0.2), (0.7, 0.2))
    assert page.locator(".mx-toolbar").is_hidden()
    assert page.get_by_text(EVIL[1], exact=True).is_visible()
    send(page, "board", board(4, ["only"]))
    page.wait_for_selector("[aria-label='only weight']")
    assert page.get_by_role("slider").count() == 1
    assert not small.seen["release"]


def test_hostile_names_and_tokens_stay_text(evil: App, visit: Any) -> None:
    page = visit(evil)
    add = [["merge", text, 0.1, [[text, 0.5]], "m1"] for text in EVIL]
    send(
        page,
        "feed",
        {
            "run": 1,
            "seq": 0,
            "start": True,
            "prompt": EVIL[1],
            "add": add,
            "error": {"m0": EVIL[1], "": EVIL[0]},
        },
    )
    page.wait_for_selector(".an-token")
    page.locator(".an-token").nth(1).hover()
    send(page, "board", board(6, EVIL))
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None
    assert page.locator(".mixer img, .answers img").count() == 0
    assert page.locator(".mx-name").all_text_contents() == EVIL
    assert page.locator(".an-token").all_text_contents()[:2] == EVIL[:2]
    assert page.get_by_role("region", name=f"Answer of {EVIL[1]}").count() == 1


def test_answers_stream_and_drop_stale_feeds(small: App, visit: Any) -> None:
    page = visit(small)
    merge = page.get_by_role("region", name="Answer of your merge")
    text = merge.locator(".an-text")
    assert "No answer yet" in merge.text_content()
    token = lambda word, key="merge": [key, word, 0.5, [["x", 0.2]], "m0"]  # noqa: E731
    send(
        page,
        "feed",
        {"run": 5, "seq": 0, "start": True, "state": {"merge": "busy"}, "add": [token(" Arr"), token(" me")]},
    )
    page.wait_for_function("document.querySelector('.an-text').textContent === 'Arr me'")  # no blank in front
    assert merge.get_attribute("aria-busy") == "true"
    send(page, "feed", {"run": 4, "seq": 9, "start": True, "add": [token("stale")]})
    send(page, "feed", {"run": 5, "seq": 0, "add": [token("stale")]})
    page.wait_for_timeout(300)
    assert text.text_content() == "Arr me"
    full = [[w, 0.5, [], None] for w in (" Arr", " me", " hearty")]  # a feed was lost on the way
    send(
        page,
        "feed",
        {
            "run": 5,
            "seq": 7,
            "add": [],
            "full": {"merge": full},
            "done": ["merge"],
            "state": {"m0": "cached", "m1": "stopped"},
            "error": {"m2": "Out of memory."},
        },
    )
    page.wait_for_function("document.querySelector('.an-text').textContent === 'Arr me hearty'")
    assert merge.get_attribute("aria-busy") == "false"
    assert "Out of memory." in page.get_by_role("region", name="Answer of rhyme").text_content()
    assert "Stopped" in page.get_by_role("region", name="Answer of plural").text_content()
    assert page.locator(".answers > [aria-live]").text_content() == "Answers finished."
    merge.locator(".an-token").nth(2).hover()
    assert "hearty" in page.locator(".an-tip").text_content()
    merge.locator(".an-body").focus()
    page.keyboard.press("ArrowRight")
    assert "Arr" in page.locator(".an-tip").text_content()
    send(page, "feed", {"run": 6, "seq": 0, "start": True, "state": {"merge": "busy"}})
    page.wait_for_function("document.querySelector('.an-text').textContent === ''")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_sideways_scroll_on_a_phone(large: App, visit: Any, theme: str) -> None:
    page = visit(large, 390, theme, has_touch=True)
    send(
        page,
        "feed",
        {
            "run": 1,
            "seq": 0,
            "start": True,
            "prompt": "x" * 400,
            "add": [["merge", "y" * 400, 0.1, [], None]],
        },
    )
    page.wait_for_selector(".an-token")
    assert page.evaluate("document.body.classList.contains('dark')") == (theme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    bar = page.locator(".mx-toolbar")
    assert (
        bar.evaluate("(bar) => { bar.scrollLeft = 999; return bar.scrollLeft; }") > 50
    )  # the toolbar scrolls
    assert page.locator(".an-text").first.evaluate("(text) => text.scrollWidth - text.clientWidth") <= 0
    inside = (
        ".mx-lane, .mx-strip-canvas, .mx-toolbar, .an-card, .an-modes"  # gradio's own boxes clip: look inside
    )
    right = page.locator(inside).evaluate_all("(all) => all.map((e) => e.getBoundingClientRect().right)")
    assert max(right) <= 390
    buttons = page.locator(".mx-button").evaluate_all("(all) => all.map((b) => b.offsetHeight)")
    assert min(buttons) >= 36


def test_eighty_layers_stay_quick(large: App, visit: Any) -> None:
    page = visit(large)
    page.wait_for_timeout(300)
    page.evaluate(
        """() => { window.long = []; window.seen = 0;
        const note = (list) => window.long.push(...list.getEntries().map((entry) => entry.duration));
        new PerformanceObserver(note).observe({ type: 'longtask' });
        const summary = document.querySelector('.mx-strip-summary');
        new MutationObserver(() => { window.seen += 1; }).observe(summary, { childList: true }); }"""
    )
    drag(page, lane(page), (0.1, 0.9), (0.9, 0.1), steps=90)
    until(lambda: large.seen["release"])
    page.wait_for_timeout(200)
    long, seen = page.evaluate("[window.long, window.seen]")
    assert seen >= 5  # the numbers followed the hand
    assert max(long, default=0) < 100
    painted = large.last("release")[10:70]
    assert painted == sorted(painted)
    assert (
        max(large.last("release")) == float(lane(page).get_attribute("aria-valuenow")) > 0.9
    )  # where the hand stopped
    summary = page.locator(".mx-strip-summary").text_content()
    assert summary == stats(large.seen["release"][-1])["summary"]  # the last value won
