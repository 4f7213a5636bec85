"""The head line: what is on the desk, and the boxes that its choosers open."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import gradio as gr

import merger.ui.head as heads
from merger.recipe import Recipe
from merger.ui.bundle import of_page
from merger.ui.desk import Desk, Scene
from merger.ui.events import NOW
from merger.ui.lanes import columns, short_names
from merger.ui.words import changed
from merger.ui.workspace import Workspace

KEYS = """
| where | keys |
|---|---|
| anywhere | `/` ask · `?` these keys · Alt+`1` … `4` drawers · Esc closes · F6 next part · Ctrl+Z, Ctrl+Shift+Z undo and redo |
| bars | ← → layer · ↑ ↓ .01, with Shift .1, with Alt the whole lane · `[` `]` whole lane · `0`–`9` tenths · Home End · S solo · \
M mute · L lock the layer, with Shift the lane · O only this layer · R surprise · Enter this lane higher |
| rows | ↑ ↓ row · ← → along it · Space tick · Enter open · F2 change · Delete take out · Alt+↑ ↓ move |
| close up | ← → words · C copy · R other words |
| charts | arrows move · Enter loads |
| blind test | `1` `2` which is better · `0` equal · − both bad |
| A, B | press: keep, later go there · Shift+press: keep anew |
"""
LOOKS = ("As the system", "Light", "Dark")


class Heading:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.draws("head", lambda scene: gr.update(board=json.dumps(self.board(scene))))

    # ------------------------------------------------------------------------------------------ view

    def view(self, scene: Scene) -> None:
        """Build it where it is called."""
        self.desk.shows(head=heads.head(self.board(scene), elem_id="head"))

    @contextmanager
    def box(self, key: str) -> Generator[None]:
        """What stands in the box of a chooser."""
        with gr.Column(elem_id=f"pop-{key}", elem_classes="pop"):
            yield

    def view_more(self, first_steps: bool) -> None:
        """What is about the page: how it looks, its keys, its first steps. All of it happens in the browser."""
        look = gr.Radio(LOOKS, value=LOOKS[0], label="Appearance", interactive=True, elem_id="appearance")
        look.input(None, look, look, js=of_page("appearance"), **NOW)
        self.desk.shows(look=look)
        with gr.Row():
            gr.Button("Keys", size="sm", min_width=80).click(None, None, None, js=of_page("keys"), **NOW)
            if first_steps:
                again = gr.Button("Play the first steps again", size="sm", min_width=180, elem_classes="closes")
                again.click(None, None, None, js=of_page("play"), **NOW)

    def keys(self) -> None:
        """The page's keys."""
        gr.Markdown(KEYS, elem_id="keys")

    def further(self) -> None:
        """gradio's own boxes, whose links stand in a footer that would lie over the dock."""
        with gr.Row():
            for i, label in enumerate(("Use via API", "Settings")):
                gr.Button(label, size="sm").click(None, None, None, js=f"() => ({of_page('footer')})({i})", **NOW)

    # ------------------------------------------------------------------------------------------ drawing

    def board(self, scene: Scene) -> dict[str, Any]:
        """The line's `board`."""
        work = scene.work
        method = work.recipe.method
        choosers = [
            {"key": "models", "label": "Models", "value": self.models(work), "title": f"Base: {work.base}"},
            {"key": "method", "label": "Method", "value": method.title, "title": f"{method.name}: {method.says}"},
            self.start(work),
        ]
        return {"choosers": choosers, "slots": [self.slot(scene, i) for i in (0, 1)]}

    def models(self, work: Workspace) -> str:
        """Whose family it is, and how many of it."""
        count = len([m for m in work.shelf if m != work.base])
        family = self.desk.family(work)
        if family is not None and family is self.desk.studio.families[0]:
            return f"{family.title} · {count + 1}"
        if family is not None:
            return f"{family.title} · {count} {'tune' if count == 1 else 'tunes'}"
        return f"{short_names([work.base, *work.shelf])[work.base]} · {count} {'tune' if count == 1 else 'tunes'}"

    def start(self, work: Workspace) -> dict[str, str]:
        """Where the recipe came from."""
        preset = self.desk.preset(work)
        edited = preset is not None and preset.recipe != work.recipe
        return {
            "key": "start", "label": f"Start from{' · edited' if edited else ''}", "value": work.preset or "Own recipe",
            "title": preset.says if preset is not None else "",
        }  # fmt: skip

    def slot(self, scene: Scene, slot: int) -> dict[str, Any]:
        """What is kept as A or B, by what differs from what plays."""
        kept: Recipe | None = scene.work.slots[slot]
        name = "AB"[slot]
        if kept is None:
            return {"kept": False, "here": False, "title": f"Keep this merge as {name}"}
        if kept == scene.work.recipe:
            return {"kept": True, "here": True, "title": "what you hear now"}
        names = short_names([scene.work.base, *scene.work.shelf, *kept.opened])
        words = changed(scene.work.recipe, kept, names, columns(scene.plan)) or "another recipe"
        return {"kept": True, "here": False, "title": f"{words.rstrip('.')}. Press to go there; with Shift, keep this one"}


__all__ = ["Heading"]
