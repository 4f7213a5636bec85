"""Judging a merge: how likely it takes answers to be, what is right, how sure that is, and what a file of questions may hold."""

from pathlib import Path

import pytest
import torch

from merger.chat.batch import generate_batch
from merger.engine.session import Parents
from merger.errors import Cancelled, MergeError
from merger.recipe import Recipe, load, load_file
from merger.search import likelihood
from merger.search.likelihood import Example, answer_logprobs, examples, logprobs, passes
from merger.search.trials import Runner

ROOT = Path(__file__).parent.parent
PLURAL, PIRATE = "presets/family/plural", "presets/family/pirate"


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner(Parents(roots=[ROOT]))


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_file(ROOT / "presets" / "pirate_and_plurals.yaml")


# ---------------------------------------------------------------------------------------------- likelihood


def test_the_likelihood_of_an_answer_is_that_of_its_tokens_one_after_the_other(runner: Runner) -> None:
    """Against a pass for each token alone, with the end token, in a batch of unlike lengths."""
    who = runner.parent(PLURAL)
    prompts, answers = ["plural of box", "plural of cat", "say wow the good hat"], ["boxes", "catses", "no"]
    found = answer_logprobs(who, prompts, answers)
    for prompt, answer, got in zip(prompts, answers, found.tolist(), strict=True):
        ids, total = who.encode(prompt), 0.0
        for token in [*who.plain(" " + answer), who.tokenizer.eos_token_id]:
            with torch.inference_mode():
                total += float(who.forward.whole(ids, 1).float().log_softmax(-1)[0, token])
            ids.append(token)
        assert got == pytest.approx(total, abs=0.15)  # bfloat16
    assert found[0] > -0.5 and found[1] < -3
    assert answer_logprobs(who, prompts[:1], answers[:1], ends=False) > found[0]
    assert answer_logprobs(who, prompts[:1], [who.plain(" boxes")]) == pytest.approx(float(found[0]), abs=0.05)


def test_a_batch_is_cut_where_it_would_take_too_much_memory(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    who = runner.parent(PLURAL)
    asked = examples(who, ["plural of box", "plural of cat"], ["boxes", "cats"])
    whole = logprobs(who, asked)
    assert len(list(passes(who, asked))) == 1
    monkeypatch.setattr(likelihood, "_VALUES", 1)
    assert len(list(passes(who, asked))) == 2
    assert logprobs(who, asked).tolist() == pytest.approx(whole.tolist(), abs=0.05)
    with pytest.raises(Cancelled):
        logprobs(who, asked, go_on=lambda: False)
    with pytest.raises(MergeError, match="257 tokens long; this model reads at most 256: 'x'"):
        examples(who, ["x"], [[5] * (257 - len(who.encode("x")))])


def test_gradients_of_an_answer_reach_the_parameters(family: Path) -> None:
    """Against the difference that a step of one weight makes, in float32."""
    made = load("{merge_method: linear, models: [{model: a}, {model: b}], parameters: {weight: 0.5}}")
    who = Runner(Parents(roots=[family])).merged(made)
    weight = next(p for n, p in who.module.named_parameters() if n.endswith("layers.3.mlp.down_proj.weight"))
    asked = examples(who, ["one", "two"], ["ten", "a"])
    weight.requires_grad_(True)
    try:
        logprobs(who, asked).sum().backward()
        assert weight.grad is not None
        at = int(weight.grad.abs().argmax())
        slope = float(weight.grad.flatten()[at])
    finally:
        weight.requires_grad_(False)
        weight.grad = None
    values = []
    for step in (0.02, -0.04):
        weight.data.view(-1)[at] += step
        values.append(float(logprobs(who, asked).sum()))
    assert abs(slope) > 0.001 and (values[0] - values[1]) / 0.04 == pytest.approx(slope, rel=0.05)


def test_a_pass_hits_where_generating_says_the_same(runner: Runner) -> None:
    who = runner.parent(PLURAL)
    prompts = ["plural of box", "plural of cat", "plural of baby"]
    said = generate_batch(who, prompts)
    asked = [*examples(who, prompts, [text.strip() for text in said]), Example(tuple(who.encode("plural of cat")), (5, 6))]
    hits = torch.zeros(4)
    for one in passes(who, asked):
        hits[list(one.places)] = (one.each((~one.hits()).float()) == 0).float()
    assert hits.tolist() == [1, 1, 1, 0]
