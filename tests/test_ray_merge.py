"""A merge shared out on a Ray cluster: the bits of one process, whatever dies on the way; in an environment of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny

from merger.__main__ import main
from merger.engine import cluster
from merger.engine.batch import merge
from merger.errors import MergeError
from merger.recipe import load
from merger.search.trials import Runner

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".cache/ray/bin/python"
here = pytest.mark.skipif(not PYTHON.exists(), reason="no Ray here: `make machines` fetches it (270 MB)")
RECIPE = """
merge_method: ties
base_model: in/base
models: [{model: in/one, parameters: {weight: 0.6, density: 0.5}}, {model: in/two, parameters: {weight: 0.4, density: 0.5}}]
"""
SIZE = "1KB"
# A machine of two processors, as a cluster sees it, to which others come.
CLUSTER = """
    import glob, json, os, signal, sys, threading, time
    from pathlib import Path
    sys.path[:0] = [{root!r}]
    from ray.cluster_utils import Cluster
    import ray

    cluster = Cluster(initialize_head=True, head_node_args=dict(num_cpus=2, include_dashboard=False))
    ray.init(address=cluster.address, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    from merger.engine import machines
    from merger.errors import MergeError
    from merger.recipe import load_file
    told = dict(hosts=[], steps=[], events=[])

    def workers(word):
        for process in Path("/proc").glob("[0-9]*"):
            try:
                line = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if line.startswith(b"ray::") and word in line:
                yield int(process.name)

    def go(out="far", progress=None, **more):
        try:
            plan = machines.merge_on_ray(
                load_file("r.yaml"), out, "auto", **dict(shard_size={size!r}, workers=1) | more,
                progress=lambda step: (told["steps"].append([step.tensors, step.of_tensors, step.nbytes, step.of_nbytes]),
                                       progress and progress(step)))
            told["remarks"] = list(plan.remarks)
        except MergeError as error:
            told["error"] = str(error)
"""
END = """
    Path("told.json").write_text(json.dumps(told))
    ray.shutdown()
    cluster.shutdown()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cluster")
    tiny.make_family(folder / "in", models=("base", "one", "two"), layers=6)
    (folder / "r.yaml").write_text(RECIPE)
    with contextlib.chdir(folder):
        merge(load(RECIPE), "plain", shard_size=SIZE)
    return folder


@pytest.fixture
def place(home: Path, tmp_path: Path) -> Path:
    """A folder in which the family is seen."""
    (tmp_path / "in").symlink_to(home / "in")
    (tmp_path / "r.yaml").write_text(RECIPE)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


SLOW = """
    def slow_make(asked, number):  # each tensor takes a while, so that there is a middle
        import time
        import merger.engine.batch as batch, merger.engine.machines as there
        if not hasattr(batch, "real"):
            batch.real = batch.stretches
            def slow(*given):
                time.sleep({seconds})
                yield from batch.real(*given)
            batch.stretches = slow
        return there._make(asked, number)

    machines._make = slow_make
"""


def told(place: Path, program: str, seconds: float = 0.15) -> dict[str, list[list[int]]]:
    parts = (CLUSTER.format(root=str(ROOT), size=SIZE), SLOW.format(seconds=seconds), program, END)
    whole = "".join(map(textwrap.dedent, parts))
    done = subprocess.run(
        [PYTHON, "-c", whole], cwd=place, env=environment(), capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return json.loads((place / "told.json").read_text())


@here
@pytest.mark.long
def test_workers_die_and_a_machine_joins_and_all_files_are_the_same(home: Path, place: Path) -> None:
    """In the middle a worker is killed, then a second machine comes, then that is lost with all it was at."""
    found = told(
        place,
        """
        def meanwhile(step):
            if step.tensors >= 4 and "killed" not in told["events"]:
                for pid in list(workers(b"slow_make"))[:1]:
                    os.kill(pid, signal.SIGKILL)
                    told["events"].append("killed")
            elif step.tensors >= 8 and "joined" not in told["events"]:
                global second
                second = cluster.add_node(num_cpus=2)
                told["events"].append("joined")
            elif step.tensors >= 30 and "lost" not in told["events"]:
                cluster.remove_node(second, allow_graceful=False)
                told["events"].append("lost")

        go(progress=meanwhile)
        """,
    )
    assert "error" not in found, found
    assert found["events"] == ["killed", "joined", "lost"]
    assert contents(place / "far") == contents(home / "plain")
    assert not (place / "far.partial").exists()
    tensors = [step[0] for step in found["steps"]]
    assert tensors == sorted(tensors) and len(set(tensors)) > 5
    last = found["steps"][-1]
    assert last[0] <= last[1] and last[2] <= last[3]


@here
@pytest.mark.long
def test_stopped_and_failed_merges_go_on(home: Path, place: Path) -> None:
    """Ctrl-C ends all parts, and a part that fails ends the others; what was written stays, and the same call makes the rest."""
    found = told(
        place,
        """
        def stop(step):
            if step.tensors >= 6 and "stopped" not in told["events"]:
                told["events"].append("stopped")
                os.kill(os.getpid(), signal.SIGINT)

        try:
            go(progress=stop)
        except KeyboardInterrupt:
            told["events"].append("heard")
        end = time.monotonic() + 20
        while list(workers(b"slow_make")) and time.monotonic() < end:
            time.sleep(0.1)
        told["left"] = len(list(workers(b"slow_make")))
        told["done"] = len([*Path("far.partial").glob(".done-*")])
        told["first"] = told.pop("steps")
        told["steps"] = []

        def failing(asked, number):
            import time
            from merger.errors import NonFiniteError
            if number == 3:
                time.sleep(1)
                raise NonFiniteError("in/one has NaN in layer 5")
            return slow_make(asked, number)

        machines._make = failing
        go()
        told["failed"] = told.pop("error"), told["steps"]
        told["steps"] = []
        machines._make = slow_make
        from merger.engine.claims import Claim
        held = Claim()  # as a network folder's lock of a machine that died: it is let go of in the end
        held.take(Path("far.partial"), "5-of-8")
        threading.Timer(12, held.release).start()
        go()
        """,
    )
    assert found["events"] == ["stopped", "heard"] and found["left"] == 0 and found["done"] < 8
    said, steps = found["failed"]
    assert said.startswith("part 3 of 8: in/one has NaN in layer 5\n  "), said
    assert said.endswith("other parts were not done. What is written is kept: the same command goes on from there.")
    assert steps[0][0] >= 6  # what was written before the stop counts
    assert "error" not in found and contents(place / "far") == contents(home / "plain")


@here
@pytest.mark.long
def test_what_cannot_be_shared_out_is_refused_before_the_work(home: Path, place: Path) -> None:
    found = told(
        place,
        """
        from dataclasses import replace
        import shutil
        told["said"] = {}

        def said(name, **more):
            go(name, **more)
            told["said"][name] = told.pop("error", "")
            shutil.rmtree(name + ".partial", ignore_errors=True)

        def elsewhere(**other):
            def make(asked, number):
                from dataclasses import replace
                import merger.engine.machines as there
                there._SEE = 0.5
                return there._make(replace(asked, **other), number)
            machines._make = make

        said("processors", workers=99)
        said("gpu", device="cuda")
        said("numbered", device="cuda:1")
        said("memory", memory=10**15)
        elsewhere(out=str(Path("not/shared").absolute()))
        said("unshared")
        elsewhere(version="0.0.1")
        said("version")
        shutil.copytree("in", "other/in")
        file = Path("other/in/two/model.safetensors")
        raw = bytearray(file.read_bytes())
        raw[-1] ^= 1
        file.write_bytes(raw)
        elsewhere(roots=(str(Path("other").absolute()),))
        said("parents")
        elsewhere()
        said("one", shard_size="5GB")
        told["other"] = sorted(path.name for path in Path("not").iterdir()) if Path("not").exists() else []
        """,
    )
    said = found["said"]
    assert (
        said["processors"].startswith("--ray: a part takes 99 processors, ")
        and "(of 1, at most 2 processors, " in said["processors"]
    )
    assert "and a GPU, and no machine of the cluster gives that" in said["gpu"]
    assert said["numbered"] == "--device cuda:1: Ray gives each part a GPU of its own; write --device cuda."
    assert "a part takes 1 processor, 1000.0 TB of memory, and no machine" in said["memory"]
    assert f"does not see the folder {place}/not/shared.partial in which the command works" in said["unshared"], said
    assert "and the command 0.0.1: install the same on all machines." in said["version"]
    assert "part 0" not in said["parents"] and "was given other files of in/two, and would not fit" in said["parents"], said
    assert said["one"] == "" and found["other"] == []
    with contextlib.chdir(home):
        merge(load(RECIPE), place / "whole")
    assert contents(place / "one") == contents(place / "whole")


@here
@pytest.mark.long
def test_the_command_line_on_this_machine(home: Path, place: Path) -> None:
    """`--ray local`, as a command of its own, stopped by Ctrl-C; then again to the end."""
    command = [PYTHON, "-m", "merger", "merge", "r.yaml", "far", "--out-shard-size", SIZE, "-j", "1", "--ray", "local"]
    running = subprocess.Popen(command, cwd=place, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True)
    end = time.monotonic() + 120
    while not (place / "far.partial/.journal-1-of-8").exists() and not (place / "far").exists() and time.monotonic() < end:
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal sends it, to all of them
    said = running.communicate(timeout=120)[1]
    assert running.returncode == 130 and "the same command goes on from there" in said, said
    assert "Traceback" not in said
    done = subprocess.run(command, cwd=place, env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert contents(place / "far") == contents(home / "plain")


@pytest.fixture
def without_ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "ray", None)
    yield


@pytest.mark.usefixtures("without_ray")
@pytest.mark.parametrize("command", ["merge r.yaml out --ray", "sweep r.yaml --vary seed=0:1:2 --probes p --ray local",
                                     "merge r.yaml out --ray ray://[::1]:10001"])  # fmt: skip
def test_without_ray_there_is_one_sentence(
    command: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setattr(Runner, "marks", lambda *_: pytest.fail("models were heard before it was told"))
    (place / "p").write_text("a => b\n")
    assert main(command.split()) == 1
    said = capsys.readouterr().err
    assert said.endswith("MergeError: --ray needs Ray, which is not installed here: pip install 'merge-explorer[ray]'.\n"), said
    assert not [*place.glob("out*")]


@pytest.mark.parametrize("given, says", [
    ("merge r.yaml out --ray auto --part 1/2", "give either --ray, which makes all parts and joins them, or --part and --join"),
    ("merge r.yaml out --ray auto --join", "give either --ray"),
    ("merge out --ray r.yaml", "name the new model's folder"),
    ("merge r.yaml out --ray somewhere", "--ray somewhere: is no address of a cluster; write auto"),
    ("merge r.yaml out --ray ray://host", "--ray ray://host: is no address of a cluster"),
    ("merge r.yaml out --ray host:6379/x", "is no address of a cluster"),
    ("merge r.yaml out --ray 127.0.0.1:99999", "--ray 127.0.0.1:99999: no cluster answers there"),
    ("tune r.yaml --ray", "--ray: shares out the trials of a search; write --search too"),
    ("sweep r.yaml --vary seed=0:1:2 --probes p --workers 2", "--workers: is of --ray"),
])  # fmt: skip
def test_what_does_not_go_together_is_told(
    given: str, says: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setitem(sys.modules, "ray", type("Ray", (), {"is_initialized": staticmethod(lambda: False)}))
    monkeypatch.setattr(Runner, "marks", lambda *_: pytest.fail("models were heard before it was told"))
    (place / "p").write_text("a => b\n")
    assert main(given.split()) == 1
    assert says in capsys.readouterr().err


def test_how_many_tasks_a_machine_takes() -> None:
    machine = cluster.Machine(cpus=8, memory=10e9, gpus=2)
    assert [machine.takes(*size) for size in ((4, 1, 0), (4, 6 * 10**9, 0), (1, 1, 1), (9, 1, 0), (1, 0, 0))] == [2, 1, 2, 0, 8]


def test_no_address_is_looked_up_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray waits for minutes for a cluster that is not there; a knock at the door is answered at once."""
    monkeypatch.setitem(sys.modules, "ray", type("Ray", (), {"is_initialized": staticmethod(lambda: False)}))
    with pytest.raises(MergeError, match=r"--ray 127\.0\.0\.1:1: no cluster answers there"), cluster.connected("127.0.0.1:1"):
        pass
