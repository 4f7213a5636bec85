"""Hearing a model: answers to a prompt, a token at a time, from tensors that are already in memory."""

import contextlib
import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from merger.errors import CheckpointError, MergeError
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
        """Answer token by token. temperature 0 is greedy; else samples, reproducibly from `seed`."""
        ids = self.encode(prompt)
        given = len(ids)
        chance = torch.Generator().manual_seed(seed)
        state: Any = None
        fresh = ids
        shown = ""
        for _ in range(min(limit, self.length - given)):
            out = self.module(
                input_ids=torch.tensor([fresh], device=self.device), past_key_values=state, use_cache=True,
                logits_to_keep=1,
            )  # fmt: skip
            state = out.past_key_values
            probabilities = out.logits[0, -1].float().softmax(-1).cpu()
            if not bool(torch.isfinite(probabilities).all()):
                raise MergeError("the merged weights are so large that the model computes no numbers any more.")
            best = probabilities.topk(min(4, len(probabilities)))
            if temperature > 0:
                tilted = (probabilities.log() / temperature).softmax(-1)
                chosen = int(torch.multinomial(tilted, 1, generator=chance))
            else:
                chosen = int(best.indices[0])
            if chosen in self.stops:
                return
            fresh = [chosen]
            ids.append(chosen)
            text = self.tokenizer.decode(ids[given:], skip_special_tokens=True)
            new = "" if text.endswith("\ufffd") else text[len(shown) :]  # half a character waits for its other half
            shown += new
            others = tuple(
                (self.piece(int(i)), float(p)) for p, i in zip(best.values, best.indices, strict=True) if int(i) != chosen
            )
            yield Token(chosen, new, float(probabilities[chosen]), others[:3])

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
