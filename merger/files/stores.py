"""Object stores (s3://, gs://, ...) through fsspec: what lies in a folder there, files read by ranges, files uploaded in parts.

The only place that knows fsspec. Credentials are those that its stores find by themselves (environment, profiles, machine);
none is taken from an address, and nothing of what a store answers is repeated, for that may hold some.
"""

import contextlib
import errno
import importlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from merger.errors import CheckpointError, InputChanged, MergeError, keyless
from merger.regular import scheme_of

T = TypeVar("T")

STORES = {
    "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "oss": "ossfs", "oci": "ocifs",
    "memory": "fsspec",
}  # fmt: skip
"""What an address may begin with, and the package that knows such a store. `memory` is fsspec's own, of this process alone."""
TRIES, FIRST_WAIT = 3, 0.5
"""How often something is asked that failed on the way (the stores' packages try several times themselves); seconds between."""
BLOCK, MOST_PARTS = 16 << 20, 9_000
"""Bytes of a part of an upload, at least, and parts of a file, at most: S3 takes 10,000."""
SENDING = 3 * BLOCK
"""Bytes of memory that an upload takes."""
_BEGINS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/+")
_ADDRESS = re.compile(r"[A-Za-z0-9+]+://[^\s?#\\\x00-\x1f]+")
_TAGS = ("ETag", "etag", "md5Hash", "generation", "LastModified", "last_modified", "mtime", "updated", "created")
_DEFERRED = ("s3", "s3a", "gs", "gcs")
_WITH_ACCOUNT = ("az", "abfs", "oci")
"""Stores whose addresses name an account behind an @."""
_NO_LOGIN = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "DefaultCredentialsError", "RefreshError")


def is_address(name: object) -> bool:
    """Whether this is an address in a store that could be opened.

    >>> is_address("s3://bucket/model"), is_address("https://host/model"), is_address("out/model")
    (True, False, False)
    """
    return scheme_of(str(name)) in STORES


def refusal(address: str) -> str:
    """Why an address is none of a store; "" where it is one. Nobody is asked."""
    shown = hidden(address)
    if not is_address(address):
        known = ", ".join(f"{scheme}://" for scheme in STORES if scheme != "memory")
        return f"{shown}: is an address of no store that is known here ({known}, and hf:// for models of the Hub)."
    place = address.partition("://")[2]
    bucket = place.partition("/")[0]
    if ":" in bucket or ("@" in bucket and scheme_of(address) not in _WITH_ACCOUNT):
        return f"{shown}: no name and no key in an address, please; they are taken from the environment."
    if not _ADDRESS.fullmatch(address):
        return f"{shown}: is no address of a folder in a store; write {scheme_of(address)}://bucket/folder."
    if any(part in ("", ".", "..") for part in place.rstrip("/").split("/")):
        return f"{shown}: is no address of a folder in a store; write {scheme_of(address)}://bucket/folder."
    return ""


def hidden(address: str) -> str:
    """An address as it may be shown: without what could be a key.

    >>> hidden("s3://KEY:SEC/RET@bucket/model?signature=1"), hidden("s3://KEY:SECRET")
    ('s3://...@bucket/model?...', 's3://...')
    """
    scheme, slashes, rest = address.partition("://")
    place, mark = next(((rest[:i], c) for i, c in enumerate(rest) if c in "?#"), (rest, ""))
    named, at, host = place.rpartition("@")
    if ":" in place.partition("/")[0]:  # a name and a key, of which no sign ends a part: keys hold slashes, too
        place = f"...@{host}" if at else "..."
    elif at and "/" not in named:
        place = f"...@{host}"
    return keyless(f"{scheme}{slashes}{place}{mark}{'...' if mark else ''}")[:300]


@dataclass(frozen=True)
class Lying:
    """A file in a folder of a store. word: what changes when its content does."""

    name: str
    size: int
    word: str


@dataclass(frozen=True)
class Folder:
    """A folder in a store. Its errors are MergeErrors, of reading CheckpointErrors."""

    address: str
    _fs: Any = field(repr=False, compare=False)

    @property
    def path(self) -> str:
        """As fsspec takes it."""
        return self.address.rstrip("/")

    @property
    def deferred(self) -> bool:
        """Whether what is written is seen only when it is committed; of the other stores' packages that is not known."""
        return scheme_of(self.address) in _DEFERRED

    def files(self) -> tuple[Lying, ...]:
        """What lies in it, not what is deeper. CheckpointError where there is nothing."""

        def found() -> list[Lying]:  # a listing that is none is the store's fault, and told as such
            files = [entry for entry in self._listed() if entry.get("type") == "file" and not str(entry["name"]).endswith("/")]
            return [_lying(entry) for entry in files]

        return tuple(sorted(self._read(found, self.address), key=lambda one: one.name))

    def _listed(self) -> list[Any]:
        self._fs.invalidate_cache()
        return self._fs.ls(self.path, detail=True)

    def whole(self, name: str, size: int) -> bytes:
        """A small file, whole."""
        where = f"{self.path}/{name}"
        # one byte more tells of a file that has grown, and no more than that is taken into memory
        raw: bytes = self._read(lambda: bytes(self._fs.cat_file(where, start=0, end=size + 1)), where) if size else b""
        if len(raw) != size:
            raise _changed(where)
        return raw

    def file(self, lying: Lying) -> "StoredFile":
        """One of its files, to be read by ranges."""
        where = f"{self.path}/{lying.name}"
        self._fs.invalidate_cache()  # what a listing said of it may be old
        # the stores' own handles ask for the file with the tag that it has now, and for no other
        handle = self._read(lambda: self._fs.open(where, "rb", cache_type="none"), where)
        known = self._info(where)
        if known != (lying.size, lying.word):
            raise _changed(where)
        fetch = getattr(handle, "_fetch_range", None) or (lambda start, end: self._fs.cat_file(where, start=start, end=end))
        return StoredFile(where, lying.size, lying.word, "", self, fetch)

    def _info(self, where: str) -> tuple[int, str]:
        def ask() -> Lying:
            self._fs.invalidate_cache(where)
            return _lying(self._fs.info(where))

        lying = self._read(ask, where)
        return lying.size, lying.word

    def check(self, where: str, size: int, word: str) -> None:
        """InputChanged where a file is another one now."""
        if self._info(where) != (size, word):
            raise _changed(where)

    def _read(self, call: Callable[[], T], where: str) -> T:
        return patient(call, lambda error: _unread(error, where))

    # ------------------------------------------------------------------------------------------ writing

    def check_free(self) -> None:
        """MergeError unless nothing lies there, and something could."""
        try:
            listed = patient(self._listed, self._unwritten)
        except _Missing:
            listed = []
        if listed:
            raise MergeError(f"{self.address}: is not empty; name a new folder in the store, or empty it first.")
        bucket = "/".join(self.path.split("/")[:3])
        if self.deferred:
            with contextlib.suppress(_Forbidden):  # whoever may write need not be let look
                try:
                    patient(lambda: self._fs.info(bucket), self._unwritten)
                except _Missing:
                    raise MergeError(f"{self.address}: there is no bucket {bucket}; make it first.") from None

    def upload(self, name: str, size: int) -> "Upload":
        """A file that is about to be made, of so many bytes; it is seen when it is committed, and not before."""
        block = max(BLOCK, -(-size // MOST_PARTS))
        where = f"{self.path}/{name}"

        def begin() -> Any:
            try:
                return self._fs.open(where, "xb", block_size=block, autocommit=False)  # x: never over another's
            except NotImplementedError:  # a store without such a mode
                return self._fs.open(where, "wb", block_size=block, autocommit=False)

        return Upload(where, size, patient(begin, self._unwritten), self)

    def put(self, name: str, raw: bytes) -> None:
        """A small file, at once."""
        patient(lambda: self._fs.pipe_file(f"{self.path}/{name}", raw), self._unwritten)

    def size(self, where: str) -> int:
        """Bytes of a file that was written."""

        def ask() -> Any:
            self._fs.invalidate_cache()
            return self._fs.info(where)

        return int(patient(ask, self._unwritten)["size"])

    def remove(self, name: str) -> None:
        """Take a file away; where that fails it stays."""
        with contextlib.suppress(Exception):
            self._fs.rm_file(f"{self.path}/{name}")

    def _unwritten(self, error: BaseException) -> MergeError:
        return _unwritten(error, self.address)


def opened(address: str) -> Folder:
    """A folder in a store. MergeError where the address is none, or the store's package is missing; nobody is asked."""
    why = refusal(address)
    if why:
        raise CheckpointError(why)
    scheme = scheme_of(address)
    package = STORES[scheme]
    try:
        fsspec = importlib.import_module("fsspec")
        importlib.import_module(package)
    except ImportError:
        how = "pip install 'merge-explorer[stores]'" if package == "s3fs" else f"pip install {package}"
        raise CheckpointError(f"{address}: {scheme}:// needs {package}, which is not installed here: {how}.") from None
    try:
        return Folder(address, fsspec.filesystem(scheme))
    except Exception as error:  # whatever its credentials or settings make it say
        raise _unread(error, address) from None


@dataclass
class StoredFile:
    """A file in a store; see files/ranges.Distant."""

    name: str
    size: int
    word: str
    sha: str
    _folder: Folder = field(repr=False)
    _fetch: Callable[[int, int], bytes] = field(repr=False)

    def read(self, start: int, count: int) -> bytes:
        """Some of its bytes. CheckpointError where fewer come."""

        def ask() -> bytes:
            raw = self._fetch(start, start + count)
            if len(raw) != count:
                raise ConnectionError("cut short")
            return raw

        return patient(ask, lambda error: _unread(error, self.name))

    def check(self) -> None:
        """InputChanged where it is another one now."""
        self._folder.check(self.name, self.size, self.word)


@dataclass
class Upload:
    """A file on its way into a store, written from its beginning on."""

    name: str
    size: int
    _handle: Any = field(repr=False)
    _folder: Folder = field(repr=False)
    at: int = 0
    _sent: bool = field(default=False, repr=False)

    def write(self, data: "memoryview | bytes") -> None:
        """The next bytes."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), BLOCK):
            some = view[start : start + BLOCK]
            try:
                self._handle.write(some)
            except Exception as error:
                self._again(error, last=False)
            self.at += len(some)

    def close(self) -> None:
        """Send the rest, once."""
        if self._sent:
            return
        assert self.at == self.size
        try:
            if hasattr(self._handle, "forced"):  # close would take the handle for sent, whatever became of it
                self._handle.flush(force=True)
        except Exception as error:
            self._again(error, last=True)
        self._sent = True
        with contextlib.suppress(Exception):
            self._handle.close()

    def commit(self) -> None:
        """Let it be seen. MergeError where the store has something else then."""
        failed: Exception | None = None
        try:
            self._handle.commit()
        except FileExistsError as error:
            raise _unwritten(error, self.name) from None
        except Exception as error:  # it may be done, and only the answer was lost
            failed = error
        with contextlib.suppress(MergeError):
            if self._folder.size(self.name) == self.size:
                return
        if failed is not None:
            raise _unwritten(failed, self.name) from None
        raise MergeError(f"{self.name}: the store has not kept what was sent; try again.")

    def discard(self) -> None:
        """Forget it, with what has arrived there."""
        with contextlib.suppress(Exception):
            self._handle.discard()
        with contextlib.suppress(AttributeError):
            self._handle.closed = True  # else it would be sent when it is collected
        if not self._folder.deferred:
            self._folder.remove(self.name.rpartition("/")[2])

    def _again(self, error: Exception, last: bool) -> None:
        """Send once more what could not be sent: fsspec's handles keep it until it is there."""
        handle = self._handle
        for i in range(TRIES - 1):
            if not _passing(error) or not hasattr(handle, "forced") or getattr(handle.fs, "fixed_upload_size", False):
                break
            time.sleep(FIRST_WAIT * 2**i)
            if handle.closed:  # the upload could not even be begun
                handle.closed, handle.offset = False, None
            handle.forced = False
            try:
                handle.flush(force=last)
                return
            except Exception as another:
                error = another
        raise _unwritten(error, self.name) from None


# ---------------------------------------------------------------------------------------------- what goes wrong


class _Missing(MergeError):
    """There is nothing of this name."""


class _Forbidden(MergeError):
    """The credentials that were found do not reach."""


def patient(call: Callable[[], T], told: Callable[[BaseException], MergeError]) -> T:
    """What a call returns; asked again where the way to the store failed. Its error in words."""
    for i in range(TRIES):
        try:
            return call()
        except MergeError:
            raise
        except Exception as error:  # every store has errors of its own
            if not _passing(error) or i == TRIES - 1:
                raise told(error) from None
            time.sleep(FIRST_WAIT * 2**i)
    raise AssertionError("TRIES is at least 1")


def _passing(error: BaseException) -> bool:
    """Whether it may go well the next time."""
    if isinstance(error, (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)):
        return False
    name = type(error).__name__
    if name == "FileExpired" or name in _NO_LOGIN or isinstance(error, (TypeError, ValueError, ImportError, MemoryError)):
        return False
    return not (isinstance(error, OSError) and error.errno in (errno.EINVAL, errno.ENOSYS, errno.EPERM))


def _changed(where: str) -> InputChanged:
    return InputChanged(f"{where}: was changed while it was being read; begin again when nothing writes to it.", fresh=True)


def _unread(error: BaseException, where: str) -> MergeError:
    if type(error).__name__ == "FileExpired":
        return _changed(where)
    if isinstance(error, FileNotFoundError):
        return CheckpointError(f"{where}: there is nothing of this name in the store, or no such bucket.")
    return CheckpointError(f"{where}: {_why(error, 'read')}")


def _unwritten(error: BaseException, where: str) -> MergeError:
    if isinstance(error, FileNotFoundError):
        return _Missing(f"{where}: there is no such bucket; make it first.")
    if isinstance(error, FileExistsError):
        return MergeError(f"{where}: is there already; somebody else has written it meanwhile. Name another folder.")
    if isinstance(error, PermissionError):
        return _Forbidden(f"{where}: {_why(error, 'written')}")
    return MergeError(f"{where}: {_why(error, 'written')}")


def _why(error: BaseException, done: str) -> str:
    """What went wrong, in words of ours."""
    name = type(error).__name__
    if isinstance(error, PermissionError):
        return f"may not be {done} with the credentials that are found here; look at the environment and the bucket's rights."
    if name in _NO_LOGIN:
        return "no credentials are found here; set them as the store's own programs take them, in the environment or a profile."
    if _passing(error):
        return f"cannot be {done}: the store does not answer, or gave up in the middle ({name}). Check the connection, try again."
    return f"cannot be {done}: the store refuses it ({name})."


def _lying(entry: Any) -> Lying:
    name, size = str(entry["name"]).rstrip("/").rpartition("/")[2], entry.get("size")
    known = next((entry[key] for key in _TAGS if entry.get(key)), "")
    known = known.timestamp() if isinstance(known, datetime) else known
    if size is not None and int(size) < 0:
        raise ValueError("no size")
    return Lying(name, int(size or 0), f"{size} {known}")


__all__ = ["SENDING", "STORES", "Folder", "Lying", "StoredFile", "Upload", "hidden", "is_address", "opened", "refusal"]
