"""What comes in, by address: how many requests and bytes at once, how many bytes of uploads. Plain ASGI; no gradio here.

`Intake` stands before gradio's own layers, inside of the guard. `Presence` is the innermost layer, behind the guard's sessions:
it sees under its own name which page is open, and when it is closed.
"""

import asyncio
import json
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Protocol

from merger.files.checkpoints import format_bytes
from merger.limits import (
    ADDRESS_BODIES,
    ADDRESS_REQUESTS,
    BODIES,
    BODY_SECONDS,
    REQUEST_BYTES,
    UPLOAD_BYTES,
    UPLOAD_SECONDS,
    UPLOADS,
    UPLOADS_BYTES,
)  # fmt: skip
from merger.ui.guard import App, Message, Receive, Scope, Send

_UPLOAD = re.compile(r"/gradio_api/upload/?")
_HEARTBEAT = re.compile(r"/gradio_api/heartbeat/([^/]+)")
_HEAD = 4096
"""Bytes of an upload that are not the file: the boundary, its name and kind."""

MANY = f"More than {ADDRESS_REQUESTS} requests from one place are under way; wait for some of them."
HEAVY = f"More than {format_bytes(ADDRESS_BODIES)} that were sent from one place are not done yet; wait for some of it."
CROWDED = "Very many people are asking right now; try again in a minute."
LARGE = f"A file may have up to {format_bytes(UPLOAD_BYTES)}; this page takes recipes, and lists of questions."
ONE = "Send one file at a time."
OFTEN = f"{UPLOADS} files within a minute are the most from one place; try again in a minute."
FULL = "Too many files were sent here within a minute; try again in a minute."


def address_of(scope: Mapping[str, Any], space: bool) -> str:
    """Where a request comes from, as far as that can be trusted: one person's addresses count as one.

    space  we are on a Space, whose proxies say for whom they ask; elsewhere that header could say anything

    >>> address_of({"client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"6.6.6.6, 8.8.4.4, 10.1.2.3")]}, True)
    '8.8.4.4'
    >>> address_of({"client": ("2a00:1:2:3:4::5", 1), "headers": []}, False)
    '2a00:1:2:3::'
    """
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    if space:
        forwarded = [v.decode("latin-1") for k, v in scope.get("headers", ()) if k.lower() == b"x-forwarded-for"]
        known = [address for text in ",".join(forwarded).split(",") if (address := _read(text.strip())) is not None]
        public = [address for address in known if address.is_global]
        if public:  # the last one was added by the proxies; what stands before it, its sender may have made up
            return _one(public[-1])
    address = _read(peer)
    return _one(address) if address is not None else peer


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _one(address: IPv4Address | IPv6Address) -> str:
    """A home has 2**64 addresses of IPv6."""
    return str(address) if isinstance(address, IPv4Address) else str(IPv6Address(int(address) >> 64 << 64))


def too_heavy(sent: Mapping[str, int], address: str, nbytes: int) -> str:
    """Why an address may not send so many bytes beside those of everybody that are not done yet; "" where it may."""
    if sent.get(address, 0) + nbytes > ADDRESS_BODIES:
        return HEAVY
    return CROWDED if sum(sent.values()) + nbytes > BODIES else ""


class Intake:
    """The layer that counts. clock: for tests."""

    def __init__(self, app: App, space: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.app, self.space, self.clock = app, space, clock
        self._under_way: Counter[str] = Counter()
        self._bodies: Counter[str] = Counter()
        self._sent: deque[tuple[float, str, int]] = deque()
        """(when, by whom, bytes) of uploads that may still lie here."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        address = address_of(scope, self.space)
        if self._under_way[address] >= ADDRESS_REQUESTS:
            await _answer(send, 429, MANY)
            return
        nbytes = _length(scope)
        why = too_heavy(self._bodies, address, nbytes) if nbytes else ""
        if why:
            await _answer(send, 429, why)
            return
        self._under_way[address] += 1
        self._bodies[address] += nbytes
        receive = _in_time(receive) if nbytes else receive
        try:
            if scope["method"] == "POST" and _UPLOAD.fullmatch(_path(scope)):
                await self._upload(scope, receive, send, address)
            else:
                await self.app(scope, receive, send)
        finally:
            self._under_way[address] -= 1
            self._bodies[address] -= nbytes
            if not self._under_way[address]:
                del self._under_way[address], self._bodies[address]

    async def _upload(self, scope: Scope, receive: Receive, send: Send, address: str) -> None:
        """One small file, of a few a minute; all of it is read before anything is written."""
        raw = await _read_up_to(receive, UPLOAD_BYTES + _HEAD)
        status, why = (413, LARGE) if raw is None else self._refusal(raw, _kind(scope), address)
        if raw is None or why:
            await _answer(send, status, why)
            return
        self._sent.append((self.clock(), address, len(raw)))
        waiting: list[bytes] = [raw]

        async def given() -> Message:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False} if waiting else await receive()

        await self.app(scope, given, send)

    def _refusal(self, raw: bytes, kind: bytes, address: str) -> tuple[int, str]:
        while self._sent and self.clock() - self._sent[0][0] > UPLOAD_SECONDS:
            self._sent.popleft()
        if _files(raw, kind) > 1:
            return 413, ONE
        if sum(1 for _, who, _ in self._sent if who == address) >= UPLOADS:
            return 429, OFTEN
        return (429, FULL) if sum(n for _, _, n in self._sent) + len(raw) > UPLOADS_BYTES else (200, "")


def _files(raw: bytes, kind: bytes) -> int:
    """How many parts an upload has; its one file is one. kind: its Content-Type, which names what stands between parts."""
    boundary = re.search(rb'boundary="?([^";,]+)', kind, re.IGNORECASE)
    return raw.count(b"--" + boundary[1].strip()) - raw.count(b"--" + boundary[1].strip() + b"--") if boundary else 0


def _length(scope: Scope) -> int:
    """How many bytes a request's body may have, before any are read: as Python objects they take some twenty times as much."""
    headers = [(key.lower(), value) for key, value in scope["headers"]]
    if any(key == b"transfer-encoding" for key, _ in headers):
        return REQUEST_BYTES
    length = next((value for key, value in headers if key == b"content-length"), b"0")
    return min(int(length), REQUEST_BYTES) if length.isdigit() else REQUEST_BYTES


def _in_time(receive: Receive) -> Receive:
    """What comes, until it has all come or is taken for given up: who sends slowly holds room that others need."""
    ends, whole = time.monotonic() + BODY_SECONDS, False

    async def given() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), ends - time.monotonic())
        except TimeoutError:
            return {"type": "http.disconnect"}
        whole = not message.get("more_body")
        return message

    return given


def _kind(scope: Scope) -> bytes:
    return next((value for key, value in scope["headers"] if key.lower() == b"content-type"), b"")


def _path(scope: Scope) -> str:
    return scope["path"].removeprefix(scope.get("root_path", ""))


async def _answer(send: Send, status: int, sentence: str) -> None:
    """One sentence, as gradio's own clients read it."""
    body = json.dumps({"error": sentence, "detail": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read_up_to(receive: Receive, most: int) -> bytes | None:
    """The whole body; None where it is longer."""
    parts, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


class Watching(Protocol):
    """Who wants to know which pages are open."""

    def opened(self, session: str, address: str) -> None: ...

    def closed(self, session: str) -> None: ...


class Presence:
    """The layer that sees which pages are open: each holds one connection for that."""

    def __init__(self, app: App, watching: Watching, space: bool = False) -> None:
        self.app, self.watching, self.space = app, watching, space

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        heartbeat = _HEARTBEAT.fullmatch(_path(scope)) if scope["type"] == "http" else None
        if heartbeat is None:
            await self.app(scope, receive, send)
            return
        self.watching.opened(heartbeat[1], address_of(scope, self.space))
        try:
            await self.app(scope, receive, send)
        finally:
            self.watching.closed(heartbeat[1])


__all__ = ["CROWDED", "HEAVY", "Intake", "Presence", "address_of", "too_heavy"]
