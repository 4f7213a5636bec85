"""CONTRIBUTING's four steps to add a method, followed by the letter in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FUNCTION = '''

@method(source="Nobody 2026, arXiv:0000.00000, section 1", says="the mean of the smallest and the largest change")
def midrange(deltas: Tensor, lambda_: Lambda = 1.0) -> Tensor:
    """The mean of the smallest and the largest of the changes. deltas (n, *shape) -> (*shape).

    >>> midrange(torch.tensor([[1.0, 3.0], [2.0, 2.0], [9.0, 2.0]]))
    tensor([5.0000, 2.5000])

    Deviation from the paper: none, there is no paper.
    Source: Nobody 2026, arXiv:0000.00000.
    """
    return lambda_ * (deltas.amin(0) + deltas.amax(0)) / 2
'''
ROW = '    "midrange": [((A, B), {"lambda_": 2}, [[6.0, 2.0], [-4.0, 1.0]])],  # A + B\n'


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """What the steps touch and what they run."""
    for folder in ("merger", "docs", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    for name in ("conftest.py", "browsing.py", "pretended.py", "tiny.py", "test_methods.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    yield tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def tried(folder: Path) -> tuple[int, str]:
    """The method's doctest, its row by hand, the row that every method must have, and the laws, for this method alone."""
    which = "midrange or every_method_has_a_row"
    done = run(
        folder, "-m", "pytest", "-q", "-n", "0", "-k", which, "merger/methods/deltas.py", "tests/test_methods.py", "--tb=line"
    )
    return done.returncode, done.stdout + done.stderr


def write(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, after), encoding="utf-8")


@pytest.mark.long
def test_the_four_steps_are_four_and_no_other_edit_is_needed(copy: Path) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Add a method in 4 steps")[1].split("\n## ")[0]
    assert re.findall(r"^(\d)\. (\S+ \S+ \S+)", section, re.MULTILINE) == [
        ("1", "Write the function"), ("2", "Docstring: one line,"), ("3", "One golden row:"), ("4", "`make docs check`."),
    ]  # fmt: skip

    deltas = copy / "merger" / "methods" / "deltas.py"
    end = deltas.read_text(encoding="utf-8")
    deltas.write_text(end + FUNCTION, encoding="utf-8")  # steps 1 and 2
    rows = copy / "tests" / "test_methods.py"
    write(
        rows,
        "\n}  # fmt: skip\n\n\ndef test_every_method_has_a_row_by_hand",
        f"\n{ROW}}}  # fmt: skip\n\n\ndef test_every_method_has_a_row_by_hand",
    )  # step 3
    made = run(copy, "scripts/docs.py")  # step 4: make docs ...
    assert made.returncode == 0, made.stderr
    assert "\n## midrange\n" in (copy / "docs" / "methods.md").read_text(encoding="utf-8")
    assert "[`midrange`](docs/methods.md#midrange)" in (copy / "README.md").read_text(encoding="utf-8")
    linted = run(copy, "-m", "ruff", "check", "--no-cache", "merger/methods", "tests/test_methods.py")  # ... check
    assert linted.returncode == 0, linted.stdout
    code, said = tried(copy)
    count = re.search(r"(\d+) passed", said)
    assert code == 0 and count and int(count[1]) > 10, said

    # Each step is asked for: without the row, and with a method that does something else than it says, the tests are red.
    write(rows, ROW, "")
    write(deltas, "lambda_ * (deltas.amin(0) + deltas.amax(0)) / 2", "lambda_ * (deltas.amin(0) + deltas.amax(0)) / 3")
    code, said = tried(copy)
    assert code == 1 and "test_every_method_has_a_row_by_hand" in said and "merger.methods.deltas.midrange" in said, said
