"""Bounds on what the server keeps on its disk, and that what was left behind goes: zips, uploads, models."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from bounded import BASE, FAMILY, PLAIN, ROOT, Clock, first, hosted, places
from hub_standin import Hub

from merger import limits
from merger.errors import Cancelled, CheckpointError, MergeError
from merger.hub import store
from merger.recipe import load
from merger.ui import Panels
from merger.ui.host import Host
from merger.ui.panels.models import Picking
from merger.ui.scratch import Scratch, scratch
from merger.ui.service import files
from merger.ui.service.files import Files
from merger.ui.studio import Studio


@pytest.fixture(scope="module")
def own() -> Studio:
    return hosted()


# ---------------------------------------------------------------------------------------------- the server's scratch


def test_what_waits_is_bounded(tmp_path, own, monkeypatch):
    place = Scratch(tmp_path)
    big = int(limits.MERGES_BYTES / 2.5)
    one = place.make("a", big, served=True)
    with pytest.raises(MergeError, match=r"12\.0 GB are set aside for merges that wait"):
        place.make("b", big, served=True)
    assert place.done(one)  # now it takes no more than itself
    place.make("b", int(limits.MERGES_BYTES * 0.2), served=True)
    monkeypatch.setattr(files, "ARCHIVE_BYTES", 1000)
    with pytest.raises(MergeError, match="too many for a browser"):
        Files(own).archive(load(PLAIN), lambda step: None)


def test_what_was_left_goes(tmp_path):
    clock = Clock()
    place = Scratch(tmp_path, clock)
    mine, programs, busy, private = (
        place.make("me", served=True), place.make("", served=True), place.make("gone"), place.make("me")
    )  # fmt: skip
    for done in (mine, programs, private):
        (done / "file").write_bytes(b"x")
        assert place.done(done)
    clock.now += limits.ABSENT_SECONDS + 1
    place.sweep(lambda owner: owner == "me")
    assert mine.exists() and private.exists() and not programs.exists() and busy.exists()
    clock.now += limits.ZIP_SECONDS
    place.sweep(lambda owner: owner == "me")
    assert not mine.exists() and not private.exists()
    place.left("gone")
    assert busy.exists(), "somebody writes to it"
    assert not place.done(busy) and not busy.exists()
    later = place.make("me", served=True)
    place.done(later)
    clock.now += limits.ABSENT_SECONDS + 1
    place.sweep(lambda owner: False)
    assert not later.exists()
    place.end()
    assert not place.root.exists()


def test_uploads_go(tmp_path, monkeypatch):
    """Read, an uploaded file is deleted; unread, a minute later; and half of one that failed."""
    place = Scratch(tmp_path)
    for name in ("read", "unread"):
        (place.served / name).mkdir()
        (place.served / name / "recipe.yaml").write_text("x")
    (place.served / "tmpabc").write_text("half an upload")
    outside = tmp_path / "outside.yaml"
    outside.write_text("x")
    place.used(str(place.served / "read" / "recipe.yaml"))
    place.used(str(place.served / "read" / ".." / ".." / ".." / "outside.yaml"))
    place.used(None)
    assert not (place.served / "read" / "recipe.yaml").exists() and outside.exists()
    place.sweep(lambda owner: False)
    assert (place.served / "unread" / "recipe.yaml").exists()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + limits.UPLOAD_SECONDS + 1)
    place.sweep(lambda owner: False)
    assert not (place.served / "unread" / "recipe.yaml").exists() and not (place.served / "tmpabc").exists()
    monkeypatch.setattr(time, "time", lambda: time.monotonic() + 1e10)
    place.sweep(lambda owner: False)
    assert list(place.served.iterdir()) == [] and outside.exists()


def test_a_file_that_was_used_is_deleted(own, monkeypatch):
    folder = scratch().served / "upload"
    folder.mkdir(exist_ok=True)
    for text in (PLAIN, "not: a recipe"):
        (folder / "recipe.yaml").write_text(text)
        Panels(own).recipe.use_file(first(own), str(folder / "recipe.yaml"), SimpleNamespace(session_hash="s", request=None))
        assert not (folder / "recipe.yaml").exists()
    folder.rmdir()


SERVERS = """
import os, signal, sys, threading, time
from merger.ui import keeper
from merger.ui.scratch import scratch
from merger.ui.visitors import Visitors
from merger.ui.service import files
from merger.ui.service.files import Files

class Page:
    visitors, is_running = Visitors(), True

def serve():
    made = scratch()
    (made.make("somebody", served=True) / "merged-model.zip").write_bytes(b"x" * 1000)
    page = Page()
    keeper.keep(page)

    def merging():  # a pool's thread, which Python waits for at its end
        while not page.visitors.ended.is_set():
            time.sleep(0.05)

    threading.Thread(target=merging).start()
    print(os.getpid(), made.root, flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass

for _ in range(4):
    if os.fork() == 0:
        serve()
        sys.exit()
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.long
def test_nothing_is_left_of_a_server_that_ended(tmp_path):
    """Stopped in any way, in the middle of a merge; one that was killed is cleaned up after by the next, a living one is not."""
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environment.pop("GRADIO_TEMP_DIR", None)
    started = subprocess.Popen([sys.executable, "-c", SERVERS], env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert started.stdout is not None
    told = [started.stdout.readline().split() for _ in range(4)]
    servers = [(int(pid), Path(root)) for pid, root in told]
    (first_one, stopped), (second, interrupted), (_, killed), (_, alive) = servers
    try:
        assert all(root.is_dir() and root.parent == tmp_path for _, root in servers)
        for (pid, _), number in zip(servers, (signal.SIGTERM, signal.SIGINT, signal.SIGKILL), strict=False):
            os.kill(pid, number)
        ends = time.monotonic() + 20
        while (runs(first_one) or runs(second)) and time.monotonic() < ends:
            time.sleep(0.05)
        assert not runs(first_one) and not runs(second), "a merge under way is not waited for"
        assert not stopped.exists() and not interrupted.exists()
        assert killed.exists() and alive.is_dir()
        Scratch(tmp_path).end()
        assert not killed.exists() and alive.is_dir()
    finally:
        for pid, _ in servers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        started.wait(20)


# ---------------------------------------------------------------------------------------------- merges


def test_a_merge_whose_owner_left_leaves_nothing(own):
    before = places()
    with pytest.raises(Cancelled):
        Files(own).archive(load(PLAIN), lambda step: own.leave("who left"), owner="who left")
    assert places() == before
    kept = Files(own).archive(load(PLAIN), lambda step: None, owner="who stays")
    again = Files(own).archive(load(PLAIN), lambda step: None, owner="who stays")
    assert not kept.parent.exists() and again.is_file(), "one zip for each page"
    own.leave("who stays")
    assert places() == before


@pytest.mark.parametrize("steps", range(1, 9))
def test_a_page_that_is_closed_in_a_merge_leaves_nothing(own, steps):
    """gradio closes the stream: at its first word, in mid-merge, or when the zip has just been offered."""
    before, on = places(), Panels(own)
    stream = on.take.download(first(own), SimpleNamespace(session_hash="closed", request=None))
    ended = any(next(stream, None) is None for _ in range(steps))
    stream.close()
    for thread in threading.enumerate():
        if thread.name == "merge to files":
            thread.join(20)
    if ended:
        own.leave("closed")  # the page tells so
    assert places() == before


def test_a_merge_that_fails_leaves_nothing(own, monkeypatch):
    before = places()
    monkeypatch.setattr(files, "_zipped", lambda *_: (_ for _ in ()).throw(OSError("planted")))
    told = list(Panels(own).take.download(first(own), SimpleNamespace(session_hash="s", request=None)))
    assert "our fault" in told[-1]["merged"]["value"] and places() == before


# ---------------------------------------------------------------------------------------------- the cache of models


def test_the_cache_holds_its_bound(tmp_path, monkeypatch):
    """Four visitors who never leave: the oldest models go when nobody hears them, and none come where all are heard."""
    names = ("base", "pirate", "plural", "story", "count")
    with Hub() as hub:
        for i in range(4):
            for name in names[:2]:
                hub.add(f"v{i}/{name}", FAMILY / name)
        for key, value in {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HOME": str(tmp_path)}.items():
            monkeypatch.setenv(key, value)
        one = sum(file.stat().st_size for name in names[:2] for file in (FAMILY / name).iterdir())
        place = Studio(ROOT / "presets", host=Host(hosted=True, disk=int(3.5 * one), family=frozenset({BASE})))
        clock = Clock()
        place.visitors._clock = clock
        picking, on = Picking(place), Panels(place)

        def bring(i: int) -> str:
            request = SimpleNamespace(session_hash=f"visitor {i}", request=None)
            place.visitors.seen(f"visitor {i}", f"1.2.3.{i}")
            shelf = (f"v{i}/base", f"v{i}/pirate")
            loaded = lambda changes: on.load_family(first(place), shelf[0], [shelf[1]], changes, request)  # noqa: E731
            told = list(picking.fetch(shelf, f"visitor {i}", False, loaded))
            return "".join(one["pick notice"].get("value", "") for one in told if "pick notice" in one)

        assert [bring(i) for i in range(3)] == ["", "", ""] and store.size() <= place.host.disk
        assert "Models that other visitors use right now fill" in bring(3)
        assert store.size() <= place.host.disk and store.cached("v3/base") is None and store.cached("v0/base") is not None
        clock.now += limits.MODEL_SECONDS + 1
        place.visitors.seen("visitor 1", "1.2.3.1")
        place.visitors.seen("visitor 2", "1.2.3.2")
        assert bring(3) == "" and store.size() <= place.host.disk
        gone = [name for name in ("v0/base", "v0/pirate") if store.cached(name) is None]
        assert gone and all(store.cached(f"v{i}/{name}") for i in (1, 2, 3) for name in names[:2])
        with pytest.raises(CheckpointError, match=f"{gone[0]}: is not here yet"):
            place.plan(load(f"{{merge_method: linear, models: [{{model: {gone[0]}, parameters: {{weight: 1}}}}]}}"))
        assert place._visits and not picking._coming


def test_a_programs_models_stay_open_while_it_is_served(tmp_path):
    own, model = Studio(ROOT / "presets", host=Host()), str(tmp_path / "of-nobody-else")
    shutil.copytree(FAMILY / "pirate", model)
    recipe = load(PLAIN.replace(BASE, model))
    with own.using(recipe):
        own.plan(recipe)
        for heard_only in (False, True):
            own.close_unused(heard_only)
            assert model in own.parents.opened
    assert not any(name.startswith("program") for name in own._visits)
    own.close_unused()
    assert model not in own.parents.opened
