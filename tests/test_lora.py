"""LoRAs applied while reading: peft's arithmetic done by hand in float64, and the same bits as the materialised model."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_file

from merger.errors import CheckpointError
from merger.hub import open_reference, parse_reference
from merger.live import Parents, Session
from merger.merge import merge
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
