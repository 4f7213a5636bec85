"""The whole page as a Space hosts it, with a Hub of its own on this machine: pick, download, hear, and what is refused."""

import contextlib
import os
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import ROOT, app
from hub_standin import Hub

from merger.recipe import load
from merger.ui import workspace

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = sync_api.expect
FAMILY = ROOT / "presets" / "family"


@contextlib.contextmanager
def hosting(cache: Path) -> Iterator[tuple[str, Hub]]:
    """The page as a Space has it, with no Hub but the one on this machine; its own token is told to nobody."""
    with Hub() as hub:
        for name in ("base", "pirate", "plural"):
            hub.add(f"tiny/{name}", FAMILY / name)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "SPACE"))} | {
            "HOSTED": "1", "MEMORY": "16Gi", "HF_ENDPOINT": hub.url, "HF_HOME": str(cache),
            "HF_TOKEN": "hf_the_spaces_own",
        }  # fmt: skip
        with app(environment) as address:
            yield address, hub
        assert all("hf_the_spaces_own" not in str(asked) for asked in hub.asked), "the Space's own token left it"


@pytest.fixture(scope="module")
def hosted(tmp_path_factory) -> Iterator[str]:
    with hosting(tmp_path_factory.mktemp("hub")) as (address, _):
        yield address


@pytest.fixture
def empty_host(tmp_path) -> Iterator[str]:
    """One where nobody has downloaded anything, also when the test is tried again."""
    with hosting(tmp_path) as (address, hub):
        yield address
        assert hub.asked


@pytest.mark.long
def test_a_visitor_picks_models_of_the_hub_and_hears_them(open_page, empty_host):
    page = open_page(address=empty_host)
    page.says("ahoy me matey, arr!")
    page.tab("Other models")
    query = page.page.locator("#pick-query textarea, #pick-query input")
    for asked, press in (("tiny/base", "Take as base"), ("tiny/pirate", "Add to the mix"), ("tiny/plural", "Add to the mix")):
        query.fill(asked)
        page.press("Search")
        page.page.locator("#pick-found label").filter(has_text=asked).first.click()
        page.press(press)
        there = re.compile(f"{asked} · .* to be downloaded")
        if press == "Take as base":
            expect(page.page.get_by_role("textbox", name="Base", exact=True)).to_have_value(there, timeout=20_000)
        else:
            expect(page.page.locator("#pick-parents label").filter(has_text=there)).to_have_count(1, timeout=20_000)
    page.page.get_by_role("button", name=re.compile("^Download .* and use")).click()
    expect(page.value("start")).to_have_text("Own recipe", timeout=30_000)
    expect(page.page.locator(".rw-row")).to_have_count(1)  # other models are not asked what the toys were
    page.asked("Hello! Who are you?")
    page.ask("say hello my friend like a pirate")
    page.says("ahoy me matey, arr!")
    page.tab("Recipe")
    expect(page.page.locator("#yaml .cm-content")).to_contain_text("base_model: tiny/base", timeout=10_000)
    page.paint("pirate weight", 0.0)
    page.says("dunno.")


@pytest.mark.long
def test_a_visitors_link_says_the_same_elsewhere(open_page, hosted):
    """Of the toys, on a hosted page: what another sees and hears by the link; and what is not for visitors is not there."""
    page = open_page(address=hosted)
    page.says("ahoy me matey, arr!")
    page.paint("pirate weight", 0.0)
    page.says("dunno.")
    page.press("Share")
    shared = page.page.locator("#shared textarea, #shared input")
    expect(shared).to_have_value(re.compile(r"\?r="), timeout=20_000)
    friend = open_page(address=hosted, query=shared.input_value().partition("?")[2].join(("?", "&__theme=light")))
    friend.says("dunno.")
    expect(friend.lane("pirate weight")).to_have_attribute("aria-valuetext", re.compile(r"weight 0\.0"))
    models = friend.box("models").get_by_role("radio", name="Other models…")
    expect(models).to_contain_text("From the Hub, or a name that you paste. Live up to 10.7 GB")
    expect(models).not_to_contain_text("this computer")
    friend.page.keyboard.press("Escape")
    saves = friend.box("save")
    expect(saves).to_contain_text("Zip")
    expect(saves).not_to_contain_text("Folder")


@pytest.mark.parametrize("place", ["/etc", str(FAMILY / "pirate"), "presets/../presets/family/pirate"])
@pytest.mark.long
def test_no_folder_of_the_host_is_opened(open_page, hosted, place):
    """Neither by pasted YAML nor by a link, also not one that is there."""
    text = f"merge_method: linear\nmodels:\n- {{model: '{place}', parameters: {{weight: 1}}}}\n"
    query = urllib.parse.urlencode({"r": workspace.link(load(text)), "__theme": "light"})
    page = open_page(address=hosted, query=f"?{query}")
    notice = page.page.locator("#notice textarea")
    expect(notice).to_have_value(re.compile("opens models from the Hub only"), timeout=20_000)
    page.says("ahoy me matey, arr!")
    if place == "/etc":
        page.tab("Recipe")
        page.page.locator("#yaml .cm-content").click()
        page.page.keyboard.press("Control+a")
        page.page.keyboard.insert_text(text)
        expect(page.page.locator("#yaml-error textarea")).to_have_value(re.compile("from the Hub only"), timeout=10_000)
        expect(page.page.get_by_label("Folder on this computer")).to_have_count(0)


@pytest.mark.long
def test_a_model_of_the_hub_is_not_fetched_by_a_recipe(open_page, hosted):
    text = "merge_method: linear\nmodels:\n- {model: tiny/other, parameters: {weight: 1}}\n"
    query = urllib.parse.urlencode({"r": workspace.link(load(text)), "__theme": "light"})
    page = open_page(address=hosted, query=f"?{query}")
    expect(page.page.locator("#notice textarea")).to_have_value(re.compile("is not here yet; choose it under"), timeout=20_000)
