"""Starts: recipes to begin with on any models, where no preset knows them. No gradio, no tensors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import geometric_mean

from merger.engine.plan import Plan
from merger.files.layout import Board
from merger.methods import PLAIN, deltas
from merger.recipe import Entry, Parameters, Recipe, constant
from merger.ui.lanes import columns, lanes, painted, short_names
from merger.ui.workspace import Workspace

BY_VOTE = deltas.ties.__name__
KEPT = 0.3
"""What the vote keeps of every model: TIES' authors use .2; .3 holds up better for two or three models."""


def mixed(work: Workspace) -> tuple[str, ...]:
    """The models in the mix; where there are none but the base, those on the shelf."""
    return tuple(m for m in work.chosen if m != work.base) or work.shelf


@dataclass(frozen=True)
class Start:
    """A recipe to begin with. make: writes it for the models of a workspace."""

    key: str
    label: str
    says: str
    make: Callable[["Making"], Recipe]


@dataclass(frozen=True)
class Making:
    """What a start is made of.

    plan   of a recipe of the workspace
    sizes  tells how far each model is from the base, on average over its weights
    """

    work: Workspace
    plan: Callable[[Recipe], Plan]
    sizes: Callable[[Recipe], Sequence[float]]

    @property
    def models(self) -> tuple[str, ...]:
        """Those that are mixed."""
        return mixed(self.work)

    def added(self, weights: Sequence[float]) -> Recipe:
        """The models' changes added up, each with one weight."""
        return self.recipe(PLAIN, [(("weight", constant(round(w, 3))),) for w in weights])

    def recipe(self, method: str, parameters: Sequence[Parameters]) -> Recipe:
        """The models under a method, each with its parameters."""
        entries = tuple(Entry(model, own) for model, own in zip(self.models, parameters, strict=True))
        return Recipe(method, models=entries, base_model=self.work.base, seed=self.work.recipe.seed)

    def by_layer(self, weight: Callable[[int, float], float]) -> Recipe:
        """The models' changes added up. weight: of a model by its number, at a depth from 0 to 1."""
        flat = self.added([self.share] * len(self.models))
        plan = self.plan(flat)
        depths = _depths(columns(plan))
        values = {lane.path: [weight(lane.model or 0, depth) for depth in depths] for lane in lanes(plan)}
        return painted(plan, values)

    @property
    def share(self) -> float:
        """Of each model, where all have the same."""
        return round(1 / len(self.models), 3)


def _depths(grid: Board) -> list[float]:
    """Where each of the Mixer's columns lies, from 0 to 1: what comes before the layers at 0, what comes after at 1."""
    count = max(1, len(grid.columns) - 1)
    return [i / count for i in range(len(grid.columns))]


def _halves(on: Making) -> Recipe:
    count = len(on.models)
    return on.by_layer(lambda model, depth: 1.0 if min(int(depth * count), count - 1) == model else 0.0)


def _balanced(on: Making) -> Recipe:
    flat = on.added([on.share] * len(on.models))
    sizes = [max(size, 1e-9) for size in on.sizes(flat)] or [1.0] * len(on.models)
    middle = geometric_mean(sizes)
    return on.added([min(2.0, on.share * middle / size) for size in sizes])


def starts(work: Workspace) -> tuple[Start, ...]:
    """What any models can begin with, in the menu's order."""
    models = mixed(work)
    if not models:
        return ()
    names = short_names([work.base, *work.shelf])
    alone = tuple(
        Start(f"alone {i}", f"{names[model]} alone", "One model as it is, the others at 0.",
              lambda on, i=i: on.added([float(i == j) for j in range(len(on.models))]))
        for i, model in enumerate(models)
    )  # fmt: skip
    if len(models) == 1:
        half = Start("half", "Half of it", "Half of what the model learned.", lambda on: on.added([0.5]))
        return (half, _LAST_THIRD, *alone)
    equal = "Half and half" if len(models) == 2 else "Equal parts"
    halves = "First half, second half" if len(models) == 2 else "One after the other"
    return (
        Start("equal", equal, "What each learned, in equal parts.", lambda on: on.added([on.share] * len(on.models))),
        Start("balanced", "Norm balanced", "As equal parts, but who changed little counts more.", _balanced),
        Start("vote", f"Largest {KEPT:.0%}, by vote", "The largest changes of each, where most agree on the direction.",
              lambda on: on.recipe(BY_VOTE, [(("weight", constant(1.0)), ("density", constant(KEPT)))] * len(on.models))),
        Start("halves", halves, "Early layers of one, late layers of the other.", _halves),
        _LAST_THIRD,
        *alone,
    )  # fmt: skip


_LAST_THIRD = Start(
    "last", "Only the last third", "The base, but for its last layers: manners change, knowledge stays.",
    lambda on: on.by_layer(lambda _, depth: on.share if depth >= 2 / 3 else 0.0),
)  # fmt: skip


def begun(work: Workspace, key: str, plan: Callable[[Recipe], Plan], sizes: Callable[[Recipe], Sequence[float]]) -> Recipe | None:
    """The recipe of a start; None where there is no such start. plan, sizes: as `Making` has them."""
    found = next((start for start in starts(work) if start.key == key), None)
    return found and found.make(Making(work, plan, sizes))


def with_start(work: Workspace, key: str, recipe: Recipe) -> Workspace:
    """The workspace on a start's recipe, under its name."""
    label = next(start.label for start in starts(work) if start.key == key)
    return replace(work, recipe=recipe, chosen=tuple(entry.model for entry in recipe.models), preset=label)


__all__ = ["Start", "begun", "starts", "with_start"]
