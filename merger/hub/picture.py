"""The picture on a card: what each model gives to each layer of a merge, as SVG."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from merger.looks import SLOTS, dark_slots, pair

FILE = "lanes.svg"
ROWS = 16
"""Models that are drawn; of more, the rest is counted."""
_LONG = 24
_LEFT, _WIDE, _RIGHT, _HIGH, _GAP = 200, 470, 90, 26, 12


@dataclass(frozen=True)
class Strip:
    """A model, or a number of the recipe, and how much it is in each layer."""

    name: str
    numbers: tuple[float, ...]


def svg(strips: Sequence[Strip], title: str) -> str:
    """Rows of bars, one for each layer; light and dark as the reader's page is. Names are strangers' text, and stand as text."""
    drawn = [Strip(s.name, tuple(n if math.isfinite(n) else 0.0 for n in s.numbers)) for s in strips[:ROWS]]
    layers = max((len(s.numbers) for s in drawn), default=0)
    most = max((abs(n) for s in drawn for n in s.numbers), default=0.0) or 1.0
    below = any(n < 0 for s in drawn for n in s.numbers)
    step = _HIGH * (2 if below else 1) + _GAP
    height, width = 34 + step * len(drawn) + 26, _LEFT + _WIDE + _RIGHT
    said = "; ".join(f"{s.name[:200]} {_range(s.numbers)}" for s in drawn)
    short = [_name(s.name) for s in drawn]
    names = [name if short.count(name) == 1 else f"{i}: {name}" for i, name in enumerate(short, 1)]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f"<title>{_text(title)}</title>", f"<desc>{_text(said)}</desc>", f"<style>{_style(len(drawn))}</style>",
        f'<rect class="page" width="{width}" height="{height}" rx="8"/>',
        f'<text x="16" y="22" class="title">{_text(title)}</text>',
    ]  # fmt: skip
    for i, strip in enumerate(drawn):
        zero = 34 + step * i + _HIGH
        lines += [
            f'<text x="{_LEFT - 12}" y="{zero - 7}" text-anchor="end">{_text(names[i])}</text>',
            f'<path class="line" d="M{_LEFT} {zero}.5h{_WIDE}"/>',
            f'<path class="s{i}" d="{_bars(strip.numbers, zero, most)}"/>',
            f'<text x="{_LEFT + _WIDE + 10}" y="{zero - 7}" class="quiet">{_range(strip.numbers)}</text>',
        ]
    end = 34 + step * len(drawn) + 10
    more = f"and {len(strips) - ROWS} more models" if len(strips) > ROWS else ""
    lines += [
        f'<text x="{_LEFT}" y="{end}" class="quiet">layer 1</text>' if layers > 1 else "",
        f'<text x="{_LEFT + _WIDE}" y="{end}" text-anchor="end" class="quiet">layer {layers}</text>' if layers else "",
        f'<text x="{_LEFT - 12}" y="{end}" text-anchor="end" class="quiet">{more}</text>' if more else "", "</svg>",
    ]  # fmt: skip
    return "\n".join(line for line in lines if line) + "\n"


def _bars(numbers: Sequence[float], zero: int, most: float) -> str:
    """A bar for each layer, as one path."""
    each = _WIDE / max(1, len(numbers))
    gap = min(2.0, each / 5)
    parts: list[str] = []
    for i, number in enumerate(numbers):
        high = round(_HIGH * number / most, 1)
        if high:
            parts.append(f"M{_LEFT + each * i + gap / 2:.1f} {zero}v{-high:g}h{each - gap:.1f}v{high:g}z")
    return "".join(parts)


def _range(numbers: Sequence[float]) -> str:
    """The numbers of a strip in a few letters.

    >>> _range((0.5, 0.5)), _range((0, 0.25)), _range(())
    ('0.5', '0 to 0.25', '')
    """
    if not numbers:
        return ""
    low, high = f"{min(numbers):.3g}", f"{max(numbers):.3g}"
    return low if low == high else f"{low} to {high}"


def _name(text: str) -> str:
    """The last part of a reference, without the middle of what is long.

    >>> _name("a/tiny"), _name("x/a-model-with-a-very-long-name-indeed")
    ('tiny', 'a-model-wit…-name-indeed')
    """
    last = text.rstrip("/").rsplit("/", 1)[-1] or text
    return last if len(last) <= _LONG else f"{last[: _LONG // 2 - 1]}…{last[-_LONG // 2 :]}"


def _text(text: str) -> str:
    """Text as XML takes it, whatever is in it: nothing in it is a tag, and what XML has no place for is a mark."""
    shown = "".join(c if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF else "\ufffd" for c in text)
    return re.sub(r"[&<>\"']", lambda found: f"&#{ord(found[0])};", shown)


def _style(rows: int) -> str:
    """Colours of a light page, and of a dark one."""
    page, text, quiet, line = (pair(name) for name in ("card", "titles", "quiet", "line"))
    sides = (page[0], text[0], quiet[0], line[0], SLOTS), (page[1], text[1], quiet[1], line[1], dark_slots())

    def rules(card: str, ink: str, faint: str, rule: str, slots: Sequence[str]) -> str:
        own = "".join(f".s{i}{{fill:{slots[i % len(slots)]}}}" for i in range(rows))
        return f".page{{fill:{card}}}text{{fill:{ink}}}.quiet{{fill:{faint}}}.line{{stroke:{rule}}}{own}"

    light, dark = (rules(*side) for side in sides)
    font = "text{font:13px system-ui,sans-serif}.title{font-weight:600}.quiet{font-size:12px}"
    return f"{font}{light}@media (prefers-color-scheme:dark){{{dark}}}"


__all__ = ["FILE", "ROWS", "Strip", "svg"]
