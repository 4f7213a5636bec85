"""Everything that can go wrong for the user, as a few types.

    MergeError            the merge cannot be done: output folder, disk space, cancelled
    ├── OutOfMemory       a device's memory does not suffice, although everything else was let go of
    ├── RecipeError       the recipe's text is wrong
    ├── CheckpointError   a model's files are wrong, missing or do not fit together
    │   └── InputChanged  a file is no longer what it was when it was opened
    └── NonFiniteError    numbers that are NaN or infinite; the user may allow them

Every message says where, what, and what would be right. Any other exception is a bug of ours.
"""

import re
import threading
from collections.abc import Iterable
from difflib import get_close_matches

_CACHED = re.compile(r"models--([\w.-]{1,200})[/\\](?:snapshots|blobs)[/\\][0-9a-f]{40,64}")
_KEYS = re.compile(r"(:/{1,2})[^\s/:@'\"]{0,200}:[^\s@'\"]{1,2000}@")
_HALF = re.compile(r"(://)[^\s/:@'\"]{1,200}:(?!\d{1,5}\b)[^\s@'\":]{1,2000}")
"""A name and a key that were cut at a `+`, before their @; a port is none."""
_SIGNED = re.compile(
    r"([?&][\w-]{0,40}(?:sig|signature|token|key|keyid|secret|credential|password)=)[^\s&'\"]{1,4000}", re.IGNORECASE
)
_BEGINS = re.compile(r"(?:^|[\s'\"`(=:])(?:[A-Za-z]:)?(?=[/\\])")


def _named(text: str) -> str:
    """The text with the names of models of the Hub for where their files lie: that is nobody's concern, and tells nothing."""
    parts, at = list[str](), 0
    for match in _CACHED.finditer(text):
        before = text[max(at, match.start() - 1000) : match.start()]
        begins = [match.end() for match in _BEGINS.finditer(before)]
        skipped = match.start() - len(before)
        parts += [text[at:skipped], before[: begins[-1]] if begins else before, match[1].replace("--", "/", 1)]
        at = match.end()
    return "".join((*parts, text[at:]))


def keyless(text: str) -> str:
    """The text without what opens an address in it: a name and a key before its host, a signature behind it.

    >>> keyless("s3://KEY:SEC/RET@bucket/m: no"), keyless("https://host/m?X-Amz-Signature=12ab")
    ('s3://...@bucket/m: no', 'https://host/m?X-Amz-Signature=...')
    """
    return _SIGNED.sub(r"\1...", _HALF.sub(r"\1...", _KEYS.sub(r"\1...@", text)))


class MergeError(Exception):
    """The merge cannot be done; the message is for the user.

    >>> str(MergeError("/home/me/.cache/hub/models--tiny--count/snapshots/" + 40 * "0" + "/config.json: is not a file."))
    'tiny/count/config.json: is not a file.'
    """

    def __str__(self) -> str:
        return keyless(_named(super().__str__()))


class RecipeError(MergeError):
    """The recipe's text is wrong; the message names the line and the path."""


class CheckpointError(MergeError):
    """A model's files are wrong, missing, or do not fit the other models'."""


class InputChanged(CheckpointError):
    """A model's file was cut, overwritten or lost while it was in use.

    fresh  it is whole, but another one: what was made of the old one is of no use
    """

    def __init__(self, message: str, fresh: bool = False) -> None:
        super().__init__(message)
        self.fresh = fresh


class NonFiniteError(MergeError):
    """A model's numbers, or what was made of them, are not finite; the message names the tensor. They can be allowed."""


class OutOfMemory(MergeError):
    """A device's memory does not suffice; the message says what is needed and what there is."""


class Cancelled(MergeError):
    """The user asked to stop; nothing half-written is left."""


NO_MEMORY = "The memory that this process may take is used up. Close other programs, use fewer threads (-j 1), or allow it more."


def out_of_memory(error: BaseException) -> bool:
    """Whether an error is that there is no more memory: torch has a type for that on GPUs only."""
    said = ("can't allocate memory", "not enough memory", "can't start new thread")
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(words in str(error) for words in said))


def begin(thread: threading.Thread) -> None:
    """Start a thread; MergeError where the system has no room for one."""
    try:
        thread.start()
    except RuntimeError as error:
        raise MergeError(NO_MEMORY) from MemoryError(str(error))


OUR_FAULT = "Something went wrong here, and it is our fault; the server's log has the details."
"""For an exception that is none of the above, where a visitor waits; its traceback goes into the log."""


def nearest(name: str, known: Iterable[str]) -> str:
    """'  Did you mean 'density'?' or nothing, to end a message about an unknown name.

    >>> nearest("densty", ["weight", "density"])
    "  Did you mean 'density'?"
    """
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"  Did you mean '{close[0]}'?" if close else ""
