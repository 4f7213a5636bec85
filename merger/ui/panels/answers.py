"""The answers: rows of prompts that are asked again at each stroke, how they are asked, and Stop."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from merger.errors import MergeError
from merger.limits import LENGTH_TOKENS, PROMPT_CHARACTERS, ROWS, STOP_CHARACTERS, STOP_WORDS
from merger.recipe import dump
from merger.ui import lanes, rows, workspace
from merger.ui.answers import answers
from merger.ui.desk import Desk, Scene, Updates
from merger.ui.events import ANSWER, NEWEST, NOW
from merger.ui.head import chosen
from merger.ui.rows import Row, Rows, whole
from merger.ui.service.answers import Answers
from merger.ui.service.first import made_before
from merger.ui.studio import ANSWER_TOKENS, Manner, Visit
from merger.ui.words import changed
from merger.ui.workspace import Workspace, start

MANNER = ("heat", "draw seed", "plain", "length", "top p", "penalty", "stops")
"""The fields that say how answers are drawn, in the order of `manner`."""
HOW = (*MANNER, "again")
"""The same, and whether a stroke is followed by answers."""
ASKED = ("answers", *MANNER)
"""What an answer depends on beside the recipe."""
SOME_VARIETY = 0.7
GREETING = Row("r1", "Hello! Who are you?")
"""What models are asked of which nothing is known."""


class Answering:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.draws("answers", lambda scene: self.board(scene))

    # ------------------------------------------------------------------------------------------ view

    def view(self, first: Workspace) -> None:
        """Build it where it is called: already answered, by the first preset."""
        studio = self.desk.studio
        shown = Rows(studio.presets[0].rows, family=self.desk.rows_of(first))
        feed = made_before(studio.folder, studio, first, shown.rows)
        if feed is None:
            feed = Answers(studio).first_answers(first, shown.rows, shown.rows[0].id)
        board = _board(self.desk, first)
        self.desk.shows(answers=answers(shown.shown, board, feed, elem_id="answers"))

    def warm_up(self) -> None:
        """Load the first models and answer with them, so that the first stroke need not wait for that.

        Who comes meanwhile goes on as soon as they are loaded.
        """
        studio = self.desk.studio
        if not studio.borrows:
            preset = studio.presets[0]
            first = start(preset, studio.base, studio.parents_of_family)
            nobody = Visit()
            for _ in Answers(studio).ask_all(first, preset.rows, preset.rows[0].id, nobody, idle=0):
                if len(studio.turns) > 1:
                    nobody.moves_on()

    def manner(self) -> None:
        """How answers are drawn: variety, its seed, with or without the chat template, and whether at every stroke."""
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
        length = gr.Slider(
            16, int(LENGTH_TOKENS), ANSWER_TOKENS, step=1, label="Length of the answers", interactive=True,
            info="At most so many tokens; an answer that is cut off can be gone on with",
        )  # fmt: skip
        top_p = gr.Slider(
            0.05, 1, 1, step=0.05, label="Top-p", interactive=True,
            info="With variety: only the likeliest words that have this share together (`top_p`)",
        )  # fmt: skip
        penalty = gr.Slider(
            1, 2, 1, step=0.05, label="Against repetition", interactive=True,
            info="Above 1: words that stand there already are less likely (`repetition_penalty`)",
        )  # fmt: skip
        stops = gr.Textbox(
            "", lines=1, max_lines=4, label="Stop words", interactive=True,
            info=f"Answers end before them; one a line, at most {STOP_WORDS}",
        )  # fmt: skip
        again = gr.Checkbox(True, label="Ask again when I let go", interactive=True)
        self.desk.shows(**{"heat": heat, "draw seed": draw_seed, "plain": plain, "again": again})
        self.desk.shows(**{"length": length, "top p": top_p, "penalty": penalty, "stops": stops})
        self.desk.shows(how=gr.State(tuple(field.value for field in self.desk.components(HOW))))

    def wire(self) -> None:
        """Bind its events."""
        desk, panel, outputs = (
            self.desk,
            self.desk.parts["answers"],
            ["answers", "recorder", *(["coach"] if "coach" in self.desk.parts else [])],
        )
        for signal, event in (("stroke", desk.parts["stroke"].change), ("let go", desk.let_go.success)):
            desk.bind(event, self.answer_again, ["work", "answers", "how", signal], outputs, **ANSWER)
        desk.bind(panel.submit, self.bump, [], ["asked"], trigger_mode="multiple", **NOW)
        desk.bind(desk.parts["asked"].change, self.answer, ["work", *ASKED, "asked"], outputs, **ANSWER)
        desk.bind(panel.stop, self.stop, [], [], **NOW)
        desk.bind(panel.retry, self.retry, ["heat", "draw seed"], ["heat", "draw seed", "asked"], trigger_mode="multiple", **NOW)
        desk.bind(panel.undo, self.back, ["work", "answers"], desk.drawn, **NOW)
        shown = [name for name in ("answers", "chat") if name in desk.parts]
        for name in HOW:
            desk.bind(desk.parts[name].change, self.told, HOW, ["how", *shown], **NEWEST)

    # ------------------------------------------------------------------------------------------ drawing

    def board(self, scene: Scene) -> Any:
        """Who answers."""
        return gr.update(board=json.dumps(_board(self.desk, scene.work)))

    def shown(self, drawn: Updates, rows: Rows) -> Updates:
        """The same updates, with other rows: those of the models that are on the desk then."""
        board = drawn.get("answers") or {}
        work = drawn.get("work")
        if isinstance(work, Workspace):
            rows = replace(rows, family=self.desk.rows_of(work))
        return drawn | {"answers": {**board, **gr.update(value=rows.shown)}}

    def opened(self, value: Any, prompt: str, work: Workspace) -> Rows:
        """The rows with one for this prompt, which is open: an answer of another time or place is asked again."""
        held, family = rows.read(value), self.desk.rows_of(work)
        if held.family not in ("", family):
            held = Rows(family=family)
        known = next((row for row in held.rows if row.prompt == prompt), None)
        if known is not None:
            return replace(held, open=known.id)
        name = next(f"r{i}" for i in range(1, ROWS + 2) if all(row.id != f"r{i}" for row in held.rows))
        return Rows((Row(name, prompt[:PROMPT_CHARACTERS]), *held.rows[: ROWS - 1]), name, family)

    # ------------------------------------------------------------------------------------------ events

    def bump(self, request: gr.Request) -> Updates:
        """A new question makes older answers stop themselves."""
        return {"asked": str(self.desk.next_run(request))}

    def retry(self, heat: float, seed: float | None, request: gr.Request) -> Updates:
        """Other words: the next seed, and some variety where there was none."""
        seed = min(int(seed or 0), 2**53 - 2) + 1 if heat else seed
        return {"heat": heat or SOME_VARIETY, "draw seed": seed, "asked": str(self.desk.next_run(request))}

    def back(self, work: Workspace, value: Any, request: gr.Request) -> Updates:
        """To the stroke whose bar was pressed: one step, which Undo takes back."""
        digest = chosen(value, "recipe")
        return self.desk.edited(work, lambda: workspace.back_at(work, digest), request)

    @staticmethod
    def did(on: Desk, work: Workspace) -> str:
        """The last stroke, in words; "" where it brought other models."""
        before = work.past[-1] if work.past else None
        if before is None or before.shelf != work.shelf:
            return ""
        names = lanes.short_names([work.base, *work.shelf])
        return changed(before.recipe, work.recipe, names, lanes.columns(on.studio.plan(work.recipe))).rstrip(".")

    def told(self, *how: Any) -> Updates:
        """How answers are drawn, kept for the strokes, and to those who say it beside the words."""
        said = json.dumps({"variety": how[0] or 0, "length": how[3] or ANSWER_TOKENS})
        return {"how": how} | {name: gr.update(manner=said) for name in ("answers", "chat") if name in self.desk.parts}

    def stop(self, request: gr.Request) -> None:
        """Stop the answers that are being written."""
        visit = self.desk.visit(request)
        visit.stopped = visit.run

    def answer(
        self, work: Workspace, value: Any, heat: float, seed: float | None, plain: bool, length: float, top_p: float,
        penalty: float, stops: str, asked_in: str, request: gr.Request,
    ) -> Iterator[Updates]:  # fmt: skip
        """Stream everybody's answers to all rows, the open one first; at the end the recipe goes into the history.

        asked_in: the run it belongs to; nothing is said where the visitor has gone on already
        """
        how = (heat, seed, plain, length, top_p, penalty, stops)
        yield from self._said(work, value, how, asked_in, request)

    def _said(self, work: Workspace, value: Any, fields: Sequence[Any], asked_in: str, request: gr.Request) -> Iterator[Updates]:
        visit, asked = self.desk.visit(request), rows.read(value)
        first = asked.first
        if asked_in != str(visit.run) or first is None:
            yield {}
            return
        if asked.family not in ("", self.desk.rows_of(work)):  # the browser asks again, with their own rows
            yield {}
            return
        if not visit.begins(visit.run):
            yield {}
            return
        how, on = manner(*fields), self.desk.seen(request)
        if visit.ballot is not None:  # the blind test is over: the usual columns again
            visit.ballot = None
        said, run, marks = Answers(on.studio), visit.run, dict[str, bool | None]()
        board = {**_board(on, work, said), "did": self.did(on, work)}
        who: dict[str, Any] = {"board": json.dumps(board)}
        for feed in said.ask_all(work, asked.rows, first.id, visit, how):
            marks |= feed.get("marks", {})
            yield {"answers": gr.update(feed=feed, **who)}
            who = {}  # is said with the first
        right = [marks[row.key("merge")] for row in asked.rows if row.key("merge") in marks]
        if "coach" in self.desk.parts and visit.current(run) and len(right) == len(asked.rows):
            yield {"coach": gr.update(marks=json.dumps({"run": run, "marks": right, "stroke": len(work.past) > 1}))}
        if said.bits and visit.current(run):  # in which numbers each was heard, and whether that was checked, is known now
            yield {"answers": gr.update(board=json.dumps({**board, **_board(on, work, said)}))}
        heard = said.heard(work.recipe, first.prompt, how, said.bits or 0)
        if heard is not None:  # also where the visitor has moved on: it was said to the end
            yield {"recorder": gr.update(entry=json.dumps(entry(on, work, first.prompt, heard)))}

    def answer_again(
        self, work: Workspace, value: Any, how: Sequence[Any], asked_in: str, request: gr.Request
    ) -> Iterator[Updates]:
        """The same after an edit, if the visitor wants that.

        how: what the fields said last; taken as they are, each would cost the page a copy at every message of the answers
        """
        *fields, wanted = how
        if wanted:
            yield from self._said(work, value, fields, asked_in, request)
        else:
            run, note = self.desk.visit(request).run, "The recipe has changed since these answers; ask again."
            yield {"answers": gr.update(feed={"run": run, "seq": 1, "note": note, "stale": True})}


def _board(desk: Desk, work: Workspace, said: Answers | None = None) -> dict[str, Any]:
    """Who answers, whose rows belong to them, and which rows they have where the browser keeps none."""
    family = desk.family(work)
    preset = (desk.preset(work) or family.first) if family else None
    own = {"chips": list(family.chips), "says": family.says} if family else {"chips": Answers(desk.studio).suggested(work)}
    begin = Rows(preset.rows if preset else (GREETING,), family=desk.rows_of(work))
    return {"columns": (said or Answers(desk.studio)).columns(work), "begin": begin.shown, **own}


def manner(
    heat: float, seed: float | None, plain: bool, length: float | None = ANSWER_TOKENS, top_p: float | None = 1,
    penalty: float | None = 1, stops: str = "",
) -> Manner:  # fmt: skip
    """How to answer, from the fields that say so: nothing beyond what they may say. MergeError where stop words are too many."""
    words = tuple(dict.fromkeys(line.strip("\r") for line in stops.split("\n") if line.strip()))
    if len(words) > STOP_WORDS:
        raise MergeError(f"There are {len(words):,} stop words; at most {STOP_WORDS} are looked for here.")
    if any(len(word) > STOP_CHARACTERS for word in words):
        raise MergeError(f"A stop word has at most {STOP_CHARACTERS} characters here.")
    return Manner(
        max(0.0, float(heat or 0)),
        int(seed or 0) if heat else 0,
        bool(plain),
        min(int(LENGTH_TOKENS), max(1, int(length or ANSWER_TOKENS))),
        min(1.0, max(0.01, float(top_p or 1))) if heat else 1.0,
        min(10.0, max(0.1, float(penalty or 1))),
        tuple(whole(word) for word in words),
    )


def entry(on: Desk, work: Workspace, prompt: str, answer: str) -> dict[str, Any]:
    """What the history keeps of a recipe that has answered."""
    plan = on.studio.plan(work.recipe)
    listed = lanes.lanes(plan)
    first = [lane for lane in listed if lane.param.name == listed[0].param.name] if listed else []
    shown, _ = lanes.values(plan, first, lanes.columns(plan))
    ink = lanes.inks([*work.shelf, *(entry.model for entry in work.recipe.models)])
    slots = {lane.path: ink[work.recipe.models[lane.model].model] for lane in first if lane.model is not None}
    curves = [{"slot": slots.get(lane.path), "numbers": shown[lane.path]} for lane in first]
    title = f"{work.recipe.merge_method}: {', '.join(lanes.short_names(work.chosen).values())}"
    return {"yaml": dump(work.recipe), "title": title, "lanes": curves, "prompt": prompt, "answer": answer}


__all__ = ["ASKED", "MANNER", "Answering", "entry", "manner"]
