"""What a model has computed of a text, kept so that the next answer need not compute it again."""

import contextlib
import copy
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from merger.chat.sampling import GREEDY, Sampling

if TYPE_CHECKING:
    from merger.chat.model import Token


class PrefixCache:
    """What a model has computed of a text: keys and values of every layer, and each layer's output."""

    def __init__(self, ids: list[int], versions: tuple[tuple[int, ...], ...], sampling: Sampling = GREEDY) -> None:
        self.ids = list(ids)
        """The prompt."""
        self.versions = versions
        """How often each layer's parameters had been written to."""
        self.sampling = sampling
        """How the answer's tokens were chosen."""
        self.draft: list[int] = []
        """The answer, with its stop token if it came to one."""
        self.cut = False
        """Whether the answer was cut off at its length."""
        self.tokens: list[Token] = []
        self.cache: Any = None
        self._counts: list[int] = []
        """How many tokens of each pass are known to be the text's: what follows them was a guess."""
        self._states: dict[int, list[Tensor]] = {}

    @property
    def length(self) -> int:
        """For how many tokens it is computed."""
        return sum(self._counts)

    def begin(self, other: "PrefixCache", length: int) -> None:
        """Begin with the first so many tokens of another text, which are this one's too."""
        if length:
            self.cache, self._counts = other.until(length), [length]
            self._states = {i: [other.states(i, 0, length)] for i in other._states}

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

    def crop(self, length: int) -> None:
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

    def take_over(self, other: "PrefixCache", below: int, start: int) -> None:
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
def silent(layer: Any, output: Tensor | None, wraps: Callable[[], bool]) -> Generator[None]:
    """A decoder layer that computes nothing: gives this output, or its input; in a tuple where layers do so."""

    def forward(hidden_states: Tensor, *_: Any, **__: Any) -> Any:
        given = hidden_states if output is None else output
        return (given,) if wraps() else given

    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward
