"""What lies between gradio and our parts: what an event draws and is given, a session's state, how answers are drawn."""

import asyncio
import json
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from merger.ui import PRESETS, Panels, workspace
from merger.ui.app import build_app
from merger.ui.page import MISFIT, Page
from merger.ui.panels.answers import HOW
from merger.ui.visitors import Visitors

UPDATES: list[dict[str, Any]] = [
    gr.skip(),
    gr.update(feed={"run": 1, "rows": {"a": [1, 2]}}),
    gr.update(feed="text", board=None),
    gr.update(value={"rows": [], "seq": 3}),
    gr.update(value=None, manner="{}"),
    gr.update(value="words", board=[1, {"a": None}], manner=""),
    gr.update(visible=False),
    gr.update(value="words", visible=True, manner="later"),
]


@pytest.fixture(scope="module")
def page() -> Page:
    """A page with one part of ours, a text box and a state."""
    with Page() as page:
        part, words, kept = gr.HTML({}, feed={}, board="", manner="", js_on_load="trigger('select')"), gr.Textbox(), gr.State(1)
        part.select(lambda *_: None, [part, words, kept], [part, words, kept])  # type: ignore[attr-defined]
    return page


def done(work: Coroutine[Any, Any, Any]) -> Any:
    """What it gives, in a thread of its own: in this one a browser's loop may run already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def parts(page: Page) -> tuple[Any, Any, Any]:
    fn = next(iter(page.fns.values()))
    return tuple(fn.outputs)  # type: ignore[return-value]


def drawn(page: Page, predictions: Any, by: Any = Page) -> list[Any]:
    fn, state = next(iter(page.fns.values())), SessionState(page)
    outputs = done(by.postprocess_data(page, fn, predictions, state))
    return [{k: v for k, v in one.items() if not callable(v)} if isinstance(one, dict) else one for one in outputs]


def as_read(one: Any) -> Any:
    """An update as web/shared/host.js reads it: JSON text is what it says."""

    def told(value: Any) -> Any:
        try:
            return json.loads(value)
        except (TypeError, ValueError):
            return value

    props = {prop: told(value) for prop, value in one.get("props", {}).items() if prop != "__type__"}  # gradio says it there, too
    return {key: told(value) for key, value in one.items() if key != "props"} | ({"props": props} if props else {})


@pytest.mark.parametrize("update", UPDATES, ids=[json.dumps(one)[:40] for one in UPDATES])
def test_a_part_is_drawn_as_gradio_would(page: Page, update: dict[str, Any]) -> None:
    part, words, _ = parts(page)
    ours = drawn(page, {part: dict(update)})
    theirs = drawn(page, {part: dict(update)}, gr.Blocks)
    assert as_read(ours[0]) == as_read(theirs[0])
    order = [key for key in theirs[0] if key in ("props", "value") and key in ours[0]]
    assert [key for key in ours[0] if key in ("props", "value")] == order
    assert ours[1:] == theirs[1:] == [{"__type__": "update"}, None]
    assert list(drawn(page, {words: "said", part: dict(update)})) == [ours[0], "said", None]
    assert all(not isinstance(value, (dict, list)) for value in ours[0].get("props", {}).values())


def test_what_json_has_no_word_for_goes_as_it_is(page: Page) -> None:
    """gradio's answer has null there; text would be none that a browser reads."""
    part, _, _ = parts(page)
    for given in ({"a": [float("nan")]}, {"a": float("inf")}):
        assert drawn(page, {part: gr.update(feed=given)})[0]["props"]["feed"] is given


def test_a_state_is_kept_and_what_is_not_drawn_stays(page: Page) -> None:
    part, _, kept = parts(page)
    fn, state = next(iter(page.fns.values())), SessionState(page)
    done(page.postprocess_data(fn, {part: gr.update(feed={}), kept: 7}, state))
    assert state[kept._id] == 7
    done(page.postprocess_data(fn, {part: gr.update(feed={})}, state))
    assert state[kept._id] == 7


def test_what_a_part_sends_as_text_is_read_once(page: Page) -> None:
    fn, state = next(iter(page.fns.values())), SessionState(page)

    def given(value: Any) -> Any:
        return done(page.preprocess_data(fn, [value, "words", None], state))[0]

    sent = {"lanes": {"a": [0.5, -1]}, "seq": 3, "name": "ü"}
    assert given(json.dumps(sent)) == given(sent) == sent
    assert given(None) is None and given("") == ""
    for wrong in ("no JSON", "{", "[" * 100_000, "9" * 5000):
        with pytest.raises(gr.Error) as refused:
            given(wrong)
        assert refused.value.message == MISFIT


def test_a_session_notes_nothing_before_it_is_used(tmp_path: Path) -> None:
    """gradio would describe every part of the page for each visitor."""
    demo = build_app(PRESETS)
    assert demo.visitors is not None
    from merger.ui.states import States

    states = States(demo, Visitors())
    session = states["somebody"]
    assert session.config_values == {}
    work = demo.panels.desk.parts["work"]
    assert session[work._id].recipe == demo.panels.studio.presets[0].recipe
    session[work._id] = "other"
    assert (session[work._id], session.config_values) == ("other", {})
    before = states.sizes()["somebody"]
    session[demo.panels.desk.parts["how"]._id] = (0.7, "x" * 100_000)  # stop words, which a visitor may make long
    assert states.sizes()["somebody"] >= before + 100_000


def test_a_stroke_is_answered_as_the_fields_said_last() -> None:
    panels: Panels = build_app(PRESETS).panels
    desk, request = panels.desk, gr.Request()
    work = workspace.start(panels.studio.presets[0], panels.studio.base, panels.studio.parents_of_family)
    fields = [field.value for field in desk.components(HOW)]
    assert desk.parts["how"].value == tuple(fields)
    rows = {"rows": [{"id": "r1", "prompt": "plural of fox"}], "open": "r1"}

    def said(how: Any) -> list[dict[str, Any]]:
        run = str(desk.next_run(request))
        return [update["answers"] for update in panels.answers.answer_again(work, rows, how, run, request) if "answers" in update]

    told = panels.answers.told(*fields)
    assert told["how"] == tuple(fields) and json.loads(told["answers"]["manner"]) == {"variety": 0, "length": fields[3]}
    whole = said(told["how"])
    assert "board" in whole[0] and whole[0]["feed"]["start"]  # in one message
    assert whole[-1]["feed"]["marks"] or any(one["feed"].get("done") for one in whole if "feed" in one)
    silent = said(panels.answers.told(*fields[:-1], False)["how"])
    assert len(silent) == 1 and silent[0]["feed"]["stale"]
