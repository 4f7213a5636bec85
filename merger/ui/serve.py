"""Starts the page: for `merger page`, and for app.py, which a Space runs.

It is up before any model, and before transformers, is loaded: the first screen's answers are made beforehand (service/first.py).
"""

import gc
import os
import threading
import time

from merger.tokenizer.safe import import_transformers
from merger.ui import LAUNCH, build_app
from merger.ui.page import Page


def page() -> Page:
    """The page as the environment's variables ask for it. MergeError where one cannot be read."""
    print("Merge explorer: building the page…", flush=True)
    made = build_app()
    gc.freeze()  # what is there now stays: nobody looks through half a million objects for garbage while answers are written
    gc.enable()  # who imported this may have put it off, as app.py has
    return made


def serve(made: Page, host: str | None = None, port: int | None = None, share: bool = False, browse: bool = False) -> None:
    """Serve a page until it is stopped.

    host    the address to listen at; None: this computer's own, or the variable GRADIO_SERVER_NAME
    port    None: 7860 or the first free one after it.
    share   also at a public address of gradio's
    browse  open it in a browser
    """
    threading.Thread(target=_warm_up, args=(made,), name="warming up", daemon=True).start()
    # MCP needs gradio's extra of that name; without it gradio says so and serves the page alone
    made.launch(
        **LAUNCH, server_name=host, server_port=port, share=share or None, inbrowser=browse,
        mcp_server=bool(os.environ.get("MERGER_MCP")),
    )  # fmt: skip


def _warm_up(made: Page) -> None:
    """What the first stroke needs, when the page is up."""
    while not made.is_running:
        time.sleep(0.02)
    started = time.monotonic()
    import_transformers()
    made.panels.answers.warm_up()
    print(f"Merge explorer: the first models are loaded, {time.monotonic() - started:.1f} seconds after the page.", flush=True)


__all__ = ["page", "serve"]
