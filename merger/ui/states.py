"""gradio's sessions, without a copy of the whole page in each, and without hoarding every value that was ever sent."""

from types import SimpleNamespace
from typing import Any

from gradio.blocks import Blocks
from gradio.state_holder import SessionState, StateHolder

from merger.ui.visitors import Visitors


class States(StateHolder):
    """All of them; `visitors` says who goes."""

    def __init__(self, blocks: Blocks, visitors: Visitors) -> None:
        super().__init__()
        self.set_blocks(blocks)
        visitors.states = self

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = _Light(self.blocks)
        return super().__getitem__(session_id)

    def drop(self, session: str) -> None:
        """Let go of a session's state."""
        with self.lock:
            self.session_data.pop(session, None)
            self.time_last_used.pop(session, None)

    def sizes(self) -> dict[str, int]:
        """About how many bytes each session's state takes, as far as visitors have a say in it."""
        with self.lock:
            sessions = list(self.session_data.items())
        return {name: sum(map(_nbytes, list(one.state_data.values()))) for name, one in sessions}


class _Light(SessionState):
    """A session's state. What gradio would note beside it, every value that was ever sent, is for links to saved states only."""

    def __init__(self, blocks: Blocks) -> None:
        nothing: Any = SimpleNamespace(
            default_config=blocks.default_config, blocks={}
        )  # to note: 90 ms of a visitor's first event
        super().__init__(nothing)

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values = {}

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


def _nbytes(value: Any) -> int:
    """About what a kept value takes: a workspace says so itself, of others the texts count."""
    if isinstance(value, (dict, list, tuple)):
        return sum(map(_nbytes, value.values() if isinstance(value, dict) else value))
    return len(value) if isinstance(value, str) else int(getattr(value, "nbytes", 0))


__all__ = ["States"]
