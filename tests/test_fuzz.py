"""The short form of `make fuzz`: some inputs of each kind, the same ones each time; and that the fuzzer finds what is broken."""

import random
from pathlib import Path

import fuzz
import pytest

from merger.errors import CheckpointError
from merger.errors import MergeError as Refusal
from merger.files.pickles import _Machine

INPUTS = {"recipes": 80, "headers": 200, "pickles": 200, "indexes": 100, "companions": 2, "endpoints": 20}


@pytest.fixture(autouse=True)
def kept_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "SAVED", tmp_path / "fuzz")


@pytest.mark.parametrize("kind", [*INPUTS])
@pytest.mark.long
def test_every_input_is_answered_or_refused(kind: str) -> None:
    ended, kept = fuzz.fuzz(kind, 0, 60, INPUTS[kind])
    assert not kept, [(place, (place / "why.txt").read_text()) for place in kept]
    assert sum(ended.values()) == INPUTS[kind] and not list(fuzz.SAVED.glob("*running*"))


def test_the_same_seed_gives_the_same_inputs(tmp_path: Path) -> None:
    fuzz.models(tmp_path)
    kind = fuzz.Headers(tmp_path)
    first, second = (kind.make(random.Random("headers 7")) for _ in range(2))
    assert first == second != kind.make(random.Random("headers 8"))


@pytest.mark.parametrize(
    ("error", "why"),
    [(KeyError("x"), "KeyError"), (CheckpointError("bad"), "no sentence"), (Refusal("in <a object at 0x1>"), "no sentence")],
)
def test_what_is_no_sentence_is_found_and_kept(error: Exception, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(fuzz.Pickles, "run", broken)
    ended, kept = fuzz.fuzz("pickles", 0, 20, 2)
    assert ended == {"found": 2} and all(why in (place / "why.txt").read_text() for place in kept)
    assert (kept[0] / "pytorch_model.bin").exists()


def test_slow_large_and_prying_inputs_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.txt").write_text("x")
    monkeypatch.setattr(fuzz, "peak", lambda: 1_000)

    def slow(_: Path) -> None:
        while True:
            sum(range(1000))

    acts = {
        "more than 0.2 seconds": slow,
        "1,999,999,000 bytes of memory": lambda _: monkeypatch.setattr(fuzz, "peak", lambda: 2_000_000_000),
        "secret.txt": lambda folder: (folder.parents[1] / "secret.txt").read_text(),
    }
    kind = fuzz.Kind(tmp_path)
    for words, act in acts.items():
        monkeypatch.setattr(fuzz, "SECONDS", 0.2 if act is slow else 20)
        monkeypatch.setattr(kind, "run", act)
        assert words in fuzz.attempt(kind, {"a": b""}, tmp_path / "input" / "model")[1]


def test_a_pickle_that_names_what_is_no_name_is_damaged() -> None:
    """Found by the fuzzer: the refusal held an object as Python prints it, with its place in memory."""
    with pytest.raises(TypeError):
        _Machine(Path("x"), {}).run(b"\x80\x04]}\x93.")
