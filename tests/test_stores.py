"""Object stores: models are read there by ranges, merges are sent there in parts; the bits of folders, and nothing half done.

Most with fsspec's memory://; S3 is moto's server on this machine, in an environment of its own.
"""

import errno
import gc
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

from merger.__main__ import main
from merger.engine import budget
from merger.engine.batch import Step, merge
from merger.engine.document import open_models
from merger.engine.journal import Part
from merger.engine.plan import make_plan
from merger.errors import Cancelled, CheckpointError, InputChanged, MergeError
from merger.files import ranges, stores
from merger.hub.access import Access
from merger.hub.afar import open_anywhere
from merger.hub.references import open_here
from merger.inspect.analysis import Sketch
from merger.recipe import load

TIES = """
merge_method: ties
base_model: {0}base
models:
- {{model: {0}one, parameters: {{weight: 0.6, density: 0.5}}}}
- {{model: {0}two, parameters: {{weight: 0.4, density: 0.5}}}}
"""
STORE = "memory://models/"


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("family")
    tiny.make_family(folder, models=("base", "one", "two"), layers=3, shards=2)
    return folder


@pytest.fixture
def memory(family: Path) -> Iterator[Any]:
    """A store in memory that holds the family."""
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    for file in family.glob("*/*"):
        fs.pipe_file(f"/models/{file.parent.name}/{file.name}", file.read_bytes())
    yield fs
    fs.store.clear()


@pytest.fixture
def asked(memory: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """What is read of weights, as (path, start, end)."""
    listed: list[tuple[str, int, int]] = []
    real = type(memory).cat_file

    def cat_file(self: Any, path: str, start: Any = None, end: Any = None, **more: Any) -> bytes:
        if path.endswith(".safetensors"):
            assert start is not None and end is not None
            listed.append((path, start, end))
        return real(self, path, start, end, **more)

    monkeypatch.setattr(type(memory), "cat_file", cat_file)
    return listed


def tensors(folder: Path) -> dict[str, bytes]:
    """Every tensor's bytes."""
    found = {name: t for file in folder.glob("model*.safetensors") for name, t in load_file(file).items()}
    return {name: t.contiguous().view(torch.uint8).numpy().tobytes() for name, t in sorted(found.items())}


def local(recipe: str, out: Path, family: Path, **more: Any) -> dict[str, bytes]:
    """The same merge of folders."""
    merge(load(recipe.format("")), out, roots=[family], **more)
    return tensors(out)


def fetched(fs: Any, path: str, to: Path) -> dict[str, bytes]:
    """The tensors of a folder in the store."""
    to.mkdir()
    for name in fs.ls(path, detail=False):
        (to / name.rpartition("/")[2]).write_bytes(fs.cat_file(name))
    return tensors(to)


# ---------------------------------------------------------------------------------------------- reading


RECIPES = (
    TIES,
    "{{merge_method: slerp, base_model: {0}base, models: [{{model: {0}base}}, {{model: {0}one}}], parameters: {{t: 0.3}}}}",
    "{{merge_method: sce, base_model: {0}base, models: [{{model: {0}one}}, {{model: {0}two}}], "
    "parameters: {{select_topk: 0.5}}}}",
    "{{merge_method: passthrough, slices: [{{sources: [{{model: {0}one, layer_range: [0, 2]}}]}}, "
    "{{sources: [{{model: {0}two, layer_range: [1, 3]}}]}}]}}",
    "{{merge_method: linear, models: [{{model: {0}one}}, {{model: {0}two}}], parameters: {{weight: 0.5}}, "
    "tokenizer: {{source: union}}}}",
    "name: first\nmerge_method: linear\nmodels: [{{model: {0}one, parameters: {{weight: 1}}}}, "
    "{{model: {0}two, parameters: {{weight: 1}}}}]\n---\nmerge_method: task_arithmetic\nbase_model: {0}base\n"
    "models: [{{model: first, parameters: {{weight: 0.5}}}}]",
)  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES, ids=["ties", "slerp", "sce", "slices", "tokens", "documents"])
@pytest.mark.long
def test_the_bits_of_folders(recipe: str, family: Path, memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "PIECE", 100)  # so that tiny tensors come in several
    monkeypatch.setattr(ranges, "SMALL", 200)
    plain = local(recipe, tmp_path / "plain", family)
    merge(load(recipe.format(STORE)), tmp_path / "out")
    assert tensors(tmp_path / "out") == plain and len(plain) > 20
    copied = {file.name: file.read_bytes() for file in (tmp_path / "out").glob("tok*")}
    assert copied == {file.name: file.read_bytes() for file in (tmp_path / "plain").glob("tok*")} and copied


def test_a_lora_on_a_model_in_a_store(family: Path, memory: Any, tmp_path: Path) -> None:
    lora = tmp_path / "lora"
    lora.mkdir()
    module = "model.layers.1.self_attn.q_proj"
    rows, columns = open_anywhere(f"{STORE}one").tensors[f"{module}.weight"].shape
    factors = {"A": torch.ones(2, columns) / 7, "B": torch.ones(rows, 2) / 3}
    save_file({f"base_model.model.{module}.lora_{k}.weight": v for k, v in factors.items()}, lora / "adapter_model.safetensors")
    (lora / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 4}))
    recipe = (
        "{{merge_method: linear, models: [{{model: {0}one+" + str(lora) + "}}, {{model: {0}two}}], parameters: {{weight: 1}}}}"
    )
    plain = local(recipe, tmp_path / "plain", family)
    merge(load(recipe.format(STORE)), tmp_path / "out")
    assert tensors(tmp_path / "out") == plain
    with pytest.raises(CheckpointError, match="a LoRA is read from a folder or from the Hub"):
        open_anywhere(f"{STORE}one+{STORE}two")


@pytest.mark.parametrize("small", [100, 10_000])
def test_only_what_is_needed_is_read_and_kept_nowhere(
    small: int, family: Path, memory: Any, asked: list[tuple[str, int, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a part: the headers, and the tensors it makes, each once; no file of a parent's weights appears on this machine."""
    for name, value in (("SMALL", small), ("GAP", 0), ("PIECE", 128)):
        monkeypatch.setattr(ranges, name, value)
    monkeypatch.setattr("merger.hub.afar.FIRST", 64)
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    seen = set[Path]()

    def look(_: Step) -> None:
        assert [*tmp_path.glob("temp/merger-*/config.json")]
        seen.update(file for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_size > 2000)

    recipe, part = load(TIES.format(STORE)), Part(2, 5)
    models = open_models(recipe, opener=open_anywhere)
    plan = make_plan(recipe, models)
    headers = sum(end - start for _, start, end in asked)
    assert headers == sum(8 + int.from_bytes(f.read_bytes()[:8], "little") for f in family.glob("*/*.safetensors"))
    asked.clear()
    merge(recipe, tmp_path / "out", shard_size="3KB", part=part, progress=look, card=False)
    assert {file.parent.name for file in seen if file.suffix not in (".json", ".so")} == {"out.partial"}, seen
    made = {name for file in (tmp_path / "out.partial").glob("*.safetensors") for name in load_file(file)}
    assert 0 < len(made) < len(plan.jobs)
    needed = sum(models[s.key].tensors[s.name].nbytes for job in plan.jobs if job.name in made for s in {*job.sources, job.base})
    assert sum(end - start for _, start, end in asked) - headers == needed
    assert len(asked) == len(set(asked))  # nothing twice


def test_small_neighbours_come_together(memory: Any, asked: list[tuple[str, int, int]], tmp_path: Path) -> None:
    merge(load(TIES.format(STORE)), tmp_path / "out", card=False)
    assert len(asked) == 2 * 6  # a header and one stretch of each file


def test_where_tokens_are_a_mess_small_things_stay_small(memory: Any) -> None:
    """What a model keeps of stretches is bounded."""
    model = open_anywhere(f"{STORE}base")
    assert model.afar is not None
    for name in model.tensors:
        model.read(name)
    kept = model.afar._kept.values()
    assert 0 < sum(map(len, kept)) <= ranges.KEPT


def test_kept_stretches_are_let_go_of(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "RUN", 600)
    monkeypatch.setattr(ranges, "KEPT", 1500)
    model, plain = open_anywhere(f"{STORE}base"), dict[str, torch.Tensor]()
    assert model.afar is not None
    for name in [*model.tensors, *model.tensors]:
        plain[name] = model.read(name)
        assert sum(map(len, model.afar._kept.values())) <= 1500
    assert all(torch.equal(model.read(name), value) for name, value in plain.items())


def test_a_stopped_merge_fetches_nothing_more(memory: Any, tmp_path: Path) -> None:
    stop: list[str] = []
    with pytest.raises(Cancelled):
        merge(load(TIES.format(STORE)), tmp_path / "out", progress=lambda s: stop.append(s.name), cancelled=lambda: bool(stop))
    model = open_anywhere(f"{STORE}base")
    assert model.afar is not None
    model.afar.leave()
    model.afar.focus(())
    with pytest.raises(Cancelled):
        model.read(next(iter(model.tensors)))


def test_samples_are_a_few_rows_of_large_tensors(
    memory: Any, asked: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`inspect` of a model in a store reads a little, and the same places of every model."""
    monkeypatch.setattr("merger.inspect.analysis._WHOLE", 100)
    recipe = load(TIES.format(STORE))
    models = open_models(recipe, opener=open_anywhere)
    for model in models.values():
        assert model.afar is not None
        model.afar.focus(())
    asked.clear()
    sketch, plan = Sketch(models), make_plan(recipe, models)
    job = next(job for job in plan.jobs if "embed" in job.name)
    assert job.base is not None
    rows = [(2 * k + 1) * job.shape[0] // 32 for k in range(16)]
    for source in (*job.sources, job.base):
        whole = models[source.key].read(source.name)
        assert torch.equal(sketch.read(source), whole[rows].reshape(-1))
    each = job.shape[1] * 4
    assert sum(end - start == each for _, start, end in asked) == 3 * 16


# ---------------------------------------------------------------------------------------------- what goes wrong


def test_a_file_that_changes_is_noticed(family: Path, memory: Any, tmp_path: Path) -> None:
    def change(step: Step) -> None:
        if step.tensors == 5:
            for name in memory.ls("/models/one", detail=False):
                if name.endswith(".safetensors"):
                    memory.pipe_file(name, memory.cat_file(name))

    with pytest.raises(InputChanged, match=r"memory://models/one/model-0000\d-of-00002.safetensors: was changed while") as told:
        merge(load(TIES.format(STORE)), tmp_path / "out", progress=change)
    assert told.value.fresh and [*tmp_path.iterdir()] == []
    merge(load(TIES.format(STORE)), tmp_path / "out")  # as it is now


def test_it_is_asked_for_again_after_a_while(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = open_anywhere(f"{STORE}one")
    name = next(iter(model.tensors))
    model.read(name)
    path = f"/models/one/{model.tensors[name].file.name}"
    memory.pipe_file(path, memory.cat_file(path))
    model.check()  # within the while
    monkeypatch.setattr(ranges, "LOOK", 0.0)
    with pytest.raises(InputChanged):
        model.check()


@pytest.mark.parametrize("cut", [5, 100, -1])
def test_a_cut_file(cut: int, family: Path, memory: Any) -> None:
    path = "/models/one/model-00001-of-00002.safetensors"
    memory.pipe_file(path, memory.cat_file(path)[:cut])
    with pytest.raises(
        CheckpointError, match=r"^memory://models/one(/model|: model)?.*(damaged|truncated|there is more|ends)"
    ) as told:
        open_anywhere(f"{STORE}one")
    assert "merger-" not in str(told.value) and "\n" not in str(told.value).replace("\n  Download the file again.", "")


def test_a_network_that_fails_is_tried_again(memory: Any, tmp_path: Path, family: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "FIRST_WAIT", 0.001)
    real, count = type(memory).cat_file, [0]

    def cat_file(self: Any, path: str, start: Any = None, end: Any = None, **more: Any) -> bytes:
        count[0] += 1
        if count[0] % 2:
            raise ConnectionResetError("SECRETWORD")
        found = real(self, path, start, end, **more)
        return found[:-1] if count[0] % 3 == 0 and start else found  # and what comes is cut

    monkeypatch.setattr(type(memory), "cat_file", cat_file)
    monkeypatch.setattr(stores, "TRIES", 8)
    merge(load(TIES.format(STORE)), tmp_path / "out")
    assert tensors(tmp_path / "out") == local(TIES, tmp_path / "plain", family)
    monkeypatch.setattr(type(memory), "cat_file", lambda *_, **__: (_ for _ in ()).throw(ConnectionResetError("SECRETWORD")))
    with pytest.raises(CheckpointError, match=r"does not answer, or gave up in the middle \(ConnectionResetError\)") as told:
        merge(load(TIES.format(STORE)), tmp_path / "more")
    assert "SECRETWORD" not in str(told.value)


class NoCredentialsError(Exception):
    """As botocore calls it."""


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PermissionError("key SECRETWORD"), "may not be read with the credentials"),
        (FileNotFoundError("SECRETWORD"), "there is nothing of this name in the store, or no such bucket"),
        (NoCredentialsError("SECRETWORD"), "no credentials are found here"),
        (ValueError("SECRETWORD"), r"the store refuses it \(ValueError\)"),
    ],
)
def test_errors_are_told_in_our_words(
    error: Exception, says: str, memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ls", "cat_file"):
        with monkeypatch.context() as broken:
            broken.setattr(type(memory), name, lambda *_, **__: (_ for _ in ()).throw(error))
            with pytest.raises(CheckpointError, match=says) as told:
                open_anywhere(f"{STORE}one")
        assert "SECRETWORD" not in str(told.value) and str(told.value).startswith("memory://models/one")
        assert told.value.__cause__ is None and told.value.__suppress_context__


BAD = {
    "https://host/model": "no store that is known here",
    "file:///etc": "no store that is known here",
    "reference://x/y": "no store that is known here",
    "s3://KEYID:SECRETWORD@bucket/model": "no name and no key in an address",
    "s3://SECRETWORD@bucket/model": "no name and no key in an address",
    "s3://bucket/model?X-Amz-Signature=SECRETWORD": "is no address of a folder",
    "s3://bucket/../model": "is no address of a folder",
    "s3://bucket//model": "is no address of a folder",
    "s3:/bucket/model": "is no address of a folder",
    "s3://": "is no address of a folder",
    "hf://owner": "write hf://owner/name",
    "hf://owner/name/../..": "write hf://owner/name",
    "s3://bucket/model": r"s3:// needs s3fs, which is not installed here: pip install 'merge-explorer\[stores\]'",
    "gs://bucket/model": "gs:// needs gcsfs, which is not installed here: pip install gcsfs",
}


@pytest.mark.parametrize("address", BAD)
def test_bad_addresses(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a model and as an output; told before anything is asked, and without what could be a key."""
    for package in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, package, None)  # as where it is not installed
    with pytest.raises(CheckpointError, match=BAD[address]) as told:
        open_anywhere(address)
    assert "SECRETWORD" not in str(told.value) and "\n" not in str(told.value)
    if stores.is_address(address):
        with pytest.raises(MergeError, match=BAD[address]) as told:
            merge(load(TIES.format("")), address)
        assert "SECRETWORD" not in str(told.value)


@pytest.mark.parametrize("address", ["s3://bucket/model", "hf://owner/name", "memory://models/one", "s3://K:SECRETWORD@b/m"])
def test_a_page_opens_no_address(address: str, memory: Any) -> None:
    """A visitor must not make the server ask anybody, least of all with the owner's credentials."""
    for folders in (None, frozenset[str]()):
        with pytest.raises(CheckpointError) as told:
            open_here(address, folders=folders)
        assert "SECRETWORD" not in str(told.value) and "is an address" in str(told.value)
    assert "opens models from the Hub only" in Access(frozenset()).refusal(address)


def test_what_is_no_model(memory: Any, family: Path) -> None:
    def put(name: str, files: dict[str, bytes]) -> str:
        for file, raw in files.items():
            memory.pipe_file(f"/odd/{name}/{file}", raw)
        return f"memory://odd/{name}"

    weights = (family / "one/model-00001-of-00002.safetensors").read_bytes()
    for address, says in (
        (put("empty", {"config.json": b"{}"}), "holds no weights"),
        (put("bin", {"pytorch_model.bin": b"x"}), "has only .bin files, which are not read by ranges"),
        (put("lora", {"adapter_config.json": b"{}", "adapter_model.safetensors": weights}), "this is a LoRA, not a model"),
        (put("json", {"config.json": b"{", "model.safetensors": weights}), "memory://odd/json/config.json: this is not JSON"),
        (put("away", {"model.safetensors.index.json": b'{"weight_map": {"a": "../../x.safetensors"}}'}), "this upload is broken"),
        (put("short", {"model.safetensors": b"x"}), "not a safetensors file"),
        ("memory://odd/none", "there is nothing of this name in the store"),
    ):
        with pytest.raises(CheckpointError, match=says) as told:
            open_anywhere(address)
        assert "merger-" not in str(told.value), "the place of the copies"


def test_copies_are_cleared_away(memory: Any) -> None:
    def opened() -> Path:
        place = open_anywhere(f"{STORE}one").folder
        model = open_anywhere(f"{STORE}one")
        assert (model.folder / "config.json").is_file() and not [*model.folder.glob("*.safetensors")]
        return place

    place = opened()
    gc.collect()
    assert not place.exists()


def test_no_room_for_what_is_beside(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, _: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(MergeError, match="cannot be written: No space left on device; name another place in TMPDIR"):
        open_anywhere(f"{STORE}one")
    assert [*tmp_path.iterdir()] == []


def test_memory_is_reckoned_with(memory: Any, family: Path, tmp_path: Path) -> None:
    recipe = load(TIES.format(STORE))
    models = open_models(recipe, opener=open_anywhere)
    plan = make_plan(recipe, models)
    largest = max(plan.jobs, key=lambda job: job.slot.nbytes)
    assert budget.memory_of(largest, models) - budget.memory_of(largest) == 3 * largest.slot.nbytes
    with pytest.raises(MergeError, match="because its models lie elsewhere and are fetched into memory"):
        merge(recipe, tmp_path / "out", memory=budget.OWN_MEMORY + budget.memory_of(largest, models))
    room = budget.OWN_MEMORY + ranges.MEMORY + 2 * budget.memory_of(largest, models)
    assert budget.fitting_workers(plan.jobs, 4, None, models, room=room) in (2, 3)
    assert budget.fitting_workers(plan.jobs, 4, None, models, room=1) == 1
    assert budget.fitting_workers(plan.jobs, 4, None, None, room=1) == 4


# ---------------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize("recipe", [RECIPES[0], RECIPES[2], RECIPES[4]], ids=["ties", "sce", "tokens"])
@pytest.mark.parametrize("size", ["2KB", "5GB"])
def test_a_merge_into_a_store(recipe: str, size: str, family: Path, memory: Any, tmp_path: Path) -> None:
    plain = local(recipe, tmp_path / "plain", family, shard_size=size)
    merge(load(recipe.format("")), "memory://made/out", roots=[family], shard_size=size)
    assert fetched(memory, "/made/out", tmp_path / "out") == plain
    names = {file.name for file in (tmp_path / "plain").iterdir()}
    assert {file.name for file in (tmp_path / "out").iterdir()} == names
    for name in names:  # the same recipe, the same files
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes() or name == "README.md"


def test_what_makes_it_a_model_comes_last(family: Path, memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real = type(memory).pipe_file
    monkeypatch.setattr(
        type(memory), "pipe_file", lambda self, path, *rest, **more: (order.append(path), real(self, path, *rest, **more))[1]
    )
    merge(load(TIES.format("")), "memory://made/out", roots=[family], shard_size="3KB")
    assert [path.rpartition("/")[2] for path in order[-2:]] == ["model.safetensors.index.json", "config.json"] and len(order) > 5


@pytest.mark.parametrize("at", ["tensor", "close", "tokenizer.json", "config.json", "stopped"])
def test_a_merge_that_fails_leaves_nothing(at: str, family: Path, memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any, path: str, *rest: Any, **more: Any) -> None:
        if path.endswith(at):
            raise ConnectionResetError("SECRETWORD")
        real(self, path, *rest, **more)

    real, steps = type(memory).pipe_file, list[Step]()
    monkeypatch.setattr(stores, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(type(memory), "pipe_file", broken)
    if at == "tensor":
        monkeypatch.setattr("merger.engine.batch.stretches", lambda *_: (_ for _ in ()).throw(MergeError("SECRET tensor")))
    if at == "close":
        monkeypatch.setattr(stores.Upload, "close", lambda _: (_ for _ in ()).throw(MergeError("no way")))
    with pytest.raises(MergeError) as told:
        merge(
            load(TIES.format("")), "memory://made/out", roots=[family], shard_size="3KB", progress=steps.append,
            cancelled=lambda: at == "stopped" and len(steps) > 3,
        )  # fmt: skip
    assert [name for name in memory.store if name.startswith("/made")] == [] and "SECRETWORD" not in str(told.value)


def test_a_file_is_sent_as_soon_as_it_is_made(family: Path, memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits in memory for an upload does not grow with the number of files."""
    sent, waiting = list[str](), list[int]()
    real = stores.Upload.close
    monkeypatch.setattr(stores.Upload, "close", lambda self: (real(self), sent.append(self.name)))

    def look(_: Step) -> None:
        begun = len([name for name in memory.store if name.startswith("/made")])
        waiting.append(begun - len(set(sent)))

    merge(load(TIES.format("")), "memory://made/out", roots=[family], shard_size="1KB", progress=look, workers=1)
    assert len(set(sent)) > 8 and max(waiting) <= 2


def test_a_store_that_knows_no_exclusive_mode(family: Path, memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = type(memory)._open

    def open_(self: Any, path: str, mode: str = "rb", **more: Any) -> Any:
        if "x" in mode:
            raise NotImplementedError
        return real(self, path, mode, **more)

    monkeypatch.setattr(type(memory), "_open", open_)
    merge(load(TIES.format("")), "memory://made/out", roots=[family])
    assert fetched(memory, "/made/out", tmp_path / "out") == local(TIES, tmp_path / "plain", family)


def test_what_is_there_is_not_touched(family: Path, memory: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    memory.pipe_file("/made/out/mine.txt", b"mine")
    with pytest.raises(MergeError, match=r"memory://made/out: is not empty; name a new folder in the store"):
        merge(load(TIES.format("")), "memory://made/out", roots=[family])
    assert [name for name in memory.store if name.startswith("/made")] == ["/made/out/mine.txt"]
    (tmp_path / "r.yaml").write_text(TIES.format(f"{family}/"))
    for more in (["--part", "1/2"], ["--join"], ["--ray"]):
        assert main(["merge", str(tmp_path / "r.yaml"), "memory://made/new", *more]) == 1
        assert "share a folder, and a store is none" in capsys.readouterr().err


def test_the_command(family: Path, memory: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.yaml").write_text(TIES.format(STORE))
    assert main(["merge", str(tmp_path / "r.yaml"), "memory://made/out"]) == 0
    assert "memory://made/out: 30 tensors" in capsys.readouterr().out
    assert fetched(memory, "/made/out", tmp_path / "out") == local(TIES, tmp_path / "plain", family)
    assert main(["inspect", str(tmp_path / "r.yaml")]) == 0
    assert "whole model" in capsys.readouterr().out
    assert main(["merge", str(tmp_path / "r.yaml"), "--dry-run"]) == 0
    assert "memory about" in capsys.readouterr().out
