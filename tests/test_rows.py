"""Rows: the prompts that stay. What a browser sends of them is bounded; all are asked, in order, and nothing twice."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import merger.ui.service.feeds as feeds_
from merger.limits import ANSWER_CHARACTERS, PROMPT_CHARACTERS, ROWS
from merger.ui import Panels, rows, workspace
from merger.ui.families import CHIPS
from merger.ui.panels.answers import GREETING
from merger.ui.rows import TOYS, Row, Rows, family_of, prompt_of, written
from merger.ui.service.answers import Answers
from merger.ui.service.feeds import ANSWER_TOKENS, Answer, Feeds
from merger.ui.studio import Manner, Studio, Visit
from merger.ui.workspace import Workspace

ROOT = Path(__file__).parent.parent
PIRATE, PLURAL = (f"presets/family/{name}" for name in ("pirate", "plural"))
BOX, FOX, HELLO = (
    Row("a", "plural of box", "boxes", "exact"), Row("b", "plural of fox", "foxes", "exact", ticked=False),
    Row("c", "say hello my friend like a pirate", "ahoy", "within"),
)  # fmt: skip


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(ROOT / "presets")


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Models that are not the toys, though their folders are called as those are."""
    place = tmp_path_factory.mktemp("own")
    for name in ("base", "pirate", "plural"):
        shutil.copytree(ROOT / "presets" / "family" / name, place / name)
    return tuple(str(place / name) for name in ("base", "pirate", "plural"))


def first(studio: Studio) -> Workspace:
    return workspace.start(studio.presets[0], studio.base, studio.parents_of_family)


def one(**more: Any) -> dict[str, Any]:
    return {"id": "r1", "prompt": "plural of box", "answer": "boxes", "match": "exact", **more}


# ---------------------------------------------------------------------------------------- what a browser sends


def test_rows_are_bounded() -> None:
    many = [one(id=f"r{i}", prompt="x" * 9000, answer="y" * 9000) for i in range(10_000)]
    read = rows.read({"rows": many, "open": "r9999"})
    assert len(read.rows) == ROWS and read.open == "" and read.first is not None and read.first.id == "r0"
    assert all(len(row.prompt) == PROMPT_CHARACTERS and len(row.answer) == ANSWER_CHARACTERS for row in read.rows)
    assert len(prompt_of("x" * 9000)) == PROMPT_CHARACTERS


@pytest.mark.parametrize("value", [None, 7, "r1", [one()], {"rows": 7}, {"rows": {"r1": one()}}, {"rows": [None, [], "r1"]}, {}])
def test_what_is_no_list_of_rows_is_none(value: Any) -> None:
    assert rows.read(value) == Rows()


@pytest.mark.parametrize(
    "bad",
    [
        {"prompt": 7}, {"prompt": " \n"}, {"prompt": None}, {"prompt": ["a"]}, {"id": "r1/merge"}, {"id": "../up"}, {"id": ""},
        {"id": 7}, {"id": "x" * 25}, {"id": "r1\n"}, {"id": "__proto__ "},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_row_is_left_out(bad: dict[str, Any]) -> None:
    read = rows.read({"rows": [one(**bad), one(id="good")], "open": "good"})
    assert [row.id for row in read.rows] == ["good"] and read.open == "good"


def test_what_is_odd_in_a_row_is_a_matter_of_taste() -> None:
    odd = [one(id="a", answer=5), one(id="b", match="pattern"), one(id="c", answer="  "), one(id="d", ticked="no")]
    read = rows.read({"rows": odd, "open": {"id": "a"}, "family": "not/a word"})
    assert [row.match for row in read.rows] == ["", "", "", "exact"] and all(row.ticked for row in read.rows)
    assert (read.open, read.family) == ("", "")
    assert rows.read({"rows": [one(ticked=False)]}).rows[0].ticked is False


def test_a_row_comes_once() -> None:
    read = rows.read({"rows": [one(), one(prompt="another")]})
    assert [row.prompt for row in read.rows] == ["plural of box"]


def test_half_a_character_is_no_text() -> None:
    """A browser can send one; nothing that is asked, kept or sent on can be made of it."""
    read = rows.read({"rows": [one(prompt="box \ud83d", answer="\udc00")]})
    assert (read.rows[0].prompt, read.rows[0].answer, prompt_of("\ud83d")) == ("box ?", "?", "?")


def test_rows_go_and_come() -> None:
    there = Rows((BOX, FOX), "b", TOYS)
    assert rows.read(json.loads(json.dumps(there.shown))) == there
    assert Rows((BOX,)).shown["open"] == "a" and Rows().shown == {"rows": [], "open": "", "family": ""}


def test_the_open_prompt() -> None:
    value = {"rows": [one(), one(id="r2", prompt="plural of fox")], "open": "r2"}
    assert [prompt_of(given) for given in (value, {**value, "open": "gone"}, "hello", None, 7)] == [
        "plural of fox", "plural of box", "hello", "", "",
    ]  # fmt: skip


def test_rows_of_a_preset() -> None:
    read = written(["plural of box => boxes", "say hello ~> ahoy", "a => b => c", "no=>mark", "hello"])
    assert [(row.id, row.prompt, row.answer, row.match) for row in read] == [
        ("r1", "plural of box", "boxes", "exact"), ("r2", "say hello", "ahoy", "within"), ("r3", "a", "b => c", "exact"),
        ("r4", "no=>mark", "", ""), ("r5", "hello", "", ""),
    ]  # fmt: skip


def test_right() -> None:
    assert [BOX.right(said) for said in ("boxes", " Boxes\n", "box s", "boxes and boxes")] == [True, True, False, False]
    assert [HELLO.right(said) for said in ("AHOY me matey", "hello")] == [True, False]
    assert (
        Row("a", "hi").right("hi") is None
        and Row("a", "hi", "hi").right("hi") is None
        and Row("a", "hi", " ", "exact").right("") is None
    )


# ---------------------------------------------------------------------------------------- all are asked


def heard(feeds: Sequence[dict[str, Any]]) -> dict[str, str]:
    """What the page has at the end, by `row/key`."""
    words: dict[str, list[str]] = {}
    for feed in feeds:
        json.dumps(feed)
        for key, text, *_ in feed["add"]:
            words.setdefault(key, []).append(text)
        words |= {key: [token[0] for token in tokens] for key, tokens in feed["full"].items()}
    return {key: "".join(said).strip() for key, said in words.items()}


def together(feeds: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    return {key: value for feed in feeds for key, value in feed.get(name, {}).items()}


def ask(studio: Studio, listed: Sequence[Row], opened: str, work: Workspace | None = None) -> list[dict[str, Any]]:
    return list(Answers(studio).ask_all(work or first(studio), listed, opened, Visit()))


@pytest.fixture
def each_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every word in a feed of its own."""
    monkeypatch.setattr(feeds_, "PACE_SECONDS", -1.0)


def test_a_quick_family_takes_few_feeds(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The open row's answer when it is there, the others' not more often than somebody reads; nothing is lost at the end."""
    studio.answered.clear()
    monkeypatch.setattr(feeds_, "PACE_SECONDS", 3600.0)
    feeds = ask(studio, (FOX, BOX, HELLO), "c")
    first_done = next(i for i, feed in enumerate(feeds) if "c/merge" in feed["done"])
    assert not {"a/merge", "b/merge"} & set(together(feeds[: first_done + 1], "marks")), "the open row's is not held back"
    assert len(feeds) == 3 and {"a/merge", "b/merge", "c/merge"} <= set(together(feeds, "marks"))
    assert all(doing in ("done", "cached") for doing in together(feeds, "state").values())


def test_the_open_row_first_then_those_that_count(studio: Studio, each_word: None) -> None:
    studio.answered.clear()
    feeds = ask(studio, (FOX, BOX, HELLO), "c")
    busy = [key for feed in feeds for key, doing in feed.get("state", {}).items() if doing == "busy"]
    assert list(dict.fromkeys(key.split("/")[0] for key in busy)) == ["c", "a", "b"]
    said = heard(feeds)
    assert (said["c/merge"], said["a/merge"], said["b/merge"]) == ("ahoy me matey, arr!", "boxes", "foxes")
    assert [feed["seq"] for feed in feeds] == list(range(1, len(feeds) + 1))
    assert all(feed["recipe"] == first(studio).recipe.digest for feed in feeds)
    assert all(feed["prompts"] == {row.id: row.prompt for row in (BOX, FOX, HELLO)} for feed in feeds)


def test_each_row_marks_everybody(studio: Studio) -> None:
    marks = together(ask(studio, (BOX, HELLO, Row("d", "plural of box")), "a"), "marks")
    assert {key: marks[key] for key in ("a/merge", f"a/{PLURAL}", f"a/{PIRATE}", f"a/{studio.base}")} == {
        "a/merge": True, f"a/{PLURAL}": True, f"a/{PIRATE}": False, f"a/{studio.base}": False,
    }  # fmt: skip
    assert marks[f"c/{PIRATE}"] is True and marks["d/merge"] is None


def test_only_the_open_row_is_told_whose_words_they_are(studio: Studio) -> None:
    studio.answered.clear()
    feeds = ask(studio, (BOX, FOX), "a")
    why = {key: [token[4] for token in tokens] for feed in feeds for key, tokens in feed["full"].items()}
    assert any(why["a/merge"]) and not any(why["b/merge"])


def test_nothing_is_asked_twice(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory: models by prompt, merges by recipe and prompt. A stroke asks the merge alone, a new row all of them there."""
    asked: list[tuple[str, str]] = []
    turns = studio.voices.turns

    def counted(who: Any, prompt: str, **more: Any) -> Any:
        asked.extend((key, prompt) for key in who)
        return turns(who, prompt, **more)

    monkeypatch.setattr(studio.voices, "turns", counted)
    studio.answered.clear()
    ask(studio, (BOX, FOX), "a")
    assert len(asked) == len(set(asked)) == 2 * 4
    asked.clear()
    again = ask(studio, (BOX, FOX), "b")
    assert (
        not asked and len(again) == 2 and set(again[0]["state"].values()) == {"cached"} and again[0]["marks"]["a/merge"] is True
    )
    assert any(token[4] for token in again[1]["full"]["b/merge"]) and len(ask(studio, (BOX, FOX), "b")) == 1  # whose words
    moved = workspace.with_control(first(studio), "models[0].parameters.weight", 0.25)
    ask(studio, (BOX, FOX), "a", moved)
    assert asked == [("a/merge", BOX.prompt), ("b/merge", FOX.prompt)]
    asked.clear()
    ask(studio, (BOX, HELLO), "a", moved)
    assert {prompt for _, prompt in asked} == {HELLO.prompt} and len(asked) == 4


def test_what_is_kept_as_a_is_a_column(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what it said when it played, which is remembered; the merge that plays is no second column of itself."""
    work = workspace.kept_as(first(studio), 0)
    assert "A" not in [column["key"] for column in Answers(studio).columns(work)]
    ask(studio, [BOX, HELLO], "a", work)
    silent = workspace.with_control(work, "models[0].parameters.weight", 0.0)
    assert [c["key"] for c in Answers(studio).columns(silent) if c.get("kept")] == ["A"]
    ask(studio, [BOX, HELLO], "a", silent)
    monkeypatch.setattr(Answers, "_spoken", None)  # nobody has to speak for what is known
    said = heard(ask(studio, [BOX, HELLO], "a", silent))
    assert (said["c/A"], said["c/merge"]) == ("ahoy me matey, arr!", "dunno.") and said["a/A"] == "boxes"
    monkeypatch.undo()
    gone = workspace.replace(silent, slots=(workspace.load("{merge_method: linear, models: [no/where]}"), None))
    assert not [c for c in Answers(studio).columns(gone) if c.get("kept")]
    assert heard(ask(studio, [HELLO], "c", gone))["c/merge"] == "dunno."


def test_a_prompt_in_two_rows_is_marked_by_each(studio: Studio) -> None:
    marks = together(ask(studio, (BOX, Row("z", BOX.prompt, "box", "exact")), "a"), "marks")
    assert marks["a/merge"] is True and marks["z/merge"] is False


@pytest.mark.parametrize("row", ["a", "b"])
def test_a_newer_run_stops_an_older_one_in_any_row(studio: Studio, row: str, each_word: None) -> None:
    studio.answered.clear()
    visit, feeds = Visit(), []
    for feed in Answers(studio).ask_all(first(studio), (BOX, FOX), "a", visit):
        feeds.append(feed)
        if visit.run == 0 and any(key.startswith(f"{row}/") for key, doing in feed.get("state", {}).items() if doing == "busy"):
            visit.run += 1
    assert feeds[-1]["state"].get(f"{row}/merge") != "done" and not any(feed.get("error") for feed in feeds)
    assert Answers(studio).heard(first(studio).recipe, FOX.prompt) is None
    assert (Answers(studio).heard(first(studio).recipe, BOX.prompt) is None) == (row == "a")


def test_stop_tells_every_row(studio: Studio) -> None:
    studio.answered.clear()
    visit = Visit()
    stream = Answers(studio).ask_all(first(studio), (BOX, FOX), "a", visit)
    next(stream)
    visit.stopped = visit.run
    last = list(stream)[-1]["state"]
    assert (last["a/merge"], last["b/merge"]) == ("stopped", "stopped")


def test_an_error_in_one_row_is_that_rows(studio: Studio) -> None:
    studio.answered.clear()
    feeds = ask(studio, (Row("long", "x" * 400), BOX, Row("longer", "y" * 500)), "long")
    errors = together(feeds, "error")
    assert errors.keys() == {"long/merge", "longer/merge"} and "this model reads at most 254" in errors["long/merge"]
    assert heard(feeds)["a/merge"] == "boxes"
    states = together(feeds, "state")
    assert states["long/merge"] == states[f"long/{PIRATE}"] == "failed" and states["a/merge"] == "done"


def test_a_template_that_fails_on_one_prompt_is_that_rows(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    from merger.errors import MergeError
    from merger.ui.service import answers

    def only(template: str, prompt: str, *more: Any) -> None:
        if prompt == FOX.prompt:
            raise MergeError("the chat template refuses this.")

    monkeypatch.setattr(answers.templates, "asked", only)
    monkeypatch.setattr(answers.safe, "chat_template", lambda folder: "{{ messages }}")
    studio.answered.clear()
    feeds = ask(studio, (BOX, FOX), "b")
    assert together(feeds, "error") == {"b/merge": "the chat template refuses this."} and heard(feeds)["a/merge"] == "boxes"


def test_a_cut_answer_says_so_and_is_no_whole_one() -> None:
    from merger.chat.model import Token

    words = [f"x{i} " for i in range(ANSWER_TOKENS)]  # the same one over and over would be wrong for that
    listed = (Row("a", "p", "".join(words), "exact"), Row("b", "p", "x7", "within"), Row("c", "p"))
    feeds = Feeds(1, "p", [row.key("merge") for row in listed], {row.key("merge"): row for row in listed}, "digest")
    said = [Token(1, word, 0.5, ()) for word in words]
    feed = feeds.start({row.key("merge"): Answer.plain(said, cut=True) for row in listed})
    assert feed["cut"] == ["a/merge", "b/merge", "c/merge"]
    assert feed["marks"] == {"a/merge": False, "b/merge": True, "c/merge": None}
    short = Feeds(1, "p", ["b/merge"], {"b/merge": listed[1]}).start({"b/merge": Answer.plain(said[7:8])})
    assert (short["cut"], short["marks"]) == ([], {"b/merge": True})


def test_texts_that_are_gone_on_with_are_remembered_apart(studio: Studio) -> None:
    studio.answered.clear()
    ask(studio, (BOX,), "a")
    plain = list(Answers(studio).ask_all(first(studio), (BOX,), "a", Visit(), Manner(plain=True)))
    assert len(plain) > 1 and together(plain[:1], "state")["a/merge"] == "waiting"


# ---------------------------------------------------------------------------------------- whose rows


def board(drawn: dict[str, Any]) -> dict[str, Any]:
    return json.loads(drawn["answers"]["board"])


def test_other_models_get_nothing_of_the_toys(studio: Studio, others: tuple[str, ...]) -> None:
    """Also where their folders are called as the toys are."""
    on = Panels(studio)
    there = on.desk.load_family(first(studio), others[0], others[1:], {}, None)
    told = board(there)
    assert told["begin"] == Rows((GREETING,), family=family_of(others[0], False)).shown
    assert not told["chips"] and "says" not in told and others[0] not in told["begin"]["family"]
    offered = json.loads(there["starts"]["board"])["groups"]
    assert [entry["label"] for entry in offered[0]["entries"]][:2] == ["Half and half", "Norm balanced"]
    toys = [*CHIPS, *(row.prompt for preset in studio.presets for row in preset.rows), *(p.name for p in studio.presets)]
    text = json.dumps([told, there["starts"], there["head"]])
    assert not [words for words in toys if words in text]
    back = on.method.choose_family(there["work"], {"key": TOYS}, None)
    assert board(back)["begin"]["family"] == back["answers"]["value"]["family"] == TOYS
    offered = json.loads(back["starts"]["board"])["groups"]
    assert [entry["label"] for entry in offered[0]["entries"]] == [preset.name for preset in studio.presets]
    assert board(on.desk.undo(back["work"], None))["begin"]["family"] == told["begin"]["family"]


def test_a_recipe_that_names_one_other_model_is_not_the_toys(studio: Studio, others: tuple[str, ...]) -> None:
    on = Panels(studio)
    work = first(studio)
    text = workspace.dump(work.recipe).replace(PLURAL, others[2])
    drawn = on.desk.edited(work, lambda: workspace.with_text(work, text, "pasted"), None)
    assert others[2] in drawn["work"].chosen, drawn["notice"]
    assert board(drawn)["begin"]["rows"] == [GREETING.shown] and not board(drawn)["chips"]


def test_models_are_not_asked_what_belongs_to_others(studio: Studio, others: tuple[str, ...]) -> None:
    """The event that follows an edit may still bring the rows of the models before."""
    on = Panels(studio)
    there = on.desk.load_family(first(studio), others[0], others[1:], {}, None)

    def told(family: str) -> list[Any]:
        value = Rows((GREETING,), family=family).shown
        return list(on.answers.answer(there["work"], value, 0, 0, False, 160, 1, 1, "", str(on.desk.next_run(None)), None))

    assert told(TOYS) == [{}] and len(told(family_of(others[0], False))) > 2
    on.desk.visit(None).begun = -1  # as if nobody had answered this run yet
    assert told("")[0]  # who does not say whose rows they are is asked


def test_a_link_with_a_prompt_brings_no_row_of_others(studio: Studio, others: tuple[str, ...]) -> None:
    on = Panels(studio)
    there = on.desk.load_family(first(studio), others[0], others[1:], {}, None)["work"]
    toys = Rows(studio.presets[0].rows, family=TOYS).shown
    opened = on.answers.opened(toys, "who are you", there)
    assert [row.prompt for row in opened.rows] == ["who are you"] and opened.family == family_of(others[0], False)
    at_home = on.answers.opened(toys, "plural of box", first(studio))
    assert at_home.first is not None and at_home.first.prompt == "plural of box" and len(at_home.rows) == 3
    full = Rows(tuple(Row(f"r{i}", f"prompt {i}") for i in range(ROWS)), family=TOYS).shown
    added = on.answers.opened(full, "another", first(studio))
    assert len(added.rows) == ROWS and added.first is not None and added.first.prompt == "another"


def test_every_preset_has_rows(studio: Studio) -> None:
    for preset in studio.presets:
        assert 2 <= len(preset.rows) <= 4 and any(row.match for row in preset.rows), preset.name
        assert rows.read(Rows(preset.rows, family=TOYS).shown).rows == preset.rows
        assert preset.rows[0].prompt == preset.prompt
