"""Search, in Find: other methods, models, densities and layers than slopes can reach, tried by processes of their own."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

import merger.ui.workspace as workspace
from merger.engine.budget import processors
from merger.errors import MergeError
from merger.inspect import plots
from merger.recipe import dump, load
from merger.search import study
from merger.search import tune as tuning
from merger.search.figures import words
from merger.search.store import stamp
from merger.search.study import Tried, front, in_short
from merger.ui import rows
from merger.ui.background import Background, Ended, Work
from merger.ui.desk import Desk, Updates
from merger.ui.events import NOW
from merger.ui.head import Choice, choices, chosen, listed
from merger.ui.panels.improve import LINE
from merger.ui.panels.judge import chosen_set
from merger.ui.rows import TOYS, Row
from merger.ui.service.idle import Idle, give_way
from merger.ui.service.improve import Improving
from merger.ui.workspace import Workspace

SECONDS, MOST_SECONDS, MOST = 60, 1200, 1000
SHOWN = 10
"""Trials on the board."""
NICE = 10
AIMS = {"the mean of all skills": "tpe", "each skill against the others": "nsga2"}
DRAWN = ("search words", "search board", "search picture", "searched", "search go", "search stop")


class Searching:
    """The panel on one desk. At home only: its processes are beside everybody's."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._runs = Background("a search")

    def view(self) -> None:
        """Build it where it is called, folded."""
        with gr.Accordion("Search: other methods, models, densities", open=False, elem_id="search", visible=self.here):
            with gr.Row(equal_height=False):
                go = gr.Button("Search", size="sm", scale=0, min_width=110, elem_id="search-go")
                stop = gr.Button("Stop", size="sm", scale=0, min_width=80, visible=False, elem_id="search-stop")
                aim = gr.Radio(list(AIMS), value=next(iter(AIMS)), label="Best in", interactive=True, min_width=260)
                seconds = gr.Slider(10, MOST_SECONDS, SECONDS, step=10, label="Seconds", interactive=True, min_width=160)
            told = gr.Textbox(
                "", show_label=False, container=False, interactive=False, lines=1, max_lines=8, elem_id="search-words"
            )  # fmt: skip
            with gr.Row(equal_height=False):
                with gr.Column(min_width=300, scale=3):
                    board = choices(listed("Trials", []), elem_id="search-board")
                picture = gr.Plot(label="Every trial by two skills", show_label=False, min_width=300, scale=2)
        self.desk.shows(**dict(zip(DRAWN, (told, board, picture, gr.State({}), go, stop), strict=True)))
        self.desk.shows(**{"search aim": aim, "search seconds": seconds})

    @property
    def here(self) -> bool:
        """Whether it is offered."""
        return not self.desk.studio.host.hosted

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        given = ["work", "answers", "judged", "search aim", "search seconds"]
        desk.bind(parts["search go"].click, self.try_many, given, DRAWN, concurrency_id="improve", **LINE)
        desk.bind(parts["search stop"].click, self.stop_search, [], [], **NOW)
        desk.bind(parts["search board"].select, self.take_trial, ["work", "search board", "searched"], desk.drawn, **NOW)

    def leave(self, session: str | None) -> None:
        """The browser is gone: its search ends."""
        self._runs.stop(session)

    # ------------------------------------------------------------------------------------------ events

    def stop_search(self, request: gr.Request) -> None:
        """Stop: what was tried stays on the board."""
        self._runs.stop(request.session_hash)

    def try_many(
        self, work: Workspace, asked: Any, own: Any, aim: Any, seconds: float | None, request: gr.Request
    ) -> Iterator[Updates]:
        """Search, and stream the board."""
        if not self.here:
            yield {"search words": "A search runs at home only: `merger tune --search`, or this page on your own computer."}
            return
        on = self.desk.seen(request)
        several = AIMS.get(aim if isinstance(aim, str) else "", "tpe") == "nsga2"
        length = min(max(5.0, float(seconds or SECONDS)), MOST_SECONDS)

        def do(doing: Work) -> str:
            give_way()
            return self._tried(on, work, rows.read(asked).rows, own, several, length, doing)

        yield {
            "search words": "Asking the models what they say…", "search go": gr.update(visible=False),
            "search stop": gr.update(visible=True), "search board": gr.update(board=listed("Trials", [])), "search picture": None,
        }  # fmt: skip
        board: list[Tried] = []
        for message in self._runs.run(request.session_hash, do, seconds=2 * length + 300, line=on.studio.sweeping):
            if isinstance(message, Ended):
                words = message.value or message.words or "Stopped."
                shown = _shown(board, several, picture=True) if board else {}
                yield {
                    **shown, "search words": words, "search go": gr.update(visible=True), "search stop": gr.update(visible=False),
                }  # fmt: skip
            elif message:
                board = message[-1]
                said = f"Searching: {_counted(board)}" if board else "Asked. The first trials begin…"
                yield {**_shown(board, several, picture=False), "search words": said}

    def _tried(
        self, on: Desk, work: Workspace, listed_rows: Sequence[Row], own: Any, several: bool, seconds: float, doing: Work
    ) -> str:  # fmt: skip
        """Search; gives what came of it in words."""
        improving, recipe = Improving(on.studio), work.recipe
        idle = Idle(on.studio.turns, doing.stopped)
        study.optuna()
        where = study.space(recipe)
        improving.check(recipe)
        family = self.desk.family(work)
        wanted = improving.wanted(
            recipe, listed_rows, chosen_set(own, {}), family is not None and family.name == TOYS, idle.go_on
        )
        doing.tell([])
        with tempfile.TemporaryDirectory(prefix="merger-search-") as folder:
            order = study.Order(
                dump(recipe), where, wanted.learn, Path(on.studio.host.trials or Path(folder) / "trials.db"),
                "nsga2" if several else "tpe", 0, MOST, seconds, str(on.studio.parents.speaks),
                tuple(on.studio.parents.roots), stamp(improving.runner.parents.open(recipe, on.studio.access)),
            )  # fmt: skip
            latest = 0.0

            def told(_: int) -> None:
                nonlocal latest
                if time.monotonic() - latest > 1:
                    doing.tell(study.tried(order))
                    latest = time.monotonic()

            found = study.search(
                order, improving.runner, workers=max(1, processors() - 1), nice=NICE, go_on=lambda: not doing.stopped(), told=told
            )
        doing.tell(found)
        if doing.stopped():
            return f"Stopped: {_counted(found)}"
        best = study.chosen(improving.runner, recipe, found, wanted)
        said = [f"{sentence[0].upper()}{sentence[1:]}" for sentence in tuning.sentences(best, wanted)]
        if best.better:
            said.insert(0, f"Better on what was kept back: {in_short(best.recipe)}.")
        return " ".join([f"{_counted(found)}.", *said])

    def take_trial(self, work: Workspace, value: object, searched: Mapping[str, str], request: gr.Request) -> Updates:
        """Load a trial's recipe: one step of Undo."""
        text = searched.get(chosen(value), "") if isinstance(searched, dict) else ""

        def edit() -> Workspace:
            if not text:
                raise MergeError("This trial is not on the board any more.")
            return workspace.with_text(work, text, "search")

        return self.desk.edited(work, edit, request)


# ---------------------------------------------------------------------------------------------- what is shown


def _counted(found: Sequence[Tried]) -> str:
    given_up = sum(not one.heard for one in found)
    return f"{len(found)} trials" + (f", {given_up} of them given up early" if given_up else "")


def _told(one: Tried) -> str:
    """A trial's -log P, and how much that is more or less than the start's."""
    against = f"{words(one.against)} against the start" if one.against else ""
    each = ", ".join(f"{skill} {loss:.2f}" for skill, loss in one.heard.items())
    return f"−log P {one.loss:.2f}: {each}" + (f". {against}" if against else "")


def _shown(found: Sequence[Tried], several: bool, picture: bool) -> Updates:
    """The board, and at the end the picture."""
    whole = [one for one in found if one.heard]
    best = front(whole)
    numbers = {one.number for one in best}
    ranked = (best if several else whole)[:SHOWN]
    entries = [
        Choice(
            str(one.number), in_short(load(one.text)),
            _told(one),
            term="nothing beats it in every skill" if one.number in numbers else "",
        )
        for one in ranked
    ]  # fmt: skip
    drawn: Updates = {
        "search board": gr.update(board=listed("Trials", [("The least −log P first; a press loads it", entries)])),
        "searched": {str(one.number): one.text for one in ranked},
    }
    skills = list(whole[0].heard) if whole else []
    if picture and len(skills) > 1:
        apart = sorted(skills, key=lambda skill: min(one.heard[skill] for one in whole) - max(one.heard[skill] for one in whole))
        x, y = apart[:2]
        points = [(one.heard[x], one.heard[y], in_short(load(one.text))) for one in whole]
        drawn["search picture"] = plots.front(points, {i for i, one in enumerate(whole) if one.number in numbers}, (x, y))
    return drawn


__all__ = ["Searching"]
