"""A verdict that counts tensors together which are merged alike says what one counted tensor by tensor would say."""

import json
import math
from pathlib import Path

import pytest
import tiny

from merger.engine import costs
from merger.engine.budget import memory_together
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.inspect import alike
from merger.inspect.kinship import Samples
from merger.inspect.verdict import verdict
from merger.recipe import Recipe, load, replace_all

CASES = {
    "a curve": {"models[0].parameters.weight": [0.1, 0.9], "models[1].parameters.density": [1.0, 0.2]},
    "nothing in half": {"models[0].parameters.weight": [{"filter": "mlp", "value": 0}, {"value": 0.5}]},
    "names and curves": {"models[1].parameters.weight": [{"filter": "norm", "value": 0.2}, {"value": [0.0, 0.0, 1.0]}]},
}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    made: dict[str, Path] = tiny.make_family(tmp_path_factory.mktemp("alike"), models=("base", "a", "b"), layers=3)
    models = ", ".join(f"{{model: {made[n]}, parameters: {{weight: 0.5, density: 0.5}}}}" for n in "ab")
    return load(f"{{merge_method: ties, base_model: {made['base']}, models: [{models}], dtype: float32}}")


@pytest.mark.parametrize("case", CASES)
def test_tensors_judged_together_are_judged_as_one_by_one(recipe: Recipe, case: str) -> None:
    models = open_models(recipe)
    verdict(recipe, models, make_plan(recipe, models))  # so that the next is a move
    moved = replace_all(recipe, CASES[case])
    plan = make_plan(moved, models)
    judged = verdict(moved, models, plan)
    samples = Samples({reference: models[reference] for reference in moved.merged})
    still = alike.fixed(plan, samples)
    assert len(alike.alike(plan, still)) < len(plan.jobs) and judged.numel == sum(job.numel for job in plan.jobs)
    for share in judged.shares:
        does = kept = 0.0
        for job, alters in zip(plan.jobs, still.alters, strict=True):
            for i, source in job.donors:
                if source.model == share.model and job.args.one("weight", i) != 0 and job.args.one("density", i) != 0:
                    does += job.numel * alters[i]
                    kept += job.numel * min(job.args.one("density", i), alters[i])
        assert share.does == round(does) and math.isclose(share.kept, kept, rel_tol=1e-9)
    assert judged.memory == memory_together(plan.jobs)
    assert math.isclose(judged.seconds, costs.START + sum(map(costs.seconds, plan.jobs)), rel_tol=1e-9)


def test_what_does_not_depend_on_the_numbers_is_kept_through_a_move(recipe: Recipe) -> None:
    models = open_models(recipe)
    samples = Samples({reference: models[reference] for reference in recipe.merged})
    first = make_plan(recipe, models)
    still = alike.fixed(first, samples)
    moved = make_plan(replace_all(recipe, CASES["a curve"]), models)
    assert moved.jobs != first.jobs and alike.fixed(moved, samples) is still
    others = open_models(recipe)
    assert alike.fixed(make_plan(recipe, others), samples) is not still


def test_a_file_that_changes_between_two_moves_is_read_again(recipe: Recipe) -> None:
    """What is kept is the models' vocabularies and settings as long as their small files are what they were."""
    models = open_models(recipe)
    one, two = (replace_all(recipe, {"models[0].parameters.weight": weight}) for weight in (0.3, 0.6))
    first = make_plan(one, models)
    before = verdict(one, models, first).findings
    second = make_plan(two, models)
    assert second.layout is first.layout and verdict(two, models, second).findings == before
    settings = models[recipe.models[0].model].folder / "tokenizer_config.json"
    kept = settings.read_text() if settings.exists() else None
    try:
        settings.write_text(json.dumps(json.loads(kept or "{}") | {"chat_template": "<|im_start|>{{ messages }}"}))
        third = make_plan(one, models)
        assert third.layout is first.layout
        now = verdict(one, models, third).findings
        assert "no template" in {finding.kind for finding in now} - {finding.kind for finding in before}
    finally:
        settings.unlink()
        if kept is not None:
            settings.write_text(kept)
    assert verdict(two, models, make_plan(two, models)).findings == before
