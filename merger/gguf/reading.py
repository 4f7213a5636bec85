"""A GGUF file back to a model's folder, in the converter's process: the converter's own turns, the other way round.

Config and tokenizer are what transformers reads in the file, names and shapes those of the model that it makes of them. The
converter is followed with these, and tells which rows of the file belong where.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from merger.files.checkpoints import ShardWriter, Slot, shards, write_index
from merger.gguf.converter import Learnt, Refused, follow, modules
from merger.gguf.kinds import KINDS
from merger.tokenizer import safe

TOLD = "unpacked.json"
_MADE = ("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight")
"""Tensors of a file that come from its settings."""
_SHARD = 5_000_000_000
_NUMBERS = 1 << 18
Say = Callable[[Mapping[str, Any]], None]


def unpack(asked: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Write the folder. Refused says what is wrong with the file, or not known of its kind."""
    base, classes, gguf = modules(asked["paths"])
    file, folder = Path(asked["unpack"]), Path(asked["into"])
    gguf.GGUFReader = _once(gguf.GGUFReader)
    try:
        read: Any = gguf.GGUFReader(file)
        tensors = {str(t.name): t for t in read.tensors}
    except Exception as error:  # whatever a damaged file leads to
        raise Refused(f"cannot read {file.name}, it is damaged or cut off ({safe.first_line(error)})") from None
    shapes, notes = _described(file, folder, read)
    learnt = Learnt(base, gguf, KINDS["f32"], shapes)
    listed = {name: ["float32", [*shape]] for name, shape in shapes.items()}
    model = follow(learnt, classes, folder, {"tensors": listed, "origin": ""}, _none)
    outputs = model.gguf_writer.tensors[0]
    _check(outputs, tensors)
    places = dict(_places(learnt, outputs))
    missing = [name for name in shapes if name not in places]
    if missing:
        raise Refused(f"makes {missing[0]} in a way that cannot be undone here, so {file.name} cannot be a parent")
    dtype = _dtype(tensors)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"dtype": str(dtype).removeprefix("torch.")}, indent=2) + "\n")
    files = shards([Slot(name, shape, dtype) for name, shape in shapes.items()], _SHARD)
    writer = ShardWriter(folder, files, {})
    try:
        for i, (name, shape) in enumerate(shapes.items()):
            writer.write(name, _read(places[name], tensors, shape, dtype, gguf))
            say({"step": [i + 1, len(shapes)]})
    finally:
        writer.close()
    write_index(folder, files, {})
    if any(name in tensors for name in _MADE):
        notes.append("its positions are scaled, which its settings do not tell: take config.json from the model it was made of.")
    told = {"file": file.name, "kinds": _kinds(tensors), "notes": notes}
    (folder / TOLD).write_text(json.dumps(told), encoding="utf-8")
    return told


def _once(reader: Any) -> Any:
    """A reader that reads a file once: transformers reads it for the config and for the tokenizer, seconds each time."""
    read: dict[str, Any] = {}

    def opened(path: Any, *more: Any) -> Any:
        if str(path) not in read:
            read[str(path)] = reader(path, *more)
        return read[str(path)]

    return opened


def _none(name: str) -> str:
    raise Refused(f"looks at the weights of {name}, so that such a file cannot be a parent")


def _described(file: Path, folder: Path, read: Any) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    """Write config and tokenizer; the names and shapes of the model's tensors, as its files have them, and what should be known.

    read  the file, as `gguf` reads it
    """
    safe.import_transformers()
    import transformers
    from transformers.core_model_loading import revert_weight_conversion

    where: dict[str, Any] = {"gguf_file": file.name}
    notes: list[str] = []
    try:
        config = _completed(transformers.AutoConfig.from_pretrained(file.parent, **where), read)
        with torch.device("meta"):
            made: Any = transformers.AutoModelForCausalLM.from_config(config)
            filed: Mapping[str, Any] = revert_weight_conversion(made, dict(made.named_parameters()))  # experts one by one
    except Refused:
        raise
    except Exception as error:  # of an architecture that transformers does not know in such files
        raise Refused(f"can do nothing with it: transformers cannot read {file.name} ({safe.first_line(error)})") from None
    config.architectures = [type(made).__name__]
    config.save_pretrained(folder)
    try:
        transformers.AutoTokenizer.from_pretrained(file.parent, **where).save_pretrained(folder)
    except BaseException as error:
        if not isinstance(found := safe.safely(error), Exception):
            raise
        notes.append(f"its tokenizer cannot be read ({safe.first_line(found)}).")
    return {name: tuple(p.shape) for name, p in filed.items()}, notes


_WIDTHS = {
    "expert_feed_forward_length": "moe_intermediate_size",
    "expert_shared_feed_forward_length": "shared_expert_intermediate_size",
}
"""Settings of a file of experts that transformers does not read in it."""


def _completed(config: Any, read: Any) -> Any:
    """The config with what transformers does not read in such a file: how many tokens there are, and what experts there are.

    llama.cpp says `llama` of Mixtral, too, and of experts how wide they are. Refused where a file says one thing and has another.
    """
    import transformers

    for tensor in read.tensors:
        if tensor.name == "token_embd.weight" and len(tensor.shape) == 2 and hasattr(config, "vocab_size"):
            config.vocab_size = int(tensor.shape[-1])
    stacks = [tensor for tensor in read.tensors if str(tensor.name).endswith("_exps.weight")]
    if not stacks:
        return config
    kind = _setting(read, "general.architecture")
    count, used = (_setting(read, f"{kind}.expert_{n}") for n in ("count", "used_count"))
    if not isinstance(count, int) or any(len(t.shape) != 3 or int(t.shape[-1]) != count for t in stacks):
        raise Refused(f"would write another file: {stacks[0].name} holds other experts than the {count} that its settings say")
    if not isinstance(used, int) or not 0 < used <= count:
        raise Refused(f"would write another file: of its {count} experts its settings let {used} speak at a time")
    if config.model_type in ("llama", "mistral"):
        values = {k: v for k, v in config.to_dict().items() if k not in ("model_type", "architectures", "sliding_window")}
        return transformers.MixtralConfig(**values, num_local_experts=count, num_experts_per_tok=used, sliding_window=None)
    for theirs, ours in _WIDTHS.items():
        width = _setting(read, f"{kind}.{theirs}")
        if isinstance(width, int) and hasattr(config, ours):
            setattr(config, ours, width)
    return config


def _setting(read: Any, name: str) -> Any:
    """One of the file's settings; None where it has none of this name, or one that is no word and no number."""
    field = read.get_field(name)
    value = None if field is None else field.contents()
    return value if isinstance(value, (int, float, str)) else None


def _check(outputs: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
    """Refused where the file has other tensors, or of other shapes, than the converter would have written."""
    strange = [name for name in tensors if name not in outputs and name not in _MADE]
    absent = [name for name in outputs if name not in tensors and name not in _MADE]
    if strange or absent:
        what = f"has {strange[0]}, which no such model has" if strange else f"lacks {absent[0]}"
        raise Refused(f"would write another file: this one {what}")
    for name, info in outputs.items():
        shape = [int(n) for n in reversed(tensors[name].shape)] if name in tensors else []
        if name in tensors and shape != [int(n) for n in info.shape]:
            raise Refused(
                f"would write another file: {name} is {tuple(shape)} here, and its settings make it {tuple(info.shape)}"
            )


_Places = list[tuple[str, int, Any, int, float]]


def _places(learnt: Learnt, outputs: Mapping[str, Any]) -> Iterator[tuple[str, _Places]]:
    """For each tensor of the model the rows of the file that it is made of: see `Learnt.turns`."""
    found: dict[str, _Places] = {}
    for into, info in outputs.items():
        made = learnt.turned.get(into, info.tensor)
        for turn in learnt.turns(made) if learnt.sources(made) else ():
            if turn is not None:
                source, start, rows, count, add = turn
                found.setdefault(source, []).append((into, start, rows, count, add))
    for source, places in found.items():
        shape = learnt.shapes[source]
        seen = np.zeros(math.prod(shape[:-1] if len(shape) > 1 else shape), bool)
        for _, _, rows, count, _ in places:
            seen[np.arange(count) if rows is None else rows] = True
        if seen.all():
            yield source, places


def _kinds(tensors: Mapping[str, Any]) -> list[str]:
    """What the file's matrices are packed as: without the few that are left in float32, which choose experts."""
    found = sorted({str(t.tensor_type.name) for t in tensors.values() if len(t.shape) > 1})
    return [kind for kind in found if kind != "F32"] or found


def _dtype(tensors: Mapping[str, Any]) -> torch.dtype:
    """That of the file's matrices, where they have one of torch's; else bfloat16."""
    return {"F32": torch.float32, "F16": torch.float16}.get("".join(_kinds(tensors)), torch.bfloat16)


def _read(places: _Places, tensors: Mapping[str, Any], shape: tuple[int, ...], dtype: torch.dtype, gguf: Any) -> Tensor:
    """A tensor of the model, out of the file."""
    width = shape[-1] if len(shape) > 1 else 1
    out = torch.empty((int(np.prod(shape)) // max(1, width), width), dtype=dtype)
    for into, start, rows, count, add in places:
        stored = tensors[into]
        total = int(np.prod(stored.shape)) // max(1, width)
        raw = np.ascontiguousarray(stored.data).reshape(-1).view(np.uint8).reshape(total, -1)
        step = max(1, _NUMBERS // max(1, width))
        for first in range(0, count, step):
            last = min(first + step, count)
            some = np.ascontiguousarray(raw[start + first : start + last]).reshape(1, -1)  # it goes row by row, slowly
            plain = gguf.quants.dequantize(some, stored.tensor_type)
            part = torch.from_numpy(np.array(plain, np.float32).reshape(-1, width)) - add
            out[slice(first, last) if rows is None else torch.from_numpy(rows[first:last])] = part.to(dtype)
    return out.reshape(shape)


__all__ = ["TOLD", "unpack"]
