"""What a recipe takes of a device's memory: its models, the merge, tensors in the making, the texts that are heard."""

import contextlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from merger.engine import costs, fused
from merger.engine.document import Planned
from merger.engine.plan import Plan, Source, TensorJob
from merger.engine.tensor import STRETCH
from merger.errors import (
    MergeError,
)
from merger.files.checkpoints import Checkpoint, format_bytes
from merger.files.ranges import MEMORY
from merger.files.texts import is_dict
from merger.hub.lora import Adapted
from merger.kernels import build, devices, gpu
from merger.methods import METHODS

TEXT = 512
"""Tokens of prompt and answer that are reckoned with where the text is not known yet."""


@dataclass(frozen=True)
class Need:
    """Bytes that a recipe takes on a device, each part counted once.

    models   each opened model by its reference: sessions, voices and sweeps share them
    merged   the merge, and rows of other vocabularies that were matched to its own
    working  while one tensor is made, the most
    texts    what the voices keep of a text, and compute on the way
    sources  of one tensor of each model, the largest
    spoken   of texts what the merge's own voice takes
    """

    models: Mapping[str, int]
    merged: int
    working: int
    texts: int
    sources: int = 0
    spoken: int = 0

    @property
    def streamed(self) -> int:
        """What it takes where the models wait in this machine's memory and go to the device tensor by tensor: the merge alone
        is heard."""
        return self.merged + max(self.working + self.sources, self.spoken)

    @property
    def beside(self) -> int:
        """What is taken for a while: tensors are not made while voices speak."""
        return max(self.working, self.texts)

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.models.values()) + self.merged + self.beside


def need(plan: Plan | None, models: Mapping[str, Checkpoint], device: torch.device, tokens: int = TEXT) -> Need:
    """What a recipe takes, from headers alone.

    plan     its plan; None where nothing is merged
    models   what the recipe names, and whoever else speaks
    tokens   of prompt and answer, 0 where nobody speaks
    """
    opened = {reference: model for reference, model in models.items() if not isinstance(model, Planned)}
    jobs = plan.jobs if plan else ()
    matched = {s: job for job in jobs for s in (*job.sources, *([job.base] if job.base else [])) if s.vocab is not None}
    rows = sum(math.prod(job.shape) * _stored(models, source) for source, job in matched.items())
    voices = [(model.config, max((t.dtype.itemsize for t in model.tensors.values()), default=2)) for model in opened.values()]
    if plan is not None:
        voices.append((plan.config, max((job.out.itemsize for job in jobs if job.out.is_floating_point), default=2)))
    texts = [heard(config, size, tokens) for config, size in voices]
    most = [passing(config, size, tokens) for config, size in voices]
    return Need(
        {reference: read_bytes(model) for reference, model in opened.items()}, (plan.nbytes if plan else 0) + rows,
        max((working_memory(job, device.type) for job in jobs), default=0),
        sum(texts) + max(most, default=0),
        sum(max((t.nbytes for t in model.tensors.values()), default=0) for model in opened.values()),
        texts[-1] + most[-1] if voices else 0,
    )  # fmt: skip


def read_bytes(model: Checkpoint) -> int:
    """Bytes of a model's tensors as they are held. What a LoRA changes is merged in float32, and spoken as on the disk."""
    pairs = model.pairs if isinstance(model, Adapted) else ()
    wide = sum(model.tensors[name].numel * 4 for name in pairs if model.tensors[name].dtype.itemsize < 4)
    return model.nbytes + wide


def _stored(models: Mapping[str, Checkpoint], source: Source) -> int:
    stored = models[source.key].tensors.get(source.name)
    return stored.dtype.itemsize if stored else 4


def heard(config: Mapping[str, Any], itemsize: int, tokens: int) -> int:
    """Bytes that a voice keeps of a text while it makes the next: keys, values and each layer's output, of both."""
    level = _level(config)
    return 2 * _most(level, tokens) * _number(level, *_LAYERS) * (_keys(level) + _number(level, *_HIDDEN)) * itemsize


def passing(config: Mapping[str, Any], itemsize: int, tokens: int) -> int:
    """Bytes of what comes and goes while a voice speaks: a layer's activations, what is joined anew, the words' scores."""
    level = _level(config)
    tokens, hidden = _most(level, tokens), _number(level, *_HIDDEN)
    inner, words = _number(level, *_INNER) or 4 * hidden, _number(level, "vocab_size")
    joined = _number(level, *_LAYERS) * hidden + _keys(level)
    return tokens * (8 * hidden + 3 * inner + joined) * itemsize + min(tokens, 160) * words * (itemsize + 12)


def _keys(level: Mapping[str, Any]) -> int:
    """Numbers that a layer keeps of a token: its keys and values."""
    heads = _number(level, *_HEADS)
    width = _number(level, "head_dim") or _number(level, *_HIDDEN) // max(1, heads)
    return 2 * (_number(level, "num_key_value_heads") or heads) * width


def _most(level: Mapping[str, Any], tokens: int) -> int:
    """No text is longer than the model's positions."""
    return min(tokens, _number(level, "max_position_embeddings", "n_positions", "n_ctx") or 2048)


_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
_HIDDEN = ("hidden_size", "n_embd", "d_model")
_HEADS = ("num_attention_heads", "n_head")
_INNER = ("intermediate_size", "n_inner", "d_ff")


def _level(config: Mapping[str, Any]) -> Mapping[str, Any]:
    nested = config.get("text_config")
    return nested if is_dict(nested) else config


def _number(config: Mapping[str, Any], *names: str) -> int:
    number = next((config[name] for name in names if isinstance(config.get(name), int)), 0)
    return min(max(0, number), 1 << 24)  # a stranger's


def available(device: torch.device) -> tuple[int, int] | None:
    """Bytes that can be taken now, and that this process could take if it let go of all it has; None: unknown."""
    if device.type != "cpu":
        return devices.memory(device)
    free = page_room()
    return None if free is None else (free, free)


def too_much(what: Need, device: torch.device) -> str:
    """What to tell where a device's memory ran out although all else was let go of: what is needed, free, and would fit."""
    place = "This machine's memory" if device.type == "cpu" else f"The GPU's memory ({device})"
    count, models = len(what.models), sum(what.models.values())
    message = (
        f"{place} ran out: {count} model{'s' * (count > 1)} take{'s' * (count == 1)} {format_bytes(models)}, their merge "
        f"{format_bytes(what.merged)} and computing {format_bytes(what.beside)}, together {format_bytes(what.total)}"
    )
    have = available(device)
    if have is None:
        return f"{message}. Fewer or smaller models would fit."
    return f"{message}; {format_bytes(have[0])} are free. {fitting(what, have[0])}"


def fitting(what: Need, room: int) -> str:
    """A sentence on what would fit into so many bytes."""
    if what.total <= room:
        return "Another program may have taken memory meanwhile; try again."
    sizes = sorted(what.models.values())
    left, fits = room - what.merged - what.beside, 0
    for size in sizes:
        left -= size
        fits += left >= 0
    if 2 <= fits < len(sizes):
        return f"{fits} of these models and their merge would fit."
    each = (room - what.beside) // (len(sizes) + 1)
    return f"Models of up to {format_bytes(each)} each would fit." if each > 0 else "Smaller models would fit, or a shorter text."


# ---------------------------------------------------------------------------------------------- batch merges

OWN_MEMORY = 300_000_000
"""Bytes that are kept free of a limit for Python, torch and headers, whatever is merged."""


BARE_MEMORY = 180_000_000
"""What these really take of their own."""


def memory_of(job: TensorJob, models: Mapping[str, Checkpoint] | None = None) -> int:
    """Bytes of memory that making one tensor takes beside its files, which are mapped and can be let go of at any time.

    models  opened, for what their LoRAs take, and what lies elsewhere and is fetched; None: there is neither
    """
    return _own_memory(job) + (_adapting(job, models) + _fetched(job, models) if models else 0)


def _fetched(job: TensorJob, models: Mapping[str, Checkpoint]) -> int:
    """Bytes of the sources that lie elsewhere: each is in memory while the tensor is made."""
    return sum(_afar_bytes(models.get(s.key), s.name) for s in {*job.sources, *([job.base] if job.base else [])})


def _afar_bytes(model: Checkpoint | None, name: str) -> int:
    if isinstance(model, Planned):  # what it is made of is fetched, and then it is made
        job = model.plan.job(name)
        return _fetched(job, model.parents)
    stored = model.tensors.get(model.own(name)) if model is not None and model.afar is not None else None
    return stored.nbytes if stored is not None else 0


def _adapting(job: TensorJob, models: Mapping[str, Checkpoint]) -> int:
    """Bytes of the sources that LoRAs change: each is a float32 tensor of its own, and one product more while it is made."""
    sources = {s for s in (*job.sources, *([job.base] if job.base else [])) if _has_lora(models.get(s.key), s.name)}
    return 4 * math.prod(job.shape) * (len(sources) + 1) if sources else 0


def _has_lora(model: Checkpoint | None, name: str) -> bool:
    return isinstance(model, Adapted) and model.own(name) in model.pairs


def _own_memory(job: TensorJob) -> int:
    n, count = math.prod(job.shape), len(job.sources)
    gathered = sum(4 * n for s in (*job.sources, *([job.base] if job.base else [])) if s.vocab is not None or s.made)
    if job.method is None:
        return min(n, STRETCH) * job.out.itemsize + gathered
    if not fused.supports(job):
        return costs.whole_memory(job) + gathered
    bits = count * n // 8 if METHODS[job.method].law.trim == "ranked" else 0
    return min(n, STRETCH) * job.out.itemsize + 4 * min(n, (1 << 22) + (1 << 16)) + bits + gathered


_KEPT = 32 << 20
"""glibc gives larger pieces back at once."""


def memory_together(jobs: Sequence[TensorJob], workers: int = 2, models: Mapping[str, Checkpoint] | None = None) -> int:
    """Bytes that a merge takes beside its files with so many threads: tensors that are made whole are made one at a time, but
    each thread keeps what was in pieces that the C library does not give back (float64 is the widest).

    models  as in `memory_of`
    """
    whole = [job for job in jobs if not _many(job)]
    alone = max((memory_of(job, models) for job in whole), default=0)
    kept = max((memory_of(job, models) for job in whole if 8 * math.prod(job.shape) < _KEPT), default=0)
    others = sorted((memory_of(job, models) for job in jobs if _many(job)), reverse=True)
    bare = BARE_MEMORY + (2 * MEMORY if models and any(model.afar is not None for model in models.values()) else 0)
    return bare + alone + workers * kept + sum(others[: workers - 1 if alone else workers])


def _many(job: TensorJob) -> bool:
    """Whether several such tensors may be in the making at a time."""
    return job.method is None or fused.supports(job)


def working_memory(job: TensorJob, kind: str) -> int:
    """Bytes of a GPU that making one tensor takes for a while, beside its sources and the output. kind: of device."""
    n = math.prod(job.shape)
    made = sum(4 * n for s in (*job.sources, *([job.base] if job.base else [])) if s.made)
    if job.method is None:
        return made
    if fused.supports(job, kind):  # of the searches; the launch itself takes next to nothing
        return made + gpu.searching(n, len(job.sources), fused.law_of(job).trim == "ranked")
    plain = METHODS[job.method].law.combine in ("average", "alone")
    return made + costs.whole_memory(job) + (0 if plain else 32 * min(n, 1 << 20))  # dot products and sums go by float64 blocks


def fitting_workers(
    jobs: Sequence[TensorJob],
    workers: int | None,
    memory: int | None,
    models: Mapping[str, Checkpoint] | None = None,
    room: int | None = None,
    each: int = 0,
) -> int:
    """How many tensors are made at a time, under a limit of memory. MergeError names a tensor that alone takes more.

    models  as in `memory_of`
    room    bytes there are, where nobody has set a limit: what lies elsewhere is fetched into them
    each    bytes that a thread takes beside
    """
    wanted = workers or processors()
    afar = models is not None and any(model.afar is not None for model in models.values())
    most = memory if memory is not None else room if afar else None
    if most is None or not jobs:
        return wanted
    own = OWN_MEMORY + (MEMORY if afar else 0)
    largest = sorted(jobs, key=lambda job: memory_of(job, models), reverse=True)
    needs = [memory_of(job, models) + each for job in largest[:wanted]]
    if memory is not None and own + needs[0] > memory:
        job = largest[0]
        why = "" if job.method is None or fused.supports(job) else f", because '{job.method}' looks at the whole tensor at once"
        why = why or (", because its models lie elsewhere and are fetched into memory" if _fetched(job, models or {}) else "")
        need = _enough(own + needs[0])
        more = "" if build.available() else ", or install a C compiler: then much less will do"
        raise MergeError(
            f"--memory {format_bytes(memory)}: {job.name} {job.shape} takes {need}{why}.\n"
            f"  Allow that with --memory {need}{more}."
        )
    return max((k for k in range(1, len(needs) + 1) if own + sum(needs[:k]) <= most), default=1)


def _enough(nbytes: int) -> str:
    """A size that covers so many bytes, as an option takes it.

    >>> _enough(300_000_001), _enough(2_340_000_000), _enough(999_999_999)
    ('301MB', '2.4GB', '1GB')
    """
    unit, name = (10**9, "GB") if nbytes > 999 * 10**6 else (10**6, "MB")
    steps = -(-nbytes // (unit // 10))  # tenths, upwards
    return f"{-(-steps // 10)}{name}" if unit == 10**6 or steps % 10 == 0 else f"{steps / 10:.1f}{name}"


def processors() -> int:
    """The CPU cores this process may use; more than four only wait for the disk."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, count)


def page_room() -> int | None:
    """Bytes that the system can keep of files in memory: what is free, or what the memory cgroup allows. None: unknown."""
    limits = [limit] if (limit := memory_limit()) is not None else []
    with contextlib.suppress(OSError, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        limits += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")]
    return min(limits, default=None)


def memory_limit() -> int | None:
    """Bytes that the memory cgroup allows this process, its own and those of files together; None where there is none."""
    limits: list[int] = []
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, kinds, path = line.split(":", 2)
            root, name = ("/sys/fs/cgroup", "memory.max") if not kinds else ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            if kinds in ("", "memory"):
                for folder in [own := Path(root + path), *own.parents]:  # a limit above holds too
                    with contextlib.suppress(OSError, ValueError):
                        limits.append(int((folder / name).read_text(encoding="ascii")))
    return min(limits, default=None)
