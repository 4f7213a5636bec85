"""A weight file mapped into memory, and what becomes of it when somebody cuts or overwrites the file meanwhile.

Touching what a mapped file no longer has ends a process by SIGBUS, without a word. A handler puts zeros there instead and notes
that the file is lost; who computed with it asks `MappedFile.check` afterwards. The handler is the one of cpu.c or, without
a compiler, one in Python: the signal comes from the very instruction that reads, in our own passes or in torch's, which hold
no lock then.
"""

import ctypes
import mmap
import os
import platform
import signal
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

from merger.errors import CheckpointError, InputChanged
from merger.kernels import build
from merger.limits import MAPPED_FILES
from merger.regular import Seen, open_regular

_changing = threading.Lock()


class MappedFile(mmap.mmap):
    """A file in memory, private: writing to it would not reach the file. It knows what the file was like when it was opened."""

    file: Path
    seen: Seen
    _name: str
    _by: "type[_Compiled | _Plain] | None" = None
    _number: int = -1
    _lost: ctypes.c_int

    @classmethod
    def of(cls, file: Path, seen: Seen | None) -> "MappedFile":
        """Map a file. InputChanged where it is not as it was `seen`; OSError where it cannot be read."""
        with open_regular(file) as handle:
            now = Seen.of(os.fstat(handle.fileno()))
            if seen is not None and now != seen:
                raise cut_short(file) if now.same_file(seen) and now.size < seen.size else written_to(file)
            if not now.size:
                raise cut_short(file)
            # A private writable mapping: torch takes no read-only buffer, and the file stays untouched.
            mapping = cls(handle.fileno(), 0, access=mmap.ACCESS_COPY)
        mapping.file, mapping.seen, mapping._name = file, now, os.fspath(file)
        mapping._watch()
        return mapping

    def _watch(self) -> None:
        self._lost = ctypes.c_int()
        self._by = _Compiled if build.available() else _Plain if _Plain.usable() else None
        if self._by is not None:
            with _changing:
                self._number, self._lost = self._by.watch(address(self), len(self))
            if self._number < 0:
                raise CheckpointError(f"{self.file}: more than {MAPPED_FILES:,} weight files cannot be open at a time.")

    def check(self) -> None:
        """InputChanged where the file was cut or written to since it was opened; deleted or replaced, it stays mapped.

        Called for each tensor: microseconds count.
        """
        seen = self.seen
        try:
            now = os.stat(self._name)  # noqa: PTH116 - pathlib takes as long again
        except OSError:
            now = None
        if now is None or now.st_ino != seen.inode or now.st_dev != seen.device:
            if self.size() < seen.size:
                raise cut_short(self.file)
        elif now.st_size != seen.size or now.st_mtime_ns != seen.changed:
            raise cut_short(self.file) if now.st_size < seen.size else written_to(self.file)
        if self._lost.value:
            raise InputChanged(f"{self.file}: cannot be read any more: the disk gave an error; bring it back as it was.")

    def __del__(self) -> None:
        if self._by is not None and self._number >= 0:
            self._by.unwatch(self._number)


def address(buffer: mmap.mmap) -> int:
    """Where a mapping begins."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def cut_short(file: Path) -> InputChanged:
    """What is said of a file that lost its end."""
    return InputChanged(f"{file}: was cut short while it was being read; bring it back as it was.")


def written_to(file: Path) -> InputChanged:
    """What is said of a file that is another than the one whose header was read."""
    return InputChanged(f"{file}: was changed while it was being read; begin again when nothing writes to it.", fresh=True)


class _Compiled:
    """The handler of cpu.c."""

    @staticmethod
    def watch(start: int, nbytes: int) -> tuple[int, ctypes.c_int]:
        return build.watch(start, nbytes, MAPPED_FILES)

    @staticmethod
    def unwatch(number: int) -> None:
        build.unwatch(number)


# ---------------------------------------------------------------------------------------------- without a compiler


class _Action(ctypes.Structure):
    """struct sigaction of glibc and musl on the processors of `_Plain.usable`."""

    _fields_ = (
        ("handler", ctypes.c_void_p), ("mask", ctypes.c_byte * 128), ("flags", ctypes.c_int), ("restorer", ctypes.c_void_p),
    )  # fmt: skip


_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_SIMPLE = ctypes.CFUNCTYPE(None, ctypes.c_int)
_SIGINFO, _CODE_AT, _ADDRESS_AT = 4, 8, 16
_FIXED = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x10 if hasattr(mmap, "MAP_ANONYMOUS") else 0


class _Plain:
    """The same in Python, for machines without a compiler."""

    _held: ClassVar[list[tuple[int, int, ctypes.c_int] | None]] = []
    _before: ClassVar["_Action | None"] = None
    _handler: ClassVar[Any] = None
    _libc: ClassVar[Any] = None

    @staticmethod
    def usable() -> bool:
        """Whether the layouts above are this system's."""
        known = platform.machine() in ("x86_64", "aarch64", "riscv64", "ppc64le")
        return sys.platform == "linux" and known and ctypes.sizeof(ctypes.c_void_p) == 8

    @classmethod
    def watch(cls, start: int, nbytes: int) -> tuple[int, ctypes.c_int]:
        if cls._before is None:
            cls._install()
        end, lost = start + -(-nbytes // mmap.PAGESIZE) * mmap.PAGESIZE, ctypes.c_int()
        free = next((i for i, held in enumerate(cls._held) if held is None), len(cls._held))
        if free >= MAPPED_FILES:
            return -1, lost
        cls._held[free : free + 1] = [(start, end, lost)]
        return free, lost

    @classmethod
    def unwatch(cls, number: int) -> None:
        cls._held[number] = None

    @classmethod
    def _install(cls) -> None:
        cls._libc = ctypes.CDLL(None)
        cls._libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
        cls._libc.mmap.restype = ctypes.c_void_p
        cls._handler = _HANDLER(cls._on_bus)  # kept: the system has only its address
        own, before = _Action(ctypes.cast(cls._handler, ctypes.c_void_p), flags=_SIGINFO), _Action()
        cls._libc.sigaction(int(signal.SIGBUS), ctypes.byref(own), ctypes.byref(before))
        cls._before = before

    @classmethod
    def _on_bus(cls, number: int, info: int, context: int) -> None:
        """The handler. It must not leave by an exception: then the same instruction would fault again, for ever."""
        for _ in range(2):
            try:
                if cls._zeroed(info):
                    return
                break
            except KeyboardInterrupt:  # Ctrl-C arrived just now: first things first
                continue
        before = cls._before
        assert before is not None
        if before.flags & _SIGINFO:
            _HANDLER(before.handler)(number, info, context)
        elif (before.handler or 0) > 1:
            _SIMPLE(before.handler)(number)
        else:  # as if we had never been here
            cls._libc.sigaction(number, ctypes.byref(before), None)
            cls._libc["raise"](number)

    @classmethod
    def _zeroed(cls, info: int) -> bool:
        """Whether the signal was for a watched mapping, which has zeros from there on now."""
        at = ctypes.c_void_p.from_address(info + _ADDRESS_AT).value or 0
        code = ctypes.c_int.from_address(info + _CODE_AT).value  # above 0: of the system, not sent by a process
        region = next((held for held in cls._held if held and held[0] <= at < held[1]), None) if code > 0 else None
        if region is None:
            return False
        _, end, lost = region
        first = at & ~(mmap.PAGESIZE - 1)
        lost.value = 1  # before anybody can read a zero
        return cls._libc.mmap(first, end - first, mmap.PROT_READ | mmap.PROT_WRITE, _FIXED, -1, 0) == first
