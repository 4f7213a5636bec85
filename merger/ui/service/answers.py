"""Answers for everybody: the merge, its base and its parents, one visitor at a time."""

import contextlib
import hashlib
import logging
import math
import random
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import merger.ui.lanes as lanes
from merger.chat.conversation import Conversation, as_text
from merger.chat.conversation import asked as asked_in
from merger.chat.model import Event, Plain, Token
from merger.errors import OUR_FAULT, Cancelled, MergeError, OutOfMemory
from merger.hub.card import suggested
from merger.limits import ANSWER_SECONDS, CARD_PROMPTS, HEARD_TOKENS, LINE_SECONDS
from merger.recipe import Recipe, dump
from merger.search.trials import whose_template
from merger.tokenizer import safe, templates
from merger.tokenizer.tokens import chat_template_kind, chat_template_of
from merger.ui.beside import beside
from merger.ui.host import CUT, ENDED, LOAN_SECONDS, Told, folders, gpu, gpu_tokens, measured, needed, seconds
from merger.ui.loans import Loan, lent
from merger.ui.rows import Row
from merger.ui.service.clock import Clock
from merger.ui.service.feeds import Answer, Feed, Feeds
from merger.ui.studio import GREEDY, Ballot, Manner, Studio, Visit
from merger.ui.talk import Talk
from merger.ui.words import why_token
from merger.ui.workspace import Workspace
from merger.voice.check import UNCHECKED

log = logging.getLogger(__name__)

Words = Callable[[], Iterator[Told]]
LOOK_SECONDS = 0.05
"""Between two looks whether to go on."""
IDLE_SECONDS = 1.5
"""Rows of models that are not quick wait so long after a stroke, but for the open one: while a hand paints, it comes first."""
QUICK_BYTES = 64_000_000
"""A model of no more answers a row in a moment: all rows are asked at once."""
_BEAT = 0.5
"""Seconds without a word after which it is told how far a loading is."""
KEY_TOKENS = 10
"""As many tokens as prompt and name of a remembered answer count for."""
WAITED = f"Your turn has not come for {LINE_SECONDS // 60} minutes; press Ask to stand in line again."
NO_TEMPLATE = "no chat template, so it goes on with the words as plain text"
FOLDED = "no place for a system prompt in the chat template, so it leads your first words"
TOOK = "This took longer than an answer may take here, so it was ended. Smaller models and shorter prompts answer sooner."


@dataclass(frozen=True)
class Ask:
    """One prompt to several: who is asked, by the panel's keys.

    why  tells whose words an answer of the merge is made of
    row  whose marks the answers get
    how  in which manner
    kept whether answers are remembered, for whoever asks the same: not what is said in a conversation
    bits of a weight where they are heard through llama.cpp, one at a time; 0: as they are
    """

    prompt: str
    of: "Mapping[str, Recipe | str]"
    why: Callable[[Answer], Answer] | None = None
    row: Row | None = None
    how: Manner = GREEDY
    kept: bool = True
    bits: int = 0

    @property
    def said(self) -> str:
        """The prompt as it is asked and remembered."""
        return Plain(self.prompt) if self.how.plain else self.prompt


class Answers:
    """Answers of a studio's models and merges, as far as its visitor's access reaches."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.bits: int | None = None
        """In how many bits what was asked last was to be heard, see `Ask`; None where nobody was asked."""
        self.heard_in: dict[str, int] = {}
        """And in how many each was: weights that 16 do not hold are heard in 8."""

    def columns(self, work: Workspace) -> list[dict[str, Any]]:
        """Who answers: the merge first, then the base, then the parents in the mix, then what is kept as A and B."""
        names = lanes.short_names([work.base, *work.chosen])
        planned = self._bits(work) if self.bits is None else self.bits
        bits = {key: self.heard_in.get(_name(what), planned) for key, what in self.asked(work).items()}
        alike = len({*bits.values()}) == 1
        ink = lanes.inks([*work.shelf, *work.chosen])
        words = {m: self._words(m) for m in (work.base, *work.chosen)}
        several = len({self._template(m) for m in (work.base, *work.chosen)}) > 1
        asked = _asked_in(words[work.base], several)
        unchecked = f"; {UNCHECKED}" if self.studio.second.checked.startswith(UNCHECKED) else ""

        def how(key: str) -> dict[str, str]:
            lead = key == "merge"
            if not bits[key] or (alike and not lead):
                return {}
            also = f"{', as all here' if alike else ''}{unchecked}" if lead else ""
            return {"heard": f"heard in {bits[key]} bits{also}"}

        return [
            {"key": "merge", "name": "your merge", "slot": None, "lead": True, "words": asked, **how("merge")},
            {"key": work.base, "name": names[work.base], "slot": None, "base": True, **how(work.base)},
            *(
                {"key": m, "name": names[m], "slot": ink[m], "words": _asked_in(words[m], True) if several else "", **how(m)}
                for m in work.chosen
            ),
            *({"key": name, "name": name, "slot": None, "kept": True} for name in self.kept(work)),
        ]  # fmt: skip

    def _bits(self, work: Workspace) -> int:
        """Of a weight, where the merge is heard through llama.cpp; else 0."""
        planned = self.voice(work, "")
        return (self.studio.second.gguf.bits_for(self.studio.plan(work.recipe)) or planned) if planned else 0

    def suggested(self, work: Workspace) -> list[str]:
        """Prompts that the cards of a desk's models suggest: the models' own first, then their base's."""
        found: dict[str, None] = {}
        for reference in (*work.chosen, work.base):
            with contextlib.suppress(MergeError):
                found |= dict.fromkeys(suggested(self.studio.parents.model(reference, self.studio.access).folder))
        return list(found)[:CARD_PROMPTS]

    def _words(self, reference: str) -> str:
        """What kind of chat template a model has; "" where that cannot be told."""
        try:
            return chat_template_kind(self.studio.parents.model(reference, self.studio.access).words)
        except MergeError:
            return ""

    def _template(self, reference: str) -> str | None:
        try:
            return chat_template_of(self.studio.parents.model(reference, self.studio.access).words)
        except MergeError:
            return None

    def answer(self, work: Workspace, prompt: str, visit: Visit, manner: Manner = GREEDY) -> Iterator[Feed]:
        """Merge, then stream everybody's answer as feeds for the panel. Ends by itself when a newer run begins.

        Errors of the recipe or the models become part of the feed; nothing is raised.
        """
        said = Plain(prompt) if manner.plain else prompt
        yield from self._fed([Ask(prompt, self.asked(work), partial(self._why, work, said), how=manner)], visit)

    def first_answers(self, work: Workspace, rows: Sequence[Row], first: str) -> Feed:
        """The first screen's answers, kept for every visitor. Made by this process, also where GPUs are lent: nobody asks yet."""
        borrows, self.studio.borrows = self.studio.borrows, False
        try:
            for _ in self.ask_all(work, rows, first, Visit(), idle=0):
                pass
        finally:
            self.studio.borrows = borrows
        return next(iter(self.ask_all(work, rows, first, Visit())))

    @staticmethod
    def asked(work: Workspace) -> "dict[str, Recipe | str]":
        """Who answers, by the panel's keys: the merge of a recipe, the base, the parents in the mix."""
        return {"merge": work.recipe, work.base: work.base, **{m: m for m in work.chosen}}

    def kept(self, work: Workspace) -> dict[str, Recipe]:
        """The merges kept as A and B that are others than what plays: columns of their own, where they can be heard."""
        found: dict[str, Recipe] = {}
        for name, recipe in zip("AB", work.slots, strict=True):
            if recipe is not None and recipe != work.recipe:
                with contextlib.suppress(MergeError):  # what may not be opened any more silences nobody else
                    self._may(recipe)
                    self.studio.plan(recipe)
                    found[name] = recipe
        return found

    def compare(self, ballot: Ballot, visit: Visit, manner: Manner = GREEDY) -> Iterator[Feed]:
        """Stream the answers of a blind test's recipes; keys are `row/one` and `row/two`."""
        asks: list[Ask] = []
        last = ""
        for row in ballot.rows:
            sides = ballot.sides(row)
            order = sorted(sides, key=lambda key: sides[key] != last)  # whose merge speaks already goes on
            last = sides[order[-1]]
            asks.append(Ask(row.prompt, {row.key(key): ballot.recipes[sides[key]] for key in order}, row=row, how=manner))
        yield from self._fed(asks, visit)

    def ballot(self, recipes: tuple[Recipe, Recipe], rows: Sequence[Row], chance: random.Random | None = None) -> Ballot:
        """A blind test between A and B: the rows' order, and who comes first in each, is known to the server only."""
        chance = chance or random.SystemRandom()
        order = chance.sample(list(rows), len(rows))
        return Ballot(dict(zip("AB", recipes, strict=True)), tuple(order), {row.id: chance.choice("AB") for row in rows})

    def ask_all(
        self, work: Workspace, rows: Sequence[Row], first: str, visit: Visit, manner: Manner = GREEDY, idle: float = IDLE_SECONDS
    ) -> Iterator[Feed]:
        """Stream everybody's answers to several prompts, that of the row `first` before the others; keys are `row/key`.

        Only the first row is told whose words the merge's are: it is the one that is looked at closely.

        idle  seconds after which the others are asked, where the models are not quick
        """
        order = sorted(rows, key=lambda row: (row.id != first, not row.ticked))
        asks: list[Ask] = []
        for row in order:
            said = Plain(row.prompt) if manner.plain else row.prompt
            why = partial(self._why, work, said) if row.id == first else None
            asked = {row.key(key): what for key, what in self.asked(work).items()}
            asks.append(Ask(row.prompt, asked, why, row, manner.longer(row.times)))
        for name, recipe in self.kept(work).items():  # one after the other, as there is one merged model
            asks += [Ask(row.prompt, {row.key(name): recipe}, None, row, manner.longer(row.times)) for row in order]
        quick = self._quick(work)
        yield from self._fed(asks, visit, work.recipe.digest, None if quick else idle, quick)

    def converse(self, work: Workspace, talk: Talk, visit: Visit, manner: Manner = GREEDY) -> Iterator[Feed]:
        """Stream the next answers in a conversation, each with its own before it. Nothing of it is remembered."""
        of, how = self.asked(work), manner.longer(talk.times)
        asks: list[Ask] = []
        for key in [key for key in of if key in talk.who] or ["merge"]:
            said = Conversation.of(talk.messages(key))
            asks.append(Ask(as_text(said) if manner.plain else said, {key: of[key]}, how=how, kept=False))
        yield from self._fed(asks, visit)

    def _quick(self, work: Workspace) -> bool:
        """Whether the models answer in a moment."""
        try:
            return self.studio.parents.model(work.base, self.studio.access).nbytes <= QUICK_BYTES
        except MergeError:
            return True  # what is wrong with it is told when it is asked

    def _fed(
        self, asks: Sequence[Ask], visit: Visit, recipe: str = "", idle: float | None = None, quick: bool = False
    ) -> Iterator[Feed]:
        """Feeds of everybody's answers: those known at once, the others when it is this visitor's turn.

        idle  all but the first of the asks wait so many seconds, and give way to everybody who has just made a stroke
        """
        run = visit.run
        idle = None if self.studio.borrows else idle  # one call answers all of them
        keys = [key for _, key, _ in _each(asks)]
        rows = {key: ask.row for ask, key, _ in _each(asks) if ask.row is not None}
        feeds, clock = Feeds(run, asks[0].prompt if asks[0].kept else "", keys, rows, recipe, quick), Clock()

        def go_on() -> bool:
            return visit.current(run) and not clock.over

        try:
            known, begun = self._known(asks), time.monotonic()
            yield feeds.start(known, () if idle is None else [key for ask in asks[1:] for key in ask.of])
            silent = [replace(ask, of={k: w for k, w in ask.of.items() if k not in known}) for ask in asks]
            silent = [ask for ask in silent if ask.of]
            if not all(ask.how.plain for ask in asks):
                silent = yield from self._rehearsed(silent, go_on, feeds)
            bits = self.bits or 0
            silent = _one_at_a_time(silent, bits) if bits else silent
            bare = [] if bits else self._bare(asks, known)
            other = silent[1:] if bits else [ask for ask in silent if ask.row is not asks[0].row or ask.why is None]
            later = [] if idle is None else other
            now = [ask for ask in silent if ask not in later]
            if now or bare:
                yield from self._turn(now, [(ask, key, known[key]) for ask, key in bare], visit, clock, go_on, feeds)
            for ask in later:
                while go_on() and time.monotonic() < begun + (idle or 0):
                    time.sleep(LOOK_SECONDS)
                if go_on():
                    yield from self._turn([ask], [], visit, clock, go_on, feeds)
            if feeds.held and visit.current(run):
                yield feeds.flush()
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

    def voice(self, work: Workspace, prompt: str, manner: Manner = GREEDY) -> int:
        """In how many bits a desk's models are heard through llama.cpp; 0 where they are as they are."""
        return self._through([Ask(prompt, self.asked(work), how=manner)])

    def _through(self, asks: Sequence[Ask]) -> int:
        """In how many bits llama.cpp says one of the merges, and whoever is asked beside it; 0 where none is heard through it."""
        recipes = {_name(what): (ask, what) for ask, _, what in _each(asks) if isinstance(what, Recipe)}
        for ask, recipe in recipes.values():
            with contextlib.suppress(MergeError):  # told when it is asked
                others = [what for what in ask.of.values() if isinstance(what, str)]
                if bits := self.studio.outlook(recipe, others, ask.prompt, ask.how.length).bits:
                    return bits
        return 0

    def _turn(
        self, asks: Sequence[Ask], bare: Sequence[tuple[Ask, str, Answer]], visit: Visit, clock: Clock, go_on: Callable[[], bool],
        feeds: Feeds,
    ) -> Iterator[Feed]:  # fmt: skip
        """Wait for one's turn, then answer. bare: merges of which is only to be told whose words they said."""
        with self.studio.turns.stand(visit.address) as ahead:
            clock.start(LINE_SECONDS, WAITED)
            while go_on() and (before := ahead(1.0)):
                yield feeds.waiting(before)
            clock.check()
            clock.start(ANSWER_SECONDS if self.studio.host.hosted else 10 * ANSWER_SECONDS, TOOK)
            for ask, key, said in bare:
                if go_on():
                    self._tell(ask, key, said, feeds)
                    yield feeds.flush()
            for group in self._groups(asks):
                loan = self._lent(group, go_on) if len(group) > 1 else None
                with contextlib.closing(loan) if loan is not None else contextlib.nullcontext():
                    for i, ask in enumerate(group):
                        if go_on():
                            yield from self._alone(ask, go_on, feeds, partial(loan.of, i) if loan is not None else None)

    def _groups(self, asks: Sequence[Ask]) -> list[list[Ask]]:
        """Those that one lent GPU answers in one call: of one recipe, in one manner but for the length, in the time there is."""
        groups: list[list[Ask]] = []
        for ask in asks:
            if self.studio.borrows and groups and _alike([*groups[-1], ask]):
                paths, _, who, _, most, rows, *_ = self._call([*groups[-1], ask])
                if needed(paths, who, most, rows) <= LOAN_SECONDS:
                    groups[-1].append(ask)
                    continue
            groups.append([ask])
        return groups

    def _rehearsed(self, asks: Sequence[Ask], go_on: Callable[[], bool], feeds: Feeds) -> Generator[Feed, None, list[Ask]]:
        """Those whose templates take their prompts; of the others it is told. A template that is too much is tried once only."""
        rehearsed: list[Ask] = []
        stopped = ""
        for ask in asks:
            try:
                if stopped:
                    raise MergeError(stopped)
                if go_on():
                    remarks = {key: self._rehearse(what, ask.prompt) for key, what in ask.of.items()}
                    for key, remark in remarks.items():
                        feeds.tell(key, "" if ask.kept else remark)
                    rehearsed.append(ask)
            except MergeError as error:
                stopped = str(error) if isinstance(error, templates.Stopped) else stopped
                yield feeds.failed(str(error), ask.of)
        return [] if stopped else rehearsed

    def _bare(self, asks: Sequence[Ask], known: Mapping[str, Answer]) -> list[tuple[Ask, str]]:
        """Merges that answered while another row was looked at closely: whose words they said has not been told."""
        if self.studio.borrows or self.studio.parents.streams:
            return []
        merges = [(ask, key) for ask, key, what in _each(asks) if ask.why is not None and isinstance(what, Recipe)]
        return [(ask, key) for ask, key in merges if key in known and not any(known[key].why)]

    def _alone(self, ask: Ask, go_on: Callable[[], bool], feeds: Feeds, words: Words | None = None) -> Iterator[Feed]:
        """Answers to one prompt; what is wrong with it is told there, and the others are asked all the same.

        words: of a call that is made for several prompts
        """
        try:
            yield from self._answer(ask, go_on, feeds, words)
        except Cancelled:
            raise
        except MergeError as error:
            if not go_on():
                raise
            yield feeds.failed(str(error), ask.of)

    def _known(self, asks: Sequence[Ask]) -> dict[str, Answer]:
        """Answers that are remembered, of the voice that is heard now. MergeError where a prompt is empty, or a model closed."""
        for ask in asks:
            if not ask.prompt.strip():
                raise MergeError("Write a prompt first: a question or a task for the models.")
            self._may(*ask.of.values())
            self.studio.renew(_opened(ask.of))
        self.bits = self._through(asks)
        known: dict[str, Answer] = {}
        for ask, key, what in _each(asks):
            heard = self._recalled(what, ask.said, ask.how, self.bits) if ask.kept else None
            if heard is not None:
                known[key] = heard
                self.heard_in[_name(what)] = heard.bits
        return known

    def _rehearse(self, what: "Recipe | str", prompt: str) -> str:
        """Render somebody's chat template before a place in the line is taken: one that is too much holds nobody up there.

        Gives what is to be told of it.
        """
        if isinstance(what, Recipe):
            plan, models = self.studio.plan(what), self.studio.parents.open(what, self.studio.access)
            folder = models[plan.tokens.origin if plan.tokens else plan.config_source].words
            template, origin = plan.chat_template or safe.chat_template(folder), whose_template(plan)
        else:
            folder = self.studio.parents.model(what, self.studio.access).words
            template, origin = safe.chat_template(folder), f"the chat template of {what}"
        if not template:
            return NO_TEMPLATE
        return FOLDED if asked_in(template, prompt, safe.named_tokens(folder), origin).folded else ""

    def _may(self, *asked: "Recipe | str") -> None:
        """CheckpointError where a recipe or a model must not be heard: what was said before is no more open than they are."""
        for what in asked:
            self.studio.access.check(*(what.opened if isinstance(what, Recipe) else (what,)))

    def _answer(self, ask: Ask, go_on: Callable[[], bool], feeds: Feeds, words: Words | None = None) -> Iterator[Feed]:
        """Answers of those who have not answered this prompt yet."""
        silent, prompt = ask.of, ask.said
        recipes = {k: what for k, what in silent.items() if isinstance(what, Recipe)}
        parents = {k: what for k, what in silent.items() if isinstance(what, str)}
        rounds = [{k: recipe} for k, recipe in recipes.items()] or [{}]  # one merged model: one recipe at a time
        for recipe in recipes.values():
            outlook = self.studio.outlook(recipe, parents.values(), prompt, ask.how.length)
            if outlook.kind == "streamed" and parents:
                yield feeds.failed(outlook.words, parents)
                parents = {}
            elif outlook.kind not in ("live", "streamed"):
                raise MergeError(f"{outlook.words} What the models would say cannot be heard here; the merge can be downloaded.")
            self.studio.parents.streams = outlook.kind == "streamed"
        for i, own in enumerate(rounds):
            asked = [*own, *(parents if i == 0 else ())]
            feeds.begin(asked)
            if not feeds.quick:
                yield feeds.flush()
            said: dict[str, list[Token]] = {k: [] for k in asked}
            others = {k: parents[k] for k in asked if k in parents}
            spoken = (
                self._through_llama(own, others, prompt, ask.how, go_on) if ask.bits
                else self._spoken(own, others, prompt, ask.how, go_on, words)
            )  # fmt: skip
            for word in spoken:
                if word is None:
                    yield feeds.loading(self.studio.second.filled)
                    continue
                self.studio.parents.check(_opened(silent))  # what is said of a file that lost its end is of no use
                if word.token is None:
                    who, bits = _name(silent[word.key]), self.studio.second.bits if ask.bits else 0
                    self.heard_in[who] = bits
                    if ask.kept:
                        self._remember(who, prompt, ask.how, Answer.plain(said[word.key], word.cut, bits), ask.bits)
                    feeds.finished(word.key, word.cut)
                else:
                    said[word.key].append(word.token)
                    feeds.add(word.key, word.token)
                if feeds.due:
                    yield feeds.flush()
            for key in own:
                if (
                    ask.why is not None and go_on() and not self.studio.borrows
                    and not ask.bits and not self.studio.parents.streams
                ):  # fmt: skip
                    known = self._recalled(own[key], prompt, ask.how)
                    self._tell(ask, key, known or Answer.plain(said[key]), feeds)
            if not go_on():
                return
            if feeds.due or ask.why is not None or not feeds.quick:
                yield feeds.flush()

    def _tell(self, ask: Ask, key: str, said: Answer, feeds: Feeds) -> None:
        """Whose words an answer of the merge is made of."""
        if ask.why is not None:
            heard = ask.why(said)
            self.studio.parents.check(_opened(ask.of))
            self._remember(_name(ask.of[key]), ask.said, ask.how, heard)
            feeds.replace(key, heard)

    def _spoken(
        self, own: Mapping[str, Recipe], parents: Mapping[str, str], prompt: str, manner: Manner, go_on: Callable[[], bool],
        words: Words | None = None,
    ) -> Iterator[Event]:  # fmt: skip
        """The words of at most one recipe's merge and of parents, as they come."""
        if not self.studio.borrows:
            yield from self.studio.voices.turns(
                {**own, **parents},
                prompt,
                limit=manner.length,
                sampling=manner.sampling,
                go_on=go_on,
                access=self.studio.access,
            )
            return
        keys = {"merge": next(iter(own))} if own else {}
        keys |= {reference: k for k, reference in parents.items()}
        alone = None if words is not None else self._lent([Ask(prompt, {**own, **parents}, how=manner)], go_on)
        with contextlib.closing(alone) if alone is not None else contextlib.nullcontext():
            for who, number, piece, probability, others in (words or partial(cast("Loan", alone).of, 0))():
                yield (
                    Event(keys[who], None, piece == CUT)
                    if number == ENDED
                    else Event(keys[who], Token(number, piece, probability, others))
                )

    def _through_llama(
        self, own: Mapping[str, Recipe], parents: Mapping[str, str], prompt: str, manner: Manner, go_on: Callable[[], bool]
    ) -> Iterator[Event | None]:
        """The same of those that do not fit in memory; None while they are loaded."""

        def speak(wanted: Callable[[], bool]) -> Iterator[Event]:
            return self.studio.second.turns(
                {**own, **parents}, prompt, limit=manner.length, sampling=manner.sampling, go_on=lambda: go_on() and wanted(),
                access=self.studio.access, seconds=math.inf,
            )  # fmt: skip

        with contextlib.closing(beside(speak, _BEAT, patient=True)) as words:
            yield from words

    def _lent(self, asks: Sequence[Ask], go_on: Callable[[], bool]) -> Loan:
        """One call for these prompts, to a process of its own."""
        call = self._call(asks)
        return Loan(lent(lambda: measured(on_loan(*call), call[0]), go_on))

    def _call(self, asks: Sequence[Ask]) -> tuple[Any, ...]:
        """What `gpu_tokens` is given for these prompts: only names of folders, the recipe's text and prompts go there."""
        recipe = next((own[0] for ask in asks if (own := _merges(ask))), None)
        parents = dict.fromkeys(what for ask in asks for what in ask.of.values() if isinstance(what, str))
        alone = {reference: self.studio.parents.model(reference, self.studio.access) for reference in parents}
        opened = {**self.studio.parents.open(recipe, self.studio.access), **alone} if recipe else alone
        text, how = dump(recipe) if recipe else "", asks[0].how.sampling
        who = [tuple("merge" if isinstance(what, Recipe) else what for what in ask.of.values()) for ask in asks]
        rows = tuple((ask.said, own, ask.how.length) for ask, own in zip(asks[1:], who[1:], strict=True))
        return (
            folders(opened), text, who[0], asks[0].said, asks[0].how.length, rows,
            how.temperature, how.seed, how.top_p, how.penalty, how.stops,
        )  # fmt: skip

    def _why(self, work: Workspace, prompt: str, heard: Answer) -> Answer:
        """For each token of the merge: the parent that would most surely have said it ("" where all would), and why."""
        ids = [t.id for t in heard.tokens]
        names = lanes.short_names([work.base, *work.chosen])
        asked = (work.base, *work.chosen)
        try:
            judged = self.studio.voices.within(
                lambda: {m: self.studio.voices.parent(m, self.studio.access).judges(prompt, ids) for m in asked}, asked,
                len(prompt) + len(ids), self.studio.access,
            )  # fmt: skip
        except OutOfMemory:
            return heard  # the answer stands, without whose words they are
        agree: list[str | None] = []
        why: list[str] = []
        for i in range(len(ids)):
            says = [m for m in work.chosen if judged[m][i].rank == 1]
            everybody = all(judged[m][i].rank == 1 for m in asked)
            agree.append("" if everybody else max(says, key=lambda m, i=i: judged[m][i].probability) if says else None)
            why.append(why_token({names[m]: opinions[i] for m, opinions in judged.items()}, names[work.base]))
        return replace(heard, agree=tuple(agree), why=tuple(why))

    def _recalled(self, what: "Recipe | str", prompt: str, manner: Manner, bits: int = 0) -> Answer | None:
        return self.studio.answered.get((_name(what), prompt, manner, bits))

    def _remember(self, name: str, prompt: str, manner: Manner, heard: Answer, bits: int = 0) -> None:
        self.studio.answered[name, prompt, manner, bits] = heard
        self.studio.answered.move_to_end((name, prompt, manner, bits))
        while (
            len(self.studio.answered) > 1
            and sum(KEY_TOKENS + len(one.tokens) for one in list(self.studio.answered.values())) > HEARD_TOKENS
        ):
            self.studio.answered.popitem(last=False)

    def heard(self, recipe: "Recipe | str", prompt: str, manner: Manner = GREEDY, bits: int = 0) -> str | None:
        """What the merge of a recipe, or a parent, answered, if it has answered this prompt to the end. bits: see `voice`."""
        answer = self.recalled(recipe, prompt, manner, bits)
        return None if answer is None else answer.text

    def recalled(self, what: "Recipe | str", prompt: str, manner: Manner = GREEDY, bits: int = 0) -> Answer | None:
        """The same, with how it was heard."""
        self._may(what)
        return self._recalled(what, prompt, manner, bits)


on_loan: Callable[..., Any] = gpu(seconds)(gpu_tokens)
"""Answers on a GPU that is lent for one call (ZeroGPU); on other machines the plain function."""


def _merges(ask: Ask) -> list[Recipe]:
    return [what for what in ask.of.values() if isinstance(what, Recipe)]


def _alike(asks: Sequence[Ask]) -> bool:
    """Whether they have one recipe or none between them, and one manner but for the length."""
    recipes = [own for ask in asks for own in _merges(ask)]
    return all(own == recipes[0] for own in recipes) and len({replace(ask.how, length=0) for ask in asks}) == 1


def _opened(asked: "Mapping[str, Recipe | str]") -> set[str]:
    """The models that are open when these are asked."""
    return {r for what in asked.values() for r in ((what,) if isinstance(what, str) else what.opened)}


def _each(asks: Sequence[Ask]) -> "Iterator[tuple[Ask, str, Recipe | str]]":
    return ((ask, key, what) for ask in asks for key, what in ask.of.items())


def _one_at_a_time(asks: Sequence[Ask], bits: int) -> list[Ask]:
    """The same, each of one speaker, all of one speaker together: loading another takes its time."""
    who = list(dict.fromkeys(_name(what) for _, _, what in _each(asks)))
    alone = [(who.index(_name(what)), replace(ask, of={key: what}, bits=bits)) for ask, key, what in _each(asks)]
    return [ask for _, ask in sorted(alone, key=lambda one: one[0])]


def _name(what: "Recipe | str") -> str:
    """What an answer is remembered by: a digest of the recipe's text, a parent's reference."""
    return what if isinstance(what, str) else hashlib.sha256(dump(what).encode()).hexdigest()


def _asked_in(kind: str, said: bool) -> str:
    """The chip that names the template. One of a model's own is worth a word only where the others have another."""
    return f"asked in {kind}" if kind and (said or not kind.startswith("a ")) else ""
