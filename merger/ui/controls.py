"""Widgets for the method parameters that are not painted per layer, made from their Params."""

from typing import Any

import gradio as gr

from merger.engine.plan import Plan
from merger.methods import METHODS
from merger.methods.params import Param
from merger.ui.lanes import lanes

Widget = gr.Slider | gr.Checkbox | gr.Radio


def shared() -> dict[str, Param]:
    """The shared parameters of any method, by name: each has one widget, which `show` reveals for the recipes that have it."""
    params: dict[str, Param] = {}
    for method in METHODS.values():
        for param in method.params:
            if not param.per_model:
                params.setdefault(param.name, param)
    return params


def widget(param: Param) -> Widget:
    """The hidden widget of a parameter."""
    label, info = param.label or param.name, f"{param.help} (`{param.name}`)"
    if param.kind == "bool":
        return gr.Checkbox(False, label=label, info=info, visible=False, interactive=True)
    if param.kind == "choice":
        choices = [(str(c).lower() if isinstance(c, bool) else str(c), str(c)) for c in param.choices]
        return gr.Radio(choices, label=label, info=info, visible=False, interactive=True)
    low, high = param.slider
    step = 1 if param.kind == "int" else param.step
    return gr.Slider(low, high, step=step, label=label, info=info, visible=False, interactive=True)


def show(plan: Plan, name: str) -> Any:
    """The update of a parameter's widget: shown with the recipe's value where the plan's method has it and no lane paints it."""
    param = plan.recipe.method.param(name)
    painted = {lane.param.name for lane in lanes(plan) if lane.model is None}
    if param is None or param.per_model or name in painted:
        return gr.update(visible=False)
    job = next((j for j in plan.jobs if j.method is not None), None)
    value = job.args.get(name, param.default) if job else param.default
    if param.kind == "choice":
        return gr.update(visible=True, value=str(value))
    if param.kind == "float" and isinstance(value, (int, float)):
        low, high = param.slider
        return gr.update(visible=True, value=value, minimum=min(low, value), maximum=max(high, value))
    return gr.update(visible=True, value=value)


def read(name: str, value: Any, method: str) -> Any:
    """A widget's value as the recipe writes it."""
    param = METHODS[method].param(name)
    if param is not None and param.kind == "choice":
        return next((c for c in param.choices if str(c) == value), value)
    return value
