"""`merger export`: a recipe's merge, or a model's folder, as a GGUF file for llama.cpp, Ollama and LM Studio."""

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from merger.engine.batch import Step, output_folder, use_threads
from merger.engine.document import open_models
from merger.engine.places import check_new
from merger.errors import MergeError
from merger.export.gguf import Exported, Size, export
from merger.export.modelfile import commands, modelfile_of, write_beside
from merger.files.checkpoints import format_bytes
from merger.hub.unpacked import is_gguf
from merger.kernels.devices import best_device
from merger.methods import METHODS
from merger.recipe import Entry, Recipe


def run(options: Namespace, recipe: Callable[[], Recipe], memory: int | None, progress: Callable[[Step], None]) -> None:
    """Write the file, and what stands beside it. recipe: reads the recipe, where one is named."""
    wanted, name = target(options.recipe, recipe)
    out = output_folder(options.out)
    if out.suffix.lower() != ".gguf":
        raise MergeError(f"{out}: name a file that ends in .gguf, or say --lora RANK or --energy SHARE for a LoRA adapter.")
    if options.modelfile:
        check_new(modelfile_of(out))
    if options.num_threads is not None:
        use_threads(options.num_threads)

    def told(size: Size) -> None:
        if not options.quiet:
            print(f"{out}: {format_bytes(size.nbytes)}, in about {max(1, round(size.seconds))} s.", file=sys.stderr)

    done = export(
        wanted, out, options.kind or "q8_0", name=options.name or name, told=told, progress=progress, workers=options.num_threads,
        device=best_device() if options.device == "auto" else options.device, memory=memory,
        allow_nonfinite=options.allow_nonfinite,
    )  # fmt: skip
    if options.modelfile:
        write_beside(done.file, done.plan, open_models(done.plan.recipe))
    if not options.quiet:
        _tell(done, options.modelfile)


def target(name: str, recipe: Callable[[], Recipe]) -> tuple[Recipe, str]:
    """A recipe where a file is named, else a copy of a model; and what the model is called, "" as the file."""
    if Path(name).suffix.lower() in (".yaml", ".yml") or (Path(name).is_file() and not is_gguf(Path(name))):
        found = recipe()
        return found, found.name or ""
    copied = next(method.name for method in METHODS.values() if method.law.copies)
    path = Path(name).expanduser()
    return Recipe(copied, models=(Entry(name),)), path.stem if is_gguf(path) else path.name


def _tell(done: Exported, runs: bool) -> None:
    for remark in done.plan.remarks:
        print(f"note: {remark}", file=sys.stderr)
    if done.left:
        shown = ", ".join(done.left[:3]) + (f" and {len(done.left) - 3} more" if len(done.left) > 3 else "")
        print(f"note: such a file has no place for {shown}.", file=sys.stderr)
    print(f"{done.file}: {format_bytes(done.nbytes)}. Run it with one of")
    for line in commands(done.file)[0 if runs else 1 :]:
        print(f"  {line}")


__all__ = ["run", "target"]
