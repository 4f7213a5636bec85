"""Model folders that try to make transformers read a file of the server's, and a trap that notices when it is read.

python tests/hostile.py           every class, key, form and kind of folder through tokenizer/safe: an hour
python tests/hostile.py --some    every class and key once: minutes
python tests/hostile.py --raw     the same folders straight to transformers, to see what it would read
"""

import ctypes
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SECRET = "TOPSECRETKEYLINE"
WORDS = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]", "<unk>", "<s>", "</s>", "<pad>", "<mask>", *"abcdefgh", "ab", "##c"]

# What a tokenizer_config.json has named, or could name, as a file, a place or code.
KEYS = (
    "vocab", "merges", "vocab_file", "merges_file", "tokenizer_file", "spm_file", "sp_model", "sentencepiece_model_file",
    "emoji_file", "entity_vocab", "entity_vocab_file", "target_vocab_file", "src_vocab_file", "tgt_vocab_file", "word_shape_file",
    "word_pronunciation_file", "normalizer_file", "monolingual_vocab_file", "bpe_codes", "source_spm", "target_spm",
    "added_tokens_file", "special_tokens_map_file", "chat_template_file", "tokenizer_config_file", "full_tokenizer_file",
    "name_or_path", "init_inputs", "auto_map", "tokenizer_object", "backend_tokenizer", "_tokenizer", "model", "gguf_file",
    "from_slow", "trust_remote_code", "fast_tokenizer_files", "sp_model_kwargs", "mecab_kwargs", "jumanpp_kwargs",
    "sudachi_kwargs", "tags_dict", "lang2id", "id2lang", "langs", "language", "phonemizer_lang", "subfolder", "cache_dir",
    "_commit_hash", "post_processor", "tokenizer_padding", "tokenizer_truncation", "model_specific_special_tokens",
    "extra_special_tokens", "additional_special_tokens", "added_tokens_decoder", "bos_token", "files_loaded", "chat_template",
    "response_template", "byte_maps", "word_tokenizer_type", "subword_tokenizer_type", "local_files_only", "is_local",
)  # fmt: skip
FORMS: dict[str, Callable[[str], Any]] = {
    "path": lambda path: path,
    "relative": lambda path: "../" + Path(path).name,
    "list": lambda path: [path, path],
    "table": lambda path: {"default": path, "vocab": path, "vocab_file": path, "model_file": path, "file": path},
    "address": lambda path: f"file://{path}",
    "true": lambda path: True,
    "number": lambda path: 10**9,
}
FOLDERS = ("old", "new")


def classes() -> list[str]:
    """Every name that transformers has a tokenizer under, and some that are none."""
    import transformers
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    found = {name for name in TOKENIZER_MAPPING_NAMES.values() if name}
    found |= {name for name in dir(transformers) if name.endswith(("Tokenizer", "TokenizerFast", "Backend", "TokenizerLegacy"))}
    return [*sorted(found), "AutoModel", "GPT2LMHeadModel", "pipeline", "Trainer", "../../evil", "evil.Tokenizer", "os"]


class Trap:
    """A file with a secret, and whether anybody opened it: also from Rust, where Python does not see it (on Linux)."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "secret.txt"
        self.file.write_text(f"{SECRET}\n[UNK]\n<unk>\n")
        self._libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        if self._libc is not None:
            self._handle = self._libc.inotify_init1(os.O_NONBLOCK)
            assert self._libc.inotify_add_watch(self._handle, str(self.file).encode(), 0x21) > 0  # opened, read

    def sprung(self) -> bool:
        """Whether it was opened since this was last asked."""
        if self._libc is None:
            return False
        try:
            return bool(os.read(self._handle, 4096))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Watch no longer."""
        if self._libc is not None:
            os.close(self._handle)


def folder_of(place: Path, kind: str, settings: dict[str, Any]) -> Path:
    """A model's folder with older tokenizer files, or with tokenizer.json, and these settings."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    vocab = {word: i for i, word in enumerate(WORDS)}
    (place / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (place / "tokenizer_config.json").write_text(json.dumps(settings))
    if kind == "new":
        model = {"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"}
        (place / "tokenizer.json").write_text(json.dumps({"version": "1.0", "added_tokens": [], "model": model}))
    else:
        (place / "vocab.txt").write_text("\n".join(WORDS) + "\n")
        (place / "vocab.json").write_text(json.dumps(vocab))
        (place / "merges.txt").write_text("#version: 0.2\na b\n")
    return place


def betrayed(tokenizer: Any) -> bool:
    """Whether a tokenizer holds the secret."""
    said = [repr(vars(tokenizer))]
    if len(tokenizer) > 100_000:  # every letter there is, of no file
        return any(SECRET in text for text in said)
    for ask in (lambda: str(tokenizer.get_vocab()), lambda: tokenizer.decode(list(range(min(len(tokenizer), 2000))))):
        try:
            said.append(ask())
        except Exception:  # a tokenizer that is none
            continue
    return any(SECRET in text for text in said)


def raw(folder: Path) -> Any:
    """A folder straight to transformers."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


@dataclass
class Tally:
    """What was tried, and what came of it."""

    tried: int = 0
    loaded: int = 0
    leaks: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    errors: Counter[str] = field(default_factory=Counter[str])


def combinations(share: int) -> Iterator[tuple[str, str, str, str]]:
    """(class, key, form, kind of folder). share 0: all of them; else one in so many of the classes and keys, each once,
    the form and folder in turn, and for each class all keys at once."""
    turn = itertools.cycle(itertools.product(FOLDERS, ("path", "list", "table", "path", "relative", "path", "address")))
    for i, name in enumerate(classes()):
        if not share:
            yield from itertools.product([name], KEYS, FORMS, FOLDERS)
            continue
        for key in KEYS[i % share :: share]:
            kind, form = next(turn)
            yield name, key, form, kind
        yield name, "all", "path", "old"
        yield name, "all", "path", "new"


def attack(load: Callable[[Path], Any], share: int, cleaned: Callable[[Path], bytes] | None = None) -> Tally:
    """Try the combinations. cleaned: what is loaded of a folder; what has been loaded before is not loaded again."""
    tally, seen = Tally(), set[bytes]()
    with tempfile.TemporaryDirectory() as name:
        trap = Trap(Path(name))
        for combination in combinations(share):
            kind_of, key, form, kind = combination
            value = FORMS[form](str(trap.file))
            settings = dict.fromkeys(KEYS, value) if key == "all" else {key: value}
            folder = folder_of(Path(name) / "model", kind, {"tokenizer_class": kind_of, **settings})
            tally.tried += 1
            try:
                if cleaned is not None:
                    mark = cleaned(folder)
                    if mark in seen and not trap.sprung():
                        continue
                    seen.add(mark)
                tally.loaded += 1
                leaked = betrayed(load(folder))
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                leaked = SECRET in str(error)
                tally.errors[type(error).__name__] += 1
            if trap.sprung() or leaked:
                tally.leaks.append(combination)
        trap.close()
    return tally


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from merger.tokenizer import safe

    began = time.monotonic()
    tally = attack(raw if "--raw" in sys.argv else safe.load, 1 if "--some" in sys.argv else 0)
    print(f"{tally.tried:,} combinations in {time.monotonic() - began:.0f} s, {len(tally.leaks)} leaked; {dict(tally.errors)}")
    for kind, keys in sorted({(c[0], tuple(sorted({k for n, k, *_ in tally.leaks if n == c[0]}))) for c in tally.leaks}):
        print(f"  {kind}: {', '.join(keys)}")


if __name__ == "__main__":
    main()
