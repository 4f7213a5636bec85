"""Where a tensor sits in its model, from its name alone: stack, layer, role. No file per architecture."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_NUMBERED = re.compile(r"(.*?(?:^|\.))(\d+)\.(.+)")

# First match wins. Names seen in llama, mistral, qwen, gemma, phi, olmo, granite, gpt2, neox, falcon, bert, mixtral.
_ROLES: tuple[tuple[str, str], ...] = (
    ("head", r"(^|\.)(lm_head|embed_out|score|cls\.predictions)\b"),
    ("embed", r"(^|\.)embeddings\."),
    ("norm", r"[nN]orm|(^|\.)ln_"),
    ("qkv", r"qkv|query_key_value|c_attn"),
    ("q", r"q_proj|\.query\b|\.wq\b|Attention\.q\b"),
    ("k", r"k_proj|\.key\b|\.wk\b|Attention\.k\b"),
    ("v", r"v_proj|\.value\b|\.wv\b|Attention\.v\b"),
    ("o", r"o_proj|attn\.c_proj|attention\.output|attention\.dense|attn\.dense|out_proj|Attention\.o\b|(?<!Dense)\.wo\b"),
    ("router", r"router|shared_expert_gate|mlp\.gate\.weight|block_sparse_moe\.gate\b|\.gate\.weight"),
    ("gate", r"gate_proj|gate_up|\.w1\b|\.wi_0\b"),
    ("up", r"up_proj|c_fc|h_to_4h|intermediate\.dense|fc1|\.w3\b|\.wi(_1)?\b"),
    ("down", r"down_proj|mlp\.c_proj|4h_to_h|output\.dense|fc2|\.w2\b|Dense\.wo\b"),
    ("embed", r"embed|wte|wpe|shared\.weight|word_embeddings"),
)
_COMPILED = tuple((role, re.compile(pattern)) for role, pattern in _ROLES)

EDGES = ("embed", "norm", "head")


def role(name: str) -> str:
    """What a tensor does: embed, head, norm, q, k, v, qkv, o, gate, up, down, router, or other.

    >>> [role(n) for n in ("model.layers.3.self_attn.q_proj.weight", "lm_head.weight", "transformer.h.0.ln_1.bias")]
    ['q', 'head', 'norm']
    """
    return next((role for role, pattern in _COMPILED if pattern.search(name)), "other")


# Buffers that old files hold and every loader makes anew. `attn.bias` and `attention.bias` are masks only where they have
# four dimensions (or are no floats): elsewhere they are biases.
_BUFFERS = re.compile(
    r"(^|\.)(inv_freq|masked_bias|position_ids|token_type_ids|causal_mask|attn_mask|attention_mask|relative_position_index"
    r"|relative_coords_table|num_batches_tracked|rope_freqs|cos_cached|sin_cached|cached_(cos|sin))$"
)
_MASKS = re.compile(r"(^|\.)(attn|attention|self_attn|self_attention|causal_mask)\.(bias|mask)$")


def is_buffer(name: str, shape: Sequence[int], floats: bool = True) -> bool:
    """Whether a tensor is a table that belongs to the architecture and was never trained: nothing is merged there.

    floats  whether its numbers are floats

    >>> is_buffer("model.layers.0.self_attn.rotary_emb.inv_freq", (64,)), is_buffer("h.0.attn.bias", (1, 1, 8, 8))
    (True, True)
    >>> is_buffer("bert.encoder.layer.0.attention.bias", (8,))
    False
    """
    return bool(_BUFFERS.search(name)) or bool(_MASKS.search(name) and (len(shape) == 4 or not floats))


# What only an extra layer that predicts the token after the next one has, and stacks of such layers.
_PREDICTION = re.compile(r"(^|\.)(eh_proj|enorm|hnorm|shared_head\.(norm|head))\b")
_PREDICTION_STACKS = re.compile(r"(^|\.)(mtp|mtp_layers|mtp_block|nextn_predict_layers|nextn_layers)\.")


_WRAPPING = re.compile(
    r"(^|(?<=\.))(_orig_mod|_checkpoint_wrapped_module|_fsdp_wrapped_module|original_module|modules_to_save(\.\w+)?|base_layer)\."
)
_PREFIXES = ("base_model.model.", "module.", "model.", "language_model.", "text_model.", "transformer.")


def strip_prefixes(name: str) -> str:
    """A tensor's name without what wraps the text model: equal where one architecture is saved under several prefixes.

    >>> {strip_prefixes(p + "layers.0.w") for p in ("", "model.", "model.language_model.", "language_model.model.", "_orig_mod.")}
    {'layers.0.w'}
    """
    name = _WRAPPING.sub("", name)
    while prefix := next((p for p in _PREFIXES if name.startswith(p)), None):
        name = name.removeprefix(prefix)
    return name


@dataclass(frozen=True)
class Layout:
    """The numbered stacks of a model: prefix -> number of layers. The main stack holds the most parameters.

    extra  layers that follow the main stack under its prefix and are none of it: they predict later tokens
    """

    stacks: Mapping[str, int]
    main: str | None
    extra: int = 0

    @property
    def layers(self) -> int:
        """Layers of the main stack; 0 when the names show none."""
        return self.stacks[self.main] if self.main is not None else 0

    def place(self, name: str) -> tuple[str | None, int]:
        """(stack, layer) of a tensor; (None, 0) outside the stacks.

        >>> layout({"model.layers.0.w": 4, "model.layers.1.w": 4}).place("model.layers.1.w")
        ('model.layers.', 1)
        """
        found = _NUMBERED.fullmatch(name)
        if found and int(found[2]) < self.stacks.get(found[1], 0):
            return found[1], int(found[2])
        return None, 0

    def is_extra(self, name: str) -> bool:
        """Whether a tensor belongs to the prediction of later tokens, and is no part of the model that answers.

        >>> layout({"model.layers.0.w": 4, "model.mtp_layers.0.w": 9}).is_extra("model.mtp_layers.0.w")
        True
        """
        found = _NUMBERED.fullmatch(name) if self.extra else None
        by_number = found is not None and found[1] == self.main and int(found[2]) >= self.layers
        return by_number or bool(_PREDICTION_STACKS.search(name))

    def layer(self, name: str) -> int | None:
        """The layer in the main stack, or None."""
        stack, index = self.place(name)
        return index if stack is not None and stack == self.main else None

    def at_layer(self, name: str, layer: int) -> str:
        """The same tensor's name in another layer of its stack."""
        stack, index = self.place(name)
        assert stack is not None
        return f"{stack}{layer}{name[len(stack) + len(str(index)) :]}"


def layout(numels: Mapping[str, int], config: Mapping[str, Any] | None = None) -> Layout:
    """Read the stacks off the tensor names; numels (name -> elements) decide which stack is the main one.

    A stack is a prefix followed by 0 .. n-1 with none missing. Experts and other numbers deeper in a name belong to
    their layer. Layers that only predict later tokens are told by their names, and by `config`, the model's config.json.
    """
    found: dict[str, set[int]] = {}
    weight: dict[str, int] = {}
    for name, numel in numels.items():
        match = _NUMBERED.fullmatch(name)
        if match and len(match[2]) < 6:
            found.setdefault(match[1], set()).add(int(match[2]))
            weight[match[1]] = weight.get(match[1], 0) + numel
    stacks = {p: len(s) for p, s in found.items() if s == set(range(len(s))) and p}
    main = max((p for p in stacks if not _PREDICTION_STACKS.search(p)), key=lambda p: weight[p], default=None)
    extra = _extra(main, stacks[main], numels, config or {}) if main is not None else 0
    return Layout({p: n - extra if p == main else n for p, n in stacks.items()}, main, extra)


def _extra(main: str, layers: int, names: Iterable[str], config: Mapping[str, Any]) -> int:
    """How many layers at the end of the main stack only predict later tokens."""
    marked = {int(m[2]) for name in names if (m := _NUMBERED.fullmatch(name)) and m[1] == main and _PREDICTION.search(m[3])}
    count = next((k for k in range(layers) if layers - 1 - k not in marked), layers)
    if 0 < count < layers:
        return count
    for level in _levels(config):
        said = next((level[key] for key in LAYER_KEYS if type(level.get(key)) is int), None)
        more = sum(v for k, v in level.items() if PREDICTION_KEYS.search(k) and type(v) is int)
        if said and 0 < layers - said <= more:
            return layers - said
    return 0


PREDICTION_KEYS = re.compile(r"(nextn|mtp).*(layers|modules)|(layers|modules).*(nextn|mtp)")
"""What config.json calls the number of layers that only predict later tokens."""
LAYER_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
"""What config.json calls the number of layers."""


def _levels(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The config, and its part about text where it has one."""
    nested = config.get("text_config")
    return [config, nested] if isinstance(nested, Mapping) else [config]


# First match wins; a prefix `model.` is passed over. The names of the modules are those of mergekit's recipes.
_MODULES: tuple[tuple[str, str], ...] = (
    ("multi_modal_projector", r"multi_modal_projector\.|mm_projector\.|connector\.|visual\.(merger|deepstack_merger_list)\."),
    ("vision_tower", r"vision_tower\.|visual\."),
    ("vision_model", r"vision_model\."),
    ("audio_tower", r"audio_tower\."),
    ("text_decoder", r"language_model\."),
    ("encoder", r"encoder\."),
    ("decoder", r"decoder\."),
    ("shared", r"shared\."),
)


def modules(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The modules of a model and their tensors: `default` alone for a plain model.

    The rest of a model that sees or hears is its text_decoder, that of an encoder and decoder belongs to the decoder.

    >>> modules(["model.layers.0.w"]), modules(["vision_tower.w", "language_model.layers.0.w", "lm_head.weight"])["text_decoder"]
    ({'default': ('model.layers.0.w',)}, ('language_model.layers.0.w', 'lm_head.weight'))
    """
    found: dict[str, list[str]] = {}
    for name in names:
        inner = name.removeprefix("model.")
        found.setdefault(next((module for module, prefix in _MODULES if re.match(prefix, inner)), ""), []).append(name)
    pair = {"encoder", "decoder"} <= found.keys()
    several = pair or any(module in found for module, _ in _MODULES[:5])
    if not several:
        return {"default": tuple(name for listed in found.values() for name in listed)} if found else {}
    rest = found.pop("", [])
    if rest:
        found.setdefault("decoder" if pair else "text_decoder", []).extend(rest)
    return {module: tuple(listed) for module, listed in found.items()}


@dataclass(frozen=True)
class Column:
    """One column of the Mixer: a layer, or a group of tensors outside the layers."""

    label: str
    kind: str
    layer: int | None
    names: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """All columns of a model in the order it computes: embeddings, layers, final norm, head."""

    columns: tuple[Column, ...]

    @cached_property
    def of(self) -> dict[str, int]:
        """Tensor name -> column."""
        return {name: i for i, column in enumerate(self.columns) for name in column.names}


def board(names: Iterable[str], where: Layout) -> Board:
    """Group a model's tensors into columns; tensors of other stacks and unknown roles ride with the embeddings."""
    names = list(names)
    layers = where.layers
    inside: dict[int, list[str]] = {}
    edges: dict[str, list[str]] = {}
    for name in names:
        layer = where.layer(name)
        if layer is not None:
            inside.setdefault(layer, []).append(name)
        else:
            kind = role(name)
            edges.setdefault(kind if kind in EDGES else "embed", []).append(name)
    columns = [Column("embeddings", "embed", None, tuple(edges["embed"]))] if "embed" in edges else []
    columns += [Column(f"layer {i + 1} of {layers}", "layer", i, tuple(inside.get(i, ()))) for i in range(layers)]
    labels = {"norm": "final norm", "head": "output head"}
    columns += [Column(labels[kind], kind, None, tuple(edges[kind])) for kind in ("norm", "head") if kind in edges]
    return Board(tuple(columns))
