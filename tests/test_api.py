"""The named endpoints through gradio's own client, as another program uses them; and that nothing else is open."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from merger import load_recipe, merge
from merger.checkpoints import open_checkpoint
from merger.recipe import dump, load
from merger.ui import LAUNCH, build_app, state

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "presets" / "pirate_and_plurals.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    demo = build_app()
    _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield Client(url, verbose=False)
    demo.close()


def test_what_is_open(client):
    endpoints = client.view_api(return_format="dict", print_info=False)
    assert sorted(endpoints["named_endpoints"]) == ["/ask", "/merge", "/stats", "/sweep", "/yaml"]
    assert not endpoints["unnamed_endpoints"]
    for name, info in endpoints["named_endpoints"].items():
        assert info["description"], name


def test_yaml_is_canonical_also_from_a_link(client):
    canonical = client.predict(recipe=TEXT, api_name="/yaml")
    assert canonical == dump(load(TEXT)) == client.predict(recipe=state.link(load(TEXT)), api_name="/yaml")


def test_ask_hears_the_merge_and_its_parents(client):
    said = client.predict(recipe=TEXT, prompt="plural of box", api_name="/ask")
    assert said["merge"] == said["presets/family/plural"] == "boxes"
    assert said["presets/family/base"] == "dunno."


def test_stats_has_the_whole_and_every_layer(client):
    stats = client.predict(recipe=TEXT, api_name="/stats")
    assert stats["models"] == ["presets/family/pirate", "presets/family/plural"]
    assert list(stats["parts"]) == ["all", *(f"layer {n}" for n in range(6))]
    assert 0.2 < stats["parts"]["all"]["conflict"] < 0.5 and sum(stats["parts"]["all"]["share"]) == pytest.approx(1)


def test_merge_is_the_command_lines_model(client, tmp_path):
    archive = client.predict(recipe=TEXT, api_name="/merge")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path)
    merge(load_recipe(ROOT / "presets" / "pirate_and_plurals.yaml"), tmp_path / "again", roots=[ROOT])
    one, two = (open_checkpoint(name, tmp_path / name) for name in ("merged-model", "again"))
    assert all((one.read(name) == two.read(name)).all() for name in two.tensors)


def test_sweep_scores_every_value(client):
    found = client.predict(
        recipe=TEXT, path="models[1].parameters.weight", values=[0.0, 0.5], prompt="plural of box", api_name="/sweep"
    )
    assert [trial["value"] for trial in sorted(found, key=lambda t: t["value"])] == [0.0, 0.5]
    none, half = sorted(found, key=lambda t: t["value"])
    assert half["answer"] == "boxes" != none["answer"]
    assert half["scores"]["plural"] > none["scores"]["plural"] and load(half["recipe"]) == load(TEXT)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"recipe": TEXT.replace("weight", "wieght"), "api_name": "/yaml"}, "Did you mean 'weight'"),
        ({"recipe": "nonsense-that-is-no-link", "api_name": "/yaml"}, "holds no recipe"),
        ({"recipe": TEXT.replace("family/plural", "family/nobody"), "api_name": "/stats"}, "nobody"),
        ({"recipe": TEXT, "prompt": "", "api_name": "/ask"}, "Write a prompt first"),
        ({"recipe": TEXT, "path": "models[7].parameters.weight", "values": [1.0], "api_name": "/sweep"}, None),
        ({"recipe": TEXT, "path": "seed", "values": list(range(99)), "api_name": "/sweep"}, "1 to 25"),
    ],
)
def test_errors_are_words(client, call, message):
    if message is None:  # a point that cannot be tried is told in the trial
        assert "models[7]" in client.predict(**call)[0]["note"]
        return
    with pytest.raises(AppError) as error:
        client.predict(**call)
    assert message in str(error.value) and "Traceback" not in str(error.value)
