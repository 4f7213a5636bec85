"""Picking models and publishing a merge: the callbacks against the stand-in of the Hub, and the views in a real browser."""

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import recast
from hub_standin import READER, WRITER, Hub, alone
from safetensors.torch import load as read_tensors
from safetensors.torch import save

from merger import merge
from merger.engine.batch import Step
from merger.engine.session import Parents
from merger.errors import Cancelled, CheckpointError, MergeError
from merger.export.gguf import export
from merger.hub import store, wire
from merger.hub.card import Example
from merger.hub.references import open_here
from merger.recipe import Recipe, load
from merger.ui import LAUNCH
from merger.ui.grants import Grants
from merger.ui.host import Host
from merger.ui.panels.models import Picking, read_trios
from merger.ui.panels.publish import GGUF, LOG_IN, NO_SIGN_IN, SIGN_IN, Publishing
from merger.ui.parts import Parts, Updates
from merger.ui.scratch import scratch
from merger.ui.service import afar

ROOT = Path(__file__).parent.parent
FAMILY = ROOT / "presets" / "family"
SHELF = ("tiny/base", "tiny/pirate", "tiny/count")
HOSTED = Host(hosted=True, disk=30_000_000_000, family=frozenset({"presets/family/base"}))


@dataclass
class Studio:
    """As much of the studio as the views ask for."""

    host: Host

    def __post_init__(self) -> None:
        roots, access = (ROOT,), self.host.access()
        self.parents = Parents("cpu", roots, lambda reference: open_here(reference, roots, access.folders), access)
        self.grants = Grants()
        self.families = ()  # the family that comes beside the toys is another test's

    def close_unused(self, heard_only: bool = False) -> None:
        """Nobody else is here."""


@dataclass(frozen=True)
class Work:
    """As much of a workspace."""

    recipe: Recipe


WORK = Work(load(
    "{merge_method: linear, models: [{model: tiny/pirate}, {model: tiny/count}], base_model: tiny/base, parameters: {weight: 1}}"
))  # fmt: skip


def files(name: str, licence: str) -> dict[str, bytes]:
    """A model of the family, with a card."""
    own = {path.name: path.read_bytes() for path in (FAMILY / name).iterdir()}
    return own | {"README.md": f"---\nlicense: {licence}\n---\n".encode()}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The stand-in with a family of models, a cache of its own, nobody logged in."""
    alone(monkeypatch, tmp_path / "cache")
    with Hub() as standin:
        monkeypatch.setenv("HF_ENDPOINT", standin.url)
        standin.add("tiny/base", files("base", "apache-2.0"), downloads=9000, card={"license": "apache-2.0"})
        kin = ("safetensors", "base_model:tiny/base", "base_model:finetune:tiny/base")
        for i, name in enumerate(("pirate", "count", "plural")):
            standin.add(f"tiny/{name}", files(name, "mit"), tags=kin, downloads=100 - i, card={"license": "mit"})
        yield standin


REQUEST: Any = SimpleNamespace(session_hash="s")


def signed(token: str) -> gr.OAuthToken:
    return gr.OAuthToken(token, "", 2_000_000_000)


def worded(update: Any) -> str:
    return update["value"] if isinstance(update, dict) else update


def judged(picking: Picking, shelf: Sequence[str], token: gr.OAuthToken | None = None) -> dict[str, Any]:
    *_, last = picking.judge(tuple(shelf), REQUEST, token)
    return {name.removeprefix("pick "): update for name, update in last.items()}


def fetched(
    picking: Picking, shelf: Sequence[str], token: Any = False,
    loaded: Callable[[Mapping[str, Any]], Updates] = lambda changes: {"page": "there"},
) -> list[Updates]:  # fmt: skip
    return list(picking.fetch(tuple(shelf), "s", token, loaded))


def notice_of(told: Sequence[Updates]) -> str:
    """What was said last."""
    (words,) = (worded(told[-1][name]) for name in ("pick notice", "publish notice") if name in told[-1])
    return words


def bars_of(told: Sequence[Updates]) -> list[dict[str, Any]]:
    return [json.loads((one.get("pick bars") or one["publish bars"])["data"]) for one in told]


# ---------------------------------------------------------------------------------------------- find


def test_search(hub: Hub) -> None:
    hub.add("other/tiny-gguf", FAMILY / "base", tags=("safetensors", "gguf"))
    hub.repos["tiny/count"].gated = True
    told = Picking(Studio(Host())).search(" tiny ", REQUEST, None)
    found, buttons, notice = (told[f"pick {name}"] for name in ("listed", "taking", "notice"))
    lines = {value: label for label, value in found["choices"]}
    assert list(lines) == ["tiny/base", "tiny/pirate", "tiny/count", "tiny/plural"]  # what is quantized is not offered
    assert lines["tiny/base"] == "tiny/base · LlamaForCausalLM · 2.5 MB · apache-2.0 · 9.0k downloads"
    assert lines["tiny/count"].endswith(" · gated")
    assert (found["value"], buttons["visible"], notice["visible"]) == (None, True, False)
    told = Picking(Studio(Host())).search("zzz", REQUEST, None)
    assert "Nothing found" in notice_of([told]) and told.keys() == {"pick notice", "pick again"}


def test_a_hub_that_does_not_answer_is_told_within_five_seconds(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is silent or not there; what is wrong with an answer keeps its own words. Then it may be tried again."""
    assert afar.SOON < 5
    panel, waits = Picking(Studio(Host())), threading.Event()
    monkeypatch.setattr(afar.soon, "__defaults__", (0.4,))
    with monkeypatch.context() as cut:  # the Hub's own client tries for half a minute
        cut.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
        gone = panel.search("tiny", REQUEST, None)
    hub.fail("/api/models", slow=lambda: waits.wait(10), times=9)
    silent = [panel.search(typed, REQUEST, None) for typed in ("tiny", "tiny/base")]
    waits.set()
    for told in (gone, *silent):
        assert notice_of([told]) == "The Hub does not answer. What is on this computer still works."
        assert told["pick again"]["visible"] is True
    local = panel.search("presets/family/base", REQUEST, None)
    assert local["pick listed"]["visible"] is True and local["pick again"]["visible"] is False
    monkeypatch.setattr(afar.soon, "__defaults__", (20.0,))
    assert "no such model on the Hub" in notice_of([wrong := panel.search("tiny/none", REQUEST, None)])
    assert wrong["pick again"]["visible"] is False

    def failing(error: Exception) -> None:
        try:
            raise error
        except Exception as known:
            raise wire.readable("tiny/base", known, None) from None

    with pytest.raises(afar.Silent):  # at once
        afar.soon(partial(failing, ConnectionRefusedError()))
    with pytest.raises(CheckpointError, match="makes no sense"):
        afar.soon(partial(failing, ValueError()))


@pytest.mark.parametrize("typed", ["tiny/base", "https://huggingface.co/tiny/base/tree/main", " hf.co/tiny/base "])
def test_a_pasted_model_is_chosen_at_once(hub: Hub, typed: str) -> None:
    told = Picking(Studio(HOSTED)).search(typed, REQUEST, None)
    found = told["pick listed"]
    assert [value for _, value in found["choices"]] == [found["value"]] == ["tiny/base"] and told["pick taking"]["visible"]


def test_folders_of_this_computer(hub: Hub, tmp_path: Path) -> None:
    """At home a folder is a model; on a hosted page none is looked at, not even whether it is there."""
    folder = tmp_path / "<b>mine"
    shutil.copytree(FAMILY / "base", folder)
    home, away = Picking(Studio(Host())), Picking(Studio(HOSTED))
    found = home.search(str(folder), REQUEST, None)["pick listed"]
    assert found["choices"] == [(f"{folder} · LlamaForCausalLM · 2.5 MB · apache-2.0", str(folder))]
    assert "no such folder" in notice_of([home.search(str(tmp_path / "none"), REQUEST, None)])
    assert home.as_base(("",), str(folder))["pick shelf"] == (str(folder),)
    for typed in (str(folder), str(tmp_path / "none"), "~/x", "../..", "presets/family/../../etc", "file:///etc"):
        told = away.search(typed, REQUEST, None)
        assert "pick listed" not in told
        assert re.search("no model's name|no address|no Hub id|no such model", notice_of([told])), typed
        assert away.as_base(("",), typed)["pick shelf"] == (("",) if "/" in typed and not store.is_hub_id(typed) else (typed,))
    assert (
        away.search("presets/family/base", REQUEST, None)["pick listed"]["value"] == "presets/family/base"
    )  # comes with the page
    assert not [a for a in hub.asked if "etc" in a.path]


def test_the_shelf() -> None:
    picking = Picking(Studio(Host()))
    shelf = picking.as_base(("",), "tiny/base")["pick shelf"]
    for name in ("tiny/pirate", "tiny/pirate", "tiny/count"):
        shelf = picking.add(shelf, name)["pick shelf"]
    assert shelf == SHELF
    twice = picking.add(shelf, "tiny/base")
    assert "is the base already" in notice_of([twice]) and twice["pick shelf"] == shelf
    assert picking.as_base(shelf, "tiny/count")["pick shelf"] == ("tiny/count", "tiny/pirate")
    assert picking.tick(shelf, ["tiny/count", "evil/other"])["pick shelf"] == ("tiny/base", "tiny/count")
    full = ("a/b", *(f"a/m{i}" for i in range(8)))
    assert "At most 8" in notice_of([picking.add(full, "a/more")])
    assert all("Choose a model" in notice_of([picking.add(shelf, chosen)]) for chosen in ("words", None, ""))


def test_kin(hub: Hub) -> None:
    told = Picking(Studio(HOSTED)).kin(("tiny/base", "tiny/pirate"), REQUEST, None)["pick kin"]
    assert [value for _, value in told["choices"]] == ["tiny/count", "tiny/plural"] and told["visible"]
    assert told["choices"][0][0] == "tiny/count · LlamaForCausalLM · 2.5 MB · mit · 99 downloads"
    hub.fail("/api/models", status=404)
    assert Picking(Studio(HOSTED)).kin(("tiny/base",), REQUEST, None)["pick kin"]["visible"] is False


# ---------------------------------------------------------------------------------------------- before the download


def test_verdict_before_the_download(hub: Hub) -> None:
    told = judged(Picking(Studio(HOSTED)), SHELF)
    assert told["base"] == "tiny/base · 2.5 MB · apache-2.0 · to be downloaded"
    assert [label for label, _ in told["parents"]["choices"]] == [
        f"tiny/{name} · 2.5 MB · mit · to be downloaded" for name in ("pirate", "count")
    ]
    assert told["verdict"]["value"].startswith("· Nothing speaks against this merge.")
    assert told["outlook"]["value"].startswith("Live: 3 models and their merge take 9.9 MB")
    assert told["fetch"] == gr.update(value="Download 7.5 MB and use them", interactive=True)
    assert all(store.cached(name) is None for name in SHELF)
    assert hub.bytes_of("GET /[0-9a-f]{64}") < 3 * 1_000_000  # headers and a few rows


def test_a_stranger_and_a_misfit_are_told(hub: Hub, half_family: Path) -> None:
    hub.add("far/other", half_family / "a")
    told = judged(Picking(Studio(HOSTED)), ("tiny/base", "far/other"))
    assert told["verdict"]["value"] == "✗ The models have different numbers of layers."
    config = json.loads(hub.repos["tiny/pirate"].files["config.json"])
    hub.add("far/wide", FAMILY / "pirate").files["config.json"] = json.dumps(config | {"rope_theta": 5e6}).encode()
    told = judged(Picking(Studio(HOSTED)), ("tiny/base", "far/wide"))
    assert "! wide counts positions in another way than the base" in told["verdict"]["value"] and told["fetch"]["interactive"]


def test_what_this_machine_can_do(hub: Hub) -> None:
    small = replace(HOSTED, memory=10_000_000)
    assert judged(Picking(Studio(small)), SHELF)["outlook"]["value"].startswith("To files only: ")
    full = judged(Picking(Studio(replace(HOSTED, disk=6_000_000))), SHELF)
    assert full["outlook"]["value"].startswith("One model has") or "on the disk" in full["outlook"]["value"]
    assert full["fetch"]["interactive"] is False
    told = fetched(Picking(Studio(replace(HOSTED, disk=8_000_000))), SHELF)  # each is small enough, and the button is no bound
    assert "on the disk; this page has" in notice_of(told) and "page" not in told[-1] and store.cached("tiny/base") is None


def test_gated_and_missing_models_are_told_with_the_others(hub: Hub) -> None:
    hub.repos["tiny/pirate"].gated = True
    told = judged(Picking(Studio(HOSTED)), ("tiny/base", "tiny/pirate", "tiny/none"))
    lines = told["verdict"]["value"].split("\n")
    assert re.match("✗ tiny/pirate: this model is gated", lines[0]) and re.match("✗ tiny/none: no such", lines[1])
    assert told["fetch"]["interactive"] is False
    assert "Choose the base" in worded(judged(Picking(Studio(HOSTED)), ("", "tiny/count"))["verdict"])
    hub.repos["tiny/pirate"].readers = frozenset({"reader"})
    assert judged(Picking(Studio(HOSTED)), SHELF, signed(READER))["fetch"]["interactive"]


def test_bin_files(hub: Hub, half_family: Path) -> None:
    """At home they are told after the download; a hosted page does not take them."""
    hub.add("old/model", {"config.json": b"{}", "pytorch_model.bin": b"x" * 5000}, tags=())
    home = judged(Picking(Studio(Host())), ("tiny/base", "old/model"))
    assert "holds only .bin files" in home["verdict"]["value"] and home["fetch"]["interactive"]
    away = judged(Picking(Studio(HOSTED)), ("tiny/base", "old/model"))
    assert "opens safetensors only" in away["verdict"]["value"] and not away["fetch"]["interactive"]
    assert "opens safetensors only" in notice_of(fetched(Picking(Studio(HOSTED)), ("tiny/base", "old/model")))
    assert hub.count("pytorch_model.bin") == 0


def test_a_newer_look_ends_the_older(hub: Hub) -> None:
    picking = Picking(Studio(HOSTED))
    older = picking.judge(SHELF, REQUEST, None)
    next(older)
    assert judged(picking, SHELF)["fetch"]["interactive"]
    assert list(older) == []
    fetched(picking, SHELF)
    older = picking.judge(SHELF, REQUEST, None)  # of models that are here, and asks nobody
    next(older)
    picking.leave("s")
    assert list(older) == []


# ---------------------------------------------------------------------------------------------- the download


def test_download_then_the_page_has_them(hub: Hub) -> None:
    studio = Studio(HOSTED)
    told = fetched(Picking(studio), SHELF)
    assert told[-1]["page"] == "there" and not any("page" in one for one in told[:-1])
    assert all(store.cached(name) for name in SHELF) and studio.parents.model("tiny/count").nbytes > 0
    last = bars_of(told)[-1]
    assert last["state"] == "done" and last["bars"][0][0] == "All models are here"
    before = len(hub.asked)
    assert judged(Picking(studio), SHELF)["fetch"]["value"] == "Use these models" and len(hub.asked) == before


def test_cancel_and_go_on(hub: Hub) -> None:
    """What has arrived is kept, told as what is still missing, and not sent again."""
    picking = Picking(Studio(HOSTED))
    weights = hub.repos["tiny/base"].files["model.safetensors"]
    slow = hub.fail("GET /[0-9a-f]{64}", cut=1_500_000, times=0)
    real, seen = store._Download._stream, []

    def stream(self: Any, partial: Path, before: int) -> None:
        seen.append(before)
        if self.file.name == "model.safetensors" and len(seen) == 1:
            picking.cancel(REQUEST)
        real(self, partial, before)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store._Download, "_stream", stream)
        patch.setattr(store, "companions", lambda found: ())
        told = fetched(picking, SHELF)
    assert slow.times == 0 and len(weights) > 1_500_000
    assert notice_of(told) == "Stopped. What has arrived is kept; press Download to go on."
    assert bars_of(told)[-1]["state"] == "stopped" and "page" not in told[-1] and store.cached("tiny/base") is None
    assert "still to be downloaded" in judged(picking, SHELF)["base"]
    start = hub.bytes_of("GET /[0-9a-f]{64}")
    assert fetched(picking, SHELF)[-1]["page"] == "there"
    assert hub.bytes_of("GET /[0-9a-f]{64}") - start < 3 * len(weights)


def test_leaving_the_page_stops_the_download(hub: Hub) -> None:
    picking = Picking(Studio(HOSTED))
    going = picking.fetch(SHELF, "s", False, lambda changes: {"page": "there"})
    next(going)
    next(going)
    work = picking._downloads._under_way["s"]
    assert not work.stopped()
    going.close()
    assert work.stopped() and not picking._downloads._under_way


def test_what_a_sign_in_brought_is_that_visitors(hub: Hub) -> None:
    hub.repos["tiny/pirate"].gated = True
    hub.repos["tiny/pirate"].readers = frozenset({"reader"})
    studio = Studio(HOSTED)
    assert "gated" in notice_of(fetched(Picking(studio), SHELF))
    assert fetched(Picking(studio), SHELF, READER)[-1]["page"] == "there"
    assert studio.grants.of(READER) == {"tiny/pirate"} and studio.grants.of(None) == studio.grants.of(WRITER) == frozenset()
    assert "gated" in notice_of(list(Picking(studio).fetch(SHELF, "other", False, lambda changes: {"page": 1})))
    assert studio.parents.model("tiny/pirate", studio.host.access(studio.grants.of(READER))).nbytes
    with pytest.raises(CheckpointError, match="is gated or private"):  # also now that it is open
        studio.parents.model("tiny/pirate")
    assert READER not in repr(vars(Picking(studio))) + repr(vars(studio.grants))


def test_a_refusal_of_the_page_is_told(hub: Hub) -> None:
    def refused(changes: Mapping[str, Any]) -> Updates:
        raise MergeError("They do not fit.")

    told = fetched(Picking(Studio(HOSTED)), SHELF, loaded=refused)
    assert notice_of(told) == "They do not fit." and "page" not in told[-1]


def test_models_that_do_not_fit_can_be_used_all_the_same(hub: Hub) -> None:
    """The button says what will be done about it, before the download and after, and the page is told that and no more."""
    own, name = files("pirate", "mit"), "model.layers.0.mlp.up_proj.weight"
    tensors = read_tensors(own["model.safetensors"])
    tensors[name] = tensors[name][:-1].clone()
    hub.add("tiny/odd", own | {"model.safetensors": save(tensors)}, card={"license": "mit"})
    picking, asked = Picking(Studio(HOSTED)), list[Mapping[str, Any]]()

    def loaded(changes: Mapping[str, Any]) -> Updates:
        asked.append(changes)
        return {"page": "there"}

    odd = judged(picking, ("tiny/base", "tiny/odd"))
    assert odd["verdict"]["value"] == "! 1 of 56 parts do not fit all models and stay as they are in the base."
    assert odd["fetch"]["value"].endswith("and use them; leave out the parts that do not fit") and odd["fetch"]["interactive"]
    assert fetched(picking, ("tiny/base", "tiny/odd"), loaded=loaded)[-1]["page"] == "there"
    label = judged(picking, ("tiny/base", "tiny/odd"))["fetch"]["value"]
    assert label == "Use these models; leave out the parts that do not fit"
    assert fetched(picking, SHELF, loaded=loaded)[-1]["page"] == "there"
    assert asked == [{"on_mismatch": "skip"}, {}]


def test_trios() -> None:
    trios = read_trios(ROOT / "presets/trios.json")
    assert trios[0].label == "SmolLM2 135M · 538 MB"
    assert trios[-1].says.startswith("The recipe many read first, and it cannot work")
    assert any(one.label.endswith("· gated") for one in trios)


# ---------------------------------------------------------------------------------------------- publish


def merge_to(work: Any, folder: Path, progress: Callable[[Step], None], cancelled: Callable[[], bool], *who: Any) -> None:
    merge(work.recipe, folder, roots=[ROOT], progress=progress, cancelled=cancelled)


HERE_WORK = Work(load(
    "{merge_method: linear, models: [{model: presets/family/pirate}, {model: presets/family/count}], parameters: {weight: 0.5}}"
))  # fmt: skip


def sent(publishing: Publishing, work: Any = HERE_WORK, token: Any = WRITER, session: str = "s", **more: Any) -> list[Updates]:
    asked = {"owner": "writer", "name": "new", "seen_by": "private", "confirmed": True, "with_answers": True, "replace": False}
    answers = [Example("hi", (("your merge", "ahoy"),))]
    link = "https://huggingface.co/spaces/a/b?r=x"
    return list(publishing.publish(work, session, token, merge_to, lambda: answers, link, **asked | more))


def test_publish(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told = sent(Publishing(Studio(Host())))
    repo = hub.repos["writer/new"]
    assert notice_of(told) == f"Published: {hub.url}/writer/new" and told[-1]["publish page"]["link"] == f"{hub.url}/writer/new"
    assert repo.private and len(repo.commits) == 2 and {"model.safetensors", "README.md", "config.json"} <= repo.files.keys()
    card = repo.files["README.md"].decode()
    assert "ahoy" in card and "(https://huggingface.co/spaces/a/b?r=x)" in card
    assert not list(scratch().root.rglob("merged-model")) and bars_of(told)[-1]["state"] == "done"
    sent(Publishing(Studio(Host())), name="open", seen_by="everybody", with_answers=False)
    assert hub.repos["writer/open"].private is True  # only the word `public` makes it so
    sent(Publishing(Studio(Host())), name="shown", seen_by="public", with_answers=False)
    assert hub.repos["writer/shown"].private is False and b"ahoy" not in hub.repos["writer/shown"].files["README.md"]


def test_a_repeat_does_not_merge_again(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    publishing = Publishing(Studio(Host()))
    hub.fail("POST .*/commit/", status=500)
    words = notice_of(sent(publishing))
    assert "was not published: the Hub is in trouble (500)" in words and words.endswith("The merge is kept for another try.")
    (kept,) = scratch().root.rglob("merged-model")
    made = (kept / "model.safetensors").stat().st_mtime_ns
    seen: list[int] = []
    monkeypatch.setattr("test_pick.merge_to", lambda *_: seen.append(1))
    assert notice_of(sent(publishing)).startswith("Published") and not seen and made
    assert not list(scratch().root.rglob("merged-model"))


@pytest.mark.long
def test_a_gguf_file_is_published_beside_it(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is asked for, and where the converter is here; when it fails nothing is published."""
    from transformers.utils import is_sentencepiece_available

    if not recast.PACKAGES.is_dir():
        pytest.skip("llama.cpp's converter is not here: make .cache/gguf/.done")
    is_sentencepiece_available()  # the answer is kept
    monkeypatch.syspath_prepend(recast.PACKAGES)
    monkeypatch.setenv("PYTHONPATH", str(recast.PACKAGES))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    publishing = Publishing(Studio(Host()))

    def exported(work: Any, file: Path, progress: Callable[[Step], None], cancelled: Callable[[], bool]) -> None:
        export(work.recipe, file, GGUF, roots=[ROOT], progress=progress, cancelled=cancelled)

    def failing(*_: Any) -> None:
        raise MergeError("The disk is full.")

    assert notice_of(sent(publishing, export_to=failing)) == "The disk is full." and not hub.repos.keys() & {"writer/new"}
    assert not list(scratch().root.rglob("merged-model"))
    told = sent(publishing, export_to=exported)
    assert notice_of(told).startswith("Published")
    files = hub.repos["writer/new"].files
    assert files["new-q8_0.gguf"][:4] == b"GGUF" and "model.safetensors" in files
    sent(publishing, replace=True)
    assert "new-q8_0.gguf" not in hub.repos["writer/new"].files  # it would be of the version before


def test_another_recipe_or_a_visitor_who_left_leaves_nothing(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    publishing = Publishing(Studio(Host()))
    hub.fail("POST .*/commit/", status=500, times=2)
    sent(publishing)
    other = Work(load("{merge_method: linear, models: [{model: presets/family/plural}], parameters: {weight: 1}}"))
    sent(publishing, other)
    (kept,) = scratch().root.rglob("merged-model")
    assert "presets/family/plural" in (kept / "README.md").read_text()
    publishing.leave("s")
    assert not list(scratch().root.rglob("merged-model"))


def test_cancel_while_it_is_sent(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    publishing = Publishing(Studio(Host()))
    hub.fail("POST .*preupload", slow=lambda: publishing.cancel(REQUEST))
    words = notice_of(sent(publishing))
    assert words == "writer/new: stopped; nothing was published. The merge is kept for another try."
    assert "writer/new" not in hub.repos
    publishing.leave("s")
    assert not list(scratch().root.rglob("merged-model"))


def test_leaving_while_it_is_merged_leaves_no_folder(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    publishing = Publishing(Studio(Host()))

    def slow(work: Any, folder: Path, progress: Any, cancelled: Callable[[], bool]) -> None:
        folder.mkdir()
        (folder / "half").touch()
        publishing.leave("s")
        assert cancelled() and folder.exists()
        raise Cancelled("stopped")

    told = list(publishing.publish(HERE_WORK, "s", WRITER, slow, list, "", "writer", "new", "private", True, False, False))
    assert notice_of(told) == "stopped" and not list(tmp_path.glob("publish-*"))


def test_forbidden_derivatives_must_be_confirmed(hub: Hub, tmp_path: Path) -> None:
    model = tmp_path / "closed"
    shutil.copytree(FAMILY / "pirate", model)
    (model / "README.md").write_text("---\nlicense: cc-by-nd-4.0\n---\n")
    work = Work(load(f"{{merge_method: linear, models: [{{model: {model}}}], parameters: {{weight: 1}}}}"))
    publishing = Publishing(Studio(Host()))
    looked = publishing.look(work, "", REQUEST, signed(WRITER))
    assert "forbids derivatives" in worded(looked["publish terms"]) and looked["publish confirm"]["visible"] is True
    assert "Say so by the tick" in notice_of(sent(publishing, work, confirmed=False)) and "writer/new" not in hub.repos
    assert notice_of(sent(publishing, work)).startswith("Published")


def test_who_may_publish(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for host, words in ((Host(), LOG_IN), (HOSTED, NO_SIGN_IN), (replace(HOSTED, oauth=True), SIGN_IN)):
        publishing = Publishing(Studio(replace(host, family=frozenset(HERE_WORK.recipe.references))))
        told = publishing.look(HERE_WORK, "", REQUEST, None)
        assert (worded(told["publish who"]), told["publish owner"]["visible"]) == (words, False)
        assert told["publish send"]["interactive"] is False
        assert notice_of(sent(publishing, token=publishing.studio.host.token(None))) == words
    assert not hub.repos.keys() - {"tiny/base", "tiny/pirate", "tiny/count", "tiny/plural"}
    told = Publishing(Studio(Host())).look(HERE_WORK, "", REQUEST, signed(WRITER))
    assert (worded(told["publish who"]), told["publish owner"]["choices"], told["publish name"]) == (
        "Signed in as writer.",
        ["writer"],
        "pirate-count-linear",
    )
    assert worded(told["publish terms"]).startswith("Licence: apache-2.0") and not told["publish confirm"]["visible"]
    assert told["publish send"]["interactive"] and not told["publish notice"]["visible"]
    monkeypatch.setenv("HF_TOKEN", WRITER)
    assert worded(Publishing(Studio(Host())).look(HERE_WORK, "mine", REQUEST, None)["publish who"]) == "Signed in as writer."
    away = Publishing(Studio(replace(HOSTED, family=frozenset(HERE_WORK.recipe.references))))
    assert worded(away.look(HERE_WORK, "", REQUEST, None)["publish who"]) == NO_SIGN_IN  # never this machine's login
    assert "cannot be the name" in notice_of(sent(Publishing(Studio(Host())), name="../x"))


def test_a_gated_parent_is_published_by_those_who_brought_it(hub: Hub) -> None:
    hub.repos["tiny/pirate"].gated = True
    hub.repos["tiny/pirate"].readers = frozenset({"writer"})
    studio = Studio(HOSTED)
    fetched(Picking(studio), SHELF, WRITER)
    assert Publishing(studio).terms(WORK, WRITER).words
    for other in (READER, False):
        with pytest.raises(CheckpointError, match="is gated or private"):
            Publishing(studio).terms(WORK, other)


# ---------------------------------------------------------------------------------------------- in a browser


@dataclass
class Views:
    """A page of the two views and nothing else. `loaded`: what the page was told to open."""

    host: Host
    answers: str = "ahoy"
    loaded: list[tuple[str, list[str]]] = field(default_factory=list[tuple[str, list[str]]])
    work: Work = HERE_WORK

    def open(self) -> tuple[str, gr.Blocks]:
        studio = Studio(self.host)
        picking, publishing, page = Picking(studio), Publishing(studio), Parts()
        trios = read_trios(ROOT / "presets/trios.json")

        def load(work: Any, base: str, parents: list[str], changes: Mapping[str, Any], request: gr.Request) -> Updates:
            assert not changes
            self.loaded.append((base, parents))
            assert studio.parents.model(base).nbytes and request.session_hash
            return {"here": f"{base} with {', '.join(parents)}"}

        with gr.Blocks() as demo:
            here = gr.Textbox("the family", label="On the page", interactive=False)
            page.shows(work=gr.State(self.work), answers=gr.Textbox("hi", label="Prompt"), here=here)
            with gr.Tabs():
                with gr.Tab("Models"):
                    picking.view(page, trios)
                with gr.Tab("Publish") as tab:
                    publishing.view(page)
            picking.wire(page, trios, load, ["here"])

            def said(work: Any, prompt: str, request: gr.Request) -> list[Example]:
                return [Example(prompt, (("your merge", self.answers),))]

            def no_file(*_: Any) -> None:
                raise AssertionError("nobody has asked for a GGUF file")

            publishing.wire(page, merge_to, said, lambda *_: "https://huggingface.co/spaces/a/b?r=x", [tab.select], no_file)

            def leave(request: gr.Request) -> None:
                picking.leave(request.session_hash)
                publishing.leave(request.session_hash)

            demo.unload(leave)
        demo.queue()
        _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
        return url, demo


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open the two views; no complaint of the browser, no request to anywhere else."""
    opened: list[tuple[Any, gr.Blocks, list[str]]] = []

    def at(views: Views, width: int = 1280, theme: str = "light") -> Any:
        address, demo = views.open()
        context = browser.new_context(viewport={"width": width, "height": 1000})
        page, complaints = context.new_page(), []
        opened.append((context, demo, complaints))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else complaints.append(r.url))
        page.goto(f"{address}?__theme={theme}")
        page.wait_for_selector("#pick-query textarea, #pick-query input", timeout=30_000)
        return page

    yield at
    for context, demo, complaints in opened:
        context.close()
        demo.close()
        assert complaints == []


def expects(locator: Any) -> Any:
    from playwright.sync_api import expect

    return expect(locator)


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def field_of(page: Any, label: str) -> Any:
    return page.get_by_label(label, exact=True)


def choose(page: Any, model: str, button: str) -> None:
    page.get_by_role("radio", name=f"{model} · Llama").check()
    press(page, button)


HOSTILE = "${alert(1)}<img src=x onerror=alert(1)>"


@pytest.mark.browser
@pytest.mark.long
def test_from_a_search_to_a_repository(hub: Hub, visit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search, shelf, verdict, download with progress, the page has the models; then the merge becomes a repository."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("HF_TOKEN", WRITER)
    hub.repos["tiny/count"].card = {"license": HOSTILE}
    model = tmp_path / "unlicensed"
    shutil.copytree(FAMILY / "pirate", model, ignore=shutil.ignore_patterns("README.md"))
    work = Work(load(f"{{merge_method: linear, models: [{{model: {model}}}], parameters: {{weight: 1}}}}"))
    views = Views(Host(), HOSTILE, work=work)
    page = visit(views)
    box = page.locator("#pick-query").locator("textarea, input")
    box.fill("tiny")
    box.press("Enter")
    choose(page, "tiny/base", "Take as base")
    expects(field_of(page, "Base")).to_have_value(re.compile(r"^tiny/base · 2\.5 MB · apache-2\.0 · to be downloaded$"))
    choose(page, "tiny/pirate", "Add to the mix")
    expects(page.get_by_label("tiny/pirate · 2.5 MB · mit · to be downloaded")).to_be_checked()
    page.get_by_label("Fine-tunes of this base on the Hub").click()
    page.get_by_role("option", name="tiny/count · ").click()
    expects(page.get_by_label("tiny/count · 2.5 MB", exact=False)).to_be_checked()
    expects(page.locator("#pick-parents")).to_contain_text(HOSTILE)
    assert page.locator("img[src=x]").count() == 0
    expects(field_of(page, "Whether they fit")).to_have_value(re.compile("Nothing speaks against this merge"))
    expects(field_of(page, "What this machine can do with them")).to_have_value(re.compile("^Live: "))
    assert not store.cached("tiny/base") and not views.loaded
    gate, real = threading.Event(), store._Download._stream

    def stream(self: Any, partial: Path, before: int) -> None:
        gate.wait(20)
        real(self, partial, before)

    monkeypatch.setattr(store._Download, "_stream", stream)
    press(page, "Download 7.5 MB and use them")
    expects(page.locator("#pick-bars")).to_contain_text("tiny/base (1 of 3)")
    press(page, "Cancel")
    gate.set()
    expects(field_of(page, "What went wrong")).to_have_value(re.compile("^Stopped. What has arrived is kept"))
    expects(page.get_by_role("button", name=re.compile("^Download"))).to_be_enabled()
    page.get_by_role("button", name=re.compile("^Download")).click()
    expects(field_of(page, "On the page")).to_have_value("tiny/base with tiny/pirate, tiny/count", timeout=20_000)
    assert views.loaded == [("tiny/base", ["tiny/pirate", "tiny/count"])]
    expects(page.locator("#pick-bars")).to_contain_text("All models are here")
    page.get_by_label("tiny/count · 2.5 MB", exact=False).uncheck()
    expects(page.get_by_role("button", name="Use these models", exact=True)).to_be_enabled()

    page.get_by_role("tab", name="Publish").click()
    expects(field_of(page, "Sign-in")).to_have_value("Signed in as writer.")
    field_of(page, "Name of the repository").fill("pirates")
    page.get_by_label("Collection").fill("My merges")
    page.get_by_label("Collection").press("Enter")
    press(page, "Merge and publish")
    expects(field_of(page, "Publishing")).to_have_value(re.compile("Say so by the tick"))
    page.get_by_label("Its owners allow me to publish this").check()
    page.wait_for_timeout(500)  # the refusal's event ends a moment after its words
    press(page, "Merge and publish")
    said = re.compile(rf"^Published: {re.escape(hub.url)}/writer/pirates\nIt is in the collection ")
    expects(field_of(page, "Publishing")).to_have_value(said, timeout=20_000)
    assert [[one["id"] for one in made["items"]] for made in hub.collections.values()] == [["writer/pirates"]]
    repo = hub.repos["writer/pirates"]
    assert repo.private and {"model.safetensors", "config.json", "README.md"} <= repo.files.keys()
    assert HOSTILE in repo.files["README.md"].decode() and not list(tmp_path.glob("publish-*"))
    expects(page.locator("a#publish-page, #publish-page a, a:has(#publish-page)").first).to_have_attribute(
        "href", f"{hub.url}/writer/pirates"
    )


@pytest.mark.browser
def test_a_hosted_page_takes_no_folder_and_no_bin(hub: Hub, visit: Any) -> None:
    """On a phone: nothing wider than the screen."""
    hub.add("old/model", {"config.json": b"{}", "pytorch_model.bin": b"x" * 5000}, tags=())
    page = visit(Views(HOSTED), 390)
    box = page.locator("#pick-query").locator("textarea, input")
    for typed, words in (("/etc", "no model's name"), (str(FAMILY), "no model's name")):
        box.fill(typed)
        box.press("Enter")
        expects(field_of(page, "What went wrong")).to_have_value(re.compile(words))
    page.wait_for_timeout(500)
    box.fill("old/model")
    box.press("Enter")
    expects(page.get_by_role("radio", name="old/model · ")).to_be_checked()
    press(page, "Take as base")
    expects(field_of(page, "Whether they fit")).to_have_value(re.compile("opens safetensors only"))
    expects(page.get_by_role("button", name="Download", exact=True)).to_be_disabled()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("tab", name="Publish").click()
    expects(field_of(page, "Publishing")).to_have_value(re.compile("this page opens models from the Hub only"))
    expects(page.get_by_role("button", name="Merge and publish")).to_be_disabled()
