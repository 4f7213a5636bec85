"""The process in which a stranger's tokenizer is tried: it cuts up a text, where it can be stopped and holds nothing of ours.

Run as a program by rehearsal.py; imports nothing but the standard library and tokenizers. Reads
{"tokenizer", "text", "seconds", "memory"} as JSON on stdin, and ends with 0 where it is done: that it fails is told by others.
"""

import contextlib
import json
import os
import sys


def main() -> None:
    """Cut the text up, within the bounds; the kernel ends what goes beyond."""
    from tokenizers import Tokenizer

    asked = json.loads(sys.stdin.buffer.read())
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):  # a system that knows no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (asked["memory"],) * 2)
        spent = round(sum(os.times()[:2])) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (spent + asked["seconds"],) * 2)
    with contextlib.suppress(Exception):
        tokenizer = Tokenizer.from_str(json.dumps(asked["tokenizer"]))
        with contextlib.suppress(BaseException):  # its panics are no Exception; the tokenizer itself will say so again
            tokenizer.encode(asked["text"])


if __name__ == "__main__":
    main()
