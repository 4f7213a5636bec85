"""The question whether transformers can load an output: when it is asked, what is done with the answer, and what bounds it."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_file
from test_quantized import add_raw

import merger.engine.plan as planning
from merger.__main__ import main
from merger.engine import loadable
from merger.engine.batch import merge
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.errors import Cancelled, CheckpointError
from merger.limits import Limit
from merger.recipe import load, tolerant

ROOT = Path(__file__).parent.parent
STACK = """{merge_method: passthrough, slices: [{sources: [{model: base, layer_range: [0, 3]}]},
  {sources: [{model: a, layer_range: [1, 4]}]}]}"""
PLAIN = "{merge_method: ties, base_model: base, models: [{model: a, parameters: {weight: 1}}]}"


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    planning._FRAMES.clear()
    yield
    planning._FRAMES.clear()


@pytest.fixture
def no_worker() -> Iterator[None]:
    """The next question starts a process of its own, and none of this test's is left."""
    loadable._stop()
    yield
    loadable._stop()


def rewrite(folder: Path, change: Any) -> None:
    save_file(change(tiny.read_weights(folder)), folder / "model.safetensors", {"format": "pt"})


def settle(folder: Path, **config: Any) -> None:
    known = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({k: v for k, v in (known | config).items() if v is not None}))


def asked(text: str, root: Path, policy: Any = "refuse") -> bool:
    """Whether transformers would be asked about this recipe."""
    recipe = tolerant(load(text), policy)
    models = open_models(recipe, [root])
    found = loadable.start(make_plan(recipe, models), models)
    return found is not None


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Questions, which nobody answers."""
    questions: list[dict[str, Any]] = []
    told = threading.Event()

    def note(question: dict[str, Any], until: float) -> dict[str, Any]:
        questions.append(question)
        told.set()
        return {"missing": [], "unexpected": [], "wrong": [], "kinds": [], "error": ""}

    monkeypatch.setattr(loadable, "_ask", note)
    return questions


LIKE = {
    "ties": PLAIN, "passthrough": "{merge_method: passthrough, models: [a]}",
    "linear in another type": "{merge_method: linear, models: [base, a], parameters: {weight: 1}, dtype: float16}",
    "a slice of all layers": "{merge_method: passthrough, slices: [{sources: [{model: a, layer_range: [0, 4]}]}]}",
    "documents": "{name: n, merge_method: linear, models: [base, a], parameters: {weight: 1}}\n---\n"
                 "{merge_method: linear, models: [n, a], parameters: {weight: 1}}",
    "tokens that are the same": PLAIN.replace("{merge", "{tokenizer_source: union, merge", 1),
}  # fmt: skip


@pytest.mark.parametrize("case", LIKE)
def test_like_models_are_not_asked_about(case: str, family: Path, unasked: list[dict[str, Any]]) -> None:
    assert not asked(LIKE[case], family) and not unasked


def test_buffers_and_what_is_left_out_are_not_asked_about(tmp_path: Path, unasked: list[dict[str, Any]]) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=4, tied=True)
    more = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(2), "v_head.bias": torch.ones(1)}
    rewrite(tmp_path / "a", lambda t: t | more)
    rewrite(tmp_path / "base", lambda t: t | {"lm_head.weight": t["model.embed_tokens.weight"].clone()})
    assert not asked(PLAIN, tmp_path)
    rewrite(tmp_path / "a", lambda t: {n: x for n, x in t.items() if "up_proj" not in n})
    planning._FRAMES.clear()
    assert not asked(PLAIN, tmp_path, "skip")  # the output has all that the base has


UNLIKE = {
    "layers": STACK, "turned layers": "{merge_method: passthrough, slices: [{sources: [{model: a, layer_range: [1, 4]}]}, "
                                      "{sources: [{model: a, layer_range: [0, 1]}]}]}",
    "tokens": PLAIN.replace("model: a", "model: more").replace("{merge", "{tokenizer_source: union, merge", 1),
    "a head": PLAIN.replace("model: a", "model: headed").replace("base,", "tied,"),
    "a vocabulary that grew": "{merge_method: passthrough, models: [base+l]}",
}  # fmt: skip


@pytest.mark.parametrize("case", UNLIKE)
def test_what_changes_the_structure_is_asked_about(case: str, tmp_path: Path, unasked: list[dict[str, Any]]) -> None:
    from test_lora import make_lora

    tiny.make_family(tmp_path, models=("base", "a"), layers=4)
    tiny.make_family(tmp_path / "x", models=("base", "more"), layers=4, vocab=30)
    tiny.make_family(tmp_path / "y", models=("tied", "headed"), layers=4, tied=True)
    rewrite(tmp_path / "y/headed", lambda t: t | {"lm_head.weight": t["model.embed_tokens.weight"] + 1})
    for folder in ("x/more", "y/tied", "y/headed"):
        (tmp_path / folder).rename(tmp_path / folder.rpartition("/")[2])
    grown = {f"base_model.model.{n}.weight": torch.ones(26, 8) for n in ("model.embed_tokens", "lm_head")}
    make_lora(tmp_path / "l", {}, more=grown, modules_to_save=["embed_tokens", "lm_head"])
    assert asked(UNLIKE[case], tmp_path)


def test_cut_vocabularies_are_asked_about(tmp_path: Path, unasked: list[dict[str, Any]]) -> None:
    tiny.make_family(tmp_path, models=("base",), layers=2)
    tiny.make_family(tmp_path / "x", models=("base", "a"), layers=2, vocab=20)
    (tmp_path / "x/a").rename(tmp_path / "a")
    assert asked(PLAIN, tmp_path, "crop")
    assert unasked[0]["config"]["vocab_size"] == 20 and unasked[0]["tensors"]["lm_head.weight"] == [20, 8]


# ---------------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("change", "lines"),
    [(dict(intermediate_size=20),
      ["  wrong shape 18: model.layers.0.mlp.down_proj.weight has (8, 16), config.json makes it (8, 20); "
       "model.layers.0.mlp.gate_proj.weight has (16, 8), config.json makes it (20, 8); "
       "model.layers.0.mlp.up_proj.weight has (16, 8), config.json makes it (20, 8) and 15 more"]),
     (dict(attention_bias=True),
      ["  missing     24: model.layers.0.self_attn.k_proj.bias, model.layers.0.self_attn.o_proj.bias, "
       "model.layers.0.self_attn.q_proj.bias and 21 more"]),
     (dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], n_layer=4), ["  missing     ", "  unexpected  "]),
     (dict(num_attention_heads="x"), ["  transformers cannot use the config.json: Validation error for field 'num_"]),
     (dict(hidden_act="no such"), ["  transformers cannot load it: "])],
)  # fmt: skip
@pytest.mark.long
def test_a_refusal_names_what_is_wrong(
    change: dict[str, Any], lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a plan had gone wrong: the donor's config is sound, the output's is not."""
    tiny.make_family(tmp_path / "in", models=("base", "a"), layers=4)
    settings = planning._config
    monkeypatch.setattr(planning, "_config", lambda *given: settings(*given) | change)
    with pytest.raises(CheckpointError) as error:
        merge(load(STACK), tmp_path / "out", roots=[tmp_path / "in"])
    said = str(error.value).splitlines()
    kind = change.get("model_type", "llama")
    assert said[0] == f"transformers could not load the output as it is planned, a {kind}:"
    assert len(said) == len(lines) + 3 and all(a.startswith(b) for a, b in zip(said[1:], lines, strict=False)), said
    assert said[-1] == "  To write it all the same: --allow-crimes, or `on_mismatch: skip`."
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.partial").exists()
    told = merge(tolerant(load(STACK), "crop+skip"), tmp_path / "out", roots=[tmp_path / "in"]).remarks[-1]
    assert told == " ".join(" ".join(said[:-2]).split()) and told in (tmp_path / "out/README.md").read_text()


@pytest.mark.long
def test_what_is_wrong_with_the_donor_already_is_not_the_recipes_fault(tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "in", models=("base", "a"), layers=4)
    for name in ("base", "a"):
        change = lambda t: {n: x for n, x in t.items() if "o_proj" not in n} | {"what.is.this": torch.ones(1)}  # noqa: E731
        rewrite(tmp_path / "in" / name, change)
    (told,) = merge(load(STACK), tmp_path / "out", roots=[tmp_path / "in"]).remarks
    assert told.startswith("transformers starts with random numbers what the output lacks, as base does already: 6: model.")
    for name in ("base", "a"):
        settle(tmp_path / "in" / name, hidden_act="no such")
    told = merge(load(STACK), tmp_path / "two", roots=[tmp_path / "in"]).remarks
    assert len(told) == 1 and told[0].startswith(
        "whether transformers can load the output could not be checked: it does not load the donor either: transformers cannot "
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [(dict(model_type="unheard-of"), "transformers knows no model type 'unheard-of'."),
     (dict(model_type=None), "config.json names no model type.")],
)  # fmt: skip
@pytest.mark.long
def test_a_type_that_transformers_does_not_know(change: dict[str, Any], why: str, tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "in", models=("base", "a"), layers=4)
    for name in ("base", "a"):
        settle(tmp_path / "in" / name, attn_layer_period=2, **change)
    rewrite(tmp_path / "in/a", lambda t: {n.replace("mlp.", "moe.") if "layers.1." in n else n: x for n, x in t.items()})
    plan = merge(load(STACK), tmp_path / "out", roots=[tmp_path / "in"])
    assert plan.remarks[-3:] == (
        f"whether transformers can load the output could not be checked: {why}",
        "1 layers of the output hold other tensors than base has there, the first is layer 3: where a layer's kind goes by its "
        "number, the output does not load.",
        "config.json: attn_layer_period: a layer's kind may go by its number, and the stack changes numbers.",
    )


@pytest.mark.long
def test_modules_that_are_not_named(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from test_stacks import TEXT

    config = transformers.Gemma3Config(
        text_config=transformers.Gemma3TextConfig(**TEXT | {"num_hidden_layers": 2}, head_dim=8).to_dict(),
        vision_config=transformers.SiglipVisionConfig(
            hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
        ).to_dict(),
        mm_tokens_per_image=4, image_token_index=60, boi_token_index=61, eoi_token_index=62,
    )  # fmt: skip
    for name in ("one", "two"):
        transformers.Gemma3ForConditionalGeneration(config).save_pretrained(tmp_path / name)
    models = "{models: [one, two]}"
    all_of_it = f"text_decoder: {models}, vision_tower: {models}, multi_modal_projector: {models}"
    text = "{merge_method: linear, parameters: {weight: 1}, modules: {%s}}"
    assert not asked(text % all_of_it, tmp_path)
    with pytest.raises(CheckpointError) as error:
        merge(load(text % f"text_decoder: {models}"), tmp_path / "out", roots=[tmp_path])
    assert "  missing     " in str(error.value) and "vision_tower" in str(error.value)
    assert "  Name every module of the model under `modules:`, also those that stay as they are.\n" in str(error.value)


def test_dry_runs_parts_and_joins_ask_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=4)
    settings = planning._config
    monkeypatch.setattr(planning, "_config", lambda *given: settings(*given) | {"intermediate_size": 20})
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(STACK)
    wrong = "CheckpointError: transformers could not load the output as it is planned, a llama:\n  wrong shape 18: "
    assert main(["merge", "r.yaml", "--dry-run"]) == 1
    assert wrong in capsys.readouterr().err
    assert main(["merge", "r.yaml", "out", "--part", "1/1"]) == 1
    assert wrong in capsys.readouterr().err and not Path("out").exists()
    monkeypatch.setattr(planning, "_config", settings)
    planning._FRAMES.clear()
    assert main(["merge", "r.yaml", "out", "--out-shard-size", "2000", "--part", "1/2"]) == 0
    assert main(["merge", "r.yaml", "out", "--out-shard-size", "2000", "--part", "2/2"]) == 0
    monkeypatch.setattr(planning, "_config", lambda *given: settings(*given) | {"intermediate_size": 20})
    planning._FRAMES.clear()
    capsys.readouterr()
    assert main(["merge", "r.yaml", "out", "--out-shard-size", "2000", "--join"]) == 1
    assert wrong in capsys.readouterr().err and not Path("out").exists()
    monkeypatch.setattr(planning, "_config", settings)
    planning._FRAMES.clear()
    assert main(["merge", "r.yaml", "out", "--out-shard-size", "2000", "--join"]) == 0 and Path("out/config.json").is_file()
    assert main(["merge", "r.yaml", "--dry-run"]) == 0


def test_a_refusal_stops_the_merge_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not after the last tensor."""
    tiny.make_family(tmp_path / "in", models=("base", "a"), layers=4)
    answer = {"missing": ["x"], "unexpected": [], "wrong": [], "kinds": [], "error": ""}
    answered = threading.Event()
    monkeypatch.setattr(loadable, "_ask", lambda question, until: answered.wait(5) and answer)
    seen: list[str] = []

    def progress(step: Any) -> None:
        seen.append(step.name)
        answered.set()
        time.sleep(0.05)

    with pytest.raises(CheckpointError, match="missing     x\n"):
        merge(load(STACK), tmp_path / "out", roots=[tmp_path / "in"], progress=progress)
    assert 0 < len(seen) < 30 and not (tmp_path / "out.partial").exists()
    with pytest.raises(Cancelled):
        monkeypatch.setattr(loadable, "_ask", lambda question, until: answer | {"missing": []})
        merge(load(STACK), tmp_path / "out", roots=[tmp_path / "in"], cancelled=lambda: True)


# ---------------------------------------------------------------------------------------------- the process

HEADLESS = """
import json, sys
from merger.__main__ import main
code = main(["merge", sys.argv[1], sys.argv[2], "--quiet"])
from merger.engine import loadable
alive = [worker.process.poll() is None for worker in loadable._WORKERS]
print(json.dumps([code, alive, sorted({name.split(".")[0] for name in sys.modules})]))
"""


@pytest.mark.parametrize(("text", "asks"), [(STACK, True), (PLAIN, False)])
@pytest.mark.long
def test_the_merging_process_imports_no_transformers(text: str, asks: bool, tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=4)
    (tmp_path / "r.yaml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", HEADLESS, "r.yaml", "out"], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    code, alive, loaded = json.loads(done.stdout.splitlines()[-1])
    assert code == 0 and alive == [True] * asks and "transformers" not in loaded and done.stderr == ""


@pytest.mark.long
def test_the_process_is_kept_for_the_next_question_and_started_again_when_it_is_gone(tmp_path: Path, no_worker: None) -> None:
    tiny.make_family(tmp_path / "in", models=("base", "a"), layers=4)
    recipe = load(STACK)
    models = open_models(recipe, [tmp_path / "in"])
    plan = make_plan(recipe, models)
    assert loadable.check(plan, models) == ()
    first = loadable._WORKERS[0].process
    assert loadable.check(plan, models) == () and loadable._WORKERS[0].process is first
    first.kill()
    first.wait()
    assert loadable.check(plan, models) == () and loadable._WORKERS[0].process is not first
    assert loadable._WORKERS[0].process.poll() is None


def test_no_secret_reaches_the_process(monkeypatch: pytest.MonkeyPatch, no_worker: None) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    given: list[Any] = []

    def popen(*args: Any, **kwargs: Any) -> Any:
        given.append(kwargs["env"])
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", popen)
    assert loadable._ask({}, time.monotonic() + 5) == {"unknown": "no process could be started (Cannot allocate memory)"}
    assert "hf_secret" not in json.dumps(given) and given[0]["HF_HUB_OFFLINE"] == "1"


def bare(**config: Any) -> dict[str, Any]:
    """A question about a Llama."""
    known = dict(model_type="llama", architectures=["LlamaForCausalLM"], hidden_size=8, intermediate_size=16, vocab_size=24,
                 num_attention_heads=2, num_hidden_layers=1) | config  # fmt: skip
    return {"config": known, "tensors": {}, "before": {"config": known, "tensors": {}}, "stack": [], "sources": {}}


def test_a_question_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_worker: None) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=4)
    recipe = load(STACK)
    models = open_models(recipe, [tmp_path])
    plan = make_plan(recipe, models)
    ask = loadable._ask
    monkeypatch.setattr(loadable, "LOADING_SECONDS", Limit(1, "seconds", "request", "", ""))
    monkeypatch.setattr(loadable, "_ask", lambda question, until: ask(bare(num_hidden_layers=10**9), until))
    started = time.monotonic()
    assert loadable.check(plan, models) == (
        "whether transformers can load the output could not be checked: it took longer than 1 seconds.",
    )
    assert time.monotonic() - started < 10
    time.sleep(0.2)
    assert not loadable._WORKERS or loadable._WORKERS[0].process.poll() is not None  # nothing goes on behind our back


def test_a_config_that_would_take_too_much_memory_is_given_up(monkeypatch: pytest.MonkeyPatch, no_worker: None) -> None:
    """The bound is lowered, so that transformers alone is beyond it already."""
    monkeypatch.setattr(loadable, "LOADING_MEMORY", 100_000_000)
    said = loadable._ask(bare(), time.monotonic() + 60)["unknown"]
    assert said in ("it would take more than 0 GB", "the process that asks transformers ended, perhaps for want of memory")


WITHOUT = """
import builtins, sys
hidden, load = sys.argv[1], builtins.__import__
def importing(name, *rest, **more):
    if name.split(".")[0] == hidden:
        raise ModuleNotFoundError(f"No module named {hidden!r}", name=hidden)
    return load(name, *rest, **more)
builtins.__import__ = importing
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.split(".")[0] == hidden else find(name, *rest)
import json
from merger.engine.loadable import answered
print(json.dumps(answered(json.loads(sys.stdin.read()))))
"""


@pytest.mark.parametrize("hidden", ["transformers", "accelerate"])
@pytest.mark.long
def test_without(hidden: str) -> None:
    """accelerate is no requirement of ours, and transformers may be broken."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, hidden], input=json.dumps(bare()), capture_output=True, text=True, check=True, cwd=ROOT
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    if hidden == "transformers":
        assert answer == {"unknown": "transformers is not installed"}
    else:
        assert answer["error"] == "" and answer["missing"] == []  # as many are missing in the donor


def test_what_says_how_to_load_is_not_taken_from_a_config(tmp_path: Path, unasked: list[dict[str, Any]]) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=4)
    evil = dict(auto_map={"AutoModel": "x--y.Z"}, _attn_implementation="x/y", attn_implementation="x/y",
                quantization_config={"a": 1}, text_config={"_name_or_path": "x", "auto_map": 1, "rope_theta": 2})  # fmt: skip
    for name in ("base", "a"):
        settle(tmp_path / name, **evil)
    assert asked(STACK, tmp_path)
    while not unasked:
        time.sleep(0.01)
    sent = json.dumps(unasked)
    assert all(word not in sent for word in ("auto_map", "implementation", "quantization", "_name_or_path"))
    assert "rope_theta" in sent


@pytest.mark.long
def test_packed_types_are_asked_about_by_their_shape(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=4)
    for name in ("base", "a"):
        add_raw(tmp_path / name, "model.layers.1.mlp.up_proj.weight_scale", "F8_E8M0", [4], b"abcd")
    told = merge(load(STACK), tmp_path / "out", roots=[tmp_path])
    assert "model.layers.1.mlp.up_proj.weight_scale" in told.names
