"""The head line: choosers, recipes to start from on any models, scenes of one's own, A and B by keys."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from merger.errors import MergeError
from merger.limits import SCENE_CHARACTERS
from merger.methods import METHODS
from merger.recipe import dump, load
from merger.ui import Panels, workspace
from merger.ui.desk import went_through
from merger.ui.panels.method import methods
from merger.ui.starts import BY_VOTE, starts
from merger.ui.studio import Studio
from merger.ui.workspace import Workspace

ROOT = Path(__file__).parent.parent
FAMILY = "presets/family"
PIRATE, PLURAL, SPELL = (f"{FAMILY}/{name}" for name in ("pirate", "plural", "spell"))


@pytest.fixture(scope="module")
def on() -> Panels:
    return Panels(Studio(ROOT / "presets", "cpu"))


def work_of(on: Panels, *models: str) -> Workspace:
    first = workspace.start(on.studio.presets[0], on.studio.base, on.studio.parents_of_family)
    return workspace.with_models(first, models)


def numbers(on: Panels, recipe: Any) -> list[list[float]]:
    """The weights of each model, by layer."""
    plan = on.studio.plan(recipe)
    names = [f"model.layers.{i}.mlp.up_proj.weight" for i in range(6)]
    jobs = {job.name: job for job in plan.jobs}
    return [[jobs[name].args.each("weight", len(recipe.models))[m] for name in names] for m in range(len(recipe.models))]


# ------------------------------------------------------------------------------------------------ starts


def started(on: Panels, work: Workspace, key: str) -> Any:
    drawn = on.begin.choose(work, {"key": key}, None)
    assert went_through(drawn), key
    assert drawn["work"].preset == next(start.label for start in starts(work) if start.key == key)
    return drawn["work"].recipe


def test_starts_are_what_they_say(on: Panels) -> None:
    two, three = work_of(on, PIRATE, PLURAL), work_of(on, PIRATE, PLURAL, SPELL)
    assert numbers(on, started(on, two, "equal")) == [[0.5] * 6] * 2
    assert numbers(on, started(on, three, "equal")) == [[0.333] * 6] * 3
    assert numbers(on, started(on, two, "halves")) == [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]
    assert numbers(on, started(on, three, "halves")) == [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]
    assert numbers(on, started(on, two, "last")) == [[0, 0, 0, 0, 0.5, 0.5]] * 2
    assert numbers(on, started(on, two, "alone 1")) == [[0] * 6, [1] * 6]
    vote = started(on, three, "vote")
    assert vote.merge_method == BY_VOTE and dump(vote).count("density: 0.3") == 3


def test_norm_balanced_gives_less_to_who_changed_more(on: Panels) -> None:
    from merger.inspect.analysis import combine
    from merger.ui.service.strip import Strip

    work = work_of(on, PIRATE, PLURAL, SPELL)
    weights = [row[0] for row in numbers(on, started(on, work, "balanced"))]
    whole = combine(Strip(on.studio).statistics(work.recipe)[1], "all")
    assert whole is not None
    pulls = [weight * size for weight, size in zip(weights, whole.size, strict=True)]
    assert max(pulls) / min(pulls) < 1.02 and max(whole.size) / min(whole.size) > 1.05
    assert sorted(range(3), key=weights.__getitem__) == sorted(range(3), key=lambda i: -whole.size[i])


def test_every_start_can_be_answered_and_undone(on: Panels) -> None:
    for models in ((PIRATE,), (PIRATE, PLURAL), (PIRATE, PLURAL, SPELL)):
        work = work_of(on, *models)
        for start in starts(work):
            now = on.begin.choose(work, {"key": start.key}, None)["work"]
            assert load(dump(now.recipe)) == now.recipe and now.chosen == models
            assert workspace.undone(now).recipe == work.recipe


@pytest.mark.parametrize("value", [None, 7, {}, {"key": "nobody"}, {"key": ["a"]}, {"key": "preset nobody"}, {"text": "- - -"}])
def test_nonsense_is_one_sentence(on: Panels, value: Any) -> None:
    work = work_of(on, PIRATE, PLURAL)
    try:
        drawn = on.begin.choose(work, value, None)
    except MergeError as error:
        assert str(error) == "There is no such preset."
    else:
        assert not went_through(drawn) and drawn["notice"]["value"].count("\n") <= 1


# ------------------------------------------------------------------------------------------------ scenes


def test_a_scene_is_kept_and_comes_back(on: Panels) -> None:
    work = work_of(on, PIRATE, PLURAL)
    drawn = on.begin.choose(work, {"keep": "  my own  "}, None)
    kept = json.loads(drawn["starts"]["board"])["kept"]
    assert kept == {"name": "my own", "text": dump(work.recipe)} and drawn["work"].preset == "my own"
    other = work_of(on, SPELL)
    back = on.begin.choose(other, {"text": kept["text"], "name": kept["name"]}, None)
    assert back["work"].recipe == work.recipe and back["work"].preset == "my own"


def test_a_scene_is_bounded(on: Panels) -> None:
    work = work_of(on, PIRATE, PLURAL)
    curve = ", ".join(["0.123456789012345"] * (SCENE_CHARACTERS // 17))
    many = load(dump(work.recipe).replace("weight: 0.5", f"weight: [{curve}]", 1))
    assert many != work.recipe
    with pytest.raises(MergeError, match="a browser keeps up to 40,000"):
        on.begin.choose(workspace.with_recipe(work, many), {"keep": "long"}, None)
    assert len(on.begin.choose(work, {"keep": "x" * 500}, None)["work"].preset) == 60


# ------------------------------------------------------------------------------------------------ methods


def test_the_menu_has_every_method_once(on: Panels) -> None:
    told = json.loads(methods(work_of(on, PIRATE)))
    entries = [entry for group in told["groups"] for entry in group["entries"]]
    assert sorted(entry["key"] for entry in entries) == sorted(METHODS)
    assert len({entry["label"] for entry in entries}) == len(entries) and all(entry["says"] for entry in entries)
    closed = {entry["key"] for entry in entries if entry["why"]}
    assert closed == {name for name, method in METHODS.items() if method.models[0] > 1}


# ------------------------------------------------------------------------------------------------ in a browser


@pytest.fixture
def page(open_page: Any) -> Iterator[Any]:
    yield open_page()


@pytest.mark.browser
@pytest.mark.long
def test_a_scene_outlives_a_reload(page: Any) -> None:
    expect = pytest.importorskip("playwright.sync_api").expect
    page.says("ahoy me matey, arr!")
    page.paint("pirate weight", 0.0)
    page.says("dunno.")
    box = page.box("start")
    box.get_by_role("textbox", name="Keep these settings under a name").fill("no pirates <b>")
    box.get_by_role("button", name="Keep", exact=True).click()
    expect(box.locator(".ch-own .ch-label")).to_have_text("no pirates <b>", timeout=10_000)
    page.page.keyboard.press("Escape")
    page.preset("Pirate who knows plurals")
    page.says("ahoy me matey, arr!")
    page.page.reload()
    page.page.wait_for_selector(".mixer .mx-track canvas")
    page.page.wait_for_timeout(1500)
    box = page.box("start")
    box.locator(".ch-own .ch-entry").click()
    page.says("dunno.")
    expect(page.value("start")).to_have_text("no pirates <b>")


@pytest.mark.browser
@pytest.mark.long
def test_choosers_by_keyboard(page: Any) -> None:
    expect = pytest.importorskip("playwright.sync_api").expect
    page.says("ahoy me matey, arr!")
    chooser = page.page.locator(".head [data-pop=method]")
    chooser.focus()
    page.page.keyboard.press("Enter")
    expect(page.page.locator("#pop-method")).to_be_visible()
    chosen = page.page.locator("#pop-method [role=radio][aria-checked=true]")
    expect(chosen).to_be_focused()
    page.page.keyboard.press("Escape")
    expect(page.page.locator("#pop-method")).to_be_hidden()
    expect(chooser).to_be_focused()
    page.page.keyboard.press("Enter")
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("Enter")
    expect(page.value("method")).to_have_text(METHODS["consensus_ta"].title, timeout=10_000)
    expect(chooser).to_be_focused()


@pytest.mark.browser
@pytest.mark.long
def test_a_and_b_by_keys(page: Any) -> None:
    """A press keeps, a later one goes there, Shift keeps anew; each says how it differs from what plays."""
    expect = pytest.importorskip("playwright.sync_api").expect
    page.says("ahoy me matey, arr!")
    a = page.page.get_by_role("button", name=re.compile("^A: "))
    a.focus()
    page.page.keyboard.press("Enter")
    expect(a).to_have_attribute("title", "what you hear now", timeout=10_000)
    page.paint("pirate weight", 0.0)
    page.says("dunno.")
    expect(a).to_have_attribute("aria-pressed", "false")
    a.focus()
    page.page.keyboard.press("Shift+Enter")
    expect(a).to_have_attribute("aria-pressed", "true", timeout=10_000)
    page.press("Undo")
    page.says("ahoy me matey, arr!")
    a.click()
    page.says("dunno.")


def test_a_name_is_one_panels(on: Panels) -> None:
    """Two components of one name would silently be one: an event would read the other's value."""
    on.desk.shows(**{"one of a kind": object()})
    with pytest.raises(ValueError, match="two components are called one of a kind"):
        on.desk.shows(**{"one of a kind": object()})
