"""Tuning without labels: what a better setting of the bars is worth, on prompts that nobody tuned for.

    python benchmarks/tune.py                all cases of the family, three seeds each; a quarter of an hour on one core
    python benchmarks/tune.py four --seeds 1
    python benchmarks/tune.py smollm         SmolLM2-135M and two siblings, as tests/smollm.py makes them

The parents' own answers to half `choose` are the goal; half `score` is judged, exact answers. Beside it: the best single weight
for all models, chosen among 14 by the same prompts and the same measure. Seconds are the processor's, on one thread.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

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


def one(name: str, home: str, seeds: int, probes: Sequence[Probe], prompts: dict[str, Sequence[str]] | None = None) -> None:
    """A row of the table."""
    case = CASES.get(name) or Case("task_arithmetic", ("pirate", "json"), 0.25, 25)
    runner, start = Runner(Parents(roots=[ROOT])), recipe(home, case)
    asked = family_prompts(start) if prompts is None else {f"{home}{model}": some for model, some in prompts.items()}
    wanted = of_parents(runner, start, asked)
    before = judged(runner, start, probes)
    beside = judged(runner, uniform(runner, start, wanted), probes) if len(case.models) > 1 else before
    found: list[tuple[float, float]] = []
    seconds: list[float] = []
    for seed in range(seeds):
        began = time.process_time()
        *_, last = tune(runner, start, wanted, seconds=case.seconds, seed=seed, clock=time.process_time)
        seconds.append(time.process_time() - began)
        found.append(judged(runner, last.best.recipe, probes))
    middle = tuple(statistics.median(side) for side in zip(*found, strict=True))
    cells = [f"{worst:.2f}/{mean:.2f}" for worst, mean in (before, beside, middle)]
    print(f"| {name}, {case.method} | {' | '.join(cells)} | {statistics.median(seconds):.0f} |", flush=True)


def real(seeds: int) -> None:
    """SmolLM2 and two siblings, with the prompts that its tests hold out halved."""
    import random

    import smollm

    home = f"{smollm.family()}/"
    dice = random.Random(5)
    lessons = {"pirate": smollm.pirate, "json": smollm.extract}
    prompts = {skill: list(dict.fromkeys(lesson(dice)[0] for _ in range(12)))[:5] for skill, lesson in lessons.items()}
    probes = [Probe("pirate", p, "Arr!", "within") for p in smollm.HELD_OUT["pirate"]]
    runner = Runner(Parents())
    told = score(runner.parent(f"{home}json"), [Probe("json", p, "{", "within") for p in smollm.HELD_OUT["json"]]).answers
    probes += [Probe("json", answer.prompt, answer.said) for answer in told]
    one("smollm", home, seeds, probes, prompts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join([*CASES, "smollm"]))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| case | start | best single weight | tuned | seconds |\n|---|---|---|---|---|", flush=True)
    probes = read_probes(ROOT / "presets" / "probes.json", "score")
    for name in options.cases:
        if name == "smollm":
            real(options.seeds)
        else:
            one(name, HOME, options.seeds, [probe for probe in probes if probe.skill in CASES[name].models])


if __name__ == "__main__":
    main()
