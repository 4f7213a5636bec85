"""What slopes cost beside an answer: SmolLM2-135M and two siblings, one thread, medians of three.

python benchmarks/slopes.py [--prompts 4] [--dtype float32]
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import smollm  # noqa: E402

from merger.chat.batch import generate_ids  # noqa: E402
from merger.engine.session import Parents  # noqa: E402
from merger.recipe import Recipe, load  # noqa: E402
from merger.search.slopes import said, slopes  # noqa: E402
from merger.search.trials import Runner  # noqa: E402

TOKENS = 15


def middle(do: Callable[[], object], runs: int = 3) -> float:
    """The median of the processor's seconds; the first run, which fills caches, is left out."""
    found: list[float] = []
    for _ in range(runs + 1):
        began = time.process_time()
        do()
        found.append(time.process_time() - began)
    return statistics.median(found[1:])


def siblings(dtype: str) -> Recipe:
    """SmolLM2's two siblings, half of each."""
    home = f"{smollm.family()}/"
    models = [{"model": home + name, "parameters": {"weight": 0.5}} for name in ("pirate", "json")]
    text = {"merge_method": "task_arithmetic", "base_model": f"{home}base", "models": models, "dtype": dtype}
    return load(json.dumps(text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=4)
    parser.add_argument("--dtype", default="float32")
    options = parser.parse_args()
    torch.set_num_threads(1)
    home = f"{smollm.family()}/"
    runner, recipe = Runner(Parents()), siblings(options.dtype)
    who = runner.merged(recipe)
    prompts = [*smollm.HELD_OUT["pirate"], *smollm.HELD_OUT["json"]][: options.prompts]
    examples = {"pirate": said(runner.parent(f"{home}pirate"), prompts, TOKENS, listener=who)}
    answer = middle(lambda: generate_ids(who, prompts[:1], TOKENS))
    cost = middle(lambda: slopes(runner, recipe, examples, ["weight"]))
    print(
        f"an answer of {TOKENS} tokens {answer:.2f} s; slopes of {len(prompts)} prompts {cost:.2f} s: {cost / answer:.2f} answers"
    )


if __name__ == "__main__":
    main()
