"""The endpoint as an ASGI application: addresses, the line, streams. One answer is made at a time; others wait in line."""

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from merger.errors import OUR_FAULT, Cancelled, MergeError, OutOfMemory
from merger.limits import SERVE_BODY_SECONDS, SERVE_BYTES, SERVE_WAITING
from merger.serve.door import Door
from merger.serve.shapes import END, Shape, event, told
from merger.serve.voices import Begun, Said, Voices
from merger.serve.wanted import READERS, Refused, Wanted, read_body

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_LOOK_SECONDS = 1.0
"""How often the recipe's file is looked at while nobody asks."""


class App:
    """Addresses and what they answer. `stop` ends what is being said, also from another thread or a signal."""

    def __init__(self, voices: Voices, door: Door) -> None:
        self.voices, self.door = voices, door
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End what is being said."""
        self._stopping.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await _Request(self, scope, receive, send).answer()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        watching: asyncio.Task[None] | None = None
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                watching = asyncio.create_task(self._watch())
                await send({"type": "lifespan.startup.complete"})
                continue
            self.stop()
            if watching is not None:
                watching.cancel()
            self._worker.shutdown(wait=False, cancel_futures=True)
            await send({"type": "lifespan.shutdown.complete"})
            return

    async def _watch(self) -> None:
        """Merge a changed recipe as soon as it is written, so that nobody waits for it later."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self.voices.stale and not self._turn.locked():
                async with self._turn:
                    await asyncio.get_running_loop().run_in_executor(self._worker, self._refresh)

    def _refresh(self) -> None:
        try:
            self.voices.refresh()
        except Exception:  # a bug of ours; the next request meets it and says so
            log.exception("the recipe's file")

    async def said(self, wanted: Wanted, gone: threading.Event, hear: Callable[[Said], Awaitable[None]]) -> None:
        """Wait in line, then let an answer be heard bit by bit. gone: set when nobody listens any more.

        Cancelled while it is being said, it ends when the model has: nobody else's turn begins before.
        """
        if self._waiting > SERVE_WAITING:
            raise Refused(f"{SERVE_WAITING} requests wait in line already; ask again later.", None, 429, "rate_limit_exceeded")
        self._waiting += 1
        try:
            async with self._turn:
                if self._stopping.is_set():
                    raise Cancelled("the endpoint is being stopped.")
                await self._heard(wanted, gone, hear)
        finally:
            self._waiting -= 1

    async def _heard(self, wanted: Wanted, gone: threading.Event, hear: Callable[[Said], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        heard: asyncio.Queue[Said | BaseException | None] = asyncio.Queue()

        def put(what: Said | BaseException | None) -> None:
            loop.call_soon_threadsafe(heard.put_nowait, what)

        def go_on() -> bool:
            return not gone.is_set() and not self._stopping.is_set()

        def work() -> None:
            try:
                for one in self.voices.answer(wanted, go_on):
                    put(one)
                put(None)
            except BaseException as error:
                put(error)

        working = loop.run_in_executor(self._worker, work)
        try:
            while (what := await heard.get()) is not None:
                if isinstance(what, BaseException):
                    raise what
                await hear(what)
        finally:
            gone.set()
            await asyncio.shield(working)


class _Request:
    """One request on its way to an answer."""

    def __init__(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        self._app, self._receive, self._send = app, receive, send
        self._method: str = scope["method"]
        self._path: str = scope["path"]
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        self._headers: Mapping[str, list[str]] = headers
        self._begun = False

    async def answer(self) -> None:
        """Answer; whatever goes wrong is told in OpenAI's shape."""
        try:
            await self._answer()
        except Refused as error:
            await self._refuse(error)
        except Cancelled:
            await self._refuse(Refused("The endpoint is being stopped.", None, 503))
        except OutOfMemory as error:
            await self._refuse(Refused(str(error), None, 503))
        except MergeError as error:
            await self._refuse(Refused(str(error)))
        except Exception:
            log.exception("%s %s", self._method, self._path[:100])
            await self._refuse(Refused(OUR_FAULT, None, 500))

    async def _answer(self) -> None:
        self._app.door.check(self._headers, key=self._path != "/health")
        wants = "POST" if self._path in READERS else "GET"
        if self._path not in READERS and self._path not in ("/health", "/v1/models") and not self._path.startswith("/v1/models/"):
            places = ", ".join([*READERS, "/v1/models", "/health"])
            raise Refused(f"There is nothing at {self._path[:80]}; there are {places}.", None, 404)
        if self._method != wants:
            raise Refused(f"{self._path[:80]} takes {wants}.", None, 405)
        if self._path == "/health":
            await self._json(200, {"status": "ok"})
        elif self._path in READERS:
            await self._talk(READERS[self._path](read_body(await self._body())))
        else:
            await self._models()

    async def _models(self) -> None:
        listed = [{"id": name, "object": "model", "created": 0, "owned_by": "merge-explorer"} for name in self._app.voices.names]
        wanted = self._path.removeprefix("/v1/models").removeprefix("/")
        if not wanted:
            await self._json(200, {"object": "list", "data": listed})
            return
        one = next((model for model in listed if model["id"] == wanted), None)
        if one is None:
            raise Refused(f"{wanted[:200]!r} is no model here.", "model", 404, "model_not_found")
        await self._json(200, one)

    async def _body(self) -> bytes:
        """What was sent, within its bounds."""
        parts, size = list[bytes](), 0
        try:
            async with asyncio.timeout(SERVE_BODY_SECONDS):
                while True:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise Cancelled("nobody is there any more.")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > SERVE_BYTES:
                        raise Refused(f"The request is larger than {SERVE_BYTES:,} bytes.", None, 413)
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError:
            raise Refused(f"The request did not arrive within {SERVE_BODY_SECONDS} seconds.", None, 408) from None

    # ------------------------------------------------------------------------------------------ an answer

    async def _talk(self, wanted: Wanted) -> None:
        """Say the answer, until it is said or nobody listens any more."""
        gone = threading.Event()
        talking = asyncio.create_task(self._said(wanted, gone))
        leaving = asyncio.create_task(self._left())
        try:
            await asyncio.wait((talking, leaving), return_when=asyncio.FIRST_COMPLETED)
            if talking.done():
                talking.result()
        finally:
            leaving.cancel()
            gone.set()
            talking.cancel()  # in line: out of it; while the model speaks: it stops at the next token
            with contextlib.suppress(asyncio.CancelledError, MergeError):
                await talking

    async def _left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _said(self, wanted: Wanted, gone: threading.Event) -> None:
        shape: Shape | None = None

        async def hear(said: Said) -> None:
            nonlocal shape
            if isinstance(said, Begun):
                shape = Shape(wanted, said)
                if wanted.stream:
                    await self._start(200, b"text/event-stream; charset=utf-8", _about(said))
                return
            assert shape is not None
            if not wanted.stream:
                shape.take(said)
                return
            for chunk in shape.chunks(said):
                await self._more(event(chunk))

        await self._app.said(wanted, gone, hear)
        assert shape is not None
        if not wanted.stream:
            await self._json(200, shape.whole(), _about(shape.begun))
            return
        if wanted.usage:
            await self._more(event(shape.last()))
        await self._more(END, last=True)

    # ------------------------------------------------------------------------------------------ what is sent

    async def _start(self, status: int, kind: bytes, more: list[tuple[bytes, bytes]]) -> None:
        headers = [(b"content-type", kind), (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"), *more]
        self._begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _more(self, body: bytes, last: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": not last})

    async def _json(self, status: int, value: Mapping[str, Any], more: list[tuple[bytes, bytes]] | None = None) -> None:
        body = json.dumps(value).encode("ascii")
        await self._start(status, b"application/json", [(b"content-length", str(len(body)).encode()), *(more or [])])
        await self._more(b"" if self._method == "HEAD" else body, last=True)

    async def _refuse(self, error: Refused) -> None:
        """Tell an error; in a stream that has begun, as its last piece."""
        if self._begun:
            await self._more(event(told(error)), last=True)
            return
        more = [(b"www-authenticate", b"Bearer")] if error.status == 401 else []
        if error.status in (408, 413):  # the rest of what is sent is read by nobody
            more.append((b"connection", b"close"))
        await self._json(error.status, told(error), more)


def _about(begun: Begun) -> list[tuple[bytes, bytes]]:
    """Which recipe is heard, as headers; of a warning as much as fits."""
    warned = begun.warning.replace("\n", " ").encode("ascii", "backslashreplace")[:500]
    kept = bytes(b for b in warned if 32 <= b < 127)
    return [(b"x-merger-recipe", begun.recipe.encode("ascii")), *([(b"x-merger-warning", kept)] if kept else [])]


__all__ = ["App"]
