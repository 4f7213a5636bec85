"""The door: other websites, other names, other browsers, frames; and what goes on working: programs, links, a Space."""

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import gradio as gr
import httpx
import pytest
from apart import apart
from gradio_client import Client

from merger.errors import MergeError
from merger.limits import REQUEST_BYTES, REQUEST_VALUES, SESSION_CHARACTERS
from merger.ui import LAUNCH, build_app
from merger.ui.guard import FOREIGN, Door, Guard, read_door, signed_in, token_of
from merger.ui.host import Host
from merger.ui.page import Page, with_sign_in

HOME = Door(frozenset({"localhost", "127.0.0.1", "::1"}))
SPACE = read_door(True, {"SPACE_HOST": "me-x.hf.space", "SPACE_ID": "me/x"})
EVIL = "https://evil.example"
VISIT = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def asked(door: Door, method: str, path: str, headers: Mapping[str, str], host: str = "localhost:7860") -> httpx.Response:
    """What the guard lets through to a server that answers everything with an HTML page."""

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"in"})

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Guard(inner, door))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.request(method, path, headers=dict(headers))

    return apart(ask())


JOIN, DATA, FILE = "/gradio_api/queue/join", "/gradio_api/queue/data?session_hash=x", "/gradio_api/file=/etc/x"
OWN = "http://localhost:7860"


@pytest.mark.parametrize("path", [
    JOIN, DATA, FILE, "/config", "/gradio_api/run/predict", "/gradio_api/call/ask", "/gradio_api/call/ask/123",
    "/gradio_api/upload",
    "/gradio_api/component_server", "/gradio_api/cancel", "/gradio_api/heartbeat/x", "/gradio_api/info", "/gradio_api/mcp/",
    "/logout",
])  # fmt: skip
@pytest.mark.long
def test_another_website_gets_nothing(path: str) -> None:
    """Whatever a foreign page can make a browser send: scripts, forms, images, frames, links; also of a neighbouring port."""
    for door, host in ((HOME, "localhost:7860"), (SPACE, "me-x.hf.space"), (SPACE, "10.1.2.3:7860")):
        for headers in (
            {"origin": EVIL}, {"origin": "null"}, {"origin": EVIL, "sec-fetch-site": "cross-site"},
            {"origin": "http://localhost:3000"},
            {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"referer": f"{EVIL}/x"}, VISIT,
            VISIT | {"sec-fetch-dest": "iframe"},
            {"origin": f"{EVIL}, {OWN}"}, {"origin": "https://me-x.hf.space.evil.example"}, {"origin": "https://huggingface.co"},
            {"origin": f"http://{host}@evil.example"}, {"origin": "file://localhost:7860"},
            {"origin": "[", "sec-fetch-site": "none"},
            {"sec-fetch-site": "nonsense"},
            {"origin": OWN if door is HOME else f"https://{host}", "sec-fetch-site": "cross-site"},
        ):  # fmt: skip
            for method in ("GET", "POST", "OPTIONS"):
                said = asked(door, method, path, headers, host)
                assert said.status_code == 403 and FOREIGN in said.text, (host, headers, method)
                assert "access-control-allow-origin" not in said.headers


@pytest.mark.parametrize(("door", "host", "headers"), [
    (HOME, "localhost:7860", {}),  # curl, gradio_client, an MCP client
    (HOME, "127.0.0.1:7860", {"origin": "http://127.0.0.1:7860", "sec-fetch-site": "same-origin"}),
    (HOME, "[::1]:7860", {"origin": "http://[::1]:7860"}),
    (HOME, "localhost:7860", {"sec-fetch-site": "same-origin"}),
    (HOME, "localhost:7860", {"sec-fetch-site": "none"}),
    (HOME, "localhost:7860", {"referer": "http://localhost:7860/?r=x"}),
    (SPACE, "me-x.hf.space", {"origin": "https://me-x.hf.space", "sec-fetch-site": "same-origin"}),
    (SPACE, "10.0.0.7:7860", {"origin": "https://me-x.hf.space", "sec-fetch-site": "same-origin"}),  # behind the Space's proxy
    (read_door(False, {"MERGER_HOSTS": "merge.example.org"}), "127.0.0.1:7860", {"origin": "https://merge.example.org"}),
])  # fmt: skip
def test_the_page_itself_and_programs_get_in(door: Door, host: str, headers: dict[str, str]) -> None:
    for method, path in (("POST", JOIN), ("GET", DATA), ("GET", FILE), ("GET", "/config"), ("GET", "/"), ("GET", "/logout")):
        assert asked(door, method, path, headers, host).text == "in", path


def test_links_lead_to_the_page_and_to_its_sign_in() -> None:
    frame = VISIT | {"sec-fetch-dest": "iframe"}
    for path in ("/", "/?r=x&p=y", "/?view=mixer"):
        assert asked(HOME, "GET", path, VISIT).text == asked(SPACE, "GET", path, frame, "me-x.hf.space").text == "in"
    for path in ("/login/huggingface", "/login/callback?code=1&state=2"):
        assert asked(SPACE, "GET", path, VISIT, "me-x.hf.space").text == "in"
        assert asked(SPACE, "GET", path, frame, "me-x.hf.space").status_code == 403
    assert asked(HOME, "POST", "/", VISIT).status_code == 403
    assert asked(HOME, "GET", "/", {"origin": EVIL, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}).status_code == 403
    assert asked(HOME, "GET", "/assets/index.js", {"origin": EVIL}).text == "in"  # holds nothing of anybody


def test_another_name_is_refused_at_home() -> None:
    """A name that somebody points at this computer (DNS rebinding) is not ours, whatever else the request says."""
    for host in (
        "evil.example",
        "evil.example:7860",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "192.168.1.5:7860",
        "0.0.0.0:7860",
    ):
        for path in ("/", "/assets/x.js", DATA):
            said = asked(HOME, "GET", path, {"origin": f"http://{host}", "sec-fetch-site": "same-origin"}, host)
            assert said.status_code == 421 and "MERGER_HOSTS" in said.text and "evil" not in said.text and "\n" not in said.text
    for host in ("localhost", "LOCALHOST:1", "localhost.:7860", "127.0.0.1", "[::1]:7860"):
        assert asked(HOME, "GET", "/", {}, host).text == "in"
    assert asked(SPACE, "GET", "/", {}, "anything.example").text == "in"  # it is public, and another name has no cookies


def test_doors() -> None:
    home = read_door(False, {"GRADIO_SERVER_NAME": "Studio.local", "MERGER_HOSTS": "https://merge.example.org:8443/, b.example"})
    assert home.names == {"localhost", "127.0.0.1", "::1", "studio.local", "merge.example.org", "b.example"} and not home.numbers
    wide = read_door(False, {"GRADIO_SERVER_NAME": "0.0.0.0"})
    assert asked(wide, "GET", "/", {}, "192.168.1.5:7860").text == "in"  # an address in numbers cannot be pointed elsewhere
    assert asked(wide, "GET", "/", {}, "evil.example").status_code == 421
    assert read_door(True, {}).names is None and read_door(True, {}).frames == () and SPACE.frames == ("https://huggingface.co",)
    for wrong in ("*", "example.org", "https://a.b/c", "javascript:alert(1)", "https://a.b; script-src *"):
        with pytest.raises(MergeError, match="MERGER_EMBED: write origins such as"):
            read_door(False, {"MERGER_EMBED": wrong})


def test_who_may_show_the_page_in_a_frame() -> None:
    def policy(door: Door, path: str) -> str:
        said = asked(door, "GET", path, {})
        assert said.headers["x-content-type-options"] == "nosniff" and said.headers["referrer-policy"] == "same-origin"
        return said.headers["content-security-policy"]

    own = "frame-ancestors 'self'"
    embedded = read_door(False, {"MERGER_EMBED": "https://blog.example, http://localhost:3000"})
    assert policy(HOME, "/") == policy(HOME, "/?view=mixer") == policy(embedded, "/") == policy(embedded, "/?view=other") == own
    assert policy(embedded, "/?view=mixer") == f"{own} https://blog.example http://localhost:3000"
    assert policy(SPACE, "/") == policy(SPACE, FILE) == f"{own} https://huggingface.co"
    assert policy(HOME, "/nowhere") == own and asked(HOME, "GET", "/nowhere", {}).status_code == 404


def test_a_browser_gets_a_secret_of_its_own() -> None:
    at_home = asked(HOME, "GET", "/", {}).headers["set-cookie"]
    assert at_home.startswith("merger-visitor=") and at_home.endswith("; Path=/; HttpOnly; SameSite=Lax")
    framed = asked(SPACE, "GET", "/", {"x-forwarded-proto": "https"}, "me-x.hf.space").headers["set-cookie"]
    assert framed.startswith("__Host-merger=") and framed.endswith("; Path=/; HttpOnly; Secure; SameSite=None; Partitioned")
    kept = at_home.split(";")[0]
    assert kept != asked(HOME, "GET", "/", {}).headers["set-cookie"].split(";")[0]
    for path, headers in (("/", {"cookie": f"a=b; {kept}"}), ("/config", {}), (DATA, {})):
        assert "set-cookie" not in asked(HOME, "GET", path, headers).headers
    for weak in ("merger-visitor=x", "merger-visitor=", "merger-visitor", "\x01", f"{kept}; merger-visitor=<>"):
        assert "set-cookie" in asked(HOME, "GET", "/", {"cookie": weak}).headers
    assert "set-cookie" in asked(SPACE, "GET", "/", {"x-forwarded-proto": "https", "cookie": kept}, "me-x.hf.space").headers


def test_who_is_signed_in() -> None:
    known = {"access_token": "hf_x", "expires_at": time.time() + 9}
    assert (
        signed_in({"session": {"oauth_info": known}})
        == "hf_x"
        == signed_in({"session": {"oauth_info": {"access_token": "hf_x"}}})
    )
    for session in (
        None,
        5,
        {},
        {"oauth_info": None},
        {"oauth_info": known | {"expires_at": 1}},
        {"oauth_info": known | {"access_token": 5}},
    ):
        assert signed_in({"session": session}) is None
    assert token_of(None) is token_of(gr.Request(session_hash="x")) is token_of(object()) is signed_in({}) is None


# ---------------------------------------------------------------------------------------------- whose session


COUNT = {"calls": 0}


def small() -> Page:
    """A page with a counter for each visitor, at once and through the queue, and an endpoint."""

    def more(n: int) -> tuple[int, str]:
        COUNT["calls"] += 1
        return n + 1, f"this is call {n + 1} of this visitor"

    def fails(text: str) -> str:
        raise ValueError(f"nobody may read this: {text}")

    def echo(recipe: str) -> str:
        return recipe

    demo = Page()
    demo.door = read_door(False, {})
    with demo:
        n, text, button = gr.State(0), gr.Textbox(), gr.Button("Count")
        button.click(more, n, [n, text], queue=False)
        button.click(more, n, [n, text])
        button.click(fails, text, text)
        gr.api(echo, api_name="echo")
    demo.queue()
    return demo


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    demo = small()
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")  # without LAUNCH: guarded all the same
    yield url.rstrip("/")
    demo.close()


def browser_at(url: str) -> httpx.Client:
    client = httpx.Client(base_url=url, timeout=30)
    assert client.get("/").status_code == 200
    return client


def now(client: httpx.Client, session: str, fn: int = 0, headers: Mapping[str, str] | None = None) -> str:
    body = {"data": [None], "fn_index": fn, "session_hash": session}
    return client.post("/gradio_api/run/predict", json=body, headers=dict(headers or {})).text


def queued(client: httpx.Client, session: str, fn: int = 1) -> httpx.Response:
    return client.post("/gradio_api/queue/join", json={"data": [None], "fn_index": fn, "session_hash": session})


def heard(client: httpx.Client, session: str) -> str:
    with client.stream("GET", f"/gradio_api/queue/data?session_hash={session}") as stream:
        lines = []
        for line in stream.iter_lines():
            lines.append(line)
            if "process_completed" in line or "unexpected_error" in line:
                break
        return "\n".join(lines)


def test_a_session_is_its_browsers(url: str) -> None:
    """The same name from another browser, from a program or from another sign-in is another session: nothing is inherited."""
    one, other, program = browser_at(url), browser_at(url), httpx.Client(base_url=url)
    assert "call 1 of" in now(one, "same") and "call 2 of" in now(one, "same")
    assert "call 1 of" in now(other, "same") and "call 1 of" in now(program, "same") and "call 3 of" in now(one, "same")
    assert "call 4 of" in (queued(one, "same"), heard(one, "same"))[1]
    assert queued(one, "same").status_code == 200
    for listener in (other, program):
        assert "call" not in heard(listener, "same")  # nothing waits under this name for anybody else
    assert "call 5 of" in heard(one, "same")
    assert "call 2 of" in now(program, "same")  # programs go by the name alone


def test_a_session_that_another_chose_gives_it_nothing(url: str) -> None:
    """A foreign page names the session and lets the visitor's browser call; neither the call nor its answer gets there."""
    victim, evil, before = browser_at(url), browser_at(url), COUNT["calls"]
    for headers in ({"origin": EVIL}, {"sec-fetch-site": "cross-site"}):
        assert FOREIGN in now(victim, "chosen", headers=headers)
    assert COUNT["calls"] == before
    now(victim, "chosen")
    assert "call 1 of" in now(evil, "chosen")


def test_a_sessions_name_is_bounded(url: str) -> None:
    client = browser_at(url)
    assert "call 1 of" in now(client, "x" * SESSION_CHARACTERS)
    for name in ("x" * (SESSION_CHARACTERS + 1), "", "a b", "../x", "é", "a\n"):
        assert "A session's name has" in now(client, name)
        assert client.get("/gradio_api/queue/data", params={"session_hash": name}).status_code == 400
    assert client.get(f"/gradio_api/heartbeat/{'x' * 99}").status_code == 400


def test_a_request_is_bounded(url: str) -> None:
    client = browser_at(url)
    for size, status in ((REQUEST_BYTES - 200, 200), (REQUEST_BYTES + 1, 413)):
        body = json.dumps({"data": [None], "fn_index": 0, "session_hash": "x", "event_data": "x" * size})
        said = client.post("/gradio_api/run/predict", content=body)
        assert said.status_code == status and ("up to 4,000,000 bytes" in said.text) == (status == 413)


def test_a_request_of_many_values(url: str) -> None:
    """A million empty lists took four seconds in which nobody else was served; as a text they are one value."""
    client, many = browser_at(url), REQUEST_VALUES + 1
    for part in ("[]", "{}", "1", '""'):
        body = f'{{"data": [{",".join([part] * many)}], "fn_index": 0, "session_hash": "x"}}'
        said = client.post("/gradio_api/run/predict", content=body)
        assert said.status_code == 413 and "up to 100,000 numbers, words and lists" in said.text
    body = json.dumps({"data": [None], "fn_index": 0, "session_hash": "x", "event_data": '[{"\\", ' * many})
    assert client.post("/gradio_api/run/predict", content=body).status_code == 200
    started = time.process_time()
    assert client.post("/gradio_api/run/predict", content='{"data": "' + '\\"' * 1_900_000).status_code == 400
    assert time.process_time() - started < 5


def test_errors_are_sentences(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Also of an event that fails: the log has the reason, the visitor a sentence."""
    client = browser_at(url)
    with caplog.at_level(logging.ERROR):
        queued(client, "x", 2)
        said = heard(client, "x")
    assert "it is our fault" in said and "nobody may read this" not in said and "nobody may read this" in caplog.text
    for fn, words in ((99, "There is no such event"), ("x", "There is no such event")):
        assert words in now(client, "x", fn)  # type: ignore[arg-type]
    few = {"data": [], "fn_index": 0, "session_hash": "x"}
    assert "does not fit this event" in client.post("/gradio_api/run/predict", json=few).text


def test_programs_go_on_working(url: str) -> None:
    client = Client(url, verbose=False)
    assert client.predict(recipe="a", api_name="/echo") == "a"
    said = httpx.post(f"{url}/gradio_api/call/v2/echo", json={"recipe": "b"})
    assert "event_id" in said.text
    assert "recipe: is missing; /echo takes recipe." in httpx.post(f"{url}/gradio_api/call/v2/echo", json={}).text
    assert "x: is no argument" in httpx.post(f"{url}/gradio_api/call/v2/echo", json={"recipe": "b", "x": 1}).text


# ---------------------------------------------------------------------------------------------- sign-in


def test_without_gradios_extra_the_page_starts_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """OAUTH_CLIENT_ID is set, gradio's extra is not there, or nobody is logged in on this computer: one sentence, no sign-in."""
    for error, words in (
        (ImportError("long text\nabout a library"), 'pip install "gradio[oauth]"'),
        (ValueError("OAUTH_SCOPES is not set. Make sure\nof it"), "cannot offer it: OAUTH_SCOPES is not set."),
    ):

        def attach(app: Any, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr("merger.ui.page.attach_oauth", attach)
        caplog.clear()
        assert not with_sign_in(Host(oauth=True)).oauth
        assert len(caplog.messages) == 1 and words in caplog.messages[0] and "\n" not in caplog.messages[0]
    monkeypatch.setattr("merger.ui.page.attach_oauth", lambda app: None)
    assert with_sign_in(Host(oauth=True)).oauth and not with_sign_in(Host()).oauth


def test_the_page_starts_with_a_client_id(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OAUTH_CLIENT_ID", "x")
    monkeypatch.setenv("HOSTED", "1")
    for name in ("HF_TOKEN", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "/nowhere")
    demo = build_app()
    try:
        _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
        assert httpx.get(url).status_code == 200
    finally:
        demo.close()
    assert len([line for line in caplog.messages if line.startswith("Sign-in is off")]) == 1


# ---------------------------------------------------------------------------------------------- in a browser


EVIL_PAGE = """<!doctype html><title>evil</title>
<iframe src="%(url)s/"></iframe><iframe src="%(url)s/?view=mixer"></iframe><script>
const body = JSON.stringify({data: [null], fn_index: 0, session_hash: 'evil'});
const sent = {method: 'POST', body, credentials: 'include'};
const tries = [
  () => fetch('%(url)s/gradio_api/run/predict', {...sent, headers: {'content-type': 'application/json'}}),
  () => fetch('%(url)s/gradio_api/run/predict', {...sent, mode: 'no-cors'}),
  () => fetch('%(url)s/gradio_api/queue/join', {...sent, mode: 'no-cors'}),
  () => fetch('%(url)s/config', {credentials: 'include'}),
  () => fetch('%(url)s/', {credentials: 'include'}),
];
window.done = Promise.allSettled(tries.map(async (one) => (await one()).text()))
  .then(all => all.map(one => one.value ?? 'refused'));
</script>"""


@pytest.mark.browser
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
@pytest.mark.long
def test_another_website_in_a_real_browser(browser: Any, url: str, name: str) -> None:
    """A page of another host, and one of the same host on another port: no call is made, nothing is read, no frame is shown."""

    class Website(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write((EVIL_PAGE % {"url": url}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Website)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector("button")
        assert [cookie["name"] for cookie in context.cookies()] == ["merger-visitor"]
        before = COUNT["calls"]
        page.goto(f"http://{name}:{server.server_port}/")
        assert page.evaluate("window.done") == ["refused", "", "", "refused", "refused"]
        assert COUNT["calls"] == before
        for frame in page.frames[1:]:
            assert frame.locator("button").count() == 0
        page.goto(f"{url}/?x=1")
        page.get_by_role("button", name="Count").click()
        page.wait_for_function("[...document.querySelectorAll('textarea')].some(one => one.value.includes('of this visitor'))")
    finally:
        context.close()
        server.shutdown()
