"""The facts about one tensor, as text; what they hold is told at the top of inspect.js."""

import json
from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent
CSS = json.dumps((HERE / "inspect.css").read_text(encoding="utf-8"))
SCRIPT = f"const CSS = {CSS};\n" + (HERE / "inspect.js").read_text(encoding="utf-8")


def inspect(value: dict[str, Any], **kwargs: Any) -> gr.HTML:
    """A panel of facts; update it with a new value."""
    return gr.HTML(
        value,
        html_template="<div class='inspect'></div>",  # constant: no data ever meets a template
        js_on_load=SCRIPT,
        apply_default_css=False,
        **kwargs,
    )
