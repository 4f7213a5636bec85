"""The Hub, by the real huggingface_hub client against a stand-in on this machine: find, look into, download, push, and every way
it fails. Nothing here leaves the machine."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import huggingface_hub.constants
import pytest
import tiny
import torch
from hub_standin import READER, WRITER, Hub, Repo, alone, small_merge
from safetensors.torch import load_file, save_file

from merger.engine.plan import make_plan
from merger.errors import Cancelled, CheckpointError, MergeError
from merger.files.checkpoints import open_checkpoint
from merger.hub import push, references, remote, store, wire
from merger.hub.card import Example, Parent, card, with_answers
from merger.hub.figures import CardFigure, write_figures
from merger.inspect.verdict import verdict
from merger.recipe import load

ROOT = Path(__file__).parent.parent
FAMILY = ROOT / "presets" / "family"
RECIPE = load("""
merge_method: ties
base_model: tiny/base
models:
  - {model: tiny/pirate, parameters: {weight: 1, density: 0.5}}
""")
WEIGHTS = "model.safetensors"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, no login on this machine, no long waits."""
    folder = tmp_path / "cache"
    alone(monkeypatch, folder)
    return folder


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as standin:
        monkeypatch.setenv("HF_ENDPOINT", standin.url)
        standin.add("tiny/base", FAMILY / "base", downloads=9, card={"license": "apache-2.0"})
        kin = ("safetensors", "base_model:tiny/base", "base_model:finetune:tiny/base")
        standin.add("tiny/pirate", FAMILY / "pirate", tags=kin, card={"license": "cc-by-nc-4.0"})
        yield standin


def said(call: Callable[[], object], kind: type[Exception] = CheckpointError) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


def many(rows: int) -> dict[str, bytes]:
    """A model with a weight file of so many kilobytes."""
    entry = {"dtype": "F32", "shape": [rows, 256], "data_offsets": [0, rows * 1024]}
    header = json.dumps({"model.layers.0.mlp.up_proj.weight": entry})
    data = bytes(range(256)) * (rows * 4)
    return {"config.json": b"{}", WEIGHTS: len(header).to_bytes(8, "little") + header.encode() + data}


# ---------------------------------------------------------------------------------------------- find


def test_search(hub: Hub) -> None:
    hub.add("other/tiny-gguf", FAMILY / "base", tags=("safetensors", "gguf", "base_model:quantized:tiny/base"))
    hub.add("other/no-safetensors", {"pytorch_model.bin": b"x"}, tags=())
    found = {f.id: f for f in remote.search("  TINY ", False)}
    assert list(found) == ["tiny/base", "tiny/pirate", "other/tiny-gguf"]
    assert found["tiny/base"] == remote.HubModel("tiny/base", "LlamaForCausalLM", 1_239_040, 2_478_080, "apache-2.0", 9)
    pirate = found["tiny/pirate"]
    assert (pirate.base, pirate.relation, pirate.licence, pirate.quantized) == (("tiny/base",), "finetune", "cc-by-nc-4.0", False)
    assert found["other/tiny-gguf"].quantized and pirate.page == f"{hub.url}/tiny/pirate"
    assert [f.id for f in remote.relatives("tiny/base@main", False)] == ["tiny/pirate"]
    assert remote.search("   ") == () and remote.about("tiny/pirate", False) == pirate
    assert len(remote.search("tiny", False, limit=1)) == 1


def test_what_strangers_write_on_their_page(hub: Hub) -> None:
    """Of the wrong kind it counts as not said; names that are no ids are not offered."""
    tags = ("safetensors", "base_model:finetune:../../etc", "base_model:<img src=x>", "license:" + "x" * 500)
    config = b'{"architectures": [{"a": 1}], "model_type": ["x"]}'
    hub.add("odd/page", {"config.json": config}, tags=tags, card={"license": ["a", {}]})
    (found,) = remote.search("odd", False)
    assert (found.architecture, found.base, found.parameters, len(found.licence or "")) == (None, (), None, 80)


@pytest.mark.parametrize(("text", "reference"), [
    ("owner/name", "owner/name"),
    ("  owner/name@v1 ", "owner/name@v1"),
    ("https://huggingface.co/owner/name", "owner/name"),
    ("huggingface.co/owner/name/", "owner/name"),
    ("https://hf.co/owner/name/tree/main", "owner/name"),
    ("https://huggingface.co/owner/name/blob/0123abc/config.json", "owner/name@0123abc"),
    ("https://huggingface.co/owner/name/resolve/v2/model.safetensors?download=true#top", "owner/name@v2"),
    ("https://huggingface.co/owner/name/tree/refs%2Fpr%2F3", "owner/name@refs/pr/3"),
    ("hf://owner/name", "owner/name"),
])  # fmt: skip
def test_pasted(text: str, reference: str) -> None:
    assert references.from_text(text) == reference


@pytest.mark.parametrize(("text", "why"), [
    ("gpt2", "this is no model's name"),
    ("../../etc/passwd", "this is no model's name"),
    ("owner/name@../../x", "this is no model's name"),
    ("https://example.com/owner/name", "this is no address on huggingface.co"),
    ("https://huggingface.co.evil.org/owner/name", "this is no address on huggingface.co"),
    ("https://user@evil.org:80/huggingface.co/x", "this is no address on huggingface.co"),
    ("file:///etc/passwd", "this is no address on huggingface.co"),
    ("https://huggingface.co/datasets/owner/name", "this is a page of datasets"),
    ("https://huggingface.co/", "this is the Hub's first page"),
    ("https://huggingface.co/..%2F..%2Fetc/passwd", "this address names no model"),
    ("https://huggingface.co/owner/name/tree/..%2F..%2Fx", "this address names no model"),
    ("javascript:alert(1)", "this is no model's name"),
    ("/" * 5000, "this is no model's name"),
])  # fmt: skip
def test_pasted_nonsense(text: str, why: str) -> None:
    assert why in said(lambda: references.from_text(text))


# ---------------------------------------------------------------------------------------------- look into


def test_peek_is_the_model_without_its_weights(hub: Hub) -> None:
    """The same tensors, plan and verdict as after the download, for a few kilobytes of each weight file."""
    here = {name: references.open_reference(str(FAMILY / name.partition("/")[2])) for name in ("tiny/base", "tiny/pirate")}
    afar = {name: remote.peek(name, False) for name in here}
    sent = hub.bytes_of("signature")
    assert sent <= 2 * 64_000 and not list(wire_cache().rglob("*.safetensors"))
    for name, model in afar.items():
        shapes = {n: (t.shape, t.dtype, t.offset) for n, t in model.tensors.items()}
        assert shapes == {n: (t.shape, t.dtype, t.offset) for n, t in here[name].tensors.items()}
        assert model.config == here[name].config and isinstance(model, remote.Remote)
    assert remote.sizes(afar.values()) == sum((FAMILY / n / WEIGHTS).stat().st_size for n in ("base", "pirate"))
    told = verdict(RECIPE, afar, make_plan(RECIPE, afar))
    there = verdict(RECIPE, here, make_plan(RECIPE, here))
    assert told.findings == there.findings and [s.can for s in told.shares] == [s.can for s in there.shares]
    assert hub.bytes_of("signature") - sent < 200_000


def wire_cache() -> Path:
    return store.root()


def test_a_stranger_is_told_from_afar(hub: Hub, tmp_path: Path) -> None:
    """The article's mistake, seen before a byte of weights is downloaded: the base is not the ancestor."""
    shutil.copytree(FAMILY / "base", tmp_path / "other")
    tensors = load_file(tmp_path / "other" / WEIGHTS)
    mixed = {n: torch.randn(t.shape, generator=torch.Generator().manual_seed(i)).to(t) * t.float().std() if t.ndim == 2 else t
             for i, (n, t) in enumerate(tensors.items())}  # fmt: skip
    save_file(mixed, tmp_path / "other" / WEIGHTS)
    hub.add("tiny/other", tmp_path / "other")
    recipe = load("{merge_method: ties, base_model: tiny/base, models: [{model: tiny/other, parameters: {weight: 1}}]}")
    models = {name: remote.peek(name, False) for name in ("tiny/base", "tiny/other")}
    told = verdict(recipe, models, make_plan(recipe, models))
    assert any("tiny/base is not the ancestor of tiny/other" in f.words for f in told.findings)
    assert not list(wire_cache().rglob("*.safetensors"))


def test_a_slow_hub_leaves_ancestry_open(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MAX_SECONDS", -1.0)
    models = {name: remote.peek(name, False) for name in ("tiny/base", "tiny/pirate")}
    told = verdict(RECIPE, models, make_plan(RECIPE, models))
    words = "whether tiny/pirate comes from tiny/base can be told once both are on this machine."
    assert [f.words for f in told.findings if "comes from" in f.words] == [words]
    name = max(models["tiny/base"].tensors, key=lambda n: models["tiny/base"].tensors[n].nbytes)
    monkeypatch.setattr(remote, "MAX_READ", 10)
    assert said(lambda: models["tiny/base"].read(name)) == f"tiny/base: not downloaded yet; {name} is still on the Hub."


def test_peek_of_shards_and_of_what_is_half_here(hub: Hub, tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base",), shards=3)
    hub.add("tiny/shards", tmp_path / "base")
    whole = open_checkpoint("x", tmp_path / "base")
    afar = remote.peek("tiny/shards", False)
    assert {n: t.shape for n, t in afar.tensors.items()} == {n: t.shape for n, t in whole.tensors.items()}
    store.download("tiny/shards", False)
    assert remote.sizes([remote.peek("tiny/shards", False)]) == 0


def test_a_lora_is_seen_on_its_model(hub: Hub, tmp_path: Path) -> None:
    target = next(n for n, t in open_checkpoint("x", FAMILY / "base").tensors.items() if n.endswith("q_proj.weight"))
    rows, columns = open_checkpoint("x", FAMILY / "base").tensors[target].shape
    module = f"base_model.model.{target.removesuffix('.weight')}"
    lora = tmp_path / "lora"
    lora.mkdir()
    factors = {f"{module}.lora_A.weight": torch.ones(2, columns), f"{module}.lora_B.weight": torch.ones(rows, 2)}
    save_file(factors, lora / "adapter_model.safetensors")
    (lora / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 2, "lora_alpha": 2}')
    hub.add("tiny/lora", lora)
    assert remote.peek("tiny/base+tiny/lora", False).reference == "tiny/base+tiny/lora"
    model = references.open_reference("tiny/base+tiny/lora")
    assert torch.equal(model.read(target), open_checkpoint("x", FAMILY / "base").read(target).float() + 2)


# ---------------------------------------------------------------------------------------------- download


def test_download_fills_huggingface_hubs_cache(hub: Hub) -> None:
    told: list[store.Fetched] = []
    folder = store.download("tiny/base", False, told.append)
    assert [f.all_done for f in told] == sorted(f.all_done for f in told)
    assert told[-1].all_done == told[-1].all_size == (FAMILY / "base" / WEIGHTS).stat().st_size
    assert (folder / WEIGHTS).read_bytes() == (FAMILY / "base" / WEIGHTS).read_bytes()
    assert str(folder) == huggingface_hub.snapshot_download("tiny/base", local_files_only=True, cache_dir=store.root())
    scanned = huggingface_hub.scan_cache_dir(store.root())
    assert not scanned.warnings and [repo.repo_id for repo in scanned.repos] == ["tiny/base"]
    asked = len(hub.asked)
    assert store.download("tiny/base", False) == folder
    assert len(hub.asked) == asked + 1  # what is here is not fetched again


def test_cancel_and_go_on(hub: Hub) -> None:
    """What has arrived stays, and the next try asks for the rest only."""
    hub.add("big/one", many(3000))
    size = len(hub.repos["big/one"].files[WEIGHTS])
    told: list[store.Fetched] = []
    stop = threading.Event()

    def watch(fetched: store.Fetched) -> None:
        told.append(fetched)

    count = [0]

    def cancelled() -> bool:
        count[0] += 1
        return stop.is_set() or count[0] > 8

    message = said(lambda: store.download("big/one", False, watch, cancelled), Cancelled)
    assert "stopped" in message
    (half,) = wire_cache().rglob("*.incomplete")
    kept = half.stat().st_size
    assert 0 < kept < size and references.folder_of is not None and store.cached("big/one") is None
    folder = store.download("big/one", False, watch)
    resumed = [a for a in hub.asked if a.store and a.range]
    assert [a.range for a in resumed] == [f"bytes={kept}-"] and resumed[0].sent == size - kept
    assert (folder / WEIGHTS).read_bytes() == hub.repos["big/one"].files[WEIGHTS]
    assert not list(wire_cache().rglob("*.incomplete"))


def test_a_cut_connection_goes_on_by_itself(hub: Hub) -> None:
    hub.add("big/one", many(2000))
    hub.fail("GET /.*signature", cut=700_000, times=3)
    folder = store.download("big/one", False)
    assert (folder / WEIGHTS).read_bytes() == hub.repos["big/one"].files[WEIGHTS]
    ranges = [a.range for a in hub.asked if a.store]
    assert ranges[0] is None and all(r is not None for r in ranges[1:]) and len(ranges) == 4


def test_a_server_without_ranges_starts_anew(hub: Hub) -> None:
    hub.ranges = False
    hub.add("big/one", many(1000))
    hub.fail("GET /.*signature", cut=300_000)
    folder = store.download("big/one", False)
    assert (folder / WEIGHTS).read_bytes() == hub.repos["big/one"].files[WEIGHTS]


def test_what_came_damaged_is_not_kept(hub: Hub) -> None:
    hub.fail("GET /.*signature", spoil=True)
    message = said(lambda: store.download("tiny/base", False))
    assert message == "tiny/base: model.safetensors came damaged: its digest is another.\n  Download it again."
    assert not list(wire_cache().rglob("*.incomplete")) and store.cached("tiny/base") is None
    assert store.cached("tiny/base@main") is None and store.download("tiny/base", False).is_dir()


def test_more_than_the_hub_lists_is_not_stored(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = store._file

    def shorter(entry: Any) -> store.RepoFile | None:
        found = real(entry)
        return replace(found, size=1000) if found is not None and found.name == WEIGHTS else found

    monkeypatch.setattr(store, "_file", shorter)
    assert "model.safetensors is longer than the Hub lists" in said(lambda: store.download("tiny/base", False))
    assert sum(path.stat().st_size for path in cache.rglob("*.incomplete")) <= 1000


def test_two_at_once_fetch_it_once(hub: Hub) -> None:
    hub.add("big/one", many(1500))
    hub.fail("GET /.*signature", slow=lambda: time.sleep(0.7))
    folders: list[Path] = []
    threads = [threading.Thread(target=lambda: folders.append(store.download("big/one", False))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(folders) == 2 and hub.count("GET /.*signature") == 1


def test_waiting_for_another_can_be_cancelled(hub: Hub) -> None:
    gate = threading.Event()
    hub.fail("GET /.*signature", slow=lambda: gate.wait(20))
    first = threading.Thread(target=lambda: store.download("tiny/base", False))
    first.start()
    while not hub.count("resolve.*safetensors"):
        time.sleep(0.02)
    ends = time.monotonic() + 1
    said(lambda: store.download("tiny/base", False, None, lambda: time.monotonic() > ends), Cancelled)
    gate.set()
    first.join(30)
    assert store.cached("tiny/base") is not None


def test_only_what_makes_the_model(hub: Hub, tmp_path: Path) -> None:
    """The index decides; other copies of the weights, training leftovers and subfolders stay on the Hub."""
    tiny.make_family(tmp_path, models=("base",), shards=2)
    files = {p.name: p.read_bytes() for p in (tmp_path / "base").iterdir()}
    more = {
        "consolidated.safetensors": b"x" * 99, "pytorch_model.bin": b"x" * 99, "trainer_state.json": b"{}",
        "sub/config.json": b"{}", "modeling_evil.py": b"raise SystemExit", "README.md": b"hello",
    }  # fmt: skip
    hub.add("big/two", files | more)
    folder = store.download("big/two", False)
    names = {p.name for p in folder.iterdir()}
    assert names == {*files, "README.md"} and open_checkpoint("x", folder).nbytes > 0


def test_limits_of_a_page(hub: Hub) -> None:
    hub.add("old/bin", {"config.json": b"{}", "pytorch_model.bin": b"x" * 50})
    hub.add("old/gguf", {"config.json": b"{}", "model.gguf": b"x" * 50})
    assert said(lambda: store.download("old/bin", False, only_safetensors=True)) == (
        "old/bin: has only .bin files; this page opens safetensors only. Look for another copy of it."
    )
    assert said(lambda: remote.peek("old/bin", False)).endswith("which cannot be looked into from afar; download it first.")
    assert said(lambda: store.download("old/gguf", False)) == (
        "old/gguf: holds GGUF files, which are quantized; choose the model it was made from."
    )
    assert said(lambda: store.download("tiny/base", False, limit=1_000_000)) == (
        "tiny/base: has 2.5 MB of weights; this page takes models of up to 1.0 MB."
    )
    assert not list(wire_cache().rglob("*.safetensors")) and not list(wire_cache().rglob("*.bin"))


def test_a_full_disk_is_found_before(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    assert said(lambda: store.download("tiny/base", False)).startswith("tiny/base: needs ")


# ---------------------------------------------------------------------------------------------- refusals


def test_refusals(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("big/gated", FAMILY / "base", gated=True)
    hub.add("big/private", FAMILY / "base", private=True)
    sentence = f"this model is gated. Open {hub.url}/big/gated, accept its terms"
    assert said(lambda: remote.peek("big/gated", False)) == f"big/gated: {sentence} there, then sign in, and try again."
    assert said(lambda: store.download("big/gated", READER)) == (
        f"big/gated: {sentence} with the account you are signed in with, and try again."
    )
    nothing = "no such folder here and no such model on the Hub"
    assert said(lambda: remote.peek("big/private", False)) == f"big/private: {nothing}, or a private one: sign in to read it."
    assert said(lambda: remote.peek("big/private", READER)) == f"big/private: {nothing}, or none that your account may read."
    assert said(lambda: references.open_reference("no/where")) == (
        f"no/where: {nothing}, or a private one: sign in to read it.\n  As a folder: {Path.cwd()} holds no folder 'no'."
    )
    assert said(lambda: remote.peek("tiny/base@v9", False)).startswith("tiny/base@v9: the model has no such version;")
    assert said(lambda: remote.peek("tiny/base", "hf_old")) == (
        "tiny/base: the Hub does not accept this sign-in any more; sign in again."
    )
    hub.fail("/api/models/", status=429, headers={"Retry-After": "3600"}, times=9)
    asked = len(hub.asked)
    assert said(lambda: remote.peek("tiny/base", READER)) == (
        "tiny/base: the Hub is asked too often from here. Try again in 3600 seconds."
    )
    assert len(hub.asked) == asked + 1  # not asked five times for nothing
    hub.faults.clear()
    hub.fail("/api/models/", status=503, times=99)
    assert said(lambda: remote.peek("tiny/base", False)) == (
        "tiny/base: the Hub is in trouble (503). Nothing is lost; try again in a few minutes."
    )
    hub.faults.clear()
    hub.fail("/api/models/", status=403, times=9)
    assert said(lambda: remote.peek("tiny/base", READER)).startswith("tiny/base: your account may not do this. Look at ")
    hub.faults.clear()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    sentence = "tiny/base: is not on this machine, and HF_HUB_OFFLINE forbids to fetch it."
    assert said(lambda: remote.peek("tiny/base", False)) == sentence


def test_a_busy_hub_is_asked_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(wire, "_sleep", lambda seconds, *_: waits.append(seconds))
    hub.fail("/api/models/tiny/base", status=503, times=2)
    hub.fail("/api/models/tiny/base", status=429, headers={"Retry-After": "7"})
    hub.fail("resolve/.*/config.json", status=502)
    hub.fail("GET /.*signature", cut=3)
    assert remote.peek("tiny/base", False).tensors
    assert waits[:3] == [0.01, 0.02, 7.0]


def test_a_token_goes_to_the_hub_only(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    """Not to the store the Hub redirects to, not into the log, not onto the disk; and without one none is sent."""
    caplog.set_level("DEBUG")
    hub.add("big/private", FAMILY / "base", private=True, readers=frozenset({"reader"}))
    models = {"tiny/base": remote.peek("tiny/base", READER), "tiny/pirate": remote.peek("tiny/pirate", READER)}
    verdict(RECIPE, models, make_plan(RECIPE, models))
    store.download("big/private", READER)
    assert all(a.authorization is None for a in hub.asked if a.store)
    assert all(a.authorization == f"Bearer {READER}" for a in hub.asked if not a.store)
    assert READER not in caplog.text and READER not in repr(models)
    small = [p for p in wire_cache().rglob("*") if p.is_file() and p.stat().st_size < 10_000]
    assert small and not any(READER.encode() in p.read_bytes() for p in small)


def test_hosted_never_uses_the_machines_login(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """token=False asks as nobody even where the process has a token in its environment."""
    monkeypatch.setenv("HF_TOKEN", WRITER)
    store.download("tiny/base", False)
    remote.search("tiny", False)
    assert all(a.authorization is None for a in hub.asked)
    store.download("tiny/pirate", None)
    assert any(a.authorization == f"Bearer {WRITER}" for a in hub.asked)


def test_one_visitors_gated_model_is_not_the_next_ones(hub: Hub) -> None:
    hub.add("big/gated", FAMILY / "base", gated=True, readers=frozenset({"reader"}))
    assert references.bring("big/gated", READER).is_dir() and store.restricted("big/gated") and not store.restricted("tiny/base")
    assert "this model is gated" in said(lambda: references.bring("big/gated", False))
    assert "this model is gated" in said(lambda: references.bring("big/gated", WRITER))
    hub.fail("auth-check", status=503, times=9)
    assert "in trouble" in said(lambda: references.bring("big/gated", READER))
    assert references.bring("big/gated", None).is_dir()  # this machine's own


# ---------------------------------------------------------------------------------------------- offline, and the command line


def test_a_model_that_is_here_opens_without_the_network(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    references.open_reference("tiny/base")
    remote.peek("tiny/pirate", False)
    monkeypatch.setattr(references, "_brought", {})
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert references.open_reference("tiny/base").reference == "tiny/base"
    assert remote.is_here("tiny/base") and not remote.is_here("tiny/pirate")
    assert "the Hub cannot be reached (ConnectError)" in said(lambda: references.open_reference("tiny/pirate"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(references, "_brought", {})
    assert references.open_reference("tiny/base").nbytes == 2_478_080


def test_a_commit_that_is_here_asks_nobody(hub: Hub) -> None:
    commit = hub.repos["tiny/base"].sha
    references.open_reference(f"tiny/base@{commit}")
    asked = len(hub.asked)
    references._brought.clear()
    references.open_reference(f"tiny/base@{commit}")
    assert len(hub.asked) == asked


@pytest.mark.long
def test_the_command_line_merges_from_the_hub(hub: Hub, cache: Path, tmp_path: Path) -> None:
    """In a process of its own, with HF_ENDPOINT as users set it; then again with the Hub gone."""
    recipe = tmp_path / "r.yaml"
    recipe.write_text("{merge_method: linear, models: [{model: tiny/base}, {model: tiny/pirate}], parameters: {weight: 0.5}}")
    environment = {k: v for k, v in os.environ.items() if k != "HF_TOKEN"} | {"HF_HOME": str(tmp_path / "home")}

    def run(out: str, url: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "merger", "merge", str(recipe), str(tmp_path / out), "--quiet"]
        more = {"HF_ENDPOINT": url, "HF_HUB_CACHE": str(cache)}
        return subprocess.run(command, cwd=ROOT, env=environment | more, capture_output=True, text=True, check=False)

    assert (first := run("one", hub.url)).returncode == 0, first.stderr
    assert (second := run("two", "http://127.0.0.1:9")).returncode == 0, second.stderr
    assert (tmp_path / "one" / WEIGHTS).read_bytes() == (tmp_path / "two" / WEIGHTS).read_bytes()
    text = (tmp_path / "one/README.md").read_text()
    assert hub.repos["tiny/base"].sha in text and "base_model:\n  - tiny/base\n  - tiny/pirate\n" in text


def test_the_cache_stays_bounded(hub: Hub) -> None:
    for i in range(4):
        hub.add(f"big/m{i}", many(300 + i))
    folders = [references.bring(f"big/m{i}", False) for i in range(4)]
    for age, folder in zip((400, 100, 300, 200), folders, strict=True):
        os.utime(folder, (time.time() - age,) * 2)
    one = 304 * 1024 + 500
    assert store.evict(4 * one) == ()
    assert store.evict(3 * one, keep=[folders[0]]) == ("big/m2",)  # m0 is older, and in use
    assert store.evict(2 * one) == ("big/m0",)
    assert store.evict(0, keep=folders) == ()
    assert [store.cached(f"big/m{i}") is not None for i in range(4)] == [False, True, False, True]
    assert store.evict(0) == ("big/m3", "big/m1")
    assert not any(store.cached(f"big/m{i}") for i in range(4)) and store.evict(0) == ()


# ---------------------------------------------------------------------------------------------- push


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_merge(tmp_path_factory.mktemp("merged") / "out")


def put(hub: Hub, folder: Path, **more: Any) -> Repo:
    push.push(folder, "writer/new", WRITER, **more)
    return hub.repos["writer/new"]


@pytest.mark.parametrize("multipart", [False, True])
def test_push(hub: Hub, merged: Path, multipart: bool) -> None:
    hub.multipart = multipart
    told: list[push.Sent] = []
    answers = [Example("hi", (("your merge", "ahoy"),))]
    address = push.push(
        merged, "writer/new", WRITER, answers=answers, link="https://huggingface.co/spaces/a/b?r=xyz", progress=told.append
    )
    repo = hub.repos["writer/new"]
    assert address == f"{hub.url}/writer/new" and repo.private and len(repo.commits) == 2
    own = {p.name: p.read_bytes() for p in merged.iterdir()}
    pushed = {n: d for n, d in repo.files.items() if n != ".gitattributes"}
    assert pushed.keys() == own.keys()
    assert {n: d for n, d in pushed.items() if n != "README.md"} == {n: d for n, d in own.items() if n != "README.md"}
    text = pushed["README.md"].decode()
    assert "```text\nahoy\n```" in text and "(https://huggingface.co/spaces/a/b?r=xyz)" in text
    seen = {s.phase for s in told}  # what is small may be sent between two looks
    assert told[-1].phase == "publishing" and "reading" in seen and seen <= {"reading", "sending", "publishing"}
    folder = store.download("writer/new", WRITER)
    assert open_checkpoint("x", folder).nbytes == open_checkpoint("y", merged).nbytes


def test_figures_are_pushed_along(hub: Hub, merged: Path, tmp_path: Path) -> None:
    """In the card's head and in their folder; nothing else of a folder within the model's is sent."""
    folder = tmp_path / "own"
    shutil.copytree(merged, folder)
    figure = CardFigure("acc", "accuracy", 0.5, "", 100, "arc_easy", "allenai/ai2_arc", "ARC-Easy")
    write_figures(folder, [figure], {"date": "2026-01-02T03:04:05Z"})
    (folder / ".eval_results/secret.txt").write_text("no")
    (folder / ".eval_results/link.yaml").symlink_to(folder / "config.json")
    repo = put(hub, folder)
    sent = repo.files.keys() - {".gitattributes"} - {p.name for p in merged.iterdir()}
    assert sent == {".eval_results/merge-explorer.yaml"}
    assert b"allenai/ai2_arc" in repo.files[".eval_results/merge-explorer.yaml"] and b"model-index:" in repo.files["README.md"]


def test_push_does_not_write_over_what_is_there(hub: Hub, merged: Path) -> None:
    hub.add("writer/new", {"model-00009-of-00009.safetensors": b"old", "notes.txt": b"mine"})
    assert said(lambda: put(hub, merged), MergeError) == (
        f"{hub.url}/writer/new holds 2 files already.\n  Choose another name, or say that they may be replaced."
    )
    repo = put(hub, merged, replace=True)
    assert "model-00009-of-00009.safetensors" not in repo.files and repo.files["notes.txt"] == b"mine" and len(repo.commits) == 2


def test_a_failed_push_leaves_no_half_model_and_goes_on(hub: Hub, merged: Path) -> None:
    hub.fail("POST .*/commit/", status=500, times=1)
    message = said(lambda: put(hub, merged))
    assert message == (
        "writer/new: was not published: the Hub is in trouble (500). Nothing is lost; try again in a few minutes.\n"
        f"  {hub.url}/writer/new is there, and empty. Push again to go on: what was sent is not sent again."
    )
    assert set(hub.repos["writer/new"].files) == {".gitattributes"}
    sent = hub.count("PUT /upload")
    assert sent == len(list(merged.glob("*.safetensors"))) > 1
    assert put(hub, merged).files.keys() > {path.name for path in merged.iterdir()} and hub.count("PUT /upload") == sent


def test_a_push_that_is_refused_is_undone(hub: Hub, merged: Path) -> None:
    hub.fail("POST .*/commit/", status=403, times=1)
    assert said(lambda: put(hub, merged)).endswith("Nothing was published.")
    assert "writer/new" not in hub.repos


@pytest.mark.parametrize("phase", ["reading", "sending", "publishing"])
def test_a_cancelled_push_is_undone(hub: Hub, merged: Path, phase: str) -> None:
    told: list[push.Sent] = []

    def cancelled() -> bool:
        return bool(told) and told[-1].phase == phase

    message = said(lambda: put(hub, merged, progress=told.append, cancelled=cancelled), Cancelled)
    assert message == "writer/new: stopped; nothing was published." and "writer/new" not in hub.repos


def test_push_asks_for_what_it_may(hub: Hub, merged: Path) -> None:
    assert said(lambda: push.push(merged, "someone/new", WRITER)).startswith(
        "someone/new: your sign-in may not create repositories for someone;"
    )
    assert said(lambda: push.push(merged, "writer/new", False)) == "writer/new: sign in first."
    assert push.whoami(WRITER) == ("writer",)
    assert "does not accept" in said(lambda: push.whoami("hf_old"))


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "-a", "a--b", "a..b", "x.git", "<img src=x>", "a" * 200, "ä", "a\n"])
def test_repository_names(name: str) -> None:
    assert "cannot be the name of a repository" in said(lambda: push.repo_id("me", name), MergeError)


def test_terms() -> None:
    def of(*licences: str | None) -> push.Terms:
        return push.terms([Parent(f"o/m{i}", None, licence, ()) for i, licence in enumerate(licences)])

    assert of("mit", "apache-2.0").confirm == "" and of("mit", "apache-2.0").licence == "apache-2.0"
    assert of("mit", "cc-by-nc-nd-4.0").confirm.startswith("o/m1 forbids derivatives, and a merge is one.")
    assert of("mit", None, None).confirm.startswith("o/m1 and o/m2 name no licence")
    words = "cc-by-nc-4.0, the strictest of its parents. For non-commercial use only."
    assert of("mit", "cc-by-nc-4.0") == push.Terms("cc-by-nc-4.0", words)
    assert "begin with `Llama`" in of("llama3.1", "mit").words


HOSTILE = (
    "```\n\n# Owned\n<script>alert(1)</script> ![x](http://evil/x.png) | `a` ${1} {{x}}\r\n~~~\n````\n---\nlicense: mit\n---"
)


def test_nothing_hostile_leaves_its_block_in_a_card() -> None:
    line = HOSTILE.replace("\n", " ").replace("\r", " ")
    recipe = load(json.dumps({"merge_method": "linear", "models": [{"model": line}, {"model": "tiny/pirate"}],
                              "parameters": {"weight": 1}}))  # fmt: skip
    parent, answer = Parent(HOSTILE, None, HOSTILE, ((HOSTILE, "0" * 64),)), Example(HOSTILE, ((HOSTILE, HOSTILE),))
    text = card(recipe, {}, [parent], [answer], HOSTILE)
    assert text.startswith("---\n") and "license" not in text.split("\n---\n")[0]
    outside: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = re.match(r"`{3,}", line)
        if mark and not fence:
            fence = mark[0]
        elif fence and line == fence:
            fence = ""
        elif not fence:
            outside.append(line)
    assert fence == ""
    prose = re.sub(r"(`+)( ?).*?[^`]\1(?!`)", "", "\n".join(outside))
    assert "# Owned" not in [line.strip() for line in outside] and "<script" not in prose and "](http://evil" not in prose
    assert "javascript" not in with_answers("x", [], "javascript:alert(1)")


# ---------------------------------------------------------------------------------------------- strangers' files


def test_paths_out_of_the_model(hub: Hub, cache: Path, tmp_path: Path) -> None:
    tricks = ("../../../escaped.json", "..\\x.json", "/etc/x.json", ".hidden.json", "a/b.json", "config.json\n", "con fig.json")
    hub.add("evil/names", {**many(1), **dict.fromkeys(tricks, b"{}")})
    folder = store.download("evil/names", False)
    assert {p.name for p in folder.iterdir()} == {"config.json", WEIGHTS}
    assert not list(tmp_path.rglob("escaped.json")) and all(cache.resolve() in p.resolve().parents for p in folder.iterdir())
    index = {"metadata": {}, "weight_map": {"a": "../../../../etc/passwd", "b": WEIGHTS}}
    hub.add("evil/index", {**many(1), "model.safetensors.index.json": json.dumps(index).encode()})
    assert said(lambda: store.download("evil/index", False)) == (
        "evil/index: its model.safetensors.index.json names '../../../../etc/passwd', which is not among its files; "
        "this upload is broken."
    )


def test_links_in_a_repository_are_text(hub: Hub) -> None:
    """git stores a symbolic link as a file that holds its target; nothing follows it."""
    hub.add("evil/link", {**many(1), "config.json": b"/etc/passwd", "tokenizer.json": b"../../../../../etc/passwd"})
    folder = store.download("evil/link", False)
    assert (folder / "tokenizer.json").read_bytes() == b"../../../../../etc/passwd"
    assert "this is not JSON" in said(lambda: references.open_reference("evil/link"))


def test_names_that_the_hub_makes_up(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests and commits become parts of paths: anything but hex is refused or left out."""
    evil = "../../../../evil"
    monkeypatch.setattr(Repo, "sha", property(lambda _: evil))
    assert said(lambda: store.download("tiny/base", False)) == "tiny/base: the Hub names no commit for it; try again."
    monkeypatch.undo()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    original = Repo.info

    def info(self: Repo, blobs: bool) -> dict[str, Any]:
        told = original(self, blobs)
        lfs = {"size": 3, "sha256": evil, "pointerSize": 1}
        told["siblings"] = [entry | {"blobId": evil, "lfs": lfs} for entry in told["siblings"]]
        return told

    monkeypatch.setattr(Repo, "info", info)
    assert "holds no weights" in said(lambda: store.listing("tiny/base", False) and store.download("tiny/base", False))


@pytest.mark.parametrize(("raw", "why"), [
    ((1 << 62).to_bytes(8, "little") + b"{}", "not a safetensors file"),
    ((26_000_000).to_bytes(8, "little") + b" " * 26_100_000, "its header claims 26,000,000 bytes"),
    ((20).to_bytes(8, "little") + b"[" * 20, "its header is damaged"),
    ((100_000).to_bytes(8, "little") + b"[" * 100_000, "its header is damaged"),
    ((2).to_bytes(8, "little") + b"[]", "no table of tensors"),
    (b"xx", "not a safetensors file"),
])  # fmt: skip
def test_headers_of_strangers(hub: Hub, raw: bytes, why: str) -> None:
    hub.add("evil/header", {"config.json": b"{}", WEIGHTS: raw})
    assert why in said(lambda: remote.peek("evil/header", False))
    assert hub.bytes_of("signature") <= 200_000  # a giant header is refused by its length, not read


def test_headers_that_lie(hub: Hub) -> None:
    def model(**entry: Any) -> bytes:
        honest = {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4 << 40]}
        told = json.dumps({"<img src=x onerror=1>": honest | entry}).encode()
        return len(told).to_bytes(8, "little") + told + b"\0" * 8

    hub.add("evil/lie", {"config.json": b"{}", WEIGHTS: model()})
    assert "truncated" in said(lambda: remote.peek("evil/lie", False))
    hub.add("evil/lie", {"config.json": b"{}", WEIGHTS: model(shape=[10**30])})
    assert "is damaged" in said(lambda: remote.peek("evil/lie", False))


def test_a_billion_layers(hub: Hub) -> None:
    """config.json is a claim: plan and verdict count the tensors, and no model is built that its tensors do not fill."""
    from merger.chat.load import chat_model

    config = json.loads((FAMILY / "pirate/config.json").read_text()) | {"auto_map": {"AutoModelForCausalLM": "evil--evil.Model"}}
    files = {p.name: p.read_bytes() for p in (FAMILY / "pirate").iterdir()} | {"evil.py": b"raise SystemExit('ran')"}
    for key, value in (("num_hidden_layers", 10**9), ("vocab_size", 10**12), ("hidden_size", 1e15)):
        hub.add("tiny/pirate", files | {"config.json": json.dumps(config | {key: value}).encode()})
        models = {"tiny/base": remote.peek("tiny/base", False), "tiny/pirate": remote.peek("tiny/pirate", False)}
        began = time.monotonic()
        assert verdict(RECIPE, models, make_plan(RECIPE, models)).can > 0
        model = models["tiny/pirate"]
        tensors = {name: torch.empty(stored.shape, dtype=stored.dtype) for name, stored in model.tensors.items()}
        message = said(lambda m=model, t=tensors: chat_model(m.folder, m.config, t))
        assert f"says `{key}` is {value}; its tensors hold less" in message
        assert time.monotonic() - began < 20
    hub.add("tiny/pirate", files | {"config.json": json.dumps(config).encode()})
    model = references.open_reference("tiny/pirate", token=False)
    assert chat_model(model.folder, model.config, {n: model.read(n) for n in model.tensors})  # auto_map: nothing of it is run
    assert not (model.folder / "evil.py").exists()


def test_yaml_bombs_in_a_card(hub: Hub) -> None:
    """A README's front matter is searched for two lines, never parsed."""
    from merger.hub.card import licence

    bomb = "a0: &a0 [x,x]\n" + "\n".join(f"a{i}: &a{i} [*a{i - 1},*a{i - 1}]" for i in range(1, 60))
    hub.add("evil/yaml", {**many(1), "README.md": f"---\n{bomb}\nlicense: mit\n---\n".encode()})
    assert licence(store.download("evil/yaml", False)) == "mit"


def test_a_repository_of_too_many_files(hub: Hub) -> None:
    junk = {f"n{i}.json": b"{}" for i in range(3000)} | {"huge.json": b" " * 200_000}
    hub.add("evil/many", {**many(1), **junk})
    folder = store.download("evil/many", False)
    assert len(list(folder.iterdir())) <= store.MAX_COMPANIONS + 1 and (folder / "config.json").is_file()
