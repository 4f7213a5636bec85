"""Work that takes long, for everybody who has it done: in a thread of its own, told of while it runs, stopped by a button or by
leaving, and ended in words. Merging, downloading, publishing and sweeping are a few lines each on this. No gradio.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Generator
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from merger.errors import OUR_FAULT, Cancelled, MergeError

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ended(Generic[T]):
    """How it ended: with a value, or an error."""

    value: T | None
    error: BaseException | None

    @property
    def cancelled(self) -> bool:
        return isinstance(self.error, Cancelled)

    @property
    def words(self) -> str:
        """What went wrong, for a visitor; "" where nothing did."""
        if self.error is None:
            return ""
        return str(self.error) if isinstance(self.error, MergeError) else OUR_FAULT


class Work:
    """One piece of work under way, as whoever does it sees it.

    stopped  whether it shall end: Cancel was pressed, the visitor has left, another of its kind was begun, or time is up
    tell     something to show; it is handed on at the next look
    """

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._stop = threading.Event()
        self._messages: SimpleQueue[Any] = SimpleQueue()
        self.ended: Ended[Any] | None = None
        self.abandoned = False
        """Nobody waits for the result any more."""

    def stopped(self) -> bool:
        return self._stop.is_set() or time.monotonic() > self._ends

    def stop(self) -> None:
        """It shall end."""
        self._stop.set()

    def tell(self, what: object) -> None:
        self._messages.put(what)

    def heard(self, seconds: float) -> list[Any]:
        """What was told since the last time; waits so long for something."""
        messages: list[Any] = []
        with contextlib.suppress(Empty):
            messages.append(self._messages.get(timeout=seconds) if seconds else self._messages.get_nowait())
            while True:
                messages.append(self._messages.get_nowait())
        return messages


class Background:
    """One kind of work: at most one at a time for each visitor's session; a new one ends the one before."""

    def __init__(self, what: str, every: float = 0.25) -> None:
        self._what, self._every = what, every
        self._under_way: dict[str, Work] = {}
        self._lock = threading.Lock()

    def run(
        self, session: str | None, do: Callable[[Work], T], unclaimed: Callable[[T], object] = lambda _: None,
        seconds: float = float("inf"), line: "threading.Lock | None" = None,
    ) -> Generator[list[Any] | Ended[T]]:  # fmt: skip
        """Do it: yields what was told, at least every so often, then how it ended. Closing this iterator stops the work.

        unclaimed  what becomes of a result that nobody waits for any more
        line       whose turn it is: held while it is done, and waited for
        """
        work = Work(seconds)
        with self._lock:
            before = self._under_way.pop(session or "", None)
            self._under_way[session or ""] = work
        if before is not None:
            before.stop()
        thread = threading.Thread(  # gradio knows whose request it is by the context
            target=copy_context().run, args=(self._do, work, do, unclaimed, line), name=self._what, daemon=True
        )
        thread.start()
        claimed = False
        try:
            yield []
            while thread.is_alive():
                yield work.heard(self._every)
            if rest := work.heard(0):
                yield rest
            assert work.ended is not None
            yield work.ended
            claimed = True  # whoever asked has come back for more
        finally:
            work.stop()
            with self._lock:
                if self._under_way.get(session or "") is work:
                    del self._under_way[session or ""]
                work.abandoned = not claimed
            if work.ended is not None and not claimed:
                _throw_away(work.ended, unclaimed)

    def _do(
        self, work: Work, do: Callable[[Work], T], unclaimed: Callable[[T], object], line: "threading.Lock | None"
    ) -> None:  # fmt: skip
        try:
            with _turn(line, work):
                ended = Ended(do(work), None)
        except BaseException as error:
            if not isinstance(error, MergeError):
                log.error("%s failed", self._what, exc_info=error)
            ended = Ended[T](None, error)
        with self._lock:
            alone, work.ended = work.abandoned, ended
        if alone:
            _throw_away(ended, unclaimed)

    def stop(self, session: str | None) -> None:
        """Cancel was pressed, or the session has left."""
        with self._lock:
            work = self._under_way.get(session or "")
        if work is not None:
            work.stop()


def _throw_away(ended: Ended[T], unclaimed: Callable[[T], object]) -> None:
    if ended.value is not None:
        unclaimed(ended.value)


@contextlib.contextmanager
def _turn(line: "threading.Lock | None", work: Work) -> Generator[None]:
    """Wait for one's turn. Cancelled where the work is stopped before."""
    if line is None:
        yield
        return
    while not line.acquire(timeout=0.2):
        if work.stopped():
            raise Cancelled("stopped while others came first.")
    try:
        yield
    finally:
        line.release()


__all__ = ["OUR_FAULT", "Background", "Ended", "Work"]
