"""The layout of real architectures from tensor names alone, as transformers saves them: tiny models, random weights."""

from pathlib import Path
from typing import Any

import pytest

from merger.checkpoints import open_checkpoint
from merger.layout import layout, role

LLAMA = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1,
             vocab_size=40, head_dim=8, pad_token_id=0, bos_token_id=1, eos_token_id=2)  # fmt: skip
MOE = dict(LLAMA, num_experts=4, num_local_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
           shared_expert_intermediate_size=16)  # fmt: skip
ATTENTION = {f"self_attn.{x}_proj.weight": x for x in "qkvo"}
GATED = {f"mlp.{x}_proj.weight": x for x in ("gate", "up", "down")}
PLAIN = ATTENTION | GATED | {"post_attention_layernorm.weight": "norm"}
EXPERTS = {f"mlp.experts.3.{x}_proj.weight": x for x in ("gate", "up", "down")} | ATTENTION | {"mlp.gate.weight": "router"}
EDGES = {"model.embed_tokens.weight": "embed", "model.norm.weight": "norm"}
HEAD = EDGES | {"lm_head.weight": "head"}

# model type -> config, class, main stack, roles inside a layer, roles outside.
CASES: dict[str, tuple[dict[str, Any], str, str, dict[str, str], dict[str, str]]] = {
    **{name: (LLAMA, "CausalLM", "model.layers.", PLAIN, HEAD) for name in ("llama", "mistral", "granite", "olmo2", "qwen2")},
    "qwen3": (LLAMA, "CausalLM", "model.layers.", PLAIN | {"self_attn.q_norm.weight": "norm"}, HEAD),
    "gemma2": (LLAMA, "CausalLM", "model.layers.", PLAIN | {"pre_feedforward_layernorm.weight": "norm"}, EDGES),
    "gemma3_text": (LLAMA, "CausalLM", "model.layers.", PLAIN | {"self_attn.k_norm.weight": "norm"}, EDGES),
    "phi": (LLAMA, "CausalLM", "model.layers.", {"self_attn.q_proj.bias": "q", "self_attn.dense.weight": "o",
            "mlp.fc1.weight": "up", "mlp.fc2.weight": "down"}, {"model.final_layernorm.weight": "norm", "lm_head.bias": "head"}),
    "phi3": (LLAMA, "CausalLM", "model.layers.", {"self_attn.qkv_proj.weight": "qkv", "mlp.gate_up_proj.weight": "gate"}, HEAD),
    "mixtral": (MOE, "CausalLM", "model.layers.", ATTENTION | {"block_sparse_moe.gate.weight": "router", **{
        f"block_sparse_moe.experts.3.w{i}.weight": x for i, x in ((1, "gate"), (2, "down"), (3, "up"))}}, HEAD),
    "qwen2_moe": (MOE, "CausalLM", "model.layers.", EXPERTS | {"mlp.shared_expert_gate.weight": "router"}, HEAD),
    "qwen3_moe": (MOE, "CausalLM", "model.layers.", EXPERTS, HEAD),
    "gpt2": (dict(n_embd=16, n_layer=3, n_head=2, vocab_size=40, n_positions=8), "CausalLM", "transformer.h.",
             {"attn.c_attn.weight": "qkv", "attn.c_proj.weight": "o", "mlp.c_fc.weight": "up", "mlp.c_proj.weight": "down",
              "ln_2.bias": "norm"},
             {"transformer.wte.weight": "embed", "transformer.wpe.weight": "embed", "transformer.ln_f.weight": "norm"}),
    "bert": (dict(hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32, vocab_size=40), "MaskedLM",
             "bert.encoder.layer.", {"attention.self.query.weight": "q", "attention.self.key.weight": "k",
              "attention.self.value.bias": "v", "attention.output.dense.weight": "o", "attention.output.LayerNorm.weight": "norm",
              "intermediate.dense.weight": "up", "output.dense.weight": "down", "output.LayerNorm.weight": "norm"},
             {"bert.embeddings.word_embeddings.weight": "embed", "bert.embeddings.LayerNorm.weight": "embed",
              "cls.predictions.bias": "head"}),
    "t5": (dict(d_model=16, d_kv=8, d_ff=32, num_layers=3, num_heads=2, vocab_size=40), "Seq2SeqLM", "decoder.block.",
           {**{f"layer.0.SelfAttention.{x}.weight": x for x in "qkvo"}, "layer.1.EncDecAttention.q.weight": "q",
            "layer.2.DenseReluDense.wi.weight": "up", "layer.2.DenseReluDense.wo.weight": "down",
            "layer.0.layer_norm.weight": "norm"},
           {"shared.weight": "embed", "decoder.final_layer_norm.weight": "norm"}),
    "mamba": (dict(hidden_size=16, num_hidden_layers=3, vocab_size=40, state_size=4), "CausalLM", "backbone.layers.",
              {"norm.weight": "norm", "mixer.in_proj.weight": "other", "mixer.out_proj.weight": "o"},
              {"backbone.embeddings.weight": "embed", "backbone.norm_f.weight": "norm"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_real_names(kind: str, tmp_path: Path) -> None:
    import transformers

    config, task, main, inside, outside = CASES[kind]
    made = transformers.AutoConfig.for_model(kind, **config)
    getattr(transformers, f"AutoModelFor{task}").from_config(made).save_pretrained(tmp_path)
    model = open_checkpoint(kind, tmp_path)
    where = layout(model.numels)
    assert (where.main, where.layers) == (main, 3)
    expected = outside | {f"{main}2.{name}": what for name, what in inside.items()}
    assert expected.keys() <= model.tensors.keys()
    assert {name: role(name) for name in expected} == expected
    assert all(where.layer(name) is None for name in outside)


def test_a_vision_tower_is_not_the_main_stack() -> None:
    numels = {f"vision_tower.vision_model.encoder.layers.{i}.mlp.fc1.weight": 10 for i in range(5)}
    numels |= {f"language_model.model.layers.{i}.mlp.up_proj.weight": 100 for i in range(3)}
    where = layout(numels | {"multi_modal_projector.linear_1.weight": 50})
    assert (where.main, where.layers, len(where.stacks)) == ("language_model.model.layers.", 3, 2)
