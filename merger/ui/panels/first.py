"""The first visit: a game of three steps on a recipe of its own. It begins in a browser that has not seen the page before."""

import re
from pathlib import Path

import gradio as gr

import merger.ui.workspace as workspace
from merger.errors import MergeError
from merger.ui.coach import coach
from merger.ui.desk import Desk, Updates, went_through
from merger.ui.events import NOW
from merger.ui.panels.answers import Answering
from merger.ui.rows import Rows, written
from merger.ui.workspace import Workspace

FILE = Path("family") / "first_visit.yaml"


class Welcoming:
    """The panel on one desk; nothing where the presets bring no game."""

    def __init__(self, desk: Desk, answers: Answering) -> None:
        self.desk, self.answers = desk, answers
        file = desk.studio.folder / FILE
        self.text = file.read_text(encoding="utf-8") if file.is_file() else ""
        self.rows = written(re.findall(r"^# row: (.+)$", self.text, re.MULTILINE))

    def view(self) -> None:
        """Build it where it is called."""
        if self.text:
            self.desk.shows(coach=coach(elem_id="coach"))

    def wire(self) -> None:
        """Bind its event."""
        if self.text:
            self.desk.bind(self.desk.parts["coach"].select, self.welcome, ["work"], self.desk.drawn, **NOW)

    def welcome(self, work: Workspace, request: gr.Request) -> Updates:
        """The game's recipe and rows in place of the first preset."""
        if not self.text:
            raise MergeError("These presets have no first steps.")
        drawn = self.desk.edited(work, lambda: workspace.with_text(work, self.text, "first visit"), request)
        return self.answers.shown(drawn, Rows(self.rows)) if went_through(drawn) else drawn


__all__ = ["Welcoming"]
