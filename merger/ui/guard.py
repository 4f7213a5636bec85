"""The door: which requests reach the page, and whose they are. Plain ASGI around gradio's server; no gradio here.

`Guard` stands outside of everything: it answers to this page's own names only, refuses what another website asks in a visitor's
name, leaves only the addresses open that the page needs, and says who may show the page in a frame. `Sessions` stands inside: it
binds the session names that browsers choose to the browser that sent them, so that knowing somebody's is of no use.
"""

import contextlib
import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from inspect import signature
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from merger.errors import OUR_FAULT, MergeError
from merger.hosts import name_of, numeric
from merger.limits import REQUEST_BYTES, REQUEST_VALUES, SESSION_CHARACTERS

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_API = "/gradio_api/"
_LOOKS = re.compile(
    r"/(assets|static|svelte)/.+|/(favicon\.ico|robots\.txt|manifest\.json|pwa_icon(/\d+)?)|(/gradio_api)?/theme\.css"
)
"""Addresses that hold nothing of any visitor: scripts, styles, icons."""
_SIGN_IN = re.compile(r"/login/(huggingface|callback)")
_USED = re.compile(
    r"/config/?|/logout|/gradio_api/(info/?|openapi\.json|app_id/?|startup-events|queue/(join|data|status)|cancel|reset/?"
    r"|(run|api|call|call/v2)/[\w.-]+(/[\w-]+)?/?|upload|upload_progress|component_server/?|heartbeat/[^/]+|mcp(/.*)?"
    r"|file=(?![a-zA-Z][a-zA-Z0-9+.-]+:).+)", re.DOTALL,
)  # fmt: skip
"""What else the page needs of gradio. Its other addresses (a proxy, recordings, an editor, links to saved states) stay shut."""
_CALLS = re.compile(r"/gradio_api/((run|api|call/v2|call)/(?P<name>[\w.-]+)/?|queue/join|cancel|reset/?|component_server/?)")
"""Addresses that take JSON."""
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
"""A string of JSON. One that does not end goes on to the end: tried again from each quote in it, it took the square of that."""
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{int(SESSION_CHARACTERS)}}}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{32,64}")
_ORIGIN = re.compile(r"https?://([\w-]+\.)*[\w-]+(:\d{1,5})?")

FOREIGN = "Another website asked for this in your name; open the page itself and do it there."
NAMELESS = "This page does not go by that name: open it as localhost, or start it with the name in the variable MERGER_HOSTS."
NOWHERE = "There is nothing at this address."
UNREADABLE = "This request cannot be read; reload the page, or see under “Use via API” what it takes."


@dataclass(frozen=True)
class Door:
    """What the guard goes by.

    names   host names the page answers to, without ports; None: any
    numbers whether any address in numbers will do, too: a name that was pointed at us by others is none
    own     host names whose pages are this page: a Space's, or those in front of a proxy
    frames  origins that may show the whole page in a frame, beside the page itself
    embeds  origins that may show `?view=mixer` in a frame
    """

    names: frozenset[str] | None = None
    numbers: bool = False
    own: frozenset[str] = frozenset()
    frames: tuple[str, ...] = ()
    embeds: tuple[str, ...] = ()


def read_door(hosted: bool, environment: Mapping[str, str] = os.environ) -> Door:
    """The door of this place. MergeError where a variable cannot be read.

    >>> sorted(read_door(False, {"MERGER_HOSTS": "merge.example.org"}).names)
    ['127.0.0.1', '::1', 'localhost', 'merge.example.org']
    """
    given = _listed(environment, "MERGER_HOSTS")
    space = _listed(environment, "SPACE_HOST")
    embeds = tuple(text.rstrip("/") for text in _listed(environment, "MERGER_EMBED"))
    for wrong in (text for text in embeds if not _ORIGIN.fullmatch(text)):
        raise MergeError(f"MERGER_EMBED: write origins such as https://example.org, separated by commas; got {wrong[:80]!r}.")
    own = frozenset(name_of(text.removeprefix("https://").removeprefix("http://").rstrip("/")) for text in (*given, *space))
    frames = ("https://huggingface.co",) if environment.get("SPACE_ID") else ()
    if hosted:
        return Door(None, False, own, frames, embeds)
    bound = name_of(environment.get("GRADIO_SERVER_NAME", ""))
    everywhere = bound in ("0.0.0.0", "::")
    more = {socket.gethostname().lower()} if everywhere else {bound} if bound else set[str]()
    return Door(frozenset({"localhost", "127.0.0.1", "::1", *own, *more}), everywhere, own, frames, embeds)


def _listed(environment: Mapping[str, str], name: str) -> list[str]:
    return environment.get(name, "").replace(",", " ").lower().split()


# ---------------------------------------------------------------------------------------------- what is asked


class _Asked:
    """One request, as far as the guard looks at it. Of a header that is given twice, every value counts."""

    def __init__(self, scope: Scope) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        self.query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
        self._headers = [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in scope["headers"]]
        self.secure = scope.get("scheme") == "https" or self.header("x-forwarded-proto").lower() == "https"

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self._headers if key == name]

    def header(self, name: str) -> str:
        """The first value of a header; "" without one."""
        return next(iter(self.all(name)), "")

    @property
    def visitor(self) -> str:
        """The browser's own secret, from the cookie that we gave it; "" for who sends none."""
        jar = SimpleCookie()
        for line in self.all("cookie"):
            try:
                jar.load(line)
            except CookieError:
                continue
        cookie = jar.get(_cookie(self.secure))
        return cookie.value if cookie is not None and _SECRET.fullmatch(cookie.value) else ""


def _cookie(secure: bool) -> str:
    return "__Host-merger" if secure else "merger-visitor"  # the first cannot be set by a neighbouring host name


# ---------------------------------------------------------------------------------------------- outside


class Guard:
    """The outermost layer: names, other websites, addresses, frames; and a sentence where gradio has none."""

    def __init__(self, app: App, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's start and end."""
        if scope["type"] == "websocket":  # the page uses none
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked, begun = _Asked(scope), False
        headers = self._headers(asked)

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message.get("headers", ()), *headers, *_introduced(asked, message)]
            await send(message)

        status, why = self.refusal(asked)
        if why:
            await answer(sent, status, why, asked)
            return
        try:
            await self.app(scope, receive, sent)
        except Exception as error:  # events have their own words for what goes wrong in them: this is a request gradio chokes on
            log.warning("%s %s: %s", asked.method, asked.path[:100], str(error)[:200] or type(error).__name__)
            if not begun:
                await answer(sent, 400, UNREADABLE, asked)
                return
            with contextlib.suppress(Exception):  # a stream that has said why: it ends there
                await send({"type": "http.response.body", "body": b""})

    def refusal(self, asked: _Asked) -> tuple[int, str]:
        """The status and the sentence for a request that does not get in; an empty one for all others."""
        names = [name_of(host) for host in asked.all("host")]
        known = self.door.names
        if known is not None and any(name not in known and not (self.door.numbers and numeric(name)) for name in names):
            return 421, NAMELESS
        if _LOOKS.fullmatch(asked.path) and asked.method in ("GET", "HEAD"):
            return 200, ""
        if asked.path != "/" and not _SIGN_IN.fullmatch(asked.path) and not _USED.fullmatch(asked.path):
            return 404, NOWHERE
        return (403, FOREIGN) if self.from_elsewhere(asked) and not _visit(asked) else (200, "")

    def from_elsewhere(self, asked: _Asked) -> bool:
        """Whether a browser asks on behalf of another website. Programs that are no browsers say nothing about it."""
        origins, sites = asked.all("origin"), asked.all("sec-fetch-site")
        if not origins and not sites:  # an old browser tells at most the page it comes from
            origins = [value for value in asked.all("referer") if value]
        strange = any(not self._ours(origin, asked) for origin in origins)
        return strange or any(site not in ("same-origin", "none") for site in sites)

    def _ours(self, origin: str, asked: _Asked) -> bool:
        try:
            parts = urlsplit(origin.lower())
            return parts.scheme in ("http", "https") and (
                parts.netloc == asked.header("host").lower() or (parts.hostname or "") in self.door.own
            )
        except ValueError:
            return False

    def _headers(self, asked: _Asked) -> list[tuple[bytes, bytes]]:
        mixer = asked.path == "/" and asked.query.get("view") == "mixer"
        frames = " ".join(("'self'", *self.door.frames, *(self.door.embeds if mixer else ())))
        return [
            (b"content-security-policy", f"frame-ancestors {frames}".encode("ascii")),
            (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"),
        ]  # fmt: skip


def _visit(asked: _Asked) -> bool:
    """Whether somebody follows a link to the page, or to its sign-in, which ends here from the Hub; or it is shown in a frame."""
    shown = ("document",) if _SIGN_IN.fullmatch(asked.path) else ("document", "iframe", "frame") if asked.path == "/" else ()
    goes = asked.header("sec-fetch-mode") == "navigate" or not asked.all("sec-fetch-site")
    kind = asked.header("sec-fetch-dest") or "document"
    return asked.method in ("GET", "HEAD") and goes and kind in shown and not asked.all("origin")


def _introduced(asked: _Asked, message: Message) -> list[tuple[bytes, bytes]]:
    """With the page itself, a browser that has no secret of its own gets one."""
    html = any(k.lower() == b"content-type" and v.startswith(b"text/html") for k, v in message["headers"])
    if asked.path != "/" or asked.method != "GET" or message["status"] != 200 or not html or asked.visitor:
        return []
    where = "Secure; SameSite=None; Partitioned" if asked.secure else "SameSite=Lax"  # a Space stands in a frame of the Hub's
    cookie = f"{_cookie(asked.secure)}={secrets.token_urlsafe(32)}; Path=/; HttpOnly; {where}"
    return [(b"set-cookie", cookie.encode("ascii"))]


async def answer(send: Send, status: int, sentence: str, asked: _Asked) -> None:
    """Answer with one sentence, as gradio's own clients read it; as plain text to who follows a link."""
    plain = "text/html" in asked.header("accept")
    body = sentence.encode() if plain else json.dumps({"error": sentence, "detail": sentence}).encode()
    kind = b"text/plain; charset=utf-8" if plain else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if asked.method == "HEAD" else body})


# ---------------------------------------------------------------------------------------------- inside


class _Wrong(Exception):
    """What is sent is nothing that the page sends."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Sessions:
    """The innermost layer: a session is named by the browser and belongs to it, so the name means another one elsewhere.

    A browser is known by our cookie, else by its sign-in; programs without either share the names they choose.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self._key = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, whose session is made the visitor's own."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = _Asked(scope)
        try:
            scope, receive = await self._owned(scope, receive, asked)
        except _Wrong as wrong:
            await answer(send, wrong.status, wrong.sentence, asked)
            return
        await self.app(scope, receive, send)

    async def _owned(self, scope: Scope, receive: Receive, asked: _Asked) -> tuple[Scope, Receive]:
        owner = asked.visitor or hashlib.sha256((signed_in(scope) or "").encode()).hexdigest()
        names = [key for key in ("session_hash", "upload_id") if key in asked.query]
        if names and asked.path.startswith(_API):
            query = asked.query | {key: self._own(asked.query[key], owner) for key in names}
            scope = {**scope, "query_string": urlencode(query).encode("ascii")}
        before, beat, name = scope["path"].partition(f"{_API}heartbeat/")
        if beat:
            path = f"{before}{beat}{self._own(name, owner)}"
            scope = {**scope, "path": path, "raw_path": path.encode("ascii")}
        call = _CALLS.fullmatch(asked.path)
        if call is None or asked.method != "POST":
            return scope, receive
        raw = self._checked(await _read(receive, asked), call, owner, scope)
        own = {b"content-length": str(len(raw)).encode(), b"content-type": b"application/json"}
        headers = [(k, v) for k, v in scope["headers"] if k.lower() not in (*own, b"transfer-encoding")] + list(own.items())
        return {**scope, "headers": headers}, _again(raw, receive)

    def _own(self, name: object, owner: str) -> str:
        """The session's name in here."""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _Wrong(400, f"A session's name has 1 to {SESSION_CHARACTERS} letters, digits, _ and -.")
        return hmac.new(self._key, f"{owner} {name}".encode(), "sha256").hexdigest()[:40]

    def _checked(self, raw: bytes, call: re.Match[str], owner: str, scope: Scope) -> bytes:
        """A body with nothing in it but what the page sends, in the types that gradio counts on."""
        if _values(raw) > REQUEST_VALUES:  # gradio goes through them again and again, and meanwhile serves nobody else
            raise _Wrong(413, f"This request is too large: it may hold up to {REQUEST_VALUES:,} numbers, words and lists.")
        try:
            body = json.loads(raw)
            if not isinstance(body, dict):
                raise ValueError
            if "session_hash" in body and body["session_hash"] is not None:
                body["session_hash"] = self._own(body["session_hash"], owner)
            body.pop("oauth_token", None)  # who is signed in is told by the cookie alone
            functions = scope["app"].get_blocks().fns.values()
            body = _named(body, call, functions) if call[2] == "call/v2" else _typed(body, call, scope)
            return json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text
        except (ValueError, RecursionError):
            raise _Wrong(400, "This is no request of this page: a JSON object is expected, not nested too deeply.") from None


def _values(raw: bytes) -> int:
    """About how many values JSON holds, without making any of them.

    >>> _values(b'{"a": [1, 2, "x, [y"]}')
    4
    """
    bare = _STRING.sub(b"", raw)
    return sum(map(bare.count, (b",", b"[", b"{")))


def _typed(body: dict[str, Any], call: re.Match[str], scope: Scope) -> dict[str, Any]:
    """The body's known entries. _Wrong where one that counts is of the wrong kind."""
    kinds: dict[str, type] = {
        "session_hash": str, "event_id": str, "fn_name": str, "fn_index": int, "trigger_id": int, "component_id": int,
        "data": object, "event_data": object,
    }  # fmt: skip
    kept = {
        key: body[key] for key, kind in kinds.items()
        if key in body and isinstance(body[key], kind) and not (kind is int and isinstance(body[key], bool))
    }  # fmt: skip
    if call[1].startswith(("component_server", "reset")):
        if call[1].startswith("component_server") and kept.get("component_id") not in scope["app"].get_blocks().blocks:
            raise _Wrong(404, NOWHERE)
        return kept
    functions = scope["app"].get_blocks().fns
    if not (kept.get("fn_index") in functions or any(fn.api_name == call["name"] for fn in functions.values() if call["name"])):
        raise _Wrong(404, "There is no such event on this page.")
    if not call[1].startswith("cancel") and not isinstance(kept.get("data"), list):
        raise _Wrong(400, "data: a list of the event's inputs is expected.")
    return kept


def _named(body: dict[str, Any], call: re.Match[str], functions: Iterable[Any]) -> dict[str, Any]:
    """The body's entries as an endpoint's arguments. _Wrong where one is missing, or another."""
    function = next((f.fn for f in functions if f.api_name == call["name"] and f.api_visibility == "public"), None)
    if function is None:
        raise _Wrong(404, "There is no such endpoint on this page.")
    known = signature(function).parameters
    given = {key: value for key, value in body.items() if key != "session_hash"}
    listed = f"/{call['name']} takes {', '.join(known)}."
    for key in (*given, *(name for name, one in known.items() if one.default is one.empty)):
        if key not in known or key not in given:
            raise _Wrong(400, f"{key[:80]}: {'is missing' if key in known else 'is no argument'}; {listed}")
    return given


async def _read(receive: Receive, asked: _Asked) -> bytes:
    parts, size, more = list[bytes](), 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > REQUEST_BYTES:
            raise _Wrong(413, f"This request is too large: it may have up to {REQUEST_BYTES:,} bytes.")
        more = bool(message.get("more_body"))
    return b"".join(parts)


def _again(raw: bytes, receive: Receive) -> Receive:
    """What was read, to be read once more; then whatever comes."""
    waiting = [raw]

    async def given() -> Message:
        return {"type": "http.request", "body": waiting.pop(), "more_body": False} if waiting else await receive()

    return given


def signed_in(scope: Mapping[str, Any]) -> str | None:
    """The token of the visitor's sign-in, as gradio keeps it in a signed cookie; None without one that still holds."""
    session = scope.get("session")
    known = session.get("oauth_info") if isinstance(session, Mapping) else None
    token, until = (known.get("access_token"), known.get("expires_at")) if isinstance(known, Mapping) else (None, None)
    if not isinstance(token, str) or not token or (isinstance(until, (int, float)) and until < time.time()):
        return None
    return token


def token_of(request: Any) -> str | None:
    """The same for the request that comes with an event, or with a call of a component's server function."""
    scope = getattr(getattr(request, "request", None) or request, "scope", None)
    return signed_in(scope) if isinstance(scope, Mapping) else None


__all__ = ["OUR_FAULT", "FOREIGN", "Door", "Guard", "Sessions", "answer", "read_door", "signed_in", "token_of"]
