"""Who works in a merge's folder: locks of the system, or a file that its owner touches where the file system has none."""

import contextlib
import errno
import os
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path

from merger.errors import MergeError, begin
from merger.regular import Seen, look

try:
    import fcntl
except ImportError:  # Windows: no lock, the rest is the same
    fcntl = None

_NONE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EPERM, errno.EACCES}
"""What file systems without flock answer: NFS and Lustre as some are mounted, FUSE file systems, SMB."""
TOUCHED = 10.0
"""Seconds between two signs of life of an owner."""
DEAD = 60.0
"""Seconds without one, by the file system's clock, after which an owner is believed dead."""


class Busy(MergeError):
    """Another merge is writing there; it may end."""


@dataclass
class Claim:
    """A hold on a folder. The system lets go of locks when the process dies, however it dies; an owner's file grows old."""

    handles: list[int] = field(default_factory=list[int])
    owner: Path | None = None
    _token: str = ""
    _end: threading.Event = field(default_factory=threading.Event)

    def take(self, partial: Path, part: str) -> None:
        """Hold a folder for this merge, or for a part of it ("" : all). Busy where another has it.

        Parts share the folder's lock, and each has one of its own.
        """
        try:
            if self._lock(partial, part):
                self._own(partial, part)
            if not self.holds(partial):  # it had just finished when we came
                raise MergeError(f"{partial}: another merge has just finished there; name another folder.")
        except BaseException:
            self.release()
            raise

    def _lock(self, partial: Path, part: str) -> bool:
        """Whether the file system has no locks."""
        without = False
        for name, alone in [(".lock", not part)] + ([(f".lock-{part}", True)] if part else []):
            handle = os.open(partial / name, os.O_RDWR | os.O_CREAT, 0o666)
            self.handles.append(handle)
            if fcntl is None:
                continue
            try:
                fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(f"{partial}: another merge is writing there; wait for it, or name another folder.") from None
            except OSError as error:
                if error.errno not in _NONE:
                    raise
                without = True
        return without

    def _own(self, partial: Path, part: str) -> None:
        """Make an owner's file, and touch it for as long as the folder is held."""
        own = partial / (f".owner-{part}" if part else ".owner")
        self._token = f"{socket.gethostname()} {boot()} {os.getpid()} {os.urandom(8).hex()}"
        for _ in range(3):  # of several who find a dead one's file, one makes the next
            try:
                handle = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                _refuse_living(partial, own)
                with contextlib.suppress(FileNotFoundError):
                    own.unlink()
                continue
            self.owner = own
            try:
                os.write(handle, self._token.encode("utf-8", "surrogateescape"))
            finally:
                os.close(handle)
            break
        for other in partial.glob(".owner*"):
            if other != own and not (part and other.name != ".owner"):
                _refuse_living(partial, other)
        if self.owner is None or not self._mine():
            raise Busy(f"{partial}: another merge is writing there; wait for it, or name another folder.")
        begin(threading.Thread(target=self._touch, args=(own,), daemon=True))

    def _touch(self, own: Path) -> None:
        while not self._end.wait(TOUCHED):
            with contextlib.suppress(OSError):
                os.utime(own)

    def _mine(self) -> bool:
        try:
            return self.owner is None or self.owner.read_text("utf-8", "surrogateescape") == self._token
        except OSError:
            return False

    def holds(self, partial: Path) -> bool:
        """Whether the folder is the one we hold: it may have been moved away, and another merge have made its own."""
        if not self.handles or partial.is_symlink():
            return False
        now = look(partial / ".lock")
        return now is not None and now.same_file(Seen.of(os.fstat(self.handles[0]))) and self._mine()

    def release(self) -> None:
        """Let go."""
        self._end.set()
        if self.owner is not None and self._mine():
            with contextlib.suppress(OSError):
                self.owner.unlink()
        self.owner = None
        for handle in self.handles:
            os.close(handle)
        self.handles.clear()


def _refuse_living(partial: Path, owner: Path) -> None:
    """Busy unless the owner's file is of a process that has ended: on this machine one can ask, else it tells by its age."""
    try:
        host, started, pid, _ = owner.read_text("utf-8", "surrogateescape").split(" ")
        if host == socket.gethostname() and (started != boot() or not _alive(int(pid))):
            return
    except FileNotFoundError:
        return
    except ValueError:  # its owner has not written it yet
        host = "a machine"
    probe = partial / ".lock"
    os.utime(probe)  # what the file system calls now
    seen, now = look(owner), look(probe)
    if seen is not None and now is not None and (now.changed - seen.changed) / 1e9 < DEAD:
        raise Busy(
            f"{partial}: another merge is writing there, on {host}; wait for it, or name another folder.\n"
            f"  This file system has no locks (flock): if that merge was killed, try again in {DEAD:.0f} seconds."
        )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's; or a number that no process has, which tells nothing
        return True
    return True


def boot() -> str:
    """Changes when the machine restarts: then what was written last may be lost, whatever a journal says."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "-"


__all__ = ["DEAD", "TOUCHED", "Busy", "Claim", "boot"]
