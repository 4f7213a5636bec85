"""What all events of the page have in common: nothing dims while they run, and no program may call them."""

from typing import Any

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
NOW: dict[str, Any] = {"queue": False, **QUIET}
"""Small things, at once and past the queue."""
