"""The answers: one streaming panel for the merge and its parents, a colour for every token.

`value` describes the columns and stays; text arrives through the prop `feed`, see web/answers/kinds.js.
"""

from typing import Any

import gradio as gr

from merger.ui.bundle import bundle


def answers(value: dict[str, Any], **kwargs: Any) -> gr.HTML:
    """A panel with `value["columns"]`; stream to it with `gr.update(feed=...)`."""
    kwargs.setdefault("feed", {})
    return gr.HTML(
        value,
        html_template="<div class='answers'></div>",  # constant: no data ever meets a template
        js_on_load=bundle("answers"),
        apply_default_css=False,
        **kwargs,
    )
