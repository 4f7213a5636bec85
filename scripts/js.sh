#!/bin/sh
# The page's JavaScript: runs scripts of package.json (all checks by default) with the tools of package-lock.json.
# Where there is no node of 20 or later, or the tools cannot be fetched, it says so and ends well: nobody who runs the page needs
# them, and tests/test_js.py holds what is served to its sources without them.
set -eu
cd "$(dirname "$0")/.."
skip() { echo "the page's JavaScript is not checked: $1"; exit 0; }

command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || skip "no node or npm here (20 or newer)"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || skip "node $(node --version) is older than 20"
if ! cmp -s package-lock.json node_modules/.made-from; then
  npm ci --silent --no-audit --no-fund || skip "npm cannot fetch its tools (npm ci)"
  cp package-lock.json node_modules/.made-from
fi
for name in "${@:-check}"; do npm run --silent "$name"; done
