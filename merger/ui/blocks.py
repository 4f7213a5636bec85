"""A recipe's slices as blocks of layers: what the page draws of them, and the recipe of blocks that were moved. No gradio."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, groupby
from math import fsum, isfinite
from typing import Any

from merger.engine.plan import Plan
from merger.errors import RecipeError
from merger.limits import RECIPE_LAYERS
from merger.methods.params import Param
from merger.recipe import Entry, Recipe, Slice, replace_all
from merger.recipe.between import effective
from merger.ui.lanes import inks, short_names


@dataclass(frozen=True)
class Source:
    """A model that layers can be taken from."""

    model: str
    layers: int


def sources(recipe: Recipe, shelf: Sequence[str], layers: Mapping[str, int]) -> tuple[Source, ...]:
    """Those in the stack, in the order in which they come, then the others on the desk. layers: of each model that is open."""
    named = [*dict.fromkeys(entry.model for part in recipe.slices for entry in part.sources), *shelf]
    return tuple(Source(model, layers[model]) for model in dict.fromkeys(named) if layers.get(model))


def describe(plan: Plan, known: Sequence[Source], shelf: Sequence[str], base: str, weights: int) -> dict[str, Any]:
    """The board of the stack: models, blocks with [model, first, end] for each source, and a sentence.

    weights  of one whole model
    """
    recipe = plan.recipe
    at = {source.model: i for i, source in enumerate(known)}
    labels, ink = short_names([base, *shelf, *recipe.references]), inks([*shelf, *at])
    return {
        "models": [
            {
                "name": labels.get(s.model, s.model), "full": s.model, "layers": s.layers,
                "ink": None if s.model == base else ink[s.model],
            }
            for s in known
        ],
        "blocks": [
            {
                "of": i,
                "sources": [[at[e.model], *(e.layer_range or (0, 0))] for e in part.sources],
                "numbers": [_shown(path, name, param, value, labels) for path, name, param, value in _numbers(recipe, i)],
            }
            for i, part in enumerate(recipe.slices)
        ],
        "foot": _foot(plan, known, labels, weights),
    }  # fmt: skip


def _shown(path: str, model: str | None, param: Param, value: float, labels: Mapping[str, str]) -> dict[str, Any]:
    low, high = param.slider
    name = param.label or param.name
    label = f"{labels.get(model, model)}: {name}" if model is not None else name
    return {"path": path, "label": label, "low": min(low, value), "high": max(high, value), "step": param.step, "value": value}


def _numbers(recipe: Recipe, i: int) -> Iterator[tuple[str, str | None, Param, float]]:
    """The numbers of a block that mixes models: path, whose it is, and its mean over the block."""
    part = recipe.slices[i]
    if len(part.sources) < 2:
        return
    base = part.base_model or recipe.base_model if recipe.method.takes == "deltas" else None
    length = _length(part)
    for param in recipe.method.params:
        if param.kind != "float" or not (param.per_model or param.required):
            continue
        for j, entry in enumerate(part.sources) if param.per_model else [(None, None)]:
            if entry is not None and entry.model == base:
                continue
            setting = effective(recipe, param, part, entry)
            found = [x for k in range(length) if isinstance(x := setting.at("", k, length), (int, float))]
            where = f"slices[{i}].parameters" if j is None else f"slices[{i}].sources[{j}].parameters"
            value = round(fsum(found) / len(found), 4) if found else 0.0
            yield f"{where}.{param.name}", entry.model if entry else None, param, value


def _length(part: Slice) -> int:
    first, end = part.sources[0].layer_range or (0, 0)
    return end - first


def _foot(plan: Plan, known: Sequence[Source], labels: Mapping[str, str], weights: int) -> str:
    """Layers, weights, and what runs twice, in words."""
    taken = {entry.model for part in plan.recipe.slices for entry in part.sources}
    counts = sorted({source.layers for source in known if source.model in taken})
    own = "one model" if len(taken) == 1 else f"{len(taken)} models"
    made = _many(sum(job.numel for job in plan.jobs))
    size = f"{made} weights" + (f" instead of {_many(weights)}" if made != _many(weights) else "")
    return f"{plan.layout.layers} layers from {own} of {' and '.join(map(str, counts))}. {size}.{_twice(plan.recipe, labels)}"


def _twice(recipe: Recipe, labels: Mapping[str, str]) -> str:
    """Layers that run more than once, by their number, whoever they are from."""
    whose: dict[int, list[set[str]]] = {}
    for part in recipe.slices:
        here: dict[int, set[str]] = {}
        for entry in part.sources:
            for k in range(*(entry.layer_range or (0, 0))):
                here.setdefault(k, set()).add(entry.model)
        for k, models in here.items():
            whose.setdefault(k, []).append(models)
    again = {k: found for k, found in sorted(whose.items()) if len(found) > 1}
    if not again:
        return ""
    models = set[str]().union(*(one for found in again.values() for one in found))
    of = f" of {labels.get(only, only)}" if len(models) == 1 and (only := next(iter(models))) else ""
    many = f", from {len(models)} models" if len(models) > 1 else ""
    often = "twice" if max(map(len, again.values())) == 2 else "more than once"
    return f" Layer{'s' * (len(again) > 1)} {runs([k + 1 for k in again])}{of} run{'s' * (len(again) == 1)} {often}{many}."


def runs(numbers: Sequence[int]) -> str:
    """Rising numbers, in short.

    >>> runs([1, 2, 3, 7, 9, 10])
    '1–3, 7, 9–10'
    """
    step = count()
    groups = [list(run) for _, run in groupby(numbers, key=lambda n: n - next(step))]
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in groups)


def _many(weights: int) -> str:
    """
    >>> _many(178_000_000), _many(1_234_567), _many(9_000)
    ('178M', '1.2M', '9,000')
    """
    for unit, word in ((10**9, "B"), (10**6, "M")):
        if weights >= unit:
            return f"{weights / unit:.{0 if weights >= 100 * unit else 1}f}{word}"
    return f"{weights:,}"


# ---------------------------------------------------------------------------------------------- what a hand did


def edited(recipe: Recipe, value: Any, known: Sequence[Source]) -> Recipe:
    """The recipe with the blocks, or the number of a block, that a browser sent; checked like any recipe.

    value  {blocks: [{of: the slice that it was or is a part of, sources: [[model, first, end], …]}, …]}, or
           {set: a number's path, to: the number}
    """
    if not recipe.slices:
        raise RecipeError("The stack: this recipe has no slices any more.")
    if isinstance(value, dict) and "set" in value:
        return _number(recipe, value)
    blocks = value.get("blocks") if isinstance(value, dict) else None
    if not isinstance(blocks, list) or not 0 < len(blocks) <= RECIPE_LAYERS:
        raise RecipeError(f"The stack: it takes a list of 1 to {RECIPE_LAYERS} blocks.")
    slices = tuple(_slice(recipe, block, i, known) for i, block in enumerate(blocks, 1))
    return replace_all(replace(recipe, slices=slices), {})


def _number(recipe: Recipe, value: Mapping[str, Any]) -> Recipe:
    path, number = value.get("set"), value.get("to")
    own = {p: param for i in range(len(recipe.slices)) for p, _, param, _ in _numbers(recipe, i)}
    if not isinstance(path, str) or path not in own:
        raise RecipeError("The stack: there is no such number in a block that mixes models.")
    if not isinstance(number, (int, float)) or isinstance(number, bool) or not isfinite(number):
        raise RecipeError(f"The stack: {own[path].name} takes a number.")
    return replace_all(recipe, {path: round(float(number), 4)})


def _slice(recipe: Recipe, block: Any, number: int, known: Sequence[Source]) -> Slice:
    """One block as a slice, with the settings of that which it comes from."""
    of, listed = (block.get("of"), block.get("sources")) if isinstance(block, dict) else (None, None)
    if type(of) is not int or not 0 <= of < len(recipe.slices):
        raise RecipeError(f"The stack: block {number} must say which of the {len(recipe.slices)} slices it comes from.")
    before = recipe.slices[of]
    if not isinstance(listed, list) or len(listed) != len(before.sources):
        raise RecipeError(f"The stack: block {number} takes {len(before.sources)} source(s), as the slice that it comes from.")
    entries: list[Entry] = []
    for entry, source in zip(before.sources, listed, strict=True):
        whole = isinstance(source, list) and len(source) == 3 and all(type(x) is int for x in source)
        if not whole or not 0 <= source[0] < len(known):
            raise RecipeError(f"The stack: a source of block {number} is [model, first layer, end], of {len(known)} models.")
        model, first, end = known[source[0]], source[1], source[2]
        if not 0 <= first < end <= model.layers:
            raise RecipeError(
                f"The stack: block {number} takes layers of {model.model} within 0 and {model.layers}, at least one."
            )
        entries.append(replace(entry, model=model.model, layer_range=(first, end)))
    return replace(before, sources=tuple(entries))


__all__ = ["Source", "describe", "edited", "runs", "sources"]
