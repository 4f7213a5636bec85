"""Model references to folders, and the text of model cards. The only module that knows the Hugging Face Hub."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from merger.errors import CheckpointError
from merger.recipe import Recipe, dump

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")
_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")


def folder_of(reference: str, roots: Sequence[Path] = (Path(),)) -> Path:
    """The local folder of a model reference: a folder (below one of `roots`, if relative), else a Hub id, downloaded.

    CheckpointError when there is neither.
    """
    for root in roots:
        folder = root / Path(reference).expanduser()
        if folder.is_dir():
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
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=list(_FILES)))
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
    hub_ids = [r for r in recipe.references if _HUB_ID.fullmatch(r) and not Path(r).exists()]
    head = ["---", "library_name: transformers", "tags:", "  - merge"]
    if hub_ids:
        head += ["base_model:", *(f"  - {r.partition('@')[0]}" for r in hub_ids)]
    rows = {
        "Method": f"`{recipe.merge_method}`: {recipe.method.says}",
        "Source": recipe.method.source,
        **({"Base": f"`{recipe.base_model}`"} if recipe.base_model else {}),
        "Models": ", ".join(f"`{r}`" for r in recipe.references if r != recipe.base_model),
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
