"""What the page's events do: a pure edit of the workspace, or one call of the studio, and what to redraw."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

import merger.ui.state as state
from merger.checkpoints import in_words
from merger.errors import MergeError
from merger.merge import Step
from merger.recipe import dump
from merger.ui import controls, lanes
from merger.ui.detail import draw
from merger.ui.state import Workspace
from merger.ui.studio import Studio

log = logging.getLogger(__name__)

Updates = list[Any]


class Callbacks:
    """The page's callbacks on one studio. `widgets`: the method's controls, by parameter name."""

    def __init__(self, studio: Studio, widgets: dict[str, controls.Widget]) -> None:
        self.studio = studio
        self.widgets = widgets

    # Everything that is drawn from the recipe, in the order of the page's `drawn` list:
    # workspace, notice, mixer, yaml, preset, says, method, models, answers, then the controls.

    def redraw(self, work: Workspace) -> Updates:
        """Draw the whole page from a workspace."""
        decided = self.studio.plan(work.recipe)
        value, board = lanes.describe(decided)
        mix = gr.update(value=value, board=_text(board), stats=_text(self.studio.strip(work)))
        return [
            work, gr.update(value="", visible=False), mix,
            dump(work.recipe), work.preset or None, self.says(work), work.recipe.merge_method, list(work.chosen),
            {"columns": self.studio.columns(work)}, *controls.show(decided, self.widgets),
        ]  # fmt: skip

    def says(self, work: Workspace) -> str:
        """The preset's sentence, and whether the recipe is still the preset's."""
        preset = next((p for p in self.studio.presets if p.name == work.preset), None)
        if preset is None:
            return "Your own recipe."
        return preset.says if preset.recipe == work.recipe else f"{preset.says} *Edited.*"

    def edited(self, work: Workspace, edit: Callable[[], Workspace], request: gr.Request | None) -> Updates:
        """Make an edit and redraw; a refused edit leaves everything as it is and says why."""
        self.studio.visit(request.session_hash if request else None).run += 1
        try:
            return self.redraw(edit())
        except MergeError as error:
            undone = self.redraw(work)
            undone[1] = gr.update(value=str(error), visible=True)
            return undone

    def choose_preset(self, work: Workspace, name: str, request: gr.Request) -> tuple[Any, ...]:
        """A preset was pressed: its recipe and its prompt."""
        preset = next(p for p in self.studio.presets if p.name == name)
        return *self.edited(work, lambda: state.start(preset, self.studio.base), request), preset.prompt

    def choose_method(self, work: Workspace, name: str, request: gr.Request) -> Updates:
        """Another merge method on the same models."""
        return self.edited(work, lambda: state.with_method(work, name), request)

    def choose_models(self, work: Workspace, models: list[str], request: gr.Request) -> Updates:
        """Other parents in the mix; only the family's names are taken."""
        ordered = [m for m in self.studio.family if m in models and m != work.base]
        return self.edited(work, lambda: state.with_models(work, ordered), request)

    def control(self, name: str) -> Callable[[Workspace, Any, gr.Request], Updates]:
        """The callback of one control."""

        def changed(work: Workspace, value: Any, request: gr.Request) -> Updates:
            written = controls.read(name, value, work.recipe.merge_method)
            return self.edited(work, lambda: state.with_control(work, f"parameters.{name}", written), request)

        return changed

    def drag(self, work: Workspace, value: dict[str, Any]) -> Any:
        """While a fader moves: statistics only."""
        try:
            moved = state.with_recipe(work, lanes.painted(self.studio.plan(work.recipe), _lanes(value)))
            return gr.update(stats=_text(self.studio.strip(moved)))
        except MergeError as error:
            return gr.update(stats=_text({"rows": [], "summary": str(error), "note": "", "lanes": {}}))

    def release(self, work: Workspace, value: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """A fader was let go: it becomes the recipe. The Mixer keeps its own value; only what depends on it is drawn."""
        self.studio.visit(request.session_hash).run += 1
        try:
            now = state.with_recipe(work, lanes.painted(self.studio.plan(work.recipe), _lanes(value)))
        except MergeError as error:
            return work, gr.update(value=str(error), visible=True), gr.skip(), gr.skip(), gr.skip()
        stats = _text(self.studio.strip(now))
        return now, gr.update(value="", visible=False), gr.update(stats=stats), dump(now.recipe), self.says(now)

    def bump(self, request: gr.Request) -> None:
        """A new question makes older answers stop themselves."""
        self.studio.visit(request.session_hash).run += 1

    def stop(self, request: gr.Request) -> None:
        """Stop the answers that are being written."""
        visit = self.studio.visit(request.session_hash)
        visit.stopped = visit.run

    def answer(self, work: Workspace, prompt: str, request: gr.Request) -> Iterator[Any]:
        """Stream everybody's answer."""
        visit = self.studio.visit(request.session_hash)
        for feed in self.studio.answer(work, (prompt or "")[: state.MAX_PROMPT], visit):
            yield gr.update(feed=feed)

    def answer_again(self, work: Workspace, prompt: str, wanted: bool, request: gr.Request) -> Iterator[Any]:
        """The same after an edit, if the visitor wants that."""
        if wanted:
            yield from self.answer(work, prompt, request)
        else:
            run = self.studio.visit(request.session_hash).run
            yield gr.update(feed={"run": run, "seq": 1, "note": "The recipe has changed since this answer; press Ask."})

    def inside(self, work: Workspace, opened: bool) -> Updates:
        """The figures of "See inside", while it is open."""
        if not opened:
            return [gr.skip()] * 5
        try:
            return draw(self.studio, work)
        except MergeError as error:
            return [str(error), None, None, None, None]

    def download(self, work: Workspace, request: gr.Request) -> Iterator[tuple[Any, Any]]:
        """Merge to files and offer the zip; the status line tells how far it is."""
        told: list[Step] = []
        yield gr.update(value="Merging…", visible=True), gr.skip()
        try:
            archive = self.studio.archive(work.recipe, told.append)
        except MergeError as error:
            yield gr.update(value=str(error), visible=True), gr.skip()
            return
        try:
            words = f"merged-model.zip: {told[-1].of_tensors} tensors, {in_words(archive.stat().st_size)}."
            yield gr.update(value=words, visible=True), gr.update(value=str(archive))  # gradio takes a copy
        finally:
            shutil.rmtree(archive.parent, ignore_errors=True)

    def leave(self, request: gr.Request) -> None:
        """The browser is gone."""
        self.studio.leave(request.session_hash)


def _text(prop: dict[str, Any]) -> str:
    """A prop as JSON text: gradio copies a dict leaf by leaf at every update, a text at once."""
    return json.dumps(prop)


def _lanes(value: Any) -> dict[str, Any]:
    found = value.get("lanes") if isinstance(value, dict) else None
    if not isinstance(found, dict):
        raise MergeError("the Mixer sent no lanes; reload the page.")
    return found
