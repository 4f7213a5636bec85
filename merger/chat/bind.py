"""Merged tensors become the parameters of a transformers module, renamed and fused as transformers does when it loads a folder.

What is only renamed *is* the parameter. Of what is stacked (the experts of a layer) each tensor becomes a part of the stack. What
is turned or woven otherwise is copied, again whenever one of its tensors has been written to.
"""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from merger.chat import internals
from merger.errors import CheckpointError
from merger.files.layout import part, role
from merger.files.prefixes import bare


@dataclass
class Copied:
    """Parameters that are made from tensors and do not share memory with them."""

    sources: tuple[Tensor, ...]
    make: Callable[[], Mapping[str, Tensor]]
    parameters: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    versions: tuple[int, ...] = ()

    def refresh(self) -> None:
        """Make the parameters again if a source has been written to."""
        if self.parameters and versions(self.sources) == self.versions:
            return
        with torch.no_grad():
            for name, value in self.make().items():
                if name in self.parameters:
                    self.parameters[name].copy_(value)
                else:  # the first time; it may be kept as it is
                    self.parameters[name] = value
        self.versions = versions(self.sources)


@dataclass
class Bound:
    """What a module's parameters are made of.

    sources  parameter -> the tensors in which a write changes it
    copies   what has to be made again after such a write
    """

    sources: dict[str, tuple[Tensor, ...]] = field(default_factory=dict[str, tuple[Tensor, ...]])
    copies: list[Copied] = field(default_factory=list[Copied])

    def refresh(self) -> None:
        """Let the parameters that are copies follow what they are copied from."""
        for copied in self.copies:
            copied.refresh()


def versions(tensors: Sequence[Tensor]) -> tuple[int, ...]:
    """How often each was written to; a tensor made for inference does not count."""
    return tuple(0 if t.is_inference() else t._version for t in tensors)


def bind(module: Any, tensors: Mapping[str, Tensor], where: str) -> Bound:
    """Make the tensors, as a folder names them, the parameters of a module whose parameters are on meta.

    CheckpointError, beginning with `where`, when they do not fit; the first that does not is named.
    """
    held: dict[str, Tensor] = dict(module.state_dict(keep_vars=True))
    bound, given = Bound(), set[str]()

    def put(_: "_Group", name: str, value: Tensor) -> None:
        _put(module, name, value)
        given.add(name)

    strange = _each(module, held, tensors, where, put, bound)
    lacking = {name for name in held if name not in given}
    _tie(module, bound, lacking)
    left = [name for name, value in (*module.named_parameters(), *module.named_buffers()) if value.is_meta]
    _refuse(strange or left, where)
    return bound


def _each(
    module: Any, held: Mapping[str, Tensor], tensors: Mapping[str, Tensor], where: str,
    put: "Callable[[_Group, str, Tensor], object]", bound: Bound,
) -> list[str]:  # fmt: skip
    """Hand over each parameter that the tensors make; gives the names for which the module has no place."""
    wanted = _dtypes(module, held)
    groups, strange = _groups(module, held, tensors)
    strange = [name for name in strange if not _passed_over(module, name)]
    for group in groups:
        for name, value in _bound(group, module, wanted, bound, where).items():
            if name not in held:
                strange.append(name)
            elif held[name].shape != value.shape:
                raise CheckpointError(
                    f"{where}: its tensors do not fit transformers' model: {name} is {tuple(value.shape)}, by config.json "
                    f"{tuple(held[name].shape)}; it cannot answer here."
                )
            else:
                put(group, name, value)
    return strange


def _refuse(names: Sequence[str], where: str) -> None:
    if names:
        raise CheckpointError(
            f"{where}: its tensors do not fit transformers' model, for example {names[0]}; it cannot answer here."
        )


@dataclass(frozen=True)
class Part:
    """A parameter, or a buffer, of a module that is on meta, and the tensors that it is made of, by their names in files."""

    name: str
    nbytes: int
    _module: Any
    _group: "_Group"
    _made: str
    _types: Mapping[str, torch.dtype]
    _where: str

    @property
    def tensors(self) -> tuple[str, ...]:
        """What it is made of."""
        return tuple(itertools.chain.from_iterable(self._group.names.values()))

    @property
    def same(self) -> str:
        """The tensor of a file that it is as it is, with no turning or joining; "" where there is no such one."""
        return self.tensors[0] if self._group.transform is None and len(self.tensors) == 1 else ""

    @property
    def dtype(self) -> torch.dtype:
        """Its type of numbers."""
        return self._types[self._group.target]

    def put(self, tensors: Mapping[str, Tensor]) -> None:
        """Make it of these; what is stacked is moved, so that they are the caller's no longer."""
        sources = {pattern: [tensors[name] for name in names] for pattern, names in self._group.names.items()}
        made = _bound(replace(self._group, sources=sources), self._module, self._types, Bound(), self._where)
        _put(self._module, self.name, made[self._made])

    def drop(self, device: torch.device) -> None:
        """Let a number that is none stand in its place: of its shape and type, on this device, without memory."""
        path, _, last = self.name.rpartition(".")
        held: Tensor = getattr(self._module.get_submodule(path), last)
        none = torch.full((), math.nan if held.is_floating_point() else 0, dtype=held.dtype, device=device)
        _put(self._module, self.name, none.expand(held.shape))


def parts(module: Any, tensors: Mapping[str, Tensor], where: str) -> dict[str, Part]:
    """What each parameter on meta is made of, where the tensors, on meta too, tell no more than shapes and types.

    CheckpointError as `bind`.
    """
    held: dict[str, Tensor] = dict(module.state_dict(keep_vars=True))
    types, found = _dtypes(module, held), dict[str, Part]()

    def put(group: "_Group", name: str, value: Tensor) -> None:
        found[name] = Part(name, value.nbytes, module, group, name, types, where)

    strange = _each(module, held, tensors, where, put, Bound())
    for one, other in dict(getattr(module, "all_tied_weights_keys", None) or {}).items():
        for lacking, there in ((one, other), (other, one)):
            if lacking not in found and there in found:
                found[lacking] = replace(found[there], name=lacking)
    on_meta = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    _refuse(strange or [name for name, value in on_meta if value.is_meta and name not in found], where)
    return found


# ---------------------------------------------------------------------------------------------- names


@dataclass
class _Group:
    """Tensors that transformers loads together, and its transform: a renaming, or what fuses or splits them."""

    target: str
    transform: Any
    sources: dict[str, list[Tensor]] = field(default_factory=dict[str, list[Tensor]])
    names: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, by source pattern, as they were added."""
        return tuple(itertools.chain.from_iterable(self.sources.values()))


def _groups(module: Any, held: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> tuple[list[_Group], list[str]]:
    """The tensors as transformers' loader puts them together, and the names for which the module has no place."""
    by_pattern, rename, order = internals.renaming(module, held)
    groups: dict[str, _Group] = {}
    strange: list[str] = []
    alike = {bare(name): name for name in held}
    for name in sorted(tensors, key=order):
        target, pattern = rename(name, True)
        if target not in held and name in held:
            target, pattern = rename(name, False)
        if target not in held and (alone := alike.get(bare(target))):  # a text's part alone, of a model that also sees
            target = alone
        if target not in held:
            strange.append(name)
            continue
        if target not in groups:
            groups[target] = _Group(target, by_pattern[pattern] if pattern is not None else None)
        groups[target].sources.setdefault(pattern or name, []).append(tensors[name])
        groups[target].names.setdefault(pattern or name, []).append(name)
    for group in groups.values():
        if group.transform is not None:  # the order in which they are joined
            group.sources = {p: group.sources[p] for p in group.transform.source_patterns if p in group.sources}
            group.names = {pattern: group.names[pattern] for pattern in group.sources}
    return list(groups.values()), strange


def _passed_over(module: Any, name: str) -> bool:
    """Whether an answer does without a tensor for which the module has no place."""
    if role(name) == "head" or part(name) != "text":  # another head, a tower that the module does not have
        return True
    patterns = set(module._keys_to_ignore_on_load_unexpected or ())
    if any(re.search(pattern, name) for pattern in patterns):
        return True
    if re.search(r"rotary_emb\.inv_freq|(^|\.)(position_ids|masked_bias)$|\.attn\.bias$|(^|\.)mtp\.", name):
        return True
    text = module.config.get_text_config(decoder=True)  # layers that foretell more than one token, which only training needs
    extra = getattr(text, "num_nextn_predict_layers", None) or 0
    layer = re.search(r"(?:^|\.)layers\.(\d+)\.", name)
    first = getattr(text, "num_hidden_layers", 0)
    return bool(extra and layer and first <= int(layer[1]) < first + extra)


def _tie(module: Any, bound: Bound, lacking: set[str]) -> None:
    """Tie what the config ties and the tensors do not hold apart."""
    tied: dict[str, str] = dict(getattr(module, "all_tied_weights_keys", None) or {})
    if not tied:
        return
    module.tie_weights(missing_keys=lacking, recompute_mapping=False)
    for one, other in tied.items():
        for a, b in ((one, other), (other, one)):
            if a in bound.sources and b not in bound.sources:
                bound.sources[b] = bound.sources[a]


# ---------------------------------------------------------------------------------------------- values


def _dtypes(module: Any, held: Mapping[str, Tensor]) -> dict[str, torch.dtype]:
    """The type that transformers gives each parameter: its own where it has one, 32 bit where the model asks for it."""
    main = module.config.dtype
    plan: Mapping[str, torch.dtype] = internals.kept_types(module) if main in (torch.float16, torch.bfloat16) else {}
    patterns = [(re.compile(p.replace("*", ".*")), dtype) for p, dtype in plan.items()]
    return {
        name: next((dtype for pattern, dtype in patterns if pattern.search(name)), value.dtype) for name, value in held.items()
    }


def _bound(group: _Group, module: Any, wanted: Mapping[str, torch.dtype], bound: Bound, where: str) -> Mapping[str, Tensor]:
    """A group's parameters: its tensors themselves, tensors made parts of one, or copies; `bound` is told which."""
    tensors = group.tensors
    dtype = wanted[group.target]
    fits = all(t.dtype == dtype for t in tensors)
    places = _places(group) if fits else None
    if places is not None:
        made: Mapping[str, Tensor] = {group.target: _stacked(tensors, places, module.get_parameter(group.target).shape)}
    else:

        def make() -> Mapping[str, Tensor]:
            return {n: t.to(wanted.get(n, dtype)) for n, t in _converted(group, module, where).items()}

        copied = Copied(tensors, make)
        copied.refresh()
        made = copied.parameters
        homes = {_home(t) for t in tensors}
        if not all(_home(t) in homes for t in made.values()):
            bound.copies.append(copied)
    for name in made:
        bound.sources[name] = tensors
    return made


def _home(tensor: Tensor) -> int:
    """Where a tensor's numbers are; the tensor itself for devices that do not tell."""
    try:
        return tensor.untyped_storage().data_ptr()
    except RuntimeError:
        return id(tensor)


def _converted(group: _Group, module: Any, where: str) -> dict[str, Tensor]:
    """The group's parameters by transformers' own operations; they may share memory with the tensors."""
    if group.transform is None:
        return {group.target: group.tensors[0]}
    collected: Any = {pattern: list(tensors) for pattern, tensors in group.sources.items()}
    transform = group.transform
    try:
        for step in transform.operations:
            collected = step.convert(
                collected, source_patterns=transform.source_patterns, target_patterns=transform.target_patterns,
                full_layer_name=group.target, model=module, config=module.config, missing_keys=None,
            )  # fmt: skip
    except Exception as error:  # whatever shapes a stranger's tensors have
        first = next(iter(group.names.values()))[0]
        raise CheckpointError(
            f"{where}: transformers cannot put {first} and its like together: {str(error).splitlines()[0][:200]}; "
            "it cannot answer here."
        ) from None
    whole = group.target.replace("*.", "0.")
    split = next((whole.partition(pattern) for pattern in collected if pattern in whole), None)
    first = {name: value[0] if isinstance(value, list) else value for name, value in collected.items()}
    return first if split is None else {split[0] + name + split[2]: value for name, value in first.items()}


def _places(group: _Group) -> list[int] | None:
    """Where each tensor of a group begins in the parameter that they make, in elements; None where they are no runs of it."""
    if group.transform is None:
        return None
    steps = [(type(step).__name__, getattr(step, "dim", None)) for step in group.transform.operations]
    parts = list(group.sources.values())
    tensors = group.tensors
    if len({(t.dtype, t.device) for t in tensors}) != 1 or any(not t.ndim for t in tensors):
        return None
    stack, join = ("MergeModulelist", 0), ("Concatenate", 1)
    if steps == [("Concatenate", 0)] and len({t.shape[1:] for t in tensors}) == 1:
        return _running(t.numel() for t in tensors)
    alike = len({len(part) for part in parts}) == 1 and all(len({t.shape for t in part}) == 1 for part in parts)
    if not alike or len({t.shape[1:] for t in tensors}) != 1:
        return None
    if (steps == [stack] and len(parts) == 1) or steps == [stack, join]:
        rows = _running(part[0].numel() for part in parts)
        whole = sum(part[0].numel() for part in parts)
        return [expert * whole + rows[i] for i, part in enumerate(parts) for expert in range(len(part))]
    return None


def _running(sizes: Iterator[int]) -> list[int]:
    """Where each of some runs begins.

    >>> _running(iter([3, 1, 2]))
    [0, 3, 4]
    """
    ends = list(itertools.accumulate(sizes))
    return [0, *ends[:-1]]


def _stacked(tensors: Sequence[Tensor], places: Sequence[int], shape: Sequence[int]) -> Tensor:
    """One tensor of which the others are parts. They are moved into it, unless another module has done so before."""
    first, numel = tensors[0], sum(t.numel() for t in tensors)
    if math.prod(shape) != numel:  # bind says that shapes differ
        shape = (numel,)
    start = first.storage_offset() - places[0]
    home = first.untyped_storage()
    if start >= 0 and all(
        t.untyped_storage().data_ptr() == home.data_ptr() and t.storage_offset() - start == place and t.is_contiguous()
        for t, place in zip(tensors, places, strict=True)
    ):
        steps = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
        return torch.empty(0, dtype=first.dtype, device=first.device).set_(home, start, tuple(shape), tuple(steps))
    whole = torch.empty(tuple(shape), dtype=first.dtype, device=first.device)
    flat = whole.view(-1)
    with torch.no_grad():
        for tensor, place in zip(tensors, places, strict=True):
            part = flat[place : place + tensor.numel()].view(tensor.shape)
            part.copy_(tensor)
            tensor.data = part  # the same object, so that whoever writes to it writes to the whole
    return whole


def _put(module: Any, name: str, value: Tensor) -> None:
    """Make a tensor a parameter, or a buffer, of the module."""
    path, _, last = name.rpartition(".")
    owner: nn.Module = module.get_submodule(path)
    buffers = {n for n, _ in owner.named_buffers(recurse=False)}
    setattr(owner, last, value if last in buffers else nn.Parameter(value, requires_grad=False))
