"""Taking the merge along: a link, a zip, a folder of this computer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr

import merger.ui.workspace as workspace
from merger.engine.batch import Step
from merger.errors import MergeError, NonFiniteError
from merger.export.gguf import about
from merger.export.modelfile import commands, modelfile_of
from merger.files.checkpoints import format_bytes
from merger.gguf.kinds import KINDS, available
from merger.gguf.process import missing
from merger.hub.card import Example
from merger.limits import PROMPT_CHARACTERS
from merger.ui.background import Ended
from merger.ui.bundle import of_page
from merger.ui.desk import Desk, Updates, line
from merger.ui.events import DISK, NOW
from merger.ui.head import Choice, choices, chosen, listed
from merger.ui.lanes import short_names
from merger.ui.panels.publish import ANYWAY, GGUF
from merger.ui.rows import prompt_of
from merger.ui.service.answers import Answers
from merger.ui.service.files import Files
from merger.ui.studio import Studio
from merger.ui.workspace import Workspace

_GGUF = "One file for Ollama, LM Studio and llama.cpp, in 8 bits or in another kind. Sizes are told first."
_KINDS = "f16 is exact, q8_0 half of it and nearly so; in q4_0 answers change."
MADE = ("merged", "ready", "anyway", "cancel")
"""What a merge to a zip draws: the status line, the file, the button that goes on with numbers that are not finite."""
PACKED = (*MADE, "runs", "beside")
"""The same of a GGUF file: and what runs it."""
WRITTEN = ("merged", "ready", "write_anyway", "cancel")


class Taking:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    # ------------------------------------------------------------------------------------------ view

    def view_list(self) -> None:
        """What can be saved, and where to."""
        self.desk.shows(save=choices(self.entries(not self.desk.studio.host.hosted), elem_id="saves"))

    @staticmethod
    def entries(home: bool) -> str:
        """The list, at home and elsewhere."""
        zipped = "The merged weights with everything to run them, to this browser. Size and time are told first."
        folder = "Straight into a folder of this computer: for models too large for a browser."
        listing = [Choice("zip", "Zip…", zipped)]
        if home or not missing():
            listing.append(Choice("gguf", "GGUF…", _GGUF, why=missing()))
        if home:
            listing.append(Choice("folder", "Folder…", folder))
        listing.append(Choice("publish", "Publish to the Hub…", "As a model of your own, private first, with a card."))
        listing.append(Choice("recipe", "Only the recipe", "mergekit's YAML, and the command that makes this merge at home."))
        return listed("Save", [("", listing)])

    def view(self) -> None:
        """The line below it, hidden until something is taken."""
        shared = gr.Textbox("", elem_id="shared", label="Link to this recipe", visible=False, interactive=False, buttons=["copy"])
        with gr.Row(visible=False, elem_id="taking") as taking:
            merged = line("merged", visible=True)
            anyway, write_anyway = (gr.Button(ANYWAY, size="sm", scale=0, min_width=150, visible=False) for _ in range(2))
            make = gr.Button("Make the zip", variant="primary", size="sm", scale=0, min_width=120)
            kind = gr.Dropdown(
                [*KINDS], value="q8_0", show_label=False, label="Kind of GGUF file", container=False, filterable=False, scale=0,
                min_width=180, visible=False,
            )  # fmt: skip
            pack = gr.Button("Make the GGUF file", variant="primary", size="sm", scale=0, min_width=150, visible=False)
            beside = gr.DownloadButton(
                "Its Modelfile", size="sm", scale=0, min_width=130, visible=False, elem_id="download-modelfile"
            )
            cancel = gr.Button("Cancel", size="sm", scale=0, min_width=90)
        runs = gr.Textbox(
            "", label="Run it with Ollama, or with llama.cpp", lines=2, max_lines=2, visible=False, interactive=False,
            buttons=["copy"], elem_id="runs",
        )  # fmt: skip
        self.desk.shows(
            shared=shared, taking=taking, merged=merged, anyway=anyway, write_anyway=write_anyway, make=make, cancel=cancel,
            kind=kind, pack=pack, runs=runs, beside=beside,
        )  # fmt: skip

    def view_hidden(self) -> None:
        """What is never seen: the file to fetch, the address."""
        ready = gr.DownloadButton("Download the zip", elem_id="download-file")
        self.desk.shows(ready=ready, link=gr.Textbox("", visible="hidden", elem_id="link"))

    def view_folder(self) -> None:
        """Merge straight into a folder: on one's own computer only. A hosted page has neither the button nor its event."""
        if self.desk.studio.host.hosted:
            return
        with gr.Row():
            folder = gr.Textbox("merged-model", label="Folder on this computer", interactive=True, scale=4)
            write = gr.Button("Merge into this folder", size="sm", scale=1)
        self.desk.shows(folder=folder, write=write)

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        shared, taking = parts["shared"], parts["taking"]
        copied = desk.bind(parts["head"].copy, self.share, ["work", "answers"], ["shared"], **NOW)
        copied.success(None, shared, shared, js=of_page("copyLink"), **NOW).success(
            lambda: gr.update(visible=True), None, shared, **NOW
        )
        parts["link"].change(None, parts["link"], None, js=of_page("address"), **NOW)
        desk.bind(
            parts["save"].select,
            self.save,
            ["work", "save"],
            ["merged", "taking", "make", "kind", "pack", "tabs", "runs", "beside", "cancel"],
            **NOW,
        )
        made = desk.bind(parts["make"].click, self.download, ["work"], MADE, **DISK)
        again = desk.bind(parts["anyway"].click, self.download_anyway, ["work"], MADE, **DISK)
        packed = desk.bind(parts["pack"].click, self.gguf, ["work", "kind"], PACKED, **DISK)
        for event in (made, again, packed):
            event.success(None, None, None, js=of_page("saveFile"), **NOW)
        ended = desk.bind(parts["cancel"].click, self.cancel, [], [], **NOW)
        ended.then(lambda: (gr.update(visible=False),) * 2, None, [taking, parts["runs"]], **NOW)
        if "write" in parts:
            parts["write"].click(lambda: gr.update(visible=True), None, taking, **NOW)
            desk.bind(parts["write"].click, self.write, ["work", "folder"], WRITTEN, **DISK)
            desk.bind(parts["write_anyway"].click, self.write_anyway, ["work", "folder"], WRITTEN, **DISK)

    # ------------------------------------------------------------------------------------------ a link

    def share(self, work: Workspace, asked: Any) -> Updates:
        """The link's query: the recipe, and the prompt that shows it. MergeError where it is too long for a link."""
        return {"shared": query(work, prompt_of(asked))}

    def address(self, work: Workspace, asked: Any) -> str:
        """A link that opens this recipe on this Space; "" where there is none."""
        host = self.desk.studio.host
        try:
            return f"{host.address}?{query(work, prompt_of(asked))}" if host.address else ""
        except MergeError:  # too long for a link
            return ""

    # ------------------------------------------------------------------------------------------ files

    def save(self, work: Workspace, value: Any, request: gr.Request) -> Updates:
        """What is to be saved, and where to: a zip's size is told, all others have a drawer."""
        key = chosen(value)
        if key in ("zip", "gguf"):
            packed = key == "gguf"
            shown = {"make": gr.update(visible=not packed), "pack": gr.update(visible=packed), "taking": gr.update(visible=True)}
            shown |= {"runs": _hidden(), "beside": _hidden(), "cancel": "Cancel"}
            return self.kinds(work, request) | shown if packed else self.size(work, request) | shown | {"kind": _hidden()}
        if key not in ("folder", "publish", "recipe"):
            raise MergeError("There is no such place to save to.")
        return {"tabs": gr.update(selected="publish" if key == "publish" else "recipe")}

    def size(self, work: Workspace, request: gr.Request | None = None) -> Updates:
        """How large the download is and how long it takes, before it is made."""
        try:
            judged = self.desk.seen(request).studio.verdict(work.recipe)
            words = (
                f"The merged model: {format_bytes(judged.disk)}, made in about {_seconds(judged.seconds)} "
                f"with {format_bytes(judged.memory)} of memory."
            )
        except MergeError as error:
            words = str(error)
        return {"merged": gr.update(value=words, visible=True)}

    def kinds(self, work: Workspace, request: gr.Request | None = None) -> Updates:
        """The kinds of GGUF file, each with its size."""
        try:
            plan = self.desk.seen(request).studio.plan(work.recipe)
            listing = [(f"{k.name} · {format_bytes(about(plan, k))}", k.name) for k in KINDS.values() if available(k)]
            words = missing() or _KINDS
        except MergeError as error:
            words, listing = str(error), []
        kind = gr.update(choices=listing, value="q8_0", visible=True) if listing else _hidden()
        return {"merged": gr.update(value=words, visible=True), "kind": kind}

    def gguf(self, work: Workspace, kind: Any, request: gr.Request) -> Iterator[Updates]:
        """Merge into a GGUF file and offer it."""
        studio, owner = self.desk.seen(request).studio, (request.session_hash or "") if request else ""

        def make(step: Callable[[Step], None], stopped: Callable[[], bool]) -> Path:
            return Files(studio).gguf(work.recipe, str(kind), step, stopped, owner)

        yield {"runs": _hidden(), "beside": _hidden()}
        for drawn in self._made(request, make, MADE):
            if "ready" in drawn:
                made = Path(drawn["ready"]["value"])
                drawn |= {
                    "runs": gr.update(value="\n".join(commands(Path(made.name))), visible=True),
                    "beside": gr.update(value=str(modelfile_of(made)), visible=True),
                }
            yield drawn

    def download(self, work: Workspace, request: gr.Request, allow: bool = False) -> Iterator[Updates]:
        """Merge to files and offer the zip."""
        studio = self.desk.seen(request).studio
        owner = (request.session_hash or "") if request else ""

        def make(step: Callable[[Step], None], stopped: Callable[[], bool]) -> Path:
            return Files(studio).archive(work.recipe, step, stopped, owner, allow_nonfinite=allow)

        yield from self._made(request, make, MADE)

    def write(self, work: Workspace, folder: str, request: gr.Request, allow: bool = False) -> Iterator[Updates]:
        """Merge straight into a folder of this computer: for models too large for a browser."""

        def make(step: Callable[[Step], None], stopped: Callable[[], bool]) -> Path:
            return Files(self.desk.studio).write(work.recipe, folder, step, stopped, allow_nonfinite=allow)

        yield from self._made(request, make, WRITTEN)

    def download_anyway(self, work: Workspace, request: gr.Request) -> Iterator[Updates]:
        """`download` after its sentence on numbers that are not finite."""
        yield from self.download(work, request, allow=True)

    def write_anyway(self, work: Workspace, folder: str, request: gr.Request) -> Iterator[Updates]:
        """`write` after the same."""
        yield from self.write(work, folder, request, allow=True)

    def _made(
        self,
        request: gr.Request,
        make: Callable[[Callable[[Step], None], Callable[[], bool]], Path],
        parts: tuple[str, str, str, str],
    ) -> Iterator[Updates]:
        """A merge to files, drawn on its status line, file and button."""
        status, file, anyway, cancel = parts
        studio, session = self.desk.studio, request.session_hash if request else None
        yield {status: gr.update(value="Merging…", visible=True), anyway: gr.update(visible=False), cancel: "Cancel"}
        for message in studio.merging.run(session, lambda work: make(work.tell, work.stopped), lambda made: _drop(studio, made)):
            if isinstance(message, Ended):
                words, ready = _ended(message)
                drawn: Updates = {status: gr.update(value=words, visible=True), cancel: "Close"}
                drawn[anyway] = gr.update(visible=isinstance(message.error, NonFiniteError))
                yield drawn | ({file: gr.update(value=str(ready))} if ready is not None else {})
            elif message:
                yield {status: gr.update(value=_progress(message[-1]))}

    def cancel(self, request: gr.Request) -> None:
        """Stop the merge to files."""
        self.desk.studio.merging.stop(request.session_hash)

    # ------------------------------------------------------------------------------------------ for publishing

    def merge_to(
        self, work: Workspace, folder: Path, progress: Callable[[Step], None], cancelled: Callable[[], bool],
        request: gr.Request | None = None, allow_nonfinite: bool = False,
    ) -> None:  # fmt: skip
        """The merge as a model's folder, to be published."""
        studio = self.desk.seen(request).studio
        Files(studio).write(work.recipe, str(folder), progress, cancelled, allow_nonfinite=allow_nonfinite)

    def export_to(
        self, work: Workspace, file: Path, progress: Callable[[Step], None], cancelled: Callable[[], bool],
        request: gr.Request | None = None,
    ) -> None:  # fmt: skip
        """The merge as a GGUF file, to be published beside that folder."""
        Files(self.desk.seen(request).studio).export(work.recipe, file, GGUF, progress, cancelled)

    def answers(self, work: Workspace, asked: Any, request: gr.Request | None = None) -> tuple[Example, ...]:
        """What the merge and its parents answered to the open row, for the model's card; nothing where not all have."""
        prompt = prompt_of(asked)
        names, said_by = (
            {"merge": "this model", **short_names([work.base, *work.chosen])},
            Answers(self.desk.seen(request).studio),
        )
        bits = said_by.voice(work, prompt)
        said = {names[key]: said_by.recalled(what, prompt, bits=bits) for key, what in said_by.asked(work).items()}
        answers = tuple((who + (f" in {a.bits} bits" if a.bits else ""), a.text) for who, a in said.items() if a is not None)
        return (Example(prompt, answers),) if len(answers) == len(said) else ()


def query(work: Workspace, prompt: str) -> str:
    """What stands behind `?` in a link to a recipe and a prompt. MergeError where it is too long for one."""
    return urlencode({"r": workspace.link(work.recipe), **({"p": prompt[:PROMPT_CHARACTERS]} if prompt else {})})


def _ended(ended: Ended[Path]) -> tuple[str, Path | None]:
    """How a merge ended: in words, and as a file to fetch."""
    made = ended.value
    if ended.cancelled or (made is not None and not made.exists()):
        return "Cancelled; nothing was kept.", None
    if made is None:
        return ended.words, None
    if made.is_dir():
        return f"Written to {made}.", None
    size = f"{made.name}: {format_bytes(made.stat().st_size)}."
    return size + (" For Ollama save its Modelfile in the same folder." if made.suffix == ".gguf" else ""), made


def _drop(studio: Studio, made: Path) -> None:
    """Delete the file that nobody waits for any more."""
    if made.suffix in (".zip", ".gguf"):
        Files(studio).delete(made)


def _hidden() -> Any:
    return gr.update(visible=False)


def _progress(step: Step) -> str:
    return f"{step.tensors} of {step.of_tensors} tensors, {format_bytes(step.nbytes)} of {format_bytes(step.of_nbytes)}"


def _seconds(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


__all__ = ["Taking", "query"]
