"""Bounds on recipes, plans, answers, sweeps and merges: how large they may be, how long they may take."""

import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from bounded import PIRATE, PLAIN, PLURAL, ROOT, first, hosted, places, stack

from merger import limits
from merger.engine import plan
from merger.errors import MergeError, RecipeError
from merger.recipe import Recipe, load
from merger.ui import api, studio, workspace
from merger.ui.panels.find import Exploring
from merger.ui.service import answers, files, strip
from merger.ui.service.answers import Answers
from merger.ui.service.clock import Clock
from merger.ui.service.feeds import Answer
from merger.ui.service.files import Files
from merger.ui.service.strip import Strip
from merger.ui.studio import Studio, Visit
from merger.ui.turns import Turns, fair
from merger.ui.workspace import Moment


@pytest.fixture(scope="module")
def own() -> Studio:
    return hosted()


# ---------------------------------------------------------------------------------------------- recipes


@pytest.mark.parametrize(("text", "message"), [
    (stack(12_400), "holds more than 50,000 values, what `\\*` repeats included"),  # 62 kB
    (stack(501), "line 2: the slices stack 2,004 layers; a merge has at most 512 "),
    ("merge_method: linear\nmodels:\n" + "- {model: a, parameters: {weight: 1}}\n" * 129, "models lists 129 models; at most 128"),
    ("merge_method: linear\nmodules:\n  a: &m\n    slices: [{sources: [{model: x, layer_range: [0, 400]}]}]\n  b: *m\n",
     "the slices stack 800 layers"),
    ("? " + "k" * 100_000 + "\n: [" + "0," * 20_000 + "]\n", "more than 10,000,000 characters of keys"),  # 2 GB of paths
    ("merge_method: linear\nseed: 1" + ":59" * 60_000, "seed is not a plain value"),  # the square of its length
], ids=["aliases", "slices", "models", "modules", "a long key", "a number"])  # fmt: skip
def test_a_recipe_is_bounded(text, message):
    started = time.process_time()
    with pytest.raises(RecipeError, match=message):
        load(text)
    assert time.process_time() - started < 5  # seconds on a slow machine; some took minutes


def test_an_alias_costs_what_it_stands_for():
    """62 kB of aliases took 455 MB before it was seen that they are too many."""
    tracemalloc.start()
    try:
        with pytest.raises(RecipeError):
            load(stack(12_400))
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_a_frankenmerge_is_none_too_many(own):
    """Goliath has 137 layers of two models in about 20 slices; one of 510 layers, each a slice of its own, is planned too."""
    parts = [(PIRATE if i % 2 else PLURAL, i % 3, i % 3 + 4) for i in range(35)]
    text = "merge_method: passthrough\nslices:\n" + "".join(
        f"- sources: [{{model: {m}, layer_range: [{a}, {b}]}}]\n" for m, a, b in parts
    )
    plan = own.plan(load(text))
    assert plan.layout.layers == 140 and own.outlook(plan.recipe).kind == "live"
    started = time.process_time()
    deep = load(stack(510, 1))
    assert own.plan(deep).layout.layers == 510 and own.verdict(deep) and Strip(own).strip(workspace.opened(first(own), deep))
    assert time.process_time() - started < 20


def test_a_plan_is_bounded(own, monkeypatch):
    recipe = load(stack(100))  # 400 layers of nine tensors
    assert len(own.plan(recipe).jobs) > 3600
    monkeypatch.setattr(plan, "PLAN_TENSORS", 5000)
    plan._FRAMES.clear()
    own.mixes.clear()
    with pytest.raises(RecipeError, match="reads and writes more than 5,000 tensors"):
        own.plan(recipe)


def test_kept_plans_are_bounded(own, monkeypatch):
    monkeypatch.setattr(plan, "PLANS_TENSORS", 1000)
    plan._FRAMES.clear()
    own.mixes.clear()
    for layers in range(1, 7):
        own.plan(load(stack(20, layers).replace("passthrough", "linear").replace("]}", "], parameters: {weight: 1}}")))
    kept = [len(frame.rows) for frame in plan._FRAMES.values()]
    assert kept[-1] > 1000 and len(kept) == 1  # the last one always stays


def test_undo_is_bounded_in_bytes(own):
    """A recipe of many numbers is a step like any other, but there are fewer such steps."""
    work = first(own)
    for i in range(40):
        curve = [round(0.0001 * (i + j), 4) for j in range(4000)]
        now = workspace.with_control(work, "models[0].parameters.weight", [{"filter": f"x{k}", "value": curve} for k in range(3)])
        work = workspace.stepped(work, now)
    taken = sum(moment.recipe.nbytes for moment in work.past)
    assert 1 <= len(work.past) < 10 and taken <= limits.UNDO_BYTES and work.nbytes < 2 * limits.UNDO_BYTES
    assert workspace.undone(work).recipe == work.past[-1].recipe
    huge = replace(work.recipe, text="#" * 2_000_000)
    step = workspace._last((*work.past, Moment(huge, work.base, work.chosen, work.shelf, "")))
    assert len(step) == 1 and step[0].recipe is huge


# ---------------------------------------------------------------------------------------------- answers


def heard(own: Studio, recipe: Recipe, prompt: str = "plural of box", visit: Visit | None = None) -> list[dict[str, Any]]:
    return list(Answers(own).answer(workspace.opened(first(own), recipe), prompt, visit or Visit()))


def error_of(feeds: list[dict[str, Any]]) -> str:
    return " ".join(" ".join(feed["error"].values()) for feed in feeds if feed.get("error"))


def test_a_deep_merge_is_not_heard(own):
    assert "The merge has 260 layers; up to 256 can be heard here." in error_of(heard(own, load(stack(65))))
    assert own.outlook(load(stack(64))).kind == "live"


def test_a_merge_of_many_tensors_is_not_compared(own, monkeypatch):
    assert Strip(own).strip(first(own))["floor"]
    monkeypatch.setattr(strip, "STRIP_TENSORS", 50)
    told = Strip(own).strip(first(own))
    assert not told["floor"] and told["summary"] == "56 tensors are too many to compare while you wait"
    assert Strip(own).figures(first(own).recipe) == {"models": [], "parts": {}}


def test_an_answer_ends(own, monkeypatch):
    """At once, in the middle of the merging, or of the words; and then it is the next one's turn."""
    own.answered.clear()
    monkeypatch.setattr(answers, "ANSWER_SECONDS", 0)
    assert error_of(heard(own, own.presets[1].recipe)) == answers.TOOK
    monkeypatch.setattr(answers, "ANSWER_SECONDS", limits.ANSWER_SECONDS)
    for looks in (3, 9, 40):
        over = iter([False] * looks)
        monkeypatch.setattr(Clock, "over", property(lambda _, over=over: next(over, True)))
        assert error_of(heard(own, own.presets[1].recipe)) == answers.TOOK
        assert len(own.turns) == 0
    monkeypatch.undo()
    assert error_of(heard(own, own.presets[1].recipe)) == ""


def test_waiting_ends(own, monkeypatch):
    own.answered.clear()
    monkeypatch.setattr(answers, "LINE_SECONDS", 0.3)
    visit, started, feeds = Visit(), time.monotonic(), list[dict[str, Any]]()
    with own.turns.stand("somebody"):
        for feed in Answers(own).answer(workspace.opened(first(own), own.presets[0].recipe), "plural of box", visit):
            feeds.append(feed)
            visit.run += time.monotonic() - started > 10
    assert error_of(feeds) == answers.WAITED and len(feeds) > 1
    assert len(own.turns) == 0


def test_everybodys_first_comes_before_anybodys_second():
    line, order = Turns(), []
    with line.stand("ann") as served, line.stand("ann") as second, line.stand("ann") as third:
        assert [ahead(0.0) for ahead in (served, second, third)] == [0, 1, 2]
        with line.stand("bob") as newcomer:
            order = [ahead(0.0) for ahead in (served, newcomer, second, third)]
    assert order == [0, 1, 2, 3] and len(line) == 0
    assert [fair(list("aaaa"), "b"), fair(list("abab"), "c"), fair(list("aab"), "b"), fair([], "a")] == [1, 2, 3, 0]


def test_answers_kept_are_bounded(own, monkeypatch):
    monkeypatch.setattr(answers, "HEARD_TOKENS", 300)
    for i in range(50):
        Answers(own)._remember(
            "a model", f"question {i}", studio.GREEDY, Answer((SimpleNamespace(),) * 20, (None,) * 20, ("",) * 20)
        )
    assert len(own.answered) == 10 and ("a model", "question 49", studio.GREEDY, 0) in own.answered
    assert all(len(name) < 100 for name in (answers._name(load(PLAIN)), answers._name(load(stack(100)))))
    own.answered.clear()


# ---------------------------------------------------------------------------------------------- sweeps and merges


def endpoint(own: Studio, name: str) -> Callable[..., Any]:
    with gr.Blocks() as demo:
        api.publish(own)
    return next(fn.fn for fn in demo.fns.values() if fn.api_name == name)


def test_a_sweep_ends(own, monkeypatch):
    monkeypatch.setattr(api, "SWEEP_SECONDS", 0)
    monkeypatch.setattr(sys.modules["merger.ui.panels.find"], "SWEEP_SECONDS", 0)
    with pytest.raises(gr.Error, match="Give fewer"):
        endpoint(own, "sweep")(PLAIN, "models[0].parameters.weight", [0.1, 0.2], "")
    looks = Exploring(own, ROOT / "presets" / "probes.json")
    request = SimpleNamespace(session_hash="s", request=None)
    looks.begin(request)
    key = looks.choices(own.plan(first(own).recipe), ())[0][0][1]
    shown = list(looks.start(first(own), "", request, key, 0, 1, "", 0, 1, 5, 4, ["plural"], ""))
    last = json.loads(shown[-1]["find chart"]["data"])
    assert last["state"] == "stopped" and not last["points"]
    assert not own.sweeping.locked()


def test_a_sweep_of_long_recipes_is_refused(own):
    long = PLAIN + "chat_template: '{% raw %}" + "x" * 180_000 + "{% endraw %}'\n"
    with pytest.raises(gr.Error, match=r"25 points of so long a recipe have .* at most 4,000,000 are kept"):
        endpoint(own, "sweep")(long, "models[0].parameters.weight", [i / 25 for i in range(25)], "")
    with pytest.raises(gr.Error, match="prompt: has 2,001 characters"):
        endpoint(own, "sweep")(PLAIN, "models[0].parameters.weight", [0.5], "x" * 2001)


def test_a_merge_ends(own, monkeypatch):
    before = places()
    monkeypatch.setattr(files, "MERGE_SECONDS", 0)
    with pytest.raises(MergeError, match="The merge took more than"):
        Files(own).archive(load(PLAIN), lambda step: None)
    assert places() == before
