"""The process in which the patterns of a question set are looked for: Python cannot stop a search that takes for ever.

Run as a program by matching.py; imports nothing but the standard library. Reads {"pairs": [[pattern, text], ...], "seconds",
"memory"} as JSON on stdin, and writes for each pair, as it is done, 1 or 0 on stdout.
"""

import contextlib
import json
import os
import re
import sys


def main() -> None:
    """Look for each pattern in the whole of its text; the kernel ends what goes beyond the bounds."""
    asked = json.loads(sys.stdin.buffer.read())
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):  # a system that knows no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (asked["memory"],) * 2)
        spent = round(sum(os.times()[:2])) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (spent + asked["seconds"],) * 2)
    for pattern, text in asked["pairs"]:
        found = False
        with contextlib.suppress(re.error, RecursionError):
            found = re.fullmatch(pattern, text) is not None
        sys.stdout.write("1" if found else "0")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
