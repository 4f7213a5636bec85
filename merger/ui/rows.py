"""Rows: the prompts that stay on the desk, each with what would be a right answer. No gradio, no tensors.

A visitor's rows come from his browser at every event, so nothing in them is trusted: `read` takes what is one and bounds it.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from merger.limits import ANSWER_CHARACTERS, LENGTH_TOKENS, PROMPT_CHARACTERS, ROWS
from merger.search.questions import marked
from merger.search.trials import Probe

Match = Literal["exact", "within", ""]
TOYS = "toys"
"""The family that the toys are; models of no family with a name are that of their base."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,24}")


@dataclass(frozen=True)
class Row:
    """A prompt, and what is right: the whole answer, words in it, or nothing: a matter of taste.

    id      its name in the browser
    ticked  it counts for the score
    times   how many lengths its answers may have: it was gone on with
    """

    id: str
    prompt: str
    answer: str = ""
    match: Match = ""
    ticked: bool = True
    times: int = 1

    def key(self, who: str) -> str:
        """The panel's key of somebody's answer to it."""
        return f"{self.id}/{who}"

    def right(self, said: str) -> bool | None:
        """Whether an answer is right; None where that is a matter of taste.

        >>> Row("1", "plural of box", "boxes", "exact").right(" Boxes"), Row("2", "hello").right("hi")
        (True, None)
        """
        if not self.match or not self.answer.strip():
            return None
        return Probe("", self.prompt, self.answer, self.match).right(said)

    @property
    def shown(self) -> dict[str, Any]:
        """As the browser keeps it."""
        return {"id": self.id, "prompt": self.prompt, "answer": self.answer, "match": self.match, "ticked": self.ticked}


@dataclass(frozen=True)
class Rows:
    """A visitor's rows. open: the id of the one that is looked at closely. family: whose rows they are, "" where none is said."""

    rows: tuple[Row, ...] = ()
    open: str = ""
    family: str = ""

    @property
    def first(self) -> Row | None:
        """The open row; else the first."""
        return next((row for row in self.rows if row.id == self.open), self.rows[0] if self.rows else None)

    @property
    def shown(self) -> dict[str, Any]:
        """As the browser keeps it."""
        first = self.first
        return {"rows": [row.shown for row in self.rows], "open": first.id if first else "", "family": self.family}


def read(value: Any) -> Rows:
    """What a browser sent; what is no row is left out, and no more are taken than the desk has."""
    given = value if isinstance(value, dict) else {}
    rows: dict[str, Row] = {}
    listed = given.get("rows")
    for one in (listed if isinstance(listed, list) else [])[:ROWS]:
        row = _row(one)
        if row is not None and row.id not in rows:
            rows[row.id] = row
    opened, family = given.get("open"), given.get("family")
    family = family if isinstance(family, str) and _ID.fullmatch(family) else ""
    return Rows(tuple(rows.values()), opened if isinstance(opened, str) and opened in rows else "", family)


def _row(one: Any) -> Row | None:
    if not isinstance(one, dict):
        return None
    name, prompt, answer = one.get("id"), one.get("prompt"), one.get("answer")
    if not isinstance(name, str) or not _ID.fullmatch(name) or not isinstance(prompt, str) or not prompt.strip():
        return None
    answer = whole(answer)[:ANSWER_CHARACTERS] if isinstance(answer, str) else ""
    match: Match = "within" if one.get("match") == "within" else "exact" if one.get("match") == "exact" else ""
    ticked, prompt = one.get("ticked") is not False, whole(prompt)[:PROMPT_CHARACTERS]
    return Row(name, prompt, answer, match if answer.strip() else "", ticked, times_of(one.get("times")))


def times_of(given: Any) -> int:
    """How many lengths an answer may have: 1 unless a browser says a number that can be one."""
    return given if isinstance(given, int) and 1 <= given <= LENGTH_TOKENS else 1


def whole(words: str) -> str:
    """Halves of a character, which a browser can send, are no text."""
    return words.encode("utf-8", "replace").decode()


def family_of(base: str, name: str = "") -> str:
    """Whose rows a desk has: a family's name, else a word that says nothing of the models."""
    return name or hashlib.sha256(base.encode()).hexdigest()[:16]


def prompt_of(value: Any) -> str:
    """The open row's prompt, of what a browser sent; a prompt alone is one."""
    if isinstance(value, str):
        return whole(value)[:PROMPT_CHARACTERS]
    first = read(value).first
    return "" if first is None else first.prompt


def written(lines: Sequence[str]) -> tuple[Row, ...]:
    """Rows as a preset's header writes them: `prompt => whole answer`, `prompt ~> words in it`, or a prompt alone.

    >>> [row.shown["match"] for row in written(["plural of box => boxes", "hello ~> ahoy", "hello"])]
    ['exact', 'within', '']
    """
    rows: list[Row] = []
    for i, line in enumerate(lines, 1):
        prompt, match, answer = marked(line)
        if match == "exact" or match == "within":
            rows.append(Row(f"r{i}", prompt, answer, match))
        else:
            rows.append(Row(f"r{i}", line.strip()))
    return tuple(rows)


__all__ = ["TOYS", "Match", "Row", "Rows", "family_of", "prompt_of", "read", "times_of", "whole", "written"]
