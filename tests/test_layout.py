"""The layout of real architectures from tensor names alone, as transformers saves them: tiny models, random weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import make_family

from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.files.checkpoints import open_checkpoint
from merger.files.layout import ROLES, board, follows, layout, part, role
from merger.recipe import document, load
from merger.ui import lanes, words

LLAMA = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1,
             vocab_size=40, head_dim=8, pad_token_id=0, bos_token_id=1, eos_token_id=2)  # fmt: skip
MOE = dict(LLAMA, num_experts=4, num_local_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
           shared_expert_intermediate_size=16)  # fmt: skip
ATTENTION = {f"self_attn.{x}_proj.weight": x for x in "qkvo"}
GATED = {f"mlp.{x}_proj.weight": x for x in ("gate", "up", "down")}
PLAIN = ATTENTION | GATED | {"post_attention_layernorm.weight": "norm"}
EXPERTS = {f"mlp.experts.3.{x}_proj.weight": "experts" for x in ("gate", "up", "down")} | ATTENTION
EXPERTS |= {"mlp.gate.weight": "router"}
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
        f"block_sparse_moe.experts.3.w{i}.weight": "experts" for i in (1, 2, 3)}}, HEAD),
    "qwen2_moe": (MOE, "CausalLM", "model.layers.", EXPERTS | {
        "mlp.shared_expert_gate.weight": "router", "mlp.shared_expert.up_proj.weight": "shared"}, HEAD),
    "deepseek_v3": (dict(LLAMA, num_key_value_heads=2, n_routed_experts=4, n_shared_experts=1, num_experts_per_tok=2, n_group=1,
                         topk_group=1, first_k_dense_replace=1, moe_intermediate_size=16, q_lora_rank=8, kv_lora_rank=8,
                         qk_nope_head_dim=8, qk_rope_head_dim=8, v_head_dim=8), "CausalLM", "model.layers.", {
        "self_attn.q_a_proj.weight": "q", "self_attn.q_b_proj.weight": "q", "self_attn.kv_a_proj_with_mqa.weight": "kv",
        "self_attn.kv_b_proj.weight": "kv", "self_attn.o_proj.weight": "o", "self_attn.q_a_layernorm.weight": "norm",
        "mlp.experts.3.up_proj.weight": "experts", "mlp.shared_experts.up_proj.weight": "shared",
        "mlp.gate.weight": "router", "mlp.gate.e_score_correction_bias": "router"}, HEAD),
    "granitemoe": (MOE, "CausalLM", "model.layers.", ATTENTION | {
        "block_sparse_moe.input_linear.weight": "experts", "block_sparse_moe.output_linear.weight": "experts",
        "block_sparse_moe.router.layer.weight": "router"}, EDGES),
    "gptj": (dict(n_embd=16, n_layer=3, n_head=2, rotary_dim=4, vocab_size=40, n_positions=8), "CausalLM", "transformer.h.",
             {"mlp.fc_in.weight": "up", "mlp.fc_out.bias": "down", "attn.out_proj.weight": "o", "ln_1.weight": "norm"},
             {"transformer.ln_f.bias": "norm", "lm_head.bias": "head"}),
    "rwkv": (dict(hidden_size=16, attention_hidden_size=16, num_hidden_layers=3, vocab_size=40, intermediate_size=32), "CausalLM",
             "rwkv.blocks.", {"attention.key.weight": "k", "attention.receptance.weight": "mixer",
              "attention.time_decay": "mixer",
              "feed_forward.key.weight": "up", "feed_forward.value.weight": "down", "ln1.weight": "norm"},
             {"rwkv.embeddings.weight": "embed", "rwkv.ln_out.weight": "norm", "head.weight": "head"}),
    "qwen3_next": (dict(MOE, layer_types=["linear_attention", "full_attention", "linear_attention"], linear_key_head_dim=8,
                        linear_value_head_dim=8, linear_num_key_heads=2, linear_num_value_heads=2), "CausalLM", "model.layers.",
                   {"linear_attn.in_proj_qkvz.weight": "qkv", "linear_attn.A_log": "mixer", "linear_attn.conv1d.weight": "mixer",
                    "linear_attn.norm.weight": "norm", "linear_attn.out_proj.weight": "o"}, HEAD),
    "modernbert-decoder": (dict(LLAMA, layer_types=["full_attention"] * 3), "CausalLM", "model.layers.",
                           {"mlp.Wi.weight": "up", "mlp.Wo.weight": "down", "attn.Wo.weight": "o"},
                           {"model.final_norm.weight": "norm"}),
    "distilbert": (dict(dim=16, n_layers=3, n_heads=2, hidden_dim=32, vocab_size=40), "SequenceClassification",
                   "distilbert.transformer.layer.", {"attention.q_lin.weight": "q", "attention.out_lin.bias": "o",
                    "ffn.lin1.weight": "up", "ffn.lin2.weight": "down"}, {"classifier.weight": "head"}),
    "prophetnet": (dict(hidden_size=16, num_encoder_layers=3, num_decoder_layers=3, num_encoder_attention_heads=2,
                        num_decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, vocab_size=40), "Seq2SeqLM",
                   "prophetnet.decoder.layers.", {"self_attn.query_proj.weight": "q", "feed_forward.intermediate.weight": "up",
                    "feed_forward.output.weight": "down"}, {"prophetnet.decoder.embeddings_layer_norm.bias": "norm"}),
    "qwen3_moe": (MOE, "CausalLM", "model.layers.", EXPERTS, HEAD),
    "gpt2": (dict(n_embd=16, n_layer=3, n_head=2, vocab_size=40, n_positions=8), "CausalLM", "transformer.h.",
             {"attn.c_attn.weight": "qkv", "attn.c_proj.weight": "o", "mlp.c_fc.weight": "up", "mlp.c_proj.weight": "down",
              "ln_2.bias": "norm"},
             {"transformer.wte.weight": "embed", "transformer.wpe.weight": "embed", "transformer.ln_f.weight": "norm"}),
    "bert": (dict(hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32, vocab_size=40), "MaskedLM",
             "bert.encoder.layer.", {"attention.self.query.weight": "q", "attention.self.key.weight": "k",
              "attention.self.value.bias": "v", "attention.output.dense.weight": "o", "attention.output.LayerNorm.weight": "norm",
              "intermediate.dense.weight": "up", "output.dense.weight": "down", "output.LayerNorm.weight": "norm"},
             {"bert.embeddings.word_embeddings.weight": "embed", "bert.embeddings.LayerNorm.weight": "norm",
              "cls.predictions.bias": "head"}),
    "t5": (dict(d_model=16, d_kv=8, d_ff=32, num_layers=3, num_heads=2, vocab_size=40), "Seq2SeqLM", "decoder.block.",
           {**{f"layer.0.SelfAttention.{x}.weight": x for x in "qkvo"}, "layer.1.EncDecAttention.q.weight": "q",
            "layer.2.DenseReluDense.wi.weight": "up", "layer.2.DenseReluDense.wo.weight": "down",
            "layer.0.layer_norm.weight": "norm"},
           {"shared.weight": "embed", "decoder.final_layer_norm.weight": "norm"}),
    "mamba": (dict(hidden_size=16, num_hidden_layers=3, vocab_size=40, state_size=4), "CausalLM", "backbone.layers.",
              {"norm.weight": "norm", "mixer.in_proj.weight": "mixer", "mixer.A_log": "mixer", "mixer.conv1d.bias": "mixer",
               "mixer.out_proj.weight": "o"},
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


TOWER = "model.vision_tower.encoder.layers.0."
SEES = {
    "model.language_model.embed_tokens.weight": 9, "model.language_model.layers.0.mlp.up_proj.weight": 90,
    "model.language_model.layers.1.mlp.up_proj.weight": 90, "model.language_model.norm.weight": 1, "lm_head.weight": 9,
    TOWER + "layer_norm1.weight": 1, TOWER + "mlp.fc1.weight": 9, "model.vision_tower.post_layernorm.weight": 1,
    "model.vision_tower.embeddings.patch_embedding.weight": 5, "model.multi_modal_projector.linear_1.weight": 4,
    "model.multi_modal_projector.norm.weight": 1, "model.audio_tower.layers.0.self_attn.k_proj.weight": 3,
}  # fmt: skip


@pytest.mark.parametrize("weight", [9, 90_000])
def test_towers_have_columns_of_their_own_however_heavy_they_are(weight: int) -> None:
    numels = SEES | {TOWER + "mlp.fc1.weight": weight}
    grid = board(numels, layout(numels))
    assert [(c.kind, c.label, len(c.names)) for c in grid.columns] == [
        ("vision", "vision tower", 4), ("audio", "audio tower", 1), ("projector", "projector", 2), ("embed", "embeddings", 1),
        ("layer", "layer 1 of 2", 1), ("layer", "layer 2 of 2", 1), ("norm", "final norm", 1), ("head", "output head", 1),
    ]  # fmt: skip
    assert grid.columns[-2].names == ("model.language_model.norm.weight",)
    assert sorted(name for c in grid.columns for name in c.names) == sorted(numels)


def test_a_heavy_tower_is_not_the_main_stack_whatever_the_text_is_called() -> None:
    pairs = {
        "visual.blocks.": "model.layers.", "model.vqmodel.encoder.down.": "model.layers.",
        "model.audio_tower.layers.": "model.layers.",
        "vision_encoder.transformer.layers.": "layers.",
    }  # fmt: skip
    for tower, text in pairs.items():
        numels = {f"{tower}{i}.attn.qkv.weight": 1000 for i in range(9)} | {f"{text}{i}.mlp.up_proj.weight": 1 for i in range(3)}
        assert (layout(numels).main, layout(numels).layers) == (text, 3)


def test_a_norm_of_the_embeddings_belongs_to_the_first_slice(tmp_path: Path) -> None:
    """The final norm to the last."""
    make_family(tmp_path, models=("base",))
    (file,) = tmp_path.glob("base/*.safetensors")
    save_file(load_file(file) | {"model.embedding_norm.weight": torch.ones(8)}, file)
    slices = ", ".join(
        f"{{sources: [{{model: {tmp_path}/base, layer_range: {span}, parameters: {{scale: {scale}}}}}]}}"
        for span, scale in (("[0, 2]", 0.5), ("[2, 4]", 2.0))
    )
    recipe = load(f"{{merge_method: passthrough, slices: [{slices}]}}")
    plan = make_plan(recipe, open_models(recipe))
    scales = {name: dict(plan.job(f"model.{name}.weight").args)["scale"] for name in ("embedding_norm", "norm")}
    assert scales == {"embedding_norm": (0.5,), "norm": (2.0,)}


def test_the_columns_of_an_encoder_and_decoder_are_the_decoders() -> None:
    numels = {f"encoder.block.{i}.layer.0.SelfAttention.q.weight": 900 for i in range(5)}
    numels |= {f"decoder.block.{i}.layer.0.SelfAttention.q.weight": 10 for i in range(3)}
    numels |= {"shared.weight": 7, "encoder.final_layer_norm.weight": 1, "decoder.final_layer_norm.weight": 1}
    grid = board(numels, layout(numels))
    assert [(c.kind, len(c.names)) for c in grid.columns] == [("encoder", 6), ("embed", 1), *[("layer", 1)] * 3, ("norm", 1)]


def test_stacks_beside_the_main_one() -> None:
    """Cross attention between the layers, layers that only training uses: none of them is an embedding."""
    numels = {f"model.layers.{i}.self_attn.q_proj.weight": 10 for i in range(3)}
    numels |= {f"model.gated_cross_attn_layers.{i}.cross_attn.q_proj.weight": 100 for i in range(3)}
    numels |= {"mtp.layers.0.mlp.up_proj.weight": 10_000, "model.norm.weight": 1}
    where = layout(numels)
    assert where.main == "model.layers."
    assert [(c.kind, len(c.names)) for c in board(numels, where).columns] == [*[("layer", 1)] * 3, ("more", 4), ("norm", 1)]


def test_a_tower_is_painted_by_its_prefix_and_told_in_words(tmp_path: Path) -> None:
    make_family(tmp_path, models=("base", "a"))
    for i, name in enumerate(("base", "a")):
        (file,) = tmp_path.glob(f"{name}/*.safetensors")
        tower = {f"model.vision_tower.layers.{j}.norm.weight": torch.ones(4) + i for j in range(3)}
        save_file(load_file(file) | tower | {"model.vision_tower.post_layernorm.weight": torch.ones(4) + i}, file)
    models = f"[{{model: {tmp_path}/a, parameters: {{weight: 0.5}}}}]"
    recipe = load(f"{{merge_method: task_arithmetic, base_model: {tmp_path}/base, models: {models}}}")
    plan = make_plan(recipe, open_models(recipe))
    grid = lanes.columns(plan)
    kinds = [column.kind for column in grid.columns]
    assert kinds == ["vision", "embed", *["layer"] * 4, "norm", "head"]
    (lane,) = lanes.lanes(plan)
    numbers = [0.2 if kind == "vision" else 0.5 for kind in kinds]
    after = lanes.painted(plan, {lane.path: numbers})
    assert "model.vision_tower." in str(document(after)) and "layers.1" not in str(document(after))
    jobs = {job.name: dict(job.args)["weight"] for job in make_plan(after, open_models(after)).jobs}
    assert {jobs[name] for name in grid.columns[0].names} == {(0.2,)}
    assert {value for name, value in jobs.items() if name not in grid.columns[0].names} == {(0.5,)}
    assert words.changed(recipe, after, {}, grid).endswith("in the vision tower.")


def test_what_follows_the_layers() -> None:
    after = ["model.norm.weight", "transformer.ln_f.bias", "lm_head.weight", "decoder.final_layer_norm.weight", "head.weight"]
    before = ["bert.embeddings.LayerNorm.weight", "model.embedding_norm.weight", "model.vision_tower.post_layernorm.weight",
              "visual.merger.ln_q.weight", "model.decoder.layernorm_embedding.bias"]  # fmt: skip
    assert all(map(follows, after)) and not any(map(follows, before))


def test_a_towers_tensors_are_no_words_and_no_head() -> None:
    """Rows by token are looked for among embeddings and heads."""
    for name in ("vision_tower.embeddings.patch_embedding.weight", "vision_tower.head.probe", "audio_tower.embed_positions.w"):
        assert role(name) == "other" and part(name) in ("vision", "audio")
    assert {part(n) for n in ("model.layers.0.mlp.up_proj.weight", "lm_head.weight", "model.text_model.norm.weight")} == {"text"}


def test_every_role_is_in_the_list() -> None:
    from merger.files.layout import _ROLES

    assert {name for name, _ in _ROLES} | {"other"} == set(ROLES)
