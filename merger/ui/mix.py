"""Mix: one recipe on its opened models, and what follows from it, each worked out at most once.

A bar that is let go of makes one recipe, and a dozen events want to know something about it: they share its Mix.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from merger.engine.plan import Plan, make_plan
from merger.files.checkpoints import Checkpoint
from merger.inspect.verdict import Verdict, verdict
from merger.limits import PLANS_TENSORS
from merger.recipe import Recipe

KEPT = 16
"""Mixes that are kept at most: a few visitors' last steps."""


@dataclass(frozen=True)
class Mix:
    """A recipe and its models, by reference and by the digest of the documents that make some of them."""

    recipe: Recipe
    models: Mapping[str, Checkpoint] = field(compare=False)

    @cached_property
    def plan(self) -> Plan:
        """MergeError where the models do not fit."""
        return make_plan(self.recipe, self.models)

    @cached_property
    def verdict(self) -> Verdict:
        """What the headers and a sample say before anything is merged."""
        return verdict(self.recipe, self.models, self.plan)

    def of(self, models: Mapping[str, Checkpoint]) -> bool:
        """Whether these are its models still: the very same, as files may have changed."""
        return self.models.keys() == models.keys() and all(self.models[name] is model for name, model in models.items())


class Mixes:
    """The last few, for all visitors: who asks has opened the models himself, with an access of his own."""

    def __init__(self) -> None:
        self._held: OrderedDict[Recipe, Mix] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, recipe: Recipe, models: Mapping[str, Checkpoint]) -> Mix:
        """The Mix of a recipe on these models."""
        with self._lock:
            mix = self._held.get(recipe)
            if mix is None or not mix.of(models):
                mix = self._held[recipe] = Mix(recipe, models)
            self._held.move_to_end(recipe)
            planned = sum(len(one.plan.jobs) for one in self._held.values() if "plan" in one.__dict__)
            while len(self._held) > 1 and (len(self._held) > KEPT or planned > PLANS_TENSORS):
                _, old = self._held.popitem(last=False)
                planned -= len(old.plan.jobs) if "plan" in old.__dict__ else 0
            return mix

    def clear(self) -> None:
        """Let go of all: their models with them."""
        with self._lock:
            self._held.clear()


__all__ = ["Mix", "Mixes"]
