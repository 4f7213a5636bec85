"""Quantized models: refused wherever their numbers would be averaged, copied where nothing is done to them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_file

import merger.engine.plan as planning
from merger.engine.batch import merge
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.engine.session import Parents, Session
from merger.errors import CheckpointError
from merger.files.checkpoints import open_checkpoint
from merger.files.quantized import kind
from merger.recipe import load, tolerant

Packed = dict[str, torch.Tensor]
UP = "model.layers.0.mlp.up_proj.weight"


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    planning._FRAMES.clear()
    yield
    planning._FRAMES.clear()


def whole(seed: int, *shape: int, dtype: torch.dtype = torch.int32) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randint(-100 if dtype.is_signed else 0, 100, shape, generator=g).to(dtype)


def scales(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)).half()


# How each tool stores a matrix of (rows, columns): the names after the module's, as their files hold them.
FORMATS: dict[str, tuple[Callable[[int, int, int], Packed], dict[str, Any]]] = {
    "gptq": (lambda s, n, m: {"qweight": whole(s, m // 8, n), "qzeros": whole(s, 1, 1), "scales": scales(s, 1, n),
             "g_idx": torch.zeros(m, dtype=torch.int32)}, {"quant_method": "gptq", "bits": 4}),
    "awq": (lambda s, n, m: {"qweight": whole(s, m, n // 8), "qzeros": whole(s, 1, 1), "scales": scales(s, 1, n)},
            {"quant_method": "awq", "bits": 4}),
    "nf4": (lambda s, n, m: {"weight": whole(s, n * m // 2, 1, dtype=torch.uint8), "weight.absmax": scales(s, 4).float(),
            "weight.quant_map": scales(0, 16).float(), "weight.quant_state.bitsandbytes__nf4": whole(0, 90, dtype=torch.uint8)},
            {"quant_method": "bitsandbytes", "load_in_4bit": True}),
    "int8": (lambda s, n, m: {"weight": whole(s, n, m, dtype=torch.int8), "SCB": scales(s, n).float(),
             "weight_format": torch.tensor(0, dtype=torch.uint8)}, {"quant_method": "bitsandbytes", "load_in_8bit": True}),
    "mxfp4": (lambda s, n, m: {"gate_up_proj_blocks": whole(s, 2, n, 1, 8, dtype=torch.uint8),
              "gate_up_proj_scales": whole(s, 2, n, 1, dtype=torch.uint8)}, {"quant_method": "mxfp4"}),
    "packed": (lambda s, n, m: {"weight_packed": whole(s, n, m // 8), "weight_scale": scales(s, n, 1),
               "weight_shape": torch.tensor([n, m])}, {"quant_method": "compressed-tensors"}),
    "w8a8": (lambda s, n, m: {"weight": whole(s, n, m, dtype=torch.int8), "weight_scale": scales(s, n, 1)},
             {"quant_method": "compressed-tensors"}),
    "nvfp4": (lambda s, n, m: {"weight_packed": whole(s, n, m // 2, dtype=torch.uint8), "weight_global_scale": scales(s, 1),
              "weight_scale": scales(s, n, 1).to(torch.float8_e4m3fn)}, {"quant_method": "compressed-tensors"}),
    "fp8": (lambda s, n, m: {"weight": scales(s, n, m).to(torch.float8_e4m3fn), "weight_scale_inv": scales(s, 1, 1).float()},
            {"quant_method": "fp8"}),
    "fbgemm": (lambda s, n, m: {"weight": scales(s, n, m).to(torch.float8_e4m3fn), "weight_scale": scales(s, n, 1)},
               {"quant_method": "fbgemm_fp8"}),
    "hqq": (lambda s, n, m: {"W_q": whole(s, n * m // 64, 32, dtype=torch.uint8), "scale": scales(s, n, 1),
            "zero": scales(s, n, 1)}, {"quant_method": "hqq"}),
    "torchao": (lambda s, n, m: {"weight:qdata": whole(s, n, m, dtype=torch.int8), "weight:scale": scales(s, n, 1)},
                {"quant_method": "torchao"}),
    "quanto": (lambda s, n, m: {"weight._data": whole(s, n, m, dtype=torch.int8), "weight._scale": scales(s, n, 1)},
               {"quant_method": "quanto"}),
    "eetq": (lambda s, n, m: {"weight": whole(s, m, n, dtype=torch.int8), "weight_scales": scales(s, n)},
             {"quant_method": "eetq"}),
    "aqlm": (lambda s, n, m: {"codes": whole(s, n, m // 8, 1, dtype=torch.int16), "codebooks": scales(s, 1, 16, 1, 8),
             "scales": scales(s, n, 1, 1, 1)}, {"quant_method": "aqlm"}),
    "hqq as floats": (lambda s, n, m: {"W_q": scales(s, n * m // 64, 32), "scale": scales(s, n, 1), "zero": scales(s, n, 1)},
                      {"quant_method": "hqq"}),
    "spqr": (lambda s, n, m: {"dense_weights": whole(s, n, m // 8, dtype=torch.int64), "in_perm": whole(0, m, dtype=torch.int64)},
             {"quant_method": "spqr"}),
    "exl3": (lambda s, n, m: {"trellis": whole(s, n, m, dtype=torch.int16), "suh": scales(s, m), "svh": scales(s, n)},
             {"quant_method": "exl3"}),
    "quip": (lambda s, n, m: {"Qidxs": whole(s, n, m, dtype=torch.int64), "SU": scales(s, m), "SV": scales(s, n)},
             {"quant_method": "quip"}),
    "bitnet": (lambda s, n, m: {"weight": whole(s, n // 4, m, dtype=torch.uint8), "weight_scale": scales(s, 1)},
               {"quant_method": "bitnet"}),
    "mlx": (lambda s, n, m: {"weight": whole(s, n, m // 8).to(torch.uint32), "scales": scales(s, n, 1),
            "biases": scales(s, n, 1)}, {"group_size": 64, "bits": 4}),
}  # fmt: skip


def make(folder: Path, how: str, seed: int, told: str = "quantization_config", plain: int = 0) -> None:
    """A tiny Llama whose matrices inside the layers are packed by a tool; two of one `plain` have the same other weights."""
    tiny.make_family(folder.parent / f"of-{folder.name}", models=("base",), layers=2, width=16, ffn=16, seed=plain)
    pack, settings = FORMATS[how]
    tensors: Packed = {}
    for name, tensor in tiny.read_weights(folder.parent / f"of-{folder.name}/base").items():
        if "_proj.weight" in name:
            n, m = tensor.shape
            packed = pack(seed, max(n, 8), max(m, 64 if how.startswith("hqq") else 8))
            tensors |= {f"{name.removesuffix('weight')}{end}": t.contiguous() for end, t in packed.items()}
        else:
            tensors[name] = tensor.half()
    (folder).mkdir(parents=True)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder.parent / f"of-{folder.name}/base/config.json").read_text())
    if told == "text_config":
        config = {"model_type": "seer", "text_config": config | {"quantization_config": settings}}
    elif told:
        config |= {"quantization" if how == "mlx" else told: settings}
    (folder / "config.json").write_text(json.dumps(config))


LINEAR = "{merge_method: linear, models: [one, two], parameters: {weight: 0.5}}"
REFUSED = (
    LINEAR, "{merge_method: ties, base_model: one, models: [two], parameters: {weight: 1}}",
    "{merge_method: slerp, base_model: one, models: [two], parameters: {t: 0.5}}",
    "{merge_method: linear, parameters: {weight: 1}, slices: [{sources: [{model: one, layer_range: [0, 1]}]}]}",
    "{merge_method: passthrough, models: [one], dtype: bfloat16}",
    "{merge_method: passthrough, models: [one], parameters: {scale: 0.5}}",
    "{merge_method: passthrough, models: [one], tokenizer_source: base}",
    "{name: n, merge_method: passthrough, models: [one]}\n---\n{merge_method: linear, models: [n], parameters: {weight: 1}}",
)  # fmt: skip


def refusal(text: str, root: Path, policy: Any = "refuse") -> str:
    recipe = tolerant(load(text), policy)
    with pytest.raises(CheckpointError) as error:
        make_plan(recipe, open_models(recipe, [root]))
    return str(error.value)


@pytest.mark.parametrize("told", ["quantization_config", "text_config", ""])
@pytest.mark.parametrize("how", FORMATS)
def test_quantized_models_are_never_averaged(how: str, told: str, tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("two", 2)):
        make(tmp_path / name, how, seed, told)
    called = FORMATS[how][1].get("quant_method", "mlx") if told else kind(open_checkpoint("one", tmp_path / "one"))
    assert bool(called) is (told != "" or how not in ("fp8", "fbgemm"))
    for text in REFUSED if called else REFUSED[:-2]:
        for policy in ("refuse", "skip", "crop+skip"):
            said = refusal(text, tmp_path, policy)
            if not called:  # 8-bit floats speak for themselves
                assert "stored in 8-bit floating point, whose scales lie elsewhere; it can only be copied" in said
                continue
            assert f": is quantized ({called}): its weights are packed whole numbers and scales, which cannot be merg" in said
            assert "Take the 16-bit model it was made from" in said and "`passthrough` of this model alone" in said


@pytest.mark.parametrize("how", FORMATS)
def test_one_alone_is_copied_byte_for_byte(how: str, tmp_path: Path) -> None:
    make(tmp_path / "one", how, 1)
    for k, text in enumerate((
        "{merge_method: passthrough, models: [one]}",
        "{merge_method: passthrough, slices: [{sources: [{model: one, layer_range: [0, 2]}]}]}",
    )):  # fmt: skip
        plan = merge(load(text), tmp_path / f"out{k}", roots=[tmp_path])
        assert all(job.method is None for job in plan.jobs)
        made, own = tiny.read_weights(tmp_path / f"out{k}"), tiny.read_weights(tmp_path / "one")
        assert made.keys() == own.keys()
        for name, tensor in own.items():
            assert made[name].dtype == tensor.dtype and made[name].shape == tensor.shape
            assert torch.equal(made[name].contiguous().view(-1).view(torch.uint8), tensor.contiguous().view(-1).view(torch.uint8))
        config = json.loads((tmp_path / f"out{k}/config.json").read_text())
        assert config == json.loads((tmp_path / "one/config.json").read_text())
    session = Session(Parents(roots=[tmp_path]))
    session.apply(load("{merge_method: passthrough, models: [one]}"))
    assert all(torch.equal(session.tensors[n].view(torch.uint8), t.view(torch.uint8)) for n, t in made.items() if t.dim())


def test_a_stack_of_two_that_are_packed_alike_is_copied(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("two", 2)):
        make(tmp_path / name, "gptq", seed)
    text = """{merge_method: passthrough, slices: [{sources: [{model: one, layer_range: [0, 2]}]},
      {sources: [{model: two, layer_range: [1, 2]}]}]}"""
    recipe = load(text)
    plan = make_plan(recipe, open_models(recipe, [tmp_path]))
    assert [s.model for s in plan.job("model.layers.2.mlp.up_proj.qweight").sources] == ["two"]
    assert plan.config["num_hidden_layers"] == 3 and plan.config["quantization_config"]["bits"] == 4
    make(tmp_path / "three", "awq", 3)
    assert "is quantized" in refusal(text.replace("two", "three"), tmp_path)


@pytest.mark.parametrize(
    ("how", "way"),
    [("nf4", "load it in transformers, then model.dequantize() and save_pretrained."),
     ("mxfp4", "load it in transformers with quantization_config=Mxfp4Config(dequantize=True), then save_pretrained."),
     ("fp8", "load it in transformers with quantization_config=FineGrainedFP8Config(dequantize=True), then save_pretrained."),
     ("gptq", "gptqmodel's dequantize_model writes them."), ("mlx", "mlx_lm.convert --dequantize writes them.")],
)  # fmt: skip
def test_the_way_out_is_named(how: str, way: str, tmp_path: Path) -> None:
    make(tmp_path / "one", how, 1)
    make(tmp_path / "two", how, 2)
    assert f"Take the 16-bit model it was made from, or make plain weights of it: {way}\n" in refusal(LINEAR, tmp_path)


def test_only_one_of_the_models_is_quantized(tmp_path: Path) -> None:
    make(tmp_path / "two", "nf4", 2)
    tiny.make_family(tmp_path, models=("one",), layers=2, width=16, ffn=16)
    assert refusal(LINEAR, tmp_path).startswith("two: is quantized (bitsandbytes): ")


def test_settings_over_plain_weights_are_left_over(tmp_path: Path) -> None:
    """QLoRA's merged models often keep them; the output would be quantized while it is loaded."""
    tiny.make_family(tmp_path, models=("one", "two"), layers=2, dtype=torch.float16)
    for name in ("one", "two"):
        config = json.loads((tmp_path / name / "config.json").read_text())
        config |= {"quantization_config": FORMATS["nf4"][1], "text_config": {"quantization_config": {"quant_method": "gptq"}}}
        (tmp_path / name / "config.json").write_text(json.dumps(config))
    plan = merge(load(LINEAR), tmp_path / "out", roots=[tmp_path])
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert "quantization_config" not in config and "quantization_config" not in config["text_config"]
    assert plan.remarks == tuple(
        f"{name}: its config.json speaks of quantization, its weights are plain; the output's does not."
        for name in ("one", "two")
    )
    made = tiny.read_weights(tmp_path / "out")
    assert made[UP].dtype == torch.float16 and not torch.equal(made[UP], tiny.read_weights(tmp_path / "one")[UP])


TABLE = "model.layers.0.experts.table"


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8, torch.bool])
@pytest.mark.parametrize("left_over", [False, True])
def test_whole_numbers_are_copied_where_they_are_equal_and_refused_where_not(
    dtype: torch.dtype, left_over: bool, tmp_path: Path
) -> None:
    tiny.make_family(tmp_path, models=("one", "two"), layers=2)
    table = torch.arange(40) % 7

    def put(name: str, values: torch.Tensor) -> None:
        weights = {n: t for n, t in tiny.read_weights(tmp_path / name).items() if n != TABLE}
        save_file(weights | {TABLE: values.to(dtype)}, tmp_path / name / "model.safetensors")
        if left_over:
            config = json.loads((tmp_path / name / "config.json").read_text()) | {"quantization_config": {"quant_method": "gptq"}}
            (tmp_path / name / "config.json").write_text(json.dumps(config))

    for name in ("one", "two"):
        put(name, table)
    recipe = load(LINEAR)
    job = make_plan(recipe, open_models(recipe, [tmp_path])).job(TABLE)
    assert (job.method, job.out, [s.model for s in job.sources]) == (None, dtype, ["one"])
    put("two", (table + 1) % 7)
    planning._FRAMES.clear()
    assert (
        refusal(LINEAR, tmp_path)
        == refusal(LINEAR, tmp_path, "skip")
        == (
            f"{TABLE}: whole numbers, which differ between one and two; they cannot be merged.\n"
            "  Where they are packed weights, take the models in 16 bits; else merge fine-tunes of one base."
        )
    )


def add_raw(folder: Path, name: str, code: str, shape: list[int], raw: bytes) -> None:
    """A tensor of a type that torch has not, put into a file by hand."""
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    end = max(v["data_offsets"][1] for k, v in header.items() if k != "__metadata__")
    header[name] = {"dtype": code, "shape": shape, "data_offsets": [end, end + len(raw)]}
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + size :] + raw)


def raw_of(folder: Path, name: str) -> tuple[str, list[int], bytes]:
    whole = (folder / "model.safetensors").read_bytes()
    size = int.from_bytes(whole[:8], "little")
    entry = json.loads(whole[8 : 8 + size])[name]
    first, last = entry["data_offsets"]
    return entry["dtype"], entry["shape"], whole[8 + size + first : 8 + size + last]


@pytest.mark.parametrize(
    ("code", "shape", "nbytes"),
    [("F8_E8M0", [4, 2], 8), ("F8_E4M3FNUZ", [8], 8), ("F8_E5M2FNUZ", [8], 8), ("C64", [3], 24), ("F4", [4, 4], 8),
     ("F6_E2M3", [4, 2], 6), ("F6_E3M2", [8], 6)],
)  # fmt: skip
def test_new_types_of_known_width_are_copied(code: str, shape: list[int], nbytes: int, tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("one", "two"), layers=1)
    name = UP + "_scale"
    add_raw(tmp_path / "one", name, code, shape, bytes(range(1, 1 + nbytes)))
    for text in (
        "{merge_method: passthrough, models: [one]}",
        "{name: n, merge_method: passthrough, models: [one]}\n---\n{merge_method: passthrough, models: [n]}",
    ):
        out = tmp_path / f"out{len(text)}"
        merge(load(text), out, roots=[tmp_path])
        assert raw_of(out, name) == (code, shape, bytes(range(1, 1 + nbytes)))
        assert raw_of(out, UP) == raw_of(tmp_path / "one", UP)
    with pytest.raises(CheckpointError):
        merge(load(LINEAR), tmp_path / "mean", roots=[tmp_path])


def test_a_lora_wants_plain_weights(tmp_path: Path) -> None:
    from test_lora import make_lora

    make(tmp_path / "one", "nf4", 1)
    make_lora(tmp_path / "l", {"model.layers.0.self_attn.q_proj": (16, 16)})
    assert refusal("{merge_method: passthrough, models: [one+l]}", tmp_path) == (
        "one: is quantized (bitsandbytes); a LoRA is added to plain weights.\n"
        "  Name the 16-bit model before the `+`: a LoRA that was trained on the quantized one fits it."
    )


def test_a_folder_of_gguf_files(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one/model-Q4_K_M.gguf").write_bytes(b"GGUF")
    with pytest.raises(CheckpointError) as error:
        open_checkpoint("one", tmp_path / "one")
    assert str(error.value) == (
        f"one: the folder {tmp_path}/one holds GGUF files only, which are quantized.\n"
        "  Take the model they were made from, or load one dequantized in transformers (gguf_file=...) and save_pretrained it."
    )
