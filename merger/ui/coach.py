"""The first visit's three-step game, told above the bars; see web/coach/main.js."""

from typing import Any

import gradio as gr

from merger.ui.bundle import bundle


def coach(**kwargs: Any) -> gr.HTML:
    """The band; bind `select` for its beginning, tell it with `gr.update(marks=json.dumps(...))` what the rows' marks are."""
    return gr.HTML(
        {},
        marks="",
        html_template="<div class='coach' hidden></div>",  # constant: no data ever meets a template
        js_on_load=bundle("coach"),
        apply_default_css=False,
        **kwargs,
    )
