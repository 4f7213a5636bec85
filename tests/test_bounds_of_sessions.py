"""Bounds on what is kept of pages: how many, how much, how long; and when it goes."""

from dataclasses import replace
from typing import Any

import gradio as gr
import pytest
from apart import apart
from bounded import ROOT, Clock, first, hosted, http

from merger import limits
from merger.ui import build_app, visitors
from merger.ui.intake import Presence
from merger.ui.states import States
from merger.ui.visitors import Visitors


def test_sessions_are_bounded():
    """Those that are closed go first, then those that are silent for longest; a page that is open stays."""
    with gr.Blocks() as demo:
        gr.State(1)
    clock, gone = Clock(), list[str]()
    known = Visitors(clock)
    known.leaving.append(gone.append)
    states = States(demo, known)
    for i in range(limits.ADDRESS_SESSIONS + 20):
        clock.now += 1
        known.seen(f"s{i}", "1.2.3.4")
        _ = states[f"s{i}"]
        if i == 0:
            known.opened("s0", "1.2.3.4")
    assert len(states.session_data) == limits.ADDRESS_SESSIONS and "s0" in states and "s1" not in states
    assert gone[:2] == ["s1", "s2"] and not known.seen("s1", "1.2.3.4") and known.seen("s1", "1.2.3.4", begins=True)
    for i in range(limits.SESSIONS + 50):
        known.seen(f"t{i}", f"5.6.{i // 50}.{i % 50}")
        _ = states[f"t{i}"]
    known.sweep()
    assert len(states.session_data) <= limits.SESSIONS and "s0" in states


def test_a_session_costs_little():
    """gradio copies the whole page into each: 350 kB, and every value that was ever sent beside it."""
    demo = build_app(ROOT / "presets")
    states = States(demo, Visitors())
    box = next(block for block in demo.blocks.values() if isinstance(block, gr.Textbox))
    one = states["s"]
    assert not one.config_values
    one._update_value_in_config(box._id, "x" * 1_000_000)
    one[box._id] = gr.Textbox("x", render=False)
    one._update_config(box._id)
    assert not one.config_values and one[box._id] is not box


def test_sessions_are_bounded_in_bytes(monkeypatch):
    own = hosted()
    with gr.Blocks() as demo:
        kept = gr.State(first(own))
    known = Visitors()
    states = States(demo, known)
    large = replace(first(own), slots=(replace(first(own).recipe, text="#" * 200_000), None))
    for i in range(20):
        known.seen(f"s{i}", f"1.2.3.{i}")
        states[f"s{i}"][kept._id] = large
    monkeypatch.setattr(visitors, "SESSIONS_BYTES", 1_000_000)
    known.sweep()
    assert sum(states.sizes().values()) <= 1_000_000 and 1 <= len(states.session_data) < 6 and "s19" in states


def test_sessions_time_out():
    with gr.Blocks() as demo:
        gr.State(1)
    clock, gone = Clock(), list[str]()
    known = Visitors(clock)
    known.leaving.append(gone.append)
    states = States(demo, known)
    for name in ("open", "closed", "silent", "working"):
        known.seen(name, name)
        _ = states[name]
    for name in ("open", "closed"):
        known.opened(name, name)
    known.closed("closed")
    known.sweep({"working"})
    assert gone == ["closed"] and known.gone.is_set()
    clock.now += limits.ABSENT_SECONDS + 1
    known.sweep({"working"})
    assert gone == ["closed", "silent"] and known.here("open")
    known.seen("closed", "closed")  # a phone that wakes up
    clock.now += limits.SESSION_SECONDS + 1
    known.sweep({"working"})
    assert set(states.session_data) == {"open", "working"} and "open" not in gone
    assert not known.seen("silent", "silent")
    known.opened("never seen", "9.9.9.9")
    known.closed("never seen")
    known.sweep()
    assert "never seen" not in known._known
    known.end()
    assert known.ended.is_set() and "open" in gone


def test_a_page_is_open_while_it_holds_its_connection():
    known, seen = Visitors(), list[bool]()

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(known.here("s1"))
        raise ConnectionResetError

    async def run() -> None:
        with pytest.raises(ConnectionResetError):
            await Presence(inner, known)({**http("/gradio_api/heartbeat/s1")}, None, None)  # type: ignore[arg-type]

    apart(run())
    assert seen == [True] and not known.here("s1") and known.gone.is_set()
