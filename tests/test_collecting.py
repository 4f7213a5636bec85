"""Publish and collections of the Hub: asked for, never silent; what goes wrong there undoes nothing."""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from hub_standin import READER, WRITER, Hub, alone

from merger import merge
from merger.__main__ import main
from merger.engine.session import Parents
from merger.errors import CheckpointError, MergeError
from merger.hub.collecting import checked, collect, collections_of
from merger.limits import COLLECTION_CHARACTERS, COLLECTIONS
from merger.recipe import load
from merger.ui.grants import Grants
from merger.ui.host import Host
from merger.ui.panels.publish import Publishing

ROOT = Path(__file__).parent.parent
RECIPE = load("{merge_method: linear, models: [{model: presets/family/pirate}], parameters: {weight: 1}}")
REQUEST: Any = SimpleNamespace(session_hash="s")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    alone(monkeypatch, tmp_path / "cache")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Hub() as standin:
        monkeypatch.setenv("HF_ENDPOINT", standin.url)
        yield standin


@pytest.fixture
def publishing(hub: Hub) -> Publishing:
    parents = Parents("cpu", (ROOT,))
    place: Any = SimpleNamespace(host=Host(), parents=parents, grants=Grants())
    return Publishing(place)


def published(publishing: Publishing, collection: str = "", **more: Any) -> dict[str, Any]:
    """The last that is told."""

    def merge_to(work: Any, folder: Path, progress: Any, cancelled: Any) -> None:
        merge(work.recipe, folder, roots=[ROOT])

    work: Any = SimpleNamespace(recipe=RECIPE)
    asked = {"owner": "writer", "name": "new", "seen_by": "private", "confirmed": True, "with_answers": False, "replace": True}
    told = list(publishing.publish(work, "s", WRITER, merge_to, tuple, "", **asked | more, collection=collection))
    return told[-1]


def notice(told: dict[str, Any]) -> str:
    update = told["publish notice"]
    return update["value"] if isinstance(update, dict) else update


def test_it_goes_into_a_collection_that_is_named_and_into_none_otherwise(hub: Hub, publishing: Publishing) -> None:
    assert notice(published(publishing)) == f"Published: {hub.url}/writer/new"
    assert hub.count("/api/collections") == 0 and not hub.collections
    said = notice(published(publishing, " My   merges "))
    ((slug, made),) = hub.collections.items()
    assert said == f"Published: {hub.url}/writer/new\nIt is in the collection {hub.url}/collections/{slug}"
    assert (made["title"], made["private"], [one["id"] for one in made["items"]]) == ("My merges", True, ["writer/new"])
    published(publishing, "My merges")  # there already: both stay as they are
    published(publishing, slug, name="other", seen_by="public")
    assert [one["id"] for one in hub.collections[slug]["items"]] == ["writer/new", "writer/other"] and len(hub.collections) == 1
    published(publishing, "Shown", name="third", seen_by="public")
    assert [one["private"] for one in hub.collections.values()] == [True, False]


def test_the_page_lists_what_the_account_has(hub: Hub, publishing: Publishing) -> None:
    hub.add("writer/m", {}, tags=())
    collect("writer/m", "One\u202eeno", WRITER, private=True)
    work: Any = SimpleNamespace(recipe=RECIPE)
    looked = publishing.look(work, "", REQUEST, gr.OAuthToken(WRITER, "", 2_000_000_000))["publish collection"]
    (slug,) = hub.collections
    assert looked["choices"] == [("none", ""), ("Oneeno", slug)] and looked["visible"] is True and "value" not in looked
    assert collections_of(["writer"], READER) == [], "private ones are others' business"
    hub.fail("GET /api/collections", status=403)
    looked = publishing.look(work, "", REQUEST, gr.OAuthToken(WRITER, "", 2_000_000_000))
    assert looked["publish collection"]["choices"] == [("none", "")] and looked["publish send"]["interactive"]


def test_what_is_listed_is_bounded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("writer/m", {}, tags=())
    collect("writer/m", "one", WRITER, private=True)
    (one,) = hub.collections.values()
    hub.collections["writer/../../whoami"] = {**one, "slug": "writer/../../whoami"}
    assert [title for title, _ in collections_of(["writer"], WRITER)] == ["one"], "a slug that leads elsewhere is none"
    hub.collections |= {f"writer/x-{i:024x}": {**one, "slug": f"writer/x-{i:024x}"} for i in range(COLLECTIONS + 10)}
    assert COLLECTIONS - 2 < len(collections_of(["writer"], WRITER)) <= COLLECTIONS


def test_a_title_is_bounded(hub: Hub, publishing: Publishing) -> None:
    """Said before anything is merged."""
    assert checked("x" * COLLECTION_CHARACTERS)
    with pytest.raises(MergeError, match=r"at most 59 characters; this one has 60\."):
        checked("x" * (COLLECTION_CHARACTERS + 1))
    assert "at most 59 characters" in notice(published(publishing, "x" * 5000)) and not hub.repos


GONE = "writer/gone-0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("wanted", "fault", "words"),
    [
        (GONE, {}, "the collection is not there any more"),
        ("team/theirs-0123456789abcdef01234567", {"status": 403}, "your sign-in may not change the collections of team"),
        ("New", {"status": 401}, "your sign-in may not change the collections of writer"),
        ("New", {"status": 400}, "the Hub takes no more into it, or not under this title (400)"),
        ("New", {"status": 429, "times": 9}, "the Hub is asked too often from here. Try again in a few minutes"),
        ("New", {"status": 503, "times": 9}, "the Hub is in trouble (503). Nothing is lost; try again in a few minutes"),
    ],
)
def test_what_goes_wrong_there_undoes_nothing(
    wanted: str, fault: dict[str, Any], words: str, hub: Hub, publishing: Publishing
) -> None:
    if fault:
        hub.fail("POST /api/collections", **fault)
    told = published(publishing, wanted)
    assert notice(told) == (
        f"Published: {hub.url}/writer/new\nIt is not in the collection: {words}. "
        "On its page on the Hub it can be added to one by hand."
    )
    assert told["publish page"]["visible"] and "model.safetensors" in hub.repos["writer/new"].files


def test_a_collection_is_made_once_though_the_connection_breaks(hub: Hub, publishing: Publishing) -> None:
    hub.fail("POST .*/items", status=503)
    assert "It is in the collection" in notice(published(publishing, "New"))
    assert len(hub.collections) == 1 and hub.count("POST /api/collections$") == 2


def test_stopped_after_it_was_published(hub: Hub, publishing: Publishing) -> None:
    hub.fail("POST /api/collections", status=503, slow=lambda: publishing.cancel(REQUEST))
    assert "It is not in the collection: you stopped it." in notice(published(publishing, "New")) and not hub.collections
    with pytest.raises(CheckpointError, match="may not change"):
        collect("writer/new", "New", READER, private=True)


# ---------------------------------------------------------------------------------------------- the command


@pytest.fixture
def folder(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_TOKEN", WRITER)
    made = tmp_path / "made"
    merge(RECIPE, made, roots=[ROOT])
    return made


def test_the_command(hub: Hub, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Private unless told; into no collection unless told."""
    assert main(["publish", str(folder), "mine"]) == 0
    assert capsys.readouterr().out == f"Published: {hub.url}/writer/mine\n"
    assert hub.repos["writer/mine"].private and not hub.collections
    assert main(["publish", str(folder), "writer/mine", "--collection", "My merges"]) == 1
    assert "holds" in (said := capsys.readouterr().err) and "say that they may be replaced" in said and not hub.collections
    assert main(["publish", str(folder), "writer/mine", "--replace", "--public", "--collection", "My merges"]) == 0
    ((slug, made),) = hub.collections.items()
    assert capsys.readouterr().out.endswith(f"It is in the collection {hub.url}/collections/{slug}\n") and not made["private"]
    assert main(["publish", str(folder), "other", "--collection", GONE]) == 1
    told = capsys.readouterr()
    assert told.out == f"Published: {hub.url}/writer/other\n"
    assert told.err.strip().splitlines()[-1] == (
        "MergeError: writer/other is published, and not in the collection: the collection is not there any more."
    )


def test_the_command_refuses_in_a_sentence(
    hub: Hub, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*asked: str) -> str:
        assert main(["publish", *asked]) == 1 and not hub.repos
        return capsys.readouterr().err.strip()

    assert refused(str(folder / "none"), "x").endswith("is no folder; name the folder that a merge was written to.")
    assert "cannot be the name of a repository" in refused(str(folder), "writer/no name")
    assert "at most 59 characters" in refused(str(folder), "x", "--collection", "y" * 60)
    assert "may not create repositories for team" in refused(str(folder), "team/x")
    text = (folder / "README.md").read_text()
    (folder / "README.md").write_text(text.replace("license: apache-2.0", "license: cc-by-nd-4.0"))
    assert "its card says cc-by-nd-4.0. Publish it only if" in refused(str(folder), "x")
    (folder / "README.md").write_text("# nothing\n")
    assert "its card says no licence" in refused(str(folder), "x")
    monkeypatch.delenv("HF_TOKEN")
    assert refused(str(folder), "x") == "MergeError: Sign in first: run `hf auth login` with a token that may write."


def test_the_command_is_stopped(hub: Hub, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C in the middle: the repository that it made goes again."""
    before = signal.getsignal(signal.SIGINT)
    hub.fail("POST .*preupload", slow=lambda: signal.raise_signal(signal.SIGINT))
    assert main(["publish", str(folder), "mine"]) == 130
    assert not hub.repos and "nothing was published" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before
