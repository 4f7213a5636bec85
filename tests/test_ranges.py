"""Models of the Hub that are read by ranges instead of being brought here: hf://owner/name, and --ranges for parts and Ray."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny
from hub_standin import Hub, alone, digest
from test_ray_merge import here, told
from test_stores import TIES, local, tensors

from merger.__main__ import main
from merger.engine.batch import merge
from merger.errors import CheckpointError, MergeError
from merger.files import ranges
from merger.hub import afar
from merger.hub.afar import open_anywhere, open_by_ranges
from merger.recipe import load

WEIGHTS = r"GET .*(\.safetensors$|signature=1)"


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("family")
    tiny.make_family(folder, models=("base", "one", "two"), layers=3, shards=2)
    return folder


@pytest.fixture
def hub(family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    alone(monkeypatch, tmp_path / "cache")
    monkeypatch.setattr(afar, "FIRST", 64)
    monkeypatch.setattr(ranges, "SMALL", 0)
    with Hub() as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        for model in ("base", "one", "two"):
            served.add(f"far/{model}", family / model)
        yield served


def brought(tmp_path: Path) -> list[str]:
    """Weight files in the cache, begun ones too."""
    return [file.name for file in (tmp_path / "cache").rglob("*") if file.suffix in (".safetensors", ".incomplete")]


def size(family: Path) -> int:
    """Bytes of all weight files."""
    return sum(file.stat().st_size for file in family.glob("*/*.safetensors"))


@pytest.mark.parametrize("how", ["address", "option"])
def test_a_merge_brings_no_weights_here(how: str, hub: Hub, family: Path, tmp_path: Path) -> None:
    recipe = load(TIES.format("hf://far/" if how == "address" else "far/"))
    merge(recipe, tmp_path / "out", opener=open_anywhere if how == "address" else open_by_ranges)
    assert tensors(tmp_path / "out") == local(TIES, tmp_path / "plain", family)
    assert brought(tmp_path) == [] and hub.bytes_of(WEIGHTS) == size(family)
    assert all(asked.range for asked in hub.asked if asked.store)
    card = (tmp_path / "out" / "README.md").read_text()
    assert hub.repos["far/one"].sha in card and digest((family / "one/model-00002-of-00002.safetensors").read_bytes()) in card


def test_parts_read_what_they_make(hub: Hub, family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the command, each part as on a machine of its own; then the join, which reads headers."""
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(TIES.format("far/"))
    plain, told_, words = (
        local(TIES, tmp_path / "plain", family, shard_size="3KB"),
        list[int](),
        "r.yaml out --out-shard-size 3KB -q",
    )
    for more in ("--part 1/3", "--part 2/3", "--part 3/3", "--join"):
        alone(monkeypatch, tmp_path / more.replace("/", "-"))
        before = hub.bytes_of(WEIGHTS)
        assert main(["merge", *words.split(), *more.split(), "--ranges"]) == 0
        told_.append(hub.bytes_of(WEIGHTS) - before)
    heads = told_[-1]
    assert sum(told_) - 4 * heads == size(family) - heads and all(0 < one - heads < 0.6 * size(family) for one in told_[:3])
    assert not [*tmp_path.glob("--*/**/*.safetensors")] and tensors(Path("out")) == plain


def test_a_branch_that_moves_is_noticed(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(TIES.format("far/"))
    words = ["merge", "r.yaml", "out", "--out-shard-size", "3KB", "-q", "--ranges", "--part"]
    assert main([*words, "1/2"]) == 0
    files = hub.repos["far/two"].files
    name = "model-00001-of-00002.safetensors"
    hub.repos["far/two"].commit(files | {name: files[name][:-1] + bytes([files[name][-1] ^ 1])})
    assert main([*words, "2/2"]) == 1
    assert "was given other files of far/two" in capsys.readouterr().err


@pytest.mark.parametrize(
    "fault", [{"status": 503, "times": 2}, {"cut": 10, "times": 2}, {"status": 403, "times": 1}], ids=["busy", "cut", "expired"]
)  # fmt: skip
def test_what_fails_on_the_way_is_asked_again(fault: dict[str, int], hub: Hub, family: Path, tmp_path: Path) -> None:
    model = open_anywhere("hf://far/one")
    hub.fail("signature=1", **fault)
    assert {name: model.read(name).numpy().tobytes() for name in sorted(model.tensors)} == tensors(family / "one")


def test_it_ends_in_words(hub: Hub, tmp_path: Path) -> None:
    model = open_anywhere("hf://far/one")
    hub.fail("signature=1|/resolve/", status=500, times=1000)
    with pytest.raises(CheckpointError, match=r"far/one: the Hub is in trouble \(500\)"):
        model.read(next(iter(model.tensors)))
    hub.faults.clear()
    with pytest.raises(CheckpointError, match="no such model on the Hub"):
        open_anywhere("hf://far/none")
    hub.ranges = False
    hub.add("far/bin", {"config.json": b"{}", "pytorch_model.bin": b"x" * 30_000})
    with pytest.raises(CheckpointError, match=r"hf://far/bin: has only \.bin files"):
        open_anywhere("hf://far/bin")


def test_folders_are_read_as_ever(hub: Hub, family: Path, tmp_path: Path) -> None:
    with contextlib.chdir(family):
        assert open_by_ranges("one").afar is None
    asked = len(hub.asked)
    with pytest.raises(MergeError):
        open_by_ranges("not a model")
    assert len(hub.asked) == asked


@here
@pytest.mark.long
def test_parts_on_ray(hub: Hub, family: Path, tmp_path: Path) -> None:
    """Each of Ray's tasks reads of the Hub's models what its part needs, and nothing is brought to any machine."""
    place = tmp_path / "place"
    place.mkdir()
    (place / "r.yaml").write_text(TIES.format("far/"))
    found = told(place, "\ngo(ranges=True)\n", seconds=0.0)
    assert "error" not in found, found
    assert tensors(place / "far") == local(TIES, tmp_path / "plain", family) and brought(tmp_path) == []
    assert len([*(place / "far").glob("model-*")]) > 3
