"""Desk: what the page's panels share: the studio, a visitor's workspace, how an edit is made and what is drawn after it.

A panel says by name what it draws of a workspace (`draws`) and puts its components behind those names, as `Parts` has it.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

import merger.ui.workspace as workspace
from merger.engine.plan import Plan
from merger.errors import MergeError
from merger.recipe import Recipe, replace_all
from merger.ui.bundle import of_page
from merger.ui.events import NEWEST, NOW
from merger.ui.families import Family
from merger.ui.guard import token_of
from merger.ui.lanes import columns, short_names
from merger.ui.parts import Parts, Updates
from merger.ui.rows import family_of
from merger.ui.studio import Studio, Visit
from merger.ui.words import changed
from merger.ui.workspace import Preset, Workspace

WAYS = ("way 0", "way 1")
"""Buttons for the ways out of a refusal."""


@dataclass(frozen=True)
class Scene:
    """What is drawn after an edit. moved: what it changed, in words. run: of the answers that shall follow, if they shall."""

    studio: Studio
    work: Workspace
    plan: Plan
    moved: str = ""
    run: int | None = None


@dataclass(frozen=True)
class _After:
    call: Callable[..., Updates]
    given: Sequence[str]
    drawn: Sequence[str]


@dataclass(frozen=True)
class _Later:
    signal: str
    given: Sequence[str]
    wanted: Callable[..., bool]


class Desk(Parts):
    """The panels' common ground. An event that opens models works on `seen(request)`: the studio as that visitor sees it."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.studio = studio
        self._draws: dict[str, Callable[[Scene], Any]] = {}
        self._typed: list[str] = []
        self._after: list[_After] = []
        self._later: list[_Later] = []
        self.let_go: Any = None
        """The event of a bar that was let go. The answers follow it at once: not when the page has drawn what it changed, and
        before all else, as whatever is asked for first is done first, by the browser and here."""
        self.draws("work", lambda scene: scene.work)
        self.draws("notice", lambda _: gr.update(value="", visible=False))
        for name in ("tick", "stroke"):
            self.draws(name, lambda scene: gr.skip() if scene.run is None else str(scene.run))
        self.draws("link", lambda scene: self.link(scene.work))
        for name in WAYS:
            self.draws(name, lambda _: gr.update(visible=False))

    # ------------------------------------------------------------------------------------------ parts and events

    def draws(self, name: str, draw: Callable[[Scene], Any], *, typed: bool = False) -> None:
        """After every edit this part is drawn so. typed: after a refusal it keeps what was typed into it."""
        self._draws[name] = draw
        if typed:
            self._typed.append(name)

    @property
    def drawn(self) -> tuple[str, ...]:
        """The parts that an edit draws."""
        return tuple(self._draws)

    @property
    def typed(self) -> tuple[str, ...]:
        """Of those, the parts that somebody may be writing into."""
        return tuple(self._typed)

    # ------------------------------------------------------------------------------------------ after an edit

    def after(self, call: Callable[..., Updates], given: Sequence[str], drawn: Sequence[str]) -> None:
        """After every edit, in one event for all: `call` gets the parts' values and the request, and gives Updates of `drawn`."""
        self._after.append(_After(call, given, drawn))

    def later(
        self, signal: str, call: Callable[..., Updates], given: Sequence[str], drawn: Sequence[str], wanted: Callable[..., bool],
        **how: Any,
    ) -> None:  # fmt: skip
        """After an edit, where it is wanted: what takes longer, in an event of its own behind the hidden part `signal`.

        wanted  told the values of `given`
        """
        self._later.append(_Later(signal, given, wanted))
        self.bind(self.parts[signal].change, call, given, drawn, trigger_mode="always_last", **how)

    def bind_after(self) -> None:
        """Bind what follows an edit: one event, whatever hangs on it. gradio calls all listeners of an event one after the
        other, and all of them again for one that keeps its last call; of several that keep theirs it never comes to an end."""
        asked = ("tick", *(name for one in (*self._after, *self._later) for name in one.given))
        given = tuple(dict.fromkeys(asked))
        drawn = tuple(dict.fromkeys([*(name for one in self._after for name in one.drawn), *(one.signal for one in self._later)]))

        def after_edit(request: gr.Request, *values: Any) -> Updates:
            had = dict(zip(given, values, strict=True))
            updates: Updates = {}
            for one in self._after:
                for name, update in one.call(*(had[part] for part in one.given), request).items():
                    both = isinstance(update, dict) and isinstance(updates.get(name), dict)
                    updates[name] = {**updates[name], **update} if both else update
            for later in self._later:
                if later.wanted(*(had[part] for part in later.given)):
                    updates[later.signal] = had["tick"]
            return updates

        self.bind(self.parts["tick"].change, after_edit, given, drawn, **NEWEST)
        self.bind(self.let_go.success, None, ["let go"], ["tick"], js=of_page("inAMoment"), **NOW)

    # ------------------------------------------------------------------------------------------ who asks

    def seen(self, request: gr.Request | None) -> "Desk":
        """The desk with the access of whoever asks."""
        seen = copy.copy(self)
        seen.studio = self.studio.seen_by(token_of(request))
        return seen

    def visit(self, request: gr.Request | None) -> Visit:
        """The visit of the browser that asks."""
        visit = self.studio.visit(request.session_hash if request else None)
        visit.address = self.studio.address(request)
        return visit

    def next_run(self, request: gr.Request | None) -> int:
        """Older answers of this visitor stop themselves."""
        return self.visit(request).moves_on()

    def hold(self, work: Workspace, request: gr.Request | None) -> None:
        """Note which models this visitor's recipes need."""
        visit = self.visit(request)
        visit.using, visit.hearing = _models(work), frozenset({work.base, *work.shelf, *work.recipe.opened})

    def family(self, work: Workspace) -> Family | None:
        """The family whose models alone are on a desk: else nothing that is theirs is offered."""
        return next((family for family in self.studio.families if {work.base, *work.shelf} <= family.models), None)

    def rows_of(self, work: Workspace) -> str:
        """Whose rows a desk has."""
        family = self.family(work)
        return family_of(work.base, family.name if family else "")

    def preset(self, work: Workspace) -> Preset | None:
        """The preset that a recipe came from."""
        family = self.family(work)
        return family.preset(work.preset) if family else None

    def enter(self, work: Workspace, family: Family, request: gr.Request | None) -> Updates:
        """Another family, from its first preset; its models are here already. MergeError where they are not."""
        now = workspace.stepped(work, workspace.with_preset(work, family.first, family.base, family.parents))
        on = self.seen(request)
        on.studio.check(now.recipe)
        on.hold(now, request)
        return on.redraw(now, run=on.next_run(request))

    # ------------------------------------------------------------------------------------------ edits

    def redraw(self, work: Workspace, moved: str = "", run: int | None = None) -> Updates:
        """All that is drawn of a workspace. MergeError where its models may not be used any more, or do not fit."""
        scene = Scene(self.studio, work, self.studio.plan(work.recipe), moved, run)
        return {name: draw(scene) for name, draw in self._draws.items()}

    def edited(self, work: Workspace, edit: Callable[[], Workspace], request: gr.Request | None) -> Updates:
        """Make an edit and redraw; a refused edit leaves everything as it is and says why."""
        on = self.seen(request)
        wanted: Recipe | None = None
        try:
            now = workspace.stepped(work, edit())
            wanted = now.recipe
            on.studio.check(now.recipe)
            now = workspace.with_recipe(now, on.studio.with_bars(now.recipe))
            on.hold(now, request)
            return on.redraw(now, on.moved(work, now), on.next_run(request))
        except MergeError as error:
            return on.refused(work, error, wanted)

    def refused(self, work: Workspace, error: MergeError, wanted: Recipe | None = None) -> Updates:
        """Everything as it is, also what was typed, and why. wanted: the recipe that was refused."""
        ways = self.studio.ways_out(wanted) if wanted is not None else []
        kept = replace(work, refused=wanted if ways else None)
        try:
            undone = self.redraw(kept)
        except MergeError:  # this visitor may not use its models any more: signed out, or it is too long ago
            undone: Updates = {"work": kept}
        undone["notice"] = gr.update(value=str(error), visible=True)
        undone |= buttons(WAYS, [way.label for way in ways])
        return {name: update for name, update in undone.items() if name not in self._typed and name not in ("tick", "stroke")}

    def stepped(self, work: Workspace, now: Workspace, request: gr.Request | None) -> Updates:
        """A step through the history of edits, which needs no check: it was there before."""
        on = self.seen(request)
        try:
            return on.redraw(now, on.moved(work, now), on.next_run(request))
        except MergeError as error:
            return on.refused(work, error)

    def undo(self, work: Workspace, request: gr.Request) -> Updates:
        """One step back, also over methods, models, presets and pasted recipes."""
        return self.stepped(work, workspace.undone(work), request)

    def redo(self, work: Workspace, request: gr.Request) -> Updates:
        """And on again."""
        return self.stepped(work, workspace.redone(work), request)

    def way_out(self, number: int) -> Callable[[Workspace, gr.Request], Updates]:
        """The recipe that was refused, with what lets its models fit."""

        def taken(work: Workspace, request: gr.Request) -> Updates:
            def edit() -> Workspace:
                ways = self.seen(request).studio.ways_out(work.refused) if work.refused is not None else []
                if work.refused is None or number >= len(ways):
                    raise MergeError("There is nothing to mend any more.")
                return workspace.opened(work, replace_all(work.refused, ways[number].changes))

            return self.edited(work, edit, request)

        return taken

    def load_family(
        self, work: Workspace, base: str, parents: list[str], changes: Mapping[str, Any], request: gr.Request
    ) -> Updates:
        """Other models altogether: a base and its fine-tunes, which are here already. MergeError where they do not fit.

        changes: what lets them fit, as the visitor was told before
        """
        family = workspace.with_family(work, base, parents)
        now, on = workspace.stepped(work, workspace.with_recipe(family, replace_all(family.recipe, changes))), self.seen(request)
        on.studio.check(now.recipe)
        on.hold(now, request)
        return on.redraw(now, run=on.next_run(request))

    # ------------------------------------------------------------------------------------------ words

    def moved(self, before: Workspace, after: Workspace) -> str:
        """What the last move changed, in words: of a text that came from outside, what was read otherwise than written.

        "" where the models are others now.
        """
        notes = " ".join(after.recipe.notes) if after.recipe.text != before.recipe.text else ""
        if before.shelf != after.shelf:
            return notes
        names = short_names([after.base, *after.shelf])
        return notes or changed(before.recipe, after.recipe, names, columns(self.studio.plan(after.recipe)))

    def link(self, work: Workspace) -> str:
        """What stands behind `?r=` in the page's address; nothing for an untouched preset, or one too long for a link."""
        preset = self.preset(work)
        if preset is not None and preset is self.studio.presets[0] and preset.recipe == work.recipe:
            return ""
        try:
            return workspace.link(work.recipe)
        except MergeError:
            return ""


def went_through(drawn: Updates) -> bool:
    """Whether what `edited` gives is an edit, not a refusal."""
    return isinstance(drawn.get("tick"), str)


def buttons(names: Sequence[str], labels: Sequence[str]) -> Updates:
    """Updates of a few buttons: those with a label are shown, the rest hidden."""
    shown = {name: gr.update(value=label, visible=True) for name, label in zip(names, labels, strict=False)}
    return {name: shown.get(name, gr.update(visible=False)) for name in names}


def line(elem_id: str, label: str = "Notice", visible: bool = False) -> gr.Textbox:
    """A line of words from us; a text box, because names in it may be hostile and a text box is only text."""
    return gr.Textbox(
        "",
        elem_id=elem_id,
        label=label,
        lines=1,
        max_lines=12,
        show_label=False,
        container=False,
        interactive=False,
        visible=visible,
        scale=5,
    )


def _models(work: Workspace) -> frozenset[str]:
    """What must stay open for a visitor: the shelf, and what the kept recipes name."""
    kept = [*work.slots, *(moment.recipe for moment in (*work.past, *work.future))]
    return frozenset({work.base, *work.shelf, *work.recipe.opened, *(m for r in kept if r is not None for m in r.opened)})


__all__ = ["WAYS", "Desk", "Scene", "Updates", "buttons", "line", "went_through"]
