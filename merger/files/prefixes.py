"""One architecture under two prefixes: a model's tensors get the names that the merge's first model gives the same tensors.

`language_model.model.layers.0...` in one folder is `model.language_model.layers.0...` in another, `model.layers.0...` in a model
of text alone, and `_orig_mod.model.layers.0...` where a compiled model was saved. transformers reads them all.
"""

import weakref
from collections.abc import Mapping

from merger.errors import CheckpointError
from merger.files.checkpoints import Checkpoint
from merger.recipe import Recipe

# What stands before the names of one and the same model, depending on which of its parts was saved by what.
_BEFORE = frozenset({
    "model", "base_model", "module", "_orig_mod", "language_model", "llm", "text_model", "transformer", "backbone", "gpt_neox",
    "bert", "roberta", "rwkv",
})  # fmt: skip
_ENOUGH = 0.9
"""The share of names that must be the same without their prefixes, for two models to be of one architecture."""


def aligned(recipe: Recipe, models: Mapping[str, Checkpoint]) -> dict[str, Checkpoint]:
    """The models of a recipe, those under other prefixes with the names of the first (the base, else the first listed).

    A model of another architecture stays as it is. CheckpointError where only the prefix differs, and two names become one.
    """
    views = dict(models)
    first = next((r for r in (recipe.base_model, *recipe.merged) if r is not None and r in views), None)
    for reference in recipe.merged:
        if first is not None and reference != first and reference in views:
            views[reference] = _alike(views[reference], views[first])
    return views


_KNOWN: dict[tuple[int, int], tuple["weakref.ref[Checkpoint]", "weakref.ref[Checkpoint]", Checkpoint]] = {}
"""The last few models that were renamed: a plan that is made again must find the same objects."""


def _alike(model: Checkpoint, first: Checkpoint) -> Checkpoint:
    """The model with the first one's names."""
    if model.tensors.keys() <= first.tensors.keys() or first.tensors.keys() <= model.tensors.keys():
        return model
    key = id(model), id(first)
    known = _KNOWN.get(key)
    if known is not None and known[0]() is model and known[1]() is first:
        return known[2]
    names = renamed(model, first)
    made = model.under(names) if names else model
    _KNOWN[key] = weakref.ref(model), weakref.ref(first), made
    gone = [old for old, (one, other, _) in _KNOWN.items() if one() is None or other() is None]
    for old in dict.fromkeys([*gone, *list(_KNOWN)[:-16]]):
        del _KNOWN[old]
    return made


def renamed(model: Checkpoint, first: Checkpoint) -> dict[str, str]:
    """A model's names that are to change -> what the first one calls these tensors; {} where no prefix makes them the same."""
    theirs: dict[str, list[str]] = {}
    for name in first.tensors:
        theirs.setdefault(bare(name), []).append(name)
    own: dict[str, list[str]] = {}
    for name in model.tensors:
        own.setdefault(bare(name), []).append(name)
    shared = own.keys() & theirs.keys()
    if len(shared) < _ENOUGH * min(len(own), len(theirs)):
        return {}
    changed: dict[str, str] = {}
    for short in shared:
        mine = sorted(name for name in own[short] if name not in theirs[short])
        wanted = sorted(name for name in theirs[short] if name not in own[short])
        if not mine or not wanted:
            continue
        if len(mine) > 1 or len(wanted) > 1:
            raise CheckpointError(
                f"{model.reference}: only the prefix of its tensors' names differs from {first.reference}, and without prefixes\n"
                f"  two are called {short}: {', '.join([*mine, *wanted])}. Save the model again with one name for each tensor."
            )
        changed[mine[0]] = wanted[0]
    return changed


def bare(name: str) -> str:
    """A tensor's name without what stands before it.

    >>> [bare(n) for n in ("language_model.model.layers.0.q.weight", "_orig_mod.model.norm.weight", "model.visual.a.weight")]
    ['layers.0.q.weight', 'norm.weight', 'visual.a.weight']
    """
    words = [word for word in name.split(".") if word != "_orig_mod"]  # a compiled part has it in the middle
    while len(words) > 2 and words[0] in _BEFORE:
        del words[0]
    return ".".join(words)
