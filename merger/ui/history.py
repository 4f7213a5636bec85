"""The recipes tried so far, with stars: kept in the visitor's own browser, never on the server (web/history/main.js)."""

from typing import Any

import gradio as gr

from merger.ui.bundle import bundle


def history(**kwargs: Any) -> gr.HTML:
    """The list; bind `select` for what the visitor asks of an entry."""
    return _part("list", **kwargs)


def recorder(**kwargs: Any) -> gr.HTML:
    """What adds to the list, with `gr.update(entry=json.dumps(...))`. Never seen, and outside of tabs: those are not there."""
    return _part("recorder", **kwargs)


def _part(part: str, **kwargs: Any) -> gr.HTML:
    return gr.HTML(
        {},
        entry="",
        html_template=f"<div class='history' data-part='{part}'></div>",  # constant: no data ever meets a template
        js_on_load=bundle("history"),
        apply_default_css=False,
        **kwargs,
    )
