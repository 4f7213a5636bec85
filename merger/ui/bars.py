"""How far something is that takes minutes: one bar for all of it, one for each file."""

import json
from collections.abc import Iterable
from typing import Any, Literal

import gradio as gr

from merger.ui.bundle import bundle

State = Literal["idle", "busy", "done", "stopped"]
Bar = tuple[str, int, int, str]
"""(name, done, of how many, in words)."""


def bars(**kwargs: Any) -> gr.HTML:
    """The bars; update with `gr.update(data=shown(...))`, told at the top of web/bars/main.js."""
    return gr.HTML(
        "",
        data=shown("idle"),
        html_template="<div class='bars'></div>",  # constant: no data ever meets a template
        js_on_load=bundle("bars"),
        apply_default_css=False,
        **kwargs,
    )


def shown(state: State, whole: Bar | None = None, files: Iterable[Bar] = ()) -> str:
    """The prop `data`: as text, for gradio copies every leaf of an object."""
    return json.dumps({"state": state, "bars": [*([whole] if whole else []), *files]})
