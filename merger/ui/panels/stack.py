"""The stack: a recipe's slices as a picture, in place of the bars."""

import json
from itertools import count
from typing import Any

import gradio as gr

import merger.ui.workspace as workspace
from merger.errors import MergeError
from merger.files.layout import layout
from merger.ui import blocks
from merger.ui.desk import Desk, Scene, Updates
from merger.ui.events import NEWEST, NOW
from merger.ui.stack import stack
from merger.ui.studio import Studio
from merger.ui.workspace import Workspace


class Stacking:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._turns = count()  # so that the page also takes back what was refused
        desk.draws("stack", lambda scene: gr.update(board=json.dumps(self._board(scene))))

    def view(self) -> None:
        """Build it where it is called, unseen."""
        self.desk.shows(stack=stack({}, elem_id="stack"))

    def wire(self) -> None:
        """Bind its events."""
        desk, part = self.desk, self.desk.parts["stack"]
        desk.bind(part.release, self.release, ["work", "stack"], desk.drawn, **NEWEST)
        desk.bind(part.undo, desk.undo, ["work"], desk.drawn, **NOW)
        desk.bind(part.retry, desk.redo, ["work"], desk.drawn, **NOW)

    def _board(self, scene: Scene) -> dict[str, Any]:
        work = scene.work
        steps = {"turn": next(self._turns), "can_undo": bool(work.past), "can_redo": bool(work.future)}
        if not work.recipe.slices or work.recipe.earlier:  # a model made by an earlier document lies nowhere yet
            return {"blocks": [], **steps}
        sizes = _sizes(scene.studio, work)
        known = blocks.sources(work.recipe, (*work.shelf, work.base), {model: layers for model, (layers, _) in sizes.items()})
        weights = max((sizes[source.model][1] for source in known), default=0)
        return blocks.describe(scene.plan, known, work.shelf, work.base, weights) | steps

    def release(self, work: Workspace, value: Any, request: gr.Request) -> Updates:
        """Blocks were moved, or a number of one: they become the recipe."""

        def edit() -> Workspace:
            sizes = _sizes(self.desk.seen(request).studio, work)
            known = blocks.sources(work.recipe, (*work.shelf, work.base), {model: n for model, (n, _) in sizes.items()})
            return workspace.opened(work, blocks.edited(work.recipe, value, known))

        return self.desk.edited(work, edit, request)


def _sizes(studio: Studio, work: Workspace) -> dict[str, tuple[int, int]]:
    """Layers and weights of every model on the desk that can be opened."""
    found: dict[str, tuple[int, int]] = {}
    for reference in dict.fromkeys([*work.recipe.references, *work.shelf, work.base]):
        try:
            model = studio.parents.model(reference, studio.access)
        except MergeError:
            continue
        found[reference] = layout(model.numels, model.config).layers, sum(model.numels.values())
    return found


__all__ = ["Stacking"]
