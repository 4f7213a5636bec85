"""Recipe <-> Mixer: what stands in the recipe as numbers per column, and what was painted as recipe settings.

A lane is a parameter of one model. Split, it is two: the attention of each layer, and the rest of it (the MLP, and the norms
that are not inside the attention module). What is split is written as rules with filters, taken from the tensors' own names.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from typing import Any

from merger.engine.arguments import Arguments
from merger.engine.plan import Plan
from merger.errors import RecipeError
from merger.files.layout import ATTENTION as ATTENTION_ROLES
from merger.files.layout import MLP as MLP_ROLES
from merger.files.layout import Board, Layout, board, role
from merger.methods.params import Param
from merger.recipe import Recipe, Setting, Value, replace_all

Values = dict[str, list[float]]
"""Lane path -> one number per column."""

Rules = list[tuple[str | None, Value]]

ATTENTION, REST = "attention", "rest"
_WORDS = {ATTENTION: "attention", REST: "MLP"}


@dataclass(frozen=True)
class Lane:
    """One row of faders: a parameter of one model, or of the whole recipe (model None).

    path  its place in the recipe, with `#attention` or `#rest` behind it when the lane is one part of each layer
    part  attention, rest, or None for whole layers
    """

    path: str
    param: Param
    model: int | None
    label: str
    part: str | None = None

    @property
    def setting(self) -> str:
        """Its place in the recipe."""
        return self.path.partition("#")[0]

    @property
    def name(self) -> str:
        """What a screen reader calls it."""
        return " ".join([self.label, *([_WORDS[self.part]] if self.part else []), self.param.name])


@dataclass(frozen=True)
class Reading:
    """What the lanes show: numbers, lanes whose columns hold several values, lanes whose norms go their own way."""

    shown: Values
    mixed: frozenset[str]
    apart: frozenset[str]


def short_names(references: Sequence[str]) -> dict[str, str]:
    """The last part of each reference, the whole where that is not unique; long ones lose what all of them begin and end with.

    >>> short_names(["presets/family/pirate", "a/tiny", "b/tiny"])
    {'presets/family/pirate': 'pirate', 'a/tiny': 'a/tiny', 'b/tiny': 'b/tiny'}
    >>> list(short_names(["x/SmolLM2-135M-Instruct-pirate-v1", "x/SmolLM2-135M-Instruct-json-v1"]).values())
    ['…pirate…', '…json…']
    >>> base = "x/SmolLM2-135M-Instruct"
    >>> list(short_names([base, f"{base}-pirate-v1", f"{base}-json-v1"]).values())
    ['SmolLM2-1…M-Instruct', '…pirate…', '…json…']
    """
    last = {r: r.rstrip("/").rsplit("/", 1)[-1] or r for r in references}
    names = {r: name if list(last.values()).count(name) == 1 else r for r, name in last.items()}
    return dict(zip(names, _without_shared(list(names.values())), strict=True))


_LONG = 20
"""Characters of a name that is shown whole."""


def _shared(names: Sequence[str]) -> str:
    """What all names begin with."""
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in same)


def _without_shared(names: list[str]) -> list[str]:
    """Names without what the long ones begin and end with, up to a mark between words; what is long still loses its middle.

    A name that all others go on from, as fine-tunes do from their base's, does not count: they would share no more than it has.
    """
    long = [name for name in names if len(name) > _LONG]
    stem = min(long, key=len, default="")
    if len(long) > 2 and all(name.startswith(stem) for name in long):
        long = [name for name in long if name != stem]
    if len(long) < 2:
        return names
    begin, end = _shared(long), _shared([name[::-1] for name in long])[::-1]
    begin = begin[: max((begin.rfind(mark) + 1 for mark in "-_./"), default=0)]
    end = end[min((at for mark in "-_." if (at := end.find(mark)) >= 0), default=len(end)) :]
    if min(len(name) - len(begin) - len(end) for name in long) < 1:
        end = ""

    def cut(name: str) -> str:
        if name in long:
            name = f"{'…' if begin else ''}{name[len(begin) : len(name) - len(end)]}{'…' if end else ''}"
        return name if len(name) <= _LONG else f"{name[: _LONG // 2 - 1]}…{name[-_LONG // 2 :]}"

    shown = [cut(name) for name in names]
    return shown if len(set(shown)) == len(shown) and all(shown) else names


INKS = 8
"""Colours for models; a ninth model repeats the first."""
_TOYS = ("pirate", "plural", "spell", "count", "story", "mirror")


def inks(models: Sequence[str]) -> dict[str, int]:
    """Each model's colour, which it keeps whoever joins or leaves after it: the toys' own, else by its name, else the next free.

    models  in the order of joining

    >>> inks(["presets/family/plural", "a/tiny", "b/tiny"])
    {'presets/family/plural': 1, 'a/tiny': 3, 'b/tiny': 4}
    """
    chosen: dict[str, int] = {}
    for model in dict.fromkeys(models):
        name = model.rstrip("/").rsplit("/", 1)[-1]
        toy = model.startswith("presets/family/") and name in _TOYS
        wish = _TOYS.index(name) if toy else _hashed(name) % INKS
        free = [(wish + step) % INKS for step in range(INKS) if (wish + step) % INKS not in chosen.values()]
        chosen[model] = wish if toy or not free else free[0]
    return chosen


def _hashed(name: str) -> int:
    """FNV-1a: the same in every process and browser."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def columns(plan: Plan) -> Board:
    """The Mixer's columns for a plan."""
    return _grid(*_shape(plan))


_Shape = tuple[tuple[str, ...], tuple[tuple[str, int], ...], str | None]


def _shape(plan: Plan) -> _Shape:
    """What columns and filters depend on, as a key: a drag asks for them many times a second."""
    return plan.names, tuple(plan.layout.stacks.items()), plan.layout.main


@lru_cache(maxsize=32)
def _grid(names: tuple[str, ...], stacks: tuple[tuple[str, int], ...], main: str | None) -> Board:
    return board(names, Layout(dict(stacks), main))


# ---------------------------------------------------------------------------------------------- attention and the rest


def filters(plan: Plan) -> tuple[str, ...]:
    """The `filter`s that find the attention of every layer and nothing of its MLP; () where the names do not tell them apart."""
    return _filters(*_shape(plan))


@lru_cache(maxsize=32)
def _filters(names: tuple[str, ...], stacks: tuple[tuple[str, int], ...], main: str | None) -> tuple[str, ...]:
    where = Layout(dict(stacks), main)
    inner = _inner(names, where)
    roles = {i: role(i) for i in inner.values()}
    attention = [i for i, r in roles.items() if r in ATTENTION_ROLES]
    mlp = [i for i, r in roles.items() if r in MLP_ROLES]
    if not attention or not mlp:
        return ()
    filters: list[str] = []
    for name in attention:
        # the module whose parts are attention only: `self_attn`, `attn`, `attention`, `SelfAttention`
        words = [w for w in name.split(".")[:-1] if not w.isdigit() and not any(w in m.split(".") for m in mlp)]
        filters.append(_filter_of(words[0], inner) if words else f".{name}")
    pattern = tuple(dict.fromkeys(filters))
    return pattern if not any(f in n for f in pattern for n, i in inner.items() if i in mlp) else ()


def _inner(names: Iterable[str], where: Layout) -> dict[str, str]:
    """Tensors of the main stack -> their name inside their layer."""
    inside: dict[str, str] = {}
    for name in names:
        layer = where.layer(name)
        if layer is not None and where.main is not None:
            inside[name] = name[len(where.main) + len(str(layer)) + 1 :]
    return inside


def _filter_of(word: str, inner: Mapping[str, str]) -> str:
    """`word` if it finds just the tensors of that module, else with its dots: `attention` is in `post_attention_layernorm`."""
    exact = all((word in name) == (word in i.split(".")) for name, i in inner.items())
    return word if exact else f".{word}."


def _parts(plan: Plan, split: bool) -> dict[str | None, tuple[tuple[str, ...], ...]]:
    """The tensors that a lane of each part moves in each column; edge columns belong to the rest."""
    return dict(_parts_of(*_shape(plan), split))


@lru_cache(maxsize=32)
def _parts_of(
    names: tuple[str, ...], stacks: tuple[tuple[str, int], ...], main: str | None, split: bool
) -> tuple[tuple[str | None, tuple[tuple[str, ...], ...]], ...]:
    grid = _grid(names, stacks, main)
    if not split:
        return ((None, tuple(column.names for column in grid.columns)),)
    filters = _filters(names, stacks, main)
    mine = [tuple(n for n in c.names if c.kind == "layer" and any(f in n for f in filters)) for c in grid.columns]
    others = [tuple(n for n in c.names if n not in m) for c, m in zip(grid.columns, mine, strict=True)]
    return ((ATTENTION, tuple(mine)), (REST, tuple(others)))


@lru_cache(maxsize=32)
def _spots_of(
    names: tuple[str, ...], stacks: tuple[tuple[str, int], ...], main: str | None, split: bool
) -> tuple[tuple[str | None, int, tuple[str, ...]], ...]:
    """(part, column, tensors) of those that a rule without a filter gives one number: of one column and one layer."""
    where = Layout(dict(stacks), main)
    spots: dict[tuple[str | None, int, tuple[str | None, int]], list[str]] = {}
    for part, listed in _parts_of(names, stacks, main, split):
        for i, column in enumerate(listed):
            for name in column:
                spots.setdefault((part, i, where.place(name)), []).append(name)
    return tuple((part, i, tuple(alike)) for (part, i, _), alike in spots.items())


def attention(plan: Plan) -> frozenset[str]:
    """The tensors that a split lane's attention half moves; none where the names do not tell them apart."""
    return frozenset(name for names in _parts(plan, bool(filters(plan))).get(ATTENTION, ()) for name in names)


# ---------------------------------------------------------------------------------------------- reading a plan


def lanes(plan: Plan, split: bool = False) -> tuple[Lane, ...]:
    """The lanes of a plan: every per-model number of its method; without one, the method's shared ones (slerp's t).

    split  two lanes for each: attention and the rest
    """
    whole = _whole(plan)
    if not split or not filters(plan):
        return whole
    return tuple(replace(lane, path=f"{lane.path}#{part}", part=part) for lane in whole for part in (ATTENTION, REST))


def _whole(plan: Plan) -> tuple[Lane, ...]:
    recipe = plan.recipe
    job = next((j for j in plan.jobs if j.method is not None), None)
    if job is None or recipe.slices or recipe.modules:
        return ()
    names = short_names(recipe.references)
    numbers = [p for p in recipe.method.params if p.kind == "float"]
    index = {entry.model: i for i, entry in enumerate(recipe.models)}
    layers = [
        Lane(f"models[{index[source.model]}].parameters.{param.name}", param, index[source.model], names[source.model])
        for param in numbers if param.per_model
        for source in job.sources if source.model in index
    ]  # fmt: skip
    if layers:
        return tuple(layers)
    label = " to ".join(names[source.model] for source in job.sources)
    return tuple(Lane(f"parameters.{p.name}", p, None, label) for p in numbers if p.required and not p.per_model)


def values(plan: Plan, rows: Sequence[Lane], grid: Board) -> tuple[Values, frozenset[str]]:
    """What each lane shows in each column, from the resolved jobs; and the lanes whose columns hold several values."""
    assert len(grid.columns) == len(columns(plan).columns)
    reading = read(plan, rows)
    return reading.shown, reading.mixed


def read(plan: Plan, rows: Sequence[Lane]) -> Reading:
    """What the lanes show. A column of several values shows their mean; norms beside an even MLP are told apart instead."""
    parts = _parts(plan, any(lane.part for lane in rows))
    jobs = {job.name: (job.args, job.models) for job in plan.jobs if job.method}
    cells = {part: [_alike(names, jobs) for names in listed] for part, listed in parts.items()}
    shown: Values = {}
    mixed: set[str] = set()
    apart: set[str] = set()
    for lane in rows:
        shown[lane.path] = []
        for cell in cells[lane.part]:
            here = _numbers(cell, lane, plan.recipe)
            if lane.part is not None and len({number for number, _ in here}) > 1:
                main = [(number, names) for number, names in here if any(role(name) != "norm" for name in names)]
                if len({number for number, _ in main}) == 1:
                    here = main
                    apart.add(lane.path)
            if len({number for number, _ in here}) > 1:
                mixed.add(lane.path)
                each = [number for number, names in here for _ in names]
                shown[lane.path].append(round(math.fsum(each) / len(each), 6))
            else:
                shown[lane.path].append(round(here[0][0], 6) if here else 0.0)
    for lane in rows:  # where a lane has no tensors it shows its other half: nothing reads it, and the view keeps its range
        other = {ATTENTION: REST, REST: ATTENTION}.get(lane.part or "")
        if other is not None:
            for i, names in enumerate(parts[lane.part]):
                if not names:
                    shown[lane.path][i] = shown[f"{lane.setting}#{other}"][i]
    return Reading(shown, frozenset(mixed), frozenset(apart))


_Alike = dict[tuple[Arguments, tuple[str, ...]], list[str]]
"""The tensors of a column by their arguments and models: mostly all of a layer are one entry."""


def _alike(names: Sequence[str], jobs: Mapping[str, tuple[Arguments, tuple[str, ...]]]) -> _Alike:
    """Those that are merged."""
    cell: _Alike = {}
    for name in names:
        if name in jobs:
            cell.setdefault(jobs[name], []).append(name)
    return cell


def _numbers(cell: _Alike, lane: Lane, recipe: Recipe) -> list[tuple[float, list[str]]]:
    """The lane's numbers with the tensors that have them; tensors that its model has no part in are left out."""
    key = lane.param.name
    if lane.model is None:
        return [(args.number(key), names) for (args, _), names in cell.items()]
    model = recipe.models[lane.model].model
    # the place among the merged, not among the listed: a base that is listed is not merged
    return [(args.one(key, models.index(model)), names) for (args, models), names in cell.items() if model in models]


# ---------------------------------------------------------------------------------------------- writing a recipe


def painted(plan: Plan, changed: Mapping[str, Any], split: bool | None = None) -> Recipe:
    """The plan's recipe with painted lanes; what the browser sent is checked like any recipe.

    Layers become a curve with one number each, which mergekit reads as the same numbers. Embeddings, final norm and head
    become rules before it, where the curve would give them something else (its first value). Attention that differs from the
    rest of its layer becomes rules of its own.

    split  whether the paths are those of split lanes; None: as they look
    """
    rows = {lane.path: lane for lane in lanes(plan, any("#" in path for path in changed) if split is None else split)}
    width = len(columns(plan).columns)
    now: Values = {}
    for path, numbers in changed.items():
        if path not in rows:
            raise RecipeError(f"{path}: is not a lane of this recipe.")
        if not isinstance(numbers, list) or len(numbers) != width:
            raise RecipeError(f"{path}: needs one number for each of {width} columns.")
        if not all(isinstance(n, (int, float)) and math.isfinite(n) for n in numbers):
            raise RecipeError(f"{path}: only numbers can be painted.")
        now[path] = [round(float(n), 4) for n in numbers]
    before = {path: [round(n, 4) for n in numbers] for path, numbers in read(plan, list(rows.values())).shown.items()}
    parts = _parts(plan, any(lane.part for lane in rows.values()))
    changes: dict[str, Any] = {}
    for setting in dict.fromkeys(rows[path].setting for path in now):
        mine = [lane for lane in rows.values() if lane.setting == setting]
        moved = any(
            names and a != b
            for lane in mine if lane.path in now
            for a, b, names in zip(now[lane.path], before[lane.path], parts[lane.part], strict=True)
        )  # fmt: skip
        if moved:
            changes[setting] = _setting({lane.part: now.get(lane.path, before[lane.path]) for lane in mine}, mine[0], plan)
    return replace_all(plan.recipe, changes) if changes else plan.recipe


def _setting(numbers: Mapping[str | None, list[float]], lane: Lane, plan: Plan) -> Any:
    """The recipe's words for painted numbers, {part: a number per column}: the shortest that give every tensor its own."""
    parts = _parts(plan, None not in numbers)
    kinds = [column.kind for column in columns(plan).columns]
    rest = numbers[REST if REST in numbers else None]
    curve = [n for n, kind in zip(rest, kinds, strict=True) if kind == "layer"]
    inner: Rules = [(None, _curve(curve) if curve else rest[0])]
    if ATTENTION in numbers:
        both = zip(numbers[ATTENTION], rest, parts[ATTENTION], kinds, strict=True)
        mine = [a if names else r for a, r, names, kind in both if kind == "layer"]
        if mine != curve:
            inner = [*((pattern, _curve(mine)) for pattern in filters(plan)), *inner]
    look = _lookup(plan, lane)
    edges, inside = list[tuple[str | None, Value]](), look(inner)
    for i, column in enumerate(columns(plan).columns):  # at the edges there is no attention: they belong to the rest
        if column.kind != "layer" and any(inside(name) != rest[i] for name in column.names):
            edges += [(pattern, rest[i]) for pattern in _patterns(column.names, plan)]
    spots = _spots_of(*_shape(plan), None not in numbers)
    main: Rules = [(plan.layout.main, value) if pattern is None else (pattern, value) for pattern, value in inner]
    for rules in ([*edges, *inner], [*main, *edges, inner[-1]]):  # an edge's name may be a part of a layer's
        found, filtered = look(rules), any(pattern is not None for pattern, _ in rules)
        if all(found(name) == numbers[part][i] for part, i, names in spots for name in (names if filtered else names[:1])):
            return _document(rules)
    # Whole names, the longest first: none is found inside an earlier one.
    wanted = {name: numbers[part][i] for part, listed in parts.items() for i, names in enumerate(listed) for name in names}
    every: Rules = [(name, wanted[name]) for name in sorted(wanted, key=len, reverse=True)]
    return _document([*every, (None, rest[0])])


def _curve(numbers: list[float]) -> Value:
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)


def _document(rules: Rules) -> Any:
    written = [
        {"value": list(value) if isinstance(value, tuple) else value} | ({"filter": pattern} if pattern is not None else {})
        for pattern, value in rules
    ]
    return [dict(sorted(rule.items())) for rule in written] if len(written) > 1 else written[0]["value"]


def _lookup(plan: Plan, lane: Lane) -> Callable[[Rules], Callable[[str], Any]]:
    """What rules give a tensor: looked up by its name in the lane's model, at its place in its stack."""
    model = None if lane.model is None else plan.recipe.models[lane.model].model

    def look(rules: Rules) -> Callable[[str], Any]:
        setting, layout = Setting(tuple(rules)), plan.layout
        given: dict[tuple[Any, ...], Any] = {}  # the same for all tensors of a layer in whose names the same filters are
        patterns = [pattern for pattern, _ in setting.rules if pattern is not None]
        jobs = plan.jobs if patterns and model is not None else ()
        own = {job.name: job.sources[job.models.index(model)].name for job in jobs if model in job.models}

        def at(name: str) -> Any:
            mine, (stack, index) = own.get(name, name), layout.place(name)
            key = (stack, index, *[pattern in mine for pattern in patterns])
            if key not in given:
                given[key] = setting.at(mine, index, layout.stacks[stack] if stack else 0)
            return given[key]

        return at

    return look


def _patterns(names: Sequence[str], plan: Plan) -> list[str]:
    """Filters for tensors outside the main stack: what all their names begin with, else their stacks and whole names."""
    first, last = min(names), max(names)
    begins = first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]
    begins = begins[: begins.rfind(".") + 1]
    if len(names) > 1 and begins and sum(begins in job.name for job in plan.jobs) == len(names):
        return [begins]
    plain = [plan.layout.place(name)[0] or name for name in names]
    return list(dict.fromkeys(plain))


# ---------------------------------------------------------------------------------------------- for the browser


def told_apart(plan: Plan) -> bool:
    """Whether the recipe gives attention other numbers than the MLP of the same layer, evenly in each: best shown split."""
    whole, halves = lanes(plan), lanes(plan, split=True)
    if whole == halves:
        return False
    uneven = read(plan, whole).mixed
    if not uneven:
        return False
    reading = read(plan, halves)
    differs = [s for s in uneven if reading.shown[f"{s}#{ATTENTION}"] != reading.shown[f"{s}#{REST}"]]
    return bool(differs) and not any(lane.path in reading.mixed for lane in halves if lane.setting in differs)


def _why_locked(recipe: Recipe) -> str:
    if recipe.slices:
        return "This recipe is made of slices; the bars work on whole models."
    if recipe.modules:
        return "This recipe names the modules of its models; the bars work on whole models."
    return f"{recipe.merge_method} decides by itself how much of each model it takes; there is nothing to paint."


def describe(
    plan: Plan, initial: Values | None = None, split: bool | None = None, shelf: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(value, board) for the Mixer component: the numbers, and what they mean.

    initial  what Reset goes back to; of whole or of split lanes
    split    two lanes for each, attention and the rest; None: if the recipe tells them apart
    shelf    the models in the order of joining, which gives them their colours
    """
    can_split = bool(filters(plan))
    rows, grid = lanes(plan, told_apart(plan) if split is None else split), columns(plan)
    parts = _parts(plan, any(lane.part for lane in rows))
    reading = read(plan, rows)
    params = {lane.param.name: lane.param for lane in rows}
    slots = {model: i for i, model in enumerate(dict.fromkeys(lane.model for lane in rows if lane.model is not None))}
    ink = inks([*shelf, *(entry.model for entry in plan.recipe.models)])
    return (
        {"lanes": reading.shown, "seq": 0},
        {
            "columns": [{"label": c.label, "kind": c.kind, "layer": c.layer} for c in grid.columns],
            "params": [{"name": p.name, "label": p.label or p.name, "help": p.help} for p in params.values()],
            "lanes": [
                {
                    "path": lane.path, "model": lane.label, "param": lane.param.name, "name": lane.name,
                    "slot": slots[lane.model] if lane.model is not None else None,
                    "ink": ink[plan.recipe.models[lane.model].model] if lane.model is not None else None,
                    "low": lane.param.low, "high": lane.param.high, "view": list(lane.param.slider), "step": lane.param.step,
                    "default": float(lane.param.default) if isinstance(lane.param.default, (int, float)) else 0.5,
                    "note": _note(lane, reading),
                    "part": _WORDS[lane.part] if lane.part else "",
                    "off": [i for i, names in enumerate(parts[lane.part]) if lane.part and not names],
                }
                for lane in rows
            ],
            "initial": _initial(initial, rows) or reading.shown,
            "locked": not rows,
            "note": "" if rows else _why_locked(plan.recipe),
            "split": any(lane.part for lane in rows),
            "can_split": can_split and bool(rows),
            # zero everywhere else leaves the base there; an average of nothing would be no model
            "can_keep": plan.recipe.method.takes == "deltas" or not any(lane.model is not None for lane in rows),
        },
    )  # fmt: skip


def _note(lane: Lane, reading: Reading) -> str:
    if lane.path in reading.mixed:
        return "set by rules inside the layers; painting replaces them"
    apart = any(path.partition("#")[0] == lane.setting for path in reading.apart)
    return "norms have numbers of their own; painting takes them along" if apart else ""


def _initial(given: Values | None, rows: Sequence[Lane]) -> Values | None:
    """Numbers to go back to, for these lanes; given for whole lanes they hold for both halves."""
    initial = {lane.path: (given or {}).get(lane.path) or (given or {}).get(lane.setting) for lane in rows}
    return {path: numbers for path, numbers in initial.items() if numbers} or None
