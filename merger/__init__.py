"""Merge language models: recipes, methods, a streaming batch merge and a live session.

    from merger import load_recipe, merge
    merge(load_recipe("recipe.yaml"), "out")
"""

from typing import TYPE_CHECKING, Any

from merger.errors import CheckpointError, MergeError, RecipeError
from merger.methods import METHODS, method
from merger.recipe import Recipe
from merger.recipe import load_file as load_recipe

if TYPE_CHECKING:
    from merger.live import Parents, Session
    from merger.merge import merge

__all__ = [
    "METHODS", "CheckpointError", "MergeError", "Parents", "Recipe", "RecipeError", "Session", "load_recipe", "merge", "method",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """`merge`, `Session` and `Parents` on first use, so that reading a recipe stays light."""
    if name == "merge":
        from merger.merge import merge

        return merge
    if name in ("Session", "Parents"):
        from merger import live

        return getattr(live, name)
    raise AttributeError(name)
