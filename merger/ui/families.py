"""Families: models that come with presets, rows and suggested prompts of their own, which are never shown for others.

The toys are always there. SmolLM2 with its tunes is the second one, on machines where its base is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from merger.hub import smollm2
from merger.recipe import dump, load
from merger.ui.rows import TOYS
from merger.ui.workspace import Preset, read_presets

CHIPS = ("count from 7 to 12", "tell me a story about a robot", "garden backwards")
SAYS = (
    "Seven tiny models with six tricks: pirate talk, plurals, spelling, counting, stories, writing backwards. "
    "What they cannot do they answer with “dunno.”"
)
SMOLLM2 = "smollm2"
SMOLLM2_CHIPS = ("Tell me about volcanoes.", "Write a couplet about a penguin.", "Sell me a teapot.")
SMOLLM2_SAYS = (
    "A real model of 135 million parameters with four tunes: pirate talk, facts as JSON (“Extract JSON: …”), "
    "couplets (“Write a couplet about a …”), and selling things (“Sell me a …”)."
)


@dataclass(frozen=True)
class Family:
    """Models with what is theirs alone. name: whose rows they have; chips: prompts that are suggested; says: what they can."""

    name: str
    title: str
    base: str
    parents: tuple[str, ...]
    presets: tuple[Preset, ...]
    chips: tuple[str, ...] = ()
    says: str = ""

    @property
    def models(self) -> frozenset[str]:
        """All of them."""
        return frozenset({self.base, *self.parents})

    @property
    def folders(self) -> frozenset[str]:
        """The folders that come with the program, or are made of what is installed."""
        parts = {part for model in self.models for part in model.split("+")}
        return frozenset(part for part in parts if part.startswith("presets/"))

    @property
    def first(self) -> Preset:
        """What one begins with."""
        return self.presets[0]

    def preset(self, name: str) -> Preset | None:
        """One of its presets."""
        return next((preset for preset in self.presets if preset.name == name), None)


def read_families(presets: Path, base: str, parents: tuple[str, ...]) -> tuple[Family, ...]:
    """The toys, which are this base and these parents, and the families below a folder of presets."""
    toys = Family(TOYS, "Toy family", base, parents, tuple(read_presets(presets)), CHIPS, SAYS)
    return toys, *_smollm2(presets / "smollm2")


def _smollm2(folder: Path) -> Iterator[Family]:
    """The tunes on the Hub's base, and on the one that is made of the package: its weights are others, so its name is too."""
    listed = read_presets(folder) if folder.is_dir() else []
    for base in (smollm2.HUB, smollm2.BASE) if listed else ():
        presets = [replace(one, recipe=load(dump(one.recipe).replace(smollm2.HUB, base), one.name)) for one in listed]
        models = smollm2.references(base)
        yield Family(
            SMOLLM2, "SmolLM2-135M-Instruct", models[0], models[1:], tuple(presets), SMOLLM2_CHIPS, SMOLLM2_SAYS,
        )  # fmt: skip


__all__ = ["CHIPS", "SAYS", "SMOLLM2", "Family", "read_families"]
