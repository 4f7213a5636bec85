"""Answers of one model to many prompts at once, and of many models to one prompt in turn."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch

from merger.chat.forward import NO_NUMBERS
from merger.chat.model import ChatModel, Event, reading
from merger.errors import Cancelled, MergeError


@torch.inference_mode()
def generate_batch(
    model: ChatModel, prompts: Sequence[str], limit: int = 24, batch: int = 16, *, go_on: Callable[[], bool] = lambda: True
) -> list[str]:
    """Greedy answers to many prompts, in their order, of at most `limit` tokens, computed `batch` at a time.

    Prompts of like length go together, padded on the left; a row that has come to its end is computed no further. In half
    precision an answer can leave the one of `tokens` where two words are nearly even. Cancelled when `go_on`, asked before
    every forward pass, says no; MergeError when a prompt is too long or the model computes no numbers.
    """
    said = answer_ids(model, prompts, limit, batch, go_on=go_on)
    with reading():
        texts = model.tokenizer.batch_decode(said, skip_special_tokens=True)
    return [text.rstrip("\ufffd") for text in texts]


@torch.inference_mode()
def answer_ids(
    model: ChatModel, prompts: Sequence[str], limit: int = 24, batch: int = 16, *, go_on: Callable[[], bool] = lambda: True
) -> list[list[int]]:
    """The token ids of `generate_batch`'s answers, without the tokens that end them."""
    if prompts and not model.probed.masks:
        return [_alone(model, prompt, limit, go_on) for prompt in prompts]
    asked = [model.encode(prompt) for prompt in prompts]
    order = sorted(range(len(asked)), key=lambda i: len(asked[i]))
    answers: list[list[int]] = [[] for _ in asked]
    for start in range(0, len(order), batch):
        some = order[start : start + batch]
        for i, said in zip(some, _batch(model, [asked[i] for i in some], limit, go_on), strict=True):
            answers[i] = said
    return answers


def _alone(model: ChatModel, prompt: str, limit: int, go_on: Callable[[], bool]) -> list[int]:
    """answer_ids for one prompt, of a model for which padding cannot be masked."""
    said: list[int] = []
    for token in model.tokens(prompt, limit):
        said.append(token.id)
        _ask(go_on)
    return said


def _ask(go_on: Callable[[], bool]) -> None:
    if not go_on():
        raise Cancelled("stopped before all prompts were answered.")


def _batch(model: ChatModel, asked: Sequence[list[int]], limit: int, go_on: Callable[[], bool]) -> list[list[int]]:
    """The greedy tokens, without stop tokens, that follow each of some texts."""
    model.bound.refresh()
    longest = max(len(ids) for ids in asked)
    fresh, real, extra = model.forward.padded(asked, longest)
    places = extra.get("position_ids", real)
    stops = torch.tensor(sorted(model.stops), device=model.forward.device, dtype=torch.long)
    said: list[list[int]] = [[] for _ in asked]
    rows, cache = list(range(len(asked))), None
    for _ in range(min(limit, model.length - longest)):
        _ask(go_on)
        extra |= {"position_ids": places} if "position_ids" in extra else {}
        out = model.module(
            input_ids=fresh, attention_mask=real, use_cache=True, **{model.forward.keeps: cache}, **extra
        )  # fmt: skip
        logits, cache = out.logits[:, -1], getattr(out, model.forward.keeps)
        if not bool(torch.isfinite(logits).all()):
            raise MergeError(NO_NUMBERS)
        chosen = logits.argmax(-1)
        going = ~torch.isin(chosen, stops)
        left = going.nonzero()[:, 0]
        if not len(left):
            break
        if len(left) < len(rows):
            cache.batch_select_indices(left)
            rows, chosen, real, places = [rows[i] for i in left.tolist()], chosen[left], real[left], places[left]
        for row, token in zip(rows, chosen.tolist(), strict=True):
            said[row].append(token)
        fresh, places = chosen[:, None], places[:, -1:] + 1
        real = torch.cat([real, real.new_ones(len(rows), 1)], 1)
    return said


def interleave(
    models: Mapping[str, ChatModel],
    prompt: str,
    *,
    limit: int = 160,
    temperature: float = 0.0,
    seed: int = 0,
    go_on: Callable[[], bool] = lambda: True,
    seconds: float = 120.0,
) -> Iterator[Event]:
    """Answers of several models, one token each in turn, so that they advance together.

    go_on    asked before every forward pass; false ends it
    seconds  the longest it may take; what is not finished then ends there
    """
    ends = time.monotonic() + seconds
    running = {k: s.tokens(prompt, limit, temperature, seed) for k, s in models.items()}
    while running:
        for key in list(running):
            if not go_on() or time.monotonic() > ends:
                return
            token = next(running[key], None)
            if token is None:
                del running[key]
            yield Event(key, token)
