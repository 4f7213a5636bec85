"""llama.cpp's library, out of the wheel of xllamacpp, through ctypes.

Its structs change between builds, so one build is known here; what can be asked of it is asked before anything is loaded.
"""

import ctypes as c
import importlib.util
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from merger.errors import MergeError
from merger.gguf.kinds import LLAMA_CPP

TESTED = "2026.10.11549"
EXTRA = "pip install 'merge-explorer[llama]'"
_BUILD = ("0.6.0-dev", "0.26.0")
"""llama.cpp's and ggml's own versions in that wheel."""
GET_TENSOR = "_ZNK11llama_model10get_tensorEPKc"
"""llama_model::get_tensor(const char *) const, as compilers of Linux call it: the wheel exports it, no header does."""

_P, _I32, _U32, _F32, _SIZE, _BOOL = c.c_void_p, c.c_int32, c.c_uint32, c.c_float, c.c_size_t, c.c_bool


class ModelParams(c.Structure):
    """llama_model_params of this build."""

    _fields_ = (
        ("devices", _P), ("overrides", _P), ("n_gpu_layers", _I32), ("split_mode", _I32), ("load_mode", _I32),
        ("lazy_mode", _I32), ("main_gpu", _I32), ("tensor_split", _P), ("progress", _P), ("progress_data", _P),
        ("kv_overrides", _P), ("vocab_only", _BOOL), ("check_tensors", _BOOL), ("use_extra_bufts", _BOOL), ("no_host", _BOOL),
        ("no_alloc", _BOOL), ("load_mtp", _BOOL), ("spare", c.c_byte * 64),
    )  # fmt: skip


class ContextParams(c.Structure):
    """llama_context_params of this build."""

    _fields_ = (
        ("n_ctx", _U32), ("n_batch", _U32), ("n_ubatch", _U32), ("n_seq_max", _U32), ("n_rs_seq", _U32), ("n_outputs_max", _U32),
        ("n_outputs_max_per_seq", _U32), ("n_threads", _I32), ("n_threads_batch", _I32), ("ctx_type", _I32),
        ("rope_scaling", _I32), ("pooling", _I32), ("attention", _I32), ("flash_attn", _I32), ("rope_base", _F32),
        ("rope_scale", _F32), ("yarn_ext", _F32), ("yarn_attn", _F32), ("yarn_fast", _F32), ("yarn_slow", _F32),
        ("yarn_orig", _U32), ("defrag", _F32), ("cb_eval", _P), ("cb_eval_data", _P), ("type_k", _I32), ("type_v", _I32),
        ("moe_cache_size", _SIZE), ("abort", _P), ("abort_data", _P), ("embeddings", _BOOL), ("offload_kqv", _BOOL),
        ("no_perf", _BOOL), ("op_offload", _BOOL), ("swa_full", _BOOL), ("kv_unified", _BOOL), ("samplers", _P),
        ("n_samplers", _SIZE), ("other", _P), ("spare", c.c_byte * 64),
    )  # fmt: skip


class Batch(c.Structure):
    """llama_batch."""

    _fields_ = (
        ("n_tokens", _I32), ("token", c.POINTER(_I32)), ("embd", _P), ("pos", c.POINTER(_I32)), ("n_seq_id", c.POINTER(_I32)),
        ("seq_id", c.POINTER(c.POINTER(_I32))), ("logits", c.POINTER(c.c_int8)),
    )  # fmt: skip


_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "llama_backend_init": (None, []),
    "llama_log_set": (None, [_P, _P]),
    "llama_model_default_params": (ModelParams, []),
    "llama_context_default_params": (ContextParams, []),
    "llama_model_load_from_file": (_P, [c.c_char_p, ModelParams]),
    "llama_model_free": (None, [_P]),
    "llama_model_get_vocab": (_P, [_P]),
    "llama_vocab_n_tokens": (_I32, [_P]),
    "llama_init_from_model": (_P, [_P, ContextParams]),
    "llama_free": (None, [_P]),
    "llama_set_abort_callback": (None, [_P, _P, _P]),
    "llama_batch_init": (Batch, [_I32, _I32, _I32]),
    "llama_batch_free": (None, [Batch]),
    "llama_decode": (_I32, [_P, Batch]),
    "llama_get_logits_ith": (_P, [_P, _I32]),
    "llama_get_memory": (_P, [_P]),
    "llama_memory_clear": (None, [_P, _BOOL]),
    "llama_memory_seq_rm": (_BOOL, [_P, _I32, _I32, _I32]),
    "ggml_nbytes": (_SIZE, [_P]),
    "ggml_backend_tensor_set": (None, [_P, _P, _SIZE, _SIZE]),
    "ggml_quantize_chunk": (_SIZE, [c.c_int, _P, _P, c.c_int64, c.c_int64, c.c_int64, _P]),
}
_TOLD = {"llama_version": c.c_char_p, "ggml_version": c.c_char_p, "llama_print_system_info": c.c_char_p}

_MODEL_DEFAULTS = {
    "devices": None, "overrides": None, "n_gpu_layers": -1, "split_mode": 1, "load_mode": -1, "lazy_mode": 1, "main_gpu": 0,
    "vocab_only": False, "check_tensors": False, "use_extra_bufts": True, "no_host": False, "no_alloc": False,
}  # fmt: skip
_CONTEXT_DEFAULTS = {
    "n_ctx": 512, "n_batch": 2048, "n_ubatch": 512, "n_seq_max": 1, "n_threads": 4, "rope_scaling": -1, "pooling": -1,
    "attention": -1, "flash_attn": -1, "yarn_ext": -1.0, "cb_eval": None, "type_k": 1, "type_v": 1, "abort": None,
    "embeddings": False, "offload_kqv": True, "swa_full": True, "kv_unified": False, "samplers": None, "n_samplers": 0,
}  # fmt: skip
"""What this build says where nothing is asked for; another layout says something else somewhere."""


@cache
def library() -> Any:
    """The library, its functions typed. MergeError where it is not here, or not the one that is known."""
    found = _opened()
    try:
        for name, (result, takes) in _FUNCTIONS.items():
            function = getattr(found, name)
            function.restype, function.argtypes = result, takes
        for name, result in _TOLD.items():
            getattr(found, name).restype = result
        if hasattr(found, GET_TENSOR):
            function = getattr(found, GET_TENSOR)
            function.restype, function.argtypes = _P, [_P, c.c_char_p]
    except AttributeError as error:
        raise _other(str(error).rpartition(" ")[2]) from None
    versions = tuple(getattr(found, name)().decode(errors="replace") for name in ("llama_version", "ggml_version"))
    if versions != _BUILD:
        raise _other(f"llama.cpp {versions[0]}, ggml {versions[1]}")
    _check_processor(found.llama_print_system_info().decode(errors="replace"))
    _check_defaults(found.llama_model_default_params(), _MODEL_DEFAULTS)
    _check_defaults(found.llama_context_default_params(), _CONTEXT_DEFAULTS)
    found.llama_log_set(_heard, None)
    found.llama_backend_init()
    return found


def missing() -> str:
    """Why llama.cpp cannot speak here; "" where it can."""
    try:
        library()
    except MergeError as error:
        return str(error)
    return ""


def finds_tensors() -> bool:
    """Whether the library tells where a tensor is."""
    return hasattr(library(), GET_TENSOR)


def _opened() -> Any:
    if sys.platform != "linux":
        raise MergeError("a merge that does not fit is heard through llama.cpp on Linux only; here it can be merged to files.")
    spec = importlib.util.find_spec(LLAMA_CPP)
    places = (spec.submodule_search_locations if spec else None) or ()
    files = sorted(file for place in places for file in Path(place).glob("*.so"))
    if not files:
        raise MergeError(f"a merge that does not fit is heard through llama.cpp, which is not installed: {EXTRA}.")
    try:
        found = metadata.version(LLAMA_CPP)
    except metadata.PackageNotFoundError:
        found = "of no known version"
    if found != TESTED:
        raise _other(f"{LLAMA_CPP} {found}")
    try:
        return c.CDLL(str(files[0]))
    except OSError as error:
        needs = "; install libgomp1" if "libgomp" in str(error) else ""
        raise MergeError(f"the installed {LLAMA_CPP} cannot be loaded here ({error}){needs}.") from None


def _other(what: str) -> MergeError:
    return MergeError(
        f"llama.cpp is here, but not the build that this program knows ({what}): {EXTRA} brings {LLAMA_CPP} {TESTED}."
    )


def _check_processor(built: str) -> None:
    """MergeError where the processor lacks what the library was built for: it would end the process without a word."""
    names = {"SSE3": "pni", "SSSE3": "ssse3", "AVX": "avx", "AVX2": "avx2", "F16C": "f16c", "FMA": "fma", "BMI2": "bmi2"}
    wanted = [part.split("=")[0].strip() for part in built.partition(":")[2].split("|") if part.strip().endswith("= 1")]
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    flags = next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), None)
    lacks = [name for name in wanted if name in names and flags is not None and names[name] not in flags]
    if lacks:
        raise MergeError(f"llama.cpp cannot run here: this processor has no {lacks[0]}, which {LLAMA_CPP} was built for.")


def _check_defaults(params: Any, wanted: dict[str, Any]) -> None:
    for name, value in wanted.items():
        if getattr(params, name) != value:
            raise _other(f"its {type(params).__name__}.{name} is {getattr(params, name)!r}, known is {value!r}")


# ---------------------------------------------------------------------------------------------- what it says

_complaints: list[str] = []


@c.CFUNCTYPE(None, c.c_int, c.c_char_p, _P)
def _heard(level: int, text: bytes, _: Any) -> None:
    if level == _ERROR:
        _complaints.append(text.decode(errors="replace").strip())
        del _complaints[:-5]


_ERROR = 4


def complaint() -> str:
    """The first of what the library has complained of since it was asked last, without names of files; "" where of nothing."""
    first = next((line for line in _complaints if line), "")
    _complaints.clear()
    return first


__all__ = [
    "EXTRA", "GET_TENSOR", "TESTED", "Batch", "ContextParams", "ModelParams", "complaint", "finds_tensors", "library", "missing",
]  # fmt: skip
