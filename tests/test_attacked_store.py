"""A file of trials that somebody else has named, written, damaged or holds: one sentence, and nobody else's file is touched."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_store import HOME, PATHS, PROBES, recipe

from merger.errors import MergeError
from merger.files.checkpoints import open_checkpoint
from merger.search import store
from merger.search.store import Sweeps, swept
from merger.search.study import Order, _swept, space  # pyright: ignore[reportPrivateUsage]
from merger.search.trials import Answer, Trial, Vary

pytest.importorskip("optuna", reason="Optuna is not installed (requirements-dev.txt)")
VARIED = [Vary(PATHS[0], (0.0, 1.0))]
TRIAL = Trial("text", (0.5,), {"plural": 0.25}, (Answer("plural", "a", "b", True),), 1.0)


def kept(file: Path) -> Sweeps:
    return Sweeps(file, recipe(), VARIED, PROBES)


@pytest.mark.parametrize(
    "name", ["a?b.db", "%41.db", ":memory:", "file:x.db?mode=memory", "{SCHEMA_VERSION}{x}.db", "it's #1 é.db"]
)
@pytest.mark.long
def test_the_file_has_the_name_it_was_given(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept(Path(name)).keep(TRIAL)
    assert [path.name for path in Path().iterdir()] == [name]
    assert kept(Path(name)).known("text") == TRIAL == swept(Path(name), recipe())[0]


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "places.sqlite"
    with sqlite3.connect(file) as other:
        other.execute("create table bookmarks (address text)")
    before = file.read_bytes()
    with pytest.raises(MergeError, match=r"places\.sqlite: is the database of another program; name a new file"):
        kept(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_none(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "x")
    with pytest.raises(MergeError, match="x: is no file; name one"):
        kept(tmp_path / "x")


WRONG: tuple[dict[str, Any], ...] = (
    {"scores": {"plural": "much"}}, {"scores": {"plural": float("nan")}}, {"scores": {"a": True}}, {"scores": [1]}, {"recipe": 7},
    {"answers": [["a", "b", "c"]]}, {"answers": [[1, 2, 3, True]]}, {"answers": None}, {"point": [{}]}, {"seconds": "long"},
)  # fmt: skip


def test_what_others_have_written_is_no_trial(tmp_path: Path) -> None:
    """The next sweep asks again; it does not fail, and believes nothing."""
    study, optuna = kept(tmp_path / "t.db")._study, store.optuna()  # pyright: ignore[reportPrivateUsage]
    right = {"recipe": "text", "point": [0.5], "scores": {"plural": 1.0}, "answers": [], "seconds": 1.0}
    study.add_trials(
        optuna.create_trial(value=1.0, user_attrs=right | {"recipe": str(i)} | more) for i, more in enumerate((*WRONG, {}))
    )
    assert [trial.text for trial in swept(tmp_path / "t.db", recipe())] == [str(len(WRONG))]
    assert kept(tmp_path / "t.db").known(str(len(WRONG)))


def test_a_search_passes_over_what_is_no_recipe(tmp_path: Path) -> None:
    kept(tmp_path / "t.db").keep(TRIAL)
    at = recipe()
    order = Order(at.text or "", space(at), {}, tmp_path / "t.db", "tpe", 0, 8, 0.0)
    assert swept(tmp_path / "t.db", at) and _swept(order) == []


@pytest.mark.parametrize(
    "sql", ["update study_user_attributes set value_json = '{{{'", "update trial_user_attributes set value_json = char(0)"]
)
def test_a_damaged_file_is_one_sentence(sql: str, tmp_path: Path) -> None:
    made = kept(tmp_path / "t.db")
    made.keep(TRIAL)
    with sqlite3.connect(tmp_path / "t.db") as other:
        other.execute(sql)
    with pytest.raises(MergeError) as caught:
        swept(tmp_path / "t.db", recipe())
    assert str(caught.value).startswith(f"{tmp_path}/t.db: ") and "\n" not in str(caught.value)


def test_a_file_that_is_full_or_held_is_one_sentence(tmp_path: Path) -> None:
    made = kept(tmp_path / "t.db")
    with sqlite3.connect(tmp_path / "t.db") as other:
        other.execute("create trigger no before insert on trials begin select raise(abort, 'database or disk is full'); end")
    with pytest.raises(MergeError, match=r"t\.db: trials cannot be kept there: .*full"):
        made.keep(TRIAL)


def test_answers_by_another_chat_template_are_others(tmp_path: Path) -> None:
    """No weight changes with a template, and every answer does."""
    shutil.copytree(f"{HOME}plural", tmp_path / "m")
    models = {"m": open_checkpoint("m", tmp_path / "m")}
    before = store.stamp(models)
    assert store.stamp(models) == before
    (tmp_path / "m/chat_template.jinja").write_text("{{ messages[0].content }}", encoding="utf-8")
    assert store.stamp({"m": open_checkpoint("m", tmp_path / "m")}) != before
