"""What of a merge is not finite: counted where something was seen while a tensor was made."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from merger.engine.document import Planned, read_source, reader
from merger.engine.plan import Source, TensorJob
from merger.engine.tensor import stretches, used
from merger.errors import (
    NonFiniteError,
)
from merger.files.checkpoints import Checkpoint
from merger.kernels.finite import Look, NonFinite, Parent, count
from merger.methods import METHODS


def _leaves(job: TensorJob, models: Mapping[str, Checkpoint]) -> Iterator[Source]:
    """The tensors of files that a job depends on, through the documents that make its sources."""
    for source in used(job):
        model = models[source.key]
        yield from _leaves(model.plan.job(source.name), models) if isinstance(model, Planned) else (source,)


def judged(job: TensorJob, look: Look, models: Mapping[str, Checkpoint], device: str | torch.device, allowed: bool) -> str:
    """What of a tensor that was looked at while it was made is not finite, in a line; "" where all is. NonFiniteError if that
    is not allowed."""
    if any(isinstance(models[source.key], Planned) for source in used(job)):
        for source in _leaves(job, models):
            look.at(read_source(models, source))
    finding = odd(job, models, device) if look.suspects else None
    if not finding:
        return ""
    if not allowed:
        raise NonFiniteError(str(finding))
    return finding.line


def odd(job: TensorJob, models: Mapping[str, Checkpoint], device: str | torch.device = "cpu") -> NonFinite | None:
    """What of a tensor's inputs and of what is made of them is not finite: all is read, made again and counted. None: nothing."""
    parents: list[Parent] = []
    largest = 0.0
    for source in dict.fromkeys((*_leaves(job, models), *used(job))):
        if isinstance(models[source.key], Planned) and parents:
            continue  # made of those
        tensor = read_source(models, source)
        of = count([tensor], tensor.shape)
        largest = max(largest, of.largest)
        if of.odd:
            parents.append(Parent(source.model, source.name, of))
    again = replace(job, out=job.compute) if job.method is not None else job

    def parts() -> Iterator[Tensor]:
        return (part for _, part in stretches(again, reader(models), device))

    made = count(parts(), job.shape)
    written = made if again.out == job.out else count((part.to(job.out) for part in parts()), job.shape)
    copied = job.method is None or METHODS[job.method].law.copies
    if copied and "mask" in job.name.rpartition(".")[2] and not made.nan:
        return None  # infinities are what such a buffer is made of
    return NonFinite(job.name, job.method, tuple(parents), largest, made, written, job.out) or None
