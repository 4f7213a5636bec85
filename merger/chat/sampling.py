"""How the next token is chosen from what a model says, and where an answer ends before the model ends it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from merger.chat.model import Token

_TAIL = 40
"""As many characters at the end of a text must say the same again and again for it to count as repeating itself."""
_PERIOD = 240
"""The longest passage that is looked for, in characters."""


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen, in the order of transformers' generate: the penalty, the temperature, then top-p.

    temperature  0: always the likeliest; else at random, the same for the same seed
    top_p        only the likeliest tokens that have this share of the probability together
    penalty      above 1: what stands in the text already, prompt included, is less likely again (CTRL's repetition penalty)
    stops        words at which an answer ends, before them
    """

    temperature: float = 0.0
    seed: int = 0
    top_p: float = 1.0
    penalty: float = 1.0
    stops: tuple[str, ...] = ()

    @property
    def greedy(self) -> bool:
        """Whether it is always the likeliest token of the model itself."""
        return self.temperature == 0 and self.penalty == 1

    def chooser(self, given: Sequence[int]) -> "Chooser":
        """What chooses an answer's tokens after a prompt's."""
        return Chooser(self, given)


GREEDY = Sampling()


class Chooser:
    """Chooses one answer's tokens, one after another. given: the prompt's tokens."""

    def __init__(self, sampling: Sampling, given: Sequence[int]) -> None:
        self._how = sampling
        self._chance = torch.Generator().manual_seed(sampling.seed) if sampling.temperature > 0 else None
        self._there = set(given)

    def __call__(self, logits: Tensor) -> int:
        """The next token, from the model's logits (vocabulary,) in float32 on the CPU."""
        how = self._how
        if how.penalty != 1 and self._there:
            there = torch.tensor(sorted(self._there))
            said = logits[there]
            logits = logits.index_put((there,), torch.where(said < 0, said * how.penalty, said / how.penalty))
        if self._chance is None:
            chosen = int(logits.argmax())  # the first of equals, as transformers
        else:
            chances = _nucleus(logits / how.temperature, how.top_p).softmax(-1)
            chosen = int(torch.multinomial(chances, 1, generator=self._chance))
        self._there.add(chosen)
        return chosen


def _nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Logits without the tokens beyond the likeliest ones that have this share together; the likeliest always stays."""
    if top_p >= 1:
        return logits
    rising, order = logits.sort()
    beyond = rising.softmax(-1).cumsum(-1) <= 1 - top_p
    beyond[-1] = False
    return logits.index_fill(0, order[beyond], -torch.inf)


class Until:
    """Lets tokens through as soon as no stop word can begin in them any more, also one that reaches over several tokens."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = [word for word in words if word]
        self._held: list[Token] = []
        self.ended = False
        """Whether a stop word was said: nothing after it counts."""

    def take(self, token: "Token") -> list["Token"]:
        """The tokens that are certain now that this one was said."""
        if not self._words:
            return [token]
        self._held.append(token)
        text = "".join(one.text for one in self._held)
        found = [at for word in self._words if (at := text.find(word)) >= 0]
        if found:
            self.ended = True
            return self._until(min(found))
        return self._release(len(text) - _begun(text, self._words))

    def rest(self) -> list["Token"]:
        """What was held back, where the answer has come to its end without a stop word."""
        held, self._held = self._held, []
        return held

    def _release(self, sure: int) -> list["Token"]:
        """The held tokens that end within so many characters."""
        at, count = 0, 0
        for one in self._held:
            at += len(one.text)
            if at > sure:
                break
            count += 1
        gone, self._held = self._held[:count], self._held[count:]
        return gone

    def _until(self, end: int) -> list["Token"]:
        """The held tokens up to a character; one that reaches beyond it is cut."""
        kept: list[Token] = []
        for one in self.rest():
            if end <= 0:
                break
            kept.append(one if len(one.text) <= end else replace(one, text=one.text[:end]))
            end -= len(one.text)
        return kept


def _begun(text: str, words: Sequence[str]) -> int:
    """How many characters at a text's end are the longest beginning of one of the words."""
    longest = max(len(word) for word in words) - 1
    for size in range(min(longest, len(text)), 0, -1):
        if any(len(word) > size and text.endswith(word[:size]) for word in words):
            return size
    return 0


def cut_at(text: str, words: Sequence[str]) -> str:
    """A text up to the first of some stop words.

    >>> cut_at("one two three", ["three", "two"])
    'one '
    """
    found = [at for word in words if word and (at := text.find(word)) >= 0]
    return text[: min(found)] if found else text


def repeats(text: str) -> bool:
    """Whether a text ends by saying the same passage at least three times, over 40 characters or more.

    >>> repeats("the sea and the sea and the sea and the sea and the sea"), repeats("ha ha ha")
    (True, False)
    """
    text = text.strip()
    for period in range(1, min(_PERIOD, len(text) // 3) + 1):
        wanted = max(3 * period, _TAIL)
        if len(text) >= wanted and all(text[-i] == text[-i - period] for i in range(1, wanted - period + 1)):
            return True
    return False


__all__ = ["GREEDY", "Chooser", "Sampling", "Until", "cut_at", "repeats"]
