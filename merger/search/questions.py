"""Question sets: prompts with what is right, from text lines, CSV, JSON lines or a local task of lm-eval, and back to a file.

found = read_questions(Path("questions.csv"))
save(found, Path("questions.jsonl"))
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeGuard

from merger.errors import MergeError, nearest
from merger.inside import inside
from merger.limits import CHOICES, QUESTION_CHARACTERS, QUESTIONS, QUESTIONS_BYTES
from merger.regular import read_text

Match = Literal["exact", "within", "pattern", "choice", "parent"]
MATCHES: tuple[Match, ...] = ("exact", "within", "pattern", "choice", "parent")
_ALSO: Mapping[str, Match] = {"contains": "within", "regex": "pattern", "choices": "choice", "multiple_choice": "choice"}
_MARKS: Mapping[str, Match] = {"=>": "exact", "~>": "within", "/>": "pattern", "?>": "choice"}
_MARKED = re.compile(r"(.*?)(?<!\S)(=>|~>|/>|\?>)(?!\S)(.*)")
_NAME = re.compile(r"#\s*name:\s*(.+)")
_SKILL = re.compile(r"""\[[^\]\n"{]+\][ \t\r]*(\n|$)""")
"""A first line that begins a skill, not a list of JSON."""
HOW = "write `prompt => answer`, `prompt ~> words in it`, `prompt /> pattern`, `prompt ?> right | wrong`, or a prompt alone"
OPENS = ".txt, .csv, .tsv, .jsonl, .json, or lm-eval's .yaml"


@dataclass(frozen=True)
class Question:
    """A prompt, and what is right.

    match    exact: `answer` is the whole answer; within: it is somewhere in it; pattern: it is a regular expression for the whole
             of it; choice: it is the likeliest of `choices`; parent: what each parent says itself is right, and `answer` is empty
    """

    prompt: str
    answer: str = ""
    match: Match = "exact"
    skill: str = "answers"
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class QuestionSet:
    """Questions with a name. plain: no chat template is put around the prompts, which are texts to go on with."""

    name: str
    questions: tuple[Question, ...]
    plain: bool = False

    @property
    def skills(self) -> tuple[str, ...]:
        """The skills, in the order of their first question."""
        return tuple(dict.fromkeys(q.skill for q in self.questions))


def is_mapping(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether what was read is a mapping; its keys are texts, since JSON and our YAML have no others."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether what was read is a list."""
    return isinstance(value, list)


def plain(text: str) -> str:
    """Text as answers are compared: case and runs of blanks do not count.

    >>> plain(" New\\nYork ")
    'new york'
    """
    return " ".join(text.split()).casefold()


def marked(line: str) -> tuple[str, Match | None, str]:
    """A line's prompt, match and answer; match None for a prompt alone.

    >>> marked("plural of box => boxes"), marked("hello")
    (('plural of box', 'exact', 'boxes'), ('hello', None, ''))
    """
    found = _MARKED.fullmatch(line.strip())
    if found is None:
        return line.strip(), None, ""
    return found[1].strip(), _MARKS[found[2]], found[3].strip()


# ---------------------------------------------------------------------------------------------- reading


def read_questions(file: Path, *, limit: int | None = None, half: str | None = None) -> QuestionSet:
    """The questions of a file; its ending says what it is. MergeError in one sentence where it holds none.

    limit  only so many of each skill
    half   which list of JSON that has two of each skill, choose and score; None: the one that figures are told of
    """
    found = inside(file)
    try:
        size = found.stat().st_size
        if size > QUESTIONS_BYTES:
            raise MergeError(f"{file}: has {size:,} bytes; a file of questions has at most {QUESTIONS_BYTES:,}.")
        text = read_text(found)
    except (OSError, UnicodeDecodeError) as error:
        raise MergeError(f"{file}: cannot be read as questions: {getattr(error, 'strerror', None) or 'not text'}.") from None
    if found.suffix.lower() in (".yaml", ".yml"):
        from merger.search.tasks import read_task

        made = read_task(text, found, str(file))
    else:
        made = parse_questions(text, str(file), half)
    return made if limit is None else QuestionSet(made.name, _first(made.questions, limit), made.plain)


def _first(questions: Sequence[Question], each: int) -> tuple[Question, ...]:
    kept: dict[str, list[Question]] = {}
    for question in questions:
        kept.setdefault(question.skill, []).append(question)
    return tuple(q for group in kept.values() for q in group[: max(1, each)])


def parse_questions(text: str, source: str, half: str | None = None) -> QuestionSet:
    """The questions of a text; the ending of `source` says what it is: .csv, .tsv, .jsonl, .json, else a question a line.

    half  as in `read_questions`
    """
    text = text.removeprefix("\ufeff")
    kind = Path(source).suffix.lower()
    name, is_plain = Path(source).stem or "questions", False
    if kind in (".csv", ".tsv"):
        found: Iterable[Question] = _csv(text, source)
    elif kind in (".jsonl", ".json") or (text.lstrip()[:1] in ("{", "[") and not _SKILL.match(text.lstrip())):
        head, found = _json(text, source, half)
        name, is_plain = str(head.get("name") or name), head.get("plain") is True
    else:
        named = next((m[1].strip() for line in text.split("\n", 20)[:20] if (m := _NAME.fullmatch(line.strip()))), "")
        name, found = named or name, _lines(text, source)
    return QuestionSet(name[:200], limited(found, source), is_plain)


def limited(found: Iterable[Question], source: str) -> tuple[Question, ...]:
    """The questions, each once; MergeError where there are none, or more than are judged."""
    kept = tuple(dict.fromkeys(found))
    if not kept:
        raise MergeError(f"{source}: holds no questions; {HOW}.")
    if len(kept) > QUESTIONS:
        raise MergeError(f"{source}: holds {len(kept):,} questions; at most {QUESTIONS:,} are judged.")
    return kept


def sections(lines: Iterable[str]) -> Iterator[tuple[str, int, str]]:
    """The skill, number and words of each line that says something; `[skill]` lines and comments are taken out."""
    skill = "answers"
    for number, line in enumerate(map(str.strip, lines), 1):
        if line.startswith("[") and line.endswith("]"):
            skill = line[1:-1].strip() or skill
        elif line and not line.startswith("#"):
            yield skill, number, line


def _lines(text: str, source: str) -> Iterator[Question]:
    for skill, number, line in sections(text.split("\n")):
        where = f"{source}, line {number}"
        prompt, match, answer = marked(line)
        choices: tuple[str, ...] = ()
        if match == "choice":
            parts = [part.strip() for part in answer.split(" | ")]
            answer, choices = parts[0], tuple(sorted(parts))  # the right one first would be right wherever two are as likely
        yield checked(Question(prompt, answer, match or "parent", skill, choices), where)


def checked(question: Question, where: str) -> Question:
    """The question, where it can be asked; MergeError says what is wrong with it."""
    if not question.prompt.strip():
        raise MergeError(f"{where}: the prompt is empty; {HOW}.")
    if question.match != "parent" and not question.answer.strip():
        raise MergeError(f"{where}: the answer is empty; write one, or the prompt alone for what the parents say.")
    longest = max(len(part) for part in (question.prompt, question.answer, *question.choices))
    if longest > QUESTION_CHARACTERS:
        raise MergeError(f"{where}: has {longest:,} characters; a prompt or an answer has at most {QUESTION_CHARACTERS:,}.")
    if question.match == "pattern":
        try:
            re.compile(question.answer)
        except (re.error, RecursionError, OverflowError) as error:
            raise MergeError(f"{where}: {question.answer[:60]!r} is no regular expression: {error}.") from None
    if question.match == "choice":
        if not 2 <= len(set(question.choices)) <= CHOICES:
            raise MergeError(f"{where}: has {len(set(question.choices))} choices; 2 to {CHOICES} different ones, please.")
        if any(not choice.strip() for choice in question.choices):
            raise MergeError(f"{where}: a choice is empty.")
        if question.answer not in question.choices:
            raise MergeError(
                f"{where}: {question.answer[:60]!r} is none of its choices.{nearest(question.answer, question.choices)}"
            )
    return question


def _csv(text: str, source: str) -> Iterator[Question]:
    head = text.split("\n", 1)[0]
    separator = next((mark for mark in (",", ";", "\t") if mark in head), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    names: list[str] | None = None
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if names is None:
                names = [cell.strip().lower() for cell in row]
                if "prompt" in names:
                    continue
                names = ["prompt", "answer", "match", "ticked"]
            where = f"{source}, line {reader.line_num}"
            if len(row) > len(names):
                raise MergeError(f"{where}: has {len(row)} columns, the head {len(names)}; quote what holds a {separator!r}.")
            yield from _entry(dict(zip(names, row, strict=False)), where)
    except csv.Error as error:
        raise MergeError(f"{source}, line {reader.line_num}: this is not CSV: {error}.") from None


def _json(text: str, source: str, half: str | None) -> tuple[Mapping[str, Any], Iterator[Question]]:
    """What stands beside the questions, and they: of a list, of {"questions": [...]}, of {"skills": {...}}, or of a line each."""
    try:
        whole: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}, _json_lines(text, source)
    if is_mapping(whole) and "prompt" in whole:
        whole = [whole]
    listed: Any = whole
    if is_mapping(whole):
        listed = whole.get("questions", _by_skill(whole.get("skills"), half, source))
    if not is_list(listed):
        raise MergeError(
            f'{source}: holds no questions; write [{{"prompt": "plural of box", "answer": "boxes"}}], or one a line.'
        )
    head: Mapping[str, Any] = whole if is_mapping(whole) else {}
    return head, (q for i, one in enumerate(listed, 1) for q in _entry(one, f"{source}, question {i}"))


def _by_skill(skills: Any, half: str | None, source: str) -> list[Any] | None:
    """Questions that are listed by skill, as presets/probes.json. half: of two; None: the one that figures are told of."""
    if not is_mapping(skills):
        return None
    found: list[Any] = []
    for skill, listed in skills.items():
        if half is not None and is_mapping(listed) and half not in listed:
            raise MergeError(f"{source}: {skill[:60]} has no half {half[:60]!r}; it has {', '.join(listed)[:120]}.")
        some: Any = listed.get(half or "score", listed.get("choose")) if is_mapping(listed) else listed
        found += [{"skill": skill, **one} if is_mapping(one) else one for one in (some if is_list(some) else [])]
    return found


def _json_lines(text: str, source: str) -> Iterator[Question]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{source}, line {number}"
        try:
            one = json.loads(line)
        except (ValueError, RecursionError):
            raise MergeError(f'{where}: this is not JSON; write {{"prompt": "plural of box", "answer": "boxes"}}.') from None
        yield from _entry(one, where)


def _entry(one: Any, where: str) -> Iterator[Question]:
    """A question of named values; none where it is not ticked."""
    given: Any = {"prompt": one} if isinstance(one, str) else one
    if not is_mapping(given) or not isinstance(given.get("prompt"), str):
        raise MergeError(f"{where}: a question has a `prompt`, which is a text.")
    if str(given.get("ticked", "true")).strip().lower() in ("false", "0", "no"):
        return
    if "pattern" in given and "answer" not in given:
        given = {**given, "answer": given["pattern"], "match": given.get("match") or "pattern"}
    answer, said, choices = given.get("answer"), given.get("match"), given.get("choices")
    if isinstance(answer, (int, float)) and not isinstance(answer, bool):
        answer = str(answer)
    if answer is not None and not isinstance(answer, str):
        raise MergeError(f"{where}: the answer must be a text.")
    if isinstance(choices, str):
        choices = [part.strip() for part in choices.split(" | ")] if choices.strip() else None
    if choices is not None and not (is_list(choices) and all(isinstance(choice, str) for choice in choices)):
        raise MergeError(f"{where}: `choices` must be a list of texts.")
    match = _match(said, answer or "", choices, where)
    skill = str(given.get("skill") or "").strip() or "answers"
    yield checked(
        Question(given["prompt"], "" if match == "parent" else answer or "", match, skill[:80], tuple(choices or ())), where
    )


def _match(said: Any, answer: str, choices: Any, where: str) -> Match:
    word = str(said or "").strip().lower()
    if not word:
        return "choice" if choices else "exact" if answer.strip() else "parent"
    word = _ALSO.get(word, word)
    if word not in MATCHES:
        raise MergeError(f"{where}: {str(said)[:40]!r} is no match; write {', '.join(MATCHES)}.{nearest(word, MATCHES)}")
    return MATCHES[MATCHES.index(word)]


# ---------------------------------------------------------------------------------------------- writing


def written(found: QuestionSet, kind: str, source: str = "the file") -> str:
    """The set as the text of a file of this kind: txt, csv, tsv, jsonl or json. MergeError where the kind cannot hold it."""
    writers: Mapping[str, Callable[[QuestionSet, str], str]] = {
        "txt": _as_lines, "csv": _as_csv, "tsv": _as_csv, "jsonl": _as_json_lines, "json": _as_json,
    }  # fmt: skip
    if kind not in writers:
        raise MergeError(f"{source}: questions are saved as {', '.join(writers)}.")
    return writers[kind](found, kind if kind == "tsv" else source)


def save(found: QuestionSet, file: Path) -> None:
    """Write the set to a file, whose ending says as what."""
    text = written(found, file.suffix.lower().lstrip("."), str(file))
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise MergeError(f"{file}: cannot be written: {error.strerror}.") from None


def _as_lines(found: QuestionSet, source: str) -> str:
    marks = {match: mark for mark, match in _MARKS.items()}
    lines = [f"# name: {found.name}"]
    for skill in found.skills:
        lines += [f"[{skill}]"] if skill != "answers" or len(lines) > 1 else []
        for q in found.questions:
            if q.skill != skill:
                continue
            said = " | ".join([q.answer, *(c for c in q.choices if c != q.answer)]) if q.match == "choice" else q.answer
            line = q.prompt if q.match == "parent" else f"{q.prompt} {marks[q.match]} {said}"
            back = next(iter(_lines(f"[{skill}]\n{line}", source)), None) if "\n" not in line else None
            if back is None or (back.prompt, back.answer, set(back.choices)) != (q.prompt, q.answer, set(q.choices)):
                raise MergeError(f"{source}: {q.prompt[:40]!r} does not fit into a line; save it as .jsonl.")
            lines.append(line)
    return "\n".join(lines) + "\n"


def _as_csv(found: QuestionSet, kind: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t" if kind == "tsv" else ",", lineterminator="\n")
    writer.writerow(["prompt", "answer", "match", "ticked", "skill", "choices"])
    for q in found.questions:
        if any(" | " in choice for choice in q.choices):
            raise MergeError(f"{q.prompt[:40]!r}: a choice holds ' | '; save the questions as .jsonl.")
        writer.writerow([q.prompt, q.answer, q.match, "true", q.skill, " | ".join(q.choices)])
    return out.getvalue()


def _shown(q: Question) -> dict[str, Any]:
    return {"prompt": q.prompt, "answer": q.answer, "match": q.match, "skill": q.skill} | (
        {"choices": list(q.choices)} if q.choices else {}
    )


def _as_json_lines(found: QuestionSet, source: str) -> str:
    return "".join(json.dumps(_shown(q), ensure_ascii=False) + "\n" for q in found.questions)


def _as_json(found: QuestionSet, source: str) -> str:
    whole = {"name": found.name, "plain": found.plain, "questions": [_shown(q) for q in found.questions]}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


__all__ = [
    "MATCHES", "OPENS", "Match", "Question", "QuestionSet", "checked", "is_list", "is_mapping", "limited", "marked",
    "parse_questions", "plain", "read_questions", "save", "written",
]  # fmt: skip
