"""Studio: what all visitors of one process share. Parents, one merged model, speakers, caches. No gradio here.

There is one merged model per process, not per visitor: each answer first patches it to the visitor's recipe, layer by
layer, under a lock. Memory does not grow with visitors, and a small change costs milliseconds.
"""

import contextlib
import copy
import logging
import threading
from collections import OrderedDict
from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from merger.chat.sampling import Sampling
from merger.engine.budget import available, need
from merger.engine.plan import Plan
from merger.engine.session import Parents
from merger.errors import MergeError
from merger.findings import Fix
from merger.hub.references import open_here
from merger.inspect.analysis import Sketch
from merger.inspect.verdict import Verdict, ways_out
from merger.kernels.devices import gpu_memory
from merger.limits import (
    HEARD_LAYERS,
    LENGTH_TOKENS,
    MODEL_SECONDS,
)  # fmt: skip
from merger.recipe import Recipe
from merger.recipe.between import unsliced
from merger.search.llama import LlamaRunner
from merger.search.slopes import Slopes
from merger.search.trials import Runner
from merger.tokenizer import safe, templates
from merger.tokenizer.tokens import built_in_templates
from merger.ui import lanes
from merger.ui.background import Background
from merger.ui.families import read_families
from merger.ui.grants import Grants
from merger.ui.host import Host, Outlook, read_host
from merger.ui.intake import address_of
from merger.ui.mix import Mix, Mixes
from merger.ui.rows import Row
from merger.ui.scratch import scratch
from merger.ui.service.feeds import ANSWER_TOKENS, Answer
from merger.ui.sketch import Sketches
from merger.ui.turns import Turns
from merger.ui.visitors import Visitors
from merger.ui.workspace import Preset

log = logging.getLogger(__name__)


_BEGINNING = threading.Lock()


@dataclass
class Visit:
    """One browser's place in time: a newer run makes an older answer stop itself."""

    run: int = 0
    stopped: int = -1
    begun: int = -1
    """The run that is answered: gradio calls an event's listeners again when several events came at once."""
    ballot: "Ballot | None" = None
    using: frozenset[str] = frozenset()
    """The models of this visitor's recipes, also of those that Undo leads to."""
    hearing: frozenset[str] = frozenset()
    """Those of the recipe that is heard now."""
    look: tuple[object, str | None] | None = None
    """What of the models was asked for last, in Inside: a cell of its map, a tensor."""
    chat: "Visit | None" = None
    """The same for the conversation, which has runs of its own."""
    address: str = ""
    """Where the visitor comes from: who shares it shares a place in line."""

    def begins(self, run: int) -> bool:
        """Whether this call is the one that answers a run: its first."""
        with _BEGINNING:
            first, self.begun = self.begun != run, run
        return first

    def moves_on(self) -> int:
        """A newer run begins: older answers stop themselves, also one in the conversation, whose merge is another now."""
        self.run += 1
        if self.chat is not None:
            self.chat.stopped = self.chat.run
        return self.run

    @property
    def talking(self) -> "Visit":
        """The visit of the conversation."""
        if self.chat is None:
            self.chat = Visit()
        self.chat.address = self.address
        return self.chat

    def current(self, run: int) -> bool:
        return run == self.run and run > self.stopped


@dataclass(frozen=True)
class Ballot:
    """A blind test in progress.

    recipes  by A and B
    rows     what both are asked, in the order of the test
    first    who is the first of the two, by row
    """

    recipes: Mapping[str, Recipe]
    rows: tuple[Row, ...]
    first: Mapping[str, str]

    def sides(self, row: Row) -> dict[str, str]:
        """Who stands behind the two keys of a row."""
        return {"one": "A", "two": "B"} if self.first[row.id] == "A" else {"one": "B", "two": "A"}


@dataclass(frozen=True)
class Manner:
    """How answers are drawn: as `Sampling`, and of at most `length` tokens.

    plain: the prompt is a text to go on with, without a chat template
    """

    temperature: float = 0.0
    seed: int = 0
    plain: bool = False
    length: int = ANSWER_TOKENS
    top_p: float = 1.0
    penalty: float = 1.0
    stops: tuple[str, ...] = ()

    @property
    def sampling(self) -> Sampling:
        """How tokens are chosen."""
        return Sampling(self.temperature, self.seed, self.top_p, self.penalty, self.stops)

    def longer(self, times: int) -> "Manner":
        """The same with an answer so many times as long, as far as an answer may be."""
        return self if times <= 1 else replace(self, length=min(LENGTH_TOKENS, self.length * times))


GREEDY = Manner()


class Studio:
    """Answers for everybody, one at a time; statistics and plans for everybody at once.

    `seen_by` gives the same studio through a visitor's eyes: what is kept here is shared, but opened and told only as far as
    the visitor's access reaches. The studio itself has the access of somebody who has brought nothing.
    """

    def __init__(self, presets: Path, device: str = "cpu", host: Host | None = None) -> None:
        root, self.folder = presets.parent, presets
        self.base = str((presets / "family" / "base").relative_to(root))
        folders = sorted(config.parent for config in (presets / "family").glob("*/config.json"))
        self.family = tuple(str(folder.relative_to(root)) for folder in folders)
        self.parents_of_family = tuple(m for m in self.family if m != self.base)
        self.families = read_families(presets, self.base, self.parents_of_family)
        self.presets: list[Preset] = list(self.families[0].presets)
        here = (*self.family, *(folder for family in self.families[1:] for folder in family.folders))
        self.host = host or read_host(family=here, gpu_memory=gpu_memory(device))
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
        self.second = LlamaRunner(self.parents, threads=self.host.threads)
        """For merges that do not fit in memory."""
        self.sweeping = threading.Lock()
        self.probes = presets / "probes.json"
        self.turns = Turns()
        self.merging = Background("merge to files")
        family = (safe.chat_template(file.parent) for file in sorted((presets / "family").glob("*/config.json")))
        templates.trust(*built_in_templates(), *(text for text in family if text is not None))
        self.answered: OrderedDict[tuple[str, str, Manner, int], Answer] = OrderedDict()
        """By who was asked what, how, and in how many bits of llama.cpp's it was to be heard (0: as it is)."""
        self.slopes: OrderedDict[bytes, Slopes | None] = OrderedDict()
        """Of which bars and rows it is known which way helps, by a digest of them: see `service.improve`."""
        self.sketches: dict[frozenset[str], Sketch] = {}
        self.mixes = Mixes()
        self._of = self.parents.generation
        self.samples = Sketches()
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
            visit.moves_on()
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

    def close_unused(self, heard_only: bool = False) -> None:
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
            self.mixes.clear()
            for holder in (self.parents, self.voices, self.second, self.searcher):
                holder.close(reference)

    def _rest_searcher(self) -> None:
        """For an answer whose memory runs out: what sweeps hold, unless one is under way."""
        if self.sweeping.acquire(blocking=False):
            try:
                self.searcher.release()
            finally:
                self.sweeping.release()

    def _rest_voices(self) -> None:
        """For a sweep: what answers hold, when it is its turn."""
        with self.turns.stand() as ahead:
            while ahead(1.0):
                pass
            self.voices.release()

    # ------------------------------------------------------------------------------------------ numbers

    def plan(self, recipe: Recipe) -> Plan:
        """The plan of a recipe; MergeError when its models do not fit."""
        return self.mix(recipe).plan

    def mix(self, recipe: Recipe) -> Mix:
        """A recipe on its models, opened with this visitor's access, and what is known of it already."""
        return self.mixes.of(recipe, self.parents.open(recipe, self.access))

    def renew(self, references: Iterable[str]) -> None:
        """Forget what was found out with models whose files have changed since: of all models, as that is rare."""
        self.parents.renew(references)
        if self._of != self.parents.generation:
            self.sketches.clear()
            self.mixes.clear()
            self.answered.clear()
            self.slopes.clear()
            self._of = self.parents.generation

    def check(self, recipe: Recipe) -> None:
        """MergeError when the page must not, or cannot yet, open a model that a recipe names, or they do not fit."""
        self.plan(recipe)

    def with_bars(self, recipe: Recipe) -> Recipe:
        """Slices over all layers of their models as the `models:` recipe that they are, whose weights are bars; else as it is.

        One model's layers stay a stack: there is nothing to paint.
        """
        plain = unsliced(recipe)
        if plain is None or recipe.method.law.copies:
            return recipe
        with contextlib.suppress(MergeError):
            there, here = self.plan(recipe), self.plan(plain)
            if here.jobs == there.jobs:
                return plain
            # what follows the layers goes by the last slice: as numbers of its own
            rows = lanes.lanes(here, lanes.told_apart(here))
            painted = lanes.painted(here, lanes.read(replace(there, recipe=plain), rows).shown)
            if self.plan(painted).jobs == there.jobs:
                return replace(painted, notes=plain.notes)
        return recipe

    def outlook(self, recipe: Recipe, others: Collection[str] = (), prompt: str = "", length: int = ANSWER_TOKENS) -> Outlook:
        """Whether a recipe can be heard here, or only be merged to files. others: who speaks beside the merge."""
        device = self.parents.device
        beside = {reference: self.parents.model(reference, self.access) for reference in others}
        models, plan = {**beside, **self.parents.open(recipe, self.access)}, self.plan(recipe)
        if plan.layout.layers > HEARD_LAYERS:
            return Outlook("export", f"The merge has {plan.layout.layers} layers; up to {HEARD_LAYERS} can be heard here.")
        what = need(plan, models, device, len(prompt) + length)
        have = available(device) if self.host.accelerator == "cuda" else None
        computing = what.beside if self.host.accelerator != "cpu" else 0  # there LIVE_SHARE leaves room for it
        found = self.host.outlook(list(what.models.values()), what.merged, computing, have and have[1], what.streamed)
        return self.host.otherwise(found, plan, models, len(prompt) + length)

    def verdict(self, recipe: Recipe) -> Verdict:
        """What the headers say about a recipe before anything is merged."""
        return self.mix(recipe).verdict

    def ways_out(self, recipe: Recipe) -> list[Fix]:
        """How a recipe whose models do not fit can be merged all the same; nothing for one that is refused otherwise."""
        try:
            return list(ways_out(recipe, self.parents.open(recipe, self.access)))
        except MergeError:
            return []


__all__ = ["ANSWER_TOKENS", "GREEDY", "Ballot", "Manner", "Studio", "Visit"]
