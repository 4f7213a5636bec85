"""What is asked of the Hub while somebody waits for it: an answer soon, or one sentence. No gradio."""

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

from merger.errors import MergeError
from merger.hub.wire import is_transport

T = TypeVar("T")

SOON = 4.5
"""Seconds; who waits is told within five."""
SILENT = "The Hub does not answer. What is on this computer still works."


class Silent(MergeError):
    """The Hub cannot be reached, or has not answered yet."""


def soon(ask: Callable[[], T], seconds: float = SOON) -> T:
    """What `ask` gives. Silent where the Hub cannot be reached, or it takes longer: it goes on by itself then, unheard."""
    found: list[T] = []
    failed: list[BaseException] = []

    def asked() -> None:
        try:
            found.append(ask())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=copy_context().run, args=(asked,), name="asking the Hub", daemon=True)
    thread.start()
    thread.join(seconds)
    if found:
        return found[0]
    if not failed or is_transport(failed[0].__context__ or failed[0]):
        raise Silent(SILENT) from None
    raise failed[0]


__all__ = ["SILENT", "SOON", "Silent", "soon"]
