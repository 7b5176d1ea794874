#!/bin/sh
# Make .venv with a Python that is new enough, or say what is missing.
set -eu

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    found=$(${PYTHON:-python3} --version 2>&1 || true)
    echo "Registrary needs Python 3.11 or newer; found: ${found:-none}." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
    return 1
}

python=$(find_python)
said=$("$python" -m venv .venv 2>&1) && exit
echo "$said" >&2
rm -rf .venv
echo "'$python -m venv' failed. On Debian and Ubuntu it needs: apt-get install python3-venv" >&2
exit 1
