"""Bad luck: files that are none, folders that are others', inputs that change underfoot, compilers that hang, limits that bite.

Each ends in a sentence, and nothing that is not ours is touched.
"""

import contextlib
import ctypes
import errno
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cut
import pytest
import tiny

from merger import regular
from merger.__main__ import main
from merger.engine import batch, places
from merger.engine.batch import merge
from merger.engine.companions import tokenizer_folder
from merger.errors import CheckpointError, InputChanged, MergeError, out_of_memory
from merger.files import mapped
from merger.files.checkpoints import open_checkpoint
from merger.hub.card import digest
from merger.hub.references import open_reference
from merger.kernels import build
from merger.recipe import load, load_file
from merger.search.trials import read_probes

ROOT = Path(__file__).parent.parent
RECIPE = """
merge_method: dare_ties
base_model: base
models: [{model: one, parameters: {weight: 0.6, density: 0.5}}, {model: two, parameters: {weight: 0.4, density: 0.3}}]
"""
posix = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names, and signals, are POSIX's")


class Killed(BaseException):
    """What no `except Exception` sees, as a signal."""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    tiny.make_family(folder, models=("base", "one", "two"), layers=2)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def within(seconds: float, act: Callable[[], object]) -> str:
    """What a refusal says, soon: what waits for ever fails the test and not the whole run."""
    said: list[str] = []

    def run() -> None:
        try:
            act()
            said.append("")
        except MergeError as error:
            said.append(str(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert said, "still waiting"
    return said[0]


def made(models: Path, out: str = "out", recipe: str = RECIPE, **options: Any) -> Path:
    merge(load(recipe), models.parent / out, roots=[models], **options)
    return models.parent / out


def refused(models: Path, out: str = "out", recipe: str = RECIPE, **options: Any) -> str:
    said = within(60, lambda: made(models, out, recipe, **options))
    assert said, "it was not refused"
    return said.replace(str(models.parent), "{tmp}")


def killed_after(models: Path, count: int, out: str = "out") -> None:
    """A merge that is killed when so many tensors are written."""
    done: list[str] = []

    def stop(step: Any) -> None:
        done.append(step.name)
        if len(done) == count:
            raise Killed

    with pytest.raises(Killed):
        made(models, out, progress=stop, workers=1)


@contextlib.contextmanager
def at_tensor(number: int, act: Callable[[], object]) -> Iterator[None]:
    """Do something when the merge begins with its n-th tensor."""
    real, begun = batch.stretches, 0

    def acting(*args: Any, **more: Any) -> Any:
        nonlocal begun
        begun += 1
        if begun == number:
            act()
        yield from real(*args, **more)

    batch.stretches = acting
    try:
        yield
    finally:
        batch.stretches = real


# ---------------------------------------------------------------------------------------------- what is no file


def put(kind: str, place: Path) -> None:
    """Something that is no file in a file's place."""
    place.unlink(missing_ok=True)
    if kind == "a named pipe":
        os.mkfifo(place)
    elif kind == "a device":
        place.symlink_to("/dev/zero")
    elif kind == "a socket":
        here = Path.cwd()
        os.chdir(place.parent)  # a socket's path may have 100 characters
        with socket.socket(socket.AF_UNIX) as held:
            held.bind(place.name)
        os.chdir(here)
    elif kind == "a folder":
        place.mkdir()
    elif kind == "a loop":
        place.symlink_to(place.name)


@posix
@pytest.mark.parametrize("kind", ["a named pipe", "a device", "a socket"])
@pytest.mark.parametrize("name", [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "config.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "merges.txt", "chat_template.jinja", "generation_config.json",
    "README.md", "LICENSE", "adapter_config.json",
])  # fmt: skip
def test_a_model_of_other_things_than_files_is_refused(kind: str, name: str, models: Path) -> None:
    put(kind, models / "one" / name)
    assert refused(models) == f"{{tmp}}/in/one/{name}: cannot be read: it is {kind}, not a file."
    assert not (models.parent / "out.partial").exists()


@posix
@pytest.mark.parametrize("kind", ["a named pipe", "a device", "a socket"])
@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_lora_of_other_things_than_files_is_refused(kind: str, name: str, models: Path) -> None:
    lora = models / "lora"
    lora.mkdir()
    (lora / "adapter_config.json").write_text('{"r": 2, "lora_alpha": 4}')
    put(kind, lora / name)
    said = within(20, lambda: open_reference("one+lora", [models]))
    assert said == f"{lora / name}: cannot be read: it is {kind}, not a file."


@posix
@pytest.mark.parametrize(("kind", "words"), [
    ("a named pipe", "it is a named pipe, not a file"), ("a device", "it is a device, not a file"),
    ("a socket", "it is a socket, not a file"), ("a loop", "Too many levels of symbolic links"),
])  # fmt: skip
def test_a_recipe_and_questions_that_are_no_files(kind: str, words: str, tmp_path: Path) -> None:
    put(kind, tmp_path / "r.yaml")
    put(kind, tmp_path / "questions.txt")
    assert within(20, lambda: load_file(tmp_path / "r.yaml")) == f"{tmp_path}/r.yaml: cannot be read: {words}."
    said = within(20, lambda: read_probes(tmp_path / "questions.txt"))
    assert said == f"{tmp_path}/questions.txt: cannot be read as probes: {words}."


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize(("kind", "words"), [("a folder", "Is a directory"), ("a loop", "Too many levels of symbolic links")])
def test_what_stands_where_a_file_should(kind: str, words: str, name: str, models: Path) -> None:
    """Of the model whose files are read. A name that is there is never taken for one that is missing."""
    put(kind, models / "base" / name)
    assert refused(models) == f"{{tmp}}/in/base/{name}: cannot be read: {words}."


@posix
def test_a_file_that_becomes_a_pipe_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at it was a file, opened it is none: others may change a folder between two calls."""
    (tmp_path / "plain").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    state = (tmp_path / "plain").stat()
    monkeypatch.setattr(Path, "stat", lambda *_, **__: state)

    def act() -> None:
        with pytest.raises(OSError, match="it is a named pipe, not a file"):
            regular.open_regular(tmp_path / "pipe")

    assert within(20, act) == ""


def test_a_text_without_end_is_refused(tmp_path: Path, models: Path) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as handle:
        handle.truncate(10**12)
    words = "it has more than 100,000,000 bytes, too many for a text"
    assert within(20, lambda: load_file(huge)) == f"{huge}: cannot be read: {words}."
    assert within(20, lambda: read_probes(huge)) == f"{huge}: cannot be read as probes: {words}."
    shutil.move(huge, models / "base/merges.txt")
    assert refused(models) == "{tmp}/in/base/merges.txt: 1000000000000 bytes is too large for a file of a model."


def test_a_name_that_no_file_can_have(models: Path, tmp_path: Path) -> None:
    index = models / "one/model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "x" * 300}}))
    assert refused(models).endswith("xxx' is not the name of a weight file.")
    index.unlink()
    assert refused(models, "x" * 300).endswith(": cannot be written: File name too long.")
    assert refused(models, "a\0b").endswith(": is no folder's name.")
    assert within(20, lambda: load_file(tmp_path / "a\0b")).endswith(": is no file's name.")


# ---------------------------------------------------------------------------------------------- what is not ours


def plant(what: str, partial: Path, models: Path) -> None:
    """Something of somebody else's where a merge works."""
    if what == "a model":
        shutil.copytree(models / "one", partial)
    elif what == "a file in it":
        partial.mkdir()
        (partial / "precious.txt").write_text("x")
    elif what == "a folder in it":
        (partial / "sub").mkdir(parents=True)
        (partial / "sub/precious.txt").write_text("x")
    elif what == "a link to a folder":
        (models.parent / "elsewhere").mkdir()
        (models.parent / "elsewhere/config.json").write_text("x")
        partial.symlink_to(models.parent / "elsewhere")
    elif what == "a link that leads nowhere":
        partial.symlink_to(models.parent / "nowhere")
    elif what == "a file":
        partial.write_text("x")
    elif what == "a journal of something else":
        partial.mkdir()
        (partial / ".journal").write_text("monday: rain\n")
        (partial / "model.safetensors").write_text("x")
    elif what == "our journal, and a file":
        killed_after(models, 3)
        (partial / "notes.txt").write_text("x")
    elif what == "our journal, and a link":
        killed_after(models, 3)
        (partial / "model.safetensors").unlink()
        (partial / "model.safetensors").symlink_to(models / "one/model.safetensors")


@pytest.mark.parametrize("what", [
    "a model", "a file in it", "a folder in it", "a link to a folder", "a link that leads nowhere", "a file",
    "a journal of something else", "our journal, and a file", "our journal, and a link",
])  # fmt: skip
def test_what_is_not_a_merges_own_is_not_touched(what: str, models: Path) -> None:
    partial = models.parent / "out.partial"
    plant(what, partial, models)
    before, entries = contents(models.parent), sorted(models.parent.rglob("*"))
    said = refused(models)
    assert said.startswith("{tmp}/out.partial: ") and "touches only what is its own." in said
    assert contents(models.parent) == before and sorted(models.parent.rglob("*")) == entries


@pytest.mark.parametrize("left", [[], [".lock"]])
def test_an_empty_folder_of_a_merge_that_was_killed_early_is_used(left: list[str], models: Path) -> None:
    (models.parent / "out.partial").mkdir()
    for name in left:
        (models.parent / "out.partial" / name).touch()
    assert (made(models) / "model.safetensors").is_file()


@pytest.mark.parametrize("link", [False, True])
def test_an_input_in_the_working_folder_is_refused(link: bool, models: Path) -> None:
    """Even where the folder is a merge's own: the merge would empty what it reads."""
    killed_after(models, 3)
    partial = models.parent / "out.partial"
    if link:
        (models / "linked").mkdir()
        shutil.copy(models / "one/config.json", models / "linked")
        (models / "linked/model.safetensors").symlink_to(partial / "model.safetensors")
    else:
        (models / "linked").symlink_to(partial)
    before = contents(partial)
    said = refused(models, recipe=RECIPE.replace("model: two", "model: linked"))
    if link:
        assert said.startswith("{tmp}/out.partial: is where the merge to {tmp}/out works, and linked is read from there (")
    else:
        assert said == "{tmp}/in/linked: is the working folder of a merge that has not finished; let it finish first."
    assert contents(partial) == before


def test_a_model_named_as_the_working_folder_is_read_for_another_output(models: Path) -> None:
    (models / "one").rename(models / "one.partial")
    assert (made(models, "one", RECIPE.replace("model: one", "model: one.partial"))).is_dir()
    with pytest.raises(MergeError, match=r"is where the merge to .* works, and one\.partial is read from there"):
        merge(load(RECIPE.replace("model: one", "model: one.partial")), models / "one", roots=[models])
    assert (models / "one.partial/model.safetensors").is_file()


def test_a_working_folder_that_was_moved_away(models: Path) -> None:
    """What has its name then is another's: a merge that holds the old folder writes nothing there and deletes nothing."""
    partial = models.parent / "out.partial"

    def swap() -> None:
        partial.rename(models.parent / "aside")
        shutil.copytree(models / "one", partial)

    before = contents(models / "one")
    with at_tensor(5, swap):
        said = refused(models, workers=1)
    assert said == "{tmp}/out.partial: was moved or deleted while the merge worked there; start the merge again."
    assert contents(partial) == before and not (models.parent / "out").exists()


def test_a_merge_whose_place_another_took_does_not_finish_for_it(models: Path) -> None:
    partial, out = models.parent / "out.partial", models.parent / "out"

    def another() -> None:
        shutil.rmtree(partial)
        with pytest.raises(Killed):
            made(models, recipe=RECIPE.replace("0.6", "0.7"), progress=lambda _: (_ for _ in ()).throw(Killed), workers=1)

    with at_tensor(5, another):
        said = refused(models, workers=1)
    assert said == "{tmp}/out.partial: was moved or deleted while the merge worked there; start the merge again."
    assert (partial / ".journal").is_file() and not out.exists()


def test_an_output_that_somebody_else_makes_meanwhile(models: Path) -> None:
    out = models.parent / "out"

    def take() -> None:
        out.mkdir()
        (out / "mine").write_text("x")

    with at_tensor(5, take):
        said = refused(models, workers=1)
    count = len(tiny.read_weights(models / "base"))
    assert said == (
        "{tmp}/out: the folder is not empty; name a new one, or empty it first.\n"
        f"  {count} finished tensors are kept in {{tmp}}/out.partial: when this is mended, the same command goes on from there. "
        "Or delete that folder."
    )
    assert contents(out) == {"mine": b"x"}
    shutil.rmtree(out)
    assert contents(made(models)) == contents(made(models, "fresh"))


def test_a_second_merge_leaves_the_first_ones_folder_alone(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, or out of handles before it has the lock, it deletes nothing."""
    killed_after(models, 3)
    partial = models.parent / "out.partial"
    before = contents(partial)
    real = os.open

    def none_left(path: Any, *args: Any, **more: Any) -> int:
        if str(path).endswith(".lock"):
            raise OSError(errno.EMFILE, "Too many open files", str(path))
        return real(path, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", none_left)
        assert refused(models) == "{tmp}/out.partial/.lock: cannot be written: Too many open files."
    assert contents(partial) == before


def test_a_full_disk_at_the_very_end_keeps_the_tensors(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The config, the tokenizer or the card: what is large is written already."""
    count = len(tiny.read_weights(models / "base"))
    for name in ("config.json", "tokenizer.json", "README.md", "mergekit_config.yml"):
        real = {kind: getattr(Path, kind) for kind in ("write_text", "write_bytes")}

        def full(kind: str, path: Path, *args: Any, name: str = name, real: Any = real, **more: Any) -> Any:
            if path.name == name:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real[kind](path, *args, **more)

        with monkeypatch.context() as patch:
            for kind in real:
                patch.setattr(Path, kind, lambda path, *args, kind=kind, full=full, **more: full(kind, path, *args, **more))
            said = refused(models, f"out-{name}")
        assert said.startswith("{tmp}/out-" + f"{name}.partial: cannot be written: No space left on device.\n  {count} finished")
        assert contents(made(models, f"out-{name}")) == contents(made(models, f"fresh-{name}"))


def test_a_journal_that_cannot_be_written(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.write, [0]

    def full(handle: int, data: bytes) -> int:
        calls[0] += data.endswith(b"weight\n")
        if calls[0] > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        said = refused(models, workers=1)
    assert said.startswith("{tmp}/out.partial/.journal: cannot be written: No space left on device.\n  3 finished tensors are ")
    assert contents(made(models)) == contents(made(models, "fresh"))


# ---------------------------------------------------------------------------------------------- inputs that change


def cases(what: str, folder: Path, kernels_too: bool, expected: int = 0) -> dict[str, Any]:
    """Run cut.py's cases in a process of their own."""
    environment = {**os.environ, "MERGER_KERNELS": "" if kernels_too else "off", "OMP_NUM_THREADS": "2"}
    command = [sys.executable, str(ROOT / "tests/cut.py"), what, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == expected, f"ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-2000:]}"
    return json.loads(done.stdout) if not expected else {"out": done.stdout, "err": done.stderr}


@posix
@pytest.mark.parametrize("kernels_too", [True, False], ids=["kernels", "torch"])
@pytest.mark.long
def test_an_input_cut_in_the_middle_of_a_pass_is_told(kernels_too: bool, tmp_path: Path) -> None:
    """Each method, in the first tensor, in the third and in the last; mended, the merge goes on and has the bits of any other."""
    found = cases("merges", tmp_path, kernels_too)
    assert len(found) == 3 * len(cut.METHODS)
    for name, case in found.items():
        number = int(name.split()[1])
        begun = f"InputChanged: {tmp_path}/one/model.safetensors: was cut short while it was being read; bring it back as it was."
        kept = f"\n  {number - 1} finished tensors are kept in " if number > 1 else ""
        assert case["said"].startswith(begun + kept) and (kept or case["said"] == begun), name
        assert (case["kept"], case["appeared"], case["same"]) == (number - 1, False, True), name


@posix
@pytest.mark.parametrize("kernels_too", [True, False], ids=["kernels", "torch"])
@pytest.mark.long
def test_a_live_session_outlives_its_parents(kernels_too: bool, tmp_path: Path) -> None:
    found = cases("session", tmp_path, kernels_too)
    begun = f"InputChanged: {tmp_path}/one/model.safetensors: was cut short while it was being read; bring it back as it was."
    assert found["cut"] == begun
    assert re.search("one/model.safetensors: truncated: .* the file has 4000", found["cut, again"])
    assert (found["mended"], found["mended, same"]) == ("", True)
    assert (found["overwritten"], found["overwritten, same"]) == ("", True)
    assert re.search("two/model.safetensors: truncated: .* the file has 5000", found["cut before"])


@posix
@pytest.mark.long
def test_the_page_says_so_and_goes_on(tmp_path: Path) -> None:
    """A model that speaks is cut: the visitor reads a sentence, nothing of the answer is kept, and later all is well again."""
    file = "presets/family/pirate/model.safetensors"
    told = {"merge": f"{file}: was cut short while it was being read; bring it back as it was."}
    for found in cases("page", tmp_path, True).values():
        assert found["whole"]["error"] is None and found["whole"]["heard"]
        assert (found["cut"]["error"], found["cut"]["heard"]) == (told, None)
        assert found["after the cut"]["error"]["merge"].startswith(f"{file}: ") and found["after the cut"]["heard"] is None
        assert found["mended"]["error"] is None and found["mended"]["heard"] and found["strip"]


@posix
@pytest.mark.parametrize("kernels_too", [True, False], ids=["kernels", "torch"])
@pytest.mark.long
def test_a_lost_page_of_others_is_theirs(kernels_too: bool, tmp_path: Path) -> None:
    assert cases("foreign", tmp_path, kernels_too, -signal.SIGBUS)["out"] == "touching\n"


@posix
@pytest.mark.parametrize("kernels_too", [True, False], ids=["kernels", "torch"])
@pytest.mark.long
def test_a_handler_that_was_there_before_is_asked(kernels_too: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    assert "Fatal Python error: Bus error" in cases("foreign", tmp_path, kernels_too, -signal.SIGBUS)["err"]


@pytest.mark.parametrize("size", ["the same", "more"])
@pytest.mark.parametrize("moment", ["in the middle", "at the end"])
def test_an_input_overwritten_in_place_is_noticed(moment: str, size: str, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = models / "one/model.safetensors"
    other = (models / "two/model.safetensors").read_bytes() + (b"" if size == "the same" else bytes(100))

    def overwrite() -> None:
        with file.open("r+b") as handle:
            handle.write(other)

    def at_the_end(*args: Any) -> None:
        overwrite()
        real(*args)

    real = batch.write_companions
    with monkeypatch.context() as patch, at_tensor(4 if moment == "in the middle" else 0, overwrite):
        if moment == "at the end":
            patch.setattr(batch, "write_companions", at_the_end)
        said = refused(models, workers=1)
    assert said == "{tmp}/in/one/model.safetensors: was changed while it was being read; begin again when nothing writes to it."
    assert not (models.parent / "out").exists() and not (models.parent / "out.partial").exists()


def test_what_was_made_before_an_input_changed_is_not_used_after(models: Path) -> None:
    """Killed, overwritten, called again: the journal is of other inputs."""
    killed_after(models, 5)
    (models / "one/model.safetensors").write_bytes((models / "two/model.safetensors").read_bytes())
    assert contents(made(models)) == contents(made(models, "fresh"))


@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize("how", ["replaced", "deleted"])
def test_an_input_replaced_or_deleted_is_read_as_it_was(how: str, number: int, models: Path) -> None:
    """What has its name now is not what was merged: the card gives no digest of it."""
    fresh = made(models, "fresh")
    file = models / "one/model.safetensors"
    name, digests = digest(file), [digest(models / "two/model.safetensors")]

    def act() -> None:
        if how == "replaced":
            shutil.copy(models / "two/model.safetensors", models / "new")
            (models / "new").replace(file)
        else:
            file.unlink()

    with at_tensor(number, act):
        out = made(models, workers=1)
    assert (out / "model.safetensors").read_bytes() == (fresh / "model.safetensors").read_bytes()
    said = (out / "README.md").read_text()
    assert said.count(digests[0]) <= 1 and said.count(name) <= 1


def test_a_file_replaced_before_it_is_first_read(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its header is of the old one."""
    model = open_checkpoint("one", models / "one")
    other = models / "one/new"
    other.write_bytes((models / "one/model.safetensors").read_bytes())
    other.replace(models / "one/model.safetensors")
    with pytest.raises(InputChanged, match="was changed while it was being read"):
        model.read("model.norm.weight")
    assert model.changed() and not open_checkpoint("one", models / "one").changed()


def test_an_empty_file_is_not_mapped(models: Path) -> None:
    model = open_checkpoint("one", models / "one")
    os.truncate(models / "one/model.safetensors", 0)
    with pytest.raises(InputChanged, match="was cut short"):
        model.read("model.norm.weight")


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json"])
def test_a_tokenizer_that_changes_meanwhile_is_noticed(name: str, models: Path) -> None:
    file = models / "base" / name
    with at_tensor(3, lambda: file.write_text(file.read_text() + "\n")):
        said = refused(models, workers=1)
    assert said.startswith(f"{{tmp}}/in/base/{name}: was changed while it was being read; begin again when nothing writes to it.")
    assert not (models.parent / "out").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or not build.available(), reason="torch reads mapped memory")
@pytest.mark.parametrize("act", ["truncated", "replaced"])
def test_where_memory_is_short_too(act: str, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are read window by window."""
    file = models / "one/model.safetensors"
    fresh = made(models, "fresh", card=False)
    monkeypatch.setattr(batch, "page_room", lambda: 4000)
    monkeypatch.setattr(batch, "memory_limit", lambda: 4000)
    monkeypatch.setattr(batch, "cached", lambda _: False)

    def change() -> None:
        if act == "truncated":
            os.truncate(file, 100)
        else:
            shutil.copy(models / "two/model.safetensors", models / "new")
            (models / "new").replace(file)

    with at_tensor(4, change):
        if act == "truncated":
            said = refused(models, workers=1, card=False)
            assert said.startswith("{tmp}/in/one/model.safetensors: was cut short while it was being read; bring it back")
        else:
            assert contents(made(models, workers=1, card=False)) == contents(fresh)


def test_more_files_than_can_be_watched(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "MAPPED_FILES", 0)
    assert refused(models).endswith("/model.safetensors: more than 0 weight files cannot be open at a time.")


@posix
def test_watched_places_are_used_again() -> None:
    """A page that runs for months maps files again and again."""
    with tempfile.TemporaryDirectory() as folder:
        tiny.make_family(folder, models=("one",), layers=1)
        numbers = set()
        for _ in range(50):
            model = open_checkpoint("one", Path(folder) / "one")
            model.read("model.norm.weight")
            numbers |= {held._number for held in model._maps.values()}
            del model
        assert len(numbers) < 10 and -1 not in numbers


# ---------------------------------------------------------------------------------------------- the compiler


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of this test's own, and nothing loaded."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MERGER_KERNELS", raising=False)
    build.library.cache_clear()
    yield tmp_path / "cache/merger"
    build.library.cache_clear()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that was built as it should."""
    if not build.available():
        pytest.skip("no C compiler here")
    return shutil.copy(build._built(), tmp_path_factory.mktemp("built") / "whole.so")


def compiler(place: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler that does what we say; `$OUT` is where its output goes."""
    place.mkdir(exist_ok=True)
    file = place / "cc"
    file.write_text(f'#!/bin/sh\necho called >> "{place}/calls"\nwhile [ "$1" != -o ]; do shift; done; OUT=$2\n{body}\n')
    file.chmod(0o755)
    monkeypatch.setenv("CC", str(file))
    return place / "calls"


def calls(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0


def available() -> bool:
    """At a new start."""
    build.library.cache_clear()
    return build.available()


@posix
@pytest.mark.parametrize(
    "body", ["exec sleep 1000", "sleep 1000 & sleep 1000", "read x < /dev/zero"], ids=["it", "its child", "busy"]
)  # fmt: skip
def test_a_compiler_that_hangs_is_left_alone_for_a_day(
    body: str, cache: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(build, "COMPILER_SECONDS", 1)
    made_calls = compiler(tmp_path / "bin", body, monkeypatch)
    started = time.monotonic()
    assert not available()
    assert time.monotonic() - started < 10
    again = "(it is tried again after a day, or with MERGER_KERNELS=retry); torch computes instead, to the same bits, slower."
    assert caplog.messages == [f"The C compiler {tmp_path}/bin/cc did not finish within 1 seconds {again}"]
    started = time.monotonic()
    assert not available() and calls(made_calls) == 1
    assert time.monotonic() - started < 1
    assert caplog.messages[1:] == [f"The C compiler {tmp_path}/bin/cc did not finish when it was last tried {again}"]
    compiler(tmp_path / "bin", f'cp "{built}" "$OUT"', monkeypatch)  # mended
    assert not available() and calls(made_calls) == 1
    monkeypatch.setenv("MERGER_KERNELS", "retry")
    assert available() and calls(made_calls) == 2
    monkeypatch.delenv("MERGER_KERNELS")
    assert available() and calls(made_calls) == 2
    assert not list(cache.glob("*.hung"))


@posix
@pytest.mark.parametrize("shift", [-25 * 3600, 25 * 3600], ids=["a day later", "the clock went back"])
def test_after_a_day_it_is_tried_again(
    shift: int, cache: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_calls = compiler(tmp_path / "bin", f'cp "{built}" "$OUT"', monkeypatch)
    cache.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(build, "_note", lambda _: cache / "x.hung")
    (cache / "x.hung").touch()
    assert not available() and not calls(made_calls)
    os.utime(cache / "x.hung", (time.time() + shift,) * 2)
    assert available() and calls(made_calls) == 1 and not (cache / "x.hung").exists()


@posix
@pytest.mark.parametrize("damage", ["empty", "cut", "half", "a bit", "a link", "writable by all", "a pipe"])
def test_a_damaged_library_is_built_again(
    damage: str, cache: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is never loaded: that would kill the process, or slow all later ones silently."""
    made_calls = compiler(tmp_path / "bin", f'cp "{built}" "$OUT"', monkeypatch)
    assert available()
    (file,) = cache.glob("*.so")
    whole = file.read_bytes()
    if damage in ("empty", "cut", "half"):
        file.unlink()  # what this process has loaded stays as it is
        file.write_bytes(whole[: {"empty": 0, "cut": 3000, "half": len(whole) // 2}[damage]])
    elif damage == "a bit":
        file.unlink()
        file.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    elif damage == "a link":
        file.rename(tmp_path / "elsewhere.so")
        file.symlink_to(tmp_path / "elsewhere.so")
    elif damage == "writable by all":
        file.chmod(0o666)
    else:
        file.unlink()
        os.mkfifo(file)
    assert available() and calls(made_calls) == 2
    assert caplog.messages == [f"{file}: is damaged, or others can write to it; it is built again."]
    assert file.read_bytes() == whole and not file.is_symlink() and not file.stat().st_mode & 0o022
    assert available() and calls(made_calls) == 2


@posix
@pytest.mark.parametrize(("body", "words"), [
    ("exit 3", "The C compiler {cc} ended with 3"), ('echo junk > "$OUT"', "file too short"),
    ('rm "$OUT"', "No such file or directory"),
])  # fmt: skip
def test_a_compiler_that_fails_is_told(
    body: str, words: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compiler(tmp_path / "bin", body, monkeypatch)
    assert not available()
    assert words.format(cc=tmp_path / "bin/cc") in caplog.messages[-1]
    assert caplog.messages[-1].endswith("; torch computes instead, to the same bits, slower.")


@posix
def test_a_cache_from_which_nothing_may_be_run(
    cache: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compiler(tmp_path / "bin", f'cp "{built}" "$OUT"', monkeypatch)
    real = ctypes.CDLL

    def loaded(name: str, *args: Any) -> Any:
        if str(cache) in str(name):
            raise OSError("failed to map segment from shared object")
        return real(name, *args)

    monkeypatch.setattr(ctypes, "CDLL", loaded)
    assert available()
    assert "compiled passes cannot be kept there (failed to map segment" in caplog.messages[0]


@posix
def test_no_compiler_is_no_news(cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert not available() and not caplog.messages


# ---------------------------------------------------------------------------------------------- limits, and the command line


def run(*args: str | Path, limit: str = "", cwd: Path | None = None, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command line, as a user's shell runs it."""
    command = [sys.executable, "-m", "merger", *map(os.fspath, args)]
    if limit:
        command = ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh", *command]
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", cwd=cwd, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip


@posix
@pytest.mark.parametrize("limit", ["-n 5", "-n 7", "-f 0", "-f 2", "-v 100000", "-v 250000"])
@pytest.mark.long
def test_tight_limits_end_in_a_sentence(limit: str, models: Path) -> None:
    recipe = models.parent / "r.yaml"
    recipe.write_text(RECIPE)
    done = run("merge", recipe, models.parent / "out", cwd=models, limit=limit)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.search("Too many open files|File too large|merger cannot start: ", done.stderr)
    assert not (models.parent / "out").exists()


def test_memory_that_is_used_up_is_told_and_what_is_done_kept(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "The memory that this process may take is used up. Close other programs, use fewer threads (-j 1), or allow it more."

    def none_left() -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.")

    with at_tensor(4, none_left):
        said = refused(models, workers=1)
    assert said.startswith(f"{words}\n  3 finished tensors are kept in {{tmp}}/out.partial: ")
    assert contents(made(models)) == contents(made(models, "fresh"))

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        for card in (True, False):
            with pytest.raises(MergeError) as error:
                made(models, "other", card=card)
            assert str(error.value) == words
    recipe = models.parent / "r.yaml"
    recipe.write_text(RECIPE)
    for raised in (MemoryError(), RuntimeError("not enough memory: you tried to allocate 8 bytes.")):
        monkeypatch.setattr("merger.__main__.load_file", lambda _, raised=raised: (_ for _ in ()).throw(raised))
        assert main(["merge", str(recipe), str(models.parent / "x")]) == 1
        assert capsys.readouterr().err == f"MergeError: {words}\n"
    monkeypatch.setattr("merger.__main__.load_file", lambda _: (_ for _ in ()).throw(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        main(["merge", str(recipe), str(models.parent / "x")])
    assert not out_of_memory(ValueError("can't allocate memory"))


def test_no_home_no_cache_no_temporary_folder(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = made(models, "fresh")
    with monkeypatch.context() as patch:
        patch.delenv("XDG_CACHE_HOME", raising=False)
        patch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("Could not determine home directory.")))
        build.library.cache_clear()
        monkeypatch.setenv("MERGER_KERNELS", "off")
        assert build._cache_folder() is None
        assert digest(models / "one/model.safetensors")
        assert contents(made(models, "homeless")) == contents(fresh)
    build.library.cache_clear()
    missing = OSError(errno.ENOENT, "No such folder")
    monkeypatch.setattr(tempfile, "TemporaryDirectory", lambda **_: (_ for _ in ()).throw(missing))
    monkeypatch.setenv("TMPDIR", "/nowhere")
    recipe = load(RECIPE + "tokenizer_source: union")
    opened = batch.open_models(recipe, [models])
    speaking = tokenizer_folder(batch.make_plan(recipe, opened), opened)
    with pytest.raises(MergeError, match=r"^/nowhere: cannot be written: No such folder; name another in TMPDIR\.$"), speaking:
        pass


@posix
def test_a_folder_whose_name_is_no_text(models: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(models.parent) + b"/\xff out"))
    recipe = models.parent / "r.yaml"
    recipe.write_text(RECIPE)
    (models / "one/model.safetensors").rename(Path(os.fsdecode(os.fsencode(models / "one") + b"/w\xff\n.safetensors")))
    done = run("merge", recipe, odd, cwd=models)
    assert (done.returncode, done.stderr) == (0, "") and "Load it with transformers" in done.stdout
    assert (odd / "README.md").is_file()
    done = run("merge", recipe, odd, cwd=models, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 1 and re.fullmatch(r"MergeError: .* out: the folder is not empty; .*\n", done.stderr)


def test_a_path_with_a_tilde(models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HOME", str(models.parent))
    monkeypatch.setenv("USERPROFILE", str(models.parent))
    monkeypatch.chdir(models)
    (models.parent / "r.yaml").write_text(RECIPE)
    assert main(["merge", "~/r.yaml", "~/made"]) == 0
    assert capsys.readouterr().out.startswith(f"{models.parent}/made: ")
    assert (models.parent / "made/model.safetensors").is_file() and not (models / "~").exists()
    assert main(["merge", "~/r.yaml", "~nobody-of-that-name/made"]) == 1
    assert capsys.readouterr().err == (
        "MergeError: ~nobody-of-that-name/made: there is no such home folder; write the whole path.\n"
    )


@pytest.mark.parametrize("memory", ["300MB", "300001KB", "1GB"])
def test_the_memory_that_is_named_is_enough(memory: str, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer to `--memory 300MB` was that it takes 300 MB."""
    recipe = models.parent / "r.yaml"
    named = RECIPE.replace("model: ", f"model: {models}/").replace(": base", f": {models}/base")
    recipe.write_text(named.replace("dare_ties", "pcb"))
    if main(["merge", str(recipe), str(models.parent / "out"), "--memory", memory]):
        found = re.search(r"--memory (\S+?)[.,]", capsys.readouterr().err.splitlines()[1])
        assert found is not None and found[1] != memory
        assert main(["merge", str(recipe), str(models.parent / "out"), "--memory", found[1]]) == 0
    assert (models.parent / "out").is_dir()


def test_a_folder_that_is_missing_is_told_as_one(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`in/oen` looks like a model's name on the Hub."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("merger.hub.store.download", lambda reference, *_, **__: (_ for _ in ()).throw(
        CheckpointError(f"{reference}: is not on this machine, and HF_HUB_OFFLINE forbids to fetch it.")
    ))  # fmt: skip
    for reference, second in {
        "in/oen": f"  As a folder: {models} holds no folder 'oen'.  Did you mean 'one'?",
        "inn/one": f"  As a folder: {models.parent} holds no folder 'inn'.  Did you mean 'in'?",
        "./in/oen": f"  As a folder: {models} holds no folder 'oen'.  Did you mean 'one'?",
        f"{models}/x/y": f"  As a folder: {models} holds no folder 'x'.",
    }.items():
        said = within(20, lambda reference=reference: open_reference(reference, [models.parent]))
        assert said.startswith(f"{reference}: ") and said.split("\n")[1] == second


@posix
@pytest.mark.parametrize("after", [0.2, 0.6, 1.2])
def test_an_interrupt_at_any_moment(after: float, models: Path) -> None:
    """While torch is imported as while tensors are made."""
    recipe = models.parent / "r.yaml"
    recipe.write_text(RECIPE)
    process = subprocess.Popen(
        [sys.executable, "-m", "merger", "merge", str(recipe), str(models.parent / "out")], cwd=models, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
    )  # fmt: skip
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    if f"{os.sep}merger{os.sep}" in said or "Stopped" in said:  # else Python itself was being started
        assert "Traceback" not in said and process.returncode in (130, -signal.SIGINT)


def test_the_module_is_no_command_when_it_is_imported() -> None:
    """Another program that imports the engine gets its errors as they are."""
    code = "import sys; sys.modules['torch'] = None; import merger"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "import of torch halted" in done.stderr and "merger cannot start" not in done.stderr


def test_words_of_the_log_reach_the_terminal() -> None:
    """What the kernels say of a compiler is told without any setting up of logs."""
    assert logging.getLogger("merger.kernels.build").isEnabledFor(logging.WARNING)
    code = "import merger.kernels.build as k; k.log.warning('words')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == "words\n"


def test_names_that_a_merge_writes(models: Path) -> None:
    """Whatever is in a finished folder is on the list of what may be emptied: else a killed merge could not go on."""
    out = made(models, shard_size="3KB", recipe=RECIPE + "chat_template: chatml")
    assert all(places.WRITTEN.fullmatch(file.name) for file in out.iterdir())
    assert not places.WRITTEN.fullmatch("notes.txt") and not places.WRITTEN.fullmatch("my-model.safetensors")
