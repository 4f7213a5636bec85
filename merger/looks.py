"""Colours, and how many digits a number gets: from the one file that the page's style sheets and JavaScript read, too."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "ui" / "web" / "looks.json"

_LOOKS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
_COLOURS: dict[str, str | list[str]] = _LOOKS["colours"]

SLOTS: tuple[str, ...] = tuple(light for light, _ in _LOOKS["slots"])
"""One colour for each model's slot, as on the faders of a light page."""


def colour(name: str) -> str:
    """A colour by its name in looks.json; the light page's, where there are two.

    >>> colour("grey")
    '#868e96'
    """
    both = _COLOURS[name]
    return both if isinstance(both, str) else both[0]


def pair(name: str) -> tuple[str, str]:
    """A colour on a light page, and on a dark one.

    >>> pair("card")[1]
    '#1c1d21'
    """
    both = _COLOURS[name]
    return (both, both) if isinstance(both, str) else (both[0], both[1])


def dark_slots() -> tuple[str, ...]:
    """SLOTS, as on a dark page."""
    return tuple(dark for _, dark in _LOOKS["slots"])


def faded(hex_colour: str, alpha: float) -> str:
    """
    >>> faded("#868e96", 0.25)
    'rgba(134,142,150,0.25)'
    """
    red, green, blue = (int(hex_colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
