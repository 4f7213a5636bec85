"""`merger export`: a merge in the form that other programs take."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from merger.cli import export_lora
from merger.errors import MergeError
from merger.methods import METHODS
from merger.recipe import Recipe, load


def add(parser: ArgumentParser) -> None:
    """Its options, those of each form in a group."""
    export_lora.add(parser)


def run(options: Namespace, recipe: Callable[[], Recipe], progress: Callable[[object], None]) -> str:
    """Write it; what to say of it."""
    if export_lora.wanted(options):
        return export_lora.run(options, lambda: source(options.recipe, recipe), progress)
    raise MergeError("say as what: --lora RANK or --energy SHARE for a LoRA adapter.")


def source(name: str, recipe: Callable[[], Recipe]) -> Recipe:
    """A recipe where a file is named, else one that takes the model of a folder or of the Hub as it is."""
    if Path(name).suffix.lower() in (".yaml", ".yml") or Path(name).is_file():
        return recipe()
    copying = next(method.name for method in METHODS.values() if method.law.copies)
    return load(f"{{merge_method: {copying}, models: [{{model: {quoted(name)}}}]}}")


def quoted(text: str) -> str:
    """A text as YAML takes it."""
    return "'" + text.replace("'", "''") + "'"
