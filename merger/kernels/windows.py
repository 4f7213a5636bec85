"""Files instead of mapped memory: tensors that lie in mapped files are read from the files, window by window.

Mapped pages are dear to take back where memory is short; a file's are not.
"""

import contextlib
import math
import os
import threading
from bisect import bisect_right
from collections.abc import Generator, Mapping

import torch
from torch import Tensor

WINDOW = 1 << 19
"""Elements of a window, at least."""
_mapped: list[tuple[int, int, int, str]] = []
"""Where files are mapped, in order: address, bytes, a handle to read the file with, its name."""
_changing = threading.Lock()
_own = threading.local()


@contextlib.contextmanager
def reading(files: Mapping[int, tuple[int, int, str]]) -> Generator[None]:
    """While this lasts, tensors that lie in these mapped files are read from the files, window by window.

    files  address -> (bytes, handle, name). Mapped pages are dear to take back where memory is short; a file's are not.
    """
    entries = [(address, *rest) for address, rest in files.items()]
    with _changing:
        _mapped[:] = sorted([*_mapped, *entries])
    try:
        yield
    finally:
        with _changing:
            for entry in entries:
                _mapped.remove(entry)


def place(x: Tensor) -> tuple[int, int] | None:
    """The file that a tensor is to be read from, and where in it; None: from memory."""
    if not _mapped or not x.is_contiguous():
        return None
    with _changing:
        i = bisect_right(_mapped, (x.data_ptr(), math.inf)) - 1
        if i < 0:
            return None
        address, nbytes, handle, _ = _mapped[i]
    offset = x.data_ptr() - address
    return (handle, offset) if offset + x.nbytes <= nbytes else None


def window(i: int, nbytes: int) -> Tensor:
    """The i-th of this thread's buffers, at least so large. It is kept, as fresh memory costs more than reading into it."""
    held: dict[int, Tensor] = _own.__dict__.setdefault("windows", {})
    if i not in held or held[i].numel() < nbytes:
        held.pop(i, None)
        held[i] = torch.empty(nbytes, dtype=torch.uint8)
    return held[i]


def unread(handle: int, number: int) -> OSError:
    """The error of reading one of the files of `reading`."""
    with _changing:
        name = next((name for _, _, own, name in _mapped if own == handle), None)
    return OSError(number, os.strerror(number), name)
