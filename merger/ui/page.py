"""The page as gradio's Blocks, behind our door: however it is launched it is guarded, and every error it tells is a sentence."""

import copy
import json
import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from inspect import signature
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.blocks import Block
from gradio.components import Component
from gradio.components.api_component import Api
from gradio.oauth import attach_oauth
from gradio.utils import is_prop_update
from starlette.middleware import Middleware

from merger.errors import MergeError
from merger.limits import RECIPE_CHARACTERS
from merger.ui.guard import OUR_FAULT, Door, Guard, Sessions
from merger.ui.host import Host
from merger.ui.intake import Intake, Presence
from merger.ui.keeper import keep
from merger.ui.states import States
from merger.ui.visitors import Visitors

log = logging.getLogger(__name__)

_TEXTS = (gr.Textbox, gr.Code)
_ARGUMENTS = frozenset(signature(gr.HTML.__init__).parameters)
STAYS: Mapping[str, Any] = gr.skip()
MISFIT = "What was sent does not fit this event; reload the page."


class Page(gr.Blocks):
    """Blocks behind a door, which stands in front of every server that `launch` makes of them, whatever it is given."""

    door = Door()
    space = False
    panels: Any = None
    """What `build_app` put on it."""
    visitors: Visitors | None = None

    @property
    def app(self) -> Any:
        """The server."""
        return vars(self)["app"]

    @app.setter
    def app(self, made: Any) -> None:
        """gradio sets what it has made before it is served: the guard goes outside of gradio's own layers, the sessions "
        "inside."""
        made.add_middleware(Intake, space=self.space)
        made.add_middleware(Guard, door=self.door)
        made.user_middleware.append(Middleware(Sessions))
        if self.visitors is not None:
            made.user_middleware.append(Middleware(Presence, watching=self.visitors, space=self.space))
            made.state_holder = States(self, self.visitors)
            keep(self)
        vars(self)["app"] = made

    async def process_api(self, *given: Any, **named: Any) -> dict[str, Any]:
        """An event. gradio would answer any error but its own with the bare word."""
        try:
            return await super().process_api(*given, **named)
        except gr.Error:
            raise
        except MergeError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except Exception:
            log.exception("an event failed")
            raise gr.Error(OUR_FAULT, print_exception=False) from None

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> list[Any]:
        """An event's inputs, of the kinds that its components have: what comes from a browser may be anything."""
        inputs = [*inputs, *_omitted(block_fn, len(inputs))]
        if len(inputs) != len(block_fn.inputs):
            raise gr.Error(MISFIT, print_exception=False)
        for block, value in zip(block_fn.inputs, inputs, strict=True):
            _no_file(block, value)
            _checked(block, value)
        try:
            values = await super().preprocess_data(block_fn, inputs, state, explicit_call)
            pairs = zip(block_fn.inputs, values, strict=True)
            return ["" if value is None and isinstance(block, _TEXTS) else _told(block, value) for block, value in pairs]
        except gr.Error as error:
            words = MISFIT if "not in the list of choices" in error.message else error.message
            raise gr.Error(words, print_exception=False) from None
        except Exception:
            raise gr.Error(MISFIT, print_exception=False) from None

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any = None) -> list[Any]:
        """An event's outputs. What stays as it is, and new properties of our own parts, need nothing of gradio, which would make
        each part anew to keep it with the session: 15 ms a message, most of it a search for events' names in our scripts.
        Of the rest without what it adds where a property has an event's name: a function's address."""
        if not isinstance(predictions, dict) or not predictions or not all(isinstance(part, Block) for part in predictions):
            return [_plain(one) for one in await super().postprocess_data(block_fn, predictions, state)]
        drawn: dict[Any, Any] = {part: _drawn(part, predictions.get(part, STAYS)) for part in block_fn.outputs}
        others = [part for part, one in drawn.items() if one is None]
        if others:
            less = copy.copy(block_fn)
            less.outputs = others
            made = await super().postprocess_data(less, {part: predictions.get(part, STAYS) for part in others}, state)
            drawn |= {part: _plain(one) for part, one in zip(others, made, strict=True)}
        return list(drawn.values())

    def handle_streaming_diffs(
        self, block_fn: Any, data: list[Any], session_hash: str | None, run: Any, final: bool, simple_format: bool = False
    ) -> list[Any]:
        """What a generator gives, each time whole. gradio sends what differs from the message before, which a browser changes in
        place: where several come at once, it loses those that it has not shown yet."""
        first = session_hash is None or run is None or run not in self.pending_diff_streams[session_hash]
        given = super().handle_streaming_diffs(block_fn, data, session_hash, run, final, simple_format=True)
        return given if first or final or simple_format else [[["replace", [], one]] for one in given]


def _drawn(part: Block, update: Any) -> Any:
    """What a browser gets of an update: what stays, or properties of one of our parts; None for anything else.

    Of such parts gradio keeps nothing that it reads again: what comes back from them is given on as it is.
    """
    if part.stateful or not is_prop_update(update):
        return None
    props = {key: value for key, value in update.items() if key not in ("__type__", "value") and value is not None}
    value = {"value": _text(update["value"])} if "value" in update else {}
    if not props and not value:
        return dict(STAYS)
    if not isinstance(part, gr.HTML) or props.keys() & _ARGUMENTS:
        return None
    told = {"props": {key: _text(one) for key, one in props.items()}} if props else {}
    return {**told, **value, **STAYS}  # in this order, in which the page takes them: who answers, then their rows


def _text(one: Any) -> Any:
    """What our parts read as JSON: gradio's page copies every leaf of an object at each message of any event."""
    if not isinstance(one, (dict, list, tuple)):
        return one
    try:
        return json.dumps(one, allow_nan=False)
    except ValueError:  # what is no number in JSON: gradio says null for it
        return one


def _told(block: Block, value: Any) -> Any:
    """What one of our parts sends: JSON as text. ValueError or RecursionError where it is none."""
    return json.loads(value) if isinstance(block, gr.HTML) and isinstance(value, str) and value else value


def _plain(one: Any) -> Any:
    return {key: value for key, value in one.items() if not callable(value)} if isinstance(one, dict) else one


def with_sign_in(host: Host) -> Host:
    """The place as it is, but without a sign-in where gradio cannot offer one; why is told in one sentence."""
    if not host.oauth:
        return host
    try:
        with warnings.catch_warnings(action="ignore"):
            attach_oauth(FastAPI())  # what gradio does when it makes its server, and would end with
    except ImportError:
        log.warning('Sign-in is off: OAUTH_CLIENT_ID is set, but `pip install "gradio[oauth]"` has not been run.')
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0].partition(". ")[0].rstrip(".")
        log.warning("Sign-in is off, since OAUTH_CLIENT_ID is set but gradio cannot offer it: %s.", said)
    else:
        return host
    return replace(host, oauth=False)


def _omitted(block_fn: Any, given: int) -> list[Any]:
    """What a program that calls an endpoint left out at the end, where that has a default; a page sends all."""
    if not all(isinstance(block, Api) for block in block_fn.inputs):
        return []
    last = list(signature(block_fn.fn).parameters.values())[given : len(block_fn.inputs)]
    return [] if any(one.default is one.empty for one in last) else [one.default for one in last]


def _no_file(block: Any, value: Any) -> None:
    """gr.Error where a file is named that was not uploaded to a component for files: gradio would fetch it from any address."""
    if block.stateful:  # what is sent in its place is not read
        return
    for path in _files(value):
        if not isinstance(block, gr.UploadButton) or not isinstance(path, str) or "://" in path:
            raise gr.Error(MISFIT, print_exception=False)


def _files(value: Any) -> Iterator[Any]:
    """Paths of whatever in a value looks like gradio's description of a file."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "meta" in one and ("path" in one or "url" in one):
                yield one.get("path")
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _checked(block: Component, value: Any) -> None:
    """gr.Error, naming the field, where a value is not of its component's kind."""
    name = str(getattr(block, "label", None) or "this field")
    if isinstance(block, _TEXTS):
        wanted, fits = "text", value is None or isinstance(value, str)
        if isinstance(value, str) and len(value) > RECIPE_CHARACTERS:
            wanted, fits = f"at most {RECIPE_CHARACTERS:,} characters", False
    elif isinstance(block, gr.Checkbox):
        wanted, fits = "true or false", value is None or isinstance(value, bool)
    elif isinstance(block, (gr.Number, gr.Slider)):
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**63
        wanted, fits = "a number", value is None or (number and math.isfinite(value))
    elif isinstance(block, gr.CheckboxGroup):
        wanted, fits = "a list of its choices", isinstance(value, list) and all(isinstance(one, str) for one in value)
    elif isinstance(block, (gr.Radio, gr.Dropdown)):
        wanted, fits = "one of its choices", value is None or isinstance(value, str)
    else:
        return
    if not fits:
        raise gr.Error(f"{name}: takes {wanted}.", print_exception=False)


__all__ = ["Page", "with_sign_in"]
