"""Where a merge may write: what `out` must be, and the folder beside it in which the work is done."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from merger.engine.journal import is_journal
from merger.errors import MergeError
from merger.files.checkpoints import INDEX, Checkpoint
from merger.files.stores import hidden
from merger.regular import JOURNAL, scheme_of
from merger.tokenizer.tokens import COMPANIONS


def check_path(out: str | Path) -> None:
    """MergeError where an output is an address: it would become a folder of that name here."""
    scheme = scheme_of(out)
    if scheme == "file":
        raise MergeError(f"{out}: write the path alone, without file:.")
    if scheme:
        raise MergeError(
            f"{hidden(str(out))}: is an address, and this is made in a folder of this machine, or of a network.\n"
            f"  Write to a folder, then copy it to {scheme}:// with your provider's program, or mount the store as a folder."
        )


def check_free(out: Path) -> None:
    """MergeError unless `out` can become a new folder."""
    check_path(out)
    if "\0" in str(out):
        raise MergeError(f"{str(out)!r}: is no folder's name.")
    if not out.name or out.name == "..":
        raise MergeError(f"{out}: is the folder you are in, or above it; name a new folder.")
    try:
        if out.is_symlink() or (out.exists() and not out.is_dir()):
            raise MergeError(f"{out}: is not a folder; name a new folder.")
        if out.is_dir() and any(out.iterdir()):
            raise MergeError(f"{out}: the folder is not empty; name a new one, or empty it first.")
    except OSError as error:
        raise MergeError(f"{out}: cannot be written: {error.strerror}.") from None


def check_apart(out: Path, models: Mapping[str, Checkpoint]) -> None:
    """MergeError where a merge to `out` would read what it writes: a model in its working folder, or a link into it."""
    partial = partial_of(out)
    own = partial.resolve()
    for piece in (piece for model in models.values() for piece in model.pieces):
        place = next((path for path in (piece.folder, *piece.files) if own in (path.resolve(), *path.resolve().parents)), None)
        if place is not None:
            raise MergeError(
                f"{partial}: is where the merge to {out} works, and {piece.reference} is read from there ({place}).\n"
                "  Name another output, or give the model's folder another name."
            )


def check_space(out: Path, nbytes: int) -> None:
    """MergeError where the disk has less than this, counting what a stopped merge has reserved already."""
    parent = next(p for p in (out.absolute(), *out.absolute().parents) if p.exists())
    held = sum(file.stat().st_blocks * 512 for file in partial_of(out).glob("model*")) if hasattr(os, "geteuid") else 0
    need, free = max(0, nbytes - held) + (16 << 20), shutil.disk_usage(parent).free
    if need > free:
        raise MergeError(f"{out}: the merge needs {need:,} bytes, {parent} has {free:,} free. Free some, or write elsewhere.")


def partial_of(out: Path) -> Path:
    """The folder that a merge to `out` works in."""
    return out.with_name(out.name + ".partial")


WRITTEN = re.compile("|".join((
    r"model(-\d{5,}-of-\d{5,})?\.safetensors", r"model\.gguf", r"\.(journal|done|lock|owner)(-[0-9]{1,6}-of-[0-9]{1,6})?",
    *(re.escape(name) for name in (INDEX, "config.json", "README.md", "lanes.svg", "mergekit_config.yml", *COMPANIONS)),
)))  # fmt: skip
"""Names of what a merge writes."""


def refuse_foreign(partial: Path) -> None:
    """MergeError unless a folder that is there is one of ours: what is not a merge's own is never emptied or deleted."""
    why = ""
    if partial.is_symlink() or not partial.is_dir():
        why = "is there already, and no folder of a merge"
    else:
        names = sorted(path.name for path in partial.iterdir())
        strange = next((n for n in names if not WRITTEN.fullmatch(n) or _is_other(partial / n)), None)
        if strange is not None:
            why = f"holds {strange!r}, which no merge has put there"
        elif any(not n.startswith((".lock", ".owner")) for n in names) and not any(map(is_journal, partial.glob(f"{JOURNAL}*"))):
            why = f"holds {names[0]!r}, and no journal of a merge"
    if why:
        raise MergeError(
            f"{partial}: {why}; a merge to this output works there, and touches only what is its own.\n"
            "  Name another output, or move what is there."
        )


def _is_other(path: Path) -> bool:
    """Whether a name is a link's or something else's, and no file's own. What is gone by now, as another part of the same merge
    takes its mark away when it begins anew, is nothing strange."""
    return path.is_symlink() or (path.exists() and not path.is_file())


def check_new(out: Path) -> None:
    """MergeError unless `out` can become a new file."""
    check_path(out)
    if "\0" in str(out) or not out.name or out.name == "..":
        raise MergeError(f"{str(out)!r}: is no file's name.")
    if os.path.lexists(out):
        raise MergeError(f"{out}: is there already; name a new file, or delete it first.")


__all__ = [
    "WRITTEN", "check_apart", "check_free", "check_new", "check_path", "check_space", "partial_of", "refuse_foreign",
]  # fmt: skip
