"""Output heads: whether a model's head is its own tensor or the embeddings again, and what config.json says of it."""

from collections.abc import Mapping
from typing import Any

from merger.errors import CheckpointError
from merger.files.checkpoints import Checkpoint
from merger.files.layout import role

HEAD = "lm_head.weight"
_EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "shared.weight", "word_embeddings.weight")
_ROWS = 1 << 12


def is_head(name: str) -> bool:
    """Whether a tensor is the output head of a language model, which may be its embeddings again."""
    return name == HEAD or name.endswith(f".{HEAD}")


def embeddings(model: Checkpoint) -> str | None:
    """The name of the text model's embeddings."""
    return next((name for name in model.tensors if name.endswith(_EMBEDDINGS) and role(name) == "embed"), None)


# What some files hold twice and others once: the end of a name -> the ends of the names that it may be stored under instead.
_AGAIN = (
    ((HEAD,), _EMBEDDINGS),
    (("encoder.embed_tokens.weight", "decoder.embed_tokens.weight"), ("shared.weight",)),
    (("shared.weight",), ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")),
    (("predictions.decoder.weight",), ("word_embeddings.weight",)),
    (("predictions.decoder.bias",), ("predictions.bias",)),
)  # fmt: skip


def stored_as(name: str, model: Checkpoint) -> str | None:
    """The tensor under which a model stores another that it has not, since both are the same numbers."""
    others = next((others for ends, others in _AGAIN if name.endswith(ends)), ())
    return next((n for n in model.tensors if n.endswith(others)), None) if others else None


def says_tied(config: Mapping[str, Any]) -> bool | None:
    """What a config.json says: the head is the embeddings again. None where it says nothing."""
    nested = config.get("text_config")
    within = nested.get("tie_word_embeddings") if isinstance(nested, Mapping) else None
    said = config.get("tie_word_embeddings", within)
    return None if said is None else bool(said)


def untied(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config with a head of its own, at every level that speaks of it."""
    changed = {**config, "tie_word_embeddings": False}
    nested = config.get("text_config")
    if isinstance(nested, Mapping) and "tie_word_embeddings" in nested:
        changed["text_config"] = {**nested, "tie_word_embeddings": False}
    return changed


def own_heads(model: Checkpoint) -> tuple[str, ...]:
    """Heads that a model stores and that are its own.

    Where its config says that the head is the embeddings again, the numbers decide: a head that was trained apart is used by
    transformers, whatever the config says.
    """
    stored = [name for name in model.tensors if is_head(name)]
    if not says_tied(model.config):
        return tuple(stored)
    rows = embeddings(model)
    return tuple(name for name in stored if rows is None or not _same(model, name, rows))


def _same(model: Checkpoint, one: str, other: str) -> bool:
    """Whether two tensors hold the same numbers; for a model on the Hub, by its first rows. Looked at once."""
    key = (one, other)
    a, b = model.tensors[one], model.tensors[other]
    if a == b:
        return True
    if a.shape != b.shape:
        return False
    if key not in model.compared:
        same = True
        for start in range(0, a.shape[0], _ROWS):
            rows = slice(start, start + _ROWS)
            try:
                same = bool((model.read(one, rows) == model.read(other, rows)).all())
            except CheckpointError:  # not here yet
                break
            if not same:
                break
        model.compared[key] = same
    return model.compared[key]


__all__ = ["HEAD", "embeddings", "is_head", "own_heads", "says_tied", "untied"]
