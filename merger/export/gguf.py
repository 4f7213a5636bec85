"""A merge as one GGUF file, straight from the parents: tensor by tensor merged, turned, packed and put in its place.

The work is done in `<out>.partial`, as that of a merge to a folder (merger/engine/output.py): the file appears whole or not at
all, and an export that was killed goes on where it was.
"""

import hashlib
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from merger.engine import costs
from merger.engine.batch import Making, Step, check_inputs, output_folder, with_allowed, with_remarks
from merger.engine.budget import fitting_workers
from merger.engine.companions import temporary
from merger.engine.document import open_models
from merger.engine.journal import word_of
from merger.engine.output import OneFile, writing
from merger.engine.places import check_apart, check_new, check_space
from merger.engine.plan import Plan, TensorJob, make_plan
from merger.errors import CheckpointError, MergeError
from merger.export.mapping import Recast, asked
from merger.export.turning import Packed, Turning
from merger.files import quantized
from merger.files.checkpoints import Checkpoint, begins_with, full_disk, reserve, write_at
from merger.files.layout import role
from merger.gguf.kinds import KINDS, Kind, kind_of, row_bytes, type_of
from merger.gguf.process import Converter
from merger.hub import references as hub
from merger.kernels.devices import pick_device
from merger.recipe import Recipe

_NANOSECONDS = {"f32": 1, "f16": 2, "bf16": 1, "q8_0": 6, "q4_0": 6, "q4_1": 8, "q5_0": 8, "q5_1": 8}
"""For packing a number on one core, and writing it; K-quants take longer."""
_SLOWEST = 70


@dataclass(frozen=True)
class Size:
    """What an export will take, told before it begins."""

    nbytes: int
    seconds: float


@dataclass(frozen=True)
class Exported:
    """What was written. left: tensors of the merge that such a file has no place for."""

    file: Path
    kind: Kind
    plan: Plan
    nbytes: int
    left: tuple[str, ...]


def export(
    recipe: Recipe,
    out: str | Path,
    kind: str,
    *,
    name: str = "",
    device: str = "cpu",
    roots: Sequence[Path] = (Path(),),
    told: Callable[[Size], None] = lambda size: None,
    progress: Callable[[Step], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    workers: int | None = None,
    memory: int | None = None,
    opener: Callable[[str, Sequence[Path]], Checkpoint] = hub.open_reference,
    allow_nonfinite: bool = False,
) -> Exported:
    """Merge into a new GGUF file of a kind (KINDS). The file appears whole, or not at all.

    name  of the model, as programs show it; default: the file's
    told  hears the size before anything is written

    All else is as in `merger.merge`.
    """
    chosen, out = kind_of(kind), output_folder(out)
    check_name(out)
    check_new(out)
    on = pick_device(device)
    models = open_models(recipe, roots, opener)
    check_apart(out, models)
    plan = with_remarks(make_plan(recipe, models), recipe, models)
    _check_plain(plan, models)
    with temporary() as home, asked(plan, models, chosen, _named(name or out.stem), Path(home), cancelled) as (recast, converter):
        jobs = [job for job in plan.jobs if job.name in recast.sources]
        told(Size(recast.size, estimated(jobs, recast)))
        check_space(out, recast.size)
        for model in models.values():
            model.hold()
        files = [[job.slot for job in jobs]]
        inputs = word_of(plan, models, files, str(on), {})
        word = replace(inputs, word=_word(inputs.word, recast, chosen))
        one = OneFile("model.gguf", lambda path, keep: Writer(path, keep, recast, jobs, converter))
        with writing(out, files, {}, word, allow_nonfinite=allow_nonfinite, one=one) as output:
            # what the converter makes of several tensors is made again: nobody noted how far it was
            output.done -= {source for sources in recast.whole.values() for source in sources}
            making = Making(output, models, on, allow_nonfinite, progress, cancelled)
            making.run(jobs, fitting_workers(jobs, workers, memory))
            output.check()
            check_inputs(models)
        plan = with_allowed(plan, output.allowed)
    left = tuple(job.name for job in plan.jobs if job.name not in recast.sources)
    return Exported(out, chosen, plan, recast.size, left)


def about(plan: Plan, kind: Kind) -> int:
    """Bytes of a file of this kind, without its vocabulary: within a few percent, and nobody is asked."""
    total = 0
    words = "head" if any(role(job.name) == "head" for job in plan.jobs) else "embed"
    for job in plan.jobs:
        width = job.shape[-1] if len(job.shape) > 1 else 1
        was = "f32" if width == 1 else kind.main if kind.plain else "q8_0" if width % 32 == 0 else "f16"
        name = type_of(kind, job.name, was, width, 0, 0, role(job.name) == words)
        total += row_bytes(name, width) * (job.numel // max(1, width))
    return total


def check_name(out: Path) -> None:
    """MergeError unless a file is called as programs look for it."""
    if out.suffix.lower() != ".gguf":
        raise MergeError(f"{out}: name a file that ends in .gguf, for example {out.with_suffix('.gguf').name}.")


def estimated(jobs: Sequence[TensorJob], recast: Recast) -> float:
    """Seconds that an export takes on two cores, within a factor of three."""
    packing = sum(_NANOSECONDS.get(place.kind, _SLOWEST) * math.prod(place.shape) for place in recast.places.values())
    return costs.START + sum(map(costs.seconds, jobs)) + packing / 2e9


def _check_plain(plan: Plan, models: Mapping[str, Checkpoint]) -> None:
    """CheckpointError where the weights are packed: a file of such a kind is made of the weights themselves."""
    for reference in dict.fromkeys(source.key for job in plan.jobs for source in job.sources):
        how = quantized.kind(models[reference])
        if how:
            raise CheckpointError(
                f"{reference}: is quantized ({how}), and a GGUF file is made of plain weights.\n"
                "  Take the 16-bit model it was made from."
            )


_NAME = 240
"""Bytes of a name: a file system takes 255. Shorter, and names that begin alike would be one."""


def _named(name: str) -> str:
    """A name as a folder may have it: the converter reads it from there."""
    plain = "".join(c if c.isalnum() or c in "-_. " else "-" for c in name)
    return plain.encode()[:_NAME].decode(errors="ignore").strip(". ") or "merged"


def _word(inputs: str, recast: Recast, kind: Kind) -> str:
    """What the file's bytes depend on, as one word."""
    digest = hashlib.sha256(f"{inputs} {kind.name} {recast.size} {sorted(recast.whole)}".encode())
    digest.update(recast.header)
    return digest.hexdigest()[:32]


# ---------------------------------------------------------------------------------------------- writing


class Writer:
    """Puts the merge's tensors into the file as the converter would. Threads may write different tensors at the same time."""

    def __init__(self, path: Path, keep: bool, recast: Recast, jobs: Sequence[TensorJob], converter: Converter) -> None:
        self._path, self._recast = path, recast
        self._turning = Turning(recast, jobs, converter, self._put)
        keep = keep and begins_with(path, recast.header, recast.size)
        self.lost = set[str]() if keep else {job.name for job in jobs}
        with full_disk(path):
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | (0 if keep else os.O_TRUNC), 0o666)
            try:
                reserve(self._handle, recast.size)
                write_at(self._handle, recast.header, 0)
                for into, raw in recast.constants.items():
                    write_at(self._handle, raw, recast.places[into].offset)
            except BaseException:
                os.close(self._handle)  # an open handle would keep the space of a deleted file
                raise

    def write(self, name: str, tensor: Tensor, first: int = 0) -> None:
        """A tensor's elements from `first` on, wherever they go."""
        with full_disk(self._path):
            self._turning.write(name, tensor, first)

    def _put(self, into: str, at: int, packed: Packed) -> None:
        write_at(self._handle, packed, self._recast.places[into].offset + at)

    def sum(self, name: str) -> str:
        """None: what was packed and turned is not found again."""
        return ""

    def kept(self, name: str, word: str) -> bool:
        """Never."""
        return False

    def sync(self) -> None:
        """Wait until the disk has what was written."""
        os.fsync(self._handle)

    def close(self) -> None:
        """Close the file; what is missing stays missing."""
        os.close(self._handle)


__all__ = ["KINDS", "Exported", "Size", "Writer", "about", "check_name", "estimated", "export"]
