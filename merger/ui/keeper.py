"""The keeper: one thread beside each served page that lets go of what is left, and gives memory back to the system."""

import logging
import threading
import time
import weakref
from typing import Any

from merger.kernels.devices import give_back
from merger.limits import ABSENT_SECONDS
from merger.ui.scratch import scratch

log = logging.getLogger(__name__)

ROUND_SECONDS = 5.0
TRIM_SECONDS = 60.0


def keep(page: Any) -> None:
    """Look after a page from now on, as long as there is one."""
    if "keeper" not in page.__dict__:  # gradio makes several servers of one page
        page.keeper = threading.Thread(target=_keep, args=(weakref.ref(page),), name="keeper", daemon=True)
        page.keeper.start()


def _keep(known: "weakref.ref[Any]") -> None:
    rounds = trimmed = time.monotonic()
    while (page := known()) is not None:
        gone: threading.Event = page.visitors.gone
        if not threading.main_thread().is_alive():  # the process ends, and waits for its threads: none has to finish a merge
            page.visitors.end()
            scratch().end()
            return
        if gone.is_set() or time.monotonic() - rounds > ROUND_SECONDS:
            gone.clear()
            rounds = time.monotonic()
            try:
                sweep(page)
            except Exception:
                log.exception("letting go of what was left failed")
        if time.monotonic() - trimmed > TRIM_SECONDS:
            trimmed = time.monotonic()
            give_back()
        del page
        gone.wait(0.5)


def sweep(page: Any) -> None:
    """Once over everything: sessions, what they left, files, and answers that nobody fetches."""
    queue = page._queue
    page.visitors.sweep({event.session_hash for event in list(queue.event_ids_to_events.values())})
    scratch().sweep(page.visitors.here)
    _unread(queue)


def _unread(queue: Any) -> None:
    """Delete what was said to who never came for it: gradio keeps it for 2,000 of them."""
    working = {event.session_hash for event in list(queue.event_ids_to_events.values())}
    now = time.monotonic()
    since: dict[str, float] = queue.__dict__.setdefault("_unread_since", {})
    said = list(queue.pending_messages_per_session.items())
    waiting = {name for name, messages in said if name not in working and not messages.empty()}
    for name in [name for name in since if name not in waiting]:
        del since[name]
    for name in waiting:
        if now - since.setdefault(name, now) > ABSENT_SECONDS:
            queue.pending_messages_per_session.pop(name, None)
            del since[name]
    for name in [name for name in list(queue.pending_event_ids_session) if name not in working]:
        if name not in queue.pending_messages_per_session:
            queue.pending_event_ids_session.pop(name, None)


__all__ = ["keep", "sweep"]
