"""merge(recipe, folder), the loop that writes a model."""

import contextlib
import errno
import logging
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue

import torch

from merger.engine import fused, loadable
from merger.engine.budget import fitting_workers, memory_limit, memory_of, page_room, working_memory
from merger.engine.cancelling import cancelling
from merger.engine.companions import check_beside, write_companions
from merger.engine.document import Planned, open_models, reader
from merger.engine.journal import WHOLE, Part, allowed_before, word_of
from merger.engine.nonfinite import judged
from merger.engine.output import Output, join, writing
from merger.engine.places import check_apart, check_free, check_path, check_space
from merger.engine.plan import Plan, TensorJob, make_plan
from merger.engine.proving import prove
from merger.engine.tensor import stretches, used
from merger.engine.upload import Uploading, check_target, target, uploading
from merger.errors import (
    NO_MEMORY,
    Cancelled,
    CheckpointError,
    InputChanged,
    MergeError,
    OutOfMemory,
    begin,
    out_of_memory,
)
from merger.files.checkpoints import Checkpoint, cached, format_bytes, parse_size, read_by_files, shards
from merger.files.stores import SENDING
from merger.hub.afar import open_anywhere
from merger.hub.card import Digests
from merger.kernels.devices import memory as memory_left
from merger.kernels.devices import pick_device, tried
from merger.kernels.finite import TOLD, Look
from merger.kernels.finite import remarks as allowed_remarks
from merger.recipe import Recipe, dump
from merger.tokenizer.tokens import check_companions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """Progress of a merge: tensors and bytes done, of how many."""

    name: str
    tensors: int
    of_tensors: int
    nbytes: int
    of_nbytes: int


def merge(
    recipe: Recipe,
    folder: str | Path,
    *,
    device: str = "cpu",
    shard_size: str = "5GB",
    roots: Sequence[Path] = (Path(),),
    progress: Callable[[Step], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    tokenizer: bool = True,
    card: bool = True,
    workers: int | None = None,
    memory: int | None = None,
    part: Part = WHOLE,
    joining: bool = False,
    opener: Callable[[str, Sequence[Path]], Checkpoint] = open_anywhere,
    allow_nonfinite: bool = False,
) -> Plan:
    """Merge into a new folder that transformers can load. The folder appears whole, or not at all.

    A merge that was killed goes on from `<folder>.partial` when it is called again with the same recipe and options. A folder
    in a store (s3://bucket/folder) is written there, without a copy here; that does not go on, it begins anew.

    shard_size   `5GB` in bytes, `1B` in parameters, per file
    roots        where relative model references are looked up, in order
    progress     called after each tensor
    cancelled    asked after each tensor; true raises Cancelled, and what was written is deleted
    tokenizer    copy the config source's tokenizer and generation config
    card         write README.md and mergekit_config.yml
    workers      threads that read, compute and write; default: a core each, at most 4. The result does not depend on them
    memory       bytes it may take, beside mapped files; fewer threads are used, or MergeError says why it cannot be
    part         make only this share of the output's files, in `<folder>.partial`
    joining      make nothing: add to what the parts have made what is missing, and let the folder appear
    opener       opens one model; the default also fetches it from the Hub, or reads it by ranges at its address
    allow_nonfinite  go on where a model's numbers, or what is made of them, are NaN or infinite: remarks and card then say where.
                 Otherwise that is a NonFiniteError
    """
    to = target(folder)
    out = output_folder(folder) if to is None else Path()
    on = pick_device(device, elsewhere=joining)
    if on.type != torch.device(device).type:
        log.warning("--device %s: the CPU merges, as Apple's GPUs have no float64; the files are those of every machine.", device)
    limit, counts_parameters = parse_size(shard_size)
    if to is None:
        check_free(out)
    else:
        check_target(to, part != WHOLE or joining)
    models = open_models(recipe, roots, opener)
    if to is None:
        check_apart(out, models)
    plan = with_remarks(make_plan(recipe, models), recipe, models)
    prove(on, {job.method for job in plan.jobs if job.method})
    files = shards([job.slot for job in plan.jobs], limit, counts_parameters)
    metadata = metadata_of(recipe)
    word = word_of(plan, models, files, str(on), metadata)
    digests = Digests(models) if card and part == WHOLE else None
    asked = loadable.start(plan, models)

    def stopped() -> bool:
        if asked is not None:
            asked.look()  # no hour of merging for what cannot be loaded
        return cancelled()

    try:
        if joining:
            with join(out, files, metadata, word) as partial:
                plan = _told(with_allowed(plan, allowed_before(partial)), asked)
                write_companions(partial, plan, models, tokenizer, digests)
            return plan
        if to is None:
            check_space(out, plan.nbytes)
        if tokenizer:
            check_companions(models[plan.config_source].folder)
        for model in models.values():
            model.hold()
        afar = {file for model in models.values() if model.afar is not None for file in model.afar.files}
        if afar:
            _focus(plan, models, {slot.name for i in part.files(len(files)) for slot in files[i]})
        room, cap = page_room(), memory_limit()
        inputs = {file for model in models.values() for piece in model.pieces for file in piece.files} - afar
        needed = plan.nbytes + sum(file.stat().st_size for file in inputs)
        # mapped pages are dear to take back where this process must do it, and not where the system has other memory
        cold = {file for file in inputs if not cached(file)} if cap is not None and needed > cap else set[Path]()
        dirty = min(room, memory or room) // 16 if room and needed > room else None
        workers = fitting_workers(plan.jobs, workers, memory, models, room, 0 if to is None else SENDING)
        with (
            read_by_files(models.values(), cold) if cold else contextlib.nullcontext(),
            uploading(to, files, metadata)
            if to is not None
            else writing(out, files, metadata, word, part, dirty, allow_nonfinite) as output,
        ):
            making = Making(output, models, on, allow_nonfinite, progress, stopped)
            making.run(plan.jobs, workers)
            plan = _told(with_allowed(plan, output.allowed), asked)
            if part == WHOLE:
                output.check()
                write_companions(output.folder, plan, models, tokenizer, digests)
                check_beside(plan, models)
            check_inputs(models, afar=True)
    finally:
        if digests is not None:
            digests.stop()
    return plan


def _focus(plan: Plan, models: Mapping[str, Checkpoint], own: Collection[str]) -> None:
    """Say which tensors of models that lie elsewhere are going to be read: small ones among them come together."""
    if any(isinstance(model, Planned) for model in models.values()):
        return  # what documents are made of is read as well
    wanted: dict[str, set[str]] = {}
    for source in (source for job in plan.jobs if job.name in own for source in used(job)):
        wanted.setdefault(source.key, set()).add(source.name)
    for reference, model in models.items():
        if model.afar is not None:
            stored = [model.tensors[name] for name in map(model.own, wanted.get(reference, ())) if name in model.tensors]
            model.afar.focus((one.file, one.offset, one.nbytes) for one in stored)


def metadata_of(recipe: Recipe) -> dict[str, str]:
    """What each file of the output says of itself."""
    return {"recipe": dump(recipe)}


def _told(plan: Plan, asked: loadable.Check | None) -> Plan:
    """The plan with what transformers says of it. CheckpointError where it could not load the output."""
    return replace(plan, remarks=(*plan.remarks, *asked.result())) if asked is not None else plan


@dataclass
class Making:
    """Makes an output's tensors, in lanes beside each other, and writes them as they come."""

    output: Output | Uploading
    models: Mapping[str, Checkpoint]
    device: torch.device
    allow_nonfinite: bool
    progress: Callable[[Step], None] | None
    cancelled: Callable[[], bool]
    _waiting: deque[list[TensorJob]] = field(default_factory=deque[list[TensorJob]])
    _finished: "SimpleQueue[TensorJob | BaseException]" = field(default_factory=SimpleQueue[TensorJob | BaseException])
    _stop: threading.Event = field(default_factory=threading.Event)
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def run(self, jobs: Sequence[TensorJob], workers: int) -> None:
        """Make those of the jobs that are the output's and not done yet, so many at a time."""
        own = set(self.output.names)
        jobs = [job for job in jobs if job.name in own]
        done = [job for job in jobs if job.name in self.output.done]
        self._waiting.extend(self.output.lanes([job for job in jobs if job.name not in self.output.done]))
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(1 if self.device.type != "cpu" else workers)]
        try:
            if self.cancelled():
                raise Cancelled(_stopped(len(done), jobs, self.output))
            for thread in threads:
                begin(thread)
            self._follow(jobs, done)
        except BaseException:
            for model in self.models.values():
                if model.afar is not None:
                    model.afar.leave()
            raise
        finally:
            self._stop.set()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()

    def _follow(self, jobs: Sequence[TensorJob], done: Sequence[TensorJob]) -> None:
        """Tell of each tensor that is finished, until all are."""
        whole, nbytes = sum(job.slot.nbytes for job in jobs), sum(job.slot.nbytes for job in done)
        for i in range(len(done) + 1, len(jobs) + 1):
            job = self._finished.get()
            if isinstance(job, BaseException):
                raise job
            nbytes += job.slot.nbytes
            if self.progress:
                self.progress(Step(job.name, i, len(jobs), nbytes, whole))
            if i < len(jobs) and self.cancelled():
                raise Cancelled(_stopped(i, jobs, self.output))

    def _work(self) -> None:
        """Make tensors until there are none, in a thread."""
        try:
            while not self._stop.is_set():
                try:
                    lane = self._waiting.popleft()
                except IndexError:  # another took the last one
                    return
                for job in lane:
                    # tensors that are made whole take memory and torch's own threads: one at a time
                    with contextlib.nullcontext() if fused.supports(job) and self.device.type == "cpu" else self._alone:
                        made = self._make(job) if self.device.type == "cpu" else self._on_gpu(job)
                    if not made:
                        return
                    self._finished.put(job)
        except BaseException as error:
            self._finished.put(_cause(error, self._check))

    def _make(self, job: TensorJob) -> bool:
        """Whether it was made, and not stopped."""
        left, look = math.prod(job.shape), Look()
        for first, part in stretches(job, reader(self.models), self.device, look):
            left -= part.numel()
            if left <= 0 and job.method is not None:
                self._check()  # all is read
            self.output.writer.write(job.name, part, first)
            if self._stop.is_set():
                return False
        if job.method is None:
            self._check()  # what is only copied is read while it is written
        self.output.finished(job.name, judged(job, look, self.models, self.device, self.allow_nonfinite))
        return True

    def _on_gpu(self, job: TensorJob) -> bool:
        """`_make`, once more where the GPU's memory runs out: another program may have taken it for a moment."""
        try:
            return tried(lambda: self._make(job), self.device, lambda: None, lambda: _short(job, self.device))
        except OutOfMemory as error:  # as where the disk is full: what is done is kept
            raise error from OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    def _check(self) -> None:
        """InputChanged where an input is no longer what it was: what was made of it then is not noted as done."""
        check_inputs(self.models)


def _short(job: TensorJob, device: torch.device) -> str:
    """What to tell where a tensor does not fit into a GPU's memory."""
    sources = (*job.sources, *([job.base] if job.base else []))
    needs = job.slot.nbytes + math.prod(job.shape) * job.compute.itemsize * len(sources) + working_memory(job, device.type)
    have = memory_left(device)
    free = f", and {format_bytes(have[0])} are free" if have else ""
    return (
        f"--device {device}: {job.name} {job.shape} takes about {format_bytes(needs)} of its memory while it is merged{free}.\n"
        f"  Use --device cpu: there it takes {format_bytes(memory_of(job))}. Or end what else uses the GPU, and start again."
    )


def _cause(error: BaseException, check: Callable[[], None]) -> BaseException:
    """What to tell of an error of making a tensor: an input that is no longer what it was explains any other."""
    try:
        check()
    except InputChanged as changed:
        return changed
    if isinstance(error, OSError):  # the writer's own are MergeErrors
        cause = CheckpointError(f"{error.filename}: cannot be read any more: {error.strerror}; bring it back as it was.")
    elif out_of_memory(error):
        cause = MergeError(NO_MEMORY)
        error = MemoryError(str(error))
    else:
        return error
    cause.__cause__ = error
    return cause


def check_inputs(models: Mapping[str, Checkpoint], afar: bool = False) -> None:
    """InputChanged where a weight file is no longer what it was when it was opened. afar: ask the stores once more too."""
    for model in models.values():
        model.check()
        if afar and model.afar is not None:
            model.afar.check(now=True)


def output_folder(folder: str | Path) -> Path:
    """Where a merge goes, with `~` as the home folder it stands for. MergeError for an address."""
    check_path(folder)
    try:
        return Path(folder).expanduser()
    except RuntimeError:
        raise MergeError(f"{folder}: there is no such home folder; write the whole path.") from None


def with_remarks(plan: Plan, recipe: Recipe, models: Mapping[str, Checkpoint]) -> Plan:
    """The plan with remarks on weights that cancel out, in earlier documents too."""
    remarks = [f"{finding.words} {finding.fix}" for finding in cancelling(plan)]
    for document in recipe.earlier:
        made = models[document.digest]
        if isinstance(made, Planned):
            remarks += [f"{document.name}: {finding.words} {finding.fix}" for finding in cancelling(made.plan)]
    return replace(plan, remarks=(*plan.remarks, *remarks[:TOLD]))


def with_allowed(plan: Plan, lines: Mapping[str, str]) -> Plan:
    """The plan with remarks on tensors that are not finite, from each one's line."""
    return replace(plan, remarks=(*plan.remarks, *allowed_remarks([*lines.values()])))


def _stopped(done: int, jobs: Sequence[TensorJob], output: Output | Uploading) -> str:
    return f"stopped after {done} of {len(jobs)} tensors; nothing was written to {output.place}."


def use_threads(count: int) -> None:
    """Compute with so many CPU threads from now on; the result is the same with any number."""
    if count < 1:
        raise MergeError(f"--num-threads {count}: write a number of threads, at least 1.")
    torch.set_num_threads(count)
