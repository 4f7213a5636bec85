"""The answers: one streaming panel for the merge and its parents, a colour for every token.

`value` describes the columns and stays; text arrives through the prop `feed`, see the top of answers.js.
"""

import json
from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent
CSS = json.dumps((HERE / "answers.css").read_text(encoding="utf-8"))
SCRIPT = f"const CSS = {CSS};\n" + (HERE / "answers.js").read_text(encoding="utf-8")


def answers(value: dict[str, Any], **kwargs: Any) -> gr.HTML:
    """A panel with `value["columns"]`; stream to it with `gr.update(feed=...)`."""
    kwargs.setdefault("feed", {})
    return gr.HTML(
        value,
        html_template="<div class='answers'></div>",  # constant: no data ever meets a template
        js_on_load=SCRIPT,
        apply_default_css=False,
        **kwargs,
    )
