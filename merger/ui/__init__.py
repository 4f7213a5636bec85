"""The page. build_app() reads like a table of contents; all wiring is at its end."""

import os
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes import Default

from merger.merge import best_device
from merger.methods import METHODS
from merger.recipe import dump
from merger.ui import controls, lanes
from merger.ui.answers import answers
from merger.ui.callbacks import Callbacks
from merger.ui.detail import detail
from merger.ui.mixer import mixer
from merger.ui.state import MAX_PROMPT, start
from merger.ui.studio import Studio, Visit

HERE = Path(__file__).parent
PRESETS = HERE.parent.parent / "presets"
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
NOW: dict[str, Any] = {"queue": False, **QUIET}
MODEL: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1, "trigger_mode": "always_last", **QUIET}

TITLE = "# Mix language models like music\nPaint how much of each model goes into every layer. The blend answers as you let go."

LAUNCH: dict[str, Any] = {
    "theme": Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
    "css_paths": [HERE / "page.css"],
    "run_history": False,  # or every drag is recorded in the browser
    "footer_links": ["settings"],
    "max_file_size": "1mb",
}


def build_app(presets: Path = PRESETS, device: str | None = None) -> gr.Blocks:
    """The explorer on a folder of presets with a family of models. device: cuda where there is one, else cpu."""
    studio = Studio(presets, device or os.environ.get("MERGER_DEVICE") or best_device())
    first = start(studio.presets[0], studio.base)
    decided = studio.plan(first.recipe)
    value, board = lanes.describe(decided)
    names = lanes.short_names(studio.family)
    parents = [(names[m], m) for m in studio.family if m != studio.base]

    with gr.Blocks(title="Merge explorer", analytics_enabled=False, delete_cache=(3600, 3600), fill_width=True) as demo:
        work = gr.State(first)
        opened = gr.State(False)

        with gr.Row(elem_id="top"):
            with gr.Column(scale=5, min_width=300):
                gr.Markdown(TITLE, elem_id="title")
            to_recipe = gr.Button("Recipe", scale=0, size="sm", min_width=100)
            download = gr.Button("Download", scale=0, size="sm", min_width=100)
        notice = gr.Textbox("", show_label=False, container=False, interactive=False, visible=False, elem_id="notice", lines=1)
        merged = gr.Textbox("", show_label=False, container=False, interactive=False, visible=False, elem_id="merged", lines=1)

        with gr.Row(equal_height=False):
            with gr.Column(scale=7, min_width=300):
                preset = gr.Radio(
                    [p.name for p in studio.presets], value=first.preset, interactive=True, elem_id="presets",
                    label="Start from a preset, then drag the bars",
                )  # fmt: skip
                says = gr.Markdown(studio.presets[0].says, elem_id="says")
                mix = mixer(value, board, studio.strip(first), elem_id="mixer")
            with gr.Column(scale=5, min_width=300):
                with gr.Row(elem_id="ask-row"):
                    prompt = gr.Textbox(
                        first.prompt, label="Prompt", lines=2, max_lines=4, max_length=MAX_PROMPT, interactive=True,
                        placeholder="Ask something, or give a task", scale=5,
                    )  # fmt: skip
                    ask = gr.Button("Ask", variant="primary", scale=0, min_width=80)
                panel = answers({"columns": studio.columns(first)}, feed=_first_answers(studio), elem_id="answers")
                with gr.Row(elem_id="ask-options"):
                    again = gr.Checkbox(True, label="Ask again when I let go", interactive=True, scale=3)
                    stop = gr.Button("Stop", scale=0, size="sm", min_width=90)

        with gr.Accordion("Models and method", open=False):
            method = gr.Dropdown(
                [(f"{m.name}: {m.says}", m.name) for m in METHODS.values()], value=first.recipe.merge_method,
                label="Method", info="How the models are blended", interactive=True,
            )  # fmt: skip
            models = gr.CheckboxGroup(parents, value=list(first.chosen), label="Models in the mix", interactive=True)
            with gr.Row():
                widgets = controls.controls()
        with gr.Accordion("Recipe", open=False) as recipe_panel:
            yaml = gr.Code(
                dump(first.recipe), language="yaml", interactive=False, label="mergekit YAML of what you see",
                buttons=["copy", "download"], elem_id="yaml",
            )  # fmt: skip
        inside = detail()
        file = gr.DownloadButton("Download the zip", elem_id="download-file")

        # ---------------------------------------------------------------------------------------- wiring
        on = Callbacks(studio, widgets)
        drawn = [work, notice, mix, yaml, preset, says, method, models, panel, *widgets.values()]
        figures = [inside.words, *inside.figures]

        mix.input(on.drag, [work, mix], mix, trigger_mode="always_last", **NOW)
        mix.release(on.release, [work, mix], [work, notice, mix, yaml, says], trigger_mode="always_last", **NOW)
        preset.input(on.choose_preset, [work, preset], [*drawn, prompt], **NOW)
        method.input(on.choose_method, [work, method], drawn, **NOW)
        models.input(on.choose_models, [work, models], drawn, **NOW)
        changes = [mix.release, preset.input, method.input, models.input]
        for name, widget in widgets.items():
            widget.input(on.control(name), [work, widget], drawn, trigger_mode="always_last", **NOW)
            changes.append(widget.input)
        gr.on([ask.click, prompt.submit], on.bump, None, None, trigger_mode="multiple", **NOW)
        gr.on(changes, on.answer_again, [work, prompt, again], panel, **MODEL)
        gr.on([ask.click, prompt.submit], on.answer, [work, prompt], panel, **MODEL)
        gr.on(changes, on.inside, [work, opened], figures, trigger_mode="always_last", **QUIET)
        stop.click(on.stop, None, None, **NOW)
        to_recipe.click(lambda: gr.update(open=True), None, recipe_panel, **NOW).then(None, None, None, js=_SHOW_RECIPE, **NOW)
        inside.panel.expand(lambda: True, None, opened, **NOW).then(on.inside, [work, opened], figures, **QUIET)
        inside.panel.collapse(lambda: False, None, opened, **NOW)
        download.click(
            on.download, work, [merged, file], concurrency_id="disk", concurrency_limit=2, **QUIET
        ).success(None, None, None, js=_SAVE_FILE, **NOW)  # fmt: skip
        demo.unload(on.leave)
    demo.queue(default_concurrency_limit=4)
    return demo


_SHOW_RECIPE = "() => document.querySelector('#yaml')?.scrollIntoView({block: 'center'})"
_SAVE_FILE = "() => setTimeout(() => document.querySelector('#download-file')?.click(), 300)"


def _first_answers(studio: Studio) -> dict[str, Any]:
    """The first screen is already answered: the first preset's answers, kept for every visitor."""
    first = start(studio.presets[0], studio.base)
    for _ in studio.answer(first, first.prompt, Visit()):
        pass
    return next(iter(studio.answer(first, first.prompt, Visit())))
