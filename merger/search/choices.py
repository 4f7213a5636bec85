"""Choices: questions whose right answer must be the likeliest of several, by the sum of its tokens' log P. Nothing is generated.

asked = choices(model, [Question("plural of baby", "babies", "choice", "plurals", ("babies", "babys"))])
heard(model, asked)       # log P of each choice of each question
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from merger.chat.model import ChatModel, Plain
from merger.search.likelihood import Example, examples, floats, logprobs
from merger.search.questions import Question


@dataclass(frozen=True)
class Choice(Example):
    """A prompt with several answers as token ids, of which `wanted` is right. all: each of them; at: where the right one is."""

    ends: bool = False
    all: tuple[tuple[int, ...], ...] = ()
    at: int = 0

    @property
    def each(self) -> tuple[Example, ...]:
        """Every choice as an example of its own, in their order."""
        return tuple(Example(self.asked, ids, False) for ids in self.all)

    def right(self, likely: Sequence[float]) -> bool:
        """Whether the right one is the likeliest; of equals the first is, as lm-eval has it. likely: log P of each choice."""
        return likely.index(max(likely)) == self.at

    def shares(self, likely: Sequence[float]) -> list[float]:
        """Each choice's probability where the answer is one of them."""
        return floats(torch.tensor(likely, dtype=torch.float64).softmax(0))

    def loss(self, likely: Sequence[float]) -> float:
        """-log P of the right one where the answer is one of them, in nats."""
        return -float(torch.tensor(likely, dtype=torch.float64).log_softmax(0)[self.at])


def choices(model: ChatModel, questions: Sequence[Question], plain: bool = False) -> list[Choice]:
    """Questions with choices in a model's tokens. plain: as texts to go on with, without a chat template."""
    prompts = [Plain(q.prompt) if plain else q.prompt for q in questions for _ in q.choices]
    texts = [choice for q in questions for choice in q.choices]
    each = iter(examples(model, prompts, texts, ends=False, blank=" " if plain else None) if questions else ())
    found: list[Choice] = []
    for q in questions:
        own, at = [next(each) for _ in q.choices], q.choices.index(q.answer)
        found.append(Choice(own[at].asked, own[at].wanted, False, tuple(one.wanted for one in own), at))
    return found


@torch.no_grad()
def heard(model: ChatModel, asked: Sequence[Choice], go_on: Callable[[], bool] = lambda: True) -> list[list[float]]:
    """log P of each choice of each question, in nats."""
    found = iter(floats(logprobs(model, [each for one in asked for each in one.each], go_on=go_on)))
    return [[next(found) for _ in one.all] for one in asked]


__all__ = ["Choice", "choices", "heard"]
