"""A Hub of its own on this machine: speaks over HTTP what huggingface_hub calls, so that the real client is what is tested.

Two servers on 127.0.0.1: the Hub, and the store that large files are redirected to, as on the real one. Failures on demand.

    with Hub() as hub:
        hub.add("tiny/base", Path("presets/family/base"))
        hub.fail("/resolve/", status=503, times=2)
"""

import base64
import contextlib
import hashlib
import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from xet_standin import Xet

from merger.engine.batch import merge
from merger.recipe import load

LARGE = 20_000
CHUNK = 1_000_000
WRITER, READER = "hf_writer", "hf_reader"
USERS = {WRITER: "writer", READER: "reader"}


def git_digest(data: bytes) -> str:
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Repo:
    """A repository at its newest commit; older ones are kept under their own."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    gated: bool = False
    private: bool = False
    readers: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    card: dict[str, Any] = field(default_factory=dict)
    downloads: int = 0
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def commit(self, files: Mapping[str, bytes], message: str = "first") -> None:
        self.files = dict(files)
        told = json.dumps([len(self.commits), sorted((n, digest(d)) for n, d in files.items())])
        self.commits.append((hashlib.sha1(told.encode()).hexdigest(), self.files))
        self.messages.append(message)

    @property
    def sha(self) -> str:
        return self.commits[-1][0]

    def at(self, revision: str) -> dict[str, bytes] | None:
        if revision == "main":
            return self.files
        return next((files for sha, files in self.commits if sha == revision), None)

    def is_large(self, name: str) -> bool:
        return name.endswith((".safetensors", ".bin")) or len(self.files.get(name, b"")) > LARGE

    @property
    def config(self) -> dict[str, Any]:
        try:
            config = json.loads(self.files.get("config.json", b"{}"))
        except ValueError:
            return {}
        keys = ("architectures", "model_type", "quantization_config")
        return {k: config[k] for k in keys if k in config} if isinstance(config, dict) else {}

    @property
    def parameters(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for name, data in self.files.items():
            with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
                if name.endswith(".safetensors"):
                    for key, entry in json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).items():
                        if key != "__metadata__":
                            counts[entry["dtype"]] = counts.get(entry["dtype"], 0) + math.prod(entry["shape"])
        return counts

    def info(self, blobs: bool) -> dict[str, Any]:
        parameters = self.parameters
        siblings = []
        for name, data in sorted(self.files.items()):
            entry: dict[str, Any] = {"rfilename": name}
            if blobs:
                entry |= {"size": len(data), "blobId": git_digest(data)}
                if self.is_large(name):
                    entry["lfs"] = {"size": len(data), "sha256": digest(data), "pointerSize": 134}
            siblings.append(entry)
        return {
            "_id": "0" * 24, "id": self.name, "modelId": self.name, "author": self.name.partition("/")[0], "sha": self.sha,
            "private": self.private, "gated": "auto" if self.gated else False, "disabled": False, "downloads": self.downloads,
            "likes": 1, "tags": list(self.tags), "siblings": siblings, "config": self.config, "cardData": self.card,
            "pipeline_tag": "text-generation",
            **({"safetensors": {"parameters": parameters, "total": sum(parameters.values())}} if parameters else {}),
        }  # fmt: skip


@dataclass
class Fault:
    """What goes wrong with the next `times` requests whose `METHOD path` matches.

    cut    bytes of the body that are sent before the connection breaks
    spoil  one byte of the body is another
    slow   called before the answer: a test's way to wait
    """

    pattern: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    cut: int | None = None
    slow: Callable[[], None] | None = None
    spoil: bool = False


@dataclass
class Asked:
    """A request that was made. `sent` is how many bytes of a body were answered, counted before they leave: who has the answer
    finds them counted."""

    method: str
    path: str
    range: str | None
    authorization: str | None
    store: bool
    sent: int = 0


class Hub:
    """The stand-in. `url` is its address for HF_ENDPOINT."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.collections: dict[str, dict[str, Any]] = {}
        self.stored: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.ranges = True
        self.multipart = False
        self.xet: Xet | None = None
        """The store of a Hub that has Xet."""
        self.lock = threading.RLock()
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, store)) for store in (False, True)]
        for server in self._servers:
            server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_address[1]}"

    @property
    def store(self) -> str:
        return f"http://127.0.0.1:{self._servers[1].server_address[1]}"

    def __enter__(self) -> "Hub":
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def add(self, name: str, files: Path | Mapping[str, bytes], **about: Any) -> Repo:
        """A repository made of a folder's files, or of bytes."""
        if isinstance(files, Path):
            files = {path.name: path.read_bytes() for path in sorted(files.iterdir()) if path.is_file()}
        repo = Repo(name, **({"tags": ("safetensors", "text-generation")} | about))
        repo.commit({".gitattributes": b"*.safetensors filter=lfs\n", **files})
        self.repos[name] = repo
        return repo

    def fail(self, pattern: str, **how: Any) -> Fault:
        """The next requests that match go wrong."""
        self.faults.append(Fault(pattern, **how))
        return self.faults[-1]

    def fault(self, asked: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.pattern, asked):
                    fault.times -= 1
                    return fault
        return None

    def bytes_of(self, pattern: str) -> int:
        """How many bytes of bodies were sent for requests that match."""
        return sum(a.sent for a in self.asked if re.search(pattern, f"{a.method} {a.path}"))

    def count(self, pattern: str) -> int:
        """How many requests match."""
        return sum(1 for a in self.asked if re.search(pattern, f"{a.method} {a.path}"))


class Refused(Exception):
    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def _handler(hub: Hub, store: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        pass

    Handler.hub, Handler.is_store = hub, store
    return Handler


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    is_store: bool
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for the client to confirm its header
    headers: Message

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        self.answer()

    def do_DELETE(self) -> None:
        self.answer()

    def answer(self) -> None:
        self.cut: int | None = None
        self.spoil = False
        told = (self.headers.get("Range"), self.headers.get("Authorization"))
        self.asked = Asked(self.command, self.path, *told, self.is_store)
        self.hub.asked.append(self.asked)
        try:
            body = self.body()
            fault = self.hub.fault(f"{self.command} {self.path}")
            if fault is not None:
                if fault.slow is not None:
                    fault.slow()
                if fault.status:
                    self.reply(fault.status, b'{"error":"on demand"}', fault.headers)
                    return
                self.cut, self.spoil = fault.cut, fault.spoil
            try:
                (self.of_store if self.is_store else self.of_hub)(body)
            except Refused as no:
                headers = {"X-Error-Code": no.code, "X-Error-Message": no.message}
                self.reply(no.status, json.dumps({"error": no.message}).encode(), {k: v for k, v in headers.items() if v})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.spoil:
            body = bytes([body[0] ^ 1]) + body[1:]
        if self.cut is not None and self.cut < len(body):
            self.asked.sent += self.cut
            self.wfile.write(body[: self.cut])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        view = memoryview(body)
        while view:
            self.asked.sent += len(view[: 1 << 16])
            self.wfile.write(view[: 1 << 16])
            view = view[1 << 16 :]

    def json(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.reply(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def ranged(self, data: bytes, headers: Mapping[str, str]) -> None:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "") if self.hub.ranges else None
        if not found:
            self.reply(200, data, headers)
            return
        first, last = int(found[1]), min(int(found[2] or len(data)), len(data) - 1)
        if first >= len(data):
            self.reply(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
        self.reply(206, data[first : last + 1], {**headers, "Content-Range": f"bytes {first}-{last}/{len(data)}"})

    # ------------------------------------------------------------------------------------------ who asks

    @property
    def user(self) -> str | None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token and token not in USERS:
            raise Refused(401, "", "Invalid credentials in Authorization header")
        return USERS.get(token)

    def repo(self, name: str, files: bool = False) -> Repo:
        user, repo = self.user, self.hub.repos.get(name)
        owner = name.partition("/")[0]
        if repo is None or (repo.private and user != owner and user not in repo.readers):
            raise Refused(404 if user else 401, "RepoNotFound", "Repository not found")
        if files and repo.gated and user != owner and user not in repo.readers:
            raise Refused(403 if user else 401, "GatedRepo", f"Access to model {name} is restricted.")
        return repo

    def writable(self, owner: str) -> None:
        if self.user is None:
            raise Refused(401, "", "Invalid username or password.")
        if self.user != owner:
            raise Refused(403, "", f"You don't have the rights to write to {owner}.")

    # ------------------------------------------------------------------------------------------ the Hub

    def of_hub(self, body: bytes) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        parts = [unquote(part) for part in path.split("/") if part]
        if path == "/api/models":
            return self.search(query)
        if path == "/api/whoami-v2":
            if self.user is None:
                raise Refused(401, "", "Invalid username or password.")
            return self.json({"type": "user", "name": self.user, "orgs": [{"name": "team", "roleInOrg": "read"}]})
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        if path == "/api/repos/delete":
            asked = json.loads(body)
            name = f"{asked.get('organization') or self.user}/{asked['name']}"
            self.writable(name.partition("/")[0])
            self.hub.repos.pop(name)
            return self.json({})
        if self.hub.xet is not None and parts[:1] in (["v1"], ["v2"]):
            return self.of_xet(parts, body)
        if path == "/api/validate-yaml":
            return self.json({"errors": [], "warnings": []})
        if parts[:2] == ["api", "collections"]:
            return self.collection(parts[2:], query, json.loads(body or b"{}"))
        if parts[:2] == ["api", "models"]:
            return self.model("/".join(parts[2:4]), parts[4:], query, body)
        if path.endswith("/info/lfs/objects/batch"):
            return self.batch("/".join(parts[:2]).removesuffix(".git"), json.loads(body))
        if path == "/verify":
            return self.json({})
        if path.startswith("/complete/"):
            oid = parts[1]
            self.hub.stored[oid] = b"".join(part for _, part in sorted(self.hub.parts.pop(oid).items()))
            return self.json({})
        if len(parts) > 4 and parts[2] == "resolve":
            return self.resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        raise Refused(404, "", "no such page")

    def search(self, query: Mapping[str, Sequence[str]]) -> None:
        words = (query.get("search") or [""])[0].lower()
        wanted = set(query.get("filter") or ())
        found = [r for r in self.hub.repos.values() if words in r.name.lower() and wanted <= set(r.tags) and not r.private]
        found.sort(key=lambda repo: -repo.downloads)
        keep = {"_id", "id", "modelId", *(query.get("expand") or ())}
        limit = int((query.get("limit") or ["20"])[0])
        self.json([{k: v for k, v in repo.info(False).items() if k in keep} for repo in found[:limit]])

    def model(self, name: str, rest: Sequence[str], query: Mapping[str, Sequence[str]], body: bytes) -> None:
        if rest and rest[0] == "auth-check":
            self.repo(name, files=True)
            return self.json({})
        repo = self.repo(name)
        if not rest or rest[0] == "revision":
            if rest and repo.at(rest[1]) is None:
                raise Refused(404, "RevisionNotFound", f"Invalid rev id: {rest[1]}")
            return self.json(repo.info("blobs" in query))
        if rest[0] == "tree":
            return self.json(list(self.tree(repo)))
        if rest[0] == "preupload":
            self.writable(name.partition("/")[0])
            files = json.loads(body)["files"]
            large = {f["path"]: f["path"].endswith(".safetensors") or f["size"] > LARGE for f in files}
            kinds = {path: "lfs" if is_large else "regular" for path, is_large in large.items()}
            modes = [{"path": path, "uploadMode": kind, "shouldIgnore": False, "oid": None} for path, kind in kinds.items()]
            return self.json({"files": modes})
        if rest[0] == "commit":
            return self.commit(repo, body)
        if rest[0] == "xet-write-token" and self.hub.xet is not None:
            self.writable(name.partition("/")[0])
            ends = int(time.time()) + 3600
            told = {"X-Xet-Cas-Url": self.hub.url, "X-Xet-Access-Token": self.hub.xet.token, "X-Xet-Token-Expiration": str(ends)}
            return self.json({"casUrl": self.hub.url, "accessToken": self.hub.xet.token, "exp": ends}, headers=told)
        raise Refused(404, "", "no such page")

    def collection(self, rest: Sequence[str], query: Mapping[str, Sequence[str]], asked: Mapping[str, Any]) -> None:
        """List them, make one, show one, put a model into one."""
        known = self.hub.collections
        if not rest and self.command == "GET":
            mine = [c for slug, c in known.items() if slug.partition("/")[0] in query["owner"]]
            seen = [c for c in mine if not c["private"] or c["owner"]["name"] == self.user]
            return self.json([{name: value for name, value in c.items() if name != "position"} for c in seen])
        if not rest:
            self.writable(asked["namespace"])
            word = re.sub(r"[^a-z0-9]+", "-", asked["title"].lower()).strip("-")
            slug = f"{asked['namespace']}/{word}-{digest(asked['title'].encode())[:24]}"
            if slug in known:
                return self.json({"slug": slug, "error": "exists"}, status=409)
            known[slug] = {
                "slug": slug, "title": asked["title"], "owner": {"name": asked["namespace"]}, "items": [], "position": 0,
                "lastUpdated": "2026-01-01T00:00:00.000Z", "private": asked["private"], "theme": "green", "upvotes": 0,
            }  # fmt: skip
            return self.json(known[slug])
        slug = "/".join(rest[:2])
        if slug not in known:
            raise Refused(404, "", "Collection not found")
        found = known[slug]
        if rest[2:] == ["items"]:
            self.writable(rest[0])
            item = asked["item"]
            self.repo(item["id"])
            if any(one["id"] == item["id"] for one in found["items"]):
                raise Refused(409, "", "Item already in collection")
            found["items"].append({"_id": "0" * 24, **item, "position": len(found["items"]), "note": asked.get("note")})
        return self.json(found)

    def of_xet(self, parts: Sequence[str], body: bytes) -> None:
        assert self.hub.xet is not None
        if self.headers.get("Authorization") != f"Bearer {self.hub.xet.token}":  # the Hub's own must not come here
            raise Refused(401, "", "no token of this store's")
        if parts[:2] == ["v1", "xorbs"]:
            with self.hub.lock:
                self.hub.xet.xorb(parts[3], body)
            return self.json({"was_inserted": True})
        if parts == ["v1", "shards"]:
            with self.hub.lock:
                try:
                    self.hub.stored |= self.hub.xet.shard(body)
                except (ValueError, KeyError, IndexError) as error:
                    raise Refused(400, "", str(error)) from None
            return self.json({"result": 1})
        raise Refused(404, "", "no such page")  # chunks that others have, newer ways to send: not here

    def tree(self, repo: Repo) -> Iterator[dict[str, Any]]:
        for name, data in repo.files.items():
            entry: dict[str, Any] = {"type": "file", "path": name, "size": len(data), "oid": git_digest(data)}
            if repo.is_large(name):
                entry["lfs"] = {"oid": digest(data), "size": len(data), "pointerSize": 134}
            yield entry

    def resolve(self, name: str, revision: str, file: str) -> None:
        repo = self.repo(name, files=True)
        files = repo.at(revision)
        if files is None:
            raise Refused(404, "RevisionNotFound", "Invalid rev id")
        if file not in files:
            raise Refused(404, "EntryNotFound", "Entry not found")
        data = files[file]
        headers = {"X-Repo-Commit": next(s for s, f in repo.commits if f is files), "Accept-Ranges": "bytes"}
        if repo.is_large(file):
            oid = digest(data)
            self.hub.stored[oid] = data
            headers |= {
                "Location": f"{self.hub.store}/{oid}?signature=1", "X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(data)),
            }  # fmt: skip
            return self.reply(302, b"", headers)
        return self.ranged(data, {**headers, "ETag": f'"{git_digest(data)}"'})

    def create(self, asked: Mapping[str, Any]) -> None:
        name = f"{asked.get('organization') or self.user}/{asked['name']}"
        self.writable(name.partition("/")[0])
        if name in self.hub.repos:
            raise Refused(409, "", "You already created this model repo")
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        repo = self.hub.add(name, {}, private=private, tags=())
        self.json({"url": f"{self.hub.url}/{repo.name}"})

    def batch(self, name: str, asked: Mapping[str, Any]) -> None:
        self.writable(name.partition("/")[0])
        self.repo(name)
        objects = []
        for one in asked["objects"]:
            entry = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.hub.stored:
                upload: dict[str, Any] = {"href": f"{self.hub.store}/upload/{one['oid']}"}
                if self.hub.multipart:
                    count = -(-one["size"] // CHUNK)
                    upload["header"] = {str(i + 1): f"{upload['href']}/{i + 1}" for i in range(count)}
                    upload["header"]["chunk_size"] = str(CHUNK)
                    upload["href"] = f"{self.hub.url}/complete/{one['oid']}"
                entry["actions"] = {"upload": upload, "verify": {"href": f"{self.hub.url}/verify"}}
            objects.append(entry)
        self.json({"transfer": "multipart" if self.hub.multipart else "basic", "objects": objects})

    def commit(self, repo: Repo, body: bytes) -> None:
        self.writable(repo.name.partition("/")[0])
        files, message = dict(repo.files), ""
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                message = value["summary"]
            elif entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                if value["oid"] not in self.hub.stored:
                    raise Refused(400, "", "LFS pointer pointed to a file that does not exist")
                files[value["path"]] = self.hub.stored[value["oid"]]
            elif entry["key"] == "deletedFile":
                files.pop(value["path"])
        repo.commit(files, message)
        self.json({"commitUrl": f"{self.hub.url}/{repo.name}/commit/{repo.sha}", "commitOid": repo.sha, "hookOutput": ""})

    # ------------------------------------------------------------------------------------------ the store of large files

    def of_store(self, body: bytes) -> None:
        parts = [part for part in urlsplit(self.path).path.split("/") if part]
        if self.headers.get("Authorization"):  # a signed address and a token together: S3 answers so, and the token has leaked
            raise Refused(400, "", "Only one auth mechanism allowed")
        if self.command == "PUT":
            if "Content-Length" not in self.headers:
                raise Refused(411, "", "length required")
            if len(parts) == 3:
                with self.hub.lock:
                    self.hub.parts.setdefault(parts[1], {})[int(parts[2])] = body
            elif digest(body) != parts[1]:
                raise Refused(400, "", "digest mismatch")
            else:
                self.hub.stored[parts[1]] = body
            return self.reply(200, b"", {"ETag": f'"{digest(body)[:32]}"'})
        if parts[0] not in self.hub.stored:
            raise Refused(404, "", "no such object")
        return self.ranged(self.hub.stored[parts[0]], {"ETag": f'"{parts[0]}"'})


def alone(monkeypatch: Any, cache: Path) -> None:
    """A cache of its own, nobody logged in on this machine, no long waits."""
    import huggingface_hub.constants

    from merger.hub import references, wire

    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(cache.parent / "no-token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(wire, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(references, "_brought", {})


def small_merge(out: Path) -> Path:
    """A merge in several files, to be sent; written to `out`."""
    root = Path(__file__).parent.parent
    models = "[{model: presets/family/base}, {model: presets/family/pirate}]"
    merge(load(f"{{merge_method: linear, models: {models}, parameters: {{weight: 0.5}}}}"), out, roots=[root], shard_size="1MB")
    return out
