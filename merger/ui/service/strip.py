"""The line under the bars: where the models of a recipe pull against each other, from a sketch that stays in memory."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import merger.ui.lanes as lanes
from merger.engine.plan import Plan
from merger.inspect.analysis import Sketch, TensorStats, combine, samples_for
from merger.limits import STRIP_TENSORS
from merger.recipe import Recipe
from merger.ui.sketch import law, layer_numbers
from merger.ui.studio import Studio
from merger.ui.workspace import Workspace, for_statistics


class Strip:
    """Statistics of a studio's recipes, as far as its visitor's access reaches."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def statistics(self, recipe: Recipe, plan: Plan | None = None) -> tuple[Plan, list[TensorStats]]:
        """Estimated statistics of every tensor, from a sketch that stays in memory. plan: the recipe's plan, if known.

        None of a merge with very many tensors: that takes longer than anybody waits.
        """
        if plan is None or plan.recipe != recipe:
            plan = self.studio.plan(recipe)
        if len(plan.jobs) > STRIP_TENSORS:
            return plan, []
        return plan, list(self._sketch(plan).measure(plan.jobs, plan.layout))

    def _sketch(self, plan: Plan) -> Sketch:
        """The sketch of a plan's models; it stays in memory."""
        models = self.studio.parents.open(plan.recipe, self.studio.access)
        self.studio.renew(())
        key = frozenset(models)
        if key not in self.studio.sketches:
            if len(self.studio.sketches) > 8:
                self.studio.sketches.clear()
            self.studio.sketches[key] = Sketch(models, samples_for(plan.jobs))
        return self.studio.sketches[key]

    def figures(self, recipe: Recipe) -> dict[str, Any]:
        """The estimated statistics as plain numbers: of the whole and of every layer."""
        _, stats = self.statistics(recipe)
        layers = sorted({s.layer for s in stats if s.layer is not None})
        groups = {"all": stats, **{f"layer {n}": [s for s in stats if s.layer == n] for n in layers}}
        combined = {name: combine(group, name) for name, group in groups.items()}
        return {
            "models": list(stats[0].models) if stats else [],
            "parts": {
                name: {
                    "conflict": whole.conflict, "conflict_before": whole.conflict_before, "density": list(whole.density),
                    "share": list(whole.share), "size": list(whole.size), "moved": whole.moved,
                }
                for name, whole in combined.items() if whole is not None
            },
        }  # fmt: skip

    def strip(self, work: Workspace, plan: Plan | None = None) -> dict[str, Any]:
        """The Mixer's `stats`: the models against chance in every column, a sentence, and a remark for every lane."""
        plan, stats = self.statistics(for_statistics(work), plan)
        grid = lanes.columns(plan)
        by_column: dict[int, list[TensorStats]] = {}
        for s in stats:
            by_column.setdefault(grid.of[s.name], []).append(s)
        floor = [_beyond(by_column.get(c)) for c in range(len(grid.columns))] if stats else []
        whole = combine(stats, "all")
        samples = self._sketch(plan).samples
        sampled = any(s.facts.numel >= samples for s in stats)
        return {
            "floor": [None if x is None else round(x, 4) for x in floor],
            "summary": _summary(whole, floor, layer_numbers(plan), len(plan.jobs)),
            "note": f"estimated from {samples:,} weights of each tensor" if sampled else "",
            "lanes": _remarks(whole, plan) if plan.recipe == work.recipe else {},
        }

    def law(self, work: Workspace, plan: Plan) -> dict[str, Any] | None:
        """How the browser follows a drag by itself (web/law/); None where it has to ask. `plan`: the recipe's plan."""
        if for_statistics(work) != work.recipe:
            return {"still": True}  # the strip compares the models as they are
        drawn = law(plan, work.split)
        return drawn and drawn | {"sketch": self.studio.samples.word(plan, self._sketch(plan))}

    def sample(self, word: object) -> dict[str, Any] | None:
        """What a law's `sketch` stands for; None where it is unknown, too long ago, or not for this visitor."""
        return self.studio.samples.fetch(word, self.studio.access)


def _beyond(cell: list[TensorStats] | None) -> float | None:
    whole = combine(cell or [], "")
    return None if whole is None else whole.contest.beyond


ABOUT = 0.05
"""As much as chance: so many shares more or less."""


def words_for(beyond: float | None, floor: Sequence[float | None], layers: Sequence[int]) -> str:
    """How far models pull against each other, in the words of the Mixer; web/law/words.js says the same.

    beyond  more than chance, of the whole; floor: of every column
    layers  each column's layer, counted from 1; 0 for what is none

    >>> words_for(0.08, [0.0, 0.09, 0.11, 0.01], [0, 1, 2, 3]), words_for(-0.02, [0.0], [1])
    ('more than chance, layers 1–2', 'about as much as chance')
    """
    if beyond is None:
        return "do not touch the same weights"
    said = "about as much as chance" if abs(beyond) <= ABOUT else "more than chance" if beyond > 0 else "less than chance"
    more = [n for x, n in zip(floor, layers, strict=True) if n and x is not None and x > ABOUT]
    if beyond < -ABOUT or not more or len(more) == sum(n > 0 for n in layers):
        return said
    runs = [[n for _, n in run] for _, run in groupby(enumerate(more), key=lambda place: place[1] - place[0])]
    named = ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs[:3]) + " …" * (len(runs) > 3)
    return f"{said}{', more in' if beyond <= ABOUT else ','} layer{'s' * (len(more) > 1)} {named}"


def _summary(whole: TensorStats | None, floor: Sequence[float | None], layers: Sequence[int], tensors: int) -> str:
    if tensors > STRIP_TENSORS:
        return f"{tensors:,} tensors are too many to compare while you wait"
    if whole is None:
        return "choose models to see"
    if len(whole.models) < 2:
        return "one model alone"
    return words_for(whole.contest.beyond, floor, layers)


def _remarks(whole: TensorStats | None, plan: Plan) -> dict[str, str]:
    if whole is None:
        return {}
    index = {entry.model: i for i, entry in enumerate(plan.recipe.models)}  # slices and modules have no lanes
    remarks: dict[str, str] = {}
    for i, model in enumerate(whole.models):
        if model not in index:
            continue
        text = f"{whole.share[i]:.0%} of the mix · keeps {whole.density[i]:.0%}".replace("%", " %")
        for param in plan.recipe.method.params:
            remarks[f"models[{index[model]}].parameters.{param.name}"] = text
    return remarks
