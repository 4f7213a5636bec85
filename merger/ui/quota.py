"""Shares: how much of the page one visitor may hold at once, so that nobody keeps others out.

A visitor is a page's session, and the address it comes from; a program without a session is its address alone. What waits is
ordered so that everybody's first comes before anybody's second; what is done counts until its answer is fetched. `share_out`
puts all of it around a finished page.
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
from merger.ui.intake import CROWDED, address_of, too_heavy
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
            count = self._count(programs)
            return f"{count} asked for by programs at your address under way, or not fetched yet; wait for it to end."
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
    "improve": Share("search", "searches", SESSION_SWEEPS, PROGRAM_LONG, ADDRESS_LONG),
    "publish": Share("merge to be published", "merges to be published", SESSION_LONG, PROGRAM_LONG, ADDRESS_LONG),
}
"""By gradio's concurrency_id."""
OTHERS = Share("request", "requests", SESSION_EVENTS, SESSION_EVENTS, ADDRESS_EVENTS)
BUSY = "Too many requests from your address are waiting; wait for some of them."


def share_out(demo: Any, visitors: Visitors, space: bool, work: gr.State) -> None:
    """Put the shares around a page: what is queued, and what is done at once. work: which an edit changes."""
    queue = demo._queue
    queue.push = _shared(queue, queue.push, space)
    demo.process_api = _few(demo.process_api, visitors, space, work)


# ---------------------------------------------------------------------------------------------- what is queued


@dataclass(frozen=True)
class Sent:
    """An event, for as long as something of it is held here. nbytes: what was sent; session: None for a program's."""

    kind: str
    session: str | None
    address: str
    nbytes: int


def _shared(queue: Any, push: Callable[..., Awaitable[Any]], space: bool) -> Callable[..., Awaitable[Any]]:
    """gradio's push: only what is within the visitor's share gets into the queue, and it stands where it is fair."""
    held: dict[str, Sent] = {}

    async def pushed(body: Any, request: Any, username: str | None) -> Any:
        fn = queue.blocks.fns.get(body.fn_index)
        one = Sent(str(getattr(fn, "concurrency_id", "")), body.session_hash, address_of(request.scope, space), _length(request))
        under_way = _under_way(queue)
        for name in [name for name, sent in held.items() if name not in under_way and not _unread(queue, name, sent)]:
            del held[name]
        why = CROWDED if len(queue) >= QUEUED else _why_not(list(held.values()), one)  # gradio's words for it show no way out
        why = why or _too_much([sent for name, sent in held.items() if name in under_way], one)
        if why:
            raise HTTPException(429, why)
        made = await push(body=body, request=request, username=username)
        if made[0]:
            held[made[1]] = one
        if made[0] and one.kind in queue.event_queue_per_concurrency_id:
            waiting: list[Any] = queue.event_queue_per_concurrency_id[one.kind].queue
            if waiting and waiting[-1]._id == made[1]:
                event = waiting.pop()
                waiting.insert(fair([_address(other, space) for other in waiting], one.address), event)
        return made

    return pushed


def _under_way(queue: Any) -> set[str]:
    """Events that wait or run. gradio's own table of them has each a moment longer: who asks again at once must not meet it."""
    running = {event._id for events in queue.active_jobs if events for event in events}
    return running | {event._id for line in queue.event_queue_per_concurrency_id.values() for event in line.queue}


def _unread(queue: Any, name: str, sent: Sent) -> bool:
    """Whether an event has said something that nobody has fetched."""
    said = queue.pending_messages_per_session.get(sent.session or name)  # gradio names a program by its event
    return said is not None and not said.empty()


def _too_much(under_way: Sequence[Sent], one: Sent) -> str:
    """Why what was sent with the events under way is too much for one more; "" where it is not."""
    bodies: Counter[str] = Counter()
    for sent in under_way:
        bodies[sent.address] += sent.nbytes
    return too_heavy(bodies, one.address, one.nbytes)


def _why_not(held: Sequence[Sent], one: Sent) -> str:
    """Why one more event of this kind is too many; "" where it is not."""
    share = SHARES.get(one.kind, OTHERS)
    same = [sent for sent in held if SHARES.get(sent.kind, OTHERS) is share]
    if share.one == "answer" and len(same) >= ANSWERS:
        return CROWDED
    near = [sent for sent in same if sent.address == one.address]
    own = sum(sent.session == one.session for sent in near)
    return share.refusal(own, sum(sent.session is None for sent in near), len(near), one.session is None)


def _length(request: Any) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdigit() else 0


def _address(event: Any, space: bool) -> str:
    return address_of(event.request.scope, space)


# ---------------------------------------------------------------------------------------------- what is done at once


def _few(
    process: Callable[..., Awaitable[Any]], visitors: Visitors, space: bool, work: gr.State | None = None
) -> Callable[..., Awaitable[Any]]:
    """gradio's process_api: notes who is here; of what is not queued only a few from one address run at a time.

    Of one page's edits one at a time: each begins with what the one before it has kept, or the later would undo the earlier.
    """
    waiting: Counter[str] = Counter()
    turns: dict[str, asyncio.Semaphore] = {}
    editing: Counter[str] = Counter()
    edits: dict[str, asyncio.Lock] = {}

    @contextlib.asynccontextmanager
    async def after_edits(session: str) -> AsyncGenerator[None]:
        editing[session] += 1
        try:
            async with edits.setdefault(session, asyncio.Lock()):
                yield
        finally:
            editing[session] -= 1
            if not editing[session]:
                del editing[session], edits[session]

    @contextlib.asynccontextmanager
    async def turn(address: str, session: str) -> AsyncGenerator[None]:
        """session: of an edit; "" of what keeps nothing."""
        if waiting[address] >= ADDRESS_CALLS:
            raise gr.Error(BUSY, print_exception=False)
        waiting[address] += 1
        mine = turns.setdefault(address, asyncio.Semaphore(CALLS_AT_ONCE))
        try:
            async with after_edits(session) if session else contextlib.nullcontext(), mine:
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
        edit = work is not None and any(part is work for part in getattr(fn, "outputs", ()))
        async with turn(address, str(session or "") if edit else ""):
            return await process(*given, **named)

    return processed


__all__ = ["OTHERS", "SHARES", "Share", "share_out"]
