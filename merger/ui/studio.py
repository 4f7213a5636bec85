"""Studio: what all visitors of one process share. Parents, one merged model, speakers, caches. No gradio here.

There is one merged model per process, not per visitor: each answer first patches it to the visitor's recipe, layer by
layer, under a lock. Memory does not grow with visitors, and a small change costs milliseconds.
"""

import contextlib
import logging
import random
import shutil
import tempfile
import threading
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import merger.ui.lanes as lanes
from merger import safe, templates
from merger.analysis import Sketch, TensorStats, combine, samples_for
from merger.errors import Cancelled, MergeError
from merger.evaluate import Plain, Said, Token, take_turns
from merger.hub import open_here
from merger.live import Parents
from merger.merge import Step, gpu_memory, merge
from merger.plan import Plan, plan
from merger.recipe import Recipe, dump
from merger.search import Runner, whose_template
from merger.tokens import built_in_templates, chat_template_kind, chat_template_of
from merger.ui.host import Host, Outlook, folders, gpu, gpu_tokens, read_host, seconds
from merger.ui.sketch import Sketches, law
from merger.ui.state import Preset, Workspace, for_statistics, read_presets
from merger.ui.turns import Turns
from merger.ui.words import why_token
from merger.verdict import Fix, Verdict, verdict, ways_out

log = logging.getLogger(__name__)

ANSWER_TOKENS = 160
FLUSH_SECONDS = 0.05
MAX_ARCHIVE = 4 << 30
Feed = dict[str, Any]


@dataclass
class Visit:
    """One browser's place in time: a newer run makes an older answer stop itself."""

    run: int = 0
    stopped: int = -1
    ballot: "Ballot | None" = None
    making: threading.Event | None = None
    """Set to stop the merge to files that this visitor asked for."""
    granted: set[str] = field(default_factory=set[str])
    """Gated or private models that this visitor has brought with a sign-in."""
    using: frozenset[str] = frozenset()
    """The models of this visitor's recipe."""

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


class Studio:
    """Answers for everybody, one at a time; statistics and plans for everybody at once."""

    def __init__(self, presets: Path, device: str = "cpu", host: Host | None = None) -> None:
        root = presets.parent
        self.presets: list[Preset] = read_presets(presets)
        self.base = str((presets / "family" / "base").relative_to(root))
        folders = sorted(config.parent for config in (presets / "family").glob("*/config.json"))
        self.family = tuple(str(folder.relative_to(root)) for folder in folders)
        self.parents_of_family = tuple(m for m in self.family if m != self.base)
        self.host = host or read_host(family=self.family, gpu_memory=gpu_memory())
        roots = (Path(), root)
        # a page opens what is here: models are fetched where that can be seen, sized up and stopped
        self.parents = Parents(self.host.device or device, roots, lambda reference: open_here(reference, roots))
        self.voices = Runner(self.parents)
        self.searcher = Runner(self.parents)
        """For sweeps: a merged model of its own, so that answers go on meanwhile. Used by one at a time: hold `sweeping`."""
        self.sweeping = threading.Lock()
        self.probes = presets / "probes.json"
        self._turns = Turns()
        family = (safe.chat_template(folder) for folder in folders)
        templates.trust(*built_in_templates(), *(text for text in family if text is not None))
        self._heard: OrderedDict[tuple[str, str, Manner], Heard] = OrderedDict()
        self._sketches: dict[frozenset[str], Sketch] = {}
        self._samples = Sketches()
        self._visits: dict[str, Visit] = {}

    # ------------------------------------------------------------------------------------------ visitors

    def visit(self, session: str | None) -> Visit:
        """The visit of a browser session."""
        return self._visits.setdefault(session or "", Visit())

    def leave(self, session: str | None) -> None:
        """Forget a browser session; its answer, if one is being written, stops."""
        visit = self._visits.pop(session or "", None)
        if visit is not None:
            visit.run += 1
            if visit.making is not None:
                visit.making.set()

    def let_go(self) -> None:
        """Close the models that no visitor uses, so that the disk's bound can have them."""
        used = {*self.family, *(reference for visit in list(self._visits.values()) for reference in visit.using)}
        for reference in self.parents.opened - used:
            for place in (self.parents, self.voices, self.searcher):
                place.forget(reference)

    # ------------------------------------------------------------------------------------------ numbers

    def plan(self, recipe: Recipe) -> Plan:
        """The plan of a recipe; MergeError when its models do not fit."""
        return plan(recipe, self.parents.open(recipe))

    def statistics(self, recipe: Recipe, decided: Plan | None = None) -> tuple[Plan, list[TensorStats]]:
        """Estimated statistics of every tensor, from a sketch that stays in memory. decided: the recipe's plan, if known."""
        if decided is None or decided.recipe != recipe:
            decided = self.plan(recipe)
        return decided, list(self._sketch(decided).measure(decided.jobs, decided.layout))

    def _sketch(self, decided: Plan) -> Sketch:
        """The sketch of a plan's models; it stays in memory."""
        models = self.parents.open(decided.recipe)
        key = frozenset(models)
        if key not in self._sketches:
            if len(self._sketches) > 8:
                self._sketches.clear()
            self._sketches[key] = Sketch(models, samples_for(decided.jobs))
        return self._sketches[key]

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

    def check(self, recipe: Recipe, granted: Collection[str] = ()) -> None:
        """MergeError when the page must not, or cannot yet, open a model that a recipe names, or they do not fit."""
        self.host.check(recipe.opened, granted)
        self.plan(recipe)

    def outlook(self, recipe: Recipe) -> Outlook:
        """Whether a recipe can be heard here, or only be merged to files."""
        models = self.parents.open(recipe)
        sizes = [sum(t.nbytes for t in models[r].tensors.values()) for r in recipe.opened]
        return self.host.outlook(sizes, self.plan(recipe).nbytes)

    def verdict(self, recipe: Recipe) -> Verdict:
        """What the headers say about a recipe before anything is merged."""
        models = self.parents.open(recipe)
        return verdict(recipe, models, plan(recipe, models))

    def ways_out(self, recipe: Recipe) -> list[Fix]:
        """How a recipe whose models do not fit can be merged all the same; nothing for one that is refused otherwise."""
        try:
            return list(ways_out(recipe, self.parents.open(recipe)))
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
            for role in lanes.ROLES if any((role, c) in by_cell for c in range(len(grid.columns)))
        ]  # fmt: skip
        whole = combine(stats, "all")
        samples = self._sketch(decided).samples
        sampled = any(s.facts.numel >= samples for s in stats)
        return {
            "rows": rows,
            "summary": _summary(whole, work.recipe),
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
        """What a law's `sketch` stands for; None where it is unknown, or too long ago."""
        return self._samples.fetch(word)

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
            return chat_template_kind(self.parents.model(reference).folder)
        except MergeError:
            return ""

    def _template(self, reference: str) -> str | None:
        try:
            return chat_template_of(self.parents.model(reference).folder)
        except MergeError:
            return None

    def answer(self, work: Workspace, prompt: str, visit: Visit, manner: Manner = GREEDY) -> Iterator[Feed]:
        """Merge, then stream everybody's answer as feeds for the panel. Ends by itself when a newer run begins.

        Errors of the recipe or the models become part of the feed; nothing is raised.
        """
        said = Plain(prompt) if manner.plain else prompt
        yield from self._fed(self.asked(work), prompt, visit, manner, lambda heard: self._why(work, said, heard))

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
        feeds = _Feeds(run, prompt, list(asked))

        def go_on() -> bool:
            return visit.current(run)

        try:
            if not prompt.strip():
                raise MergeError("Write a prompt first: a question or a task for the models.")
            known = {k: h for k, what in asked.items() if (h := self._heard.get((_name(what), prompt, manner)))}
            yield feeds.start(known)
            silent = {k: what for k, what in asked.items() if k not in known}
            if silent and not manner.plain:
                self._rehearse(silent.values(), prompt)
            if silent:
                with self._turns.stand() as ahead:
                    while go_on() and (before := ahead(1.0)):
                        yield feeds.waiting(before)
                    if go_on():
                        yield from self._answer(silent, prompt, manner, go_on, feeds, why)
        except Cancelled:  # a newer run began, or Stop was pressed, while the tensors were merged
            pass
        except MergeError as error:
            yield feeds.failed(str(error))
        except Exception:
            log.exception("answering failed")
            yield feeds.failed("Something went wrong here, and it is our fault; the server's log has the details.")
        if run == visit.run and visit.stopped >= run:
            yield feeds.stopped()

    def _rehearse(self, asked: Iterable["Recipe | str"], prompt: str) -> None:
        """Render everybody's chat template before a place in the line is taken: one that is too much holds nobody up there."""
        for what in asked:
            if isinstance(what, Recipe):
                decided, models = self.plan(what), self.parents.open(what)
                folder = models[decided.tokens.origin if decided.tokens else decided.donor].folder
                template, origin = decided.chat_template or safe.chat_template(folder), whose_template(decided)
            else:
                folder = self.parents.model(what).folder
                template, origin = safe.chat_template(folder), f"the chat template of {what}"
            if template:
                templates.asked(template, prompt, safe.named_tokens(folder), origin)

    def _answer(
        self, silent: Mapping[str, "Recipe | str"], prompt: str, manner: Manner, go_on: Callable[[], bool], feeds: "_Feeds",
        why: "Callable[[Heard], Heard] | None",
    ) -> Iterator[Feed]:  # fmt: skip
        recipes = {k: what for k, what in silent.items() if isinstance(what, Recipe)}
        parents = {k: what for k, what in silent.items() if isinstance(what, str)}
        rounds = [{k: recipe} for k, recipe in recipes.items()] or [{}]  # one merged model: one recipe at a time
        for recipe in recipes.values():
            outlook = self.outlook(recipe)
            if outlook.kind != "live":
                raise MergeError(f"{outlook.words} What the models would say cannot be heard here; the merge can be downloaded.")
        for i, own in enumerate(rounds):
            asked = [*own, *(parents if i == 0 else ())]
            yield feeds.flush(busy=asked)
            said: dict[str, list[Token]] = {k: [] for k in asked}
            flushed = time.monotonic()
            for word in self._spoken(own, {k: parents[k] for k in asked if k in parents}, prompt, manner, go_on):
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
                if why is not None and go_on() and self.host.accelerator != "zerogpu":
                    heard = why(Heard.plain(said[key]))
                    self._remember(_name(recipe), prompt, manner, heard)
                    feeds.replace(key, heard)
            if not go_on():
                return
            yield feeds.flush()

    def _spoken(
        self, own: Mapping[str, Recipe], parents: Mapping[str, str], prompt: str, manner: Manner, go_on: Callable[[], bool]
    ) -> Iterator[Said]:
        """The words of at most one recipe's merge and of parents, as they come."""
        if self.host.accelerator != "zerogpu":
            speakers = {k: self.voices.merged(recipe, go_on) for k, recipe in own.items()}
            speakers |= {k: self.voices.parent(reference) for k, reference in parents.items()}
            yield from take_turns(
                speakers, prompt, limit=ANSWER_TOKENS, temperature=manner.temperature, seed=manner.seed, go_on=go_on
            )
            return
        # lent for one call, to a process of its own: only names of folders, the recipe's text and the prompt go there
        recipe = next(iter(own.values()), None)
        opened = self.parents.open(recipe) if recipe else {r: self.parents.model(r) for r in parents.values()}
        keys = {"merge": next(iter(own))} if own else {}
        keys |= {reference: k for k, reference in parents.items()}
        text = dump(recipe) if recipe else ""
        words = on_loan(folders(opened), text, list(keys), prompt, ANSWER_TOKENS, manner.temperature, manner.seed)
        with contextlib.closing(words):
            for who, number, text, probability, others in words:
                if not go_on():
                    return
                yield Said(keys[who], None if number < 0 else Token(number, text, probability, others))

    def _why(self, work: Workspace, prompt: str, heard: Heard) -> Heard:
        """For each token of the merge: the parent that would most surely have said it (where the base would not), and why."""
        ids = [t.id for t in heard.tokens]
        names = lanes.short_names([work.base, *work.chosen])
        judged = {m: self.voices.parent(m).judges(prompt, ids) for m in (work.base, *work.chosen)}
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
        while len(self._heard) > 1000:
            self._heard.popitem(last=False)

    def heard(self, recipe: "Recipe | str", prompt: str, manner: Manner = GREEDY) -> str | None:
        """What the merge of a recipe, or a parent, answered, if it has answered this prompt to the end."""
        found = self._heard.get((_name(recipe), prompt, manner))
        return None if found is None else found.text

    # ------------------------------------------------------------------------------------------ files

    def write(
        self, recipe: Recipe, folder: str, progress: Callable[[Step], None], cancelled: Callable[[], bool] = lambda: False
    ) -> Path:
        """Merge into a new folder of this computer."""
        if not folder.strip():
            raise MergeError("Name a folder for the merged model; it must not exist yet.")
        out = Path(folder.strip()).expanduser()
        merge(
            recipe, out, device=str(self.parents.device), roots=self.parents.roots, progress=progress, cancelled=cancelled,
        )  # fmt: skip
        return out

    def archive(
        self, recipe: Recipe, progress: Callable[[Step], None], cancelled: Callable[[], bool] = lambda: False,
        granted: Collection[str] = (),
    ) -> Path:  # fmt: skip
        """The merged model as a zip of the folder that the command line writes. MergeError when it is too large for that.

        `forget` it when it has been handed over.
        """
        self.host.check(recipe.opened, granted)  # it may have been cleared away since it was chosen
        need = self.plan(recipe).nbytes
        if need > MAX_ARCHIVE:
            raise MergeError(f"The merged model has {need:,} bytes, too many for a browser; copy the recipe and merge at home.")
        place = Path(tempfile.mkdtemp(prefix="merge-"))
        try:
            merge(
                recipe, place / "merged-model", device=str(self.parents.device), roots=self.parents.roots, progress=progress,
                cancelled=cancelled,
            )  # fmt: skip
            return _zipped(place / "merged-model")
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

    @staticmethod
    def forget(archive: Path) -> None:
        """Delete an archive that `archive` made."""
        shutil.rmtree(archive.parent, ignore_errors=True)


on_loan: Callable[..., Any] = gpu(seconds)(gpu_tokens)
"""Answers on a GPU that is lent for one call (ZeroGPU); on other machines the plain function."""


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


def _zipped(folder: Path) -> Path:
    """The folder as a zip beside it, in its place. Stored, not deflated: weights do not get smaller."""
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, allowZip64=True) as packed:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                packed.write(file, f"{folder.name}/{file.relative_to(folder)}")
                file.unlink()  # or it would take twice its room
    shutil.rmtree(folder, ignore_errors=True)
    return archive


def _name(what: "Recipe | str") -> str:
    """What an answer is remembered by: a recipe's text, a parent's reference."""
    return what if isinstance(what, str) else dump(what)


def _listed(recipe: Recipe) -> str:
    return " and ".join(lanes.short_names(recipe.references).values())


def _asked_in(kind: str, said: bool) -> str:
    """The chip that names the template. One of a model's own is worth a word only where the others have another."""
    return f"asked in {kind}" if kind and (said or not kind.startswith("a ")) else ""


def _conflict(cell: list[TensorStats] | None) -> float | None:
    whole = combine(cell or [], "")
    return None if whole is None else round(whole.conflict, 4)


def _summary(whole: TensorStats | None, recipe: Recipe) -> str:
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
    index = {entry.model: i for i, entry in enumerate(decided.recipe.models)}
    remarks: dict[str, str] = {}
    for i, model in enumerate(whole.models):
        text = f"keeps {whole.density[i]:.0%} of its changes, gives {whole.share[i]:.0%} of the result"
        for param in decided.recipe.method.params:
            remarks[f"models[{index[model]}].parameters.{param.name}"] = text
    return remarks


__all__ = ["ANSWER_TOKENS", "Heard", "Studio", "Visit"]
