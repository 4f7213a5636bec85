"""Whether models speak alike: positions, context, heads, norms, chat templates and the tokens that end an answer."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from merger.errors import CheckpointError
from merger.files.checkpoints import Checkpoint, read_json
from merger.findings import Finding, Fix
from merger.tokenizer.tokens import chat_template_kind, read_vocabulary

_SCALES = (
    "partial_rotary_factor", "final_logit_softcapping", "attn_logit_softcapping", "query_pre_attn_scalar", "embedding_multiplier",
    "residual_multiplier", "attention_multiplier", "logits_scaling", "logit_scale", "scale_emb", "scale_depth", "dim_model_base",
)  # fmt: skip
"""What a config multiplies, cuts or turns on the way through a model."""


def configs(
    merged: Sequence[str], config_source: str, origin: str, models: Mapping[str, Checkpoint], apart: Collection[str],
    templated: bool,
) -> Iterator[Finding]:  # fmt: skip
    """What the models' weights were trained for, and the output's files will not say.

    config_source, origin  whose config.json, and whose tokenizer, the output takes
    apart      models whose attention does not fit the config source's anyway
    templated  the recipe gives the output a chat template
    """
    for reference in merged:
        if reference not in (config_source, origin):
            yield from _chats(reference, origin, models, templated)
    mine = models[config_source].config
    for reference in merged:
        other = models[reference].config
        if reference == config_source or not mine or not other:
            continue
        ours, theirs = _rope(mine), _rope(other)
        if ours != theirs:
            yield Finding(
                "warning", f"{reference} was trained with a RoPE base of {theirs:,.0f}, {config_source} with {ours:,.0f}; the "
                f"output keeps {ours:,.0f}, and attention weights made for another one mislead it.",
                "Merge models of one RoPE base, or give its q_proj and k_proj the weight 0.",
                kind="positions", model=reference, figures=(theirs, ours),
            )  # fmt: skip
        a, b = _stretch(mine), _stretch(other)
        if a != b:
            yield Finding(
                "warning", f"RoPE scaling: {_shown(b)} in {reference}, {_shown(a)} in {config_source}; the output keeps the "
                "latter, and attention weights made for the other one mislead it.",
                "Merge models whose context was stretched alike.", kind="stretched", model=reference,
            )  # fmt: skip
        a, b = _epsilon(mine), _epsilon(other)
        if a is not None and b is not None and a != b:
            yield Finding(
                "warning" if max(a, b) > 100 * min(a, b) else "note",
                f"norm epsilon: {b:g} in {reference}, {a:g} in {config_source}; the output keeps {a:g}.",
                kind="epsilon", model=reference, figures=(b, a),
            )  # fmt: skip
        for key, words in (("max_position_embeddings", "context"), ("sliding_window", "sliding window")):
            a, b = _setting(mine, key), _setting(other, key)
            if a != b and (a is not None or b is not None):
                yield Finding(
                    "note", f"{words}: {_told(b)} in {reference}, {_told(a)} in {config_source}; the output keeps {_told(a)}."
                )
        for key in ("num_attention_heads", "num_key_value_heads", "head_dim", "hidden_act"):
            a, b = _setting(mine, key), _setting(other, key)
            if a is not None and b is not None and a != b and not (reference in apart and key != "hidden_act"):
                yield Finding("warning", f"{key}: {b} in {reference}, {a} in {config_source}; the same rows do other work there.")
        for key in _SCALES:  # where one says nothing it has its type's default, which may be the other's
            a, b = _setting(mine, key), _setting(other, key)
            if a is not None and b is not None and a != b:
                yield Finding(
                    "warning", f"{key}: {b} in {reference}, {a} in {config_source}; the output keeps {a}, and the weights were "
                    "trained for another size of what they work on.", kind="scales", model=reference,
                )  # fmt: skip
        a, b = _architecture(mine), _architecture(other)
        if a != b:
            yield Finding("note", f"{reference} is a {b}, {config_source} a {a}; the output is a {a}.")


def _chats(reference: str, origin: str, models: Mapping[str, Checkpoint], templated: bool) -> Iterator[Finding]:
    """A chat model whose tokenizer the output does not take: its template, and the tokens at which it stops."""
    try:
        kind, ours = chat_template_kind(models[reference].folder), chat_template_kind(models[origin].folder)
        stops, mine = stops_of(models[reference]), stops_of(models[origin])
    except CheckpointError:
        return
    fix = f"Write `tokenizer_source: {reference}` to take its tokenizer, template and stop tokens."
    mend = Fix("Take the chat model's tokenizer", {"tokenizer_source": reference})
    edit = ("tokenizer_source", reference)
    if kind and not ours and not templated:
        yield Finding(
            "warning", f"{reference} is a chat model ({kind}), and {origin}, whose tokenizer the output takes, has no "
            f"chat template: "
            "the merge is not asked as it was taught, and may never stop.", fix, *edit,
            kind="no template", model=reference, mend=mend,
        )  # fmt: skip
    elif kind and stops and mine and not stops.keys() & mine.keys():
        yield Finding(
            "warning", f"{reference} ends its answers with {' or '.join(stops.values())}, the output stops at "
            f"{' or '.join(mine.values())} as {origin} does: it may never stop.", fix, *edit,
            kind="other stops", model=reference, mend=mend,
        )  # fmt: skip


def stops_of(model: Checkpoint) -> dict[int, str]:
    """The tokens at which a model's answers end: id -> its text."""
    generation = read_json(model.folder / "generation_config.json", required=False)
    settings = read_json(model.folder / "tokenizer_config.json", required=False)
    vocabulary = read_vocabulary(model.folder)
    ids = dict(vocabulary.ids) if vocabulary else {}
    stops = [i for level in (generation, model.config) for i in _listed(level.get("eos_token_id"))]
    named = settings.get("eos_token")
    named = named.get("content") if isinstance(named, dict) else named
    if isinstance(named, str) and named in ids:
        stops.append(ids[named])
    words = {i: token for token, i in ids.items()}
    return {i: words.get(i, f"token {i}") for i in dict.fromkeys(stops)}


def _listed(value: Any) -> list[int]:
    return [i for i in (value if isinstance(value, list) else [value]) if type(i) is int]


def _stretch(config: Mapping[str, Any]) -> dict[str, Any]:
    """How positions were stretched beyond those of the first training; {} where they were not."""
    stretch: dict[str, Any] = {}
    for key in ("rope_scaling", "rope_parameters"):
        value = _setting(config, key)
        if isinstance(value, dict):
            stretch |= {k: v for k, v in value.items() if k not in ("rope_theta", "partial_rotary_factor")}
    kind = stretch.pop("rope_type", stretch.pop("type", "default"))
    stretch.pop("type", None)
    return {} if kind in (None, "default") else {"rope_type": kind, **dict(sorted(stretch.items()))}


def _shown(stretch: Mapping[str, Any]) -> str:
    if not stretch:
        return "none"
    factor = stretch.get("factor")
    return f"{stretch['rope_type']}{f' × {factor:g}' if isinstance(factor, (int, float)) else ''}"


def _epsilon(config: Mapping[str, Any]) -> float | None:
    keys = ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps", "norm_epsilon")
    values = [_setting(config, key) for key in keys]
    return next((float(v) for v in values if isinstance(v, (int, float))), None)


def _setting(config: Mapping[str, Any], key: str) -> Any:
    nested = config.get("text_config")
    return config.get(key, nested.get(key) if isinstance(nested, dict) else None)


def _rope(config: Mapping[str, Any]) -> float:
    """The RoPE base; 10000 where a config does not say."""
    parameters = _setting(config, "rope_parameters")
    value = _setting(config, "rope_theta") or (parameters.get("rope_theta") if isinstance(parameters, dict) else None)
    return float(value) if isinstance(value, (int, float)) else 10000.0


def _architecture(config: Mapping[str, Any]) -> str:
    listed = config.get("architectures")
    return str(listed[0] if isinstance(listed, list) and listed else config.get("model_type", "model without a name"))


def _told(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else "none" if value is None else str(value)
