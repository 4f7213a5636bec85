"""The explorer's page: `make run`, and a Hugging Face Space's entry."""

import os

from merger.ui import LAUNCH, build_app

demo = build_app()

if __name__ == "__main__":
    # MCP needs gradio's extra of that name; without it gradio says so and serves the page alone
    demo.launch(**LAUNCH, mcp_server=bool(os.environ.get("MERGER_MCP")))
