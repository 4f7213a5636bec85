"""Output: the folder a merge writes to. It appears whole or not at all, and a merge that was killed goes on where it was.

The work is done in `<out>.partial`, which is renamed at the end. A journal there names each tensor that is written; the next
merge of the same recipe, from the same files, makes only the others. Parts of a merge, run by several machines, share the folder.
What is the same is decided by content: of the inputs (files/content.py), and of what another machine has written.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from torch import Tensor

from merger.engine.claims import Claim
from merger.engine.journal import (
    WHOLE,
    Part,
    Word,
    allowed_before,
    gone,
    journal_of,
    lines_of,
    other_model,
    read_journal,
    write_first,
    written,
)
from merger.engine.places import WRITTEN, check_free, check_new, partial_of, refuse_foreign
from merger.engine.plan import TensorJob
from merger.errors import NO_MEMORY, CheckpointError, InputChanged, MergeError, NonFiniteError
from merger.files.checkpoints import ShardWriter, Slot, file_names, read_header, write_index
from merger.regular import JOURNAL


class Writer(Protocol):
    """What puts tensors where they belong. lost: those that were to be kept, and are not there."""

    lost: set[str]

    def write(self, name: str, tensor: Tensor, first: int = 0) -> None:
        """A tensor's elements from `first` on."""

    def sum(self, name: str) -> str:
        """A sum of what was written of a tensor; "" where nobody could look later whether it is still there."""
        ...

    def kept(self, name: str, word: str) -> bool:
        """Whether what lies there of a tensor has this sum."""
        ...

    def sync(self) -> None:
        """Wait until the disk has what was written."""

    def close(self) -> None:
        """What is missing stays missing."""


@dataclass(frozen=True)
class OneFile:
    """An output that is a file and no folder: its name in the working folder, and what writes it.

    writer  gets its path, and whether what is in it is kept
    """

    name: str
    writer: Callable[[Path, bool], Writer]


@dataclass
class Output:
    """A merge's folder while it is being written."""

    folder: Path
    files: Sequence[Sequence[Slot]]
    metadata: Mapping[str, str]
    part: Part
    writer: Writer
    done: set[str]
    """Tensors that are written: the journal."""
    allowed: dict[str, str]
    """Those of them whose numbers are not all finite, with a line about each."""
    _journal: int
    _claim: Claim
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        """MergeError where the folder was moved away or deleted: what has its name now is not ours to write to."""
        _check_own(self.folder, self._claim)

    def finished(self, name: str, allowed: str = "") -> None:
        """Note that a tensor is written, so that it is not made again; allowed: a line about what in it is not finite."""
        total = self.writer.sum(name)
        with self._lock:
            try:
                os.write(self._journal, written(name, total, allowed))
            except OSError as error:
                raise MergeError(f"{self.folder / JOURNAL}: cannot be written: {error.strerror}.") from error
            self.done.add(name)
            if allowed:
                self.allowed[name] = allowed

    @property
    def place(self) -> Path:
        """Where it will be."""
        return self.folder.with_suffix("")

    def lanes(self, jobs: Sequence[TensorJob]) -> list[list[TensorJob]]:
        """The jobs in any order, the largest first."""
        return [[job] for job in sorted(jobs, key=lambda job: -job.slot.nbytes)]

    @property
    def names(self) -> list[str]:
        """The tensors this part makes."""
        return [slot.name for i in self.part.files(len(self.files)) for slot in self.files[i]]


@contextlib.contextmanager
def writing(
    out: Path, files: Sequence[Sequence[Slot]], metadata: Mapping[str, str], word: Word, part: Part = WHOLE,
    dirty: int | None = None, allow_nonfinite: bool = False, one: OneFile | None = None,
) -> Generator[Output]:  # fmt: skip
    """Open `<out>.partial`, go on with what is in it if that is of the same merge, and at the end make it `out`.

    dirty  as in ShardWriter
    one    where the output is a file: this one of the folder becomes it
    allow_nonfinite  whether what is there of tensors that are not finite is done

    A part leaves the folder, with a mark that it is done. Errors leave it too where some tensors are written and the disk
    or an input failed; MergeError then says how to go on.
    """
    partial = partial_of(out)
    taken = part.files(len(files))
    if not taken:
        raise MergeError(
            f"--part {part.number}/{part.count}: the output has only {len(files)} files, and a part makes whole files.\n"
            f"  Use at most {len(files)} parts, or a smaller --out-shard-size for all of them."
        )
    claim = Claim()
    done: set[str] = set()
    try:
        own = {one.name} if one else {file_names(len(files))[i] for i in taken}
        journal, sums = _open(out, partial, word, part, own, claim, done)
        allowed = {name: line for name, line in allowed_before(partial, part).items() if name in done}
        if not allow_nonfinite:
            done -= allowed.keys()
            allowed = {}
        try:
            if one is not None:
                writer = one.writer(partial / one.name, bool(done))
            else:
                writer = ShardWriter(partial, files, metadata, taken, keep=bool(done), dirty=dirty)
            try:
                _believe(done, sums, writer, journal)
                yield Output(partial, files, metadata, part, writer, done, allowed, journal, claim)
                if part != WHOLE:  # another machine says that all is there
                    writer.sync()
            finally:
                writer.close()
        finally:
            os.close(journal)
        _check_own(partial, claim)
        if one is not None:
            _appear_as_file(out, partial, one.name)
        elif part == WHOLE:
            write_index(partial, files, metadata)
            _appear(out, partial)
        else:
            (partial / f".done-{part.name}").write_text(word.word + "\n", encoding="utf-8")
    except (OSError, MemoryError, MergeError) as error:
        raised = error if isinstance(error, MergeError) else _told(error, partial)
        if done and claim.holds(partial) and _keeps(raised):
            raise _stuck(raised, partial, done) from None
        _discard(partial, part, claim)
        raise raised from raised.__cause__
    except Exception:
        _discard(partial, part, claim)
        raise
    finally:
        claim.release()


@dataclass(frozen=True)
class Leader:
    """The command that has parts of a merge made by others: it is part 0 of them, and makes nothing.

    line  its journal's first, which nobody else has
    """

    count: int
    line: str

    def parts(self) -> list[Part]:
        """The parts that are to be made; those that are done find that out at once."""
        return [Part(number, self.count) for number in range(1, self.count + 1)]

    @staticmethod
    def led(out: Path, count: int, line: str) -> bool:
        """Whether the command's journal is seen in the working folder."""
        return lines_of(partial_of(out) / journal_of(Part(0, count)))[:1] == [line]


@contextlib.contextmanager
def leading(out: Path, word: Word, count: int) -> Generator[Leader]:
    """The working folder, held for one command at a time that shares its parts out. MergeError where other parts are there."""
    partial, part = partial_of(out), Part(0, count)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        partial.mkdir()
    except FileExistsError:
        refuse_foreign(partial)
    claim = Claim()
    claim.take(partial, part.name)
    journal = partial / journal_of(part)
    try:
        _refuse_others(partial, part, word)
        line = f"{word.here} {os.urandom(8).hex()}"
        journal.write_text("\n".join([line, *word.notes(), ""]), encoding="utf-8", errors="surrogateescape")
        yield Leader(count, line)
    except OSError as error:
        raise _told(error, partial) from None
    finally:
        claim.release()


def split_of(out: Path) -> int | None:
    """Into how many parts a merge is shared out whose working folder is there; None where it is not, or there are several."""
    names = [path.name for path in partial_of(out).glob(f"{JOURNAL}-*-of-*")]
    counts = {int(count) for name in names if (count := name.rpartition("-")[2]).isdecimal()}
    return counts.pop() if len(counts) == 1 else None


def join(
    out: Path, files: Sequence[Sequence[Slot]], metadata: Mapping[str, str], word: Word
) -> "contextlib.AbstractContextManager[Path]":
    """The folder that the parts of a merge have filled, as a context that adds what is beside the weights; then it is `out`."""
    partial = partial_of(out)
    if not partial.is_dir():
        raise MergeError(f"{partial}: is not there; run the parts first: merger merge RECIPE {out} --part 1/N.")
    refuse_foreign(partial)
    marks = sorted(partial.glob(".done-*-of-*"))
    counts = {int(path.name.rpartition("-")[2]) for path in (*marks, *partial.glob(f"{JOURNAL}-*-of-*"))}
    if len(counts) != 1:
        problem = f"parts of different splits ({_shown(sorted(counts))})" if counts else "no parts"
        raise MergeError(f"{partial}: holds {problem}; run all parts of one split: merger merge RECIPE {out} --part 1/N.")
    count = counts.pop()
    finished = {mark.name for mark in marks}
    missing = [n for n in range(1, count + 1) if f".done-{Part(n, count).name}" not in finished]
    if missing:
        raise MergeError(f"{partial}: not done yet: part {_shown(missing)} of {count}. Run what is missing, then join.")
    other = next((mark for mark in marks if mark.read_text(encoding="utf-8", errors="replace").strip() != word.word), None)
    if other is not None:
        model = other_model(partial / f"{JOURNAL}{other.name.removeprefix('.done')}", word)
        made = f"other files of {model}" if model else "another recipe, other options or other input files"
        raise MergeError(
            f"{other}: was made from {made} than this command names.\n  Run that part again with the same recipe and options."
        )
    for number, (name, slots) in enumerate(zip(file_names(len(files)), files, strict=True)):
        if not _whole(partial / name, slots):
            raise MergeError(
                f"{partial / name}: is not what part {number % count + 1} of {count} has made.\n  Run that part again, then join."
            )
    return _joined(out, partial, files, metadata)


@contextlib.contextmanager
def _joined(out: Path, partial: Path, files: Sequence[Sequence[Slot]], metadata: Mapping[str, str]) -> Generator[Path]:
    claim = Claim()
    claim.take(partial, "")
    try:
        yield partial
        _check_own(partial, claim)
        write_index(partial, files, metadata)
        _appear(out, partial)
    except OSError as error:
        raise _told(error, partial) from None
    finally:
        claim.release()


def _open(
    out: Path, partial: Path, word: Word, part: Part, own: set[str], claim: Claim, done: set[str]
) -> tuple[int, dict[str, str] | None]:
    """Make and hold the folder, empty it of what is not this merge's, read the journal into `done`; gives it for writing.

    own  the names of the files that are written

    With it come the sums of what is done, where that must be looked at first; else None.
    """
    name = journal_of(part)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        partial.mkdir()
    except FileExistsError:
        refuse_foreign(partial)
    claim.take(partial, "" if part == WHOLE else part.name)
    _refuse_others(partial, part, word)
    read, sums = read_journal(partial / name, word)
    done |= read
    for left_over in partial.iterdir():
        mine = left_over.name in own or left_over.name == name
        others = left_over.name not in (".lock", ".owner") if part == WHOLE else left_over.name == JOURNAL
        if not (mine and done) and (mine or others) and WRITTEN.fullmatch(left_over.name):
            left_over.unlink()
    (partial / f".done-{part.name}").unlink(missing_ok=True)
    journal = os.open(partial / name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
    if not done:
        try:
            write_first(journal, word, part)
            _refuse_others(partial, part, word)  # others may have begun at the same moment
        except BaseException:
            os.close(journal)
            (partial / name).unlink(missing_ok=True)
            raise
    return journal, sums


def _refuse_others(partial: Path, part: Part, word: Word) -> None:
    """MergeError where another part is there that this one could not be joined with: told before the work, not after it."""
    for path in sorted(partial.glob(f"{JOURNAL}-*-of-*")) if part != WHOLE else ():
        number, _, count = path.name.removeprefix(f"{JOURNAL}-").partition("-of-")
        if number == str(part.number) and count == str(part.count):
            continue
        anew = f"or delete {partial} to begin anew."
        if count != str(part.count):
            raise MergeError(
                f"{partial}: holds parts of another split ({count}), and this is part {part.number} of {part.count}.\n"
                f"  Run the parts 1/{count} to {count}/{count}, {anew}"
            )
        first = lines_of(path)[:1]
        if not first or first[0].startswith(word.begins):  # of one that is just beginning it may be empty
            continue
        model = other_model(path, word)
        whose = f"part {number} of {count}" if number != "0" else "the command that shares it out"
        other = f"other files of {model}" if model else "another recipe, options, torch or version"
        raise MergeError(
            f"{partial}: {whose} was given {other}, and "
            f"would not fit what part {part.number} makes.\n"
            f"  Run all parts with the same recipe, options and models, {anew}"
        )


def _whole(file: Path, slots: Sequence[Slot]) -> bool:
    try:
        return set(read_header(file)) == {slot.name for slot in slots}
    except CheckpointError:
        return False


def _believe(done: set[str], sums: Mapping[str, str] | None, writer: Writer, journal: int) -> None:
    """Leave of what is said to be done what is there: a machine that died may have lost what it wrote last, and files may have
    been deleted. The journal hears of it, or whoever goes on after us would believe what we did not."""
    lost = done & writer.lost
    if sums is not None:
        lost |= {name for name in done - lost if not writer.kept(name, sums[name])}
    done -= lost
    notes = gone(lost, moved=sums is not None)
    if notes:
        os.write(journal, notes)


def _appear(out: Path, partial: Path) -> None:
    try:
        check_free(out)
    except MergeError as error:  # it was free before: somebody else has made it meanwhile
        raise error from FileExistsError(str(out))
    marks = {path: path.read_bytes() for own in (f"{JOURNAL}*", ".done-*") for path in partial.glob(own)}
    for path in marks:
        path.unlink()
    try:
        if out.is_dir():
            out.rmdir()
        partial.rename(out)
    except OSError:
        for path, content in marks.items():  # it can be tried again
            path.write_bytes(content)
        raise
    for path in (*out.glob(".lock*"), *out.glob(".owner*")):
        path.unlink()


def _appear_as_file(out: Path, partial: Path, name: str) -> None:
    try:
        check_new(out)
    except MergeError as error:  # it was free before: somebody else has made it meanwhile
        raise error from FileExistsError(str(out))
    (partial / name).rename(out)
    with contextlib.suppress(OSError):
        for path in partial.iterdir():
            if WRITTEN.fullmatch(path.name):
                path.unlink()
        partial.rmdir()


def _told(error: OSError | MemoryError, partial: Path) -> MergeError:
    """The error of a system call as one for people."""
    if isinstance(error, MemoryError):
        problem = MergeError(NO_MEMORY)
    elif isinstance(error, FileNotFoundError) and not partial.is_dir():
        problem = _gone(partial)
    else:
        problem = MergeError(f"{os.fsdecode(error.filename or partial)}: cannot be written: {error.strerror}.")
    problem.__cause__ = error
    return problem


def _keeps(error: MergeError) -> bool:
    """Whether what is written may be used later: the disk, the memory or an input failed, and nothing in it is wrong."""
    if isinstance(error, InputChanged):
        return not error.fresh
    return isinstance(error, NonFiniteError) or isinstance(error.__cause__, (OSError, MemoryError))


def _stuck(error: MergeError, partial: Path, done: set[str]) -> MergeError:
    """The error of a disk or an input, with what remains."""
    mended = "where such numbers are allowed" if isinstance(error, NonFiniteError) else "when this is mended"
    return type(error)(
        f"{error}\n  {len(done)} finished tensors are kept in {partial}: "
        f"{mended}, the same command goes on from there. Or delete that folder."
    )


def _discard(partial: Path, part: Part, claim: Claim) -> None:
    """Delete a merge's own files, and the folder if nothing else is in it. Without its lock nothing there is ours."""
    if part != WHOLE or not claim.holds(partial):
        return
    with contextlib.suppress(OSError):
        for path in partial.iterdir():
            if WRITTEN.fullmatch(path.name):
                path.unlink()
        partial.rmdir()


def _check_own(partial: Path, claim: Claim) -> None:
    if not claim.holds(partial):
        raise _gone(partial)


def _gone(partial: Path) -> MergeError:
    return MergeError(f"{partial}: was moved or deleted while the merge worked there; start the merge again.")


def _shown(numbers: Iterable[int]) -> str:
    listed = [str(n) for n in numbers]
    return ", ".join(listed[:8]) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "")
