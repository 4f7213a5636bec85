"""What letting go of a bar costs the server: processor time of the page's own callback, 3 models x 80 layers by default.

    python benchmarks/release.py [--models 3] [--layers 80] [--moves 40] [--profile]

A move of one layer, and a stroke through all of them, alternate; each gives other numbers. Timed is `Mixing.release` and what
follows it at once (`judge`, and the plan that the answer asks for), on models of 64 x 128 with a vocabulary of 512: what the
server does between the hand and the merge does not grow with a tensor.
"""

import argparse
import cProfile
import json
import pstats
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "tests")]
import tiny  # noqa: E402

from merger.recipe import load  # noqa: E402
from merger.ui import PRESETS, Panels, lanes, workspace  # noqa: E402
from merger.ui.studio import Studio  # noqa: E402

RECIPE = "{merge_method: ties, base_model: %s, models: [%s], dtype: float32, parameters: {weight: 0.5, density: 0.6}}"


def page(models: int, layers: int, folder: Path) -> tuple[Panels, Any]:
    """The page's panels on models made for it."""
    names = ("base", *(f"m{i}" for i in range(models)))
    made = tiny.make_family(folder, models=names, layers=layers, width=64, ffn=128, vocab=512)
    studio = Studio(PRESETS)
    recipe = load(RECIPE % (made["base"], ", ".join(str(made[n]) for n in names[1:])))
    parents = tuple(str(made[n]) for n in names[1:])
    work = workspace.Workspace(recipe, str(made["base"]), parents, "hello", "", shelf=parents)
    return Panels(studio), work


def main() -> None:
    """Print p50 and p90 in milliseconds of processor time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--layers", type=int, default=80)
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        on, work = page(asked.models, asked.layers, Path(folder))
        value, _ = lanes.describe(on.studio.plan(work.recipe))
        lane = next(iter(value["lanes"]))
        took: dict[str, list[float]] = {"one layer": [], "all layers": []}
        profile = cProfile.Profile()
        for i in range(asked.moves + 4):
            kind = "all layers" if i % 2 else "one layer"
            numbers = list(value["lanes"][lane])
            if i % 2:
                numbers = [round(0.1 + 0.01 * ((i + k) % 80), 4) for k in range(len(numbers))]
            else:
                numbers[5 + i % 40] = round(0.2 + 0.005 * i, 4)
            value["lanes"][lane] = numbers
            sent = json.loads(json.dumps({"lanes": value["lanes"], "seq": i, "followed": True}))
            if asked.profile and i >= 4:
                profile.enable()
            start = time.process_time()
            released = on.mixer.release(work, sent, False, None)
            work = released["work"]
            on.mixer.judge(work)
            on.studio.plan(work.recipe)
            took[kind].append(1e3 * (time.process_time() - start))
            profile.disable()
        for kind, times in took.items():
            times = sorted(times[2:])
            p90 = times[int(0.9 * (len(times) - 1))]
            print(f"{kind}: p50 {statistics.median(times):.1f} ms, p90 {p90:.1f} ms, of {len(times)}")
        if asked.profile:
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


if __name__ == "__main__":
    main()
