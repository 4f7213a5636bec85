"""A safetensors file whose tensors come one after the other: how many, and of which shapes, is known at the end only."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from merger.errors import MergeError
from merger.files.checkpoints import DTYPES

_CODES = {dtype: code for code, dtype in DTYPES.items()}
_ENTRY = 160
"""Bytes that a tensor takes in the header beside its name, at most."""
_PIECE = 1 << 24
_T = TypeVar("_T")


class GrowingFile:
    """Tensors are added at the end, and the last ones can be taken away again; `finish` writes the header before them.

    names  all that may be added: the header's room is reckoned from them
    """

    def __init__(self, path: Path, names: Iterable[str], metadata: Mapping[str, str]) -> None:
        self.path = path
        self._table: dict[str, Any] = {"__metadata__": {"format": "pt", **metadata}}
        room = len(json.dumps(self._table)) + sum(len(json.dumps(name)) + _ENTRY for name in names)
        self._room = room + -room % 8
        self._end = 0
        self._handle = self._tried(lambda: os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666))

    @property
    def nbytes(self) -> int:
        """Bytes of the tensors that are in it."""
        return self._end

    def put(self, name: str, dtype: torch.dtype, shape: Sequence[int], parts: Iterable[Tensor]) -> None:
        """Add a tensor, whose elements come flat, in stretches, in the dtype promised."""
        begin = self._end
        for part in parts:
            flat = part.detach().contiguous().cpu().view(-1)
            if flat.dtype != dtype:
                raise ValueError(f"{name}: promised {dtype}, got {flat.dtype}")
            if flat.numel():
                self._write(flat.view(torch.uint8).numpy().data)
        self._note(name, dtype, shape, begin)

    def again(self, name: str, of: str) -> None:
        """Add a copy of a tensor that is there, under another name."""
        entry, begin = self._table[of], self._end
        first, end = entry["data_offsets"]
        for at in range(first, end, _PIECE):
            self._write(memoryview(self._tried(lambda at=at: os.pread(self._handle, min(_PIECE, end - at), self._place(at)))))
        self._table[name] = {**entry, "data_offsets": [begin, self._end]}

    def drop(self, names: Iterable[str]) -> None:
        """Take away the tensors that were added last."""
        for name in names:
            self._end = min(self._end, self._table.pop(name)["data_offsets"][0])

    def finish(self) -> None:
        """Write the header, and send everything to the disk."""
        header = json.dumps(self._table, separators=(",", ":")).encode()
        assert len(header) <= self._room

        def write() -> None:
            os.pwrite(self._handle, self._room.to_bytes(8, "little") + header.ljust(self._room), 0)
            os.truncate(self._handle, self._place(self._end))  # of what was taken away last
            os.fsync(self._handle)

        self._tried(write)

    def close(self) -> None:
        """Close it; without `finish` it is no file that anybody can read."""
        os.close(self._handle)

    def _place(self, offset: int) -> int:
        return 8 + self._room + offset

    def _note(self, name: str, dtype: torch.dtype, shape: Sequence[int], begin: int) -> None:
        self._table[name] = {"dtype": _CODES[dtype], "shape": [*shape], "data_offsets": [begin, self._end]}

    def _write(self, data: memoryview) -> None:
        rest = data
        while rest:
            done = self._tried(lambda rest=rest: os.pwrite(self._handle, rest[: 1 << 30], self._place(self._end)))
            rest, self._end = rest[done:], self._end + done

    def _tried(self, act: Callable[[], _T]) -> _T:
        try:
            return act()
        except OSError as error:
            raise MergeError(f"{self.path}: cannot be written: {error.strerror}.") from error


__all__ = ["GrowingFile"]
