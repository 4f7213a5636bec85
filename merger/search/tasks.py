"""lm-eval's task files as question sets: what a local file can hold, without lm-eval, its code or the network.

The templates are a stranger's programs: they are filled in where chat templates are, under the same bounds.
"""

import ast
import csv
import io
import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from merger.errors import MergeError
from merger.limits import QUESTIONS, QUESTIONS_BYTES, QUESTIONS_SECONDS
from merger.recipe.parse import parse
from merger.regular import read_text
from merger.search.questions import Match, Question, QuestionSet, checked, is_list, is_mapping, limited
from merger.tokenizer import templates

_NEEDS = {
    "include": "includes another file", "process_docs": "changes its documents by code", "filter_list": "filters answers",
    "process_results": "judges by code", "use_prompt": "takes its prompts from elsewhere", "group": "is a group of tasks",
    "class": "is a class of its own", "custom_dataset": "loads its documents by code",
    "gen_prefix": "begins the answers itself",
}  # fmt: skip
"""Keys that only lm-eval itself can follow, and what they say."""
_KINDS = ("multiple_choice", "generate_until")


def read_task(text: str, file: Path, source: str, beside: Mapping[str, str] | None = None) -> QuestionSet:
    """The questions of a task file. MergeError in one sentence where lm-eval itself, or the network, would be needed.

    beside  texts of the files that came with it, by name: no other file is opened then
    """
    code = re.search(r"!function\s+(\S+)", text)
    if code:
        raise MergeError(f"{source}: runs code of its own ({code[1][:60]}), which is not done here; {_itself(file)}.")
    task = parse(text, source)[0][0]
    if not is_mapping(task) or "doc_to_text" not in task:
        raise MergeError(f"{source}: is no task of lm-eval; one has doc_to_text, doc_to_target and dataset_kwargs.")
    for key, what in _NEEDS.items():
        if task.get(key):
            raise MergeError(f"{source}: it {what} (`{key}`); {_itself(file)}.")
    if task.get("num_fewshot"):
        raise MergeError(f"{source}: shows examples first (`num_fewshot`); {_itself(file)}.")
    kind = task.get("output_type", "generate_until")
    if kind not in _KINDS:
        raise MergeError(f"{source}: `output_type` is {str(kind)[:40]!r}; here it may be {' or '.join(_KINDS)}; {_itself(file)}.")
    if kind == "multiple_choice" and not task.get("doc_to_choice"):
        raise MergeError(f"{source}: a task of multiple choice needs `doc_to_choice`.")
    made = _Task(task, file, source, kind == "multiple_choice", beside)
    name = str(task.get("task") or file.stem)
    return QuestionSet(name[:200], limited(made.questions(name), source), plain=True)


def _itself(file: Path) -> str:
    return f"ask lm-eval itself: --tasks {file.stem} --include-path {file.parent}"


class _Task:
    """A task's file at work."""

    def __init__(
        self, task: Mapping[str, Any], file: Path, source: str, choosing: bool, beside: Mapping[str, str] | None
    ) -> None:  # fmt: skip
        self.task, self.file, self.source, self.choosing, self.beside = task, file, source, choosing, beside
        self._ends = time.monotonic() + QUESTIONS_SECONDS

    def questions(self, name: str) -> Iterator[Question]:
        """A question of each document."""
        for number, document in enumerate(self._documents(), 1):
            where = f"{self.source}, document {number}"
            if number > QUESTIONS:
                raise MergeError(f"{self.source}: holds more than {QUESTIONS:,} documents; at most {QUESTIONS:,} are judged.")
            prompt = f"{self.task.get('description') or ''}{self._filled('doc_to_text', document, where)}"
            target = self._target(document, where)
            if self.choosing:
                choices = self._choices(document, where)
                right = choices.index(target) if target in choices else int(target) if str(target).isdecimal() else -1
                if not 0 <= right < len(choices):
                    raise MergeError(f"{where}: `doc_to_target` gives {str(target)[:40]!r}, which is none of its choices.")
                yield checked(Question(prompt, choices[right], "choice", name[:80], tuple(choices)), where)
            else:
                match: Match = "exact"
                yield checked(Question(prompt, str(target), match, name[:80]), where)

    def _target(self, document: Mapping[str, Any], where: str) -> str:
        given = self.task.get("doc_to_target", "")
        if isinstance(given, int) and not isinstance(given, bool):
            return str(given)
        found = self._filled("doc_to_target", document, where)
        if is_list(found):
            raise MergeError(f"{where}: `doc_to_target` gives several answers; {_itself(self.file)}.")
        return found.strip() if not self.choosing else found

    def _choices(self, document: Mapping[str, Any], where: str) -> list[str]:
        given = self.task["doc_to_choice"]
        if is_list(given):
            found: Any = given
        elif is_mapping(given):
            found = list(given.values())
        else:
            found = self._filled("doc_to_choice", document, where)
        if isinstance(found, str):
            try:
                found = ast.literal_eval(found)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                found = None
        if not is_list(found) or not found or any(isinstance(one, (list, dict)) for one in found):
            raise MergeError(f"{where}: `doc_to_choice` gives no list of choices.")
        return [str(one) for one in found]

    def _filled(self, key: str, document: Mapping[str, Any], where: str) -> Any:
        """A template of the task with a document's values: its column where it is the name of one."""
        template = self.task.get(key, "")
        if not isinstance(template, str):
            raise MergeError(f"{self.source}: `{key}` must be a text.")
        if template in document:
            found = document[template]
            return found if isinstance(found, str) or is_list(found) else str(found)
        if time.monotonic() > self._ends:
            raise MergeError(f"{self.source}: its templates take longer than {QUESTIONS_SECONDS} seconds, and were stopped.")
        if "{" not in template:
            return template
        return templates.filled(template, document, f"{where}, `{key}`")

    # ------------------------------------------------------------------------------------------ documents

    def _documents(self) -> Iterator[Mapping[str, Any]]:
        for file in self._files():
            text = self._text(file)
            found = _table(text) if self.task["dataset_path"] == "csv" else _objects(text, str(file), self._field())
            for document in found:
                if not is_mapping(document):
                    raise MergeError(f"{file}: a document must be a mapping of names to values.")
                yield {str(key): value for key, value in document.items()}

    def _text(self, file: Path) -> str:
        if self.beside is not None:
            if file.name not in self.beside:
                raise MergeError(f"{self.source}: its documents are in {file.name[:80]}: open both files together.")
            return self.beside[file.name].removeprefix("\ufeff")
        try:
            if file.stat().st_size > QUESTIONS_BYTES:
                raise MergeError(f"{file}: has more than {QUESTIONS_BYTES:,} bytes, too many for questions.")
            return read_text(file).removeprefix("\ufeff")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not text"
            raise MergeError(f"{self.source}: {file} cannot be read: {why}.") from None

    def _field(self) -> str:
        asked: Any = self.task.get("dataset_kwargs")
        return str(asked.get("field") or "") if is_mapping(asked) else ""

    def _files(self) -> list[Path]:
        """The files of the split that is scored."""
        path, asked = self.task.get("dataset_path"), self.task.get("dataset_kwargs")
        if path not in ("json", "csv"):
            raise MergeError(
                f"{self.source}: its documents come from the network (`dataset_path: {str(path)[:60]}`); here they come from "
                f"local files: dataset_path json or csv, and dataset_kwargs with data_files. Else {_itself(self.file)}."
            )
        files: Any = asked.get("data_files") if is_mapping(asked) else None
        splits = [self.task.get(key) for key in ("test_split", "validation_split", "training_split")]
        split = next((one for one in splits if isinstance(one, str) and one), "train")
        if is_mapping(files):
            if split not in files:
                raise MergeError(f"{self.source}: its data_files have no {split!r}, the split that is scored.")
            files = files[split]
        listed = files if is_list(files) else [files]
        if not listed or any(not isinstance(one, str) or not one for one in listed):
            raise MergeError(f"{self.source}: dataset_kwargs must name local data_files.")
        for one in listed:
            if re.match(r"[a-z0-9+]+://|hf:", str(one), re.IGNORECASE) or any(mark in str(one) for mark in "*?["):
                raise MergeError(f"{self.source}: {str(one)[:80]!r} is no local file; name the files themselves.")
        if self.beside is not None:
            return [Path(re.split(r"[/\\]", str(one))[-1]) for one in listed]
        found = [Path(str(one)).expanduser() for one in listed]
        return [one if one.exists() or one.is_absolute() else self.file.parent / one for one in found]


def _table(text: str) -> Iterator[Any]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            yield {key: value if value is not None else "" for key, value in row.items() if key is not None}
    except csv.Error as error:
        raise MergeError(f"line {reader.line_num}: this is not CSV: {error}.") from None


def _objects(text: str, source: str, key: str) -> Iterator[Any]:
    try:
        whole: Any = json.loads(text)
        yield from (whole.get(key) or [] if key and is_mapping(whole) else whole if is_list(whole) else [whole])
        return
    except (ValueError, RecursionError):
        pass
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                raise MergeError(f"{source}, line {number}: this is not JSON.") from None


__all__ = ["read_task"]
