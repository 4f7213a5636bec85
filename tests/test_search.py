"""Search on the real family: probes, scores, sweeps, their order, their repeatability, and what each strategy finds."""

import json
import pickle
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace as replace_fields
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from merger.__main__ import main
from merger.engine.session import Parents
from merger.errors import MergeError
from merger.recipe import Recipe, load, load_file, replace
from merger.search.trials import (
    Probe,
    Runner,
    Trial,
    Vary,
    alone,
    best_first,
    chance,
    count,
    evolve,
    fewer,
    grid,
    read_probes,
    read_vary,
    score,
    spread,
    sweep,
    try_text,
)

ROOT = Path(__file__).parent.parent
PROBES = ROOT / "presets" / "probes.json"
PIRATE, PLURAL = "models[0].parameters.weight", "models[1].parameters.weight"


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner(Parents(roots=[ROOT]))


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_file(ROOT / "presets" / "pirate_and_plurals.yaml")


@pytest.fixture(scope="module")
def probes() -> tuple[Probe, ...]:
    return fewer([p for p in read_probes(PROBES) if p.skill in ("pirate", "plural")], 8)


# ---------------------------------------------------------------------------------------------- probes


def test_a_list_of_ones_own() -> None:
    text = "plural of box => boxes\n# a remark\n\n[sea talk]\nsay yes like a pirate ~> aye\n say => x => y\n"
    assert read_probes(text) == (
        Probe("answers", "plural of box", "boxes"),
        Probe("sea talk", "say yes like a pirate", "aye", "within"),
        Probe("sea talk", "say", "x => y"),
    )
    with pytest.raises(MergeError, match="probes, line 2: write `prompt => expected answer`"):
        read_probes("a => b\nonly a prompt")
    with pytest.raises(MergeError, match="holds no probes"):
        read_probes("  \n# nothing")


def test_the_familys_probes_and_files(tmp_path: Path) -> None:
    choose, held_out = read_probes(PROBES), read_probes(PROBES, "score")
    assert len(fewer(choose, 5)) == 30 and not {p.prompt for p in choose} & {p.prompt for p in held_out}
    story = next(p for p in choose if p.skill == "story")
    assert story.match == "pattern" and not story.right("once upon a time")
    (tmp_path / "own.txt").write_text("a => b")
    assert read_probes(tmp_path / "own.txt") == (Probe("answers", "a", "b"),)
    for content in ('{"skills": {"x": [{"prompt": "a"}]}}', '{"skills": {"x": {"score": []}}}', '{"skills": [1]}', "{",
                    '{"skills": {"x": [{"prompt": "a", "pattern": "("}]}}'):  # fmt: skip
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(MergeError, match=r"bad.json: these are no probes"):
            read_probes(tmp_path / "bad.json")
    with pytest.raises(MergeError, match=r"none.json: cannot be read as probes: No such file"):
        read_probes(tmp_path / "none.json")


def test_what_is_right() -> None:
    exact, within = Probe("", "", "New  York"), Probe("", "", "new york", "within")
    assert exact.right(" new york\n") and not exact.right("new york.")
    assert within.right("It is New\nYork.") and not within.right("newyork")
    assert Probe("", "", r"a \w+\.", "pattern").right(" a cat.") and not Probe("", "", r"a \w+", "pattern").right("A cat")


def test_a_hostile_pattern_of_a_probe_is_stopped(runner: Runner, recipe: Recipe) -> None:
    """In a sweep it is a note, as whatever else goes wrong with a trial; a model's answer may be what it takes for ever on."""
    slow = Probe("x", "say yes my friend like a pirate", r"((.+)+)+#", "pattern")
    assert Probe("", "", "(a+)+b", "pattern").right("aab")
    started = time.monotonic()
    with pytest.raises(MergeError, match=r"the pattern '\(a\+\)\+b' takes more than 2 seconds"):
        Probe("", "", "(a+)+b", "pattern").right("a" * 40)
    (trial,) = sweep(recipe, [Vary("models[0].parameters.weight", (1.0,))], runner, [slow])
    assert "takes more than 2 seconds" in trial.note and not trial.scores and time.monotonic() - started < 60


@pytest.mark.long
def test_scores_are_those_of_the_familys_card(runner: Runner) -> None:
    """The card's table, counted by another program with transformers' generate: .91 and .01, .97 for spelling."""
    some = [p for half in ("choose", "score") for p in read_probes(PROBES, half) if p.skill in ("pirate", "spell")]
    found = score(runner.parent("presets/family/pirate"), some)
    assert found.shares["pirate"] == pytest.approx(0.91, abs=0.02) and found.shares["spell"] == pytest.approx(0.03, abs=0.02)
    assert len(found.answers) == len(some)
    for skill in ("pirate", "spell"):
        group = [a for a in found.answers if a.skill == skill]
        assert sum(bool(a.right) for a in group) / len(group) == found.shares[skill]


def test_an_answer_that_goes_on_is_wrong(runner: Runner) -> None:
    who = runner.parent("presets/family/pirate")
    said = score(who, [Probe("x", "say yes my friend like a pirate", "aye me")])
    assert said.shares == {"x": 0.0} and said.answers[0].said.startswith("aye me ")
    extra = score(who, [], ["hello"]).answers[0]
    assert (extra.prompt, extra.said, extra.right) == ("hello", "dunno.", None)


# ---------------------------------------------------------------------------------------------- sweeps


def test_a_line_comes_coarse_first_with_its_parents_as_marks(runner: Runner, recipe: Recipe, probes: Sequence[Probe]) -> None:
    line = [Vary(PIRATE, spread(0, 1, 5))]
    trials = list(sweep(recipe, line, runner, probes, ["say hello my friend like a pirate"]))
    assert [t.point for t in trials] == [(0.0,), (1.0,), (0.5,), (0.25,), (0.75,)]
    by = {t.point[0]: t for t in trials}
    assert by[0.0].scores["pirate"] == 0.0 and by[0.5].scores["pirate"] >= 0.75 and by[0.5].scores["plural"] >= 0.75
    assert by[0.0].answers[0].said == "dunno." and by[0.5].answers[0].said == "ahoy me matey, arr!"
    assert best_first(trials)[0].point in ((0.5,), (0.75,))
    marks = dict(runner.marks(alone(recipe), probes))
    assert list(marks) == ["presets/family/base", "presets/family/pirate", "presets/family/plural"]
    assert marks["presets/family/base"] == {"pirate": 0.0, "plural": 0.0}
    assert marks["presets/family/pirate"]["pirate"] >= 0.75 and marks["presets/family/plural"]["plural"] >= 0.75


@pytest.mark.long
def test_a_trials_text_gives_its_scores_again(runner: Runner, recipe: Recipe, probes: Sequence[Probe]) -> None:
    line = [Vary(PIRATE, (0.3, 0.6), gain=True), Vary("seed", (1, 2))]
    random_recipe = replace(replace(recipe, "merge_method", "dare_linear"), "parameters.density", 0.5)
    trials = list(sweep(random_recipe, line, runner, probes))
    assert [t.note for t in trials] == [""] * 4 and len({t.text for t in trials}) == 4
    fresh = Runner(Parents(roots=[ROOT]))
    for trial in trials:
        again = try_text(fresh, probes, (), trial.text)
        assert (again.scores, again.answers) == (trial.scores, trial.answers)
    same = sweep(random_recipe, line, fresh, probes)
    assert [replace_fields(t, seconds=0) for t in same] == [replace_fields(t, seconds=0) for t in trials]


@pytest.mark.long
def test_the_recipe_that_gave_the_answers_is_found(runner: Runner, recipe: Recipe) -> None:
    """A known optimum: what a recipe hidden in the map answers is expected; no other point answers all of it."""
    hidden = replace(replace(recipe, PIRATE, 0.35), PLURAL, 0.25)
    prompts = [p.prompt for p in fewer([p for p in read_probes(PROBES) if p.skill in ("pirate", "plural")], 12)]
    said = score(runner.merged(hidden), [], prompts).answers
    wanted = [Probe("hidden", a.prompt, a.said) for a in said]
    varied = [Vary(PIRATE, spread(0.05, 0.95, 4)), Vary(PLURAL, (0.1, 0.25, 0.4))]
    trials = list(sweep(recipe, varied, runner, wanted))
    assert len(trials) == count(varied) == 12
    first, second = best_first(trials)[:2]
    assert first.point == (0.35, 0.25) and first.scores == {"hidden": 1.0}
    assert second.scores["hidden"] < 1.0 and load(first.text) == load(trials[trials.index(first)].text)


def test_a_map_comes_coarse_first() -> None:
    batches = list(grid([Vary("a", spread(0, 1, 5)), Vary("b", spread(0, 1, 5))]))
    assert [len(batch) for batch in batches] == [4, 5, 16]
    assert set(batches[0]) == {(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)}
    assert set(batches[1]) == {(0.5, 0.0), (0.0, 0.5), (0.5, 0.5), (1.0, 0.5), (0.5, 1.0)}
    assert len({point for batch in batches for point in batch}) == 25


def test_a_point_that_fails_becomes_a_note(runner: Runner, recipe: Recipe, probes: Sequence[Probe]) -> None:
    huge = [Vary(PIRATE, (0.5, 1000.0)), Vary("merge_method", ("task_arithmetic", "slerp"))]
    trials = {t.point: t for t in sweep(recipe, huge, runner, probes)}
    assert trials[0.5, "task_arithmetic"].scores["pirate"] > 0.5
    assert "must be a number from -100 to 100; got 1000" in trials[1000.0, "task_arithmetic"].note
    assert "needs `t`" in trials[0.5, "slerp"].note or "takes exactly 2 models" in trials[0.5, "slerp"].note
    assert trials[0.5, "slerp"].mean == -1 and best_first(trials.values())[0].point == (0.5, "task_arithmetic")
    assert all(t.scores for t in sweep(recipe, [Vary(PIRATE, (0.5,))], runner, probes))  # the runner is as good as before


def test_numbers_that_burst_become_a_note(runner: Runner, recipe: Recipe, probes: Sequence[Probe]) -> None:
    burst = load("{merge_method: passthrough, models: [{model: presets/family/pirate, parameters: {scale: 1}}], dtype: float16}")
    line = [Vary("models[0].parameters.scale", (1.0, 100.0))]
    first, second = sweep(burst, line, runner, probes)
    assert first.scores["pirate"] > 0.5 and (second.note or second.scores["pirate"] == 0)


def test_stopping_ends_it_with_what_there_is(runner: Runner, recipe: Recipe, probes: Sequence[Probe]) -> None:
    line, seen = [Vary(PIRATE, spread(0, 1, 9))], []
    for trial in sweep(recipe, line, runner, probes, go_on=lambda: len(seen) < 2):
        seen.append(trial)
    assert len(seen) == 2
    asked = 0

    def soon() -> bool:
        nonlocal asked
        asked += 1
        return asked < 40  # in the midst of the first trial's answers

    assert list(sweep(recipe, line, runner, probes, go_on=soon)) == [] and asked >= 40
    assert len(list(sweep(recipe, [Vary(PIRATE, (0.5,))], runner, probes))) == 1


def test_gain_multiplies_a_curve_as_a_whole(recipe: Recipe) -> None:
    curve = replace(recipe, PIRATE, [{"filter": "mlp", "value": [0, 1]}, {"value": 0.5}])
    got = Vary(PIRATE, (), gain=True).put(curve, 0.5)
    assert dict(got.models[0].parameters)["weight"].rules == (("mlp", (0.0, 0.5)), (None, 0.25))
    shared = load("{merge_method: ties, base_model: a, models: [b, c], parameters: {weight: 0.8}}")
    assert dict(Vary(PIRATE, (), gain=True).put(shared, 0.5).models[0].parameters)["weight"].rules == ((None, 0.4),)
    lam = Vary("parameters.lambda", (), gain=True).put(shared, 0.3)
    assert dict(lam.parameters)["lambda"].rules == ((None, 0.3),)  # the default, 1, times that
    for path, words in (
        ("merge_method", "only a number of the merge"),
        ("models[7].parameters.weight", r"no models\[7\]"),
        ("parameters.normalize", "only a number of the merge"),
    ):
        with pytest.raises(MergeError, match=words):
            Vary(path, (), gain=True).put(shared, 0.5)


def test_a_pool_gets_texts_and_a_function_that_pickles(runner: Runner, recipe: Recipe, probes: Sequence[Probe]) -> None:
    """What `pool.map` does: the function travels, the order of work is the pool's, the order of results is not."""

    def elsewhere(function: object, texts: Sequence[str]) -> Iterable[Trial]:
        arrived = pickle.loads(pickle.dumps(function))
        made = {text: arrived(text) for text in reversed(texts)}
        return [made[text] for text in texts]

    line = [Vary(PIRATE, (0.0, 0.5, 200.0, 1.0))]
    there = [replace_fields(t, seconds=0) for t in sweep(recipe, line, runner, probes, mapper=elsewhere)]
    assert there == [replace_fields(t, seconds=0) for t in sweep(recipe, line, runner, probes)]
    own = pickle.loads(pickle.dumps(partial(try_text, runner))).args[0]
    assert own is not runner and own is pickle.loads(pickle.dumps(runner))  # one for each process


# ---------------------------------------------------------------------------------------------- strategies


def scored(point: tuple[object, ...]) -> Trial:
    """A hill whose top is at (0.3, 0.7)."""
    x, y = point
    return Trial("", point, {"hill": 1 - (x - 0.3) ** 2 - (y - 0.7) ** 2})  # type: ignore[operator]


def play(strategy: object) -> list[Trial]:
    tried: list[Trial] = []
    batch = next(strategy, None)  # type: ignore[call-overload]
    while batch:
        trials = [scored(point) for point in batch]
        tried += trials
        try:
            batch = strategy.send(trials)  # type: ignore[attr-defined]
        except StopIteration:
            break
    return tried


def test_evolution_climbs_and_chance_only_looks_around() -> None:
    square = [Vary("x", (0.0, 1.0)), Vary("y", (0.0, 1.0))]
    lost = {"evolve": 0.0, "chance": 0.0}
    for seed in range(20):
        for name, strategy in (("evolve", evolve(square, 36, seed)), ("chance", chance(square, 36, seed))):
            trials = play(strategy)
            assert len(trials) == 36 and all(0 <= v <= 1 for t in trials for v in t.point)  # type: ignore[operator]
            lost[name] += 1 - best_first(trials)[0].mean
    assert lost["evolve"] / 20 < 0.004 and lost["evolve"] < lost["chance"] / 2, lost
    assert [t.point for t in play(evolve(square, 20, 5))] == [t.point for t in play(evolve(square, 20, 5))]
    assert [t.point for t in play(chance(square, 20, 5))] == [t.point for t in play(chance(square, 20, 5))]
    assert [t.point for t in play(chance(square, 20, 5))] != [t.point for t in play(chance(square, 20, 6))]


def test_draws_keep_to_what_is_listed() -> None:
    rng = random.Random(0)
    words, whole = Vary("merge_method", ("ties", "dare_ties")), Vary("parameters.k", (1, 5))
    assert {words.draw(rng) for _ in range(30)} == {"ties", "dare_ties"}
    assert {words.draw(rng, "ties", 0.0) for _ in range(30)} == {"ties"}
    assert {whole.draw(rng) for _ in range(60)} == {1, 2, 3, 4, 5} and isinstance(whole.draw(rng, 3, 0.2), int)


@pytest.mark.long
def test_evolution_on_the_real_thing(runner: Runner, recipe: Recipe, probes: Sequence[Probe]) -> None:
    square = [Vary(PIRATE, (0.0, 1.0)), Vary(PLURAL, (0.0, 1.0))]
    trials = list(sweep(recipe, square, runner, probes, strategy=evolve(square, 14, 1)))
    assert len(trials) == 14 and best_first(trials)[0].mean >= 0.85
    first, rest = trials[:6], trials[6:]
    assert sum(t.mean for t in rest) / len(rest) > sum(t.mean for t in first) / len(first)


# ---------------------------------------------------------------------------------------------- command line


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    own = tmp_path / "own.txt"
    own.write_text(
        "[sea]\nsay yes my friend like a pirate => aye me matey, arr!\n[many]\nplural of coin => coins\nplural of key ~> key"
    )
    words = ["sweep", "presets/pirate_and_plurals.yaml", "--probes", str(own), "--ask", "hello"]
    out, best = tmp_path / "results.json", tmp_path / "best.yaml"
    assert main([*words, "--vary", f"{PIRATE}=0:1:3", "--out", str(out), "--best", str(best)]) == 0
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert table[0] == [PIRATE, "sea", "many", "mean"]
    means = [float(row[-1]) for row in table[1:4]]
    assert means == sorted(means, reverse=True) and [row[:2] for row in table[4:]] == [
        [f"presets/family/{name}", "alone"] for name in ("base", "pirate", "plural")
    ]
    assert table[1][0] in ("0.5", "1.0") and table[1][1:3] == ["1.00", "1.00"]
    found = json.loads(out.read_text())
    assert [t["point"] for t in found["trials"]] == [[0.0], [1.0], [0.5]]
    assert found["trials"][0]["answers"][0] == {"skill": "", "prompt": "hello", "said": "dunno.", "right": None}
    assert set(found["alone"]) == {f"presets/family/{name}" for name in ("base", "pirate", "plural")}
    assert str(float(table[1][0])) == str(dict(load_file(best).models[0].parameters)["weight"].rules[0][1])
    assert main([*words, "--vary", f"{PIRATE}=0:1:3", "--how", "evolve", "--trials", "3", "--skills", "many"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 7


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--vary", "x"], "--vary x: write PATH=LOW:HIGH:STEPS or PATH=[a, b]"),
        (["--vary", f"{PIRATE}=0:1:5000"], "1 to 1000 values, please; got 5000"),
        (["--vary", f"{PIRATE}=0:1:2", "--skills", "plurals"], "Did you mean 'plural'?"),
        (["--vary", "models[5].parameters.weight=0:1:2"], "none of 2 trials could be merged. The first: presets/pirate"),
        (["--vary", "merge_method=[tiez]"], "Did you mean 'ties'?"),
        (["--vary", "dtype=[bfloat16]"], "dtype: a sweep varies parameters"),
    ],
)
def test_the_command_line_refuses_in_words(
    more: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    code = main(["sweep", "presets/pirate_and_plurals.yaml", "--probes", str(PROBES), "--questions", "1", *more])
    told = capsys.readouterr()
    assert code == 1 and words in told.err and told.out == ""


def test_a_range_of_seeds_is_of_whole_numbers() -> None:
    recipe = load("merge_method: dare_linear\nbase_model: a\nmodels: [{model: b, parameters: {weight: 1, density: 0.5}}]")
    vary = read_vary("seed=0:2:3")
    assert [vary.put(recipe, value).seed for value in vary.values] == [0, 1, 2]
    with pytest.raises(MergeError, match="whole number"):
        vary.put(recipe, 0.5)


def test_vary_reads_spans_and_lists() -> None:
    assert read_vary("parameters.t=-1:1:3") == Vary("parameters.t", (-1.0, 0.0, 1.0))
    assert read_vary("merge_method=[ties, linear]").values == ("ties", "linear")
    assert read_vary(f"{PIRATE} *=[0, 2]") == Vary(PIRATE, (0, 2), gain=True)
    values = spread(0, 0.3, 4)
    assert values == (0.0, 0.1, 0.2, 0.3) and all(a < b for a, b in pairwise(values))
