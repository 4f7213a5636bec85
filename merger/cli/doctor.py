"""What is wrong with a merged model that babbles: `merger doctor FOLDER`. Reads a folder, and asks it a few questions.

for ailment in examine(Path("merged")).ailments:
    print(ailment.words, ailment.cure)
"""

import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from merger.chat.load import chat_model
from merger.chat.model import ChatModel, Plain
from merger.engine import loadable
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.errors import MergeError
from merger.files import heads, quantized
from merger.files.checkpoints import Checkpoint, format_bytes, open_checkpoint, read_json
from merger.files.layout import is_buffer, role
from merger.files.layout import part as part_of
from merger.findings import Level
from merger.inspect.verdict import verdict
from merger.recipe import load_file
from merger.tokenizer.tokens import Vocabulary, chat_template_of, read_vocabulary, token_rows

CONFIG, GENERATION, SETTINGS = "config.json", "generation_config.json", "tokenizer_config.json"
PROMPTS = ("Hello! Who are you?", "What is the capital of France?", "Write one sentence about the sea.")
_TOKENS = 48
_BLOCK = 1 << 22
"""Elements that are read at a time."""
_ENDS = (
    "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<turn|>", "<|end|>", "[|endofturn|]", "<|return|>", "<|END_OF_TURN_TOKEN|>",
    "<|eom_id|>", "<|user|>", "</s>", "<|endoftext|>", "<eos>",
)  # fmt: skip
"""What ends a turn in the templates of known models; the first that a template has is its own."""
_BEFORE_HEAD = re.compile(r"\.(transform\.)?dense\.weight$")
"""Within a head, but not what gives a number to each token."""
_EXPERT = re.compile(r"(experts)\.\d+\.")
_LAYER_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")


@dataclass(frozen=True)
class Ailment:
    """One thing that is wrong.

    cure   what to do, in words
    edits  by file: keys to set in it, None to take a key out; empty where only a person can decide
    kind   a short name, the same for all of its sort
    """

    level: Level
    kind: str
    words: str
    cure: str
    edits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])


@dataclass(frozen=True)
class Diagnosis:
    """What was found of a folder, the worst first; `said`: its answers to a few prompts, where it can speak."""

    folder: Path
    ailments: tuple[Ailment, ...]
    said: tuple[tuple[str, str], ...] = ()

    @property
    def sound(self) -> bool:
        """Nothing but notes."""
        return all(ailment.level == "note" for ailment in self.ailments)

    def __str__(self) -> str:
        lines = [f"{self.folder}: {_count(self.ailments)}"]
        for ailment in self.ailments:
            lines += [f"\n  {ailment.level}: {ailment.words}", f"    {ailment.cure}{' (--fix does it)' if ailment.edits else ''}"]
        for prompt, answer in self.said:
            lines.append(f"\n  {prompt}\n    {answer.strip()[:300] or '(says nothing)'}")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Patient:
    """A folder with what was read of it."""

    model: Checkpoint
    vocabulary: Vocabulary | None
    template: str | None
    generation: Mapping[str, Any]
    settings: Mapping[str, Any]
    loads: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What transformers' own loading says, as `loadable.of`; {} where nobody asked it."""

    @property
    def fits(self) -> bool:
        """Whether names and shapes are those of config.json for transformers: then no guess from names says otherwise."""
        if not self.loads or self.loads.get("unknown") or self.loads["error"] or self.loads["missing"] or self.loads["wrong"]:
            return False
        return not any(not _is_buffer(self.model, name) for name in self.loads["unexpected"])

    @property
    def config(self) -> Mapping[str, Any]:
        return self.model.config

    def at(self, key: str) -> tuple[Any, tuple[str, ...]]:
        """A key of config.json, there or in its text part, and the path to write it at."""
        nested = self.config.get("text_config")
        if key not in self.config and isinstance(nested, dict) and key in nested:
            return nested[key], ("text_config", key)
        return self.config.get(key), (key,)

    def rows(self, kind: str) -> tuple[str, int] | None:
        """The name and rows of the embeddings or the head; None where there are none."""
        tables = [(n, t.shape[0]) for n, t in self.model.tensors.items()
                 if role(n) == kind and token_rows(n) and len(t.shape) == 2 and n.endswith("weight")
                 and not _BEFORE_HEAD.search(n)]  # fmt: skip
        words = heads.embeddings(self.model) if kind == "embed" else None  # others embed hashes of words, or pictures
        return next((one for one in tables if one[0] == words), max(tables, key=lambda one: one[1], default=None))


def examine(folder: Path, *, ask: bool = True, progress: Callable[[str], None] = lambda what: None) -> Diagnosis:
    """Look for everything known to make a merged model babble. CheckpointError where the folder is no model.

    ask       also let it answer, where nothing worse was found; takes its memory
    progress  told what is looked at
    """
    model = open_checkpoint(str(folder), folder)
    patient = _Patient(
        model, read_vocabulary(folder), chat_template_of(folder),
        read_json(folder / GENERATION, required=False), read_json(folder / SETTINGS, required=False),
    )  # fmt: skip
    progress("loading")
    patient = replace(patient, loads={} if quantized.kind(model) else loadable.of(model))
    ailments: list[Ailment] = []
    for what, look in _EXAMS:
        progress(what)
        ailments += look(patient)
    if not any(a.level == "error" for a in ailments):  # else it would say the same in other words
        ailments += _loading(patient)
    said: tuple[tuple[str, str], ...] = ()
    if ask and not any(a.level == "error" or a.kind == "unused" for a in ailments):  # else its answers would say nothing new
        progress("answers")
        said, babble = _answers(patient)
        ailments += babble
    ailments.sort(key=lambda ailment: ("error", "warning", "note").index(ailment.level))
    return Diagnosis(folder, tuple(ailments), said)


# ---------------------------------------------------------------------------------------------- files and tensors


def _index(patient: _Patient) -> Iterator[Ailment]:
    """The index names each tensor's file."""
    file = patient.model.folder / "model.safetensors.index.json"
    if not file.is_file():
        return
    listed = read_json(file).get("weight_map")
    listed = listed if isinstance(listed, dict) else {}
    lost = [name for name in patient.model.tensors if name not in listed]
    gone = [name for name in listed if name not in patient.model.tensors]
    if lost or gone:
        words = f"{len(lost)} tensors of its files are not in the index" if lost else f"{len(gone)} of the index are in no file"
        yield Ailment(
            "error", "index", f"{words}, for example {(lost or gone)[0]}: they are loaded as random numbers.",
            "Write the index again from the files.",
            {file.name: {"weight_map": {name: t.file.name for name, t in patient.model.tensors.items()}}},
        )  # fmt: skip


def _settings(patient: _Patient) -> Iterator[Ailment]:
    """What config.json must say for anybody to load it, and must not say of plain weights."""
    if not isinstance(patient.config.get("model_type"), str):
        there = "names no `model_type`" if patient.config else "is not there, or empty"
        yield Ailment(
            "error", "config", f"config.json {there}: nothing can load it.", "Take config.json of the model it was merged from."
        )
    if quantized.settings(patient.config) and not quantized.kind(patient.model):
        keys = [key for key in quantized.SETTINGS if key in patient.config]
        yield Ailment(
            "error", "quantized", f"config.json speaks of quantization ({', '.join(keys) or 'in a part of it'}), and its weights "
            "are plain: it does not load, or is quantized once more.", "Take these settings out.",
            {CONFIG: dict.fromkeys(keys)} if keys else {},
        )  # fmt: skip


def _numbers(patient: _Patient) -> Iterator[Ailment]:
    """Every weight is a number, and one that its type on loading can hold."""
    kind = str(patient.config.get("dtype") or patient.config.get("torch_dtype") or "")
    narrow = kind.removeprefix("torch.") == "float16"
    bad: list[tuple[str, int]] = []
    large: list[tuple[str, float]] = []
    still: list[str] = []
    for name, stored in patient.model.tensors.items():
        if not stored.dtype.is_floating_point or stored.dtype.itemsize == 1:
            continue
        flat = patient.model.read(name).reshape(-1)
        count, top = 0, 0.0
        for start in range(0, flat.numel(), _BLOCK):
            part = flat[start : start + _BLOCK].float()
            fine = torch.isfinite(part)
            count += int(part.numel() - fine.sum())
            top = max(top, float(part[fine].abs().max()) if bool(fine.any()) else 0.0)
        if count:
            bad.append((name, count))
        if narrow and stored.dtype != torch.float16 and top > 65504:
            large.append((name, top))
        if top == 0 and not count and flat.numel() and len(stored.shape) == 2:
            still.append(name)
    if bad:
        yield Ailment(
            "error", "numbers", f"{len(bad)} tensors hold NaN or infinite numbers, {sum(n for _, n in bad):,} in all, for "
            f"example {bad[0][0]}: every answer is nonsense.",
            "Merge again: from parents without them, with `dtype: bfloat16` or float32 where float16 ran over.",
        )  # fmt: skip
    if large:
        yield Ailment(
            "error", "overflow", f"config.json loads it as float16, which ends at 65,504; {large[0][0]} has {large[0][1]:,.0f}.",
            "Load it as it is stored.", {CONFIG: {_dtype_key(patient): _stored_dtype(patient)}},
        )  # fmt: skip
    if still:
        yield Ailment(
            "warning", "zeros", f"{len(still)} matrices are zero all over, for example {still[0]}.",
            "Merge again: weights, densities or scales of 0, or a model that is subtracted from itself, make such tensors.",
        )  # fmt: skip


def _dtype_key(patient: _Patient) -> str:
    return "torch_dtype" if "torch_dtype" in patient.config else "dtype"


def _stored_dtype(patient: _Patient) -> str:
    sizes: dict[torch.dtype, int] = {}
    for stored in patient.model.tensors.values():
        if stored.dtype.is_floating_point:
            sizes[stored.dtype] = sizes.get(stored.dtype, 0) + stored.nbytes
    return str(max(sizes, key=lambda dtype: sizes[dtype], default=torch.float32)).removeprefix("torch.")


def _shape(patient: _Patient) -> Iterator[Ailment]:
    """Layers as config.json counts them: none missing in between, none left over, lists of their length."""
    kinds = _stack(patient)
    key, value, path = next(
        ((key, *patient.at(key)) for key in _LAYER_KEYS if isinstance(patient.at(key)[0], int)), ("", None, ())
    )
    fits = patient.fits  # not every type has what it counts under one name
    held = value if fits and value is not None else max(kinds, default=-1) + 1
    holes = [] if fits else [n for n in range(held) if n not in kinds]
    few = [] if fits else [n for n, count in kinds.items() if 2 * count < max(kinds.values())]
    if holes or few:
        yield Ailment(
            "error", "layers", f"layer {(holes or few)[0]} has {'no' if holes else 'few'} tensors: what is missing is loaded as "
            "random numbers.", "Merge again with slices that leave no layer out.",
        )  # fmt: skip
    extra, _ = patient.at("num_nextn_predict_layers")
    extra = extra if isinstance(extra, int) else 0
    if value is not None and held and value not in (held, held - extra) and not holes and not few:
        more = f"{value - held} are loaded as random numbers" if value > held else f"{held - value} are not used"
        yield Ailment(
            "error", "layers", f"config.json says {value} layers (`{key}`), the files hold {held}: {more}.",
            f"Write `{key}: {held}`.", _edit(patient, CONFIG, path, held),
        )  # fmt: skip
    for level, where in ((patient.config, "config.json"), (patient.config.get("text_config"), "text_config")):
        for name, listed in level.items() if isinstance(level, dict) else ():
            if name in ("layer_types", "mlp_layer_types", "no_rope_layers") and isinstance(listed, list) and len(listed) != held:
                yield Ailment(
                    "error", "lists", f"{where}: `{name}` has {len(listed)} entries for {held} layers.",
                    "Give it one entry for each layer, as the models had for the layers that were taken.",
                )  # fmt: skip


def _stack(patient: _Patient) -> dict[int, int]:
    """How many tensors each layer of the main stack has; a merge's own reading would not take one with holes for a stack."""
    stacks: dict[str, dict[int, set[str]]] = {}
    sizes: dict[str, int] = {}
    for name, stored in patient.model.tensors.items():
        match = re.match(r"(.*?)\.(\d+)\.(.*)", name)
        if match:  # layers with and without experts are both whole: a hundred experts count as one
            stacks.setdefault(match[1], {}).setdefault(int(match[2]), set()).add(_EXPERT.sub(r"\1.", match[3]))
            sizes[match[1]] = sizes.get(match[1], 0) + stored.nbytes
    text = [prefix for prefix in sizes if part_of(f"{prefix}.0.w") == "text"] or [*sizes]
    main = stacks[max(text, key=lambda prefix: sizes[prefix])] if text else {}
    return {layer: len(names) for layer, names in main.items()}


def _loading(patient: _Patient) -> Iterator[Ailment]:
    """Tensors that transformers misses, does not know, or has in another shape: its own loading, without the numbers."""
    model, answer = patient.model, patient.loads
    if not answer:
        return
    if unknown := answer.get("unknown"):
        yield Ailment("note", "loading", f"whether transformers loads it could not be checked: {unknown}.", "Load it there.")
        return
    if answer["error"]:
        yield Ailment("error", "config", f"{answer['error']}.", "Take config.json of the model it was merged from.")
    strange = [name for name in answer["unexpected"] if not _is_buffer(model, name)]
    if answer["missing"]:
        names = answer["missing"]
        more = f" It holds {len(strange)} that transformers does not know instead, for example {strange[0]}." if strange else ""
        yield Ailment(
            "error", "missing", f"{len(names)} tensors are in none of its files, for example {names[0]}: they are loaded as "
            f"random numbers.{more}", "Merge again from whole models, with their own names.",
        )  # fmt: skip
    elif strange:
        yield Ailment(
            "warning", "unused", f"{len(strange)} of its tensors are no part of the model that config.json describes, for "
            f"example {strange[0]}: they are not used.",
            "Merge again with the config.json that belongs to them, or leave them out.",
        )  # fmt: skip
    for name, held, wanted in answer["wrong"][:1]:
        count = f"{len(answer['wrong'])} tensors have" if len(answer["wrong"]) > 1 else "one tensor has"
        yield Ailment(
            "error", "shapes", f"{count} another shape than config.json says, it does not load: {name} is {tuple(held)} and not "
            f"{tuple(wanted)}.", "Take config.json of the model whose layers these are.",
        )  # fmt: skip


def _is_buffer(model: Checkpoint, name: str) -> bool:
    stored = model.tensors.get(name)
    return stored is not None and is_buffer(name, stored.shape, stored.dtype.is_floating_point)


def _edit(patient: _Patient, file: str, path: tuple[str, ...], value: Any) -> dict[str, dict[str, Any]]:
    """An edit of a key that may be one level down."""
    if len(path) == 1:
        return {file: {path[0]: value}}
    return {file: {path[0]: {**patient.config[path[0]], path[1]: value}}}


def _heads(patient: _Patient) -> Iterator[Ailment]:
    """Embeddings and head: tied as config.json says, and stored accordingly."""
    embed, head = patient.rows("embed"), patient.rows("head")
    tied, path = patient.at("tie_word_embeddings")
    if embed is None or not path:
        return
    if tied is None:
        tied = _usually_tied(patient.config)
    tensors = patient.model.tensors
    causal = "ForCausalLM" in str(patient.config.get("architectures", "ForCausalLM"))
    if head is None and tied is False and causal and not patient.fits:
        yield Ailment(
            "error", "no head", "it has no output head of its own, and config.json says that it has one: the head is loaded as "
            "random numbers.", "Write `tie_word_embeddings: true`: the embeddings are its head.",
            _edit(patient, CONFIG, path, True),
        )  # fmt: skip
    if head is None or tensors[head[0]].shape[1:] != tensors[embed[0]].shape[1:]:
        return
    if tied and (head[1] != embed[1] or not torch.equal(patient.model.read(head[0]), patient.model.read(embed[0]))):
        yield Ailment(
            "error", "own head", f"{head[0]} is a head of its own, and config.json says that the head is the embeddings: some "
            "programs throw it away.", "Write `tie_word_embeddings: false`.", _edit(patient, CONFIG, path, False),
        )  # fmt: skip
    elif tied:
        yield Ailment(
            "note", "doubled head",
            f"{head[0]} is the embeddings once more: {format_bytes(tensors[head[0]].nbytes)} for nothing.",
            "It does no harm; a merge by this program leaves it out.",
        )  # fmt: skip


def _usually_tied(config: Mapping[str, Any]) -> bool | None:
    """What transformers takes where config.json does not say; None where it does not know the type."""
    from transformers import CONFIG_MAPPING

    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        return None
    try:
        return bool(CONFIG_MAPPING[kind]().tie_word_embeddings)
    except Exception:  # some types have no defaults
        return None


# ---------------------------------------------------------------------------------------------- tokens


def _rows(patient: _Patient) -> Iterator[Ailment]:
    """Rows of embeddings and head against config.json and the tokenizer."""
    embed, head = patient.rows("embed"), patient.rows("head")
    if embed is None:
        return
    wanted, path = patient.at("vocab_size")
    if isinstance(wanted, int) and wanted != embed[1] and not patient.fits:
        yield Ailment(
            "error", "rows", f"config.json says {wanted:,} tokens (`vocab_size`), {embed[0]} has {embed[1]:,} rows: it "
            f"does not load, "
            "or with rows of random numbers.", f"Write `vocab_size: {embed[1]}`.", _edit(patient, CONFIG, path, embed[1]),
        )  # fmt: skip
    if head is not None and head[1] != embed[1] and not patient.fits:
        yield Ailment(
            "error", "rows", f"{embed[0]} has {embed[1]:,} rows and {head[0]} {head[1]:,}.",
            "Merge again with `tokenizer_source: base` or union, which line both up.",
        )  # fmt: skip
    if patient.vocabulary is None:
        yield Ailment(
            "error", "no tokenizer", "it has no tokenizer (tokenizer.json): nobody can talk to it.",
            "Copy the tokenizer's files of the model it was merged from.",
        )  # fmt: skip
        return
    without = [token for token, i in patient.vocabulary.ids.items() if i >= embed[1]]
    if without:
        yield Ailment(
            "error", "rows", f"{len(without):,} tokens have no row in {embed[0]} ({embed[1]:,} rows), for example "
            f"{without[0]!r}: a "
            "text with them is out of range.", "Take the tokenizer of a parent with as many rows, or merge with "
            "`tokenizer_source: union`.",
        )  # fmt: skip


def _specials(patient: _Patient) -> Iterator[Ailment]:
    """Special ids that exist, the same in every file, and a stop token that the chat template really ends turns with."""
    embed = patient.rows("embed")
    rows = embed[1] if embed else 0
    for file, values in ((CONFIG, patient.config), (GENERATION, patient.generation)):
        for key in ("bos_token_id", "eos_token_id", "pad_token_id"):
            wrong = [i for i in _ids(values.get(key)) if rows and not 0 <= i < rows]
            if wrong and not (key == "pad_token_id" and wrong == [-1]):
                yield Ailment(
                    "error", "special ids", f"{file}: `{key}` is {wrong[0]}, and there are {rows:,} tokens.",
                    "Take it out." if key == "pad_token_id" else "Write the id that the tokenizer gives this token.",
                    {file: {key: None}} if key == "pad_token_id" else {},
                )  # fmt: skip
    if patient.vocabulary is None:
        return
    stops = {*_ids(patient.config.get("eos_token_id")), *_ids(patient.generation.get("eos_token_id"))}
    named = _content(patient.settings.get("eos_token"))
    own = patient.vocabulary.ids.get(named) if named else None
    if own is not None:
        stops.add(own)  # what chats here and elsewhere stop at too
    if not stops:
        yield Ailment(
            "warning", "no stop", "nothing says at which token an answer ends: it never stops by itself.",
            "Write `eos_token_id` into generation_config.json.",
        )  # fmt: skip
    template = patient.template
    end = next((mark for mark in _ENDS if template and mark in template and mark in patient.vocabulary.ids), None)
    if end is not None and _closes(template or "", end) and patient.vocabulary.ids[end] not in stops:
        i = patient.vocabulary.ids[end]
        known = _ids(patient.generation.get("eos_token_id")) or sorted(stops)
        yield Ailment(
            "error", "never stops", f"its chat template ends turns with {end} (id {i}), which is no stop token here: a "
            f"chat never stops.",
            f"Add {i} to `eos_token_id` in generation_config.json.", {GENERATION: {"eos_token_id": [*known, i]}},
        )  # fmt: skip
        return
    used = _ids(patient.generation.get("eos_token_id")) or _ids(patient.config.get("eos_token_id"))
    taught = [i for i in (own, patient.vocabulary.ids.get(end or "")) if i is not None]
    if used and taught and not {*taught} & {*used}:
        where = GENERATION if _ids(patient.generation.get("eos_token_id")) else CONFIG
        yield Ailment(
            "warning", "other stop", f"{where} stops at token {used[0]}, its tokenizer ends with {named} (id {own}): answers end "
            "too early, or never.",
            f"Add {taught[0]} to `eos_token_id` in generation_config.json.", {GENERATION: {"eos_token_id": [*used, taught[0]]}},
        )  # fmt: skip


def _closes(template: str, end: str) -> bool:
    """Whether a mark of a template ends a turn: it stands behind the message's text somewhere."""
    at = template.find("content")
    return at >= 0 and end in template[at:]


def _ids(value: Any) -> list[int]:
    return [i for i in (value if isinstance(value, list) else [value]) if type(i) is int]


def _content(token: Any) -> str | None:
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else None


_MARKS = {"<|im_start|>": "chatml", "<|start_header_id|>": "llama3", "[INST]": "mistral"}


def _template(patient: _Patient) -> Iterator[Ailment]:
    """A model whose vocabulary has the marks of chats has a template that writes them."""
    if patient.vocabulary is None:
        return
    marks = [mark for mark in (*_MARKS, "<start_of_turn>", "[|assistant|]") if mark in patient.vocabulary.added]
    if patient.template is None and marks:
        name = _MARKS.get(marks[0])
        yield Ailment(
            "warning", "no template", f"its vocabulary has the marks of chats ({marks[0]}), and no chat template writes "
            f"them: chats reach "
            "it as plain text.",
            f"Merge again with `chat_template: {name}`." if name else "Copy chat_template.jinja of the chat model it comes from.",
        )  # fmt: skip
    unknown = [
        mark
        for mark in _MARKS
        if mark != "[INST]" and patient.template and mark in patient.template and mark not in patient.vocabulary.ids
    ]  # fmt: skip - [INST] is plain text in Llama 2 and the first Mistrals
    if unknown:
        yield Ailment(
            "warning", "foreign template", f"its chat template writes {unknown[0]}, which its tokenizer does not know as "
            f"one token.",
            "Take the template of the model whose tokenizer it has, or merge with `tokenizer_source: union`.",
        )  # fmt: skip


def _positions(patient: _Patient) -> Iterator[Ailment]:
    """RoPE and context that can be."""
    parameters, _ = patient.at("rope_parameters")
    theta, _ = patient.at("rope_theta")
    theta = theta if theta is not None else parameters.get("rope_theta") if isinstance(parameters, dict) else None
    if theta is not None and not (isinstance(theta, (int, float)) and math.isfinite(theta) and theta > 1):
        yield Ailment(
            "error",
            "positions",
            f"config.json: the RoPE base (`rope_theta`) is {theta!r}.",
            "Write the parents' value, often 10000.0.",
        )
    context, _ = patient.at("max_position_embeddings")
    scaling, _ = patient.at("rope_scaling")
    scaling = scaling if isinstance(scaling, dict) else parameters if isinstance(parameters, dict) else {}
    before = scaling.get("original_max_position_embeddings")
    if isinstance(context, int) and isinstance(before, int) and before > context:
        yield Ailment(
            "warning", "positions", f"its positions were stretched from {before:,}, and config.json allows only {context:,}.",
            "Write the parents' `max_position_embeddings`.",
        )  # fmt: skip
    if context is not None and not (isinstance(context, int) and context > 0):
        yield Ailment(
            "error", "positions", f"config.json: `max_position_embeddings` is {context!r}.", "Write the parents' value."
        )


# ---------------------------------------------------------------------------------------------- origin and answers


def _origin(patient: _Patient) -> Iterator[Ailment]:
    """The recipe that made it, where it lies beside it and its models are here: what the verdict says of it."""
    file = patient.model.folder / "mergekit_config.yml"
    if not file.is_file():
        return
    try:
        recipe = load_file(file)
        models = open_models(recipe)
        findings = verdict(recipe, models, make_plan(recipe, models)).findings
    except MergeError:  # the models are elsewhere: nothing can be said of them
        return
    for finding in findings:
        if finding.level != "note":
            yield Ailment(
                "warning", finding.kind, f"of its recipe: {finding.words}", finding.fix or "Merge again with another recipe."
            )


def _answers(patient: _Patient) -> tuple[tuple[tuple[str, str], ...], list[Ailment]]:
    """What it says to a few prompts, and what of that is babble."""
    model = patient.model
    try:
        voice = chat_model(model.folder, model.config, {name: model.read(name).clone() for name in model.tensors})
    except MergeError as error:
        return (), [Ailment("note", "silent", f"it was not asked: {error}", "Load it in transformers and ask it there.")]
    said: list[tuple[str, str]] = []
    babbling: list[str] = []
    for prompt in PROMPTS:
        try:
            answer, why = _heard(voice, prompt if patient.template else Plain(prompt))
        except MergeError as error:
            return tuple(said), [Ailment("error", "silent", f"it cannot answer: {error}", "Merge again; see the other findings.")]
        said.append((prompt, answer))
        if why:
            babbling.append(f"to {prompt!r} {why}")
    if not babbling or len(babbling) < 2 <= len(PROMPTS):
        return tuple(said), []
    return tuple(said), [
        Ailment(
            "warning",
            "babbles",
            f"it babbles: {babbling[0]}.",
            "Too large weights, models of different bases, or another chat template are the usual causes: see the other "
            "findings, "
            "or lower the weights.",
        )
    ]


def _heard(voice: ChatModel, prompt: str) -> tuple[str, str]:
    """An answer, and what is wrong with it in words, "" where nothing is."""
    tokens = list(voice.tokens(prompt, _TOKENS))
    answer = "".join(token.text for token in tokens)
    ids = [token.id for token in tokens]
    loop = repeated(ids)
    if loop:
        return answer, f"it repeats {''.join(t.text for t in tokens[-loop:]).strip()!r} again and again"
    sure = sum(math.log(max(token.probability, 1e-12)) for token in tokens) / len(tokens) if tokens else 0.0
    if len(tokens) >= 8 and sure < math.log(0.15):
        return answer, f"it guesses: its tokens have a chance of {math.exp(sure):.0%} each"
    return answer, ""


def repeated(ids: Sequence[int], least: int = 12) -> int:
    """The length of the run of tokens that an answer repeats to its end, at least three times and `least` tokens; 0: none.

    >>> repeated([5, 6, *[1, 2, 3] * 6]), repeated(range(40))
    (3, 0)
    """
    for size in range(1, len(ids) // 3 + 1):
        count = 1
        while (count + 1) * size <= len(ids) and list(ids[-(count + 1) * size :][:size]) == list(ids[-size:]):
            count += 1
        if count >= 3 and count * size >= least:
            return size
    return 0


_EXAMS: tuple[tuple[str, Callable[[_Patient], Iterator[Ailment]]], ...] = (
    ("files", _index), ("settings", _settings), ("layers", _shape), ("head", _heads), ("tokens", _rows),
    ("special tokens", _specials),
    ("chat template", _template), ("positions", _positions), ("numbers", _numbers), ("recipe", _origin),
)  # fmt: skip


# ---------------------------------------------------------------------------------------------- mending


def mend(diagnosis: Diagnosis, out: Path) -> tuple[Ailment, ...]:
    """A copy of the folder with what is certain mended; returns what was. The copy appears whole, or not at all.

    MergeError where nothing can be mended, or `out` is there already.
    """
    sure = tuple(ailment for ailment in diagnosis.ailments if ailment.edits)
    if not sure:
        raise MergeError(f"{diagnosis.folder}: there is nothing that can be mended without a decision of yours.")
    if out.exists() or out.is_symlink():
        raise MergeError(f"{out}: is there already; name a new folder.")
    if out.resolve().is_relative_to(diagnosis.folder.resolve()):
        raise MergeError(f"{out}: lies inside of the model that is mended; name a folder elsewhere.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            for file in sorted(diagnosis.folder.iterdir()):
                if file.is_file():
                    shutil.copyfile(file, part / file.name)
            for ailment in sure:
                for name, edits in ailment.edits.items():
                    _write(part / name, edits)
            part.chmod(0o777 & ~_umask())
            part.rename(out)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise MergeError(f"{out}: cannot be written: {error.strerror}.") from None
    return sure


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write(file: Path, edits: Mapping[str, Any]) -> None:
    content = read_json(file, required=False)
    for key, value in edits.items():
        before = content.get(key)
        if value is None:
            content.pop(key, None)
        elif isinstance(value, dict) and isinstance(before, dict) and key != "weight_map":
            content[key] = before | value
        else:
            content[key] = value
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _count(ailments: Sequence[Ailment]) -> str:
    """
    >>> _count([])
    'nothing is wrong that can be seen.'
    """
    bad = [ailment for ailment in ailments if ailment.level != "note"]
    if not bad:
        return "nothing is wrong that can be seen."
    parts = [(n, level) for level in ("error", "warning") if (n := sum(a.level == level for a in bad))]
    return ", ".join(f"{n} {level}{'s' if n != 1 else ''}" for n, level in parts) + "."


def as_json(diagnosis: Diagnosis) -> str:
    """The diagnosis for programs."""
    listed = [
        {"level": a.level, "kind": a.kind, "words": a.words, "cure": a.cure, "certain": bool(a.edits)} for a in diagnosis.ailments
    ]
    said = [{"prompt": prompt, "answer": answer} for prompt, answer in diagnosis.said]
    report = {"folder": str(diagnosis.folder), "sound": diagnosis.sound, "findings": listed, "said": said}
    return json.dumps(report, indent=2, ensure_ascii=False)


__all__ = ["Ailment", "Diagnosis", "as_json", "examine", "mend", "repeated"]
