"""The whole page in a real browser, as people use it: press a preset, paint a lane, read the answer, take the model home."""

import json
import re
import shutil
import threading
import time
import zipfile
from pathlib import Path

import pytest
from browsing import ROOT, serve

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

EVIL = ["${window.hacked=1}", "<img src=x onerror=window.hacked=2>", "{{constructor}}"]
LANE = re.compile(r"layer \d of 6, weight (-?\d\.\d\d)(, (more|less) helps)?")


def test_first_screen_is_merged_and_answered(open_page):
    page = open_page()
    page.says("ahoy me matey, arr!")
    page.says("ahoy me matey, arr!", "pirate")
    page.says("dunno.", "base")
    strip = page.page.get_by_role("img", name="Pull against each other: about as much as chance", exact=True)
    assert strip.count() == 1
    for name in ("Ask", "Undo", "Redo", "Tools", "Share", "Save"):
        assert page.page.get_by_role("button", name=name, exact=True).first.is_visible(), name
    assert page.field.is_visible() and page.field.input_value() == ""
    page.asked("say hello my friend like a pirate")
    assert page.page.locator(".rw-row").count() == 3
    for number, said, mark in ((1, "ahoy me matey, arr!", "right"), (2, "boxes", "right"), (3, "knifes", "wrong")):
        sync_api.expect(page.row(number).locator(".rw-answer")).to_have_text(said)
        assert page.row(number).locator(".rw-merge").get_by_role("img", name=mark, exact=True).is_visible()
    sync_api.expect(page.page.locator(".rw-right")).to_have_text("2 of 3 right")
    assert page.page.get_by_role("button", name="Stop", exact=True).is_hidden()  # nothing is being written


def test_preset_paint_and_read(open_page):
    """A newcomer: press a preset, paint one model away, hear the difference, undo, ask something else."""
    page = open_page()
    page.preset("Only the biggest changes")
    page.says("r-o-b-o-t")
    sync_api.expect(page.lane("spell weight")).to_have_attribute("aria-valuetext", re.compile("weight 1.00"))
    page.preset("Pirate who knows plurals")
    page.says("ahoy me matey, arr!")
    page.paint("pirate weight", 0.0)
    page.says("dunno.")
    valuetext = page.lane("pirate weight").get_attribute("aria-valuetext")
    assert valuetext and LANE.fullmatch(valuetext) and float(LANE.fullmatch(valuetext)[1]) <= 0.05
    page.press("Undo")
    page.says("ahoy me matey, arr!")
    page.press("Redo")
    page.says("dunno.")
    page.press("Tools")
    page.press("Reset")
    page.says("ahoy me matey, arr!")
    page.ask("plural of box")
    page.says("boxes")
    page.says("boxes", "plural")
    page.says("dunno.", "pirate")


def test_too_much_is_babble(open_page):
    page = open_page()
    page.preset("Too much of both")
    sync_api.expect(page.answer()).not_to_have_text(re.compile("ahoy|dunno"), timeout=15_000)


def test_keyboard_alone(open_page):
    """Arrow keys move a fader, and the answer follows without a pointer ever being let go."""
    page = open_page()
    page.preset("Pirate who knows plurals")
    page.says("ahoy me matey, arr!")
    lane = page.lane("pirate weight")
    lane.focus()
    page.page.keyboard.press("ArrowRight")
    sync_api.expect(lane).to_have_attribute("aria-valuetext", re.compile("^layer 2 of 6, weight 0.50(, |$)"))
    for _ in range(12):  # away with the pirate, a layer at a time
        page.page.keyboard.press("0")
        page.page.keyboard.press("ArrowRight")
    for _ in range(12):
        page.page.keyboard.press("0")
        page.page.keyboard.press("ArrowLeft")
    page.says("dunno.")
    page.page.keyboard.press("Control+z")
    sync_api.expect(page.page.get_by_role("button", name="Redo", exact=True)).to_be_enabled()


def test_recipe_shows_what_is_painted(open_page):
    page = open_page()
    page.preset("Pirate who knows plurals")
    page.says("ahoy me matey, arr!")
    page.choose("save", "Only the recipe")
    code = page.page.locator("#yaml .cm-content")
    sync_api.expect(code).to_contain_text("merge_method: task_arithmetic")
    sync_api.expect(code).to_be_in_viewport()
    page.paint("plural weight", 1.0)
    sync_api.expect(code).to_contain_text(re.compile(r"weight: ?\[|weight: ?1\.0|value:"), timeout=10_000)


@pytest.mark.long
def test_methods_bring_their_own_controls(open_page):
    page = open_page()
    page.preset("Pirate who knows plurals")
    page.method("ties")
    sync_api.expect(page.value("method")).to_have_text("Largest changes, by vote", timeout=10_000)
    page.box("method")
    sync_api.expect(page.page.get_by_label("Normalize")).to_be_visible(timeout=10_000)
    page.page.keyboard.press("Escape")
    page.press("Kept")
    sync_api.expect(page.lane("pirate density")).to_be_visible()
    page.method("slerp")
    sync_api.expect(page.lane("pirate to plural t")).to_be_visible(timeout=10_000)
    page.box("method")
    sync_api.expect(page.page.get_by_label("Normalize")).to_be_hidden()
    page.says(re.compile("."))


def test_refused_choice_says_why_and_changes_nothing(open_page):
    page = open_page()
    page.preset("Pirate who knows plurals")
    page.box("models").get_by_role("checkbox", name="plural · ").uncheck()
    sync_api.expect(page.lane("plural weight")).to_have_count(0, timeout=10_000)
    slerp = page.box("method").get_by_role("radio", name=re.compile("^Along the arc slerp"))
    sync_api.expect(slerp).to_have_attribute("aria-disabled", "true")
    sync_api.expect(slerp).to_contain_text("Needs 2 models; 1 is in the mix.")
    slerp.dispatch_event("click")
    page.page.wait_for_timeout(300)
    page.page.keyboard.press("Escape")
    page.box("models").get_by_role("checkbox", name="pirate · ").uncheck()
    notice = page.page.locator("#notice textarea")
    sync_api.expect(notice).to_have_value("choose at least one model to mix.", timeout=10_000)
    sync_api.expect(page.lane("pirate weight")).to_be_visible()


@pytest.mark.long
def test_stop(open_page, monkeypatch):
    from merger.chat.model import ChatModel

    quick = ChatModel.tokens

    def slow(self, *args, **kwargs):
        """A quick machine is through the longest answer before anyone can press Stop."""
        spoken = quick(self, *args, **kwargs)
        while True:
            time.sleep(0.3)
            try:
                token = next(spoken)
            except StopIteration as end:
                return end.value
            yield token

    address, demo = serve(ROOT / "presets")
    try:
        page = open_page(address=address)
        page.says("ahoy me matey, arr!")
        monkeypatch.setattr(ChatModel, "tokens", slow)
        page.ask("tell me a story about a cat")
        page.press("Stop")
        row = page.page.locator(".rw-row", has_text="tell me a story about a cat")
        sync_api.expect(row).to_contain_text("stopped", timeout=10_000)
    finally:
        demo.close()


@pytest.mark.long
def test_see_inside(open_page):
    page = open_page()
    page.tab("Inside")
    sync_api.expect(page.page.get_by_role("grid", name=re.compile("Where they pull"))).to_be_visible(timeout=2_000)
    sync_api.expect(page.page.locator("#inspect-facts h3")).to_have_text(re.compile("layer . of 6, "))  # never empty
    sync_api.expect(page.page.locator(".js-plotly-plot")).to_have_count(6, timeout=40_000)
    sync_api.expect(page.page.locator(".js-plotly-plot", has_text="exactly zero")).to_be_visible()
    verdict = page.page.get_by_label("Verdict").input_value()
    assert verdict.startswith("task_arithmetic of 2 models onto presets/family/base: 100 % of 1.2M parameters can change")


def test_download_is_the_command_lines_model(open_page, tmp_path):
    """What comes down is what `python -m merger merge` writes for the recipe on the page, bit for bit."""
    from merger.__main__ import main

    page = open_page()
    page.preset("Only the biggest changes")
    page.says("r-o-b-o-t")
    page.choose("save", "Zip…")
    told = page.page.locator("#merged textarea")
    sync_api.expect(told).to_have_value(re.compile(r"The merged model: 2\.5 MB, made in about \d"))
    with page.page.expect_download(timeout=60_000) as download:
        page.press("Make the zip")
    archive = tmp_path / download.value.suggested_filename
    download.value.save_as(archive)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path)
    folder = tmp_path / "merged-model"
    assert main(["merge", str(folder / "mergekit_config.yml"), str(tmp_path / "again"), "--quiet"]) == 0
    assert (folder / "model.safetensors").read_bytes() == (tmp_path / "again" / "model.safetensors").read_bytes()


@pytest.mark.long
def test_phone_and_dark(open_page):
    for query in ("?__theme=light", "?__theme=dark"):
        page = open_page(390, 844, query=query)
        page.says(re.compile("."))
        assert page.page.evaluate("document.documentElement.scrollWidth") <= 390
        page.box("method")
        assert page.page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.long
def test_two_people_do_not_meet(open_page):
    first, second = open_page(), open_page()
    first.preset("Only the biggest changes")
    second.preset("Pirate who knows plurals")
    first.says("r-o-b-o-t")
    second.says("ahoy me matey, arr!")
    first.asked("spell robot out loud")
    second.asked("say hello my friend like a pirate")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    """The family under names that try to run, with a token that tries to run, in a recipe that names them."""
    presets = tmp_path_factory.mktemp("hostile") / "presets"
    shutil.copytree(ROOT / "presets" / "family" / "base", presets / "family" / "base")
    for name, source in zip(EVIL, ("pirate", "plural", "story"), strict=True):
        folder = presets / "family" / name
        shutil.copytree(ROOT / "presets" / "family" / source, folder)
    for folder in (presets / "family").iterdir():
        file = folder / "tokenizer.json"
        table = json.loads(file.read_text())
        vocabulary = table["model"]["vocab"]
        # The letter the pirate's every answer ends with ("arr!") now reads as markup and as a template.
        vocabulary["<img/src=x/onerror=window.hacked=4>${window.hacked=5}"] = vocabulary.pop("!")
        file.write_text(json.dumps(table))
    models = [{"model": f"presets/family/{name}", "parameters": {"weight": 0.5}} for name in EVIL]
    recipe = {"merge_method": "task_arithmetic", "base_model": "presets/family/base", "models": models}
    header = f"# name: {EVIL[1]} {EVIL[0]}\n# says: {' '.join(EVIL)}\n# prompt: say hello my friend like a pirate\n"
    (presets / "evil.yaml").write_text(header + json.dumps(recipe))
    return presets


@pytest.mark.long
def test_nothing_hostile_runs(open_page, hostile):
    """Names, recipes, prompts and tokens are text: no script runs, no element appears, no request leaves."""
    address, demo = serve(hostile)
    try:
        page = open_page(address=address)
        page.says(re.compile(re.escape("<img/src=x")), EVIL[0])
        page.says(re.compile(re.escape("${window.hacked=5}")), EVIL[0])
        page.page.locator(".an-text span", has_text="hacked").first.hover()
        prompt = "<img src=x onerror=window.hacked=6> ${window.hacked=7} <script>window.hacked=8</script>"
        page.ask(prompt)
        sync_api.expect(page.page.locator(".rw-row").last).to_contain_text("<script>window.hacked=8</script>")
        page.box("models")
        page.tab("Recipe")
        page.tab("Inside")
        sync_api.expect(page.page.locator(".js-plotly-plot")).to_have_count(6, timeout=20_000)
        assert page.lane(f"{EVIL[1]} weight").count() == 1
        assert page.page.evaluate("window.hacked") is None
        assert page.page.locator("img[src=x], img[src='x/onerror=window.hacked=4']").count() == 0
    finally:
        threading.Thread(target=demo.close).start()
