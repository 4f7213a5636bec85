"""Who is here: each page's session, where it comes from, whether it is open, when it last did something; and what is kept for it.

gradio keeps everything of 10,000 sessions, each with a copy of the whole page, and never lets go of one. Here they are fewer and
lighter (ui/states.py). What a session had under way, and its files, end when its page is closed; its recipe when it has not come
back for long. No gradio here.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from merger.limits import ABSENT_SECONDS, ADDRESS_SESSIONS, SESSION_SECONDS, SESSIONS, SESSIONS_BYTES

log = logging.getLogger(__name__)

FORGOTTEN = "This page was left alone for too long and is not known here any more. Reload it: its address holds the recipe."
_NAMES = 5000
"""Names of sessions that were forgotten, so that they can be told."""


class Kept(Protocol):
    """Where the recipes of sessions are kept."""

    def __contains__(self, session_id: str) -> bool: ...

    def drop(self, session: str) -> None: ...

    def sizes(self) -> dict[str, int]: ...


@dataclass
class _Known:
    """A session. open: connections its page holds; closed: it held one; gone: those who want to know have heard that it left."""

    address: str
    last: float
    open: int = 0
    closed: bool = False
    gone: bool = False


class Visitors:
    """All sessions. clock: for tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._forgotten: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.RLock()
        self.states: Kept | None = None
        self.leaving: list[Callable[[str], None]] = []
        """Told of a session when its page is closed, or where nothing was heard of it for a minute and no page is open."""
        self.gone = threading.Event()
        """Set when a page was closed."""
        self.ended = threading.Event()
        """Set when the process ends: nobody waits for what is under way."""

    def seen(self, session: str, address: str, begins: bool = False) -> bool:
        """Something came from this session; False where it was forgotten. begins: its page was just loaded."""
        with self._lock:
            if session in self._forgotten:
                if not begins:
                    return False
                del self._forgotten[session]
            known = self._known.setdefault(session, _Known(address, 0.0))
            known.address, known.last, known.closed, known.gone = address, self._clock(), False, False
            others = [name for name, one in self._known.items() if one.address == address and name != session]
            for name in self._first_to_go(others)[: max(0, len(others) + 1 - ADDRESS_SESSIONS)]:
                self.close(name)
        return True

    def opened(self, session: str, address: str) -> None:
        """Its page holds a connection."""
        with self._lock:
            known = self._known.setdefault(session, _Known(address, self._clock()))
            known.open, known.closed = known.open + 1, False

    def closed(self, session: str) -> None:
        """It holds it no longer."""
        with self._lock:
            known = self._known.get(session)
            if known is not None:
                known.open -= 1
                known.closed = known.open <= 0
        self.gone.set()

    def here(self, session: str) -> bool:
        """Whether a session's page is open."""
        known = self._known.get(session)
        return known is not None and known.open > 0

    def idle(self, session: str) -> float:
        """Seconds since something came from a session."""
        known = self._known.get(session)
        return self._clock() - known.last if known is not None else float("inf")

    def sweep(self, working: Collection[str] = ()) -> None:
        """Let go of who has left, and of whom there is no room for. working: sessions with an event under way."""
        with self._lock:
            sessions = list(self._known.items())
        for session, known in sessions:
            silent = self.idle(session) if session not in working else 0.0
            if known.open <= 0 and not known.gone and (known.closed or silent > ABSENT_SECONDS):
                known.gone = True
                self._leave(session)
            if known.open <= 0 and silent > SESSION_SECONDS:
                self.close(session)
            elif known.gone and self.states is not None and session not in self.states:  # nothing of it is kept
                with self._lock:
                    self._known.pop(session, None)
        if self.states is not None:
            self._make_room(self.states)

    def end(self) -> None:
        """Everybody has left."""
        self.ended.set()
        for session in list(self._known):
            self._leave(session)

    def close(self, session: str) -> None:
        """Let go of everything of a session."""
        with self._lock:
            known = self._known.pop(session, None)
            self._forgotten[session] = None
            while len(self._forgotten) > _NAMES:
                self._forgotten.popitem(last=False)
            if self.states is not None:
                self.states.drop(session)
        if known is None or not known.gone:
            self._leave(session)

    def drop(self, session: str) -> None:
        """Let go of what a program's single call needed."""
        with self._lock:
            self._known.pop(session, None)
            if self.states is not None:
                self.states.drop(session)

    def _make_room(self, states: Kept) -> None:
        """Forget sessions while they are too many, or what they keep is too much."""
        sizes = states.sizes()
        total = sum(sizes.values())
        for session in self._first_to_go(sizes):
            if len(sizes) <= SESSIONS and total <= SESSIONS_BYTES:
                break
            total -= sizes.pop(session)
            self.close(session)

    def _first_to_go(self, sessions: Collection[str]) -> list[str]:
        """Those whose page is closed, then those that are silent for longest."""
        return sorted(sessions, key=lambda session: (self.here(session), -self.idle(session)))

    def _leave(self, session: str) -> None:
        for listener in self.leaving:
            try:
                listener(session)
            except Exception:
                log.exception("letting go of a session failed")


__all__ = ["FORGOTTEN", "Kept", "Visitors"]
