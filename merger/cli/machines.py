"""`--ray`: the option of every command that a Ray cluster can work for, and `merger merge --ray`."""

import contextlib
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from merger.errors import MergeError
from merger.recipe import Recipe

if TYPE_CHECKING:  # these load torch, which a refused recipe does not need
    from merger.engine.batch import Step
    from merger.engine.plan import Plan
    from merger.search.trials import Mapper


def add(parser: ArgumentParser, what: str) -> None:
    """The option; its address may be left out, at the end of a line."""
    parser.add_argument(
        "--ray", metavar="ADDRESS", nargs="?", const="auto",
        help=f"{what} (auto, local, host:6379, ray://host:10001; default auto)",
    )  # fmt: skip


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

        return merge_on_ray(recipe, out, options.ray, device=device, progress=progress, **given)
    from merger.engine.batch import merge
    from merger.engine.output import WHOLE, parse_part
    from merger.kernels.devices import best_device

    return merge(
        recipe, out, device=best_device() if device == "auto" else device, progress=progress,
        part=parse_part(options.part) if options.part else WHOLE, joining=options.join, **given,
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


__all__ = ["add", "check", "mapper", "merge", "ready"]
