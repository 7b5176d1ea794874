#!/bin/sh
# See that a C compiler is there for tests/faults, which put a library of their own between a server
# and its disk and clock. Where the system has none, apt installs it where that may be done.
set -eu

there() { command -v cc >/dev/null; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
install() {
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev
}

there && exit
if command -v apt-get >/dev/null; then
    echo "A C compiler is missing; installing one ..."
    said=$(install 2>&1) || echo "$said" | tail -3 >&2
    there && exit
fi
echo "tests/faults compile a small library with cc, and none could be installed here. Install a C" >&2
echo "compiler and run make test again, or run the other tests:" >&2
echo "make check && .venv/bin/pytest --ignore tests/faults" >&2
exit 1
