"""Workspace: everything the page remembers about one visitor, and the pure edits on it. No gradio, no tensors."""

import base64
import binascii
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from merger.errors import RecipeError
from merger.limits import LINK_CHARACTERS, RECIPE_CHARACTERS, UNDO_BYTES, UNDO_STEPS
from merger.methods import METHODS, PLAIN
from merger.recipe import Entry, Parameters, Recipe, constant, dump, load, load_file, replace_all
from merger.ui.rows import Row, written


@dataclass(frozen=True)
class Preset:
    """A worked recipe: mergekit's YAML with a header of comments that say how to show it."""

    name: str
    says: str
    prompt: str
    recipe: Recipe
    place: int = 0
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Moment:
    """What undo goes back to."""

    recipe: Recipe
    base: str
    chosen: tuple[str, ...]
    shelf: tuple[str, ...]
    preset: str


@dataclass(frozen=True)
class Workspace:
    """One visitor's recipe with what is needed to change method or models and come back.

    base    the model that all parents are fine-tuned from
    chosen  the parents in the mix, in order
    kept    parameters of every parent as last set, so that a method that ignores them does not lose them
    shared  the same for the recipe's own parameters
    preset  the name of the preset it started from
    shelf   the parents that can be ticked: the embedded family's, or those the visitor picked
    past, future  what Undo and Redo lead to, the nearest last
    slots   the recipes kept as A and B
    refused the recipe that was refused last because its models do not fit, until the next edit
    split   whether each weight lane is shown as two, attention and MLP; None: as the recipe has it
    """

    recipe: Recipe
    base: str
    chosen: tuple[str, ...]
    prompt: str
    preset: str = ""
    kept: tuple[tuple[str, Parameters], ...] = ()
    shared: Parameters = ()
    shelf: tuple[str, ...] = ()
    past: tuple[Moment, ...] = ()
    future: tuple[Moment, ...] = ()
    slots: tuple[Recipe | None, Recipe | None] = (None, None)
    refused: Recipe | None = None
    split: bool | None = None

    @property
    def moment(self) -> Moment:
        """Where it is now."""
        return Moment(self.recipe, self.base, self.chosen, self.shelf, self.preset)

    @property
    def nbytes(self) -> int:
        """About what is kept for this visitor."""
        kept = (self.recipe, self.refused, *self.slots, *(moment.recipe for moment in (*self.past, *self.future)))
        return sum(recipe.nbytes for recipe in {id(recipe): recipe for recipe in kept if recipe is not None}.values())


def read_presets(folder: Path) -> list[Preset]:
    """The presets of a folder, in order of their `place`. RecipeError names a file that is not one."""
    return sorted((_read_preset(path) for path in sorted(folder.glob("*.yaml"))), key=lambda preset: preset.place)


def _read_preset(path: Path) -> Preset:
    recipe = load_file(path)
    lines = re.findall(r"^# (\w+): (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    header = dict(lines)
    missing = [key for key in ("name", "says", "prompt") if key not in header]
    if missing:
        raise RecipeError(f"{path}: a preset starts with `# {missing[0]}: ...`.")
    place = int(header["place"]) if header.get("place", "").strip().isdigit() else 0
    rows = written([text for key, text in lines if key == "row"] or [header["prompt"]])
    return Preset(header["name"].strip(), header["says"].strip(), header["prompt"].strip(), recipe, place, rows)


def start(preset: Preset, base: str, shelf: Sequence[str] = ()) -> Workspace:
    """A workspace on a preset. `base`: the family's base, for recipes whose own base_model is a sibling (slerp)."""
    chosen = _parents(preset.recipe, base)
    shelf = tuple(shelf) or chosen
    return remember(Workspace(preset.recipe, base, chosen, preset.prompt, preset.name, shelf=shelf))


def _parents(recipe: Recipe, base: str) -> tuple[str, ...]:
    return tuple(r for r in recipe.opened if r != base)


def with_preset(work: Workspace, preset: Preset, base: str, shelf: Sequence[str]) -> Workspace:
    """A preset in place of the recipe; what is kept beside it (slots, undo) stays."""
    fresh = start(preset, base, shelf)
    return replace(fresh, past=work.past, future=work.future, slots=work.slots, split=work.split)


def with_recipe(work: Workspace, recipe: Recipe) -> Workspace:
    """The same workspace on another recipe of the same models."""
    return remember(replace(work, recipe=recipe))


def with_text(work: Workspace, text: str, source: str = "recipe") -> Workspace:
    """A workspace on a recipe from outside: pasted, dropped, from a link or the history. RecipeError names its line.

    The models it names become the shelf, unless those on it have all of them.
    """
    if len(text) > RECIPE_CHARACTERS:
        raise RecipeError(f"{source}: has {len(text):,} characters; the page takes at most {RECIPE_CHARACTERS:,}.")
    return opened(work, load(text, source))


def opened(work: Workspace, recipe: Recipe) -> Workspace:
    """A workspace on any recipe, which may be of other models than before."""
    names = recipe.opened
    if not names:
        raise RecipeError("the recipe names no model.")
    known = {work.base, *work.shelf}
    own = recipe.base_model if recipe.base_model in names else None  # else the name of an earlier document, which is no model
    if not set(names) <= known or (own or work.base) not in known:
        base = own or names[0]
        shelf = tuple(n for n in names if n != base)
        return remember(replace(work, recipe=recipe, base=base, chosen=shelf, shelf=shelf, preset="", kept=(), shared=()))
    return remember(replace(work, recipe=recipe, chosen=_parents(recipe, work.base), preset=work.preset))


def with_family(work: Workspace, base: str, parents: Sequence[str]) -> Workspace:
    """Other models: a base and its fine-tunes. The method stays where it can; their settings begin afresh."""
    parents = tuple(dict.fromkeys(p for p in parents if p != base))
    if not parents:
        raise RecipeError("choose at least one fine-tune of the base.")
    fresh = replace(work, base=base, shelf=parents, chosen=parents, preset="", kept=(), shared=())
    method = work.recipe.method
    fewest, most = method.models
    fits = method.takes == "deltas" and fewest <= len(parents) and (most is None or len(parents) <= most)
    name = method.name if fits and method.param("weight") else PLAIN
    weights = (("weight", constant(round(1 / len(parents), 2))),)
    models = tuple(Entry(model, weights) for model in parents)
    plain = Recipe(PLAIN, models=models, base_model=base, seed=work.recipe.seed)
    return with_method(replace(fresh, recipe=plain), name)


def stepped(before: Workspace, after: Workspace, *, painted: bool = False) -> Workspace:
    """`after`, with `before` to go back to. painted: it comes from the Mixer, whose own Undo and Redo are followed."""
    after = replace(after, refused=None)
    if after.moment == before.moment:
        return replace(after, past=before.past, future=before.future)
    if painted and before.past and after.moment == before.past[-1]:
        return replace(after, past=before.past[:-1], future=(*before.future, before.moment))
    if painted and before.future and after.moment == before.future[-1]:
        return replace(after, past=(*before.past, before.moment), future=before.future[:-1])
    return replace(after, past=_last((*before.past, before.moment)), future=())


def _last(past: tuple[Moment, ...]) -> tuple[Moment, ...]:
    """The newest steps, as many as are kept: always one."""
    kept, taken = 0, 0
    for moment in reversed(past[-UNDO_STEPS:]):
        taken += moment.recipe.nbytes
        if kept and taken > UNDO_BYTES:
            break
        kept += 1
    return past[len(past) - kept :]


def undone(work: Workspace) -> Workspace:
    """One step back; the same where there is none."""
    if not work.past:
        return work
    return replace(_at(work, work.past[-1]), past=work.past[:-1], future=(*work.future, work.moment))


def redone(work: Workspace) -> Workspace:
    """One step on again."""
    if not work.future:
        return work
    return replace(_at(work, work.future[-1]), past=(*work.past, work.moment), future=work.future[:-1])


def back_at(work: Workspace, digest: str) -> Workspace:
    """Where a recipe of an earlier step was, or of one taken back. RecipeError where it is kept no more."""
    if work.recipe.digest == digest:
        return work
    for moment in (*reversed(work.past), *reversed(work.future)):
        if moment.recipe.digest == digest:
            return _at(work, moment)
    raise RecipeError("this stroke is kept no more; History lists what has answered.")


def _at(work: Workspace, moment: Moment) -> Workspace:
    same = moment.shelf == work.shelf
    return remember(replace(
        work, recipe=moment.recipe, base=moment.base, chosen=moment.chosen, shelf=moment.shelf, preset=moment.preset,
        kept=work.kept if same else (), shared=work.shared if same else (), refused=None,
    ))  # fmt: skip


def kept_as(work: Workspace, slot: int) -> Workspace:
    """The recipe kept as A (0) or B (1)."""
    slots = (work.recipe, work.slots[1]) if slot == 0 else (work.slots[0], work.recipe)
    return replace(work, slots=slots)


def link(recipe: Recipe) -> str:
    """The recipe as text for a link's `?r=`: base64url of its compressed YAML. RecipeError when it is too long for one."""
    packed = base64.urlsafe_b64encode(zlib.compress(dump(recipe).encode("utf-8"), 9)).decode("ascii").rstrip("=")
    if len(packed) > LINK_CHARACTERS:
        needs = f"This recipe needs {len(packed):,} characters in a link"
        raise RecipeError(f"{needs}, more than {LINK_CHARACTERS:,}: share its YAML.")
    return packed


def from_link(packed: str) -> str:
    """The YAML in a link's `?r=`. RecipeError when it is none, or unpacks to more than a recipe's size."""
    wrong = "This link holds no recipe; it may have been cut when it was copied."
    if len(packed) > LINK_CHARACTERS:
        raise RecipeError(wrong)
    try:
        raw = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        unpack = zlib.decompressobj()
        text = unpack.decompress(raw, RECIPE_CHARACTERS)
        if unpack.unconsumed_tail or not unpack.eof:
            raise RecipeError(wrong)
        return text.decode("utf-8")
    except (binascii.Error, zlib.error, UnicodeDecodeError, ValueError):
        raise RecipeError(wrong) from None


_OTHERWISE = """\
# or hear it in any chat program, with http://127.0.0.1:8000/v1 as its base URL; saving recipe.yaml changes the next answer:
# python -m merger serve recipe.yaml
# or take it to Ollama, LM Studio and llama.cpp:
# python -m merger export recipe.yaml merged-model.gguf --kind q8_0
"""


def command(recipe: Recipe) -> str:
    """The lines that make this merge at home, ready to paste into a shell."""
    text = dump(recipe).rstrip()
    word = "RECIPE"
    while word in text.splitlines():  # a line of the recipe itself must not end the shell's text
        word += "_"
    return f"cat > recipe.yaml <<'{word}'\n{text}\n{word}\npython -m merger merge recipe.yaml merged-model\n{_OTHERWISE}"


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
    """Other parents under the same method, each with the settings it had before; those not on the shelf are left out."""
    return _rebuilt(work, work.recipe.merge_method, tuple(m for m in work.shelf if m in chosen))


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
        modules=(),
        earlier=(),
        parameters=tuple((defaults | {n: s for n, s in work.shared if n in known}).items()),
    )
    return replace(remember(work), recipe=load(dump(recipe), "recipe"), chosen=chosen)


def _entries(work: Workspace, models: Sequence[str]) -> list[Entry]:
    listed = {entry.model: entry for entry in work.recipe.models}
    return [listed.get(model, Entry(model)) for model in models]


def for_statistics(work: Workspace) -> Recipe:
    """A recipe on deltas from the family's base, so that there is something to compare under every method.

    The recipe as it is where it names no model but the base: there is nothing to compare then.
    """
    weights = (("weight", constant(1.0)),)
    models = tuple(Entry(m, weights) for m in work.chosen if m != work.base)
    if not models or (work.recipe.method.takes == "deltas" and work.recipe.base_model == work.base):
        return work.recipe
    return Recipe(PLAIN, models=models, base_model=work.base, on_mismatch=work.recipe.on_mismatch)
