"""Keys and parameters that published recipes have and that do nothing here, with what is said of each."""

_OPTION = ": it is an option of the command, not of a recipe"
_CARD = ": it is for people; a recipe says what is merged"
# Keys that published recipes have, which mergekit reads over and which change nothing in a merge.
IDLE = {
    "residual_weight": ", as in mergekit", "embed_slerp": " any more: `tokenizer_source` says how embeddings are matched",
    "int8_mask": ": masks take no memory here", "consensus_method": ", as in mergekit", "naive_count": ", as in mergekit",
    "smooth": ", as in mergekit", "allow_negative_weights": ", as in mergekit", "int_space": ", as in mergekit",
    "adaptive_merge_parameters": ", as in mergekit", "majority_sign_method": ", as in mergekit",
} | dict.fromkeys((
    "allow_crimes", "async_write", "clone_tensors", "copy_tokenizer", "cuda", "device", "gpu_rich", "lazy_unpickle",
    "lora_merge_cache", "lora_merge_dtype", "low_cpu_memory", "max_shard_size", "multi_gpu", "num_threads", "out_path",
    "out_shard_size", "output", "output_dir", "output_path", "quiet", "read_to_gpu", "safe_serialization",
    "transformers_cache", "trust_remote_code", "verbose", "write_model_card", "write_threads",
), _OPTION) | dict.fromkeys((
    "author", "authors", "comment", "description", "language", "library_name", "license", "metadata", "model_name", "note",
    "notes", "pipeline_tag", "tags", "title", "version",
), _CARD)  # fmt: skip
_ELSEWHERE = ("dtype", "out_dtype", "tokenizer_source", "chat_template", "seed", "random_seed")
# Below `parameters:` mergekit reads over these; at the top of a recipe they say something.
IDLE_PARAMETERS = {name: what for name, what in IDLE.items() if name not in ("int8_mask",)} | {
    name: f" below `parameters:`, as in mergekit; write `{name}:` at the top of the recipe" for name in _ELSEWHERE
}
OTHER_PROGRAMS = (  # marks of their recipes, their name, what they do
    (("experts", "gate_mode", "source_model", "shared_experts", "experts_per_token"), "mergekit-moe",
     "makes a mixture of experts out of whole models; here models of one shape are merged into one of the same shape"),
    (("genome", "tasks"), "mergekit-evolve",
     "searches for weights by benchmarks; here a recipe has a `merge_method:` and its weights"),
)  # fmt: skip

# Parameters of mergekit's other methods: kept as they are, without effect here, so that its recipes run unchanged.
OTHER_PARAMETERS = frozenset({
    "alpha", "density", "eps", "epsilon", "filter_wise", "gamma", "int8_mask", "lambda", "max_iter", "normalize",
    "normalize_weights", "nuslerp_flatten", "nuslerp_row_wise", "r", "rescale", "scale", "select_topk", "t", "tol", "weight",
})  # fmt: skip
