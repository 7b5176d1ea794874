#!/bin/sh
# See that PostgreSQL and pgbouncer are there for the tests of stores on them. Where the system has
# none, apt installs those of Debian or Ubuntu for root, and starts nothing; for everybody else they
# are unpacked into .venv with what they need: nothing is installed. The tests start their own.
set -eu

folder=.venv/postgres

newest() { ls -d "$1"/usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -V | tail -n 1; }
has_postgres() { [ -n "$(newest "")$(newest "$folder")" ] || command -v initdb >/dev/null; }
has_pgbouncer() { command -v pgbouncer >/dev/null || [ -x "$folder/usr/sbin/pgbouncer" ]; }
has_both() { has_postgres && has_pgbouncer; }

PATH="$PATH:/usr/sbin"
export DEBIAN_FRONTEND=noninteractive
has_both && exit
missing=""
has_postgres || missing="postgresql"
has_pgbouncer || missing="$missing pgbouncer"

# While a policy-rc.d refuses, no package starts its service; and none makes a cluster by itself.
install_them() {
    policy=/usr/sbin/policy-rc.d clusters=/etc/postgresql-common/createcluster.conf
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    if [ ! -e "$clusters" ]; then
        mkdir -p "${clusters%/*}" && echo "create_main_cluster = false" >"$clusters"
    fi
    apt-get -qq install --yes --no-install-recommends $missing >/dev/null 2>&1
}
unpack_them() {
    needed=$(apt-get -qq --simulate --no-install-recommends install $missing 2>/dev/null |
        sed -n 's/^Inst \([^ ]*\).*/\1/p')
    [ -n "$needed" ] || return
    mkdir -p "$folder/debs"
    (cd "$folder/debs" && apt-get -qq download $needed) >/dev/null 2>&1 || return
    for package in "$folder"/debs/*.deb; do
        dpkg-deb -x "$package" "$folder"
    done
    rm -rf "$folder/debs"
}
runs() {
    libraries=$(ls -d "$PWD/$folder"/usr/lib/*-linux-* 2>/dev/null | paste -sd: -)
    LD_LIBRARY_PATH="$libraries" "$1" --version >/dev/null 2>&1
}

if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    if [ "$(id -u)" = 0 ]; then
        echo "Installing$(echo " $missing" | tr -s ' ') ..."
        install_them || { apt-get -qq update >/dev/null 2>&1 && install_them; } || true
    fi
    if ! has_both; then
        echo "Unpacking$(echo " $missing" | tr -s ' ') into .venv ..."
        unpack_them || { apt-get -qq update >/dev/null 2>&1 && unpack_them; } || true
    fi
    if has_both; then
        for program in $(newest "$folder") "$folder/usr/sbin/pgbouncer"; do
            [ ! -e "$program" ] || runs "$program" || { rm -rf "$folder" && break; }
        done
        has_both && exit
    fi
fi
echo "Every test of a store runs on PostgreSQL too, some of them behind pgbouncer, and this is not" >&2
echo "to be had here:$(echo " $missing" | tr -s ' '). Install it and run make test again, or run" >&2
echo "the tests that need neither: make check && .venv/bin/pytest --stores sqlite" >&2
exit 1
