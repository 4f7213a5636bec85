"""Output: the folder a merge writes to. It appears whole or not at all, and a merge that was killed goes on where it was.

The work is done in `<out>.partial`, which is renamed at the end. A journal there names each tensor that is written; the next
merge of the same recipe, from the same files, makes only the others. Parts of a merge, run by several machines, share the folder.
What is the same is decided by content: of the inputs (files/content.py), and of what another machine has written.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

import merger
from merger.engine.claims import Claim, boot
from merger.engine.plan import Plan, TensorJob
from merger.errors import NO_MEMORY, CheckpointError, InputChanged, MergeError, NonFiniteError
from merger.files.checkpoints import INDEX, Checkpoint, ShardWriter, Slot, file_names, read_header, write_index
from merger.files.content import Contents, contents
from merger.files.stores import hidden
from merger.regular import JOURNAL, open_regular, scheme_of
from merger.tokenizer.tokens import COMPANIONS


@dataclass(frozen=True)
class Part:
    """One of several shares of a merge: every `count`-th file of the output, from the `number`-th on (from 1)."""

    number: int = 1
    count: int = 1

    @property
    def name(self) -> str:
        """For its journal and its mark."""
        return f"{self.number}-of-{self.count}"

    def files(self, of: int) -> list[int]:
        """The files it makes, of so many."""
        return list(range(self.number - 1, of, self.count))


WHOLE = Part()


def parse_part(text: str) -> Part:
    """A part as the command line gives it.

    >>> parse_part("3/16")
    Part(number=3, count=16)
    """
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise MergeError(f"--part {text}: write N/COUNT with N from 1 to COUNT, for example 3/16.")
    return Part(int(match[1]), int(match[2]))


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


_TOLD = "\t"
"""In the journal, between a tensor's name and a line about what in it is not finite. A line that begins with it is a note:
_SUM, a tensor and the sum of its bytes; _HELD, a model and the word for what its files hold; _LOST, a tensor that is not there
any more; _ON, another machine that goes on from here."""
_SUM, _HELD, _LOST, _ON = "sum", "held", "lost", "on"


@dataclass(frozen=True)
class Word:
    """What a merge's bytes depend on.

    word    of all of it together
    inputs  of what the models' files hold, for saying which of them is another
    """

    word: str
    inputs: Contents

    @property
    def begins(self) -> str:
        """The first line of a journal of this merge, before the machine."""
        return f"{self.word} "

    def notes(self) -> list[str]:
        """Lines of a journal on the models."""
        return [f"{_TOLD}{_HELD}{_TOLD}{json.dumps([name, held])}" for name, held in self.inputs.models.items()]


def word_of(
    plan: Plan, models: Mapping[str, Checkpoint], files: Sequence[Sequence[Slot]], device: str, metadata: Mapping[str, str]
) -> Word:  # fmt: skip
    """What a merge's bytes depend on, before anything is made: every job, what the inputs hold, the layout of the output."""
    inputs = contents(models)
    return Word(_fingerprint(plan, inputs, files, device, metadata), inputs)


def _fingerprint(
    plan: Plan, inputs: Contents, files: Sequence[Sequence[Slot]], device: str, metadata: Mapping[str, str]
) -> str:  # fmt: skip
    """Metadata stands before the tensors in each file: of another length it moves them all."""
    digest = hashlib.sha256()
    for job in plan.jobs:
        digest.update(repr(job).encode())
    for reference, held in sorted(inputs.models.items()):
        digest.update(f"{reference} {held}".encode("utf-8", "surrogateescape"))
    digest.update(f"{[[s.name for s in slots] for slots in files]} {torch.__version__} {device}".encode())
    digest.update(f"{merger.__version__} {sorted(metadata.items())}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


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
            note = f"{_TOLD}{_SUM}{_TOLD}{total}{_TOLD}{name}\n" if total else ""
            line = f"{note}{name}{f'{_TOLD}{allowed}' if allowed else ''}\n"
            try:
                os.write(self._journal, line.encode("utf-8", "surrogateescape"))
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
        return _lines(partial_of(out) / _journal_of(Part(0, count)))[:1] == [line]


@contextlib.contextmanager
def leading(out: Path, word: Word, count: int) -> Generator[Leader]:
    """The working folder, held for one command at a time that shares its parts out. MergeError where other parts are there."""
    partial, part = partial_of(out), Part(0, count)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        partial.mkdir()
    except FileExistsError:
        _refuse_foreign(partial)
    claim = Claim()
    claim.take(partial, part.name)
    journal = partial / _journal_of(part)
    try:
        _refuse_others(partial, part, word)
        line = f"{word.word} {boot()} {os.urandom(8).hex()}"
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
    _refuse_foreign(partial)
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
        model = _other_model(partial / f"{JOURNAL}{other.name.removeprefix('.done')}", word)
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


def check_path(out: str | Path) -> None:
    """MergeError where an output is an address: it would become a folder of that name here."""
    scheme = scheme_of(out)
    if scheme == "file":
        raise MergeError(f"{out}: write the path alone, without file:.")
    if scheme:
        raise MergeError(
            f"{hidden(str(out))}: is an address, and this is made in a folder of this machine, or of a network.\n"
            f"  Write to a folder, then copy it to {scheme}:// with your provider's program, or mount the store as a folder."
        )


def check_free(out: Path) -> None:
    """MergeError unless `out` can become a new folder."""
    check_path(out)
    if "\0" in str(out):
        raise MergeError(f"{str(out)!r}: is no folder's name.")
    if not out.name or out.name == "..":
        raise MergeError(f"{out}: is the folder you are in, or above it; name a new folder.")
    try:
        if out.is_symlink() or (out.exists() and not out.is_dir()):
            raise MergeError(f"{out}: is not a folder; name a new folder.")
        if out.is_dir() and any(out.iterdir()):
            raise MergeError(f"{out}: the folder is not empty; name a new one, or empty it first.")
    except OSError as error:
        raise MergeError(f"{out}: cannot be written: {error.strerror}.") from None


def check_apart(out: Path, models: Mapping[str, Checkpoint]) -> None:
    """MergeError where a merge to `out` would read what it writes: a model in its working folder, or a link into it."""
    partial = partial_of(out)
    own = partial.resolve()
    for piece in (piece for model in models.values() for piece in model.pieces):
        place = next((path for path in (piece.folder, *piece.files) if own in (path.resolve(), *path.resolve().parents)), None)
        if place is not None:
            raise MergeError(
                f"{partial}: is where the merge to {out} works, and {piece.reference} is read from there ({place}).\n"
                "  Name another output, or give the model's folder another name."
            )


def check_space(out: Path, nbytes: int) -> None:
    """MergeError where the disk has less than this, counting what a stopped merge has reserved already."""
    parent = next(p for p in (out.absolute(), *out.absolute().parents) if p.exists())
    held = sum(file.stat().st_blocks * 512 for file in partial_of(out).glob("model*")) if hasattr(os, "geteuid") else 0
    need, free = max(0, nbytes - held) + (16 << 20), shutil.disk_usage(parent).free
    if need > free:
        raise MergeError(f"{out}: the merge needs {need:,} bytes, {parent} has {free:,} free. Free some, or write elsewhere.")


def partial_of(out: Path) -> Path:
    """The folder that a merge to `out` works in."""
    return out.with_name(out.name + ".partial")


def _open(
    out: Path, partial: Path, word: Word, part: Part, own: set[str], claim: Claim, done: set[str]
) -> tuple[int, dict[str, str] | None]:
    """Make and hold the folder, empty it of what is not this merge's, read the journal into `done`; gives it for writing.

    own  the names of the files that are written

    With it come the sums of what is done, where that must be looked at first; else None.
    """
    name = _journal_of(part)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        partial.mkdir()
    except FileExistsError:
        _refuse_foreign(partial)
    claim.take(partial, "" if part == WHOLE else part.name)
    _refuse_others(partial, part, word)
    read, sums = _read_journal(partial / name, word)
    done |= read
    for left_over in partial.iterdir():
        mine = left_over.name in own or left_over.name == name
        others = left_over.name not in (".lock", ".owner") if part == WHOLE else left_over.name == JOURNAL
        if not (mine and done) and (mine or others) and _WRITTEN.fullmatch(left_over.name):
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


def write_first(journal: int, word: Word, part: Part) -> None:
    """Begin a journal. Those of parts tell what each model held, for the other parts."""
    first = f"{word.word} {boot()}" + (f" {word.inputs.touched}" if word.inputs.touched else "")
    lines = [first, *(word.notes() if part != WHOLE else ())]
    os.write(journal, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))


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
        first = _lines(path)[:1]
        if not first or first[0].startswith(word.begins):  # of one that is just beginning it may be empty
            continue
        model = _other_model(path, word)
        whose = f"part {number} of {count}" if number != "0" else "the command that shares it out"
        other = f"other files of {model}" if model else "another recipe, options, torch or version"
        raise MergeError(
            f"{partial}: {whose} was given {other}, and "
            f"would not fit what part {part.number} makes.\n"
            f"  Run all parts with the same recipe, options and models, {anew}"
        )


def _other_model(journal: Path, word: Word) -> str:
    """The first model of which a journal's part has seen other files; "" where they are the same, or it does not tell."""
    for line in _lines(journal)[1:]:
        if not line.startswith(f"{_TOLD}{_HELD}{_TOLD}"):
            break
        with contextlib.suppress(ValueError, TypeError):
            name, held = json.loads(line.split(_TOLD, 2)[2])
            if word.inputs.models.get(name, held) != held:
                return str(name)
    return ""


def _lines(journal: Path) -> list[str]:
    """A journal's lines; a line without its end was not finished, and is none."""
    try:
        with open_regular(journal) as handle:
            return handle.read().decode("utf-8", "surrogateescape").split("\n")[:-1]
    except OSError:
        return []


def _whole(file: Path, slots: Sequence[Slot]) -> bool:
    try:
        return set(read_header(file)) == {slot.name for slot in slots}
    except CheckpointError:
        return False


_WRITTEN = re.compile("|".join((
    r"model(-\d{5,}-of-\d{5,})?\.safetensors", r"model\.gguf", r"\.(journal|done|lock|owner)(-[0-9]{1,6}-of-[0-9]{1,6})?",
    *(re.escape(name) for name in (INDEX, "config.json", "README.md", "lanes.svg", "mergekit_config.yml", *COMPANIONS)),
)))  # fmt: skip
"""Names of what a merge writes."""
_BEGINS = re.compile(rb"[0-9a-f]{32} ")


def _refuse_foreign(partial: Path) -> None:
    """MergeError unless a folder that is there is one of ours: what is not a merge's own is never emptied or deleted."""
    why = ""
    if partial.is_symlink() or not partial.is_dir():
        why = "is there already, and no folder of a merge"
    else:
        names = sorted(path.name for path in partial.iterdir())
        strange = next((n for n in names if not _WRITTEN.fullmatch(n) or not _is_plain(partial / n)), None)
        if strange is not None:
            why = f"holds {strange!r}, which no merge has put there"
        elif any(not n.startswith((".lock", ".owner")) for n in names) and not any(map(_is_journal, partial.glob(f"{JOURNAL}*"))):
            why = f"holds {names[0]!r}, and no journal of a merge"
    if why:
        raise MergeError(
            f"{partial}: {why}; a merge to this output works there, and touches only what is its own.\n"
            "  Name another output, or move what is there."
        )


def _is_plain(path: Path) -> bool:
    """Whether a name is a file's own, and not a link or something else."""
    return path.is_file() and not path.is_symlink()


def _is_journal(path: Path) -> bool:
    """Whether a merge has written it."""
    try:
        with open_regular(path) as handle:
            return _BEGINS.match(handle.read(200)) is not None
    except OSError:
        return False


def _read_journal(path: Path, word: Word) -> tuple[set[str], dict[str, str] | None]:
    """The tensors a stopped merge has written, if it was this merge; with their sums where the machine is another, or has
    restarted since."""
    lines = _lines(path)
    first = lines[0].split(" ") if lines else [""]
    # of large files not all is read: those with other times are taken for others
    if first[0] != word.word or "".join(first[2:3]) != word.inputs.touched:
        return set(), None
    done, sums, machines = set[str](), dict[str, str](), {*first[1:2]}
    for line in lines[1:]:
        if not line.startswith(_TOLD):
            done.add(line.partition(_TOLD)[0])
            continue
        match line.split(_TOLD, 3)[1:]:
            case [kind, total, name] if kind == _SUM:
                sums[name] = total
            case [kind, name] if kind == _LOST:
                done.discard(name)
            case [kind, machine] if kind == _ON:
                machines.add(machine)
            case _:
                pass
    if machines == {boot()}:
        return done, None
    return done & sums.keys(), sums


def _believe(done: set[str], sums: Mapping[str, str] | None, writer: Writer, journal: int) -> None:
    """Leave of what is said to be done what is there: a machine that died may have lost what it wrote last, and files may have
    been deleted. The journal hears of it, or whoever goes on after us would believe what we did not."""
    lost = done & writer.lost
    if sums is not None:
        lost |= {name for name in done - lost if not writer.kept(name, sums[name])}
    done -= lost
    notes = [f"{_TOLD}{_LOST}{_TOLD}{name}" for name in sorted(lost)]
    notes += [f"{_TOLD}{_ON}{_TOLD}{boot()}"] if sums is not None else []
    if notes:
        os.write(journal, "".join(f"{note}\n" for note in notes).encode("utf-8", "surrogateescape"))


def allowed_before(partial: Path, part: Part | None = None) -> dict[str, str]:
    """What the journal of a part, or all of them, tells of tensors that are not finite: a line for each."""
    models: dict[str, str] = {}
    for path in sorted(partial.glob(".journal*" if part is None else _journal_of(part))):
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n")[1:-1]:
            name, line_text, about = line.partition(_TOLD)
            if name and line_text:
                models[name] = about
    return models


def _journal_of(part: Part) -> str:
    return ".journal" if part == WHOLE else f".journal-{part.name}"


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


def check_new(out: Path) -> None:
    """MergeError unless `out` can become a new file."""
    check_path(out)
    if "\0" in str(out) or not out.name or out.name == "..":
        raise MergeError(f"{str(out)!r}: is no file's name.")
    if os.path.lexists(out):
        raise MergeError(f"{out}: is there already; name a new file, or delete it first.")


def _appear_as_file(out: Path, partial: Path, name: str) -> None:
    try:
        check_new(out)
    except MergeError as error:  # it was free before: somebody else has made it meanwhile
        raise error from FileExistsError(str(out))
    (partial / name).rename(out)
    with contextlib.suppress(OSError):
        for path in partial.iterdir():
            if _WRITTEN.fullmatch(path.name):
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
            if _WRITTEN.fullmatch(path.name):
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
