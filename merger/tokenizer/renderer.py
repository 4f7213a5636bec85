"""The process in which chat templates are rendered: a stranger's Jinja, where it can be stopped and holds nothing of ours.

Run as a program by templates.py; imports nothing but the standard library and jinja2, so that it starts in a tenth of a second.
Reads requests on stdin and writes answers on stdout, each a JSON object after its length in four bytes, one at a time, until
stdin ends. What a template sees and does is what transformers 5 lets it: the same sandbox, filters and functions.

    python renderer.py MEMORY FOLDER...     MEMORY in bytes of address space; the folders hold jinja2 and markupsafe
"""

import contextlib
import json
import math
import resource
import signal
import struct
import sys
import time
import traceback
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO

_COMPILED = 32
"""Templates that are kept compiled."""


class Overlong(Exception):
    """A template wrote more than it may."""


def confine(memory: int) -> None:
    """No more than so much memory, no file written, no core, no other process. The kernel ends what goes beyond."""
    wanted = {"RLIMIT_AS": memory, "RLIMIT_DATA": memory, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0, "RLIMIT_NPROC": 0}
    for name, value in wanted.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):  # a system that knows no such limit
            resource.setrlimit(getattr(resource, name), (value, value))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the parent, whose end ends this
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def allow(seconds: float, patience: float) -> None:
    """The kernel ends this process after so much more time, also when the parent has gone.

    seconds, patience  of the processor, of the clock; the parent is a bit quicker
    """
    spent = math.ceil(time.process_time() + seconds) + 1
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (spent, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    signal.setitimer(signal.ITIMER_REAL, patience + 1)


def peak() -> int:
    """The most bytes this process has held."""
    with contextlib.suppress(OSError, StopIteration), open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
        # not the rusage of a process that was started by a large one: Linux begins to count at the parent's
        return 1024 * int(next(line for line in status if line.startswith("VmHWM")).split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def environment() -> Any:
    """jinja2's sandbox with what transformers 5 adds to it."""
    from jinja2 import nodes
    from jinja2.exceptions import SecurityError, TemplateError
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.utils import Namespace

    class Generation(Extension):
        """{% generation %}: marks what the model has said; here it only writes it."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.CallBlock(self.call_method("_said"), [], [], body).set_lineno(line)

        def _said(self, caller: Any) -> Any:
            return caller()

    class Names(Namespace):
        """namespace(): as jinja2's, but no name in it begins with an underscore."""

        def __init__(*args: Any, **named: Any) -> None:
            own, *given = args
            for name in (pairs := dict(*given, **named)):
                Names.check(name)
            Namespace.__init__(own, pairs)

        def __setitem__(self, name: str, value: Any) -> None:
            Names.check(name)
            Namespace.__setitem__(self, name, value)

        @staticmethod
        def check(name: Any) -> None:
            if isinstance(name, str) and name.startswith("_"):
                raise SecurityError(f"a namespace takes no name that begins with an underscore: {name[:40]!r}")

    class Tables:
        """dict(): makes one, and nothing of the class can be reached."""

        def __call__(self, *args: Any, **named: Any) -> dict[Any, Any]:
            return dict(*args, **named)

        def fromkeys(self, *args: Any) -> dict[Any, Any]:
            return dict.fromkeys(*args)

    def tojson(x: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message: Any) -> None:
        raise TemplateError(message)

    def strftime_now(format: str) -> str:
        return datetime.now().strftime(format)

    made: Any = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    made.filters["tojson"] = tojson
    made.globals.update(raise_exception=raise_exception, strftime_now=strftime_now, dict=Tables(), namespace=Names)
    return made


def task_environment() -> Any:
    """A sandbox with what lm-eval gives the templates of its tasks: blanks stay, and a name without a value is an error."""
    import re

    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def regex_replace(string: str, pattern: str, repl: str, count: int = 0) -> str:
        return re.sub(pattern, repl, string, count=count)

    made: Any = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    made.filters["regex_replace"] = regex_replace
    return made


def render(made: Sequence[Any], compiled: OrderedDict[tuple[bool, str], Any], request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request: {"text"}, or what went wrong: {"wrong", "why", "line"}. made: for chats, and for tasks."""
    from jinja2.exceptions import TemplateError, TemplateSyntaxError

    source, most = (bool(request.get("task")), request["template"]), request["most"]
    try:
        if source not in compiled:
            compiled[source] = made[source[0]].from_string(source[1])
            while len(compiled) > _COMPILED:
                compiled.popitem(last=False)
        compiled.move_to_end(source)
        return {"text": _written(compiled[source].generate(request["variables"]), most)}
    except TemplateSyntaxError as error:
        return {"wrong": "syntax", "why": str(error.message), "line": error.lineno}
    except Overlong:
        return {"wrong": "long"}
    except MemoryError:
        return {"wrong": "memory"}
    except RecursionError:
        return {"wrong": "deep"}
    except Exception as error:  # whatever a template can raise
        said = type(error) is TemplateError  # by raise_exception
        why = str(error) if said or isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
        return {"wrong": "refused" if said else "failed", "why": why[:1000], "line": _line(error)}


def _written(pieces: Iterator[str], most: int) -> str:
    """The pieces as one text."""
    parts: list[str] = []
    length = 0
    for piece in pieces:
        parts.append(piece)
        length += len(piece)
        if length > most:
            raise Overlong
    return "".join(parts)


def _line(error: BaseException) -> int | None:
    """The template's line on which an error was raised."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return lines[-1] if lines else None


def read(source: BinaryIO) -> dict[str, Any] | None:
    """The next request; None at the end."""
    head = source.read(4)
    return None if len(head) < 4 else json.loads(source.read(*struct.unpack("<I", head)))


def write(out: BinaryIO, answer: dict[str, Any]) -> None:
    """Send an answer."""
    text = json.dumps(answer).encode()
    out.write(struct.pack("<I", len(text)) + text)
    out.flush()


def main(memory: int) -> None:
    """Answer requests until there are no more."""
    compiled: OrderedDict[tuple[bool, str], Any] = OrderedDict()
    made = environment(), task_environment()
    confine(memory)
    write(sys.stdout.buffer, {"ready": True})
    while (request := read(sys.stdin.buffer)) is not None:
        allow(request["seconds"], request["patience"])
        begun = time.process_time()
        answer = render(made, compiled, request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        full = peak() > memory // 3  # what one template left behind must not be lacking for the next
        write(sys.stdout.buffer, answer | {"last": full, "took": time.process_time() - begun})
        if full:
            return


if __name__ == "__main__":
    sys.path += sys.argv[2:]
    main(int(sys.argv[1]))
