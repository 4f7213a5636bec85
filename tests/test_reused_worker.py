"""A worker that ZeroGPU uses again keeps merged tensors: it never answers with what an earlier call has left there.

What it keeps is proved fresh tensor by tensor: by the job that made it, and by the files that the job read. Each story is told in
one worker; its last call must say, number for number, what a worker says that was never used.
"""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pretended
import pytest
import tiny
import torch
from test_device import mixed
from test_zerogpu import under_spaces

from merger.engine import session
from merger.engine.session import Session
from merger.engine.tensor import merge_tensor
from merger.files.checkpoints import Checkpoint
from merger.recipe import Recipe, dump
from merger.recipe import replace as changed
from merger.ui import host
from merger.ui.host import BUSY, FAILED, Folders, Told, gpu_tokens

__all__ = ["under_spaces"]
SAID = 6
"""Tokens of an answer."""
ONE = mixed("a", "b", method="ties", each="weight: 0.6, density: 0.5")
MOVED = changed(ONE, "models[1].parameters.weight", 0.3)
OTHER = mixed("b", "c", method="dare_ties", each="weight: 0.8, density: 0.4")
"""Another visitor's, whose models are handed over too."""


class Worker:
    """A worker on a device: calls one after the other."""

    def __init__(self, place: Path, device: str) -> None:
        self.place, self.device = place, device
        self.paths: Folders = tuple((name, str(place / name)) for name in ("base", "a", "b", "c"))

    def call(self, recipe: Recipe, prompt: str = "abba") -> Iterator[Told]:
        return gpu_tokens(self.paths, dump(recipe), ("merge", "a"), prompt, SAID, device=self.device)

    def words(self, recipe: Recipe, prompt: str = "abba") -> list[Told]:
        """What is said, all but that it is busy."""
        return [word for word in self.call(recipe, prompt) if word[1] != BUSY]

    def fresh(self, recipe: Recipe) -> list[Told]:
        """What a worker says that was never used. This one keeps what it has."""
        kept = host._runners.copy()
        host._runners.clear()
        try:
            return self.words(recipe)
        finally:
            host._runners.clear()
            host._runners.update(kept)


@pytest.fixture(params=["cpu", pretended.NAME])
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    tiny.make_family(
        tmp_path,
        models=("base", "a", "b", "c"),
        layers=2,
        width=64,
        ffn=160,
        heads=4,
        kv_heads=2,
        vocab=200,
        dtype=torch.bfloat16,
    )
    host._runners.clear()
    with pretended.device():
        yield Worker(tmp_path, request.param)
        host._runners.clear()


def a_bar_moved(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    worker.words(ONE)
    return MOVED


def a_bar_moved_back(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    for recipe in (ONE, MOVED):
        worker.words(recipe)
    return ONE


def another_visitors_recipe(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    for recipe in (ONE, OTHER):
        worker.words(recipe)
    return MOVED


def another_base(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """The same numbers and names of tensors, of other models."""
    worker.words(ONE)
    return changed(ONE, "models[1].model", "c")


def stopped_while_merging(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """The call is closed when some tensors are the new recipe's."""
    worker.words(ONE)
    made, real, closing = threading.Event(), merge_tensor, threading.Event()
    count: list[str] = []

    def slow(job: Any, *args: Any, **more: Any) -> Any:
        if len(count) == 5:
            made.set()
            closing.wait(10)
        count.append(job.name)
        return real(job, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(session, "merge_tensor", slow)
        call = worker.call(MOVED)
        while not made.is_set():
            assert next(call)[1] == BUSY
        threading.Timer(0.5, closing.set).start()
        call.close()  # type: ignore[attr-defined]
    assert 5 < len(count) < len(_done())
    return MOVED


def stopped_and_back(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    stopped_while_merging(worker, monkeypatch)
    return ONE


def an_exception_between_tensors(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    worker.words(ONE)
    _fails(worker, monkeypatch, spoil=False)
    return MOVED


def an_exception_in_a_tensor(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Some of its numbers are the new recipe's; the next call is the old one's again."""
    worker.words(ONE)
    _fails(worker, monkeypatch, spoil=True)
    return ONE


def _fails(worker: Worker, monkeypatch: pytest.MonkeyPatch, spoil: bool) -> None:
    count, real = [0], merge_tensor

    def fails(job: Any, *args: Any, into: Any = None, **more: Any) -> Any:
        count[0] += 1
        if count[0] == 6:
            if spoil:
                assert into is not None
                into.view(-1)[: into.numel() // 2].zero_()
            raise KeyError("no such thing")
        return real(job, *args, into=into, **more)

    with monkeypatch.context() as patched:
        patched.setattr(session, "merge_tensor", fails)
        assert worker.words(MOVED)[-1][1] == FAILED
    assert count[0] >= 6


def no_memory_in_the_middle(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """All that can be made again was let go of, and it was not enough."""
    worker.words(ONE)
    real = merge_tensor

    def short(job: Any, *args: Any, **more: Any) -> Any:
        if "layers.1" in job.name:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(job, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(session, "merge_tensor", short)
        assert worker.words(MOVED)[-1][1] == FAILED
    return ONE


def other_files(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A model's files were overwritten: recipe and jobs are the same."""
    worker.words(ONE)
    for file in (worker.place / "c").glob("*.safetensors"):
        (worker.place / "b" / file.name).write_bytes(file.read_bytes())
    return ONE


STORIES: list[Callable[[Worker, pytest.MonkeyPatch], Recipe]] = [
    a_bar_moved, a_bar_moved_back, another_visitors_recipe, another_base, stopped_while_merging, stopped_and_back,
    an_exception_between_tensors, an_exception_in_a_tensor, no_memory_in_the_middle, other_files,
]  # fmt: skip


def _done() -> dict[str, Any]:
    (runner,) = host._runners.values()
    return runner.session.done


def ends_right(story: Callable[..., Recipe], worker: Worker, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the worker then says what one says that was never used."""
    recipe = story(worker, monkeypatch)
    (before,) = host._runners.values()
    said = worker.words(recipe)
    assert list(host._runners.values()) == [before]  # the worker was used again
    truth = worker.fresh(recipe)
    assert len(truth) > SAID
    return said == truth


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.long
def test_a_reused_worker_answers_as_a_new_one(
    story: Callable[..., Recipe], worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ends_right(story, worker, monkeypatch)


def nothing_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = Session._prepared

    def trusting(self: Session, recipe: Recipe, models: Any) -> Any:
        plan, stale = prepared(self, recipe, models)
        return plan, () if self.done else stale

    monkeypatch.setattr(Session, "_prepared", trusting)


def by_names_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = Session._prepared

    def trusting(self: Session, recipe: Recipe, models: Any) -> Any:
        plan, stale = prepared(self, recipe, models)
        return plan, tuple(job for job in stale if job.name not in self.done)

    monkeypatch.setattr(Session, "_prepared", trusting)


def all_noted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = Session._prepared

    def trusting(self: Session, recipe: Recipe, models: Any) -> Any:
        plan, stale = prepared(self, recipe, models)
        self.done.update({job.name: job for job in stale})
        return plan, stale

    monkeypatch.setattr(Session, "_prepared", trusting)


def noted_before_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sticky(dict[str, Any]):
        def pop(self, *_: Any) -> Any: ...

    begin = Session.__init__

    def sticky(self: Session, *args: Any, **more: Any) -> None:
        begin(self, *args, **more)
        self.done = Sticky()

    monkeypatch.setattr(Session, "__init__", sticky)


def files_never_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Checkpoint, "changed", lambda self: False)


@pytest.mark.parametrize("worker", ["cpu"], indirect=True)
@pytest.mark.parametrize(
    ("proof", "story"),
    [
        (nothing_is_stale, a_bar_moved), (nothing_is_stale, another_visitors_recipe), (all_noted_at_once, stopped_while_merging),
        (by_names_alone, another_base), (noted_before_it_is_whole, an_exception_in_a_tensor), (files_never_change, other_files),
    ],
)  # fmt: skip
def test_without_the_proof_a_story_ends_wrong(
    proof: Callable[..., None], story: Callable[..., Recipe], worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part of the proof is needed: where it is taken away, an answer of another merge is given."""
    proof(monkeypatch)
    assert not ends_right(story, worker, monkeypatch)


@pytest.mark.long
def test_a_reused_worker_under_spaces(under_spaces: Any) -> None:
    """ZeroGPU's own package lends one worker again and again; a bar was moved, another visitor asked, a call was stopped and
    one failed meanwhile. The page's own process says what is right."""
    steps, asked = under_spaces("moved", "ok")
    told = [step for name, step in steps.items() if name.startswith("told ")]
    assert len(told) == 6
    for step in told:  # recipes differ by a tenth; the page shows a thousandth
        for (text, likely), (true, truly) in zip(step["tokens"], step["truth"], strict=True):
            assert text == true and abs(likely - truly) < 0.002, step
    assert len({str(step["tokens"]) for step in told}) == 4 and not any(step["errors"] for step in told)
    assert len({tuple(step["workers"]) for step in told}) == 1 == len(told[0]["workers"])
    assert steps["stopped"]["states"]["merge"] == "stopped" and steps["failed"]["errors"] and asked.count("/schedule") == 8
