"""Merge language models: recipes, methods, a streaming batch merge and a live session.

from merger import load_recipe
from merger import merge
merge(load_recipe("recipe.yaml"), "out")
"""

import gc
import sys

__version__ = "0.2.0"

_program = (sys.argv[0] if sys.argv else "").replace("\\", "/").rpartition("/")[2]
if sys.platform == "win32":
    _words = (
        "merger does not run on Windows itself, which neither renames open files nor writes to places of a file from several "
        "threads. In WSL 2 it runs as on Linux: wsl --install, then the same commands there."
    )
    raise SystemExit(_words) if _program in ("-m", "merger", "merger.exe", "app.py") else ImportError(_words)

_collecting = gc.isenabled()
gc.disable()  # looking for garbage while torch makes its hundred thousand objects takes a tenth of its import
try:
    from merger.engine.batch import merge
    from merger.engine.session import Parents, Session
    from merger.errors import CheckpointError, MergeError, RecipeError
    from merger.methods import METHODS, method
    from merger.recipe import Recipe
    from merger.recipe import load_file as load_recipe
except (KeyboardInterrupt, ImportError, MemoryError, OSError) as error:
    if _program not in ("-m", "merger", "merger.exe"):  # another program's
        raise
    if isinstance(error, KeyboardInterrupt):  # while torch was being loaded
        print("\nStopped before anything was done.", file=sys.stderr)
        raise SystemExit(130) from None
    limits = "Is memory limited too tightly, or the number of open files (ulimit -v, ulimit -n)?"
    raise SystemExit(f"merger cannot start: {str(error) or 'there is no memory'}. {limits}") from None
finally:
    if _collecting:
        gc.enable()

__all__ = [
    "METHODS", "CheckpointError", "MergeError", "Parents", "Recipe", "RecipeError", "Session", "load_recipe", "merge", "method",
]  # fmt: skip
