"""Session: parents stay in memory, a changed recipe redoes only the tensors it changes, in place."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from merger.checkpoints import Checkpoint
from merger.errors import Cancelled
from merger.hub import open_reference
from merger.merge import Step, merge_tensor, open_models, pick_device, read_source
from merger.plan import OnMismatch, Plan, Source, TensorJob, plan
from merger.recipe import Recipe


class Parents:
    """Opened models by reference, shared and read-only. On a GPU each tensor is uploaded once and kept."""

    def __init__(self, device: str = "cpu", roots: Sequence[Path] = (Path(),)) -> None:
        self.device = pick_device(device)
        self.roots = roots
        self._models: dict[str, Checkpoint] = {}
        self._resident: dict[Source, Tensor] = {}

    def open(self, recipe: Recipe, on_mismatch: OnMismatch = "refuse") -> Mapping[str, Checkpoint]:
        """The checkpoints a recipe names, with what its earlier documents make; headers are read the first time only."""
        found = open_models(recipe, self.roots, on_mismatch, lambda reference, _: self.model(reference))
        self._models |= {document.digest: found[document.digest] for document in recipe.earlier}
        return found

    def model(self, reference: str) -> Checkpoint:
        """One checkpoint."""
        if reference not in self._models:
            self._models[reference] = open_reference(reference, self.roots)
        return self._models[reference]

    def read(self, source: Source) -> Tensor:
        """A parent's tensor on the device: mapped from its file on the CPU, kept in memory on a GPU."""
        if self.device.type == "cpu":
            return read_source(self._models, source)
        if source not in self._resident:
            self._resident[source] = read_source(self._models, source).to(self.device)
        return self._resident[source]


class Session:
    """A merged model in memory. `tensors[n]` is always `merge_tensor(done[n])`, the bits a batch merge writes."""

    def __init__(self, parents: Parents, on_mismatch: OnMismatch = "refuse") -> None:
        self.parents = parents
        self.on_mismatch: OnMismatch = on_mismatch
        self.tensors: dict[str, Tensor] = {}
        self.done: dict[str, TensorJob] = {}
        self.plan: Plan | None = None
        self.generation = 0
        """Counts how often the set of tensors changed, so that a model built on them knows it is out of date."""

    def prepare(self, recipe: Recipe) -> tuple[Plan, tuple[TensorJob, ...]]:
        """The plan of a recipe and the jobs that differ from what is in memory; computes nothing."""
        decided = plan(recipe, self.parents.open(recipe, self.on_mismatch), self.on_mismatch)
        return decided, tuple(job for job in decided.jobs if self.done.get(job.name) != job)

    def apply(
        self,
        recipe: Recipe,
        *,
        progress: Callable[[Step], None] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> tuple[str, ...]:
        """Make memory hold this recipe's merge; returns the names of the tensors that were redone.

        Cancelled leaves every tensor whole: some of the new recipe, the rest of the old.
        """
        decided, stale = self.prepare(recipe)
        names = {job.name for job in decided.jobs}
        if names != self.tensors.keys():
            self.generation += 1
            for gone in self.tensors.keys() - names:
                del self.tensors[gone], self.done[gone]
        total, done = sum(job.slot.nbytes for job in stale), 0
        for i, job in enumerate(stale):
            if cancelled():
                raise Cancelled(f"stopped after {i} of {len(stale)} tensors.")
            self._put(job, merge_tensor(job, self.parents.read, self.parents.device))
            done += job.slot.nbytes
            if progress:
                progress(Step(job.name, i + 1, len(stale), done, total))
        self.plan = decided
        return tuple(job.name for job in stale)

    def _put(self, job: TensorJob, value: Tensor) -> None:
        """Write in place where shape and dtype allow, so that a model that holds the tensor sees the change."""
        held = self.tensors.get(job.name)
        if held is not None and held.shape == value.shape and held.dtype == value.dtype:
            self.done.pop(job.name, None)
            with torch.no_grad():
                held.copy_(value)
        else:
            self.tensors[job.name] = value
            self.generation += 1
        self.done[job.name] = job
