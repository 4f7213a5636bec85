"""Merged tensors as a transformers module: renamed and fused as its loader does, in place where that can be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
import zoo
from transformers import CONFIG_MAPPING

from merger.chat import reuse
from merger.chat.batch import generate_batch
from merger.chat.bind import versions
from merger.chat.forward import Forward
from merger.chat.load import _speaks, chat_model
from merger.chat.model import ChatModel
from merger.chat.reuse import Probe
from merger.engine.batch import merge
from merger.engine.session import Parents, Session
from merger.errors import CheckpointError, MergeError
from merger.recipe import Recipe, load
from merger.tokenizer import safe

PROMPT = "plural of box"


def recipe(folder: Path, weight: str = "0.6", dtype: str = "") -> Recipe:
    text = zoo.RECIPES["ties"].replace("@", str(folder)).replace("weight: 0.6", f"weight: {weight}")
    return load(text + (f"dtype: {dtype}\n" if dtype else ""))


def voice(session: Session, folder: Path) -> ChatModel:
    assert session.plan is not None
    who = chat_model(folder / "base", session.plan.config, session.tensors)
    who.stops = frozenset()
    return who


def heard(session: Session, folder: Path) -> ChatModel:
    session.apply(recipe(folder))
    return voice(session, folder)


def ids(who: ChatModel, prompt: str = PROMPT, limit: int = 8) -> list[int]:
    return [token.id for token in who.tokens(prompt, limit)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A family of a type; each is made once."""
    folders: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in CONFIG_MAPPING:
            pytest.skip(f"this transformers has no {kind}")
        if kind not in folders:
            folders[kind] = tmp_path_factory.mktemp(kind)
            zoo.family(kind, folders[kind])
        return folders[kind]

    return make


# ---------------------------------------------------------------------------------------------- in place


def spans(who: ChatModel, name: str) -> list[tuple[int, int]]:
    """Where the tensors of a parameter lie in it, in bytes."""
    parameter = dict(who.module.named_parameters())[name]
    return sorted((t.data_ptr() - parameter.data_ptr(), t.nbytes) for t in who.bound.sources[name])


@pytest.mark.parametrize(
    ("kind", "name", "parts"),
    [
        ("mixtral", "model.layers.1.mlp.experts.gate_up_proj", 8), ("mixtral", "model.layers.1.mlp.experts.down_proj", 4),
        ("qwen3_moe", "model.layers.2.mlp.experts.gate_up_proj", 8), ("kimi_linear", "model.layers.0.self_attn.conv1d.weight", 3),
    ],
)  # fmt: skip
def test_experts_are_parts_of_the_stack_that_the_module_has(
    kind: str, name: str, parts: int, made: Callable[[str], Path]
) -> None:
    session = Session(Parents())
    who = heard(session, made(kind))
    where, end = spans(who, name), 0
    for start, size in where:  # one behind the other, without a gap
        assert start == end
        end += size
    assert len(where) == parts and end == dict(who.module.named_parameters())[name].nbytes
    assert {id(t) for t in who.bound.sources[name]} <= {id(t) for t in session.tensors.values()}
    assert not who.bound.copies


@pytest.mark.parametrize("kind", ["mixtral", "kimi_linear"])  # of the latter the names' order is not that of the stack
def test_a_move_is_written_into_the_stack(kind: str, made: Callable[[str], Path], tmp_path: Path) -> None:
    folder = made(kind)
    session = Session(Parents())
    who, generation = heard(session, folder), session.generation
    before = ids(who)
    moved = recipe(folder, "0.1")
    session.apply(moved)
    merge(moved, tmp_path / "out")
    assert session.generation == generation
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    own = who.module.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in model.state_dict().items())
    after = ids(who)
    assert after == zoo._generated(model.eval(), who.encode(PROMPT))[:8] != before


def test_two_voices_of_one_session_share_the_stack(made: Callable[[str], Path]) -> None:
    """The page builds a voice anew when a tensor changes its shape; whoever holds the old one hears the moves all the same."""
    folder = made("mixtral")
    session = Session(Parents())
    first, second = heard(session, folder), voice(session, folder)
    name = "model.layers.0.mlp.experts.gate_up_proj"
    one, other = (dict(who.module.named_parameters())[name] for who in (first, second))
    assert one.data_ptr() == other.data_ptr()
    session.apply(recipe(folder, "0.2"))
    assert ids(first) == ids(second)


def test_which_layer_changed_is_known_of_stacks_too(made: Callable[[str], Path]) -> None:
    folder = made("mixtral")
    session = Session(Parents())
    who = heard(session, folder)
    before = who._versions()
    session.apply(recipe(folder, "[{filter: 'layers.2.block_sparse_moe.experts.1.w3', value: 0.1}, {value: 0.6}]"))
    changed = [i for i, (a, b) in enumerate(zip(before, who._versions(), strict=True)) if a != b]
    assert changed == [2]
    expected = ids(voice(session, folder), limit=12)
    assert ids(who, limit=12) == expected


def test_buffers_of_the_folder_are_bound_and_watched(made: Callable[[str], Path]) -> None:
    """The router's correction is a buffer of the module, stored in the folder like a weight."""
    folder = made("deepseek_v3")
    session = Session(Parents())
    who = heard(session, folder)
    before = who._versions()
    session.tensors["model.layers.1.mlp.gate.e_score_correction_bias"].add_(1.0)
    assert [a != b for a, b in zip(before, who._versions(), strict=True)] == [False, True, False, False, False]
    found = dict(who.module.named_buffers())["model.layers.1.mlp.gate.e_score_correction_bias"]
    assert torch.equal(found, session.tensors["model.layers.1.mlp.gate.e_score_correction_bias"])


# ---------------------------------------------------------------------------------------------- copies


def test_what_is_woven_otherwise_is_copied_again_only_where_it_changed(made: Callable[[str], Path], tmp_path: Path) -> None:
    folder = made("ernie4_5_vl_moe")
    session = Session(Parents())
    who = heard(session, folder)
    assert who.bound.copies
    asked: list[int] = []
    for i, copied in enumerate(who.bound.copies):
        make = copied.make
        copied.make = lambda i=i, make=make: (asked.append(i), make())[1]
    ids(who)
    assert asked == []  # nothing was written to
    one = who.bound.copies[0]
    name = next(n for n, t in session.tensors.items() if any(t is s for s in one.sources))
    moved = recipe(folder, f"[{{filter: '{name}', value: 0.1}}, {{value: 0.6}}]")
    assert session.apply(moved) == (name,)
    said = ids(who)
    assert asked == [0]
    merge(moved, tmp_path / "out")
    model = transformers.AutoModelForImageTextToText.from_pretrained(tmp_path / "out").eval()
    own = who.module.state_dict()
    assert all(torch.equal(value, own[n]) for n, value in model.state_dict().items())
    assert said == zoo._generated(model, who.encode(PROMPT))[:8]


def test_a_parameter_that_transformers_keeps_in_32_bit_is_a_copy_in_32_bit(made: Callable[[str], Path], tmp_path: Path) -> None:
    folder = made("deepseek_v3")
    session = Session(Parents())
    plan = recipe(folder, dtype="bfloat16")
    session.apply(plan)
    who = voice(session, folder)
    merge(plan, tmp_path / "out")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto")
    kinds = {name: (value.dtype, value.shape) for name, value in model.state_dict().items()}
    assert {name: (value.dtype, value.shape) for name, value in who.module.state_dict().items()} == kinds
    assert {dtype for dtype, _ in kinds.values()} == {torch.bfloat16, torch.float32}
    with torch.no_grad():
        both = [m(input_ids=torch.tensor([[5, 6, 7]])).logits for m in (model, who.module)]
    assert both[0].dtype == torch.bfloat16 and torch.allclose(both[0], both[1], atol=0.1, rtol=0.1)
    assert len(ids(who)) == 8


def test_versions_of_tensors_made_for_inference() -> None:
    with torch.inference_mode():
        made = torch.zeros(2)
    plain = torch.zeros(2)
    plain.add_(1)
    assert versions((made, plain)) == (0, plain._version) and plain._version == 1


# ---------------------------------------------------------------------------------------------- all kinds


@pytest.mark.parametrize(
    "kind", ["gpt_neox", "gemma3", "gemma3n_text", "recurrent_gemma", "rwkv", "mamba2", "falcon_h1", "jamba", "lfm2", "llava"]
)
@pytest.mark.long
def test_kinds_that_could_not_be_heard_answer_and_follow_moves(kind: str, made: Callable[[str], Path]) -> None:
    seen = zoo.Seen(kind)
    folder = made(kind)
    cls = zoo.model_class(transformers.AutoConfig.from_pretrained(folder / "base"))
    zoo._heard(folder, cls, seen)
    assert seen.steps == {"speaks": "", "moves": ""}


def test_numbers_that_json_has_no_word_for() -> None:
    limit = {"time_step_limit": [0.0, {"__float__": "Infinity"}]}
    written = limit | {"deep": {"x": {"__float__": "-Infinity"}}, "y": {"__float__": 3}}
    read = {"time_step_limit": [0.0, float("inf")], "deep": {"x": float("-inf")}, "y": {"__float__": 3}}
    assert safe.numbers(written) == read
    assert CONFIG_MAPPING["mamba2"].from_dict(safe.numbers(limit)).time_step_limit[1] > 9


# ---------------------------------------------------------------------------------------------- going on


def test_where_the_cache_does_not_fit_it_goes_on_as_transformers_does(
    made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From what it keeps, as generate does, or over the whole text again: the same answer."""
    folder = made("llama")
    session = Session(Parents())
    who = heard(session, folder)
    assert who.probed.by == "cache"
    expected = ids(who)
    judged = who.judges(PROMPT, expected)

    def fails(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("this kind keeps something else")

    monkeypatch.setattr(reuse, "PROBED", {})
    monkeypatch.setattr(Forward, "call", fails)
    steps = voice(session, folder)
    assert steps.probed.by == "steps" and ids(steps) == expected
    assert [j.rank for j in steps.judges(PROMPT, expected)] == [j.rank for j in judged]
    monkeypatch.setattr(reuse, "PROBED", {})
    monkeypatch.setattr(Forward, "steps", fails)
    whole = voice(session, folder)
    assert whole.probed.by == "whole" and ids(whole) == expected
    assert generate_batch(whole, [PROMPT], 8) == ["".join(t.text for t in whole.tokens(PROMPT, 8))]
    monkeypatch.setattr(reuse, "PROBED", {})
    monkeypatch.setattr(Forward, "whole", fails)
    with pytest.raises(MergeError, match="transformers cannot compute this model's answer: this kind keeps something else"):
        ids(voice(session, folder))


def test_a_kind_whose_upper_layers_fail_where_the_probed_did_not_goes_on_plainly(
    made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made("llama")
    session = Session(Parents())
    who = heard(session, folder)
    expected = ids(who)
    monkeypatch.setattr(reuse, "PROBED", {})
    fresh, forward = voice(session, folder), ChatModel._forward
    assert fresh.probed == Probe(plain=True, masks=True, step=fresh.probed.step)
    monkeypatch.setattr(ChatModel, "_forward", lambda self, *a, **k: 1 / 0 if self is fresh else forward(self, *a, **k))
    assert ids(fresh) == expected and fresh.probed.by == "steps"


def test_an_answer_of_states_that_are_not_one_for_each_token_makes_no_draft(made: Callable[[str], Path]) -> None:
    who = heard(Session(Parents()), made("gemma3n_text"))  # its layers hand on several states for each token
    assert not who.probed.plain and ids(who) == ids(who)
    with torch.inference_mode():
        assert not reuse._stands_alone(who.forward, who.encode(PROMPT))
        plain = heard(Session(Parents()), made("llama"))
        assert reuse._stands_alone(plain.forward, plain.encode(PROMPT))


def test_of_what_cannot_be_built_the_text_part_answers(
    made: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What sees may need a package that is not here (gemma3n: timm)."""
    folder = made("gemma3n_text")
    session = Session(Parents())
    expected = ids(heard(session, folder))
    config = json.loads((folder / "base/config.json").read_text())
    whole = {"model_type": "gemma3n", "architectures": ["Gemma3nForConditionalGeneration"], "text_config": config}
    named = {n.replace("model.", "model.language_model.", 1): t for n, t in session.tensors.items()}
    named |= {"model.vision_tower.timm_model.conv_stem.conv.weight": torch.zeros(2, 2)}

    def fails(*args: Any, **kwargs: Any) -> Any:
        raise ImportError("TimmWrapperModel requires the timm library")

    monkeypatch.setattr(transformers.AutoModelForImageTextToText, "from_config", fails)
    monkeypatch.setattr(transformers.models.gemma3n.modeling_gemma3n.Gemma3nForConditionalGeneration, "__init__", fails)
    who = chat_model(folder / "base", whole, named)
    who.stops = frozenset()
    assert type(who.module).__name__ == "Gemma3nForCausalLM" and ids(who) == expected


# ---------------------------------------------------------------------------------------------- what cannot


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("blip", "BlipForConditionalGeneration needs `pixel_values` beside a text, so it cannot answer here"),
        ("florence2", "Florence2ForConditionalGeneration has an encoder and a decoder; only models that go on with a text"),
    ],
)
def test_what_cannot_speak_says_why(kind: str, says: str, made: Callable[[str], Path]) -> None:
    with pytest.raises(CheckpointError, match=says):
        heard(Session(Parents()), made(kind))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"intermediate_size": 40}, r"down_proj.weight is \(32, 48\), by config.json \(32, 40\)"),
        ({"num_hidden_layers": 3}, "for example model.layers.3"),
        ({"num_hidden_layers": 5}, "for example model.layers.4"),
        ({"model_type": "clip"}, "transformers has no model of type 'clip' that goes on with a text"),
        ({"vision_config": {"hidden_size": 1 << 30}}, "its config.json says `hidden_size` is 1073741824; its tensors hold less"),
    ],
)
def test_tensors_that_do_not_fit_are_named(change: dict[str, Any], says: str, made: Callable[[str], Path]) -> None:
    folder = made("llama")
    session = Session(Parents())
    session.apply(recipe(folder))
    assert session.plan is not None
    with pytest.raises(CheckpointError, match=says):
        chat_model(folder / "base", dict(session.plan.config) | change, session.tensors)


@pytest.mark.parametrize(
    ("name", "settings", "passes"),
    [
        ("score.weight", {}, True), ("model.vision_tower.blocks.0.norm.weight", {}, True), ("mtp.layers.0.w", {}, True),
        ("model.layers.0.self_attn.rotary_emb.inv_freq", {}, True), ("model.layers.4.mlp.up_proj.weight", {}, False),
        ("model.layers.4.mlp.up_proj.weight", {"num_nextn_predict_layers": 1}, True), ("model.layers.0.extra.weight", {}, False),
        ("model.layers.5.mlp.up_proj.weight", {"num_nextn_predict_layers": 1}, False),
    ],
)  # fmt: skip
def test_tensors_that_an_answer_does_without(
    name: str, settings: dict[str, Any], passes: bool, made: Callable[[str], Path]
) -> None:
    folder = made("llama")
    session = Session(Parents())
    session.apply(recipe(folder))
    assert session.plan is not None
    tensors, config = session.tensors | {name: torch.zeros(2)}, dict(session.plan.config) | settings
    if passes:
        assert chat_model(folder / "base", config, tensors)
    else:
        with pytest.raises(CheckpointError, match=f"for example {name}; it cannot answer here"):
            chat_model(folder / "base", config, tensors)


def test_experts_of_unlike_shapes_are_refused_in_words(made: Callable[[str], Path]) -> None:
    folder = made("mixtral")
    session = Session(Parents())
    session.apply(recipe(folder))
    assert session.plan is not None
    tensors = dict(session.tensors)
    name = "model.layers.0.block_sparse_moe.experts.2.w1.weight"
    tensors[name] = tensors[name][:5]
    with pytest.raises(CheckpointError, match=r"transformers cannot put \S+\.experts\.0\.w1\.weight and its like together"):
        chat_model(folder / "base", session.plan.config, tensors)


def test_the_config_of_a_folder_decides_which_class_speaks(made: Callable[[str], Path]) -> None:
    """A model that sees answers with the whole of it; where that computes nothing from a text, its text part does."""
    who = heard(Session(Parents()), made("gemma3"))
    assert type(who.module).__name__ == "Gemma3ForConditionalGeneration"
    config = json.loads((made("llama4") / "base/config.json").read_text())
    kinds = [k.__name__ for k in _speaks(CONFIG_MAPPING["llama4"].from_dict(config), config)]
    assert kinds == ["AutoModelForImageTextToText", "AutoModelForCausalLM"]
    assert "Llama4" in type(heard(Session(Parents()), made("llama4")).module).__name__
