"""Publishing by Xet: paths are handed over, the store puts together what was sent; where it cannot be used, LFS is."""

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xet_standin
from hub_standin import WRITER, Hub, alone, small_merge
from huggingface_hub import constants
from huggingface_hub.utils import _xet
from xet_standin import Xet

from merger.errors import Cancelled, CheckpointError
from merger.hub import push, xet

ROOT = Path(__file__).parent.parent
pytest.importorskip("hf_xet", reason="huggingface_hub came without hf_xet on this machine")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with Hub() as one:
        monkeypatch.setenv("HF_ENDPOINT", one.url)
        monkeypatch.setattr(constants, "ENDPOINT", one.url)
        alone(monkeypatch, tmp_path / "cache")
        monkeypatch.setenv("HF_XET_CACHE", str(tmp_path / "xet"))
        monkeypatch.setattr(_xet, "_GLOBAL_XET_HOLDER", _xet.XetSessionHolder())
        one.xet = Xet()
        yield one


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_merge(tmp_path_factory.mktemp("merged") / "out")


def test_files_are_sent_by_their_paths(hub: Hub, merged: Path) -> None:
    told: list[push.Sent] = []
    push.push(merged, "writer/new", WRITER, progress=told.append)
    repo, weights = hub.repos["writer/new"], sorted(merged.glob("*.safetensors"))
    assert (
        hub.xet is not None
        and hub.xet.files == len(weights) > 1
        and hub.count("PUT /upload") == 0
        and hub.count("lfs/objects") == 0
    )
    for file in weights:
        assert hashlib.sha256(repo.files[file.name]).digest() == hashlib.sha256(file.read_bytes()).digest()
    assert len(repo.commits) == 2 and "lanes.svg" in repo.files
    assert [s.phase for s in told][-1] == "publishing" and {s.phase for s in told} == {"sending", "publishing"}
    assert all(0 <= s.done <= s.size for s in told)


@pytest.mark.parametrize("how", ["no store", "switched off", "broken", "other insides"])
def test_lfs_is_used_where_xet_cannot_be(
    hub: Hub, merged: Path, how: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if how == "no store":
        hub.xet = None
    elif how == "switched off":
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    elif how == "broken":
        hub.fail("POST /v1/shards", status=400, times=100)
    else:
        real = xet.import_parts()

        class Moved:
            XetTokenType = real[1].XetTokenType
            xet_connection_info_refresh_url = staticmethod(real[1].xet_connection_info_refresh_url)

        monkeypatch.setattr(xet, "import_parts", lambda: (real[0], Moved, real[2]))
    with caplog.at_level(logging.INFO, "merger.hub.xet"):
        push.push(merged, "writer/new", WRITER)
    weights = sorted(merged.glob("*.safetensors"))
    assert hub.count("PUT /upload") == len(weights)
    assert all(hub.repos["writer/new"].files[file.name] == file.read_bytes() for file in weights)
    assert ("sent by LFS" in caplog.text) == (how != "switched off")
    assert WRITER not in caplog.text


def test_it_is_stopped_in_the_middle(hub: Hub, merged: Path) -> None:
    """While the store takes its time: nothing is published, and no thread goes on."""
    waits, began = threading.Event(), time.monotonic()
    hub.fail("POST /v1/xorbs", slow=lambda: waits.wait(20), times=100)
    told: list[push.Sent] = []
    try:
        with pytest.raises(Cancelled, match=r"^writer/new: stopped; nothing was published\.$"):
            push.push(merged, "writer/new", WRITER, progress=told.append, cancelled=lambda: hub.count("POST /v1/xorbs") > 0)
        assert time.monotonic() - began < 15 and "writer/new" not in hub.repos
        assert not [t for t in threading.enumerate() if t.name == "merger xet"]
    finally:
        waits.set()


def test_the_stand_in_takes_apart_what_lz4_and_grouped_bytes_pack() -> None:
    """Its own reader, by hand: literals, a match that overlaps itself, a block as it is, bytes in groups of four."""
    block = bytes([0x35]) + b"abc" + (3).to_bytes(2, "little") + bytes([0x20]) + b"xy"
    frame = (
        b"\x04\x22\x4d\x18\x60\x40\x82" + len(block).to_bytes(4, "little") + block + (3 | 1 << 31).to_bytes(4, "little") + b"end"
    )
    assert xet_standin.unpacked(frame + bytes(4)) == b"abc" + b"abcabcabc" + b"xy" + b"end"
    data, grouped = b"0123456789", b"048" + b"159" + b"26" + b"37"
    packed = b"\x04\x22\x4d\x18\x60\x40\x82" + (10 | 1 << 31).to_bytes(4, "little") + grouped + bytes(4)
    head = lambda kind, body: bytes([0]) + len(body).to_bytes(3, "little") + bytes([kind]) + (10).to_bytes(3, "little")  # noqa: E731
    assert list(xet_standin.chunks(head(2, packed) + packed + head(0, data) + data)) == [data, data]
    store: Any = Xet()
    with pytest.raises(ValueError, match="no shard"):
        store.shard(b"x" * 100)


def test_pushed_again_only_the_rest_is_sent(hub: Hub, merged: Path) -> None:
    hub.fail("POST .*/commit/", status=500, times=1)
    with pytest.raises(CheckpointError, match=r"Push again to go on: what was sent is not sent again\.$"):
        push.push(merged, "writer/new", WRITER)
    assert set(hub.repos["writer/new"].files) == {".gitattributes"}
    sent = hub.count("POST /v1/xorbs")
    push.push(merged, "writer/new", WRITER)
    assert sent > 0 and hub.count("POST /v1/xorbs") == sent and "model.safetensors.index.json" in hub.repos["writer/new"].files
