"""PyTorch `.bin` files: where each tensor's bytes lie, found without an unpickler. Nothing in the file is ever run.

A `.bin` file is a zip archive: `data.pkl`, a pickle that describes the tensors, and one uncompressed member per
storage. The pickle is walked opcode by opcode; it can name the few things that describe tensors, and nothing else.
"""

import math
import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import torch

from merger.errors import CheckpointError
from merger.limits import NAME_CHARACTERS, PICKLE_BYTES, PICKLE_STEPS, TENSORS
from merger.regular import open_regular

_LIMIT = PICKLE_BYTES
_FREE_STEPS = 400_000
"""Steps for what a pickle holds beside its tensors, and for tensors that share one storage; a fraction of a second."""
_STACK = 100_000
"""The most that waits on the machine's stack: a pickler puts things together in thousands."""
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"

_STORAGES = {
    "DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32, "ShortStorage": torch.int16,
    "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool, "UntypedStorage": torch.uint8,
}  # fmt: skip
_DTYPES = (
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
    torch.bool, torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2,
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A tensor in a file. `stride` in elements, None where the tensor is contiguous; `offset` in bytes."""

    shape: tuple[int, ...]
    stride: tuple[int, ...] | None
    dtype: torch.dtype
    offset: int


def read_places(file: Path) -> dict[str, Place]:
    """The tensors of a `.bin` file, in its order; every claim is checked against the file. CheckpointError otherwise."""
    try:
        with open_regular(file) as handle:
            members = _members(file, handle)
            entries = [name for name in members if name == "data.pkl" or name.endswith("/data.pkl")]
            if len(entries) != 1:
                raise CheckpointError(f"{file}: a zip archive, but no PyTorch checkpoint (no data.pkl in it).")
            root = entries[0].removesuffix("data.pkl")
            start, size = members[entries[0]]
            if size > _LIMIT:
                raise CheckpointError(f"{file}: its pickle of {size} bytes is too large to describe a model.")
            handle.seek(start)
            pickled = handle.read(size)
            if root + "byteorder" in members:
                start, size = members[root + "byteorder"]
                handle.seek(start)
                if handle.read(min(size, 16)) != b"little":
                    raise CheckpointError(f"{file}: its numbers are stored big-endian, which is not supported.")
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read: {error.strerror}.") from None
    storages = {name.removeprefix(root + "data/"): m for name, m in members.items() if name.startswith(root + "data/")}
    try:
        table = _Machine(file, storages).run(pickled)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, struct.error) as error:
        raise CheckpointError(f"{file}: its pickle is damaged ({type(error).__name__}); download the file again.") from None
    if not isinstance(table, dict):
        raise CheckpointError(f"{file}: holds no table of tensors.")
    for name, place in table.items():
        if not isinstance(name, str):
            raise CheckpointError(f"{file}: is no plain table of tensors: a name in it is a number.")
        if len(name) > NAME_CHARACTERS:
            raise CheckpointError(f"{file}: {name[:40]!a}... is not the name of a tensor.")
        if not isinstance(place, Place):
            raise CheckpointError(
                f"{file}: is no plain table of tensors: {name[:80]!r} is {_kind(place)}.\n"
                "  A training checkpoint, perhaps; save the model alone, or get its safetensors version."
            )
    return table


def _kind(value: object) -> str:
    return "a table" if isinstance(value, dict) else f"a {type(value).__name__}"


# ---------------------------------------------------------------------------------------------- the zip archive


def _damaged(file: Path, why: str) -> CheckpointError:
    return CheckpointError(f"{file}: a damaged zip archive ({why}); download the file again.")


def _directory(file: Path, handle: BinaryIO, total: int) -> tuple[int, bytes]:
    """How many members an archive of so many bytes has, and the directory that lists them."""
    handle.seek(0)
    head = handle.read(len(_LEGACY))
    if head == _LEGACY:
        raise CheckpointError(
            f"{file}: written by torch.save before PyTorch 1.6, in a format that cannot be read without running it.\n"
            "  Get the safetensors version, or load it with torch.load(..., weights_only=True) and save it again."
        )
    if head[:4] != b"PK\3\4":
        raise CheckpointError(f"{file}: not a PyTorch file, or its beginning is damaged ({total} bytes).")
    tail_at = max(0, total - 66_000)  # the end record, and a comment of at most 65535 bytes after it
    handle.seek(tail_at)
    tail = handle.read()
    end = tail.rfind(b"PK\5\6")
    if end < 0 or len(tail) - end < 22:
        raise _damaged(file, "no directory at its end: truncated")
    count, size, start = struct.unpack_from("<HII", tail, end + 10)
    if tail[max(0, end - 20) : end][:4] == b"PK\6\7":  # zip64: the real numbers are elsewhere
        (record_at,) = struct.unpack_from("<Q", tail, end - 12)
        handle.seek(min(record_at, total))
        record = handle.read(56)
        if len(record) < 56 or record[:4] != b"PK\6\6":
            raise _damaged(file, "its zip64 record is missing")
        count, size, start = struct.unpack_from("<QQQ", record, 32)
    if size > _LIMIT or start + size > total:
        raise _damaged(file, "its directory is not inside the file")
    if count > TENSORS + 1000:  # beside the storages
        raise CheckpointError(f"{file}: an archive of {count:,} members; no model has more than {TENSORS:,} tensors.")
    handle.seek(start)
    return count, handle.read(size)


def _members(file: Path, handle: BinaryIO) -> dict[str, tuple[int, int]]:
    """Member name -> (first byte, bytes). Only stored members, each once and inside the file."""
    total = handle.seek(0, 2)
    count, directory = _directory(file, handle, total)
    at = 0
    members: dict[str, tuple[int, int]] = {}
    for _ in range(count):
        if at + 46 > len(directory) or directory[at : at + 4] != b"PK\1\2":
            raise _damaged(file, "its directory ends early")
        flags, method = struct.unpack_from("<HH", directory, at + 8)
        packed, nbytes, name_length, extra_length, comment_length = struct.unpack_from("<IIHHH", directory, at + 20)
        (header_at,) = struct.unpack_from("<I", directory, at + 42)
        name = directory[at + 46 : at + 46 + name_length].decode("utf-8", "replace")
        extra = directory[at + 46 + name_length : at + 46 + name_length + extra_length]
        at += 46 + name_length + extra_length + comment_length
        nbytes, packed, header_at = _wide(extra, nbytes, packed, header_at)
        if flags & 1:
            raise CheckpointError(f"{file}: {name[:80]!r} in it is encrypted, which is not supported.")
        if method != 0 or packed != nbytes:
            raise CheckpointError(
                f"{file}: {name[:80]!r} in it is compressed, which torch.save never does.\n  Get the safetensors version."
            )
        if name in members:
            raise _damaged(file, f"{name[:80]!r} is in it twice")
        handle.seek(min(header_at, total))
        local = handle.read(30)
        if len(local) < 30 or local[:4] != b"PK\3\4":
            raise _damaged(file, f"{name[:80]!r} is not where the directory says")
        first = header_at + 30 + sum(struct.unpack_from("<HH", local, 26))
        if first + nbytes > total:
            raise CheckpointError(
                f"{file}: truncated: {name[:80]!r} in it ends at byte {first + nbytes}, the file has {total}.\n"
                "  Download the file again."
            )
        members[name] = (first, nbytes)
    return members


def _wide(extra: bytes, *numbers: int) -> list[int]:
    """The 64-bit values of the numbers that did not fit 32 bits, from a member's zip64 field, in the format's order."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            field = extra[at + 4 : at + 4 + length]
            wide = iter([int.from_bytes(field[i : i + 8], "little") for i in range(0, len(field) - 7, 8)])
            return [next(wide, n) if n == 0xFFFFFFFF else n for n in numbers]
        at += 4 + length
    return list(numbers)


# ---------------------------------------------------------------------------------------------- the pickle


@dataclass(frozen=True)
class _Storage:
    dtype: torch.dtype
    start: int
    nbytes: int


_MARK = object()
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUSHED = {
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4",
    "BINFLOAT", "FLOAT", "BINSTRING", "SHORT_BINSTRING", "STRING",
}  # fmt: skip


class _Machine:
    """Walks a pickle's opcodes. Every name it meets is one of the methods below, a dtype, or a refusal."""

    def __init__(self, file: Path, storages: dict[str, tuple[int, int]]) -> None:
        self._file = file
        self._storages = storages
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._callable: dict[str, Callable[..., Any]] = {
            "collections.OrderedDict": self._ordered_dict,
            "torch._utils._rebuild_tensor_v2": self._tensor,
            "torch._utils._rebuild_tensor_v3": self._typed_tensor,
            "torch._utils._rebuild_parameter": self._parameter,
            "torch.Size": self._size,
        }
        self._known: dict[str, Any] = dict(self._callable)
        for name, dtype in _STORAGES.items():
            self._known |= {f"torch.{name}": (dtype, name), f"torch.storage.{name}": (dtype, name)}
        self._known |= {str(dtype): dtype for dtype in _DTYPES}
        self._operations: dict[str, Callable[[Any], None]] = {
            **dict.fromkeys(_PUSHED, self._push),
            **dict.fromkeys(("PROTO", "FRAME"), self._pass),
            **dict.fromkeys(("BINGET", "LONG_BINGET", "GET"), self._recall),
            **dict.fromkeys(("BINPUT", "LONG_BINPUT", "PUT"), self._keep),
            **dict.fromkeys(("GLOBAL", "INST"), self._global),
            **{name: partial(self._tuple_of, count) for name, count in _TUPLES.items()},
            "MEMOIZE": self._keep_next,
            "EMPTY_DICT": lambda _: self._push({}),
            "EMPTY_LIST": lambda _: self._push([]),
            "EMPTY_TUPLE": lambda _: self._push(()),
            "NONE": lambda _: self._push(None),
            "NEWTRUE": lambda _: self._push(True),
            "NEWFALSE": lambda _: self._push(False),
            "MARK": lambda _: self._push(_MARK),
            "TUPLE": self._tuple,
            "LIST": self._list,
            "DICT": self._dict,
            "STACK_GLOBAL": self._stack_global,
            "BINPERSID": self._persistent,
            "REDUCE": self._reduce,
            "BUILD": self._build,
            "SETITEM": lambda _: self._set(self._popped(2)),
            "SETITEMS": lambda _: self._set(self._since_mark()),
            "APPEND": lambda _: self._append(self._popped(1)),
            "APPENDS": lambda _: self._append(self._since_mark()),
        }

    def run(self, pickled: bytes) -> Any:
        """The pickled object, with a Place for every tensor. ValueError and its like when the pickle is damaged."""
        steps = _FREE_STEPS + PICKLE_STEPS * len(self._storages)
        for opcode, argument, _ in pickletools.genops(pickled):
            steps -= 1
            if steps < 0 or len(self._stack) > _STACK:
                raise CheckpointError(f"{self._file}: its pickle goes on and on; a table of so few tensors is not so long.")
            if opcode.name == "STOP":
                return self._stack.pop()
            if opcode.name not in self._operations:
                raise CheckpointError(f"{self._file}: its pickle uses {opcode.name}, which no table of tensors needs; refused.")
            self._operations[opcode.name](argument)
        raise ValueError

    # -------------------------------------------------------------------------- what an opcode does, told its argument

    def _pass(self, _: Any) -> None:
        """What frames the others."""

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _recall(self, index: Any) -> None:
        self._stack.append(self._memo[int(index)])

    def _keep(self, index: Any) -> None:
        self._memo[int(index)] = self._stack[-1]

    def _keep_next(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _tuple(self, _: Any) -> None:
        self._stack.append(tuple(self._since_mark()))

    def _tuple_of(self, count: int, _: Any) -> None:
        self._stack.append(tuple(self._popped(count)))

    def _list(self, _: Any) -> None:
        self._stack.append(self._since_mark())

    def _dict(self, _: Any) -> None:
        if self._since_mark():
            raise ValueError  # no pickler fills a table this way
        self._stack.append({})

    def _global(self, name: Any) -> None:
        self._stack.append(self._named(str(name).replace(" ", ".")))

    def _stack_global(self, _: Any) -> None:
        module, attribute = self._popped(2)
        if not isinstance(module, str) or not isinstance(attribute, str):
            raise TypeError
        self._stack.append(self._named(f"{module}.{attribute}"))

    def _persistent(self, _: Any) -> None:
        self._stack.append(self._storage(*self._stack.pop()))

    def _reduce(self, _: Any) -> None:
        call, arguments = self._popped(2)
        if not callable(call):
            raise TypeError
        self._stack.append(call(*arguments))

    def _build(self, _: Any) -> None:
        self._stack.pop()  # the state of an OrderedDict: its _metadata, which nothing here needs
        if not isinstance(self._stack[-1], dict):
            raise TypeError

    def _set(self, items: list[Any]) -> None:
        if not all(isinstance(key, (str, int)) for key in items[::2]):  # a deeply nested key could not be hashed
            raise TypeError
        self._stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def _append(self, items: list[Any]) -> None:
        self._stack[-1].extend(items)

    def _popped(self, count: int) -> list[Any]:
        """So many from the top of the stack, the top last."""
        return [self._stack.pop() for _ in range(count)][::-1]

    def _since_mark(self) -> list[Any]:
        items: list[Any] = []
        while (item := self._stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def _named(self, name: str) -> Any:
        if name not in self._known:
            shown = name if name.isprintable() and len(name) <= 80 else ascii(name[:80])
            raise CheckpointError(
                f"{self._file}: its pickle asks to run {shown}, which weights never need; refused, nothing was run.\n"
                "  Get the safetensors version."
            )
        return self._known[name]

    def _ordered_dict(self) -> dict[Any, Any]:
        return {}

    def _size(self, sizes: Any) -> tuple[int, ...]:
        return tuple(sizes)

    def _parameter(self, data: Any, *_: Any) -> Any:
        return data

    def _storage(self, kind: str, typed: tuple[torch.dtype, str], key: str, _: str, numel: int) -> _Storage:
        dtype, name = typed
        if kind != "storage" or type(numel) is not int or type(key) is not str:
            raise TypeError
        if key not in self._storages:
            raise CheckpointError(f"{self._file}: its pickle names the storage {key[:80]!r}, which is not in the file.")
        start, nbytes = self._storages[key]
        if name != "UntypedStorage" and numel * dtype.itemsize > nbytes:
            raise CheckpointError(
                f"{self._file}: the storage {key[:80]!r} needs {numel * dtype.itemsize} bytes, the file gives it {nbytes}."
            )
        return _Storage(dtype, start, nbytes)

    def _tensor(self, storage: _Storage, offset: int, shape: Any, stride: Any, *_: Any) -> Place:
        return self._placed(storage, storage.dtype, offset, shape, stride)

    def _typed_tensor(self, storage: _Storage, offset: int, shape: Any, stride: Any, *more: Any) -> Place:
        dtype = more[2]  # after requires_grad and hooks
        if not isinstance(dtype, torch.dtype):
            raise TypeError
        return self._placed(storage, dtype, offset, shape, stride)

    def _placed(self, storage: _Storage, dtype: torch.dtype, offset: int, shape: Any, stride: Any) -> Place:
        shape, stride = tuple(shape), tuple(stride)
        if len(shape) != len(stride) or len(shape) > 16:
            raise ValueError
        if not all(type(n) is int and 0 <= n < 1 << 48 for n in (offset, *shape, *stride)):
            raise ValueError
        numel = math.prod(shape)
        last = offset + sum((n - 1) * step for n, step in zip(shape, stride, strict=True)) + 1 if numel else 0
        room = storage.nbytes // dtype.itemsize
        if last > room or numel > room:
            raise CheckpointError(
                f"{self._file}: a tensor of shape {shape} reaches beyond its storage of {storage.nbytes} bytes."
            )
        dense = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
        plain = numel == 0 or all(n == 1 or step == want for n, step, want in zip(shape, stride, dense, strict=True))
        return Place(shape, None if plain else stride, dtype, storage.start + offset * dtype.itemsize)
