"""Nodes of one registrar: real servers on one store, each in a process of its own."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from registrary.testing.server import ADMIN_TOKEN, command, environment, free_port
from tests.faults.load import PATIENCE
from tests.faults.outage import wait_until

ENCRYPTION_KEY: Final = "ZmF1bHQgdGVzdHMgc2VhbCB0aGVpciBrZXlzIHdpdGg"
STOP_SECONDS: Final = 30.0
UNLIMITED: Final = ("--dev", "--no-rate-limits")
MIGRATING: Final = (*UNLIMITED, "--migrate")


@dataclass(slots=True)
class Node:
    """A server at *url* with its store at *store*; it can be killed and started again.

    *patience* is how many seconds the machine may take until it is ready.
    """

    store: str
    folder: Path
    port: int
    options: Sequence[str]
    variables: Mapping[str, str]
    patience: float = PATIENCE
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it wrote, over all its starts."""
        return self.folder / f"node-{self.port}.log"

    def start(self) -> None:
        """Start it and return once it is ready."""
        listen = f"127.0.0.1:{self.port}"
        arguments = ["serve", "--listen", listen]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command(*arguments, *self.options), stdout=log, stderr=log, env=self.environment
            )
        wait_until(self._has_started, within=self.patience)

    @property
    def environment(self) -> dict[str, str]:
        """Everything it finds in its environment."""
        own = {"REGISTRARY_STORE": self.store}
        if self.store.startswith("postgresql"):
            own["REGISTRARY_KEYS__ENCRYPTION_KEY"] = ENCRYPTION_KEY
        return environment() | own | dict(self.variables)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        assert self.process, "it does not run"
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """Ask it to end and return its exit code, at once when it had ended."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def is_ready(self) -> bool:
        """Tell whether it says of itself that it can do everything."""
        try:
            return httpx2.get(f"{self.url}/readyz", trust_env=False, timeout=10).is_success
        except httpx2.TransportError:
            return False

    def wait_until_ready(self) -> None:
        """Return once it is."""
        wait_until(self.is_ready, within=self.patience)

    def post(self, path: str, **members: Any) -> httpx2.Response:
        """Send something to one of its endpoints."""
        return self.request("POST", path, **members)

    def request(self, method: str, path: str, **members: Any) -> httpx2.Response:
        """Ask one of its endpoints."""
        url = f"{self.url}{path}"
        return httpx2.request(method, url, trust_env=False, timeout=PATIENCE, **members)

    def admin(self, method: str, path: str, **members: Any) -> httpx2.Response:
        """Ask the admin API."""
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        return self.request(method, f"/api/v1/{path}", headers=headers, **members)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of ours on its store."""
        return subprocess.run(
            command(*arguments),
            capture_output=True,
            check=False,
            env=self.environment,
            text=True,
            timeout=PATIENCE,
        )

    def faults_of_log(self) -> Any:
        """Return what ``registrary audit verify`` finds wrong."""
        done = self.run("audit", "verify", "--json")
        return json.loads(done.stdout)["faults"] if done.stdout else [done.stderr]

    def resident_bytes(self) -> int:
        """Return how much memory it holds."""
        assert self.process, "it does not run"
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def open_files(self) -> int:
        """Return how many files and connections it holds."""
        assert self.process, "it does not run"
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def _has_started(self) -> bool:
        assert self.process, "it was not started"
        said = self.log.read_text()[-4000:]
        assert self.process.poll() is None, f"the server did not start:\n{said}"
        return self.is_ready()


@contextmanager
def node_on(
    store: str,
    folder: Path,
    port: int | None = None,
    options: Sequence[str] = UNLIMITED,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Node]:
    """Run a server on *store*; it has stopped on leaving. *variables* join its environment."""
    node = Node(store, folder, port or free_port(), options, variables or {})
    node.start()
    try:
        yield node
    finally:
        node.stop()
