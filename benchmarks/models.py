"""Models to merge in benchmarks, made from fixed seeds: a base and two fine-tunes of one of four sizes.

The fine-tunes' changes are heavy-tailed noise plus a low-rank part, 5 % and 3 % of the weights' size, as real ones are. The
base of `135M` is the real SmolLM2-135M-Instruct where the tests have fetched it; the others are random.
"""

import json
import math
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

ROOT = Path(__file__).parent.parent
Shape = tuple[int, ...]
# layers, width, feed-forward, key-value width, vocabulary, tied head
SIZES: dict[str, tuple[int, int, int, int, int, bool]] = {
    "tiny": (6, 576, 1536, 192, 16384, True), "135M": (30, 576, 1536, 192, 49152, True),
    "1.17B": (22, 2048, 5632, 256, 49152, False), "3B": (28, 3072, 8192, 1024, 49152, True),
}  # fmt: skip
MODELS = {"base": 0.0, "one": 0.05, "two": 0.03}
_SHARD = 1_200_000_000


def shapes(size: str) -> dict[str, Shape]:
    """The tensors of a Llama-like model in file order."""
    layers, width, inner, kv, vocab, tied = SIZES[size]
    found: dict[str, Shape] = {"model.embed_tokens.weight": (vocab, width)}
    for i in range(layers):
        own = f"model.layers.{i}."
        found |= {
            own + "self_attn.q_proj.weight": (width, width), own + "self_attn.k_proj.weight": (kv, width),
            own + "self_attn.v_proj.weight": (kv, width), own + "self_attn.o_proj.weight": (width, width),
            own + "mlp.gate_proj.weight": (inner, width), own + "mlp.up_proj.weight": (inner, width),
            own + "mlp.down_proj.weight": (width, inner), own + "input_layernorm.weight": (width,),
            own + "post_attention_layernorm.weight": (width,),
        }  # fmt: skip
    return found | {"model.norm.weight": (width,)} | ({} if tied else {"lm_head.weight": (vocab, width)})


def models(size: str, folder: Path) -> Path:
    """The folder of a size's three models, made if it is not there."""
    where = folder / size
    if (where / "done").is_file():
        return where
    print(f"making the {size} models in {where} ...", file=sys.stderr, flush=True)
    real = real_base() if size == "135M" else None
    for i, (name, share) in enumerate(MODELS.items()):
        _write(where / name, size, _tensors(size, i, share, real))
    (where / "done").touch()
    return where


def real_base() -> Path | None:
    """SmolLM2-135M-Instruct as the tests keep it."""
    found = ROOT / ".cache" / "smollm" / "base"
    return found if (found / "model.safetensors").is_file() else None


def _tensors(size: str, model: int, share: float, real: Path | None) -> Iterator[tuple[str, Tensor]]:
    if size == "3B":
        yield from _from_a_pool(size, model, share)
        return
    for n, (name, shape) in enumerate(shapes(size).items()):
        if real is not None:
            with safe_open(real / "model.safetensors", "pt") as file:
                base = file.get_tensor(name).float()
        else:
            base = torch.randn(shape, generator=torch.Generator().manual_seed(n)) / math.sqrt(shape[-1])
        if share:
            g = torch.Generator().manual_seed(1000 * model + n)
            noise = torch.randn(shape, generator=g)
            noise *= noise.abs().sqrt_()  # heavier tails than the normal's
            if len(shape) == 2:
                noise += torch.randn(shape[0], 8, generator=g) @ torch.randn(8, shape[1], generator=g) * 0.2
            base += noise * (share * base.square().mean().sqrt() / noise.square().mean().sqrt())
        yield name, base.to(torch.bfloat16)


def _from_a_pool(size: str, model: int, share: float) -> Iterator[tuple[str, Tensor]]:
    """Tensors cut out of 16 million random numbers over and over: made in a minute, and good enough for memory."""
    base = torch.randn(1 << 24, generator=torch.Generator().manual_seed(0)) / 55
    noise = torch.randn(1 << 24, generator=torch.Generator().manual_seed(1000 + model)) * (share / 55)
    pool = (base + noise).to(torch.bfloat16)
    for n, (name, shape) in enumerate(shapes(size).items()):
        count = math.prod(shape)
        rolled = torch.roll(pool, -7919 * n)
        yield name, rolled.repeat(-(-count // len(pool)))[:count].reshape(shape)


def _write(folder: Path, size: str, tensors: Iterator[tuple[str, Tensor]]) -> None:
    """A model's folder, in shards that hold little memory."""
    folder.mkdir(parents=True, exist_ok=True)
    layers, width, inner, kv, vocab, tied = SIZES[size]
    heads = width // 64
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": width, "intermediate_size": inner,
        "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv // 64, "head_dim": 64,
        "vocab_size": vocab, "tie_word_embeddings": tied, "rms_norm_eps": 1e-5, "max_position_embeddings": 2048,
        "torch_dtype": "bfloat16", "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    for file in ("tokenizer.json", "tokenizer_config.json"):  # mergekit looks for one, and asks the Hub if there is none
        shutil.copyfile(ROOT / "presets/family/base" / file, folder / file)
    held: list[dict[str, Tensor]] = [{}]
    names: list[str] = []
    weight_map: dict[str, str] = {}
    total = 0

    def flush() -> None:
        names.append(f"model-{len(names) + 1:05d}.safetensors")
        save_file(held[0], folder / names[-1], metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(held[0], names[-1]))
        held[0] = {}

    for name, tensor in tensors:
        if held[0] and sum(t.nbytes for t in held[0].values()) + tensor.nbytes > _SHARD:
            flush()
        held[0][name] = tensor
        total += tensor.nbytes
    flush()
    if len(names) == 1:
        (folder / names[0]).rename(folder / "model.safetensors")
    else:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
