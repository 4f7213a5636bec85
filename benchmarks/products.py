"""Half precision on this processor, as torch multiplies it and by way of float32: SmolLM2-135M, one thread, in turn.

    python benchmarks/products.py [--dtype bfloat16] [--runs 5]

Seconds of the processor, medians. Where torch has such products of its own (AVX-512 for bfloat16) there is nothing to win, and
the program takes its own; `--dtype float16` is slow on most processors.
"""

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import smollm  # noqa: E402
from slopes import siblings  # noqa: E402

from merger.chat import products, reuse  # noqa: E402
from merger.chat.batch import generate_ids  # noqa: E402
from merger.chat.model import ChatModel  # noqa: E402
from merger.engine.session import Parents  # noqa: E402
from merger.search.slopes import Mix, said, slopes  # noqa: E402
from merger.search.trials import Runner  # noqa: E402

TOKENS = 24
LONG = "Tell me what a river is. " * 40


COUNT = itertools.count()


def first_word(who: ChatModel, prompt: str) -> None:
    """Read a prompt that was never read, and say one word."""
    next(iter(who.tokens(f"{next(COUNT)}: {prompt}", 1)), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16"])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    runner, recipe = Runner(Parents()), siblings(options.dtype)
    who = runner.merged(recipe)
    prompts = [*smollm.HELD_OUT["pirate"], *smollm.HELD_OUT["json"]][:8]
    examples = {"pirate": said(who, prompts, TOKENS)}
    mix = Mix(runner, recipe, ["weight"])
    asked: dict[str, Callable[[], object]] = {
        f"the first word after {len(who.encode(prompts[0]))} tokens": lambda: first_word(who, prompts[0]),
        f"the first word after {len(who.encode(LONG))} tokens": lambda: first_word(who, LONG),
        f"{len(prompts)} answers of {TOKENS} tokens together": lambda: generate_ids(who, prompts, TOKENS),
        f"-log P of {len(prompts)} answers": lambda: mix.hear(examples),
        f"slopes of {len(prompts)} answers": lambda: slopes(runner, recipe, examples, ["weight"]),
    }
    native = products.slow(getattr(torch, options.dtype))
    print(
        f"{options.dtype}, {torch.backends.cpu.get_cpu_capability()}: the program takes {'float32' if native else 'torch’s own'}"
    )
    for name, do in asked.items():
        taken: dict[bool, list[float]] = {False: [], True: []}
        for run in range(options.runs + 1):
            for ours in taken:
                products.slow = lambda _, ours=ours: ours  # type: ignore[assignment]
                reuse.PROBED.clear()
                _ = who.probed
                began = time.process_time()
                do()
                if run:
                    taken[ours].append(time.process_time() - began)
        torch_own, ours_too = (statistics.median(taken[which]) for which in (False, True))
        print(f"{name}: {torch_own:.2f} s as torch does, {ours_too:.2f} s by float32: {torch_own / ours_too:.1f} times")


if __name__ == "__main__":
    main()
