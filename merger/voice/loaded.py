"""A model in llama.cpp's memory: tokens in, logits out, and tensors that can be written to between two words."""

import contextlib
import ctypes as c
import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from merger.errors import Cancelled, MergeError
from merger.export.mapping import Place
from merger.voice.library import GET_TENSOR, Batch, complaint, finds_tensors, library

CHUNK = 128
"""Tokens that are read at a time: there is room for the logits of all, and of a large vocabulary each takes a megabyte."""
CONTEXT = 1024
"""Tokens there is room for at first; more is made when a text needs it."""
GONE = "this model was let go of meanwhile; ask again."
_WATCH_SECONDS = 0.02
_ABORTED = 2


class Loaded:
    """A GGUF file as llama.cpp has loaded it. One thread at a time: whoever writes or reads holds `lock`.

    places  the tensors of the file: by these names they are written to
    mapped  leave the weights in the file, and write to it: where the library does not tell where they are otherwise
    length  the most tokens of a text
    """

    def __init__(self, file: Path, places: Mapping[str, Place], length: int, *, mapped: bool = False, threads: int = 1) -> None:
        self._library, self._file, self.places, self.length, self._threads = library(), file, places, length, threads
        self.words = 0
        """Tokens of its vocabulary."""
        self.mapped = mapped or not finds_tensors()
        self.lock = threading.RLock()
        self.writes = 0
        """Counts what was written to its tensors."""
        self.heard: list[int] = []
        """The tokens that it keeps keys and values of."""
        self._model, self._context, self._tokens, self._handle, self._tensors = 0, 0, 0, -1, dict[str, int]()
        self._batch: Batch | None = self._library.llama_batch_init(CHUNK, 0, 1)
        # libc's strlen is what llama.cpp asks whether to go on: nothing here stands in its way, as Python's lock would
        self._stop = c.create_string_buffer(2)
        self._asks = c.cast(c.CDLL(None).strlen, c.c_void_p)
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def _load(self) -> None:
        params = self._library.llama_model_default_params()
        params.n_gpu_layers, params.lazy_mode, params.load_mode, params.use_extra_bufts = 0, 0, int(self.mapped), False
        complaint()
        self._model = self._library.llama_model_load_from_file(os.fsencode(self._file), params) or 0
        if not self._model:
            raise MergeError(f"llama.cpp cannot load what was made for it: {complaint() or 'it does not say why'}.")
        self.words = int(self._library.llama_vocab_n_tokens(self._library.llama_model_get_vocab(self._model)))
        if self.mapped:
            self._handle = os.open(self._file, os.O_RDWR)
        else:
            for name, place in self.places.items():
                found = getattr(self._library, GET_TENSOR)(self._model, name.encode())
                if found and self._library.ggml_nbytes(found) != place.nbytes:
                    raise MergeError(f"llama.cpp has loaded {name} in another way than it is known here.")
                if found:  # what it does not compute with it does not load
                    self._tensors[name] = found
        self._room(min(CONTEXT, self.length))

    def _room(self, tokens: int, least: int = 0) -> None:
        """Make room for a text of so many tokens, or else of the least; what was heard is dropped. MergeError where there is
        none."""
        if self._context:
            self._library.llama_free(self._context)
            self._context = 0
        self.heard = []
        params = self._library.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = tokens, min(tokens, CHUNK), min(tokens, CHUNK)
        params.n_threads = params.n_threads_batch = self._threads
        params.flash_attn, params.no_perf = 0, True  # flash attention was seen to give a wrong answer with q8_0
        complaint()
        self._context = self._library.llama_init_from_model(self._model, params) or 0
        if not self._context and 0 < least < tokens:
            self._room(least)
            return
        if not self._context:
            raise MergeError(f"llama.cpp has no room for a text of {tokens:,} tokens: {complaint() or 'it does not say why'}.")
        self._tokens = tokens
        self._library.llama_set_abort_callback(self._context, self._asks, c.addressof(self._stop))

    # ------------------------------------------------------------------------------------------ writing

    def put(self, name: str, at: int, data: bytes | memoryview) -> None:
        """Write bytes of a tensor, from its byte `at` on. What was heard is dropped: it was of other weights."""
        place, raw = self.places[name], memoryview(data).cast("B")
        if not 0 <= at <= at + len(raw) <= place.nbytes:
            raise MergeError(f"{name}: {len(raw):,} bytes from {at:,} on are beyond its {place.nbytes:,}.")
        with self.lock:
            if not self._model:
                raise MergeError(GONE)
            self.forget()
            self.writes += 1
            if self.mapped:
                rest = raw
                while rest:
                    done = os.pwrite(self._handle, rest, place.offset + at)
                    rest, at = rest[done:], at + done
            elif name in self._tensors:
                self._library.ggml_backend_tensor_set(self._tensors[name], _address(raw), at, len(raw))

    def forget(self) -> None:
        """Drop what was heard."""
        with self.lock:
            if self.heard and self._context:
                self._library.llama_memory_clear(self._library.llama_get_memory(self._context), True)
            self.heard = []

    # ------------------------------------------------------------------------------------------ reading

    def read(self, ids: Sequence[int], keep: int, go_on: Callable[[], bool] | None = None) -> Tensor:
        """Logits (keep, vocabulary) after the last `keep` of these tokens; a beginning that was heard is not read again.

        go_on  is asked by another thread again and again: soon after it has said no the reading ends, with Cancelled
        """
        with self.lock:
            if len(ids) > self.length:
                raise MergeError(f"the text is {len(ids)} tokens long; this model reads at most {self.length}.")
            wrong = next((i for i in ids if not 0 <= i < self.words), None)
            if wrong is not None:
                raise MergeError(f"the text has a token {wrong}; this model's are 0 to {self.words - 1}.")
            if not self._model:
                raise MergeError(GONE)
            if not 0 < keep <= len(ids):
                raise MergeError("the text has no token that something could be said after.")
            if len(ids) > self._tokens:
                self._room(min(self.length, max(len(ids), 2 * self._tokens)), len(ids))
            elif not self._context:  # there was no room for a longer text
                self._room(self._tokens)
            start = self._rewound(min(_same(self.heard, ids), len(ids) - keep))
            out = torch.empty((keep, self.words))
            with self._watched(go_on):
                while start < len(ids):
                    some = ids[start : start + CHUNK]
                    first = max(0, len(ids) - keep - start)  # of these tokens the first whose logits are wanted
                    self._decode(some, start, first)
                    row = start + first - (len(ids) - keep)
                    for i in range(first, len(some)):
                        self._logits(i, out[row + i - first])
                    start += len(some)
            return out

    def _rewound(self, length: int) -> int:
        """Keep only the first so many tokens of what was heard; how many are kept: none, where a model cannot."""
        if length < len(self.heard):
            memory = self._library.llama_get_memory(self._context)
            if length > 0 and self._library.llama_memory_seq_rm(memory, 0, length, -1):
                self.heard = self.heard[:length]
            else:
                self.forget()
        return len(self.heard)

    def _decode(self, ids: Sequence[int], start: int, first: int) -> None:
        batch = self._batch
        assert batch is not None
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, start + i, 1, i >= first
            batch.seq_id[i][0] = 0
        self.heard.extend(ids)  # what a pass that fails leaves behind is dropped below
        failed = self._library.llama_decode(self._context, batch)
        if failed:
            self.forget()
            if failed == _ABORTED:
                raise Cancelled("stopped while a text was being read.")
            raise MergeError(f"llama.cpp cannot go on with this text: {complaint() or f'it gave {failed}'}.")

    def _logits(self, place: int, out: Tensor) -> None:
        found = self._library.llama_get_logits_ith(self._context, place)
        if not found:
            raise MergeError("llama.cpp gave no answer.")
        c.memmove(out.data_ptr(), found, 4 * self.words)

    @contextlib.contextmanager
    def _watched(self, go_on: Callable[[], bool] | None) -> Generator[None]:
        """Ask go_on again and again while llama.cpp is at work, and stop it there."""
        self._stop[0], done = b"\0", threading.Event()
        if go_on is None:
            yield
            return

        def watch() -> None:
            while not done.wait(_WATCH_SECONDS):
                if not go_on():
                    self._stop[0] = b"\1"
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            self._stop[0] = b"\0"

    def close(self) -> None:
        """Let go of all its memory."""
        with self.lock:
            if self._context:
                self._library.llama_free(self._context)
            if self._model:
                self._library.llama_model_free(self._model)
            if self._handle >= 0:
                os.close(self._handle)
            if self._batch is not None:
                self._library.llama_batch_free(self._batch)
            self._context, self._model, self._handle, self._batch = 0, 0, -1, None
            self.heard = []

    def __del__(self) -> None:
        if hasattr(self, "lock"):
            self.close()


def _same(old: Sequence[int], new: Sequence[int]) -> int:
    """With how many of the same tokens two texts begin."""
    return next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _address(raw: memoryview) -> int:
    """Where bytes lie; they may not be ours to write to."""
    return int(np.frombuffer(raw, np.uint8).ctypes.data)


__all__ = ["CHUNK", "CONTEXT", "Loaded"]
