"""Tune: the bars move to what the parents say; what was kept back decides; locked bars stay; bad input gets one sentence."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import as_text
from torch import Tensor

from merger.__main__ import main
from merger.engine.session import Parents
from merger.errors import MergeError, RecipeError
from merger.recipe import Recipe, dump, load, load_file
from merger.search.questions import parse_questions
from merger.search.slopes import Heard, Mix
from merger.search.trials import Runner
from merger.search.tune import (
    Found,
    Goals,
    Step,
    Way,
    family_prompts,
    given_out,
    goals,
    locked,
    movable,
    of_parents,
    of_questions,
    read_prompts,
    sentences,
    tune,
    way,
)

HOME = "presets/family/"
WORDS = ("box", "city", "knife", "tiger", "lamp", "hat", "wish", "hero", "puppy", "wolf")


def recipe(weights: dict[str, float], method: str = "task_arithmetic", **top: object) -> Recipe:
    models = [{"model": HOME + m, "parameters": {"weight": w}} for m, w in weights.items()]
    return load(as_text({"merge_method": method, "base_model": HOME + "base", "models": models, "dtype": "bfloat16", **top}))


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner(Parents())


@pytest.fixture(scope="module")
def start() -> Recipe:
    """Too little of the one that reads backwards."""
    return recipe({"plural": 0.7, "mirror": 0.3})


@pytest.fixture(scope="module")
def wanted(runner: Runner, start: Recipe) -> Goals:
    prompts = {HOME + "plural": [f"plural of {w}" for w in WORDS], HOME + "mirror": [f"{w} backwards" for w in WORDS]}
    return of_parents(runner, start, prompts)


def test_every_fifth_prompt_is_kept_back(wanted: Goals) -> None:
    assert {skill: (len(own), len(wanted.keep[skill])) for skill, own in wanted.learn.items()} == {
        "plural": (8, 2), "mirror": (8, 2),
    }  # fmt: skip
    assert wanted.kept_back and not set(wanted.learn["mirror"]) & set(wanted.keep["mirror"])
    few = goals({"one": wanted.learn["plural"][:4]})
    assert not few.kept_back and few.keep["one"] == few.learn["one"]


def test_tuning_brings_a_skill_back(runner: Runner, start: Recipe, wanted: Goals) -> None:
    steps = list(tune(runner, start, wanted, seconds=1000, how=Way(15, held=math.inf)))
    assert [step.number for step in steps] == [*range(1, 16), 15] and set(steps[0].heard) == {"plural", "mirror"}
    found = steps[-1].best
    assert found.better and not sentences(found, wanted)
    assert found.after["mirror"].loss < 0.7 * found.before["mirror"].loss
    mix = Mix(runner, found.recipe, ["weight"])
    again = mix.hear(wanted.keep)
    assert {k: h.loss for k, h in again.items()} == pytest.approx({k: h.loss for k, h in found.after.items()}, rel=0.1, abs=0.02)
    assert mix.bars[1].number(0) > 0.45 and load(dump(found.recipe)) == found.recipe  # plain YAML, one number each
    assert "[" not in dump(found.recipe).partition("models:\n")[2].partition("weight")[2].split("\n")[0]


def test_stop_keeps_the_best(runner: Runner, start: Recipe, wanted: Goals) -> None:
    stopped: list[int] = []
    steps: list[Step] = []
    for step in tune(runner, start, wanted, seconds=1000, go_on=lambda: not stopped):
        steps.append(step)
        if step.number == 7:
            stopped.append(1)
    assert [step.number for step in steps] == [*range(1, 8), 7] and steps[-1].best == steps[4].best
    assert not list(tune(runner, start, wanted, go_on=lambda: False))
    now = iter(range(0, 10_000, 3))
    assert len(list(tune(runner, start, wanted, seconds=10, clock=lambda: float(next(now))))) == 3


def test_where_there_is_time_for_few_steps_they_are_longer(runner: Runner, start: Recipe, wanted: Goals) -> None:
    def after_five(seconds: float, stop: int) -> float:
        now, steps = iter(range(10_000)), list[Step]()
        given = {"how": Way(40, held=math.inf, pull=0.0), "clock": lambda: float(next(now))}
        for step in tune(runner, start, wanted, seconds=seconds, go_on=lambda: len(steps) < stop, **given):
            steps.append(step)
        assert steps[-1].number == 5
        weight = steps[4].best.recipe.models[1].parameters[0][1].rules[0][1]
        assert isinstance(weight, float)
        return weight - 0.3

    assert 0.0 < 1.3 * after_five(1000.0, 5) < after_five(11.0, 99)


def test_locked_bars_stay_and_layers_bend(runner: Runner, start: Recipe, wanted: Goals) -> None:
    steps = tune(runner, start, wanted, locks=["models[0]", "models[1],layers=0-2"], how=Way(15, rate=0.12, held=0.0, pull=0.0))
    *_, last = steps
    models = last.best.recipe.models
    assert models[0] == start.models[0]
    curve = Mix(runner, last.best.recipe, ["weight"]).bars[1]
    numbers = [curve.number(layer) for layer in range(6)]
    assert numbers[:3] == [0.3] * 3 and len(set(numbers[3:])) == 3 and min(numbers[3:]) > 0.3


def test_what_a_lock_names(runner: Runner, start: Recipe) -> None:
    bars = Mix(runner, start, ["weight"]).bars
    found = locked(bars, 6, ["models[1],layers=4-5", "layers=0"])
    assert found.int().tolist() == [[1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 1, 1]]
    assert locked(bars, 6, ["models[0].parameters.weight"])[0].all()
    for lock, words in (("models[2]", "is no bar of this recipe; write models[0]"), ("layers=4-6", "the layers are 0 to 5")):
        with pytest.raises(MergeError, match="--lock") as refused:
            locked(bars, 6, [lock])
        assert words in str(refused.value)


def test_how_depends_on_how_much_can_be_told(wanted: Goals, runner: Runner, start: Recipe) -> None:
    mix = Mix(runner, start, ["weight"])
    assert way(mix, wanted).held == math.inf and way(mix, wanted).pull
    one = wanted.learn["plural"][0]
    many = Mix(runner, recipe(dict.fromkeys(("pirate", "plural", "spell", "count", "story"), 0.3)), ["weight"])
    assert way(many, goals({"a": (one,) * 40})) == Way(100, pull=0.0, held=0.3, sharp=1.0)
    assert way(many, goals({"a": (one,) * 20})) == Way()


def test_only_what_is_better_is_offered(runner: Runner, start: Recipe, wanted: Goals, monkeypatch: pytest.MonkeyPatch) -> None:
    low, high = {"a": Heard(2.0, 0.5)}, {"a": Heard(1.0, 0.5)}
    assert Found(start, low, high).better and not Found(start, high, low).better and not Found(start, low, low).better
    assert not Found(start, low, {"a": Heard(1.0, 0.4)}).better  # likelier, but fewer right
    none = Found(start, {"a": Heard(9.0, 0.0)}, {"a": Heard(8.0, 0.0)})
    told = sentences(none, Goals({"a": ()}, {"a": wanted.keep["plural"]}))
    assert any("no setting of these bars brings back what a says" in sentence for sentence in told)
    # whatever the steps do: what is worse on what was kept back never becomes the best
    hear = Mix.hear

    def worse(self: Mix, examples: object, offsets: Tensor | None = None, **more: Callable[[], bool]) -> dict[str, Heard]:
        far = 0.0 if offsets is None else float(offsets.abs().sum())
        return {skill: replace(heard, loss=heard.loss + far) for skill, heard in hear(self, wanted.keep, None, **more).items()}

    monkeypatch.setattr(Mix, "hear", worse)
    *_, last = tune(runner, start, wanted, how=Way(6))
    assert not last.best.better and last.best.recipe == start
    assert sentences(last.best, wanted)[-1].startswith("no setting of these bars helps")


def test_the_worst_skill_comes_first(runner: Runner, start: Recipe, wanted: Goals, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, float]] = []
    real = Mix.slopes

    def slopes(self: Mix, *given: object, shares: dict[str, float], **more: object) -> object:
        asked.append(shares)
        return real(self, *given, shares=shares, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Mix, "slopes", slopes)
    list(tune(runner, start, wanted, how=Way(3, sharp=1.0)))
    assert asked[0] == {"plural": 0.5, "mirror": 0.5} and asked[2]["mirror"] > 0.7


def test_other_methods_have_other_bars(runner: Runner, wanted: Goals) -> None:
    arc = load(as_text({"merge_method": "slerp", "base_model": HOME + "plural", "models": [{"model": HOME + "mirror"}],
                        "parameters": {"t": 0.05}, "dtype": "bfloat16"}))  # fmt: skip
    assert movable(arc) == ("t",)
    *_, last = tune(runner, arc, wanted, how=Way(8, rate=0.1, held=math.inf))
    number = Mix(runner, last.best.recipe, ["t"]).bars[0].number(0)
    assert last.best.better and 0.2 < number <= 1
    with pytest.raises(RecipeError, match="'model_stock' has no bars"):
        movable(recipe({"plural": 1.0, "mirror": 1.0}, "model_stock"))
    with pytest.raises(RecipeError, match=r"wieght: .* it has weight, lambda\.  Did you mean 'weight'"):
        movable(recipe({"plural": 1.0}), ["wieght"])
    with pytest.raises(MergeError, match="every bar is locked"):
        list(tune(runner, arc, wanted, locks=["layers=0-5"]))


def test_prompts_are_given_to_whom_they_matter(runner: Runner, start: Recipe, tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("# mine\nplural of fox\ntiger backwards\nwho are you\n[mirror]\nlamp backwards\n")
    prompts = read_prompts(file, start)
    assert prompts == {None: ("plural of fox", "tiger backwards", "who are you"), HOME + "mirror": ("lamp backwards",)}
    assert given_out(runner, start, prompts[None]) == {HOME + "plural": ["plural of fox"], HOME + "mirror": ["tiger backwards"]}
    found = of_parents(runner, start, prompts)
    assert {skill: len(own) for skill, own in found.learn.items()} == {"plural": 1, "mirror": 2}


def test_prompts_that_cannot_be_read(start: Recipe, tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    cases = (("[miror]\nx\n", "line 1: [miror] is none of the recipe's models"), ("", "holds no prompts"),
             ("x\n" * 2001, "holds 2001 prompts; at most 2000"))  # fmt: skip
    for text, words in cases:
        file.write_text(text)
        with pytest.raises(MergeError) as refused:
            read_prompts(file, start)
        assert words in str(refused.value)
    with pytest.raises(MergeError, match="cannot be read as prompts"):
        read_prompts(tmp_path / "none.txt", start)
    other = load("{merge_method: linear, models: [{model: someone/else, parameters: {weight: 1}}]}")
    with pytest.raises(MergeError, match="someone/else: no prompts are known for this model"):
        family_prompts(other)
    assert len(family_prompts(start)[HOME + "plural"]) == 60


def test_wanted_answers_that_nobody_gives_are_left_out(runner: Runner, start: Recipe) -> None:
    asked = parse_questions("[mine]\nplural of box => boxes\nplural of fox => foxen\ntiger backwards => regit\n", "mine.txt")
    found = of_questions(runner, start, asked)
    assert [probe.answer for probe in found.nobody] == ["foxen"] and len(found.learn["mine"]) == 2
    told = sentences(Found(start, {"mine": Heard(2, 1)}, {"mine": Heard(1, 1)}), found)
    assert (
        told[0] == "none of your models gives the wanted answer to 'plural of fox': left out."
        and "nothing was kept back" in told[1]
    )
    with pytest.raises(MergeError, match="none of your models gives a wanted answer, for example to 'plural of fox'"):
        of_questions(runner, start, replace(asked, questions=asked.questions[1:2]))


@pytest.mark.long
def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("merger.search.tune.STEPS", 6)
    file, out = tmp_path / "r.yaml", tmp_path / "better.yaml"
    file.write_text(dump(recipe({"plural": 0.7, "mirror": 0.3})))
    assert main(["tune", str(file), "--most", "5", "--seconds", "500", "-o", str(out)]) == 0
    shown = capsys.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines()] == ["right", "plural", "mirror", "mean"]
    assert load_file(str(out)).models != load_file(str(file)).models and "better.yaml" in shown.err
    cases = (
        (["--keep", "all"], "--keep all: write 'what each parent says'"),
        (["--keep", "what the questions want"], "name the questions"),
        (["--lock", "layers=0-5"], "every bar is locked"), (["--bars", "t"], "has no such bar"),
        (["-o", str(tmp_path / "no" / "x.yaml")], "there is no folder"),
    )  # fmt: skip
    for more, words in cases:
        assert main(["tune", str(file), "--most", "1", *more]) == 1
        assert words in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["tune", str(file), "--seconds", "0"])
    assert "write a number of seconds above 0" in capsys.readouterr().err


def test_no_offsets_are_the_recipe_itself(runner: Runner) -> None:
    mix = Mix(runner, recipe({"plural": 0.7, "mirror": 0.3}), ["weight"])
    assert mix.recipe_at(mix.start) is mix.recipe
    bent = torch.zeros(2, 6, dtype=torch.float64)
    bent[1, 5] = 0.123456
    assert mix.recipe_at(bent, 3).models[1].parameters[0][1].rules == ((None, (0.3, 0.3, 0.3, 0.3, 0.3, 0.423)),)
