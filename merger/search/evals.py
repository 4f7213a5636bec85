"""lm-eval's tasks on a model in memory: no folder is written. Needs the extra `evals`.

for figure in run_tasks(runner.merged(recipe), ["arc_easy"], limit=100).figures: print(figure.task, figure.metric, figure.value)
"""

import importlib
import importlib.metadata
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from merger.chat.model import ChatModel
from merger.errors import Cancelled, MergeError, nearest, out_of_memory
from merger.hub.references import is_hub_id
from merger.search.likelihood import Example, floats, integers, passes
from merger.tokenizer import safe

MISSING = "lm-eval is not installed: pip install 'merge-explorer[evals]', or in a checkout pip install '.[evals]'."
_NETWORK = ("offline", "connection", "couldn't reach", "network", "resolve", "max retries", "doesn't exist on the hub")


@dataclass(frozen=True)
class TaskFigure:
    """One figure of a task.

    value, error  as lm-eval says it, mostly a share from 0 to 1; error is its standard error, None where it has none
    questions     how many documents were asked
    dataset       the Hub's dataset of the task, "" where it is none
    """

    task: str
    metric: str
    value: float
    error: float | None
    questions: int
    version: str
    dataset: str = ""
    subset: str = ""


@dataclass(frozen=True)
class Evaluated:
    """What lm-eval found, and by which version of it."""

    figures: tuple[TaskFigure, ...]
    lm_eval: str


def _library() -> Any:
    try:
        return importlib.import_module("lm_eval")
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "lm_eval":
            raise MergeError(MISSING) from None
        raise MergeError(f"lm-eval cannot be loaded: {safe.first_line(error)}; {MISSING}") from None


def run_tasks(
    model: ChatModel, tasks: Sequence[str], *, include: Path | None = None, limit: int | None = None, seed: int = 0,
    chat: bool = False,
) -> Evaluated:  # fmt: skip
    """Let lm-eval judge a model by tasks of its own, or of a folder of task files.

    include  the folder; code that its task files name is run
    limit    only so many documents of each task
    chat     put the model's chat template around the prompts
    MergeError in one sentence where lm-eval is missing, a task is unknown, or its documents cannot be had.
    """
    library = _library()
    if include is not None and not include.is_dir():
        raise MergeError(f"--include-path {include}: is no folder; name the one with the task files.")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    try:
        manager = _manager(include, tasks)
        known = set(manager.all_tasks)
        for task in tasks:
            if task not in known:
                raise MergeError(f"--tasks {task}: lm-eval has no such task.{nearest(task, known)}")
        huggingface: Any = importlib.import_module("lm_eval.models.huggingface")
        model.bound.refresh()
        if model.forward.streamed:
            _only_likelihoods(tasks, manager)
        judged = (_streamed(huggingface, model) if model.forward.streamed else huggingface.HFLM)(
            pretrained=model.module, tokenizer=model.tokenizer, backend="causal", device=str(model.forward.device), batch_size=4,
            max_length=model.length, add_bos_token=_begins(model) or None,
        )  # fmt: skip
        found: Any = library.simple_evaluate(
            model=judged, tasks=list(tasks), task_manager=manager, limit=limit, bootstrap_iters=0, log_samples=False,
            random_seed=seed, numpy_random_seed=seed, torch_random_seed=seed, fewshot_random_seed=seed, apply_chat_template=chat,
        )  # fmt: skip
    except (MergeError, Cancelled):
        raise
    except Exception as error:  # lm-eval, datasets and the tasks' own code fail in any way
        if out_of_memory(error):
            raise
        why = safe.first_line(error)
        names = ", ".join(tasks)
        if any(word in f"{type(error).__name__} {error}".lower() for word in _NETWORK):
            raise MergeError(
                f"--tasks {names}: documents come from the network, which cannot be reached ({why}); "
                "take tasks of local files with --include-path."
            ) from None
        raise MergeError(f"--tasks {names}: lm-eval cannot do it: {why}.") from None
    return Evaluated(tuple(_figures(found)), importlib.metadata.version("lm_eval"))


def _manager(include: Path | None, tasks: Sequence[str]) -> Any:
    """lm-eval's index of tasks: of the folder alone where it has them all, which is quicker."""
    made: Any = importlib.import_module("lm_eval.tasks").TaskManager
    if include is not None:
        alone = made(include_path=str(include), include_defaults=False)
        if set(tasks) <= set(alone.all_tasks):
            return alone
    return made(include_path=None if include is None else str(include))


def _only_likelihoods(tasks: Sequence[str], manager: Any) -> None:
    """MergeError where a task wants answers to be written: each of their tokens would be a pass through all layers."""
    loaded: Any = importlib.import_module("lm_eval.tasks").get_task_dict(list(tasks), manager)
    waiting: list[Any] = list(loaded.values())
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            waiting += one.values()
        elif getattr(one, "OUTPUT_TYPE", "") == "generate_until":
            raise MergeError(
                f"--tasks {one.config.task}: wants answers to be written, which --stream does for --questions alone; leave "
                "--stream out, or take tasks with choices."
            )


def _streamed(huggingface: Any, model: ChatModel) -> Any:
    """lm-eval's class for models in memory, for one whose layers are made when texts come to them: all requests go together."""

    def likelihoods(self: Any, requests: Sequence[Any], disable_tqdm: bool = False, **_: Any) -> list[tuple[float, bool]]:
        asked: list[Example] = []
        for _, context, wanted in requests:  # cut on the left, as lm-eval does
            whole = (*context, *wanted)[-(model.length + 1) :]
            cut = max(0, len(whole) - len(wanted))
            asked.append(Example(whole[:cut], whole[cut:], False) if cut else Example(whole[:1], whole[1:], False))
        found = [(0.0, True)] * len(asked)
        for one in passes(model, asked):
            likely, hits = floats(one.each(one.logprobs())), integers(one.each(one.hits().int()))
            for at, place in enumerate(one.places):
                found[place] = likely[at], hits[at] == len(asked[place].wanted)
        return found

    def tied() -> None:
        """Nothing is to be done: they are tied where they are made."""

    model.module.tie_weights = tied
    return type(
        "Streamed", (huggingface.HFLM,), {"_loglikelihood_tokens": likelihoods, "batch_size": property(lambda _: 1 << 20)}
    )


def _begins(model: ChatModel) -> bool:
    """Whether a text of this model begins with a token of its own, as it does where it answers here."""
    begin = getattr(model.tokenizer, "bos_token_id", None)
    return begin is not None and model.tokenizer("a")["input_ids"][:1] == [begin]


def _figures(found: Mapping[str, Any]) -> list[TaskFigure]:
    made: list[TaskFigure] = []
    for task, values in found["results"].items():
        config = found.get("configs", {}).get(task, {})
        path = str(config.get("dataset_path") or "")
        counted = found.get("n-samples", {}).get(task, {})
        for name, value in values.items():
            metric, comma, kind = name.partition(",")
            if not comma or metric.endswith("_stderr") or not isinstance(value, (int, float)):
                continue
            error = values.get(f"{metric}_stderr,{kind}")
            made.append(TaskFigure(
                task, metric if kind == "none" else f"{metric} ({kind})", float(value),
                float(error) if isinstance(error, (int, float)) else None, int(counted.get("effective") or 0),
                str(found.get("versions", {}).get(task, "")), path if is_hub_id(path) and "/" in path else "",
                str(config.get("dataset_name") or ""),
            ))  # fmt: skip
    return made


__all__ = ["MISSING", "Evaluated", "TaskFigure", "run_tasks"]
