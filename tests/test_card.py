"""What a merged model says about itself, and the other forms a model's name may take."""

import hashlib
import os
import platform
import time
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
import yaml
from safetensors.torch import load_file, save_file

import merger
from merger.engine.batch import merge
from merger.engine.companions import tokenizer_folder
from merger.engine.session import Parents, Session
from merger.errors import RecipeError
from merger.hub.card import card as write_card
from merger.hub.card import digest, licence, strictest, suggested
from merger.hub.references import open_reference
from merger.limits import CARD_PROMPTS, PROMPT_CHARACTERS
from merger.recipe import dump, load, replace

TEXT = """# my best merge
merge_method: task_arithmetic   # adds up
base_model: base
models:
  - {model: a, parameters: {weight: 0.6}}
  - {model: b+tune, parameters: {weight: 4e-1}}
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "in"
    tiny.make_family(folder, models=("base", "a", "b"), layers=1)
    (folder / "tune").mkdir()
    factors = {f"base_model.model.model.layers.0.mlp.up_proj.lora_{k}.weight": torch.ones(s) for k, s in SHAPES.items()}
    save_file(factors, folder / "tune/adapter_model.safetensors")
    (folder / "tune/adapter_config.json").write_text('{"peft_type": "LORA", "r": 2, "lora_alpha": 2}')
    return folder


SHAPES: dict[str, tuple[int, ...]] = {}


@pytest.fixture(autouse=True)
def shapes(family: Path) -> None:
    rows, columns = tiny.read_weights(family / "base")["model.layers.0.mlp.up_proj.weight"].shape
    SHAPES.update({"A": (2, columns), "B": (rows, 2)})


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_card_names_parents_files_licences_and_versions(models: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "hub/models--x--a/snapshots" / ("0123456789" * 4)
    snapshot.parent.mkdir(parents=True)
    (models / "a").rename(snapshot)
    (snapshot / "README.md").write_text("---\nlanguage: en\nlicense: Apache-2.0  # really\n---\n# A\n")
    (models / "base/README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    (models / "b/LICENSE").write_text("\n# My own licence\n\nBe kind.\n")
    merge(load(TEXT.replace("model: a", f"model: {snapshot}")), tmp_path / "out", roots=[models])
    card = (tmp_path / "out/README.md").read_text()
    weights = "model.safetensors"
    for line in (
        f"| `base` | a folder | cc-by-nc-4.0 | {weights} | {sha(models / 'base' / weights)} |",
        f"| `{snapshot}` | {'0123456789' * 4} | apache-2.0 | {weights} | {sha(snapshot / weights)} |",
        f"| `b` | a folder | see its LICENSE: My own licence | {weights} | {sha(models / 'b' / weights)} |",
        f"| `tune` | a folder | not named | adapter_model.safetensors | {sha(models / 'tune/adapter_model.safetensors')} |",
        "| Licence | at least cc-by-nc-4.0, the strictest known; 2 of 4 parents name none, or one of their own. |",
        "| Seed | 0 |",
        f"| Made with | merge-explorer {merger.__version__}, torch {torch.__version__}, Python {platform.python_version()} |",
    ):
        assert line in card
    assert "\nlicense:" not in card.split("---")[1]  # not known of all


def test_a_licence_known_of_all_parents_is_the_models_own(models: Path, tmp_path: Path) -> None:
    for name, word in (("base", "mit"), ("a", "llama3"), ("b", "apache-2.0")):
        (models / name / "README.md").write_text(f"---\nlicense: {word}\n---\n")
    merge(load(TEXT.replace("b+tune", "b")), tmp_path / "out", roots=[models])
    card = (tmp_path / "out/README.md").read_text()
    assert "\nlicense: llama3\n" in card.split("---")[1]
    assert "| Licence | llama3, the strictest of its parents. |" in card


def test_licences(tmp_path: Path) -> None:
    assert strictest(["mit", "gpl-3.0", "apache-2.0"]) == ("gpl-3.0", "gpl-3.0, the strictest of its parents.")
    assert strictest([None, "other"])[0] is None and strictest([None])[1].startswith("not known: ")
    assert strictest(["mit", "cc-by-nc-nd-4.0"])[1] == "cc-by-nc-nd-4.0: forbids derivatives, and a merge is one."
    assert licence(tmp_path) is None
    (tmp_path / "README.md").write_text("---\nlicense: other\nlicense_name: My-Own\n---\n")
    assert licence(tmp_path) == "my-own"
    for head, found in (
        ("license: [mit, 'CC-BY-NC-4.0']\n", "cc-by-nc-4.0"),
        ("license:\n- apache-2.0\n- mit\ntags:\n- gpl-3.0\n", "apache-2.0"),
        ("license:\n  - mit\n  - my-own\n", "mit and my-own"),
        ("license: []\n", "[]"),
    ):
        (tmp_path / "README.md").write_text(f"---\n{head}---\n")
        assert licence(tmp_path) == found
    assert strictest(["mit and my-own"])[0] is None
    (tmp_path / "README.md").write_text("no front matter\nlicense: mit\n")
    assert licence(tmp_path) is None


def test_a_file_is_read_once(models: Path) -> None:
    file = models / "a/model.safetensors"
    os.utime(file, (time.time() - 60, time.time() - 60))
    assert digest(file) == sha(file)
    (note,) = (models.parent / "cache/merger/sha256").iterdir()
    note.write_text("cd" * 32)
    assert digest(file) == "cd" * 32  # from what was noted
    note.write_text("damaged")
    assert digest(file) == sha(file)
    before = digest(file)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert digest(file) == sha(file) != before
    blob = models / "blobs" / ("ab" * 32)
    blob.parent.mkdir()
    file.rename(blob)
    file.symlink_to(blob)
    assert digest(file) == "ab" * 32  # the Hub's cache names it so
    assert digest(models / "nothing") == ""


def test_the_recipe_beside_the_model_is_the_users_own_text(models: Path, tmp_path: Path) -> None:
    merge(load(TEXT), tmp_path / "out", roots=[models])
    assert (tmp_path / "out/mergekit_config.yml").read_text() == TEXT
    merge(load(TEXT.rstrip()), tmp_path / "end", roots=[models])
    assert (tmp_path / "end/mergekit_config.yml").read_text() == TEXT
    changed = replace(load(TEXT), "models[0].parameters.weight", 0.7)
    merge(changed, tmp_path / "changed", roots=[models])
    assert (tmp_path / "changed/mergekit_config.yml").read_text() == dump(changed)


# ------------------------------------------------------------------------------------ references


REFERENCES = {
    "path": ("{path: x/y}", "x/y"),
    "revision": ("{path: x/y, revision: v2}", "x/y@v2"),
    "model": ("{model: {path: x/y, revision: main}}", "x/y@main"),
    "text": ("{model: x/y@v2, override_architecture: LlamaForCausalLM}", "x/y@v2"),
    "lora": ("{model: {path: x/y}, lora: {path: l/m, revision: r}}", "x/y+l/m@r"),
}


@pytest.mark.parametrize(("written", "reference"), REFERENCES.values(), ids=list(REFERENCES))
def test_models_as_mappings(written: str, reference: str) -> None:
    recipe = load(f"""
merge_method: ties
base_model: {written}
models: [{{model: {{path: other}}, parameters: {{weight: 1}}}}]
tokenizer: {{source: {written}, tokens: {{<x>: {{source: {written}}}}}}}
""")
    assert recipe.base_model == reference and recipe.models[0].model == "other"
    assert recipe.tokenizer is not None and recipe.tokenizer.source == recipe.tokenizer.tokens[0][1].model == reference
    assert load(dump(recipe)) == recipe
    sliced = load(f"""
merge_method: passthrough
slices: [{{base_model: {written}, sources: [{{model: {written}, layer_range: [0, 2]}}]}}]
tokenizer_source: {written}
""")
    assert sliced.slices[0].base_model == sliced.slices[0].sources[0].model == sliced.tokenizer_source == reference


@pytest.mark.parametrize(
    ("written", "message"),
    [("{revision: x}", "base_model.revision is not a key of a model.\n  Known here: model, lora, override_architecture."),
     ("{lora: x}", "base_model.model is missing: a folder or a Hub id."),
     ("{path: x, sha: y}", "base_model.sha is not a key of a model's place.\n  Known here: path, revision."),
     ("{path: 3}", "base_model.path must be a folder or a Hub id; got 3.")],
)  # fmt: skip
def test_mappings_that_name_no_model(written: str, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        load(f"merge_method: ties\nbase_model: {written}\nmodels: [a]\n")
    assert str(error.value) == f"recipe, line 2: {message}"


# ------------------------------------------------------------------------------------ copies, and the page's words


def test_eight_bit_floats_are_copied_as_they_are(models: Path, tmp_path: Path) -> None:
    weights = load_file(models / "a/model.safetensors")
    name = "model.layers.0.mlp.up_proj.weight"
    weights[name] = weights[name].to(torch.float8_e4m3fn)
    weights[name + "_scale_inv"] = torch.ones(1)
    save_file(weights, models / "a/model.safetensors")
    text = "merge_method: passthrough\nslices: [{sources: [{model: a, layer_range: [0, 1]}]}]\n"
    merge(load(text), tmp_path / "out", roots=[models])
    out = load_file(tmp_path / "out/model.safetensors")
    assert out.keys() == weights.keys()
    assert all(out[n].dtype == t.dtype and torch.equal(out[n].view(torch.uint8), t.view(torch.uint8)) for n, t in weights.items())
    for more in ("dtype: bfloat16\n", "parameters: {scale: 0.5}\n"):
        with pytest.raises(merger.CheckpointError) as error:
            merge(load(text + more), tmp_path / "no", roots=[models])
        assert str(error.value).startswith("model.layers.0.mlp.up_proj.weight: stored in 8-bit floating point, whose scales lie")


@pytest.mark.long
def test_the_merged_model_speaks_with_its_own_tokenizer(models: Path, tmp_path: Path) -> None:
    from merger.chat.load import load_tokenizer

    recipe = load(
        "merge_method: linear\nmodels: [{model: base, parameters: {weight: 1}}, {model: a, parameters: {weight: 1}}]\n"
        "tokenizer: {source: base, tokens: {<wave>: {source: {kind: zero}}}, pad_to_multiple_of: 8}\nchat_template: chatml\n"
    )
    parents = Parents(roots=[models])
    session = Session(parents)
    session.apply(recipe)
    assert session.plan is not None
    with tokenizer_folder(session.plan, parents.open(recipe)) as folder:
        live: Any = load_tokenizer(folder)
        assert folder != models / "base"
    merge(recipe, tmp_path / "out", roots=[models])
    saved: Any = load_tokenizer(tmp_path / "out")
    assert live("neat <wave> tea")["input_ids"] == saved("neat <wave> tea")["input_ids"]
    assert len(live("<wave>", add_special_tokens=False)["input_ids"]) == 1
    assert live.chat_template == saved.chat_template and "im_start" in live.chat_template
    plain = load(TEXT.replace("b+tune", "b"))
    session.apply(plain)
    assert session.plan is not None
    with tokenizer_folder(session.plan, parents.open(plain)) as folder:
        assert folder == models / "base"  # nothing of its own: the donor's


def test_pieces_of_adapted_models(models: Path) -> None:
    pieces = open_reference("b+tune", [models]).pieces
    assert [(p.reference, p.folder.name, [f.name for f in p.files]) for p in pieces] == [
        ("b", "b", ["model.safetensors"]), ("tune", "tune", ["adapter_model.safetensors"]),
    ]  # fmt: skip


WIDGET = """---
license: mit
widget:
- text: "Say \\"hi\\""
- text: 'It''s plain'
  example_title: Title
- text: a <b>bold</b> one # a remark
- example_title: Chat
  messages:
    - role: system
      content: You are kind.
    - role: user
      content: |
        Two
        lines.
- text: >-
    folded
    words
- text: "a <b>bold</b> one"
tags:
- text: no prompt
---
widget:
- text: below the head
"""


def test_prompts_that_a_card_suggests(tmp_path: Path) -> None:
    """What cards write is read, in their order; a stranger's text is cut, and none of it is more than text."""

    def of(name: str, text: str) -> tuple[str, ...]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(text, encoding="utf-8")
        return suggested(tmp_path / name)

    assert of("card", WIDGET) == ('Say "hi"', "It's plain", "a <b>bold</b> one", "Two\nlines.", "folded words")
    many = "".join(f"- text: prompt {i}\n" for i in range(50))
    assert of("many", f"---\nwidget:\n{many}---\n") == tuple(f"prompt {i}" for i in range(CARD_PROMPTS))
    (long,) = of("long", f"---\nwidget:\n- text: {'x' * 9000}\x1b[31m\n---\n")
    assert long == "x" * PROMPT_CHARACTERS
    assert of("control", "---\nwidget:\n- text: a\x1b\u202eb\n---\n") == ("ab",)
    began = time.monotonic()
    for i, odd in enumerate(
        (
            "",
            "no head",
            "---\nwidget: 3\n---\n",
            "---\nwidget:\n- text:\n- 7\n- text: |\n---\n",
            "---\nwidget:\n" + " \n" * 60_000,
        )
    ):
        assert of(f"odd{i}", odd) == ()
    assert time.monotonic() - began < 5
    (tmp_path / "none").mkdir()
    assert suggested(tmp_path / "none") == ()


@pytest.mark.parametrize(
    ("heads", "task", "languages"),
    [
        (["pipeline_tag: text-generation\nlanguage: en\n", "pipeline_tag: 'text-generation'\nlanguage:\n- de\n- en\n", ""],
         "text-generation", ["en", "de"]),
        (["pipeline_tag: text-generation\nlanguage: [no, \"fr\"]\n", "pipeline_tag: summarization\n", ""], None, ["no", "fr"]),
        (["pipeline_tag: a\n  b: <script>\nlanguage: |\n  deutsch\n", "tags:\n- language: xx\n", "license: mit\n"], None, []),
    ],
)  # fmt: skip
def test_task_and_languages_are_the_parents(
    models: Path, tmp_path: Path, heads: list[str], task: str | None, languages: list[str]
) -> None:
    """One task where all that name one agree; every language; nothing else of what strangers wrote gets into the card's head."""
    for name, head in zip(("base", "a", "b"), heads, strict=True):
        (models / name / "README.md").write_text(f"---\n{head}---\npipeline_tag: outside\nlanguage: zz\n")
    merge(load(TEXT.replace("b+tune", "b")), tmp_path / "out", roots=[models])
    said = yaml.safe_load((tmp_path / "out/README.md").read_text().split("---")[1])
    assert (said.get("pipeline_tag"), said.get("language", [])) == (task, languages)
    assert "base_model_relation" not in said  # folders have no name on the Hub
    text = write_card(
        load("{merge_method: linear, models: [{model: some/one}, {model: some/two@abc}], parameters: {weight: 1}}"), {}
    )
    assert yaml.safe_load(text.split("---")[1])["base_model_relation"] == "merge"
