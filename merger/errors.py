"""Everything that can go wrong for the user, as a few types.

    MergeError            the merge cannot be done: output folder, disk space, cancelled
    ├── OutOfMemory       a device's memory does not suffice, although everything else was let go of
    ├── RecipeError       the recipe's text is wrong
    └── CheckpointError   a model's files are wrong, missing or do not fit together

Every message says where, what, and what would be right. Any other exception is a bug of ours.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class MergeError(Exception):
    """The merge cannot be done; the message is for the user."""


class RecipeError(MergeError):
    """The recipe's text is wrong; the message names the line and the path."""


class CheckpointError(MergeError):
    """A model's files are wrong, missing, or do not fit the other models'."""


class OutOfMemory(MergeError):
    """A device's memory does not suffice; the message says what is needed and what there is."""


class Cancelled(MergeError):
    """The user asked to stop; nothing half-written is left."""


OUR_FAULT = "Something went wrong here, and it is our fault; the server's log has the details."
"""For an exception that is none of the above, where a visitor waits; its traceback goes into the log."""


def nearest(name: str, known: Iterable[str]) -> str:
    """'  Did you mean 'density'?' or nothing, to end a message about an unknown name.

    >>> nearest("densty", ["weight", "density"])
    "  Did you mean 'density'?"
    """
    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"  Did you mean '{found[0]}'?" if found else ""
