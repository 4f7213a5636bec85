"""A merge is never lost: it goes on where it was stopped, in parts as in one, and says what remains when the disk fails."""

import contextlib
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from merger.__main__ import main
from merger.engine import batch, budget
from merger.engine.batch import merge
from merger.engine.journal import Part, parse_part
from merger.errors import CheckpointError, MergeError
from merger.files.checkpoints import cached
from merger.kernels import build, cpu, windows
from merger.recipe import load

ROOT = Path(__file__).parent.parent
RECIPE = """
merge_method: dare_ties
base_model: base
models: [{model: one, parameters: {weight: 0.6, density: 0.5}}, {model: two, parameters: {weight: 0.4, density: 0.3}}]
"""


class Killed(BaseException):
    """What no `except Exception` sees, as a signal."""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    tiny.make_family(folder, models=("base", "one", "two"), layers=2)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def killed_after(models: Path, count: int, out: str = "out", recipe: str = RECIPE, **options: Any) -> list[str]:
    """A merge that is killed when so many tensors are written; which they are."""
    done: list[str] = []

    def stop(step: Any) -> None:
        done.append(step.name)
        if len(done) == count:
            raise Killed

    with pytest.raises(Killed):
        merge(load(recipe), models.parent / out, roots=[models], progress=stop, workers=1, **options)
    return done


def made(models: Path, monkeypatch: pytest.MonkeyPatch, recipe: str = RECIPE, out: str = "out", **options: Any) -> list[str]:
    """Merge, and tell which tensors were computed."""
    names: list[str] = []
    real, lock = batch.stretches, threading.Lock()

    def counted(job: Any, *args: Any) -> Any:
        with lock:
            names.append(job.name)
        yield from real(job, *args)

    monkeypatch.setattr(batch, "stretches", counted)
    merge(load(recipe), models.parent / out, roots=[models], **options)
    monkeypatch.setattr(batch, "stretches", real)
    return names


@pytest.mark.parametrize("size", ["5GB", "3KB"])
def test_goes_on_after_a_kill(size: str, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = made(models, monkeypatch, out="fresh", shard_size=size)
    done = killed_after(models, 7, shard_size=size)
    partial = models.parent / "out.partial"
    assert not (models.parent / "out").exists() and not (partial / "config.json").exists()
    journal = (partial / ".journal").read_text().splitlines()[1:]
    assert set(done) <= set(journal)  # one more may have been written before the kill was seen
    again = made(models, monkeypatch, shard_size=size)
    assert sorted(again) == sorted(set(fresh) - set(journal))
    assert contents(models.parent / "out") == contents(models.parent / "fresh")
    assert not partial.exists()


@pytest.mark.parametrize("change", ["recipe", "input", "options", "torn journal"])
def test_what_is_of_another_merge_is_not_used(change: str, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = killed_after(models, 7)
    recipe, options, journal = RECIPE, {}, models.parent / "out.partial/.journal"
    if change == "recipe":
        recipe = RECIPE.replace("0.6", "0.61")
    elif change == "options":
        options["shard_size"] = "3KB"
    elif change == "input":
        file = models / "one/model.safetensors"
        state, raw = file.stat(), bytearray(file.read_bytes())
        raw[-1] ^= 1  # one bit, and neither its size nor its time tell
        file.write_bytes(raw)
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    else:
        journal.write_text(journal.read_text().splitlines()[0][:-3])
    merge(load(recipe), models.parent / "fresh", roots=[models], **options)
    names = made(models, monkeypatch, recipe, **options)
    assert set(done) <= set(names)
    assert contents(models.parent / "out") == contents(models.parent / "fresh")


def test_a_line_that_was_cut_off_is_not_believed(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_after(models, 7)
    journal = models.parent / "out.partial/.journal"
    whole = journal.read_text()
    last = whole.splitlines()[-1]
    journal.write_text(whole[:-1])  # its end is missing: it may be the beginning of a longer name
    assert last in made(models, monkeypatch)


def test_a_full_disk_keeps_what_is_written(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.pwrite, 0

    def full(*args: Any) -> int:
        nonlocal calls
        calls += 1
        if calls > 6:  # the header and five tensors
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args)

    out = models.parent / "out"
    with monkeypatch.context() as patch, pytest.raises(MergeError) as error:
        patch.setattr(os, "pwrite", full)
        merge(load(RECIPE), out, roots=[models], workers=1)
    first, second = str(error.value).split("\n")
    assert first.startswith(f"{out}.partial/model.safetensors: cannot be written: No space left on device (")
    assert second == (
        f"  5 finished tensors are kept in {out}.partial: when this is mended, the same command goes on from there. "
        "Or delete that folder."
    )
    merge(load(RECIPE), models.parent / "fresh", roots=[models])
    assert len(made(models, monkeypatch)) == len(tiny.read_weights(models / "base")) - 5
    assert contents(out) == contents(models.parent / "fresh")


def test_an_input_that_is_cut_short_is_told(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, out = models / "one/model.safetensors", models.parent / "out"
    whole = file.read_bytes()
    with monkeypatch.context() as patch, pytest.raises(CheckpointError) as error:
        at_tensor(4, lambda: os.truncate(file, 100), patch)
        merge(load(RECIPE), out, roots=[models], workers=1)
    first, second = str(error.value).split("\n")
    assert first == f"{file}: was cut short while it was being read; bring it back as it was."
    assert second.startswith(f"  3 finished tensors are kept in {out}.partial: ")
    file.write_bytes(whole)
    merge(load(RECIPE), out, roots=[models])


def test_an_input_that_is_deleted_is_read_to_its_end(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    merge(load(RECIPE), models.parent / "fresh", roots=[models])
    file = models / "one/model.safetensors"
    at_tensor(4, file.unlink, monkeypatch)
    merge(load(RECIPE), models.parent / "out", roots=[models], workers=1)
    assert not file.exists()
    assert contents(models.parent / "out") == contents(models.parent / "fresh")


def at_tensor(number: int, act: Callable[[], object], patch: pytest.MonkeyPatch) -> None:
    """Do something when the merge begins with its n-th tensor."""
    real, begun = batch.stretches, 0

    def acting(*args: Any) -> Any:
        nonlocal begun
        begun += 1
        if begun == number:
            act()
        yield from real(*args)

    patch.setattr(batch, "stretches", acting)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_parts_joined_are_the_whole(count: int, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    merge(load(RECIPE), models.parent / "fresh", roots=[models], shard_size="1KB")
    out = models.parent / "out"
    if count > 1:
        for number in reversed(range(2, count + 1)):
            merge(load(RECIPE), out, roots=[models], shard_size="1KB", part=Part(number, count))
        with pytest.raises(MergeError) as error:
            merge(load(RECIPE), out, roots=[models], shard_size="1KB", joining=True)
        assert str(error.value) == f"{out}.partial: not done yet: part 1 of {count}. Run what is missing, then join."
        killed_after(models, 1, shard_size="1KB", part=Part(1, count))
    merge(load(RECIPE), out, roots=[models], shard_size="1KB", part=Part(1, count))
    if count > 1:
        merge(load(RECIPE), out, roots=[models], shard_size="1KB", joining=True)
    assert contents(out) == contents(models.parent / "fresh")
    assert not Path(f"{out}.partial").exists()


def test_parts_that_do_not_fit_are_refused(models: Path) -> None:
    out = models.parent / "out"

    def refused(recipe: str = RECIPE, **options: Any) -> str:
        with pytest.raises(MergeError) as error:
            merge(load(recipe), out, roots=[models], **options)
        return str(error.value)

    first = f"merger merge RECIPE {out} --part 1/N."
    assert refused(joining=True) == f"{out}.partial: is not there; run the parts first: {first}"
    assert refused(part=Part(2, 2)) == (
        "--part 2/2: the output has only 1 files, and a part makes whole files.\n"
        "  Use at most 1 parts, or a smaller --out-shard-size for all of them."
    )
    for number in (1, 2):
        merge(load(RECIPE), out, roots=[models], shard_size="3KB", part=Part(number, 2))
    assert refused(RECIPE.replace("0.6", "0.7"), shard_size="3KB", joining=True) == (
        f"{out}.partial/.done-1-of-2: was made from another recipe, other options or other input files than this command names.\n"
        "  Run that part again with the same recipe and options."
    )
    assert refused(shard_size="3KB", part=Part(1, 3)) == (
        f"{out}.partial: holds parts of another split (2), and this is part 1 of 3.\n"
        f"  Run the parts 1/2 to 2/2, or delete {out}.partial to begin anew."
    )
    (out.with_name("out.partial") / ".journal-1-of-3").write_text(f"{'0' * 32} -\n")  # as an older version let it
    assert refused(shard_size="3KB", joining=True) == (
        f"{out}.partial: holds parts of different splits (2, 3); run all parts of one split: {first}"
    )
    for text in ("0/3", "4/3", "1", "a/b", "1/2/3", "-1/3", "1/99999999"):
        with pytest.raises(MergeError) as error:
            parse_part(text)
        assert str(error.value) == f"--part {text}: write N/COUNT with N from 1 to COUNT, for example 3/16."


@pytest.mark.long
def test_the_command_line_runs_parts(models: Path) -> None:
    recipe = models.parent / "recipe.yaml"
    recipe.write_text(RECIPE)

    def run(out: str, *options: str) -> str:
        command = [sys.executable, "-m", "merger", "merge", str(recipe), str(models.parent / out), "--out-shard-size", "3KB"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([*command, *options], cwd=models, env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    run("fresh")
    told = run("out", "--part", "1/2")
    assert told == f"part 1/2 is done, in {models.parent}/out.partial. After the last one: the same command with --join.\n"
    run("out", "--part", "2/2")
    run("out", "--join")
    assert contents(models.parent / "out") == contents(models.parent / "fresh")


@pytest.mark.long
def test_a_handful_of_kills() -> None:
    """The command that kills a hundred times, on a small scale."""
    command = [sys.executable, "scripts/kills.py", "--times", "4", "--layers", "40"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all the same" in done.stdout


def test_a_headless_merge_imports_only_what_it_needs(models: Path) -> None:
    recipe = models.parent / "recipe.yaml"
    recipe.write_text(RECIPE)
    code = (
        "import sys; from merger.__main__ import main; main(['merge', *sys.argv[1:], '-q']); "
        "print(*{name.partition('.')[0] for name in sys.modules}, *(n for n in sys.modules if n == 'torch._dynamo'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(recipe), str(models.parent / "out")], cwd=models, check=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
    )  # fmt: skip
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "torch" in loaded and "merger" in loaded
    interface = {"gradio", "plotly", "pandas", "huggingface_hub", "httpx"}
    assert not loaded & (interface | {"transformers", "tokenizers", "safetensors", "peft", "torch._dynamo"})


def test_a_limit_of_memory(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh, out = models.parent / "fresh", models.parent / "out"
    merge(load(RECIPE), fresh, roots=[models])
    merge(load(RECIPE), out, roots=[models], memory=budget.OWN_MEMORY + 10_000)
    assert contents(out) == contents(fresh)
    with pytest.raises(MergeError) as error:
        merge(load(RECIPE.replace("dare_ties", "pcb")), models.parent / "no", roots=[models], memory=budget.OWN_MEMORY + 1000)
    embed = "model.embed_tokens.weight"
    assert str(error.value) == (
        f"--memory 300 MB: {embed} (24, 8) takes 301MB, because 'pcb' looks at the whole tensor at once.\n"
        "  Allow that with --memory 301MB" + ("." if build.available() else ", or install a C compiler: then much less will do.")
    )
    assert not (models.parent / "no.partial").exists()
    jobs = batch.make_plan(load(RECIPE), batch.open_models(load(RECIPE), [models])).jobs
    sizes = sorted((budget.memory_of(job) for job in jobs), reverse=True)
    assert budget.fitting_workers(jobs, 4, budget.OWN_MEMORY + sum(sizes[:2])) == 2
    assert budget.fitting_workers(jobs, 4, budget.OWN_MEMORY + sum(sizes[:2]) - 1) == 1


@pytest.mark.parametrize("warm", [0, 1, 3])
@pytest.mark.skipif(not build.available(), reason="torch reads mapped memory")
def test_short_of_memory(warm: int, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files, read and not mapped, and sent on to the disk; a file that goes missing is told.

    warm  so many of the three files are in memory anyway, and mapped as ever
    """
    fresh, out = models.parent / "fresh", models.parent / "out"
    merge(load(RECIPE), fresh, roots=[models])
    monkeypatch.setattr(batch, "page_room", lambda: 1)
    monkeypatch.setattr(batch, "memory_limit", lambda: 1)
    looked: list[Path] = []
    monkeypatch.setattr(batch, "cached", lambda file: looked.append(file) or len(looked) <= warm)
    files: list[int] = []
    reading = windows.reading
    monkeypatch.setattr(windows, "reading", lambda handles: files.append(len(handles)) or reading(handles))
    settled: list[bool] = []
    original = build.settle
    monkeypatch.setattr(build, "settle", lambda *place, wait: settled.append(wait) or original(*place, wait=wait))
    merge(load(RECIPE), out, roots=[models])
    assert contents(out) == contents(fresh)
    assert True in settled and False in settled
    assert len(looked) == 3 and files == ([3 - warm] if warm < 3 else [])

    def gone(*_: object) -> None:
        raise OSError(5, "Input/output error", "model.safetensors")

    monkeypatch.setattr(cpu, "_check", gone)
    with pytest.raises(CheckpointError) as error:
        merge(load(RECIPE), models.parent / "no", roots=[models])
    assert str(error.value) == ("model.safetensors: cannot be read any more: Input/output error; bring it back as it was.")


def test_files_are_mapped_where_only_the_machine_is_too_small(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system takes back mapped pages itself there; what was written is sent on all the same."""
    monkeypatch.setattr(batch, "page_room", lambda: 1)
    monkeypatch.setattr(batch, "memory_limit", lambda: None)
    monkeypatch.setattr(windows, "reading", lambda _: pytest.fail("read in windows"))
    settled: list[bool] = []
    original = build.settle
    monkeypatch.setattr(build, "settle", lambda *place, wait: settled.append(wait) or original(*place, wait=wait))
    merge(load(RECIPE), models.parent / "out", roots=[models])
    assert True in settled or not build.available()


def test_what_the_system_holds_of_a_file(tmp_path: Path) -> None:
    """A file that was just written is in memory; let go of, it is not; one of the two halves is not enough."""
    file = tmp_path / "x"
    file.write_bytes(bytes(4 << 20))
    assert not cached(tmp_path / "missing")
    handle = os.open(file, os.O_RDWR)
    try:
        try:
            os.preadv(handle, [bytearray(1)], 0, os.RWF_NOWAIT)
        except (OSError, AttributeError):
            pytest.skip("the system does not say")
        assert cached(file)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 2 << 20, os.POSIX_FADV_DONTNEED)
        with contextlib.suppress(BlockingIOError):
            os.preadv(handle, [bytearray(1)], 4096, os.RWF_NOWAIT)
            pytest.skip("the file system keeps all in memory")
        assert not cached(file) and cached(file, 0.4)
    finally:
        os.close(handle)


def test_room_for_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least of what is free and of the limits of the process's memory cgroup and those above it, in both versions."""
    found = {"/proc/meminfo": "MemFree: 1 kB\nMemAvailable:    5000 kB\n", "/proc/self/cgroup": "4:memory:/a/b\n0::/c\n"}
    monkeypatch.setattr(Path, "read_text", lambda path, **_: found[str(path)] if str(path) in found else missing())
    assert budget.page_room() == 5_120_000
    found["/sys/fs/cgroup/memory/a/memory.limit_in_bytes"] = "4000000\n"
    assert budget.page_room() == 4_000_000
    found |= {"/sys/fs/cgroup/c/memory.max": "max\n", "/sys/fs/cgroup/memory.max": "3000000\n"}
    assert budget.page_room() == 3_000_000
    found.clear()
    assert budget.page_room() is None


def missing() -> str:
    raise FileNotFoundError


def test_memory_on_the_command_line(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = models.parent / "recipe.yaml"
    recipe.write_text(RECIPE)
    for text, message in (("2", "--memory 2: write bytes, for example 2GB."), ("x", "--memory x: write a size, such as 2GB.")):
        assert main(["merge", str(recipe), str(models.parent / "out"), "--memory", text]) == 1
        assert capsys.readouterr().err == f"MergeError: {message}\n"
