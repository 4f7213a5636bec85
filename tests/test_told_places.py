"""Where a model of the Hub lies on the server is told to nobody: it has a name."""

import shutil
from pathlib import Path

import pytest

from merger.chat.load import chat_model
from merger.errors import CheckpointError, InputChanged, MergeError
from merger.files.checkpoints import open_checkpoint

FAMILY = Path(__file__).parent.parent / "presets" / "family"
COMMIT = "0123456789" * 4


def test_a_model_of_the_hub_is_told_by_its_name(tmp_path: Path) -> None:
    """Its config.json, tokenizer and weights, each damaged, in the Hub's cache."""
    folder = tmp_path / "the server's own" / "models--evil--one.of-two" / "snapshots" / COMMIT
    for name, content in (("config.json", "{"), ("tokenizer.json", "{"), ("model.safetensors", "x")):
        shutil.copytree(FAMILY / "pirate", folder)
        (folder / name).write_text(content)
        with pytest.raises(CheckpointError) as told:
            model = open_checkpoint("evil/one.of-two", folder)
            chat_model(folder, model.config, {name: model.read(name) for name in model.tensors})
        assert "evil/one.of-two" in str(told.value) and COMMIT not in str(told.value) and str(tmp_path) not in str(told.value)
        shutil.rmtree(folder)


@pytest.mark.parametrize("place", ["snapshots/" + COMMIT + "/a.json", "blobs/" + "ab" * 32])
def test_only_the_place_is_left_out(place: str) -> None:
    cached = f"/data/hub/models--o--n--m/{place}"
    rest = "/a.json" if "a.json" in place else ""
    assert str(InputChanged(f"{cached}: was cut; see (/elsewhere/x).")) == f"o/n--m{rest}: was cut; see (/elsewhere/x)."
    assert str(MergeError(f"one/two: {cached} and '{cached}' differ.")) == f"one/two: o/n--m{rest} and 'o/n--m{rest}' differ."
    assert str(MergeError("/elsewhere/out: models--a--b is not empty.")) == "/elsewhere/out: models--a--b is not empty."
