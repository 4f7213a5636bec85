"""Slopes: which way each bar of a recipe helps a model to say what is wanted, from one backward pass over the merged model.

found = slopes(runner, recipe, {"plurals": said(runner.parent("presets/family/plural"), ["plural of box"])})
found.whole()      # a number for each bar: below zero, more of it helps

No derivative of a method is written down. The loss's gradient arrives tensor by tensor; how a tensor moves with a bar is what
the engine makes of the recipe with that bar a little lower and a little higher. Both are reduced to one number at once.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from merger.chat.batch import generate_ids
from merger.chat.bind import Copied
from merger.chat.model import ChatModel
from merger.engine.plan import Plan, TensorJob, make_plan
from merger.engine.tensor import merge_tensor, used
from merger.errors import Cancelled
from merger.hub.access import Access
from merger.methods import METHODS, Method
from merger.methods.ops import numbers
from merger.methods.params import Param
from merger.recipe import Entry, Recipe, Setting, Slice, constant, replace_all, setting_document
from merger.recipe.between import effective
from merger.search.choices import Choice
from merger.search.choices import heard as heard_choices
from merger.search.likelihood import Example, Pass, floats, integers, passes
from merger.search.trials import LONGEST, Runner

STEP = 0.02
"""How far a bar is moved to either side to see what moves with it, as a share of its slider."""
WEAK = 0.2
"""A slope below this share of the largest is not shown: from few prompts its sign is chance."""
NOTHING = 0.01
"""The same for a parameter beside all others, each over its whole slider."""
TOGETHER = 1 << 30
"""Bytes of a text's way through the model that are kept for one backward pass, about."""
_BY_LOT = ("density", "epsilon")
KEPT = 1 << 30
"""Bytes of what moves with the bars that are kept between passes, where they do not depend on where the bars stand."""


def _always() -> bool:
    return True


# ---------------------------------------------------------------------------------------------- bars


@dataclass(frozen=True)
class Bar:
    """A number of a recipe that moves what is merged: one model's, or one for all models.

    path     as recipes are changed by, such as models[0].parameters.weight
    model    whose it is; None: of all
    setting  what decides it now, in whatever scope that is written
    start, count  the layers of the output that it decides
    told     whether a small move of it tells which way helps: where changes stay by lot, their density makes only other lots
    """

    path: str
    param: Param
    setting: Setting
    model: str | None
    start: int
    count: int
    told: bool = True

    @property
    def width(self) -> float:
        """From one end of its slider to the other; 1 where it has no ends."""
        low, high = self.param.slider
        return high - low if math.isfinite(high - low) and high > low else 1.0

    def number(self, layer: int) -> float:
        """What stands in a layer of the output; where filters tell tensors apart, the last rule's."""
        value = constant(self.setting.rules[-1][1]).at("", layer - self.start, self.count)
        assert isinstance(value, (int, float))
        return float(value)

    def moved(self, by: Sequence[float], digits: int = 7) -> Any:
        """The setting with a number added in each of its layers, (count,), as YAML writes it; within the parameter's bounds."""

        def within(number: float) -> float:
            return float(f"{min(self.param.high, max(self.param.low, number)):.{digits}g}")

        rules: list[tuple[str | None, Any]] = []
        for pattern, value in self.setting.rules:
            if len(set(by)) == 1:
                shifted = tuple(map(within, (float(v) + by[0] for v in (value if isinstance(value, tuple) else (value,)))))
                rules.append((pattern, shifted if isinstance(value, tuple) else shifted[0]))
                continue
            each = [constant(value).at("", layer, self.count) for layer in range(self.count)]
            rules.append((pattern, tuple(within(float(v or 0) + b) for v, b in zip(each, by, strict=True))))
        return setting_document(Setting(tuple(rules)))


def bars(recipe: Recipe, layers: int, names: Sequence[str] = ()) -> tuple[Bar, ...]:
    """The bars of a recipe's numbers, for an output of so many layers. names: only these parameters; else all that were set
    or that a method shows, but for its scale by depth."""
    found: list[Bar] = []
    prefixes = [f"modules.{m.name}." for m in recipe.modules] or [""]
    for prefix, part in zip(prefixes, recipe.parts, strict=True):
        start = 0
        for at, piece, sources in _sides(part):
            count = layers if piece is None else (sources[0].layer_range or (0, 0))[1] - (sources[0].layer_range or (0, 0))[0]
            for param in part.method.params:
                if param.kind != "float" or (param.name not in names if names else param.name == "lines"):
                    continue
                where = [(f"{at[0]}[{i}].", e) for i, e in enumerate(sources)] if param.per_model else [(at[1], None)]
                for path, entry in where:
                    setting = effective(part, param, piece, entry)
                    if setting.rules:
                        whose, told = entry.model if entry else None, _told(part.method, param)
                        found.append(Bar(f"{prefix}{path}parameters.{param.name}", param, setting, whose, start, count, told))
            start += count
    return tuple(found)


def _told(method: Method, param: Param) -> bool:
    return method.law.smooth and not (method.law.drawn and param.name in _BY_LOT)


def _sides(part: Recipe) -> Iterator[tuple[tuple[str, str], Slice | None, tuple[Entry, ...]]]:
    """Where the numbers of models stand and those for all of them, slice by slice."""
    if not part.slices:
        yield ("models", ""), None, part.models
    for i, piece in enumerate(part.slices):
        yield (f"slices[{i}].sources", f"slices[{i}]."), piece, piece.sources


# ---------------------------------------------------------------------------------------------- what is wanted


Said = tuple[Sequence[int], bool]
"""An answer: the ids of its tokens without the one that ends it, and whether it came to its end."""


def said(
    who: ChatModel, prompts: Sequence[str], limit: int = LONGEST, *, listener: ChatModel | None = None,
    known: Mapping[str, Said] | None = None, go_on: Callable[[], bool] = _always,
) -> list[Example]:  # fmt: skip
    """What a model says itself to some prompts, as examples for another: nobody need write an answer.

    listener  the model that is to say it, and reads the prompts in its own chat template; None: the same
    known     what it has said already, by prompt: it is not asked again
    The tokens are those that were said, where both have the same; a text encoded again can be other tokens.
    """
    to = listener or who
    found: list[Example] = []
    alike = to is who or to.tokenizer.get_vocab() == who.tokenizer.get_vocab()
    given = dict(known or {})
    silent = [prompt for prompt in prompts if prompt not in given]
    for prompt, (ids, _) in zip(silent, generate_ids(who, silent, limit, go_on=go_on), strict=True):
        given[prompt] = ids, len(ids) < min(limit, who.length - len(who.encode(prompt)))
    for prompt in prompts:
        ids, ends = given[prompt]
        ids = ids if alike else to.plain(who.tokenizer.decode(ids, skip_special_tokens=True))
        asked = to.encode(prompt)
        ids = ids[: max(0, to.length - len(asked))]
        found.append(Example(tuple(asked), tuple(ids), ends and bool(to.stops)))
    return [one for one in found if one.tokens]


@dataclass(frozen=True)
class Heard:
    """How a model takes the examples of a skill.

    loss   mean of -log P of a whole answer, in nats; of a question with choices, of the right one among them
    right  share of the answers that it would give itself, token by token, or that are the likeliest of their choices
    each   the loss of each example, in their order
    """

    loss: float
    right: float
    each: tuple[float, ...] = ()


@dataclass(frozen=True)
class Slopes:
    """d loss / d number for each bar in each layer, in nats per unit. Below zero: more of it helps.

    table  (bars, layers + 1), float64; the last column is of the tensors outside the layers
    heard  by skill
    """

    bars: tuple[Bar, ...]
    table: Tensor
    heard: Mapping[str, Heard]

    def whole(self) -> tuple[float | None, ...]:
        """A slope for each bar as a whole; None where it is weak, or where a small move tells nothing."""
        return tuple(row[0] for row in self._shown(self.table.sum(1, keepdim=True)))

    def layers(self) -> tuple[tuple[float | None, ...], ...]:
        """The slopes of each bar layer by layer, (bars, layers); None as in `whole`, and in layers that it does not decide."""
        return self._shown(self.by_anchor())

    def by_anchor(self) -> Tensor:
        """(bars, layers): what lies outside the layers is in a bar's first, as the first value of a curve decides it."""
        table = self.table[:, :-1].clone()
        for i, bar in enumerate(self.bars):
            table[i, bar.start] += self.table[i, -1]
        return table

    def _shown(self, table: Tensor) -> tuple[tuple[float | None, ...], ...]:
        """Weak is what is small beside the largest of the same parameter, or moves next to nothing over its whole slider."""
        largest: dict[str, float] = {}
        for bar, row in zip(self.bars, table, strict=True):
            if bar.told:
                largest[bar.param.name] = max(largest.get(bar.param.name, 0.0), float(row.abs().max()))
        most = max((largest[bar.param.name] * bar.width for bar in self.bars if bar.told), default=0.0)
        least = {bar.param.name: max(WEAK * largest[bar.param.name], NOTHING * most / bar.width) for bar in self.bars if bar.told}
        return tuple(
            tuple(v if bar.told and v and abs(v) >= least[bar.param.name] else None for v in numbers(row))
            for bar, row in zip(self.bars, table, strict=True)
        )


def slopes(
    runner: Runner, recipe: Recipe, examples: Mapping[str, Sequence[Example]], names: Sequence[str] = (), *,
    go_on: Callable[[], bool] = _always, access: Access | None = None,
) -> Slopes:  # fmt: skip
    """Which way each bar of a recipe helps its merged model to say what is wanted, each skill as much as the others.

    examples  by skill, in the merged model's tokens (`said`, or likelihood.examples)
    names     the parameters that are asked for; none: all with numbers
    """
    return runner.within(lambda: Mix(runner, recipe, names, access).slopes(examples, go_on=go_on), [recipe], access=access)


# ---------------------------------------------------------------------------------------------- the merged model and its bars


@dataclass(frozen=True)
class _Move:
    """A tensor with one bar lower and higher. span: how far apart, in the bar's units."""

    bar: int
    low: TensorJob
    high: TensorJob
    span: float


class Mix:
    """A recipe whose bars can be moved layer by layer, and the merged model that follows. Not for threads, as its runner.

    Offsets are what is added to the recipe's numbers, (bars, layers), float64.
    """

    def __init__(self, runner: Runner, recipe: Recipe, names: Sequence[str] = (), access: Access | None = None) -> None:
        """names: the parameters whose bars are moved; none: all with numbers."""
        self.runner, self.recipe, self.access = runner, recipe, access
        self.models = runner.parents.open(recipe, access)
        plan = make_plan(recipe, self.models)
        self.layout, self.layers = plan.layout, plan.layout.layers
        self.bars = bars(recipe, self.layers, names)
        self.start = torch.zeros(len(self.bars), self.layers, dtype=torch.float64)
        """The recipe as it is: no offsets."""
        self._idle: dict[str, bool] = {}
        self._straight = _straight(recipe, plan, self.bars)
        self._planned: dict[str, list[_Move]] = {}
        self._kept: dict[str, list[tuple[int, float, Tensor]]] = {}

    def recipe_at(self, offsets: Tensor, digits: int = 7) -> Recipe:
        """The recipe with its bars moved: as numbers where they move evenly, else as curves with an anchor for each layer."""
        changes: dict[str, Any] = {}
        for bar, row in zip(self.bars, offsets, strict=True):
            own = numbers(row)[bar.start : bar.start + bar.count]
            if any(own):
                changes[bar.path] = bar.moved(own, digits)
        return replace_all(self.recipe, changes) if changes else self.recipe

    @torch.no_grad()
    def hear(
        self, examples: Mapping[str, Sequence[Example]], offsets: Tensor | None = None, *, go_on: Callable[[], bool] = _always
    ) -> dict[str, Heard]:
        """How the merged model takes examples, by skill; nothing is generated."""
        who = self.runner.merged(self.recipe_at(self.start if offsets is None else offsets), go_on, self.access)
        taken = _Taken(examples)
        for one in passes(who, taken.rows, go_on=go_on):
            taken.add(one.places, one, one.each(one.logprobs()))
        return taken.heard()

    def slopes(
        self, examples: Mapping[str, Sequence[Example]], offsets: Tensor | None = None, *,
        shares: Mapping[str, float] | None = None, go_on: Callable[[], bool] = _always,
    ) -> Slopes:  # fmt: skip
        """The slopes of the skills' losses at some offsets. shares: how much each skill counts; None: all the same."""
        at = self.recipe_at(self.start if offsets is None else offsets)
        who = self.runner.merged(at, go_on, self.access)
        shares = shares or {skill: 1 / len(examples) for skill in examples}
        taken = _Taken(examples)
        weight = taken.weights(shares, self._likely(who, taken, go_on))
        with _Gradients(self, who, self._moves(at)) as arriving:
            for some in _together(taken.rows, _room(who)):
                whole = torch.zeros((), device=who.forward.device)
                for one in passes(who, [taken.rows[i] for i in some], go_on=go_on):
                    places = [some[i] for i in one.places]
                    each = one.each(one.logprobs())
                    whole = whole + (each * torch.tensor([weight[i] for i in places], device=each.device)).sum()
                    taken.add(places, one, each.detach())
                if not go_on():
                    raise Cancelled("stopped before the slopes were known.")
                if whole.requires_grad:
                    torch.autograd.backward(whole)
        return Slopes(self.bars, arriving.table.cpu(), taken.heard())

    @torch.no_grad()
    def _likely(self, who: ChatModel, taken: "_Taken", go_on: Callable[[], bool]) -> dict[int, list[float]]:
        """log P of each choice of the questions that have some, by the question's place: a pass more, for them alone."""
        asked = {i: one for i, one in enumerate(taken.asked) if isinstance(one, Choice)}
        return dict(zip(asked, heard_choices(who, list(asked.values()), go_on), strict=True))

    def _moves(self, at: Recipe) -> dict[str, list[_Move]]:
        """The tensors that move with a bar, with both of their jobs; layers do not see each other, so all move at once."""
        if self._straight and self._planned:
            return self._planned
        found: dict[str, list[_Move]] = {}
        here = bars(at, self.layers, [bar.param.name for bar in self.bars])
        for i, bar in enumerate(here):
            by = STEP * bar.width
            ends = [make_plan(replace_all(at, {bar.path: bar.moved([b] * bar.count)}), self.models) for b in (-by, by)]
            for a, b in zip(ends[0].jobs, ends[1].jobs, strict=True):
                span = _span(a, b, bar.param.name) if a != b else 0.0
                if span and not self._still(a, b):
                    found.setdefault(a.name, []).append(_Move(i, _exact(a), _exact(b), span))
        self._planned = found
        return found

    def _still(self, low: TensorJob, high: TensorJob) -> bool:
        """Whether a tensor is the same in all models, so that it stays where it is; norms and embeddings often are."""
        if low.name not in self._idle:
            read = self.runner.parents.reader(self.models)
            first, *others = (read(source) for source in used(low))
            equal = all(first.shape == other.shape and torch.equal(first, other) for other in others)
            if equal and low.method is not None and METHODS[low.method].takes != "deltas":
                equal = torch.equal(self._merged(_exact(low)), self._merged(_exact(high)))
            self._idle[low.name] = equal
        return self._idle[low.name]

    def _merged(self, job: TensorJob) -> Tensor:
        parents = self.runner.parents
        return merge_tensor(
            job, parents.reader(self.models), parents.device, known=parents.known if not self.recipe.earlier else None
        )

    def moving(self, name: str, moves: Sequence[_Move]) -> Iterator[tuple[int, float, Tensor]]:
        """(bar, span, how far a tensor moves over that span) for each bar that moves it."""
        if name in self._kept:
            yield from self._kept[name]
            return
        made: list[tuple[int, float, Tensor]] = []
        for move in moves:
            change = self._merged(move.high).sub_(self._merged(move.low))
            if self._straight:
                made.append((move.bar, move.span, change))
            yield move.bar, move.span, change
        held = sum(change.nbytes for some in self._kept.values() for _, _, change in some)
        if made and held + sum(change.nbytes for _, _, change in made) <= KEPT:
            self._kept[name] = made


def _exact(job: TensorJob) -> TensorJob:
    """The job with its result as it was computed: half precision hides small moves."""
    return replace(job, out=job.compute)


def _span(low: TensorJob, high: TensorJob, name: str) -> float:
    """How far apart a parameter's numbers are in two jobs."""
    a, b = low.args.get(name), high.args.get(name)
    pairs = zip(a, b, strict=True) if isinstance(a, tuple) and isinstance(b, tuple) else ((a, b),)
    return sum(float(y) - float(x) for x, y in pairs if isinstance(x, (int, float)) and isinstance(y, (int, float)))


def _straight(recipe: Recipe, plan: Plan, found: Sequence[Bar]) -> bool:
    """Whether what moves with the bars is the same wherever they stand: weights of a plain sum."""
    law, by = recipe.method.law, recipe.method.normalized_by
    plain = law.combine in ("sum", "average") and not law.vote and by != "always" and not recipe.modules
    plain = plain and not (by and any(job.args.get(by) for job in plan.jobs))
    return plain and {bar.param.name for bar in found} == {"weight"}


class _Taken:
    """How a model takes examples: each is a row that is read, a question with choices a row for each of them.

    rows  all of them; spans: which of them are each example's
    """

    def __init__(self, examples: Mapping[str, Sequence[Example]]) -> None:
        self.examples = examples
        self.asked = [one for some in examples.values() for one in some]
        self.rows: list[Example] = []
        self.spans: list[slice] = []
        for one in self.asked:
            own = one.each if isinstance(one, Choice) else (one,)
            self.spans.append(slice(len(self.rows), len(self.rows) + len(own)))
            self.rows += own
        self._likely, self._whole = [0.0] * len(self.rows), [False] * len(self.rows)

    def add(self, places: Sequence[int], one: Pass, likely: Tensor) -> None:
        """A pass over the rows at `places`. likely: log P of each, (places,)."""
        for place, value, missed in zip(places, floats(likely), integers(one.each((~one.hits()).float())), strict=True):
            self._likely[place], self._whole[place] = value, not missed

    def weights(self, shares: Mapping[str, float], likely: Mapping[int, Sequence[float]]) -> list[float]:
        """How much the whole loss moves with each row's log P. shares: of each skill; likely: as it is now, for choices."""
        counts = [shares[skill] / len(own) for skill, own in self.examples.items() for _ in own]
        found = [0.0] * len(self.rows)
        for i, (one, span, count) in enumerate(zip(self.asked, self.spans, counts, strict=True)):
            if isinstance(one, Choice):
                found[span] = [count * (share - (at == one.at)) for at, share in enumerate(one.shares(likely[i]))]
            else:
                found[span] = [-count]
        return found

    def heard(self) -> dict[str, Heard]:
        """By skill."""
        losses = [
            one.loss(self._likely[span]) if isinstance(one, Choice) else -self._likely[span][0]
            for one, span in zip(self.asked, self.spans, strict=True)
        ]
        right = [
            one.right(self._likely[span]) if isinstance(one, Choice) else self._whole[span][0]
            for one, span in zip(self.asked, self.spans, strict=True)
        ]
        found, start = dict[str, Heard](), 0
        for skill, own in self.examples.items():
            some = slice(start, start + len(own))
            start += len(own)
            count = max(1, len(own))
            found[skill] = Heard(sum(losses[some]) / count, sum(right[some]) / count, tuple(losses[some]))
        return found


def _together(examples: Sequence[Example], tokens: int) -> Iterator[list[int]]:
    """The places of examples that go through the model for one backward pass, those of like length together."""
    some: list[int] = []
    width = 0
    for i in sorted(range(len(examples)), key=lambda i: len(examples[i].asked) + len(examples[i].tokens), reverse=True):
        own = len(examples[i].asked) + len(examples[i].tokens)
        if some and (len(some) + 1) * width > tokens:
            yield some
            some = []
        width = width if some else own
        some.append(i)
    if some:
        yield some


def _room(who: ChatModel) -> int:
    """How many tokens go through a model for one backward pass: each leaves about twenty times its width in every layer."""
    config = who.module.config.get_text_config(decoder=True)
    width, layers = (int(getattr(config, name, 0) or 0) for name in ("hidden_size", "num_hidden_layers"))
    size = next(who.module.parameters()).element_size()
    return TOGETHER // (20 * (width or 1024) * (layers or 32) * size)


# ---------------------------------------------------------------------------------------------- gradients as they arrive


class _Gradients:
    """While it is open, a backward pass leaves no gradients: each is reduced to one number for each bar when it arrives.

    table  (bars, layers + 1), float64, on the device that merges
    """

    def __init__(self, mix: Mix, who: ChatModel, moves: Mapping[str, list[_Move]]) -> None:
        self.mix, self.who, self.moves = mix, who, moves
        self.device = mix.runner.parents.device
        self.table = torch.zeros(len(mix.bars), mix.layers + 1, dtype=torch.float64, device=self.device)
        self._names = {id(tensor): name for name, tensor in mix.runner.session.tensors.items()}
        self._opened: list[tuple[Tensor, Any]] = []

    def __enter__(self) -> "_Gradients":
        bound = self.who.bound
        copied = {name: one for one in bound.copies for name in one.parameters}
        for name, p in self.who.module.named_parameters():
            sources = bound.sources.get(name, ())
            if p.is_floating_point() and any(self._names.get(id(t)) in self.moves for t in sources):
                p.requires_grad_(True)
                hook = self._hook(name, sources, copied.get(name))
                self._opened.append((p, p.register_post_accumulate_grad_hook(hook)))
        return self

    def __exit__(self, *_: object) -> None:
        for p, hook in self._opened:
            hook.remove()
            p.requires_grad_(False)
            p.grad = None

    def _hook(self, name: str, sources: Sequence[Tensor], copied: Copied | None) -> Callable[[Tensor], None]:
        def arrive(p: Tensor) -> None:
            gradient, p.grad = p.grad, None
            if gradient is None:
                return
            for tensor, part in _parts(gradient, p, name, sources, copied):
                own = self._names.get(id(tensor), "")
                if own in self.moves:
                    self._take(own, part)

        return arrive

    @torch.no_grad()
    def _take(self, name: str, gradient: Tensor) -> None:
        layer = self.mix.layout.layer(name)
        column = self.mix.layers if layer is None else layer
        gradient = gradient.to(self.device)
        for bar, span, change in self.mix.moving(name, self.moves[name]):
            flat = gradient.to(change.dtype).reshape(-1)
            self.table[bar, column] += torch.dot(flat, change.view(-1)).double() / span


def _parts(
    gradient: Tensor, p: Tensor, name: str, sources: Sequence[Tensor], copied: Copied | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """The gradient of a parameter as those of the tensors it is made of."""
    if copied is not None:
        yield from _through(gradient, name, sources, copied)
    elif len(sources) == 1 and sources[0].shape == p.shape and sources[0].stride() == p.stride():
        yield sources[0], gradient
    else:  # they lie in the parameter's memory, or it in theirs
        spans = [sum((n - 1) * s for n, s in zip(t.shape, t.stride(), strict=True)) + 1 for t in (p, *sources)]
        first = min(t.storage_offset() for t in (p, *sources))
        end = max(t.storage_offset() + span for t, span in zip((p, *sources), spans, strict=True))
        memory = gradient.new_zeros(end - first)
        memory.as_strided(p.shape, p.stride(), p.storage_offset() - first).copy_(gradient)
        for tensor in sources:
            yield tensor, memory.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset() - first)


def _through(gradient: Tensor, name: str, sources: Sequence[Tensor], copied: Copied) -> Iterator[tuple[Tensor, Tensor]]:
    """The same through what turns or weaves tensors as transformers loads them."""
    for tensor in sources:
        tensor.requires_grad_(True)
    try:
        with torch.enable_grad():
            made = copied.make()[name]
            arrived = torch.autograd.grad(made, list(sources), gradient.to(made.dtype), allow_unused=True)
    finally:
        for tensor in sources:
            tensor.requires_grad_(False)
    found = cast("Sequence[Tensor | None]", arrived)
    yield from ((tensor, part) for tensor, part in zip(sources, found, strict=True) if part is not None)


__all__ = ["Bar", "Heard", "Mix", "Said", "Slopes", "bars", "said", "slopes"]
