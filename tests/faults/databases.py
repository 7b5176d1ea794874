"""PostgreSQL under fault tests: durable clusters, their network, and others who use them."""

import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from registrary.testing.postgres import USER, Cluster
from registrary.testing.postgres_program import Program
from tests.faults.machine import Machine

# What a machine's death would take is what these tests are about, so fsync stays on.
SETTINGS: Final[Mapping[str, str]] = {
    "max_connections": "60",
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",
    "log_checkpoints": "off",
}
DATABASE: Final = "registrary"
DEADLINE_SECONDS: Final = 2
# A request asks the store several times, and a busy machine takes its time on top.
ANSWERED_SECONDS: Final = 5.0 * DEADLINE_SECONDS + 10.0
IMPATIENT: Final[dict[str, str]] = {
    "REGISTRARY_POSTGRES__READ_SECONDS": str(DEADLINE_SECONDS),
    "REGISTRARY_POSTGRES__COMMIT_SECONDS": str(DEADLINE_SECONDS),
    "REGISTRARY_POSTGRES__CONNECT_SECONDS": str(DEADLINE_SECONDS),
}
TURNS_AT_TAKING: Final = 20  # nodes want theirs back, and are sometimes faster
_PROTOCOL: Final = 196_608  # version 3.0
_OF_NODES: Final = "from pg_stat_activity where application_name like 'registrary%'"
_END_NODES: Final = f"select pg_terminate_backend(pid) {_OF_NODES}"


@dataclass(frozen=True, slots=True)
class ProgramOnMachine(Program):
    """PostgreSQL on a machine that can be told to fail."""

    machine: Machine

    def environment(self) -> dict[str, str]:
        """Return what its processes find in their environment."""
        return Program.environment(self) | self.machine.environment


@contextmanager
def cluster_of(
    settings: Mapping[str, str] = SETTINGS, *, machine: Machine | None = None
) -> Iterator[Cluster]:
    """Run a cluster with an empty database for nodes; everything is gone on leaving."""
    cluster = Cluster.create(settings)
    if machine is not None:
        program = cluster.program
        cluster.program = ProgramOnMachine(program.binaries, program.user, machine)
    try:
        cluster.start()
        cluster.sql(f"create database {DATABASE}")
        yield cluster
    finally:
        cluster.remove()


def store_of(*ports: int) -> str:
    """Return the store of nodes that reach its servers at *ports* of this machine."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    attributes = "?target_session_attrs=primary" if len(ports) > 1 else ""
    return f"postgresql://{USER}@{hosts}/{DATABASE}{attributes}"


def connections_of_nodes(cluster: Cluster) -> int:
    """Return how many connections nodes hold."""
    return int(cluster.sql(f"select count(*) {_OF_NODES}"))


def end_connections(cluster: Cluster) -> None:
    """End every connection of nodes."""
    cluster.sql(_END_NODES)


class Session:
    """A connection of somebody else, who speaks just enough of the protocol to be in the way."""

    def __init__(self, cluster: Cluster) -> None:
        """Connect; raises `ConnectionRefusedError` when the server has no connection left."""
        self._socket = socket.create_connection(("127.0.0.1", cluster.port), timeout=30)
        names = f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
        self._socket.sendall(struct.pack("!ii", 8 + len(names), _PROTOCOL) + names)
        self._wait()

    def close(self) -> None:
        """Leave without a word; an open transaction is undone."""
        self._socket.close()

    def say(self, sql: str) -> None:
        """Have *sql* done; its rows are thrown away."""
        text = sql.encode() + b"\0"
        self._socket.sendall(b"Q" + struct.pack("!i", 4 + len(text)) + text)
        self._wait()

    def _wait(self) -> None:
        """Return when the server is ready for more."""
        kind = b""
        while kind != b"Z":
            kind, length = struct.unpack("!ci", self._read(5))
            body = self._read(length - 4)
            if kind == b"E":
                self.close()
                raise ConnectionRefusedError(body.replace(b"\0", b" ").decode())

    def _read(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            octets += self._socket.recv(count - len(octets)) or _gone()
        return octets


def _gone() -> bytes:
    raise ConnectionResetError("PostgreSQL closed the connection")


@contextmanager
def every_connection_of(cluster: Cluster) -> Iterator[None]:
    """Take all connections, those of nodes as well, which will not get them back meanwhile."""
    taken: list[Session] = []
    try:
        for _ in range(TURNS_AT_TAKING):
            with suppress(ConnectionRefusedError):
                while True:
                    taken.append(Session(cluster))
            taken[0].say(_END_NODES)
        yield
    finally:
        for session in taken:
            session.close()


@contextmanager
def locked(cluster: Cluster, table: str, key: str) -> Iterator[None]:
    """Hold a lock on the record with *key* in an open transaction that does nothing."""
    session = Session(cluster)
    held = f"select 1 from registrary.{table} where key = '{key}' for update"  # noqa: S608 - ours
    held = f"select 1 from registrary.{table} where key = '{key}' for update"  # noqa: S608 - ours
    session.say(f"begin; {held}")
    try:
        yield
    finally:
        session.close()
