"""The doctor: broken folders, each with one planted fault that is found, and sound ones that come out clean."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from merger.__main__ import main
from merger.cli.doctor import as_json, examine, mend
from merger.engine.batch import merge
from merger.errors import CheckpointError, MergeError
from merger.recipe import load

ROOT = Path(__file__).parent.parent
FAMILY = ROOT / "presets" / "family"
EMBED, HEAD, UP = "model.embed_tokens.weight", "lm_head.weight", "model.layers.2.mlp.up_proj.weight"
NO_ROPE = {"rope_theta": 0, "rope_type": "default"}
STRETCHED = {"rope_type": "linear", "factor": 2, "original_max_position_embeddings": 512}


def change(folder: Path, name: str, **values: Any) -> None:
    """Set keys of a JSON file; None takes a key out."""
    file = folder / name
    content = json.loads(file.read_text()) | values
    file.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


def weights(folder: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def vocabulary(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((folder / "tokenizer.json").read_text())
    edit(document)
    (folder / "tokenizer.json").write_text(json.dumps(document))


def added(content: str, i: int) -> dict[str, Any]:
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": i, "content": content, "special": True, **plain}


def rename(document: dict[str, Any], before: str, after: str) -> None:
    """A token of the vocabulary becomes a special one of another name."""
    i = document["model"]["vocab"].pop(before)
    document["model"]["vocab"][after] = i
    document["model"]["merges"] = []
    document["added_tokens"].append(added(after, i))


def last_token(folder: Path) -> str:
    vocab = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    return max(vocab, key=vocab.__getitem__)


def with_chat_marks(folder: Path) -> None:
    vocabulary(folder, lambda d: rename(d, last_token(folder), "<|im_start|>"))
    (folder / "chat_template.jinja").unlink()


def never_stops(folder: Path) -> None:
    vocabulary(folder, lambda d: rename(d, last_token(folder), "<|im_end|>"))
    (folder / "chat_template.jinja").write_text("{% for m in messages %}{{ m['content'] }}<|im_end|>{% endfor %}")


def index(folder: Path) -> None:
    names = list(load_file(folder / "model.safetensors"))
    listed = {name: "model.safetensors" for name in names[1:]}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": listed}))


def noise(tensors: dict[str, torch.Tensor]) -> None:
    generator = torch.Generator().manual_seed(1)
    for name, t in tensors.items():
        if t.ndim == 2 and name != EMBED:
            tensors[name] = (torch.randn(t.shape, generator=generator) * t.float().std() * 3).to(t.dtype)


# What was done to a folder -> the finding, whether --fix mends it.
BROKEN: dict[str, tuple[Callable[[Path], object], str, bool]] = {
    "a NaN": (lambda f: weights(f, lambda t: t[UP].view(-1)[7:8].fill_(float("nan"))), "numbers", False),
    "an overflow on loading": (
        lambda f: (weights(f, lambda t: t[EMBED].view(-1)[0:1].fill_(1e5)), change(f, "config.json", dtype="float16")),
        "overflow", True,
    ),
    "a matrix of zeros": (lambda f: weights(f, lambda t: t["model.layers.1.self_attn.q_proj.weight"].zero_()), "zeros", False),
    "a layer is missing": (
        lambda f: weights(f, lambda t: [t.pop(n) for n in list(t) if ".layers.3." in n]), "layers", False,
    ),
    "more layers than config.json says": (lambda f: change(f, "config.json", num_hidden_layers=4), "layers", True),
    "fewer layers than config.json says": (lambda f: change(f, "config.json", num_hidden_layers=9), "layers", True),
    "a list of another length": (lambda f: change(f, "config.json", layer_types=["full_attention"] * 4), "lists", False),
    "no head": (lambda f: change(f, "config.json", tie_word_embeddings=False), "no head", True),
    "no head, and config.json does not say": (lambda f: change(f, "config.json", tie_word_embeddings=None), "no head", True),
    "a head that is thrown away": (lambda f: weights(f, lambda t: t.update({HEAD: t[EMBED] * 1.5})), "own head", True),
    "rows and config.json": (lambda f: change(f, "config.json", vocab_size=300), "rows", True),
    "rows and tokenizer": (lambda f: vocabulary(f, lambda d: d["added_tokens"].append(added("<new>", 259))), "rows", False),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer", False),
    "a special id out of range": (lambda f: change(f, "config.json", pad_token_id=32000), "special ids", True),
    "nothing that stops": (
        lambda f: [change(f, n, eos_token_id=None) for n in ("config.json", "generation_config.json")]
        + [change(f, "tokenizer_config.json", eos_token=None)], "no stop", False,
    ),
    "the template's end is no stop": (never_stops, "never stops", True),
    "no chat template": (with_chat_marks, "no template", False),
    "a template of other tokens": (
        lambda f: (f / "chat_template.jinja").write_text("{% for m in messages %}<|im_start|>{{ m['content'] }}{% endfor %}"),
        "foreign template", False,
    ),
    "a RoPE base of nothing": (lambda f: change(f, "config.json", rope_parameters=NO_ROPE), "positions", False),
    "positions beyond the context": (
        lambda f: change(f, "config.json", rope_scaling=STRETCHED),
        "positions", False,
    ),
    "an index that leaves one out": (index, "index", True),
    "a tensor is missing": (lambda f: weights(f, lambda t: t.pop(UP)), "missing", False),
    "the last norm is missing": (lambda f: weights(f, lambda t: t.pop("model.norm.weight")), "missing", False),
    "a tensor of another name": (
        lambda f: weights(f, lambda t: t.update({UP.replace("up", "upper"): t.pop(UP)})), "missing", False,
    ),
    "a tensor that no such model has": (
        lambda f: weights(f, lambda t: t.update({"model.layers.2.mlp.router.weight": t[UP].clone()})), "unused", False,
    ),
    "a tensor of another shape": (lambda f: weights(f, lambda t: t.update({UP: t[UP][:8].clone()})), "shapes", False),
    "an activation that is none": (lambda f: change(f, "config.json", hidden_act="sillu"), "config", False),
    "no type of model": (lambda f: change(f, "config.json", model_type=None), "config", False),
    "no config.json": (lambda f: (f / "config.json").unlink(), "config", False),
    "settings of a quantized model over plain weights": (
        lambda f: change(f, "config.json", quantization_config={"quant_method": "gptq", "bits": 4}), "quantized", True,
    ),
    "a stop that the tokenizer does not end with": (
        lambda f: change(f, "generation_config.json", eos_token_id=7), "other stop", True,
    ),
    "layers counted from one": (
        lambda f: weights(f, lambda t: [
            t.update({n.replace(f".{i}.", f".{i + 1}.", 1): t.pop(n)})
            for i in range(5, -1, -1) for n in list(t) if f"rs.{i}." in n
        ]), "layers", False,
    ),
    "weights of nothing": (lambda f: weights(f, noise), "babbles", False),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FAMILY / "pirate", tmp_path / "model"))


@pytest.mark.parametrize("name", ["base", "pirate", "plural", "spell", "count", "story", "mirror"])
@pytest.mark.long
def test_sound_models_come_out_clean(name: str) -> None:
    found = examine(FAMILY / name)
    assert not found.ailments and found.sound and len(found.said) == 3
    assert str(found).startswith(f"{FAMILY / name}: nothing is wrong that can be seen.")


@pytest.mark.parametrize(("method", "more"), [("ties", ""), ("linear", ""), ("task_arithmetic", "tokenizer_source: union\n")])
@pytest.mark.long
def test_sound_merges_come_out_clean(method: str, more: str, tmp_path: Path) -> None:
    models = "".join(f"  - {{model: {FAMILY / n}, parameters: {{weight: 0.5, density: 0.8}}}}\n" for n in ("pirate", "plural"))
    base = "" if method == "linear" else f"base_model: {FAMILY / 'base'}\n"
    merge(load(f"merge_method: {method}\n{base}models:\n{models}{more}"), tmp_path / "out")
    assert not examine(tmp_path / "out").ailments


@pytest.mark.parametrize(("plant", "kind", "certain"), BROKEN.values(), ids=list(BROKEN))
@pytest.mark.long
def test_a_planted_fault_is_found_and_nothing_else(
    plant: Callable[[Path], object], kind: str, certain: bool, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(folder)
    found = examine(folder)
    assert {a.kind for a in found.ailments} == {kind} and not found.sound
    assert all(a.words and a.cure for a in found.ailments)
    assert json.loads(as_json(found))["findings"][0]["kind"] == kind
    before = {f.name: f.read_bytes() for f in folder.iterdir()}
    if not certain:
        with pytest.raises(MergeError, match="nothing that can be mended"):
            mend(found, tmp_path / "mended")
        assert not (tmp_path / "mended").exists()
        return
    assert main(["doctor", str(folder), "--no-ask"]) == 2
    assert main(["doctor", str(folder), "--no-ask", "--fix", str(tmp_path / "mended")]) == 0
    capsys.readouterr()
    assert not [a for a in examine(tmp_path / "mended", ask=False).ailments if a.level != "note"]
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == before  # the model itself is left alone
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mended", "model"]


@pytest.mark.long
def test_a_base_that_was_no_ancestor_is_told_from_the_recipe(folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(FAMILY / "base", tmp_path / "other"))
    weights(other, noise)
    models = f"models: [{{model: {FAMILY / 'pirate'}, parameters: {{weight: 0.1}}}}]\n"
    recipe = f"merge_method: task_arithmetic\nbase_model: {other}\n{models}"
    (folder / "mergekit_config.yml").write_text(recipe)
    assert "stranger" in {a.kind for a in examine(folder, ask=False).ailments}


def test_what_is_no_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"holds no \.safetensors files"):
        examine(tmp_path / "empty")
    assert main(["doctor", str(tmp_path / "nothing")]) == 1
    assert "is no folder" in capsys.readouterr().err


@pytest.mark.long
def test_a_copy_is_written_nowhere_else(folder: Path, tmp_path: Path) -> None:
    change(folder, "config.json", vocab_size=300)
    found = examine(folder, ask=False)
    (tmp_path / "there").mkdir()
    for out, message in ((tmp_path / "there", "is there already"), (folder / "inside", "lies inside")):
        with pytest.raises(MergeError, match=message):
            mend(found, out)
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in (FAMILY / "pirate").iterdir())


SOUND_KINDS = ("deepseek_v3", "lfm2_moe", "mllama", "janus", "camembert", "blt", "dory", "nemotron_h")
"""Dense layers before those with experts, a tower with more layers and rows, heads of two matrices, embeddings of hashes."""


@pytest.mark.parametrize("kind", SOUND_KINDS)
def test_sound_models_of_other_kinds_come_out_clean(kind: str, tmp_path: Path) -> None:
    import zoo

    if kind not in zoo.kinds():
        pytest.skip("not in this transformers")
    folder = zoo.family(kind, tmp_path)["base"]
    if (folder / "generation_config.json").exists():  # has the type's own, of a larger vocabulary
        change(folder, "generation_config.json", eos_token_id=2)
    found = examine(folder, ask=False).ailments
    assert [(a.kind, a.words) for a in found if a.level != "note"] == []


def test_layers_are_counted_by_what_they_are_where_transformers_does_not_know_the_type(tmp_path: Path) -> None:
    import zoo

    folder = zoo.family("deepseek_v3", tmp_path)["base"]
    change(folder, "config.json", model_type="of_tomorrow", architectures=["OfTomorrowForCausalLM"])
    change(folder, "generation_config.json", eos_token_id=2)
    assert [a.kind for a in examine(folder, ask=False).ailments if a.level != "note"] == []
    weights(folder, lambda t: [t.pop(n) for n in list(t) if ".layers.2." in n])
    assert [a.kind for a in examine(folder, ask=False).ailments if a.level != "note"] == ["layers"]


def test_marks_that_are_plain_text_in_their_models_are_no_fault(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% for m in messages %}[INST] {{ m['content'] }} [/INST]{% endfor %}")
    assert [a.kind for a in examine(folder, ask=False).ailments if a.level != "note"] == []
