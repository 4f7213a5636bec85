"""Merges that do not fit in memory, heard through llama.cpp: the runner that the page, programs and judging ask."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from merger.chat.batch import interleave
from merger.chat.model import Event
from merger.chat.sampling import Sampling
from merger.engine.batch import Step
from merger.engine.budget import TEXT, need, page_room
from merger.engine.companions import tokenizer_folder
from merger.engine.plan import Plan, make_plan
from merger.engine.session import Parents
from merger.errors import MergeError
from merger.files.checkpoints import Checkpoint, format_bytes
from merger.gguf import process
from merger.hub.access import Access
from merger.methods import METHODS
from merger.recipe import Entry, Recipe
from merger.search.trials import Runner, whose_template
from merger.voice import library
from merger.voice.check import checked
from merger.voice.session import GgufSession, Takes, filling, fitting
from merger.voice.voice import LlamaForward, LlamaVoice, llama_voice


class LlamaRunner(Runner):
    """One loaded model that takes the form of any recipe, and of any parent: who is asked in turn costs a filling each.

    kind, threads, mapped  see GgufSession
    progress               hears how far a filling is
    """

    def __init__(
        self, parents: Parents, kind: str = "", *, threads: int = 1, mapped: bool = False,
        progress: Callable[[Step], None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parents)
        self.gguf = GgufSession(parents, kind, threads=threads, mapped=mapped)
        self.progress = progress
        self.filled = 1.0
        """How much of the merge that is put in is there."""
        self.bits = 16
        """Of a weight of whoever answered last."""
        self.checked = ""
        """What was found out of the model that is loaded, as `check.checked` has it."""
        self._voice: tuple[int, object, LlamaVoice] | None = None
        self._copies: dict[str, Recipe] = {}

    def merged(self, recipe: Recipe, go_on: Callable[[], bool] = lambda: True, access: Access | None = None) -> LlamaVoice:
        """The merged model, ready to answer. MergeError where llama.cpp cannot speak for it, or says something else."""
        session = self.gguf
        with session.lock:
            self.checked = checked(session, recipe, access, go_on)
            session.apply(recipe, progress=self._told, cancelled=lambda: not go_on(), access=access)
            plan, loaded = session.plan, session.loaded
            assert plan is not None and loaded is not None
            words = (plan.config_source, plan.tokens, plan.chat_template)
            forward = LlamaForward(
                lambda: session.holding(recipe, access, lambda: not (forward.go_on or go_on)()), session.lock, loaded.words,
                loaded.length,
            )  # fmt: skip
            if self._voice is None or self._voice[:2] != (session.generation, words):
                with tokenizer_folder(plan, self.parents.open(recipe, access)) as folder:
                    voice = llama_voice(folder, plan.config, forward, session.bits, whose_template(plan))
                self._voice = (session.generation, words, voice)
            return replace(self._voice[2], forward=forward, bits=session.bits)

    def _told(self, step: Step) -> None:
        self.filled = step.nbytes / max(1, step.of_nbytes)
        if self.progress is not None:
            self.progress(step)

    def parent(self, reference: str, access: Access | None = None, go_on: Callable[[], bool] = lambda: True) -> LlamaVoice:
        """One of the models that are merged, as it is: a recipe that copies it."""
        if reference not in self._copies:
            self._copies[reference] = copy_of(reference)
        return self.merged(self._copies[reference], go_on, access)

    def close(self, reference: str) -> None:
        """Let go of a model, and of what is loaded if it was made of it."""
        self._copies.pop(reference, None)
        if self.gguf.recipe is not None and reference in self.gguf.recipe.opened:
            self.release()

    def release(self) -> None:
        """Let go of the loaded model."""
        with self.gguf.lock:  # who has just been given it says so meanwhile
            self._voice = None
            self.gguf.release()

    def _turns(
        self, asked: Mapping[str, Recipe | str], prompt: str, limit: int, sampling: Sampling,
        go_on: Callable[[], bool], access: Access | None, seconds: float,
    ) -> Iterator[Event]:  # fmt: skip
        """One after the other: each takes the place of the one before."""
        for key, what in asked.items():
            if not go_on():
                return
            voice = self.merged(what, go_on, access) if isinstance(what, Recipe) else self.parent(what, access)
            self.bits = voice.bits
            with voice.llama.heeding(go_on):
                yield from interleave({key: voice}, prompt, limit=limit, sampling=sampling, go_on=go_on, seconds=seconds)


class Guest(Runner):
    """Long work on a loaded model that others ask as well: it gives way between its pieces, never while a merge is put in.

    Whoever waited there for others to be answered would hold what they wait for. stopped: asked while a merge is put in.
    """

    def __init__(self, host: LlamaRunner) -> None:
        super().__init__(host.parents)
        self.host = host
        self.stopped: Callable[[], bool] = lambda: False

    def merged(self, recipe: Recipe, go_on: Callable[[], bool] = lambda: True, access: Access | None = None) -> LlamaVoice:
        """As of the host."""
        return self.host.merged(recipe, lambda: not self.stopped(), access)

    def parent(self, reference: str, access: Access | None = None) -> LlamaVoice:
        """As of the host."""
        return self.host.parent(reference, access, lambda: not self.stopped())


def copy_of(reference: str) -> Recipe:
    """The recipe whose merge is a model as it is."""
    return Recipe(next(method.name for method in METHODS.values() if method.law.copies), models=(Entry(reference),))


class Way(NamedTuple):
    """How a merge that does not fit can be heard all the same. words: why, and what it takes, for people."""

    takes: Takes
    words: str


def other_way(plan: Plan, models: Mapping[str, Checkpoint], room: int | None, tokens: int = TEXT) -> Way:
    """Through llama.cpp, with the parents on the disk. MergeError where it is not here, or where not even that fits."""
    if why := library.missing() or process.missing():
        raise MergeError(why)
    found = fitting(plan, models, room, tokens)
    return Way(
        found,
        f"heard in {found.bits} bits through llama.cpp, with {format_bytes(found.total)} of memory; its models "
        f"({format_bytes(found.parents)}) stay on the disk. The first answer takes about {_long(filling(plan, models))}, and so "
        "does going on to another of these models: one is loaded at a time",
    )


def _long(seconds: float) -> str:
    """
    >>> _long(12.3), _long(200)
    ('12 seconds', '3 minutes')
    """
    return f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"


def runner_for(
    parents: Parents, recipe: Recipe, voice: str, threads: int = 1, tell: Callable[[str], None] = lambda words: None
) -> Runner:
    """Who speaks for a recipe. voice: "model" in memory, "llama", or "auto": the first where it fits, else the second.

    tell  hears why it is the second, and how far it is
    """
    if voice == "model":
        return Runner(parents)
    models = parents.open(recipe)
    plan = make_plan(recipe, models)
    what, room = need(plan, models, parents.device), page_room()
    if voice == "auto" and (parents.speaks.type != "cpu" or room is None or what.total <= room):
        return Runner(parents)
    try:
        way = other_way(plan, models, room)
    except MergeError:
        if voice == "auto":  # as before there was another: what it says tells how much is lacking
            return Runner(parents)
        raise
    tell(f"{recipe.name or 'the merge'}: {way.words}.")
    return LlamaRunner(parents, threads=threads, progress=Quarters(tell))


class Quarters:
    """Tells of a long filling at each quarter."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._last = tell, 0

    def __call__(self, step: Step) -> None:
        quarter = 4 * step.nbytes // max(1, step.of_nbytes)
        if step.tensors == 1:
            self._last = 0
        if step.of_nbytes > _TOLD and quarter > self._last:
            self._last = quarter
            self._tell(f"{25 * quarter} % of the merge is loaded")


_TOLD = 200_000_000
"""Bytes from which a filling is told of."""

__all__ = ["Guest", "LlamaRunner", "Quarters", "Way", "copy_of", "other_way", "runner_for"]
