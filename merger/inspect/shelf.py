"""A shelf of models side by side, before anything is merged: whose base is whose, how alike their changes are, what to merge.

All is told from a few rows of some matrices of up to twelve layers, the same of every model, from files or from afar.
"""

import itertools
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from merger.errors import Cancelled, CheckpointError, MergeError
from merger.files.checkpoints import Checkpoint
from merger.files.layout import ATTENTION, layout, role, strip_prefixes
from merger.hub.lora import Adapted
from merger.hub.remote import Remote
from merger.inspect.kinship import COMMON, Kin, card_base
from merger.limits import SHELF
from merger.tokenizer.tokens import chat_template_kind, read_vocabulary

LAYERS, ROWS = 12, 8
"""So many layers at most, an attention and an MLP matrix in each, so many rows of each."""
ALIKE = 0.5
"""From this cosine on two changes are more the same than not; those of the family's six tunes are .02 to .15."""


SAME = 0.8
"""From here on one of two was trained on from the other, or both are one thing; a sibling taken for the base gives about .5."""
MORE = 1.5
"""From this ratio on two changes are told to be of unlike size."""


@dataclass(frozen=True)
class Book:
    """One model of a shelf.

    role      base, fine-tune, duplicate, sibling (given as base, and is none), relative (of somebody here, the base is not),
              stranger
    why       a sentence on that
    size      norm of its change over the norm of the base, in the sampled rows; None where there is no base to measure from
    layers    the same for each sampled layer: number of the layer -> size
    ancestor  what its card, or its LoRA, says it was made from; "" where it says nothing
    """

    reference: str
    role: str
    why: str
    size: float | None = None
    layers: Mapping[int, float] = field(default_factory=dict[int, float])
    vocabulary: str = ""
    template: str = ""
    ancestor: str = ""


@dataclass(frozen=True)
class Likeness:
    """Two models' changes of the base: their cosine, and of the weights that either changes the share that both do."""

    cosine: float
    shared: float


@dataclass(frozen=True)
class Proposal:
    """Models worth merging, with a sentence why. disturbance: how much change comes together, less is better."""

    models: tuple[str, ...]
    why: str
    disturbance: float


@dataclass(frozen=True)
class Shelf:
    """What was found. `books` in an order in which like stands beside like; `likeness` for every two fine-tunes."""

    base: str | None
    why_base: str
    books: tuple[Book, ...]
    likeness: Mapping[frozenset[str], Likeness]
    pairs: tuple[Proposal, ...]
    triples: tuple[Proposal, ...]
    notes: tuple[str, ...] = ()

    def cosine(self, one: str, other: str) -> float | None:
        """Of two models' changes; None where one of them is no fine-tune of the base."""
        found = self.likeness.get(frozenset((one, other)))
        return found.cosine if found else None


def look(models: Mapping[str, Checkpoint], base: str | None = None, go_on: Callable[[], bool] = lambda: True) -> Shelf:
    """Compare models by reference. base: what they were tuned from, one of them; None: it is looked for among them.

    MergeError for fewer than two models, more than limits.SHELF, or a base that is not among them; Cancelled when `go_on`,
    asked before every read, says no.
    """
    if len(models) < 2:
        raise MergeError("kinship: one model has nobody to be compared with; name two or more.")
    if len(models) > SHELF:
        raise MergeError(f"kinship: {len(models)} models are more than {SHELF:,} on one shelf; name fewer.")
    if base is not None and base not in models:
        raise MergeError(f"kinship: the base {base} is not among the models.")
    return _Look(models, go_on).shelf(base)


class _Look:
    """Rows of all models, and what follows from them."""

    def __init__(self, models: Mapping[str, Checkpoint], go_on: Callable[[], bool]) -> None:
        self.models, self.notes = models, list[str]()
        self.names = {reference: _names(model) for reference, model in models.items()}
        self.shapes = {
            reference: {name: tuple(model.tensors[own].shape) for name, own in self.names[reference].items()}
            for reference, model in models.items()
        }
        self.cards = {reference: _ancestors(model) for reference, model in models.items()}
        self.alike = self._most_alike()
        self.places = self._places() if self.alike else {}
        self.rows: dict[str, dict[str, Tensor]] = {}
        for reference in self.alike:
            self.rows[reference] = {}
            for name in self.places:
                if not go_on():
                    raise Cancelled("stopped before all models were looked at.")
                self.rows[reference][name] = _sample(models[reference], self.names[reference][name])

    def _most_alike(self) -> list[str]:
        """The largest group of models that have the same matrices; of equally large ones that of the first model."""
        groups: list[list[str]] = []
        for reference, shapes in ((r, shapes) for r, shapes in self.shapes.items() if shapes):
            for group in groups:
                shared = shapes.items() & self.shapes[group[0]].items()
                if 2 * len(shared) > max(len(shapes), len(self.shapes[group[0]])):
                    group.append(reference)
                    break
            else:
                groups.append([reference])
        return max(groups, key=len, default=[])

    def _places(self) -> dict[str, int]:
        """Which matrices are sampled -> their layer: in each layer another of attention and another of the MLP, as far as LoRAs
        change them all."""
        first, *others = (self.shapes[reference] for reference in self.alike)
        common = {name for name, shape in first.items() if all(other.get(name) == shape for other in others)}
        adapted = [strip_prefixes(n) for r in self.alike if isinstance(m := self.models[r], Adapted) for n in m.pairs]
        model, own = self.models[self.alike[0]], self.names[self.alike[0]]
        where, layers = layout(model.numels, model.config), dict[int, list[str]]()
        for name in sorted(common, key=lambda name: (-adapted.count(name), name)):
            layers.setdefault(where.layer(own[name]) or 0, []).append(name)
        every = sorted(layers)
        count = min(LAYERS, len(every))
        chosen: dict[str, int] = {}
        for turn in range(count):
            layer = every[(2 * turn + 1) * len(every) // (2 * count)]
            for attention in (True, False):
                some = [name for name in layers[layer] if (role(name) in ATTENTION) == attention]
                best = [name for name in some if adapted.count(name) == adapted.count(some[0])]
                if best:
                    chosen[best[turn % len(best)]] = layer
        return chosen

    def shelf(self, given: str | None) -> Shelf:
        twins = self._twins()
        single = [reference for reference in self.alike if reference not in twins]
        base, why = self._base(single, given, twins)
        related = [r for r in single if r != base and base is not None and self.kin(base, r).related]
        likeness = {frozenset(two): self._likeness(base, *two) for two in itertools.combinations(related, 2)} if base else {}
        middle = statistics.median([one.cosine for one in likeness.values()] or [0.0])
        sibling = base if given is not None and COMMON <= middle < SAME else None
        if sibling is not None:
            why = f"{sibling} was given as the base, and seems to be a sibling: {_SHARE} {middle:.2f} in the middle."
            other, other_why = self._base([r for r in single if r != sibling], None, twins)
            self.notes.append(
                f"{other} looks like the base: {other_why}" if other else "The base is not among these models; name it with them."
            )
        books = [self._book(reference, base, twins, sibling) for reference in self.models]
        tunes = [book for book in books if book.role == "fine-tune"]
        order = _in_order([book.reference for book in tunes], likeness)
        place = {reference: i for i, reference in enumerate(order)}
        rank = {"base": 0, "sibling": 0, "fine-tune": 1, "relative": 1, "duplicate": 2, "stranger": 3}
        books.sort(key=lambda book: (rank[book.role], place.get(book.reference, 0)))
        usable = [] if sibling else tunes
        pairs = _ranked(usable, likeness, 2)
        return Shelf(
            base, why, tuple(books), likeness, pairs, _ranked(usable, likeness, 3), (*self.notes, *self._warnings(books))
        )

    def kin(self, one: str, other: str) -> Kin:
        """How far two models are apart; far beyond every relative where their rows hold no numbers."""
        xx = xy = yy = 0.0
        for a, b in self._two(one, other):
            xx, xy, yy = xx + float((a * a).sum()), xy + float((a * b).sum()), yy + float((b * b).sum())
        if not (math.isfinite(xx + yy) and xx > 0 and yy > 0):
            return Kin(math.inf, 0.0)
        return Kin(math.sqrt(max(0.0, xx - 2 * xy + yy) / xx), xy / math.sqrt(xx * yy))

    def _two(self, one: str, other: str) -> Iterator[tuple[Tensor, Tensor]]:
        for name in self.places:
            yield self.rows[one][name].double(), self.rows[other][name].double()

    def _twins(self) -> dict[str, str]:
        """Models whose sampled rows are another's to the bit -> that other, the one that was named first."""
        twins: dict[str, str] = {}
        for one, other in itertools.combinations(self.alike, 2):
            same = all(torch.equal(a, b) for a, b in self._two(one, other))
            if self.places and same and one not in twins and other not in twins:
                twins[other] = one
        return twins

    def _base(self, among: Sequence[str], given: str | None, twins: Mapping[str, str]) -> tuple[str | None, str]:
        """What the others come from, and how that is known."""
        if given is not None:
            return (twins.get(given, given), "given.") if given in self.alike else (None, f"{given} is built otherwise.")
        named = {r: [b for b in among if b != r and self._names(r, b)] for r in among}
        for candidate in among:
            children = [r for r in among if candidate in named[r]]
            if children and len(children) * 2 >= len(among) - 1:
                return candidate, f"{len(children)} of {len(among) - 1} others name it as theirs."
        found = [(cosine, candidate) for candidate in among if (cosine := self._middle_cosine(candidate, among)) is not None]
        middle, candidate = min(found, default=(1.0, ""))
        if middle < COMMON:
            return candidate, f"seen from it the others' changes have little in common (cosine {middle:.2f} in the middle)."
        return None, "none of these models looks like the base of the others."

    def _names(self, reference: str, base: str) -> bool:
        """Whether a model's card or LoRA says it comes from `base`; a folder goes by its last part."""
        last = base.rstrip("/").rsplit("/", 1)[-1].lower()
        return any(a == base or a.rstrip("/").rsplit("/", 1)[-1].lower() == last for a in self.cards[reference])

    def _middle_cosine(self, base: str, among: Sequence[str]) -> float | None:
        """The median: two of them may have been trained one from the other."""
        others = [r for r in among if r != base and self.kin(base, r).related]
        if len(others) < 2 or len(others) * 2 < len(among) - 1:
            return None
        return statistics.median(self._likeness(base, *two).cosine for two in itertools.combinations(others, 2))

    def _likeness(self, base: str, one: str, other: str) -> Likeness:
        xx = xy = yy = 0.0
        both = either = 0
        for name in self.places:
            zero, a, b = (self.rows[r][name].double() for r in (base, one, other))
            x, y = a - zero, b - zero
            xx, xy, yy = xx + float((x * x).sum()), xy + float((x * y).sum()), yy + float((y * y).sum())
            moved, theirs = x != 0, y != 0
            both, either = both + int((moved & theirs).sum()), either + int((moved | theirs).sum())
        return Likeness(xy / math.sqrt(xx * yy) if xx > 0 and yy > 0 else 0.0, both / max(1, either))

    def _book(self, reference: str, base: str | None, twins: Mapping[str, str], sibling: str | None) -> Book:
        model = self.models[reference]
        says = self.cards[reference]
        book = Book(
            reference, "stranger", "", vocabulary=_vocabulary(model), template=_template(model), ancestor=says[0] if says else ""
        )
        if reference not in self.alike:
            return replace(book, why=self._unlike(reference))
        if reference in twins:
            return replace(book, role="duplicate", why=f"the same weights as {twins[reference]} in every sampled row.")
        if reference == sibling:
            return replace(book, role="sibling", why="was given as the base; the others' changes, seen from it, point one way.")
        if reference == base:
            return replace(book, role="base", why="what the others were tuned from.")
        if base is None:
            return self._relative(book)
        kin = self.kin(base, reference)
        if not kin.related:
            return replace(
                book, why=f"does not come from {base}: its weights are {kin.distance:.2f} of the base's norm away, "
                f"with a cosine of {kin.cosine:.2f}.",
            )  # fmt: skip
        layers = self._by_layer(base, reference)
        return replace(book, role="fine-tune", size=kin.distance, layers=layers, why=_where(kin.distance, layers))

    def _relative(self, book: Book) -> Book:
        """What can be said of a model where the base is not there."""
        apart = {r: kin for r in self.alike if r != book.reference and (kin := self.kin(book.reference, r)).related}
        if not apart:
            return replace(book, why="its weights are near to nobody's here.")
        nearest = min(apart, key=lambda r: apart[r].distance)
        return replace(
            book, role="relative", why=f"{100 * apart[nearest].distance:.1f} % of its norm from {nearest}; name their base with "
            "them, and their changes can be compared.",
        )  # fmt: skip

    def _by_layer(self, base: str, reference: str) -> dict[int, float]:
        parts: dict[int, tuple[float, float]] = {}
        for name, layer in self.places.items():
            zero, own = self.rows[base][name].double(), self.rows[reference][name].double()
            of, moved = parts.get(layer, (0.0, 0.0))
            parts[layer] = of + float((zero * zero).sum()), moved + float(((own - zero) ** 2).sum())
        return {layer: math.sqrt(moved / of) if of > 0 else 0.0 for layer, (of, moved) in sorted(parts.items())}

    def _unlike(self, reference: str) -> str:
        if not self.shapes[reference]:
            return "holds no matrices of layers in plain floating point; it may be quantized."
        if not self.alike:
            return "nothing here is built like it."
        mine, theirs = (_build(self.models[r]) for r in (reference, self.alike[0]))
        return f"is built otherwise: {mine}, {self.alike[0]} {theirs}."

    def _warnings(self, books: Sequence[Book]) -> Iterator[str]:
        near = [book for book in books if book.role in ("base", "sibling", "fine-tune")]
        for what, values in (("vocabularies", "vocabulary"), ("chat templates", "template")):
            groups: dict[str, list[str]] = {}
            for book in near:
                if getattr(book, values):
                    groups.setdefault(getattr(book, values), []).append(book.reference)
            if len(groups) > 1:
                told = "; ".join(f"{', '.join(of)}: {value}" for value, of in groups.items())
                yield f"{what} differ: {told}."
        trees: dict[str, list[str]] = {}
        for book in books:
            if book.ancestor:
                trees.setdefault(book.ancestor, []).append(book.reference)
        for ancestor, of in trees.items():
            if len(of) > 1:
                yield f"same family tree: {', '.join(of)} come from {ancestor}, as they say themselves."


_SHARE = "seen from it, the others' changes share a direction, cosine"


def _names(model: Checkpoint) -> dict[str, str]:
    """The matrices of layers that can be compared, stacks of experts too: name without what wraps the model -> own name."""
    where = layout(model.numels, model.config)
    return {
        strip_prefixes(name): name for name, stored in model.tensors.items()
        if (len(stored.shape) == 2 or (len(stored.shape) == 3 and role(name) == "experts")) and not name.endswith("bias")
        and stored.plain and where.layer(name) is not None and role(name) not in ("norm", "router")
    }  # fmt: skip


def _sample(model: Checkpoint, name: str) -> Tensor:
    """A run of rows from the middle of a matrix; of a stack from the middle of all its rows, so of one expert or two."""
    stored = model.tensors[name]
    *stack, width = stored.shape
    total = math.prod(stack)
    start = max(0, total - ROWS) // 2
    stop = start + min(ROWS, total)
    if len(stack) == 1:
        return model.read(name, slice(start, stop))
    if isinstance(model, Remote):  # from afar an expert is too much
        rows = f"{name}, its rows"
        return replace(model, tensors={rows: replace(stored, shape=(total, width))}).read(rows, slice(start, stop))
    first = start // stack[1]
    some = model.read(name, slice(first, (stop - 1) // stack[1] + 1)).flatten(0, 1)
    return some[start - first * stack[1] : stop - first * stack[1]]


def _ancestors(model: Checkpoint) -> tuple[str, ...]:
    if isinstance(model, Adapted):
        return (model.pieces[0].reference,)
    if isinstance(model, Remote) and model.hub is not None:
        return model.hub.base
    named = card_base(model.folder)
    return (named,) if named else ()


def _vocabulary(model: Checkpoint) -> str:
    try:
        found = read_vocabulary(model.words)
    except CheckpointError:
        return ""
    return f"{len(found.ids):,} tokens ({found.digest[:6]})" if found else ""


def _template(model: Checkpoint) -> str:
    try:
        return chat_template_kind(model.folder)
    except CheckpointError:
        return ""


def _build(model: Checkpoint) -> str:
    weights = sum(model.numels.values())
    return f"{layout(model.numels, model.config).layers} layers, {weights:,} weights"


def _where(size: float, layers: Mapping[int, float]) -> str:
    """How much a model moved, and where most."""
    if not layers or size == 0:
        return "no sampled weight differs from the base."
    most = max(layers, key=lambda layer: layers[layer])
    spread = f", most in layer {most + 1}" if layers[most] > 1.5 * size else ", in all layers alike"
    return f"moved by {100 * size:.1f} % of the base{spread}."


def _in_order(references: Sequence[str], likeness: Mapping[frozenset[str], Likeness]) -> list[str]:
    """Like beside like: from the most alike pair on, always the one that is most like either end."""
    left = list(references)
    if len(left) < 3:
        return left

    def cosine(a: str, b: str) -> float:
        return likeness[frozenset((a, b))].cosine

    row = list(max(itertools.combinations(left, 2), key=lambda two: cosine(*two)))
    left = [r for r in left if r not in row]
    while left:
        end, following = max(((end, r) for end in (0, -1) for r in left), key=lambda at: cosine(row[at[0]], at[1]))
        row.insert(0 if end == 0 else len(row), following)
        left.remove(following)
    return row


def _ranked(tunes: Sequence[Book], likeness: Mapping[frozenset[str], Likeness], count: int) -> tuple[Proposal, ...]:
    """Pairs or triples, the least disturbance first: the sum of squared sizes, and of what points the same way twice.

    On the 15 pairs of the family's six tunes this order goes with what a merge keeps (rank correlation -.7); their
    cosines, all under .16, tell nothing of it.
    """
    sized = [(book, book.size) for book in tunes if book.size]
    proposals: list[Proposal] = []
    for some in itertools.combinations(sized, count):
        cosines = {
            (a.reference, b.reference): likeness[frozenset((a.reference, b.reference))].cosine
            for (a, _), (b, _) in itertools.combinations(some, 2)
        }
        together = sum(size**2 for _, size in some)
        both = sum(2 * abs(likeness[frozenset((a.reference, b.reference))].cosine) * x * y
                   for (a, x), (b, y) in itertools.combinations(some, 2))  # fmt: skip
        if max(cosines.values()) < ALIKE:
            models = tuple(book.reference for book, _ in some)
            proposals.append(Proposal(models, _reason([(b.reference, s) for b, s in some], cosines), math.sqrt(together + both)))
    return tuple(sorted(proposals, key=lambda one: one.disturbance))


def _reason(sizes: Sequence[tuple[str, float]], cosines: Mapping[tuple[str, str], float]) -> str:
    names = short([reference for reference, _ in sizes])
    highest = max(cosines.values(), key=abs)
    if highest <= -COMMON:
        told = f"changes that work against each other ({highest:.2f})"
    else:
        told = f"{'unrelated changes' if highest < COMMON else 'some in common'} ({highest:.2f})"
    (small, least), (large, most) = min(sizes, key=lambda s: s[1]), max(sizes, key=lambda s: s[1])
    if most >= MORE * least:
        far = f"{most / least:.1f} times as far as {names[small]}"
        return f"{told}; {names[large]} moved {far} ({_percent(most)}, {_percent(least)})"
    return f"{told}, similar in size ({_percent(least)} to {_percent(most)})"


def short(references: Sequence[str]) -> dict[str, str]:
    """Names to show: the last part of each, or the whole where two are alike."""
    last = {reference: "+".join(part.rstrip("/").rsplit("/", 1)[-1] for part in reference.split("+")) for reference in references}
    return {r: name if list(last.values()).count(name) == 1 else r for r, name in last.items()}


def _percent(size: float) -> str:
    return f"{100 * size:.1f} %"
