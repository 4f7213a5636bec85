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
from typing import Any, Literal

import torch
from torch import Tensor, nn

from merger.chat.bind import Bound, bind, versions
from merger.errors import Cancelled, CheckpointError, MergeError
from merger.files.layout import role
from merger.kernels.devices import out_of_memory
from merger.limits import MODEL_GROWTH
from merger.tokenizer import safe, templates
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
    masks  padding can be masked: all it keeps of a text are keys and values, and its tokens' places are counted without it
    step   with how many rows a token must be computed to have the bits it has among the many of a check: 2, or 0 for no few
    wraps  its layers give tuples
    by     how it goes on token by token: from what it keeps of the text (cache); as transformers' own generate does, where
           that needs more than the tokens (steps); or over the whole text again, where not even that runs (whole)

    A matrix product adds in an order that depends on its shape, not on the numbers in it. On a CPU in bfloat16 that order is
    the same for all numbers of rows but one, so that two rows are computed for each token, the second to no end.
    """

    plain: bool = False
    masks: bool = False
    step: int = 0
    wraps: bool = False
    by: Literal["cache", "steps", "whole"] = "cache"


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
    bound: Bound = field(default_factory=Bound)
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
                rehearse(self.tokenizer, prompt)
                ids = self.tokenizer(prompt)["input_ids"]
        if len(ids) >= self.length - 1:
            raise MergeError(f"the prompt is {len(ids)} tokens long; this model reads at most {self.length - 2}.")
        return list(ids)

    def plain(self, text: str) -> list[int]:
        """A text's token ids, nothing around them."""
        with _reading():
            rehearse(self.tokenizer, text)
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
        self.bound.refresh()
        ids = self.encode(prompt)
        given = len(ids)
        most = min(limit, self.length - given)
        last = self._last if temperature == 0 else None
        if last is not None and (same := self._unchanged(last, ids, most)) is not None:
            yield from same
            return
        chance = torch.Generator().manual_seed(seed)
        heard = _Heard(ids, self._versions())
        rows = self._rows(ids, most, heard, last)
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

    def _rows(self, ids: list[int], most: int, heard: "_Heard", last: "_Heard | None") -> Iterator[_Row]:
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
                others = {"cache": "steps", "steps": "whole"}
                if len(ids) > given or self.probed.by == "whole":
                    raise MergeError(f"transformers cannot compute this model's answer: {safe.first_line(error)}") from None
                _PROBED[self._kind, torch.get_num_threads()] = Probe(by=others[self.probed.by])  # type: ignore[arg-type]

    def _plainly(self, ids: list[int], most: int) -> Iterator[_Row]:
        """What the model says after `ids`, again and again, with nothing kept between answers."""
        step = self._steps(ids, most) if self.probed.by == "steps" else None
        for _ in range(most):
            with self._lock:
                logits = next(step) if step is not None else self._whole(ids, 1)
            yield _rows_of(logits)[0]

    def _steps(self, ids: list[int], most: int) -> Iterator[Tensor]:
        """The logits after `ids`, (1, vocabulary), by the preparations of transformers' generate; the caller appends tokens."""
        from transformers import GenerationConfig

        def go_on(
            model: Any, input_ids: Tensor, logits_processor: Any, stopping_criteria: Any, generation_config: Any, **held: Any
        ) -> Iterator[Tensor]:
            first = True
            while True:
                new = None if first or not held.get("use_cache") else 1
                given = model.prepare_inputs_for_generation(input_ids, next_sequence_length=new, is_first_iteration=first, **held)
                out = model(**given, return_dict=True)
                held, first = model._update_model_kwargs_for_generation(out, held, is_encoder_decoder=False), False
                yield out.logits[0, -1:]
                input_ids = torch.tensor([ids], device=self.device)

        asked = GenerationConfig(max_new_tokens=max(1, most), do_sample=False, pad_token_id=0)
        return self.module.generate(torch.tensor([ids], device=self.device), generation_config=asked, custom_generate=go_on)

    def _whole(self, ids: list[int], keep: int) -> Tensor:
        """The logits after the last `keep` of these tokens, (keep, vocabulary), with nothing kept."""
        asked = {"use_cache": False} if "use_cache" in self.takes else {}
        return self.module(input_ids=torch.tensor([ids], device=self.device), **asked).logits[0, -keep:]

    def _unchanged(self, last: "_Heard", ids: list[int], most: int) -> list[Token] | None:
        """The last answer, if it was to this prompt and of this length, and no parameter has been written to since."""
        if last.ids != ids or last.versions != self._versions() or not last.draft or not self._layers:
            return None
        return last.tokens[:most] if last.draft[-1] in self.stops or len(last.draft) >= most else None

    def _follow(self, ids: list[int], most: int, heard: "_Heard", last: "_Heard | None") -> Iterator[_Row]:
        """What the model says after `ids`, again and again; the caller appends a token in between, at most `most`.

        A pass takes the tokens of the last answer along as a guess; their rows count while the caller chooses what was guessed.
        Where many tokens at once give the bits of one step (Probe.step), guesses change nothing but the time. Where they do
        not, a place where two tokens are nearly even is computed again alone.
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
            heard.forget(len(ids) - 1)

    def _again(self, ids: list[int], heard: "_Heard") -> _Row:
        """The row after these tokens with the last of them computed alone, as when it was generated."""
        return _rows_of(self._call(ids[-1:], heard.until(len(ids) - 1), 1).logits[0])[0]

    def _call(self, fresh: list[int], cache: Any, keep: int) -> Any:
        """The module's output for these tokens after what is in the cache."""
        given = torch.tensor([fresh], device=self.device)
        kept = {"logits_to_keep": keep} if "logits_to_keep" in self.takes else {}
        return self.module(input_ids=given, use_cache=True, **kept, **{self.keeps: cache})

    def _forward(self, fresh: list[int], heard: "_Heard", keep: int, reuse: "_Heard | None" = None, below: int = 0) -> list[_Row]:
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
                elif self.probed.plain:
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
        return tuple(versions(own) for own in self._parameters)

    @cached_property
    def _parameters(self) -> list[list[Tensor]]:
        """What each layer is made of, the first with what comes before the layers; last, what comes after them."""
        inside: dict[int, int] = {}
        for i, layer in enumerate(self._layers):
            for p in (*layer.parameters(), *layer.buffers()):
                inside.setdefault(id(p), i)  # a layer whose weights others share: the lowest
        each: list[list[Tensor]] = [[] for _ in (*self._layers, "after")]
        loaded = [(name, p) for name, p in self.module.named_buffers() if name in self.bound.sources]
        for name, p in (*self.module.named_parameters(), *loaded):
            after = role(name) in ("norm", "head") or not self._layers
            each[inside.get(id(p), -1 if after else 0)].extend(self.bound.sources.get(name, (p,)))
        return each

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
        return f"{self.device} {next(self.module.parameters()).dtype} {self.module.config.to_json_string(use_diff=False)}"

    @torch.inference_mode()
    def _probe(self) -> Probe:
        """By the lowest two layers and the head, on made-up tokens; whatever a kind of model cannot do is not done with it."""
        chance = torch.Generator().manual_seed(0)
        size = int(self.module.get_input_embeddings().weight.shape[0])
        prompt, answer = torch.randint(size, (2, _CHUNK), generator=chance).tolist()
        prompt = prompt[: max(1, self.length - _CHUNK)]
        wraps: list[bool] = []
        with self._lock, contextlib.ExitStack() as stack:
            for layer in self._layers[:2]:
                stack.callback(layer.register_forward_hook(lambda _, __, out: wraps.append(isinstance(out, tuple))).remove)
            with contextlib.suppress(Exception):  # told below
                self._whole(prompt[:2], 1)
            if wraps:
                for layer in self._layers[2:]:
                    stack.enter_context(_silent(layer, None, lambda: wraps[-1]))
                try:
                    if self._goes_on(prompt, answer[:2]) == "cache":
                        return self._probe_cache(prompt, answer, wraps[-1])
                except Exception:  # of what it keeps of a text nothing is known
                    return Probe()
        with self._lock:  # it needs more than its lowest layers
            return Probe(by=self._goes_on(prompt, answer[:2]))

    def _goes_on(self, prompt: list[int], answer: list[int]) -> Literal["cache", "steps", "whole"]:
        """The quickest way to go on token by token that says what transformers' generate would."""
        try:
            ids = list(prompt)
            steps, theirs = self._steps(ids, len(answer)), []
            for token in answer:
                theirs.append(next(steps)[0])
                ids.append(token)
        except Exception:  # its generate needs more than a text, or does not run
            theirs = []
        try:
            cache, ours = None, []
            for fresh in (prompt, *([token] for token in answer[:-1])):
                out = self._call(fresh, cache, 1)
                cache = getattr(out, self.keeps)
                ours.append(out.logits[0, -1])
        except Exception:  # it keeps something else of a text, or must be told more
            return "steps" if theirs else "whole"
        wanted = theirs or [self._whole([*prompt, *answer[:i]], 1)[0] for i in range(len(answer))]
        bound = 64 * torch.finfo(wanted[0].dtype).eps
        near = [float((a - b).abs().max()) <= bound * max(1, float(b.abs().max())) for a, b in zip(ours, wanted, strict=True)]
        return "cache" if all(near) else "steps" if theirs else "whole"

    def _probe_cache(self, prompt: list[int], answer: list[int], wrapped: bool) -> Probe:
        """What its cache allows, and how many rows give the bits of many: every module's output is compared."""
        made: list[Tensor] = []

        def keep(module: nn.Module, args: Any, output: Any) -> None:
            made.extend(t[0] for t in (output if isinstance(output, tuple) else (output,)) if isinstance(t, Tensor))

        def outputs(fresh: list[int], cache: Any) -> tuple[list[Tensor], Any]:
            made.clear()
            out = self._call(fresh, cache, len(fresh))
            return [*made, out.logits[0]], getattr(out, self.keeps)

        begun = _Heard(prompt, ())
        begun.cache = outputs(prompt, None)[1]
        kept = {type(layer).__name__ for layer in getattr(begun.cache, "layers", [None])}
        plain, masks = kept == {"DynamicLayer"}, kept <= {"DynamicLayer", "DynamicSlidingWindowLayer"}
        masks = masks and self._may_be_padded(prompt)
        plain = plain and len(begun.cache.layers) == len(self._layers) and self._stands_alone(prompt)
        if not plain or not self._layers or self.length < 2 * _CHUNK:
            return Probe(plain, masks, 0, wrapped)
        with contextlib.ExitStack() as stack:
            for part in (m for layer in self._layers[:2] for m in layer.modules()):
                stack.callback(part.register_forward_hook(keep).remove)
            many, begun.cache = outputs(answer, begun.cache)
            for place, rows in ((0, 8), (0, 16), (0, 24), *((i, 2) for i in range(0, _CHUNK - 1, 2))):
                few, _ = outputs(answer[place : place + rows], begun.until(_CHUNK + place))
                if any(not torch.equal(a, b[place : place + rows]) for a, b in zip(few, many, strict=True)):
                    return Probe(plain, masks, 0, wrapped)
        return Probe(plain, masks, 2, wrapped)

    def _may_be_padded(self, prompt: list[int]) -> bool:
        """Whether a text says the same behind padding: some count places from the start of the row, whatever is masked."""
        if len(prompt) < 2:
            return False
        try:
            alone, behind = self._two_steps(prompt, 0), self._two_steps(prompt, 5)
        except Exception:  # it takes no mask
            return False
        bound = max(1e-3, 8 * torch.finfo(next(self.module.parameters()).dtype).eps)
        return all(float((a - b).norm()) <= bound * float(a.norm()) for a, b in zip(alone, behind, strict=True))

    def _two_steps(self, prompt: list[int], padding: int) -> list[Tensor]:
        """What is said before a prompt's last token and after it, with so much padding in front of the prompt."""
        fresh, real, extra = _padded([prompt[:-1]], len(prompt) - 1 + padding, self)
        found, cache = list[Tensor](), None
        for _ in range(2):
            out = self.module(input_ids=fresh, attention_mask=real, use_cache=True, **{self.keeps: cache}, **extra)
            cache = getattr(out, self.keeps)
            found.append(out.logits[0, -1].float())
            fresh, real = fresh.new_tensor([prompt[-1:]]), torch.cat([real, real.new_ones(1, 1)], 1)
            if "position_ids" in extra:
                extra["position_ids"] = extra["position_ids"][:, -1:] + 1
        return found

    def _stands_alone(self, prompt: list[int]) -> bool:
        """Whether a layer takes from those below it nothing but one state for each token, (1, tokens, width)."""
        made: list[Any] = []
        with contextlib.ExitStack() as stack:
            for layer in self._layers[:2]:
                stack.callback(layer.register_forward_hook(lambda _, __, out: made.append(out)).remove)
            self._call(prompt, None, 1)
        first = [out[0] if isinstance(out, tuple) and len(out) else out for out in made]
        return all(isinstance(t, Tensor) and t.dim() == 3 and t.shape[:2] == (1, len(prompt)) for t in first)

    @torch.inference_mode()
    def runs(self) -> bool:
        """Whether the module computes anything from a text alone."""
        try:
            self._whole([0], 1)
            return True
        except Exception:  # whatever a kind of model wants beside it
            return False

    @cached_property
    def takes(self) -> frozenset[str]:
        """The arguments that the module's forward knows by name."""
        return frozenset(inspect.signature(self.module.forward).parameters)

    @property
    def keeps(self) -> str:
        """What the module's forward calls its cache."""
        return "cache" if "cache" in self.takes else "past_key_values"

    @property
    def _decoder(self) -> nn.Module:
        """The part of the module that reads and writes text: the whole, where it cannot be told."""
        with contextlib.suppress(Exception):  # whatever a kind of model does here
            found = self.module.get_decoder()
            return found if isinstance(found, nn.Module) else self.module
        return self.module

    @cached_property
    def _layers(self) -> list[nn.Module]:
        """The module's decoder layers in order; none where they cannot be told."""
        count = getattr(self.module.config.get_text_config(decoder=True), "num_hidden_layers", None)
        stacks = [m for m in self._decoder.modules() if isinstance(m, nn.ModuleList) and len(m) == count]
        return list(stacks[0]) if len(stacks) == 1 else []

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
        with self._lock:
            if self.probed.by == "cache":
                logits = self._call(fresh, cache, len(answer)).logits[0, -len(answer) :].float()
            else:
                logits = self._whole(fresh, len(answer)).float()
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
    speaker.bound.refresh()
    longest = max(len(ids) for ids in asked)
    fresh, real, extra = _padded(asked, longest, speaker)
    places = extra.get("position_ids", real)
    stops = torch.tensor(sorted(speaker.stops), device=speaker.device, dtype=torch.long)
    said: list[list[int]] = [[] for _ in asked]
    rows, cache = list(range(len(asked))), None
    for _ in range(min(limit, speaker.length - longest)):
        _ask(go_on)
        extra |= {"position_ids": places} if "position_ids" in extra else {}
        out = speaker.module(
            input_ids=fresh, attention_mask=real, use_cache=True, **{speaker.keeps: cache}, **extra
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


def _padded(asked: Sequence[list[int]], length: int, speaker: Speaker) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """Texts padded on the left, (texts, length), what of them is text, and what else the module's forward takes."""
    fresh = torch.tensor([[0] * (length - len(ids)) + ids for ids in asked], device=speaker.device)
    real = torch.tensor([[0] * (length - len(ids)) + [1] * len(ids) for ids in asked], device=speaker.device)
    extra: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in speaker.takes else {}
    if "position_ids" in speaker.takes:
        extra["position_ids"] = (real.cumsum(-1) - 1).clamp_min(0)
    return fresh, real, extra


def speaker(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], origin: str = "the chat template") -> Speaker:
    """Build a model around tensors without copying them. `folder` gives tokenizer and chat template.

    origin  whose chat template it is, for errors
    CheckpointError when transformers does not know the architecture or the tensors do not fit it.
    """
    from transformers import AutoModelForCausalLM

    _check_sizes(folder, config, tensors)
    settings = safe.architecture(folder, config)
    try:
        settings.dtype = _dtype(tensors) or settings.dtype
        classes = _speaks(settings, config)
    except Exception as error:  # a stranger's config.json can fail in any way inside transformers
        raise CheckpointError(f"{folder}: its config.json cannot be used: {safe.first_line(error)}") from None
    if not classes:
        raise CheckpointError(f"{folder}: transformers has no model of type {settings.model_type!r} that goes on with a text.")
    tokenizer = load_tokenizer(folder)
    voices: list[Speaker] = []
    refused: list[CheckpointError] = []
    for made in classes:
        try:
            module, bound = _built(made, settings, tensors, folder)
        except CheckpointError as error:
            refused.append(error)
            continue
        stops, length = _stops(folder, config, tokenizer), _length(config)
        voices.append(Speaker(module, tokenizer, stops, length, module.device, origin, bound))
        if len(classes) == 1 or voices[-1].runs():
            return voices[-1]
    if voices:  # what it lacks is said when it is asked
        return voices[0]
    with contextlib.suppress(CheckpointError):  # what sees may need a package that is not here; the text does not
        module, bound = _built(AutoModelForCausalLM, settings.get_text_config(decoder=True), tensors, folder)
        return Speaker(module, tokenizer, _stops(folder, config, tokenizer), _length(config), module.device, bound=bound)
    raise refused[0]


def _built(made: Any, settings: Any, tensors: Mapping[str, Tensor], folder: Path) -> tuple[Any, Bound]:
    """A module of one of transformers' automatic classes, around the tensors."""
    try:
        _check_memory(folder, made, settings, tensors)
        with _weightless():
            module = made.from_config(copy.deepcopy(settings), trust_remote_code=False)
    except CheckpointError:
        raise
    except Exception as error:  # a stranger's config.json can fail in any way inside transformers
        raise CheckpointError(f"{folder}: its config.json cannot be used: {safe.first_line(error)}") from None
    _check_asks(module, folder)
    bound = bind(module, tensors, str(folder))
    _attend_by_rows(module)
    module.to(next(iter(tensors.values())).device).eval()
    return module, bound


def _speaks(settings: Any, config: Mapping[str, Any]) -> list[Any]:
    """transformers' automatic classes for this config: that which config.json names, that which also sees, the text alone."""
    import transformers as t

    kinds = (
        (t.AutoModelForImageTextToText, t.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING),
        (t.AutoModelForMultimodalLM, t.MODEL_FOR_MULTIMODAL_LM_MAPPING),
        (t.AutoModelForCausalLM, t.MODEL_FOR_CAUSAL_LM_MAPPING),
    )
    named = {name for name in config.get("architectures") or () if isinstance(name, str)}
    found: dict[Any, Any] = {}
    for kind, mapping in kinds:
        if type(settings) in mapping:
            classes = mapping[type(settings)]
            for cls in classes if isinstance(classes, (tuple, list)) else (classes,):
                found.setdefault(cls, kind)
    order = sorted(found, key=lambda cls: cls.__name__ not in named)
    return list(dict.fromkeys(found[cls] for cls in order))


def _check_asks(module: Any, folder: Path) -> None:
    """Refuse what cannot answer a text alone, and say why."""
    from transformers import GenerationMixin

    kind = f"{folder}: {type(module).__name__}"
    if module.config.is_encoder_decoder:
        raise CheckpointError(f"{kind} has an encoder and a decoder; only models that go on with a text answer here.")
    if not isinstance(module, GenerationMixin):
        raise CheckpointError(f"{kind} does not write one token after the other, so it cannot answer here.")
    forward: Callable[..., Any] = module.forward  # type: ignore[attr-defined]
    asked = inspect.signature(forward).parameters.values()
    more = [p.name for p in asked if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "input_ids"]
    if more:
        raise CheckpointError(f"{kind} needs `{more[0]}` beside a text, so it cannot answer here.")


def _dtype(tensors: Mapping[str, Tensor]) -> torch.dtype | None:
    """The type that all tensors have which are numbers with a fraction; None where they differ, and config.json decides."""
    found = {t.dtype for t in tensors.values() if t.is_floating_point()}
    return found.pop() if len(found) == 1 else None


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
        seen = (1, *query.shape[:1]), (1, heads), (1, tokens), (key.shape[2],)
        if heads % groups or (attention_mask is not None and not _within(attention_mask, seen)):
            return sdpa_attention_forward(part, query, key, value, attention_mask, dropout, scaling, **other)
        asked = (query * (width**-0.5 if scaling is None else scaling)).reshape(batch, groups, -1, width)
        scores = (asked @ key.transpose(2, 3)).float().view(batch, groups, heads // groups, tokens, -1)
        if attention_mask is not None:
            least = torch.finfo(scores.dtype).min  # not -inf: a row of padding sees nothing, and must stay a number
            alike = attention_mask.shape[1] == 1
            mask = attention_mask[:, :, None] if alike else attention_mask.unflatten(1, (groups, heads // groups))
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


def _within(mask: Tensor, sizes: Sequence[Sequence[int]]) -> bool:
    """Whether a mask has one of the sizes named in each of its dimensions."""
    return mask.dim() == len(sizes) and all(n in some for n, some in zip(mask.shape, sizes, strict=True))


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
    for level in _levels(config):
        for keys, most in ((_COUNTS, max(len(tensors), experts)), (_SIZES, 8 * widest)):
            for key in keys:
                value = level.get(key)
                if isinstance(value, (int, float)) and value > most:
                    raise CheckpointError(f"{folder}: its config.json says `{key}` is {str(value)[:30]}; its tensors hold less.")


def _levels(config: Mapping[str, Any], depth: int = 8) -> Iterator[Mapping[str, Any]]:
    """A config and those inside it, to a depth that no config has."""
    yield config
    for value in config.values() if depth else ():
        if isinstance(value, dict):
            yield from _levels(value, depth - 1)


def _check_memory(folder: Path, made: Any, settings: Any, tensors: Mapping[str, Tensor]) -> None:
    """The same for what no key gives away: the model is built without memory first, and what it would take is counted."""

    try:
        with torch.device("meta"):
            module = made.from_config(copy.deepcopy(settings), trust_remote_code=False)
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


def _stops(folder: Path, config: Mapping[str, Any], tokenizer: Any) -> frozenset[int]:
    nested = config.get("text_config")
    own = nested.get("eos_token_id") if isinstance(nested, dict) and config.get("eos_token_id") is None else None
    found: list[Any] = [config.get("eos_token_id"), own, getattr(tokenizer, "eos_token_id", None), safe.stop_ids(folder)]
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
