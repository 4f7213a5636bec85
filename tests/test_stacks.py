"""Stacks: config.json follows the layers, what only predicts later tokens is no layer, transformers loads what is written."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_file

import merger.engine.plan as planning
from merger.__main__ import main
from merger.engine.batch import merge
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.engine.session import Parents, Session
from merger.engine.stacks import follow
from merger.errors import CheckpointError, RecipeError
from merger.files.layout import Layout
from merger.recipe import load, tolerant


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    planning._FRAMES.clear()
    yield
    planning._FRAMES.clear()


# ---------------------------------------------------------------------------------------------- configs

STACK = (0, 1, 2, 3, 2, 3, 4, 5)  # of six layers
N = {"num_hidden_layers": 6}


def followed(config: Mapping[str, Any], order: tuple[int, ...] = STACK, main: str = "model.layers.") -> dict[str, Any]:
    """What becomes of a config in a stack of one model of six layers."""
    made = follow("m", {"m": config}, {"m": Layout({main: 6}, main)}, [[("m", i)] for i in order])
    return made.config


FULL, SLIDING = "full_attention", "sliding_attention"
# config of six layers -> what it is for the eight of STACK; num_hidden_layers apart
FOLLOWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "layer_types": ({"layer_types": [*"abcdef"]}, {"layer_types": [*"abcdcdef"]}),
    "numbers and switches": (
        {"no_rope_layers": [1, 1, 0, 1, 1, 0], "moe": [True, False] * 3, "sparsity_pattern": [0.95, 0.9, 0.5, 0, 0, 0]},
        {"no_rope_layers": [1, 1, 0, 1, 0, 1, 1, 0], "moe": [True, False] * 4,
         "sparsity_pattern": [0.95, 0.9, 0.5, 0, 0.5, 0, 0, 0]},
    ),
    "tables and lists in a list": (
        {"block_configs": [{"a": [i]} for i in range(6)]}, {"block_configs": [{"a": [i]} for i in STACK]},
    ),
    "sizes that rise": (
        {"intermediate_size": [10, 20, 30, 40, 50, 60], "num_key_value_heads_per_layer": [1, 2, 3, 4, 5, 6]},
        {"intermediate_size": [10, 20, 30, 40, 30, 40, 50, 60], "num_key_value_heads_per_layer": [1, 2, 3, 4, 3, 4, 5, 6]},
    ),
    "a pattern of letters": ({"hybrid_override_pattern": "M-*M-E"}, {"hybrid_override_pattern": "M-*M*M-E"}),
    "in a part": (
        {"linear": {"kinds": [*"abcdef"], "eps": 1e-5}}, {"linear": {"kinds": [*"abcdcdef"], "eps": 1e-5}},
    ),
    "layers' numbers": (
        {"full_attn_idxs": [2, 5], "mlp_only_layers": [], "attn_layer_indices": [3], "cross_attention_layers": [0, 3]},
        {"full_attn_idxs": [2, 4, 7], "mlp_only_layers": [], "attn_layer_indices": [3, 5], "cross_attention_layers": [0, 3, 5]},
    ),
    "all layers' numbers": ({"moe_layers": [0, 1, 2, 3, 4, 5]}, {"moe_layers": [0, 1, 2, 3, 4, 5, 6, 7]}),
    "numbers from one": (
        {"linear_attn_config": {"full_attn_layers": [3, 6], "kda_layers": [1, 2, 4, 5], "num_heads": 2}},
        {"linear_attn_config": {"full_attn_layers": [3, 5, 8], "kda_layers": [1, 2, 4, 6, 7], "num_heads": 2}},
    ),
    "keyed by number": (
        {"per_layer": {"1": {"a": 1}, "3": {"a": 3}}}, {"per_layer": {"1": {"a": 1}, "3": {"a": 3}, "5": {"a": 3}}},
    ),
    "the first layers": (
        {"first_k_dense_replace": 1, "max_window_layers": 6}, {"first_k_dense_replace": 1, "max_window_layers": 8},
    ),
    "more than all of them": ({"max_window_layers": 70}, {"max_window_layers": 70}),
    "the last layers": ({"num_kv_shared_layers": 1}, {"num_kv_shared_layers": 1}),
    "a short form that is gone through again": (
        {"attention_types": [[["global", "local"], 3]], "attention_layers": ["global", "local"] * 3},
        {"attention_types": [[["global", "local"] * 4, 1]], "attention_layers": ["global", "local"] * 4},
    ),
    "from one layer to another": (
        {"moe_layer_start_index": 1, "moe_layer_end_index": -1, "moe_layer_interval": 1},
        {"moe_layer_start_index": 1, "moe_layer_end_index": 7},
    ),
    "none of these": (
        {"eos_token_id": [1, 2, 3, 4, 5, 6], "architectures": [*"abcdef"], "k": [1, 2],
         "id2label": {str(i): "no" for i in range(4)},
         "talker_config": {"text_config": {"num_hidden_layers": 6, "layer_types": [*"abcdef"]}},
         "rope_scaling": {"short_factor": [1, 2, 3, 4, 5, 6]}, "mrope_section": [1] * 6, "vocab_size": 6,
         "vision_config": {"num_hidden_layers": 6, "fullatt_block_indexes": [1, 3]}, "name": "abcdef"},
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("part", ["", "text_config", "thinker_config.text_config"])
@pytest.mark.parametrize("case", FOLLOWS)
def test_what_a_config_says_layer_by_layer_follows(case: str, part: str) -> None:
    before, after = FOLLOWS[case]

    def nested(level: dict[str, Any]) -> dict[str, Any]:
        for key in reversed(part.split(".") if part else []):
            level = {key: level, "model_type": "seer"}
        return level

    config = nested(N | before)
    kept = json.dumps(config)
    assert followed(config) == nested({"num_hidden_layers": 8} | before | after)
    assert json.dumps(config) == kept  # the donor's own is not touched


def test_a_stack_in_the_models_own_order_changes_nothing() -> None:
    config = N | {"layer_types": [*"abcdef"], "first_k_dense_replace": 2}
    assert followed(config, tuple(range(6))) == config
    turned = followed(config, (1, 0, 2, 3, 4, 5))
    assert turned["layer_types"] == [*"bacdef"] and turned["num_hidden_layers"] == 6


@pytest.mark.parametrize(
    ("key", "value", "order", "wanted"),
    [("first_k_dense_replace", 3, (0, 1, 2, 3, 4), 3), ("first_k_dense_replace", 3, (2, 3, 4, 5), 1),
     ("first_k_dense_replace", 3, (3, 4, 5), 0), ("first_k_dense_replace", 3, (0, 1, 2, 1, 2, 3), 5),
     ("first_k_dense_replace", 3, (0, 4, 1, 5), 3), ("num_kv_shared_layers", 2, (0, 1, 2, 3, 4, 5, 4, 5), 4),
     ("num_kv_shared_layers", 2, (0, 1, 2), 0), ("num_kv_shared_layers", 2, (0, 4, 1, 5), 2), ("num_dense_layers", 2, (1, 2), 1)],
)  # fmt: skip
def test_counts_of_the_first_and_last_layers(key: str, value: int, order: tuple[int, ...], wanted: int) -> None:
    made = follow("m", {"m": N | {key: value}}, {"m": Layout({"l.": 6}, "l.")}, [[("m", i)] for i in order])
    assert made.config[key] == wanted
    said = [t for t in made.messages if "stand elsewhere too" in t]
    assert bool(said) is (order == (0, 4, 1, 5))
    if said:
        which = "first" if "first" in key else "last"
        assert said == [f"config.json: {key} counts the {which} layers of a kind, and in this stack layers of that kind stand "
                        f"elsewhere too; it stays at {value}."]  # fmt: skip


def test_each_layer_follows_its_own_model() -> None:
    """Two models of unlike sizes and kinds; the base's config is the output's."""
    configs = {
        "a": N | {"layer_types": [*"aaaaaa"], "idxs": [0], "first_k_dense_replace": 2},
        "b": {"num_hidden_layers": 3, "layer_types": [*"xyz"], "idxs": [2], "first_k_dense_replace": 0},
    }
    layouts = {"a": Layout({"l.": 6}, "l."), "b": Layout({"l.": 3}, "l.")}
    made = follow("a", configs, layouts, [[("a", 0)], [("b", 1)], [("b", 2)], [("a", 5)]])
    assert made.config == {"num_hidden_layers": 4, "layer_types": [*"ayza"], "idxs": [0, 2], "first_k_dense_replace": 1}
    assert made.messages == ["config.json: layer_types, idxs, first_k_dense_replace follow the layers."]


def test_layers_of_two_kinds_merged_into_one_are_told() -> None:
    configs = {"a": N | {"layer_types": [*"ababab"]}, "b": N | {"layer_types": [*"aaabab"]}}
    layouts = dict.fromkeys("ab", Layout({"l.": 6}, "l."))
    pairs = [[("a", i), ("b", i)] for i in (0, 1, 2)]
    told = follow("a", configs, layouts, pairs).messages
    assert told[-1] == "layer 1 of the output is merged from layers of two kinds: layer_types is b in a, a in b."


def test_what_goes_by_number_is_noted() -> None:
    config = N | {"attn_layer_period": 2, "attn_layer_offset": 1, "decoder_sparse_step": 2}
    config["scale_attn_by_inverse_layer_idx"] = True
    made = follow("m", {"m": config}, {"m": Layout({"l.": 6}, "l.")}, [[("m", i)] for i in (1, 2)])
    assert made.by_number == ["attn_layer_period", "attn_layer_offset", "decoder_sparse_step"]
    assert made.messages == ["config.json: scale_attn_by_inverse_layer_idx: what a layer computes depends on its number, which "
                         "the stack changes."]  # fmt: skip


def test_a_list_of_kinds_counts_them_too() -> None:
    """nemotron_h as transformers 5 saves it: no number of layers, here or in a part."""
    for key, value in (("layers_block_type", ["a", "b", "c"]), ("hybrid_override_pattern", "M*-")):
        for wrap in (lambda c: c, lambda c: {"text_config": c}):
            made = follow("m", {"m": wrap({key: value})}, {"m": Layout({"l.": 3}, "l.")}, [[("m", i)] for i in (0, 1, 1, 2)])
            assert made.config == wrap({key: [*value[:2], *value[1:]] if isinstance(value, list) else "M**-"})


def test_a_list_that_is_repeated_is_written_out() -> None:
    """recurrent_gemma: two recurrent layers, one of attention, and so on."""
    config = N | {"block_types": ["r", "r", "a"]}
    made = follow("m", {"m": config}, {"m": Layout({"l.": 6}, "l.")}, [[("m", i)] for i in (0, 1, 1, 2, 5)])
    assert made.config["block_types"] == ["r", "r", "r", "a", "a"]


def test_a_config_that_counts_no_layers_is_told() -> None:
    made = follow("m", {"m": {"sizes": [1] * 6}}, {"m": Layout({"l.": 6}, "l.")}, [[("m", 0)]])
    assert made.messages == ["m: its config.json does not say that it has 6 layers; nothing in it follows them."]
    assert follow("m", {"m": {}}, {"m": Layout({"l.": 6}, "l.")}, [[("m", 0)]]).messages == []


def test_the_decoders_number_and_not_the_encoders() -> None:
    config = {"num_layers": 6, "num_decoder_layers": 6, "encoder": {"num_hidden_layers": 6}}
    made = followed(config, (0, 1), "decoder.block.")
    assert made == config | {"num_decoder_layers": 2}


# ---------------------------------------------------------------------------------------------- prediction of later tokens


def with_prediction(folder: Path, name: str, at: int, bare: bool = False, **config: Any) -> None:
    """A layer more than the model has, as DeepSeek and GLM store it: a whole layer, and what joins it."""
    tensors = tiny.read_weights(folder / name)
    last = {n.replace(f"layers.{at - 1}.", f"layers.{at}."): t.clone() for n, t in tensors.items() if f".layers.{at - 1}." in n}
    more = {} if bare else {f"model.layers.{at}.eh_proj.weight": torch.ones(8, 16)}
    save_file(tensors | last | more, folder / name / "model.safetensors", {"format": "pt"})
    known = json.loads((folder / name / "config.json").read_text())
    (folder / name / "config.json").write_text(json.dumps(known | config))


def rewrite(folder: Path, change: Any) -> None:
    save_file(change(tiny.read_weights(folder)), folder / "model.safetensors", {"format": "pt"})


NEXT = {"num_nextn_predict_layers": 1}


@pytest.mark.parametrize("bare", [False, True])
def test_gradients_and_inspect_count_real_layers(
    bare: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=4)
    for name in ("base", "a"):
        with_prediction(tmp_path, name, 4, bare, **NEXT)
    text = "{merge_method: task_arithmetic, base_model: base, models: [{model: a, parameters: {weight: [0, 1]}}]}"
    recipe = load(text)
    plan = make_plan(recipe, open_models(recipe, [tmp_path]))
    assert plan.layout.layers == 4 and not plan.stack
    weights = [dict(plan.job(f"model.layers.{i}.mlp.up_proj.weight").args)["weight"] for i in range(5)]
    assert weights == [(0.0,), (1 / 3,), (2 / 3,), (1.0,), (0.0,)]  # what is no layer has the curve's first value
    assert {*plan.names} == {*tiny.read_weights(tmp_path / "base")}
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(text)
    assert main(["inspect", "r.yaml"]) == 0
    told = capsys.readouterr().out
    assert "layers 4 (" in told and "layer 4 " in told and "layer 5 " not in told


def test_a_fine_tune_without_the_prediction_layer_fits(tmp_path: Path) -> None:
    """transformers drops it when it saves a model."""
    tiny.make_family(tmp_path, models=("base", "a", "b"), layers=4)
    for name in ("base", "b"):
        with_prediction(tmp_path, name, 4, **NEXT)
    for order in ("a, b", "b, a"):
        recipe = load(f"{{merge_method: ties, base_model: base, models: [{order}], parameters: {{weight: 1}}}}")
        plan = make_plan(recipe, open_models(recipe, [tmp_path]))
        assert "layers that only predict later tokens are copied from base: not every model has them." in plan.remarks
        job = plan.job("model.layers.4.mlp.up_proj.weight")
        assert job.method is None and [s.model for s in job.sources] == ["base"]
        assert plan.config["num_nextn_predict_layers"] == 1
    recipe = load("{merge_method: linear, models: [a, b], parameters: {weight: 1}}")
    plan = make_plan(recipe, open_models(recipe, [tmp_path]))
    assert [s.model for s in plan.job("model.layers.4.eh_proj.weight").sources] == ["b"]


@pytest.mark.parametrize("prefix", ["model.mtp_layers.0.", "mtp.layers.0.", "model.mtp.block."])
def test_prediction_in_a_stack_of_its_own(prefix: str, tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=2)
    rewrite(tmp_path / "base", lambda t: t | {prefix + "mlp.up_proj.weight": torch.ones(512, 8)})  # heavier than the layers
    recipe = load("{merge_method: ties, base_model: base, models: [{model: a, parameters: {weight: 1}}]}")
    plan = make_plan(recipe, open_models(recipe, [tmp_path]))
    assert plan.layout.layers == 2 and plan.layout.main == "model.layers."
    assert plan.job(prefix + "mlp.up_proj.weight").method is None


@pytest.mark.long
def test_a_stack_leaves_them_out_and_says_so(tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "in", models=("m",), layers=4)
    with_prediction(tmp_path / "in", "m", 4, **NEXT)
    parts = ", ".join(f"{{sources: [{{model: m, layer_range: {r}}}]}}" for r in ([0, 3], [1, 4]))
    plan = merge(load(f"{{merge_method: passthrough, slices: [{parts}]}}"), tmp_path / "out", roots=[tmp_path / "in"])
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert (config["num_hidden_layers"], config["num_nextn_predict_layers"]) == (6, 0)
    layers = {int(n.split(".")[2]) for n in tiny.read_weights(tmp_path / "out") if ".layers." in n}
    assert layers == {*range(6)} and not any("eh_proj" in n for n in plan.names)
    assert plan.remarks[-1] == (
        "layers that only predict later tokens are left out: they belong behind the layers that this stack changes."
    )
    whole = load("{merge_method: passthrough, slices: [{sources: [{model: m, layer_range: [0, 4]}]}]}")
    kept = make_plan(whole, open_models(whole, [tmp_path / "in"]))
    assert "model.layers.4.eh_proj.weight" in kept.names and kept.config["num_nextn_predict_layers"] == 1


def test_a_layer_range_ends_at_the_last_real_layer(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("m",), layers=4)
    with_prediction(tmp_path, "m", 4, **NEXT)
    recipe = load("{merge_method: passthrough, slices: [{sources: [{model: m, layer_range: [0, 5]}]}]}")
    with pytest.raises(RecipeError, match=r"layer_range \[0, 5\] of m ends after its last layer; it has 4, so at most "):
        make_plan(recipe, open_models(recipe, [tmp_path]))


def test_a_number_of_layers_that_is_simply_wrong_hides_none(tmp_path: Path) -> None:
    """Without a word of prediction, more layers than config.json says are layers."""
    tiny.make_family(tmp_path, models=("m",), layers=4)
    config = json.loads((tmp_path / "m/config.json").read_text())
    (tmp_path / "m/config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    recipe = load("{merge_method: passthrough, models: [m]}")
    assert make_plan(recipe, open_models(recipe, [tmp_path])).layout.layers == 4


# ---------------------------------------------------------------------------------------------- transformers loads it

TEXT = dict(
    hidden_size=32, intermediate_size=48, num_hidden_layers=8, num_attention_heads=4, num_key_value_heads=2, vocab_size=64,
    max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2,
)  # fmt: skip
MLA = dict(
    num_key_value_heads=4, moe_intermediate_size=16, n_routed_experts=4, n_shared_experts=1, num_experts_per_tok=2, n_group=1,
    topk_group=1, q_lora_rank=16, kv_lora_rank=8, qk_nope_head_dim=8, qk_rope_head_dim=8, v_head_dim=8,
)  # fmt: skip
JAMBA = dict(
    mamba_d_state=4, mamba_dt_rank=4, attn_layer_period=2, attn_layer_offset=1, expert_layer_period=2, expert_layer_offset=1,
    num_experts=2, use_mamba_kernels=False,
)  # fmt: skip
NEMOTRON = dict(
    layers_block_type=["linear_attention", "moe", FULL, "mlp"] * 2, mamba_num_heads=4, mamba_head_dim=16, ssm_state_size=8,
    n_groups=1, head_dim=8, n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
    moe_shared_expert_intermediate_size=16, n_shared_experts=1, n_group=1, topk_group=1,
)  # fmt: skip
GEMMA3N = dict(
    head_dim=8, num_kv_shared_layers=2, layer_types=[SLIDING, FULL] * 4, intermediate_size=[48] * 8, laurel_rank=4,
    activation_sparsity_pattern=[0.0] * 8, vocab_size_per_layer_input=64, hidden_size_per_layer_input=8,
)  # fmt: skip
ODD, SHIFT = ([0, 5], [2, 8]), ([2, 5], [4, 8])
# type, settings, keys taken out of the saved config.json, ranges, how it ends
LOADS: dict[str, tuple[str, dict[str, Any], tuple[str, ...], Any, str]] = {
    "llama": ("llama", {}, (), ODD, "loads"),
    "qwen2": ("qwen2", {}, (), ODD, "loads"),
    "gemma3": ("gemma3_text", dict(head_dim=8), (), ODD, "loads"),
    "smollm3": ("smollm3", {}, (), ODD, "loads"),
    "cohere2": ("cohere2", {}, (), ODD, "loads"),
    "gpt_oss": ("gpt_oss", dict(head_dim=8, num_local_experts=4, num_experts_per_tok=2), (), ODD, "loads"),
    "lfm2": ("lfm2", dict(layer_types=["conv", FULL] * 4, block_auto_adjust_ff_dim=False), (), ODD, "loads"),
    "lfm2 by numbers": ("lfm2", dict(full_attn_idxs=[1, 3, 5], block_auto_adjust_ff_dim=False), ("layer_types",), ODD, "loads"),
    "gemma2 with its list": ("gemma2", dict(head_dim=8), (), ODD, "loads"),
    "gemma2 as it was released": ("gemma2", dict(head_dim=8), ("layer_types",), ODD, "kinds"),
    "gemma2 by whole periods": ("gemma2", dict(head_dim=8), ("layer_types",), ([0, 4], [2, 8]), "loads"),
    "deepseek": ("deepseek_v3", MLA | dict(first_k_dense_replace=1), (), SHIFT, "loads"),
    "deepseek, a dense layer in the middle": ("deepseek_v3", MLA | dict(first_k_dense_replace=2), (), ([1, 8], [0, 8]), "names"),
    "jamba": ("jamba", JAMBA, (), ([0, 3], [4, 8]), "names"),
    "jamba by whole periods": ("jamba", JAMBA, (), ([0, 4], [2, 8]), "loads"),
    "qwen2_moe": ("qwen2_moe", dict(decoder_sparse_step=2, num_experts=4, moe_intermediate_size=16,
                  shared_expert_intermediate_size=16), (), ODD, "names"),
    "qwen2_moe by numbers": ("qwen2_moe", dict(mlp_only_layers=[0, 5], num_experts=4, moe_intermediate_size=16,
                             shared_expert_intermediate_size=16), (), ODD, "loads"),
    "nemotron_h, which has no number of layers": ("nemotron_h", NEMOTRON, (), ODD, "loads"),
    "gemma3n, which shares keys and values": ("gemma3n_text", GEMMA3N, (), ([0, 5], [4, 7]), "loads"),
    "gemma3n of more layers, of which each has a part in one tensor": ("gemma3n_text", GEMMA3N, (), ([0, 5], [2, 7]), "shapes"),
    "gemma4, whose last layer is of one kind": ("gemma4_text", dict(
        head_dim=8, global_head_dim=8, hidden_size_per_layer_input=0, layer_types=[SLIDING, FULL] * 4),
        (), ([0, 5], [2, 7]), "kinds"),
    "gpt_neox_japanese, whose last layer has a bias": (
        "gpt_neox_japanese", dict(intermediate_multiple_size=1), (), ([0, 5], [2, 7]), "names"),
}  # fmt: skip
OUT = {"gemma4": "transformers makes layer 9 of such a model full_attention, whatever config.json says under layer_types: let",
       "gemma3n of more layers": "keeps a part for each layer in one tensor: let the stack have as many layers as m.",
       "gpt_neox_japanese": "let the stack begin with a model's first layer and end with a model's last."}  # fmt: skip


def save(folder: Path, kind: str, settings: Mapping[str, Any], gone: tuple[str, ...]) -> None:
    import transformers

    torch.manual_seed(0)
    config = transformers.CONFIG_MAPPING[kind](**{**TEXT, **settings})
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    known = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({k: v for k, v in known.items() if k not in gone}))


@pytest.mark.parametrize("case", LOADS)
@pytest.mark.long
def test_what_transformers_makes_of_a_stack(case: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    kind, settings, gone, ranges, ends = LOADS[case]
    save(tmp_path / "m", kind, settings, gone)
    parts = ", ".join(f"{{sources: [{{model: m, layer_range: {r}}}]}}" for r in ranges)
    recipe = load(f"{{merge_method: passthrough, slices: [{parts}]}}")
    if ends != "loads":
        with pytest.raises(CheckpointError) as error:
            merge(recipe, tmp_path / "out", roots=[tmp_path])
        assert not (tmp_path / "out").exists() and not (tmp_path / "out.partial").exists()
        said = str(error.value)
        assert said.startswith(f"transformers could not load the output as it is planned, a {kind}:\n")
        assert ("  wrong kind  layer " in said) is (ends == "kinds") and ("  missing     " in said) is (ends == "names")
        assert OUT.get(case.split(",")[0], "") in said
        assert "whole periods" in said or ends in ("names", "shapes") or case.split(",")[0] in OUT
        assert said.endswith("To write it all the same: --allow-crimes, or `on_mismatch: skip`.")
        told = merge(tolerant(recipe, "skip"), tmp_path / "out", roots=[tmp_path]).remarks[-1]
        assert told.startswith("transformers could not load the output as it is planned")
        return
    remarks = str(merge(recipe, tmp_path / "out", roots=[tmp_path]).remarks)
    assert "could not be checked" not in remarks
    assert ("a layer that moved computes with another's" in remarks) is ("gemma3n" in kind)
    model, info = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    count = sum(stop - start for start, stop in ranges)
    assert model.config.num_hidden_layers == count
    own = transformers.AutoConfig.from_pretrained(tmp_path / "m")
    order = [i for start, stop in ranges for i in range(start, stop)]
    for key in ("layer_types", "mlp_layer_types", "no_rope_layers"):
        if isinstance(listed := getattr(own, key, None), list) and len(listed) == 8:
            assert getattr(model.config, key) == [listed[i] for i in order]


@pytest.mark.long
def test_a_stack_of_the_text_of_a_model_that_sees(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.Gemma3Config(
        text_config=transformers.Gemma3TextConfig(**TEXT, head_dim=8).to_dict(),
        vision_config=transformers.SiglipVisionConfig(
            hidden_size=16, intermediate_size=24, num_hidden_layers=8, num_attention_heads=2, image_size=28, patch_size=14
        ).to_dict(),
        mm_tokens_per_image=4, image_token_index=60, boi_token_index=61, eoi_token_index=62,
    )  # fmt: skip
    transformers.Gemma3ForConditionalGeneration(config).save_pretrained(tmp_path / "m")
    parts = ", ".join(f"{{sources: [{{model: m, layer_range: {r}}}]}}" for r in ODD)
    merge(load(f"{{merge_method: passthrough, slices: [{parts}]}}"), tmp_path / "out", roots=[tmp_path])
    _, info = transformers.Gemma3ForConditionalGeneration.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    made = json.loads((tmp_path / "out/config.json").read_text())
    assert made["text_config"]["num_hidden_layers"] == len(made["text_config"]["layer_types"]) == 11
    assert made["vision_config"]["num_hidden_layers"] == 8


@pytest.mark.long
def test_live_and_batch_have_one_config(tmp_path: Path) -> None:
    save(tmp_path / "m", "qwen2", {}, ())
    parts = ", ".join(f"{{sources: [{{model: m, layer_range: {r}}}]}}" for r in ODD)
    recipe = load(f"{{merge_method: passthrough, slices: [{parts}]}}")
    session = Session(Parents(roots=[tmp_path]))
    session.apply(recipe)
    merge(recipe, tmp_path / "out", roots=[tmp_path])
    assert session.plan is not None and json.loads((tmp_path / "out/config.json").read_text()) == session.plan.config
    made = tiny.read_weights(tmp_path / "out")
    assert made.keys() == session.tensors.keys() and all(torch.equal(made[n], t) for n, t in session.tensors.items())
