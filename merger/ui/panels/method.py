"""The method with its numbers, and which models of the shelf are in the mix."""

from collections.abc import Callable
from typing import Any

import gradio as gr

import merger.ui.workspace as workspace
from merger.errors import MergeError
from merger.files.checkpoints import format_bytes
from merger.hub import smollm2
from merger.methods import GROUPS, METHODS
from merger.ui import controls
from merger.ui.desk import Desk, Updates, went_through
from merger.ui.events import NEWEST, NOW
from merger.ui.families import SMOLLM2
from merger.ui.head import Choice, choices, chosen, listed
from merger.ui.lanes import short_names
from merger.ui.panels.answers import Answering
from merger.ui.rows import Rows
from merger.ui.studio import Studio
from merger.ui.workspace import Workspace

OTHERS = "others"


class Choosing:
    """The panel on one desk."""

    def __init__(self, desk: Desk, answers: Answering) -> None:
        self.desk, self.answers = desk, answers
        self.controls = controls.shared()
        desk.draws("method", lambda scene: gr.update(board=methods(scene.work)))
        desk.draws("families", lambda scene: gr.update(board=self.families(scene.work)))
        desk.draws("models", lambda scene: gr.update(choices=_named(scene.studio, scene.work), value=list(scene.work.chosen)))
        desk.draws("seed", lambda scene: scene.work.recipe.seed, typed=True)
        for name in self.controls:
            desk.draws(f"control {name}", lambda scene, name=name: controls.show(scene.plan, name))

    def view_models(self, first: Workspace) -> None:
        """Which models: those in the mix, and other families."""
        models = gr.CheckboxGroup(
            _named(self.desk.studio, first), value=list(first.chosen), label="Models in the mix", interactive=True
        )
        self.desk.shows(models=models, families=choices(self.families(first), elem_id="families"))

    def view(self, first: Workspace) -> None:
        """The methods, and below them the chosen one's own numbers."""
        self.desk.shows(method=choices(methods(first), elem_id="methods"))
        with gr.Column(elem_id="numbers", min_width=200):
            gr.Markdown("Its own numbers; those that differ by layer are the bars.")
            widgets = {f"control {name}": controls.widget(param) for name, param in self.controls.items()}
            seed = gr.Number(
                0, label="Seed of the merge", precision=0, minimum=0, interactive=True,
                info="Which changes the random methods (DARE, DELLA) drop; the same seed drops the same",
            )  # fmt: skip
        self.desk.shows(seed=seed, **widgets)

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        desk.bind(parts["method"].select, self.choose_method, ["work", "method"], desk.drawn, **NOW)
        desk.bind(parts["families"].select, self.choose_family, ["work", "families"], (*desk.drawn, "tabs"), **NOW)
        desk.bind(parts["models"].input, self.choose_models, ["work", "models"], desk.drawn, **NOW)
        desk.bind(parts["seed"].submit, self.choose_seed, ["work", "seed"], desk.drawn, **NEWEST)
        for name in self.controls:
            part = f"control {name}"
            desk.bind(parts[part].input, self.control(name), ["work", part], desk.drawn, **NEWEST)

    # ------------------------------------------------------------------------------------------ drawing

    def families(self, work: Workspace) -> str:
        """The families' `board`."""
        toys, family = self.desk.studio.families[0], self.desk.family(work)
        listing = [Choice(toys.name, toys.title, "Seven tiny models with six tricks; they answer at once.", on=family is toys)]
        if any(one.name == SMOLLM2 for one in self.desk.studio.families):
            second = next(one for one in self.desk.studio.families if one.name == SMOLLM2)
            here = smollm2.base() or smollm2.packed()
            size = f"Its base takes {format_bytes(smollm2.NBYTES)}{'' if here else ', which are downloaded once'}."
            listing.append(
                Choice(SMOLLM2, second.title, f"{second.says} {size}", on=family is not None and family.name == SMOLLM2)
            )
        if family is None:
            names = short_names([work.base, *work.shelf])
            listing.append(Choice("here", names[work.base], "What is on the desk now.", on=True))
        host = self.desk.studio.host
        where = (
            "From the Hub, or a name that you paste." if host.hosted else "From this computer, the Hub, or a name that you paste."
        )
        live = f"Live up to {format_bytes(host.room)} of {host.place}, the merge included; larger ones are merged to files."
        listing.append(Choice(OTHERS, "Other models…", f"{where} {live}"))
        return listed("Family of models", [("", listing)])

    # ------------------------------------------------------------------------------------------ events

    def choose_method(self, work: Workspace, value: Any, request: gr.Request) -> Updates:
        """Another merge method on the same models."""
        return self.desk.edited(work, lambda: workspace.with_method(work, chosen(value)), request)

    def choose_family(self, work: Workspace, value: Any, request: gr.Request) -> Updates:
        """Other models: a family that is here, or the drawer to look for some."""
        key = chosen(value)
        if key == OTHERS:
            return {"tabs": gr.update(selected="pick")}
        families = {family.name: family for family in reversed(self.desk.studio.families)}
        if key not in families:
            raise MergeError("There is no such family.")
        family = families[key]
        if key == SMOLLM2:
            here = next((one for one in self.desk.studio.families if one.name == key and one.base == smollm2.base()), None)
            if here is None:  # to be fetched, or made of the package: the drawer says how much that is, and shows how far it is
                return {"tabs": gr.update(selected="pick")}
            family = here
        begin = family.first
        drawn = self.desk.edited(work, lambda: workspace.with_preset(work, begin, family.base, family.parents), request)
        return self.answers.shown(drawn, Rows(begin.rows)) if went_through(drawn) else drawn

    def choose_models(self, work: Workspace, models: list[str], request: gr.Request) -> Updates:
        """Other parents in the mix; only those on the shelf are taken."""
        return self.desk.edited(work, lambda: workspace.with_models(work, models), request)

    def choose_seed(self, work: Workspace, seed: float | None, request: gr.Request) -> Updates:
        """The seed of the random methods' masks."""
        return self.desk.edited(work, lambda: workspace.with_control(work, "seed", int(seed or 0)), request)

    def control(self, name: str) -> Callable[[Workspace, Any, gr.Request], Updates]:
        """The callback of one control."""

        def changed(work: Workspace, value: Any, request: gr.Request) -> Updates:
            written = controls.read(name, value, work.recipe.merge_method)
            return self.desk.edited(work, lambda: workspace.with_control(work, f"parameters.{name}", written), request)

        return changed


def methods(work: Workspace) -> str:
    """The methods' `board`: those that need more models than are in the mix say so."""
    count = len(work.chosen)

    def why(fewest: int) -> str:
        return f"Needs {fewest} models; {count} {'is' if count == 1 else 'are'} in the mix." if count < fewest else ""

    def sentence(says: str) -> str:
        return says[:1].upper() + says[1:]

    groups = [
        (title, [
            Choice(m.name, m.title, sentence(m.says), m.name, why(m.models[0]), m.name == work.recipe.merge_method)
            for m in METHODS.values() if m.group == group
        ])
        for group, title in GROUPS.items()
    ]  # fmt: skip
    return listed("Merge method", groups)


def _named(studio: Studio, work: Workspace) -> list[tuple[str, str]]:
    """The shelf's models, each with the memory that it takes; one that may not be opened any more by its name alone."""
    names = short_names([work.base, *work.shelf])

    def label(model: str) -> str:
        try:
            return f"{names[model]} · {format_bytes(studio.parents.model(model, studio.access).nbytes)}"
        except MergeError:
            return names[model]

    return [(label(model), model) for model in work.shelf]


__all__ = ["Choosing", "methods"]
