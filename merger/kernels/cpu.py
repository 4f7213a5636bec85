"""The passes of cpu.c: built once by the system's C compiler, called through ctypes, which lets other threads run.

Where there is no compiler `available()` is false, and torch does the same arithmetic to the same bits, slower and with more
memory. MERGER_KERNELS=off asks for that; MERGER_KERNELS=retry tries a compiler again that did not finish within the last day.
"""

import atexit
import contextlib
import ctypes
import functools
import hashlib
import logging
import math
import os
import platform
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from array import array
from bisect import bisect_right
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from merger.limits import COMPILER_SECONDS
from merger.methods.ops import Draws
from merger.regular import cache_root, open_regular

log = logging.getLogger(__name__)

MOST_MODELS = 16
_FLAGS = (
    "-O3", "-march=native", "-std=gnu11", "-shared", "-fPIC",
    "-ffp-contract=off",  # the same bits as torch: no fused multiply-add
    "-fno-math-errno", "-fno-trapping-math",  # change no result, and let loops with conditions run in vectors
)  # fmt: skip
_KINDS = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2}
_ALL, _NONE, _CUT, _RANDOM, _MASK = range(5)
ADDED, ELECTED, MIXED, ALONE = range(4)


class _Source(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p), ("mask", ctypes.c_void_p), ("keep", ctypes.c_double), ("spread", ctypes.c_double),
        ("kind", ctypes.c_int32), ("trim", ctypes.c_int32), ("key0", ctypes.c_uint32), ("key1", ctypes.c_uint32),
        ("low", ctypes.c_float), ("low_room", ctypes.c_float), ("high", ctypes.c_float), ("high_room", ctypes.c_float),
        ("density", ctypes.c_float), ("scale", ctypes.c_float), ("divide", ctypes.c_float), ("weight", ctypes.c_float),
        ("place", ctypes.c_int64), ("window", ctypes.c_void_p), ("begin", ctypes.c_int64), ("end", ctypes.c_int64),
        ("room", ctypes.c_int64), ("file", ctypes.c_int32), ("trouble", ctypes.c_int32), ("odd", ctypes.c_int32),
    )  # fmt: skip


class _How(ctypes.Structure):
    _fields_ = (
        ("mode", ctypes.c_int32), ("normalize", ctypes.c_int32), ("add_base", ctypes.c_int32),
        ("divide", ctypes.c_float), ("scale", ctypes.c_float), ("depth", ctypes.c_float), ("rest", ctypes.c_float),
        ("least", ctypes.c_float), ("odd", ctypes.c_int32),
    )  # fmt: skip


@dataclass(frozen=True)
class Trim:
    """Which elements of one delta stay, with the numbers of the whole tensor already found; see cpu.c."""

    kind: int = _ALL
    key: tuple[int, int] = (0, 0)
    low: float = -1.0
    low_room: float = 1.0
    high: float = math.inf
    high_room: float = 0.0
    density: float = 1.0
    mask: Tensor | None = None
    scale: float = 1.0
    divide: float = 1.0


ALL, NONE = Trim(_ALL), Trim(_NONE)


@dataclass(frozen=True)
class Ladder:
    """Some magnitudes of a delta, rising, and how many of its elements lie above and at each."""

    steps: "array[float]"
    above: "array[int]"
    at: "array[int]"

    @property
    def nbytes(self) -> int:
        """Bytes of its numbers."""
        return sum(a.itemsize * len(a) for a in (self.steps, self.above, self.at))

    def find(self, k: int) -> tuple[int, bool]:
        """The step that is the k-th largest magnitude, and true; or the first step above it (len: none), and false."""
        low, high = 0, len(self.steps)
        while low < high:  # `above` falls: the first step with fewer than k above it
            middle = (low + high) // 2
            low, high = (low, middle) if self.above[middle] < k else (middle + 1, high)
        return low, low < len(self.steps) and k <= self.above[low] + self.at[low]


def cut(key: tuple[int, int], low: tuple[float, float], high: tuple[float, float] = (math.inf, 0.0)) -> Trim:
    """Keep what `ops.above_cut` keeps for `low` and not for `high`, each (magnitude, share of those equal to it)."""
    return Trim(_CUT, key, low[0], low[1], high[0], high[1])


def random(key: tuple[int, int], density: float) -> Trim:
    """Keep what `ops.drop_random` keeps."""
    return Trim(_RANDOM, key, density=density)


def available() -> bool:
    """Whether the compiled passes can be used here."""
    return os.environ.get("MERGER_KERNELS", "") != "off" and _library() is not None


def takes(tensors: Sequence[Tensor]) -> bool:
    """Whether these tensors can be given to the compiled passes: few enough, on the CPU, of a dtype they know."""
    library = _library()
    if library is None or len(tensors) > MOST_MODELS + 1:
        return False
    kinds = _KINDS if library.merger_has_float16() else {torch.float32, torch.bfloat16}
    return all(t.device.type == "cpu" and t.dtype in kinds for t in tensors)


def kth(x: Tensor, base: Tensor | None, k: int, bracket: tuple[float, float] = (1.0, 0.0)) -> tuple[float, int, int]:
    """The k-th largest magnitude of x - base, float32; how many lie above it, and how many at it. Exact. 1 <= k <= numel.

    bracket  magnitudes between which it is known to lie, if they are
    """
    above, at = ctypes.c_int64(), ctypes.c_int64()
    source, under = _sources([x]), _base(base)
    found = _lib().merger_kth(source, under, x.numel(), k, *bracket, ctypes.byref(above), ctypes.byref(at))
    _check(source, under)
    if not at.value:
        raise MemoryError
    return found, above.value, at.value


STEPS = 64


def ladder(x: Tensor, base: Tensor | None) -> Ladder:
    """Common magnitudes of x - base from the smallest, and exactly how many lie above and at each. 65536 <= numel < 2**32."""
    steps, above, at = array("f", bytes(4 * STEPS)), array("I", bytes(4 * STEPS)), array("I", bytes(4 * STEPS))
    source, under = _sources([x]), _base(base)
    count = _lib().merger_ladder(source, under, x.numel(), STEPS, *(a.buffer_info()[0] for a in (steps, above, at)))
    if count < 0:
        raise MemoryError
    _check(source, under)
    return Ladder(steps[:count], above[:count], at[:count])


def lengths(x: Tensor, base: Tensor | None, trim: Trim) -> tuple[float, float]:
    """The sums of magnitudes of x - base before the trim and after it, as `ops.total`."""
    before, after = ctypes.c_double(), ctypes.c_double()
    source, under = _sources([x], [trim]), _base(base)
    if _lib().merger_lengths(source, under, x.numel(), ctypes.byref(before), ctypes.byref(after)):
        raise MemoryError
    _check(source, under)
    return before.value, after.value


def products(tensors: Sequence[Tensor], base: Tensor | None) -> Tensor:
    """The dot products of all pairs of x - base, (n, n) float64, as `ops.dot`."""
    n = len(tensors)
    found = torch.zeros(n, n, dtype=torch.float64)
    sources, under = _sources(tensors), _base(base)
    if _lib().merger_products(sources, n, under, tensors[0].numel(), found.data_ptr()):
        raise MemoryError
    _check(sources, under)
    return found


def ranked(x: Tensor, base: Tensor | None, key: tuple[int, int], density: float, epsilon: float) -> Trim:
    """Keep what `methods.trims.drop_small` keeps. Holds a bit for each element."""
    mask = torch.empty((x.numel() + 7) // 8, dtype=torch.uint8)
    row = x.shape[-1] if x.dim() else 1
    source, under = _sources([x], [Trim(key=key)], room=row), _base(base, row)
    source[0].keep, source[0].spread = density, epsilon
    if _lib().merger_ranked(source, under, x.numel(), row, mask.data_ptr()):
        raise MemoryError
    _check(source, under)
    return Trim(_MASK, key, mask=mask)


@dataclass
class Seen:
    """What passes over a tensor saw: whether some number of the inputs or of what is written is infinite or none."""

    odd: bool = False

    def note(self, how: _How, *passed: "_Sources | None") -> None:
        """Take over what a pass noted."""
        self.odd |= bool(how.odd) or any(source.odd for sources in passed if sources for source in sources)


def odd(x: Tensor) -> bool:
    """Whether an element of a contiguous tensor that `takes` takes is infinite or no number."""
    return bool(_lib().merger_odd(x.data_ptr(), _KINDS[x.dtype], x.numel()))


@dataclass(frozen=True)
class Combine:
    """How trimmed and weighted deltas (or weights) become one tensor; the numbers are those of `added`, `elected`, `mix`."""

    mode: int
    weights: tuple[float, ...]
    trims: tuple[Trim, ...] = ()
    add_base: bool = True
    normalize: bool = False
    divide: float = 1.0
    scale: float = 1.0
    depth: float = 1.0
    least: float = 0.0

    def into(self, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None, first: int = 0, seen: Seen | None = None) -> None:
        """Elements first .. first + out.numel() of the merged tensor, written to `out`, rounded once."""
        order = list(range(len(tensors)))
        if self.mode == MIXED:  # the heaviest goes first
            lead = max(order, key=lambda i: abs(self.weights[i]))
            order = [lead, *(i for i in order if i != lead)]
        sources = _sources(
            [tensors[i] for i in order], [self.trims[i] for i in order] if self.trims else (), [self.weights[i] for i in order]
        )
        under, how = _base(base), self.how(base)
        _lib().merger_combine(
            out.data_ptr(), _KINDS[out.dtype], how, sources, len(tensors), under, first, out.numel(), tensors[0].numel(),
        )  # fmt: skip
        _check(sources, under)
        if seen is not None:
            seen.note(how, sources, under)

    def how(self, base: Tensor | None) -> _How:
        """Its numbers as the passes take them."""
        rest = math.fsum(self.weights) - 1 if self.mode == MIXED else 0.0
        add_base = self.add_base and base is not None
        return _How(self.mode, self.normalize, add_base, self.divide, self.scale, self.depth, rest, self.least)


def combine(what: Combine, out: Tensor, tensors: Sequence[Tensor], base: Tensor | None) -> None:
    """A whole merged tensor, into `out`."""
    what.into(out.view(-1), tensors, base)


_Sources = ctypes.Array[_Source]


def _sources(tensors: Sequence[Tensor], trims: Sequence[Trim] = (), weights: Sequence[float] = (), room: int = 0) -> _Sources:
    """The tensors as the passes take them; room: elements that must be ready at once."""
    found = (_Source * len(tensors))()
    for i, x in enumerate(tensors):
        t = trims[i] if trims else ALL
        found[i] = _Source(
            x.data_ptr(), t.mask.data_ptr() if t.mask is not None else None, 0.0, 0.0, _KINDS[x.dtype], t.kind, *t.key,
            t.low, t.low_room, t.high, t.high_room, t.density, t.scale, t.divide, weights[i] if weights else 1.0,
        )  # fmt: skip
        _place(found[i], x, i + 1, room)
    return found


def _base(base: Tensor | None, room: int = 0) -> _Sources | None:
    if base is None:
        return None
    found = _sources([base])
    _place(found[0], base, 0, room)
    return found


def _check(*passed: _Sources | None) -> None:
    """OSError where a file could not be read, or has become shorter."""
    for source in (source for sources in passed if sources for source in sources):
        if source.trouble:
            raise unread(source.file, source.trouble)


def unread(handle: int, number: int) -> OSError:
    """The error of reading one of the files of `reading`."""
    with _changing:
        name = next((name for _, _, own, name in _mapped if own == handle), None)
    return OSError(number, os.strerror(number), name)


# ---------------------------------------------------------------------------------------------- files instead of mapped memory

_WINDOW = 1 << 19
_mapped: list[tuple[int, int, int, str]] = []
"""Where files are mapped, in order: address, bytes, a handle to read the file with, its name."""
_changing = threading.Lock()
_own = threading.local()


@contextlib.contextmanager
def reading(files: Mapping[int, tuple[int, int, str]]) -> Generator[None]:
    """While this lasts, tensors that lie in these mapped files are read from the files, window by window.

    files  address -> (bytes, handle, name). Mapped pages are dear to take back where memory is short; a file's are not.
    """
    entries = [(address, *rest) for address, rest in files.items()]
    with _changing:
        _mapped[:] = sorted([*_mapped, *entries])
    try:
        yield
    finally:
        with _changing:
            for entry in entries:
                _mapped.remove(entry)


def place(x: Tensor) -> tuple[int, int] | None:
    """The file that a tensor is to be read from, and where in it; None: from memory."""
    if not _mapped or not x.is_contiguous():
        return None
    with _changing:
        i = bisect_right(_mapped, (x.data_ptr(), math.inf)) - 1
        if i < 0:
            return None
        address, nbytes, handle, _ = _mapped[i]
    offset = x.data_ptr() - address
    return (handle, offset) if offset + x.nbytes <= nbytes else None


def _place(source: _Source, x: Tensor, i: int, room: int) -> None:
    found = place(x)
    if found is None:
        source.file = -1
        return
    source.file, source.place = found
    source.room = max(_WINDOW, room)
    source.window = window(i, source.room * x.element_size()).data_ptr()


def window(i: int, nbytes: int) -> Tensor:
    """The i-th of this thread's buffers, at least so large. It is kept, as fresh memory costs more than reading into it."""
    held: dict[int, Tensor] = _own.__dict__.setdefault("windows", {})
    if i not in held or held[i].numel() < nbytes:
        held.pop(i, None)
        held[i] = torch.empty(nbytes, dtype=torch.uint8)
    return held[i]


def settle(handle: int, offset: int, nbytes: int, wait: bool) -> None:
    """Start writing a stretch of a file to the disk; `wait`: until it is there, and let go of its memory."""
    library = _library()
    if library is not None:
        library.merger_settle(handle, offset, nbytes, wait)
    elif wait and hasattr(os, "fdatasync"):
        os.fdatasync(handle)


def _lib() -> ctypes.CDLL:
    library = _library()
    assert library is not None
    return library


@functools.cache
def _library() -> ctypes.CDLL | None:
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
    return next((found for name in names if (found := shutil.which(name))), None)


def _built(root: Path | None = None) -> Path:
    """The library's file, compiled if this machine and this source have none yet. OSError where that cannot be.

    Its name ends with the digest of what is in it: one that is damaged, or that others could write to, is built anew.
    """
    source, compiler = Path(__file__).with_name("cpu.c"), _compiler()
    if compiler is None:
        raise OSError("no C compiler")
    identity = (source.read_text(encoding="utf-8"), compiler, *_FLAGS, platform.machine(), _processor())
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
        _compile([compiler, *_FLAGS, "-o", made, str(source), "-lm"], _note(stem))
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
            state, found = os.fstat(handle.fileno()), hashlib.sha256(handle.read()).hexdigest()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or _only_mine(state)
    return mine and not file.is_symlink() and file.stem.rpartition("-")[2] == found[:16]


def _only_mine(state: os.stat_result) -> bool:
    return state.st_uid == os.getuid() and not state.st_mode & 0o022


_AGAIN = 24 * 3600
"""Seconds after which a compiler that did not finish is tried again."""


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
        raise subprocess.SubprocessError(f"The C compiler {command[0]} ended with {code}")
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
    sources = ctypes.POINTER(_Source)
    library.merger_source_size.restype = i64
    if library.merger_source_size() != sum(map(ctypes.sizeof, (_Source, _How))):
        raise OSError("another layout")
    library.merger_uniform.argtypes = (pointer, ctypes.c_uint32, ctypes.c_uint32, i64, i64)
    library.merger_uniform.restype = None
    library.merger_kth.argtypes = (sources, sources, i64, i64, f32, f32, pointer, pointer)
    library.merger_kth.restype = f32
    library.merger_ladder.argtypes = (sources, sources, i64, i32, pointer, pointer, pointer)
    library.merger_lengths.argtypes = (sources, sources, i64, pointer, pointer)
    library.merger_products.argtypes = (sources, i32, sources, i64, pointer)
    library.merger_ranked.argtypes = (sources, sources, i64, i64, pointer)
    library.merger_combine.argtypes = (pointer, i32, ctypes.POINTER(_How), sources, i32, sources, i64, i64, i64)
    library.merger_combine.restype = None
    library.merger_odd.argtypes = (pointer, i32, i64)
    library.merger_settle.argtypes = (i32, i64, i64, i32)
    library.merger_settle.restype = None
    library.merger_watch.argtypes = (pointer, i64, i32)
    library.merger_lost.restype = ctypes.POINTER(ctypes.c_int)
    library.merger_unwatch.restype = None
    return library


def uniform(draws: Draws, n: int, model: int | None = None) -> Tensor:
    """`draws.uniform` of n elements."""
    out = torch.empty(n, dtype=torch.float32)
    _lib().merger_uniform(out.data_ptr(), *draws.key(model), 0, n)
    return out


# ---------------------------------------------------------------------------------------------- mapped files that are cut short


@functools.cache
def _watching() -> ctypes.CDLL:
    """The library that watches: one for the process, as each copy has a table of its own."""
    return _lib()


def watch(start: int, nbytes: int, most: int) -> tuple[int, ctypes.c_int]:
    """Watch a mapping for pages that its file has no more: its number, and what is not 0 once it holds zeros. See cpu.c.

    The number is -1 where `most` are watched already.
    """
    number = _watching().merger_watch(start, nbytes, most)
    return number, ctypes.c_int() if number < 0 else _watching().merger_lost(number).contents


def unwatch(number: int) -> None:
    """Forget a mapping that is about to end."""
    _watching().merger_unwatch(number)
