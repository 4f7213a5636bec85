"""config.json of a stack: whatever it says layer by layer follows the layers that the output is put together from.

A list with one entry a layer, a list of layers' numbers, a table keyed by them, a count of the first or last layers of a kind.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from merger.files.layout import LAYER_KEYS, PREDICTION_KEYS, Layout
from merger.files.texts import is_dict, is_list, is_mapping

Origin = tuple[str, int]
"""Where a layer of the output comes from: a model, and the layer's number in it."""

# Parts of a config that are about something else than the text's layers, and lists that only happen to have a length.
_ELSEWHERE = re.compile(
    r"vision|visual|image|video|audio|speech|talker|projector|quantization|compression|rope|id2label|label2id"
)
_TOWERS = re.compile(r"vision|visual|image|video|audio|speech")
_NO_LIST = re.compile(r"token|architectures|factor$|section|label|auto_map|pinpoints|vision|visual|image|audio|feature_layer|^_")
_NUMBERS = re.compile(r"(layer|idx|indices|indexes|block)\w*$")
_PATTERN = re.compile(r"pattern")
_KINDS = re.compile(r"^(layers?_block_type|layer_types|block_types|hybrid_(override|layer)_pattern)$")
_FIRST = re.compile(r"first_k_dense|^num_(dense|first_\w+)_layers$|^n_dense_(first_)?layers$|^dense_mlp_idx$|^max_window_layers$")
_LAST = re.compile(r"^num_kv_shared_layers$|^num_last_\w+_layers$")
_REPEATED = ("block_types",)
"""Lists of kinds that are gone through again and again, however many layers there are: written out for a stack."""
# What else goes by a layer's number: kept as it is, and told where nobody can check that the kinds still match.
_BY_NUMBER = re.compile(
    r"(period|interval|offset|_step|frequency|freq|_pattern|every_n_layers|every_n|start_index|end_index|by_inverse_layer_idx)$"
)


@dataclass
class Followed:
    """The output's config, and what was found on the way: remarks for the user, and settings that still go by number."""

    config: dict[str, Any]
    messages: list[str] = field(default_factory=list[str])
    by_number: list[str] = field(default_factory=list[str])


def follow(
    config_source: str, configs: Mapping[str, Mapping[str, Any]], layouts: Mapping[str, Layout],
    origins: Sequence[Sequence[Origin]], dropped: bool = False,
) -> Followed:  # fmt: skip
    """The config for an output whose k-th layer is made from the layers `origins[k]`, the first of which gives its kind.

    dropped  the output has none of the layers that only predict later tokens
    """
    where = layouts[config_source]
    made = Followed(_copy(configs[config_source]))
    main = [each[0] for each in origins]
    if not origins or main == [(config_source, i) for i in range(where.layers)]:
        return made
    followed: list[str] = []
    paths = levels(configs[config_source], where)
    if configs[config_source] and not paths:
        made.messages.append(
            f"{config_source}: its config.json does not say that it has {where.layers} layers; nothing in it follows them."
        )
    for path in paths:
        level = _at(made.config, path)
        sources = {model: _first_level(configs[model], layouts[model], path) for model in dict.fromkeys(m for m, _ in main)}
        places = [(sources[model], layer, layouts[model].layers) for model, layer in main]
        followed += _walk(level, (), places, where.layers, made)
        for key in layer_keys(level, where):
            level[key] = len(origins)
        if dropped:
            for key in [k for k, v in level.items() if PREDICTION_KEYS.search(k) and type(v) is int and v]:
                level[key] = 0
    if followed:
        keys = list(dict.fromkeys(followed))
        made.messages.append(f"config.json: {', '.join(keys)} {'follow' if len(keys) > 1 else 'follows'} the layers.")
    made.messages += _mixed(origins, configs, layouts)
    return made


def levels(config: Mapping[str, Any], where: Layout) -> list[tuple[str, ...]]:
    """The parts of a config that count the main stack's layers, as paths: () is the whole."""
    main = where.main or ""
    other = "encoder" if "decoder" in main else "decoder" if "encoder" in main else None

    def about_it(key: str) -> bool:
        """Whether a part of the config may be about the main stack; a tower's own is where the tower is merged alone."""
        elsewhere = _ELSEWHERE.search(key)
        return (elsewhere is None or elsewhere[0] in main) and (other is None or other not in key)

    def search(level: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if layer_keys(level, where) or _listed(level, where):
            yield path
        for key, value in level.items():
            if is_mapping(value) and about_it(key) and len(path) < 4:
                yield from search(value, (*path, key))

    levels = list(search(config, ()))
    of_tower = [path for path in levels if path and _TOWERS.search(path[0])]
    return of_tower if of_tower and _TOWERS.search(main) else levels


def layer_keys(level: Mapping[str, Any], where: Layout) -> list[str]:
    """The keys of one level that hold the number of the main stack's layers."""
    decoder = [k for k in ("num_decoder_layers", "decoder_layers") if "decoder" in (where.main or "") and k in level]
    keys = decoder or [*LAYER_KEYS, *(["encoder_layers"] if "encoder" in (where.main or "") else ["depth"])]
    return [k for k in keys if type(level.get(k)) is int and level[k] == where.layers]


def _listed(level: Mapping[str, Any], where: Layout) -> bool:
    """Whether a level says how many layers there are by nothing but a list of their kinds."""
    if any(type(level.get(key)) is int for key in LAYER_KEYS):
        return False
    return any(_KINDS.search(k) and (is_list(v) or isinstance(v, str)) and len(v) == where.layers > 0 for k, v in level.items())


def one_a_layer(level: Mapping[str, Any], layers: int) -> dict[str, Sequence[Any]]:
    """The lists of one level of a config that have an entry for each layer, and mean what they say wherever the layer stands.

    >>> one_a_layer({"layer_types": ["a", "b", "a"], "mlp_only_layers": [0, 1, 2], "eos_token_id": [1, 2, 3]}, 3)
    {'layer_types': ['a', 'b', 'a']}
    """
    return {key: value for key, value in level.items() if isinstance(key, str) and _is_one_a_layer(key, value, layers)}


def _is_one_a_layer(key: str, value: Any, layers: int) -> bool:
    """Whether a value has an entry for each layer; entries that are layers' numbers themselves are not known to follow."""
    if isinstance(value, str):
        return bool(_PATTERN.search(key)) and len(value) == layers > 1 and not value.isdigit()
    if not is_list(value) or len(value) != layers or not layers or _NO_LIST.search(key):
        return False
    return "source_layer" not in key and not _numbers(key, value, layers)


def _numbers(key: str, value: Any, layers: int) -> bool:
    """Whether a list holds layers' numbers, counted from 0 or from 1: whole, rising, none twice."""
    if not is_list(value) or not _NUMBERS.search(key) or "per_layer" in key or _NO_LIST.search(key):
        return False
    if not all(type(v) is int and 0 <= v <= layers for v in value) or sorted({*value}) != value:
        return False
    return len(value) != layers or layers > 2 or key.endswith(("idxs", "indices"))


def _walk(
    level: dict[str, Any], path: tuple[str, ...], places: Sequence[tuple[Mapping[str, Any], int, int]], layers: int,
    made: Followed,
) -> Iterator[str]:  # fmt: skip
    """Mend one level in place and yield the names of what follows the layers.

    places  for each output layer: the same level of its model's config, its number there, how many that model has
    """
    from_one = any(_numbers(k, v, layers) and v and v[-1] == layers and v[0] > 0 for k, v in level.items())
    for key, value in list(level.items()):
        if is_dict(value) and (not _keyed(value, layers) or _ELSEWHERE.search(key)):
            if not _ELSEWHERE.search(key) and not any(type(value.get(k)) is int for k in LAYER_KEYS):
                yield from _walk(value, (*path, key), places, layers, made)
            continue
        inner = tuple((_at(own, (*path, key)), layer, count) for own, layer, count in places)
        new = _each_layers(key, value, inner, layers, from_one)
        if new is _OTHER and type(value) is int and (_FIRST.search(key) or _LAST.search(key)):
            new = _count(key, value, inner)
            if new is None:
                made.messages.append(
                    f"config.json: {key} counts {'the first' if _FIRST.search(key) else 'the last'} layers of a kind, and in "
                    f"this stack layers of that kind stand elsewhere too; it stays at {value}."
                )
        elif new is _OTHER and type(value) is int and key.endswith("_start_index"):
            span = _span(level, key, path, places)
            if span is not None:
                new, level[key.replace("_start_", "_end_")] = span
        if new is _OTHER:
            _remark(key, value, made)
        elif new is not None and new != value:
            level[key] = new
            yield key


_OTHER = object()
"""A value that says nothing of each layer."""


def _each_layers(key: str, value: Any, pieces: Sequence[tuple[Any, int, int]], layers: int, from_one: bool) -> Any:
    """What says something of each layer, in the output's order; None where a layer's own model does not say it.

    pieces    for each output layer: the same value of its model's config, its number there, how many that model has
    from_one  lists of layers' numbers begin at 1
    """
    if is_dict(value):
        return _table(value, pieces)
    if key in _REPEATED and is_list(value) and value and len(value) < layers:
        kinds = [(own if is_list(own) and own else value, layer) for own, layer, _ in pieces]
        return [own[layer % len(own)] for own, layer in kinds]
    if key == "attention_types" and len(_written_out(value)) == layers > 0:
        kinds = [(_written_out(own) or _written_out(value), layer) for own, layer, _ in pieces]
        return [[[own[layer % len(own)] for own, layer in kinds], 1]]
    if _is_one_a_layer(key, value, layers):
        return _entries(value, pieces, layers)
    if _numbers(key, value, layers):
        shift = 1 if from_one else 0
        of_kind = [layer + shift in (own if is_list(own) else value) for own, layer, _ in pieces]
        return [j + shift for j, yes in enumerate(of_kind) if yes]
    return _OTHER


def _remark(key: str, value: Any, made: Followed) -> None:
    """Tell of a value that means another thing where layers have moved."""
    if value is True and key.endswith("by_inverse_layer_idx"):
        made.messages.append(f"config.json: {key}: what a layer computes depends on its number, which the stack changes.")
    elif value and key == "hidden_size_per_layer_input":
        made.messages.append(
            f"config.json: {key}: each layer has a part of its own in tensors outside of the layers, and these parts stay in "
            "the order they are in: a layer that moved computes with another's."
        )
    elif value and type(value) in (int, str) and _BY_NUMBER.search(key):
        made.by_number.append(key)


def _written_out(value: Any) -> list[Any]:
    """One kind a layer, of GPT-Neo's short form; [] where it is none.

    >>> _written_out([[["global", "local"], 2]])
    ['global', 'local', 'global', 'local']
    """
    pairs: list[list[Any]] = [p for p in value if is_list(p) and len(p) == 2] if is_list(value) else []
    whole = all(isinstance(kinds, list) and type(times) is int and 0 < times < 10_000 for kinds, times in pairs)
    return [kind for kinds, times in pairs for kind in kinds * times] if whole and len(pairs) < 100 else []


def _entries(value: Any, pieces: Sequence[tuple[Any, int, int]], layers: int) -> Any:
    """One entry for each output layer; None where a layer's own model says nothing of it."""
    made: list[Any] = []
    for own, layer, count in pieces:
        listed = own if isinstance(own, type(value)) and len(own) == count else value if layer < layers else None
        if listed is None:
            return None
        made.append(listed[layer])
    return "".join(made) if isinstance(value, str) else [_copy(entry) for entry in made]


def _keyed(value: Mapping[str, Any], layers: int) -> bool:
    """Whether a table's keys are layers' numbers."""
    return bool(value) and all(isinstance(k, str) and k.isdigit() and int(k) < layers for k in value)


def _table(value: Mapping[str, Any], pieces: Sequence[tuple[Any, int, int]]) -> dict[str, Any]:
    owns = [(own if is_mapping(own) else value, str(layer)) for own, layer, _ in pieces]
    return {str(j): _copy(own[layer]) for j, (own, layer) in enumerate(owns) if layer in own}


def _count(key: str, value: int, pieces: Sequence[tuple[Any, int, int]]) -> int | None:
    """How many of the output's first (or last) layers are of the kind that a number counts; None where others are too."""
    last = bool(_LAST.search(key))
    counted = [(own if type(own) is int else value, layer, count) for own, layer, count in pieces]
    of_kind = [layer >= count - own if last else layer < own for own, layer, count in counted]
    if last:
        of_kind.reverse()
    run = next((i for i, yes in enumerate(of_kind) if not yes), len(of_kind))
    if any(of_kind[run:]):
        return None
    return max(value, run) if run == len(of_kind) and not last else run


def _span(
    level: Mapping[str, Any], key: str, path: tuple[str, ...], places: Sequence[tuple[Mapping[str, Any], int, int]]
) -> tuple[int, int] | None:
    """Where the run of layers between `.._start_index` and `.._end_index` lies in the output; None where it is no one run."""
    to, each = key.replace("_start_", "_end_"), key.replace("_start_index", "_interval")
    if type(level.get(to)) is not int or level.get(each, 1) != 1:
        return None
    inside: list[bool] = []
    for own, layer, count in places:
        first, last = _at(own, (*path, key)), _at(own, (*path, to))
        first, last = (first, last) if type(first) is int and type(last) is int else (level[key], level[to])
        inside.append(first <= layer <= (last if last >= 0 else count + last))
    run = [k for k, yes in enumerate(inside) if yes]
    return (run[0], run[-1]) if run and len(run) == run[-1] - run[0] + 1 else None


def _mixed(
    origins: Sequence[Sequence[Origin]], configs: Mapping[str, Mapping[str, Any]], layouts: Mapping[str, Layout]
) -> Iterator[str]:
    """Output layers that are merged from layers of unlike kinds."""
    kinds: dict[str, dict[str, Sequence[Any]]] = {}
    for model in {m for each in origins for m, _ in each}:
        kinds[model] = one_a_layer(_first_level(configs[model], layouts[model], ()), layouts[model].layers)
    for k, each in enumerate(origins):
        (first, at), *others = each
        for model, layer in others:
            for key in kinds[first].keys() & kinds[model].keys():
                a, b = kinds[first][key][at], kinds[model][key][layer]
                if a != b:
                    yield f"layer {k} of the output is merged from layers of two kinds: {key} is {a} in {first}, {b} in {model}."
                    return


def _first_level(config: Mapping[str, Any], where: Layout, wanted: tuple[str, ...]) -> Mapping[str, Any]:
    """The level at this path where it counts the layers, else the first that does; {} where none does."""
    paths = levels(config, where)
    return _at(config, wanted if wanted in paths else paths[0]) if paths else {}


def _at(config: Any, path: Sequence[str]) -> Any:
    for key in path:
        config = config.get(key) if is_mapping(config) else None
    return config


def _copy(value: Any) -> Any:
    """A copy down to the last list, of JSON."""
    if is_mapping(value):
        return {k: _copy(v) for k, v in value.items()}
    return [_copy(v) for v in value] if is_list(value) else value


__all__ = ["Followed", "Origin", "follow", "layer_keys", "levels", "one_a_layer"]
