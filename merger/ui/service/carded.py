"""What the page has found out of a merge, for its card: of this very recipe, or nothing."""

import contextlib
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

import merger
from merger.errors import MergeError
from merger.hub.figures import CardFigure
from merger.recipe import Recipe
from merger.search.figures import ALL, compare, words
from merger.search.judge import Judge
from merger.ui.rows import Row
from merger.ui.service.answers import Answers
from merger.ui.service.feeds import is_right
from merger.ui.service.judging import ROWS_NAME, Judges, of_rows
from merger.ui.studio import GREEDY, Studio
from merger.ui.workspace import Workspace

_RIGHT, _ACCURACY = "share right", "accuracy"


def figures(studio: Studio, judges: Judges, session: str, work: Workspace, rows: Sequence[Row]) -> tuple[CardFigure, ...]:
    """What this visitor has had measured of the desk's recipe, and how many of the rows its merge answers right."""
    judge = judges.known(session)
    found = () if judge is None or _of_other_rows(judge, rows) else _measured(judge, work.recipe)
    if any(figure.of == ROWS_NAME for figure in found):
        return found
    return found + _of_rows(studio, work, [row for row in rows if row.ticked and row.right("") is not None])


def _of_other_rows(judge: Judge, rows: Sequence[Row]) -> bool:
    """Whether it asked the rows, and they are others by now."""
    asked = judge.questions
    if asked is None or asked.name != ROWS_NAME:
        return False
    try:
        return of_rows(rows) != asked
    except MergeError:
        return True


def facts() -> dict[str, str]:
    """What it was measured with."""
    known = {"merge-explorer": merger.__version__}
    for name in ("torch", "transformers"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            known[name] = importlib.metadata.version(name)
    return known


def _measured(judge: Judge, recipe: Recipe) -> tuple[CardFigure, ...]:
    own = judge.known(recipe)
    if own is None or judge.questions is None:
        return ()
    others = {parent: theirs for parent in judge.parents if (theirs := judge.known(parent)) is not None}
    made: list[CardFigure] = []
    for key, figure in own.figures.items():
        if key[0] == "right":
            told = [(parent, theirs.figures.get(key)) for parent, theirs in others.items()]
            against = [(parent, compare(figure, there)) for parent, there in told if there is not None]
            about = "; ".join([
                *([f"heard in {own.bits} bits"] if own.bits else []),
                *(f"against {Path(parent).name}: {words(gap)}" for parent, gap in against if gap is not None),
            ])  # fmt: skip
            name = _RIGHT if key[1] == ALL else f"{_RIGHT}, {key[1]}"
            made.append(CardFigure(name, _ACCURACY, figure.value, about, len(figure.parts), judge.questions.name))
    return tuple(made)


def _of_rows(studio: Studio, work: Workspace, rows: Sequence[Row]) -> tuple[CardFigure, ...]:
    """Nothing where not all of them have been answered by this recipe's merge, word by likeliest word."""
    said, right, bits = Answers(studio), list[bool](), set[int]()
    for row in rows:
        how = GREEDY.longer(row.times)
        with contextlib.suppress(MergeError):
            answer = said.recalled(work.recipe, row.prompt, how, said.voice(work, row.prompt, how))
            if answer is not None:
                right.append(is_right(row, answer.text, answer.cut) is True)
                bits.add(answer.bits)
    if not rows or len(right) < len(rows) or len(bits) > 1:
        return ()
    about = ", ".join([f"{sum(right)} right", *(f"heard in {each} bits" for each in bits if each)])
    return (CardFigure(_RIGHT, _ACCURACY, sum(right) / len(right), about, len(right), ROWS_NAME),)


__all__ = ["facts", "figures"]
