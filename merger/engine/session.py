"""Session: parents stay in memory, a changed recipe redoes only the tensors it changes, in place."""

import functools
import math
import os
import threading
from collections import ChainMap, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from merger.engine.batch import Step
from merger.engine.budget import need, processors, too_much
from merger.engine.document import Planned, open_models, read_source
from merger.engine.fused import Known
from merger.engine.plan import Plan, Source, TensorJob, make_plan
from merger.engine.proving import prove
from merger.engine.tensor import Read, merge_tensor
from merger.errors import Cancelled, InputChanged
from merger.files.checkpoints import Checkpoint
from merger.hub.access import ANYTHING, Access
from merger.hub.lora import Adapted
from merger.hub.references import open_reference
from merger.kernels.devices import pick_device, speaking_device, tried, uploaded, waiting
from merger.recipe import Recipe

_Kept = tuple[Source, torch.dtype | None, torch.device]
"""A tensor that is kept: where it is read, what it is rounded to, and where it is."""


class Parents:
    """Opened models by reference, shared and read-only: one copy for all sessions and voices, mapped from its files on the CPU.

    device   merges
    speaks   holds what is heard; another one where `device` is asked to be one that cannot merge (mps)

    On a GPU each tensor is uploaded when it is first read, and kept; while `streams` is on it waits in this machine's memory, and
    is uploaded whenever it is read. What a recipe's earlier documents make is merged when it is read, and kept nowhere.

    access  what is opened for those who show no access of their own. It is asked at every use: that a model is open here
            already, for somebody else, opens it for nobody
    """

    def __init__(
        self, device: str = "cpu", roots: Sequence[Path] = (Path(),), opener: Callable[[str], Checkpoint] | None = None,
        access: Access = ANYTHING,
    ) -> None:  # fmt: skip
        self.device, self.speaks = pick_device(device), speaking_device(device)
        prove(self.device)
        self.roots = roots
        self.opener: Callable[[str], Checkpoint] = opener or (lambda reference: open_reference(reference, roots))
        self.access = access
        self.known = Known()
        self.generation = 0
        """Counts how often a model was closed because its files had changed: what was made from it is out of date."""
        self._models: dict[str, Checkpoint] = {}
        self._resident: dict[_Kept, Tensor] = {}
        self._waiting: dict[_Kept, Tensor] = {}
        """On the CPU, while `streams` is on."""
        self._streams = False
        self._elsewhere: WeakValueDictionary[_Kept, Tensor] = WeakValueDictionary()
        """What was let go of, as long as a session or a voice holds it."""
        self._made: WeakValueDictionary[str, Planned] = WeakValueDictionary()
        self._latest: tuple[Checkpoint, ...] = ()
        self._lock = threading.RLock()

    def open(self, recipe: Recipe, access: Access | None = None) -> Mapping[str, Checkpoint]:
        """The checkpoints a recipe names, with what its earlier documents make; headers are read the first time only.

        What documents make lives as long as somebody holds this answer; that of the last call is held here.
        access  of the visitor for whom it is done. CheckpointError where it does not reach
        """
        models = open_models(recipe, self.roots, lambda reference, _: self.model(reference, access))
        made = {document.digest: model for document in recipe.earlier if isinstance(model := models[document.digest], Planned)}
        with self._lock:
            self._made.update(made)
            self._latest = tuple(made.values())
        return models

    def model(self, reference: str, access: Access | None = None) -> Checkpoint:
        """One checkpoint; opened anew where its files are no longer what they were. access as in `open`."""
        (access or self.access).check(reference)
        self.renew([reference])
        model = self._models.get(reference)
        if model is None:
            model = self._models[reference] = self.opener(reference)
        return model

    def renew(self, references: Iterable[str]) -> None:
        """Close those of the models whose files were cut or overwritten: what comes next opens them as they are now."""
        for reference in references:
            model = self._models.get(reference)
            if model is not None and model.changed():
                self.close(reference)
                self.known = Known()
                self.generation += 1

    def check(self, references: Iterable[str]) -> None:
        """InputChanged where one of these models was cut or overwritten while something was made from it."""
        for model in [self._models[r] for r in references if r in self._models]:
            model.check()

    @property
    def folders(self) -> frozenset[Path]:
        """The folders of what is open: a cache with a bound must not delete them."""
        return frozenset(piece.folder for model in tuple(self._models.values()) for piece in model.pieces)

    @property
    def opened(self) -> frozenset[str]:
        """The references of the models that are open."""
        return frozenset(self._models)

    def close(self, reference: str) -> None:
        """Let go of a model that nobody uses; it is opened again when it is named again."""
        self._models.pop(reference, None)
        with self._lock:
            for held in (self._resident, self._elsewhere, self._waiting):
                for key in [key for key in held if key[0].model == reference]:
                    held.pop(key, None)
        self.known.drop(reference)

    @property
    def streams(self) -> bool:
        """Whether tensors wait in this machine's memory instead of the GPU's: a merge of models takes little more than itself."""
        return self._streams

    @streams.setter
    def streams(self, on: bool) -> None:
        on = on and self.device.type != "cpu"
        if on != self._streams:
            self._streams = on
            self._waiting.clear()
            self.release()

    def release(self) -> None:
        """Free the device of all tensors that no session or voice holds; they are uploaded again when they are read again."""
        with self._lock:
            self._elsewhere.update(self._resident)
            self._resident.clear()

    def read(self, source: Source) -> Tensor:
        """A parent's tensor on the device: mapped from its file on the CPU, kept in memory on a GPU."""
        return self._read(source, self._made)

    def reader(self, models: Mapping[str, Checkpoint]) -> Read:
        """`read` for a recipe, from what `open` has given for it: other recipes may be opened meanwhile."""
        return lambda source: self._read(source, models)

    def _read(self, source: Source, models: Mapping[str, Checkpoint]) -> Tensor:
        if source.made is not None:
            return self._merged(source, models[source.made])
        if source.vocab is not None and source.vocab.made:  # its rows follow those of a document's model, which is kept nowhere
            return read_source(ChainMap(dict(models), self._models), source).to(self.device)
        if self.device.type == "cpu":
            held = self._resident.get((source, None, self.device))
            return read_source(self._models, source) if held is None else held
        if source.rows is not None and not isinstance(self._models[source.model], Adapted):
            return self._held(replace(source, rows=None))[: source.rows]
        return self._held(source)

    def _merged(self, source: Source, model: Checkpoint) -> Tensor:
        """A tensor of the model that an earlier document makes."""
        if self.device.type == "cpu" or not isinstance(model, Planned):
            return model.read(source.name, source.cut)
        job = model.plan.job(source.name)
        known = self.known if all(s.made is None for s in (*job.sources, *([job.base] if job.base else []))) else None
        whole = merge_tensor(job, self.reader(model.parents), self.device, known=known)
        return whole if source.rows is None else whole[: source.rows]

    def _held(self, source: Source, dtype: torch.dtype | None = None, on: torch.device | None = None) -> Tensor:
        """A tensor that is kept on the device, or `on` another: the same for all who ask. dtype: rounded to it, None as it is
        read."""
        key = source, dtype, on or self.device
        if self._streams:
            return self._uploaded(key)
        held = self._resident.get(key)
        if held is None:
            with self._lock:  # two at once would keep two copies
                held = self._resident.get(key)
                if held is None:
                    held = self._elsewhere.get(key)
                    if held is None:
                        held = uploaded(read_source(self._models, source).to(dtype=dtype), key[2], source.name)
                    self._resident[key] = held
        return held

    def _uploaded(self, key: _Kept) -> Tensor:
        """A tensor on the device that nobody keeps; it is there already if somebody holds it."""
        held = self._elsewhere.get(key)
        if held is not None:
            return held
        source, dtype, _ = key
        with self._lock:
            ready = self._waiting.get(key)
            if ready is None:
                ready = self._waiting[key] = waiting(read_source(self._models, source).to(dtype=dtype), self.device)
        return ready.to(self.device)

    def tensors(self, reference: str, access: Access | None = None) -> dict[str, Tensor]:
        """A whole model as its voice takes it: the tensors that sessions read, not copies; or copies on the device that speaks.

        What a LoRA changes is computed, and rounded as it would be on disk; it is kept from here on, also on the CPU.
        """
        model = self.model(reference, access)
        sources = {name: Source(reference, name) for name in model.tensors}
        if not isinstance(model, Adapted) and self.speaks == self.device:
            return {name: self.read(source) for name, source in sources.items()}
        pairs = model.pairs if isinstance(model, Adapted) else ()
        rounded = {name: model.tensors[name].dtype for name in pairs if model.tensors[name].dtype.itemsize < 4}
        return {name: self._held(source, rounded.get(name), self.speaks) for name, source in sources.items()}


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """The threads that merge, kept for all sessions: starting some for each move takes longer than a small layer."""
    return ThreadPoolExecutor(processors(), thread_name_prefix="merger")


def _alone() -> None:
    """A forked process (ZeroGPU) has its parent's pools, ours and OpenMP's, but not their threads: it would wait for ever."""
    _pool.cache_clear()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alone)


class Session:
    """A merged model in memory. `tensors[n]` is always `merge_tensor(done[n])`, the bits a batch merge writes."""

    def __init__(self, parents: Parents, spare: Callable[[], None] = lambda: None) -> None:
        """spare: lets go of what else lies on the device, where memory runs out."""
        self.parents = parents
        self.spare = spare
        self.models: Mapping[str, Checkpoint] = {}
        """What the recipe names, and what its earlier documents make."""
        self.tensors: dict[str, Tensor] = {}
        self.done: dict[str, TensorJob] = {}
        self.plan: Plan | None = None
        self.generation = 0
        """Counts how often the set of tensors changed, so that a model built on them knows it is out of date."""
        self._of = parents.generation
        self._digests: set[str] = set()
        self._passing = Known()
        self._uploading = threading.Lock()

    def prepare(self, recipe: Recipe, access: Access | None = None) -> tuple[Plan, tuple[TensorJob, ...]]:
        """The plan of a recipe and the jobs that differ from what is in memory; computes nothing."""
        return self._prepared(recipe, self.parents.open(recipe, access))

    def _prepared(self, recipe: Recipe, models: Mapping[str, Checkpoint]) -> tuple[Plan, tuple[TensorJob, ...]]:
        plan = make_plan(recipe, models)
        if self._of != self.parents.generation:  # a parent is another than it was: every tensor may be
            self.done.clear()
            self._of = self.parents.generation
        return plan, tuple(job for job in plan.jobs if self.done.get(job.name) != job)

    def apply(
        self,
        recipe: Recipe,
        *,
        progress: Callable[[Step], None] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        access: Access | None = None,
    ) -> tuple[str, ...]:
        """Make memory hold this recipe's merge; returns the names of the tensors that were redone.

        Cancelled leaves every tensor whole: some of the new recipe, the rest of the old. Where the device's memory runs out,
        everything that can be made again is let go of and it is tried once more; OutOfMemory says what is needed.
        """
        return tried(
            lambda: self._apply(recipe, progress, cancelled, access), self.parents.speaks, self._make_room,
            lambda: self._too_much(recipe, access),
        )  # fmt: skip

    def _make_room(self) -> None:
        self.spare()
        self.release()

    def release(self) -> None:
        """Let go of the merged model, and of the parents on a GPU; all of it is made again when it is asked for."""
        self.tensors.clear()
        self.done.clear()
        self.plan, self.models = None, {}
        self.generation += 1
        self.parents.release()

    def _too_much(self, recipe: Recipe, access: Access | None) -> str:
        models = self.parents.open(recipe, access)
        return too_much(need(make_plan(recipe, models), models, self.parents.device, 0), self.parents.speaks)

    def _apply(
        self, recipe: Recipe, progress: Callable[[Step], None] | None, cancelled: Callable[[], bool], access: Access | None
    ) -> tuple[str, ...]:
        models = self.parents.open(recipe, access)
        plan, stale = self._prepared(recipe, models)
        self._change(recipe, models)
        names = {job.name for job in plan.jobs}
        if names != self.tensors.keys():
            self.generation += 1
            for gone in self.tensors.keys() - names:
                del self.tensors[gone]
                self.done.pop(gone, None)
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
        self.plan = plan
        return tuple(job.name for job in stale)

    def _change(self, recipe: Recipe, models: Mapping[str, Checkpoint]) -> None:
        """Go on with another recipe's models. What was measured of documents that are gone is forgotten."""
        digests = {document.digest for document in recipe.earlier}
        if digests != self._digests:
            self._digests, self._passing = digests, Known()
        self.models = models

    def _known(self, job: TensorJob) -> Known:
        """Where to keep what is measured for a job: of parents for all sessions, of a document's model while it is there."""
        passing = any(s.made for s in (*job.sources, *([job.base] if job.base else [])))
        return self._passing if passing else self.parents.known

    def _made(self, stale: Sequence[TensorJob], cancelled: Callable[[], bool]) -> Iterator[tuple[TensorJob, Tensor]]:
        """The stale tensors as they are merged; on a CPU by threads if there is enough to do, into their place."""
        device, read = self.parents.device, self.parents.reader(self.models)

        def make(job: TensorJob) -> Tensor:
            return self._make(job, read)

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

    def _make(self, job: TensorJob, read: Read) -> Tensor:
        """A tensor where it is heard, in its old place if it fits there."""
        held, device = self.tensors.get(job.name), self.parents.device
        into = held if held is not None and held.shape == job.shape and held.dtype == job.out and held.is_contiguous() else None
        self.done.pop(job.name, None)  # not whole while it is written
        if self.parents.speaks == device:
            return merge_tensor(job, read, device, known=self._known(job), into=into)
        made = merge_tensor(job, read, device, known=self._known(job))
        with self._uploading, torch.no_grad():
            return uploaded(made, self.parents.speaks, job.name) if into is None else into.copy_(made)

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
