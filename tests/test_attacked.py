"""What fresh eyes found: results that were wrong without a word, and files of others that were taken for one's own."""

import os
import socket
from pathlib import Path

import pytest
import tiny
from killing import RECIPE, killed

from merger.engine import journal
from merger.engine.batch import merge
from merger.engine.claims import Claim, boot
from merger.engine.journal import Part
from merger.engine.places import refuse_foreign
from merger.errors import MergeError
from merger.recipe import load


def test_a_merge_does_not_go_on_with_a_recipe_of_another_length(tmp_path: Path) -> None:
    """Same tensors, another text: it stands before them in the file, and what was written would lie at the wrong places."""
    tiny.make_family(tmp_path, models=("base", "one", "two"), layers=2)
    killed(tmp_path, tmp_path / "out", 7)
    named = load("name: the-same-merge-by-a-longer-name\n" + RECIPE)
    for folder in ("out", "fresh"):
        merge(named, tmp_path / folder, roots=[tmp_path])
    made, wanted = ((tmp_path / folder / "model.safetensors").read_bytes() for folder in ("out", "fresh"))
    assert made == wanted


def parts(folder: Path) -> None:
    tiny.make_family(folder, models=("base", "one", "two"), layers=2)
    for number in (1, 2):
        merge(load(RECIPE), folder / "out", roots=[folder], shard_size="3KB", part=Part(number, 2))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (".done-1-of-999999999999", b"x", "holds '.done-1-of-999999999999', which no merge has put there"),
        (".done-1-of-2", b"\xff\xfe\x00", "was made from another recipe"),
    ],
    ids=["a count without end", "no text"],
)
def test_marks_of_others_are_refused_at_once(name: str, text: bytes, said: str, tmp_path: Path) -> None:
    """Whoever may write to a shared folder: a join neither counts to a trillion nor stumbles over bytes."""
    parts(tmp_path)
    (tmp_path / "out.partial" / name).write_bytes(text)
    with pytest.raises(MergeError, match=said):
        merge(load(RECIPE), tmp_path / "out", roots=[tmp_path], shard_size="3KB", joining=True)


def test_a_mark_that_is_taken_away_meanwhile_is_nothing_strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that run at once on a shared folder: one begins anew, and takes its mark away, as another lists what is there."""
    parts(tmp_path)
    partial = tmp_path / "out.partial"
    listed = [*partial.iterdir(), partial / ".done-5-of-8"]
    assert (partial / ".done-1-of-2").exists()
    monkeypatch.setattr(Path, "iterdir", lambda self: iter(listed))
    refuse_foreign(partial)
    (partial / ".done-5-of-8").symlink_to("nowhere")
    with pytest.raises(MergeError, match=r"holds '\.done-5-of-8'"):
        refuse_foreign(partial)


def test_an_owner_with_a_number_no_process_has_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Claim, "_lock", lambda self, partial, part: True)
    (tmp_path / ".lock").touch()
    (tmp_path / ".owner").write_text(f"{socket.gethostname()} {boot()} {10**30} x")
    with pytest.raises(MergeError, match="another merge is writing there"):
        Claim().take(tmp_path, "")


def went_on(models: Path) -> None:
    """The merge that goes on has the bytes of one that never stopped."""
    for folder in ("out", "fresh"):
        merge(load(RECIPE), models / folder, roots=[models])
    made, wanted = ((models / folder / "model.safetensors").read_bytes() for folder in ("out", "fresh"))
    assert made == wanted


@pytest.mark.parametrize("again", [False, True], ids=["", "and stopped once more"])
@pytest.mark.parametrize("damage", ["gone", "cut", "another"])
def test_what_was_deleted_is_made_again(damage: str, again: bool, tmp_path: Path) -> None:
    """`rm out.partial/*` leaves the journal, which begins with a dot: what it tells of is not there any more."""
    tiny.make_family(tmp_path, models=("base", "one", "two"), layers=2)
    killed(tmp_path, tmp_path / "out", 7)
    file = tmp_path / "out.partial/model.safetensors"
    if damage == "gone":
        file.unlink()
    elif damage == "cut":
        os.truncate(file, file.stat().st_size // 3)
    else:
        file.write_bytes(bytes(file.stat().st_size))
    if again:
        killed(tmp_path, tmp_path / "out", 2)
    went_on(tmp_path)


def test_what_another_machine_added_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge that went on elsewhere and died there, and goes on here again: the journal's first line is our own."""
    tiny.make_family(tmp_path, models=("base", "one", "two"), layers=2)
    killed(tmp_path, tmp_path / "out", 3)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(journal, "boot", lambda: "another")
        killed(tmp_path, tmp_path / "out", 5)
    file = tmp_path / "out.partial/model.safetensors"
    header = 8 + int.from_bytes(file.read_bytes()[:8], "little")
    with file.open("r+b") as handle:  # pages that never arrived
        handle.seek(header)
        handle.write(bytes(file.stat().st_size - header))
    went_on(tmp_path)
