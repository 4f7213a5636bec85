"""LoRAs applied while reading: peft's arithmetic done by hand in float64, and the same bits as the materialised model."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_file

from merger.engine.batch import merge
from merger.engine.companions import tokenizer_folder
from merger.engine.session import Parents, Session
from merger.errors import CheckpointError
from merger.hub.references import open_reference, parse_reference
from merger.recipe import load

Q = "model.layers.0.self_attn.q_proj"
EMBED = "model.embed_tokens"


def make_lora(
    folder: Path, modules: dict[str, tuple[int, int]], r: int = 2, seed: int = 0, more: Any = None, **config: Any
) -> Path:
    """An adapter as peft saves it: module -> (rows, columns) of its delta."""
    folder.mkdir(parents=True)
    g = torch.Generator().manual_seed(seed)
    tensors: dict[str, torch.Tensor] = {}
    for module, (rows, columns) in modules.items():
        name = f"base_model.model.{module}."
        a, b = ("lora_embedding_A", "lora_embedding_B") if module == EMBED else ("lora_A.weight", "lora_B.weight")
        rank = config.get("rank_pattern", {}).get(module.rpartition(".")[2], r)
        tensors |= {name + a: torch.randn(rank, columns, generator=g), name + b: torch.randn(rows, rank, generator=g)}
    save_file(tensors | (more or {}), folder / "adapter_model.safetensors")
    settings = {"peft_type": "LORA", "r": r, "lora_alpha": 3, "base_model_name_or_path": "x/base"} | config
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tiny.make_family(tmp_path, models=("base", "a"), layers=2)
    return tmp_path


def factors(root: Path, lora: str, module: str) -> tuple[torch.Tensor, torch.Tensor]:
    tensors = tiny.read_weights(root / lora)
    a, b = (next(t for n, t in tensors.items() if module in n and f"_{x}" in n.partition("lora")[2]) for x in "AB")
    return a, b


@pytest.mark.parametrize(
    ("config", "scale"),
    [({}, 1.5), ({"use_rslora": True}, 3 / 2**0.5),
     ({"alpha_pattern": {"q_proj": 8}}, 4.0),
     ({"rank_pattern": {"q_proj": 4}}, 0.75), ({"alpha_pattern": {"k_proj": 8}}, 1.5), ({"fan_in_fan_out": True}, 1.5)],
)  # fmt: skip
def test_the_delta_is_pefts(config: dict[str, Any], scale: float, root: Path) -> None:
    make_lora(root / "l", {Q: (8, 8)}, **config)
    a, b = factors(root, "l", Q)
    delta = scale * (b.double() @ a.double())
    expected = tiny.read_weights(root / "base")[Q + ".weight"].double() + (delta.T if "fan_in_fan_out" in config else delta)
    model = open_reference("base+l", [root])
    torch.testing.assert_close(model.read(Q + ".weight").double(), expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(model.read(Q + ".weight", slice(2, 5)).double(), expected[2:5], rtol=1e-6, atol=1e-6)


def test_embeddings_are_transposed(root: Path) -> None:
    make_lora(root / "l", {EMBED: (8, 24)})
    a, b = factors(root, "l", EMBED)
    expected = tiny.read_weights(root / "base")[EMBED + ".weight"].double() + 1.5 * (b.double() @ a.double()).T
    torch.testing.assert_close(open_reference("base+l", [root]).read(EMBED + ".weight").double(), expected, rtol=1e-6, atol=1e-6)


def test_modules_to_save_replace(root: Path) -> None:
    head = torch.randn(24, 8)
    make_lora(root / "l", {Q: (8, 8)}, more={"base_model.model.lm_head.weight": head}, modules_to_save=["lm_head"])
    assert torch.equal(open_reference("base+l", [root]).read("lm_head.weight"), head)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_merging_a_lora_is_merging_the_materialised_model(dtype: torch.dtype, tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=2, dtype=dtype)
    tiny.make_family(tmp_path / "made", models=("base",), layers=2)
    weights = {n: t.float() for n, t in tiny.read_weights(tmp_path / "base").items()}
    for lora, seed in (("l", 0), ("m", 1)):
        make_lora(tmp_path / lora, {Q: (8, 8), EMBED: (8, 24)}, seed=seed)
        for module in (Q, EMBED):
            a, b = factors(tmp_path, lora, module)
            weights[module + ".weight"] = weights[module + ".weight"] + (a.T @ b.T if module == EMBED else b @ a) * 1.5
    save_file(weights, tmp_path / "made/base/model.safetensors")
    text = "{merge_method: linear, models: [a, %s], parameters: {weight: 0.3}}"
    merge(load(text % "base+l+m"), tmp_path / "one", roots=[tmp_path])
    merge(load(text % "made/base"), tmp_path / "two", roots=[tmp_path])
    one, two = tiny.read_weights(tmp_path / "one"), tiny.read_weights(tmp_path / "two")
    assert all(t.dtype == dtype for t in one.values())
    assert all(torch.equal(one[n], t) for n, t in two.items())
    session = Session(Parents(roots=[tmp_path]))
    session.apply(load(text % "base+l+m"))
    assert all(torch.equal(session.tensors[n], t) for n, t in one.items())


PLAIN = {Q: (8, 8)}
MERGE_IT = "\n  Merge it into its base with peft (merge_and_unload) and name that folder instead."
OTHER = "\n  This LoRA was made for another model (x/base)."


@pytest.mark.parametrize(
    ("modules", "config", "message"),
    [({"model.layers.9.q": (8, 8), Q: (8, 8)}, {}, "l: 1 of its 2 modules are not in base: model.layers.9.q." + OTHER),
     ({Q: (9, 8)}, {}, f"l: its change of {Q}.weight has the shape (9, 8), the tensor has (8, 8)." + OTHER),
     (PLAIN, {"use_dora": True}, "l: uses DoRA, which is not plain LoRA." + MERGE_IT),
     (PLAIN, {"init_lora_weights": "pissa_niter_4"},
      "l: was started with 'pissa_niter_4', which changes the base model's own weights too." + MERGE_IT),
     (PLAIN, {"peft_type": "IA3"}, "l: this adapter is of the kind 'IA3'; only LoRA is supported."),
     (PLAIN, {"lora_alpha": "x"}, "l: `lora_alpha` of its adapter_config.json is no usable number: x."),
     (PLAIN, {"alpha_pattern": {"(": 1}}, "l: `alpha_pattern` of its adapter_config.json holds a bad pattern: '('."),
     (PLAIN, {"more": {"base_model.model.x.lora_magnitude_vector": torch.ones(8)}},
      "l: uses DoRA, which is not plain LoRA." + MERGE_IT),
     (PLAIN, {"more": {"base_model.model.x.lora_A.weight": torch.ones(2, 8)}}, "l: x has only one of the factors A and B.")],
)  # fmt: skip
def test_refusals(modules: dict[str, tuple[int, int]], config: dict[str, Any], message: str, root: Path) -> None:
    make_lora(root / "l", modules, **config)
    with pytest.raises(CheckpointError) as error:
        open_reference("base+l", [root])
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("reference", "message"),
    [("base+a", "a: no LoRA: the folder {root}/a holds no adapter_config.json."),
     ("l", "l: this is a LoRA, not a model.\n  Write the model before it: x/base+l"),
     ("base+", "base+: write model+lora, with a name on both sides of each `+`."),
     ("base+none", "none: no such folder, and no Hub id (owner/name, or owner/name@revision).\n"
      "  As a folder: {root} holds no folder 'none'.")],
)  # fmt: skip
def test_odd_references(reference: str, message: str, root: Path) -> None:
    make_lora(root / "l", PLAIN)
    with pytest.raises(CheckpointError) as error:
        open_reference(reference, [root])
    assert str(error.value) == message.format(root=root)


def test_folders_with_a_plus_or_an_at_in_their_names(root: Path) -> None:
    (root / "a").rename(root / "a+b@c")
    make_lora(root / "l+1@x", PLAIN)
    assert parse_reference("a+b@c", [root]) == ("a+b@c",)
    assert parse_reference("a+b@c+l+1@x+o/n@v", [root]) == ("a+b@c", "l+1@x", "o/n@v")
    assert open_reference("a+b@c+l+1@x", [root]).folder == root / "a+b@c"


@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*)*x", ".*.*.*x", "(?=a)b", r"(a)\1", "a" * 501 + ".*"])
def test_patterns_that_could_take_forever_are_refused(pattern: str, root: Path) -> None:
    make_lora(root / "l", PLAIN, rank_pattern={pattern: 2})
    started = time.monotonic()
    with pytest.raises(CheckpointError, match="holds a bad pattern: "):
        open_reference("base+l", [root])
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("pattern", ["q_proj", "self_attn.q_proj", r".*\.q_proj", r"model\.layers\.(0|1)\.self_attn\.[qk]_proj"])
def test_patterns_as_peft_writes_them(pattern: str, root: Path) -> None:
    make_lora(root / "l", PLAIN, alpha_pattern={"proj": 100, pattern: 6})
    pairs = open_reference("base+l", [root]).pairs  # type: ignore[attr-defined]
    assert {pair.scale for listed in pairs.values() for pair in listed} == {3.0}  # alpha 6 over rank 2


# ---------------------------------------------------------------------------------------------- heads, vocabularies, prefixes

HEAD = "lm_head"


@pytest.fixture
def tied(tmp_path: Path) -> Path:
    """base and a, whose heads are their embeddings again."""
    tiny.make_family(tmp_path, models=("base", "a"), layers=2, tied=True)
    return tmp_path


def saved(**tensors: torch.Tensor) -> dict[str, torch.Tensor]:
    """Tensors of modules_to_save, as peft names them."""
    return {f"base_model.model.{name.replace('__', '.')}.weight": t for name, t in tensors.items()}


def config_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text())


@pytest.mark.long
def test_a_lora_on_a_tied_head_gives_the_output_its_own(tied: Path) -> None:
    make_lora(tied / "l", {HEAD: (24, 8), Q: (8, 8)})
    a, b = factors(tied, "l", HEAD)
    plan = merge(load("{merge_method: passthrough, models: [base+l]}"), tied / "out", roots=[tied])
    made, base = tiny.read_weights(tied / "out"), tiny.read_weights(tied / "base")
    rows = base[EMBED + ".weight"]
    torch.testing.assert_close(made["lm_head.weight"], rows + 1.5 * b @ a)
    assert torch.equal(made[EMBED + ".weight"], rows) and config_of(tied / "out")["tie_word_embeddings"] is False
    assert plan.remarks == (
        "l changes the output head of base, which was its embeddings again: the output has a head of its own.",
    )
    for order in ("base+l, a", "a, base+l"):
        merge(load(f"{{merge_method: linear, models: [{order}], parameters: {{weight: 1}}}}"), tied / order, roots=[tied])
        own = tiny.read_weights(tied / order)["lm_head.weight"]
        torch.testing.assert_close(own, (rows + 1.5 * b @ a + tiny.read_weights(tied / "a")[EMBED + ".weight"]) / 2)
        assert config_of(tied / order)["tie_word_embeddings"] is False


def test_a_saved_head_on_a_tied_base(tied: Path) -> None:
    rows, head = torch.randn(24, 8), torch.randn(24, 8)
    make_lora(tied / "l", {Q: (8, 8)}, more=saved(model__embed_tokens=rows, lm_head=head))
    model = open_reference("base+l", [tied])
    assert torch.equal(model.read(EMBED + ".weight"), rows) and torch.equal(model.read("lm_head.weight"), head)
    assert model.config["tie_word_embeddings"] is False
    make_lora(tied / "m", {HEAD: (24, 8)}, seed=2)
    a, b = factors(tied, "m", HEAD)
    torch.testing.assert_close(open_reference("base+l+m", [tied]).read("lm_head.weight"), head + 1.5 * b @ a)
    torch.testing.assert_close(
        open_reference("base+m", [tied]).read("lm_head.weight", slice(3, 5)),
        (tiny.read_weights(tied / "base")[EMBED + ".weight"] + 1.5 * b @ a)[3:5],
    )


def test_what_one_lora_does_to_tied_embeddings_another_finds_in_the_head(tied: Path) -> None:
    make_lora(tied / "l", {EMBED: (8, 24)})
    make_lora(tied / "m", {HEAD: (24, 8)}, seed=1)
    (a, b), (c, d) = factors(tied, "l", EMBED), factors(tied, "m", HEAD)
    rows = tiny.read_weights(tied / "base")[EMBED + ".weight"] + 1.5 * (b @ a).T
    model = open_reference("base+l+m", [tied])
    torch.testing.assert_close(model.read(EMBED + ".weight"), rows)
    torch.testing.assert_close(model.read("lm_head.weight"), rows + 1.5 * d @ c)


@pytest.mark.long
def test_a_head_that_is_stored_and_called_tied_is_untied_by_a_lora(tied: Path) -> None:
    tensors = tiny.read_weights(tied / "base")
    save_file(tensors | {"lm_head.weight": tensors[EMBED + ".weight"].clone()}, tied / "base/model.safetensors")
    make_lora(tied / "l", {HEAD: (24, 8)})
    merge(load("{merge_method: passthrough, models: [base+l]}"), tied / "out", roots=[tied])
    assert "lm_head.weight" in tiny.read_weights(tied / "out") and config_of(tied / "out")["tie_word_embeddings"] is False


@pytest.mark.parametrize("with_words", [False, True])
@pytest.mark.parametrize("is_tied", [False, True])
def test_a_vocabulary_that_grew(with_words: bool, is_tied: bool, tmp_path: Path) -> None:
    """Config, rows and tokenizer agree, in the merge, in what is heard, and where tokens are matched."""
    transformers = pytest.importorskip("transformers")
    tiny.make_family(tmp_path, models=("base", "a"), layers=2, tied=is_tied)
    names = ("model__embed_tokens",) if is_tied else ("model__embed_tokens", "lm_head")
    grown = {name: torch.randn(27, 8) for name in names}
    make_lora(tmp_path / "l", {Q: (8, 8)}, more=saved(**grown), modules_to_save=["embed_tokens", "lm_head"])
    told = "l changes the number of tokens from 24 to 27; config.json follows."
    if with_words:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(tmp_path / "base" / name, tmp_path / "l" / name)
        words = json.loads((tmp_path / "l/tokenizer.json").read_text())
        words["added_tokens"] += [words["added_tokens"][0] | {"id": 24 + i, "content": f"<new {i}>"} for i in range(3)]
        (tmp_path / "l/tokenizer.json").write_text(json.dumps(words))
    else:
        told += " It brings no tokenizer: 3 rows belong to no token."
    recipe = load("{merge_method: passthrough, models: [base+l]}")
    plan = merge(recipe, tmp_path / "out", roots=[tmp_path])
    assert plan.remarks == (told,) and config_of(tmp_path / "out")["vocab_size"] == 27
    model, info = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not info["mismatched_keys"] and not info["missing_keys"]
    assert torch.equal(model.lm_head.weight, grown[names[-1]]) and config_of(tmp_path / "out")["tie_word_embeddings"] is is_tied
    assert (tmp_path / "out/generation_config.json").is_file()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    assert len(tokenizer) == (27 if with_words else 24)
    session = Session(Parents(roots=[tmp_path]))
    session.apply(recipe)
    with tokenizer_folder(session.plan, session.parents.open(recipe)) as folder:  # type: ignore[arg-type]
        assert len(transformers.AutoTokenizer.from_pretrained(folder)) == len(tokenizer)
    with pytest.raises(CheckpointError, match=r"shapes differ\.\n(.*\n)*.*tokenizer_source: union"):
        merge(load("{merge_method: linear, models: [a, base+l], parameters: {weight: 1}}"), tmp_path / "no", roots=[tmp_path])
    together = load("{merge_method: linear, tokenizer_source: union, models: [a, base+l], parameters: {weight: 1}}")
    merge(together, tmp_path / "both", roots=[tmp_path])
    rows = tiny.read_weights(tmp_path / "both")[EMBED + ".weight"]
    assert len(rows) == config_of(tmp_path / "both")["vocab_size"] == (27 if with_words else 24)
    if with_words:
        torch.testing.assert_close(rows[24:], grown["model__embed_tokens"][24:])  # only one model has these words


def test_a_vocabulary_that_grew_in_one_place_only(root: Path) -> None:
    make_lora(root / "l", PLAIN, more=saved(model__embed_tokens=torch.ones(27, 8)))
    with pytest.raises(CheckpointError) as error:
        open_reference("base+l", [root])
    assert str(error.value) == (
        "l: changes the number of tokens from 24 to 27, but not in lm_head.weight.\n"
        "  Save both with the adapter: modules_to_save: [embed_tokens, lm_head]."
    )


def test_a_tokenizer_with_more_tokens_than_rows(root: Path) -> None:
    both = saved(model__embed_tokens=torch.ones(20, 8), lm_head=torch.ones(20, 8))
    make_lora(root / "l", PLAIN, more=both)
    with pytest.raises(CheckpointError) as error:
        open_reference("base+l", [root])
    assert str(error.value) == (
        "l: its embeddings have 20 rows, and the tokenizer of base has tokens up to number 23.\n"
        f"  Put the tokenizer that the LoRA was trained with into {root}/l."
    )


PREFIXES = {
    "bare": ("", "model."), "language_model.model.": ("language_model.model.", "model."),
    "model.language_model.": ("model.language_model.", "model."),
    "trained on the text alone": ("model.", "language_model.model."),
    "on another wrapping": ("model.language_model.", "language_model.model."), "compiled": ("_orig_mod.model.", "model."),
    "compiled inside": ("model._orig_mod.", "model."), "wrapped twice": ("base_model.model.model.", "model."),
    "checkpointed": ("model._checkpoint_wrapped_module.", "model."),
}  # fmt: skip


@pytest.mark.parametrize("case", PREFIXES)
def test_prefixes_may_differ(case: str, root: Path) -> None:
    """The adapter's prefix for the text model, and the model's."""
    theirs, ours = PREFIXES[case]
    known = tiny.read_weights(root / "base")
    tensors = {n.replace("model.", ours, 1) if n.startswith("model.") else n: t for n, t in known.items()}
    towers = {f"vision_tower.encoder.layers.{i}.self_attn.q_proj.weight": torch.ones(8, 8) for i in range(2)}
    save_file(tensors | (towers if "language" in ours else {}), root / "base/model.safetensors")
    module = f"{theirs}layers.0.self_attn.q_proj"
    make_lora(root / "l", {module: (8, 8)}, alpha_pattern={"q_proj": 6})
    a, b = factors(root, "l", "q_proj")
    name = f"{ours}layers.0.self_attn.q_proj.weight"
    torch.testing.assert_close(open_reference("base+l", [root]).read(name), tensors[name] + 3 * b @ a)


def test_a_name_that_fits_two_tensors_fits_none(root: Path) -> None:
    tensors = tiny.read_weights(root / "base")
    twice = {n.replace("model.", "language_model.", 1): t.clone() for n, t in tensors.items() if n.startswith("model.")}
    save_file(tensors | twice, root / "base/model.safetensors")
    make_lora(root / "l", {"layers.0.self_attn.q_proj": (8, 8)})
    with pytest.raises(CheckpointError, match=r"1 of its 1 modules are not in base: layers\.0\.self_attn\.q_proj\."):
        open_reference("base+l", [root])


@pytest.mark.parametrize("name", [f"lm_head.{x}.weight" for x in ("modules_to_save.default", "modules_to_save", "base_layer")])
def test_names_that_peft_gives_whole_tensors(name: str, root: Path) -> None:
    head = torch.randn(24, 8)
    more = {f"base_model.model.{name}": head, "base_model.model.lm_head.original_module.weight": torch.zeros(24, 8)}
    make_lora(root / "l", {HEAD: (24, 8)}, more=more)
    a, b = factors(root, "l", "lm_head.lora")
    torch.testing.assert_close(open_reference("base+l", [root]).read("lm_head.weight"), head + 1.5 * b @ a)


def test_a_copy_of_the_embeddings_in_the_file_changes_nothing(tied: Path) -> None:
    """Tied is tied, whether the head is stored again or not."""
    tiny.make_family(tied / "again", models=("base",), layers=2, tied=True)
    tensors = tiny.read_weights(tied / "again/base")
    save_file(tensors | {"lm_head.weight": tensors[EMBED + ".weight"].clone()}, tied / "again/base/model.safetensors")
    make_lora(tied / "l", {EMBED: (8, 24)})
    for out, roots in (("one", [tied]), ("two", [tied / "again", tied])):
        merge(load("{merge_method: passthrough, models: [base+l]}"), tied / out, roots=roots)
    one, two = tiny.read_weights(tied / "one"), tiny.read_weights(tied / "two")
    assert one.keys() == two.keys() and all(torch.equal(two[n], t) for n, t in one.items())
