"""The line or the maps of a sweep; what they show is told at the top of explore.js."""

import json
from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent
CSS = json.dumps((HERE / "explore.css").read_text(encoding="utf-8"))
SCRIPT = f"const CSS = {CSS};\n" + (HERE / "explore.js").read_text(encoding="utf-8")


def chart(**kwargs: Any) -> gr.HTML:
    """The line or the maps; update with `gr.update(data=json.dumps(...))`, told at the top of explore.js."""
    return gr.HTML(
        {"picked": None, "seq": 0},
        data=json.dumps({"state": "idle", "axes": []}),
        html_template="<div class='explore'></div>",  # constant: no data ever meets a template
        js_on_load=SCRIPT,
        apply_default_css=False,
        **kwargs,
    )
