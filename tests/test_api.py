"""The named endpoints through gradio's own client, as another program uses them; and that nothing else is open."""

import tempfile
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from apart import apart
from gradio_client import Client
from gradio_client.exceptions import AppError

from merger import load_recipe, merge
from merger.files.checkpoints import open_checkpoint
from merger.limits import PROMPT_CHARACTERS
from merger.recipe import dump, load
from merger.ui import LAUNCH, build_app, workspace

MCP = find_spec("mcp") is not None
ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "presets" / "pirate_and_plurals.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The page, with its tools for MCP where that extra of gradio's is installed."""
    demo = build_app()
    _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", mcp_server=MCP)
    yield url
    demo.close()


@pytest.fixture(scope="module")
def client(url) -> Client:
    return Client(url, verbose=False)


def test_what_is_open(client):
    endpoints = client.view_api(return_format="dict", print_info=False)
    assert sorted(endpoints["named_endpoints"]) == ["/ask", "/merge", "/stats", "/sweep", "/yaml"]
    assert not endpoints["unnamed_endpoints"]
    for name, info in endpoints["named_endpoints"].items():
        assert info["description"], name


def test_yaml_is_canonical_also_from_a_link(client):
    canonical = client.predict(recipe=TEXT, api_name="/yaml")
    assert canonical == dump(load(TEXT)) == client.predict(recipe=workspace.link(load(TEXT)), api_name="/yaml")


def test_ask_hears_the_merge_and_its_parents(client):
    said = client.predict(recipe=TEXT, prompt="plural of box", api_name="/ask")
    assert said["merge"] == said["presets/family/plural"] == "boxes"
    assert said["presets/family/base"] == "dunno."


def test_stats_has_the_whole_and_every_layer(client):
    stats = client.predict(recipe=TEXT, api_name="/stats")
    assert stats["models"] == ["presets/family/pirate", "presets/family/plural"]
    assert list(stats["parts"]) == ["all", *(f"layer {n}" for n in range(6))]
    assert 0.2 < stats["parts"]["all"]["conflict"] < 0.5 and sum(stats["parts"]["all"]["share"]) == pytest.approx(1)


def test_merge_is_the_command_lines_model(client, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    archive = client.predict(recipe=TEXT, api_name="/merge")
    assert not list((tmp_path / "temporary").glob("merge-*")), "the zip was left where it was made"
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


def test_a_long_prompt_is_refused(client):
    with pytest.raises(AppError, match=f"at most {PROMPT_CHARACTERS:,} are taken"):
        client.predict(recipe=TEXT, prompt="a" * (PROMPT_CHARACTERS + 1), api_name="/ask")


def test_what_has_a_default_may_be_left_out(url):
    """Also where a program speaks HTTP by itself; gradio's client fills it in."""

    def posted(name: str, *data: Any) -> str:
        event = httpx.post(f"{url}gradio_api/call/{name}", json={"data": data}).json()["event_id"]
        return httpx.get(f"{url}gradio_api/call/{name}/{event}", timeout=60).text

    assert "merged-model.zip" in posted("merge", TEXT)
    assert '"answer": ""' in posted("sweep", TEXT, "seed", [7])
    assert "does not fit" in posted("ask", TEXT)


# ---------------------------------------------------------------------------------------------- as tools for MCP


def call(url: str, *calls: tuple[str, dict[str, Any]]) -> tuple[list[Any], list[tuple[bool, str]]]:
    """The server's tools, and of each call whether it failed and its text, through the client of the `mcp` package."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def talk() -> tuple[list[Any], list[tuple[bool, str]]]:
        async with streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            results = [await session.call_tool(name, arguments) for name, arguments in calls]
            return tools, [(bool(result.isError), result.content[0].text) for result in results]

    return apart(talk())


@pytest.mark.skipif(not MCP, reason='needs pip install "gradio[mcp]"')
def test_mcp_tools(url):
    """The five endpoints and nothing else, each argument described; each can be called, and errors are words."""
    vary = {"path": "models[1].parameters.weight", "values": [0.5], "prompt": "plural of box"}
    tools, results = call(
        url,
        ("yaml", {"recipe": TEXT}), ("stats", {"recipe": TEXT}), ("merge", {"recipe": TEXT}),
        ("ask", {"recipe": TEXT, "prompt": "plural of box"}), ("sweep", {"recipe": TEXT, **vary}),
        ("yaml", {"recipe": TEXT.replace("weight", "wieght")}), ("ask", {"recipe": TEXT, "prompt": " "}),
    )  # fmt: skip
    assert sorted(tool.name for tool in tools) == ["ask", "merge", "stats", "sweep", "yaml"]
    for tool in tools:
        arguments = tool.inputSchema["properties"]
        assert len(tool.description) > 30 and "Args" not in tool.description, tool.name
        assert all(of["type"] and len(of["description"]) > 20 for of in arguments.values()), arguments
    text, stats, archive, said, trials, *wrong = (text for _, text in results)
    assert [failed for failed, _ in results] == [False] * 5 + [True] * 2
    assert load(text) == load(TEXT) and "conflict" in stats and archive.endswith("merged-model.zip")
    assert "'merge': 'boxes'" in said and "'answer': 'boxes'" in trials
    assert "Did you mean 'weight'" in wrong[0] and wrong[1].startswith("Write a prompt first")
