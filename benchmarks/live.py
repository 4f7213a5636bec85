"""Live merging: one layer and a whole model again after a slider moved, against mergekit's own kernels and a plain copy; and the
way to the first word.

    python benchmarks/live.py            135M and 1.17B
    python benchmarks/live.py --quick    135M alone, mergekit once

mergekit's kernels run in a process of its own environment (--peer: its python), called on the same layer without any start-up.
Answers need the real SmolLM2 that the tests fetch; without it they are left out.
"""

import argparse
import functools
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from batch import goal, recipe
from models import ROOT, models, real_base

sys.path.insert(0, str(ROOT))

from merger.chat.load import chat_model
from merger.chat.model import ChatModel
from merger.engine.session import Parents, Session
from merger.methods.ops import Draws
from merger.recipe import Recipe, load, replace

# size -> method -> (floor, aim): mergekit's time over ours for one layer
GOALS = {"135M": {"ties": (20, 100)}, "1.17B": {"ties": (30, 200)}}
MOVES = {"ties": "density", "dare_ties": "density", "linear": "weight", "slerp": "t", "task_arithmetic": "weight"}
LAYER = ".layers.5."
PEER = """
import glob, json, statistics, sys, time, torch
from mergekit.merge_methods import registry
from mergekit.merge_methods.base import TensorGroup
from safetensors import safe_open
where, runs, found = sys.argv[1], int(sys.argv[2]), {}
for model in ("base", "one", "two"):
    for file in sorted(glob.glob(f"{where}/{model}/*.safetensors")):
        with safe_open(file, "pt") as opened:
            for name in opened.keys():
                if ".layers.5." in name:
                    found.setdefault(name, []).append(opened.get_tensor(name))
both, densities = {"one": 0.6, "two": 0.4}, {"one": 0.5, "two": 0.5}
cases = {"ties": {"weight": both, "density": densities}, "dare_ties": {"weight": both, "density": densities},
    "task_arithmetic": {"weight": both}, "linear": {"weight": {"base": 0.2, "one": 0.5, "two": 0.3}}, "slerp": {"t": 0.4}}
out = {}
for method, parameters in cases.items():
    ids, first = (["base", "one"], 0) if method == "slerp" else (["base", "one", "two"], 0)
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        groups = [TensorGroup.from_tensors(t[: len(ids)], ids=ids, base_index=0, name=n) for n, t in found.items()]
        registry.get(method)(groups, parameters=parameters)
        times.append(time.perf_counter() - started)
    out[method] = statistics.median(times[1:])
print(json.dumps(out))
"""


def milliseconds(act: Callable[[], object], runs: int = 15) -> float:
    """The median of so many calls, after two to warm up."""
    times: list[float] = []
    for _ in range(runs + 2):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return statistics.median(times[2:]) * 1e3


def copy_bandwidth() -> float:
    """Bytes a second that copying bfloat16 moves, read and written, with all threads."""
    a = torch.zeros(1 << 27, dtype=torch.bfloat16)
    b = torch.zeros_like(a)
    return 2 * a.nbytes / (milliseconds(lambda: b.copy_(a), 7) / 1e3)


def layers(size: str, folder: Path, peer: Path | None, runs: int) -> None:
    """One layer and the whole model, after moves of the slider that its method has."""
    where = models(size, folder)
    theirs = json.loads(subprocess.check_output([str(peer), "-c", PEER, str(where), str(min(runs, 5))])) if peer else {}
    bandwidth = copy_bandwidth()
    print(f"{size}: copying moves {bandwidth / 1e9:.1f} GB/s")
    for method, slider in MOVES.items():
        path = f"parameters.{slider}" if slider == "t" else f"models[1].parameters.{slider}"
        moved = functools.partial(move, load(recipe(method, where)), path, moves(slider))
        session = Session(Parents())
        session.apply(moved(True))
        numel = sum(t.numel() for n, t in session.tensors.items() if LAYER in n)
        plans = after_moves(session.prepare, moved, True, 5)
        layer = after_moves(session.apply, moved, True, runs) - plans
        whole = after_moves(session.apply, moved, False, 3) - plans
        speed = 8 * numel / (layer / 1e3) / bandwidth
        print(f"{size} {method:16} layer {layer:8.2f} ms, model {whole:8.1f} ms (planning {plans:.1f} ms); "
              f"{8 * numel / (layer / 1e3) / 1e9:.1f} GB/s at 8 bytes a weight, {speed:.0%} of a copy")  # fmt: skip
        if method in theirs:
            ratio = theirs[method] * 1e3 / layer
            wanted = GOALS.get(size, {}).get(method)
            label = f"{'':12} mergekit's kernels {theirs[method] * 1e3:8.1f} ms, ratio"
            print(goal(label, ratio, *wanted) if wanted else f"{label} {ratio:6.1f}", flush=True)
        known = session.parents.known
        if method == "ties" and known.cuts:
            ladders = known.ladders or {}
            kept = max(r.itemsize * len(r) + (ladders[s].nbytes if s in ladders else 0) for s, r in known.cuts.items())
            print(f"{'':12} thresholds kept: at most {kept} bytes for a tensor and parent")


def after_moves(act: Callable[[Recipe], object], moved: Callable[[bool], Recipe], one_layer: bool, runs: int) -> float:
    """Milliseconds of doing something with the recipe after each of so many moves."""
    return milliseconds(lambda: act(moved(one_layer)), runs)


def move(start: Recipe, path: str, values: Iterator[float], one_layer: bool) -> Recipe:
    """The recipe after the next move: of one layer, or of all."""
    value = next(values)
    return replace(start, path, [{"filter": LAYER, "value": value}, {"value": 0.5}] if one_layer else value)


def moves(slider: str) -> Iterator[float]:
    """Slider positions that are never the same twice in a row, and come back."""
    while True:
        yield from (i / 100 for i in ((37, 62, 45, 71, 53, 29, 66, 41) if slider != "weight" else (41, 44, 39, 47, 43)))


def masks() -> None:
    """DARE's random numbers, in nanoseconds an element on one thread."""
    from merger.kernels import build, cpu

    n = 1 << 24
    draws, x = Draws(0, "w"), torch.empty(n)
    if build.available():
        spent = milliseconds(lambda: cpu.uniform(draws, n, 0), 5)
        print(goal("DARE masks, ns an element (compiled, one thread)", spent * 1e6 / n, 3, 3, below=True))
    print(f"  by torch {milliseconds(lambda: draws.uniform(x, 0), 3) * 1e6 / n:.2f} ns")


def answers(folder: Path) -> None:
    """From the release of a slider to the first word, and the answer that stays the same."""
    where = models("135M", folder)
    real = real_base()
    if real is None:
        print("answers: the real SmolLM2 is not here (run the tests once); left out")
        return
    start = load(recipe("ties", where))
    session = Session(Parents())
    session.apply(start)
    assert session.plan is not None
    who = chat_model(real, session.plan.config, session.tensors)
    prompts = ("What is the capital of France?", "Write one sentence about the sea.", "Add 17 and 25.", "Name three fruits.")
    bares, firsts, shares, lowest = [], [], [], []
    for prompt in prompts:
        bare, first, share, low = hear(who, session, start, prompt)
        bares.append(bare)
        firsts.append(first / bare)
        shares.append(share)
        lowest.append(low)
    kind = f"{next(iter(session.tensors.values())).dtype}, {len(who.encode(prompts[0]))} tokens and more"
    print(f"bare forward of the prompt: {statistics.median(bares):.0f} ms ({kind})")
    print(goal("release to first token, over a bare forward", statistics.median(firsts), 1.25, 1.1, below=True))
    print(goal("an answer that stays after a move, over generating it", statistics.median(shares), 0.1, 0.07, below=True))
    each = ", ".join(f"{share:.3f}" for share in shares)
    print(f"  each prompt: {each}; after a move of the lowest layer {statistics.median(lowest):.3f}")


def hear(who: ChatModel, session: Session, start: Recipe, prompt: str, runs: int = 5) -> tuple[float, float, float, float]:
    """Milliseconds of a bare forward, and of a move until the first token; over generating it, the time of an answer that stays
    after a move of layers 5, 15 and 25 in turn, and of layer 0. The four are measured in turn; medians.
    """
    ids = torch.tensor([who.encode(prompt)])
    rules = {layer: 0.5 for layer in (0, 5, 15, 25)}
    bare, first, same, alone, low = [], [], [], [], []

    def moved(layer: int, value: float) -> tuple[float, float, list[int]]:
        rules[layer] = value
        each = [{"filter": f".layers.{n}.", "value": v} for n, v in rules.items()]
        started = time.perf_counter()
        session.apply(replace(start, "models[1].parameters.density", [*each, {"value": 0.5}]))
        words = who.tokens(prompt, 30)
        said = [next(words).id]
        heard = time.perf_counter()
        said += [t.id for t in words]
        return (heard - started) * 1e3, (time.perf_counter() - started) * 1e3, said

    last = moved(0, 0.5)[2]
    for n in range(3 * runs):
        started = time.perf_counter()
        with torch.inference_mode():
            who.module(input_ids=ids, use_cache=True, logits_to_keep=1)
        bare.append((time.perf_counter() - started) * 1e3)
        token, end, said = moved((5, 15, 25)[n % 3], 0.5 + (n // 3 + 1) / 2000)
        first.append(token)
        same += [end] if said == last else []
        last = said
        if n % 3 == 0:
            started = time.perf_counter()
            list(ChatModel(who.forward, who.tokenizer, who.stops).tokens(prompt, 30))
            alone.append((time.perf_counter() - started) * 1e3)
            _, end, said = moved(0, 0.5 + (n // 3 + 1) / 2000)
            low += [end] if said == last else []
            last = said
    anew = statistics.median(alone)
    return (
        statistics.median(bare), statistics.median(first),
        statistics.median(same or [math.nan]) / anew, statistics.median(low or [math.nan]) / anew,
    )  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--answers", action="store_true", help="only the way to the first word")
    options.add_argument("--sizes", nargs="+", default=["135M", "1.17B"], choices=["tiny", "135M", "1.17B"])
    options.add_argument("--peer", type=Path, default=ROOT / ".cache/oracle/bin/python", help="python with mergekit")
    options.add_argument("--folder", type=Path, default=ROOT / ".cache/bench")
    given = options.parse_args()
    peer = given.peer.absolute() if given.peer.is_file() else None
    if given.answers:
        answers(given.folder)
        return
    for size in ["tiny"] if given.quick else given.sizes:
        layers(size, given.folder, peer, 5 if given.quick else 15)
    masks()
    if not given.quick:
        answers(given.folder)


if __name__ == "__main__":
    main()
