"""Model references to folders. The only module that knows the Hugging Face Hub."""

import re
from collections.abc import Sequence
from pathlib import Path

from merger.checkpoints import Checkpoint, open_checkpoint
from merger.errors import CheckpointError
from merger.lora import adapt

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")
_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "README.md", "LICENSE*")
_BINS = ("pytorch_model*.bin", "adapter_model.bin")


def open_reference(reference: str, roots: Sequence[Path] = (Path(),)) -> Checkpoint:
    """Open a model, or a model with LoRAs: `model`, `model@revision`, `model+lora`, `model+lora@revision+lora2`."""
    name, *loras = parse_reference(reference, roots)
    model = open_checkpoint(name, folder_of(name, roots))
    return adapt(model, [(lora, folder_of(lora, roots)) for lora in loras]) if loras else model


def parse_reference(reference: str, roots: Sequence[Path] = (Path(),)) -> tuple[str, ...]:
    """The model and its LoRAs, each with its `@revision`. A `+` in the name of a folder that exists is part of the name.

    >>> parse_reference("mistralai/Mistral-7B-v0.1@main+someone/lora+someone/other@v2")
    ('mistralai/Mistral-7B-v0.1@main', 'someone/lora', 'someone/other@v2')
    """
    words, parts = reference.split("+"), list[str]()
    while words:
        longest = next((n for n in range(len(words), 1, -1) if _local("+".join(words[:n]), roots)), 1)
        parts.append("+".join(words[:longest]))
        del words[:longest]
    if not all(part.strip() for part in parts):
        raise CheckpointError(f"{reference}: write model+lora, with a name on both sides of each `+`.")
    return tuple(parts)


def _local(reference: str, roots: Sequence[Path]) -> Path | None:
    """The folder of this name as it is written, if there is one."""
    try:
        path = Path(reference).expanduser()
        return next((root / path for root in roots if (root / path).is_dir()), None)
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, no such user
        return None


def folder_of(reference: str, roots: Sequence[Path] = (Path(),)) -> Path:
    """The local folder of one plain reference: a folder (below one of `roots`, if relative), else a Hub id, downloaded.

    CheckpointError when there is neither.
    """
    folder = _local(reference, roots)
    if folder is not None:
        return folder
    if Path(reference).is_file():
        raise CheckpointError(f"{reference}: this is a file; name the model's folder.")
    if not _HUB_ID.fullmatch(reference):
        raise CheckpointError(f"{reference}: no such folder, and no Hub id (owner/name, or owner/name@revision).")
    return _download(reference)


def is_hub_id(reference: str) -> bool:
    """Whether this can be a model's name on the Hub: owner/name, or owner/name@revision."""
    return _HUB_ID.fullmatch(reference) is not None


def _download(reference: str) -> Path:
    from huggingface_hub import snapshot_download  # slow to import, and not needed for local models
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    name, _, revision = reference.partition("@")
    try:
        folder = Path(snapshot_download(name, revision=revision or None, allow_patterns=list(_FILES)))
        if not any(folder.glob("*.safetensors")):
            folder = Path(snapshot_download(name, revision=revision or None, allow_patterns=list(_BINS)))
        return folder
    except GatedRepoError:
        raise CheckpointError(f"{reference}: this model is gated; accept its terms on the Hub and sign in.") from None
    except RepositoryNotFoundError:
        raise CheckpointError(f"{reference}: no such folder here and no such model on the Hub.") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise CheckpointError(
            f"{reference}: no such folder here, and the Hub cannot be reached ({type(error).__name__})."
        ) from None
