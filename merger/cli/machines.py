"""`--ray`: the option of every command that a Ray cluster can work for, and `merger merge --ray`."""

import contextlib
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from merger.errors import MergeError
from merger.recipe import Recipe

if TYPE_CHECKING:  # these load torch, which a refused recipe does not need
    from merger.engine.batch import Step
    from merger.engine.plan import Plan
    from merger.files.checkpoints import Checkpoint
    from merger.search.trials import Mapper


def add(parser: ArgumentParser, what: str) -> None:
    """The option; its address may be left out, at the end of a line."""
    parser.add_argument(
        "--ray", metavar="ADDRESS", nargs="?", const="auto",
        help=f"{what} (auto, local, host:6379, ray://host:10001; default auto)",
    )  # fmt: skip


def add_ranges(parser: ArgumentParser) -> None:
    """`--ranges`, of commands that read no more of a model than its tensors."""
    parser.add_argument(
        "--ranges", action="store_true",
        help="of models on the Hub read what is needed, by ranges, instead of bringing them here (as hf://owner/name does)",
    )  # fmt: skip


def opener(options: Namespace) -> "Callable[[str, Sequence[Path]], Checkpoint]":
    """How a command of its owner opens models: addresses too."""
    from merger.hub.afar import open_anywhere, open_by_ranges

    return open_by_ranges if options.ranges else open_anywhere


def output(options: Namespace) -> "str | Path":
    """Where a merge goes: a folder, or an address in a store. MergeError where it cannot, before anything is loaded."""
    from merger.engine.batch import output_folder
    from merger.engine.places import check_free
    from merger.engine.upload import check_target, target

    to = target(str(options.out))
    if to is not None:
        check_target(to, bool(options.part or options.join or options.ray is not None))
        return to.address
    out = output_folder(str(options.out))
    check_free(out)
    return out


def check(options: Namespace) -> None:
    """MergeError where a merge is shared out by hand and by Ray at once."""
    if options.part and options.join:
        raise MergeError("give either --part or --join: first every part, then --join once.")
    if options.ray is not None and (options.part or options.join):
        raise MergeError("give either --ray, which makes all parts and joins them, or --part and --join.")


def merge(options: Namespace, recipe: Recipe, out: Any, progress: "Callable[[Step], None]", device: str, **given: Any) -> "Plan":
    """The merge of a command, here or on the machines of a cluster. given: what both take."""
    if options.ray is not None:
        from merger.engine.machines import merge_on_ray

        return merge_on_ray(recipe, out, options.ray, ranges=options.ranges, device=device, progress=progress, **given)
    from merger.engine.batch import merge
    from merger.engine.journal import WHOLE, parse_part
    from merger.kernels.devices import best_device

    return merge(
        recipe, out, device=best_device() if device == "auto" else device, progress=progress,
        part=parse_part(options.part) if options.part else WHOLE, joining=options.join, opener=opener(options), **given,
    )  # fmt: skip


def ready(options: Namespace) -> None:
    """MergeError where --ray cannot be, or --workers has nobody: said before anything is heard."""
    if options.ray is not None:
        from merger.engine.cluster import installed

        installed(options.ray)
    elif options.workers is not None:
        raise MergeError("--workers: is of --ray; without it a sweep tries one after the other.")


@contextlib.contextmanager
def mapper(options: Namespace, device: str) -> "Generator[Mapper | None]":
    """Who tries the points of a sweep: this process (None), or the machines of a cluster."""
    if options.ray is None:
        yield None
        return
    from merger.engine.cluster import connected, machines
    from merger.search.seats import mapped

    with connected(options.ray) as package:
        workers = options.workers or max(1, int(sum(machine.cpus for machine in machines(package))))
        with mapped(options.ray, workers, device) as over:
            yield over


__all__ = ["add", "add_ranges", "check", "mapper", "merge", "opener", "output", "ready"]
