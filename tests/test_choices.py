"""Questions with choices in tuning: what is to be the likeliest is learned, as judging counts it; nobody's answers are told."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import as_text
from tiny import make_family

from merger.__main__ import main
from merger.engine.session import Parents
from merger.errors import MergeError
from merger.recipe import Recipe, load, load_file
from merger.search import slopes as search
from merger.search.choices import Choice, choices, heard
from merger.search.likelihood import Example
from merger.search.questions import QuestionSet, parse_questions, read_questions
from merger.search.slopes import Mix
from merger.search.trials import Runner
from merger.search.tune import Way, of_questions, sentences, tune

HOME = "presets/family/"
WORDS = (
    "box boxes boxs", "city cities citys", "fox foxes foxs", "cat cats cates", "puppy puppies puppys", "lamp lamps lampes",
    "wolf wolves wolfs", "dog dogs doges", "wish wishes wishs", "hat hats hates",
)  # fmt: skip
LINES = "\n".join(f"plural of {one} ?> {right} | {wrong}" for one, right, wrong in map(str.split, WORDS))


def recipe(weight: float = 0.1) -> Recipe:
    models = [{"model": HOME + m, "parameters": {"weight": w}} for m, w in (("plural", weight), ("mirror", 0.6))]
    body = {"merge_method": "task_arithmetic", "base_model": HOME + "base", "models": models, "dtype": "bfloat16"}
    return load(as_text(body))


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner(Parents())


def asked(text: str) -> QuestionSet:
    return parse_questions(text, "mine.txt")


def test_its_slopes_are_those_of_the_real_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "STEP", 0.001)
    monkeypatch.setattr(search, "TOGETHER", 1)  # a question's choices need not go through the model together
    make_family(tmp_path, layers=2, width=32, ffn=48)
    models = [{"model": m, "parameters": {"weight": w}} for m, w in (("a", 0.4), ("b", 0.3))]
    mix = Mix(
        Runner(Parents(roots=[tmp_path])),
        load(as_text({"merge_method": "task_arithmetic", "base_model": "base", "models": models, "dtype": "float32"})),
    )
    some = {
        "told": [Example((4, 5), (6, 7)), Choice((4, 9), (8, 5), False, ((7,), (8, 5), (11, 4, 9)), 1)],
        "chosen": [Choice((12,), (3,), False, ((3,), (5,)), 0)],
    }
    found, by = mix.slopes(some), 0.004
    for bar in range(2):
        ends = []
        for side in (-by, by):
            offsets = mix.start.clone()
            offsets[bar] += side
            taken = mix.hear(some, offsets)
            ends.append(sum(one.loss for one in taken.values()) / 2)
        assert float(found.table[bar].sum()) == pytest.approx((ends[1] - ends[0]) / (2 * by), rel=0.03)
    assert {k: one.each for k, one in found.heard.items()} == {
        k: pytest.approx(one.each, rel=1e-4) for k, one in mix.hear(some).items()
    }


def test_losses_are_among_the_choices(runner: Runner) -> None:
    own = choices(runner.parent(HOME + "plural"), asked(LINES).questions)
    found = heard(runner.parent(HOME + "plural"), own)
    assert all(one.right(likely) for one, likely in zip(own, found, strict=True))
    shares = [one.shares(likely) for one, likely in zip(own, found, strict=True)]
    assert [-math.log(share[one.at]) for one, share in zip(own, shares, strict=True)] == pytest.approx(
        [one.loss(likely) for one, likely in zip(own, found, strict=True)]
    )
    assert not replace(own[0], at=1).right([0.5, 0.5]) and replace(own[0], at=0).right([0.5, 0.5])  # of equals the first


def test_the_bars_move_to_the_right_choices(runner: Runner) -> None:
    start = recipe()
    wanted = of_questions(runner, start, asked(f"[plurals]\n{LINES}\nplural of tree ?> treeses | trees\n"))
    assert [one.prompt for one in wanted.nobody] == ["plural of tree"]
    *_, last = tune(runner, start, wanted, seconds=1000, how=Way(15, held=math.inf))
    assert "'plural of tree': left out" in sentences(last.best, wanted)[0]
    assert last.best.better and last.best.after["plurals"].right == 1.0
    assert last.best.before["plurals"].loss > 2 * last.best.after["plurals"].loss
    with pytest.raises(MergeError, match="none of your models gives a wanted answer, for example to 'plural of tree'"):
        of_questions(runner, start, asked("plural of tree ?> treeses | trees"))


def test_every_kind_of_question_is_wanted(runner: Runner) -> None:
    kinds = (
        "plural of box => boxes\nplural of cat ~> cat\nplural of dog /> dogs?\nplural of hero ?> heroes | heros\nplural of hat\n"
    )
    found = of_questions(runner, recipe(0.6), asked(kinds))
    assert {skill: [type(one) for one in own] for skill, own in found.learn.items()} == {
        "answers": [Example, Example, Example, Choice], "plural": [Example],
    }  # fmt: skip


def test_the_command_takes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("merger.search.tune.way", lambda *_: Way(8, held=math.inf))
    file, mine, out = tmp_path / "r.yaml", tmp_path / "mine.csv", tmp_path / "better.yaml"
    rows = "".join(f"plural of {o},{r},choice,{w} | {r}\n" for o, r, w in map(str.split, WORDS))
    mine.write_text(f"prompt,answer,match,choices\n{rows}")
    file.write_text(as_text({"merge_method": "task_arithmetic", "base_model": HOME + "base", "models": [
        {"model": HOME + m, "parameters": {"weight": w}} for m, w in (("plural", 0.1), ("mirror", 0.6))
    ]}))  # fmt: skip
    assert main(["tune", str(file), "--questions", str(mine), "--seconds", "500", "-o", str(out)]) == 0
    weight = load_file(str(out)).models[0].parameters[0][1].rules[0][1]
    assert isinstance(weight, float) and weight > 0.2 and "answers" in capsys.readouterr().out
    assert main(["tune", str(file), "--questions", "presets/probes.json", "--half", "third"]) == 1
    assert "pirate has no half 'third'; it has choose, score." in capsys.readouterr().err


def test_halves_of_a_file(tmp_path: Path) -> None:
    halves = [
        {q.prompt for q in read_questions(Path("presets/probes.json"), half=half).questions} for half in ("choose", "score")
    ]
    assert halves[0] and halves[1] and not halves[0] & halves[1]
    assert {q.prompt for q in read_questions(Path("presets/probes.json")).questions} == halves[1]


def test_nothing_is_left_behind(runner: Runner) -> None:
    mix = Mix(runner, recipe(), ["weight"])
    some = {"plurals": choices(runner.merged(recipe()), asked(LINES).questions)}
    mix.slopes(some)
    assert all(p.grad is None and not p.requires_grad for p in runner.merged(recipe()).module.parameters())
    assert torch.is_grad_enabled()
