"""The library of cpu.c: built once by the system's C compiler, kept, and bound to the types its functions take.

Where there is no compiler `available()` is false, and torch does the same arithmetic to the same bits, slower and with more
memory. MERGER_KERNELS=off asks for that; MERGER_KERNELS=retry tries a compiler again that did not finish within the last day.
"""

import atexit
import contextlib
import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from merger.limits import COMPILER_SECONDS
from merger.regular import cache_root, open_regular

log = logging.getLogger(__name__)

_FLAGS = (
    "-O3", "-std=gnu11", "-shared", "-fPIC",
    "-ffp-contract=off",  # the same bits as torch: no fused multiply-add
    "-fno-math-errno", "-fno-trapping-math",  # change no result, and let loops with conditions run in vectors
)  # fmt: skip

_NATIVE = (("-march=native",), ("-mcpu=native",), ())
"""How this very processor is named to a compiler: to most; to older clang on ARM, and Apple's; to one that takes neither."""


class _Refused(subprocess.SubprocessError):
    """The compiler ended with an error."""


class Source(ctypes.Structure):
    """A tensor, and what its trim keeps; see cpu.c."""

    _fields_ = (
        ("data", ctypes.c_void_p), ("mask", ctypes.c_void_p), ("keep", ctypes.c_double), ("spread", ctypes.c_double),
        ("kind", ctypes.c_int32), ("trim", ctypes.c_int32), ("key0", ctypes.c_uint32), ("key1", ctypes.c_uint32),
        ("low", ctypes.c_float), ("low_room", ctypes.c_float), ("high", ctypes.c_float), ("high_room", ctypes.c_float),
        ("density", ctypes.c_float), ("scale", ctypes.c_float), ("divide", ctypes.c_float), ("weight", ctypes.c_float),
        ("place", ctypes.c_int64), ("window", ctypes.c_void_p), ("begin", ctypes.c_int64), ("end", ctypes.c_int64),
        ("room", ctypes.c_int64), ("file", ctypes.c_int32), ("trouble", ctypes.c_int32), ("odd", ctypes.c_int32),
    )  # fmt: skip


class How(ctypes.Structure):
    """How tensors are combined; see cpu.c."""

    _fields_ = (
        ("mode", ctypes.c_int32), ("normalize", ctypes.c_int32), ("add_base", ctypes.c_int32),
        ("divide", ctypes.c_float), ("scale", ctypes.c_float), ("depth", ctypes.c_float), ("rest", ctypes.c_float),
        ("least", ctypes.c_float), ("odd", ctypes.c_int32),
    )  # fmt: skip


def available() -> bool:
    """Whether the compiled passes can be used here."""
    return os.environ.get("MERGER_KERNELS", "") != "off" and library() is not None


def loaded() -> ctypes.CDLL:
    """The library, where it is known that there is one."""
    loaded = library()
    assert loaded is not None
    return loaded


@functools.cache
def library() -> ctypes.CDLL | None:
    """The built library; None without a compiler, or where what it built cannot be used: that is told, once."""
    if _compiler() is None:
        return None
    try:
        try:
            return _bound(ctypes.CDLL(str(_built())))
        except OSError as error:
            file = _built(_own_folder())  # the cache may be full, broken, or on a disk from which nothing may be run
            log.warning("%s: compiled passes cannot be kept there (%s); they are built at each start.", _cache_folder(), error)
            return _bound(ctypes.CDLL(str(file)))
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("%s; torch computes instead, to the same bits, slower.", error)
        return None


def _compiler() -> str | None:
    names = (os.environ.get("CC") or "cc", "cc", "gcc", "clang")
    return next((path for name in names if (path := shutil.which(name))), None)


def _built(root: Path | None = None) -> Path:
    """The library's file, compiled if this machine and this source have none yet. OSError where that cannot be.

    Its name ends with the digest of what is in it: one that is damaged, or that others could write to, is built anew.
    """
    source, compiler = Path(__file__).with_name("cpu.c"), _compiler()
    if compiler is None:
        raise OSError("no C compiler")
    identity = (source.read_text(encoding="utf-8"), compiler, *_FLAGS, *_NATIVE[0], platform.machine(), _processor())
    stem = f"kernels-{hashlib.sha256('|'.join(identity).encode()).hexdigest()[:16]}"
    root = root or _cache_folder() or _own_folder()
    for file in sorted(root.glob(f"{stem}-*.so")):
        if _sound(file):
            return file
        log.warning("%s: is damaged, or others can write to it; it is built again.", file)
        with contextlib.suppress(OSError):
            file.unlink()
    handle, made = tempfile.mkstemp(suffix=".so", dir=root)
    os.close(handle)
    try:
        _compile_natively(compiler, [*_FLAGS, "-o", made, str(source), "-lm"], _note(stem))
        file = root / f"{stem}-{hashlib.sha256(Path(made).read_bytes()).hexdigest()[:16]}.so"
        Path(made).replace(file)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
    return file


def _sound(file: Path) -> bool:
    """Whether a built file is what was built, and nobody else can write to it."""
    try:
        with open_regular(file) as handle:
            state, digest = os.fstat(handle.fileno()), hashlib.sha256(handle.read()).hexdigest()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or _only_mine(state)
    return mine and not file.is_symlink() and file.stem.rpartition("-")[2] == digest[:16]


def _only_mine(state: os.stat_result) -> bool:
    return state.st_uid == os.getuid() and not state.st_mode & 0o022


_AGAIN = 24 * 3600
"""Seconds after which a compiler that did not finish is tried again."""


def _compile_natively(compiler: str, arguments: Sequence[str], note: Path) -> None:
    """Run the compiler for this very processor, in the first way that it takes; which one is told where it is another."""
    for native in _NATIVE:
        try:
            _compile([compiler, *native, *arguments], note)
        except _Refused:
            if native == _NATIVE[-1]:
                raise
            continue
        if native != _NATIVE[0]:
            how = f"with {native[0]}" if native else "for any processor of this kind, which is slower"
            log.warning("%s does not take %s; the compiled passes are built %s.", compiler, _NATIVE[0][0], how)
        return


def _compile(command: Sequence[str], note: Path) -> None:
    """Run the compiler, for a bounded time. SubprocessError where it fails, or did not finish within the last day."""
    if os.environ.get("MERGER_KERNELS") != "retry" and _is_fresh(note):
        raise _hung(command[0], "when it was last tried")
    none = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=none, stdout=none, stderr=none, start_new_session=True)
    try:
        code = process.wait(COMPILER_SECONDS)
    except BaseException as error:
        with contextlib.suppress(OSError):  # with all that it has started
            os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        with contextlib.suppress(OSError):
            note.unlink(missing_ok=True)
            os.close(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        raise _hung(command[0], f"within {COMPILER_SECONDS} seconds") from None
    if code:
        raise _Refused(f"The C compiler {command[0]} ended with {code}")
    with contextlib.suppress(OSError):
        note.unlink(missing_ok=True)


def _hung(compiler: str, when: str) -> subprocess.SubprocessError:
    again = "it is tried again after a day, or with MERGER_KERNELS=retry"
    return subprocess.SubprocessError(f"The C compiler {compiler} did not finish {when} ({again})")


def _note(stem: str) -> Path:
    """Where it is noted that the compiler did not finish: in the cache or, where there is none, among temporary files."""
    folder = _cache_folder()
    return folder / f"{stem}.hung" if folder else Path(tempfile.gettempdir()) / f"merger-{stem}-{_user()}.hung"


def _is_fresh(note: Path) -> bool:
    """Whether this user left the note within a day."""
    try:
        state = note.lstat()
    except OSError:
        return False
    return stat.S_ISREG(state.st_mode) and state.st_uid == _user() and abs(time.time() - state.st_mtime) < _AGAIN


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _cache_folder() -> Path | None:
    """Where built libraries are kept. None where there is no such place, or others could write to it: what lies there is run."""
    try:
        root = cache_root()
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        return root if os.access(root, os.W_OK) and _only_mine(root.stat()) else None
    except (OSError, AttributeError):  # no home, read-only home; Windows
        return None


@functools.cache
def _own_folder() -> Path:
    """A folder for this process alone, which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="merger-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _processor() -> str:
    """What -march=native looks at: a home folder may be shared by machines that differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return "".join(next((line for line in lines if line.startswith(key)), "") for key in ("model name", "flags", "Features"))
    except OSError:
        return platform.processor()


def _bound(library: ctypes.CDLL) -> ctypes.CDLL:
    """The library with its functions' types. OSError when it does not agree about the layout of a source."""
    pointer, i32, i64, f32 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_float
    sources = ctypes.POINTER(Source)
    library.merger_source_size.restype = i64
    if library.merger_source_size() != sum(map(ctypes.sizeof, (Source, How))):
        raise OSError("another layout")
    library.merger_uniform.argtypes = (pointer, ctypes.c_uint32, ctypes.c_uint32, i64, i64)
    library.merger_uniform.restype = None
    library.merger_kth.argtypes = (sources, sources, i64, i64, f32, f32, pointer, pointer)
    library.merger_kth.restype = f32
    library.merger_ladder.argtypes = (sources, sources, i64, i32, pointer, pointer, pointer)
    library.merger_lengths.argtypes = (sources, sources, i64, pointer, pointer)
    library.merger_products.argtypes = (sources, i32, sources, i64, pointer)
    library.merger_ranked.argtypes = (sources, sources, i64, i64, pointer)
    library.merger_combine.argtypes = (pointer, i32, ctypes.POINTER(How), sources, i32, sources, i64, i64, i64)
    library.merger_combine.restype = None
    library.merger_q8_0.argtypes = (pointer, pointer, i32, i64)
    library.merger_odd.argtypes = (pointer, i32, i64)
    library.merger_settle.argtypes = (i32, i64, i64, i32)
    library.merger_settle.restype = None
    library.merger_watch.argtypes = (pointer, i64, i32)
    library.merger_lost.restype = ctypes.POINTER(ctypes.c_int)
    library.merger_unwatch.restype = None
    return library


def settle(handle: int, offset: int, nbytes: int, wait: bool) -> None:
    """Start writing a stretch of a file to the disk; `wait`: until it is there, and let go of its memory."""
    loaded = library()
    if loaded is not None:
        loaded.merger_settle(handle, offset, nbytes, wait)
    elif wait and hasattr(os, "fdatasync"):
        os.fdatasync(handle)


@functools.cache
def _watching() -> ctypes.CDLL:
    """The library that watches: one for the process, as each copy has a table of its own."""
    return loaded()


def watch(start: int, nbytes: int, most: int) -> tuple[int, ctypes.c_int]:
    """Watch a mapping for pages that its file has no more: its number, and what is not 0 once it holds zeros. See cpu.c.

    The number is -1 where `most` are watched already.
    """
    number = _watching().merger_watch(start, nbytes, most)
    return number, ctypes.c_int() if number < 0 else _watching().merger_lost(number).contents


def unwatch(number: int) -> None:
    """Forget a mapping that is about to end."""
    _watching().merger_unwatch(number)
