"""merge_tensor, the only entry to arithmetic, and the same in stretches."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from merger.engine import fused
from merger.engine.fused import Known
from merger.engine.plan import Source, TensorJob
from merger.errors import (
    MergeError,
)
from merger.files.layout import role
from merger.kernels import backend, cpu, gpu
from merger.kernels.finite import Look
from merger.methods import LINES, METHODS
from merger.methods.ops import Draws, Watch

Read = Callable[[Source], Tensor]

_DecompositionError: type[RuntimeError] = getattr(torch.linalg, "LinAlgError")  # noqa: B009 - documented, but of no known type

STRETCH = 1 << 20
"""Elements of a large tensor that are made at a time."""


def merge_tensor(
    job: TensorJob,
    read: Read,
    device: str | torch.device = "cpu",
    watch: Watch | None = None,
    *,
    known: Known | None = None,
    into: Tensor | None = None,
) -> Tensor:
    """Run one job: read its sources, compute in job.compute, round once to job.out. Live and batch have the same bits.

    read   gives a source's tensor in any device and dtype; it is not written to
    watch  is told the method's stages, for statistics
    known  what was measured of the tensors before; it is used, and added to
    into   where to put the result, of the job's shape and dtype, contiguous; else a new tensor
    """
    by = backend.backend(torch.device(device).type)
    if watch is None and by is not None and fused.supports(job, torch.device(device).type):
        with contextlib.suppress(gpu.TritonError):  # then the method's function does it, as where there is no Triton
            tensors, base = _whole(job, read, device)
            combine = fused.prepared(job, tensors, base, known)
            if combine is not None:
                out = torch.empty(job.shape, dtype=job.out, device=device) if into is None else into
                by.combine(combine, out, tensors, base)
                if into is not None and not into.is_inference():
                    torch.autograd.graph.increment_version(into)  # torch does not see the compiled passes write
                return out
    merged = _by_torch(job, read, device, watch)
    return merged if into is None else into.copy_(merged)


def _whole(job: TensorJob, read: Read, device: str | torch.device = "cpu") -> tuple[list[Tensor], Tensor | None]:
    """A job's sources and the base it computes with, as the compiled passes take them."""
    base = fused.base_of(job)
    return [read(s).to(device).contiguous() for s in job.sources], read(base).to(device).contiguous() if base else None


def stretches(
    job: TensorJob, read: Read, device: str | torch.device = "cpu", look: Look | None = None
) -> Iterator[tuple[int, Tensor]]:
    """merge_tensor's result, as (first element, flat elements). A stretch is overwritten by the next one.

    look  what notes whether inputs and output are finite

    Tensors that cannot be made in stretches come whole.
    """
    if torch.device(device).type == "cpu" and fused.supports(job):
        tensors, base = _whole(job, read)
        combine = fused.prepared(job, tensors, base)
        if combine is not None:
            n = tensors[0].numel()
            out = torch.empty(min(n, STRETCH), dtype=job.out)
            for start in range(0, n, STRETCH):
                part = out[: min(STRETCH, n - start)]
                cpu.combine(combine, part, tensors, base, start, look)
                yield start, part
            return
    if job.method is None:
        flat = read(job.sources[0]).contiguous().view(-1)
        for start in range(0, flat.numel(), STRETCH):
            part = flat[start : start + STRETCH]
            done = part.to(job.out)
            if look is not None:
                look.at(part)
                if done.dtype != part.dtype:
                    look.at(done)
            yield start, done
        return
    if look is None:
        yield 0, merge_tensor(job, read, device).view(-1)
    else:
        yield 0, look.at(merge_tensor(job, lambda source: look.at(read(source).to(device)), device)).view(-1)


def used(job: TensorJob) -> tuple[Source, ...]:
    """The tensors a job's result depends on."""
    method = None if job.method is None else METHODS[job.method]
    based = method is not None and job.base is not None and (method.takes == "deltas" or "base" in method.given)
    return tuple(dict.fromkeys((*job.sources, *((job.base,) if based and job.base else ()))))


def _by_torch(job: TensorJob, read: Read, device: str | torch.device, watch: Watch | None) -> Tensor:
    """The job as its method's function says it, on whole tensors."""
    if job.method is None:
        return read(job.sources[0]).to(job.out, copy=True)
    method = METHODS[job.method]

    def load(source: Source) -> Tensor:
        return read(source).to(device, job.compute)

    args = method.keywords(job.args)
    by_depth = args.pop(LINES.name, 1.0)
    if "draws" in method.given:
        args["draws"] = Draws(job.seed, job.name, job.parents)
    if watch is not None and "watch" in method.given:
        args["watch"] = watch
    if "words" in method.given:
        args["words"] = role(job.name) in ("embed", "head")
    if method.takes == "tensors":
        if "base" in method.given:
            args["base"] = load(job.base) if job.base else None
        return _run(job, torch.stack([load(s) for s in job.sources]), args).to(job.out)
    assert job.base is not None
    base = load(job.base)
    if not job.sources:
        return base.to(job.out, copy=True)  # never the parent's own memory
    if "base" in method.given:
        args["base"] = base
    deltas = torch.stack([load(s) for s in job.sources]).sub_(base)  # the stack is ours to write to
    merged = _run(job, deltas, args)
    return (base + (merged if by_depth == 1.0 else by_depth * merged)).to(job.out)


def _run(job: TensorJob, tensors: Tensor, args: Mapping[str, Any]) -> Tensor:
    """The method's function. A decomposition that fails on finite numbers is told as a MergeError."""
    assert job.method is not None
    try:
        return METHODS[job.method].fn(tensors, **args)
    except _DecompositionError as error:
        models = " and ".join(s.model for s in job.sources)
        raise MergeError(
            f"{job.name}: '{job.method}' cannot take what {models} changed apart: {str(error).partition(':')[2].strip()}\n"
            "  Use another method for this tensor's model, for example task_arithmetic."
        ) from None
