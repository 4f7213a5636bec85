"""Coroutines in a loop of their own: the browser tests' loop may run in the tests' thread."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")


def apart(what: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives, run to its end in another thread with this one's context."""
    with ThreadPoolExecutor(1) as own:
        return own.submit(copy_context().run, asyncio.run, what).result()
