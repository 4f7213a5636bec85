"""merge_tensor, the only entry to arithmetic, and merge(recipe, folder), the loop that writes a model."""

import contextlib
import errno
import json
import math
import os
import shutil
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch
from torch import Tensor

from merger.engine import costs, fused, loadable
from merger.engine.cancelling import cancelling
from merger.engine.fused import Known
from merger.engine.output import (
    WHOLE,
    Output,
    Part,
    allowed_before,
    check_apart,
    check_free,
    check_space,
    fingerprint,
    join,
    writing,
)
from merger.engine.plan import Plan, Source, TensorJob, plan
from merger.errors import (
    NO_MEMORY,
    Cancelled,
    CheckpointError,
    InputChanged,
    MergeError,
    NonFiniteError,
    OutOfMemory,
    begin,
    out_of_memory,
)
from merger.files.checkpoints import Checkpoint, Piece, Stored, cached, in_words, parse_size, read_by_files, shards
from merger.files.layout import role
from merger.files.prefixes import aligned
from merger.hub import references as hub
from merger.hub.card import Digests, parents, recipe_text
from merger.hub.card import card as write_card
from merger.kernels import backend, build, cpu, gpu, magnitudes
from merger.kernels.devices import best_device, gpu_memory, pick_device, tried
from merger.kernels.devices import memory as memory_left
from merger.kernels.finite import TOLD, Found, Look, Parent, count
from merger.kernels.finite import remarks as allowed_remarks
from merger.methods import LINES, METHODS
from merger.methods.ops import Draws, Watch
from merger.recipe import Recipe, dump
from merger.regular import look
from merger.tokenizer.tokens import OutputTokens, check_companions, copy_tokenizer, gather, write_chat_template, write_tokenizer

Read = Callable[[Source], Tensor]


@dataclass(frozen=True)
class Step:
    """Progress of a merge: tensors and bytes done, of how many."""

    name: str
    tensors: int
    of_tensors: int
    nbytes: int
    of_nbytes: int


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


def _leaves(job: TensorJob, models: Mapping[str, Checkpoint]) -> Iterator[Source]:
    """The tensors of files that a job depends on, through the documents that make its sources."""
    for source in used(job):
        model = models[source.key]
        yield from _leaves(model.decided.job(source.name), models) if isinstance(model, Planned) else (source,)


def _judged(job: TensorJob, look: Look, models: Mapping[str, Checkpoint], device: str | torch.device, allowed: bool) -> str:
    """What of a tensor that was looked at while it was made is not finite, in a line; "" where all is. NonFiniteError if that
    is not allowed."""
    if any(isinstance(models[source.key], Planned) for source in used(job)):
        for source in _leaves(job, models):
            look.at(read_source(models, source))
    found = odd(job, models, device) if look.suspects else None
    if not found:
        return ""
    if not allowed:
        raise NonFiniteError(str(found))
    return found.line


def odd(job: TensorJob, models: Mapping[str, Checkpoint], device: str | torch.device = "cpu") -> Found | None:
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
    return Found(job.name, job.method, tuple(parents), largest, made, written, job.out) or None


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
    except torch.linalg.LinAlgError as error:  # pyright: ignore[reportPrivateImportUsage] - it is documented
        models = " and ".join(s.model for s in job.sources)
        raise MergeError(
            f"{job.name}: '{job.method}' cannot take what {models} changed apart: {str(error).partition(':')[2].strip()}\n"
            "  Use another method for this tensor's model, for example task_arithmetic."
        ) from None


@dataclass(frozen=True)
class Planned(Checkpoint):
    """The model that another document of the recipe makes: its tensors are merged when they are read, and kept nowhere."""

    decided: Plan = field(kw_only=True)
    parents: Mapping[str, Checkpoint] = field(kw_only=True)
    _last: dict[str, Tensor] = field(default_factory=dict[str, Tensor], repr=False, compare=False)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """None of its own: those of its parents are listed with them."""
        return ()

    def hold(self) -> None:
        """Nothing: its parents are held."""

    @property
    def words(self) -> Path:
        """The tokenizer that the document builds, else its donor's."""
        return self.folder if self.decided.tokens is not None else self.parents[self.decided.donor].words

    def read(self, name: str, rows: slice | None = None) -> Tensor:
        """The tensor, or a run of its rows, rounded as it would be on disk."""
        found = self._last.get(name)
        if found is None:
            found = merge_tensor(self.decided.job(name), lambda source: read_source(self.parents, source))
            self._last.clear()  # the same tensor may be read several times in a row, others are not coming back
            self._last[name] = found
        return found if rows is None else found[rows]


def planned(recipe: Recipe, parents: Mapping[str, Checkpoint]) -> Planned:
    """The model a document makes, from opened models; reads no weights."""
    decided = plan(recipe, parents)
    donor = parents[decided.donor]
    folder = donor.folder if decided.tokens is None else _tokenizer_folder(decided.tokens, decided, parents)
    anywhere = next(iter(donor.tensors.values()))
    tensors = {job.name: Stored(job.shape, job.out, anywhere.file, i, packed=job.packed) for i, job in enumerate(decided.jobs)}
    return Planned(recipe.name or "", folder, tensors, decided.config, decided=decided, parents=parents)


_tokenizer_folders: dict[int, Path] = {}


def _tokenizer_folder(tokens: OutputTokens, decided: Plan, parents: Mapping[str, Checkpoint]) -> Path:
    """A temporary folder with the tokenizer that an earlier document builds, for as long as its vocabulary is in use."""
    if id(tokens) not in _tokenizer_folders:
        folder = Path(tempfile.mkdtemp(prefix="merger-"))
        weakref.finalize(tokens, _drop, id(tokens), folder)
        _write_words(folder, decided, parents, True)
        (folder / "config.json").write_text(json.dumps(dict(decided.config)), encoding="utf-8")
        _tokenizer_folders[id(tokens)] = folder
    return _tokenizer_folders[id(tokens)]


def _drop(key: int, folder: Path) -> None:
    _tokenizer_folders.pop(key, None)
    shutil.rmtree(folder, ignore_errors=True)


def open_models(
    recipe: Recipe, roots: Sequence[Path] = (Path(),),
    opener: Callable[[str, Sequence[Path]], Checkpoint] = hub.open_reference,
) -> dict[str, Checkpoint]:  # fmt: skip
    """Open every model the recipe names: headers only. CheckpointError names the first that cannot be.

    What earlier documents make is there under its name and under its recipe's digest.
    """
    models = {reference: opener(reference, roots) for reference in recipe.opened}
    for document in recipe.earlier:
        models[document.name or ""] = models[document.digest] = planned(document, aligned(document, models))
    return aligned(recipe, models)


def reader(models: Mapping[str, Checkpoint]) -> Read:
    """Read sources from the models' files."""
    return lambda source: read_source(models, source)


def read_source(models: Mapping[str, Checkpoint], source: Source) -> Tensor:
    """A source's tensor with the rows the job wants: as stored, cut, or following the output's tokens."""
    if source.vocab is not None:
        aligned = source.vocab
        return gather(aligned, source.model, lambda model, name: models[aligned.key(model)].read(name))
    return models[source.key].read(source.name, source.cut)


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
    opener: Callable[[str, Sequence[Path]], Checkpoint] = hub.open_reference,
    allow_nonfinite: bool = False,
) -> Plan:
    """Merge into a new folder that transformers can load. The folder appears whole, or not at all.

    A merge that was killed goes on from `<folder>.partial` when it is called again with the same recipe and options.

    shard_size   `5GB` in bytes, `1B` in parameters, per file
    roots        where relative model references are looked up, in order
    progress     called after each tensor
    cancelled    asked after each tensor; true raises Cancelled, and what was written is deleted
    tokenizer    copy the donor's tokenizer and generation config
    card         write README.md and mergekit_config.yml
    workers      threads that read, compute and write; default: a core each, at most 4. The result does not depend on them
    memory       bytes it may take, beside mapped files; fewer threads are used, or MergeError says why it cannot be
    part         make only this share of the output's files, in `<folder>.partial`
    joining      make nothing: add to what the parts have made what is missing, and let the folder appear
    opener       opens one model; the default also fetches it from the Hub
    allow_nonfinite  go on where a model's numbers, or what is made of them, are NaN or infinite: remarks and card then say where.
                 Otherwise that is a NonFiniteError
    """
    out = output_folder(folder)
    on = pick_device(device)
    limit, counts_parameters = parse_size(shard_size)
    check_free(out)
    models = open_models(recipe, roots, opener)
    check_apart(out, models)
    decided = _with_remarks(plan(recipe, models), recipe, models)
    files = shards([job.slot for job in decided.jobs], limit, counts_parameters)
    metadata = {"recipe": dump(recipe)}
    word = fingerprint(decided, models, files, str(on))
    digests = Digests(models) if card and part == WHOLE else None
    asked = loadable.start(decided, models)

    def stopped() -> bool:
        if asked is not None:
            asked.look()  # no hour of merging for what cannot be loaded
        return cancelled()

    try:
        if joining:
            with join(out, files, metadata, word) as partial:
                decided = _told(_with_allowed(decided, allowed_before(partial)), asked)
                _write_companions(partial, decided, models, tokenizer, digests)
            return decided
        check_space(out, decided.nbytes)
        if tokenizer:
            check_companions(models[decided.donor].folder)
        for model in models.values():
            model.hold()
        room = page_room()
        inputs = {file for model in models.values() for piece in model.pieces for file in piece.files}
        short = room is not None and decided.nbytes + sum(file.stat().st_size for file in inputs) > room
        cold = {file for file in inputs if not cached(file)} if short else set[Path]()
        dirty = min(room, memory or room) // 16 if room and short else None
        workers = _workers(decided.jobs, workers, memory)
        with (
            read_by_files(models.values(), cold) if cold else contextlib.nullcontext(),
            writing(out, files, metadata, word, part, dirty, allow_nonfinite) as output,
        ):
            making = _Making(output, models, on, allow_nonfinite, progress, stopped)
            making.run(decided.jobs, workers)
            decided = _told(_with_allowed(decided, output.allowed), asked)
            if part == WHOLE:
                output.check()
                _write_companions(output.folder, decided, models, tokenizer, digests)
                _check_beside(decided, models)
            check_inputs(models)
    finally:
        if digests is not None:
            digests.stop()
    return decided


def _told(decided: Plan, asked: loadable.Check | None) -> Plan:
    """The plan with what transformers says of it. CheckpointError where it could not load the output."""
    return replace(decided, remarks=(*decided.remarks, *asked.result())) if asked is not None else decided


@dataclass
class _Making:
    """Makes an output's tensors, the largest first, and writes them as they come."""

    output: Output
    models: Mapping[str, Checkpoint]
    device: torch.device
    allow_nonfinite: bool
    progress: Callable[[Step], None] | None
    cancelled: Callable[[], bool]
    _waiting: deque[TensorJob] = field(default_factory=deque[TensorJob])
    _finished: "SimpleQueue[TensorJob | BaseException]" = field(default_factory=SimpleQueue)
    _stop: threading.Event = field(default_factory=threading.Event)
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def run(self, jobs: Sequence[TensorJob], workers: int) -> None:
        """Make those of the jobs that are the output's and not done yet, so many at a time."""
        own = set(self.output.names)
        jobs = [job for job in jobs if job.name in own]
        done = [job for job in jobs if job.name in self.output.done]
        self._waiting.extend(sorted((job for job in jobs if job.name not in self.output.done), key=lambda job: -job.slot.nbytes))
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(1 if self.device.type != "cpu" else workers)]
        try:
            if self.cancelled():
                raise Cancelled(_stopped(len(done), jobs, self.output))
            for thread in threads:
                begin(thread)
            self._follow(jobs, done)
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
                    job = self._waiting.popleft()
                except IndexError:  # another took the last one
                    return
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
        self.output.finished(job.name, _judged(job, look, self.models, self.device, self.allow_nonfinite))
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
    free = f", and {in_words(have[0])} are free" if have else ""
    return (
        f"--device {device}: {job.name} {job.shape} takes about {in_words(needs)} of its memory while it is merged{free}.\n"
        f"  Use --device cpu: there it takes {in_words(memory_of(job))}. Or end what else uses the GPU, and start again."
    )


def _cause(error: BaseException, check: Callable[[], None]) -> BaseException:
    """What to tell of an error of making a tensor: an input that is no longer what it was explains any other."""
    try:
        check()
    except InputChanged as changed:
        return changed
    if isinstance(error, OSError):  # the writer's own are MergeErrors
        told = CheckpointError(f"{error.filename}: cannot be read any more: {error.strerror}; bring it back as it was.")
    elif out_of_memory(error):
        told = MergeError(NO_MEMORY)
        error = MemoryError(str(error))
    else:
        return error
    told.__cause__ = error
    return told


def check_inputs(models: Mapping[str, Checkpoint]) -> None:
    """InputChanged where a weight file is no longer what it was when it was opened."""
    for model in models.values():
        model.check()


def _check_beside(decided: Plan, models: Mapping[str, Checkpoint]) -> None:
    """The same of the files that were copied, or that the output's tokens were decided from."""
    for reference in dict.fromkeys((decided.donor, decided.tokens.origin if decided.tokens else decided.donor)):
        for file, before in models[reference].seen.items():
            if file.suffix in (".json", ".jinja", ".txt", ".model") and look(file) != before:
                raise InputChanged(f"{file}: was changed while it was being read; begin again when nothing writes to it.")


def output_folder(folder: str | Path) -> Path:
    """Where a merge goes, with `~` as the home folder it stands for."""
    try:
        return Path(folder).expanduser()
    except RuntimeError:
        raise MergeError(f"{folder}: there is no such home folder; write the whole path.") from None


def _with_remarks(decided: Plan, recipe: Recipe, models: Mapping[str, Checkpoint]) -> Plan:
    """The plan with remarks on weights that cancel out, in earlier documents too."""
    told = [f"{found.words} {found.fix}" for found in cancelling(decided)]
    for document in recipe.earlier:
        made = models[document.digest]
        if isinstance(made, Planned):
            told += [f"{document.name}: {found.words} {found.fix}" for found in cancelling(made.decided)]
    return replace(decided, remarks=(*decided.remarks, *told[:TOLD]))


def _with_allowed(decided: Plan, lines: Mapping[str, str]) -> Plan:
    """The plan with remarks on tensors that are not finite, from each one's line."""
    return replace(decided, remarks=(*decided.remarks, *allowed_remarks([*lines.values()])))


def _stopped(done: int, jobs: Sequence[TensorJob], output: Output) -> str:
    return f"stopped after {done} of {len(jobs)} tensors; nothing was written to {output.folder.with_suffix('')}."


OWN_MEMORY = 300_000_000
"""Bytes that are kept free of a limit for Python, torch and headers, whatever is merged."""
BARE_MEMORY = 180_000_000
"""What these really take of their own."""


def memory_of(job: TensorJob) -> int:
    """Bytes of memory that making one tensor takes beside its files, which are mapped and can be let go of at any time."""
    n, count = math.prod(job.shape), len(job.sources)
    gathered = sum(4 * n for s in (*job.sources, *([job.base] if job.base else [])) if s.vocab is not None or s.made)
    if job.method is None:
        return min(n, STRETCH) * job.out.itemsize + gathered
    if not fused.supports(job):
        return costs.whole_memory(job) + gathered
    bits = count * n // 8 if METHODS[job.method].law.trim == "ranked" else 0
    return min(n, STRETCH) * job.out.itemsize + 4 * min(n, (1 << 22) + (1 << 16)) + bits + gathered


_KEPT = 32 << 20
"""glibc gives larger pieces back at once."""


def memory_together(jobs: Sequence[TensorJob], workers: int = 2) -> int:
    """Bytes that a merge takes beside its files with so many threads: tensors that are made whole are made one at a time, but
    each thread keeps what was in pieces that the C library does not give back (float64 is the widest)."""
    whole = [job for job in jobs if not _many(job)]
    alone = max((memory_of(job) for job in whole), default=0)
    kept = max((memory_of(job) for job in whole if 8 * math.prod(job.shape) < _KEPT), default=0)
    others = sorted((memory_of(job) for job in jobs if _many(job)), reverse=True)
    return BARE_MEMORY + alone + workers * kept + sum(others[: workers - 1 if alone else workers])


def _many(job: TensorJob) -> bool:
    """Whether several such tensors may be in the making at a time."""
    return job.method is None or fused.supports(job)


def working_memory(job: TensorJob, kind: str) -> int:
    """Bytes of a GPU that making one tensor takes for a while, beside its sources and the output. kind: of device."""
    n = math.prod(job.shape)
    made = sum(4 * n for s in (*job.sources, *([job.base] if job.base else [])) if s.made)
    if job.method is None:
        return made
    if fused.supports(job, kind):  # of the searches; the launch itself takes next to nothing
        return made + 4 * min(n, magnitudes.STRETCH) * 12 + (2 << 20)
    plain = METHODS[job.method].law.combine in ("average", "alone")
    return made + costs.whole_memory(job) + (0 if plain else 32 * min(n, 1 << 20))  # dot products and sums go by float64 blocks


def _workers(jobs: Sequence[TensorJob], workers: int | None, memory: int | None) -> int:
    """How many tensors are made at a time, under a limit of memory. MergeError names a tensor that alone takes more."""
    wanted = workers or processors()
    if memory is None or not jobs:
        return wanted
    largest = sorted(jobs, key=memory_of, reverse=True)
    needs = [memory_of(job) for job in largest[:wanted]]
    if OWN_MEMORY + needs[0] > memory:
        job = largest[0]
        why = "" if job.method is None or fused.supports(job) else f", because '{job.method}' looks at the whole tensor at once"
        need = _enough(OWN_MEMORY + needs[0])
        more = "" if build.available() else ", or install a C compiler: then much less will do"
        raise MergeError(
            f"--memory {in_words(memory)}: {job.name} {job.shape} takes {need}{why}.\n  Allow that with --memory {need}{more}."
        )
    return max(k for k in range(1, len(needs) + 1) if OWN_MEMORY + sum(needs[:k]) <= memory)


def _enough(nbytes: int) -> str:
    """A size that covers so many bytes, as an option takes it.

    >>> _enough(300_000_001), _enough(2_340_000_000), _enough(999_999_999)
    ('301MB', '2.4GB', '1GB')
    """
    unit, name = (10**9, "GB") if nbytes > 999 * 10**6 else (10**6, "MB")
    steps = -(-nbytes // (unit // 10))  # tenths, upwards
    return f"{-(-steps // 10)}{name}" if unit == 10**6 or steps % 10 == 0 else f"{steps / 10:.1f}{name}"


def processors() -> int:
    """The CPU cores this process may use; more than four only wait for the disk."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, count)


def page_room() -> int | None:
    """Bytes that the system can keep of files in memory: what is free, or what the memory cgroup allows. None: unknown."""
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")]
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, kinds, path = line.split(":", 2)
            root, name = ("/sys/fs/cgroup", "memory.max") if not kinds else ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            if kinds in ("", "memory"):
                for folder in [own := Path(root + path), *own.parents]:  # a limit above holds too
                    with contextlib.suppress(OSError, ValueError):
                        found.append(int((folder / name).read_text(encoding="ascii")))
    return min(found, default=None)


@contextlib.contextmanager
def spoken(decided: Plan, models: Mapping[str, Checkpoint]) -> Generator[Path]:
    """A folder with the tokenizer and chat template the output will have: the donor's own, or a temporary one."""
    donor = models[decided.donor]
    if decided.tokens is None and decided.chat_template is None and donor.words == donor.folder:
        yield donor.folder
        return
    with _temporary() as name:
        _write_words(Path(name), decided, models, True)
        (Path(name) / "config.json").write_text(json.dumps(dict(decided.config)), encoding="utf-8")
        yield Path(name)


@contextlib.contextmanager
def _temporary() -> Generator[str]:
    """A temporary folder; MergeError where nothing can be written to it, or none can be made."""
    try:
        with tempfile.TemporaryDirectory(prefix="merger-", ignore_cleanup_errors=True) as name:
            yield name
    except OSError as error:
        where = os.environ.get("TMPDIR") or "the system's place for temporary files"
        raise MergeError(f"{where}: cannot be written: {error.strerror}; name another in TMPDIR.") from error


def use_threads(count: int) -> None:
    """Compute with so many CPU threads from now on; the result is the same with any number."""
    if count < 1:
        raise MergeError(f"--num-threads {count}: write a number of threads, at least 1.")
    torch.set_num_threads(count)


def _write_companions(
    folder: Path, decided: Plan, models: Mapping[str, Checkpoint], tokenizer: bool, digests: Digests | None
) -> None:
    """Everything beside the weights: config, tokenizer, generation config, card, recipe."""
    try:
        if decided.config:
            (folder / "config.json").write_text(json.dumps(dict(decided.config), indent=2) + "\n", encoding="utf-8")
        _write_words(folder, decided, models, tokenizer)
        if digests is not None:
            text = write_card(decided.recipe, _facts(decided), parents(models, digests))
            (folder / "README.md").write_text(text, encoding="utf-8", errors="replace")
            (folder / "mergekit_config.yml").write_text(recipe_text(decided.recipe), encoding="utf-8", errors="replace")
    except OSError as error:
        raise MergeError(f"{folder}: cannot be written: {error.strerror}.") from error


def _write_words(folder: Path, decided: Plan, models: Mapping[str, Checkpoint], tokenizer: bool) -> None:
    if decided.tokens:
        write_tokenizer(decided.tokens, models[decided.donor], models[decided.tokens.origin], folder)
    elif tokenizer:
        copy_tokenizer(models[decided.donor], folder)
    if decided.chat_template is not None:
        write_chat_template(decided.chat_template, folder)


def _facts(decided: Plan) -> dict[str, str]:
    kinds = sorted({str(job.out).removeprefix("torch.") for job in decided.jobs})
    return {
        "Weights": f"{len(decided.jobs)} tensors, {decided.nbytes:,} bytes, {', '.join(kinds)}; computed in float32",
        **({"Remarks": " ".join(decided.remarks)} if decided.remarks else {}),
        **_skipped(decided, "Skipped tensors", cropped=False), **_skipped(decided, "Cropped tensors", cropped=True),
    }  # fmt: skip


def _skipped(decided: Plan, label: str, cropped: bool) -> dict[str, str]:
    """Which tensors a model was left out of (or cut in), by model, role and shape; empty when there are none."""
    groups: dict[tuple[str, str, str, str], int] = {}
    for m in decided.misfits:
        if m.cropped == cropped:
            key = (m.model, role(m.name), str(m.found or "missing"), str(m.wanted))
            groups[key] = groups.get(key, 0) + 1
    told = [f"`{model}`: {n} × {kind}, {found} against {wanted}" for (model, kind, found, wanted), n in groups.items()]
    return {label: "; ".join(told)} if told else {}


__all__ = [
    "OWN_MEMORY", "CheckpointError", "Read", "Step", "best_device", "gpu_memory", "memory_of", "memory_together",
    "merge", "merge_tensor", "open_models", "output_folder", "pick_device", "planned", "processors", "reader", "spoken",
    "use_threads", "used", "working_memory",
]  # fmt: skip
