"""The Mixer and the rows of answers in a real browser: what a hand does, what Python receives, what stays text."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from browsing import CHROMIUM

gr = pytest.importorskip("gradio")
sync_api = pytest.importorskip("playwright.sync_api")

from merger.ui.answers import answers  # noqa: E402  (after the skips)
from merger.ui.mixer import mixer  # noqa: E402
from merger.ui.page import Page as Served  # noqa: E402

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no chromium here")]

EVIL = ["${window.hacked=1}", "<img src=x onerror=window.hacked=2>", "{{constructor}} `${window.hacked=3}`"]
QUIET = {"show_progress": "hidden", "api_visibility": "private"}
ASKS = ("edit", "undo", "retry")  # what the Mixer asks of the page
ROWS = [
    {"id": "r1", "prompt": "greet", "answer": "Arr me hearty", "match": "exact"},
    {"id": "r2", "prompt": "plural of box", "answer": "boxes", "match": "within"},
    {"id": "r3", "prompt": "hello"},
]
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
    floor = [None, *(round(x - 0.4, 4) for x in next(iter(value["lanes"].values()))[1:])]
    remarks = {path: f"mean {sum(x) / len(x):.3f}" for path, x in value["lanes"].items()}
    return {
        "floor": floor,
        "summary": f"sum {sum(map(sum, value['lanes'].values())):.2f}",
        "note": "",
        "lanes": remarks,
    }


@dataclass
class App:
    """A small page around both components, and what Python received from it."""

    layers: int
    names: list[str]
    seen: dict[str, list[Any]] = field(default_factory=lambda: {e: [] for e in ("input", "release", "select", *ASKS)})
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
            self.seen["select"].append((value.get("picked"), event.index))

        with Served() as self.demo:
            mix = mixer(self.value, made, stats(self.value))
            panel = answers({"rows": ROWS, "open": "r1"}, {"columns": columns})
            box = gr.Textbox(label="message")
            every = {
                "queue": False,
                "trigger_mode": "multiple",
                **QUIET,
            }  # the default, "once", drops what comes while busy
            mix.input(live, mix, mix, queue=False, trigger_mode="always_last", **QUIET)
            mix.release(lambda value: self.seen["release"].append(value), mix, None, **every)
            mix.select(pick, mix, None, **every)
            for ask in ASKS:
                getattr(mix, ask)(lambda value, ask=ask: self.seen[ask].append(value), mix, None, **every)
            for name, target in (("feed", panel), ("board", mix), ("value", mix), ("stats", mix)):
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
    if name == "feed":  # which says what was asked
        message = {"prompts": {row["id"]: row["prompt"] for row in ROWS}, **message}
    page.get_by_label("message").fill(json.dumps(message))
    page.get_by_role("button", name=f"send {name}").click()


def tool(page: Any, name: str) -> Any:
    return page.locator(".mx-toolbar, .mx-drawer").get_by_role("button", name=name, exact=True)


def tools(page: Any) -> None:
    """Open their box."""
    if page.locator(".mx-drawer").is_hidden():
        tool(page, "Tools").click()
    page.locator(".mx-drawer").wait_for()


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
    tools(page)
    tool(page, "Reset").click()
    until(lambda: small.last("release") == [0.5] * 8)
    page.keyboard.press("Escape")  # the box of tools lies over the lane
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
    tools(page)
    tool(page, "Reset").click()
    until(lambda: small.last("release") == [0.25] * 8)


def test_shapes_mute_gain_and_link(small: App, visit: Any) -> None:
    page = visit(small)
    tool(page, "Rise").click()
    until(lambda: small.seen["release"])
    assert small.last("release") == [0.5, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5]
    tools(page)
    tool(page, "Mirror").click()
    until(lambda: small.last("release") == [0.5, 0.5, 0.4, 0.3, 0.2, 0.1, 0, 0.5])
    tool(page, "Invert").click()
    until(lambda: small.last("release") == [0.5, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.5])
    mute = page.get_by_role("button", name="Mute pirate")
    page.keyboard.press("Escape")
    assert page.locator(".mx-drawer").is_hidden()
    assert page.evaluate("document.activeElement.ariaLabel") == "Tools"
    mute.click()
    until(lambda: small.last("release") == [0] * 8)
    until(lambda: mute.get_attribute("aria-pressed") == "true")
    mute.click()
    until(lambda: small.last("release")[6] == 1)
    more(page, "pirate", "Lower pirate weight by .05")
    until(lambda: small.last("release")[6] == 0.95)
    tools(page)
    tool(page, "Link").click()
    until(lambda: small.last("release")[0] != 0.45)
    for column in zip(*(x for path, x in small.seen["release"][-1]["lanes"].items() if "weight" in path), strict=True):
        assert sum(column) == pytest.approx(1)
    lane(page, "plural weight").focus()
    tool(page, "Flat").click()  # acts on the lane that had the focus last
    until(lambda: len(set(small.last("release", "models[1].parameters.weight")[1:-1])) == 1)


def weights(app: App) -> list[list[float]]:
    return [app.last("release", f"models[{slot}].parameters.weight") for slot in range(3)]


def more(page: Any, name: str, item: str) -> None:
    """An entry of a lane's menu; the box of tools, which may lie over the lane, closes."""
    if page.locator(".mx-drawer").is_visible():
        page.locator(".mx-drawer button").first.press("Escape")
    page.get_by_role("button", name=f"More for {name} weight").click()
    page.get_by_role("group", name=f"More for {name} weight").get_by_role("button", name=item).click()


def test_solo_hears_one_model_and_gives_the_others_back(small: App, visit: Any) -> None:
    page = visit(small)
    tool(page, "Rise").click()
    until(lambda: small.seen["release"])
    before = weights(small)
    page.get_by_role("button", name="Mute plural").click()
    until(lambda: weights(small)[1] == [0] * 8)
    solo = [page.get_by_role("button", name=f"Solo {name}") for name in small.names]
    solo[0].click()
    until(lambda: weights(small) == [before[0], [0] * 8, [0] * 8])
    assert [b.get_attribute("aria-pressed") for b in solo] == ["true", "false", "false"]
    solo[1].click()  # another one alone: its own mute opens
    until(lambda: weights(small) == [[0] * 8, before[1], [0] * 8])
    solo[1].click()
    until(lambda: weights(small) == [before[0], [0] * 8, before[2]])  # plural was muted before
    page.get_by_role("button", name="Mute plural").click()
    until(lambda: weights(small) == before)
    solo[2].click()
    until(lambda: weights(small)[0] == [0] * 8)
    tool(page, "Undo").click()
    until(lambda: weights(small) == before)
    until(lambda: solo[2].get_attribute("aria-pressed") == "false")


def test_nothing_moves_a_locked_lane_or_layer(small: App, visit: Any) -> None:
    page = visit(small)
    more(page, "pirate", "Lock this lane")
    drag(page, lane(page), (0.3, 0.2), (0.7, 0.2))
    lane(page).focus()
    page.keyboard.press("9")
    for name in ("Rise", "Surprise me"):  # pirate is selected; the dice moves the others
        tool(page, name).click()
    until(lambda: small.seen["release"])
    assert weights(small)[0] == [0.5] * 8 and weights(small)[1] != [0.5] * 8
    assert lane(page).get_attribute("aria-valuetext").endswith(", locked")
    tool(page, "Undo").click()
    until(lambda: weights(small) == [[0.5] * 8] * 3)
    tools(page)
    tool(page, "Link").click()  # pirate keeps .5; the others share the rest
    until(lambda: weights(small) == [[0.5] * 8, [0.25] * 8, [0.25] * 8])
    lane(page, "plural weight").focus()
    page.keyboard.press("9")  # more than pirate leaves
    until(lambda: weights(small)[1][1] == 0.5)
    assert [w[1] for w in weights(small)] == [0.5, 0.5, 0]
    page.keyboard.press("l")  # the layer as well
    page.keyboard.press("1")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("1")
    until(lambda: weights(small)[1][2] == 0.1)
    assert [w[1:3] for w in weights(small)] == [[0.5, 0.5], [0.5, 0.1], [0, 0.4]]
    tools(page)
    tool(page, "Unlock all").click()
    lane(page).focus()
    page.keyboard.press("0")
    until(lambda: 0 in weights(small)[0])
    column = weights(small)[0].index(0)
    assert sum(w[column] for w in weights(small)) == pytest.approx(1)


def test_a_lane_is_multiplied_and_copied(small: App, visit: Any) -> None:
    page = visit(small)
    tool(page, "Rise").click()
    more(page, "pirate", "Multiply pirate weight by a half")
    page.keyboard.press("Escape")
    until(lambda: small.last("release") == [0.25, 0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.25])
    assert page.locator(".mx-menu").count() == 0
    more(page, "pirate", "Copy to rhyme")
    until(lambda: weights(small)[2] == small.last("release"))
    assert weights(small)[1] == [0.5] * 8
    more(page, "plural", "Copy to all")
    until(lambda: weights(small) == [[0.5] * 8] * 3)
    button = page.get_by_role("button", name="More for pirate weight")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.textContent") == "Copy to all"
    page.keyboard.press("Escape")  # closes and comes back
    assert button.get_attribute("aria-expanded") == "false"
    assert page.evaluate("document.activeElement.ariaLabel") == "More for pirate weight"


def test_layers_move_in_steps(large: App, visit: Any) -> None:
    page = visit(large)
    tools(page)
    page.get_by_label("Layers at a time").select_option("10 layers at a time")
    pad = lane(page)
    drag(page, pad, (0.5, 0.2), (0.52, 0.2))
    until(lambda: large.seen["release"])
    painted = large.last("release")
    changed = [i for i, x in enumerate(painted) if x != 0.5]
    assert len(changed) in (10, 20) and (changed[0] - 1) % 10 == 0 and len({painted[i] for i in changed}) == 1
    pad.focus()
    page.keyboard.press("ArrowLeft")
    assert pad.get_attribute("aria-valuetext").startswith("layers ")
    page.keyboard.press("9")
    until(lambda: large.last("release").count(0.9) == 10)
    tool(page, "Rise").click()  # in stairs
    until(lambda: len(set(large.last("release")[1:81])) == 8)
    stairs = large.last("release")[1:81]
    assert all(len(set(stairs[i : i + 10])) == 1 for i in range(0, 80, 10)) and stairs == sorted(stairs)


def test_fingers_start_in_steps_where_layers_are_many(large: App, small: App, visit: Any) -> None:
    for app, step in ((large, "4 layers at a time"), (small, "each layer")):
        page = visit(app, 390, has_touch=True, is_mobile=True)
        tools(page)
        assert page.get_by_label("Layers at a time").evaluate("(s) => s.selectedOptions[0].text") == step


def test_zoom_shows_some_layers_and_works_on_them(large: App, visit: Any) -> None:
    page = visit(large)
    strip = page.locator(".mx-strip-canvas")
    box = strip.bounding_box()
    height = page.locator(".mixer").evaluate("(e) => e.offsetHeight")
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 20, steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    bar = page.get_by_role("group", name="The layers in view")
    first, last = (int(n) for n in bar.locator("strong").text_content().removeprefix("layers ").split(" to "))
    assert 15 < first < 30 < last < 45
    assert not large.seen["select"]  # a brush chooses no cell
    assert abs(page.locator(".mixer").evaluate("(e) => e.offsetHeight") - height) <= 8
    tool(page, "Rise").click()  # only where one looks
    until(lambda: large.seen["release"])
    painted = large.last("release")
    assert painted[first : last + 1] == sorted(painted[first : last + 1]) and painted[first] == 0 and painted[last] == 0.5
    assert set(painted[:first] + painted[last + 1 :]) == {0.5}
    bar.get_by_role("button", name="Lock these").click()
    more(page, "pirate", "Raise pirate weight by .05")
    until(lambda: large.last("release")[1] == 0.55)
    assert large.last("release")[first : last + 1] == painted[first : last + 1]
    lane(page).focus()
    page.keyboard.press("Escape")
    assert bar.is_hidden()
    until(lambda: lane(page).get_attribute("aria-valuetext").startswith("layer 1 of 80"))  # told with the next frame
    strip.focus()  # the same with keys
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert bar.locator("strong").text_content() == "layers 1 to 3"
    page.keyboard.press("Escape")
    assert bar.is_hidden()
    tools(page)
    tool(page, "Zoom").click()  # for those without a Shift key
    page.mouse.move(box["x"] + 0.3 * box["width"], strip.bounding_box()["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], strip.bounding_box()["y"] + 20, steps=5)
    page.mouse.up()
    assert bar.locator("strong").text_content() == f"layers {first} to {last}"
    tools(page)
    assert tool(page, "Zoom").get_attribute("aria-pressed") == "false"
    bar.get_by_role("button", name="Show all").click()
    assert bar.is_hidden()


def test_keep_only_this_layer(small: App, visit: Any) -> None:
    page = visit(small)
    lane(page, "plural weight").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("o")
    until(lambda: small.seen["release"])
    assert weights(small) == [[0, 0, 0.5, 0, 0, 0, 0, 0]] * 3
    assert small.last("release", DENSITY) == [0.5] * 8
    tool(page, "Undo").click()
    until(lambda: weights(small) == [[0.5] * 8] * 3)
    tools(page)
    tool(page, "Keep only layer 2").click()
    until(lambda: weights(small)[0] == [0, 0, 0.5, 0, 0, 0, 0, 0])
    tool(page, "Undo").click()
    until(lambda: weights(small)[0] == [0.5] * 8)
    count = len(small.seen["release"])
    send(page, "board", board(6, small.names) | {"can_keep": False})  # an average of nothing is no model
    tools(page)
    until(lambda: tool(page, "Keep only layer 2").count() == 0)
    lane(page, "plural weight").focus()
    page.keyboard.press("o")
    page.wait_for_timeout(150)
    assert len(small.seen["release"]) == count


def test_the_dice_is_seeded_small_and_one_step(small: App, visit: Any) -> None:
    walks = []
    for _ in range(2):
        page = visit(small)
        tool(page, "Surprise me").click()
        until(lambda: len(small.seen["release"]) == 1)
        walks.append([weights(small)])
        lane(page).focus()
        page.keyboard.press("r")
        until(lambda: len(small.seen["release"]) == 2)
        walks[-1].append(weights(small))
        tool(page, "Undo").click()
        until(lambda: weights(small) == walks[-1][0])
        tool(page, "Undo").click()
        until(lambda: weights(small) == [[0.5] * 8] * 3)
    assert walks[0] == walks[1]
    moves = [abs(x - 0.5) for row in walks[0][0] for x in row[1:7]]
    assert 0.01 < max(moves) <= 0.27 and walks[0][0] != walks[0][1]
    assert all(row[0] == row[7] == 0.5 for row in walks[0][1])


def test_undo_goes_on_with_the_page(small: App, visit: Any) -> None:
    page = visit(small)
    undo, redo = tool(page, "Undo"), tool(page, "Redo")
    undo.click(force=True)
    send(page, "board", board(6, small.names) | {"can_undo": True, "can_redo": False})
    until(lambda: undo.get_attribute("aria-disabled") == "false")
    assert not small.seen["undo"]  # nothing to take back before that
    drag(page, lane(page), (0.3, 0.2), (0.7, 0.2))
    until(lambda: small.seen["release"])
    assert small.seen["release"][-1]["move"] == "edit"
    undo.click()  # its own step first
    until(lambda: small.last("release") == [0.5] * 8)
    assert small.seen["release"][-1]["move"] == "undo" and not small.seen["undo"]
    redo.click()
    until(lambda: small.seen["release"][-1]["move"] == "redo")
    undo.click()
    undo.click()
    until(lambda: len(small.seen["undo"]) == 1)
    assert redo.get_attribute("aria-disabled") == "false"
    # the page answers with what was there before: no step of the Mixer's own
    send(page, "value", {"lanes": {path: [0.25] * 8 for path in small.value["lanes"]}, "seq": 0})
    send(page, "board", board(6, small.names) | {"can_undo": False, "can_redo": True})
    until(lambda: undo.get_attribute("aria-disabled") == "true")
    redo.click()
    until(lambda: len(small.seen["retry"]) == 1)
    count = len(small.seen["release"])
    lane(page).focus()
    page.keyboard.press("Control+z")
    page.wait_for_timeout(200)
    assert len(small.seen["undo"]) == 1 and len(small.seen["release"]) == count
    send(page, "stats", stats(small.value) | {"can_undo": True})
    until(lambda: undo.get_attribute("aria-disabled") == "false")
    send(page, "stats", stats(small.value) | {"summary": "of a drag"})  # says nothing of steps: they stay
    page.get_by_text("of a drag").wait_for()
    assert undo.get_attribute("aria-disabled") == "false"
    locked = board(6, small.names) | {"locked": True, "note": "nothing to paint", "can_undo": True}
    send(page, "board", locked)
    until(lambda: tool(page, "Rise").is_hidden())
    assert undo.is_visible()  # a method without faders can be left by Undo
    undo.click()
    until(lambda: len(small.seen["undo"]) == 2)


def test_what_the_page_remembers_does_not_end_a_drag(small: App, visit: Any) -> None:
    page = visit(small)
    send(page, "board", board(6, small.names) | {"can_undo": False})
    pad = lane(page)
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    text = json.dumps(board(6, small.names) | {"can_undo": True})
    page.evaluate(
        """([text]) => { const area = document.querySelector('textarea[data-testid=textbox]'); area.value = text;
        area.dispatchEvent(new Event('input', { bubbles: true })); }""",
        [text],
    )
    page.wait_for_timeout(100)
    page.evaluate("[...document.querySelectorAll('button')].find((b) => b.textContent.trim() === 'send board').click()")
    until(lambda: tool(page, "Undo").get_attribute("aria-disabled") == "false")
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.1 * box["height"], steps=8)
    page.mouse.up()
    until(lambda: small.seen["release"])
    assert len([x for x in small.last("release") if x != 0.5]) >= 2  # the hand was not shaken off


def split_board(names: list[str]) -> dict[str, Any]:
    """The small board with every lane as two halves; attention has no edges."""
    made = board(6, names) | {"split": True, "can_split": True}
    made["lanes"] = [
        entry
        | {
            "path": f"{entry['path']}#{part}",
            "part": word,
            "name": f"{entry['model']} {word} {entry['param']}",
            "off": [0, 7] if part == "attention" else [],
        }
        for entry in made["lanes"]
        for part, word in (("attention", "attention"), ("rest", "MLP"))
    ]
    return made


def test_attention_and_mlp_are_lanes_of_their_own(small: App, visit: Any) -> None:
    page = visit(small)
    send(page, "board", board(6, small.names) | {"split": False, "can_split": True})
    tools(page)
    more(page, "rhyme", "Lock this lane")
    tools(page)
    tool(page, "Attention / MLP").click()
    until(lambda: small.seen["edit"])
    assert small.seen["edit"][-1]["split"] is True
    send(page, "board", split_board(small.names))  # what Python answers, with the numbers of both halves
    send(page, "value", {"lanes": {entry["path"]: [0.5] * 8 for entry in split_board(small.names)["lanes"]}, "seq": 0})
    pad = lane(page, "pirate attention weight")
    pad.wait_for()
    assert page.get_by_role("slider").count() == 6
    assert page.locator(".mx-part:visible").all_text_contents() == ["attention", "MLP"] * 3
    pad.focus()
    page.keyboard.press("ArrowLeft")  # no embeddings here
    assert pad.get_attribute("aria-valuetext") == "layer 1 of 6, weight 0.50"
    page.keyboard.press("]")
    until(lambda: small.seen["release"])
    assert small.last("release", f"{WEIGHT}#attention") == [0.5, *[0.55] * 6, 0.5]
    assert small.last("release", f"{WEIGHT}#rest") == [0.5] * 8
    assert small.seen["release"][-1]["split"] is True
    tools(page)
    tool(page, "Link").click()  # attention with attention, MLP with MLP; rhyme's lock came along
    until(lambda: small.last("release", f"{WEIGHT}#rest")[1] == 0.25)
    last = small.seen["release"][-1]["lanes"]
    for part, columns in (("attention", range(1, 7)), ("rest", range(8))):
        lanes = [last[f"models[{slot}].parameters.weight#{part}"] for slot in range(3)]
        assert all(sum(row[i] for row in lanes) == pytest.approx(1) for i in columns)
        assert lanes[2] == [0.5] * 8
    lane(page, "pirate MLP weight").focus()
    page.keyboard.press("1")
    until(lambda: small.last("release", "models[1].parameters.weight#rest")[1] == 0.4)  # what rhyme and pirate leave
    for slot in range(3):  # attention has a sum of its own
        path = f"models[{slot}].parameters.weight#attention"
        assert small.last("release", path) == last[path]
    tools(page)
    tool(page, "Attention / MLP").click()
    until(lambda: small.seen["edit"][-1]["split"] is False)


def test_names_switch_and_picking_a_layer(small: App, visit: Any) -> None:
    page = visit(small)
    names = [x.get_attribute("aria-label") for x in page.get_by_role("slider").all()]
    assert names == ["pirate weight", "plural weight", "rhyme weight"]
    tool(page, "Kept").click()
    assert page.get_by_role("slider").first.get_attribute("aria-label") == "pirate density"
    assert tool(page, "Kept").get_attribute("aria-pressed") == "true"
    strip = page.get_by_role("img", name="Pull against each other: sum 24.00")
    strip.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    until(lambda: small.seen["select"])
    assert small.seen["select"][-1] == ({"column": 1}, 1)
    assert page.locator(".mx-tip").text_content() == "layer 1 of 6: 10 % more than chance"
    assert page.locator(".mixer > [aria-live]").text_content() == "Chosen: layer 1 of 6: 10 % more than chance"
    page.mouse.move(0, 0)
    page.get_by_label("message").focus()  # without pointer or focus the chosen layer still has its frame
    framed = """(canvas) => { const g = canvas.getContext('2d'); const w = canvas.clientWidth;
        let dark = 0; for (let x = 36; x < w; x += 1) {
          const [r, , , a] = g.getImageData(x, 4, 1, 1).data;
          if (a > 200 && r < 90) dark += 1; } return dark; }"""
    until(lambda: page.locator(".mx-strip-canvas").evaluate(framed) >= 2)
    page.get_by_role("button", name="Look inside").click()  # where they clash most: Python knows
    until(lambda: small.seen["select"][-1] == (None, -1))


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
    add = [["r1/merge", text, 0.1, [[text, 0.5]], "m1"] for text in EVIL]
    send(
        page,
        "feed",
        {
            "run": 1,
            "seq": 0,
            "start": True,
            "prompt": EVIL[1],
            "add": add,
            "error": {"r1/m0": EVIL[1], "": EVIL[0], "r2/merge": EVIL[1]},
        },
    )
    page.wait_for_selector(".an-token")
    page.locator(".an-token").nth(1).hover()
    send(page, "board", board(6, EVIL))
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None
    assert page.locator(".mixer img, .rows img").count() == 0
    page.get_by_role("button", name=f"{EVIL[1]}, folded").click()
    page.get_by_role("textbox", name="Prompt").fill(EVIL[1])
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('.rw-row').length === 4")
    assert page.locator(".rw-title").text_content() == f"Close up: {EVIL[1]}"
    page.get_by_role("button", name="greet", exact=True).click()
    page.wait_for_selector(".an-token")
    assert page.evaluate("window.hacked") is None and page.locator(".mixer img, .rows img").count() == 0
    assert page.locator(".mx-name").all_text_contents() == EVIL
    assert page.locator(".an-token").all_text_contents()[:2] == EVIL[:2]
    assert page.get_by_role("region", name=f"Answer of {EVIL[1]}").count() == 1


def test_answers_stream_and_drop_stale_feeds(small: App, visit: Any) -> None:
    page = visit(small)
    merge = page.get_by_role("region", name="Answer of your merge")
    text = merge.locator(".an-text")
    assert "No answer yet" in merge.text_content()
    token = lambda word, key="r1/merge": [key, word, 0.5, [["x", 0.2]], "m0"]  # noqa: E731
    send(
        page,
        "feed",
        {"run": 5, "seq": 0, "start": True, "state": {"r1/merge": "busy", "r2/merge": "waiting"},
         "add": [token(" Arr"), token(" me"), token("box", "r2/merge")]},
    )  # fmt: skip
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
            "full": {"r1/merge": full},
            "done": ["r1/merge", "r2/merge", "r3/merge"],
            "marks": {"r1/merge": True, "r2/merge": False, "r3/merge": None},
            "state": {"r1/m0": "cached", "r1/m1": "stopped", "r2/m1": "busy"},
            "error": {"r1/m2": "Out of memory."},
        },
    )
    page.wait_for_function("document.querySelector('.an-text').textContent === 'Arr me hearty'")
    assert merge.get_attribute("aria-busy") == "false"
    assert "Out of memory." in page.get_by_role("region", name="Answer of rhyme").text_content()
    assert "Stopped" in page.get_by_role("region", name="Answer of plural").text_content()
    assert page.locator(".rows > [aria-live]").text_content() == "1 of 2 right."
    rows = page.locator(".rw-row")
    assert rows.locator(".rw-answer").all_text_contents() == ["Arr me hearty", "box", ""]
    assert [rows.nth(i).locator(".rw-merge").get_by_role("img").all_text_contents() for i in range(3)] == [["✓"], ["✗"], []]
    stop = page.get_by_role("button", name="Stop", exact=True)
    assert stop.is_visible()  # a model still speaks
    send(page, "feed", {"run": 5, "seq": 8, "done": ["r2/m1"]})
    page.wait_for_function("document.querySelector('.rows .rw-stop').hidden")
    merge.locator(".an-token").nth(2).hover()
    assert "hearty" in page.locator(".an-tip").text_content()
    merge.locator(".an-body").focus()
    page.keyboard.press("ArrowRight")
    assert "Arr" in page.locator(".an-tip").text_content()
    send(page, "feed", {"run": 6, "seq": 0, "start": True, "state": {"r1/merge": "busy"}, "prompts": {"r1": "greet"}})
    page.wait_for_function("document.querySelector('.an-text').textContent === ''")
    assert rows.first.locator(".rw-answer").text_content() == "Arr me hearty"  # the last words stay until there are others
    assert rows.first.locator(".rw-said").get_attribute("data-old") == "true"
    rows.nth(1).get_by_role("button", name="plural of box", exact=True).click()
    page.wait_for_function("document.querySelector('.an-text').textContent === 'box'")


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
            "add": [["r1/merge", "y" * 400, 0.1, [], None], ["r2/merge", "y" * 400, 0.1, [], None]],
        },
    )
    page.wait_for_selector(".an-token")
    assert page.evaluate("document.body.classList.contains('dark')") == (theme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    bar = page.locator(".mx-toolbar")
    assert bar.evaluate("(bar) => { bar.scrollLeft = 999; return bar.scrollLeft; }") > 50  # the toolbar scrolls
    assert page.locator(".an-text").first.evaluate("(text) => text.scrollWidth - text.clientWidth") <= 0
    # gradio's own boxes clip: look inside
    inside = ".mx-lane, .mx-strip-canvas, .mx-toolbar, .an-card, .an-modes, .rw-row, .rw-askrow, .rw-score"
    right = page.locator(inside).evaluate_all("(all) => all.map((e) => e.getBoundingClientRect().right)")
    assert max(right) <= 390
    tools(page)
    sizes = []
    for button in ("Tools", "More for pirate weight"):  # what opens second closes the first
        sizes += page.locator(".mx-button:visible, .mx-select:visible").evaluate_all(
            "(all) => all.map((b) => [b.offsetHeight, b.offsetWidth])"
        )
        page.get_by_role("button", name=button).click()
    sizes += page.locator(".mx-menu .mx-button").evaluate_all("(all) => all.map((b) => [b.offsetHeight, b.offsetWidth])")
    assert len(sizes) > 30 and min(size for both in sizes for size in both) >= 36
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.long
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
    assert max(long, default=0) < 200  # of a machine that does two things at a time
    painted = large.last("release")[10:70]
    assert painted == sorted(painted)
    assert max(large.last("release")) == float(lane(page).get_attribute("aria-valuenow")) > 0.9  # where the hand stopped
    summary = page.locator(".mx-strip-summary").text_content()
    assert summary == stats(large.seen["release"][-1])["summary"]  # the last value won
