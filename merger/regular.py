"""Files of others: only regular ones are opened, and what was seen of one tells later whether it is still the same."""

import errno
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

from merger.limits import TEXT_BYTES

JOURNAL = ".journal"
"""What a merge notes in its working folder; with `-N-of-COUNT` behind it where several machines share the folder."""
_KINDS = {
    stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip


class Seen(NamedTuple):
    """What tells a file from another, or from itself before somebody wrote to it. Times in nanoseconds."""

    size: int
    changed: int
    inode: int
    device: int

    @classmethod
    def of(cls, state: os.stat_result) -> "Seen":
        """From what the system says of a file."""
        return cls(state.st_size, state.st_mtime_ns, state.st_ino, state.st_dev)

    def same_file(self, other: "Seen") -> bool:
        """Whether it is the same file, whatever was written to it since."""
        return (self.inode, self.device) == (other.inode, other.device)


def look(file: Path) -> Seen | None:
    """What a file is like now; None where it cannot be reached."""
    try:
        return Seen.of(file.stat())
    except (OSError, ValueError):
        return None


def look_into(folder: Path) -> dict[Path, Seen]:
    """The same of all files in a folder. OSError where one is no plain file: whoever opened it, here or in a library, would wait.

    Links that lead nowhere are left out.
    """
    seen: dict[Path, Seen] = {}
    for file in folder.iterdir():
        try:
            state = file.stat()
        except OSError:
            continue
        if not stat.S_ISDIR(state.st_mode):
            _refuse_others(file, state)
            seen[file] = Seen.of(state)
    return seen


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


def scheme_of(name: str | Path) -> str:
    """What an address begins with where a file or folder is meant; "" for a path. A drive's one letter is no scheme.

    >>> scheme_of("s3://bucket/model"), scheme_of(Path("gs://bucket/model")), scheme_of("out/s3"), scheme_of("C:/out")
    ('s3', 'gs', '', '')
    """
    match = _SCHEME.match(str(name))
    return match[1].lower() if match else ""


def is_file(file: Path) -> bool:
    """Whether this is a regular file that can be reached; a name that no file can have is none."""
    try:
        return file.is_file()
    except (OSError, ValueError):
        return False


def there(file: Path) -> bool:
    """Whether something has this name, a link that leads nowhere too: what is there must be readable, or be told."""
    return os.path.lexists(file)


def open_regular(file: Path) -> BinaryIO:
    """Open a file to read its bytes. OSError in words where it is none: a pipe would be waited for, a device never ends."""
    _refuse_others(file, file.stat())
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _refuse_others(file, os.fstat(handle))  # it may have become another since
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _refuse_others(file: Path, state: os.stat_result) -> None:
    kind = stat.S_IFMT(state.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if kind != stat.S_IFREG:
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(kind, 'no plain file')}, not a file", str(file))


def read_bytes(file: Path) -> bytes:
    """What is in a small regular file. OSError where it is none, or too large to be one beside a model's weights."""
    with open_regular(file) as handle:
        raw = handle.read(TEXT_BYTES + 1)
    if len(raw) > TEXT_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {TEXT_BYTES:,} bytes, too many for a text", str(file))
    return raw


def read_text(file: Path, errors: str = "strict") -> str:
    """The same as UTF-8."""
    return read_bytes(file).decode("utf-8", errors).replace("\r\n", "\n").replace("\r", "\n")


def cache_root() -> Path:
    """This project's folder in the user's cache. OSError where there is no home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "merger"
    except RuntimeError:  # a user without an entry and without HOME
        raise FileNotFoundError(errno.ENOENT, "no home folder") from None
