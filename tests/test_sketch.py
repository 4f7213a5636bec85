"""The page follows a drag by itself: web/law/ in a real browser against the engine, for every method it knows."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from laws import CASES, moves, new_workspace

import merger.ui.lanes as lanes
from merger.hub.access import ANYTHING, Access
from merger.ui import PRESETS
from merger.ui.bundle import bundle
from merger.ui.service.strip import Strip
from merger.ui.sketch import Sketches, compared, law
from merger.ui.studio import Studio
from merger.ui.workspace import start, with_control, with_models, with_recipe

STRIP = """async ([sample, law, moves]) => {
  const meter = part.meterOf(await part.sketchOf(sample), law);
  return moves.map((lanes) => meter(lanes));
}"""


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(PRESETS)


@pytest.fixture(scope="module")
def blank(browser: Any) -> Iterator[Any]:
    page = browser.new_page()
    page.add_script_tag(content=bundle("mixer").rpartition("part.start(")[0])  # all but what needs gradio
    yield page
    page.close()


@pytest.mark.parametrize(("method", "controls"), CASES, ids=[f"{m} {c}" for m, c in CASES])
@pytest.mark.long
def test_the_browser_counts_as_the_engine_does(studio: Studio, blank: Any, method: str, controls: dict[str, Any]) -> None:
    work = new_workspace(studio, method, **controls)
    for split in (False,) if controls else (False, True):
        own = replace(work, split=split)
        plan = studio.plan(own.recipe)
        found = Strip(studio).law(own, plan)
        assert found is not None and "sketch" in found
        numbers = moves(studio, own, split)
        here = blank.evaluate(STRIP, [Strip(studio).sample(found["sketch"]), found, numbers])
        for given, strip in zip(numbers, here, strict=True):
            there = Strip(studio).strip(with_recipe(own, lanes.painted(plan, given)))
            assert strip["floor"] == [x if x is None else pytest.approx(x, abs=6e-5) for x in there["floor"]]  # rounded there
            assert strip["summary"] == there["summary"]
            for path, remark in strip["lanes"].items():
                assert _percents(remark) == pytest.approx(_percents(there["lanes"][path]), abs=1)
                assert SHARE.sub("%", remark) == SHARE.sub("%", there["lanes"][path])


SHARE = re.compile(r"(\d+) %")


def _percents(text: str) -> list[int]:
    return [int(share) for share in SHARE.findall(text)]


def test_a_drag_is_seen_in_the_numbers(studio: Studio, blank: Any) -> None:
    """The comparison above is of something: strips differ from move to move, and are no empty ones."""
    work = new_workspace(studio, "ties")
    found = Strip(studio).law(work, studio.plan(work.recipe))
    assert found is not None
    strips = blank.evaluate(STRIP, [Strip(studio).sample(found["sketch"]), found, moves(studio, work, False)])
    assert len({str(strip["floor"]) for strip in strips}) == len(strips)
    assert any(0 < abs(x) < 1 for strip in strips for x in strip["floor"] if x is not None)


def test_what_only_python_can_say_has_no_law(studio: Studio, blank: Any) -> None:
    sce = new_workspace(studio, "sce")
    assert Strip(studio).law(sce, studio.plan(sce.recipe)) is None
    rules = [{"filter": "mlp", "value": 0.2}, {"value": 0.7}]
    mixed = new_workspace(studio, "ties")
    mixed = with_control(mixed, "models[0].parameters.weight", rules)
    assert law(studio.plan(mixed.recipe), False) is None and law(studio.plan(mixed.recipe), True) is None
    slerp = next(p for p in studio.presets if p.recipe.merge_method == "slerp")
    work = start(slerp, studio.base, studio.parents_of_family)
    assert Strip(studio).law(work, studio.plan(work.recipe)) == {"still": True}


def test_numbers_that_the_method_refuses_are_left_to_python(studio: Studio, blank: Any) -> None:
    work = new_workspace(studio, "della")
    found = Strip(studio).law(work, studio.plan(work.recipe))
    assert found is not None
    given = moves(studio, work, False, 1)[0]
    for path in given:
        if path.endswith(("density", "epsilon")):
            given[path] = [0.5] * len(given[path])
    assert blank.evaluate(STRIP, [Strip(studio).sample(found["sketch"]), found, [given]]) == [None]


def test_lanes_of_another_board_are_left_to_python(studio: Studio, blank: Any) -> None:
    work = new_workspace(studio, "ties")
    found = Strip(studio).law(work, studio.plan(work.recipe))
    assert found is not None
    given = moves(studio, work, False, 1)[0]
    given.pop(next(iter(given)))
    assert blank.evaluate(STRIP, [Strip(studio).sample(found["sketch"]), found, [given]]) == [None]


def test_a_sample_is_told_to_those_who_know_its_word(studio: Studio) -> None:
    work = new_workspace(studio, "ties")
    plan = studio.plan(work.recipe)
    held = Sketches(nbytes=1)
    sketch = Strip(studio)._sketch(plan)
    word = held.word(plan, sketch)
    made = held.fetch(word, ANYTHING)
    assert made is not None and made["models"] == 3 and len(made["tensors"]) == len(compared(plan))
    assert held.fetch("", ANYTHING) is None and held.fetch(None, ANYTHING) is None and held.fetch({"a": 1}, ANYTHING) is None
    other = with_models(work, studio.parents_of_family[:2])
    second = held.word(studio.plan(other.recipe), sketch)
    assert held.fetch(second, Access(folders=frozenset({studio.base}))) is None  # its word is not enough
    assert second != word and held.fetch(word, ANYTHING) is None and held.fetch(second, ANYTHING) is not None  # no room for two
