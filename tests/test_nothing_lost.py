"""After a refusal, and after any error, a visitor reads a sentence and finds what he typed: callbacks, events, a browser."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pandas as pd
import pytest
from apart import apart
from browsing import SEEN
from gradio.components.api_component import Api
from safetensors.torch import load_file, save_file

from merger.errors import MergeError
from merger.recipe import dump, load
from merger.ui import LAUNCH, Panels, build_app, lanes, workspace
from merger.ui.guard import OUR_FAULT
from merger.ui.panels.find import Exploring
from merger.ui.panels.publish import Publishing
from merger.ui.service.strip import Strip
from merger.ui.studio import Studio

ROOT = Path(__file__).parent.parent
BASE, PIRATE, PLURAL, STORY = (f"presets/family/{name}" for name in ("base", "pirate", "plural", "story"))
ASKS = SimpleNamespace(session_hash="visitor", query_params={}, request=None)
"""What comes with an event."""
WRONG = "merge_method: ties\nbase_model: presets/family/base\nmodels:\n- {model: presets/family/pirate, paramters: {weight: 1}}\n"


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(ROOT / "presets")


@pytest.fixture(scope="module")
def on(studio) -> Panels:
    with gr.Blocks():
        return Panels(studio)


@pytest.fixture
def first(studio) -> workspace.Workspace:
    return workspace.start(studio.presets[0], studio.base, studio.parents_of_family)


# ---------------------------------------------------------------------------------------------- refusals


def kept(found: Any) -> bool:
    """Whether what was typed stays as it is, and a sentence says why."""
    return bool(found["notice"]["value"]) and not {"yaml", "seed", "tick"} & found.keys()


@pytest.mark.parametrize("text", [WRONG, "a: [", "", "merge_method: linear\nmodels: [{model: nobody/at-all}]", dump(load(
    "{merge_method: linear, models: [{model: presets/family/nobody, parameters: {weight: 1}}]}"
))])  # fmt: skip
def test_a_refused_text_stays_as_it_was_typed(on, first, text):
    assert kept(on.recipe.use_text(first, text, ASKS))
    assert on.recipe.drafted(first, text) == {"drafted": True}, "it is still a draft, and nothing is put in its place"


def test_no_refusal_touches_what_is_typed(on, first, tmp_path):
    """Whatever is refused: the YAML, the seed, the prompt and the table stay as they are."""
    (tmp_path / "r.yaml").write_text(WRONG)
    two = workspace.with_models(first, [PIRATE])
    assert kept(on.recipe.use_file(first, str(tmp_path / "r.yaml"), ASKS))
    assert kept(on.method.choose_models(first, [], ASKS)) and kept(on.method.choose_method(two, {"key": "slerp"}, ASKS))
    assert (
        kept(on.method.choose_seed(first, -5, ASKS))
        and kept(on.compare.hear(first, 0, ASKS))
        and kept(on.compare.fade(first, 0.5, ASKS))
    )
    plan = on.studio.plan(first.recipe)
    _, board = lanes.describe(plan)
    rows = [["x", *["much"] * len(board["columns"])] for _ in board["lanes"]]
    assert kept(on.recipe.use_numbers(first, pd.DataFrame(rows), ASKS))
    drawn = on.past.use_entry(first, {"yaml": WRONG, "prompt": "another"}, {"rows": [{"id": "mine", "prompt": "one"}]}, ASKS)
    assert kept(drawn) and "value" not in drawn["answers"]
    nowhere = load("{merge_method: linear, models: [{model: no/where, parameters: {weight: 1}}]}")
    gone = workspace.replace(first, slots=(nowhere, None))
    assert kept(on.compare.hear(gone, 0, ASKS))


def test_an_edit_that_goes_through_is_drawn(on, first):
    found = on.recipe.use_text(first, dump(on.studio.presets[1].recipe), ASKS)
    assert found["yaml"] == dump(on.studio.presets[1].recipe) and isinstance(found["tick"], str)
    rows = on.begin.preset(first, on.studio.presets[1].name, ASKS)["answers"]["value"]["rows"]
    assert [row["prompt"] for row in rows] == [row.prompt for row in on.studio.presets[1].rows]
    assert rows[0]["prompt"] == on.studio.presets[1].prompt


# ---------------------------------------------------------------------------------------------- recipes of every shape


def of(method: str, models: str, base: str = BASE, more: str = "") -> str:
    return f"merge_method: {method}\n" + (f"base_model: {base}\n" if base else "") + f"{more}models: [{models}]\n"


def sliced(method: str, base: str = BASE, own: str = "weight: 0.5", more: str = "") -> str:
    """Two slices of two models each."""
    part = "\n".join(
        f"- sources: [{{model: {PIRATE}, layer_range: [{a}, {b}], parameters: {{{own}}}}}, "
        f"{{model: {PLURAL}, layer_range: [{a}, {b}], parameters: {{{own}}}}}]"
        for a, b in ((0, 4), (2, 6))
    )
    return f"merge_method: {method}\n" + (f"base_model: {base}\n" if base else "") + f"{more}slices:\n{part}\n"


W = "parameters: {weight: 0.5}"
ONE, TWO = f"{{model: {PIRATE}, {W}}}", f"{{model: {PIRATE}, {W}}}, {{model: {PLURAL}, {W}}}"
MADE = f"name: made\nmerge_method: linear\nmodels: [{TWO}]\n---\n"
STACK = "\n".join(f"- sources: [{{model: {m}, layer_range: [{a}, {b}]}}]" for m, a, b in ((PIRATE, 0, 4), (PLURAL, 2, 6)))
SHAPES = {
    **{f"{name} of slices": sliced(name, own="weight: 0.5, density: 0.5") for name in ("ties", "dare_ties", "task_arithmetic")},
    "della of slices": sliced("della", own="weight: 0.5, density: 0.5, epsilon: 0.1"),
    "sce of slices": sliced("sce", own="weight: 1"), "linear slices": sliced("linear", base=""),
    "slerp of slices": f"merge_method: slerp\nbase_model: {PIRATE}\nparameters: {{t: 0.5}}\nslices:\n- sources: "
                       f"[{{model: {PIRATE}, layer_range: [0, 6]}}, {{model: {PLURAL}, layer_range: [0, 6]}}]\n",
    "slices with bases of their own": f"merge_method: ties\nbase_model: {BASE}\nslices:\n- {{base_model: {STORY}, sources: "
        f"[{{model: {PIRATE}, layer_range: [0, 3], {W}}}]}}\n- sources: [{{model: {PLURAL}, layer_range: [3, 6], {W}}}]\n",
    "a slice of the base":
        f"merge_method: ties\nbase_model: {BASE}\nslices:\n- sources: [{{model: {BASE}, layer_range: [3, 6]}}]\n",
    "one model twice in a slice": f"merge_method: linear\nslices:\n- sources: [{{model: {PIRATE}, layer_range: [0, 3], {W}}}, "
                                  f"{{model: {PIRATE}, layer_range: [1, 4], {W}}}]\n",
    "a stack": f"merge_method: passthrough\nslices:\n{STACK}\n",
    "a stack and a base": f"merge_method: passthrough\nbase_model: {BASE}\nslices:\n{STACK}\n",
    "one layer": f"merge_method: passthrough\nslices: [{{sources: [{{model: {PIRATE}, layer_range: [3, 4]}}]}}]\n",
    "modules, deltas": f"merge_method: ties\nbase_model: {BASE}\nmodules: {{default: {{models: [{TWO}]}}}}\n",
    "modules, slices": f"merge_method: ties\nbase_model: {BASE}\nmodules: {{default: {{slices: [{{sources: "
                       f"[{{model: {PIRATE}, layer_range: [0, 3], {W}}}]}}]}}}}\n",
    "modules, whole weights": f"merge_method: linear\nmodules: {{default: {{models: [{TWO}]}}}}\n",
    "documents": MADE + of("ties", f"{{model: made, {W}}}, {{model: {STORY}, {W}}}"),
    "documents of slices":
        f"name: made\nmerge_method: passthrough\nslices:\n{STACK}\n---\n" + of("linear", f"{{model: made, {W}}}", ""),
    "one model": of("linear", ONE, ""), "the base alone": of("linear", f"{{model: {BASE}, {W}}}", ""),
    "deltas of the base alone": of("ties", f"{{model: {BASE}, {W}}}"),
    "the base among them": of("ties", f"{{model: {BASE}, {W}}}, {TWO}"),
    "no base": of("nuslerp", TWO, ""), "a sibling as base": of("ties", TWO, STORY),
    "a union of tokens": of("ties", TWO, more="tokenizer_source: union\n"),
    "tokens by hand": of(
        "linear", TWO, "",
        f"tokenizer: {{source: union, tokens: {{a: {{source: {PIRATE}, force: true}}}}, pad_to_multiple_of: 64}}\n",
    ),
    "misfits skipped": of("ties", TWO, more="on_mismatch: skip\n"), "misfits cut": of("ties", TWO, more="on_mismatch: crop\n"),
    "plain names": f"merge_method: linear\nmodels: [{PIRATE}, {PLURAL}]\nparameters: {{weight: 0.5}}\n",
}  # fmt: skip


@pytest.mark.parametrize("shape", [*SHAPES, "a stranger", "misfits", "misfits in slices", "nothing but weights"])
@pytest.mark.long
def test_recipes_of_every_shape_are_drawn(studio, on, first, shape, tmp_path):
    """Through everything that the page does with a recipe: an error may be told, none is raised."""
    work = on.recipe.use_text(first, SHAPES.get(shape) or strange(shape, tmp_path), ASKS)["work"]
    if work.refused is not None:
        work = on.desk.way_out(0)(work, ASKS)["work"]
    assert work.recipe != first.recipe, "the shape was refused"
    everything(studio, on, work)


def strange(shape: str, folder: Path) -> str:
    """A recipe with a model that is none of the family's."""
    odd = folder / "odd"
    shutil.copytree(ROOT / PIRATE, odd)
    if shape.startswith("misfits"):
        tensors = load_file(odd / "model.safetensors")
        for name in [name for name in tensors if "mlp" in name and "_proj" in name]:
            tensors[name] = (tensors[name][..., :-8] if "down_proj" in name else tensors[name][:-8]).clone()
        save_file(tensors, odd / "model.safetensors", {"format": "pt"})
        config = json.loads((odd / "config.json").read_text())
        (odd / "config.json").write_text(json.dumps(config | {"intermediate_size": config["intermediate_size"] - 8}))
    if shape == "nothing but weights":
        for file in [file for file in odd.iterdir() if file.suffix != ".safetensors"]:
            file.unlink()
    if shape == "misfits in slices":
        return sliced("ties", more="on_mismatch: skip\n").replace(PLURAL, str(odd))
    if shape == "a stranger":
        return of("linear", f"{{model: {odd}, {W}}}", "")
    return of("ties", f"{{model: {PLURAL}, {W}}}, {{model: {odd}, {W}}}")


def everything(studio: Studio, on: Panels, work: workspace.Workspace) -> None:
    """Every callback that looks at a recipe."""
    on.desk.redraw(work)
    on.mixer.judge(work)
    for number in (0, 1):
        on.mixer.fix(number)(work, ASKS)
    on.take.size(work, ASKS)
    on.recipe.command(work)
    for method in ("linear", "ties", "slerp", "passthrough"):
        on.method.choose_method(work, {"key": method}, ASKS)
    on.method.choose_models(work, [PIRATE, PLURAL], ASKS)
    for name in on.method.controls:
        on.method.control(name)(work, 0.5, ASKS)
    for split in (True, False):
        on.mixer.split(work, {"split": split}, ASKS)
    value, _ = lanes.describe(studio.plan(work.recipe))
    moved = {"lanes": {path: [0.25] * len(numbers) for path, numbers in value["lanes"].items()}}
    on.mixer.drag(work, moved, ASKS)
    on.mixer.release(work, moved, False, ASKS)
    table = on.recipe.numbers(work)["table"]["value"]
    on.recipe.use_numbers(work, pd.DataFrame(table["data"], columns=table["headers"]), ASKS)
    other = workspace.with_preset(
        on.compare.keep(work, 0, ASKS)["work"], studio.presets[0], studio.base, studio.parents_of_family
    )
    on.compare.fade(on.compare.keep(other, 1, ASKS)["work"], 0.5, ASKS)
    for picked in ((0, "embed"), (1, "q"), (99, "q")):
        on.inside.draw(work, "inside", picked, None, ASKS)
    on.recipe.numbers(work, "recipe")
    on.inside.pick(work, {"picked": {"column": 1, "row": "q"}}, ASKS)
    exploring = Exploring(studio, ROOT / "presets" / "probes.json")
    offered = exploring.offer(work, None, "", [], ASKS)
    exploring.span(work, next((key for _, key in offered["find first"]["choices"]), None), ASKS)
    Publishing(studio).look(work, "", ASKS, None)
    Strip(studio).figures(work.recipe)


# ---------------------------------------------------------------------------------------------- any error, any event


class Planted(Exception):
    """An error nobody has thought of."""


@pytest.fixture(scope="module")
def page() -> Any:
    return build_app(ROOT / "presets")


def raising(*_: Any, **__: Any) -> Any:
    raise Planted("a secret of the server")


def streaming(fn: Any) -> Any:
    """The same after a first step of the kind that this event gives: nothing new for its components, an endpoint's answer."""

    def broken(*_: Any, **__: Any) -> Iterator[Any]:
        first = [None if isinstance(one, Api) else gr.skip() for one in fn.outputs]
        yield first[0] if len(first) == 1 else tuple(first) if first else None
        raise Planted("a secret of the server")

    return broken


def fire(page: Any, fn: Any) -> None:
    """An event as gradio runs it: the first step, then the others of a stream."""

    async def run() -> None:
        page.create_limiter()
        values = [None] * len(fn.inputs)
        made = await page.process_api(fn, values, state=None, session_hash=None)
        while made["is_generating"]:
            made = await page.process_api(fn, values, state=None, iterator=made["iterator"])

    apart(run())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.long
def test_every_event_ends_in_a_sentence(page, stream, caplog, monkeypatch):
    """Streams, endpoints and all: never gradio's bare word, never what the exception says, and the log has it."""

    async def given(fn: Any, values: list[Any], *_: Any) -> list[Any]:
        return values

    monkeypatch.setattr(page, "preprocess_data", given)
    events = [fn for fn in page.fns.values() if fn.fn is not None]
    assert len(events) > 60 and {"ask", "yaml", "merge", "sweep", "stats"} <= {fn.api_name for fn in events}
    for fn in events:
        own, fn.fn = fn.fn, streaming(fn) if stream else raising
        caplog.clear()
        try:
            with pytest.raises(gr.Error) as told:
                fire(page, fn)
        finally:
            fn.fn = own
        assert told.value.message == OUR_FAULT and "Planted" in caplog.text, fn.api_name


def test_a_refusal_that_nobody_caught_says_what_it_says(page):
    fn = next(fn for fn in page.fns.values() if fn.api_name == "yaml")
    own = fn.fn

    def refused(*_: Any) -> Any:
        raise MergeError("a sentence for the visitor")

    fn.fn = refused
    try:
        with pytest.raises(gr.Error) as told:
            fire(page, fn)
    finally:
        fn.fn = own
    assert told.value.message == "a sentence for the visitor"


# ---------------------------------------------------------------------------------------------- in a browser


@pytest.mark.browser
@pytest.mark.long
def test_a_wrong_yaml_is_told_at_its_line_and_stays(open_page):
    expect = pytest.importorskip("playwright.sync_api").expect
    page = open_page()
    page.says("ahoy me matey, arr!")
    page.tab("Recipe")
    code = page.page.locator("#yaml .cm-content")
    notice = page.page.locator("#notice textarea")

    def put(text: str) -> None:
        code.click()
        page.page.keyboard.press("Control+a")
        page.page.keyboard.insert_text(text)

    put(WRONG)
    why = re.compile("line 4: models.0..paramters is not a key")
    expect(page.page.locator("#yaml-error textarea")).to_have_value(why, timeout=10_000)
    expect(page.page.locator("#yaml .cm-line.wrong")).to_have_text(re.compile("paramters"), timeout=10_000)
    page.press("Use this recipe")
    expect(notice).to_have_value(why, timeout=10_000)
    page.page.wait_for_timeout(500)
    expect(code).to_contain_text("paramters")
    expect(page.page.locator("#yaml .cm-line.wrong")).to_have_text(re.compile("paramters"))
    page.page.get_by_label("Folder on this computer").fill("my-own-folder")
    put(SHAPES["ties of slices"])
    page.press("Use this recipe")
    expect(page.page.locator(".head [data-pop=start] .hd-label")).to_have_text("Start from · edited", timeout=15_000)
    expect(notice).to_be_hidden()
    expect(code).to_contain_text("slices:")
    expect(page.page.get_by_label("Folder on this computer")).to_have_value("my-own-folder")
    expect(page.page.locator(".toast-body")).to_have_count(0)
    page.ask("spell the word cat")
    page.says(re.compile("."))


@pytest.mark.browser
@pytest.mark.long
def test_an_error_of_ours_is_a_sentence_and_loses_nothing(browser, monkeypatch):
    """In this process, so that it can be planted: what is typed is there afterwards, and words in errors are only words."""
    sync = pytest.importorskip("playwright.sync_api")
    demo = build_app(ROOT / "presets")
    studio = demo.visitors.leaving[0].__self__
    _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    view = browser.new_page(viewport={"width": 1280, "height": 900})
    view.add_init_script(SEEN)
    try:
        view.goto(url)
        view.wait_for_selector(".mixer canvas", timeout=30_000)
        view.get_by_role("textbox", name="Prompt").fill("my own question")
        view.get_by_role("tab", name="Recipe", exact=True).click()
        code = view.locator("#yaml .cm-content")
        code.click()
        view.keyboard.press("Control+a")
        view.keyboard.insert_text(SHAPES["no base"])
        view.wait_for_timeout(800)
        ours, refusal = Planted("secret"), MergeError("<img src=x onerror='window.hacked=1'>none")
        for error, sentence in ((ours, OUR_FAULT), (refusal, "none")):
            monkeypatch.setattr(Strip, "strip", lambda *_, error=error: (_ for _ in ()).throw(error))
            studio.check = studio.plan
            view.get_by_role("button", name="Use this recipe").click()
            told = view.locator(".dock[data-kind=said] .dk-line") if error is ours else view.locator("#notice textarea")
            sync.expect(told).to_be_visible(timeout=10_000)
            said = told.inner_text() if error is ours else told.input_value()
            assert sentence in said and "secret" not in said
            assert not re.search(r"^Error$", view.locator("body").inner_text(), re.MULTILINE)
            sync.expect(code).to_contain_text("nuslerp")
            assert view.get_by_role("textbox", name="Prompt").input_value() == "my own question"
        assert view.evaluate("window.hacked") is None
    finally:
        view.close()
        demo.close()
