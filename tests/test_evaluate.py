"""Speakers: the session's own tensors answer, as transformers would, and what cannot answer says why."""

import json
import random
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from merger.errors import Cancelled, CheckpointError, MergeError
from merger.evaluate import Speaker, say_all, speaker, take_turns
from merger.live import Parents, Session
from merger.merge import merge
from merger.recipe import load, load_file, replace

ROOT = Path(__file__).parent.parent
RECIPE = ROOT / "presets" / "pirate_and_plurals.yaml"
PROMPT = "say hello my friend like a pirate"


@pytest.fixture
def session() -> Session:
    session = Session(Parents(roots=[ROOT]))
    session.apply(load_file(RECIPE))
    return session


def voice(session: Session) -> Speaker:
    assert session.plan
    return speaker(session.parents.model(session.plan.donor).folder, session.plan.config, session.tensors)


def text(who: Speaker, prompt: str, **options: object) -> str:
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
    heard = [text(who, PROMPT, temperature=3.0, seed=seed) for seed in (1, 1, 2)]
    assert heard[0] == heard[1] != heard[2]


def test_agreement_marks_the_tokens_a_parent_would_say_too(session: Session) -> None:
    who = voice(session)
    ids = [t.id for t in who.tokens(PROMPT, 60)]
    assert all(p > 0 for p in who.agrees(PROMPT, ids))
    assert who.agrees(PROMPT, []) == []
    other = [ids[0], (ids[1] + 1) % 200 + 3]
    assert who.agrees(PROMPT, other)[1] == 0


def test_turns_are_taken_one_token_each_and_end_when_told(session: Session) -> None:
    who = voice(session)
    said = [word.key for word in take_turns({"a": who, "b": who}, PROMPT, limit=3)]
    assert said == ["a", "b"] * 4  # three tokens and the end, for each
    assert list(take_turns({"a": who}, PROMPT, go_on=lambda: False)) == []


def test_many_prompts_at_once_are_answered_as_one_by_one(session: Session) -> None:
    """Of unlike lengths, with answers that end at unlike places, in batches of any size."""
    who = voice(session)
    who.module.float()  # rounding aside
    prompts = [PROMPT, "plural of box", "say hello", "plural of wolf", PROMPT + " and say it twice", "x"]
    alone = ["".join(t.text for t in who.tokens(prompt, 20)) for prompt in prompts]
    assert len({len(who.encode(p)) for p in prompts}) > 3 and len({len(a) for a in alone}) > 2
    for batch in (1, 4, 6, 100):
        assert say_all(who, prompts, 20, batch) == alone
    assert say_all(who, prompts, 2) == ["".join(t.text for t in who.tokens(prompt, 2)) for prompt in prompts]
    assert say_all(who, []) == []
    with pytest.raises(Cancelled, match="before all prompts were answered"):
        say_all(who, prompts, go_on=iter([True, True, False]).__next__)
    who.module.lm_head.weight.fill_(float("nan"))
    with pytest.raises(MergeError, match="computes no numbers"):
        say_all(who, prompts)


def test_broken_numbers_are_told(session: Session) -> None:
    who = voice(session)
    session.tensors["model.norm.weight"].fill_(float("nan"))
    with pytest.raises(MergeError, match="so large that the model computes no numbers any more"):
        text(who, PROMPT)


def passes(who: Speaker) -> list[tuple[int, int]]:
    """From here on: (tokens, layers computed) of each forward pass."""
    seen: list[tuple[int, int]] = []
    assert who._layers
    for layer in who._layers:
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
    layers = len(who._layers)
    last = f"layers.{layers - 1}.mlp"
    session.apply(replace(load_file(RECIPE), "models[0].parameters.weight", weights(last, 1.0)))
    seen = passes(who)
    first = [t.id for t in who.tokens(PROMPT, 60)]
    given = len(who.encode(PROMPT))
    assert seen == [(given, layers), *[(1, layers)] * len(first)]
    seen.clear()
    assert [t.id for t in who.tokens(PROMPT, 60)] == first
    assert seen == []  # nothing changed: nothing is computed
    assert [t.id for t in who.tokens(PROMPT, 5)] == first[:5] and [t.id for t in who.tokens(PROMPT, 60)] == first
    seen.clear()
    session.apply(replace(load_file(RECIPE), "models[0].parameters.weight", weights("model.norm", 1.001)))
    session.apply(replace(load_file(RECIPE), "models[0].parameters.weight", weights(last, 1.0)))
    who._last.versions = (*who._last.versions[:-1], ())  # type: ignore[union-attr] - as if the norm had changed
    assert [t.id for t in who.tokens(PROMPT, 60)] == first
    assert seen == [(given, 0), (len(first), 0)]  # prompt and answer, and only what comes after the layers
    seen.clear()
    session.apply(replace(load_file(RECIPE), "models[0].parameters.weight", weights(last, 0.99)))
    again = [t.id for t in who.tokens(PROMPT, 60)]
    assert seen[:2] == [(given, 1), (len(first), 1)]  # only the layer that changed
    assert again == [t.id for t in voice(session).tokens(PROMPT, 60)]


def test_drafts_give_the_tokens_of_plain_decoding(session: Session) -> None:
    """Wherever the sliders go, and whatever was said before."""
    who, draw = voice(session), random.Random(0)
    recipe, different, said = load_file(RECIPE), 0, []
    for step in range(25):
        place = draw.choice([*(f"layers.{i}." for i in range(len(who._layers))), "embed", "lm_head", "norm"])
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


def test_a_draft_is_not_believed_where_two_tokens_are_nearly_even(session: Session) -> None:
    who = voice(session)
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
    folder = session.parents.model(session.plan.donor).folder
    with pytest.raises(CheckpointError, match=message):
        speaker(folder, dict(session.plan.config) | change, session.tensors)


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
