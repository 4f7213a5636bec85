"""Slopes: which way each bar helps, against the real engine with that bar a little lower and a little higher."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
import zoo
from conftest import as_text, donors
from torch import Tensor

from merger.chat.bind import Copied
from merger.engine.session import Parents
from merger.methods import METHODS
from merger.recipe import Recipe, load
from merger.recipe import replace as put
from merger.search import slopes as search
from merger.search.likelihood import Example
from merger.search.slopes import Mix, Slopes, said, slopes
from merger.search.trials import Runner

NUMBERS = {"weight": (0.62, 0.45, 0.3), "density": (0.55, 0.6, 0.7), "epsilon": (0.1, 0.12, 0.1), "gamma": (0.02, 0.03, 0.04)}
FOLLOWED = [
    name for name, m in METHODS.items() if m.law.smooth and any(p.kind == "float" and p.name != "lines" for p in m.params)
]


def recipe(name: str, **top: Any) -> Recipe:
    """A recipe of a method whose numbers stand away from the ends of their sliders."""
    method = METHODS[name]
    each = [p for p in method.params if p.per_model and p.kind == "float"]
    models = [
        {"model": model, "parameters": {p.name: NUMBERS.get(p.name, (0.9, 0.8, 0.7))[i] for p in each}}
        for i, model in enumerate("abc"[: donors(method)])
    ]
    shared = {
        p.name: p.slider[0] + 0.45 * (p.slider[1] - p.slider[0]) for p in method.params if not p.per_model and p.kind == "float"
    }
    shared |= {} if method.base == "ignored" else {"lambda": 1.1} if method.param("lambda") else {}
    shared.pop("lines", None)
    based = {} if method.base == "ignored" else {"base_model": "base"}
    return load(as_text({"merge_method": name, "models": models, "parameters": shared, **based, **top}))


def examples(count: int = 2, vocabulary: int = 24) -> dict[str, list[Example]]:
    """Prompts and answers of two skills, as tokens by chance."""
    chance = torch.Generator().manual_seed(0)

    def tokens(n: int) -> tuple[int, ...]:
        return tuple(torch.randint(3, vocabulary, (n,), generator=chance).tolist())

    return {skill: [Example(tokens(4 + i), tokens(3 + i)) for i in range(count)] for skill in ("one", "other")}


def measured(mix: Mix, asked: dict[str, list[Example]], layers: Sequence[int]) -> Tensor:
    """What the real engine's model says of each bar in these layers, moved a little down and up, (bars, layers)."""
    found = torch.zeros(len(mix.bars), len(layers), dtype=torch.float64)
    for i, bar in enumerate(mix.bars):
        by = search.STEP * bar.width  # the same step: an election or a cut that changes on the way is the engine's own doing
        for column, layer in enumerate(layers):
            ends = []
            for sign in (-1, 1):
                offsets = mix.start.clone()
                offsets[i, layer] = sign * by
                ends.append(sum(heard.loss for heard in mix.hear(asked, offsets).values()) / len(asked))
            found[i, column] = (ends[1] - ends[0]) / (2 * by)
    return found


COUNTED = ("density", "gamma", "epsilon", "select_topk", "tall_lambda")
"""Parameters that decide how many weights take part: one weight more is a jump, and a test's models have few weights."""


def agrees(mix: Mix, found: Slopes, true: Tensor, layers: Sequence[int]) -> None:
    """Whether the slopes of each parameter go with what was measured, and are as large."""
    table = found.by_anchor()[:, list(layers)]
    for name in dict.fromkeys(bar.param.name for bar in mix.bars):
        rows = [i for i, bar in enumerate(mix.bars) if bar.param.name == name and bar.told]
        ours, theirs = table[rows].flatten(), true[rows].flatten()
        if not rows or float(theirs.abs().max()) * mix.bars[rows[0]].width < 1e-3:
            continue  # rounding of float32
        likeness = float(torch.nn.functional.cosine_similarity(ours, theirs, dim=0))
        size = float(ours @ theirs / (theirs @ theirs))
        assert likeness >= (0.95 if name in COUNTED else 0.99), (name, likeness)
        assert abs(size - 1) < (0.4 if name in COUNTED else 0.15), (name, size)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Wide enough that one weight that changes sides is one of many."""
    folder = tmp_path_factory.mktemp("wide")
    tiny.make_family(folder, layers=3, width=32, ffn=48)
    return Runner(Parents(roots=[folder]))


@pytest.mark.parametrize("name", FOLLOWED)
@pytest.mark.long
def test_slopes_are_those_of_the_real_engine(name: str, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "STEP", 0.001)  # over a longer one the loss of models by chance bends
    mix = Mix(runner, recipe(name))
    asked = examples()
    found = mix.slopes(asked)
    agrees(mix, found, measured(mix, asked, (0, 2)), (0, 2))
    assert {k: h.loss for k, h in found.heard.items()} == pytest.approx({k: h.loss for k, h in mix.hear(asked).items()}, rel=1e-5)


@pytest.mark.parametrize("name", ["ties", "breadcrumbs_ties", "slerp"])
def test_slopes_of_trained_models(name: str) -> None:
    """With as many weights as models have, an election is as smooth as a sum, over the step that is taken."""
    home, method = "presets/family/", METHODS[name]
    models = [{"model": home + m, "parameters": {"weight": w, "density": 0.6}} for m, w in (("plural", 0.6), ("spell", 0.4))]
    first = {"models": [{"model": home + "spell"}], "base_model": home + "plural", "parameters": {"t": 0.4}}
    body = first if method.base == "first" else {"models": models, "base_model": home + "base"}
    mix = Mix(Runner(Parents()), load(as_text({"merge_method": name, "dtype": "float32", **body})), ["weight", "t"])
    prompts = {"plural": ["plural of box", "plural of city"], "spell": ["spell robot out loud", "spell pot out loud"]}
    asked = {skill: said(mix.runner.parent(home + skill), some) for skill, some in prompts.items()}
    agrees(mix, mix.slopes(asked), measured(mix, asked, (1, 4)), (1, 4))


def test_filters_curves_and_slices_have_slopes(runner: Runner) -> None:
    curve = {"filter": "mlp", "value": [0.2, 0.9]}
    models = [{"model": "a", "parameters": {"weight": [curve, {"value": 0.5}]}}, {"model": "b", "parameters": {"weight": 0.4}}]
    slices = [
        {"sources": [{"model": m, "layer_range": ends, "parameters": {"weight": 0.3 + 0.1 * ends[0]}} for m in "ab"]}
        for ends in ([1, 3], [0, 2])
    ]
    for body in ({"models": models}, {"slices": slices}):
        mix = Mix(runner, load(as_text({"merge_method": "task_arithmetic", "base_model": "base", **body})), ["weight"])
        asked, layers = examples(), range(mix.layers)
        true = measured(mix, asked, layers)
        agrees(mix, mix.slopes(asked), true, layers)
        for i, bar in enumerate(mix.bars):  # a slice's bar is nobody's in other layers
            assert {layer for layer in layers if true[i, layer]} == set(range(bar.start, bar.start + bar.count))


def test_what_is_not_told_is_hidden(runner: Runner) -> None:
    asked = examples()
    found = slopes(runner, recipe("dare_ties"), asked)
    whole = {bar.path: value for bar, value in zip(found.bars, found.whole(), strict=True)}
    assert whole["models[0].parameters.density"] is None and found.table.abs().sum(1).all()
    assert any(value is not None for path, value in whole.items() if "weight" in path)
    weights = [i for i, bar in enumerate(found.bars) if bar.param.name == "weight"]
    shown, table = found.layers(), found.by_anchor()
    largest = float(table[weights].abs().max())
    for i in weights:
        for value, slope in zip(shown[i], table[i].tolist(), strict=True):
            assert (value is None) == (abs(slope) < largest / 5) and value in (None, slope)
    assert any(value is None for i in weights for value in shown[i]) and any(value for i in weights for value in shown[i])
    assert set(slopes(runner, recipe("knots"), asked).whole()) == {None}
    small = slopes(runner, recipe("multislerp"), asked)  # what is added to lengths before dividing does nothing
    assert [v for bar, v in zip(small.bars, small.whole(), strict=True) if bar.param.name == "eps"] == [None]


def test_no_gradient_is_kept(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    mix, arrived = Mix(runner, recipe("ties"), ["weight"]), []
    take = type(mix).moving
    monkeypatch.setattr(Mix, "moving", lambda self, name, moves: arrived.append(held()) or take(self, name, moves))

    def held() -> int:
        return sum(p.grad is not None for p in runner.merged(mix.recipe).module.parameters())

    mix.slopes(examples())
    assert len(arrived) >= 28 and max(arrived) <= 1  # the next one's may have arrived
    module = runner.merged(mix.recipe).module
    assert all(p.grad is None and not p.requires_grad for p in module.parameters()) and not mix._kept


def test_plain_sums_move_the_same_wherever_the_bars_stand(runner: Runner) -> None:
    mix = Mix(runner, recipe("task_arithmetic"), ["weight"])
    asked = examples()
    mix.slopes(asked)
    assert mix._kept
    far = mix.start + 0.3
    again = Mix(runner, mix.recipe_at(far), ["weight"]).slopes(asked)
    torch.testing.assert_close(mix.slopes(asked, far).table, again.table, rtol=1e-3, atol=1e-5)
    normalized = put(recipe("task_arithmetic"), "parameters.normalize", True)
    other = Mix(runner, normalized, ["weight"])
    other.slopes(asked)
    assert not other._kept


def test_many_examples_are_many_passes(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = examples(4)
    whole = slopes(runner, recipe("ties"), asked)
    monkeypatch.setattr("merger.search.slopes.TOGETHER", 20 * 32 * 3 * 4 * 20)
    parts = slopes(runner, recipe("ties"), asked)
    torch.testing.assert_close(whole.table, parts.table, rtol=1e-3, atol=1e-5)
    assert {k: h.right for k, h in whole.heard.items()} == {k: h.right for k, h in parts.heard.items()}


def test_tied_embeddings_that_differ_count_once(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", "a", "b", "c"), layers=2, tied=True)
    mix = Mix(Runner(Parents(roots=[tmp_path])), recipe("task_arithmetic"))
    asked = examples()
    found = mix.slopes(asked)
    agrees(mix, found, measured(mix, asked, (0, 1)), (0, 1))
    assert found.table[:, -1].abs().min() > 0


def test_bfloat16_has_the_slopes_of_float32(half_family: Path) -> None:
    runner, asked = Runner(Parents(roots=[half_family])), examples()
    half, whole = (slopes(runner, recipe("ties", dtype=dtype), asked, ["weight"]).table for dtype in ("bfloat16", "float32"))
    assert float(torch.nn.functional.cosine_similarity(half.flatten(), whole.flatten(), dim=0)) > 0.99


# Experts that are stacked, projections that are woven: what arrives is a parameter's gradient, not a tensor's.
@pytest.mark.parametrize("kind", ["mixtral", "qwen2_moe", "gpt_oss", "gpt2"])
def test_other_kinds_of_models_have_slopes(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "STEP", 0.0005)  # a router that sends a token to another expert is a jump of the model's own
    zoo.family(kind, tmp_path)
    text = {"merge_method": "task_arithmetic", "base_model": "base", "dtype": "float32"}
    models = [{"model": m, "parameters": {"weight": 0.5}} for m in "ab"]
    mix = Mix(Runner(Parents(roots=[tmp_path])), load(as_text({**text, "models": models})), ["weight"])
    asked = examples(2, 200)
    layers = range(mix.layers)
    agrees(mix, mix.slopes(asked), measured(mix, asked, layers), layers)


def test_what_is_woven_is_followed_back(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a kind whose loader turns its tensors: the parameter is a copy, and its gradient goes back the same way."""
    mix, asked = Mix(runner, recipe("linear")), examples()
    straight = mix.slopes(asked)
    who = runner.merged(mix.recipe)
    name = "model.layers.1.mlp.up_proj.weight"
    [tensor] = who.bound.sources[name]
    kept = who.module.get_parameter(name)
    copied = Copied((tensor,), lambda: {name: tensor.T.contiguous().T * 1.0})
    copied.refresh()
    copied.parameters[name] = kept
    monkeypatch.setattr(who.bound, "copies", [*who.bound.copies, copied])
    torch.testing.assert_close(mix.slopes(asked).table, straight.table)
    doubled = replace(copied, make=lambda: {name: tensor * 2.0}, versions=copied.versions)
    monkeypatch.setattr(doubled, "refresh", lambda: None)
    monkeypatch.setattr(who.bound, "copies", [doubled])
    moved = (mix.slopes(asked).table - straight.table).abs().sum(0)
    assert float(moved[1]) > 1e-4 and float(moved[[0, 2, 3]].max()) < 1e-6


def test_what_a_model_says_is_an_example(family: Path) -> None:
    home = Path("presets/family")
    runner = Runner(Parents())
    who = runner.parent(str(home / "plural"))
    [one] = said(who, ["plural of box"])
    assert who.tokenizer.decode(one.wanted).strip() == "boxes" and one.ends
    [cut] = said(who, ["plural of box"], limit=3)
    assert cut.wanted == one.wanted[:3] and not cut.ends
    other = Runner(Parents(roots=[family])).parent("a")  # other tokens: the text is read anew
    [heard] = said(who, ["plural of box"], listener=other)
    assert other.tokenizer.decode(heard.wanted).strip() == "bo<unk>es" and heard.asked == tuple(other.encode("plural of box"))
