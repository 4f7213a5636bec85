"""A GPU that is lent for one call (ZeroGPU), as seen from the page's process: waiting that can be left, the platform's words."""

import contextlib
import html
import logging
import re
import threading
from collections.abc import Callable, Generator, Iterator

import gradio as gr

from merger.errors import MergeError
from merger.limits import GPU_CALLS
from merger.ui.beside import beside
from merger.ui.host import BUSY, FAILED, NEXT, REFUSED, Told

log = logging.getLogger(__name__)

LOOK_UP = 0.2
"""Seconds between two looks whether somebody still listens."""
_calls = threading.BoundedSemaphore(GPU_CALLS)


def lent(call: Callable[[], Iterator[Told]], go_on: Callable[[], bool]) -> Generator[Told]:
    """The words of a call that a GPU is lent for. MergeError with what went wrong there, or what the platform says.

    Ends soon after a no from go_on: also while a GPU is waited for, a process starts or a prompt is read. The call itself is
    closed with its next word then; so many that are not closed yet may there be, and a new one waits for one of them.
    """
    while not _calls.acquire(timeout=LOOK_UP):
        if not go_on():
            return

    def made(_: Callable[[], bool]) -> Iterator[Told]:
        try:
            yield from call()
        finally:
            _calls.release()

    try:
        with contextlib.closing(beside(made, LOOK_UP, patient=False)) as words:
            for word in words:
                if not go_on():
                    return
                if word is None or word[1] == BUSY:
                    continue
                if word[1] == FAILED:
                    raise MergeError(word[2])
                yield word
    except MergeError:
        raise
    except Exception as error:  # what happens in the call comes as words: this is the platform's
        raise MergeError(platform_words(error)) from None


class Loan:
    """One call that answers several prompts, in their order: each takes its own words of it."""

    def __init__(self, words: Generator[Told]) -> None:
        self._words, self._at = words, 0
        self._error: MergeError | None = None

    def of(self, row: int) -> Iterator[Told]:
        """The words of a prompt; what those before it have left is passed over. MergeError where it has no answer."""
        if self._error is not None:
            raise MergeError(str(self._error))
        refused = ""
        try:
            for word in self._words:
                if word[1] == NEXT:
                    self._at += 1
                    if self._at > row:
                        break
                elif self._at == row and word[1] == REFUSED:
                    refused = word[2]
                elif self._at == row:
                    yield word
        except MergeError as error:
            self._error = error
            raise
        if refused:
            raise MergeError(refused)

    def close(self) -> None:
        """Nobody listens any more."""
        self._words.close()


def platform_words(error: Exception) -> str:
    """What ZeroGPU says, as it says it: no GPU is free, the quota is used up, the call was aborted."""
    if isinstance(error, gr.Error):
        title = "" if error.title in ("", "Error") else f"{error.title}: "
        return f"{title}{plain(str(error.message))}"
    log.error("a GPU could not be borrowed", exc_info=error)
    reason = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
    return f"No GPU could be borrowed just now ({reason}). Try again in a moment."


def plain(text: str) -> str:
    """A message without its markup, and with the addresses of its links.

    >>> plain('Too much. <a style="x" href="https://a.b/c">Sign in</a> for [more](https://d.e).')
    'Too much. Sign in (https://a.b/c) for more (https://d.e).'
    """
    text = re.sub(r"<a\b[^<>]*?href=[\"']([^\"'<>]*)[\"'][^<>]*>([^<>]*)</a>", r"\2 (\1)", text)
    text = re.sub(r"\[([^\[\]]*)\]\((https?:[^()\s]*)\)", r"\1 (\2)", text)
    return html.unescape(re.sub(r"<[^<>]*>", "", text)).strip()


__all__ = ["Loan", "lent", "plain", "platform_words"]
