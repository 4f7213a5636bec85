"""Kinship of a shelf of models: planted relatives, strangers, a duplicate, a sibling given as base."""

import json
import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hub_standin import Hub, alone
from safetensors.torch import load_file, save_file
from tiny import make_family

from merger.__main__ import main
from merger.cli.kin import table
from merger.errors import Cancelled, MergeError
from merger.files.checkpoints import Checkpoint, open_checkpoint
from merger.hub.references import open_here
from merger.inspect.shelf import Shelf, _Look, look
from merger.limits import SHELF

ROOT = Path(__file__).parent.parent
FAMILY = ROOT / "presets" / "family"
TUNES = ("pirate", "plural", "spell", "count", "story", "mirror")


def opened(folders: dict[str, Path]) -> dict[str, Checkpoint]:
    return {name: open_checkpoint(name, folder) for name, folder in folders.items()}


def roles(shelf: Shelf) -> dict[str, str]:
    return {book.reference: book.role for book in shelf.books}


@pytest.fixture(scope="module")
def family() -> dict[str, Checkpoint]:
    return opened({name: FAMILY / name for name in ("mirror", "pirate", "base", *TUNES[1:5])})


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    """The family's base, three tunes, one of them twice, one that was trained on from a tune, and two of other origin."""
    home = tmp_path_factory.mktemp("shelf")
    folders = {name: FAMILY / name for name in ("plural", "spell", "base", "count")}
    shutil.copytree(FAMILY / "plural", home / "again")
    shutil.copytree(FAMILY / "base", home / "random")
    weights = load_file(FAMILY / "base" / "model.safetensors")
    torch.manual_seed(0)
    save_file({n: t.std() * torch.randn_like(t, dtype=torch.float32).to(t.dtype) for n, t in weights.items()},
              home / "random" / "model.safetensors")  # fmt: skip
    shutil.copytree(FAMILY / "base", home / "further")
    tuned, other = load_file(FAMILY / "plural" / "model.safetensors"), load_file(FAMILY / "spell" / "model.safetensors")
    save_file({n: (t.float() + 0.3 * (other[n].float() - weights[n].float())).to(t.dtype) for n, t in tuned.items()},
              home / "further" / "model.safetensors")  # fmt: skip
    folders |= {name: home / name for name in ("again", "random", "further")}
    return opened(folders | {"tiny": make_family(home / "tiny", models=("tiny",))["tiny"]})


def test_the_base_is_found_by_geometry(family: dict[str, Checkpoint]) -> None:
    found = look(family)
    assert found.base == "base" and "little in common" in found.why_base
    assert found.books[0].reference == "base" and set(roles(found).values()) == {"base", "fine-tune"}
    assert all(0.0 < one.cosine < 0.17 and one.shared > 0.9 for one in found.likeness.values())
    moved = {book.reference: book.size or 0.0 for book in found.books if book.role == "fine-tune"}
    assert max(moved, key=moved.__getitem__) == "mirror" and min(moved, key=moved.__getitem__) == "story"


def test_what_was_planted_is_told(planted: dict[str, Checkpoint]) -> None:
    found = look(planted, "base")
    assert roles(found) == {
        "base": "base", "plural": "fine-tune", "spell": "fine-tune", "count": "fine-tune", "further": "fine-tune",
        "again": "duplicate", "random": "stranger", "tiny": "stranger",
    }  # fmt: skip
    why = {book.reference: book.why for book in found.books}
    assert "plural" in why["again"] and "does not come from base" in why["random"] and "4 layers" in why["tiny"]
    assert (found.cosine("further", "plural") or 0.0) > 0.9 > 0.17 > (found.cosine("spell", "count") or 1.0)
    order = [book.reference for book in found.books if book.role == "fine-tune"]
    assert abs(order.index("further") - order.index("plural")) == 1  # like stands beside like
    paired = {frozenset(one.models) for one in found.pairs}
    assert frozenset(("further", "plural")) not in paired and frozenset(("spell", "count")) in paired
    assert {frozenset(one.models) for one in found.triples} == {
        frozenset(("spell", "count", "plural")), frozenset(("spell", "count", "further")),
    }  # fmt: skip


def test_a_sibling_given_as_base(family: dict[str, Checkpoint]) -> None:
    found = look({name: family[name] for name in ("plural", "spell", "count", "base")}, "plural")
    assert roles(found)["plural"] == "sibling" and found.pairs == ()
    assert any(note.startswith("base looks like the base") for note in found.notes)
    alone = look({name: family[name] for name in ("plural", "spell", "count")}, "plural")
    assert "The base is not among these models; name it with them." in alone.notes


def test_without_a_base_nothing_is_claimed(family: dict[str, Checkpoint]) -> None:
    found = look({name: family[name] for name in ("plural", "spell", "count")})
    assert found.base is None and found.likeness == {} and found.pairs == ()
    assert set(roles(found).values()) == {"relative"} and all("% of its norm from" in book.why for book in found.books)


def test_figures_are_those_of_the_whole_weights(planted: dict[str, Checkpoint]) -> None:
    """Sampled rows tell the size of a change, and the angle between two, within a fifth and .05 of what all rows say."""
    found, sizes, deltas = look(planted, "base"), {}, {}
    base = load_file(FAMILY / "base" / "model.safetensors")
    names = [n for n in base if "proj" in n]
    zero = torch.cat([base[n].double().flatten() for n in names])
    for name in ("plural", "spell"):
        own = load_file(FAMILY / name / "model.safetensors")
        deltas[name] = torch.cat([own[n].double().flatten() for n in names]) - zero
        sizes[name] = float(deltas[name].norm() / zero.norm())
        told = next(book.size for book in found.books if book.reference == name)
        assert told is not None and math.isclose(told, sizes[name], rel_tol=0.2)
    cosine = float(torch.nn.functional.cosine_similarity(deltas["plural"], deltas["spell"], dim=0))
    assert abs(cosine - (found.cosine("plural", "spell") or 0.0)) < 0.05


def test_adapters_that_change_few_matrices(tmp_path: Path) -> None:
    """Of a LoRA on `v_proj` alone the sample takes that; its base need not be named beside it."""
    references = []
    for number, name in enumerate(("one", "two")):
        torch.manual_seed(number)
        (tmp_path / name).mkdir()
        config = {"r": 2, "lora_alpha": 4, "target_modules": ["v_proj"], "peft_type": "LORA", "base_model_name_or_path": "x/y"}
        (tmp_path / name / "adapter_config.json").write_text(json.dumps(config))
        shapes = {n: t.shape for n, t in load_file(FAMILY / "base" / "model.safetensors").items() if "v_proj" in n}
        pairs = {}
        for own, (rows, columns) in shapes.items():
            key = f"base_model.model.{own.removesuffix('.weight')}"
            pairs |= {f"{key}.lora_A.weight": torch.randn(2, columns) / 50, f"{key}.lora_B.weight": torch.randn(rows, 2) / 50}
        save_file(pairs, tmp_path / name / "adapter_model.safetensors")
        references.append(f"{FAMILY / 'base'}+{tmp_path / name}")
    models = {reference: open_here(reference) for reference in (str(FAMILY / "base"), *references)}
    found = look(models)
    assert found.base == str(FAMILY / "base") and "name it as theirs" in found.why_base
    assert [book.role for book in found.books] == ["base", "fine-tune", "fine-tune"]
    attention = [name for name in _Look(models, lambda: True).places if "self_attn" in name]
    assert len(attention) == 6 and all("v_proj" in name for name in attention)
    assert main(["kin", *references, "--json"]) == 0


def test_quantized_and_empty_models(tmp_path: Path) -> None:
    for name, dtype in (("a", torch.int8), ("b", torch.float32)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        save_file({"model.layers.0.mlp.up_proj.weight": torch.zeros(4, 4, dtype=dtype)}, tmp_path / name / "model.safetensors")
    found = look(opened({name: tmp_path / name for name in ("a", "b")}))
    why = {book.reference: book.why for book in found.books}
    assert "quantized" in why["a"] and found.base is None and found.pairs == ()


def test_a_shelf_is_bounded(family: dict[str, Checkpoint]) -> None:
    with pytest.raises(MergeError, match="one model has nobody"):
        look({"base": family["base"]})
    with pytest.raises(MergeError, match=f"more than {SHELF:,} on one shelf"):
        look({f"m{i}": family["base"] for i in range(SHELF + 1)})
    with pytest.raises(MergeError, match="is not among the models"):
        look(family, "another")
    with pytest.raises(Cancelled):
        look(family, go_on=lambda: False)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    folders = [str(FAMILY / name) for name in ("base", "plural", "spell")]
    assert main(["kin", *folders]) == 0
    out = capsys.readouterr().out
    assert "plural + spell" in out and "unrelated changes" in out and "Cosine of their changes" in out
    assert main(["kin", *folders, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["base"] == folders[0] and len(told["likeness"]) == 1 and told["pairs"][0]["models"] == folders[1:]
    assert main(["kin", folders[0]]) == 1
    assert "one model has nobody" in capsys.readouterr().err
    assert main(["kin", folders[0], "no/such/folder/here"]) == 1
    assert capsys.readouterr().err.count("Traceback") == 0


def test_long_names_are_numbered(family: dict[str, Checkpoint]) -> None:
    long = {f"owner/a-name-that-takes-more-than-a-column-{name}": family[name] for name in ("base", "plural", "spell")}
    lines = table(look(long, next(iter(long)))).splitlines()
    assert max(len(line) for line in lines if line.startswith("  [1] ") and "owner" not in line) < 130
    assert any(re.match(r"  \[\d\] \+ \[\d\]  unrelated changes", line) for line in lines)
    assert all(sum(reference in line for line in lines) >= 1 for reference in long)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    alone(monkeypatch, tmp_path / "cache")
    with Hub() as standin:
        monkeypatch.setenv("HF_ENDPOINT", standin.url)
        standin.add("tiny/base", FAMILY / "base", downloads=9)
        kin = ("safetensors", "base_model:tiny/base", "base_model:finetune:tiny/base")
        for name in ("plural", "spell"):
            standin.add(f"tiny/{name}", FAMILY / name, tags=kin)
        standin.add("tiny/broken", {"config.json": b"{}", "pytorch_model.bin": b"x"}, tags=kin)
        yield standin


def test_a_list_of_the_hub(hub: Hub, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["kin", "--of", "tiny/base", "--json"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["base"] == "tiny/base" and {one["reference"] for one in told["models"]} == {
        "tiny/base",
        "tiny/plural",
        "tiny/spell",
    }
    assert any(note.startswith("same family tree: tiny/") for note in told["notes"]), told["notes"]
    assert "left out: tiny/broken" in said.err
    assert not list((tmp_path / "cache").rglob("*.safetensors"))  # a few rows were read, nothing was downloaded
