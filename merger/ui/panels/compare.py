"""A and B: two recipes kept, the way between them, and a blind test."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

import merger.ui.state as state
from merger.errors import MergeError, RecipeError
from merger.recipe import Recipe
from merger.recipe.between import blend, crossfade
from merger.ui.desk import Desk, Updates, line
from merger.ui.events import ANSWER, NEWEST, NOW
from merger.ui.lanes import short_names
from merger.ui.panels.answers import ASKED, manner
from merger.ui.rows import prompt_of
from merger.ui.service.answers import Answers
from merger.ui.state import Workspace


class Comparing:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.draws("slots", lambda scene: _slots(scene.work))
        desk.draws("fade", lambda scene: gr.update(interactive=None not in scene.work.slots))

    def view(self) -> None:
        """Build it where it is called."""
        slots = line("slots", "What is kept as A and B", visible=True)
        with gr.Row():
            keep_a, keep_b = gr.Button("Keep as A", size="sm"), gr.Button("Keep as B", size="sm")
            hear_a, hear_b = gr.Button("Go to A", size="sm"), gr.Button("Go to B", size="sm")
            blind = gr.Button("Blind test", size="sm")
        fade = gr.Slider(
            0, 1, 0, step=0.01, label="From A to B", interactive=False, elem_id="fade",
            info="Keep two recipes, then slide between them. Where method or models differ, what the two make is mixed",
        )  # fmt: skip
        buttons = {"keep 0": keep_a, "keep 1": keep_b, "hear 0": hear_a, "hear 1": hear_b, "blind": blind}
        self.desk.shows(slots=slots, fade=fade, **buttons)

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        for slot in (0, 1):
            desk.bind(parts[f"keep {slot}"].click, self.keep(slot), ["work"], ["work", "slots", "fade"], **NOW)
            desk.bind(parts[f"hear {slot}"].click, self.hear(slot), ["work"], desk.drawn, **NOW)
        desk.bind(parts["fade"].input, self.fade, ["work", "fade"], desk.drawn, **NEWEST)
        desk.bind(parts["blind"].click, self.blind, ["work", *ASKED], ["answers"], **ANSWER)
        desk.bind(parts["answers"].select, self.vote, ["answers"], ["answers"], **NOW)

    # ------------------------------------------------------------------------------------------ events

    def keep(self, slot: int) -> Callable[[Workspace], Updates]:
        """Keep the recipe as A or B."""

        def kept(work: Workspace) -> Updates:
            now = state.kept_as(work, slot)
            return {"work": now, "slots": _slots(now), "fade": gr.update(interactive=None not in now.slots)}

        return kept

    def hear(self, slot: int) -> Callable[[Workspace, gr.Request], Updates]:
        """Go to the recipe kept as A or B."""

        def heard(work: Workspace, request: gr.Request) -> Updates:
            def edit() -> Workspace:
                recipe = work.slots[slot]
                if recipe is None:
                    raise MergeError(f"Nothing is kept as {'AB'[slot]} yet: press “Keep as {'AB'[slot]}” first.")
                return state.opened(work, recipe)

            return self.desk.edited(work, edit, request)

        return heard

    def fade(self, work: Workspace, t: float, request: gr.Request) -> Updates:
        """Somewhere between A and B: between their numbers, or where they have none in common, between what they make."""

        def edit() -> Workspace:
            a, b = _both(work)
            names = [job.name for job in self.desk.seen(request).studio.plan(a).jobs]
            try:
                return state.opened(work, crossfade(a, b, t, names))
            except RecipeError:
                return state.opened(work, blend(a, b, t))

        return self.desk.edited(work, edit, request)

    def blind(
        self, work: Workspace, asked: Any, heat: float, seed: float | None, plain: bool, length: float, top_p: float,
        penalty: float, stops: str, request: gr.Request,
    ) -> Iterator[Updates]:  # fmt: skip
        """A blind test between A and B."""
        visit = self.desk.visit(request)
        self.desk.next_run(request)
        try:
            visit.ballot = Answers(self.desk.studio).ballot(_both(work))
        except MergeError as error:
            yield {"answers": gr.update(feed={"run": visit.run, "seq": 1, "error": {"": str(error)}})}
            return
        columns = [{"key": key, "name": name, "slot": None} for key, name in (("one", "First"), ("two", "Second"))]
        board = {"columns": columns, "blind": visit.ballot.id, "turn": visit.run}  # a second test is another
        yield {"answers": gr.update(board=json.dumps(board))}
        studio = self.desk.seen(request).studio
        how = manner(heat, seed, plain, length, top_p, penalty, stops)
        for feed in Answers(studio).compare(visit.ballot, prompt_of(asked), visit, how):
            yield {"answers": gr.update(feed=feed)}

    def vote(self, value: Any, request: gr.Request) -> Updates:
        """A vote was given: now the names are told."""
        visit = self.desk.visit(request)
        vote = value.get("vote") if isinstance(value, dict) else None
        if visit.ballot is None or vote not in ("one", "two", "tie", "bad"):
            return {}
        told = {k: {"id": r.digest, "name": visit.ballot.names[k]} for k, r in visit.ballot.recipes.items()}
        visit.ballot = None
        return {"answers": gr.update(feed={"run": visit.run, "reveal": told, "vote": vote})}


def _both(work: Workspace) -> tuple[Recipe, Recipe]:
    a, b = work.slots
    if a is None or b is None:
        missing = " and ".join("AB"[i] for i, r in enumerate(work.slots) if r is None)
        raise MergeError(f"Keep a recipe as {missing} first.")
    return a, b


def _slots(work: Workspace) -> str:
    def said(recipe: Recipe | None) -> str:
        if recipe is None:
            return "empty"
        here = ", what you hear now" if recipe == work.recipe else ""
        return f"{recipe.merge_method} of {', '.join(short_names(recipe.merged).values())}{here}"

    return f"A: {said(work.slots[0])}\nB: {said(work.slots[1])}"


__all__ = ["Comparing"]
