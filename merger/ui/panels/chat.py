"""The chat: a conversation with the merge and any chosen others. It is kept in the page; every event brings all of it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

import merger.ui.talk as talk
from merger.errors import MergeError
from merger.ui.bundle import of_page
from merger.ui.chat import chat
from merger.ui.desk import Desk, Updates
from merger.ui.events import ANSWER, NOW
from merger.ui.panels.answers import MANNER, SOME_VARIETY, manner
from merger.ui.service.answers import Answers
from merger.ui.workspace import Workspace


class Talking:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.draws("chat", lambda scene: gr.update(board=self.board(scene.work), recipe=scene.work.recipe.digest))

    def view(self, first: Workspace) -> None:
        """Build it where it is called: shut."""
        self.desk.shows(chat=chat(self.board(first), first.recipe.digest, elem_id="chat"))

    def wire(self) -> None:
        """Bind its events."""
        desk, panel = self.desk, self.desk.parts["chat"]
        desk.parts["answers"].expand(None, None, None, js=of_page("openChat"), **NOW)
        desk.after(self.heard_now, ["work"], ["chat"])  # a stroke draws no more than it must
        desk.bind(panel.submit, self.bump, [], ["spoken"], trigger_mode="multiple", **NOW)
        desk.bind(desk.parts["spoken"].change, self.answer, ["work", "chat", *MANNER, "spoken"], ["chat"], **ANSWER)
        desk.bind(panel.retry, lambda: {"heat": SOME_VARIETY}, [], ["heat"], **NOW)
        desk.bind(panel.stop, self.stop, [], [], **NOW)

    def board(self, work: Workspace) -> str:
        """Who may answer."""
        return json.dumps({"columns": Answers(self.desk.studio).columns(work)})

    # ------------------------------------------------------------------------------------------ events

    def heard_now(self, work: Workspace, _: gr.Request | None = None) -> Updates:
        """What was said by the merge of another recipe is told apart."""
        return {"chat": gr.update(recipe=work.recipe.digest)}

    def bump(self, request: gr.Request) -> Updates:
        """A newer turn makes older answers stop themselves."""
        visit = self.desk.visit(request).talking
        visit.run += 1
        return {"spoken": str(visit.run)}

    def stop(self, request: gr.Request) -> None:
        """Stop the answers that are being written."""
        visit = self.desk.visit(request).talking
        visit.stopped = visit.run

    def answer(
        self, work: Workspace, value: Any, heat: float, seed: float | None, plain: bool, length: float, top_p: float,
        penalty: float, stops: str, spoken_in: str, request: gr.Request,
    ) -> Iterator[Updates]:  # fmt: skip
        """Stream the answers to the last turn. spoken_in: the run it belongs to, see Answering.answer."""
        visit = self.desk.visit(request).talking
        run = visit.run
        if spoken_in != str(run) or not visit.begins(run):
            yield {}
            return
        of = {"run": run, "recipe": work.recipe.digest}
        try:
            said, how = talk.read(value), manner(heat, seed, plain, length, top_p, penalty, stops)
        except MergeError as error:
            yield {"chat": gr.update(feed={**of, "seq": 1, "error": {"": str(error)}})}
            return
        if how.temperature:
            how = replace(how, seed=how.seed + said.again)
        for feed in Answers(self.desk.seen(request).studio).converse(work, said, visit, how):
            yield {"chat": gr.update(feed={**feed, **of})}


__all__ = ["Talking"]
