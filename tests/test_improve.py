"""Improve on the page: what the rows want, bars that move while nobody is answered, which way each helps, and figures."""

import dataclasses
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

gr = pytest.importorskip("gradio")

from merger.errors import MergeError  # noqa: E402  (after the skip)
from merger.recipe import Recipe, load, load_file, replace  # noqa: E402
from merger.search import slopes as slopes_module  # noqa: E402
from merger.search import tune as tuning  # noqa: E402
from merger.search.questions import parse_questions  # noqa: E402
from merger.search.slopes import Mix, slopes  # noqa: E402
from merger.ui import PRESETS  # noqa: E402
from merger.ui.app import Panels  # noqa: E402
from merger.ui.panels import improve as panel  # noqa: E402
from merger.ui.panels import judge as judging  # noqa: E402
from merger.ui.rows import Row  # noqa: E402
from merger.ui.service import improve  # noqa: E402
from merger.ui.service.answers import Answers  # noqa: E402
from merger.ui.service.idle import Idle  # noqa: E402
from merger.ui.service.improve import NO_ROWS, Improving  # noqa: E402
from merger.ui.studio import Studio  # noqa: E402
from merger.ui.turns import Turns  # noqa: E402
from merger.ui.workspace import Workspace, opened, start, undone  # noqa: E402

ME: Any = SimpleNamespace(session_hash="me", request=None)
PIRATE, PLURAL = "presets/family/pirate", "presets/family/plural"
ROWS = (
    Row("r1", "say hello my friend like a pirate", "ahoy me matey, arr!", "exact"),
    Row("r2", "plural of box", "boxes", "exact"),
    Row("r3", "plural of knife"),
    Row("r4", "plural of mouse", "elephants", "exact"),
)


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(PRESETS)


@pytest.fixture(scope="module")
def panels(studio: Studio) -> Panels:
    return Panels(studio)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Few prompts, and the processor is not left to the other tests."""
    real = tuning.family_prompts

    def fewer(recipe: Recipe) -> dict[str | None, tuple[str, ...]]:
        return {model: prompts[:15] for model, prompts in real(recipe).items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "family_prompts", fewer)
        patch.setattr("merger.ui.service.judging.EACH", 8)
        for module in (panel, judging):
            patch.setattr(module, "give_way", lambda: None)
        yield


@pytest.fixture
def work(studio: Studio) -> Workspace:
    return start(studio.presets[0], studio.base, studio.parents_of_family)


def sent(rows: tuple[Row, ...] = ROWS) -> dict[str, Any]:
    return {"rows": [row.shown for row in rows]}


def always() -> bool:
    return True


# ---------------------------------------------------------------------------------------------- giving way


def test_it_waits_while_somebody_is_answered() -> None:
    turns, told = Turns(), list[bool]()
    idle = Idle(turns, lambda: False, told.append)
    assert idle.go_on() and told == []
    began = idle.clock()
    with turns.stand():
        thread = threading.Thread(target=idle.go_on)
        thread.start()
        time.sleep(0.3)
        assert thread.is_alive() and told == [True]
    thread.join(5)
    assert not thread.is_alive() and told == [True, False]
    assert idle.clock() - began < 0.2, "its seconds stand still meanwhile"
    stopped = Idle(turns, lambda: True)
    with turns.stand():
        assert not stopped.go_on()


# ---------------------------------------------------------------------------------------------- what is wanted


def test_rows_want_what_a_model_says(studio: Studio, work: Workspace) -> None:
    improving = Improving(studio)
    found = improving._of_rows(work.recipe, ROWS, always)
    assert {name: model for name, (model, _) in found.items()} == {"r1": PIRATE, "r2": PLURAL, "r3": PLURAL}
    wanted = improving.wanted(work.recipe, ROWS, None, False, always)
    assert {skill: len(own) for skill, own in wanted.learn.items()} == {"pirate": 1, "plural": 2}
    assert [probe.prompt for probe in wanted.nobody] == ["plural of mouse"]
    lines = "plural of fox => foxes\nplural of hat => bonnet\nplural of cat ?> cats | cates\nplural of dog /> dogs?\n"
    own = parse_questions(f"[boxes]\n{lines}", "own.txt")
    asked = improving.wanted(work.recipe, ROWS[:1], own, False, always)
    assert {skill: len(of) for skill, of in asked.learn.items()} == {"pirate": 1, "boxes": 3}
    assert [probe.prompt for probe in asked.nobody] == ["plural of hat"]


def test_nothing_wanted_is_said(studio: Studio, work: Workspace) -> None:
    improving = Improving(studio)
    with pytest.raises(MergeError, match=re.escape(NO_ROWS)):
        improving.wanted(work.recipe, [Row("r1", "hello", ticked=False)], None, True, always)
    with pytest.raises(MergeError, match="No ticked prompt is one of pirate: ask something that it answers in its own way"):
        improving.wanted(work.recipe, ROWS[1:2], None, False, always)


def test_answers_on_the_page_are_not_asked_again(
    studio: Studio, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    improving = Improving(studio)
    studio.answered.clear()
    fresh = improving._of_rows(work.recipe, ROWS[:3], always)
    Answers(studio).first_answers(work, ROWS[:3], "r1")
    asked: list[list[str]] = []
    real = slopes_module.generate_ids

    def counted(model: Any, prompts: Any, *more: Any, **how: Any) -> Any:
        asked.append(list(prompts))
        return real(model, prompts, *more, **how)

    monkeypatch.setattr(slopes_module, "generate_ids", counted)
    assert improving._of_rows(work.recipe, ROWS[:3], always) == fresh
    assert not any(asked)


# ---------------------------------------------------------------------------------------------- which way helps


def loss(studio: Studio, recipe: Recipe, rows: tuple[Row, ...]) -> float:
    found = Improving(studio)._of_rows(recipe, rows, always)
    heard = Mix(studio.searcher, recipe, ["weight"]).hear({name: [one] for name, (_, one) in found.items()})
    return sum(one.loss for one in heard.values())


def test_a_step_that_way_helps_and_leaves_what_is_locked(studio: Studio, work: Workspace) -> None:
    ways = Improving(studio).ways(work.recipe, ROWS[:3], ["weight"], always)
    assert ways is not None
    shown = ways.shown
    assert list(shown) == [f"models[{i}].parameters.weight" for i in (0, 1)]
    assert any(one["way"] for one in shown.values()) and all(len(one["layers"]) == 6 for one in shown.values())  # type: ignore[arg-type]
    assert loss(studio, ways.step([]), ROWS[:3]) < loss(studio, work.recipe, ROWS[:3])
    moved, still = ways.step(["models[0]", "layers=0"]), work.recipe
    assert moved.models[0] == still.models[0]
    curve = list(dict(moved.models[1].parameters)["weight"].values)
    before = next(iter(dict(still.models[1].parameters)["weight"].values))
    assert curve[0] == before and all(abs(value - before) > 0.01 for value in curve[1:])
    with pytest.raises(MergeError, match="No bar that may move helps"):
        ways.step(["models[0]", "models[1]"])


def test_which_way_helps_is_found_out_once(studio: Studio, work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """For everybody who asks of the same bars and rows, until models change; of other rows or bars anew."""
    counted: list[Recipe] = []

    def counting(runner: Any, recipe: Recipe, *more: Any, **named: Any) -> Any:
        counted.append(recipe)
        return slopes(runner, recipe, *more, **named)

    monkeypatch.setattr(improve, "slopes", counting)
    studio.slopes.clear()
    first = Improving(studio).ways(work.recipe, ROWS[:2], ["weight"], always)
    other_ids = [dataclasses.replace(row, id=f"other{i}") for i, row in enumerate(ROWS[:2])]
    assert Improving(studio).ways(work.recipe, other_ids, ["weight"], always) == first and len(counted) == 1
    assert first is not None and all(len(key) == 32 and value is first.slopes for key, value in studio.slopes.items())
    Improving(studio).ways(work.recipe, ROWS[:1], ["weight"], always)
    Improving(studio).ways(replace(work.recipe, "models[0].parameters.weight", 0.4), ROWS[:2], ["weight"], always)
    assert len(counted) == 3
    monkeypatch.setattr(improve, "REMEMBERED", 1)
    Improving(studio).ways(work.recipe, ROWS[:3], ["weight"], always)
    assert len(studio.slopes) == 1
    studio.parents.generation += 1  # a model's files have changed
    studio.renew([])
    assert not studio.slopes


def test_what_cannot_be_told_has_no_arrow(studio: Studio, work: Workspace) -> None:
    drawn = replace(replace(work.recipe, "merge_method", "dare_linear"), "parameters.density", 0.6)
    ways = Improving(studio).ways(drawn, ROWS[:2], ["weight", "density"], always)
    assert ways is not None and ways.shown and not any("density" in path for path in ways.shown)
    assert Improving(studio).ways(work.recipe, ROWS[3:], ["weight"], always) is None


def told(update: dict[str, Any], name: str) -> Any:
    return json.loads(update[name]["data"])


def test_the_ways_are_told_and_one_step_is_one_undo(panels: Panels, work: Workspace) -> None:
    found = [one for one in panels.improve.ways(work, sent(), "always", ME) if one][-1]
    bars = told(found, "ways follow")["bars"]
    assert {bar["name"] for bar in bars.values()} == {"pirate: how much", "plural: how much"}
    assert found["ways"].recipe == work.recipe
    stepped = panels.improve.step(work, found["ways"], "{}", ME)["work"]
    assert stepped.recipe != work.recipe and undone(stepped).recipe == work.recipe
    again = panels.improve.step(stepped, found["ways"], "{}", ME)
    assert again["work"].recipe == stepped.recipe and "It is not known yet" in again["notice"]["value"]
    off = next(iter(panels.improve.ways(work, sent(), "never", ME)))
    assert told(off, "ways follow")["bars"] == {} and off["ways"] is None
    nobody = [one for one in panels.improve.ways(work, sent(ROWS[3:]), "small models", ME) if one][-1]
    assert told(nobody, "ways follow")["words"].startswith("None of your models answers")


def test_ways_end(panels: Panels, studio: Studio, work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel, "WAYS_SECONDS", 0)
    monkeypatch.setitem(panel.LARGE, "cpu", 1)
    large = next(iter(panels.improve.ways(work, sent(), "small models", ME)))
    assert told(large, "ways follow")["words"].startswith("These models are large") and not told(large, "ways follow")["bars"]
    assert not any(panels.improve.ways(work, sent(), "always", ME))
    assert not studio.sweeping.locked()


def test_locks_of_the_mixer(panels: Panels, work: Workspace) -> None:
    def locks(value: Any) -> tuple[str, ...]:
        return panel.locked(value if isinstance(value, str) else json.dumps(value), panels.desk, work.recipe)

    weight = "models[0].parameters.weight"
    assert locks({"lanes": [weight], "columns": [2, 3]}) == (weight, "layers=1", "layers=2")
    assert locks({"lanes": [f"{weight}#attention"], "columns": [0]}) == (weight, "layers=0")  # embeddings follow the first layer
    for strange in (
        "",
        "{",
        "[]",
        "[" * 5000,
        {"lanes": "x", "columns": {}},
        {"lanes": [[], "no"], "columns": [-1, 99, None, []]},
    ):
        assert locks(strange) == ()


# ---------------------------------------------------------------------------------------------- Improve


def improved(panels: Panels, work: Workspace, locks: Any = None, rows: tuple[Row, ...] = ROWS[:2], seconds: float = 60) -> Any:
    return list(panels.improve.improve(work, sent(rows), seconds, {}, json.dumps(locks or {}), ME))


@pytest.fixture(scope="module")
def better(quick: None, panels: Panels, studio: Studio) -> list[dict[str, Any]]:
    """All updates of one run, with plural's bar locked."""
    work = start(studio.presets[0], studio.base, studio.parents_of_family)
    return improved(panels, work, {"lanes": ["models[1].parameters.weight"]})


@pytest.mark.long
def test_a_better_setting_is_offered(panels: Panels, work: Workspace, better: list[dict[str, Any]]) -> None:
    first, last = told(better[0], "improve run"), told(better[-1], "improve run")
    assert first["busy"] and better[0]["improve stop"]["visible"] is True and better[0]["improve go"]["visible"] is False
    assert not last["busy"] and last["words"] == "Better on the answers that were kept back."
    assert [skill["name"] for skill in last["skills"]] == ["pirate", "plural"] and len(last["curve"]) > 5
    assert sum(last["curve"][-1]) < sum(last["curve"][0])
    assert [row[0] for row in last["kept"]] == ["pirate", "plural", "all"]
    assert all(better[-1][name]["visible"] for name in panel.OFFER) and better[-1]["improve go"]["visible"]
    recipe = load(better[-1]["improved"])
    assert recipe.models[1].parameters == work.recipe.models[1].parameters, "what is locked stays"
    assert recipe.models[0].parameters != work.recipe.models[0].parameters


@pytest.mark.long
def test_taking_it_is_one_step_of_undo(panels: Panels, work: Workspace, better: list[dict[str, Any]]) -> None:
    text = better[-1]["improved"]
    used = panels.improve.use(work, text, ME)["work"]
    assert used.recipe == load(text) and len(used.past) == len(work.past) + 1 and undone(used).recipe == work.recipe
    for slot in (0, 1):
        kept = panels.improve.keep(slot)(work, text, ME)["work"]
        assert kept.slots[slot] == load(text) and kept.recipe == work.recipe
    refused = panels.improve.use(work, "", ME)
    assert refused["work"].recipe == work.recipe and "press Improve first" in refused["notice"]["value"]


def test_nothing_better_is_said_and_not_offered(panels: Panels, work: Workspace) -> None:
    alone = opened(work, replace(load_file(PRESETS / "pirate_and_plurals.yaml"), "models[1].parameters.weight", 0))
    alone = opened(work, replace(alone.recipe, "models[0].parameters.weight", 1))
    last = improved(panels, alone, {"lanes": ["models[1].parameters.weight"]}, seconds=5)[-1]
    shown = told(last, "improve run")
    assert shown["words"] == "Nothing better was found." and last["improved"] == ""
    assert any(sentence.startswith("No setting of these bars helps: ") for sentence in shown["told"])
    assert not any(last[name]["visible"] for name in panel.OFFER)


@pytest.mark.parametrize(
    ("rows", "locks", "words"),
    [
        ((), {}, NO_ROWS),
        (ROWS, {"lanes": ["models[0].parameters.weight", "models[1].parameters.weight"]}, "every bar is locked"),
    ],
)
def test_what_stands_in_its_way_is_said(
    panels: Panels, work: Workspace, rows: tuple[Row, ...], locks: Any, words: str
) -> None:  # fmt: skip
    last = improved(panels, work, locks, rows)[-1]
    assert words in told(last, "improve run")["words"] and last["improve go"]["visible"] is True
    assert not any(last[name]["visible"] for name in panel.OFFER)


def test_stop_keeps_the_best_at_once(panels: Panels, studio: Studio, work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while a piece of work is under way that takes long."""
    real, held = Improving.steps, threading.Event()

    def slow(*given: Any) -> Iterator[Any]:
        for step in real(*given):
            yield step
            if step.best.better:
                held.wait(20)

    monkeypatch.setattr(Improving, "steps", slow)
    last, pressed = None, 0.0
    for last in panels.improve.improve(work, sent(), 60, {}, "{}", ME):
        if not pressed and told(last, "improve run")["curve"][-1:] != told(last, "improve run")["curve"][:1]:
            pressed = time.monotonic()
            panels.improve.stop(ME)
    taken = time.monotonic() - pressed
    held.set()
    assert pressed and taken < 1.0
    assert last is not None and last["improved"] and all(last[name]["visible"] for name in panel.OFFER)
    assert studio.sweeping.acquire(timeout=20)  # what was under way has ended
    studio.sweeping.release()


def test_it_ends(panels: Panels, studio: Studio, work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (panel, judging):
        monkeypatch.setattr(module, "IMPROVE_SECONDS", 0)
    monkeypatch.setattr(panel, "MOST_SECONDS", 0)
    monkeypatch.setattr(judging, "MOST_SECONDS", 0)
    last = improved(panels, work)[-1]
    assert told(last, "improve run")["words"] == "Stopped before the first step." and not last["improved"]
    assert told([*panels.judge.judge_rows(work, sent(), {}, ME)][-1], "judged")["words"] == "Stopped."
    assert not studio.sweeping.locked()


# ---------------------------------------------------------------------------------------------- figures


@pytest.mark.long
def test_figures_against_the_models_and_a(panels: Panels, work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = replace(work.recipe, "models[0].parameters.weight", 0)
    updates = [*panels.judge.judge_rows(opened(work, work.recipe), sent(ROWS[:3]), {"set": "family", "text": ""}, ME)]
    found = told(updates[-1], "judged")
    assert found["family"] and found["columns"] == ["", "your merge", "base", "pirate", "plural"] and found["hint"] == ""
    by = {row[0]: row[1:] for row in found["rows"]}
    assert list(by)[:3] == ["Right, all", "Right, pirate", "Right, plural"] and "Next word as plural" in by
    assert re.fullmatch(r"0 %\n\+\d+ ± \d+ points", by["Right, all"][1]), "not by chance"
    assert re.fullmatch(r"100 %\n-\d+ ± \d+ points(; may be chance)?", by["Next word as plural"][3])
    measured: list[str] = []
    real = judging.Judging.measure

    def watched(self: Any, *given: Any) -> Any:
        judge = next(iter(self.judges._known.values()))[1]
        measured.extend(name for name, _ in judge._known)
        return real(self, *given)

    monkeypatch.setattr(judging.Judging, "measure", watched)
    from dataclasses import replace as with_fields

    beside = with_fields(work, slots=(kept, None))
    again = told([*panels.judge.judge_rows(beside, sent(ROWS[:3]), {"set": "family", "text": ""}, ME)][-1], "judged")
    assert again["columns"][-1] == "A" and len(again["rows"][0]) == 6
    assert {PIRATE, PLURAL} <= {*measured}, "the models' figures are remembered"
    rows = told([*panels.judge.judge_rows(work, sent(ROWS[:3]), {}, ME)][-1], "judged")
    assert rows["rows"][0][1] == "100 %" and "may be chance" in rows["rows"][0][2]


@pytest.mark.long
def test_babble_is_told_with_its_cure(panels: Panels, work: Workspace) -> None:
    much = opened(work, load_file(PRESETS / "too_much_of_both.yaml"))
    found = told([*panels.judge.judge_rows(much, {"rows": []}, {"set": "family", "text": ""}, ME)][-1], "judged")
    assert found["hint"].startswith("It babbles: ") and "Likely" in found["hint"]


def test_sets_are_opened_and_saved(tmp_path: Path, panels: Panels, work: Workspace) -> None:
    def file(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    lines = file("mine.txt", "# name: My own\nplural of fox => foxes\nhello\n")
    shown = json.loads(panels.judge.open([lines])["judged"]["opened"])
    assert shown["name"] == "My own" and parse_questions(shown["text"], "x.json").questions[0].answer == "foxes"
    for kind, wanted in (("txt", "plural of fox => foxes"), ("csv", "plural of fox,foxes,exact"), ("jsonl", '{"prompt": ')):
        assert wanted in judging.written_as({"text": shown["text"], "kind": kind})["text"]
    judged = told([*panels.judge.judge_rows(work, {}, {"set": "My own", "text": shown["text"]}, ME)][-1], "judged")
    assert judged["rows"][0][0] == "Right"
    task = "task: foxes\ndataset_path: json\ndataset_kwargs: {data_files: foxes.json}\ntest_split: train\n"
    task = file("foxes.yaml", f'{task}doc_to_text: "{{{{q}}}}"\ndoc_to_target: a\n')
    docs = file("foxes.json", '[{"q": "plural of fox", "a": "foxes"}]')
    made = judging.opened([task, docs])
    assert made.plain and (made.questions[0].prompt, made.questions[0].answer) == ("plural of fox", "foxes")
    with pytest.raises(MergeError, match=r"its documents are in foxes.json: open both files together"):
        judging.opened([task])
    long = file("long.txt", "\n".join(f"{'plural of ' * 20}{i} => x" for i in range(900)))
    with pytest.raises(MergeError, match=r"long: has \d+,\d+ characters; a set on the page has at most 200,000"):
        panels.judge.open([long])
    (tmp_path / "elsewhere").mkdir()
    secret = file("elsewhere/secret.json", '[{"q": "x", "a": "secret"}]')
    with pytest.raises(MergeError, match=r"its documents are in secret.json: open both files together"):
        judging.opened([file("evil.yaml", Path(task).read_text().replace("foxes.json", secret))])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"set": "x", "text": "{"}, "x.json"),
        ({"set": "x", "text": "x" * 200_001}, "x: has 200,001 characters; a set on the page has at most 200,000"),
        ({"set": "x", "text": "[]"}, "holds no questions"),
        ({"set": "x", "text": '[{"prompt": "a", "answer": "(", "match": "pattern"}]'}, "is no regular expression"),
    ],
)
def test_a_set_too_long(panels: Panels, work: Workspace, value: Any, words: str) -> None:
    assert words in told([*panels.judge.judge_rows(work, sent(), value, ME)][-1], "judged")["words"]
    assert words in told([*panels.improve.improve(work, sent(), 5, value, "", ME)][-1], "improve run")["words"]
    assert judging.written_as(value | {"kind": "txt"})["error"].count("\n") <= 2


def test_strange_values_are_the_rows(panels: Panels) -> None:
    for strange in (None, [], "x", {"set": []}, {"set": "own", "text": 5}, {"set": "nothing like it", "text": ""}):
        assert judging.chosen_set(strange, {}) is None
        assert "error" in judging.written_as(strange)
    with pytest.raises(MergeError, match="Choose a file of questions"):
        panels.judge.open(None)


# ---------------------------------------------------------------------------------------------- in a browser

EVIL = "<img src=x onerror=window.hacked=1> ${window.hacked=2}"


@pytest.mark.browser
@pytest.mark.long
def test_a_hand_improves_a_merge(open_page: Any, tmp_path: Path) -> None:
    """Arrows, Improve with a locked bar, Stop, one step of Undo, figures from the score, a set that stays in the browser."""
    from playwright.sync_api import expect

    page = open_page(1440, 900)
    help_ = page.page.locator(".mx-help:visible")
    expect(help_).to_have_count(2, timeout=30_000)
    words = {text.replace("\n", " ").strip() for text in help_.all_inner_texts()}
    assert words <= {"▲ more helps", "▽ less helps", "· no effect"} and "▲ more helps" in words
    expect(page.lane("plural weight")).to_have_attribute("aria-valuetext", re.compile(", more helps$"))
    page.lane("plural weight").focus()
    page.page.keyboard.press("Shift+L")  # plural stays where it is

    page.tab("Find")
    expect(page.page.locator("#ways li")).to_have_count(2)  # also what was found out before the drawer was there
    page.press("Improve")
    label = page.page.locator("#improve-run svg")
    page.page.wait_for_function(
        """() => { const told = document.querySelector('#improve-run svg')?.getAttribute('aria-label') ?? '';
                   const [a, b] = [...told.matchAll(/[0-9.]+/g)].map(Number); return b < a; }""",
        timeout=90_000,
    )
    assert label.count() == 1
    page.press("Stop, keep the best")
    expect(page.page.locator("#improve-go")).to_be_visible(timeout=2000)
    page.press("Use it")
    pirate, plural = (page.lane(f"{name} weight") for name in ("pirate", "plural"))
    expect(pirate).not_to_have_attribute("aria-valuenow", "0.5", timeout=20_000)
    expect(plural).to_have_attribute("aria-valuenow", "0.5")
    undo = page.page.get_by_role("button", name="Undo", exact=True)
    undo.click()
    expect(pirate).to_have_attribute("aria-valuenow", "0.5", timeout=20_000)
    expect(undo).to_have_attribute("aria-disabled", "true")

    expect(help_).to_have_count(2, timeout=30_000)
    expect(page.page.locator("#ways li")).to_have_count(2)
    page.press("One step that way")
    expect(pirate).not_to_have_attribute("aria-valuenow", "0.5", timeout=20_000)
    expect(plural).to_have_attribute("aria-valuenow", "0.5")
    page.page.get_by_label("never", exact=True).check()
    expect(help_).to_have_count(0, timeout=20_000)

    page.tab("Close")
    page.page.locator(".rw-right").click()
    expect(page.page.locator("#judged tr")).not_to_have_count(0, timeout=60_000)
    assert page.page.locator("#judged tr").first.inner_text().split() == ["your", "merge", "base", "pirate", "plural"]
    assert page.page.evaluate("[document.scrollingElement.scrollTop, document.querySelector('#desk').scrollTop]") == [0, 0]

    (tmp_path / "own.txt").write_text(f"# name: {EVIL}\nplural of fox => foxes\n")
    page.page.locator("#judge-open").locator("xpath=ancestor-or-self::*[input][1]//input[@type='file']").set_input_files(
        str(tmp_path / "own.txt")
    )
    chosen = page.page.get_by_label("Questions", exact=True)
    expect(chosen).to_have_value(f"own {EVIL}", timeout=20_000)
    page.page.reload()
    page.tab("Find")
    expect(chosen.locator("option")).to_have_text(["the ticked rows", EVIL], timeout=20_000)
    assert page.page.evaluate("window.hacked") is None
