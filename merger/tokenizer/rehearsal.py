"""Rehearsal: whether a tokenizer cuts a text up in good time, tried where it can be stopped.

A stranger's tokenizer holds patterns, which the library searches for in Rust: nobody can stop it there, and a pattern of a dozen
letters takes minutes for a prompt. So a text that can be too much is cut up by the same parts in a process of its own first.
"""

import hashlib
import json
import re
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from merger.errors import MergeError
from merger.limits import PATTERN_MEMORY, PATTERN_SECONDS

_PROGRAM = Path(__file__).with_name("patterns.py")
_LONG = 4000
"""Characters beyond which any text is rehearsed: normalizers can make it thousands of times as long."""
_PATIENCE = 30
"""Seconds by the clock: a busy machine's fault, not the pattern's."""
_KEPT = 4096
_OURS = "texts cannot be cut up here: the process for it does not start"
_REPEATS = re.compile(r"[*+?{]")
_LETTERS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SHORT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_KNOWN = frozenset({
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    *(f"{_SHORT}|{_LETTERS}|{digits}|{_REST}" for digits in (r"\p{N}", r"\p{N}{1,3}")),
    r"\p{N}{1,3}", r"[0-9][0-9][0-9]", r"\s+", r" {2,}",
})  # fmt: skip
"""Patterns of well-known tokenizers (GPT-2, Llama 3, Qwen), which are quick for any text that is not long."""

_done: OrderedDict[bytes, str] = OrderedDict()
_lock = threading.Lock()


def rehearse(tokenizer: Any, text: str) -> None:
    """MergeError where this tokenizer of transformers would take too long, or too much memory, for the text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:  # an older kind, whose patterns are transformers' own
        return
    parts = {name: _stated(getattr(backend, name)) for name in ("normalizer", "pre_tokenizer")}
    if len(text) <= _LONG and not any(_REPEATS.search(one) and one not in _KNOWN for one in _patterns(list(parts.values()))):
        return
    added = [_added(i, token) for i, token in enumerate(backend.get_added_tokens_decoder().values(), 1)]
    model = {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}
    request = {"tokenizer": {"version": "1.0", "added_tokens": added, **parts, "model": model}, "text": text}
    why = _tried(json.dumps(request | {"seconds": int(PATTERN_SECONDS), "memory": int(PATTERN_MEMORY)}).encode())
    if why:
        raise MergeError(f"the model's tokenizer {why} to cut up this text, and was stopped; leave this model out.")


def _stated(part: Any) -> Any:
    return None if part is None else json.loads(part.__getstate__())


def _added(i: int, token: Any) -> dict[str, Any]:
    flags = {name: bool(getattr(token, name)) for name in ("single_word", "lstrip", "rstrip", "normalized", "special")}
    return {"id": i, "content": token.content, **flags}


def _patterns(value: Any) -> Iterator[str]:
    """Every regular expression in a part of a tokenizer."""
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _patterns(inner)
    if isinstance(value, dict) and isinstance(pattern := value.get("Regex"), str):
        yield pattern


def _tried(request: bytes) -> str:
    """What was too much; "" where the text could be cut up, or the tokenizer failed at it, which it will tell by itself."""
    name = hashlib.sha256(request).digest()
    with _lock:
        if name in _done:
            return _done[name]
    try:
        ended = subprocess.run(
            [sys.executable, "-I", str(_PROGRAM)], input=request, capture_output=True, timeout=_PATIENCE, check=False, cwd="/",
            env={"TOKENIZERS_PARALLELISM": "false"}, start_new_session=True,
        ).returncode  # fmt: skip
    except subprocess.TimeoutExpired:
        ended = -1
    except OSError as error:
        raise MergeError(f"{_OURS} ({error.strerror}).") from None
    if ended > 0:
        raise MergeError(f"{_OURS}.")
    why = "" if ended == 0 else f"takes more than {PATTERN_SECONDS} seconds or {PATTERN_MEMORY // 1_000_000} MB"
    with _lock:
        _done[name] = why
        while len(_done) > _KEPT:
            _done.popitem(last=False)
    return why


__all__ = ["rehearse"]
