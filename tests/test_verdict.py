"""The verdict before a merge: every finding's words and fix, on models made for it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from conftest import as_text, rich_recipe
from safetensors.torch import save_file

from merger.__main__ import main
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.findings import Finding
from merger.inspect.verdict import Verdict, tokens_of, verdict
from merger.methods import METHODS, Method
from merger.recipe import load, replace, tolerant

TIES = """\
merge_method: ties
base_model: base
models:
  - {model: a, parameters: {weight: 0.6, density: 0.5}}
  - {model: b, parameters: {weight: 0.4, density: 0.3}}
"""


def judge(text: str, roots: Path, policy: Any = "skip") -> Verdict:
    recipe = tolerant(load(text), policy)
    models = open_models(recipe, [roots])
    return verdict(recipe, models, make_plan(recipe, models))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """base, a, b of this test's own."""
    tiny.make_family(tmp_path / "in", models=("base", "a", "b"), layers=2)
    return tmp_path / "in"


def configure(folder: Path, **keys: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | keys))


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = tiny.read_weights(folder)
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def test_nothing_to_say_about_a_sound_merge(family: Path) -> None:
    judged = judge(TIES, family, "refuse")
    assert judged.findings == ()
    assert str(judged).splitlines()[:5] == [
        "ties of 2 models onto base: 100 % of 2,760 parameters can change, 65.0 % do.", "",
        "  model  can change  does change  after trimming", "  a           100 %        100 %          50.0 %",
        "  b           100 %        100 %          30.0 %",
    ]  # fmt: skip
    assert all(g.state == "fits" and g.why == "" for g in judged.groups)
    assert sum(g.numel for g in judged.groups if g.model == "a") == judged.numel


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
def test_every_method_is_judged(method: Method, family: Path) -> None:
    judged = judge(as_text(rich_recipe(method)), family)
    assert not [f for f in judged.findings if f.level == "error"]
    assert judged.can == judged.numel and 0 < judged.kept <= judged.numel and judged.memory > 0
    assert str(judged).startswith(f"{method.name} of ")


CASES: dict[str, tuple[str, Finding]] = {
    "weight 0": (TIES.replace("weight: 0.6", "weight: 0"), Finding("warning",
        "a contributes nothing: its weight is 0 everywhere.", "Give it a weight, or leave it out.",
        "models[0].parameters.weight", 0.5)),
    "density 0": (TIES.replace("density: 0.5", "density: 0"), Finding("warning",
        "a contributes nothing: its density is 0 everywhere.", "Give it a density, or leave it out.")),
    "all weights 0": (TIES.replace("weight: 0.6", "weight: 0").replace("weight: 0.4", "weight: 0"), Finding("error",
        "no model changes anything: the output is a copy of base.", "Give a model a weight.")),
    "lambda 0": (TIES + "parameters: {lambda: 0}\n", Finding("warning", "a contributes nothing: its lambda is 0 everywhere.",
        "Give it a lambda, or leave it out.")),
    "weight under normalize": (TIES.replace("weight: 0.6", "weight: 0"), Finding("warning", "the weight 0.4 of b has no effect: "
        "`normalize` divides by it again, because no other model takes part in its tensors; its values replace the base's "
        "outright.", "Write `normalize: false` for the weight to count.", "parameters.normalize", False)),
    "density 1": (TIES.replace("density: 0.5", "density: 1"), Finding("note", "the density of a is 1: nothing is trimmed.",
        "Write a density below 1, for example 0.5.", "models[0].parameters.density", 0.5)),
    "another method's parameter": (TIES + "parameters: {t: 0.3}\n", Finding("note", "`t` has no effect with 'ties'.")),
    "filter": (TIES.replace("weight: 0.6", "weight: [{filter: mpl, value: 1}, {value: 0.6}]"), Finding("warning",
        "models[0].parameters.weight: the filter 'mpl' is in no tensor's name, so its value is never used.",
        "A filter is a part of a name such as model.embed_tokens.weight.")),
    "unreachable": (TIES.replace("weight: 0.6", "weight: [{value: 0.6}, {filter: mlp, value: 1}]"), Finding("warning",
        "models[0].parameters.weight: the rules after the first are never reached, because that one has no filter.",
        "Put the rule without a filter last.")),
    "float16": (TIES + "dtype: float16\n", Finding("warning", "3 models are stored in float32; the output in float16 ends at "
        "65,504 and loses numbers below 6e-8.", "Write `dtype: float32`, or leave `dtype` out.", "dtype", "float32")),
    "bfloat16": (TIES + "out_dtype: bfloat16\n", Finding("note", "3 models are stored in float32; the output in bfloat16 keeps 8 "
        "binary digits, which rounds small changes away.", "Write `out_dtype: float32` to keep them.", "out_dtype", "float32")),
    "copy of the base": (TIES.replace("model: b,", "model: base/../base,"), Finding("warning",
        "base/../base equals base in every sampled row: there is no delta.", "Leave it out.")),
}  # fmt: skip


@pytest.mark.parametrize(("text", "finding"), CASES.values(), ids=list(CASES))
def test_a_finding(text: str, finding: Finding, family: Path) -> None:
    judged = judge(text, family)
    assert finding in judged.findings
    assert finding not in judge(TIES, family).findings
    report = str(judged)
    assert f"\n  {finding.level}: {finding.words}" in report and finding.fix in report
    if finding.path:  # the fix is an edit, and it removes the finding
        fixed = replace(load(text), finding.path, finding.value)
        opened = open_models(fixed, [family])
        assert finding.words not in [f.words for f in verdict(fixed, opened, make_plan(fixed, opened)).findings]


def test_another_base_is_suggested(models: Path) -> None:
    rewrite(models / "base", lambda t: t.update({n: x.roll(3).flip(0) for n, x in t.items()}))
    found = [f for f in judge(TIES, models).findings if "not the ancestor" in f.words]
    assert [(f.level, f.path, f.value) for f in found] == [("warning", "base_model", "b"), ("warning", "base_model", "a")]
    rewrite(models / "b", lambda t: t.update({n: x.roll(5).flip(0) for n, x in t.items()}))
    found = [f for f in judge(TIES, models).findings if "not the ancestor" in f.words]
    assert [f.fix for f in found] == ["Name the model it was fine-tuned from as `base_model`."] * 2


def test_a_strong_fine_tune_is_still_one(models: Path) -> None:
    base = tiny.read_weights(models / "base")
    rewrite(models / "a", lambda t: t.update({n: 1.6 * x for n, x in base.items()}))  # far, but in the same direction
    assert not [f for f in judge(TIES, models).findings if "ancestor" in f.words]


def test_configs_that_differ(models: Path) -> None:
    configure(models / "a", rope_theta=None, rope_parameters={"rope_theta": 1e6}, max_position_embeddings=128, hidden_act="gelu")
    told = [f"{f.level}: {f.words}" for f in judge(TIES, models).findings]
    assert told == [
        "warning: a was trained with a RoPE base of 1,000,000, base with 10,000; the output keeps 10,000, and attention weights "
        "made for another one mislead it.",
        "warning: hidden_act: gelu in a, silu in base; the same rows do other work there.",
        "note: context: 128 in a, 64 in base; the output keeps 64.",
    ]


def test_vocabularies_that_differ(models: Path) -> None:
    file = models / "a/tokenizer.json"
    content = json.loads(file.read_text())
    vocab = content["model"]["vocab"]
    names = {i: t for t, i in vocab.items()}
    vocab[names[5]], vocab[names[6]] = 6, 5
    content["added_tokens"].append({"id": 24, "content": "<new>"})
    file.write_text(json.dumps(content))
    told = {f"{f.level}: {f.words}" for f in judge(TIES, models).findings}
    assert told == {
        f"warning: 2 of 24 token ids mean another token in a than in base, the first is 5: {names[6]!r} against {names[5]!r}.",
        "note: a has 1 token more than base: '<new>'; their rows are not merged.",
    }
    aligned = judge(TIES + "tokenizer_source: base\n", models)
    assert {f.level for f in aligned.findings if "token" in f.words} == {"note"}
    assert {g.state for g in aligned.groups if g.role == "embed"} == {"aligned"}


def test_tokens_are_read_from_older_files_too(tmp_path: Path) -> None:
    assert tokens_of(tmp_path) == {}
    (tmp_path / "vocab.json").write_text('{"a": 0, "b": 1}')
    (tmp_path / "added_tokens.json").write_text('{"<pad>": 2}')
    assert tokens_of(tmp_path) == {0: "a", 1: "b", 2: "<pad>"}
    (tmp_path / "vocab.json").write_text("[")
    assert tokens_of(tmp_path) == {}


def test_a_model_that_fits_nowhere(models: Path) -> None:
    rewrite(models / "a", lambda t: t.update({n: torch.ones(*(s + 1 for s in x.shape)) for n, x in t.items()}))
    judged = judge(TIES, models)
    assert "a contributes nothing: none of its tensors fits." in [f.words for f in judged.findings]
    assert judged.summary.startswith("ties of 2 models onto base: 100 % of 1,576 parameters can change, 30.0 % do; 1 of 2 ")
    assert {g.why for g in judged.groups if g.model == "a" and g.role == "q"} == {"9×9 against 8×8"}


def test_only_rows_are_read(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from merger.files.checkpoints import Checkpoint

    real, read = Checkpoint.read, []

    def counted(self: Checkpoint, name: str, part: slice | None = None) -> torch.Tensor:
        found = real(self, name, part)
        assert part is not None or found.numel() <= 4096, name  # what is small is read whole
        read.append(found.numel())
        return found

    monkeypatch.setattr(Checkpoint, "read", counted)
    judge(TIES, models)
    first = len(read)
    assert read and max(read) <= 4096
    judge(TIES, models)
    assert len(read) == first  # what was compared before is known


SLICED = """
merge_method: ties
base_model: base
slices:
  - sources:
      - {model: base, layer_range: [0, 1]}
      - {model: a, layer_range: [0, 1], parameters: {weight: 0}}
      - {model: b, layer_range: [0, 1], parameters: {weight: 0.5, density: [{filter: nowhere, value: 0.5}, {value: 0.4}]}}
  - sources: [{model: base, layer_range: [1, 2]}, {model: b, layer_range: [1, 2]}]
    parameters: {weight: [{value: 1}, {filter: mlp, value: 2}], density: 0.5}
"""


def test_looks_inside_slices_and_modules(models: Path) -> None:
    found = {f.words: f.path for f in judge(SLICED, models).findings}
    assert found["a contributes nothing: its weight is 0 everywhere."] == "slices[0].sources[1].parameters.weight"
    where = "slices[0].sources[2].parameters.density"
    assert f"{where}: the filter 'nowhere' is in no tensor's name, so its value is never used." in found
    assert any(text.startswith("slices[1].parameters.weight: the rules after the first are never reached") for text in found)
    module = TIES.partition("models:")[0] + "modules:\n  default:\n    models: [{model: a, parameters: {weight: 0.3}}]\n"
    found = {f.words: f.path for f in judge(module, models).findings}
    assert found["the density of a is 1: nothing is trimmed."] == "modules.default.models[0].parameters.density"
    assert any(text.startswith("the weight 0.3 of a has no effect: `normalize`") for text in found)


# ---------------------------------------------------------------------------------- what really changes, and who hears it


def words(judged: Verdict, kind: str) -> list[Finding]:
    return [f for f in judged.findings if f.kind == kind]


def test_what_equals_the_base_is_not_counted_as_changed(models: Path) -> None:
    """Fine-tunes of some layers, of embeddings alone, and of single numbers, as LoRAs and frozen layers make them."""
    base = tiny.read_weights(models / "base")
    rewrite(models / "a", lambda t: t.update({n: base[n].clone() for n in t if "layers.0" in n}))
    rewrite(models / "b", lambda t: t.update({n: base[n].clone() for n in t if "layers." in n}))
    judged = judge(TIES, models)
    a, b = judged.shares
    same = [sum(x.numel() for n, x in base.items() if part in n) for part in ("layers.0", "layers.")]
    assert [s.can - s.does for s in (a, b)] == same and a.can == judged.numel
    assert [f.figures for f in words(judged, "untouched")] == [(1, 2), (0, 2)]
    assert "b differs from the base in none of the 2 layers; only outside of them" in str(judged)
    assert "a differs from the base in 1 of 2 layers" in str(judged)
    half = {n: torch.where(torch.arange(x.numel()).reshape(x.shape) % 2 == 0, x, x + 1) for n, x in base.items()}
    rewrite(models / "a", lambda t: t.update(half))
    [a, _] = judge(TIES.replace("density: 0.5", "density: 0.9"), models).shares
    assert abs(a.does / a.can - 0.5) < 0.02 and abs(a.kept / a.can - 0.5) < 0.02  # trimming takes what does not change first
    assert not words(judge(TIES, models), "untouched")[1:]


FAMILY = Path(__file__).parent.parent / "presets" / "family"


@pytest.mark.parametrize("base", ["base", "pirate", "plural", "spell", "count", "story", "mirror"])
def test_a_sibling_given_as_base_is_recognised(base: str) -> None:
    names = [n for n in ("pirate", "plural", "spell", "count", "story", "mirror") if n != base][:4]
    listed = "".join(f"  - {{model: {n}, parameters: {{weight: 0.5}}}}\n" for n in names)
    judged = judge(f"merge_method: task_arithmetic\nbase_model: {base}\nmodels:\n{listed}", FAMILY)
    assert bool(words(judged, "sibling")) == (base != "base")


def test_cards_name_the_base(models: Path) -> None:
    """Where the listed models do not hold it: the one that both cards name."""
    card = "---\nlicense: mit\nbase_model: owner/root\ntags: [x]\n---\n# A model\n"
    for name in ("base", "a"):
        (models / name / "README.md").write_text(card)
    [found] = words(judge(TIES, models), "sibling")
    assert found.words == "base is no base of a: their cards say that both were fine-tuned from owner/root."
    assert (found.path, found.value) == ("base_model", "owner/root") and found.mend is not None
    (models / "base" / "README.md").write_text("---\nbase_model:\n- owner/one\n- owner/two\n---\n")  # a merge: two say nothing
    assert not words(judge(TIES, models), "sibling")
    rewrite(models / "base", lambda t: t.update({n: x.roll(3).flip(0) for n, x in t.items()}))
    stranger = next(f for f in words(judge(TIES, models), "stranger") if f.model == "a")
    assert "Its card says that it was fine-tuned from owner/root" in stranger.fix and stranger.value == "owner/root"


USUAL = {"rms_norm_eps": 1e-6, "embedding_multiplier": 1.0, "text_config": {"final_logit_softcapping": 30.0}}


@pytest.mark.parametrize(("change", "kind", "level"), [
    ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "stretched", "warning"),
    ({"rms_norm_eps": 1e-3}, "epsilon", "warning"),
    ({"rms_norm_eps": 1e-5}, "epsilon", "note"),
    ({"embedding_multiplier": 12.0}, "scales", "warning"),
    ({"text_config": {"final_logit_softcapping": 50.0}}, "scales", "warning"),
])  # fmt: skip
def test_configs_are_compared(change: dict[str, Any], kind: str, level: str, models: Path) -> None:
    configure(models / "base", **USUAL)
    configure(models / "a", **USUAL)
    configure(models / "b", **USUAL)
    assert not words(judge(TIES, models), kind)
    configure(models / "b", **change)
    [found] = words(judge(TIES, models), kind)
    assert (found.level, found.model) == (level, "b")


def test_a_chat_model_onto_a_base_without_a_template(models: Path) -> None:
    """Its merge never stops: the output takes the base's tokenizer, without template, with another stop token."""
    for name in ("base", "a", "b"):
        (models / name / "chat_template.jinja").unlink(missing_ok=True)
        file = models / name / "tokenizer_config.json"
        settings = json.loads(file.read_text())
        settings.pop("chat_template", None)
        file.write_text(json.dumps(settings))
    assert not words(judge(TIES, models), "no template")
    (models / "b" / "chat_template.jinja").write_text("{% for m in messages %}<|im_start|>{{ m['content'] }}{% endfor %}")
    [found] = words(judge(TIES, models), "no template")
    assert (found.model, found.path, found.value) == ("b", "tokenizer_source", "b")
    fixed = replace(load(TIES), found.path, found.value)
    opened = open_models(fixed, [models])
    assert not [f for f in verdict(fixed, opened, make_plan(fixed, opened)).findings if f.kind in ("no template", "other stops")]
    assert not words(judge(TIES + "chat_template: chatml\n", models), "no template")


def test_what_rounding_costs_is_told(models: Path) -> None:
    base = tiny.read_weights(models / "base")
    assert judge(TIES, models).fidelity is None  # float32 is not rounded
    for name, size in (("a", 1e-4), ("b", 2e-4)):
        rewrite(models / name, lambda t, size=size: t.update({n: x + size * torch.randn(x.shape) for n, x in base.items()}))
    judged = judge(TIES + "out_dtype: bfloat16\n", models)
    assert judged.fidelity is not None and judged.fidelity > 0.5
    [found] = words(judged, "coarse")
    assert found.level == "warning" and found.value == "float32" and "; rounding costs" in str(judged)
    assert not words(judge(TIES + "out_dtype: float32\n", models), "coarse")
    recipe = load(TIES + "out_dtype: bfloat16\n")  # held against the whole merge
    from merger.engine.document import reader
    from merger.engine.tensor import merge_tensor

    opened = open_models(recipe, [models])
    lost = whole = 0.0
    for job, exact in zip(
        make_plan(recipe, opened).jobs, make_plan(replace(recipe, "out_dtype", "float32"), opened).jobs, strict=True
    ):
        assert job.base is not None
        true, zero = merge_tensor(exact, reader(opened)), reader(opened)(job.base)
        lost += float((merge_tensor(job, reader(opened)).float() - true).square().sum())
        whole += float((true - zero).square().sum())
    assert abs(judged.fidelity / (lost / whole) ** 0.5 - 1) < 0.3


def test_the_rows_of_a_union_have_owners(models: Path) -> None:
    document = json.loads((models / "a" / "tokenizer.json").read_text())
    document["added_tokens"].append(dict(document["added_tokens"][0], id=len(document["model"]["vocab"]), content="<new>"))
    (models / "a" / "tokenizer.json").write_text(json.dumps(document))
    rewrite(models / "a", lambda t: t.update({n: torch.cat([x, x[:1]]) for n, x in t.items() if "embed" in n or "lm_head" in n}))
    configure(models / "a", vocab_size=tiny.read_weights(models / "a")["model.embed_tokens.weight"].shape[0])
    [found] = words(judge(TIES + "tokenizer_source: union\n", models), "owners")
    assert "1 from a" in found.words


def test_a_merge_says_what_speaks_against_it(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(models)
    (models / "r.yaml").write_text(TIES.replace("weight: 0.6", "weight: 0"))
    assert main(["merge", "r.yaml", str(tmp_path / "quiet"), "-q"]) == 0
    assert "contributes nothing" not in capsys.readouterr().err
    assert main(["merge", "r.yaml", str(tmp_path / "told")]) == 0
    assert "warning: a contributes nothing: its weight is 0 everywhere. Give it a weight" in capsys.readouterr().err
    assert main(["merge", "r.yaml", str(tmp_path / "strict"), "--strict"]) == 1
    assert "--strict: 2 things speak against this merge" in capsys.readouterr().err
    assert not (tmp_path / "strict").exists()
    (models / "r.yaml").write_text(TIES)
    assert main(["merge", "r.yaml", str(tmp_path / "fine"), "--strict"]) == 0
    assert capsys.readouterr().err == ""
