"""docs/scale.md: its Slurm and submitit lines run as printed, and its simulation of the line is one."""

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from benchmarks.waiting import Visitor, day, services, simulate, together
from merger.engine.batch import merge
from merger.recipe import load

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".cache/ray/bin/python"
TEXT = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
RECIPE = """
merge_method: ties
base_model: in/base
models: [{model: in/one, parameters: {weight: 0.6, density: 0.5}}, {model: in/two, parameters: {weight: 0.4, density: 0.5}}]
"""
# What the lines need of sbatch, as strict as it: it knows these options only, runs a script in the folder it was called in,
# and has an array's tasks end before what depends on them.
SBATCH = """#!{python}
import argparse, os, subprocess, sys
parser = argparse.ArgumentParser(allow_abbrev=False)
for name in ("array", "cpus-per-task", "mem", "dependency", "wrap"):
    parser.add_argument("--" + name)
parser.add_argument("--parsable", action="store_true")
given = parser.parse_args()
done = sorted(int(name.split("-")[1]) for name in os.listdir() if name.startswith("job-"))
if given.dependency:
    kind, _, job = given.dependency.partition(":")
    if kind != "afterok" or not job.isdecimal() or int(job) not in done:
        sys.exit("sbatch: error: Batch job submission failed: Job dependency problem")
    if open("job-" + job).read() != "0":
        sys.exit("the dependency never came true")
first, last = map(int, given.array.split("-")) if given.array else (0, 0)
codes = []
for task in reversed(range(first, last + 1)):  # in whatever order
    more = {{"SLURM_ARRAY_TASK_ID": str(task)}} if given.array else {{}}
    codes.append(subprocess.run(["sh", "-c", given.wrap], env=os.environ | more, stdout=sys.stderr).returncode)
job = max(done, default=4710) + 1
open("job-%d" % job, "w").write(str(max(codes)))
print(job if given.parsable else "Submitted batch job %d" % job)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    tiny.make_family(tmp_path / "in", models=("base", "one", "two"), layers=2)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def smaller(text: str) -> str:
    """Two parts of a model whose files are small; nothing else is another."""
    found = text
    for old, new in (("5GB", "2KB"), ("1-16", "1-2"), ("/16", "/2"), (", 16)", ", 2)"), ("1, 17", "1, 3")):
        found = found.replace(old, new)
    assert "16" not in found and "17" not in found
    return found


def blocks(language: str, word: str) -> list[str]:
    return [text for text in re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL) if word in text]


def same(folder: Path) -> None:
    merge(load(RECIPE), folder / "fresh", roots=[folder], shard_size="2KB", card=False)
    for file in (folder / "fresh").iterdir():
        assert (folder / "out" / file.name).read_bytes() == file.read_bytes(), file.name
    assert not (folder / "out.partial").exists()


def environment(place: Path) -> dict[str, str]:
    tools = place / "tools"
    tools.mkdir()
    for name, text in (
        ("sbatch", SBATCH.format(python=sys.executable)),
        ("merger", f'#!/bin/sh\nexec {sys.executable} -m merger "$@"\n'),
    ):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    return {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.mark.long
def test_the_slurm_lines_run_as_printed(place: Path) -> None:
    (block,) = blocks("bash", "sbatch")
    done = subprocess.run(
        ["bash", "-euc", smaller(block)], cwd=place, env=environment(place), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {file.name: file.read_text() for file in place.glob("job-*")} == {"job-4711": "0", "job-4712": "0"}
    same(place)


@pytest.mark.skipif(not PYTHON.exists(), reason="no submitit here: `make machines` fetches it, with Ray (270 MB)")
@pytest.mark.long
def test_the_submitit_lines_run_as_printed(place: Path) -> None:
    (block,) = blocks("python", "submitit")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [PYTHON, "-c", smaller(block)], cwd=place, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    same(place)


# ---------------------------------------------------------------------------------------------- the line


def test_the_line_is_what_the_theory_says() -> None:
    """One server, arrivals at random, every answer as long: Pollaczek and Khinchine's wait."""
    hour = [Visitor(visitor.comes * 4, 1, (0, 0)) for visitor in day(40_000, 1, 1.0, seed=3)]
    for rho in (0.3, 0.6, 0.8):
        takes = rho * 4 * 3600 / len(hour)
        met = simulate(hour, [takes], most=10**9, patience=math.inf)
        assert math.isclose(met.mean, takes * (1 + rho / (2 * (1 - rho))), rel_tol=0.08), rho
        assert math.isclose(met.busy, rho, rel_tol=0.02)


def test_alone_nobody_waits_and_together_all_do() -> None:
    assert simulate(together(1, 50), [0.5]).seconds == (0.5,) * 50
    crowd = simulate(together(20, 200), [2.0])
    assert math.isclose(crowd.mean, 20 * 2.0 - 8.5, rel_tol=0.05)  # a closed line that never empties: N S - Z
    assert simulate(together(20, 50), [2.0], servers=20).mean < 2.2


def test_services_are_found_in_what_was_asked_and_done() -> None:
    """The simulation's own answers give back what each took."""
    asked = [(0.0, 2.0), (1.0, 3.5), (1.5, 4.0), (9.0, 9.75)]
    assert services(asked[::-1]) == [2.0, 1.5, 0.5, 0.75]


def test_a_slow_while_is_worse_than_slow_answers_here_and_there() -> None:
    takes = [0.2] * 30 + [2.0] * 10 + [0.2] * 20
    burst, spread = (simulate(together(20, 3), takes, in_order=in_order) for in_order in (True, False))
    assert len(burst.seconds) == 60 and burst.at(0.9) > 1.2 * spread.at(0.9)


def test_bounds_and_quota_refuse() -> None:
    many = [Visitor(0, 1, (0, 1)) for _ in range(100)]
    met = simulate(many, [10.0], most=48, patience=math.inf)
    assert (len(met.seconds), met.refused, met.longest) == (48, 52, 48)
    met = simulate(many, [10.0], most=1000, patience=300)
    assert all(second + 1 >= 300 for second in met.seconds[31:]) and met.refused == 100 - len(met.seconds) > 60
    met = simulate([Visitor(0, 10, (1, 1))], [1.0], quota=4)
    assert (len(met.seconds), met.refused) == (4, 6)
