"""merge_tensor, the only entry to arithmetic, and merge(recipe, folder), the loop that writes a model."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from merger import hub
from merger.checkpoints import Checkpoint, ShardWriter, parse_size, shards
from merger.errors import Cancelled, CheckpointError, MergeError
from merger.layout import role
from merger.methods import LINES, METHODS
from merger.ops import Draws, Watch
from merger.plan import OnMismatch, Plan, Source, TensorJob, plan
from merger.recipe import Recipe, dump
from merger.tokens import copy_tokenizer, gather, write_chat_template, write_tokenizer

try:
    import fcntl
except ImportError:  # Windows: no lock, the rest is the same
    fcntl = None

Read = Callable[[Source], Tensor]


@dataclass(frozen=True)
class Step:
    """Progress of a merge: tensors and bytes done, of how many."""

    name: str
    tensors: int
    of_tensors: int
    nbytes: int
    of_nbytes: int


def merge_tensor(job: TensorJob, read: Read, device: str | torch.device = "cpu", watch: Watch | None = None) -> Tensor:
    """Run one job: read its sources, compute in job.compute, round once to job.out. Live and batch both call this.

    read   gives a source's tensor in any device and dtype; it is not written to
    watch  is told the method's stages, for statistics
    """
    if job.method is None:
        return read(job.sources[0]).to(job.out, copy=True)
    method = METHODS[job.method]

    def load(source: Source) -> Tensor:
        return read(source).to(device, job.compute)

    args = dict(job.args)
    by_depth = args.pop(LINES.name, 1.0)
    if "draws" in method.given:
        args["draws"] = Draws(job.seed, job.name, job.parents)  # type: ignore[assignment]
    if watch is not None and "watch" in method.given:
        args["watch"] = watch  # type: ignore[assignment]
    if method.takes == "tensors":
        if "base" in method.given:
            args["base"] = load(job.base) if job.base else None  # type: ignore[assignment]
        return method.fn(torch.stack([load(s) for s in job.sources]), **args).to(job.out)
    assert job.base is not None
    base = load(job.base)
    if not job.sources:
        return base.to(job.out, copy=True)  # never the parent's own memory
    if "base" in method.given:
        args["base"] = base  # type: ignore[assignment]
    deltas = torch.stack([load(s) for s in job.sources]).sub_(base)  # the stack is ours to write to
    merged = method.fn(deltas, **args)
    return (base + (merged if by_depth == 1.0 else by_depth * merged)).to(job.out)


def open_models(recipe: Recipe, roots: Sequence[Path] = (Path(),)) -> dict[str, Checkpoint]:
    """Open every model the recipe names: headers only. CheckpointError names the first that cannot be."""
    return {reference: hub.open_reference(reference, roots) for reference in recipe.references}


def reader(models: Mapping[str, Checkpoint]) -> Read:
    """Read sources from the models' files."""
    return lambda source: read_source(models, source)


def read_source(models: Mapping[str, Checkpoint], source: Source) -> Tensor:
    """A source's tensor with the rows the job wants: as stored, cut, or following the output's tokens."""
    if source.vocab is not None:
        return gather(source.vocab, source.model, lambda model, name: models[model].read(name))
    return models[source.model].read(source.name, source.cut)


def pick_device(name: str) -> torch.device:
    """`cpu`, `cuda`, `cuda:1`, `mps`; MergeError when this machine has none."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise MergeError(f"{name!r} is not a device; write cpu or cuda.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise MergeError("--device cuda: this machine or this torch build has no CUDA device; use --device cpu.")
    if device.type not in ("cpu", "cuda", "mps"):
        raise MergeError(f"{name!r} is not supported; write cpu or cuda.")
    return device


def best_device() -> str:
    """cuda where there is one, else cpu."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def merge(
    recipe: Recipe,
    folder: str | Path,
    *,
    device: str = "cpu",
    shard_size: str = "5GB",
    roots: Sequence[Path] = (Path(),),
    progress: Callable[[Step], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    on_mismatch: OnMismatch = "refuse",
    tokenizer: bool = True,
    card: bool = True,
) -> Plan:
    """Merge into a new folder that transformers can load. The folder appears whole, or not at all.

    shard_size   `5GB` in bytes, `1B` in parameters, per file
    roots        where relative model references are looked up, in order
    progress     called after each tensor
    cancelled    asked before each tensor; true raises Cancelled
    on_mismatch  what to do with tensors that do not fit the base's; see plan
    tokenizer    copy the donor's tokenizer and generation config
    card         write README.md and mergekit_config.yml
    """
    out = Path(folder)
    on = pick_device(device)
    limit, counts_parameters = parse_size(shard_size)
    _check_free(out)
    models = open_models(recipe, roots)
    decided = plan(recipe, models, on_mismatch)
    _check_space(out, decided)
    read = reader(models)
    files = shards([job.slot for job in decided.jobs], limit, counts_parameters)
    with _partial(out) as partial:
        writer = ShardWriter(partial, files, {"recipe": dump(recipe)})
        try:
            done = 0
            for i, job in enumerate(decided.jobs):
                if cancelled():
                    raise Cancelled(f"stopped after {i} of {len(decided.jobs)} tensors; nothing was written to {out}.")
                writer.write(job.name, merge_tensor(job, read, on))
                done += job.slot.nbytes
                if progress:
                    progress(Step(job.name, i + 1, len(decided.jobs), done, decided.nbytes))
            writer.finish()
        finally:
            writer.close()
        _write_companions(partial, decided, models, tokenizer, card)
    return decided


def use_threads(count: int) -> None:
    """Compute with so many CPU threads from now on; the result is the same with any number."""
    if count < 1:
        raise MergeError(f"--num-threads {count}: write a number of threads, at least 1.")
    torch.set_num_threads(count)


def _write_companions(
    folder: Path, decided: Plan, models: Mapping[str, Checkpoint], tokenizer: bool, card: bool
) -> None:
    """Everything beside the weights: config, tokenizer, generation config, card, recipe."""
    try:
        if decided.config:
            (folder / "config.json").write_text(json.dumps(dict(decided.config), indent=2) + "\n", encoding="utf-8")
        if decided.tokens:
            write_tokenizer(decided.tokens, models[decided.donor], models[decided.tokens.origin], folder)
        elif tokenizer:
            copy_tokenizer(models[decided.donor].folder, folder)
        if decided.chat_template is not None:
            write_chat_template(decided.chat_template, folder)
        if card:
            (folder / "README.md").write_text(hub.card(decided.recipe, _facts(decided)), encoding="utf-8")
            (folder / "mergekit_config.yml").write_text(dump(decided.recipe), encoding="utf-8")
    except OSError as error:
        raise MergeError(f"{folder}: cannot be written: {error.strerror}.") from None


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


def _check_free(out: Path) -> None:
    if not out.name or out.name == "..":
        raise MergeError(f"{out}: is the folder you are in, or above it; name a new folder.")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise MergeError(f"{out}: is not a folder; name a new folder.")
    if out.is_dir() and any(out.iterdir()):
        raise MergeError(f"{out}: the folder is not empty; name a new one, or empty it first.")


def _check_space(out: Path, decided: Plan) -> None:
    parent = next(p for p in (out.absolute(), *out.absolute().parents) if p.exists())
    need, free = decided.nbytes + (16 << 20), shutil.disk_usage(parent).free
    if need > free:
        raise MergeError(f"{out}: the merge needs {need:,} bytes, {parent} has {free:,} free. Free some, or write elsewhere.")


@contextlib.contextmanager
def _partial(out: Path) -> Generator[Path]:
    """A folder `<out>.partial` that becomes `<out>` at the end. Left over from a killed merge, it is replaced."""
    partial = out.with_name(out.name + ".partial")
    lock: int | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir(exist_ok=True)
        lock = _claim(partial)
        for left_over in partial.iterdir():
            if left_over.name != ".lock":
                left_over.unlink()
    except OSError as error:
        raise MergeError(f"{partial}: cannot be written: {error.strerror}.") from None
    try:
        yield partial
        (partial / ".lock").unlink()
        if out.is_dir():
            out.rmdir()  # checked empty before
        partial.rename(out)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise MergeError(f"{out}: cannot be written: {error.strerror}.") from None
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(lock)


def _claim(partial: Path) -> int:
    """Lock the folder for this merge; the system lets go of the lock when the process dies, however it dies."""
    handle = os.open(partial / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise MergeError(f"{partial}: another merge is writing there; wait for it, or name another folder.") from None
    return handle


__all__ = [
    "CheckpointError", "Read", "Step", "best_device", "merge", "merge_tensor", "open_models", "pick_device", "reader",
    "use_threads",
]  # fmt: skip
