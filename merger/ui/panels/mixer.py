"""The bars: presets, the Mixer with its strip, what the last move changed, and what speaks against the merge."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

import merger.ui.state as state
from merger.errors import MergeError
from merger.recipe import dump, replace_all
from merger.ui import lanes
from merger.ui.desk import WAYS, Desk, Scene, Updates, buttons, line, went_through
from merger.ui.events import NEWEST, NOW
from merger.ui.mixer import mixer
from merger.ui.panels.answers import Answering
from merger.ui.rows import Rows
from merger.ui.service.strip import Strip
from merger.ui.state import Workspace
from merger.ui.words import Remark, refusal_words, verdict_words

BACK = "Toy family"
"""The way back from other models."""
FIXES = ("fix 0", "fix 1")
"""Buttons for what the verdict can mend."""


class Mixing:
    """The panel on one desk."""

    def __init__(self, desk: Desk, answers: Answering) -> None:
        self.desk, self.answers = desk, answers
        desk.draws("mixer", self._mixer)
        desk.draws("preset", lambda scene: self.offered(scene.work))
        desk.draws("says", lambda scene: self.says(scene.work))
        desk.draws("moved", lambda scene: gr.update(value=scene.moved, visible=bool(scene.moved)))

    # ------------------------------------------------------------------------------------------ view

    def view(self, first: Workspace) -> None:
        """Build it where it is called, for the first recipe."""
        studio = self.desk.studio
        preset = gr.Radio(
            [p.name for p in studio.presets], value=first.preset, interactive=True, elem_id="presets",
            label="Start from a preset, then drag the bars",
        )  # fmt: skip
        says = gr.Markdown(studio.presets[0].says, elem_id="says")
        value, board = lanes.describe(studio.plan(first.recipe), shelf=first.shelf)
        board["law"] = Strip(studio).law(first, studio.plan(first.recipe))
        mix = mixer(value, board, Strip(studio).strip(first), self.sample, elem_id="mixer")
        moved = line("moved", "What the last move changed")
        with gr.Row(elem_id="warning"):
            warning = line("verdict", "What speaks against this merge")
            fixes = {name: gr.Button("", size="sm", scale=0, min_width=150, visible=False) for name in FIXES}
        self.desk.shows(preset=preset, says=says, mixer=mix, moved=moved, warning=warning, **fixes)

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        mix, drawn = parts["mixer"], desk.drawn
        desk.bind(mix.input, self.drag, ["work", "mixer"], ["mixer"], **NEWEST)
        let_go = ["work", "notice", "mixer", "yaml", "says", "moved", "link", "tick"]
        desk.bind(mix.release, self.release, ["work", "mixer", "drafted"], let_go, **NEWEST)
        desk.bind(mix.edit, self.split, ["work", "mixer"], drawn, **NOW)
        desk.bind(mix.undo, desk.undo, ["work"], drawn, **NOW)
        desk.bind(mix.retry, desk.redo, ["work"], drawn, **NOW)
        desk.bind(parts["preset"].input, self.choose_preset, ["work", "preset"], drawn, **NOW)
        for i, name in enumerate(FIXES):
            desk.bind(parts[name].click, self.fix(i), ["work"], drawn, **NOW)
        desk.bind(parts["tick"].change, self.judge, ["work"], ["warning", *FIXES, *WAYS], **NEWEST)

    # ------------------------------------------------------------------------------------------ drawing

    def _mixer(self, scene: Scene) -> Any:
        work = scene.work
        value, board = lanes.describe(scene.plan, split=work.split, shelf=work.shelf)
        run = len(work.past) if scene.run is None else scene.run
        board |= _steps(work) | {"law": Strip(scene.studio).law(work, scene.plan), "turn": run}
        return gr.update(value=value, board=_text(board), stats=_text(Strip(scene.studio).strip(work)))

    def offered(self, work: Workspace) -> Any:
        """The presets of the family that is on the desk, and for others the way back to the toys."""
        family = self.desk.family(work)
        names = [preset.name for preset in family.presets] if family else []
        if family is not self.desk.studio.families[0]:
            names.append(BACK)
        return gr.update(choices=names, value=(work.preset or None) if family else None)

    def says(self, work: Workspace) -> str:
        """The preset's sentence, and whether the recipe is still the preset's."""
        preset = self.desk.preset(work)
        if preset is None:
            return "Your own recipe."
        return preset.says if preset.recipe == work.recipe else f"{preset.says} *Edited.*"

    # ------------------------------------------------------------------------------------------ events

    def choose_preset(self, work: Workspace, name: str, request: gr.Request) -> Updates:
        """A preset was pressed: its recipe and its rows."""
        toys = self.desk.studio.families[0]
        family = toys if name == BACK else self.desk.family(work) or toys
        preset = toys.first if name == BACK else family.preset(name)
        if preset is None:
            raise MergeError("There is no such preset.")
        drawn = self.desk.edited(work, lambda: state.with_preset(work, preset, family.base, family.parents), request)
        return self.answers.shown(drawn, Rows(preset.rows)) if went_through(drawn) else drawn

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
            now = state.with_recipe(work, lanes.painted(studio.plan(work.recipe), _lanes(value)))
            return {"mixer": gr.update(stats=_text(Strip(studio).strip(now)))}
        except MergeError as error:
            return {"mixer": gr.update(stats=_text({"rows": [], "summary": str(error), "note": "", "lanes": {}}))}

    def release(self, work: Workspace, value: dict[str, Any], drafted: bool, request: gr.Request) -> Updates:
        """A fader was let go: it becomes the recipe. The Mixer keeps its own value; only what depends on it is drawn.

        drafted: somebody is writing YAML, which is left alone
        """
        on = self.desk.seen(request)
        try:
            recipe = lanes.painted(on.studio.plan(work.recipe), _lanes(value))
            back = isinstance(value, dict) and value.get("move") in ("undo", "redo")
            now = state.stepped(work, state.with_recipe(work, recipe), painted=back)
            on.studio.check(now.recipe)
            followed = isinstance(value, dict) and value.get("followed") is True  # the page has drawn the strip of these bars
            stats = _text(({"kept": True} if followed else Strip(on.studio).strip(now)) | _steps(now) | {"seq": value.get("seq")})
            said = on.moved(work, now)
        except MergeError as error:
            return {"notice": gr.update(value=str(error), visible=True)}
        drawn: Updates = {
            "work": now, "notice": gr.update(value="", visible=False), "mixer": gr.update(stats=stats), "says": self.says(now),
            "link": on.link(now), "tick": str(on.next_run(request)),
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
        told = [remark.text for remark in remarks if remark.level != "note"]
        drawn = {"warning": gr.update(value="\n".join(told), visible=bool(told))}
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
                return state.opened(work, replace_all(work.recipe, mended[number].changes))

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
