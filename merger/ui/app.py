"""The page: one call for each panel, where it stands, then the wiring of each."""

import os
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes import Default

from merger.engine.proving import warm
from merger.inside import presets
from merger.kernels.devices import best_device
from merger.limits import PROMPT_CHARACTERS, QUEUED, SESSIONS, UPLOAD_BYTES, ZIP_SECONDS
from merger.ui import api, workspace
from merger.ui.bundle import STYLE, of_page
from merger.ui.desk import WAYS, Desk, Scene, Updates, line
from merger.ui.events import NOW, QUIET
from merger.ui.guard import read_door
from merger.ui.page import Page, with_sign_in
from merger.ui.panels.answers import Answering
from merger.ui.panels.begin import Beginning
from merger.ui.panels.chat import Talking
from merger.ui.panels.compare import Comparing
from merger.ui.panels.dock import Docking
from merger.ui.panels.find import Exploring
from merger.ui.panels.first import Welcoming
from merger.ui.panels.head import Heading
from merger.ui.panels.improve import Finding
from merger.ui.panels.inside import Looking
from merger.ui.panels.judge import Measuring
from merger.ui.panels.method import Choosing
from merger.ui.panels.mixer import Mixing
from merger.ui.panels.models import Picking, read_trios
from merger.ui.panels.past import Remembering
from merger.ui.panels.publish import Publishing
from merger.ui.panels.recipe import Writing
from merger.ui.panels.search import Searching
from merger.ui.panels.stack import Stacking
from merger.ui.panels.take import Taking
from merger.ui.panels.which import Relating
from merger.ui.quota import share_out
from merger.ui.scratch import scratch
from merger.ui.service.carded import facts
from merger.ui.studio import Studio
from merger.ui.workspace import Workspace, start

PRESETS = presets()
SIGNALS = ("let go", "stroke", "tick", "asked", "spoken", "see table", "see inside", "see kin")

LAUNCH: dict[str, Any] = {
    "theme": Default(primary_hue="zinc", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
    "css_paths": [STYLE],
    "run_history": False,  # or every drag is recorded in the browser
    "footer_links": ["api", "settings"],
    "max_file_size": int(UPLOAD_BYTES),
    "state_session_capacity": 2 * SESSIONS,  # never reached: ui/visitors.py lets go before, of those who have left first
    "max_threads": 100,  # answers that wait their turn hold one each
}


class Panels:
    """The page's panels on one studio; without a page until `build` is called."""

    def __init__(self, studio: Studio, presets: Path = PRESETS) -> None:
        self.desk = desk = Desk(studio)
        self.studio = studio
        self.answers, self.chat = Answering(desk), Talking(desk)
        self.head, self.begin, self.dock = Heading(desk), Beginning(desk, self.answers), Docking(desk)
        self.mixer, self.method = Mixing(desk, self.head), Choosing(desk, self.answers)
        self.stack = Stacking(desk)
        self.which, self.search = Relating(desk), Searching(desk)
        self.improve, self.judge = Finding(desk), Measuring(desk)
        self.compare, self.recipe, self.inside = Comparing(desk), Writing(desk), Looking(desk)
        self.take, self.past, self.first = Taking(desk), Remembering(desk, self.answers), Welcoming(desk, self.answers)
        self.find, self.models, self.publish = Exploring(studio, presets / "probes.json"), Picking(studio), Publishing(studio)
        listed = presets / "trios.json"
        self.trios = read_trios(listed) if listed.exists() else ()

    def build(self, demo: Page) -> None:
        """Their components, each where it stands, and their events."""
        studio, desk = self.studio, self.desk
        first = start(studio.presets[0], studio.base, studio.parents_of_family)
        desk.shows(work=gr.State(first), tab=gr.State("desk"))
        desk.unseen = gr.State()
        self._hidden()
        with gr.Column(elem_id="desk"):
            self._head(first)
            with gr.Row(equal_height=False, elem_id="stage"):
                with gr.Column(scale=7, min_width=300, elem_id="painting"):
                    self.first.view()
                    self.mixer.view(first)
                    self.stack.view()
                with gr.Column(scale=5, min_width=300, elem_id="hearing"):
                    self.answers.view(first)
                    self.chat.view(first)
            with gr.Tabs(elem_id="below") as tabs:
                desk.shows(tabs=tabs)
                with gr.Tab("Close", id="desk", elem_id="tab-close"):
                    gr.HTML("", elem_id="no-drawer")  # no drawer is open
                with gr.Tab("Find", id="explore", elem_id="finding"):
                    _heading("Find")
                    self.improve.view()
                    self.judge.view()
                    self.find.view(desk, studio.plan(first.recipe), first.chosen)
                    self.search.view()
                    self.which.view()
                with gr.Tab("Inside", id="inside") as inside_tab:
                    _heading("Inside")
                    self.inside.view()
                with gr.Tab("Recipe", id="recipe") as recipe_tab:
                    _heading("Recipe")
                    self.mixer.remarks()
                    self.recipe.view(first)
                    self.take.view_folder()
                with gr.Tab("History", id="history"):
                    _heading("History")
                    self.past.view()
                with gr.Tab("Other models", id="pick", elem_id="tab-pick"):  # these two are opened by the head line
                    self.models.view(desk, self.trios)
                with gr.Tab("Publish", id="publish", elem_id="tab-publish") as publish_tab:
                    self.publish.view(desk)
            self.dock.view(first)

        # An edit ends by setting `stroke`, on which the answers hang, and `tick`, on which all else hangs that follows an edit. A
        # bar that is let go sets `let go`, which nothing waits for: the answers follow the event itself, and then comes `tick`.
        for panel in (
            self.begin,
            self.mixer,
            self.stack,
            self.method,
            self.compare,
            self.past,
            self.take,
            self.answers,
            self.chat,
            self.first,
            self.which,
            self.search,
            self.dock,
            self.improve,
            self.judge,
        ):
            panel.wire()
        self.recipe.wire(recipe_tab)
        self.inside.wire(inside_tab)
        self.find.wire(desk, self.use_point, desk.drawn, desk.after)
        self.models.wire(desk, self.trios, self.load_family, desk.drawn)
        take = self.take
        self.publish.wire(
            desk, take.merge_to, take.answers, take.address, [publish_tab.select], take.export_to, self.judge.for_card, facts()
        )
        desk.bind_after()
        self._page(demo)
        studio.visitors.leaving += [self.find.leave, self.models.leave, self.publish.leave, self.improve.leave, self.judge.leave]

    def _head(self, first: Workspace) -> None:
        """The head line with the boxes that it opens, what was refused, and what is being taken."""
        scene = Scene(self.studio, first, self.studio.plan(first.recipe))
        with gr.Row(elem_id="top"):
            self.head.view(scene)
        with self.head.box("models"):
            self.method.view_models(first)
        with self.head.box("method"):
            self.method.view(first)
        with self.head.box("start"):
            self.begin.view(scene)
        with self.head.box("save"):
            self.take.view_list()
        with self.head.box("more"):
            self.head.view_more(bool(self.first.text))
            self.answers.manner()
            self.head.further()
        with self.head.box("keys"):
            self.head.keys()
        with gr.Row(elem_id="refusal"):
            notice = line("notice")
            ways = {name: gr.Button("", size="sm", scale=0, min_width=150, visible=False) for name in WAYS}
        self.desk.shows(notice=notice, **ways)
        self.take.view()

    def _hidden(self) -> None:
        """What is never seen: signals between events, and what must be there while tabs are closed."""
        self.past.view_hidden()
        self.take.view_hidden()
        self.improve.view_hidden()
        self.desk.shows(**{name: gr.Textbox("", visible="hidden", elem_id=name.replace(" ", "-")) for name in SIGNALS})

    def _page(self, demo: Page) -> None:
        """Events of the page as a whole."""
        desk, parts = self.desk, self.desk.parts
        for i, name in enumerate(WAYS):
            desk.bind(parts[name].click, desk.way_out(i), ["work"], desk.drawn, **NOW)
        desk.bind(demo.load, self.arrive, ["work", "answers"], desk.drawn, **QUIET)
        for function in ("view", "drawers", "dropping"):
            demo.load(None, None, None, js=of_page(function), **NOW)
        demo.load(None, None, parts["look"], js=of_page("appearance"), **NOW)
        for i, name in enumerate(("notice", "moved", "warning")):
            parts[name].change(None, parts[name], None, js=f"(text) => ({of_page('announce')})(text, {i})", **NOW)

    # ------------------------------------------------------------------------------------------ events

    def arrive(self, work: Workspace, asked_now: Any, request: gr.Request) -> Updates:
        """The page was opened: with a link's recipe, if it has one."""
        asked = dict(request.query_params)
        packed, prompt = asked.get("r", ""), asked.get("p", "")[:PROMPT_CHARACTERS]
        drawn: Updates = {}
        if packed:
            drawn = self.desk.edited(work, lambda: workspace.with_text(work, workspace.from_link(packed), "link"), request)
        return self.answers.shown(drawn, self.answers.opened(asked_now, prompt, drawn.get("work", work))) if prompt else drawn

    def use_point(self, work: Workspace, text: str, request: gr.Request) -> Updates:
        """A point of a sweep was chosen."""
        return self.desk.edited(work, lambda: workspace.with_text(work, text, "sweep"), request)

    def load_family(self, work: Workspace, base: str, parents: list[str], changes: Any, request: gr.Request) -> Updates:
        """Other models altogether: a family with presets of its own, else as `Desk.load_family` has it."""
        family = next((one for one in self.studio.families if (one.base, *one.parents) == (base, *parents)), None)
        if family is not None:
            return self.desk.enter(work, family, request)
        return self.desk.load_family(work, base, parents, changes, request)


def _heading(text: str) -> None:
    """A drawer's heading, for screen readers; others read it on its tab."""
    gr.HTML(f"<h2>{text}</h2>", elem_classes="unseen", padding=False)


def build_app(presets: Path = PRESETS, device: str | None = None) -> Page:
    """The explorer on a folder of presets with a family of models. device: cuda where there is one, else cpu."""
    scratch()  # before gradio looks where it may put files
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")  # nobody says for whom he asks, but a proxy that is named there
    studio = Studio(presets, device or os.environ.get("MERGER_DEVICE") or best_device())
    studio.host = with_sign_in(studio.host)
    warm(studio.parents.device)
    demo = Page(title="Merge explorer", analytics_enabled=False, delete_cache=(60, int(ZIP_SECONDS)), fill_width=True)
    demo.door, demo.space, demo.visitors = read_door(studio.host.hosted), bool(studio.host.space), studio.visitors
    demo.panels = panels = Panels(studio, presets)
    with demo:
        panels.build(demo)
        api.publish(studio)
    demo.queue(default_concurrency_limit=4, max_size=QUEUED, api_open=False)
    share_out(demo, studio.visitors, demo.space, panels.desk.parts["work"])
    return demo


__all__ = ["LAUNCH", "PRESETS", "Panels", "build_app"]
