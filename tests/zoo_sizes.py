"""The sizes with which tests/zoo.py makes every type of model tiny, and what single types need beside them."""

from typing import Any

LAYERS = 4
VOCABULARY = 259
"""Of the tokenizer of presets/family."""

# Sizes by name, wherever a config has them. Counts of layers are those of the text: towers are made smaller below.
TINY: dict[str, Any] = {
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
    "state_size": 8, "mamba_d_state": 8, "ssm_state_size": 8, "mamba_dt_rank": 4, "time_step_rank": 4, "mamba_expand": 2,
    "expand": 2,
    "mamba_n_heads": 4, "mamba_num_heads": 4, "n_mamba_heads": 2, "mamba_d_head": 16, "mamba_head_dim": 16, "mamba_d_ssm": 64,
    "mamba_n_groups": 1, "n_groups": 1, "mamba_ngroups": 1, "chunk_size": 16, "mamba_chunk_size": 16,
    "linear_key_head_dim": 8, "linear_value_head_dim": 8, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
    "attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1,
    # what is seen and heard
    "image_size": 28, "patch_size": 14, "num_position_embeddings": 16, "spatial_merge_size": 2, "out_hidden_size": 32,
    "projector_hidden_size": 32, "text_hidden_size": 32, "num_mel_bins": 16, "image_seq_length": 4, "mm_tokens_per_image": 4,
    "vocab_size_per_layer_input": VOCABULARY, "hidden_size_per_layer_input": 8, "emb_dim": 32, "downsample_hidden_size": 16,
    "output_dim": 32, "base_channels": 32, "latent_channels": 32, "output_channels": 32, "alignment_intermediate_size": 64,
    "hidden_size_global": 32, "unpadded_vocab_size": VOCABULARY, "encoder_hash_byte_group_vocab": 500, "shape_embed_dim": 16,
    "pronunciation_embed_dim": 16,
    "shape_vocab_size": 64, "pronunciation_vocab_size": 64, "vision_output_dim": 32, "projector_input_dim": 32,
    "projector_output_dim": 32, "nemo_conv_channels": 32,
    "resampler_n_latents": 4, "num_query_tokens": 4, "codebook_size": 32, "num_image_tokens": 4,
}  # fmt: skip
# The same in the parts that see or hear.
TOWER = {
    **dict.fromkeys(("num_hidden_layers", "num_layers", "n_layers", "n_layer", "layers", "encoder_layers"), 2),
    "num_key_value_heads": 4,
}

MROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}

# Values whose defaults do not go with small sizes, or that a type has no defaults for. Types, with the path of a config inside.
_MORE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("apertus1p5", {"audio_config.hidden_size": 512, "image_token_offset": 100, "audio_token_offset": 132}),
    ("bailing_hybrid", {"layer_group_size": 2, "num_key_value_heads": 4}),
    ("bamba", {"attn_layer_indices": [1, 3]}),
    (
        "bert big_bird electra ernie megatron-bert rembert roberta roberta-prelayernorm roc_bert roformer "
        "xlm-roberta xlm-roberta-xl camembert data2vec-text bert-generation",
     {"is_decoder": True}),
    ("chameleon",
     {"vocabulary_map": {"<image>": 250, "IMGIMGAZ": 100, "IMGIMGBZ": 101, "IMGIMGCZ": 102, "IMGIMGDZ": 103,
     "IMGIMGEZ": 104, "IMGIMGFZ": 105, "IMGIMGGZ": 106, "IMGIMGHZ": 107}}),
    ("codegen gptj", {"rotary_dim": 8}),
    ("cohere_compass_text cohere_compass/text_config",
     {"rope_parameters": {"full_attention": MROPE, "sliding_attention": MROPE}, "layer_types": ["full_attention",
     "sliding_attention"] * 2}),
    ("cosmos3_edge/text_config hy_v4_vl/text_config", {"rope_parameters": MROPE}),
    ("dbrx", {"attn_config.rope_theta": 10000.0, "attn_config.clip_qkv": 8.0}),
    ("deepseek_ocr2/text_config", {"mlp_layer_types": ["dense", "sparse"] * 2, "num_experts_per_tok": 2}),
    ("deepseek_ocr2/vision_config/sam_config", {"downsample_channels": [64, 32]}),
    ("deepseek_v2", {"num_key_value_heads": 4, "num_experts_per_tok": 2}),
    ("diffusion_gemma/text_config",
     {"num_experts": 4, "top_k_experts": 2, "moe_intermediate_size": 16, "global_head_dim": 16,
     "num_global_key_value_heads": 2}),
    ("dots1", {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2, "first_k_dense_replace": 1}),
    (
        "dots3_note dots3_note_text dots3_note/text_config glm4_moe_lite glm_moe_dsa longcat_flash "
        "kimi_k25/text_config minicpm3 sarvam_mla youtu "
        "mistral_large4/text_config axk1 axk2 deepseek_v3 deepseek_v32",
     {"num_key_value_heads": 4}),
    ("emu3", {"vocabulary_map": {"<image>": 250}}),
    ("ernie4_5_vl_moe/text_config",
     {"moe_intermediate_size": [16, 16], "rope_parameters": MROPE | {"mrope_section": [1, 1, 2]}, "moe_k": 2}),
    ("florence2/vision_config",
     {"embed_dim": [16, 16, 32, 32], "num_heads": [2, 2, 4, 4], "num_groups": [2, 2, 4, 4], "depths": [1, 1, 1, 1]}),
    ("gemma3n_text",
     {"num_kv_shared_layers": 1, "layer_types": ["sliding_attention", "full_attention"] * 2, "intermediate_size":
     [48, 48, 48, 48], "activation_sparsity_pattern": [0.95, 0.0, 0.0, 0.0]}),
    ("gemma4_assistant/text_config",
     {"hidden_size_per_layer_input": 0, "vocab_size_per_layer_input": 0, "num_kv_shared_layers": 4}),
    ("gemma4_text gemma4/text_config gemma4_unified_text gemma4_unified/text_config",
     {"global_head_dim": 16, "num_global_key_value_heads": 2}),
    (
        "glm46v/text_config glm4v/text_config glm4v_moe/text_config glm_ocr/text_config glmga/text_config "
        "qwen2_5_vl/text_config qwen2_5_omni_thinker/text_config "
        "hyperclovax_vision_v2/text_config paddleocr_vl/text_config qwen2_vl/text_config",
     {"rope_parameters": MROPE | {"partial_rotary_factor": 1.0}}),
    ("glm5_next glm5_next/text_config", {"num_key_value_heads": 4, "qk_rope_head_dim": 0}),
    ("gpt_neo", {"attention_types": [[["global", "local"], 2]], "window_size": 16}),
    ("granite4_vision", {"deepstack_layer_map": [[-1, 0]], "downsample_rate": "1/2"}),
    ("granite4_vision/text_config granite4_vision/vision_config", {"hidden_size": 64}),
    ("granitemoehybrid", {"layer_types": ["mamba", "attention"] * 2}),
    ("hunyuan_v1_dense hunyuan_v1_moe ministral nemotron", {"head_dim": 8, "num_key_value_heads": 2}),
    ("hunyuan_vl/text_config",
     {"head_dim": 8, "num_key_value_heads": 2, "rope_parameters": MROPE | {"mrope_section": [1, 1, 1, 1]}}),
    ("kimi_linear", {"num_key_value_heads": 4, "layer_types": ["linear_attention", "full_attention"] * 2}),
    ("lfm2_moe", {"layer_types": ["conv", "full_attention"] * 2, "num_dense_layers": 1}),
    ("mamba2", {"num_heads": 8, "head_dim": 8}),
    ("mistral4 mistral4/text_config", {"num_key_value_heads": 4, "head_dim": 16}),
    ("mllama/text_config", {"cross_attention_layers": [1, 3]}),
    ("molmo2", {"adapter_config.vision_feature_layer": [1, 0]}),
    ("muse_spark/vision_config muse_spark/audio_config", {"num_hidden_layers": 4}),
    ("nemotron_h_omni/vision_config", {"video_temporal_patch_size": 2}),
    ("qwen4_exp_text qwen4_exp/text_config",
     {"indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 8, "indexer_budget": 64,
     "indexer_compress_ratio": 4}),
    ("reformer",
     {"is_decoder": True, "attn_layers": ["local", "lsh"] * 2, "axial_pos_embds_dim": [16, 16], "axial_pos_shape": [16, 16]}),
    ("step3p7/text_config", {"sliding_window": 16}),
    ("unlimited_ocr/vision_config/sam_config", {"downsample_channels": [32, 32]}),
    ("xlstm", {"num_blocks": 4}),
    ("xmod", {"is_decoder": True, "default_language": "en_XX"}),
    ("zamba", {"attention_hidden_size": 64, "attention_head_dim": 16, "layers_block_type": ["linear_attention", "hybrid"] * 2}),
    ("zamba2", {"attention_hidden_size": 64, "attention_head_dim": 16, "layers_block_type": ["linear_attention", "hybrid"] * 2}),
    ("zaya", {"num_experts_per_tok": 1}),
)  # fmt: skip
ALSO = {kind: values for kinds, values in _MORE for kind in kinds.split()}
