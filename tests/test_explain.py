"""A tensor under the glass: every number drawn against the merge itself and against plain counting."""

import math
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from conftest import as_text, rich_recipe
from safetensors.torch import save_file

import merger.inspect.explain as explain
from merger.engine import fused
from merger.engine.document import open_models, reader
from merger.engine.plan import Plan, make_plan
from merger.engine.tensor import merge_tensor
from merger.errors import MergeError
from merger.hub.references import open_reference
from merger.inspect import plots
from merger.inspect.analysis import has_deltas
from merger.inspect.explain import Look, cuts, look
from merger.kernels import build
from merger.methods import METHODS, Method
from merger.recipe import load
from merger.ui import lanes, workspace
from merger.ui.bundle import bundle
from merger.ui.panels.inside import GLASS, _figures, draw, facts, seen_of
from merger.ui.studio import Studio
from merger.ui.words import stage_title

ROOT = Path(__file__).parent.parent
NAME = "model.layers.1.mlp.up_proj.weight"
PLAIN = "{merge_method: task_arithmetic, base_model: base, models: [a, b, c], parameters: {weight: 1}}"
ADDING = ("agreeing", "weighted", "rescaled", "kept", "deltas")


def planned(text: str, roots: Path) -> tuple[Plan, Any]:
    recipe = load(text)
    models = open_models(recipe, [roots])
    all_models = {folder.name: open_reference(folder.name, [roots]) for folder in roots.iterdir()}
    return make_plan(recipe, models), reader(all_models | models)


def seen(text: str, roots: Path, name: str = NAME, positions: int = 10) -> Look:
    plan, read = planned(text, roots)
    compared, _ = planned(PLAIN, roots)
    return look(plan.job(name), read, plan.layout, against=compared.job(name), positions=positions)


def rich(method: Method) -> str:
    return as_text(rich_recipe(method, dtype="float32"))


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
def test_the_picture_is_the_merge(method: Method, family: Path) -> None:
    """At every position of the tensor: base + merged change = result = what merge_tensor gives."""
    plan, read = planned(rich(method), family)
    job = plan.job(NAME)
    merged = merge_tensor(job, read)
    drawn = seen(rich(method), family, positions=merged.numel() + 5)
    assert len(drawn.explained.at) == merged.numel()  # each position once, in order
    assert list(drawn.explained.at) == sorted(set(drawn.explained.at))
    picked = torch.tensor([float(merged[at]) for at in drawn.explained.at])
    before, after = drawn.explained.stage("result").rows
    torch.testing.assert_close(torch.tensor(after), picked, rtol=1e-6, atol=1e-7)
    change = torch.tensor(drawn.explained.stage("merged").rows[0])
    torch.testing.assert_close(torch.tensor(before) + change, picked, rtol=1e-5, atol=1e-6)
    assert drawn.explained.stage("base").rows[0] == before
    for stage in drawn.explained.stages:
        assert stage_title(stage, drawn.explained, {})
        assert len(stage.rows) in (1, 2, len(drawn.explained.models))
        assert all(len(row) == len(drawn.explained.at) for row in (*stage.rows, *stage.out))


TOLD = [m for m in METHODS.values() if "watch" in m.given and m.takes == "deltas"]


@pytest.mark.parametrize("method", TOLD, ids=lambda m: m.name)
def test_stages_add_up(method: Method, family: Path) -> None:
    """What is drawn as taking part, added up, divided and scaled by the numbers told, is the merged change."""
    plan, read = planned(rich(method), family)
    job = plan.job(NAME)
    assert job.base is not None
    truth = merge_tensor(job, read) - read(job.base)
    found = seen(rich(method), family, positions=truth.numel()).explained
    last = next(s for name in ADDING if (s := found.stage(name)) is not None)
    terms = torch.tensor(last.rows) * ~torch.tensor(last.out)
    below = torch.tensor(found.numbers.get("below", (1.0,)))
    args = dict(job.args)
    scale = float(args.get("lambda", 1.0)) * float(args.get("lines", 1.0))
    torch.testing.assert_close(
        scale * terms.sum(0) / below, torch.tensor([float(truth[at]) for at in found.at]), rtol=1e-4, atol=1e-7
    )


CUTTING = {
    "ties": "density: 0.3", "breadcrumbs": "density: 0.4, gamma: 0.1", "breadcrumbs_ties": "density: 0.4, gamma: 0.1",
}  # fmt: skip


@pytest.mark.parametrize("method", CUTTING)
@pytest.mark.parametrize("half", [False, True])
def test_the_cut_drawn_is_the_methods(method: str, half: bool, family: Path, half_family: Path) -> None:
    roots = half_family if half else family
    text = f"{{merge_method: {method}, base_model: base, models: [a, b], parameters: {{weight: 1, {CUTTING[method]}}}}}"
    plan, read = planned(text, roots)
    job = plan.job(NAME)
    drawn = seen(text, roots)
    base = read(job.base).float()
    for source, cut, kept in zip(job.sources, drawn.histogram.cuts, drawn.stats.kept, strict=True):
        size = sorted((read(source).float() - base).abs().flatten().tolist(), reverse=True)
        top = int(0.1 * len(size)) if method != "ties" else 0
        count = int((0.3 if method == "ties" else 0.4) * len(size))
        assert cut.low == size[top + count - 1] and cut.high == (size[top - 1] if top else math.inf)
        assert half or kept == count
    if build.available():
        combined = fused.prepared(job, [read(s).contiguous() for s in job.sources], read(job.base).contiguous())
        assert [t.low for t in combined.trims] == [c.low for c in drawn.histogram.cuts]
        if method != "ties":
            assert [t.high for t in combined.trims] == [c.high for c in drawn.histogram.cuts]


def test_where_nothing_is_cut(family: Path) -> None:
    job = planned(PLAIN, family)[0].job(NAME)
    deltas = torch.ones(3, 2, 2)
    assert cuts(job, deltas) == (None,) * 3
    text = PLAIN.replace("task_arithmetic", "ties").replace("weight: 1", "weight: 1, density: @")
    assert cuts(planned(text.replace("@", "1"), family)[0].job(NAME), deltas) == (None,) * 3
    assert [c.low for c in cuts(planned(text.replace("@", "0"), family)[0].job(NAME), deltas)] == [math.inf] * 3


def test_histograms_count_every_weight(family: Path) -> None:
    text = PLAIN.replace("task_arithmetic", "ties").replace("weight: 1", "weight: 1, density: 0.3")
    drawn = seen(text, family)
    assert [sum(row) for row in drawn.histogram.counts] == [drawn.numel] * 3
    assert tuple(sum(row) for row in drawn.histogram.kept) == drawn.stats.kept
    for kept, counts in zip(drawn.histogram.kept, drawn.histogram.counts, strict=True):
        assert all(k <= c for k, c in zip(kept, counts, strict=True))
    edges = drawn.histogram.edges
    assert edges[0] == -edges[-1] and list(edges) == sorted(edges)
    outside = [
        k for kept, cut in zip(drawn.histogram.kept, drawn.histogram.cuts, strict=True)
        for k, low, high in zip(kept, edges[:-1], edges[1:], strict=True) if max(abs(low), abs(high)) < cut.low
    ]  # fmt: skip
    assert outside and not any(outside)  # nothing is kept inside the cut
    assert drawn.own and not seen("{merge_method: linear, models: [a, b], parameters: {weight: 1}}", family).own


def test_telling_positions(family: Path) -> None:
    """Among ten positions: a vote with a loser, a change that was trimmed, models that agree."""
    text = PLAIN.replace("task_arithmetic", "ties").replace("weight: 1", "weight: 1, density: 0.5")
    found = seen(text, family).explained
    assert len(found.at) == 10
    kept, agreeing = found.stage("kept"), found.stage("agreeing")
    trimmed = [any(row[j] for row in kept.out) for j in range(10)]
    beaten = [any(a[j] and not k[j] for a, k in zip(agreeing.out, kept.out, strict=True)) for j in range(10)]
    together = [not any(row[j] for row in agreeing.out) for j in range(10)]
    assert sum(trimmed) >= 2 and sum(beaten) >= 2 and sum(together) >= 1
    for row, out, cut in zip(kept.rows, kept.out, found.numbers["cut"], strict=True):
        assert all((abs(v) < cut) == gone for v, gone in zip(row, out, strict=True))


def test_dare_drops_and_rescales(family: Path) -> None:
    text = PLAIN.replace("task_arithmetic", "dare_linear").replace("weight: 1", "weight: 1, density: 0.5, rescale: inverse")
    found = seen(text, family).explained
    assert found.numbers["scale"] == pytest.approx((2.0,) * 3)
    deltas, scaled = found.stage("deltas"), found.stage("rescaled")
    for before, after, out in zip(deltas.rows, scaled.rows, scaled.out, strict=True):
        assert [a for a in after] == pytest.approx([0 if o else 2 * b for b, o in zip(before, out, strict=True)])
    assert set(found.stage("chance").rows[0]) == {0.5}


def test_della_favours_large_changes(family: Path) -> None:
    text = PLAIN.replace("task_arithmetic", "della").replace("weight: 1", "weight: 1, density: 0.5, epsilon: 0.2")
    found = seen(text, family, positions=10_000).explained
    rows: dict[int, list[tuple[float, float]]] = {}
    for at, delta, chance in zip(found.at, found.stage("deltas").rows[0], found.stage("chance").rows[0], strict=True):
        rows.setdefault(at[0], []).append((abs(delta), chance))
    for pairs in rows.values():
        chances = [c for _, c in sorted(pairs)]
        assert chances == sorted(chances) and chances[0] == pytest.approx(0.3) and chances[-1] == pytest.approx(0.7)


def test_the_arc_of_slerp(family: Path) -> None:
    text = "{merge_method: slerp, base_model: a, models: [a, b], parameters: {t: 0.25}}"
    plan, read = planned(text, family)
    job = plan.job(NAME)
    one, two = (read(s).double().flatten() for s in job.sources)
    arc = seen(text, family).explained.arc
    assert arc.degrees == pytest.approx(math.degrees(math.acos(float(one @ two / one.norm() / two.norm()))), rel=1e-6)
    assert [math.hypot(*p) for p in arc.points] == pytest.approx([float(one.norm()), float(two.norm())])
    merged = merge_tensor(job, read).double().flatten()
    assert math.hypot(*arc.result) == pytest.approx(float(merged.norm()), rel=1e-5)
    for point, vector in zip(arc.points, (one, two), strict=True):  # the plane is true: distances to the result too
        assert math.dist(point, arc.result) == pytest.approx(float((vector - merged).norm()), rel=1e-4)
    assert math.hypot(*arc.straight) == pytest.approx(float((0.75 * one + 0.25 * two).norm()), rel=1e-2)
    xs, ys = plots._arc_points(arc)
    assert (xs[0], ys[0], xs[-1], ys[-1]) == pytest.approx((*arc.points[0], *arc.points[1]))
    assert (xs[12], ys[12]) == pytest.approx(arc.result)  # t = 12 / 48 lies on the line drawn


def test_three_models_in_a_plane(family: Path) -> None:
    arc = seen("{merge_method: karcher, models: [a, b, c]}", family).explained.arc
    assert len(arc.points) == 3 and 0 < arc.shown <= 1
    plan, read = planned("{merge_method: karcher, models: [a, b, c]}", family)
    lengths = [float(read(s).double().norm()) for s in plan.job(NAME).sources]
    for point, length in zip(arc.points, lengths, strict=True):  # seen from the side, nothing looks longer than it is
        assert 0 < math.hypot(*point) <= length * (1 + 1e-9)


def test_model_stock_goes_part_of_the_way(family: Path) -> None:
    found = seen("{merge_method: model_stock, base_model: base, models: [a, b, c]}", family).explained
    step = found.numbers["step"][0]
    average, merged = found.stage("average").rows[0], found.stage("merged").rows[0]
    assert list(merged) == pytest.approx([step * a for a in average], rel=1e-3, abs=1e-7)
    x, y = found.arc.result
    assert math.hypot(x, y) == pytest.approx(abs(step) * math.hypot(*found.arc.straight))


@pytest.mark.parametrize("method", ["tsv_merge", "iso_c", "knots"])
def test_singular_values_before_and_after(method: str, family: Path) -> None:
    text = f"{{merge_method: {method}, base_model: base, models: [a, b], parameters: {{weight: 0.5}}}}"
    plan, read = planned(text, family)
    job = plan.job(NAME)
    base = read(job.base).double()
    found = seen(text, family).explained.spectrum
    for source, strengths in zip(job.sources, found.models, strict=True):
        truth = torch.linalg.svdvals(0.5 * (read(source).double() - base))
        assert list(strengths) == pytest.approx(truth.tolist(), rel=1e-4, abs=1e-6)
    after = torch.linalg.svdvals(merge_tensor(job, read).double() - base)
    assert list(found.merged) == pytest.approx(after.tolist(), rel=1e-3, abs=1e-6)
    if method == "iso_c":
        assert max(found.merged) - min(found.merged) < 1e-4 * max(found.merged)
    assert seen(text, family, "model.norm.weight").explained.spectrum is None


def test_arcee_and_nearswap_show_what_they_decide_by(family: Path) -> None:
    found = seen("{merge_method: arcee_fusion, base_model: a, models: [a, b]}", family, positions=10_000).explained
    importance, kept, merged = found.stage("importance"), found.stage("kept"), found.stage("merged")
    assert importance.out[0] == tuple(v < found.numbers["line"][0] for v in importance.rows[0])
    assert list(merged.rows[0]) == pytest.approx(
        [0 if gone else v for v, gone in zip(kept.rows[0], kept.out[0], strict=True)], abs=1e-6
    )
    found = seen("{merge_method: nearswap, base_model: a, models: [a, b], parameters: {t: 0.004}}", family).explained
    for apart, moved in zip(found.stage("models").rows[0], found.stage("merged").rows[0], strict=True):
        assert moved == pytest.approx(math.copysign(min(abs(apart), 0.004), apart), abs=1e-6)


def test_large_tensors_are_looked_at_by_rows(family: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = seen(PLAIN, family)
    assert whole.every == 1
    monkeypatch.setattr(explain, "LIMIT", whole.numel // 3 + 1)
    part = seen(PLAIN, family)
    assert part.every == 3 and part.numel == whole.numel and part.stats.facts.numel < whole.numel / 2
    base = tiny.read_weights(family / "base")[NAME]
    assert {at[0] % 3 for at in part.explained.at} == {0}
    assert list(part.explained.stage("base").rows[0]) == [float(base[at]) for at in part.explained.at]


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
def test_every_method_on_every_third_row(method: Method, family: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = seen(rich(method), family)
    monkeypatch.setattr(explain, "LIMIT", whole.numel // 3 + 1)
    part = seen(rich(method), family)
    assert part.every == 3 and part.explained.method == method.name and part.explained.at
    assert [s.name for s in part.explained.stages][-2:] == ["merged", "result"]


def test_a_tensor_nobody_changed_and_one_that_is_copied(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", "a", "b"), layers=2)
    base = tiny.read_weights(tmp_path / "base")
    for model in ("a", "b"):
        tensors = tiny.read_weights(tmp_path / model) | {NAME: base[NAME]}
        save_file(tensors, tmp_path / model / "model.safetensors")
    for method in ("ties", "dare_linear", "model_stock", "sce", "pcb"):
        given = "" if method in ("model_stock", "sce") else ", parameters: {weight: 1}"
        plan, read = planned(f"{{merge_method: {method}, base_model: base, models: [a, b]{given}}}", tmp_path)
        found = look(plan.job(NAME), read, plan.layout)
        assert found.histogram is None and found.explained.at == () and found.stats.facts.changed == (0, 0)
    plan, read = planned("{merge_method: passthrough, models: [a]}", tmp_path)
    assert not has_deltas(plan.job(NAME))
    alone = look(plan.job(NAME), read, plan.layout)
    assert alone.stats is None and alone.explained.numbers["share"] == (1.0,)


# ---------------------------------------------------------------------------------------------- the view


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(ROOT / "presets")


SHAPES = ("slerp", "nuslerp", "multislerp", "karcher", "model_stock", "tsv_merge", "iso_c", "knots")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.long
def test_the_view_draws_every_method(studio: Studio, method: str) -> None:
    start = workspace.start(studio.presets[1], studio.base)
    most = METHODS[method].models[1]
    work = workspace.with_method(workspace.with_models(start, start.chosen[:most]), method)
    drawn = draw(studio, work, 3, "up")
    heat, tensors, told, histogram, stages, shape = (drawn[name] for name in GLASS)
    assert heat["at"] == [3, "up"]
    assert tensors["value"] == "model.layers.2.mlp.up_proj.weight" and not tensors["visible"]
    assert told["title"] == "layer 3 of 6, widens" and told["method"]["name"] == method
    assert 1 <= len(told["method"]["sentences"]) <= 3
    assert [len(row) for row in told["steps"]["rows"]] == [len(told["steps"]["head"])] * 10
    assert histogram["visible"] and stages["visible"]
    assert shape["visible"] == (method in SHAPES)
    for figure in (histogram, stages):
        assert figure["value"].layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_a_cell_with_several_tensors_offers_them(studio: Studio) -> None:
    work = workspace.start(studio.presets[0], studio.base)
    drawn = draw(studio, work, 1, "norm")
    tensors, first = drawn["tensors"], drawn["facts"]
    assert [label for label, _ in tensors["choices"]] == ["input_layernorm.weight", "post_attention_layernorm.weight"]
    assert first["method"]["sentences"] == [
        "None of the models changed this tensor, so there is nothing to merge: it stays as it is."
    ]
    other = draw(studio, work, 1, "norm", tensors["choices"][1][1])["facts"]
    assert "post_attention_layernorm" in other["sentence"] and "post_attention" not in first["sentence"]


@pytest.mark.parametrize(("column", "row", "name"), [(99, "up", None), (-1, "up", None), ("1", "up", None), (True, "up", None),
                                                      (None, "<img>", [1]), (None, None, None), (None, "up", "x")])  # fmt: skip
def test_what_there_is_not_opens_the_most_contested_part(studio: Studio, column: Any, row: Any, name: Any) -> None:
    work = workspace.start(studio.presets[0], studio.base)
    heat, _, told, histogram, stages, _ = map(draw(studio, work, column, row, name).get, GLASS)
    cells = {(c, r["role"]): x for r in heat["heat"]["rows"] for c, x in enumerate(r["values"]) if x is not None}
    assert len(cells) > 30 and cells[tuple(heat["at"])] == max(cells.values())
    assert told["title"] and histogram["visible"] and stages["visible"]


def test_a_refusal_is_told(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise MergeError("the models do not fit.")

    monkeypatch.setattr(studio, "plan", refuse)
    updates = draw(studio, workspace.start(studio.presets[0], studio.base), 1, "up")
    assert updates["facts"] == {"empty": "the models do not fit."}


def test_hostile_names_stay_text(studio: Studio) -> None:
    evil = "<img src=x onerror=alert(1)>"
    work = workspace.start(studio.presets[2], studio.base)
    plan = studio.plan(work.recipe)
    found = seen_of(studio, plan, plan, "model.layers.2.mlp.up_proj.weight")
    names = dict.fromkeys([work.base, *work.chosen], evil)
    for slots in ({}, {work.chosen[0]: 11}):
        for figure in _figures(found, names, slots).values():
            if figure["value"] is not None:
                text = figure["value"].to_json()
                assert "<img" not in text and "\\u003cimg" not in text and ("&lt;img" in text or "\\u0026lt;img" in text)
    assert evil in str(facts(found, names, {}, evil))  # as it is: the panel sets it as text
    script = bundle("inspect")
    assert not any(word in script for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("))
    assert lanes.short_names([work.base])
