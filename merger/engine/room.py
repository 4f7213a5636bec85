"""What a recipe takes of a device's memory: its models, the merge, a tensor in the making, the texts that are heard."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from merger.engine.merge import Planned, page_room, working_memory
from merger.engine.plan import Plan, Source
from merger.files.checkpoints import Checkpoint, in_words
from merger.hub.lora import Adapted
from merger.kernels import devices

TEXT = 512
"""Tokens of prompt and answer that are reckoned with where the text is not known yet."""


@dataclass(frozen=True)
class Need:
    """Bytes that a recipe takes on a device, each part counted once.

    models   each opened model by its reference: sessions, voices and sweeps share them
    merged   the merge, and rows of other vocabularies that were matched to its own
    working  while one tensor is made, the most
    texts    what the voices keep of a text, and compute on the way
    """

    models: Mapping[str, int]
    merged: int
    working: int
    texts: int

    @property
    def beside(self) -> int:
        """What is taken for a while: tensors are not made while voices speak."""
        return max(self.working, self.texts)

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.models.values()) + self.merged + self.beside


def need(decided: Plan | None, models: Mapping[str, Checkpoint], device: torch.device, tokens: int = TEXT) -> Need:
    """What a recipe takes, from headers alone.

    decided  its plan; None where nothing is merged
    models   what the recipe names, and whoever else speaks
    tokens   of prompt and answer, 0 where nobody speaks
    """
    opened = {reference: model for reference, model in models.items() if not isinstance(model, Planned)}
    jobs = decided.jobs if decided else ()
    matched = {s: job for job in jobs for s in (*job.sources, *([job.base] if job.base else [])) if s.vocab is not None}
    rows = sum(math.prod(job.shape) * _stored(models, source) for source, job in matched.items())
    voices = [(model.config, max((t.dtype.itemsize for t in model.tensors.values()), default=2)) for model in opened.values()]
    if decided is not None:
        voices.append((decided.config, max((job.out.itemsize for job in jobs if job.out.is_floating_point), default=2)))
    texts = [heard(config, size, tokens) for config, size in voices]
    return Need(
        {reference: read_bytes(model) for reference, model in opened.items()}, (decided.nbytes if decided else 0) + rows,
        max((working_memory(job, device.type) for job in jobs), default=0),
        sum(texts) + max((passing(config, size, tokens) for config, size in voices), default=0),
    )  # fmt: skip


def read_bytes(model: Checkpoint) -> int:
    """Bytes of a model's tensors as they are held. What a LoRA changes is merged in float32, and spoken as on the disk."""
    pairs = model.pairs if isinstance(model, Adapted) else {}
    wide = sum(model.tensors[name].numel * 4 for name in pairs if model.tensors[name].dtype.itemsize < 4)
    return model.nbytes + wide


def _stored(models: Mapping[str, Checkpoint], source: Source) -> int:
    stored = models[source.key].tensors.get(source.name)
    return stored.dtype.itemsize if stored else 4


def heard(config: Mapping[str, Any], itemsize: int, tokens: int) -> int:
    """Bytes that a voice keeps of a text while it makes the next: keys, values and each layer's output, of both."""
    level = _level(config)
    return 2 * _most(level, tokens) * _number(level, *_LAYERS) * (_keys(level) + _number(level, *_HIDDEN)) * itemsize


def passing(config: Mapping[str, Any], itemsize: int, tokens: int) -> int:
    """Bytes of what comes and goes while a voice speaks: a layer's activations, what is joined anew, the words' scores."""
    level = _level(config)
    tokens, hidden = _most(level, tokens), _number(level, *_HIDDEN)
    inner, words = _number(level, *_INNER) or 4 * hidden, _number(level, "vocab_size")
    joined = _number(level, *_LAYERS) * hidden + _keys(level)
    return tokens * (8 * hidden + 3 * inner + joined) * itemsize + min(tokens, 160) * words * (itemsize + 12)


def _keys(level: Mapping[str, Any]) -> int:
    """Numbers that a layer keeps of a token: its keys and values."""
    heads = _number(level, *_HEADS)
    width = _number(level, "head_dim") or _number(level, *_HIDDEN) // max(1, heads)
    return 2 * (_number(level, "num_key_value_heads") or heads) * width


def _most(level: Mapping[str, Any], tokens: int) -> int:
    """No text is longer than the model's positions."""
    return min(tokens, _number(level, "max_position_embeddings", "n_positions", "n_ctx") or 2048)


_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
_HIDDEN = ("hidden_size", "n_embd", "d_model")
_HEADS = ("num_attention_heads", "n_head")
_INNER = ("intermediate_size", "n_inner", "d_ff")


def _level(config: Mapping[str, Any]) -> Mapping[str, Any]:
    nested = config.get("text_config")
    return nested if isinstance(nested, dict) else config


def _number(config: Mapping[str, Any], *names: str) -> int:
    found = next((config[name] for name in names if isinstance(config.get(name), int)), 0)
    return min(max(0, found), 1 << 24)  # a stranger's


def available(device: torch.device) -> tuple[int, int] | None:
    """Bytes that can be taken now, and that this process could take if it let go of all it has; None: unknown."""
    if device.type != "cpu":
        return devices.memory(device)
    free = page_room()
    return None if free is None else (free, free)


def too_much(what: Need, device: torch.device) -> str:
    """What to tell where a device's memory ran out although all else was let go of: what is needed, free, and would fit."""
    place = "This machine's memory" if device.type == "cpu" else f"The GPU's memory ({device})"
    count, models = len(what.models), sum(what.models.values())
    told = (
        f"{place} ran out: {count} model{'s' * (count > 1)} take{'s' * (count == 1)} {in_words(models)}, their merge "
        f"{in_words(what.merged)} and computing {in_words(what.beside)}, together {in_words(what.total)}"
    )
    have = available(device)
    if have is None:
        return f"{told}. Fewer or smaller models would fit."
    return f"{told}; {in_words(have[0])} are free. {fitting(what, have[0])}"


def fitting(what: Need, room: int) -> str:
    """A sentence on what would fit into so many bytes."""
    if what.total <= room:
        return "Another program may have taken memory meanwhile; try again."
    sizes = sorted(what.models.values())
    left, fits = room - what.merged - what.beside, 0
    for size in sizes:
        left -= size
        fits += left >= 0
    if 2 <= fits < len(sizes):
        return f"{fits} of these models and their merge would fit."
    each = (room - what.beside) // (len(sizes) + 1)
    return f"Models of up to {in_words(each)} each would fit." if each > 0 else "Smaller models would fit, or a shorter text."


__all__ = ["Need", "available", "fitting", "heard", "need", "passing", "read_bytes", "too_much"]
