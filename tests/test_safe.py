"""What a stranger's model may make transformers read: nothing but a cleaned copy of its own plain files."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import hostile
import pytest
import torch

from merger.chat.load import chat_model
from merger.engine.batch import merge
from merger.errors import CheckpointError, MergeError
from merger.files.checkpoints import open_checkpoint
from merger.hub.card import licence
from merger.limits import TEXT_GROWTH, TOKEN_CHARACTERS, TOKENS
from merger.recipe import load
from merger.tokenizer import safe
from merger.tokenizer.tokens import chat_template_of, read_vocabulary

ROOT = Path(__file__).parent.parent
FAMILY = ROOT / "presets" / "family"


def said(call: Callable[[], Any], kind: type[MergeError] = CheckpointError) -> str:
    with pytest.raises(kind) as error:
        call()
    return str(error.value)


# ---------------------------------------------------------------------------------------------- nothing of the server's


@pytest.fixture
def digest_of_the_copy(tmp_path: Path) -> Callable[[Path], bytes]:
    """All that transformers would get of a folder: the same again needs no second try."""
    place = tmp_path / "cleaned"

    def digest(folder: Path) -> bytes:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        safe.copy(folder, place)
        found = hashlib.sha256()
        for file in sorted(place.iterdir()):
            found.update(file.name.encode() + file.read_bytes())
        return found.digest()

    return digest


@pytest.mark.long
def test_no_class_and_key_reads_a_file_of_the_server(digest_of_the_copy: Callable[[Path], bytes]) -> None:
    tally = hostile.attack(safe.load, 6, digest_of_the_copy)
    assert tally.tried > 1500 and tally.loaded > 300 and tally.leaks == []


def test_the_trap_springs(tmp_path: Path) -> None:
    """transformers alone is caught by the same trap; the test above would see it."""
    trap = hostile.Trap(tmp_path)
    folder = hostile.folder_of(tmp_path / "m", "old", {"tokenizer_class": "BertTokenizer", "vocab": str(trap.file)})
    assert hostile.betrayed(hostile.raw(folder)) and trap.sprung() == (trap._libc is not None)
    assert not hostile.betrayed(safe.load(folder)) and not trap.sprung()
    trap.close()


def test_odd_values_in_tokenizer_json_name_no_file(tmp_path: Path) -> None:
    """Classes that build themselves take `model.vocab` for a file's name where it is a text."""
    trap = hostile.Trap(tmp_path)
    path = str(trap.file)
    models: list[Any] = [
        {"vocab": path},
        {"type": "WordPiece", "vocab": path},
        {"type": "BPE", "vocab": path, "merges": path},
        {"type": "BPE", "vocab": {"a": 0}, "merges": path},
        {"type": "BPE", "vocab": {"a": 0}, "merges": [path, [path]]},
        {"type": "Unigram", "vocab": [path]},
        {"type": "WordLevel", "vocab": [[path, path]]},
        path,
        [path],
        None,
        {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": [path]},
        {"type": {"file": path}, "vocab": {"a": 0}},
    ]
    for name in ("BertTokenizer", "GPT2Tokenizer", "LlamaTokenizer", "T5Tokenizer", "XLNetTokenizer", "TokenizersBackend"):
        for model in models:
            folder = hostile.folder_of(tmp_path / "m", "new", {"tokenizer_class": name})
            (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": model, "added_tokens": []}))
            message = said(lambda folder=folder: safe.tokenizer(folder))
            assert hostile.SECRET not in message and "tokenizer.json: the tokenizer's vocabulary is damaged" in message
    assert not trap.sprung()
    trap.close()


LINKED = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "special_tokens_map.json",
    "config.json",
    "chat_template.jinja",
    "generation_config.json",
    "preprocessor_config.json",
)


@pytest.mark.parametrize("name", LINKED)
def test_links_out_of_the_folder_are_not_followed(name: str, tmp_path: Path) -> None:
    trap = hostile.Trap(tmp_path)
    folder = tmp_path / "m"
    shutil.copytree(FAMILY / "pirate", folder)
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(Path("..") / trap.file.name)
    out = "is a link that leads out of the model's folder; put the file itself there."
    assert said(lambda: open_checkpoint("m", folder)) == f"{folder / name}: {out}"
    models = "".join(f"- {{model: {m}, parameters: {{weight: 1}}}}\n" for m in (FAMILY / "base", folder))
    recipe = load(f"merge_method: linear\nmodels:\n{models}tokenizer_source: union\n")
    assert out in said(lambda: merge(recipe, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    for read in (read_vocabulary, chat_template_of, safe.tokenizer):
        try:
            found = read(folder)
        except CheckpointError as error:
            assert out in str(error)
        else:
            assert hostile.SECRET not in repr(found)
    assert not trap.sprung()
    trap.close()


def test_a_card_that_lies_elsewhere_is_not_read(tmp_path: Path) -> None:
    trap = hostile.Trap(tmp_path)
    folder = tmp_path / "m"
    shutil.copytree(FAMILY / "pirate", folder)
    for name in ("README.md", "LICENSE"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(trap.file)
    merge(load(f"merge_method: linear\nmodels: [{{model: {folder}, parameters: {{weight: 1}}}}]\n"), tmp_path / "out")
    assert licence(folder) is None and not trap.sprung()
    assert not [file for file in (tmp_path / "out").iterdir() if hostile.SECRET.encode() in file.read_bytes()]
    trap.close()


def test_links_within_the_hubs_cache_are_followed(tmp_path: Path) -> None:
    """snapshots/COMMIT/name -> ../../blobs/DIGEST, and a link beside the file itself; not those of another model."""
    storage = tmp_path / "models--a--b"
    folder, blobs = storage / "snapshots" / ("0" * 40), storage / "blobs"
    folder.mkdir(parents=True)
    blobs.mkdir()
    for file in (FAMILY / "pirate").iterdir():
        shutil.copyfile(file, blobs / file.name)
        (folder / file.name).symlink_to(Path("..") / ".." / "blobs" / file.name)
    assert open_checkpoint("a/b", folder).config["model_type"] == "llama"
    assert safe.tokenizer(folder)("neat tea")["input_ids"] == safe.tokenizer(FAMILY / "pirate")("neat tea")["input_ids"]
    other = tmp_path / "models--c--d" / "blobs"
    other.mkdir(parents=True)
    shutil.copyfile(FAMILY / "base" / "tokenizer.json", other / "x")
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to(other / "x")
    assert "is a link that leads out" in said(lambda: open_checkpoint("a/b", folder))


def test_pipes_and_devices_are_no_files(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    shutil.copytree(FAMILY / "pirate", folder)
    (folder / "tokenizer_config.json").unlink()
    os.mkfifo(folder / "tokenizer_config.json")  # reading it would wait for ever
    assert safe.tokenizer(folder)("neat")["input_ids"]
    assert "it is a named pipe, not a file" in said(lambda: open_checkpoint("m", folder))
    (folder / "tokenizer_config.json").unlink()
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("/dev/zero")
    assert "it is a device, not a file" in said(lambda: open_checkpoint("m", folder))


def test_a_merge_hands_on_no_key_that_names_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    shutil.copytree(FAMILY / "pirate", folder)
    own = json.loads((folder / "tokenizer_config.json").read_text()) | {"chat_template": "{{ 1 }}", "some_key": 3}
    evil = {
        "vocab": "/etc/passwd",
        "tokenizer_file": "/etc/passwd",
        "init_inputs": ["/etc/passwd"],
        "auto_map": {"AutoTokenizer": ["x", None]},
        "name_or_path": "/home/me",
        "sp_model_kwargs": {"model_file": "/etc/passwd"},
        "fast_tokenizer_files": ["../x.json"],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(own | evil))
    merge(load(f"merge_method: linear\nmodels: [{{model: {folder}, parameters: {{weight: 1}}}}]\n"), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "tokenizer_config.json").read_text()) == own
    plain = tmp_path / "plain"
    merge(load(f"merge_method: linear\nmodels: [{{model: {FAMILY / 'pirate'}, parameters: {{weight: 1}}}}]\n"), plain)
    assert (plain / "tokenizer_config.json").read_bytes() == (FAMILY / "pirate" / "tokenizer_config.json").read_bytes()


# ---------------------------------------------------------------------------------------------- out of proportion


def document(folder: Path, **parts: Any) -> Path:
    """A folder of the family whose tokenizer.json says otherwise."""
    shutil.copytree(FAMILY / "pirate", folder, dirs_exist_ok=True)
    found = json.loads((FAMILY / "pirate" / "tokenizer.json").read_text())
    model = parts.pop("model", {})
    (folder / "tokenizer.json").write_text(json.dumps(found | parts | {"model": found["model"] | model}))
    return folder


def replaces(times: int, content: str) -> dict[str, Any]:
    """A normalizer that makes each letter a, and what comes of it, longer and longer."""
    return {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": content}] * times}


def framed(count: int) -> dict[str, Any]:
    """A post-processor that puts so many tokens before a text."""
    single = [{"SpecialToken": {"id": "x", "type_id": 0}}] * 100 + [{"Sequence": {"id": "A", "type_id": 0}}]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": single,
        "special_tokens": {"x": {"id": "x", "ids": [0] * count, "tokens": ["x"] * count}},
    }


_CHARSMAP = base64.b64encode((0).to_bytes(4, "little") + b"x" * (TEXT_GROWTH + 1) + b"\0").decode()
BEYOND: dict[str, tuple[dict[str, Any], str]] = {
    "ids": ({"model": {"vocab": {"a": int(TOKENS)}}}, f"numbers its tokens beyond {TOKENS:,}; no vocabulary is so large."),
    "a long token": ({"model": {"vocab": {"a" * (TOKEN_CHARACTERS + 1): 0}}}, "has tokens of 16,385 characters"),
    "long tokens": ({"model": {"vocab": {"a" * 9999 + str(i): i for i in range(100, 130)}}}, "has tokens of 10,002 characters"),
    "doubling": ({"normalizer": replaces(13, "aa")}, "would make texts more than 4,096 times as long; refused."),
    "nothing becomes something": (
        {"normalizer": {"type": "Replace", "pattern": {"Regex": ""}, "content": "a" * 4096}},
        "times as long",
    ),
    "deep normalizers": (
        {"normalizer": reduce(lambda inner, _: {"type": "Sequence", "normalizers": [inner]}, range(12), {"type": "NFC"})},
        "vocabulary is damaged",
    ),
    "many normalizers": ({"normalizer": replaces(65, "b")}, "vocabulary is damaged"),
    "decoders": ({"decoder": {"type": "Sequence", "decoders": replaces(13, "aa")["normalizers"]}}, "times as long"),
    "both": (
        {"normalizer": replaces(7, "aa"), "decoder": {"type": "Sequence", "decoders": replaces(7, "aa")["normalizers"]}},
        "times as long",
    ),
    "charsmap": ({"normalizer": {"type": "Precompiled", "precompiled_charsmap": _CHARSMAP}}, "times as long"),
    "frame": ({"post_processor": framed(50)}, "puts 5,000 tokens around each text; no tokenizer needs so many."),
    "text again": (
        {
            "post_processor": {
                "type": "Sequence",
                "processors": [
                    {
                        "type": "TemplateProcessing",
                        "single": [{"Sequence": {"id": "A", "type_id": 0}}] * 9,
                        "pair": [],
                        "special_tokens": {},
                    }
                ]
                * 4,
            }
        },
        "times as long",
    ),
    "padding": ({"padding": {"strategy": {"Fixed": 10**12}, "direction": "Right", "pad_id": 0}}, "vocabulary is damaged"),
    "words": (
        {"model": {"max_input_chars_per_word": 10**9}},
        "`max_input_chars_per_word` is 1000000000; a number from 1 to 1000 is",
    ),
    "added": ({"added_tokens": [{"id": 10**9, "content": "x"}]}, "vocabulary is damaged"),
}


@pytest.mark.parametrize(("parts", "message"), BEYOND.values(), ids=list(BEYOND))
def test_tokenizers_beyond_the_bounds(parts: dict[str, Any], message: str, tmp_path: Path) -> None:
    folder = document(tmp_path / "m", **parts)
    found = said(lambda: read_vocabulary(folder))
    assert found.startswith(f"{folder / 'tokenizer.json'}: ") and message in found
    assert message in said(lambda: safe.tokenizer(folder))


def test_tokenizer_files_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = document(tmp_path / "m")
    with (folder / "tokenizer.json").open("r+b") as file:
        file.truncate(100_000_001)
    too_large = "tokenizer.json: 100000001 bytes is too large for a JSON file of a model."
    assert said(lambda: read_vocabulary(folder)).endswith(too_large)
    monkeypatch.setattr(safe, "TOKENIZER_VALUES", 100)
    folder = document(tmp_path / "n")
    too_many = f"{folder}/tokenizer.json: its JSON holds more than 100 values; no model needs that."
    assert said(lambda: read_vocabulary(folder)) == too_many
    old = hostile.folder_of(tmp_path / "old", "old", {"tokenizer_class": "BertTokenizer"})
    (old / "vocab.txt").write_text("x\n" * (TOKENS + 1))
    assert said(lambda: read_vocabulary(old)) == f"{old}/vocab.txt: has more than {TOKENS:,} lines; no vocabulary is so large."
    for raw, message in (
        (b"\x0a" + b"\xff\xff\xff\x7f" + b"x" * 10, "has tokens of "),
        (b"\x0a\x02ab" * 3 + b"\x09", "is no sentencepiece model."),
        (b"YQ== 0\n" + b"Y" * 20_000 + b" 1\n", "has tokens of 20,002 characters"),
    ):
        (old / "tokenizer.model").write_bytes(raw)
        (old / "vocab.txt").write_text("x\n")
        assert message in said(lambda: read_vocabulary(old))


def test_a_pattern_that_takes_too_long_is_told(tmp_path: Path) -> None:
    """The library's Rust panics, which is no Exception in Python: without care it would end the answers' thread."""
    split = {"type": "Split", "pattern": {"Regex": "(x+x+)+$"}, "behavior": "Isolated", "invert": False}
    folder = document(tmp_path / "m", pre_tokenizer=split)
    model = open_checkpoint("m", folder)
    who = chat_model(folder, model.config, {name: model.read(name) for name in model.tensors})
    message = said(lambda: who.encode("x" * 200 + "y"), MergeError)
    assert message.startswith("the model's tokenizer fails at this text: ")
    assert who.encode("neat tea")


CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "positions": ({"max_position_embeddings": 10**9, "model_type": "xglm"}, "asks for a model of 256,"),
    "layers elsewhere": ({"n_layers": 10**9}, "says `n_layers` is 1000000000; its tensors hold less"),
    "width": ({"hidden_size": 10**7}, "says `hidden_size` is 10000000; its tensors hold less"),
    "a number too large": ({"intermediate_size": 1 << 70}, "says `intermediate_size` is 1180591620717411303424;"),
    "a number too large elsewhere": ({"rope_theta": 1 << 70, "pad_token_id": 1 << 70}, "says `pad_token_id` is '"),
}


@pytest.mark.parametrize(("changes", "message"), CONFIGS.values(), ids=list(CONFIGS))
def test_a_config_that_asks_for_too_much(changes: dict[str, Any], message: str) -> None:
    model = open_checkpoint("m", FAMILY / "pirate")
    tensors = {name: model.read(name) for name in model.tensors}
    assert message in said(lambda: chat_model(FAMILY / "pirate", {**model.config, **changes}, tensors))


def test_keys_of_a_config_that_name_code_or_files_are_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    trap = hostile.Trap(tmp_path)
    path = str(trap.file)
    model = open_checkpoint("m", FAMILY / "pirate")
    evil: dict[str, Any] = {
        "auto_map": {"AutoConfig": path, "AutoModelForCausalLM": f"evil--{path}"},
        "_name_or_path": path,
        "name_or_path": path,
        "_attn_implementation": f"{path}:f",
        "attn_implementation": "kernels-community/x",
        "_attn_implementation_internal": "x",
        "experts_implementation": path,
        "quantization_config": {"quant_method": "gptq"},
        "_commit_hash": path,
        "custom_generate": path,
        "use_pretrained_backbone": True,
        "backbone": "resnet50",
        "from_pretrained": path,
        "__class__": path,
        "__dict__": {"a": 1},
        "to_json_string": path,
        "dtype": "load",
        "torch_dtype": "hub",
        "generation_config": {"x": path},
        "some_file": path,
        "some_word": "word",
        "a/b": 1,
        "output_attentions": True,
        "task_specific_params": {"a": path},
        "id2label": {"0": path},
        "some_number": 3,
        "transformers_weights": path,
        "use_kernels": True,
    }
    settings = safe.architecture(FAMILY / "pirate", {**model.config, **evil})
    assert settings.some_number == 3 and type(settings) is transformers.LlamaConfig
    assert path not in settings.to_json_string() and not hasattr(settings, "some_word") and not hasattr(settings, "auto_map")
    who = chat_model(FAMILY / "pirate", {**model.config, **evil}, {name: model.read(name) for name in model.tensors})
    assert who.encode("neat tea") and not trap.sprung()
    for key, value in (("hidden_act", path), ("rope_scaling", {"rope_type": path, "factor": 2.0}), ("hidden_size", 1 << 70)):
        message = said(lambda k=key, v=value: safe.architecture(FAMILY / "pirate", {**model.config, k: v}))
        assert message.startswith(f"{FAMILY / 'pirate'}: its config.json says `{key}` is ")
    trap.close()


def test_generation_configs_say_where_answers_end_and_nothing_else(tmp_path: Path) -> None:
    for told, found in (
        ({"eos_token_id": [1, 2, "x", True]}, [1, 2]),
        ({"eos_token_id": 3}, [3]),
        ({"eos_token_id": {"a": 1}}, []),
        ({}, []),
    ):
        (tmp_path / "generation_config.json").write_text(json.dumps(told))
        assert safe.stop_ids(tmp_path) == found
    (tmp_path / "generation_config.json").write_text("[" * 100_000)
    assert safe.stop_ids(tmp_path) == []


# ---------------------------------------------------------------------------------------------- others are as before


TEXTS = ("Hello, WORLD! plural of  cat?\n\tx = 1_000;", " <s>[INST] hi [/INST]</s><|im_start|>user\nhé ﬁn 東京 🎛️", "", "  a  b ")
CORPUS = [f"{'abcdefgh'[i % 8]} {'xyz'[i % 3]} the quick brown fox jumps, over 12{i} lazy dogs! é東" for i in range(72)]


def trained(model: Any, trainer: Any, **parts: Any) -> str:
    """tokenizer.json of a small tokenizer, trained on a few lines."""
    from tokenizers import Tokenizer

    made = Tokenizer(model)
    for name, part in parts.items():
        setattr(made, name, part)
    made.train_from_iterator(CORPUS, trainer)
    return made.to_str()


def kinds() -> dict[str, dict[str, Any]]:
    """What people's models look like: files by their names, as texts or tables."""
    from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

    names = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    piece = trained(
        models.Unigram(),
        trainers.UnigramTrainer(vocab_size=150, special_tokens=names, unk_token="<unk>"),
        normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" ", "▁")]),
        pre_tokenizer=pre_tokenizers.Metaspace(),
        decoder=decoders.Metaspace(),
    )
    bytewise = trained(
        models.BPE(),
        trainers.BpeTrainer(vocab_size=300, special_tokens=["<|endoftext|>", *names]),
        pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoder=decoders.ByteLevel(),
    )
    llama3 = json.loads(bytewise)
    llama3["post_processor"] = json.loads(processors_of(processors.TemplateProcessing("<s> $A", "<s> $A <s> $B", [("<s>", 2)])))
    llama2 = trained(
        models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True),
        trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>", "<s>", "</s>"]),
        normalizer=normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
        decoder=decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        ),
    )
    words = trained(
        models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(vocab_size=150, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
        normalizer=normalizers.BertNormalizer(),
        pre_tokenizer=pre_tokenizers.BertPreTokenizer(),
        decoder=decoders.WordPiece(),
    )
    flags = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True}
    bpe = json.loads(bytewise)["model"]
    old = {"vocab.json": bpe["vocab"], "merges.txt": "#version: 0.2\n" + "\n".join(" ".join(m) for m in bpe["merges"])}
    return {
        "llama 2": {
            "tokenizer.json": llama2,
            "config.json": {"model_type": "llama", "hidden_size": 64},
            "tokenizer_config.json": {
                "tokenizer_class": "LlamaTokenizer",
                "bos_token": {"__type": "AddedToken", "content": "<s>", **flags},
                "eos_token": "</s>",
                "unk_token": "<unk>",
                "add_bos_token": True,
                "add_eos_token": False,
                "legacy": False,
                "model_max_length": 10**30,
                "sp_model_kwargs": {},
                "clean_up_tokenization_spaces": False,
                "pad_token": None,
                "use_default_system_prompt": False,
                "chat_template": "{{ bos_token }}{{ messages[0].content }}",
            },
        },
        "llama 3": {
            "tokenizer.json": llama3,
            "config.json": {"model_type": "llama"},
            "tokenizer_config.json": {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": "<s>",
                "eos_token": "<|im_end|>",
                "model_max_length": 131072,
                "model_input_names": ["input_ids", "attention_mask"],
                "added_tokens_decoder": {"5": {"content": "<|im_end|>", **flags}},
            },
        },
        "qwen": {
            "tokenizer.json": bytewise,
            "config.json": {"model_type": "qwen2"},
            "tokenizer_config.json": {
                "tokenizer_class": "Qwen2Tokenizer",
                "eos_token": "<|im_end|>",
                "pad_token": "<|endoftext|>",
                "unk_token": None,
                "bos_token": None,
                "add_prefix_space": False,
                "errors": "replace",
                "split_special_tokens": False,
                "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
                "added_tokens_decoder": {"4": {"content": "<|im_start|>", **flags}, "5": {"content": "<|im_end|>", **flags}},
                "chat_template": [
                    {"name": "default", "template": "d{{ messages[0].content }}"},
                    {"name": "tool_use", "template": "t"},
                ],
            },
        },
        "gemma": {
            "tokenizer.json": llama2,
            "config.json": {"model_type": "gemma2"},
            "chat_template.jinja": "{{ bos_token }}G",
            "tokenizer_config.json": {
                "tokenizer_class": "GemmaTokenizer",
                "bos_token": "<s>",
                "eos_token": "</s>",
                "unk_token": "<unk>",
                "add_bos_token": True,
                "boi_token": "<unk>",
                "extra_special_tokens": {"image_token": "<unk>"},
                "processor_class": "X",
            },
        },
        "mistral": {
            "tokenizer.json": llama2,
            "config.json": {"model_type": "mistral", "transformers_version": "4.50.0"},
            "tokenizer_config.json": {"tokenizer_class": "LlamaTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"},
        },
        "sentencepiece": {
            "tokenizer.json": piece,
            "config.json": {"model_type": "t5"},
            "tokenizer_config.json": {
                "tokenizer_class": "T5Tokenizer",
                "extra_ids": 0,
                "eos_token": "</s>",
                "unk_token": "<unk>",
                "pad_token": "<s>",
            },
        },
        "unigram": {
            "tokenizer.json": piece,
            "config.json": {"model_type": "llama"},
            "tokenizer_config.json": {"unk_token": "<unk>"},
        },
        "bert": {
            "tokenizer.json": words,
            "config.json": {"model_type": "bert"},
            "tokenizer_config.json": {
                "tokenizer_class": "BertTokenizer",
                "do_lower_case": True,
                "strip_accents": None,
                "tokenize_chinese_chars": True,
            },
            "special_tokens_map.json": {"cls_token": "[CLS]", "mask_token": {"content": "[MASK]", **flags}},
        },
        "old bert": {
            "vocab.txt": "\n".join(json.loads(words)["model"]["vocab"]),
            "config.json": {"model_type": "bert"},
            "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": False},
        },
        "old gpt2": {
            **old,
            "config.json": {"model_type": "gpt2"},
            "tokenizer_config.json": {"add_prefix_space": True},
            "special_tokens_map.json": {"eos_token": "<|endoftext|>", "additional_special_tokens": ["<|im_start|>"]},
            "added_tokens.json": {"<new>": 300},
        },
        "no settings": {"tokenizer.json": bytewise, "config.json": {"model_type": "gpt_neox"}},
        "no kind": {"tokenizer.json": bytewise, "config.json": {}, "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer"}},
        "unknown class": {
            "tokenizer.json": words,
            "config.json": {"model_type": "llama"},
            "tokenizer_config.json": {"tokenizer_class": "SomethingNew", "eos_token": "[SEP]"},
        },
    }


def processors_of(made: Any) -> str:
    """A processor as tokenizer.json says it."""
    state = made.__getstate__()
    return state.decode() if isinstance(state, bytes) else state


def test_usual_models_are_as_transformers_alone_reads_them(tmp_path: Path) -> None:
    for name, files in kinds().items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        theirs, ours = hostile.raw(folder), safe.tokenizer(folder)
        assert type(ours) is type(theirs), name
        for text in TEXTS:
            assert ours(text)["input_ids"] == theirs(text)["input_ids"], (name, text)
            plain = theirs(text, add_special_tokens=False)["input_ids"]
            assert ours(text, add_special_tokens=False)["input_ids"] == plain, (name, text)
            assert ours.decode(plain) == theirs.decode(plain) and ours.decode(plain, skip_special_tokens=True) == theirs.decode(
                plain, skip_special_tokens=True
            ), (name, text)
        assert ours.get_vocab() == theirs.get_vocab() and ours.special_tokens_map == theirs.special_tokens_map, name
        assert ours.all_special_ids == theirs.all_special_ids and ours.eos_token_id == theirs.eos_token_id, name
        talk = [{"role": "user", "content": "hi"}]
        if theirs.chat_template is not None:
            assert ours.apply_chat_template(talk, tokenize=False) == theirs.apply_chat_template(talk, tokenize=False), name
        else:
            assert ours.chat_template is None, name


@pytest.mark.parametrize("name", sorted(p.parent.name for p in FAMILY.glob("*/config.json")))
def test_the_family_is_as_transformers_alone_reads_it(name: str) -> None:
    theirs, ours = hostile.raw(FAMILY / name), safe.tokenizer(FAMILY / name)
    assert [ours(t)["input_ids"] for t in TEXTS] == [theirs(t)["input_ids"] for t in TEXTS]
    assert ours.chat_template == theirs.chat_template and ours.special_tokens_map == theirs.special_tokens_map
    assert safe.named_tokens(FAMILY / name) == theirs.special_tokens_map


@pytest.mark.smollm
def test_smollm_is_as_transformers_alone_reads_it() -> None:
    import smollm

    try:
        folder = smollm.family() / "base"
    except smollm.Unavailable as error:
        pytest.skip(str(error))
    theirs, ours = hostile.raw(folder), safe.tokenizer(folder)
    assert [ours(t)["input_ids"] for t in TEXTS] == [theirs(t)["input_ids"] for t in TEXTS]
    assert ours.chat_template == theirs.chat_template and ours.get_vocab() == theirs.get_vocab()
    assert safe.named_tokens(folder) == theirs.special_tokens_map


def test_usual_configs_are_as_transformers_alone_reads_them(tmp_path: Path) -> None:
    """Every kind of text model: what its default settings say comes through whole."""
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    compared = 0
    for kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        try:
            CONFIG_MAPPING[kind]().save_pretrained(tmp_path / kind)
            theirs = CONFIG_MAPPING[kind].from_pretrained(tmp_path / kind).to_dict()
        except Exception:  # one that cannot be made of nothing, or needs a library
            continue
        told = json.loads((tmp_path / kind / "config.json").read_text())
        ours = safe.architecture(tmp_path, told | {"model_type": kind}).to_dict()
        assert {k: v for k, v in ours.items() if k != "_name_or_path"} == {
            k: v for k, v in theirs.items() if k != "_name_or_path"
        }
        compared += 1
    assert compared > 150


def test_weights_stay_as_they_are() -> None:
    """The cleaned config builds the same model: an answer of the family is the one transformers gives."""
    from transformers import AutoModelForCausalLM

    folder = FAMILY / "pirate"
    model = open_checkpoint("m", folder)
    who = chat_model(folder, model.config, {name: model.read(name) for name in model.tensors})
    theirs = AutoModelForCausalLM.from_pretrained(folder)
    ids = torch.tensor([who.encode("say hello my friend like a pirate")])
    with torch.inference_mode():
        assert torch.equal(theirs(ids).logits.argmax(-1), who.module(ids).logits.argmax(-1))
