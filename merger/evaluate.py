"""Hearing a model: answers to a prompt, a token at a time, from tensors that are already in memory."""

import contextlib
import inspect
import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from merger.errors import Cancelled, CheckpointError, MergeError
from merger.layout import role

# transformers is imported where it is used: it takes seconds, and statistics and merging do without it.


@dataclass(frozen=True)
class Token:
    """One token of an answer: its text, the probability its model gave it, and the likeliest others."""

    id: int
    text: str
    probability: float
    others: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Said:
    """Something a speaker did: a token, or (token None) the end of its answer."""

    key: str
    token: Token | None


_ROUNDINGS = {torch.float32: 256.0}
"""How many roundings of its type logits may be off when several places are computed at once; measured 1.9 in bfloat16."""


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
        self.length = 0
        self._states: dict[int, list[Tensor]] = {}

    def listen(self, layer: int) -> Callable[..., None]:
        """A forward hook that keeps this layer's output, (1, tokens, width)."""

        def hook(module: nn.Module, args: Any, output: Any) -> None:
            self._states.setdefault(layer, []).append(output[0] if isinstance(output, tuple) else output)

        return hook

    def size(self, layer: int) -> int:
        """For how many tokens the layer's output is known."""
        return sum(part.shape[1] for part in self._states.get(layer, ()))

    def states(self, layer: int, length: int) -> Tensor:
        """A layer's output for the first so many tokens."""
        return torch.cat(self._states[layer], 1)[:, :length]

    @property
    def plain(self) -> bool:
        """Whether the cache is one that can be cut to any length: sliding windows and states of other kinds cannot."""
        return all(type(layer).__name__ == "DynamicLayer" for layer in self.cache.layers)

    def forget(self, length: int) -> None:
        """Keep only the first so many tokens."""
        if length == 0:
            self.cache, self._states = None, {}
        elif length < self.length:
            self.cache.crop(length - self.length)
            self._states = {i: [self.states(i, length)] for i in self._states}
        self.length = length

    def until(self, length: int) -> Any:
        """A cache of its own with the first so many tokens."""
        fresh = type(self.cache)()
        fresh.layers = [_cropped(layer, length) for layer in self.cache.layers]
        return fresh

    def take_over(self, other: "_Heard", below: int, length: int) -> None:
        """The layers below `below` of another text that begins with the same tokens."""
        for i in range(below):
            self._states[i] = [other.states(i, length)]
            self.cache.layers[i] = _cropped(other.cache.layers[i], length)


def _cropped(layer: Any, length: int) -> Any:
    """A cache layer's first so many tokens, in a cache layer of its own."""
    fresh = type(layer)()
    fresh.update(layer.keys[..., :length, :].clone(), layer.values[..., :length, :].clone())
    return fresh


@contextlib.contextmanager
def _silent(layer: Any, output: Tensor | None) -> Generator[None]:
    """A decoder layer that computes nothing: gives this output, or its input."""
    layer.forward = lambda hidden_states, *_, **__: hidden_states if output is None else output
    try:
        yield
    finally:
        del layer.forward


@dataclass
class Speaker:
    """A model that can answer. Its parameters *are* the given tensors: what changes them in place changes its answers."""

    module: Any
    tokenizer: Any
    stops: frozenset[int]
    length: int
    device: torch.device
    template: str = ""
    _pieces: dict[int, str] = field(default_factory=dict[int, str])
    _last: "_Heard | None" = None

    def encode(self, prompt: str) -> list[int]:
        """The prompt's token ids, in the model's chat template where it has one."""
        if getattr(self.tokenizer, "chat_template", None):
            text = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )  # fmt: skip
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        else:
            ids = self.tokenizer(prompt)["input_ids"]
        if len(ids) >= self.length - 1:
            raise MergeError(f"the prompt is {len(ids)} tokens long; this model reads at most {self.length - 2}.")
        return list(ids)

    def piece(self, token: int) -> str:
        """One token's text, with the space before it."""
        if token not in self._pieces:
            self._pieces[token] = self.tokenizer.decode([token], skip_special_tokens=True)
        return self._pieces[token]

    @torch.inference_mode()
    def tokens(self, prompt: str, limit: int, temperature: float = 0.0, seed: int = 0) -> Iterator[Token]:
        """Answer token by token. temperature 0 is greedy; else samples, reproducibly from `seed`.

        A greedy answer to the prompt of the last one takes that answer as a draft: one pass over prompt and draft, from the
        first changed layer up, finds where the model would now say something else; from there on it is made token by token.
        Where nothing has changed the last answer is given again.
        """
        ids = self.encode(prompt)
        given = len(ids)
        if temperature == 0 and (same := self._unchanged(ids, min(limit, self.length - given))) is not None:
            yield from same
            return
        chance = torch.Generator().manual_seed(seed)
        most = min(limit, self.length - given)
        heard = _Heard(ids, self._versions())
        ahead = self._drafted(ids, most, heard) if temperature == 0 else iter(())
        shown = ""
        for _ in range(most):
            probabilities = next(ahead, None)
            if probabilities is None:
                probabilities = self._next(ids, heard)
            if not bool(torch.isfinite(probabilities).all()):
                raise MergeError(_NO_NUMBERS)
            best = probabilities.topk(min(4, len(probabilities)))
            if temperature > 0:
                tilted = (probabilities.log() / temperature).softmax(-1)
                chosen = int(torch.multinomial(tilted, 1, generator=chance))
            else:
                chosen = int(probabilities.argmax())
            ids.append(chosen)
            if chosen in self.stops:
                break
            text = self.tokenizer.decode(ids[given:], skip_special_tokens=True)
            new = "" if text.endswith("\ufffd") else text[len(shown) :]  # half a character waits for its other half
            shown += new
            others = tuple(
                (self.piece(int(i)), float(p)) for p, i in zip(best.values, best.indices, strict=True) if int(i) != chosen
            )
            heard.tokens.append(Token(chosen, new, float(probabilities[chosen]), others[:3]))
            yield heard.tokens[-1]
        if temperature == 0:
            heard.draft = ids[given:]
            self._last = heard

    def _next(self, ids: list[int], heard: "_Heard") -> Tensor:
        """Probabilities of the token after `ids`, (vocabulary,), from what of them has not been computed yet."""
        logits = self._forward(ids[heard.length :], heard, 1)
        return logits[-1].float().softmax(-1).cpu()

    def _unchanged(self, ids: list[int], most: int) -> list[Token] | None:
        """The last answer, if it was to this prompt and of this length, and no parameter has been written to since."""
        last = self._last
        if last is None or last.ids != ids or last.versions != self._versions() or not last.draft or not self._layers:
            return None
        return last.tokens[:most] if last.draft[-1] in self.stops or len(last.draft) >= most else None

    def _drafted(self, ids: list[int], most: int, heard: "_Heard") -> Iterator[Tensor]:
        """Probabilities, (vocabulary,), at the places of the last answer to this prompt, up to the first that is another now.

        One pass over the prompt, as plain decoding has it, one over the answer. Where two tokens are nearly even the rounding
        of many positions at once could choose otherwise than one at a time: such a place is computed again alone.
        """
        last = self._last
        if last is None or last.ids != ids or not last.draft or not last.plain or not self._layers:
            return
        prompt, draft = list(ids), last.draft[:most]
        first = self._forward(prompt, heard, 1, reuse=last)[0].float().softmax(-1).cpu()
        yield first
        if int(first.argmax()) != draft[0] or len(draft) == 1:
            return
        logits = self._forward(draft[:-1], heard, len(draft) - 1, reuse=last).float()
        top = logits.topk(2).values
        kind = next(self.module.parameters()).dtype
        even = _ROUNDINGS.get(kind, 2.0) * torch.finfo(kind).eps * top[:, 0].abs().clamp_min(1)
        near = (top[:, 0] - top[:, 1] <= even).tolist()
        for i, token in enumerate(draft[1:]):
            row = (self._again(prompt + draft[: i + 1], heard) if near[i] else logits[i]).softmax(-1).cpu()
            other = int(row.argmax()) != token
            if other:
                heard.forget(len(prompt) + i + 1)
            yield row
            if other:
                return

    def _again(self, ids: list[int], heard: "_Heard") -> Tensor:
        """Logits after these tokens, (vocabulary,), with the last of them computed alone, as when it was generated."""
        out = self.module(
            input_ids=torch.tensor([ids[-1:]], device=self.device), past_key_values=heard.until(len(ids) - 1), use_cache=True,
            logits_to_keep=1,
        )  # fmt: skip
        return out.logits[0, -1].float()

    def _forward(self, fresh: list[int], heard: "_Heard", keep: int, reuse: "_Heard | None" = None) -> Tensor:
        """Logits of the last `keep` of these tokens, (keep, vocabulary). They follow what `heard` holds, and join it.

        reuse  what was heard of the same tokens before the tensors changed: its layers below the change are taken over
        """
        layers = self._layers
        start, end = heard.length, heard.length + len(fresh)
        below = 0
        if reuse is not None:
            same = zip(heard.versions[:-1], reuse.versions[:-1], strict=True)
            below = next((i for i, (now, before) in enumerate(same) if now != before), len(layers))
            below = below if all(end <= reuse.size(i) for i in range(below)) else 0
        with contextlib.ExitStack() as stack:
            for i, layer in enumerate(layers):
                if reuse is not None and i < below:
                    stack.enter_context(_silent(layer, reuse.states(i, end)[:, start:] if i == below - 1 else None))
                else:
                    stack.callback(layer.register_forward_hook(heard.listen(i)).remove)
            out = self.module(
                input_ids=torch.tensor([fresh], device=self.device), past_key_values=heard.cache, use_cache=True,
                logits_to_keep=keep,
            )  # fmt: skip
        heard.cache = out.past_key_values
        heard.length = end
        if below and reuse is not None:
            heard.take_over(reuse, below, end)
        return out.logits[0, -keep:]

    def _versions(self) -> tuple[tuple[int, ...], ...]:
        """How often each layer's parameters were written to, the first with those before the layers; last, those after them."""
        layers = self._layers
        inside = {id(p) for layer in layers for p in layer.parameters()}
        each: list[list[nn.Parameter]] = [list(layer.parameters()) for layer in layers]
        after: list[nn.Parameter] = []
        for name, p in self.module.named_parameters():
            if id(p) not in inside:
                (after if role(name) in ("norm", "head") or not each else each[0]).append(p)
        return tuple(tuple(p._version for p in own) for own in (*each, after))

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
    def agrees(self, prompt: str, answer: list[int]) -> list[float]:
        """For each token of another model's answer: the probability if this model would have chosen it too, else 0."""
        ids = [*self.encode(prompt), *answer]
        if not answer:
            return []
        out = self.module(input_ids=torch.tensor([ids[:-1]], device=self.device), use_cache=False)
        probabilities = out.logits[0, -len(answer) :].float().softmax(-1)
        best, first = probabilities.max(-1)
        return [float(p) if int(i) == token else 0.0 for p, i, token in zip(best, first, answer, strict=True)]


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
    asked = [speaker.encode(prompt) for prompt in prompts]
    order = sorted(range(len(asked)), key=lambda i: len(asked[i]))
    answers = [""] * len(asked)
    for start in range(0, len(order), batch):
        some = order[start : start + batch]
        said = _say_batch(speaker, [asked[i] for i in some], limit, go_on)
        texts = speaker.tokenizer.batch_decode(said, skip_special_tokens=True)
        for i, text in zip(some, texts, strict=True):
            answers[i] = text.rstrip("\ufffd")
    return answers


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
        if not go_on():
            raise Cancelled("stopped before all prompts were answered.")
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


def speaker(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Speaker:
    """Build a model around tensors without copying them. `folder` gives tokenizer and chat template.

    CheckpointError when transformers does not know the architecture or the tensors do not fit it.
    """
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    kind = str(config.get("model_type", ""))
    if kind not in CONFIG_MAPPING:
        raise CheckpointError(f"{folder}: transformers knows no model type {kind!r}, so this model cannot answer here.")
    try:
        settings = CONFIG_MAPPING[kind].from_dict(dict(config))
        with _weightless():
            module = AutoModelForCausalLM.from_config(settings)
    except Exception as error:  # a stranger's config.json can fail in any way inside transformers
        raise CheckpointError(f"{folder}: its config.json cannot be used: {str(error).splitlines()[0][:200]}") from None
    _adopt(module, tensors, folder)
    device = next(iter(tensors.values())).device
    module.to(device).eval()
    tokenizer = load_tokenizer(folder)
    return Speaker(module, tokenizer, _stops(folder, config, tokenizer), _length(config), device)


def load_tokenizer(folder: Path) -> Any:
    """The folder's tokenizer; CheckpointError when it has none. No code from the folder is run."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # as above
        raise CheckpointError(f"{folder}: its tokenizer cannot be loaded: {str(error).splitlines()[0][:200]}") from None


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
    found: list[Any] = [config.get("eos_token_id"), getattr(tokenizer, "eos_token_id", None)]
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found.append(json.loads((folder / "generation_config.json").read_text(encoding="utf-8")).get("eos_token_id"))
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
