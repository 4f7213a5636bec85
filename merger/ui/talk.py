"""The conversation of the chat: as a browser sends it, and as each model is asked. No gradio, no tensors.

It lives in the browser's page; every event brings all of it, so nothing in it is trusted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from merger.errors import MergeError
from merger.limits import CHAT_CHARACTERS, CHAT_TURNS, PROMPT_CHARACTERS
from merger.ui.rows import times_of, whole

STRANGE = "What was sent is no conversation; reload the page."
KEY_CHARACTERS = 1000
"""The name of a model, as far as it is read."""


@dataclass(frozen=True)
class Turn:
    """What the visitor says, and what each model answered, by the panel's keys; those of the last turn are wanted now."""

    user: str
    said: Mapping[str, str]


@dataclass(frozen=True)
class Talk:
    """A conversation whose last turn is to be answered.

    who    the keys of those who shall answer
    times  how many lengths the answer may have: it was gone on with
    again  how many times the answer was drawn anew: its seed is as many above the desk's
    """

    system: str
    turns: tuple[Turn, ...]
    who: tuple[str, ...] = ()
    times: int = 1
    again: int = 0

    def messages(self, key: str) -> list[dict[str, str]]:
        """The conversation of one model: with its own answers; where it has not been asked, with another's, the merge's first.

        Words that nobody has answered are said together with the next.
        """
        found = [{"role": "system", "content": self.system}] if self.system.strip() else []
        waiting: list[str] = []
        for turn in self.turns[:-1]:
            answers = (turn.said.get(key, ""), turn.said.get("merge", ""), *turn.said.values())
            answer = next((one for one in answers if one.strip()), "")
            waiting.append(turn.user)
            if answer:
                found += [{"role": "user", "content": "\n\n".join(waiting)}, {"role": "assistant", "content": answer}]
                waiting = []
        return [*found, {"role": "user", "content": "\n\n".join([*waiting, self.turns[-1].user])}]


def read(value: Any) -> Talk:
    """What a browser sent. MergeError where it is no conversation, says nothing, or is too long."""
    if not _is_record(value) or not isinstance(listed := value.get("turns"), list) or not listed:
        raise MergeError(STRANGE)
    if len(listed) > CHAT_TURNS:
        raise MergeError(f"This conversation has {len(listed):,} turns; at most {CHAT_TURNS} are asked here. Start over.")
    turns = tuple(_turn(one, i) for i, one in enumerate(listed, 1))
    system = _words(value.get("system", ""), PROMPT_CHARACTERS, "The system prompt")
    if not turns[-1].user.strip():
        raise MergeError("Say something first.")
    size = len(system) + sum(len(turn.user) + sum(map(len, turn.said.values())) for turn in turns)
    if size > CHAT_CHARACTERS:
        raise MergeError(f"This conversation has {size:,} characters; at most {CHAT_CHARACTERS:,} are asked here. Start over.")
    who = value.get("who")
    keys = tuple(key for key in (who if isinstance(who, list) else [])[:CHAT_TURNS] if isinstance(key, str))
    again = value.get("again")
    drawn = again if isinstance(again, int) and not isinstance(again, bool) and 0 <= again < 2**31 else 0
    return Talk(system, turns, keys, times_of(value.get("times")), drawn)


def _turn(one: Any, number: int) -> Turn:
    if not _is_record(one) or not _is_record(said := one.get("said", {})) or len(said) > CHAT_TURNS:
        raise MergeError(STRANGE)
    user = _words(one.get("user"), PROMPT_CHARACTERS, f"Turn {number}")
    return Turn(
        user, {key[:KEY_CHARACTERS]: _words(text, CHAT_CHARACTERS, f"An answer of turn {number}") for key, text in said.items()}
    )


def _words(text: Any, most: int, what: str) -> str:
    if not isinstance(text, str):
        raise MergeError(STRANGE)
    if len(text) > most:
        raise MergeError(f"{what} has {len(text):,} characters; at most {most:,} are read here.")
    return whole(text)


def _is_record(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


__all__ = ["STRANGE", "Talk", "Turn", "read"]
