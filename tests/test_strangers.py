"""A stranger at the page: every event, endpoint, server function and address of both modes, called with what nobody should send.

What there is to call is asked of the page itself, so what is added later is called, too. An audit hook sees every file that is
opened, written or deleted, every connection and every process, while the calls are made. Each place gets a share of the hostile
values, the next place the next share; STRANGERS=all gives every place all of them, in some minutes.
"""

import contextlib
import json
import math
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
import huggingface_hub.constants
import pytest
from bounded import asking
from hub_standin import READER, WRITER, Hub

from merger.hub import references, store, wire
from merger.recipe import load
from merger.search.trials import Probe, Vary, sweep
from merger.ui import LAUNCH, build_app, workspace
from merger.ui.grants import Grants
from merger.ui.guard import Guard
from merger.ui.scratch import scratch
from merger.ui.service.answers import Answers
from merger.ui.service.files import Files
from merger.ui.service.strip import Strip
from merger.ui.studio import Studio, Visit

ROOT = Path(__file__).parent.parent
FAMILY = ROOT / "presets" / "family"
SECRET = "the-owner's-secret-8d1f"
API = "/gradio_api"
SHARES = 1 if os.environ.get("STRANGERS") == "all" else 5


# ---------------------------------------------------------------------------------------------- what must not happen


@dataclass
class Watch:
    """What an audit hook of Python sees of this process. `shut`: folders nobody may read; `free`: where may be written."""

    shut: list[str] = field(default_factory=list[str])
    free: list[str] = field(default_factory=list[str])
    seen: list[str] = field(default_factory=list[str])
    on: bool = False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open":
            path, _, flags = args
            if isinstance(path, (str, bytes)):
                self.file(os.fsdecode(path), bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)))
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.symlink", "os.link") and args[-1] == -1:
            places = args[1:2] if event == "os.symlink" else args[:2] if event in ("os.rename", "os.link") else args[:1]
            for path in places:  # whole paths: what is named beside an open folder was opened by its path before
                self.file(os.fsdecode(path), True)
        elif event in ("os.listdir", "os.scandir") and args and isinstance(args[0], str):
            self.file(args[0], False)
        elif event == "socket.connect" and isinstance(args[1], tuple) and str(args[1][0]) not in ("127.0.0.1", "::1"):
            self.seen.append(f"connects to {args[1]}")
        elif event == "socket.getaddrinfo" and str(args[0]) not in ("127.0.0.1", "::1", "localhost"):
            self.seen.append(f"asks for the address of {args[0]}")
        elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
            self.seen.append(f"{event} {args[:2]}")

    def file(self, path: str, written: bool) -> None:
        whole = os.path.normpath(Path.cwd() / path)
        if any(whole.startswith(one) for one in self.shut):
            self.seen.append(f"{'writes' if written else 'reads'} {whole}")
        elif written and "__pycache__" not in whole and not any(whole.startswith(one) for one in (*self.free, "/dev/", "/proc/")):
            self.seen.append(f"writes {whole}")


WATCH = Watch()
sys.addaudithook(lambda event, args: WATCH(event, args))


# ---------------------------------------------------------------------------------------------- the page


class Door(Guard):
    """The door, behind which who has a token in a cookie is signed in with it: what gradio's sign-in does with a signed one."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            found = re.search(rb"token=(\w+)", b";".join(v for k, v in scope["headers"] if k == b"cookie"))
            known = {"access_token": found[1].decode(), "scope": "", "expires_at": time.time() + 900} if found else None
            scope = {**scope, "session": {"oauth_info": known} if known else {}}
        await super().__call__(scope, receive, send)


class Spied(dict[str, Any]):
    """Opened models, which note when the private one is taken out."""

    def __init__(self, models: dict[str, Any]) -> None:
        super().__init__(models)
        self.taken: list[str] = []

    def __getitem__(self, name: str) -> Any:
        if "secret" in name:
            self.taken.append(name)
        return super().__getitem__(name)


@dataclass
class Place:
    """A page that runs in this process, and what is planted around it. `outside`: a folder that it must not touch."""

    url: str
    demo: Any
    hosted: bool
    outside: Path
    temporary: Path
    canary: list[str]
    web: str

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=120)
        self.config = self.client.get("/config").json()
        self.parts = {part["id"]: part for part in self.config["components"]}
        self.studio: Studio = self.demo.panels.studio

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event that has a function on the server, public or not."""
        return [one for one in self.config["dependencies"] if one["backend_fn"]]

    def stateful(self, event: dict[str, Any]) -> list[bool]:
        return [self.parts[i]["type"] == "state" for i in event["inputs"]]

    def call(self, event: dict[str, Any], data: Any, session: str = "stranger", client: httpx.Client | None = None) -> str:
        """The text of an event's answer, however it comes."""
        client = client or self.client
        body = json.dumps({"data": data, "fn_index": event["id"], "session_hash": session})
        where = "queue/join" if event["queue"] else "run/predict"
        asked = client.post(f"{API}/{where}", content=body, headers={"content-type": "application/json"})
        return told(client, session) if event["queue"] and asked.status_code == 200 else asked.text


def told(client: httpx.Client, session: str, seconds: float = 60) -> str:
    """What comes for a session until one of its events is done, or nothing comes for so long."""
    lines: list[str] = []
    with (
        contextlib.suppress(httpx.ReadTimeout),
        client.stream("GET", f"{API}/queue/data", params={"session_hash": session}, timeout=seconds) as stream,
    ):
        for line in stream.iter_lines():
            lines.append(line)
            if any(mark in line for mark in ("process_completed", "close_stream", "unexpected_error")):
                break
    return "\n".join(line for line in lines if line)


@contextlib.contextmanager
def page(hosted: bool, tmp: Path) -> Iterator[Place]:
    """The page, at home or hosted, with a Hub of its own, secrets beside it, and nothing of this machine's in reach."""
    outside, here, temporary = (tmp / name for name in ("outside", "here", "temporary"))
    for folder in (outside, here, temporary):
        folder.mkdir()
    (outside / "secret.txt").write_text(SECRET)
    shutil.copytree(FAMILY / "pirate", outside / "model")
    (outside / "model" / "README.md").write_text(f"---\nlicense: {SECRET}\n---\n")
    if hosted:  # a folder below the working directory that looks like a model of the Hub
        shutil.copytree(outside / "model", here / "docs" / "models")
    canary: list[str] = []

    class Canary(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            canary.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET.encode())

        def log_message(self, *_: Any) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Canary)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch, Hub() as hub:
        for name in ("HF_TOKEN", "SPACE_ID", "SPACE_HOST", "MERGER_HOSTS", "GRADIO_SERVER_NAME"):
            patch.delenv(name, raising=False)
        patch.setenv("HOSTED", "1" if hosted else "0")
        patch.setenv("XDG_CACHE_HOME", str(temporary / "cache"))
        patch.setenv("HF_HUB_CACHE", str(temporary / "hub"))
        patch.setenv("GRADIO_TEMP_DIR", str(temporary / "gradio"))
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(temporary / "hub"))
        patch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(temporary / "no-token"))
        patch.setattr(wire, "FIRST_WAIT", 0.01)
        patch.setattr(references, "_brought", {})
        patch.setattr(tempfile, "tempdir", str(temporary))
        patch.setattr("merger.ui.page.Guard", Door)
        patch.chdir(here)
        scratch.cache_clear()  # another page of this process had its own
        hub.add("writer/secret", FAMILY / "spell", private=True)
        hub.add("tiny/count", FAMILY / "count")
        demo = build_app()
        _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
        try:
            yield Place(url.rstrip("/"), demo, hosted, outside, temporary, canary, f"http://127.0.0.1:{web.server_port}")
        finally:
            WATCH.on = False
            demo.close()
            web.shutdown()
            scratch().end()
            scratch.cache_clear()


@pytest.fixture(scope="module", params=["home", "hosted"])
def place(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with page(request.param == "hosted", tmp_path_factory.mktemp(request.param)) as here:
        hot(here)
        yield here


def hot(place: Place) -> None:
    """All that the page keeps of models is kept of the private one, whose owner has brought it and used it everywhere."""
    store.download("writer/secret", WRITER)
    place.studio.grants.add(WRITER, "writer/secret")
    studio, recipe = place.studio.seen_by(WRITER), load(recipe_of("writer/secret", SIBLING))
    work = workspace.opened(workspace.start(studio.presets[0], studio.base), recipe)
    for feed in Answers(studio).answer(work, "spell the word cat", Visit()):
        assert "error" not in feed
    assert Answers(studio).heard("writer/secret", "spell the word cat") and Answers(studio).heard(recipe, "spell the word cat")
    Strip(studio).strip(work)
    assert Strip(studio).law(work, studio.plan(recipe))
    assert list(sweep(recipe, [Vary("models[0].parameters.weight", (0.5,))], studio.searcher, PROBES, access=studio.access))
    assert list(studio.searcher.marks(["writer/secret"], PROBES, access=studio.access))
    Files(studio).delete(Files(studio).archive(recipe, lambda step: None))
    assert alive(place)
    place.studio.parents._models = Spied(place.studio.parents._models)


@pytest.fixture
def watched(place: Place) -> Iterator[Place]:
    """The same, with everything watched that this process opens, writes, connects to or starts meanwhile."""
    WATCH.seen.clear()
    WATCH.free = [str(place.temporary), *([] if place.hosted else [str(Path.cwd())])]
    WATCH.shut = [str(place.outside)] if place.hosted else [str(place.outside / "secret.txt")]
    if place.hosted:
        WATCH.shut.append(str(Path.cwd() / "docs"))
    place.canary.clear()
    taken = place.studio.parents._models.taken
    taken.clear()
    WATCH.on = True
    yield place
    WATCH.on = False
    assert WATCH.seen == [] and place.canary == []
    assert not place.hosted or taken == []  # the private model, which is open, was given to nobody


SIBLING = "presets/family/pirate"
PROBES = (Probe("spell", "spell the word cat", "c a t"),)


def recipe_of(*models: str) -> str:
    listed = [{"model": model, "parameters": {"weight": 1}} for model in models]
    return json.dumps({"merge_method": "task_arithmetic", "base_model": "presets/family/base", "models": listed})


def hostile(place: Place) -> list[Any]:
    """What nobody should send."""
    secret, model = str(place.outside / "secret.txt"), str(place.outside / "model")
    filed: dict[str, Any] = {"meta": {"_type": "gradio.FileData"}, "orig_name": "../../x.yaml"}
    deep: Any = "deep"
    for _ in range(400):
        deep = [deep]
    texts = [
        secret, f"file://{secret}", "/etc/passwd", "../" * 12 + "etc/passwd", model, "docs/models", "writer/secret",
        "writer/secret+writer/secret",
        recipe_of(model), recipe_of("writer/secret"), recipe_of("docs/models"), workspace.link(load(recipe_of(model))),
        f"name: {model}\n---\n{recipe_of(model)}", "x" * 300_000, "\0", "${7*7}{{7*7}}", "",
    ]  # fmt: skip
    own = [  # what parts send is text that is read
        filed | {"path": secret}, {"lanes": {model: [1e999]}, "split": [], "move": {}, "seq": -1},
        {"rows": [{"id": [secret], "prompt": {}}, None, secret]}, {"kept": model, "unsent": True}, secret, math.nan,
    ]  # fmt: skip
    texts += [*map(json.dumps, own), "[" * 5_000, "9" * 5_000, '{"lanes":']
    return [
        *texts, None, True, -1, 10**300, 1e308, math.nan, -math.inf, deep, [], {}, [[secret]], {"a": {"b": [None]}},
        filed | {"path": secret}, filed | {"path": f"{place.web}/canary"}, filed | {"path": "x", "url": f"{place.web}/canary"},
        filed | {"path": "https://example.org/x"}, [filed | {"path": "/etc/passwd"}], filed | {"path": {"x": 1}},
        {"meta": 5, "path": secret},
        {"lanes": {model: [1e999]}, "split": [], "move": {}, "seq": deep}, {"yaml": model, "prompt": [secret]},
        {"yaml": recipe_of("writer/secret"), "act": "slot", "slot": []}, {"yaml": recipe_of(model), "act": []},
        {"rows": [{"id": "r1", "prompt": secret, "answer": model, "match": []}, {"id": model, "prompt": [secret]}], "open": [[]]},
        {"rows": [{"id": [secret], "prompt": {}}, None, secret]}, {"rows": secret, "open": deep},
        {"picked": {"column": [secret], "row": {}}}, {"picked": [[], {}]}, {"vote": {}}, {"headers": [1], "data": [[secret]]},
    ]  # fmt: skip


def share(values: list[Any], at: int) -> list[Any]:
    """A share of the values: of SHARES places, one after the other, each value comes to one."""
    return values[at % SHARES :: SHARES]


def check(answer: str, what: str, place: Place) -> None:
    """No secret, no traceback, no bare error, no path of the server that was not sent: a sentence, or an update."""
    assert SECRET not in answer and "root:x:0" not in answer, what
    for mark in (
        "our fault",
        "Traceback",
        'File "',
        "site-packages",
        "Internal Server Error",
        "object has no attribute",
        "KeyError",
        "TypeError",
    ):
        assert mark not in answer, (what, answer[:500])
    assert not place.hosted or str(ROOT) in unquote(what) or str(ROOT) not in answer, (what, answer[:500])
    assert " at 0x" not in answer or "app_id" in answer, (what, answer[:500])  # the page's config has some
    said = last(answer)
    if isinstance(said, dict) and "error" in said:
        assert isinstance(said["error"], str) and len(said["error"].split()) > 2, (what, answer[:500])


def last(answer: str) -> Any:
    """The last thing an answer says, as far as it is JSON."""
    with contextlib.suppress(ValueError):
        if not answer.startswith("data:"):
            return json.loads(answer)
        told = json.loads(answer.splitlines()[-1].removeprefix("data:"))
        return told.get("output", told) or told
    return None


@pytest.mark.long
def test_every_event_takes_anything(watched: Place) -> None:
    """Values as all inputs at once, as each input alone beside the page's own, and too few or too many of them."""
    place, calls = watched, 0
    for turn, event in enumerate(place.events):
        name = f"{event['api_name']} {event['targets']}"
        free = [i for i, state in enumerate(place.stateful(event)) if not state]
        usual = [place.parts[i]["props"].get("value") for i in event["inputs"]]
        values = hostile(place) if free else [None, {"a": 1}, 5]
        several = len(free) > 1 and not event["queue"]
        tries = [[value] * len(usual) for value in share(values, turn)]
        alone = [(at, value) for n, at in enumerate(free) for value in share(values, turn + n + 1)] if several else []
        tries += [[value if i == at else one for i, one in enumerate(usual)] for at, value in alone]
        tries += [[], usual[:-1], [*usual, None], [*usual, *usual]] if usual else [[], [None]]
        for data in tries:
            check(place.call(event, data), f"{name} {str(data)[:200]}", place)
            calls += 1
    print(f"{len(place.events)} events, {calls} calls, {'hosted' if place.hosted else 'at home'}")
    assert len(place.events) > 60 and alive(place)


def alive(place: Place) -> bool:
    """Whether the page still answers a newcomer."""
    ask = next(event for event in place.events if event["api_name"] == "ask")
    return "boxes" in place.call(ask, [(ROOT / "presets/pirate_and_plurals.yaml").read_text(), "plural of box"], "newcomer")


@pytest.mark.long
def test_every_endpoint_in_every_way(watched: Place) -> None:
    """gradio answers to the same call under several addresses, with and without names for the arguments."""
    place, calls = watched, 0
    named = [event for event in place.events if event["api_visibility"] == "public"]
    assert sorted(event["api_name"] for event in named) == ["ask", "merge", "stats", "sweep", "yaml"]
    for event in named:
        name, count = event["api_name"], len(event["inputs"])
        paths = (f"{API}/call/{name}", f"{API}/run/{name}", f"{API}/api/{name}", f"{API}/call/v2/{name}/")
        for turn, path in enumerate(paths):
            for value in share(hostile(place), turn):
                for data in ({"data": [value] * count}, {"recipe": value, "prompt": value, "values": value, "path": value}):
                    body = json.dumps(data | {"session_hash": "x", "oauth_token": WRITER, "batched": True, "event_id": "y"})
                    said = place.client.post(path, content=body, headers={"content-type": "application/json"})
                    event_id = last(said.text).get("event_id") if said.status_code == 200 and "/call/" in path else None
                    text = place.client.get(f"{API}/call/{name}/{event_id}").text if event_id else said.text
                    check(text, f"{path} {body[:200]}", place)
                    calls += 1
    print(f"{len(named)} endpoints, {calls} calls, {'hosted' if place.hosted else 'at home'}")
    assert alive(place)


@pytest.mark.long
def test_every_server_function(watched: Place) -> None:
    """What components offer to their own scripts, and what they do not offer: any other name."""
    place, calls, offered = watched, 0, 0
    for turn, part in enumerate(place.config["components"]):
        functions = part["props"].get("server_fns") or []
        offered += len(functions)
        for name in (*functions, "preprocess", "__init__", "as_example"):
            for value in hostile(place) if name in functions else [(None, str(place.outside / "secret.txt"))[turn % 2]]:
                body = {"component_id": part["id"], "fn_name": name, "session_hash": "stranger", "data": value}
                said = place.client.post(f"{API}/component_server", content=json.dumps(body))
                check(said.text, f"{name} of {part['type']} {str(value)[:200]}", place)
                assert said.status_code == 404 or name in functions
                calls += 1
    body = {"component_id": str(place.config["components"][0]["id"]), "fn_name": "x", "session_hash": "x"}
    said = place.client.post(f"{API}/component_server", data=body, files={"a": b"x"})
    assert said.status_code == 400 and "a JSON object is expected" in said.text
    print(f"{offered} server functions, {calls} calls")
    assert offered and alive(place)


def all_routes(router: Any) -> Iterator[Any]:
    """Every route of a server, also those of routers in it."""
    for route in router.routes:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if hasattr(inner, "routes"):
            yield from all_routes(inner)
        elif getattr(route, "methods", None):
            yield route


def test_every_address(watched: Place) -> None:
    """Every route of the server, with what nobody should ask in each of its places; those the page does not use are shut."""
    place, calls, shut = watched, 0, set[str]()
    secret = str(place.outside / "secret.txt")
    texts = [secret, f"file://{secret}", f"{place.web}/canary", "../../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd"]
    texts += ["writer/secret", "x" * 5000, "\0", "-1"]
    routes = list(all_routes(place.demo.app))
    for route in routes:
        for method in sorted(route.methods):
            for text in texts if "{" in route.path else ["x"]:
                address = re.sub(r"\{[^}]*\}", lambda _, text=text: quote(text, safe="/:%"), route.path)
                if "heartbeat" in address and len(text) <= 64 and re.fullmatch(r"[\w-]+", text):
                    continue  # it answers for as long as the browser is there
                query = {
                    "session_hash": text,
                    "path": text,
                    "deep_link": text,
                    "page": text,
                    "upload_id": text,
                    "_target_url": text,
                }
                query = query if len(text) < 999 else {}
                calls += 1
                try:
                    body = b"{}" if method == "POST" else None
                    stream = re.search("queue/data|heartbeat|upload_progress", address) is not None
                    said = place.client.request(method, address, params=query, content=body, timeout=0.4 if stream else 60)
                except httpx.ReadTimeout:
                    assert stream, address  # a stream says nothing before something happens
                    continue
                where = f"{method} {address[:100]} {said.status_code}"
                assert place.web not in said.headers.get("location", ""), where
                if re.match("text/(html|css|javascript)|image/|application/javascript", said.headers.get("content-type", "")):
                    assert SECRET not in said.text and said.status_code == 200, where
                    continue
                check(said.text, where, place)
                if said.status_code == 404 and "There is nothing at this address" in said.text:
                    shut.add(route.path)
    assert {f"{API}/{name}" for name in ("proxy={url_path:path}", "process_recording", "deep_link", "vibe-edit")} <= shut
    print(f"{len(routes)} routes, {calls} calls, shut: {len(shut)}")
    assert alive(place)


def test_files(watched: Place) -> None:
    """What was uploaded is served to who knows its place; no file of the server, its working directory or another website is."""
    place = watched
    for name in ("recipe.yaml", "../../evil.yaml", "/etc/evil", "a/b\\c", "x" * 300, "\0", ".env", "évil.svg"):
        said = place.client.post(f"{API}/upload", files={"files": (name, b"name: x")})
        check(said.text, name, place)
        for kept in last(said.text) if said.status_code == 200 else []:
            assert kept.startswith(str(place.temporary)) and ".." not in kept
            got = place.client.get(f"{API}/file={quote(kept)}")
            assert got.status_code == 200 and got.text == "name: x" and got.headers["x-content-type-options"] == "nosniff"
    (place.temporary / "gradio").mkdir(exist_ok=True)
    some = [
        place.outside / "secret.txt", "/etc/passwd", ROOT / "app.py", ROOT / "presets/trios.json", ROOT / ".git/config",
        "app.py", "docs/models/README.md",
        f"{place.temporary}/gradio/../../outside/secret.txt", place.temporary / "hub", f"file://{place.outside / 'secret.txt'}",
        f"{place.web}/canary", f"http:/{place.web[6:]}", "http://169.254.169.254/latest/meta-data", "https://example.org/", "",
    ]  # fmt: skip
    for path in some:
        for address in (f"{API}/file={path}", f"{API}/file={quote(str(path), safe='')}", f"{API}/file/{path}"):
            said = place.client.get(address)
            assert said.status_code in (403, 404) and SECRET not in said.text and "root:" not in said.text, address
            check(said.text, address, place)
    assert alive(place)


@pytest.mark.long
def test_bodies_that_are_none(watched: Place) -> None:
    """What is no call at all, and calls whose other entries are wrong."""
    place, calls = watched, 0
    event = next(event for event in place.events if not event["queue"] and all(place.stateful(event)))
    whole = {"data": [None] * len(event["inputs"]), "fn_index": event["id"], "session_hash": "x"}
    raws: list[bytes] = [
        b"", b"{", b"[]", b"5", b"null", b"\xff\xfe", b'{"data": [' + b"[" * 100_000, b'{"data": [' + b"9" * 5000 + b"]}",
        b'"\\ud800"',
        json.dumps(whole | {"event_data": "\ud800"}).encode(),
    ]  # fmt: skip
    wrong: list[Any] = [None, True, -1, 10**30, 1.5, "x", "../x", "x" * 65, "", "a b", [], {}, [[1]], {"a": 1}]
    keys = (*whole, "trigger_id", "event_id", "event_data", "batched")
    raws += [json.dumps(whole | {key: value}).encode() for key in keys for value in wrong]
    addresses = (
        "run/predict",
        "queue/join",
        "call/yaml",
        "call/v2/yaml",
        "api/yaml",
        "cancel",
        "reset",
        "component_server",
        "run/no",
    )
    for turn, address in enumerate(addresses):
        for raw in (*raws[:10], *share(raws[10:], turn)):
            said = place.client.post(f"{API}/{address}", content=raw, headers={"content-type": "application/json"})
            if address == "queue/join" and said.status_code == 200 and b'"session_hash": "x"' in raw:
                check(told(place.client, "x"), f"{address} {raw[:200]!r}", place)
            check(said.text, f"{address} {raw[:200]!r}", place)
            assert said.text and (said.status_code < 500 or '"error":"' in said.text), (address, raw[:200], said.status_code)
            calls += 1
    print(f"{calls} bodies")
    assert alive(place)


# ---------------------------------------------------------------------------------------------- two visitors


WORKS = (
    "use_text", "check", "kept", "undo", "redo", "command", "size", "revert", "after_edit", "kept b", "hear", "hear b", "faded",
    "drag", "release",
    "split", "share", "pick", "begin", "start", "blind", "download", "look", "answer",
)  # fmt: skip


def event_of(place: Place, name: str, at: int = 0) -> dict[str, Any]:
    """The event of this name, where several have it the one at this place."""
    return [event for event in place.events if event["api_name"].rstrip("_0123456789") == name][at]


class Visitor:
    """A browser: cookies of its own, a session of its own choice."""

    def __init__(self, place: Place, session: str, token: str = "") -> None:
        self.place, self.session = place, session
        self.client = httpx.Client(base_url=place.url, timeout=120, cookies={"token": token} if token else {})
        assert self.client.get("/").status_code == 200 and "merger-visitor" in self.client.cookies

    def do(self, name: str, *given: Any, at: int = 0) -> str:
        """Call the event of this name with what is not kept on the server; `at` where several have it."""
        event = event_of(self.place, name, at)
        rest = list(given)
        data = [None if kept else rest.pop(0) for kept in self.place.stateful(event)]
        assert not rest
        return self.place.call(event, data, self.session, self.client)

    def works_with(self, recipe: str) -> list[str]:
        """Everything that can be done with a recipe that is on the page: each answer's text, as WORKS names them."""
        mixer = {"lanes": {"models[0].parameters.weight": [0.5] * 8}, "seq": 1}
        ask = [asking("spell the word cat", "hi"), 0, 0, False, 160, 1, 1, ""]
        said = [self.do("use_text", recipe), self.do("check", recipe)]
        slots = [[{"act": "slot", "slot": slot, "keep": keep} for keep in (True, False)] for slot in (0, 1)]
        said += [
            self.do("slot", slots[0][0]),
            self.do("undo"),
            self.do("redo"),
            self.do("command"),
            self.do("save", {"key": "zip"}),
        ]
        said += [
            self.do("revert"),
            self.do("after_edit", "1", None, None, None),
        ]
        said += [self.do("slot", slots[1][0]), self.do("slot", slots[0][1]), self.do("slot", slots[1][1])]
        said.append(self.do("faded", {"act": "fade", "t": 0.5}))
        said += [
            self.do("drag", mixer),
            self.do("release", mixer),
            self.do("split", {"split": True}),
            self.do("share", asking("hi")),
        ]
        said += [self.do("pick", {"picked": {"column": 1, "row": "attn"}})]
        varied = ["models[0].parameters.weight", 0, 1, "", 0, 1, 2, 4, [], "spell the word cat ~> c"]
        said += [self.do("begin"), self.do("start", asking("hi"), *varied)]
        said += [self.do("blind", *ask), self.do("download"), self.do("look", "")]
        run = last(self.do("bump"))["data"][0]
        return [*said, self.do("answer", *ask, run)]


@pytest.mark.long
def test_what_a_visitor_brought_is_for_nobody_else(place: Place) -> None:
    """A signed-in visitor does everything with a private model; a stranger, with everything of hers but her cookies, nothing."""
    if not place.hosted:
        pytest.skip("at home all belongs to one person")
    recipe = recipe_of("writer/secret", SIBLING)
    owner = Visitor(place, "hers", WRITER)
    said = owner.works_with(recipe)
    for one in said:
        assert "gated or private" not in one and "our fault" not in one, (said.index(one), one[:1500])
    assert "Own recipe" in said[0] and sum("writer/secret" in one for one in said) > 6 and re.search(r'done\\*"', said[-1])
    word = re.search(r'\\"sketch\\": \\"([\w-]+)', said[0])
    assert word is not None
    mixer = next(part for part in place.config["components"] if part["props"].get("elem_id") == "mixer")

    def sample(visitor: Visitor) -> str:
        body = {"component_id": mixer["id"], "fn_name": "sample_of", "session_hash": visitor.session, "data": word[1]}
        return visitor.client.post(f"{API}/component_server", json=body).text

    assert len(sample(owner)) > 10_000
    taken = place.studio.parents._models.taken
    assert taken  # for her, it is opened
    taken.clear()
    strangers = [Visitor(place, "hers"), Visitor(place, "hers", READER), Visitor(place, "own", READER)]
    told_of: list[str] = []
    for stranger in strangers:
        assert sample(stranger) == "null"
        told_of += [
            stranger.do("undo"),
            stranger.do("after_edit", "1", None, None, None),
            stranger.do("command"),
            stranger.do("revert"),
        ]
        refused = stranger.works_with(recipe)
        assert "gated or private" in refused[0] and "gated or private" in refused[1]
        entry = {"yaml": recipe, "prompt": "spell the word cat"}
        for act in ({}, {"act": "slot", "slot": 1}):
            text = stranger.do("use_entry", entry | act, asking("hi"))
            assert "gated or private" in text
        told_of += refused[2:]
        assert taken == []
        answer_of = {"data": [None] * 2, "fn_index": event_of(place, "look")["id"], "session_hash": "hers"}
        assert owner.client.post(f"{API}/queue/join", json=answer_of).status_code == 200  # what is meant for her waits for her
        told_of.append(told(stranger.client, "hers", 2))
        assert "Licence" in told(owner.client, "hers")
        taken.clear()
    assert not any("writer/secret" in one for one in told_of), [one[:300] for one in told_of if "writer/secret" in one]
    assert "writer/secret" in owner.do("command")  # and all this has changed nothing for her
    owner.client.cookies.delete("token")  # signed out: the same browser and session, with it on the page
    taken.clear()
    after = dict(zip(WORKS, owner.works_with(recipe), strict=True))
    silent = {"kept", "kept b", "command", "revert", "share", "begin", "pick"}  # of these, nothing is opened
    assert [name for name, text in after.items() if name not in silent and "gated or private" not in text] == [] == taken
    assert "Own recipe" not in owner.do("choose", {"key": f"preset {place.studio.presets[1].name}"}) and taken == []


def test_a_visitor_brings_a_private_model(place: Place) -> None:
    """Through the page's own events, as the buttons do it: signed in, it comes and opens; a stranger cannot fetch it."""
    if not place.hosted:
        pytest.skip("at home models are fetched with the computer's own sign-in")

    def fetched(visitor: Visitor) -> str:
        said = ""
        for name, put in (("presets/family/base", "as_base"), ("writer/secret", "add")):
            said += visitor.do("search", name) + visitor.do(put, name)
        return said + visitor.do("fetch")

    stranger, owner = Visitor(place, "one"), Visitor(place, "two", WRITER)
    place.studio.grants = Grants()
    assert "sign in to read it" in fetched(stranger) and not place.studio.grants.of(WRITER)
    assert "Own recipe" in fetched(owner) and place.studio.grants.of(WRITER) == {"writer/secret"}
    assert "writer/secret" in owner.do("command") and "writer/secret" not in stranger.do("command")


def test_what_a_hosted_page_must_not_do_is_not_there(place: Place) -> None:
    """No event that writes into a folder, no field for one; at home there is."""
    names = {event["api_name"] for event in place.events}
    labels = {part["props"].get("label") for part in place.config["components"]}
    assert ("write" in names) == ("Folder on this computer" in labels) == (not place.hosted)
