"""METHODS: every merge method by its YAML name, read from the signatures of plain functions.

    @method(source="Yadav et al. 2023, arXiv:2306.01708")
    def ties(deltas: Tensor, weight: Weight, density: Density = 1.0, ...) -> Tensor: ...

The first argument's name is the contract: `deltas` gets fine-tuned minus base, (n, *shape), and returns the merged delta;
`tensors` gets the raw weights, (n, *shape), and returns the merged weights. An argument named `base`, `draws`, `watch` or
`words` (whether the tensor's rows are tokens: embeddings, output head) is passed when it is asked for. All others are the
method's parameters and carry a Param.
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from merger.methods.law import NO_LAW, Law, Teach
from merger.methods.params import Param, PerModel

Contract = Literal["deltas", "tensors"]
Base = Literal["required", "optional", "first", "joins", "ignored"]
Group = Literal["add", "largest", "lot", "average", "other"]
GROUPS: dict[Group, str] = {
    "add": "Add", "largest": "Keep the largest", "lot": "By lot", "average": "Average", "other": "Other",
}  # fmt: skip
"""What kinds of method there are, in the menu's order, and how each is headed."""
_GIVEN = ("base", "draws", "watch", "words")


@dataclass(frozen=True)
class Method:
    """One merge method. `fn` is pure: no I/O, no global random state, inputs unchanged, float of the input's shape."""

    name: str
    fn: Callable[..., Any]
    takes: Contract
    params: tuple[Param, ...]
    given: frozenset[str]
    models: tuple[int, int | None]
    base: Base
    symmetric: bool
    source: str
    says: str
    unused: tuple[str, ...]
    check: Callable[..., None] | None
    law: Law = NO_LAW
    plain: str = ""
    group: Group = "other"

    @property
    def title(self) -> str:
        """Its name in plain words; its YAML name where it has none."""
        return self.plain or self.name

    def param(self, name: str) -> Param | None:
        """The Param of this name, or None."""
        return next((p for p in self.params if p.name == name), None)

    def keywords(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters by what the function calls them: `lambda` is a word of Python."""
        return {self._keyword.get(name, name): value for name, value in args.items()}

    @cached_property
    def _keyword(self) -> dict[str, str]:
        return {name.rstrip("_"): name for name in inspect.signature(self.fn).parameters if name.endswith("_")}

    @property
    def adds(self) -> bool:
        """Whether larger weights make a longer step (deltas), or larger numbers (tensors)."""
        if self.law.adds_up is not None:
            return self.law.adds_up
        if self.law.compiled:
            return self.law.combine in ("sum", "average")
        return self.takes == "deltas" and self.param("weight") is not None

    @property
    def normalized_by(self) -> str:
        """The parameter that divides by the sum of the weights: its name, "always", or "" where nothing does."""
        by = self.law.normalized
        return by if by == "always" or self.param(by) is not None else ""

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (self.fn.__doc__ or "").strip().split("\n")[0]


METHODS: dict[str, Method] = {}

# An option of every method on deltas, applied by merge_tensor: a list of two, [first, last], is LiNeS (Wang et al. 2024,
# arXiv:2410.17146, section 4), which keeps early layers near the base and lets late ones move.
LINES = Param(
    -100, 100, view=(0, 2), name="lines", label="By depth", default=1.0,
    help="scales the merged delta after the method; [first, last] goes linearly from the first layer to the last (LiNeS)",
)  # fmt: skip


def method(
    *,
    source: str,
    says: str,
    models: tuple[int, int | None] | None = None,
    base: Base | None = None,
    symmetric: bool = True,
    unused: tuple[str, ...] = (),
    check: Callable[..., None] | None = None,
    law: Law = NO_LAW,
    plain: str = "",
    group: Group = "other",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as a merge method.

    source     paper and section
    says       a few plain words for the method menu
    models     fewest and most models, without the base for methods on deltas (default: any number)
    base       required     subtracted and added back by the caller (methods on deltas)
               optional     given as the argument `base`, or None
               first        the first of the `tensors`
               joins        one more of the `tensors`, last when it is not listed (as mergekit)
               ignored      no part, unless it is listed as a model
    symmetric  the order of the models does not matter
    unused     parameters mergekit accepts for this method and does not use; accepted here too, reported as without effect
    check      called with the parameters of one model by name before anything is read; ValueError where they do not go together
    law        what it does, as data (law.py); without one its function alone says it
    plain      its name in plain words, for those who do not know the term
    group      under which head it stands in the menu
    """

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        name = fn.__name__
        if name in METHODS:
            raise TypeError(f"{_where(fn)}: a method named {name!r} exists already")
        takes, params, given = _read_signature(fn)
        if takes == "deltas":
            params = (*params, LINES)
        METHODS[name] = Method(
            name, fn, takes, params, given, models or (0 if takes == "deltas" else 1, None),
            base or ("required" if takes == "deltas" else "ignored"),
            symmetric, source, says, unused, check, law, plain, group,
        )  # fmt: skip
        return fn

    return register


def _read_signature(fn: Callable[..., Any]) -> tuple[Contract, tuple[Param, ...], frozenset[str]]:
    hints = typing.get_type_hints(fn, include_extras=True)
    arguments = list(inspect.signature(fn).parameters.values())
    if not arguments or arguments[0].name not in ("deltas", "tensors"):
        raise TypeError(f"{_where(fn)}: the first argument must be named 'deltas' or 'tensors'")
    takes: Contract = "deltas" if arguments[0].name == "deltas" else "tensors"
    given = frozenset(a.name for a in arguments[1:] if a.name in _GIVEN)
    params: list[Param] = []
    for argument in arguments[1:]:
        if argument.name in _GIVEN:
            continue
        hint = hints[argument.name]
        found = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Param)]
        if not found:
            raise TypeError(f"{_where(fn)}: argument {argument.name!r} carries no Param")
        plain = typing.get_args(hint)[0]
        param = replace(
            found[0],
            name=argument.name.rstrip("_"),
            kind=_kind(plain, found[0]),
            per_model=plain == PerModel,
            default=None if argument.default is inspect.Parameter.empty else argument.default,
        )
        if param.default is not None:
            try:
                param.accept(param.default)
            except ValueError as error:
                raise TypeError(f"{_where(fn)}: default of {argument.name!r} {error}") from None
        params.append(param)
    return takes, tuple(params), given


def _kind(plain: object, param: Param) -> Literal["float", "int", "bool", "choice"]:
    if param.choices:
        return "choice"
    if plain is bool:
        return "bool"
    return "int" if plain is int else "float"


def _where(fn: Callable[..., Any]) -> str:
    code = fn.__code__
    return f"{code.co_filename}:{code.co_firstlineno} {fn.__name__}"


# The methods register themselves when their modules are read.
from merger.methods import averages, angles, deltas, consensus, law, spectral  # noqa: E402, I001 - the menu's order

AVERAGE, PLAIN = averages.linear.__name__, deltas.task_arithmetic.__name__
"""The plainest methods: on whole models, and on what they changed."""

__all__ = [
    "AVERAGE", "GROUPS", "LINES", "METHODS", "PLAIN", "Law", "Method", "Teach", "angles", "averages", "consensus", "deltas",
    "law", "method", "spectral",
]  # fmt: skip
