"""Parts of a page by name: a panel puts its components behind names (`shows`) and binds events whose functions give
{name: update} (`bind`); a name that is not given stays as it is. So no order of components is repeated anywhere.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any

import gradio as gr

from merger.ui.events import NOW

Updates = dict[str, Any]
"""What an event draws: a value or an update by the part's name."""


class Parts:
    """The components of a page."""

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {}
        """gradio's components; their events are made when a class is, so no type knows them."""
        self.unseen: gr.State | None = None
        """Where gradio notes how far an event is. Else it does so, at each message of any event, on every part that an event has
        drawn, and copies all that lies in each: 1.4 of 3 seconds of a hand that paints."""

    def shows(self, **parts: Any) -> None:
        """The components behind the names. ValueError where a name stands for another one already."""
        twice = parts.keys() & self.parts.keys()
        if twice:
            raise ValueError(f"two components are called {', '.join(sorted(twice))}; a name is one panel's.")
        self.parts |= parts

    def bind(
        self,
        event: Callable[..., Any],
        call: Callable[..., Any] | None,
        given: Sequence[str],
        drawn: Sequence[str],
        **how: Any,
    ) -> Any:
        """An event of a component: `call` gets the parts' values (and the request, if it takes one) and gives Updates of `drawn`.

        call  None where the page does it by itself, with `js=`
        how   as gradio's events take it; NOW where nothing is said
        """
        if call is None:
            return event(None, self.components(given), self.components(drawn), show_progress_on=self.unseen, **(how or NOW))

        def by_part(updates: Updates) -> dict[Any, Any] | None:
            if not updates:  # an empty dictionary would be a value to gradio
                return {self.parts[drawn[0]]: gr.skip()} if drawn else None
            strange = updates.keys() - set(drawn)
            if strange:
                raise KeyError(f"an event drew {', '.join(sorted(strange))}, which it has not bound.")
            return {self.parts[name]: update for name, update in updates.items()}

        if isgeneratorfunction(call):

            @wraps(call)
            def streamed(*values: Any) -> Iterator[dict[Any, Any] | None]:
                for updates in call(*values):
                    yield by_part(updates)

            named: Callable[..., Any] = streamed
        else:

            @wraps(call)
            def once(*values: Any) -> dict[Any, Any] | None:
                return by_part(call(*values) or {})

            named = once
        return event(named, self.components(given), self.components(drawn), show_progress_on=self.unseen, **(how or NOW))

    def components(self, names: Sequence[str]) -> list[Any]:
        """The components behind names."""
        return [self.parts[name] for name in names]


def status(elem_id: str, label: str) -> gr.Textbox:
    """Words from us under a label, hidden until there are some; a text box, because names in them may be hostile."""
    return gr.Textbox("", elem_id=elem_id, label=label, lines=1, max_lines=14, interactive=False, visible=False)


def say(text: str) -> Any:
    """The update that shows words, or hides where they stood."""
    return gr.update(value=text, visible=bool(text))


__all__ = ["Parts", "Updates", "say", "status"]
