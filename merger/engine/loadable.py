"""Whether transformers can load what a merge will write: its own loading, on the meta device, in a process of its own.

Asked where a recipe changes the structure: layers, modules, tokens, tensors that a model lacks. The process is started beside
the merge, reads no weights, imports nothing of a model's folder, and answers before the folder appears.
"""

import atexit
import contextlib
import inspect
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from merger.engine.plan import Plan
from merger.engine.stacks import one_a_layer
from merger.errors import CheckpointError
from merger.files import heads
from merger.files.checkpoints import Checkpoint
from merger.files.layout import is_buffer, layout
from merger.files.texts import is_list, is_mapping
from merger.limits import LOADING_MEMORY, LOADING_SECONDS
from merger.tokenizer import safe

_SHOWN = 3
_IDLE = 60.0
"""Seconds that the process waits for the next question before it goes."""
_OWN = ("dtype", "torch_dtype", "quantization_config", "compression_config", "quantization", "transformers_version")
# What of a config says how to load, not what a model is: none of it is taken from a stranger's file.
_NOT_TOLD = frozenset(
    "auto_map attn_implementation experts_implementation fusion_config kernel_config distributed_config device_map tp_plan "
    "base_model_tp_plan base_model_pp_plan quantization_config compression_config quantization transformers_weights".split()
)


# ---------------------------------------------------------------------------------------------- asking


@dataclass
class Check:
    """A question that is being answered. `look` raises as soon as the answer is a refusal, `result` waits for it."""

    plan: Plan
    unlike: tuple[str, ...]
    _answers: "queue.SimpleQueue[dict[str, Any]]"
    _until: float
    _answer: dict[str, Any] | None = None

    def look(self) -> None:
        """CheckpointError where it is known already that transformers could not load the output."""
        with contextlib.suppress(queue.Empty):
            self._answer = self._answer or self._answers.get_nowait()
        if self._answer is not None:
            self._told(self._answer)

    def result(self) -> tuple[str, ...]:
        """What the user should know; CheckpointError where transformers could not load the output."""
        if self._answer is None:
            try:
                self._answer = self._answers.get(timeout=max(0.0, self._until - time.monotonic()))
            except queue.Empty:
                _stop()
                self._answer = {"unknown": f"it took longer than {LOADING_SECONDS} {LOADING_SECONDS.unit}"}
        return self._told(self._answer)

    def _told(self, answer: Mapping[str, Any]) -> tuple[str, ...]:
        if unknown := answer.get("unknown"):
            return (f"whether transformers can load the output could not be checked: {unknown}.", *self.unlike)
        wrong = _in_words(answer, self.plan)
        if not wrong and (names := answer.get("already")):
            return (
                f"transformers starts with random numbers what the output lacks, as {self.plan.config_source} does already: "
                f"{_listed(names)}.",
            )  # fmt: skip
        if not wrong:
            return ()
        if self.plan.recipe.on_mismatch in ("skip", "crop+skip"):
            return (" ".join(wrong.split()),)
        raise CheckpointError(f"{wrong}\n  {_way_out(answer, self.plan)}")


def start(plan: Plan, models: Mapping[str, Checkpoint]) -> Check | None:
    """Ask about a plan, beside whatever else is done; None where its structure is the config source's own: nothing to ask."""
    config_source = models[plan.config_source]
    if not plan.config or not _changes(plan, config_source):
        return None
    answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    asked = _question(plan, models)
    until = time.monotonic() + LOADING_SECONDS
    threading.Thread(target=lambda: answers.put(_ask(asked, until)), daemon=True).start()
    return Check(plan, tuple(_unlike(plan, config_source)), answers, until)


def check(plan: Plan, models: Mapping[str, Checkpoint]) -> tuple[str, ...]:
    """`start` and `result` in one."""
    asked = start(plan, models)
    return asked.result() if asked else ()


def of(model: Checkpoint) -> dict[str, Any]:
    """What transformers says of a model as it lies there: `missing`, `unexpected`, `wrong` shapes, `error`; or why it is
    `unknown`."""
    tensors = {name: [*t.shape] for name, t in model.tensors.items()}
    return _ask({"config": _plain(model.config), "tensors": tensors, "stack": []}, time.monotonic() + LOADING_SECONDS)


def structure(model: Checkpoint) -> dict[str, Any]:
    """What the model that transformers makes of a folder keeps; or why that is `unknown`.

    `tensors`  name -> [the kind of module that it belongs to, the first name of the same numbers]
    `named`    name in the folder's files -> name in the model; None where it is turned, or put together with others
    `experts`  the type whose way it has of putting experts together, "" where it does not or is too old to say
    """
    question = {"structure": _plain(model.config), "names": [*model.tensors]}
    return _ask(question, time.monotonic() + LOADING_SECONDS)


def _changes(plan: Plan, config_source: Checkpoint) -> bool:
    """Whether the output has other names, shapes or settings than the config source's files."""
    if plan.stack or config_source.notes:
        return True
    own = heads.own_heads(config_source)
    stored = {
        name: t.shape for name, t in config_source.tensors.items()
        if not is_buffer(name, t.shape, t.dtype.is_floating_point)
        and (not heads.is_head(name) or name in own)
    }  # fmt: skip
    made = {job.name: job.shape for job in plan.jobs if not is_buffer(job.name, job.shape, job.out.is_floating_point)}
    return made != stored or _settings(plan.config) != _settings(config_source.config)


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _settings(v) if is_mapping(v) else v for k, v in config.items() if k not in _OWN}


def _question(plan: Plan, models: Mapping[str, Checkpoint]) -> dict[str, Any]:
    config_source = models[plan.config_source]
    sources = dict.fromkeys(model for model, _ in plan.stack)
    return {
        "config": _plain(plan.config), "tensors": {job.name: [*job.shape] for job in plan.jobs},
        "before": {
            "config": _plain(config_source.config), "tensors": {n: [*t.shape] for n, t in config_source.tensors.items()},
        },
        "stack": plan.stack,
        "sources": {
            m: [_plain(models[m].config), layout(models[m].numels, models[m].config).layers] for m in sources if models[m].config
        },
    }  # fmt: skip


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _plain(v) if is_mapping(v) else v for k, v in config.items() if not k.startswith("_") and k not in _NOT_TOLD}


def _unlike(plan: Plan, config_source: Checkpoint) -> Iterable[str]:
    """What speaks against a stack where transformers cannot be asked: layers with other tensors than config's source has."""
    if not plan.stack:
        return
    before = _inside(config_source.tensors, layout(config_source.numels, config_source.config).main)
    after = _inside(plan.names, plan.layout.main)
    unlike = [k for k in sorted(before.keys() & after.keys()) if before[k] != after[k]]
    if unlike:
        yield (
            f"{len(unlike)} layers of the output hold other tensors than {plan.config_source} has there, the first is layer "
            f"{unlike[0]}: where a layer's kind goes by its number, the output does not load."
        )
    if plan.by_number:
        yield f"config.json: {', '.join(plan.by_number)}: a layer's kind may go by its number, and the stack changes numbers."


def _inside(names: Iterable[str], main: str | None) -> dict[int, set[str]]:
    layers: dict[int, set[str]] = {}
    for name in names:
        match = re.match(rf"{re.escape(main)}(\d+)\.(.*)", name) if main else None
        if match:
            layers.setdefault(int(match[1]), set()).add(match[2])
    return layers


def _in_words(answer: Mapping[str, Any], plan: Plan) -> str:
    """What is wrong, "" for nothing."""
    lines: list[str] = []
    for key, label in (("missing", "missing"), ("unexpected", "unexpected")):
        if names := answer[key]:
            lines.append(f"  {label:<11} {_listed(names)}")
    if wrong := answer["wrong"]:
        shown = [f"{name} has {tuple(shape)}, config.json makes it {tuple(wanted)}" for name, shape, wanted in wrong]
        lines.append(f"  {'wrong shape':<11} {_listed(shown, '; ')}")
    for key, layer, made, model, at, own in answer["kinds"][:_SHOWN] if not lines else ():
        lines.append(f"  {'wrong kind':<11} layer {layer}: {key} is {own} in layer {at} of {model}, and becomes {made}")
    if error := answer.get("error"):
        lines.append(f"  {error}")
    kind = str(plan.config.get("model_type", "model of no type"))[:60]
    return "\n".join([f"transformers could not load the output as it is planned, a {kind}:", *lines]) if lines else ""


def _listed(names: Sequence[str], by: str = ", ") -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)}: {by.join(names[:_SHOWN])}{more}" if len(names) > 1 else names[0]


def _way_out(answer: Mapping[str, Any], plan: Plan) -> str:
    write = "To write it all the same: --allow-crimes, or `on_mismatch: skip`."
    other = any(answer[key] for key in ("missing", "unexpected", "wrong"))
    forced = next((kind for kind in answer["kinds"] if _written(plan.config, kind[0], kind[1]) == kind[5]), None)
    if forced:
        key, layer, made = forced[:3]
        return (
            f"transformers makes layer {layer} of such a model {made}, whatever config.json says under {key}: let the stack have "
            f"a layer of that kind there, the last one of a model for its end.\n  {write}"
        )
    if answer["kinds"] and not other:
        lists = ", ".join(dict.fromkeys(str(kind[0]) for kind in answer["kinds"]))
        return (
            f"Write {lists} into the models' config.json, then each layer keeps its own: load the config with transformers' "
            f"AutoConfig and save_pretrained it. Or shift layers by whole periods.\n  {write}"
        )
    if plan.stack and (plan.by_number or answer["kinds"]):
        rules = f" ({', '.join(plan.by_number)})" if plan.by_number else ""
        return f"A layer's kind goes by its number{rules}: shift layers by whole periods only.\n  {write}"
    if plan.stack and not (answer["missing"] or answer["unexpected"]) and other:
        more = f"let the stack have as many layers as {plan.config_source}"
        return f"Such a model keeps a part for each layer in one tensor: {more}.\n  {write}"
    if plan.stack and other:
        return (
            "A layer of such a model has tensors that others lack, by its number: let the stack begin with a model's first layer "
            f"and end with a model's last.\n  {write}"
        )
    if plan.recipe.modules and answer["missing"]:
        return f"Name every module of the model under `modules:`, also those that stay as they are.\n  {write}"
    return f"Merge models of one architecture, whose config.json is their own.\n  {write}"


def _written(config: Mapping[str, Any], key: str, layer: int) -> Any:
    """What a config.json says of a layer itself, before transformers makes something of it; None for nothing."""
    for level in (config, *(part for part in config.values() if is_mapping(part))):
        listed = level.get(key)
        if is_list(listed) and layer < len(listed):
            return listed[layer]
    return None


# ---------------------------------------------------------------------------------------------- the process


@dataclass
class _Worker:
    """The process, one for all merges: importing transformers takes seconds, a question milliseconds."""

    process: "subprocess.Popen[str]"
    lock: threading.Lock = field(default_factory=threading.Lock)
    lines: "queue.SimpleQueue[str]" = field(default_factory=lambda: queue.SimpleQueue[str]())

    def listen(self) -> None:
        """Put what it says into `lines`; "" when it is gone."""
        with contextlib.suppress(OSError, ValueError):
            for line in cast(IO[str], self.process.stdout):
                self.lines.put(line)
        self.lines.put("")

    def ask(self, question: Mapping[str, Any], until: float) -> dict[str, Any] | None:
        """Its answer; None where it is gone."""
        try:
            stdin = cast(IO[str], self.process.stdin)
            stdin.write(json.dumps(question) + "\n")
            stdin.flush()
            line = self.lines.get(timeout=max(0.0, until - time.monotonic()))
        except (OSError, ValueError):
            return None
        except queue.Empty:
            self.process.kill()
            self.process.wait()
            return {"unknown": f"it took longer than {LOADING_SECONDS} {LOADING_SECONDS.unit}"}
        return json.loads(line) if line else None


_WORKERS: list[_Worker] = []
_STARTING = threading.Lock()
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONHOME")
"""The environment that the process gets: nothing of it is secret."""


def _ask(question: Mapping[str, Any], until: float) -> dict[str, Any]:
    """An answer, from the process that runs already or from a new one."""
    with _STARTING:
        for _ in range(2):  # the one that runs may have gone to rest just now
            fresh = not _WORKERS
            try:
                worker = _WORKERS[0] if _WORKERS else _begun()
            except OSError as error:
                return {"unknown": f"no process could be started ({error.strerror})"}
            answer = worker.ask(question, until)
            if answer is not None:
                if worker.process.poll() is not None:
                    _stop()
                return answer
            _stop()
            if fresh or time.monotonic() >= until:
                break
    return {"unknown": "the process that asks transformers ended, perhaps for want of memory"}


def _begun() -> _Worker:
    root = str(Path(__file__).resolve().parents[2])
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ} | {
        "PYTHONPATH": os.pathsep.join([root, *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]),
        "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_DEACTIVATE_ASYNC_LOAD": "1", "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "MERGER_KERNELS": "off",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", f"from merger.engine.loadable import serve; serve({int(LOADING_MEMORY)})"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True, encoding="utf-8",
    )  # fmt: skip
    worker = _Worker(process)
    threading.Thread(target=worker.listen, daemon=True).start()
    _WORKERS.append(worker)
    return worker


def _stop() -> None:
    """End the process; the next question starts another."""
    while _WORKERS:
        process = _WORKERS.pop().process
        process.kill()
        process.wait()


atexit.register(_stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_WORKERS.clear)  # it belongs to the parent


# ---------------------------------------------------------------------------------------------- inside the process


def serve(memory: int) -> None:
    """Answer questions, a line of JSON each, until nobody asks any more. memory: bytes that it may take."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    with contextlib.suppress(AttributeError, OSError):
        os.nice(5)
    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    while True:
        rest = threading.Timer(_IDLE, lambda: os._exit(0))
        rest.daemon = True
        rest.start()
        line = sys.stdin.readline()
        rest.cancel()
        if not line:
            return
        try:
            answer = answered(json.loads(line))
        except MemoryError:
            answer = {"unknown": f"it would take more than {memory / 1e9:.0f} GB"}
        except Exception as error:  # whatever transformers raises is no fault of the merge
            answer = {"unknown": f"{type(error).__name__}: {_first_line(error)}"}
        said.write(json.dumps(answer) + "\n")
        said.flush()


def answered(question: Mapping[str, Any]) -> dict[str, Any]:
    """What transformers says of a planned model, less what it says of the config source's own files too."""
    try:
        load = _loader()
    except ImportError:
        return {"unknown": "transformers is not installed"}
    if "structure" in question:
        return _structure(question["structure"], question["names"])
    answer = load(question["config"], question["tensors"])
    if "unknown" not in answer and question["stack"]:
        answer["kinds"] = _unlike_kinds(question)
    if "before" in question and any(answer.get(key) for key in ("missing", "unexpected", "wrong", "error")):
        before = load(question["before"]["config"], question["before"]["tensors"])
        if "unknown" in before or (before["error"] and answer["error"]):
            return {"unknown": before.get("unknown") or f"it does not load the donor either: {before['error']}"}
        for key in ("missing", "unexpected"):
            known = {_numberless(name) for name in before[key]}
            if key == "missing":
                answer["already"] = [name for name in answer[key] if _numberless(name) in known]
            answer[key] = [name for name in answer[key] if _numberless(name) not in known]
        known = {_numberless(name) for name, *_ in before["wrong"]}
        answer["wrong"] = [entry for entry in answer["wrong"] if _numberless(entry[0]) not in known]
    return answer


def _loader() -> Callable[[Mapping[str, Any], Mapping[str, Sequence[int]]], dict[str, Any]]:
    """Transformers' loading of a config and the names and shapes of tensors."""
    import torch
    import transformers
    from transformers import modeling_utils
    from transformers.utils.import_utils import is_accelerate_available

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    on_meta = {"": torch.device("meta")}
    if not is_accelerate_available():  # it is asked for because of devices that have memory

        def no_devices(_: object) -> dict[str, torch.device]:
            return on_meta

        setattr(modeling_utils, "check_and_set_device_map", no_devices)  # noqa: B010 - it has another type

    def load(config: Mapping[str, Any], tensors: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        answer: dict[str, Any] = {"missing": [], "unexpected": [], "wrong": [], "kinds": [], "error": ""}
        kind = str(config.get("model_type", ""))
        if kind not in transformers.CONFIG_MAPPING:
            return {"unknown": f"transformers knows no model type {kind[:60]!r}" if kind else "config.json names no model type"}
        try:
            made = _made(config)
        except MemoryError:
            raise
        except Exception as error:
            return answer | {"error": f"transformers cannot use the config.json: {_first_line(error)}"}
        model = _class_of(config, made)
        if model is None:
            return {"unknown": f"transformers has no model for the type {kind[:60]!r}"}
        given = {name: torch.empty(tuple(shape), dtype=torch.bfloat16, device="meta") for name, shape in tensors.items()}
        try:
            _, info = model.from_pretrained(
                None, config=made, state_dict=given, output_loading_info=True, ignore_mismatched_sizes=True,
                attn_implementation="eager", device_map=on_meta if is_accelerate_available() else None,
            )  # fmt: skip
        except MemoryError:
            raise
        except Exception as error:
            return answer | {"error": f"transformers cannot load it: {_first_line(error)}"}
        return answer | {
            "missing": sorted(info["missing_keys"]), "unexpected": sorted(info["unexpected_keys"]),
            "wrong": [[name, [*found_shape], [*wanted]] for name, found_shape, wanted in sorted(info["mismatched_keys"])],
        }  # fmt: skip

    return load


def _structure(config: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """What `structure` says."""
    import torch
    import transformers

    kind = str(config.get("model_type", ""))
    made = _made(config) if kind in transformers.CONFIG_MAPPING else None
    model = _class_of(config, made) if made is not None else None
    if model is None:
        return {"unknown": f"transformers has no model for the type {kind[:60]!r}"}
    with torch.device("meta"):
        built = model(made)
    built.tie_weights()
    rename = _renaming(built)
    owners = dict(built.named_modules())
    first: dict[int, str] = {}
    tensors: dict[str, list[Any]] = {}
    for name, tensor in built.state_dict(keep_vars=True).items():
        tensors[name] = [type(owners[name.rpartition(".")[0]]).__name__, first.setdefault(id(tensor), name)]
    named = {name: new if (new := rename(name)) in tensors else None for name in names}
    return {"tensors": tensors, "named": named, "experts": _experts(kind)}


def _experts(kind: str) -> str:
    """The type after whose rules transformers puts the experts of another together."""
    with contextlib.suppress(ImportError):
        from transformers import conversion_mapping

        known: Mapping[str, Any] = getattr(conversion_mapping, "_MODEL_TO_CONVERSION_PATTERN", {})
        return kind if kind == "mixtral" else str(known.get(kind, ""))
    return ""


def _renaming(model: Any) -> Callable[[str], str | None]:
    """What a model calls a tensor of its files; None where it is turned, or put together with others, while it is loaded."""
    try:
        from transformers import core_model_loading as loading
        from transformers.conversion_mapping import get_model_conversion_mapping

        rename_key: Callable[..., tuple[str, str | None]] = getattr(loading, "rename_source_key")  # noqa: B009 - of no known type
    except (ImportError, AttributeError):  # an older version, in which both have the same names
        return lambda name: name
    rules, state = get_model_conversion_mapping(model), model.state_dict()
    several = [rule for rule in rules if isinstance(rule, loading.WeightConverter)]
    others: list[Any] = [rule for rule in rules if not isinstance(rule, loading.WeightConverter)]

    def rename(name: str) -> str | None:
        made, turned = rename_key(name, others, several, model.base_model_prefix, state)
        return None if turned is not None else made

    return rename


def _made(config: Mapping[str, Any]) -> Any:
    """Transformers' own config of a config.json, of a class that goes by the model type."""
    import transformers

    kind: Any = transformers.CONFIG_MAPPING[config["model_type"]]
    return kind.from_dict(safe.numbers(dict(config)))


def _class_of(config: Mapping[str, Any], made: Any) -> Any:
    """The class that the config names, else the one that transformers takes for its kind."""
    import transformers

    listed = config.get("architectures")
    name = listed[0] if is_list(listed) and listed else None
    own = getattr(transformers, name, None) if isinstance(name, str) and name.isidentifier() else None
    if own is not None and hasattr(own, "from_pretrained") and getattr(own, "config_class", None) is type(made):
        return own
    for auto in ("AutoModelForCausalLM", "AutoModelForImageTextToText", "AutoModelForSeq2SeqLM", "AutoModel"):
        mapping = getattr(transformers, auto)._model_mapping
        if type(made) in mapping:
            kinds = mapping[type(made)]
            return kinds if inspect.isclass(kinds) else kinds[0]
    return None


def _unlike_kinds(question: Mapping[str, Any]) -> list[list[Any]]:
    """Layers whose kind is another in the planned config than in the config of the model they come from."""
    made = _lists(question["config"], len(question["stack"]))
    sources = {model: _lists(config, layers) for model, (config, layers) in question["sources"].items()}
    return [
        [key, k, made[key][k], model, layer, sources[model][key][layer]]
        for key in made for k, (model, layer) in enumerate(question["stack"])
        if key in sources.get(model, {}) and _computes(sources[model][key][layer]) != _computes(made[key][k])
    ]  # fmt: skip


def _computes(kind: Any) -> Any:
    """A layer's kind, less what it only keeps for others that are not there any more, or were not there before."""
    return None if kind == "store" else kind


def _lists(config: Mapping[str, Any], layers: int) -> dict[str, Sequence[Any]]:
    """What transformers makes of a config layer by layer: written there, or worked out from periods."""
    try:
        made = _made(config).get_text_config()
    except Exception:  # told by the loading
        return {}
    values = dict(made.to_dict())
    for name in _properties(made):
        with contextlib.suppress(Exception):
            values.setdefault(name, getattr(made, name))
    return one_a_layer(values, layers)


def _properties(made: object) -> list[str]:
    """The public properties of an object's class."""
    kind = type(made)
    return [name for name in dir(kind) if isinstance(getattr(kind, name, None), property) and not name.startswith("_")]


def _numberless(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def _first_line(error: BaseException) -> str:
    """The words of an error, as one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


__all__ = ["Check", "answered", "check", "of", "serve", "start", "structure"]
