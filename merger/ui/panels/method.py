"""The method with its numbers, and which models of the shelf are in the mix."""

from collections.abc import Callable
from typing import Any

import gradio as gr

import merger.ui.state as state
from merger.methods import METHODS
from merger.ui import controls
from merger.ui.desk import Desk, Updates
from merger.ui.events import NEWEST, NOW
from merger.ui.lanes import short_names
from merger.ui.state import Workspace


class Choosing:
    """The panel on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.controls = controls.shared()
        desk.draws("method", lambda scene: scene.work.recipe.merge_method)
        desk.draws("models", lambda scene: gr.update(choices=_named(scene.work), value=list(scene.work.chosen)))
        desk.draws("seed", lambda scene: scene.work.recipe.seed, typed=True)
        for name in self.controls:
            desk.draws(f"control {name}", lambda scene, name=name: controls.show(scene.plan, name))

    def view(self, first: Workspace) -> None:
        """Build it where it is called, for the first recipe."""
        method = gr.Dropdown(
            [(f"{m.name}: {m.says}", m.name) for m in METHODS.values()], value=first.recipe.merge_method,
            label="Method", info="How the models are blended", interactive=True,
        )  # fmt: skip
        models = gr.CheckboxGroup(_named(first), value=list(first.chosen), label="Models in the mix", interactive=True)
        with gr.Row():
            widgets = {f"control {name}": controls.widget(param) for name, param in self.controls.items()}
        self.desk.shows(method=method, models=models, **widgets)

    def view_seed(self) -> None:
        """The seed of methods that draw at random."""
        seed = gr.Number(
            0, label="Seed of the merge", precision=0, minimum=0, interactive=True,
            info="Which changes the random methods (DARE, DELLA) drop; the same seed drops the same",
        )  # fmt: skip
        self.desk.shows(seed=seed)

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        desk.bind(parts["method"].input, self.choose_method, ["work", "method"], desk.drawn, **NOW)
        desk.bind(parts["models"].input, self.choose_models, ["work", "models"], desk.drawn, **NOW)
        desk.bind(parts["seed"].submit, self.choose_seed, ["work", "seed"], desk.drawn, **NEWEST)
        for name in self.controls:
            part = f"control {name}"
            desk.bind(parts[part].input, self.control(name), ["work", part], desk.drawn, **NEWEST)

    # ------------------------------------------------------------------------------------------ events

    def choose_method(self, work: Workspace, name: str, request: gr.Request) -> Updates:
        """Another merge method on the same models."""
        return self.desk.edited(work, lambda: state.with_method(work, name), request)

    def choose_models(self, work: Workspace, models: list[str], request: gr.Request) -> Updates:
        """Other parents in the mix; only those on the shelf are taken."""
        return self.desk.edited(work, lambda: state.with_models(work, models), request)

    def choose_seed(self, work: Workspace, seed: float | None, request: gr.Request) -> Updates:
        """The seed of the random methods' masks."""
        return self.desk.edited(work, lambda: state.with_control(work, "seed", int(seed or 0)), request)

    def control(self, name: str) -> Callable[[Workspace, Any, gr.Request], Updates]:
        """The callback of one control."""

        def changed(work: Workspace, value: Any, request: gr.Request) -> Updates:
            written = controls.read(name, value, work.recipe.merge_method)
            return self.desk.edited(work, lambda: state.with_control(work, f"parameters.{name}", written), request)

        return changed


def _named(work: Workspace) -> list[tuple[str, str]]:
    names = short_names([work.base, *work.shelf])
    return [(names[model], model) for model in work.shelf]


__all__ = ["Choosing"]
