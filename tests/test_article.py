"""The recipe everybody tries first, at reduced width: TIES of Mistral-7B, WizardMath-7B and CodeLlama-7b-Instruct.

Shapes are those of the real models divided by 64 (the vocabulary's extra rows kept), which keeps every mismatch: grouped
against full attention, 14336 against 11008, 32000 against 32001 and 32016 rows.
"""

import json
from dataclasses import replace as with_
from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import save_file

from merger.__main__ import main
from merger.engine.batch import merge
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.engine.session import Parents, Session
from merger.errors import CheckpointError
from merger.inspect.verdict import Verdict, verdict
from merger.recipe import load, tolerant

LAYERS, WIDTH, VOCAB = 32, 64, 500
MISTRAL, WIZARD, CODE = "mistralai/Mistral-7B-v0.1", "WizardLM/WizardMath-7B-V1.0", "codellama/CodeLlama-7b-Instruct-hf"
# model -> architecture, rows of the vocabulary, key and value rows, MLP rows, RoPE base, context, window, stored in, its origin
MODELS = {
    MISTRAL: ("Mistral", 500, 16, 224, 10_000.0, 32768, 4096, torch.bfloat16, "mistral"),
    WIZARD: ("Mistral", 501, 64, 172, 10_000.0, 2048, None, torch.bfloat16, "llama"),
    CODE: ("Llama", 516, 64, 172, 1_000_000.0, 16384, None, torch.bfloat16, "llama"),
}
RECIPE = f"""\
models:
  - model: {MISTRAL}
  - model: {WIZARD}
    parameters:
      density: 0.5
      weight:
        - filter: mlp
          value: 0.5
        - value: 0
  - model: {CODE}
    parameters:
      density: 0.5
      weight: 0.5
merge_method: ties
base_model: {MISTRAL}
parameters:
  normalize: true
  int8_mask: true
dtype: float16
"""
FLAGS = "--copy-tokenizer --allow-crimes --out-shard-size 1B --low-cpu-memory --write-model-card --lazy-unpickle".split()


@pytest.fixture(scope="module")
def article(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the three models under their Hub ids, and the recipe."""
    folder = tmp_path_factory.mktemp("article")
    for name, (kind, vocab, kv, ffn, theta, context, window, dtype, origin) in MODELS.items():
        path = folder / name
        path.mkdir(parents=True)
        shapes = tiny.tensor_shapes(LAYERS, WIDTH, ffn, 16, kv // 4, vocab, tied=False)
        save_file({n: values(n, shape, origin, name).to(dtype) for n, shape in shapes.items()}, path / "model.safetensors")
        config = {
            "architectures": [f"{kind}ForCausalLM"], "model_type": kind.lower(), "hidden_size": WIDTH, "intermediate_size": ffn,
            "num_hidden_layers": LAYERS, "num_attention_heads": 16, "num_key_value_heads": kv // 4, "vocab_size": vocab,
            "rope_theta": theta, "max_position_embeddings": context, "sliding_window": window, "torch_dtype": "bfloat16",
            "tie_word_embeddings": False, "hidden_act": "silu", "rms_norm_eps": 1e-5,
        }  # fmt: skip
        (path / "config.json").write_text(json.dumps(config))
        tokens = [*tiny.SPECIAL, *(f"{origin}{i}" for i in range(3, 500))]
        tokens += {501: ["[PAD]"], 516: ["▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>", *(f"<{i}>" for i in range(12))]}.get(vocab, [])
        words = {"type": "BPE", "vocab": {t: i for i, t in enumerate(tokens)}, "merges": []}
        (path / "tokenizer.json").write_text(json.dumps({"version": "1.0", "added_tokens": [], "model": words}))
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


def values(name: str, shape: tuple[int, ...], origin: str, model: str) -> torch.Tensor:
    """Two families that have nothing in common; within one, a few hundredths of the norm apart."""

    def drawn(key: str) -> torch.Tensor:
        generator = torch.Generator().manual_seed(int.from_bytes(key.encode()[-6:], "little") + len(key) + sum(key.encode()))
        return torch.randn(max(shape[0], 516), *shape[1:], generator=generator)[: shape[0]]

    if len(shape) == 1:
        return 1 + 0.05 * drawn(origin + name) + 0.005 * drawn(model + name)
    return (drawn(origin + name) + 0.05 * drawn(model + name)) / WIDTH**0.5


@pytest.fixture(scope="module")
def judged(article: Path) -> Verdict:
    recipe = load(RECIPE)
    models = open_models(recipe, [article])
    return verdict(recipe, models, make_plan(tolerant(recipe, "crop+skip"), models))


def says(judged: Verdict, words: str) -> str:
    """The one finding with these words."""
    found = [f"{f.level}: {f.words}" for f in judged.findings if words in f.words]
    assert len(found) == 1, (words, found)
    return found[0]


def test_refused_before_any_weight_is_read(article: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("merger.files.checkpoints.Checkpoint.read", lambda *_: pytest.fail("a weight was read"))
    with pytest.raises(CheckpointError) as error:
        merge(load(RECIPE), tmp_path / "out", roots=[article])
    assert str(error.value) == (
        "model.embed_tokens.weight: shapes differ.\n"
        f"  base  {MISTRAL}           (500, 64)\n  [1]   {WIZARD}         (501, 64)\n  [2]   {CODE}  (516, 64)\n"
        "  The same is true of 161 more tensors.\n"
        "  Their vocabularies differ: match rows by token with `tokenizer_source: union` (or `base`), "
        "cut them to the rows that all have: --unsafe-truncate-embeddings,\n"
        "  or cut and leave out whatever does not fit the base: --allow-crimes."
    )
    assert not list(tmp_path.iterdir())


def test_cutting_the_vocabulary_alone_does_not_help(article: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"_proj.weight: shapes differ.\n(.*\n)*.*159 more(.*\n)*.*--allow-crimes\.$"):
        merge(tolerant(load(RECIPE), "crop"), tmp_path / "out", roots=[article])


def test_it_runs_with_the_articles_command(article: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(article)
    out = tmp_path / "out"
    assert main(["merge", "recipe.yaml", str(out), *FLAGS]) == 0
    made, base, code = (tiny.read_weights(folder) for folder in (out, article / MISTRAL, article / CODE))
    changed = {}
    for name, tensor in made.items():
        assert tensor.dtype == torch.float16
        own = base[name].to(torch.float16)
        other = code[name][: len(own)] if name in ("lm_head.weight", "model.embed_tokens.weight") else code[name]
        if other.shape == own.shape:  # half of the positions become CodeLlama's values outright, whatever the weight
            taken = tensor != own
            torch.testing.assert_close(tensor[taken], other.to(torch.float16)[taken], rtol=1e-3, atol=1e-6)
            assert abs(float(taken.float().mean()) - 0.5) < (0.02 if own.dim() == 2 else 0.15), name  # 64 numbers in a norm
            changed[name] = int(taken.sum())
        else:
            assert torch.equal(tensor, own)
    assert len(changed) == 131
    card = (out / "README.md").read_text()
    assert f"`{WIZARD}`: 32 × down, (64, 172) against (64, 224)" in card
    assert f"| Cropped tensors | `{WIZARD}`: 1 × embed, (501, 64) against (500, 64); `{CODE}`: 1 × embed" in card
    session = Session(Parents(roots=[article]))
    session.apply(tolerant(load(RECIPE), "crop+skip"))
    assert all(torch.equal(session.tensors[name], tensor) for name, tensor in made.items())
    recipe = load(RECIPE)  # WizardMath contributes exactly nothing: without it the bits are the same
    without = with_(recipe, models=(recipe.models[0], recipe.models[2]))
    merge(tolerant(without, "crop+skip"), tmp_path / "without", roots=[article])
    assert all(torch.equal(made[name], tensor) for name, tensor in tiny.read_weights(tmp_path / "without").items())


def test_transformers_loads_it(article: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    merge(tolerant(load(RECIPE), "crop+skip"), tmp_path / "out", roots=[article])
    model, info = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert type(model).__name__ == "MistralForCausalLM"
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    logits = model(torch.tensor([[1, 2, 3]])).logits
    assert logits.shape == (1, 3, 500) and bool(logits.isfinite().all())


def test_the_summary(judged: Verdict) -> None:
    assert (
        judged.summary
        == str(judged).splitlines()[0]
        == (
            f"ties of 2 models onto {MISTRAL}: 18.6 % of 1.8M parameters can change, 9.3 % do; 1 of 2 models contributes nothing"
            "; 9 warnings."
        )
    )


def test_wizardmath_contributes_exactly_nothing(judged: Verdict) -> None:
    assert says(judged, f"{WIZARD} contributes nothing") == (
        f"warning: {WIZARD} contributes nothing: its weight is 0 wherever it fits, and where its weight is not 0 (down, gate, "
        "up) its tensors do not fit."
    )
    wizard, code = judged.shares
    assert (wizard.model, wizard.can, wizard.does, wizard.kept) == (WIZARD, 330304, 0, 0)
    assert (code.model, code.can, code.kept) == (CODE, 330304, 165152) and 0.99 * 330304 < code.does <= 330304


def test_the_share_that_can_change(judged: Verdict) -> None:
    assert (judged.numel, judged.can) == (1772096, 330304) and 0.99 * 330304 < judged.does <= 330304  # a few equal the base
    assert says(judged, "tensors, 1.4M parameters") == (
        "warning: 160 of 291 tensors, 1.4M parameters, do not fit every model; 18.6 % of the parameters can change, "
        f"81.4 % stay as in {MISTRAL}."
    )
    states = {(g.role, g.model): g.state for g in judged.groups}
    for model in (WIZARD, CODE):
        assert {kind: states[kind, model] for kind in ("embed", "head", "q", "o", "norm", "k", "v", "gate", "up", "down")} == {
            "embed": "cropped", "head": "cropped", "q": "fits", "o": "fits", "norm": "fits", "k": "skipped", "v": "skipped",
            "gate": "skipped", "up": "skipped", "down": "skipped",
        }  # fmt: skip


def test_the_weight_has_no_effect(judged: Verdict) -> None:
    finding = next(f for f in judged.findings if "has no effect: `normalize`" in f.words)
    assert finding.words.startswith(f"the weight 0.5 of {CODE} has no effect") and finding.level == "warning"
    assert (finding.path, finding.value) == ("parameters.normalize", False)


def test_not_the_ancestor(judged: Verdict) -> None:
    found = [f for f in judged.findings if f"{MISTRAL} is not the ancestor of" in f.words]
    assert [f.level for f in found] == ["warning", "warning"]
    assert [(f.path, f.value) for f in found] == [("base_model", CODE), ("base_model", WIZARD)]
    assert "with a cosine of 0.0" in found[0].words and "gibberish" in found[0].words


def test_vocabulary_rope_context_and_dtype(judged: Verdict) -> None:
    for model in (WIZARD, CODE):
        assert says(judged, f"another token in {model}") == (
            f"warning: 497 of 500 token ids mean another token in {model} than in {MISTRAL}, the first is 3: 'llama3' against "
            "'mistral3'."
        )
    assert says(judged, f"{WIZARD} has 1 token more") == (
        f"note: {WIZARD} has 1 token more than {MISTRAL}: '[PAD]'; their rows are not merged."
    )
    assert "'▁<PRE>', '▁<SUF>', '▁<MID>', '▁<EOT>'" in says(judged, f"{CODE} has 16 tokens more")
    assert says(judged, "RoPE") == (
        f"warning: {CODE} was trained with a RoPE base of 1,000,000, {MISTRAL} with 10,000; the output keeps 10,000, and "
        "attention weights made for another one mislead it."
    )
    assert says(judged, f"context: 16,384 in {CODE}") == (
        f"note: context: 16,384 in {CODE}, 32,768 in {MISTRAL}; the output keeps 32,768."
    )
    assert says(judged, f"sliding window: none in {WIZARD}").startswith("note: ")
    assert says(judged, "stored in bfloat16") == (
        "warning: 3 models are stored in bfloat16; the output in float16 ends at 65,504 and loses numbers below 6e-8."
    )
    assert says(judged, "is a LlamaForCausalLM").startswith(f"note: {CODE} is a LlamaForCausalLM, {MISTRAL} a MistralForCausalLM")


def test_the_dry_run_says_it_and_writes_nothing(
    article: Path, judged: Verdict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(article)
    before = sorted(article.rglob("*"))
    assert main(["merge", "recipe.yaml", "out", "--dry-run", "--allow-crimes"]) == 0
    assert capsys.readouterr().out == f"{judged}\n"
    assert main(["merge", "recipe.yaml", "out", "--dry-run"]) == 1
    told = capsys.readouterr()
    assert told.out == f"{judged}\n\nThis is what --allow-crimes would do; without it:\n"
    assert told.err.startswith("CheckpointError: model.embed_tokens.weight: shapes differ.")
    assert main(["inspect", "recipe.yaml", "--allow-crimes"]) == 0
    assert capsys.readouterr().out.startswith(f"{judged}\n\nties: ")
    assert sorted(article.rglob("*")) == before
