"""Where the page runs and what it may do there: on somebody's own machine, on a Space with a CPU, with a GPU, or on ZeroGPU.

Read once from the environment. No gradio here, and `spaces` only where it is installed.
"""

import contextlib
import importlib
import logging
import math
import os
import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from merger.chat.sampling import Sampling
from merger.engine.budget import TEXT
from merger.engine.plan import Plan
from merger.engine.session import Parents
from merger.errors import OUR_FAULT, CheckpointError, MergeError
from merger.files.checkpoints import Checkpoint, format_bytes, open_checkpoint
from merger.hub import store
from merger.hub.access import ANYTHING, Access
from merger.hub.lora import adapt
from merger.hub.references import parse_reference
from merger.hub.wire import Token
from merger.recipe import Recipe, load
from merger.search.llama import other_way
from merger.search.trials import Runner
from merger.ui.beside import beside

log = logging.getLogger(__name__)
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
    """What can be done with a choice of models here, and why, for the page: heard live, the merge alone, files only, or nothing.

    bits      of a weight, where it is heard through llama.cpp with its parents on the disk; 0: as it is, in memory
    streamed  the merge is on the GPU; its models wait in this machine's memory and go there tensor by tensor
    """

    kind: Literal["live", "streamed", "export", "refused"]
    words: str
    bits: int = 0


@dataclass(frozen=True)
class Host:
    """The place. memory, gpu_memory, disk: bytes; disk is what the cache of models may take, 0 without a bound.

    family  the folders of models that come with the page: the only local paths a hosted page opens
    trials  the file in which sweeps and searches are kept; "" for none: a hosted page keeps nothing
    threads of llama.cpp, which wait for each other by spinning
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
    trials: str = ""
    threads: int = 1

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

    @property
    def room(self) -> int:
        """Bytes that models and their merge may take together to be heard live."""
        if self.accelerator == "zerogpu":
            return ZEROGPU_MEMORY
        return min(self.memory, self.gpu_memory or self.memory) if self.accelerator == "cuda" else int(self.memory * LIVE_SHARE)

    @property
    def place(self) -> str:
        """Where they are then."""
        return {"cpu": "this machine's memory", "cuda": "this GPU's memory", "zerogpu": "a GPU's memory"}[self.accelerator]

    def outlook(
        self, sizes: Sequence[int], merged: int, computing: int = 0, free: int | None = None, streamed: int = 0
    ) -> Outlook:
        """Whether models of these bytes (base and parents) and their merge can be heard here, or only be merged to files.

        computing  bytes that are taken for a while, to merge a tensor and to keep a text
        free       bytes of the GPU's memory that this process could take now, None where that is not known
        streamed   bytes of the GPU's memory that the merge alone takes, `Need.streamed`; 0 where models cannot wait elsewhere
        """
        total, count = sum(sizes) + merged, len(sizes)
        size = f"{count} models and their merge take {format_bytes(total)}"
        room, place = self.room, self.place
        room = free if self.accelerator == "cuda" and free is not None else room
        if self.hosted and self.disk and total > self.disk:
            have = format_bytes(self.disk)
            return Outlook("refused", f"{size} on the disk; this page has {have}. Copy the recipe and merge at home.")
        if self.model_limit is not None and max(sizes, default=0) > self.model_limit:
            most = format_bytes(self.model_limit)
            return Outlook("refused", f"One model has {format_bytes(max(sizes))}; this page takes models of up to {most}.")
        size += f", and computing {format_bytes(computing)}" if computing else ""
        if total + computing <= room:
            return Outlook("live", f"Live: {size}; {format_bytes(room)} of {place} are for models.")
        own = int(self.memory * LIVE_SHARE)
        if self.accelerator == "cuda" and 0 < streamed <= room and sum(sizes) <= own:
            return Outlook(
                "streamed",
                f"The merge alone is heard: {size}, more than the {format_bytes(room)} of {place}. It takes "
                f"{format_bytes(streamed)} there; its models wait in this machine's memory, and each tensor goes to the GPU when "
                "it is merged. They do not answer themselves.",
            )
        return Outlook("export", f"To files only: {size}, more than the {format_bytes(room)} of {place} that are for models.")

    def otherwise(self, found: Outlook, plan: Plan, models: Mapping[str, Checkpoint], tokens: int = TEXT) -> Outlook:
        """What was found, or that a merge that does not fit can be heard through llama.cpp. models: all that are opened for it.

        Not on hosted pages: a stranger's config could end llama.cpp, and this process with it.
        """
        if found.kind == "export" and self.accelerator == "cpu" and not self.hosted:
            with contextlib.suppress(MergeError):
                way = other_way(plan, models, self.room, tokens)
                return Outlook("live", f"Live, {way.words}.", way.takes.bits)
        return found

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
        "" if hosted else environment.get("MERGER_TRIALS", ""), min(_count(environment.get("MERGER_THREADS", "")) or 1, 1024),
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
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", text.strip(), re.IGNORECASE)
    if not match:
        return 0
    power = " KMGT".index(match[2].upper() or " ")
    return int(float(match[1]) * (1024 if match[3] else 1000) ** power)


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
        spaces = importlib.import_module("spaces")  # only a Space has it
    except ImportError:
        return lambda function: function
    return spaces.GPU(duration=duration)


Folders = tuple[tuple[str, str], ...]
"""Plain references with their folders: what a process that shares nothing with this one needs to open a recipe's models."""
CUT = "cut"
"""What an end tells of an answer that was cut off at its length."""
Told = tuple[str, int, str, float, tuple[tuple[str, float], ...]]
"""(who, token's id, its text, its probability, the likeliest others). Ids below 0 are no tokens:"""
ENDED, FAILED, BUSY, NEXT, REFUSED = -1, -2, -3, -4, -5
"""That answer has ended; nothing comes any more, and the text says why; nothing yet; the next prompt's answers come; this prompt
has no answers, and the text says why."""
Rows = tuple[tuple[str, tuple[str, ...], int], ...]
"""Further prompts of the same call: the prompt, who is asked, tokens."""
_BEAT = 0.25
"""Seconds without a word after which BUSY is said: only between two words can a call be stopped."""
_runners: OrderedDict[tuple[Folders, str], Runner] = OrderedDict()
_KEPT = 2
_paces: OrderedDict[Folders, deque[tuple[float, float]]] = OrderedDict()
"""For models: seconds to the first token, and for each after it, of the last calls."""


def folders(models: Mapping[str, Checkpoint]) -> Folders:
    """The folders of opened models, as `gpu_tokens` takes them."""
    return tuple((piece.reference, str(piece.folder)) for model in models.values() for piece in model.pieces)


LOAN_SECONDS = 120
"""No call of ZeroGPU is longer."""


def seconds(
    paths: Folders, recipe: str, asked: Sequence[str], prompt: str, limit: int = 160, rows: Rows = (), *_: object
) -> int:  # fmt: skip
    """How long `gpu_tokens` may take, said to ZeroGPU before: a visitor needs as much left of his quota."""
    return min(LOAN_SECONDS, math.ceil(needed(paths, asked, limit, rows)))


def needed(paths: Folders, asked: Sequence[str], limit: int, rows: Rows = ()) -> float:
    """Seconds that a call takes at most.

    By the slowest of the last calls for these models and half as much again; before the first by a guess: reading at 1 GB/s,
    25 tokens a second for each who answers.
    """
    size = sum(file.stat().st_size for _, folder in dict(paths).items() for file in Path(folder).glob("*.safetensors"))
    begin, each = 10 + 2 * size / 1e9, 1 / 25
    if known := _paces.get(paths):
        begin, each = 3 + 1.5 * max(b for b, _ in known), 1.5 * max(e for _, e in known)
    tokens = limit * max(1, len(asked)) + sum(most * max(1, len(who)) for _, who, most in rows)
    return begin + tokens * each


def measured(words: Iterator[Told], paths: Folders) -> Iterator[Told]:
    """The words of a call, whose times are kept for `seconds`."""
    began: float | None = None
    tokens: list[float] = []
    for word in words:
        now = time.monotonic()
        began = now if began is None else began
        if word[1] >= 0:
            tokens.append(now)
        yield word
    if began is not None and len(tokens) > 1:
        pace = tokens[0] - began, (tokens[-1] - tokens[0]) / (len(tokens) - 1)
        _paces.setdefault(paths, deque(maxlen=8)).append(pace)
        _paces.move_to_end(paths)
        while len(_paces) > 100:
            _paces.popitem(last=False)


def gpu_tokens(
    paths: Folders, recipe: str, asked: Sequence[str], prompt: str, limit: int = 160, rows: Rows = (), temperature: float = 0.0,
    seed: int = 0, top_p: float = 1.0, penalty: float = 1.0, stops: tuple[str, ...] = (), device: str = "cuda",
) -> Iterator[Told]:  # fmt: skip
    """Answers of `merge` (the recipe's) and of parents, a token each in turn, from nothing but folders, recipe and prompt.

    rows  further prompts, answered after it in the same call: NEXT stands before each, REFUSED where one cannot be

    Takes and yields plain values only, errors too: exceptions would reach the page as the platform's. Begins with BUSY and
    says it again while nothing else is to be said. Keeps the last models for a process that is used again.
    """
    yield _BUSY

    sampling = Sampling(temperature, seed, top_p, penalty, stops)

    def answered(asked: Sequence[str], prompt: str, limit: int, go_on: Callable[[], bool]) -> Iterator[Told]:
        who: dict[str, Recipe | str] = {key: load(recipe) if key == "merge" else key for key in asked}
        said = _runner(paths, device).turns(who, prompt, limit=limit, sampling=sampling, go_on=go_on)
        for one in said:
            t = one.token
            yield (
                (one.key, ENDED, CUT if one.cut else "", 0.0, ())
                if t is None
                else (one.key, t.id, t.text, t.probability, t.others)
            )

    def spoken(go_on: Callable[[], bool]) -> Iterator[Told]:
        for i, (own, who, most) in enumerate(((prompt, tuple(asked), limit), *rows)):
            if i:
                yield ("", NEXT, "", 0.0, ())
            try:
                yield from answered(who, own, most, go_on)
            except MergeError as error:
                if not rows or not go_on():
                    raise
                yield ("", REFUSED, str(error), 0.0, ())

    try:
        with contextlib.closing(beside(spoken, _BEAT, patient=True)) as words:
            for word in words:
                yield _BUSY if word is None else word
    except MergeError as error:
        yield ("", FAILED, str(error), 0.0, ())
    except Exception:
        log.exception("answering on a lent GPU failed")
        yield ("", FAILED, OUR_FAULT, 0.0, ())


_BUSY: Told = ("", BUSY, "", 0.0, ())


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
        _runners[key] = Runner(Parents(device, opener=opened), lambda: _only(key))
    _runners.move_to_end(key)
    return _runners[key]


def _only(key: tuple[Folders, str]) -> None:
    """Let go of the models of earlier calls."""
    for other in [k for k in _runners if k != key]:
        _runners.pop(other).release()


__all__ = [
    "BUSY", "CUT", "ENDED", "FAILED", "LOAN_SECONDS", "NEXT", "REFUSED", "Folders", "Host", "Outlook", "Rows", "Told", "folders",
    "gpu", "gpu_tokens", "measured", "needed", "read_host", "seconds",
]  # fmt: skip
