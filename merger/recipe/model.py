"""Recipe: what a merge is, as text and numbers. Types only: `read` makes them from YAML, `write` is the way back.

A Recipe is valid or not constructed; it is hashable and holds no tensors.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from dataclasses import replace as replace_fields
from functools import cached_property
from typing import Any, Literal

from merger.methods import METHODS, Method
from merger.methods.params import Scalar

DTYPES = ("float32", "float16", "bfloat16", "float64")
CHAT_TEMPLATES = ("alpaca", "chatml", "exaone", "llama3", "mistral")

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
    kept: dict[str, str] = field(default_factory=dict[str, str], init=False, compare=False, repr=False)
    """What was worked out once from what it says, such as its YAML; a changed recipe begins with nothing."""

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


def stacked(nearer: Parameters, farther: Parameters) -> Parameters:
    """Two scopes as one: the rules of the nearer come first."""
    slices = dict(farther)
    for name, setting in nearer:
        slices[name] = Setting(setting.rules + slices[name].rules) if name in slices else setting
    return tuple(slices.items())


def scopes(recipe: Recipe, part: Slice | None, entry: Entry | None) -> Iterator[Parameters]:
    """The places a parameter is looked up in, nearest first: the source, its slice, the recipe."""
    if entry is not None:
        yield entry.parameters
    if part is not None:
        yield part.parameters
    yield recipe.parameters


def tolerant(recipe: Recipe, on_mismatch: OnMismatch) -> Recipe:
    """The recipe and its earlier documents with one policy for tensors that do not fit."""
    earlier: list[Recipe] = []
    for one in recipe.earlier:  # not by itself: each has those before it as its own
        earlier.append(replace_fields(one, on_mismatch=on_mismatch, earlier=tuple(earlier[: len(one.earlier)])))
    return replace_fields(recipe, on_mismatch=on_mismatch, earlier=tuple(earlier))
