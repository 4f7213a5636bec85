"""Talking to the Hugging Face Hub: one client, patience with a busy server, one readable error for each way it can fail.

A token is handed in with every call and goes nowhere but into that call's header: a visitor's own (str), nobody's (False), or
None for this machine's login, which a hosted page never uses.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from merger.errors import Cancelled, CheckpointError, MergeError

Token = str | bool | None
T = TypeVar("T")

TRIES = 5
PATIENCE = 60.0
"""Seconds to wait at most when the Hub says how long; a longer wait is the user's to decide."""
TIMEOUT = 20.0
"""Seconds without a byte after which a connection counts as cut."""
FIRST_WAIT = 1.0
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def never() -> bool:
    """Nobody cancels."""
    return False


def endpoint() -> str:
    """The Hub's address without a slash at its end; HF_ENDPOINT says otherwise, also after the start."""
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def logged_in() -> bool:
    """Whether this machine has a login of its own (`hf auth login`, or HF_TOKEN)."""
    from huggingface_hub import get_token

    return get_token() is not None


def client(token: Token) -> Any:
    """huggingface_hub's client, with this token and no other."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint(), token=token)


def patient(call: Callable[[], T], about: str, token: Token, cancelled: Callable[[], bool] = never, tries: int = TRIES) -> T:
    """What the call returns. A busy Hub (429, 5xx) or a cut connection is asked again, later and later, or when it says so.

    about  the model's reference, for the errors. CheckpointError says what to do; Cancelled when the user asked to stop.
    """
    for i in range(tries):
        if cancelled():
            raise Cancelled(f"{about}: stopped.")
        try:
            return call()
        except MergeError:
            raise
        except Exception as error:
            pause = wait_of(error, i)
            if pause is None or i == tries - 1:
                raise readable(about, error, token) from None
            _sleep(pause, about, cancelled)
    raise AssertionError("tries is at least 1")


def _sleep(seconds: float, about: str, cancelled: Callable[[], bool]) -> None:
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        if cancelled():
            raise Cancelled(f"{about}: stopped.")
        time.sleep(min(0.2, left))


def wait_of(error: BaseException, attempt: int) -> float | None:
    """Seconds until it makes sense to ask again after the attempt (from 0); None when it makes none."""
    status = status_of(error)
    if status is not None:
        if status not in _BUSY:
            return None
        asked = retry_after(error)
        if asked is not None:
            return asked if asked <= PATIENCE else None
    elif not is_transport(error) or (type(error).__name__ == "ConnectError" and attempt > 0):  # no network: waiting gives none
        return None
    return FIRST_WAIT * 2**attempt


def status_of(error: BaseException) -> int | None:
    """The HTTP status of a refused request."""
    return getattr(getattr(error, "response", None), "status_code", None)


def retry_after(error: BaseException) -> float | None:
    """The seconds a busy Hub asks to wait: Retry-After, or the t of its `ratelimit` header when nothing remains."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    text = str(headers.get("retry-after", "")).strip()
    if text.isdigit():
        return float(text)
    match = re.search(r"r=0;\s*t=(\d+)", str(headers.get("ratelimit", "")))
    return float(match[1]) if match else None


def is_transport(error: BaseException) -> bool:
    """Whether the connection failed, rather than the request. huggingface_hub 1 speaks through httpx, 2 through httpx2."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    parent = next(kind for kind in HfHubHTTPError.__mro__ if kind.__name__ == "HTTPError")
    return not isinstance(error, OfflineModeIsEnabled) and isinstance(
        error, (parent, ConnectionError, TimeoutError)
    ) and status_of(error) is None  # fmt: skip


def readable(about: str, error: BaseException, token: Token) -> CheckpointError:
    """One sentence on what went wrong and one on what to do. Nothing of the Hub's own text is repeated."""
    from huggingface_hub.errors import (
        DisabledRepoError,
        EntryNotFoundError,
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name = about.partition("@")[0]
    page = f"{endpoint()}/{name}"
    signed = isinstance(token, str)
    status = status_of(error)
    said = str(getattr(getattr(error, "response", None), "headers", {}).get("x-error-message", ""))
    if isinstance(error, GatedRepoError):
        here = "with the account you are signed in with" if signed else "there, then sign in"
        return CheckpointError(f"{about}: this model is gated. Open {page}, accept its terms {here}, and try again.")
    if status == 401 and "credentials" in said.lower():
        return CheckpointError(f"{about}: the Hub does not accept this sign-in any more; sign in again.")
    if isinstance(error, RepositoryNotFoundError) or status == 401:
        why = "or none that your account may read" if signed else "or a private one: sign in to read it"
        return CheckpointError(f"{about}: no such folder here and no such model on the Hub, {why}.")
    if isinstance(error, RevisionNotFoundError):
        return CheckpointError(f"{about}: the model has no such version; {page}/tree/main lists its branches and commits.")
    if isinstance(error, DisabledRepoError):
        return CheckpointError(f"{about}: the Hub has closed this model; choose another.")
    if isinstance(error, OfflineModeIsEnabled):
        return CheckpointError(f"{about}: is not on this machine, and HF_HUB_OFFLINE forbids to fetch it.")
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        return CheckpointError(f"{about}: a file that the Hub lists is not there; it may be changing just now. Try again.")
    if isinstance(error, HFValidationError):
        return CheckpointError(f"{about}: this is no Hub id; write owner/name, or owner/name@revision.")
    if status == 403:
        what = "your account may not do this" if signed else "this needs a sign-in"
        return CheckpointError(f"{about}: {what}. Look at {page} with your account.")
    if status == 429:
        wait = retry_after(error)
        when = f"in {wait:.0f} seconds" if wait is not None else "in a few minutes"
        more = "" if signed else "; signed in you may ask more often"
        return CheckpointError(f"{about}: the Hub is asked too often from here. Try again {when}{more}.")
    if status is not None and status >= 500:
        return CheckpointError(f"{about}: the Hub is in trouble ({status}). Nothing is lost; try again in a few minutes.")
    if status is not None:
        return CheckpointError(f"{about}: the Hub refused the request ({status}).")
    if is_transport(error) or isinstance(error, LocalEntryNotFoundError):
        return CheckpointError(
            f"{about}: no such folder here, and the Hub cannot be reached ({type(error).__name__}).\n"
            "  Check the connection and try again: what has arrived is kept."
        )
    if isinstance(error, OSError) and error.strerror:
        return CheckpointError(f"{about}: cannot be stored: {error.strerror}.")
    return CheckpointError(f"{about}: the Hub's answer makes no sense ({type(error).__name__}).")


def file_url(name: str, commit: str, file: str) -> str:
    """Where a file of a model is served."""
    from huggingface_hub import hf_hub_url

    return hf_hub_url(name, file, revision=commit, endpoint=endpoint())


def own(url: str, token: Token) -> Token:
    """The token for requests to the Hub itself; nobody's for the stores it sends us to, whose addresses are signed."""
    return token if url.startswith(f"{endpoint()}/") else False


@contextlib.contextmanager
def opened(url: str, token: Token, first: int = 0, last: int | None = None) -> Generator[Any]:
    """A response whose body is still to be read, from byte `first` on, up to and with `last`.

    The header of the token does not follow a redirect to another host: huggingface_hub's client drops it.
    """
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    headers = build_hf_headers(token=token) | {"Accept-Encoding": "identity"}  # offsets count bytes of the file itself
    if first or last is not None:
        headers["Range"] = f"bytes={first}-{'' if last is None else last}"
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT) as response:
        hf_raise_for_status(response)
        yield response


def part(url: str, token: Token, first: int, count: int) -> tuple[bytes, str]:
    """`count` bytes of a file from `first` on (fewer at its end), and the address they came from in the end.

    A server that knows no ranges is read from the start and left as soon as there is enough; never more is kept.
    """
    with opened(url, token, first, first + count - 1) as response:
        skip = first if response.status_code == 200 else 0
        if skip > 1 << 24:
            raise CheckpointError(f"{url}: this server gives whole files only; download the model to look into it.")
        got = bytearray()
        for block in response.iter_bytes(1 << 16):
            got += block[skip:] if skip < len(block) else b""
            skip = max(0, skip - len(block))
            if len(got) >= count:
                break
        return bytes(got[:count]), str(response.url)


def is_digest(text: object) -> bool:
    """Whether this is a commit, a git object's id or a SHA-256 in hex: nothing else of the Hub's becomes part of a path."""
    return isinstance(text, str) and _SHA.fullmatch(text) is not None
