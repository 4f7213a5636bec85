"""What the server makes in passing: zips, uploads, merges on their way to the Hub. One folder of its own, each thing somebody's.

A thing goes when its owner leaves or when it is old; all of them when the server ends, however it ends: by itself, by a signal,
or, where it was killed, at the next start. No gradio here.
"""

import atexit
import contextlib
import functools
import logging
import os
import secrets
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from merger.errors import MergeError
from merger.files.checkpoints import format_bytes
from merger.limits import ABSENT_SECONDS, MERGES_BYTES, UPLOAD_SECONDS, ZIP_SECONDS

try:
    import fcntl
except ImportError:  # Windows: what a killed server left stays
    fcntl = None

log = logging.getLogger(__name__)

PREFIX = "merge-explorer-"
GRADIO = "GRADIO_TEMP_DIR"
"""Where gradio puts uploads, and what it hands out from: the folder `served`."""


@dataclass
class Thing:
    """A folder that belongs to somebody. owner: a page's session, "" for a program's.

    nbytes  what it takes at most; since: when it was finished; busy: somebody writes it; left: its owner has gone meanwhile
    """

    owner: str
    nbytes: int
    since: float
    busy: bool = True
    left: bool = False


class Scratch:
    """The folder. `served` can be fetched by who knows a thing's name, which cannot be guessed; `private` by nobody."""

    def __init__(self, parent: Path, clock: Callable[[], float] = time.monotonic) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        clear(parent)
        self.root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._hold = _locked(self.root)  # kept open for the server's life
        self.served, self.private = self.root / "served", self.root / "private"
        self.served.mkdir()
        self.private.mkdir()
        self._things: dict[Path, Thing] = {}
        self._lock = threading.Lock()
        self._pid, self._clock = os.getpid(), clock

    def make(self, owner: str, nbytes: int = 0, *, served: bool = False) -> Path:
        """A new folder. MergeError where what everybody has there takes too much already.

        nbytes  what will be in it; as much again is needed while it is made
        served  can be fetched; the owner's older ones go
        """
        if served and owner:
            for old in [p for p, t in self._items() if t.owner == owner and not t.busy and p.is_relative_to(self.served)]:
                self.delete(old)
        with self._lock:
            taken = sum(t.nbytes * (2 if t.busy else 1) for t in self._things.values())
            if nbytes and taken + 2 * nbytes > MERGES_BYTES:
                most = f"{format_bytes(MERGES_BYTES)} are set aside for merges that wait to be fetched"
                raise MergeError(f"Other people's merges are in the way: {most}. Try again in some minutes.")
            place = (self.served if served else self.private) / secrets.token_urlsafe(24)
            place.mkdir()
            self._things[place] = Thing(owner, nbytes, self._clock())
        return place

    def done(self, place: Path) -> bool:
        """Nobody writes to it any more. False, and it is gone, where its owner has left."""
        with self._lock:
            thing = self._things.get(place)
            kept = thing is not None and not thing.left
            if thing is not None:
                thing.busy, thing.since = False, self._clock()
        if not kept:
            self.delete(place)
        return kept

    def delete(self, place: Path) -> None:
        """Delete it."""
        with self._lock:
            self._things.pop(place, None)
        shutil.rmtree(place, ignore_errors=True)

    def used(self, file: str | None) -> None:
        """An uploaded file was read; nobody needs it any more."""
        if file is not None and Path(file).resolve().is_relative_to(self.served.resolve()):
            Path(file).unlink(missing_ok=True)

    def left(self, owner: str) -> None:
        """Its owner has gone: everything of his goes, what is being written as soon as it is not."""
        for place, thing in self._items():
            if thing.owner == owner and thing.busy:
                thing.left = True
            elif thing.owner == owner:
                self.delete(place)

    def sweep(self, here: Callable[[str], bool]) -> None:
        """Delete what is old, or whose owner is not here; and whatever gradio has laid down and not taken away again."""
        now = self._clock()
        for place, thing in self._items():
            if not thing.busy and now - thing.since > (ZIP_SECONDS if here(thing.owner) else ABSENT_SECONDS):
                self.delete(place)
        known = {place.name for place, _ in self._items()}
        for loose in [entry for entry in self.served.glob("*") if entry.name not in known]:
            _old(loose, UPLOAD_SECONDS)

    def _items(self) -> list[tuple[Path, Thing]]:
        with self._lock:
            return list(self._things.items())

    def end(self) -> None:
        """Delete all of it; only the process that made it does."""
        if os.getpid() == self._pid:
            shutil.rmtree(self.root, ignore_errors=True)


def _old(entry: Path, seconds: float) -> None:
    """Delete the files of a folder, or a file, that nobody has changed for so long, then the folder itself when it is empty."""
    with contextlib.suppress(OSError):
        for file in [entry] if not entry.is_dir() else [f for f in entry.rglob("*") if not f.is_dir()]:
            if time.time() - file.lstat().st_ctime > seconds:
                file.unlink()
        if entry.is_dir() and time.time() - entry.lstat().st_ctime > seconds:
            entry.rmdir()


def clear(parent: Path) -> None:
    """Delete what servers left that were killed: folders of ours that no living process holds."""
    if fcntl is None:
        return
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid():
                hold = _locked(folder)
                if hold is not None:
                    shutil.rmtree(folder, ignore_errors=True)
                    os.close(hold)


def _locked(folder: Path) -> int | None:
    """A lock on the folder, held as long as it stays open; None where a living process has it, or the system knows none."""
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return handle
    except OSError:
        os.close(handle)
        return None


@functools.cache
def scratch() -> Scratch:
    """This process's own, made when it is first asked for; from then on gradio uses it too."""
    parent = Path(os.environ.get(GRADIO) or tempfile.gettempdir())
    if parent.name == "served" and parent.parent.name.startswith(PREFIX):  # of the process that started this one
        parent = parent.parent.parent
    made = Scratch(parent)
    os.environ[GRADIO] = str(made.served)
    atexit.register(made.end)
    _end_with(made)
    return made


def _end_with(made: Scratch) -> None:
    """Delete it also where a signal ends the process, which runs no exit functions."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def ended(number: int, frame: Any) -> None:
        made.end()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, ended)


__all__ = ["Scratch", "clear", "scratch"]
