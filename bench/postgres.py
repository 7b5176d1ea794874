"""A PostgreSQL of the bench's own: new data folder, Unix socket only, gone afterwards."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from urllib.parse import quote

from bench.processes import Missing, running
from registrary.testing.postgres_program import Missing as NoPostgres
from registrary.testing.postgres_program import Program

_START_SECONDS = 30.0


def find_binaries() -> Path:
    """Return the folder of the newest PostgreSQL installed here; raise `Missing` without one."""
    return _program().binaries


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, int]]:
    """Run a cluster in *folder*; yield its URL and the number of its postmaster process.

    Settings are the shipped ones: ``fsync`` and ``synchronous_commit`` are on.
    """
    program = _program()
    binaries, user = program.binaries, program.user
    folder.mkdir()
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)
    initdb = [str(binaries / "initdb"), "--auth=trust", "--username=bench", "--no-instructions"]
    subprocess.run(
        [*initdb, "-E", "UTF8", "--locale=C", "-D", str(folder / "data")],
        check=True,
        capture_output=True,
        cwd=folder,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    command = [str(binaries / "postgres"), "-D", str(folder / "data")]
    command += ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
    with (
        (folder / "log").open("wb") as log,
        running(command, log=log, user=user, folder=folder, stop_signal=SIGINT) as server,
    ):
        _wait(binaries, folder)
        yield f"postgresql://bench@/postgres?host={quote(str(folder), safe='')}", server.pid


def version() -> str:
    """Return what ``postgres --version`` says, or an empty string without one."""
    try:
        binary = find_binaries() / "postgres"
    except Missing:
        return ""
    return subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout


def _program() -> Program:
    """Return PostgreSQL as the tests find it, and as whom it runs here."""
    try:
        return Program.find()
    except NoPostgres as error:
        raise Missing(str(error)) from error


def _wait(binaries: Path, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    command = [str(binaries / "pg_isready"), "-q", "-h", str(folder), "-U", "bench"]
    while subprocess.run(command, check=False).returncode:
        if time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()}")
        time.sleep(0.05)
