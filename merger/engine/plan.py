"""Recipe + headers -> Plan: one frozen TensorJob per output tensor, with every number resolved.

Reads no weights, but for heads that a config.json says are the embeddings again, and tables of whole numbers.
"""

import math
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch

from merger.engine import stacks
from merger.engine.arguments import Argument, Arguments
from merger.engine.stacks import Origin
from merger.errors import CheckpointError, RecipeError, nearest
from merger.files import heads, quantized
from merger.files.checkpoints import Checkpoint, Slot, Stored
from merger.files.layout import Layout, follows, is_buffer, layout, modules
from merger.files.texts import is_dict
from merger.limits import PLAN_TENSORS, PLANS_TENSORS
from merger.methods import Method
from merger.methods.params import Param, Scalar
from merger.recipe import Entry, Parameters, Recipe, Setting, Slice, scopes
from merger.tokenizer.tokens import (
    Aligned,
    OutputTokens,
    chat_template,
    decide,
    nobodys,
    read_vocabulary,
    special_ids,
    token_rows,
)

NO_ARGUMENTS = Arguments()


@dataclass(frozen=True)
class Source:
    """A tensor to read: model reference and the tensor's name there. `rows`: only the first so many, None for all.

    vocab  how its rows follow the output's tokens, None as they are stored; compared by its digest
    made   the digest of the document that makes the model, where an earlier document of the recipe does
    """

    model: str
    name: str
    rows: int | None = None
    vocab: Aligned | None = None
    made: str | None = None

    @property
    def key(self) -> str:
        """What its model is opened under: one name may stand for other documents in other recipes."""
        return self.made or self.model

    @property
    def cut(self) -> slice | None:
        """The rows to read, as Checkpoint.read takes them."""
        return None if self.rows is None else slice(0, self.rows)


@dataclass(frozen=True)
class TensorJob:
    """Everything one output tensor depends on. Equal jobs give equal bits on one device and torch version.

    sources  the tensors that are merged, without the base for methods on deltas
    base     what is subtracted and added back (methods on deltas); else only for statistics, or None
    method   None: copied from the first source
    parents  where the sources stand among the recipe's models if some are left out of this tensor, else empty: a random
             mask belongs to a model, not to its place among those that fit
    packed   as in Stored: its bytes are copied, and `out` is that of a byte
    """

    name: str
    sources: tuple[Source, ...]
    base: Source | None
    method: str | None
    args: Arguments
    shape: tuple[int, ...]
    compute: torch.dtype
    out: torch.dtype
    seed: int
    parents: tuple[int, ...] = ()
    packed: str = ""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Worked out once: a drag looks for every job of a plan among those that were measured."""
        return hash((self.name, self.sources, self.base, self.method, self.args, self.shape, self.out, self.seed, self.parents))

    @cached_property
    def donors(self) -> tuple[tuple[int, Source], ...]:
        """The sources that can change this tensor with their places: all but the base; none where it is copied."""
        if self.method is None:
            return ()
        own = self.base.model if self.base else None  # compared first: a drag asks for thousands
        return tuple((i, s) for i, s in enumerate(self.sources) if s.model != own or s != self.base)

    @cached_property
    def numel(self) -> int:
        """Elements of the output tensor."""
        return math.prod(self.shape)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models of its sources."""
        return tuple([source.model for source in self.sources])

    def moved(self, args: Arguments) -> "TensorJob":
        """The same tensor with other numbers; what was worked out without them is kept."""
        job = object.__new__(TensorJob)
        job.__dict__.update(self.__dict__, args=args)
        job.__dict__.pop("_hash", None)
        return job

    @property
    def slot(self) -> Slot:
        """Its place in the output."""
        return Slot(self.name, self.shape, self.out, self.packed)


@dataclass(frozen=True)
class Misfit:
    """A model's tensor that does not fit: cut to the first `wanted[0]` rows, or left out of the output tensor `name`.

    shape  its shape, None when the model has no such tensor
    """

    name: str
    model: str
    shape: tuple[int, ...] | None
    wanted: tuple[int, ...]
    cropped: bool

    @property
    def numel(self) -> int:
        """Parameters of the output tensor."""
        return math.prod(self.wanted)


@dataclass(frozen=True)
class Plan:
    """The whole merge, decided: jobs in file order, the output's layout and config, and remarks for the user.

    stack      where each layer comes from, where that is not the config source's own order; else empty
    by_number  settings of config.json that tell a layer's kind by its number, and stay as they are in a stack
    """

    recipe: Recipe
    jobs: tuple[TensorJob, ...]
    config_source: str
    layout: Layout
    config: Mapping[str, Any]
    remarks: tuple[str, ...]
    misfits: tuple[Misfit, ...] = ()
    tokens: OutputTokens | None = None
    chat_template: str | None = None
    stack: tuple[Origin, ...] = ()
    by_number: tuple[str, ...] = ()

    def job(self, name: str) -> TensorJob:
        """The job of one output tensor."""
        return self._by_name[name]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the output's tensors, in file order."""
        return tuple(job.name for job in self.jobs)

    @cached_property
    def _by_name(self) -> dict[str, TensorJob]:
        return {job.name: job for job in self.jobs}

    @property
    def nbytes(self) -> int:
        """Bytes of the output's tensors."""
        return sum(job.slot.nbytes for job in self.jobs)


@dataclass(frozen=True)
class _Row:
    """One output tensor before its numbers are looked up."""

    name: str
    part: Slice
    entries: tuple[Entry, ...]
    names: tuple[str, ...]
    base: Source | None
    layer: int
    layers: int
    cuts: tuple[int | None, ...] = ()
    parents: tuple[int, ...] = ()
    copied: Source | None = None
    as_stored: bool = False


def make_plan(recipe: Recipe, models: Mapping[str, Checkpoint]) -> Plan:
    """Decide every tensor of the output. `models` holds an opened Checkpoint for each of recipe.references.

    RecipeError when a parameter is missing, CheckpointError when the models do not fit together. Where only numbers differ
    from a plan made before of the same models, only the jobs are decided again whose numbers differ.
    """
    if recipe.modules:
        return _of_modules(recipe, models)
    key = _shape(recipe)
    before = _FRAMES.get(key)
    if before is not None and (jobs := before.moved(recipe, models)) is not None:
        plan = replace(before.plan, recipe=recipe, jobs=jobs)
        _keep(key, replace(before, plan=plan))
        return plan
    copies = recipe.method.law.copies and not (recipe.dtype or recipe.out_dtype or recipe.vocabulary)
    packed = quantized.check([models[reference] for reference in recipe.merged], copies)
    layouts = {reference: layout(models[reference].numels, models[reference].config) for reference in recipe.references}
    parts = recipe.slices or (_whole(recipe, models, layouts),)
    config_source = recipe.base_model or parts[0].sources[0].model
    origins = _origins(recipe, parts, layouts)
    stack = tuple(each[0] for each in origins)
    moved = stack != tuple((config_source, i) for i in range(layouts[config_source].layers))
    rows = list(_counted(_rows(recipe, parts, models, layouts, _heads(recipe, models), moved), recipe))
    words = decide(recipe, models)
    seen = _realigned(models, words) if words else models
    rows = [_settled(row, seen, layouts, packed) for row in rows]
    fitting, misfits = _fitted(rows, recipe, seen)
    _check_shapes(fitting, recipe, seen)
    jobs = tuple(_job(row, recipe, seen) for row in fitting)
    if words:
        jobs = tuple(_by_tokens(job, recipe, models, words) for job in jobs)
    if recipe.earlier:
        jobs = tuple(_made(job, recipe) for job in jobs)
    jobs = _shared(jobs)
    followed = stacks.follow(config_source, {r: models[r].config for r in recipe.merged}, layouts, origins, moved)
    config = _config(recipe, followed.config, models[config_source], jobs, words, models, packed)
    plan = Plan(
        recipe, jobs, config_source, layout({job.name: math.prod(job.shape) for job in jobs}, config), config,
        (
            *_remarks(recipe, models, rows, layouts, origins, packed, moved), *followed.messages, *coverage(recipe, misfits),
            *_lost_tokens(models[config_source], jobs, words), *_token_remarks(jobs, words),
        ),
        misfits, words, chat_template(recipe, models), stack if moved else (), tuple(followed.by_number),
    )  # fmt: skip
    if not recipe.method.law.copies or all(job.method for job in jobs):  # there the scale decides what is copied
        _keep(key, _Frame(plan, tuple(fitting), parts, {name: weakref.ref(model) for name, model in models.items()}))
    return plan


def _shared(jobs: Sequence[TensorJob]) -> tuple[TensorJob, ...]:
    """Equal arguments as one object, which a move keeps so: what asks for tensors that are alike compares no numbers."""
    held: dict[tuple[str | None, Arguments], Arguments] = {}
    return tuple([job.moved(held.setdefault((job.method, job.args), job.args)) for job in jobs])


# ---------------------------------------------------------------------------------------------- moves


@dataclass(frozen=True)
class _Frame:
    """A plan with what of it does not depend on the numbers in the recipe."""

    plan: Plan
    rows: tuple[_Row, ...]
    parts: tuple[Slice, ...]
    models: Mapping[str, "weakref.ref[Checkpoint]"]
    placed: dict[tuple[str, ...], list[int]] = field(default_factory=dict[tuple[str, ...], list[int]])

    def moved(self, recipe: Recipe, models: Mapping[str, Checkpoint]) -> tuple[TensorJob, ...] | None:
        """The jobs of a recipe of the same shape, those whose numbers stay the very same objects; None for other models."""
        if models.keys() != self.models.keys() or any(self.models[name]() is not model for name, model in models.items()):
            return None
        pairs = zip(_all_scopes(self.plan.recipe), _all_scopes(recipe), strict=True)
        changed = [(name, a, b) for old, new in pairs for (name, a), (_, b) in zip(old, new, strict=True) if a != b]
        if not changed:
            return self.plan.jobs
        parts = recipe.slices or tuple(
            Slice(tuple(replace(e, layer_range=old.layer_range) for e, old in zip(recipe.models, part.sources, strict=True)))
            for part in self.parts
        )
        now = {id(old): new for old, new in zip(self.parts, parts, strict=True)}
        moved = [p for p in recipe.method.params if any(n == p.name for n, _, _ in changed)]
        settings = [s for r in (self.plan.recipe, recipe) for scope in _all_scopes(r) for _, s in scope]
        patterns = list({pattern for setting in settings for pattern, _ in setting.rules if pattern})
        same: dict[tuple[int, int], Arguments | None] = {}
        jobs: list[TensorJob] = []
        for row, job, place in zip(self.rows, self.plan.jobs, self._placed(tuple(sorted(patterns))), strict=True):
            if job.method:
                key = (place, id(job.args))
                if key not in same:
                    same[key] = self._numbers(row, job, recipe, now[id(row.part)], changed, moved, bool(patterns))
                args = same[key]
                job = job if args is None else job.moved(args)
            jobs.append(job)
        return tuple(jobs)

    def _placed(self, patterns: tuple[str, ...]) -> list[int]:
        """For each row a number: one for all of a layer in whose names the same filters are found, which have one answer."""
        if patterns not in self.placed:
            self.placed.clear()
            numbers: dict[object, int] = {}
            self.placed[patterns] = [
                numbers.setdefault(
                    (
                        id(row.part),
                        row.layer,
                        row.layers,
                        row.parents,
                        *[p in n for n in (row.name, *row.names) for p in patterns],
                    ),
                    len(numbers),
                )
                for row in self.rows
            ]
        return self.placed[patterns]

    def _numbers(
        self, row: _Row, job: TensorJob, recipe: Recipe, part: Slice, changed: Sequence[tuple[str, Setting, Setting]],
        moved: Sequence[Param], filtered: bool,
    ) -> Arguments | None:  # fmt: skip
        """The numbers of a row in a recipe of the same shape; None where they stay."""
        names = {row.name, *row.names} if filtered else {row.name}
        if all(a.at(n, row.layer, row.layers) == b.at(n, row.layer, row.layers) for _, a, b in changed for n in names):
            return None
        entries = _ordered(part, recipe)
        here = replace(row, part=part, entries=tuple(entries[i] for i in row.parents) if row.parents else entries)
        return _arguments(here, recipe, moved, job.args)


_FRAMES: dict[Recipe, _Frame] = {}
"""The last few plans, by the recipe without its numbers."""


def _keep(key: Recipe, frame: _Frame) -> None:
    _FRAMES.pop(key, None)
    _FRAMES[key] = frame
    kept = list(_FRAMES.items())
    total = sum(len(frame.rows) for _, frame in kept)
    for i, (old, frame) in enumerate(kept[:-1]):
        if i < len(kept) - 8 or total > PLANS_TENSORS:
            _FRAMES.pop(old, None)
            total -= len(frame.rows)


def _shape(recipe: Recipe) -> Recipe:
    """The recipe without the numbers of its parameters."""

    def bare(parameters: Parameters) -> Parameters:
        return tuple((name, Setting(())) for name, _ in parameters)

    def entries(some: Sequence[Entry]) -> tuple[Entry, ...]:
        return tuple(replace(e, parameters=bare(e.parameters)) for e in some)

    return replace(
        recipe, parameters=bare(recipe.parameters), models=entries(recipe.models),
        slices=tuple(replace(p, sources=entries(p.sources), parameters=bare(p.parameters)) for p in recipe.slices),
    )  # fmt: skip


def _of_modules(recipe: Recipe, models: Mapping[str, Checkpoint]) -> Plan:
    """Each module is planned as a recipe of its own over its tensors; those of modules that are not named are left out."""
    plans: list[Plan] = []
    config: Mapping[str, Any] | None = None
    for module, part in zip(recipe.modules, recipe.parts, strict=True):
        seen = {reference: _only(module.name, model, recipe, part) for reference, model in models.items()}
        config_source = part.base_model or (part.models or part.slices[0].sources)[0].model
        if not any(token_rows(name) for name in seen[config_source].tensors):  # a module without words has none to match
            part = replace(part, tokenizer=None, tokenizer_source=None)
        if config is not None:  # what the modules before it changed
            seen[config_source] = replace(seen[config_source], config=config)
        plans.append(make_plan(part, seen))
        config = plans[-1].config
    first = plans[0]
    jobs = tuple(job for plan in plans for job in plan.jobs)
    known = modules(models[first.config_source].tensors)
    left = [name for name in known if not any(m.name == name for m in recipe.modules)]
    absent = [f"module {name} is not named: its {len(known[name])} tensors are not in the output." for name in left]
    return Plan(
        recipe, jobs, first.config_source, layout({job.name: math.prod(job.shape) for job in jobs}, plans[-1].config),
        plans[-1].config,
        tuple(dict.fromkeys([*(r for plan in plans for r in plan.remarks), *absent])),
        tuple(m for plan in plans for m in plan.misfits), next((p.tokens for p in plans if p.tokens), None),
        first.chat_template, next((p.stack for p in plans if p.stack), ()), tuple(k for p in plans for k in p.by_number),
    )  # fmt: skip


def _only(module: str, model: Checkpoint, recipe: Recipe, part: Recipe) -> Checkpoint:
    """The model with the tensors of one module."""
    known = modules(model.tensors)
    if module not in known and model.reference in part.merged:
        raise RecipeError(
            f"{recipe.source}: modules.{module}: {model.reference} has no module of this name.\n"
            f"  It has: {', '.join(known)}.{nearest(module, known)}"
        )
    names = set(known.get(module, ()))
    return replace(model, tensors={name: stored for name, stored in model.tensors.items() if name in names})


# ---------------------------------------------------------------------------------------------- rows


def _whole(recipe: Recipe, models: Mapping[str, Checkpoint], layouts: Mapping[str, Layout]) -> Slice:
    """`models:` as one slice over all layers; the models must have the same number of them."""
    counts = {e.model: layouts[e.model].layers for e in recipe.models}
    if recipe.base_model:
        counts = {recipe.base_model: layouts[recipe.base_model].layers} | counts
    if len(set(counts.values())) > 1:
        raise CheckpointError(
            "the models have different numbers of layers.\n"
            + _table([(reference, f"{n} layers") for reference, n in counts.items()])
            + "\n  Use `slices:` with a layer_range for each model, or models of one size."
        )
    return Slice(tuple(replace(e, layer_range=(0, counts[e.model])) for e in recipe.models))


def _heads(recipe: Recipe, models: Mapping[str, Checkpoint]) -> dict[str, str]:
    """Output heads stored by any model that are really its own, not a copy of the embeddings: name -> owner."""
    owners: dict[str, str] = {}
    for reference in recipe.merged:
        for name in heads.own_heads(models[reference]):
            owners.setdefault(name, reference)
    return owners


def _owners(part: Slice, recipe: Recipe) -> dict[str, tuple[int, int]]:
    """Whose names a part's tensors have, with their layers there: the base's alone, without a base those of every model.

    A base that is not listed gives the same layers as the first model.
    """
    ranges = {e.model: e.layer_range or (0, 0) for e in part.sources}
    base = _base_of(part, recipe)
    return ranges if base is None else {base: ranges.get(base, part.sources[0].layer_range or (0, 0))}


def _origins(recipe: Recipe, parts: Sequence[Slice], layouts: Mapping[str, Layout]) -> list[tuple[Origin, ...]]:
    """The layers that each layer of the output is made from, the one that names its tensors first."""
    origins: list[tuple[Origin, ...]] = []
    for part in parts:
        ranges = _owners(part, recipe) | {e.model: e.layer_range or (0, 0) for e in part.sources}
        for model, (_, stop) in ranges.items():
            if stop > layouts[model].layers:
                listed = any(e.model == model for e in part.sources)
                whose = f"of {model}" if listed else f"needs the same layers of the base {model}, and"
                raise RecipeError(
                    f"{recipe.source}: layer_range {[*ranges[model]]} {whose} ends after its last layer; "
                    f"it has {layouts[model].layers}, so at most [.., {layouts[model].layers}]."
                )
        start, stop = next(iter(ranges.values()))
        origins += [tuple((model, first + k) for model, (first, _) in ranges.items()) for k in range(stop - start)]
    return origins


def _rows(
    recipe: Recipe, parts: Sequence[Slice], models: Mapping[str, Checkpoint], layouts: Mapping[str, Layout],
    own_heads: Mapping[str, str], moved: bool,
) -> Iterator[_Row]:  # fmt: skip
    """Every output tensor in file order: before the layers, the layers slice by slice, after them.

    moved  the layers are not the config source's own: those that only predict later tokens would not stand where they belong
    """
    files = {
        model: sorted(models[model].tensors, key=lambda n: (models[model].tensors[n].file, models[model].tensors[n].offset))
        for part in parts for model in _owners(part, recipe)
    }  # fmt: skip

    def edges(part: Slice) -> dict[str, str]:
        """Tensors outside the layers, with the first model that has them."""
        edges: dict[str, str] = {}
        for model in _owners(part, recipe):
            where = layouts[model]
            for name in files[model]:
                again = heads.is_head(name) and name not in own_heads
                if where.layer(name) is None and not again and not (moved and where.is_extra(name)):
                    edges.setdefault(name, model)
        return edges

    def is_last(name: str, model: str) -> bool:
        return follows(name) and layouts[model].place(name)[0] is None and not layouts[model].is_extra(name)

    first, last = edges(parts[0]), edges(parts[-1])
    for name, model in first.items():
        if not is_last(name, model):
            yield _edge(name, parts[0], recipe, models, layouts[model])
    out = 0
    for part in parts:
        owners = _owners(part, recipe)
        inside = {model: _by_layer(files[model], layouts[model]) for model in owners}
        start, stop = next(iter(owners.values()))
        for k in range(stop - start):
            seen: set[str] = set()
            for model, (begin, _) in owners.items():
                for name in inside[model].get(begin + k, ()):
                    row = _inner(name, out + k, k, stop - start, part, recipe, layouts[model])
                    if row.name not in seen:
                        yield row
                    seen.add(row.name)
        out += stop - start
    after = {name: model for name, model in last.items() if is_last(name, model)}
    for name, model in (after | {n: m for n, m in own_heads.items() if n not in first and n not in after}).items():
        yield _edge(name, parts[-1], recipe, models, layouts[model])


def _by_layer(names: Iterable[str], where: Layout) -> dict[int, list[str]]:
    layers: dict[int, list[str]] = {}
    for name in names:
        layer = where.layer(name)
        if layer is not None:
            layers.setdefault(layer, []).append(name)
    return layers


def _counted(rows: Iterator[_Row], recipe: Recipe) -> Iterator[_Row]:
    """The rows, as long as they are not too many. RecipeError then."""
    total = 0
    for row in rows:
        total += 1 + len(row.entries)
        if total > PLAN_TENSORS:
            raise RecipeError(
                f"{recipe.source}: this merge reads and writes more than {PLAN_TENSORS:,} tensors.\n"
                "  Take fewer layers, or fewer models."
            )
        yield row


def _edge(name: str, part: Slice, recipe: Recipe, models: Mapping[str, Checkpoint], where: Layout) -> _Row:
    """A tensor outside the main stack. Curves give it their first value; other stacks have layers of their own."""
    stack, index = where.place(name)
    base = _base_of(part, recipe)
    entries = _ordered(part, recipe)
    return _Row(
        name, part, entries, tuple(_own_name(name, models[e.model]) for e in entries),
        Source(base, _own_name(name, models[base])) if base else None,
        index, where.stacks[stack] if stack else 0,
    )  # fmt: skip


def _inner(name: str, out: int, k: int, layers: int, part: Slice, recipe: Recipe, where: Layout) -> _Row:
    """A tensor of output layer `out`, the k-th of its slice; `name` and `where` are those of any model that has it."""
    base = _base_of(part, recipe)
    entries = _ordered(part, recipe)

    def at(entry: Entry) -> str:
        assert entry.layer_range is not None
        return where.at_layer(name, entry.layer_range[0] + k)

    listed = next((e for e in part.sources if e.model == base), part.sources[0])  # else the same layer as the first model's
    return _Row(
        where.at_layer(name, out), part, entries, tuple(at(e) for e in entries), Source(base, at(listed)) if base else None,
        k, layers,
    )  # fmt: skip


def _base_of(part: Slice, recipe: Recipe) -> str | None:
    return part.base_model or recipe.base_model


def _ordered(part: Slice, recipe: Recipe) -> tuple[Entry, ...]:
    """The models that are merged: without the base for deltas, with it in front where it is the first model."""
    base, method = _base_of(part, recipe), recipe.method
    if method.base in ("required", "optional"):
        return tuple(e for e in part.sources if e.model != base)
    if method.base == "joins" and base is not None and all(e.model != base for e in part.sources):
        return (*part.sources, Entry(base, (), part.sources[0].layer_range))
    if method.base == "first" and base is not None:
        first = next((e for e in part.sources if e.model == base), Entry(base, (), part.sources[0].layer_range))
        return (first, *(e for e in part.sources if e.model != base))
    return part.sources


def _own_name(name: str, model: Checkpoint) -> str:
    """The tensor's name in a model that stores it once under another name: a head that is the embeddings, an encoder's share."""
    return name if name in model.tensors else heads.stored_as(name, model) or name


# ---------------------------------------------------------------------------------------------- checks


def _settled(row: _Row, models: Mapping[str, Checkpoint], layouts: Mapping[str, Layout], packed: bool) -> _Row:
    """The row, as a copy where nothing is merged: buffers, packed weights, and what predicts later tokens if a model lacks it.

    It is copied from the base, else from the first model that has it.
    """
    stored = [(s, models[s.model].tensors.get(s.name)) for s in _sources(row)]
    first = next(((s, t) for s, t in stored if t is not None), None)
    if first is None:
        return row
    source, tensor = first
    buffer = is_buffer(row.name, tensor.shape, tensor.dtype.is_floating_point)
    extra = layouts[source.model].is_extra(source.name) and any(t is None or t.shape != tensor.shape for _, t in stored)
    return replace(row, copied=source, as_stored=buffer or packed) if buffer or extra or packed else row


def _fitted(rows: Sequence[_Row], recipe: Recipe, models: Mapping[str, Checkpoint]) -> tuple[list[_Row], tuple[Misfit, ...]]:
    """The rows after the recipe's policy, and what was cut or left out."""
    misfits: list[Misfit] = []
    shared = _shared_rows(rows, recipe, models)
    return [_fit(row, recipe, models, shared, misfits) for row in rows], tuple(misfits)


def _shared_rows(rows: Sequence[_Row], recipe: Recipe, models: Mapping[str, Checkpoint]) -> dict[int, int]:
    """How many rows are kept of vocabularies, by the number that the base has (without a base, the first model).

    `crop` keeps what all have, in the head too where only the embeddings differ; `crop+skip` the base's.
    """
    shared: dict[int, int] = {}
    for row in rows if recipe.on_mismatch in ("crop", "crop+skip") else ():
        stored = [t for s in _sources(row) if (t := models[s.model].tensors.get(s.name)) is not None]
        if stored and stored[0].shape and token_rows(row.name) and not row.copied:
            size = stored[0].shape[0]
            alike = len({t.shape[1:] for t in stored}) == 1
            fewest = min(t.shape[0] for t in stored) if recipe.on_mismatch == "crop" and alike else size
            shared[size] = min(shared.get(size, size), fewest)
    return shared


def _fit(row: _Row, recipe: Recipe, models: Mapping[str, Checkpoint], shared: Mapping[int, int], misfits: list[Misfit]) -> _Row:
    """One row under the recipe's policy. The base's shape counts, without a base that of the first model that has the tensor."""
    everyone = _sources(row)
    stored = {s: models[s.model].tensors.get(s.name) for s in everyone}
    first = next((s for s in everyone if stored[s] is not None), None)
    if recipe.on_mismatch == "refuse" or first is None or row.copied:
        return row
    shape = models[first.model].tensors[first.name].shape
    cutting = token_rows(row.name) and bool(shape) and shape[0] in shared
    wanted = (shared[shape[0]], *shape[1:]) if cutting else shape
    if all(t is not None and t.shape == wanted for t in stored.values()):
        return row

    def cut(stored: Stored | None) -> bool:
        return cutting and stored is not None and stored.shape[1:] == wanted[1:] and stored.shape[0] > wanted[0]

    kept: list[tuple[int, int | None]] = []
    lost = row.base is not None and stored[row.base] is None
    these: list[Misfit] = []
    if row.base and (lost or cut(stored[row.base])):
        these.append(Misfit(row.name, row.base.model, None if lost else shape, wanted, not lost))
    for i, (entry, name) in enumerate(zip(row.entries, row.names, strict=True)):
        tensor = stored[Source(entry.model, name)]
        if cut(tensor) or (tensor is not None and tensor.shape == wanted):
            kept.append((i, wanted[0] if cut(tensor) else None))
        if not (tensor is not None and tensor.shape == wanted) and Source(entry.model, name) != row.base:
            these.append(Misfit(row.name, entry.model, tensor.shape if tensor else None, wanted, cut(tensor)))
    if recipe.on_mismatch == "crop" and not all(m.cropped for m in these):
        return row
    misfits += these
    rows = wanted[0] if cut(stored[first]) else None
    fitting = replace(
        row, entries=tuple(row.entries[i] for i, _ in kept), names=tuple(row.names[i] for i, _ in kept),
        cuts=tuple(rows for _, rows in kept), parents=tuple(i for i, _ in kept) if len(kept) < len(row.entries) else (),
        base=replace(row.base, rows=rows) if row.base else None,
    )  # fmt: skip
    if lost or len(kept) < min(recipe.method.models[0], len(row.entries)) or not kept:
        return replace(fitting, copied=replace(first, rows=rows))
    return fitting


def _check_shapes(rows: Sequence[_Row], recipe: Recipe, models: Mapping[str, Checkpoint]) -> None:
    """Refuse tensors that are missing or differ in shape, with the first one's table and the number of others."""
    wrong: list[tuple[_Row, list[tuple[str, Stored | None]]]] = []
    for row in rows:
        if row.copied or row.cuts:  # made to fit
            continue
        named = [(s, models[s.model].tensors.get(s.name)) for s in _sources(row)]
        shapes = {stored.shape if stored else None for _, stored in named}
        if len(shapes) > 1 or None in shapes:
            wrong.append((row, [(_label(s.model, recipe), stored) for s, stored in named]))
    if not wrong:
        return
    row, table = wrong[0]
    missing = any(stored is None for _, stored in table)
    more = f"\n  The same is true of {len(wrong) - 1} more tensors." if len(wrong) > 1 else ""
    lines = _table([(label, "missing" if stored is None else str(stored.shape)) for label, stored in table])
    if missing:
        hint = f"These models do not share one architecture; merge fine-tunes of one base{_OR_SKIP}"
    elif token_rows(row.name):
        hint = f"Their vocabularies differ: match rows by token with `tokenizer_source: union` (or `base`){_OR_CUT}"
    else:
        hint = f"Only fine-tunes of one base have the same shapes everywhere{_OR_SKIP}"
    raise CheckpointError(f"{row.name}: {'not in every model' if missing else 'shapes differ'}.\n{lines}{more}\n  {hint}")


_OR_SKIP = ", or leave a model out of the tensors that do not fit: --allow-crimes."
_OR_CUT = (
    ", cut them to the rows that all have: --unsafe-truncate-embeddings,\n"
    "  or cut and leave out whatever does not fit the base: --allow-crimes."
)


def coverage(recipe: Recipe, misfits: Sequence[Misfit]) -> tuple[str, ...]:
    """What was cut or left out, one sentence for each model."""
    messages: list[str] = []
    for reference in recipe.references:
        left = [m for m in misfits if m.model == reference and not m.cropped]
        cut = [m for m in misfits if m.model == reference and m.cropped]
        if left:
            size = sum(m.numel for m in left)
            messages.append(f"{reference} is left out of {len(left)} tensors that do not fit, {size:,} parameters.")
        for rows in dict.fromkeys(m.wanted[0] for m in cut):
            messages.append(f"{reference} is cut to {rows:,} rows in {', '.join(m.name for m in cut if m.wanted[0] == rows)}.")
    return tuple(messages)


def _sources(row: _Row) -> list[Source]:
    sources = [Source(e.model, n) for e, n in zip(row.entries, row.names, strict=True)]
    return [row.base, *sources] if row.base and row.base not in sources else sources


def _label(reference: str, recipe: Recipe) -> str:
    if reference == recipe.base_model:
        return f"base  {reference}"
    index = next((i for i, e in enumerate(recipe.models) if e.model == reference), None)
    return f"[{index}]   {reference}" if index is not None else reference


def _table(rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"  {label:<{width}}  {value}" for label, value in rows)


def _remarks(
    recipe: Recipe, models: Mapping[str, Checkpoint], rows: Sequence[_Row], layouts: Mapping[str, Layout],
    origins: Sequence[Sequence[Origin]], packed: bool, moved: bool,
) -> Iterator[str]:  # fmt: skip
    """What the user should know and is not an error."""
    yield from recipe.notes
    method = recipe.method
    written = {name for scope in _all_scopes(recipe) for name, _ in scope}
    for name in sorted(written):
        if method.param(name) is None:
            yield f"`{name}` has no effect with '{method.name}'."
    shared = {p.name for p in method.params if not p.per_model}
    for i, entry in enumerate(recipe.models):
        for name in sorted(shared & {n for n, _ in entry.parameters}):
            yield f"`{name}` belongs to the whole recipe: models[{i}].parameters.{name} has no effect; write parameters.{name}."
    for reference, model in ((r, models[r]) for r in recipe.merged):
        yield from model.notes
        if model.renamed:
            yield f"{reference}: {model.renamed} tensors have another prefix there; they are matched by what follows it."
        if heads.says_tied(model.config) and heads.own_heads(model):
            yield f"{reference}: its config.json ties the head to the embeddings, its file holds another: the output keeps that."
        if quantized.settings(model.config) and not packed:
            yield f"{reference}: its config.json speaks of quantization, its weights are plain; the output's does not."
    yield from _left_out(recipe, models, rows, layouts, origins, moved)
    for source in dict.fromkeys(row.copied.model for row in rows if row.copied and not row.as_stored):
        yield f"layers that only predict later tokens are copied from {source}: not every model has them."


def _left_out(
    recipe: Recipe, models: Mapping[str, Checkpoint], rows: Sequence[_Row], layouts: Mapping[str, Layout],
    origins: Sequence[Sequence[Origin]], moved: bool,
) -> Iterator[str]:  # fmt: skip
    """Tensors that the output has not, though a model has them in a layer that is used, or outside the layers."""
    read = {(s.model, s.name) for row in rows for s in (*_sources(row), *([row.copied] if row.copied else []))}
    taken = {(model, layer) for each in origins for model, layer in each}
    predicting = False
    for reference in recipe.merged:
        where, own = layouts[reference], heads.own_heads(models[reference])
        extra: list[str] = []
        for name, stored in models[reference].tensors.items():
            again = heads.is_head(name) and name not in own
            if (reference, name) in read or again or is_buffer(name, stored.shape, stored.dtype.is_floating_point):
                continue
            layer = where.layer(name)
            if where.is_extra(name) and moved:
                predicting = True
            elif not recipe.slices if layer is None else (reference, layer) in taken:
                extra.append(name)
        if extra:
            base = f"the base {recipe.base_model}" if recipe.base_model else "the base"
            yield f"{reference}: {len(extra)} tensors that {base} has not are left out, for example {extra[0]}."
    if predicting:
        yield "layers that only predict later tokens are left out: they belong behind the layers that this stack changes."


def _all_scopes(recipe: Recipe) -> Iterator[Parameters]:
    yield recipe.parameters
    yield from (e.parameters for e in recipe.models)
    for part in recipe.slices:
        yield part.parameters
        yield from (e.parameters for e in part.sources)


# ---------------------------------------------------------------------------------------------- jobs


def _job(row: _Row, recipe: Recipe, models: Mapping[str, Checkpoint]) -> TensorJob:
    cuts = row.cuts or (None,) * len(row.entries)
    sources = tuple(Source(e.model, n, cut) for e, n, cut in zip(row.entries, row.names, cuts, strict=True))
    kept = row.copied or row.base or sources[0]  # the base alone is a merge too
    first = models[kept.model].tensors[kept.name]
    as_stored = TensorJob(
        row.name, (kept,), None, None, NO_ARGUMENTS, first.shape, first.dtype, first.dtype, 0, packed=first.packed
    )  # fmt: skip
    passed = recipe.method.law.copies
    plain = passed and _arguments(row, recipe)["scale"] == (1.0,)
    if row.as_stored:
        if passed and not plain and (how := quantized.kind(models[kept.model])):
            raise CheckpointError(quantized.refusal(kept.model, how))
        return as_stored
    stored = [models[s.model].tensors[s.name] for s in sources] if not row.copied else []
    if not all(s.dtype.is_floating_point for s in (*stored, first)):
        if stored:
            quantized.check_equal(row.name, [(models[s.model], s.name) for s in _sources(row)])
        return as_stored
    if first.dtype.itemsize == 1 or any(s.dtype.itemsize == 1 for s in stored):
        if plain and not (recipe.out_dtype or recipe.dtype):
            return as_stored
        raise CheckpointError(
            f"{row.name}: stored in 8-bit floating point, whose scales lie elsewhere; it can only be copied as it is.\n"
            "  Merge the model's 16-bit version, or use `passthrough` without scale, dtype and out_dtype."
        )
    double = recipe.dtype == "float64" or any(s.dtype == torch.float64 for s in (*stored, first))
    wanted = recipe.out_dtype or recipe.dtype
    compute, out = torch.float64 if double else torch.float32, getattr(torch, wanted) if wanted else first.dtype
    shape = first.shape if kept.rows is None else (kept.rows, *first.shape[1:])
    if row.copied:
        return TensorJob(row.name, (kept,), None, None, NO_ARGUMENTS, shape, compute, out, 0)
    return TensorJob(
        row.name, sources, row.base, recipe.merge_method, _arguments(row, recipe), shape, compute, out, recipe.seed, row.parents
    )  # fmt: skip


def _realigned(models: Mapping[str, Checkpoint], words: OutputTokens) -> dict[str, Checkpoint]:
    """The models as they look once their rows follow the output's tokens: what the plan compares; never read from."""
    size = len(words.keys)
    return {
        reference: replace(model, tensors={
            name: replace(t, shape=(size, *t.shape[1:])) if words.realigned(reference, name, t.shape) else t
            for name, t in model.tensors.items()
        })
        for reference, model in models.items()
    }  # fmt: skip


def _by_tokens(job: TensorJob, recipe: Recipe, models: Mapping[str, Checkpoint], words: OutputTokens) -> TensorJob:
    """The job with its sources realigned, where it has one row for each token and some model's rows differ."""
    everyone: list[Source] = list(dict.fromkeys([*([job.base] if job.base else []), *job.sources]))
    if not all(words.realigned(s.model, s.name, models[s.model].tensors[s.name].shape) for s in everyone):
        return job
    names = tuple((s.model, s.name) for s in everyone)
    rows = words.map([model for model, _ in names], job.base.model if job.base else recipe.base_model)
    if rows is None:
        return job
    aligned = Aligned(rows, names)
    return replace(
        job, sources=tuple(replace(s, rows=None, vocab=aligned) for s in job.sources),
        base=replace(job.base, rows=None, vocab=aligned) if job.base else None,
    )  # fmt: skip


def _made(job: TensorJob, recipe: Recipe) -> TensorJob:
    """The job with its sources marked that earlier documents make."""
    made = {document.name: document.digest for document in recipe.earlier}

    def marked(source: Source) -> Source:
        vocab = source.vocab
        if vocab is not None:
            vocab = replace(vocab, made=tuple((model, made[model]) for model, _ in vocab.names if model in made))
        return replace(source, made=made.get(source.model), vocab=vocab)

    return replace(job, sources=tuple(marked(s) for s in job.sources), base=marked(job.base) if job.base else None)


def _token_remarks(jobs: Sequence[TensorJob], words: OutputTokens | None) -> Iterator[str]:
    """Tokens without rows, once for all tensors."""
    if words is None:
        return
    yield from words.remarks
    for aligned in {s.vocab.map: s.vocab.map for job in jobs for s in job.sources if s.vocab}:
        lost = nobodys(words, aligned)
        if lost:
            yield f"{len(lost)} tokens have no row in any model and start as zeros, for example {lost[0]!r}."


def _arguments(
    row: _Row, recipe: Recipe, moved: Sequence[Param] | None = None, before: Mapping[str, Argument] = NO_ARGUMENTS
) -> Arguments:  # fmt: skip
    """The numbers of a row. moved: the parameters to look up, where the others are as before; None: all."""
    method = recipe.method
    arguments = dict(before)
    for param in method.params if moved is None else moved:
        if param.per_model:
            each = [
                _look_up(param, method, name, row, scopes(recipe, row.part, entry), recipe, entry)
                for entry, name in zip(row.entries, row.names, strict=True)
            ]
            arguments[param.name] = tuple(each)
        else:
            arguments[param.name] = _look_up(param, method, row.name, row, scopes(recipe, row.part, None), recipe, None)
    if method.check is not None:
        _check_together(method.check, method.keywords(arguments), row, recipe)
    return Arguments(arguments)


def _check_together(check: Callable[..., None], arguments: Mapping[str, Argument], row: _Row, recipe: Recipe) -> None:
    """Ask the method, model by model, whether its parameters go together; its words become a RecipeError with the path."""
    for i, entry in enumerate(row.entries):
        try:
            check(**{name: value[i] if isinstance(value, tuple) else value for name, value in arguments.items()})
        except ValueError as error:
            at = next((k for k, part in enumerate(recipe.slices) if part is row.part), None)
            path = "models" if at is None else f"slices[{at}].sources"
            path += f"[{row.part.sources.index(entry)}].parameters" if entry in row.part.sources else ""
            raise RecipeError(f"{recipe.source}: {path}, for {row.name}: {error}") from None


def _look_up(
    param: Param, method: Method, name: str, row: _Row, where: Iterator[Parameters], recipe: Recipe, entry: Entry | None
) -> Scalar:
    for scope in where:
        setting: Setting | None = next((s for n, s in scope if n == param.name), None)
        value = setting.at(name, row.layer, row.layers) if setting else None
        if value is not None:
            return bool(value) if param.kind == "bool" else value
    if param.default is not None:
        return param.default
    whose = f" for {entry.model}" if entry else ""
    example = f"{param.name}: {param.slider[1] / 2:g}"
    raise RecipeError(
        f"{recipe.source}: '{method.name}' needs `{param.name}`{whose}, and none is set for {name}.\n"
        f"  Add `parameters: {{{example}}}` {'to that model' if entry else 'to the recipe'}, or a last rule without a filter."
    )


def _config(
    recipe: Recipe, config: dict[str, Any], config_source: Checkpoint, jobs: Sequence[TensorJob], words: OutputTokens | None,
    models: Mapping[str, Checkpoint], packed: bool,
) -> dict[str, Any]:  # fmt: skip
    """The config source's config.json, whose layers follow already, with what else changed: dtype, tied head, vocabulary."""
    if not config:
        return config
    floats = [job for job in jobs if job.out.is_floating_point]
    if floats and not packed:
        dtype = str(max(floats, key=lambda job: job.slot.nbytes).out).removeprefix("torch.")
        config["torch_dtype" if "torch_dtype" in config else "dtype"] = dtype
        config = quantized.without_settings(config)
    if words:
        config = special_ids(config, models[words.origin].config, words, config_source.reference)
    nested = config.get("text_config")
    for level in (config, *((nested,) if is_dict(nested) else ())):
        for old, new in _cut_rows(config_source, jobs).items() if not words else ():
            if level.get("vocab_size") == old:
                level["vocab_size"] = new
    if any(heads.is_head(job.name) for job in jobs):
        said = heads.says_tied(config)
        alone = any(not heads.own_heads(models[reference]) for reference in recipe.merged)
        if said or (said is None and alone):  # what a config does not say, its architecture may have as its habit
            return heads.untied(config)
    return config


def _cut_rows(config_source: Checkpoint, jobs: Sequence[TensorJob]) -> dict[int, int]:
    """Rows of the config source's vocabulary -> of the output's, where they are cut."""
    stored = [(config_source.tensors.get(job.name), job) for job in jobs]
    cut = [(t, job) for t, job in stored if t is not None and t.shape[1:] == job.shape[1:] and t.shape[:1] > job.shape[:1]]
    return {t.shape[0]: job.shape[0] for t, job in cut if token_rows(job.name)}


def _lost_tokens(config_source: Checkpoint, jobs: Sequence[TensorJob], words: OutputTokens | None) -> Iterator[str]:
    """Tokens of the output's tokenizer whose rows were cut away."""
    rows = min(_cut_rows(config_source, jobs).values(), default=None) if not words else None
    if rows is None:
        return
    try:
        vocabulary = read_vocabulary(config_source.words)
    except CheckpointError:
        vocabulary = None
    lost = sorted((i, token) for token, i in vocabulary.ids.items() if i >= rows) if vocabulary else []
    if lost:
        yield (
            f"{len(lost):,} tokens of {config_source.reference} have no row any more, the first is {lost[0][1]!r}: a text that "
            "holds one cannot be read. Matching rows by token keeps them: tokenizer_source: base."
        )
