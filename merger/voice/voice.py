"""The second voice: llama.cpp computes, and all else (templates, chance, stop words, scores) is as with the first."""

from collections.abc import Iterator, Mapping, Sequence
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
    """What llama.cpp says after a text, asked as a module of transformers is."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(None, loaded.length, loaded.lock)
        self.loaded = loaded

    @property
    def device(self) -> torch.device:
        """Where its logits are."""
        return torch.device("cpu")

    @property
    def words(self) -> int:
        """Rows of its logits."""
        return self.loaded.words

    @property
    def known(self) -> int:
        """Tokens that it can be given."""
        return self.loaded.words

    def whole(self, ids: list[int], keep: int) -> Tensor:
        """The logits after the last `keep` of these tokens, (keep, vocabulary), with nothing kept."""
        with self.lock:
            self.loaded.forget()
            return self.loaded.read(ids, min(keep, len(ids)))

    def many(self, texts: Sequence[Sequence[int]], keep: int) -> Tensor:
        """The logits after the last `keep` places of texts padded on the right, (texts, keep, vocabulary)."""
        width = max(map(len, texts))
        return torch.stack([self.whole([*text, *[0] * (width - len(text))], keep) for text in texts])

    def steps(self, ids: list[int], most: int) -> Iterator[Tensor]:
        """The logits after `ids`, (1, vocabulary), again and again; the caller appends tokens."""
        while True:
            yield self.loaded.read(ids, 1)

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
    def loaded(self) -> Loaded:
        """The model in llama.cpp's memory."""
        assert isinstance(self.forward, LlamaForward)
        return self.forward.loaded

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
            self.loaded.forget()
        return PrefixCache(ids, self._versions(), sampling)

    def _rows(self, ids: list[int], most: int, heard: PrefixCache, last: PrefixCache | None) -> Iterator[Row]:
        return self._plainly(ids, most)

    def _versions(self) -> tuple[tuple[int, ...], ...]:
        return ((self.loaded.writes,),)


def llama_voice(
    folder: Path, config: Mapping[str, Any], loaded: Loaded, bits: int, origin: str = "the chat template"
) -> LlamaVoice:
    """A voice for a loaded model. folder: of its tokenizer; origin: whose chat template it is, for errors."""
    tokenizer = load_tokenizer(folder)
    return LlamaVoice(LlamaForward(loaded), tokenizer, stops(folder, config, tokenizer), origin, bits=bits)


__all__ = ["UNSEEN", "LlamaForward", "LlamaVoice", "llama_voice"]
