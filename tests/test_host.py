"""Where the page runs: limits of a hosted page, live or files only, and ZeroGPU's rules imitated by fork and pickle."""

import json
import pickle
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from lending import forked

from merger.chat.batch import interleave
from merger.engine.session import Parents
from merger.errors import CheckpointError
from merger.hub import store
from merger.hub.access import ANYTHING
from merger.hub.card import strictest
from merger.hub.references import open_here, open_reference
from merger.limits import GRANT_SECONDS, GRANTED_MODELS, GRANTS
from merger.recipe import dump, load
from merger.search.trials import Runner
from merger.ui import host
from merger.ui.grants import Grants
from merger.ui.host import BUSY, FAILED, Host, folders, gpu, gpu_tokens, read_host, seconds

ROOT = Path(__file__).parent.parent
BASE, PIRATE = "presets/family/base", "presets/family/pirate"
RECIPE = load(f"{{merge_method: task_arithmetic, base_model: {BASE}, models: [{{model: {PIRATE}, parameters: {{weight: 1}}}}]}}")
PROMPT = "say hello my friend like a pirate"
SPACE = {"SPACE_ID": "me/explorer", "MEMORY": "16Gi", "CPU_CORES": "2"}


def test_places() -> None:
    home = read_host({})
    assert (home.hosted, home.token(None), home.model_limit) == (False, None, None)
    assert home.access() == home.access({"big/gated"}) == ANYTHING and ANYTHING.refusal("/etc") == ""
    assert [read_host(e).hosted for e in ({"HOSTED": "1"}, {"HOSTED": "0"}, {"SPACE_ID": "../x"})] == [True, False, False]
    space = read_host(SPACE)
    assert (space.accelerator, space.cores) == ("cpu", 2)
    assert space.address == "https://huggingface.co/spaces/me/explorer"
    assert (space.token(None), space.token("hf_x"), space.device) == (False, "hf_x", None)
    zero = read_host(SPACE | {"SPACES_ZERO_GPU": "true"}, gpu_memory=1)
    assert (zero.accelerator, zero.device) == ("zerogpu", "cpu")
    assert read_host(SPACE, gpu_memory=24_000_000_000).accelerator == "cuda"
    assert read_host(SPACE | {"OAUTH_CLIENT_ID": "x"}).oauth and not space.oauth
    assert "gradio" not in host.__dict__ and space.download_options()["only_safetensors"]


@pytest.mark.parametrize("reference", [
    "/etc", "../models", "~/x", "presets/family/../../etc", "presets/family/count/../../..", "C:\\x", "", "file:///etc", "a/b/c",
])  # fmt: skip
def test_no_folder_is_opened_on_a_hosted_page(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    access = read_host(SPACE, family=(BASE, PIRATE)).access()
    assert access.refusal(reference) and access.refusal(f"{BASE}+{reference}")
    with pytest.raises(CheckpointError):
        access.check(BASE, reference)
    access.check(BASE, PIRATE)
    parents = Parents("cpu", (ROOT,), lambda name: open_here(name, (ROOT,), access.folders), access)
    with pytest.raises(CheckpointError):
        parents.model(reference)
    assert not parents.opened


def test_what_a_hosted_page_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is here and free for all; what is gated only for those who brought it."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    place, commit = read_host(SPACE), "0" * 40
    for name in ("big/free", "big/gated", "big/half"):
        folder = store.storage(name) / "snapshots" / commit
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        if name != "big/half":
            (folder / "model.safetensors").write_bytes((ROOT / BASE / "model.safetensors").read_bytes())
        (store.storage(name) / "refs").mkdir()
        (store.storage(name) / "refs/main").write_text(commit)
    (store.storage("big/gated") / ".restricted").touch()
    nobody, brought = place.access(), place.access({"big/gated"})
    assert nobody.refusal("big/free") == "" and nobody.refusal(f"big/free@{commit}") == ""
    assert (
        nobody.refusal("big/half")
        == nobody.refusal("big/none").replace("none", "half")
        == ("big/half: is not here yet; choose it under Models and download it.")
    )
    assert nobody.refusal("big/gated").startswith("big/gated: is gated or private.")
    assert brought.refusal("big/gated") == brought.refusal(f"big/gated@{commit}") == brought.refusal("big/free+big/gated") == ""
    assert nobody.refusal("big/free+big/gated").startswith("big/gated") and place.access({"big/other"}).refusal("big/gated")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    parents = Parents("cpu", (ROOT,), lambda name: open_here(name, (ROOT,), nobody.folders), nobody)
    assert parents.model("big/free").nbytes > 0 and parents.model("big/gated", brought).nbytes > 0
    for access in (None, nobody, place.access({"big/other"})):  # open for somebody is open for nobody else
        with pytest.raises(CheckpointError, match="is gated or private"):
            parents.model("big/gated", access)
    with pytest.raises(CheckpointError, match="is not on this machine yet"):
        open_here("big/none")


def test_a_folder_beside_the_page_is_no_model_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may own `docs/models` on the Hub: then it opens theirs, also where the page has a folder of that name."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / BASE, tmp_path / "docs/models")
    commit = "0" * 40
    theirs = store.storage("docs/models") / "snapshots" / commit
    shutil.copytree(ROOT / PIRATE, theirs)
    (store.storage("docs/models") / "refs").mkdir()
    (store.storage("docs/models") / "refs/main").write_text(commit)
    access = read_host(SPACE).access()
    assert access.refusal("docs/models") == "" and open_here("docs/models", folders=access.folders).folder == theirs
    assert open_here("docs/models").folder == Path("docs/models")  # at home the nearer one
    assert not store.is_hub_id("a--b/c") and not store.is_hub_id("a/b--c") and store.is_hub_id("a/b@x--y")


def test_grants_belong_to_a_sign_in_and_end() -> None:
    now = [0.0]
    grants = Grants(lambda: now[0])
    for i in range(GRANTED_MODELS + 1):
        grants.add("one", f"a/{i}")
    assert len(grants.of("one")) == GRANTED_MODELS and "a/0" not in grants.of("one")
    assert grants.of("other") == grants.of(None) == grants.of("") == frozenset() and "one" not in repr(vars(grants))
    now[0] = GRANT_SECONDS - 1
    grants.add("one", "a/7")
    now[0] = GRANT_SECONDS + 1
    assert grants.of("one") == {"a/7"}
    for i in range(GRANTS):
        grants.add(f"visitor {i}", "a/b")
    assert not grants.of("one") and grants.of(f"visitor {GRANTS - 1}")


@pytest.mark.parametrize(("sizes", "memory", "accelerator", "kind"), [
    ((2e9, 2e9, 2e9), 16e9, "cpu", "live"),
    ((3e9, 3e9, 3e9), 16e9, "cpu", "export"),
    ((14e9, 14e9, 14e9), 16e9, "cpu", "refused"),
    ((9e9, 9e9), 16e9, "zerogpu", "live"),
    ((10e9, 10e9, 10e9), 16e9, "cuda", "refused"),
    ((2e9, 2e9), 64e9, "cuda", "live"),
    ((7e9, 7e9, 7e9), 64e9, "cuda", "export"),
    ((11e9,), 64e9, "cpu", "refused"),
])  # fmt: skip
def test_live_or_files(sizes: tuple[float, ...], memory: float, accelerator: Any, kind: str) -> None:
    place = Host(hosted=True, memory=int(memory), accelerator=accelerator, gpu_memory=24_000_000_000, disk=30_000_000_000)
    models = [int(n) for n in sizes]
    outlook = place.outlook(models, models[0])
    assert outlook.kind == kind and outlook.words.endswith(".")
    assert Host(memory=int(memory)).outlook(models, models[0]).kind in ("live", "export")  # at home nothing is refused


def test_trios() -> None:
    """Every id is one, every model has its facts, and what is said about live and files is what this page would decide."""
    trios = json.loads((ROOT / "presets/trios.json").read_text())["trios"]
    place = read_host(SPACE)
    kinds: dict[str, str] = {}
    for trio in trios:
        named = (trio["base"], *trio["parents"])
        assert all(store.is_hub_id(name) for name in named) and set(named) == trio["models"].keys() and trio["says"].endswith(".")
        assert all(set(facts) == {"bytes", "licence", "gated"} and facts["bytes"] > 10**8 for facts in trio["models"].values())
        sizes = [trio["models"][name]["bytes"] for name in named]
        kinds[trio["name"]] = place.outlook(sizes, sizes[0]).kind
        assert strictest([facts["licence"] for facts in trio["models"].values()])[0]
    assert [t["name"] for t in trios if not t["fits"]] == ["The article's trio (does not fit)"] == list(kinds)[-1:]
    assert list(kinds.values()) == ["live", "live", "live", "export", "live", *["refused"] * 4]


# ---------------------------------------------------------------------------------------------- ZeroGPU


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    host._runners.clear()


def spoken() -> dict[str, str]:
    runner = Runner(Parents())
    speakers = {"merge": runner.merged(RECIPE), PIRATE: runner.parent(PIRATE)}
    told: dict[str, str] = {}
    for said in interleave(speakers, PROMPT):
        told[said.key] = told.get(said.key, "") + (said.token.text if said.token else "")
    return told


def test_a_fork_answers_as_this_process_does(here: None) -> None:
    paths = folders({name: open_reference(name) for name in (BASE, PIRATE)})
    assert pickle.loads(pickle.dumps(paths)) == paths == ((BASE, BASE), (PIRATE, PIRATE))
    told: dict[str, str] = {}
    ended = []
    words = list(forked(gpu_tokens)(paths, dump(RECIPE), ("merge", PIRATE), PROMPT, device="cpu"))
    assert words[0] == ("", BUSY, "", 0.0, ())
    for who, token, text, probability, others in (word for word in words if word[1] != BUSY):
        told[who] = told.get(who, "") + text
        ended += [who] if token == -1 else []
        assert token == -1 or (0 < probability <= 1 and len(others) == 3)
    assert told == spoken() and "arr" in told["merge"] and sorted(ended) == sorted(told)
    assert not host._runners  # what the fork remembers is not here


def test_closing_stops_the_fork(here: None) -> None:
    paths = folders({name: open_reference(name) for name in (BASE, PIRATE)})
    tokens = forked(gpu_tokens)(paths, dump(RECIPE), ("merge",), PROMPT, device="cpu")
    next(tokens)
    began = time.monotonic()
    tokens.close()
    assert time.monotonic() - began < 10


def test_a_refusal_crosses_the_fork(here: None) -> None:
    paths = folders({BASE: open_reference(BASE)})
    *_, (_, kind, words, _, _) = forked(gpu_tokens)(paths, dump(RECIPE), ("merge",), PROMPT, device="cpu")
    assert kind == FAILED and words == "presets/family/pirate: is not among the models that were handed over."


def test_a_reused_process_keeps_its_last_models(here: None) -> None:
    paths = folders({name: open_reference(name) for name in (BASE, PIRATE)})
    for _ in range(2):
        assert list(gpu_tokens(paths, dump(RECIPE), (PIRATE,), PROMPT, 5, device="cpu"))
    assert len(host._runners) == 1
    for i in range(4):
        list(gpu_tokens((*paths, (f"x/{i}", "x")), dump(RECIPE), (PIRATE,), PROMPT, 2, device="cpu"))
    assert len(host._runners) == 2
    assert 10 < seconds(paths, "", ("merge", PIRATE), PROMPT) < 30 and seconds(paths, "", ("merge",), PROMPT, 10**9) == 120


def test_without_spaces_a_function_stays_itself() -> None:
    def function() -> int:
        return 1

    assert gpu(60)(function) is function
