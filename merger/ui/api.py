"""The named endpoints for programs: stats, merge, ask, yaml, sweep. Everything else on the page is private.

Their docstrings are what callers read, also as MCP tools: gradio takes what stands under Args: for each argument.

    from gradio_client import Client
    client = Client("http://127.0.0.1:7860")
    client.predict(recipe=open("recipe.yaml").read(), prompt="plural of box", api_name="/ask")
"""

import time
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.events import api

import merger.ui.workspace as workspace
from merger.errors import MergeError
from merger.limits import PROMPT_CHARACTERS, RECIPE_CHARACTERS, SWEEP_SECONDS
from merger.recipe import Recipe, dump, load
from merger.search.trials import Vary, fewer, read_probes
from merger.search.trials import sweep as sweep_
from merger.ui.panels.find import check_length
from merger.ui.service.answers import Answers
from merger.ui.service.files import Files
from merger.ui.service.strip import Strip
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
        return Strip(studio).figures(_read(studio, recipe))

    def ask(recipe: str, prompt: str, request: gr.Request) -> dict[str, str]:
        """The answers of the merge, its base and its parents to a prompt, each chosen greedily.

        Args:
            recipe: mergekit YAML, or the text behind `?r=` of a link to the page
            prompt: a question or a task, as a user would write it
        """
        read = _read(studio, recipe)
        work = workspace.opened(workspace.start(studio.presets[0], studio.base), read)
        said: dict[str, str] = {}
        with studio.using(read):
            for feed in Answers(studio).answer(work, prompt, Visit(address=studio.address(request))):
                for key, tokens in feed["full"].items():
                    said[key] = "".join(str(token[0]) for token in tokens).strip()
                if "error" in feed:
                    raise MergeError("; ".join(feed["error"].values()))
        return said

    def merge(recipe: str, allow_nonfinite: bool = False) -> FileData:
        """The merged model as a zip of the folder that `python -m merger merge` writes: weights, config, tokenizer, card.

        Args:
            recipe: mergekit YAML, or the text behind `?r=` of a link to the page; fetch the zip within a minute
            allow_nonfinite: merge also where numbers are NaN or infinite, which is an error otherwise
        """
        read = _read(studio, recipe)
        with studio.using(read):
            made = Files(studio).archive(read, lambda step: None, allow_nonfinite=allow_nonfinite)
        return FileData(path=str(made), orig_name=made.name)

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
        read = _read(studio, recipe)
        check_length(read, len(values))
        probes = fewer(read_probes(studio.probes), EACH) if studio.probes.exists() else ()
        vary, ends = Vary(path, tuple(values)), time.monotonic() + SWEEP_SECONDS
        with studio.using(read), studio.sweeping:
            trials = list(sweep_(
                read, [vary], studio.searcher, probes, [prompt] if prompt.strip() else [],
                go_on=lambda: time.monotonic() < ends and not studio.visitors.ended.is_set(), access=studio.access,
            ))  # fmt: skip
        if len(trials) < len(set(values)):
            raise MergeError(f"This took more than {SWEEP_SECONDS // 60} minutes; {len(trials)} values were tried. Give fewer.")
        return [
            {
                "value": trial.point[0], "scores": dict(trial.scores), "recipe": trial.text, "note": trial.note,
                "answer": next((a.said for a in trial.answers if a.right is None), ""),
            }
            for trial in trials
        ]  # fmt: skip

    limits = ((yaml, None, 4), (stats, None, 2), (ask, "answers", None), (merge, "disk", 2), (sweep, "explore", 1))
    for fn, kind, limit in limits:  # of a kind with what the page asks for: quota.SHARES
        api(_told(fn), api_name=fn.__name__, concurrency_id=kind, concurrency_limit=limit)


def _taken(name: str, value: Any) -> None:
    """MergeError where an argument is not of its kind, which gradio does not look at, or too long."""
    if name == "request":  # gradio's own
        return
    if name == "allow_nonfinite":
        if not isinstance(value, bool):
            raise MergeError("allow_nonfinite: takes true or false.")
        return
    if not isinstance(value, list if name == "values" else str):
        raise MergeError(f"{name}: takes {'a list of numbers' if name == 'values' else 'text'}.")
    if name in ("prompt", "path") and len(value) > PROMPT_CHARACTERS:
        raise MergeError(f"{name}: has {len(value):,} characters; at most {PROMPT_CHARACTERS:,} are taken.")


def _read(studio: Studio, text: str) -> Recipe:
    """A recipe from YAML, or from a link's text; checked against what this page may open."""
    if len(text) > RECIPE_CHARACTERS:
        raise MergeError(f"recipe: has {len(text):,} characters; at most {RECIPE_CHARACTERS:,} are taken.")
    packed = text.strip()
    read = load(text if ":" in packed or not packed else workspace.from_link(packed), "recipe")
    studio.check(read)
    return read


def _told(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its arguments checked, and its errors as messages for the caller, not tracebacks."""

    @wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            for name, value in signature(fn).bind(*args, **kwargs).arguments.items():
                _taken(name, value)
            return fn(*args, **kwargs)
        except MergeError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return wrapped
