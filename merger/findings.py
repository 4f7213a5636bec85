"""What a look at a merge can find, as data: a finding in words, and the edit that makes it go away."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Fix:
    """What makes a finding go away: changes for recipe.replace_all.

    label  what a button says
    """

    label: str
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Finding:
    """One thing to know, with its fix in words and, where the fix is an edit, that edit.

    path, value  for recipe.replace where one value is the whole fix; path "" when there is no such edit
    kind         a short name of what was found, the same for all findings of its sort
    model        whom it is about, "" for the whole recipe
    figures      numbers of its words
    mend         the edit, None where only a person can decide
    """

    level: Level
    words: str
    fix: str = ""
    path: str = ""
    value: Any = None
    kind: str = field(default="remark", compare=False, kw_only=True)
    model: str = field(default="", compare=False, kw_only=True)
    figures: tuple[float, ...] = field(default=(), compare=False, kw_only=True)
    mend: Fix | None = field(default=None, compare=False, kw_only=True)
