"""Recipe: what a merge is, as text and numbers. Reads and writes mergekit's YAML; every value has one path.

A Recipe is valid or not constructed; `load(dump(r)) == r`; it is hashable and holds no tensors.
Grammar: mergekit's (`models` or `slices`, `merge_method`, `base_model`, `parameters`, `dtype`, ...), `seed` and `on_mismatch`.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from dataclasses import replace as replace_fields
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from merger.errors import RecipeError, nearest
from merger.inside import inside
from merger.limits import DOCUMENTS, READS, RECIPE_LAYERS, RECIPE_MODELS, RECIPE_VALUES
from merger.methods import METHODS, Method
from merger.methods.params import Param, Scalar, to_number
from merger.recipe.paste import clothed, mended
from merger.regular import read_text

DTYPES = ("float32", "float16", "bfloat16", "float64")
MAX_TEXT = 1 << 20

OnMismatch = Literal["refuse", "crop", "skip", "crop+skip"]
"""What to do with tensors that do not fit the base's: refuse the merge; `crop`: cut vocabularies to the rows that all have;
`skip`: leave a model out of the tensors where it does not fit; both: cut longer vocabularies to the base's, and leave out the
rest."""

Value = Scalar | tuple[Scalar, ...]
"""A constant, or a curve: equally spaced anchors over the layers ("gradient" in mergekit's YAML)."""


@dataclass(frozen=True)
class Setting:
    """A parameter's value: ordered rules (filter, constant or curve). The first filter found in a tensor's name wins."""

    rules: tuple[tuple[str | None, Value], ...]

    def at(self, name: str, layer: int, layers: int) -> Scalar | None:
        """The one number for a tensor, or None for "not set".

        name           tensor name, searched for the filters as plain text
        layer, layers  position in its slice; layers = 0 for tensors outside the layers, which get a curve's first value

        >>> Setting(((None, (0.0, 1.0)),)).at("model.layers.1.mlp.up_proj.weight", 1, 5)
        0.25
        """
        for pattern, value in self.rules:
            if pattern is None or pattern == "*" or pattern in name:
                return _on_curve(value, layer, layers) if isinstance(value, tuple) else value
        return None

    @property
    def values(self) -> Iterator[Scalar]:
        """Every number written in this setting."""
        for _, value in self.rules:
            yield from value if isinstance(value, tuple) else (value,)


def constant(value: Value) -> Setting:
    """The Setting of one constant or curve for all tensors."""
    return Setting(((None, value),))


def _on_curve(anchors: tuple[Scalar, ...], layer: int, layers: int) -> Scalar:
    """Linear interpolation at layer/(layers-1); whole-number arithmetic, so n anchors over n layers are exact."""
    last = len(anchors) - 1
    if layers == 1:
        index, rest, span = last, 0, 1
    elif layers == 0:
        index, rest, span = 0, 0, 1
    else:
        span = layers - 1
        index, rest = divmod(layer * last, span)
    here = anchors[index]
    if rest == 0 or isinstance(here, (bool, str)):
        return here
    there = anchors[index + 1]
    assert not isinstance(there, str)
    share = rest / span
    return here * (1 - share) + there * share


Parameters = tuple[tuple[str, Setting], ...]


@dataclass(frozen=True)
class Entry:
    """One model of the merge: a reference (folder or Hub id), its parameters, in slices its range of layers."""

    model: str
    parameters: Parameters = ()
    layer_range: tuple[int, int] | None = None


@dataclass(frozen=True)
class Slice:
    """A run of output layers, made from the same number of layers of each source."""

    sources: tuple[Entry, ...]
    parameters: Parameters = ()
    base_model: str | None = None


@dataclass(frozen=True)
class Module:
    """A part of a model that has several, such as `text_decoder` or `vision_tower`, and how it is merged."""

    name: str
    models: tuple[Entry, ...] = ()
    slices: tuple[Slice, ...] = ()
    parameters: Parameters = ()


@dataclass(frozen=True)
class TokenRow:
    """Where the row of one token comes from: kind is `model` (its row of the same token), `model_token` or `zero`.

    model, token, token_id  the donor and its token (one of the two, for `model_token`)
    force                   in every model, also those that know the token
    """

    kind: str
    model: str | None = None
    token: str | None = None
    token_id: int | None = None
    force: bool = False


@dataclass(frozen=True)
class TokenizerRecipe:
    """Which tokens the output has, and their rows. source: `union`, `base`, or a model."""

    source: str = "union"
    tokens: tuple[tuple[str, TokenRow], ...] = ()
    pad_to_multiple_of: int | None = None


@dataclass(frozen=True)
class Recipe:
    """A whole merge. Exactly one of `models`, `slices` and `modules` is filled."""

    merge_method: str
    models: tuple[Entry, ...] = ()
    slices: tuple[Slice, ...] = ()
    modules: tuple[Module, ...] = ()
    base_model: str | None = None
    parameters: Parameters = ()
    dtype: str | None = None
    out_dtype: str | None = None
    tokenizer: TokenizerRecipe | None = None
    tokenizer_source: str | None = None
    chat_template: str | None = None
    seed: int = 0
    on_mismatch: OnMismatch = "refuse"
    name: str | None = None
    earlier: "tuple[Recipe, ...]" = field(default=(), repr=False)
    """The file's other documents that this one needs, by their names, each after those it needs itself.

    Each of them has those before it as its own `earlier`: what goes over all documents goes over this list, and never
    into theirs, which would double the work with each document.
    """
    source: str = field(default="recipe", compare=False, repr=False)
    text: str | None = field(default=None, compare=False, repr=False)
    """The words it was read from; may say another recipe when fields were replaced."""
    notes: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """What was read otherwise than written, or has no effect, a sentence each."""

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return self._all == other._all if isinstance(other, Recipe) else NotImplemented

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self._all)

    @property
    def _all(self) -> tuple[tuple[Any, ...], ...]:
        """What the recipe says, document by document."""
        return tuple(tuple(getattr(one, name) for name in _SAID) for one in (*self.earlier, self))

    @cached_property
    def written(self) -> str:
        """As `dump` gives it, written once."""
        documents = [document(r) for r in (*self.earlier, self)]
        return "---\n".join(yaml.dump(d, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True) for d in documents)

    @cached_property
    def digest(self) -> str:
        """A short word for what the recipe says: equal for equal recipes."""
        words = [repr(self), *(one.digest for one in self.earlier)]
        return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]

    @property
    def opened(self) -> tuple[str, ...]:
        """Every model that must be opened: those named here and in earlier documents, which are not on disk themselves."""
        made = {document.name for document in self.earlier}
        named = [r for document in (*self.earlier, self) for r in document.references]
        return tuple(dict.fromkeys(r for r in named if r not in made))

    @cached_property
    def nbytes(self) -> int:
        """About what it takes in memory: its numbers, its names and the words it was read from."""
        entries = [e for part in self.parts for e in (*part.models, *(e for s in part.slices for e in s.sources))]
        scopes = (self.parameters, *(m.parameters for m in self.modules), *(s.parameters for s in self.slices))
        rules = [rule for scope in (*scopes, *(e.parameters for e in entries)) for _, setting in scope for rule in setting.rules]
        numbers = sum(len(value) if isinstance(value, tuple) else 1 for _, value in rules)
        words = sum(len(e.model) for e in entries) + sum(len(pattern or "") for pattern, _ in rules)
        tokens = sum(200 + len(token) for token, _ in self.tokenizer.tokens) if self.tokenizer else 0
        written = len(self.text or "") + len(self.chat_template or "")
        own = 1000 + 32 * numbers + 200 * (len(rules) + len(entries)) + words + tokens + written
        return own + sum(earlier.nbytes for earlier in self.earlier)

    @property
    def method(self) -> Method:
        """The merge method's declaration."""
        return METHODS[self.merge_method]

    @property
    def vocabulary(self) -> TokenizerRecipe | None:
        """`tokenizer`, or what `tokenizer_source`, its older form, says; None: no tokens are matched."""
        if self.tokenizer is None and self.tokenizer_source is not None:
            return TokenizerRecipe(self.tokenizer_source)
        return self.tokenizer

    @property
    def references(self) -> tuple[str, ...]:
        """Every model named, the base first, each once."""
        own = [self.vocabulary.source] if self.vocabulary and self.vocabulary.source not in ("union", "base") else []
        return tuple(dict.fromkeys([*self.merged, *own]))

    @cached_property  # asked once for each tensor
    def merged(self) -> tuple[str, ...]:
        """The models whose weights are merged, the base first: all that are named but a tokenizer's alone."""
        parts = self.parts
        listed = [e.model for part in parts for e in (*part.models, *(e for s in part.slices for e in s.sources))]
        bases = [b for b in (self.base_model, *(s.base_model for part in parts for s in part.slices)) if b]
        return tuple(dict.fromkeys([*bases, *listed]))

    @property
    def parts(self) -> "tuple[Recipe, ...]":
        """A recipe for each of the modules, in which theirs are the whole's models, slices and parameters; else this one."""
        return tuple(
            replace_fields(
                self, modules=(), models=m.models, slices=m.slices, parameters=stacked(m.parameters, self.parameters)
            )
            for m in self.modules
        ) or (self,)  # fmt: skip


_SAID = tuple(f.name for f in fields(Recipe) if f.compare and f.name != "earlier")


# ---------------------------------------------------------------------------------------------- reading


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
    found = _read(meant, source)  # its error is the one to tell: on the same line, and about what was meant
    return replace_fields(found, notes=(f"{source}: {'; '.join(changes)}.", *found.notes))


def _read(text: str, source: str) -> Recipe:
    places = [_Place(value, "", source, about) for value, about in _parse(text, source)]
    if len(places) == 1:
        return replace_fields(_recipe(places[0]), text=text)
    found = _together([(_recipe(place), place) for place in places if place.value is not None], source)
    notes = [note for place in places for note in place.about.notes]
    return replace_fields(found, text=text, notes=tuple(dict.fromkeys(notes)))


def _together(documents: "list[tuple[Recipe, _Place]]", source: str) -> Recipe:
    """Several documents as the one that makes the output, with what it needs of the others."""
    if not documents:
        raise RecipeError(f"{source}: the recipe is empty.")
    named: dict[str, tuple[Recipe, _Place]] = {}
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


def load_file(path: str | Path) -> Recipe:
    """`load` of a file; `presets/...` are also those that come with the program."""
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


@dataclass(frozen=True)
class _About:
    """What is known of a document beside its values.

    lines    path -> line
    anchors  keys at the top whose value, or a part of it, is used elsewhere by an alias
    notes    what is told of it, filled while it is read
    """

    lines: dict[str, int] = field(default_factory=dict[str, int])
    anchors: set[str] = field(default_factory=set[str])
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class _Place:
    """A value in the document together with where it is, so that every complaint can say so."""

    value: Any
    path: str
    source: str
    about: _About

    def fail(self, message: str, at: str | None = None) -> RecipeError:
        line = self.about.lines.get(self.path if at is None else at)
        where = f"{self.source}, line {line}: " if line else f"{self.source}: "
        return RecipeError(where + message)

    def wrong(self, what: str) -> RecipeError:
        return self.fail(f"{self.path or 'the recipe'} {what}; got {_shown(self.value)}.")

    def note(self, text: str) -> None:
        """Remember something to tell of this value."""
        line = self.about.lines.get(self.path)
        self.about.notes.append(f"{self.source}, line {line}: {text}" if line else f"{self.source}: {text}")

    def mapping(
        self, what: str, keys: tuple[str, ...], idle: Mapping[str, str] | None = None, also: tuple[str, ...] = ()
    ) -> dict[str, "_Place"]:
        """This mapping's entries; unknown keys are refused with the nearest known one.

        idle  keys that people write and that do nothing, with what to say of each
        also  other spellings, which are read and not offered
        """
        if not isinstance(self.value, dict):
            raise self.wrong(f"must be {what}")
        for key in self.value:
            if key not in keys and key not in also:
                path = self._join(key)
                if self._holds_anchors(key, keys):
                    continue
                if idle is not None and key in idle:
                    self.child(key).note(f"{path} has no effect{idle[key]}.")
                    continue
                misplaced = "parameters" in keys and any(m.param(key) for m in METHODS.values())
                hint = "  Indent it below `parameters:`." if misplaced else nearest(key, keys)
                raise self.fail(f"{path} is not a key of {what}.\n  Known here: {', '.join(keys)}.{hint}", at=path)
        return {key: self.child(key) for key, value in self.value.items() if value is not None and (key in keys or key in also)}

    def _holds_anchors(self, key: str, keys: tuple[str, ...]) -> bool:
        """Whether an unknown key at the top only keeps what is used elsewhere, and is no slip of the pen."""
        if self.path or get_close_matches(key, keys, n=1, cutoff=0.85):
            return False
        return key in self.about.anchors or key.startswith(("x-", ".", "_"))

    def child(self, key: str) -> "_Place":
        return _Place(self.value[key], self._join(key), self.source, self.about)

    def _join(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def items(self, what: str) -> list["_Place"]:
        if not isinstance(self.value, list) or not self.value:
            raise self.wrong(f"must be {what}")
        return [_Place(v, f"{self.path}[{i}]", self.source, self.about) for i, v in enumerate(self.value)]

    def text(self, what: str = "text") -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.wrong(f"must be {what}")
        return self.value

    def one_of(self, choices: tuple[str, ...]) -> str:
        if self.value not in choices:
            hint = nearest(self.value, choices) if isinstance(self.value, str) else ""
            raise self.fail(f"{self.path} must be one of {', '.join(choices)}; got {_shown(self.value)}.{hint}")
        return self.value


def stacked(nearer: Parameters, farther: Parameters) -> Parameters:
    """Two scopes as one: the rules of the nearer come first."""
    found = dict(farther)
    for name, setting in nearer:
        found[name] = Setting(setting.rules + found[name].rules) if name in found else setting
    return tuple(found.items())


_TOP = (
    "models", "slices", "modules", "merge_method", "base_model", "parameters", "dtype", "out_dtype",
    "tokenizer", "tokenizer_source", "chat_template", "seed", "on_mismatch", "name",
)  # fmt: skip
_OPTION = ": it is an option of the command, not of a recipe"
_CARD = ": it is for people; a recipe says what is merged"
# Keys that published recipes have, which mergekit reads over and which change nothing in a merge.
_IDLE = {
    "residual_weight": ", as in mergekit", "embed_slerp": " any more: `tokenizer_source` says how embeddings are matched",
    "int8_mask": ": masks take no memory here", "consensus_method": ", as in mergekit", "naive_count": ", as in mergekit",
    "smooth": ", as in mergekit", "allow_negative_weights": ", as in mergekit", "int_space": ", as in mergekit",
    "adaptive_merge_parameters": ", as in mergekit", "majority_sign_method": ", as in mergekit",
} | dict.fromkeys((
    "allow_crimes", "async_write", "clone_tensors", "copy_tokenizer", "cuda", "device", "gpu_rich", "lazy_unpickle",
    "lora_merge_cache", "lora_merge_dtype", "low_cpu_memory", "max_shard_size", "multi_gpu", "num_threads", "out_path",
    "out_shard_size", "output", "output_dir", "output_path", "quiet", "read_to_gpu", "safe_serialization",
    "transformers_cache", "trust_remote_code", "verbose", "write_model_card", "write_threads",
), _OPTION) | dict.fromkeys((
    "author", "authors", "comment", "description", "language", "library_name", "license", "metadata", "model_name", "note",
    "notes", "pipeline_tag", "tags", "title", "version",
), _CARD)  # fmt: skip
_ELSEWHERE = ("dtype", "out_dtype", "tokenizer_source", "chat_template", "seed", "random_seed")
# Below `parameters:` mergekit reads over these; at the top of a recipe they say something.
_IDLE_PARAMETERS = {name: what for name, what in _IDLE.items() if name not in ("int8_mask",)} | {
    name: f" below `parameters:`, as in mergekit; write `{name}:` at the top of the recipe" for name in _ELSEWHERE
}
_OTHER_PROGRAMS = (
    (("experts", "gate_mode", "source_model", "shared_experts", "experts_per_token"), "mergekit-moe",
     "makes a mixture of experts out of whole models; here models of one shape are merged into one of the same shape"),
    (("genome", "tasks"), "mergekit-evolve",
     "searches for weights by benchmarks; here a recipe has a `merge_method:` and its weights"),
)  # fmt: skip


def _recipe(top: _Place) -> Recipe:
    if not isinstance(top.value, dict):
        raise top.fail(
            f"this is not a merge recipe.\n  A recipe is YAML with `merge_method:` and `models:`; got {_shown(top.value)}."
        )
    for marks, program, does in _OTHER_PROGRAMS:
        if "merge_method" not in top.value and (mark := next((m for m in marks if m in top.value), None)):
            raise top.fail(f"this is a recipe for {program} (it has `{mark}`), which {does}.\n  Run it with {program}.", at=mark)
    keys = top.mapping("a merge recipe", _TOP, _IDLE, also=("random_seed",))
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
        base_model=_reference(keys["base_model"]) if "base_model" in keys else None,
        parameters=_parameters(keys["parameters"], method) if "parameters" in keys else (),
        dtype=_dtype(keys["dtype"]) if "dtype" in keys else None,
        out_dtype=_dtype(keys["out_dtype"]) if "out_dtype" in keys else None,
        tokenizer=_tokenizer(keys["tokenizer"]) if "tokenizer" in keys else None,
        tokenizer_source=_tokenizer_source(keys["tokenizer_source"]) if "tokenizer_source" in keys else None,
        chat_template=_chat_template(keys["chat_template"]) if "chat_template" in keys else None,
        seed=_seed(keys),
        on_mismatch=_policy(keys["on_mismatch"]) if "on_mismatch" in keys else "refuse",
        name=_name(keys["name"]) if "name" in keys else None,
        source=top.source,
        notes=tuple(top.about.notes),
    )
    if "tokenizer" in keys and "tokenizer_source" in keys:
        raise keys["tokenizer_source"].fail("give either `tokenizer:` or `tokenizer_source:`, its older form.")
    _check_models(recipe, keys, top)
    _check_tokens(recipe, keys)
    return recipe


def _seed(keys: Mapping[str, _Place]) -> int:
    """`seed`, or `random_seed`, as mergekit's option is called."""
    if "random_seed" not in keys:
        return _whole(keys["seed"], 0, 2**63 - 1) if "seed" in keys else 0
    if "seed" in keys:
        raise keys["random_seed"].fail("give either `seed:` or `random_seed:`; they mean the same.")
    keys["random_seed"].note("random_seed is read as `seed`.")
    return _whole(keys["random_seed"], 0, 2**63 - 1)


_WORD = re.compile(r"[^\W_][\w .()-]{0,99}")


def _name(place: _Place) -> str:
    """A document's name: a word that cannot be a path, a Hub id, or a part of one."""
    text = place.text("a name for this document").strip()
    if not _WORD.fullmatch(text):
        raise place.fail(
            f"{place.path} must be a word of up to 100 letters, digits, blanks and . _ - ( ), beginning with a letter or digit; "
            f"got {_shown(text)}.\n  It stands for this document's merge and is never looked for as a folder or on the Hub."
        )
    return text


def _policy(place: _Place) -> OnMismatch:
    """`on_mismatch`."""
    name = place.one_of(get_args(OnMismatch))
    return next(policy for policy in get_args(OnMismatch) if policy == name)


def _models(keys: Mapping[str, _Place], method: Method) -> tuple[Entry, ...]:
    listed = keys["models"].items("a list of models") if "models" in keys else ()
    return tuple(_entry(place, method, in_slice=False) for place in listed)


def _slices(keys: Mapping[str, _Place], method: Method) -> tuple[Slice, ...]:
    return tuple(_slice(place, method) for place in keys["slices"].items("a list of slices")) if "slices" in keys else ()


def _modules(place: _Place, method: Method) -> tuple[Module, ...]:
    if not isinstance(place.value, dict) or not place.value:
        raise place.wrong("must map names of modules, for example text_decoder, to their `models:` or `slices:`")
    found: list[Module] = []
    for name in place.value:
        keys = place.child(name).mapping("a module", ("models", "slices", "parameters"), _IDLE)
        if ("models" in keys) == ("slices" in keys):
            raise place.child(name).fail(f"{place.path}.{name}: give either `models:` or `slices:`, what this module is made of.")
        own = _parameters(keys["parameters"], method) if "parameters" in keys else ()
        found.append(Module(name, _models(keys, method), _slices(keys, method), own))
    return tuple(found)


def _check_models(recipe: Recipe, keys: Mapping[str, _Place], top: _Place) -> None:
    """Size, duplicates, the number of models, the base: what needs the whole recipe."""
    method = recipe.method
    ranges = [s.sources[0].layer_range or (0, 0) for part in recipe.parts for s in part.slices]
    layers = sum(stop - start for start, stop in ranges)
    if layers > RECIPE_LAYERS:
        raise top.fail(
            f"the slices stack {layers:,} layers; a merge has at most {RECIPE_LAYERS} (the deepest models have about 130).",
            "modules" if recipe.modules else "slices",
        )
    groups: list[tuple[str, tuple[Entry, ...], str | None]] = []
    for above, part in zip([f"modules.{m.name}." for m in recipe.modules] or [""], recipe.parts, strict=True):
        if part.models:
            groups.append((f"{above}models", part.models, recipe.base_model))
        for i, s in enumerate(part.slices):
            groups.append((f"{above}slices[{i}].sources", s.sources, s.base_model or recipe.base_model))
    if method.base in ("required", "first") and any(base is None for _, _, base in groups):
        what = "the model the others were fine-tuned from" if method.base == "required" else "the model at t = 0"
        raise top.fail(f"'{method.name}' needs `base_model`, {what}.\n  Add `base_model: <folder or Hub id>`.")
    for path, entries, base in groups:
        if len(entries) > RECIPE_MODELS:
            raise top.fail(f"{path} lists {len(entries):,} models; at most {RECIPE_MODELS} are merged at once.", path)
        seen: dict[tuple[str, tuple[int, int] | None], int] = {}
        for i, entry in enumerate(entries):
            first = seen.setdefault((entry.model, entry.layer_range), i)
            if first != i:
                raise top.fail(f"{path}[{i}] repeats {path}[{first}] ({entry.model}); list each model once.", f"{path}[{i}]")
        others = [e for e in entries if e.model != base] if method.base in ("required", "optional", "first") else list(entries)
        fewest, most = method.models
        count = len(others) + (1 if method.base == "first" else 0)
        if count < fewest or (most is not None and count > most):
            kind = "models besides the base" if method.base in ("required", "optional") else "models"
            wanted = f"exactly {fewest}" if fewest == most else f"at least {fewest}" if most is None else f"{fewest} to {most}"
            hint = ""
            if method.base == "first" and base not in [e.model for e in entries] and count > fewest:
                hint = f"\n  It goes from `base_model` to one other: {base} and these are {count}. Make one of these the base."
            raise top.fail(f"'{method.name}' takes {wanted} {kind}; {path} gives {count}.{hint}", path)


def _entry(place: _Place, method: Method, in_slice: bool) -> Entry:
    if isinstance(place.value, str) and not in_slice:
        return Entry(_reference(place))
    takes = ("model", "parameters", *(["layer_range"] if in_slice else []))
    idle = _IDLE | ({} if in_slice else {"layer_range": ": `models:` merges all layers; for some of them write `slices:`"})
    keys = place.mapping("a source" if in_slice else "a model", takes, idle, also=("revision",))
    if "model" not in keys:
        raise place.fail(f"{place.path}.model is missing: a folder or a Hub id.")
    if in_slice and "layer_range" not in keys:
        raise place.fail(f"{place.path}.layer_range is missing: [first, end), for example [0, 16].")
    return Entry(
        _revised(keys),
        _parameters(keys["parameters"], method) if "parameters" in keys else (),
        _range(keys["layer_range"]) if in_slice else None,
    )


def _revised(keys: Mapping[str, _Place]) -> str:
    """An entry's model at the `revision:` beside it, which mergekit reads over."""
    model = _reference(keys["model"])
    if "revision" not in keys:
        return model
    revision = _reference(keys["revision"])
    if "@" in model:
        raise keys["revision"].fail(f"{keys['revision'].path} is given twice: {model} names one already.")
    keys["revision"].note(f"read as {model}@{revision}; mergekit itself takes the main revision.")
    return f"{model}@{revision}"


def _slice(place: _Place, method: Method) -> Slice:
    keys = place.mapping("a slice", ("sources", "parameters", "base_model"), _IDLE)
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
        _parameters(keys["parameters"], method) if "parameters" in keys else (),
        _reference(keys["base_model"]) if "base_model" in keys else None,
    )


def _reference(place: _Place) -> str:
    """A model: text, or mergekit's mapping {model: {path, revision}, lora: {path, revision}, override_architecture}."""
    if isinstance(place.value, dict):
        return _mapped_reference(place)
    text = place.text("a folder or a Hub id")
    if any(ord(c) < 32 for c in text) or len(text) > 4096 or clothed(text):
        raise place.wrong("must be a folder or a Hub id, on one line")
    return text


def _mapped_reference(place: _Place) -> str:
    """The mapping as text. `override_architecture` changes nothing: tensors are found by their names."""
    if "path" in place.value:
        keys = place.mapping("a model's place", ("path", "revision"))
        path = _reference(keys["path"])
        return f"{path}@{_reference(keys['revision'])}" if "revision" in keys else path
    keys = place.mapping("a model", ("model", "lora", "override_architecture"))
    if "model" not in keys:
        raise place.fail(f"{place.path}.model is missing: a folder or a Hub id.")
    model = _reference(keys["model"])
    return f"{model}+{_reference(keys['lora'])}" if "lora" in keys else model


_TOKENIZERS = "union, base or a model"
CHAT_TEMPLATES = ("alpaca", "chatml", "exaone", "llama3", "mistral")
MAX_TOKEN = 1 << 16


def _tokenizer(place: _Place) -> TokenizerRecipe:
    keys = place.mapping("a tokenizer", ("source", "tokens", "pad_to_multiple_of"))
    rows: list[tuple[str, TokenRow]] = []
    if "tokens" in keys:
        if not isinstance(keys["tokens"].value, dict):
            raise keys["tokens"].wrong("must map tokens to their source, for example `<pad>: {source: {kind: zero}}`")
        for token in keys["tokens"].value:
            if not token or len(token) > MAX_TOKEN:
                raise keys["tokens"].fail(f"{keys['tokens'].path} names an empty token, or one longer than {MAX_TOKEN} letters.")
            rows.append((token, _token_row(keys["tokens"].child(token))))
    return TokenizerRecipe(
        _tokenizer_source(keys["source"]) if "source" in keys else "union",
        tuple(rows),
        _whole(keys["pad_to_multiple_of"], 1, 1 << 20) if "pad_to_multiple_of" in keys else None,
    )


def _tokenizer_source(place: _Place) -> str:
    return _reference(place) if isinstance(place.value, dict) else place.text(_TOKENIZERS)


def _token_row(place: _Place) -> TokenRow:
    keys = place.mapping("a token", ("source", "force"))
    if "source" not in keys:
        raise place.fail(f"{place.path}.source is missing: a model, {{kind: zero}}, or {{kind: model_token, model, token}}.")
    force = keys["force"].value if "force" in keys else False
    if not isinstance(force, bool):
        raise keys["force"].wrong("must be true or false")
    source = keys["source"]
    if not isinstance(source.value, dict) or ("kind" not in source.value and source.value.keys() & {"model", "path"}):
        return TokenRow("model", _reference(source), force=force)
    if "kind" not in source.value:
        raise source.fail(f"{source.path}.kind is missing: zero or model_token.")
    kind = source.child("kind").one_of(("zero", "model_token"))
    inner = source.mapping("a token's source", ("kind", "model", "token", "token_id") if kind == "model_token" else ("kind",))
    if kind == "zero":
        return TokenRow("zero", force=force)
    if "model" not in inner:
        raise source.fail(f"{source.path}.model is missing: the model whose token it is.")
    if ("token" in inner) == ("token_id" in inner):
        raise source.fail(f"{source.path} needs either `token` or `token_id`, the token of {source.value['model']}.")
    return TokenRow(
        kind,
        _reference(inner["model"]),
        _token(inner["token"]) if "token" in inner else None,
        _whole(inner["token_id"], 0, (1 << 31) - 1) if "token_id" in inner else None,
        force,
    )


def _token(place: _Place) -> str:
    if not isinstance(place.value, str) or not 0 < len(place.value) <= MAX_TOKEN:
        raise place.wrong("must be a token's text, in quotes")
    return place.value


def _check_tokens(recipe: Recipe, keys: Mapping[str, _Place]) -> None:
    """A token's row comes from a model that is merged."""
    if recipe.tokenizer is None:
        return
    for token, row in recipe.tokenizer.tokens:
        if row.model is not None and row.model not in recipe.merged:
            source = keys["tokenizer"].child("tokens").child(token).child("source")
            place = source if row.kind == "model" else source.child("model")
            raise place.fail(
                f"{place.path} must be a model of this recipe: {', '.join(recipe.merged)}; "
                f"got {_shown(place.value)}.{nearest(row.model, recipe.merged)}"
            )


def _chat_template(place: _Place) -> str:
    text = place.text(f"auto, {', '.join(CHAT_TEMPLATES)}, or a Jinja template")
    if text != "auto" and text not in CHAT_TEMPLATES and "{" not in text:
        raise place.fail(
            f"{place.path} must be one of auto, {', '.join(CHAT_TEMPLATES)}, or a Jinja template (with braces); "
            f"got {_shown(text)}.{nearest(text, ('auto', *CHAT_TEMPLATES))}"
        )
    return text


def _dtype(place: _Place) -> str:
    known = {name: name for name in DTYPES} | {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "half": "float16"}
    return (known.get(place.value) if isinstance(place.value, str) else None) or place.one_of(DTYPES)


def _whole(place: _Place, low: int, high: int) -> int:
    if isinstance(place.value, bool) or not isinstance(place.value, int) or not low <= place.value <= high:
        raise place.wrong(f"must be a whole number from {low} to {high}")
    return place.value


def _range(place: _Place) -> tuple[int, int]:
    v = place.value
    if not (isinstance(v, list) and len(v) == 2 and all(type(x) is int for x in v) and 0 <= v[0] < v[1]):
        raise place.wrong("must be [first, end) with 0 <= first < end, for example [0, 16]")
    return v[0], v[1]


def _parameters(place: _Place, method: Method) -> Parameters:
    if not isinstance(place.value, dict):
        raise place.wrong("must hold parameters, for example `weight: 0.5`, indented below it")
    settings: list[tuple[str, Setting]] = []
    elsewhere = {p.name: p for m in METHODS.values() for p in m.params}
    for key in place.value:
        param = method.param(key)
        if param is None and key in _IDLE_PARAMETERS and key not in method.unused:
            place.child(key).note(f"{place.path}.{key} has no effect{_IDLE_PARAMETERS[key]}.")
            continue
        if param is None and key not in method.unused and key not in elsewhere and key not in _MERGEKIT:
            raise place.fail(
                f"{place.path}.{key} is not a parameter of '{method.name}'.\n  {method.name} takes: "
                f"{', '.join(p.name for p in method.params)}.{nearest(key, [p.name for p in method.params])}",
                at=f"{place.path}.{key}",
            )
        setting = _setting(place.child(key), param or elsewhere.get(key) or _ANYTHING)
        if setting is not None:
            settings.append((key, setting))
    return tuple(settings)


# Parameters of mergekit's other methods: kept as they are, without effect here, so that its recipes run unchanged.
_MERGEKIT = frozenset({
    "alpha", "density", "eps", "epsilon", "filter_wise", "gamma", "int8_mask", "lambda", "max_iter", "normalize",
    "normalize_weights", "nuslerp_flatten", "nuslerp_row_wise", "r", "rescale", "scale", "select_topk", "t", "tol", "weight",
})  # fmt: skip
_ANYTHING = Param()


def _setting(place: _Place, param: Param) -> Setting | None:
    value = place.value
    if value is None or value == []:
        return None
    if isinstance(value, dict):
        return Setting((_rule(place, param),))
    if isinstance(value, list) and any(isinstance(v, dict) for v in value):
        places = place.items("a list of rules")
        for p in places:
            if not isinstance(p.value, dict):
                raise p.wrong("mixes a bare number with rules: write {value: ..} for all of them")
        return Setting(tuple(_rule(p, param) for p in places))
    return constant(_value(place, param))


def _rule(place: _Place, param: Param) -> tuple[str | None, Value]:
    keys = place.mapping("a rule", ("filter", "value"))
    if "value" not in keys:
        raise place.fail(f"{place.path}.value is missing: a number, or a list of numbers over the layers.")
    pattern = keys["filter"].text("part of a tensor's name, for example mlp") if "filter" in keys else None
    return None if pattern == "*" else pattern, _value(keys["value"], param)


def _value(place: _Place, param: Param) -> Value:
    if isinstance(place.value, list):
        if len(place.value) > 4096:
            raise place.fail(f"{place.path} lists {len(place.value)} values; a curve over the layers has at most 4096.")
        return tuple(_scalar(p, param) for p in place.items("a number or a list of numbers"))
    return _scalar(place, param)


def _scalar(place: _Place, param: Param) -> Scalar:
    if isinstance(place.value, (dict, list)) or place.value is None:
        raise place.wrong(f"must be {param}")
    if param is _ANYTHING:  # a parameter of a method we do not know in detail: no bounds, but still no NaN
        number = to_number(place.value)
        if number is None:
            return place.value
    try:
        return param.accept(place.value)
    except ValueError as error:
        raise place.wrong(str(error)) from None


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if len(value) > 6 or any(isinstance(v, (dict, list)) for v in value) else str(value)
    text = str(value)
    return repr(text if len(text) < 60 else text[:57] + "...") if isinstance(value, str) else text[:60]


# ---------------------------------------------------------------------------------------------- YAML


_MERGE_KEY = "tag:yaml.org,2002:merge"
_DEPTH = 32
"""Levels of lists and mappings within each other."""


def _parse(text: str, source: str) -> list[tuple[Any, _About]]:
    """YAML text to plain dicts and lists for each document, with the line of every path; no tags, no unbounded aliases."""
    about = _About()
    lines = about.lines
    paths_of: dict[int, list[str]] = {}
    nodes: list[yaml.Node | None] = []
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_node():
            nodes.append(loader.get_node())
            if len(nodes) > DOCUMENTS:
                raise RecipeError(f"{source}: has more than {DOCUMENTS} documents; split it into several files.")
    except RecursionError:
        raise RecipeError(f"{source}: nested too deeply to be a recipe.") from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise RecipeError(f"{source}{where}: this is not YAML: {problem}.") from None
    count, length = 0, 0

    def plain(node: yaml.Node | None, path: str, depth: int) -> Any:
        nonlocal count, length
        count, length = count + 1, length + len(path)
        if depth > _DEPTH:
            words = f"nested more than {_DEPTH} levels deep, what `*` repeats included; recipes need about ten."
            raise RecipeError(f"{source}: {words}")
        if count > RECIPE_VALUES or length > 200 * RECIPE_VALUES:
            what = f"{RECIPE_VALUES:,} values" if count > RECIPE_VALUES else f"{200 * RECIPE_VALUES:,} characters of keys"
            raise RecipeError(f"{source}: holds more than {what}, what `*` repeats included; that is the most a recipe may have.")
        if node is None:
            return None
        lines.setdefault(path, node.start_mark.line + 1)
        paths_of.setdefault(id(node), []).append(path)
        if isinstance(node, yaml.SequenceNode):
            return [plain(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return mapping(node, path, depth)
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.endswith(("binary", "timestamp")):
            return node.value
        try:
            if len(node.value) > 100 and node.tag.endswith((":int", ":float")):  # 1:59:59:... takes the square of its length
                raise ValueError
            value = loader.construct_object(node)
            str(value).encode()  # refuses half a surrogate pair and whole numbers of thousands of digits
            return value
        except (yaml.YAMLError, ValueError, ArithmeticError, LookupError):
            line = node.start_mark.line + 1
            raise RecipeError(f"{source}, line {line}: {path or 'the recipe'} is not a plain value.") from None

    def mapping(node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}  # from `<<: *defaults`; this mapping's own keys win, wherever they stand
        for key_node, value_node in sorted(node.value, key=lambda pair: pair[0].tag != _MERGE_KEY):
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise RecipeError(f"{source}, line {line}: a key must be a word.")
            if key_node.tag == _MERGE_KEY:
                value = plain(value_node, path, depth + 1)
                for part in value if isinstance(value, list) else [value]:
                    if not isinstance(part, dict):
                        raise RecipeError(f"{source}, line {line}: `<<` takes a mapping, or a list of mappings.")
                    merged = part | merged
                continue
            key = str(key_node.value)
            inner = f"{path}.{key}" if path else key
            if key in found:
                raise RecipeError(f"{source}, line {line}: {inner} is given twice (first on line {lines[inner]}).")
            lines[inner] = line
            found[key] = plain(value_node, inner, depth + 1)
        return merged | found

    found: list[tuple[Any, _About]] = []
    try:
        for node in nodes or [None]:
            about = _About()
            paths_of.clear()
            lines = about.lines
            found.append((plain(node, "", 0), about))
            # of several places of one node, the first is where its anchor stands
            about.anchors.update(re.split(r"[.\[]", paths[0], maxsplit=1)[0] for paths in paths_of.values() if len(paths) > 1)
        return found
    finally:
        loader.dispose()


# ---------------------------------------------------------------------------------------------- writing


def document(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain dicts and lists, in mergekit's layout: what `load` reads. Without its earlier documents."""
    out: dict[str, Any] = {"name": recipe.name} if recipe.name is not None else {}
    out["merge_method"] = recipe.merge_method
    if recipe.base_model is not None:
        out["base_model"] = recipe.base_model
    out |= _body_document(recipe)
    if recipe.modules:
        out["modules"] = {
            m.name: _body_document(m) | ({"parameters": _parameters_document(m.parameters)} if m.parameters else {})
            for m in recipe.modules
        }
    if recipe.parameters:
        out["parameters"] = _parameters_document(recipe.parameters)
    for key in ("dtype", "out_dtype", "tokenizer", "tokenizer_source", "chat_template"):
        value = getattr(recipe, key)
        if value is not None:
            out[key] = _tokenizer_document(value) if isinstance(value, TokenizerRecipe) else value
    if recipe.seed:
        out["seed"] = recipe.seed
    if recipe.on_mismatch != "refuse":
        out["on_mismatch"] = recipe.on_mismatch
    return out


def _body_document(part: Recipe | Module) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if part.models:
        out["models"] = [_entry_document(e) for e in part.models]
    if part.slices:
        out["slices"] = [_slice_document(s) for s in part.slices]
    return out


def _entry_document(entry: Entry) -> dict[str, Any]:
    out: dict[str, Any] = {"model": entry.model}
    if entry.layer_range is not None:
        out["layer_range"] = list(entry.layer_range)
    if entry.parameters:
        out["parameters"] = _parameters_document(entry.parameters)
    return out


def _slice_document(part: Slice) -> dict[str, Any]:
    out: dict[str, Any] = {"sources": [_entry_document(e) for e in part.sources]}
    if part.base_model is not None:
        out["base_model"] = part.base_model
    if part.parameters:
        out["parameters"] = _parameters_document(part.parameters)
    return out


def _tokenizer_document(tokenizer: TokenizerRecipe) -> dict[str, Any]:
    out: dict[str, Any] = {"source": tokenizer.source}
    if tokenizer.tokens:
        out["tokens"] = {token: _token_document(row) for token, row in tokenizer.tokens}
    if tokenizer.pad_to_multiple_of is not None:
        out["pad_to_multiple_of"] = tokenizer.pad_to_multiple_of
    return out


def _token_document(row: TokenRow) -> dict[str, Any]:
    fields = {"kind": row.kind, "model": row.model, "token": row.token, "token_id": row.token_id}
    source = row.model if row.kind == "model" else {k: v for k, v in fields.items() if v is not None}
    return {"source": source, **({"force": True} if row.force else {})}


def _parameters_document(parameters: Parameters) -> dict[str, Any]:
    return {name: setting_document(setting) for name, setting in parameters}


def setting_document(setting: Setting) -> Any:
    """A Setting as YAML writes it: a number, a list, or rules."""
    plain = [(pattern, list(v) if isinstance(v, tuple) else v) for pattern, v in setting.rules]
    if len(plain) == 1 and plain[0][0] is None:
        return plain[0][1]
    return [{"value": v} if pattern is None else {"filter": pattern, "value": v} for pattern, v in plain]


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)  # lists indented below their key, as in mergekit's examples


def _list(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=not any(isinstance(v, (dict, list)) for v in data))


_Dumper.add_representer(list, _list)


def dump(recipe: Recipe) -> str:
    """The recipe as mergekit's YAML, its earlier documents before it; `load(dump(r)) == r`."""
    return recipe.written


_STEP = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]")


def replace(recipe: Recipe, path: str, value: Any) -> Recipe:
    """The recipe with one value changed, checked like any other. None removes the value.

    path  for example `models[1].parameters.weight`, `parameters.t`, `merge_method`.

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
    return replace_fields(_recipe(_Place(whole, "", recipe.source, _About())), earlier=recipe.earlier, notes=recipe.notes)


def tolerant(recipe: Recipe, on_mismatch: OnMismatch) -> Recipe:
    """The recipe and its earlier documents with one policy for tensors that do not fit."""
    earlier: list[Recipe] = []
    for one in recipe.earlier:  # not by itself: each has those before it as its own
        earlier.append(replace_fields(one, on_mismatch=on_mismatch, earlier=tuple(earlier[: len(one.earlier)])))
    return replace_fields(recipe, on_mismatch=on_mismatch, earlier=tuple(earlier))


def _put(whole: dict[str, Any], path: str, value: Any, source: str) -> None:
    steps = _steps(path, source)
    here: Any = whole
    for i, step in enumerate(steps[:-1]):
        if isinstance(step, int):
            if not isinstance(here, list) or step >= len(here):
                raise RecipeError(f"{source}: {path}: there is no {_shown_path(steps[: i + 1])} in this recipe.")
            here = here[step]
        elif isinstance(here, dict):
            here = here.setdefault(step, {})
        else:
            raise RecipeError(f"{source}: {path}: {_shown_path(steps[:i])} is not a mapping.")
    last = steps[-1]
    if isinstance(last, int):
        if not isinstance(here, list) or last >= len(here):
            raise RecipeError(f"{source}: {path}: there is no {path} in this recipe.")
        here[last] = value
    elif not isinstance(here, dict):
        raise RecipeError(f"{source}: {path}: {_shown_path(steps[:-1])} is not a mapping.")
    elif value is None:
        here.pop(last, None)
    else:
        here[last] = value


def _steps(path: str, source: str) -> list[str | int]:
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if not found:
            break
        steps.append(found[1] if found[1] else int(found[2]))
        at = found.end()
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
    found = _SETTING.fullmatch(plain)
    return found[4] if found else plain if plain in ("seed", "merge_method") else None


def _shown_path(steps: list[str | int]) -> str:
    text = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).lstrip(".")
    return text or "the recipe"


def parse_value(text: str, source: str = "--set") -> Any:
    """A value as written after `--set path=`: a YAML scalar or list.

    >>> parse_value("[0, 0.5]"), parse_value("true")
    ([0, 0.5], True)
    """
    documents = _parse(text, source)
    if len(documents) > 1:
        raise RecipeError(f"{source}: write one value, not several documents.")
    return documents[0][0]


def scopes(recipe: Recipe, part: Slice | None, entry: Entry | None) -> Iterator[Parameters]:
    """The places a parameter is looked up in, nearest first: the source, its slice, the recipe."""
    if entry is not None:
        yield entry.parameters
    if part is not None:
        yield part.parameters
    yield recipe.parameters
