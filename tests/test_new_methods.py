"""A method is one function: three of new kinds, and one with a law, are registered here and go everywhere with no other edit."""

import json
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Annotated, Any

import pytest
import tiny
import torch
from torch import Tensor

import docs
from merger.__main__ import main
from merger.engine.batch import merge
from merger.engine.document import open_models, reader
from merger.engine.fused import supports
from merger.engine.plan import Plan, make_plan
from merger.engine.tensor import merge_tensor
from merger.inspect.analysis import staged
from merger.inspect.explain import look
from merger.inspect.verdict import verdict
from merger.methods import METHODS, Law, Teach, method
from merger.methods.ops import Draws, Watch, column, drop_random, unwatched
from merger.methods.params import Lambda, Param, PerModel, Weight
from merger.recipe import dump, load
from merger.ui import PRESETS, build_app, lanes, sketch, workspace
from merger.ui.service.answers import Answers
from merger.ui.studio import Studio, Visit
from merger.ui.words import PIECES, method_words, stage_title

Luck = Annotated[PerModel, Param(0, 1, label="Luck", help="the chance of each change to stay")]
Size = Annotated[float, Param(0, 10, label="Size", help="multiplies the mean")]
SOURCE = "Nobody 2026, arXiv:0000.00000, section 1"
NAME = "model.layers.1.mlp.up_proj.weight"


def median_trim(deltas: Tensor, weight: Weight, lambda_: Lambda = 1.0, watch: Watch = unwatched) -> Tensor:
    """Keep what is larger than the delta's median, add.

    >>> median_trim(torch.tensor([[1.0, -4.0, 2.0]]), weight=1.0)
    tensor([ 0., -4.,  0.])
    """
    kept = torch.stack([delta * (delta.abs() > delta.abs().median()) for delta in deltas])
    terms = column(weight, deltas) * kept
    watch("kept", kept)
    watch("voting", terms)
    watch("counted", terms)
    return lambda_ * terms.sum(0)


def flat_mean(tensors: Tensor, size: Size = 1.0) -> Tensor:
    """Every weight becomes the mean of all models' weights in the tensor.

    >>> flat_mean(torch.tensor([[1.0, 3.0], [2.0, 2.0]]))
    tensor([2., 2.])
    """
    return torch.full_like(tensors[0], size * float(tensors.mean()))


def lottery(
    deltas: Tensor, weight: Weight, luck: Luck = 0.5, draws: Draws = Draws(), watch: Watch = unwatched  # noqa: B008 - frozen
) -> Tensor:  # fmt: skip
    """Drop changes by lot, add.

    >>> lottery(torch.tensor([[1.0, -4.0]]), weight=1.0, luck=1.0)
    tensor([ 1., -4.])
    """
    chances = luck if isinstance(luck, list | tuple) else [luck] * len(deltas)
    kept = torch.stack([drop_random(d, c, i, draws) for i, (d, c) in enumerate(zip(deltas, chances, strict=True))])
    terms = column(weight, deltas) * kept
    watch("kept", kept)
    watch("voting", terms)
    watch("counted", terms)
    return terms.sum(0)


def halves(deltas: Tensor, weight: Weight, density: PerModel = 1.0, **_: Any) -> Tensor:  # pragma: no cover - see below
    """The larger half; the law alone says it, and the compiled pass does it."""
    raise AssertionError


KINDS = {
    "median_trim": (
        median_trim, {"teach": Teach("Only what is above the median of {first} and the others counts.", kept="Above the median")},
        "{merge_method: median_trim, base_model: base, models: [a, b], parameters: {weight: %s}}",
    ),
    "flat_mean": (flat_mean, None, "{merge_method: flat_mean, models: [a, b], parameters: {size: %s}}"),
    "lottery": (lottery, {}, "{merge_method: lottery, base_model: base, models: [a, b], parameters: {weight: %s, luck: 0.6}}"),
}  # fmt: skip


@pytest.fixture(params=KINDS)
def new(request: pytest.FixtureRequest) -> Iterator[str]:
    """The method's name, while it is registered."""
    function, law, _ = KINDS[request.param]
    method(source=SOURCE, says="something new", **({} if law is None else {"law": Law(**law)}))(function)
    yield request.param
    del METHODS[request.param]


def text(name: str, number: float = 0.7) -> str:
    return KINDS[name][2] % number


def planned(written: str, roots: Path) -> tuple[Plan, Any]:
    recipe = load(written)
    models = open_models(recipe, [roots])
    return make_plan(recipe, models), models


def test_recipe_and_merge(new: str, family: Path, tmp_path: Path) -> None:
    recipe = load(text(new))
    assert load(dump(recipe)) == recipe
    out = tmp_path / "out"
    merge(recipe, out, roots=[family])
    merged = tiny.read_weights(out)[NAME]
    base, a, b = (tiny.read_weights(family / m)[NAME] for m in ("base", "a", "b"))
    plan, _ = planned(text(new), family)
    job = plan.job(NAME)
    if new == "flat_mean":
        wanted = flat_mean(torch.stack([a, b]), 0.7)
    elif new == "lottery":
        wanted = base + lottery(torch.stack([a - base, b - base]), [0.7, 0.7], [0.6, 0.6], Draws(job.seed, job.name))
    else:
        wanted = base + median_trim(torch.stack([a - base, b - base]), [0.7, 0.7])
    assert torch.equal(merged, wanted) and not torch.equal(merged, base)


def test_command_line(
    new: str, family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(family)
    assert main(["methods"]) == 0
    assert new in capsys.readouterr().out
    (tmp_path / "r.yaml").write_text(text(new))
    assert main(["merge", str(tmp_path / "r.yaml"), str(tmp_path / "out"), "-q"]) == 0
    assert (tmp_path / "out" / "model.safetensors").is_file()
    (tmp_path / "r.yaml").write_text(text(new).replace("parameters: {", "parameters: {lucky: 1, "))
    assert main(["merge", str(tmp_path / "r.yaml"), str(tmp_path / "out2")]) == 1
    assert "lucky" in capsys.readouterr().err


@pytest.mark.long
def test_the_page_offers_it_and_answers(new: str) -> None:
    demo = build_app(PRESETS)
    menu = json.loads(demo.panels.desk.parts["method"].props["board"])
    assert new in [entry["key"] for group in menu["groups"] for entry in group["entries"]]
    page = Studio(PRESETS)
    work = workspace.start(page.presets[0], page.base, page.parents_of_family)
    work = workspace.with_method(workspace.with_models(work, work.shelf[:2]), new)
    assert work.recipe.merge_method == new
    value, board = lanes.describe(page.plan(work.recipe))
    assert len(board["lanes"]) == 2 * sum(p.per_model for p in METHODS[new].params)
    assert set(value["lanes"]) == {lane["path"] for lane in board["lanes"]}
    feeds = [*Answers(page).answer(work, "plural of box", Visit())]
    assert any("merge" in feed["full"] for feed in feeds) and not any(feed.get("error") for feed in feeds)


def test_look_inside_explains_it(new: str, family: Path) -> None:
    plan, models = planned(text(new), family)
    plain, others = planned("{merge_method: task_arithmetic, base_model: base, models: [a, b], parameters: {weight: 1}}", family)
    seen = look(plan.job(NAME), reader({**others, **models}), plan.layout, against=plain.job(NAME)).explained
    told = method_words(seen, {"a": "pirate"})
    titles = [stage_title(stage, seen, {}) for stage in seen.stages]
    if new == "median_trim":
        assert told[0] == "Only what is above the median of pirate and the others counts."
        assert "Above the median" in titles
    else:
        assert told[0] == "Something new."
    assert len(told) == 2
    stages = {stage.name for stage in seen.stages}
    assert {"base", "merged", "result"} <= stages and (new == "flat_mean" or "kept" in stages)


def test_the_verdict_judges_it(new: str, family: Path) -> None:
    plan, models = planned(text(new, 5.0), family)
    judged = verdict(plan.recipe, models, plan)
    assert [f.kind for f in judged.findings if f.kind == "too far"] == ([] if new == "flat_mean" else ["too far"])
    assert judged.seconds > 0 and judged.memory > 0
    calm, models = planned(text(new, 0.4), family)
    assert not [f for f in verdict(calm.recipe, models, calm).findings if f.kind == "too far"]


def test_the_strip_counts_it(new: str, family: Path) -> None:
    plan, models = planned(text(new), family)
    assert sketch.law(plan, None) is None  # the browser does not know it, so the server counts
    if new != "flat_mean":
        seen = staged(plan.job(NAME), reader(models))
        assert seen.stages["kept"].shape == seen.deltas.shape and bool((seen.stages["kept"] == 0).any())


def test_the_docs_show_it(new: str) -> None:
    assert f"## {new}" in docs.render() and SOURCE in docs.render() and new in docs.table()


def test_a_law_is_enough_for_the_compiled_pass_and_the_strip(family: Path) -> None:
    """A function that can only fail, with the law of TIES: what is compiled and drawn follows the law, not the name."""
    ties = METHODS["ties"]
    try:
        METHODS["halves"] = type(ties)(**{
            **{name: getattr(ties, name) for name in ties.__dataclass_fields__}, "name": "halves", "fn": halves,
        })  # fmt: skip
        written = "{merge_method: %s, base_model: base, models: [a, b], parameters: {weight: 0.7, density: 0.4}}"
        plan, models = planned(written % "halves", family)
        old, _ = planned(written % "ties", family)
        job = plan.job(NAME)
        assert supports(job)
        assert torch.equal(merge_tensor(job, reader(models)), merge_tensor(old.job(NAME), reader(models)))
        assert sketch.law(plan, None) == sketch.law(old, None) and sketch.law(old, None) is not None
    finally:
        del METHODS["halves"]


def test_every_sentence_can_be_filled_in() -> None:
    numbers = {"reach", "line", "cosine", *(p.name for m in METHODS.values() for p in m.params)}
    for each in METHODS.values():
        for written in (each.law.teach.rule, each.law.teach.otherwise):
            assert {name for _, name, _, _ in Formatter().parse(written) if name} <= {*PIECES, *numbers}, each.name
