"""Docs cannot rot: what is generated is fresh, and what the README shows runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import docs
from merger import METHODS, limits, load_recipe

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The README's fenced blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder in which the README's relative names mean what they mean in the repository."""
    (tmp_path / "presets").symlink_to(ROOT / "presets")
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_docs_are_fresh() -> None:
    assert (ROOT / "docs" / "methods.md").read_text(encoding="utf-8") == docs.render(), "run `make docs`"
    assert docs.with_table(README) == README, "run `make docs`"


def test_bounds_are_listed_with_their_tests() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert docs.bounds(text) == text, "run `make docs`"
    untested = [name for name, limit in limits.table().items() if not docs.tested(limit)]
    assert not untested, f"a bound wants a test that goes beyond it: {untested}"


def test_every_method_has_a_section_and_a_row() -> None:
    for name in METHODS:
        assert f"\n## {name}\n" in docs.render()
        assert f"](docs/methods.md#{name})" in README


@pytest.mark.long
def test_first_lines_of_python_merge_and_answer(elsewhere: Path) -> None:
    [code] = blocks("python")
    assert len([line for line in code.splitlines() if line]) <= 8
    (elsewhere / "first.py").write_text(code, encoding="utf-8")
    assert "arr" in run(elsewhere, "first.py")
    assert (elsewhere / "my-model" / "config.json").is_file()


@pytest.mark.long
def test_command_lines_run(elsewhere: Path) -> None:
    lines = [shlex.split(line, comments=True) for block in blocks("bash") for line in block.splitlines() if line.strip()]
    assert lines
    for program, *arguments in lines:
        assert program == "python"
        assert run(elsewhere, *arguments)


def test_yaml_runs(elsewhere: Path) -> None:
    [text] = blocks("yaml")
    (elsewhere / "recipe.yaml").write_text(text, encoding="utf-8")
    assert load_recipe(elsewhere / "recipe.yaml").merge_method == "ties"
    assert "tensors" in run(elsewhere, "-m", "merger", "merge", "recipe.yaml", "out")


def test_space_header_is_what_the_hub_accepts() -> None:
    header = yaml.safe_load(README.split("---\n")[1])
    pinned = re.search(r"^gradio>=([\d.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned and header["sdk_version"].startswith(pinned[1])
    assert (ROOT / header["app_file"]).is_file()
    assert len(header["short_description"]) <= 60
    colors = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {header["colorFrom"], header["colorTo"]} <= colors


def test_links_between_documents_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_decisions_are_in_order_and_the_replaced_ones_lead_to_what_replaced_them() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    heads = list(re.finditer(r'^(?:<a id="(\d+)"></a>)?\*\*(\d+)\. ', text, re.MULTILINE))
    assert [int(head[2]) for head in heads] == list(range(1, len(heads) + 1)), "a new decision gets the next number, at the end"
    assert all(head[1] in (None, head[2]) for head in heads), "an anchor is its decision's number"
    anchors = {head[1] for head in heads} - {None}
    for head, end in zip(heads, [*(head.start() for head in heads[1:]), len(text)], strict=True):
        body = text[head.end() : end]
        for shown, target in re.findall(r"\[(\d+)\]\(#(\d+)\)", body):
            assert shown == target and target in anchors, f'{head[2]}: write <a id="{target}"></a> before **{target}.'
        replaced = body.count("replaced by")
        later = re.findall(r"replaced by \[(\d+)\]", body)
        assert replaced == len(later) and all(int(other) > int(head[2]) for other in later), (
            f"{head[2]}: replaced by [a later one](#...)"
        )


def test_no_paths_of_a_machine() -> None:
    files = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", ".ci/run")]
    for file in [*files, *(ROOT / "docs").glob("*.md"), *(ROOT / "scripts").glob("*")]:
        if file.is_file():
            assert not re.search(r"(?<![\w.])/(home|work|root|Users|tmp)/", file.read_text(encoding="utf-8")), file.name
