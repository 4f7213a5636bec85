"""The stack: slices as a picture of layers, in the Mixer's place; what it is given and says stands in web/stack/main.js."""

import json
from typing import Any

import gradio as gr

from merger.ui.bundle import bundle


def stack(board: dict[str, Any], **kwargs: Any) -> gr.HTML:
    """A stack; update it with `gr.update(board=json.dumps(...))`. Bind `release`, and `undo` and `retry` for the page's steps."""
    return gr.HTML(
        {},
        board=json.dumps(board),
        html_template="<div class='stack' hidden></div>",  # constant: no data ever meets a template
        js_on_load=bundle("stack"),
        apply_default_css=False,
        **kwargs,
    )
