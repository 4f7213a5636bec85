"""What the tests of bounds share: a hosted page's studio, a time set by hand, recipes, a browser's share of HTTP."""

import json
import uuid
from pathlib import Path
from typing import Any

import httpx

from merger.ui import workspace
from merger.ui.host import Host
from merger.ui.scratch import scratch
from merger.ui.studio import Studio

ROOT = Path(__file__).parent.parent
FAMILY = ROOT / "presets" / "family"
BASE, PIRATE, PLURAL, *OTHERS = (
    f"presets/family/{name}" for name in ("base", "pirate", "plural", "story", "count", "mirror", "spell")
)  # fmt: skip
PLAIN = f"merge_method: linear\nmodels:\n- {{model: {BASE}, parameters: {{weight: 1}}}}\n"


def stack(slices: int, layers: int = 4, model: str = BASE) -> str:
    """A stack of one slice, repeated by an alias: a few bytes for each."""
    one = f"{{sources: [{{model: {model}, layer_range: [0, {layers}]}}]}}"
    return f"merge_method: passthrough\nslices:\n- &a {one}\n" + "- *a\n" * (slices - 1)


def hosted() -> Studio:
    """What all visitors of a hosted page share."""
    family = frozenset({BASE, PIRATE, PLURAL, *OTHERS})
    return Studio(ROOT / "presets", host=Host(hosted=True, disk=30_000_000_000, family=family))


def first(own: Studio) -> workspace.Workspace:
    """What a visitor finds."""
    return workspace.start(own.presets[0], own.base, own.parents_of_family)


def asking(*prompts: str) -> dict[str, Any]:
    """What the page sends where something is asked: its rows, of which the first is open."""
    return {"rows": [{"id": f"r{i}", "prompt": prompt} for i, prompt in enumerate(prompts, 1)], "open": "r1"}


def places() -> list[Path]:
    """What lies there to be fetched."""
    return list(scratch().served.iterdir())


class Clock:
    """A time that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def http(path: str, *, body: bytes = b"", kind: str = "", peer: str = "1.2.3.4", headers: Any = ()) -> dict[str, Any]:
    """A request as ASGI has it, its body beside it."""
    return {
        "type": "http", "method": "POST" if body else "GET", "path": path, "root_path": "", "client": (peer, 1),
        "headers": [(b"content-type", kind.encode()), *headers], "body": body,
    }  # fmt: skip


class Browser:
    """As much of a browser as is needed to press things."""

    def __init__(self, url: str) -> None:
        self.url, self.session, self.client = url, uuid.uuid4().hex[:11], httpx.Client(timeout=30)
        self.functions = {d["api_name"]: d["id"] for d in self.client.get(f"{url}/config").json()["dependencies"]}

    def join(self, name: str, data: list[Any]) -> httpx.Response:
        body = {"data": data, "fn_index": self.functions[name], "session_hash": self.session, "trigger_id": None}
        return self.client.post(f"{self.url}/gradio_api/queue/join", json=body)

    def read(self) -> list[dict[str, Any]]:
        said = list[dict[str, Any]]()
        with self.client.stream("GET", f"{self.url}/gradio_api/queue/data", params={"session_hash": self.session}) as lines:
            for line in lines.iter_lines():
                if line.startswith("data:"):
                    said.append(json.loads(line[5:]))
                    if said[-1]["msg"] == "process_completed":
                        return said
        return said

    def now(self, name: str, data: list[Any]) -> Any:
        body = {"data": data, "fn_index": self.functions[name], "session_hash": self.session}
        return self.client.post(f"{self.url}/gradio_api/run/predict", json=body).json()
