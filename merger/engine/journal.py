"""The journal of a merge: what its bytes depend on, which tensors are written, and which part of it a process makes.

The next merge of the same recipe, from the same files, makes only what the journal does not name. What is the same is decided by
content: of the inputs (files/content.py), and of what another machine has written.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import merger
from merger.engine.claims import boot
from merger.engine.plan import Plan
from merger.errors import MergeError
from merger.files.checkpoints import Checkpoint, Slot
from merger.files.content import Contents, contents
from merger.regular import JOURNAL, open_regular


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

    @property
    def here(self) -> str:
        """The same with this machine, as it runs now."""
        return f"{self.word} {boot()}"

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


def write_first(journal: int, word: Word, part: Part) -> None:
    """Begin a journal. Those of parts tell what each model held, for the other parts."""
    first = word.here + (f" {word.inputs.touched}" if word.inputs.touched else "")
    lines = [first, *(word.notes() if part != WHOLE else ())]
    os.write(journal, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))


def other_model(journal: Path, word: Word) -> str:
    """The first model of which a journal's part has seen other files; "" where they are the same, or it does not tell."""
    for line in lines_of(journal)[1:]:
        if not line.startswith(f"{_TOLD}{_HELD}{_TOLD}"):
            break
        with contextlib.suppress(ValueError, TypeError):
            name, held = json.loads(line.split(_TOLD, 2)[2])
            if word.inputs.models.get(name, held) != held:
                return str(name)
    return ""


def lines_of(journal: Path) -> list[str]:
    """A journal's lines; a line without its end was not finished, and is none."""
    try:
        with open_regular(journal) as handle:
            return handle.read().decode("utf-8", "surrogateescape").split("\n")[:-1]
    except OSError:
        return []


_BEGINS = re.compile(rb"[0-9a-f]{32} ")


def is_journal(path: Path) -> bool:
    """Whether a merge has written it."""
    try:
        with open_regular(path) as handle:
            return _BEGINS.match(handle.read(200)) is not None
    except OSError:
        return False


def read_journal(path: Path, word: Word) -> tuple[set[str], dict[str, str] | None]:
    """The tensors a stopped merge has written, if it was this merge; with their sums where the machine is another, or has
    restarted since."""
    lines = lines_of(path)
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


def written(name: str, total: str, allowed: str) -> bytes:
    """The lines on a tensor that is written. total: its sum; allowed: a line about what in it is not finite; "" for neither."""
    note = f"{_TOLD}{_SUM}{_TOLD}{total}{_TOLD}{name}\n" if total else ""
    return f"{note}{name}{f'{_TOLD}{allowed}' if allowed else ''}\n".encode("utf-8", "surrogateescape")


def gone(lost: Iterable[str], moved: bool) -> bytes:
    """The lines on tensors that are not there any more, and (moved) on this machine, which goes on for another."""
    notes = [f"{_TOLD}{_LOST}{_TOLD}{name}" for name in sorted(lost)]
    notes += [f"{_TOLD}{_ON}{_TOLD}{boot()}"] if moved else []
    return "".join(f"{note}\n" for note in notes).encode("utf-8", "surrogateescape")


def allowed_before(partial: Path, part: Part | None = None) -> dict[str, str]:
    """What the journal of a part, or all of them, tells of tensors that are not finite: a line for each."""
    models: dict[str, str] = {}
    for path in sorted(partial.glob(f"{JOURNAL}*" if part is None else journal_of(part))):
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n")[1:-1]:
            name, line_text, about = line.partition(_TOLD)
            if name and line_text:
                models[name] = about
    return models


def journal_of(part: Part) -> str:
    return JOURNAL if part == WHOLE else f"{JOURNAL}-{part.name}"


__all__ = [
    "WHOLE", "Part", "Word", "allowed_before", "gone", "is_journal", "journal_of", "lines_of", "other_model", "parse_part",
    "read_journal", "word_of", "write_first", "written",
]  # fmt: skip
