"""Turns: a fair line for what only one visitor at a time can use. No gradio."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Generator


class Turns:
    """First come, first served. Who waits can see how many are before, and may leave at any time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[object] = deque()

    @contextlib.contextmanager
    def stand(self) -> Generator[Callable[[float], int]]:
        """A place in line, kept until the block ends. Call it for how many are before; it waits so many seconds for fewer."""
        ticket = object()
        with self._changed:
            self._line.append(ticket)
        told: list[int] = []

        def ahead(seconds: float) -> int:
            with self._changed:
                if told and self._line.index(ticket) == told[-1] > 0:
                    self._changed.wait(seconds)
                told[:] = [self._line.index(ticket)]
                return told[0]

        try:
            yield ahead
        finally:
            with self._changed:
                self._line.remove(ticket)
                self._changed.notify_all()

    def __len__(self) -> int:
        """How many stand in line, the one whose turn it is included."""
        return len(self._line)
