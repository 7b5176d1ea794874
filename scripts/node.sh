#!/bin/sh
# See that Node.js is there for the third-party clients of tests/interop, installing it where that is allowed.
set -eu

oldest=20

new_enough() { [ "$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')" -ge "$oldest" ] 2>/dev/null; }

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

install() {
    as_root apt-get update
    as_root apt-get install --yes --no-install-recommends nodejs npm
}

ready() { new_enough && command -v npm >/dev/null; }

ready && exit
echo "Node.js $oldest or newer is missing; trying the system's package manager ..."
if command -v apt-get >/dev/null; then install >/dev/null 2>&1 || true; fi
ready && exit
echo "tests/interop runs third-party clients on Node.js $oldest or newer, with npm." >&2
echo "Found: $(node --version 2>/dev/null || echo none). Install both and run make test again," >&2
echo "or run the other tests: make check && .venv/bin/pytest --ignore tests/interop" >&2
exit 1
