"""Study: a search over what slopes cannot reach: which method, which models, which densities, more in early layers or late.

Optuna chooses what to try (extra `search`); -log P of what is wanted is the score, on a few prompts first. Trials are kept in an
SQLite file, where the search goes on tomorrow, and where Optuna's own dashboard reads them.
"""

import json
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from merger.engine.session import Parents
from merger.errors import MergeError, nearest
from merger.methods import METHODS
from merger.recipe import Entry, Recipe, constant, dump, load
from merger.recipe.between import effective
from merger.search import seats
from merger.search.figures import ALL, Interval, by_skill, compare
from merger.search.likelihood import Example
from merger.search.slopes import Heard, Mix, slopes
from merger.search.store import opened, optuna, swept, working
from merger.search.trials import Runner
from merger.search.tune import Found, Goals, titles

SAMPLERS = ("tpe", "cmaes", "nsga2")
STARTUP = 8
"""Trials that are asked everything, before any is given up."""
TOGETHER = 4
"""Trials that are decided on at once, whoever tries them: the same with one worker as with many."""
BEST = 5
"""Trials that are heard on what was kept back; the best there is offered."""


@dataclass(frozen=True)
class Space:
    """What is searched: methods by name, whether models may be left out, whether weights may grow or fall over the layers."""

    methods: tuple[str, ...]
    leave_out: bool = True
    layers: bool = True


@dataclass(frozen=True)
class Tried:
    """A trial.

    heard  -log P by skill, on all examples that were learned from; empty where it was given up, and `note` says why
    each   the same of every example, and in `start` that of the recipe as it was before the search
    """

    number: int
    text: str
    heard: Mapping[str, float] = field(default_factory=dict[str, float])
    note: str = ""
    each: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    start: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])

    @property
    def loss(self) -> float:
        """The mean over the skills of -log P; infinite for a trial that was given up."""
        return sum(self.heard.values()) / len(self.heard) if self.heard else math.inf

    @property
    def against(self) -> Interval | None:
        """How much -log P differs from the start's, example by example; None where one of the two is not known."""
        sides = [tuple((skill, value) for skill, own in side.items() for value in own) for side in (self.each, self.start)]
        return _apart(*sides) if all(sides) else None


@lru_cache(1024)
def _apart(own: tuple[tuple[str, float], ...], start: tuple[tuple[str, float], ...]) -> Interval | None:
    """A page asks again at every trial."""
    return compare(by_skill("nll", own)["nll", ALL], by_skill("nll", start)["nll", ALL])


def space(recipe: Recipe, methods: Sequence[str] = ()) -> Space:
    """The space around a recipe. methods: by name; none: its own, and those on deltas that take weights and no decompositions."""
    for name in methods:
        if name not in METHODS:
            raise MergeError(f"{name[:60]!r} is not a method.{nearest(name, METHODS)}")
    if recipe.slices or recipe.modules or not recipe.models:
        raise MergeError(f"{recipe.source}: a search takes recipes of `models:`, not of slices or modules.")
    n, based = len(_donors(recipe)), recipe.base_model is not None
    fits = [
        m.name for m in METHODS.values()
        if m.param("weight") and (m.takes == "tensors" or based) and m.models[0] <= n <= (m.models[1] or n)
    ]  # fmt: skip
    for name in methods:
        if name not in fits:
            raise MergeError(f"'{name}' cannot be searched for these models: it has no weights, or needs a base or other models.")
    usual = [name for name in fits if METHODS[name].takes == "deltas" and not METHODS[name].law.decomposes]
    own = [recipe.merge_method] if recipe.merge_method in fits else []
    return Space(tuple(methods or dict.fromkeys([*own, *usual])) or tuple(fits[:1]), leave_out=n > 2)


def _donors(recipe: Recipe) -> list[Entry]:
    return [entry for entry in recipe.models if entry.model != recipe.base_model]


def recipe_of(recipe: Recipe, where: Space, point: Mapping[str, Any]) -> Recipe:
    """The recipe at a point of the space: Optuna's parameters by name."""
    method = METHODS[point["method"]] if "method" in point else METHODS[where.methods[0]]
    entries: list[Entry] = []
    for i, entry in enumerate(_donors(recipe)):
        if point.get(f"use {i}", True):
            weight, tilt = float(point[f"weight {i}"]), float(point.get(f"tilt {i}", 0.0))
            ends = tuple(float(f"{weight * (1 + sign * tilt):.4g}") for sign in (-1, 1))
            entries.append(Entry(entry.model, (("weight", constant(ends if ends[0] != ends[1] else ends[0])),)))
    shared = [("density", constant(float(f"{point['density']:.4g}")))] if method.param("density") and "density" in point else []
    kept = [(name, setting) for name, setting in recipe.parameters if name in ("normalize", "lambda") and method.param(name)]
    made = replace_fields(
        recipe, merge_method=method.name, models=tuple(entries), parameters=(*shared, *kept), text=None, notes=(),
        base_model=recipe.base_model if method.base in ("required", "optional") else None,
    )  # fmt: skip
    return load(dump(made), recipe.source)  # checked as any other


def _suggested(trial: Any, recipe: Recipe, where: Space) -> dict[str, Any]:
    """A point, asked of Optuna."""
    point: dict[str, Any] = {}
    if len(where.methods) > 1:
        point["method"] = trial.suggest_categorical("method", list(where.methods))
    for i in range(len(_donors(recipe))):
        if where.leave_out:
            point[f"use {i}"] = trial.suggest_categorical(f"use {i}", [True, False])
        point[f"weight {i}"] = trial.suggest_float(f"weight {i}", 0.0, 1.5)
        if where.layers:
            point[f"tilt {i}"] = trial.suggest_float(f"tilt {i}", -0.5, 0.5)
    point["density"] = trial.suggest_float("density", 0.1, 1.0)
    return point


# ---------------------------------------------------------------------------------------------- the search


@dataclass(frozen=True)
class Order:
    """A search as each process gets it.

    storage  an SQLite file; sweeps that are kept in it are tried first
    seconds  after which nothing begins; they count from when all is ready for the first trial
    stamp    of the models, by search/store.py: others' trials are no trials of these
    """

    recipe: str
    where: Space
    learn: Mapping[str, tuple[Example, ...]]
    storage: Path
    sampler: str
    seed: int
    trials: int
    seconds: float
    device: str = "cpu"
    roots: tuple[Path, ...] = (Path(),)
    stamp: str = ""

    @property
    def name(self) -> str:
        """The study's: another recipe, space, set of examples, or other weights are another study in the same file."""
        said = repr((self.recipe, self.where, sorted(self.learn.items()), self.sampler == "nsga2", self.stamp))
        return sha256(said.encode()).hexdigest()[:16]


def _study(order: Order, seed: int) -> Any:
    package = optuna()
    if order.sampler not in SAMPLERS:
        raise MergeError(f"--sampler {order.sampler}: write {', '.join(SAMPLERS)}.{nearest(order.sampler, SAMPLERS)}")
    several = order.sampler == "nsga2"
    try:
        made = {"tpe": "TPESampler", "cmaes": "CmaEsSampler", "nsga2": "NSGAIISampler"}[order.sampler]
        more = {"constant_liar": True} if order.sampler == "tpe" else {}  # several are asked before one is told
        sampler = getattr(package.samplers, made)(seed=seed, **more)
    except ImportError:
        raise MergeError(
            f"--sampler {order.sampler}: needs the package cmaes, which is not installed: pip install cmaes."
        ) from None
    return opened(order.storage, order.name, ["minimize"] * (len(order.learn) if several else 1), sampler)


def search(
    order: Order, runner: Runner | None = None, *, workers: int = 1, ray: str | None = None, nice: int | None = None,
    go_on: Callable[[], bool] = lambda: True, told: Callable[[int], None] = lambda _: None,
) -> list[Tried]:  # fmt: skip
    """Search, and give every trial of the study, the best first; those of earlier days too. told: hears of each that is done.

    What is tried is decided here, `TOGETHER` at a time, so that it does not depend on who tries it.

    workers  processes beside each other, each with a merged model of its own
    ray      where a Ray cluster answers (auto, ray://host:10001, host:6379; local: one is begun here); `workers` at a time
    nice     processes of their own that stand back for others, also where there is one
    """
    study = _study(order, order.seed)
    with working(order.storage):
        first = runner if runner is not None else _runner(order)
        if not study.trials:
            for point in _first(order, first):
                study.enqueue_trial(point)
        for point in _swept(order):
            study.enqueue_trial(point, skip_if_exists=True)
        if "start" not in study.user_attrs:
            heard = Mix(first, load(order.recipe), ["weight"]).hear(order.learn, go_on=go_on)
            study.set_user_attr("start", json.dumps({skill: _short(one.each) for skill, one in heard.items()}))
        with seats.opened(order, workers, ray, first, nice, go_on) as try_all:
            _turns(order, study, try_all, go_on, told)
        return _tried(order, study)


def _turns(
    order: Order, study: Any, try_all: seats.TryAll, go_on: Callable[[], bool], told: Callable[[int], None]
) -> None:  # fmt: skip
    """Trials, until there are enough of all or the time is over."""
    recipe, ends = load(order.recipe), time.monotonic() + order.seconds
    while (left := order.trials - len(_begun(study))) > 0 and time.monotonic() <= ends and go_on():
        trials: list[Any] = []
        tasks: list[seats.Task] = []
        worse = _half(study, order)
        for trial in [study.ask() for _ in range(min(TOGETHER, left))]:
            try:
                made = recipe_of(recipe, order.where, _suggested(trial, recipe, order.where))
            except MergeError as error:
                _give_up(study, trial, str(error))
                continue
            trial.set_user_attr("recipe", dump(made))
            trials.append(trial)
            tasks.append(seats.Task(dump(made), worse))
        outcomes = try_all(tasks, go_on)
        for trial, outcome in zip(trials, outcomes, strict=True):
            if outcome is None:  # it was stopped
                study.tell(trial, state=optuna().trial.TrialState.FAIL)
                continue
            _tell(order, study, trial, outcome)
            told(trial.number)


def _begun(study: Any) -> list[Any]:
    """The trials that are no longer waiting to be tried."""
    return [trial for trial in study.trials if trial.state != optuna().trial.TrialState.WAITING]


def _tell(order: Order, study: Any, trial: Any, outcome: seats.Outcome) -> None:
    """What came of a trial, to Optuna."""
    if outcome.few is not None:
        trial.set_user_attr("few", outcome.few)
        if order.sampler != "nsga2":
            trial.report(outcome.few, 0)
    if outcome.note:
        _give_up(study, trial, outcome.note)
        return
    trial.set_user_attr("each", json.dumps({skill: _short(own) for skill, own in outcome.heard.items()}))
    losses = [sum(own) / len(own) for own in outcome.heard.values()]
    trial.set_user_attr("heard", json.dumps(dict(zip(outcome.heard, losses, strict=True))))
    study.tell(trial, losses if order.sampler == "nsga2" else sum(losses) / len(losses))


def _short(losses: Sequence[float]) -> list[float]:
    """As many digits as tell anything: there may be thousands."""
    return [float(f"{loss:.6g}") for loss in losses]


def _read(told: str | None) -> dict[str, tuple[float, ...]]:
    """What was written of each example's -log P."""
    return {skill: tuple(own) for skill, own in json.loads(told or "{}").items()}


def _give_up(study: Any, trial: Any, why: str) -> None:
    trial.set_user_attr("note", why.splitlines()[0])
    study.tell(trial, state=optuna().trial.TrialState.PRUNED)


def _half(study: Any, order: Order) -> float | None:
    """The middle of what all trials so far had on a few prompts, beyond which nothing more is asked; None while they are few."""
    few = [trial.user_attrs["few"] for trial in study.trials if "few" in trial.user_attrs]
    return statistics.median(few) if len(few) >= STARTUP and order.sampler != "nsga2" else None


def _runner(order: Order) -> Runner:
    return Runner(Parents(order.device, order.roots))


def _first(order: Order, runner: Runner) -> list[dict[str, Any]]:
    """The recipe as it is, then the same with its weights a step along their slopes."""
    recipe = load(order.recipe)
    bars = [bar for bar in Mix(runner, recipe, ["weight"]).bars if bar.model in {entry.model for entry in _donors(recipe)}]
    found = slopes(runner, recipe, {skill: own[: seats.FEW] for skill, own in order.learn.items()}, ["weight"])
    table = found.table.sum(1)
    far = float(table.abs().max()) or 1.0
    first: list[dict[str, Any]] = []
    for step in (0.0, 0.2):
        point: dict[str, Any] = {"method": recipe.merge_method, "density": 0.5}
        for i, bar in enumerate(bars):
            weight = sum(bar.number(layer) for layer in range(bar.count)) / bar.count
            moved = weight - step * float(table[found.bars.index(bar)]) / far
            point |= {f"use {i}": True, f"tilt {i}": 0.0, f"weight {i}": min(1.5, max(0.0, moved))}
        if recipe.merge_method not in order.where.methods:
            point["method"] = order.where.methods[0]
        first.append(point)
    return first if bars else []


def _swept(order: Order) -> list[dict[str, Any]]:
    """Points that sweeps in the file have tried, the best first, at most as many as half of the trials."""
    recipe, found = load(order.recipe), list[dict[str, Any]]()
    for trial in swept(order.storage, recipe):
        if len(found) >= order.trials // 2:
            break
        try:
            point = point_of(recipe, order.where, trial.text)
        except MergeError:  # nobody's recipe
            continue
        found += [point] if point is not None and point not in found else []
    return found


def point_of(recipe: Recipe, where: Space, text: str) -> dict[str, Any] | None:
    """A recipe's point of the space; None where it is no point there. The other way round than `recipe_of`."""
    made = load(text)
    method, own = made.method, {entry.model: entry for entry in made.models}
    if method.name not in where.methods or not set(own) <= {entry.model for entry in _donors(recipe)} or not own:
        return None
    point: dict[str, Any] = {"method": method.name, "density": 0.5}
    for i, entry in enumerate(_donors(recipe)):
        values = _values(made, "weight", own[entry.model]) if entry.model in own else (0.0,)
        if values is None or (entry.model not in own and not where.leave_out):
            return None
        weight, tilt = sum(values) / len(values), 0.0
        if len(values) > 1:
            tilt = (values[-1] - values[0]) / (2 * weight) if weight else math.inf
        if not 0 <= weight <= 1.5 or abs(tilt) > (0.5 if where.layers else 0.0):
            return None
        point |= {f"weight {i}": weight} | ({f"use {i}": entry.model in own} if where.leave_out else {})
        point |= {f"tilt {i}": tilt} if where.layers else {}
    if method.param("density"):
        densities = [_values(made, "density", entry) or () for entry in made.models]
        if len(set(densities)) != 1 or len(densities[0]) != 1 or not 0.1 <= densities[0][0] <= 1.0:
            return None
        point["density"] = densities[0][0]
    return point if _alike(made, recipe_of(recipe, where, point)) else None


def _values(recipe: Recipe, name: str, entry: Entry) -> tuple[float, ...] | None:
    """A number of a model, or the two ends of its line over the layers; None where it is anything else."""
    param = recipe.method.param(name)
    rules = effective(recipe, param, entry=entry).rules if param else ()
    if len(rules) != 1 or rules[0][0] is not None:
        return None
    value = rules[0][1]
    values = value if isinstance(value, tuple) else (value,)
    numbers = tuple(float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool))
    return numbers if len(numbers) == len(values) <= 2 else None


def _alike(one: Recipe, other: Recipe) -> bool:
    """Whether all that is no point's number says the same to the method of both."""
    if one.merge_method != other.merge_method or len(one.models) != len(other.models):
        return False
    pairs = [(a, b) for a in one.models for b in other.models if a.model == b.model]
    return all(
        effective(one, param, entry=a).rules == effective(other, param, entry=b).rules
        for a, b in pairs
        for param in one.method.params
        if param.name not in ("weight", "density")
    )


def _mean(heard: Mapping[str, Heard]) -> float:
    return sum(one.loss for one in heard.values()) / len(heard)


def tried(order: Order) -> list[Tried]:
    """What a file holds of this search, the best first."""
    study = _study(order, order.seed)
    with working(order.storage):
        return _tried(order, study)


def _tried(order: Order, study: Any) -> list[Tried]:
    """The study's trials, the best first."""
    start = _read(study.user_attrs.get("start"))
    found = [
        Tried(
            trial.number, trial.user_attrs.get("recipe", ""), json.loads(trial.user_attrs.get("heard", "{}")),
            trial.user_attrs.get("note", ""), _read(trial.user_attrs.get("each")), start,
        )
        for trial in _begun(study)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.loss, one.number))


def front(found: Sequence[Tried]) -> list[Tried]:
    """The trials that no other beats in every skill (Pareto), the best mean first."""
    whole = [one for one in found if one.heard]
    return [
        one for one in whole
        if not any(
            all(other.heard[s] <= one.heard[s] for s in one.heard) and any(other.heard[s] < one.heard[s] for s in one.heard)
            for other in whole
        )
    ]  # fmt: skip


def in_short(recipe: Recipe) -> str:
    """A recipe's method and weights in a few words."""
    names = titles(recipe)
    short = {reference: title for title, reference in names.items()}
    weights: list[str] = []
    for entry in recipe.models:
        values = [f"{value:.2g}" for name, setting in entry.parameters if name == "weight" for value in setting.values]
        weights.append(f"{short.get(entry.model, entry.model)} {'..'.join(values)}")
    density = next((f", density {next(s.values):.2g}" for name, s in recipe.parameters if name == "density"), "")
    return f"{recipe.merge_method}: {', '.join(weights)}{density}"


def chosen(runner: Runner, recipe: Recipe, found: Sequence[Tried], wanted: Goals) -> Found:
    """The best of the first few trials on what was kept back, against the recipe as it is."""
    before = Mix(runner, recipe, ["weight"]).hear(wanted.keep)
    best = Found(recipe, before, before)
    for one in [one for one in found if one.heard][:BEST]:
        made = load(one.text)
        heard = Mix(runner, made, ["weight"]).hear(wanted.keep)
        candidate = Found(made, before, heard)
        if candidate.better and _mean(heard) < _mean(best.after):
            best = candidate
    return best


__all__ = [
    "SAMPLERS",
    "Order",
    "Space",
    "Tried",
    "chosen",
    "front",
    "in_short",
    "optuna",
    "point_of",
    "recipe_of",
    "search",
    "space",
    "tried",
]
