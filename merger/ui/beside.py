"""Iterators that run in a thread beside: who waits for them can look up between two values, and leave. No gradio."""

import contextlib
import threading
from collections.abc import Callable, Generator, Iterator
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def beside(make: Callable[[Callable[[], bool]], Iterator[T]], seconds: float, patient: bool) -> Generator[T | None]:
    """What an iterator gives that is made and run in a thread of its own; None after each so many seconds without a value.

    make     makes it; its argument says no once nobody listens any more
    patient  closing waits until the iterator has ended; else that ends by itself, with its next value at the latest
    """
    values: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()
    left = threading.Event()

    def work() -> None:
        try:
            made = make(lambda: not left.is_set())
            with contextlib.closing(made) if isinstance(made, Generator) else contextlib.nullcontext():
                for value in made:
                    values.put((value,))
                    if left.is_set():
                        return
            values.put(None)
        except BaseException as error:
            values.put(error)

    thread = threading.Thread(target=copy_context().run, args=(work,), daemon=True)  # gradio knows whose request it is by context
    thread.start()
    try:
        while True:
            try:
                item = values.get(timeout=seconds)
            except Empty:
                yield None
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item[0]
    finally:
        left.set()
        if patient:
            thread.join()


__all__ = ["beside"]
