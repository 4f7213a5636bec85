"""One merge on many machines: the parts of its plan as tasks of a Ray cluster, put together in the end.

Each part is what `merge(part=...)` makes, so that the bits are those of one process. A machine that dies loses what it was
writing: Ray starts its part again on another, which goes on from the part's journal. Nothing goes through the cluster but names
and errors: the parents are read, and the output is written, in folders that all machines see; parents in stores and on the Hub
are read from there.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

import merger
from merger.engine import cluster
from merger.engine.batch import Step, merge, metadata_of, output_folder, with_remarks
from merger.engine.budget import memory_together
from merger.engine.claims import Busy
from merger.engine.document import open_models
from merger.engine.journal import WHOLE, Part, word_of
from merger.engine.output import Leader, leading, split_of
from merger.engine.places import check_apart, check_free, check_space, partial_of
from merger.engine.plan import Plan, make_plan
from merger.engine.upload import check_target, target
from merger.errors import Cancelled, MergeError
from merger.files.checkpoints import Checkpoint, format_bytes, parse_size, shards
from merger.hub.afar import open_anywhere, open_by_ranges
from merger.hub.card import Digests
from merger.kernels.devices import pick_device
from merger.recipe import Recipe
from merger.regular import JOURNAL
from merger.tokenizer.tokens import check_companions

RETRIES = 5
"""How often a part is begun again where its process or its machine dies."""
_EACH = 4
"""Parts for each task that can run at a time: who is done early takes another."""
_WAIT = 120.0
"""Seconds for the lock of a machine that died to be let go of: a network folder waits for its lease to end."""
_SEE = 15.0
"""Seconds for a network folder to show what another machine has written."""


@dataclass(frozen=True)
class _Asked:
    """What a machine is given: all of a merge but the part's number."""

    recipe: Recipe
    out: str
    count: int
    roots: tuple[str, ...]
    given: Mapping[str, Any]
    leader: str
    ranges: bool = False
    version: str = merger.__version__


def merge_on_ray(
    recipe: Recipe,
    folder: str | Path,
    address: str,
    *,
    ranges: bool = False,
    device: str = "cpu",
    shard_size: str = "5GB",
    roots: Sequence[Path] = (Path(),),
    progress: Callable[[Step], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    tokenizer: bool = True,
    card: bool = True,
    workers: int | None = None,
    memory: int | None = None,
    allow_nonfinite: bool = False,
) -> Plan:
    """`merge`, by the machines of a Ray cluster; see there. Stopping keeps what is done, and the same call goes on from there.

    address  as in cluster.connected
    device   cpu or cuda: then each part takes a GPU; auto: cuda where the cluster has one
    workers  processors for each part; default 4, or what the machines have
    memory   bytes for each part; default: what the plan says
    ranges   each part reads of the Hub's models what it needs, instead of bringing them whole to its machine
    """
    to = target(folder)
    if to is not None:
        check_target(to, shared=True)
    out = output_folder(folder).absolute()
    roots = tuple(root.absolute() for root in roots)
    limit, counts_parameters = parse_size(shard_size)
    check_free(out)
    models = open_models(recipe, roots, _opener(ranges))
    check_apart(out, models)
    plan = with_remarks(make_plan(recipe, models), recipe, models)
    files = shards([job.slot for job in plan.jobs], limit, counts_parameters)
    check_space(out, plan.nbytes)
    if tokenizer:
        check_companions(models[plan.config_source].folder)
    given: dict[str, Any] = {
        "shard_size": shard_size, "memory": memory, "allow_nonfinite": allow_nonfinite, "tokenizer": tokenizer, "card": card
    }  # fmt: skip
    with cluster.connected(address) as ray:
        room = cluster.machines(ray)
        if device == "auto":
            device = "cuda" if any(machine.gpus for machine in room) else "cpu"
        if device.startswith("cuda:"):
            raise MergeError(f"--device {device}: Ray gives each part a GPU of its own; write --device cuda.")
        device = str(pick_device(device, elsewhere=True))
        size = _size(plan, models, room, device, workers, memory)
        given |= {"device": device, "workers": size.cpus}
        before = split_of(out)  # of a merge that goes on; one that does not fit is refused in words
        count = before if before and before <= len(files) else min(len(files), _EACH * size.at_once)
        asked = _Asked(recipe, str(out), count, tuple(map(str, roots)), given, "", ranges)
        with _digests(models if card and count > 1 else None):  # read beside the merge; the join finds them remembered
            if count == 1:
                remarks = _followed(ray, asked, size, plan, [Part(1, 1)], progress, cancelled)[0]
                _check_seen(out, address)
                return replace(plan, remarks=remarks)
            word = word_of(plan, models, files, device, metadata_of(recipe))
            with leading(out, word, count) as leader:
                _followed(ray, replace(asked, leader=leader.line), size, plan, leader.parts(), progress, cancelled)
    return merge(
        recipe, out, device=device, shard_size=shard_size, roots=roots, tokenizer=tokenizer, card=card, joining=True,
        opener=_opener(ranges),
    )  # fmt: skip


def _opener(ranges: bool) -> Callable[[str, Sequence[Path]], Checkpoint]:
    return open_by_ranges if ranges else open_anywhere


@contextlib.contextmanager
def _digests(models: Mapping[str, Checkpoint] | None) -> Generator[None]:
    digests = Digests(models) if models is not None else None
    try:
        yield
    finally:
        if digests is not None:
            digests.stop()


@dataclass(frozen=True)
class _Size:
    """What one part takes of a machine, and how many run at a time."""

    cpus: int
    memory: int
    gpus: int
    at_once: int


def _size(
    plan: Plan, models: Mapping[str, Checkpoint], room: Sequence[cluster.Machine], device: str, workers: int | None,
    memory: int | None,
) -> _Size:  # fmt: skip
    """MergeError where no machine takes a part: Ray would wait for one that does."""
    most = max((machine.cpus for machine in room), default=0)
    cpus = workers or max(1, min(4, int(most)))
    need = memory or memory_together(plan.jobs, cpus, models)
    gpus = int(torch.device(device).type != "cpu")
    at_once = sum(machine.takes(cpus, need, gpus) for machine in room)
    if not at_once:
        takes = f"{cpus} processor{'s' * (cpus > 1)}, {format_bytes(need)} of memory{' and a GPU' * gpus}"
        largest = max((machine.memory for machine in room), default=0)
        gives = f"{int(most)} processors, {format_bytes(int(largest))}, {int(max((m.gpus for m in room), default=0))} GPUs"
        raise MergeError(
            f"--ray: a part takes {takes}, and no machine of the cluster gives that (of {len(room)}, at most {gives}).\n"
            "  Ask for less with -j N, --memory SIZE or --device cpu, or begin Ray there with more (ray start --num-cpus N)."
        )
    return _Size(cpus, need, gpus, at_once)


def _check_seen(out: Path, address: str) -> None:
    if not out.is_dir():
        raise MergeError(
            f"--ray {address}: {out} was made on another machine, and is not seen here: name a folder that all machines share."
        )


# ---------------------------------------------------------------------------------------------- here


def _followed(
    ray: Any, asked: _Asked, size: _Size, plan: Plan, parts: Sequence[Part],
    progress: Callable[[Step], None] | None, cancelled: Callable[[], bool],
) -> list[tuple[str, ...]]:  # fmt: skip
    """Have the parts made, and tell of all of them as one. What they remarked. MergeError where one fails: others then stop."""
    task = ray.remote(num_cpus=size.cpus, memory=size.memory, num_gpus=size.gpus, max_retries=RETRIES)(_make)
    running = {task.remote(asked, part.number): part for part in parts}
    left, remarks = list(running), list[tuple[str, ...]]()
    bar = _Progress(plan, Path(asked.out), progress)
    try:
        while left:
            done, left = ray.wait(left, num_returns=1, timeout=cluster.LOOK)
            for one in done:
                remarks.append(_result(ray, one, running[one], asked, len(left)))
            bar.look()
            if left and cancelled():
                raise Cancelled(f"stopped; what is written is kept in {partial_of(Path(asked.out))}.")
    finally:
        if left:
            for one in left:
                with contextlib.suppress(ray.exceptions.RayError):
                    ray.cancel(one, force=True)  # what it has written stays, and nothing else is lost
            ray.wait(left, num_returns=len(left), timeout=_SEE)
    return remarks


def _result(ray: Any, one: Any, part: Part, asked: _Asked, left: int) -> tuple[str, ...]:
    try:
        return ray.get(one)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        kept = f"\n  {left} other parts were not done. What is written is kept: the same command goes on from there."
        which = f"part {part.number} of {part.count}" if part.count > 1 else "the merge"
        if isinstance(cause, MergeError):
            raise type(cause)(f"{which}: {cause}{kept}") from None
        if isinstance(error, ray.exceptions.RayTaskError):
            why = f"failed on a machine of the cluster: {str(error).strip().splitlines()[-1][:200]}"
            why += ".\n  All machines need this version of merge-explorer, Python and torch"
        else:  # WorkerCrashedError, NodeDiedError, OutOfMemoryError, ...
            died = type(error).__name__
            why = f"was begun {RETRIES + 1} times, and its process ended each time, for want of memory perhaps ({died})"
        raise MergeError(f"{which} {why}.{kept}") from None


@dataclass
class _Progress:
    """What the journals of all parts say."""

    plan: Plan
    out: Path
    told: Callable[[Step], None] | None
    _sizes: dict[str, int] = field(default_factory=dict[str, int])
    _read: dict[str, tuple[int, frozenset[str]]] = field(default_factory=dict[str, tuple[int, frozenset[str]]])
    _last: int = 0

    def look(self) -> None:
        """Tell of what was finished since the last look."""
        if self.told is None:
            return
        self._sizes = self._sizes or {job.name: job.slot.nbytes for job in self.plan.jobs}
        for path in partial_of(self.out).glob(f"{JOURNAL}*"):
            with contextlib.suppress(OSError):
                size = path.stat().st_size
                if self._read.get(path.name, (-1, None))[0] != size:
                    lines = path.read_text("utf-8", "replace").split("\n")[1:-1]
                    self._read[path.name] = size, frozenset(line.partition("\t")[0] for line in lines)
        done = {name for _, names in self._read.values() for name in names} & self._sizes.keys()
        if len(done) > self._last:
            self._last = len(done)
            nbytes = sum(self._sizes[name] for name in done)
            self.told(Step("", len(done), len(self._sizes), nbytes, self.plan.nbytes))


# ---------------------------------------------------------------------------------------------- there


def _make(asked: _Asked, number: int) -> tuple[str, ...]:
    """Make one part, on whatever machine this is. What was remarked."""
    host = socket.gethostname()
    if asked.version != merger.__version__:
        raise MergeError(
            f"{host} has merge-explorer {merger.__version__}, and the command {asked.version}: install the same on all machines."
        )
    out, part = Path(asked.out), Part(number, asked.count)
    if part != WHOLE:
        _check_shared(out, part, asked.leader, host)
    end = time.monotonic() + _WAIT
    while True:
        try:
            roots, opener = tuple(map(Path, asked.roots)), _opener(asked.ranges)
            plan = merge(asked.recipe, out, roots=roots, part=part, opener=opener, **asked.given)
        except Busy:  # the machine that had this part may have died without a word
            if time.monotonic() > end:
                raise
            time.sleep(1)
        else:
            return plan.remarks


def _check_shared(out: Path, part: Part, line: str, host: str) -> None:
    """MergeError where the folder is not the one that the command works in."""
    end = time.monotonic() + _SEE
    while not Leader.led(out, part.count, line):
        if time.monotonic() > end:
            raise MergeError(
                f"{host} does not see the folder {partial_of(out)} in which the command works.\n"
                "  Name an output in a folder that all machines share, under the same path."
            )
        time.sleep(0.5)


__all__ = ["RETRIES", "merge_on_ray"]
