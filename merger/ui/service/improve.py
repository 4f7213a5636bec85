"""Improving: what a desk's rows and questions want of a merge, bars that move towards that, and which way each of them helps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from merger.chat.model import Plain
from merger.errors import MergeError
from merger.recipe import Recipe, dump, replace_all
from merger.search import tune as tuning
from merger.search.likelihood import Example
from merger.search.questions import QuestionSet
from merger.search.slopes import Bar, Said, Slopes, said, slopes
from merger.search.trials import Probe, Runner
from merger.ui.lanes import short_names
from merger.ui.rows import Row
from merger.ui.service.idle import Idle
from merger.ui.studio import GREEDY, Studio

STRIDE = 0.1
"""How far one step moves the bar that helps most, as a share of its slider."""
FIRST = 32
"""Tokens of an answer from which it is told which way helps: more take longer, and tell little more."""
ARROWS = 40
"""Layers up to which each has an arrow of its own."""
REMEMBERED = 64
"""Recipes and rows of which it is remembered which way helps."""
NO_ROWS = "Ask something first, and tick it: the prompts that are ticked say what the merge is to be good at."
GoOn = Callable[[], bool]


@dataclass(frozen=True)
class Ways:
    """Which way each bar of a recipe helps its merge to answer the rows."""

    recipe: Recipe
    slopes: Slopes

    @property
    def shown(self) -> dict[str, dict[str, object]]:
        """By a bar's path: `way` 1 (more helps), -1 (less helps) or 0; `layers`: the same for each layer of the output.

        Bars of which it cannot be told are left out.
        """
        layers = self.slopes.layers() if self.slopes.table.shape[1] - 1 <= ARROWS else ()
        return {
            bar.path: {"way": _way(whole), "layers": [_way(one) for one in layers[i]] if layers else []}
            for i, (bar, whole) in enumerate(zip(self.slopes.bars, self.slopes.whole(), strict=True)) if bar.told
        }  # fmt: skip

    def step(self, locks: Sequence[str]) -> Recipe:
        """The recipe with its bars a little that way. MergeError where none may move, or none helps."""
        bars, whole = self.slopes.bars, self.slopes.whole()
        free = ~tuning.locked(bars, self.slopes.table.shape[1] - 1, locks)
        largest: dict[str, float] = {}
        for bar, slope in zip(bars, whole, strict=True):
            largest[bar.param.name] = max(largest.get(bar.param.name, 0.0), abs(slope or 0.0))
        changes: dict[str, object] = {}
        for i, (bar, slope) in enumerate(zip(bars, whole, strict=True)):
            by = -(slope or 0.0) / (largest[bar.param.name] or 1.0) * STRIDE * bar.width
            own = [_kept(bar, layer, by) if bool(free[i, layer]) else 0.0 for layer in range(bar.start, bar.start + bar.count)]
            if any(own):
                changes[bar.path] = bar.moved(own, tuning.DIGITS)
        if not changes:
            raise MergeError("No bar that may move helps these prompts any more.")
        return replace_all(self.recipe, changes)


def _begun(one: Example) -> Example:
    """An answer's first words."""
    return one if len(one.wanted) <= FIRST else replace(one, wanted=one.wanted[:FIRST], ends=False)


def _way(slope: float | None) -> int:
    return 0 if not slope else 1 if slope < 0 else -1


def _kept(bar: Bar, layer: int, by: float) -> float:
    """As much of a move as its slider has room for."""
    low, high = bar.param.slider
    number = bar.number(layer)
    return min(by, max(0.0, high - number)) if by > 0 else max(by, min(0.0, low - number))


class Improving:
    """On a studio's second merged model, which is used by one at a time (`Studio.sweeping`)."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    @property
    def runner(self) -> Runner:
        """The second merged model."""
        return self.studio.searcher

    def check(self, recipe: Recipe) -> None:
        """MergeError where a recipe cannot be heard here, or its models not be used by this visitor."""
        outlook = self.studio.outlook(recipe, tuning.parents(recipe))
        if outlook.bits:  # llama.cpp tells no slopes
            raise MergeError(
                f"This merge does not fit in memory as it is, and heard in {outlook.bits} bits it cannot be improved; "
                "`merger tune` on a larger machine can do that."
            )
        if outlook.kind != "live":
            raise MergeError(f"{outlook.words} So it cannot be asked here; `merger tune` at home can.")

    # ------------------------------------------------------------------------------------------ what is wanted

    def wanted(self, recipe: Recipe, rows: Sequence[Row], own: QuestionSet | None, toys: bool, go_on: GoOn) -> tuning.Goals:
        """The parents' own answers to the ticked rows; of the family that comes with the program also to its own prompts.

        own: questions of the visitor's, whose wanted answers count as their skills. MergeError where nothing is wanted.
        """
        ticked = [row for row in rows if row.ticked]
        if not ticked:
            raise MergeError(NO_ROWS)
        names = short_names(recipe.references)
        found: dict[str, list[Example]] = {names[model]: [] for model in tuning.parents(recipe)}
        answered = self._of_rows(recipe, ticked, go_on)
        for model, example in answered.values():
            found.setdefault(names[model], []).append(example)
        for model, prompts in (tuning.family_prompts(recipe) if toys else {}).items():
            assert model is not None
            known = {row.prompt for row in ticked}
            found[names[model]] += self._said(recipe, model, [p for p in prompts if p not in known], go_on)
        nobody = [
            Probe("", row.prompt, row.answer)
            for row in ticked
            if row.right("") is not None and row.id not in answered and not toys
        ]
        if own is not None:
            more, lost = tuning.wanted_of(
                self.runner, recipe, own, names, go_on=go_on, access=self.studio.access, known=self.known
            )
            nobody += lost
            for skill, examples in more.items():
                found.setdefault(skill, []).extend(examples)
        lacking = [names[model] for model in tuning.parents(recipe) if not found[names[model]]]
        if lacking and own is None and sum(map(bool, found.values())) < 2 and len(found) > 1:
            raise MergeError(f"No ticked prompt is one of {', '.join(lacking)}: ask something that it answers in its own way.")
        return tuning.goals(found, nobody)

    def _of_rows(self, recipe: Recipe, rows: Sequence[Row], go_on: GoOn) -> dict[str, tuple[str, Example]]:
        """By a row's id the model whose answer is wanted there, and it: the first that is right, else the most its own."""
        access = self.studio.access
        probes = {row.id: Probe("", row.prompt, row.answer, row.match or "exact") for row in rows if row.right("") is not None}
        right = tuning.given(
            self.runner, recipe, tuple(dict.fromkeys(probes.values())), go_on=go_on, access=access, known=self.known
        )
        found = {name: right[probe] for name, probe in probes.items() if probe in right}
        tastes = {row.id: row.prompt for row in rows if row.id not in probes}
        unique = tuple(dict.fromkeys(tastes.values()))
        out = tuning.given_out(self.runner, recipe, unique, go_on=go_on, access=access, known=self.known)
        for model, prompts in out.items():
            for name, prompt in tastes.items():
                if prompt in prompts:
                    found.update((name, (model, one)) for one in self._said(recipe, model, [prompt], go_on))
        return found

    def _said(self, recipe: Recipe, model: str, prompts: Sequence[str], go_on: GoOn) -> list[Example]:
        listener = self.runner.merged(recipe, go_on, self.studio.access)
        known = {prompt: there for prompt in prompts if (there := self.known(model, prompt)) is not None}
        return said(self.runner.parent(model, self.studio.access), prompts, listener=listener, known=known, go_on=go_on)

    def known(self, model: str, prompt: str) -> Said | None:
        """What a model has said to a prompt on the page already."""
        heard = None if isinstance(prompt, Plain) else self.studio.answered.get((model, prompt, GREEDY, 0))
        return None if heard is None else ([token.id for token in heard.tokens], not heard.cut)

    # ------------------------------------------------------------------------------------------ what is found

    def steps(
        self, recipe: Recipe, wanted: tuning.Goals, seconds: float, locks: Sequence[str], idle: Idle
    ) -> Iterator[tuning.Step]:
        """Move the bars while nobody wants an answer; seconds do not count waiting."""
        return tuning.tune(
            self.runner, recipe, wanted, seconds=seconds, locks=locks, go_on=idle.go_on, access=self.studio.access,
            clock=idle.clock,
        )  # fmt: skip

    def ways(self, recipe: Recipe, rows: Sequence[Row], names: Sequence[str], go_on: GoOn) -> Ways | None:
        """Which way the bars help the ticked rows, each row as much as the others; None where nobody answers any of them.

        What was found is remembered: every visitor begins with the same rows on the same bars. Call `check` first, which holds
        that this visitor may use the models.
        """
        ticked = [row for row in rows if row.ticked]
        asked = repr((dump(recipe), [(row.prompt, row.answer, row.match) for row in ticked], list(names)))
        key, remembered = sha256(asked.encode("utf-8", "surrogatepass")).digest(), self.studio.slopes
        if key not in remembered:
            found = self._of_rows(recipe, ticked, go_on)
            wanted = {name: [_begun(example)] for name, (_, example) in found.items()}
            told = slopes(self.runner, recipe, wanted, names, go_on=go_on, access=self.studio.access) if wanted else None
            remembered[key] = told
            while len(remembered) > REMEMBERED:
                remembered.popitem(last=False)
        else:
            told = remembered[key]
            remembered.move_to_end(key)
        return None if told is None else Ways(recipe, told)


__all__ = ["ARROWS", "NO_ROWS", "Improving", "Ways"]
