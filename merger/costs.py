"""What a job takes: memory of its own and time, from its shape and method alone. `benchmarks/estimates.py` holds it against runs.

Memory of methods that look at whole tensors is counted in tensors of the job's shape in the type of the arithmetic: so many, and
so many for each model. Time is that of two cores, in nanoseconds for each parameter of each model.
"""

import math

from merger import fused
from merger.plan import TensorJob

_TENSORS: dict[str, tuple[float, float]] = {
    "linear": (2, 1.5), "passthrough": (2, 1.5), "slerp": (3.5, 1.5), "nuslerp": (3.5, 1.5), "karcher": (1.6, 1.7),
    "multislerp": (4, 2), "model_stock": (1.6, 1.6), "task_arithmetic": (3, 2), "dare_linear": (0.5, 5.5),
    "dare_ties": (0.5, 5.5), "della": (0.5, 7.2), "della_linear": (0.5, 7.2), "breadcrumbs": (6.6, 2.1),
    "breadcrumbs_ties": (6.6, 4), "nearswap": (5.3, 0), "arcee_fusion": (12.7, 0), "sce": (2, 4.4), "ram": (6, 4.5),
    "ramplus_tl": (6.5, 4.4), "consensus_ta": (2, 5.1),
}  # fmt: skip
"""Of a method on whole tensors: tensors, and tensors for each model."""
_OTHER = (4.0, 6.0)
_NANOSECONDS = {
    "nearswap": 10, "arcee_fusion": 45, "sce": 25, "ram": 20, "ramplus_tl": 25, "consensus_ta": 20, "pcb": 110, "ties": 60,
    "della": 170, "della_linear": 170, "breadcrumbs": 60, "breadcrumbs_ties": 65,
}  # fmt: skip
COMPILED, RANKED, WHOLE = 2, 6, 20
"""Nanoseconds by the compiled passes, by them with ranks in rows, and of whole tensors by torch in other methods. Disks slower
than 3 GB/s take longer."""
_PER_SECOND = 4e10
"""Operations of a decomposition in float64."""
START = 1.2
"""Seconds until the first tensor: importing torch, reading headers."""


def decomposes(job: TensorJob) -> bool:
    """Whether a matrix is taken apart."""
    return job.method in ("tsv_merge", "iso_c", "knots") and len(job.shape) == 2 and not fused.as_ties(job)


def whole_memory(job: TensorJob) -> int:
    """Bytes that a method takes which looks at whole tensors."""
    n, count = math.prod(job.shape), len(job.sources)
    fixed, each = _TENSORS.get(job.method or "", _OTHER)
    tensors = fixed + each * count
    if decomposes(job) and n:
        short, long = sorted(job.shape)
        square = short / long  # a matrix of the shorter side, of which LAPACK and the singular vectors take some
        if job.method == "knots":
            side = min(job.shape[0], count * job.shape[1])
            tensors = 3.4 + 8 * side * side / n + (4 if side == job.shape[0] else 5.5) * count
        else:
            one = max(9.5 + count + 4.5 * square, 2 + 4.0 * count)
            tensors = 7.6 + 3.8 * count + 15 * square if job.method == "tsv_merge" else one
    return round(n * (job.out.itemsize + job.compute.itemsize * tensors))


def seconds(job: TensorJob) -> float:
    """Seconds that one tensor takes on two cores, within a factor of three."""
    n, count = math.prod(job.shape), max(1, len(job.sources))
    if decomposes(job):
        short, long = sorted(job.shape)
        if job.method == "knots":
            side = min(job.shape[0], count * job.shape[1])
            return (10 * side**3 + 6 * count * n * side) / _PER_SECOND
        return 20 * (count + 2 if job.method == "tsv_merge" else 1) * short * short * long / _PER_SECOND
    if job.method is None or fused.takes(job):
        return n * count * (RANKED if (job.method or "").startswith("della") else COMPILED) / 1e9
    return n * count * _NANOSECONDS.get(job.method, WHOLE) / 1e9


__all__ = ["START", "seconds", "whole_memory"]
