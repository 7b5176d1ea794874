"""A server on PostgreSQL: how it begins, what it says of its database, and what it never says."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from registrary.testing.postgres import Cluster
from registrary.testing.server import ADMIN_TOKEN, command, environment, free_port
from tests.faults.proxy import Network, Proxy, proxy_to

CANARY = "c4n4ry9f8e7d"
ROLE = "registrary_server"
PATIENCE_SECONDS = 60  # on a busy machine
STARTED = "Application startup complete"
METADATA = {"client_name": "Things", "grant_types": ["client_credentials"]}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Run a server that asks the role of servers for its password."""
    with Cluster.running(access=[f"host all {ROLE} 127.0.0.1/32 scram-sha-256"]) as cluster:
        cluster.sql(f"create role {ROLE} login password '{CANARY}'")
        yield cluster


@pytest.fixture
def database(cluster: Cluster) -> Iterator[str]:
    """Return the name of a database that the role of servers owns."""
    with cluster.database() as url:
        name = url.rpartition("/")[2]
        cluster.sql(f'alter database "{name}" owner to {ROLE}')
        yield name


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    """Run what can cut the way to the database."""
    with proxy_to(("127.0.0.1", cluster.port)) as proxy:
        yield proxy


class Served:
    """A server whose store is named in a file; *log* is all it wrote."""

    def __init__(self, url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.url = url
        self.process = process
        self.log = log

    def get(self, path: str) -> httpx2.Response:
        """Ask as an operator."""
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        return httpx2.get(f"{self.url}{path}", headers=headers, trust_env=False, timeout=30)

    def register(self) -> httpx2.Response:
        """Register a client."""
        return httpx2.post(f"{self.url}/register", json=METADATA, trust_env=False, timeout=30)

    def wait_until_ready(self, status: int = 200) -> httpx2.Response:
        """Return when readiness is answered with *status*."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                answer = self.get("/readyz")
            except httpx2.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code == status:
                return answer
            time.sleep(0.1)
        raise TimeoutError(self.log.read_text()[-4000:])

    def wait_until_told(self, text: str, *, times: int = 1) -> None:
        """Return when the log says *text* so many times."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.log.read_text().count(text) < times:
            if time.monotonic() > end:
                raise TimeoutError(self.log.read_text()[-4000:])
            time.sleep(0.1)

    def command_lines(self) -> dict[int, str]:
        """Return what everybody on the machine sees of its processes, by their ids."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {int(one): Path(f"/proc/{one}/cmdline").read_text() for one in (str(pid), *children)}


@contextmanager
def served(folder: Path, store: str, *options: str) -> Iterator[Served]:
    """Run a development server on *store*, which it finds in a file."""
    port, log = free_port(), folder / "server.log"
    (folder / "store").write_text(f"{store}\n")
    arguments = ["serve", "--dev", "--no-rate-limits", "--listen", f"127.0.0.1:{port}", *options]
    variables = environment() | {"REGISTRARY_STORE_FILE": str(folder / "store")}
    with log.open("ab") as stream:
        process = subprocess.Popen(command(*arguments), stdout=stream, stderr=stream, env=variables)
    try:
        yield Served(f"http://127.0.0.1:{port}", process, log)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize("workers", ["1", "2"], ids=["one process", "two workers"])
def test_migrating_and_serving_can_be_one_step(cluster, database, tmp_path, workers):
    """A trial, or a container without a step before it, needs one command."""
    store = cluster.url(database, user=f"{ROLE}:{CANARY}")

    with served(tmp_path, store, "--migrate", "--workers", workers) as server:
        server.wait_until_ready()
        registered = server.register()

    assert 201 == registered.status_code
    assert 0 == server.process.returncode


def test_a_database_that_goes_silent_is_told_and_waited_for(database, proxy, tmp_path):
    """A load balancer takes the node out, and nobody has to restart it afterwards."""
    store = f"postgresql://{ROLE}:{CANARY}@127.0.0.1:{proxy.port}/{database}"

    with served(tmp_path, store, "--migrate") as server:
        server.wait_until_ready()
        proxy.become(Network.BLACK_HOLE)
        unready = server.wait_until_ready(503)
        refused, alive = server.register(), server.get("/healthz")
        proxy.become(Network.WHOLE)
        server.wait_until_ready()
        registered = server.register()
        counted = server.get("/metrics").text

    assert {"store": "failed", "keys": "ok"} == unready.json()["parts"]
    assert (503, True) == (refused.status_code, "retry-after" in refused.headers)
    assert (200, 201) == (alive.status_code, registered.status_code)
    assert 'registrary_store_outages_total{operation="commit"} 0.0' not in counted
    assert "registrary_store_connections_open" in counted


def test_a_worker_that_dies_in_an_outage_is_replaced_after_it(database, proxy, tmp_path):
    """Its successor cannot start yet; for that the others need not end, nor anybody step in."""
    store = f"postgresql://{ROLE}:{CANARY}@127.0.0.1:{proxy.port}/{database}"

    with served(tmp_path, store, "--migrate", "--workers", "2") as server:
        server.wait_until_told(STARTED, times=2)
        lines = server.command_lines()
        worker = next(one for one, line in lines.items() if "spawn_main" in line)
        server.wait_until_ready()
        proxy.become(Network.REFUSED)
        os.kill(worker, signal.SIGKILL)
        server.wait_until_told("the server cannot start")
        alive = server.get("/healthz")
        proxy.become(Network.WHOLE)
        server.wait_until_told(STARTED, times=3)
        server.wait_until_ready()

    assert 200 == alive.status_code
    assert 0 == server.process.returncode
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("network", [Network.REFUSED, Network.BLACK_HOLE], ids=lambda one: one.name)
def test_a_server_told_to_stop_in_an_outage_ends_well(database, proxy, tmp_path, network):
    """It may be the node that is to be moved to where the database is."""
    store = f"postgresql://{ROLE}:{CANARY}@127.0.0.1:{proxy.port}/{database}"

    with served(tmp_path, store, "--migrate") as server:
        server.wait_until_ready()
        proxy.become(network)
        server.wait_until_ready(503)

    assert 0 == server.process.returncode


def test_no_password_is_shown_anywhere(database, proxy, tmp_path):
    """Logs are kept, metrics are stored, and every account of the machine sees processes."""
    store = f"postgresql://{ROLE}:{CANARY}@127.0.0.1:{proxy.port}/{database}"

    with served(tmp_path, store, "--migrate", "--workers", "2") as server:
        server.wait_until_ready()
        shown = [*server.command_lines().values(), server.get("/metrics").text]
        proxy.become(Network.REFUSED)
        shown += [server.wait_until_ready(503).text, server.register().text]
    shown.append(server.log.read_text())

    assert "cannot be reached" in shown[-1]
    assert [] == [text for text in shown if CANARY in text]


def test_a_password_on_the_command_line_is_pointed_out(cluster, database, tmp_path):
    """Whoever typed it does not know who reads along."""
    store = cluster.url(database, user=f"{ROLE}:{CANARY}")

    with served(tmp_path, store, "--migrate", "--store", store) as server:
        server.wait_until_ready()
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line[:1] == "{"]

    assert ["name a file in REGISTRARY_STORE_FILE instead"] == [
        line["message"].rpartition("; ")[2] for line in lines if "password" in line["message"]
    ]
    assert CANARY not in server.log.read_text()
