"""What a page keeps of a workspace, so that a server that knows nothing of it can go on: it was started again meanwhile, or has
let go of the session. No gradio, no tensors.
"""

import json
from dataclasses import replace
from typing import Any

import merger.ui.workspace as workspace
from merger.errors import RecipeError
from merger.limits import LINK_CHARACTERS, RECIPE_CHARACTERS, RECIPE_MODELS
from merger.recipe import Recipe, dump, load
from merger.ui.workspace import Workspace

MISFIT = "What this page has kept cannot be read; reload it: its address holds the recipe."


def kept(work: Workspace) -> str:
    """The workspace as a text; what Undo leads to stays with the server."""
    slots = [None if recipe is None else dump(recipe) for recipe in work.slots]
    there = {"recipe": dump(work.recipe), "base": work.base, "shelf": list(work.shelf), "preset": work.preset, "slots": slots}
    return json.dumps(there)


def restored(work: Workspace, text: str) -> Workspace:
    """The workspace that a page has kept, in place of one that has just begun. RecipeError where it is none."""
    there = _read(text)
    base, shelf, preset = there["base"], there["shelf"], there["preset"]
    slots = tuple(None if one is None else _recipe(one) for one in there["slots"])
    fresh = replace(work, base=base, shelf=shelf, preset=preset, slots=(slots[0], slots[1]), kept=(), shared=())
    return replace(workspace.opened(fresh, _recipe(there["recipe"])), past=(), future=(), refused=None)


def _read(text: str) -> dict[str, Any]:
    """What the text says, of the right kinds. A browser may send anything."""
    try:
        there: Any = json.loads(text) if len(text) <= 4 * RECIPE_CHARACTERS else None
    except (ValueError, RecursionError):
        there = None
    if not isinstance(there, dict):
        raise RecipeError(MISFIT)
    names, slots = [there.get("base"), there.get("preset"), *_list(there.get("shelf"))], _list(there.get("slots"))
    texts = [one for one in names if isinstance(one, str)]
    wrong = len(texts) < len(names) or not 2 < len(names) <= RECIPE_MODELS or sum(map(len, texts)) > LINK_CHARACTERS
    recipes = (there.get("recipe"), *(one for one in slots if one is not None))
    if wrong or len(slots) != 2 or not all(isinstance(one, str) for one in recipes):
        raise RecipeError(MISFIT)
    return {**there, "shelf": tuple(dict.fromkeys(texts[2:]))}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _recipe(text: str) -> Recipe:
    if len(text) > RECIPE_CHARACTERS:
        raise RecipeError(MISFIT)
    return load(text, "recipe")


__all__ = ["kept", "restored"]
