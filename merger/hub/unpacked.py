"""GGUF files as models: each is unpacked once, into the user's cache, and is a folder from then on.

Unpacked, because a move of a bar reads parents over and over. What packing has lost is lost: the model says so.
"""

import hashlib
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from merger.errors import CheckpointError, MergeError
from merger.files.checkpoints import Checkpoint
from merger.files.texts import read_json
from merger.gguf.process import paths, running
from merger.regular import Seen, cache_root, open_regular

TOLD = "unpacked.json"
_MAGIC = b"GGUF"
_unpacking = threading.Lock()
"""One at a time: it takes a model's largest tensor of memory."""


@dataclass(frozen=True)
class Unpacked(Checkpoint):
    """A model that comes out of a GGUF file."""

    messages: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What it was packed as, and what could not be read."""
        return self.messages


def is_gguf(file: Path) -> bool:
    """Whether a file's name is that of one."""
    return file.suffix.lower() == ".gguf" and file.is_file()


def known(file: Path) -> Path | None:
    """Where a file's folder is; None where it has not been unpacked since it was written."""
    folder = _place(file)
    return folder if (folder / TOLD).is_file() else None


def unpacked(file: Path) -> Path:
    """The folder of a file's model, unpacked now if it is not there yet. CheckpointError says what is wrong."""
    with _unpacking:
        return known(file) or _unpacked(file)


def _unpacked(file: Path) -> Path:
    try:
        with open_regular(file) as handle:
            begins = handle.read(4)
        if begins != _MAGIC:
            raise CheckpointError(f"{file}: is no GGUF file: it begins with {begins!r}.")
        folder = _place(file)
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unpacking-", ignore_cleanup_errors=True) as name:
            home, made = Path(name) / "home", Path(name) / "model"
            home.mkdir()
            made.mkdir()
            where = paths()
            with running(home, _nothing) as converter:
                converter.progress = _bar(file)
                converter.ask({"unpack": str(file.resolve()), "into": str(made), "paths": where, "home": str(home)})
            if not (folder / TOLD).is_file():  # else another process was quicker
                made.rename(folder)
    except MergeError as error:
        raise CheckpointError(f"{file}: {error}") from None if not isinstance(error, CheckpointError) else error
    except OSError as error:
        raise CheckpointError(f"{error.filename or file}: {error.strerror}; {file.name} cannot be unpacked.") from error
    return folder


def told(model: Checkpoint) -> Checkpoint:
    """The model with a note on what it was packed as; itself where it was not."""
    try:
        ours = model.folder.parent == _cache() and (model.folder / TOLD).is_file()  # elsewhere others may have written it
    except OSError:  # no home
        ours = False
    if not ours:
        return model
    about: Mapping[str, Any] = read_json(model.folder / TOLD)
    kinds = ", ".join(str(kind) for kind in about.get("kinds", []))
    lossy = [] if kinds in ("F32", "F16", "BF16") else [f"is unpacked from {kinds}: what that has lost stays lost."]
    notes = tuple(f"{model.reference}: {note}" for note in [*lossy, *about.get("notes", [])])
    values = {name: getattr(model, name) for name in ("reference", "folder", "tensors", "config", "seen")}
    return replace(Unpacked(**values), messages=notes)


def _place(file: Path) -> Path:
    """Where a file of this name, size and time goes."""
    where = file.resolve()
    state = Seen.of(where.stat())
    digest = hashlib.sha256(f"{where} {state.size} {state.changed}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return _cache() / f"{file.stem[:60]}-{digest}"


def _cache() -> Path:
    return cache_root() / "gguf"


def _nothing(name: str) -> Any:
    raise MergeError(f"{name}: is not there.")


def _bar(file: Path) -> Any:
    def show(done: int, of: int) -> None:
        if sys.stderr.isatty():
            print(f"\runpacking {file.name}: {done} of {of} tensors ", end="" if done < of else "\n", file=sys.stderr, flush=True)

    return show


__all__ = ["Unpacked", "is_gguf", "known", "told", "unpacked"]
