"""Hearing a model: answers to a prompt, a token at a time, from tensors that are already in memory."""

import contextlib
import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from merger.chat.bind import Bound, versions
from merger.chat.conversation import Conversation, as_text, asked
from merger.chat.forward import Forward, Row, rows_of
from merger.chat.prefix_cache import PrefixCache, silent
from merger.chat.reuse import CHUNK, Probe, go_lower, probed
from merger.chat.sampling import GREEDY, Sampling, Until
from merger.errors import MergeError
from merger.files.layout import role
from merger.kernels.devices import out_of_memory
from merger.tokenizer import safe
from merger.tokenizer.rehearsal import rehearse

# transformers is imported where it is used: it takes seconds, and statistics and merging do without it.


@dataclass(frozen=True)
class Token:
    """One token of an answer: its text, the probability its model gave it, and the likeliest others."""

    id: int
    text: str
    probability: float
    others: tuple[tuple[str, float], ...]


class Plain(str):
    """A prompt that is a text to go on with: no chat template is put around it."""

    __slots__ = ()


class TokenIds(str):
    """A prompt that is token ids already; as a string, their JSON text."""

    __slots__ = ()

    @classmethod
    def of(cls, ids: Sequence[int]) -> "TokenIds":
        """A prompt of these."""
        return cls(json.dumps(list(ids)))

    @property
    def ids(self) -> list[int]:
        """Its tokens."""
        return json.loads(self)


@dataclass(frozen=True)
class Event:
    """Something a model did: a token, or (token None) the end of its answer."""

    key: str
    token: Token | None
    cut: bool = False
    """Of an end: whether the answer was cut off, as it was as long as it may be."""


@dataclass(frozen=True)
class Judged:
    """What a model thinks of a token that another said: its probability, its rank (1: this model says it too), the likeliest."""

    probability: float
    rank: int
    best: str


@dataclass
class ChatModel:
    """A model that can answer. Its parameters *are* the given tensors: what changes them in place changes its answers."""

    forward: Forward
    tokenizer: Any
    stops: frozenset[int]
    origin: str = "the chat template"
    """Whose chat template it is, for errors."""
    bound: Bound = field(default_factory=Bound)
    _pieces: dict[int, str] = field(default_factory=dict[int, str])
    _encoded: dict[tuple[bool, str], list[int]] = field(default_factory=dict[tuple[bool, str], list[int]])
    _last: PrefixCache | None = None
    bits: int = 0
    """Of a weight as it is heard, where llama.cpp speaks for it; 0: as it is."""

    @property
    def module(self) -> Any:
        """The transformers module."""
        return self.forward.module

    @property
    def length(self) -> int:
        """The most tokens of a text."""
        return self.forward.length

    @property
    def probed(self) -> Probe:
        """What its kind of model is like."""
        return probed(self.forward)

    def encode(self, prompt: str) -> list[int]:
        """The prompt's token ids, in the model's chat template where it has one and the prompt is not `Plain`."""
        if isinstance(prompt, Conversation | TokenIds):
            return self._encode(prompt)
        key = isinstance(prompt, Plain), str(prompt)
        if key not in self._encoded:
            while len(self._encoded) >= 64:
                del self._encoded[next(iter(self._encoded))]
            self._encoded[key] = self._encode(prompt)
        return list(self._encoded[key])

    def _encode(self, prompt: str) -> list[int]:
        template = getattr(self.tokenizer, "chat_template", None)
        if isinstance(prompt, TokenIds):
            ids = self._known(prompt.ids)
        elif template and not isinstance(prompt, Plain):
            ids = self.plain(asked(template, prompt, self.tokenizer.special_tokens_map, self.origin).text)
        else:
            prompt = as_text(prompt) if isinstance(prompt, Conversation) else prompt
            with reading():
                rehearse(self.tokenizer, prompt)
                ids = self.tokenizer(prompt)["input_ids"]
        if len(ids) >= self.length - 1:
            raise MergeError(f"the prompt is {len(ids)} tokens long; this model reads at most {self.length - 2}.")
        return list(ids)

    def _known(self, ids: list[int]) -> list[int]:
        """Token ids; MergeError where one is none of this model's."""
        count = self.forward.known
        for i in ids:
            if not 0 <= i < count:
                raise MergeError(f"the prompt has a token {i}; this model's are 0 to {count - 1}.")
        return ids

    def plain(self, text: str) -> list[int]:
        """A text's token ids, nothing around them."""
        with reading():
            rehearse(self.tokenizer, text)
            return list(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])  # a long text is no mistake

    def piece(self, token: int) -> str:
        """One token's text, with the space before it."""
        if token not in self._pieces:
            self._pieces[token] = self._text([token])
        return self._pieces[token]

    def _text(self, ids: list[int]) -> str:
        with reading():
            return self.tokenizer.decode(ids, skip_special_tokens=True)

    @torch.inference_mode()
    def tokens(self, prompt: str, limit: int, sampling: Sampling = GREEDY) -> Generator[Token, None, bool]:
        """Answer token by token, chosen as `sampling` says; gives back whether the answer was cut off at its length.

        An answer to the prompt of the last one, in the same manner, takes that answer as a draft: passes over prompt and
        draft, from the first changed layer up, find where the model would now say something else; from there on it is made
        token by token. Where nothing has changed the last answer is given again, and gone on with where it was cut.
        """
        self.bound.refresh()
        ids = self.encode(prompt)
        given = len(ids)
        most = min(limit, self.length - given)
        last = self._last
        if last is not None and (same := self._unchanged(last, ids, most, sampling)) is not None:
            yield from same
            return last.cut or most < len(last.draft)
        heard = self._begun(ids, prompt, sampling)
        until = Until(sampling.stops)
        chosen_by = sampling.chooser(ids)
        rows = self._rows(ids, most, heard, last)
        heard.cut, shown = True, ""
        for _ in range(most):
            row = next(rows)
            chosen = row.best if sampling.greedy else chosen_by(row.raw)
            ids.append(chosen)
            if chosen in self.stops:
                heard.cut = False
                break
            text = self._text(ids[given:])
            new = "" if text.endswith("\ufffd") else text[len(shown) :]  # half a character waits for its other half
            shown += new
            others = tuple((self.piece(i), p) for i, p in row.likeliest if i != chosen)
            for sure in until.take(Token(chosen, new, row.probability(chosen), others[:3])):
                heard.tokens.append(sure)
                yield sure
            if until.ended:
                heard.cut = False
                break
        for sure in until.rest():
            heard.tokens.append(sure)
            yield sure
        heard.draft = ids[given:]
        heard.settle()
        self._last = heard
        return heard.cut

    def _begun(self, ids: list[int], prompt: str, sampling: Sampling) -> PrefixCache:
        """What is heard of a text before it is computed: of a conversation, what it shares with the last one that was heard.

        In passes of another shape a sum may be rounded in another way, so that a word that is nearly even can be another than
        without what was kept; prompts that are asked after each stroke are therefore always computed from their start.
        """
        heard, last = PrefixCache(ids, self._versions(), sampling), self._last
        if not isinstance(prompt, Conversation) or last is None or not self.probed.plain or self.probed.by != "cache":
            return heard
        if last.versions != heard.versions or last.ids == ids:
            return heard
        both = zip(last.ids + last.draft, ids[:-1], strict=False)
        same = next((i for i, (old, new) in enumerate(both) if old != new), min(len(last.ids + last.draft), len(ids) - 1))
        heard.begin(last, min(same, last.length))
        return heard

    def _rows(self, ids: list[int], most: int, heard: PrefixCache, last: PrefixCache | None) -> Iterator[Row]:
        """What the model says after `ids`, by the quickest way that this kind of model can go."""
        given = len(ids)
        while True:
            rows = self._follow(ids, most, heard, last) if self.probed.by == "cache" else self._plainly(ids, most)
            try:
                yield from rows
                return
            except MergeError:
                raise
            except Exception as error:  # its upper layers do what those that were probed did not
                if out_of_memory(error):
                    raise
                if len(ids) > given or not go_lower(self.forward):
                    raise MergeError(f"transformers cannot compute this model's answer: {safe.first_line(error)}") from None

    def _plainly(self, ids: list[int], most: int) -> Iterator[Row]:
        """What the model says after `ids`, again and again, with nothing kept between answers."""
        step = self.forward.steps(ids, most) if self.probed.by == "steps" else None
        for _ in range(most):
            with self.forward.lock:
                logits = next(step) if step is not None else self.forward.whole(ids, 1)
            yield rows_of(logits)[0]

    def _unchanged(self, last: PrefixCache, ids: list[int], most: int, sampling: Sampling) -> list[Token] | None:
        """The last answer, if it was to this prompt, in this manner and of this length, and no parameter was written to since."""
        if last.ids != ids or last.versions != self._versions() or not last.draft or not self.forward.layers:
            return None
        if last.sampling != sampling:
            return None
        if len(last.draft) <= most:
            return last.tokens if not last.cut or len(last.draft) == most else None
        return None if sampling.stops else last.tokens[:most]

    def _follow(self, ids: list[int], most: int, heard: PrefixCache, last: PrefixCache | None) -> Iterator[Row]:
        """What the model says after `ids`, again and again; the caller appends a token in between, at most `most`.

        A pass takes the tokens of the last answer along as a guess; their rows count while the caller chooses what was guessed.
        Where many tokens at once give the bits of one step (Probe.step), guesses change nothing but the time. Where they do
        not, a place where two tokens are nearly even is computed again alone.
        """
        given = len(ids)
        usable = last is not None and last.ids == ids and bool(last.draft) and bool(self.forward.layers) and self.probed.plain
        usable = usable and last is not None and last.sampling == heard.sampling
        usable = usable and (heard.sampling.greedy or self.probed.step > 0)  # chance knows no "nearly even"
        draft = last.draft if last is not None and usable else []
        below = self._same_below(heard, last) if last is not None and usable else 0
        yield self._forward(ids[heard.length :], heard, 1, last, below)[0]
        follows = True
        while True:
            said = ids[given:]
            follows = follows and said == draft[: len(said)]
            room = max(0, min(most - len(said) - 1, self.length - len(ids), CHUNK - 1))
            guess = draft[len(said) :][:room] if follows else []
            if guess and guess[-1] in self.stops:
                guess.pop()
            fresh = ids[-1:] + guess
            known = last is not None and follows and heard.length + len(fresh) <= last.length
            rows = self._forward(fresh, heard, len(fresh), last, below if known else 0)
            right = 0
            while True:
                alone = rows[right].even and len(fresh) > 1 and not self.probed.step
                yield self._again(ids, heard) if alone else rows[right]
                if right == len(guess) or ids[-1] != guess[right]:
                    break
                right += 1
            heard.crop(len(ids) - 1)

    def _again(self, ids: list[int], heard: PrefixCache) -> Row:
        """The row after these tokens with the last of them computed alone, as when it was generated."""
        return rows_of(self.forward.call(ids[-1:], heard.until(len(ids) - 1), 1).logits[0])[0]

    def _forward(
        self, fresh: list[int], heard: PrefixCache, keep: int, reuse: PrefixCache | None = None, below: int = 0
    ) -> list[Row]:
        """What the model says after the last `keep` of these tokens. They follow what `heard` holds, and join it.

        reuse, below  what was heard of the same tokens before the tensors changed: its layers below `below` are taken over
        """
        start, tokens = heard.length, len(fresh)
        if start and self.probed.step:  # as many rows as make the bits the same, see Probe
            wanted = self.probed.step if tokens <= self.probed.step else -(-tokens // 8) * 8
            fresh = fresh + fresh[-1:] * min(wanted - tokens, self.length - start - tokens)
        with self.forward.lock, contextlib.ExitStack() as stack:
            for i, layer in enumerate(self.forward.layers):
                if reuse is not None and i < below:
                    known = reuse.states(i, start, start + len(fresh)) if i == below - 1 else None
                    stack.enter_context(silent(layer, known, lambda: self.probed.wraps))
                elif self.probed.plain:
                    stack.callback(layer.register_forward_hook(heard.listen(i)).remove)
            out = self.forward.call(fresh, heard.cache, len(fresh) - tokens + keep)
        heard.passed(getattr(out, self.forward.keeps), len(fresh))
        heard.crop(start + tokens)
        if below and reuse is not None:
            heard.take_over(reuse, below, start)
        logits = out.logits[0, : -len(fresh) + tokens or None]  # without what only filled up
        return rows_of(logits[-keep:])

    def _same_below(self, heard: PrefixCache, last: PrefixCache) -> int:
        """The number of layers below the lowest that has been written to since the last answer."""
        same = zip(heard.versions[:-1], last.versions[:-1], strict=True)
        return next((i for i, (now, before) in enumerate(same) if now != before), len(self.forward.layers))

    def _versions(self) -> tuple[tuple[int, ...], ...]:
        """How often each layer's parameters were written to, the first with those before the layers; last, those after them."""
        return tuple(versions(own) for own in self._parameters)

    @cached_property
    def _parameters(self) -> list[list[Tensor]]:
        """What each layer is made of, the first with what comes before the layers; last, what comes after them."""
        inside: dict[int, int] = {}
        for i, layer in enumerate(self.forward.layers):
            for p in (*layer.parameters(), *layer.buffers()):
                inside.setdefault(id(p), i)  # a layer whose weights others share: the lowest
        each: list[list[Tensor]] = [[] for _ in (*self.forward.layers, "after")]
        loaded = [(name, p) for name, p in self.module.named_buffers() if name in self.bound.sources]
        for name, p in (*self.module.named_parameters(), *loaded):
            after = role(name) in ("norm", "head") or not self.forward.layers
            each[inside.get(id(p), -1 if after else 0)].extend(self.bound.sources.get(name, (p,)))
        return each

    @torch.inference_mode()
    def judges(self, prompt: str, answer: list[int]) -> list[Judged]:
        """What this model thinks of each token of another's answer, given the tokens before it."""
        if not answer:
            return []
        self.bound.refresh()
        ids, last, cache = self.encode(prompt), self._last, None
        fresh = [*ids, *answer][:-1]
        if last is not None and last.ids == ids and self.probed.plain and last.versions == self._versions():
            cache = last.until(len(ids) - 1)  # the prompt has been heard; what comes after its last token is wanted
            fresh = fresh[len(ids) - 1 :]
        by = self.probed.by  # finding it out the first time takes the lock itself
        with self.forward.lock:
            if by == "cache":
                logits = self.forward.call(fresh, cache, len(answer)).logits[0, -len(answer) :].float()
            else:
                logits = self.forward.whole(fresh, len(answer)).float()
        chances = logits.softmax(-1)
        own = torch.tensor(answer, device=self.forward.device)[:, None]
        mine, first = logits.gather(-1, own), chances.argmax(-1)
        places = torch.arange(logits.shape[-1], device=self.forward.device)
        above = (logits > mine).sum(-1) + ((logits == mine) & (places < own)).sum(-1)
        return [
            Judged(p, rank + 1, self.piece(i))
            for p, rank, i in zip(chances.gather(-1, own)[:, 0].tolist(), above.tolist(), first.tolist(), strict=True)
        ]


@contextlib.contextmanager
def reading() -> Generator[None]:
    """A stranger's tokenizer at work: what it stumbles over is told as an error of the model's, not of ours."""
    try:
        yield
    except BaseException as error:
        known = safe.safely(error)
        if not isinstance(known, Exception) or isinstance(known, MergeError):
            raise
        raise MergeError(f"the model's tokenizer fails at this text: {safe.first_line(known)}") from None
