"""What all events of the page have in common: nothing dims while they run, and no program may call them."""

from typing import Any

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
NOW: dict[str, Any] = {"queue": False, **QUIET}
"""Small things, at once and past the queue."""
NEWEST: dict[str, Any] = {"trigger_mode": "always_last", **NOW}
"""The same where several may come at once: the last of them counts."""
ANSWER: dict[str, Any] = {"concurrency_id": "answers", "concurrency_limit": None, "trigger_mode": "always_last", **QUIET}
"""Answers wait for each other in Studio's own line, which can say how long it is; gradio's would hold back in silence."""
DISK: dict[str, Any] = {"concurrency_id": "disk", "concurrency_limit": 2, **QUIET}
"""Merges to files."""
