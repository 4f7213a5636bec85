"""LoRA adapters, added to a model's rows while they are read: no merged copy on disk, no peft."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merger.errors import CheckpointError
from merger.files import heads, quantized
from merger.files.checkpoints import Checkpoint, Piece, Stored, look_around, read_headers, read_json
from merger.files.layout import strip_prefixes
from merger.files.texts import check_links
from merger.limits import PATTERN_STEPS
from merger.regular import there
from merger.tokenizer.tokens import read_vocabulary, rows_of, token_rows

_PREFIX = "base_model.model."
_FACTOR = re.compile(r"(.+)\.lora_(embedding_)?([AB])(?:\.default)?(?:\.weight)?")
# What changes the arithmetic and is not computed here: key of adapter_config.json -> its name for people.
_VARIANTS = {
    "use_dora": "DoRA", "use_qalora": "QALoRA", "use_bdlora": "BD-LoRA", "alora_invocation_tokens": "activated LoRA",
    "arrow_config": "Arrow", "layer_replication": "replicated layers", "lora_bias": "LoRA biases",
    "target_parameters": "LoRA on bare parameters", "trainable_token_indices": "trainable tokens",
}  # fmt: skip
# What transformers 5 calls a module in memory, and so peft in an adapter -> what the files of some models call it.
_RENAMED = (("mlp.gate.", "block_sparse_moe.gate."), ("lm_head.", "embed_out."))
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
        return ((left if rows is None else left[rows]) @ right).mul_(self.scale)  # the product is ours


@dataclass(frozen=True)
class Adapted(Checkpoint):
    """A model with LoRAs. Adapted tensors are read as float32, base plus deltas; `tensors` keeps the dtype on disk."""

    pairs: Mapping[str, Sequence[Pair]] = field(default_factory=dict[str, Sequence[Pair]])
    replaced: Mapping[str, tuple[Checkpoint, str]] = field(default_factory=dict[str, tuple[Checkpoint, str]])
    loras: tuple[str, ...] = ()
    saved: frozenset[str] = frozenset()
    tokenizer: Path | None = None
    messages: tuple[str, ...] = ()

    @property
    def words(self) -> Path:
        """The folder of its tokenizer: a LoRA's, where that has added tokens."""
        return self.tokenizer or self.folder

    @property
    def notes(self) -> tuple[str, ...]:
        """What became of the head and of the vocabulary."""
        return self.messages

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The model's folder, and those of its LoRAs."""
        adapters = {p.adapter.reference: p.adapter for pairs in self.pairs.values() for p in pairs}
        adapters |= {adapter.reference: adapter for adapter, _ in self.replaced.values()}
        (own,) = super().pieces
        model = self.reference.removesuffix("".join(f"+{name}" for name in self.loras))
        return (replace(own, reference=model), *(adapters[name].pieces[0] for name in self.loras if name in adapters))

    @cached_property
    def adapters(self) -> tuple[Checkpoint, ...]:
        """The opened LoRAs that change something."""
        used = [p.adapter for pairs in self.pairs.values() for p in pairs] + [adapter for adapter, _ in self.replaced.values()]
        return tuple({id(adapter): adapter for adapter in used}.values())

    def hold(self) -> None:
        """As Checkpoint's, of the LoRAs' files too."""
        super().hold()
        for adapter in self.adapters:
            adapter.hold()

    def check(self) -> None:
        """As Checkpoint's, of the LoRAs' files too."""
        super().check()
        for adapter in self.adapters:
            adapter.check()

    def changed(self) -> bool:
        """As Checkpoint's, of the LoRAs' files too."""
        return super().changed() or any(adapter.changed() for adapter in self.adapters)

    def under(self, names: Mapping[str, str]) -> Checkpoint:
        """As of any model; its LoRAs change the same tensors."""
        made = super().under(names)
        assert isinstance(made, Adapted)
        return replace(
            made, pairs={names.get(n, n): pairs for n, pairs in self.pairs.items()},
            replaced={names.get(n, n): what for n, what in self.replaced.items()},
            saved=frozenset(names.get(n, n) for n in self.saved),
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
    how = quantized.kind(model)
    if how:
        raise CheckpointError(
            f"{model.reference}: is quantized ({how}); a LoRA is added to plain weights.\n"
            "  Name the 16-bit model before the `+`: a LoRA that was trained on the quantized one fits it."
        )
    names = tuple(reference for reference, _ in loras)
    name = "+".join((model.reference, *names))
    own = heads.own_heads(model)  # a head that is the embeddings again follows them, whether the file holds it or not
    tensors = {name: stored for name, stored in model.tensors.items() if name in own or not heads.is_head(name)}
    made = Adapted(name, model.folder, tensors, model.config, model.seen, loras=names, afar=model.afar)
    for reference, folder in loras:
        adapter = _open(reference, folder)
        made = _grown(_with_adapter(made, model, adapter), made, adapter)
    return made


def _with_adapter(made: Adapted, model: Checkpoint, adapter: Checkpoint) -> Adapted:
    """The model with one adapter more. A head that was the embeddings again becomes its own where the adapter changes it."""
    reference = adapter.reference
    factors, whole = _sort(adapter)
    _check_patterns(adapter, factors)
    wanted = {module: f"{module}.weight" for module in factors} | {name: name.removeprefix(_PREFIX) for name in whole}
    heads_own = _head_apart(made, wanted.values())
    made = made if heads_own is None else _apart(made, heads_own, f"{reference} changes the output head of {model.reference}")
    find = _finder(made.tensors)
    places = {key: find(name) for key, name in wanted.items()}
    unknown = [key.removeprefix(_PREFIX) for key, target in places.items() if target is None]
    if unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise CheckpointError(
            f"{reference}: {len(unknown)} of its {len(places)} modules are not in {model.reference}: "
            f"{', '.join(unknown[:3])}{more}.\n  This LoRA was made for another model{_made_for(adapter)}."
        )
    targets = {key: target for key, target in places.items() if target is not None}
    tensors, replaced = dict(made.tensors), dict(made.replaced)
    pairs = {name: [*listed] for name, listed in made.pairs.items()}
    for name in whole:
        target = targets[name]
        if target in made.saved:
            raise CheckpointError(f"{reference}: replaces {target}, and so does another LoRA before it; use one of them.")
        replaced[target] = (adapter, name)
        tensors[target] = replace(tensors[target], shape=adapter.tensors[name].shape)
    for module, names in factors.items():
        target = targets[module]
        pair = _pair(adapter, module, names)
        stored = tensors[target]
        if not stored.plain:
            dtype = str(stored.dtype).removeprefix("torch.")
            raise CheckpointError(f"{reference}: {target} is stored as {dtype}; a LoRA needs a 16-bit or 32-bit model.")
        if pair.shape != stored.shape:
            raise CheckpointError(
                f"{reference}: its change of {target} has the shape {pair.shape}, the tensor has {stored.shape}.\n"
                f"  This LoRA was made for another model{_made_for(adapter)}."
            )
        pairs.setdefault(target, []).append(pair)
    saved = made.saved | {targets[name] for name in whole}
    head = any(heads.is_head(target) for target in targets.values())
    config = heads.untied(made.config) if head and heads.says_tied(made.config) else made.config
    return replace(
        made, tensors=tensors, config=config, pairs=pairs, replaced=replaced, saved=saved, seen={**made.seen, **adapter.seen}
    )


def _head_apart(made: Adapted, wanted: Iterable[str]) -> str | None:
    """What the output head is to be called that an adapter changes and the model has not; None where there is none such."""
    shared = heads.embeddings(made)
    if shared is None or any(heads.is_head(name) for name in made.tensors):
        return None
    if not any(strip_prefixes(name) == heads.HEAD for name in wanted):
        return None
    return f"language_model.{heads.HEAD}" if shared.startswith("language_model.") else heads.HEAD


def _apart(made: Adapted, head: str, why: str) -> Adapted:
    """The model with its embeddings once more as the output head, with whatever earlier adapters do to them."""
    shared = heads.embeddings(made)
    assert shared is not None
    return replace(
        made, tensors={**made.tensors, head: made.tensors[shared]}, config=heads.untied(made.config),
        pairs={**made.pairs, **({head: made.pairs[shared]} if shared in made.pairs else {})},
        replaced={**made.replaced, **({head: made.replaced[shared]} if shared in made.replaced else {})},
        messages=(*made.messages, f"{why}, which was its embeddings again: the output has a head of its own."),
    )  # fmt: skip


def _grown(made: Adapted, before: Checkpoint, adapter: Checkpoint) -> Adapted:
    """The model with config and tokenizer that follow its rows, where an adapter brings embeddings with more or fewer rows.

    CheckpointError where rows, head and tokenizer do not agree.
    """
    old, new = rows_of(before), rows_of(made)
    reference = adapter.reference
    if old is None or new is None or old == new:
        return made
    behind = next((n for n, t in made.tensors.items() if token_rows(n) and t.shape[:1] == (old,)), None)
    if behind is not None:
        raise CheckpointError(
            f"{reference}: changes the number of tokens from {old} to {new}, but not in {behind}.\n"
            "  Save both with the adapter: modules_to_save: [embed_tokens, lm_head]."
        )
    vocabulary = read_vocabulary(adapter.folder)
    known = vocabulary or read_vocabulary(made.words)
    tokens = 1 + max(known.ids.values(), default=-1) if known else 0
    if tokens > new:
        whose = reference if vocabulary else made.reference.removesuffix("".join(f"+{name}" for name in made.loras))
        raise CheckpointError(
            f"{reference}: its embeddings have {new} rows, and the tokenizer of {whose} has tokens up to number {tokens - 1}.\n"
            f"  Put the tokenizer that the LoRA was trained with into {adapter.folder}."
        )
    message = f"{reference} changes the number of tokens from {old} to {new}; config.json follows."
    if not vocabulary and tokens < new:
        message += f" It brings no tokenizer: {new - max(tokens, min(old, new))} rows belong to no token."
    return replace(
        made, config=_with_rows(made.config, old, new), tokenizer=adapter.folder if vocabulary else made.tokenizer,
        messages=(*made.messages, message),
    )  # fmt: skip


def _with_rows(config: Mapping[str, Any], old: int, new: int) -> dict[str, Any]:
    """The config with another vocab_size, at every level that has the old one."""
    return {
        key: new if key == "vocab_size" and value == old else _with_rows(value, old, new) if key == "text_config" else value
        for key, value in config.items()
    }


def _open(reference: str, folder: Path) -> Checkpoint:
    config_file, seen = folder / "adapter_config.json", look_around(folder)
    if not there(config_file):
        raise CheckpointError(f"{reference}: no LoRA: the folder {folder} holds no adapter_config.json.")
    check_links(folder)
    config = read_json(config_file)
    files = [folder / f"adapter_model.{kind}" for kind in ("safetensors", "bin")]
    chosen = next((file for file in files if there(file)), None)
    if chosen is None:
        raise CheckpointError(f"{reference}: the folder {folder} holds no adapter_model.safetensors.")
    adapter = Checkpoint(reference, folder, read_headers([chosen]), config, seen)
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
        match = _FACTOR.fullmatch(name.removeprefix(_PREFIX))
        if match is None and "lora_" in name:
            raise CheckpointError(f"{adapter.reference}: {name} is not part of a plain LoRA.")
        if match is None:
            if "original_module." not in name:  # what peft keeps to go back to
                whole.append(name)
            continue
        if len(stored.shape) != 2 or not stored.dtype.is_floating_point:
            raise CheckpointError(f"{adapter.reference}: {name} is no matrix of numbers: {stored.shape} {stored.dtype}.")
        part = factors.setdefault(match[1], {})
        part[match[3]] = name
        if match[2]:
            part["embedding"] = name
    for module, part in factors.items():
        if not {"A", "B"} <= part.keys():
            raise CheckpointError(f"{adapter.reference}: {module} has only one of the factors A and B.")
    if not factors and not whole:
        raise CheckpointError(f"{adapter.reference}: its file holds no tensors.")
    return factors, whole


def _finder(tensors: Mapping[str, Stored]) -> Callable[[str], str | None]:
    """The model's tensor of a name; prefixes such as `model.` and `language_model.` may differ between both sides."""
    bare: dict[str, list[str]] = {}
    for name in tensors:
        bare.setdefault(strip_prefixes(name), []).append(name)

    def find(name: str) -> str | None:
        if name in tensors:
            return name
        same = next((bare[n] for n in _spellings(strip_prefixes(name)) if n in bare), [])
        longer = [] if same else [n for n in tensors if n.endswith("." + strip_prefixes(name))]
        return same[0] if len(same) == 1 else longer[0] if len(longer) == 1 else None

    return find


def _spellings(name: str) -> Iterable[str]:
    """A tensor's name, and what it may be called in files."""
    yield name
    yield from (name.replace(memory, file) for memory, file in _RENAMED if memory in name)


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


def _check_patterns(adapter: Checkpoint, modules: Iterable[str]) -> None:
    """CheckpointError where matching the patterns could take minutes: each goes over each module's name, with two repeats
    as often as it has pairs of letters, and again from each of its dots."""
    texts = [p for key in ("rank_pattern", "alpha_pattern") if isinstance(t := adapter.config.get(key), dict) for p in t]
    patterns = sum(_PLAIN.fullmatch(pattern) is None for pattern in texts)
    steps = patterns * sum(len(module) ** 2 * (1 + module.count(".")) for module in modules) if patterns else 0
    if steps > PATTERN_STEPS:
        raise CheckpointError(
            f"{adapter.reference}: the {patterns} patterns of its adapter_config.json would take too long to match; "
            "write the modules' names in `rank_pattern` and `alpha_pattern` instead."
        )


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
