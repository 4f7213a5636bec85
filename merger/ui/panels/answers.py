"""The answers: what is asked and how, who says what, and Stop."""

import json
from collections.abc import Iterator
from typing import Any

import gradio as gr

from merger.limits import PROMPT_CHARACTERS
from merger.recipe import dump
from merger.ui import lanes
from merger.ui.answers import answers
from merger.ui.desk import Desk, Updates
from merger.ui.events import ANSWER, NOW
from merger.ui.service.answers import Answers
from merger.ui.state import Workspace
from merger.ui.studio import Manner

ASKED = ("prompt", "heat", "draw seed", "plain")
"""What an answer depends on beside the recipe."""


class Answering:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.draws("answers", lambda scene: {"columns": Answers(scene.studio).columns(scene.work)})

    # ------------------------------------------------------------------------------------------ view

    def view(self, first: Workspace) -> None:
        """Build it where it is called: already answered, by the first preset."""
        studio = self.desk.studio
        with gr.Row(elem_id="ask-row"):
            prompt = gr.Textbox(
                first.prompt, label="Prompt", lines=2, max_lines=4, max_length=PROMPT_CHARACTERS, interactive=True,
                placeholder="Ask something, or give a task", scale=5,
            )  # fmt: skip
            ask = gr.Button("Ask", variant="primary", scale=0, min_width=80)
        feed = Answers(studio).first_answers(first, first.prompt)
        panel = answers({"columns": Answers(studio).columns(first)}, feed=feed, elem_id="answers")
        with gr.Row(elem_id="ask-options"):
            again = gr.Checkbox(True, label="Ask again when I let go", interactive=True, scale=3)
            stop = gr.Button("Stop", scale=0, size="sm", min_width=90)
        self.desk.shows(prompt=prompt, ask=ask, answers=panel, again=again, stop=stop)

    def manner(self) -> None:
        """How answers are drawn: variety, its seed, with or without the chat template."""
        heat = gr.Slider(
            0, 1.5, 0, step=0.1, label="Variety of the answers", interactive=True,
            info="0: always the likeliest word. More: drawn at random (`temperature`)",
        )  # fmt: skip
        draw_seed = gr.Number(
            0, label="Seed of the answers", precision=0, minimum=0, interactive=True,
            info="The same seed draws the same words, for every model",
        )  # fmt: skip
        plain = gr.Checkbox(
            False, label="Go on with the text", interactive=True,
            info="The prompt as it is, without the models' chat template: for base models",
        )  # fmt: skip
        self.desk.shows(**{"heat": heat, "draw seed": draw_seed, "plain": plain})

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        given, told = ["work", *ASKED], ["answers", "recorder"]
        desk.bind(parts["tick"].change, self.answer_again, [*given, "tick", "again"], told, **ANSWER)
        asking = [parts["ask"].click, parts["prompt"].submit]
        desk.bind(lambda *given, **how: gr.on(asking, *given, **how), self.bump, [], ["asked"], trigger_mode="multiple", **NOW)
        desk.bind(parts["asked"].change, self.answer, [*given, "asked"], told, **ANSWER)
        desk.bind(parts["stop"].click, self.stop, [], [], **NOW)

    # ------------------------------------------------------------------------------------------ events

    def bump(self, request: gr.Request) -> Updates:
        """A new question makes older answers stop themselves."""
        return {"asked": str(self.desk.next_run(request))}

    def stop(self, request: gr.Request) -> None:
        """Stop the answers that are being written."""
        visit = self.desk.visit(request)
        visit.stopped = visit.run

    def answer(
        self, work: Workspace, prompt: str, heat: float, seed: float | None, plain: bool, asked_in: str, request: gr.Request
    ) -> Iterator[Updates]:
        """Stream everybody's answer; at its end the recipe goes into the history.

        asked_in: the run it belongs to; nothing is said where the visitor has gone on already
        """
        visit = self.desk.visit(request)
        if asked_in != str(visit.run):
            yield {}
            return
        if visit.ballot is not None:  # the blind test is over: the usual columns again
            visit.ballot = None
        asked, how, on = (prompt or "")[:PROMPT_CHARACTERS], manner(heat, seed, plain), self.desk.seen(request)
        yield {"answers": gr.update(value={"columns": Answers(on.studio).columns(work)})}
        for feed in Answers(on.studio).answer(work, asked, visit, how):
            yield {"answers": gr.update(feed=feed)}
        heard = Answers(on.studio).heard(work.recipe, asked, how)
        if heard is not None:  # also where the visitor has moved on: it was said to the end
            yield {"recorder": gr.update(entry=json.dumps(entry(on, work, asked, heard)))}

    def answer_again(
        self, work: Workspace, prompt: str, heat: float, seed: float | None, plain: bool, asked_in: str, wanted: bool,
        request: gr.Request,
    ) -> Iterator[Updates]:  # fmt: skip
        """The same after an edit, if the visitor wants that."""
        if wanted:
            yield from self.answer(work, prompt, heat, seed, plain, asked_in, request)
        else:
            run, note = self.desk.visit(request).run, "The recipe has changed since this answer; press Ask."
            yield {"answers": gr.update(feed={"run": run, "seq": 1, "note": note})}


def manner(heat: float, seed: float | None, plain: bool) -> Manner:
    """How to answer, from the fields that say so."""
    return Manner(float(heat or 0), int(seed or 0) if heat else 0, bool(plain))


def entry(on: Desk, work: Workspace, prompt: str, answer: str) -> dict[str, Any]:
    """What the history keeps of a recipe that has answered."""
    plan = on.studio.plan(work.recipe)
    rows = lanes.lanes(plan)
    first = [lane for lane in rows if lane.param.name == rows[0].param.name] if rows else []
    shown, _ = lanes.values(plan, first, lanes.columns(plan))
    slots = {lane.path: i for i, lane in enumerate(first)}
    curves = [{"slot": slots[lane.path] if lane.model is not None else None, "numbers": shown[lane.path]} for lane in first]
    title = f"{work.recipe.merge_method}: {', '.join(lanes.short_names(work.chosen).values())}"
    return {"yaml": dump(work.recipe), "title": title, "lanes": curves, "prompt": prompt, "answer": answer}


__all__ = ["ASKED", "Answering", "entry", "manner"]
