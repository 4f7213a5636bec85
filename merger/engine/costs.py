"""What a job takes: memory of its own and time, from its shape and method alone. `benchmarks/estimates.py` holds it against runs.

Memory of methods that look at whole tensors is counted in tensors of the job's shape in the type of the arithmetic: so many, and
so many for each model. Time is that of two cores, in nanoseconds for each parameter of each model.
"""

from merger.engine import fused
from merger.engine.plan import TensorJob

COMPILED, RANKED = 2, 6
"""Nanoseconds by the compiled passes, and by them with ranks in rows. Disks slower than 3 GB/s take longer."""
_PER_SECOND = 4e10
"""Operations of a decomposition in float64."""
START = 1.2
"""Seconds until the first tensor: importing torch, reading headers."""


def whole_memory(job: TensorJob) -> int:
    """Bytes that a method takes which looks at whole tensors."""
    n, count, law = job.numel, len(job.sources), fused.law_of(job)
    fixed, each = law.memory
    tensors = fixed + each * count
    if law.decomposes and n:
        short, long = sorted(job.shape)
        square = short / long  # a matrix of the shorter side, of which LAPACK and the singular vectors take some
        if law.decomposes == "together":
            side = min(job.shape[0], count * job.shape[1])
            tensors = 3.4 + 8 * side * side / n + (4 if side == job.shape[0] else 5.5) * count
        elif law.decomposes == "each":
            tensors = 7.6 + 3.8 * count + 15 * square
        else:
            tensors = max(9.5 + count + 4.5 * square, 2 + 4.0 * count)
    return round(n * (job.out.itemsize + job.compute.itemsize * tensors))


def seconds(job: TensorJob) -> float:
    """Seconds that one tensor takes on two cores, within a factor of three."""
    n, count, law = job.numel, max(1, len(job.sources)), fused.law_of(job)
    if law.decomposes:
        short, long = sorted(job.shape)
        if law.decomposes == "together":
            side = min(job.shape[0], count * job.shape[1])
            return (10 * side**3 + 6 * count * n * side) / _PER_SECOND
        return 20 * (count + 2 if law.decomposes == "each" else 1) * short * short * long / _PER_SECOND
    if job.method is None or fused.supports(job):
        return n * count * (RANKED if law.trim == "ranked" else COMPILED) / 1e9
    return n * count * law.nanoseconds / 1e9


__all__ = ["START", "seconds", "whole_memory"]
