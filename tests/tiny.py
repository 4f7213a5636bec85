"""Tiny, deterministic Llama checkpoints for tests: real file layout, a few thousand parameters, no network.

    folders = make_family(tmp_path, models=("base", "a", "b"))

The first model is the base, the others are fine-tunes of it. Every tensor depends only on the seed, its
name and shape, and its model's name and place, so asking for more models or layers never changes those
already known, and torch's global random state is neither read nor moved. Numbers come from integer draws
and plain arithmetic (no `randn`, whose last bit depends on the CPU), so every machine makes the same
family: golden numbers rely on that.

Within one tensor of a float32 fine-tune no two deltas have the same magnitude, so that "the largest k" is
well defined and any correct implementation keeps the same ones. Half precision cannot promise that.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

SPECIAL = ("<unk>", "<s>", "</s>")
LETTERS = " etaoinshrdlucmfwypvbgkjqxz.,!?'-:;0123456789\n"
# Relative size of the fine-tunes' deltas, in turn: unequal, so that mixing up two parents shows.
STRENGTHS = (0.25, 0.18, 0.32)


def make_family(
    folder: str | Path,
    *,
    models: Sequence[str] = ("base", "a", "b", "c"),
    layers: int = 4,
    width: int = 8,
    ffn: int = 16,
    heads: int = 2,
    kv_heads: int = 1,
    vocab: int = 24,
    dtype: torch.dtype = torch.float32,
    tied: bool = False,
    shards: int = 1,
    seed: int = 0,
) -> dict[str, Path]:
    """Write one Hugging Face folder per model under `folder`; the first is the base of the others."""
    shapes = tensor_shapes(layers, width, ffn, heads, kv_heads, vocab, tied)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "head_dim": width // heads,
        "hidden_act": "silu",
        "hidden_size": width,
        "initializer_range": 0.02,
        "intermediate_size": ffn,
        "max_position_embeddings": 64,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "num_key_value_heads": kv_heads,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": tied,
        "torch_dtype": str(dtype).removeprefix("torch."),
        "use_cache": True,
        "vocab_size": vocab,
    }
    folders: dict[str, Path] = {}
    for index, model in enumerate(models):
        path = Path(folder) / model
        path.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, torch.Tensor] = {}
        for name, shape in shapes.items():
            values = _base_values(f"{seed}|{models[0]}|{name}", shape)
            if index > 0:
                strength = STRENGTHS[(index - 1) % len(STRENGTHS)]
                values = values + strength * _spread(shape) * _delta_values(seed, model, name, shape)
            tensors[name] = values.to(dtype)
        _write_json(path / "config.json", config)
        _write_json(path / "generation_config.json", {"bos_token_id": 1, "eos_token_id": 2, "do_sample": False})
        _write_weights(path, tensors, shards)
        _write_tokenizer(path, vocab)
        folders[model] = path
    return folders


def tensor_shapes(
    layers: int, width: int, ffn: int, heads: int, kv_heads: int, vocab: int, tied: bool
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a Llama checkpoint, in the order of its forward pass."""
    keys = kv_heads * (width // heads)
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocab, width)}
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        shapes[prefix + "input_layernorm.weight"] = (width,)
        shapes[prefix + "self_attn.q_proj.weight"] = (width, width)
        shapes[prefix + "self_attn.k_proj.weight"] = (keys, width)
        shapes[prefix + "self_attn.v_proj.weight"] = (keys, width)
        shapes[prefix + "self_attn.o_proj.weight"] = (width, width)
        shapes[prefix + "post_attention_layernorm.weight"] = (width,)
        shapes[prefix + "mlp.gate_proj.weight"] = (ffn, width)
        shapes[prefix + "mlp.up_proj.weight"] = (ffn, width)
        shapes[prefix + "mlp.down_proj.weight"] = (width, ffn)
    shapes["model.norm.weight"] = (width,)
    if not tied:
        shapes["lm_head.weight"] = (vocab, width)
    return shapes


def read_weights(folder: str | Path) -> dict[str, torch.Tensor]:
    """Every tensor of a checkpoint folder, whatever its shards."""
    tensors: dict[str, torch.Tensor] = {}
    for path in sorted(Path(folder).glob("*.safetensors")):
        with safe_open(str(path), framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 (a safe_open handle is not a mapping)
                tensors[name] = file.get_tensor(name)
    return tensors


def family_digest(folders: dict[str, Path]) -> str:
    """SHA-256 of names and bytes of all weights: tells whether golden numbers belong to this family."""
    digest = hashlib.sha256()
    for model in sorted(folders):
        for name, tensor in sorted(read_weights(folders[model]).items()):
            digest.update(f"{model}/{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
            digest.update(bytes(tensor.contiguous().flatten().view(torch.uint8).tolist()))
    return digest.hexdigest()


def _generator(key: str) -> torch.Generator:
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "little")
    return torch.Generator().manual_seed(number)


def _uniform(generator: torch.Generator, *shape: int) -> torch.Tensor:
    """float64 in (0, 1), never its ends, exact: an odd multiple of 2**-25."""
    return (torch.randint(0, 2**24, shape, generator=generator).double() * 2 + 1) * 2.0**-25


def _spread(shape: tuple[int, ...]) -> float:
    """Typical size of an entry: as after training, rows of matrices have norms around 1."""
    return 0.1 if len(shape) == 1 else 1 / math.sqrt(shape[-1])


def _base_values(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Sum of twelve uniforms: standard normal for our purposes and free of transcendental functions."""
    normal = _uniform(_generator(key), 12, *shape).sum(dim=0) - 6
    centre = 1.0 if len(shape) == 1 else 0.0  # norm weights lie around 1
    return centre + _spread(shape) * normal


def _delta_values(seed: int, model: str, name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Deltas of standard size: magnitudes all different, signs that partly agree between models."""
    count = 1
    for side in shape:
        count *= side
    own = _generator(f"{seed}|{model}|{name}")
    # One magnitude from each of `count` equal strata, in random order, away from the strata's edges:
    # neighbours differ by at least 1/(2 count), far more than float32 rounding of base + delta.
    strata = torch.randperm(count, generator=own).double()
    v = (strata + 0.25 + 0.5 * _uniform(own, count)) / count
    magnitude = v * (0.9 + 1.5 * v * v * v)
    # Fine-tunes of one base agree more often than chance: 3 of 4 signs follow a shared direction.
    shared = _uniform(_generator(f"{seed}|direction|{name}"), count) < 0.5
    follow = _uniform(own, count) < 0.75
    sign = 1.0 - 2.0 * (shared ^ ~follow).double()
    return (sign * magnitude).reshape(shape)


def _write_weights(path: Path, tensors: dict[str, torch.Tensor], shards: int) -> None:
    for stale in (*path.glob("model*.safetensors"), path / "model.safetensors.index.json"):
        stale.unlink(missing_ok=True)
    if shards <= 1:
        save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
        return
    names = list(tensors)
    weight_map: dict[str, str] = {}
    for shard in range(shards):
        part = names[len(names) * shard // shards : len(names) * (shard + 1) // shards]
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        save_file({name: tensors[name] for name in part}, path / file, metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(part, file))
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(weight_map.items()))}
    _write_json(path / "model.safetensors.index.json", index)


def _write_tokenizer(path: Path, vocab: int) -> None:
    """A byte-pair tokenizer of letters, then of pairs of letters while the vocabulary has room."""
    letters = LETTERS[: max(0, vocab - len(SPECIAL))]
    room = max(0, vocab - len(SPECIAL) - len(letters))
    pairs = [(x, y) for x in letters for y in letters][:room]
    if len(pairs) < room:
        raise ValueError(f"no names for a vocabulary of {vocab}; ask for a smaller one")
    tokens = [*SPECIAL, *letters, *(x + y for x, y in pairs)][:vocab]
    added = [
        {
            "id": index,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for index, token in enumerate(SPECIAL)
    ]
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: index for index, token in enumerate(tokens)},
            "merges": [[x, y] for x, y in pairs],
        },
    }
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 64,
    }
    _write_json(path / "tokenizer.json", tokenizer)
    _write_json(path / "tokenizer_config.json", settings)


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
