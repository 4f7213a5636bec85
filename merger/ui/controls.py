"""Widgets for the method parameters that are not painted per layer, made from their Params."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from merger.engine.plan import Plan
from merger.methods import METHODS
from merger.methods.params import Param
from merger.ui.lanes import lanes

Widget = gr.Slider | gr.Checkbox | gr.Radio


def controls() -> dict[str, Widget]:
    """One hidden widget for every shared parameter of any method, by name; `show` reveals those of a recipe's method."""
    found: dict[str, Param] = {}
    for method in METHODS.values():
        for param in method.params:
            if not param.per_model:
                found.setdefault(param.name, param)
    return {name: _widget(param) for name, param in found.items()}


def _widget(param: Param) -> Widget:
    label, info = param.label or param.name, f"{param.help} (`{param.name}`)"
    if param.kind == "bool":
        return gr.Checkbox(False, label=label, info=info, visible=False, interactive=True)
    if param.kind == "choice":
        choices = [(str(c).lower() if isinstance(c, bool) else str(c), str(c)) for c in param.choices]
        return gr.Radio(choices, label=label, info=info, visible=False, interactive=True)
    low, high = param.slider
    step = 1 if param.kind == "int" else param.step
    return gr.Slider(low, high, step=step, label=label, info=info, visible=False, interactive=True)


def show(plan: Plan, names: Mapping[str, Widget]) -> list[Any]:
    """Updates for the widgets, in order: those of the plan's method are shown with the recipe's values."""
    painted = {lane.param.name for lane in lanes(plan) if lane.model is None}
    job = next((j for j in plan.jobs if j.method is not None), None)
    values = job.args if job else {}
    updates: list[Any] = []
    for name in names:
        param = plan.recipe.method.param(name)
        if param is None or param.per_model or name in painted:
            updates.append(gr.update(visible=False))
            continue
        value = values.get(name, param.default)
        if param.kind == "choice":
            value = str(value)
        elif param.kind == "float" and isinstance(value, (int, float)):
            low, high = param.slider
            updates.append(gr.update(visible=True, value=value, minimum=min(low, value), maximum=max(high, value)))
            continue
        updates.append(gr.update(visible=True, value=value))
    return updates


def read(name: str, value: Any, method: str) -> Any:
    """A widget's value as the recipe writes it."""
    param = METHODS[method].param(name)
    if param is not None and param.kind == "choice":
        return next((c for c in param.choices if str(c) == value), value)
    return value
