#!/bin/sh
# Print the path of a Chromium for the browser tests, installing one where there is none. Prints nothing when that fails.
#   sh scripts/browser.sh .venv/bin/python
python=${1:-python3}

find_one() {
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
        # Ubuntu's chromium-browser may be a stub that only says "install the snap", hence the question
        if [ -n "$name" ] && "$name" --version >/dev/null 2>&1; then command -v "$name"; return 0; fi
    done
    "$python" - 2>/dev/null <<'PYTHON'
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    path = playwright.chromium.executable_path
if not pathlib.Path(path).exists():
    sys.exit(1)
print(path)
PYTHON
}

apt() {  # $1: nothing for root, else sudo
    $1 apt-get update -qq && $1 env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
}

find_one && exit 0
echo "no Chromium here; installing one for the browser tests ..." >&2
if command -v apt-get >/dev/null; then
    if [ "$(id -u)" = 0 ]; then apt ""; elif sudo -n true 2>/dev/null; then apt "sudo -n"; fi >&2 </dev/null
    find_one && exit 0
fi
if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
    "$python" -m playwright install --with-deps chromium >&2 </dev/null
fi
find_one && exit 0
"$python" -m playwright install chromium >&2 </dev/null  # without the system's libraries, which may be there
find_one && exit 0
echo "Chromium could not be installed: the browser tests will be skipped. Install it, or name one: CHROMIUM=/path make test" >&2
exit 0
