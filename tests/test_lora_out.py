"""A merge as a LoRA adapter: what it keeps, what it says of it, what is refused; and adapters as lanes that are never merged."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import smollm
import smollm2_data as data
import tiny
import torch
from safetensors.torch import load_file, save_file
from test_lora import EMBED, Q, make_lora

from merger.__main__ import main
from merger.engine import budget
from merger.engine.batch import merge
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.engine.session import Parents, Session
from merger.errors import Cancelled, CheckpointError, MergeError, NonFiniteError
from merger.export import lowrank
from merger.export.lora import Adapter, Wanted, export, lost
from merger.export.lowrank import factors, residual, room, squares
from merger.hub.references import open_reference
from merger.methods.ops import Draws
from merger.recipe import load
from merger.search.trials import Runner

ROOT = Path(__file__).parent.parent
PEFT = ROOT / ".cache/peft"
needs_peft = pytest.mark.skipif(not (PEFT / "peft").is_dir(), reason="no peft here: `make peft` fetches it (3 MB)")
UP, DOWN, K = "model.layers.0.mlp.up_proj", "model.layers.1.mlp.down_proj", "model.layers.1.self_attn.k_proj"
BOTH = "{merge_method: task_arithmetic, base_model: base, models: [%s], parameters: {weight: 0.5}}"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, a full fine-tune of it, and two adapters of other ranks and targets. Read only."""
    folder = tmp_path_factory.mktemp("lora_out")
    tiny.make_family(folder, models=("base", "a"), layers=2, width=16, ffn=24)
    make_lora(folder / "l", {Q: (16, 16), UP: (24, 16)}, r=2)
    make_lora(folder / "m", {UP: (24, 16), DOWN: (16, 24)}, r=3, seed=1)
    return folder


def written(root: Path, out: Path, models: str = "base+l, base+m", rank: int | None = 8, **wanted: Any) -> Adapter:
    return export(load(BOTH % models), out, Wanted(rank, **wanted), roots=[root])


def delta(root: Path, folder: Path, name: str) -> torch.Tensor:
    """What an adapter adds to a tensor, by hand, float64."""
    tensors = load_file(folder / "adapter_model.safetensors")
    stem = f"base_model.model.{name.removesuffix('.weight')}"
    if f"{stem}.lora_A.weight" in tensors:
        return tensors[f"{stem}.lora_B.weight"].double() @ tensors[f"{stem}.lora_A.weight"].double()
    return tensors[f"base_model.model.{name}"].double() - tiny.read_weights(root / "base")[name].double()


# ---------------------------------------------------------------------------------------------- the factors


def matrix(rows: int, columns: int, strengths: torch.Tensor) -> torch.Tensor:
    """A matrix with these singular values, float32."""
    g = torch.Generator().manual_seed(0)
    u, _ = torch.linalg.qr(torch.randn(rows, len(strengths), generator=g, dtype=torch.float64))
    v, _ = torch.linalg.qr(torch.randn(columns, len(strengths), generator=g, dtype=torch.float64))
    return (u * strengths @ v.T).float()


@pytest.mark.parametrize("shape", [(90, 200), (200, 90)])
def test_factors_are_the_nearest_of_their_rank(shape: tuple[int, int]) -> None:
    s = torch.arange(1, 81, dtype=torch.float64) ** -1.0
    delta = matrix(*shape, s)
    for rank in (1, 4, 16):
        found = factors(delta, rank, None, 1e-6, Draws(0, "x"))
        assert found is not None
        b, a = found
        assert b.shape == (shape[0], rank) and a.shape == (rank, shape[1])
        assert residual(delta, b, a) == pytest.approx(float((s[rank:] ** 2).sum()), rel=0.01)
        torch.testing.assert_close(b.norm(dim=0), a.norm(dim=1))  # neither is lost in the rounding of a small type


@pytest.mark.parametrize(("share", "rank"), [(0.5, 1), (0.9, 5), (0.97, 14), (0.99, 24), (1.0, 40)])
def test_energy_takes_as_few_directions_as_it_needs(share: float, rank: int) -> None:
    s = torch.arange(1, 41, dtype=torch.float64) ** -1.0
    kept = torch.cumsum(s**2, 0) / (s**2).sum()
    assert int((kept < share - 1e-12).sum()) + 1 == rank  # by hand
    delta = matrix(150, 200, s)
    found = factors(delta, 1000, share, 1e-6, Draws(0, "x"))
    assert found is not None and found[0].shape[1] == rank
    assert 1 - residual(delta, *found) / squares(delta) >= share - 1e-6
    fewer = factors(delta, 4, share, 1e-6, Draws(0, "x"))
    assert fewer is not None and fewer[0].shape[1] == min(4, rank)


def test_what_is_of_low_rank_is_found_whole_and_no_more() -> None:
    delta = matrix(60, 80, torch.tensor([3.0, 2.0, 0.5], dtype=torch.float64))
    found = factors(delta, 32, None, 1e-5, Draws(0, "x"))
    assert found is not None and found[0].shape[1] == 3 and residual(delta, *found) < 1e-10
    again, other = factors(delta, 32, None, 1e-5, Draws(0, "x")), factors(delta, 32, None, 1e-5, Draws(1, "x"))
    assert again is not None and all(torch.equal(x, y) for x, y in zip(found, again, strict=True))
    assert other is not None
    torch.testing.assert_close(other, found, rtol=1e-4, atol=1e-5)  # signs included


def test_where_factors_would_be_larger_there_are_none() -> None:
    assert room(16, 16) == 7 and room(1, 40) == 0 and 7 * (16 + 16) < 16 * 16 <= 8 * (16 + 16)
    delta = matrix(16, 16, torch.ones(9, dtype=torch.float64))
    assert factors(delta, 9, None, 1e-6, Draws(0, "x")) is None and factors(delta, 16, 0.99, 1e-6, Draws(0, "x")) is None
    assert factors(delta, 5, None, 1e-6, Draws(0, "x")) is not None


# ---------------------------------------------------------------------------------------------- the adapter


@pytest.mark.long
def test_a_merge_of_adapters_is_kept_whole(root: Path, tmp_path: Path) -> None:
    """Ranks 2 and 3 on the same matrix make 5; the adapter on its base is the merge, through this program's own reader."""
    made = written(root, tmp_path / "out")
    assert {kept.name: kept.rank for kept in made.kept} == {
        Q + ".weight": 2, UP + ".weight": 5, DOWN + ".weight": 3
    }  # fmt: skip
    merge(load(BOTH % "base+l, base+m"), tmp_path / "merged", roots=[root])
    whole, out = tiny.read_weights(tmp_path / "merged"), open_reference(f"base+{tmp_path / 'out'}", [root])
    for name, tensor in whole.items():
        torch.testing.assert_close(out.read(name), tensor, rtol=0, atol=1e-6)
    assert len(load_file(tmp_path / "out/adapter_model.safetensors")) == 6  # safetensors refuses a file with holes
    assert lost(made.kept) < 1e-6 and [row[:2] for row in made.by_layer()] == [("layer 1", "ranks 2 to 5"), ("layer 2", "rank 3")]
    config = json.loads((tmp_path / "out/adapter_config.json").read_text())
    assert (config["peft_type"], config["task_type"], config["base_model_name_or_path"]) == ("LORA", "CAUSAL_LM", "base")
    assert config["rank_pattern"] == config["alpha_pattern"] and config["modules_to_save"] is None
    card = (tmp_path / "out/README.md").read_text()
    assert (
        "library_name: peft" in card and "| layer 1 | ranks 2 to 5 | 0.00% |" in card and "merge_method: task_arithmetic" in card
    )


def test_the_same_bytes_each_time(root: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        written(root, tmp_path / name, models="a, base+m", rank=3)
    one, two = (
        {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in (tmp_path / name).iterdir()} for name in ("one", "two")
    )
    assert one == two and sorted(one) == ["README.md", "adapter_config.json", "adapter_model.safetensors"]


@pytest.mark.parametrize("wanted", [{"rank": 2}, {"rank": 4, "dtype": "bfloat16"}, {"rank": None, "energy": 0.8}], ids=str)
def test_the_error_that_is_told_is_the_true_one(wanted: dict[str, Any], root: Path, tmp_path: Path) -> None:
    """Of a full fine-tune, whose changes are of full rank: what is lost, recomputed from the files."""
    made = written(root, tmp_path / "out", models="a", **wanted)
    base, full = tiny.read_weights(root / "base"), tiny.read_weights(root / "a")
    assert {kept.name for kept in made.kept} == base.keys()
    for kept in made.kept:
        true = 0.5 * (full[kept.name].double() - base[kept.name].double())
        assert kept.change == pytest.approx(float(true.norm()), rel=1e-5)
        left = float((true - delta(root, tmp_path / "out", kept.name)).norm())
        assert kept.lost == pytest.approx(left, rel=1e-3, abs=1e-6)
        best = torch.linalg.svdvals(true)[kept.rank :].norm() if kept.rank else 0.0
        assert left <= 1.01 * float(best) + 0.004 * kept.change
        if made.plan.layout.layer(kept.name) is None or "norm" in kept.name:
            assert kept.rank is None or kept.name == "lm_head.weight"
    for label, _, share in made.by_layer():
        held = (
            [k for k in made.kept if f".{int(label[6:]) - 1}." in k.name or k.name == label]
            if label.startswith("layer")
            else [k for k in made.kept if k.name == label]
        )
        assert share == pytest.approx((sum(k.lost**2 for k in held) / sum(k.change**2 for k in held)) ** 0.5)
    if "energy" in wanted:
        assert all(1 - (k.lost / k.change) ** 2 >= 0.8 - 1e-6 for k in made.kept)
        assert len({k.rank for k in made.kept}) > 2


def test_what_a_small_type_loses_is_told(root: Path, tmp_path: Path) -> None:
    made = written(root, tmp_path / "out", dtype="bfloat16")
    exact = written(root, tmp_path / "exact")
    for kept in made.kept:
        true = delta(root, tmp_path / "exact", kept.name)
        assert kept.lost == pytest.approx(float((true - delta(root, tmp_path / "out", kept.name)).norm()), rel=0.01)
        assert 5e-4 < kept.lost / kept.change < 0.01
    assert made.nbytes < 0.6 * exact.nbytes


def test_only_what_is_named(root: Path, tmp_path: Path) -> None:
    made = written(root, tmp_path / "out", models="a", rank=2, include=("self_attn", "layers.1.*norm"))
    names = {kept.name for kept in made.kept}
    assert names == {
        name for name in tiny.read_weights(root / "base") if "self_attn" in name or ("layers.1" in name and "norm" in name)
    }
    assert made.left_out == len(made.plan.jobs) - len(names)
    out = open_reference(f"base+{tmp_path / 'out'}", [root])
    assert torch.equal(out.read(UP + ".weight"), tiny.read_weights(root / "base")[UP + ".weight"])


def test_what_belongs_to_a_whole_module_and_was_not_asked_for_is_the_bases(tmp_path: Path) -> None:
    transformers: Any = pytest.importorskip("transformers")
    settings = transformers.GPTNeoXConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, vocab_size=64
    )
    made_model(settings, tmp_path)
    made = written(tmp_path, tmp_path / "out", models="a", exclude=("bias",))
    tensors, base = load_file(tmp_path / "out/adapter_model.safetensors"), tiny.read_weights(tmp_path / "base")
    name = "gpt_neox.layers.0.input_layernorm."
    assert torch.equal(tensors[f"base_model.model.{name}bias"], base[f"{name}bias"])
    assert not torch.equal(tensors[f"base_model.model.{name}weight"], base[f"{name}weight"])
    assert not any("query_key_value" in key and "bias" in key for key in tensors) and made.left_out == 7


def test_a_tied_head_follows_its_embeddings(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=1, tied=True)
    made = written(tmp_path, tmp_path / "out", models="a", rank=2)
    tensors = load_file(tmp_path / "out/adapter_model.safetensors")
    head, rows = tensors["base_model.model.lm_head.weight"], tensors[f"base_model.model.{EMBED}.weight"]
    merge(load(BOTH % "a"), tmp_path / "merged", roots=[tmp_path])
    assert torch.equal(head, rows) and torch.equal(rows, tiny.read_weights(tmp_path / "merged")[EMBED + ".weight"])
    saved = json.loads((tmp_path / "out/adapter_config.json").read_text())["modules_to_save"]
    assert {EMBED, "lm_head", "model.norm"} <= set(saved) and made.kept[0].name == EMBED + ".weight"
    make_lora(tmp_path / "h", {"lm_head": (24, 8)})
    written(tmp_path, tmp_path / "head", models="base+h")
    assert load_file(tmp_path / "head/adapter_model.safetensors").keys() == {
        "base_model.model.lm_head.lora_A.weight", "base_model.model.lm_head.lora_B.weight"
    }  # fmt: skip
    torch.testing.assert_close(
        open_reference(f"base+{tmp_path / 'head'}", [tmp_path]).read("lm_head.weight"),
        open_reference("base+h", [tmp_path]).read("lm_head.weight") * 0.5
        + tiny.read_weights(tmp_path / "base")[EMBED + ".weight"] * 0.5,
    )


def test_the_base_is_found_or_named(root: Path, tmp_path: Path) -> None:
    """The one model that all LoRAs are for; a folder's base has to be named, and then it is taken apart."""
    linear = (
        "{merge_method: linear, models: [{model: base+l, parameters: {weight: 0.3}}, {model: base+m, parameters: {weight: 0.7}}]}"
    )
    made = export(load(linear), tmp_path / "one", Wanted(8), roots=[root])
    assert made.base == "base" and len(made.kept) == 3
    alone = load("{merge_method: passthrough, models: [a]}")
    with pytest.raises(MergeError, match=r"names none: write --base MODEL\."):
        export(alone, tmp_path / "two", Wanted(8), roots=[root])
    made = export(alone, tmp_path / "two", Wanted(2), base="base", roots=[root])
    assert made.base == "base" and len(made.kept) == len(made.plan.jobs)
    with pytest.raises(MergeError, match=r"--base base\+l: name the model before the `\+`"):
        export(alone, tmp_path / "three", Wanted(8), base="base+l", roots=[root])


# ---------------------------------------------------------------------------------------------- what is refused

SIZES: list[tuple[dict[str, Any], str]] = [
    ({"rank": None}, r"an adapter needs a size: --lora RANK, or --energy SHARE such as 0\.9\."),
    ({"rank": 0}, r"--lora 0: a rank is a whole number of at least 1\."),
    ({"energy": 0.0}, r"--energy 0: the share that is kept lies above 0 and is at most 1, for example 0\.9\."),
    ({"energy": 90.0}, r"--energy 90: the share that is kept lies above 0 and is at most 1"),
    ({"energy": float("nan")}, r"--energy nan: the share that is kept"),
    ({"dtype": "int4"}, r"--dtype int4: an adapter is written in float32, bfloat16, float16\."),
    ({"include": ("(",)}, r"--include '\(': is no pattern"),
    ({"include": ("nowhere",)}, r"--include, --exclude: no tensor of the merge has such a name\."),
    ({"exclude": ("a", "*")}, r"--exclude '\*': is no pattern"),
]


@pytest.mark.parametrize(("wanted", "told"), SIZES, ids=lambda x: str(x)[:30])
def test_no_such_size(wanted: dict[str, Any], told: str, root: Path, tmp_path: Path) -> None:
    with pytest.raises(MergeError, match=f"^{told}") as error:
        written(root, tmp_path / "out", **wanted)
    assert str(error.value).count("\n") == 0 and list(tmp_path.iterdir()) == []


def another(root: Path, folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], **config: Any) -> str:
    """A copy of the base with other tensors."""
    folder.mkdir()
    for file in (root / "base").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    save_file(change(tiny.read_weights(root / "base")), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(json.loads((root / "base/config.json").read_text()) | config))
    return str(folder)


def test_what_is_no_change_of_the_base(root: Path, tmp_path: Path) -> None:
    def told(recipe: str, **options: Any) -> str:
        with pytest.raises(MergeError) as error:
            export(load(recipe), tmp_path / "out", Wanted(4), roots=[root], **options)
        assert not (tmp_path / "out").exists()
        return str(error.value)

    one = "{merge_method: passthrough, models: [a]}"
    smaller = another(root, tmp_path / "small", lambda t: {n: x[:20].clone() if n in (EMBED + ".weight", "lm_head.weight") else x
                                                           for n, x in t.items()}, vocab_size=20)  # fmt: skip
    assert told(one, base=smaller).startswith(
        f"{EMBED}.weight: the merge has 24 tokens, {smaller} 20; an adapter changes no vocab"
    )
    narrow = another(root, tmp_path / "narrow", lambda t: {n: x[:12].clone() if "up_proj" in n else x for n, x in t.items()})
    assert f"is (24, 16) in the merge and (12, 16) in {narrow}" in told(one, base=narrow)
    fewer = another(root, tmp_path / "fewer", lambda t: {n: x for n, x in t.items() if "layers.1" not in n}, num_hidden_layers=1)
    assert f"{fewer} has no such tensor" in told(one, base=fewer)
    assert "the merge has not, and an adapter takes nothing away" in told(
        f"{{merge_method: passthrough, models: ['{fewer}']}}", base="base"
    )
    stacked = "{merge_method: passthrough, slices: [{sources: [{model: a, layer_range: [0, 2]}]}, {sources: [{model: a, " \
        "layer_range: [1, 2]}]}]}"  # fmt: skip
    assert told(stacked, base="base").startswith("the merge stacks layers, and an adapter changes weights only")
    assert told(BOTH % "base").startswith("the merge changes nothing of what was asked for")
    near = another(root, tmp_path / "near", lambda t: {n: torch.nextafter(x, x + 1) for n, x in t.items()})
    assert told(f"{{merge_method: passthrough, models: ['{near}']}}", base="base").startswith("the merge changes nothing")
    norm = another(root, tmp_path / "norm", lambda t: {n: x + 1 if n == "model.norm.weight" else x for n, x in t.items()})
    assert told(f"{{merge_method: passthrough, models: ['{norm}']}}", base="base").startswith(
        "all that the merge changes would be held whole, model.norm.weight first; peft loads none without factors."
    )
    odd = another(root, tmp_path / "odd", lambda t: {n: x * torch.inf if n == Q + ".weight" else x for n, x in t.items()})
    with pytest.raises(NonFiniteError, match=r"q_proj\.weight"):
        export(load(f"{{merge_method: passthrough, models: ['{odd}']}}"), tmp_path / "out", Wanted(4), base="base", roots=[root])
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").touch()
    with pytest.raises(MergeError, match="the folder is not empty"):
        written(root, tmp_path / "out")


def test_rounding_in_all_directions_is_no_change(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none of them is stronger than rounding alone makes it, there is nothing to keep."""

    def real(delta: torch.Tensor, most: int, share: float | None, noise: float, *rest: Any) -> Any:
        return factors(delta, most, share, 1e3 if len(delta) == 24 else noise, *rest)

    monkeypatch.setattr(lowrank, "factors", real)
    made = written(root, tmp_path / "out")
    assert {kept.name for kept in made.kept} == {Q + ".weight", DOWN + ".weight"}


def test_large_numbers_need_a_wide_type(root: Path, tmp_path: Path) -> None:
    big = another(root, tmp_path / "big", lambda t: {n: x + x[:1] * 1e12 if n == Q + ".weight" else x for n, x in t.items()})
    with pytest.raises(MergeError, match=r"q_proj: its factors are too large for float16; write --dtype float32\."):
        export(load(BOTH % f"'{big}'"), tmp_path / "out", Wanted(2, dtype="float16"), roots=[root])
    assert not (tmp_path / "out").exists()


def test_a_full_disk(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(MergeError, match=r"adapter_model\.safetensors: cannot be written: No space left on device\.$"):
        written(root, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(MergeError, match=r"file/out: cannot be written: (Not a directory|File exists)\.$"):
        written(root, tmp_path / "file/out")


def test_stopped_or_failed_it_leaves_nothing(root: Path, tmp_path: Path) -> None:
    steps: list[int] = []
    with pytest.raises(Cancelled, match=r"stopped after 5 of 21 tensors; nothing was written\."):
        export(load(BOTH % "a"), tmp_path / "out", Wanted(4), roots=[root], progress=lambda step: steps.append(step.tensors),
               cancelled=lambda: len(steps) >= 5)  # fmt: skip
    assert steps == [1, 2, 3, 4, 5] and list(tmp_path.iterdir()) == []
    with pytest.raises(CheckpointError, match=r"is no longer what it was|was changed"):

        def write(step: Any) -> None:
            if step.tensors == step.of_tensors:
                (copy / "model.safetensors").write_bytes((copy / "model.safetensors").read_bytes()[:-4] + b"\0\0\0\0")

        copy = Path(another(root, tmp_path / "copy", lambda t: t))
        export(load(BOTH % "a"), tmp_path / "out", Wanted(4), base=str(copy), roots=[root], progress=write)
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


SIZES_OF_EXPERTS = {
    "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
    "vocab_size": 64, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "num_experts_per_tok": 2,
}  # fmt: skip


def made_model(settings: Any, place: Path, auto: str = "AutoModelForCausalLM", alone: str = "") -> None:
    """A base of this kind, and `a`, which differs from it by rank 2 in each matrix, and at random elsewhere.

    alone  stays as it is where this is in the name
    """
    transformers: Any = pytest.importorskip("transformers")
    torch.manual_seed(0)
    getattr(transformers, auto).from_config(settings).float().save_pretrained(place / "base")
    (place / "a").mkdir()
    g, tensors = torch.Generator().manual_seed(1), load_file(place / "base/model.safetensors")
    for key, tensor in tensors.items():
        if tensor.dim() == 2 and not any(word in key for word in ("embed_tokens", "embed_in", "wte", "wpe")):
            change = torch.randn(len(tensor), 2, generator=g) @ torch.randn(2, tensor.shape[1], generator=g)
        else:
            change = torch.randn(tensor.shape, generator=g)
        tensors[key] = tensor if alone and alone in key else tensor + 0.1 * change
    save_file(tensors, place / "a/model.safetensors")
    (place / "a/config.json").write_bytes((place / "base/config.json").read_bytes())


def test_experts_are_of_one_rank(tmp_path: Path) -> None:
    """Under the names of the files, as peft puts them together itself; those that were not changed hold nothing."""
    transformers: Any = pytest.importorskip("transformers")
    made_model(
        transformers.MixtralConfig(**SIZES_OF_EXPERTS, num_local_experts=2), tmp_path, alone="layers.1.block_sparse_moe.exp"
    )
    with pytest.raises(MergeError) as error:
        written(tmp_path, tmp_path / "out", models="a", rank=None, energy=0.9)
    assert str(error.value) == (
        "model.layers.0.block_sparse_moe.experts.0.w1.weight: the merge changes it, and the factors of all experts must be of "
        "one rank.\n  Write --lora RANK too, or leave them to the base with --exclude experts."
    )
    made = written(tmp_path, tmp_path / "out", models="a", rank=5)
    assert {kept.rank for kept in made.kept if "experts" in kept.name} == {2} and lost(made.kept) < 1e-5
    tensors = load_file(tmp_path / "out/adapter_model.safetensors")
    shapes = {t.shape[0] for n, t in tensors.items() if "experts" in n and "lora_A" in n}
    assert shapes == {5} and not any(t.any() for n, t in tensors.items() if "layers.1.block_sparse_moe.experts" in n)
    config = json.loads((tmp_path / "out/adapter_config.json").read_text())
    assert config["r"] == 5 and {"w1", "w2", "w3"} <= set(config["target_modules"])
    assert "model.layers.0.mlp.gate" in config["modules_to_save"]  # what the model calls it, not the file
    merge(load(BOTH % "a"), tmp_path / "merged", roots=[tmp_path])
    back = open_reference(f"base+{tmp_path / 'out'}", [tmp_path])
    for name, tensor in tiny.read_weights(tmp_path / "merged").items():
        torch.testing.assert_close(back.read(name), tensor, rtol=0, atol=1e-5)
    read = written(tmp_path, tmp_path / "experts", models="a", rank=4, include=(r"experts\.",))
    assert read.left_out == len(made.plan.jobs) - 12
    out, full = open_reference(f"base+{tmp_path / 'experts'}", [tmp_path]), tiny.read_weights(tmp_path / "a")
    for name in (kept.name for kept in read.kept):
        half = 0.5 * (full[name] + tiny.read_weights(tmp_path / "base")[name])
        torch.testing.assert_close(out.read(name), half, rtol=0, atol=1e-5)
    made = written(tmp_path, tmp_path / "attention", models="a", rank=None, energy=0.9, exclude=("experts", "layers.0"))
    other = full | {
        name: full[name] + torch.randn(40, 32) for name in full if name.endswith("layers.0.block_sparse_moe.experts.1.w3.weight")
    }
    save_file(other, tmp_path / "a/model.safetensors")
    whole = written(tmp_path, tmp_path / "large", models="a", rank=20, include=(r"experts\.",))
    assert room(40, 32) < 20 and max(kept.rank or 0 for kept in whole.kept) == 20  # no expert can be there whole
    assert made.left_out == 12 + 7 and not any("experts" in kept.name or "layers.0" in kept.name for kept in made.kept)


def test_experts_that_peft_cannot_put_together(tmp_path: Path) -> None:
    transformers: Any = pytest.importorskip("transformers")
    more = {"num_experts": 2, "moe_intermediate_size": 24, "shared_expert_intermediate_size": 24}
    made_model(transformers.Qwen2MoeConfig(**SIZES_OF_EXPERTS, **more), tmp_path)
    with pytest.raises(CheckpointError) as error:
        written(tmp_path, tmp_path / "out", models="a")
    assert str(error.value) == (
        "model.layers.0.mlp.experts.0.down_proj.weight: the merge changes it, and an adapter cannot: transformers puts the "
        "experts of a layer into one tensor.\n"
        "  Leave such to the base with --exclude experts, or write the merge as a model's folder."
    )
    made = written(tmp_path, tmp_path / "out", models="a", exclude=(r"experts\.",))
    assert any("shared_expert." in kept.name for kept in made.kept)


def test_bare_numbers_of_a_module_that_holds_others(tmp_path: Path) -> None:
    transformers: Any = pytest.importorskip("transformers")
    made_model(transformers.MambaConfig(hidden_size=32, num_hidden_layers=1, vocab_size=64, state_size=4), tmp_path)
    with pytest.raises(CheckpointError) as error:
        written(tmp_path, tmp_path / "out", models="a")
    assert str(error.value) == (
        "backbone.layers.0.mixer.A_log: the merge changes it, and an adapter cannot: it belongs to a module that holds others "
        "(MambaMixer), which peft keeps as a whole only.\n"
        "  Leave such to the base with --exclude A_log, or write the merge as a model's folder."
    )
    made = written(tmp_path, tmp_path / "out", models="a", exclude=("A_log", r"mixer\.D$"))
    assert made.left_out == 2 and {"backbone.layers.0.mixer.in_proj.weight", "backbone.layers.0.mixer.conv1d.bias"} <= {
        kept.name for kept in made.kept
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------- the command


def test_the_command(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    (tmp_path / "r.yaml").write_text(BOTH % "base+l, base+m")
    assert main(["export", str(tmp_path / "r.yaml"), str(tmp_path / "out"), "--lora", "4"]) == 0
    said = capsys.readouterr().out
    assert "layer 1" in said and "ranks 2 to 4" in said and "3 matrices of rank 2 to 4" in said and "PeftModel" in said
    assert main(["export", "a", str(tmp_path / "two"), "--energy", ".6", "--base", "base", "--include", "mlp"]) == 0
    assert "15 tensors are left to the base, as asked." in capsys.readouterr().out
    for options, told in (
        ([], "name a file that ends in .gguf, or say --lora RANK or --energy SHARE"),
        (["--lora", "many"], "--lora many: a rank is a whole number"),
        (["--energy", "most"], "--energy most: write the share"), (["--energy", "1.5"], "--energy 1.5: the share that is kept"),
        (["--lora", "4", "--kind", "f16"], "--kind is of GGUF files"),
    ):  # fmt: skip
        assert main(["export", str(tmp_path / "r.yaml"), str(tmp_path / "three"), *options]) == 1
        error = capsys.readouterr().err
        assert told in error and error.count("\n") == 1 and not (tmp_path / "three").exists()


# ---------------------------------------------------------------------------------------------- as peft loads it

LOGITS = """
import json, sys, torch, transformers
from peft import PeftModel
transformers.utils.logging.set_verbosity_error()
said = {}
for name, auto, base, adapter, merged in json.loads(sys.argv[1]):
    made = lambda folder: getattr(transformers, auto).from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.tensor([[1, 5, 7, 3, 9, 2, 11]])
    with torch.no_grad():
        want, before = made(merged)(ids).logits, made(base)(ids).logits
        got = PeftModel.from_pretrained(made(base), adapter).eval()(ids).logits
    said[name] = [float((got - want).abs().max()), float((before - want).abs().max())]
print(json.dumps(said))
"""


def models_of_kinds(transformers: Any) -> Iterator[tuple[str, Any]]:
    import zoo

    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 64}
    more = sizes | {"num_key_value_heads": 1, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    yield "plain", transformers.LlamaConfig(**more)
    yield "tied", transformers.LlamaConfig(**more, tie_word_embeddings=True)
    yield "biases", transformers.Qwen2Config(**more)
    yield "turned", transformers.GPT2Config(n_layer=2, n_embd=32, n_head=2, vocab_size=64, bos_token_id=1, eos_token_id=2)
    yield "renamed", transformers.GPTNeoXConfig(**sizes)
    yield "sees", zoo.config("qwen2_vl")  # a Linear called 0, beside blocks that are called so
    yield "experts", transformers.MixtralConfig(**SIZES_OF_EXPERTS, num_local_experts=2)
    dense = {"num_experts": 2, "moe_intermediate_size": 24, "head_dim": 16, "mlp_only_layers": [0]}
    yield "dense layers beside experts", transformers.Qwen3MoeConfig(**SIZES_OF_EXPERTS, **dense)


def made_of_biases(name: str) -> bool:
    """Whether its matrices have biases."""
    return name in ("biases", "turned", "renamed", "sees")


@needs_peft
@pytest.mark.long
def test_peft_says_what_the_merge_says(tmp_path: Path) -> None:
    """Changes of rank 2 everywhere: tied heads, biases, matrices stored turned, other names, experts."""
    transformers: Any = pytest.importorskip("transformers")
    cases: list[tuple[str, ...]] = []
    for name, settings in models_of_kinds(transformers):
        place = tmp_path / name
        auto = "AutoModelForImageTextToText" if name == "sees" else "AutoModelForCausalLM"
        made_model(settings, place, auto)
        recipe = load(BOTH % "a")
        export(recipe, place / "out", Wanted(2), roots=[place])
        merge(recipe, place / "merged", roots=[place])
        config = json.loads((place / "out/adapter_config.json").read_text())
        assert (config["fan_in_fan_out"], config["bias"]) == (name == "turned", "all" if made_of_biases(name) else "none")
        read = open_reference(f"base+{place / 'out'}", [place])  # under other names than the files' in part: Mixtral, GPT-NeoX
        for key, tensor in tiny.read_weights(place / "merged").items():
            torch.testing.assert_close(read.read(key), tensor, rtol=0, atol=1e-5)
        cases.append((name, auto, *(str(place / folder) for folder in ("base", "out", "merged"))))
    assert_peft_agrees(cases, 1e-5)


def assert_peft_agrees(cases: list[tuple[str, ...]], most: float) -> None:
    """peft in a process of its own: transformers looks for it where it is imported."""
    environment = os.environ | {"PYTHONPATH": str(PEFT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOGITS, json.dumps(cases)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for name, (apart, before) in json.loads(done.stdout.splitlines()[-1]).items():
        assert apart < most < 0.1 < before, name


@pytest.fixture(scope="module")
def real() -> Path:
    """SmolLM2, where it can be had."""
    try:
        return smollm.base()
    except smollm.Unavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.mark.smollm
@pytest.mark.long
def test_an_adapter_answers_as_the_merge_of_adapters(real: Path, tmp_path: Path) -> None:
    """Two tunes of SmolLM2, ranks 4 and 4: their merge is of rank 8, and its adapter says the same words."""
    models = [{"model": f"{real}+{ROOT}/presets/smollm2/{name}", "parameters": {"weight": 1.0}} for name in ("pirate", "json")]
    recipe = load(json.dumps({"merge_method": "task_arithmetic", "base_model": str(real), "models": models}))
    made = export(recipe, tmp_path / "out", Wanted(16))
    assert len(made.kept) == 140 and {kept.rank for kept in made.kept} == {8} and lost(made.kept) < 1e-4
    asked = [data.HELD_OUT[name][0] for name in ("pirate", "json")]
    with smollm.one_thread():
        runner = Runner(Parents())
        who = runner.merged(recipe)
        said = ["".join(token.text for token in who.tokens(prompt, 32)) for prompt in asked]
        adapted = runner.parent(f"{real}+{tmp_path / 'out'}")
        assert said == ["".join(token.text for token in adapted.tokens(prompt, 32)) for prompt in asked]
    assert data.is_pirate(asked[0], said[0].strip()) and data.is_json(asked[1], said[1].strip())


# ---------------------------------------------------------------------------------------------- adapters as lanes


def test_adapters_of_other_ranks_and_targets_are_lanes_of_one_base(root: Path) -> None:
    """Bars by layer, moved in a live session: only what a moved bar changes is made again, by hand the same numbers."""
    text = (
        "{merge_method: task_arithmetic, base_model: base, models: [{model: base+l, parameters: {weight: %s}}, "
        "{model: base+m, parameters: {weight: %s}}, {model: a, parameters: {weight: 0}}]}"
    )
    session = Session(Parents(roots=[root]))
    session.apply(load(text % ("[1, 0]", "[0.5, 2]")))
    base = tiny.read_weights(root / "base")
    assert all(torch.equal(session.tensors[n], t) for n, t in base.items() if n[:-7] not in (Q, UP, DOWN))

    def added(lora: str, module: str) -> torch.Tensor:
        tensors = load_file(root / lora / "adapter_model.safetensors")
        b, a = (tensors[f"base_model.model.{module}.lora_{x}.weight"].double() for x in "BA")
        return 3 / len(a) * b @ a

    wanted = {Q: 1 * added("l", Q), UP: 1 * added("l", UP) + 0.5 * added("m", UP), DOWN: 2 * added("m", DOWN)}
    for module, change in wanted.items():
        torch.testing.assert_close(
            session.tensors[module + ".weight"].double(), base[module + ".weight"] + change, atol=1e-5, rtol=0
        )
    redone = session.apply(load(text % ("[1, 0]", "[0.5, 1]")))
    assert redone and all("layers.1." in name or "layers" not in name for name in redone)
    torch.testing.assert_close(
        session.tensors[DOWN + ".weight"].double(), base[DOWN + ".weight"] + added("m", DOWN), atol=1e-5, rtol=0
    )


@contextlib.contextmanager
def peak() -> Iterator[list[int]]:
    """The most memory of its own that this process takes meanwhile, beyond what it has, in bytes."""

    def own() -> int:
        found = re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())
        assert found is not None
        return int(found[1]) * 1024

    def watch() -> None:
        while not done.is_set():
            most[0] = max(most[0], own() - before)
            time.sleep(0.001)

    done, most, before = threading.Event(), [0], own()
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of three matrices of 67 MB in float32, with two adapters."""
    folder, names = tmp_path_factory.mktemp("wide"), [f"model.layers.{i}.mlp.up_proj" for i in range(3)]
    (folder / "base").mkdir()
    (folder / "base/config.json").write_text("{}")
    save_file(
        {f"{n}.weight": torch.full((8192, 2048), 0.5, dtype=torch.bfloat16) for n in names}, folder / "base/model.safetensors"
    )
    for lora, seed in (("l", 0), ("m", 1)):
        make_lora(folder / lora, dict.fromkeys(names, (8192, 2048)), r=2 + seed, seed=seed)
    return folder


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory is a process's own")
def test_what_adapters_take_is_reckoned_with(wide: Path, tmp_path: Path) -> None:
    """`merge --memory` counts the products that are made while a tensor is merged, one tensor's at a time."""
    recipe = load(BOTH % "base+l, base+m")
    models = open_models(recipe, [wide])
    job = make_plan(recipe, models).jobs[0]
    told, each = budget.memory_of(job, models), 4 * job.numel
    assert 3 * each <= told <= 4 * each and budget.memory_of(job) < each
    with peak() as most:
        merge(recipe, tmp_path / "out", roots=[wide], memory=budget.OWN_MEMORY + told)  # room for one of the three at a time
    assert 2 * each < most[0] < told + 10_000_000
    with pytest.raises(MergeError, match=r"--memory 320 MB: model\.layers\.\d\.mlp\.up_proj\.weight"):
        merge(recipe, tmp_path / "two", roots=[wide], memory=320_000_000)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory is a process's own")
def test_one_tensor_is_in_memory_at_a_time(wide: Path, tmp_path: Path) -> None:
    with peak() as most:
        made = export(load(BOTH % "base+l, base+m"), tmp_path / "out", Wanted(8), roots=[wide])
    assert {kept.rank for kept in made.kept} == {5} and lost(made.kept) < 1e-5
    assert most[0] < 5 * 4 * 8192 * 2048
