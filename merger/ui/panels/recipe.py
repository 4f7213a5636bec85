"""The recipe as text, as numbers and as a command: what is typed or dropped becomes the recipe, or stays with the reason."""

from pathlib import Path
from typing import Any

import gradio as gr

import merger.ui.workspace as workspace
from merger.errors import MergeError
from merger.recipe import dump
from merger.regular import read_text
from merger.ui import lanes
from merger.ui.bundle import of_page
from merger.ui.desk import Desk, Updates, line
from merger.ui.events import NEWEST, NOW, QUIET
from merger.ui.scratch import scratch
from merger.ui.workspace import Workspace


class Writing:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.draws("yaml", lambda scene: dump(scene.work.recipe), typed=True)

    def view(self, first: Workspace) -> None:
        """Build it where it is called, for the first recipe."""
        yaml_error = line("yaml-error", "About this YAML")
        yaml = gr.Code(
            dump(first.recipe), language="yaml", interactive=True, label="mergekit YAML of what you hear; edit or paste",
            buttons=["copy", "download"], elem_id="yaml", max_lines=30,
        )  # fmt: skip
        with gr.Row():
            use = gr.Button("Use this recipe", variant="primary", size="sm")
            revert = gr.Button("Back to what I hear", size="sm")
            file = gr.UploadButton(
                "Open a YAML file", file_types=[".yaml", ".yml", ".txt"], size="sm", type="filepath", elem_id="yaml-file"
            )  # fmt: skip
        with gr.Accordion("Numbers: one row for each lane, one column for each layer", open=False):
            table = gr.Dataframe(interactive=True, show_label=False, elem_id="numbers", static_columns=[0])
        with gr.Accordion("As a command", open=False):
            command = gr.Code(
                "", language="shell", interactive=False, label="For a shell", buttons=["copy"], elem_id="command"
            )  # fmt: skip
        self.desk.shows(
            yaml=yaml, yaml_error=yaml_error, use=use, revert=revert, file=file, table=table, command=command,
            drafted=gr.State(False),
        )  # fmt: skip

    def wire(self, tab: Any) -> None:
        """Bind its events. tab: where it stands, whose numbers and command are drawn only while it is open."""
        desk, parts = self.desk, self.desk.parts
        note = ["drafted", "yaml_error"]

        def marked(event: Any) -> None:
            event.then(None, parts["yaml_error"], None, js=of_page("markLine"), **NOW)

        used = desk.bind(parts["use"].click, self.use_text, ["work", "yaml"], desk.drawn, **NOW)
        opened = desk.bind(parts["file"].upload, self.use_file, ["work", "file"], desk.drawn, **NOW)
        for event in (used, opened):
            marked(desk.bind(event.then, self.drafted, ["work", "yaml"], note, **NOW))
        marked(desk.bind(parts["yaml"].input, self.check, ["work", "yaml"], note, **NEWEST))
        marked(desk.bind(parts["revert"].click, self.revert, ["work"], [*note, "yaml"], **NOW))
        desk.bind(parts["table"].input, self.use_numbers, ["work", "table"], desk.drawn, **NEWEST)
        desk.bind(tab.select, self.command, ["work"], ["command"], **NOW)
        open_now = desk.bind(tab.select, lambda: {"tab": "recipe"}, [], ["tab"], **NOW)
        desk.bind(open_now.then, self.numbers, ["work", "tab"], ["table"], **QUIET)
        desk.later("see table", self.numbers, ["work", "tab"], ["table"], lambda _, tab: tab == "recipe", **QUIET)

    # ------------------------------------------------------------------------------------------ text

    def check(self, work: Workspace, text: str, request: gr.Request) -> Updates:
        """While YAML is typed: whether it is another than the page's, and what is wrong with it, and where."""
        if text == dump(work.recipe):
            return _note(False, "")
        try:
            read = workspace.with_text(work, text)
            self.desk.seen(request).studio.check(read.recipe)
        except MergeError as error:
            return _note(True, str(error))
        return _note(True, "A recipe that can be used. Press “Use this recipe”.")

    def use_text(self, work: Workspace, text: str, request: gr.Request) -> Updates:
        """The typed or pasted YAML becomes the recipe; refused, it stays where it is with the reason."""
        return self.desk.edited(work, lambda: workspace.with_text(work, text), request)

    def use_file(self, work: Workspace, path: str | None, request: gr.Request) -> Updates:
        """A YAML file was dropped or chosen."""

        def read() -> Workspace:
            try:
                text = read_text(Path(path or ""))
            except (OSError, UnicodeDecodeError):
                raise MergeError("This file is not text; drop a recipe in YAML.") from None
            finally:
                scratch().used(path)
            return workspace.with_text(work, text, "file")

        return self.desk.edited(work, read, request)

    def drafted(self, work: Workspace, text: str) -> Updates:
        """After a text was taken, or refused: whether what is written is still another, and then why."""
        return _note(False, "") if text == dump(work.recipe) else {"drafted": True}

    def revert(self, work: Workspace) -> Updates:
        """Leave what was typed, and show the recipe that is heard."""
        return {"yaml": dump(work.recipe), **_note(False, "")}

    def command(self, work: Workspace) -> Updates:
        """The merge as lines for a shell."""
        return {"command": workspace.command(work.recipe)}

    # ------------------------------------------------------------------------------------------ numbers

    def numbers(self, work: Workspace, tab: str = "recipe", request: gr.Request | None = None) -> Updates:
        """The recipe as a table, if its tab is open: a row per lane, a column per layer."""
        if tab != "recipe":
            return {}
        try:
            value, board = lanes.describe(self.desk.seen(request).studio.plan(work.recipe), split=work.split)
        except MergeError:
            return {}
        headers = ["lane", *(c["label"] for c in board["columns"])]
        rows = [[lane["name"], *value["lanes"][lane["path"]]] for lane in board["lanes"]]
        return {"table": gr.update(value={"headers": headers, "data": rows})}

    def use_numbers(self, work: Workspace, table: Any, request: gr.Request) -> Updates:
        """Numbers were typed into the table."""

        def read() -> Workspace:
            plan = self.desk.seen(request).studio.plan(work.recipe)
            _, board = lanes.describe(plan, split=work.split)
            rows = table.values.tolist()
            if len(rows) != len(board["lanes"]):
                raise MergeError("The table has one row for each lane; rows can be changed, not added or taken out.")
            wanted = {lane["path"]: [_number(x) for x in row[1:]] for lane, row in zip(board["lanes"], rows, strict=True)}
            return workspace.with_recipe(work, lanes.painted(plan, wanted))

        return self.desk.edited(work, read, request)


def _note(drafted: bool, words: str) -> Updates:
    return {"drafted": drafted, "yaml_error": gr.update(value=words, visible=bool(words))}


def _number(x: Any) -> Any:
    """A table's cell: a number where it is one."""
    try:
        return float(x)
    except (TypeError, ValueError):
        return x


__all__ = ["Writing"]
