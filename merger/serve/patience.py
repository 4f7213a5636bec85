"""Connections that do not get on: the head of a request that never ends, an answer that nobody reads.

uvicorn waits for both for ever. The first would leave no connection for others; the second stands at the head of the line.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from merger.limits import SERVE_HEAD_SECONDS, SERVE_UNREAD_SECONDS


class Patient(H11Protocol):
    """A connection that is closed where a request's head does not arrive, or an answer is not read, in time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """From now on a head is waited for."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Some of a head has its time go on; a whole one, or what follows it, ends it."""
        super().data_received(data)
        asked: Any = self.cycle  # None before the first request
        if asked is not None and not asked.response_complete:
            self._head = _ended(self._head)
        else:
            self._wait_for_head()

    def _wait_for_head(self) -> None:
        if self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(SERVE_HEAD_SECONDS, self.transport.abort)

    def pause_writing(self) -> None:
        """Nobody takes what is sent."""
        super().pause_writing()
        self._unread = self.loop.call_later(SERVE_UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It is taken again."""
        self._unread = _ended(self._unread)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for."""
        self._head, self._unread = _ended(self._head), _ended(self._unread)
        super().connection_lost(exc)


def _ended(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


__all__ = ["Patient"]
