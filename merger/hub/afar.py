"""Models that are read where they lie, by ranges: in an object store (s3://bucket/model), or on the Hub (hf://owner/name).

Headers are read when a model is opened, and the files beside the weights are copied; of the weights is read what is asked for.
For commands of the owner of a machine: a page never opens an address (hub/references.open_here).
"""

import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from merger.errors import CheckpointError, MergeError
from merger.files import stores
from merger.files.checkpoints import (
    INDEX,
    Checkpoint,
    Stored,
    look_around,
    parse_header,
    read_json,
    together,
    weight_map,
)
from merger.files.ranges import AT_A_TIME, Distant, Ranges, head
from merger.hub import smollm2, store
from merger.hub.lora import adapt
from merger.hub.references import folder_of, local, open_reference, parse_reference
from merger.hub.store import Listing, RepoFile
from merger.hub.wire import Token, file_url, own, part, patient, status_of
from merger.limits import HEADER_BYTES, SHARDS
from merger.regular import scheme_of

FIRST = 64_000
"""Bytes of a file that are asked for first: most headers are shorter."""
_HUB = "hf://"


def open_anywhere(reference: str, roots: Sequence[Path] = (Path(),), token: Token = None) -> Checkpoint:
    """As `open_reference`, and models at an address, which are read by ranges: `s3://bucket/model`, `hf://owner/name@revision`.

    A LoRA behind a `+` is a folder or one of the Hub, which is brought here.
    """
    return _open(reference, roots, token, ranges=False)


def open_by_ranges(reference: str, roots: Sequence[Path] = (Path(),), token: Token = None) -> Checkpoint:
    """The same; models of the Hub too are read by ranges, and not brought here. Folders are read as ever."""
    return _open(reference, roots, token, ranges=True)


def _open(reference: str, roots: Sequence[Path], token: Token, ranges: bool) -> Checkpoint:
    if not scheme_of(reference) and not ranges:
        return open_reference(reference, roots, token)
    name, *loras = parse_reference(reference, roots)
    if name.startswith(_HUB):
        model = _on_hub(name, name.removeprefix(_HUB), token)
    elif scheme_of(name):
        model = _in_store(name)
    elif local(name, roots) is None and store.is_hub_id(name) and name != smollm2.BASE:
        model = _on_hub(name, name, token)
    else:
        return open_reference(reference, roots, token)
    for lora in loras:
        if scheme_of(lora):
            raise CheckpointError(
                f"{stores.hidden(lora)}: a LoRA is read from a folder or from the Hub; copy it to a folder first."
            )
    return adapt(model, [(lora, folder_of(lora, roots, token)) for lora in loras]) if loras else model


# ---------------------------------------------------------------------------------------------- in a store


@dataclass(frozen=True)
class _Copied(Listing):
    """The files of a folder in a store, as of a model on the Hub; those beside the weights are copied to a place of their own."""

    place: Path = field(default=Path(), kw_only=True)

    @property
    def folder(self) -> Path:
        """Where the copies lie."""
        return self.place


def _in_store(address: str) -> Checkpoint:
    there = stores.opened(address)
    lying = {one.name: one for one in there.files() if _NAME.fullmatch(one.name)}
    place = Path(tempfile.mkdtemp(prefix="merger-"))
    try:
        listing = _Copied(
            address, address, "", "", tuple(RepoFile(one.name, one.size, one.word) for one in lying.values()), False, place=place
        )
        small = store.companions(listing)
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            copies = pool.map(lambda file: there.whole(file.name, file.size), small)
            for file, raw in zip(small, copies, strict=True):
                (place / file.name).write_bytes(raw)
        model = _checkpoint(address, listing, lambda file: there.file(lying[file.name]))
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        raise MergeError(
            f"{error.filename or place}: cannot be written: {error.strerror}; name another place in TMPDIR."
        ) from None
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    weakref.finalize(model.afar, shutil.rmtree, place, ignore_errors=True)  # views of the model share it
    return model


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}")


# ---------------------------------------------------------------------------------------------- on the Hub


def _on_hub(reference: str, name: str, token: Token) -> Checkpoint:
    if not store.is_hub_id(name):
        raise CheckpointError(f"{reference[:200]}: write hf://owner/name, or hf://owner/name@revision.")
    listing = store.listing(name, token)
    store.fetch(listing, store.companions(listing), token)
    return _checkpoint(reference, listing, lambda file: _HubFile.of(reference, listing, file, token))


@dataclass
class _HubFile:
    """A file on the Hub at one commit, which cannot change; see files/ranges.Distant."""

    name: str
    size: int
    word: str
    sha: str
    reference: str
    token: Token = field(repr=False)
    url: str = field(repr=False)
    _place: str = field(default="", repr=False)

    @classmethod
    def of(cls, reference: str, listing: Listing, file: RepoFile, token: Token) -> "_HubFile":
        sha = file.digest if len(file.digest) == 64 else ""
        url = file_url(listing.name, listing.commit, file.name)
        return cls(f"{reference}: {file.name}", file.size, file.digest, sha, listing.reference, token, url)

    def read(self, start: int, count: int) -> bytes:
        """Some of its bytes, from where the Hub has sent us before, as long as that is let in."""

        def ask() -> bytes:
            place = self._place or self.url
            try:
                raw, sent = part(place, own(place, self.token), start, count)
            except Exception as error:
                if not self._place or status_of(error) not in (401, 403, 404):
                    raise
                raw, sent = part(self.url, self.token, start, count)  # signed addresses end after a while
            if len(raw) != count:
                raise ConnectionError("cut short")
            self._place = sent
            return raw

        return patient(ask, self.reference, self.token)

    def check(self) -> None:
        """Nothing: a commit's files stay as they are."""


# ---------------------------------------------------------------------------------------------- both


def _checkpoint(reference: str, listing: Listing, distant: Callable[[RepoFile], Distant]) -> Checkpoint:
    """A model from its listing, whose small files are in the listing's folder."""
    folder = listing.folder
    try:
        files = store.weights(listing)
        if any(file.name.startswith("adapter_model") for file in files):
            raise CheckpointError(f"{reference}: this is a LoRA, not a model; write the model before it: MODEL+LORA.")
        if any(file.name.endswith(".bin") for file in files):
            raise CheckpointError(f"{reference}: has only .bin files, which are not read by ranges; bring the model to a folder.")
        if len(files) > SHARDS:
            raise CheckpointError(f"{reference}: has {len(files):,} weight files; no model has more than {SHARDS:,}.")
        seen = look_around(folder)
        with ThreadPoolExecutor(min(AT_A_TIME, max(1, len(files)))) as pool:
            found = list(pool.map(lambda file: _headed(folder / file.name, distant(file)), files))
        index = folder / INDEX
        places = weight_map(index) if len(files) > 1 and index.is_file() else {}
        tensors = together(((file, header) for file, _, header in found), places, reference)
        if not tensors:
            raise CheckpointError(f"{reference}: its files hold no tensors.")
        config = read_json(folder / "config.json", required=False)
    except CheckpointError as error:
        if str(folder) not in str(error):
            raise
        raise type(error)(str(error).replace(str(folder), reference)) from None  # the place of the copies tells nobody anything
    return _focused(Checkpoint(reference, folder, tensors, config, seen, afar=Ranges({file: there for file, there, _ in found})))


def _headed(file: Path, there: Distant) -> tuple[Path, Distant, Mapping[str, Stored]]:
    return file, there, parse_header(file, head(there, FIRST, HEADER_BYTES), there.size)


def _focused(model: Checkpoint) -> Checkpoint:
    assert model.afar is not None
    model.afar.focus((stored.file, stored.offset, stored.nbytes) for stored in model.tensors.values())
    return model


__all__ = ["open_anywhere", "open_by_ranges"]
