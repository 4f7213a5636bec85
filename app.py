"""The explorer's page as a Hugging Face Space starts it, and `make run`; `merger page` is the same from anywhere."""

import gc
import os
import sys

if os.environ.get("SPACE_ID") or os.environ.get("HOSTED"):
    # many people on few cores: OpenMP's threads sleep while they wait instead of burning what others need (read by torch)
    os.environ.setdefault("GOMP_SPINCOUNT", "0")

if __name__ == "__main__" and sys.argv[1:]:
    sys.exit(f"app.py takes no options; write: {sys.executable} -m merger page {' '.join(sys.argv[1:])}")

print("Merge explorer: loading the libraries…", flush=True)  # a few seconds
gc.disable()  # half a million objects come and stay: looking through them again and again takes a fifth of the start
from merger.errors import MergeError  # noqa: E402
from merger.ui.serve import page, serve  # noqa: E402

try:
    demo = page()
except MergeError as error:  # a variable of the environment that cannot be read
    sys.exit(str(error))

if __name__ == "__main__":
    serve(demo)
