"""Session: parents stay in memory, a changed recipe redoes only the tensors it changes, in place."""

import functools
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue

import torch
from torch import Tensor

from merger.access import ANYTHING, Access
from merger.checkpoints import Checkpoint
from merger.errors import Cancelled, InputChanged
from merger.fused import Known
from merger.hub import open_reference
from merger.merge import Step, merge_tensor, open_models, pick_device, processors, read_source
from merger.plan import Plan, Source, TensorJob, plan
from merger.recipe import Recipe


class Parents:
    """Opened models by reference, shared and read-only. On a GPU each tensor is uploaded once and kept.

    access  what is opened for those who show no access of their own. It is asked at every use: that a model is open here
            already, for somebody else, opens it for nobody
    """

    def __init__(
        self, device: str = "cpu", roots: Sequence[Path] = (Path(),), opener: Callable[[str], Checkpoint] | None = None,
        access: Access = ANYTHING,
    ) -> None:  # fmt: skip
        self.device = pick_device(device)
        self.roots = roots
        self.opener = opener or (lambda reference: open_reference(reference, roots))
        self.access = access
        self.known = Known()
        self.generation = 0
        """Counts how often a model was closed because its files had changed: what was made from it is out of date."""
        self._models: dict[str, Checkpoint] = {}
        self._resident: dict[Source, Tensor] = {}

    def open(self, recipe: Recipe, access: Access | None = None) -> Mapping[str, Checkpoint]:
        """The checkpoints a recipe names, with what its earlier documents make; headers are read the first time only.

        access  of the visitor for whom it is done. CheckpointError where it does not reach
        """
        found = open_models(recipe, self.roots, lambda reference, _: self.model(reference, access))
        self._models |= {document.digest: found[document.digest] for document in recipe.earlier}
        return found

    def model(self, reference: str, access: Access | None = None) -> Checkpoint:
        """One checkpoint; opened anew where its files are no longer what they were. access as in `open`."""
        (access or self.access).check(reference)
        self.renew([reference])
        found = self._models.get(reference)
        if found is None:
            found = self._models[reference] = self.opener(reference)
        return found

    def renew(self, references: Iterable[str]) -> None:
        """Close those of the models whose files were cut or overwritten: what comes next opens them as they are now."""
        for reference in references:
            found = self._models.get(reference)
            if found is not None and found.changed():
                self.forget(reference)
                self.known = Known()
                self.generation += 1

    def check(self, references: Iterable[str]) -> None:
        """InputChanged where one of these models was cut or overwritten while something was made from it."""
        for found in [self._models[r] for r in references if r in self._models]:
            found.check()

    @property
    def folders(self) -> frozenset[Path]:
        """The folders of what is open: a cache with a bound must not delete them."""
        return frozenset(piece.folder for model in tuple(self._models.values()) for piece in model.pieces)

    @property
    def opened(self) -> frozenset[str]:
        """The references of the models that are open."""
        return frozenset(self._models)

    def forget(self, reference: str) -> None:
        """Let go of a model that nobody uses; it is opened again when it is named again."""
        self._models.pop(reference, None)
        for source in [s for s in self._resident if s.model == reference]:
            self._resident.pop(source, None)

    def read(self, source: Source) -> Tensor:
        """A parent's tensor on the device: mapped from its file on the CPU, kept in memory on a GPU."""
        if self.device.type == "cpu":
            return read_source(self._models, source)
        if source not in self._resident:
            self._resident[source] = read_source(self._models, source).to(self.device)
        return self._resident[source]


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """The threads that merge, kept for all sessions: starting some for each move takes longer than a small layer."""
    return ThreadPoolExecutor(processors(), thread_name_prefix="merger")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked process (ZeroGPU) has the pool, but not its threads


class Session:
    """A merged model in memory. `tensors[n]` is always `merge_tensor(done[n])`, the bits a batch merge writes."""

    def __init__(self, parents: Parents) -> None:
        self.parents = parents
        self.tensors: dict[str, Tensor] = {}
        self.done: dict[str, TensorJob] = {}
        self.plan: Plan | None = None
        self.generation = 0
        """Counts how often the set of tensors changed, so that a model built on them knows it is out of date."""
        self._of = parents.generation

    def prepare(self, recipe: Recipe, access: Access | None = None) -> tuple[Plan, tuple[TensorJob, ...]]:
        """The plan of a recipe and the jobs that differ from what is in memory; computes nothing."""
        decided = plan(recipe, self.parents.open(recipe, access))
        if self._of != self.parents.generation:  # a parent is another than it was: every tensor may be
            self.done.clear()
            self._of = self.parents.generation
        return decided, tuple(job for job in decided.jobs if self.done.get(job.name) != job)

    def apply(
        self,
        recipe: Recipe,
        *,
        progress: Callable[[Step], None] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        access: Access | None = None,
    ) -> tuple[str, ...]:
        """Make memory hold this recipe's merge; returns the names of the tensors that were redone.

        Cancelled leaves every tensor whole: some of the new recipe, the rest of the old.
        """
        decided, stale = self.prepare(recipe, access)
        names = {job.name for job in decided.jobs}
        if names != self.tensors.keys():
            self.generation += 1
            for gone in self.tensors.keys() - names:
                del self.tensors[gone], self.done[gone]
        total, made = sum(job.slot.nbytes for job in stale), 0
        try:
            for i, (job, value) in enumerate(self._made(stale, cancelled)):
                self._put(job, value)
                made += job.slot.nbytes
                if progress:
                    progress(Step(job.name, i + 1, len(stale), made, total))
            self.parents.check(recipe.opened)
        except InputChanged:  # nobody knows since when
            self.done.clear()
            raise
        self.plan = decided
        return tuple(job.name for job in stale)

    def _made(self, stale: Sequence[TensorJob], cancelled: Callable[[], bool]) -> Iterator[tuple[TensorJob, Tensor]]:
        """The stale tensors as they are merged; on a CPU by threads if there is enough to do, into their place."""
        device = self.parents.device

        def make(job: TensorJob) -> Tensor:
            held = self.tensors.get(job.name)
            fits = held is not None and held.shape == job.shape and held.dtype == job.out and held.is_contiguous()
            self.done.pop(job.name, None)  # not whole while it is written
            return merge_tensor(job, self.parents.read, device, known=self.parents.known, into=held if fits else None)

        waiting = deque(sorted(stale, key=lambda job: -job.slot.nbytes))
        if device.type != "cpu" or sum(math.prod(job.shape) for job in stale) <= 1 << 18:  # too little to wake threads for
            while waiting:
                if cancelled():
                    raise Cancelled(f"stopped after {len(stale) - len(waiting)} of {len(stale)} tensors.")
                job = waiting.popleft()
                yield job, make(job)
            return
        finished: SimpleQueue[tuple[TensorJob, Tensor] | BaseException] = SimpleQueue()
        stop, count = threading.Event(), 0

        def work() -> None:
            try:
                while not stop.is_set():
                    job = waiting.popleft()
                    finished.put((job, make(job)))
            except IndexError:  # another took the last one
                return
            except BaseException as error:
                finished.put(error)

        working = [_pool().submit(work) for _ in range(min(processors(), len(stale)))]
        try:
            while count < len(stale):
                if cancelled():
                    break
                made = finished.get()
                if isinstance(made, BaseException):
                    raise made
                count += 1
                yield made
        finally:
            stop.set()
            wait(working)  # nobody writes to a tensor after this
        while not finished.empty():  # cancelled: what was in the making is whole
            made = finished.get()
            if isinstance(made, BaseException):
                raise made
            count += 1
            yield made
        if count < len(stale):
            raise Cancelled(f"stopped after {count} of {len(stale)} tensors.")

    def _put(self, job: TensorJob, value: Tensor) -> None:
        """Keep a merged tensor, in its old place where shape and dtype allow: a model that holds it sees the change."""
        held = self.tensors.get(job.name)
        if held is not value:
            if held is not None and held.shape == value.shape and held.dtype == value.dtype:
                with torch.no_grad():
                    held.copy_(value)
            else:
                self.tensors[job.name] = value
                self.generation += 1
        self.done[job.name] = job
