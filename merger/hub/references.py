"""Model references to folders: a folder on this machine, a model in the Hub's cache, or one that is fetched now."""

import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from merger.errors import CheckpointError, nearest
from merger.files.checkpoints import Checkpoint, open_checkpoint
from merger.files.stores import hidden
from merger.hub import smollm2, store, unpacked
from merger.hub.lora import adapt
from merger.hub.store import Fetched, Report, cached, is_hub_id
from merger.hub.wire import Token, never, status_of
from merger.inside import ours
from merger.regular import is_file, scheme_of

_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_OTHER_KINDS = ("datasets", "spaces", "collections", "papers", "docs", "models", "api")
_brought: dict[str, Path] = {}  # references this process has brought or found; not asked for again


def open_reference(reference: str, roots: Sequence[Path] = (Path(),), token: Token = None) -> Checkpoint:
    """Open a model, or a model with LoRAs: `model`, `model@revision`, `model+lora`, `model+lora@revision+lora2`."""
    name, *loras = parse_reference(reference, roots)
    model = unpacked.told(open_checkpoint(name, folder_of(name, roots, token)))
    return adapt(model, [(lora, folder_of(lora, roots, token)) for lora in loras]) if loras else model


def open_here(reference: str, roots: Sequence[Path] = (Path(),), folders: Collection[str] | None = None) -> Checkpoint:
    """Open a model that is on this machine whole, and never ask the Hub: what the page does with a recipe.

    folders  the only folders that are looked for outside of the Hub's cache, by name; None: any
    """
    name, *loras = parse_reference(reference, roots, folders)
    model = unpacked.told(open_checkpoint(name, _here(name, roots, folders)))
    return adapt(model, [(lora, _here(lora, roots, folders)) for lora in loras]) if loras else model


def _here(reference: str, roots: Sequence[Path], folders: Collection[str] | None) -> Path:
    folder = local(reference, roots) if folders is None or reference in folders else None
    if folder is not None:
        return folder
    packed = _packed(reference, roots) if folders is None else None
    if packed is not None:
        return unpacked.unpacked(packed)
    if scheme_of(reference):  # whoever asks, this machine's credentials are not theirs
        raise CheckpointError(f"{hidden(reference)}: is an address, and here only folders and models of the Hub are opened.")
    folder = cached(reference) if is_hub_id(reference) else None
    if folder is None and reference == smollm2.BASE:
        raise CheckpointError(f"{reference}: is not on this machine yet; press SmolLM2-135M-Instruct under Other models first.")
    if folder is None:
        raise CheckpointError(f"{reference}: is not on this machine yet; choose it under Models and download it first.")
    _brought[reference] = folder
    store.used(folder)
    return folder


def parse_reference(reference: str, roots: Sequence[Path] = (Path(),), folders: Collection[str] | None = None) -> tuple[str, ...]:
    """The model and its LoRAs, each with its `@revision`. A `+` in the name of a folder that exists is part of the name.

    folders  the names of folders that count; None: whatever is on the disk

    >>> parse_reference("mistralai/Mistral-7B-v0.1@main+someone/lora+someone/other@v2")
    ('mistralai/Mistral-7B-v0.1@main', 'someone/lora', 'someone/other@v2')
    """

    def known(name: str) -> bool:
        return name in folders if folders is not None else local(name, roots) is not None

    words, parts = reference.split("+"), list[str]()
    while words:
        longest = next((n for n in range(len(words), 1, -1) if known("+".join(words[:n]))), 1)
        parts.append("+".join(words[:longest]))
        del words[:longest]
    if not all(part.strip() for part in parts):
        raise CheckpointError(f"{reference}: write model+lora, with a name on both sides of each `+`.")
    return tuple(parts)


def local(reference: str, roots: Sequence[Path]) -> Path | None:
    """The folder of this name as it is written, if there is one. The family that comes with the program is below every root."""
    try:
        path = Path(reference).expanduser()
        return next((root / path for root in roots if (root / path).is_dir()), None) or ours(path)
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, no such user
        return None


def _packed(reference: str, roots: Sequence[Path]) -> Path | None:
    """The GGUF file of this name, if there is one."""
    try:
        path = Path(reference).expanduser()
        return next((root / path for root in roots if unpacked.is_gguf(root / path)), None)
    except (OSError, ValueError, RuntimeError):
        return None


def folder_of(reference: str, roots: Sequence[Path] = (Path(),), token: Token = None) -> Path:
    """The local folder of one plain reference: a folder (below one of `roots`, if relative), else a Hub id, downloaded.

    CheckpointError when there is neither.
    """
    folder = local(reference, roots)
    if folder is not None:
        return folder
    if reference == smollm2.BASE:
        return smollm2.made()
    packed = _packed(reference, roots)
    if packed is not None:
        return unpacked.unpacked(packed)
    if is_file(Path(reference)):
        raise CheckpointError(f"{reference}: this is a file; name the model's folder.")
    if scheme_of(reference):
        raise CheckpointError(
            f"{hidden(reference)}: is an address, which `merger merge` and `merger inspect` read; here a model is a folder, or "
            "one of the Hub (owner/name).\n  Copy the model to a folder first, or mount the store as one."
        )
    if not is_hub_id(reference):
        raise CheckpointError(
            f"{reference}: no such folder, and no Hub id (owner/name, or owner/name@revision).{_as_folder(reference, roots)}"
        )
    try:
        return bring(reference, token, _bar(reference))
    except CheckpointError as error:
        if not any(words in str(error) for words in ("no such folder here", "is not on this machine")):
            raise
        # a folder's relative path looks like a Hub id
        raise CheckpointError(f"{error}{_as_folder(reference, roots)}") from error.__cause__


def _as_folder(reference: str, roots: Sequence[Path]) -> str:
    """A line on where a reference leads as a path: what is there, and what is not."""
    try:
        path = (roots[0] / Path(reference).expanduser()).absolute()
        known = next(place for place in path.parents if place.is_dir())
        missing, listed = path.relative_to(known).parts[0], [place.name for place in known.iterdir() if place.is_dir()]
    except (OSError, ValueError, RuntimeError, StopIteration, IndexError):
        return ""
    return f"\n  As a folder: {known} holds no folder {missing!r}.{nearest(missing, listed)}"


def bring(
    reference: str, token: Token = None, progress: Report | None = None, cancelled: Callable[[], bool] = never, **more: Any
) -> Path:
    """The folder of a model on the Hub, fetched where it is not here yet; see store.download.

    What this process has brought before, and a commit that is here whole, is not asked for again. Where the Hub cannot be
    reached or does not answer, the copy that is here is used.
    """
    ask = token is not None and store.restricted(reference)  # whether this visitor may is for the Hub to say, each time
    known = _brought.get(reference) or (cached(reference) if len(store.split(reference)[1]) == 40 else None)
    if ask or known is None or cached(f"{store.split(reference)[0]}@{known.name}") is None:
        try:
            known = store.download(reference, token, progress, cancelled, **more)
        except CheckpointError as error:
            silent = error.__context__ is not None and _unreachable(error.__context__)
            known = cached(reference) if silent and not ask else None
            if known is None:
                raise
    _brought[reference] = known
    store.used(known)
    return known


def _unreachable(error: BaseException) -> bool:
    status = status_of(error)
    return status is None or status >= 500 or status == 429


def from_text(text: str) -> str:
    """A reference from what somebody pasted: an id, or the address of a model's page or of a file in it.

    >>> from_text("https://huggingface.co/owner/name/tree/v2?x=1"), from_text(" owner/name ")
    ('owner/name@v2', 'owner/name')
    """
    words = text.strip().removeprefix("hf://").removeprefix("models/")
    if "://" not in words and not words.startswith(tuple(f"{host}/" for host in _HOSTS)):
        if is_hub_id(words):
            return words
        raise CheckpointError(f"{words[:200]}: this is no model's name; write owner/name, as it stands above the model's page.")
    address = urlsplit(words if "://" in words else f"https://{words}")
    parts = [unquote(part) for part in address.path.split("/") if part]
    if address.hostname not in (*_HOSTS, urlsplit(store.endpoint()).hostname):
        raise CheckpointError(f"{words[:200]}: this is no address on huggingface.co.")
    if len(parts) < 2 or parts[0] in _OTHER_KINDS:
        what = f"a page of {parts[0]}" if parts else "the Hub's first page"
        raise CheckpointError(f"{words[:200]}: this is {what[:60]}; paste the address of a model.")
    name = "/".join(parts[:2])
    if len(parts) > 3 and parts[2] in ("tree", "blob", "resolve", "commit"):
        pull = parts[3:6] if parts[3] == "refs" else parts[3:4]
        name = f"{name}@{'/'.join(pull)}" if pull != ["main"] else name
    if not is_hub_id(name):
        raise CheckpointError(f"{words[:200]}: this address names no model.")
    return name


def _bar(reference: str) -> Report | None:
    """A progress bar on stderr, where somebody looks at it."""
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    bar = tqdm(desc=reference, unit="B", unit_scale=True)

    def report(fetched: Fetched) -> None:
        bar.total = fetched.all_size
        bar.update(fetched.all_done - bar.n)
        if fetched.all_done >= fetched.all_size:
            bar.close()

    return report


__all__ = ["bring", "folder_of", "from_text", "is_hub_id", "local", "open_here", "open_reference", "parse_reference"]
