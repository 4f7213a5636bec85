"""Figures against the models, in Find: opened by a press on the score; sets of questions that the visitor's browser keeps."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from merger.errors import MergeError
from merger.hub.figures import CardFigure
from merger.limits import IMPROVE_SECONDS, SET_CHARACTERS
from merger.regular import read_text
from merger.search.questions import QuestionSet, parse_questions, written
from merger.search.tasks import read_task
from merger.ui import rows
from merger.ui.background import Background, Ended, Work
from merger.ui.desk import Desk, Updates
from merger.ui.events import NOW, QUIET
from merger.ui.improve import part
from merger.ui.rows import TOYS, whole
from merger.ui.service.carded import figures
from merger.ui.service.idle import Idle, give_way
from merger.ui.service.judging import Judges, Judging, of_family, of_rows
from merger.ui.workspace import Workspace

KINDS = (".txt", ".csv", ".tsv", ".jsonl", ".json", ".yaml", ".yml")
MOST_SECONDS = 1800
FAMILY = "family"


class Measuring:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.judges = desk, Judges()
        self._work = Background("figures")

    # ------------------------------------------------------------------------------------------ view

    def view(self) -> None:
        """Build it where it is called."""
        with gr.Row(elem_id="judge-bar"):
            go = gr.Button("Figures against the models", size="sm", scale=0, min_width=210, elem_id="judge-go")
            stop = gr.Button("Stop", size="sm", scale=0, min_width=80, visible=False)
            opened = gr.UploadButton(
                "Open questions…",
                file_count="multiple",
                file_types=list(KINDS),
                size="sm",
                scale=0,
                min_width=150,
                elem_id="judge-open",
            )
        judged = part("judge", written_as, elem_id="judged")
        self.desk.shows(**{"judge go": go, "judge stop": stop, "judge open": opened, "judged": judged})

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        how = {"concurrency_id": "improve", "concurrency_limit": None, "trigger_mode": "multiple", **QUIET}
        for event in (parts["judge go"].click, parts["answers"].like):
            desk.bind(event, self.judge_rows, ["work", "answers", "judged"], ["judged", "judge go", "judge stop"], **how)
        desk.bind(parts["judge stop"].click, self.stop, [], [], **NOW)
        desk.bind(parts["judge open"].upload, self.open, ["judge open"], ["judged"], **NOW)

    # ------------------------------------------------------------------------------------------ events

    def stop(self, request: gr.Request) -> None:
        """End this visitor's."""
        self._work.stop(request.session_hash)

    def leave(self, session: str) -> None:
        """The browser is gone."""
        self._work.stop(session)
        self.judges.leave(session)

    def for_card(self, work: Workspace, asked: Any, request: gr.Request) -> tuple[CardFigure, ...]:
        """What was judged of the desk's recipe, for the card of its merge."""
        return figures(self.desk.seen(request).studio, self.judges, str(request.session_hash), work, rows.read(asked).rows)

    def judge_rows(self, work: Workspace, asked: Any, chosen: Any, request: gr.Request) -> Iterator[Updates]:
        """Work out the figures, and say how far it is."""
        on, session = self.desk.seen(request), str(request.session_hash)
        family = self.desk.family(work)
        toys = family is not None and family.name == TOYS

        def do(doing: Work) -> dict[str, Any]:
            give_way()
            idle = Idle(on.studio.turns, doing.stopped)
            Judging(on.studio, self.judges).bits(work)
            questions = chosen_set(chosen, {FAMILY: of_family(work.recipe)} if toys else {}) or of_rows(rows.read(asked).rows)
            return Judging(on.studio, self.judges).measure(work, questions, session, idle.go_on, doing.tell, doing.stopped)

        def shown(busy: bool, **told: Any) -> Updates:
            told |= {"family": toys}
            return {
                "judged": gr.update(data=json.dumps(told)), "judge go": gr.update(visible=not busy),
                "judge stop": gr.update(visible=busy),
            }  # fmt: skip

        yield shown(True, words="Waiting for a free place…")
        longest = IMPROVE_SECONDS if on.studio.host.hosted else MOST_SECONDS
        for message in self._work.run(session, do, seconds=float(longest), line=on.studio.sweeping):
            if isinstance(message, Ended):
                words = "Stopped." if message.cancelled else message.words
                yield shown(False, **({"words": words} | (message.value or {})))
            elif message:
                yield shown(True, words=f"Measuring {message[-1]}")

    def open(self, files: Any) -> Updates:
        """A set of questions from a file, or from a task of lm-eval with the files of its documents: the browser keeps it."""
        found = opened(files if isinstance(files, list) else [files])
        text = written(found, "json")
        if len(text) > SET_CHARACTERS:
            raise MergeError(f"{found.name}: has {len(text):,} characters; a set on the page has at most {SET_CHARACTERS:,}.")
        return {"judged": gr.update(opened=json.dumps({"name": found.name, "text": text}))}


# ---------------------------------------------------------------------------------------------- sets of questions


def opened(files: Sequence[Any]) -> QuestionSet:
    """The questions of the first file; the others are documents of a task. MergeError where they hold none."""
    paths = [Path(str(file)) for file in files if file]
    if not paths:
        raise MergeError(f"Choose a file of questions: {', '.join(KINDS)}.")
    texts: dict[str, str] = {}
    for path in paths:
        try:
            texts[path.name] = read_text(path)
        except (OSError, UnicodeDecodeError):
            raise MergeError(f"{path.name}: cannot be read as questions: not text.") from None
    task = next((name for name in texts if name.lower().endswith((".yaml", ".yml"))), None)
    if task is not None:
        return read_task(texts[task], Path(task), task, {name: text for name, text in texts.items() if name != task})
    if len(texts) > 1:
        raise MergeError("Open one file of questions at a time; only a task of lm-eval comes with others.")
    name, text = next(iter(texts.items()))
    return parse_questions(text, name)


def chosen_set(value: Any, others: Mapping[str, QuestionSet]) -> QuestionSet | None:
    """The set that is chosen in a browser, which is not trusted; None: the rows. others: sets of ours, by name."""
    name, text = (value.get("set"), value.get("text")) if isinstance(value, dict) else ("", "")
    if not isinstance(name, str) or not isinstance(text, str) or not name:
        return None
    if not text:
        return others.get(name)
    return _parsed(text, name)


def _parsed(text: str, name: str) -> QuestionSet:
    if len(text) > SET_CHARACTERS:
        raise MergeError(f"{whole(name[:60])}: has {len(text):,} characters; a set on the page has at most {SET_CHARACTERS:,}.")
    return parse_questions(whole(text), f"{whole(name[:60])}.json")


def written_as(asked: object) -> dict[str, str]:
    """A set as a file of another kind: `text`, or in `error` why not."""
    given: Any = asked if isinstance(asked, dict) else {}
    text, kind = given.get("text"), given.get("kind")
    try:
        if not isinstance(text, str) or not isinstance(kind, str):
            raise MergeError("Choose a set of questions to save first.")
        return {"text": written(_parsed(text, "questions"), kind[:10], "the questions")}
    except MergeError as error:
        return {"error": str(error)}


__all__ = ["Measuring", "chosen_set", "opened", "written_as"]
