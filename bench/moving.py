"""``python -m bench.moving``: a store of many clients moves from SQLite to PostgreSQL, as told.

The move is killed once in the middle and goes on. Then everything is asked after: both logs, their
checkpoints, exports of both stores line by line, and the credentials of clients that registered
before. Exits 1 when anything of it is not as it was.
"""

import argparse
import base64
import http.client
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from bench import machine
from bench.documents import Registered
from bench.settings import ENCRYPTION_KEY, file_settings
from bench.stock import Stock, fill
from registrary.testing.postgres import DURABLE, Cluster
from registrary.testing.server import command, environment, free_port

ASKED = 1000
"""Clients that authenticate and read their registration after the move."""


@dataclass(frozen=True, slots=True)
class Timed:
    """What a command printed, and how long it took."""

    shown: Any  # Any: JSON
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """Move as *arguments* say, print what was seen, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.moving", description=__doc__)
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--kill-after", type=float, metavar="SECONDS", default=8.0)
    options = parser.parse_args(arguments)
    print(" · ".join(f"{name} {value}" for name, value in machine.describe().items()))
    with tempfile.TemporaryDirectory() as name, Cluster.running(DURABLE) as cluster:
        folder = Path(name)
        stock = uvloop.run(fill(file_settings(folder), options.clients))
        size = (folder / "store.db").stat().st_size
        _tell("source", f"{stock.clients} clients, {stock.events} events, {size / 1e6:.0f} MB")
        cluster.sql("create database target template template0")
        return _move(folder, cluster, stock, kill_after=options.kill_after)


def _move(folder: Path, cluster: Cluster, stock: Stock, *, kill_after: float) -> int:
    source, target = f"sqlite:///{folder / 'store.db'}", cluster.url("target")
    _tell("source log", _log_of(source))
    _kill_in_the_middle(source, target, seconds=kill_after)
    refused = _run("client", "list", "--store", target, "--json", fails=True)
    _tell("meanwhile", refused.shown)
    resumed = _run("move", "--from", source, "--store", target, "--json")
    _tell("going on took", f"{resumed.seconds:.1f} s")
    cluster.sql("drop database target with (force)")
    cluster.sql("create database target template template0")
    moved = _run("move", "--from", source, "--store", target, "--json")
    rows = sum(moved.shown["rows"].values())
    rate = f"{rows / moved.seconds:.0f} rows/s, {stock.clients / moved.seconds:.0f} clients/s"
    _tell("moved in one go", f"{rows} rows in {moved.seconds:.1f} s: {rate}")
    _tell("target log", _log_of(target))
    exports = [
        _run("export", str(folder / name), "--with-keys", "--store", url, "--json")
        for name, url in (("source.export", source), ("target.export", target))
    ]
    _tell("exports took", ", ".join(f"{one.seconds:.1f} s" for one in exports))
    same = [
        _log_of(source) == _log_of(target),
        resumed.shown["digests"] == moved.shown["digests"],
        _body_of(folder / "source.export") == _body_of(folder / "target.export"),
        _credentials_are_good(target, stock.known[:: max(1, len(stock.known) // ASKED)]),
    ]
    _tell("logs, both moves, exports and credentials are as before", same)
    return 0 if all(same) else 1


def _kill_in_the_middle(source: str, target: str, *, seconds: float) -> None:
    process = subprocess.Popen(
        command("move", "--from", source, "--store", target),
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    state = "it had ended already" if process.poll() is not None else f"after {seconds:.0f} s"
    process.send_signal(signal.SIGKILL)
    process.wait()
    _tell("killed", state)


def _log_of(url: str) -> dict[str, Any]:  # Any: JSON
    shown: dict[str, Any] = _run("audit", "verify", "--store", url, "--json").shown
    return shown


def _body_of(path: Path) -> str:
    """Return a digest of the lines between the first, which has the time, and the last."""
    text = "sed '1d;$d' \"$1\" | sha256sum"
    done = subprocess.run(["sh", "-c", text, "-", path], check=True, capture_output=True, text=True)
    return done.stdout


def _credentials_are_good(url: str, known: Sequence[Registered]) -> bool:
    """Start a server on the store and let *known* get tokens and read their registrations."""
    port = free_port()
    options = ("--store", url, "--listen", f"127.0.0.1:{port}", "--dev", "--no-rate-limits")
    with (
        tempfile.TemporaryFile() as log,  # a pipe that nobody reads would stop the server
        subprocess.Popen(
            command("serve", *options), env=_environment(), stdout=log, stderr=log
        ) as process,
    ):
        try:
            _wait_for(port)
            states = [_states(port, client) for client in known]
        finally:
            process.terminate()
    good = states.count((200, 200))
    _tell("after the move", f"{good} of {len(known)} clients got a token and their registration")
    return good == len(known)


def _states(port: int, client: Registered) -> tuple[int, int]:
    basic = base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
    headers = {
        "Authorization": f"Basic {basic}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    bearer = {"Authorization": f"Bearer {client.registration_access_token}"}
    path = urlsplit(client.registration_client_uri).path
    token = _ask(port, "POST", "/token", body="grant_type=client_credentials", headers=headers)
    return token, _ask(port, "GET", path, body=None, headers=bearer)


def _ask(port: int, method: str, path: str, *, body: str | None, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if _ask(port, "GET", "/readyz", body=None, headers={}) == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


def _run(*arguments: str, fails: bool = False) -> Timed:
    begin = time.monotonic()
    done = subprocess.run(
        command(*arguments), env=_environment(), capture_output=True, text=True, check=False
    )
    if bool(done.returncode) != fails:
        raise RuntimeError(f"{arguments[0]} failed: {done.stderr}")
    shown = done.stderr.strip() if fails else json.loads(done.stdout)
    return Timed(shown, time.monotonic() - begin)


def _environment() -> dict[str, str]:
    return environment() | {"REGISTRARY_KEYS__ENCRYPTION_KEY": ENCRYPTION_KEY}


def _tell(name: str, seen: object) -> None:
    print(f"{name}: {seen}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
