"""Every text and vision-language model type of the installed transformers, tiny, from its config alone."""

import contextlib
import json
import multiprocessing
import os
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import CONFIG_MAPPING
from transformers.models.auto import modeling_auto

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from merger.evaluate import speaker
from merger.live import Parents, Session
from merger.merge import merge
from merger.recipe import load

LAYERS = 4
VOCABULARY = 259
"""Of the tokenizer of presets/family."""

# Sizes by name, wherever a config has them. Counts of layers are those of the text: towers are made smaller below.
_TINY: dict[str, Any] = {
    **dict.fromkeys(
        ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers", "num_decoder_layers", "layers"), LAYERS
    ),
    **dict.fromkeys(("encoder_layers", "num_encoder_layers"), LAYERS),
    **dict.fromkeys(("num_blocks", "resampler_depth", "depth"), 2),
    **dict.fromkeys(
        ("hidden_size", "n_embd", "d_model", "embed_dim", "embedding_size", "word_embed_proj_dim", "dim", "lru_width",
         "attention_hidden_size", "projection_dim", "encoder_hidden_size", "image_text_hidden_size", "vision_embed_dim"), 32),
    **dict.fromkeys(
        ("intermediate_size", "n_inner", "d_ff", "ffn_dim", "decoder_ffn_dim", "encoder_ffn_dim", "ffn_hidden_size", "dff",
         "dim_ff", "mlp_dim", "intermediate_size_mlp", "dense_intermediate_size", "shared_intermediate_size"), 48),
    **dict.fromkeys(
        ("moe_intermediate_size", "shared_expert_intermediate_size", "shared_experts_intermediate_size", "expert_ffn_hidden_size",
         "moe_shared_expert_intermediate_size"), 16),
    **dict.fromkeys(
        ("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads", "decoder_attention_heads",
         "encoder_attention_heads", "swa_num_attention_heads", "linear_num_heads"), 4),
    **dict.fromkeys(("num_key_value_heads", "kv_n_heads", "swa_num_key_value_heads"), 2),
    **dict.fromkeys(("head_dim", "swa_head_dim", "attention_head_dim", "d_kv", "dim_head", "kv_channels", "linear_head_dim"), 8),
    **dict.fromkeys(("vocab_size", "text_vocab_size"), VOCABULARY),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "model_max_length", "max_source_positions",
                     "max_target_positions", "original_max_position_embeddings"), 256),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k", "moe_k"), 2),
    **dict.fromkeys(("n_group", "topk_group", "num_expert_group", "n_shared_experts", "num_shared_experts",
                     "moe_num_shared_experts", "first_k_dense_replace", "num_dense_layers"), 1),
    "q_lora_rank": 16, "kv_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "qk_head_dim": 16, "v_head_dim": 8,
    "index_head_dim": 16, "index_n_heads": 2, "index_topk": 64,
    "sliding_window": 16, "sliding_window_size": 16, "attention_chunk_size": 32,
    # state-space and linear attention
    "state_size": 8, "mamba_d_state": 8, "ssm_state_size": 8, "mamba_dt_rank": 4, "time_step_rank": 4, "mamba_expand": 2, "expand": 2,
    "mamba_n_heads": 4, "mamba_num_heads": 4, "n_mamba_heads": 2, "mamba_d_head": 16, "mamba_head_dim": 16, "mamba_d_ssm": 64,
    "mamba_n_groups": 1, "n_groups": 1, "mamba_ngroups": 1, "chunk_size": 16, "mamba_chunk_size": 16,
    "linear_key_head_dim": 8, "linear_value_head_dim": 8, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
    "attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1,
    # what is seen and heard
    "image_size": 28, "patch_size": 14, "num_position_embeddings": 16, "spatial_merge_size": 2, "out_hidden_size": 32,
    "projector_hidden_size": 32, "text_hidden_size": 32, "num_mel_bins": 16, "image_seq_length": 4, "mm_tokens_per_image": 4,
    "vocab_size_per_layer_input": VOCABULARY, "hidden_size_per_layer_input": 8, "emb_dim": 32, "downsample_hidden_size": 16,
    "output_dim": 32, "base_channels": 32, "latent_channels": 32, "output_channels": 32, "alignment_intermediate_size": 64,
    "hidden_size_global": 32, "unpadded_vocab_size": VOCABULARY, "encoder_hash_byte_group_vocab": 500, "shape_embed_dim": 16, "pronunciation_embed_dim": 16,
    "shape_vocab_size": 64, "pronunciation_vocab_size": 64, "vision_output_dim": 32, "projector_input_dim": 32,
    "projector_output_dim": 32, "nemo_conv_channels": 32,
    "resampler_n_latents": 4, "num_query_tokens": 4, "codebook_size": 32, "num_image_tokens": 4,
}  # fmt: skip
# The same in the parts that see or hear.
_TOWER = {"num_hidden_layers": 2, "num_layers": 2, "n_layers": 2, "n_layer": 2, "layers": 2, "encoder_layers": 2, "num_key_value_heads": 4}
_SPECIAL_IDS = ("_token_id", "_token_index", "_token")
_MROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}
_ENCODER = {"hidden_size": 16, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
# What a type needs beside sizes: values whose defaults do not go with small ones, or that it has no defaults for.
_ALSO: dict[str, dict[str, Any]] = {
    "apertus1p5": {"audio_config.hidden_size": 512, "image_token_offset": 100, "audio_token_offset": 132},
    "bamba": {"attn_layer_indices": [1, 3]},
    **dict.fromkeys(("emu3",), {"vocabulary_map": {"<image>": 250}}),
    "deepseek_ocr2/vision_config/sam_config": {"downsample_channels": [64, 32]},
    "unlimited_ocr/vision_config/sam_config": {"downsample_channels": [32, 32]},
    **dict.fromkeys(("gemma4_text", "gemma4/text_config", "gemma4_unified_text", "gemma4_unified/text_config",
                     ), {"global_head_dim": 16, "num_global_key_value_heads": 2}),
    "florence2/vision_config": {"embed_dim": [16, 16, 32, 32], "num_heads": [2, 2, 4, 4], "num_groups": [2, 2, 4, 4],
                                "depths": [1, 1, 1, 1]},
    "muse_spark/vision_config": {"num_hidden_layers": 4}, "muse_spark/audio_config": {"num_hidden_layers": 4},
    "nemotron_h_omni/vision_config": {"video_temporal_patch_size": 2},
    "reformer": {"is_decoder": True, "axial_pos_embds_dim": [16, 16], "axial_pos_shape": [16, 16]},
    "granite4_vision": {"deepstack_layer_map": [[-1, 0]], "downsample_rate": "1/2"},
    "chameleon": {"vocabulary_map": {"<image>": 250, **{f"IMGIMG{c}Z": 100 + i for i, c in enumerate("ABCDEFGH")}}},
    **dict.fromkeys(("cohere_compass_text", "cohere_compass/text_config"), {
        "rope_parameters": {"full_attention": _MROPE, "sliding_attention": _MROPE},
        "layer_types": ["full_attention", "sliding_attention"] * 2}),
    "cosmos3_edge/text_config": {"rope_parameters": _MROPE},
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2, "first_k_dense_replace": 1},
    **dict.fromkeys(("dots3_note", "dots3_note_text", "dots3_note/text_config"), {"num_key_value_heads": 4}),
    **dict.fromkeys(("glm5_next", "glm5_next/text_config"), {"num_key_value_heads": 4, "qk_rope_head_dim": 0}),
    "ernie4_5_vl_moe/text_config": {"moe_intermediate_size": [16, 16], "rope_parameters": _MROPE | {"mrope_section": [1, 1, 2]}, "moe_k": 2},
    "gemma3n_text": {"num_kv_shared_layers": 1, "layer_types": ["sliding_attention", "full_attention"] * 2,
                     "intermediate_size": [48] * LAYERS, "activation_sparsity_pattern": [0.95, 0.0, 0.0, 0.0]},
    "gemma4_assistant/text_config": {"hidden_size_per_layer_input": 0, "vocab_size_per_layer_input": 0, "num_kv_shared_layers": 4},
    "gpt_neo": {"attention_types": [[["global", "local"], 2]], "window_size": 16},
    **dict.fromkeys(("hunyuan_v1_dense", "hunyuan_v1_moe", "ministral", "nemotron"),
                    {"head_dim": 8, "num_key_value_heads": 2}),
    **dict.fromkeys((f"{kind}/text_config" for kind in ("glm46v", "glm4v", "glm4v_moe", "glm_ocr", "glmga", "hyperclovax_vision_v2",
                                                   "paddleocr_vl", "qwen2_vl")),
                    {"rope_parameters": _MROPE | {"partial_rotary_factor": 1.0}}),
    **dict.fromkeys(("glm4_moe_lite", "glm_moe_dsa", "longcat_flash", "kimi_k25/text_config", "minicpm3", "sarvam_mla", "youtu", "mistral4", "mistral4/text_config",
                     "mistral_large4/text_config"), {"num_key_value_heads": 4}),
    "bailing_hybrid": {"layer_group_size": 2, "num_key_value_heads": 4}, "xlstm": {"num_blocks": LAYERS},
    "kimi_linear": {"num_key_value_heads": 4, "layer_types": ["linear_attention", "full_attention"] * 2},
    "hunyuan_vl/text_config": {"head_dim": 8, "num_key_value_heads": 2, "rope_parameters": _MROPE | {"mrope_section": [1, 1, 1, 1]}},
    "granite4_vision/text_config": {"hidden_size": 64}, "granite4_vision/vision_config": {"hidden_size": 64},
    "diffusion_gemma/text_config": {"num_experts": 4, "top_k_experts": 2, "moe_intermediate_size": 16, "global_head_dim": 16,
                                    "num_global_key_value_heads": 2},
    "hy_v4_vl/text_config": {"rope_parameters": _MROPE},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2, "num_dense_layers": 1},
    "mamba2": {"num_heads": 8, "head_dim": 8},
    "molmo2": {"adapter_config.vision_feature_layer": [1, 0]},
    **dict.fromkeys(("qwen4_exp_text", "qwen4_exp/text_config"), {
        "indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 8, "indexer_budget": 64, "indexer_compress_ratio": 4}),
    **dict.fromkeys(("axk1", "axk2", "deepseek_v3", "deepseek_v32"), {"num_key_value_heads": 4}),
    "deepseek_v2": {"num_key_value_heads": 4, "num_experts_per_tok": 2},
    **dict.fromkeys(("codegen", "gptj"), {"rotary_dim": 8}),
    "deepseek_ocr2/text_config": {"mlp_layer_types": ["dense", "sparse"] * 2, "num_experts_per_tok": 2},
    **dict.fromkeys(("bert", "big_bird", "electra", "ernie", "megatron-bert", "rembert", "roberta", "roberta-prelayernorm",
                     "roc_bert", "roformer", "xlm-roberta", "xlm-roberta-xl", "camembert", "data2vec-text",
                     "bert-generation"), {"is_decoder": True}),
    "xmod": {"is_decoder": True, "default_language": "en_XX"}, "step3p7/text_config": {"sliding_window": 16},
    "zamba": {"attention_hidden_size": 64, "attention_head_dim": 16, "layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"]},
    "zamba2": {"layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"]},
    "zaya": {"num_experts_per_tok": 1},
}  # fmt: skip


def kinds() -> tuple[str, ...]:
    """Every type that speaks: causal models, and those that answer about images."""
    seen = modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    return tuple(sorted({*modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, *seen}))


def config(kind: str) -> Any:
    """A tiny config of this type; whatever transformers raises where it cannot be made."""
    cls = CONFIG_MAPPING[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = cls(text_config={"hidden_size_per_layer_input": 0}) if kind == "gemma4_assistant" else cls()
        return cls(**_shrunk(plain, kind, tower=False))


def _shrunk(plain: Any, place: str, tower: bool) -> dict[str, Any]:
    """Small values for what a config holds; `place` is its type, with the path inside the whole."""
    held, small = vars(plain), {}
    table = _TINY | (_TOWER if tower else {})
    for key, value in held.items():
        if isinstance(value, transformers.PreTrainedConfig):
            inner = tower or not any(word in key for word in ("text", "llm", "language", "thinker", "decoder", "backbone"))
            small[key] = _shrunk(value, f"{place}/{key}", inner)
            if "model_type" in type(value).__dict__ or value.model_type:
                small[key]["model_type"] = value.model_type
        elif key in table and isinstance(value, (int, float)) and not isinstance(value, bool):
            small[key] = type(value)(table[key])
        elif key.endswith(_SPECIAL_IDS) and isinstance(value, int) and value > 2:
            small[key] = 200 + len(small) % 50
    for path, value in _ALSO.get(place, {}).items():
        level, _, key = path.rpartition(".")
        (small[level] if level else small)[key] = value
    return small


def model_class(config: Any) -> Any:
    """The class that transformers' automatic ones take for it."""
    for auto in (transformers.AutoModelForImageTextToText, transformers.AutoModelForCausalLM):
        if type(config) in auto._model_mapping:
            found = auto._model_mapping[type(config)]
            return found[0] if isinstance(found, tuple) else found
    raise KeyError(config.model_type)


def build(kind: str, seed: int = 0) -> Any:
    """A tiny model of this type with random weights, as transformers starts them."""
    torch.manual_seed(seed)
    made = config(kind)
    return model_class(made)._from_config(made).eval()


def family(kind: str, folder: Path) -> dict[str, Path]:
    """A base and two siblings of this type as folders, with the tokenizer of presets/family."""
    made = build(kind)
    made.config.bos_token_id, made.config.eos_token_id = 1, 2
    folders = {name: folder / name for name in ("base", "a", "b")}
    made.save_pretrained(folders["base"])
    tensors = _read(folders["base"])
    for i, (name, path) in enumerate(folders.items()):
        chance = torch.Generator().manual_seed(i)
        if name == "base":  # started as transformers does, most types say one word for ever
            tensors = {n: _spread(t, chance) for n, t in tensors.items()}
            own = tensors
        else:
            own = {n: t + 0.1 * t.std() * _noise(t, chance) if t.is_floating_point() and t.numel() > 1 else t for n, t in tensors.items()}
        path.mkdir(exist_ok=True)
        for file in (*path.glob("*.safetensors"), *path.glob("*.index.json")):
            file.unlink()
        save_file({n: t.contiguous() for n, t in own.items()}, path / "model.safetensors", metadata={"format": "pt"})
        (path / "config.json").write_bytes((folders["base"] / "config.json").read_bytes())
        for file in ("tokenizer.json", "tokenizer_config.json"):
            (path / file).write_bytes((ROOT / "presets" / "family" / "base" / file).read_bytes())
    return folders


def _read(folder: Path) -> dict[str, torch.Tensor]:
    return {n: t for file in sorted(folder.glob("*.safetensors")) for n, t in load_file(file).items()}


def _noise(tensor: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    return torch.randn(tensor.shape, generator=chance).to(tensor.dtype)


def _spread(tensor: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Matrices wide enough that answers differ, vectors a little off what they start as."""
    if not tensor.is_floating_point():
        return tensor
    if tensor.dim() >= 2:
        return (_noise(tensor, chance) * min(0.3, 1.5 / tensor.shape[-1] ** 0.5)).to(tensor.dtype)
    return tensor + 0.05 * _noise(tensor, chance)


# ---------------------------------------------------------------------------------------------- what is tried


RECIPES = {
    "ties": "merge_method: ties\nbase_model: @/base\nmodels:\n"
            "  - {model: @/a, parameters: {weight: 0.6, density: 0.5}}\n  - {model: @/b, parameters: {weight: 0.4, density: 0.5}}\n",
    "linear": "merge_method: linear\nmodels:\n  - {model: @/a, parameters: {weight: 0.5}}\n  - {model: @/b, parameters: {weight: 0.5}}\n",
    "gradient": "merge_method: task_arithmetic\nbase_model: @/base\nmodels:\n"
                "  - {model: @/a, parameters: {weight: [0, 1]}}\n  - {model: @/b, parameters: {weight: [1, 0]}}\n",
    "stack": "merge_method: passthrough\nslices:\n  - sources: [{model: @/a, layer_range: [0, 2]}]\n"
             "  - sources: [{model: @/b, layer_range: [1, 3]}]\n",
}  # fmt: skip
# A hand on a fader: everywhere, and in the last layer alone.
MOVES = ("weight: 0.9", "weight: [{filter: '.3.', value: 0.1}, {value: 0.6}]")
PROMPTS = ("say hello my friend like a pirate", "plural of box")
TOKENS = 12


@dataclass
class Seen:
    """What came of one type. A step: "" it is right, else the reason why not; missing where it was not come to."""

    kind: str
    cls: str = ""
    steps: dict[str, str] = field(default_factory=dict[str, str])
    how: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether every step that was come to is right."""
        return bool(self.steps) and not any(self.steps.values())


STEPS = ("build", *RECIPES, "speaks", "moves")


def examine(kind: str, folder: Path, steps: Sequence[str] = STEPS) -> Seen:
    """Make a family of this type, merge, load and hear it."""
    seen, began = Seen(kind), time.monotonic()

    def step(name: str, what: Callable[[], Any]) -> Any:
        try:
            found = what()
            seen.steps[name] = seen.steps.get(name, "")
            return found
        except Exception as error:
            seen.steps[name] = _words(error)
            if os.environ.get("ZOO_TRACE"):
                traceback.print_exc()
            return None

    folders = step("build", lambda: family(kind, folder))
    if folders is not None:
        cls = model_class(transformers.AutoConfig.from_pretrained(folders["base"]))
        seen.cls = cls.__name__
        step("build", lambda: _loaded(cls, folders["base"]))  # what transformers itself wrote
        for name in (n for n in RECIPES if n in steps):
            step(name, lambda name=name: _merged(name, folder, cls))
        if "speaks" in steps:
            step("speaks", lambda: _heard(folder, cls, seen))  # says of itself what came of it
    seen.seconds = round(time.monotonic() - began, 1)
    return seen


def _words(error: Exception) -> str:
    """One line."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.sub(r"/[^ ]*/zoo-[^ /]*/", "", text)
    return (text if type(error).__name__ in ("AssertionError", "CheckpointError", "MergeError", "RecipeError") else
            f"{type(error).__name__}: {text}")[:240]  # fmt: skip


def _merged(name: str, folder: Path, cls: Any) -> None:
    """Merge, load without a word from transformers, compute numbers; the session's tensors are the folder's."""
    recipe = load(RECIPES[name].replace("@", str(folder)))
    out = folder / f"out-{name}"
    merge(recipe, out)
    session = Session(Parents())
    session.apply(recipe)
    written = _read(out)
    assert written.keys() == session.tensors.keys(), "the session has other tensors than the folder"
    for tensor, value in session.tensors.items():
        assert torch.equal(value, written[tensor]) or _same_bits(value, written[tensor]), f"session and folder differ in {tensor}"
    model = _loaded(cls, out)
    try:
        logits = _logits(model, [5, 6, 7, 8])
    except Exception:  # it needs an image; its text may be tried alone
        if type(model.config) not in transformers.AutoModelForCausalLM._model_mapping:
            return
        logits = _logits(transformers.AutoModelForCausalLM.from_pretrained(out).eval(), [5, 6, 7, 8])
    assert bool(torch.isfinite(logits).all()), "the logits are no numbers"


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(a.contiguous().view(torch.uint8), b.contiguous().view(torch.uint8))


def _loaded(cls: Any, folder: Path) -> Any:
    model, info = cls.from_pretrained(folder, output_loading_info=True)
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        found = sorted(map(str, info[key]))
        assert not found, f"transformers finds {key.replace('_keys', '')} {found[0]} and {len(found) - 1} more"
    return model.eval()


@torch.no_grad()
def _logits(model: Any, ids: list[int]) -> torch.Tensor:
    out = model(input_ids=torch.tensor([ids]), use_cache=False)
    return out.logits[0, -1].float()


def generated(cls: Any, folder: Path, asked: Sequence[list[int]]) -> list[list[int]]:
    """transformers' own greedy answers; those of its class for the text alone, where the one that also sees needs an image."""
    model = _loaded(cls, folder)
    with contextlib.suppress(Exception):
        return [_generated(model, ids) for ids in asked]
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    return [_generated(model, ids) for ids in asked]


def _generated(model: Any, ids: list[int]) -> list[int]:
    """By `generate`; by whole passes where it does not run."""
    try:
        model.generation_config = transformers.GenerationConfig(pad_token_id=0)
        out = model.generate(torch.tensor([ids]), max_new_tokens=TOKENS, do_sample=False)
        return out[0, len(ids) :].tolist()
    except Exception:
        said: list[int] = []
        for _ in range(TOKENS):
            said.append(int(_logits(model, ids + said).argmax()))
        return said


def _heard(folder: Path, cls: Any, seen: Seen) -> None:
    """Speak from the session before and after moves, as transformers does from the folder of the same merge."""
    text = RECIPES["ties"].replace("@", str(folder))
    session = Session(Parents())
    session.apply(load(text))
    assert session.plan is not None
    who = speaker(folder / "base", session.plan.config, session.tensors)
    who.stops = frozenset()
    seen.how = _how(who)
    for place, move in enumerate(("", *MOVES)):
        step = "moves" if place else "speaks"
        seen.steps.setdefault(step, "not come to its end")
        recipe = load(text.replace("weight: 0.6", move or "weight: 0.6"))
        names = session.apply(recipe)
        assert bool(names) == bool(move), "the move moves nothing"
        out = folder / f"heard-{place}"
        merge(recipe, out)
        try:
            for prompt, expected in zip(PROMPTS, generated(cls, out, [who.encode(p) for p in PROMPTS]), strict=True):
                said = [token.id for token in who.tokens(prompt, TOKENS)]
                assert said == expected, f"says {said}, transformers {expected}"
        except Exception as error:
            seen.steps[step] = _words(error)
            if os.environ.get("ZOO_TRACE"):
                traceback.print_exc()
            return
        seen.steps[step] = ""


def _how(who: Any) -> str:
    """How its parameters hold the merged tensors."""
    if not hasattr(who, "bound"):
        return ""
    stacked = sum(len(set(map(id, s))) > 1 for s in who.bound.sources.values())
    copied = len(who.bound.copies)
    return f"{len(who.bound.sources) - stacked} in place, {stacked} stacked, {copied} copied; {who.probed}"


# ---------------------------------------------------------------------------------------------- all of them


def _child(kind: str, steps: Sequence[str], pipe: Any) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        pipe.send(asdict(examine(kind, Path(folder), steps)))


def watch(some: Iterable[str], steps: Sequence[str] = STEPS, seconds: float = 120.0) -> Iterable[Seen]:
    """Each type in a process of its own, so that one that dies or does not end is only that one's fault."""
    context = multiprocessing.get_context("fork")
    for kind in some:
        mine, other = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(kind, steps, other))
        process.start()
        other.close()
        try:
            found = mine.poll(seconds)
            yield Seen(**mine.recv()) if found else Seen(kind, steps={"build": f"not done within {seconds:g} seconds"})
        except EOFError:
            yield Seen(kind, steps={"build": "the process died"})
        process.kill()
        process.join()


def main(names: Sequence[str]) -> None:
    """Try the types named, or all; prints a line for each."""
    steps = os.environ.get("ZOO_STEPS", ",".join(STEPS)).split(",")
    for seen in watch(names or kinds(), steps):
        marks = " ".join(f"{name}:{'ok' if not why else why}" for name, why in seen.steps.items())
        print(f"{'OK' if seen.good else '--'} {seen.kind} {seen.cls} {seen.seconds}s [{seen.how}] {'' if seen.good else marks}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
