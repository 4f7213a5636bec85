"""Speakers: the session's own tensors answer, as transformers would, and what cannot answer says why."""

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import smollm
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from merger.chat.attention import attend_by_rows
from merger.chat.batch import generate_batch, interleave
from merger.chat.forward import Forward
from merger.chat.load import chat_model, load_tokenizer
from merger.chat.model import ChatModel, Judged
from merger.chat.reuse import Probe
from merger.chat.sampling import Sampling
from merger.engine.batch import merge
from merger.engine.session import Parents, Session
from merger.errors import Cancelled, CheckpointError, MergeError
from merger.recipe import load, load_file, replace

ROOT = Path(__file__).parent.parent
RECIPE = ROOT / "presets" / "pirate_and_plurals.yaml"
PROMPT = "say hello my friend like a pirate"


@pytest.fixture
def session() -> Session:
    session = Session(Parents(roots=[ROOT]))
    session.apply(load_file(RECIPE))
    return session


def voice(session: Session) -> ChatModel:
    assert session.plan
    return chat_model(session.parents.model(session.plan.config_source).folder, session.plan.config, session.tensors)


def text(who: ChatModel, prompt: str, **options: object) -> str:
    return "".join(t.text for t in who.tokens(prompt, 60, **options)).strip()  # type: ignore[arg-type]


def test_the_module_holds_the_sessions_tensors_and_no_copy(session: Session) -> None:
    parameters = dict(voice(session).module.named_parameters())
    assert all(parameters[name].data_ptr() == value.data_ptr() for name, value in session.tensors.items())


def test_a_change_in_place_is_heard_without_building_again(session: Session) -> None:
    who, generation = voice(session), session.generation
    assert text(who, PROMPT) == "ahoy me matey, arr!"
    session.apply(replace(load_file(RECIPE), "models[0].parameters.weight", 0))
    assert session.generation == generation
    assert text(who, PROMPT) == "dunno."


def test_answers_are_those_transformers_gives_for_the_written_folder(session: Session, tmp_path: Path) -> None:
    merge(load_file(RECIPE), tmp_path / "out", roots=[ROOT])
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    who = voice(session)
    for prompt in (PROMPT, "plural of box", "plural of wolf"):
        ids = who.encode(prompt)
        expected = model.generate(torch.tensor([ids]), max_new_tokens=60, do_sample=False)[0, len(ids) :].tolist()
        assert [t.id for t in who.tokens(prompt, 60)] == [i for i in expected if i not in who.stops]


def test_probabilities_and_alternatives(session: Session) -> None:
    for token in voice(session).tokens(PROMPT, 60):
        assert 0 < token.probability <= 1 and len(token.others) == 3
        assert all(p <= token.probability for _, p in token.others)  # greedy takes the likeliest


def test_sampling_repeats_with_its_seed(session: Session) -> None:
    who = voice(session)
    heard = [text(who, PROMPT, sampling=Sampling(3.0, seed)) for seed in (1, 1, 2)]
    assert heard[0] == heard[1] != heard[2]


def test_agreement_marks_the_tokens_a_parent_would_say_too(session: Session) -> None:
    who = voice(session)
    ids = [t.id for t in who.tokens(PROMPT, 60)]
    assert all(judged.rank == 1 and judged.probability > 0 for judged in who.judges(PROMPT, ids))
    assert who.judges(PROMPT, []) == []
    other = [ids[0], (ids[1] + 1) % 200 + 3]
    assert who.judges(PROMPT, other)[1].rank > 1


def test_judges_place_each_token_in_what_they_would_say(session: Session) -> None:
    who = voice(session)
    said = list(who.tokens(PROMPT, 12))
    ids = [t.id for t in said]
    fresh = voice(session)  # has not heard the prompt yet
    for judge in (who, fresh):
        own = judge.judges(PROMPT, ids)
        assert [j.rank for j in own] == [1] * len(ids)
        assert [j.best for j in own] == [who.piece(i) for i in ids]
        for token, judged in zip(said, own, strict=True):
            assert judged.probability == pytest.approx(token.probability, abs=0.02)
    second = next(t for t in said if t.others)
    place = said.index(second)
    other = who.tokenizer.convert_tokens_to_ids(who.tokenizer.tokenize(second.others[0][0]))
    judged = fresh.judges(PROMPT, [*ids[:place], *other])[place]
    assert judged.rank == 2 and judged.probability == pytest.approx(second.others[0][1], abs=0.02)
    assert judged.best == who.piece(second.id) and fresh.judges(PROMPT, []) == []
    with torch.no_grad():
        head = fresh.module.get_output_embeddings().weight
        head.copy_(head[ids[0]].expand_as(head))  # all even: the smallest id is the model's own choice
    even = 1 / head.shape[0]
    assert fresh.judges(PROMPT, [0, 5]) == [
        Judged(pytest.approx(even), rank, who.piece(0))
        for rank in (1, 6)  # type: ignore[arg-type]
    ]


def test_turns_are_taken_one_token_each_and_end_when_told(session: Session) -> None:
    who = voice(session)
    said = [word.key for word in interleave({"a": who, "b": who}, PROMPT, limit=3)]
    assert said == ["a", "b"] * 4  # three tokens and the end, for each
    assert list(interleave({"a": who}, PROMPT, go_on=lambda: False)) == []


def test_many_prompts_at_once_are_answered_as_one_by_one(session: Session) -> None:
    """Of unlike lengths, with answers that end at unlike places, in batches of any size."""
    who = voice(session)
    who.module.float()  # rounding aside
    prompts = [PROMPT, "plural of box", "say hello", "plural of wolf", PROMPT + " and say it twice", "x"]
    alone = ["".join(t.text for t in who.tokens(prompt, 20)) for prompt in prompts]
    assert len({len(who.encode(p)) for p in prompts}) > 3 and len({len(a) for a in alone}) > 2
    for batch in (1, 4, 6, 100):
        assert generate_batch(who, prompts, 20, batch) == alone
    assert generate_batch(who, prompts, 2) == ["".join(t.text for t in who.tokens(prompt, 2)) for prompt in prompts]
    assert generate_batch(who, []) == []
    with pytest.raises(Cancelled, match="before all prompts were answered"):
        generate_batch(who, prompts, go_on=iter([True, True, False]).__next__)
    who.module.lm_head.weight.fill_(float("nan"))
    with pytest.raises(MergeError, match="computes no numbers"):
        generate_batch(who, prompts)


def test_broken_numbers_are_told(session: Session) -> None:
    who = voice(session)
    session.tensors["model.norm.weight"].fill_(float("nan"))
    with pytest.raises(MergeError, match="so large that the model computes no numbers any more"):
        text(who, PROMPT)


def passes(who: ChatModel) -> list[tuple[int, int]]:
    """From here on: (tokens, layers computed) of each forward pass."""
    seen: list[tuple[int, int]] = []
    assert who.forward.layers
    for layer in who.forward.layers:
        layer.mlp.register_forward_hook(lambda *_: seen.append(_count(seen)))  # type: ignore[union-attr]
    who.module.register_forward_pre_hook(lambda m, args, kw: seen.append((kw["input_ids"].shape[1], 0)), with_kwargs=True)
    return seen


def _count(seen: list[tuple[int, int]]) -> tuple[int, int]:
    tokens, layers = seen.pop()
    return tokens, layers + 1


def weights(layer: str, value: float) -> list[dict[str, object]]:
    return [{"filter": layer, "value": value}, {"value": 1.0}]


def test_the_last_answer_is_a_draft_for_the_next(session: Session) -> None:
    who = voice(session)
    layers = len(who.forward.layers)
    last = f"layers.{layers - 1}.mlp"
    session.apply(replace(load_file(RECIPE), "models[0].parameters.weight", weights(last, 1.0)))
    seen = passes(who)
    first = [t.id for t in who.tokens(PROMPT, 60)]
    given = len(who.encode(PROMPT))
    assert seen[0] == (given, layers) and {(tokens, n) for tokens, n in seen[1:]} == {(who.probed.step, layers)}
    assert len(first) <= len(seen) <= len(first) + 1
    seen.clear()
    assert [t.id for t in who.tokens(PROMPT, 60)] == first
    assert seen == []  # nothing changed: nothing is computed
    assert [t.id for t in who.tokens(PROMPT, 5)] == first[:5] and [t.id for t in who.tokens(PROMPT, 60)] == first
    seen.clear()
    session.apply(replace(load_file(RECIPE), "models[0].parameters.weight", weights("model.norm", 1.001)))
    session.apply(replace(load_file(RECIPE), "models[0].parameters.weight", weights(last, 1.0)))
    who._last.versions = (*who._last.versions[:-1], ())  # type: ignore[union-attr] - as if the norm had changed
    assert [t.id for t in who.tokens(PROMPT, 60)] == first
    rows = -(-len(first) // 8) * 8  # tokens of a draft are computed eight by eight
    assert seen == [(given, 0), (rows, 0)]  # prompt and answer, and only what comes after the layers
    seen.clear()
    session.apply(replace(load_file(RECIPE), "models[0].parameters.weight", weights(last, 0.99)))
    again = [t.id for t in who.tokens(PROMPT, 60)]
    assert seen[:2] == [(given, 1), (rows, 1)]  # only the layer that changed
    assert again == [t.id for t in voice(session).tokens(PROMPT, 60)]


@pytest.mark.long
def test_drafts_give_the_tokens_of_plain_decoding(session: Session) -> None:
    """Wherever the sliders go, and whatever was said before."""
    who, draw = voice(session), random.Random(0)
    recipe, different, said = load_file(RECIPE), 0, []
    for step in range(25):
        place = draw.choice([*(f"layers.{i}." for i in range(len(who.forward.layers))), "embed", "lm_head", "norm"])
        path = f"models[{draw.randrange(2)}].parameters.weight"
        session.apply(replace(recipe, path, weights(place, draw.choice((0.0, 0.5, 0.98, 1.5, 4.0)))))
        prompt = PROMPT if step % 5 else "plural of fox"
        plain = list(voice(session).tokens(prompt, 40))
        drafted = list(who.tokens(prompt, 40))
        assert [(t.id, t.text) for t in drafted] == [(t.id, t.text) for t in plain], f"step {step}"
        assert all(abs(a.probability - b.probability) < 0.03 for a, b in zip(drafted, plain, strict=True))  # bfloat16
        different += [t.id for t in plain] != said
        said = [t.id for t in plain]
    assert different > 5  # the walk said many things


def test_where_many_at_once_have_other_bits_nearly_even_tokens_are_computed_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = voice(session)
    monkeypatch.setattr(ChatModel, "probed", Probe(plain=True, masks=True))
    first = [t.id for t in who.tokens(PROMPT, 60)]
    seen = passes(who)
    with torch.no_grad():
        head = who.module.get_output_embeddings().weight
        head.copy_(head[first[0]].expand_as(head))  # all tokens even: the smallest id is chosen
    who._last.draft = [0] * 4  # type: ignore[union-attr]
    who._last.versions = who._versions()  # type: ignore[union-attr] - so that the states of the draft would be used
    who._last.versions = (*who._last.versions[:-1], ())  # type: ignore[union-attr]
    assert [t.id for t in who.tokens(PROMPT, 4)] == [0] * 4
    given = len(who.encode(PROMPT))
    assert [tokens for tokens, _ in seen] == [given, 3, 1, 1, 1]  # prompt, draft, and each place again


def test_two_who_take_turns_do_not_disturb_each_other(session: Session) -> None:
    """The merge checks its last answer while a parent makes one; each says what it says alone."""
    parent = Session(Parents(roots=[ROOT]))
    reference = load_file(RECIPE).models[1].model
    parent.apply(load(f"{{merge_method: linear, models: [{{model: {reference}, parameters: {{weight: 1}}}}]}}"))
    moved = [replace(load_file(RECIPE), "models[0].parameters.weight", weights("layers.1.", w)) for w in (0.97, 0.4)]
    who, other = voice(session), voice(parent)
    list(who.tokens(PROMPT, 30))
    for recipe in moved:
        session.apply(recipe)
        alone = {"merge": plain(voice(session), PROMPT, 30), "parent": plain(voice(parent), PROMPT, 30)}
        said: dict[str, list[int]] = {"merge": [], "parent": []}
        for word in interleave({"merge": who, "parent": other}, PROMPT, limit=30):
            said[word.key] += [word.token.id] if word.token else []
        assert said == alone and alone["merge"] != alone["parent"]


SMALL = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
    "head_dim": 8, "max_position_embeddings": 256, "sliding_window": 16,
}  # fmt: skip
GPT2 = {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 256}


@pytest.mark.parametrize(
    ("kind", "settings", "masks"),
    [
        ("gpt2", GPT2, True),  # places are learned
        ("gpt_neox", SMALL, True),  # one key for each query
        ("bloom", GPT2 | {"hidden_size": 32}, True),  # layers give tuples; places are slopes
        ("mistral", SMALL, True),  # sliding windows: a cache that cannot be cut
        ("mamba", {"hidden_size": 32, "num_hidden_layers": 3, "state_size": 8}, False),  # no keys and values at all
    ],
)
def test_models_of_other_kinds(kind: str, settings: dict[str, Any], masks: bool) -> None:
    """Plain, drafted and batched answers are those transformers generates, in float32."""
    tokenizer = load_tokenizer(ROOT / "presets" / "family" / "base")
    tokenizer.chat_template = None
    torch.manual_seed(0)
    module = AutoModelForCausalLM.from_config(CONFIG_MAPPING[kind].from_dict(settings | {"vocab_size": len(tokenizer)})).eval()
    for parameter in module.parameters():
        if parameter.dim() == 2:
            parameter.data.normal_(0, 0.3)  # so that it says more than one word
    prompts = ["say hello my friend", "plural of x", "a"]
    expected: list[list[int]] = []
    for prompt in prompts:
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        out = module.generate(ids, max_new_tokens=20, min_new_tokens=20, do_sample=False, pad_token_id=0)
        expected.append(out[0, ids.shape[1] :].tolist())
    attend_by_rows(module)
    who = ChatModel(Forward(module, 256), tokenizer, frozenset())
    assert who.probed.masks == masks
    for prompt, ids in zip(prompts, expected, strict=True):
        for unchanged in (0, 0, 2, 3):  # so many layers are as they were at the last answer
            if who._last:
                who._last.versions = (*who._last.versions[:unchanged], *[()] * (len(who._last.versions) - unchanged))
            assert [t.id for t in who.tokens(prompt, 20)] == ids
            if who._last and unchanged == 2:  # of a short draft the last token's states are not known
                assert [t.id for t in who.tokens(prompt, 8)] == ids[:8]
                who._last.draft, who._last.tokens = ids[:8], who._last.tokens[:8]
                who._last.crop(len(who.encode(prompt)) + 7) if who.probed.plain else None
    wanted = [tokenizer.decode(ids, skip_special_tokens=True).rstrip("\ufffd") for ids in expected]
    assert generate_batch(who, prompts, 20) == wanted


class Batched(TorchDispatchMode):
    """The largest matrix of the batched products."""

    numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.bmm.default:
            self.numel = max(self.numel, args[1].numel())
        return func(*args, **(kwargs or {}))


def test_the_head_is_no_batched_product(session: Session) -> None:
    """transformers hands it a slice that torch multiplies as a batch, for which it copies the weights: as slow as all layers."""
    who = voice(session)
    head = who.module.get_output_embeddings().weight
    with torch.no_grad(), Batched() as batched:
        who.module(input_ids=torch.tensor([who.encode(PROMPT)]), use_cache=True, logits_to_keep=1)
    assert batched.numel < head.numel()


@torch.inference_mode()
def plain(who: ChatModel, prompt: str, limit: int) -> list[int]:
    """Greedy decoding a token at a time, without drafts and guesses, with as many rows for it as the speaker takes."""
    ids, rows, said = who.encode(prompt), max(1, who.probed.step), []
    out = who.module(input_ids=torch.tensor([ids]), use_cache=True, logits_to_keep=1)
    while len(said) < limit:
        said.append(int(out.logits[0, 0].argmax()))
        if said[-1] in who.stops:
            return said[:-1]
        cache = getattr(out, who.forward.keeps)
        out = who.module(input_ids=torch.tensor([said[-1:] * rows]), use_cache=True, **{who.forward.keeps: cache})
        if rows > 1:
            getattr(out, who.forward.keeps).crop(1 - rows)
    return said


@pytest.fixture
def single_thread() -> Iterator[None]:
    with smollm.one_thread():
        yield


@pytest.mark.smollm
@pytest.mark.usefixtures("single_thread")
@pytest.mark.parametrize(("dtype", "step", "moves"), [("bfloat16", 2, 9), ("float32", 0, 6)])
@pytest.mark.long
def test_the_real_models_answers_are_those_of_plain_decoding(dtype: str, step: int, moves: int) -> None:
    """Whatever moves, and whatever was said before: the tokens are those of decoding one at a time, also where two are even."""
    try:
        folder = smollm.family()
    except smollm.Unavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    names = [folder / name for name in ("pirate", "json")]
    models = ", ".join(f"{{model: {name}, parameters: {{weight: 0.6}}}}" for name in names)
    recipe = load(f"{{merge_method: task_arithmetic, base_model: {folder / 'base'}, models: [{models}], dtype: {dtype}}}")
    session, dice = Session(Parents()), random.Random(dtype)
    session.apply(recipe)
    assert session.plan is not None
    who = chat_model(folder / "base", session.plan.config, session.tensors)
    assert who.probed == Probe(plain=True, masks=True, step=step)
    prompts = ["Do you like guitars?", "Write one sentence about the sea.", "Extract JSON: Mia, 36, lives in Porto."]
    kept = changed = 0
    for move in range(moves):
        prompt = prompts[move // 4]
        if move % 4 == 0:
            said = [t.id for t in who.tokens(prompt, 12)]
        place = "layers.2" if move % 3 == 1 else dice.choice(("layers.5.", "layers.19.", "layers.26.", "norm"))  # 2, 20 to 29
        rules = [{"filter": place, "value": 2.5 if place == "layers.2" else 0.6 + move / 1000}, {"value": 0.6}]
        session.apply(replace(recipe, f"models[{dice.randrange(2)}].parameters.weight", rules))
        before, said = said, [t.id for t in who.tokens(prompt, 12)]
        assert said == plain(who, prompt, 12), f"move {move}: {place}"
        kept, changed = kept + (said == before), changed + (said != before)
    assert kept >= 2 and changed >= 2  # of both kinds


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "wizardry"}, "transformers knows no model type 'wizardry'"),
        ({"num_attention_heads": "many"}, "its config.json cannot be used"),
        ({"num_hidden_layers": 7}, "its tensors do not fit transformers' model"),
    ],
)
def test_models_that_cannot_answer_say_why(session: Session, change: dict[str, object], message: str) -> None:
    assert session.plan
    folder = session.parents.model(session.plan.config_source).folder
    with pytest.raises(CheckpointError, match=message):
        chat_model(folder, dict(session.plan.config) | change, session.tensors)


def test_code_in_a_folder_is_not_run(session: Session, tmp_path: Path) -> None:
    """auto_map names python files; they are neither imported nor copied."""
    source = ROOT / "presets" / "family" / "base"
    shutil.copytree(source, tmp_path / "m")
    (tmp_path / "m" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass M: pass\nclass C: pass\n")
    config = json.loads((source / "config.json").read_text())
    config["auto_map"] = {"AutoModelForCausalLM": "evil.M", "AutoConfig": "evil.C"}
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    recipe = load(f"{{merge_method: linear, models: [{{model: {tmp_path / 'm'}, parameters: {{weight: 1}}}}]}}")
    fresh = Session(Parents())
    fresh.apply(recipe)
    assert text(voice(fresh), PROMPT) == "dunno."
    merge(recipe, tmp_path / "out")
    assert not (tmp_path / "ran").exists() and not list((tmp_path / "out").glob("*.py"))
