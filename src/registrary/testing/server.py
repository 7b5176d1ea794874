"""A real server in a process of its own, on a free port, with a store that goes with it."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.error import URLError
from urllib.request import urlopen

ADMIN_TOKEN: Final = "admin-token-of-a-test-server"
ENCRYPTION_KEY: Final = "a2V5IG9mIGEgdGVzdCBzZXJ2ZXIsIG9mIDMyIGJ5dGU"
START_SECONDS: Final = 90  # how long a server may take to answer on a busy machine
STOP_SECONDS: Final = 20


class Stores(Protocol):
    """Where servers of tests keep their records: a kind of database."""

    def at(self, folder: Path) -> str:
        """Return the URL of the store that goes with *folder*: the same store each time."""


class RunStores(Stores, Protocol):
    """The stores of a run of the tests, which can be copied and given back."""

    def copy(self, folder: Path, target: Path) -> None:
        """Let the store of *target*, which is new, begin as a copy of that of *folder*."""

    def drop(self, folder: Path) -> None:
        """Give back what the store for *folder* takes up outside of it."""


class SqliteStores:
    """Files, each in its folder."""

    def at(self, folder: Path) -> str:
        """Return the URL of the file in *folder*."""
        return f"sqlite:///{folder / 'registrary.db'}"

    def copy(self, folder: Path, target: Path) -> None:
        """Copy the whole folder: the file, its log, and its keys."""
        shutil.copytree(folder, target)

    def drop(self, folder: Path) -> None:
        """Leave the file to whoever clears its folder away."""


SQLITE: Final = SqliteStores()


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers at *url*; commands find its store at *store_url*.

    *log* is what it wrote, *authority* the PEM file of who vouches for its certificate, where it
    speaks TLS.
    """

    url: str
    store_url: str
    log: Path
    process: "subprocess.Popen[bytes]"
    authority: Path | None = None

    @property
    def store(self) -> Path:
        """Return the file of a store on SQLite."""
        return Path(self.store_url.removeprefix("sqlite:///"))

    @property
    def tls(self) -> ssl.SSLContext:
        """Return what a client of this server trusts."""
        return ssl.create_default_context(cafile=self.authority)

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)


def free_port() -> int:
    """Return a port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_server(
    folder: Path,
    *options: str,
    port: int | None = None,
    stores: Stores = SQLITE,
    dev: bool = True,
    authority: Path | None = None,
) -> Iterator[RunningServer]:
    """Run ``registrary serve`` with the store of *stores* for *folder*; it has stopped on leaving.

    Where *options* make it speak TLS, *authority* is the PEM file of who vouches for it.
    """
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    store, log = stores.at(folder), folder / "server.log"
    arguments = ["serve", "--listen", f"127.0.0.1:{port}", "--store", store]
    arguments += ["--dev"] if dev else []
    with log.open("ab") as stream:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command(*arguments, *options), stdout=stream, stderr=stream, env=environment()
        )
    url = f"{'https' if authority else 'http'}://127.0.0.1:{port}"
    server = RunningServer(url, store, log, process, authority)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(STOP_SECONDS)


def command(*arguments: str) -> Sequence[str]:
    """Return the command line of ``registrary`` with *arguments*."""
    program = "from registrary.cli.main import main; main()"
    return [sys.executable, "-c", program, *arguments]


def environment() -> dict[str, str]:
    """Return an environment without settings of whoever runs the tests, but secrets of a server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRARY_")}
    secrets = {
        "REGISTRARY_ADMIN_TOKEN": ADMIN_TOKEN,
        "REGISTRARY_KEYS__ENCRYPTION_KEY": ENCRYPTION_KEY,
    }
    return kept | secrets | {"NO_COLOR": "1"}


def _wait_until_it_answers(server: RunningServer) -> None:
    context = server.tls if server.authority else None
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if server.process.poll() is not None:
            break
        try:
            address = f"{server.url}/readyz"
            with urlopen(address, timeout=5, context=context):  # noqa: S310 - our own server
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{server.log.read_text()[-4000:]}")
