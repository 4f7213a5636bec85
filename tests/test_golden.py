"""Numbers made by mergekit 0.1.5 (scripts/golden.py) against ours, tensor by tensor, for every method we have."""

import json
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from merger import recipe
from merger.engine.batch import merge
from merger.methods import METHODS

GOLDEN = Path(__file__).parent / "golden"
CASES: list[dict[str, Any]] = [c for c in json.loads((GOLDEN / "cases.json").read_text()) if c["method"] in METHODS]


@pytest.fixture(scope="module")
def golden() -> dict[str, torch.Tensor]:
    return load_file(GOLDEN / "mergekit.safetensors")


def test_the_numbers_belong_to_this_family(family: Path) -> None:
    with safe_open(GOLDEN / "mergekit.safetensors", "pt") as file:
        about = json.loads(file.metadata()["golden"])
    assert about["family_digest"] == tiny.family_digest({name: family / name for name in ("base", "a", "b", "c")})


def test_all_cases_are_there() -> None:
    assert len(CASES) >= 110
    assert any("\nmodules:" in "\n" + case["yaml"] for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_as_mergekit(case: dict[str, Any], golden: dict[str, torch.Tensor], family: Path, tmp_path: Path) -> None:
    merge(recipe.load(case["yaml"]), tmp_path / "out", roots=[family])
    ours = tiny.read_weights(tmp_path / "out")
    theirs = {key.split("/", 1)[1]: value for key, value in golden.items() if key.startswith(case["name"] + "/")}
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        far = (ours[name].double() - expected.double()).norm() / expected.double().norm().clamp_min(1e-12)
        assert far <= 2e-5, f"{name}: {far:.2e}"
