"""The strip over the bars: where the models of a recipe disagree, from a sketch that stays in memory."""

from typing import Any

import merger.ui.lanes as lanes
from merger.engine.plan import Plan
from merger.files.layout import ROLES
from merger.inspect.analysis import Sketch, TensorStats, combine, samples_for
from merger.limits import STRIP_TENSORS
from merger.recipe import Recipe
from merger.ui.sketch import law
from merger.ui.state import Workspace, for_statistics
from merger.ui.studio import Studio


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
        """The Mixer's `stats`: sign conflict by role and column, a sentence, and a remark for every lane."""
        plan, stats = self.statistics(for_statistics(work), plan)
        grid = lanes.columns(plan)
        by_cell: dict[tuple[str, int], list[TensorStats]] = {}
        for s in stats:
            by_cell.setdefault((s.role, grid.of[s.name]), []).append(s)
        rows = [
            {"label": role, "values": [_conflict(by_cell.get((role, c))) for c in range(len(grid.columns))]}
            for role in ROLES if any((role, c) in by_cell for c in range(len(grid.columns)))
        ]  # fmt: skip
        whole = combine(stats, "all")
        samples = self._sketch(plan).samples
        sampled = any(s.facts.numel >= samples for s in stats)
        return {
            "rows": rows,
            "summary": _summary(whole, work.recipe, len(plan.jobs)),
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


def _conflict(cell: list[TensorStats] | None) -> float | None:
    whole = combine(cell or [], "")
    return None if whole is None else round(whole.conflict, 4)


def _summary(whole: TensorStats | None, recipe: Recipe, tensors: int) -> str:
    if tensors > STRIP_TENSORS:
        return f"{tensors:,} tensors are too many to compare while you wait."
    if whole is None:
        return "Choose models to see where they disagree."
    if len(whole.models) < 2:
        return "One model alone: nothing to disagree with."
    if recipe.method.takes != "deltas":
        return f"{whole.conflict:.0%} of the weights are pulled both ways; {recipe.merge_method} holds no vote"
    return f"{whole.conflict:.0%} of the weights are pulled both ways"


def _remarks(whole: TensorStats | None, plan: Plan) -> dict[str, str]:
    if whole is None:
        return {}
    index = {entry.model: i for i, entry in enumerate(plan.recipe.models)}  # slices and modules have no lanes
    remarks: dict[str, str] = {}
    for i, model in enumerate(whole.models):
        if model not in index:
            continue
        text = f"keeps {whole.density[i]:.0%} of its changes, gives {whole.share[i]:.0%} of the result"
        for param in plan.recipe.method.params:
            remarks[f"models[{index[model]}].parameters.{param.name}"] = text
    return remarks
