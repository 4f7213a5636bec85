"""Sentences: what a move changed, the verdict and its fixes, why a token was said, what a method did."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_file
from test_verdict import CASES, SLICED, TIES

from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.errors import MergeError
from merger.files.layout import Board, board, layout
from merger.inspect.verdict import Verdict, verdict, ways_out
from merger.recipe import Recipe, load, replace_all, tolerant
from merger.ui.words import changed, method_words, refusal_words, verdict_words, why_token

NAMES = {"m/base": "base", "m/pirate": "pirate", "m/plural": "plural", "m/spell": "spell"}
PARTS = ("self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj", "input_layernorm")
TENSORS = ["model.embed_tokens.weight", *(f"model.layers.{i}.{p}.weight" for i in range(8) for p in PARTS), "model.norm.weight"]
BOARD: Board = board(TENSORS, layout(dict.fromkeys(TENSORS, 1)))
START = load("""
merge_method: ties
base_model: m/base
models:
  - {model: m/pirate, parameters: {weight: 0.4, density: 0.6}}
  - {model: m/plural, parameters: {weight: 0.6, density: 0.6}}
  - {model: m/spell, parameters: {weight: 0.5, density: 0.6}}
""")
ATTENTION = [{"filter": "self_attn", "value": 0.8}, {"value": 0.6}]
MOVES: dict[str, tuple[dict[str, Any], str]] = {
    "to a third": ({"models[2].parameters.weight": 1 / 3}, "spell is down to a third everywhere."),
    "to zero": ({"models[2].parameters.weight": 0}, "spell is silent now."),
    "to one": ({"models[1].parameters.weight": 1}, "plural is up to its full change everywhere."),
    "two alike": ({f"models[{i}].parameters.weight": 0.3 for i in (0, 2)}, "pirate and spell are down to 0.3 everywhere."),
    "all alike": ({f"models[{i}].parameters.density": 0.25 for i in range(3)},
                  "The kept part of all models falls from 60 % to 25 % everywhere."),
    "density": ({"models[2].parameters.density": 0.3}, "The kept part of spell falls from 60 % to 30 % everywhere."),
    "a new leader": ({"models[0].parameters.weight": [0.4, 0.4, 0.4, 0.9, 0.9, 0.9, 0.4, 0.4]},
                     "pirate now leads layers 4 to 6; pirate is up to 0.9 in layers 4 to 6."),
    "a curve": ({"models[2].parameters.weight": [0.5, 0.4, 0.3, 0.2, 0.5, 0.5, 0.5, 0.5]},
                "spell falls to between 0.2 and 0.4 in layers 2 to 4."),
    "two layers": ({"models[2].parameters.weight": [0.5, 0.5, 0.2, 0.2, 0.5, 0.5, 0.5, 0.5]},
                   "spell is down to a fifth in layers 3 and 4."),
    "attention": ({"models[1].parameters.weight": ATTENTION}, "plural is up to 0.8 in every layer, attention only."),
    "embeddings": ({"models[2].parameters.weight": [{"filter": "embed", "value": 0.2}, {"value": 0.5}]},
                   "spell is down to a fifth in the embeddings."),
    "shared": ({"parameters.lambda": 0.5}, "The strength falls from 1 to 0.5."),
    "a switch": ({"parameters.normalize": False}, "normalize is off now."),
    "a choice": ({"parameters.rescale": "inverse"}, "rescale is inverse now, it was false."),
    "method": ({"merge_method": "dare_ties"}, "The method is dare_ties now: drop changes at random, then vote as TIES."),
    "base": ({"base_model": "m/other"}, "The base is m/other now."),
    "seed": ({"seed": 3}, "The dice are thrown anew."),
    "tokens": ({"tokenizer_source": "union", "dtype": "bfloat16"},
               "The number type is bfloat16 now; words are matched by what they say now."),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), MOVES.values(), ids=list(MOVES))
def test_what_a_move_changed(changes: dict[str, Any], words: str) -> None:
    after = replace_all(START, changes)
    assert changed(START, after, NAMES, BOARD) == words
    assert changed(after, START, NAMES, BOARD)


def test_models_come_and_go() -> None:
    fewer = replace_all(START, {"models": [{"model": "m/pirate", "parameters": {"weight": 0.4}}]})
    assert changed(START, fewer, NAMES, BOARD) == "plural and spell are out of the mix."
    assert changed(fewer, START, NAMES, BOARD) == "plural and spell join the mix."
    assert changed(START, START, NAMES, BOARD) == ""
    slices = load("{merge_method: passthrough, slices: [{sources: [{model: m/base, layer_range: [0, 4]}]}]}")
    assert changed(START, slices, NAMES, BOARD) == "The recipe is another one now."


# ---------------------------------------------------------------------------------------------- the verdict


def judge(recipe: Recipe, roots: Path) -> Verdict:
    recipe = tolerant(recipe, "skip")
    models = open_models(recipe, [roots])
    return verdict(recipe, models, make_plan(recipe, models))


def mended(recipe: Recipe, roots: Path, want: set[str] | None = None) -> set[str]:
    """Apply each finding's fix by itself; its finding must be gone. The kinds that had one."""
    before = judge(recipe, roots)
    done: set[str] = set()
    for finding, remark in zip(before.findings, verdict_words(before)[-len(before.findings) or 10**6 :], strict=True):
        assert remark.level == finding.level and remark.text and "{" not in remark.text
        assert bool(remark.fix_label) == (finding.mend is not None)
        if finding.mend is None:
            continue
        fixed = replace_all(recipe, remark.changes)
        after = judge(fixed, roots)
        assert finding.words not in [f.words for f in after.findings], finding
        assert (finding.kind, finding.model) not in [(f.kind, f.model) for f in after.findings if f.kind != "lost rule"]
        done.add(finding.kind)
    assert want is None or want <= done
    return done


FIXED = {
    "weight 0": "silent", "density 0": "silent", "all weights 0": "copy", "lambda 0": "silent",
    "weight under normalize": "lone weight",
    "density 1": "untrimmed", "filter": "lost rule", "unreachable": "lost rule", "float16": "narrow", "bfloat16": "rounded",
    "copy of the base": "same",
}  # fmt: skip


@pytest.mark.parametrize("case", FIXED)
def test_a_fix_makes_its_finding_vanish(case: str, family: Path) -> None:
    mended(load(CASES[case][0]), family, {FIXED[case]})


ADDED = TIES.replace("ties", "task_arithmetic").replace("weight: 0.6", "weight: 3").replace("weight: 0.4", "weight: 2.5")
MORE = {
    "too far": ADDED,
    "too far under lambda": ADDED + "parameters: {lambda: -2}\n",
    "too far in total": ADDED + "parameters: {lambda: 40, normalize: true}\n",
    "too far by curves": ADDED.replace("weight: 3", "weight: [3, 6]") +
    "parameters: {lambda: [{filter: mlp, value: 3}, {value: 2}]}\n",
    "scaled": "{merge_method: linear, models: [a, b], parameters: {weight: 0.9, normalize: false}}",
    "hardly": TIES.replace("density: 0.5", "density: 0.001"),
    "copy by curves": TIES.replace("weight: 0.6", "weight: [0, 0]").replace("weight: 0.4", "weight: [0, 0, 0]"),
    "copy in all": TIES.replace("weight: 0.6", "weight: 0") .replace("density: 0.3", "density: 0") + "parameters: {lambda: 0}\n",
    "silent slerp": "{merge_method: slerp, base_model: a, models: [a, b], parameters: {t: 0}}",
}  # fmt: skip


@pytest.mark.parametrize("case", MORE)
def test_more_fixes(case: str, family: Path) -> None:
    kind = {"copy by curves": "copy", "copy in all": "copy", "silent slerp": "silent"}.get(case, case)
    mended(load(MORE[case]), family, {"too far" if case.startswith("too far") else kind})


def test_reach_is_measured_where_it_is_added(family: Path) -> None:
    """Shares of one are never too far, nor are what decompositions make of it; sums of many weak models are not either."""
    for text in (
        TIES.replace("weight: 0.6", "weight: 60"), ADDED.replace("weight: 3", "weight: 0.5"),
        ADDED.replace("task_arithmetic", "iso_c"), ADDED + "parameters: {lambda: 0.3}\n",
    ):  # fmt: skip
        assert "too far" not in {f.kind for f in judge(load(text), family).findings}, text
    found = next(f for f in judge(load(ADDED), family).findings if f.kind == "too far")
    assert found.figures == (5.5,) and (found.path, found.value) == ("parameters.lambda", 0.18)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    tiny.make_family(tmp_path / "in", models=("base", "a", "b"), layers=2)
    return tmp_path / "in"


def rewrite(folder: Path, change: Any) -> None:
    save_file(change(tiny.read_weights(folder)), folder / "model.safetensors")


def test_strangers_and_misfits_are_taken_out(models: Path) -> None:
    rewrite(models / "a", lambda t: {n: x.roll(3).flip(0).contiguous() for n, x in t.items()})
    assert "stranger" in mended(load(TIES), models)
    rewrite(models / "a", lambda t: {n: torch.ones(*(s + 1 for s in x.shape)) for n, x in t.items()})
    assert {"unfit", "misfits"} <= mended(load(TIES), models)
    alone = load("{merge_method: ties, base_model: base, models: [a], parameters: {weight: 1}}")
    assert "unfit" not in mended(alone, models)  # nothing would be left


def test_another_base_is_the_fix(models: Path) -> None:
    rewrite(models / "base", lambda t: {n: x.roll(3).flip(0).contiguous() for n, x in t.items()})
    remarks = [r for r in verdict_words(judge(load(TIES), models)) if r.fix_label == "Use its relative as the base"]
    assert [r.changes for r in remarks] == [{"base_model": "b"}, {"base_model": "a"}]
    assert "stranger" in mended(load(TIES), models)


def test_words_are_matched(models: Path) -> None:
    import json

    file = models / "a/tokenizer.json"
    content = json.loads(file.read_text())
    vocab = content["model"]["vocab"]
    names = {i: t for t, i in vocab.items()}
    vocab[names[5]], vocab[names[6]] = 6, 5
    file.write_text(json.dumps(content))
    assert "other words" in mended(load(TIES), models)


def test_slices_are_mended_in_place(models: Path) -> None:
    mended(load(SLICED), models, {"silent", "lost rule"})


def test_a_sound_merge_is_told_so(family: Path) -> None:
    (only,) = verdict_words(judge(load(TIES), family))
    assert only.text == "Nothing speaks against this merge. It can change 65 % of the weights."
    assert (only.level, only.fix_label) == ("note", "")


def test_verdict_in_plain_words(family: Path) -> None:
    told = verdict_words(judge(load(CASES["weight 0"][0]), family), {"a": "pirate", "b": "plural"})
    assert [(r.level, r.text, r.fix_label, r.changes) for r in told] == [
        ("warning", "pirate is in the mix but has no say: its share is 0 everywhere.", "Give it a part",
         {"models[0].parameters.weight": 0.5}),
        ("warning", "How much of plural you take makes no difference: it is alone, and shares are made to sum to 1.",
         "Let the weight count", {"parameters.normalize": False}),
    ]  # fmt: skip


def test_refusals_in_plain_words() -> None:
    words = "model.embed_tokens.weight: shapes differ.\n  Their vocabularies differ: match rows ..., or ...: --allow-crimes."
    assert refusal_words(words).startswith("The models know different words")
    other = refusal_words("x: shapes differ.\n  Only fine-tunes ..., or leave a model out ...: --allow-crimes.")
    assert other == "The models are not built alike: some parts have other sizes."
    assert refusal_words("no such folder.\n  more") == "no such folder."


def ways(text: str, roots: Path) -> list[dict[str, Any]]:
    """What ways_out offers; each must let the recipe be planned, which it is not by itself."""
    recipe = load(text)
    models = open_models(recipe, [roots])
    with pytest.raises(MergeError):
        make_plan(recipe, models)
    found = [dict(fix.changes) for fix in ways_out(recipe, models)]
    assert all(make_plan(replace_all(recipe, changes), models).jobs for changes in found)
    return found


def test_ways_out_of_a_refusal_are_those_that_work(models: Path) -> None:
    recipe = load(TIES)
    assert not list(ways_out(recipe, open_models(recipe, [models])))  # nothing is wrong
    rewrite(models / "a", lambda t: t | {"model.norm.weight": torch.ones(3)})
    assert ways(TIES, models) == [{"on_mismatch": "skip"}]
    for name in ("a", "b"):
        rewrite(models / name, lambda t: {n: torch.ones(*(s + 1 for s in x.shape)) for n, x in t.items()})
    assert ways(TIES, models) == []  # every part left out is no merge


def test_words_are_matched_before_parts_are_left_out(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", "b"), layers=1)
    tiny.make_family(tmp_path / "more", models=("base", "a"), layers=1, vocab=30)
    (tmp_path / "more/a").rename(tmp_path / "a")
    found = [{"tokenizer_source": "union"}, {"on_mismatch": "skip"}]
    assert ways(TIES, tmp_path) == [*found, {"on_mismatch": "crop"}]
    words = json.loads((tmp_path / "a/tokenizer.json").read_text())
    words["model"]["vocab"] = {token: i if i < 3 else 32 - i for token, i in words["model"]["vocab"].items()}
    (tmp_path / "a/tokenizer.json").write_text(json.dumps(words))
    assert ways(TIES, tmp_path) == found  # the same number is another word: cutting would mix them


# ---------------------------------------------------------------------------------------------- tokens


@dataclass(frozen=True)
class Judged:
    probability: float
    rank: int
    best: str


YES, SECOND, NO = Judged(0.98, 1, "y"), Judged(0.21, 2, "they"), Judged(0.0001, 50, " so")
DUNNO = Judged(0.01, 4, "dunno")
TOKENS = [
    ({"pirate": YES, "base": DUNNO}, "pirate would say this too (98 %); base would say “dunno” here."),
    ({"pirate": YES, "plural": NO, "base": DUNNO}, "pirate would say this too (98 %); base would say “dunno” here."),
    ({"pirate": Judged(0.5, 1, "y"), "plural": YES, "base": DUNNO},
     "plural (98 %) and pirate (50 %) would say this too; base would say “dunno” here."),
    ({"pirate": YES, "base": YES}, "Everyone would say this: pirate (98 %), and base too."),
    ({"pirate": YES, "plural": NO, "base": YES}, "pirate would say this too (98 %), and so would base; plural would say “␣so”."),
    ({"pirate": NO, "base": YES}, "Only base would say this; pirate would say “␣so”."),
    ({"pirate": SECOND, "plural": NO, "base": DUNNO},
     "Nobody alone would say this, the mix does; pirate has it second (21 %), after “they”; base would say “dunno” here."),
    ({"pirate": NO, "base": Judged(0.0, 9, "\n")},
     "Nobody alone would say this, the mix does; nearest is pirate, which would say “␣so”; base would say “⏎” here."),
    ({"base": Judged(0.0, 9, "")}, "base would say the end here."),
    ({}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("opinions", "words"), TOKENS)
def test_why_a_token(opinions: dict[str, Judged], words: str) -> None:
    assert why_token(opinions, "base") == words


def test_hostile_tokens_stay_text() -> None:
    evil = "<img src=x onerror=alert(1)>${alert(1)}"
    assert evil[:20] in why_token({"pirate": Judged(0.0, 9, evil), "base": YES}, "base")


# ---------------------------------------------------------------------------------------------- a method on real numbers


def test_a_vote_in_words(tmp_path: Path) -> None:
    """By hand: one position, two models that disagree; and one model's change is trimmed elsewhere."""
    from merger.engine.document import reader
    from merger.inspect.explain import look

    tiny.make_family(tmp_path, models=("base", "a", "b"), layers=1)
    name = "model.layers.0.mlp.up_proj.weight"
    base = torch.full((16, 8), 0.5)
    moves = {"a": torch.zeros(16, 8), "b": torch.zeros(16, 8)}
    moves["a"][2, 3], moves["b"][2, 3] = 0.0125, -0.003
    for model in ("base", "a", "b"):
        weights = tiny.read_weights(tmp_path / model) | {name: base + moves.get(model, 0)}
        save_file(weights, tmp_path / model / "model.safetensors")
    recipe = load("{merge_method: ties, base_model: base, models: [a, b], parameters: {weight: 1, density: 1}}")
    opened = open_models(recipe, [tmp_path])
    plan = make_plan(recipe, opened)
    told = method_words(look(plan.job(name), reader(opened), plan.layout).explained, {"a": "pirate", "b": "plural"})
    assert told == [
        "Nothing is trimmed: every change goes into the vote.",
        "At row 3, column 4 pirate wants +0.0125, plural −0.003: the vote goes to +; plural sits this one out. "
        "The merge takes +0.0125: 0.5 becomes 0.5125.",
    ]  # fmt: skip
