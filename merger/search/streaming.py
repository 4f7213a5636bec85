"""Models larger than memory, judged: each layer is merged, or read, when texts come to it, and let go of behind them.

judge = Judge(StreamRunner(Parents()), read_questions(Path("mine.txt")), shipped_texts(), recipe.merged, samples=False)
judge.measure(recipe)     # the figures of the merge in memory, to rounding
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

from merger.chat.load import Streamed, chat_model
from merger.chat.model import ChatModel
from merger.engine.budget import TEXT, processors
from merger.engine.companions import tokenizer_folder
from merger.engine.document import read_source
from merger.engine.plan import Source, make_plan
from merger.engine.session import Parents
from merger.engine.tensor import STRETCH, merge_tensor, stretches
from merger.errors import CheckpointError
from merger.hub.access import Access
from merger.kernels.devices import uploaded
from merger.recipe import Recipe, dump
from merger.search.trials import Runner, whose_template

T = TypeVar("T")


class StreamRunner(Runner):
    """A Runner whose models are never whole in memory: one layer of each, and the texts that are on their way through it."""

    def __init__(self, parents: Parents, tell: Callable[[str], None] = lambda what: None, room: int = 0) -> None:
        """tell: hears which layer of which model is being made; room: bytes that texts on their way may take, 0: as usual."""
        super().__init__(parents)
        self._tell, self._on_their_way = tell, room
        self._made: tuple[str, int, ChatModel] | None = None
        self._read: dict[str, tuple[int, ChatModel]] = {}
        self._pool = ThreadPoolExecutor(processors(), thread_name_prefix="merger-streamed")

    def merged(
        self, recipe: Recipe, go_on: Callable[[], bool] = lambda: True, access: Access | None = None
    ) -> ChatModel:  # fmt: skip
        """The merged model, layer by layer."""
        text = dump(recipe)
        models = self.parents.open(recipe, access)
        if self._made is None or self._made[:2] != (text, self.parents.generation):
            self._made = None
            plan = make_plan(recipe, models)
            packed = next((job for job in plan.jobs if job.packed), None)
            if packed is not None:
                raise CheckpointError(f"{packed.name}: is quantized; --stream judges models whose weights are plain numbers.")
            jobs, read = {job.name: job for job in plan.jobs}, self.parents.reader(models)
            merges, device = self.parents.device, self.parents.speaks

            def make(names: Sequence[str]) -> Mapping[str, Tensor]:
                def one(name: str) -> Tensor:
                    return uploaded(merge_tensor(jobs[name], read, merges, known=self.parents.known), device, name)

                return dict(zip(names, self._pool.map(one, names), strict=True))

            def rows(name: str) -> Iterator[tuple[int, Tensor]]:
                return in_rows(jobs[name].shape[-1], (part for _, part in stretches(jobs[name], read, device)))

            shapes = {job.name: torch.empty(job.shape, dtype=job.out, device="meta") for job in plan.jobs}
            with tokenizer_folder(plan, models) as folder:
                stream = Streamed(make, rows, device, lambda layer: self._tell(f"the merge: {layer}"), self._on_their_way)
                voice = chat_model(folder, plan.config, shapes, whose_template(plan), stream)
            self._made = text, self.parents.generation, voice
        return self._made[2]

    def parent(self, reference: str, access: Access | None = None) -> ChatModel:
        """One of the models that are merged, as it is, layer by layer."""
        model = self.parents.model(reference, access)
        known = self._read.get(reference)
        if known is None or known[0] != self.parents.generation:
            packed = next((name for name, stored in model.tensors.items() if stored.packed), None)
            if packed is not None:
                raise CheckpointError(
                    f"{reference}: {packed} is quantized; --stream judges models whose weights are plain numbers."
                )
            device, held = self.parents.speaks, {reference: model}

            def make(names: Sequence[str]) -> Mapping[str, Tensor]:
                def one(name: str) -> Tensor:  # the object is the caller's: what stacks it moves it
                    return uploaded(
                        read_source(held, Source(reference, name)).to(model.tensors[name].dtype), device, name
                    ).detach()

                return dict(zip(names, self._pool.map(one, names), strict=True))

            shapes = {name: torch.empty(s.shape, dtype=s.dtype, device="meta") for name, s in model.tensors.items()}

            def rows(name: str) -> Iterator[tuple[int, Tensor]]:
                whole = read_source(held, Source(reference, name))
                return in_rows(whole.shape[-1], _pieces(whole))

            stream = Streamed(make, rows, device, lambda layer: self._tell(f"{reference}: {layer}"), self._on_their_way)
            voice = chat_model(model.words, model.config, shapes, f"the chat template of {reference}", stream)
            self._read[reference] = known = self.parents.generation, voice
        return known[1]

    def within(
        self, do: Callable[[], T], asked: Sequence[Recipe | str], tokens: int = TEXT, access: Access | None = None
    ) -> T:  # fmt: skip
        """What `do` gives: there is nothing to be let go of."""
        return do()


def in_rows(width: int, pieces: Iterable[Tensor]) -> Iterator[tuple[int, Tensor]]:
    """Whole rows, (rows, width), of flat pieces that end anywhere, each with the number of its first.

    >>> [(first, rows.tolist()) for first, rows in in_rows(2, torch.arange(6).split(3))]
    [(0, [[0, 1]]), (1, [[2, 3], [4, 5]])]
    """
    first, left = 0, None
    for piece in pieces:
        flat = piece if left is None else torch.cat([left, piece])
        count = flat.numel() // width
        if count:
            yield first, flat[: count * width].view(count, width)
        first += count
        left = flat[count * width :].clone() if flat.numel() % width else None


def _pieces(tensor: Tensor) -> Iterator[Tensor]:
    """A tensor's numbers, some at a time."""
    flat = tensor.reshape(-1)
    return (flat[start : start + STRETCH] for start in range(0, flat.numel(), STRETCH))


__all__ = ["StreamRunner", "in_rows"]
