"""Merges to files: into a folder of this computer, or as a zip for a browser."""

import contextlib
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from merger.engine.batch import Step, merge
from merger.engine.places import check_path
from merger.errors import Cancelled, MergeError, OutOfMemory
from merger.export.gguf import about, export
from merger.export.modelfile import write_beside
from merger.files.checkpoints import Checkpoint, format_bytes
from merger.gguf.kinds import kind_of
from merger.hub.references import open_here
from merger.limits import ARCHIVE_BYTES, MERGE_SECONDS
from merger.recipe import Recipe
from merger.ui.scratch import scratch
from merger.ui.service.clock import Clock
from merger.ui.studio import Studio


class Files:
    """Merges of a studio's recipes, as far as its visitor's access reaches."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def write(
        self, recipe: Recipe, folder: str, progress: Callable[[Step], None], cancelled: Callable[[], bool] = lambda: False,
        *, allow_nonfinite: bool = False,
    ) -> Path:  # fmt: skip
        """Merge into a new folder of this computer. NonFiniteError as `merge` has it."""
        if not folder.strip():
            raise MergeError("Name a folder for the merged model; it must not exist yet.")
        check_path(folder.strip())  # a store is for the owner's commands
        try:
            out = Path(folder.strip()).expanduser()
            with contextlib.suppress(FileNotFoundError):
                out.lstat()
        except (OSError, ValueError, RuntimeError):  # too long, a null byte, below a file, no such user
            raise MergeError(f"{folder.strip()[:80]!r} cannot be a folder's name on this computer.") from None
        self._merge(recipe, out, progress, cancelled, allow_nonfinite)
        return out

    def _opened(self, reference: str, roots: Sequence[Path]) -> Checkpoint:
        """For a merge to files: a model, opened afresh."""
        self.studio.access.check(reference)
        return open_here(reference, roots, self.studio.access.folders)

    def _merge(
        self, recipe: Recipe, out: Path, progress: Callable[[Step], None], cancelled: Callable[[], bool], allow_nonfinite: bool
    ) -> None:
        """Merge to files on the page's device; where that has no room for it beside the voices, on the CPU."""

        def on(device: str) -> None:
            merge(
                recipe, out, device=device, roots=self.studio.parents.roots, progress=progress, cancelled=cancelled,
                opener=self._opened, allow_nonfinite=allow_nonfinite,
            )  # fmt: skip

        try:
            on(str(self.studio.parents.device))
        except OutOfMemory:
            if self.studio.parents.device.type == "cpu":
                raise
            on("cpu")

    def archive(
        self, recipe: Recipe, progress: Callable[[Step], None], cancelled: Callable[[], bool] = lambda: False, owner: str = "",
        *, allow_nonfinite: bool = False,
    ) -> Path:  # fmt: skip
        """The merged model as a zip of the folder that the command line writes. MergeError when it is too large for that.

        It goes when its owner's page is closed, or when it is old (ui/scratch.py); `delete` it to have it gone at once.
        """
        need, clock = self.studio.plan(recipe).nbytes, Clock()
        if need > ARCHIVE_BYTES:
            raise MergeError(f"The merged model has {need:,} bytes, too many for a browser; copy the recipe and merge at home.")
        clock.start(MERGE_SECONDS, f"The merge took more than {MERGE_SECONDS // 60} minutes; copy the recipe and merge at home.")

        def made(place: Path, stop: Callable[[], bool]) -> Path:
            self._merge(recipe, place / "merged-model", progress, stop, allow_nonfinite)
            return _zipped(place / "merged-model", stop)

        return self._kept(owner, need, clock, cancelled, made)

    def gguf(
        self, recipe: Recipe, kind: str, progress: Callable[[Step], None], cancelled: Callable[[], bool] = lambda: False,
        owner: str = "",
    ) -> Path:  # fmt: skip
        """The merged model as a GGUF file, and beside it a Modelfile, under the bounds of `archive`."""
        chosen, clock = kind_of(kind), Clock()
        need = about(self.studio.plan(recipe), chosen)
        if need > ARCHIVE_BYTES:
            raise MergeError(
                f"The file would have {format_bytes(need)}, too many for a browser; copy the recipe and export at home."
            )
        clock.start(MERGE_SECONDS, f"The export took more than {MERGE_SECONDS // 60} minutes; copy the recipe, do it at home.")

        def made(place: Path, stop: Callable[[], bool]) -> Path:
            file = self.export(recipe, place / f"merged-model-{chosen.name}.gguf", chosen.name, progress, stop)
            write_beside(file, self.studio.plan(recipe), self.studio.parents.open(recipe, self.studio.access))
            return file

        return self._kept(owner, need, clock, cancelled, made)

    def export(
        self, recipe: Recipe, file: Path, kind: str, progress: Callable[[Step], None], cancelled: Callable[[], bool]
    ) -> Path:  # fmt: skip
        """Merge into a new GGUF file."""
        return export(
            recipe, file, kind, name=recipe.name or "merged-model", roots=self.studio.parents.roots, progress=progress,
            cancelled=cancelled, opener=self._opened,
        ).file  # fmt: skip

    def _kept(
        self, owner: str, need: int, clock: Clock, cancelled: Callable[[], bool], make: Callable[[Path, Callable[[], bool]], Path]
    ) -> Path:
        """A file in a place of its owner's, for which `make` is told when to stop; nothing of it stays where it does not come."""

        def stop() -> bool:
            return cancelled() or clock.over or self.studio.visitors.ended.is_set()

        place = scratch().make(owner, need, served=True)
        try:
            made = make(place, stop)
        except BaseException as error:
            scratch().delete(place)
            if isinstance(error, Cancelled):
                clock.check()
            raise
        if not scratch().done(place):
            raise Cancelled("its owner has left.")
        return made

    @staticmethod
    def delete(archive: Path) -> None:
        """Delete a file that `archive` or `gguf` made."""
        scratch().delete(archive.parent)


def _zipped(folder: Path, stop: Callable[[], bool]) -> Path:
    """The folder as a zip beside it, in its place. Stored, not deflated: weights do not get smaller."""
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, allowZip64=True) as packed:
        for file in sorted(folder.rglob("*")):
            if stop():
                raise Cancelled("stopped while the zip was made.")
            if file.is_file():
                packed.write(file, f"{folder.name}/{file.relative_to(folder)}")
                file.unlink()  # or it would take twice its room
    shutil.rmtree(folder, ignore_errors=True)
    return archive
