"""Model references to folders, and the text of model cards. The only module that knows the Hugging Face Hub."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from merger.checkpoints import Checkpoint, open_checkpoint
from merger.errors import CheckpointError
from merger.lora import adapt
from merger.recipe import Recipe, dump

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")
_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
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


def card(recipe: Recipe, facts: Mapping[str, str]) -> str:
    """README.md of a merged model: what it was made from, how, and the recipe that makes it again.

    facts  further lines for the table, label -> value
    """
    parents = dict.fromkeys(part for r in recipe.opened if not Path(r).exists() for part in parse_reference(r))
    hub_ids = [r for r in parents if _HUB_ID.fullmatch(r) and not Path(r).exists()]
    head = ["---", "library_name: transformers", "tags:", "  - merge"]
    if hub_ids:
        head += ["base_model:", *(f"  - {r.partition('@')[0]}" for r in hub_ids)]
    rows = {
        "Method": f"`{recipe.merge_method}`: {recipe.method.says}",
        "Source": recipe.method.source,
        **({"Base": f"`{recipe.base_model}`"} if recipe.base_model else {}),
        "Models": ", ".join(f"`{r}`" for r in recipe.opened if r != recipe.base_model),
        "Seed": str(recipe.seed),
        **facts,
    }
    return "\n".join([
        *head, "---", "", "# A merged model", "",
        "Made by arithmetic on the weights of the models below, without training.", "",
        "| | |", "|---|---|", *(f"| {label} | {_cell(value)} |" for label, value in rows.items()), "",
        "## Recipe", "", "```yaml", dump(recipe).rstrip(), "```", "",
    ])  # fmt: skip


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
