#!/bin/sh
# See that nginx is there for the tests behind a real proxy. Where the system has none, that of
# Debian or Ubuntu is unpacked into .venv: nothing is installed, and nothing starts.
set -eu

bin=.venv/bin
folder=.venv/nginx

PATH="$PWD/$bin:$PATH:/usr/sbin"
if command -v nginx >/dev/null; then
    exit
fi
echo "nginx is missing; unpacking one into .venv ..."
download() { (cd "$folder" && apt-get -qq download "$1") >/dev/null 2>&1; }
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    rm -rf "$folder" && mkdir -p "$folder"
    download nginx || apt-get -qq update >/dev/null 2>&1 || true
    for package in nginx nginx-core; do
        if [ ! -x "$folder/usr/sbin/nginx" ] && download "$package"; then
            dpkg-deb -x "$folder/${package}"_*.deb "$folder"
        fi
    done
    ln -sf ../nginx/usr/sbin/nginx "$bin/nginx"
    "$bin/nginx" -v 2>/dev/null && exit
    rm -f "$bin/nginx"
fi
echo "tests/protocol/test_mutual_tls_nginx.py runs a real nginx, and none could be had here." >&2
echo "Install it and run make test again, or run the other tests:" >&2
echo "make check && .venv/bin/pytest --ignore tests/protocol/test_mutual_tls_nginx.py" >&2
exit 1
