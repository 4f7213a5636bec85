"""Where a tensor sits in its model, from its name alone: stack, layer, role. No file per architecture."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

_NUMBERED = re.compile(r"(.*?(?:^|\.))(\d+)\.(.+)")

ATTENTION = ("q", "k", "v", "qkv", "kv", "o", "mixer")
"""What lets tokens see each other: attention, and state spaces, recurrences and short convolutions in its place."""
MLP = ("gate", "up", "down", "experts", "shared", "router")
"""What is done to each token alone."""
ROLES = (*ATTENTION, *MLP, "norm", "embed", "head", "other")
"""All that `role` says, in the order in which they are shown."""

# First match wins. Names of all text and vision-language types of transformers 5.24.
_ROLES: tuple[tuple[str, str], ...] = (
    ("router", r"router|shared_expert_gate|(mlp|moe|mixer|ffn|feed_forward)\.gate\.|\.gate\.weight|e_score_correction|"
               r"expert_bias|moe_statics|block_sparse_moe\.gate\b"),
    ("head", r"(^|\.)(lm_head|embed_out|score|classifier|cls\.predictions|generator_\w+|lm_loss|pred_layer)\b|"
             r"^(head|output)\.\w+$"),
    ("norm", r"(?<!prelayer)[nN]orm|(^|\.)(\w+_)?ln(_\w+|\d)?\."),
    ("embed", r"(^|\.)embeddings\."),
    ("shared", r"shared_expert|shared_mlp|shared_w\d+"),
    ("experts", r"(^|\.)(\w+_)?experts\.|block_sparse_moe\.(in|out)put_linear|(?<!shared_)mlp\.(in|out)put_linear"),
    ("up", r"feed_forward\.(key|receptance|intermediate)\b"),
    ("down", r"feed_forward\.(value|output)\b"),
    ("qkv", r"qkv(?!_conv)|query_key_value|(^|\.)c_attn|att_proj|in_proj_(weight|bias)"),
    ("kv", r"kv_(a|b)?_?proj|\.wkv|(^|\.)kv\b"),
    ("q", r"q_((a|b)_)?proj|\.(query|query_proj|wq|wq_a|wq_b|Wq|to_q|project_q|q_lin)\b|"
          r"(Attention|attn|_layer|self)\.(\d+\.)?q\b"),
    ("k", r"(?<!q)k_proj|\.(key|key_proj|wk|Wk|to_k|project_k|k_lin)\b|(Attention|attn|_layer|self)\.(\d+\.)?k\b"),
    ("v", r"v_proj|\.(value|value_proj|wv|Wv|to_v|project_v|v_lin)\b|(Attention|attn|_layer|self)\.(\d+\.)?v\b"),
    ("o", r"o_proj|attn\.c_proj|attention\.output|attention\.dense|attn\.(dense|proj|projection)\b|out_proj|attn_out\b|"
          r"attention_out\b|attn\.Wo\b|\.to_out\b|out_lin\b|proj_out\b|wo_(a|b)\b|(Attention|rel_attn)\.o\b|(?<!Dense)\.wo\b"),
    ("gate", r"gate_proj|gate_up|linear_gate|proj_up_gate|suv_gate|\.w1\b|\.wi_0\b"),
    ("up", r"up_proj|c_fc|fc_in|h_to_4h|intermediate\.dense|fc1|lin1|ff_proj|proj_up|suv_up|w_in\b|\.Wi\b|ff\.layer_1|"
           r"ffn\.0\b|\.w3\b|\.wi(_1)?\b"),
    ("down", r"down_proj|mlp\.c_proj|fc_out|4h_to_h|output\.dense|fc2|lin2|ff_out|proj_down|w_out\b|mlp\.Wo\b|ff\.layer_2|"
             r"ffn\.2\b|\.w2\b|Dense\.wo\b"),
    ("embed", r"embed|wte|wpe|shared\.weight|word_embeddings"),
    ("mixer", r"(^|\.)(mamba|mixer|linear_attn|temporal_block|mlstm_layer|short_conv|conv|attn|self_attn|attention|"
              r"self_attention|rel_attn|SelfAttention|multi_head_attention|\w+_sconv)\."),
)  # fmt: skip
_COMPILED = tuple((role, re.compile(pattern)) for role, pattern in _ROLES)

# The parts of a model that see, hear, or hand on what was seen; where one is inside another, the outer one counts.
_PARTS: tuple[tuple[str, str], ...] = (
    ("projector", r"\w*projector|mm_\w+|\w*connector|\w*resampler\w*|perceiver|qformer|aligner|\w+_aligner|\w*merger(_list)?|"
                  r"(language|visual|image|image_to_text|post)_projection|embed_(vision|audio)|mlp1|mlp_AR|patch_merge_mlp|"
                  r"high_res_vision_(proj|neck)"),
    ("audio", r"audio\w*|speech\w*|sound\w*|talker|code2wav|token2wav|mimi\w*"),
    ("vision", r"vision\w*|visual\w*|(image|img|video|high_res)_\w+|vit|vqmodel|vq_model|sam_model|qwen2_model|siglip\w*"),
)  # fmt: skip
_IN_PART = tuple((part, re.compile(rf"({pattern})")) for part, pattern in _PARTS)
_TEXT = re.compile(r"(^|\.)(language_model|text_model|text_decoder|llm)\.")
_LAYERS = re.compile(r"(^|\.)(layers?|h|blocks?)\.$")


@lru_cache(maxsize=1 << 16)  # asked again and again of the same names
def part(name: str) -> str:
    """Which part of a model a tensor, or a stack, belongs to: vision, audio, projector, or text.

    >>> [part(n) for n in ("model.visual.blocks.0.attn.proj.weight", "model.norm.weight", "visual.merger.ln_q.weight")]
    ['vision', 'text', 'projector']
    """
    words = [word for word in name.split(".")[:-1] if not word.isdigit()]
    for i, word in enumerate(words[:4]):
        known = next((part for part, pattern in _IN_PART if pattern.fullmatch(word)), None)
        if known == "vision" and any(_IN_PART[0][1].fullmatch(later) for later in words[i + 1 : i + 2]):
            return "projector"  # a tower that ends in it
        if known is not None:
            return known
    return "text"


@lru_cache(maxsize=1 << 16)  # asked again and again of the same names
def role(name: str) -> str:
    """What a tensor does, one of `ROLES`.

    kv      keys and values in one, or what they are made from (latent attention)
    mixer   what else lets tokens see each other: state spaces, recurrences, convolutions, gates and sinks of attention
    experts, shared   the experts of a mixture, and those that every token goes through

    >>> [role(n) for n in ("model.layers.3.self_attn.q_proj.weight", "lm_head.weight", "transformer.h.0.ln_1.bias")]
    ['q', 'head', 'norm']
    """
    known = next((role for role, pattern in _COMPILED if pattern.search(name)), "other")
    return "other" if known in ("embed", "head") and part(name) != "text" else known  # of words only


@lru_cache(maxsize=1 << 16)  # asked again and again of the same names
def follows(name: str) -> bool:
    """Whether a tensor outside the layers comes after them: the final norm, the output head."""
    kind = role(name)
    return kind == "head" or (kind == "norm" and part(name) == "text" and not re.search(r"embed|(^|\.)pre_ln", name))


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
    """The numbered stacks of a model: prefix -> number of layers.

    main   the text's (of an encoder and decoder, the decoder's); among several, that with the most parameters
    extra  layers that follow the main stack under its prefix and are none of it: they predict later tokens
    """

    stacks: Mapping[str, int]
    main: str | None
    extra: int = 0
    _places: dict[str, tuple[str | None, int]] = field(
        default_factory=dict[str, tuple[str | None, int]], repr=False, compare=False
    )

    @property
    def layers(self) -> int:
        """Layers of the main stack; 0 when the names show none."""
        return self.stacks[self.main] if self.main is not None else 0

    def place(self, name: str) -> tuple[str | None, int]:
        """(stack, layer) of a tensor; (None, 0) outside the stacks.

        >>> layout({"model.layers.0.w": 4, "model.layers.1.w": 4}).place("model.layers.1.w")
        ('model.layers.', 1)
        """
        if name not in self._places:  # a drag asks for all of them many times a second
            match = _NUMBERED.fullmatch(name)
            inside = match is not None and int(match[2]) < self.stacks.get(match[1], 0)
            self._places[name] = (match[1], int(match[2])) if match and inside else (None, 0)
        return self._places[name]

    def is_extra(self, name: str) -> bool:
        """Whether a tensor belongs to the prediction of later tokens, and is no part of the model that answers.

        >>> layout({"model.layers.0.w": 4, "model.mtp_layers.0.w": 9}).is_extra("model.mtp_layers.0.w")
        True
        """
        match = _NUMBERED.fullmatch(name) if self.extra else None
        by_number = match is not None and match[1] == self.main and int(match[2]) >= self.layers
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
    layers: dict[str, set[int]] = {}
    weight: dict[str, int] = {}
    for name, numel in numels.items():
        match = _NUMBERED.fullmatch(name)
        if match and len(match[2]) < 6:
            layers.setdefault(match[1], set()).add(int(match[2]))
            weight[match[1]] = weight.get(match[1], 0) + numel
    stacks = {p: len(s) for p, s in layers.items() if s == set(range(len(s))) and p}
    pair = any(_side(p) == "encoder" for p in stacks) and any(_side(p) == "decoder" for p in stacks)

    def rank(stack: str) -> tuple[bool, bool, bool, bool, int]:
        text, layers = bool(_TEXT.search(stack)), bool(_LAYERS.search(stack))
        return part(stack + "0") == "text", not (pair and _side(stack) == "encoder"), text, layers, weight[stack]

    main = max((p for p in stacks if not _PREDICTION_STACKS.search(p)), key=rank, default=None)
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
LAYER_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "num_transformer_layers")
"""What config.json calls the number of layers."""


def _levels(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The config, and its part about text where it has one."""
    nested = config.get("text_config")
    return [config, nested] if isinstance(nested, Mapping) else [config]


def _side(name: str) -> str:
    """encoder or decoder, where a name begins so; else nothing."""
    match = re.match(r"(?:model\.)?(?:language_model\.)?(encoder|decoder)\.", name)
    return match[1] if match else ""


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
    modules: dict[str, list[str]] = {}
    for name in names:
        inner = name.removeprefix("model.")
        modules.setdefault(next((module for module, prefix in _MODULES if re.match(prefix, inner)), ""), []).append(name)
    pair = {"encoder", "decoder"} <= modules.keys()
    several = pair or any(module in modules for module, _ in _MODULES[:5])
    if not several:
        return {"default": tuple(name for listed in modules.values() for name in listed)} if modules else {}
    rest = modules.pop("", [])
    if rest:
        modules.setdefault("decoder" if pair else "text_decoder", []).extend(rest)
    return {module: tuple(listed) for module, listed in modules.items()}


@dataclass(frozen=True)
class Column:
    """One column of the Mixer: a layer, or a group of tensors outside the layers."""

    label: str
    kind: str
    layer: int | None
    names: tuple[str, ...]


_GROUPS = {
    "encoder": "encoder", "vision": "vision tower", "audio": "audio tower", "projector": "projector", "embed": "embeddings",
    "layer": "", "more": "other layers", "norm": "final norm", "head": "output head",
}  # fmt: skip
"""Kinds of columns, in the order in which a model computes them, with their labels."""


@dataclass(frozen=True)
class Board:
    """All columns of a model in the order it computes: towers, embeddings, layers, final norm, head."""

    columns: tuple[Column, ...]

    @cached_property
    def of(self) -> dict[str, int]:
        """Tensor name -> column."""
        return {name: i for i, column in enumerate(self.columns) for name in column.names}


def board(names: Iterable[str], where: Layout) -> Board:
    """Group a model's tensors into columns: its layers, and one for each other part. Unknown roles ride with the embeddings."""
    names = list(names)
    layers = where.layers
    pair = where.main is not None and _side(where.main) == "decoder"
    groups: dict[str, list[str]] = {kind: [] for kind in _GROUPS}
    inside: dict[int, list[str]] = {}
    for name in names:
        layer = where.layer(name)
        if layer is not None:
            inside.setdefault(layer, []).append(name)
        else:
            groups[_group(name, where, pair)].append(name)
    columns: list[Column] = []
    for kind, label in _GROUPS.items():
        if kind == "layer":
            columns += [Column(f"layer {i + 1} of {layers}", "layer", i, tuple(inside.get(i, ()))) for i in range(layers)]
        elif groups[kind]:
            columns.append(Column(label, kind, None, tuple(groups[kind])))
    return Board(tuple(columns))


def _group(name: str, where: Layout, pair: bool) -> str:
    """The kind of column of a tensor outside the main stack."""
    if part(name) != "text":
        return part(name)
    if pair and _side(name) == "encoder":
        return "encoder"
    if where.place(name)[0] is not None:
        return "more"
    return role(name) if follows(name) else "embed"
