"""What is in a weight file, as one word that is the same on every machine.

Times and inodes tell a file from itself before somebody wrote to it, on one machine. Between machines, and between days, only
content does. Files of up to 64 MiB are read whole. Of larger ones the size, the header, both ends of every tensor and 16 KiB of
every 16 MiB are: of three models of 70B a gigabyte instead of 420. Training moves almost every weight, and a file that is saved
anew has another header or other sizes: both are noticed. A few weights that somebody changed in place may not be.
Files that lie in a store or on the Hub are not read: their digest or the store's tag is the word.
"""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from merger.errors import NO_MEMORY, CheckpointError, MergeError, out_of_memory
from merger.files.checkpoints import Checkpoint, read_header
from merger.regular import Seen, look, open_regular

READ_WHOLE = 64 << 20
STEP = 16 << 20
BLOCK = 16 << 10
_READERS = 8
"""Files at a time: a network folder takes its time for each block."""
_known: dict[tuple[Path, Seen], str] = {}


@dataclass(frozen=True)
class Contents:
    """What a merge's inputs hold.

    models   a word for each model's files, by its name in the recipe
    touched  a word for the sizes and times of the files that are too large to be read whole; "" where there are none
    """

    models: Mapping[str, str]
    touched: str


def contents(models: Mapping[str, Checkpoint]) -> Contents:
    """Look into the files of opened models. CheckpointError where one cannot be read."""
    seen = {file: model.seen.get(file) for model in models.values() for piece in model.pieces for file in piece.files}
    words = {file: there.word for model in models.values() if model.afar for file, there in model.afar.files.items()}
    here = [file for file in seen if file not in words]
    try:
        with ThreadPoolExecutor(min(_READERS, max(1, len(here)))) as pool:
            words |= zip(here, pool.map(content, here), strict=True)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise MergeError(NO_MEMORY) from MemoryError(str(error))
    found: dict[str, str] = {}
    touched = hashlib.sha256()
    large = False
    for reference, model in sorted(models.items()):
        digest = hashlib.sha256()
        for file in (file for piece in model.pieces for file in piece.files):
            digest.update(f"{_name(file)} {words[file]}\n".encode())
            state = seen[file] or look(file)  # none of what lies elsewhere: its word tells of all of it
            if state is not None and state.size > READ_WHOLE:
                large = True
                touched.update(f"{reference} {_name(file)} {state.size} {state.changed}\n".encode("utf-8", "surrogateescape"))
        found[reference] = digest.hexdigest()[:32]
    return Contents(found, touched.hexdigest()[:16] if large else "")


def _name(file: Path) -> str:
    return os.fsencode(file.name).hex()


def content(file: Path) -> str:
    """A word for what is in a weight file. It is not looked into again while nobody has written to it."""
    try:
        with open_regular(file) as handle:
            before = _state(handle.fileno())
            known = _known.get((file, before))
            if known is not None:
                return known
            word = _digest(file, handle.fileno(), before.size)
            settled = time.time_ns() - before.changed > 2_000_000_000  # a write within the clock's tick would not show
            if settled and _state(handle.fileno()) == before:
                if len(_known) >= _MOST:
                    _known.clear()
                _known[file, before] = word
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read: {error.strerror}.") from error
    return word


_MOST = 4096


def _state(handle: int) -> Seen:
    """As Seen, by the time that nobody can set."""
    state = os.fstat(handle)
    return Seen.of(state)._replace(changed=state.st_ctime_ns)


def _digest(file: Path, handle: int, size: int) -> str:
    digest = hashlib.sha256(f"{size}\n".encode())
    for start, length in _places(file, size):
        while length > 0:
            block = os.pread(handle, min(length, 1 << 20), start)
            if not block:
                break  # it was cut meanwhile: who reads it notices
            digest.update(block)
            start, length = start + len(block), length - len(block)
    return digest.hexdigest()[:32]


def _places(file: Path, size: int) -> Iterator[tuple[int, int]]:
    """The stretches that are read, as (start, length), in order and apart."""
    if size <= READ_WHOLE:
        yield 0, size
        return
    wanted = [(at, BLOCK) for at in range(0, size, STEP)] + [(size - BLOCK, BLOCK)]
    if file.suffix == ".safetensors":
        tensors = [(stored.offset, stored.nbytes) for stored in read_header(file).values()]
        begin = min((offset for offset, _ in tensors), default=0)
        wanted.append((0, begin))  # the header
        for offset, nbytes in tensors:
            wanted += [(offset, min(nbytes, BLOCK)), (offset + max(0, nbytes - BLOCK), min(nbytes, BLOCK))]
    end = 0
    for start, length in sorted(wanted):
        stop = min(size, start + length)
        if stop > end:
            yield max(start, end), stop - max(start, end)
            end = stop


__all__ = ["Contents", "content", "contents"]
