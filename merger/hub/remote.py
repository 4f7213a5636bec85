"""Models on the Hub before they are here: search, relatives, and headers read a few kilobytes at a time."""

import math
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merger.errors import CheckpointError
from merger.files.checkpoints import (
    INDEX,
    Checkpoint,
    Stored,
    check_count,
    check_header,
    parse_header,
    read_json,
    together,
    weight_map,
)
from merger.hub import store
from merger.hub.lora import adapt
from merger.hub.references import local, parse_reference
from merger.hub.store import Listing, RepoFile
from merger.hub.wire import Token, client, file_url, never, own, part, patient
from merger.limits import AFAR_BYTES, SHARDS

_EXPAND = ["safetensors", "config", "cardData", "tags", "downloads", "gated", "private", "pipeline_tag", "likes"]
_QUANTIZED = ("gguf", "gptq", "awq", "exl2", "exl3", "bitsandbytes", "4-bit", "8-bit", "mlx", "compressed-tensors", "fp8", "onnx")
_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2}
_FIRST = 64_000
MAX_READ, MAX_SECONDS = 4_000_000, 20.0
"""The most of one tensor that is read from afar, and the time that a model's reads may take together."""
RELATIONS = ("finetune", "merge", "adapter", "quantized")


@dataclass(frozen=True)
class HubModel:
    """A model on the Hub, as its page says. None where it says nothing.

    nbytes     of its weights, from the dtypes the Hub counted
    base       what its page names as the model it was made from; `relation` says how
    quantized  its weights are no plain numbers: it cannot be merged
    """

    id: str
    architecture: str | None = None
    parameters: int | None = None
    nbytes: int | None = None
    licence: str | None = None
    downloads: int | None = None
    gated: bool = False
    private: bool = False
    base: tuple[str, ...] = ()
    relation: str | None = None
    quantized: bool = False

    @property
    def page(self) -> str:
        """Its page on the Hub."""
        return f"{store.endpoint()}/{self.id}"


def search(query: str, token: Token = None, limit: int = 20) -> tuple[HubModel, ...]:
    """Models whose name holds the words of the query, most used first; only those with safetensors files."""
    words = " ".join(query.split())[:120]
    if not words:
        return ()
    return _list(token, limit, search=words, filter="safetensors")


def relatives(base: str, token: Token = None, limit: int = 20) -> tuple[HubModel, ...]:
    """Fine-tunes of a base that name it on their page, most used first."""
    name = store.split(base)[0]
    listed = _list(token, limit + 10, filter=["safetensors", f"base_model:finetune:{name}"])
    return tuple(one for one in listed if not one.quantized)[:limit]


def about(reference: str, token: Token = None) -> HubModel:
    """What the Hub says about one model."""
    if not store.is_hub_id(reference):
        raise CheckpointError(f"{reference[:200]}: this is no Hub id; write owner/name, or owner/name@revision.")
    name, revision = store.split(reference)
    return hub_model(patient(lambda: client(token).model_info(name, revision=revision, timeout=20), reference, token))


def _list(token: Token, limit: int, **wanted: Any) -> tuple[HubModel, ...]:
    def ask() -> list[Any]:
        return list(client(token).list_models(sort="downloads", limit=limit, expand=_EXPAND, **wanted))

    return tuple(hub_model(info) for info in patient(ask, "search", token, tries=3) if store.is_hub_id(str(info.id)))


def hub_model(info: Any) -> HubModel:
    """A model's page in our words. Everything in it was written by strangers: of the wrong kind, it counts as not said."""
    tags = [str(t) for t in info.tags or () if isinstance(t, str)]
    config = info.config if isinstance(info.config, dict) else {}
    architectures = config.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else config.get("model_type")
    counts = getattr(info.safetensors, "parameters", None) or {}
    counts = {str(k): v for k, v in counts.items() if isinstance(v, int) and v >= 0} if isinstance(counts, dict) else {}
    total = getattr(info.safetensors, "total", None)
    kin = [m for tag in tags if (m := re.fullmatch(rf"base_model:({'|'.join(RELATIONS)}):(.+)", tag))]
    plain = [t.removeprefix("base_model:") for t in tags if t.startswith("base_model:") and t.count(":") == 1]
    base = dict.fromkeys(b for b in (*(m[2] for m in kin), *plain) if store.is_hub_id(b) and b != info.id)
    return HubModel(
        str(info.id),
        str(first)[:80] if isinstance(first, str) else None,
        total if isinstance(total, int) else sum(counts.values()) or None,
        math.ceil(sum(n * _BYTES.get(kind, 1) for kind, n in counts.items())) or None,
        _licence(info, tags),
        info.downloads if isinstance(info.downloads, int) else None,
        bool(info.gated), bool(info.private), tuple(base), kin[0][1] if kin else None,
        "quantization_config" in config or any(t.lower() in _QUANTIZED for t in tags) or bool(kin and kin[0][1] == "quantized"),
    )  # fmt: skip


def _licence(info: Any, tags: Sequence[str]) -> str | None:
    said = getattr(info.card_data, "license", None)
    named = getattr(info.card_data, "license_name", None)
    if said == "other" and isinstance(named, str):
        return named[:80].lower()
    if isinstance(said, str):
        return said[:80].lower()
    return next((t.removeprefix("license:")[:80] for t in tags if t.startswith("license:")), None)


# ---------------------------------------------------------------------------------------------- headers from afar


@dataclass(frozen=True)
class Remote(Checkpoint):
    """A model whose weights are still on the Hub: its headers and the files beside the weights are here.

    download  bytes that are still to be fetched
    `read` gives a few rows (up to 4 MB), read from afar, as the verdict needs them; more is refused.
    """

    download: int = 0
    hub: HubModel | None = None
    _token: Token = field(default=False, repr=False, compare=False)
    _listing: Listing | None = field(default=None, repr=False, compare=False)
    _places: dict[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)
    _kept: dict[tuple[str, int, int], bytearray] = field(
        default_factory=dict[tuple[str, int, int], bytearray], repr=False, compare=False
    )  # fmt: skip
    _until: float = field(default=0.0, repr=False, compare=False)

    def read(self, name: str, rows: slice | None = None) -> Tensor:
        """A run of a tensor's rows. CheckpointError where it is more than a sample, or the Hub is slow."""
        stored = self.tensors[self.own(name)]
        start, stop, _ = (rows or slice(None)).indices(stored.shape[0] if stored.shape else 1)
        shape = (max(0, stop - start), *stored.shape[1:]) if stored.shape else ()
        size = math.prod(shape) * stored.dtype.itemsize
        if self._listing is None or size > MAX_READ or stored.stride is not None:
            raise CheckpointError(f"{self.reference}: not downloaded yet; {name} is still on the Hub.")
        if (name, start, stop) not in self._kept:
            if time.monotonic() > self._until:
                raise CheckpointError(f"{self.reference}: the Hub is too slow to look into the weights from here; download it.")
            offset = stored.offset + start * (stored.nbytes // max(1, stored.shape[0] if stored.shape else 1))
            self._kept[name, start, stop] = bytearray(self._part(stored.file.name, offset, size) if size else b"")
        raw = self._kept[name, start, stop]
        return torch.frombuffer(raw, dtype=stored.dtype).reshape(shape) if raw else torch.empty(shape, dtype=stored.dtype)

    def _part(self, file: str, offset: int, size: int) -> bytes:
        listing = self._listing
        assert listing is not None
        url = self._places.get(file) or file_url(listing.name, listing.commit, file)  # straight to where the Hub sent us before
        raw, self._places[file] = patient(
            lambda: part(url, own(url, self._token), offset, size), self.reference, self._token, tries=2
        )  # fmt: skip
        if len(raw) != size:
            raise CheckpointError(f"{self.reference}: {file} is shorter than its header says.")
        return raw


def peek(
    reference: str, token: Token = None, cancelled: Callable[[], bool] = never, *, only_safetensors: bool = False,
    roots: Sequence[Path] = (Path(),), folders: Collection[str] | None = None,
) -> Checkpoint:  # fmt: skip
    """A model on the Hub as far as plan and verdict need it: config, tokenizer and headers, a few kilobytes of each weight file.

    A LoRA behind a `+` is a folder here (roots and folders as in `open_here`), or small and fetched. CheckpointError when the
    model cannot be read, or only after a download.
    """
    name, *loras = parse_reference(reference, roots, folders)
    listing = store.listing(name, token, cancelled)
    store.fetch(listing, store.companions(listing), token, None, cancelled)
    files = store.weights(listing, only_safetensors)
    if len(files) > SHARDS:
        raise CheckpointError(f"{name}: {len(files)} weight files are more than can be looked at.")
    if any(file.name.endswith(".bin") for file in files):
        raise CheckpointError(f"{name}: has only .bin files, which cannot be looked into from afar; download it first.")
    tensors = _tensors(listing, files, token, cancelled)
    missing = sum(file.size - store.begun(listing, file) for file in files)
    config = read_json(listing.folder / "config.json", required=False)
    model: Checkpoint = Remote(
        name, listing.folder, tensors, config, download=missing, hub=hub_model(listing.info), _token=token, _listing=listing,
        _until=time.monotonic() + MAX_SECONDS,
    )  # fmt: skip
    if loras:

        def place(lora: str) -> Path:
            folder = local(lora, roots) if folders is None or lora in folders else None
            return folder or store.download(lora, token, None, cancelled, only_safetensors=only_safetensors)

        model = adapt(model, [(lora, place(lora)) for lora in loras])
    return model


def _tensors(listing: Listing, files: Sequence[RepoFile], token: Token, cancelled: Callable[[], bool]) -> dict[str, Stored]:
    budget = [int(AFAR_BYTES), 0]

    def header(file: RepoFile) -> Mapping[str, Stored]:
        return _header(listing, file, token, cancelled, budget)

    with ThreadPoolExecutor(min(8, max(1, len(files)))) as pool:
        headers = list(pool.map(header, files))
    index = listing.folder / INDEX
    places = weight_map(index) if len(files) > 1 and index.is_file() else {}
    tensors = together(((listing.folder / f.name, one) for f, one in zip(files, headers, strict=True)), places, listing.reference)
    if not tensors:
        raise CheckpointError(f"{listing.reference}: its files hold no tensors.")
    return tensors


def _header(
    listing: Listing, file: RepoFile, token: Token, cancelled: Callable[[], bool], budget: list[int]
) -> Mapping[str, Stored]:
    """One file's header, in one request or two; from disk where the file is here.

    budget  bytes that the model's headers may still have, and tensors found in them
    """
    place, name = listing.folder / file.name, f"{listing.reference}: {file.name}"
    url = file_url(listing.name, listing.commit, file.name)
    raw, url = patient(lambda: part(url, token, 0, min(_FIRST, file.size)), listing.reference, token, cancelled)
    length = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or length > file.size - 8:
        raise CheckpointError(f"{name}: not a safetensors file, or its beginning is damaged.")
    budget[0] -= length
    if budget[0] < 0:
        raise CheckpointError(f"{name}: its header claims {length:,} bytes; no model needs more than {AFAR_BYTES:,} in all.")
    if length + 8 > len(raw):
        have = len(raw)
        raw += patient(lambda: part(url, own(url, token), have, length + 8 - have), listing.reference, token, cancelled)[0]
    if len(raw) < length + 8:
        raise CheckpointError(f"{name}: ends inside its header.")
    check_header(raw[8 : length + 8], name, afar=True)
    tensors = parse_header(place, raw[8 : length + 8], file.size)
    budget[1] += len(tensors)
    check_count(budget[1], listing.reference, afar=True)
    return tensors


def sizes(models: Iterable[Checkpoint]) -> int:
    """Bytes still to be fetched for some models."""
    return sum(model.download for model in models if isinstance(model, Remote))


def is_here(reference: str, roots: Sequence[Path] = (Path(),)) -> bool:
    """Whether a model can be opened without the network."""
    parts = parse_reference(reference, roots)
    return all(local(name, roots) is not None or store.cached(name) is not None for name in parts)


__all__ = ["HubModel", "Remote", "about", "hub_model", "is_here", "peek", "relatives", "search", "sizes"]
