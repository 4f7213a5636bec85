"""What `make` decides before it installs anything: which build of PyTorch."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch_cpu
from browsing import ROOT


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A Linux without torch and without a card."""
    monkeypatch.setattr(torch_cpu.platform, "system", lambda: "Linux")
    monkeypatch.setattr(torch_cpu.shutil, "which", lambda _: None)
    monkeypatch.setattr(torch_cpu, "CARDS", ("/nowhere/card",))
    monkeypatch.setattr(torch_cpu.importlib.util, "find_spec", lambda _: None)
    return monkeypatch


@pytest.fixture
def installed(bare: pytest.MonkeyPatch) -> list[list[str]]:
    """What pip was asked for; it succeeds."""
    asked: list[list[str]] = []

    def run(command: list[str], **_: Any) -> Any:
        asked.append(command)
        return SimpleNamespace(returncode=0)

    bare.setattr(torch_cpu.subprocess, "run", run)
    return asked


def test_the_cpu_build_is_taken_where_there_is_no_card(
    bare: pytest.MonkeyPatch, installed: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    bare.setattr(torch_cpu, "reachable", lambda: True)
    torch_cpu.main(["--no-cache-dir"])
    [command] = installed
    assert command[-4:] == ["--no-cache-dir", "--index-url", "https://download.pytorch.org/whl/cpu", torch_cpu.requirement()]
    assert torch_cpu.requirement().startswith("torch>=") and "CPU build" in capsys.readouterr().out


def test_an_index_that_cannot_be_reached_is_told(
    bare: pytest.MonkeyPatch, installed: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    bare.setattr(torch_cpu, "INDEX", "http://127.0.0.1:9/whl/cpu")
    bare.setattr(torch_cpu, "reachable", lambda real=torch_cpu.reachable: real("http://127.0.0.1:9/whl/cpu"))
    torch_cpu.main([])
    assert installed == []
    said = "http://127.0.0.1:9/whl/cpu cannot be reached: torch comes from pip's usual index; "
    assert capsys.readouterr().out == said + "on Linux that may bring some gigabytes of CUDA.\n"


def test_an_index_without_a_build_for_this_machine_is_told(bare: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    bare.setattr(torch_cpu, "reachable", lambda: True)
    bare.setattr(torch_cpu.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1))
    torch_cpu.main([])
    assert "had no torch for this machine: torch comes from pip's usual index" in capsys.readouterr().out


@pytest.mark.parametrize("why", ["mac", "nvidia-smi", "card", "torch", "index", "more index"])
def test_torch_is_left_alone(why: str, bare: pytest.MonkeyPatch, installed: list[list[str]]) -> None:
    arguments = {"index": ["--index-url", "https://x"], "more index": ["--extra-index-url=https://x"]}.get(why, [])
    if why == "mac":
        bare.setattr(torch_cpu.platform, "system", lambda: "Darwin")
    elif why == "nvidia-smi":
        bare.setattr(torch_cpu.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    elif why == "card":
        bare.setattr(torch_cpu, "CARDS", ("/nowhere/card", __file__))
    elif why == "torch":
        bare.setattr(torch_cpu.importlib.util, "find_spec", lambda _: object())
    bare.setattr(torch_cpu, "reachable", lambda: pytest.fail("asked the index"))
    torch_cpu.main(arguments)
    assert installed == []


def test_make_asks_before_it_installs() -> None:
    """With the arguments that are for pip."""
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", "PIP_ARGS=--no-cache-dir", ".venv/.run"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if "torch_cpu" in line or "-r requirements.txt" in line]
    assert lines[0].endswith("python scripts/torch_cpu.py --no-cache-dir") and "-r requirements.txt" in lines[1]


def test_it_needs_nothing_but_python() -> None:
    """A fresh environment has no package yet."""
    command = [sys.executable, "-I", "-S", str(ROOT / "scripts" / "torch_cpu.py"), "--no-index"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""
