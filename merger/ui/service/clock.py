"""How long something may still take."""

import math
import time

from merger.errors import MergeError


class Clock:
    """How long something may still take, and what is said when that is over."""

    def __init__(self) -> None:
        self._ends, self.words = math.inf, ""

    def start(self, seconds: float, words: str) -> None:
        """From now on."""
        self._ends, self.words = time.monotonic() + seconds, words

    @property
    def over(self) -> bool:
        """Whether time is up."""
        return time.monotonic() > self._ends

    def check(self) -> None:
        """MergeError when time is up."""
        if self.over:
            raise MergeError(self.words)
