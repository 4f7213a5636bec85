"""Refusals that no other test has the exact words of: one clear sentence each, and never a traceback."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_file
from test_lora import PLAIN, Q, make_lora

from merger.__main__ import main
from merger.chat.load import chat_model, load_tokenizer
from merger.engine.batch import merge
from merger.engine.session import Parents, Session
from merger.errors import CheckpointError, MergeError, RecipeError
from merger.files import pickles
from merger.files import texts as files
from merger.files.checkpoints import open_checkpoint, read_json
from merger.hub.references import open_reference
from merger.recipe import load, load_file, parse_value
from merger.tokenizer.tokens import chat_template_of, read_vocabulary
from merger.ui import studio, workspace
from merger.ui.panels import mixer
from merger.ui.service import files as merges
from merger.ui.service.files import Files

ROOT = Path(__file__).parent.parent
RECIPE = "merge_method: linear\nmodels: [{model: base, parameters: {weight: 1}}, {model: a, parameters: {weight: 1}}]\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tiny.make_family(tmp_path, models=("base", "a"), layers=2)
    return tmp_path


def said(act: Callable[[], object], kind: type[MergeError] = CheckpointError) -> str:
    with pytest.raises(kind) as error:
        act()
    assert type(error.value) is kind
    return str(error.value)


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge", str(ROOT / "presets/pirate_and_plurals.yaml"), "out", "--part", "1/2", "--join"]) == 1
    assert capsys.readouterr().err == "MergeError: give either --part or --join: first every part, then --join once.\n"


def test_recipes(tmp_path: Path) -> None:
    assert said(lambda: load("---\n---\n"), RecipeError) == "recipe: the recipe is empty."
    assert said(lambda: parse_value("1\n---\n2"), RecipeError) == "--set: write one value, not several documents."
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe\x00")
    assert said(lambda: load_file(tmp_path / "r.yaml"), RecipeError) == (
        f"{tmp_path / 'r.yaml'}: this is not a text file; a recipe is YAML in UTF-8."
    )


def test_outputs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for out in ("..", "."):
        message = said(lambda out=out: merge(load(RECIPE), out, roots=[root]), MergeError)
        assert message == f"{out}: is the folder you are in, or above it; name a new folder."


def test_checkpoints(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = root / "a/model.safetensors"
    save_file({"good\x07name": torch.zeros(2)}, file)
    assert said(lambda: open_checkpoint("a", root / "a")) == (
        f"{file}: 'good\\x07name' is not the name of a tensor; the header is damaged."
    )
    monkeypatch.setattr(files, "JSON_BYTES", 10)
    config = root / "base/config.json"
    assert said(lambda: read_json(config)) == f"{config}: {config.stat().st_size} bytes is too large for a JSON file of a model."


def test_pickles(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = root / "pytorch_model.bin"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/data.pkl", b"x" * 100)
    monkeypatch.setattr(pickles, "_LIMIT", 99)
    assert said(lambda: pickles.read_places(file)) == f"{file}: its pickle of 100 bytes is too large to describe a model."


def test_references(root: Path) -> None:  # what the Hub refuses: test_hub.py
    file = str(root / "a/model.safetensors")
    assert said(lambda: open_reference(file)) == f"{file}: this is a file; name the model's folder."


LORAS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda r: (make_lora(r / "l", PLAIN), (r / "l/adapter_model.safetensors").unlink()),
        "l: the folder {root}/l holds no adapter_model.safetensors."),
    "no tensors": (lambda r: (make_lora(r / "l", PLAIN), save_file({}, r / "l/adapter_model.safetensors")),
        "l: its file holds no tensors."),
    "another rank": (lambda r: (make_lora(r / "l", PLAIN), rank(r, 5)),
        "l: " + Q + ": its config says rank 5, its factors have the shapes (2, 8) and (8, 2)."),
    "a list of ranks": (lambda r: make_lora(r / "l", PLAIN, alpha_pattern=[1]),
        "l: `alpha_pattern` of its adapter_config.json must be a table of at most 10,000 names."),
    "a stranger": (lambda r: make_lora(r / "l", PLAIN, more={"base_model.model.x.lora_C.weight": torch.ones(2, 2)}),
        "l: base_model.model.x.lora_C.weight is not part of a plain LoRA."),
    "no matrix": (lambda r: make_lora(r / "l", PLAIN, more={"base_model.model.x.lora_A.weight": torch.ones(2)}),
        "l: base_model.model.x.lora_A.weight is no matrix of numbers: (2,) torch.float32."),
    "integers": (lambda r: (make_lora(r / "l", PLAIN), integers(r)),
        "l: " + Q + ".weight is stored as int8; a LoRA needs a 16-bit or 32-bit model."),
}  # fmt: skip


def rank(root: Path, value: int) -> None:
    file = root / "l/adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"r": value}))


def integers(root: Path) -> None:
    weights = tiny.read_weights(root / "base")
    weights[f"{Q}.weight"] = weights[f"{Q}.weight"].to(torch.int8)
    save_file(weights, root / "base/model.safetensors")


@pytest.mark.parametrize(("make", "message"), LORAS.values(), ids=list(LORAS))
def test_loras(make: Callable[[Path], object], message: str, root: Path) -> None:
    make(root)
    assert said(lambda: open_reference("base+l", [root])) == message.format(root=root)


def test_two_loras_that_replace_one_tensor(root: Path) -> None:
    for name in ("l", "m"):
        make_lora(root / name, PLAIN, more={"base_model.model.lm_head.weight": torch.zeros(24, 8)}, modules_to_save=["lm_head"])
    assert said(lambda: open_reference("base+l+m", [root])) == (
        "m: replaces lm_head.weight, and so does another LoRA before it; use one of them."
    )


def test_cancelled_sessions(root: Path) -> None:
    session = Session(Parents(roots=[root]))
    with pytest.raises(MergeError) as error:
        session.apply(load(RECIPE), cancelled=lambda: True)
    assert str(error.value) == "stopped after 0 of 21 tensors."


def test_tokenizers(root: Path) -> None:
    text = RECIPE + "tokenizer: {tokens: {<x>: {source: {kind: model_token, model: a, token_id: 99}}}}\n"
    assert said(lambda: merge(load(text), root / "out", roots=[root])) == (
        "tokenizer.tokens: '<x>' takes its row from a, which has 24 rows, none with the number 99."
    )
    folder = root / "base"
    (folder / "chat_template.jinja").write_bytes(b"\xff")
    assert said(lambda: chat_template_of(folder)) == f"{folder}/chat_template.jinja: cannot be read as text."
    old = root / "old"
    old.mkdir()
    (old / "tokenizer.model").write_bytes(b"not a sentencepiece model")
    message = said(lambda: read_vocabulary(old))
    assert message.startswith(f"{old}: holds no tokenizer.json, and its older tokenizer files cannot be converted (")
    assert message.endswith(").\n  Load the tokenizer in transformers once and `save_pretrained` it.")
    for name in ("base", "a"):
        weights = tiny.read_weights(root / name)
        save_file({n: t for n, t in weights.items() if "embed" not in n and "head" not in n}, root / name / "model.safetensors")
    (folder / "chat_template.jinja").unlink()
    assert said(lambda: merge(load(RECIPE + "tokenizer_source: union\n"), root / "out", roots=[root])) == (
        f"{folder}: no tensor looks like embeddings, so its tokens have no rows."
    )


def test_speakers(root: Path) -> None:
    session = Session(Parents(roots=[root]))
    session.apply(load(RECIPE))
    assert session.plan is not None
    folder, config = root / "base", dict(session.plan.config)

    def speak(**changes: Any) -> str:
        return said(lambda: chat_model(folder, config | changes, session.tensors))

    assert speak(model_type="no") == f"{folder}: transformers knows no model type 'no', so this model cannot answer here."
    assert speak(hidden_size="wide").startswith(f"{folder}: its config.json cannot be used: ")
    start = f"{folder}: its tensors do not fit transformers' model, for example model.layers.2."
    assert speak(num_hidden_layers=3).startswith(start)
    who = chat_model(folder, config, session.tensors)
    who.forward.length = 3
    assert said(lambda: list(who.tokens("neat tea", 5)), MergeError) == (
        f"the prompt is {len(who.tokenizer('neat tea')['input_ids'])} tokens long; this model reads at most 1."
    )
    who.forward.length = 64
    session.tensors["model.norm.weight"].fill_(float("inf"))
    assert said(lambda: list(who.tokens("neat tea", 5)), MergeError) == (
        "the merged weights are so large that the model computes no numbers any more."
    )
    shutil.copytree(folder, root / "broken")
    (root / "broken/tokenizer.json").write_text("{")
    assert said(lambda: load_tokenizer(root / "broken")).startswith(f"{root}/broken: its tokenizer ")


def test_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(lambda: mixer._lanes({"x": 1}), MergeError) == "the Mixer sent no lanes; reload the page."
    own = studio.Studio(ROOT / "presets")
    work = workspace.start(own.presets[0], own.base)
    assert said(lambda: workspace._rebuilt(work, "magic", ("a",)), RecipeError) == "'magic' is not a merge method."
    assert said(lambda: workspace.with_models(work, ()), RecipeError) == "choose at least one model to mix."
    need = own.plan(work.recipe).nbytes
    monkeypatch.setattr(merges, "ARCHIVE_BYTES", 10)
    assert said(lambda: Files(own).archive(work.recipe, lambda step: None), MergeError) == (
        f"The merged model has {need:,} bytes, too many for a browser; copy the recipe and merge at home."
    )
