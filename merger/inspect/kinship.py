"""Who comes from whom, as far as a few rows of each model and their cards can tell."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from merger.files.checkpoints import Checkpoint
from merger.files.layout import role
from merger.regular import look as look_at

FAR, STRAIGHT = 0.5, 0.9
"""A fine-tune moves by a few hundredths of its base's norm, long training by a few tenths; unrelated models by about 1.4,
with a cosine near 0. Beyond both numbers the base is called no ancestor."""
COMMON = 0.17
"""Changes of unlike training are nearly at right angles: in the family cosines of 0.04 to 0.12 from their base. Measured from a
sibling they share its change, turned round: 0.18 to 0.95. From here on, on average, the base is taken for a sibling."""
_MATRICES, _RUNS, _ROWS = 8, 4, 4  # sampled: so many matrices, so many runs in each, so many rows in each run
_PIECES, _LENGTH = 4, 256  # of every tensor: so many stretches, of so many numbers each


@dataclass(frozen=True)
class Kin:
    """How far two models are apart in the sampled rows: norm of the difference relative to the first, cosine."""

    distance: float
    cosine: float

    @property
    def related(self) -> bool:
        """Whether one may come from the other, or both from a third."""
        return self.distance <= FAR or self.cosine >= STRAIGHT


@dataclass
class Samples:
    """Sampled rows of matrices, read once; what they told of the same files before is not asked again."""

    models: Mapping[str, Checkpoint]
    stamps: Mapping[str, tuple[object, ...]] = field(init=False)
    _held: dict[tuple[str, str], Tensor] = field(default_factory=dict[tuple[str, str], Tensor])

    def __post_init__(self) -> None:
        self.stamps = {reference: stamp(model) for reference, model in self.models.items()}

    def shared(self, *references: str) -> list[str]:
        """The names of some matrices of layers that all these models have in one shape, in plain floating point."""
        first, *others = (self.models[reference].tensors for reference in references)
        names = [
            name for name, stored in first.items()
            if len(stored.shape) == 2 and role(name) not in ("embed", "head")
            and all(name in other and other[name].shape == stored.shape for other in others)
            and all(t[name].dtype.is_floating_point and t[name].dtype.itemsize > 1 for t in (first, *others))
        ]  # fmt: skip
        count = min(_MATRICES, len(names))
        return [names[k * len(names) // count] for k in range(count)]

    def here(self, *references: str) -> bool:
        """Whether these models' weights are in files on this machine: from afar only what kinship needs is read."""
        return all(self.stamps[reference] for reference in references)

    def kin(self, one: str, other: str) -> Kin | None:
        """Compare two models in matrices of the same name and shape; None when there are none."""
        return known((self.stamps[one], self.stamps[other]), lambda: self._kin(one, other))

    def _kin(self, one: str, other: str) -> Kin | None:
        dots = [0.0, 0.0, 0.0]
        names = self.shared(one, other)
        for name in names:
            x, y = self.rows(one, name), self.rows(other, name)
            for i, product in enumerate((x * x, x * y, y * y)):
                dots[i] += float(product.sum())
        xx, xy, yy = dots
        if not names or not (math.isfinite(xx + yy) and xx > 0 and yy > 0):
            return None
        return Kin(math.sqrt(max(0.0, xx - 2 * xy + yy) / xx), xy / math.sqrt(xx * yy))

    def angle(self, base: str, one: str, other: str) -> float | None:
        """The cosine between two models' changes of a base; None where one of them is no change, or nothing can be compared."""
        key = (self.stamps[base], self.stamps[one], self.stamps[other])
        return known(key, lambda: self._angle(base, one, other))

    def _angle(self, base: str, one: str, other: str) -> float | None:
        xx = xy = yy = 0.0
        for name in self.shared(base, one, other):
            zero = self.rows(base, name)
            x, y = self.rows(one, name) - zero, self.rows(other, name) - zero
            xx, xy, yy = xx + float((x * x).sum()), xy + float((x * y).sum()), yy + float((y * y).sum())
        return xy / math.sqrt(xx * yy) if xx > 0 and yy > 0 and math.isfinite(xx + yy) else None

    def rows(self, model: str, name: str) -> Tensor:
        """A few rows of a matrix, in float64."""
        if (model, name) not in self._held:
            total = self.models[model].tensors[name].shape[0]
            starts = [k * max(0, total - _ROWS) // max(1, _RUNS - 1) for k in range(_RUNS)]
            runs = [self.models[model].read(name, slice(start, min(start + _ROWS, total))) for start in dict.fromkeys(starts)]
            self._held[model, name] = torch.cat(runs).to(torch.float64)
        return self._held[model, name]


_FOUND: dict[tuple[object, ...], Any] = {}
"""What was found before, by the models' files: a page asks again at every move."""
_Found = TypeVar("_Found")


def known(key: tuple[object, ...], look: Callable[[], _Found]) -> _Found:
    """What `look` finds, asked once for a key that holds what it depends on; each time where that has no stamp."""
    if () in key:
        return look()
    if key not in _FOUND:
        if len(_FOUND) > 100_000:
            _FOUND.clear()
        _FOUND[key] = look()
    return _FOUND[key]


def differing(samples: Samples, one: str, name: str, other: str, theirs: str) -> float:
    """The share of a tensor's numbers, from 0 to 1, in which two models differ, from a few stretches of it.

    CheckpointError where one of the models is not on this machine.
    """

    def look() -> float:
        a_model, b_model = samples.models[one], samples.models[other]
        shape = a_model.tensors[name].shape
        total = shape[0] if shape else 1
        runs: list[slice | None] = [None]
        if math.prod(shape) > 4 * _PIECES * _LENGTH:
            count = max(1, -(-_LENGTH * total // math.prod(shape)))
            starts = dict.fromkeys((2 * k + 1) * max(0, total - count) // (2 * _PIECES) for k in range(_PIECES))
            runs = [slice(start, start + count) for start in starts]
        unlike = size = 0
        for run in runs:
            a, b = a_model.read(name, run), b_model.read(theirs, run)
            unlike += int((a != b).sum()) if a.shape == b.shape else b.numel()
            size += b.numel()
        return unlike / max(1, size)

    return known((samples.stamps[one], name, samples.stamps[other], theirs), look)


def stamp(model: Checkpoint) -> tuple[object, ...]:
    """What changes when a model's weights do; () where they are not on this machine, or not in files."""
    files = sorted({file for piece in model.pieces for file in piece.files}, key=str)
    seen = [look_at(file) for file in files]
    if not files or None in seen:
        return ()
    return model.reference, *zip(map(str, files), seen, strict=True)


def common(samples: Samples, base: str, others: Sequence[str]) -> float | None:
    """How much the changes of all these models from a base have in common: the mean cosine of any two; None where it is little,
    as it should be, or cannot be told."""
    cosines = [
        angle for i, one in enumerate(others) for other in others[:i] if (angle := samples.angle(base, one, other)) is not None
    ]
    mean = sum(cosines) / len(cosines) if cosines else 0.0
    return mean if mean >= COMMON else None


def card_base(folder: Path) -> str:
    """The model that a folder's card says it was fine-tuned from; "" where it says none, or several."""
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as file:
            text = file.read(65_536)
    except OSError:
        return ""
    head = re.match(r"---\s*\n(.*?)\n---", text, re.DOTALL)
    match = (
        re.search(
            r"^base_model:[ \t]*(?:\n[ \t]*-[ \t]*)?([^\n]+)((?:\n[ "
            "\t]*-[^\n]*)*)",
            head[1],
            re.MULTILINE,
        )
        if head
        else None
    )
    if not match or match[2]:
        return ""
    name = match[1].strip().strip("[]").strip("'\" ")
    return name if re.fullmatch(r"[\w.\-]+/[\w.\-]+", name) else ""
