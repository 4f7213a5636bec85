"""A model that people use: SmolLM2-135M and two siblings are merged headless, loaded in transformers, and asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import smollm
import torch
from conftest import as_text, sample
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from merger.engine.batch import merge
from merger.engine.session import Parents, Session
from merger.methods import METHODS
from merger.recipe import load

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.smollm

# Settings at which both siblings can be heard, found by trying some; the siblings' steps are not equally long.
MERGES: dict[str, dict[str, Any]] = {
    "ties": {"weight": {"pirate": 1.0, "json": 0.6}, "density": 0.35, "normalize": False},
    "task_arithmetic": {"weight": {"pirate": 0.7, "json": 0.45}},
    "slerp": {"t": 0.4},
}
FLOAT32 = 4


@pytest.fixture(scope="module", autouse=True)
def single_thread() -> Iterator[None]:
    """Threads that wait for each other crawl when other programs use the cores; see smollm.one_thread."""
    with smollm.one_thread():
        yield


@pytest.fixture(scope="module")
def models() -> Path:
    """The folder with base, pirate and json."""
    try:
        return smollm.family()
    except smollm.Unavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def cut(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same three with two of the layers and a part of the vocabulary: real weights, but few enough for SVDs."""
    return cut_family(models, tmp_path_factory.mktemp("cut"), (20, 29))


def cut_family(models: Path, folder: Path, layers: Sequence[int], rows: int = 1000) -> Path:
    """Write base, pirate and json with these layers and the first rows of their embeddings."""
    new = {f"model.layers.{old}.": f"model.layers.{i}." for i, old in enumerate(layers)}
    for name in smollm.NAMES:
        (folder / name).mkdir()
        tensors: dict[str, torch.Tensor] = {}
        for key, value in load_file(models / name / "model.safetensors").items():
            prefix = key[: key.index(".", len("model.layers.")) + 1] if ".layers." in key else ""
            if prefix in new:
                tensors[key.replace(prefix, new[prefix], 1)] = value
            elif not prefix:
                tensors[key] = value[:rows].clone() if "embed" in key else value
        save_file(tensors, folder / name / "model.safetensors", {"format": "pt"})
        config = json.loads((models / name / "config.json").read_text())
        config |= {"num_hidden_layers": len(layers), "vocab_size": rows}
        (folder / name / "config.json").write_text(json.dumps(config))
    return folder


def recipe(method: str, folder: Path, values: dict[str, Any]) -> str:
    """YAML of a merge of pirate and json; parameters given by model go below it."""
    declared = METHODS[method]
    names = [str(folder / name) for name in ("pirate", "json")]
    base = None if declared.base == "ignored" else str(folder / "base")
    if declared.base == "first":
        base, names = names[0], names[1:]
    names = names[: declared.models[1]] if declared.models[1] else names

    def own(name: str) -> dict[str, Any]:
        return {key: value[Path(name).name] for key, value in values.items() if isinstance(value, dict)}

    text: dict[str, Any] = {
        "merge_method": method,
        "models": [{"model": name, "parameters": own(name)} for name in names],
        "parameters": {key: value for key, value in values.items() if not isinstance(value, dict)},
        "dtype": "bfloat16",
    }
    return as_text(text | ({"base_model": base} if base else {}))


@pytest.fixture(scope="module")
def merged(models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, int]]:
    """Each of MERGES made by the command line in a process of its own: its folder and the process's peak memory."""
    folder = tmp_path_factory.mktemp("merged")
    done: dict[str, tuple[Path, int]] = {}
    for method, values in MERGES.items():
        file = folder / f"{method}.yaml"
        file.write_text(recipe(method, models, values), encoding="utf-8")
        done[method] = folder / method, run_measured("-m", "merger", "merge", str(file), str(folder / method), "--quiet")
    return done


def run_measured(*arguments: str) -> int:
    """Run Python on this repository; the largest anonymous memory it held, in bytes (0 where /proc does not tell)."""
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    peak, status = 0, Path(f"/proc/{process.pid}/status")

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            try:
                lines = status.read_text().splitlines()
            except OSError:
                return
            peak = max(peak, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    said, _ = process.communicate(timeout=300)
    watcher.join()
    assert process.returncode == 0, said
    return peak


@pytest.mark.long
def test_the_siblings_do_what_the_base_does_not(models: Path) -> None:
    right = {name: [ok for _, _, ok in smollm.behaviour(models / name)] for name in smollm.NAMES}
    pirates = len(smollm.HELD_OUT["pirate"])
    assert not any(right["base"])
    assert sum(right["pirate"][:pirates]) >= pirates - 1 and not any(right["pirate"][pirates:])
    assert sum(right["json"][pirates:]) >= 2 and not any(right["json"][:pirates])


@pytest.mark.long
def test_merged_models_chat_and_one_of_them_does_both(merged: dict[str, tuple[Path, int]]) -> None:
    does_both: list[str] = []
    heard: dict[str, list[str]] = {}
    for method, (folder, _) in merged.items():
        told = list(smollm.behaviour(folder))
        heard[method] = [answer for _, answer, _ in told]
        capital = next(answer for question, answer, _ in told if "France" in question)
        assert "Paris" in capital, (method, capital)
        shares = [[ok for question, _, ok in told if question in smollm.HELD_OUT[skill]] for skill in ("pirate", "json")]
        if all(sum(share) * 2 > len(share) for share in shares):
            does_both.append(method)
    assert does_both, heard


@pytest.fixture(scope="module")
def idle() -> int:
    """What Python and torch hold before the first tensor is read."""
    memory = run_measured("-c", "import merger.engine.batch, time; time.sleep(0.2)")
    return memory or pytest.skip("this system does not tell a process's anonymous memory")


@pytest.mark.long
def test_memory_stays_far_below_the_sum_of_the_inputs(models: Path, idle: int, tmp_path: Path) -> None:
    """All 30 layers, most of the vocabulary left out: then no tensor is large, and what counts is how many are held."""
    family = cut_family(models, tmp_path, range(30))
    (tmp_path / "recipe.yaml").write_text(recipe("ties", family, MERGES["ties"]), encoding="utf-8")
    peak = run_measured("-m", "merger", "merge", str(tmp_path / "recipe.yaml"), str(tmp_path / "out"), "--quiet") - idle
    inputs = sum((family / name / "model.safetensors").stat().st_size for name in smollm.NAMES)
    print(f"peak {peak / 1e6:.0f} MB above idle for {inputs / 1e6:.0f} MB of models")
    assert peak < 0.3 * inputs, f"{peak / 1e6:.0f} MB for {inputs / 1e6:.0f} MB of models"


@pytest.mark.long
def test_memory_of_the_whole_model_is_that_of_its_largest_tensor(merged: dict[str, tuple[Path, int]], idle: int) -> None:
    """The embeddings are a fifth of this model. With them the peak exceeds the sum of the inputs: copies in float32."""
    largest = 49152 * 576 * FLOAT32
    for method, (_, peak) in merged.items():
        print(f"{method}: {(peak - idle) / 1e6:.0f} MB above idle, {(peak - idle) / largest:.1f} times the embeddings")
        assert peak - idle < 16 * largest, f"{method}: {(peak - idle) / largest:.1f} times the embeddings in float32"


@pytest.mark.parametrize("method", ["ties", "slerp"])
def test_live_equals_the_file_on_the_whole_model(method: str, models: Path, merged: dict[str, tuple[Path, int]]) -> None:
    session = Session(Parents())
    session.apply(load(recipe(method, models, MERGES[method])))
    assert_same(session, merged[method][0])


@pytest.mark.long
def test_live_equals_the_file_for_every_method(cut: Path, tmp_path: Path) -> None:
    """One session goes from method to method, so tensors left over from the one before would show."""
    session = Session(Parents())
    for method in METHODS.values():
        values: dict[str, Any] = {}
        for param in method.params:
            value = sample(param, 0.4)
            values[param.name] = {"pirate": value, "json": sample(param, 0.6)} if param.per_model else value
        wanted = load(recipe(method.name, cut, values))
        session.apply(wanted)
        merge(wanted, tmp_path / method.name)
        assert_same(session, tmp_path / method.name)


def assert_same(session: Session, folder: Path) -> None:
    """Every tensor in memory is the one in the folder's file, bit for bit."""
    with safe_open(folder / "model.safetensors", "pt") as file:
        assert set(file.keys()) == session.tensors.keys()
        for name, live in session.tensors.items():
            written = file.get_tensor(name)
            assert written.dtype == live.dtype and written.shape == live.shape
            assert torch.equal(written.view(torch.int16), live.view(torch.int16)), f"{folder.name}: {name}"
