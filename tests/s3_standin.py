"""S3 on this machine: moto's server, counting what is asked of it, and failing on demand. Run by .cache/stores/bin/python.

GET  /-/asked         [[method, path, range], ...] since the last time, as JSON
POST /-/fail?...      the next `times` requests whose `METHOD path` matches `pattern` are answered with `status`, or wait
                      until POST /-/go where `status` is 0. late: what they ask for is done all the same
"""

import json
import re
import sys
import threading
from typing import Any
from urllib.parse import parse_qs

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


class Counting:
    """A WSGI application before moto's."""

    def __init__(self, behind: Any) -> None:
        self.behind = behind
        self.asked: list[tuple[str, str, str]] = []
        self.faults: list[dict[str, Any]] = []
        self.go = threading.Event()
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        method, path, query = environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        if path.startswith("/-/"):
            return self.told(path, query, start)
        what = f"{method} {path}{'?' if query else ''}{query}"
        with self.lock:
            self.asked.append((method, path + (f"?{query}" if query else ""), environ.get("HTTP_RANGE", "")))
            fault = next((f for f in self.faults if f["times"] > 0 and re.search(f["pattern"], what)), None)
            if fault is not None:
                fault["times"] -= 1
        if fault is not None and fault["status"]:
            if fault["late"]:
                for _ in self.behind(environ, lambda *_: None):
                    pass
            elif int(environ.get("CONTENT_LENGTH") or 0):
                environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            code = {403: "AccessDenied", 404: "NoSuchKey"}.get(fault["status"], "InternalError")
            body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>key KEYID refused</Message></Error>".encode()
            start(f"{fault['status']} on demand", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
            return [b"" if method == "HEAD" else body]
        if fault is not None:
            self.go.wait(60)
        return self.behind(environ, start)

    def told(self, path: str, query: str, start: Any) -> Any:
        given = {key: values[0] for key, values in parse_qs(query).items()}
        answer: Any = {}
        with self.lock:
            if path == "/-/asked":
                answer, self.asked = self.asked, []
            elif path == "/-/fail":
                self.go.clear()
                numbers = {name: int(given.get(name, default)) for name, default in (("status", 0), ("times", 1), ("late", 0))}
                fault = {"pattern": given["pattern"], **numbers}
                self.faults = [fault]
            else:
                self.go.set()
                self.faults = []
        body = json.dumps(answer).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, Counting(DomainDispatcherApplication(create_backend_app)), threaded=True)
    print(server.server_port, flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown())).start()  # ends with whoever started it
    server.serve_forever()
