"""A model that can answer, built around tensors that are already in memory."""

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merger.chat.attention import attend_by_rows
from merger.chat.bind import Bound, bind
from merger.chat.building import building
from merger.chat.forward import Forward
from merger.chat.model import ChatModel
from merger.chat.products import multiply_in_float32
from merger.chat.streamed import Make, Rows, StreamedForward
from merger.errors import CheckpointError
from merger.limits import MODEL_GROWTH
from merger.tokenizer import safe


@dataclass(frozen=True)
class Streamed:
    """Where the tensors of a model that is never whole in memory come from, by their names; hears which layer is being made."""

    make: Make
    rows: Rows
    device: torch.device
    tell: Callable[[str], None] = lambda what: None
    room: int = 0
    """Bytes that texts on their way may take; 0: as many as usual."""


def chat_model(
    folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], origin: str = "the chat template",
    stream: Streamed | None = None,
) -> ChatModel:  # fmt: skip
    """Build a model around tensors without copying them. `folder` gives tokenizer and chat template.

    origin  whose chat template it is, for errors
    stream  what makes the tensors when they are needed; `tensors`, on meta, tell their shapes and types
    CheckpointError when transformers does not know the architecture or the tensors do not fit it.
    """
    safe.import_transformers()
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
    voices: list[ChatModel] = []
    refused: list[CheckpointError] = []
    for made in classes:
        try:
            forward, bound = _built(made, settings, tensors, folder, config, stream)
        except CheckpointError as error:
            refused.append(error)
            continue
        ends = stops(folder, config, tokenizer)
        voices.append(ChatModel(forward, tokenizer, ends, origin, bound))
        if len(classes) == 1 or forward.runs():
            return voices[-1]
    if voices:  # what it lacks is said when it is asked
        return voices[0]
    with contextlib.suppress(CheckpointError):  # what sees may need a package that is not here; the text does not
        forward, bound = _built(AutoModelForCausalLM, settings.get_text_config(decoder=True), tensors, folder, config, stream)
        return ChatModel(forward, tokenizer, stops(folder, config, tokenizer), bound=bound)
    raise refused[0]


def _built(
    made: Any, settings: Any, tensors: Mapping[str, Tensor], folder: Path, config: Mapping[str, Any], stream: Streamed | None
) -> tuple[Forward, Bound]:
    """A module of one of transformers' automatic classes, around the tensors."""
    try:
        with building():
            _check_memory(folder, made, settings, tensors)
            module = made.from_config(copy.deepcopy(settings), trust_remote_code=False)
    except CheckpointError:
        raise
    except Exception as error:  # a stranger's config.json can fail in any way inside transformers
        raise CheckpointError(f"{folder}: its config.json cannot be used: {safe.first_line(error)}") from None
    _check_asks(module, folder)
    if stream is not None:
        streamed = StreamedForward(
            module.eval(),
            length(config),
            make=stream.make,
            rows=stream.rows,
            tell=stream.tell,
            on=stream.device,
            room=stream.room,
        )
        streamed.stream(tensors, str(folder))
        attend_by_rows(module)
        multiply_in_float32(module)
        return streamed, Bound()
    bound = bind(module, tensors, str(folder))
    attend_by_rows(module)
    multiply_in_float32(module)
    module.to(next(iter(tensors.values())).device).eval()
    return Forward(module, length(config)), bound


def _speaks(settings: Any, config: Mapping[str, Any]) -> list[Any]:
    """transformers' automatic classes for this config: that which config.json names, that which also sees, the text alone."""
    import transformers as t

    kinds = (
        (t.AutoModelForImageTextToText, t.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING),
        (t.AutoModelForMultimodalLM, t.MODEL_FOR_MULTIMODAL_LM_MAPPING),
        (t.AutoModelForCausalLM, t.MODEL_FOR_CAUSAL_LM_MAPPING),
    )
    named = {name for name in config.get("architectures") or () if isinstance(name, str)}
    problems: dict[Any, Any] = {}
    for kind, mapping in kinds:
        if type(settings) in mapping:
            classes = mapping[type(settings)]
            for cls in classes if isinstance(classes, (tuple, list)) else (classes,):
                problems.setdefault(cls, kind)
    order = sorted(problems, key=lambda cls: cls.__name__ not in named)
    return list(dict.fromkeys(problems[cls] for cls in order))


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
    dtypes = {t.dtype for t in tensors.values() if t.is_floating_point()}
    return dtypes.pop() if len(dtypes) == 1 else None


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


def stops(folder: Path, config: Mapping[str, Any], tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer."""
    nested = config.get("text_config")
    own = nested.get("eos_token_id") if isinstance(nested, dict) and config.get("eos_token_id") is None else None
    named: list[Any] = [config.get("eos_token_id"), own, getattr(tokenizer, "eos_token_id", None), safe.stop_ids(folder)]
    flat = [i for item in named for i in (item if isinstance(item, list) else [item])]
    return frozenset(i for i in flat if isinstance(i, int))


def length(config: Mapping[str, Any]) -> int:
    """The most tokens of a text."""
    nested = config.get("text_config")
    for level in (config, nested if isinstance(nested, dict) else {}):
        for key in ("max_position_embeddings", "n_positions", "n_ctx"):
            if isinstance(level.get(key), int):
                return int(level[key])
    return 2048
