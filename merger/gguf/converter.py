"""What llama.cpp's own converter makes of a model, learnt without its weights. A process of its own: it imports the converter.

The converter is handed tensors that hold nothing but their names. Where each of its outputs is rows of theirs, in whatever
order, perhaps with a number added, the rows are told; whatever else it makes is made by it, when the weights are there.
"""

import contextlib
import importlib
import json
import logging
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from merger.errors import CheckpointError, out_of_memory
from merger.files.checkpoints import format_bytes
from merger.gguf.kinds import GGML, KINDS, Kind, row_bytes, type_of
from merger.tokenizer import safe
from merger.tokenizer.tokens import chat_template_of

_FILE_TYPES = {"f32": 0, "f16": 1, "bf16": 32, "q8_0": 7}
_ODD = 0.37
"""A number that a row's place is told by no multiple of."""
Made = Callable[[str], Tensor]
Want = Callable[[str], str]


class Refused(Exception):
    """The converter cannot do it; the message says why."""


def serve(memory: int) -> None:
    """Answer lines of JSON with lines of JSON: first what to learn, then what to make. memory: bytes that it may take."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    with contextlib.suppress(AttributeError, OSError):
        os.nice(5)  # whoever waits for an answer of the page goes first
    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    logging.disable(logging.CRITICAL)

    def say(what: Mapping[str, Any]) -> None:
        said.write(json.dumps(what) + "\n")
        said.flush()

    def want(name: str) -> str:
        say({"wants": name})
        return json.loads(sys.stdin.readline())["file"]

    session = Session(memory, want, say)
    while line := sys.stdin.readline():
        say(session.answer(json.loads(line)))


class Session:
    """What the process knows between questions.

    memory  bytes that it may take
    want    gives a file with a tensor's bytes
    say     tells how far it is
    """

    def __init__(self, memory: int, want: Want, say: Callable[[Mapping[str, Any]], None] = lambda what: None) -> None:
        self._memory, self._want, self._say = memory, want, say
        self._learnt: Learnt | None = None

    def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """To the first question how a model becomes a file, to all others what was made; or why it was refused."""
        try:
            if "unpack" in asked:
                from merger.gguf import reading

                return reading.unpack(asked, self._say)
            if self._learnt is None:
                self._learnt = learn(asked, self._want)
                return self._learnt.told(Path(asked["home"]))
            return {"bytes": self._learnt.make(asked["into"], asked["sources"], Path(asked["file"]))}
        except MemoryError:
            return self._too_much()
        except (Refused, CheckpointError) as error:
            return {"refused": str(error)}
        except Exception as error:  # whatever the converter raises
            if out_of_memory(error) or "failed to map segment" in str(error):
                return self._too_much()
            return {"refused": f"stopped ({type(error).__name__}: {safe.first_line(error)})"}

    def _too_much(self) -> dict[str, str]:
        return {"refused": f"takes more memory than {format_bytes(self._memory)}"}


# ---------------------------------------------------------------------------------------------- learning


@dataclass
class Learnt:
    """A model as the converter sees it: its tensors without weights, and how the file's are made of them.

    leaves   the converter's stand-ins by their identity: name, kept so that no other gets the same
    outputs  the file's tensors in its order: type, shape in numbers, bytes, the converter's own
    turned   what it made of the sources, before any packing
    """

    base: Any
    gguf: Any
    kind: Kind
    shapes: Mapping[str, tuple[int, ...]]
    leaves: dict[int, tuple[str, Any]] = field(default_factory=dict[int, tuple[str, Any]])
    turned: dict[str, Any] = field(default_factory=dict[str, Any])
    outputs: dict[str, tuple[str, tuple[int, ...], int, Any]] = field(
        default_factory=dict[str, tuple[str, tuple[int, ...], int, Any]]
    )
    header: Path = Path()
    alignment: int = 32

    def told(self, home: Path) -> dict[str, Any]:
        """Where everything goes, as JSON; rows go into a file beside it."""
        places, turns, whole, constants, listed = list[Any](), list[Any](), dict[str, list[str]](), dict[str, str](), list[Any]()
        at, end = 0, self.header.stat().st_size
        for into, (kind, shape, nbytes, own) in self.outputs.items():
            places.append([into, kind, list(shape), end, nbytes])
            end += -(-nbytes // self.alignment) * self.alignment
            made = self.turned.get(into, own)
            if not self.sources(made):
                constants[into] = f"constant-{len(places)}"
                (home / constants[into]).write_bytes(self.packed(into, lambda name: torch.empty(0)))
                continue
            found = list(self.turns(made))
            if any(turn is None for turn in found):
                whole[into] = self.sources(made)
                continue
            for source, start, rows, count, add in (turn for turn in found if turn is not None):
                turns.append([into, source, start, count, None if rows is None else at, add])
                if rows is not None:
                    listed.append(rows)
                    at += len(rows)
        np.concatenate([np.zeros(0, np.int64), *listed]).tofile(home / "rows")
        return {"places": places, "turns": turns, "whole": whole, "constants": constants, "size": end}

    def sources(self, made: Any) -> list[str]:
        """The names of the tensors that something is made of."""
        found = dict[str, None]()
        waiting, seen = [made], set[int]()
        while waiting:
            one = waiting.pop()
            if isinstance(one, (list, tuple)):
                waiting.extend(one)
            elif isinstance(one, self.gguf.LazyBase) and id(one) not in seen:
                seen.add(id(one))
                known = self.leaves.get(id(one))
                if known:
                    found[known[0]] = None
                else:
                    waiting.extend([*one._args, *one._kwargs.values()])
        return list(found)

    def value(self, made: Any, given: Made) -> Any:
        """What the converter makes where the tensors are those given."""
        known = dict[int, Any]()

        def of(one: Any) -> Any:
            if id(one) not in known:
                leaf = self.leaves.get(id(one))
                if leaf:
                    known[id(one)] = given(leaf[0])
                elif one._data is not None:
                    known[id(one)] = one._data
                else:
                    known[id(one)] = one._func(*self.gguf.LazyBase._recurse_apply(one._args, of), **one._kwargs)
            return known[id(one)]

        return self.gguf.LazyBase._recurse_apply(made, of)

    def turns(self, made: Any) -> Iterator[tuple[str, int, Any, int, float] | None]:
        """(source, first row, its rows or None for all, how many, what is added) of each part of an output; None: not of rows."""
        for part, start in _parts(made):
            try:
                found = self._turn(part)
            except Exception:  # of whatever kind: then the converter does it with the weights
                found = None
            yield None if found is None else (found[0], start, *found[1:])

    def _turn(self, made: Any) -> tuple[str, Any, int, float] | None:
        names = self.sources(made)
        shape = self.shapes[names[0]]
        if len(names) != 1 or not shape:
            return None
        width = shape[-1] if len(shape) > 1 else 1
        if (made.shape[-1] if len(made.shape) > 1 else 1) != width:
            return None
        lead = shape[:-1] if len(shape) > 1 else shape
        count = math.prod(lead)
        if count >= 1 << 24:  # float32 counts no further
            return None
        own = (*lead, width) if len(shape) > 1 else lead
        row = torch.arange(count, dtype=torch.float32).view(lead)
        row = row.unsqueeze(-1).expand(own) if len(shape) > 1 else row
        column = torch.arange(width, dtype=torch.float32).expand(own)

        def ask(tensor: Tensor) -> Tensor:
            found: Tensor = self.value(made, lambda _: tensor)
            return _narrow(found.reshape(-1, width))

        added, odd = ask(torch.zeros(()).expand(own)), ask(torch.tensor(_ODD).expand(own))
        add = float(added.flatten()[0])
        rows, columns = ask(row) - add, ask(column) - add
        fine = (added == add).all() and (odd == torch.tensor(_ODD) + add).all() and (rows == rows[:, :1]).all()
        wanted = torch.arange(width, dtype=torch.float32)
        if not fine or columns.shape[1] != width or not (columns == wanted).all():
            return None
        places = rows[:, 0].long().numpy()
        plain = len(places) == count and bool((places == np.arange(count)).all())
        return names[0], None if plain else places, len(places), add

    def packed(self, into: str, given: Made) -> bytes:
        """A tensor of the file, made and packed by the converter's own functions."""
        kind, _, _, own = self.outputs[into]
        if into not in self.turned:
            return np.ascontiguousarray(self.value(own, given)).tobytes()
        plain = self.value(self.turned[into], given).numpy()
        return self.gguf.quants.quantize(plain, self.gguf.GGMLQuantizationType(GGML[kind])).tobytes()

    def make(self, into: str, sources: Mapping[str, Sequence[str]], file: Path) -> int:
        """Write a tensor of the file, from files of the sources' bytes: name -> file, dtype."""

        def given(name: str) -> Tensor:
            where, dtype = sources[name]
            raw = _stored(Path(where), dtype, self.shapes[name])
            return raw if raw.dtype in (torch.float16, torch.float32) else raw.float()

        return file.write_bytes(self.packed(into, given))


def _stored(file: Path, dtype: str, shape: Sequence[int]) -> Tensor:
    return torch.from_numpy(np.fromfile(file, np.uint8)).view(getattr(torch, dtype)).view(tuple(shape))


def _parts(made: Any) -> Iterator[tuple[Any, int]]:
    """What an output is put together of along its first rows, each with its first row: experts, most of the time."""
    function: Any = getattr(made, "_func", None)
    arguments: Any = getattr(made, "_args", ())
    along = [*arguments[1:2], *getattr(made, "_kwargs", {}).values()]
    if function in (torch.stack, torch.cat, torch.concat) and along in ([], [0]) and isinstance(arguments[0], (list, tuple)):
        inner = list(arguments[0])
        if function is not torch.stack or all(len(one.shape) > 1 for one in inner):
            start = 0
            for one in inner:
                yield one, start
                start += int(np.prod(one.shape[:-1])) if len(one.shape) > 1 else one.shape[0]
            return
    yield made, 0


def _narrow(rows: Tensor) -> Tensor:
    """A tensor without what it only repeats: its strides tell that without a look. (n, width), or 1 for either."""
    for axis in (0, 1):
        if rows.stride(axis) == 0 and rows.shape[axis] > 1:
            rows = rows.narrow(axis, 0, 1)
    return rows


# ---------------------------------------------------------------------------------------------- the converter


def learn(asked: Mapping[str, Any], want: Want) -> Learnt:
    """Run the converter on a model without weights; write the file's header. Refused says what it cannot do.

    want  gives a file with a tensor's bytes, for the few that the header is made of
    """
    base, classes, gguf = modules(asked["paths"])
    kind = KINDS[asked["kind"]]
    learnt = Learnt(base, gguf, kind, {name: tuple(shape) for name, (_, shape) in asked["tensors"].items()})
    model = follow(learnt, classes, _folder(asked), asked, want)
    with torch.inference_mode():
        try:
            model.prepare_metadata(vocab_only=False)
        except ModuleNotFoundError as error:
            raise Refused(f"needs the package {error.name}: pip install {error.name}") from None
    _write(learnt, model, Path(asked["home"]))
    return learnt


def modules(paths: Sequence[str]) -> tuple[Any, Any, Any]:
    """The converter's base, its classes, and the `gguf` it goes with. Refused where they are not as they are known here."""
    sys.path[:0] = paths
    try:
        base: Any = importlib.import_module("conversion.base")
        classes: Any = importlib.import_module("conversion")
        gguf: Any = importlib.import_module("gguf")
        _ = base.ModelBase.index_tensors, base.LazyTorchTensor, classes.get_model_class, gguf.LazyBase
    except (ImportError, AttributeError) as error:
        if "failed to map segment" in str(error):
            raise
        raise Refused(f"is not as this program knows it ({safe.first_line(error)})") from None
    return base, classes, gguf


def follow(learnt: Learnt, classes: Any, folder: Path, asked: Mapping[str, Any], want: Want) -> Any:
    """The converter's model of a folder with a config, after it has gone through all tensors."""
    config = learnt.base.ModelBase.load_hparams(folder, False)
    architecture = learnt.base.get_model_architecture(config, learnt.base.ModelType.TEXT)
    try:
        own = classes.get_model_class(architecture)
    except NotImplementedError:
        raise Refused(f"knows no {architecture}") from None
    model = _model(learnt, own, folder, asked, want)
    with torch.inference_mode():
        model.prepare_tensors()
    return model


def _folder(asked: Mapping[str, Any]) -> Path:
    """The folder that the converter sees: tokenizer, config and chat template, cleaned; named as the model is."""
    folder = Path(asked["home"]) / "seen" / asked["name"]
    folder.mkdir(parents=True)
    words = Path(asked["words"])
    safe.copy(words, folder)
    (folder / "config.json").write_text(json.dumps(asked["config"]), encoding="utf-8")
    template = chat_template_of(words)
    if template is not None:
        (folder / safe.TEMPLATE).write_text(template, encoding="utf-8")
    return folder


def _model(learnt: Learnt, own: Any, folder: Path, asked: Mapping[str, Any], want: Want) -> Any:
    """The converter's model of this class, whose tensors are stand-ins; what it makes of them is noted."""
    base, gguf = learnt.base, learnt.gguf

    def stand_in(name: str, dtype: str, shape: Sequence[int]) -> Callable[[], Any]:
        meta = base.LazyTorchTensor.meta_with_dtype_and_shape(getattr(torch, dtype), tuple(shape))

        def weights() -> Tensor:
            return _stored(Path(want(name)), dtype, shape)

        lazy = base.LazyTorchTensor(meta=meta, args=(), func=weights)
        learnt.leaves[id(lazy)] = (name, lazy)
        return lambda: lazy

    def index_tensors(self: Any, remote_hf_model_id: str | None = None) -> dict[str, Any]:
        stand_ins = ((name, stand_in(name, dtype, shape)) for name, (dtype, shape) in asked["tensors"].items())
        return dict(item for item in map(self.filter_tensors, stand_ins) if item)

    def modify_tensors(self: Any, data_torch: Any, name: str, bid: int | None) -> Iterator[tuple[str, Any]]:
        for into, made in own.modify_tensors(self, data_torch, name, bid):
            learnt.turned[into] = made
            yield into, made

    def get_vocab_base_pre(self: Any, tokenizer: Any) -> str:
        try:
            return own.get_vocab_base_pre(self, tokenizer)
        except NotImplementedError:
            found = _by_origin(self, own, asked) or by_form(folder / "tokenizer.json")
            if found is None:
                raise Refused("does not know how this tokenizer splits a text before it looks for tokens") from None
            return found

    names = {"model_arch": own.model_arch, "modify_tensors": modify_tensors, "get_vocab_base_pre": get_vocab_base_pre}
    made = type(own.__name__, (own,), names)
    kept = learnt.kind.main if learnt.kind.plain else "q8_0"
    from_files = base.ModelBase.index_tensors  # which some classes go through, with things of their own to note
    base.ModelBase.index_tensors = index_tensors
    try:
        return made(folder, gguf.LlamaFileType(_FILE_TYPES[kept]), folder.parent / "unused.gguf")
    finally:
        base.ModelBase.index_tensors = from_files


def _by_origin(model: Any, own: Any, asked: Mapping[str, Any]) -> str | None:
    """How a text is split, by the tokenizer that an output's began with: new tokens change what the converter goes by."""
    if not asked["origin"]:
        return None
    with contextlib.suppress(NotImplementedError):
        return own.get_vocab_base_pre(model, safe.tokenizer(Path(asked["origin"])))
    return None


_LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def by_form(file: Path) -> str | None:
    """llama.cpp's name for how a tokenizer.json splits a text, by what it says itself; None for another form."""
    document = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    model, splitter = document.get("model") or {}, document.get("pre_tokenizer") or {}
    steps = splitter.get("pretokenizers", [splitter])
    forms = [_form(step) for step in steps if isinstance(step, dict)]
    if model.get("type") != "BPE" or not forms or forms[-1][0] != "ByteLevel":
        return None
    if not model.get("merges"):
        return "gpt-2"  # each byte is a token, however a text is split
    named: dict[tuple[tuple[str, Any], ...], str] = {
        (("ByteLevel", True),): "gpt-2",
        (("Digits", True), ("ByteLevel", True)): "smollm",
        (("Split", _LLAMA3), ("ByteLevel", False)): "llama-bpe",
        (("Split", _QWEN2), ("ByteLevel", False)): "qwen2",
    }
    return named.get(tuple(forms))


def _form(step: Mapping[str, Any]) -> tuple[str, Any]:
    kind = str(step.get("type"))
    if kind == "ByteLevel":
        return kind, None if step.get("add_prefix_space") else step.get("use_regex", True)
    if kind == "Digits":
        return kind, step.get("individual_digits")
    isolated = step.get("behavior") == "Isolated" and not step.get("invert")
    return kind, (step.get("pattern") or {}).get("Regex") if kind == "Split" and isolated else None


def _write(learnt: Learnt, model: Any, home: Path) -> None:
    """The file up to its first tensor, with each tensor's own type."""
    gguf, kind, writer = learnt.gguf, learnt.kind, model.gguf_writer
    tensors: dict[str, Any] = writer.tensors[0]
    head = "output.weight" if "output.weight" in tensors else "token_embd.weight"
    for name, info in tensors.items():
        shape = tuple(int(n) for n in info.shape)
        layer = next((int(part) for part in name.split(".") if part.isdecimal()), 0)
        was = info.dtype.name.lower()
        mine = type_of(kind, name, was, shape[-1] if shape else 1, layer, model.block_count, name == head)
        if mine != was:
            info.dtype = gguf.GGMLQuantizationType(GGML[mine])
            info.nbytes = int(np.prod(shape[:-1], dtype=np.int64)) * row_bytes(mine, shape[-1])
        learnt.outputs[name] = (mine, shape, int(info.nbytes), info.tensor)
    _some_merge(writer)
    if not kind.plain:
        writer.kv_data[0]["general.file_type"].value = kind.number
    learnt.header, learnt.alignment = home / "header", int(writer.data_alignment)
    writer.write_header_to_file(path=learnt.header)
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    file = writer.fout[0]
    writer.write_padding(file, file.tell())
    file.close()


def _some_merge(writer: Any) -> None:
    """llama.cpp loads no vocabulary of bytes without a merge: it gets one of two texts that no merge makes."""
    told: dict[str, Any] = writer.kv_data[0]
    model, tokens = told.get("tokenizer.ggml.model"), told.get("tokenizer.ggml.tokens")
    if model is None or tokens is None or model.value != "gpt2" or "tokenizer.ggml.merges" in told:
        return
    texts = [one.decode() if isinstance(one, bytes) else str(one) for one in tokens.value]
    never = next((text for text in texts if len(text) > 1 and " " not in text), "<s>")
    writer.add_token_merges([f"{never} {never}"])


__all__ = ["Learnt", "Refused", "Session", "by_form", "follow", "learn", "modules", "serve"]
