"""Before a GPU merges it is asked for one small tensor, and held to the CPU's bits. It is pretended; its kernels are cpu.c."""

import functools
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pretended
import pytest
import torch
from logs import ours
from test_kernels import needs_compiler, reads, same

from merger.engine import proving
from merger.engine.session import Parents
from merger.engine.tensor import merge_tensor
from merger.kernels import cpu, gpu
from merger.methods import METHODS

NAMES = [m.name for m in METHODS.values() if proving._has_kernels(m)]


@dataclass
class Launches:
    """How many there were, and what those to come add to the first number of each row; 0 where nothing stands."""

    count: int = 0
    wrong: list[float] = field(default_factory=list)


def place(index: int = 0) -> torch.device:
    return torch.device(pretended.NAME, index)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Launches]:
    found = Launches()

    def launch(kernels: Any, what: Any, out: Any, tensors: Any, base: Any, first: int) -> None:
        cpu.combine(what, out.inner, [x.inner for x in tensors], base if base is None else base.inner, first)
        found.count += 1
        out.inner[..., 0] += found.wrong.pop() if found.wrong else 0.0

    def inner(tensors: Any, base: Any) -> Any:
        return [x.inner for x in tensors], base if base is None else base.inner

    def search(tensors: Any, base: Any, ks: Any, ladders: Any) -> Any:
        xs, under = inner(tensors, base)
        return [(cpu.ladder(x, under), [cpu.kth(x, under, k) for k in own]) for x, own in zip(xs, ks, strict=True)]

    def ranked(tensors: Any, base: Any, trims: Any) -> Any:
        return cpu.ranked(*inner(tensors, base), trims)

    monkeypatch.setattr(proving, "_proven", set())
    monkeypatch.setattr(gpu, "_failed", [])
    with pretended.device():
        monkeypatch.setattr(gpu, "_kernels", functools.cache(lambda: None if gpu._failed else object()))
        monkeypatch.setattr(gpu, "_launch", launch)
        monkeypatch.setattr(gpu, "search", search)
        monkeypatch.setattr(gpu, "ranked", ranked)
        monkeypatch.setattr(gpu, "lengths", lambda xs, base, trims: cpu.lengths(*inner(xs, base), trims))
        monkeypatch.setattr(gpu, "products", lambda xs, base: cpu.products(*inner(xs, base)))
        yield found


@needs_compiler
def test_kernels_that_are_right_are_used(launched: Launches, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        proving.prove(place(), NAMES)
    count = launched.count
    assert count == len(NAMES) > 10 and not ours(caplog) and not gpu._failed
    proving.prove(place(), NAMES)  # once is enough
    assert launched.count == count
    proving.prove(place(1))  # another one has not been asked
    assert launched.count == count + 1


@needs_compiler
def test_kernels_that_are_wrong_are_not_used(launched: Launches, caplog: pytest.LogCaptureFixture) -> None:
    """One number off is enough: torch merges, to the CPU's bits, and one sentence says why."""
    launched.wrong.append(0.25)
    with caplog.at_level(logging.WARNING):
        parents = Parents(pretended.NAME)
    assert [r.getMessage() for r in caplog.records] == [
        "Triton does not work here, so torch's own operations merge on the GPU, to the same bits: "
        "96 of 12288 elements of a small 'ties' merge were not the CPU's"
    ]
    job, held = proving.sample(METHODS["ties"])
    there = {name: x.to(parents.device) for name, x in held.items()}
    count = launched.count
    assert same(merge_tensor(job, reads(there), parents.device).cpu(), merge_tensor(job, reads(held)))
    assert launched.count == count


def test_a_gpu_whose_own_operations_round_otherwise(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "_proven", set())

    def off(func: Any, given: Any, named: Any, there: Any) -> Any:
        made = func(*given, **named)
        return made * 1.01 if func._schema.name == "aten::mul" and made.dtype == torch.float32 else made

    monkeypatch.setattr(pretended, "_as_cuda", off)
    with pretended.device(cuda=True), caplog.at_level(logging.WARNING):
        Parents(pretended.NAME)
        Parents(pretended.NAME)
    assert len(caplog.records) == 1 and "elements of a small 'ties' merge are not the CPU's" in caplog.text
    assert "--device cpu" in caplog.text


def test_a_gpu_that_is_full_or_cannot_is_not_held_up(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """No room is no answer: it is asked again. What it cannot do at all is told."""
    monkeypatch.setattr(proving, "_proven", set())
    with pretended.device(capacity=1000) as ledger, caplog.at_level(logging.WARNING):
        Parents(pretended.NAME)
        assert ledger.refused and not proving._proven and not ours(caplog)
        ledger.capacity = None
        Parents(pretended.NAME)
        assert proving._proven and ledger.used == 0
    with pretended.device(float64=False), caplog.at_level(logging.WARNING):
        proving.prove(place(), ["slerp"])
    assert "could not be compared with the CPU's: Cannot convert" in caplog.text


@needs_compiler
def test_kernels_are_warmed_beside_what_else_is_done(launched: Launches) -> None:
    """The page's start waits for none of them; every one is compiled before a hand is likely to reach a slider."""
    proving.warm(place())
    for thread in threading.enumerate():
        if thread.name == "kernels":
            thread.join(60)
    assert {name for _, name, _ in proving._proven} == set(NAMES) and {n for _, _, n in proving._proven} >= {2, 3, 4}
    proving.warm(torch.device("cpu"))
    assert not [t for t in threading.enumerate() if t.name == "kernels"]
