"""Faults that were put into the code once and that no test noticed: each has its test here, seen red with the fault in."""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
import torch
from browsing import ROOT
from safetensors.torch import save_file

import merger
from merger.chat.batch import interleave
from merger.chat.load import chat_model
from merger.chat.model import Judged, Token
from merger.engine import costs, journal
from merger.engine import session as live
from merger.engine.document import open_models, reader
from merger.engine.plan import Plan, TensorJob, make_plan
from merger.engine.session import Parents, Session
from merger.engine.tensor import merge_tensor
from merger.errors import CheckpointError
from merger.files import heads
from merger.files.checkpoints import Checkpoint, open_checkpoint, shards
from merger.hub import store
from merger.inspect.analysis import Sketch, TensorStats, has_deltas, measure
from merger.inspect.compatibility import stops_of
from merger.inspect.verdict import verdict
from merger.kernels import build
from merger.methods import METHODS, Method
from merger.recipe import Recipe, dump, load
from merger.recipe.between import blend
from merger.search.trials import Trial, best_first
from merger.ui import Panels, desk, workspace
from merger.ui.host import Host
from merger.ui.service.answers import Answers
from merger.ui.service.feeds import Answer
from merger.ui.studio import Studio

BASE, PIRATE, PLURAL, STORY = (f"presets/family/{name}" for name in ("base", "pirate", "plural", "story"))
PROMPT = "say hello my friend like a pirate"
EMBED, HEAD, QUERY = "model.embed_tokens.weight", "lm_head.weight", "model.layers.0.self_attn.q_proj.weight"


def planned(text: str, roots: Path) -> tuple[Recipe, Mapping[str, Checkpoint], Plan]:
    recipe = load(text)
    models = open_models(recipe, [roots])
    return recipe, models, make_plan(recipe, models)


def settle(file: Path, **keys: Any) -> None:
    """Write keys of a JSON file; None takes one out."""
    found = json.loads(file.read_text()) | keys
    file.write_text(json.dumps({k: v for k, v in found.items() if v is not None}))


def rewrite(folder: Path, **changes: torch.Tensor | None) -> None:
    """Write tensors of a model anew; None takes one out."""
    tensors = tiny.read_weights(folder) | {name.replace("__", "."): value for name, value in changes.items()}
    save_file({name: value for name, value in tensors.items() if value is not None}, folder / "model.safetensors")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """base, a and b of this test's own."""
    tiny.make_family(tmp_path / "in", models=("base", "a", "b"), layers=2)
    return tmp_path / "in"


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(ROOT / "presets")


def new_workspace(studio: Studio, chosen: tuple[str, ...] = (PIRATE, PLURAL)) -> workspace.Workspace:
    return workspace.with_models(workspace.start(studio.presets[0], studio.base, studio.parents_of_family), chosen)


# ---------------------------------------------------------------------------------------------- arithmetic

SHARED = [m for m in METHODS.values() if {p.name for p in m.params} & {"normalize", "normalize_weights"}]


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "torch"])
@pytest.mark.parametrize("method", SHARED, ids=lambda m: m.name)
def test_weights_that_cancel_out_are_not_divided_by_their_sum(
    method: Method, compiled: bool, family: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.3 + 0.6 - 0.9 is 6e-8 in float32, -1.1e-16 in float64: what is divided by it is no number of a model any more."""
    if not compiled:
        monkeypatch.setattr(build, "available", lambda: False)
    switch = "normalize_weights" if method.param("normalize_weights") else "normalize"
    models = [{"model": m, "parameters": {"weight": w}} for m, w in zip("abc", (0.3, 0.6, -0.9), strict=True)]
    recipe = {"merge_method": method.name, "models": models, "dtype": "float32"}
    recipe |= {} if method.base == "ignored" else {"base_model": "base"}
    made = {}
    for on in (True, False):
        _, opened, plan = planned(json.dumps(recipe | {"parameters": {switch: on}}), family)
        job = next(j for j in plan.jobs if j.name == QUERY)
        made[on] = merge_tensor(job, reader(opened))
    assert made[True].isfinite().all() and made[True].abs().max() < 100
    if method.name in ("linear", "task_arithmetic"):  # all models count everywhere, so that there is nothing to divide by
        assert torch.equal(made[True], made[False])


@pytest.mark.parametrize("large", [False, True], ids=["alone", "by threads"])
def test_a_tensor_whose_overwriting_failed_is_not_done(large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Going back to the recipe that was there before makes it again, bit by bit what it was."""
    width = 128 if large else 8
    tiny.make_family(tmp_path, models=("base", "a"), layers=2, width=width, ffn=4 * width)
    text = "{merge_method: task_arithmetic, base_model: base, models: [{model: a, parameters: {weight: %s}}], dtype: float32}"
    session = Session(Parents(roots=[tmp_path]))
    session.apply(load(text % 0.5))
    before = {name: tensor.clone() for name, tensor in session.tensors.items()}
    real = live.merge_tensor

    def half(job: TensorJob, *given: Any, into: torch.Tensor | None = None, **named: Any) -> torch.Tensor:
        if job.name != QUERY:
            return real(job, *given, into=into, **named)
        assert into is not None
        into.reshape(-1)[: into.numel() // 2] = 7
        raise OSError("the disk is gone")

    monkeypatch.setattr(live, "merge_tensor", half)
    with pytest.raises(OSError, match="the disk is gone"):
        session.apply(load(text % 0.9))
    monkeypatch.setattr(live, "merge_tensor", real)
    assert QUERY in session.apply(load(text % 0.5))
    assert all(torch.equal(session.tensors[name], tensor) for name, tensor in before.items())


# ---------------------------------------------------------------------------------------------- what models say of themselves


def test_a_head_is_tied_where_only_the_text_config_says_so(models: Path) -> None:
    """As in models of text and pictures: a stored copy of the embeddings is no head then, and a head of one's own unties both."""
    for name in ("base", "a", "b"):
        settle(models / name / "config.json", tie_word_embeddings=None, text_config={"tie_word_embeddings": True})
        rewrite(models / name, lm_head__weight=tiny.read_weights(models / name)[EMBED].clone())
    assert heads.says_tied({"text_config": {"tie_word_embeddings": True}}) is True
    assert heads.says_tied({"text_config": {"tie_word_embeddings": False}}) is False and heads.says_tied({}) is None
    assert heads.own_heads(open_checkpoint("a", models / "a")) == ()
    text = "{merge_method: linear, models: [{model: a}, {model: b}], parameters: {weight: 0.5}}"
    *_, plan = planned(text, models)
    assert HEAD not in {job.name for job in plan.jobs}
    rewrite(models / "b", lm_head__weight=tiny.read_weights(models / "b")[EMBED] + 1)
    *_, plan = planned(text, models)
    assert HEAD in {job.name for job in plan.jobs}
    assert plan.config["tie_word_embeddings"] is plan.config["text_config"]["tie_word_embeddings"] is False


def test_an_answer_stops_where_generation_config_says(tmp_path: Path) -> None:
    """Chat models often name their end of turn there alone."""
    folder = tmp_path / "pirate"
    shutil.copytree(ROOT / PIRATE, folder)
    who = chat_model(folder, json.loads((folder / "config.json").read_text()), dict(tiny.read_weights(folder)))
    said = [token.id for token in who.tokens(PROMPT, 60)]
    stop = said[len(said) // 2]
    settle(folder / "generation_config.json", eos_token_id=[2, stop])
    who = chat_model(folder, json.loads((folder / "config.json").read_text()), dict(tiny.read_weights(folder)))
    assert stop in who.stops and [token.id for token in who.tokens(PROMPT, 60)] == said[: said.index(stop)]
    assert stop in stops_of(open_checkpoint("pirate", folder))


# ---------------------------------------------------------------------------------------------- files


def test_crop_cuts_rows_only_where_everything_else_fits(models: Path) -> None:
    """A vocabulary that is missing, or whose rows are wider, is refused with its shapes: neither can be cut to fit."""
    text = "{merge_method: task_arithmetic, base_model: base, on_mismatch: crop, models: [{model: a, parameters: {weight: 1}}, "
    text += "{model: b, parameters: {weight: 1}}]}"
    rows = tiny.read_weights(models / "b")[EMBED]
    for wide in (torch.cat([rows, rows], 1), torch.cat([rows, rows[:, :1]], 1)[:10], torch.zeros(30, 9)):
        rewrite(models / "b", model__embed_tokens__weight=wide.clone())
        with pytest.raises(CheckpointError, match=rf"(?s)^{EMBED}: shapes differ.*\(24, 8\).*\(24, 8\).*{wide.shape[1]}\)"):
            planned(text, models)
    rewrite(models / "a", model__embed_tokens__weight=tiny.read_weights(models / "a")[EMBED][:20].clone())
    rewrite(models / "b", model__embed_tokens__weight=rows)
    *_, plan = planned(text, models)
    assert next(job for job in plan.jobs if job.name == EMBED).shape == (20, 8)
    rewrite(models / "b", model__embed_tokens__weight=None)
    with pytest.raises(CheckpointError, match=rf"(?s)^{EMBED}: not in every model\..*b +missing"):
        planned(text, models)


@pytest.mark.parametrize("lost", [1, 4, 7, 8])
def test_a_file_that_lost_its_last_bytes_is_not_opened(lost: int, models: Path) -> None:
    """Eight bytes are the length of a header's own length, which a sloppy sum leaves out."""
    file = models / "a/model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-lost])
    with pytest.raises(CheckpointError, match=f"truncated: .* ends at byte {len(whole)}, the file has {len(whole) - lost}"):
        open_checkpoint("a", models / "a").tensors  # noqa: B018 - headers may be read late


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def cached(name: str) -> Path:
    """A model of the Hub, whole, in the cache."""
    folder = store.storage(name) / "snapshots" / ("0" * 40)
    shutil.copytree(ROOT / BASE, folder)
    (store.storage(name) / "refs").mkdir()
    (store.storage(name) / "refs/main").write_text("0" * 40)
    return store.storage(name)


def test_half_a_download_that_still_runs_is_not_evicted(hub_cache: Path) -> None:
    """However full the disk: it was written to within the hour. One that nobody has touched for longer goes."""
    blobs = cached("big/model") / "blobs"
    blobs.mkdir()
    running, left = blobs / "running.incomplete", blobs / "left.incomplete"
    for file, age in ((running, 60), (left, 2 * 3600)):
        file.write_bytes(b"x" * 1000)
        os.utime(file, (time.time() - age,) * 2)
    store.evict(0, keep=[store.storage("big/model") / "snapshots" / ("0" * 40)])
    assert running.exists() and not left.exists()


@pytest.mark.parametrize("other", ["torch", "device", "merger", "metadata"])
def test_a_merge_does_not_go_on_with_what_makes_other_bytes(other: str, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their sums may round otherwise, or lie elsewhere: tensors of both in one model would be nobody's numbers."""
    _, opened, plan = planned("{merge_method: linear, models: [{model: a}, {model: b}], parameters: {weight: 1}}", models)
    files = shards([job.slot for job in plan.jobs], 10**9)
    first = journal.word_of(plan, opened, files, "cpu", {"recipe": "a"}).word
    assert first == journal.word_of(plan, opened, files, "cpu", {"recipe": "a"}).word
    if other in ("torch", "merger"):
        monkeypatch.setattr({"torch": torch, "merger": merger}[other], "__version__", "99.0")
    metadata = {"recipe": "b" if other == "metadata" else "a"}
    assert first != journal.word_of(plan, opened, files, "cuda" if other == "device" else "cpu", metadata).word


# ---------------------------------------------------------------------------------------------- statistics and verdict


def measured(text: str, roots: Path) -> list[TensorStats]:
    _, opened, plan = planned(text, roots)
    return [measure(job, reader(opened), plan.layout) for job in plan.jobs if has_deltas(job)]


def test_conflict_is_counted_of_weighted_changes(models: Path) -> None:
    """Two models that changed alike pull against each other where one has a weight below zero."""
    shutil.copy(models / "a/model.safetensors", models / "b/model.safetensors")
    for method in ("task_arithmetic", "ties"):
        text = f"{{merge_method: {method}, base_model: base, models: [{{model: a, parameters: {{weight: 1}}}}, "
        text += "{model: b, parameters: {weight: -0.5}}]}"
        for stats in measured(text, models):
            assert (stats.conflict_before, stats.conflict) == (0, 1), stats.name


def test_the_sample_of_a_tensor_lines_up_with_no_row(tmp_path: Path) -> None:
    """With equal steps of 32 only two columns of 64 would be looked at; here every column is, about as often as the others."""
    (tmp_path / "wide").mkdir()
    columns = torch.arange(64.0).expand(1024, 64).contiguous()
    save_file({"model.layers.0.mlp.up_proj.weight": columns}, tmp_path / "wide/model.safetensors")
    (tmp_path / "wide/config.json").write_text("{}")
    _, opened, plan = planned("{merge_method: linear, models: [{model: wide}], parameters: {weight: 1}}", tmp_path)
    seen = Counter(Sketch(opened, 2048).read(plan.jobs[0].sources[0]).tolist())
    assert sum(seen.values()) == 2048 and len(seen) == 64
    assert min(seen.values()) >= 24 and max(seen.values()) <= 40


def test_opposite_weights_do_not_hide_that_a_merge_goes_too_far(family: Path) -> None:
    """3 and -3 sum to nothing, but each delta is added three times over."""
    text = "{merge_method: task_arithmetic, base_model: base, models: [{model: a, parameters: {weight: 3}}, "
    recipe, opened, plan = planned(text + "{model: b, parameters: {weight: -3}}]}", family)
    [found] = [f for f in verdict(recipe, opened, plan).findings if f.kind == "too far"]
    assert "the deltas are added 6 times over" in found.words


def test_decompositions_are_told_to_take_their_time(tmp_path: Path) -> None:
    """Twice as wide takes eight times as long, and no pass over the numbers takes nearly as long."""
    seconds: dict[tuple[str, int], float] = {}
    for width in (2048, 4096):
        for name in ("base", "a", "b"):
            (tmp_path / str(width) / name).mkdir(parents=True)
            header = {"model.layers.0.mlp.up_proj.weight": {"dtype": "BF16", "shape": [width, width],
                                                           "data_offsets": [0, 2 * width * width]}}  # fmt: skip
            raw = json.dumps(header).encode()
            with (tmp_path / str(width) / name / "model.safetensors").open("wb") as file:
                file.write(len(raw).to_bytes(8, "little") + raw)
                file.truncate(8 + len(raw) + 2 * width * width)  # a hole: nothing of it is read
            (tmp_path / str(width) / name / "config.json").write_text("{}")
        for method in ("tsv_merge", "iso_c", "knots", "ties"):
            text = f"{{merge_method: {method}, base_model: base, models: [{{model: a, parameters: {{weight: 1}}}}, "
            recipe, opened, plan = planned(text + "{model: b, parameters: {weight: 1}}]}", tmp_path / str(width))
            seconds[method, width] = verdict(recipe, opened, plan).seconds - costs.START
    for method in ("tsv_merge", "iso_c", "knots"):
        assert seconds[method, 4096] == pytest.approx(8 * seconds[method, 2048])
        assert seconds[method, 4096] > 20 and seconds[method, 4096] > 50 * seconds["ties", 4096]


# ---------------------------------------------------------------------------------------------- recipes and trials


def test_a_blend_keeps_the_type_that_is_written() -> None:
    a = load("{merge_method: linear, models: [{model: x}], parameters: {weight: 1}, dtype: float32, out_dtype: bfloat16}")
    b = load("{merge_method: linear, models: [{model: y}], parameters: {weight: 1}}")
    mixed = blend(a, b, 0.5)
    assert (mixed.dtype, mixed.out_dtype) == ("float32", "bfloat16") and "out_dtype: bfloat16" in dump(mixed).split("---")[-1]


def test_of_trials_with_one_mean_that_with_the_stronger_weakest_skill_is_best() -> None:
    uneven, even = Trial("uneven", scores={"a": 1.0, "b": 0.2}), Trial("even", scores={"a": 0.7, "b": 0.5})
    assert best_first([uneven, even]) == best_first([even, uneven]) == [even, uneven]
    better = Trial("better", scores={"a": 1.0, "b": 0.3})
    assert best_first([uneven, even, better])[0] is better  # the mean comes first


# ---------------------------------------------------------------------------------------------- answers


class Endless:
    """Somebody who never comes to an end."""

    def tokens(self, *_: Any) -> Iterator[Token]:
        while True:
            time.sleep(0.001)
            yield Token(1, "x", 1.0, ())


def test_interleaved_answers_have_a_time_limit() -> None:
    speakers: Any = {"a": Endless(), "b": Endless()}
    began, said = time.monotonic(), 0
    for said, _ in enumerate(interleave(speakers, PROMPT, limit=10**9, seconds=0.2), 1):
        assert said < 5000, "nothing ends it"
    assert said > 2 and time.monotonic() - began < 5


@pytest.mark.parametrize("base_agrees", [False, True])
def test_a_word_is_a_parents_only_where_the_base_would_not_say_it(
    base_agrees: bool, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = new_workspace(studio, (PIRATE,))

    class Voice:
        def __init__(self, model: str) -> None:
            self.rank = 1 if model == PIRATE or base_agrees else 5

        def judges(self, prompt: str, ids: list[int]) -> list[Judged]:
            return [Judged(0.9, self.rank, "x") for _ in ids]

    monkeypatch.setattr(studio.voices, "within", lambda work, *_: work())
    monkeypatch.setattr(studio.voices, "parent", lambda model, *_: Voice(model))
    heard = Answers(studio)._why(work, PROMPT, Answer.plain([Token(5, "x", 0.9, ())]))
    assert heard.agree == (("",) if base_agrees else (PIRATE,))  # "": all would say it


def test_leaving_ends_ones_answer(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is closed in the middle of it: nothing more is computed for nobody, and the line goes on."""
    passes = 0

    def words(*_: Any, go_on: Any, **__: Any) -> Iterator[Any]:
        nonlocal passes
        while go_on() and passes < 200:
            passes += 1
            time.sleep(0.02)
            yield SimpleNamespace(key="merge", token=Token(5, "x", 0.9, ()))

    monkeypatch.setattr(studio.voices, "turns", words)
    monkeypatch.setattr(Answers, "_why", lambda self, work, prompt, heard: heard)
    work, visit = new_workspace(studio), studio.visit("leaver")
    feeds = Answers(studio).answer(work, "leave me", visit)
    while not passes:
        next(feeds)
    gone = passes
    studio.leave("leaver")
    list(feeds)
    assert gone <= passes <= gone + 1


# ---------------------------------------------------------------------------------------------- the page's state


def test_typed_yaml_is_checked_with_the_visitors_own_grants(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gated model that this visitor has brought can be used; the next visitor is told to sign in."""
    (cached("big/gated") / ".restricted").touch()
    family = frozenset({BASE, PIRATE})
    page = Panels(Studio(ROOT / "presets", host=Host(hosted=True, family=family)))
    page.studio.grants.add("hf_owner", "big/gated")
    work = workspace.start(page.studio.presets[0], page.studio.base, page.studio.parents_of_family)
    text = f"{{merge_method: task_arithmetic, base_model: {BASE}, models: [{{model: big/gated, parameters: {{weight: 1}}}}]}}"
    told = {}
    for token in ("hf_owner", "hf_other", None):
        monkeypatch.setattr(desk, "token_of", lambda _, token=token: token)
        told[token] = page.recipe.check(work, text, None)["yaml_error"]["value"]  # type: ignore[arg-type]
    assert told["hf_owner"].startswith("A recipe that can be used.")
    assert all(told[who].startswith("big/gated: is gated or private.") for who in ("hf_other", None))


def test_going_back_to_other_models_forgets_the_settings_of_these(studio: Studio) -> None:
    """What is kept for a model that left the mix belongs to its shelf: one with the same name elsewhere is another model."""
    first = new_workspace(studio)
    other = workspace.stepped(first, workspace.with_family(first, BASE, (STORY, PIRATE)))
    other = workspace.with_control(other, "models[1].parameters.weight", 0.123)
    assert dict(dict(other.kept)[PIRATE])["weight"].at("", 0, 1) == 0.123
    back = workspace.undone(other)
    assert back.moment == first.moment and STORY not in dict(back.kept)
    assert dict(dict(back.kept)[PIRATE])["weight"] == dict(first.recipe.models[0].parameters)["weight"]
    three = workspace.with_control(new_workspace(studio, (PIRATE, PLURAL, STORY)), "models[2].parameters.weight", 0.7)
    two = workspace.with_models(three, (PIRATE, PLURAL))
    within = workspace.undone(workspace.stepped(two, workspace.with_control(two, "models[0].parameters.weight", 0.9)))
    assert within.moment == two.moment and dict(within.kept)[STORY] == dict(three.kept)[STORY]  # on one shelf they stay
