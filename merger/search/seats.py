"""Who tries the trials of a search: this process, processes beside it, or the machines of a Ray cluster."""

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from merger.engine.cluster import LOOK, connected, machines
from merger.engine.session import Parents
from merger.errors import Cancelled, MergeError
from merger.recipe import load
from merger.search.likelihood import Example
from merger.search.slopes import Mix
from merger.search.trials import Mapper, Runner, Trial

FEW = 5
"""Examples of each skill that a trial is asked first: one that is worse than most others' is not asked more."""


class Asked(Protocol):
    """What is asked of an order: examples by skill, the device, and where models lie."""

    @property
    def learn(self) -> Mapping[str, tuple[Example, ...]]: ...

    @property
    def device(self) -> str: ...

    @property
    def roots(self) -> tuple[Path, ...]: ...


@dataclass(frozen=True)
class Task:
    """A recipe's text. worse: a mean -log P on the first few examples beyond which it is given up; None: it is not."""

    text: str
    worse: float | None


@dataclass(frozen=True)
class Outcome:
    """few: mean -log P on the first few examples; heard: that of each example, by skill; note: why it was given up."""

    few: float | None = None
    heard: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    note: str = ""


TryAll = Callable[[Sequence[Task], Callable[[], bool]], list[Outcome | None]]
"""Tries tasks; outcomes in their order, None for those that were stopped."""


class Seat:
    """One merged model that is asked."""

    def __init__(self, learn: Mapping[str, tuple[Example, ...]], runner: Runner) -> None:
        self.learn, self.runner = learn, runner
        self.few = {skill: own[:FEW] for skill, own in learn.items()}

    def hear(self, task: Task, go_on: Callable[[], bool] = lambda: True) -> Outcome:
        """Ask a recipe's merge. Cancelled when go_on says no."""
        few = None
        try:
            mix = Mix(self.runner, load(task.text), ["weight"])
            heard = mix.hear(self.few, go_on=go_on)
            few = sum(one.loss for one in heard.values()) / len(heard)
            if task.worse is not None and few > task.worse:
                return Outcome(few, note="worse than most on a few prompts")
            heard = mix.hear(self.learn, go_on=go_on)
        except Cancelled:
            raise
        except MergeError as error:
            return Outcome(few, note=str(error).splitlines()[0])
        return Outcome(few, {skill: one.each for skill, one in heard.items()})


@contextlib.contextmanager
def opened(
    order: Asked, workers: int, ray: str | None, runner: Runner, nice: int | None = None,
    go_on: Callable[[], bool] = lambda: True,
) -> Generator[TryAll]:  # fmt: skip
    """Seats for as long as a search lasts. MergeError where a cluster does not answer, or a package is missing.

    go_on  whether it is still waited for the processes to be ready
    nice   how far they stand back for others; then they are processes of their own, also where there is one worker
    """
    if ray is not None:
        with _on_ray(order, workers, ray) as seats:
            yield seats
    elif workers > 1 or nice is not None:
        with _beside(order, workers, nice or 0, go_on) as seats:
            yield seats
    else:
        yield _here(Seat(order.learn, runner))


def _here(seat: Seat) -> TryAll:
    def try_all(tasks: Sequence[Task], go_on: Callable[[], bool]) -> list[Outcome | None]:
        outcomes: list[Outcome | None] = []
        for task in tasks:
            with contextlib.suppress(Cancelled):
                if go_on():
                    outcomes.append(seat.hear(task, go_on))
                    continue
            outcomes.append(None)
        return outcomes

    return try_all


# ---------------------------------------------------------------------------------------------- processes beside this one

_OWN: list[Seat] = []


def _sit(learn: Mapping[str, tuple[Example, ...]], device: str, roots: tuple[Path, ...], nice: int = 0) -> None:
    import torch

    if nice and hasattr(os, "nice"):
        os.nice(nice)
    torch.set_num_threads(1)
    _OWN[:] = [Seat(learn, Runner(Parents(device, roots)))]


def _hear(task: Task) -> Outcome:
    return _OWN[0].hear(task)


@contextlib.contextmanager
def _beside(order: Asked, workers: int, nice: int, go_on: Callable[[], bool]) -> Generator[TryAll]:
    context = multiprocessing.get_context("spawn")
    given = (dict(order.learn), order.device, order.roots, nice)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_sit, initargs=given)

    def try_all(tasks: Sequence[Task], go_on: Callable[[], bool]) -> list[Outcome | None]:
        try:
            futures = [pool.submit(_hear, task) for task in tasks]
            while go_on() and wait(futures, LOOK).not_done:
                pass
            for future in futures:
                future.cancel()
            return [_of(future) if future.done() and not future.cancelled() else None for future in futures]
        except BrokenProcessPool:
            raise MergeError("a process of the search ended by itself, for want of memory perhaps; try fewer workers.") from None

    try:
        ready = [pool.submit(int) for _ in range(workers)]  # each begins, and reads the libraries, before the time counts
        while go_on() and wait(ready, LOOK).not_done:
            pass
        yield try_all
    finally:
        for process in multiprocessing.active_children():
            if process in (pool._processes or {}).values():  # pyright: ignore[reportPrivateUsage] - what is under way is not waited for
                process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)


def _of(future: "Future[Outcome]") -> Outcome:
    return future.result()


# ---------------------------------------------------------------------------------------------- machines


@contextlib.contextmanager
def _on_ray(order: Asked, workers: int, address: str) -> Generator[TryAll]:
    with (
        connected(address, workers) as package,
        _hired(package, _Far, workers, address, order.device, dict(order.learn), order.device, _absolute(order.roots)) as seats,
    ):

        def try_all(tasks: Sequence[Task], go_on: Callable[[], bool]) -> list[Outcome | None]:
            asked = [seats[i % len(seats)].hear.remote(task) for i, task in enumerate(tasks)]
            left = list(asked)
            while left and go_on():
                _, left = package.wait(left, num_returns=len(left), timeout=LOOK)
            try:
                return [None if one in left else package.get(one) for one in asked]
            except package.exceptions.RayError as error:
                raise _failed(address, error) from None

        yield try_all


@contextlib.contextmanager
def mapped(address: str, workers: int, device: str) -> Generator[Mapper]:
    """A `map` for trials on the machines of a cluster, in the order of their texts, for as long as a sweep lasts."""
    with connected(address, workers) as package, _hired(package, _Trier, workers, address, device) as seats:

        def over(ask: Callable[[str], Trial], texts: Sequence[str]) -> Iterator[Trial]:
            asked = [seats[i % len(seats)].ask.remote(ask, text) for i, text in enumerate(texts)]
            for one in asked:
                while not package.wait([one], timeout=LOOK)[0]:
                    pass  # short waits, so that Ctrl-C is heard
                try:
                    yield package.get(one)
                except package.exceptions.RayError as error:
                    raise _failed(address, error) from None

        yield over


@contextlib.contextmanager
def _hired(package: Any, kind: type, workers: int, address: str, device: str, *given: Any) -> Generator[list[Any]]:
    """So many actors of a kind, for as long as this lasts; no more than find room, as the others would never begin."""
    gpus = 1 if device.startswith("cuda") else 0
    room = sum(machine.takes(1, 0, gpus) for machine in machines(package))
    if not room:
        raise MergeError(f"--ray {address}: no machine of the cluster gives a processor{' and a GPU' * gpus} to a trial.")
    seat = package.remote(num_cpus=1, num_gpus=gpus, max_restarts=-1, max_task_retries=2)(kind)
    seats = [seat.remote(*given) for _ in range(min(room, max(1, workers)))]
    try:
        yield seats
    finally:
        for one in seats:
            package.kill(one)


def _failed(address: str, error: BaseException) -> MergeError:
    # Ray's reason is the last sentences; what is before are the actor's own data, a line each
    why = " ".join(line for line in str(error).strip().splitlines()[-2:] if not line.startswith("\t")).rstrip(". ")
    return MergeError(f"--ray {address}: a machine failed at a trial: {why[:300]}.")


def _absolute(roots: Sequence[Path]) -> tuple[str, ...]:
    """Where models lie, as a process finds them that works in another folder."""
    return tuple(str(root.absolute()) for root in roots)


class _Far:
    """A seat in a process of a cluster; it is made there."""

    def __init__(self, learn: Mapping[str, tuple[Example, ...]], device: str, roots: Sequence[str]) -> None:
        _sit(learn, device, tuple(map(Path, roots)))

    def hear(self, task: Task) -> Outcome:
        return _hear(task)


class _Trier:
    """The same for a sweep: what it is given to ask with brings its own models there."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)

    def ask(self, ask: Callable[[str], Trial], text: str) -> Trial:
        return ask(text)


__all__ = ["FEW", "Outcome", "Seat", "Task", "TryAll", "mapped", "opened"]
