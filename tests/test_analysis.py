"""Statistics against the same numbers counted in plain Python, one position at a time."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import save_file

from merger.engine.document import open_models, reader
from merger.engine.plan import TensorJob, make_plan
from merger.files.layout import layout
from merger.inspect.analysis import Sketch, TensorStats, combine, facts, has_deltas, measure, sampled_share
from merger.recipe import load

WEIGHTS, DENSITIES = (0.6, -0.3, 0.9), (0.5, 1.0, 0.25)
TIES = """\
merge_method: ties
base_model: base
models:
  - {model: a, parameters: {weight: 0.6, density: 0.5}}
  - {model: b, parameters: {weight: -0.3, density: 1.0}}
  - {model: c, parameters: {weight: 0.9, density: 0.25}}
"""


def measured(text: str, roots: Path) -> list[TensorStats]:
    recipe = load(text)
    models = open_models(recipe, [roots])
    plan = make_plan(recipe, models)
    read = reader(models)
    return [measure(job, read, plan.layout) for job in plan.jobs if has_deltas(job)]


def sketch(text: str, roots: Path, samples: int = 2048) -> list[TensorStats]:
    recipe = load(text)
    models = open_models(recipe, [roots])
    plan = make_plan(recipe, models)
    return list(Sketch(models, samples).measure(plan.jobs, plan.layout))


def clash(rows: Sequence[Sequence[float]]) -> int:
    return sum(any(x > 0 for x in column) and any(x < 0 for x in column) for column in zip(*rows, strict=True))


def trimmed(delta: list[float], density: float) -> list[float]:
    k = max(1, int(density * len(delta)))
    cut = sorted(map(abs, delta))[-k]  # no two magnitudes of the family are equal
    return [x if abs(x) >= cut else 0.0 for x in delta]


@pytest.fixture(scope="module")
def stats(family: Path) -> list[TensorStats]:
    return measured(TIES, family)


def deltas_of(family: Path, name: str) -> tuple[list[float], list[list[float]]]:
    base, *models = (tiny.read_weights(family / m)[name].flatten() for m in ("base", "a", "b", "c"))
    return base.tolist(), [(m - base).tolist() for m in models]


def test_against_plain_counting(stats: list[TensorStats], family: Path) -> None:
    assert len(stats) == 39
    for s in stats:
        base, deltas = deltas_of(family, s.name)
        n = len(base)
        kept = [trimmed(d, density) for d, density in zip(deltas, DENSITIES, strict=True)]
        voting = [[w * x for x in d] for w, d in zip(WEIGHTS, kept, strict=True)]
        sums = [math.fsum(column) for column in zip(*voting, strict=True)]
        counted = [[x if x * (1 if t >= 0 else -1) > 0 else 0.0 for x, t in zip(row, sums, strict=True)] for row in voting]
        assert s.conflict_before == clash(deltas) / n and s.conflict == clash(voting) / n
        assert s.density == tuple(sum(x != 0 for x in d) / n for d in kept)
        assert s.effective == tuple(sum(x != 0 for x in d) / n for d in counted)
        pull = [math.fsum(map(abs, d)) for d in counted]
        assert s.share == pytest.approx([p / sum(pull) for p in pull], rel=1e-6)
        size = math.hypot(*base)
        assert s.size == pytest.approx([math.hypot(*d) / size for d in deltas], rel=1e-6)
        for i in range(3):
            for j in range(3):
                dot = math.fsum(x * y for x, y in zip(deltas[i], deltas[j], strict=True))
                assert s.cosine(i, j) == pytest.approx(dot / (math.hypot(*deltas[i]) * math.hypot(*deltas[j])), abs=1e-6)
        merged = []
        for row in zip(*counted, strict=True):
            agree = math.fsum(w for w, x in zip(WEIGHTS, row, strict=True) if x)
            merged.append(math.fsum(row) / (agree or 1))
        assert s.moved == pytest.approx(math.hypot(*merged) / size, rel=1e-4)


def test_names_layers_and_roles(stats: list[TensorStats]) -> None:
    found = {s.name: (s.layer, s.role) for s in stats}
    assert found["model.layers.2.self_attn.q_proj.weight"] == (2, "q")
    assert found["lm_head.weight"] == (None, "head")
    assert all(s.models == ("a", "b", "c") for s in stats)


def test_by_hand(tmp_path: Path) -> None:
    rows = {"base": [0.0, 0, 0, 2], "a": [3.0, 0, -4, 2], "b": [-4.0, 0, -3, 2]}
    for name, values in rows.items():
        (tmp_path / name).mkdir()
        save_file({"w": torch.tensor(values)}, tmp_path / name / "model.safetensors")
    text = "{merge_method: task_arithmetic, base_model: base, models: [a, b], parameters: {weight: 0.5}}"
    (s,) = measured(text, tmp_path)
    assert s.conflict_before == s.conflict == 0.25  # 3 against -4; -4 and -3 agree; zeros are on nobody's side
    assert s.density == s.effective == (0.5, 0.5)
    assert s.size == (2.5, 2.5)  # norm 5 over norm 2
    assert s.cosine(0, 1) == 0 and s.cosine(0, 0) == 1
    assert s.share == (0.5, 0.5)
    assert s.moved == pytest.approx(math.hypot(-0.5, -3.5) / 2)


def test_a_model_equal_to_the_base(family: Path) -> None:
    text = "{merge_method: linear, base_model: base, models: [base, a], parameters: {weight: 0.5}}"
    s = combine(measured(text, family), "all")
    assert s is not None and s.models == ("a",) and s.conflict == 0 and s.density == (1.0,)
    assert s.moved == pytest.approx(s.size[0] / 2, rel=1e-5)


def test_sums_combine_exactly(stats: list[TensorStats]) -> None:
    layer = [s for s in stats if s.layer == 1]
    whole = combine(layer, "layer 2")
    assert whole is not None and combine([], "nothing") is None
    assert (whole.name, whole.layer, whole.role) == ("layer 2", 1, "all")
    assert whole.facts.numel == sum(s.facts.numel for s in layer)
    assert whole.conflict == sum(s.clash for s in layer) / whole.facts.numel
    assert whole.density == tuple(sum(s.kept[i] for s in layer) / whole.facts.numel for i in range(3))
    lengths = [s.size[0] * math.sqrt(s.facts.base_sq) for s in layer]
    assert whole.size[0] == pytest.approx(math.hypot(*lengths) / math.sqrt(whole.facts.base_sq))
    halves = [combine(layer[:4], "x"), combine(layer[4:], "y")]
    again = combine([h for h in halves if h], "layer 2")
    assert again is not None
    assert (again.clash, again.kept, again.counted) == (whole.clash, whole.kept, whole.counted)
    assert again.facts.clash == whole.facts.clash
    assert again.pull == pytest.approx(whole.pull, rel=1e-15) and again.merged_sq == pytest.approx(whole.merged_sq, rel=1e-15)


def test_a_sketch_of_small_tensors_is_exact(stats: list[TensorStats], family: Path) -> None:
    assert sketch(TIES, family) == stats


def test_a_sketch_measures_only_what_changed(family: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load(TIES)
    models = open_models(recipe, [family])
    held = Sketch(models)
    plan = make_plan(recipe, models)
    list(held.measure(plan.jobs, plan.layout))
    seen: list[str] = []

    def counting(job: TensorJob, *args: object, **more: object) -> TensorStats:
        seen.append(job.name)
        return measure(job, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("merger.inspect.analysis.measure", counting)
    changed = make_plan(load(TIES.replace("weight: 0.6", "weight: [{filter: q_proj, value: 1}, {value: 0.6}]")), models)
    list(held.measure(changed.jobs, changed.layout))
    assert seen == [f"model.layers.{i}.self_attn.q_proj.weight" for i in range(4)]


def test_a_sketch_of_a_large_tensor_is_near(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, layers=1, width=32, ffn=512, vocab=24)
    text = TIES.replace("merge_method: ties", "merge_method: dare_linear")
    jobs = make_plan(load(text), open_models(load(text), [tmp_path])).jobs
    assert sampled_share(jobs) and not sampled_share([j for j in jobs if "norm" in j.name])

    def large(found: list[TensorStats]) -> Iterator[TensorStats]:
        return (s for s in found if "mlp" in s.name)

    for exact, near in zip(large(measured(text, tmp_path)), large(sketch(text, tmp_path)), strict=True):
        assert exact.name == near.name and near.facts.numel == 2048 < exact.facts.numel
        bound = 4 * 0.5 / math.sqrt(2048)  # four standard deviations of a share
        assert abs(exact.conflict_before - near.conflict_before) < bound and abs(exact.conflict - near.conflict) < bound
        for i in range(3):
            assert abs(exact.density[i] - near.density[i]) < bound
            assert near.size[i] == pytest.approx(exact.size[i], rel=0.08)
            for j in range(i):
                assert abs(exact.cosine(i, j) - near.cosine(i, j)) < 4 / math.sqrt(2048)
        assert near.moved == pytest.approx(exact.moved, rel=0.15)


def test_facts_do_not_depend_on_the_recipe(family: Path) -> None:
    def of(text: str) -> list[object]:
        models = open_models(load(text), [family])
        return [facts(job, reader(models)) for job in make_plan(load(text), models).jobs]

    assert of(TIES) == of(TIES.replace("ties", "task_arithmetic").replace("0.6", "5"))


def test_no_base_no_deltas(family: Path) -> None:
    assert measured("{merge_method: linear, models: [a, b], parameters: {weight: 1}}", family) == []
    assert layout({}).layers == 0
