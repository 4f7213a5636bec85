"""The second voice: llama.cpp says what a freshly loaded file would say, after every move; and what transformers says."""

import ctypes
import json
import logging
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import recast
import smollm
import torch
from safetensors.torch import load_file, save_file

import merger.engine.tensor as stretching
import merger.voice.loaded as loading
import merger.voice.session as sessions
from merger.chat.conversation import Conversation
from merger.chat.model import Plain
from merger.chat.sampling import GREEDY, Sampling
from merger.cli import serve
from merger.engine.plan import make_plan
from merger.engine.session import Parents
from merger.errors import Cancelled, MergeError
from merger.export import turning
from merger.export.gguf import export
from merger.gguf.kinds import packed_rows
from merger.recipe import Recipe, dump, load
from merger.recipe import load_file as recipe_of
from merger.search import llama
from merger.search.judge import Judge
from merger.search.likelihood import answer_logprobs
from merger.search.llama import LlamaRunner, runner_for
from merger.search.questions import Question, QuestionSet
from merger.search.trials import Runner
from merger.serve.voices import Piece, Voices, scored
from merger.serve.wanted import chat
from merger.ui import PRESETS, workspace
from merger.ui.host import Host, Outlook, read_host
from merger.ui.rows import Row
from merger.ui.service import carded
from merger.ui.service.answers import Answers
from merger.ui.service.idle import Idle
from merger.ui.service.improve import Improving
from merger.ui.service.judging import Judges, Judging, of_rows
from merger.ui.studio import Studio, Visit
from merger.ui.workspace import Workspace
from merger.voice import check, library
from merger.voice.loaded import Loaded
from merger.voice.session import GgufSession, fitting, packed, takes

ROOT = Path(__file__).parent.parent
FAMILY = ROOT / "presets/family"
HERE = sys.platform == "linux" and recast.CONVERTER.exists() and (recast.PACKAGES / "xllamacpp").exists()
pytestmark = pytest.mark.skipif(not HERE, reason="no llama.cpp here: `make test` fetches its converter and library (75 MB)")
MIX = """{merge_method: task_arithmetic, base_model: @/base, models: [
  {model: @/pirate, parameters: {weight: %s}}, {model: @/plural, parameters: {weight: %s}}]}"""
IDS = [1, 40, 41, 42, 90, 200, 7, 3]
ASKED = "say hat and map like a pirate"
PROMPTS = ("plural of box", "plural of city", ASKED, "tell me a story about a coin", "spell tulip out loud")


def mix(pirate: Any = 0.9, plural: Any = 0.8) -> Recipe:
    return load((MIX % (pirate, plural)).replace("@", str(FAMILY)))


def with_changed(folder: Path, change: Callable[[dict[str, torch.Tensor]], object], recipe: Recipe | None = None) -> Recipe:
    """A recipe in whose first parent something was changed."""
    (folder / "changed").mkdir(exist_ok=True)
    for file in (FAMILY / "pirate").iterdir():
        shutil.copy(file, folder / "changed")
    tensors = load_file(FAMILY / "pirate/model.safetensors")
    change(tensors)
    save_file(tensors, folder / "changed/model.safetensors", metadata={"format": "pt"})
    return load(dump(recipe or mix()).replace(str(FAMILY / "pirate"), str(folder / "changed")))


def _of_converter() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] in ("conversion", "gguf")]


@pytest.fixture(scope="module", autouse=True)
def near() -> Iterator[None]:
    """The library is found, and the converter is asked in this process; for other tests nothing is found that was not before."""
    from transformers.utils import is_sentencepiece_available

    is_sentencepiece_available()  # the answer is kept
    path, silent = [*sys.path], logging.root.manager.disable
    others = {name: sys.modules.pop(name) for name in _of_converter()}
    with pytest.MonkeyPatch.context() as patch, smollm.one_thread():
        patch.syspath_prepend(recast.PACKAGES)
        patch.setenv("PYTHONPATH", str(recast.PACKAGES))
        recast.in_this_process(patch.setattr)
        library.library.cache_clear()
        yield
    library.library.cache_clear()
    logging.disable(silent)
    sys.path[:] = path
    for name in _of_converter():
        del sys.modules[name]
    sys.modules.update(others)


@pytest.fixture(scope="module")
def runner(near: None) -> Iterator[LlamaRunner]:
    """Speaks in 16 bits."""
    made = LlamaRunner(Parents(), "f16")
    yield made
    made.release()


@pytest.fixture(scope="module")
def first() -> Runner:
    """The first voice."""
    return Runner(Parents())


def words(runner: Runner, what: Recipe | str, prompt: str, sampling: Sampling = GREEDY, limit: int = 24) -> str:
    said = runner.turns({"": what}, prompt, limit=limit, sampling=sampling)
    return "".join(event.token.text for event in said if event.token is not None)


def afresh(recipe: Recipe, kind: str, session: GgufSession, folder: Path) -> torch.Tensor:
    """What a new file of the recipe says, loaded as it is."""
    file = folder / "fresh.gguf"
    file.unlink(missing_ok=True)
    export(recipe, file, kind, name="merge")
    assert session._recast is not None
    loaded = Loaded(file, session._recast.places, 64)
    try:
        return loaded.read(IDS, len(IDS))
    finally:
        loaded.close()


# ---------------------------------------------------------------------------------------------- moves


@pytest.mark.parametrize("mapped", [False, True], ids=["set", "written"])
@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_after_moves_it_says_what_a_fresh_file_says(kind: str, mapped: bool, tmp_path: Path) -> None:
    """Bit for bit: one layer, the embeddings (which are the head, too), several layers, everything; a text that was heard."""
    session = GgufSession(Parents(), kind, mapped=mapped)
    one, several = "[0.9, 0.9, 0.3, 0.9, 0.9, 0.9]", "[0.1, 0.9, 0.3, 0.9, 0.9, 0.2]"
    words = with_changed(tmp_path, lambda tensors: tensors["model.embed_tokens.weight"].mul_(1.3), mix(several))
    moves = [(mix(), 56), (mix(one), 9), (mix(several), 20), (words, 56), (mix(-0.4, 1), 56)]
    before: torch.Tensor | None = None
    for recipe, count in moves:
        assert len(session.apply(recipe)) <= count
        assert session.loaded is not None and session.loaded.mapped is mapped
        said = session.loaded.read(IDS, len(IDS))
        assert torch.equal(said, afresh(recipe, kind, session, tmp_path))
        assert before is None or not torch.equal(said, before)
        before = said
        assert session.apply(recipe) == ()
    assert session.bits == (16 if kind == "f16" else 8)
    session.release()


@pytest.mark.parametrize("kind", ["mixtral", "qwen3", "olmo2", "gpt2"])
@pytest.mark.long
def test_heads_of_their_own_experts_and_what_only_the_converter_makes(kind: str, tmp_path: Path) -> None:
    import zoo

    zoo.family(kind, tmp_path)
    for config in tmp_path.glob("*/config.json"):
        config.write_text(json.dumps(json.loads(config.read_text()) | recast.TOLD.get(kind, {})))
    session, text = GgufSession(Parents(), "f16"), zoo.RECIPES["ties"].replace("@", str(tmp_path))
    session.apply(load(text))
    loaded, recast_ = session.loaded, session._recast
    assert loaded is not None and recast_ is not None and bool(recast_.whole) == (kind == "gpt2")
    before = loaded.read(IDS, len(IDS))
    recipe = load(text.replace("weight: 0.6", "weight: 0.9"))
    assert session.apply(recipe)
    said = loaded.read(IDS, len(IDS))
    assert torch.equal(said, afresh(recipe, "f16", session, tmp_path)) and not torch.equal(said, before)
    assert "checked against transformers" in check.checked(session, recipe, None, lambda: True)
    session.release()


def test_a_parent_that_is_another_now_is_read_anew(tmp_path: Path) -> None:
    recipe = with_changed(tmp_path, lambda tensors: tensors["model.embed_tokens.weight"].mul_(1.3))
    session = GgufSession(Parents(), "f16")
    session.apply(recipe)
    (tmp_path / "other").mkdir()
    with_changed(tmp_path / "other", lambda tensors: tensors["model.embed_tokens.weight"].mul_(0.6))
    raw = (tmp_path / "other/changed/model.safetensors").read_bytes()
    (tmp_path / "changed/model.safetensors").write_bytes(raw)  # the same file: one that takes its name would not be looked at
    session.apply(recipe)
    assert session.loaded is not None
    assert torch.equal(session.loaded.read(IDS, len(IDS)), afresh(recipe, "f16", session, tmp_path))
    (tmp_path / "changed/model.safetensors").write_bytes(b"cut")
    with pytest.raises(MergeError, match=r"model.safetensors: "):
        session.apply(recipe)
    assert session.recipe is None
    session.release()


@pytest.mark.parametrize("mapped", [False, True], ids=["set", "written"])
def test_large_tensors_come_in_pieces(mapped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Merged in stretches that end within rows, packed and set some rows at a time."""
    monkeypatch.setattr(sessions, "_WHOLE", 1000)
    monkeypatch.setattr(stretching, "STRETCH", 1000)
    monkeypatch.setattr(turning, "_NUMBERS", 500)
    session = GgufSession(Parents(), "q8_0", mapped=mapped)
    for recipe in (mix(), mix(0.2)):
        session.apply(recipe)
    assert session.loaded is not None
    assert torch.equal(session.loaded.read(IDS, len(IDS)), afresh(mix(0.2), "q8_0", session, tmp_path))
    session.release()


def test_parents_that_do_not_fit_are_read_past_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, seen = sessions.read_by_files, list[int]()

    def noted(models: Any, files: Any) -> Any:
        seen.append(len(files))
        return read(models, files)

    monkeypatch.setattr(sessions, "read_by_files", noted)
    session = GgufSession(Parents(), "q8_0", room=lambda: 5_000_000)
    session.apply(mix())
    assert session.loaded is not None and seen == [3]
    assert torch.equal(session.loaded.read(IDS, len(IDS)), afresh(mix(), "q8_0", session, tmp_path))
    session.room = lambda: None
    session.apply(mix(0.1))
    assert seen == [3]
    session.release()


@pytest.mark.parametrize(("mapped", "times"), [(False, 1), (True, 2)], ids=["set", "written"])
def test_what_one_move_reads_stays_in_memory(mapped: bool, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One layer of the parents, where the voice is not in pages of a file itself, which it would push out; to the same bits."""
    read, seen = sessions.read_by_files, list[int]()
    monkeypatch.setattr(sessions, "read_by_files", lambda models, files: seen.append(len(files)) or read(models, files))
    monkeypatch.setattr(sessions, "_MOVED", 4)  # of the toys' six layers each is more than a sixth
    session = GgufSession(Parents(), "q8_0", room=lambda: 7_000_000, mapped=mapped)
    moved = mix([0.9, 0.9, 0.9, 0.2, 0.9, 0.9])
    session.apply(mix())
    assert 5 < len(session.apply(moved)) < 12  # of one layer
    assert session.loaded is not None and seen == [3] * times
    assert torch.equal(session.loaded.read(IDS, len(IDS)), afresh(moved, "q8_0", session, tmp_path))
    session.release()


def test_what_is_made_of_several_tensors_is_made_of_all_of_them_again() -> None:
    session = GgufSession(Parents())
    jobs = [SimpleNamespace(name=name) for name in "abcd"]
    session.done = {job.name: job for job in jobs if job.name != "b"}  # type: ignore[assignment]
    recast_: Any = SimpleNamespace(sources=frozenset("abc"), whole={"x": ("a", "b")})
    assert [job.name for job in session._stale(SimpleNamespace(jobs=jobs), recast_)] == ["a", "b"]  # type: ignore[arg-type]


def test_the_pass_of_ggml_makes_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.randn(64, 256, generator=torch.Generator().manual_seed(5)) * 0.05
    rows[1], rows[2, ::2], rows[2, 1::2], rows[3] = 0, 0.5, -0.5, torch.arange(256) / 2 - 64
    rows[4], rows[5], rows[6] = rows[4] * 1e-39, rows[5] * 1e4, -0.0
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        ours = packed(rows.to(dtype), "q8_0")
        with monkeypatch.context() as patch:
            patch.setenv("MERGER_KERNELS", "off")
            assert (packed(rows.to(dtype), "q8_0") == ours).all() and (packed_rows(rows.to(dtype), "q8_0") == ours).all()


def test_what_was_heard_before_a_move_is_dropped(runner: LlamaRunner) -> None:
    """A beginning that is read again would be that of other weights."""
    session = runner.gguf
    session.apply(mix(0.2))
    loaded = session.loaded
    assert loaded is not None
    loaded.read(IDS, 1)
    assert loaded.heard == IDS
    begun = loaded.read([*IDS, 9], 1)  # goes on
    session.apply(mix())
    assert loaded.heard == []
    gone_on = loaded.read([*IDS, 9], 1)
    loaded.forget()
    assert torch.equal(gone_on, loaded.read([*IDS, 9], 1)) and not torch.equal(gone_on, begun)


def test_a_filling_that_is_stopped_leaves_whole_tensors(tmp_path: Path) -> None:
    session, asked = GgufSession(Parents(), "f16"), iter(range(1000))
    session.apply(mix(0.1))
    told: list[int] = []
    with pytest.raises(Cancelled, match="stopped after"):
        session.apply(mix(), cancelled=lambda: next(asked) > 20, progress=lambda step: told.append(step.tensors))
    assert session.recipe is None and 0 < len(told) < 56 and told == sorted(told)
    assert 0 < len(session.apply(mix())) < 56
    assert session.loaded is not None
    assert torch.equal(session.loaded.read(IDS, len(IDS)), afresh(mix(), "f16", session, tmp_path))
    session.release()


def test_weights_beyond_16_bits_are_heard_in_8(tmp_path: Path) -> None:
    huge = with_changed(tmp_path, lambda tensors: tensors["model.layers.3.mlp.up_proj.weight"][5, 7:8].fill_(100_000))
    session = GgufSession(Parents())
    session.apply(mix())
    assert session.bits == 16
    session.apply(huge)
    assert session.bits == 8
    with pytest.raises(MergeError, match="f16 ends at 65,504"):
        GgufSession(Parents(), "f16").apply(huge)
    session.release()


# ---------------------------------------------------------------------------------------------- what is said


def test_it_says_what_the_first_voice_says(runner: LlamaRunner, first: Runner) -> None:
    recipe, exact = mix(), load(f"{dump(mix())}dtype: float32\n")
    said = [words(runner, recipe, p) for p in PROMPTS]
    assert said == [words(first, exact, p) for p in PROMPTS] and len(set(said)) == 4
    assert runner.merged(recipe).bits == 16 and runner.checked == "checked against transformers on all 6 layers"
    parent = str(FAMILY / "plural")
    assert words(runner, parent, PROMPTS[0]) == words(first, parent, PROMPTS[0]) == " boxes"
    assert words(runner, recipe, PROMPTS[0]) == said[0]


@pytest.mark.parametrize(
    "how", [Sampling(0.7, 3), Sampling(0.9, 4, top_p=0.8), Sampling(0, 0, penalty=1.4), Sampling(0, stops=("o",))]
)
def test_chance_penalties_and_stop_words_are_the_same(how: Sampling, runner: LlamaRunner, first: Runner) -> None:
    recipe, exact = mix(), load(f"{dump(mix())}dtype: float32\n")
    for prompt in ("plural of box", ASKED):
        assert words(runner, recipe, prompt, how) == words(first, exact, prompt, how)
    assert "o" not in words(runner, recipe, "plural of box", Sampling(0, stops=("o",)))


def test_conversations_go_on_and_texts_without_a_template(runner: LlamaRunner, first: Runner) -> None:
    recipe, exact = mix(), load(f"{dump(mix())}dtype: float32\n")
    turns = [("user", "plural of box"), ("assistant", "boxes"), ("user", "plural of city")]
    asked = Conversation.of([{"role": r, "content": c} for r, c in turns])
    assert words(runner, recipe, asked) == words(first, exact, asked)
    heard = len(runner.gguf.loaded.heard) if runner.gguf.loaded else 0
    assert heard > len(runner.merged(recipe).encode(asked))
    longer = Conversation.of([*asked.messages, {"role": "assistant", "content": "x"}, {"role": "user", "content": "y"}])
    assert words(runner, recipe, longer) == words(first, exact, longer)
    assert words(runner, recipe, Plain("Once upon")) == words(first, exact, Plain("Once upon"))


def test_an_answer_does_not_depend_on_what_was_asked_before(runner: LlamaRunner) -> None:
    """To the last bit: what another prompt shares with it is computed again."""

    def sure(prompt: str) -> list[float]:
        return [token.probability for token in runner.merged(mix()).tokens(prompt, 12)]

    for before in ("plural of city", ASKED):
        words(runner, mix(), before)
        heard = sure("plural of cities and boxes and cats")
        runner.gguf.holding(mix(), None, lambda: False).forget()
        assert sure("plural of cities and boxes and cats") == heard


def test_an_answer_is_cut_and_a_prompt_too_long_is_told(runner: LlamaRunner) -> None:
    said = list(runner.turns({"": mix()}, "tell me a story", limit=3))
    assert len(said) == 4 and said[-1].cut
    with pytest.raises(MergeError, match="this model reads at most 254"):
        words(runner, mix(), "plural of box " * 60)
    loaded = runner.gguf.loaded
    assert loaded is not None
    with pytest.raises(MergeError, match="a token 999; this model's are 0 to 258"):
        loaded.read([1, 999], 1)


def test_answers_are_scored(runner: LlamaRunner, first: Runner) -> None:
    """log P of given answers, choices, exact answers: what judging is made of."""
    recipe, exact = mix(), load(f"{dump(mix())}dtype: float32\n")
    prompts, answers = ["plural of box", "plural of city", "who are you?"], ["boxes", "citys", "a pirate"]
    ours, theirs = (answer_logprobs(r.merged(w), prompts, answers) for r, w in ((runner, recipe), (first, exact)))
    assert torch.allclose(ours, theirs, atol=0.02) and float(ours.min()) < -3
    asked = QuestionSet("q", (
        Question("plural of box", "boxes"), Question("plural of cat", "dogs"), Question("who are you?", "arr", "within"),
        Question("plural of baby", "babies", "choice", "more", ("babies", "babys")),
    ))  # fmt: skip
    found = [Judge(r, asked).measure(w) for r, w in ((runner, recipe), (first, exact))]
    assert found[0].right == found[1].right and found[0].figures.keys() == found[1].figures.keys()
    ids = runner.merged(recipe).encode("plural of box")
    a, b = (scored(r.merged(w), ids, 2) for r, w in ((runner, recipe), (first, exact)))
    assert [x.text for x in a] == [x.text for x in b]
    assert [x.logprob for x in a[1:]] == pytest.approx([y.logprob for y in b[1:]], abs=0.05)


def test_two_at_once_each_hear_their_own(runner: LlamaRunner) -> None:
    """Two threads and one loaded model: each answer is made of its own weights, whoever was there in between."""
    recipes = (mix(), mix(-1.0))
    alone = [words(runner, recipe, ASKED) for recipe in recipes]
    voices = [runner.merged(recipe) for recipe in recipes]
    said = ["", ""]

    def speak(i: int) -> None:
        said[i] = "".join(token.text for token in voices[i].tokens(ASKED, 24))

    threads = [threading.Thread(target=speak, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == alone and said[0] != said[1]


def test_what_needs_the_model_itself_is_refused(runner: LlamaRunner) -> None:
    voice = runner.merged(mix())
    for use in (lambda: voice.module, lambda: voice.forward.call([1], None, 1), lambda: voice.forward.padded([[1]], 2)):
        with pytest.raises(MergeError, match="heard through llama"):
            use()


def test_after_it_was_let_go_of_it_is_made_again(runner: LlamaRunner) -> None:
    voice, before = runner.merged(mix()), words(runner, mix(), "plural of box")
    loaded = runner.gguf.loaded
    assert loaded is not None
    runner.release()
    for use in (lambda: loaded.read(IDS, 1), lambda: loaded.put("token_embd.weight", 0, b"12")):
        with pytest.raises(MergeError, match="was let go of"):
            use()
    assert "".join(token.text for token in voice.tokens("plural of box", 24)) == before
    with pytest.raises(MergeError, match="are beyond its"):
        assert runner.gguf.loaded is not None
        runner.gguf.loaded.put("token_embd.weight", 259 * 128 * 2 - 1, b"12")


def test_programs_can_ask_it(runner: LlamaRunner, tmp_path: Path) -> None:
    told: list[str] = []
    recipe = mix()
    made = runner_for(Parents(), recipe, "llama", tell=told.append)
    assert isinstance(made, LlamaRunner) and "heard in 16 bits through llama.cpp" in told[0]
    assert "stay on the disk" in told[0] and "The first answer takes about" in told[0]
    assert type(runner_for(Parents(), recipe, "auto")) is Runner
    (tmp_path / "mine.yaml").write_text(dump(recipe))
    voices = Voices(tmp_path / "mine.yaml", lambda: recipe_of(tmp_path / "mine.yaml"), made, tell=told.append)
    asked = chat({"messages": [{"role": "user", "content": "plural of box"}], "logprobs": True, "top_logprobs": 2})
    pieces = [one for one in voices.answer(asked, lambda: True) if isinstance(one, Piece)]
    assert "".join(piece.text for piece in pieces).strip() == "boxes" and pieces[0].chances[0].top
    (tmp_path / "mine.yaml").write_text(dump(mix(-1.0, -1.0)))
    again = [one for one in voices.answer(asked, lambda: True) if isinstance(one, Piece)]
    assert "".join(piece.text for piece in again).strip() != "boxes" and "has changed" in told[-1]
    made.release()
    assert serve.Served(tmp_path, lambda: recipe).voice == "auto"


# ---------------------------------------------------------------------------------------------- what fits


def test_the_kind_of_numbers_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, parents = mix(), Parents()
    models = parents.open(recipe)
    plan = make_plan(recipe, models)
    each = [takes(plan, models, kind) for kind in ("f16", "q8_0")]
    assert each[0].weights > 1.8 * each[1].weights > 0 and each[0].parents == 3 * plan.nbytes
    rooms = (None, each[0].total, each[0].total - 1, each[1].total)
    assert [fitting(plan, models, room).bits for room in rooms] == [16, 16, 8, 8]
    with pytest.raises(MergeError, match=r"Even in 8 bits the merge takes 3.. MB to be heard, and 1.0 kB are free"):
        fitting(plan, models, 1000)
    monkeypatch.setattr(llama, "page_room", lambda: 400_000_000)
    assert type(runner_for(parents, recipe, "auto")) is Runner  # it fits
    monkeypatch.setattr(llama, "need", lambda *_: SimpleNamespace(total=500_000_000))
    assert isinstance(runner_for(parents, recipe, "auto"), LlamaRunner)
    monkeypatch.setattr(llama, "page_room", lambda: 1000)
    assert type(runner_for(parents, recipe, "auto")) is Runner
    with pytest.raises(MergeError, match="Even in 8 bits"):
        runner_for(parents, recipe, "llama")


def test_only_the_lowest_layers_are_checked_where_not_all_fit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    session = GgufSession(Parents(), "f16")
    plan = make_plan(mix(), session.parents.open(mix()))
    rest = sum(job.numel for job in plan.jobs if plan.layout.layer(job.name) is None)
    layer = sum(job.numel for job in plan.jobs if plan.layout.layer(job.name) == 0)
    assert [check.fitting_layers(plan, 4 * (rest + n * layer) - 1, 4) for n in (1, 2, 3, 9)] == [0, 1, 2, 6]
    monkeypatch.setattr(check, "ROOM", 4 * (rest + 2 * layer))
    assert check.checked(session, mix(), None, lambda: True) == "checked against transformers on 2 of 6 layers"
    other = GgufSession(Parents(), "f16")
    monkeypatch.setattr(check, "ROOM", 2 * (rest + layer))  # in bfloat16
    assert check.checked(other, mix(), None, lambda: True).endswith("on 1 of 6 layers")
    other.checks.clear()
    monkeypatch.setattr(check, "ROOM", rest)
    assert check.checked(other, mix(), None, lambda: True).startswith("not checked: no layer of it fits")
    assert "What llama.cpp says of this merge is not checked: no layer of it fits" in caplog.text


@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_a_kind_of_model_that_speaks_otherwise_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the converter turns rows in another way than the model wants."""
    pack = sessions.packed

    def wrong(rows: torch.Tensor, name: str) -> Any:
        return pack(rows.flip(0) if rows.shape == (128, 128) else rows, name)

    monkeypatch.setattr(sessions, "packed", wrong)
    made = LlamaRunner(Parents(), kind)
    with pytest.raises(MergeError, match=r"llama.cpp says something else than transformers .*logits are \d+% apart"):
        made.merged(mix())


# ---------------------------------------------------------------------------------------------- the page


PIRATE, PLURAL = "presets/family/pirate", "presets/family/plural"


def desk(studio: Studio, recipe: Recipe | None = None) -> Workspace:
    recipe = recipe or named_as_there()
    parents = tuple(entry.model for entry in recipe.models)
    return Workspace(recipe, recipe.base_model or "", parents, "hello", "", shelf=parents)


def named_as_there() -> Recipe:
    """The page names models from its root on."""
    return load(dump(mix()).replace(f"{ROOT}/", ""))


@pytest.mark.long
def test_the_page_hears_what_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """One speaker at a time, all rows of one together; remembered; told on the merge's card; Improve says no."""
    monkeypatch.setattr(Host, "outlook", lambda *_: Outlook("export", "To files only: too large."))
    studio = Studio(PRESETS)
    work = desk(studio)
    outlook = studio.outlook(work.recipe)
    assert (outlook.kind, outlook.bits) == ("live", 16) and outlook.words.startswith("Live, heard in 16 bits through llama.cpp")
    answers, order = Answers(studio), list[str]()
    assert [column.get("heard") for column in answers.columns(work)] == ["heard in 16 bits, as all here", None, None, None]
    with monkeypatch.context() as patch:
        patch.setattr(studio.second, "checked", "not checked: no layer of it fits beside what is there")
        assert answers.columns(work)[0]["heard"] == "heard in 16 bits, as all here; not checked"
    turns = studio.second.turns

    def noted(asked: Any, prompt: str, **more: Any) -> Any:
        order.extend(f"{key}: {prompt}" for key in asked)
        return turns(asked, prompt, **more)

    monkeypatch.setattr(studio.second, "turns", noted)
    monkeypatch.setattr(studio.voices, "turns", None)
    rows = (Row("a", "plural of box"), Row("b", "plural of city"))
    feeds = list(answers.ask_all(work, rows, "a", Visit(), idle=0))
    assert not any(feed.get("error") for feed in feeds)
    said = {key: "".join(token[0] for token in tokens).strip() for feed in feeds for key, tokens in feed["full"].items()}
    assert said["a/merge"] == said[f"a/{PLURAL}"] == "boxes" and said["b/merge"] == "cities" and len(said) == 8
    assert [one.partition(": ")[2] for one in order] == ["plural of box", "plural of city"] * 4
    assert [one.partition(":")[0][2:] for one in order][::2] == ["merge", work.base, PIRATE, PLURAL]
    order.clear()
    list(answers.ask_all(work, rows, "a", Visit(), idle=0))
    assert not order  # remembered
    moved = workspace.with_control(work, "models[0].parameters.weight", 0.1)
    list(answers.ask_all(moved, rows, "a", Visit(), idle=0))
    assert order == ["a/merge: plural of box", "b/merge: plural of city"]
    assert studio.second.filled == 1
    studio.second.close(PLURAL)
    assert studio.second.gguf.loaded is None
    with pytest.raises(MergeError, match="it cannot be improved"):
        Improving(studio).check(work.recipe)


def all_said(feeds: list[dict[str, Any]]) -> dict[str, str]:
    return {key: "".join(token[0] for token in tokens) for feed in feeds for key, tokens in feed["full"].items()}


@pytest.mark.long
def test_what_one_voice_said_is_not_shown_as_another_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory, in 16 bits and in 8: each answers itself, and each is remembered."""
    studio, rows, asked = Studio(PRESETS), (Row("a", "plural of box"),), list[str]()
    work, second = desk(studio), studio.second
    for runner in (studio.voices, second):
        turns = runner.turns
        monkeypatch.setattr(runner, "turns", lambda of, *a, turns=turns, **how: asked.extend(of) or turns(of, *a, **how))

    def ask(bits: int) -> int:
        """How many are asked, none of whom is known."""
        asked.clear()
        said = Answers(studio)
        with monkeypatch.context() as patch:
            patch.setattr(studio, "outlook", lambda *_: Outlook("live", "Live.", bits))
            patch.setattr(second.gguf, "wanted", "q8_0" if bits == 8 else "f16")
            if second.gguf.loaded is not None and second.gguf.bits != bits:
                second.release()  # other programs have taken or left the memory
            found = all_said(list(said.ask_all(work, rows, "a", Visit(), idle=0)))
            assert len(found) == 4 and said.bits == bits and said.heard(work.recipe, "plural of box", bits=bits) == "boxes"
            assert (said.columns(work)[0].get("heard") or "").startswith(f"heard in {bits} bits" if bits else "")
        return len(asked)

    assert [ask(bits) for bits in (0, 16, 8)] == [4, 4, 4]
    assert [ask(bits) for bits in (8, 16, 0)] == [0, 0, 0]
    assert {key[3] for key in studio.answered} == {0, 8, 16}
    second.release()


def test_what_16_bits_do_not_hold_is_remembered_and_told_as_heard_in_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was planned was 16; its card, and the memory of answers, say what it was."""
    huge = with_changed(tmp_path, lambda tensors: tensors["model.layers.3.mlp.up_proj.weight"][5, 7:8].fill_(100_000))
    monkeypatch.setattr(Host, "outlook", lambda *_: Outlook("export", "To files only: too large."))
    monkeypatch.setattr(llama, "checked", lambda *_: "checked")  # so large a weight is a tenth off in 8 bits
    studio = Studio(PRESETS)
    work, said, rows = desk(studio, huge), Answers(studio), (Row("a", "plural of box"),)
    assert said.columns(work)[0]["heard"].startswith("heard in 16 bits")
    assert [feed["error"] for feed in said.ask_all(work, rows, "a", Visit(), idle=0) if feed.get("error")] == []
    heard = [column.get("heard") for column in said.columns(work)]
    assert heard == ["heard in 8 bits", "heard in 8 bits", "heard in 8 bits", "heard in 16 bits"]
    assert said.heard(huge, "plural of box", bits=16) and said.heard(huge, "plural of box") is None
    assert Improving(studio).known(str(FAMILY / "plural"), "plural of box") is None, (
        "Improve wants what the models themselves say"
    )
    monkeypatch.setattr(studio.second, "turns", None)
    again = Answers(studio)
    assert [feed["error"] for feed in again.ask_all(work, rows, "a", Visit(), idle=0) if feed.get("error")] == [], "remembered"
    assert [column.get("heard") for column in again.columns(work)] == heard
    studio.second.release()


JUDGED = (
    Row("a", "plural of box", "boxes", "exact"), Row("b", "plural of cat", "dogs", "exact"), Row("c", "who are you?"),
    Row("d", "plural of city", "cities", "within"),
)  # fmt: skip


@pytest.mark.long
def test_figures_are_those_of_the_voice_that_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right answers and -log P through llama.cpp, which is told; and they are nobody else's figures."""
    studio, judges = Studio(PRESETS), Judges()
    work, judging = desk(studio), Judging(studio, judges)

    def measured(bits: int) -> tuple[list[str], dict[str, list[str]]]:
        monkeypatch.setattr(studio, "outlook", lambda *_: Outlook("live", "Live.", bits))
        found = judging.measure(work, of_rows(JUDGED), "me", lambda: True, lambda _: None)
        return found["columns"], {row[0].partition("\n")[0]: row[1:] for row in found["rows"]}

    heads, own = measured(0)
    assert heads == ["", "your merge", "base", "pirate", "plural"] and "Next word as plural" in own
    asked = list[str]()
    merged = studio.second.merged
    monkeypatch.setattr(studio.second, "merged", lambda what, *a: asked.append(what.merge_method) or merged(what, *a))
    monkeypatch.setattr(studio.searcher, "merged", None)
    heads, theirs = measured(16)
    assert heads == ["heard in 16 bits", "your merge", "base", "pirate", "plural"] and [*theirs] == [
        "Right",
        "\u2212log P of the answer",
    ]
    assert theirs["Right"] == own["Right"] and theirs["Right"][0] == "67 %"
    loss = [[float(cell.partition("\n")[0]) for cell in of["\u2212log P of the answer"]] for of in (own, theirs)]
    assert loss[0] == pytest.approx(loss[1], rel=0.02), "bfloat16 is not float16"
    assert len(asked) == 4, "each is loaded once"
    moved = workspace.with_control(work, "models[0].parameters.weight", 0.1)
    judging.measure(moved, of_rows(JUDGED), "me", lambda: True, lambda _: None)
    assert len(asked) == 5, "of the models it is remembered"
    judge = judges.known("me")
    assert judge is not None and (found := judge.known(moved.recipe)) is not None and found.bits == 16
    cards = carded.figures(studio, judges, "me", moved, JUDGED)
    assert [one.about for one in cards] == ["heard in 16 bits"]
    with pytest.raises(MergeError, match=r"^This merge is heard in 16 bits .* none of these prompts has one\. Write one"):
        judging.measure(work, of_rows(JUDGED[2:3]), "me", lambda: True, lambda _: None)
    monkeypatch.setattr(studio, "outlook", lambda *_: Outlook("export", "To files only: too large."))
    with pytest.raises(MergeError, match=r"^To files only: too large\. So it cannot be asked here; `merger judge --stream`"):
        judging.bits(work)
    studio.second.release()


@pytest.mark.long
def test_a_judge_that_gives_way_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a merge is put in for it, a visitor comes: they wait for the model, so nobody may wait for them there."""
    studio, judging = Studio(PRESETS), Judging(Studio(PRESETS), Judges())
    judging.studio = studio
    monkeypatch.setattr(studio, "outlook", lambda *_: Outlook("live", "Live.", 16))
    ended, merged, over = list[bool](), studio.second.merged, threading.Event()
    idle = Idle(studio.turns, over.is_set)

    def watched(what: Recipe, go_on: Callable[[], bool], access: Any) -> Any:
        with studio.turns.stand() as ahead:
            ahead(0)
            asked = threading.Thread(target=go_on, daemon=True)
            asked.start()
            asked.join(2)
            ended.append(not asked.is_alive())
        return merged(what, go_on, access)

    monkeypatch.setattr(studio.second, "merged", watched)
    judging.measure(desk(studio), of_rows(JUDGED[:1]), "me", idle.go_on, lambda _: None, over.is_set)
    assert ended == [True] * 4
    over.set()
    with pytest.raises(Cancelled):
        judging.measure(desk(studio, mix(0.3)), of_rows(JUDGED[:1]), "me", idle.go_on, lambda _: None, over.is_set)
    studio.second.release()


def test_what_is_picked_is_told_before(monkeypatch: pytest.MonkeyPatch) -> None:
    from merger.ui.panels.models import Picking, Seen

    monkeypatch.setattr(Host, "outlook", lambda *_: Outlook("export", "To files only: too large."))
    studio = Studio(PRESETS)
    seen = [Seen(ref, model=studio.parents.model(ref)) for ref in (studio.base, PIRATE, PLURAL)]
    told = Picking(studio)._outlook(seen, seen[0].nbytes)
    assert told.words.startswith("Live, heard in 16 bits through llama.cpp, with 3") and "(7.4 MB) stay on the disk" in told.words
    assert "The first answer takes about 8 seconds, and so does going on to another" in told.words
    assert read_host({"MERGER_THREADS": "6"}).threads == 6 and read_host({"MERGER_THREADS": "lots"}).threads == 1
    hosted = replace(studio.host, hosted=True)
    monkeypatch.setattr(studio, "host", hosted)
    assert Picking(studio)._outlook(seen, seen[0].nbytes).kind == "export"


def test_the_page_says_as_before_where_llama_cpp_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "outlook", lambda *_: Outlook("export", "To files only: too large."))
    monkeypatch.setattr(library, "missing", lambda: "not here.")
    studio = Studio(PRESETS)
    work = desk(studio)
    assert studio.outlook(work.recipe) == Outlook("export", "To files only: too large.")
    feeds = list(Answers(studio).answer(work, "plural of box", Visit()))
    assert "cannot be heard here" in str(feeds[-1]["error"])


# ---------------------------------------------------------------------------------------------- what is not there


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Looks for the library again; afterwards it is the one that was there."""

    def look() -> str:
        library.library.cache_clear()
        return library.missing()

    yield look
    monkeypatch.undo()
    library.library.cache_clear()
    assert library.missing() == ""


def test_no_library_is_told_in_a_sentence(anew: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert anew() == ""
    monkeypatch.setattr(sys, "path", [p for p in sys.path if Path(p) != recast.PACKAGES])
    for name in [n for n in sys.modules if n.startswith("xllamacpp")]:
        monkeypatch.delitem(sys.modules, name)
    assert anew() == "a merge that does not fit is heard through llama.cpp, which is not installed: " + library.EXTRA + "."
    with pytest.raises(MergeError, match="is not installed: pip install"):
        runner_for(Parents(), mix(), "llama")


def test_another_build_is_refused(anew: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    brings = "brings xllamacpp 2026.10.11549."
    for name, value, told in (
        ("metadata.version", lambda name: "2026.11.1", "(xllamacpp 2026.11.1)"),
        ("_BUILD", ("0.7.0", "0.26.0"), "(llama.cpp 0.6.0-dev, ggml 0.26.0)"),
        ("_MODEL_DEFAULTS", {"n_gpu_layers": 99}, "(its ModelParams.n_gpu_layers is -1, known is 99)"),
        ("_CONTEXT_DEFAULTS", {"n_ctx": 4}, "(its ContextParams.n_ctx is 512, known is 4)"),
        ("_FUNCTIONS", {"llama_of_tomorrow": (None, [])}, "llama_of_tomorrow"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"merger.voice.library.{name}", value)
            said = anew()
            assert told in said and said.endswith(brings), said
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "darwin")
        assert "on Linux only" in anew()
    with monkeypatch.context() as patch:
        patch.setattr(library.c, "CDLL", _no_gomp)
        assert anew().endswith("install libgomp1.")


def _no_gomp(name: str) -> Any:
    raise OSError("libgomp.so.1: cannot open shared object file")


def test_a_processor_that_lacks_something_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self, **_: "flags\t: pni ssse3 avx f16c fma bmi2\n")
    with pytest.raises(MergeError, match="this processor has no AVX2, which xllamacpp was built for"):
        library._check_processor("CPU : SSE3 = 1 | AVX = 1 | AVX2 = 1 | OPENMP = 1 | AVX512 = 0 |")
    library._check_processor("CPU : SSE3 = 1 | AVX = 1 | AVX512 = 0 |")


def test_without_the_symbol_the_file_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from merger.voice import loaded

    monkeypatch.setattr(library, "finds_tensors", lambda: False)
    monkeypatch.setattr(loaded, "finds_tensors", lambda: False)
    session = GgufSession(Parents(), "q8_0")
    session.apply(mix())
    assert session.loaded is not None and session.loaded.mapped
    session.release()


def test_a_damaged_file_is_told(runner: LlamaRunner, tmp_path: Path) -> None:
    runner.merged(mix())
    recast_ = runner.gguf._recast
    assert recast_ is not None
    for raw in (b"", b"GGUF", recast_.header[:900], recast_.header, b"GGUF" + bytes(400), recast_.header[:40] + b"\xff" * 900):
        (tmp_path / "x.gguf").write_bytes(raw)
        with pytest.raises(MergeError, match=r"llama.cpp cannot load what was made for it: .+"):
            Loaded(tmp_path / "x.gguf", recast_.places, 64)
    with pytest.raises(MergeError, match="cannot load what was made"):
        Loaded(tmp_path / "none.gguf", recast_.places, 64)


def test_a_full_disk_and_a_missing_converter_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sessions, "write_at", full)
    session = GgufSession(Parents(), "f16")
    with pytest.raises(MergeError, match="cannot be written: No space left on device"):
        session.apply(mix())
    assert session.loaded is None
    monkeypatch.setattr(sessions, "missing", lambda: "no converter here.")
    with pytest.raises(MergeError, match="no converter here"):
        session.apply(mix())


# ---------------------------------------------------------------------------------------------- a real model


@pytest.fixture(scope="module")
def real() -> Iterator[tuple[Recipe, LlamaRunner]]:
    try:
        folder = smollm.family()
    except smollm.Unavailable as error:
        pytest.skip(str(error))
    text = "{merge_method: ties, base_model: @/base, models: [{model: @/pirate, parameters: {weight: 0.7, density: 0.6}}]}"
    made = LlamaRunner(Parents(), "f16")
    yield load(text.replace("@", str(folder))), made
    made.release()


@pytest.mark.smollm
@pytest.mark.long
def test_a_real_model_says_what_transformers_says(real: tuple[Recipe, LlamaRunner]) -> None:
    recipe, runner = real
    exact = load(f"{dump(recipe)}dtype: float32\n")
    first = Runner(Parents())
    prompts = smollm.HELD_OUT["pirate"][:1]
    said = [words(runner, recipe, p, limit=16) for p in prompts]
    assert said == [words(first, exact, p, limit=16) for p in prompts]


@pytest.mark.smollm
@pytest.mark.long
def test_a_long_text_is_left_at_once(real: tuple[Recipe, LlamaRunner]) -> None:
    recipe, runner = real
    voice, stopped = runner.merged(recipe), [0.0]
    ids = [100 + i % 900 for i in range(1900)]
    began = time.monotonic()

    def go_on() -> bool:
        if time.monotonic() - began > 0.3 and not stopped[0]:
            stopped[0] = time.monotonic()
        return not stopped[0]

    with voice.llama.heeding(go_on), pytest.raises(Cancelled, match="while a text was being read"):
        voice.forward.whole(ids, 1)
    assert time.monotonic() - stopped[0] < 1.0
    loaded = runner.gguf.loaded
    assert loaded is not None and loaded.heard == []
    assert words(runner, recipe, "Hello") == words(runner, recipe, "Hello") != ""


def test_a_text_for_which_there_is_no_room_costs_the_next_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the room is asked for first, then what the text takes; a shorter text is read as before. No text: no words."""
    asked, logits = list[int](), (ctypes.c_float * 10)(*range(10))

    class Library:
        def llama_context_default_params(self) -> SimpleNamespace:
            return SimpleNamespace()

        def llama_init_from_model(self, model: int, params: Any) -> int:
            asked.append(params.n_ctx)
            return int(params.n_ctx <= 1500)

        def llama_decode(self, *_: Any) -> int:
            return 0

        def llama_get_logits_ith(self, *_: Any) -> int:
            return ctypes.addressof(logits)

        llama_memory_seq_rm = llama_init = llama_get_memory = lambda *_: 1
        llama_free = llama_memory_clear = llama_set_abort_callback = lambda *_: None

    monkeypatch.setattr(loading, "complaint", lambda: "no memory")
    one = loading.Loaded.__new__(loading.Loaded)
    none = [0] * loading.CHUNK
    batch = SimpleNamespace(n_tokens=0, token=[*none], pos=[*none], n_seq_id=[*none], logits=[*none], seq_id=[[0] for _ in none])
    state = {"lock": threading.RLock(), "heard": [], "_model": 1, "_context": 0, "_tokens": 0, "_handle": -1, "_tensors": {}}
    one.__dict__.update(
        state, _library=Library(), length=8192, _threads=1, words=10, mapped=False, writes=0, _batch=batch,
        _stop=ctypes.create_string_buffer(2), _asks=ctypes.c_void_p(),
    )  # fmt: skip
    monkeypatch.setattr(loading.Loaded, "close", lambda self: None)
    one._room(1024)  # pyright: ignore[reportPrivateUsage]
    for tokens in (10, 1100, 10):
        assert one.read([1] * tokens, 1).shape == (1, 10)
    with pytest.raises(MergeError, match="no room for a text of 1,600 tokens"):
        one.read([1] * 1600, 1)
    assert one.read([1] * 3, 1).shape == (1, 10)
    assert asked == [1024, 2048, 1100, 2200, 1600, 1100]
    for ids, keep in (([], 1), ([1], 2)):
        with pytest.raises(MergeError, match="no token"):
            one.read(ids, keep)
