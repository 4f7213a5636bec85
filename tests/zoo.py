"""Every text and vision-language model type of the installed transformers, tiny, from its config alone: merged, loaded, heard.

python tests/zoo.py [TYPE ...]     a line for each
python tests/zoo.py --write        all of them, into docs/architectures.md (`make zoo`; half an hour on one core)
"""

import importlib
import json
import multiprocessing
import os
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import CONFIG_MAPPING
from transformers.models.auto import modeling_auto

sys.path.insert(0, str(Path(__file__).parent.parent))

from zoo_sizes import ALSO, TINY, TOWER

from merger.chat.batch import generate_batch
from merger.chat.load import chat_model
from merger.engine import loadable
from merger.engine.batch import merge
from merger.engine.session import Parents, Session
from merger.recipe import load

ROOT = Path(__file__).parent.parent
_SPECIAL_IDS = ("_token_id", "_token_index", "_token")


def kinds() -> tuple[str, ...]:
    """Every type that speaks: causal models, and those that answer about images."""
    seen = modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    return tuple(sorted({*modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, *seen}))


def config(kind: str) -> Any:
    """A tiny config of this type; whatever transformers raises where it cannot be made."""
    cls = CONFIG_MAPPING[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        without = {"hidden_size_per_layer_input": 0, "vocab_size_per_layer_input": 0}
        plain = cls(text_config=without) if kind == "gemma4_assistant" else cls()
        return cls(**_shrunk(plain, kind, tower=False))


def _shrunk(plain: Any, place: str, tower: bool) -> dict[str, Any]:
    """Small values for what a config holds; `place` is its type, with the path inside the whole."""
    held, small = vars(plain), {}
    table = TINY | (TOWER if tower else {})
    for key, value in held.items():
        if isinstance(value, transformers.PreTrainedConfig):
            inner = tower or not any(word in key for word in ("text", "llm", "language", "thinker", "decoder", "backbone"))
            small[key] = _shrunk(value, f"{place}/{key}", inner)
            if "model_type" in type(value).__dict__ or value.model_type:
                small[key]["model_type"] = value.model_type
        elif key in table and isinstance(value, (int, float)) and not isinstance(value, bool):
            small[key] = type(value)(table[key])
        elif key.endswith(_SPECIAL_IDS) and isinstance(value, int) and value > 2:
            small[key] = 200 + len(small) % 50
    for path, value in ALSO.get(place, {}).items():
        level, _, key = path.rpartition(".")
        (small[level] if level else small)[key] = value
    return small


def model_class(config: Any) -> Any:
    """The class that transformers' automatic ones take for it."""
    for auto in (transformers.AutoModelForImageTextToText, transformers.AutoModelForCausalLM):
        if type(config) in auto._model_mapping:
            found = auto._model_mapping[type(config)]
            return found[0] if isinstance(found, tuple) else found
    raise KeyError(config.model_type)


def build(kind: str, seed: int = 0) -> Any:
    """A tiny model of this type with random weights, as transformers starts them."""
    torch.manual_seed(seed)
    made = config(kind)
    return model_class(made)._from_config(made).eval()


def family(kind: str, folder: Path) -> dict[str, Path]:
    """A base and two siblings of this type as folders, with the tokenizer of presets/family."""
    made = build(kind)
    made.config.bos_token_id, made.config.eos_token_id = 1, 2
    folders = {name: folder / name for name in ("base", "a", "b")}
    made.save_pretrained(folders["base"])
    tensors = _read(folders["base"])
    for i, (name, path) in enumerate(folders.items()):
        chance = torch.Generator().manual_seed(i)
        if name == "base":  # started as transformers does, most types say one word for ever
            tensors = {n: _spread(t, chance) for n, t in tensors.items()}
            own = tensors
        else:
            own = {n: _moved(t, chance) for n, t in tensors.items()}
        path.mkdir(exist_ok=True)
        for file in (*path.glob("*.safetensors"), *path.glob("*.index.json")):
            file.unlink()
        save_file({n: t.contiguous() for n, t in own.items()}, path / "model.safetensors", metadata={"format": "pt"})
        (path / "config.json").write_bytes((folders["base"] / "config.json").read_bytes())
        for file in ("tokenizer.json", "tokenizer_config.json"):
            (path / file).write_bytes((ROOT / "presets" / "family" / "base" / file).read_bytes())
    return folders


def _read(folder: Path) -> dict[str, torch.Tensor]:
    return {n: t for file in sorted(folder.glob("*.safetensors")) for n, t in load_file(file).items()}


def _noise(tensor: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    return torch.randn(tensor.shape, generator=chance).to(tensor.dtype)


def _moved(tensor: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """As after a fine-tune."""
    fits = tensor.is_floating_point() and tensor.numel() > 1
    return tensor + 0.1 * tensor.std() * _noise(tensor, chance) if fits else tensor


def _spread(tensor: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Matrices wide enough that answers differ, vectors a little off what they start as."""
    if not tensor.is_floating_point():
        return tensor
    if tensor.dim() >= 2:
        return (_noise(tensor, chance) * min(0.3, 1.5 / tensor.shape[-1] ** 0.5)).to(tensor.dtype)
    return tensor + 0.05 * _noise(tensor, chance)


# ---------------------------------------------------------------------------------------------- what is tried


_TWO = "models:\n  - {model: @/a, parameters: {%s}}\n  - {model: @/b, parameters: {%s}}\n"
RECIPES = {
    "ties": "merge_method: ties\nbase_model: @/base\n" + _TWO % ("weight: 0.6, density: 0.5", "weight: 0.4, density: 0.5"),
    "linear": "merge_method: linear\n" + _TWO % ("weight: 0.5", "weight: 0.5"),
    "gradient": "merge_method: task_arithmetic\nbase_model: @/base\n" + _TWO % ("weight: [0, 1]", "weight: [1, 0]"),
    "stack": "merge_method: passthrough\nslices:\n  - sources: [{model: @/a, layer_range: [0, 2]}]\n"
             "  - sources: [{model: @/b, layer_range: [1, 3]}]\n",
}  # fmt: skip
# A hand on a fader: everywhere, and in the last layer alone.
MOVES = ("weight: 0.9", "weight: [{filter: '.3.', value: 0.1}, {value: 0.6}]")
PROMPTS = ("say hello my friend like a pirate", "plural of box")
TOKENS = 12


@dataclass
class Seen:
    """What came of one type. A step: "" it is right, else the reason why not; missing where it was not come to."""

    kind: str
    cls: str = ""
    steps: dict[str, str] = field(default_factory=dict[str, str])
    how: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether every step that was come to is right."""
        return bool(self.steps) and not any(self.steps.values())


STEPS = ("build", "ties", "linear", "gradient", "stack", "speaks", "moves")


def examine(kind: str, folder: Path, steps: Sequence[str] = STEPS) -> Seen:
    """Make a family of this type, merge, load and hear it."""
    seen, began = Seen(kind), time.monotonic()

    def step(name: str, what: Callable[[], Any]) -> Any:
        try:
            found = what()
            seen.steps[name] = seen.steps.get(name, "")
            return found
        except Exception as error:
            seen.steps[name] = _words(error)
            if os.environ.get("ZOO_TRACE"):
                traceback.print_exc()
            return None

    folders = step("build", lambda: family(kind, folder))
    if folders is not None:
        cls = model_class(transformers.AutoConfig.from_pretrained(folders["base"]))
        seen.cls = cls.__name__
        step("build", lambda: _loaded(cls, folders["base"]))  # what transformers itself wrote
        for name in (n for n in RECIPES if n in steps):
            step(name, lambda name=name: _merged(name, folder, cls))
        if "speaks" in steps:
            step("speaks", lambda: _heard(folder, cls, seen))  # says of itself what came of it
    seen.seconds = round(time.monotonic() - began, 1)
    return seen


def _words(error: Exception) -> str:
    """One line."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.sub(r"/[^ ]*/zoo-[^ /]*/", "", text)
    return (text if type(error).__name__ in ("AssertionError", "CheckpointError", "MergeError", "RecipeError") else
            f"{type(error).__name__}: {text}")[:240]  # fmt: skip


def _merged(name: str, folder: Path, cls: Any) -> None:
    """Merge, load without a word from transformers, compute numbers; the session's tensors are the folder's."""
    recipe = load(RECIPES[name].replace("@", str(folder)))
    out = folder / f"out-{name}"
    merge(recipe, out)
    session = Session(Parents())
    session.apply(recipe)
    written = _read(out)
    assert written.keys() == session.tensors.keys(), "the session has other tensors than the folder"
    for tensor, value in session.tensors.items():
        assert torch.equal(value, written[tensor]) or _same_bits(value, written[tensor]), f"session and folder differ in {tensor}"
    model = _loaded(cls, out)
    try:
        logits = _logits(model, [5, 6, 7, 8])
    except Exception:  # it needs an image; its text may be tried alone
        if type(model.config) not in transformers.AutoModelForCausalLM._model_mapping:
            return
        logits = _logits(transformers.AutoModelForCausalLM.from_pretrained(out).eval(), [5, 6, 7, 8])
    assert bool(torch.isfinite(logits).all()), "the logits are no numbers"


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(a.contiguous().view(torch.uint8), b.contiguous().view(torch.uint8))


def _loaded(cls: Any, folder: Path) -> Any:
    model, info = cls.from_pretrained(folder, output_loading_info=True)
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        found = sorted(map(str, info[key]))
        assert not found, f"transformers finds {key.replace('_keys', '')} {found[0]} and {len(found) - 1} more"
    return model.eval()


@torch.no_grad()
def _logits(model: Any, ids: list[int]) -> torch.Tensor:
    out = model(input_ids=torch.tensor([ids]), use_cache=False)
    return out.logits[0, -1].float()


def generated(cls: Any, folder: Path, asked: Sequence[list[int]]) -> list[list[int]]:
    """transformers' own greedy answers; those of its class for the text alone, where the one that also sees needs an image."""
    model = _loaded(cls, folder)
    try:
        return [_generated(model, ids) for ids in asked]
    except Exception as error:
        if type(model.config) not in transformers.AutoModelForCausalLM._model_mapping:
            raise AssertionError(f"transformers itself does not answer a text alone: {_words(error)}") from None
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    return [_generated(model, ids) for ids in asked]


def _generated(model: Any, ids: list[int]) -> list[int]:
    """By `generate`; by whole passes where it does not run."""
    try:
        model.generation_config = transformers.GenerationConfig(pad_token_id=0)
        out = model.generate(torch.tensor([ids]), max_new_tokens=TOKENS, do_sample=False)
        return out[0, len(ids) :].tolist()
    except Exception:
        said: list[int] = []
        for _ in range(TOKENS):
            said.append(int(_logits(model, ids + said).argmax()))
        return said


def _heard(folder: Path, cls: Any, seen: Seen) -> None:
    """Speak from the session before and after moves, as transformers does from the folder of the same merge."""
    text = RECIPES["ties"].replace("@", str(folder))
    session = Session(Parents())
    session.apply(load(text))
    assert session.plan is not None
    who = chat_model(folder / "base", session.plan.config, session.tensors)
    who.stops = frozenset()
    seen.how = _how(who)
    for place, move in enumerate(("", *MOVES)):
        step = "moves" if place else "speaks"
        seen.steps.setdefault(step, "not come to its end")
        recipe = load(text.replace("weight: 0.6", move or "weight: 0.6"))
        names = session.apply(recipe)
        assert bool(names) == bool(move), "the move moves nothing"
        out = folder / f"heard-{place}"
        merge(recipe, out)
        texts: list[str] = []
        try:
            for prompt, expected in zip(PROMPTS, generated(cls, out, [who.encode(p) for p in PROMPTS]), strict=True):
                said = [token.id for token in who.tokens(prompt, TOKENS)]
                assert said == expected, f"says {said}, transformers {expected}"
                texts.append(who.tokenizer.decode(said, skip_special_tokens=True).rstrip("\ufffd"))
            many = generate_batch(who, PROMPTS, TOKENS)
            assert many == texts, f"says {many} to several prompts at once, alone {texts}"
        except Exception as error:
            seen.steps[step] = _words(error)
            if os.environ.get("ZOO_TRACE"):
                traceback.print_exc()
            return
        seen.steps[step] = ""


def _how(who: Any) -> str:
    """How its parameters hold the merged tensors, and how it goes on from token to token."""
    bound = getattr(who, "bound", None)
    if bound is None:
        return ""
    stacked = sum(len({id(t) for t in sources}) > 1 for sources in bound.sources.values())
    held = [f"{stacked} stacked"] if stacked else []
    held += [f"{len(bound.copies)} copied"] if bound.copies else []
    ways = {"cache": "from its cache", "steps": "as generate", "whole": "the whole text again"}
    goes = "drafts" if who.probed.plain and who.forward.layers else ways[who.probed.by]
    return f"{', '.join(held) or 'in place'}; {goes}"


# ---------------------------------------------------------------------------------------------- all of them


def _child(kind: str, steps: Sequence[str], pipe: Any) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    loadable._ask = lambda question, _: loadable.answered(json.loads(json.dumps(question)))  # this is a process of its own
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        pipe.send(asdict(examine(kind, Path(folder), steps)))


def watch(some: Iterable[str], steps: Sequence[str] = STEPS, seconds: float = 120.0) -> Iterable[Seen]:
    """Each type in a process of its own, so that one that dies or does not end is only that one's fault."""
    context = multiprocessing.get_context("fork")
    for module in ("core_model_loading", "generation.utils", "models.mixtral.modeling_mixtral"):  # once, not in each process
        importlib.import_module(f"transformers.{module}")
    for kind in some:
        mine, other = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(kind, steps, other))
        process.start()
        other.close()
        try:
            found = mine.poll(seconds)
            yield Seen(**mine.recv()) if found else Seen(kind, steps={"build": f"not done within {seconds:g} seconds"})
        except EOFError:
            yield Seen(kind, steps={"build": "the process died"})
        process.join(10.0)  # it takes its folder away
        process.kill()
        process.join()


def main(arguments: Sequence[str]) -> None:
    """Try the types named, or all, and print a line for each; --write: all, into docs/architectures.md.

    ZOO_KEEP=FILE  a run that was stopped goes on with what the file holds
    """
    steps = os.environ.get("ZOO_STEPS", ",".join(STEPS)).split(",")
    kept = Path(os.environ["ZOO_KEEP"]) if "ZOO_KEEP" in os.environ else None
    lines = kept.read_text(encoding="utf-8").splitlines() if kept is not None and kept.exists() else []
    found = [Seen(**json.loads(line)) for line in lines]
    known = {seen.kind for seen in found}
    for seen in watch([k for k in [a for a in arguments if a != "--write"] or kinds() if k not in known], steps):
        found.append(seen)
        if kept is not None:
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(seen)) + "\n")
        marks = " | ".join(f"{name}: {why}" for name, why in seen.steps.items() if why)
        print(f"{'OK' if seen.good else '--'} {seen.kind} {seen.cls} {seen.seconds}s [{seen.how}] {marks}", flush=True)
    if "--write" in arguments:
        PAGE.write_text(page(sorted(found, key=lambda seen: seen.kind)), encoding="utf-8")


PAGE = ROOT / "docs" / "architectures.md"
_HEAD = """# Architectures

Every causal and vision-language model type of transformers {version}, tiny and with random weights, built from its config by
`make zoo`, which wrote this page: {types} types, of which {built} could be built, {right} are right in every column, and
{speak} speak.

For each, a base and two siblings are merged with TIES (with the base), by a linear mean, along a gradient, and as a stack of
two slices. Each merge is loaded with `from_pretrained` without missing, unexpected or misshapen tensors and computes finite
logits, and the live session's tensors have the bits of the folder's. Then the session speaks: its greedy tokens are those of
transformers' own `generate` from the merged folder, before a move and after two. A dash: the run did not come to it.

- **Tensors.** *In place*: every parameter is the merged tensor itself. *Stacked*: so many parameters are put together from
  several tensors (experts), which are parts of them, so that a move is heard without a copy. *Copied*: so many are turned or
  woven, or kept in another type, and are copied again when one of their tensors changes.
- **How it goes on.** *Drafts*: the last answer is checked in one pass from the first changed layer up. *From its cache*:
  token by token from what the model keeps of the text (sliding windows, state spaces). *As generate*: with the preparations
  of transformers' `generate`. *The whole text again*: with nothing kept, where not even that runs.

| Type | Class | TIES | linear | gradient | stack | speaks | after moves | tensors; how it goes on | why not |
|---|---|---|---|---|---|---|---|---|---|
"""


def page(found: Sequence[Seen]) -> str:
    """docs/architectures.md."""
    built = [seen for seen in found if not seen.steps.get("build")]
    speak = [seen for seen in built if seen.steps.get("speaks") == "" and seen.steps.get("moves") == ""]
    right = sum(seen.good and set(seen.steps) == set(STEPS) for seen in built)
    head = _HEAD.format(version=transformers.__version__, types=len(found), built=len(built), right=right, speak=len(speak))
    return head + "".join(map(_row, found))


def _row(seen: Seen) -> str:
    """A type's line of the table: a tick, a cross, or a dash for what was not come to."""
    marks = {name: "–" if name not in seen.steps else "✗" if seen.steps[name] else "✓" for name in STEPS}
    if seen.steps.get("build"):
        marks = dict.fromkeys(STEPS, "–")
    said: dict[str, list[str]] = {}
    for name, why in seen.steps.items():
        if why:
            said.setdefault(why, []).append("cannot be built tiny" if name == "build" else name)
    why = "; ".join(f"{', '.join(names)}: {why}" for why, names in said.items()).replace("|", "/")
    cells = [f"`{seen.kind}`", seen.cls, *(marks[name] for name in STEPS[1:]), seen.how, why]
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    main(sys.argv[1:])
