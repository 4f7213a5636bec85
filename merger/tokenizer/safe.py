"""What transformers gets to see of a model's folder, which strangers wrote: a cleaned copy, and nothing else.

Every file, key and value that goes through is listed here and checked. What names a file, an address, code, or a class that is
no tokenizer, is left out, whatever it is called; what is out of all proportion is refused. This holds on a hosted page, at home
and on the command line: it is the one place through which tokenizers and architectures are loaded.
"""

import base64
import binascii
import contextlib
import json
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from merger.errors import CheckpointError
from merger.files.texts import parse_json, read_bytes, read_json, read_text
from merger.limits import (
    JSON_BYTES,
    TEMPLATE_CHARACTERS,
    TEXT_GROWTH,
    TOKEN_CHARACTERS,
    TOKENIZER_BYTES,
    TOKENIZER_VALUES,
    TOKENS,
)

SETTINGS, TEMPLATE = "tokenizer_config.json", "chat_template.jinja"
_ADDRESS = re.compile(r"[/\\]")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,79}")
_TOKEN_KEY = re.compile(r"(?!use_auth_)[a-z][a-z0-9_]{0,60}_token")

_IMPORTING = threading.Lock()


def import_transformers() -> None:
    """Its parts are imported when they are first named, which two threads at once cannot do: the second one waits here."""
    with _IMPORTING:
        import transformers

        for name in ("CONFIG_MAPPING", "AutoModelForCausalLM", "AutoTokenizer", "GenerationMixin", "PreTrainedTokenizerBase"):
            getattr(transformers, name)


# ---------------------------------------------------------------------------------------------- a tokenizer's settings


def _token(value: Any) -> Any:
    """A token as settings give it: its text, or a table of its text and how it is found; _REFUSED where it is neither."""
    if value is None or (isinstance(value, str) and len(value) <= TOKEN_CHARACTERS):
        return value
    if isinstance(value, dict) and isinstance(text := value.get("content"), str) and len(text) <= TOKEN_CHARACTERS:
        flags = {k: v for k, v in value.items() if k in ("lstrip", "rstrip", "normalized", "single_word", "special")}
        if all(isinstance(flag, bool) for flag in flags.values()):
            kind = {"__type": "AddedToken"} if value.get("__type") == "AddedToken" else {}
            return {**kind, "content": text, **flags}
    return _REFUSED


_REFUSED = object()


def _tokens(value: Any) -> Any:
    """A list of tokens, or a table of named ones."""
    if value is None:
        return value
    if isinstance(value, list):
        tokens = [_token(one) for one in value]
        return _REFUSED if any(one is _REFUSED or one is None for one in tokens) else tokens
    if isinstance(value, dict):
        named = {k: _token(v) for k, v in value.items() if _TOKEN_KEY.fullmatch(k)}  # templates see them by these names
        return {k: v for k, v in named.items() if v is not _REFUSED and v is not None}
    return _REFUSED


def _by_number(value: Any) -> Any:
    """added_tokens_decoder: numbers with their tokens."""
    if not isinstance(value, dict):
        return _REFUSED
    tokens = {k: _token(v) for k, v in value.items()}
    fine = all(k.isdecimal() and len(k) < 12 and int(k) < TOKENS and isinstance(v, dict) for k, v in tokens.items())
    return tokens if fine else _REFUSED


def _flag(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) else _REFUSED


def _number(most: float) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        fine = value is None or (type(value) in (int, float) and -most <= value <= most)
        return value if fine else _REFUSED

    return check


def _one_of(*words: str) -> Callable[[Any], Any]:
    return lambda value: value if value in words else _REFUSED


def _language(value: Any) -> Any:
    fine = value is None or (isinstance(value, str) and re.fullmatch(r"[A-Za-z_-]{1,20}", value))
    return value if fine else _REFUSED


def _words(value: Any) -> Any:
    fine = isinstance(value, list) and all(isinstance(word, str) and _WORD.fullmatch(word) for word in value)
    return value if fine and len(value) <= 100 else _REFUSED


_SETTINGS: dict[str, Callable[[Any], Any]] = {
    "additional_special_tokens": _tokens, "extra_special_tokens": _tokens, "added_tokens_decoder": _by_number,
    **dict.fromkeys((
        "add_bos_token", "add_eos_token", "add_prefix_space", "clean_text", "clean_up_tokenization_spaces",
        "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", "do_basic_tokenize", "do_clean_text",
        "do_lower_case", "do_lowercase", "do_lowercase_and_remove_accent", "fix_mistral_regex", "keep_accents", "legacy",
        "legacy_behaviour", "lowercase", "normalization", "normalize", "remove_space", "return_token_type_ids",
        "spaces_between_special_tokens", "split_by_punct", "split_special_tokens", "strip_accents", "tokenize_chinese_chars",
        "trim_offsets", "use_default_system_prompt",
    ), _flag),
    **dict.fromkeys(("model_max_length", "max_len"), _number(1e40)),
    **dict.fromkeys(("extra_ids", "offset", "pad_to_multiple_of", "pad_token_type_id", "stride"), _number(10_000)),
    "max_length": _number(1e9), "unk_id": _number(TOKENS),
    "padding_side": _one_of("left", "right"), "truncation_side": _one_of("left", "right"),
    "truncation_strategy": _one_of("longest_first", "only_first", "only_second", "do_not_truncate"),
    "errors": _one_of("strict", "ignore", "replace", "backslashreplace"),
    "src_lang": _language, "tgt_lang": _language, "model_input_names": _words,
}  # fmt: skip
"""What of tokenizer_config.json goes through, beside the tokens and the class: key -> what its value must be."""


def settings(folder: Path) -> dict[str, Any]:
    """What tokenizer_config.json says about a tokenizer, as far as it is plain."""
    file = folder / SETTINGS
    if not file.is_file():
        return {}
    said = read_json(file)
    name = said.get("tokenizer_class")
    return plain_settings(said) | ({"tokenizer_class": _class_name(name)} if isinstance(name, str) else {})


def plain_settings(said: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that transformers may see, with plain values; without the class.

    >>> plain_settings({"bos_token": "<s>", "vocab": "/etc/passwd", "vocab_file": "x", "legacy": "../x"})
    {'bos_token': '<s>'}
    """
    plain: dict[str, Any] = {}
    for key, value in said.items():
        check = _SETTINGS.get(key) or (_token if _TOKEN_KEY.fullmatch(key) else None)
        if check is not None and (checked := check(value)) is not _REFUSED:
            plain[key] = checked
    return plain


def _class_name(name: str) -> str:
    """The name, if transformers has a tokenizer of this name; else that of its general one, which it would take as well."""
    import_transformers()
    from transformers import PreTrainedTokenizerBase
    from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

    if _WORD.fullmatch(name):
        for known in (name, name.removesuffix("Fast")):
            with contextlib.suppress(Exception):  # a library that it needs is missing
                kind = tokenizer_class_from_name(known)
                if isinstance(kind, type) and issubclass(kind, PreTrainedTokenizerBase) and _is_theirs(kind):
                    return name
    return "TokenizersBackend"


def _is_theirs(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "transformers"


def named_tokens(folder: Path) -> dict[str, str]:
    """The tokens that templates see by name (bos_token, ...), as far as the folder's settings tell."""
    settings = plain_settings(read_json(folder / SETTINGS)) if (folder / SETTINGS).is_file() else {}
    extra = settings.get("extra_special_tokens")
    named = {k: v for k, v in settings.items() if _TOKEN_KEY.fullmatch(k)} | (extra if isinstance(extra, dict) else {})
    return {k: v["content"] if isinstance(v, dict) else v for k, v in named.items() if v is not None}


def chat_template(folder: Path) -> str | None:
    """The chat template that a folder's tokenizer has; of several, the default one."""
    file = folder / TEMPLATE
    if file.is_file():
        return read_text(file, 4 * TEMPLATE_CHARACTERS)
    file = folder / SETTINGS
    return default_template(read_json(file).get("chat_template")) if file.is_file() else None


def default_template(value: Any) -> str | None:
    """The template of a `chat_template` key: a text, or several with names."""
    if isinstance(value, list):
        value = {one.get("name"): one.get("template") for one in value if isinstance(one, dict) and type(one.get("name")) is str}
    if isinstance(value, dict):
        value = value.get("default")
    return value if isinstance(value, str) else None


def portable(said: Mapping[str, Any]) -> dict[str, Any]:
    """tokenizer_config.json for a merged model: all but the keys that name files, code or other places."""
    return {k: v for k, v in said.items() if k not in _NAMES_FILES and not _OF_PLACES.search(k)}


_NAMES_FILES = frozenset({"vocab", "merges", "init_inputs", "auto_map", "tokenizer_object", "backend_tokenizer"})
_OF_PLACES = re.compile(r"(^|_)(files?|path|kwargs|remote_code|commit_hash|auth_token|token_id_file|url|revision)$|name_or_path")


# ---------------------------------------------------------------------------------------------- tokenizer.json


def document(file: Path) -> dict[str, Any]:
    """tokenizer.json, checked. CheckpointError when it is damaged, or more than a tokenizer needs."""
    said = read_json(file, TOKENIZER_BYTES, TOKENIZER_VALUES, depth=0)
    model = said.get("model")
    if not isinstance(model, dict):
        damaged(file)
    vocabulary(model.get("vocab"), file)
    growth = 1.0
    for part, inner in _PARTS.items():
        growth *= _component(said.get(part), inner, file, 0)
    if growth > TEXT_GROWTH:
        raise CheckpointError(f"{file}: the tokenizer would make texts more than {TEXT_GROWTH:,} times as long; refused.")
    plain = {k: v for k, v in said.items() if k in (*_PARTS, "version", "added_tokens", "truncation", "padding")}
    plain["model"] = _model(model, file)
    if not _fine_added(plain.get("added_tokens")) or not all(_fine_lengths(plain.get(k)) for k in ("truncation", "padding")):
        damaged(file)
    return plain


_PARTS = {
    "normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "post_processor": "processors", "decoder": "decoders",
}  # fmt: skip
_MODEL = (
    "type", "vocab", "merges", "unk_token", "unk_id", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
    "byte_fallback", "ignore_merges", "dropout", "max_input_chars_per_word",
)  # fmt: skip
_FLAT = (str, int, float, bool, type(None))


def damaged(file: Path) -> NoReturn:
    """CheckpointError for a vocabulary that is none."""
    raise CheckpointError(f"{file}: the tokenizer's vocabulary is damaged, or of a kind that is not known here.")


def _model(model: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """How the pieces are put together; keys that no kind has are left out."""
    plain = {k: v for k, v in model.items() if k in _MODEL}
    merges = plain.get("merges")
    if not all(isinstance(v, _FLAT) for k, v in plain.items() if k not in ("vocab", "merges")):
        damaged(file)
    if merges is not None and not (isinstance(merges, list) and all(_is_pair(one) for one in merges)):
        damaged(file)
    longest = plain.get("max_input_chars_per_word")  # the library tries every part of a word of so many letters
    if longest is not None and not (type(longest) is int and 0 < longest <= 1000):
        raise CheckpointError(f"{file}: `max_input_chars_per_word` is {str(longest)[:20]}; a number from 1 to 1000 is right.")
    return plain


def _is_pair(one: Any) -> bool:
    return isinstance(one, str) or (isinstance(one, list) and len(one) == 2 and all(isinstance(part, str) for part in one))


def vocabulary(pieces: Any, file: Path) -> dict[str, int]:
    """A vocabulary's tokens with their numbers: a table of them, or a list of pieces with scores, in the order of the numbers."""
    if isinstance(pieces, dict):
        entries = pieces
    elif isinstance(pieces, list) and all(_is_piece(piece) for piece in pieces):
        entries = {piece[0]: i for i, piece in enumerate(pieces)}
    else:
        damaged(file)
    if not all(type(i) is int and 0 <= i < TOKENS for i in entries.values()):
        if any(type(i) is int and i >= TOKENS for i in entries.values()):
            raise CheckpointError(f"{file}: numbers its tokens beyond {TOKENS:,}; no vocabulary is so large.")
        damaged(file)
    check_lengths([len(token) for token in entries], file)
    return entries


def _is_piece(one: Any) -> bool:
    return isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and type(one[1]) in (int, float)


_SQUARES = 2_000_000_000


def check_lengths(lengths: Sequence[int], file: Path) -> None:
    """CheckpointError for tokens that are too many or too long: those of older kinds are cut at each place, to find parts."""
    if len(lengths) > TOKENS:
        raise CheckpointError(f"{file}: has more than {TOKENS:,} tokens; no vocabulary is so large.")
    if max(lengths, default=0) > TOKEN_CHARACTERS or sum(n * n for n in lengths) > _SQUARES:
        raise CheckpointError(f"{file}: has tokens of {max(lengths):,} characters; no vocabulary needs such.")


def _fine_added(value: Any) -> bool:
    """Whether these are added tokens: each a text, its number and how it is found."""
    if value is None:
        return True
    return isinstance(value, list) and len(value) <= TOKENS and all(
        isinstance(one, dict) and isinstance(one.get("content"), str) and len(one["content"]) <= TOKEN_CHARACTERS
        and type(one.get("id")) is int and 0 <= one["id"] < TOKENS
        and all(isinstance(v, bool) for k, v in one.items() if k not in ("content", "id"))
        for one in value
    )  # fmt: skip


def _fine_lengths(value: Any) -> bool:
    """Whether this is a plain truncation or padding: to a length that a text can have."""
    if value is None:
        return True
    if not isinstance(value, dict):
        return False
    flat = [v for one in value.values() for v in (one.values() if isinstance(one, dict) else [one])]
    numbers = [v for v in flat if type(v) in (int, float)]
    return all(isinstance(v, _FLAT) for v in flat) and all(0 <= n <= 10_000_000 for n in numbers)


def _component(value: Any, inner: str, file: Path, depth: int) -> float:
    """How many times as long a text can become in a part of the tokenizer; CheckpointError for more parts than any has."""
    if value is None:
        return 1.0
    if not isinstance(value, dict) or depth > 8 or not isinstance(value.get("type", ""), str):
        damaged(file)
    growth = _growth(value, inner, file)
    for name in {inner, "normalizers", "pretokenizers", "processors", "decoders"}:
        parts = value.get(name, [])
        if not isinstance(parts, list) or len(parts) > 64:
            damaged(file)
        for part in parts:
            growth = min(growth * _component(part, inner, file, depth + 1), 1e300)
    return growth


_REPEATS = re.compile(r"[*+?{]")


def _growth(part: Mapping[str, Any], inner: str, file: Path) -> float:
    """How many times as long one part can make a text."""
    kind = part.get("type")
    if inner == "decoders" and isinstance(part.get("pattern"), dict) and _REPEATS.search(str(part["pattern"].get("Regex", ""))):
        raise CheckpointError(f"{file}: its decoder searches for a pattern that repeats something; no tokenizer needs that.")
    if kind == "Replace":
        pattern, content = part.get("pattern"), part.get("content")
        if not isinstance(content, str) or not isinstance(pattern, dict):
            damaged(file)
        return max(1, len(content)) if set(pattern) == {"String"} and any(pattern.values()) else 1 + len(content)
    if kind == "Precompiled":
        return _longest_normal_form(part.get("precompiled_charsmap"), file)
    if kind == "TemplateProcessing":
        return _framed(part, file)
    texts = [v for v in part.values() if isinstance(v, str)]
    if any(len(text) > TOKEN_CHARACTERS for text in texts):
        damaged(file)
    return 1.0 if kind != "Prepend" else max(1.0, len(str(part.get("prepend", ""))) / 8)


def _longest_normal_form(charsmap: Any, file: Path) -> float:
    """The most that a character becomes in a sentencepiece model's table: its size, a trie of so many bytes, texts."""
    try:
        raw = base64.b64decode(charsmap or "", validate=True)
    except (TypeError, ValueError, binascii.Error):
        damaged(file)
    return float(max((len(text) for text in raw[4 + int.from_bytes(raw[:4], "little") :].split(b"\0")), default=1) or 1)


def _framed(part: Mapping[str, Any], file: Path) -> float:
    """How often a text stands in what is put around it; the tokens around it are few."""
    tokens = part.get("special_tokens") or {}
    most = 1
    for name in ("single", "pair"):
        pieces = part.get(name) or []
        if not isinstance(pieces, list) or not isinstance(tokens, dict) or not all(isinstance(p, dict) for p in pieces):
            damaged(file)
        added = 0
        for piece in pieces:
            own = piece.get("SpecialToken")
            known = tokens.get(str(own.get("id"))) if isinstance(own, dict) else None
            ids = known.get("ids") if isinstance(known, dict) else None
            added += len(ids) if isinstance(ids, list) else 0
        if added > 4096:
            raise CheckpointError(f"{file}: puts {added:,} tokens around each text; no tokenizer needs so many.")
        most = max(most, sum("Sequence" in piece for piece in pieces))
    return float(most)


# ---------------------------------------------------------------------------------------------- other files


def _table(file: Path) -> dict[str, int]:
    """vocab.json or added_tokens.json."""
    return vocabulary(read_json(file, TOKENIZER_BYTES, TOKENIZER_VALUES), file)


def _special(file: Path) -> dict[str, Any]:
    """special_tokens_map.json: named tokens, and lists of them."""
    special: dict[str, Any] = {}
    for key, value in read_json(file).items():
        check = _tokens if key in ("additional_special_tokens", "extra_special_tokens") else _token
        if (check is _tokens or _TOKEN_KEY.fullmatch(key)) and (checked := check(value)) is not _REFUSED:
            special[key] = checked
    return special


def _lines(file: Path) -> bytes:
    """vocab.txt or merges.txt: a token, or two, in each line."""
    raw = read_bytes(file, TOKENIZER_BYTES)
    if raw.count(b"\n") > TOKENS:
        raise CheckpointError(f"{file}: has more than {TOKENS:,} lines; no vocabulary is so large.")
    check_lengths([len(line) for line in raw.split(b"\n")], file)
    return raw


def _pieces(file: Path) -> bytes:
    """A sentencepiece model, or a tiktoken one under the same name; what they are made of is counted."""
    raw = read_bytes(file, TOKENIZER_BYTES)
    check_lengths(list(_lengths(raw, file)), file)
    return raw


def _lengths(raw: bytes, file: Path) -> Iterator[int]:
    """The bytes of each piece."""
    if raw[:1] != b"\x0a":  # lines of base64 and a number
        yield from (len(line) for line in raw.split(b"\n"))
        return
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        if tag & 7 != 2:
            raise CheckpointError(f"{file}: is no sentencepiece model.")
        size, at = _varint(raw, at)
        at += size
        if tag >> 3 == 1:
            yield size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number of protobuf's, and where it ends."""
    value = shift = 0
    while at < len(raw) and shift < 64:
        byte = raw[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            break
    return value, at


def _plain_json(file: Path) -> Any:
    """A table of a rarer tokenizer: nothing in it is long, or a number beyond all vocabularies."""
    plain = parse_json(read_bytes(file, TOKENIZER_BYTES, kind="a JSON file"), str(file), TOKENIZER_VALUES)
    waiting = [plain]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (dict, list)):
            waiting.extend(value.values() if isinstance(value, dict) else value)
        elif (isinstance(value, str) and len(value) > 8192) or (type(value) is int and abs(value) > TOKENS):
            raise CheckpointError(f"{file}: holds {str(value)[:20]!r}..., which no tokenizer needs.")
    return plain


_FILES: dict[str, Callable[[Path], Any]] = {
    "tokenizer.json": document, "special_tokens_map.json": _special, "added_tokens.json": _table, "vocab.json": _table,
    "vocab.txt": _lines, "merges.txt": _lines, "bpe.codes": _lines,
    "tokenizer.model": _pieces, "spiece.model": _pieces, "spm.model": _pieces, "sentencepiece.model": _pieces,
    "sentencepiece.bpe.model": _pieces, "tiktoken.model": _pieces, "tekken.json": _plain_json, "emoji.json": _plain_json,
}  # fmt: skip
"""What is copied beside the settings: name -> how it is read and checked."""


def copy(folder: Path, place: Path) -> None:
    """The folder's tokenizer, cleaned, into an empty folder. CheckpointError where a file is damaged or out of proportion."""
    for name, read in _FILES.items():
        if (folder / name).is_file():
            plain = read(folder / name)
            (place / name).write_bytes(plain if isinstance(plain, bytes) else json.dumps(plain).encode())
    if (folder / SETTINGS).is_file():
        (place / SETTINGS).write_text(json.dumps(settings(folder)), encoding="utf-8")
    if (folder / "config.json").is_file():
        (place / "config.json").write_text(json.dumps(_kind(read_json(folder / "config.json"))), encoding="utf-8")


def _kind(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of config.json says which tokenizer a model has."""
    plain = {k: v for k, v in config.items() if k in ("model_type", "model_name", "transformers_version")}
    plain = {k: v for k, v in plain.items() if isinstance(v, str) and _WORD.fullmatch(v)}
    if isinstance(name := config.get("tokenizer_class"), str):
        plain["tokenizer_class"] = _class_name(name)
    if _needs_more(plain.get("model_type", "")):
        del plain["model_type"]  # its tokenizer is found by the class
    return plain


@lru_cache(maxsize=256)
def _needs_more(kind: str) -> bool:
    """Whether the settings of a kind of model cannot be made of nothing."""
    import_transformers()
    from transformers import CONFIG_MAPPING

    if kind in CONFIG_MAPPING:
        try:
            CONFIG_MAPPING[kind].from_dict({})
        except Exception:  # whatever it misses
            return True
    return False


def load(folder: Path) -> Any:
    """The folder's tokenizer. CheckpointError as `copy`, else whatever transformers raises."""
    import_transformers()
    from transformers import AutoTokenizer

    with tempfile.TemporaryDirectory(prefix="merger-") as name:
        copy(folder, Path(name))
        try:
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False, local_files_only=True)
        except BaseException as error:
            raise safely(error, name, str(folder)) from None
    tokenizer.name_or_path = str(folder)
    tokenizer.chat_template = chat_template(folder)
    return tokenizer


def tokenizer(folder: Path) -> Any:
    """The folder's tokenizer; CheckpointError when it has none, or a damaged one. No code from the folder is run."""
    try:
        return load(folder)
    except Exception as error:  # a stranger's tokenizer can fail in any way inside transformers
        why = str(error).replace(f"{folder}/", "") if isinstance(error, CheckpointError) else first_line(error)
        raise CheckpointError(f"{folder}: its tokenizer cannot be loaded: {why}") from None


class Panic(Exception):
    """The tokenizers library stopped in the middle; from its Rust this comes as no Exception."""


def safely(error: BaseException, place: str = "", instead: str = "") -> BaseException:
    """An error to be raised on: a panic as an Exception, which callers expect; another place's name in its words."""
    if type(error).__name__ == "PanicException":
        return Panic(str(error))
    if place and isinstance(error, (OSError, ValueError)) and place in str(error):
        return ValueError(str(error).replace(place, instead))
    return error


def first_line(error: BaseException) -> str:
    """An error's words for a sentence of ours."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


# ---------------------------------------------------------------------------------------------- architectures


_NEVER = frozenset({
    "auto_map", "custom_pipelines", "custom_generate", "quantization_config", "attn_implementation", "experts_implementation",
    "name_or_path", "backbone", "backbone_config", "backbone_kwargs", "use_timm_backbone", "use_pretrained_backbone",
    "task_specific_params", "id2label", "label2id", "tokenizer_class", "generation_config", "kernel_config", "use_kernels",
    "transformers_weights", "adapter_config", "gguf_file", "trust_remote_code", "output_attentions", "output_hidden_states",
    "gradient_checkpointing", "torchscript", "model_type",
})  # fmt: skip
"""Keys of config.json that transformers never sees: they name code, files or other models, or change what comes out."""
_WITH_WORDS = frozenset({"rope_scaling", "rope_parameters", "torch_dtype", "dtype", "architectures"})
_DTYPES = ("float16", "bfloat16", "float32", "float64", "auto")


def architecture(folder: Path, config: Mapping[str, Any]) -> Any:
    """transformers' settings for a model, from the plain part of its config.json.

    CheckpointError when it knows no such kind, or a value is no plain word or number.
    """
    import_transformers()
    from transformers import CONFIG_MAPPING

    kind = str(config.get("model_type", ""))
    if kind not in CONFIG_MAPPING:
        shown = repr(kind[:80])
        raise CheckpointError(f"{folder}: transformers knows no model type {shown}, so this model cannot answer here.")
    made = CONFIG_MAPPING[kind]
    try:
        return made.from_dict(plain_config(folder, config, made))
    except CheckpointError:
        raise
    except Exception as error:  # a stranger's config.json can fail in any way inside transformers
        raise CheckpointError(f"{folder}: its config.json cannot be used: {first_line(error)}") from None


def plain_config(folder: Path, config: Mapping[str, Any], made: Any) -> dict[str, Any]:
    """The part of a config that transformers may see. Words only under names that its class declares; numbers anywhere.

    made  transformers' class for it
    """
    declared = {*getattr(made, "__dataclass_fields__", {}), *getattr(made, "attribute_map", {}), *_WITH_WORDS}
    inner = getattr(made, "sub_configs", None) or {}
    plain: dict[str, Any] = {}
    for key, said in config.items():
        if key in _NEVER or not key.isidentifier() or key.startswith("_") or len(key) > 80:
            continue
        value = numbers(said)
        if key not in declared and callable(getattr(made, key, None)):
            continue
        if key in inner and isinstance(value, dict):
            plain[key] = _inner(folder, value, inner[key])
        elif _plain(value, words=key in declared):
            plain[key] = value
        elif key in declared:
            shown = f"`{key}` is {str(value)[:60]!r}"
            raise CheckpointError(f"{folder}: its config.json says {shown}; that is no plain word or number.")
    for key in ("dtype", "torch_dtype"):
        if plain.get(key) is not None and str(plain[key]).removeprefix("torch.") not in _DTYPES:
            del plain[key]
    return plain


def numbers(value: Any) -> Any:
    """A value with the numbers that JSON has no word for, as transformers writes them: {"__float__": "Infinity"}."""
    if isinstance(value, dict):
        name = value.get("__float__")
        return float(name) if name in ("Infinity", "-Infinity", "NaN") else {k: numbers(v) for k, v in value.items()}
    return [numbers(one) for one in value] if isinstance(value, list) else value


def _inner(folder: Path, config: Mapping[str, Any], made: Any) -> dict[str, Any]:
    """A part of a config that has a kind of its own."""
    import_transformers()
    from transformers import CONFIG_MAPPING

    kind = str(config.get("model_type", ""))
    own = kind in CONFIG_MAPPING
    inner = plain_config(folder, config, CONFIG_MAPPING[kind] if own else made)
    return inner | {"model_type": kind} if own else inner


def _plain(value: Any, words: bool) -> bool:
    """Whether a value is a number, or a table or list of such; with `words`, also words that can be no address."""
    waiting, count = [value], 0
    while waiting:
        one, count = waiting.pop(), count + 1
        if count > 100_000:
            return False
        if isinstance(one, dict):
            if not all(len(key) <= 200 and not _ADDRESS.search(key) for key in one):
                return False
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str):
            if not words or len(one) > 4096 or _ADDRESS.search(one) or ".." in one or not one.isprintable():
                return False
        elif type(one) is int and abs(one) >= 1 << 63:
            return False
    return True


def stop_ids(folder: Path) -> list[int]:
    """The tokens at which generation_config.json says that an answer ends; nothing else of it is used."""
    file = folder / "generation_config.json"
    try:
        value = read_json(file, JSON_BYTES).get("eos_token_id") if file.is_file() else None
    except CheckpointError:
        return []
    return [i for i in (value if isinstance(value, list) else [value])[:1000] if type(i) is int]


__all__ = [
    "architecture", "chat_template", "copy", "default_template", "document", "import_transformers", "load", "named_tokens",
    "numbers", "plain_settings", "portable", "settings", "stop_ids", "tokenizer", "vocabulary",
]  # fmt: skip
