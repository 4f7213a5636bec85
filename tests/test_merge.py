"""Merging folders: batch = live = any order, bit for bit; what the output holds; the command line."""

import json
import random
from collections.abc import Callable
from dataclasses import replace as with_
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from conftest import as_text, rich_recipe
from safetensors import safe_open
from safetensors.torch import save_file

from merger.__main__ import main
from merger.engine.batch import Step, merge
from merger.engine.document import open_models, reader
from merger.engine.plan import make_plan
from merger.engine.session import Parents, Session
from merger.engine.tensor import merge_tensor
from merger.errors import Cancelled, RecipeError
from merger.methods import METHODS, Method
from merger.recipe import dump, load, replace

TIES = """\
merge_method: ties
base_model: base
models:
  - {model: a, parameters: {weight: 0.6, density: 0.5}}
  - {model: b, parameters: {weight: [0.1, 0.9], density: 0.3}}
"""
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))


def same_bits(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        x.dtype == other[n].dtype and torch.equal(x.view(torch.uint8), other[n].view(torch.uint8)) for n, x in one.items()
    )


def merged(text: str, out: Path, roots: Path, **options: Any) -> dict[str, torch.Tensor]:
    merge(load(text), out, roots=[roots], **options)
    return tiny.read_weights(out)


# ------------------------------------------------------------------------------------ one result, however it is made


@pytest.mark.parametrize("stored", ["family", "half_family"])
@every_method
def test_batch_is_live_is_reversed(method: Method, stored: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    roots = request.getfixturevalue(stored)
    recipe = load(as_text(rich_recipe(method, seed=3)))
    merge(recipe, tmp_path / "out", roots=[roots])
    batch = tiny.read_weights(tmp_path / "out")
    session = Session(Parents(roots=[roots]))
    assert set(session.apply(recipe)) == batch.keys()
    assert same_bits(session.tensors, batch)
    models = open_models(recipe, [roots])
    jobs = reversed(make_plan(recipe, models).jobs)
    assert same_bits({job.name: merge_tensor(job, reader(models)) for job in jobs}, batch)
    base = tiny.read_weights(roots / "base")
    assert any(not torch.equal(batch[n], base[n]) for n in base)  # the parameters do something
    assert same_bits(base, tiny.read_weights(roots / "base"))


def edits(rng: random.Random) -> tuple[str, Any]:
    curve = [round(rng.random(), 2) for _ in range(rng.randint(1, 4))]
    return rng.choice([
        (f"models[{rng.randrange(3)}].parameters.weight", curve),
        (f"models[{rng.randrange(3)}].parameters.density", [{"filter": rng.choice(["mlp", "q_proj"]),
            "value": curve}, {"value": 0.4}]),
        ("parameters.lambda", rng.choice([0.5, None, curve])),
        ("parameters.normalize", rng.choice([True, False])),
        ("merge_method", rng.choice(["ties", "dare_ties", "dare_linear"])),
        ("seed", rng.randrange(3)),
        ("out_dtype", rng.choice([None, "bfloat16", "float32"])),
    ])  # fmt: skip


def test_a_walk_of_edits_ends_where_a_fresh_merge_starts(family: Path, tmp_path: Path) -> None:
    rng = random.Random(0)
    recipe = load(as_text(rich_recipe(METHODS["ties"])))
    session = Session(Parents(roots=[family]))
    for step in range(40):
        recipe = replace(recipe, *edits(rng))
        redone = session.apply(recipe)
        assert session.apply(recipe) == ()
        if step % 8 == 7:
            merge(recipe, tmp_path / str(step), roots=[family])
            assert same_bits(session.tensors, tiny.read_weights(tmp_path / str(step)))
            assert set(redone) <= session.tensors.keys()


def test_only_what_changed_is_redone_and_in_place(family: Path) -> None:
    session = Session(Parents(roots=[family]))
    recipe = load(TIES)
    session.apply(recipe)
    places = {n: t.data_ptr() for n, t in session.tensors.items()}
    before = {n: t.clone() for n, t in session.tensors.items()}
    generation = session.generation
    recipe = replace(recipe, "models[0].parameters.weight", [{"filter": "layers.2.mlp", "value": 0.1}, {"value": 0.6}])
    redone = session.apply(recipe)
    assert sorted(redone) == [f"model.layers.2.mlp.{p}_proj.weight" for p in ("down", "gate", "up")]
    assert {n for n, t in session.tensors.items() if not torch.equal(t, before[n])} == set(redone)
    assert {n: t.data_ptr() for n, t in session.tensors.items()} == places
    assert session.generation == generation
    session.apply(replace(recipe, "out_dtype", "bfloat16"))
    assert session.generation > generation  # other dtype, other tensors


def test_a_session_never_writes_to_its_parents(family: Path) -> None:
    alone = load("{merge_method: task_arithmetic, base_model: base, models: [{model: base}]}")
    parents = Parents(roots=[family])
    session = Session(parents)
    session.apply(alone)
    session.apply(load(TIES))
    fresh = Session(Parents(roots=[family]))
    fresh.apply(load(TIES))
    session.apply(load(TIES.replace("0.6", "0.7")))
    session.apply(load(TIES))
    assert same_bits(session.tensors, fresh.tensors)
    base = tiny.read_weights(family / "base")
    assert same_bits({n: parents.model("base").read(n) for n in base}, base)


def test_a_cancelled_session_holds_whole_tensors_and_goes_on(family: Path) -> None:
    session, done = Session(Parents(roots=[family])), []
    session.apply(load(TIES))
    changed = load(TIES.replace("0.6", "0.7"))
    with pytest.raises(Cancelled):
        session.apply(changed, progress=done.append, cancelled=lambda: len(done) == 5)
    for name, job in session.done.items():
        assert torch.equal(session.tensors[name], merge_tensor(job, session.parents.read))
    assert len(session.apply(changed)) == len(session.tensors) - 5


@pytest.mark.parametrize("size", ["3KB", "700", "1B"])
def test_one_shard_or_many(size: str, family: Path, tmp_path: Path) -> None:
    one = merged(TIES, tmp_path / "one", family)
    assert same_bits(one, merged(TIES, tmp_path / "many", family, shard_size=size))
    files = sorted(p.name for p in (tmp_path / "many").glob("*.safetensors"))
    if size == "1B":
        assert files == ["model.safetensors"]
        return
    index = json.loads((tmp_path / "many/model.safetensors.index.json").read_text())
    assert files == sorted(set(index["weight_map"].values())) and len(files) > 3
    assert files[0] == f"model-00001-of-{len(files):05d}.safetensors"
    assert index["metadata"]["total_size"] == sum(t.nbytes for t in one.values())
    for name, file in index["weight_map"].items():
        with safe_open(tmp_path / "many" / file, "pt") as handle:
            assert name in handle.keys()  # noqa: SIM118
    limit, unit = (3000, "nbytes") if size == "3KB" else (700, "numel")
    for file in files:
        with safe_open(tmp_path / "many" / file, "pt") as handle:
            sizes = [getattr(t, unit) if unit == "nbytes" else t.numel() for t in map(handle.get_tensor, handle.keys())]
        assert sum(sizes) <= limit or len(sizes) == 1


def test_sharded_inputs(family: Path, tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "in", shards=3)
    assert same_bits(merged(TIES, tmp_path / "x", family), merged(TIES, tmp_path / "y", tmp_path / "in"))


def test_progress_counts_tensors_and_bytes(family: Path, tmp_path: Path) -> None:
    steps: list[Step] = []
    done = merge(load(TIES), tmp_path / "out", roots=[family], progress=steps.append)
    assert [s.tensors for s in steps] == list(range(1, len(done.jobs) + 1))
    assert steps[-1].nbytes == steps[-1].of_nbytes == done.nbytes
    assert sorted(s.name for s in steps) == sorted(job.name for job in done.jobs)


# ------------------------------------------------------------------------------------ what the output holds


def test_output_loads_in_transformers(family: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    ours = merged(TIES + "out_dtype: bfloat16\n", tmp_path / "out", family)
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto")
    assert model.dtype == torch.bfloat16
    assert same_bits({n: t.detach() for n, t in model.state_dict().items()}, ours)
    assert model.generation_config.eos_token_id == 2 and model.generation_config.do_sample is False
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.decode(tokenizer("neat tea")["input_ids"]) == "neat tea"


def test_the_recipe_travels_with_the_model(family: Path, tmp_path: Path) -> None:
    merge(load(TIES), tmp_path / "out", roots=[family])
    with safe_open(tmp_path / "out/model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt", "recipe": dump(load(TIES))}
    assert load((tmp_path / "out/mergekit_config.yml").read_text()) == load(TIES)
    card = (tmp_path / "out/README.md").read_text()
    assert card.startswith("---\nlibrary_name: transformers\ntags:\n  - merge\n---\n")
    for line in ("| Base | `base` |", "| Models | `a`, `b` |", "```yaml\n" + dump(load(TIES)) + "```"):
        assert line in card
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "README.md", "config.json", "generation_config.json", "lanes.svg", "mergekit_config.yml", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


@pytest.mark.parametrize(
    ("stored", "extra", "expected"),
    [
        (torch.float32, "", torch.float32), (torch.bfloat16, "", torch.bfloat16), (torch.float32,
            "dtype: float16", torch.float16),
        (torch.bfloat16, "dtype: bfloat16\nout_dtype: float32", torch.float32), (torch.float64, "", torch.float64),
        (torch.float32, "dtype: float64", torch.float64),
    ],
)  # fmt: skip
def test_dtypes(stored: torch.dtype, extra: str, expected: torch.dtype, tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "in", models=("base", "a", "b"), layers=1, dtype=stored)
    recipe = load("merge_method: linear\nmodels: [a, b]\nparameters: {weight: 0.5}\n" + extra)
    merge(recipe, tmp_path / "out", roots=[tmp_path / "in"])
    ours, a, b = (tiny.read_weights(tmp_path / f) for f in ("out", "in/a", "in/b"))
    for name, tensor in ours.items():
        exact = (a[name].double() + b[name].double()) / 2
        assert tensor.dtype == expected
        wide = exact if expected == torch.float64 else exact.float()
        near = {torch.float32: 3e-7, torch.float64: 1e-15}.get(expected, 0)
        assert torch.equal(tensor, wide.to(expected)) or torch.allclose(tensor.double(), exact, rtol=near, atol=near)
    assert json.loads((tmp_path / "out/config.json").read_text())["torch_dtype"] == str(expected).removeprefix("torch.")


def test_integer_buffers_are_copied(tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "in")
    for i, name in enumerate(("base", "a", "b")):
        file = tmp_path / "in" / name / "model.safetensors"
        save_file(
            tiny.read_weights(file.parent) | {"model.steps": torch.tensor([i, 7]), "model.flag": torch.tensor(i == 0)}, file
        )
    ours = merged(TIES + "out_dtype: bfloat16", tmp_path / "out", tmp_path / "in")
    assert ours["model.steps"].tolist() == [0, 7] and ours["model.steps"].dtype == torch.int64
    assert ours["model.flag"].item() is True


@pytest.mark.parametrize("untied_donor", [False, True])
def test_tied_heads(untied_donor: bool, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tiny.make_family(tmp_path / "in", tied=True)
    if untied_donor:
        tiny.make_family(tmp_path / "untied", tied=False)
        (tmp_path / "in/a").rename(tmp_path / "in/gone")
        (tmp_path / "untied/a").rename(tmp_path / "in/a")
    ours = merged(TIES, tmp_path / "out", tmp_path / "in")
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert ("lm_head.weight" in ours) is untied_donor
    assert config["tie_word_embeddings"] is not untied_donor
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    tied = model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    assert tied is not untied_donor
    if untied_donor:  # the head's base is the base's embeddings
        assert torch.equal(model.lm_head.weight.detach(), ours["lm_head.weight"])
        assert not torch.equal(ours["lm_head.weight"], ours["model.embed_tokens.weight"])


def test_slices_stack_layers(family: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    text = """
        merge_method: linear
        parameters: {weight: 1}
        slices:
          - sources: [{model: a, layer_range: [0, 3]}]
          - sources: [{model: b, layer_range: [1, 4]}, {model: a, layer_range: [0, 3]}]
        """
    ours = merged(text, tmp_path / "out", family)
    a, b = tiny.read_weights(family / "a"), tiny.read_weights(family / "b")
    assert json.loads((tmp_path / "out/config.json").read_text())["num_hidden_layers"] == 6
    for i in range(3):
        name = "model.layers.{}.mlp.up_proj.weight"
        assert torch.equal(ours[name.format(i)], a[name.format(i)])
        torch.testing.assert_close(ours[name.format(3 + i)], (b[name.format(1 + i)] + a[name.format(i)]) / 2)
    assert torch.equal(ours["model.embed_tokens.weight"], a["model.embed_tokens.weight"])
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert model(torch.tensor([[1, 5, 6]])).logits.isfinite().all()


def test_slices_of_deltas(family: Path, tmp_path: Path) -> None:
    text = """
        merge_method: task_arithmetic
        base_model: base
        parameters: {weight: 1}
        slices:
          - sources: [{model: base, layer_range: [2, 4]}, {model: a, layer_range: [2, 4]}]
        """
    ours = merged(text, tmp_path / "out", family)
    a = tiny.read_weights(family / "a")
    assert json.loads((tmp_path / "out/config.json").read_text())["num_hidden_layers"] == 2
    for i in range(2):
        torch.testing.assert_close(ours[f"model.layers.{i}.mlp.up_proj.weight"], a[f"model.layers.{i + 2}.mlp.up_proj.weight"])
    assert not any(n.startswith("model.layers.2") for n in ours)


def test_jobs_hold_every_number(family: Path) -> None:
    """Equal jobs, equal bits: what a job computes depends on nothing but the job and its sources."""
    recipe = load(TIES)
    models = open_models(recipe, [family])
    job = make_plan(recipe, models).jobs[5]
    assert hash(job) == hash(with_(job)) and job == make_plan(load(dump(recipe)), models).jobs[5]
    assert dict(job.args)["density"] == (0.5, 0.3)
    assert job != with_(job, seed=1)


def test_remarks_say_what_has_no_effect(family: Path, tmp_path: Path) -> None:
    text = TIES + "parameters: {int8_mask: true}\n"
    text = text.replace("density: 0.3}", "density: 0.3, lambda: 2}")
    done = merge(load(text), tmp_path / "out", roots=[family])
    assert done.remarks == (
        "`int8_mask` has no effect with 'ties'.",
        "`lambda` belongs to the whole recipe: models[1].parameters.lambda has no effect; write parameters.lambda.",
    )


# ------------------------------------------------------------------------------------ the command line

Write = Callable[[str], Path]


@pytest.fixture
def here(family: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(family)
    return family


def test_command_merge_with_set_and_seed(
    here: Path, recipe_file: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TIES.replace("merge_method: ties", "merge_method: dare_ties")
    file, out = recipe_file(text), tmp_path / "out"
    changes = ["--set", "models[0].parameters.weight=0.2", "--set", "parameters.lambda=[0.5, 1]", "--seed", "9"]
    assert main(["merge", str(file), str(out), *changes, "--out-shard-size", "3KB"]) == 0
    expected = text.replace("weight: 0.6", "weight: 0.2") + "parameters: {lambda: [0.5, 1]}\nseed: 9\n"
    assert same_bits(tiny.read_weights(out), merged(expected, tmp_path / "expected", here))
    assert not same_bits(tiny.read_weights(out), merged(expected.replace("seed: 9", ""), tmp_path / "other seed", here))
    assert load((out / "mergekit_config.yml").read_text()) == load(expected)
    assert capsys.readouterr().out.startswith(f"{out}: 39 tensors, ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "seed"], "MergeError: --set seed: write PATH=VALUE, for example models[1].parameters.weight=0.4."),
        (["--set", "models[7].model=x"], "RecipeError: {recipe}: models[7].model: there is no models[7] in this recipe."),
        (["--set", "seed=["], "RecipeError: --set seed, line 1, column 2: this is not YAML: expected the node content, "
         "but found '<stream end>'."),
        (["--seed", "-3"], "RecipeError: {recipe}: seed must be a whole number from 0 to 9223372036854775807; got -3."),
        (["--device", "abacus"], "MergeError: 'abacus' is not a device; write cpu, cuda or mps."),
        (["--device", "meta"], "MergeError: 'meta' is not supported; write cpu, cuda or mps."),
        (["--out-shard-size", "big"], "MergeError: 'big' is not a shard size; write 5GB (bytes) or 1B (parameters)."),
        (["--out-shard-size", "0GB"], "MergeError: '0GB' is not a shard size; write 5GB (bytes) or 1B (parameters)."),
        (["--out-shard-size", "nan"], "MergeError: 'nan' is not a shard size; write 5GB (bytes) or 1B (parameters)."),
    ],
)  # fmt: skip
def test_command_refuses(
    arguments: list[str], message: str, here: Path, recipe_file: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recipe_file(TIES)
    assert main(["merge", str(file), str(tmp_path / "out"), *arguments]) == 1
    assert capsys.readouterr().err == message.format(recipe=file) + "\n"
    assert sorted(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("options", [[], ["--exact"], ["--tensors"]])
def test_command_inspect_prints_and_writes_nothing(
    options: list[str], here: Path, recipe_file: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p: p.stat().st_mtime_ns for p in here.rglob("*")}
    file = recipe_file(TIES)
    assert main(["inspect", str(file), *options]) == 0
    text = capsys.readouterr().out
    for part in ("base  base: 39 tensors", "[0] a, [1] b", "conflict", "whole model", "cosine between deltas"):
        assert part in text
    assert ("model.layers.3.mlp.up_proj.weight"[-28:] if options == ["--tensors"] else "layer 4") in text
    assert {p: p.stat().st_mtime_ns for p in here.rglob("*")} == before
    assert list(tmp_path.iterdir()) == [file]


def test_command_inspect_without_a_base(here: Path, recipe_file: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(recipe_file("{merge_method: linear, models: [a, b], parameters: {weight: 1}}"))]) == 0
    assert "No base model, so there are no deltas to measure." in capsys.readouterr().out


def test_command_methods(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods"]) == 0
    text = capsys.readouterr().out
    assert all(f"{m.name} " in text and m.says in text for m in METHODS.values())
    assert main(["methods", "ties"]) == 0
    text = capsys.readouterr().out
    assert METHODS["ties"].source in text and "  density: a number from 0 to 1 (default 1.0, per model)" in text
    assert main(["methods", "tise"]) == 1
    expected = f"MergeError: 'tise' is not a method. Known: {', '.join(METHODS)}.  Did you mean 'ties'?\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("method", ["task_arithmetic", "sce", "iso_c"])
def test_lines_scales_the_delta_linearly_by_depth(method: str, family: Path) -> None:
    """LiNeS (arXiv:2410.17146): layer l of L gets alpha + beta * (l - 1) / (L - 1), in every method on deltas."""
    weights = "    parameters: {weight: 0.5}\n" if method != "sce" else ""
    text = f"merge_method: {method}\nbase_model: base\nmodels:\n  - model: a\n{weights}  - model: b\n{weights}"
    plain, scaled = Session(Parents(roots=[family])), Session(Parents(roots=[family]))
    plain.apply(load(text))
    scaled.apply(load(text + "parameters: {lines: [0.2, 1.1]}\n"))
    base = tiny.read_weights(family / "base")
    for layer in range(4):
        name = f"model.layers.{layer}.mlp.up_proj.weight"
        expected = base[name].double() + (0.2 + 0.9 * layer / 3) * (plain.tensors[name].double() - base[name].double())
        assert torch.allclose(scaled.tensors[name].double(), expected, atol=1e-6)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.long
def test_after_a_walk_of_the_sliders_live_is_batch(name: str, family: Path, tmp_path: Path) -> None:
    """Whatever was moved before, and whatever was remembered of it: the tensors are those of a fresh merge."""
    method, draw = METHODS[name], random.Random(name)
    base = {"base_model": "base"} if method.base not in ("ignored",) else {}
    count = 1 if method.models[1] == 1 or method.base == "first" else 2
    entries = [{"model": m, "parameters": {"weight": 0.5}} for m in "ab"[:count]]
    whole = {"merge_method": name, **base, "models": entries, "parameters": {"t": 0.01 if name == "nearswap" else 0.3}}
    recipe = load(json.dumps(whole))
    session = Session(Parents(roots=[family]))
    session.apply(recipe)
    for step in range(6):
        param = draw.choice([p for p in method.params if p.kind == "float"] or [None])
        if param is None:
            break
        low, high = param.slider[:2]
        value = draw.uniform(low, high) if step != 3 else draw.choice((low, high))
        if param.name == "epsilon" and method.param("density"):
            value = 0.01
        path = f"models[{draw.randrange(count)}].parameters" if param.per_model else "parameters"
        filtered = [{"filter": draw.choice(("mlp", "layers.1", "embed")), "value": value}, {"value": param.default or 0.5}]
        try:
            session.apply(recipe := replace(recipe, f"{path}.{param.name}", draw.choice((value, filtered))))
        except RecipeError:  # DELLA's density and epsilon do not go together everywhere
            continue
    assert same_bits(session.tensors, merged(dump(recipe), tmp_path / "out", family))
