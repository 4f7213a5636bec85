"""Several documents in one file: which of them makes the output, and what it needs of the others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace as replace_fields

from merger.errors import RecipeError
from merger.limits import READS
from merger.recipe.model import Recipe
from merger.recipe.parse import Place


def together(documents: Sequence[tuple[Recipe, Place]], source: str) -> Recipe:
    """Several documents as the one that makes the output, with what it needs of the others."""
    if not documents:
        raise RecipeError(f"{source}: the recipe is empty.")
    named: dict[str, tuple[Recipe, Place]] = {}
    unnamed = [place for recipe, place in documents if recipe.name is None]
    if len(unnamed) > 1:
        raise unnamed[1].fail(
            "two documents have no `name`; one makes the output.\n  Give the others a `name:`, by which they are used."
        )
    for recipe, place in documents:
        if recipe.name is not None and recipe.name in named:
            raise place.fail(f"the name {recipe.name!r} is taken by an earlier document.", "name")
        if recipe.name is not None:
            named[recipe.name] = (recipe, place)
    for recipe, place in documents:
        for reference in recipe.references:
            word = re.split("[+@]", reference, maxsplit=1)[0]
            if word in named and reference not in named:  # or a folder of that name would be opened
                raise place.fail(
                    f"{reference[:100]}: {word} is the name of a document, whose merge takes no LoRA and has no revision.\n"
                    "  Put the LoRA on one of that document's models, or give the document another name."
                )
    last = next((recipe for recipe, _ in documents if recipe.name is None), documents[-1][0])
    order: dict[str, Recipe] = {}
    reads: dict[str, int] = {}

    def need(recipe: Recipe, waiting: tuple[str, ...]) -> None:
        for name in (r for r in recipe.references if r in named):
            if name in waiting:
                circle = " needs ".join((*waiting, name))
                raise named[name][1].fail(f"{circle}: documents cannot need each other in a circle.", "name")
            if name not in order:
                if named[name][0].chat_template is not None:
                    named[name][1].child("chat_template").note(
                        f"chat_template has no effect in {name!r}; write it in the document that makes the output."
                    )
                need(named[name][0], (*waiting, name))
                order[name] = replace_fields(named[name][0], earlier=tuple(order.values()))
                reads[name] = _reads(order[name], reads)
                if reads[name] > READS:
                    raise named[name][1].fail(
                        f"{name!r} needs models {reads[name]:,} times for each tensor, through the documents it is made from; "
                        f"at most {READS:,}.", "name",
                    )  # fmt: skip

    need(last, (last.name,) if last.name else ())
    return replace_fields(last, earlier=tuple(order.values()))


def _reads(recipe: Recipe, known: Mapping[str, int]) -> int:
    """How many models are read for one tensor. known: for what earlier documents make; it is made anew at each reading."""
    most = 0
    for part in recipe.parts:
        for base, entries in [(None, part.models), *((s.base_model, s.sources) for s in part.slices)]:
            own = sum(known.get(entry.model, 1) for entry in entries)
            most = max(most, own + known.get(base or recipe.base_model or "", 1))
    return most
