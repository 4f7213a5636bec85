"""The second voice against the first: from letting go of a bar to the first word, words a second, memory; under a limit.

    python benchmarks/voice.py [--size 1.17B] [--folder DIR] [--limit 2000] [--threads 1]

TIES of a base and two fine-tunes. The second voice (llama.cpp, 8 bits) runs in a memory cgroup of so many MiB that counts files'
pages, too, where one can be made; the first without a limit. Each in a process of its own, on so many threads.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batch import recipe
from models import ROOT, models

sys.path.insert(0, str(ROOT))
PACKAGES = ROOT / ".cache/gguf"
CGROUP = Path("/sys/fs/cgroup/memory/merger-voice")
MOVES, WORDS, PROMPT = 8, 32, 37
LAYER = 5


@contextlib.contextmanager
def own_memory(found: dict[str, Any]) -> Iterator[None]:
    """Note the most memory of this process's own (RssAnon) in MB, looked at every 10 ms."""
    done, most = threading.Event(), [0]

    def look() -> None:
        while not done.wait(0.01):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    most[0] = max(most[0], int(line.split()[1]) // 1024)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        found["own MB"] = most[0]


class Clock:
    """Seconds on the clock and of this process's processors since it was made: on a busy machine the second tell more."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def __call__(self) -> tuple[float, float]:
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


def mid(times: list[tuple[float, float]]) -> str:
    """Medians of both."""
    wall, cpu = zip(*times, strict=True)
    return f"{statistics.median(wall):.3f} (processors {statistics.median(cpu):.3f})"


def measure(who: str, where: Path, threads: int) -> dict[str, Any]:
    """One voice in this process."""
    import torch

    from merger.chat.model import TokenIds
    from merger.engine.session import Parents
    from merger.recipe import load
    from merger.search.llama import LlamaRunner
    from merger.search.trials import Runner

    torch.set_num_threads(threads)
    os.chdir(where)
    text = json.loads(recipe("ties", where))
    layers = json.loads((where / "base/config.json").read_text())["num_hidden_layers"]

    def at(weight: float, *, everywhere: bool = False) -> Any:
        curve = [weight if everywhere or i == LAYER else 0.6 for i in range(layers)]
        text["models"][0]["parameters"]["weight"] = curve
        return load(json.dumps(text))

    ids = [3 + 7 * i % 250 for i in range(PROMPT)]
    found: dict[str, Any] = {}
    with own_memory(found):
        runner = LlamaRunner(Parents(), "q8_0", threads=threads) if who == "llama" else Runner(Parents())
        clock = Clock()
        voice = runner.merged(at(0.6))
        found["first filling s"] = mid([clock()])
        found["checked"] = getattr(voice, "checked", "")
        for kind in ("one layer", "all"):
            to_first, merging = list[tuple[float, float]](), list[tuple[float, float]]()
            for i in range(MOVES if kind == "one layer" else 2):
                clock = Clock()
                voice = runner.merged(at(0.1 + 0.05 * i, everywhere=kind == "all"))
                merging.append(clock())
                next(voice.tokens(TokenIds.of(ids), 1), None)
                to_first.append(clock())
            found[f"{kind}: merged s"], found[f"{kind}: first word s"] = mid(merging), mid(to_first)
        alone = list[tuple[float, float]]()
        for i in range(MOVES):  # another prompt as long, the weights as they are: what a move and its first word are held against
            clock = Clock()
            next(voice.tokens(TokenIds.of([4 + i + 7 * k % 250 for k in range(PROMPT)]), 1), None)
            alone.append(clock())
        found["prompt alone s"] = mid(alone)
        steps = voice.forward.steps(ids, WORDS) if who == "llama" else None
        times = list[tuple[float, float]]()
        if steps is not None:
            for _ in range(WORDS):
                clock = Clock()
                ids.append(int(next(steps)[0].argmax()))
                times.append(clock())
        else:
            with torch.inference_mode():
                out = voice.forward.call(ids, None, 1)
                for _ in range(WORDS):
                    token, cache = int(out.logits[0, -1].argmax()), out.past_key_values
                    clock = Clock()
                    out = voice.forward.call([token], cache, 1)
                    times.append(clock())
        found["a word s"] = mid(times[1:])
    return found


def apart(who: str, where: Path, limit: int | None, threads: int) -> dict[str, Any]:
    """One voice in a process of its own, under a limit in MiB if one is given; "limit" tells whether there was one."""
    own = [sys.executable, __file__, "--measure", who, "--folder", str(where), "--threads", str(threads)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(PACKAGES)]), "OMP_NUM_THREADS": str(threads)}
    limited = False
    if limit is not None:
        with contextlib.suppress(OSError):
            CGROUP.mkdir(exist_ok=True)
            (CGROUP / "memory.limit_in_bytes").write_text(f"{limit}M")
            own, limited = ["sh", "-c", f'echo $$ > {CGROUP}/cgroup.procs; exec "$@"', "sh", *own], True
    try:
        done = subprocess.run(own, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            return {"failed": done.stderr.strip()[-600:] or f"ended with {done.returncode}", "limit": limited}
        return {**json.loads(done.stdout.splitlines()[-1]), "limit": limited}
    finally:
        with contextlib.suppress(OSError):
            CGROUP.rmdir()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--size", default="1.17B")
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "merge-bench")
    options.add_argument("--limit", type=int, default=2000, help="MiB for the second voice")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--measure", choices=("llama", "model"), help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure, asked.folder, asked.threads)))
        return
    where = models(asked.size, asked.folder)
    for who, limit in (("llama", asked.limit), ("model", None)):
        print(f"{asked.size}, {who}, {asked.threads} threads, load {os.getloadavg()[0]:.1f}")
        for name, value in apart(who, where, limit, asked.threads).items():
            print(f"  {name}: {value}", flush=True)


if __name__ == "__main__":
    main()
