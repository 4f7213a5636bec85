"""A sum of what was written: whether it is still there after a machine has died, as another may look."""

import os
import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_PAGE = 4096


@dataclass
class Sum:
    """A sum of bytes that come in order, in pieces of any size: of each 4096 bytes their 64-bit words, and of these CRC-32.

    It tells pages that a machine lost when it died, or never sent. It keeps nobody from making bytes that have the same one.
    """

    nbytes: int = 0
    _crc: int = 0
    _rest: bytes = field(default=b"")

    def add(self, data: memoryview) -> None:
        """The next bytes."""
        self.nbytes += data.nbytes
        data = data.cast("B")
        if self._rest:
            missing = _PAGE - len(self._rest)
            self._rest += bytes(data[:missing])
            data = data[missing:]
            if len(self._rest) < _PAGE:
                return
            self._pages(np.frombuffer(self._rest, np.uint8))
            self._rest = b""
        whole = len(data) - len(data) % _PAGE
        if whole:
            self._pages(np.frombuffer(data[:whole], np.uint8))
        self._rest = bytes(data[whole:])

    def _pages(self, data: NDArray[np.uint8]) -> None:
        sums = data.view("<i8").reshape(-1, _PAGE // 8).sum(axis=1, dtype="<i8")  # wraps around
        self._crc = zlib.crc32(sums.tobytes(), self._crc)

    def word(self) -> str:
        """The sum of what has come until now."""
        return f"{self.nbytes:x}-{zlib.crc32(self._rest, self._crc):08x}"


def sum_of(handle: int, start: int, nbytes: int) -> str:
    """The sum of a stretch of an open file; of less where the file is cut off before its end."""
    found, end = Sum(), start + nbytes
    while start < end:
        block = os.pread(handle, min(end - start, 1 << 22), start)
        if not block:
            break
        found.add(memoryview(block))
        start += len(block)
    return found.word()


__all__ = ["Sum", "sum_of"]
