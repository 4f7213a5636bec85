"""The merge of a recipe's file as it is now, and the models it is made of: who answers, and what with. For one thread."""

import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from merger.chat.forward import NO_NUMBERS
from merger.chat.model import ChatModel, TokenIds
from merger.errors import Cancelled, MergeError, nearest
from merger.inside import inside
from merger.recipe import Recipe
from merger.regular import look
from merger.search.trials import Runner, alone
from merger.serve.wanted import Refused, Wanted

log = logging.getLogger(__name__)

_LEAST = -9999.0
"""log P of what has no probability at all: JSON has no infinity."""
_ROWS = 256
"""Tokens of a prompt whose log P are computed at once: of a large vocabulary each takes a megabyte."""


@dataclass(frozen=True)
class Chance:
    """A token with its log P, and the likeliest at its place. logprob None: the first of a text, which nothing comes before."""

    text: str
    logprob: float | None
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Begun:
    """Somebody answers. recipe: what tells a recipe from others; warning: why the file's is not the one that is heard; or ""."""

    model: str
    recipe: str
    warning: str
    prompt_tokens: int


@dataclass(frozen=True)
class Piece:
    """A piece of the answer to the prompt `index`, and its tokens where they are wanted."""

    index: int
    text: str
    chances: tuple[Chance, ...] = ()


@dataclass(frozen=True)
class Done:
    """The end of the answer to the prompt `index`: "stop" where the model ended it, "length" where it was cut; its tokens."""

    index: int
    why: str
    tokens: int


Said = Begun | Piece | Done


class Voices:
    """Who can be asked: the merge by the name of its file, its parents by theirs.

    file   the recipe; read again by `read` when it has changed, where watch is true
    tell   hears in words what became of that
    frank  whether those who ask hear it too, with the names of folders that it may hold
    """

    def __init__(
        self, file: Path, read: Callable[[], Recipe], runner: Runner, watch: bool = True, tell: Callable[[str], None] = log.info,
        frank: bool = True,
    ) -> None:  # fmt: skip
        self.file = inside(file.expanduser())
        self.name = file.stem
        self.warning = ""
        """Why the file as it is now is not what is heard."""
        self._read, self._runner, self._watch, self._tell, self._frank = read, runner, watch, tell, frank
        self._seen = look(self.file)
        self.recipe = read()
        self._runner.merged(self.recipe)
        self.names = self._named()

    @property
    def stale(self) -> bool:
        """Whether the file was written to since it was read."""
        return self._watch and look(self.file) != self._seen

    @property
    def fingerprint(self) -> str:
        """What tells the recipe that is heard from others."""
        return f"recipe-{self.recipe.digest}"

    def refresh(self) -> None:
        """Hear the file as it is now. One that cannot be merged is told, and the last good one stays."""
        if not self.stale:
            return
        self._seen = look(self.file)
        try:
            recipe = self._read()
            self._runner.merged(recipe)
        except MergeError as error:
            last = "The recipe in use is the last good one; the file as it is now"
            self.warning = f"{last}: {error}" if self._frank else f"{last} cannot be merged."
            self._tell(f"{last}: {error}")
            return
        if self.warning or recipe != self.recipe:
            self._tell(f"{self.file.name} has changed: the next answer is that of the new recipe.")
        self.recipe, self.warning = recipe, ""
        self.names = self._named()

    def _named(self) -> Mapping[str, str | None]:
        """Everybody's reference by a name that says no folder where it need not; None: the merge."""
        named: dict[str, str | None] = {self.name: None}
        for reference in alone(self.recipe):
            short = reference if re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", reference) else re.split(r"[/\\]", reference)[-1]
            named[short if short and short not in named else reference] = reference
        return named

    def answer(self, wanted: Wanted, go_on: Callable[[], bool]) -> Iterator[Said]:
        """The answers to a request. MergeError where there is none; Cancelled where go_on has said no."""
        self.refresh()
        name = wanted.model or self.name
        if name not in self.names:
            known = ", ".join(self.names)
            raise Refused(f"{name[:200]!r} is no model here; there are {known}.{nearest(name, self.names)}", "model", 404,
                          "model_not_found")  # fmt: skip
        reference = self.names[name]
        what = self.recipe if reference is None else reference
        voice = self._runner.parent(what) if isinstance(what, str) else self._runner.merged(what, go_on)
        given = [voice.encode(prompt) for prompt in wanted.prompts]
        if not all(given):
            raise Refused("the prompt is empty: write at least one token.", "messages" if wanted.chat else "prompt")
        yield Begun(name, self.fingerprint, self.warning, sum(map(len, given)))
        for i, (prompt, ids) in enumerate(zip(wanted.prompts, given, strict=True)):
            yield from self._one(i, prompt, ids, what, voice, wanted, go_on)

    def _one(
        self, index: int, prompt: str, ids: list[int], what: Recipe | str, voice: ChatModel, wanted: Wanted,
        go_on: Callable[[], bool],
    ) -> Iterator[Said]:  # fmt: skip
        """One answer. After an echo the end is listed where nothing else follows: harnesses count on a token there."""
        end: Chance | None = None
        if wanted.echo:
            chances: tuple[Chance, ...] = ()
            if wanted.logprobs:
                *known, end = self._runner.within(lambda: scored(voice, ids, wanted.top), [what], len(ids))
                chances = tuple(known)
            text = "".join(map(voice.piece, ids)) if isinstance(prompt, TokenIds) else str(prompt)
            yield Piece(index, text, chances)
        if wanted.limit == 0:
            yield Done(index, "length", 0)
            return
        said = self._runner.turns(
            {"": what}, prompt, limit=wanted.limit, sampling=wanted.sampling, go_on=go_on, seconds=math.inf
        )  # fmt: skip
        for count, event in enumerate(said):
            if event.token is None:
                if end is not None and not count:
                    yield Piece(index, "", (end,))
                yield Done(index, "length" if event.cut else "stop", count)
                return
            token, chances = event.token, ()
            if wanted.logprobs:
                own = voice.piece(token.id)
                likeliest = sorted([(own, token.probability), *token.others], key=lambda each: -each[1])[: wanted.top]
                chances = (Chance(own, logarithm(token.probability), tuple((t, logarithm(p)) for t, p in likeliest)),)
            yield Piece(index, token.text, chances)
        raise Cancelled("the answer was stopped.")


def logarithm(probability: float) -> float:
    """log P of a probability."""
    return max(math.log(probability), _LEAST) if probability > 0 else _LEAST


@torch.inference_mode()
def scored(voice: ChatModel, ids: list[int], top: int) -> list[Chance]:
    """log P of each token of a text after those before it, and last that of the likeliest token behind it."""
    voice.bound.refresh()
    with voice.forward.lock:
        logits = voice.forward.whole(ids, len(ids))
    wanted = [*ids[1:], int(logits[-1].argmax())]
    made = [Chance(voice.piece(ids[0]), None)]
    for start in range(0, len(wanted), _ROWS):
        rows = logits[start : start + _ROWS].float().cpu().log_softmax(-1)
        if not bool(torch.isfinite(rows.amax(-1)).all()):
            raise MergeError(NO_NUMBERS)
        best = rows.topk(min(top, rows.shape[-1]))
        for row, token, values, places in zip(
            rows, wanted[start : start + _ROWS], best.values.tolist(), best.indices.tolist(), strict=True
        ):
            likeliest = tuple((voice.piece(i), max(v, _LEAST)) for i, v in zip(places, values, strict=True))
            made.append(Chance(voice.piece(token), max(float(row[token]), _LEAST), likeliest))
    made[-1] = Chance("", made[-1].logprob, made[-1].top)
    return made


__all__ = ["Begun", "Chance", "Done", "Piece", "Said", "Voices", "logarithm", "scored"]
