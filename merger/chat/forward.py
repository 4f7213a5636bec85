"""A transformers module as answers call it, and what it says after a text."""

import contextlib
import ctypes
import functools
import inspect
import math
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from merger.errors import MergeError

_ROUNDINGS = {torch.float32: 256.0}
"""How many roundings of its type logits may be off between one token at a time and many at once, where these do not give the
same bits; 8 in half precision. Chosen, not proven: with SmolLM2-135M single logits were seen to differ by 1e-4 in float32 and
by 1.1 in bfloat16, and a margin can move by twice that, so that in half precision this bound can be too small.
"""
NO_NUMBERS = "the merged weights are so large that the model computes no numbers any more."


@dataclass(frozen=True)
class Row:
    """What a model says after a text: the logarithms of all probabilities, (vocabulary,), the best token, the four likeliest.

    even   whether the first two are nearer than what rounding may change between passes of unlike shapes
    raw    what the model computed, (vocabulary,), as float32 on the CPU
    """

    logits: Tensor
    best: int
    likeliest: tuple[tuple[int, float], ...]
    even: bool
    raw: Tensor

    def probability(self, token: int) -> float:
        """The probability of a token."""
        return math.exp(float(self.logits[token]))


def rows_of(logits: Tensor) -> list[Row]:
    """The rows of some logits, (n, vocabulary); MergeError when they are no numbers."""
    kind = logits.dtype
    logits = logits.float().cpu()
    best = logits.argmax(-1).tolist()  # the first of equals, as transformers
    chances = logits.log_softmax(-1)
    top = chances.topk(min(4, chances.shape[-1]))
    if not bool(torch.isfinite(top.values[:, 0]).all()):
        raise MergeError(NO_NUMBERS)
    size = logits.amax(-1).abs().clamp_min(1)
    bound = _ROUNDINGS.get(kind, 8.0) * torch.finfo(kind).eps * size
    even = (top.values[:, 0] - top.values[:, 1] <= bound).tolist()
    shares, ids = top.values.exp().tolist(), top.indices.tolist()
    return [Row(row, best[i], tuple(zip(ids[i], shares[i], strict=True)), even[i], logits[i]) for i, row in enumerate(chances)]


_SMALL = 1 << 24
"""Products of weights with tokens that one thread does in the time in which another wakes for each of a pass's layers."""


@functools.cache
def threads_of_openmp() -> Callable[[int], None] | None:
    """Sets how many threads the one that calls computes with; None where OpenMP is not to be found. torch's own call would set it
    for all threads that are to come, too."""
    try:
        return ctypes.PyDLL(None).omp_set_num_threads
    except (AttributeError, OSError, TypeError):
        return None


@contextlib.contextmanager
def _alone(small: bool) -> Generator[None]:
    """Compute with one thread: on a busy machine a small product waits for the other many times as long as it takes."""
    before, threads = torch.get_num_threads(), threads_of_openmp()
    if not small or before == 1 or threads is None:
        yield
        return
    threads(1)
    try:
        yield
    finally:
        threads(before)


T = TypeVar("T")


@dataclass(frozen=True)
class Work(Generic[T]):
    """A computation with the module. tokens: so many are in the making at once; cached: their keys and values are kept.

    alone  no other may be under way: some kinds keep what they have read in their own layers
    """

    run: Callable[[], T]
    tokens: int
    cached: bool = False
    alone: bool = False


@dataclass
class Forward:
    """A module that goes on with a text of at most `length` tokens. One pass runs at a time: `lock` is for what hooks into it."""

    module: Any
    length: int
    lock: Any = field(default_factory=threading.Lock)

    streamed = False
    """Whether layers are made when they are needed, see merger/chat/streamed.py: then many tokens at once are for the asking."""
    at_once = 1 << 26
    """Logits that are computed at once: 256 MB in float32."""

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return self.module.device

    @property
    def words(self) -> int:
        """Rows of its logits."""
        return int(getattr(self.module.config.get_text_config(decoder=True), "vocab_size", 0) or 1)

    @property
    def known(self) -> int:
        """Tokens that it can be given."""
        return int(self.module.get_input_embeddings().weight.shape[0])

    def each(self, works: Sequence["Work[T]"], check: Callable[[], None]) -> Iterator[tuple[int, T]]:
        """What each work gives, by its place, one after the other. check: asked before each, raises where all is to end."""
        for place, work in enumerate(works):
            check()
            yield place, work.run()

    def rounds(self, works: Sequence["Work[T]"]) -> list[range]:
        """Which works, by their places, go through the module together."""
        return [range(place, place + 1) for place in range(len(works))]

    def fits(self, tokens: int) -> int:
        """How many texts of so many tokens one work that keeps what it has read may have; at least one."""
        return 1 << 30

    def keeping(self) -> contextlib.AbstractContextManager[None]:
        """While it lasts, what is needed again and again stays."""
        return contextlib.nullcontext()

    def call(self, fresh: list[int], cache: Any, keep: int) -> Any:
        """The module's output for these tokens after what is in the cache."""
        given = torch.tensor([fresh], device=self.device)
        kept = {"logits_to_keep": keep} if "logits_to_keep" in self.takes else {}
        with _alone(self._numbers * len(fresh) <= _SMALL):
            return self.module(input_ids=given, use_cache=True, **kept, **{self.keeps: cache})

    def whole(self, ids: list[int], keep: int) -> Tensor:
        """The logits after the last `keep` of these tokens, (keep, vocabulary), with nothing kept."""
        asked = {"use_cache": False} if "use_cache" in self.takes else {}
        return self.module(input_ids=torch.tensor([ids], device=self.device), **asked).logits[0, -keep:]

    def many(self, texts: Sequence[Sequence[int]], keep: int) -> Tensor:
        """The logits after the last `keep` places of texts padded on the right, (texts, keep, vocabulary): what comes later
        changes nothing of what a causal model says before."""
        width = max(map(len, texts))
        ids = torch.tensor([[*text, *[0] * (width - len(text))] for text in texts], device=self.device)
        extra: dict[str, Any] = {"use_cache": False} if "use_cache" in self.takes else {}
        if "logits_to_keep" in self.takes:
            extra["logits_to_keep"] = keep
        return self.module(input_ids=ids, **extra).logits[:, -keep:]

    def steps(self, ids: list[int], most: int) -> Iterator[Tensor]:
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

    @torch.inference_mode()
    def runs(self) -> bool:
        """Whether the module computes anything from a text alone."""
        try:
            self.whole([0], 1)
            return True
        except Exception:  # whatever a kind of model wants beside it
            return False

    @cached_property
    def takes(self) -> frozenset[str]:
        """The arguments that the module's forward knows by name."""
        return frozenset(inspect.signature(self.module.forward).parameters)

    @cached_property
    def _numbers(self) -> int:
        """How many weights it has."""
        return sum(weight.numel() for weight in self.module.parameters())

    @property
    def keeps(self) -> str:
        """What the module's forward calls its cache."""
        return "cache" if "cache" in self.takes else "past_key_values"

    @property
    def decoder(self) -> nn.Module:
        """The part of the module that reads and writes text: the whole, where it cannot be told."""
        with contextlib.suppress(Exception):  # whatever a kind of model does here
            decoder = self.module.get_decoder()
            return decoder if isinstance(decoder, nn.Module) else self.module
        return self.module

    @cached_property
    def layers(self) -> list[nn.Module]:
        """The module's decoder layers in order; none where they cannot be told."""
        count = getattr(self.module.config.get_text_config(decoder=True), "num_hidden_layers", None)
        stacks = [m for m in self.decoder.modules() if isinstance(m, nn.ModuleList) and len(m) == count]
        return list(stacks[0]) if len(stacks) == 1 else []

    @cached_property
    def kind(self) -> str:
        """What decides how its sums are made."""
        return f"{self.device} {next(self.module.parameters()).dtype} {self.module.config.to_json_string(use_diff=False)}"

    def padded(self, texts: Sequence[list[int]], length: int) -> tuple[Tensor, Tensor, dict[str, Any]]:
        """Texts padded on the left, (texts, length), what of them is text, and what else the module's forward takes."""
        fresh = torch.tensor([[0] * (length - len(ids)) + ids for ids in texts], device=self.device)
        real = torch.tensor([[0] * (length - len(ids)) + [1] * len(ids) for ids in texts], device=self.device)
        extra: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in self.takes else {}
        if "position_ids" in self.takes:
            extra["position_ids"] = (real.cumsum(-1) - 1).clamp_min(0)
        return fresh, real, extra
