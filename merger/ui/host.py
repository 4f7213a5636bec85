"""Where the page runs and what it may do there: on somebody's own machine, on a Space with a CPU, with a GPU, or on ZeroGPU.

Read once from the environment. No gradio here, and `spaces` only where it is installed.
"""

import os
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from merger import store
from merger.access import ANYTHING, Access
from merger.checkpoints import Checkpoint, in_words, open_checkpoint
from merger.errors import CheckpointError
from merger.evaluate import take_turns
from merger.hub import parse_reference
from merger.live import Parents
from merger.lora import adapt
from merger.recipe import load
from merger.search import Runner
from merger.wire import Token

F = TypeVar("F", bound=Callable[..., Any])
Accelerator = Literal["cpu", "cuda", "zerogpu"]

LIVE_SHARE = 10 / 16
"""Of a machine's memory that base, parents and merge may take together: the rest is Python, caches and the answers."""
ZEROGPU_MEMORY = 40_000_000_000
"""Bytes of a ZeroGPU's 48 GB that models may take."""
OWN_DISK, DISK = 200_000_000_000, 50_000_000_000
"""Bytes the cache of models may take: on one's own machine nothing is deleted; a Space has 50 GB, lost when it sleeps."""


@dataclass(frozen=True)
class Outlook:
    """What can be done with a choice of models here: heard live, merged to files only, or nothing; and why, for the page."""

    kind: Literal["live", "export", "refused"]
    words: str


@dataclass(frozen=True)
class Host:
    """The place. memory, gpu_memory, disk: bytes; disk is what the cache of models may take, 0 without a bound.

    family  the folders of models that come with the page: the only local paths a hosted page opens
    """

    hosted: bool = False
    space: str = ""
    cores: int = 2
    memory: int = 16_000_000_000
    accelerator: Accelerator = "cpu"
    gpu_memory: int = 0
    disk: int = 0
    oauth: bool = False
    family: frozenset[str] = frozenset()

    @property
    def device(self) -> str | None:
        """What the page's own process computes on: None leaves it to what is there. A ZeroGPU is lent to single calls only."""
        return "cpu" if self.accelerator == "zerogpu" else None

    @property
    def model_limit(self) -> int | None:
        """The most bytes of one model that a visitor may bring here."""
        return self.disk // 3 if self.hosted else None

    @property
    def address(self) -> str:
        """The Space's page, for links; "" elsewhere."""
        return f"https://huggingface.co/spaces/{self.space}" if self.space else ""

    def token(self, visitors: str | None) -> Token:
        """The token for a visitor's requests: his own; without one nobody's here, and this machine's login at home."""
        return visitors or (False if self.hosted else None)

    def download_options(self) -> dict[str, Any]:
        """For hub.bring: what may come here."""
        return {"only_safetensors": self.hosted, "limit": self.model_limit}

    def access(self, granted: Collection[str] = ()) -> Access:
        """What a visitor may have opened here, who has brought these gated or private models with a sign-in of their own."""
        return Access(frozenset(self.family), frozenset(granted)) if self.hosted else ANYTHING

    def outlook(self, sizes: Sequence[int], merged: int) -> Outlook:
        """Whether models of these bytes (base and parents) and their merge can be heard here, or only be merged to files."""
        total, count = sum(sizes) + merged, len(sizes)
        told = f"{count} models and their merge take {in_words(total)}"
        room = int(self.memory * LIVE_SHARE) if self.accelerator != "cuda" else min(self.memory, self.gpu_memory or self.memory)
        room = ZEROGPU_MEMORY if self.accelerator == "zerogpu" else room
        place = {"cpu": "this machine's memory", "cuda": "this GPU's memory", "zerogpu": "a GPU's memory"}[self.accelerator]
        if self.hosted and self.disk and total > self.disk:
            have = in_words(self.disk)
            return Outlook("refused", f"{told} on the disk; this page has {have}. Copy the recipe and merge at home.")
        if self.model_limit is not None and max(sizes, default=0) > self.model_limit:
            most = in_words(self.model_limit)
            return Outlook("refused", f"One model has {in_words(max(sizes))}; this page takes models of up to {most}.")
        if total <= room:
            return Outlook("live", f"Live: {told}; {in_words(room)} of {place} are for models.")
        return Outlook("export", f"To files only: {told}, more than the {in_words(room)} of {place} that are for models.")

    def tidy(self, in_use: Collection[Path]) -> tuple[str, ...]:
        """Keep the cache within its bound; returns the models that were deleted. Folders in use stay."""
        return store.evict(self.disk, in_use) if self.hosted and self.disk else ()


def read_host(environment: Mapping[str, str] = os.environ, family: Collection[str] = (), gpu_memory: int = 0) -> Host:
    """Where we are. gpu_memory: bytes of the CUDA device, 0 without one.

    >>> read_host({"SPACE_ID": "me/explorer", "MEMORY": "16Gi", "CPU_CORES": "2"}).memory
    17179869184
    """
    space = environment.get("SPACE_ID", "")
    space = space if store.is_hub_id(space) else ""
    zero = _flag(environment.get("SPACES_ZERO_GPU", "")) or environment.get("ACCELERATOR", "").lower().startswith("zero")
    hosted = bool(space) or _flag(environment.get("HOSTED", ""))
    disk = _bytes(environment.get("MERGER_CACHE", ""))
    return Host(
        hosted, space, _count(environment.get("CPU_CORES", "")) or os.cpu_count() or 2,
        _bytes(environment.get("MEMORY", "")) or _memory(), "zerogpu" if zero else "cuda" if gpu_memory else "cpu",
        gpu_memory, disk or (int(DISK * 0.6) if hosted else 0), bool(environment.get("OAUTH_CLIENT_ID")), frozenset(family),
    )  # fmt: skip


def _flag(text: str) -> bool:
    return text.strip().lower() not in ("", "0", "false", "no", "off")


def _count(text: str) -> int:
    return int(text) if text.strip().isdigit() else 0


def _bytes(text: str) -> int:
    """
    >>> _bytes("16Gi"), _bytes("500M"), _bytes("7"), _bytes("lots")
    (17179869184, 500000000, 7, 0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", text.strip(), re.IGNORECASE)
    if not found:
        return 0
    power = " KMGT".index(found[2].upper() or " ")
    return int(float(found[1]) * (1024 if found[3] else 1000) ** power)


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):  # not on this system
        return 16_000_000_000


# ---------------------------------------------------------------------------------------------- ZeroGPU


def gpu(duration: int | Callable[..., int] = 60) -> Callable[[F], F]:
    """`spaces.GPU` on a Space that has it; elsewhere the function as it is.

    On ZeroGPU the function runs in a forked process: what goes in and comes out crosses by pickle, what it remembers is lost
    to this process, and closing its generator stops it at its next yield.
    """
    try:
        import spaces  # type: ignore[import-not-found]
    except ImportError:
        return lambda function: function
    return spaces.GPU(duration=duration)


Folders = tuple[tuple[str, str], ...]
"""Plain references with their folders: what a process that shares nothing with this one needs to open a recipe's models."""
Told = tuple[str, int, str, float, tuple[tuple[str, float], ...]]
"""(who, token's id, its text, its probability, the likeliest others); an id of -1 ends that answer."""
_runners: OrderedDict[tuple[Folders, str], Runner] = OrderedDict()
_KEPT = 2


def folders(models: Mapping[str, Checkpoint]) -> Folders:
    """The folders of opened models, as `gpu_tokens` takes them."""
    return tuple((piece.reference, str(piece.folder)) for model in models.values() for piece in model.pieces)


def seconds(paths: Folders, recipe: str, asked: Sequence[str], prompt: str, limit: int = 160, *_: object) -> int:
    """How long `gpu_tokens` may take, said to ZeroGPU before: reading at 1 GB/s, 25 tokens a second for each who answers."""
    size = sum(file.stat().st_size for _, folder in dict(paths).items() for file in Path(folder).glob("*.safetensors"))
    return int(min(120, 10 + 2 * size / 1e9 + limit * max(1, len(asked)) / 25))


def gpu_tokens(
    paths: Folders, recipe: str, asked: Sequence[str], prompt: str, limit: int = 160, temperature: float = 0.0, seed: int = 0,
    device: str = "cuda",
) -> Iterator[Told]:  # fmt: skip
    """Answers of `merge` (the recipe's) and of parents, a token each in turn, from nothing but folders, recipe and prompt.

    Takes and yields plain values only, and keeps the last models for a process that is used again. MergeError as everywhere.
    """
    runner = _runner(paths, device)
    speakers = {who: runner.merged(load(recipe)) if who == "merge" else runner.parent(who) for who in asked}
    for said in take_turns(speakers, prompt, limit=limit, temperature=temperature, seed=seed):
        token = said.token
        yield (said.key, -1, "", 0.0, ()) if token is None else (said.key, token.id, token.text, token.probability, token.others)


def _runner(paths: Folders, device: str) -> Runner:
    key = paths, device
    if key not in _runners:
        where = dict(paths)

        def opened(reference: str) -> Checkpoint:
            name, *loras = [part for part in parse_reference(reference)]
            if not {name, *loras} <= where.keys():
                raise CheckpointError(f"{reference}: is not among the models that were handed over.")
            model = open_checkpoint(name, Path(where[name]))
            return adapt(model, [(lora, Path(where[lora])) for lora in loras]) if loras else model

        while len(_runners) >= _KEPT:
            _runners.popitem(last=False)
        _runners[key] = Runner(Parents(device, opener=opened))
    _runners.move_to_end(key)
    return _runners[key]


__all__ = ["Folders", "Host", "Outlook", "Told", "folders", "gpu", "gpu_tokens", "read_host", "seconds"]
