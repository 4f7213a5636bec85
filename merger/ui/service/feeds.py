"""What the answers' panel is fed with: finished answers and the words of those under way."""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from merger.chat.model import Token
from merger.chat.sampling import repeats
from merger.ui.rows import Row

Feed = dict[str, Any]
ANSWER_TOKENS = 160
"""An answer with as many is cut off, where nothing else is said."""

PACE_SECONDS = 0.1
"""Words are told so often: faster than anybody reads."""


@dataclass(frozen=True)
class Answer:
    """A finished answer: its tokens, and for each the key of the parent that would have said the same ("": all, None: nobody)."""

    tokens: tuple[Token, ...]
    agree: tuple[str | None, ...]
    why: tuple[str, ...]
    cut: bool = False
    """Whether it was cut off at its length."""
    bits: int = 0
    """Of a weight, where llama.cpp said it; 0: the model in memory."""

    @classmethod
    def plain(cls, tokens: Sequence[Token], cut: bool = False, bits: int = 0) -> "Answer":
        """An answer nobody else has been asked about."""
        return cls(tuple(tokens), (None,) * len(tokens), ("",) * len(tokens), cut, bits)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(token.text for token in self.tokens).strip()

    def shown(self) -> list[list[Any]]:
        """As the panel takes it."""
        return [shown(t, p, w) for t, p, w in zip(self.tokens, self.agree, self.why, strict=True)]


class Feeds:
    """Builds the panel's feeds: what was said since the last one, numbered.

    rows   whose expectations mark which keys
    quick  answers come in a moment: who has begun is told with what was said
    """

    def __init__(
        self, run: int, prompt: str, keys: Sequence[str], rows: Mapping[str, Row] | None = None, recipe: str = "",
        quick: bool = False,
    ) -> None:  # fmt: skip
        self._run, self._prompt, self._keys, self._rows = run, prompt, keys, rows or {}
        # in every feed, as a browser may be given only the newest of several: whose merge answers, and to what
        self._of = {"recipe": recipe, "prompts": {row.id: row.prompt for row in self._rows.values()}} if self._rows else {}
        self.quick = quick
        self._seq = 0
        self._new: list[list[Any]] = []
        self._ended: list[str] = []
        self._full: dict[str, list[list[Any]]] = {}
        self._all: dict[str, list[list[Any]]] = {key: [] for key in keys}
        self._open = list(keys)
        self._cut: set[str] = set()
        self._told: dict[str, str] = {}
        self._busy: list[str] = []
        self._sent = -math.inf

    @property
    def open(self) -> bool:
        """Whether somebody has not said all yet."""
        return bool(self._open)

    def start(self, known: Mapping[str, Answer], idle: Iterable[str] = ()) -> Feed:
        """The first one. idle: who is asked when the machine is free."""
        self._full = {k: h.shown() for k, h in known.items()}
        self._ended = list(known)
        self._cut = {k for k, h in known.items() if h.cut}
        self._open = [k for k in self._keys if k not in known]
        later = set(idle)
        state = {k: "cached" if k in known else "idle" if k in later else "waiting" for k in self._keys}
        return self._feed(start=True, prompt=self._prompt, state=state)

    def waiting(self, ahead: int) -> Feed:
        """Others come first."""
        return self._feed(
            note="One answer is before yours." if ahead == 1 else f"{ahead} answers are before yours.", place=ahead + 1
        )

    def loading(self, share: float) -> Feed:
        """A merge that does not fit in memory as it is is put into llama.cpp."""
        return self._feed(note=f"{share:.0%} of it is loaded." if share < 1 else "")

    def add(self, key: str, token: Token) -> None:
        self._all[key].append(shown(token, None))
        self._new.append([key, *shown(token, None)])

    def tell(self, key: str, remark: str) -> None:
        """What is to be told of how somebody was asked."""
        if remark:
            self._told[key] = remark

    def finished(self, key: str, cut: bool = False) -> None:
        """Somebody has said all, or (cut) as much as he may."""
        self._ended.append(key)
        if cut:
            self._cut.add(key)
        self._open.remove(key)
        self._full[key] = self._all[key]

    def replace(self, key: str, heard: Answer) -> None:
        self._full[key] = heard.shown()

    def begin(self, keys: Iterable[str]) -> None:
        """Who begins to speak now; the next feed tells it."""
        self._busy += keys

    @property
    def due(self) -> bool:
        """Whether what is new has waited long enough: each feed is work for the browser, whose hand may be painting."""
        return time.monotonic() - self._sent > PACE_SECONDS

    @property
    def held(self) -> bool:
        """Whether there is something that no feed has told."""
        return bool(self._new or self._ended or self._busy)

    def flush(self) -> Feed:
        """What is new."""
        return self._feed(state={}, **({"note": ""} if self._busy else {}))

    def stopped(self) -> Feed:
        return self._feed(state=dict.fromkeys(self._open, "stopped"))

    def failed(self, message: str, of: Iterable[str] | None = None) -> Feed:
        """Those who have not said all yet will not, and why. of: only these of them."""
        lost = self._open if of is None else [key for key in of if key in self._open]
        lead = next((key for key in lost if key.endswith("/merge")), lost[0] if of is not None and lost else "merge")
        state = dict.fromkeys(lost, "failed")
        self._open = [key for key in self._open if key not in state]
        return self._feed(start=self._seq == 0, prompt=self._prompt, error={lead: message}, state=state)

    def _mark(self, key: str, cut: bool) -> bool | None:
        """Whether an answer is right; one that was cut off is not a whole one."""
        row = self._rows[key]
        return is_right(row, "".join(token[0] for token in self._full[key]), cut)

    def _feed(self, **more: Any) -> Feed:
        self._seq += 1
        state = {**dict.fromkeys(self._busy, "busy"), **dict.fromkeys(self._ended, "done"), **more.get("state", {})}
        if state or "state" in more:
            more["state"] = state
        more["cut"] = [key for key in self._ended if key in self._cut]
        more["repeats"] = [key for key in self._ended if repeats("".join(token[0] for token in self._full.get(key, ())))]
        if self._told:
            more["told"] = self._told
        if self._rows:
            more["marks"] = {key: self._mark(key, key in self._cut) for key in self._ended}
        feed: Feed = {
            "run": self._run, "seq": self._seq, "add": self._new, "full": self._full, "done": self._ended, **self._of, **more,
        }  # fmt: skip
        self._new, self._full, self._ended, self._busy = [], {}, [], []
        self._sent = time.monotonic()
        return feed


def is_right(row: Row, text: str, cut: bool) -> bool | None:
    """Whether an answer is right; one that was cut off is not a whole one, and one that repeats itself none at all."""
    right = row.right(text.strip())
    return False if right and ((cut and row.match == "exact") or repeats(text)) else right


def shown(token: Token, parent: str | None, why: str = "") -> list[Any]:
    others = [[text, round(p, 4)] for text, p in token.others]
    return [token.text, round(token.probability, 4), others, parent, why]
