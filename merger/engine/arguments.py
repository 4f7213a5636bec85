"""Arguments: the numbers of one job by the names that recipes use, each one value or one for each model."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

from merger.methods.params import Scalar

Argument = Scalar | tuple[Scalar, ...]
T = TypeVar("T")


class Arguments(Mapping[str, Argument]):
    """A frozen mapping, equal to one with the same names and values; hashed once, as plans are compared at every move.

    >>> args = Arguments({"weight": (0.5, 1.0), "lambda": 2.0})
    >>> args.number("lambda"), args.each("weight", 2), args.each("density", 2), args.at("weight", 1), args.at("gamma", 0)
    (2.0, [0.5, 1.0], [1.0, 1.0], 1.0, None)
    """

    __slots__ = ("_hash", "_named")

    def __init__(self, named: Mapping[str, Argument] | Iterable[tuple[str, Argument]] = ()) -> None:
        self._named = dict(named)
        self._hash: int | None = None

    def __getitem__(self, name: str) -> Argument:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def __contains__(self, name: object) -> bool:
        return name in self._named

    @overload
    def get(self, name: str, default: None = None, /) -> Argument | None: ...
    @overload
    def get(self, name: str, default: Argument, /) -> Argument: ...
    @overload
    def get(self, name: str, default: T, /) -> Argument | T: ...
    def get(self, name: str, default: Any = None, /) -> Any:
        """Mapping's, without its try."""
        return self._named.get(name, default)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Arguments) and self._named == other._named)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(tuple(self._named.items()))
        return self._hash

    def __repr__(self) -> str:
        return f"Arguments({self._named!r})"

    def number(self, name: str, default: float = 1.0) -> float:
        """A number that is the same for all models; the default where there is none."""
        value = self._named.get(name, default)
        if isinstance(value, (tuple, str)):
            raise TypeError(f"{name} is no single number: {value!r}")
        return float(value)

    def each(self, name: str, n: int, default: float = 1.0) -> list[float]:
        """A number for each of n models."""
        value = self._named.get(name, default)
        if isinstance(value, tuple):
            return [float(v) for v in value]
        if isinstance(value, str):
            raise TypeError(f"{name} is no number: {value!r}")
        return [float(value)] * n

    def at(self, name: str, i: int) -> Scalar | None:
        """The i-th model's value, or that of all; None where there is none."""
        value = self._named.get(name)
        return value[i] if isinstance(value, tuple) else value

    def one(self, name: str, i: int) -> float:
        """The i-th model's number. KeyError where there is none."""
        value = self._named[name]
        return float(value[i] if isinstance(value, tuple) else value)

    def changed(self, name: str, value: Argument) -> "Arguments":
        """The same with another value."""
        return Arguments({**self._named, name: value})

    def numbers(self) -> dict[str, tuple[float, ...]]:
        """All that are numbers (true is 1), one or one for each model."""
        numbers: dict[str, tuple[float, ...]] = {}
        for name, value in self._named.items():
            values = value if isinstance(value, tuple) else (value,)
            if not any(isinstance(v, str) for v in values):
                numbers[name] = tuple(float(v) for v in values)
        return numbers


__all__ = ["Argument", "Arguments"]
