"""Files instead of mapped memory: tensors that lie in mapped files are read from the files, window by window.

Mapped pages are dear to take back where memory is short; a file's are not.
"""

import contextlib
import os
import threading
from bisect import bisect_right
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import torch
from torch import Tensor

WINDOW = 1 << 19
"""Elements of a window, at least."""


class Handle:
    """A file that is open for reading: until nobody has it any more, as a pass may be reading by it when a merge ends."""

    def __init__(self, file: Path) -> None:
        self.file, self.number = file, -1
        self.number = os.open(file, os.O_RDONLY)

    def __del__(self) -> None:
        if self.number >= 0:
            os.close(self.number)


@dataclass(frozen=True, eq=False)
class _Mapped:
    """Where a file is mapped. Several may be of one file: each is its own."""

    address: int
    nbytes: int
    handle: Handle


_address = attrgetter("address")
_mapped: list[_Mapped] = []
"""In order of their addresses."""
_changing = threading.Lock()
_own = threading.local()


@contextlib.contextmanager
def reading(files: Mapping[int, tuple[int, Handle]]) -> Generator[None]:
    """While this lasts, tensors that lie in these mapped files are read from the files, window by window, by any thread.

    files  address -> (bytes, handle). Mapped pages are dear to take back where memory is short; a file's are not.
    """
    entries = [_Mapped(address, *rest) for address, rest in files.items()]
    with _changing:
        _mapped[:] = sorted([*_mapped, *entries], key=_address)
    try:
        yield
    finally:
        with _changing:
            for entry in entries:
                _mapped.remove(entry)


def place(x: Tensor) -> tuple[Handle, int] | None:
    """The file that a tensor is to be read from, and where in it; None: from memory. Who reads holds the handle."""
    if not _mapped or not x.is_contiguous():
        return None
    with _changing:
        i = bisect_right(_mapped, x.data_ptr(), key=_address) - 1
        if i < 0:
            return None
        found = _mapped[i]
    offset = x.data_ptr() - found.address
    return (found.handle, offset) if offset + x.nbytes <= found.nbytes else None


def window(i: int, nbytes: int) -> Tensor:
    """The i-th of this thread's buffers, at least so large. It is kept, as fresh memory costs more than reading into it."""
    held: dict[int, Tensor] = _own.__dict__.setdefault("windows", {})
    if i not in held or held[i].numel() < nbytes:
        held.pop(i, None)
        held[i] = torch.empty(nbytes, dtype=torch.uint8)
    return held[i]
