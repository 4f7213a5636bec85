"""Weight files that lie elsewhere, in an object store or on the Hub: what is read of them is fetched by ranges, and kept nowhere.

A tensor is fetched when it is read, in pieces at a time, into memory of its own. Small ones that lie together come together.
"""

import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Protocol

from merger.errors import Cancelled, CheckpointError

PIECE, AT_A_TIME = 4 << 20, 8
"""Bytes of a request for a large tensor, and requests at a time, of all models together."""
SMALL, GAP, RUN, KEPT = 1 << 20, 64 << 10, 4 << 20, 16 << 20
"""Bytes: tensors up to this come with their neighbours; what lies between two of these, at most; of one such request; of what a
model keeps of them."""
LOOK = 30.0
"""Seconds between two looks whether a file is still the same."""
MEMORY = 2 * PIECE * AT_A_TIME
"""Bytes that arrive at a time, beside the tensors they belong to."""


class Distant(Protocol):
    """A file that lies elsewhere.

    size  in bytes, when it was opened
    word  what changes when its content does: a digest, a store's tag
    sha   its SHA-256 in hex, where somebody has told; else ""
    """

    name: str
    size: int
    word: str
    sha: str

    def read(self, start: int, count: int) -> bytes:
        """Some of its bytes, all of those asked for. CheckpointError in words, InputChanged where it is another file now."""
        ...

    def check(self) -> None:
        """InputChanged where it is not what it was when it was opened."""


class Ranges:
    """The weight files of one model that lie elsewhere, by the path that its tensors name."""

    def __init__(self, files: Mapping[Path, Distant]) -> None:
        self.files = dict(files)
        self._runs: dict[Path, list[tuple[int, int]]] = {}
        self._kept: OrderedDict[tuple[Path, int], bytes] = OrderedDict()
        self._touched = set[Path]()
        self._looked = time.monotonic()
        self._left = False
        self._lock = threading.Lock()

    def focus(self, spans: Iterable[tuple[Path, int, int]]) -> None:
        """Say what is going to be read, as (file, offset, bytes): small ones that lie together come together from now on."""
        by_file: dict[Path, list[tuple[int, int]]] = {}
        for file, offset, nbytes in spans:
            if 0 < nbytes <= SMALL:
                by_file.setdefault(file, []).append((offset, offset + nbytes))
        with self._lock:
            self._kept.clear()
            self._runs = {file: runs(places) for file, places in by_file.items()}

    def read(self, file: Path, offset: int, nbytes: int) -> bytearray:
        """A stretch of one of the files, in memory of its own."""
        distant = self.files[file]
        self._touched.add(file)
        listed = self._runs.get(file, [])
        i = bisect_right(listed, (offset, distant.size)) - 1
        if i >= 0 and nbytes < listed[i][1] - listed[i][0] and offset + nbytes <= listed[i][1]:
            start = listed[i][0]
            return bytearray(memoryview(self._run(file, *listed[i]))[offset - start : offset - start + nbytes])
        raw = bytearray(nbytes)
        view = memoryview(raw)

        def piece(at: int) -> None:
            if self._left:
                raise Cancelled(f"{distant.name}: stopped.")
            count = min(PIECE, nbytes - at)
            view[at : at + count] = _whole(distant, offset + at, count)

        if nbytes <= PIECE:
            piece(0)
        else:
            for done in [_pool().submit(piece, at) for at in range(0, nbytes, PIECE)]:
                done.result()
        return raw

    def _run(self, file: Path, start: int, end: int) -> bytes:
        """The bytes of neighbours, fetched once as long as they are kept."""
        with self._lock:
            raw = self._kept.get((file, start))
            if raw is None:
                raw = self._kept[file, start] = _whole(self.files[file], start, end - start)
                while sum(map(len, self._kept.values())) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end((file, start))
            return raw

    def check(self, now: bool = False) -> None:
        """InputChanged where a file that was read is another one; asked again after a while, or now."""
        with self._lock:
            if not now and time.monotonic() - self._looked < LOOK:
                return
            self._looked = time.monotonic()
            touched = sorted(self._touched)
        for done in [_pool().submit(self.files[file].check) for file in touched]:
            done.result()

    def leave(self) -> None:
        """Fetch nothing more: nobody waits for it."""
        self._left = True


def runs(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches (start, end) that are fetched in one request each, in order.

    >>> runs([(200, 300), (0, 100), (100_000, 100_010)])
    [(0, 300), (100000, 100010)]
    """
    found: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if found and start - found[-1][1] <= GAP and end - found[-1][0] <= RUN:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _whole(distant: Distant, start: int, count: int) -> bytes:
    raw = distant.read(start, count)
    if len(raw) != count:
        raise CheckpointError(f"{distant.name}: ends before byte {start + count}, and its header says that there is more.")
    return raw


def head(distant: Distant, first: int, most: int) -> bytes:
    """The header of a safetensors file, in one request or two. CheckpointError where it is none, or of more than `most` bytes."""
    raw = distant.read(0, min(first, distant.size))
    length = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or length > min(most, distant.size - 8):
        raise CheckpointError(f"{distant.name}: not a safetensors file, or its beginning is damaged ({distant.size} bytes).")
    if length + 8 > len(raw):
        raw += _whole(distant, len(raw), length + 8 - len(raw))
    return raw[8 : length + 8]


@cache
def _pool() -> ThreadPoolExecutor:
    """The threads that fetch, kept for all models."""
    return ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="ranges")


__all__ = ["AT_A_TIME", "MEMORY", "Distant", "Ranges", "head", "runs"]
