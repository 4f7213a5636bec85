"""What to start from: the presets of the toys, recipes for any models, and what a visitor has kept under a name."""

from dataclasses import replace
from typing import Any

import gradio as gr

import merger.ui.workspace as workspace
from merger.errors import MergeError
from merger.inspect.analysis import combine
from merger.limits import SCENE_CHARACTERS
from merger.recipe import Recipe, dump
from merger.ui.desk import Desk, Scene, Updates, went_through
from merger.ui.events import NOW
from merger.ui.head import Choice, choices, chosen, listed
from merger.ui.panels.answers import Answering
from merger.ui.rows import Rows
from merger.ui.service.strip import Strip
from merger.ui.starts import begun, starts, with_start
from merger.ui.workspace import Workspace


class Beginning:
    """The panel on one desk."""

    def __init__(self, desk: Desk, answers: Answering) -> None:
        self.desk, self.answers = desk, answers
        desk.draws("starts", lambda scene: gr.update(board=self.board(scene.work)))

    def view(self, scene: Scene) -> None:
        """Build it where it is called."""
        self.desk.shows(starts=choices(self.board(scene.work), elem_id="starts"))

    def wire(self) -> None:
        """Bind its event."""
        self.desk.bind(self.desk.parts["starts"].select, self.choose, ["work", "starts"], self.desk.drawn, **NOW)

    # ------------------------------------------------------------------------------------------ drawing

    def board(self, work: Workspace, **more: Any) -> str:
        """The list's `board`: a preset is offered to its own models only."""
        family = self.desk.family(work)
        presets = [
            Choice(f"preset {preset.name}", preset.name, preset.says, on=preset.name == work.preset)
            for preset in (family.presets if family else ())
        ]
        own = [Choice(start.key, start.label, start.says, on=start.label == work.preset) for start in starts(work)]
        groups = [("", presets), ("For any models" if family else "", own)]
        return listed("Start from", groups, family=self.desk.rows_of(work), **more)

    # ------------------------------------------------------------------------------------------ events

    def choose(self, work: Workspace, value: Any, request: gr.Request) -> Updates:
        """A preset, a start, or a scene; or a scene is to be kept."""
        name, text = chosen(value, "keep").strip()[:60], chosen(value, "text")
        if name:
            return self.keep(work, name)
        if text:
            label = chosen(value, "name")[:60]
            return self.desk.edited(work, lambda: replace(workspace.with_text(work, text, "scene"), preset=label), request)
        key = chosen(value)
        if key.startswith("preset "):
            return self.preset(work, key.removeprefix("preset "), request)
        return self.desk.edited(work, lambda: self.started(work, key, request), request)

    def keep(self, work: Workspace, name: str) -> Updates:
        """The recipe as a text under a name, for the browser to keep. MergeError where it is too long for that."""
        text = dump(work.recipe)
        if len(text) > SCENE_CHARACTERS:
            raise MergeError(
                f"This recipe has {len(text):,} characters; a browser keeps up to {SCENE_CHARACTERS:,}: save its YAML instead."
            )
        now = replace(work, preset=name)
        return {"work": now, "starts": gr.update(board=self.board(now, kept={"name": name, "text": text}))}

    def preset(self, work: Workspace, name: str, request: gr.Request) -> Updates:
        """A preset: its recipe and its rows."""
        family = self.desk.family(work) or self.desk.studio.families[0]
        preset = family.preset(name)
        if preset is None:
            raise MergeError("There is no such preset.")
        drawn = self.desk.edited(work, lambda: workspace.with_preset(work, preset, family.base, family.parents), request)
        return self.answers.shown(drawn, Rows(preset.rows)) if went_through(drawn) else drawn

    def started(self, work: Workspace, key: str, request: gr.Request) -> Workspace:
        """The workspace on one of the starts for any models."""
        studio = self.desk.seen(request).studio

        def sizes(recipe: Recipe) -> tuple[float, ...]:
            whole = combine(Strip(studio).statistics(recipe)[1], "all")
            return whole.size if whole is not None else ()

        recipe = begun(work, key, studio.plan, sizes)
        if recipe is None:
            raise MergeError("There is no such start.")
        return with_start(work, key, recipe)


__all__ = ["Beginning"]
