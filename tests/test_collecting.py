"""Publish and collections of the Hub: asked for, never silent; what goes wrong there undoes nothing."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from hub_standin import READER, WRITER, Hub, alone

from merger import merge
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
