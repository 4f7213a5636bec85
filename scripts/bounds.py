"""Tests on the lowest versions that requirements.txt allows, in an environment of their own: python scripts/bounds.py

Without arguments: what speaks, the names of tensors, the guard, the Hub, pictures, the page's parts. Others after --, as pytest
takes them. --only NAME ... takes the lowest of these packages alone, so that a bound can be looked for. The rest, with torch,
is that of the environment this runs in: a few megabytes in .cache/bounds.
"""

import argparse
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = ("internals", "evaluate", "speak", "prefixes", "loadable", "hub", "analysis", "components")
SHARED = ("torch",)
"""Packages of gigabytes, which are never fetched again: their bound is that of what is installed."""


def lowest(text: str) -> dict[str, str]:
    """Package -> its lower bound.

    >>> lowest("torch>=2.8,<=2.13\\n# six\\nplotly>=6,<8\\n")
    {'torch': '2.8', 'plotly': '6'}
    """
    return dict(re.findall(r"^([A-Za-z0-9_-]+)>=([0-9][0-9.]*)", text, re.MULTILINE))


def environment(wanted: Sequence[str]) -> Path:
    """A python with these packages, and for the rest with those of this one."""
    folder = ROOT / ".cache" / "bounds"
    venv.create(folder, clear=True, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True, capture_output=True, text=True
    ).stdout.strip()
    (Path(where) / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted], check=True)
    return python


def main(arguments: Sequence[str]) -> int:
    """The exit status of the tests."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", nargs="+", metavar="NAME", help="the lowest of these packages alone")
    options.add_argument("tests", nargs="*", help="for pytest, after --")
    given = options.parse_args(arguments)
    bounds = lowest((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    names = given.only or [name for name in bounds if name not in SHARED]
    strange = [name for name in names if name not in bounds or name in SHARED]
    if strange:
        print(f"{strange[0]}: has no lower bound that can be tried; name {', '.join(n for n in bounds if n not in SHARED)}.")
        return 2
    wanted = [f"{name}=={bounds[name]}" for name in names]
    print(f"trying {', '.join(wanted)} ...", flush=True)
    python = environment(wanted)
    tests = given.tests or [f"tests/test_{name}.py" for name in TESTS]
    return subprocess.run([python, "-m", "pytest", "-q", "-m", "not browser and not smollm", *tests], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
