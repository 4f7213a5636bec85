"""Everything beside the weights: config, tokenizer, chat template, card, recipe."""

import contextlib
import json
import os
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from merger.engine.plan import Plan
from merger.errors import (
    InputChanged,
    MergeError,
)
from merger.files.checkpoints import Checkpoint
from merger.files.layout import role
from merger.hub.card import Digests, parents, recipe_text
from merger.hub.card import card as write_card
from merger.regular import look
from merger.tokenizer.tokens import copy_tokenizer, write_chat_template, write_tokenizer


@contextlib.contextmanager
def tokenizer_folder(decided: Plan, models: Mapping[str, Checkpoint]) -> Generator[Path]:
    """A folder with the tokenizer and chat template the output will have: the donor's own, or a temporary one."""
    donor = models[decided.donor]
    if decided.tokens is None and decided.chat_template is None and donor.words == donor.folder:
        yield donor.folder
        return
    with _temporary() as name:
        write_words(Path(name), decided, models, True)
        (Path(name) / "config.json").write_text(json.dumps(dict(decided.config)), encoding="utf-8")
        yield Path(name)


@contextlib.contextmanager
def _temporary() -> Generator[str]:
    """A temporary folder; MergeError where nothing can be written to it, or none can be made."""
    try:
        with tempfile.TemporaryDirectory(prefix="merger-", ignore_cleanup_errors=True) as name:
            yield name
    except OSError as error:
        where = os.environ.get("TMPDIR") or "the system's place for temporary files"
        raise MergeError(f"{where}: cannot be written: {error.strerror}; name another in TMPDIR.") from error


def write_companions(
    folder: Path, decided: Plan, models: Mapping[str, Checkpoint], tokenizer: bool, digests: Digests | None
) -> None:
    """Everything beside the weights: config, tokenizer, generation config, card, recipe."""
    try:
        if decided.config:
            (folder / "config.json").write_text(json.dumps(dict(decided.config), indent=2) + "\n", encoding="utf-8")
        write_words(folder, decided, models, tokenizer)
        if digests is not None:
            text = write_card(decided.recipe, _facts(decided), parents(models, digests))
            (folder / "README.md").write_text(text, encoding="utf-8", errors="replace")
            (folder / "mergekit_config.yml").write_text(recipe_text(decided.recipe), encoding="utf-8", errors="replace")
    except OSError as error:
        raise MergeError(f"{folder}: cannot be written: {error.strerror}.") from error


def write_words(folder: Path, decided: Plan, models: Mapping[str, Checkpoint], tokenizer: bool) -> None:
    if decided.tokens:
        write_tokenizer(decided.tokens, models[decided.donor], models[decided.tokens.origin], folder)
    elif tokenizer:
        copy_tokenizer(models[decided.donor], folder)
    if decided.chat_template is not None:
        write_chat_template(decided.chat_template, folder)


def check_beside(decided: Plan, models: Mapping[str, Checkpoint]) -> None:
    """The same of the files that were copied, or that the output's tokens were decided from."""
    for reference in dict.fromkeys((decided.donor, decided.tokens.origin if decided.tokens else decided.donor)):
        for file, before in models[reference].seen.items():
            if file.suffix in (".json", ".jinja", ".txt", ".model") and look(file) != before:
                raise InputChanged(f"{file}: was changed while it was being read; begin again when nothing writes to it.")


def _facts(decided: Plan) -> dict[str, str]:
    kinds = sorted({str(job.out).removeprefix("torch.") for job in decided.jobs})
    return {
        "Weights": f"{len(decided.jobs)} tensors, {decided.nbytes:,} bytes, {', '.join(kinds)}; computed in float32",
        **({"Remarks": " ".join(decided.remarks)} if decided.remarks else {}),
        **_skipped(decided, "Skipped tensors", cropped=False), **_skipped(decided, "Cropped tensors", cropped=True),
    }  # fmt: skip


def _skipped(decided: Plan, label: str, cropped: bool) -> dict[str, str]:
    """Which tensors a model was left out of (or cut in), by model, role and shape; empty when there are none."""
    groups: dict[tuple[str, str, str, str], int] = {}
    for m in decided.misfits:
        if m.cropped == cropped:
            key = (m.model, role(m.name), str(m.found or "missing"), str(m.wanted))
            groups[key] = groups.get(key, 0) + 1
    told = [f"`{model}`: {n} × {kind}, {found} against {wanted}" for (model, kind, found, wanted), n in groups.items()]
    return {label: "; ".join(told)} if told else {}
