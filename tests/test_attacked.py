"""What fresh eyes found: results that were wrong without a word, and files of others that were taken for one's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny

from merger.engine import batch
from merger.engine.batch import merge
from merger.recipe import load

RECIPE = """
merge_method: task_arithmetic
base_model: base
models: [{model: one, parameters: {weight: 0.6}}, {model: two, parameters: {weight: 0.4}}]
"""


class Killed(BaseException):
    """What no `except Exception` sees, as a signal."""


def test_a_merge_does_not_go_on_with_a_recipe_of_another_length(tmp_path: Path) -> None:
    """Same tensors, another text: it stands before them in the file, and what was written would lie at the wrong places."""
    tiny.make_family(tmp_path, models=("base", "one", "two"), layers=2)
    real, begun = batch.stretches, 0

    def acting(*args: Any) -> Iterator[Any]:
        nonlocal begun
        begun += 1
        if begun > 7:
            raise Killed
        yield from real(*args)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(batch, "stretches", acting)
        merge(load(RECIPE), tmp_path / "out", roots=[tmp_path], workers=1)
    named = load("name: the-same-merge-by-a-longer-name\n" + RECIPE)
    for folder in ("out", "fresh"):
        merge(named, tmp_path / folder, roots=[tmp_path])
    made, wanted = ((tmp_path / folder / "model.safetensors").read_bytes() for folder in ("out", "fresh"))
    assert made == wanted
