"""What comes at once: edits of a page one after the other, events that do not call each other again, messages that stay whole."""

import asyncio
import json
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from apart import apart
from browsing import Page

from merger.ui import PRESETS, build_app, quota, workspace
from merger.ui.app import Panels
from merger.ui.page import Page as Blocks
from merger.ui.panels import inside
from merger.ui.studio import Studio
from merger.ui.visitors import Visitors

ROOT = Path(__file__).parent.parent


def test_an_edit_begins_with_what_the_one_before_has_kept() -> None:
    """gradio reads and writes a visitor's recipe around each event: of two at once the later would undo the earlier."""
    with gr.Blocks():
        work, other = gr.State(0), gr.State(0)
    kept: defaultdict[str, int] = defaultdict(int)
    together = 0

    async def process(*_: Any, **named: Any) -> dict[str, Any]:
        nonlocal together
        if named["block_fn"].outputs == [other]:
            before = dict(kept)
            await asyncio.sleep(0.02)
            together += dict(kept) != before  # an edit went on beside it
            return {}
        had = kept[named["session_hash"]]
        await asyncio.sleep(0.01)
        kept[named["session_hash"]] = had + 1
        return {}

    few = quota._few(process, Visitors(), False, work)

    async def one(session: str, part: gr.State) -> None:
        request = SimpleNamespace(request=SimpleNamespace(scope={"client": (session, 1), "headers": []}))
        await few(block_fn=SimpleNamespace(targets=(), outputs=[part]), request=request, session_hash=session, event_id=None)

    async def run() -> None:
        await asyncio.gather(*(one(session, work) for session in "abab" * 3), one("a", other))

    apart(run())
    assert dict(kept) == {"a": 6, "b": 6}
    assert together == 1  # what keeps no recipe waits for nobody


def test_no_event_is_called_again_for_another() -> None:
    """gradio calls all listeners of an event again for one that keeps its last call; two that do never come to an end."""
    demo = build_app(ROOT / "presets")
    by_event: defaultdict[tuple[Any, str], list[Any]] = defaultdict(list)
    for fn in demo.fns.values():
        for target in fn.targets:
            if target[0] is not None:
                by_event[target].append(fn)
    assert any(fn.trigger_mode == "always_last" for fns in by_event.values() for fn in fns)
    shared = [fn.api_name for fns in by_event.values() if len(fns) > 1 for fn in fns if fn.trigger_mode == "always_last"]
    assert shared == []


def test_each_message_of_a_stream_is_whole() -> None:
    """A difference is applied to the message before it, in place, also where that has not been shown yet."""

    def fn() -> Any:
        yield gr.update(label="one")
        yield gr.update(value="two")

    with Blocks() as demo:
        part = gr.Textbox()
        demo.load(fn, None, part)
    block_fn = next(iter(demo.fns.values()))
    run = "a run"
    said = [
        demo.handle_streaming_diffs(block_fn, [update], "session", run, False)
        for update in ({"board": 1, "__type__": "update"}, {"feed": 2, "__type__": "update"})
    ]
    assert said == [[{"board": 1, "__type__": "update"}], [[["replace", [], {"feed": 2, "__type__": "update"}]]]]
    assert demo.handle_streaming_diffs(block_fn, [None], "session", run, True) == [{"feed": 2, "__type__": "update"}]


def test_what_was_chosen_meanwhile_stays_in_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside's figures are long on their way: a part or a tensor that was chosen after they were asked for is not drawn over."""
    page = Studio(PRESETS)
    on, work = Panels(page), workspace.start(page.presets[0], page.base, page.parents_of_family)
    me: Any = SimpleNamespace(session_hash="me", request=None)
    assert "facts" in on.inside.draw(work, "inside", None, None, me)
    there = on.inside.pick_part(work, {"column": 2, "role": "q"}, me)["picked"]
    late = on.inside.draw(work, "inside", None, None, me)  # asked for before, and begun after
    assert "facts" not in late and late["inside words"]
    fresh = on.inside.draw(work, "inside", there, None, me)
    assert "facts" in fresh
    whole = inside.whole

    def meanwhile(*given: Any) -> Any:
        on.inside.choose_tensor(work, there, "model.layers.1.self_attn.q_proj.weight", me)
        return whole(*given)

    monkeypatch.setattr(inside, "whole", meanwhile)
    assert "facts" not in on.inside.draw(work, "inside", there, None, me)  # begun before
    monkeypatch.undo()
    assert "facts" not in on.inside.draw(work, "inside", None, None, me)
    assert "facts" in on.inside.draw(work, "inside", None, None, me)  # nothing keeps it from view for good


@pytest.mark.browser
@pytest.mark.long
def test_a_burst_of_edits_ends_as_the_last_of_them(open_page: Any) -> None:
    """Strokes faster than answers: what is heard at the end belongs to the bars, and few requests were made for each."""
    page: Page = open_page(1280, 860, first=True)
    score = page.page.locator(".rw-right")
    page.page.wait_for_function("document.querySelector('.rw-right')?.textContent === '1 of 3 right'", timeout=60_000)
    asked: list[str] = []
    page.page.on("request", lambda sent: asked.append(sent.url) if sent.method == "POST" else None)
    strokes = [("pirate weight", 0.0), ("plural weight", 0.5), ("pirate weight", 0.5), ("plural weight", 0.0)] * 2
    for lane, value in (*strokes, ("plural weight", 0.5), ("spell weight", 0.5)):
        page.paint(lane, value)
    page.page.wait_for_function("document.querySelector('.rw-right')?.textContent === '3 of 3 right'", timeout=60_000)
    page.page.wait_for_timeout(1000)
    assert score.text_content() == "3 of 3 right"
    calls = [url for url in asked if "/run/" in url or "queue/join" in url]
    assert len(calls) <= 6 * 10, json.dumps(calls)
