"""What the verdict says a merge takes against what it takes: memory of its own and time, every method, in a process of its own.

    python benchmarks/estimates.py                  every method, at 135M and at the shapes of 1.17B, into docs/performance.md
    python benchmarks/estimates.py --methods ties knots --sizes 135M --dry

Memory of its own is RssAnon, looked at every 5 ms: mapped files do not count, the system takes them back. Time is of the whole
process on two cores, once more where it takes less than 15 s; the time for which its threads were ready and other programs had
the cores (/proc/*/schedstat) is taken off by its share. At the shapes of 1.17B the models have one layer and a tied head: the
largest tensor decides the memory, and time grows with the elements.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models import ROOT, SIZES, models

sys.path.insert(0, str(ROOT))

from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.inspect.verdict import verdict
from merger.methods import METHODS
from merger.recipe import load

SIZES["1.17B, one layer"] = (1, *SIZES["1.17B"][1:5], True)
MEASURED = ("135M", "1.17B, one layer")
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- estimates:begin -->", "<!-- estimates:end -->"
MEMORY, TIME = 1.5, 3.0
"""How far an estimate may be off, either way."""


@dataclass(frozen=True)
class Row:
    """One method at one size: bytes and seconds, measured and estimated."""

    method: str
    memory: int
    seconds: float
    told_memory: int
    told_seconds: float

    @property
    def off(self) -> tuple[float, float]:
        """Estimate over measured, of memory and time."""
        return self.told_memory / self.memory, self.told_seconds / self.seconds

    @property
    def good(self) -> bool:
        return all(1 / most <= off <= most for off, most in zip(self.off, (MEMORY, TIME), strict=True))


def recipe(method: str, where: Path) -> str:
    """A recipe of a method with base, one and two: trimmed to a half where it trims, as in other benchmarks."""
    about = METHODS[method]
    own = {p.name for p in about.params if p.per_model}
    numbers = {"weight": 0.5, "density": 0.5, "epsilon": 0.1, "gamma": 0.01, "scale": 0.9}
    count = 1 if about.base == "first" or about.models[1] == 1 else 2
    listed = [{"model": str(where / m), "parameters": {n: numbers[n] for n in own}} for m in ("one", "two")[:count]]
    shared = {p.name: 0.4 if method == "slerp" else 0.001 for p in about.params if p.name == "t"}
    whole = {"merge_method": method, "models": listed, "parameters": shared, "dtype": "bfloat16"}
    return json.dumps(whole | ({} if about.base == "ignored" else {"base_model": str(where / "base")}))


def run(method: str, where: Path) -> tuple[int, float]:
    """The most memory of its own and the time of one merge."""
    file, out = where / "estimates.yaml", where / "out"
    file.write_text(recipe(method, where))
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(f"{out}.partial", ignore_errors=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2"}
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "merger", "merge", str(file), str(out), "-q"], cwd=where, env=environment,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    most, looks, threads = 0, 0, dict[str, tuple[int, int]]()
    while process.poll() is None:
        with contextlib.suppress(OSError):
            found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"))
            most = max(most, 1024 * int(found[1]) if found else 0)
        looks += 1
        for task in Path(f"/proc/{process.pid}/task").glob("*/schedstat") if looks % 10 == 0 else ():
            with contextlib.suppress(OSError, ValueError):
                ran, waited, _ = map(int, task.read_text(encoding="ascii").split())
                threads[task.parent.name] = (ran, waited)
        time.sleep(0.005)
    if process.returncode:
        raise SystemExit(f"{method} failed in {where}")
    ran, waited = (sum(column) for column in zip(*threads.values(), strict=True)) if threads else (1, 0)
    return most, (time.monotonic() - started) * ran / max(1, ran + waited)


def measure(size: str, folder: Path, methods: Sequence[str], runs: int) -> Iterator[Row]:
    where = models(size, folder)
    for method in methods:
        found = load(recipe(method, where))
        opened = open_models(found)
        told = verdict(found, opened, make_plan(found, opened))
        first = run(method, where)
        again = [run(method, where) for _ in range(runs if first[1] < 15 else 0)] or [first]
        row = Row(
            method, max(memory for memory, _ in (first, *again)), statistics.median(seconds for _, seconds in again),
            told.memory, told.seconds,
        )  # fmt: skip
        print(f"{size} {method:16} {shown(row)}", file=sys.stderr, flush=True)
        yield row
    shutil.rmtree(where / "out", ignore_errors=True)


def shown(row: Row) -> str:
    memory, seconds = row.off
    return (
        f"{row.memory / 1e6:,.0f} MB | {row.told_memory / 1e6:,.0f} MB | {memory:.2f} | {row.seconds:.1f} s | "
        f"{row.told_seconds:.1f} s | {seconds:.2f}{'' if row.good else ' **off**'}"
    )


def table(found: dict[str, list[Row]], before: Sequence[str] = ()) -> str:
    """The table's lines; before: those of the page, of which what was not measured now stays."""
    lines = {_key(line): line for line in before}
    lines |= {(size, row.method): f"| {size} | {row.method} | {shown(row)} |" for size, rows in found.items() for row in rows}
    order = [(size, method) for size in MEASURED for method in METHODS]
    head = ["| models | method | memory | told | ratio | time | told | ratio |", "|---|---|---:|---:|---:|---:|---:|---:|"]
    return "\n".join([*head, *(lines[key] for key in order if key in lines)])


def _key(line: str) -> tuple[str, str]:
    size, method = (cell.strip() for cell in line.strip("| ").split("|")[:2])
    return size, method


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", nargs="+", default=list(MEASURED), choices=MEASURED)
    options.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    options.add_argument("--runs", type=int, default=1)
    options.add_argument("--folder", type=Path, default=ROOT / ".cache/bench", help="where the models are kept")
    options.add_argument("--dry", action="store_true", help="print only")
    given = options.parse_args()
    found = {size: list(measure(size, given.folder, given.methods, given.runs)) for size in given.sizes}
    if given.dry:
        print(table(found))
        return
    page = PAGE.read_text(encoding="utf-8")
    if BEGIN not in page:
        raise SystemExit(f"{PAGE} has no {BEGIN}")
    before = [line for line in page.split(BEGIN)[1].split(END)[0].splitlines() if line.startswith("| 1")]
    text = f"{BEGIN}\n{table(found, before)}\n{END}"
    PAGE.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: text, page, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
