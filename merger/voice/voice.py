"""The second voice: llama.cpp computes, and all else (templates, chance, stop words, scores) is as with the first."""

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from merger.chat.conversation import Conversation
from merger.chat.forward import Forward, Row
from merger.chat.load import load_tokenizer, stops
from merger.chat.model import ChatModel
from merger.chat.prefix_cache import PrefixCache
from merger.chat.reuse import Probe
from merger.chat.sampling import Sampling
from merger.errors import MergeError
from merger.voice.loaded import Loaded

UNSEEN = "this merge is heard through llama.cpp, which tells no more than what it says; this needs the model itself in memory."


class LlamaForward(Forward):
    """What llama.cpp says after a text, asked as a module of transformers is.

    hold  gives the loaded model with the weights of whom it speaks for: others may have had theirs in it meanwhile
    lock  is held from then on until the logits are there
    """

    def __init__(self, hold: Callable[[], Loaded], lock: Any, words: int, length: int) -> None:
        super().__init__(None, length, lock)
        self._hold, self._words = hold, words
        self.go_on: Callable[[], bool] | None = None

    @contextlib.contextmanager
    def heeding(self, go_on: Callable[[], bool]) -> Generator[None]:
        """While this lasts the reading of a text ends, with Cancelled, soon after go_on has said no."""
        before, self.go_on = self.go_on, go_on
        try:
            yield
        finally:
            self.go_on = before

    @property
    def device(self) -> torch.device:
        """Where its logits are."""
        return torch.device("cpu")

    @property
    def words(self) -> int:
        """Rows of its logits."""
        return self._words

    @property
    def known(self) -> int:
        """Tokens that it can be given."""
        return self._words

    def whole(self, ids: list[int], keep: int) -> Tensor:
        """The logits after the last `keep` of these tokens, (keep, vocabulary), with nothing kept."""
        with self.lock:
            loaded = self._hold()
            loaded.forget()
            return loaded.read(ids, min(keep, len(ids)), self.go_on)

    def many(self, texts: Sequence[Sequence[int]], keep: int) -> Tensor:
        """The logits after the last `keep` places of texts padded on the right, (texts, keep, vocabulary)."""
        width = max(map(len, texts))
        return torch.stack([self.whole([*text, *[0] * (width - len(text))], keep) for text in texts])

    def steps(self, ids: list[int], most: int) -> Iterator[Tensor]:
        """The logits after `ids`, (1, vocabulary), again and again; the caller appends tokens."""
        while True:
            with self.lock:
                found = self._hold().read(ids, 1, self.go_on)
            yield found

    def forget(self) -> None:
        """Drop what was heard."""
        with self.lock:
            self._hold().forget()

    @property
    def writes(self) -> int:
        """Counts what was written to its tensors."""
        with self.lock:
            return self._hold().writes

    def call(self, fresh: list[int], cache: Any, keep: int) -> Any:
        """Not here: what a text leaves behind stays in llama.cpp."""
        raise MergeError(UNSEEN)

    def padded(self, texts: Sequence[list[int]], length: int) -> tuple[Tensor, Tensor, dict[str, Any]]:
        """Not here: nothing is padded."""
        raise MergeError(UNSEEN)

    @property
    def layers(self) -> list[nn.Module]:  # type: ignore[override]
        """None that could be looked at."""
        return []


@dataclass
class LlamaVoice(ChatModel):
    """A model that llama.cpp speaks for. bits: of a weight, as it is heard."""

    bits: int = 16

    @property
    def llama(self) -> LlamaForward:
        """What llama.cpp says."""
        assert isinstance(self.forward, LlamaForward)
        return self.forward

    @property
    def module(self) -> Any:
        """There is none: MergeError."""
        raise MergeError(UNSEEN)

    @property
    def probed(self) -> Probe:
        """It goes on step by step, and keeps of a text what it keeps."""
        return Probe(by="steps")

    def _begun(self, ids: list[int], prompt: str, sampling: Sampling) -> PrefixCache:
        """Of a conversation what was heard of it is gone on with; all else is computed from its start, see ChatModel."""
        if not isinstance(prompt, Conversation):
            self.llama.forget()
        return PrefixCache(ids, self._versions(), sampling)

    def _rows(self, ids: list[int], most: int, heard: PrefixCache, last: PrefixCache | None) -> Iterator[Row]:
        return self._plainly(ids, most)

    def _versions(self) -> tuple[tuple[int, ...], ...]:
        return ((self.llama.writes,),)


def llama_voice(
    folder: Path, config: Mapping[str, Any], forward: LlamaForward, bits: int, origin: str = "the chat template"
) -> LlamaVoice:
    """A voice by llama.cpp. folder: of its tokenizer; origin: whose chat template it is, for errors."""
    tokenizer = load_tokenizer(folder)
    return LlamaVoice(forward, tokenizer, stops(folder, config, tokenizer), origin, bits=bits)


__all__ = ["UNSEEN", "LlamaForward", "LlamaVoice", "llama_voice"]
