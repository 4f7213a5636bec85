"""A merged model's folder to the Hub: one repository, one commit, whole or not at all."""

import io
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from merger.errors import Cancelled, CheckpointError, MergeError
from merger.files.checkpoints import format_bytes
from merger.hub import xet
from merger.hub.card import Example, Parent, strictest, with_answers
from merger.hub.figures import FOLDER, CardFigure, with_figures
from merger.hub.wire import Token, client, endpoint, is_transport, never, patient, readable, status_of

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")
_TOP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}")
_WEIGHTS = re.compile(r".*\.(safetensors|bin|index\.json|gguf)")


@dataclass(frozen=True)
class Sent:
    """How far a push is. phase: `reading` (digests), `sending` (large files), `publishing` (the commit); bytes of all files."""

    phase: str
    file: str
    done: int
    size: int

    def __str__(self) -> str:
        if self.phase == "publishing":
            return "publishing: one commit with all files"
        return f"{self.phase} {self.file}: {format_bytes(self.done)} of {format_bytes(self.size)}"


@dataclass(frozen=True)
class Terms:
    """What the parents' licences ask of a merge. confirm: what the user must say yes to before it is published; "" if nothing."""

    licence: str | None
    words: str
    confirm: str = ""


def terms(made_of: Sequence[Parent]) -> Terms:
    """The strictest licence of the parents, in a sentence, and the question that must be answered before publishing.

    >>> terms([Parent("a/b", None, "cc-by-nd-4.0", ())]).confirm
    'a/b forbids derivatives, and a merge is one. Publish it only if its owners allowed you to.'
    """
    top, said = strictest([parent.licence for parent in made_of])
    closed = [p.reference for p in made_of if "-nd-" in (p.licence or "")]
    silent = [p.reference for p in made_of if p.licence is None]
    if closed:
        who = f"{_and(closed)} forbid{'s' if len(closed) == 1 else ''} derivatives, and a merge is one."
        return Terms(top, said, f"{who} Publish it only if its owners allowed you to.")
    if silent:
        who = f"{_and(silent)} name{'s' if len(silent) == 1 else ''} no licence, so nobody may pass it on by default."
        return Terms(top, said, f"{who} Publish it only if its owners allowed you to.")
    if any("-nc" in (p.licence or "") for p in made_of):
        return Terms(top, f"{said} For non-commercial use only.")
    named = next((r for r in ("llama2", "llama3", "gemma") if (top or "").startswith(r)), None)
    asks = {
        "llama2": " Its licence asks to be passed on with the model.",
        "llama3": " Its licence asks that the model's name begin with `Llama` and that the card say `Built with Llama`.",
        "gemma": " Its terms of use must be passed on with the model.",
    }
    return Terms(top, said + asks.get(named or "", ""))


def _and(names: Sequence[str]) -> str:
    shown = list(names[:3]) + ([f"{len(names) - 3} more"] if len(names) > 3 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def repo_id(owner: str, name: str) -> str:
    """owner/name as the Hub accepts it. MergeError says what is wrong with it.

    >>> repo_id("me", "pirate-and-plurals")
    'me/pirate-and-plurals'
    """
    for what, text in (("owner", owner), ("name", name)):
        if not _NAME.fullmatch(text) or "--" in text or ".." in text or text.endswith(".git"):
            raise MergeError(
                f"{text[:120]!r} cannot be the {what} of a repository: letters, digits, `-`, `_` and `.`, at most 96 of them, "
                "no `--` or `..`, and a letter or digit at both ends."
            )
    return f"{owner}/{name}"


def whoami(token: Token) -> tuple[str, ...]:
    """The account of a token and the organisations it may write to. CheckpointError when it is nobody's."""
    said = patient(lambda: client(token).whoami(), "sign-in", token, tries=2)
    names = [str(said.get("name", ""))]
    names += [str(o.get("name", "")) for o in said.get("orgs") or () if o.get("roleInOrg") in ("admin", "write", "contributor")]
    return tuple(name for name in names if _NAME.fullmatch(name))


def push(
    folder: Path,
    repo: str,
    token: Token,
    *,
    private: bool = True,
    replace: bool = False,
    answers: Sequence[Example] = (),
    link: str = "",
    figures: Sequence[CardFigure] = (),
    facts: Mapping[str, str] | None = None,
    progress: Callable[[Sent], None] | None = None,
    cancelled: Callable[[], bool] = never,
) -> str:
    """Publish a merged model's folder; returns the address of its page. Nothing is copied: files go from where they were written.

    replace    put it over what is in the repository, which keeps its history; without it a repository with files is refused
    answers    measured answers for the card, and `link`, an address that opens this recipe in the explorer again
    figures    what was judged of it, for the card, and in `facts` what it was measured with
    cancelled  asked several times a second

    One commit makes it appear. When that does not come about, a repository that this call made is deleted if the user
    cancelled, or left empty if the connection failed: pushed again, it goes on without sending what was sent.
    """
    owner, _, name = repo.partition("/")
    repo = repo_id(owner, name)
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink() and _TOP.fullmatch(path.name))
    files += sorted(
        path
        for path in (folder / FOLDER).glob("*.yaml")
        if path.is_file() and not path.is_symlink() and _TOP.fullmatch(path.name)
    )
    if not any(path.suffix == ".safetensors" for path in files):
        raise MergeError(f"{folder}: holds no merged model (no .safetensors file).")
    api = client(token)
    made, old = _repository(api, repo, token, private, replace, cancelled)
    try:
        card = next((path for path in files if path.name == "README.md"), None)
        text = "" if card is None else with_answers(card.read_text(encoding="utf-8"), answers, link)
        if text and figures:
            text = with_figures(text, figures, facts or {}, name)
        return _commit(api, repo, files, old, _Watch(files, progress, cancelled), text, token)
    except Exception as error:
        root = _cause(error)
        if isinstance(root, Cancelled):
            if made:
                _undo(api, repo, token)
            left = "nothing was published" if made else "the repository is as it was"
            raise Cancelled(f"{repo}: stopped; {left}.") from None
        why = str(readable(repo, root, token)).removeprefix(f"{repo}: ").replace("no such folder here, and the Hub", "the Hub")
        passing = is_transport(root) or (status_of(root) or 0) >= 500 or status_of(root) == 429
        if not made:
            state = "The repository is as it was; push again to go on."
        elif passing:
            state = f"{endpoint()}/{repo} is there, and empty. Push again to go on: what was sent is not sent again."
        else:
            state = "Nothing was published." if _undo(api, repo, token) else f"{endpoint()}/{repo} is there, and empty."
        raise CheckpointError(f"{repo}: was not published: {why}\n  {state}") from None


def _repository(
    api: Any, repo: str, token: Token, private: bool, replace: bool, cancelled: Callable[[], bool]
) -> tuple[bool, tuple[str, ...]]:
    """Make the repository. Returns whether it is new, and the names of the files in it."""

    def make() -> bool:
        try:
            api.create_repo(repo, private=private, exist_ok=False)
            return True
        except Exception as error:
            if status_of(error) == 409:
                return False
            if status_of(error) in (401, 403):
                what = "sign in first" if not isinstance(token, str) and status_of(error) == 401 else (
                    f"your sign-in may not create repositories for {repo.partition('/')[0]}; sign in again and allow it, "
                    "or choose your own name as the owner"
                )  # fmt: skip
                raise CheckpointError(f"{repo}: {what}.") from error
            raise

    made = patient(make, repo, token, cancelled)
    if made:
        return True, ()
    info = patient(lambda: api.model_info(repo, timeout=20), repo, token, cancelled)
    names = tuple(str(entry.rfilename) for entry in info.siblings or () if str(entry.rfilename) != ".gitattributes")
    if names and not replace:
        raise MergeError(
            f"{endpoint()}/{repo} holds {len(names)} files already.\n  Choose another name, or say that they may be replaced."
        )
    return False, names


def _commit(
    api: Any, repo: str, files: Sequence[Path], old: Sequence[str], watch: "_Watch", text: str, token: Token
) -> str:  # fmt: skip
    """text: of the card."""
    from huggingface_hub import CommitOperationDelete

    new = {path.name for path in files}
    gone = [CommitOperationDelete(name) for name in old if name not in new and _WEIGHTS.fullmatch(name)]
    try:
        adds = _additions(files, text, str) if xet.available(repo, token) else None
        if adds is not None:
            watch.phase = "sending"
            by_path = [op for op in adds if isinstance(op.path_or_fileobj, str)]
            if not xet.send(api, repo, by_path, token, lambda done: watch.read(repo, done), watch.check):
                adds = None
        if adds is None:
            watch.phase = "reading"
            adds = _additions(files, text, watch.opened)
            watch.phase = "sending"
        api.preupload_lfs_files(repo, additions=adds, num_threads=2)  # asks a busy store again by itself
        watch.publishing()
        message = "Merged model, made with Merge explorer"
        api.create_commit(repo, operations=[*adds, *gone], commit_message=message, num_threads=2)
    finally:
        watch.close()
    return f"{endpoint()}/{repo}"


def _additions(files: Sequence[Path], card: str, given: Callable[[Path], Any]) -> list[Any]:
    """What is put into the repository: the files as paths, which Xet takes, or open, which LFS takes."""
    from huggingface_hub import CommitOperationAdd

    made: list[Any] = []
    for path in files:
        name = f"{FOLDER}/{path.name}" if path.parent.name == FOLDER else path.name
        made.append(CommitOperationAdd(name, card.encode() if path.name == "README.md" else given(path)))
    return made


def _cause(error: BaseException) -> BaseException:
    """What really went wrong, where a thread of huggingface_hub has wrapped it in another exception."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _undo(api: Any, repo: str, token: Token) -> bool:
    try:
        patient(lambda: api.delete_repo(repo), repo, token, tries=2)
        return True
    except MergeError:
        return False


class _Watch:
    """Counts what is read of the files, reports it, and stops the work from within the next read when the user cancels."""

    def __init__(self, files: Sequence[Path], progress: Callable[[Sent], None] | None, cancelled: Callable[[], bool]) -> None:
        self.size = sum(path.stat().st_size for path in files)
        self.phase, self.progress, self.cancelled = "reading", progress, cancelled
        self._at: dict[tuple[str, str], int] = {}
        self._files: list[_Counted] = []
        self._told = 0.0
        self._phase_told = ""

    def check(self) -> None:
        """Raise Cancelled if the user asked to stop."""
        if self.cancelled():
            raise Cancelled("stopped")

    def opened(self, path: Path) -> "_Counted":
        """The file, open to be read."""
        self._files.append(_Counted(path, self))
        return self._files[-1]

    def read(self, name: str, end: int) -> None:
        """A file was read up to `end`."""
        self.check()
        self._at[self.phase, name] = max(end, self._at.get((self.phase, name), 0))
        now = time.monotonic()
        if self.progress is not None and (self.phase != self._phase_told or now - self._told > 0.1):
            self._told, self._phase_told = now, self.phase
            done = sum(count for (phase, _), count in self._at.items() if phase == self.phase)
            self.progress(Sent(self.phase, name, done, self.size))

    def publishing(self) -> None:
        """From here on it is the Hub's to finish; a cancel still stops it before the request is sent."""
        self.check()
        self.phase = "publishing"
        if self.progress is not None:
            self.progress(Sent("publishing", "", self.size, self.size))

    def close(self) -> None:
        """Close all files."""
        for file in self._files:
            file.close()


class _Counted(io.BufferedReader):
    """A file that tells how far it was read."""

    def __init__(self, path: Path, watch: _Watch) -> None:
        super().__init__(io.FileIO(path))
        self._name, self._watch, self._all = path.name, watch, path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._watch.read(self._name, self.tell())
        return data


__all__ = ["Example", "Sent", "Terms", "push", "repo_id", "terms", "whoami"]
