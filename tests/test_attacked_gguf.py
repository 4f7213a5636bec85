"""A GGUF export that goes on, and GGUF files that somebody has made to do harm."""

import errno
import os
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from test_gguf import here, mix, near, packages  # noqa: F401  (fixtures)

from merger.errors import CheckpointError, MergeError
from merger.export import gguf as exporting
from merger.export.gguf import export
from merger.files import checkpoints
from merger.hub import unpacked
from merger.hub.references import open_reference


@here
@pytest.mark.parametrize("damage", ["none", "gone"])
@pytest.mark.usefixtures("near")
def test_an_export_that_goes_on_is_one_that_never_stopped(damage: str, tmp_path: Path) -> None:
    for name in ("whole", "again"):
        (tmp_path / name).mkdir()
    export(mix(), tmp_path / "whole/m.gguf", "q8_0")
    put, count = exporting.Writer.write, 0

    def failing(self: Any, name: str, tensor: torch.Tensor, first: int = 0) -> None:
        nonlocal count
        count += 1
        if count == 21:
            with checkpoints.full_disk(self._path):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        put(self, name, tensor, first)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(MergeError, match="20 finished tensors are kept"):
        patch.setattr(exporting.Writer, "write", failing)
        export(mix(), tmp_path / "again/m.gguf", "q8_0", workers=1)
    file = tmp_path / "again/m.gguf.partial/model.gguf"
    if damage == "gone":
        file.unlink()
    export(mix(), tmp_path / "again/m.gguf", "q8_0")
    assert (tmp_path / "again/m.gguf").read_bytes() == (tmp_path / "whole/m.gguf").read_bytes()


def text(words: str) -> bytes:
    return struct.pack("<Q", len(words)) + words.encode()


HEADS = {
    "a list without end": struct.pack("<QQ", 0, 1) + text("general.architecture") + struct.pack("<IIQ", 9, 0, 1 << 62),
    "lists in lists": struct.pack("<QQ", 0, 1) + text("a") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 5000,
    "a billion layers": struct.pack("<QQ", 0, 3)
    + text("general.architecture") + struct.pack("<I", 8) + text("llama")
    + text("llama.block_count") + struct.pack("<II", 4, 10**9)
    + text("llama.embedding_length") + struct.pack("<II", 4, 1 << 31),
}  # fmt: skip


@here
@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
@pytest.mark.long
def test_a_hostile_head_is_one_sentence(head: bytes, tmp_path: Path, packages: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(unpacked, "cache_root", lambda: tmp_path / "cache")
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + struct.pack("<I", 3) + head + b"\0" * 64)
    with pytest.raises(CheckpointError) as caught:
        open_reference(str(tmp_path / "x.gguf"))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    assert not list((tmp_path / "cache/gguf").iterdir())
