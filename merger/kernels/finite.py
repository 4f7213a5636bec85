"""Numbers that are not finite: noticed while a tensor is merged, at no cost; then counted, and told with tensor and model.

The compiled passes note what they meet (`passes.Seen`), what torch reads and makes is looked at here. Only a tensor in which
something was noticed is counted.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from merger.kernels import build, cpu
from merger.kernels.passes import Seen

_PLAIN = frozenset({torch.float64, torch.float32, torch.bfloat16, torch.float16})
_SMALL = frozenset({torch.float8_e4m3fn, torch.float8_e5m2})
_PART = 1 << 20
TOLD = 20
"""Tensors that remarks and card tell one by one."""


@dataclass
class Look(Seen):
    """What was seen of one tensor's inputs and of what was made of them."""

    _ends: list[Tensor] = field(default_factory=list[Tensor])

    def at(self, x: Tensor) -> Tensor:
        """Look at a tensor's elements, and give it back. A GPU is not waited for."""
        if x.device.type == "cpu" and x.is_contiguous() and build.available() and cpu.supports([x]):
            self.odd = self.odd or cpu.odd(x)
        elif x.numel() and x.dtype in _PLAIN | _SMALL:
            self._ends += (x if x.dtype in _PLAIN else x.to(torch.float32)).aminmax()  # what is no number is both of them
            if x.device.type == "cpu":
                self._settle()
        return x

    @property
    def suspects(self) -> bool:
        """Whether some number may not be finite, of the inputs or of what was made of them."""
        self._settle()
        return self.odd

    def _settle(self) -> None:
        self.odd |= not all(math.isfinite(float(end)) for end in self._ends)
        self._ends.clear()


@dataclass(frozen=True)
class Count:
    """How many of a tensor's numbers are NaN or infinite, the place of the first, and the largest magnitude of the others."""

    nan: int
    infinite: int
    numel: int
    first: tuple[int, ...] | None
    largest: float

    @property
    def odd(self) -> int:
        """All that are not finite."""
        return self.nan + self.infinite

    def __str__(self) -> str:
        """
        >>> str(count([torch.tensor([[1.0, torch.nan], [torch.inf, -torch.inf]])], (2, 2)))
        '1 NaN and 2 infinities'
        """
        parts = [f"{self.nan:,} NaN"] if self.nan else []
        parts += [f"{self.infinite:,} infinit{'y' if self.infinite == 1 else 'ies'}"] if self.infinite else []
        return " and ".join(parts) or "nothing but finite numbers"

    @property
    def place(self) -> str:
        """Where the first is."""
        return "" if not self.first else f", the first at {list(self.first)}"


def count(parts: Iterable[Tensor], shape: Sequence[int]) -> Count:
    """Count what is not finite in a tensor of this shape, whose flat parts come one after the other."""
    nan = infinite = numel = 0
    first, largest = None, 0.0
    for part in parts:
        flat = part.reshape(-1)
        for start in range(0, flat.numel(), _PART):
            some = flat[start : start + _PART]
            some = some if some.dtype in _PLAIN else some.to(torch.float32)
            odd = ~some.isfinite()
            if bool(odd.any()):
                nans = int(some.isnan().sum())
                nan, infinite = nan + nans, infinite + int(odd.sum()) - nans
                first = numel + int(odd.to(torch.uint8).argmax()) if first is None else first
            largest = max(largest, float(some.where(~odd, 0).abs().amax()))
            numel += some.numel()
    place = None if first is None else tuple(int(i) for i in torch.unravel_index(torch.tensor(first), tuple(shape)))
    return Count(nan, infinite, numel, place, largest)


@dataclass(frozen=True)
class Parent:
    """A model's tensor of which some numbers are not finite."""

    model: str
    name: str
    count: Count


@dataclass(frozen=True)
class NonFinite:
    """What is not finite about one tensor of the output.

    largest  magnitude of the inputs
    made     of the numbers that were made, in the type of the arithmetic
    written  of them when they are rounded to `out`
    """

    name: str
    method: str | None
    parents: tuple[Parent, ...]
    largest: float
    made: Count
    written: Count
    out: torch.dtype

    def __bool__(self) -> bool:
        return bool(self.parents or self.written.odd)

    @property
    def line(self) -> str:
        """All of it in one line, for remarks and card."""
        parts = [f"{parent.count} in {parent.model}" for parent in self.parents]
        kind = str(self.out).removeprefix("torch.")
        over = self.written.odd - self.made.odd
        parts += [f"{self.written} in the output"] if self.written.odd else ["none in the output"]
        return f"{self.name}: {', '.join(parts)}" + (f" ({over:,} too large for {kind})" if over else "")

    def __str__(self) -> str:
        """What is wrong, and what would be right."""
        if self.parents:
            return self._parents()
        kind = str(self.out).removeprefix("torch.")
        over = self.written.odd - self.made.odd
        if over:
            return (
                f"{self.name}: {over:,} of {self.written.numel:,} merged numbers {'is' if over == 1 else 'are'} too large for "
                f"{kind}, which ends at {_number(torch.finfo(self.out).max)}: the largest is {_number(self.made.largest)}.\n"
                f"  Write `dtype: {'bfloat16' if self.out == torch.float16 else 'float32'}`, or smaller weights."
            )
        how = f"'{self.method}' makes" if self.method else "copying makes"
        return (
            f"{self.name}: {how} {self.written} of finite numbers{self.written.place}; the largest of the models' is "
            f"{_number(self.largest)}.\n  Merge models whose weights are of a usual size, or give smaller weights."
        )

    def _parents(self) -> str:
        messages: list[str] = []
        for parent in self.parents:
            name = f" in {parent.name}" if parent.name != self.name else ""
            messages.append(
                f"{parent.model} has {parent.count}{name} among its {parent.count.numel:,} numbers{parent.count.place}"
            )
        spread = self.written.odd
        result = f"{spread:,} of the merged tensor would not be finite" if spread else "the merged tensor would not show it"
        return (
            f"{self.name}: {' and '.join(messages)}; {result}.\n"
            "  A model with such numbers is damaged: get its file again, or leave the model out."
        )


def _number(x: float) -> str:
    """
    >>> _number(65504.0), _number(3.4e38)
    ('65,504', '3.4e+38')
    """
    return f"{x:,.0f}" if x < 1e9 else f"{x:.2g}"


def remarks(lines: Sequence[str]) -> tuple[str, ...]:
    """Remarks on tensors whose numbers were allowed not to be finite, from each one's line."""
    if not lines:
        return ()
    tensors = f"{len(lines)} tensor{'s' if len(lines) != 1 else ''}"
    more = f"; and {len(lines) - TOLD} more" if len(lines) > TOLD else ""
    return (f"numbers that are not finite were allowed, in {tensors}: {'; '.join(sorted(lines)[:TOLD])}{more}.",)


__all__ = ["TOLD", "Count", "NonFinite", "Look", "Parent", "count", "remarks"]
