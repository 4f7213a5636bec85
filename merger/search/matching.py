"""Whether answers are right; patterns of a stranger's questions are looked for where the search can be stopped."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from merger.errors import MergeError
from merger.limits import MATCHING_MEMORY, MATCHING_SECONDS
from merger.search.questions import plain

_PROGRAM = Path(__file__).with_name("matcher.py")
_PATIENCE = 10
"""How many times the limit may pass by the clock: a busy machine's fault, not the pattern's."""


def judged(wanted: Sequence[tuple[str, str]], said: Sequence[str]) -> list[bool]:
    """Whether what was said is right, for each (answer, match): the whole answer, words within it, or a pattern for all of it.

    >>> judged([("New  York", "exact"), ("york", "within"), ("[a-z]+", "pattern")], [" new york", "New York!", "two words"])
    [True, True, False]
    """
    both = list(zip(wanted, said, strict=True))
    fits = iter(matches([(answer, text) for (answer, match), text in both if match == "pattern"]))
    return [
        next(fits) if match == "pattern" else plain(answer) in plain(text) if match == "within" else plain(answer) == plain(text)
        for (answer, match), text in both
    ]


def matches(pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """Whether each regular expression fits the whole of its text, blanks around it aside.

    MergeError names the pattern at which all of them have taken more than MATCHING_SECONDS.
    """
    if not pairs:
        return []
    asked = {"pairs": [(p, t.strip()) for p, t in pairs], "seconds": int(MATCHING_SECONDS), "memory": int(MATCHING_MEMORY)}
    process = subprocess.Popen(
        [sys.executable, "-I", str(_PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        cwd="/", env={}, start_new_session=True,
    )  # fmt: skip
    try:
        out, _ = process.communicate(json.dumps(asked).encode(), timeout=_PATIENCE * MATCHING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
    finally:
        if process.poll() is None:  # Ctrl-C
            process.kill()
            process.wait()
    if len(out) < len(pairs):
        raise MergeError(
            f"the pattern {pairs[len(out)][0][:60]!r} takes more than {MATCHING_SECONDS} seconds or "
            f"{MATCHING_MEMORY // 1_000_000} MB to be looked for, and was stopped; write a simpler one."
        )
    return [byte == ord("1") for byte in out]


__all__ = ["judged", "matches"]
