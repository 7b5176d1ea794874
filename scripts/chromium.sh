#!/bin/sh
# See that Chromium is there for tests/e2e: named in CHROMIUM, on the PATH, or installed by apt where
# that may be done.
set -eu

there() {
    for name in ${CHROMIUM:-chromium chromium-browser google-chrome google-chrome-stable}; do
        if command -v "$name" >/dev/null; then return; fi
    done
    return 1
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
install() {
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
}

there && exit
if command -v apt-get >/dev/null; then
    echo "Chromium is missing; installing it ..."
    said=$(install 2>&1) || echo "$said" | tail -3 >&2
    there && exit
fi
echo "tests/e2e look at the pages in Chromium, and none could be installed here. Install it, or name" >&2
echo "one in the variable CHROMIUM, and run make test again; or run the other tests:" >&2
echo "make check && .venv/bin/pytest --ignore tests/e2e" >&2
exit 1
