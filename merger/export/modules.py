"""The modules of a model as transformers builds it, with a merge's tensors of each, and what peft can hold of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from merger.engine import loadable
from merger.engine.plan import Plan, TensorJob
from merger.errors import CheckpointError
from merger.files import heads
from merger.files.checkpoints import Checkpoint
from merger.files.layout import is_buffer, role
from merger.files.prefixes import bare

_MATRICES = {"Linear": False, "Conv1D": True}
"""Kinds of modules that get factors: whether their matrix is stored with its inputs as rows."""
_EXPERTS = {"mixtral": ("w1", "w2", "w3"), "qwen2_moe": ("gate_proj", "up_proj", "down_proj")}
"""Ways of putting experts together that peft knows for their factors too: what the files call an expert's matrices."""


@dataclass(frozen=True)
class Part:
    """A tensor that the merge makes, and what its base calls the same one."""

    job: TensorJob
    base: str


@dataclass(frozen=True)
class Module:
    """A module with the merge's tensors, by the last word of their names.

    names       its own, then those of modules that share its numbers
    matrix      whether it is a matrix that can have factors; transposed: stored with its inputs as rows
    expert      whether it is an expert's: under the name that the files give it, and of the same rank as all others
    why         why no adapter can hold a change of it; "" where one can
    """

    names: tuple[str, ...]
    parts: Mapping[str, Part]
    matrix: bool
    transposed: bool = False
    expert: bool = False
    why: str = ""

    @property
    def name(self) -> str:
        """What the model calls it."""
        return self.names[0]


def modules(plan: Plan, base: Checkpoint) -> list[Module]:
    """The modules of a merge, in the order of its tensors. CheckpointError where it is no change of this base's weights."""
    parts = _parts(plan, base)
    known = loadable.structure(base)
    if "unknown" in known:
        return _by_names(parts, base)
    tensors: Mapping[str, Sequence[str]] = known["tensors"]
    named: Mapping[str, str | None] = known["named"]
    find = _finder(tensors)
    grouped: dict[str, dict[str, Part]] = {}
    lost: list[Module] = []
    leaves = _EXPERTS.get(known["experts"], ())
    for part in parts:
        alone = bare(part.base) == bare(part.job.name) and part.base in named  # else its base's own is another, as of a tied head
        name = named[part.base] if alone else find(part.job.name)
        if name is None:
            owner, _, leaf = part.job.name.rpartition(".")
            lost.append(_apart(owner, leaf, part, leaves))
            continue
        owner, _, leaf = name.rpartition(".")
        grouped.setdefault(owner, {})[leaf] = part
    inside: dict[str, list[str]] = {}
    for name in tensors:
        words = name.split(".")
        for n in range(1, len(words)):
            inside.setdefault(".".join(words[:n]), []).append(".".join(words[n:]))
    made = [_module(owner, held, tensors, inside[owner]) for owner, held in grouped.items()]
    made = [_with_sharers(module, tensors, grouped) for module in made]
    if leaves:  # peft takes factors of all modules that are called so for an expert's
        made = [replace(m, matrix=False) if m.name.rpartition(".")[2] in (*leaves, "gate") else m for m in made]
    return made + lost


def _apart(owner: str, leaf: str, part: Part, leaves: Sequence[str]) -> Module:
    """A tensor that transformers puts together with others: an expert's matrix where peft does the same with factors."""
    of_experts = role(part.job.name) == "experts"
    if of_experts and leaf == "weight" and owner.rpartition(".")[2] in leaves and len(part.job.shape) == 2:
        return Module((owner,), {leaf: part}, matrix=True, expert=True)
    what = "the experts of a layer into one tensor" if of_experts else "this tensor together with others"
    return Module((owner,), {leaf: part}, False, why=f"transformers puts {what}")


def _module(owner: str, held: Mapping[str, Part], tensors: Mapping[str, Sequence[str]], inside: Sequence[str]) -> Module:
    kind = tensors[f"{owner}.{next(iter(held))}"][0]
    why = ""
    if any(role(part.job.name) == "experts" for part in held.values()) and kind not in _MATRICES:
        why = "transformers puts the experts of a layer into one tensor"
    elif any("." in leaf for leaf in inside):
        why = f"it belongs to a module that holds others ({kind}), which peft keeps as a whole only"
    elif set(inside) != set(held):
        why = f"the module has more in it than the merge: {', '.join(sorted(set(inside) - set(held))[:3])}"
    weight = held.get("weight")
    fits = weight is not None and len(weight.job.shape) == 2 and held.keys() <= {"weight", "bias"}
    matrix = not why and kind in _MATRICES and fits
    return Module((owner,), held, matrix, _MATRICES.get(kind, False), why=why)


def _with_sharers(module: Module, tensors: Mapping[str, Sequence[str]], grouped: Mapping[str, object]) -> Module:
    """The module with others that share its numbers, and of which the merge has none of their own."""
    leaf = next(iter(module.parts))
    first = tensors[f"{module.name}.{leaf}"][1]
    sharers = [name.rpartition(".")[0] for name, (_, of) in tensors.items() if of == first and name.endswith(f".{leaf}")]
    more = [name for name in sharers if name != module.name and name not in grouped]
    return replace(module, names=(module.name, *more), matrix=module.matrix and not more) if more else module


def _by_names(parts: Sequence[Part], base: Checkpoint) -> list[Module]:
    """The same where transformers cannot be asked: what the names and shapes say."""
    grouped: dict[str, dict[str, Part]] = {}
    for part in parts:
        owner, _, leaf = part.job.name.rpartition(".")
        grouped.setdefault(owner, {})[leaf] = part
    tied = bool(heads.says_tied(base.config)) and not any(heads.is_head(part.job.name) for part in parts)
    made: list[Module] = []
    for owner, held in grouped.items():
        kinds, weight = {role(part.job.name) for part in held.values()}, held.get("weight")
        plain = weight is not None and len(weight.job.shape) == 2 and held.keys() <= {"weight", "bias"}
        why = (
            ""
            if all(len(part.job.shape) <= 2 for part in held.values())
            else "it is no matrix, and transformers does not know what it is"
        )
        shared = tied and weight is not None and weight.base == heads.embeddings(base)
        names = (owner, heads.HEAD.removesuffix(".weight")) if shared else (owner,)
        made.append(Module(names, held, plain and not kinds & {"embed", "norm", "router", "other"}, why=why))
    return made


def _parts(plan: Plan, base: Checkpoint) -> list[Part]:
    """Each tensor of the merge with the base's. CheckpointError where one side has what the other has not."""
    if plan.stack:
        raise CheckpointError("the merge stacks layers, and an adapter changes weights only: write it as a model's folder.")
    find = _finder(base.tensors)
    parts: list[Part] = []
    for job in plan.jobs:
        name = find(job.name) or heads.stored_as(job.name, base)
        if is_buffer(job.name, job.shape, job.out.is_floating_point):
            continue
        if name is None:
            raise CheckpointError(f"{job.name}: {base.reference} has no such tensor; an adapter lies on the base of the merge.")
        stored = base.tensors[name]
        if stored.shape != job.shape:
            raise CheckpointError(_other_shape(job, base, stored.shape))
        if not stored.plain or job.packed or not job.out.is_floating_point:
            kind = stored.packed or str(stored.dtype).removeprefix("torch.")
            raise CheckpointError(
                f"{job.name}: is stored as {kind} in {base.reference}; an adapter needs a base of plain floats."
            )
        parts.append(Part(job, name))
    _check_words(plan, base)
    covered, own = {part.base for part in parts}, heads.own_heads(base)
    gone = [
        name for name, stored in base.tensors.items()
        if name not in covered and not is_buffer(name, stored.shape, stored.dtype.is_floating_point)
        and (not heads.is_head(name) or name in own)
    ]  # fmt: skip
    if gone:
        raise CheckpointError(f"{gone[0]}: {base.reference} has it and the merge has not, and an adapter takes nothing away.")
    return parts


def _other_shape(job: TensorJob, base: Checkpoint, shape: tuple[int, ...]) -> str:
    if role(job.name) in ("embed", "head") and len(shape) == 2 and shape[1:] == job.shape[1:]:
        return (
            f"{job.name}: the merge has {job.shape[0]} tokens, {base.reference} {shape[0]}; an adapter changes no vocabulary.\n"
            "  Write the merge as a model's folder, or take `tokenizer_source: base`."
        )
    return (
        f"{job.name}: is {job.shape} in the merge and {shape} in {base.reference}; an adapter lies on a base of the same shapes."
    )


def _check_words(plan: Plan, base: Checkpoint) -> None:
    """CheckpointError where the merge's rows stand for other tokens than the base's."""
    words = plan.tokens
    if words is None or (base.reference in words.models and words.map([base.reference], None) is None):
        return
    raise CheckpointError(
        f"the merge's tokens are others than those of {base.reference}, and an adapter changes no vocabulary.\n"
        "  Write the merge as a model's folder, or take `tokenizer_source: base`."
    )


def _finder(names: Iterable[str]) -> Callable[[str], str | None]:
    """What a model calls a tensor, whatever stands before its name."""
    known, without = frozenset(names), dict[str, list[str]]()
    for name in known:
        without.setdefault(bare(name), []).append(name)

    def find(name: str) -> str | None:
        same = [name] if name in known else without.get(bare(name), [])
        return same[0] if len(same) == 1 else None

    return find


__all__ = ["Module", "Part", "modules"]
