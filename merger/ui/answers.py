"""The rows of prompts with everybody's answers, the score, and the open row close up.

`value` holds the rows and is what goes back; `board` says who answers, `manner` how answers are drawn; text arrives through
`feed`: see web/rows/kinds.js.
"""

import json
from typing import Any

import gradio as gr

from merger.ui.bundle import bundle


def answers(value: dict[str, Any], board: dict[str, Any], feed: dict[str, Any] | None = None, **kwargs: Any) -> gr.HTML:
    """Rows of `value["rows"]`, answered by `board["columns"]`; stream to it with `gr.update(feed=...)`."""
    return gr.HTML(
        json.dumps(value),
        board=json.dumps(board),
        feed=json.dumps(feed or {}),
        manner="",
        html_template="<div class='rows'></div>",  # constant: no data ever meets a template
        js_on_load=bundle("rows"),
        apply_default_css=False,
        **kwargs,
    )
