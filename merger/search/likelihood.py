"""How likely a model takes an answer to be: all tokens of a wanted answer in one pass, nothing generated.

answer_logprobs(model, ["plural of box"], ["boxes"])   # log P of the whole answer and of its end
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from merger.chat.forward import NO_NUMBERS, Work
from merger.chat.model import ChatModel, Plain
from merger.errors import Cancelled, MergeError, out_of_memory
from merger.kernels.devices import out_of_memory as device_full
from merger.tokenizer import safe

END = -1
"""Among wanted tokens: any token that ends an answer."""
_TRIED = 4
"""Answers from which it is told whether a model begins its own with a blank."""


@dataclass(frozen=True)
class Example:
    """A prompt and the answer that is wanted, as token ids. ends: that it ends there is wanted too."""

    asked: tuple[int, ...]
    wanted: tuple[int, ...]
    ends: bool = True

    @property
    def tokens(self) -> tuple[int, ...]:
        """What is wanted, token by token; END for its end."""
        return (*self.wanted, END) if self.ends else self.wanted


@dataclass(frozen=True)
class Pass:
    """What a model says at the wanted tokens of some examples.

    places  which examples, by their place in the list that was given
    rows    (tokens,) for each wanted token, which of `places` it belongs to
    wanted  (tokens,) token ids, or END
    logits  (tokens, vocabulary), float32
    stops   (stops,) the tokens that end an answer
    """

    places: tuple[int, ...]
    rows: Tensor
    wanted: Tensor
    logits: Tensor
    stops: Tensor

    def logprobs(self) -> Tensor:
        """log P of each wanted token, (tokens,); of an end: that of all tokens which end an answer, together."""
        chances = self.logits.log_softmax(-1)
        own = chances.gather(-1, self.wanted.clamp_min(0)[:, None])[:, 0]
        ends = self.wanted == END
        if not bool(ends.any()):
            return own
        return torch.where(ends, chances[:, self.stops].logsumexp(-1), own)

    def best(self) -> Tensor:
        """The likeliest tokens, (tokens,)."""
        return self.logits.argmax(-1)

    def hits(self) -> Tensor:
        """Whether the likeliest token is the wanted one, (tokens,) bool."""
        best = self.best()
        return torch.where(self.wanted == END, torch.isin(best, self.stops), best == self.wanted)

    def each(self, values: Tensor) -> Tensor:
        """Sums of (tokens,) by example, (len(places),)."""
        return torch.zeros(len(self.places), device=values.device, dtype=values.dtype).index_add(0, self.rows, values)


def floats(values: Tensor) -> list[float]:
    """The numbers of (n,) as Python has them."""
    found: Any = values
    return [float(value) for value in found.tolist()]


def integers(values: Tensor) -> list[int]:
    """The whole numbers, or truths, of (n,) as Python has them."""
    found: Any = values
    return [int(value) for value in found.tolist()]


def examples(
    model: ChatModel,
    prompts: Sequence[str],
    answers: Sequence[str | Sequence[int]],
    *,
    ends: bool = True,
    blank: str | None = None,
) -> list[Example]:
    """Prompts, each with a wanted answer: a text, or the ids that a model said.

    blank  what stands before an answer's text; None: a blank where this model's answers begin with one
    MergeError where a prompt and its answer are longer than the model reads.
    """
    if blank is None:
        texts = [(p, a) for p, a in zip(prompts, answers, strict=True) if isinstance(a, str)]
        blank = lead(model, [p for p, _ in texts[:_TRIED]], [a for _, a in texts[:_TRIED]])
    return [_example(model, p, blank + a if isinstance(a, str) else a, ends) for p, a in zip(prompts, answers, strict=True)]


def _example(model: ChatModel, prompt: str, answer: str | Sequence[int], ends: bool) -> Example:
    asked = model.encode(prompt)
    wanted = _following(model, prompt, answer, asked) if isinstance(answer, str) else answer
    if len(asked) + len(wanted) > model.length:
        raise MergeError(
            f"a prompt and its answer are {len(asked) + len(wanted)} tokens long; this model reads at most {model.length}: "
            f"{prompt[:40]!r}."
        )
    return Example(tuple(asked), tuple(wanted), ends and bool(model.stops))


def _following(model: ChatModel, prompt: str, answer: str, asked: list[int]) -> list[int]:
    """An answer's token ids: in a text to go on with, those that it has there; after a chat template its own."""
    if isinstance(prompt, Plain) and (whole := model.encode(Plain(prompt + answer)))[: len(asked)] == asked:
        return whole[len(asked) :]
    return model.plain(answer)


@torch.no_grad()
def lead(model: ChatModel, prompts: Sequence[str], answers: Sequence[str]) -> str:
    """A blank where the model takes these answers to be likelier behind one, else nothing: chat templates differ there."""
    if not prompts or all(model.plain(f" {a}") == model.plain(a) for a in answers):
        return ""
    plain, led = (
        logprobs(model, [_example(model, p, before + a, True) for p, a in zip(prompts, answers, strict=True)]).sum()
        for before in ("", " ")
    )
    return " " if bool(led > plain) else ""


def answer_logprobs(
    model: ChatModel, prompts: Sequence[str], answers: Sequence[str | Sequence[int]], *, ends: bool = True
) -> Tensor:
    """log P of each whole answer and, where `ends`, of its end, in nats, (answers,); gradients reach the parameters."""
    return logprobs(model, examples(model, prompts, answers, ends=ends))


def logprobs(model: ChatModel, asked: Sequence[Example], *, go_on: Callable[[], bool] = lambda: True) -> Tensor:
    """log P of each example's answer, in nats, (examples,)."""
    found = torch.zeros(len(asked), device=model.forward.device)
    for one in passes(model, asked, go_on=go_on):
        found = found.index_add(0, torch.tensor(one.places, device=found.device), one.each(one.logprobs()))
    return found


def passes(
    model: ChatModel, asked: Sequence[Example], batch: int = 16, *, go_on: Callable[[], bool] = lambda: True
) -> Iterator[Pass]:
    """What the model says at every wanted token, some examples at a time, those of like length together.

    Cancelled when `go_on`, asked before every pass, says no; MergeError where the model computes no numbers.
    """
    model.bound.refresh()
    batch = batch if model.probed.masks else 1
    size = model.forward.words
    device = model.forward.device
    stops = torch.tensor(sorted(i for i in model.stops if 0 <= i < size), device=device, dtype=torch.long)
    order = sorted((i for i, one in enumerate(asked) if one.tokens), key=lambda i: (_length(asked[i]), len(asked[i].asked)))
    works: list[Work[Pass]] = []
    while order:
        some = [order.pop()]  # the longest first: what is too much for the memory is so at once
        while order and len(some) < batch and _values(asked, [*some, order[-1]], size) <= model.forward.at_once:
            some.append(order.pop())
        works.append(Work(partial(_pass, model, asked, some, stops), len(some) * _length(asked[some[0]])))

    def check() -> None:
        if not go_on():
            raise Cancelled("stopped before all answers were judged.")

    for _, found in model.forward.each(works, check):
        yield found


def _length(one: Example) -> int:
    """Tokens that are read for it: what would be said after the last is not."""
    return len(one.asked) + len(one.tokens) - 1


def _values(asked: Sequence[Example], some: Sequence[int], size: int) -> int:
    return len(some) * _kept(asked, some)[1] * size


def _kept(asked: Sequence[Example], some: Sequence[int]) -> tuple[int, int]:
    """How many tokens are read, and after how many of them, from the end, what is said is wanted."""
    width = max(_length(asked[i]) for i in some)
    return width, width - min(len(asked[i].asked) for i in some) + 1


def _pass(model: ChatModel, asked: Sequence[Example], some: Sequence[int], stops: Tensor) -> Pass:
    """One pass."""
    width, kept = _kept(asked, some)
    device = model.forward.device
    texts = [(*asked[i].asked, *asked[i].wanted)[: _length(asked[i])] for i in some]
    try:
        with model.forward.lock:
            logits = model.forward.many(texts, kept)
    except MergeError:
        raise
    except Exception as error:  # whatever a kind of model does at such a text
        if out_of_memory(error) or device_full(error):
            raise
        raise MergeError(f"transformers cannot compute this model's answer: {safe.first_line(error)}") from None
    rows = torch.tensor([row for row, i in enumerate(some) for _ in asked[i].tokens], device=device)
    first = width - kept
    columns = [len(asked[i].asked) - 1 - first + j for i in some for j in range(len(asked[i].tokens))]
    taken = logits[rows, torch.tensor(columns, device=device)].float()
    if not bool(torch.isfinite(taken.detach().amax(-1)).all()):
        raise MergeError(NO_NUMBERS)
    return Pass(tuple(some), rows, torch.tensor([t for i in some for t in asked[i].tokens], device=device), taken, stops)


__all__ = ["END", "Example", "Pass", "answer_logprobs", "examples", "floats", "integers", "lead", "logprobs", "passes"]
