"""A merge that is killed in the middle, as by a signal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from merger.engine import batch
from merger.recipe import load

RECIPE = """
merge_method: task_arithmetic
base_model: base
models: [{model: one, parameters: {weight: 0.6}}, {model: two, parameters: {weight: 0.4}}]
"""


class Killed(BaseException):
    """What no `except Exception` sees, as a signal."""


def killed(models: Path, out: Path, after: int, **options: Any) -> None:
    """A merge of the models in a folder that is killed when so many tensors are begun."""
    real, begun = batch.stretches, 0

    def acting(*args: Any) -> Iterator[Any]:
        nonlocal begun
        begun += 1
        if begun > after:
            raise Killed
        yield from real(*args)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(batch, "stretches", acting)
        batch.merge(load(RECIPE), out, roots=[models], workers=1, **options)
