"""Sweeps in a search's file: the same figures, only what is missing is asked, and a search begins with the best of them."""

import builtins
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import as_text

from merger.__main__ import main
from merger.engine.session import Parents
from merger.errors import MergeError
from merger.recipe import Recipe, dump, load
from merger.search import store, study, trials
from merger.search.likelihood import Example
from merger.search.store import Sweeps, swept
from merger.search.study import Order, point_of, recipe_of, search, space
from merger.search.trials import Probe, Runner, Trial, Vary, sweep

needed = pytest.mark.skipif(importlib.util.find_spec("optuna") is None, reason="Optuna is not installed (requirements-dev.txt)")
HOME = "presets/family/"
PATHS = ("models[0].parameters.weight", "models[1].parameters.weight")
PROBES = tuple(Probe("plural", f"plural of {one}", many) for one, many in (("box", "boxes"), ("city", "cities"), ("cat", "cats")))


def recipe(home: str = HOME, models: Sequence[str] = ("plural", "mirror"), method: str = "task_arithmetic", **top: Any) -> Recipe:
    entries = [{"model": home + m, "parameters": {"weight": 0.5}} for m in models]
    return load(as_text({"merge_method": method, "base_model": home + "base", "models": entries, **top}))


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner(Parents())


def plain(found: Sequence[Trial]) -> list[tuple[Any, ...]]:
    return [(one.text, one.point, one.scores, one.answers) for one in found]


@needed
def test_only_what_is_missing_is_asked(tmp_path: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = trials.try_text

    def counted(of: Runner, probes: Any, prompts: Any, text: str, **more: Any) -> Trial:
        asked.append(text)
        return real(of, probes, prompts, text, **more)

    monkeypatch.setattr(trials, "try_text", counted)
    start, file = recipe(), tmp_path / "trials.db"

    def swept_over(values: tuple[float, ...], keep: bool = True, by: Recipe = start, stamp: str = "") -> list[Trial]:
        varied = [Vary(PATHS[0], values)]
        kept = Sweeps(file, by, varied, PROBES, ["plural of hat"], stamp) if keep else None
        found: list[Trial] = []
        for trial in sweep(by, varied, runner, PROBES, ["plural of hat"], known=kept.known if kept else lambda _: None):
            found.append(trial)
            if kept:
                kept.keep(trial)
        return found

    bare, first = swept_over((0.0, 0.8), keep=False), swept_over((0.0, 0.8))
    assert plain(bare) == plain(first) and len(asked) == 4 and {one.mean for one in first} == {0.0, 1.0}
    more = swept_over((0.0, 0.4, 0.8))
    assert len(asked) == 5 and [one.point for one in more] == [(0.0,), (0.8,), (0.4,)]
    assert plain(more[:2]) == plain(first)
    elsewhere = trials.replace_value(start, PATHS[0], 0.8)  # the bar stands elsewhere; its points are the same
    assert plain(swept_over((0.0, 0.4, 0.8), by=elsewhere)) == plain(more) and len(asked) == 5
    swept_over((0.0,), stamp="other weights")
    assert len(asked) == 6
    assert swept(file, start)[0].point == more[1].point and not swept(file, recipe(models=("plural", "spell")))


@needed
def test_what_failed_is_asked_again(tmp_path: Path) -> None:
    varied = [Vary("merge_method", ("ties", "linear")), Vary(PATHS[0], (0, 1))]
    kept = Sweeps(tmp_path / "trials.db", recipe(), varied, PROBES)
    kept.keep(Trial("a", ("ties", 0), note="no"))
    kept.keep(Trial("b", ("linear", 1), {"plural": 0.5}, (trials.Answer("plural", "p", "said", None),), 1.5))
    again = Sweeps(tmp_path / "trials.db", recipe(), varied, PROBES)
    assert again.known("a") is None and again.known("b") == kept.known("b")


@needed
def test_a_search_begins_with_the_sweeps_best(tmp_path: Path, family: Path) -> None:
    start, file, own = recipe("", "ab"), tmp_path / "trials.db", Runner(Parents(roots=[family]))
    varied = [Vary(PATHS[0], (0.25, 1.25)), Vary(PATHS[1], (0.75, 1.0))]
    kept = Sweeps(file, start, varied, PROBES)
    for i, point in enumerate(((0.25, 0.75), (1.25, 0.75), (0.25, 1.0), (1.25, 1.0))):
        made = start
        for vary, value in zip(varied, point, strict=True):
            made = vary.put(made, value)
        kept.keep(Trial(dump(made), point, {"plural": i / 4}))
    skills = {"one": (Example((4, 5, 6), (7, 8)), Example((5, 5), (9,)))}
    order = Order(dump(start), space(start), skills, file, "tpe", 0, 6, 300, roots=(family,))
    found = {one.number: load(one.text) for one in search(order, own)}
    weights = [[entry.parameters[0][1].rules[0][1] for entry in found[n].models] for n in (2, 3, 4)]
    assert weights == [[1.25, 1.0], [0.25, 1.0], [1.25, 0.75]]  # behind the recipe and its slopes; half of the six
    assert len(found) == 6 and len(search(order, own)) == 6
    line = [Vary(PATHS[0], (0.0, 0.75))]
    Sweeps(file, start, line, PROBES).keep(Trial(dump(line[0].put(start, 0.75)), (0.75,), {"plural": 1.0}))
    later = search(Order(**{**vars(order), "trials": 8}), own)
    assert len(later) == 8 and 0.75 in {load(one.text).models[0].parameters[0][1].rules[0][1] for one in later if one.number > 5}


def test_recipes_that_are_points_and_others() -> None:
    start = recipe("", "abc")
    where = space(start)
    given = {"method": "ties", "density": 0.25, "use 0": True, "use 1": False, "use 2": True, "weight 0": 0.5, "tilt 0": 0.5}
    made = recipe_of(start, where, {**given, "weight 1": 0.0, "tilt 1": 0.0, "weight 2": 0.75, "tilt 2": 0.0})
    point = point_of(start, where, dump(made))
    assert point == {**given, "weight 1": 0.0, "tilt 1": 0.0, "weight 2": 0.75, "tilt 2": 0.0}
    assert recipe_of(start, where, point) == made

    def other(method: str = "task_arithmetic", weight: Any = 0.5, **shared: Any) -> str:
        entries = [{"model": m, "parameters": {"weight": weight}} for m in "abc"]
        return as_text({"merge_method": method, "base_model": "base", "models": entries, "parameters": shared})

    assert point_of(start, where, other()) is not None
    for text in (
        other("linear"), other(weight=1.75), other(weight=[0.0, 1.0, 0.0]), other(weight=[0.0, 1.0]), other(weight=-0.5),
        other(normalize=True), other("ties", density=0.05), other("ties", **{"lambda": 0.5}), other("breadcrumbs", gamma=0.3),
        "{merge_method: task_arithmetic, base_model: base, models: [{model: d, parameters: {weight: 1}}]}",
    ):  # fmt: skip
        assert point_of(start, where, text) is None, text


@needed
def test_the_command_keeps_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, probes, kept = tmp_path / "r.yaml", tmp_path / "p.txt", tmp_path / "trials.db"
    file.write_text(dump(recipe()))
    probes.write_text("plural of box => boxes\n")
    given = ["sweep", str(file), "--vary", f"{PATHS[0]}=0:1:2", "--probes", str(probes)]
    shown = []
    for _ in range(2):
        assert main([*given, "--store", str(kept)]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] and len(swept(kept, load(file.read_text()))) == 2
    kept.write_text("no database, but long enough to be read as one")
    assert main([*given, "--store", str(kept)]) == 1
    assert "is no file in which trials can be kept" in capsys.readouterr().err


def test_without_optuna_there_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module
    monkeypatch.setattr(
        importlib, "import_module", lambda name, *a: builtins.__import__("no_optuna") if name == "optuna" else real(name, *a)
    )
    with pytest.raises(MergeError, match=r"or a file of trials, needs Optuna, .*pip install 'merge-explorer\[search\]'"):
        Sweeps(tmp_path / "trials.db", recipe(), [Vary(PATHS[0], (0.0, 1.0))], PROBES)
    assert store.optuna is study.optuna


@needed
def test_the_page_keeps_them_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gradio")
    from test_explore import FORM, PRESETS, Exploring, Studio, run

    from merger.recipe import load_file
    from merger.ui.host import read_host

    given = {"MERGER_TRIALS": str(tmp_path / "trials.db")}
    assert read_host(given).trials and not read_host(given | {"HOSTED": "1"}).trials and not read_host({}).trials
    studio = Studio(PRESETS.parent)
    studio.host = read_host(given)
    on, start = Exploring(studio, PRESETS / "probes.json"), load_file(PRESETS / "pirate_and_plurals.yaml")
    asked: list[str] = []
    real = trials.try_text
    monkeypatch.setattr(trials, "try_text", lambda *a, **more: asked.append(a[3]) or real(*a, **more))
    few = {"steps": 2, "questions": 4}
    boards = [run(on, start, **few)[-1][0] for _ in range(2)]
    assert set(few) <= set(FORM) and len(asked) == 2 and len(swept(tmp_path / "trials.db", start)) == 2
    assert [one["state"] for one in boards] == ["done", "done"] and boards[0]["points"] == boards[1]["points"]
    monkeypatch.setattr(studio, "host", read_host(given | {"HOSTED": "1"}))
    assert on._kept(start, [], [], [], studio.access) is None


def test_a_hosted_page_keeps_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ("--hosted", "--share"):
        assert main(["page", more, "--store", str(tmp_path / "trials.db")]) == 1
        assert "page --store: a hosted page keeps nothing" in capsys.readouterr().err
