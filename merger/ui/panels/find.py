"""Explore: vary one or two sliders, score every step with questions, see a line or maps, click a point to load its recipe.

`Exploring` asks little of the page: a studio with `plan`, `parents`, `family` and `base`, a workspace with `recipe` and `chosen`,
and a function that loads a recipe's text.
"""

import contextlib
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import gradio as gr

from merger.engine.plan import Plan
from merger.errors import MergeError
from merger.hub.access import Access
from merger.limits import SWEEP_CHARACTERS, SWEEP_SECONDS
from merger.methods.params import Param
from merger.recipe import Recipe, Setting, dump
from merger.recipe.between import effective
from merger.search.store import Sweeps, stamp
from merger.search.trials import Probe, Runner, Trial, Vary, alone, best_first, count, fewer, read_probes, spread, sweep
from merger.ui.background import Background, Ended, Work
from merger.ui.events import NOW, QUIET
from merger.ui.explore import chart
from merger.ui.guard import token_of
from merger.ui.host import Host
from merger.ui.lanes import lanes, short_names
from merger.ui.parts import Parts, Updates
from merger.ui.rows import prompt_of

log = logging.getLogger(__name__)

NONE = ""
MAX_SECONDS = 900
MAX_OWN = 20_000
FLUSH_SECONDS = 0.3

FORM = (
    "find first", "find low", "find high", "find second", "find second low", "find second high",
    "find steps", "find questions", "find skills", "find own",
)  # fmt: skip
"""What a sweep is made from, in the order of `Exploring.start`."""
OFFERED = (*FORM[:6], "find skills", "find mixed")
"""What depends on the recipe."""


class Place(Protocol):
    """What is asked of the studio."""

    base: str
    host: Host
    searcher: Runner
    sweeping: threading.Lock
    access: Access

    def plan(self, recipe: Recipe) -> Plan: ...

    def seen_by(self, token: str | None) -> "Place": ...


@dataclass(frozen=True)
class Slider:
    """Something that can be varied: a number of the recipe, or all numbers of a curve at once (gain)."""

    key: str
    label: str
    path: str
    low: float
    high: float
    gain: bool = False
    whole: bool = False

    def vary(self, low: float, high: float, steps: int) -> Vary:
        """Its values from low to high."""
        values = spread(low, high, steps)
        return Vary(self.path, tuple(dict.fromkeys(round(v) for v in values)) if self.whole else values, self.gain)


def sliders(plan: Plan) -> dict[str, Slider]:
    """What can be varied in a plan's recipe, by key: every lane, then the method's shared numbers.

    A curve can be made louder and softer as a whole, or be replaced by one number.
    """
    recipe = plan.recipe
    sliders: list[Slider] = []
    rows = [(lane.path, lane.label, lane.param, lane.model) for lane in lanes(plan)]
    known = {path for path, _, _, _ in rows}
    rows += [
        (f"parameters.{p.name}", "", p, None) for p in recipe.method.params
        if not p.per_model and p.kind in ("float", "int") and f"parameters.{p.name}" not in known
    ]  # fmt: skip
    index = {entry.model: entry for entry in recipe.models}
    names = short_names(recipe.references)
    by_path = {f"models[{i}]": e for i, e in enumerate(recipe.models)}
    for path, label, param, _ in rows:
        entry = by_path.get(path.split(".")[0])
        words = (param.label or param.name).lower()
        who = f"{names.get(entry.model, label)}: {words}" if entry is not None and entry.model in index else words.capitalize()
        low, high = _span(param)
        setting = effective(recipe, param, entry=entry)
        if _bent(setting):
            sliders.append(Slider(f"{path} ×", f"{who}, the whole curve times", path, 0.0, 2.0, gain=True))
            who += ", one number everywhere"
        sliders.append(Slider(path, who, path, low, high, whole=param.kind == "int"))
    return {slider.key: slider for slider in sliders}


def _span(param: Param) -> tuple[float, float]:
    low, high = (end if math.isfinite(end) else other for end, other in zip(param.slider, (0.0, 1.0), strict=True))
    return low, high


def _bent(setting: Setting) -> bool:
    return len(set(setting.values)) > 1


# ---------------------------------------------------------------------------------------------- the panel


class Exploring:
    """The panel on one studio. Its merged model is its own: answers on the page go on while a sweep runs."""

    def __init__(self, studio: Place, probes: Path) -> None:
        self.studio = studio
        self.probes = read_probes(probes) if probes.exists() else ()
        self.skills = list(dict.fromkeys(probe.skill for probe in self.probes))
        self._sweeps = Background("a sweep")

    # ------------------------------------------------------------------------------ view

    def view(self, page: Parts, plan: Plan, chosen: Sequence[str]) -> None:
        """Build it where it is called, for the first recipe shown. `find texts`: recipe text by point, of the sweep that is
        shown; `find mixed`: the models last in the mix, then the sliders' keys."""
        first, low, high, marked = self.choices(plan, chosen)
        with gr.Row():
            value = first[0][1] if first else None
            one = gr.Dropdown(first, value=value, label="Vary", interactive=True, scale=3, min_width=280)
            a, b = _ends(low, high, ("from", "to"), True)
        with gr.Row():
            also = [("nothing else", NONE), *first]
            two = gr.Dropdown(also, value=NONE, label="and, for a map, also vary", interactive=True, scale=3, min_width=280)
            c, d = _ends(0, 1, ("this one from", "this one to"), False)
        skills = gr.CheckboxGroup(
            self.skills, value=marked, label="What the merge should be able to do", interactive=True, visible=bool(self.skills)
        )
        with gr.Accordion("Questions of your own, steps", open=not self.skills):
            own = gr.Textbox(
                "", label="Your own questions", lines=2, max_lines=8, max_length=MAX_OWN, interactive=True,
                info="One on each line: question => the whole answer, or question ~> words in the answer. [name] starts a skill.",
                placeholder="plural of box => boxes",
            )  # fmt: skip
            with gr.Row():
                steps = gr.Slider(2, 11, value=5, step=1, label="Steps", interactive=True, min_width=140)
                each = gr.Slider(4, 60, value=12, step=4, label="Questions for each skill", interactive=True, min_width=140)
        with gr.Row():
            start = gr.Button("Try them all", variant="primary", scale=0, min_width=160)
            cancel = gr.Button("Cancel", scale=0, min_width=100)
        page.shows(**dict(zip(FORM, (one, a, b, two, c, d, steps, each, skills, own), strict=True)))
        page.shows(**{"find start": start, "find cancel": cancel, "find chart": chart(elem_id="explore-chart")})
        page.shows(**{"find texts": gr.State({}), "find mixed": gr.State(tuple(chosen))})

    def wire(
        self, page: Parts, load: Callable[..., Updates], drawn: Sequence[str], after: Callable[..., None] | None = None
    ) -> None:
        """Bind its events. load(work, recipe text, request) gives updates of `drawn`; `after`: Desk's, for what follows edits."""

        def load_point(work: Any, texts: Mapping[str, str], value: Any, request: gr.Request) -> Updates:
            text = self.pick(texts, value)
            return load(work, text, request) if text else {}

        parts, many = page.parts, {"trigger_mode": "multiple"}
        page.bind(parts["find start"].click, self.begin, [], ["find chart"], **many, **NOW)
        page.bind(
            parts["find start"].click, self.start, ["work", "answers", *FORM], ["find chart", "find texts"],
            concurrency_id="explore", concurrency_limit=1, **many, **QUIET,
        )  # fmt: skip
        page.bind(parts["find cancel"].click, self.cancel, [], [], **NOW)
        page.bind(parts["find first"].input, self.span, ["work", "find first"], FORM[1:3], **NOW)
        page.bind(parts["find second"].input, self.second_span, ["work", "find second"], FORM[4:6], **NOW)
        page.bind(parts["find chart"].select, load_point, ["work", "find texts", "find chart"], drawn, **NOW)
        if after is not None:
            after(self.offer, ["work", "find first", "find second", "find mixed"], OFFERED)

    # ------------------------------------------------------------------------------ what can be varied

    def choices(self, plan: Plan, chosen: Sequence[str]) -> tuple[list[tuple[str, str]], float, float, list[str]]:
        """The sliders as (label, key), from and to of the first, and the skills to mark: those that parents are named by."""
        listed = list(sliders(plan).values())
        low, high = (listed[0].low, listed[0].high) if listed else (0.0, 1.0)
        names = {name.rstrip("/").rsplit("/", 1)[-1] for name in chosen}
        marked = [skill for skill in self.skills if skill in names] or self.skills
        return [(slider.label, slider.key) for slider in listed], low, high, marked

    def offer(
        self, work: Any, first: str | None, second: str | None, mixed: Sequence[str], request: gr.Request | None = None
    ) -> Updates:
        """The recipe has changed: other sliders may be there, other models in the mix. What still holds is left alone."""
        try:
            listed, low, high, marked = self.choices(self._seen(request).plan(work.recipe), work.chosen)
        except MergeError:
            return {}
        keys = [key for _, key in listed]
        also = [("nothing else", NONE), *listed]
        if tuple(mixed) == (*work.chosen, *keys):
            return {}  # most strokes
        drawn: Updates = {"find mixed": (*work.chosen, *keys)}
        if first in keys:
            drawn["find first"] = gr.update(choices=listed)
        else:
            drawn["find first"] = gr.update(choices=listed, value=keys[0] if keys else None)
            drawn |= {"find low": low, "find high": high}
        if second in keys:
            drawn["find second"] = gr.update(choices=also)
        else:
            drawn["find second"] = gr.update(choices=also, value=NONE)
            drawn |= dict.fromkeys(("find second low", "find second high"), gr.update(visible=False))
        return drawn if tuple(mixed[: len(work.chosen)]) == tuple(work.chosen) else drawn | {"find skills": marked}

    def _seen(self, request: gr.Request | None) -> Place:
        """The studio with the access of whoever asks."""
        return self.studio.seen_by(token_of(request))

    def span(self, work: Any, key: str | None, request: gr.Request | None = None) -> Updates:
        """From and to of a slider that was chosen; hidden where none was."""
        try:
            slider = sliders(self._seen(request).plan(work.recipe)).get(key or NONE)
        except MergeError:
            slider = None
        if slider is None:
            return dict.fromkeys(("find low", "find high"), gr.update(visible=False))
        low, high = (gr.update(value=end, visible=True) for end in (slider.low, slider.high))
        return {"find low": low, "find high": high}

    def second_span(self, work: Any, key: str | None, request: gr.Request | None = None) -> Updates:
        """The same of the second."""
        ends = self.span(work, key, request)
        return {"find second low": ends["find low"], "find second high": ends["find high"]}

    # ------------------------------------------------------------------------------ sweeping

    def begin(self, request: gr.Request) -> Updates:
        """A new sweep is asked for: the older one of this visitor ends; this one may have to wait for other people's."""
        self._sweeps.stop(request.session_hash)
        return _shown({"state": "waiting"})

    def cancel(self, request: gr.Request) -> None:
        """End this visitor's sweep; what it has found stays."""
        self._sweeps.stop(request.session_hash)

    def leave(self, session: str | None) -> None:
        """The browser is gone: its sweep ends."""
        self._sweeps.stop(session)

    def start(self, work: Any, prompt: Any, request: gr.Request, *asked: Any) -> Iterator[Updates]:
        """Run a sweep and stream what it finds."""
        studio = self._seen(request)

        def do(doing: Work) -> None:
            varied, labels, probes = self._wanted(studio.plan(work.recipe), *asked)
            check_length(work.recipe, count(varied))
            going = (varied, labels, probes, lambda: not doing.stopped(), studio.access)
            for tried in self._sweep(work.recipe, prompt_of(prompt).strip(), *going):
                doing.tell(tried)

        longest = SWEEP_SECONDS if studio.host.hosted else MAX_SECONDS
        for message in self._sweeps.run(request.session_hash, do, seconds=longest, line=studio.sweeping):
            if not isinstance(message, Ended):
                yield from message[-1:]  # each holds all before it
            elif message.error is not None and not message.cancelled:
                yield _shown({"state": "failed", "error": message.words})

    def _wanted(
        self, plan: Plan, first: str | None, low: Any, high: Any, second: str | None, low2: Any, high2: Any,
        steps: Any, questions: Any, skills: Sequence[str], own: str,
    ) -> tuple[list[Vary], list[str], tuple[Probe, ...]]:  # fmt: skip
        """What to vary, its names, and what to ask; MergeError in words where the form is not filled in."""
        known = sliders(plan)
        keys = [key for key in (first, second) if key]
        if not keys or keys[0] not in known:
            raise MergeError("Choose a slider to vary first.")
        if len(keys) == 2 and (keys[1] not in known or known[keys[0]].path == known[keys[1]].path):
            raise MergeError("Choose another slider for the second direction; this one is varied already.")
        ends = ((low, high), (low2, high2))[: len(keys)]
        if not all(isinstance(n, (int, float)) and math.isfinite(n) for pair in ends for n in pair):
            raise MergeError("Fill in from where to where the sliders go.")
        if any(a == b for a, b in ends):
            raise MergeError("From and to are the same number; there is nothing to vary.")
        varied = [known[key].vary(a, b, max(2, min(11, int(steps)))) for key, (a, b) in zip(keys, ends, strict=True)]
        asked = fewer([p for p in self.probes if p.skill in skills], int(questions))
        if own and own.strip():
            asked += read_probes(own[:MAX_OWN])
        if not asked:
            raise MergeError("Mark a skill, or write questions of your own, so that there is something to score.")
        return varied, [known[key].label for key in keys], asked

    def _sweep(
        self, recipe: Recipe, prompt: str, varied: list[Vary], labels: list[str], probes: tuple[Probe, ...],
        go_on: Callable[[], bool], access: Access,
    ) -> Iterator[Updates]:  # fmt: skip
        runner = self.studio.searcher
        board: dict[str, Any] = {
            "state": "busy", "total": count(varied), "prompt": prompt[:200],
            "axes": [{"label": label, "values": list(vary.values)} for label, vary in zip(labels, varied, strict=True)],
            "skills": list(dict.fromkeys(probe.skill for probe in probes)), "marks": [], "points": [], "best": None,
        }  # fmt: skip
        yield _shown(board, {})
        trials: list[Trial] = []
        texts: dict[str, str] = {}
        flushed = time.monotonic()
        names = short_names(alone(recipe, self.studio.base))
        asks = [prompt] if prompt else []
        kept = self._kept(recipe, varied, probes, asks, access)
        known = kept.known if kept is not None else lambda _: None
        for trial in sweep(recipe, varied, runner, probes, asks, known=known, go_on=go_on, access=access):
            if kept is not None:
                kept.keep(trial)
            trials.append(trial)
            at = [vary.values.index(value) for vary, value in zip(varied, trial.point, strict=True)]
            texts[_key(at)] = trial.text
            board["points"].append({"at": at, **_point(trial, board["skills"])})
            best = best_first(trials)[0]
            board["best"] = None if best.note else trials.index(best)
            board["left"] = round(sum(t.seconds for t in trials) / len(trials) * (board["total"] - len(trials)), 1)
            if len(trials) in (1, 1 << len(varied)) or time.monotonic() - flushed > FLUSH_SECONDS:
                flushed = time.monotonic()
                yield _shown(board, dict(texts))
            if len(trials) == 1 << len(varied):  # the corners are there: now what the models do alone, to compare with
                for reference, scores in self._marks(runner, list(names), probes, go_on, access):
                    board["marks"].append({"name": names[reference], "scores": [scores[s] for s in board["skills"]]})
        board["state"] = "done" if len(trials) == board["total"] else "stopped"
        yield _shown(board, texts)

    def _kept(
        self, recipe: Recipe, varied: Sequence[Vary], probes: Sequence[Probe], asks: Sequence[str], access: Access
    ) -> Sweeps | None:
        """Where trials are kept: at home, in the file that was named when the page began."""
        if not self.studio.host.trials:
            return None
        models = self.studio.searcher.parents.open(recipe, access)
        return Sweeps(Path(self.studio.host.trials), recipe, varied, probes, asks, stamp(models))

    @staticmethod
    def _marks(
        runner: Runner, names: Sequence[str], probes: Sequence[Probe], go_on: Callable[[], bool], access: Access
    ) -> Iterator[tuple[str, Mapping[str, float]]]:
        """The models' own scores, as far as they can speak."""
        for name in names:
            if not go_on():
                return
            with contextlib.suppress(MergeError):  # Cancelled, or a model without a tokenizer: then there is no mark
                yield from runner.marks([name], probes, go_on, access)

    # ------------------------------------------------------------------------------ a point is picked

    def pick(self, texts: Mapping[str, str], value: Any) -> str:
        """The recipe of the point that was clicked; nothing for one that has not been tried or could not be written."""
        at = value.get("picked") if isinstance(value, dict) else None
        return texts.get(_key(at), "") if isinstance(at, list) else ""


def check_length(recipe: Recipe, points: int) -> None:
    """MergeError where the texts of all points would be too much to keep."""
    need = len(dump(recipe)) * points
    if need > SWEEP_CHARACTERS:
        raise MergeError(
            f"{points} points of so long a recipe have {need:,} characters; at most {SWEEP_CHARACTERS:,} are kept. Take fewer."
        )


def _key(at: Sequence[Any]) -> str:
    return ",".join(str(i) for i in at[:2])


def _shown(board: dict[str, Any], texts: Mapping[str, str] | None = None) -> Updates:
    drawn: Updates = {"find chart": gr.update(data=json.dumps(board))}  # as text: gradio copies every leaf of an object
    return drawn if texts is None else drawn | {"find texts": texts}


def _point(trial: Trial, skills: Sequence[str]) -> dict[str, Any]:
    """A trial for the chart: its scores, and for each skill one answer, a wrong one if there is."""
    says: list[list[Any]] = [[a.prompt[:200], a.said[:200], None] for a in trial.answers if a.right is None]
    for skill in skills:
        own = [a for a in trial.answers if a.skill == skill]
        example = next((a for a in own if not a.right), own[0] if own else None)
        if example is not None:
            says.append([example.prompt[:200], example.said[:200], example.right])
    return {
        "scores": [round(trial.scores[s], 4) for s in skills] if trial.scores else None,
        "note": trial.note.split("\n")[0][:300], "says": says,
    }  # fmt: skip


def _ends(low: float, high: float, words: tuple[str, str], shown: bool) -> list[gr.Number]:
    """Two fields, of where a slider goes."""
    with gr.Row():
        return [
            gr.Number(end, label=word, interactive=True, min_width=70, visible=shown)
            for end, word in zip((low, high), words, strict=True)
        ]


__all__ = ["FORM", "Exploring", "Slider", "check_length", "sliders"]
