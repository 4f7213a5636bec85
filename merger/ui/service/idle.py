"""Long work beside answers: everybody who wants an answer goes first, and what is left of the processor is its own."""

import os
import sys
import threading
import time
from collections.abc import Callable

from merger.ui.turns import Turns

_NICE = 10
_LOOK = 0.02
"""Seconds between looks at the line of those who want an answer."""


def give_way() -> None:
    """This thread, and those that it begins, get the processor when nobody else wants it; where that cannot be told apart, no."""
    if sys.platform == "linux":  # elsewhere niceness is of the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


class Idle:
    """Whether work may go on: it waits as long as anybody stands in line for an answer.

    told  hears that it waits (True), and that it goes on (False)
    """

    def __init__(self, turns: Turns, stopped: Callable[[], bool], told: Callable[[bool], None] = lambda _: None) -> None:
        self._turns, self._stopped, self._told = turns, stopped, told
        self._waited = 0.0

    def go_on(self) -> bool:
        """False where it was stopped. Ask it before every piece of work."""
        if len(self._turns):
            began = time.monotonic()
            self._told(True)
            while len(self._turns) and not self._stopped():
                time.sleep(_LOOK)
            self._waited += time.monotonic() - began
            self._told(False)
        return not self._stopped()

    def clock(self) -> float:
        """Seconds, which stand still while it waits."""
        return time.monotonic() - self._waited


__all__ = ["Idle", "give_way"]
