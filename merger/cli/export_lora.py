"""`merger export --lora`: a merge as a LoRA adapter of its base, with what it keeps of each layer."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from merger.errors import MergeError
from merger.files.checkpoints import format_bytes
from merger.methods import METHODS
from merger.methods.params import to_number
from merger.recipe import Entry, Recipe


def add(parser: ArgumentParser) -> None:
    """The options that say that an adapter is wanted, and how large."""
    lora = parser.add_argument_group("as a LoRA adapter")
    lora.add_argument("--lora", metavar="RANK", help="factors of this rank at most")
    lora.add_argument(
        "--energy", metavar="SHARE",
        help="of each matrix as many directions as keep this share of the squares of its change, for example 0.9",
    )  # fmt: skip
    lora.add_argument("--base", metavar="MODEL", help="what the adapter is for (default: the recipe's base)")
    lora.add_argument(
        "--include", metavar="PATTERN", action="append", default=[],
        help="only tensors in whose names this pattern is found, for example self_attn; may be given again",
    )  # fmt: skip
    lora.add_argument("--exclude", metavar="PATTERN", action="append", default=[], help="none of these; may be given again")
    lora.add_argument("--dtype", default="float32", help="of the factors: float32 (default), bfloat16, float16")


def wanted(options: Namespace) -> bool:
    """Whether the options ask for an adapter."""
    return options.lora is not None or options.energy is not None


def run(options: Namespace, recipe: Callable[[], Recipe], progress: Callable[[object], None]) -> str:
    """Write the adapter; what it keeps of each layer, as a table."""
    from merger.engine.batch import output_folder
    from merger.export.lora import Wanted, export, lost

    rank = None if options.lora is None else _rank(options.lora)
    energy = None if options.energy is None else to_number(options.energy)
    if options.energy is not None and energy is None:
        raise MergeError(f"--energy {options.energy}: write the share that is to be kept, for example 0.9.")
    asked = Wanted(rank, energy, tuple(options.include), tuple(options.exclude), options.dtype)
    asked.check()
    if options.kind is not None:
        raise MergeError("--kind is of GGUF files; an adapter is of safetensors: leave it out, or --lora and --energy.")
    out = output_folder(options.out)
    started = time.monotonic()
    made = export(_source(options.recipe, recipe), out, asked, base=options.base, progress=progress)
    ranks = [kept.rank for kept in made.kept if kept.rank is not None]
    lines = [f"{label:<28} {held:<26} error {share:.2%}" for label, held, share in made.by_layer()]
    whole = f", {len(made.kept) - len(ranks)} tensors whole" if len(made.kept) > len(ranks) else ""
    left = f"{made.left_out} tensors are left to the base, as asked.\n" if made.left_out else ""
    return "\n".join([
        *lines, "",
        f"{out}: a LoRA of {made.base}: {len(ranks)} matrices of rank {min(ranks)} to {max(ranks)}{whole}, "
        f"{format_bytes(made.nbytes)}, {time.monotonic() - started:.1f} s.",
        f"{left}Error {lost(made.kept):.2%}: what it leaves out of what the merge changes (Frobenius norms). "
        f"Load it with peft: PeftModel.from_pretrained(base, {str(out)!r})",
    ])  # fmt: skip


def _source(name: str, recipe: Callable[[], Recipe]) -> Recipe:
    """A recipe where a file is named, else one that takes the model of a folder or of the Hub as it is."""
    if Path(name).suffix.lower() in (".yaml", ".yml") or Path(name).is_file():
        return recipe()
    return Recipe(next(method.name for method in METHODS.values() if method.law.copies), models=(Entry(name),))


def _rank(text: str) -> int:
    if not text.isdecimal():
        raise MergeError(f"--lora {text}: a rank is a whole number of at least 1, for example 16.")
    return int(text)
