#!/bin/sh
# Write requirements/*.txt: exact versions with hashes for every platform, and no registry's address.
set -eu

compile() {
    "$BIN/uv" pip compile --quiet --generate-hashes --universal --python-version 3.11 \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
        ${UPGRADE:+--upgrade} "$@"
}

compile pyproject.toml -o requirements/base.txt
for group in build test check node bench; do
    compile --group "$group" -c requirements/base.txt -o "requirements/$group.txt"
done
echo uv | compile - -o requirements/uv.txt
