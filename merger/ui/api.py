"""The named endpoints for programs: stats, merge, ask, yaml, sweep. Everything else on the page is private.

Their docstrings are what callers read, also as MCP tools: gradio takes what stands under Args: for each argument.

    from gradio_client import Client
    client = Client("http://127.0.0.1:7860")
    client.predict(recipe=open("recipe.yaml").read(), prompt="plural of box", api_name="/ask")
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.events import api
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

import merger.ui.state as state
from merger.errors import MergeError
from merger.limits import PROMPT_CHARACTERS, RECIPE_CHARACTERS
from merger.recipe import Recipe, dump, load
from merger.search import Vary, fewer, read_probes
from merger.search import sweep as sweep_
from merger.ui.studio import Studio, Visit

EACH = 8
"""Questions asked for each skill of the family."""
MOST_STEPS = 25
"""Points of one sweep over the network; `python -m merger sweep` has no bound."""


def publish(studio: Studio) -> None:
    """Add the endpoints to the Blocks being built."""

    def yaml(recipe: str) -> str:
        """A recipe in canonical mergekit YAML; checked against its models, without merging them.

        Args:
            recipe: mergekit YAML, or the text behind `?r=` of a link to the page
        """
        return dump(_read(studio, recipe))

    def stats(recipe: str) -> dict[str, Any]:
        """Where a recipe's models disagree and how sparse they are: estimated shares for the whole and for every layer.

        Args:
            recipe: mergekit YAML, or the text behind `?r=` of a link to the page
        """
        return studio.figures(_read(studio, recipe))

    def ask(recipe: str, prompt: str) -> dict[str, str]:
        """The answers of the merge, its base and its parents to a prompt, each chosen greedily.

        Args:
            recipe: mergekit YAML, or the text behind `?r=` of a link to the page
            prompt: a question or a task, as a user would write it
        """
        if len(prompt) > PROMPT_CHARACTERS:
            raise MergeError(f"prompt: has {len(prompt):,} characters; at most {PROMPT_CHARACTERS:,} are taken.")
        work = state.opened(state.start(studio.presets[0], studio.base), _read(studio, recipe))
        said: dict[str, str] = {}
        for feed in studio.answer(work, prompt, Visit()):
            for key, tokens in feed["full"].items():
                said[key] = "".join(str(token[0]) for token in tokens).strip()
            if "error" in feed:
                raise MergeError("; ".join(feed["error"].values()))
        return said

    def merge(recipe: str, allow_nonfinite: bool = False) -> FileData:
        """The merged model as a zip of the folder that `python -m merger merge` writes: weights, config, tokenizer, card.

        Args:
            recipe: mergekit YAML, or the text behind `?r=` of a link to the page
            allow_nonfinite: merge also where numbers are NaN or infinite, which is an error otherwise
        """
        made = studio.archive(_read(studio, recipe), lambda step: None, allow_nonfinite=allow_nonfinite)
        try:
            kept = save_file_to_cache(made, get_upload_folder())  # gradio would copy it there, and leave ours behind
        finally:
            studio.forget(made)
        return FileData(path=kept, orig_name=made.name)

    def sweep(recipe: str, path: str, values: list[float], prompt: str = "") -> list[dict[str, Any]]:
        """Scores on the embedded family's tasks, and answers to a prompt, at each value of one number of a recipe.

        Args:
            recipe: mergekit YAML, or the text behind `?r=` of a link to the page
            path: the number, as in `--set`, for example models[0].parameters.weight
            values: what it is set to, one trial each; at most 25
            prompt: also answered at each value; may be empty
        """
        if not 0 < len(values) <= MOST_STEPS:
            raise MergeError(f"values: give 1 to {MOST_STEPS} numbers; there are {len(values)}.")
        probes = fewer(read_probes(studio.probes), EACH) if studio.probes.exists() else ()
        vary = Vary(path, tuple(values))
        with studio.sweeping:
            trials = list(sweep_(_read(studio, recipe), [vary], studio.searcher, probes, [prompt] if prompt.strip() else []))
        return [
            {
                "value": trial.point[0], "scores": dict(trial.scores), "recipe": trial.text, "note": trial.note,
                "answer": next((a.said for a in trial.answers if a.right is None), ""),
            }
            for trial in trials
        ]  # fmt: skip

    for fn, limit in ((yaml, None), (stats, None), (ask, None), (merge, 2), (sweep, 1)):
        api(_told(fn), api_name=fn.__name__, concurrency_limit=limit)


def _read(studio: Studio, text: str) -> Recipe:
    """A recipe from YAML, or from a link's text; checked against what this page may open."""
    if len(text) > RECIPE_CHARACTERS:
        raise MergeError(f"recipe: has {len(text):,} characters; at most {RECIPE_CHARACTERS:,} are taken.")
    packed = text.strip()
    found = load(text if ":" in packed or not packed else state.from_link(packed), "recipe")
    studio.check(found)
    return found


def _told(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its errors as messages for the caller, not tracebacks."""

    @wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except MergeError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return wrapped
