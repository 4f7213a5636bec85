"""A and B, which stand in the head line: two recipes kept, the way between them, and a blind test."""

import json
from collections.abc import Iterator
from typing import Any

import gradio as gr

import merger.ui.workspace as workspace
from merger.errors import MergeError, RecipeError
from merger.recipe import Recipe
from merger.recipe.between import blend, crossfade
from merger.ui import rows
from merger.ui.desk import Desk, Updates
from merger.ui.events import ANSWER, NEWEST, NOW
from merger.ui.lanes import columns, short_names
from merger.ui.panels.answers import ASKED, manner
from merger.ui.service.answers import Answers
from merger.ui.words import changed
from merger.ui.workspace import Workspace


class Comparing:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        desk.bind(parts["head"].select, self.slot, ["work", "head"], desk.drawn, **NOW)
        desk.bind(parts["head"].input, self.faded, ["work", "head"], desk.drawn, **NEWEST)
        desk.bind(parts["answers"].apply, self.blind, ["work", *ASKED], ["answers"], **ANSWER)
        desk.bind(parts["answers"].select, self.vote, ["answers"], ["answers"], **NOW)

    # ------------------------------------------------------------------------------------------ events

    def slot(self, work: Workspace, value: Any, request: gr.Request) -> Updates:
        """A or B was pressed: keep what plays there, or go to what is kept."""
        slot = 1 if isinstance(value, dict) and value.get("slot") == 1 else 0
        keep = isinstance(value, dict) and value.get("keep") is True
        return self.keep(work, slot, request) if keep else self.hear(work, slot, request)

    def keep(self, work: Workspace, slot: int, request: gr.Request | None) -> Updates:
        """Keep the recipe as A or B."""
        return self.desk.seen(request).redraw(workspace.kept_as(work, slot))

    def hear(self, work: Workspace, slot: int, request: gr.Request | None) -> Updates:
        """Go to the recipe kept as A or B."""

        def edit() -> Workspace:
            recipe = work.slots[slot]
            if recipe is None:
                raise MergeError(f"Nothing is kept as {'AB'[slot]} yet.")
            return workspace.opened(work, recipe)

        return self.desk.edited(work, edit, request)

    def faded(self, work: Workspace, value: Any, request: gr.Request) -> Updates:
        """The fader between A and B was moved."""
        t = value.get("t") if isinstance(value, dict) else None
        if isinstance(t, bool) or not isinstance(t, (int, float)) or not 0 <= t <= 1:
            raise MergeError("From A to B: takes a number from 0 to 1.")
        return self.fade(work, float(t), request)

    def fade(self, work: Workspace, t: float, request: gr.Request) -> Updates:
        """Somewhere between A and B: between their numbers, or where they have none in common, between what they make."""

        def edit() -> Workspace:
            a, b = _both(work)
            names = [job.name for job in self.desk.seen(request).studio.plan(a).jobs]
            try:
                return workspace.opened(work, crossfade(a, b, t, names))
            except RecipeError:
                return workspace.opened(work, blend(a, b, t))

        return self.desk.edited(work, edit, request)

    def blind(
        self, work: Workspace, asked: Any, heat: float, seed: float | None, plain: bool, length: float, top_p: float,
        penalty: float, stops: str, request: gr.Request,
    ) -> Iterator[Updates]:  # fmt: skip
        """A blind test between A and B, on all rows."""
        visit, on = self.desk.visit(request), self.desk.seen(request)
        self.desk.next_run(request)
        try:
            a, b = _both(work)
            found = rows.read(asked).rows
            if not found:
                raise MergeError("Ask something first: a blind test goes through the prompts on the desk.")
            names = short_names([work.base, *work.shelf, *a.opened, *b.opened])
            differs = changed(a, b, names, columns(on.studio.plan(a)))
            visit.ballot = Answers(on.studio).ballot((a, b), found)
        except MergeError as error:
            yield {"answers": gr.update(feed={"run": visit.run, "seq": 1, "error": {"": str(error)}})}
            return
        told = [{"id": row.id, "prompt": row.prompt} for row in visit.ballot.rows]
        words = f"From one to the other: {differs[:1].lower()}{differs[1:]}" if differs else "A and B are the same recipe."
        board = json.dumps({"blind": {"id": str(visit.run), "rows": told, "differs": words}})
        yield {"answers": gr.update(board=board)}
        for feed in Answers(on.studio).compare(visit.ballot, visit, manner(heat, seed, plain, length, top_p, penalty, stops)):
            yield {"answers": gr.update(feed=feed)}

    def vote(self, value: Any, request: gr.Request) -> Updates:
        """All votes were given: now it is told who was who."""
        visit = self.desk.visit(request)
        votes = value.get("votes") if isinstance(value, dict) else None
        if visit.ballot is None or not isinstance(votes, dict):
            return {}
        ballot, visit.ballot = visit.ballot, None
        revealed = {
            "sides": dict(ballot.first),
            "ids": {name: recipe.digest for name, recipe in ballot.recipes.items()},
        }  # fmt: skip
        return {"answers": gr.update(feed={"run": visit.run, "reveal": revealed})}


def _both(work: Workspace) -> tuple[Recipe, Recipe]:
    a, b = work.slots
    if a is None or b is None:
        missing = " and ".join("AB"[i] for i, r in enumerate(work.slots) if r is None)
        raise MergeError(f"Keep a recipe as {missing} first.")
    return a, b


__all__ = ["Comparing"]
