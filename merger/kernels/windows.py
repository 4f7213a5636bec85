"""Files instead of mapped memory: tensors that lie in mapped files are read from the files, window by window, past the cache.

Mapped pages are dear to take back where memory is short; a file's are not.
"""

import contextlib
import errno
import math
import mmap
import os
import threading
from bisect import bisect_right
from collections.abc import Generator, Mapping
from pathlib import Path

import torch
from torch import Tensor

try:
    import fcntl
except ImportError:  # Windows: no direct input and output
    fcntl = None

PAGE = 4096
"""Bytes that direct input and output are aligned to, in files and in memory."""
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
    """The i-th of this thread's buffers, at least so large and two pages more.

    It is kept, as fresh memory costs more than reading into it.
    """
    held: dict[int, Tensor] = _own.__dict__.setdefault("windows", {})
    if i not in held or held[i].numel() < nbytes + 2 * PAGE:
        held.pop(i, None)
        held[i] = pages(nbytes + 2 * PAGE)
    return held[i]


def let_go(keep: int) -> None:
    """Give this thread's buffers back to the system, if they are larger than this."""
    held: dict[int, Tensor] = _own.__dict__.get("windows", {})
    if sum(x.nbytes for x in held.values()) > keep:
        held.clear()


def pages(nbytes: int) -> Tensor:
    """Fresh memory that begins with a page, and goes back to the system at once when it is let go of."""
    return torch.frombuffer(mmap.mmap(-1, nbytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), dtype=torch.uint8)


def fetched(x: Tensor, i: int) -> Tensor:
    """A tensor that is to be read from its file, whole, in the i-th of this thread's buffers; the file's pages are let go of."""
    found = place(x)
    if found is None:
        return x
    handle, offset = found
    skip = offset % PAGE
    buffer = window(i, x.nbytes)[: -(-(skip + x.nbytes) // PAGE) * PAGE]
    into, done = buffer.numpy().data, 0
    while done < skip + x.nbytes:
        try:
            got = os.preadv(handle, [into[done : done + (1 << 23)]], offset - skip + done)
        except OSError as error:
            if error.errno != errno.EINVAL or not by_cache(handle):
                raise unread(handle, error.errno or errno.EIO) from None
            continue
        if not got:
            raise unread(handle, errno.EIO)
        done += got
    os.posix_fadvise(handle, offset, x.nbytes, os.POSIX_FADV_DONTNEED)
    bits = buffer[skip : skip + x.nbytes]
    return (bits if skip % x.element_size() == 0 else bits.clone()).view(x.dtype).view(x.shape)


def open_direct(path: str | Path, flags: int) -> int:
    """A handle past the page cache where the file system has that, else an ordinary one."""
    try:
        return os.open(path, flags | getattr(os, "O_DIRECT", 0))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return os.open(path, flags)


def is_direct(handle: int) -> bool:
    """Whether a handle goes past the page cache."""
    return fcntl is not None and bool(fcntl.fcntl(handle, fcntl.F_GETFL) & getattr(os, "O_DIRECT", 0))


def by_cache(handle: int) -> bool:
    """Whether a file that refuses direct input or output can be had through the page cache: it is from now on."""
    if fcntl is None or not is_direct(handle):
        return False
    fcntl.fcntl(handle, fcntl.F_SETFL, fcntl.fcntl(handle, fcntl.F_GETFL) & ~os.O_DIRECT)
    return True


def unread(handle: int, number: int) -> OSError:
    """The error of reading one of the files of `reading`."""
    with _changing:
        name = next((name for _, _, own, name in _mapped if own == handle), None)
    return OSError(number, os.strerror(number), name)
