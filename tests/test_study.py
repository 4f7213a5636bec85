"""Search by Optuna: what a point of the space is as a recipe, what comes first, what is kept, what is refused."""

import builtins
import contextlib
import importlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import as_text

from merger.__main__ import main
from merger.cli.tune import leaderboard
from merger.engine.session import Parents
from merger.errors import MergeError
from merger.recipe import Recipe, dump, load
from merger.search import seats, study
from merger.search.likelihood import Example
from merger.search.study import Order, Space, Tried, front, recipe_of, search, space
from merger.search.trials import Runner

try:
    importlib.import_module("optuna")
    HERE = True
except ImportError:
    HERE = False
needed = pytest.mark.skipif(not HERE, reason="Optuna is not installed (requirements-dev.txt)")


def recipe(models: str = "ab", method: str = "task_arithmetic") -> Recipe:
    entries = [{"model": m, "parameters": {"weight": 0.5}} for m in models]
    return load(as_text({"merge_method": method, "base_model": "base", "models": entries}))


def order(folder: Path, home: Path, **more: Any) -> Order:
    skills = {"one": (Example((4, 5, 6), (7, 8)), Example((5, 5), (9,))), "other": (Example((10, 11), (12, 13)),)}
    given = {"sampler": "tpe", "seed": 0, "trials": 8, "seconds": 300, "roots": (home,), **more}
    return Order(dump(recipe()), space(recipe()), skills, folder / "trials.db", **given)


def test_a_point_is_a_recipe() -> None:
    three = recipe("abc")
    point = {"method": "ties", "density": 0.25, "use 0": True, "use 1": False, "use 2": True, "weight 0": 0.5, "tilt 0": 0.5}
    made = recipe_of(three, space(three), {**point, "weight 1": 9.0, "weight 2": 0.75, "tilt 2": 0.0})
    assert made.merge_method == "ties" and [entry.model for entry in made.models] == ["a", "c"]
    assert [entry.parameters[0][1].rules[0][1] for entry in made.models] == [(0.25, 0.75), 0.75]
    assert dict(made.parameters)["density"].rules[0][1] == 0.25
    assert "density" not in dict(
        recipe_of(three, Space(("task_arithmetic",)), {f"weight {i}": 1 for i in range(3)} | {"density": 0.25}).parameters
    )


def test_what_is_searched() -> None:
    found = space(recipe())
    assert found.methods[0] == "task_arithmetic" and {"ties", "dare_ties"} < set(found.methods) and not found.leave_out
    assert not {"slerp", "tsv_merge", "linear"} & set(found.methods) and space(recipe("abc")).leave_out
    assert space(recipe(), ["linear", "iso_c"]).methods == ("linear", "iso_c")
    for methods, words in ((["tise"], "'tise' is not a method"), (["slerp"], "'slerp' cannot be searched")):
        with pytest.raises(MergeError, match=words):
            space(recipe(), methods)
    sliced = "{merge_method: passthrough, slices: [{sources: [{model: a, layer_range: [0, 2]}]}]}"
    with pytest.raises(MergeError, match="not of slices"):
        space(load(sliced))


def test_the_front_is_what_nothing_beats() -> None:
    tried = [
        Tried(0, "", {"a": 1, "b": 3}),
        Tried(1, "", {"a": 2, "b": 3}),
        Tried(2, "", {"a": 3, "b": 1}),
        Tried(3, "", note="no"),
    ]
    assert [one.number for one in front(tried)] == [0, 2]


def test_without_optuna_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda name: builtins.__import__(f"no_{name}"))
    with pytest.raises(
        MergeError, match=r"a search, or a file of trials, needs Optuna, .*pip install 'merge-explorer\[search\]'"
    ):
        study.optuna()


@pytest.mark.long
@needed
def test_trials_are_kept_and_go_on(tmp_path: Path, family: Path) -> None:
    runner = Runner(Parents(roots=[family]))
    heard: list[int] = []
    found = search(order(tmp_path, family), runner, told=heard.append)
    assert heard == list(range(8)) and [one.loss for one in found] == sorted(one.loss for one in found)
    first = {one.number: one for one in found}
    assert load(first[0].text).models[0].parameters[0][1].rules[0][1] == 0.5  # the recipe as it is, then along its slopes
    assert first[1].loss < first[0].loss
    again = search(order(tmp_path, family, trials=10, seed=1), runner)
    assert len(again) == 10 and {one.number: one.text for one in again if one.number < 8} == {
        n: one.text for n, one in first.items()
    }
    assert leaderboard(found, several=False)[0].split() == ["trial", "one", "other", "mean", "start", "recipe"]
    same = search(Order(**{**vars(order(tmp_path, family)), "storage": tmp_path / "second.db"}), runner)
    assert [one.text for one in same] == [one.text for one in found]  # the same seed


def test_a_trial_is_told_from_chance() -> None:
    start = {"a": tuple(float(i) for i in range(1, 13)), "b": (2.0,) * 4}
    better = Tried(1, "", {"a": 5.5, "b": 2.0}, "", {"a": tuple(float(i) - 1 for i in range(1, 13)), "b": (2.0,) * 4}, start)
    assert better.against is not None and better.against.difference == pytest.approx(-0.5) and not better.against.chance
    same = Tried(0, "", {"a": 6.5, "b": 2.0}, "", start, start)
    assert same.against is not None and same.against.chance and same.against.low == same.against.high == 0.0
    assert Tried(2, "", {"a": 1.0}).against is None  # of a file of before
    text = dump(recipe())
    lines = leaderboard([replace(better, text=text), replace(same, text=text), Tried(2, text, {"a": 9.0, "b": 1.0})], False)
    assert [" ".join(line.split()).partition(" task")[0].split(" ", 4)[-1] for line in lines[1:4]] == [
        f"{better.against.difference:+.2f} ± {(better.against.high - better.against.low) / 2:.2f}", "+0.00 ± 0.00?", "-",
    ]  # fmt: skip
    assert "kept back decides" in lines[-1]


@needed
@pytest.mark.long
def test_several_skills_and_several_processes(tmp_path: Path, family: Path) -> None:
    found = search(order(tmp_path, family, sampler="nsga2", trials=6), Runner(Parents(roots=[family])))
    best = front(found)
    assert best and all(set(one.heard) == {"one", "other"} for one in found if one.heard)
    alone = search(order(tmp_path, family, trials=6), Runner(Parents(roots=[family])))
    both = search(Order(**{**vars(order(tmp_path, family, trials=6)), "storage": tmp_path / "both.db"}), workers=2)
    assert both == alone and len(both) == 6  # whoever tries them


@needed
def test_seconds_count_from_when_processes_are_there(tmp_path: Path, family: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They read torch and transformers first; asking the start's examples does not count either."""
    opened, clock = seats.opened, [0.0]

    @contextlib.contextmanager
    def late(*given: Any, **more: Any) -> Iterator[seats.TryAll]:
        with opened(*given, **more) as try_all:
            clock[0] += 100
            yield try_all

    monkeypatch.setattr(seats, "opened", late)
    monkeypatch.setattr(study, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    found = search(order(tmp_path, family, trials=2 * study.TOGETHER, seconds=1), Runner(Parents(roots=[family])))
    assert clock == [100] and len(found) == 2 * study.TOGETHER


@needed
def test_processes_are_ready_when_they_are_given_or_it_is_stopped(tmp_path: Path, family: Path) -> None:
    asked, began = order(tmp_path, family), time.monotonic()
    with seats.opened(asked, 2, None, Runner(Parents(roots=[family])), 1) as try_all:
        opening, began = time.monotonic() - began, time.monotonic()
        assert all(outcome and outcome.note for outcome in try_all([seats.Task("models: [", None)] * 2, lambda: True))
        soon = time.monotonic() - began
    began = time.monotonic()
    with seats.opened(asked, 2, None, Runner(Parents(roots=[family])), 1, lambda: False):
        stopped = time.monotonic() - began
    assert max(stopped, soon) < opening


@needed
def test_what_is_worse_on_a_few_prompts_is_given_up(tmp_path: Path, family: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    hear = seats.Mix.hear

    def counted(self: Any, examples: Any, *given: Any, **more: Any) -> Any:
        asked.append(sum(map(len, examples.values())))
        return hear(self, examples, *given, **more)

    monkeypatch.setattr(seats.Mix, "hear", counted)
    monkeypatch.setattr(seats, "FEW", 1)
    found = search(order(tmp_path, family, trials=16), Runner(Parents(roots=[family])))
    given_up = [one for one in found if one.note.startswith("worse")]
    whole = [one for one in found if one.heard]
    assert given_up and not any(one.heard for one in given_up)
    assert asked.count(2) == len(given_up) + len(whole) and asked.count(3) == len(whole) + 1  # and the start, once


@needed
def test_searches_that_cannot_be(tmp_path: Path, family: Path) -> None:
    runner = Runner(Parents(roots=[family]))
    with pytest.raises(MergeError, match="--sampler tpa: write tpe, cmaes, nsga2"):
        search(order(tmp_path, family, sampler="tpa"), runner)
    (tmp_path / "trials.db").write_text("no database, but long enough to be read as one")
    with pytest.raises(MergeError, match="is no file in which trials can be kept"):
        search(order(tmp_path, family), runner)


@needed
def test_the_command_searches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, file = "presets/family/", tmp_path / "r.yaml"
    models = [{"model": home + m, "parameters": {"weight": w}} for m, w in (("plural", 0.7), ("mirror", 0.2))]
    file.write_text(as_text({"merge_method": "task_arithmetic", "base_model": home + "base", "models": models}))
    more = ["--most", "5", "--trials", "6", "--methods", "task_arithmetic", "--json", "-o", str(tmp_path / "better.yaml")]
    assert main(["tune", str(file), "--search", *more]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [one["number"] for one in shown["trials"]] and len(shown["trials"]) == 6
    told = {one["number"]: one["against_start"] for one in shown["trials"]}
    assert told[0]["words"] == "+0.00 ± 0.00 nats; may be chance" and told[1]["low"] <= told[1]["difference"] <= told[1]["high"]
    assert load(shown["recipe"]) == load((tmp_path / "better.yaml").read_text())
    assert load((tmp_path / "better.yaml").read_text()).merge_method == "task_arithmetic"
