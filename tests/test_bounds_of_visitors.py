"""Bounds on what one visitor takes from the others: uploads, requests, places in the line."""

import asyncio
import io
import json
import queue
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest
from apart import apart
from bounded import PLAIN, ROOT, Browser, Clock, asking, http, places
from fastapi import HTTPException

from merger import limits
from merger.ui import LAUNCH, build_app, intake, quota, visitors
from merger.ui.guard import Sessions
from merger.ui.intake import HEAVY, Intake, address_of
from merger.ui.keeper import sweep
from merger.ui.service.clock import Clock as AnswersClock
from merger.ui.studio import Studio
from merger.ui.visitors import Visitors

# ---------------------------------------------------------------------------------------------- uploads and addresses


def asked(app: Any, scope: dict[str, Any], chunk: int = 1 << 16) -> tuple[int, str]:
    """Status and sentence of one request."""
    body, sent = io.BytesIO(scope.pop("body")), []

    async def receive() -> dict[str, Any]:
        part = body.read(chunk)
        return {"type": "http.request", "body": part, "more_body": body.tell() < len(body.getbuffer())}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    apart(app(scope, receive, send))
    found = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(found).get("detail", "") if found else ""


def form(*files: bytes) -> tuple[bytes, str]:
    parts = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="files"; filename="r.yaml"\r\n\r\n' + file + b"\r\n" for file in files
    )
    return parts + b"--edge--\r\n", "multipart/form-data; boundary=edge"


def test_uploads_are_bounded():
    clock, got = Clock(), list[int]()

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message.get("more_body")
        got.append(size)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    layer = Intake(inner, clock=clock)

    def upload(*files: bytes, peer: str = "1.2.3.4") -> tuple[int, str]:
        body, kind = form(*files)
        return asked(layer, http("/gradio_api/upload", body=body, kind=kind, peer=peer))

    assert upload(b"merge_method: linear")[0] == 200 and len(got) == 1
    assert upload(*[b"x"] * 60) == (413, "Send one file at a time.")
    too_large = "A file may have up to 1.0 MB; this page takes recipes, and lists of questions."
    assert upload(b"x" * (limits.UPLOAD_BYTES + 10_000)) == (413, too_large)
    body, kind = form(b"x", b"x")
    assert asked(layer, http("/gradio_api/upload/", body=b"a preamble\r\n" + body, kind=kind))[0] == 413
    assert len(got) == 1, "nothing of these went on"
    for _ in range(limits.UPLOADS - 1):
        assert upload(b"x")[0] == 200
    assert upload(b"x")[0] == 429 and upload(b"x", peer="5.6.7.8")[0] == 200
    clock.now += limits.UPLOAD_SECONDS + 1
    assert upload(b"x")[0] == 200
    clock.now += limits.UPLOAD_SECONDS + 1
    fits = limits.UPLOADS_BYTES // (limits.UPLOAD_BYTES + 200)
    answers = [upload(b"x" * limits.UPLOAD_BYTES, peer=f"9.9.9.{i}")[0] for i in range(fits + 1)]
    assert answers == [200] * fits + [429]


def test_requests_of_one_address():
    """Who holds many requests open is refused more; the next address is not."""
    layer = Intake(None)  # type: ignore[arg-type]

    async def run() -> Counter[int]:
        leave, statuses = asyncio.Event(), list[int]()

        async def inner(scope: Any, receive: Any, send: Any) -> None:
            await leave.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        layer.app = inner

        async def one(peer: str) -> None:
            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            await layer({k: v for k, v in http("/config", peer=peer).items() if k != "body"}, None, send)  # type: ignore[arg-type]

        tasks = [asyncio.create_task(one("1.2.3.4")) for _ in range(limits.ADDRESS_REQUESTS + 7)]
        tasks.append(asyncio.create_task(one("5.6.7.8")))
        await asyncio.sleep(0.1)
        leave.set()
        await asyncio.gather(*tasks)
        return Counter(statuses)

    assert apart(run()) == {200: limits.ADDRESS_REQUESTS + 1, 429: 7} and not layer._under_way


@pytest.mark.parametrize(("peer", "told", "space", "found"), [
    ("1.2.3.4", "", False, "1.2.3.4"),
    ("1.2.3.4", "6.6.6.6", False, "1.2.3.4"),  # anybody can say so
    ("10.0.0.1", "6.6.6.6, 8.8.4.4, 10.3.2.1", True, "8.8.4.4"),  # what its sender made up stands first
    ("10.0.0.1", "", True, "10.0.0.1"), ("10.0.0.1", "nonsense, 10.3.2.1", True, "10.0.0.1"),
    ("2a00:1:2:3::1", "", False, "2a00:1:2:3::"), ("2a00:1:2:3:ffff::9", "", False, "2a00:1:2:3::"),
    ("::ffff:1.2.3.4", "", False, "1.2.3.4"), ("testclient", "", False, "testclient"),
])  # fmt: skip
def test_addresses(peer, told, space, found):
    headers = [(b"X-Forwarded-For", told.encode())] if told else []
    assert address_of({"client": (peer, 1), "headers": headers}, space) == found
    assert address_of({"client": None, "headers": []}, False) == ""


# ---------------------------------------------------------------------------------------------- shares


def test_shares():
    """Each bound of a share: of a page, of programs at an address, of an address, of everybody."""

    def many(kind: str, sessions: Callable[[int], str | None], addresses: Callable[[int], str], why: str = "") -> int:
        """How many get in, one after another; and the next one is told why not."""
        held: list[quota.Sent] = []
        while len(held) < 500:
            one = quota.Sent(kind, sessions(len(held)), addresses(len(held)), 0)
            if told := quota._why_not(held, one):
                assert why and why in told
                break
            held.append(one)
        return len(held)

    def near(_: int) -> str:
        return "1.2.3.4"

    for kind, session, programs, address in (
        ("answers", limits.SESSION_ANSWERS, limits.PROGRAM_ANSWERS, limits.ADDRESS_ANSWERS),
        ("disk", limits.SESSION_LONG, limits.PROGRAM_LONG, limits.ADDRESS_LONG),
        ("explore", limits.SESSION_SWEEPS, limits.PROGRAM_LONG, limits.ADDRESS_LONG),
        ("fetch", limits.SESSION_LONG, limits.PROGRAM_LONG, limits.ADDRESS_LONG),
        ("improve", limits.SESSION_SWEEPS, limits.PROGRAM_LONG, limits.ADDRESS_LONG),
        ("publish", limits.SESSION_LONG, limits.PROGRAM_LONG, limits.ADDRESS_LONG),
        ("else", limits.SESSION_EVENTS, limits.SESSION_EVENTS, limits.ADDRESS_EVENTS),
    ):  # fmt: skip
        assert many(kind, lambda i: "page", near, "of yours") == session, kind
        assert many(kind, lambda i: None, near, "by programs") == programs, kind
        assert many(kind, lambda i: f"page {i}", near, "from your address") == address, kind
    assert many("answers", lambda i: f"page {i}", lambda i: f"9.9.{i // 8}.9", quota.CROWDED) == limits.ANSWERS
    assert many("else", lambda i: f"page {i}", lambda i: f"9.9.{i // 8}.9") == 500
    full = [quota.Sent("answers", "page", "1.2.3.4", 0)] * limits.SESSION_ANSWERS
    assert quota._why_not(full, quota.Sent("disk", "page", "1.2.3.4", 0)) == ""
    words = quota.SHARES["disk"].refusal(1, 0, 1, False)
    assert words == "There is 1 merge of yours under way already; wait for it to end, or cancel it."


def test_small_events_take_turns(monkeypatch):
    """Of one address only a few run at a time, and not endlessly many wait; others do not notice."""
    running, most, refused, done = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    monkeypatch.setattr(quota, "ADDRESS_CALLS", 20)

    async def process(*_: Any, **named: Any) -> dict[str, Any]:
        address = named["request"].request.scope["client"][0]
        running[address] += 1
        most[address] = max(most[address], running[address])
        await asyncio.sleep(0.05)
        running[address] -= 1
        done[address] += 1
        return {}

    few = quota._few(process, Visitors(), False)

    async def one(address: str, event: str | None = None) -> None:
        request = SimpleNamespace(request=SimpleNamespace(scope={"client": (address, 1), "headers": []}))
        try:
            await few(block_fn=SimpleNamespace(targets=()), request=request, session_hash="s", event_id=event)
        except gr.Error:
            refused[address] += 1

    async def run() -> None:
        await asyncio.gather(*(one("1.2.3.4") for _ in range(30)), one("5.6.7.8"), *(one("7.7.7.7", "queued") for _ in range(9)))

    apart(run())
    assert (most["1.2.3.4"], done["1.2.3.4"], refused["1.2.3.4"]) == (limits.CALLS_AT_ONCE, 20, 10)
    assert done["5.6.7.8"] == 1 and most["7.7.7.7"] == 9  # what was queued has waited already


# ---------------------------------------------------------------------------------------------- a crowd


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Studio, Any]]:
    """The page as it is served: (address, its studio, the page)."""
    demo = build_app(ROOT / "presets")
    _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield url.rstrip("/"), demo.visitors.leaving[0].__self__, demo
    demo.close()


@pytest.mark.long
def test_a_newcomer_finds_a_working_page(served, monkeypatch):
    """Whatever one visitor sends: asks of programs, of many pages that he makes up, events; while the line does not move."""
    url, own, demo = served
    own.answered.clear()
    client = httpx.Client(timeout=30)
    with own.turns.stand("somebody slow"):
        statuses = Counter(
            client.post(f"{url}/gradio_api/call/ask", json={"data": [PLAIN, f"question {i}"]}).status_code for i in range(12)
        )
        assert statuses == {200: limits.PROGRAM_ANSWERS, 429: 12 - limits.PROGRAM_ANSWERS}
        page, statuses = Browser(url), Counter()
        for i in range(60):  # each with a name of its own
            page.session = f"madeup{i}"
            run = page.now("bump", [])["data"][0]
            statuses[page.join("answer", [None, asking(f"question {i}"), 0, 0, False, 160, 1, 1, "", run]).status_code] += 1
        assert 0 < statuses[200] <= limits.ADDRESS_ANSWERS and statuses[429] >= 60 - limits.ADDRESS_ANSWERS
        assert len({page.join("draw", [None, None, None, None]).status_code for _ in range(60)} - {200, 429}) == 0
        started = time.monotonic()
        newcomer = Browser(url)
        assert newcomer.join("arrive", [None, asking("hello")]).status_code == 200
        assert newcomer.read()[-1]["success"]
        drawn = newcomer.now("choose", [None, {"key": f"preset {own.presets[1].name}"}])["data"]
        values = [one.get("value") for one in drawn if isinstance(one, dict)]
        [rows] = [json.loads(value)["rows"] for value in values if isinstance(value, str) and value.startswith('{"rows"')]
        assert rows[0]["prompt"] == own.presets[1].prompt
        made = client.post(f"{url}/gradio_api/call/yaml", json={"data": [PLAIN]}).json()["event_id"]
        assert "complete" in client.get(f"{url}/gradio_api/call/yaml/{made}").text
        assert time.monotonic() - started < 20
        assert threading.active_count() < 110
        words = client.post(f"{url}/gradio_api/call/ask", json={"data": [PLAIN, "one more"]}).json()["detail"]
        assert words.startswith("There are 4 answers asked for by programs at your address under way, or not fetched yet;")
        monkeypatch.setattr(AnswersClock, "over", True)  # everybody has waited for too long
        ends = time.monotonic() + 60
        while demo._queue.event_ids_to_events and time.monotonic() < ends:
            time.sleep(0.1)
        assert not demo._queue.event_ids_to_events, "nothing is held for ever"
    sweep(demo)


class Line(list[Any]):
    """gradio's queue, as far as a share looks at it."""

    def __init__(self, waiting: int = 0) -> None:
        super().__init__([None] * waiting)
        self.blocks = SimpleNamespace(fns={})
        self.active_jobs: list[Any] = [None]
        self.event_queue_per_concurrency_id: dict[str, Any] = {}
        self.pending_messages_per_session: dict[str, Any] = {}
        self.pushed = quota._shared(self, self.push, False)

    async def push(self, body: Any, request: Any, username: Any) -> tuple[bool, str]:
        self.active_jobs.append([SimpleNamespace(_id=uuid.uuid4().hex)])
        return True, self.active_jobs[-1][0]._id

    def end(self, name: str) -> None:
        """As gradio ends an event."""
        [at] = [i for i, events in enumerate(self.active_jobs) if events and events[0]._id == name]
        self.active_jobs[at] = None

    def ask(self, nbytes: int = 0, peer: str = "1.2.3.4", session: str | None = "s") -> str:
        """The event's name, or why not."""
        request = SimpleNamespace(scope={"client": (peer, 1), "headers": []}, headers={"content-length": str(nbytes)})
        try:
            return apart(self.pushed(SimpleNamespace(fn_index=0, session_hash=session), request, None))[1]
        except HTTPException as error:
            assert error.status_code == 429
            return error.detail


def test_a_full_queue_is_told(served):
    """Of everybody's events only so many wait; gradio's own bound is the same, and behind it."""
    _, _, demo = served
    assert len(Line(limits.QUEUED - 1).ask()) == 32 and Line(limits.QUEUED).ask() == quota.CROWDED
    assert demo._queue.max_size == limits.QUEUED and demo._queue.push.__name__ == "pushed"


def test_what_nobody_fetches_counts_on():
    """An answer is held until it is fetched, or a minute is over: who fetches none gets no more of them."""
    for session, most in (("s", limits.SESSION_EVENTS), (None, limits.SESSION_EVENTS)):
        line, made = Line(), list[str]()
        for _ in range(most):
            made.append(line.ask(session=session))
            line.end(made[-1])
            said: queue.Queue[str] = queue.Queue()
            said.put("x" * 200_000)
            line.pending_messages_per_session[session or made[-1]] = said
        assert line.ask(session=session) == quota.OTHERS.refusal(most, most, most, session is None) != ""
        line.pending_messages_per_session[session or made[0]].get()
        assert len(line.ask(session=session)) == 32


def test_what_one_address_sends_is_bounded():
    """Bytes that are not done yet: in the line, and of requests under way, before one of them is read."""
    line, large = Line(), limits.ADDRESS_BODIES // 2
    first, second = line.ask(large), line.ask(large)
    assert line.ask(1) == HEAVY and len(line.ask(large, "5.6.7.8")) == 32
    line.end(first)
    assert len(line.ask(large)) == len(second) == 32 and line.ask(1) == HEAVY
    crowd = [line.ask(large, f"6.6.6.{i}") for i in range(limits.BODIES // large)]
    assert crowd[-1] == quota.CROWDED and crowd.count(quota.CROWDED) == 3

    async def run() -> tuple[list[int], int]:
        leave, seen = asyncio.Event(), list[int]()

        async def inner(scope: Any, receive: Any, send: Any) -> None:
            await leave.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        layer = Intake(inner)

        async def one(*headers: tuple[bytes, bytes], peer: str = "1.2.3.4") -> None:
            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    seen.append(message["status"])

            await layer({**http("/gradio_api/queue/join", peer=peer), "headers": headers}, None, send)  # type: ignore[arg-type]

        size = (b"content-length", str(limits.REQUEST_BYTES).encode())
        held = limits.ADDRESS_BODIES // limits.REQUEST_BYTES
        sent = [asyncio.create_task(one(size if i else (b"transfer-encoding", b"chunked"))) for i in range(held + 2)]
        others = [asyncio.create_task(one(size, peer=f"7.7.7.{i}")) for i in range(limits.BODIES // limits.REQUEST_BYTES)]
        small = [asyncio.create_task(one()) for _ in range(3)]
        await asyncio.sleep(0.05)
        leave.set()
        await asyncio.gather(*sent, *others, *small)
        return seen, sum(layer._bodies.values())

    statuses, left = apart(run())
    assert Counter(statuses) == {429: 4, 200: limits.BODIES // limits.REQUEST_BYTES + 3} and left == 0  # with two of its own


def test_what_does_not_arrive_is_not_waited_for(monkeypatch):
    """Who sends the first half of a request and then nothing: its room is there for others again."""
    monkeypatch.setattr(intake, "BODY_SECONDS", 0.1)

    async def run() -> list[Any]:
        said, parts = list[Any](), [{"type": "http.request", "body": b'{"data": [', "more_body": True}]

        async def receive() -> Any:
            return parts.pop() if parts else await asyncio.sleep(60)

        async def send(message: Any) -> None:
            said.append(message)

        scope = http("/gradio_api/queue/join", body=b"-", headers=[(b"content-length", b"1000")])
        layer = Intake(Sessions(None))  # type: ignore[arg-type]
        await asyncio.wait_for(layer({**scope, "app": SimpleNamespace(get_blocks=None)}, receive, send), 10)  # type: ignore[arg-type]
        assert not layer._bodies
        return said

    assert apart(run())[0]["status"] == 400


def test_what_a_closed_page_left_is_gone(served):
    """Its zip lies there as long as the page holds its connection, and not afterwards."""
    url, _, demo = served
    before, page = places(), Browser(url)
    with httpx.stream("GET", f"{url}/gradio_api/heartbeat/{page.session}", cookies=page.client.cookies, timeout=30) as held:
        assert held.status_code == 200
        assert page.join("download", [None]).status_code == 200
        assert "merged-model.zip" in json.dumps(page.read()[-1]["output"])
        [made] = [place for place in places() if place not in before]
        sweep(demo)
        assert (made / "merged-model.zip").is_file()
    ends = time.monotonic() + 20  # the keeper looks by itself
    while made.exists() and time.monotonic() < ends:
        time.sleep(0.1)
    assert places() == before


def test_answers_that_nobody_fetches_are_deleted(served, monkeypatch):
    url, _, demo = served
    made = httpx.post(f"{url}/gradio_api/call/yaml", json={"data": [PLAIN]}).json()["event_id"]
    queue = demo._queue
    ends = time.monotonic() + 20
    while made in queue.event_ids_to_events and time.monotonic() < ends:
        time.sleep(0.05)
    assert made in queue.pending_messages_per_session and made in queue.pending_event_ids_session
    sweep(demo)
    assert made in queue.pending_messages_per_session, "it may be fetched yet"
    monkeypatch.setattr("merger.ui.keeper.ABSENT_SECONDS", -1)
    sweep(demo)
    assert made not in queue.pending_messages_per_session and made not in queue.pending_event_ids_session


def test_a_page_that_was_forgotten_is_told_so(served):
    url, _, demo = served
    page = Browser(url)
    assert page.join("arrive", [None, asking("hello")]).status_code == 200 and page.read()[-1]["success"]
    name = next(reversed(demo.state_holder.session_data))
    demo.visitors.close(name)
    assert page.now("bump", []) == {"error": visitors.FORGOTTEN, "duration": 10, "visible": True, "title": "Error"}
    assert name not in demo.state_holder


def test_queued_functions_cannot_pass_the_queue(served):
    url, *_ = served
    assert httpx.post(f"{url}/gradio_api/run/ask", json={"data": [PLAIN, "hi"]}).status_code == 404


def test_a_single_call_of_a_program_keeps_no_session(served):
    url, _, demo = served
    before = set(demo.state_holder.session_data)
    made = httpx.post(f"{url}/gradio_api/call/yaml", json={"data": [PLAIN]}).json()["event_id"]
    assert "complete" in httpx.get(f"{url}/gradio_api/call/yaml/{made}").text
    assert set(demo.state_holder.session_data) <= before
