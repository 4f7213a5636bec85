"""The recipes tried so far: the list in the visitor's browser, and going back to one of them."""

from dataclasses import replace
from typing import Any

import gradio as gr

import merger.ui.workspace as workspace
from merger.limits import PROMPT_CHARACTERS
from merger.ui.desk import Desk, Updates, went_through
from merger.ui.events import NOW
from merger.ui.history import history, recorder
from merger.ui.panels.answers import Answering
from merger.ui.workspace import Workspace


class Remembering:
    """The panel on one desk."""

    def __init__(self, desk: Desk, answers: Answering) -> None:
        self.desk, self.answers = desk, answers

    def view(self) -> None:
        """Build the list where it is called."""
        self.desk.shows(history=history(elem_id="history"))

    def view_hidden(self) -> None:
        """What adds to the list: outside of tabs, which are not there while they are closed."""
        self.desk.shows(recorder=recorder(elem_id="recorder"))

    def wire(self) -> None:
        """Bind its events."""
        desk = self.desk
        desk.bind(desk.parts["history"].select, self.use_entry, ["work", "history", "answers"], desk.drawn, **NOW)

    def use_entry(self, work: Workspace, value: Any, asked: Any, request: gr.Request) -> Updates:
        """What is asked of an entry of the history: back to it, or keep it as A or B."""
        text = str(value.get("yaml", "")) if isinstance(value, dict) else ""
        if not isinstance(value, dict) or value.get("act") != "slot":
            prompt = str(value.get("prompt", ""))[:PROMPT_CHARACTERS] if isinstance(value, dict) else ""
            drawn = self.desk.edited(work, lambda: workspace.with_text(work, text, "history"), request)
            if not prompt or not went_through(drawn):
                return drawn
            return self.answers.shown(drawn, self.answers.opened(asked, prompt, drawn["work"]))

        def keep() -> Workspace:
            there = workspace.kept_as(workspace.with_text(work, text, "history"), 1 if value.get("slot") == 1 else 0)
            self.desk.seen(request).studio.check(there.recipe)
            return replace(work, slots=there.slots)

        return self.desk.edited(work, keep, request)


__all__ = ["Remembering"]
