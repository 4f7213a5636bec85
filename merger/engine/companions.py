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
from merger.hub import picture
from merger.hub.card import Digests, parents, recipe_text
from merger.hub.card import card as write_card
from merger.hub.picture import Strip
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
            title, strips = given(plan)
            text = write_card(plan.recipe, _facts(plan), parents(models, digests), picture=title if strips else "")
            if strips:
                (folder / picture.FILE).write_text(picture.svg(strips, title), encoding="utf-8")
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


def given(plan: Plan) -> tuple[str, list[Strip]]:
    """What each model gives to each layer, as the plan's jobs have it (means over a layer's tensors), and what that is called.

    Where a merge has no weights: its `t`, or which models take part.
    """
    layers = plan.layout.layers
    sums: dict[str, list[float]] = {r: [0.0] * layers for r in plan.recipe.opened}
    counts, by_t, weighted = [0] * layers, False, False
    for job in plan.jobs:
        layer = plan.layout.layer(job.name)
        if layer is None or not 0 <= layer < layers:
            continue
        counts[layer] += 1
        t = job.args.get("t") if job.method is not None else None
        weights = job.args.get("weight") if job.method is not None else None
        if isinstance(t, (int, float)):
            by_t = True
            sums.setdefault("t", [0.0] * layers)[layer] += float(t)
            continue
        weighted |= weights is not None
        for i, source in enumerate(job.sources[:1] if job.method is None else job.sources):
            number = 1.0 if weights is None else job.args.one("weight", i)
            sums.setdefault(source.model, [0.0] * layers)[layer] += number
    strips = [
        Strip(name, tuple(n / max(1, c) for n, c in zip(own, counts, strict=True))) for name, own in sums.items() if any(own)
    ]
    if by_t:
        return "How far each layer goes from the first model to the second", [s for s in strips if s.name == "t"]
    return "The weight of each model in each layer" if weighted else "Which models each layer comes from", strips


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
