"""Systems that are not here: compilers that know other flags, and Windows, told in a sentence at the start."""

import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from merger.kernels import build, cpu

ROOT = Path(__file__).parent.parent
REAL = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


@pytest.fixture
def anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache of its own, and a process that has built nothing yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    build.library.cache_clear()
    yield
    build.library.cache_clear()


def compiler(file: Path, takes: str) -> Path:
    """This machine's compiler, as one that takes only this of the flags that name a processor; it gets none of them."""
    file.write_text(
        "#!/bin/bash\nargs=()\nfor a in \"$@\"; do\n  case \"$a\" in\n"
        f"    -m*=native) [ \"$a\" = \"{takes}\" ] || {{ echo \"unknown $a\" >&2; exit 1; }};;\n"
        "    *) args+=(\"$a\");;\n  esac\ndone\n"
        f"exec {REAL} \"${{args[@]}}\"\n"
    )  # fmt: skip
    file.chmod(0o755)
    return file


@pytest.mark.skipif(REAL is None, reason="no C compiler here")
@pytest.mark.parametrize(("takes", "how"), [
    ("-march=native", ""), ("-mcpu=native", "with -mcpu=native"), ("none", "for any processor of this kind, which is slower"),
])  # fmt: skip
@pytest.mark.long
def test_a_compiler_that_knows_other_flags(
    takes: str, how: str, anew: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Apple's older clang, and others on ARM: the passes are built all the same, to the same bits, and it is said how."""
    named = compiler(tmp_path / "cc", takes)
    monkeypatch.setenv("CC", str(named))
    with caplog.at_level(logging.WARNING, "merger.kernels.build"):
        assert build.available()
    wanted = [f"{named} does not take -march=native; the compiled passes are built {how}."] if how else []
    assert caplog.messages == wanted
    x = torch.randn(3000, generator=torch.Generator().manual_seed(0))
    assert cpu.kth(x, None, 7)[0] == float(x.abs().sort(descending=True).values[6])
    build.library.cache_clear()
    assert build.available() and caplog.messages == wanted  # built once, told once


@pytest.mark.parametrize(
    ("name", "ends"), [("merger", "SystemExit"), ("C:\\\\x\\\\app.py", "SystemExit"), ("theirs.py", "ImportError")]
)
def test_windows_is_refused_before_anything_is_done(name: str, ends: str) -> None:
    """In a sentence with the way out; another program that imports the package gets an error that it can catch."""
    code = (
        f"import sys; sys.platform = 'win32'; sys.argv = ['{name}']\n"
        "try: import merger\nexcept BaseException as e: print(type(e).__name__, e)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    assert told.stdout.startswith(f"{ends} merger does not run on Windows itself") and "WSL 2" in told.stdout
    assert "torch" not in told.stdout and not told.stderr
