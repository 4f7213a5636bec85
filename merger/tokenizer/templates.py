"""Chat templates, rendered where they can be stopped: in processes of their own, under limits of time, memory and output.

A template is a program that a stranger wrote. One that is too much is ended, and told in a sentence; whoever comes meanwhile
with a template that has been rendered before does not wait for it.
"""

import atexit
import contextlib
import hashlib
import importlib.util
import json
import math
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from merger.errors import MergeError
from merger.limits import (
    TEMPLATE_CHARACTERS,
    TEMPLATE_MEMORY,
    TEMPLATE_OUTPUT,
    TEMPLATE_SECONDS,
    TEMPLATES_KEPT,
    TEMPLATES_WAITING,
)

_PROGRAM = Path(__file__).with_name("renderer.py")
_START_SECONDS = 30.0
"""The longest that a process of ours may take to be there: a busy machine's fault, not the template's."""
_PATIENCE = 5
"""How many times the limit may pass by the clock while the process gets no processor: a busy machine's fault as well."""
_QUICK = 0.25
"""Seconds within which a template must have been rendered to count as a good one."""
_FORGIVE = 60.0
"""Seconds for which a refusal is remembered: the machine may have been busy."""
_OURS = "chat templates cannot be rendered here: "


class TooMuch(Exception):
    """A template was stopped; the message says what it went beyond."""


class _Worker:
    """One process that renders, started when it is needed. Used by one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = self._ends = self._had = 0.0

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer. TooMuch when the process had to be ended, or ended itself."""
        process = self._started()
        limits = {"most": TEMPLATE_OUTPUT, "seconds": TEMPLATE_SECONDS, "patience": _PATIENCE * TEMPLATE_SECONDS}
        text = json.dumps(limits | {**request}).encode()
        self._within(TEMPLATE_SECONDS)
        try:
            self._send(process, struct.pack("<I", len(text)) + text)
            answer = self._answer(process)
        except TimeoutError:
            self.stop()
            raise TooMuch(_SLOW) from None
        except (EOFError, OSError):
            self.stop()
            killed = process.returncode in (-signal.SIGXCPU, -signal.SIGALRM)
            raise TooMuch(_SLOW if killed else _HEAVY) from None
        if answer["last"]:
            self.stop()
        return answer

    def _within(self, seconds: float) -> None:
        self._begun = time.monotonic()
        self._ends = self._begun + seconds
        self._had = _spent(self._process.pid) if self._process is not None else 0.0

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.stop()
        try:
            self._process = process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_PROGRAM), str(int(TEMPLATE_MEMORY)), *_libraries()],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, start_new_session=True,
                env={}, cwd="/",  # nothing of ours to be found, should a template ever break out
            )  # fmt: skip
            assert process.stdin is not None
            os.set_blocking(process.stdin.fileno(), False)
            self._within(_START_SECONDS)
            self._answer(process)
        except (OSError, EOFError, TimeoutError) as error:
            self.stop()
            raise MergeError(f"{_OURS}the process for it does not start ({type(error).__name__}).") from None
        return process

    def _send(self, process: "subprocess.Popen[bytes]", data: bytes) -> None:
        assert process.stdin is not None
        pipe, rest = process.stdin.fileno(), memoryview(data)
        while rest:
            if not _ready(pipe, select.POLLOUT):
                self._wait(process)
                continue
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(pipe, rest[:65536]) :]

    def _answer(self, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
        """The next answer of the process. TimeoutError, or EOFError where it has ended."""
        (size,) = struct.unpack("<I", self._received(process, 4))
        return json.loads(self._received(process, size))

    def _received(self, process: "subprocess.Popen[bytes]", count: int) -> bytes:
        assert process.stdout is not None
        pipe, got = process.stdout.fileno(), bytearray()
        while len(got) < count:
            if not _ready(pipe, select.POLLIN):
                self._wait(process)
                continue
            block = os.read(pipe, min(count - len(got), 1 << 20))
            if not block:
                raise EOFError
            got += block
        return bytes(got)

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        """Whether to go on waiting: raises where the time is over, or where only we keep the process to its memory."""
        now = time.monotonic()
        starved = _spent(process.pid) - self._had < TEMPLATE_SECONDS / 4 and now < self._begun + _PATIENCE * TEMPLATE_SECONDS
        if now > self._ends and not starved:
            raise TimeoutError
        if sys.platform != "linux" and _held(process.pid) > TEMPLATE_MEMORY:
            raise EOFError

    def stop(self) -> None:
        """End the process, and wait for it: nothing of it stays."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            process.wait()

    def disown(self) -> None:
        """After a fork the process is the parent's: let go of it."""
        if self._process is not None:
            self._process.returncode = 0  # it is not ours to wait for
            self._process = None


_SLOW = f"takes longer than {TEMPLATE_SECONDS} seconds"
_HEAVY = f"takes more than {TEMPLATE_MEMORY // 1_000_000} MB of memory"


def _libraries() -> list[str]:
    """The folders that jinja2 and what it needs are imported from."""
    folders: list[str] = []
    for name in ("jinja2", "markupsafe"):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise MergeError(f"{_OURS}the package {name} is missing; install what requirements.txt says.")
        folders.append(str(Path(spec.origin).parents[1]))
    return list(dict.fromkeys(folders))


def _held(pid: int) -> int:
    """Bytes that a process holds, as `ps` says; 0 where it cannot be told."""
    try:
        printed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, timeout=2, check=False).stdout
        return 1024 * int(printed.split()[0])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return 0


def _spent(pid: int) -> float:
    """Seconds of the processor that a process has had; infinite where it cannot be told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return math.inf


def _ready(pipe: int, what: int) -> bool:
    """Whether a pipe can be read or written, waiting for a moment."""
    poll = select.poll()  # select() knows no numbers of files above 1023
    poll.register(pipe, what)
    return bool(poll.poll(50))


class _Lane:
    """Some processes, each for one template at a time; who finds none free waits, and is refused where too many wait."""

    def __init__(self, size: int) -> None:
        self._free = [_Worker() for _ in range(size)]
        self._all = tuple(self._free)
        self._changed = threading.Condition()
        self._waiting = 0

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of the first process that is free."""
        with self._changed:
            if self._waiting >= TEMPLATES_WAITING:
                raise MergeError("too many new chat templates are being tried just now; try again in a moment.")
            self._waiting += 1
            try:
                while not self._free:
                    self._changed.wait()
            finally:
                self._waiting -= 1
            worker = self._free.pop()
        try:
            return worker.ask(request)
        finally:
            with self._changed:
                self._free.append(worker)
                self._changed.notify()

    def stop(self) -> None:
        """End its processes."""
        for worker in self._all:
            worker.stop()

    def disown(self) -> None:
        """Let go of its processes, which are another's."""
        for worker in self._all:
            worker.disown()


class _Rendering:
    """What this process keeps for rendering: the lanes of our templates, of known and of new ones, and what came out.

    What was good with one conversation can be a bomb with the next: who writes such must not keep our own waiting.
    """

    def __init__(self) -> None:
        self.ours, self.known, self.new = self.lanes = _Lane(1), _Lane(1), _Lane(2)
        self._lock = threading.Lock()
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self.trusted = set[bytes]()
        self._kept: OrderedDict[bytes, tuple[dict[str, Any], float]] = OrderedDict()
        self._characters = 0

    def answer(self, template: str, variables: Mapping[str, Any], keep: bool = True, task: bool = False) -> dict[str, Any]:
        """What a process answers: {"text"}, or what was wrong. Known results are given again; keep: this one too.

        task:  as lm-eval fills one in
        """
        name = _name(f"task: {template}" if task else template)
        asked = hashlib.sha256(name + json.dumps(variables, sort_keys=True).encode()).digest()
        with self._lock:
            kept, until = self._kept.get(asked, (None, 0.0))
            lane = self.ours if name in self.trusted else self.known if name in self._good else self.new
        if kept is not None and time.monotonic() < until:
            return kept
        try:
            answer = lane.ask({"template": template, "variables": variables, "task": task})
            if (wrong := answer.get("wrong")) in _BEYOND:
                raise TooMuch(_BEYOND[wrong])
        except TooMuch as error:
            answer = {"wrong": "much", "why": str(error)}
        self._remember(name, asked, answer, timeless="strftime_now" not in template, keep=keep)
        return answer

    def _remember(self, name: bytes, asked: bytes, answer: dict[str, Any], timeless: bool, keep: bool) -> None:
        with self._lock:
            if answer.get("wrong") == "much":
                self._good.pop(name, None)
            elif answer["took"] < _QUICK:
                self._good[name] = None
                self._good.move_to_end(name)
                if len(self._good) > TEMPLATES_KEPT:
                    self._good.popitem(last=False)
            if timeless and (keep or "text" not in answer):
                old, _ = self._kept.pop(asked, ({}, 0.0))
                self._kept[asked] = answer, time.monotonic() + (float("inf") if "text" in answer else _FORGIVE)
                self._characters += len(answer.get("text", "")) - len(old.get("text", ""))
            while len(self._kept) > TEMPLATES_KEPT or self._characters > 4 * TEMPLATE_OUTPUT:
                _, (gone, _) = self._kept.popitem(last=False)
                self._characters -= len(gone.get("text", ""))

    def stop(self) -> None:
        """End all processes."""
        for lane in self.lanes:
            lane.stop()


_BEYOND = {
    "long": f"writes more than {TEMPLATE_OUTPUT:,} characters",
    "memory": _HEAVY,
    "deep": "calls itself, or nests, too deeply",
}


def _name(template: str) -> bytes:
    return hashlib.sha256(template.encode("utf-8", "surrogatepass")).digest()


_rendering = _Rendering()


def _anew() -> None:
    """A forked process has its own: the parent's processes and locks are not for it."""
    global _rendering
    before, _rendering = _rendering, _Rendering()
    _rendering.trusted = before.trusted
    for lane in before.lanes:
        lane.disown()


def _end() -> None:
    _rendering.stop()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_anew)


def trust(*templates: str) -> None:
    """Templates of our own: they never wait for those that are tried out."""
    _rendering.trusted.update(map(_name, templates))


class Stopped(MergeError):
    """A template that was stopped: with another prompt it would be no better."""


def asked(template: str, prompt: str, tokens: Mapping[str, str], origin: str = "the chat template") -> str:
    """A prompt as the one turn of a conversation."""
    return render(template, [{"role": "user", "content": str(prompt)}], tokens, origin)


def render(
    template: str, messages: Sequence[Mapping[str, Any]], tokens: Mapping[str, str], origin: str = "the chat template",
    *, keep: bool = True,
) -> str:  # fmt: skip
    """A conversation in a chat template, with the mark after which the model answers; as transformers renders it.

    tokens  the tokenizer's named tokens (bos_token, ...), which templates use
    origin  whose template it is, for errors. MergeError when it is wrong, or too much.
    keep    keep what came out, to give it again
    """
    if len(template) > TEMPLATE_CHARACTERS:
        raise MergeError(f"{origin} has {len(template):,} characters; at most {TEMPLATE_CHARACTERS:,} are rendered here.")
    variables = {
        "messages": [dict(message) for message in messages], "tools": None, "documents": None, "add_generation_prompt": True,
    }  # fmt: skip
    answer = _rendering.answer(template, {**tokens, **variables}, keep)
    if (text := answer.get("text")) is not None:
        return text
    raise (Stopped if answer["wrong"] == "much" else MergeError)(_sentence(origin, answer))


def filled(template: str, variables: Mapping[str, Any], origin: str) -> str:
    """A template of an lm-eval task with a document's values, as lm-eval fills it in: a name without a value is an error.

    origin  whose template it is, for errors. MergeError when it is wrong, or too much.
    """
    if len(template) > TEMPLATE_CHARACTERS:
        raise MergeError(f"{origin} has {len(template):,} characters; at most {TEMPLATE_CHARACTERS:,} are filled in here.")
    answer = _rendering.answer(template, variables, task=True)
    if (text := answer.get("text")) is not None:
        return text
    raise (Stopped if answer["wrong"] == "much" else MergeError)(_sentence(origin, answer, "template", "document"))


def _sentence(origin: str, answer: Mapping[str, Any], kind: str = "chat template", what: str = "conversation") -> str:
    """What went wrong, for people."""
    wrong, line = answer["wrong"], answer.get("line")
    why = "".join(c if c.isprintable() else " " for c in str(answer.get("why", "")))[:200].strip().rstrip(".")
    where = f"{origin}, line {line}" if isinstance(line, int) else origin
    if wrong == "much":
        return f"{origin} {why}, and was stopped; choose another {kind}."
    if wrong == "syntax":
        return f"{where}: this is not Jinja: {why}."
    if wrong == "refused":
        return f"{where}: it refuses this {what}: {why}."
    return f"{where}: it cannot be rendered: {why}."


__all__ = ["Stopped", "asked", "filled", "render", "trust"]
