"""The Hub's files on this machine: huggingface_hub's own cache, filled file by file, with progress, cancel and resume.

Since version 2 huggingface_hub throws a half-loaded file away when its process stops; here it stays as `<digest>.incomplete`
beside the finished ones and goes on where it was. What is whole lies where huggingface_hub and transformers look for it.
"""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from merger.errors import Cancelled, CheckpointError, MergeError
from merger.files.checkpoints import INDEX, format_bytes, weight_map
from merger.hub.wire import Token, client, endpoint, file_url, is_digest, never, opened, patient, readable, wait_of

_BIN_INDEX = "pytorch_model.bin.index.json"
_HUB_ID = re.compile(
    r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}(@[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*)?", re.ASCII
)  # fmt: skip
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}")
_COMPANION = re.compile(r".+\.(json|txt|model|jinja)|README\.md|LICEN[SC]E.*|NOTICE.*")
_NO_COMPANION = re.compile(r"(trainer_state|training_args|all_results|train_results|eval_results)\.json|(flax|tf|rust)_model.*")
MAX_COMPANION, MAX_COMPANIONS, MAX_ALL_COMPANIONS = 100_000_000, 64, 300_000_000
"""Bytes of one file beside the weights, their number, bytes of all of them: a stranger's model is not let beyond."""
PARALLEL_DOWNLOADS = 3
"""Files that are fetched at a time."""
_TRIES = 6
_RESTRICTED = ".restricted"
_FREE = 500_000_000


@dataclass(frozen=True)
class RepoFile:
    """A file of a model on the Hub. digest: SHA-256 of a large file, git's object id of a small one; the cache names it so."""

    name: str
    size: int
    digest: str


@dataclass(frozen=True)
class Listing:
    """A model's files at one commit, those in its top folder. `info` is what else the Hub says about the model."""

    reference: str
    name: str
    revision: str
    commit: str
    files: tuple[RepoFile, ...]
    restricted: bool
    info: Any = field(default=None, repr=False, compare=False)

    def file(self, name: str) -> RepoFile | None:
        """The file of this name."""
        return next((file for file in self.files if file.name == name), None)

    @property
    def folder(self) -> Path:
        """Where its files lie on this machine."""
        return storage(self.name) / "snapshots" / self.commit


@dataclass(frozen=True)
class Fetched:
    """How far a download is: bytes of one file, and of all files of the model."""

    reference: str
    file: str
    done: int
    size: int
    all_done: int
    all_size: int

    def __str__(self) -> str:
        own, all_ = (format_bytes(self.done), format_bytes(self.size)), (format_bytes(self.all_done), format_bytes(self.all_size))
        return f"{self.file}: {own[0]} of {own[1]}; {all_[0]} of {all_[1]}"


Report = Callable[[Fetched], None]


def is_hub_id(reference: str) -> bool:
    """Whether this can be a model's name on the Hub: owner/name, or owner/name@revision.

    >>> is_hub_id("owner/name@refs/pr/1"), is_hub_id("owner/../name"), is_hub_id("owner/name@../../etc")
    (True, False, False)
    """
    if len(reference) >= 400 or _HUB_ID.fullmatch(reference) is None or ".." in reference:
        return False
    return "--" not in split(reference)[0]  # the Hub has no such names, and in the cache two of them could share a folder


def split(reference: str) -> tuple[str, str]:
    """A reference's name and revision; `main` where it names none."""
    name, _, revision = reference.partition("@")
    return name, revision or "main"


def root() -> Path:
    """huggingface_hub's cache."""
    from huggingface_hub import constants

    return Path(os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE).expanduser()


def storage(name: str) -> Path:
    """The folder of one model in the cache."""
    return root() / f"models--{name.replace('/', '--')}"


# ---------------------------------------------------------------------------------------------- what there is


def listing(reference: str, token: Token, cancelled: Callable[[], bool] = never) -> Listing:
    """The files of a model on the Hub, in one request. CheckpointError when there is none, or none for this token."""
    if not is_hub_id(reference):
        raise CheckpointError(f"{reference[:200]}: this is no Hub id; write owner/name, or owner/name@revision.")
    name, revision = split(reference)
    info = patient(
        lambda: client(token).model_info(name, revision=revision, files_metadata=True, timeout=20), reference, token, cancelled
    )  # fmt: skip
    if not is_digest(info.sha):
        raise CheckpointError(f"{reference}: the Hub names no commit for it; try again.")
    if (info.gated or info.private) and token is not None:  # not this machine's own: what lies here is not for everybody
        patient(lambda: client(token).auth_check(name), reference, token, cancelled)
    files = tuple(_file(entry) for entry in info.siblings or () if _PLAIN_NAME.fullmatch(str(entry.rfilename)))
    return Listing(
        reference, name, revision, info.sha, tuple(f for f in files if f is not None), bool(info.gated or info.private), info
    )


def _file(entry: Any) -> RepoFile | None:
    """A file as the Hub lists it; None where its size or digest is not what it must be."""
    lfs = entry.lfs
    digest = str((getattr(lfs, "sha256", None) if lfs else entry.blob_id) or "")
    size = (getattr(lfs, "size", None) if lfs else None) or entry.size
    if not is_digest(digest) or not isinstance(size, int) or not 0 <= size < 1 << 48:
        return None
    return RepoFile(str(entry.rfilename), size, digest)


def companions(listing: Listing) -> tuple[RepoFile, ...]:
    """The files beside the weights: config, tokenizer, card, licence. What is too large or too much is left out."""
    small = [
        file for file in listing.files
        if _COMPANION.fullmatch(file.name) and not _NO_COMPANION.fullmatch(file.name) and file.size <= MAX_COMPANION
    ]  # fmt: skip
    small.sort(key=lambda file: (not file.name.startswith(("config", "tokenizer", "adapter_config", "model.")), file.size))
    taken: list[RepoFile] = []
    for file in small[:MAX_COMPANIONS]:
        if sum(f.size for f in taken) + file.size <= MAX_ALL_COMPANIONS:
            taken.append(file)
    return tuple(taken)


def weights(listing: Listing, only_safetensors: bool = False) -> tuple[RepoFile, ...]:
    """The weight files that make the model. Its index, if it has one, has been fetched before.

    only_safetensors  refuse .bin files. CheckpointError when there is nothing to read, or the index names what is not there.
    """
    names = {file.name: file for file in listing.files}
    if INDEX in names:
        return _indexed(listing, INDEX, names)
    plain = [f for n, f in sorted(names.items()) if n.endswith(".safetensors") and not n.startswith("adapter_model")]
    if "model.safetensors" in names:
        return (names["model.safetensors"],)
    if plain:
        return tuple(plain)
    if "adapter_config.json" in names and "adapter_model.safetensors" in names:
        return (names["adapter_model.safetensors"],)
    bins = [f for n, f in sorted(names.items()) if re.fullmatch(r"pytorch_model.*\.bin|adapter_model\.bin", n)]
    if only_safetensors:
        kind = "only .bin files" if bins else "no safetensors files"
        raise CheckpointError(f"{listing.reference}: has {kind}; this page opens safetensors only. Look for another copy of it.")
    if _BIN_INDEX in names:
        return _indexed(listing, _BIN_INDEX, names)
    if not bins:
        quantized = any(name.endswith(".gguf") for name in names)
        kind = "GGUF files, which are quantized" if quantized else "no weights in safetensors or .bin"
        raise CheckpointError(f"{listing.reference}: holds {kind}; choose the model it was made from.")
    return tuple(bins)


def _indexed(listing: Listing, index: str, names: dict[str, RepoFile]) -> tuple[RepoFile, ...]:
    table = weight_map(listing.folder / index)
    listed = sorted({str(v) for v in table.values()}) if isinstance(table, dict) else []
    missing = [name for name in listed if name not in names]
    if missing or not listed:
        what = f"names {missing[0][:80]!r}, which is not among its files" if missing else "names no files"
        raise CheckpointError(f"{listing.reference}: its {index} {what}; this upload is broken.")
    return tuple(names[name] for name in listed)


def cached(reference: str) -> Path | None:
    """The folder of a model that lies here whole, without asking the Hub; None if it does not."""
    name, revision = split(reference)
    place = storage(name)
    try:
        commit = revision if is_digest(revision) else (place / "refs" / revision).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    folder = place / "snapshots" / commit
    return folder if is_digest(commit) and _whole(folder) else None


def _whole(folder: Path) -> bool:
    """Whether all weight files are there; an index says which."""
    try:
        for index in (INDEX, _BIN_INDEX):
            if (folder / index).is_file():
                table = weight_map(folder / index)
                listed = set(table.values()) if isinstance(table, dict) else {""}
                return all(isinstance(n, str) and Path(n).name == n and (folder / n).is_file() for n in listed)
    except CheckpointError:
        return False
    kinds = ("*.safetensors", "pytorch_model*.bin", "adapter_model.bin")
    return any(next(folder.glob(kind), None) is not None for kind in kinds)


def restricted(reference: str) -> bool:
    """Whether a model that lies here was gated or private when it came: not everybody may use it. Asks nobody."""
    return (storage(split(reference)[0]) / _RESTRICTED).is_file()


# ---------------------------------------------------------------------------------------------- bringing it here


def download(
    reference: str,
    token: Token = None,
    progress: Report | None = None,
    cancelled: Callable[[], bool] = never,
    *,
    only_safetensors: bool = False,
    limit: int | None = None,
) -> Path:
    """Bring a model into the cache; returns its folder. What is there already is not fetched again.

    progress   called from several threads, one call at a time
    cancelled  asked several times a second; true raises Cancelled, and what has arrived is kept for the next time
    limit      the most bytes the model may have, None for any
    """
    listed = listing(reference, token, cancelled)
    fetch(listed, companions(listed), token, None, cancelled)
    files = weights(listed, only_safetensors)
    total = sum(file.size for file in files)
    if limit is not None and total > limit:
        most = f"this page takes models of up to {format_bytes(limit)}"
        raise CheckpointError(f"{reference}: has {format_bytes(total)} of weights; {most}.")
    fetch(listed, files, token, progress, cancelled)
    _name(listed)
    return listed.folder


def fetch(
    listing: Listing, files: Sequence[RepoFile], token: Token, progress: Report | None = None,
    cancelled: Callable[[], bool] = never,
) -> None:  # fmt: skip
    """Bring some files of a model here, a few at a time."""
    if listing.restricted:
        _touch(storage(listing.name) / _RESTRICTED)
    missing = [file for file in files if not _there(listing, file)]
    _check_room(listing, missing)
    counts = {file.name: file.size if file not in missing else begun(listing, file) for file in files}
    total, lock, stop = sum(file.size for file in files), threading.Lock(), threading.Event()

    def report(file: RepoFile, done: int) -> None:
        with lock:
            counts[file.name] = done
            if progress is not None:
                progress(Fetched(listing.reference, file.name, done, file.size, sum(counts.values()), total))

    def one(file: RepoFile) -> None:
        _Download(listing, file, token, report, lambda: stop.is_set() or cancelled()).run()

    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        running = [pool.submit(one, file) for file in sorted(missing, key=lambda file: -file.size)]
        first: BaseException | None = None
        for future in running:
            try:
                future.result()
            except BaseException as error:
                first = first if first is not None and not isinstance(first, Cancelled) else error
                stop.set()
    if first is not None:
        raise first
    if progress is not None and not missing:
        last = files[-1] if files else RepoFile("", 0, "")
        progress(Fetched(listing.reference, last.name, last.size, last.size, total, total))


def _there(listing: Listing, file: RepoFile) -> bool:
    place = listing.folder / file.name
    try:
        return place.stat().st_size == file.size
    except OSError:
        return False


def begun(listing: Listing, file: RepoFile) -> int:
    """Bytes of a file that are here, whole or half loaded."""
    if _there(listing, file):
        return file.size
    try:
        return min(file.size, _partial(listing, file).stat().st_size)
    except OSError:
        return 0


def _blob(listing: Listing, file: RepoFile) -> Path:
    return storage(listing.name) / "blobs" / file.digest


def _partial(listing: Listing, file: RepoFile) -> Path:
    return _blob(listing, file).with_name(f"{file.digest}.incomplete")


def _check_room(listing: Listing, missing: Sequence[RepoFile]) -> None:
    need = sum(file.size - begun(listing, file) for file in missing)
    place = storage(listing.name)
    try:
        place.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise CheckpointError(f"{place}: the Hub's cache cannot be written: {error.strerror}.") from None
    if need > 0 and need + _FREE > free:
        raise CheckpointError(
            f"{listing.reference}: needs {format_bytes(need)} more on the disk, and {format_bytes(free)} are free.\n"
            "  Delete models you no longer need: `hf cache ls`, `hf cache rm`."
        )


class _Download:
    """One file on its way: range by range into `<digest>.incomplete`, checked against its digest, then put in its place."""

    def __init__(
        self, listing: Listing, file: RepoFile, token: Token, report: Callable[[RepoFile, int], None], stopped: Callable[[], bool]
    ) -> None:
        self.listing, self.file, self.token, self.report, self.stopped = listing, file, token, report, stopped
        self.url = file_url(listing.name, listing.commit, file.name)

    def run(self) -> None:
        blob, partial = _blob(self.listing, self.file), _partial(self.listing, self.file)
        try:
            blob.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                if not blob.is_file():
                    self._load(partial)
                    if not self._sound(partial):
                        partial.unlink()
                        raise CheckpointError(
                            f"{self.listing.reference}: {self.file.name} came damaged: its digest is another.\n"
                            "  Download it again."
                        )
                    partial.replace(blob)
                _link(blob, self.listing.folder / self.file.name)
        except MergeError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise CheckpointError(f"{self.listing.reference}: the disk is full; make room, then go on.") from None
            raise readable(self.listing.reference, error, self.token) from None

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        """Nobody else writes this file meanwhile, of this process or another; who waits can be cancelled."""
        from filelock import Timeout  # huggingface_hub brings it
        from huggingface_hub.utils import WeakFileLock

        place = root() / ".locks" / storage(self.listing.name).name / f"{self.file.digest}.lock"
        place.parent.mkdir(parents=True, exist_ok=True)
        while True:
            if self.stopped():
                raise Cancelled(f"{self.listing.reference}: stopped.")
            with contextlib.ExitStack() as held:
                try:
                    held.enter_context(WeakFileLock(str(place), timeout=0.3))
                except Timeout:
                    self.report(self.file, begun(self.listing, self.file))
                    continue
                yield
                return

    def _load(self, partial: Path) -> None:
        failures = 0
        while True:
            before = partial.stat().st_size if partial.is_file() else 0
            if before > self.file.size:
                partial.unlink()
                before = 0
            if before == self.file.size and partial.is_file():
                return
            if self.stopped():
                raise Cancelled(f"{self.listing.reference}: stopped.")
            try:
                self._stream(partial, before)
            except Cancelled:
                raise
            except Exception as error:
                now = partial.stat().st_size if partial.is_file() else 0
                failures = 0 if now > before else failures + 1
                pause = wait_of(error, failures)
                if pause is None or failures >= _TRIES or isinstance(error, CheckpointError):
                    raise
                self._wait(pause)

    def _wait(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if self.stopped():
                raise Cancelled(f"{self.listing.reference}: stopped.")
            time.sleep(min(0.1, seconds))

    def _stream(self, partial: Path, before: int) -> None:
        """Load from byte `before` on. A server that ignores the range starts anew."""
        with opened(self.url, self.token, before) as response:
            anew = before > 0 and response.status_code != 206
            done = 0 if anew else before
            with partial.open("wb" if anew or not before else "ab") as out:
                reported = time.monotonic()
                for block in response.iter_bytes(1 << 18):
                    if done + len(block) > self.file.size:
                        what = f"{self.file.name} is longer than the Hub lists"
                        raise CheckpointError(f"{self.listing.reference}: {what}; try again.")
                    out.write(block)
                    done += len(block)
                    if self.stopped():
                        raise Cancelled(f"{self.listing.reference}: stopped; {format_bytes(done)} of {self.file.name} are kept.")
                    if time.monotonic() - reported > 0.1:
                        self.report(self.file, done)
                        reported = time.monotonic()
        if done < self.file.size:
            raise ConnectionError("cut short")
        self.report(self.file, done)

    def _sound(self, partial: Path) -> bool:
        """Whether the file is the one the Hub lists."""
        digest = self.file.digest
        git = hashlib.sha1(f"blob {self.file.size}\0".encode(), usedforsecurity=False)
        summed = hashlib.sha256() if len(digest) == 64 else git
        with partial.open("rb") as data:
            while block := data.read(1 << 22):
                summed.update(block)
                if self.stopped():
                    raise Cancelled(f"{self.listing.reference}: stopped.")
        return summed.hexdigest() == digest


def _link(blob: Path, place: Path) -> None:
    """The file under its own name: a relative link as huggingface_hub makes it, or the file where links are not allowed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        place.unlink()
    try:
        place.symlink_to(Path("..") / ".." / "blobs" / blob.name)
    except OSError:
        try:
            os.link(blob, place)
        except OSError:
            shutil.copyfile(blob, place)


def _name(listing: Listing) -> None:
    """Note which commit a branch stands for, now that all of it is here."""
    if listing.revision != listing.commit:
        note = storage(listing.name) / "refs" / listing.revision
        try:
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(listing.commit, encoding="ascii")
        except OSError:  # a cache that is read-only; the files are there
            pass


def _touch(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


# ---------------------------------------------------------------------------------------------- keeping it bounded


def used(folder: Path) -> None:
    """Note that a model is in use now, for `evict`."""
    with contextlib.suppress(OSError):
        os.utime(folder)


def size() -> int:
    """Bytes that the cache takes, half-loaded files included."""
    total = 0
    for file in root().glob("models--*/blobs/*"):
        with contextlib.suppress(OSError):
            total += file.stat().st_size
    return total


def evict(limit: int, keep: Collection[Path] = ()) -> tuple[str, ...]:
    """Delete the models that were not used for longest until the cache has at most `limit` bytes; returns their names.

    keep  snapshot folders that are in use: never deleted, even if the limit is not reached then
    """
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        cache = scan_cache_dir(root())
    except (CacheNotFound, ValueError):
        return ()
    held = {Path(folder).resolve() for folder in keep}
    known = [(rev, repo) for repo in cache.repos if repo.repo_type == "model" for rev in repo.revisions]
    known.sort(key=lambda pair: pair[0].snapshot_path.stat().st_mtime)
    total = cache.size_on_disk + sum(file.stat().st_size for file in _leftovers())
    gone: list[str] = []
    for file in sorted(_leftovers(), key=lambda file: file.stat().st_mtime):
        if total > limit and time.time() - file.stat().st_mtime > 3600:  # nobody writes it any more
            total -= file.stat().st_size
            file.unlink(missing_ok=True)
    for revision, repo in known:
        if total <= limit:
            break
        if revision.snapshot_path.resolve() in held:
            continue
        # of this model alone: a copy of it under another name has the same commit
        strategy = replace(cache, repos=frozenset({repo})).delete_revisions(revision.commit_hash)
        strategy.execute()
        total -= strategy.expected_freed_size
        gone.append(repo.repo_id)
    return tuple(gone)


def _leftovers() -> Iterator[Path]:
    yield from root().glob("models--*/blobs/*.incomplete")


__all__ = [
    "Fetched", "Listing", "RepoFile", "Report", "begun", "cached", "companions", "download", "endpoint", "evict", "fetch",
    "is_hub_id", "listing", "restricted", "root", "size", "split", "storage", "used", "weights",
]  # fmt: skip
