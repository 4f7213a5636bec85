"""Shares: how much of the page one visitor may hold at once, so that nobody keeps others out.

A visitor is a page's session, and the address it comes from; a program without a session is its address alone. What waits is
ordered so that everybody's first comes before anybody's second. `share_out` puts all of it around a finished page.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from fastapi import HTTPException

from merger.limits import (
    ADDRESS_ANSWERS,
    ADDRESS_CALLS,
    ADDRESS_EVENTS,
    ADDRESS_LONG,
    ANSWERS,
    CALLS_AT_ONCE,
    PROGRAM_ANSWERS,
    PROGRAM_LONG,
    QUEUED,
    SESSION_ANSWERS,
    SESSION_EVENTS,
    SESSION_LONG,
    SESSION_SWEEPS,
)  # fmt: skip
from merger.ui.intake import address_of
from merger.ui.turns import fair
from merger.ui.visitors import FORGOTTEN, Visitors


@dataclass(frozen=True)
class Share:
    """How many of one kind of work may wait or run: of one page, of programs at one address, of one address in all."""

    one: str
    many: str
    session: int
    programs: int
    address: int

    def refusal(self, session: int, programs: int, address: int, is_program: bool) -> str:
        """Why not one more, in words; "" where it may come."""
        if is_program and programs >= self.programs:
            return f"{self._count(programs)} asked for by programs at your address under way already; wait for it to end."
        if not is_program and session >= self.session:
            return f"{self._count(session)} of yours under way already; wait for it to end, or cancel it."
        if address >= self.address:
            return f"{self._count(address)} from your address under way already; wait for one to end."
        return ""

    def _count(self, n: int) -> str:
        return f"There is {n} {self.one}" if n == 1 else f"There are {n} {self.many}"


SHARES: Mapping[str, Share] = {
    "answers": Share("answer", "answers", SESSION_ANSWERS, PROGRAM_ANSWERS, ADDRESS_ANSWERS),
    "disk": Share("merge", "merges", SESSION_LONG, PROGRAM_LONG, ADDRESS_LONG),
    "explore": Share("sweep", "sweeps", SESSION_SWEEPS, PROGRAM_LONG, ADDRESS_LONG),
    "fetch": Share("download", "downloads", SESSION_LONG, PROGRAM_LONG, ADDRESS_LONG),
    "publish": Share("merge to be published", "merges to be published", SESSION_LONG, PROGRAM_LONG, ADDRESS_LONG),
}
"""By gradio's concurrency_id."""
OTHERS = Share("request", "requests", SESSION_EVENTS, SESSION_EVENTS, ADDRESS_EVENTS)
CROWDED = "Very many people are asking right now; try again in a minute."
BUSY = "Too many requests from your address are waiting; wait for some of them."


def share_out(demo: Any, visitors: Visitors, space: bool) -> None:
    """Put the shares around a page: what is queued, and what is done at once."""
    queue = demo._queue
    queue.push = _shared(queue, queue.push, space)
    demo.process_api = _few(demo.process_api, visitors, space)


# ---------------------------------------------------------------------------------------------- what is queued


def _shared(queue: Any, push: Callable[..., Awaitable[Any]], space: bool) -> Callable[..., Awaitable[Any]]:
    """gradio's push: only what is within the visitor's share gets into the queue, and it stands where it is fair."""

    async def pushed(body: Any, request: Any, username: str | None) -> Any:
        fn = queue.blocks.fns.get(body.fn_index)
        address = address_of(request.scope, space)
        why = "" if fn is None else _why_not(list(queue.event_ids_to_events.values()), fn, body.session_hash, address, space)
        why = why or (CROWDED if len(queue) >= QUEUED else "")  # gradio's own words for it name a size, and no way out
        if why:
            raise HTTPException(429, why)
        made = await push(body=body, request=request, username=username)
        if made[0] and fn is not None and fn.concurrency_id in queue.event_queue_per_concurrency_id:
            waiting: list[Any] = queue.event_queue_per_concurrency_id[fn.concurrency_id].queue
            if waiting and waiting[-1]._id == made[1]:
                event = waiting.pop()
                waiting.insert(fair([_address(one, space) for one in waiting], address), event)
        return made

    return pushed


def _why_not(events: Sequence[Any], fn: Any, session: str | None, address: str, space: bool) -> str:
    """Why one more event of this function is too many; "" where it is not."""
    share = SHARES.get(str(fn.concurrency_id), OTHERS)
    same = [event for event in events if SHARES.get(str(event.fn.concurrency_id), OTHERS) is share]
    if share.one == "answer" and len(same) >= ANSWERS:
        return CROWDED
    near = [event for event in same if _address(event, space) == address]
    own = sum(event.session_hash == session for event in near)
    programs = sum(event.session_hash == event._id for event in near)  # gradio's name for who gave none
    return share.refusal(own, programs, len(near), session is None)


def _address(event: Any, space: bool) -> str:
    return address_of(event.request.scope, space)


# ---------------------------------------------------------------------------------------------- what is done at once


def _few(process: Callable[..., Awaitable[Any]], visitors: Visitors, space: bool) -> Callable[..., Awaitable[Any]]:
    """gradio's process_api: notes who is here; of what is not queued only a few from one address run at a time."""
    waiting: Counter[str] = Counter()
    turns: dict[str, asyncio.Semaphore] = {}

    @contextlib.asynccontextmanager
    async def turn(address: str) -> AsyncGenerator[None]:
        if waiting[address] >= ADDRESS_CALLS:
            raise gr.Error(BUSY, print_exception=False)
        waiting[address] += 1
        mine = turns.setdefault(address, asyncio.Semaphore(CALLS_AT_ONCE))
        try:
            async with mine:
                yield
        finally:
            waiting[address] -= 1
            if not waiting[address]:
                del waiting[address], turns[address]

    async def processed(*given: Any, **named: Any) -> Any:
        request, session, event = (named.get(key) for key in ("request", "session_hash", "event_id"))
        scope = getattr(getattr(request, "request", None), "scope", None)
        if scope is None:  # not a visitor: the page itself
            return await process(*given, **named)
        address, fn = address_of(scope, space), named.get("block_fn")
        begins = event == session or any(target[1] == "load" for target in getattr(fn, "targets", ()))
        if session and not visitors.seen(str(session), address, begins):
            visitors.drop(str(session))  # gradio has just begun it anew
            raise gr.Error(FORGOTTEN, print_exception=False)
        if event is not None:  # it had to wait already
            made = await process(*given, **named)
            if event == session:  # a program's: there is nobody to come back
                visitors.drop(str(session))
            return made
        async with turn(address):
            return await process(*given, **named)

    return processed


__all__ = ["OTHERS", "SHARES", "Share", "share_out"]
