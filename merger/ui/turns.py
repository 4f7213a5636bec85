"""Turns: a fair line for what only one visitor at a time can use. No gradio."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Generator, Sequence


def fair(waiting: Sequence[str], owner: str) -> int:
    """Where a newcomer stands in a line of these owners: everybody's first before anybody's second.

    >>> fair(["ann", "ann", "ann"], "bob"), fair(["ann", "bob", "ann"], "bob"), fair([], "bob")
    (1, 3, 0)
    """
    rank, before = waiting.count(owner), Counter[str]()
    for place, other in enumerate(waiting):
        if before[other] > rank:
            return place
        before[other] += 1
    return len(waiting)


class Turns:
    """First come, first served; of those who come often, everybody's first is served before anybody's second.

    Who waits can see how many are before, and may leave at any time.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: list[tuple[str, object]] = []

    @contextlib.contextmanager
    def stand(self, owner: str = "") -> Generator[Callable[[float], int]]:
        """A place in line, kept until the block ends. Call it for how many are before; it waits so many seconds for fewer."""
        ticket = (owner, object())
        with self._changed:
            place = fair([who for who, _ in self._line], owner)
            self._line.insert(max(place, min(1, len(self._line))), ticket)  # whose turn it is keeps it
            self._changed.notify_all()
        last: list[int] = []

        def ahead(seconds: float) -> int:
            with self._changed:
                if last and self._line.index(ticket) == last[-1] > 0:
                    self._changed.wait(seconds)
                last[:] = [self._line.index(ticket)]
                return last[0]

        try:
            yield ahead
        finally:
            with self._changed:
                self._line.remove(ticket)
                self._changed.notify_all()

    def __len__(self) -> int:
        """How many stand in line, the one whose turn it is included."""
        return len(self._line)
