"""Every value of a recipe has one path, such as `models[1].parameters.weight`: what it leads to, and changes along it."""

import re
from collections.abc import Mapping
from dataclasses import replace as replace_fields
from typing import Any

from merger.errors import RecipeError
from merger.recipe.model import Recipe
from merger.recipe.parse import About, Place, Plain, parse
from merger.recipe.read import recipe_of
from merger.recipe.write import document

_STEP = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]")


def replace(recipe: Recipe, path: str, value: Any) -> Recipe:
    """The recipe with one value changed, checked like any other. None removes the value.

    path  for example `models[1].parameters.weight`, `parameters.t`, `merge_method`.

    >>> from merger.recipe import dump, load
    >>> r = load("{merge_method: linear, models: [{model: a, parameters: {weight: 1}}]}")
    >>> dump(replace(r, "models[0].parameters.weight", 0.25)).splitlines()[-1]
    '      weight: 0.25'
    """
    return replace_all(recipe, {path: value})


def replace_all(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """`replace` for several paths, checked once at the end."""
    whole = document(recipe)
    for path, value in changes.items():
        _put(whole, path, value, recipe.source)
    return replace_fields(recipe_of(Place(whole, "", recipe.source, About())), earlier=recipe.earlier, notes=recipe.notes)


def _put(whole: dict[str, Plain], path: str, value: Any, source: str) -> None:
    steps = _steps(path, source)
    here: Plain = whole
    for i, step in enumerate(steps[:-1]):
        if isinstance(step, int):
            items = _items(here)
            if step >= len(items):
                raise RecipeError(f"{source}: {path}: there is no {_shown_path(steps[: i + 1])} in this recipe.")
            here = items[step]
        elif isinstance(here, dict):
            here = here.setdefault(step, {})
        else:
            raise RecipeError(f"{source}: {path}: {_shown_path(steps[:i])} is not a mapping.")
    last = steps[-1]
    if isinstance(last, int):
        items = _items(here)
        if last >= len(items):
            raise RecipeError(f"{source}: {path}: there is no {path} in this recipe.")
        items[last] = value
    elif not isinstance(here, dict):
        raise RecipeError(f"{source}: {path}: {_shown_path(steps[:-1])} is not a mapping.")
    elif value is None:
        here.pop(last, None)
    else:
        here[last] = value


def _items(value: Plain) -> list[Plain]:
    """A list's own items; nothing else has any."""
    return value if isinstance(value, list) else []


def _steps(path: str, source: str) -> list[str | int]:
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if not step:
            break
        steps.append(step[1] if step[1] else int(step[2]))
        at = step.end()
    if at != len(path) or not steps or len(path) > 200:
        raise RecipeError(f"{source}: {path[:80]!r} is not a path; write for example models[1].parameters.weight.")
    return steps


_SETTING = re.compile(
    r"(modules\.\w+\.)?(models\[\d+\]\.|slices\[\d+\]\.(sources\[\d+\]\.)?)?parameters\.(\w+)((\[\d+\])?\.value)?(\[\d+\])?"
)


def setting_of(path: str) -> str | None:
    """The parameter that a path leads to, `seed` or `merge_method`; None for all else, where models and files are named.

    >>> setting_of("models[1].parameters.weight[0].value"), setting_of("models[1].model"), setting_of("seed")
    ('weight', None, 'seed')
    """
    try:
        plain = _shown_path(_steps(path, ""))
    except RecipeError:
        return None
    match = _SETTING.fullmatch(plain)
    return match[4] if match else plain if plain in ("seed", "merge_method") else None


def _shown_path(steps: list[str | int]) -> str:
    text = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).lstrip(".")
    return text or "the recipe"


def parse_value(text: str, source: str = "--set") -> Plain:
    """A value as written after `--set path=`: a YAML scalar or list.

    >>> parse_value("[0, 0.5]"), parse_value("true")
    ([0, 0.5], True)
    """
    documents = parse(text, source)
    if len(documents) > 1:
        raise RecipeError(f"{source}: write one value, not several documents.")
    return documents[0][0]
