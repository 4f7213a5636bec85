"""LoRA adapters, added to a model's rows while they are read: no merged copy on disk, no peft."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merger.checkpoints import Checkpoint, Piece, Stored, read_headers, read_json
from merger.errors import CheckpointError

_PREFIX = "base_model.model."
_FACTOR = re.compile(r"(.+)\.lora_(embedding_)?([AB])(?:\.default)?(?:\.weight)?")
# What changes the arithmetic and is not computed here: key of adapter_config.json -> its name for people.
_VARIANTS = {
    "use_dora": "DoRA", "use_qalora": "QALoRA", "use_bdlora": "BD-LoRA", "alora_invocation_tokens": "activated LoRA",
    "arrow_config": "Arrow", "layer_replication": "replicated layers", "lora_bias": "LoRA biases",
    "target_parameters": "LoRA on bare parameters", "trainable_token_indices": "trainable tokens",
}  # fmt: skip
_OWN_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")


@dataclass(frozen=True)
class Pair:
    """One adapter's factors for one tensor: scale · B·A, or its transpose."""

    adapter: Checkpoint
    a: str
    b: str
    scale: float
    transposed: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the product."""
        rows, columns = self.adapter.tensors[self.b].shape[0], self.adapter.tensors[self.a].shape[1]
        return (columns, rows) if self.transposed else (rows, columns)

    def delta(self, rows: slice | None, dtype: torch.dtype) -> Tensor:
        """The rows of what this adapter adds."""
        a, b = self.adapter.read(self.a).to(dtype), self.adapter.read(self.b).to(dtype)
        left, right = (a.T, b.T) if self.transposed else (b, a)
        return (left if rows is None else left[rows]) @ right * self.scale


@dataclass(frozen=True)
class Adapted(Checkpoint):
    """A model with LoRAs. Adapted tensors are read as float32, base plus deltas; `tensors` keeps the dtype on disk."""

    pairs: Mapping[str, Sequence[Pair]] = field(default_factory=dict[str, Sequence[Pair]])
    replaced: Mapping[str, tuple[Checkpoint, str]] = field(default_factory=dict[str, tuple[Checkpoint, str]])
    loras: tuple[str, ...] = ()

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The model's folder, and those of its LoRAs."""
        adapters = {p.adapter.reference: p.adapter for pairs in self.pairs.values() for p in pairs}
        adapters |= {adapter.reference: adapter for adapter, _ in self.replaced.values()}
        (own,) = super().pieces
        model = self.reference.removesuffix("".join(f"+{name}" for name in self.loras))
        return (replace(own, reference=model), *(adapters[name].pieces[0] for name in self.loras if name in adapters))

    def under(self, names: Mapping[str, str]) -> Checkpoint:
        """As of any model; its LoRAs change the same tensors."""
        made = super().under(names)
        assert isinstance(made, Adapted)
        return replace(
            made, pairs={names.get(n, n): pairs for n, pairs in self.pairs.items()},
            replaced={names.get(n, n): what for n, what in self.replaced.items()},
        )  # fmt: skip

    def read(self, name: str, rows: slice | None = None) -> Tensor:
        """The tensor, or a run of its rows: memory of the file where no LoRA touches it, else a new tensor."""
        name = self.own(name)
        owner, own_name = self.replaced.get(name, (None, name))
        value = owner.read(own_name, rows) if owner else super().read(name, rows)
        if name in self.pairs:
            value = value.to(torch.promote_types(value.dtype, torch.float32), copy=True)
            for pair in self.pairs[name]:
                value += pair.delta(rows, value.dtype)
        return value


def adapt(model: Checkpoint, loras: Sequence[tuple[str, Path]]) -> Checkpoint:
    """The model with these adapters (reference, folder) applied in order; headers and configs only are read."""
    tensors: dict[str, Stored] = dict(model.tensors)
    pairs: dict[str, list[Pair]] = {}
    replaced: dict[str, tuple[Checkpoint, str]] = {}
    for reference, folder in loras:
        adapter = _open(reference, folder)
        factors, whole = _sort(adapter)
        targets = {module: _target(f"{module}.weight", model.tensors) for module in factors}
        others = {name: _target(name.removeprefix(_PREFIX), model.tensors) for name in whole}
        unknown = [module for module, target in targets.items() if target is None]
        unknown += [name.removeprefix(_PREFIX) for name, target in others.items() if target is None]
        if unknown:
            more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
            raise CheckpointError(
                f"{reference}: {len(unknown)} of its {len(targets) + len(others)} modules are not in {model.reference}: "
                f"{', '.join(unknown[:3])}{more}.\n  This LoRA was made for another model{_made_for(adapter)}."
            )
        for name, target in others.items():
            assert target is not None
            if target in replaced:
                raise CheckpointError(f"{reference}: replaces {target}, and so does another LoRA before it; use one of them.")
            replaced[target] = (adapter, name)
            tensors[target] = replace(tensors[target], shape=adapter.tensors[name].shape)
        for module, names in factors.items():
            target = targets[module]
            assert target is not None
            pair = _pair(adapter, module, names)
            stored = tensors[target]
            if not stored.dtype.is_floating_point or stored.dtype.itemsize == 1:
                kind = str(stored.dtype).removeprefix("torch.")
                raise CheckpointError(f"{reference}: {target} is stored as {kind}; a LoRA needs a 16-bit or 32-bit model.")
            if pair.shape != stored.shape:
                raise CheckpointError(
                    f"{reference}: its change of {target} has the shape {pair.shape}, the tensor has {stored.shape}.\n"
                    f"  This LoRA was made for another model{_made_for(adapter)}."
                )
            pairs.setdefault(target, []).append(pair)
    name = "+".join((model.reference, *(reference for reference, _ in loras)))
    return Adapted(name, model.folder, tensors, model.config, pairs=pairs, replaced=replaced, loras=tuple(r for r, _ in loras))


def _open(reference: str, folder: Path) -> Checkpoint:
    config_file = folder / "adapter_config.json"
    if not config_file.is_file():
        raise CheckpointError(f"{reference}: no LoRA: the folder {folder} holds no adapter_config.json.")
    config = read_json(config_file)
    files = [folder / f"adapter_model.{kind}" for kind in ("safetensors", "bin")]
    found = next((file for file in files if file.is_file()), None)
    if found is None:
        raise CheckpointError(f"{reference}: the folder {folder} holds no adapter_model.safetensors.")
    adapter = Checkpoint(reference, folder, read_headers([found]), config)
    kind = config.get("peft_type", "LORA")
    if kind != "LORA":
        raise CheckpointError(f"{reference}: this adapter is of the kind {str(kind)[:40]!r}; only LoRA is supported.")
    variants = [name for key, name in _VARIANTS.items() if config.get(key)]
    variants += ["DoRA"] if any("lora_magnitude_vector" in name for name in adapter.tensors) and not variants else []
    if variants:
        raise CheckpointError(
            f"{reference}: uses {variants[0]}, which is not plain LoRA.\n"
            "  Merge it into its base with peft (merge_and_unload) and name that folder instead."
        )
    start = config.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(_OWN_BASE):
        raise CheckpointError(
            f"{reference}: was started with {start[:40]!r}, which changes the base model's own weights too.\n"
            "  Merge it into its base with peft (merge_and_unload) and name that folder instead."
        )
    return adapter


def _sort(adapter: Checkpoint) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Factors: module -> {A, B, embedding?} names. And the tensors stored whole: modules_to_save and biases."""
    factors: dict[str, dict[str, str]] = {}
    whole: list[str] = []
    for name, stored in adapter.tensors.items():
        found = _FACTOR.fullmatch(name.removeprefix(_PREFIX))
        if found is None and "lora_" in name:
            raise CheckpointError(f"{adapter.reference}: {name} is not part of a plain LoRA.")
        if found is None:
            whole.append(name)
            continue
        if len(stored.shape) != 2 or not stored.dtype.is_floating_point:
            raise CheckpointError(f"{adapter.reference}: {name} is no matrix of numbers: {stored.shape} {stored.dtype}.")
        part = factors.setdefault(found[1], {})
        part[found[3]] = name
        if found[2]:
            part["embedding"] = name
    for module, part in factors.items():
        if not {"A", "B"} <= part.keys():
            raise CheckpointError(f"{adapter.reference}: {module} has only one of the factors A and B.")
    if not factors and not whole:
        raise CheckpointError(f"{adapter.reference}: its file holds no tensors.")
    return factors, whole


def _target(name: str, tensors: Mapping[str, Stored]) -> str | None:
    """The model's tensor of this name; a prefix such as `model.` may be there on one side only."""
    if name in tensors:
        return name
    shorter = name.partition(".")[2]
    if shorter in tensors:
        return shorter
    longer = [n for n in tensors if n.endswith("." + name)]
    return longer[0] if len(longer) == 1 else None


def _pair(adapter: Checkpoint, module: str, names: Mapping[str, str]) -> Pair:
    config = adapter.config
    r = _number(adapter, "r", _of(adapter, "rank_pattern", module, config.get("r")))
    alpha = _number(adapter, "lora_alpha", _of(adapter, "alpha_pattern", module, config.get("lora_alpha")))
    rank = adapter.tensors[names["A"]].shape[0]
    if not rank == adapter.tensors[names["B"]].shape[1] == r:
        raise CheckpointError(
            f"{adapter.reference}: {module}: its config says rank {r:g}, its factors have the shapes "
            f"{adapter.tensors[names['A']].shape} and {adapter.tensors[names['B']].shape}."
        )
    scale = alpha / (math.sqrt(r) if config.get("use_rslora") else r)
    transposed = "embedding" in names or bool(config.get("fan_in_fan_out"))
    return Pair(adapter, names["A"], names["B"], scale, transposed)


def _of(adapter: Checkpoint, key: str, module: str, default: Any) -> Any:
    """A module's entry in rank_pattern or alpha_pattern, as peft looks it up: the first pattern that ends its name.

    The patterns are regular expressions, and a stranger wrote them: those that could take forever are refused.
    """
    patterns = adapter.config.get(key) or {}
    if not isinstance(patterns, dict) or len(patterns) > 10_000:
        raise CheckpointError(f"{adapter.reference}: `{key}` of its adapter_config.json must be a table of at most 10,000 names.")
    names = [module[i:] for i in range(len(module)) if i == 0 or module[i - 1] == "."]
    for pattern, value in patterns.items():
        if pattern in names:
            return value
        if _PLAIN.fullmatch(pattern):
            continue
        try:
            if len(pattern) > 500 or len(_REPEATS.findall(pattern)) > 2 or _NESTED.search(pattern):
                raise re.error("may take forever")
            if any(re.fullmatch(pattern, name) for name in names):
                return value
        except (re.error, RecursionError, OverflowError):
            raise CheckpointError(
                f"{adapter.reference}: `{key}` of its adapter_config.json holds a bad pattern: {pattern[:60]!r}."
            ) from None
    return default


_PLAIN = re.compile(r"[A-Za-z0-9_.]*")  # a dot stands for itself in all that peft writes
_REPEATS = re.compile(r"[*+{]")
_NESTED = re.compile(r"\)[*+?{]|\(\?|\\[0-9]")


def _number(adapter: Checkpoint, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e6 < value < 1e6 or (key == "r" and value < 1):
        raise CheckpointError(f"{adapter.reference}: `{key}` of its adapter_config.json is no usable number: {str(value)[:40]}.")
    return value


def _made_for(adapter: Checkpoint) -> str:
    base = adapter.config.get("base_model_name_or_path")
    return f" ({str(base)[:80]})" if base else ""
