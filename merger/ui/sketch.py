"""What the browser must know to redraw the line under the bars by itself while one moves: a sample of the deltas, and a law.

The sample depends on the models alone and is fetched once; the law is how the recipe's method trims and votes, and where its
numbers stand in the Mixer. web/law/ does with them what merger/methods does in torch, to the same counts. Where a recipe
cannot be followed this way there is no law, and the Mixer asks Python at every move.
"""

import base64
import hashlib
import secrets
import struct
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from merger.engine.plan import Plan, TensorJob
from merger.hub.access import Access
from merger.inspect.analysis import Sketch, has_deltas
from merger.methods.ops import Draws
from merger.ui import lanes

NUMBERS = ("weight", "density", "gamma", "epsilon")
"""The numbers such a method may have for each model."""


def compared(plan: Plan) -> list[TensorJob]:
    """The jobs that have deltas to compare."""
    return [job for job in plan.jobs if has_deltas(job)]


def law(plan: Plan, split: bool | None) -> dict[str, Any] | None:
    """How the strip follows the lanes of a plan; None where it takes more than the lanes' numbers to say.

    split  as in lanes.describe
    """
    recipe, jobs = plan.recipe, compared(plan)
    if not jobs or recipe.method.law.combine != "sum" or recipe.slices or recipe.modules or recipe.earlier:
        return None
    first = jobs[0]
    models = tuple(source.model for source in first.sources)
    rescale = first.args.get("rescale", False)
    even = all(
        job.method == recipe.merge_method and tuple(s.model for s in job.sources) == models and job.base not in job.sources
        and job.args.get("rescale", False) == rescale and str(job.compute) == "torch.float32"
        for job in jobs
    )  # fmt: skip
    rows = lanes.lanes(plan, lanes.told_apart(plan) if split is None else split)
    reading = lanes.read(plan, rows)
    if not even or reading.mixed or reading.apart:  # a column shows one number; its tensors have several
        return None
    trim, vote = recipe.method.law.trim, recipe.method.law.vote
    index = {entry.model: i for i, entry in enumerate(recipe.models)}
    names = {param.name for param in recipe.method.params}
    fields: dict[str, Any] = {
        "trim": trim,
        "vote": vote,
        "rescale": rescale,
        "models": [{name: f"models[{index[m]}].parameters.{name}" for name in NUMBERS if name in names} for m in models],
    }
    if recipe.method.law.drawn:
        draws = [Draws(job.seed, job.name, job.parents) for job in jobs]
        keys = [word for one in draws for i in range(len(models)) for word in one.key(i)]
        fields["keys"] = base64.b64encode(struct.pack(f"<{len(keys)}I", *keys)).decode("ascii")
    return fields


def packed(plan: Plan, sketch: Sketch) -> dict[str, Any]:
    """The sample, ready for the browser.

    layers   of each column, counted from 1; 0 for what is no layer
    tensors  [column, whether it is attention, positions, the two words of the hash that breaks ties], one for each
    data     base64 of float32 deltas, tensor after tensor and model after model
    """
    jobs, grid = compared(plan), lanes.columns(plan)
    counts, data = sketch.packed(jobs)
    attention = lanes.attention(plan)
    tensors = [
        [grid.of[job.name], int(job.name in attention), n, *Draws(job.seed, job.name).key()]
        for job, n in zip(jobs, counts, strict=True)
    ]  # fmt: skip
    return {
        "layers": layer_numbers(plan), "models": len(jobs[0].sources), "tensors": tensors,
        "data": base64.b64encode(data).decode("ascii"),
    }  # fmt: skip


def layer_numbers(plan: Plan) -> list[int]:
    """Of each column of the Mixer, counted from 1; 0 for what is no layer."""
    return [0 if column.layer is None else column.layer + 1 for column in lanes.columns(plan).columns]


class Sketches:
    """Samples under words that cannot be guessed; who asks for one must have access to its models, too.

    nbytes  what all of them may take; the one that was not wanted longest goes first
    """

    def __init__(self, nbytes: int = 1 << 26) -> None:
        self._room = nbytes
        self._words: OrderedDict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def word(self, plan: Plan, sketch: Sketch) -> str:
        """The word for the sample of a plan's models, which is made if need be."""
        name = _same(compared(plan))
        with self._lock:
            if name not in self._words:
                self._words[name] = (secrets.token_urlsafe(16), packed(plan, sketch), plan.recipe.opened)
            self._words.move_to_end(name)
            while len(self._words) > 1 and sum(len(made["data"]) for _, made, _ in self._words.values()) > self._room:
                self._words.popitem(last=False)
            return self._words[name][0]

    def fetch(self, word: object, access: Access) -> dict[str, Any] | None:
        """The sample under a word; None where there is none, or no longer, or its models are not for this visitor."""
        with self._lock:
            made, models = next(((made, models) for known, made, models in self._words.values() if known == word), (None, ()))
        return None if any(access.refusal(model) for model in models) else made


def _same(jobs: Sequence[TensorJob]) -> str:
    """A digest that is equal for plans with the same sample."""
    digest = hashlib.sha256()
    for job in jobs:
        digest.update(repr((job.name, job.base, job.sources)).encode())
    return digest.hexdigest()
