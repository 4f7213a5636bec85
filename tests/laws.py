"""Recipes whose strip the page works out by itself, lanes as a hand could leave them, and what the engine says of them.

`python tests/laws.py` writes tests/js/law.json: a small sample of the embedded family, and for every kind of law a move with the
engine's strip. `node --test` holds the page's arithmetic to it; tests/test_js.py holds it to the engine.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import merger.ui.lanes as lanes
from merger.engine.plan import Plan
from merger.inspect.analysis import Sketch
from merger.methods import METHODS
from merger.ui import PRESETS
from merger.ui.service.strip import Strip
from merger.ui.studio import Studio
from merger.ui.workspace import Workspace, start, with_control, with_method, with_models, with_recipe

GOLDEN = Path(__file__).parent / "js" / "law.json"
POSITIONS = 16
SHARES = (0.0, 0.004, 0.005, 0.0051, 0.015, 0.125, 0.135, 0.245, 0.5, 0.994, 0.995, 0.999, 1.0)

CASES: list[tuple[str, dict[str, Any]]] = [
    *((m.name, {}) for m in METHODS.values() if m.law.combine == "sum"),
    *((name, {"rescale": how}) for name in ("ties", "dare_ties", "della", "breadcrumbs") for how in (True, False, "inverse")),
    ("dare_linear", {"seed": 7}),
]


def new_workspace(studio: Studio, method: str, **controls: Any) -> Workspace:
    """Three parents of the family under a method."""
    work = start(studio.presets[0], studio.base, studio.parents_of_family)
    work = with_models(work, studio.parents_of_family[:3])
    work = with_method(work, method)
    for name, value in controls.items():
        work = with_control(work, name if name == "seed" else f"parameters.{name}", value)
    return work


def moves(studio: Studio, work: Workspace, split: bool, count: int = 2) -> list[dict[str, list[float]]]:
    """Lanes as a hand could leave them: from ends to ends, DELLA's within what it allows."""
    rng = random.Random(work.recipe.merge_method + str(split))
    rows = lanes.lanes(studio.plan(work.recipe), split)
    width = len(lanes.columns(studio.plan(work.recipe)).columns)

    def number(name: str) -> float:
        if name == "weight":
            return rng.choice([0.0, 1.0, -0.5, round(rng.uniform(-1, 2), 2)])
        if name == "epsilon":
            return rng.choice([0.0, 0.04])
        if name == "gamma":
            return rng.choice([0.0, 0.01, round(rng.random(), 2)])
        return rng.choice([0.05, 1.0, 0.5, round(rng.uniform(0.05, 0.95), 2)])

    return [{row.path: [number(row.param.name) for _ in range(width)] for row in rows} for _ in range(count)]


class Small(Strip):
    """A strip that looks at few positions of a tensor."""

    small: Sketch | None = None

    def _sketch(self, plan: Plan) -> Sketch:
        self.small = self.small or Sketch(self.studio.parents.open(plan.recipe, self.studio.access), POSITIONS)
        return self.small


def golden() -> dict[str, Any]:
    """What the page has to come to: {sample, cases: [{name, law, lanes, strip}], percents: [[share, words]]}."""
    studio = Studio(PRESETS)
    small = Small(studio)
    sample: dict[str, Any] = {}
    cases: list[dict[str, Any]] = []
    for method, controls in CASES:
        work = new_workspace(studio, method, **controls)
        plan = studio.plan(work.recipe)
        law = small.law(work, plan)
        assert law is not None
        sample = small.sample(law.pop("sketch")) or {}
        (given,) = moves(studio, work, False, 1)
        strip = small.strip(with_recipe(work, lanes.painted(plan, given)))
        strip.pop("note")
        cases.append({"name": " ".join([method, *map(str, controls.values())]), "law": law, "lanes": given, "strip": strip})
    return {"sample": sample, "cases": cases, "percents": [[share, f"{share:.0%}"] for share in SHARES]}


def written(found: dict[str, Any]) -> str:
    """As JSON, a line for each case."""
    rows = ",\n".join(json.dumps(case, ensure_ascii=False) for case in found["cases"])
    head, tail = json.dumps(found["sample"]), json.dumps(found["percents"])
    return f'{{\n"sample": {head},\n"cases": [\n{rows}\n],\n"percents": {tail}\n}}\n'


if __name__ == "__main__":
    GOLDEN.write_text(written(golden()), encoding="utf-8")
