"""The head line with its choosers, and the lists that they open; see web/head/main.js and web/choices/main.js."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from merger.ui.bundle import bundle


@dataclass(frozen=True)
class Choice:
    """An entry of a list.

    term  the field's word for it; says: what it is, in a sentence; why: why it cannot be chosen now; on: it is what is chosen
    """

    key: str
    label: str
    says: str = ""
    term: str = ""
    why: str = ""
    on: bool = False


def head(board: dict[str, Any], **kwargs: Any) -> gr.HTML:
    """The line; bind `select` (A and B), `input` (the fade between them), `copy` (a link)."""
    return gr.HTML(
        {},
        board=json.dumps(board),
        html_template="<div class='head'></div>",  # constant: no data ever meets a template
        js_on_load=bundle("head"),
        apply_default_css=False,
        **kwargs,
    )


def listed(name: str, groups: Sequence[tuple[str, Sequence[Choice]]], **more: Any) -> str:
    """A list's `board`: choices under their heads. name: what is chosen, for screen readers."""
    told = [{"title": title, "entries": [asdict(one) for one in entries]} for title, entries in groups if entries]
    return json.dumps({"name": name, "groups": told, **more})


def choices(board: str, **kwargs: Any) -> gr.HTML:
    """A list to choose from, as `listed` writes it; bind `select`."""
    return gr.HTML(
        {},
        board=board,
        html_template="<div class='choices'></div>",  # constant: no data ever meets a template
        js_on_load=bundle("choices"),
        apply_default_css=False,
        **kwargs,
    )


def chosen(value: Any, key: str = "key") -> str:
    """What a browser says was chosen; "" where it says nothing of the kind."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


__all__ = ["Choice", "choices", "chosen", "head", "listed"]
