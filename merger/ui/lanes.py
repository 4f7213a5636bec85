"""Recipe <-> Mixer: what stands in the recipe as numbers per column, and what was painted as recipe settings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from merger.errors import RecipeError
from merger.layout import Board, board
from merger.params import Param
from merger.plan import Plan, TensorJob
from merger.recipe import Recipe, replace_all

Values = dict[str, list[float]]
"""Lane path -> one number per column."""


@dataclass(frozen=True)
class Lane:
    """One row of faders: a parameter of one model, or of the whole recipe (model None). `path` is its place in the recipe."""

    path: str
    param: Param
    model: int | None
    label: str

    @property
    def name(self) -> str:
        """What a screen reader calls it."""
        return f"{self.label} {self.param.name}"


def short_names(references: Sequence[str]) -> dict[str, str]:
    """The last part of each reference, the whole where that is not unique.

    >>> short_names(["presets/family/pirate", "a/tiny", "b/tiny"])
    {'presets/family/pirate': 'pirate', 'a/tiny': 'a/tiny', 'b/tiny': 'b/tiny'}
    """
    last = {r: r.rstrip("/").rsplit("/", 1)[-1] or r for r in references}
    return {r: name if list(last.values()).count(name) == 1 else r for r, name in last.items()}


def columns(plan: Plan) -> Board:
    """The Mixer's columns for a plan."""
    return board([job.name for job in plan.jobs], plan.layout)


def lanes(plan: Plan) -> tuple[Lane, ...]:
    """The lanes of a plan: every per-model number of its method; without one, the method's shared ones (slerp's t)."""
    recipe = plan.recipe
    job = next((j for j in plan.jobs if j.method is not None), None)
    if job is None or recipe.slices:
        return ()
    names = short_names(recipe.references)
    numbers = [p for p in recipe.method.params if p.kind == "float"]
    index = {entry.model: i for i, entry in enumerate(recipe.models)}
    found = [
        Lane(f"models[{index[source.model]}].parameters.{param.name}", param, i, names[source.model])
        for param in numbers if param.per_model
        for i, source in enumerate(job.sources) if source.model in index
    ]  # fmt: skip
    if found:
        return tuple(found)
    label = " to ".join(names[source.model] for source in job.sources)
    return tuple(Lane(f"parameters.{p.name}", p, None, label) for p in numbers if p.required)


def values(plan: Plan, rows: Sequence[Lane], grid: Board) -> tuple[Values, frozenset[str]]:
    """What each lane shows in each column, from the resolved jobs; and the lanes whose columns hold several values."""
    shown: Values = {}
    mixed: set[str] = set()
    jobs = {job.name: job for job in plan.jobs if job.method is not None}
    for lane in rows:
        shown[lane.path] = []
        for column in grid.columns:
            found = [_number(jobs[name], lane) for name in column.names if name in jobs]
            shown[lane.path].append(round(math.fsum(found) / len(found), 6) if found else 0.0)
            if len(set(found)) > 1:
                mixed.add(lane.path)
    return shown, frozenset(mixed)


def _number(job: TensorJob, lane: Lane) -> float:
    value = dict(job.args)[lane.param.name if lane.param.name != "lambda" else "lambda_"]
    return float(value[lane.model] if isinstance(value, tuple) and lane.model is not None else value)  # type: ignore[arg-type]


def painted(plan: Plan, changed: Mapping[str, Any], *, split: bool = False) -> Recipe:
    """The plan's recipe with painted lanes; what the browser sent is checked like any recipe.

    Layers become a curve with one number each, which mergekit reads as the same numbers. Embeddings, final norm and head
    become rules before it, where they differ from the curve's first value (which is what a curve gives them).
    """
    rows = {lane.path: lane for lane in lanes(plan)}
    grid = columns(plan)
    before, _ = values(plan, list(rows.values()), grid)
    changes: dict[str, Any] = {}
    for path, numbers in changed.items():
        if path not in rows:
            raise RecipeError(f"{path}: is not a lane of this recipe.")
        if not isinstance(numbers, list) or len(numbers) != len(grid.columns):
            raise RecipeError(f"{path}: needs one number for each of {len(grid.columns)} columns.")
        if not all(isinstance(n, (int, float)) and math.isfinite(n) for n in numbers):
            raise RecipeError(f"{path}: only numbers can be painted.")
        now = [round(float(n), 4) for n in numbers]
        if now != [round(n, 4) for n in before[path]]:
            changes[path] = _setting(now, grid, plan)
    return replace_all(plan.recipe, changes) if changes else plan.recipe


def _setting(numbers: list[float], grid: Board, plan: Plan) -> Any:
    curve = [n for n, column in zip(numbers, grid.columns, strict=True) if column.kind == "layer"]
    first = curve[0] if curve else numbers[0]
    rules = [
        {"filter": pattern, "value": number}
        for number, column in zip(numbers, grid.columns, strict=True) if column.kind != "layer" and number != first
        for pattern in _patterns(column.names, plan)
    ]  # fmt: skip
    body: Any = first if len(set(curve)) <= 1 else curve
    return [*rules, {"value": body}] if rules else body


def _patterns(names: Sequence[str], plan: Plan) -> list[str]:
    """Filters for tensors outside the main stack: their whole names, or the prefix of another stack."""
    found = [plan.layout.place(name)[0] or name for name in names]
    return list(dict.fromkeys(found))


def _why_locked(recipe: Recipe) -> str:
    if recipe.slices:
        return "This recipe is made of slices; the bars work on whole models."
    return f"{recipe.merge_method} decides by itself how much of each model it takes; there is nothing to paint."


def describe(plan: Plan, initial: Values | None = None, *, split: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """(value, board) for the Mixer component: the numbers, and what they mean. `initial`: what Reset goes back to."""
    rows, grid = lanes(plan), columns(plan)
    shown, mixed = values(plan, rows, grid)
    params = {lane.param.name: lane.param for lane in rows}
    slots = {model: i for i, model in enumerate(dict.fromkeys(lane.model for lane in rows if lane.model is not None))}
    return (
        {"lanes": shown, "seq": 0},
        {
            "columns": [{"label": c.label, "kind": c.kind, "layer": c.layer} for c in grid.columns],
            "params": [{"name": p.name, "label": p.label or p.name, "help": p.help} for p in params.values()],
            "lanes": [
                {
                    "path": lane.path, "model": lane.label, "param": lane.param.name, "name": lane.name,
                    "slot": slots[lane.model] if lane.model is not None else None,
                    "low": lane.param.low, "high": lane.param.high, "view": list(lane.param.slider), "step": lane.param.step,
                    "default": float(lane.param.default) if isinstance(lane.param.default, (int, float)) else 0.5,
                    "note": "set by rules inside the layers; painting replaces them" if lane.path in mixed else "",
                }
                for lane in rows
            ],
            "initial": initial or shown,
            "locked": not rows,
            "note": "" if rows else _why_locked(plan.recipe),
        },
    )  # fmt: skip
