"""The right end of the dock: what speaks most against this merge; and the page after a time without a server."""

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

import merger.ui.workspace as workspace
from merger.errors import MergeError
from merger.recipe import dump
from merger.ui import away, lanes
from merger.ui.bundle import bundle, of_page
from merger.ui.desk import Desk, Updates
from merger.ui.events import NOW
from merger.ui.panels.answers import HOW
from merger.ui.words import Remark
from merger.ui.workspace import Workspace

NOTHING = "Nothing speaks against this merge"
GIVEN = ("tick", "let go", "asked", "spoken")
"""Numbers of runs that the page has seen: the next ones come after them."""


class Docking:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.draws("dock", lambda scene: gr.update(kept=away.kept(scene.work)))

    def view(self, first: Workspace) -> None:
        """Build it where it is called."""
        dock = gr.HTML(
            {},
            board=worst(()),
            kept=away.kept(first),
            html_template="<div class='dock'></div>",  # constant: no data ever meets a template
            js_on_load=bundle("dock"),
            apply_default_css=False,
            elem_id="dock",
        )
        self.desk.shows(dock=dock)

    def wire(self) -> None:
        """Bind its events."""
        desk, dock = self.desk, self.desk.parts["dock"]
        dock.expand(None, None, None, js=of_page("openRemarks"), **NOW)
        desk.bind(
            dock.select, self.resume, ["work", "dock", "mixer", "yaml", *GIVEN, *HOW], [*desk.drawn, "drafted", "how"], **NOW
        )

    def resume(self, request: gr.Request, work: Workspace, value: Any, mixer: Any, written: str, *more: Any) -> Updates:
        """The page hears from the server again: what it has kept, and what was painted meanwhile, becomes the recipe; asked once.

        value: {kept: what `away.kept` gave it, unsent: whether something was lost}
        written: what stands in the field for YAML, which is left alone where it is another than the recipe's
        more: `GIVEN`, and the fields `HOW`, which a server that has forgotten the visitor has forgotten, too
        """
        (tick, let_go, asked, spoken), how = more[: len(GIVEN)], more[len(GIVEN) :]
        visit = self.desk.visit(request)
        visit.run = max(visit.run, _number(tick), _number(let_go), _number(asked))
        visit.talking.run = max(visit.talking.run, _number(spoken))
        sent = value if isinstance(value, dict) else {}
        try:
            there = work if sent.get("kept") == away.kept(work) else away.restored(work, str(sent.get("kept", "")))
            drafted = written != dump(there.recipe)
            if there is work and sent.get("unsent") is not True:
                return {"how": how}
        except MergeError as error:
            return self.desk.seen(request).refused(work, error) | {"how": how}

        def painted() -> Workspace:
            numbers = mixer.get("lanes") if isinstance(mixer, dict) else None
            plan = self.desk.seen(request).studio.plan(there.recipe)
            return workspace.with_recipe(there, lanes.painted(plan, numbers)) if isinstance(numbers, dict) and numbers else there

        drawn = self.desk.edited(there, painted, request)
        kept = {name for name in self.desk.typed if name != "yaml" or drafted}  # what somebody is writing stays
        return {name: update for name, update in drawn.items() if name not in kept} | {"drafted": drafted, "how": how}


def worst(remarks: Sequence[Remark]) -> str:
    """The dock's `board`: what speaks most against a merge, of what does."""
    against = [remark for remark in remarks if remark.level != "note"]
    first = next((remark for remark in against if remark.level == "error"), against[0] if against else None)
    if first is None:
        return json.dumps({"words": NOTHING, "level": ""})
    more = f" (and {len(against) - 1} more)" if len(against) > 1 else ""
    return json.dumps({"words": f"{first.text}{more}", "level": first.level})


def _number(run: str) -> int:
    """A run of which a page says that it has seen it."""
    return int(run) if run.isascii() and run.isdigit() and len(run) < 12 else 0


__all__ = ["NOTHING", "Docking", "worst"]
