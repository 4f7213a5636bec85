"""Hearing a model: answers to a prompt, a token at a time, from tensors that are already in memory."""

import contextlib
import copy
import inspect
import math
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from merger import safe, templates
from merger.errors import Cancelled, CheckpointError, MergeError
from merger.layout import role
from merger.limits import MODEL_GROWTH

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


@dataclass(frozen=True)
class Said:
    """Something a speaker did: a token, or (token None) the end of its answer."""

    key: str
    token: Token | None


@dataclass(frozen=True)
class Judged:
    """What a model thinks of a token that another said: its probability, its rank (1: this model says it too), the likeliest."""

    probability: float
    rank: int
    best: str
    best_probability: float


_PROBED: dict[tuple[str, int], "Probe"] = {}
_CHUNK = 32
"""How many tokens of a draft are checked in one pass: a change is found before all of a long answer has been computed."""
_ROUNDINGS = {torch.float32: 256.0}
"""How many roundings of its type logits may be off between one token at a time and many at once, where these do not give the
same bits; 8 in half precision. Chosen, not proven: with SmolLM2-135M single logits were seen to differ by 1e-4 in float32 and
by 1.1 in bfloat16, and a margin can move by twice that, so that in half precision this bound can be too small.
"""


class _Heard:
    """What a model has computed of a text: keys and values of every layer, and each layer's output."""

    def __init__(self, ids: list[int], versions: tuple[tuple[int, ...], ...]) -> None:
        self.ids = list(ids)
        """The prompt."""
        self.versions = versions
        """How often each layer's parameters had been written to."""
        self.draft: list[int] = []
        """The answer, with its stop token if it came to one."""
        self.tokens: list[Token] = []
        self.cache: Any = None
        self._counts: list[int] = []
        """How many tokens of each pass are known to be the text's: what follows them was a guess."""
        self._states: dict[int, list[Tensor]] = {}

    @property
    def length(self) -> int:
        """For how many tokens it is computed."""
        return sum(self._counts)

    def listen(self, layer: int) -> Callable[..., None]:
        """A forward hook that keeps this layer's output, (1, tokens, width)."""

        def hook(module: nn.Module, args: Any, output: Any) -> None:
            self._states.setdefault(layer, []).append(output[0] if isinstance(output, tuple) else output)

        return hook

    def passed(self, cache: Any, tokens: int) -> None:
        """A pass over so many tokens is done."""
        self.cache = cache
        self._counts.append(tokens)

    def states(self, layer: int, start: int, stop: int) -> Tensor:
        """A layer's output for the tokens from start to stop, zeros where it is not known."""
        parts = [part[:, :n] for part, n in zip(self._states[layer], self._counts, strict=True)]
        known = (parts[0] if len(parts) == 1 else torch.cat(parts, 1))[:, start:stop]
        lacking = stop - start - known.shape[1]
        return nn.functional.pad(known, (0, 0, 0, lacking)) if lacking else known

    def forget(self, length: int) -> None:
        """Keep only the first so many tokens."""
        if length < self.length:
            self.cache.crop(length - self.length)
            while self.length > length:
                self._counts[-1] -= min(self._counts[-1], self.length - length)
                if not self._counts[-1]:
                    self._counts.pop()
                    for parts in self._states.values():
                        parts.pop()

    def settle(self) -> None:
        """Join what was kept of the passes, so that it can be taken over at once."""
        self._states = {i: [self.states(i, 0, self.length)] for i in self._states}
        self._counts = [self.length]

    def until(self, length: int) -> Any:
        """A cache of its own with the first so many tokens."""
        fresh = type(self.cache)()
        fresh.layers = [_cropped(layer, length) for layer in self.cache.layers]
        return fresh

    def take_over(self, other: "_Heard", below: int, start: int) -> None:
        """The layers below `below` of another text that begins with the same tokens; those from `start` on are new here."""
        for i in range(below):
            self._states.setdefault(i, []).append(other.states(i, start, self.length))
            self.cache.layers[i] = _cropped(other.cache.layers[i], self.length)


def _cropped(layer: Any, length: int) -> Any:
    """A cache layer's first so many tokens, in a cache layer of its own; nothing is copied, for none is written in place."""
    fresh = copy.copy(layer)
    if layer.is_initialized:
        fresh.keys, fresh.values = layer.keys[..., :length, :], layer.values[..., :length, :]
    return fresh


@contextlib.contextmanager
def _silent(layer: Any, output: Tensor | None, wraps: Callable[[], bool]) -> Generator[None]:
    """A decoder layer that computes nothing: gives this output, or its input; in a tuple where layers do so."""

    def forward(hidden_states: Tensor, *_: Any, **__: Any) -> Any:
        given = hidden_states if output is None else output
        return (given,) if wraps() else given

    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward


@dataclass(frozen=True)
class Probe:
    """What a kind of model is like.

    plain  its cache can be cut to any length: sliding windows and states of other kinds cannot
    masks  padding can be masked: all it keeps of a text are keys and values
    step   with how many rows a token must be computed to have the bits it has among the many of a check: 2, or 0 for no few
    wraps  its layers give tuples

    A matrix product adds in an order that depends on its shape, not on the numbers in it. On a CPU in bfloat16 that order is
    the same for all numbers of rows but one, so that two rows are computed for each token, the second for a guess.
    """

    plain: bool = False
    masks: bool = False
    step: int = 0
    wraps: bool = False


@dataclass(frozen=True)
class _Row:
    """What a model says after a text: the logarithms of all probabilities, (vocabulary,), the best token, the four likeliest.

    even   whether the first two are nearer than what rounding may change between passes of unlike shapes
    """

    logits: Tensor
    best: int
    likeliest: tuple[tuple[int, float], ...]
    even: bool

    def probability(self, token: int) -> float:
        """The probability of a token."""
        return math.exp(float(self.logits[token]))


def _rows_of(logits: Tensor) -> list[_Row]:
    """The rows of some logits, (n, vocabulary); MergeError when they are no numbers."""
    kind = logits.dtype
    logits = logits.float().cpu()
    best = logits.argmax(-1).tolist()  # the first of equals, as transformers
    chances = logits.log_softmax(-1)
    top = chances.topk(min(4, chances.shape[-1]))
    if not bool(torch.isfinite(top.values[:, 0]).all()):
        raise MergeError(_NO_NUMBERS)
    size = logits.amax(-1).abs().clamp_min(1)
    bound = _ROUNDINGS.get(kind, 8.0) * torch.finfo(kind).eps * size
    even = (top.values[:, 0] - top.values[:, 1] <= bound).tolist()
    shares, found = top.values.exp().tolist(), top.indices.tolist()
    return [_Row(row, best[i], tuple(zip(found[i], shares[i], strict=True)), even[i]) for i, row in enumerate(chances)]


@dataclass
class Speaker:
    """A model that can answer. Its parameters *are* the given tensors: what changes them in place changes its answers."""

    module: Any
    tokenizer: Any
    stops: frozenset[int]
    length: int
    device: torch.device
    origin: str = "the chat template"
    """Whose chat template it is, for errors."""
    _pieces: dict[int, str] = field(default_factory=dict[int, str])
    _encoded: dict[tuple[bool, str], list[int]] = field(default_factory=dict[tuple[bool, str], list[int]])
    _last: "_Heard | None" = None
    _lock: Any = field(default_factory=threading.Lock)

    def encode(self, prompt: str) -> list[int]:
        """The prompt's token ids, in the model's chat template where it has one and the prompt is not `Plain`."""
        key = isinstance(prompt, Plain), str(prompt)
        if key not in self._encoded:
            while len(self._encoded) >= 64:
                del self._encoded[next(iter(self._encoded))]
            self._encoded[key] = self._encode(prompt)
        return list(self._encoded[key])

    def _encode(self, prompt: str) -> list[int]:
        template = getattr(self.tokenizer, "chat_template", None)
        if template and not isinstance(prompt, Plain):
            text = templates.asked(template, prompt, self.tokenizer.special_tokens_map, self.origin)
            ids = self.plain(text)
        else:
            with _reading():
                ids = self.tokenizer(prompt)["input_ids"]
        if len(ids) >= self.length - 1:
            raise MergeError(f"the prompt is {len(ids)} tokens long; this model reads at most {self.length - 2}.")
        return list(ids)

    def plain(self, text: str) -> list[int]:
        """A text's token ids, nothing around them."""
        with _reading():
            return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def piece(self, token: int) -> str:
        """One token's text, with the space before it."""
        if token not in self._pieces:
            self._pieces[token] = self._text([token])
        return self._pieces[token]

    def _text(self, ids: list[int]) -> str:
        with _reading():
            return self.tokenizer.decode(ids, skip_special_tokens=True)

    @torch.inference_mode()
    def tokens(self, prompt: str, limit: int, temperature: float = 0.0, seed: int = 0) -> Iterator[Token]:
        """Answer token by token. temperature 0 is greedy; else samples, reproducibly from `seed`.

        A greedy answer to the prompt of the last one takes that answer as a draft: passes over prompt and draft, from the
        first changed layer up, find where the model would now say something else; from there on it is made token by token.
        Where nothing has changed the last answer is given again.
        """
        ids = self.encode(prompt)
        given = len(ids)
        most = min(limit, self.length - given)
        last = self._last if temperature == 0 else None
        if last is not None and (same := self._unchanged(last, ids, most)) is not None:
            yield from same
            return
        chance = torch.Generator().manual_seed(seed)
        heard = _Heard(ids, self._versions())
        rows = self._follow(ids, most, heard, last)
        shown = ""
        for _ in range(most):
            row = next(rows)
            if temperature > 0:
                chosen = int(torch.multinomial((row.logits / temperature).softmax(-1), 1, generator=chance))
            else:
                chosen = row.best
            ids.append(chosen)
            if chosen in self.stops:
                break
            text = self._text(ids[given:])
            new = "" if text.endswith("\ufffd") else text[len(shown) :]  # half a character waits for its other half
            shown += new
            others = tuple((self.piece(i), p) for i, p in row.likeliest if i != chosen)
            heard.tokens.append(Token(chosen, new, row.probability(chosen), others[:3]))
            yield heard.tokens[-1]
        if temperature == 0:
            heard.draft = ids[given:]
            heard.settle()
            self._last = heard

    def _unchanged(self, last: "_Heard", ids: list[int], most: int) -> list[Token] | None:
        """The last answer, if it was to this prompt and of this length, and no parameter has been written to since."""
        if last.ids != ids or last.versions != self._versions() or not last.draft or not self._layers:
            return None
        return last.tokens[:most] if last.draft[-1] in self.stops or len(last.draft) >= most else None

    def _follow(self, ids: list[int], most: int, heard: "_Heard", last: "_Heard | None") -> Iterator[_Row]:
        """What the model says after `ids`, again and again; the caller appends a token in between, at most `most`.

        A pass takes the tokens that are guessed to come next along; their rows count while the caller chooses what was guessed.
        Where many tokens at once give the bits of one step (Probe.step), guesses change nothing but the time. Where they do
        not, only the last answer is guessed, and a place where two tokens are nearly even is computed again alone.
        """
        given = len(ids)
        usable = last is not None and last.ids == ids and bool(last.draft) and bool(self._layers) and self.probed.plain
        draft = last.draft if last is not None and usable else []
        below = self._same_below(heard, last) if last is not None and usable else 0
        yield self._forward(ids, heard, 1, last, below)[0]
        follows = True
        while True:
            said = ids[given:]
            follows = follows and said == draft[: len(said)]
            room = max(0, min(most - len(said) - 1, self.length - len(ids), _CHUNK - 1))
            guess = draft[len(said) :][:room] if follows else self._likely(ids, draft)[: min(room, max(0, self.probed.step - 1))]
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
            heard.forget(len(ids) - 1)

    def _likely(self, ids: list[int], draft: list[int]) -> list[int]:
        """What followed the last token before: in the last answer, else in this text."""
        for text in (draft, ids[:-1]):
            for i in range(len(text) - 2, -1, -1):
                if text[i] == ids[-1]:
                    return text[i + 1 :]
        return []

    def _again(self, ids: list[int], heard: "_Heard") -> _Row:
        """The row after these tokens with the last of them computed alone, as when it was generated."""
        return _rows_of(self._call(ids[-1:], heard.until(len(ids) - 1), 1).logits[0])[0]

    def _call(self, fresh: list[int], cache: Any, keep: int) -> Any:
        """The module's output for these tokens after what is in the cache."""
        given = torch.tensor([fresh], device=self.device)
        return self.module(input_ids=given, use_cache=True, logits_to_keep=keep, **{self.keeps: cache})

    def _forward(
        self, fresh: list[int], heard: "_Heard", keep: int, reuse: "_Heard | None" = None, below: int = 0
    ) -> list[_Row]:
        """What the model says after the last `keep` of these tokens. They follow what `heard` holds, and join it.

        reuse, below  what was heard of the same tokens before the tensors changed: its layers below `below` are taken over
        """
        start, tokens = heard.length, len(fresh)
        if start and self.probed.step:  # as many rows as make the bits the same, see Probe
            wanted = self.probed.step if tokens <= self.probed.step else -(-tokens // 8) * 8
            fresh = fresh + fresh[-1:] * min(wanted - tokens, self.length - start - tokens)
        with self._lock, contextlib.ExitStack() as stack:
            for i, layer in enumerate(self._layers):
                if reuse is not None and i < below:
                    known = reuse.states(i, start, start + len(fresh)) if i == below - 1 else None
                    stack.enter_context(_silent(layer, known, lambda: self.probed.wraps))
                else:
                    stack.callback(layer.register_forward_hook(heard.listen(i)).remove)
            out = self._call(fresh, heard.cache, len(fresh) if start else keep)
        heard.passed(getattr(out, self.keeps), len(fresh))
        heard.forget(start + tokens)
        if below and reuse is not None:
            heard.take_over(reuse, below, start)
        return _rows_of(out.logits[0, :tokens] if start else out.logits[0, -keep:])

    def _same_below(self, heard: "_Heard", last: "_Heard") -> int:
        """The number of layers below the lowest that has been written to since the last answer."""
        same = zip(heard.versions[:-1], last.versions[:-1], strict=True)
        return next((i for i, (now, before) in enumerate(same) if now != before), len(self._layers))

    def _versions(self) -> tuple[tuple[int, ...], ...]:
        """How often each layer's parameters were written to, the first with those before the layers; last, those after them."""
        return tuple(tuple(p._version for p in own) for own in self._parameters)

    @cached_property
    def _parameters(self) -> list[list[nn.Parameter]]:
        """Each layer's parameters, the first's with those before the layers; last, those after them."""
        inside = {id(p) for layer in self._layers for p in layer.parameters()}
        each: list[list[nn.Parameter]] = [list(layer.parameters()) for layer in self._layers]
        after: list[nn.Parameter] = []
        for name, p in self.module.named_parameters():
            if id(p) not in inside:
                (after if role(name) in ("norm", "head") or not each else each[0]).append(p)
        return [*each, after]

    @property
    def probed(self) -> Probe:
        """Asked of the model itself the first time that one of its kind speaks."""
        key = (self._kind, torch.get_num_threads())
        if key not in _PROBED:
            _PROBED[key] = self._probe()
        return _PROBED[key]

    @cached_property
    def _kind(self) -> str:
        """What decides how its sums are made."""
        return f"{self.device} {self._parameters[-1][0].dtype} {self.module.config.to_json_string(use_diff=False)}"

    @torch.inference_mode()
    def _probe(self) -> Probe:
        """By the lowest two layers and the head, on made-up tokens: every module's output is compared."""
        chance = torch.Generator().manual_seed(0)
        size = int(self.module.get_input_embeddings().weight.shape[0])
        prompt, answer = torch.randint(size, (2, _CHUNK), generator=chance).tolist()
        made: list[Tensor] = []
        wraps: list[bool] = []

        def keep(module: nn.Module, args: Any, output: Any) -> None:
            made.extend(t[0] for t in (output if isinstance(output, tuple) else (output,)) if isinstance(t, Tensor))

        def outputs(fresh: list[int], cache: Any) -> tuple[list[Tensor], Any]:
            made.clear()
            out = self._call(fresh, cache, len(fresh))
            return [*made, out.logits[0]], getattr(out, self.keeps)

        with self._lock, contextlib.ExitStack() as stack:
            for layer in self._layers[:2]:
                stack.callback(layer.register_forward_hook(lambda _, __, out: wraps.append(isinstance(out, tuple))).remove)
            for layer in self._layers[2:]:
                stack.enter_context(_silent(layer, None, lambda: wraps[-1]))
            begun = _Heard(prompt, ())
            begun.cache = outputs(prompt[: max(1, self.length - _CHUNK)], None)[1]
            kept = {type(layer).__name__ for layer in getattr(begun.cache, "layers", [None])}
            plain, masks = kept == {"DynamicLayer"}, kept <= {"DynamicLayer", "DynamicSlidingWindowLayer"}
            wrapped = bool(wraps) and wraps[-1]
            if not plain or not self._layers or self.length < 2 * _CHUNK:
                return Probe(plain, masks, 0, wrapped)
            for part in (m for layer in self._layers[:2] for m in layer.modules()):
                stack.callback(part.register_forward_hook(keep).remove)
            many, begun.cache = outputs(answer, begun.cache)
            for place, rows in ((0, 8), (0, 16), (0, 24), *((i, 2) for i in range(0, _CHUNK - 1, 2))):
                few, _ = outputs(answer[place : place + rows], begun.until(_CHUNK + place))
                if any(not torch.equal(a, b[place : place + rows]) for a, b in zip(few, many, strict=True)):
                    return Probe(plain, masks, 0, wrapped)
        return Probe(plain, masks, 2, wrapped)

    @cached_property
    def takes(self) -> frozenset[str]:
        """The arguments that the module's forward knows by name."""
        return frozenset(inspect.signature(self.module.forward).parameters)

    @property
    def keeps(self) -> str:
        """What the module's forward calls its cache."""
        return "cache" if "cache" in self.takes else "past_key_values"

    @cached_property
    def _layers(self) -> list[nn.Module]:
        """The module's decoder layers in order; none where they cannot be told."""
        count = getattr(self.module.config, "num_hidden_layers", None)
        stacks = [m for m in self.module.modules() if isinstance(m, nn.ModuleList) and len(m) == count]
        return list(stacks[0]) if len(stacks) == 1 else []

    @torch.inference_mode()
    def judges(self, prompt: str, answer: list[int]) -> list[Judged]:
        """What this model thinks of each token of another's answer, given the tokens before it."""
        if not answer:
            return []
        ids, last, cache = self.encode(prompt), self._last, None
        fresh = [*ids, *answer][:-1]
        if last is not None and last.ids == ids and self.probed.plain and last.versions == self._versions():
            cache = last.until(len(ids) - 1)  # the prompt has been heard; what comes after its last token is wanted
            fresh = fresh[len(ids) - 1 :]
        with self._lock:
            logits = self._call(fresh, cache, len(answer)).logits[0, -len(answer) :].float()
        chances = logits.softmax(-1)
        own = torch.tensor(answer, device=self.device)[:, None]
        mine, (top, first) = logits.gather(-1, own), chances.max(-1)
        places = torch.arange(logits.shape[-1], device=self.device)
        above = (logits > mine).sum(-1) + ((logits == mine) & (places < own)).sum(-1)
        return [
            Judged(p, rank + 1, self.piece(i), best)
            for p, rank, i, best in zip(
                chances.gather(-1, own)[:, 0].tolist(), above.tolist(), first.tolist(), top.tolist(), strict=True
            )
        ]  # fmt: skip


@contextlib.contextmanager
def _reading() -> Generator[None]:
    """A stranger's tokenizer at work: what it stumbles over is told as an error of the model's, not of ours."""
    try:
        yield
    except BaseException as error:
        known = safe.safely(error)
        if not isinstance(known, Exception) or isinstance(known, MergeError):
            raise
        raise MergeError(f"the model's tokenizer fails at this text: {safe.first_line(known)}") from None


_NO_NUMBERS = "the merged weights are so large that the model computes no numbers any more."


@torch.inference_mode()
def say_all(
    speaker: Speaker, prompts: Sequence[str], limit: int = 24, batch: int = 16, *, go_on: Callable[[], bool] = lambda: True
) -> list[str]:
    """Greedy answers to many prompts, in their order, of at most `limit` tokens, computed `batch` at a time.

    Prompts of like length go together, padded on the left; a row that has come to its end is computed no further. In half
    precision an answer can leave the one of `tokens` where two words are nearly even. Cancelled when `go_on`, asked before
    every forward pass, says no; MergeError when a prompt is too long or the model computes no numbers.
    """
    if prompts and not speaker.probed.masks:
        return [_say_alone(speaker, prompt, limit, go_on) for prompt in prompts]
    asked = [speaker.encode(prompt) for prompt in prompts]
    order = sorted(range(len(asked)), key=lambda i: len(asked[i]))
    answers = [""] * len(asked)
    for start in range(0, len(order), batch):
        some = order[start : start + batch]
        said = _say_batch(speaker, [asked[i] for i in some], limit, go_on)
        with _reading():
            texts = speaker.tokenizer.batch_decode(said, skip_special_tokens=True)
        for i, text in zip(some, texts, strict=True):
            answers[i] = text.rstrip("\ufffd")
    return answers


def _say_alone(speaker: Speaker, prompt: str, limit: int, go_on: Callable[[], bool]) -> str:
    """say_all for one prompt, of a model for which padding cannot be masked."""
    said = ""
    for token in speaker.tokens(prompt, limit):
        said += token.text
        _ask(go_on)
    return said


def _ask(go_on: Callable[[], bool]) -> None:
    if not go_on():
        raise Cancelled("stopped before all prompts were answered.")


def _say_batch(speaker: Speaker, asked: Sequence[list[int]], limit: int, go_on: Callable[[], bool]) -> list[list[int]]:
    """The greedy tokens, without stop tokens, that follow each of some texts."""
    longest = max(len(ids) for ids in asked)
    real = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in asked], device=speaker.device)
    fresh = torch.tensor([[0] * (longest - len(ids)) + ids for ids in asked], device=speaker.device)
    places = (real.cumsum(-1) - 1).clamp_min(0)
    stops = torch.tensor(sorted(speaker.stops), device=speaker.device, dtype=torch.long)
    said: list[list[int]] = [[] for _ in asked]
    rows, cache = list(range(len(asked))), None
    for _ in range(min(limit, speaker.length - longest)):
        _ask(go_on)
        extra = {"position_ids": places} if "position_ids" in speaker.takes else {}
        out = speaker.module(
            input_ids=fresh, attention_mask=real, use_cache=True, logits_to_keep=1, **{speaker.keeps: cache}, **extra
        )  # fmt: skip
        logits, cache = out.logits[:, -1], getattr(out, speaker.keeps)
        if not bool(torch.isfinite(logits).all()):
            raise MergeError(_NO_NUMBERS)
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


def speaker(
    folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], origin: str = "the chat template"
) -> Speaker:
    """Build a model around tensors without copying them. `folder` gives tokenizer and chat template.

    origin  whose chat template it is, for errors
    CheckpointError when transformers does not know the architecture or the tensors do not fit it.
    """
    from transformers import AutoModelForCausalLM

    _check_sizes(folder, config, tensors)
    settings = safe.architecture(folder, config)
    try:
        _check_memory(folder, settings, tensors)
        with _weightless():
            module = AutoModelForCausalLM.from_config(settings, trust_remote_code=False)
    except CheckpointError:
        raise
    except Exception as error:  # a stranger's config.json can fail in any way inside transformers
        raise CheckpointError(f"{folder}: its config.json cannot be used: {safe.first_line(error)}") from None
    _adopt(module, tensors, folder)
    _attend_by_rows(module)
    device = next(iter(tensors.values())).device
    module.to(device).eval()
    tokenizer = load_tokenizer(folder)
    return Speaker(module, tokenizer, _stops(folder, config, tokenizer), _length(config), device, origin)


_BY_ROWS = "merger_by_rows"


def _attend_by_rows(module: Any) -> None:
    """Let attention over what is kept, and the head, give each token the same bits whatever is computed beside it.

    torch's own attention sums in blocks that depend on the number of queries and keys. And a slice as transformers hands it
    to the head makes torch copy all of the head's weights, which takes as long as all layers of a small model.
    """
    from transformers import AttentionInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    def attend(
        part: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, dropout: float = 0.0,
        scaling: float | None = None, **other: Any,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        whole = attention_mask is None and query.shape[2] > 1  # a text from its start: the same shapes whenever it is read
        if whole or any(other.get(k) is not None for k in ("position_bias", "is_causal", "softcap")):
            return sdpa_attention_forward(part, query, key, value, attention_mask, dropout, scaling, **other)
        batch, heads, tokens, width = query.shape
        groups = key.shape[1]
        asked = (query * (width**-0.5 if scaling is None else scaling)).reshape(batch, groups, -1, width)
        scores = (asked @ key.transpose(2, 3)).float().view(batch, groups, heads // groups, tokens, -1)
        if attention_mask is not None:
            least = torch.finfo(scores.dtype).min  # not -inf: a row of padding sees nothing, and must stay a number
            mask = attention_mask[:, :, None]
            scores = scores.masked_fill(~mask, least) if mask.dtype == torch.bool else scores + mask
        shares = scores.softmax(-1).to(query.dtype).view(batch, groups, -1, key.shape[2])
        return (shares @ value).view(batch, heads, tokens, -1).transpose(1, 2).contiguous(), None

    if module.config._attn_implementation == "sdpa" and module._can_set_attn_implementation():
        AttentionInterface.register(_BY_ROWS, attend)
        AttentionMaskInterface.register(_BY_ROWS, sdpa_mask)
        module.set_attn_implementation(_BY_ROWS)
    head = module.get_output_embeddings()
    if head is not None:
        head.register_forward_pre_hook(lambda _, args: (args[0].clone(memory_format=torch.contiguous_format), *args[1:]))


_COUNTS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers", "num_experts", "num_local_experts", "n_routed_experts")
_SIZES = (
    "hidden_size", "intermediate_size", "vocab_size", "head_dim", "n_embd",
    "n_inner", "d_model", "d_ff", "moe_intermediate_size", "num_attention_heads", "num_key_value_heads", "n_head",
    "n_positions", "n_ctx",
)  # fmt: skip


def _check_sizes(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """A stranger's config.json may not ask for more than its tensors hold: transformers would build what it says."""
    widest = max((n for t in tensors.values() for n in t.shape), default=1)
    experts = max((t.shape[0] for t in tensors.values() if t.ndim == 3), default=0)
    nested = config.get("text_config")
    for level in (config, nested if isinstance(nested, dict) else {}):
        for keys, most in ((_COUNTS, max(len(tensors), experts)), (_SIZES, 8 * widest)):
            for key in keys:
                value = level.get(key)
                if isinstance(value, (int, float)) and value > most:
                    raise CheckpointError(f"{folder}: its config.json says `{key}` is {str(value)[:30]}; its tensors hold less.")


def _check_memory(folder: Path, settings: Any, tensors: Mapping[str, Tensor]) -> None:
    """The same for what no key gives away: the model is built without memory first, and what it would take is counted."""
    from transformers import AutoModelForCausalLM

    try:
        with torch.device("meta"):
            module = AutoModelForCausalLM.from_config(copy.deepcopy(settings), trust_remote_code=False)
    except (NotImplementedError, RuntimeError):  # one that looks at its numbers while it is built
        return
    held = sum(t.nbytes for t in tensors.values())
    need = sum(t.numel() * t.element_size() for t in (*module.parameters(), *module.buffers()))
    if need > MODEL_GROWTH * held + _SMALL:
        raise CheckpointError(f"{folder}: its config.json asks for a model of {need:,} bytes; its tensors have {held:,}.")


_SMALL = 1 << 28
"""Bytes that any model may take beside its tensors: masks and angles for all positions."""


def load_tokenizer(folder: Path) -> Any:
    """The folder's tokenizer; CheckpointError when it has none. No code from the folder is run."""
    return safe.tokenizer(folder)


@contextlib.contextmanager
def _weightless() -> Generator[None]:
    """Modules built inside have parameters without memory (meta); buffers, which no file holds, are real."""
    original = nn.Module.register_parameter

    def without_memory(self: nn.Module, name: str, param: nn.Parameter | None) -> None:
        original(self, name, param)
        if param is not None:
            original(self, name, nn.Parameter(param.to("meta"), requires_grad=False))

    nn.Module.register_parameter = without_memory
    try:
        yield
    finally:
        nn.Module.register_parameter = original


def _adopt(module: Any, tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Make the tensors the module's parameters."""
    wanted = dict(module.state_dict())
    prefix = f"{module.base_model_prefix}."
    named = {name if name in wanted else prefix + name: value for name, value in tensors.items()}
    strange = [name for name in named if name not in wanted and role(name) != "head" and "rotary" not in name]
    lacking = [name for name in wanted if name not in named and role(name) != "head"]
    if strange or lacking:
        raise CheckpointError(
            f"{folder}: its tensors do not fit transformers' model, for example {(strange or lacking)[0]}; it cannot answer here."
        )
    module.load_state_dict({n: t for n, t in named.items() if n in wanted}, strict=False, assign=True)
    if any(role(n) == "head" and n not in named for n in wanted):
        module.tie_weights()
    left = [name for name, value in module.named_parameters() if value.is_meta]
    if left:
        raise CheckpointError(f"{folder}: no weights for {left[0]}; it cannot answer here.")


def _stops(folder: Path, config: Mapping[str, Any], tokenizer: Any) -> frozenset[int]:
    found: list[Any] = [config.get("eos_token_id"), getattr(tokenizer, "eos_token_id", None), safe.stop_ids(folder)]
    flat = [i for item in found for i in (item if isinstance(item, list) else [item])]
    return frozenset(i for i in flat if isinstance(i, int))


def _length(config: Mapping[str, Any]) -> int:
    nested = config.get("text_config")
    for level in (config, nested if isinstance(nested, dict) else {}):
        for key in ("max_position_embeddings", "n_positions", "n_ctx"):
            if isinstance(level.get(key), int):
                return int(level[key])
    return 2048


def take_turns(
    speakers: Mapping[str, Speaker],
    prompt: str,
    *,
    limit: int = 160,
    temperature: float = 0.0,
    seed: int = 0,
    go_on: Callable[[], bool] = lambda: True,
    seconds: float = 120.0,
) -> Iterator[Said]:
    """Answers of several speakers, one token each in turn, so that they advance together.

    go_on    asked before every forward pass; false ends it
    seconds  the longest it may take; what is not finished then ends there
    """
    ends = time.monotonic() + seconds
    running = {k: s.tokens(prompt, limit, temperature, seed) for k, s in speakers.items()}
    while running:
        for key in list(running):
            if not go_on() or time.monotonic() > ends:
                return
            token = next(running[key], None)
            if token is None:
                del running[key]
            yield Said(key, token)
