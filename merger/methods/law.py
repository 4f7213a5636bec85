"""Law: what a method does, as data. Compiled passes, pictures, sentences, costs and warnings follow from it, wherever they are.

A method without a law is merged by its function, explained by the stages that it tells its `watch`, and by its `says`.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from torch import Tensor

Trim = Literal["all", "largest", "middle", "random", "ranked"]
Combine = Literal["sum", "step", "average", "arc", "alone", "own"]
Decomposes = Literal["", "each", "sum", "together"]
Shares = Callable[..., list[float]]


@dataclass(frozen=True)
class Teach:
    """A method's sentences in *Look inside*. Empty ones follow from the law.

    rule       what it did to a tensor; the pieces in braces are filled in by ui/words.py, with the tensor's real numbers
    otherwise  the same where a piece has nothing to tell
    kept, rescaled, agreeing  titles of these stages
    dropped    after "pirate is ...": why a change does not count
    """

    rule: str = ""
    otherwise: str = ""
    kept: str = ""
    rescaled: str = "Rescale what stayed"
    agreeing: str = "Agree: the losing side sits out"
    dropped: str = ""


@dataclass(frozen=True)
class Law:
    """What a method does to the tensors of one output tensor.

    trim        what stays of each delta: all, its largest changes (`density`), the middle of them (`density`, `gamma`), some by
                lot (`density`), some by lot and rank in their row (`density`, `epsilon`)
    combine     sum      of the weighted trimmed deltas (`weight`, `normalize`, `lambda`); with `vote` only those that agree
                step     the plain average of the deltas, times one number from their dot products
                average  of the tensors, by their weights alone
                arc      of the tensors, by shares that come from their dot products
                alone    one tensor, scaled
                own      none of these: only the method's function can do it
                All but `own` are done by the compiled passes; `own` with a trim or vote still tells how to explain it.
    vote        a sign is elected, and who disagrees does not count
    shares      average, arc, alone: (n or dot products (n, n), parameters by name) -> what is taken of each model;
                step: dot products -> how far
    by_rows     a parameter and its value that make the method work row by row instead of on whole tensors
    normalized  the parameter that divides by the sum of the weights; "always" where nothing switches it off
    adds_up     whether larger weights make a longer step or larger numbers; None: as far as the law and the signature tell
    decomposes  matrices are decomposed (singular values): each delta, their sum, or all of them side by side
    other       where it decomposes: the law of what it does not decompose, tensors that are no matrices and those whose rows are
                tokens; None: tensors that are no matrices are its function's own business, and rows of tokens are no exception
    smooth      whether the result follows a small move of a number, so that a slope tells which way helps
    memory      of its function: tensors of the job's shape and arithmetic that it holds at once, and those for each model
    nanoseconds of its function: for each parameter of each model, on two cores
    teach       its sentences
    """

    trim: Trim = "all"
    combine: Combine = "own"
    vote: bool = False
    shares: Shares | None = None
    by_rows: tuple[str, object] | None = None
    normalized: str = "normalize"
    adds_up: bool | None = None
    decomposes: Decomposes = ""
    other: "Law | None" = None
    smooth: bool = True
    memory: tuple[float, float] = (4.0, 6.0)
    nanoseconds: float = 20.0
    teach: Teach = Teach()

    @property
    def compiled(self) -> bool:
        """Whether the compiled passes do it."""
        return self.combine != "own"

    @property
    def copies(self) -> bool:
        """Whether one model passes through, and is only scaled."""
        return self.combine == "alone"

    @property
    def drawn(self) -> bool:
        """Whether changes stay by lot."""
        return self.trim in ("random", "ranked")

    def at(self, dims: int, tokens: bool) -> "Law":
        """The law of a tensor of so many dimensions. tokens: its rows are."""
        if not self.decomposes or (dims == 2 and not (tokens and self.other)):
            return self
        return self.other or NO_LAW

    def rowwise(self, args: Mapping[str, Any], dims: int) -> bool:
        """Whether these parameters make it work row by row on a tensor of so many dimensions."""
        return self.by_rows is not None and dims > 1 and args.get(self.by_rows[0]) == self.by_rows[1]

    def taken(self, of: Tensor | int, args: Mapping[str, Any]) -> list[float]:
        """What is taken of each model: `shares` with those of the arguments that it asks for."""
        assert self.shares is not None
        return self.shares(of, **{name: args[name] for name in self._asked if name in args})

    @cached_property
    def _asked(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.shares).parameters)[1:] if self.shares else ()


KEPT = {
    "all": "Trim: what is dropped is grey", "largest": "Trim: only the largest changes stay",
    "middle": "Cut both tails: noise and outliers go", "random": "Draw lots: dropped changes are grey",
    "ranked": "Draw lots: dropped changes are grey",
}  # fmt: skip
DROPPED = {
    "all": "left out", "largest": "too small, so trimmed", "middle": "cut off", "random": "dropped by lot",
    "ranked": "dropped by lot",
}  # fmt: skip
RULES = {
    "all": "Each model's change is multiplied by its weight and added: {times}.",
    "largest": "{trimmed}",
    "middle": "{trimmed}",
    "random": "Changes stay by lot: {chances}. {rescaled}",
    "ranked": "Changes stay by lot, and large ones have the better odds: {lowest} for the smallest of a row, {highest} for the "
    "largest. {rescaled}",
}
"""Of the trims: the title of what stays, why a change is gone, and the sentence of a method that adds up what stays."""

NO_LAW = Law()
"""A method that only its function can do."""

__all__ = ["DROPPED", "KEPT", "NO_LAW", "RULES", "Combine", "Decomposes", "Law", "Shares", "Teach", "Trim"]
