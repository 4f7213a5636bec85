"""The facts about one tensor, as text; what they hold is told in web/inspect/main.js."""

from typing import Any

import gradio as gr

from merger.ui.bundle import bundle


def inspect(value: dict[str, Any], **kwargs: Any) -> gr.HTML:
    """A panel of facts; update it with a new value."""
    return gr.HTML(
        value,
        html_template="<div class='inspect'></div>",  # constant: no data ever meets a template
        js_on_load=bundle("inspect"),
        apply_default_css=False,
        **kwargs,
    )
