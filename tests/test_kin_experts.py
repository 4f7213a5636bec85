"""Kinship of mixtures of experts: experts that stand alone, and experts in stacks, here and on the Hub."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import zoo
from hub_standin import Hub, alone
from safetensors.torch import load_file, save_file

from merger.__main__ import main
from merger.files.checkpoints import open_checkpoint
from merger.inspect.shelf import look


def experts_only(home: Path, name: str, seed: int) -> Path:
    """A tune of `base` in which nothing moved but what experts are made of."""
    shutil.copytree(home / "base", home / name)
    chance = torch.Generator().manual_seed(seed)
    weights = load_file(home / name / "model.safetensors")
    for key, value in weights.items():
        if ("experts" in key or "input_linear" in key or "output_linear" in key) and value.dim() > 1 and "bias" not in key:
            weights[key] = value + 0.1 * value.std() * torch.randn(value.shape, generator=chance)
    save_file(weights, home / name / "model.safetensors")
    return home / name


@pytest.mark.parametrize("kind", ["mixtral", "granitemoe", "gpt_oss"])
def test_what_only_experts_have_learned_is_seen(kind: str, tmp_path: Path) -> None:
    zoo.family(kind, tmp_path)
    folders = {"base": tmp_path / "base", "a": tmp_path / "a"}
    folders |= {name: experts_only(tmp_path, name, seed) for seed, name in enumerate(("routed", "other"))}
    found = look({name: open_checkpoint(name, folder) for name, folder in folders.items()}, "base")
    roles = {book.reference: book.role for book in found.books}
    assert roles == {"base": "base", "a": "fine-tune", "routed": "fine-tune", "other": "fine-tune"}
    sizes = {book.reference: book.size for book in found.books}
    assert 0.02 < (sizes["routed"] or 0.0) < (sizes["a"] or 0.0) < 0.2
    assert abs(found.cosine("routed", "other") or 1.0) < 0.3  # each has learned another thing


def test_from_afar_the_same_rows_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo.family("granitemoe", tmp_path)
    experts_only(tmp_path, "routed", 0)
    names = ("base", "a", "routed")
    here = look({name: open_checkpoint(name, tmp_path / name) for name in names}, "base")
    alone(monkeypatch, tmp_path / "cache")
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        for name in names:
            hub.add(f"tiny/{name}", tmp_path / name)
        assert main(["kin", "--base", "tiny/base", "tiny/a", "tiny/routed", "--json"]) == 0
    told = {one["reference"]: one["size"] for one in json.loads(capsys.readouterr().out)["models"]}
    assert told == {f"tiny/{book.reference}": pytest.approx(book.size) for book in here.books}
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
