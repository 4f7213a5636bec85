"""The grammar: mergekit's (`models` or `slices`, `merge_method`, `base_model`, ...), `seed` and `on_mismatch`.

Every complaint says where: the file, the line, the path.
"""

import re
from collections.abc import Mapping
from dataclasses import replace as replace_fields
from pathlib import Path
from typing import get_args

from merger.errors import RecipeError
from merger.inside import inside
from merger.methods import METHODS, Method
from merger.recipe.check import check_models, check_tokens
from merger.recipe.documents import together
from merger.recipe.known import IDLE, OTHER_PROGRAMS
from merger.recipe.model import Entry, Module, OnMismatch, Recipe, Slice
from merger.recipe.parse import MAX_TEXT, Place, parse, shown
from merger.recipe.paste import mended
from merger.recipe.tokens import chat_template, tokenizer, tokenizer_source
from merger.recipe.values import dtype, layer_range, parameters, reference, whole
from merger.regular import read_text, scheme_of


def load(text: str, source: str = "recipe") -> Recipe:
    """Parse and check a recipe's YAML; RecipeError names the line and the path.

    Of several documents (`---`) the one without a `name` makes the output, else the last; the others are its `earlier`.
    A name stands for that document's merge wherever a model may stand, also where there is a folder of that name.
    source  what to call the text in errors: a file name, usually.
    """
    if len(text) > MAX_TEXT:
        raise RecipeError(f"{source}: the recipe is larger than 1 MB; this is no merge recipe.")
    try:
        return _read(text, source)
    except RecipeError:
        meant, changes = mended(text)
        if not changes:
            raise
    recipe = _read(meant, source)  # its error is the one to tell: on the same line, and about what was meant
    return replace_fields(recipe, notes=(f"{source}: {'; '.join(changes)}.", *recipe.notes))


def _read(text: str, source: str) -> Recipe:
    places = [Place(value, "", source, about) for value, about in parse(text, source)]
    if len(places) == 1:
        return replace_fields(recipe_of(places[0]), text=text)
    recipe = together([(recipe_of(place), place) for place in places if place.value is not None], source)
    notes = [note for place in places for note in place.about.notes]
    return replace_fields(recipe, text=text, notes=tuple(dict.fromkeys(notes)))


def load_file(path: str | Path) -> Recipe:
    """`load` of a file; `presets/...` are also those that come with the program."""
    if scheme_of(path):
        raise RecipeError(f"{path}: is an address; copy the recipe here, and name its file.")
    try:
        text = read_text(inside(Path(path).expanduser()))
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such file.") from None
    except IsADirectoryError:
        raise RecipeError(f"{path}: this is a folder; name the recipe's YAML file.") from None
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: this is not a text file; a recipe is YAML in UTF-8.") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}.") from None
    except (RuntimeError, ValueError):  # ~ of nobody, a null byte
        raise RecipeError(f"{path}: is no file's name.") from None
    return load(text, str(path))


_TOP = (
    "models", "slices", "modules", "merge_method", "base_model", "parameters", "dtype", "out_dtype",
    "tokenizer", "tokenizer_source", "chat_template", "seed", "on_mismatch", "name",
)  # fmt: skip


def recipe_of(top: Place) -> Recipe:
    """One document, without what it needs of others."""
    if not isinstance(top.value, dict):
        raise top.fail(
            f"this is not a merge recipe.\n  A recipe is YAML with `merge_method:` and `models:`; got {shown(top.value)}."
        )
    for marks, program, does in OTHER_PROGRAMS:
        if "merge_method" not in top.value and (mark := next((m for m in marks if m in top.value), None)):
            raise top.fail(f"this is a recipe for {program} (it has `{mark}`), which {does}.\n  Run it with {program}.", at=mark)
    keys = top.mapping("a merge recipe", _TOP, IDLE, also=("random_seed",))
    if "merge_method" not in keys:
        raise top.fail(f"`merge_method` is missing.\n  One of: {', '.join(METHODS)}.")
    name = keys["merge_method"].one_of(tuple(METHODS))
    if sum(key in keys for key in ("models", "slices", "modules")) != 1:
        raise top.fail("give one of `models:`, `slices:` and `modules:`: which models to merge.")
    method = METHODS[name]
    recipe = Recipe(
        merge_method=name,
        models=_models(keys, method),
        slices=_slices(keys, method),
        modules=_modules(keys["modules"], method) if "modules" in keys else (),
        base_model=reference(keys["base_model"]) if "base_model" in keys else None,
        parameters=parameters(keys["parameters"], method) if "parameters" in keys else (),
        dtype=dtype(keys["dtype"]) if "dtype" in keys else None,
        out_dtype=dtype(keys["out_dtype"]) if "out_dtype" in keys else None,
        tokenizer=tokenizer(keys["tokenizer"]) if "tokenizer" in keys else None,
        tokenizer_source=tokenizer_source(keys["tokenizer_source"]) if "tokenizer_source" in keys else None,
        chat_template=chat_template(keys["chat_template"]) if "chat_template" in keys else None,
        seed=_seed(keys),
        on_mismatch=_policy(keys["on_mismatch"]) if "on_mismatch" in keys else "refuse",
        name=_name(keys["name"]) if "name" in keys else None,
        source=top.source,
        notes=tuple(top.about.notes),
    )
    if "tokenizer" in keys and "tokenizer_source" in keys:
        raise keys["tokenizer_source"].fail("give either `tokenizer:` or `tokenizer_source:`, its older form.")
    check_models(recipe, top)
    check_tokens(recipe, top)
    return recipe


def _seed(keys: Mapping[str, Place]) -> int:
    """`seed`, or `random_seed`, as mergekit's option is called."""
    if "random_seed" not in keys:
        return whole(keys["seed"], 0, 2**63 - 1) if "seed" in keys else 0
    if "seed" in keys:
        raise keys["random_seed"].fail("give either `seed:` or `random_seed:`; they mean the same.")
    keys["random_seed"].note("random_seed is read as `seed`.")
    return whole(keys["random_seed"], 0, 2**63 - 1)


_WORD = re.compile(r"[^\W_][\w .()-]{0,99}")


def _name(place: Place) -> str:
    """A document's name: a word that cannot be a path, a Hub id, or a part of one."""
    text = place.text("a name for this document").strip()
    if not _WORD.fullmatch(text):
        raise place.fail(
            f"{place.path} must be a word of up to 100 letters, digits, blanks and . _ - ( ), beginning with a letter or digit; "
            f"got {shown(text)}.\n  It stands for this document's merge and is never looked for as a folder or on the Hub."
        )
    return text


def _policy(place: Place) -> OnMismatch:
    """`on_mismatch`."""
    name = place.one_of(get_args(OnMismatch))
    return next(policy for policy in get_args(OnMismatch) if policy == name)


def _models(keys: Mapping[str, Place], method: Method) -> tuple[Entry, ...]:
    listed = keys["models"].items("a list of models") if "models" in keys else ()
    return tuple(_entry(place, method, in_slice=False) for place in listed)


def _slices(keys: Mapping[str, Place], method: Method) -> tuple[Slice, ...]:
    return tuple(_slice(place, method) for place in keys["slices"].items("a list of slices")) if "slices" in keys else ()


def _modules(place: Place, method: Method) -> tuple[Module, ...]:
    if not isinstance(place.value, dict) or not place.value:
        raise place.wrong("must map names of modules, for example text_decoder, to their `models:` or `slices:`")
    modules: list[Module] = []
    for name in place.value:
        keys = place.child(name).mapping("a module", ("models", "slices", "parameters"), IDLE)
        if ("models" in keys) == ("slices" in keys):
            raise place.child(name).fail(f"{place.path}.{name}: give either `models:` or `slices:`, what this module is made of.")
        own = parameters(keys["parameters"], method) if "parameters" in keys else ()
        modules.append(Module(name, _models(keys, method), _slices(keys, method), own))
    return tuple(modules)


def _entry(place: Place, method: Method, in_slice: bool) -> Entry:
    if isinstance(place.value, str) and not in_slice:
        return Entry(reference(place))
    takes = ("model", "parameters", *(["layer_range"] if in_slice else []))
    idle = IDLE | ({} if in_slice else {"layer_range": ": `models:` merges all layers; for some of them write `slices:`"})
    keys = place.mapping("a source" if in_slice else "a model", takes, idle, also=("revision",))
    if "model" not in keys:
        raise place.fail(f"{place.path}.model is missing: a folder or a Hub id.")
    if in_slice and "layer_range" not in keys:
        raise place.fail(f"{place.path}.layer_range is missing: [first, end), for example [0, 16].")
    return Entry(
        _revised(keys),
        parameters(keys["parameters"], method) if "parameters" in keys else (),
        layer_range(keys["layer_range"]) if in_slice else None,
    )


def _revised(keys: Mapping[str, Place]) -> str:
    """An entry's model at the `revision:` beside it, which mergekit reads over."""
    model = reference(keys["model"])
    if "revision" not in keys:
        return model
    revision = reference(keys["revision"])
    if "@" in model:
        raise keys["revision"].fail(f"{keys['revision'].path} is given twice: {model} names one already.")
    keys["revision"].note(f"read as {model}@{revision}; mergekit itself takes the main revision.")
    return f"{model}@{revision}"


def _slice(place: Place, method: Method) -> Slice:
    keys = place.mapping("a slice", ("sources", "parameters", "base_model"), IDLE)
    if "sources" not in keys:
        raise place.fail(f"{place.path}.sources is missing: a list of models with a layer_range.")
    sources = tuple(_entry(p, method, in_slice=True) for p in keys["sources"].items("a list of sources"))
    lengths = {e.layer_range[1] - e.layer_range[0] for e in sources if e.layer_range}
    if len(lengths) > 1:
        raise keys["sources"].fail(
            f"{place.path}.sources take different numbers of layers: "
            + ", ".join(f"{e.model} {list(e.layer_range or ())}" for e in sources)
            + ".\n  All sources of a slice give the same number; the end of layer_range is not included."
        )
    return Slice(
        sources,
        parameters(keys["parameters"], method) if "parameters" in keys else (),
        reference(keys["base_model"]) if "base_model" in keys else None,
    )
