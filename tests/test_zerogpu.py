"""ZeroGPU: a GPU is lent for each answer. Its errors and the platform's are told as they are, Stop reaches it at any time."""

import contextlib
import importlib.util
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlparse

import gradio as gr
import pretended
import pytest
from lending import forked

import merger.ui as ui
from merger.errors import OUR_FAULT
from merger.limits import GPU_CALLS
from merger.recipe import dump
from merger.ui import host, loans
from merger.ui import studio as studio_
from merger.ui.beside import beside
from merger.ui.host import BUSY, ENDED, FAILED, Host, Told, folders, gpu_tokens, measured, seconds
from merger.ui.loans import lent, platform_words
from merger.ui.rows import Row
from merger.ui.service import answers
from merger.ui.service.answers import Answers
from merger.ui.studio import Manner, Studio, Visit
from merger.ui.workspace import Workspace, start

ROOT = Path(__file__).parent.parent
HELLO: Told = ("merge", 7, "hello", 0.9, ())
BUSY_TOLD: Told = ("", BUSY, "", 0.0, ())


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(host, "_paces", type(host._paces)())
    host._runners.clear()
    yield
    host._runners.clear()


def page(monkeypatch: pytest.MonkeyPatch, loan: Callable[..., Iterator[Told]]) -> tuple[Studio, Workspace]:
    """A studio that borrows its GPU by this call."""
    monkeypatch.setattr(answers, "on_loan", loan)
    made = Studio(ROOT / "presets", "cpu", Host(accelerator="zerogpu"))
    return made, start(made.presets[0], made.base)


def ask(studio: Studio, work: Workspace, prompt: str = "plural of box", visit: Visit | None = None) -> tuple[dict[str, str], str]:
    """What everybody said, and what went wrong."""
    said: dict[str, str] = {}
    errors: list[str] = []
    for feed in Answers(studio).answer(work, prompt, visit or Visit()):
        said |= {key: "".join(str(t[0]) for t in tokens) for key, tokens in feed["full"].items()}
        errors += feed.get("error", {}).values()
    return said, "; ".join(errors)


def on_cpu(*args: Any) -> Iterator[Told]:
    return forked(gpu_tokens)(*args, device="cpu")


def test_answers_of_a_fork_are_this_process_own(monkeypatch: pytest.MonkeyPatch) -> None:
    studio, work = page(monkeypatch, on_cpu)
    said, error = ask(studio, work)
    studio.borrows = False
    studio.answered.clear()
    assert not error and said["merge"].strip() == "boxes" and said == ask(studio, work)[0]


def test_the_first_answers_borrow_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are made when the page is built: no visitor is there whose quota it could be."""

    def never(*_: Any) -> Iterator[Told]:
        raise AssertionError("a GPU was asked for")
        yield HELLO

    monkeypatch.setattr("merger.ui.panels.answers.made_before", lambda *_: None)  # as where other presets are brought
    monkeypatch.setattr(answers, "on_loan", never)
    monkeypatch.setattr(studio_, "read_host", lambda **_: Host(accelerator="zerogpu"))
    seen: list[Studio] = []
    first = answers.Answers.first_answers
    monkeypatch.setattr(answers.Answers, "first_answers", lambda self, *a: (seen.append(self.studio), first(self, *a))[1])
    ui.build_app(device="cuda")
    (studio,) = seen
    work = start(studio.presets[0], studio.base)
    assert studio.borrows and Answers(studio).heard(work.recipe, work.prompt)
    for row in studio.presets[0].rows:
        assert ask(studio, work, row.prompt)[1] == ""
    assert ask(studio, work, "plural of cat")[1] != ""  # anything else is borrowed for


def rows(studio: Studio, work: Workspace, prompts: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What was said in each row, and what went wrong there."""
    said: dict[str, str] = {}
    errors: dict[str, str] = {}
    asked = [Row(name, prompt) for name, prompt in prompts.items()]
    for feed in Answers(studio).ask_all(work, asked, "r1", Visit()):
        said |= {key: "".join(str(t[0]) for t in tokens).strip() for key, tokens in feed["full"].items()}
        errors |= feed.get("error", {})
    return said, errors


def noting(calls: list[tuple[Any, ...]]) -> Callable[..., Iterator[Told]]:
    """A loan that is made, and noted."""

    def loan(*args: Any) -> Iterator[Told]:
        calls.append(args)
        return on_cpu(*args)

    return loan


def test_one_call_answers_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would wait for a GPU, and take of a visitor's quota, once more."""
    calls: list[tuple[Any, ...]] = []
    studio, work = page(monkeypatch, noting(calls))
    prompts = {"r1": "plural of box", "r2": "plural of cat", "r3": "say hello my friend"}
    said, errors = rows(studio, work, prompts)
    assert len(calls) == 1 and not errors and len(said) == 3 * 4
    assert (said["r1/merge"], said["r2/merge"]) == ("boxes", "cats")
    assert seconds(*calls[0]) > seconds(*calls[0][:5])
    studio.borrows = False
    studio.answered.clear()
    assert rows(studio, work, prompts) == (said, {})


def test_what_is_wrong_with_one_row_is_told_there(monkeypatch: pytest.MonkeyPatch) -> None:
    studio, work = page(monkeypatch, on_cpu)
    said, errors = rows(studio, work, {"r1": "plural of box", "r2": "x " * 3000, "r3": "plural of cat"})
    assert said["r1/merge"] == "boxes" and said["r3/merge"] == "cats" and "r2/merge" not in said
    assert errors == {"r2/merge": "the prompt is 6007 tokens long; this model reads at most 254."}


def test_a_refused_call_is_asked_once_and_told_in_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def refused(*_: Any) -> Iterator[Told]:
        calls.append(1)
        raise gr.Error("No GPU was available", title="ZeroGPU client error")
        yield HELLO

    studio, work = page(monkeypatch, refused)
    said, errors = rows(studio, work, {"r1": "plural of box", "r2": "plural of cat"})
    assert calls == [1] and not said and set(errors) == {"r1/merge", "r2/merge"}
    assert set(errors.values()) == {"ZeroGPU client error: No GPU was available"}


def test_no_call_is_longer_than_the_platform_lets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that would not be done in its time are asked in another."""
    calls: list[tuple[Any, ...]] = []
    studio, work = page(monkeypatch, noting(calls))
    monkeypatch.setattr(answers, "LOAN_SECONDS", 70)
    said, errors = rows(studio, work, {f"r{i}": f"plural of {word}" for i, word in enumerate(("box", "cat", "dog"), 1)})
    assert [len(call[5]) for call in calls] == [1, 0] and not errors and len(said) == 3 * 4
    assert [said[f"r{i}/merge"] for i in (1, 2)] == ["boxes", "cats"]


# ---------------------------------------------------------------------------------------------- errors


def test_a_workers_refusal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    studio, work = page(monkeypatch, on_cpu)
    assert ask(studio, work, "x " * 3000)[1] == "the prompt is 6007 tokens long; this model reads at most 254."
    assert ask(studio, work)[0]["merge"].strip() == "boxes"


def test_a_workers_own_fault_is_logged_there(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The traceback stays in the worker, whose log a Space shows; the page tells that it is our fault."""

    def broken(*_: Any) -> Any:
        raise KeyError("secret")

    monkeypatch.setattr(host, "_runner", broken)
    with caplog.at_level(logging.ERROR):
        words = list(gpu_tokens((), "", ("x",), "hi", device="cpu"))
    assert words[0][1] == BUSY and words[-1] == ("", FAILED, OUR_FAULT, 0.0, ())
    assert "KeyError: 'secret'" in caplog.text
    studio, work = page(monkeypatch, on_cpu)
    assert ask(studio, work)[1] == OUR_FAULT


@pytest.mark.long
def test_a_worker_that_runs_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of earlier calls go first; what never fits is told, and the next answer is given."""
    studio, work = page(monkeypatch, lambda *args: gpu_tokens(*args, device=pretended.NAME))
    monkeypatch.setattr(Answers.answer, "__defaults__", (Manner(length=8),))
    with pretended.device() as gpu:
        other = ((f"{ROOT}/presets/family/count", f"{ROOT}/presets/family/count"),)
        list(gpu_tokens(other, "", (other[0][0],), "hi", 2, device=pretended.NAME))
        gpu.capacity = int(4.6 * 2_478_080)
        said, error = ask(studio, work)
        assert not error and said["merge"].strip() == "boxes" and gpu.refused and len(host._runners) == 1
        gpu.capacity = int(3.5 * 2_478_080)
        assert "ran out: 3 models take 7.4 MB" in ask(studio, work, "plural of dog")[1]
        gpu.capacity = None
        assert ask(studio, work, "plural of cat")[0]["merge"].strip() == "cats"
        host._runners.clear()


@pytest.mark.parametrize(("error", "words"), [
    (gr.Error("You have exceeded your quota (35s requested vs. 3s left).", title="ZeroGPU quota exceeded"),
     "ZeroGPU quota exceeded: You have exceeded your quota (35s requested vs. 3s left)."),
    (gr.Error("No GPU was available. <a style='x' href='https://a.b/join'>Create a free account</a> to get a &lt;higher&gt;"),
     "No GPU was available. Create a free account (https://a.b/join) to get a <higher>"),
    (gr.Error("GPU task aborted", title="ZeroGPU worker error"), "ZeroGPU worker error: GPU task aborted"),
    (RuntimeError("ZeroGPU API /schedule error: 500 (x)\nmore"),
     "No GPU could be borrowed just now (ZeroGPU API /schedule error: 500 (x)). Try again in a moment."),
    (TimeoutError(), "No GPU could be borrowed just now (TimeoutError). Try again in a moment."),
])  # fmt: skip
def test_the_platforms_words_are_shown_as_they_are(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*_: Any) -> Iterator[Told]:
        raise error
        yield HELLO

    studio, work = page(monkeypatch, refused)
    assert ask(studio, work)[1] == words == platform_words(error)
    assert "our fault" not in words and ("Traceback" in caplog.text) == (not isinstance(error, gr.Error))


def test_words_before_an_abort_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def aborted(*_: Any) -> Iterator[Told]:
        yield BUSY_TOLD
        yield HELLO
        raise gr.Error("GPU task aborted", title="ZeroGPU worker error")

    studio, work = page(monkeypatch, aborted)
    feeds = list(Answers(studio).answer(work, "hi", Visit()))
    assert [word[1] for feed in feeds for word in feed["add"]] == ["hello"]
    assert feeds[-1]["error"] == {"merge": "ZeroGPU worker error: GPU task aborted"}


# ---------------------------------------------------------------------------------------------- stop


class Platform:
    """A loan whose first word comes when it is let; tells what became of it."""

    def __init__(self, beat: bool = False) -> None:
        self.begun, self.free, self.closed = threading.Event(), threading.Event(), threading.Event()
        self.beat = beat

    def __call__(self, *_: Any) -> Iterator[Told]:
        try:
            self.begun.set()
            while self.beat and not self.free.is_set():
                yield BUSY_TOLD
                time.sleep(0.02)
            self.free.wait(30)
            while True:
                yield HELLO
        finally:
            self.closed.set()


@pytest.mark.parametrize("leave", ["stop", "newer"])
def test_stop_while_a_gpu_is_waited_for(leave: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer ends at once, the next visitor's turn comes, and the call is closed when its GPU comes."""
    loan, visit = Platform(), Visit()
    studio, work = page(monkeypatch, loan)

    def left() -> None:
        loan.begun.wait(10)
        if leave == "stop":
            visit.stopped = visit.run
        else:
            visit.run += 1

    threading.Thread(target=left, daemon=True).start()
    began = time.monotonic()
    feeds = list(Answers(studio).answer(work, "hi", visit))
    assert loan.begun.is_set() and time.monotonic() - began < 3 and not loan.closed.is_set()
    assert feeds[-1]["state"].get("merge") == ("stopped" if leave == "stop" else "busy") and len(studio.turns) == 0
    loan.free.set()
    assert loan.closed.wait(5)


def test_stop_before_the_first_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that reads says that it is busy: so its call can be closed although it has said nothing yet."""
    loan, visit = Platform(beat=True), Visit()
    studio, work = page(monkeypatch, loan)
    threading.Timer(0.3, lambda: setattr(visit, "stopped", visit.run)).start()
    list(Answers(studio).answer(work, "hi", visit))
    assert loan.closed.wait(3) and not loan.free.is_set()


def test_a_worker_stops_merging_when_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two tensors, before anything was said; what it remembers is not used by two calls at once."""
    studio, work = page(monkeypatch, on_cpu)
    merged, made = host.Runner.merged, list[str]()

    def slowly(self: Any, recipe: Any, go_on: Callable[[], bool], access: Any = None) -> Any:
        for i in range(1000):
            if not go_on():
                made.append("stopped")
                raise host.MergeError("stopped")
            made.append(str(i))
            time.sleep(0.02)
        return merged(self, recipe, go_on)

    monkeypatch.setattr(host.Runner, "merged", slowly)
    paths = folders(studio.parents.open(work.recipe))
    words = gpu_tokens(paths, dump(work.recipe), ("merge",), "hi", device="cpu")
    assert next(words)[1] == BUSY and next(words)[1] == BUSY and made
    began = time.monotonic()
    words.close()  # type: ignore[attr-defined]
    assert made[-1] == "stopped" and time.monotonic() - began < 10 and len(made) < 900
    call = forked(gpu_tokens)(paths, dump(work.recipe), ("merge",), "hi", device="cpu")
    next(call)
    began = time.monotonic()
    call.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 18  # a merge to its end takes more than 20


def test_calls_that_nobody_waits_for_any_more_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each asks and leaves while its GPU is waited for: the platform sees no more calls than the bound, until one has ended."""
    monkeypatch.setattr(loans, "_calls", threading.BoundedSemaphore(GPU_CALLS))
    calls = [Platform() for _ in range(GPU_CALLS + 3)]
    for call in calls:
        gone = time.monotonic() + 0.3
        assert list(lent(call, lambda gone=gone: time.monotonic() < gone)) == []
    assert [call.begun.is_set() for call in calls] == [True] * GPU_CALLS + [False] * 3
    calls[0].free.set()
    assert calls[0].closed.wait(5)
    again = Platform()
    again.free.set()
    assert next(lent(again, lambda: True)) == HELLO
    for call in calls:
        call.free.set()


# ---------------------------------------------------------------------------------------------- beside


def test_beside_gives_values_errors_and_silence() -> None:
    def slow(go_on: Callable[[], bool]) -> Iterator[int]:
        yield 1
        time.sleep(0.25)
        yield 2
        raise ValueError("three")

    told: list[int | None] = []
    with pytest.raises(ValueError, match="three"):
        told.extend(beside(slow, 0.1, patient=True))
        told.append(0)
    found = list[int | None]()
    with contextlib.suppress(ValueError):
        for value in beside(slow, 0.1, patient=True):
            found.append(value)
    assert [v for v in found if v] == [1, 2] and found.count(None) >= 1
    assert list(beside(lambda _: iter((1, 2)), 1, patient=False)) == [1, 2]


@pytest.mark.parametrize("patient", [True, False])
def test_closing_beside_ends_the_iterator(patient: bool) -> None:
    ended = threading.Event()

    def endless(go_on: Callable[[], bool]) -> Iterator[int]:
        try:
            while go_on():
                time.sleep(0.1)
                yield 1
        finally:
            time.sleep(0.1)
            ended.set()

    values = beside(endless, 0.01, patient)
    next(values)
    values.close()
    assert ended.is_set() == patient
    assert ended.wait(5)


def test_a_fork_of_a_process_with_threads_computes() -> None:
    """OpenMP's threads are not in the fork: an operation that is shared among them would wait for ever."""
    code = (
        "import os, torch, merger.engine.session; torch.set_num_threads(2); x = torch.randn(4_000_000); x.log_softmax(-1)\n"
        "pid = os.fork()\n"
        "if not pid: x.log_softmax(-1); os._exit(7)\n"
        "import time\n"
        "for _ in range(200):\n"
        "    done, status = os.waitpid(pid, os.WNOHANG)\n"
        "    if done: break\n"
        "    time.sleep(0.1)\n"
        "else: os.kill(pid, 9)\n"
        "print(os.waitstatus_to_exitcode(status) if done else 'hangs', torch.get_num_threads())"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120)
    assert told.stdout.split() == ["7", "2"], told.stderr


# ---------------------------------------------------------------------------------------------- seconds


def test_what_is_asked_for_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visitor needs as many seconds left as are asked for: by the slowest of the last calls, not by a guess."""
    paths = (("presets/family/base", "presets/family/base"),)
    guess = seconds(paths, "", ("merge", "x"), "hi", 100)
    assert 15 < guess < 25
    clock = [0.0]
    monkeypatch.setattr(host, "time", SimpleNamespace(monotonic=lambda: clock[0]))  # threads of other tests keep their own

    def call(first: float, each: float) -> None:
        def words() -> Iterator[Told]:
            yield BUSY_TOLD
            clock[0] += first
            for _ in range(11):
                yield HELLO
                clock[0] += each
            yield ("merge", ENDED, "", 0.0, ())

        list(measured(words(), paths))

    call(1.0, 0.01)
    assert seconds(paths, "", ("merge", "x"), "hi", 100) == 8  # 3 + 1.5 × 1 + 200 × 1.5 × 0.01, rounded up
    call(4.0, 0.005)
    assert 12 <= seconds(paths, "", ("merge", "x"), "hi", 100) <= 13
    for _ in range(8):
        call(0.2, 0.005)
    assert seconds(paths, "", ("merge", "x"), "hi", 100) == 5 < guess
    call(0.2, 3.0)
    assert seconds(paths, "", ("merge", "x"), "hi", 100) == 120


# ---------------------------------------------------------------------------------------------- ZeroGPU's own package


@contextlib.contextmanager
def platform(mode: Path) -> Generator[tuple[str, list[str]]]:
    """The platform that `spaces` asks for a GPU: its address, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None: ...

        def say(self, code: int, body: Any = None, kind: str = "application/json") -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(code)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            url, how = urlparse(self.path), mode.read_text() if mode.exists() else "ok"
            asked.append(f"{url.path} {parse_qs(url.query).get('fail', [''])[0]}".strip())
            if url.path != "/schedule":
                return self.say(200, {})
            if how == "quota":
                return self.say(429, {"left": 3, "wait": 3600})
            if how == "nogpu":
                return self.say(503, {})
            if how == "broken":
                return self.say(500, {})
            if how == "queue":
                return self.say(200, b"event: failed\n\n", "text/event-stream")
            if how == "slow":
                time.sleep(3)
            count = sum(line.startswith("/schedule") for line in asked)
            return self.say(200, {"idle": how != "fresh", "nvidiaIndex": 0, "nvidiaUUID": "GPU-0", "allowToken": f"t{count}"})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def under_spaces(tmp_path: Path) -> Callable[[str, str], tuple[dict[str, dict[str, Any]], list[str]]]:
    """Run zero_page.py under the platform in a mode: its steps by name, and what the platform was asked."""
    source = ROOT / ".cache/spaces"  # where make puts it
    if importlib.util.find_spec("spaces") is None and not (source / "spaces").is_dir():
        pytest.skip("ZeroGPU's package is not here: `make machines` fetches it")

    def run(which: str, mode: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
        file = tmp_path / "mode"
        file.write_text(mode)
        with platform(file) as (address, asked):
            environment = {
                **os.environ, "SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": address, "SPACE_ID": "me/explorer",
                "MEMORY": "64Gi", "CPU_CORES": "8", "ZERO_MODE": str(file), "SPACES_SOURCE": str(source),
            }  # fmt: skip
            command = [sys.executable, "tests/zero_page.py", which]
            told = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300)
        lines = [json.loads(line) for line in told.stdout.splitlines() if line.startswith('{"step"')]
        assert lines, told.stderr
        return {line["step"]: line for line in lines}, list(asked)

    return run


@pytest.mark.long
def test_built_without_a_gpu_under_spaces(under_spaces: Any) -> None:
    steps, asked = under_spaces("build", "nogpu")
    assert not steps["build"]["errors"] and "merge" in steps["build"]["said"] and not asked


@pytest.mark.long
def test_answers_and_errors_under_spaces(under_spaces: Any) -> None:
    steps, asked = under_spaces("ask", "ok")
    right = {"box": "boxes", "cat": "cats"}
    assert {w: steps[f"plural of {w}"]["said"]["merge"].strip() for w in right} == right
    assert steps["plural of dog"]["said"]["presets/family/plural"].strip() == "dogs"
    assert steps["long"]["errors"] == ["the prompt is 6007 tokens long; this model reads at most 254."]
    told = {mode: steps[mode]["errors"][0] for mode in ("quota", "nogpu", "broken", "queue")}
    assert told["quota"].startswith("ZeroGPU quota exceeded: ") and "GPU limit" in told["quota"]
    assert told["nogpu"] == "ZeroGPU client error: No GPU was available"
    assert told["broken"].startswith("No GPU could be borrowed just now (ZeroGPU API /schedule error")
    assert "No GPU was available after 60s" in told["queue"]
    assert not any("our fault" in error for step in steps.values() for error in step["errors"])
    assert steps["stop"]["seconds"] < 2 and steps["stop"]["states"]["merge"] == "stopped"
    assert not steps["after"]["errors"] and len(steps["after"]["said"]) == 4
    assert "/release true" not in asked and asked.count("/schedule") == asked.count("/release false") + 4  # four had none
