"""Starts the page: for `merger page`, and for app.py, which a Space runs."""

import os
import threading

from merger.chat.load import import_transformers
from merger.ui import LAUNCH, build_app
from merger.ui.page import Page


def page() -> Page:
    """The page as the environment's variables ask for it. MergeError where one cannot be read."""
    return build_app()


def serve(made: Page, host: str | None = None, port: int | None = None, share: bool = False, browse: bool = False) -> None:
    """Serve a page until it is stopped.

    host    the address to listen at; None: this computer's own, or the variable GRADIO_SERVER_NAME
    port    None: 7860 or the first free one after it.
    share   also at a public address of gradio's
    browse  open it in a browser
    """
    import_transformers()
    threading.Thread(target=made.panels.answers.warm_up, name="warming up").start()
    # MCP needs gradio's extra of that name; without it gradio says so and serves the page alone
    made.launch(
        **LAUNCH, server_name=host, server_port=port, share=share or None, inbrowser=browse,
        mcp_server=bool(os.environ.get("MERGER_MCP")),
    )  # fmt: skip


__all__ = ["page", "serve"]
