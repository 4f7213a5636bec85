"""A merge as a LoRA adapter of its base, as peft loads it: the strongest directions of what it changes, tensor by tensor."""

import contextlib
import json
import math
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merger.engine.batch import Step, check_inputs, output_folder
from merger.engine.document import open_models, reader
from merger.engine.nonfinite import odd
from merger.engine.places import check_free, check_space
from merger.engine.plan import Plan, TensorJob, make_plan
from merger.engine.tensor import merge_tensor, stretches
from merger.errors import Cancelled, CheckpointError, MergeError, NonFiniteError
from merger.export import lowrank
from merger.export.growing import GrowingFile
from merger.export.modules import Module, Part, modules
from merger.files.checkpoints import Checkpoint
from merger.files.layout import role
from merger.hub import references as hub
from merger.hub.card import adapter_card, licence
from merger.methods.ops import Draws
from merger.recipe import Recipe, dump

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_PREFIX = "base_model.model."
_ROUNDED = 2.0
"""Changes up to so many roundings of the base's own numbers are none."""


@dataclass(frozen=True)
class Wanted:
    """How much of a merge an adapter is to hold, and of which tensors.

    rank     the largest of any tensor; None: as large as it takes
    energy   the share of the squares of a tensor's change that is kept, by as few directions as that takes; None: all of `rank`
    include  patterns; only tensors in whose names one of them is found; none: all
    exclude  patterns; none of the tensors in whose names one of them is found
    dtype    of the factors
    """

    rank: int | None = None
    energy: float | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    dtype: str = "float32"

    def check(self) -> None:
        """MergeError where something of it cannot be."""
        if self.rank is None and self.energy is None:
            raise MergeError("an adapter needs a size: --lora RANK, or --energy SHARE such as 0.9.")
        if self.rank is not None and self.rank < 1:
            raise MergeError(f"--lora {self.rank}: a rank is a whole number of at least 1.")
        if self.energy is not None and not 0 < self.energy <= 1:
            raise MergeError(f"--energy {self.energy:g}: the share that is kept lies above 0 and is at most 1, for example 0.9.")
        if self.dtype not in DTYPES:
            raise MergeError(f"--dtype {self.dtype}: an adapter is written in {', '.join(DTYPES)}.")
        for option, pattern in (*(("include", p) for p in self.include), *(("exclude", p) for p in self.exclude)):
            try:
                re.compile(pattern)
            except re.error as error:
                raise MergeError(f"--{option} {pattern!r}: is no pattern: {error}.") from None

    def takes(self, name: str) -> bool:
        """Whether an adapter is to hold what is changed of a tensor."""
        named = not self.include or any(re.search(pattern, name) for pattern in self.include)
        return named and not any(re.search(pattern, name) for pattern in self.exclude)


@dataclass(frozen=True)
class Kept:
    """What an adapter holds of one tensor that the merge changes. Frobenius norms.

    rank    None where the tensor is there whole
    change  of the merge minus its base
    lost    of what the adapter leaves out of that
    """

    name: str
    rank: int | None
    change: float
    lost: float


@dataclass(frozen=True)
class Adapter:
    """An adapter as it was written. left_out: how many tensors were not asked for, changed or not."""

    plan: Plan
    base: str
    kept: tuple[Kept, ...]
    left_out: int
    nbytes: int

    def by_layer(self) -> list[tuple[str, str, float]]:
        """For each layer, and what is outside of them: label, ranks, and the share of the change's norm that is lost."""
        groups: dict[str, list[Kept]] = {}
        for kept in self.kept:
            layer = self.plan.layout.layer(kept.name)
            groups.setdefault(f"layer {layer + 1}" if layer is not None else kept.name, []).append(kept)
        return [(label, _ranks(held), lost(held)) for label, held in groups.items()]


def lost(held: Iterable[Kept]) -> float:
    """The norm of what is left out, as a share of the change's."""
    held = list(held)
    whole = math.hypot(*(kept.change for kept in held))
    return math.hypot(*(kept.lost for kept in held)) / whole if whole else 0.0


def _ranks(held: Sequence[Kept]) -> str:
    ranks = [kept.rank for kept in held if kept.rank is not None]
    said = [f"rank {min(ranks)}" if min(ranks) == max(ranks) else f"ranks {min(ranks)} to {max(ranks)}"] if ranks else []
    whole = len(held) - len(ranks)
    return ", ".join([*said, *([f"{whole} whole" if said or whole > 1 else "whole"] if whole else [])])


def export(
    recipe: Recipe,
    folder: str | Path,
    wanted: Wanted,
    *,
    base: str | None = None,
    roots: Sequence[Path] = (Path(),),
    opener: Callable[[str, Sequence[Path]], Checkpoint] = hub.open_reference,
    progress: Callable[[Step], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Adapter:
    """Write what a recipe's merge changes of its base as a LoRA adapter. The folder appears whole, or not at all.

    base       the model that the adapter is for; None: the recipe's base, or the one model that all its LoRAs are for
    progress   called after each tensor
    cancelled  asked between tensors, and in large ones; true raises Cancelled, and what was written is deleted

    Matrices of layers and output head become factors, what else was changed is there whole. One tensor is in memory at a time.
    The same recipe, models and machine give the same bytes.
    """
    wanted.check()
    out = output_folder(folder)
    check_free(out)
    models = open_models(recipe, roots, opener)
    plan = make_plan(recipe, models)
    name = _base(recipe, base, roots)
    own = models.get(name) or opener(name, roots)
    of_all = modules(plan, own)
    left = frozenset(part.job.name for module in of_all for part in module.parts.values() if not wanted.takes(part.job.name))
    listed = [module for module in of_all if any(part.job.name not in left for part in module.parts.values())]
    if not listed:
        raise MergeError("--include, --exclude: no tensor of the merge has such a name.")
    check_space(out, _expected(listed, wanted))
    opened = {**models, "the adapter's base": own}
    for model in opened.values():
        model.hold()
    with _appearing(out) as partial:
        making = _Making(wanted, plan, models, own, left, _names(of_all), partial, progress, cancelled)
        try:
            making.run(listed, of_all)
            check_inputs(opened)
            place = {name: i for i, name in enumerate(plan.names)}
            held = tuple(sorted(making.kept, key=lambda kept: place[kept.name]))
            adapter = Adapter(plan, name, held, len(left), making.file.nbytes)
            making.finish(name, of_all)
        finally:
            making.file.close()
        _write_card(partial, adapter, opened)
    return adapter


def _base(recipe: Recipe, given: str | None, roots: Sequence[Path]) -> str:
    """The model that the adapter will be for, without LoRAs of its own."""
    if given is not None:
        name, *loras = hub.parse_reference(given, roots)
        if loras:
            raise MergeError(f"--base {given}: name the model before the `+`; an adapter lies on a plain model.")
        return name
    if recipe.base_model in recipe.opened:
        return hub.parse_reference(str(recipe.base_model), roots)[0]
    parsed = [hub.parse_reference(reference, roots) for reference in recipe.opened]
    bare = {name for name, *_ in parsed}
    if len(bare) == 1 and any(loras for _, *loras in parsed):
        return bare.pop()
    raise MergeError("an adapter is what a merge changes of its base, and the recipe names none: write --base MODEL.")


def _names(listed: Iterable[Module]) -> Iterator[str]:
    """Every name that may be written."""
    for module in listed:
        yield from (f"{_PREFIX}{module.name}.lora_{factor}.weight" for factor in "AB")
        yield from (f"{_PREFIX}{name}.{inner}{leaf}" for name in module.names for leaf in module.parts for inner in ("", _INNER))


def _expected(listed: Iterable[Module], wanted: Wanted) -> int:
    """Bytes that factors of the wanted rank take; how much comes whole is known when it has been compared."""
    sizes = [m.parts["weight"].job.shape for m in listed if m.matrix] if wanted.rank is not None and wanted.energy is None else []
    each = DTYPES[wanted.dtype].itemsize
    return sum(min(wanted.rank or 0, lowrank.room(*shape)) * sum(shape) * each for shape in sizes)


@contextlib.contextmanager
def _appearing(out: Path) -> Generator[Path]:
    """A folder of its own beside `out`, which becomes `out` at the end, and goes where something fails."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{out.name}.", suffix=".partial", dir=out.parent))
    except OSError as error:
        raise MergeError(f"{out}: cannot be written: {error.strerror}.") from error
    try:
        yield partial
        check_free(out)  # somebody else may have made it meanwhile
        partial.chmod(0o777 & ~_umask())
        if out.is_dir():
            out.rmdir()
        partial.rename(out)
    except OSError as error:
        raise MergeError(f"{os.fsdecode(error.filename or partial)}: cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0o22)
    os.umask(mask)
    return mask


_INNER = "base_layer."
"""What peft puts between a module with factors and its own bias."""


@dataclass
class _Making:
    """Makes an adapter's tensors one after the other, and notes what its config must say of them."""

    wanted: Wanted
    plan: Plan
    models: Mapping[str, Checkpoint]
    base: Checkpoint
    left: frozenset[str]
    """Tensors that stay the base's."""
    names: Iterable[str]
    folder: Path
    progress: Callable[[Step], None] | None
    cancelled: Callable[[], bool]
    kept: list[Kept] = field(default_factory=list[Kept])
    ranks: dict[str, int] = field(default_factory=dict[str, int])
    """Of the modules with factors."""
    whole: list[str] = field(default_factory=list[str])
    experts: tuple[str, ...] = ()
    """What the files call their matrices, where they are held."""
    biases: bool = False
    transposed: bool = False
    _steps: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        self.file = GrowingFile(self.folder / "adapter_model.safetensors", self.names, {"recipe": dump(self.plan.recipe)})

    def run(self, listed: Sequence[Module], of_all: Sequence[Module]) -> None:
        """Make the modules that are asked for, first those that no adapter can hold: they must be the base's own."""
        parts = [part for module in listed for part in module.parts.values() if part.job.name not in self.left]
        self._steps = (0, len(parts), 0, sum(part.job.slot.nbytes for part in parts))
        for module in filter(lambda module: module.why, listed):
            self._refuse(module)
        experts = [module for module in of_all if module.expert]
        if self._all_rank(experts):
            for module in experts:
                self._expert(module)
        for module in listed:
            if module.why or module.expert:
                continue
            if module.matrix:
                inside = self._asked(module.parts["weight"]) and self._matrix(module)
                if "bias" in module.parts and module.name not in self.whole:
                    self._bias(module, inside)
            else:
                self._entire(module)

    def _asked(self, part: Part) -> bool:
        return part.job.name not in self.left

    def _refuse(self, module: Module) -> None:
        for part in filter(self._asked, module.parts.values()):
            change, own = self._compared(part, replace(part.job, out=part.job.compute))
            if self._changes(part.job, change, own):
                raise CheckpointError(
                    f"{part.job.name}: the merge changes it, and an adapter cannot: {module.why}.\n"
                    f"  Leave such to the base with --exclude {_word(part.job.name)}, or write the merge as a model's folder."
                )
            self._done(part.job)

    def _all_rank(self, experts: Sequence[Module]) -> bool:
        """Whether some expert was changed, so that all get factors. MergeError where no rank is named for all of them."""
        parts = [part for module in experts for part in filter(self._asked, module.parts.values())]
        for part in parts:
            if self._changes(part.job, *self._compared(part, replace(part.job, out=part.job.compute))):
                if self.wanted.rank is None:
                    raise MergeError(
                        f"{part.job.name}: the merge changes it, and the factors of all experts must be of one rank.\n"
                        "  Write --lora RANK too, or leave them to the base with --exclude experts."
                    )
                self.experts = tuple(sorted({module.name.rpartition(".")[2] for module in experts}))
                return True
        for part in parts:
            self._done(part.job)
        return False

    def _expert(self, module: Module) -> None:
        """An expert's factors, of the rank that all have: filled up with nothing, and nothing else where it was not changed."""
        part, rank = module.parts["weight"], self.wanted.rank or 0
        b, a, change, left = torch.zeros(part.job.shape[0], 0), torch.zeros(0, part.job.shape[1]), 0.0, 0.0
        if self._asked(part):
            delta, own = self._delta(part)
            change = lowrank.squares(delta)
            if self._changes(part.job, change, own):
                noise, draws = _noise(part.job, delta, own + change), Draws(self.plan.recipe.seed, part.job.name)
                found = lowrank.factors(delta, rank, self.wanted.energy, noise, draws, self._stop, always=True)
                assert found is not None
                b, a = self._narrow(module, found)
                left = lowrank.residual(delta, b, a)
        if a.shape[0]:
            self.kept.append(Kept(part.job.name, a.shape[0], math.sqrt(change), math.sqrt(left)))
        dtype, more = DTYPES[self.wanted.dtype], rank - a.shape[0]
        a, b = torch.nn.functional.pad(a, (0, 0, 0, more)), torch.nn.functional.pad(b, (0, more))
        for letter, factor in (("A", a), ("B", b)):
            self.file.put(f"{_PREFIX}{module.name}.lora_{letter}.weight", dtype, factor.shape, [factor.to(dtype)])
        if self._asked(part):
            self._done(part.job)

    def _matrix(self, module: Module) -> bool:
        """A module's matrix: factors, or all of the module where that is smaller. Whether it has factors."""
        part = module.parts["weight"]
        delta, own = self._delta(part)
        change = lowrank.squares(delta)
        changed = self._changes(part.job, change, own)
        if changed:
            noise = _noise(part.job, delta, own + change)
            rank = self.wanted.rank if self.wanted.rank is not None else min(delta.shape)
            turned = delta.T if module.transposed else delta
            draws = Draws(self.plan.recipe.seed, part.job.name)
            found = lowrank.factors(turned, rank, self.wanted.energy, noise, draws, self._stop)
            if found is None:
                del delta, turned
                self._entire(module)
                return False
            changed = found[1].shape[0] > 0  # else no direction of it is more than rounding
            if changed:
                self._factors(module, turned, change, found)
        self._done(part.job)
        return changed

    def _narrow(self, module: Module, found: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Factors in the type they are written in. MergeError where they do not fit into it."""
        b, a = (factor.to(DTYPES[self.wanted.dtype]) for factor in found)
        if not (bool(torch.isfinite(b).all()) and bool(torch.isfinite(a).all())):
            raise MergeError(f"{module.name}: its factors are too large for {self.wanted.dtype}; write --dtype float32.")
        return b, a

    def _factors(self, module: Module, delta: Tensor, change: float, found: tuple[Tensor, Tensor]) -> None:
        dtype, (b, a) = DTYPES[self.wanted.dtype], self._narrow(module, found)
        for letter, factor in (("A", a), ("B", b)):
            self.file.put(f"{_PREFIX}{module.name}.lora_{letter}.weight", dtype, factor.shape, [factor])
        left = lowrank.residual(delta, b, a)
        self.kept.append(Kept(module.parts["weight"].job.name, a.shape[0], math.sqrt(change), math.sqrt(left)))
        self.ranks[module.name] = a.shape[0]
        self.transposed |= module.transposed

    def _bias(self, module: Module, inside: bool) -> None:
        """The bias of a matrix, where it was changed; peft has it inside a module of its own where there are factors."""
        part = module.parts["bias"]
        if not self._asked(part):
            return
        name = f"{_PREFIX}{module.name}.{_INNER if inside else ''}bias"
        change, own = self._put(name, part)
        if self._changes(part.job, change, own):
            self.kept.append(Kept(part.job.name, None, math.sqrt(change), 0.0))
            self.biases = True
        else:
            self.file.drop([name])
        self._done(part.job)

    def _entire(self, module: Module) -> None:
        """All tensors of a module, where one of them was changed; again under the names of modules that share them."""
        held, written = list[Kept](), list[str]()
        for leaf, part in module.parts.items():
            name = f"{_PREFIX}{module.name}.{leaf}"
            written.append(name)
            if not self._asked(part):
                stored = self.base.tensors[part.base]
                self.file.put(name, stored.dtype, stored.shape, [self.base.read(part.base)])
                continue
            change, own = self._put(name, part)
            if self._changes(part.job, change, own):
                held.append(Kept(part.job.name, None, math.sqrt(change), 0.0))
            self._done(part.job)
        if not held:
            self.file.drop(written)
            return
        for name in module.names[1:]:
            for leaf in module.parts:
                self.file.again(f"{_PREFIX}{name}.{leaf}", f"{_PREFIX}{module.name}.{leaf}")
        self.kept += held
        self.whole += module.names

    def _delta(self, part: Part) -> tuple[Tensor, float]:
        """The merge minus its base, unrounded, in float32; and the base's sum of squares."""
        job = replace(part.job, out=part.job.compute)
        delta = merge_tensor(job, reader(self.models)).to(torch.float32)
        base = self.base.read(part.base)
        own, step = list[float](), max(1, (1 << 20) // max(1, delta[:1].numel()))
        for at in range(0, len(delta), step):
            wide = base[at : at + step].to(torch.float64)
            own.append(float(torch.sum(wide**2)))
            delta[at : at + step] -= wide
        return delta, math.fsum(own)

    def _put(self, name: str, part: Part) -> tuple[float, float]:
        """Write a tensor as the merge has it; its change's sum of squares, and the base's."""
        job = replace(part.job, out=part.job.compute)
        dtype = torch.promote_types(part.job.out, self.base.tensors[part.base].dtype)
        sums = _Sums(self.base.read(part.base).reshape(-1))
        seen = (sums.at(first, flat).to(dtype) for first, flat in stretches(job, reader(self.models)))
        self.file.put(name, dtype, job.shape, seen)
        return sums.change, sums.own

    def _compared(self, part: Part, job: TensorJob) -> tuple[float, float]:
        """The sum of squares of a change, and of the base; nothing is written."""
        sums = _Sums(self.base.read(part.base).reshape(-1))
        for first, flat in stretches(job, reader(self.models)):
            sums.at(first, flat)
        return sums.change, sums.own

    def _changes(self, job: TensorJob, change: float, own: float) -> bool:
        """Whether this is a change, and not rounding. NonFiniteError where it is no number."""
        if not math.isfinite(change + own):
            raise NonFiniteError(str(odd(job, self.models) or f"{job.name}: holds numbers that are not finite, in the base."))
        return change > (_ROUNDED * _rounding(job)) ** 2 * own

    def _done(self, job: TensorJob) -> None:
        count, of, nbytes, of_nbytes = self._steps
        self._steps = count + 1, of, nbytes + job.slot.nbytes, of_nbytes
        if self.progress:
            self.progress(Step(job.name, *self._steps))
        if count + 1 < of:
            self._stop()

    def _stop(self) -> None:
        if self.cancelled():
            raise Cancelled(f"stopped after {self._steps[0]} of {self._steps[1]} tensors; nothing was written.")

    def finish(self, base: str, of_all: Sequence[Module]) -> None:
        """The header, and adapter_config.json. MergeError where there is nothing for an adapter to hold."""
        if not self.kept:
            raise MergeError("the merge changes nothing of what was asked for; there is nothing for an adapter to hold.")
        if not self.ranks and not self.experts:
            raise MergeError(
                f"all that the merge changes would be held whole, {self.kept[0].name} first; peft loads none without factors.\n"
                "  Ask for a lower rank, or write the merge as a model's folder."
            )
        self.file.finish()
        settings = self._config(base, of_all)
        (self.folder / "adapter_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")

    def _config(self, base: str, of_all: Sequence[Module]) -> dict[str, Any]:
        """What peft is to know: a scale of 1, so that alpha is the rank everywhere."""
        usual = (self.wanted.rank or 0) if self.experts else Counter(self.ranks.values()).most_common(1)[0][0]
        others = {name: rank for name, rank in self.ranks.items() if rank != usual}
        targets = sorted([*_targets(self.ranks, of_all), *self.experts])
        return {
            "peft_type": "LORA", "task_type": _task(self.plan.config), "base_model_name_or_path": base,
            "r": usual, "lora_alpha": usual, "rank_pattern": others, "alpha_pattern": others,
            "target_modules": targets, "modules_to_save": _saved(self.whole, of_all) or None,
            "bias": "all" if self.biases else "none", "fan_in_fan_out": self.transposed, "lora_dropout": 0.0,
            "use_rslora": False, "init_lora_weights": True, "inference_mode": True,
        }  # fmt: skip


class _Sums:
    """Sums of squares, in float64, of a change and of the base, stretch by stretch."""

    def __init__(self, base: Tensor) -> None:
        self._base = base
        self.change = self.own = 0.0

    def at(self, first: int, flat: Tensor) -> Tensor:
        """Look at a stretch of the merge, and give it back."""
        step = 1 << 20
        for at in range(0, flat.numel(), step):
            part = flat[at : at + step].to(torch.float64)
            base = self._base[first + at : first + at + len(part)].to(torch.float64)
            self.change += float(torch.sum((part - base) ** 2))
            self.own += float(torch.sum(base**2))
        return flat


def _noise(job: TensorJob, delta: Tensor, whole: float) -> float:
    """How strong a direction of rounding alone is in a matrix of this shape, whose numbers have this sum of squares."""
    rows, columns = delta.shape
    return _ROUNDED * _rounding(job) * math.sqrt(whole / delta.numel()) * (math.sqrt(rows) + math.sqrt(columns))


def _rounding(job: TensorJob) -> float:
    return torch.finfo(job.compute).eps


def _word(name: str) -> str:
    """What a tensor has in its name that others of its kind have too."""
    return "experts" if role(name) == "experts" else name.removesuffix(".weight").rpartition(".")[2]


def _paths(of_all: Sequence[Module]) -> set[str]:
    """The names of all modules, also of those that hold others only."""
    words = [name.split(".") for module in of_all for name in module.names]
    return {".".join(each[: n + 1]) for each in words for n in range(len(each))}


def _targets(ranks: Mapping[str, int], of_all: Sequence[Module]) -> list[str]:
    """The modules with factors, by the last word of their names where all that end so have factors, else by their names."""
    others = {path.rpartition(".")[2] for path in _paths(of_all) if path not in ranks}
    short = {end for name in ranks if (end := name.rpartition(".")[2]) not in others}
    return sorted({end if (end := name.rpartition(".")[2]) in short else name for name in ranks})


def _saved(whole: Sequence[str], of_all: Sequence[Module]) -> list[str]:
    """Modules that are there whole. peft takes all that end in such a name: where others do, it gets its own prefix."""
    paths = _paths(of_all)
    return [name if sum(path.endswith(name) for path in paths) == 1 else f"{_PREFIX}{name}" for name in whole]


def _task(config: Mapping[str, Any]) -> str | None:
    """What peft calls the kind of model."""
    if config.get("is_encoder_decoder") is True:
        return "SEQ_2_SEQ_LM"
    listed = config.get("architectures")
    return "CAUSAL_LM" if isinstance(listed, list) and any(str(name).endswith("ForCausalLM") for name in listed) else None


def _write_card(folder: Path, adapter: Adapter, models: Mapping[str, Checkpoint]) -> None:
    pieces = {piece.reference: piece for model in models.values() for piece in model.pieces}
    text = adapter_card(
        adapter.plan.recipe, adapter.base, adapter.by_layer(), [licence(piece.folder) for piece in pieces.values()]
    )
    (folder / "README.md").write_text(text, encoding="utf-8", errors="replace")


__all__ = ["DTYPES", "Adapter", "Kept", "Wanted", "export", "lost"]
