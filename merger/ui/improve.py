"""Improve's parts of the page; what each shows is told in web/improve/main.js."""

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from merger.ui.bundle import bundle


def part(name: str, written: Callable[[object], dict[str, str]] | None = None, **kwargs: Any) -> gr.HTML:
    """One of `run`, `ways`, `judge`, and `follow`, which is never seen; update with `gr.update(data=json.dumps(...))`.

    written  what a set of questions is as a file, for `judge`
    """

    def written_as(asked: object) -> dict[str, str]:
        return written(asked) if written else {}

    return gr.HTML(
        {},
        data=json.dumps({}),
        opened="",
        html_template=f"<div class='improve' data-part='{name}'></div>",  # constant: no data ever meets a template
        js_on_load=bundle("improve"),
        apply_default_css=False,
        server_functions=[written_as],
        **kwargs,
    )


__all__ = ["part"]
