"""Tokenizers whose patterns take minutes, or whose texts grow without end: stopped, in a sentence, where nobody else waits."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from merger.chat.load import chat_model
from merger.chat.model import ChatModel
from merger.errors import CheckpointError, MergeError
from merger.files.checkpoints import open_checkpoint
from merger.limits import PATTERN_SECONDS
from merger.tokenizer import rehearsal, safe

FAMILY = Path(__file__).parent.parent / "presets" / "family"


def folder(place: Path, **parts: Any) -> Path:
    """A model of the family whose tokenizer has other parts."""
    shutil.copytree(FAMILY / "pirate", place)
    found = json.loads((place / "tokenizer.json").read_text())
    (place / "tokenizer.json").write_text(json.dumps(found | parts))
    return place


def speaker(place: Path) -> ChatModel:
    model = open_checkpoint("m", place)
    return chat_model(place, model.config, {name: model.read(name) for name in model.tensors})


def split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


BOMB = r"\w*\w*(?!\w|!)"
PATTERNS: dict[str, dict[str, Any]] = {
    "split": {"pre_tokenizer": split(r"\w*\w*\w*=|.")},
    "normalizer": {"normalizer": {"type": "Replace", "pattern": {"Regex": BOMB}, "content": "b"}},
    "within": {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split(" "), split(BOMB)]}},
}


@pytest.mark.parametrize("parts", PATTERNS.values(), ids=list(PATTERNS))
@pytest.mark.long
def test_patterns_are_stopped(parts: dict[str, Any], tmp_path: Path) -> None:
    """400 letters took 13 seconds, 2,000 many minutes, in which nobody else was answered."""
    who = speaker(folder(tmp_path / "m", **parts))
    began = time.monotonic()
    with pytest.raises(MergeError, match=f"takes more than {PATTERN_SECONDS} seconds or 1000 MB to cut up this text"):
        who.encode("a" * 1900 + "!")
    assert time.monotonic() - began < 60
    again = time.monotonic()
    with pytest.raises(MergeError, match="and was stopped"):
        who.encode("a" * 1900 + "!")
    assert time.monotonic() - again < 1
    assert who.encode("neat tea")


def test_a_text_that_grows_is_stopped(tmp_path: Path) -> None:
    """A template's long text, each letter of which becomes 2,000 more: 16 bytes are kept for each of them."""
    grows = {"type": "Replace", "pattern": {"String": "a"}, "content": "b" * 2000}
    tokenizer = safe.tokenizer(folder(tmp_path / "m", normalizer=grows))
    with pytest.raises(MergeError, match="1000 MB to cut up this text"):
        rehearsal.rehearse(tokenizer, "a" * 400_000)


def test_what_is_known_is_not_rehearsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual tokenizers cost nothing; another pattern is tried, and the ids are the tokenizer's own."""
    tried: list[bytes] = []
    real = rehearsal._tried
    monkeypatch.setattr(rehearsal, "_tried", lambda request: tried.append(request) or real(request))
    for i, pattern in enumerate(sorted(rehearsal._KNOWN)):
        rehearsal.rehearse(safe.tokenizer(folder(tmp_path / f"m{i}", pre_tokenizer=split(pattern))), "three cats")
    assert not tried
    tokenizer = safe.tokenizer(folder(tmp_path / "m", pre_tokenizer=split(r"\w+|\W+")))
    rehearsal.rehearse(tokenizer, "three cats")
    assert len(tried) == 1 and json.loads(tried[0])["tokenizer"]["added_tokens"]


def test_a_decoder_has_no_patterns_that_repeat(tmp_path: Path) -> None:
    for i, pattern in enumerate((r"a*a*a*=", "(a|aa){9}b", "a+")):
        decoder = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"Regex": pattern}, "content": ""}]}
        with pytest.raises(CheckpointError, match="its decoder searches for a pattern that repeats something"):
            safe.document(folder(tmp_path / str(i), decoder=decoder) / "tokenizer.json")
    fine = {"type": "Replace", "pattern": {"String": "a+"}, "content": ""}
    assert safe.document(folder(tmp_path / "fine", decoder=fine) / "tokenizer.json")["decoder"] == fine
