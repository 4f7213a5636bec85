"""Tune: move a recipe's bars along their slopes until its merge says what is wanted. By default that is what its parents say.

goals = of_parents(runner, recipe, {"presets/family/plural": ["plural of box", ...], ...})
for step in tune(runner, recipe, goals): ...          # step.best is the best so far, and stays when you stop
step.best.recipe, step.best.better
"""

import contextlib
import math
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from merger.chat.model import Plain
from merger.errors import Cancelled, MergeError, RecipeError, nearest
from merger.hub.access import Access
from merger.inside import inside, presets
from merger.limits import QUESTIONS
from merger.methods.ops import numbers
from merger.recipe import Recipe
from merger.regular import read_text
from merger.search.choices import choices
from merger.search.choices import heard as heard_choices
from merger.search.likelihood import Example, logprobs
from merger.search.questions import Question, QuestionSet
from merger.search.slopes import Bar, Heard, Mix, Said, said
from merger.search.trials import LONGEST, Probe, Runner, all_right, read_probes

RATE = 0.06
STEPS, MANY_STEPS = 40, 100
STRETCH = 3.0
"""So much longer steps are at most where the seconds suffice for few of them: else they end half way, as with large models."""
EACH = 5
"""Prompts of each skill that a step looks at."""
PULL, HELD, LOOSELY = 0.1, 3.0, 0.3
"""How strongly numbers are pulled to where they began, and layers to each other; loosely where much can be told."""
MANY_MODELS, MANY_PROMPTS = 5, 40
"""From here on there is no pull, and the worst skill comes first."""
EVERY = 5
"""Every fifth prompt of a skill is kept back, and decides."""
LOOK = 5
"""Steps between looks at what was kept back."""
DIGITS = 4
"""Of a number in the result: more say nothing."""
LEAST = 0.01
"""Share of the loss that must be gained on what was kept back."""


Known = Callable[[str, str], Said | None]
"""(model, prompt) -> what it has said to it already, if anybody remembers."""


def _always() -> bool:
    return True


def _unknown(model: str, prompt: str) -> Said | None:
    return None


# ---------------------------------------------------------------------------------------------- what is wanted


@dataclass(frozen=True)
class Goals:
    """What the merge is to say, by skill, in its own tokens.

    learn   examples that the steps look at
    keep    examples that decide whether the result is offered; those to learn from where there are too few to keep any back
    nobody  questions whose wanted answer no model gives: left out
    """

    learn: Mapping[str, tuple[Example, ...]]
    keep: Mapping[str, tuple[Example, ...]]
    nobody: tuple[Probe, ...] = ()

    @property
    def kept_back(self) -> bool:
        """Whether what decides was not learned from."""
        return any(self.keep[skill] != self.learn[skill] for skill in self.learn)


def goals(examples: Mapping[str, Sequence[Example]], nobody: Sequence[Probe] = ()) -> Goals:
    """Examples by skill with every fifth kept back. MergeError where there are none."""
    some = {skill: tuple(own) for skill, own in examples.items() if own}
    if not some:
        first = f", for example to {nobody[0].prompt[:60]!r}" if nobody else ""
        raise MergeError(f"there is nothing to tune for: none of your models gives a wanted answer{first}.")
    learn = {skill: tuple(one for i, one in enumerate(own) if i % EVERY != EVERY - 1) for skill, own in some.items()}
    return Goals(learn, {skill: own[EVERY - 1 :: EVERY] or own for skill, own in some.items()}, tuple(nobody))


def parents(recipe: Recipe) -> tuple[str, ...]:
    """The models that are mixed: without a base from which changes are counted."""
    based = recipe.base_model if recipe.method.base in ("required", "optional") else None
    return tuple(reference for reference in recipe.merged if reference in recipe.opened and reference != based)


def titles(recipe: Recipe) -> dict[str, str]:
    """The parents by short names: the last part of the reference where it tells them apart."""
    own = parents(recipe)
    short = {reference: re.split(r"[/\\]", reference.rstrip("/\\"))[-1] for reference in own}
    alone = {reference for reference in own if list(short.values()).count(short[reference]) == 1}
    return {short[r] if r in alone else r: r for r in own}


def read_prompts(source: Path, recipe: Recipe) -> dict[str | None, tuple[str, ...]]:
    """A file's prompts by model: a line each, below a line `[model]`; those above any belong to None, and are given out later."""
    try:
        text = read_text(inside(source))
    except (OSError, UnicodeDecodeError) as error:
        raise MergeError(f"{source}: cannot be read as prompts: {getattr(error, 'strerror', None) or 'not text'}.") from None
    names, found = titles(recipe), dict[str | None, list[str]]()
    whose: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1].strip()
            if name not in names and name not in names.values():
                raise MergeError(
                    f"{source}, line {number}: [{name}] is none of the recipe's models: {', '.join(names)}.{nearest(name, names)}"
                )
            whose = names.get(name, name)
        elif line and not line.startswith("#"):
            found.setdefault(whose, []).append(line)
    count = sum(map(len, found.values()))
    if not count:
        raise MergeError(f"{source}: holds no prompts.\n  Write one on each line, below a line [model] for each model's own.")
    if count > QUESTIONS:
        raise MergeError(f"{source}: holds {count} prompts; at most {int(QUESTIONS)} are asked.")
    return {model: tuple(dict.fromkeys(some)) for model, some in found.items()}


def family_prompts(recipe: Recipe) -> dict[str | None, tuple[str, ...]]:
    """Prompts that come with the program, for the family that comes with it. MergeError for all other models."""
    home, probes = (presets() / "family").resolve(), read_probes(presets() / "probes.json")
    found: dict[str | None, tuple[str, ...]] = {}
    for reference in parents(recipe):
        folder = inside(Path(reference)).resolve()
        own = tuple(probe.prompt for probe in probes if probe.skill == folder.name)
        if folder.parent != home or not own:
            raise MergeError(
                f"{reference}: no prompts are known for this model.\n  Write some that it answers well into a file, one on each "
                "line, below a line [model] for each model, and name it: --prompts FILE. Nobody need write answers."
            )
        found[reference] = own
    return found


def of_parents(
    runner: Runner, recipe: Recipe, prompts: Mapping[str | None, Sequence[str]], *, go_on: Callable[[], bool] = _always,
    access: Access | None = None,
) -> Goals:  # fmt: skip
    """The parents' own answers as what is wanted. prompts: by model; those of None are given to the model they matter to."""
    own: dict[str, list[str]] = {r: list(prompts.get(r, ())) for r in parents(recipe)}
    for reference, some in given_out(runner, recipe, prompts.get(None, ()), go_on=go_on, access=access).items():
        own[reference] += some
    who = runner.merged(recipe, go_on, access)
    found = {
        title: said(runner.parent(reference, access), own[reference], listener=who, go_on=go_on)
        for title, reference in titles(recipe).items() if own[reference]
    }  # fmt: skip
    lacking = [title for title in titles(recipe) if title not in found]
    if lacking and len(found) < 2:
        raise MergeError(f"no prompt is one of {', '.join(lacking)}: name prompts that this model answers in its own way.")
    return goals(found)


def given_out(
    runner: Runner, recipe: Recipe, prompts: Sequence[str], *, go_on: Callable[[], bool] = _always,
    access: Access | None = None, known: Known = _unknown,
) -> dict[str, list[str]]:  # fmt: skip
    """Prompts by the model whose answer is most its own: the likeliest for itself beside the base, or beside the other models.

    A prompt that all answer alike is nobody's.
    """
    found: dict[str, list[str]] = {reference: [] for reference in parents(recipe)}
    if not prompts:
        return found
    own = parents(recipe)
    base = recipe.base_model if recipe.base_model not in own else None
    margins: list[Tensor] = []
    for reference in own:
        voice = runner.parent(reference, access)
        beside = [base] if base else [other for other in own if other != reference]
        mine = [said(voice, [prompt], known=_of(known, reference, [prompt]), go_on=go_on) for prompt in prompts]
        theirs = [logprobs(runner.parent(o, access), [e for some in mine for e in some], go_on=go_on).detach() for o in beside]
        gain = logprobs(voice, [e for some in mine for e in some], go_on=go_on).detach() - torch.stack(theirs).mean(0)
        margins.append(torch.tensor([float(gain[sum(map(len, mine[:i]))]) if some else -math.inf for i, some in enumerate(mine)]))
    table = torch.stack(margins)
    for i, prompt in enumerate(prompts):
        best = int(table[:, i].argmax())
        if float(table[best, i]) > 1.0:
            found[own[best]].append(prompt)
    return found


def of_questions(
    runner: Runner, recipe: Recipe, asked: QuestionSet, *, go_on: Callable[[], bool] = _always, access: Access | None = None
) -> Goals:
    """What a set of questions wants, as `wanted_of` finds it."""
    names = {reference: title for title, reference in titles(recipe).items()}
    return goals(*wanted_of(runner, recipe, asked, names, go_on=go_on, access=access))


def wanted_of(
    runner: Runner, recipe: Recipe, asked: QuestionSet, names: Mapping[str, str], *, go_on: Callable[[], bool] = _always,
    access: Access | None = None, known: Known = _unknown,
) -> tuple[dict[str, list[Example]], list[Probe]]:  # fmt: skip
    """Examples by skill, and the questions that no model answers rightly, which are left out.

    A wanted answer is the first right model's, in its own tokens; of choices the right one is to be the likeliest, as it is for
    some model; a prompt alone wants what the model says whose answer is most its own, under that model's name. names: by model.
    """
    said_as = [(q, Plain(q.prompt) if asked.plain else q.prompt) for q in asked.questions]
    probes = {q: Probe(q.skill, p, q.answer, q.match) for q, p in said_as if q.match != "choice" and q.match != "parent"}
    right = given(runner, recipe, tuple(dict.fromkeys(probes.values())), go_on=go_on, access=access, known=known)
    answered: dict[Question, Example] = {q: right[probe][1] for q, probe in probes.items() if probe in right}
    answered |= _chosen(runner, recipe, asked, go_on, access)
    found: dict[str, list[Example]] = {}
    for q in asked.questions:
        if q in answered:
            found.setdefault(q.skill, []).append(answered[q])
    alone = [p for q, p in said_as if q.match == "parent"]
    for model, prompts in given_out(runner, recipe, alone, go_on=go_on, access=access, known=known).items():
        who, voice = runner.merged(recipe, go_on, access), runner.parent(model, access)
        if prompts:
            own = said(voice, prompts, listener=who, known=_of(known, model, prompts), go_on=go_on)
            found.setdefault(names[model], []).extend(own)
    return found, [Probe(q.skill, q.prompt, q.answer) for q in asked.questions if q.match != "parent" and q not in answered]


def _chosen(
    runner: Runner, recipe: Recipe, asked: QuestionSet, go_on: Callable[[], bool], access: Access | None
) -> dict[Question, Example]:
    """Questions with choices for which the right one is some model's likeliest, in the merged model's tokens."""
    some = [q for q in asked.questions if q.match == "choice"]
    waiting = list(some)
    for reference in _voices(recipe) if some else ():
        voice = runner.parent(reference, access)
        own = choices(voice, waiting, asked.plain)
        waiting = [
            q for q, one, likely in zip(waiting, own, heard_choices(voice, own, go_on), strict=True) if not one.right(likely)
        ]
    fit = [q for q in some if q not in waiting]
    return dict(zip(fit, choices(runner.merged(recipe, go_on, access), fit, asked.plain), strict=True)) if fit else {}


def _voices(recipe: Recipe) -> tuple[str, ...]:
    """Who may answer: the models that are mixed, then their base."""
    base = recipe.base_model
    return tuple(dict.fromkeys([*parents(recipe), *([base] if base and base in recipe.opened else [])]))


def given(
    runner: Runner, recipe: Recipe, probes: Sequence[Probe], *, go_on: Callable[[], bool] = _always,
    access: Access | None = None, known: Known = _unknown,
) -> dict[Probe, tuple[str, Example]]:  # fmt: skip
    """For each question that a model answers rightly the first such model, and its answer in its own tokens."""
    who = runner.merged(recipe, go_on, access)
    waiting, found = list(probes), dict[Probe, tuple[str, Example]]()
    for reference in _voices(recipe):
        voice = runner.parent(reference, access)
        answers = [
            (probe, one) for probe in waiting
            for one in said(
                voice, [probe.prompt], _limit(probe), listener=who, known=_of(known, reference, [probe.prompt]), go_on=go_on
            ) if one.ends
        ]  # fmt: skip
        texts = [who.tokenizer.decode(one.wanted, skip_special_tokens=True) for _, one in answers]
        right = all_right([probe for probe, _ in answers], texts)
        found |= {probe: (reference, one) for (probe, one), is_right in zip(answers, right, strict=True) if is_right}
        waiting = [probe for probe in waiting if probe not in found]
    return found


def _of(known: Known, model: str, prompts: Sequence[str]) -> dict[str, Said]:
    return {prompt: answer for prompt in prompts if (answer := known(model, prompt)) is not None}


def _limit(probe: Probe) -> int:
    return LONGEST if probe.match != "exact" else min(LONGEST, 8 + len(probe.answer.encode()))


# ---------------------------------------------------------------------------------------------- what may move


def movable(recipe: Recipe, names: Sequence[str] = ()) -> tuple[str, ...]:
    """The parameters that are tuned: those named, else the weights, or what a method has in their place.

    RecipeError where it has nothing, or not these.
    """
    method = recipe.method
    named = [p.name for p in method.params if p.kind == "float" and p.name != "lines"]
    for name in names:
        if name not in named:
            has = f"it has {', '.join(named)}" if named else "it has none"
            raise RecipeError(f"{name[:60]}: '{recipe.merge_method}' has no such bar; {has}.{nearest(name, named)}")
    if names:
        return tuple(names)
    found = [name for name in named if name == "weight"] or [
        p.name for p in method.params if p.name in named and p.slider[1] - p.slider[0] in (1, 2)
    ]
    if not found:
        raise RecipeError(f"{recipe.source}: '{recipe.merge_method}' has no bars that could be tuned; use another method.")
    return tuple(found)


def locked(bars: Sequence[Bar], layers: int, locks: Sequence[str]) -> Tensor:
    """Which numbers stay, (bars, layers) bool: each lock names a model's bars, one bar, layers, or layers of one of these."""
    mask = torch.zeros(len(bars), layers, dtype=torch.bool)
    for lock in locks:
        rows, columns = list(range(len(bars))), slice(0, layers)
        for word in filter(None, (word.strip() for word in lock.split(","))):
            span = re.fullmatch(r"layers?=(\d{1,4})(?:-(\d{1,4}))?", word)
            if span:
                first, last = int(span[1]), int(span[2] or span[1])
                if not first <= last < layers:
                    raise MergeError(f"--lock {lock}: the layers are 0 to {layers - 1}, written as layers=0-5.")
                columns = slice(first, last + 1)
                continue
            rows = [i for i, bar in enumerate(bars) if bar.path == word or bar.path.startswith(f"{word}.")]
            if not rows:
                known = list(dict.fromkeys(bar.path.partition(".parameters")[0] for bar in bars if bar.model)) or [bars[0].path]
                write = f"write {known[0]}, layers=0-5, or {known[0]},layers=0-5"
                raise MergeError(f"--lock {lock}: {word[:60]!r} is no bar of this recipe; {write}.")
        mask[rows, columns] = True
    return mask


# ---------------------------------------------------------------------------------------------- tuning


@dataclass(frozen=True)
class Found:
    """The best setting so far. before, after: how what decides is taken, by skill."""

    recipe: Recipe
    before: Mapping[str, Heard]
    after: Mapping[str, Heard]

    @property
    def better(self) -> bool:
        """Whether it is to be offered: clearly likelier on the whole, and no fewer right answers."""
        return _mean(self.after, "loss") < (1 - LEAST) * _mean(self.before, "loss") and (
            _mean(self.after, "right") >= _mean(self.before, "right")
        )

    @property
    def lost(self) -> tuple[str, ...]:
        """Skills of which nothing is right before or after: no setting of these bars brings them back."""
        return tuple(skill for skill, heard in self.after.items() if not heard.right and not self.before[skill].right)


def _mean(heard: Mapping[str, Heard], what: str) -> float:
    return sum(float(getattr(one, what)) for one in heard.values()) / len(heard)


@dataclass(frozen=True)
class Step:
    """A step of tuning. heard: how its prompts were taken, by skill, before it moved. share: of the work that is done."""

    number: int
    seconds: float
    share: float
    heard: Mapping[str, Heard]
    best: Found


@dataclass(frozen=True)
class Way:
    """How bars are moved.

    steps  at most
    pull   to where the numbers began; held: the layers of a bar to each other, inf: one number for all
    sharp  how much more the worst skill counts: shares are softmax(sharp * loss)
    """

    steps: int = STEPS
    rate: float = RATE
    pull: float = PULL
    held: float = HELD
    sharp: float = 0.0


def way(mix: Mix, wanted: Goals) -> Way:
    """What was found to be best for so many models and prompts."""
    models = len({bar.model for bar in mix.bars if bar.model}) or 1
    prompts = min(map(len, wanted.learn.values()))
    if models >= MANY_MODELS and prompts >= (1 - 1 / EVERY) * MANY_PROMPTS:
        return Way(MANY_STEPS, pull=0.0, held=LOOSELY, sharp=1.0)
    return Way(held=math.inf if models <= 2 else HELD)


def tune(
    runner: Runner, recipe: Recipe, wanted: Goals, *, seconds: float = 60.0, locks: Sequence[str] = (), names: Sequence[str] = (),
    how: Way | None = None, seed: int = 0, go_on: Callable[[], bool] = _always, access: Access | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Step]:  # fmt: skip
    """Move the bars step by step, and yield each step; the last one holds the best setting, also where `go_on` said no.

    seconds  after which it ends; locks: as in `locked`; names: parameters to move, none: the usual ones
    """
    mix = Mix(runner, recipe, movable(recipe, names), access)
    if not mix.bars:
        raise RecipeError(f"{recipe.source}: this recipe has no bars that could be tuned.")
    still = locked(mix.bars, mix.layers, locks)
    if bool(still.all()):
        raise MergeError("every bar is locked; leave one that may move.")
    began, done = clock(), 0
    walk = _Walk(mix, wanted, how or way(mix, wanted), still, seed)
    with contextlib.suppress(Cancelled):
        walk.look(go_on)
        while done < walk.how.steps and go_on():
            spent = (clock() - began) / max(seconds, 1e-9)
            share = max(done / walk.how.steps, spent)
            if share >= 1:
                break
            pace = walk.how.steps * spent / done if done else 1.0
            heard, done = walk.step(share, go_on, min(STRETCH, max(1.0, pace))), done + 1
            if done % LOOK == 0:
                walk.look(go_on)
            yield Step(done, clock() - began, share, heard, walk.best)
        walk.look(go_on)
    if walk.found is not None:
        yield Step(done, clock() - began, 1.0, walk.best.after, walk.best)


class _Walk:
    """Adam over the offsets of a mix, and the best place on its way."""

    def __init__(self, mix: Mix, wanted: Goals, how: Way, still: Tensor, seed: int) -> None:
        self.mix, self.wanted, self.how = mix, wanted, how
        self.offsets = mix.start.clone()
        self.found: Found | None = None
        self._first, self._second, self._steps = torch.zeros_like(mix.start), torch.zeros_like(mix.start), 0
        dice = random.Random(seed)
        self._decks = {skill: _deck(own, dice) for skill, own in wanted.learn.items()}
        self._level: dict[str, float] = {}
        """Each skill's loss lately: a few prompts alone say little of which is the worst."""
        self._free = ~still
        for i, bar in enumerate(mix.bars):
            self._free[i, : bar.start] = self._free[i, bar.start + bar.count :] = False
        self._low, self._high = _box(mix)

    @property
    def best(self) -> Found:
        """The best place that was looked at."""
        assert self.found is not None
        return self.found

    def look(self, go_on: Callable[[], bool]) -> None:
        """Hear what was kept back here, and remember this place if it is the best."""
        mix, at = self.mix, self.offsets
        heard = mix.runner.within(lambda: mix.hear(self.wanted.keep, at, go_on=go_on), [mix.recipe], access=mix.access)
        if self.found is None:
            self.found = Found(mix.recipe, heard, heard)
        elif _mean(heard, "right") >= _mean(self.found.before, "right") and self._goal(heard) < self._goal(self.found.after):
            self.found = Found(mix.recipe_at(at, DIGITS), self.found.before, heard)

    def _goal(self, heard: Mapping[str, Heard]) -> float:
        """What is to become small: the mean over the skills, or a mean that is near the worst."""
        if not self.how.sharp:
            return _mean(heard, "loss")
        return float(torch.tensor([one.loss * self.how.sharp for one in heard.values()]).logsumexp(0))

    def _shares(self, examples: Mapping[str, Sequence[Example]]) -> dict[str, float]:
        levels = torch.tensor([self._level.get(skill, 0.0) for skill in examples], dtype=torch.float64)
        return dict(zip(examples, numbers((self.how.sharp * levels).softmax(0)), strict=True))

    def step(self, share: float, go_on: Callable[[], bool], stretch: float = 1.0) -> Mapping[str, Heard]:
        """One step on some prompts of each skill.

        share    of the work that is done, by which steps grow shorter
        stretch  how much longer they are, where there is time for few
        """
        mix = self.mix
        some = {
            skill: [next(deck) for _ in range(min(EACH, len(self.wanted.learn[skill])))] for skill, deck in self._decks.items()
        }
        found = mix.runner.within(
            lambda: mix.slopes(some, self.offsets, shares=self._shares(some), go_on=go_on), [mix.recipe], access=mix.access
        )
        for skill, one in found.heard.items():
            self._level[skill] = 0.7 * self._level.get(skill, one.loss) + 0.3 * one.loss
        slope, free = found.by_anchor() * self._free, self._free
        count = free.sum(1, keepdim=True).clamp_min(1)
        if math.isinf(self.how.held):
            slope = (slope.sum(1, keepdim=True) / count) * free
        elif self.how.held:
            slope = slope + self.how.held * (self.offsets - (self.offsets * free).sum(1, keepdim=True) / count) * free
        slope = slope + self.how.pull * self.offsets
        self._steps += 1
        self._first = 0.9 * self._first + 0.1 * slope
        self._second = 0.99 * self._second + 0.01 * slope * slope
        size = self.how.rate * stretch * max(0.1, math.cos(math.pi / 2 * share))
        first, second = self._first / (1 - 0.9**self._steps), self._second / (1 - 0.99**self._steps)
        moved = torch.clamp(self.offsets - size * first / (second.sqrt() + 1e-8), self._low, self._high)
        self.offsets = torch.where(free, moved, self.offsets)
        return found.heard


def _deck(examples: Sequence[Example], dice: random.Random) -> Iterator[Example]:
    """Examples in an order by lot, again and again."""
    while True:
        yield from dice.sample(examples, len(examples))


def _box(mix: Mix) -> tuple[Tensor, Tensor]:
    """How far down and up offsets may go, (bars, layers): weights from 0 to 1.5, others over their sliders."""
    low, high = torch.zeros_like(mix.start), torch.zeros_like(mix.start)
    for i, bar in enumerate(mix.bars):
        least, most = bar.param.slider
        most = most + (most - least) / 2 if bar.model else most
        for layer in range(bar.start, bar.start + bar.count):
            number = bar.number(layer)
            low[i, layer], high[i, layer] = min(0.0, least - number), max(0.0, most - number)
    return low, high


def sentences(found: Found, wanted: Goals) -> tuple[str, ...]:
    """What is to be told of a result, a sentence each."""
    told: list[str] = []
    if wanted.nobody:
        first = ", ".join(repr(probe.prompt[:40]) for probe in wanted.nobody[:3])
        more = f" and {len(wanted.nobody) - 3} more" if len(wanted.nobody) > 3 else ""
        told.append(f"none of your models gives the wanted answer to {first}{more}: left out.")
    if not wanted.kept_back:
        told.append(f"nothing was kept back, as no skill has {EVERY} prompts: the result is judged by what it was tuned for.")
    for skill in found.lost:
        told.append(f"no setting of these bars brings back what {skill} says: none of its {len(wanted.keep[skill])} answers.")
    if not found.better:
        told.append(
            f"no setting of these bars helps: on what decides, -log P of a wanted answer is {_mean(found.before, 'loss'):.2f} as "
            f"the recipe is, and {_mean(found.after, 'loss'):.2f} at best with no fewer right. Try other models or --search."
        )
    return tuple(told)


__all__ = [
    "Found", "Goals", "Known", "Step", "Way", "family_prompts", "given", "given_out", "goals", "locked", "movable",
    "of_parents", "of_questions", "parents", "read_prompts", "sentences", "titles", "tune", "wanted_of", "way",
]  # fmt: skip
