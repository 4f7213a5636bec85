"""Moves: one recipe made from another. Crossfade, blend, a step at random, one layer alone. No weights are read."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace as replace_fields
from typing import Any

from merger.errors import RecipeError
from merger.params import Param, Scalar
from merger.plan import Plan
from merger.recipe import Entry, Parameters, Recipe, Setting, Slice, Value, constant, dump, load, replace_all, scopes
from merger.recipe import setting_document as written

MAX_ANCHORS = 4096


def effective(recipe: Recipe, param: Param, part: Slice | None = None, entry: Entry | None = None) -> Setting:
    """All rules that decide a parameter, the nearest scope's first, its default last; without rules when nothing sets it."""
    rules: list[tuple[str | None, Value]] = []
    for scope in scopes(recipe, part, entry):
        setting = next((s for n, s in scope if n == param.name), None)
        rules += setting.rules if setting else ()
    if param.default is not None:
        rules.append((None, param.default))
    reached = next((i for i, (pattern, _) in enumerate(rules) if pattern in (None, "*")), len(rules))
    return Setting(tuple(rules[: reached + 1]))  # what stands behind a rule for every tensor is never asked


# ---------------------------------------------------------------------------------------------- between two recipes


def crossfade(a: Recipe, b: Recipe, t: float, names: Sequence[str] = ()) -> Recipe:
    """The recipe a share `t` of the way from a to b: every number of every column is (1 - t) of a's and t of b's.

    t = 0 is a itself, t = 1 is b itself. What is no number (switches, dtype, seed, tokenizer) changes over in the middle.
    names  the tensors' names, needed only where both recipes have filters that meet in one tensor

    RecipeError where there is no number between: another method, other models. `blend` mixes what such recipes make.
    """
    if not 0 <= t <= 1:
        raise RecipeError(f"the crossfade goes from 0 (the first recipe) to 1 (the second); got {t:g}.")
    _check_alike(a, b)
    if t == 0 or t == 1:
        return b if t else a
    changes: dict[str, Any] = {}
    for path, param, mine, theirs in _pairs(a, b):
        if mine != theirs:
            changes[path] = written(_between(mine, theirs, t, param, names, path))
    near = a if t < 0.5 else b
    plain = ("dtype", "out_dtype", "tokenizer", "tokenizer_source", "chat_template", "seed", "on_mismatch")
    return replace_fields(replace_all(a, changes), text=None, **{key: getattr(near, key) for key in plain})


def _check_alike(a: Recipe, b: Recipe) -> None:
    instead = "Blend what the two make instead: both as named documents, and a third that averages them (`merge_method: linear`)."
    if a.merge_method != b.merge_method:
        raise RecipeError(
            f"'{a.merge_method}' and '{b.merge_method}' have no numbers in common to go between.\n"
            f"  Give both recipes one method. Or: {instead}"
        )
    if a.modules or b.modules:
        raise RecipeError(f"recipes with `modules:` cannot be crossfaded.\n  {instead}")
    if a.base_model != b.base_model:
        raise RecipeError(f"the recipes have other bases: {a.base_model} and {b.base_model}.\n  {instead}")
    if a.earlier != b.earlier:
        raise RecipeError(f"the recipes are made from other documents, which cannot be crossfaded.\n  {instead}")
    if bool(a.slices) != bool(b.slices) or _shape(a.slices) != _shape(b.slices):
        raise RecipeError(f"the recipes take their layers from other places.\n  {instead}")
    mine, theirs = ([e.model for e in recipe.models] for recipe in (a, b))
    missing = [f"{m} to the second recipe" for m in mine if m not in theirs]
    missing += [f"{m} to the first recipe" for m in theirs if m not in mine]
    if missing:
        raise RecipeError(f"the recipes mix other models.\n  Add {', '.join(missing)} with weight 0. Or: {instead}")


def _shape(slices: Sequence[Slice]) -> list[Any]:
    return [(s.base_model, [(e.model, e.layer_range) for e in s.sources]) for s in slices]


def _pairs(a: Recipe, b: Recipe) -> Iterator[tuple[str, Param, Setting, Setting]]:
    """(path, parameter, a's setting, b's setting) for everything the method reads."""
    own = [p for p in a.method.params if p.per_model]
    theirs = {entry.model: entry for entry in b.models}
    sides: list[tuple[str, Slice | None, Slice | None, Entry, Entry]] = [
        (f"models[{i}]", None, None, entry, theirs[entry.model]) for i, entry in enumerate(a.models)
    ]
    for i, (x, y) in enumerate(zip(a.slices, b.slices, strict=True)):
        sides += [(f"slices[{i}].sources[{j}]", x, y, e, y.sources[j]) for j, e in enumerate(x.sources)]
    for at, x, y, mine, other in sides:
        for param in own:
            yield f"{at}.parameters.{param.name}", param, effective(a, param, x, mine), effective(b, param, y, other)
    parts: list[tuple[str, Slice | None, Slice | None]] = [
        (f"slices[{i}].", x, y) for i, (x, y) in enumerate(zip(a.slices, b.slices, strict=True))
    ]
    for at, x, y in parts or [("", None, None)]:
        for param in a.method.params:
            if not param.per_model:
                yield f"{at}parameters.{param.name}", param, effective(a, param, x), effective(b, param, y)


def _between(a: Setting, b: Setting, t: float, param: Param, names: Sequence[str], path: str) -> Setting:
    """Rules for every pair of a's and b's: the first pair that a tensor's name fits is that of the first rules it fits."""
    rules: list[tuple[str | None, Value]] = []
    for mine, x in a.rules:
        for other, y in b.rules:
            value = _mixed(x, y, t, param, path)
            one, two = ("" if f in (None, "*") else f for f in (mine, other))
            if one in two or two in one:
                rules.append(((two if one in two else one) or None, value))  # the longer one implies the shorter
            elif not names:
                raise RecipeError(
                    f"{path}: the filters {one!r} and {two!r} may meet in one tensor.\n  Write the same filters in both recipes."
                )
            else:
                rules += [(name, value) for name in names if one in name and two in name]
    return Setting(tuple(rules))


def _mixed(a: Value, b: Value, t: float, param: Param, path: str) -> Value:
    """The value between two; curves meet on anchors that both have, so that every layer's number is exactly between."""
    if a == b:
        return a
    if param.kind in ("bool", "choice"):
        return a if t < 0.5 else b
    spans = [len(v) - 1 if isinstance(v, tuple) else 0 for v in (a, b)]
    span = math.lcm(*(max(1, s) for s in spans))
    if span >= MAX_ANCHORS:
        raise RecipeError(
            f"{path}: curves of {spans[0] + 1} and {spans[1] + 1} numbers do not fit one curve.\n  Give both the same length."
        )
    if max(spans) < 1:
        return _number(_at(a, 0, 2), _at(b, 0, 2), t, param)
    return tuple(_number(_at(a, k, span + 1), _at(b, k, span + 1), t, param) for k in range(span + 1))


def _at(value: Value, layer: int, layers: int) -> float:
    found = constant(value).at("", layer, layers)
    assert isinstance(found, (int, float))
    return found


def _number(x: float, y: float, t: float, param: Param) -> Scalar:
    between = x + (y - x) * t
    return round(between) if param.kind == "int" else _short(between)


def _short(x: float) -> float:
    """Six digits: enough for any ear, and the YAML stays readable."""
    return float(f"{x:.6g}")


def blend(a: Recipe, b: Recipe, t: float) -> Recipe:
    """A recipe that averages what two others make, (1 - t) and t of the weights; they may differ in everything but shapes.

    t = 0 is a itself, t = 1 is b itself. Between, it is three documents: a, b, and `linear`.
    """
    if not 0 <= t <= 1:
        raise RecipeError(f"the blend goes from 0 (the first recipe) to 1 (the second); got {t:g}.")
    if t == 0 or t == 1:
        return b if t else a
    earlier = list(dict.fromkeys([*a.earlier, *b.earlier]))
    names = {document.name for document in earlier}
    if len(names) < len(earlier):
        raise RecipeError("both recipes have a document of the same name that says something else; rename one of them.")
    taken = {reference for recipe in (*earlier, a, b) for reference in recipe.references} | names
    first, second = [n for n in (f"mix {i + 1}" for i in range(len(taken) + 2)) if n not in taken][:2]
    documents = [replace_fields(d, earlier=()) for d in (*earlier, replace_fields(a, name=first), replace_fields(b, name=second))]
    models = tuple(Entry(n, (("weight", constant(_short(w))),)) for n, w in ((first, 1 - t), (second, t)))
    last = Recipe("linear", models=models, dtype=a.dtype, out_dtype=a.out_dtype)
    return load("---\n".join(dump(d) for d in (*documents, last)), "blend")


# ---------------------------------------------------------------------------------------------- one recipe moved


def random_step(recipe: Recipe, size: float, seed: int) -> Recipe:
    """The recipe with its numbers moved at random, within their sliders; the same seed makes the same step.

    size  of a typical move, as a share of the slider's length. A curve is lifted and tilted as a whole.
    Moves what the recipe sets; where it sets nothing, what its method could be told.
    """
    rng = random.Random(seed)
    changes: dict[str, Any] = {}
    for at, parameters in _places(recipe):
        for name, setting in parameters:
            param = recipe.method.param(name)
            if param is not None and param.kind == "float":
                rules = tuple((pattern, _moved(value, param, size, rng)) for pattern, value in setting.rules)
                changes[f"{at}parameters.{name}"] = written(Setting(rules))
    if not changes:
        for param in recipe.method.params:
            if param.kind == "float" and param.default is not None and not param.per_model:
                changes[f"parameters.{param.name}"] = _moved(param.default, param, size, rng)
    if not changes:
        raise RecipeError(f"'{recipe.merge_method}' has no numbers to move.")
    return replace_all(recipe, changes)


def _places(recipe: Recipe) -> Iterator[tuple[str, Parameters]]:
    """Every place of a recipe that holds parameters, with its path."""
    yield "", recipe.parameters
    for i, entry in enumerate(recipe.models):
        yield f"models[{i}].", entry.parameters
    for i, part in enumerate(recipe.slices):
        yield f"slices[{i}].", part.parameters
        for j, entry in enumerate(part.sources):
            yield f"slices[{i}].sources[{j}].", entry.parameters


def _moved(value: Value, param: Param, size: float, rng: random.Random) -> Value:
    anchors = [float(v) for v in (value if isinstance(value, tuple) else (value,))]
    low, high = (end if math.isfinite(end) else other for end, other in zip(param.slider, (-1.0, 1.0), strict=True))
    low, high = min(low, *anchors), max(high, *anchors)  # a number beyond the slider may stay there
    lift, tilt = (rng.gauss(0, size * (high - low)) for _ in range(2))
    last = max(1, len(anchors) - 1)

    def to(i: int, x: float) -> float:
        there = x + lift + (tilt * (2 * i / last - 1) if len(anchors) > 1 else 0.0)
        back = 2 * high - there if there > high else 2 * low - there if there < low else there
        return _short(min(high, max(low, back)))

    moved = tuple(to(i, x) for i, x in enumerate(anchors))
    return moved if isinstance(value, tuple) else moved[0]


def only_layer(decided: Plan, layer: int) -> Recipe:
    """The plan's recipe with its models taken in one layer alone; all other tensors are the base's. layer: from 0."""
    recipe, layers = decided.recipe, decided.layout.layers
    if recipe.slices or recipe.modules:
        raise RecipeError("one layer alone: this recipe is made of slices or modules; it works on whole models.")
    if not 0 <= layer < layers:
        raise RecipeError(f"there is no layer {layer + 1}; this model has layers 1 to {layers}.")
    weight = recipe.method.param("weight")
    shared = recipe.method.param("lines") or (recipe.method.param("t") if recipe.method.base == "first" else None)
    jobs = [job for job in decided.jobs if job.method is not None and decided.layout.layer(job.name) == layer]
    here = f"{decided.layout.main}{layer}."
    if recipe.method.takes == "deltas" and weight is not None and weight.per_model:
        changes: dict[str, Any] = {}
        for i, entry in enumerate(recipe.models):
            values: dict[str, Any] = {}
            for job in jobs:
                index = next((k for k, s in enumerate(job.sources) if s.model == entry.model), None)
                if index is not None:
                    values[job.name] = dict(job.args)["weight"][index]  # type: ignore[index]
            if values:
                changes[f"models[{i}].parameters.weight"] = _alone(values, here)
        return replace_all(recipe, changes)
    if shared is None:
        raise RecipeError(
            f"one layer alone: '{recipe.merge_method}' has no base to leave the other layers at.\n"
            "  Choose a method that adds to a base, for example task_arithmetic."
        )
    return replace_all(recipe, {f"parameters.{shared.name}": _alone({j.name: dict(j.args)[shared.name] for j in jobs}, here)})


def _alone(values: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Rules that keep these values, one for the whole layer where they agree, and put 0 everywhere else."""
    same = len(set(values.values())) == 1
    kept = [(prefix, next(iter(values.values())))] if same else list(values.items())
    return [*({"filter": pattern, "value": value} for pattern, value in kept), {"value": 0.0}]


__all__ = ["blend", "crossfade", "effective", "only_layer", "random_step"]
