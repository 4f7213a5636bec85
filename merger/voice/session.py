"""A recipe's merge in llama.cpp's memory: its parents stay on the disk, a changed recipe redoes only the tensors it changes."""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from merger.chat.load import length
from merger.engine import costs
from merger.engine.batch import Step
from merger.engine.budget import OWN_MEMORY, TEXT, heard, memory_of, page_room, passing, processors
from merger.engine.companions import temporary
from merger.engine.fused import Known
from merger.engine.plan import Plan, TensorJob, make_plan
from merger.engine.session import Parents
from merger.engine.tensor import merge_tensor, stretches
from merger.errors import Cancelled, InputChanged, MergeError
from merger.export.gguf import about
from merger.export.mapping import Recast, asked
from merger.export.turning import TooLarge, Turning
from merger.files.checkpoints import Checkpoint, format_bytes, full_disk, read_by_files, reserve, write_at
from merger.gguf.kinds import GGML, KINDS, Kind, packed_rows, row_bytes
from merger.gguf.process import Converter, missing
from merger.hub.access import Access
from merger.kernels.build import available as compiled
from merger.kernels.devices import give_back
from merger.recipe import Recipe
from merger.voice import library
from merger.voice.loaded import Loaded

_WHOLE = 1 << 25
"""Numbers of a tensor up to which it is merged at once, with what is known of its parents; a larger one comes in pieces."""
_FEW = 1 << 20
"""Numbers for which no threads are woken."""


_MOVED = 6
"""Of the memory for pages, the part that parents' tensors of one move may take: a sixth."""


class Takes(NamedTuple):
    """Bytes of memory that hearing a plan through llama.cpp takes, and in which kind of numbers. parents: bytes on the disk."""

    kind: Kind
    weights: int
    texts: int
    working: int
    parents: int

    @property
    def total(self) -> int:
        """All of it that is memory."""
        return self.weights + self.texts + self.working

    @property
    def bits(self) -> int:
        """Of a weight, in whole numbers."""
        return 16 if self.kind.plain else 8


def takes(plan: Plan, models: Mapping[str, Checkpoint], kind: str, tokens: int = TEXT) -> Takes:
    """What a plan takes, from headers alone. kind: of numbers; tokens: of prompt and answer."""
    chosen, largest = KINDS[kind], sorted((memory_of(job, models) for job in plan.jobs), reverse=True)
    texts = heard(plan.config, 2, tokens) // 2 + passing(plan.config, 4, tokens)
    made = max((job.slot.nbytes for job in plan.jobs if job.numel <= _WHOLE), default=0)
    files = sum(model.nbytes for model in models.values())
    return Takes(chosen, about(plan, chosen), texts, OWN_MEMORY + made + sum(largest[:2]), files)


def fitting(plan: Plan, models: Mapping[str, Checkpoint], room: int | None, tokens: int = TEXT) -> Takes:
    """The kind of numbers that fits into so many bytes: 16 bits, else 8. MergeError where not even those do."""
    each = [takes(plan, models, kind, tokens) for kind in ("f16", "q8_0")]
    for one in each:
        if room is None or one.total <= room:
            return one
    raise MergeError(
        f"Even in 8 bits the merge takes {format_bytes(each[-1].total)} to be heard, and {format_bytes(room or 0)} are free."
    )


def filling(plan: Plan, models: Mapping[str, Checkpoint]) -> float:
    """Seconds until a plan's merge is loaded the first time, within a factor of three: converter, reading, merging, packing."""
    read = sum(model.nbytes for model in models.values()) / _DISK
    packing = sum(job.numel for job in plan.jobs) * _PACKING
    return _BEGINNING + max(read, sum(map(costs.seconds, plan.jobs)) + packing)


_DISK = 1e9
"""Bytes that a disk gives in a second."""
_PACKING = 3e-9
"""Seconds for packing a number and setting it, on two cores."""
_BEGINNING = 8.0
"""Seconds for asking the converter twice, and for the check."""


class _Built(NamedTuple):
    """What a loaded model is made for: another config, vocabulary or shape needs another."""

    kind: str
    config: str
    words: object
    shapes: tuple[tuple[str, tuple[int, ...], torch.dtype], ...]


def _built(kind: str, plan: Plan) -> _Built:
    words = (plan.config_source, plan.tokens, plan.chat_template)
    shapes = tuple((job.name, tuple(job.shape), job.out) for job in plan.jobs)
    return _Built(kind, repr(sorted(plan.config.items())), words, shapes)


class GgufSession:
    """The merge of a recipe, and then of another, in one loaded model. `done[n]` is the job that its tensor n was made by.

    kind    of numbers: f16 or q8_0; "" for 16 bits where they fit, else 8
    mapped  write into the file instead of the library's memory, see Loaded
    room    bytes that may be taken
    """

    def __init__(
        self, parents: Parents, kind: str = "", *, threads: int = 1, mapped: bool = False,
        room: Callable[[], int | None] = page_room,
    ) -> None:  # fmt: skip
        self.parents, self.threads, self.mapped, self.room = parents, threads, mapped, room
        self.loaded: Loaded | None = None
        self.plan: Plan | None = None
        self.recipe: Recipe | None = None
        """Whose merge is loaded; None where it is none's."""
        self.done: dict[str, TensorJob] = {}
        self.generation = 0
        """Counts how often a model was loaded: a voice built on another is out of date."""
        self.checks: dict[str, str] = {}
        """What was found of each kind of model, see merger/voice/check.py."""
        self.wanted, self._kind = kind, KINDS["f16"]
        self._large = False
        """Whether this recipe's weights were seen to be beyond what 16 bits hold."""
        self._built: _Built | None = None
        self._recast: Recast | None = None
        self._converter: Converter | None = None
        self._open = contextlib.ExitStack()
        self._of = parents.generation
        self.lock = threading.RLock()
        """Held while a merge is put in, and by whoever is heard."""

    @property
    def bits(self) -> int:
        """Of a weight, as it is heard."""
        return 16 if self._kind.plain else 8

    def apply(
        self, recipe: Recipe, *, progress: Callable[[Step], None] | None = None, cancelled: Callable[[], bool] = lambda: False,
        access: Access | None = None,
    ) -> tuple[str, ...]:  # fmt: skip
        """Make the loaded model hold this recipe's merge; returns the names of the tensors that were redone.

        Cancelled leaves every tensor whole: some of the new recipe, the rest of the old. Weights that 16 bits do not hold are
        put into 8.
        """
        with self.lock:
            self.recipe = None
            try:
                return self._apply(recipe, progress, cancelled, access)
            except TooLarge:
                if self.wanted == "f16":
                    raise
                self._large = True
                return self._apply(recipe, progress, cancelled, access)

    def _apply(
        self, recipe: Recipe, progress: Callable[[Step], None] | None, cancelled: Callable[[], bool], access: Access | None
    ) -> tuple[str, ...]:
        models = self.parents.open(recipe, access)
        plan = make_plan(recipe, models)
        self._fit(plan, models, cancelled)
        loaded, recast = self.loaded, self._recast
        assert loaded is not None and recast is not None
        if self._of != self.parents.generation:  # a parent is another than it was: every tensor may be
            self.done.clear()
            self._of = self.parents.generation
        first_time, stale = not self.done, self._stale(plan, recast)
        whole = {source for sources in recast.whole.values() for source in sources}
        total, made = sum(job.slot.nbytes for job in stale), 0
        try:
            with self._read_by_files(stale, models, loaded):
                for i, job in enumerate(self._redone(stale, recast, models, loaded, cancelled)):
                    if job.name not in whole:
                        self.done[job.name] = job
                    made += job.slot.nbytes
                    if progress:
                        progress(Step(job.name, i + 1, len(stale), made, total))
            self.parents.check(recipe.opened)
        except InputChanged:  # nobody knows since when
            self.done.clear()
            raise
        self.done |= {job.name: job for job in stale}
        self.plan, self.recipe = plan, recipe
        if first_time:
            give_back()  # what a filling leaves behind would take the place of the parents' pages, which the next move reads
        return tuple(job.name for job in stale)

    def _stale(self, plan: Plan, recast: Recast) -> list[TensorJob]:
        """The jobs that differ from what is loaded; with one that the converter must make, all that it makes it of."""
        jobs = {job.name: job for job in plan.jobs if job.name in recast.sources}
        names = {name for name, job in jobs.items() if self.done.get(name) != job}
        for sources in recast.whole.values():
            if names & {*sources}:
                names |= {*sources}
        return [job for name, job in jobs.items() if name in names]

    def _redone(
        self, stale: Sequence[TensorJob], recast: Recast, models: Mapping[str, Checkpoint], loaded: Loaded,
        cancelled: Callable[[], bool],
    ) -> Iterator[TensorJob]:  # fmt: skip
        """The jobs as they are merged, packed and set; by threads if there is enough to do."""
        assert self._converter is not None
        turning = Turning(recast, stale, self._converter, loaded.put, packed)
        read = self.parents.reader(models)

        def redo(job: TensorJob) -> None:
            self.done.pop(job.name, None)  # not whole while it is written
            if job.numel > _WHOLE:
                for first, part in stretches(job, read):
                    turning.write(job.name, part, first)
            else:
                made = any(s.made for s in (*job.sources, *([job.base] if job.base else [])))
                turning.write(job.name, merge_tensor(job, read, known=Known() if made else self.parents.known))

        waiting = sorted(stale, key=lambda job: -job.slot.nbytes)
        workers = 1 if sum(job.numel for job in stale) <= _FEW else min(2, processors())
        yield from _by_threads(waiting, redo, workers, cancelled)

    def _read_by_files(
        self, stale: Sequence[TensorJob], models: Mapping[str, Checkpoint], loaded: Loaded
    ) -> contextlib.AbstractContextManager[None]:
        """Parents that do not fit beside the voice are read past memory: mapped, they would take its place there.

        The few tensors of a move are mapped even so, where the voice lies in memory of its own: the next move of the same bar
        finds them there, in a third of the time.
        """
        files = {file for model in models.values() for piece in model.pieces for file in piece.files}
        room = self.room()
        if not stale or room is None or sum(file.stat().st_size for file in files) <= room:
            return contextlib.nullcontext()
        moved = {source for job in stale for source in (*job.sources, *([job.base] if job.base else []))}
        stored = [models[source.key].tensors.get(source.name) for source in moved]
        if not loaded.mapped and sum(one.nbytes for one in stored if one) <= room // _MOVED:
            return contextlib.nullcontext()
        return read_by_files(models.values(), files)

    # ------------------------------------------------------------------------------------------ loading

    def _fit(self, plan: Plan, models: Mapping[str, Checkpoint], cancelled: Callable[[], bool]) -> None:
        """Have a model loaded that this plan's tensors fit into."""
        same = self._takes(plan)
        if same and not (self._large and self._kind.plain) and self.loaded is not None:
            return
        self._large = self._large and same
        self._drop()
        kind = self.wanted or ("q8_0" if self._large else fitting(plan, models, self.room()).kind.name)
        self._load(plan, models, KINDS[kind], cancelled)
        self._built = _built(kind, plan)
        self.generation += 1

    def _takes(self, plan: Plan) -> bool:
        """Whether the model that is loaded is one that this plan's tensors fit into."""
        built = self._built
        return built is not None and built == _built(built.kind, plan)

    def bits_for(self, plan: Plan) -> int:
        """Of a weight of this plan's merge, where a model is loaded that takes it; 0 where another is loaded for it."""
        return self.bits if self._takes(plan) else 0

    def _load(self, plan: Plan, models: Mapping[str, Checkpoint], kind: Kind, cancelled: Callable[[], bool]) -> None:
        """Ask the converter for the file's head, and load a file that has no more: its weights are a hole to be filled."""
        library.library()
        if why := missing():
            raise MergeError(why)
        with contextlib.ExitStack() as held:
            home = Path(held.enter_context(temporary()))
            recast, self._converter = held.enter_context(asked(plan, models, kind, "merge", home, cancelled))
            file = home / "model.gguf"
            with full_disk(file), file.open("wb") as out:
                if self.mapped or not library.finds_tensors():
                    reserve(out.fileno(), recast.size)
                else:
                    out.truncate(recast.size)
                write_at(out.fileno(), recast.header, 0)
                for into, raw in recast.constants.items():
                    write_at(out.fileno(), raw, recast.places[into].offset)
            if cancelled():
                raise Cancelled("stopped before anything was merged.")
            self.loaded = Loaded(file, recast.places, length(plan.config), mapped=self.mapped, threads=self.threads)
            if not self.loaded.mapped:
                _forgotten(file)
            self._recast, self._kind = recast, kind
            self._open = held.pop_all()

    def _drop(self) -> None:
        if self.loaded is not None:
            self.loaded.close()
        self.recipe = None
        self.loaded, self.plan, self._recast, self._converter, self._built = None, None, None, None, None
        self.done.clear()
        self._open.close()

    def holding(self, recipe: Recipe, access: Access | None, cancelled: Callable[[], bool]) -> Loaded:
        """The loaded model with this recipe's merge in it, put there again where another's has taken its place."""
        with self.lock:
            if self.recipe is not recipe or self.loaded is None:
                self.apply(recipe, cancelled=cancelled, access=access)
            assert self.loaded is not None
            return self.loaded

    def release(self) -> None:
        """Let go of the loaded model; it is made again when it is asked for."""
        with self.lock:
            self._large = False
            self._drop()
            self.generation += 1


def packed(rows: Tensor, name: str) -> NDArray[np.uint8]:
    """`packed_rows`, by ggml's own pass where none is compiled here: it is faster than NumPy, and holds nobody up."""
    if name != "q8_0" or compiled():
        return packed_rows(rows, name)
    plain = rows.float().contiguous()
    count, width = plain.shape
    out = np.empty((count, row_bytes(name, width)), np.uint8)
    library.library().ggml_quantize_chunk(GGML[name], plain.data_ptr(), out.ctypes.data, 0, count, width, None)
    return out


def _by_threads(
    jobs: Iterable[TensorJob], do: Callable[[TensorJob], None], workers: int, cancelled: Callable[[], bool]
) -> Iterator[TensorJob]:
    """The jobs, each when it is done. Cancelled before the next begins; what was begun is whole then."""
    waiting, finished, stop = deque(jobs), SimpleQueue[TensorJob | BaseException | None](), threading.Event()
    total, count = len(waiting), 0

    def work() -> None:
        try:
            while not stop.is_set():
                if cancelled():
                    break
                job = waiting.popleft()
                do(job)
                finished.put(job)
        except IndexError:  # another took the last one
            pass
        except BaseException as error:
            finished.put(error)
        finally:
            finished.put(None)

    with ThreadPoolExecutor(workers, thread_name_prefix="voice") as pool:
        try:
            for _ in range(workers):
                pool.submit(work)
            ended = 0
            while ended < workers:
                one = finished.get()
                if isinstance(one, BaseException):
                    raise one
                ended += one is None
                if one is not None:
                    count += 1
                    yield one
        finally:
            stop.set()
    if count < total:
        raise Cancelled(f"stopped after {count} of {total} tensors.")


def _forgotten(file: Path) -> None:
    """A file of nothing that was read: the system need not keep it, nor the disk."""
    with contextlib.suppress(OSError, AttributeError):
        handle = os.open(file, os.O_RDONLY)
        try:
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)
    with contextlib.suppress(OSError):
        file.unlink()


__all__ = ["GgufSession", "Takes", "filling", "fitting", "packed", "takes"]
