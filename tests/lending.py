"""A GPU that is lent for one call, as ZeroGPU lends it: what `spaces.GPU` does, as far as it can bite."""

import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from typing import Any


def forked(function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """What `spaces.GPU` does on ZeroGPU, as far as it can bite: the call runs in a fork, everything crosses by pickle, an
    exception too, and closing the generator sets a flag that is seen at the next yield."""

    def call(*args: Any, **more: Any) -> Iterator[Any]:
        context = multiprocessing.get_context("fork")
        results, stop, packed = context.SimpleQueue(), context.Event(), pickle.dumps((args, more))

        def work() -> None:
            given, named = pickle.loads(packed)
            try:
                for value in function(*given, **named):
                    results.put(pickle.dumps(("value", value)))
                    if stop.is_set():
                        break
                results.put(pickle.dumps(("end", None)))
            except BaseException as error:
                results.put(pickle.dumps(("error", error)))

        process = context.Process(target=work, daemon=True)
        process.start()
        try:
            while True:
                kind, value = pickle.loads(results.get())
                if kind == "end":
                    return
                if kind == "error":
                    raise value
                yield value
        finally:
            stop.set()
            while process.is_alive() and not results.empty():
                results.get()
            process.join(20)
            assert process.exitcode == 0, "the fork did not end by itself"

    return call
