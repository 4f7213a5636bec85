"""`merger judge`: a merge, its parents and other recipes side by side, as a table, as JSON, and on a card."""

import contextlib
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

import merger
from merger.chat.batch import rounds
from merger.engine.budget import read_bytes
from merger.engine.session import Parents
from merger.errors import MergeError
from merger.files.checkpoints import format_bytes
from merger.hub.figures import CardFigure, write_figures
from merger.hub.unpacked import is_gguf
from merger.inspect.verdict import verdict
from merger.kernels.devices import best_device
from merger.recipe import Recipe, load_file
from merger.search import babble
from merger.search.babble import Babble
from merger.search.evals import Evaluated, TaskFigure, run_tasks
from merger.search.figures import NAMES, Interval, compare, gap, shown, words
from merger.search.judge import ALL, LONGEST, TOLD, Judge, Key, Measured, Progress, Text, own_text, shipped_texts
from merger.search.questions import QuestionSet, read_questions
from merger.search.streaming import StreamRunner
from merger.search.trials import Runner, alone


@dataclass(frozen=True)
class Asked:
    """What the command line asks for.

    texts   None for those that come with the program
    longest tokens of an answer in which words or a pattern are looked for
    room    bytes that texts may take on their way through a model that is streamed; 0: as many as usual
    """

    what: Recipe | str
    name: str
    questions: Path | None = None
    texts: tuple[Path, ...] | None = None
    against: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    include: Path | None = None
    limit: int | None = None
    chat: bool | None = None
    device: str = "cpu"
    seed: int = 0
    card: Path | None = None
    stream: bool = False
    longest: int = LONGEST
    room: int = 0


@dataclass(frozen=True)
class Judged:
    """What was found: figures by the names of the models, the first the one that is judged; intervals against the others."""

    asked: Asked
    questions: QuestionSet | None
    measured: Mapping[str, Measured]
    babble: Babble | None = None
    tasks: Evaluated | None = None
    seconds: float = 0.0
    date: str = ""
    _gaps: dict[tuple[str, Key], Interval | None] = field(default_factory=dict[tuple[str, Key], Interval | None])

    @property
    def first(self) -> Measured:
        """Of what is judged; nothing where lm-eval alone was asked."""
        return next(iter(self.measured.values()), Measured({}, ()))

    @property
    def others(self) -> tuple[str, ...]:
        """The models that it is compared with."""
        return tuple(self.measured)[1:]

    def gap(self, other: str, key: Key) -> Interval | None:
        """How much better or worse it is than another at a figure; None where one of them has none."""
        if (other, key) not in self._gaps:
            theirs, own = self.measured[other].figures.get(key), self.first.figures.get(key)
            both = theirs is not None and own is not None
            self._gaps[other, key] = compare(own, theirs, self.asked.seed) if both and own and theirs else None
        return self._gaps[other, key]


def target(name: str, recipe: Callable[[], Recipe]) -> Recipe | str:
    """A recipe where a file is named, else the model of a folder or of the Hub."""
    if Path(name).suffix.lower() in (".yaml", ".yml") or (Path(name).is_file() and not is_gguf(Path(name))):
        return recipe()
    return name


def judge(
    asked: Asked, tell: Callable[[str], None] = lambda what: None, announce: Callable[[str], None] = lambda what: None
) -> Judged:
    """Measure all that was asked for. tell: hears what is being done; announce: what it will take, where that is much."""
    started = time.monotonic()
    questions = None if asked.questions is None else read_questions(asked.questions, limit=asked.limit)
    if questions is not None and asked.chat is not None:
        questions = QuestionSet(questions.name, questions.questions, not asked.chat)
    texts = _texts(asked)
    now = _Now(tell)
    opened = Parents(best_device() if asked.device == "auto" else asked.device)
    runner = StreamRunner(opened, now.layer, asked.room) if asked.stream else Runner(opened)
    recipe = asked.what if isinstance(asked.what, Recipe) else None
    parents = alone(recipe) if recipe is not None else ()
    against: dict[str, Recipe | str] = {}
    for name in asked.against:
        against[name] = target(name, lambda name=name: load_file(name))
    everybody: dict[str, Recipe | str] = {asked.name: asked.what, **{p: p for p in parents}, **against}
    judge = Judge(runner, questions, texts, parents, samples=not asked.stream, longest=asked.longest)
    if asked.stream and questions is not None and (cost := streaming_cost(judge, everybody)):
        announce(cost)
    tasks = None
    if asked.tasks:
        tell("lm-eval")
        made = runner.merged(recipe) if recipe is not None else runner.parent(str(asked.what))
        tasks = run_tasks(made, asked.tasks, include=asked.include, limit=asked.limit, seed=asked.seed, chat=bool(asked.chat))
    measured: dict[str, Measured] = {}
    if questions is not None or texts:
        for name, what in everybody.items():
            measured[name] = judge.measure(what, progress=lambda p, name=name: now.model(_line(name, p)))
    found = None
    if measured:
        theirs = [h for p in parents if p != (recipe.base_model if recipe else None) for h in measured[p].heard]
        findings = ()
        if recipe is not None:
            models = runner.parents.open(recipe)
            findings = verdict(recipe, models, runner.session.prepare(recipe)[0]).findings
        found = babble.babbling(measured[asked.name].heard, findings, theirs, recipe is not None)
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Judged(asked, questions, measured, found, tasks, time.monotonic() - started, date)


def streaming_cost(judge: Judge, everybody: Mapping[str, Recipe | str]) -> str:
    """What the answers take that models write whose layers are made for each token; "" where none is written.

    Without exact answers that are written for want of certainty: nobody knows how many before they are judged.
    """
    questions = judge.questions.questions if judge.questions is not None else ()
    looked = [judge.prompt(q) for q in questions if q.match in ("within", "pattern")]
    most, merging, alone, read = 0, 0, 0, 0
    for what in everybody.values():
        size = sum(map(read_bytes, judge.runner.parents.open(what).values())) if isinstance(what, Recipe) else 0
        size = size or read_bytes(judge.runner.parents.model(str(what)))
        model = judge.model(what)
        own = rounds(model, looked, judge.longest) * judge.longest if looked else 0
        merging, alone = (merging + own, alone) if isinstance(what, Recipe) else (merging, alone + own)
        told = rounds(model, judge.prompts, TOLD) * TOLD if what in judge.parents else 0
        alone, read, most = alone + told, read + size * (own + told), max(most, size)
    if not merging + alone:
        return ""
    parts = [f"{n:,} that {what}" for n, what in ((merging, "merge"), (alone, "read one model")) if n]
    return (
        f"--stream: answers are written a token a pass, at most {' and '.join(parts)}: {format_bytes(read)} are read for them if "
        f"none ends sooner (the largest pass reads {format_bytes(most)}). --answer-tokens and --limit make it less, "
        "--memory lets more answers go together."
    )


class _Now:
    """What is being done: a model's figures, and behind them which of its layers is being made."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._what, self._made = tell, "", 0

    def model(self, what: str) -> None:
        self._what = what
        self._tell(what)

    def layer(self, which: str) -> None:
        self._made += 1
        self._tell(f"{self._what} {self._made}: {which}")


def _line(name: str, progress: Progress) -> str:
    return f"{name}: {progress.what} ({progress.share:.0%})"


def _texts(asked: Asked) -> tuple[Text, ...]:
    if asked.texts is not None:
        return tuple(own_text(file) for file in asked.texts)
    return () if asked.tasks and asked.questions is None else shipped_texts()


# ---------------------------------------------------------------------------------------------- as a table


def table(found: Judged) -> str:
    """Everything that was found, for people."""
    lines: list[str] = []
    if found.measured:
        lines += [*_head(found), ""]
        rows = [["", "this", *(f"[{i}]" for i in range(1, len(found.others) + 1))]]
        rows += [_row(found, key) for key in found.first.figures]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
            lines.append("  ".join(cells).rstrip())
        if found.others:
            lines += ["", "In brackets: how much more this one has, with an interval of 95 %; ? where that may be chance."]
    if found.tasks is not None:
        lines += [*([""] if lines else []), f"lm-eval {found.tasks.lm_eval}"]
        for f in found.tasks.figures:
            error = "" if f.error is None else f" ± {f.error:.4f}"
            lines.append(f"  {f.task}, {f.metric}: {f.value:.4f}{error} ({f.questions} questions{_version(f)})")
    if found.babble is not None:
        lines += ["", f"{found.babble.words} {found.babble.fix}"]
    return "\n".join(lines)


def _version(figure: TaskFigure) -> str:
    """A task's version, where it has one."""
    return f", version {figure.version}" if figure.version[:1].isdigit() else ""


def _head(found: Judged) -> list[str]:
    asked = "" if found.questions is None else f"{len(found.questions.questions)} questions of {found.questions.name}, "
    lines = [f"{found.asked.name}: {asked}seed {found.asked.seed}, {found.seconds:.1f} s"]
    return lines + [f"  [{i}] {name}" for i, name in enumerate(found.others, 1)]


def _row(found: Judged, key: Key) -> list[str]:
    kind, of = key
    cells = [f"{NAMES[kind]} {_short(found, of)}", shown(kind, found.first.figures[key].value)]
    for other in found.others:
        theirs, between = found.measured[other].figures.get(key), found.gap(other, key)
        if theirs is None:
            cells.append("-")
        elif between is None:
            cells.append(shown(kind, theirs.value))
        else:
            cells.append(f"{shown(kind, theirs.value)} ({gap(between)}{'?' if between.chance else ''})")
    return cells


def _short(found: Judged, of: str) -> str:
    """A model's number in the head, where it has one."""
    for i, name in enumerate(found.others, 1):
        of = of.replace(name, f"[{i}]") if of in (name, f"what {name} says") else of
    return "" if of == ALL and len(found.questions.skills if found.questions else ()) < 2 else of


def as_json(found: Judged) -> str:
    """The same for a program."""
    figures: list[dict[str, Any]] = []
    for key, own in found.first.figures.items():
        against = {}
        for other in found.others:
            theirs, between = found.measured[other].figures.get(key), found.gap(other, key)
            if theirs is not None:
                told = None if between is None else {
                    "difference": between.difference, "low": between.low, "high": between.high, "may_be_chance": between.chance,
                    "words": words(between),
                }  # fmt: skip
                against[other] = {"value": theirs.value, "gap": told}
        figures.append({"kind": key[0], "of": key[1], "value": own.value, "questions": len(own.parts), "against": against})
    whole = {
        "judged": found.asked.name, "date": found.date, "seed": found.asked.seed, "versions": versions(found),
        "questions": None if found.questions is None else {"name": found.questions.name, "count": len(found.questions.questions)},
        "figures": figures,
        "tasks": [vars(f) for f in found.tasks.figures] if found.tasks is not None else [],
        "babble": None if found.babble is None else vars(found.babble),
        "answers": [vars(h) for h in found.first.heard],
        "right": list(found.first.right),
    }  # fmt: skip
    return json.dumps(whole, indent=1, ensure_ascii=False)


def versions(found: Judged) -> dict[str, str]:
    """What it was measured with."""
    import importlib.metadata

    known = {"merge-explorer": merger.__version__, "torch": torch.__version__, "Python": platform.python_version()}
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        known["transformers"] = importlib.metadata.version("transformers")
    return known if found.tasks is None else known | {"lm_eval": found.tasks.lm_eval}


# ---------------------------------------------------------------------------------------------- on a card

_METRICS = {"right": "accuracy", "bits": "bits_per_byte"}


def card_figures(found: Judged) -> list[CardFigure]:
    """The figures that say something of the model to strangers: right answers, bits per byte, tasks."""
    made: list[CardFigure] = []
    for (kind, of), own in found.first.figures.items():
        if kind == "right" and found.questions is not None:
            name = "share right" if of == ALL else f"share right, {of}"
            made.append(
                CardFigure(name, _METRICS[kind], own.value, _about(found, (kind, of)), len(own.parts), of=found.questions.name)
            )
        elif kind == "bits":
            made.append(CardFigure("bits per byte", _METRICS[kind], own.value, _about(found, (kind, of)), 1, of=f"text: {of}"))
    for f in found.tasks.figures if found.tasks is not None else ():
        about = f"standard error {f.error:.4f}" if f.error is not None else ""
        kind = "accuracy" if f.metric.startswith("acc") else f.metric
        name = f"{f.metric}{_version(f)}"
        made.append(CardFigure(name, kind, f.value, about, f.questions, f.task, f.dataset, f.subset))
    return made


def _about(found: Judged, key: Key) -> str:
    told = [(other, found.gap(other, key)) for other in found.others]
    return "; ".join(f"against {Path(other).name}: {words(between)}" for other, between in told if between is not None)


def write_card(found: Judged, folder: Path) -> Sequence[Path]:
    """Write the figures into a model's folder."""
    facts = {"date": found.date, **versions(found), "seed": str(found.asked.seed)}
    return write_figures(folder, card_figures(found), facts)


# ---------------------------------------------------------------------------------------------- the command


def run(asked: Asked, as_data: bool) -> int:
    """The command: prints what was found; 130 where it was stopped."""

    def tell(what: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{what[-78:]:<78}", end="", file=sys.stderr, flush=True)

    if asked.card is not None and not asked.card.is_dir():
        raise MergeError(f"--card {asked.card}: is no folder; name the folder of the model whose card gets the figures.")
    try:
        found = judge(asked, tell, lambda what: print(what, file=sys.stderr))
    except KeyboardInterrupt:
        print("\nStopped; nothing was written.", file=sys.stderr)
        return 130
    finally:
        if sys.stderr.isatty():
            print("\r" + " " * 78 + "\r", end="", file=sys.stderr)
    print(as_json(found) if as_data else table(found))
    if asked.card is not None:
        written = write_card(found, asked.card)
        print(f"written: {', '.join(str(file) for file in written)}", file=sys.stderr)
    return 0
