"""The models a recipe names, opened, and the models that its earlier documents make."""

import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from merger.engine.companions import write_words
from merger.engine.plan import Plan, Source, make_plan
from merger.engine.tensor import Read, merge_tensor
from merger.files.checkpoints import Checkpoint, Piece, Stored
from merger.files.prefixes import aligned
from merger.hub import references as hub
from merger.recipe import Recipe
from merger.tokenizer.tokens import OutputTokens, gather


@dataclass(frozen=True)
class Planned(Checkpoint):
    """The model that another document of the recipe makes: its tensors are merged when they are read, and kept nowhere."""

    plan: Plan = field(kw_only=True)
    parents: Mapping[str, Checkpoint] = field(kw_only=True)
    _last: dict[str, Tensor] = field(default_factory=dict[str, Tensor], repr=False, compare=False)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """None of its own: those of its parents are listed with them."""
        return ()

    def hold(self) -> None:
        """Nothing: its parents are held."""

    @property
    def words(self) -> Path:
        """The tokenizer that the document builds, else its config source's."""
        return self.folder if self.plan.tokens is not None else self.parents[self.plan.config_source].words

    def read(self, name: str, rows: slice | None = None) -> Tensor:
        """The tensor, or a run of its rows, rounded as it would be on disk."""
        known = self._last.get(name)
        if known is None:
            known = merge_tensor(self.plan.job(name), lambda source: read_source(self.parents, source))
            self._last.clear()  # the same tensor may be read several times in a row, others are not coming back
            self._last[name] = known
        return known if rows is None else known[rows]


def planned(recipe: Recipe, parents: Mapping[str, Checkpoint]) -> Planned:
    """The model a document makes, from opened models; reads no weights."""
    plan = make_plan(recipe, parents)
    config_source = parents[plan.config_source]
    folder = config_source.folder if plan.tokens is None else _tokenizer_folder(plan.tokens, plan, parents)
    anywhere = next(iter(config_source.tensors.values()))
    tensors = {job.name: Stored(job.shape, job.out, anywhere.file, i, packed=job.packed) for i, job in enumerate(plan.jobs)}
    return Planned(recipe.name or "", folder, tensors, plan.config, plan=plan, parents=parents)


_tokenizer_folders = dict[int, Path]()


def _tokenizer_folder(tokens: OutputTokens, plan: Plan, parents: Mapping[str, Checkpoint]) -> Path:
    """A temporary folder with the tokenizer that an earlier document builds, for as long as its vocabulary is in use."""
    if id(tokens) not in _tokenizer_folders:
        folder = Path(tempfile.mkdtemp(prefix="merger-"))
        weakref.finalize(tokens, _drop, id(tokens), folder)
        write_words(folder, plan, parents, True)
        (folder / "config.json").write_text(json.dumps(dict(plan.config)), encoding="utf-8")
        _tokenizer_folders[id(tokens)] = folder
    return _tokenizer_folders[id(tokens)]


def _drop(key: int, folder: Path) -> None:
    _tokenizer_folders.pop(key, None)
    shutil.rmtree(folder, ignore_errors=True)


def open_models(
    recipe: Recipe, roots: Sequence[Path] = (Path(),),
    opener: Callable[[str, Sequence[Path]], Checkpoint] = hub.open_reference,
) -> dict[str, Checkpoint]:  # fmt: skip
    """Open every model the recipe names: headers only. CheckpointError names the first that cannot be.

    What earlier documents make is there under its name and under its recipe's digest.
    """
    models = {reference: opener(reference, roots) for reference in recipe.opened}
    for document in recipe.earlier:
        models[document.name or ""] = models[document.digest] = planned(document, aligned(document, models))
    return aligned(recipe, models)


def reader(models: Mapping[str, Checkpoint]) -> Read:
    """Read sources from the models' files."""
    return lambda source: read_source(models, source)


def read_source(models: Mapping[str, Checkpoint], source: Source) -> Tensor:
    """A source's tensor with the rows the job wants: as stored, cut, or following the output's tokens."""
    if source.vocab is not None:
        aligned = source.vocab
        return gather(aligned, source.model, lambda model, name: models[aligned.key(model)].read(name))
    return models[source.key].read(source.name, source.cut)
