"""Studio: what all visitors of one process share. Parents, one merged model, speakers, caches. No gradio here.

There is one merged model per process, not per visitor: each answer first patches it to the visitor's recipe, layer by
layer, under a lock. Memory does not grow with visitors, and a small change costs milliseconds.
"""

import contextlib
import copy
import hashlib
import logging
import math
import random
import shutil
import threading
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import merger.ui.lanes as lanes
from merger.chat.model import Event, Plain, Token
from merger.engine.batch import Step, merge
from merger.engine.budget import available, need
from merger.engine.plan import Plan
from merger.engine.session import Parents
from merger.errors import OUR_FAULT, Cancelled, MergeError, OutOfMemory
from merger.files.checkpoints import Checkpoint
from merger.files.layout import ROLES
from merger.findings import Fix
from merger.hub.references import open_here
from merger.inspect.analysis import Sketch, TensorStats, combine, samples_for
from merger.inspect.verdict import Verdict, ways_out
from merger.kernels.devices import gpu_memory
from merger.limits import (
    ANSWER_SECONDS,
    ARCHIVE_BYTES,
    HEARD_LAYERS,
    HEARD_TOKENS,
    LINE_SECONDS,
    MERGE_SECONDS,
    MODEL_SECONDS,
    STRIP_TENSORS,
)  # fmt: skip
from merger.recipe import Recipe, dump
from merger.recipe.moves import unsliced
from merger.search.trials import Runner, whose_template
from merger.tokenizer import safe, templates
from merger.tokenizer.tokens import built_in_templates, chat_template_kind, chat_template_of
from merger.ui.background import Background
from merger.ui.grants import Grants
from merger.ui.host import ENDED, Host, Outlook, folders, gpu, gpu_tokens, measured, read_host, seconds
from merger.ui.intake import address_of
from merger.ui.loans import lent
from merger.ui.mix import Mix, Mixes
from merger.ui.scratch import scratch
from merger.ui.sketch import Sketches, law
from merger.ui.state import Preset, Workspace, for_statistics, read_presets
from merger.ui.turns import Turns
from merger.ui.visitors import Visitors
from merger.ui.words import why_token

log = logging.getLogger(__name__)

ANSWER_TOKENS = 160
FLUSH_SECONDS = 0.05
Feed = dict[str, Any]


@dataclass
class Visit:
    """One browser's place in time: a newer run makes an older answer stop itself."""

    run: int = 0
    stopped: int = -1
    ballot: "Ballot | None" = None
    using: frozenset[str] = frozenset()
    """The models of this visitor's recipes, also of those that Undo leads to."""
    hearing: frozenset[str] = frozenset()
    """Those of the recipe that is heard now."""
    address: str = ""
    """Where the visitor comes from: who shares it shares a place in line."""

    def current(self, run: int) -> bool:
        return run == self.run and run > self.stopped


@dataclass(frozen=True)
class Heard:
    """A finished answer: its tokens, and for each the key of the parent that would have said the same (or None)."""

    tokens: tuple[Token, ...]
    agree: tuple[str | None, ...]
    why: tuple[str, ...]

    @classmethod
    def plain(cls, tokens: Sequence[Token]) -> "Heard":
        """An answer nobody else has been asked about."""
        return cls(tuple(tokens), (None,) * len(tokens), ("",) * len(tokens))

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(token.text for token in self.tokens).strip()

    def shown(self) -> list[list[Any]]:
        """As the panel takes it."""
        return [_shown(t, p, w) for t, p, w in zip(self.tokens, self.agree, self.why, strict=True)]


@dataclass(frozen=True)
class Ballot:
    """A blind test in progress: which recipe (its digest and name) stands behind which of the two keys."""

    id: str
    recipes: Mapping[str, Recipe]
    names: Mapping[str, str]


@dataclass(frozen=True)
class Manner:
    """How answers are drawn. temperature 0: always the likeliest token; else at random, the same for the same seed.

    plain: the prompt is a text to go on with, without a chat template
    """

    temperature: float = 0.0
    seed: int = 0
    plain: bool = False


GREEDY = Manner()
KEY_TOKENS = 10
"""As many tokens as prompt and name of a remembered answer count for."""
WAITED = f"Your turn has not come for {LINE_SECONDS // 60} minutes; press Ask to stand in line again."
TOOK = "This took longer than an answer may take here, so it was ended. Smaller models and shorter prompts answer sooner."


class Studio:
    """Answers for everybody, one at a time; statistics and plans for everybody at once.

    `seen_by` gives the same studio through a visitor's eyes: what is kept here is shared, but opened and told only as far as
    the visitor's access reaches. The studio itself has the access of somebody who has brought nothing.
    """

    def __init__(self, presets: Path, device: str = "cpu", host: Host | None = None) -> None:
        root = presets.parent
        self.presets: list[Preset] = read_presets(presets)
        self.base = str((presets / "family" / "base").relative_to(root))
        folders = sorted(config.parent for config in (presets / "family").glob("*/config.json"))
        self.family = tuple(str(folder.relative_to(root)) for folder in folders)
        self.parents_of_family = tuple(m for m in self.family if m != self.base)
        self.host = host or read_host(family=self.family, gpu_memory=gpu_memory(device))
        roots = (Path(), root)
        self.access = self.host.access()
        self.grants = Grants()
        # a page opens what is here: models are fetched where that can be seen, sized up and stopped
        folders = self.access.folders
        self.parents = Parents(
            self.host.device or device, roots, lambda reference: open_here(reference, roots, folders), self.access
        )
        self.borrows = self.host.accelerator == "zerogpu"
        """Whether answers are made on a GPU that is lent for each; else by this process."""
        self.voices = Runner(self.parents, self._rest_searcher)
        self.searcher = Runner(self.parents, self._rest_voices)
        """For sweeps: a merged model of its own, so that answers go on meanwhile. Used by one at a time: hold `sweeping`."""
        self.sweeping = threading.Lock()
        self.probes = presets / "probes.json"
        self._turns = Turns()
        self.merging = Background("merge to files")
        family = (safe.chat_template(file.parent) for file in sorted((presets / "family").glob("*/config.json")))
        templates.trust(*built_in_templates(), *(text for text in family if text is not None))
        self._heard: OrderedDict[tuple[str, str, Manner], Heard] = OrderedDict()
        self._sketches: dict[frozenset[str], Sketch] = {}
        self._mixes = Mixes()
        self._of = self.parents.generation
        self._samples = Sketches()
        self._visits: dict[str, Visit] = {}
        self.visitors = Visitors()
        self.visitors.leaving.append(self.leave)

    # ------------------------------------------------------------------------------------------ visitors

    def seen_by(self, token: str | None) -> "Studio":
        """This studio with the access of whoever has this sign-in; None: of nobody in particular."""
        seen = copy.copy(self)
        seen.access = self.host.access(self.grants.of(token))
        return seen

    def visit(self, session: str | None) -> Visit:
        """The visit of a browser session."""
        return self._visits.setdefault(session or "", Visit())

    def address(self, request: Any) -> str:
        """Where the request of an event comes from; "" where that is not known."""
        scope = getattr(getattr(request, "request", None), "scope", None)
        return "" if scope is None else address_of(scope, bool(self.host.space))

    def leave(self, session: str | None) -> None:
        """Forget a browser session; its answer, if one is being written, stops."""
        visit = self._visits.pop(session or "", None)
        if visit is not None:
            visit.run += 1
        self.merging.stop(session)
        scratch().left(session or "")

    @contextlib.contextmanager
    def using(self, recipe: Recipe) -> Generator[None]:
        """Keep a program's models open as long as it is served: it has no page that says so."""
        name = f"program {id(recipe)} {threading.get_ident()}"
        self._visits[name] = Visit(using=frozenset(recipe.opened), hearing=frozenset(recipe.opened))
        try:
            yield
        finally:
            self._visits.pop(name, None)

    def let_go(self, heard_only: bool = False) -> None:
        """Close the models that no visitor uses, so that the disk's bound can have them.

        heard_only  keep no more than what is heard by those who have done something lately: Undo may have to fetch again
        """
        visits = [(session, visit) for session, visit in list(self._visits.items())]
        used = {*self.family, *(reference for _, visit in visits if not heard_only for reference in visit.using)}
        if heard_only:
            lately = [
                visit for session, visit in visits
                if session.startswith("program ") or self.visitors.idle(session) < MODEL_SECONDS
            ]  # fmt: skip
            used |= {reference for visit in lately for reference in visit.hearing}
        for reference in self.parents.opened - used:
            self._mixes.clear()
            for place in (self.parents, self.voices, self.searcher):
                place.forget(reference)

    def _rest_searcher(self) -> None:
        """For an answer whose memory runs out: what sweeps hold, unless one is under way."""
        if self.sweeping.acquire(blocking=False):
            try:
                self.searcher.release()
            finally:
                self.sweeping.release()

    def _rest_voices(self) -> None:
        """For a sweep: what answers hold, when it is its turn."""
        with self._turns.stand() as ahead:
            while ahead(1.0):
                pass
            self.voices.release()

    # ------------------------------------------------------------------------------------------ numbers

    def plan(self, recipe: Recipe) -> Plan:
        """The plan of a recipe; MergeError when its models do not fit."""
        return self.mix(recipe).plan

    def mix(self, recipe: Recipe) -> Mix:
        """A recipe on its models, opened with this visitor's access, and what is known of it already."""
        return self._mixes.of(recipe, self.parents.open(recipe, self.access))

    def statistics(self, recipe: Recipe, decided: Plan | None = None) -> tuple[Plan, list[TensorStats]]:
        """Estimated statistics of every tensor, from a sketch that stays in memory. decided: the recipe's plan, if known.

        None of a merge with very many tensors: that takes longer than anybody waits.
        """
        if decided is None or decided.recipe != recipe:
            decided = self.plan(recipe)
        if len(decided.jobs) > STRIP_TENSORS:
            return decided, []
        return decided, list(self._sketch(decided).measure(decided.jobs, decided.layout))

    def _sketch(self, decided: Plan) -> Sketch:
        """The sketch of a plan's models; it stays in memory."""
        models = self.parents.open(decided.recipe, self.access)
        self._renew(())
        key = frozenset(models)
        if key not in self._sketches:
            if len(self._sketches) > 8:
                self._sketches.clear()
            self._sketches[key] = Sketch(models, samples_for(decided.jobs))
        return self._sketches[key]

    def _renew(self, references: Iterable[str]) -> None:
        """Forget what was found out with models whose files have changed since: of all models, as that is rare."""
        self.parents.renew(references)
        if self._of != self.parents.generation:
            self._sketches.clear()
            self._mixes.clear()
            self._heard.clear()
            self._of = self.parents.generation

    def figures(self, recipe: Recipe) -> dict[str, Any]:
        """The estimated statistics as plain numbers: of the whole and of every layer."""
        _, stats = self.statistics(recipe)
        layers = sorted({s.layer for s in stats if s.layer is not None})
        groups = {"all": stats, **{f"layer {n}": [s for s in stats if s.layer == n] for n in layers}}
        found = {name: combine(group, name) for name, group in groups.items()}
        return {
            "models": list(stats[0].models) if stats else [],
            "parts": {
                name: {
                    "conflict": whole.conflict, "conflict_before": whole.conflict_before, "density": list(whole.density),
                    "share": list(whole.share), "size": list(whole.size), "moved": whole.moved,
                }
                for name, whole in found.items() if whole is not None
            },
        }  # fmt: skip

    def check(self, recipe: Recipe) -> None:
        """MergeError when the page must not, or cannot yet, open a model that a recipe names, or they do not fit."""
        self.plan(recipe)

    def with_bars(self, recipe: Recipe) -> Recipe:
        """A slice over all layers of its models as the `models:` recipe that it is, whose weights are bars; else as it is."""
        plain = unsliced(recipe)
        with contextlib.suppress(MergeError):
            if plain is not None and self.plan(plain).jobs == self.plan(recipe).jobs:
                return plain
        return recipe

    def outlook(self, recipe: Recipe, others: Collection[str] = (), prompt: str = "") -> Outlook:
        """Whether a recipe can be heard here, or only be merged to files. others: who speaks beside the merge."""
        device = self.parents.device
        beside = {reference: self.parents.model(reference, self.access) for reference in others}
        models, decided = {**beside, **self.parents.open(recipe, self.access)}, self.plan(recipe)
        if decided.layout.layers > HEARD_LAYERS:
            return Outlook("export", f"The merge has {decided.layout.layers} layers; up to {HEARD_LAYERS} can be heard here.")
        what = need(decided, models, device, len(prompt) + ANSWER_TOKENS)
        have = available(device) if self.host.accelerator == "cuda" else None
        computing = what.beside if self.host.accelerator != "cpu" else 0  # there LIVE_SHARE leaves room for it
        return self.host.outlook(list(what.models.values()), what.merged, computing, have and have[1])

    def verdict(self, recipe: Recipe) -> Verdict:
        """What the headers say about a recipe before anything is merged."""
        return self.mix(recipe).verdict

    def ways_out(self, recipe: Recipe) -> list[Fix]:
        """How a recipe whose models do not fit can be merged all the same; nothing for one that is refused otherwise."""
        try:
            return list(ways_out(recipe, self.parents.open(recipe, self.access)))
        except MergeError:
            return []

    def strip(self, work: Workspace, decided: Plan | None = None) -> dict[str, Any]:
        """The Mixer's `stats`: sign conflict by role and column, a sentence, and a remark for every lane."""
        decided, stats = self.statistics(for_statistics(work), decided)
        grid = lanes.columns(decided)
        by_cell: dict[tuple[str, int], list[TensorStats]] = {}
        for s in stats:
            by_cell.setdefault((s.role, grid.of[s.name]), []).append(s)
        rows = [
            {"label": role, "values": [_conflict(by_cell.get((role, c))) for c in range(len(grid.columns))]}
            for role in ROLES if any((role, c) in by_cell for c in range(len(grid.columns)))
        ]  # fmt: skip
        whole = combine(stats, "all")
        samples = self._sketch(decided).samples
        sampled = any(s.facts.numel >= samples for s in stats)
        return {
            "rows": rows,
            "summary": _summary(whole, work.recipe, len(decided.jobs)),
            "note": f"estimated from {samples:,} weights of each tensor" if sampled else "",
            "lanes": _remarks(whole, decided) if decided.recipe == work.recipe else {},
        }

    def law(self, work: Workspace, decided: Plan) -> dict[str, Any] | None:
        """How the browser follows a drag by itself (sketch.js); None where it has to ask. `decided`: the recipe's plan."""
        if for_statistics(work) != work.recipe:
            return {"still": True}  # the strip compares the models as they are
        found = law(decided, work.split)
        return found and found | {"sketch": self._samples.word(decided, self._sketch(decided))}

    def sample(self, word: object) -> dict[str, Any] | None:
        """What a law's `sketch` stands for; None where it is unknown, too long ago, or not for this visitor."""
        return self._samples.fetch(word, self.access)

    # ------------------------------------------------------------------------------------------ answers

    def columns(self, work: Workspace) -> list[dict[str, Any]]:
        """Who answers: the merge first, then the base, then the parents in the mix."""
        names = lanes.short_names([work.base, *work.chosen])
        words = {m: self._words(m) for m in (work.base, *work.chosen)}
        several = len({self._template(m) for m in (work.base, *work.chosen)}) > 1
        return [
            {"key": "merge", "name": "your merge", "slot": None, "lead": True, "words": _asked_in(words[work.base], several)},
            {"key": work.base, "name": names[work.base], "slot": None, "base": True},
            *(
                {"key": m, "name": names[m], "slot": i, "words": _asked_in(words[m], True) if several else ""}
                for i, m in enumerate(work.chosen)
            ),
        ]  # fmt: skip

    def _words(self, reference: str) -> str:
        """What kind of chat template a model has; "" where that cannot be told."""
        try:
            return chat_template_kind(self.parents.model(reference, self.access).words)
        except MergeError:
            return ""

    def _template(self, reference: str) -> str | None:
        try:
            return chat_template_of(self.parents.model(reference, self.access).words)
        except MergeError:
            return None

    def answer(self, work: Workspace, prompt: str, visit: Visit, manner: Manner = GREEDY) -> Iterator[Feed]:
        """Merge, then stream everybody's answer as feeds for the panel. Ends by itself when a newer run begins.

        Errors of the recipe or the models become part of the feed; nothing is raised.
        """
        said = Plain(prompt) if manner.plain else prompt
        yield from self._fed(self.asked(work), prompt, visit, manner, lambda heard: self._why(work, said, heard))

    def first_answers(self, work: Workspace, prompt: str) -> Feed:
        """The first screen's answers, kept for every visitor. Made by this process, also where GPUs are lent: nobody asks yet."""
        borrows, self.borrows = self.borrows, False
        try:
            for _ in self.answer(work, prompt, Visit()):
                pass
        finally:
            self.borrows = borrows
        return next(iter(self.answer(work, prompt, Visit())))

    @staticmethod
    def asked(work: Workspace) -> "dict[str, Recipe | str]":
        """Who answers, by the panel's keys: the merge of a recipe, the base, the parents in the mix."""
        return {"merge": work.recipe, work.base: work.base, **{m: m for m in work.chosen}}

    def compare(self, ballot: Ballot, prompt: str, visit: Visit, manner: Manner = GREEDY) -> Iterator[Feed]:
        """Stream the answers of a blind test's recipes."""
        yield from self._fed(dict(ballot.recipes), prompt, visit, manner, None)

    def ballot(self, recipes: tuple[Recipe, Recipe], chance: random.Random | None = None) -> Ballot:
        """A blind test between A and B, in an order that only the server knows."""
        order = [0, 1]
        (chance or random.SystemRandom()).shuffle(order)
        keys = dict(zip(("one", "two"), order, strict=True))
        names = {key: f"{'AB'[i]} ({recipes[i].merge_method} of {_listed(recipes[i])})" for key, i in keys.items()}
        return Ballot("blind", {key: recipes[i] for key, i in keys.items()}, names)

    def _fed(
        self, asked: Mapping[str, "Recipe | str"], prompt: str, visit: Visit, manner: Manner,
        why: "Callable[[Heard], Heard] | None",
    ) -> Iterator[Feed]:  # fmt: skip
        """Feeds of everybody's answers: those known at once, the others when it is this visitor's turn."""
        run = visit.run
        prompt = Plain(prompt) if manner.plain else prompt
        feeds, clock = _Feeds(run, prompt, list(asked)), _Clock()

        def go_on() -> bool:
            return visit.current(run) and not clock.over

        try:
            if not prompt.strip():
                raise MergeError("Write a prompt first: a question or a task for the models.")
            self._may(*asked.values())
            self._renew(_opened(asked))
            known = {k: h for k, what in asked.items() if (h := self._heard.get((_name(what), prompt, manner)))}
            yield feeds.start(known)
            silent = {k: what for k, what in asked.items() if k not in known}
            if silent and not manner.plain:
                self._rehearse(silent.values(), prompt)
            if silent:
                with self._turns.stand(visit.address) as ahead:
                    clock.start(LINE_SECONDS, WAITED)
                    while go_on() and (before := ahead(1.0)):
                        yield feeds.waiting(before)
                    clock.check()
                    clock.start(ANSWER_SECONDS if self.host.hosted else 10 * ANSWER_SECONDS, TOOK)
                    if go_on():
                        yield from self._answer(silent, prompt, manner, go_on, feeds, why)
                if feeds.open and visit.current(run):
                    raise MergeError(TOOK)
        except Cancelled:  # a newer run began, Stop was pressed, or time was up while the tensors were merged
            if visit.current(run):
                yield feeds.failed(TOOK)
        except MergeError as error:
            yield feeds.failed(str(error))
        except Exception:
            log.exception("answering failed")
            yield feeds.failed(OUR_FAULT)
        if run == visit.run and visit.stopped >= run:
            yield feeds.stopped()

    def _rehearse(self, asked: Iterable["Recipe | str"], prompt: str) -> None:
        """Render everybody's chat template before a place in the line is taken: one that is too much holds nobody up there."""
        for what in asked:
            if isinstance(what, Recipe):
                decided, models = self.plan(what), self.parents.open(what, self.access)
                folder = models[decided.tokens.origin if decided.tokens else decided.donor].words
                template, origin = decided.chat_template or safe.chat_template(folder), whose_template(decided)
            else:
                folder = self.parents.model(what, self.access).words
                template, origin = safe.chat_template(folder), f"the chat template of {what}"
            if template:
                templates.asked(template, prompt, safe.named_tokens(folder), origin)

    def _may(self, *asked: "Recipe | str") -> None:
        """CheckpointError where a recipe or a model must not be heard: what was said before is no more open than they are."""
        for what in asked:
            self.access.check(*(what.opened if isinstance(what, Recipe) else (what,)))

    def _answer(
        self, silent: Mapping[str, "Recipe | str"], prompt: str, manner: Manner, go_on: Callable[[], bool], feeds: "_Feeds",
        why: "Callable[[Heard], Heard] | None",
    ) -> Iterator[Feed]:  # fmt: skip
        recipes = {k: what for k, what in silent.items() if isinstance(what, Recipe)}
        parents = {k: what for k, what in silent.items() if isinstance(what, str)}
        rounds = [{k: recipe} for k, recipe in recipes.items()] or [{}]  # one merged model: one recipe at a time
        for recipe in recipes.values():
            outlook = self.outlook(recipe, parents.values(), prompt)
            if outlook.kind != "live":
                raise MergeError(f"{outlook.words} What the models would say cannot be heard here; the merge can be downloaded.")
        for i, own in enumerate(rounds):
            asked = [*own, *(parents if i == 0 else ())]
            yield feeds.flush(busy=asked)
            said: dict[str, list[Token]] = {k: [] for k in asked}
            flushed = time.monotonic()
            for word in self._spoken(own, {k: parents[k] for k in asked if k in parents}, prompt, manner, go_on):
                self.parents.check(_opened(silent))  # what is said of a file that lost its end is of no use
                if word.token is None:
                    self._remember(_name(silent[word.key]), prompt, manner, Heard.plain(said[word.key]))
                    feeds.finished(word.key)
                else:
                    said[word.key].append(word.token)
                    feeds.add(word.key, word.token)
                if time.monotonic() - flushed > FLUSH_SECONDS:
                    yield feeds.flush()
                    flushed = time.monotonic()
            for key, recipe in own.items():
                if why is not None and go_on() and not self.borrows:
                    heard = why(Heard.plain(said[key]))
                    self.parents.check(_opened(silent))
                    self._remember(_name(recipe), prompt, manner, heard)
                    feeds.replace(key, heard)
            if not go_on():
                return
            yield feeds.flush()

    def _spoken(
        self, own: Mapping[str, Recipe], parents: Mapping[str, str], prompt: str, manner: Manner, go_on: Callable[[], bool]
    ) -> Iterator[Event]:
        """The words of at most one recipe's merge and of parents, as they come."""
        if not self.borrows:
            yield from self.voices.turns(
                {**own, **parents},
                prompt,
                limit=ANSWER_TOKENS,
                temperature=manner.temperature,
                seed=manner.seed,
                go_on=go_on,
                access=self.access,
            )
            return
        # lent for one call, to a process of its own: only names of folders, the recipe's text and the prompt go there
        recipe = next(iter(own.values()), None)
        alone = {r: self.parents.model(r, self.access) for r in parents.values()}
        opened = {**self.parents.open(recipe, self.access), **alone} if recipe else alone
        keys = {"merge": next(iter(own))} if own else {}
        keys |= {reference: k for k, reference in parents.items()}
        paths, text = folders(opened), dump(recipe) if recipe else ""
        asked = (paths, text, list(keys), prompt, ANSWER_TOKENS, manner.temperature, manner.seed)
        with contextlib.closing(lent(lambda: measured(on_loan(*asked), paths), go_on)) as words:
            for who, number, piece, probability, others in words:
                yield Event(keys[who], None if number == ENDED else Token(number, piece, probability, others))

    def _why(self, work: Workspace, prompt: str, heard: Heard) -> Heard:
        """For each token of the merge: the parent that would most surely have said it (where the base would not), and why."""
        ids = [t.id for t in heard.tokens]
        names = lanes.short_names([work.base, *work.chosen])
        asked = (work.base, *work.chosen)
        try:
            judged = self.voices.within(
                lambda: {m: self.voices.parent(m, self.access).judges(prompt, ids) for m in asked}, asked,
                len(prompt) + len(ids), self.access,
            )  # fmt: skip
        except OutOfMemory:
            return heard  # the answer stands, without whose words they are
        agree: list[str | None] = []
        why: list[str] = []
        for i in range(len(ids)):
            says = [m for m in work.chosen if judged[m][i].rank == 1]
            alone = judged[work.base][i].rank != 1
            agree.append(max(says, key=lambda m, i=i: judged[m][i].probability) if says and alone else None)
            why.append(why_token({names[m]: opinions[i] for m, opinions in judged.items()}, names[work.base]))
        return replace(heard, agree=tuple(agree), why=tuple(why))

    def _remember(self, name: str, prompt: str, manner: Manner, heard: Heard) -> None:
        self._heard[name, prompt, manner] = heard
        self._heard.move_to_end((name, prompt, manner))
        while len(self._heard) > 1 and sum(KEY_TOKENS + len(one.tokens) for one in list(self._heard.values())) > HEARD_TOKENS:
            self._heard.popitem(last=False)

    def heard(self, recipe: "Recipe | str", prompt: str, manner: Manner = GREEDY) -> str | None:
        """What the merge of a recipe, or a parent, answered, if it has answered this prompt to the end."""
        self._may(recipe)
        found = self._heard.get((_name(recipe), prompt, manner))
        return None if found is None else found.text

    # ------------------------------------------------------------------------------------------ files

    def write(
        self, recipe: Recipe, folder: str, progress: Callable[[Step], None], cancelled: Callable[[], bool] = lambda: False,
        *, allow_nonfinite: bool = False,
    ) -> Path:  # fmt: skip
        """Merge into a new folder of this computer. NonFiniteError as `merge` has it."""
        if not folder.strip():
            raise MergeError("Name a folder for the merged model; it must not exist yet.")
        try:
            out = Path(folder.strip()).expanduser()
            with contextlib.suppress(FileNotFoundError):
                out.lstat()
        except (OSError, ValueError, RuntimeError):  # too long, a null byte, below a file, no such user
            raise MergeError(f"{folder.strip()[:80]!r} cannot be a folder's name on this computer.") from None
        self._merge(recipe, out, progress, cancelled, allow_nonfinite)
        return out

    def _opened(self, reference: str, roots: Sequence[Path]) -> Checkpoint:
        """For a merge to files: a model, opened afresh."""
        self.access.check(reference)
        return open_here(reference, roots, self.access.folders)

    def _merge(
        self, recipe: Recipe, out: Path, progress: Callable[[Step], None], cancelled: Callable[[], bool], allow_nonfinite: bool
    ) -> None:
        """Merge to files on the page's device; where that has no room for it beside the voices, on the CPU."""

        def on(device: str) -> None:
            merge(
                recipe, out, device=device, roots=self.parents.roots, progress=progress, cancelled=cancelled,
                opener=self._opened, allow_nonfinite=allow_nonfinite,
            )  # fmt: skip

        try:
            on(str(self.parents.device))
        except OutOfMemory:
            if self.parents.device.type == "cpu":
                raise
            on("cpu")

    def archive(
        self, recipe: Recipe, progress: Callable[[Step], None], cancelled: Callable[[], bool] = lambda: False, owner: str = "",
        *, allow_nonfinite: bool = False,
    ) -> Path:  # fmt: skip
        """The merged model as a zip of the folder that the command line writes. MergeError when it is too large for that.

        It goes when its owner's page is closed, or when it is old (ui/scratch.py); `forget` it to have it gone at once.
        """
        need, clock = self.plan(recipe).nbytes, _Clock()
        if need > ARCHIVE_BYTES:
            raise MergeError(f"The merged model has {need:,} bytes, too many for a browser; copy the recipe and merge at home.")
        clock.start(MERGE_SECONDS, f"The merge took more than {MERGE_SECONDS // 60} minutes; copy the recipe and merge at home.")

        def stop() -> bool:
            return cancelled() or clock.over or self.visitors.ended.is_set()

        place = scratch().make(owner, need, served=True)
        try:
            self._merge(recipe, place / "merged-model", progress, stop, allow_nonfinite)
            made = _zipped(place / "merged-model", stop)
        except BaseException as error:
            scratch().forget(place)
            if isinstance(error, Cancelled):
                clock.check()
            raise
        if not scratch().done(place):
            raise Cancelled("its owner has left.")
        return made

    @staticmethod
    def forget(archive: Path) -> None:
        """Delete an archive that `archive` made."""
        scratch().forget(archive.parent)


on_loan: Callable[..., Any] = gpu(seconds)(gpu_tokens)
"""Answers on a GPU that is lent for one call (ZeroGPU); on other machines the plain function."""


class _Clock:
    """How long something may still take, and what is said when that is over."""

    def __init__(self) -> None:
        self._ends, self.words = math.inf, ""

    def start(self, seconds: float, words: str) -> None:
        """From now on."""
        self._ends, self.words = time.monotonic() + seconds, words

    @property
    def over(self) -> bool:
        """Whether time is up."""
        return time.monotonic() > self._ends

    def check(self) -> None:
        """MergeError when time is up."""
        if self.over:
            raise MergeError(self.words)


class _Feeds:
    """Builds the panel's feeds: what was said since the last one, numbered."""

    def __init__(self, run: int, prompt: str, keys: list[str]) -> None:
        self._run, self._prompt, self._keys = run, prompt, keys
        self._seq = 0
        self._new: list[list[Any]] = []
        self._ended: list[str] = []
        self._full: dict[str, list[list[Any]]] = {}
        self._all: dict[str, list[list[Any]]] = {key: [] for key in keys}
        self._open = list(keys)

    @property
    def open(self) -> bool:
        """Whether somebody has not said all yet."""
        return bool(self._open)

    def start(self, known: Mapping[str, Heard]) -> Feed:
        self._full = {k: h.shown() for k, h in known.items()}
        self._ended = list(known)
        self._open = [k for k in self._keys if k not in known]
        state = {k: "cached" if k in known else "waiting" for k in self._keys}
        return self._feed(start=True, prompt=self._prompt, state=state)

    def waiting(self, ahead: int) -> Feed:
        """Others come first."""
        return self._feed(note="One answer is before yours." if ahead == 1 else f"{ahead} answers are before yours.")

    def add(self, key: str, token: Token) -> None:
        self._all[key].append(_shown(token, None))
        self._new.append([key, *_shown(token, None)])

    def finished(self, key: str) -> None:
        self._ended.append(key)
        self._open.remove(key)
        self._full[key] = self._all[key]

    def replace(self, key: str, heard: Heard) -> None:
        self._full[key] = heard.shown()

    def flush(self, busy: Iterable[str] = ()) -> Feed:
        """What is new. busy: who begins to speak now."""
        begun = {"note": ""} if busy else {}
        return self._feed(state={**dict.fromkeys(busy, "busy"), **dict.fromkeys(self._ended, "done")}, **begun)

    def stopped(self) -> Feed:
        return self._feed(state=dict.fromkeys(self._open, "stopped"))

    def failed(self, message: str) -> Feed:
        state = dict.fromkeys(self._open, "failed")
        return self._feed(start=self._seq == 0, prompt=self._prompt, error={"merge": message}, state=state)

    def _feed(self, **more: Any) -> Feed:
        self._seq += 1
        feed: Feed = {
            "run": self._run, "seq": self._seq, "add": self._new, "full": self._full, "done": self._ended, **more,
        }  # fmt: skip
        self._new, self._full, self._ended = [], {}, []
        return feed


def _shown(token: Token, parent: str | None, why: str = "") -> list[Any]:
    others = [[text, round(p, 4)] for text, p in token.others]
    return [token.text, round(token.probability, 4), others, parent, why]


def _zipped(folder: Path, stop: Callable[[], bool]) -> Path:
    """The folder as a zip beside it, in its place. Stored, not deflated: weights do not get smaller."""
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, allowZip64=True) as packed:
        for file in sorted(folder.rglob("*")):
            if stop():
                raise Cancelled("stopped while the zip was made.")
            if file.is_file():
                packed.write(file, f"{folder.name}/{file.relative_to(folder)}")
                file.unlink()  # or it would take twice its room
    shutil.rmtree(folder, ignore_errors=True)
    return archive


def _opened(asked: "Mapping[str, Recipe | str]") -> set[str]:
    """The models that are open when these are asked."""
    return {r for what in asked.values() for r in ((what,) if isinstance(what, str) else what.opened)}


def _name(what: "Recipe | str") -> str:
    """What an answer is remembered by: a digest of the recipe's text, a parent's reference."""
    return what if isinstance(what, str) else hashlib.sha256(dump(what).encode()).hexdigest()


def _listed(recipe: Recipe) -> str:
    return " and ".join(lanes.short_names(recipe.references).values())


def _asked_in(kind: str, said: bool) -> str:
    """The chip that names the template. One of a model's own is worth a word only where the others have another."""
    return f"asked in {kind}" if kind and (said or not kind.startswith("a ")) else ""


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


def _remarks(whole: TensorStats | None, decided: Plan) -> dict[str, str]:
    if whole is None:
        return {}
    index = {entry.model: i for i, entry in enumerate(decided.recipe.models)}  # slices and modules have no lanes
    remarks: dict[str, str] = {}
    for i, model in enumerate(whole.models):
        if model not in index:
            continue
        text = f"keeps {whole.density[i]:.0%} of its changes, gives {whole.share[i]:.0%} of the result"
        for param in decided.recipe.method.params:
            remarks[f"models[{index[model]}].parameters.{param.name}"] = text
    return remarks


__all__ = ["ANSWER_TOKENS", "Heard", "Studio", "Visit"]
