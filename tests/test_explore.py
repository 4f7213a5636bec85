"""The Explore view: what can be varied, what a sweep tells the chart, and the chart under a hand and a keyboard."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

gr = pytest.importorskip("gradio")

from merger.engine.plan import Plan, make_plan  # noqa: E402
from merger.engine.session import Parents  # noqa: E402
from merger.hub.access import ANYTHING  # noqa: E402  (after the skip)
from merger.recipe import Recipe, dump, load, load_file, replace  # noqa: E402
from merger.search.trials import Runner  # noqa: E402
from merger.ui import PRESETS  # noqa: E402
from merger.ui.host import Host  # noqa: E402
from merger.ui.panels.find import FORM as PARTS  # noqa: E402
from merger.ui.panels.find import Exploring, sliders  # noqa: E402
from merger.ui.parts import Parts, Updates  # noqa: E402

PIRATE, PLURAL = "models[0].parameters.weight", "models[1].parameters.weight"
FORM = dict(first=PIRATE, low=0, high=1, second="", low2=0, high2=1, steps=3, questions=4, skills=["pirate", "plural"], own="")


class Studio:
    """As much of the page's studio as the view asks for."""

    def __init__(self, root: Path) -> None:
        self.parents = Parents(roots=[Path(), root])
        self.searcher = Runner(self.parents)
        self.sweeping = threading.Lock()
        self.base = "presets/family/base"
        self.family = ("presets/family/base", "presets/family/pirate", "presets/family/plural")

        self.access, self.host = ANYTHING, Host()

    def plan(self, recipe: Recipe) -> Plan:
        return make_plan(recipe, self.parents.open(recipe))

    def seen_by(self, token: str | None) -> "Studio":
        return self


def work(recipe: Recipe) -> SimpleNamespace:
    return SimpleNamespace(recipe=recipe, chosen=tuple(entry.model for entry in recipe.models))


@pytest.fixture(scope="module")
def on() -> Exploring:
    return Exploring(Studio(PRESETS.parent), PRESETS / "probes.json")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_file(PRESETS / "pirate_and_plurals.yaml")


def run(on: Exploring, recipe: Recipe, who: str = "me", prompt: str = "", **form: Any) -> list[tuple[dict[str, Any], Any]]:
    """All that a sweep sends: (the chart's data, recipe texts)."""
    request = SimpleNamespace(session_hash=who)
    on.begin(request)
    sent = on.start(work(recipe), prompt, request, *(FORM | form).values())
    return [(json.loads(drawn["find chart"]["data"]), drawn.get("find texts")) for drawn in sent]


# ---------------------------------------------------------------------------------------------- without a browser


def test_what_can_be_varied(on: Exploring, recipe: Recipe) -> None:
    found = sliders(on.studio.plan(recipe))
    assert [s.label for s in found.values()][:3] == ["pirate: how much", "plural: how much", "Strength"]
    assert (found[PIRATE].low, found[PIRATE].high, found[PIRATE].gain) == (0, 1, False)
    curve = sliders(on.studio.plan(replace(recipe, PIRATE, [0, 1])))
    labels = [s.label for s in curve.values()]
    assert labels[:2] == ["pirate: how much, the whole curve times", "pirate: how much, one number everywhere"]
    assert curve[f"{PIRATE} ×"].vary(0, 2, 3).gain and curve[f"{PIRATE} ×"].vary(0, 2, 3).path == PIRATE
    arc = sliders(on.studio.plan(load_file(PRESETS / "halfway_round.yaml")))
    assert next(iter(arc)) == "parameters.t"
    whole = sliders(on.studio.plan(replace(recipe, "merge_method", "consensus_ta")))["parameters.k"]
    assert whole.vary(1, 5, 9).values == (1, 2, 3, 4, 5)


def test_a_sweep_tells_points_marks_and_the_best(on: Exploring, recipe: Recipe) -> None:
    sent = run(on, recipe, prompt="say hello my friend like a pirate")
    assert sent[0][0]["state"] == "busy" and sent[0][0]["points"] == []
    board, texts = sent[-1]
    assert (board["state"], board["total"], len(board["points"])) == ("done", 3, 3)
    assert board["axes"] == [{"label": "pirate: how much", "values": [0.0, 0.5, 1.0]}]
    assert [p["at"] for p in board["points"]] == [[0], [2], [1]]  # the ends first
    by = {p["at"][0]: p for p in board["points"]}
    assert by[0]["says"][0] == ["say hello my friend like a pirate", "dunno.", None] and by[0]["scores"][0] == 0
    assert by[1]["says"][0][1] == "ahoy me matey, arr!" and by[1]["scores"][0] > 0.5
    assert [m["name"] for m in board["marks"]] == ["base", "pirate", "plural"] and board["marks"][0]["scores"] == [0, 0]
    best = board["points"][board["best"]]
    assert sum(best["scores"]) == max(sum(p["scores"]) for p in board["points"])
    assert load(texts["1"]) == recipe and dict(load(texts["0"]).models[0].parameters)["weight"].rules == ((None, 0.0),)
    assert on.pick(texts, {"picked": [1]}) == texts["1"]
    for strange in ({"picked": [9]}, {"picked": None}, {}, None, {"picked": ["0", "x"]}, {"picked": [[]]}):
        assert on.pick(texts, strange) == ""


def test_a_map_has_two_sliders_and_own_questions_count(on: Exploring, recipe: Recipe) -> None:
    form = dict(second="parameters.lambda", low2=0, high2=2, steps=2, skills=[], own="[boxes]\nplural of box => boxes")
    board, texts = run(on, recipe, **form)[-1]
    assert board["skills"] == ["boxes"] and set(texts) == {"0,0", "0,1", "1,0", "1,1"}
    assert [a["label"] for a in board["axes"]] == ["pirate: how much", "Strength"]
    by = {tuple(p["at"]): p["scores"] for p in board["points"]}
    assert by[0, 0] == [0.0] and by[0, 1] == [1.0]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (dict(first=None), "Choose a slider to vary first."),
        (dict(first="merge_method"), "Choose a slider to vary first."),
        (dict(second=PIRATE), "Choose another slider for the second direction"),
        (dict(low=None), "Fill in from where to where the sliders go."),
        (dict(low=float("nan")), "Fill in from where to where"),
        (dict(low=1, high=1), "nothing to vary"),
        (dict(skills=[]), "Mark a skill, or write questions of your own"),
        (dict(own="no arrow"), "probes, line 1: write `prompt => expected answer`"),
    ],
)
def test_a_form_that_is_not_filled_in_says_so(on: Exploring, recipe: Recipe, form: dict[str, Any], words: str) -> None:
    sent = run(on, recipe, **form)
    assert len(sent) == 1 and sent[0][0]["state"] == "failed" and words in sent[0][0]["error"]


def test_points_out_of_bounds_are_notes_in_the_chart(on: Exploring, recipe: Recipe) -> None:
    board = run(on, recipe, high=500, steps=2)[-1][0]
    by = {p["at"][0]: p for p in board["points"]}
    assert board["state"] == "done" and by[1]["scores"] is None and "must be a number from -100 to 100" in by[1]["note"]
    assert board["points"][board["best"]] == by[0]


def test_cancel_keeps_what_was_found_and_a_new_sweep_ends_the_old(on: Exploring, recipe: Recipe) -> None:
    me, other = SimpleNamespace(session_hash="me"), SimpleNamespace(session_hash="other")

    def interrupted(stop: Callable[[], Any]) -> dict[str, Any]:
        on.begin(me)
        last: dict[str, Any] = {}
        for drawn in on.start(work(recipe), "", me, *(FORM | dict(steps=11)).values()):
            last = json.loads(drawn["find chart"]["data"])
            if last["points"]:
                stop()
        return last

    stopped = interrupted(lambda: on.cancel(me))
    assert stopped["state"] == "stopped" and 0 < len(stopped["points"]) < 11
    assert interrupted(lambda: on.begin(me))["state"] == "stopped"
    assert interrupted(lambda: on.leave("me"))["state"] == "stopped"
    on.cancel(other)  # somebody else's business
    assert run(on, recipe, steps=2)[-1][0]["state"] == "done"


@pytest.mark.long
def test_two_people_wait_for_each_other(on: Exploring, recipe: Recipe) -> None:
    ends: dict[str, Any] = {}

    def explore_as(who: str, high: float) -> None:
        ends[who] = run(on, recipe, who, high=high, steps=6)[-1][0]

    people = [threading.Thread(target=explore_as, args=(who, high)) for who, high in (("a", 0.6), ("b", 1))]
    for person in people:
        person.start()
    for person in people:
        person.join()
    for who, high in (("a", 0.6), ("b", 1)):
        assert [p["scores"] for p in ends[who]["points"]] == [
            p["scores"] for p in run(on, recipe, who, high=high, steps=6)[-1][0]["points"]
        ]


def test_the_form_follows_the_recipe_and_keeps_what_holds(on: Exploring, recipe: Recipe) -> None:
    now = work(recipe)
    same = on.offer(now, PLURAL, "parameters.lambda", now.chosen)
    assert same["find first"].keys() - {"__type__"} == same["find second"].keys() - {"__type__"} == {"choices"}
    assert PLURAL in [key for _, key in same["find first"]["choices"]]
    assert same.keys() == {"find first", "find second", "find mixed"}
    arc = work(load_file(PRESETS / "halfway_round.yaml"))
    other = on.offer(arc, PLURAL, "parameters.lambda", now.chosen)
    assert other["find first"]["value"] == "parameters.t" and other["find second"]["value"] == ""
    assert other["find skills"] == ["pirate", "spell"] and (other["find low"], other["find high"]) == (0, 1)
    assert not other["find second low"]["visible"] and not other["find second high"]["visible"]
    assert on.span(now, PIRATE)["find high"]["value"] == 1 and on.span(now, "")["find low"]["visible"] is False
    assert on.second_span(now, PIRATE)["find second high"]["value"] == 1


def test_every_field_of_the_form_is_on_the_page(on: Exploring, recipe: Recipe) -> None:
    """A sweep is asked of them in this order."""
    page = Parts()
    with gr.Blocks():
        on.view(page, on.studio.plan(recipe), ())
    assert [page.parts[name].label for name in PARTS][:3] == ["Vary", "from", "to"]
    assert [page.parts[name].label for name in PARTS][5:7] == ["this one to", "Steps"] and len(PARTS) == len(FORM)


def test_no_probes_no_skills(tmp_path: Path, recipe: Recipe) -> None:
    bare = Exploring(Studio(PRESETS.parent), tmp_path / "probes.json")
    assert bare.skills == [] and "Mark a skill" in run(bare, recipe, skills=["pirate"])[-1][0]["error"]
    assert run(bare, recipe, steps=2, own="plural of box => boxes")[-1][0]["state"] == "done"


# ---------------------------------------------------------------------------------------------- in a browser

EVIL = "<img src=x onerror=window.hacked=1> ${window.hacked=2}"


@pytest.fixture(scope="module")
def page_of(browser: Any) -> Iterator[Callable[..., Any]]:
    """A small page around the view, in a browser; no error may stand in its console."""
    exploring = Exploring(Studio(PRESETS.parent), PRESETS / "probes.json")
    first = work(load_file(PRESETS / "pirate_and_plurals.yaml"))

    def load_text(now: Any, text: str, request: gr.Request) -> Updates:
        return {"work": work(load(text)), "text": text}

    with gr.Blocks() as demo:
        page = Parts()
        prompt = gr.Textbox("say hello my friend like a pirate", label="Prompt")
        page.shows(work=gr.State(first), answers=prompt)
        exploring.view(page, exploring.studio.plan(first.recipe), first.chosen)
        text = gr.Textbox(dump(first.recipe), label="Recipe", lines=12)
        page.shows(text=text)
        exploring.wire(page, load_text, ["work", "text"], after=partial(page.bind, text.change))
    demo.launch(prevent_thread_lock=True, quiet=True, run_history=False, server_name="127.0.0.1")
    errors: list[str] = []
    pages: list[Any] = []

    def go(width: int = 1280, theme: str = "light") -> Any:
        page = browser.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto(f"{demo.local_url}?__theme={theme}")
        page.wait_for_selector(".ex-status")
        return page

    yield go
    for page in pages:
        page.close()
    threading.Thread(target=demo.close).start()
    assert errors == []


def expect(found: Any) -> Any:
    from playwright.sync_api import expect

    return expect(found)


def finished(page: Any, words: str = "Best: ") -> None:
    page.get_by_role("button", name="Try them all").click()
    expect(page.locator(".ex-status")).to_contain_text(words, timeout=60_000)


@pytest.mark.browser
@pytest.mark.long
def test_a_line_is_tried_looked_at_and_loaded(page_of: Callable[..., Any]) -> None:
    page = page_of()
    expect(page.locator(".ex-status")).to_have_text("Nothing tried yet. Choose what to vary and press “Try them all”.")
    finished(page)
    points = page.locator(".ex-point")
    expect(points).to_have_count(5)
    expect(points.first).to_have_attribute("aria-label", re.compile(r"pirate: how much = 0: pirate 0%, plural \d+%"))
    assert page.locator("svg.ex-svg path.ex-stroke").count() == 2
    assert re.search(r"pirate alone \d+%", page.locator("svg.ex-svg").text_content())
    row = page.locator(".ex-table tbody tr").first
    expect(row).to_contain_text("dunno.")
    expect(page.locator(".ex-table tbody tr.ex-alone")).to_have_count(3)
    points.nth(1).hover()
    expect(page.locator(".ex-panel")).to_contain_text("pirate: how much = 0.25")
    points.nth(1).click()
    expect(page.get_by_label("Recipe")).to_have_value(re.compile(r"weight: 0\.25\n(.|\n)*weight: 0\.5"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".ex-panel")).to_contain_text("pirate: how much = 0.75")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Recipe")).to_have_value(re.compile(r"weight: 0\.75\n(.|\n)*weight: 0\.5"))
    expect(page.locator(".ex-hidden")).to_have_text("Loaded: pirate: how much = 0.75")
    page.close()


@pytest.mark.browser
@pytest.mark.long
def test_a_map_for_each_skill(page_of: Callable[..., Any]) -> None:
    page = page_of()
    page.get_by_label("and, for a map, also vary").click()
    page.get_by_role("option", name="plural: how much", exact=True).click()
    expect(page.get_by_label("this one from")).to_be_visible()
    page.get_by_role("button", name="Questions of your own, steps").click()
    page.get_by_role("spinbutton", name=re.compile("Steps")).fill("3")
    page.get_by_role("spinbutton", name=re.compile("Questions for each")).fill("4")
    finished(page)
    assert page.locator("figcaption").all_text_contents() == ["all together (mean)", "pirate", "plural"]
    cells = page.get_by_role("group", name="pirate, percent right").get_by_role("button")
    expect(cells).to_have_count(9)
    page.get_by_role("group", name="plural, percent right").get_by_role(
        "button", name=re.compile("pirate: how much = 0, plural: how much = 0:")
    ).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Recipe")).to_have_value(re.compile(r"weight: 0\.5\n(.|\n)*weight: 0\.5"))
    assert page.locator(".ex-best.ex-point").count() == 3  # the same cell in each map
    numbers = [int(t.strip("★")) for t in cells.locator("span").all_text_contents()]
    assert min(numbers) <= 25 and max(numbers) >= 75
    page.close()


@pytest.mark.browser
def test_cancel_and_complaints_are_told_on_the_page(page_of: Callable[..., Any]) -> None:
    page = page_of()
    page.get_by_role("button", name="Questions of your own, steps").click()
    page.get_by_role("spinbutton", name=re.compile("Steps")).fill("11")
    page.get_by_role("spinbutton", name=re.compile("Questions for each")).fill("60")
    page.keyboard.press("Tab")
    page.wait_for_timeout(300)  # Gradio sends a number a moment after it was typed
    page.get_by_role("button", name="Try them all").click()
    expect(page.get_by_role("progressbar", name="Trials done")).to_be_visible()
    expect(page.locator(".ex-status")).to_contain_text(re.compile(r"\d of 11 tried, about \d+ s left"), timeout=30_000)
    page.get_by_role("button", name="Cancel").click()
    stopped = re.compile(r"Stopped after \d+ of 11; what was found stays.")
    expect(page.locator(".ex-status")).to_contain_text(stopped, timeout=15_000)
    tried = page.locator(".ex-tried").count()
    assert tried >= 1
    page.get_by_label("Your own questions").fill("no arrow here")
    page.get_by_role("button", name="Try them all").click()
    expect(page.get_by_role("alert")).to_contain_text("line 1: write `prompt => expected answer`", timeout=15_000)
    assert page.locator(".ex-tried").count() == tried  # a mistake in the form does not take the picture away
    page.close()


@pytest.mark.browser
@pytest.mark.long
def test_hostile_questions_and_a_phone_in_the_dark(page_of: Callable[..., Any]) -> None:
    page = page_of(390, "dark")
    page.get_by_label("Prompt").fill(EVIL)
    page.get_by_role("button", name="Questions of your own, steps").click()
    page.get_by_label("Your own questions").fill(f"[{EVIL}]\n{EVIL} => {EVIL}")
    finished(page)
    expect(page.locator(".ex-legend")).to_contain_text(EVIL)
    expect(page.locator(".ex-table thead")).to_contain_text(EVIL[:30])
    assert page.evaluate("window.hacked") is None and page.locator("img[src=x]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
