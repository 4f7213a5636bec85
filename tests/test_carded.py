"""What was judged on the page goes on the card of the merge that is published: of this very recipe, or nothing."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hub_standin import WRITER, Hub, alone

pytest.importorskip("gradio")

from merger import merge
from merger.recipe import replace as changed
from merger.ui import PRESETS
from merger.ui.app import Panels
from merger.ui.panels import judge as judging
from merger.ui.rows import Row
from merger.ui.service import carded
from merger.ui.service.answers import Answers
from merger.ui.studio import GREEDY, Studio, Visit
from merger.ui.workspace import Workspace, start, with_control

ROOT = Path(__file__).parent.parent
ME: Any = SimpleNamespace(session_hash="me", request=None)
ROWS = (
    Row("r1", "plural of box", "boxes", "exact"),
    Row("r2", "plural of mouse", "elephants", "exact"),
    Row("r3", "plural of knife"),
    Row("r4", "plural of fox", "x", "exact", ticked=False),
)
SENT = {"rows": [row.shown for row in ROWS]}


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(PRESETS)


@pytest.fixture
def panels(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Panels:
    studio.answered.clear()
    monkeypatch.setattr("merger.ui.service.judging.EACH", 4)
    monkeypatch.setattr(judging, "give_way", lambda: None)
    return Panels(studio)


@pytest.fixture
def work(studio: Studio) -> Workspace:
    return start(studio.presets[0], studio.base, studio.parents_of_family)


def judge(panels: Panels, work: Workspace, chosen: Any) -> Any:
    *_, last = panels.judge.judge_rows(work, SENT, chosen, ME)
    return json.loads(last["judged"]["data"])


def ask(studio: Studio, work: Workspace, manner: Any = GREEDY) -> None:
    assert not any(feed.get("error") for feed in Answers(studio).ask_all(work, ROWS, "r1", Visit(), manner, idle=0))


def test_rows_count_when_all_of_them_are_answered_by_this_very_merge(panels: Panels, studio: Studio, work: Workspace) -> None:
    """Nothing before, nothing after a stroke, nothing of answers drawn by chance."""
    assert panels.judge.for_card(work, SENT, ME) == ()
    ask(studio, work, GREEDY.__class__(temperature=1.0, seed=3))
    assert panels.judge.for_card(work, SENT, ME) == ()
    ask(studio, work)
    (figure,) = panels.judge.for_card(work, SENT, ME)
    assert (figure.of, figure.value, figure.questions, figure.about) == ("the ticked rows", 0.5, 2, "1 right")
    more = {"rows": [*SENT["rows"], Row("r5", "plural of cat", "cats", "exact").shown]}
    assert panels.judge.for_card(work, more, ME) == (), "one of them has not been asked"
    moved = with_control(work, "models[0].parameters.weight", 0.1)
    assert panels.judge.for_card(moved, SENT, ME) == (), "another recipe"
    assert panels.judge.for_card(work, SENT, ME) == (figure,), "and back again"
    assert panels.judge.for_card(work, {"rows": [ROWS[2].shown]}, ME) == (), "nothing is right or wrong of a matter of taste"


def test_an_answer_that_was_cut_off_is_not_right(panels: Panels, studio: Studio, work: Workspace) -> None:
    """As on the page."""
    from dataclasses import replace

    ask(studio, work)
    name = next(key for key in studio.answered if key[1] == "plural of box" and key[0] not in studio.family)
    studio.answered[name] = replace(studio.answered[name], cut=True)
    (figure,) = panels.judge.for_card(work, SENT, ME)
    assert figure.value == 0


@pytest.mark.long
def test_what_judge_has_measured_of_it(panels: Panels, studio: Studio, work: Workspace) -> None:
    shown = judge(panels, work, {"set": "family", "text": ""})
    by = {figure.name: figure for figure in panels.judge.for_card(work, {"rows": []}, ME)}
    assert [*by] == ["share right", "share right, pirate", "share right, plural"]
    whole = by["share right"]
    assert f"{whole.value:.0%}".replace("%", " %") == shown["rows"][0][1] and whole.questions == 8
    assert whole.of == "the family's own questions" and "against base: +" in whole.about
    moved = with_control(work, "models[0].parameters.weight", 0.1)
    assert panels.judge.for_card(moved, {"rows": []}, ME) == ()
    other: Any = SimpleNamespace(session_hash="somebody else", request=None)
    assert panels.judge.for_card(work, {"rows": []}, other) == ()
    ask(studio, work)
    assert {figure.of for figure in panels.judge.for_card(work, SENT, ME)} == {whole.of, "the ticked rows"}
    judge(panels, work, {})
    assert [figure.of for figure in panels.judge.for_card(work, SENT, ME)] == ["the ticked rows"], "once"
    other = {"rows": [ROWS[1].shown]}
    assert [figure.value for figure in panels.judge.for_card(work, other, ME)] == [0], "what was judged of other rows is not told"
    studio.parents.generation += 1  # a model's files have changed
    try:
        assert all(figure.about == "1 right" for figure in panels.judge.for_card(work, SENT, ME)), "of the judge nothing is left"
    finally:
        studio.parents.generation -= 1
    panels.judge.leave("me")
    assert panels.judge.for_card(work, {"rows": []}, ME) == ()


def test_it_stands_in_the_head_of_the_card_and_only_where_it_is_wanted(
    panels: Panels, studio: Studio, work: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(monkeypatch, tmp_path / "cache")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ask(studio, work)

    def merge_to(work: Any, folder: Path, progress: Any, cancelled: Any) -> None:
        merge(work.recipe, folder, roots=[ROOT])

    def published(name: str, noted: bool, work: Workspace = work) -> str:
        judged = lambda: panels.judge.for_card(work, SENT, ME)  # noqa: E731
        *_, last = panels.publish.publish(
            work, "me", WRITER, merge_to, tuple, "", "writer", name, "private", True, noted, False, judged=judged,
            facts=carded.facts(),
        )  # fmt: skip
        assert "Published" in str(last["publish notice"])
        return hub.repos[f"writer/{name}"].files["README.md"].decode()

    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        card = published("with", True)
        (result,) = yaml.safe_load(card.split("---\n")[1])["model-index"][0]["results"]
        assert result["dataset"]["name"] == "the ticked rows" and result["dataset"]["args"]["questions"] == 2
        assert result["metrics"] == [{"type": "accuracy", "name": "share right", "value": 0.5}]
        assert "| the ticked rows: share right | 0.5 | 2 | 1 right |" in card and "torch" in result["dataset"]["args"]
        assert "model-index" not in published("without", False)
        moved = with_control(work, "models[0].parameters.weight", 0.1)
        assert changed(work.recipe, "models[0].parameters.weight", 0.1) == moved.recipe
        assert "model-index" not in published("moved", True, moved)
