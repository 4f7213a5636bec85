"""Answers of one model to many prompts at once, and of many models to one prompt in turn."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import torch

from merger.chat.forward import NO_NUMBERS, Work, rows_of
from merger.chat.model import ChatModel, Event, Token, reading
from merger.chat.sampling import GREEDY, Sampling, cut_at
from merger.errors import Cancelled, MergeError


def generate_batch(
    model: ChatModel, prompts: Sequence[str], limit: int = 24, batch: int = 16, *, sampling: Sampling = GREEDY,
    go_on: Callable[[], bool] = lambda: True,
) -> list[str]:  # fmt: skip
    """Answers to many prompts as texts, greedy if nothing is said; see `generate_ids`."""
    if prompts and not model.probed.masks:
        return ["".join(token.text for token in said) for said in _each_alone(model, prompts, limit, sampling, go_on)]
    answers = generate_ids(model, prompts, limit, batch, sampling=sampling, go_on=go_on)
    with reading():
        texts = model.tokenizer.batch_decode([said for said, _ in answers], skip_special_tokens=True)
    return [cut_at(text.rstrip("\ufffd"), sampling.stops) for text in texts]


@torch.inference_mode()
def generate_ids(
    model: ChatModel, prompts: Sequence[str], limit: int = 24, batch: int = 16, *, sampling: Sampling = GREEDY,
    go_on: Callable[[], bool] = lambda: True,
) -> list[tuple[list[int], bool]]:  # fmt: skip
    """Answers to many prompts, in their order, of at most `limit` tokens, computed `batch` at a time; greedy if nothing is said.

    Each as token ids without the one that ends it, and whether it has ended.

    Prompts of like length go together, padded on the left; a row that has come to its end is computed no further. In half
    precision an answer can leave the one of `tokens` where two words are nearly even. Cancelled when `go_on`, asked before
    every forward pass, says no; MergeError when a prompt is too long or the model computes no numbers.
    """
    if prompts and not model.probed.masks and not model.forward.streamed:
        return [([token.id for token in said], len(said) < limit) for said in _each_alone(model, prompts, limit, sampling, go_on)]
    asked = [model.encode(prompt) for prompt in prompts]
    answers: list[tuple[list[int], bool]] = [([], False)] * len(asked)
    groups, works = _works(model, asked, limit, batch, sampling, go_on)
    for place, found in model.forward.each(works, lambda: _ask(go_on)):
        most = min(limit, model.length - max(len(asked[i]) for i in groups[place]))
        for i, said in zip(groups[place], found, strict=True):
            answers[i] = said, len(said) < most
    return answers


def rounds(model: ChatModel, prompts: Sequence[str], limit: int, batch: int = 16) -> int:
    """How often the model is gone through for a token of all these answers: those that go together take one pass a token."""
    works = _works(model, [model.encode(prompt) for prompt in prompts], limit, batch, GREEDY, lambda: True)[1]
    return len(model.forward.rounds(works))


def _works(
    model: ChatModel, asked: Sequence[list[int]], limit: int, batch: int, sampling: Sampling, go_on: Callable[[], bool]
) -> tuple[list[list[int]], list[Work[list[list[int]]]]]:
    """Which texts are answered as one batch, by their places, and what answers each."""
    masks = not asked or model.probed.masks
    order = sorted(range(len(asked)), key=lambda i: len(asked[i]))
    groups, works = list[list[int]](), list[Work[list[list[int]]]]()
    while order:
        some = order[: batch if masks else 1]
        some = some[: model.forward.fits(len(asked[some[-1]]) + limit)]
        order = order[len(some) :]
        texts = [asked[i] for i in some]
        run = partial(_batch if masks else _one, model, texts, limit, sampling, go_on)
        groups.append(some)
        works.append(Work(run, len(some) * (max(map(len, texts)) + limit), True, not masks))
    return groups, works


def _one(
    model: ChatModel, asked: Sequence[list[int]], limit: int, sampling: Sampling, go_on: Callable[[], bool]
) -> list[list[int]]:
    """As `_batch`, of one text, with nothing of a draft: the passes of `tokens`, by the same way."""
    (given,) = asked
    ids, chooser, said = list(given), sampling.chooser(given), list[int]()
    most = min(limit, model.length - len(ids))
    by, cache = model.probed.by, None
    step = model.forward.steps(ids, most) if by == "steps" else None
    for _ in range(most):
        _ask(go_on)
        if step is not None:
            logits = next(step)
        elif by == "whole":
            logits = model.forward.whole(ids, 1)
        else:
            out = model.forward.call(ids if cache is None else ids[-1:], cache, 1)
            logits, cache = out.logits[0, -1:], getattr(out, model.forward.keeps)
        row = rows_of(logits)[0]
        chosen = row.best if sampling.greedy else chooser(row.raw)
        if chosen in model.stops or (sampling.stops and _over(model, said, sampling)):
            break
        ids.append(chosen)
        said.append(chosen)
    return [said]


def _each_alone(
    model: ChatModel, prompts: Sequence[str], limit: int, sampling: Sampling, go_on: Callable[[], bool]
) -> Iterator[list[Token]]:
    """The answers of a model for which padding cannot be masked, one after the other."""
    for prompt in prompts:
        said: list[Token] = []
        for token in model.tokens(prompt, limit, sampling):
            said.append(token)
            _ask(go_on)
        yield said


def _ask(go_on: Callable[[], bool]) -> None:
    if not go_on():
        raise Cancelled("stopped before all prompts were answered.")


def _batch(
    model: ChatModel, asked: Sequence[list[int]], limit: int, sampling: Sampling, go_on: Callable[[], bool]
) -> list[list[int]]:
    """The tokens, without stop tokens, that follow each of some texts; each row has its own chance, as if it were alone."""
    model.bound.refresh()
    longest = max(len(ids) for ids in asked)
    fresh, real, extra = model.forward.padded(asked, longest)
    places = extra.get("position_ids", real)
    stops = torch.tensor(sorted(model.stops), device=model.forward.device, dtype=torch.long)
    said: list[list[int]] = [[] for _ in asked]
    rows, cache = list(range(len(asked))), None
    choosers = [sampling.chooser(ids) for ids in asked]
    for _ in range(min(limit, model.length - longest)):
        _ask(go_on)
        extra |= {"position_ids": places} if "position_ids" in extra else {}
        out = model.module(
            input_ids=fresh, attention_mask=real, use_cache=True, **{model.forward.keeps: cache}, **extra
        )  # fmt: skip
        logits, cache = out.logits[:, -1], getattr(out, model.forward.keeps)
        if not bool(torch.isfinite(logits).all()):
            raise MergeError(NO_NUMBERS)
        if sampling.greedy:
            chosen = logits.argmax(-1)
        else:
            each = [choosers[row](own) for row, own in zip(rows, logits.float().cpu(), strict=True)]
            chosen = torch.tensor(each, device=logits.device)
        going = ~torch.isin(chosen, stops)
        if sampling.stops:
            going &= torch.tensor([not _over(model, said[row], sampling) for row in rows], device=going.device)
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


def _over(model: ChatModel, said: list[int], sampling: Sampling) -> bool:
    """Whether a stop word was said."""
    with reading():
        text = model.tokenizer.decode(said, skip_special_tokens=True)
    return cut_at(text, sampling.stops) != text


def interleave(
    models: Mapping[str, ChatModel],
    prompt: str,
    *,
    limit: int = 160,
    sampling: Sampling = GREEDY,
    go_on: Callable[[], bool] = lambda: True,
    seconds: float = 120.0,
) -> Iterator[Event]:
    """Answers of several models, one token each in turn, so that they advance together.

    go_on    asked before every forward pass; false ends it
    seconds  the longest it may take; what is not finished then ends there
    """
    ends = time.monotonic() + seconds
    running = {k: s.tokens(prompt, limit, sampling) for k, s in models.items()}
    while running:
        for key in list(running):
            if not go_on() or time.monotonic() > ends:
                return
            try:
                yield Event(key, next(running[key]))
            except StopIteration as end:
                del running[key]
                yield Event(key, None, bool(end.value))
