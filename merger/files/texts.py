"""Reading the small files of a model's folder, which strangers wrote: within bounds, and never out of the folder."""

import errno
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from merger.errors import CheckpointError
from merger.limits import JSON_BYTES, JSON_DEPTH, JSON_VALUES

_LONG_NUMBER = re.compile(rb"[0-9]{65}")
"""Longer than any that a model needs: `model_max_length` is often 10**30, and Python takes its time with thousands of digits."""


def own(file: Path) -> Path:
    """Where a file of a model's folder lies. CheckpointError when it is a link that leads out of the folder.

    The Hub's cache is one folder in this sense: its snapshots hold links to its blobs.
    """
    if not file.is_symlink():
        return file
    try:
        folder, target = file.parent.resolve(), file.resolve()
    except (OSError, RuntimeError):  # links that lead to each other
        raise CheckpointError(f"{file}: cannot be read: {os.strerror(errno.ELOOP)}.") from None
    homes = [folder]
    if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
        homes.append(folder.parent.parent / "blobs")
    if not any(target.is_relative_to(home) for home in homes):
        raise CheckpointError(f"{file}: is a link that leads out of the model's folder; put the file itself there.")
    return target


def check_links(folder: Path) -> None:
    """CheckpointError when a file of a model's folder is a link that leads out of it; weights may lie anywhere.

    Told when the model is opened: what is beside the weights is read, and copied, long after.
    """
    for file in folder.iterdir():
        if file.suffix in _READ and file.is_symlink():
            own(file)


_READ = (".json", ".txt", ".jinja", ".model")


def read_bytes(file: Path, most: int, whole: bool = True, kind: str = "a file") -> bytes:
    """A file of a model's folder. CheckpointError when it is no file, or has more than `most` bytes.

    whole  false: of a longer file only its beginning
    kind   what it is, for errors
    """
    try:
        handle = os.open(own(file), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(handle, "rb") as source:
            state = os.fstat(handle)
            if not stat.S_ISREG(state.st_mode):
                raise CheckpointError(f"{file}: is not a file.")
            if whole and state.st_size > most:
                raise CheckpointError(f"{file}: {state.st_size} bytes is too large for {kind} of a model.")
            return source.read(min(most, state.st_size + 1))
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read: {error.strerror}.") from None


def read_text(file: Path, most: int, whole: bool = True) -> str:
    """A file as text. CheckpointError as `read_bytes`, and when it is not UTF-8."""
    try:
        return read_bytes(file, most, whole).decode("utf-8", "strict" if whole else "replace")
    except UnicodeDecodeError:
        raise CheckpointError(f"{file}: cannot be read as text.") from None


def read_json(file: Path, most: int = 0, values: int = JSON_VALUES, depth: int = JSON_DEPTH) -> dict[str, Any]:
    """A JSON object from a file of a model's folder. CheckpointError when it is none, or more than a model needs.

    most, values, depth  bytes, values and levels; 0: as JSON files of models have, for depth any
    """
    value = parse_json(read_bytes(file, most or JSON_BYTES, kind="a JSON file"), str(file), values)
    if not isinstance(value, dict):
        raise CheckpointError(f"{file}: must hold a JSON object.")
    if depth and not _shallow(value, depth):
        raise CheckpointError(f"{file}: its JSON is nested more than {depth} levels deep; no model needs that.")
    return value


def parse_json(raw: bytes, where: str, values: int = JSON_VALUES) -> Any:
    """What some JSON says. Counted before it is parsed: many small values take a hundred times their bytes.

    where  what it is, for errors
    """
    count = raw.count(b",") + raw.count(b"[") + raw.count(b"{")  # those within texts count as well: the bound is wide
    if count > values:
        raise CheckpointError(f"{where}: its JSON holds more than {values:,} values; no model needs that.")
    try:
        return json.loads(raw, parse_int=_short) if _LONG_NUMBER.search(raw) else json.loads(raw)
    except OverflowError:
        raise CheckpointError(f"{where}: its JSON holds a number of more than 64 digits.") from None
    except RecursionError:
        raise CheckpointError(f"{where}: its JSON is nested too deeply.") from None
    except ValueError:  # UnicodeDecodeError is one
        raise CheckpointError(f"{where}: this is not JSON.") from None


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value of JSON is an object, or what stands for one: its keys are texts, as JSON's are."""
    return isinstance(value, Mapping)


def is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value of JSON is an object that can be changed in place."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a value of JSON is a list."""
    return isinstance(value, list)


def _short(digits: str) -> int:
    if len(digits) > 65:
        raise OverflowError
    return int(digits)


def _shallow(value: Any, depth: int) -> bool:
    """Whether tables and lists are nested at most so deep; without recursion."""
    level = [value]
    for _ in range(depth):
        level = [
            inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]  # fmt: skip
        if not level:
            return True
    return False


__all__ = ["check_links", "is_dict", "is_list", "is_mapping", "own", "parse_json", "read_bytes", "read_json", "read_text"]
