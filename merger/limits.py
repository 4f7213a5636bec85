"""Every bound that a stranger's file, recipe or request meets, in one table: docs/security.md shows it (`make docs`).

A bound is a plain number with its unit, what it holds and the test that goes beyond it:

>>> RECIPE_CHARACTERS > 1000, RECIPE_CHARACTERS.unit
(True, 'characters')
"""

from typing import Literal

Scope = Literal["file", "recipe", "request", "visitor", "server"]


class Limit(int):
    """A number that knows what it bounds.

    unit   what is counted
    scope  for one what it holds: a file, a recipe, a request, a visitor, or the whole server
    holds  what is bounded, as docs/security.md says it
    test   the test that goes beyond it, as `file::function` below tests/
    """

    unit: str
    scope: Scope
    holds: str
    test: str

    def __new__(cls, value: int, unit: str, scope: Scope, holds: str, test: str) -> "Limit":
        """A bound of `value` units."""
        made = super().__new__(cls, value)
        made.unit, made.scope, made.holds, made.test = unit, scope, holds, test
        return made

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        """Copied and sent elsewhere, a bound is a plain number."""
        return int, (int(self),)


# Recipes and links.
RECIPE_CHARACTERS = Limit(
    200_000, "characters", "recipe", "A recipe's text on the page", "test_ui.py::test_hostile_links_are_refused_readably"
)  # fmt: skip
LINK_CHARACTERS = Limit(
    8192, "characters", "recipe", "A recipe in a link", "test_ui.py::test_a_recipe_too_long_for_a_link_says_so"
)  # fmt: skip

# What a visitor may ask for, and what is kept for him.
PROMPT_CHARACTERS = Limit(2000, "characters", "request", "A prompt", "test_api.py::test_a_long_prompt_is_refused")
UNDO_STEPS = Limit(100, "steps", "visitor", "Undo", "test_ui.py::test_undo_is_bounded")

GPU_CALLS = Limit(
    8, "calls", "server", "Calls for a lent GPU (ZeroGPU) that have not ended, those that visitors have left included",
    "test_zerogpu.py::test_calls_that_nobody_waits_for_any_more_are_few",
)  # fmt: skip


def table() -> dict[str, Limit]:
    """All bounds by name, in the order above.

    >>> "PROMPT_CHARACTERS" in table()
    True
    """
    return {name: value for name, value in globals().items() if isinstance(value, Limit)}


__all__ = ["Limit", "Scope", "table"]
