"""The Mixer: one fader bank per model and parameter, under a strip that shows where models disagree.

A factory around `gr.HTML` (a subclass would make gradio write a `.pyi` beside it). What it means by
`value`, `board` and `stats` is told at the top of web/mixer/kinds.js. Bind `input` for live numbers (unqueued),
`release` for merging, `select` for a picked strip cell; answer with `gr.update(stats=json.dumps(...))`.
"""

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from merger.ui.bundle import bundle


def mixer(
    value: dict[str, Any], board: dict[str, Any], stats: dict[str, Any],
    sample: Callable[[object, gr.Request], dict[str, Any] | None] | None = None, **kwargs: Any,
) -> gr.HTML:  # fmt: skip
    """A Mixer of `value` on `board`; update it with a new value or `gr.update(stats=json.dumps(...))`.

    sample  gives what a board's law names as its `sketch` to whoever asks, so that a drag needs no other call
    """

    def sample_of(word: object, request: gr.Request) -> dict[str, Any] | None:
        return sample(word, request) if sample else None

    return gr.HTML(
        value,
        board=json.dumps(board),  # as text: gradio copies every leaf of an object at each update
        stats=json.dumps(stats),
        html_template="<div class='mixer'></div>",  # constant: no data ever meets a template
        js_on_load=bundle("mixer"),
        apply_default_css=False,
        server_functions=[sample_of],
        **kwargs,
    )
