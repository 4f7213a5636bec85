"""How far models pull against each other: against its definition, against chance, and as a hand changes it."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import merger.ui.lanes as lanes
import merger.ui.workspace as workspace
from merger.engine.document import open_models, reader
from merger.engine.plan import make_plan
from merger.inspect.analysis import Contest, contest, measure
from merger.methods import METHODS
from merger.recipe import load
from merger.ui import PRESETS
from merger.ui.service.strip import ABOUT, Strip, words_for
from merger.ui.studio import Studio

SIZES = (1.0, 0.3, 0.05, 2.0)
SUMMING = sorted(m.name for m in METHODS.values() if m.law.combine == "sum")


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(PRESETS)


def by_hand(rows: Sequence[Sequence[float]]) -> Contest:
    """The definition, a position at a time."""
    pulls = [sum(map(abs, row)) / max(1, sum(x != 0 for x in row)) for row in rows]
    against = chance = 0.0
    met = 0
    for column in zip(*rows, strict=True):
        here = sorted((i for i, x in enumerate(column) if x), key=lambda i: -pulls[i])
        if len(here) > 1:
            lead, *others = here
            against += 1 - math.prod(1 - pulls[i] / pulls[lead] for i in others if column[i] * column[lead] < 0)
            chance += 1 - math.prod(1 - pulls[i] / pulls[lead] / 2 for i in others)
            met += 1
    return Contest(against, chance, met)


def tossed(n: int, numel: int, *sizes: float, seed: int = 0) -> torch.Tensor:
    """Changes of unrelated models."""
    return torch.randn(n, numel, generator=torch.Generator().manual_seed(seed)) * torch.tensor(sizes or (1.0,) * n)[:, None]


def test_the_definition_a_position_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("merger.inspect.analysis._STRETCH", 100)
    for n in (1, 2, 3, 5):
        terms = tossed(n, 333, *SIZES[:n], *[0.7] * (n - 4)) * (torch.rand(n, 333, generator=torch.Generator()) < 0.6)
        assert contest(terms.view(n, 9, 37)) == pytest.approx(by_hand(terms.tolist()), rel=1e-6)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_chance_is_that_of_as_many_unrelated_models(n: int) -> None:
    found = contest(tossed(n, 20_000))
    assert found.chance / found.met == pytest.approx(1 - 2 * 0.5**n, abs=0.02)  # their pulls are not quite equal
    assert found.against / found.met == pytest.approx(1 - 2 * 0.5**n, abs=0.02)


def test_a_model_counts_by_its_pull_and_at_weight_nothing_not_at_all() -> None:
    one, other = tossed(2, 4000)
    opposed = torch.stack([one, -one])
    assert contest(opposed).beyond == pytest.approx(0.5) and contest(torch.stack([one, one])).beyond == pytest.approx(-0.5)
    tenth = contest(torch.stack([one, -0.1 * one])).beyond
    assert tenth == pytest.approx(0.05)
    beyond = [contest(torch.stack([one, -one, w * other])).beyond or 0 for w in (0.3, 0.1, 0.01, 0.001, 0)]
    steps = [abs(x - beyond[-1]) for x in beyond]
    assert steps == sorted(steps, reverse=True) and steps[-2] < 1e-3  # no leap where a bar comes down to nothing
    assert contest(torch.stack([one, 0 * other])) == Contest() and contest(one[None]).beyond is None


def test_trimming_does_not_count_for_or_against() -> None:
    terms = tossed(2, 40_000) * (torch.rand(2, 40_000, generator=torch.Generator().manual_seed(1)) < 0.2)
    found = contest(terms)
    assert found.met == pytest.approx(0.04 * 40_000, rel=0.1) and found.chance / found.met == pytest.approx(0.5, abs=0.02)
    assert abs(found.beyond or 9) < ABOUT


def test_numbers_that_are_none_take_no_part() -> None:
    one, other = tossed(2, 100)
    assert contest(torch.stack([one, other, torch.full_like(one, math.inf)])) == contest(torch.stack([one, other]))


@pytest.fixture(scope="module")
def unrelated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base and four models of unequal size that know nothing of each other; `twin` and `foe` of the first."""
    root = tmp_path_factory.mktemp("unrelated")
    changes = 0.02 * tossed(4, 96 * 96, *SIZES)
    models = {"base": torch.zeros(96 * 96), **{f"m{i}": x for i, x in enumerate(changes)}, "twin": changes[0], "foe": -changes[0]}
    for name, values in models.items():
        (root / name).mkdir()
        save_file({"w": (1 + values).view(96, 96)}, root / name / "model.safetensors")
    return root


def told(root: Path, method: str, models: Sequence[str]) -> float:
    recipe = load(f"{{merge_method: {method}, base_model: base, models: [{', '.join(models)}], parameters: {{weight: 0.7}}}}")
    opened = open_models(recipe, [root])
    decided = make_plan(recipe, opened)
    found = measure(decided.jobs[0], reader(opened), decided.layout).contest.beyond
    assert found is not None
    return found


@pytest.mark.parametrize("method", SUMMING)
def test_unrelated_models_of_unequal_size_are_about_chance(unrelated: Path, method: str) -> None:
    density = "" if method == "task_arithmetic" else ", density: 0.3"
    assert len(SUMMING) > 7
    for models in (("m0", "m1"), ("m0", "m1", "m2", "m3")):
        recipe = (
            f"{{merge_method: {method}, base_model: base, models: [{', '.join(models)}], parameters: {{weight: 0.7{density}}}}}"
        )
        opened = open_models(load(recipe), [unrelated])
        decided = make_plan(load(recipe), opened)
        found = measure(decided.jobs[0], reader(opened), decided.layout).contest
        assert found.met > 300 and abs(found.beyond or 9) < ABOUT, models
    assert told(unrelated, method, ("m0", "foe")) > 0.3 and told(unrelated, method, ("m0", "twin")) < -0.3


# ---------------------------------------------------------------------------------------------- in words


@pytest.mark.parametrize(("beyond", "floor", "said"), [
    (None, [None] * 6, "do not touch the same weights"),
    (0.049, [0.0] * 6, "about as much as chance"),
    (-0.051, [0.2] * 6, "less than chance"),
    (0.2, [0.2] * 6, "more than chance"),
    (0.06, [0.2, 0.2, 0.2, 0.0, None, 0.2], "more than chance, layers 1–2"),
    (0.01, [0.0, 0.0, 0.0, 0.0, 0.06, 0.0], "about as much as chance, more in layer 4"),
    (0.2, [0.0, 0.2, 0.0, 0.2, 0.2, 0.0], "more than chance, layers 1, 3–4"),
])  # fmt: skip
def test_the_sentence(beyond: float | None, floor: list[float | None], said: str) -> None:
    assert words_for(beyond, floor, [0, 1, 2, 3, 4, 0]) == said


def test_many_runs_are_cut() -> None:
    assert words_for(0.2, [0.2, 0.0] * 4, list(range(1, 9))) == "more than chance, layers 1, 3, 5 …"


def test_the_line_moves_with_the_bars_under_task_arithmetic(studio: Studio) -> None:
    work = workspace.start(studio.presets[0], studio.base, studio.parents_of_family)
    decided = studio.plan(work.recipe)
    assert work.recipe.merge_method == "task_arithmetic"

    def floor(weight: float) -> list[Any]:
        painted = lanes.painted(decided, {"models[0].parameters.weight": [0.5, weight, *[0.5] * 6]})
        return Strip(studio).strip(workspace.with_recipe(work, painted))["floor"]

    before, lower, gone = floor(0.5), floor(0.2), floor(0.0)
    assert before[1] != lower[1] and before[2:] == lower[2:] and abs(lower[1]) < abs(before[1]) and gone[1] is None


def test_layers_where_one_model_pulls_have_no_bar(studio: Studio) -> None:
    preset = next(p for p in studio.presets if p.name == "Early pirate, late plurals")
    told = Strip(studio).strip(workspace.start(preset, studio.base, studio.parents_of_family))
    assert told["floor"][1] is None and told["floor"][3] is not None


# ---------------------------------------------------------------------------------------------- in a browser


@pytest.mark.long
def test_painting_moves_the_line_and_a_layer_opens_inside(open_page: Any) -> None:
    page = open_page()
    canvas = page.page.locator(".mx-strip-canvas")
    line = page.page.get_by_role("img", name=re.compile("^Pull against each other: "))
    assert line.get_attribute("aria-label") == "Pull against each other: about as much as chance"
    page.page.wait_for_timeout(600)  # the sample is there
    before = canvas.evaluate("(c) => c.toDataURL()")
    box = page.lane("pirate weight").bounding_box()
    page.page.mouse.move(box["x"] + 100, box["y"] + box["height"] / 2)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + box["width"] - 100, box["y"] + box["height"] - 8, steps=12)
    page.page.wait_for_timeout(200)
    assert canvas.evaluate("(c) => c.toDataURL()") != before  # under the hand, not only when it is let go
    page.page.mouse.up()
    canvas.focus()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("ArrowRight")
    assert re.fullmatch(r"layer 1 of 6: .* chance", page.page.locator(".mx-tip").text_content())
    page.page.keyboard.press("Enter")
    facts = page.page.locator("#inspect-facts")
    facts.get_by_text("layer 1 of 6").wait_for(timeout=10_000)
