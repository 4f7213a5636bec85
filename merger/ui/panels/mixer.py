"""The bars: presets, the Mixer with its strip, what the last move changed, and what speaks against the merge."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

import merger.ui.workspace as workspace
from merger.errors import MergeError
from merger.recipe import dump, replace_all
from merger.ui import lanes
from merger.ui.away import kept
from merger.ui.desk import WAYS, Desk, Scene, Updates, buttons, line
from merger.ui.events import NEWEST, NOW
from merger.ui.mixer import mixer
from merger.ui.panels.dock import worst
from merger.ui.panels.head import Heading
from merger.ui.service.strip import Strip
from merger.ui.words import Remark, refusal_words, verdict_words
from merger.ui.workspace import Workspace

FIXES = ("fix 0", "fix 1")
"""Buttons for what the verdict can mend."""


class Mixing:
    """The panel on one desk."""

    def __init__(self, desk: Desk, head: Heading) -> None:
        self.desk, self.head = desk, head
        desk.draws("mixer", self._mixer)
        desk.draws("moved", lambda scene: gr.update(value=scene.moved, visible=bool(scene.moved)))

    # ------------------------------------------------------------------------------------------ view

    def view(self, first: Workspace) -> None:
        """Build it where it is called, for the first recipe."""
        studio = self.desk.studio
        value, board = lanes.describe(studio.plan(first.recipe), shelf=first.shelf)
        board["law"] = Strip(studio).law(first, studio.plan(first.recipe))
        mix = mixer(value, board, Strip(studio).strip(first), self.sample, elem_id="mixer")
        self.desk.shows(mixer=mix, moved=line("moved", "What the last move changed"))

    def remarks(self) -> None:
        """What speaks against the merge, each with its button, where it is called; the dock tells the worst."""
        with gr.Row(elem_id="warning"):
            warning = line("verdict", "What speaks against this merge")
            fixes = {name: gr.Button("", size="sm", scale=0, min_width=150, visible=False) for name in FIXES}
        self.desk.shows(warning=warning, **fixes)

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        mix, drawn = parts["mixer"], desk.drawn
        desk.bind(mix.input, self.drag, ["work", "mixer"], ["mixer"], **NEWEST)
        released = ["work", "notice", "mixer", "yaml", "head", "moved", "link", "dock", "let go"]
        desk.let_go = desk.bind(mix.release, self.release, ["work", "mixer", "drafted"], released, **NEWEST)
        desk.bind(mix.edit, self.split, ["work", "mixer"], drawn, **NOW)
        desk.bind(mix.undo, desk.undo, ["work"], drawn, **NOW)
        desk.bind(mix.retry, desk.redo, ["work"], drawn, **NOW)
        for i, name in enumerate(FIXES):
            desk.bind(parts[name].click, self.fix(i), ["work"], drawn, **NOW)
        desk.after(self.judge, ["work"], ["warning", "dock", *FIXES, *WAYS])

    # ------------------------------------------------------------------------------------------ drawing

    def _mixer(self, scene: Scene) -> Any:
        work = scene.work
        value, board = lanes.describe(scene.plan, split=work.split, shelf=work.shelf)
        run = len(work.past) if scene.run is None else scene.run
        board |= _steps(work) | {"law": Strip(scene.studio).law(work, scene.plan), "turn": run}
        return gr.update(value=value, board=_text(board), stats=_text(Strip(scene.studio).strip(work)))

    # ------------------------------------------------------------------------------------------ events

    def split(self, work: Workspace, value: Any, request: gr.Request) -> Updates:
        """Weight lanes for attention and MLP apart, or together again; the recipe stays what it is."""
        on = self.desk.seen(request)
        try:
            return on.redraw(replace(work, split=bool(value.get("split")) if isinstance(value, dict) else None))
        except MergeError as error:
            return on.refused(work, error)

    def drag(self, work: Workspace, value: dict[str, Any], request: gr.Request | None = None) -> Updates:
        """While a fader moves: statistics only."""
        studio = self.desk.seen(request).studio
        try:
            now = workspace.with_recipe(work, lanes.painted(studio.plan(work.recipe), _lanes(value)))
            return {"mixer": gr.update(stats=_text(Strip(studio).strip(now)))}
        except MergeError as error:
            return {"mixer": gr.update(stats=_text({"floor": [], "summary": str(error), "note": "", "lanes": {}}))}

    def release(self, work: Workspace, value: dict[str, Any], drafted: bool, request: gr.Request) -> Updates:
        """A fader was let go: it becomes the recipe. The Mixer keeps its own value; only what depends on it is drawn.

        drafted: somebody is writing YAML, which is left alone
        """
        on = self.desk.seen(request)
        try:
            recipe = lanes.painted(on.studio.plan(work.recipe), _lanes(value))
            back = isinstance(value, dict) and value.get("move") in ("undo", "redo")
            now = workspace.stepped(work, workspace.with_recipe(work, recipe), painted=back)
            on.studio.check(now.recipe)
            followed = isinstance(value, dict) and value.get("followed") is True  # the page has drawn the strip of these bars
            stats = _text(({"kept": True} if followed else Strip(on.studio).strip(now)) | _steps(now) | {"seq": value.get("seq")})
            said = on.moved(work, now)
        except MergeError as error:
            return {"notice": gr.update(value=str(error), visible=True)}
        run = str(on.next_run(request))
        drawn: Updates = {
            "work": now, "notice": gr.update(value="", visible=False), "mixer": gr.update(stats=stats),
            "head": gr.update(board=json.dumps(self.head.board(Scene(on.studio, now, on.studio.plan(now.recipe), said)))),
            "link": on.link(now), "dock": gr.update(kept=kept(now)), "let go": run,
        }  # fmt: skip
        if not drafted:
            drawn["yaml"] = dump(now.recipe)
        if now.recipe != work.recipe:  # else it is no move: gradio sends an event twice when several came at once
            drawn["moved"] = gr.update(value=said, visible=bool(said))
        return drawn

    def sample(self, word: object, request: gr.Request) -> dict[str, Any] | None:
        """What a law's `sketch` stands for, so that the browser follows a drag by itself."""
        return Strip(self.desk.seen(request).studio).sample(word)

    # ------------------------------------------------------------------------------------------ the verdict

    def judge(self, work: Workspace, request: gr.Request | None = None) -> Updates:
        """What speaks against the recipe, in plain words, and a button for each fix; nothing where nothing does."""
        on = self.desk.seen(request)
        try:
            remarks = self._remarks(on, work)
        except MergeError as error:
            remarks = [Remark(refusal_words(str(error)), "error")]
        warnings = [remark.text for remark in remarks if remark.level != "note"]
        drawn = {"warning": gr.update(value="\n".join(warnings), visible=bool(warnings)), "dock": gr.update(board=worst(remarks))}
        drawn |= buttons(FIXES, [remark.fix_label for remark in _mended(remarks)])
        return drawn | (buttons(WAYS, ()) if work.refused is None else {})

    def _remarks(self, on: Desk, work: Workspace) -> list[Remark]:
        """The verdict's sentences; MergeError where the models do not fit at all."""
        return verdict_words(on.studio.verdict(work.recipe), lanes.short_names([work.base, *work.shelf]))

    def fix(self, number: int) -> Callable[[Workspace, gr.Request], Updates]:
        """Apply the fix behind a button."""

        def fixed(work: Workspace, request: gr.Request) -> Updates:
            def edit() -> Workspace:
                mended = _mended(self._remarks(self.desk.seen(request), work))
                if number >= len(mended):
                    raise MergeError("This is mended already.")
                return workspace.opened(work, replace_all(work.recipe, mended[number].changes))

            return self.desk.edited(work, edit, request)

        return fixed


def _mended(remarks: Sequence[Remark]) -> list[Remark]:
    """Remarks worth a button: a real fault, with a fix that is an edit of the recipe."""
    return [r for r in remarks if r.level != "note" and r.fix_label and r.changes]


def _text(prop: Mapping[str, Any]) -> str:
    """A prop as JSON text: gradio copies a dict leaf by leaf at every update, a text at once."""
    return json.dumps(prop)


def _steps(work: Workspace) -> dict[str, bool]:
    """Whether the page can go back and on, for the Mixer's buttons."""
    return {"can_undo": bool(work.past), "can_redo": bool(work.future)}


def _lanes(value: Any) -> dict[str, Any]:
    lanes = value.get("lanes") if isinstance(value, dict) else None
    if not isinstance(lanes, dict):
        raise MergeError("the Mixer sent no lanes; reload the page.")
    return lanes


__all__ = ["FIXES", "Mixing"]
