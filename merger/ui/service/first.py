"""The first screen's answers, made beforehand: the page is up before a model is loaded.

presets/first.json holds what the first preset's rows are answered, under a digest of the recipe, the rows and the models' files;
`python scripts/first.py` writes it. Where the digest is another (other presets, other models) the answers are made at the start.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from merger.recipe import dump
from merger.ui.rows import Row
from merger.ui.service.feeds import Feed
from merger.ui.studio import Studio
from merger.ui.workspace import Workspace

FILE = "first.json"


def digest(studio: Studio, work: Workspace, rows: Sequence[Row]) -> str:
    """What the answers depend on, in one word."""
    hashed = hashlib.sha256(dump(work.recipe).encode())
    hashed.update(json.dumps([row.shown for row in rows]).encode())
    for reference in (work.base, *work.chosen):
        folder = studio.parents.model(reference, studio.access).folder
        for name in ("model.safetensors", "tokenizer.json"):
            hashed.update((folder / name).read_bytes() if (folder / name).exists() else b"")
    return hashed.hexdigest()


def made_before(folder: Path, studio: Studio, work: Workspace, rows: Sequence[Row]) -> Feed | None:
    """The feed of the file in a folder of presets; None where there is none for these rows."""
    try:
        kept: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept["feed"] if kept.get("digest") == digest(studio, work, rows) else None


__all__ = ["FILE", "digest", "made_before"]
