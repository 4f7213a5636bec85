"""The line or the maps of a sweep; what they show is told in web/explore/board.js."""

import json
from typing import Any

import gradio as gr

from merger.ui.bundle import bundle


def chart(**kwargs: Any) -> gr.HTML:
    """The line or the maps; update with `gr.update(data=json.dumps(...))`."""
    return gr.HTML(
        {"picked": None, "seq": 0},
        data=json.dumps({"state": "idle", "axes": []}),
        html_template="<div class='explore'></div>",  # constant: no data ever meets a template
        js_on_load=bundle("explore"),
        apply_default_css=False,
        **kwargs,
    )
