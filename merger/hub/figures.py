"""Figures on a model's card: the Hub's `model-index` in README.md, and `.eval_results` for benchmarks that the Hub knows."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from merger.errors import MergeError
from merger.files.texts import read_text
from merger.limits import CARD_BYTES
from merger.regular import is_file

FOLDER, FILE = ".eval_results", "merge-explorer.yaml"
_HEAD = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_INDEX = re.compile(r"^model-index:.*\n(?:[ \t-].*\n|\n)*", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


@dataclass(frozen=True)
class CardFigure:
    """One figure as a card tells it.

    metric   the Hub's type of it: accuracy, perplexity, ...
    value    told with what can be said of its error in `about`
    of       the set of questions, the text or the task
    dataset  the Hub's dataset of it, and its subset; "" where the questions are one's own
    """

    name: str
    metric: str
    value: float
    about: str
    questions: int
    of: str
    dataset: str = ""
    subset: str = ""


def write_figures(folder: Path, figures: Sequence[CardFigure], facts: Mapping[str, str]) -> list[Path]:
    """Write figures into a model's folder, over those that were there; returns the files.

    facts  what they were measured with, and when: `date` in ISO 8601, versions, seed
    MergeError where the folder is none, or cannot be written.
    """
    if not folder.is_dir():
        raise MergeError(f"{folder}: is no folder; name the folder of the model whose card gets the figures.")
    card = folder / "README.md"
    text = read_text(card, 16 * CARD_BYTES) if is_file(card) else "# A merged model\n"
    made = [(card, with_figures(text, figures, facts, folder.resolve().name))]
    if any(figure.dataset for figure in figures):
        made.append((folder / FOLDER / FILE, eval_results(figures, facts)))
    try:
        for file, content in made:
            file.parent.mkdir(exist_ok=True)
            file.write_text(content, encoding="utf-8", newline="\n")
        if len(made) == 1 and is_file(folder / FOLDER / FILE):
            (folder / FOLDER / FILE).unlink()  # of what was measured before
    except OSError as error:
        raise MergeError(f"{folder}: its card cannot be written: {error.strerror}.") from None
    return [file for file, _ in made]


def with_figures(text: str, figures: Sequence[CardFigure], facts: Mapping[str, str], name: str) -> str:
    """A card with figures: as `model-index` in its head, and as a table before its recipe."""
    found = _HEAD.match(text)
    head, body = (found[1] + "\n", text[found.end() :]) if found else ("", text)
    head = _INDEX.sub("", head)
    pieces = [piece for piece in _sections(body) if not piece.startswith("## Figures\n")]
    at = next((i for i, piece in enumerate(pieces) if piece.startswith("## Recipe\n")), len(pieces))
    before, after = "".join(pieces[:at]), "".join(pieces[at:])
    section = "\n".join([
        "## Figures", "", "| | | questions | |", "|---|---|---|---|",
        *(f"| {_cell(f.of)}: {_cell(f.name)} | {f.value:.4g} | {f.questions} | {_cell(f.about)} |" for f in figures), "",
        f"Measured {', '.join(f'{key} {_cell(value)}' for key, value in facts.items())}.", "", "",
    ])  # fmt: skip
    return f"---\n{head}{_index(figures, facts, name)}---\n{before.rstrip(chr(10))}\n\n{section}{after}"


def _sections(body: str) -> list[str]:
    """A card cut before each of its headings; what stands in a code block, as prompts and answers do, is none.

    >>> _sections("a\\n## b\\n```\\n## c\\n```\\n")
    ['a\\n', '## b\\n```\\n## c\\n```\\n']
    """
    pieces, fence = [""], ""
    for line in re.findall(r"[^\n]*\n|[^\n]+", body):
        mark = _FENCE.match(line)
        if not fence and line.startswith("## "):
            pieces.append("")
        elif not fence and mark and not (mark[1][0] == "`" and "`" in mark[2]):
            fence = mark[1]
        elif fence and mark and mark[1].startswith(fence) and not mark[2].strip():
            fence = ""
        pieces[-1] += line
    return pieces


def _index(figures: Sequence[CardFigure], facts: Mapping[str, str], name: str) -> str:
    """The Hub's model-index: a result for each set of questions, with its metrics."""
    sets = dict.fromkeys((f.of, f.dataset, f.subset, f.questions) for f in figures)
    lines = ["model-index:", f"  - name: {_quoted(name)}", "    results:"]
    for of, dataset, subset, questions in sets:
        lines += [
            "      - task:", "          type: text-generation", "        dataset:", f"          name: {_quoted(of)}",
            f"          type: {_quoted(dataset or of)}",
            *([f"          config: {_quoted(subset)}"] if subset else []),
            "          args:", f"            questions: {questions}",
            *(f"            {_quoted(key)}: {_quoted(value)}" for key, value in facts.items()),
            "        metrics:",
        ]  # fmt: skip
        for f in figures:
            if (f.of, f.dataset, f.subset, f.questions) == (of, dataset, subset, questions):
                lines += [
                    f"          - type: {_quoted(f.metric)}",
                    f"            name: {_quoted(f.name)}",
                    f"            value: {f.value:.6g}",
                ]
    return "\n".join(lines) + "\n"


def eval_results(figures: Sequence[CardFigure], facts: Mapping[str, str]) -> str:
    """The Hub's `.eval_results` of those figures whose dataset it has."""
    lines: list[str] = []
    for f in figures:
        if f.dataset:
            notes = ", ".join(part for part in (f.name, f.about, f"{f.questions} questions", _facts(facts)) if part)
            lines += [
                "- dataset:",
                f"    id: {_quoted(f.dataset)}",
                f"    task_id: {_quoted(f.subset or f.of)}",
                f"  value: {f.value:.6g}",
                *([f"  date: {_quoted(facts['date'])}"] if "date" in facts else []),
                f"  notes: {_quoted(notes)}",
            ]
    return "\n".join(lines) + "\n"


def _facts(facts: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in facts.items() if key != "date")


def _quoted(text: str) -> str:
    """Text as YAML takes it, whatever is in it: a JSON string is one, but for signs that YAML wants written as their numbers."""
    said = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 1 << 16 else f"\\U{ord(c):08x}" for c in said)


def _cell(text: str) -> str:
    """Text for a cell of a table, or a line: no line, column, tag or link of its own."""
    return re.sub(r"\s", " ", text).replace("|", "\\|").replace("<", "&lt;").replace("](", "]\\(").replace("`", "'")


__all__ = ["FILE", "FOLDER", "CardFigure", "eval_results", "with_figures", "write_figures"]
