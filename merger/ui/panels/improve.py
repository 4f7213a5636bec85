"""Improve, in Find: bars that move by themselves until the merge says what its parents say, and which way each of them helps."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

import merger.ui.workspace as workspace
from merger.errors import Cancelled, MergeError
from merger.limits import IMPROVE_SECONDS, WAYS_SECONDS
from merger.recipe import Recipe, dump
from merger.search import tune as tuning
from merger.search.slopes import Heard
from merger.ui import lanes, rows
from merger.ui.background import Background, Ended, Work
from merger.ui.bundle import of_page
from merger.ui.desk import Desk, Updates
from merger.ui.events import NOW, QUIET
from merger.ui.improve import part
from merger.ui.panels.judge import chosen_set
from merger.ui.rows import TOYS, Row
from merger.ui.service.idle import Idle, give_way
from merger.ui.service.improve import Improving, Ways
from merger.ui.workspace import Workspace

SECONDS, MOST_SECONDS = 60, 600
LARGE: dict[str, int] = {"cpu": 50_000_000, "cuda": 2_000_000_000}
"""Weights, by device, from which on it is not found out which way bars help unless that is asked for: SmolLM2-135M in bfloat16
takes 13 CPU seconds a row."""
WHEN = ("small models", "always", "never")
"""For which models it is found out."""
OFFER = ("improved use", "improved a", "improved b")
"""Buttons for what is done with a better setting."""
LINE: Mapping[str, Any] = {"concurrency_limit": None, "trigger_mode": "multiple", **QUIET}
"""These wait in a line of their own (Studio.sweeping), which Stop can leave."""


class Finding:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._runs, self._looks = Background("improve"), Background("which way helps")

    # ------------------------------------------------------------------------------------------ view

    def view(self) -> None:
        """Build it where it is called."""
        hosted = self.desk.studio.host.hosted
        most = min(MOST_SECONDS, IMPROVE_SECONDS - 60) if hosted else MOST_SECONDS
        with gr.Row(elem_id="improve-bar"):
            go = gr.Button("Improve", variant="primary", size="sm", scale=0, min_width=110, elem_id="improve-go")
            stop = gr.Button("Stop, keep the best", size="sm", scale=0, min_width=160, visible=False, elem_id="improve-stop")
            labels = ("Use it", "Keep as A", "Keep as B")
            offer = {
                name: gr.Button(label, size="sm", scale=0, min_width=100, visible=False, variant=variant)
                for name, label, variant in zip(OFFER, labels, ("primary", "secondary", "secondary"), strict=True)
            }
            seconds = gr.Slider(
                5, most, min(SECONDS, most), step=5, label="Seconds", interactive=True, min_width=160,
                info="Moves the bars until the merge says what its models say to the ticked prompts. Locked bars stay.",
            )  # fmt: skip
            on = gr.Radio(WHEN, value=WHEN[0], label="Which way helps", interactive=True, scale=0, min_width=410)
            step = gr.Button("One step that way", size="sm", scale=0, min_width=150)
        run = part("run", elem_id="improve-run")
        part("ways", elem_id="ways")
        self.desk.shows(**offer, **{"improve go": go, "improve stop": stop, "improve run": run, "improve seconds": seconds})
        self.desk.shows(**{"ways on": on, "ways step": step})

    def view_hidden(self) -> None:
        """What is never seen: outside of tabs, which are not there while they are closed."""
        locks = gr.Textbox("", visible="hidden", elem_id="locks", label="What is locked")
        follow = part("follow", elem_id="follow")
        self.desk.shows(**{"locks": locks, "ways follow": follow, "ways": gr.State(None), "improved": gr.State("")})

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        given = ["work", "answers", "improve seconds", "judged", "locks"]
        drawn = ["improve run", "improve go", "improve stop", "improved", *OFFER]
        held = {"js": of_page("withLocks")}
        desk.bind(parts["improve go"].click, self.improve, given, drawn, concurrency_id="improve", **LINE, **held)
        desk.bind(parts["improve stop"].click, self.stop, [], [], **NOW)
        desk.bind(parts["improved use"].click, self.use, ["work", "improved"], desk.drawn, **NOW)
        for slot, name in enumerate(OFFER[1:]):
            desk.bind(parts[name].click, self.keep(slot), ["work", "improved"], desk.drawn, **NOW)
        desk.bind(parts["ways step"].click, self.step, ["work", "ways", "locks"], desk.drawn, **NOW, **held)
        newest = {"concurrency_id": "ways", "concurrency_limit": None, "trigger_mode": "always_last", **QUIET}
        shown = ["ways follow", "ways"]
        for event in (parts["ways follow"].submit, parts["ways on"].input):
            desk.bind(event, self.ways, ["work", "answers", "ways on"], shown, **newest)

    # ------------------------------------------------------------------------------------------ Improve

    def stop(self, request: gr.Request) -> None:
        """Stop: the best so far stays."""
        self._runs.stop(request.session_hash)

    def leave(self, session: str | None) -> None:
        """The browser is gone: its work ends."""
        self._runs.stop(session)
        self._looks.stop(session)

    def improve(
        self, work: Workspace, asked: Any, seconds: float | None, chosen: Any, locks: str, request: gr.Request
    ) -> Iterator[Updates]:
        """Improve, and stream how far it is; at the end the best setting is offered if it is better on what was kept back."""
        on = self.desk.seen(request)
        board = _Board(work, on)
        most = IMPROVE_SECONDS if on.studio.host.hosted else 2 * MOST_SECONDS
        length = min(max(1.0, float(seconds or SECONDS)), MOST_SECONDS)
        mine: list[Work] = []

        def do(doing: Work) -> None:
            mine.append(doing)
            give_way()
            self._work(on, work, rows.read(asked).rows, chosen, locked(locks, on, work.recipe), length, doing)

        yield _begun(board)
        for message in self._runs.run(request.session_hash, do, seconds=float(most), line=on.studio.sweeping):
            if isinstance(message, Ended):
                yield _ended(board, message)
                return
            for told in message:
                board.take(told)
            if board.best is not None and mine and mine[0].stopped():  # what is under way may take longer than anybody waits
                yield _ended(board, None)
                return
            if message:
                yield {"improve run": board.shown()}

    def _work(
        self, on: Desk, work: Workspace, listed: Sequence[Row], chosen: Any, locks: Sequence[str], seconds: float, doing: Work
    ) -> None:  # fmt: skip
        improving, recipe = Improving(on.studio), work.recipe
        idle = Idle(on.studio.turns, doing.stopped, lambda waits: doing.tell("waiting while you listen" if waits else "busy"))
        tuning.movable(recipe)
        improving.check(recipe)
        own = chosen_set(chosen, {})
        family = self.desk.family(work)
        doing.tell("preparing")
        wanted = improving.wanted(recipe, listed, own, family is not None and family.name == TOYS, idle.go_on)
        doing.tell(wanted)
        for step in improving.steps(recipe, wanted, seconds, locks, idle):
            doing.tell(step)

    def use(self, work: Workspace, text: str, request: gr.Request) -> Updates:
        """Take the better setting: one step of Undo."""
        return self.desk.edited(work, lambda: workspace.with_text(work, _better(text), "improve"), request)

    def keep(self, slot: int) -> Any:
        """Keep it as A or B; what plays stays."""

        def kept(work: Workspace, text: str, request: gr.Request) -> Updates:
            def edit() -> Workspace:
                there = workspace.kept_as(workspace.with_text(work, _better(text), "improve"), slot)
                self.desk.seen(request).studio.check(there.recipe)
                return replace(work, slots=there.slots)

            return self.desk.edited(work, edit, request)

        return kept

    # ------------------------------------------------------------------------------------------ which way helps

    def ways(self, work: Workspace, asked: Any, wanted: str, request: gr.Request) -> Iterator[Updates]:
        """Find out which way the bars help the ticked rows, once nobody is being answered; nothing where it cannot be told."""
        on, listed = self.desk.seen(request), rows.read(asked).rows
        visit = self.desk.visit(request)
        run = visit.run

        def do(doing: Work) -> Ways | None:
            idle = Idle(on.studio.turns, lambda: doing.stopped() or visit.run != run)
            give_way()
            improving = Improving(on.studio)
            improving.check(work.recipe)
            names = list(dict.fromkeys(lane.param.name for lane in lanes.lanes(on.studio.plan(work.recipe))))
            if not idle.go_on():
                raise Cancelled("the bars have moved on.")
            return improving.ways(work.recipe, listed, names or tuning.movable(work.recipe), idle.go_on)

        words = _quiet(on, work, wanted)
        if words is not None:
            yield _ways(words, None, work, run)
            return
        longest = float(WAYS_SECONDS if on.studio.host.hosted else 10 * WAYS_SECONDS)
        for message in self._looks.run(request.session_hash, do, seconds=longest, line=on.studio.sweeping):
            if isinstance(message, Ended) and not message.cancelled:
                yield _ways(message.words or NO_WAYS, message.value, work, run)
        yield {}

    def step(self, work: Workspace, ways: Ways | None, locks: str, request: gr.Request) -> Updates:
        """Move the bars a little that way: one step of Undo."""

        def edit() -> Workspace:
            if ways is None or ways.recipe != work.recipe:
                raise MergeError("It is not known yet which way these bars help; wait until the arrows are there.")
            on = self.desk.seen(request)
            return workspace.opened(work, ways.step(locked(locks, on, work.recipe)))

        return self.desk.edited(work, edit, request)


NO_WAYS = "None of your models answers the ticked prompts as wanted, so no bar can be told to help."


def _quiet(on: Desk, work: Workspace, wanted: str) -> str | None:
    """Why it is not found out; None where it is."""
    if wanted not in WHEN[:2]:
        return ""
    if not work.recipe.method.law.smooth:
        return f"A small move of the bars tells nothing under {work.recipe.method.title}."
    weights = sum(job.numel for job in on.studio.plan(work.recipe).jobs)
    if wanted == WHEN[0] and weights > LARGE.get(on.studio.parents.speaks.type, LARGE["cpu"]):
        return "These models are large: which way helps takes a while to find out here. Choose “always” to have it all the same."
    return None


def _ways(words: str, ways: Ways | None, work: Workspace, run: int) -> Updates:
    """What is shown. run: told too, or the same arrows, after a step there and back, would be no change to the page."""
    shown = ways.shown if ways is not None else {}
    names, ink = lanes.short_names(work.recipe.references), lanes.inks([*work.shelf, *work.chosen])
    bars: dict[str, Any] = {}
    for bar in ways.slopes.bars if ways is not None else ():
        if bar.path in shown:
            label = (bar.param.label or bar.param.name).lower()
            who = names.get(bar.model, bar.model) if bar.model is not None else ""
            bars[bar.path] = {
                **shown[bar.path], "name": f"{who}: {label}" if who else label, "ink": ink.get(bar.model or ""),
            }  # fmt: skip
    told = json.dumps({"words": "For the ticked prompts:" if bars else words, "bars": bars, "run": run})
    return {"ways follow": gr.update(data=told), "ways": ways}


# ---------------------------------------------------------------------------------------------- what is shown


def locked(text: str, on: Desk, recipe: Recipe) -> tuple[str, ...]:
    """What is locked in the Mixer, as `tune.locked` takes it. What is outside the layers follows a bar's first number."""
    try:
        given: Any = json.loads(text or "{}")
    except (ValueError, RecursionError):
        given = {}
    given = given if isinstance(given, dict) else {}
    plan = on.studio.plan(recipe)
    known = {lane.path: lane.setting for lane in lanes.lanes(plan)} | {
        lane.path: lane.setting for lane in lanes.lanes(plan, split=True)
    }
    paths, columns = (given.get(key) if isinstance(given.get(key), list) else [] for key in ("lanes", "columns"))
    found = [known[path] for path in paths or () if isinstance(path, str) and path in known]
    grid = lanes.columns(plan).columns
    numbers = {i for i in columns or () if isinstance(i, int) and 0 <= i < len(grid)}
    layers = {0 if grid[i].layer is None else int(grid[i].layer or 0) for i in numbers}
    return (*dict.fromkeys(found), *(f"layers={layer}" for layer in sorted(layers)))


class _Board:
    """What the run's part shows, from what is told."""

    def __init__(self, work: Workspace, on: Desk) -> None:
        names = lanes.short_names(work.recipe.references)
        ink = lanes.inks([*work.shelf, *work.chosen])
        self._ink = {names[model]: ink.get(model) for model in work.recipe.references}
        self.words, self.share, self.busy = "Waiting for a free place…", 0.0, True
        self.skills: list[str] = []
        self.curve: list[list[float]] = []
        self.kept: list[list[str]] = []
        self.told: list[str] = []
        self.best: tuning.Found | None = None
        self.wanted: tuning.Goals | None = None

    def take(self, told: Any) -> None:
        """One message of the work."""
        if isinstance(told, tuning.Goals):
            self.wanted, self.skills = told, list(told.learn)
        elif isinstance(told, tuning.Step):
            self.best, self.share, self.words = told.best, told.share, f"Improving: {told.number} steps"
            for heard in (told.best.before, told.best.after) if not self.curve else (told.best.after,):
                self.curve.append([round(heard[skill].loss, 4) for skill in self.skills])
        elif told == "preparing":
            self.words = "Asking the models what they say…"
        elif told != "busy":
            self.words = f"Improving: {told}"

    def shown(self) -> Any:
        """The part's update."""
        skills = [{"name": skill, "ink": self._ink.get(skill)} for skill in self.skills]
        whole = {
            "words": self.words, "share": round(self.share, 3), "busy": self.busy, "skills": skills, "curve": self.curve,
            "kept": self.kept, "told": self.told,
        }  # fmt: skip
        return gr.update(data=json.dumps(whole))

    def end(self, ended: "Ended[Any] | None") -> bool:
        """How it ended; whether a setting is offered."""
        self.busy = False
        found, wanted = self.best, self.wanted
        if ended is not None and ended.error is not None and not ended.cancelled:
            self.words = ended.words
        if found is None or wanted is None:
            if ended is None or ended.error is None or ended.cancelled:
                self.words = "Stopped before the first step."
            return False
        what = "on the answers that were kept back" if wanted.kept_back else "at what it was tuned for"
        self.words = f"Better {what}." if found.better else "Nothing better was found."
        self.kept = _table(found.before, found.after)
        self.told += [f"{sentence[0].upper()}{sentence[1:]}" for sentence in tuning.sentences(found, wanted)]
        return found.better


def _table(before: Mapping[str, Heard], after: Mapping[str, Heard]) -> list[list[str]]:
    """What decides, before and after, by skill and in all."""
    pairs: list[tuple[str, Heard, Heard]] = [(skill, before[skill], after[skill]) for skill in after]
    if len(pairs) > 1:
        n = len(pairs)
        sides = ([a for _, a, _ in pairs], [b for _, _, b in pairs])
        mean = [Heard(sum(h.loss for h in side) / n, sum(h.right for h in side) / n) for side in sides]
        pairs.append(("all", mean[0], mean[1]))
    return [[name, f"{a.right:.0%} → {b.right:.0%}", f"{a.loss:.2f} → {b.loss:.2f}"] for name, a, b in pairs]


def _begun(board: _Board) -> Updates:
    hidden = {name: gr.update(visible=False) for name in ("improve go", *OFFER)}
    return {"improve run": board.shown(), "improve stop": gr.update(visible=True), "improved": "", **hidden}


def _ended(board: _Board, ended: "Ended[Any] | None") -> Updates:
    better = board.end(ended)
    text = dump(board.best.recipe) if better and board.best is not None else ""
    shown = {name: gr.update(visible=better) for name in OFFER}
    return {
        "improve run": board.shown(), "improve go": gr.update(visible=True), "improve stop": gr.update(visible=False),
        "improved": text, **shown,
    }  # fmt: skip


def _better(text: str) -> str:
    if not text:
        raise MergeError("There is no better setting to take; press Improve first.")
    return text


__all__ = ["OFFER", "Finding", "locked"]
