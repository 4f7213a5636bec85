"""The explorer's page: `make run`, and a Hugging Face Space's entry."""

import os
import sys

if os.environ.get("SPACE_ID") or os.environ.get("HOSTED"):
    # many people on few cores: OpenMP's threads sleep while they wait instead of burning what others need (read by torch)
    os.environ.setdefault("GOMP_SPINCOUNT", "0")

from merger.errors import MergeError
from merger.ui import LAUNCH, build_app

try:
    demo = build_app()
except MergeError as error:  # a variable of the environment that cannot be read
    sys.exit(str(error))

if __name__ == "__main__":
    # MCP needs gradio's extra of that name; without it gradio says so and serves the page alone
    demo.launch(**LAUNCH, mcp_server=bool(os.environ.get("MERGER_MCP")))
