"""The page. build_app() reads like a table of contents; all wiring is at its end."""

import os
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes import Default

from merger.inside import presets
from merger.kernels.devices import best_device
from merger.limits import PROMPT_CHARACTERS, QUEUED, SESSIONS, UPLOAD_BYTES, ZIP_SECONDS
from merger.methods import METHODS
from merger.recipe import dump
from merger.ui import api, controls, lanes
from merger.ui.answers import answers
from merger.ui.callbacks import FIXES, Callbacks
from merger.ui.detail import detail
from merger.ui.events import NOW, QUIET
from merger.ui.explore import Exploring, explore
from merger.ui.explore import wire as wire_explore
from merger.ui.guard import read_door
from merger.ui.history import history, recorder
from merger.ui.inspect import inspect
from merger.ui.mixer import mixer
from merger.ui.page import Page, with_sign_in
from merger.ui.pick import Picking, pick, read_trios
from merger.ui.push import ANYWAY, Publishing, publish
from merger.ui.quota import share_out
from merger.ui.scratch import scratch
from merger.ui.state import start
from merger.ui.studio import Studio

HERE = Path(__file__).parent
PRESETS = presets()
NEWEST: dict[str, Any] = {"trigger_mode": "always_last", **NOW}
ANSWER: dict[str, Any] = {"concurrency_id": "answers", "concurrency_limit": None, "trigger_mode": "always_last", **QUIET}
"""Answers wait for each other in Studio's own line, which can say how long it is; gradio's would hold back in silence."""
DISK: dict[str, Any] = {"concurrency_id": "disk", "concurrency_limit": 2, **QUIET}

TITLE = "# Mix language models like music\nPaint how much of each model goes into every layer. The blend answers as you let go."

LAUNCH: dict[str, Any] = {
    "theme": Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
    "css_paths": [HERE / "page.css"],
    "run_history": False,  # or every drag is recorded in the browser
    "footer_links": ["api", "settings"],
    "max_file_size": int(UPLOAD_BYTES),
    "state_session_capacity": 2 * SESSIONS,  # never reached: ui/visitors.py lets go before, of those who have left first
    "max_threads": 100,  # answers that wait their turn hold one each
}


def build_app(presets: Path = PRESETS, device: str | None = None) -> Page:
    """The explorer on a folder of presets with a family of models. device: cuda where there is one, else cpu."""
    scratch()  # before gradio looks where it may put files
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")  # nobody says for whom he asks, but a proxy that is named there
    studio = Studio(presets, device or os.environ.get("MERGER_DEVICE") or best_device())
    studio.host = with_sign_in(studio.host)
    first = start(studio.presets[0], studio.base, studio.parents_of_family)
    value, board = lanes.describe(studio.plan(first.recipe))
    board["law"] = studio.law(first, studio.plan(first.recipe))
    names = lanes.short_names(studio.family)

    demo = Page(title="Merge explorer", analytics_enabled=False, delete_cache=(60, int(ZIP_SECONDS)), fill_width=True)
    demo.door, demo.space, demo.visitors = read_door(studio.host.hosted), bool(studio.host.space), studio.visitors
    with demo:
        work = gr.State(first)
        tab, picked, drafted = gr.State("models"), gr.State(None), gr.State(False)

        with gr.Row(elem_id="top"):
            with gr.Column(scale=5, min_width=300):
                gr.Markdown(TITLE, elem_id="title")
            share = gr.Button("Copy link", scale=0, size="sm", min_width=100)
            to_recipe = gr.Button("Recipe", scale=0, size="sm", min_width=90)
            download = gr.Button("Download", scale=0, size="sm", min_width=100)
        with gr.Row(elem_id="refusal"):
            notice = _line("notice")
            ways = [gr.Button("", size="sm", scale=0, min_width=150, visible=False) for _ in range(FIXES)]
        shared = gr.Textbox("", elem_id="shared", label="Link to this recipe", visible=False, interactive=False, buttons=["copy"])
        with gr.Row(visible=False, elem_id="taking") as taking:
            merged = _line("merged", visible=True)
            anyway, write_anyway = (gr.Button(ANYWAY, size="sm", scale=0, min_width=150, visible=False) for _ in range(2))
            make = gr.Button("Make the zip", variant="primary", size="sm", scale=0, min_width=120)
            cancel = gr.Button("Cancel", size="sm", scale=0, min_width=90)

        with gr.Row(equal_height=False, elem_id="stage"):
            with gr.Column(scale=7, min_width=300):
                preset = gr.Radio(
                    [p.name for p in studio.presets], value=first.preset, interactive=True, elem_id="presets",
                    label="Start from a preset, then drag the bars",
                )  # fmt: skip
                says = gr.Markdown(studio.presets[0].says, elem_id="says")
                mix = mixer(value, board, studio.strip(first), Callbacks(studio, {}).sample, elem_id="mixer")
                moved = _line("moved", "What the last move changed")
                with gr.Row(elem_id="warning"):
                    warning = _line("verdict", "What speaks against this merge")
                    fixes = [gr.Button("", size="sm", scale=0, min_width=150, visible=False) for _ in range(FIXES)]
            with gr.Column(scale=5, min_width=300, elem_id="hearing"):
                with gr.Row(elem_id="ask-row"):
                    prompt = gr.Textbox(
                        first.prompt, label="Prompt", lines=2, max_lines=4, max_length=PROMPT_CHARACTERS, interactive=True,
                        placeholder="Ask something, or give a task", scale=5,
                    )  # fmt: skip
                    ask = gr.Button("Ask", variant="primary", scale=0, min_width=80)
                panel = answers({"columns": studio.columns(first)}, feed=_first_answers(studio), elem_id="answers")
                with gr.Row(elem_id="ask-options"):
                    again = gr.Checkbox(True, label="Ask again when I let go", interactive=True, scale=3)
                    stop = gr.Button("Stop", scale=0, size="sm", min_width=90)

        with gr.Tabs(elem_id="below") as tabs:
            with gr.Tab("Models and method", id="models") as models_tab:
                method = gr.Dropdown(
                    [(f"{m.name}: {m.says}", m.name) for m in METHODS.values()], value=first.recipe.merge_method,
                    label="Method", info="How the models are blended", interactive=True,
                )  # fmt: skip
                models = gr.CheckboxGroup(
                    [(names[m], m) for m in first.shelf], value=list(first.chosen), label="Models in the mix", interactive=True
                )
                with gr.Row():
                    widgets = controls.controls()
                with gr.Row():
                    seed = gr.Number(
                        0, label="Seed of the merge", precision=0, minimum=0, interactive=True,
                        info="Which changes the random methods (DARE, DELLA) drop; the same seed drops the same",
                    )  # fmt: skip
                    heat = gr.Slider(
                        0, 1.5, 0, step=0.1, label="Variety of the answers", interactive=True,
                        info="0: always the likeliest word. More: drawn at random (`temperature`)",
                    )  # fmt: skip
                    draw_seed = gr.Number(
                        0, label="Seed of the answers", precision=0, minimum=0, interactive=True,
                        info="The same seed draws the same words, for every model",
                    )  # fmt: skip
                    plain = gr.Checkbox(
                        False, label="Go on with the text", interactive=True,
                        info="The prompt as it is, without the models' chat template: for base models",
                    )  # fmt: skip
            with gr.Tab("Other models", id="pick"):
                listed = presets / "trios.json"
                trios = read_trios(listed) if listed.exists() else ()
                picking = Picking(studio)
                shelf = pick(studio.host, trios)
            with gr.Tab("A and B", id="ab"):
                slots = _line("slots", "What is kept as A and B", visible=True)
                with gr.Row():
                    keep_a, keep_b = gr.Button("Keep as A", size="sm"), gr.Button("Keep as B", size="sm")
                    hear_a, hear_b = gr.Button("Go to A", size="sm"), gr.Button("Go to B", size="sm")
                    blind = gr.Button("Blind test", size="sm")
                fade = gr.Slider(
                    0, 1, 0, step=0.01, label="From A to B", interactive=False, elem_id="fade",
                    info="Keep two recipes, then slide between them. Where method or models differ, what the two make is mixed",
                )  # fmt: skip
            with gr.Tab("Explore", id="explore"):
                exploring = Exploring(studio, presets / "probes.json")
                sweeps = explore(exploring, studio.plan(first.recipe), first.chosen)
            with gr.Tab("Look inside", id="inside") as inside_tab:
                glass = inspect()
                inside = detail()
            with gr.Tab("Recipe", id="recipe") as recipe_tab:
                yaml_error = _line("yaml-error", "About this YAML")
                yaml = gr.Code(
                    dump(first.recipe), language="yaml", interactive=True, label="mergekit YAML of what you hear; edit or paste",
                    buttons=["copy", "download"], elem_id="yaml", max_lines=30,
                )  # fmt: skip
                with gr.Row():
                    use = gr.Button("Use this recipe", variant="primary", size="sm")
                    revert = gr.Button("Back to what I hear", size="sm")
                    file = gr.UploadButton("Open a YAML file", file_types=[".yaml", ".yml", ".txt"], size="sm", type="filepath")
                with gr.Accordion("Numbers: one row for each lane, one column for each layer", open=False):
                    table = gr.Dataframe(interactive=True, show_label=False, elem_id="numbers", static_columns=[0])
                with gr.Accordion("As a command", open=False):
                    command = gr.Code(
                        "", language="shell", interactive=False, label="For a shell", buttons=["copy"], elem_id="command"
                    )  # fmt: skip
                at_home = None if studio.host.hosted else _to_a_folder()
            with gr.Tab("Publish", id="publish") as publish_tab:
                publishing = Publishing(studio)
                sending = publish(studio.host)
            with gr.Tab("History", id="history"):
                tried = history(elem_id="history")
        told = recorder(elem_id="recorder")
        ready = gr.DownloadButton("Download the zip", elem_id="download-file")
        link, tick, asked = (gr.Textbox("", visible="hidden", elem_id=name) for name in ("link", "tick", "asked"))

        # ---------------------------------------------------------------------------------------- wiring
        # An edit ends by setting `tick`, and what follows an edit hangs on that alone. An event with a listener that keeps its
        # last call (always_last) calls all its listeners again with that call: an edit must not be among them.
        on = Callbacks(studio, widgets)
        drawn = [
            work, notice, mix, yaml, preset, says, moved, link, method, models, seed, panel, slots, fade, tick, *ways,
            *widgets.values(),
        ]  # fmt: skip
        asking = [work, prompt, heat, draw_seed, plain]

        mix.input(on.drag, [work, mix], mix, **NEWEST)
        mix.release(on.release, [work, mix, drafted], [work, notice, mix, yaml, says, moved, link, tick], **NEWEST)
        mix.edit(on.split, [work, mix], drawn, **NOW)
        mix.undo(on.undo, work, drawn, **NOW)
        mix.retry(on.redo, work, drawn, **NOW)
        preset.input(on.choose_preset, [work, preset], [*drawn, prompt], **NOW)
        method.input(on.choose_method, [work, method], drawn, **NOW)
        models.input(on.choose_models, [work, models], drawn, **NOW)
        seed.submit(on.choose_seed, [work, seed], drawn, **NEWEST)
        fade.input(on.fade, [work, fade], drawn, **NEWEST)
        use.click(on.use_text, [work, yaml], drawn, **NOW).then(
            on.drafted, [work, yaml], [drafted, yaml_error], **NOW
        ).then(None, yaml_error, None, js=_MARK_LINE, **NOW)  # fmt: skip
        file.upload(on.use_file, [work, file], drawn, **NOW).then(
            on.drafted, [work, yaml], [drafted, yaml_error], **NOW
        ).then(None, yaml_error, None, js=_MARK_LINE, **NOW)  # fmt: skip
        tried.select(on.use_entry, [work, tried], [*drawn, prompt], **NOW)
        table.input(on.use_numbers, [work, table], drawn, **NEWEST)
        hear_a.click(on.hear(0), work, drawn, **NOW)
        hear_b.click(on.hear(1), work, drawn, **NOW)
        for i, button in enumerate(fixes):
            button.click(on.fix(i), work, drawn, **NOW)
        for i, button in enumerate(ways):
            button.click(on.way_out(i), work, drawn, **NOW)
        for name, widget in widgets.items():
            widget.input(on.control(name), [work, widget], drawn, **NEWEST)
        wire_explore(sweeps, exploring, work, prompt, on.use_point, drawn, [tick.change])
        picking.wire(shelf, trios, work, drawn, on.load_family)
        publishing.wire(sending, work, prompt, on.merge_to, on.answers, on.address, [publish_tab.select])
        demo.load(on.arrive, work, [*drawn, prompt], **QUIET)
        demo.load(None, None, None, js=_VIEW, **NOW)

        for i, line in enumerate((notice, moved, warning)):
            line.change(None, line, None, js=_ANNOUNCE % i, **NOW)

        tick.change(on.answer_again, [*asking, tick, again], [panel, told], **ANSWER)
        tick.change(on.judge, work, [warning, *fixes, *ways], **NEWEST)
        gr.on([ask.click, prompt.submit], on.bump, None, asked, trigger_mode="multiple", **NOW)
        asked.change(on.answer, [*asking, asked], [panel, told], **ANSWER)
        stop.click(on.stop, None, None, **NOW)

        keep_a.click(on.keep(0), work, [work, slots, fade], **NOW)
        keep_b.click(on.keep(1), work, [work, slots, fade], **NOW)
        blind.click(on.blind, asking, panel, **ANSWER)
        panel.submit(on.vote, panel, panel, **NOW)

        below, shown = [table, inside.words, *inside.figures, *glass.drawn], [work, tab, picked, glass.tensors]
        mix.select(on.pick, [work, mix], [picked, tabs, tab, *glass.drawn], **NOW).then(on.below, shown, below, **QUIET)
        glass.tensors.input(on.choose_tensor, [work, picked, glass.tensors], glass.drawn, **NOW)
        for one, name in ((models_tab, "models"), (inside_tab, "inside"), (recipe_tab, "recipe")):
            one.select(lambda name=name: name, None, tab, **NOW).then(on.below, shown, below, **QUIET)
        tick.change(on.below, shown, below, trigger_mode="always_last", **QUIET)
        recipe_tab.select(on.command, work, command, **NOW)
        yaml.input(on.check, [work, yaml], [drafted, yaml_error], **NEWEST).then(None, yaml_error, None, js=_MARK_LINE, **NOW)
        revert.click(on.revert, work, [drafted, yaml, yaml_error], **NOW).then(None, yaml_error, None, js=_MARK_LINE, **NOW)

        to_recipe.click(lambda: gr.update(selected="recipe"), None, tabs, **NOW).then(None, None, None, js=_SHOW_RECIPE, **NOW)
        share.click(on.share, [work, prompt], shared, **NOW).success(
            None, shared, shared, js=_COPY_LINK, **NOW
        ).success(lambda: gr.update(visible=True), None, shared, **NOW)  # fmt: skip
        link.change(None, link, None, js=_ADDRESS, **NOW)
        download.click(on.size, work, merged, **NOW).then(lambda: gr.update(visible=True), None, taking, **NOW)
        make.click(on.download, work, [merged, ready, anyway], **DISK).success(None, None, None, js=_SAVE_FILE, **NOW)
        anyway.click(on.download_anyway, work, [merged, ready, anyway], **DISK).success(None, None, None, js=_SAVE_FILE, **NOW)
        cancel.click(on.cancel, None, None, **NOW).then(lambda: gr.update(visible=False), None, taking, **NOW)
        if at_home is not None:
            folder, write = at_home
            written = [merged, ready, write_anyway]
            write.click(lambda: gr.update(visible=True), None, taking, **NOW).then(on.write, [work, folder], written, **DISK)
            write_anyway.click(on.write_anyway, [work, folder], written, **DISK)
        studio.visitors.leaving += [exploring.leave, picking.leave, publishing.leave]
        api.publish(studio)
    demo.queue(default_concurrency_limit=4, max_size=QUEUED, api_open=False)
    share_out(demo, studio.visitors, demo.space)
    return demo


_VIEW = """() => {
  const view = new URLSearchParams(location.search).get('view');
  if (view) document.body.dataset.view = view;
  const said = document.createElement('div');
  said.id = 'announcer';
  said.setAttribute('aria-live', 'polite');
  said.style.cssText = 'position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)';
  for (let i = 0; i < 3; i++) said.append(document.createElement('p'));
  document.querySelector('main')?.append(said);
  const tell = (sentence) => {
    document.querySelector('#fault')?.remove();
    const told = Object.assign(document.createElement('div'), {id: 'fault', className: 'toast-body', textContent: sentence});
    told.setAttribute('role', 'alert');
    told.onclick = () => told.remove();
    document.body.append(told);
  };
  const asks = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await asks(...asked);
    if (!answer.ok && /gradio_api\\/(run|component_server|upload)\\b/.test(String(asked[0]?.url ?? asked[0]))) {
      answer.clone().json().then(({error}) => tell(String(error))).catch(() => {});
    }
    return answer;
  };
}"""
"""Also where a sentence stands that no event could tell: gradio shows the errors of queued events only."""
_ANNOUNCE = "(text) => { const line = document.querySelectorAll('#announcer p')[%d]; if (line) line.textContent = text ?? ''; }"
"""For screen readers: a text box that changes by itself is silent."""
_SHOW_RECIPE = "() => setTimeout(() => document.querySelector('#yaml')?.scrollIntoView({block: 'center'}), 200)"
_SAVE_FILE = "() => setTimeout(() => document.querySelector('#download-file')?.click(), 300)"
_ADDRESS = """(packed) => {
  const url = new URL(location.href);
  if (packed) url.searchParams.set('r', packed); else url.searchParams.delete('r');
  url.searchParams.delete('p');
  history.replaceState(history.state, '', url);
}"""
_COPY_LINK = """async (query) => {
  if (!query) return '';
  const url = new URL(location.pathname, location.origin);
  const whole = `${url}?${query}`;
  try { await navigator.clipboard.writeText(whole); } catch { /* it is shown, and can be copied by hand */ }
  return whole;
}"""
_MARK_LINE = """(message) => {
  const editor = document.querySelector('#yaml .cm-content');
  const wrong = Number(/line (\\d+)/.exec(message ?? '')?.[1]);
  const mark = () => {
    const numbers = [...document.querySelectorAll('#yaml .cm-lineNumbers .cm-gutterElement')];
    const first = Number(numbers.find((number) => number.style.visibility !== 'hidden')?.textContent ?? 1);
    editor.querySelectorAll('.cm-line').forEach((line, i) => {
      if (line.classList.contains('wrong') !== (first + i === wrong)) line.classList.toggle('wrong');
    });
  };
  if (!editor) return;
  editor.marking?.disconnect();
  editor.marking = new MutationObserver(mark);
  editor.marking.observe(editor, {subtree: true, childList: true, attributes: true, attributeFilter: ['class']});
  mark();
}"""
"""The editor holds only the lines that are seen, and takes foreign classes off whenever it draws one again."""


def _line(elem_id: str, label: str = "Notice", visible: bool = False) -> gr.Textbox:
    """A line of words from us; a text box, because names in it may be hostile and a text box is only text."""
    return gr.Textbox(
        "", elem_id=elem_id, label=label, lines=1, max_lines=12, show_label=False, container=False, interactive=False,
        visible=visible, scale=5,
    )  # fmt: skip


def _to_a_folder() -> tuple[gr.Textbox, gr.Button]:
    """Merge straight into a folder: on one's own computer only. A hosted page has neither the button nor its event."""
    with gr.Row():
        folder = gr.Textbox("merged-model", label="Folder on this computer", interactive=True, scale=4)
        return folder, gr.Button("Merge into this folder", size="sm", scale=1)


def _first_answers(studio: Studio) -> dict[str, Any]:
    """The first screen is already answered: by the first preset."""
    first = start(studio.presets[0], studio.base)
    return studio.first_answers(first, first.prompt)
