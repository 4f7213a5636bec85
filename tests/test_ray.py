"""Searches and sweeps on a Ray cluster: the trials of one process, with a worker killed; in an environment of its own."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from merger.errors import MergeError
from merger.recipe import load
from merger.search import seats

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".cache/ray/bin/python"
here = pytest.mark.skipif(not PYTHON.exists(), reason="no Ray here: `make machines` fetches it (270 MB)")
PROGRAM = """
    import json, os, signal, sys, time
    from pathlib import Path
    sys.path[:0] = [{root!r}, {tests!r}]
    import ray
    from tiny import make_family
    from merger.engine.session import Parents
    from merger.recipe import dump, load
    from merger.search import study
    from merger.search.likelihood import Example
    from merger.search.trials import Runner

    home = Path({folder!r})
    make_family(home / "models")
    entries = [dict(model=m, parameters=dict(weight=0.5)) for m in "ab"]
    recipe = load(json.dumps(dict(merge_method="task_arithmetic", base_model="base", models=entries)))
    skills = dict(one=(Example((4, 5, 6), (7, 8)), Example((5, 5), (9,))), other=(Example((10, 11), (12, 13)),))

    def order(name):
        roots = (home / "models",)
        return study.Order(dump(recipe), study.space(recipe), skills, home / name, "tpe", 0, 8, 300, roots=roots)

    def killed(number):
        # a worker is killed after the first turn: what it should try next is tried by its successor
        if number == 3:
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    line = (process / "cmdline").read_bytes()
                except OSError:
                    continue
                if line.startswith(b"ray::_Far"):
                    os.kill(int(process.name), signal.SIGKILL)
                    print("killed one", file=sys.stderr)
                    return

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    far = study.search(order("far.db"), workers=2, ray="auto", told=killed)
    near = study.search(order("near.db"), Runner(Parents(roots=[home / "models"])))
    told = [[[one.text, one.heard] for one in found] for found in (far, near)]
    (home / "told.json").write_text(json.dumps(told))
"""


@here
@pytest.mark.long
def test_a_cluster_finds_what_one_process_finds(tmp_path: Path) -> None:
    program = textwrap.dedent(PROGRAM).format(root=str(ROOT), tests=str(ROOT / "tests"), folder=str(tmp_path))
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([PYTHON, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "killed one" in done.stderr
    far, near = json.loads((tmp_path / "told.json").read_text())
    assert len(far) == 8 and far == near


@pytest.fixture
def others(tmp_path: Path) -> Iterator[None]:
    """A cluster of somebody else on this machine, which gives nobody a processor."""
    program = """
        import sys
        from ray.cluster_utils import Cluster
        cluster = Cluster(initialize_head=True, head_node_args=dict(num_cpus=0, include_dashboard=False))
        print("up", flush=True)
        sys.stdin.read()
        cluster.shutdown()
    """
    env = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(
        [PYTHON, "-c", textwrap.dedent(program)], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin and running.stdout
        assert any(line == "up\n" for line in running.stdout)
        yield
        running.stdin.close()


@here
@pytest.mark.long
def test_a_sweep_on_a_cluster_finds_what_one_process_finds(tmp_path: Path, others: None) -> None:
    """Its points are tried side by side, and told in their order. `local` is a cluster of its own, and its seats are no more
    than its processors."""
    (tmp_path / "probes").write_text("plural of box => boxes\nplural of cat => cats\n")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    found: dict[str, object] = {}
    for name, more in (("near", []), ("far", ["--ray", "local", "--workers", "99"])):
        command = [
            "sweep", "presets/pirate_and_plurals.yaml", "--vary", "models[0].parameters.weight=0:1:9", "--how", "random",
            "--trials", "3", "--probes", "probes", "--out", f"{name}.json", *more,
        ]  # fmt: skip
        done = subprocess.run(
            [PYTHON, "-m", "merger", *command], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found[name] = [trial | {"seconds": 0} for trial in json.loads((tmp_path / f"{name}.json").read_text())["trials"]]
    assert found["far"] == found["near"] and len(json.dumps(found)) > 1000


@here
@pytest.mark.long
def test_no_cluster_answers() -> None:
    program = "import sys; sys.path.insert(0, {root!r}); from merger.__main__ import main; sys.exit(main(sys.argv[1:]))"
    recipe = str(ROOT / "presets/pirate_and_plurals.yaml")
    given = ["tune", recipe, "--search", "--most", "2", "--trials", "1", "--ray", "127.0.0.1:1"]
    done = subprocess.run(
        [PYTHON, "-c", program.format(root=str(ROOT)), *given], cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 1 and "--ray 127.0.0.1:1: no cluster answers there" in done.stderr, done.stderr[-2000:]
    assert "Traceback" not in done.stderr


def test_without_ray_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    recipe = load("{merge_method: linear, models: [{model: a, parameters: {weight: 1}}]}")
    opened = seats.opened(recipe, 2, "auto", None)  # type: ignore[arg-type] - it is not asked for anything before
    with pytest.raises(MergeError, match=r"--ray needs Ray, .*pip install 'merge-explorer\[ray\]'"), opened:
        pass
