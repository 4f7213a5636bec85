"""Every option of mergekit-yaml 0.1.5: accepted, and doing what its help promises. The policy for tensors that do not fit."""

import json
import shutil
from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import save_file

from merger.__main__ import main
from merger.engine.batch import merge
from merger.engine.document import open_models, reader
from merger.engine.plan import make_plan
from merger.engine.session import Parents, Session
from merger.engine.tensor import merge_tensor
from merger.errors import CheckpointError
from merger.inspect.analysis import Sketch
from merger.methods.ops import Draws
from merger.recipe import load, tolerant

TIES = "{merge_method: ties, base_model: base, models: [{model: a, parameters: {weight: 1, density: 0.5}}]}"
DARE = "{merge_method: dare_linear, base_model: base, models: [a, b], parameters: {weight: 0.5, density: 0.5}}"
NORM, UP, EMBED = "model.norm.weight", "model.layers.1.mlp.up_proj.weight", "model.embed_tokens.weight"
# `mergekit-yaml --help`, 0.1.5.
PAIRS = (
    "allow-crimes unsafe-truncate-embeddings trust-remote-code quiet cuda low-cpu-memory lazy-unpickle read-to-gpu multi-gpu "
    "async-write copy-tokenizer clone-tensors write-model-card safe-serialization"
).split()
VALUES = {
    "transformers-cache": "hub", "lora-merge-cache": "loras", "lora-merge-dtype": "bfloat16", "random-seed": "7",
    "device": "cpu", "num-threads": "2", "write-threads": "4", "out-shard-size": "1B",
}  # fmt: skip


@pytest.fixture
def here(family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The family's folder as the current one, and an environment and threads that are put back."""
    monkeypatch.chdir(family)
    monkeypatch.setenv("HF_HUB_CACHE", "")
    threads = torch.get_num_threads()
    monkeypatch.setattr("torch.set_num_threads", lambda n: None)
    assert torch.get_num_threads() == threads
    (tmp_path / "r.yaml").write_text(DARE)
    return tmp_path


@pytest.mark.parametrize(
    "flags",
    [
        *([f"--{name}"] for name in PAIRS if name != "cuda"),
        *([f"--no-{name}"] for name in PAIRS if name != "safe-serialization"),
        *([f"--{name}", value] for name, value in VALUES.items()), ["-v"], ["-vv"], ["-q"], ["-j", "2"],
        ["--out-shard-size", "5B"], ["--out-shard-size", "0"], ["--out-shard-size", "-1"], ["--device", "auto"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_option_of_mergekit_is_accepted(flags: list[str], here: Path) -> None:
    out = here / "out"
    assert main(["merge", str(here / "r.yaml"), str(out), *flags]) == 0
    files = {p.name for p in out.iterdir()}
    assert ("tokenizer.json" in files) == (flags != ["--no-copy-tokenizer"])
    assert ({"README.md", "mergekit_config.yml"} <= files) == (flags != ["--no-write-model-card"])
    assert {"config.json", "model.safetensors"} <= files


def test_options_may_stand_before_the_recipe(here: Path) -> None:
    recipe, out = str(here / "r.yaml"), str(here / "out")
    assert main(["merge", "--allow-crimes", "--lazy-unpickle", "-v", recipe, out, "--copy-tokenizer"]) == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="refused only where there is no CUDA device")
@pytest.mark.parametrize("flag", ["--cuda", "--gpu-rich"])
def test_cuda_without_a_device(flag: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge", str(here / "r.yaml"), str(here / "out"), flag]) == 1
    assert capsys.readouterr().err == (
        "MergeError: --device cuda: this machine or this torch build has no CUDA device; use --device cpu.\n"
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["out", "--no-safe-serialization"], "--no-safe-serialization: .bin files are pickles, which run code when they are "
         "loaded; the output is safetensors."),
        (["out", "-j", "0"], "--num-threads 0: write a number of threads, at least 1."),
        ([], "name the new model's folder: merger merge RECIPE OUT. To look first: merger merge RECIPE --dry-run."),
    ],
)  # fmt: skip
def test_refused_with_a_reason(flags: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge", str(here / "r.yaml"), *flags]) == 1
    assert capsys.readouterr().err == f"MergeError: {message}\n"


def test_the_random_seed_and_the_shard_size_do_what_they_say(here: Path) -> None:
    def made(*flags: str) -> dict[str, torch.Tensor]:
        shutil.rmtree(here / "out", ignore_errors=True)
        assert main(["merge", str(here / "r.yaml"), str(here / "out"), *flags]) == 0
        return tiny.read_weights(here / "out")

    first, again, other = made("--random-seed", "1"), made("--seed", "1"), made("--random-seed", "2")
    assert all(torch.equal(first[n], again[n]) for n in first)
    assert not torch.equal(first[UP], other[UP])
    made("--out-shard-size", "1000")  # parameters
    assert len(list((here / "out").glob("*.safetensors"))) > 1


def test_a_dry_run_needs_no_folder_and_writes_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(here.rglob("*"))
    assert main(["merge", str(here / "r.yaml"), "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("dare_linear of 2 models onto base: 100 % of ")
    assert sorted(here.rglob("*")) == before


# ------------------------------------------------------------------------------------ tensors that do not fit


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """base, a, b, where a has a wider MLP in one layer, no final norm and two more tokens, b one token less."""
    folder = tmp_path / "odd"
    tiny.make_family(folder, models=("base", "a", "b"), layers=2)
    tensors = tiny.read_weights(folder / "a")
    del tensors[NORM]
    tensors[UP] = torch.ones(20, 8)
    tensors[EMBED] = torch.cat([tensors[EMBED], torch.full((2, 8), 9.0)])
    save_file(tensors, folder / "a/model.safetensors")
    tensors = tiny.read_weights(folder / "b")
    tensors["lm_head.weight"] = tensors["lm_head.weight"][:-1].clone()
    save_file(tensors, folder / "b/model.safetensors")
    return folder


def test_skipped_cropped_and_copied(odd: Path, tmp_path: Path) -> None:
    recipe = tolerant(load(DARE), "crop+skip")
    plan = merge(recipe, tmp_path / "out", roots=[odd])
    jobs = {job.name: job for job in plan.jobs}
    assert [s.model for s in jobs[NORM].sources] == [s.model for s in jobs[UP].sources] == ["b"]
    assert jobs[NORM].parents == jobs[UP].parents == (1,)
    assert [(s.model, s.rows) for s in jobs[EMBED].sources] == [("a", 24), ("b", None)] and jobs[EMBED].parents == ()
    assert [s.model for s in jobs["lm_head.weight"].sources] == ["a"] and jobs["lm_head.weight"].parents == (0,)
    assert {(m.name, m.model, m.shape, m.wanted, m.cropped) for m in plan.misfits} == {
        (NORM, "a", None, (8,), False), (UP, "a", (20, 8), (16, 8), False), (EMBED, "a", (26, 8), (24, 8), True),
        ("lm_head.weight", "b", (23, 8), (24, 8), False),
    }  # fmt: skip
    made = tiny.read_weights(tmp_path / "out")
    assert float(made[EMBED].abs().max()) < 9  # the extra rows are not read
    alone = merge(tolerant(load(TIES), "skip"), tmp_path / "alone", roots=[odd])
    base = tiny.read_weights(odd / "base")
    copied = tiny.read_weights(tmp_path / "alone")
    assert all(torch.equal(copied[name], base[name]) for name in (NORM, UP, EMBED))  # `skip` cuts nothing
    assert [j.name for j in alone.jobs if j.method is None] == [EMBED, UP, NORM]
    assert not any(m.cropped for m in alone.misfits)


def test_a_copied_tensor_takes_the_output_type(odd: Path, tmp_path: Path) -> None:
    merge(tolerant(load(TIES.replace("{merge_method", "{dtype: float16, merge_method")), "skip"), tmp_path / "out", roots=[odd])
    made = tiny.read_weights(tmp_path / "out")
    assert {t.dtype for t in made.values()} == {torch.float16}


def test_batch_is_live_is_sketch_where_models_do_not_fit(odd: Path, tmp_path: Path) -> None:
    recipe = tolerant(load(DARE), "crop+skip")
    merge(recipe, tmp_path / "out", roots=[odd])
    session = Session(Parents(roots=[odd]))
    session.apply(recipe)
    made = tiny.read_weights(tmp_path / "out")
    assert made.keys() == session.tensors.keys() and all(torch.equal(made[n], t) for n, t in session.tensors.items())
    models = open_models(recipe, [odd])
    job = next(j for j in make_plan(recipe, models).jobs if j.name == EMBED)
    assert Sketch(models).read(job.sources[0]).tolist() == models["a"].read(EMBED)[:24].flatten().tolist()


def test_skipping_one_model_leaves_the_others_mask(odd: Path) -> None:
    recipe = tolerant(load(DARE), "skip")
    models = open_models(recipe, [odd])
    job = next(j for j in make_plan(recipe, models).jobs if j.name == UP)
    base, b = (tiny.read_weights(odd / m)[UP] for m in ("base", "b"))
    kept = merge_tensor(job, reader(models)) != base
    assert torch.equal(kept, (Draws(0, UP).uniform(b, 1) < 0.5) & (b != base))
    assert not torch.equal(kept, (Draws(0, UP).uniform(b, 0) < 0.5) & (b != base))


def test_inspect_where_models_do_not_fit(odd: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(odd)
    Path("r.yaml").write_text(DARE)
    assert main(["inspect", "r.yaml", "--allow-crimes", "--tensors"]) == 0
    told = capsys.readouterr().out
    assert "128  a: left out, 20×8 against 16×8\n" in told
    assert "\n[0] a, [1] b\n" in told and "\nwhole model" in told


def test_only_vocabularies_are_cut_without_allow_crimes(odd: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as error:
        merge(tolerant(load(DARE), "crop"), tmp_path / "out", roots=[odd])
    assert str(error.value) == (
        f"{UP}: shapes differ.\n  base  base  (16, 8)\n  [0]   a     (20, 8)\n  [1]   b     (16, 8)\n"
        "  The same is true of 1 more tensors.\n  Only fine-tunes of one base have the same shapes everywhere, or leave a model "
        "out of the tensors that do not fit: --allow-crimes."
    )
    for name in ("a", "b"):
        tensors = tiny.read_weights(odd / name)
        base = tiny.read_weights(odd / "base")
        save_file(tensors | {n: base[n] + 0.01 for n in (NORM, UP)}, odd / name / "model.safetensors")
    plan = merge(tolerant(load(DARE), "crop"), tmp_path / "out", roots=[odd])
    head, models = "lm_head.weight", ("base", "a", "b")
    assert {(m.name, m.model, m.shape, m.cropped) for m in plan.misfits} == {
        *((EMBED, model, (26 if model == "a" else 24, 8), True) for model in models),
        *((head, model, (24, 8), True) for model in ("base", "a")),
    }  # fmt: skip
    made, base, a, b = (tiny.read_weights(folder) for folder in (tmp_path / "out", *(odd / model for model in models)))
    assert made[EMBED].shape == made[head].shape == (23, 8)  # the rows that all have, in both
    assert json.loads((tmp_path / "out/config.json").read_text())["vocab_size"] == 23
    sessions = Session(Parents(roots=[odd]))
    sessions.apply(tolerant(load(DARE), "crop"))
    assert all(torch.equal(made[name], tensor) for name, tensor in sessions.tensors.items())
    linear = load("{merge_method: linear, models: [base, a, b], parameters: {weight: 1}}")
    merge(tolerant(linear, "crop"), tmp_path / "mean", roots=[odd])
    mean = tiny.read_weights(tmp_path / "mean")
    torch.testing.assert_close(mean[head], torch.stack([m[head][:23] for m in (base, a, b)]).mean(0))
    assert any("1 tokens of base have no row any more" in remark for remark in plan.remarks)


@pytest.mark.parametrize("method", ["slerp", "nuslerp", "model_stock", "linear", "arcee_fusion"])
def test_too_few_models_left_copies_the_base(method: str, odd: Path, tmp_path: Path) -> None:
    models = {"slerp": "[a]", "arcee_fusion": "[a]"}.get(method, "[a, b]")
    parameters = {"slerp": "{t: 0.5}", "nuslerp": "{weight: 1}", "linear": "{weight: 1}"}.get(method, "{}")
    text = f"{{merge_method: {method}, base_model: base, models: {models}, parameters: {parameters}}}"
    merge(tolerant(load(text), "skip"), tmp_path / "out", roots=[odd])
    made, base, b = (tiny.read_weights(f) for f in (tmp_path / "out", odd / "base", odd / "b"))
    assert torch.equal(made[UP], b[UP] if method == "linear" else base[UP])


def test_different_numbers_of_layers_stay_an_error(odd: Path, tmp_path: Path) -> None:
    tiny.make_family(odd, models=("a",), layers=3)
    with pytest.raises(CheckpointError, match="different numbers of layers"):
        merge(tolerant(load(DARE), "skip"), tmp_path / "out", roots=[odd])
