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
def tokenizer_folder(plan: Plan, models: Mapping[str, Checkpoint]) -> Generator[Path]:
    """A folder with the tokenizer and chat template the output will have: the config source's own, or a temporary one."""
    config_source = models[plan.config_source]
    if plan.tokens is None and plan.chat_template is None and config_source.words == config_source.folder:
        yield config_source.folder
        return
    with temporary() as name:
        write_words(Path(name), plan, models, True)
        (Path(name) / "config.json").write_text(json.dumps(dict(plan.config)), encoding="utf-8")
        yield Path(name)


@contextlib.contextmanager
def temporary() -> Generator[str]:
    """A temporary folder; MergeError where nothing can be written to it, or none can be made."""
    try:
        with tempfile.TemporaryDirectory(prefix="merger-", ignore_cleanup_errors=True) as name:
            yield name
    except OSError as error:
        where = os.environ.get("TMPDIR") or "the system's place for temporary files"
        raise MergeError(f"{where}: cannot be written: {error.strerror}; name another in TMPDIR.") from error


def write_companions(
    folder: Path, plan: Plan, models: Mapping[str, Checkpoint], tokenizer: bool, digests: Digests | None
) -> None:
    """Everything beside the weights: config, tokenizer, generation config, card, recipe."""
    try:
        if plan.config:
            (folder / "config.json").write_text(json.dumps(dict(plan.config), indent=2) + "\n", encoding="utf-8")
        write_words(folder, plan, models, tokenizer)
        if digests is not None:
            text = write_card(plan.recipe, _facts(plan), parents(models, digests))
            (folder / "README.md").write_text(text, encoding="utf-8", errors="replace")
            (folder / "mergekit_config.yml").write_text(recipe_text(plan.recipe), encoding="utf-8", errors="replace")
    except OSError as error:
        raise MergeError(f"{folder}: cannot be written: {error.strerror}.") from error


def write_words(folder: Path, plan: Plan, models: Mapping[str, Checkpoint], tokenizer: bool) -> None:
    if plan.tokens:
        write_tokenizer(plan.tokens, models[plan.config_source], models[plan.tokens.origin], folder)
    elif tokenizer:
        copy_tokenizer(models[plan.config_source], folder)
    if plan.chat_template is not None:
        write_chat_template(plan.chat_template, folder)


def check_beside(plan: Plan, models: Mapping[str, Checkpoint]) -> None:
    """The same of the files that were copied, or that the output's tokens were decided from."""
    for reference in dict.fromkeys((plan.config_source, plan.tokens.origin if plan.tokens else plan.config_source)):
        for file, before in models[reference].seen.items():
            if file.suffix in (".json", ".jinja", ".txt", ".model") and look(file) != before:
                raise InputChanged(f"{file}: was changed while it was being read; begin again when nothing writes to it.")


def _facts(plan: Plan) -> dict[str, str]:
    kinds = sorted({str(job.out).removeprefix("torch.") for job in plan.jobs})
    return {
        "Weights": f"{len(plan.jobs)} tensors, {plan.nbytes:,} bytes, {', '.join(kinds)}; computed in float32",
        **({"Remarks": " ".join(plan.remarks)} if plan.remarks else {}),
        **_skipped(plan, "Skipped tensors", cropped=False), **_skipped(plan, "Cropped tensors", cropped=True),
    }  # fmt: skip


def _skipped(plan: Plan, label: str, cropped: bool) -> dict[str, str]:
    """Which tensors a model was left out of (or cut in), by model, role and shape; empty when there are none."""
    groups: dict[tuple[str, str, str, str], int] = {}
    for m in plan.misfits:
        if m.cropped == cropped:
            key = (m.model, role(m.name), str(m.shape or "missing"), str(m.wanted))
            groups[key] = groups.get(key, 0) + 1
    skipped = [f"`{model}`: {n} × {kind}, {shape} against {wanted}" for (model, kind, shape, wanted), n in groups.items()]
    return {label: "; ".join(skipped)} if skipped else {}
