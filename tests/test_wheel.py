"""What is installed from the wheel, away from the checkout: `merger merge`, `merger methods`, `merger page`."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from browsing import ROOT

import merger
from merger.__main__ import main

SHIPPED = ("app.py", "LICENSE", "README.md", "pyproject.toml", "requirements.txt")
PLURALS = "presets/pirate_and_plurals.yaml"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as `pip wheel .` makes it; from a copy, since setuptools leaves a folder `build` behind and reuses its files."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SHIPPED:
        shutil.copy(ROOT / name, source)
    for name in ("merger", "presets"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--quiet", "-w", str(out)],
        cwd=source, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and "No matching distribution found for setuptools" in done.stderr:
        pytest.skip("no package registry to fetch setuptools from")
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `merger` of an environment that has this wheel, and of this one only what the wheel asks for."""
    home = tmp_path_factory.mktemp("elsewhere")
    venv.create(home / "env", with_pip=False)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(home / "env"), "platbase": str(home / "env")}))
    here = sysconfig.get_path("purelib")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(home / "env"), "install", "--no-deps", "--no-index", "--quiet", str(wheel)],
        check=True,
    )
    (own / "requirements.pth").write_text(here + "\n")  # torch and its like, which would otherwise be fetched
    (home / "work").mkdir()
    return home / "env" / ("Scripts" if os.name == "nt" else "bin") / "merger"


def away(command: Path) -> dict[str, Any]:
    """How a command is run there: in an empty folder, without this checkout in sight."""
    hidden = ("PYTHONPATH", "HOSTED", "SPACE_ID", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT")
    return {"cwd": command.parents[2] / "work", "env": {k: v for k, v in os.environ.items() if k not in hidden}}


def ran(command: Path, *words: str) -> str:
    done = subprocess.run([str(command), *words], capture_output=True, text=True, check=False, **away(command))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_what_the_wheel_holds(wheel: Path) -> None:
    """Every file of merger/ and presets/; the version of `merger.__version__`; the rest as pyproject says."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        info = {Path(name).name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
    ours = {str(p.relative_to(ROOT).as_posix()) for p in (ROOT / "merger").rglob("*") if p.is_file() and p.suffix != ".pyc"}
    presets = {f"merger/{p.relative_to(ROOT).as_posix()}" for p in (ROOT / "presets").rglob("*") if p.is_file()}
    assert held == ours | presets and "merger/py.typed" in held and len(presets) > 40
    told, project = Parser().parsestr(info["METADATA"]), tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert told["Version"] == merger.__version__ and told["Requires-Python"] == project["requires-python"]
    assert any(line.startswith("gradio<7") for line in told.get_all("Requires-Dist") or ())
    assert "merger = merger.__main__:script" in info["entry_points.txt"] and "Apache License" in info["LICENSE"]


@pytest.mark.long
def test_it_is_the_installed_one(installed: Path) -> None:
    python = installed.with_name("python")
    found = subprocess.run(
        [str(python), "-c", "import merger; print(merger.__file__)"],
        capture_output=True, text=True, check=True, **away(installed),
    )  # fmt: skip
    assert Path(found.stdout.strip()).is_relative_to(installed.parents[1])
    assert ran(installed, "--version") == f"merger {merger.__version__}\n"
    assert "Add the weighted deltas." in ran(installed, "methods", "task_arithmetic")


@pytest.mark.long
def test_it_merges_a_preset(installed: Path, tmp_path: Path) -> None:
    """The same bits as from the checkout; the recipe and its models are those inside, from whatever folder."""
    ran(installed, "merge", PLURALS, str(tmp_path / "away"), "--quiet")
    assert main(["merge", str(ROOT / PLURALS), str(tmp_path / "here"), "--quiet"]) == 0
    assert (tmp_path / "away/model.safetensors").read_bytes() == (tmp_path / "here/model.safetensors").read_bytes()


@pytest.mark.long
def test_what_lies_here_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", PLURALS]) == 0 and "task_arithmetic" in capsys.readouterr().out
    (tmp_path / "presets").mkdir()
    (tmp_path / PLURALS).write_text("merge_method: nonsense\nmodels: [{model: presets/family/base}]\n")
    assert main(["inspect", PLURALS]) == 1 and "nonsense" in capsys.readouterr().err
    for name in ("presets/nothing.yaml", "presets/../pyproject.toml"):
        assert main(["inspect", name]) == 1
        assert capsys.readouterr().err == f"RecipeError: {name}: no such file.\n"


@contextlib.contextmanager
def page(command: Path, *words: str) -> Iterator[str]:
    """`merger page` at a free port; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([str(command), "page", "--port", str(port), *words], stdout=subprocess.DEVNULL, **away(command))
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            assert process.poll() is None, "merger page ended by itself"
            with contextlib.suppress(OSError):
                urllib.request.urlopen(address, timeout=5).close()
                break
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def page_away(installed: Path) -> Iterator[str]:
    with page(installed) as address:
        yield address


@pytest.mark.browser
@pytest.mark.long
def test_its_page_answers_a_preset(page_away: str, open_page: Any) -> None:
    shown = open_page(address=page_away)
    shown.says("ahoy me matey, arr!")
    shown.preset("Only the biggest changes")
    shown.says("r-o-b-o-t")


@pytest.mark.long
def test_its_page_answers_a_program(page_away: str) -> None:
    from gradio_client import Client

    recipe = (ROOT / PLURALS).read_text(encoding="utf-8")
    said = Client(page_away, verbose=False).predict(recipe=recipe, prompt="plural of box", api_name="/ask")
    assert "boxes" in str(said)


@pytest.mark.parametrize("host", ["203.0.113.9", "no such host", "a" * 300])
@pytest.mark.long
def test_a_host_that_is_not_ours(host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_NAME", "")
    assert main(["page", "--host", host]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"MergeError: the page cannot be served at {host}: ") and said.count("\n") == 1


@pytest.mark.long
def test_a_page_that_cannot_be_served_says_why(installed: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [str(installed), "page", "--port", str(port)],
            capture_output=True, text=True, check=False, timeout=60, **away(installed),
        )  # fmt: skip
    where = f"127.0.0.1, port {port}: address already in use"
    expected = f"MergeError: the page cannot be served at {where}. Name another --host or --port.\n"
    assert (done.returncode, done.stderr) == (1, expected)


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1"])
@pytest.mark.long
def test_a_port_is_a_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["page", f"--port={port}"])
    assert f"{port}: a port is a whole number from 1 to 65535." in capsys.readouterr().err


@pytest.mark.long
def test_the_options_reach_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """--share makes it a page for strangers before it is built: no folders, nothing in the owner's name."""
    from merger.ui import serve

    seen: list[Any] = []

    class Made:
        is_running = True
        panels = SimpleNamespace(answers=SimpleNamespace(warm_up=lambda: None))

        def launch(self, **given: Any) -> None:
            seen.append({key: given[key] for key in ("server_name", "server_port", "share", "inbrowser")})

    def built() -> Made:
        seen.append({key: os.environ.get(key) for key in ("HOSTED", "GRADIO_SERVER_NAME", "MERGER_DEVICE")})
        return Made()

    for key in ("HOSTED", "GRADIO_SERVER_NAME", "MERGER_DEVICE"):
        monkeypatch.setenv(key, "")
    monkeypatch.setattr(serve, "build_app", built)
    assert main(["page"]) == 0
    assert seen == [
        {"HOSTED": "", "GRADIO_SERVER_NAME": "", "MERGER_DEVICE": ""},
        {"server_name": None, "server_port": None, "share": None, "inbrowser": False},
    ]
    seen.clear()
    assert main(["page", "--host", "127.0.0.1", "--device", "cpu", "--share", "--open"]) == 0
    assert seen == [
        {"HOSTED": "True", "GRADIO_SERVER_NAME": "127.0.0.1", "MERGER_DEVICE": "cpu"},
        {"server_name": "127.0.0.1", "server_port": None, "share": True, "inbrowser": True},
    ]
