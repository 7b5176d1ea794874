"""The real server on a disk that does what it is told; see faulty_server.py."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from registrary.testing.server import RunningServer, environment, free_port
from tests.faults.outage import wait_until

PROGRAM = Path(__file__).with_name("faulty_server.py")


class FaultyServer:
    """A server on a disk that does what it is told."""

    def __init__(self, server: RunningServer, orders: Path) -> None:
        self.server = server
        self._orders = orders

    def order(self, what: str) -> None:
        """Let the disk do *what* from now on; nothing for what it should."""
        complete = self._orders.with_suffix(".new")
        complete.write_text(what)
        complete.replace(self._orders)


def serving(orders: Path, store: Path, *options: str, port: int) -> list[str]:
    """Return the command line of a server on a disk that obeys *orders*."""
    listen = f"127.0.0.1:{port}"
    arguments = ["serve", "--dev", "--listen", listen, "--store", f"sqlite:///{store}"]
    return [sys.executable, str(PROGRAM), str(orders), *arguments, *options]


@contextmanager
def faulty_server(folder: Path, *options: str, port: int | None = None) -> Iterator[FaultyServer]:
    """Run the real server on a disk that obeys."""
    port, log, store = port or free_port(), folder / "server.log", folder / "registrary.db"
    orders = folder / "orders"
    with log.open("ab") as stream:
        process = subprocess.Popen(
            serving(orders, store, *options, port=port),
            stdout=stream,
            stderr=stream,
            env=environment(),
        )
    server = RunningServer(f"http://127.0.0.1:{port}", f"sqlite:///{store}", log, process)
    try:
        wait_until(lambda: answers(server))
        yield FaultyServer(server, orders)
    finally:
        process.terminate()
        process.wait(20)


def answers(server: RunningServer) -> bool:
    """Tell whether *server* has started; fails when it never will."""
    assert server.process.poll() is None, server.log.read_text()
    try:
        return httpx2.get(f"{server.url}/healthz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False
