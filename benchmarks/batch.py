"""Batch merging against mergekit and against what the machine must do: whole processes, interleaved, medians of ratios.

    python benchmarks/batch.py                      every table (an hour with mergekit at 1.17B)
    python benchmarks/batch.py --quick              under a minute, small models
    python benchmarks/batch.py --sizes 1.17B --methods ties linear --runs 1
    python benchmarks/batch.py --sizes 1.17B --cap 700 300
    python benchmarks/batch.py --sizes 135M 1.17B 3B --only memory

Each run starts fresh and writes a new folder. mergekit runs from its own environment (--peer, or `make oracle`); without it
only our time and the floors are measured. A ratio is mergekit's time over ours.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models import MODELS, ROOT, models

METHODS = ("ties", "dare_ties", "della", "breadcrumbs", "slerp", "linear", "task_arithmetic", "model_stock")
# Ratios to reach: size -> method -> (floor, aim)
GOALS: dict[str, dict[str, tuple[float, float]]] = {
    "1.17B": {"ties": (15, 35), "dare_ties": (8, 20), "della": (8, 20), "breadcrumbs": (8, 20), "slerp": (6, 9),
        "linear": (3.5, 10), "task_arithmetic": (3.5, 10), "model_stock": (3.5, 10)},
    "135M": {"ties": (6, 20), "slerp": (4, 15), "linear": (3.5, 12)},
}  # fmt: skip
CGROUP = Path("/sys/fs/cgroup/memory/merger-bench")


@dataclass
class Times:
    """Seconds of one command's runs: on the clock, until what it wrote is on the disk, and of all processors."""

    wall: list[float] = field(default_factory=list)
    settled: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def shown(self) -> str:
        """Medians, with the range of the wall time."""
        return f"{mid(self.wall):7.2f} [{min(self.wall):.2f}-{max(self.wall):.2f}]  cpu {mid(self.cpu):6.2f}"


def mid(values: Sequence[float]) -> float:
    return statistics.median(values)


def recipe(method: str, where: Path) -> str:
    """The recipe of one method over base, one and two; full paths, as mergekit asks the Hub about short ones."""
    both = [{"model": "one", "parameters": {"weight": 0.6, "density": 0.5}},
        {"model": "two", "parameters": {"weight": 0.4, "density": 0.5}}]  # fmt: skip
    whole: dict[str, object] = {"merge_method": method, "base_model": "base", "models": both, "dtype": "bfloat16"}
    if method == "slerp":
        whole |= {"models": [{"model": "base"}, {"model": "one"}], "parameters": {"t": 0.4}}
    elif method == "linear":
        del whole["base_model"]
        shares = (("base", 0.2), ("one", 0.5), ("two", 0.3))
        whole["models"] = [{"model": m, "parameters": {"weight": w}} for m, w in shares]
    elif method == "model_stock":
        whole["models"] = [{"model": "one"}, {"model": "two"}]
    elif method == "della":
        whole["parameters"] = {"epsilon": 0.1}
    text = json.dumps(whole)
    for name in MODELS:
        text = text.replace(f'"{name}"', json.dumps(str(where / name)))
    return text


class Bench:
    """Commands on one size's models, each in a new process and into a new folder."""

    def __init__(self, size: str, folder: Path, peer: Path | None) -> None:
        self.size, self.peer = size, peer
        self.where = models(size, folder)
        self.out = self.where / "out"

    def ours(self, method: str) -> list[str]:
        return [sys.executable, "-m", "merger", "merge", str(self._recipe(method)), str(self.out), "-q"]

    def theirs(self, method: str) -> list[str]:
        return [str(self.peer), str(self._recipe(method)), str(self.out)]

    def _recipe(self, method: str) -> Path:
        file = self.where / f"{method}.yaml"
        file.write_text(recipe(method, self.where))
        return file

    def inputs(self) -> list[str]:
        """The models' weight files."""
        return [str(f) for name in MODELS for f in sorted((self.where / name).glob("*.safetensors"))]

    def run(self, command: list[str], times: Times, before: Callable[[], None] = lambda: None) -> None:
        """Time one command; the output is deleted and the disk is settled outside of the time."""
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.rmtree(f"{self.out}.partial", ignore_errors=True)  # of a run that was killed
        os.sync()
        before()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=self.where, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        took = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{said.decode(errors='replace')[-2000:]}")
        os.sync()
        times.settled.append(time.monotonic() - started)
        times.wall.append(took)
        times.cpu.append(used.ru_utime + used.ru_stime)

    def compare(self, methods: Sequence[str], runs: int) -> Iterator[tuple[str, Times, Times | None]]:
        """Ours and theirs, in turn."""
        for method in methods:
            ours, theirs = Times(), Times()
            self.run(self.ours(method), Times())  # hashes the parents' files once, builds the kernels, warms the page cache
            for _ in range(runs):
                self.run(self.ours(method), ours)
                if self.peer:
                    self.run(self.theirs(method), theirs)
                    self.run(self.ours(method), ours)
            yield method, ours, theirs if self.peer else None

    def floors(self, runs: int) -> Iterator[str]:
        """Warm against `cp` of the output and importing torch; cold against one `cat` of the inputs."""
        warm, copy, load, cold, cat = (Times() for _ in range(5))
        inputs = self.inputs()
        self.run(self.ours("ties"), Times())
        model = self.where / "model"
        shutil.rmtree(model, ignore_errors=True)
        self.out.rename(model)
        for _ in range(runs):
            self.run(self.ours("ties"), warm)
            self.run(["cp", "-r", str(model), str(self.out)], copy)
            self.run([sys.executable, "-c", "import torch"], load)
            self.run(self.ours("ties"), cold, lambda: evict(inputs))
            self.run(["sh", "-c", 'cat "$@" > /dev/null', "cat", *inputs], cat, lambda: evict(inputs))
        shutil.rmtree(model)
        floor = mid(copy.wall) + mid(load.wall)
        yield f"warm TIES  {warm.shown()}   cp {mid(copy.wall):.2f} + import torch {mid(load.wall):.2f} = {floor:.2f} s"
        yield goal("  ratio to the floor (wall)", mid(warm.wall) / floor, 3.2, 2.0, below=True)
        yield f"cold TIES  {cold.shown()}   one cat of the inputs {mid(cat.wall):.2f} s"
        yield goal("  ratio to the cat (wall)", mid(cold.wall) / mid(cat.wall), 1.5, 1.0, below=True)

    def memory(self) -> Iterator[str]:
        """The most anonymous memory of a TIES merge, and its time under a hard cap that counts the page cache too."""
        free = Times()
        self.run(self.ours("ties"), free)
        yield f"{self.size} anonymous memory, TIES: {anonymous(self.ours('ties'), self)} MB; warm, uncapped {free.shown()}"

    def capped(self, caps: Sequence[int], runs: int, where: str) -> Iterator[str]:
        """Its time under hard limits (MiB) that count the page cache too, against without one, in turn.

        where  the inputs are: "memory", as others have read them, or "disk"
        """
        inputs = self.inputs()
        prepare: Callable[[Sequence[str]], None] = touch if where == "memory" else evict
        self.run(self.ours("ties"), Times())
        free, under = Times(), {cap: Times() for cap in caps}
        try:
            CGROUP.mkdir(exist_ok=True)
            for _ in range(runs):
                self.run(self.ours("ties"), free, lambda: prepare(inputs))
                for cap in caps:
                    (CGROUP / "memory.limit_in_bytes").write_text(f"{cap}M")
                    inside = ["sh", "-c", f'echo $$ > {CGROUP}/cgroup.procs; exec "$@"', "sh", *self.ours("ties")]
                    self.run(inside, under[cap], lambda: prepare(inputs))
        except OSError as error:
            yield f"no memory cgroup (version 1) can be made here ({error}): caps were not tried"
            return
        finally:
            with contextlib.suppress(OSError):
                CGROUP.rmdir()
        yield f"{self.size} TIES, inputs from {where}: no cap {free.shown()}; until it is on the disk {mid(free.settled):.2f}"
        for cap, times in under.items():
            yield f"  under {cap} MiB {times.shown()}; until it is on the disk {mid(times.settled):.2f}"
            yield goal("    over no cap", mid(times.wall) / mid(free.wall), 1.15, 1.15, below=True)
            yield f"    over no cap, until it is on the disk {mid(times.settled) / mid(free.settled):.2f}"


def anonymous(command: list[str], bench: Bench) -> int:
    """The most memory of its own (RssAnon) a command has had, in MB, looked at every 10 ms."""
    shutil.rmtree(bench.out, ignore_errors=True)
    process = subprocess.Popen(
        command, cwd=bench.where, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL
    )  # fmt: skip
    most = 0
    while process.poll() is None:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("RssAnon"):
                    most = max(most, int(line.split()[1]))
        time.sleep(0.01)
    return most * 1024 // 1_000_000


def evict(files: Sequence[str]) -> None:
    """Take these files out of the page cache, and no others."""
    for file in files:
        handle = os.open(file, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def touch(files: Sequence[str]) -> None:
    """Have these files in the page cache, charged to nobody with a limit."""
    for file in files:
        with Path(file).open("rb", buffering=0) as stream:
            while stream.read(1 << 24):
                pass


def goal(label: str, value: float, floor: float, aim: float, below: bool = False) -> str:
    """A ratio with what it should be."""
    met = (value <= floor, value <= aim) if below else (value >= floor, value >= aim)
    word = "aim met" if met[1] else "floor met" if met[0] else "NOT MET"
    return f"{label} {value:6.2f}   floor {floor:g}, aim {aim:g}: {word}"


def table(size: str, rows: Iterator[tuple[str, Times, Times | None]]) -> None:
    for method, ours, theirs in rows:
        print(f"{size:6} {method:16} ours {ours.shown()}", flush=True)
        if theirs is None:
            continue
        print(f"{'':23} mergekit {theirs.shown()}")
        wanted = GOALS.get(size, {}).get(method)
        for kind in ("wall", "cpu"):
            ratio = mid(getattr(theirs, kind)) / mid(getattr(ours, kind))
            label = f"{'':23} ratio of {kind:4}"
            print(goal(label, ratio, *wanted) if wanted else f"{label} {ratio:6.2f}", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="tiny models, one run of mergekit: under a minute")
    options.add_argument("--sizes", nargs="+", default=["135M", "1.17B"], choices=["tiny", "135M", "1.17B", "3B"])
    options.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--peer", type=Path, default=ROOT / ".cache/oracle/bin/mergekit-yaml")
    options.add_argument("--folder", type=Path, default=ROOT / ".cache/bench", help="where the models are kept")
    options.add_argument("--cap", type=int, nargs="+", metavar="MIB", help="only TIES under these hard memory limits")
    options.add_argument("--only", choices=["ratios", "floors", "memory"], help="one of the tables")
    given = options.parse_args()
    peer = given.peer.absolute() if given.peer.is_file() else None
    sizes, methods, runs = (["tiny"], ["ties", "linear"], 1) if given.quick else (given.sizes, given.methods, given.runs)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}; {'mergekit: ' + str(peer) if peer else 'without mergekit'}")
    for size in sizes:
        bench = Bench(size, given.folder, peer)
        if given.cap:
            for where in ("memory", "disk"):
                print(*bench.capped(given.cap, runs, where), sep="\n", flush=True)
            shutil.rmtree(bench.out, ignore_errors=True)
            continue
        if given.only in (None, "ratios") and size != "3B":
            table(size, bench.compare(methods, runs))
        if given.only in (None, "floors") and size != "3B":
            print(*bench.floors(runs), sep="\n", flush=True)
        if given.only in (None, "memory") and not given.quick:
            print(*bench.memory(), sep="\n", flush=True)
            if size != "3B":
                for where in ("memory", "disk"):
                    print(*bench.capped((700, 300), runs, where), sep="\n", flush=True)
        shutil.rmtree(bench.out, ignore_errors=True)


if __name__ == "__main__":
    main()
