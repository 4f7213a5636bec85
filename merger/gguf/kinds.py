"""The types of numbers that a GGUF file holds, which of them each kind of file gives its tensors, and the passes that make them.

The bytes are those of the `gguf` package's own passes; of K-quants those of ggml itself, out of the wheel of xllamacpp.
"""

import ctypes
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from merger.errors import MergeError, nearest
from merger.kernels import cpu
from merger.kernels.build import available as available_passes

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

BLOCKS: Mapping[str, tuple[int, int]] = {
    "f32": (1, 4), "f16": (1, 2), "bf16": (1, 2), "q8_0": (32, 34), "q4_0": (32, 18), "q4_1": (32, 20), "q5_0": (32, 22),
    "q5_1": (32, 24), "q4_k": (256, 144), "q5_k": (256, 176), "q6_k": (256, 210),
}  # fmt: skip
"""Numbers of a block, and its bytes."""
GGML = {
    "f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "q4_k": 12, "q5_k": 13, "q6_k": 14, "bf16": 30,
}  # fmt: skip
"""ggml's numbers for the types."""
LLAMA_CPP = "xllamacpp"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    number   llama.cpp's own for it, which stands in the file
    main     the type of most matrices; head: of the one that makes words; more: of those that llama.cpp gives more bits
    instead  the type for rows that main's blocks do not fit
    """

    name: str
    number: int
    main: str
    head: str
    more: str = ""
    instead: str = ""

    @property
    def plain(self) -> bool:
        """Whether its numbers are floats."""
        return BLOCKS[self.main][0] == 1

    @property
    def packed(self) -> bool:
        """Whether ggml itself is needed for it."""
        return BLOCKS[self.main][0] == 256


KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (
    Kind("f16", 1, "f16", "f16"), Kind("bf16", 32, "bf16", "bf16"), Kind("f32", 0, "f32", "f32"), Kind("q8_0", 7, "q8_0", "q8_0"),
    Kind("q6_k", 18, "q6_k", "q6_k", instead="q8_0"), Kind("q5_k_m", 17, "q5_k", "q6_k", "q6_k", "q5_1"),
    Kind("q5_1", 9, "q5_1", "q8_0"), Kind("q5_0", 8, "q5_0", "q8_0"), Kind("q4_k_m", 15, "q4_k", "q6_k", "q6_k", "q5_0"),
    Kind("q4_1", 3, "q4_1", "q8_0"), Kind("q4_0", 2, "q4_0", "q8_0"),
)}  # fmt: skip
"""The largest first, of those that pack."""


def kind_of(name: str) -> Kind:
    """The kind of this name. MergeError where there is none, or where what makes it is not installed.

    >>> kind_of("Q8_0").main
    'q8_0'
    """
    kind = KINDS.get(name.lower())
    if kind is None:
        raise MergeError(f"{name[:40]!r} is no kind of GGUF file. There are {', '.join(KINDS)}.{nearest(name.lower(), KINDS)}")
    if kind.packed:
        _ggml()
    return kind


def available(kind: Kind) -> bool:
    """Whether what makes it is here."""
    return not kind.packed or importlib.util.find_spec(LLAMA_CPP) is not None


def type_of(kind: Kind, tensor: str, was: str, width: int, layer: int, layers: int, head: bool) -> str:
    """The type of one tensor.

    was    what the converter gives it in a file of q8_0 (or of the kind itself, where that is one of floats)
    width  of its rows; head: whether it makes words; layer, layers: where it stands

    Whatever the converter leaves in floats stays so. K-quants share out bits as llama.cpp's own quantizing does.
    """
    if kind.plain or was != "q8_0":
        return was
    wanted = kind.head if head else kind.main
    if kind.more and not head and (".attn_v." in tensor or ".ffn_down" in tensor):
        eighth = layers // 8
        if layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2:
            wanted = kind.more
    if width % BLOCKS[wanted][0] == 0:
        return wanted
    return "q8_0" if wanted == "q6_k" else kind.instead


def row_bytes(name: str, width: int) -> int:
    """Bytes of a row of so many numbers."""
    block, nbytes = BLOCKS[name]
    return width // block * nbytes


def packed_rows(rows: Tensor, name: str) -> Bytes:
    """Rows (n, width) of floats as a type's bytes (n, row_bytes)."""
    width = rows.shape[1]
    if name in _FLOATS:
        return rows.to(_FLOATS[name]).contiguous().view(torch.uint8).numpy().reshape(len(rows), -1)
    if name == "q8_0" and available_passes() and (compiled := cpu.q8_0(rows)) is not None:
        return compiled.numpy()
    plain: Floats = rows.float().contiguous().numpy()
    if name not in _PASSES:
        return _by_ggml(plain, name)
    with np.errstate(all="ignore"):  # of blocks so small that their scale is nothing
        return _PASSES[name](plain.reshape(-1, BLOCKS[name][0])).reshape(len(rows), row_bytes(name, width))


_FLOATS = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


# ---------------------------------------------------------------------------------------------- blocks of 32
# Each takes blocks (n, 32). Sums and products are of float32 and in gguf's order, so that bytes are equal.


def _inverse(scale: Floats) -> Floats:
    return np.where(scale == 0, np.float32(0), np.float32(1) / scale)


def _half(numbers: Floats) -> Bytes:
    return numbers.astype(np.float16).view(np.uint8)


def _nibbles(numbers: Bytes) -> Bytes:
    """Two numbers below 16 in a byte: one of the block's first half and one of its second."""
    low, high = np.bitwise_and(numbers, np.uint8(15))[:, :16], np.left_shift(numbers, np.uint8(4))[:, 16:]
    return np.bitwise_or(low, high)


def _fifths(numbers: Bytes) -> Bytes:
    """The fifth bits of 32 numbers, in 4 bytes."""
    return np.packbits(numbers >> 4, axis=1, bitorder="little")


def _q8_0(blocks: Floats) -> Bytes:
    scale = np.abs(blocks).max(1, keepdims=True) / np.float32(127)
    numbers = blocks * _inverse(scale)
    size = np.abs(numbers)
    down = np.floor(size)
    down += (size - down) >= np.float32(0.5)  # halves go away from zero
    return np.concatenate([_half(scale), np.copysign(down, numbers).astype(np.int8).view(np.uint8)], 1)


def _around_zero(blocks: Floats, half: int) -> tuple[Bytes, Floats]:
    """Numbers from 0 to 2 half - 1, and the scale: the one of largest magnitude becomes 0."""
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(1, keepdims=True), 1)
    scale = largest / np.float32(-half)
    numbers = np.trunc(blocks * _inverse(scale) + np.float32(half + 0.5)).astype(np.uint8)
    return np.minimum(numbers, np.uint8(2 * half - 1)), scale


def _above_least(blocks: Floats, top: int) -> tuple[Bytes, Floats, Floats]:
    """Numbers from 0 to top, the scale, and the least number."""
    least = blocks.min(1, keepdims=True)
    scale = (blocks.max(1, keepdims=True) - least) / np.float32(top)
    numbers = np.trunc((blocks - least) * _inverse(scale) + np.float32(0.5)).astype(np.uint8)
    return np.minimum(numbers, np.uint8(top)), scale, least


def _q4_0(blocks: Floats) -> Bytes:
    numbers, scale = _around_zero(blocks, 8)
    return np.concatenate([_half(scale), _nibbles(numbers)], 1)


def _q4_1(blocks: Floats) -> Bytes:
    numbers, scale, least = _above_least(blocks, 15)
    return np.concatenate([_half(scale), _half(least), _nibbles(numbers)], 1)


def _q5_0(blocks: Floats) -> Bytes:
    numbers, scale = _around_zero(blocks, 16)
    return np.concatenate([_half(scale), _fifths(numbers), _nibbles(numbers)], 1)


def _q5_1(blocks: Floats) -> Bytes:
    numbers, scale, least = _above_least(blocks, 31)
    return np.concatenate([_half(scale), _half(least), _fifths(numbers), _nibbles(numbers)], 1)


_PASSES: Mapping[str, Callable[[Floats], Bytes]] = {
    "q8_0": _q8_0, "q4_0": _q4_0, "q4_1": _q4_1, "q5_0": _q5_0, "q5_1": _q5_1,
}  # fmt: skip


# ---------------------------------------------------------------------------------------------- K-quants


@cache
def _ggml() -> Any:
    """ggml's own pass, out of the wheel. MergeError where that is not installed, or has no such pass."""
    install = f"pip install {LLAMA_CPP}; q8_0 and q4_0 need nothing more"
    spec = importlib.util.find_spec(LLAMA_CPP)
    if spec is None or not spec.submodule_search_locations:
        raise MergeError(f"K-quants are made by llama.cpp, which is not installed: {install}.")
    files = sorted(file for place in spec.submodule_search_locations for file in Path(place).glob("*.so"))
    try:
        found = ctypes.CDLL(str(files[0])).ggml_quantize_chunk
    except (IndexError, OSError, AttributeError):
        raise MergeError(f"the installed {LLAMA_CPP} has no pass for K-quants that this program knows: {install}.") from None
    long, pointer = ctypes.c_int64, ctypes.c_void_p
    found.restype, found.argtypes = ctypes.c_size_t, [ctypes.c_int, pointer, pointer, long, long, long, pointer]
    return found


def _by_ggml(rows: Floats, name: str) -> Bytes:
    out = np.empty((len(rows), row_bytes(name, rows.shape[1])), np.uint8)
    _ggml()(GGML[name], rows.ctypes.data, out.ctypes.data, 0, len(rows), rows.shape[1], None)
    return out


__all__ = ["BLOCKS", "GGML", "KINDS", "LLAMA_CPP", "Kind", "available", "kind_of", "packed_rows", "row_bytes", "type_of"]
