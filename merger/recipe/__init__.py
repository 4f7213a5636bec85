"""Recipes: what mergekit's YAML says, read, checked, changed and written. The names that others need.

model      the types: Recipe and its parts
parse      YAML text as plain values with their lines
read       the grammar: documents, recipes, models, slices; with `documents`, `values`, `tokens`, `known`, `check`, `paste`
write      the way back
paths      one value changed, by its path
between    a recipe made from two, or from one of another form
"""

from merger.recipe.model import (
    CHAT_TEMPLATES,
    Entry,
    Parameters,
    Recipe,
    Setting,
    Slice,
    TokenizerRecipe,
    TokenRow,
    Value,
    constant,
    scopes,
    stacked,
    tolerant,
)
from merger.recipe.parse import MAX_TEXT
from merger.recipe.paths import parse_value, replace, replace_all, setting_of
from merger.recipe.read import load, load_file
from merger.recipe.write import document, dump, setting_document

__all__ = [
    "CHAT_TEMPLATES",
    "Entry",
    "MAX_TEXT",
    "Parameters",
    "Recipe",
    "Setting",
    "Slice",
    "TokenRow",
    "TokenizerRecipe",
    "Value",
    "constant",
    "document",
    "dump",
    "load",
    "load_file",
    "parse_value",
    "replace",
    "replace_all",
    "scopes",
    "setting_document",
    "setting_of",
    "stacked",
    "tolerant",
]
