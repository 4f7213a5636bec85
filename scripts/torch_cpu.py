"""PyTorch's CPU build on Linux without an NVIDIA card, where PyPI's would bring gigabytes of CUDA along: for `make`.

    python scripts/torch_cpu.py [pip's own arguments]

Does nothing where a torch is there already, elsewhere than on Linux, where there is a card, or where pip is told an index.
"""

import importlib.util
import platform
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

INDEX = "https://download.pytorch.org/whl/cpu"
ROOT = Path(__file__).resolve().parents[1]
CARDS = ("/proc/driver/nvidia/version", "/dev/nvidia0", "/usr/lib/wsl/lib/nvidia-smi")
SECONDS = 15


def wanted(pip_args: Sequence[str]) -> bool:
    """Whether the CPU build is to be fetched."""
    told = any(arg.startswith(("-i", "--index-url", "--extra-index-url", "--no-index", "-f", "--find-links")) for arg in pip_args)
    card = shutil.which("nvidia-smi") is not None or any(Path(place).exists() for place in CARDS)
    return platform.system() == "Linux" and not told and not card and importlib.util.find_spec("torch") is None


def reachable(index: str = INDEX) -> bool:
    """Whether the index answers."""
    try:
        urllib.request.urlopen(f"{index}/torch/", timeout=SECONDS).close()
    except (OSError, ValueError):
        return False
    return True


def requirement() -> str:
    """The line of requirements.txt that asks for torch."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("torch"))


def main(pip_args: Sequence[str]) -> None:
    """Install it; where that cannot be, say so and leave torch to requirements.txt."""
    if not wanted(pip_args):
        return
    if reachable():
        print(f"no NVIDIA card here: installing PyTorch's CPU build from {INDEX} ...", flush=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pip_args]
        if subprocess.run([*command, "--index-url", INDEX, requirement()], check=False).returncode == 0:
            return
        reason = "had no torch for this machine"
    else:
        reason = "cannot be reached"
    print(f"{INDEX} {reason}: torch comes from pip's usual index; on Linux that may bring some gigabytes of CUDA.", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
