"""Tokenizers: the output's vocabulary, the rows every model gives it, and the files beside the weights.

Tokens are matched by their text. A row that no token names (padding) is matched by its number.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merger.errors import CheckpointError, nearest
from merger.files.checkpoints import Checkpoint, read_json
from merger.files.layout import role
from merger.files.texts import read_bytes
from merger.limits import TOKENIZER_BYTES
from merger.recipe import CHAT_TEMPLATES, Recipe, TokenizerRecipe, TokenRow
from merger.regular import look, open_regular, there
from merger.tokenizer import safe

# Beside the weights, what a model needs to be loaded and to chat. Code (*.py) is never copied.
COMPANIONS = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt",
    "merges.txt", "tokenizer.model", "spiece.model", "chat_template.jinja", "chat_template.json", "generation_config.json",
    "preprocessor_config.json", "processor_config.json",
)  # fmt: skip
_OF_DONOR = ("generation_config.json", "preprocessor_config.json", "processor_config.json")
# A changed tokenizer.json makes these wrong; transformers reads none of them beside it.
_SLOW = ("added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model")

Key = str | int | None
"""What a row of the output is: a token, the number of a row without a token, or None for a row added as padding."""


def copy_tokenizer(config_source: Checkpoint, folder: Path) -> None:
    """Copy the config source's tokenizer, chat template and generation config into the output folder."""
    for name in COMPANIONS:
        source = (config_source.folder if name in _OF_DONOR else config_source.words) / name
        if there(source):
            _copy(source, folder / name)


def check_companions(config_source: Path) -> None:
    """CheckpointError where a file that is to be copied cannot be read: better told before the work than after it."""
    for file in (config_source / name for name in COMPANIONS if there(config_source / name)):
        try:
            open_regular(file).close()
        except OSError as error:
            raise CheckpointError(f"{file}: cannot be read: {error.strerror}.") from None


def _copy(source: Path, target: Path) -> None:
    """As it is, but of a tokenizer's settings nothing that names a file of somebody's, or code, which is not copied."""
    raw = read_bytes(source, TOKENIZER_BYTES)
    if source.name == safe.SETTINGS:
        said = read_json(source)
        if (kept := safe.portable(said)) != said:
            _write(target, kept)
            return
    target.write_bytes(raw)


# ---------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class Vocabulary:
    """A model's tokens. Equal digests are equal vocabularies.

    ids    token -> row
    added  token -> its entry among tokenizer.json's `added_tokens`, in their order
    """

    digest: str
    ids: Mapping[str, int] = field(compare=False, repr=False)
    added: Mapping[str, Mapping[str, Any]] = field(compare=False, repr=False)


def read_vocabulary(folder: Path) -> Vocabulary | None:
    """The vocabulary of a model's folder; None when it holds no tokenizer."""
    file = folder / "tokenizer.json"
    if there(file):
        stamp = look(file)
        return _vocabulary(file, stamp.changed, stamp.size) if stamp else _parsed(file, read_json(file))
    if any((folder / name).is_file() for name in ("tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")):
        return _parsed(folder, _converted(folder))
    return None


@lru_cache(maxsize=16)
def _vocabulary(file: Path, stamp: int, size: int) -> Vocabulary:
    del stamp, size  # they are the key: a file that changed is read again
    return _parsed(file, safe.document(file))


def _document(folder: Path) -> dict[str, Any]:
    file = folder / "tokenizer.json"
    return safe.document(file) if there(file) else _converted(folder)


def _converted(folder: Path) -> dict[str, Any]:
    """tokenizer.json of a tokenizer that has only the older files; transformers knows how to convert them."""
    try:
        return json.loads(safe.load(folder).backend_tokenizer.to_str())
    except CheckpointError:
        raise
    except Exception as error:  # whatever a damaged or unknown tokenizer raises
        raise CheckpointError(
            f"{folder}: holds no tokenizer.json, and its older tokenizer files cannot be converted ({type(error).__name__}).\n"
            "  Load the tokenizer in transformers once and `save_pretrained` it."
        ) from None


def _parsed(file: Path, document: Mapping[str, Any]) -> Vocabulary:
    model, listed = document.get("model"), document.get("added_tokens") or []
    pieces = model.get("vocab") if isinstance(model, dict) else None
    try:
        # Unigram lists pieces with their scores, in the order of the ids.
        ids: dict[str, int] = {p[0]: i for i, p in enumerate(pieces)} if isinstance(pieces, list) else {**(pieces or {})}
        added = {entry["content"]: dict(entry) for entry in listed}
        ids |= {token: entry["id"] for token, entry in added.items()}
        fine = all(isinstance(t, str) and type(i) is int and 0 <= i < 1 << 31 for t, i in ids.items())
    except (TypeError, ValueError, KeyError, IndexError):
        ids, added, fine = {}, {}, False
    if not fine or not ids:
        raise CheckpointError(f"{file}: the tokenizer's vocabulary is damaged, or of a kind that is not known here.")
    text = json.dumps([sorted(ids.items()), list(added.items())], sort_keys=True)
    return Vocabulary(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), ids, added)


def rows_of(model: Checkpoint) -> int | None:
    """How many rows a model's embeddings have; None when no tensor looks like embeddings."""
    shapes = [t.shape for n, t in model.tensors.items() if role(n) == "embed" and token_rows(n) and len(t.shape) == 2]
    level = model.config.get("text_config")
    wanted = model.config.get("vocab_size", level.get("vocab_size") if isinstance(level, dict) else None)
    return next((s[0] for s in shapes if s[0] == wanted), max((s[0] for s in shapes), default=None))


def token_rows(name: str) -> bool:
    """Whether a tensor's name says that it has one row for each token."""
    return role(name) in ("embed", "head") and not any(word in name for word in ("wpe", "position", "token_type"))


# ---------------------------------------------------------------------------------------------- matching


@dataclass(frozen=True)
class VocabMap:
    """Where each row of a realigned tensor comes from; equal digests give equal rows.

    rows    per model, its row for each output row; -1: it has none
    filled  output rows that some model lacks, or that are forced: one row for all who need it, the mean of `donors`
    forced  filled rows that every model takes
    donors  per model, (place in filled, row): what is averaged; a place without donors is zero
    pad     rows at the end that hold the mean of the others
    """

    digest: str
    tokens: tuple[Key, ...] = field(compare=False, repr=False)
    rows: Mapping[str, Tensor] = field(compare=False, repr=False)
    filled: Tensor = field(compare=False, repr=False)
    forced: Tensor = field(compare=False, repr=False)
    donors: tuple[tuple[str, Tensor, Tensor], ...] = field(compare=False, repr=False)
    pad: int = field(compare=False, repr=False)


@dataclass(frozen=True)
class Aligned:
    """A VocabMap for one tensor: what the tensor is called in each model.

    made  the digests of the documents that make some of the models: a name may stand for other documents elsewhere
    """

    map: VocabMap
    names: tuple[tuple[str, str], ...]
    made: tuple[tuple[str, str], ...] = ()

    def key(self, model: str) -> str:
        """What a model is opened under."""
        return dict(self.made).get(model, model)


def gather(aligned: Aligned, model: str, read: Callable[[str, str], Tensor]) -> Tensor:
    """A model's tensor with the output's rows, in float32 (float64 if stored so).

    read  gives a model's tensor by the model's reference and the tensor's name
    """
    own, names = aligned.map, dict(aligned.names)
    stored = read(model, names[model])
    dtype = torch.float64 if stored.dtype == torch.float64 else torch.float32
    index = own.rows[model]
    out = stored.index_select(0, index.clamp(min=0)).to(dtype)
    needed = own.forced | (index[own.filled] < 0)
    if needed.any():
        fill = torch.zeros((len(own.filled), *stored.shape[1:]), dtype=dtype)
        count = torch.zeros(len(own.filled), dtype=dtype)
        for donor, places, rows in own.donors:
            fill.index_add_(0, places, read(donor, names[donor]).index_select(0, rows).to(dtype))
            count.index_add_(0, places, torch.ones(len(places), dtype=dtype))
        fill /= count.clamp(min=1).reshape(-1, *[1] * (fill.ndim - 1))
        out[own.filled[needed]] = fill[needed]
    if own.pad:
        real = len(index) - own.pad
        out[real:] = out[:real].mean(0, dtype=torch.float64).to(dtype)
    return out


@dataclass(frozen=True)
class OutputTokens:
    """The output's vocabulary, decided: what plan and the writer need to know.

    keys    what each row is
    origin  the model whose tokenizer files are taken
    new     tokens that the origin's tokenizer gets: token, row, its `added_tokens` entry
    left    tokens of the origin without a row, which are taken out
    models  vocabularies of the merged models; rows: of their embeddings
    """

    recipe: TokenizerRecipe
    keys: tuple[Key, ...]
    origin: str
    new: tuple[tuple[str, int, Mapping[str, Any] | None], ...]
    left: tuple[str, ...]
    models: Mapping[str, Vocabulary]
    rows: Mapping[str, int]
    remarks: tuple[str, ...]
    _maps: dict[tuple[tuple[str, ...], str | None], VocabMap | None] = field(
        default_factory=dict[tuple[tuple[str, ...], str | None], VocabMap | None], compare=False, repr=False
    )

    def realigned(self, model: str, name: str, shape: Sequence[int]) -> bool:
        """Whether a tensor of a model has one row for each token, and gets the output's rows."""
        return token_rows(name) and len(shape) > 0 and shape[0] == self.rows.get(model)

    def map(self, models: Sequence[str], base: str | None) -> VocabMap | None:
        """The rows of tensors that exist in these models; None when all have the output's rows already."""
        key = (tuple(models), base)
        if key not in self._maps:
            self._maps[key] = _align(self, key[0], base)
        return self._maps[key]


def decide(recipe: Recipe, models: Mapping[str, Checkpoint]) -> OutputTokens | None:
    """The output's vocabulary as the recipe's tokenizer keys say; None when it has none of them.

    CheckpointError when a tokenizer is missing or a token cannot be found.
    """
    wanted = recipe.vocabulary
    if wanted is None:
        return None
    first = recipe.base_model or recipe.merged[0]
    order = tuple(dict.fromkeys([first, *recipe.merged]))
    vocabularies = {reference: read_vocabulary(models[reference].words) for reference in recipe.references}
    origin = first if wanted.source in ("union", "base") else wanted.source
    for reference in (first, origin):
        if vocabularies[reference] is None:
            raise CheckpointError(
                f"{models[reference].folder}: holds no tokenizer (tokenizer.json), and the recipe matches tokens by name.\n"
                "  Add the model's tokenizer files to its folder, or take the `tokenizer` keys out of the recipe."
            )
    usual = vocabularies[first]
    assert usual is not None
    remarks = [f"{r}: holds no tokenizer; its tokens are taken to be those of {first}." for r in order if vocabularies[r] is None]
    rows: dict[str, int] = {}
    for reference in recipe.references:
        count = rows_of(models[reference])
        if count is None:
            raise CheckpointError(f"{models[reference].folder}: no tensor looks like embeddings, so its tokens have no rows.")
        rows[reference] = count
    return _decided(
        wanted, order, origin, tuple((r, vocabularies[r] or usual, rows[r]) for r in recipe.references), tuple(remarks)
    )


@lru_cache(maxsize=8)
def _decided(
    wanted: TokenizerRecipe, order: tuple[str, ...], origin: str, known: tuple[tuple[str, Vocabulary, int], ...],
    remarks: tuple[str, ...],
) -> OutputTokens:  # fmt: skip
    """Cached: a live session plans again at every move of a slider."""
    vocabularies, rows = {r: v for r, v, _ in known}, {r: n for r, _, n in known}
    own = vocabularies[origin]
    strip = wanted.source in ("union", "base")
    ids = {token: i for token, i in own.ids.items() if not strip or i < rows[origin]}
    left = tuple(token for token in own.ids if token not in ids)
    new: dict[str, Mapping[str, Any] | None] = {}
    renamed: list[tuple[str, int, Mapping[str, Any] | None]] = []
    if wanted.source == "union":
        added: dict[str, Mapping[str, Any]] = {}
        for model in order:
            for token, entry in vocabularies[model].added.items():
                if vocabularies[model].ids[token] < rows[model]:
                    added.setdefault(token, entry)
        for model in order:
            others = vocabularies[model]
            for token in sorted(others.ids, key=others.ids.__getitem__):
                if others.ids[token] < rows[model] and token not in ids and token not in added:
                    new.setdefault(token)
        new |= {token: entry for token, entry in added.items() if token not in ids}
        renamed = [(t, ids[t], e) for t, e in added.items() if t in ids and t not in own.added]
    for token, _ in wanted.tokens:
        if token not in ids and token not in new:
            new[token] = None
    size = max(ids.values(), default=-1) + 1
    appended = [(token, size + k, entry) for k, (token, entry) in enumerate(new.items())]
    size += len(appended)
    keys: list[Key] = list(range(size))
    for token, i in [*ids.items(), *((token, i) for token, i, _ in appended)]:
        keys[i] = token
    counts = {rows[model] for model in order}
    if wanted.pad_to_multiple_of:
        keys += [None] * (-size % wanted.pad_to_multiple_of)
    elif len(counts) == 1 and max(counts) > size:
        keys += range(size, max(counts))  # padding that all models share stays, as their kernels want it
    said = list(remarks)
    if left:
        said.append(f"{origin}: {len(left)} tokens have no row in its embeddings and are left out, for example {left[0]!r}.")
    return OutputTokens(wanted, tuple(keys), origin, (*renamed, *appended), left, vocabularies, rows, tuple(said))


def _align(out: OutputTokens, models: tuple[str, ...], base: str | None) -> VocabMap | None:
    """Rows for a group of models, and for tokens that some lack: the recipe's word, else the only owner's row, else the
    base's, else the mean of the owners; zeros when nobody has the token."""
    size = len(out.keys)
    index = torch.stack([torch.tensor(_rows(out, model)) for model in models])
    configured = dict(out.recipe.tokens)
    forced = {token for token, row in configured.items() if row.force}
    same = torch.arange(size).expand_as(index)
    if not forced and torch.equal(index, same) and all(out.rows[model] == size for model in models):
        return None
    pad = sum(key is None for key in out.keys)
    absent = (index < 0).any(0)
    absent[size - pad :] = False
    for i, key in enumerate(out.keys if forced else ()):
        absent[i] |= key in forced
    filled = absent.nonzero().flatten()
    columns = dict(zip(models, index.tolist(), strict=True))
    donors: dict[str, list[tuple[int, int]]] = {}
    for place, i in enumerate(filled.tolist()):
        key = out.keys[i]
        row = configured.get(key) if isinstance(key, str) else None
        for model, at in _donors(out, i, row, columns, base):
            donors.setdefault(model, []).append((place, at))
    must = torch.tensor([out.keys[i] in forced for i in filled.tolist()], dtype=torch.bool)
    pairs = {m: torch.tensor(p) for m, p in donors.items()}
    digest = hashlib.sha256(repr((models, size, pad, sorted(donors))).encode())
    for tensor in (index, filled, must, *(pairs[m] for m in sorted(pairs))):
        digest.update(tensor.contiguous().numpy().tobytes())
    return VocabMap(
        digest.hexdigest(), out.keys, dict(zip(models, index, strict=True)), filled, must,
        tuple((m, p[:, 0], p[:, 1]) for m, p in pairs.items()), pad,
    )  # fmt: skip


def _rows(out: OutputTokens, model: str) -> list[int]:
    """A model's row for each output row, -1 for none."""
    ids, count = out.models[model].ids, out.rows[model]
    named = set(ids.values())
    return [
        -1 if key is None else
        (ids.get(key, -1) if ids.get(key, -1) < count else -1) if isinstance(key, str) else
        key if key < count and key not in named else -1
        for key in out.keys
    ]  # fmt: skip


def _donors(
    out: OutputTokens, i: int, row: TokenRow | None, columns: Mapping[str, list[int]], base: str | None
) -> list[tuple[str, int]]:
    """Whose rows make output row i where a model lacks it: (model, row), to be averaged."""
    owners = [(model, rows[i]) for model, rows in columns.items() if rows[i] >= 0]
    if row is None:
        mine = next(((model, at) for model, at in owners if model == base), None)
        return [mine] if mine else owners
    if row.kind == "zero":
        return []
    assert row.model is not None
    where = f"tokenizer.tokens: {out.keys[i]!r} takes its row from {row.model}"
    if row.model not in columns:
        raise CheckpointError(f"{where}, which is not among the models of the embeddings: {', '.join(columns)}.")
    if row.kind == "model":
        at = columns[row.model][i]
        wrong = "which has no such token." if at < 0 else ""
    elif row.token_id is not None:
        at = row.token_id
        wrong = f"which has {out.rows[row.model]} rows, none with the number {at}." if at >= out.rows[row.model] else ""
    else:
        assert row.token is not None
        ids = out.models[row.model].ids
        at = ids.get(row.token, -1)
        wrong = "" if 0 <= at < out.rows[row.model] else f"which has no token {row.token!r}.{nearest(row.token, ids)}"
    if wrong:
        raise CheckpointError(f"{where}, {wrong}")
    return [(row.model, at)]


def nobodys(out: OutputTokens, map: VocabMap) -> tuple[str, ...]:
    """Tokens that no model has and no rule gives a row: they start as zeros."""
    given = {int(place) for _, places, _ in map.donors for place in places}
    named = {token for token, _ in out.recipe.tokens}
    keys = [out.keys[i] for place, i in enumerate(map.filled.tolist()) if place not in given]
    return tuple(key for key in keys if isinstance(key, str) and key not in named)


# ---------------------------------------------------------------------------------------------- files


def special_ids(config: Mapping[str, Any], own: Mapping[str, Any], out: OutputTokens, before: str) -> dict[str, Any]:
    """A config with its `.._token_id` values as the output numbers them.

    config, before  a config or generation config, and the model it comes from
    own             the same file of the model whose tokenizer the output has: its word counts
    """
    known = {i: token for token, i in out.models[before].ids.items()}
    where = {key: i for i, key in enumerate(out.keys) if isinstance(key, str)}
    flat = {k: v for level in (own, own.get("text_config")) if isinstance(level, dict) for k, v in level.items()}

    def renumbered(value: Any) -> Any:
        if isinstance(value, list):
            numbers = [n for n in map(renumbered, value) if n is not None]
            return numbers or None
        return where.get(known[value]) if type(value) is int and value in known else value

    def level(values: Mapping[str, Any]) -> dict[str, Any]:
        changed = dict(values)
        for key, value in values.items():
            if key.endswith("_token_id") and (type(value) is int or isinstance(value, list)):
                changed[key] = flat[key] if out.origin != before and flat.get(key) is not None else renumbered(value)
            elif key == "vocab_size":
                changed[key] = len(out.keys)
            elif key == "text_config" and isinstance(value, dict):
                changed[key] = level(value)
        return changed

    return level(config)


def write_tokenizer(out: OutputTokens, config_source: Checkpoint, origin: Checkpoint, folder: Path) -> None:
    """The output's tokenizer files and generation config.

    Tokens of other models join the origin's tokenizer as added tokens: they are found in a text as a whole, before it is
    split into pieces, and never come from merging pieces.
    """
    changed = bool(out.new or out.left)
    for name in COMPANIONS:
        source = (config_source.folder if name in _OF_DONOR else origin.words) / name
        if there(source) and not (changed and name in _SLOW):
            _copy(source, folder / name)
    generation = folder / "generation_config.json"
    if generation.is_file():
        own = read_json(origin.folder / generation.name, required=False) or origin.config
        _write(generation, special_ids(read_json(generation), own, out, config_source.reference))
    if changed:
        _write(folder / "tokenizer.json", _with_tokens(_document(origin.words), out))
        settings = read_json(folder / "tokenizer_config.json", required=False)
        decoder = settings.get("added_tokens_decoder")
        if isinstance(decoder, dict):  # transformers 4 reads added tokens here
            kept = {i: e for i, e in decoder.items() if isinstance(e, dict) and e.get("content") not in out.left}
            for token, i, entry in out.new:
                kept[str(i)] = {k: v for k, v in _entry(token, i, entry).items() if k != "id"}
            _write(folder / "tokenizer_config.json", settings | {"added_tokens_decoder": kept})


def _with_tokens(document: dict[str, Any], out: OutputTokens) -> dict[str, Any]:
    """tokenizer.json with the new tokens as added tokens, without those that have no row."""
    gone, model = set(out.left), document["model"]
    pieces = model["vocab"]
    if isinstance(pieces, dict):
        model["vocab"] = {token: i for token, i in pieces.items() if token not in gone}
    else:
        model["vocab"] = pieces[: 1 + max((i for i, piece in enumerate(pieces) if piece[0] not in gone), default=-1)]
    if gone and model.get("merges"):
        model["merges"] = [pair for pair in model["merges"] if not gone & {*_pieces(pair), "".join(_pieces(pair))}]
    added = [entry for entry in document.get("added_tokens") or [] if entry["content"] not in gone]
    added += [_entry(token, i, entry) for token, i, entry in out.new]
    named = [i for i, key in enumerate(out.keys) if isinstance(key, str)]
    if isinstance(pieces, dict) and len(named) <= max(named, default=-1):
        # Numbers without a token: the library would count added tokens on from the vocabulary's size, whatever their ids say.
        model["vocab"] |= {entry["content"]: entry["id"] for entry in added}
    return document | {"added_tokens": sorted(added, key=lambda entry: entry["id"])}


def _pieces(pair: Any) -> list[str]:
    return pair.split(" ") if isinstance(pair, str) else list(pair)


def _entry(token: str, i: int, entry: Mapping[str, Any] | None) -> dict[str, Any]:
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": False}
    return {"id": i, "content": token, **plain, **{k: v for k, v in (entry or {}).items() if k in plain}}


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


# ---------------------------------------------------------------------------------------------- chat template


_TURNS = "{%- for message in messages %}"


def _prompt(text: str) -> str:
    return "{%- endfor %}{%- if add_generation_prompt %}{{ '" + text + "' }}{%- endif %}"


_BUILT_IN = {
    "alpaca": _TURNS
    + "{%- if not loop.first %}{{ '\\n\\n' }}{%- endif %}"
    "{%- if message['role'] == 'user' %}{{ '### Instruction:\\n' }}{%- elif message['role'] == 'user_context' %}"
    "{{ '### Input:\\n' }}{%- elif message['role'] == 'assistant' %}{{ '### Response:\\n' }}{%- endif %}"
    "{{ message['content'] | trim }}{%- endfor %}"
    "{%- if add_generation_prompt and messages and messages[-1]['role'] != 'assistant' %}"
    "{{ '\\n\\n### Response:\\n' }}{%- endif %}",
    "chatml": _TURNS
    + "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    + _prompt("<|im_start|>assistant\\n"),
    "exaone": _TURNS
    + "{%- if loop.first and message['role'] != 'system' %}{{ '[|system|][|endofturn|]\\n' }}{%- endif %}"
    "{{ '[|' + message['role'] + '|]' + message['content'] }}"
    "{{ '\\n' if message['role'] == 'user' else '[|endofturn|]\\n' }}"
    + _prompt("[|assistant|]"),
    "llama3": "{{ bos_token }}" + _TURNS
    + "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}"
    + _prompt("<|start_header_id|>assistant<|end_header_id|>\\n\\n"),
    "mistral": "{{ bos_token }}{%- set ns = namespace(system='') %}" + _TURNS
    + "{%- if message['role'] == 'system' %}{%- set ns.system = message['content'] + '\\n\\n' %}"
    "{%- elif message['role'] == 'user' %}{{ '[INST] ' + ns.system + message['content'] + ' [/INST]' }}{%- set ns.system = '' %}"
    "{%- else %}{{ ' ' + message['content'] }}{{ eos_token }}{%- endif %}{%- endfor %}",
}  # fmt: skip
assert tuple(_BUILT_IN) == CHAT_TEMPLATES


def built_in_templates() -> tuple[str, ...]:
    """The texts of the chat templates that a recipe can name."""
    return tuple(_BUILT_IN.values())


def chat_template_of(folder: Path) -> str | None:
    """A model's chat template, from whichever file holds it."""
    if not (folder / safe.TEMPLATE).is_file():
        text = safe.default_template(read_json(folder / "chat_template.json", required=False).get("chat_template"))
        if text is not None:
            return text
    return safe.chat_template(folder)


_KINDS = (  # what is found in a template -> what people call it
    ("<|im_start|>", "ChatML"), ("<|start_header_id|>", "Llama 3 chat"), ("<start_of_turn>", "Gemma chat"),
    ("<|assistant|>", "Zephyr chat"), ("[INST]", "Mistral chat"), ("### Instruction", "Alpaca"),
)  # fmt: skip


def chat_template_kind(folder: Path) -> str:
    """What people call a model's chat template: ChatML, Alpaca, ..., or "a template of its own"; "" where it has none."""
    text = chat_template_of(folder)
    if text is None:
        return ""
    return next((kind for mark, kind in _KINDS if mark in text), "a template of its own")


def chat_template(recipe: Recipe, models: Mapping[str, Checkpoint]) -> str | None:
    """The template the recipe asks for; `auto`: the one most models have, of equally common ones the first."""
    choice = recipe.chat_template
    if choice is None or choice in _BUILT_IN:
        return None if choice is None else _BUILT_IN[choice]
    if choice != "auto":
        return choice
    texts = [text for r in recipe.merged if (text := chat_template_of(models[r].words)) is not None]
    return Counter(texts).most_common(1)[0][0] if texts else None


def write_chat_template(template: str, folder: Path) -> None:
    """Into chat_template.jinja, where transformers 5 looks first, and only there."""
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    (folder / "chat_template.json").unlink(missing_ok=True)
    settings = read_json(folder / "tokenizer_config.json", required=False)
    if settings.pop("chat_template", None) is not None:
        _write(folder / "tokenizer_config.json", settings)
