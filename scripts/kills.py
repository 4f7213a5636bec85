"""Kill a merge at random moments, let it go on each time, and compare what comes out with a merge that nobody disturbed.

    python scripts/kills.py --times 100

Makes three small models, merges them once in peace, then again and again with SIGKILL (or the given signal) at a moment drawn
from the time the merge takes, until it gets through. Exits with 1 at the first difference.
"""

import argparse
import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

ROOT = Path(__file__).parent.parent
RECIPE = """
merge_method: ties
base_model: base
models:
  - {model: one, parameters: {weight: 0.6, density: 0.5}}
  - {model: two, parameters: {weight: 0.4, density: 0.3}}
dtype: bfloat16
"""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--times", type=int, default=100, help="kills in all (default 100)")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--layers", type=int, default=150, help="layers of the models, 2 MB each")
    given = options.parse_args()
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="kills-") as where:
        folder = Path(where)
        make_models(folder, given.layers)
        started = time.monotonic()
        assert merge(folder, "peace").wait() == 0, "the undisturbed merge failed"
        took = time.monotonic() - started
        expected = digests(folder / "peace")
        kills = finished = kept = 0
        while kills < given.times:
            process = merge(folder, "out")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(draw.uniform(0.4 * took, took))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                assert not (folder / "out").exists() or digests(folder / "out") == expected, "half a model looks whole"
                kept += sum(1 for _ in (folder / "out.partial").glob(".journal")) if (folder / "out.partial").is_dir() else 0
            if (folder / "out").exists():
                if digests(folder / "out") != expected:
                    print("DIFFERENT: a merge that was killed and went on is not the merge that nobody disturbed")
                    return 1
                finished += 1
                shutil.rmtree(folder / "out")
        assert merge(folder, "out").wait() == 0 or (folder / "out").exists()
        same = digests(folder / "out") == expected
    verdict = "all the same" if same else "DIFFERENT"
    print(f"{kills} kills, {kept} of them left a journal; {finished + 1} merges got through, {verdict}")
    return 0 if same else 1


def merge(folder: Path, out: str) -> "subprocess.Popen[bytes]":
    """Start a merge as a user does; `out` is left alone if it is whole already."""
    command = [sys.executable, "-m", "merger", "merge", "recipe.yaml", out, "-q", "--out-shard-size", "40MB"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_models(folder: Path, layers: int) -> None:
    """Three models of this many layers of 1024 x 1024, bfloat16, and the recipe."""
    for i, name in enumerate(("base", "one", "two")):
        own = torch.Generator().manual_seed(i)
        shared = torch.Generator().manual_seed(99)
        tensors = {
            f"model.layers.{n}.mlp.up_proj.weight": (
                torch.randn(1024, 1024, generator=shared) + 0.1 * i * torch.randn(1024, 1024, generator=own)
            ).to(torch.bfloat16)
            for n in range(layers)
        }
        (folder / name).mkdir()
        save_file(tensors, folder / name / "model.safetensors")
        (folder / name / "config.json").write_text("{}")
    (folder / "recipe.yaml").write_text(RECIPE)


def digests(folder: Path) -> dict[str, str]:
    """What is in a model's folder."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


if __name__ == "__main__":
    sys.exit(main())
