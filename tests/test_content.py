"""What is the same is decided by what files hold, not by their times or the machine: in a resume, in parts and in a join."""

import errno
import fcntl
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from killing import RECIPE, killed
from safetensors.torch import load_file, save_file

from merger.__main__ import main
from merger.engine import batch, claims, journal
from merger.engine.batch import merge
from merger.engine.journal import Part
from merger.errors import CheckpointError, MergeError, RecipeError
from merger.export.gguf import export
from merger.export.lora import Wanted
from merger.export.lora import export as export_lora
from merger.files import content
from merger.files.content import contents
from merger.files.stores import is_address
from merger.files.sums import Sum, sum_of
from merger.hub.references import open_here, open_reference
from merger.recipe import load
from merger.recipe import load_file as load_recipe

FILE = "one/model.safetensors"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    tiny.make_family(tmp_path / "in", models=("base", "one", "two"), layers=2)
    return tmp_path / "in"


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_known", {})


def read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def made(models: Path, **options: Any) -> list[str]:
    """Merge to `out`, and tell which tensors were computed."""
    names: list[str] = []
    real, lock = batch.stretches, threading.Lock()

    def counted(job: Any, *args: Any) -> Iterator[Any]:
        with lock:
            names.append(job.name)
        yield from real(job, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "stretches", counted)
        merge(load(RECIPE), models.parent / "out", roots=[models], workers=1, **options)
    return names


def fresh(models: Path, **options: Any) -> dict[str, bytes]:
    merge(load(RECIPE), models.parent / "fresh", roots=[models], **options)
    return read(models.parent / "fresh")


def flip(file: Path, at: int) -> None:
    """Change one bit; neither the size nor the time tell."""
    state = file.stat()
    with file.open("r+b") as handle:
        handle.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        byte = handle.read(1)[0]
        handle.seek(-1, os.SEEK_CUR)
        handle.write(bytes([byte ^ 1]))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


# ---------------------------------------------------------------------------------------------- of a resume


def copied(models: Path) -> None:
    """Other files with other times, inodes and another place on the disk."""
    shutil.copytree(models, models.parent / "copy")
    shutil.rmtree(models)
    (models.parent / "copy").rename(models)
    for file in models.rglob("*.safetensors"):
        os.utime(file, (1, 1))


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "on another machine"])
def test_copies_of_the_parents_are_the_parents(elsewhere: bool, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fresh(models)
    killed(models, models.parent / "out", 7)
    copied(models)
    if elsewhere:
        monkeypatch.setattr(journal, "boot", lambda: "another")
    names = made(models)
    assert len(names) == len(load_file(models / FILE)) - 7
    assert read(models.parent / "out") == whole


def test_pages_that_a_machine_lost_are_made_again(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a journal says is believed on the machine that wrote it; another looks."""
    whole = fresh(models)
    killed(models, models.parent / "out", 7)
    partial = models.parent / "out.partial"
    done = [line for line in (partial / ".journal").read_text().splitlines()[1:] if not line.startswith("\t")]
    stored = content.read_header(partial / "model.safetensors")[done[3]]
    with (partial / "model.safetensors").open("r+b") as handle:
        handle.seek(stored.offset)
        handle.write(bytes(stored.nbytes))  # as a file system shows what never reached the disk
    monkeypatch.setattr(journal, "boot", lambda: "another")
    names = made(models)
    assert done[3] in names and not set(names) & {*done} - {done[3]}
    assert read(models.parent / "out") == whole


def test_a_journal_without_sums_is_not_believed_elsewhere(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(models, models.parent / "out", 7)
    notes = models.parent / "out.partial/.journal"
    notes.write_text("".join(line for line in notes.read_text().splitlines(True) if not line.startswith("\t")))
    monkeypatch.setattr(journal, "boot", lambda: "another")
    assert len(made(models)) == len(load_file(models / FILE))


def test_a_sum_does_not_depend_on_the_pieces(tmp_path: Path) -> None:
    data = torch.randint(0, 256, (3 * 4096 + 77,), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).numpy()
    (tmp_path / "x").write_bytes(b"abc" + data.tobytes())
    whole = Sum()
    whole.add(data.data)
    for step in (1, 7, 4095, 4096, 4097, 10**6):
        found = Sum()
        for start in range(0, len(data), step):
            found.add(data[start : start + step].data)
        assert found.word() == whole.word(), step
    handle = os.open(tmp_path / "x", os.O_RDONLY)
    assert sum_of(handle, 3, len(data)) == whole.word()
    assert sum_of(handle, 3, len(data) + 1) == whole.word()  # cut off: its length is in it
    assert sum_of(handle, 2, len(data)) != whole.word()
    os.close(handle)
    for at in (0, 4095, 4096, 3 * 4096, len(data) - 1):
        changed, other = data.copy(), Sum()
        changed[at] ^= 1
        other.add(changed.data)
        assert other.word() != whole.word(), at


# ---------------------------------------------------------------------------------------------- what is looked at


def test_of_large_files_samples_are_read(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "READ_WHOLE", 1000)
    monkeypatch.setattr(content, "BLOCK", 16)
    monkeypatch.setattr(content, "STEP", 1 << 20)
    file = models / FILE
    first = contents({"one": open_reference("one", [models])})
    monkeypatch.setattr(content, "_known", {})
    assert contents({"one": open_reference("one", [models])}) == first
    tensors = content.read_header(file)
    for name, stored in tensors.items():
        for at in (stored.offset, stored.offset + stored.nbytes - 1):
            flip(file, at)
            monkeypatch.setattr(content, "_known", {})
            assert contents({"one": open_reference("one", [models])}).models != first.models, name
            flip(file, at)
    middle = max(tensors.values(), key=lambda one: one.nbytes)
    flip(file, middle.offset + middle.nbytes // 2)  # what the docs say may not be noticed ...
    monkeypatch.setattr(content, "_known", {})
    changed = contents({"one": open_reference("one", [models])})
    assert changed.models == first.models and changed.touched == first.touched
    os.utime(file)  # ... is, where its time tells, by whoever goes on with what is there
    assert contents({"one": open_reference("one", [models])}).touched != first.touched


def test_a_large_file_with_another_time_is_another(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "READ_WHOLE", 1000)
    killed(models, models.parent / "out", 7)
    os.utime(models / FILE)
    assert len(made(models)) == len(load_file(models / FILE))


def test_a_bin_file_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pytorch_model.bin"
    torch.save({"x": torch.arange(50_000.0)}, file)
    for limit in (1 << 20, 1000):
        monkeypatch.setattr(content, "READ_WHOLE", limit)
        monkeypatch.setattr(content, "_known", {})
        first = content.content(file)
        flip(file, 10)
        monkeypatch.setattr(content, "_known", {})
        assert content.content(file) != first
    with pytest.raises(CheckpointError, match="none: cannot be read: No such file"):
        content.content(tmp_path / "none")


# ---------------------------------------------------------------------------------------------- of parts


def part(models: Path, number: int, count: int = 2, recipe: str = RECIPE, **options: Any) -> None:
    merge(load(recipe), models.parent / "out", roots=[models], shard_size="3KB", part=Part(number, count), **options)


def test_parts_from_copies_join(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fresh(models, shard_size="3KB")
    part(models, 1)
    copied(models)
    monkeypatch.setattr(journal, "boot", lambda: "another")
    part(models, 2)
    merge(load(RECIPE), models.parent / "out", roots=[models], shard_size="3KB", joining=True)
    assert read(models.parent / "out") == whole


def test_a_part_with_other_parents_is_refused_before_the_work(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part(models, 1)
    partial = models.parent / "out.partial"
    before = read(partial)
    flip(models / FILE, -1)
    monkeypatch.setattr(batch.Making, "run", lambda *_: pytest.fail("something was made"))
    with pytest.raises(MergeError) as error:
        part(models, 2)
    assert str(error.value) == (
        f"{partial}: part 1 of 2 was given other files of one, and would not fit what part 2 makes.\n"
        f"  Run all parts with the same recipe, options and models, or delete {partial} to begin anew."
    )
    with pytest.raises(MergeError, match=r"part 1 of 2 was given another recipe, options, torch or version, and would not fit"):
        flip(models / FILE, -1)
        part(models, 2, recipe=RECIPE.replace("0.6", "0.7"))
    after = read(partial)
    assert {name: after[name] for name in before} == before and after.keys() - before.keys() == {".lock-2-of-2"}


def test_a_join_says_whose_files_are_others(models: Path) -> None:
    part(models, 1)
    part(models, 2)
    flip(models / FILE, -1)
    with pytest.raises(
        MergeError, match=r"\.done-1-of-2: was made from other files of one than this command names\.\n  Run that"
    ):
        merge(load(RECIPE), models.parent / "out", roots=[models], shard_size="3KB", joining=True)


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: os.truncate(file, 100)], ids=["gone", "cut"])
def test_a_join_looks_whether_the_files_are_there(damage: Callable[[Path], None], models: Path) -> None:
    part(models, 1)
    part(models, 2)
    file = sorted((models.parent / "out.partial").glob("model-00002*"))[0]
    damage(file)
    with pytest.raises(
        MergeError, match=r"model-00002-of-\d+.safetensors: is not what part 2 of 2 has made\.\n  Run that part again, then join"
    ):
        merge(load(RECIPE), models.parent / "out", roots=[models], shard_size="3KB", joining=True)


def test_a_part_that_is_done_is_on_the_disk(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(Path(f"/proc/self/fd/{handle}").readlink()), real(handle)))
    part(models, 1)
    assert {*synced} == {*(models.parent / "out.partial").glob("model*")}


# ---------------------------------------------------------------------------------------------- without locks


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP], ids=["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(handle: int, how: int) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.usefixtures("no_locks")
def test_a_file_system_without_locks_will_do(models: Path) -> None:
    whole = fresh(models)
    killed(models, models.parent / "out", 7)
    owner = models.parent / "out.partial/.owner"
    assert not owner.exists()  # it was let go of
    assert len(made(models)) == len(load_file(models / FILE)) - 7
    assert read(models.parent / "out") == whole
    shutil.rmtree(models.parent / "out")
    for number in (1, 2):
        part(models, number)
    merge(load(RECIPE), models.parent / "out", roots=[models], shard_size="3KB", joining=True)
    assert not [*(models.parent / "out").glob(".*")]


@pytest.mark.parametrize("own, other", [("", ""), ("", "1-of-2"), ("1-of-2", ""), ("1-of-2", "1-of-2")])
def test_without_locks_one_at_a_time(own: str, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "no locks")))
    first, second = claims.Claim(), claims.Claim()
    first.take(tmp_path, other)
    try:
        with pytest.raises(claims.Busy, match=r"(?s)another merge is writing there, on .*has no locks"):
            second.take(tmp_path, own)
    finally:
        first.release()
    second.take(tmp_path, own)  # let go of
    second.release()


def test_without_locks_parts_work_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "no locks")))
    first, second = claims.Claim(), claims.Claim()
    first.take(tmp_path, "1-of-2")
    second.take(tmp_path, "2-of-2")
    assert first.holds(tmp_path) and second.holds(tmp_path)
    first.release()
    second.release()


@pytest.mark.parametrize("host", ["this", "another"])
def test_a_dead_owner_is_followed(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of this machine can be asked after; of another's only the age of its last sign tells."""
    monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "no locks")))
    name = claims.socket.gethostname() if host == "this" else "far"
    (tmp_path / ".owner").write_text(f"{name} {claims.boot()} {2**22 + 7} 00")
    claim = claims.Claim()
    if host == "another":
        with pytest.raises(claims.Busy, match="on far; wait for it"):
            claim.take(tmp_path, "")
        os.utime(tmp_path / ".owner", (time.time() - claims.DEAD - 5,) * 2)
    claim.take(tmp_path, "")
    assert claim.holds(tmp_path)
    (tmp_path / ".owner").write_text("somebody else, who took this one for dead")
    assert not claim.holds(tmp_path)
    claim.release()
    assert (tmp_path / ".owner").exists()  # theirs


def test_an_owner_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "no locks")))
    monkeypatch.setattr(claims, "TOUCHED", 0.01)
    claim = claims.Claim()
    claim.take(tmp_path, "")
    os.utime(tmp_path / ".owner", (1, 1))
    end = time.monotonic() + 10
    while (tmp_path / ".owner").stat().st_mtime == 1 and time.monotonic() < end:
        time.sleep(0.01)
    assert (tmp_path / ".owner").stat().st_mtime > 1
    claim.release()


# ---------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize("address", ["s3://bucket/out", "gs://b/out", "hf://owner/out", "abfs://b/out", "file:///out"])
def test_an_address_is_no_folder(address: str, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for package in ("s3fs", "gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, package, None)
    says = "write the path alone" if address.startswith("file") else "is an address, and this is made in a folder"
    recipe = load(RECIPE)
    with pytest.raises(MergeError, match="which is not installed here: pip install" if is_address(address) else says):
        merge(recipe, address, roots=[models])  # a store, and who knows it is not here: see test_stores.py
    with pytest.raises(MergeError, match=says):
        export(recipe, f"{address}.gguf", "f16", roots=[models])
    with pytest.raises(MergeError, match=says):
        export_lora(recipe, address, Wanted(rank=2), roots=[models])
    with pytest.raises(RecipeError, match="is an address; copy the recipe here"):
        load_recipe(address)
    for opened in (open_reference, open_here):
        with pytest.raises(CheckpointError, match=r"is an address, (which `merger merge`|and here only folders)"):
            opened(address, [models])
    assert [*tmp_path.iterdir()] == [models]


@pytest.mark.parametrize("command", ["merge R s3://b/x", "export R s3://b/x.gguf", "export R s3://b/x --lora 2",
                                     "tune R -o s3://b/x", "sweep R --vary seed=0:1:2 --probes P --best s3://b/x",
                                     "doctor in/base --fix s3://b/x", "judge s3://b/x"])  # fmt: skip
def test_no_command_takes_an_address_for_a_path(
    command: str, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for package in ("s3fs", "gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "R").write_text(RECIPE)
    before = sorted(tmp_path.iterdir())
    try:
        code = main(command.split())
    except SystemExit as end:
        code = end.code
    assert code in (1, 2)
    said = capsys.readouterr().err
    assert "s3://b/x" in said and ("s3:// needs s3fs, which is not installed" if "merge" in command else "is an address") in said
    assert sorted(tmp_path.iterdir()) == before


def test_saved_anew_is_noticed(models: Path) -> None:
    """A model that is trained on and saved in place has another content, whatever its times say."""
    file, first = models / FILE, contents({"one": open_reference("one", [models])})
    save_file({name: tensor + 1e-3 for name, tensor in load_file(file).items()}, file)
    assert contents({"one": open_reference("one", [models])}) != first
