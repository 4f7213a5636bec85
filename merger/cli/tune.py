"""`merger tune`: a recipe's bars are moved until its merge says what its parents say, or what questions want."""

import contextlib
import json
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from merger.chat.model import Plain
from merger.engine.session import Parents
from merger.errors import MergeError, nearest
from merger.kernels.devices import best_device
from merger.recipe import Recipe, dump, load
from merger.search import study
from merger.search import tune as tuning
from merger.search.figures import Interval, gap, words
from merger.search.questions import read_questions
from merger.search.store import stamp
from merger.search.trials import Runner

START = (
    "start: how much more the mean -log P is than the recipe's as it is, with an interval of 95 %; ? where that may be chance. "
    "The best of many looks better than it is: what was kept back decides."
)
KEEPS = ("what each parent says", "what the questions want")


def run(recipe: Recipe, options: Namespace) -> str:
    """Tune, tell what came of it, and give the better recipe's text; MergeError where there is none."""
    if options.out is not None and not options.out.absolute().parent.is_dir():
        raise MergeError(f"{options.out}: there is no folder {options.out.parent} to write to.")
    if options.ray is not None and not options.search:
        raise MergeError(
            "--ray: shares out the trials of a search; write --search too. Without it each step needs the one before."
        )
    runner = Runner(Parents(best_device() if options.device == "auto" else options.device or "cpu"))
    wanted = _wanted(runner, recipe, options)
    if options.search:
        return _search(runner, recipe, wanted, options)
    last, started = None, time.monotonic()
    with contextlib.suppress(KeyboardInterrupt):
        for last in _steps(runner, recipe, wanted, options):
            _show(last, options.seconds)
    _clear()
    if last is None:
        raise MergeError("stopped before the first step was done.")
    print(f"{last.number} steps, {time.monotonic() - started:.0f} s.", file=sys.stderr)
    return _told(last.best, wanted, options)


def _told(
    found: tuning.Found, wanted: tuning.Goals, options: Namespace, trials: Sequence[study.Tried] | None = None
) -> str:  # fmt: skip
    """What came of it, and the better recipe's text."""
    if options.json:
        print(as_json(found, wanted, trials))
    else:
        print("\n".join(table(found.before, found.after)))
    *told, final = tuning.sentences(found, wanted) or ("",)
    for sentence in (*told, *((final,) if found.better and final else ())):
        print(f"note: {sentence}", file=sys.stderr)
    if not found.better:
        raise MergeError(final)
    return dump(found.recipe)


def _search(runner: Runner, recipe: Recipe, wanted: tuning.Goals, options: Namespace) -> str:
    """The same by a search; its leaderboard goes to stdout."""
    where = study.space(recipe, [name.strip() for name in options.methods.split(",")] if options.methods else ())
    with tempfile.TemporaryDirectory() as folder:
        order = study.Order(
            dump(recipe), where, wanted.learn, options.store or Path(folder) / "trials.db", options.sampler, options.draw,
            options.trials, options.seconds, str(runner.parents.speaks), stamp=stamp(runner.parents.open(recipe)),
        )  # fmt: skip
        stopped: list[bool] = []

        def told(number: int) -> None:
            if sys.stderr.isatty():
                print(f"\rtrial {number} of {options.trials} ", end="", file=sys.stderr, flush=True)

        try:
            found = study.search(order, runner, workers=options.workers, ray=options.ray, go_on=lambda: not stopped, told=told)
        except KeyboardInterrupt:  # what was tried until then is in the file
            stopped.append(True)
            found = study.tried(order)
    _clear()
    if not options.json:
        print("\n".join(leaderboard(found, several=options.sampler == "nsga2")))
    return _told(study.chosen(runner, recipe, found, wanted), wanted, options, found)


def leaderboard(found: Sequence[study.Tried], several: bool, most: int = 10) -> list[str]:
    """Lines of the best trials: -log P by skill and in the mean, then the recipe in short. several: those no other beats."""
    ranked = (study.front(found) if several else [one for one in found if one.heard])[:most]
    skills = list(ranked[0].heard) if ranked else []
    wide = [max(6, len(skill)) for skill in skills]
    gaps = [f"{gap(one.against)}{'?' if one.against.chance else ''}" if one.against else "-" for one in ranked]
    broad = max([len("start"), *map(len, gaps)])
    head = "".join(f"  {skill:>{w}}" for skill, w in zip(skills, wide, strict=True))
    lines = [f"trial{head}    mean  {'start':>{broad}}  recipe"]
    for one, apart in zip(ranked, gaps, strict=True):
        cells = "".join(f"  {one.heard[skill]:>{w}.2f}" for skill, w in zip(skills, wide, strict=True))
        lines.append(f"{one.number:>5}{cells}  {one.loss:>6.2f}  {apart:>{broad}}  {study.in_short(load(one.text))}")
    given_up = sum(not one.heard for one in found)
    lines += [f"{len(found)} trials, {given_up} of them given up early."] if given_up else []
    return [*lines, START] if ranked else lines


def as_json(found: tuning.Found, wanted: tuning.Goals, trials: Sequence[study.Tried] | None) -> str:
    """Everything that came of it, for a program. recipe: the better one, null where there is none."""
    whole: dict[str, Any] = {
        "recipe": dump(found.recipe) if found.better else None,
        "before": {skill: {"right": one.right, "nll": one.loss} for skill, one in found.before.items()},
        "after": {skill: {"right": one.right, "nll": one.loss} for skill, one in found.after.items()},
        "notes": list(tuning.sentences(found, wanted)),
    }
    if trials is not None:
        whole["trials"] = [
            {
                "number": one.number,
                "recipe": one.text,
                "nll": dict(one.heard),
                "against_start": _apart(one.against),
                "note": one.note,
            }
            for one in trials
        ]
    return json.dumps(whole, indent=1, ensure_ascii=False)


def _apart(found: Interval | None) -> dict[str, Any] | None:
    return found and {
        "difference": found.difference, "low": found.low, "high": found.high, "may_be_chance": found.chance,
        "words": words(found),
    }  # fmt: skip


def _steps(runner: Runner, recipe: Recipe, wanted: tuning.Goals, options: Namespace) -> Iterator[tuning.Step]:
    yield from tuning.tune(
        runner, recipe, wanted, seconds=options.seconds, locks=options.locks, names=options.bars or (), seed=options.draw
    )


def _wanted(runner: Runner, recipe: Recipe, options: Namespace) -> tuning.Goals:
    """The goals by what is given: questions, prompts, or nothing for the family that comes with the program."""
    keep = options.keep or KEEPS[bool(options.questions and not options.prompts)]
    if keep not in KEEPS:
        raise MergeError(f"--keep {keep}: write {' or '.join(map(repr, KEEPS))}.{nearest(keep, KEEPS)}")
    if options.questions and keep == KEEPS[1]:
        return tuning.of_questions(runner, recipe, read_questions(options.questions, limit=options.most, half=options.half))
    if keep == KEEPS[1]:
        raise MergeError(f"--keep {keep!r}: name the questions with --questions FILE.")
    prompts: Mapping[str | None, Sequence[str]]
    if options.prompts:
        prompts = tuning.read_prompts(options.prompts, recipe)
    elif options.questions:
        asked = read_questions(options.questions, half=options.half)
        prompts = {None: tuple(dict.fromkeys(Plain(q.prompt) if asked.plain else q.prompt for q in asked.questions))}
    else:
        prompts = tuning.family_prompts(recipe)
    if options.most:
        prompts = {model: some[: options.most] for model, some in prompts.items()}
    return tuning.of_parents(runner, recipe, prompts)


def _show(step: tuning.Step, seconds: float) -> None:
    if sys.stderr.isatty():
        losses = ", ".join(f"{skill} {heard.loss:.2f}" for skill, heard in step.heard.items())
        print(f"\r{step.share:4.0%} of {seconds:g} s: -log P {losses}"[:118].ljust(118), end="", file=sys.stderr, flush=True)


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r" + " " * 118 + "\r", end="", file=sys.stderr)


def table(before: Mapping[str, tuning.Heard], after: Mapping[str, tuning.Heard]) -> list[str]:
    """Lines of what was kept back: each skill and all of them, right answers and -log P, before and after."""
    both = {**{skill: (before[skill], after[skill]) for skill in after}}
    mean = tuple(
        tuning.Heard(sum(h.loss for h in side.values()) / len(side), sum(h.right for h in side.values()) / len(side))
        for side in (before, after)
    )
    rows = [(skill, *pair) for skill, pair in both.items()] + ([("mean", *mean)] if len(both) > 1 else [])
    wide = max(len(name) for name, *_ in rows)
    head = f"{'':<{wide}}  {'right':>13}  {'-log P':>15}"
    return [head] + [
        f"{name:<{wide}}  {a.right:4.2f} -> {b.right:4.2f}   {a.loss:6.2f} -> {b.loss:6.2f}".rstrip() for name, a, b in rows
    ]


def write(path: Path | None, text: str, shown: bool = False) -> None:
    """The recipe into a file, or to stdout. shown: it stands there already."""
    if path is None:
        print("" if shown else text, end="")
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MergeError(f"{path}: cannot be written: {error.strerror}.") from None
    print(f"{path}: the better recipe.", file=sys.stderr)
