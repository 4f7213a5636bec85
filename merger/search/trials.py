"""Search: vary a recipe, score what it makes, keep the trials. Line, map, chance and evolution are one loop.

runner, probes = Runner(Parents()), read_probes(Path("presets/probes.json"))
for trial in sweep(recipe, [Vary("models[0].parameters.weight", spread(0, 1, 5))], runner, probes): ...
"""

import json
import math
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeVar

from torch import Tensor

from merger.chat.batch import generate_batch, interleave
from merger.chat.load import chat_model
from merger.chat.model import ChatModel, Event
from merger.chat.sampling import GREEDY, Sampling
from merger.engine.budget import TEXT, need, too_much
from merger.engine.companions import tokenizer_folder
from merger.engine.plan import Plan, make_plan
from merger.engine.session import Parents, Session
from merger.errors import Cancelled, MergeError, RecipeError, nearest
from merger.hub.access import Access
from merger.inside import inside
from merger.kernels.devices import attempts, tried
from merger.limits import QUESTIONS
from merger.methods import METHODS
from merger.methods.params import Scalar, to_number
from merger.recipe import Recipe, Setting, dump, load, parse_value, setting_document, setting_of
from merger.recipe import replace as replace_value
from merger.recipe.between import effective
from merger.regular import read_text
from merger.search.matching import judged
from merger.search.questions import sections

T = TypeVar("T")

LONGEST = 160
"""Tokens of an answer that is looked for a pattern or words in; an exact answer may be as long as the one expected."""

# ---------------------------------------------------------------------------------------------- probes and scores


@dataclass(frozen=True)
class Probe:
    """A prompt and what is right: the whole answer, words somewhere in it, or a regular expression for the whole of it.

    Case and runs of blanks do not count, but a pattern is taken as it is. An answer that does not end is never right.
    """

    skill: str
    prompt: str
    answer: str
    match: Literal["exact", "within", "pattern"] = "exact"

    def right(self, said: str) -> bool:
        """Whether an answer is right. MergeError where a pattern takes too long.

        >>> Probe("", "plural of box", "boxes").right(" Boxes "), Probe("", "plural of box", "boxes").right("boxes and boxes")
        (True, False)
        """
        return all_right([self], [said])[0]


def all_right(probes: Sequence[Probe], said: Sequence[str]) -> list[bool]:
    """The same of many. MergeError names the pattern at which all of them have taken too long."""
    return judged([(probe.answer, probe.match) for probe in probes], said)


def read_probes(source: str | Path, half: str = "choose") -> tuple[Probe, ...]:
    """Probes of a file, or of a text: lines `prompt => the whole answer` or `prompt ~> words in it`, below `[skill]` lines.

    A file may also be JSON as presets/probes.json: {"skills": {name: {"choose": [{prompt, answer or pattern}], "score": ...}}}.
    half  which of these lists: `choose` to search with, `score` for the figure that is told afterwards
    """
    if isinstance(source, str):
        return _limited(_lines(source, "probes"), "probes")
    try:
        text = read_text(inside(source))
    except (OSError, UnicodeDecodeError) as error:
        raise MergeError(f"{source}: cannot be read as probes: {getattr(error, 'strerror', None) or 'not text'}.") from None
    is_json = source.suffix == ".json" or text.lstrip().startswith("{")
    return _limited(_json(text, str(source), half) if is_json else _lines(text, str(source)), str(source))


def _limited(probes: Iterable[Probe], source: str) -> tuple[Probe, ...]:
    kept = tuple(dict.fromkeys(probes))
    if not kept:
        raise MergeError(f"{source}: holds no probes.\n  Write lines such as: plural of box => boxes")
    if len(kept) > QUESTIONS:
        raise MergeError(f"{source}: holds {len(kept)} probes; at most {int(QUESTIONS)} are asked.")
    return kept


def _lines(text: str, source: str) -> Iterator[Probe]:
    for skill, number, line in sections(text.splitlines()):
        match = re.fullmatch(r"(.+?)\s*([=~])>\s*(.+)", line)
        if not match:
            raise MergeError(f"{source}, line {number}: write `prompt => expected answer`, or `prompt ~> words in it`.")
        yield Probe(skill, match[1].strip(), match[3], "exact" if match[2] == "=" else "within")


def _json(text: str, source: str, half: str) -> Iterator[Probe]:
    try:
        skills: dict[str, dict[str, list[Any]] | list[Any]] = json.loads(text)["skills"]
        for skill, halves in skills.items():
            for probe in halves[half] if isinstance(halves, dict) else halves:
                match = "pattern" if "pattern" in probe else "exact"
                wanted = probe.get("pattern", probe.get("answer"))
                re.compile(wanted)
                yield Probe(str(skill), str(probe["prompt"]), wanted, match)
    except (ValueError, KeyError, TypeError, AttributeError, re.error) as error:
        raise MergeError(
            f"{source}: these are no probes ({type(error).__name__}: {error}).\n"
            '  Write {"skills": {name: {"choose": [{"prompt": ..., "answer": ...}]}}}, or lines `prompt => expected answer`.'
        ) from None


def fewer(probes: Sequence[Probe], each: int) -> tuple[Probe, ...]:
    """The first so many probes of every skill."""
    kept: dict[str, list[Probe]] = {}
    for probe in probes:
        kept.setdefault(probe.skill, []).append(probe)
    return tuple(probe for group in kept.values() for probe in group[:each])


@dataclass(frozen=True)
class Answer:
    """What was said to a prompt. `right`: None where nothing was expected."""

    skill: str
    prompt: str
    said: str
    right: bool | None


@dataclass(frozen=True)
class Scores:
    """Share of right answers by skill, 0 to 1, and every answer."""

    shares: Mapping[str, float]
    answers: tuple[Answer, ...]


def _always() -> bool:
    return True


def score(who: ChatModel, probes: Sequence[Probe], prompts: Sequence[str] = (), *, go_on: Callable[[], bool] = _always) -> Scores:
    """Ask a model all probes, skill by skill in batches, greedily. prompts: also asked, not judged; their answers come first."""
    answers = [Answer("", p, said.strip(), None) for p, said in _said(who, list(prompts), LONGEST, go_on)]
    shares: dict[str, float] = {}
    for skill in dict.fromkeys(probe.skill for probe in probes):
        group = [probe for probe in probes if probe.skill == skill]
        said = _said(who, [probe.prompt for probe in group], _limit(who, group), go_on)
        right = all_right(group, [text for _, text in said])
        answers += [Answer(skill, p, text.strip(), is_right) for (p, text), is_right in zip(said, right, strict=True)]
        shares[skill] = sum(right) / len(right)
    return Scores(shares, tuple(answers))


def _said(who: ChatModel, prompts: list[str], limit: int, go_on: Callable[[], bool]) -> list[tuple[str, str]]:
    return list(zip(prompts, generate_batch(who, prompts, limit, go_on=go_on), strict=True)) if prompts else []


def _limit(who: ChatModel, group: Sequence[Probe]) -> int:
    """Tokens to wait for: a few more than expected, so that an answer that goes on is seen to go on."""
    if any(probe.match != "exact" for probe in group):
        return LONGEST
    return 3 + max(len(who.plain(probe.answer)) for probe in group)


# ---------------------------------------------------------------------------------------------- the runner


class Runner:
    """One merged model in memory that takes the form of any recipe, and its parents, each with a voice. Not for threads.

    Redoes only what differs from the last recipe. Pickles as (device, roots): each process of a pool has its own.
    """

    def __init__(self, parents: Parents, spare: Callable[[], None] = lambda: None) -> None:
        """spare: lets go of what else lies on the device, where memory runs out."""
        self.parents = parents
        self.spare = spare
        self.session = Session(parents, self._room)
        self._merged: tuple[int, object, ChatModel] | None = None
        self._speakers: dict[str, ChatModel] = {}
        self._held: dict[str, Mapping[str, Tensor]] = {}
        """The parents' tensors that voices are built around: as long as they are held, all share them."""
        self._known: dict[tuple[str, tuple[Probe, ...]], Mapping[str, float]] = {}
        self._of = parents.generation

    def __reduce__(self) -> tuple[Any, ...]:
        return _own_runner, (str(self.parents.speaks), tuple(self.parents.roots))

    def merged(self, recipe: Recipe, go_on: Callable[[], bool] = _always, access: Access | None = None) -> ChatModel:
        """The merged model, ready to answer. access: of the visitor for whom it speaks, as in Parents.open."""
        self.session.apply(recipe, cancelled=lambda: not go_on(), access=access)
        plan = self.session.plan
        assert plan is not None
        words = (plan.config_source, plan.tokens, plan.chat_template)
        if self._merged is None or self._merged[:2] != (self.session.generation, words):
            with tokenizer_folder(plan, self.parents.open(recipe, access)) as folder:
                voice = chat_model(folder, plan.config, self.session.tensors, whose_template(plan))
            self._merged = (self.session.generation, words, voice)
        return self._merged[2]

    def parent(self, reference: str, access: Access | None = None) -> ChatModel:
        """One of the models that are merged, as it is: its voice takes the tensors that sessions read."""
        model = self.parents.model(reference, access)
        if self._of != self.parents.generation:
            self._speakers.clear()
            self._held.clear()
            self._known.clear()
            self._of = self.parents.generation
        if reference not in self._speakers:
            self._held[reference] = tensors = self.parents.tensors(reference, access)
            self._speakers[reference] = chat_model(model.words, model.config, tensors, f"the chat template of {reference}")
        return self._speakers[reference]

    def close(self, reference: str) -> None:
        """Let go of a parent's voice."""
        self._speakers.pop(reference, None)
        self._held.pop(reference, None)

    def release(self) -> None:
        """Let go of the voices, the texts they have heard, the merged model and the parents: all of it is made again."""
        self._merged = None
        self._speakers.clear()
        self._held.clear()
        self.session.release()

    def _room(self) -> None:
        self.spare()
        self.release()

    def within(self, do: Callable[[], T], asked: Sequence[Recipe | str], tokens: int = TEXT, access: Access | None = None) -> T:
        """What `do` gives. Where memory runs out all is let go of and it is tried once more; OutOfMemory says what would fit.

        asked   recipes and models that are used for it
        tokens  of a prompt and an answer
        """
        return tried(do, self.parents.speaks, self._room, lambda: self._too_much(asked, tokens, access))

    def _too_much(self, asked: Sequence[Recipe | str], tokens: int, access: Access | None) -> str:
        models = {what: self.parents.model(what, access) for what in asked if isinstance(what, str)}
        recipe = next((what for what in asked if not isinstance(what, str)), None)
        plan = None
        if recipe is not None:
            opened = self.parents.open(recipe, access)
            plan, models = make_plan(recipe, opened), {**models, **opened}
        return too_much(need(plan, models, self.parents.device, tokens), self.parents.speaks)

    def turns(
        self, asked: Mapping[str, Recipe | str], prompt: str, *, limit: int = 160, sampling: Sampling = GREEDY,
        go_on: Callable[[], bool] = _always, access: Access | None = None, seconds: float = 120.0,
    ) -> Iterator[Event]:  # fmt: skip
        """Answers of at most one merge and of models as they are, by their keys, a token each in turn, for at most `seconds`.

        Where memory runs out they are made again from the start, and go on where they were; see `within`.
        """
        counts: Counter[str] = Counter()
        tokens = len(prompt) + limit
        for attempt in attempts(self.parents.speaks, self._room, lambda: self._too_much(list(asked.values()), tokens, access)):
            with attempt:
                known = counts.copy()
                for said in self._turns(asked, prompt, limit, sampling, go_on, access, seconds):
                    if known[said.key]:
                        known[said.key] -= 1
                        continue
                    counts[said.key] += 1
                    yield said

    def _turns(
        self, asked: Mapping[str, Recipe | str], prompt: str, limit: int, sampling: Sampling,
        go_on: Callable[[], bool], access: Access | None, seconds: float,
    ) -> Iterator[Event]:  # fmt: skip
        speakers = {k: self.merged(what, go_on, access) for k, what in asked.items() if not isinstance(what, str)}
        speakers |= {k: self.parent(what, access) for k, what in asked.items() if isinstance(what, str)}
        yield from interleave(speakers, prompt, limit=limit, sampling=sampling, go_on=go_on, seconds=seconds)

    def marks(
        self, references: Iterable[str], probes: Sequence[Probe], go_on: Callable[[], bool] = _always,
        access: Access | None = None,
    ) -> Iterator[tuple[str, Mapping[str, float]]]:  # fmt: skip
        """(model, its scores) of each model alone, as reference marks; remembered."""
        for reference in references:
            key, voice = (reference, tuple(probes)), self.parent(reference, access)
            if key not in self._known:
                marks = self.within(lambda voice=voice: score(voice, probes, go_on=go_on), [reference], access=access)
                self.parents.check([reference])
                self._known[key] = marks.shares
            yield reference, self._known[key]


def whose_template(plan: Plan) -> str:
    """Where a merged model's chat template comes from, for errors."""
    return f"the chat template of {plan.config_source}" if plan.recipe.chat_template is None else "the recipe's chat template"


@cache
def _own_runner(device: str, roots: tuple[Path, ...]) -> Runner:
    """The runner of this process, made when a pool's first work arrives."""
    return Runner(Parents(device, roots))


def alone(recipe: Recipe, base: str | None = None) -> tuple[str, ...]:
    """The models whose own scores a sweep is compared with: the base (the recipe's, else the one given), then the parents."""
    named = (recipe.base_model or base, *recipe.merged)
    return tuple(dict.fromkeys(r for r in named if r is not None and (r in recipe.opened or r == base)))


# ---------------------------------------------------------------------------------------------- trials


Point = tuple[Scalar, ...]


@dataclass(frozen=True)
class Vary:
    """One value of a recipe that takes several. gain: they multiply what stands there, so that a curve keeps its shape."""

    path: str
    values: tuple[Scalar, ...]
    gain: bool = False

    @property
    def name(self) -> str:
        """The path, with × for a gain."""
        return f"{self.path} ×" if self.gain else self.path

    def check(self) -> None:
        """MergeError where anything but a parameter would be varied, or by other values than it has: a sweep opens no models."""
        name = setting_of(self.path)
        if name is None:
            raise MergeError(
                f"{self.path[:80]}: a sweep varies parameters, for example models[0].parameters.weight, seed or merge_method; "
                "models and files it takes as the recipe names them."
            )
        own = [choice for m in METHODS.values() for p in m.params if p.name == name for choice in p.choices]
        words = [str(word) for word in (METHODS if name == "merge_method" else own)]
        for value in self.values:
            if isinstance(value, str):
                fits = value in words
            else:
                number = to_number(value)
                fits = isinstance(value, bool) or (number is not None and math.isfinite(number))
            if not fits:
                listed = f", or {', '.join(words)}" if words else ""
                hint = nearest(str(value)[:60], words)
                raise MergeError(f"{self.path}: takes numbers, true or false{listed} in a sweep; got {str(value)[:60]!r}.{hint}")

    def put(self, recipe: Recipe, value: Scalar) -> Recipe:
        """The recipe with this value; RecipeError where it is none."""
        if self.path == "seed" and isinstance(value, float) and value.is_integer():
            value = int(value)  # a range has numbers with a point, and a seed has none
        return replace_value(recipe, self.path, self._scaled(recipe, value) if self.gain else value)

    def _scaled(self, recipe: Recipe, gain: Scalar) -> Any:
        """The setting at the path, also where the recipe or the default decides it, with every number multiplied."""
        match = re.fullmatch(r"(?:models\[(\d+)\]\.)?parameters\.(\w+)", self.path)
        param = recipe.method.param(match[2]) if match else None
        if match is None or param is None or param.kind not in ("float", "int") or isinstance(gain, (bool, str)):
            raise RecipeError(f"{self.path}: only a number of the merge, or a curve, can be multiplied.")
        if match[1] and int(match[1]) >= len(recipe.models):
            raise RecipeError(f"{self.path}: there is no models[{match[1]}] in this recipe.")
        setting = effective(recipe, param, entry=recipe.models[int(match[1])] if match[1] else None)
        if not setting.rules:
            raise RecipeError(f"{self.path}: is not set in this recipe, so there is nothing to multiply.")

        def times(number: Any) -> float:
            return float(f"{number * gain:.6g}")

        rules = ((f, tuple(map(times, v)) if isinstance(v, tuple) else times(v)) for f, v in setting.rules)
        return setting_document(Setting(tuple(rules)))

    def draw(self, rng: random.Random, near: Scalar | None = None, reach: float = 0.0) -> Scalar:
        """A value between the lowest and the highest, or one of those listed; `near` another: normally, `reach` of the range."""
        numbers = [v for v in self.values if not isinstance(v, (bool, str))]
        if len(numbers) < len(self.values):
            return rng.choice(self.values) if near is None or rng.random() < reach else near
        low, high = min(numbers), max(numbers)
        x = rng.uniform(low, high) if near is None else rng.gauss(float(near), reach * (high - low))
        x = min(high, max(low, x))
        return round(x) if all(isinstance(v, int) for v in numbers) and high - low > 1 else float(f"{x:.4g}")


def spread(low: float, high: float, steps: int) -> tuple[float, ...]:
    """`steps` values from low to high, equally far apart.

    >>> spread(0, 1, 5)
    (0.0, 0.25, 0.5, 0.75, 1.0)
    """
    if steps < 2:
        return (float(low),)
    return tuple(float(f"{low + (high - low) * i / (steps - 1):.6g}") for i in range(steps))


def read_vary(text: str) -> Vary:
    """`PATH=LOW:HIGH:STEPS` or `PATH=[a, b, c]`; `PATH*=...` multiplies what stands there.

    >>> read_vary("models[0].parameters.weight*=0:2:3")
    Vary(path='models[0].parameters.weight', values=(0.0, 1.0, 2.0), gain=True)
    """
    path, equals, what = text.partition("=")
    gain = path.endswith("*")
    span = re.fullmatch(r"\s*(-?[\d.]+(?:e-?\d+)?):(-?[\d.]+(?:e-?\d+)?):(\d+)\s*", what)
    wrong = MergeError(f"--vary {text}: write PATH=LOW:HIGH:STEPS or PATH=[a, b], for example models[0].parameters.weight=0:1:5.")
    if not equals or not what.strip():
        raise wrong
    if span:
        try:
            values: tuple[Scalar, ...] = spread(float(span[1]), float(span[2]), int(span[3]))
        except ValueError:
            raise wrong from None
    else:
        listed = parse_value(what, f"--vary {path}")
        given = [v for v in listed if isinstance(v, (bool, int, float, str))] if isinstance(listed, list) else []
        if not isinstance(listed, list) or not given or len(given) < len(listed):
            raise wrong
        values = tuple(to_number(v) or v if isinstance(v, str) else v for v in given)  # YAML reads 1e-3 as text
    if not 1 <= len(values) <= 1000:
        raise MergeError(f"--vary {path}: 1 to 1000 values, please; got {len(values)}.")
    return Vary(path.removesuffix("*").strip(), values, gain)


@dataclass(frozen=True)
class Trial:
    """A recipe that was tried. Running `text` again gives the scores again. `note`: why there are none."""

    text: str
    point: Point = ()
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    answers: tuple[Answer, ...] = ()
    seconds: float = 0.0
    note: str = ""

    @property
    def mean(self) -> float:
        """Mean over the skills; -1 for a trial that failed."""
        return sum(self.scores.values()) / len(self.scores) if self.scores and not self.note else -1.0

    @property
    def rank(self) -> tuple[float, float]:
        """What the best trial has most of: the mean over the skills, then its weakest skill."""
        return round(self.mean, 9), min(self.scores.values(), default=-1.0)


def try_text(
    runner: Runner, probes: Sequence[Probe], prompts: Sequence[str], text: str, *, go_on: Callable[[], bool] = _always,
    access: Access | None = None,
) -> Trial:  # fmt: skip
    """Merge a recipe's text and score it. A recipe that cannot be merged or cannot speak becomes a trial with a note."""
    started = time.monotonic()
    try:
        recipe = load(text)
        trial = runner.within(
            lambda: score(runner.merged(recipe, go_on, access), probes, prompts, go_on=go_on), [recipe], access=access
        )
    except Cancelled:
        raise
    except MergeError as error:
        return Trial(text, note=str(error), seconds=time.monotonic() - started)
    return Trial(text, (), trial.shares, trial.answers, time.monotonic() - started)


Strategy = Generator[list[Point], Sequence[Trial], None]
"""Gives points to try, is sent their trials, gives the next ones."""
Mapper = Callable[[Callable[[str], Trial], Sequence[str]], Iterable[Trial]]


def _in_turn(ask: Callable[[str], Trial], texts: Sequence[str]) -> Iterator[Trial]:
    """The Mapper of one process."""
    return map(ask, texts)


def _unknown(text: str) -> Trial | None:
    return None


def sweep(
    recipe: Recipe,
    varied: Sequence[Vary],
    runner: Runner,
    probes: Sequence[Probe],
    prompts: Sequence[str] = (),
    *,
    strategy: Strategy | None = None,
    mapper: Mapper | None = None,
    known: Callable[[str], Trial | None] = _unknown,
    go_on: Callable[[], bool] = _always,
    access: Access | None = None,
) -> Iterator[Trial]:
    """Try the points of a strategy (default: `grid`, every combination, coarse first) and yield each trial as it is done.

    known   what a recipe's text scored before, which is not asked again; None where it is not known
    mapper  the builtin map, or a pool's `map`: gets a function that pickles and the recipes' texts
    go_on   asked all the time; when it says no, the sweep ends after the trials it has yielded
    access  of the visitor who asks, as in Parents.open
    """
    for vary in varied:
        vary.check()
    plans = strategy or grid(varied)
    tried = partial(try_text, runner, tuple(probes), tuple(prompts), access=access)
    if mapper is None:
        mapper, tried = _in_turn, partial(tried, go_on=go_on)
    batch = next(plans, None)
    try:
        while batch and go_on():
            asked = [_written(recipe, varied, point) for point in batch]
            there = {t.text: one for t in asked if not t.note and (one := known(t.text)) is not None}
            results = iter(mapper(tried, [t.text for t in asked if not t.note and t.text not in there]))
            done: list[Trial] = []
            for trial in asked:
                if not trial.note:
                    trial = replace(there.get(trial.text) or next(results), point=trial.point)
                done.append(trial)
                yield trial
                if not go_on():
                    return
            try:
                batch = plans.send(done)
            except StopIteration:
                return
    except Cancelled:
        return


def _written(recipe: Recipe, varied: Sequence[Vary], point: Point) -> Trial:
    """A trial yet to be made: the recipe's text at a point, or the note why it is none."""
    try:
        for vary, value in zip(varied, point, strict=True):
            recipe = vary.put(recipe, value)
        return Trial(dump(recipe), point)
    except MergeError as error:
        return Trial("", point, note=str(error))


def grid(varied: Sequence[Vary]) -> Strategy:
    """Every combination: first the corners, then the middles between them, and so on, so that a coarse picture comes first."""
    depths = [coarseness(len(vary.values)) for vary in varied]
    batches: dict[int, list[Point]] = {}
    for at in product(*(range(len(depth)) for depth in depths)):
        point = tuple(vary.values[i] for vary, i in zip(varied, at, strict=True))
        batches.setdefault(max(depth[i] for depth, i in zip(depths, at, strict=True)), []).append(point)
    for depth in sorted(batches):
        yield batches[depth]


def coarseness(n: int) -> list[int]:
    """In which pass each of n places in a row is visited: the ends, the middle, the quarters, ...

    >>> coarseness(5), coarseness(4)
    ([0, 2, 1, 2, 0], [0, 1, 2, 0])
    """
    coarse, spans, depth = [0] * n, [(0, n - 1)], 1
    while spans:
        halves = [(a, (a + b) // 2, b) for a, b in spans if b - a > 1]
        for _, middle, _ in halves:
            coarse[middle] = depth
        spans, depth = [span for a, m, b in halves for span in ((a, m), (m, b))], depth + 1
    return coarse


def chance(varied: Sequence[Vary], trials: int, seed: int = 0) -> Strategy:
    """So many points at random, between each one's lowest and highest value."""
    rng = random.Random(seed)
    yield [tuple(vary.draw(rng) for vary in varied) for _ in range(trials)]


FAMILY = 6
KEPT = 2


def evolve(varied: Sequence[Vary], trials: int, seed: int = 0) -> Strategy:
    """So many points in generations of six. The first is chance; every later one is drawn around the best two of all so far.

    A child takes each number from either of the two and moves it by a normal step of 0.2 of the range, shorter by a
    quarter in each generation: a (2 + 6) evolution strategy with a fixed schedule.
    """
    rng = random.Random(seed)
    batch: list[Point] = [tuple(vary.draw(rng) for vary in varied) for _ in range(min(FAMILY, trials))]
    best: list[Trial] = []
    made, reach = 0, 0.2
    while batch:
        made += len(batch)
        best = sorted([*best, *(yield batch)], key=lambda trial: trial.rank, reverse=True)[:KEPT]
        batch = [
            tuple(vary.draw(rng, rng.choice(best).point[i], reach) for i, vary in enumerate(varied))
            for _ in range(min(FAMILY, trials - made))
        ]
        reach *= 0.75


def best_first(trials: Iterable[Trial]) -> list[Trial]:
    """Trials by their rank; of equal ones the first tried comes first."""
    return sorted(trials, key=lambda trial: trial.rank, reverse=True)


def count(varied: Sequence[Vary]) -> int:
    """How many points the grid has."""
    return math.prod(len(vary.values) for vary in varied)


def as_json(recipe: Recipe, varied: Sequence[Vary], marks: Mapping[str, Mapping[str, float]], trials: Iterable[Trial]) -> str:
    """Everything that was found, for other tools."""
    rows = [
        {
            "point": list(t.point), "scores": dict(t.scores), "mean": t.mean if not t.note else None, "note": t.note,
            "seconds": round(t.seconds, 3), "recipe": t.text,
            "answers": [{"skill": a.skill, "prompt": a.prompt, "said": a.said, "right": a.right} for a in t.answers],
        }
        for t in trials
    ]  # fmt: skip
    vary = [{"path": v.path, "values": list(v.values), "gain": v.gain} for v in varied]
    return json.dumps({"recipe": dump(recipe), "vary": vary, "alone": {m: dict(s) for m, s in marks.items()}, "trials": rows},
                      indent=1, ensure_ascii=False) + "\n"  # fmt: skip


__all__ = [
    "Answer", "Probe", "Runner", "Scores", "Trial", "Vary", "alone", "as_json", "best_first", "chance", "coarseness", "count",
    "evolve", "fewer", "grid", "read_probes", "read_vary", "score", "spread", "sweep", "try_text",
]  # fmt: skip
