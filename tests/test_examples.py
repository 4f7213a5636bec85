"""The examples run as they stand, in an empty folder, and say what they promise. Each is short."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from browsing import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SAID = {
    "first_merge": "say hello my friend like a pirate: ahoy me matey, arr!\nplural of box: boxes\n",
    "live_session": r"pirate at 0.5: ahoy me matey, arr!   \(\d+ tensors in \d+ ms\)\n(.*\n){3}",
    "own_method": r"\d\d tensors by median: Add the median of the models' changes, weight by weight.*\n",
    "sweep": r"(pirate at 0.[28], plural at 0.[28]: pirate \d.\d\d, plural \d.\d\d, mean \d.\d\d\n){4}",
}


def test_every_example_is_expected_to_say_something() -> None:
    assert [path.stem for path in EXAMPLES] == sorted(SAID)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.long
def test_an_example_runs(path: Path, tmp_path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 40
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(SAID[path.stem], done.stdout), done.stdout
    if path.stem == "live_session":  # without its weight nobody talks like a pirate; the base's tensors are as they were
        assert "pirate at 0.0: dunno." in done.stdout
    if path.stem == "sweep":
        means = [float(mean) for mean in re.findall(r"mean (\S+)", done.stdout)]
        assert means == sorted(means, reverse=True) and means[0] > means[-1]
