"""How many bytes a GPU's memory moves for an element, beside what it must: read the models, write the merge."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import traffic
from tritons import needs_triton

from merger.kernels import gpu

pytestmark = needs_triton
SAMPLE = ["slerp", "ties", "dare_linear", "della", "breadcrumbs"]
PAGE = Path(__file__).parent.parent / "docs/performance.md"


def _told() -> dict[str, str]:
    found = re.search(r"<!-- traffic:begin -->\n(.*?)<!-- traffic:end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    lines = found[1].strip().splitlines()
    assert lines[:2] == traffic.HEAD
    return {line.split()[1]: line for line in lines[2:]}


def test_the_table_has_every_method_with_a_compiled_pass() -> None:
    assert list(_told()) == traffic.NAMES and len(traffic.NAMES) > 10


@pytest.mark.parametrize("name", traffic.NAMES if os.environ.get("TRITON_ALL") else SAMPLE)
@pytest.mark.long
def test_at_most_three_times_what_must_be_moved(name: str) -> None:
    """A first merge, and one after a slider moved; as docs/performance.md tells it (`.venv/bin/python tests/traffic.py`)."""
    rows = [traffic.row(name, dtype) for dtype in (torch.bfloat16, torch.float32)]
    for row in rows:
        assert row.floor <= row.moved <= row.first + 0.1 and row.first <= 3 * row.floor, row
    assert traffic.line(name, rows) == _told()[name]


def test_a_plain_sum_moves_what_it_must() -> None:
    """The count is right where the answer is known: a base and two models are read, one is written, and small tables."""
    row = traffic.row("task_arithmetic", torch.bfloat16)
    assert row.floor == 8 and 8 <= row.first <= 8.2


def test_a_moved_weight_asks_for_no_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranks are found again, as their mask is not kept; what is told of DELLA in docs/performance.md."""
    monkeypatch.setattr(traffic, "MOVED", {"weight": 0.45})
    row = traffic.row("della", torch.bfloat16)
    assert row.moved < 2 * row.floor < row.first
    assert f"({row.moved:.1f} of {row.floor})" in PAGE.read_text(encoding="utf-8")


def test_searching_one_model_after_the_other_moves_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test can fail: without the joint pass the base is read again for each model."""
    search = gpu.search

    def alone(xs: Any, base: Any, ks: Any, ladders: Any) -> Any:
        return [search([x], base, [k], [known])[0] for x, k, known in zip(xs, ks, ladders, strict=True)]

    monkeypatch.setattr(gpu, "search", alone)
    row = traffic.row("ties", torch.float32)
    assert row.first > 3 * row.floor
