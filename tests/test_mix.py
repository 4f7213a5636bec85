"""One edit makes one Mix: it is planned, written and judged once, whoever asks, and only for those who may open its models."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

import merger.ui.mix as mix
from merger.errors import MergeError
from merger.recipe import dump, load
from merger.ui import PRESETS, Panels, lanes, workspace
from merger.ui.studio import Studio

ASKS: Any = SimpleNamespace(session_hash="me", query_params={}, request=None, headers={})


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often something was planned, judged and written since the dict was cleared."""
    seen: dict[str, int] = {}

    def counting(name: str, call: Any) -> Any:
        def counted(*args: Any, **more: Any) -> Any:
            seen[name] = seen.get(name, 0) + 1
            return call(*args, **more)

        return counted

    monkeypatch.setattr(mix, "make_plan", counting("plan", mix.make_plan))
    monkeypatch.setattr(mix, "verdict", counting("verdict", mix.verdict))
    monkeypatch.setattr(yaml, "dump", counting("yaml", yaml.dump))
    return seen


def painted(page: Studio, work: workspace.Workspace, number: float, **more: Any) -> dict[str, Any]:
    value, _ = lanes.describe(page.plan(work.recipe))
    lane = next(iter(value["lanes"]))
    value["lanes"][lane] = [number, *value["lanes"][lane][1:]]
    return {"lanes": value["lanes"], "seq": 1, **more}


@pytest.mark.parametrize("followed", [True, False])
def test_letting_go_of_a_bar_plans_writes_and_judges_once(counted: dict[str, int], followed: bool) -> None:
    page = Studio(PRESETS)
    on, work = Panels(page), workspace.start(page.presets[0], page.base, page.parents_of_family)
    value = painted(page, work, 0.31, followed=followed)
    counted.clear()
    released = on.mixer.release(work, value, False, ASKS)
    now = released["work"]
    on.mixer.judge(now, ASKS)
    for _ in on.answers.answer(now, "plural of box", 0, 0, False, 160, 1, 1, "", str(page.visit("me").run), ASKS):
        pass
    for tab in ("recipe", "inside", "models"):
        on.inside.draw(now, tab, None, None, ASKS)
        on.recipe.numbers(now, tab)
    on.recipe.check(now, "merge_method: nothing", ASKS)
    on.take.size(now, ASKS)
    assert on.recipe.drafted(now, released["yaml"])["drafted"] is False and on.recipe.revert(now)["yaml"] == released["yaml"]
    assert counted == {"plan": 1, "verdict": 1, "yaml": 1}
    stats = released["mixer"]["stats"]
    assert ('"kept": true' in stats) == followed and ('"summary"' in stats) != followed


def test_other_files_are_another_mix_and_access_is_asked_each_time(family: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Studio(PRESETS)
    recipe = load(f"{{merge_method: linear, models: [{family / 'a'}, {family / 'b'}], parameters: {{weight: 1}}}}")
    first = page.mix(recipe)
    assert page.mix(load(dump(recipe))) is first and first.plan is page.plan(recipe)
    page.parents.close(str(family / "a"))
    assert page.mix(recipe) is not first
    with monkeypatch.context() as patched:
        patched.setattr(type(page.access), "refusal", lambda *_: "not for you")
        patched.setattr(type(page.access), "check", lambda *_: (_ for _ in ()).throw(MergeError("not for you")))
        with pytest.raises(MergeError, match="not for you"):
            page.mix(recipe)


def test_what_is_kept_is_bounded(family: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Studio(PRESETS)
    text = "{merge_method: linear, models: [%s, %s], parameters: {weight: %s}}"
    made = [page.mix(load(text % (family / "a", family / "b", 1 + i))) for i in range(mix.KEPT + 3)]
    assert len(page.mixes._held) == mix.KEPT and page.mixes._held[made[-1].recipe] is made[-1]
    monkeypatch.setattr(mix, "PLANS_TENSORS", 2 * len(made[0].plan.jobs))
    assert all(one.plan.jobs for one in made)
    page.mix(made[-1].recipe)
    assert len(page.mixes._held) == 2
