"""The chat with the merge, in the close-up's place; see web/chat/talk.js."""

from typing import Any

import gradio as gr

from merger.ui.bundle import bundle


def chat(board: str, recipe: str, **kwargs: Any) -> gr.HTML:
    """The conversation, which lives in the page; `board` says who may answer, words arrive with `gr.update(feed=...)`."""
    return gr.HTML(
        {},
        board=board,
        recipe=recipe,
        feed={},
        manner="",
        html_template="<div class='chat' hidden></div>",  # constant: no data ever meets a template
        js_on_load=bundle("chat"),
        apply_default_css=False,
        **kwargs,
    )
