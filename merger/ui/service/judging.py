"""Figures of a desk's merge against the models it is made of, for its rows or for a set of questions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from merger.errors import MergeError
from merger.inside import presets
from merger.recipe import Recipe
from merger.search.babble import babbling
from merger.search.figures import NAMES, SHARES, Kind, compare, shown, words
from merger.search.judge import ALL, Judge, Key, Measured
from merger.search.llama import Guest
from merger.search.questions import Question, QuestionSet, read_questions
from merger.search.trials import alone
from merger.ui.lanes import short_names
from merger.ui.rows import Row
from merger.ui.service.improve import NO_ROWS
from merger.ui.studio import Studio
from merger.ui.workspace import Workspace

KINDS: tuple[Kind, ...] = ("right", "nll", "agree")
EACH = 20
"""Questions of each skill of the family's."""
_REMEMBERED = 8
"""Visitors whose models' figures are remembered."""
ROWS_NAME = "the ticked rows"


class Judges:
    """What was measured for each visitor, so that a stroke's merge alone is measured anew."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, Judge]] = {}

    def of(self, session: str, key: object, make: Callable[[], Judge]) -> Judge:
        """The visitor's judge of the same questions and models; else a new one."""
        known, judge = self._known.pop(session, (None, None))
        if judge is None or known != key:
            judge = make()
        self._known[session] = key, judge
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return judge

    def known(self, session: str) -> Judge | None:
        """The judge that this visitor asked last."""
        return self._known.get(session, (None, None))[1]

    def leave(self, session: str) -> None:
        """The visitor is gone."""
        self._known.pop(session, None)


def of_rows(rows: Sequence[Row]) -> QuestionSet:
    """The ticked rows as questions; those that are a matter of taste ask for what the parents say."""
    found = [Question(row.prompt, row.answer, row.match or "parent", "rows") for row in rows if row.ticked]
    if not found:
        raise MergeError(NO_ROWS)
    return QuestionSet(ROWS_NAME, tuple(dict.fromkeys(found)))


def of_family(recipe: Recipe) -> QuestionSet:
    """The questions that come with the family, of those skills whose models are in the mix."""
    names = {reference.rstrip("/").rsplit("/", 1)[-1] for reference in recipe.merged}
    whole = read_questions(presets() / "probes.json", limit=EACH)
    found = tuple(q for q in whole.questions if q.skill in names)
    return QuestionSet("the family's own questions", found or whole.questions)


class Judging:
    """On a studio's second merged model, which is used by one at a time (`Studio.sweeping`)."""

    def __init__(self, studio: Studio, judges: Judges) -> None:
        self.studio, self.judges = studio, judges

    def bits(self, work: Workspace) -> int:
        """In how many bits llama.cpp says what is judged; 0 where it fits in memory. MergeError where it cannot be asked."""
        outlook = self.studio.outlook(work.recipe, alone(work.recipe, work.base))
        if outlook.kind != "live":
            raise MergeError(f"{outlook.words} So it cannot be asked here; `merger judge --stream` at home can.")
        return outlook.bits

    def measure(
        self, work: Workspace, asked: QuestionSet, session: str, go_on: Callable[[], bool], tell: Callable[[str], None],
        stopped: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:  # fmt: skip
        """The figures as the page shows them: of the merge, and how much more they are than each other's.

        stopped  as go_on, without waiting until nobody else wants to be answered
        """
        recipe, access = work.recipe, self.studio.access
        models = alone(recipe, work.base)
        access.check(*recipe.opened, *models)
        bits = self.bits(work)
        judge = self.judges.of(session, (asked, models, bits), lambda: self._judge(asked, models, bits))
        judge.access = access
        if isinstance(judge.runner, Guest):
            judge.runner.stopped = stopped
        names = short_names([*models, *recipe.references])
        everybody: dict[str, Recipe | str] = {"your merge": recipe, **{names[m]: m for m in models}}
        kept = work.slots[0]
        if kept is not None and kept != recipe and {*kept.opened} <= {*models, *recipe.opened}:
            everybody["A"] = kept
        measured: dict[str, Measured] = {}
        for name, what in everybody.items():
            measured[name] = judge.measure(what, progress=lambda p, name=name: tell(f"{name}: {p.share:.0%}"), go_on=go_on)
        theirs = [h for m in models if m != recipe.base_model for h in measured[names[m]].heard]
        hint = babbling(measured["your merge"].heard, self.studio.verdict(recipe).findings, theirs)
        return {
            "columns": _columns(measured), "rows": _rows(measured, asked, names),
            "hint": f"{hint.words} {hint.fix}" if hint else "",
        }  # fmt: skip

    def _judge(self, asked: QuestionSet, models: Sequence[str], bits: int) -> Judge:
        """Through llama.cpp one is loaded at a time: each is asked by itself, and none is held beside another token by token."""
        if not bits:
            return Judge(self.studio.searcher, asked, parents=models, access=self.studio.access)
        if all(question.match == "parent" for question in asked.questions):
            raise MergeError(TASTE.format(bits=bits))
        return Judge(Guest(self.studio.second), asked, access=self.studio.access)


TASTE = (
    "This merge is heard in {bits} bits through llama.cpp, one model at a time, and so only right answers are judged: "
    "none of these prompts has one. Write one beside a prompt."
)


def _columns(measured: Mapping[str, Measured]) -> list[str]:
    """Who was judged, and how each was heard where that was through llama.cpp.

    >>> _columns({"your merge": Measured({}, (), bits=8), "base": Measured({}, (), bits=8)})
    ['heard in 8 bits', 'your merge', 'base']
    """
    bits = {one.bits for one in measured.values()}
    if len(bits) == 1:
        return [*(f"heard in {each} bits" if each else "" for each in bits), *measured]
    return ["", *(f"{name}, in {one.bits} bits" for name, one in measured.items())]


def _rows(measured: Mapping[str, Measured], asked: QuestionSet, names: Mapping[str, str]) -> list[list[str]]:
    own, *others = measured.values()
    keys = [key for key in own.figures if key[0] in KINDS and (key[1] in (ALL, *asked.skills) or key[0] == "agree")]
    return [
        [_named(key, names, len(asked.skills)), shown(key[0], own.figures[key].value), *_cells(key, own, others)] for key in keys
    ]


def _named(key: Key, names: Mapping[str, str], skills: int) -> str:
    kind, of = key
    head = {"right": "Right", "nll": "\N{MINUS SIGN}log P of the answer", "agree": "Next word as"}.get(kind, NAMES[kind])
    better = "" if kind in SHARES else "\nlower is better"
    about = names.get(of, of if of != ALL else "all" if skills > 1 else "")
    return f"{head}{', ' if about and kind != 'agree' else ' '}{about}".strip() + better


def _cells(key: Key, own: Measured, others: Sequence[Measured]) -> list[str]:
    """Each other's figure, and below it how much more the merge has."""
    cells: list[str] = []
    for other in others:
        theirs = other.figures.get(key)
        between = None if theirs is None else compare(own.figures[key], theirs)
        cells.append("–" if theirs is None else shown(key[0], theirs.value) + (f"\n{words(between)}" if between else ""))
    return cells


__all__ = ["ROWS_NAME", "Judges", "Judging", "of_family", "of_rows"]
