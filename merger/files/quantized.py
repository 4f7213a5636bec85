"""Models whose weights are packed whole numbers with scales beside them: they can be copied, never averaged."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from merger.errors import CheckpointError
from merger.files.checkpoints import Checkpoint, Stored
from merger.files.layout import is_buffer

# What only a quantized model has among its tensors -> who writes it so. The first that is found is named.
_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple((name, re.compile(pattern)) for name, pattern in (
    ("gptq", r"\.(qweight|qzeros|g_idx)$"),
    ("bitsandbytes", r"\.(absmax|nested_absmax|quant_map|SCB|weight_format)$|\.quant_state\."),
    ("compressed-tensors", r"\.weight_(packed|shape|zero_point)$"),
    ("hqq", r"\.W_q$"),
    ("mxfp4", r"_proj_blocks$"),
    ("torchao", r"[:_.](qdata|int_data)$"),
    ("quanto", r"\.weight\._data$"),
    ("spqr", r"\.dense_weights$"),
    ("quip", r"\.Qidxs(_\d)?$"),
    ("exl3", r"\.trellis$"),
    ("aqlm", r"\.(codes|codebooks)$"),
    ("vptq", r"\.(centroids|res_centroids)\b"),
    ("8-bit or 4-bit", r"\.(weight_)?scales?(_inv|_2)?$"),
))  # fmt: skip
_ALWAYS = re.compile(r"\.(qweight|W_q|dense_weights|Qidxs(_\d)?|trellis|weight_packed)$")
"""Packed whatever their type says: wide whole numbers, or floats that only carry the bits (HQQ's view_as_float)."""
_FEW = 20
"""Small whole numbers are no weights where they make less than a twentieth of a model and no name speaks for it."""
_SMALL = (torch.int8, torch.uint8, torch.int16, torch.uint16, torch.int32, torch.uint32)

# quant_method -> how plain weights are had.
_LOAD = "load it in transformers with quantization_config={}(dequantize=True), then save_pretrained"
_WAYS = {
    "bitsandbytes": "load it in transformers, then model.dequantize() and save_pretrained",
    "mxfp4": _LOAD.format("Mxfp4Config"), "fp8": _LOAD.format("FineGrainedFP8Config"),
    "compressed-tensors": _LOAD.format("CompressedTensorsConfig"), "gptq": "gptqmodel's dequantize_model writes them",
    "mlx": "mlx_lm.convert --dequantize writes them",
}  # fmt: skip


SETTINGS = ("quantization_config", "compression_config", "quantization")
"""The keys of a config.json that speak of quantization."""


def settings(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a config.json says about quantization, also in a part of it; {} where it says nothing."""
    for level in (config, *(v for v in config.values() if isinstance(v, Mapping))):
        for key in SETTINGS:
            value = level.get(key)
            if isinstance(value, Mapping) and value:
                return value
    return {}


def without_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of plain weights: transformers would quantize them, or look for scales, because of what is left over."""
    return {k: without_settings(v) if isinstance(v, Mapping) else v for k, v in config.items() if k not in SETTINGS}


def kind(model: Checkpoint) -> str:
    """How a model is quantized, "" for plain weights. Its tensors decide, not what its config says.

    A config that speaks of quantization over plain floats is left over from training, and does no harm.
    """
    said = settings(model.config)
    packed = [name for name, stored in model.tensors.items() if _is_packed(name, stored)]
    if not packed:
        return ""
    if not said and all(model.tensors[n].dtype.is_floating_point and not _ALWAYS.search(n) for n in packed):
        return ""  # 8-bit floats are refused one by one, and copied one by one
    by_sign = next((sign for sign, pattern in _SIGNS if any(pattern.search(name) for name in model.tensors)), "")
    if not by_sign and sum(model.tensors[name].nbytes for name in packed) * _FEW < model.nbytes:
        return ""
    method = said.get("quant_method")
    if isinstance(method, str) and method:
        return method[:40].lower()
    if said and {"group_size", "bits"} <= said.keys():
        return "mlx"
    return by_sign or ("quantized" if said else "")


def _is_packed(name: str, stored: Stored) -> bool:
    """Whole numbers that may stand for weights; tables of positions and masks do not."""
    small = stored.dtype in _SMALL or (stored.dtype.is_floating_point and stored.dtype.itemsize == 1)
    return (small or bool(_ALWAYS.search(name))) and stored.numel > 1 and not is_buffer(name, stored.shape, False)


def check(models: Sequence[Checkpoint], copies: bool) -> bool:
    """Whether the models are quantized, all in one way, and only copied. CheckpointError where they would have to be merged.

    copies  nothing is done with the numbers, and they keep their types
    """
    kinds = {model.reference: kind(model) for model in models}
    if not any(kinds.values()):
        return False
    alike = len({repr(settings(model.config)) for model in models}) == 1 and all(kinds.values())
    if copies and alike:
        return True
    model = next(model for model in models if kinds[model.reference])
    raise CheckpointError(refusal(model.reference, kinds[model.reference]))


def refusal(reference: str, how: str) -> str:
    """Why a quantized model is refused, and what to take instead."""
    way = _WAYS.get(how)
    plain = f", or make plain weights of it: {way}" if way else ""
    called = f"quantized ({how})" if how != "quantized" else how
    return (
        f"{reference}: is {called}: its weights are packed whole numbers and scales, which cannot be merged.\n"
        f"  Take the 16-bit model it was made from{plain}.\n"
        "  To copy its layers as they are: `passthrough` of this model alone, without scale, dtype and out_dtype."
    )


_CHUNK, _COUNTERS = 1 << 24, 16


def check_equal(name: str, sources: Iterable[tuple[Checkpoint, str]]) -> None:
    """CheckpointError where whole numbers differ between models: a mean of packed weights means nothing.

    Counters of a few numbers may differ. What cannot be read yet, as it is on the Hub, is taken to be equal until it is here.
    """
    (first, first_name), *others = sources
    if first.tensors[first_name].numel <= _COUNTERS:
        return
    for model, own in others:
        if model.tensors[own] == first.tensors[first_name]:
            continue
        try:
            a, b = first.read(first_name).reshape(-1), model.read(own).reshape(-1)
        except CheckpointError:
            return
        starts = range(0, len(a), _CHUNK)
        if a.shape != b.shape or not all(torch.equal(a[i : i + _CHUNK], b[i : i + _CHUNK]) for i in starts):
            raise CheckpointError(
                f"{name}: whole numbers, which differ between {first.reference} and {model.reference}; they cannot be merged.\n"
                "  Where they are packed weights, take the models in 16 bits; else merge fine-tunes of one base."
            )


__all__ = ["SETTINGS", "check", "check_equal", "kind", "refusal", "settings", "without_settings"]
