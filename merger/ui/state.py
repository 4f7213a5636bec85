"""Workspace: everything the page remembers about one visitor, and the pure edits on it. No gradio, no tensors."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from merger.errors import RecipeError
from merger.methods import METHODS
from merger.recipe import Entry, Parameters, Recipe, constant, dump, load, load_file, replace_all

MAX_PROMPT = 2000


@dataclass(frozen=True)
class Preset:
    """A worked recipe: mergekit's YAML with a header of comments that say how to show it."""

    name: str
    says: str
    prompt: str
    recipe: Recipe
    place: int = 0


@dataclass(frozen=True)
class Workspace:
    """One visitor's recipe with what is needed to change method or models and come back.

    base    the model that all parents are fine-tuned from
    chosen  the parents in the mix, in order
    kept    parameters of every parent as last set, so that a method that ignores them does not lose them
    shared  the same for the recipe's own parameters
    preset  the name of the preset it started from
    """

    recipe: Recipe
    base: str
    chosen: tuple[str, ...]
    prompt: str
    preset: str = ""
    kept: tuple[tuple[str, Parameters], ...] = ()
    shared: Parameters = ()


def read_presets(folder: Path) -> list[Preset]:
    """The presets of a folder, in order of their `place`. RecipeError names a file that is not one."""
    return sorted((_read_preset(path) for path in sorted(folder.glob("*.yaml"))), key=lambda preset: preset.place)


def _read_preset(path: Path) -> Preset:
    recipe = load_file(path)
    header = dict(re.findall(r"^# (\w+): (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    missing = [key for key in ("name", "says", "prompt") if key not in header]
    if missing:
        raise RecipeError(f"{path}: a preset starts with `# {missing[0]}: ...`.")
    place = int(header["place"]) if header.get("place", "").strip().isdigit() else 0
    return Preset(header["name"].strip(), header["says"].strip(), header["prompt"].strip(), recipe, place)


def start(preset: Preset, base: str) -> Workspace:
    """A workspace on a preset. `base`: the family's base, for recipes whose own base_model is a sibling (slerp)."""
    return remember(Workspace(preset.recipe, base, _parents(preset.recipe, base), preset.prompt, preset.name))


def _parents(recipe: Recipe, base: str) -> tuple[str, ...]:
    return tuple(r for r in recipe.references if r != base)


def with_recipe(work: Workspace, recipe: Recipe) -> Workspace:
    """The same workspace on another recipe of the same models."""
    return remember(replace(work, recipe=recipe))


def remember(work: Workspace) -> Workspace:
    """Note the parameters of the recipe, for when a method or a choice of models drops them."""
    kept = dict(work.kept)
    for entry in work.recipe.models:
        kept[entry.model] = _merged(kept.get(entry.model, ()), entry.parameters)
    shared = _merged(work.shared, work.recipe.parameters)
    return replace(work, kept=tuple(kept.items()), shared=shared)


def _merged(old: Parameters, new: Parameters) -> Parameters:
    return tuple((dict(old) | dict(new)).items())


def with_control(work: Workspace, path: str, value: Any) -> Workspace:
    """One value of the recipe changed, by its path."""
    return with_recipe(work, replace_all(work.recipe, {path: value}))


def with_method(work: Workspace, name: str) -> Workspace:
    """The same models under another method; settings the new method does not know come back when it is left."""
    return _rebuilt(work, name, work.chosen)


def with_models(work: Workspace, chosen: Sequence[str]) -> Workspace:
    """Other parents under the same method, each with the settings it had before."""
    return _rebuilt(work, work.recipe.merge_method, tuple(chosen))


def _rebuilt(work: Workspace, name: str, chosen: tuple[str, ...]) -> Workspace:
    if name not in METHODS:
        raise RecipeError(f"{name!r} is not a merge method.")
    if not chosen:
        raise RecipeError("choose at least one model to mix.")
    method = METHODS[name]
    fewest, most = method.models
    if len(chosen) < fewest:
        raise RecipeError(f"'{name}' needs {fewest} models; choose {fewest - len(chosen)} more.")
    taken = chosen if most is None else chosen[:most]
    kept = dict(work.kept)
    required = {p.name: constant(0.5) for p in method.params if p.required}

    def own(model: str) -> Parameters:
        known = {p.name for p in method.params if p.per_model}
        defaults = {n: s for n, s in required.items() if n in known}
        return tuple((defaults | {n: s for n, s in kept.get(model, ()) if n in known}).items())

    known = {p.name for p in method.params if not p.per_model}
    defaults = {n: s for n, s in required.items() if n in known}
    recipe = replace(
        work.recipe,
        merge_method=name,
        base_model=taken[0] if method.base == "first" else work.base,
        models=tuple(replace(entry, parameters=own(entry.model)) for entry in _entries(work, taken)),
        slices=(),
        parameters=tuple((defaults | {n: s for n, s in work.shared if n in known}).items()),
    )
    return replace(remember(work), recipe=load(dump(recipe), "recipe"), chosen=chosen)


def _entries(work: Workspace, models: Sequence[str]) -> list[Entry]:
    listed = {entry.model: entry for entry in work.recipe.models}
    return [listed.get(model, Entry(model)) for model in models]


def for_statistics(work: Workspace) -> Recipe:
    """A recipe on deltas from the family's base, so that there is something to compare under every method."""
    if work.recipe.method.takes == "deltas" and work.recipe.base_model == work.base:
        return work.recipe
    weights = (("weight", constant(1.0)),)
    models = tuple(Entry(m, weights) for m in work.chosen if m != work.base)
    return Recipe("task_arithmetic", models=models, base_model=work.base)
