"""Tuning without labels: what a better setting of the bars is worth, on prompts that nobody tuned for.

    python benchmarks/tune.py                all cases of the family, three seeds each; a quarter of an hour on one core
    python benchmarks/tune.py four --seeds 1
    python benchmarks/tune.py smollm         SmolLM2-135M and two siblings, as tests/smollm.py makes them
    python benchmarks/tune.py presets        SmolLM2-135M and two of the LoRAs of presets/smollm2; a quarter of an hour

The parents' own answers to half `choose` are the goal; half `score` is judged, exact answers. Beside it: the best single weight
for all models, chosen among 14 by the same prompts and the same measure. Seconds are the processor's, on one thread.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "scripts")]

from merger.chat.batch import generate_batch  # noqa: E402
from merger.engine.session import Parents  # noqa: E402
from merger.recipe import Recipe, load  # noqa: E402
from merger.search.slopes import Mix  # noqa: E402
from merger.search.trials import Probe, Runner, read_probes, score  # noqa: E402
from merger.search.tune import Goals, family_prompts, of_parents, tune  # noqa: E402

HOME = "presets/family/"
SIX = ("pirate", "plural", "spell", "count", "story", "mirror")


@dataclass(frozen=True)
class Case:
    """What is merged from which weight, and how many seconds it may take."""

    method: str
    models: tuple[str, ...]
    weight: float
    seconds: float
    density: float | None = None


CASES = {
    "plural + mirror": Case("task_arithmetic", ("plural", "mirror"), 0.5, 15),
    "spell + count": Case("ties", ("spell", "count"), 0.5, 15, 0.5),
    "pirate + story": Case("ties", ("pirate", "story"), 0.5, 25, 0.5),
    "four": Case("task_arithmetic", ("plural", "spell", "count", "mirror"), 0.35, 15),
    "six": Case("task_arithmetic", SIX, 0.35, 40),
}


def recipe(home: str, case: Case, dtype: str = "bfloat16") -> Recipe:
    """The case as a recipe."""
    own = {"weight": case.weight} | ({"density": case.density} if case.density else {})
    models = [{"model": home + name, "parameters": own} for name in case.models]
    return load(json.dumps({"merge_method": case.method, "base_model": home + "base", "models": models, "dtype": dtype}))


def judged(runner: Runner, made: Recipe, probes: Sequence[Probe]) -> tuple[float, float]:
    """The worst skill's share of right answers, and the mean over the skills."""
    shares = list(score(runner.merged(made), probes).shares.values())
    return min(shares), sum(shares) / len(shares)


def uniform(runner: Runner, start: Recipe, wanted: Goals) -> Recipe:
    """The best of one weight for all models, by all prompts that tuning has."""
    mix = Mix(runner, start, ["weight"])
    everything = {skill: (*wanted.learn[skill], *wanted.keep[skill]) for skill in wanted.learn}
    first = mix.bars[0].number(0)
    tried = [mix.start + (w / 10 - first) for w in range(1, 15)]
    best = min(tried, key=lambda at: sum(heard.loss for heard in mix.hear(everything, at).values()))
    return mix.recipe_at(best)


Judge = Callable[[Recipe], tuple[float, float]]
"""The worst skill's share of right answers, and the mean over the skills."""


def one(
    name: str, runner: Runner, start: Recipe, seconds: float, seeds: int, judge: Judge, prompts: Mapping[str, Sequence[str]]
) -> None:  # fmt: skip
    """A row of the table."""
    wanted = of_parents(runner, start, {**prompts})
    before = judge(start)
    beside = judge(uniform(runner, start, wanted)) if len(start.models) > 1 else before
    found: list[tuple[float, float]] = []
    spent: list[float] = []
    for seed in range(seeds):
        began = time.process_time()
        *_, last = tune(runner, start, wanted, seconds=seconds, seed=seed, clock=time.process_time)
        spent.append(time.process_time() - began)
        found.append(judge(last.best.recipe))
    middle = tuple(statistics.median(side) for side in zip(*found, strict=True))
    cells = [f"{worst:.2f}/{mean:.2f}" for worst, mean in (before, beside, middle)]
    print(f"| {name}, {start.merge_method} | {' | '.join(cells)} | {statistics.median(spent):.0f} |", flush=True)


def siblings(seeds: int) -> None:
    """SmolLM2 and two siblings, with the prompts that its tests hold out halved."""
    import random

    import smollm

    home, case = f"{smollm.family()}/", Case("task_arithmetic", ("pirate", "json"), 0.25, 25)
    dice = random.Random(5)
    lessons = {"pirate": smollm.pirate, "json": smollm.extract}
    prompts = {f"{home}{skill}": list(dict.fromkeys(lesson(dice)[0] for _ in range(12)))[:5] for skill, lesson in lessons.items()}
    probes = [Probe("pirate", p, "Arr!", "within") for p in smollm.HELD_OUT["pirate"]]
    runner = Runner(Parents())
    told = score(runner.parent(f"{home}json"), [Probe("json", p, "{", "within") for p in smollm.HELD_OUT["json"]]).answers
    probes += [Probe("json", answer.prompt, answer.said) for answer in told]
    one("smollm", runner, recipe(home, case), case.seconds, seeds, partial(judged, runner, probes=probes), prompts)


def presets(seeds: int) -> None:
    """SmolLM2 with the LoRAs pirate and json that ship, from a quarter of each: ten held-out prompts of each skill are tuned
    for, the other ten judged as their card does (scripts/smollm2_data.py)."""
    import smollm
    import smollm2_data as data

    base, skills = str(smollm.base()), ("pirate", "json")
    own = {skill: f"{base}+presets/smollm2/{skill}" for skill in skills}
    models = [{"model": own[skill], "parameters": {"weight": 0.25}} for skill in skills]
    start = load(json.dumps({"merge_method": "task_arithmetic", "base_model": base, "models": models, "dtype": "bfloat16"}))
    runner = Runner(Parents(roots=[ROOT]))

    def judge(made: Recipe) -> tuple[float, float]:
        shares: list[float] = []
        for skill in skills:
            asked = data.HELD_OUT[skill][1::2]
            said = generate_batch(runner.merged(made), asked, 40)
            shares.append(sum(data.RIGHT[skill](p, text) for p, text in zip(asked, said, strict=True)) / len(asked))
        return min(shares), sum(shares) / len(shares)

    one("pirate + json LoRAs of SmolLM2", runner, start, 25, seeds, judge, {own[s]: data.HELD_OUT[s][::2] for s in skills})


REAL = {"smollm": siblings, "presets": presets}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join([*CASES, *REAL]))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| case | start | best single weight | tuned | seconds |\n|---|---|---|---|---|", flush=True)
    probes = read_probes(ROOT / "presets" / "probes.json", "score")
    for name in options.cases:
        if name in REAL:
            REAL[name](options.seeds)
            continue
        case, runner = CASES[name], Runner(Parents(roots=[ROOT]))
        start, own = recipe(HOME, case), [probe for probe in probes if probe.skill in case.models]
        asked = {model: some for model, some in family_prompts(start).items() if model is not None}
        one(name, runner, start, case.seconds, options.seeds, partial(judged, runner, probes=own), asked)


if __name__ == "__main__":
    main()
