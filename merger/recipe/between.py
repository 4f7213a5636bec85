"""Moves: one recipe made from two. Crossfade and blend. No weights are read."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace as replace_fields
from typing import Any

from merger.errors import RecipeError
from merger.methods import AVERAGE
from merger.methods.params import Param, Scalar
from merger.recipe import Entry, Recipe, Setting, Slice, Value, constant, dump, load, replace_all, scopes, stacked
from merger.recipe import setting_document as written
from merger.recipe.model import Parameters

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


def unsliced(recipe: Recipe) -> Recipe | None:
    """A recipe whose slices go through the same layers of the same models, from the first on, as a `models:` recipe; else None.

    Whether the slices cover all layers only the models tell: then both have the same plan.

    >>> text = "{merge_method: linear, slices: [{sources: [{model: a, layer_range: [0, 2], parameters: {weight: 1}}]}]}"
    >>> print(dump(unsliced(load(text))), end="")
    merge_method: linear
    models:
      - model: a
        parameters:
          weight: 1.0
    """
    parts, end = recipe.slices, 0
    if not parts:
        return None
    base, names = parts[0].base_model, [entry.model for entry in parts[0].sources]
    if len(set(names)) < len(names) or any(part.base_model != base for part in parts):
        return None
    for part in parts:
        ranges = {entry.layer_range for entry in part.sources}
        found = ranges.pop()
        if ranges or found is None or found[0] != end or [entry.model for entry in part.sources] != names:
            return None
        end = found[1]
    lengths = [b - a for a, b in (part.sources[0].layer_range or (0, 0) for part in parts)]
    shared = _joined([stacked(part.parameters, recipe.parameters) for part in parts], lengths)
    own = [_joined([part.sources[i].parameters for part in parts], lengths) for i in range(len(names))]
    entries = [Entry(name, parameters) for name, parameters in zip(names, own, strict=True) if parameters is not None]
    if shared is None or len(entries) < len(names):
        return None
    cover = "slice covers all layers of its models, and is"
    if len(parts) > 1:
        cover = "slices cover all layers of their models, and are"
    return replace_fields(
        recipe, slices=(), models=tuple(entries), base_model=base or recipe.base_model, parameters=shared,
        notes=(*recipe.notes, f"the {cover} read as `models:`."),
    )  # fmt: skip


def _joined(scopes: Sequence[Parameters], lengths: Sequence[int]) -> Parameters | None:
    """One scope for slices on each other: curves with a number for each layer. None where they have other rules each."""
    if len(scopes) == 1:
        return scopes[0]
    found: list[tuple[str, Setting]] = []
    for name, first in scopes[0]:
        settings = [dict(scope).get(name, Setting(())) for scope in scopes]
        rules: list[tuple[str | None, Value]] = []
        for i, (pattern, _) in enumerate(first.rules):
            if any([p for p, _ in setting.rules] != [p for p, _ in first.rules] for setting in settings):
                return None
            one = [Setting(((None, setting.rules[i][1]),)) for setting in settings]
            numbers = [s.at("", k, n) for s, n in zip(one, lengths, strict=True) for k in range(n)]
            known = [x for x in numbers if x is not None]
            if len(set(known)) > 1 and any(isinstance(x, (bool, str)) for x in known):
                return None
            rules.append((pattern, known[0] if len(set(known)) == 1 else tuple(known)))
        found.append((name, Setting(tuple(rules))))
    return tuple(found) if all(len(scope) == len(found) for scope in scopes) else None


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
    number = constant(value).at("", layer, layers)
    assert isinstance(number, (int, float))
    return number


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
    for one, other in ((a, b), (b, a)):
        for name in {d.name for d in one.earlier} & set(other.opened):
            raise RecipeError(f"{name} is a document of one recipe and a model of the other; give the document another name.")
    taken = {reference for recipe in (*earlier, a, b) for reference in recipe.references} | names
    first, second = [n for n in (f"mix {i + 1}" for i in range(len(taken) + 2)) if n not in taken][:2]
    documents = [replace_fields(d, earlier=()) for d in (*earlier, replace_fields(a, name=first), replace_fields(b, name=second))]
    models = tuple(Entry(n, (("weight", constant(_short(w))),)) for n, w in ((first, 1 - t), (second, t)))
    last = Recipe(AVERAGE, models=models, dtype=a.dtype, out_dtype=a.out_dtype)
    return load("---\n".join(dump(d) for d in (*documents, last)), "blend")


__all__ = ["blend", "crossfade", "effective", "unsliced"]
