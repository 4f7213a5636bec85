"""Merges from S3 to S3: moto's server on this machine, s3fs, and the command itself, in an environment of their own."""

import json
import os
import signal
import subprocess
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import tiny
from test_stores import TIES, local, tensors

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".cache/stores/bin/python"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="no S3 here: `make stores` fetches it (200 MB)")
SECRET = "SECRETWORD"


class S3:
    """The stand-in, as seen from outside: objects come and go by plain requests."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [PYTHON, ROOT / "tests/s3_standin.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def ask(self, method: str, path: str, data: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/octet-stream", "Authorization": "AWS a:b"}  # moto believes anybody
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers, method=method), timeout=60) as answer:
            return answer.read()

    def asked(self) -> list[list[str]]:
        """Requests since the last time, as method, path, range."""
        return json.loads(self.ask("GET", "/-/asked"))

    def fail(self, pattern: str, **how: Any) -> None:
        """The next requests that match go wrong, or wait for `go`."""
        self.ask("POST", f"/-/fail?{urlencode({'pattern': pattern, **how})}")

    def go(self) -> None:
        """Nothing goes wrong any more."""
        self.ask("POST", "/-/go")

    def objects(self, prefix: str) -> list[str]:
        text = self.ask("GET", f"/made?list-type=2&prefix={prefix}").decode()
        return [part.partition("<")[0] for part in text.split("<Key>")[1:]]

    def pending(self) -> int:
        """Uploads that nobody has completed or taken back."""
        return self.ask("GET", "/made?uploads").decode().count("<Upload>")

    def end(self) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait(30)


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    server = S3()
    try:
        folder = tmp_path_factory.mktemp("family")
        tiny.make_family(folder, models=("base", "one", "two"), layers=3, shards=2)
        for bucket in ("models", "made"):
            server.ask("PUT", f"/{bucket}")
        for file in folder.glob("*/*"):
            server.ask("PUT", f"/models/{file.parent.name}/{file.name}", file.read_bytes())
        server.family = folder  # type: ignore[attr-defined]
        yield server
    finally:
        server.end()


def environment(s3: S3, place: Path) -> dict[str, str]:
    given = {
        "AWS_ENDPOINT_URL": s3.url, "AWS_ACCESS_KEY_ID": "KEYID", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_MAX_ATTEMPTS": "1",
        "AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TMPDIR": str(place / "temp"),
    }  # fmt: skip
    (place / "temp").mkdir(exist_ok=True)
    return {**os.environ, **given}


def command(s3: S3, place: Path, *words: str) -> "subprocess.Popen[str]":
    (place / "r.yaml").write_text(TIES.format("s3://models/"))
    return subprocess.Popen(
        [PYTHON, "-m", "merger", *words], cwd=place, env=environment(s3, place), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def test_the_journey(s3: S3, tmp_path: Path) -> None:
    """From S3 to S3 by the command: the bits of folders, ranges only, parts only, and no file left or made here."""
    s3.asked()
    done = command(s3, tmp_path, "merge", "r.yaml", "s3://made/journey/out", "--out-shard-size", "4KB")
    said, errors = done.communicate(timeout=120)
    assert done.returncode == 0 and "s3://made/journey/out: 30 tensors" in said, errors
    asked = s3.asked()
    weights = [(path, span) for method, path, span in asked if method == "GET" and path.endswith(".safetensors")]
    assert all(span for _, span in weights) and len({path for path, _ in weights}) == 6
    read = sum(int(last) - int(first) + 1 for _, span in weights for first, last in [span.removeprefix("bytes=").split("-")])
    files = sum(file.stat().st_size for file in s3.family.glob("*/*.safetensors"))  # type: ignore[attr-defined]
    heads = 2 * 64_000 * 6  # the verdict opens them, and the merge
    assert files < read < 2 * files + heads
    sent = [path for method, path, _ in asked if method == "PUT" and ".safetensors" in path and "index" not in path]
    assert sent and all("partNumber=" in path for path in sent)
    (tmp_path / "out").mkdir()
    for name in s3.objects("journey/out/"):
        (tmp_path / "out" / name.rpartition("/")[2]).write_bytes(s3.ask("GET", f"/made/{name}"))
    plain = local(TIES, tmp_path / "plain", s3.family, shard_size="4KB")  # type: ignore[attr-defined]
    assert tensors(tmp_path / "out") == plain and s3.pending() == 0
    assert {f.name for f in (tmp_path / "out").iterdir()} == {f.name for f in (tmp_path / "plain").iterdir()}
    assert [*(tmp_path / "temp").iterdir()] == []
    assert all(SECRET not in f.read_text(errors="replace") and "KEYID" not in f.read_text(errors="replace")
               for f in (tmp_path / "out").iterdir())  # fmt: skip


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.long
def test_an_ended_merge_leaves_nothing_to_be_seen(by: signal.Signals, s3: S3, tmp_path: Path) -> None:
    """Killed between two files, or stopped by Ctrl-C, which takes its unfinished uploads back too."""
    before = s3.pending()
    s3.fail("PUT /made/ended/out/model-00003", times=99)
    running = command(s3, tmp_path, "merge", "r.yaml", "s3://made/ended/out", "--out-shard-size", "4KB", "-q", "-j", "1")
    try:
        end = time.monotonic() + 60
        while not any(method == "PUT" and "model-00003" in path for method, path, _ in s3.asked()) and time.monotonic() < end:
            assert running.poll() is None, running.communicate()
            time.sleep(0.05)
        assert s3.objects("ended/") == [] and s3.pending() > before
        running.send_signal(by)
        time.sleep(0.3)
    finally:
        s3.go()
        _, errors = running.communicate(timeout=60)
    assert s3.objects("ended/") == [] and "Traceback" not in errors
    if by == signal.SIGINT:
        assert running.returncode == 130 and s3.pending() == before and "Nothing of it is in the store" in errors
        assert [*(tmp_path / "temp").iterdir()] == []


PROGRAM = """
    import json, sys, urllib.request
    from pathlib import Path
    from urllib.parse import urlencode
    import torch
    from safetensors.torch import save_file, load_file
    from merger.engine.batch import merge
    from merger.errors import MergeError
    from merger.files import ranges, stores
    from merger.recipe import load

    URL = {url!r}
    RECIPE = {recipe!r}
    told = dict()

    HEADERS = {{"Content-Type": "application/octet-stream", "Authorization": "AWS a:b"}}

    def ask(method, path, data=None):
        request = urllib.request.Request(URL + path, data, HEADERS, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def fail(pattern, status, times=999, late=0):
        ask("POST", "/-/fail?" + urlencode(dict(pattern=pattern, status=status, times=times, late=late)))

    def go(name, recipe=RECIPE, out=None, size="4KB", **more):
        try:
            merge(load(recipe), out or f"s3://made/{{name}}/out", shard_size=size, **more)
            told[name] = "done"
        except MergeError as error:
            told[name] = f"{{type(error).__name__}}: {{error}}"
        ask("POST", "/-/go")

    stores.FIRST_WAIT = 0.01
"""


def told(s3: S3, place: Path, program: str) -> dict[str, Any]:
    begin = PROGRAM.format(url=s3.url, recipe=TIES.format("s3://models/"))
    whole = "".join(map(textwrap.dedent, (begin, program, '\nPath("told.json").write_text(json.dumps(told))\n')))
    done = subprocess.run(
        [PYTHON, "-c", whole], cwd=place, env=environment(s3, place), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert SECRET not in done.stdout + done.stderr and "KEYID" not in done.stdout + done.stderr
    found = json.loads((place / "told.json").read_text())
    assert all(SECRET not in str(one) and "KEYID" not in str(one) for one in found.values())
    return found


@pytest.mark.long
def test_what_goes_wrong(s3: S3, tmp_path: Path) -> None:
    """One sentence each, without what the store said; afterwards nothing is there, and nothing is pending."""
    before = s3.pending()
    found = told(
        s3, tmp_path,
        """
        go("bucket", out="s3://no-such-bucket/out")
        go("model", RECIPE.replace("models/one", "models/none"))
        go("place", RECIPE.replace("models/one", "no-such-bucket/one"))
        fail("GET /models", 403)
        go("read")
        fail("POST /made/write", 403)
        go("write")
        fail("PUT /made/parts/.*partNumber", 500)
        go("parts")
        fail("POST /made/complete/.*model-00003.*uploadId", 500)
        go("complete")
        fail("PUT /made/last/out/config.json", 403)
        go("last")
        fail("GET /models/one/model", 500, times=2)
        go("again")
        fail("PUT /made/sent.*partNumber", 500, times=2)
        go("sent")
        fail("POST /made/begun.*uploads", 500, times=2)
        go("begun")
        fail("POST /made/lost/.*uploadId", 500, late=1)
        go("lost")

        def faster(step):
            if step.tensors == 3:
                ask("PUT", "/made/faster/out/config.json", b"theirs")

        go("faster", progress=faster)

        def exclusive(step):
            if step.tensors == 3:
                ask("PUT", "/made/exclusive/out/model-00003-of-00003.safetensors", b"theirs")

        free, stores.Folder.check_free = stores.Folder.check_free, lambda self: None  # between the look and the last word
        go("exclusive", progress=exclusive)
        stores.Folder.check_free = free
        ranges.SMALL = 0

        def change(step):
            if step.tensors in (3, 20):  # and back again: whoever only looks at the end sees nothing
                for n in (1, 2):
                    path = f"/models/two/model-0000{n}-of-00002.safetensors"
                    raw = ask("GET", path)
                    ask("PUT", path, raw[:-1] + bytes([raw[-1] ^ 1]))

        go("changed", progress=change, workers=1)
        """,
    )  # fmt: skip
    says = {
        "bucket": "MergeError: s3://no-such-bucket/out: there is no bucket s3://no-such-bucket; make it first.",
        "model": "CheckpointError: s3://models/none: there is nothing of this name in the store, or no such bucket.",
        "place": "CheckpointError: s3://no-such-bucket/one: there is nothing of this name in the store, or no such bucket.",
        "read": "may not be read with the credentials that are found here",
        "write": "may not be written with the credentials that are found here",
        "parts": "cannot be written: the store does not answer, or gave up in the middle",
        "complete": "cannot be written: the store does not answer, or gave up in the middle",
        "last": "may not be written with the credentials that are found here",
        "faster": "MergeError: s3://made/faster/out: is not empty",
        "exclusive": "model-00003-of-00003.safetensors: is there already; somebody else has written it meanwhile",
        "changed": "was changed while it was being read; begin again when nothing writes to it.",
    }
    for name, words in says.items():
        assert words in found[name] and "\n" not in found[name], found
        theirs = {"faster": ["faster/out/config.json"], "exclusive": ["exclusive/out/model-00003-of-00003.safetensors"]}
        assert s3.objects(f"{name}/") == theirs.get(name, []), name
    assert "InputChanged: s3://models/two/model-0000" in found["changed"]
    for name in ("again", "sent", "begun", "lost"):
        assert found[name] == "done" and len(s3.objects(f"{name}/")) > 5
    assert s3.pending() == before and s3.ask("GET", "/made/faster/out/config.json") == b"theirs"


@pytest.mark.long
def test_many_parts(s3: S3, tmp_path: Path) -> None:
    """Tensors that come in several ranges, and a file that goes in several parts."""
    found = told(
        s3, tmp_path,
        """
        torch.manual_seed(1)
        for model in ("x", "y"):
            weights = {name: torch.randn(1500, 1024) for name in ("a.weight", "b.weight")} | {"c.bias": torch.randn(7)}
            Path(model).mkdir()
            save_file(weights, f"{model}/model.safetensors")
            ask("PUT", f"/models/large/{model}/model.safetensors", Path(f"{model}/model.safetensors").read_bytes())
        ranges.PIECE, stores.BLOCK = 1 << 20, 5 << 20
        recipe = "{{merge_method: linear, models: [{{model: {0}x}}, {{model: {0}y}}], parameters: {{weight: 0.5}}}}"
        merge(load(recipe.format("")), "plain", card=False)
        ask("GET", "/-/asked")
        go("many", recipe.format("s3://models/large/"), size="5GB", card=False)
        asked = json.loads(ask("GET", "/-/asked"))
        told["ranges"] = sum(method == "GET" and "model.safetensors" in path for method, path, _ in asked)
        told["parts"] = sum(method == "PUT" and "partNumber" in path for method, path, _ in asked)
        Path("there.safetensors").write_bytes(ask("GET", "/made/many/out/model.safetensors"))
        a, b = load_file("plain/model.safetensors"), load_file("there.safetensors")
        told["same"] = a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
        """,
    )  # fmt: skip
    assert found["many"] == "done" and found["same"]
    assert found["parts"] == 3 and found["ranges"] == 2 * (1 + 2 * 6 + 1)
