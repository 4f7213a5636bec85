"""`merger publish`: a merged model's folder becomes a repository of the Hub, and is put into a collection where one is named."""

import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager

from merger.errors import Cancelled, MergeError
from merger.hub import push
from merger.hub.card import licence
from merger.hub.collecting import checked, collect
from merger.hub.push import Sent
from merger.hub.wire import logged_in


def run(options: Namespace) -> int:
    """Send it, and say where it is; 130 where it was stopped. MergeError in one sentence otherwise."""
    folder, wanted = options.folder, checked(options.collection or "")
    if not folder.is_dir():
        raise MergeError(f"{folder}: is no folder; name the folder that a merge was written to.")
    if not logged_in():
        raise MergeError("Sign in first: run `hf auth login` with a token that may write.")
    _check_terms(options)
    owner, slash, name = options.repo.rpartition("/")
    repo = push.repo_id(owner if slash else next(iter(push.whoami(None)), ""), name)
    with _until_stopped() as stopped:
        try:
            address = push.push(
                folder, repo, None, private=not options.public, replace=options.replace, progress=_tell, cancelled=stopped
            )
        except Cancelled as error:
            print(f"\n{error}", file=sys.stderr)
            return 130
        _tell(None)
        print(f"Published: {address}")
        if wanted:
            try:
                print(f"It is in the collection {collect(repo, wanted, None, private=not options.public, cancelled=stopped)}")
            except MergeError as error:
                why = str(error).removeprefix(f"{wanted}: ").rstrip(".")
                raise MergeError(f"{repo} is published, and not in the collection: {why}.") from None
    return 0


def _check_terms(options: Namespace) -> None:
    """What the card says of the parents' licences."""
    named = licence(options.folder)
    if options.allowed or (named is not None and "-nd-" not in named):
        return
    why = "says no licence, as one of its parents has none, or none that is known" if named is None else f"says {named}"
    raise MergeError(f"{options.folder}: its card {why}. Publish it only if its parents' owners allowed you to: say --allowed.")


@contextmanager
def _until_stopped() -> Generator[Callable[[], bool]]:
    """While this lasts Ctrl-C is asked for, so that what was begun on the Hub is undone; a second one ends at once."""
    asked = threading.Event()

    def stop(*_: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    if threading.current_thread() is not threading.main_thread():  # only there it is heard
        yield asked.is_set
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(sent: Sent | None) -> None:
    if sys.stderr.isatty():
        print(f"\r{str(sent)[-78:]:<78}" if sent is not None else "\r" + " " * 78 + "\r", end="", file=sys.stderr, flush=True)


__all__ = ["run"]
