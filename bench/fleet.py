"""The servers of one run: started once, left running side by side, ended together."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import postgres
from bench.holdings import Holding, holding
from bench.measure import Generator
from bench.processes import Missing, resident_bytes
from bench.servers import Place, Server
from bench.sinks import ask
from bench.started import CLIENTS, Broken, Started, free_port, populate, started
from bench.stock import Stock, stocked


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a server costs before and beside requests, the database's own processes left out.

    *clients* is how many it had registered when *loaded_bytes* was read.
    """

    server: str
    first_start_seconds: float
    restart_seconds: tuple[float, ...]
    idle_bytes: int
    loaded_bytes: int
    clients: int
    holding: Holding | None = None


@dataclass(slots=True)
class Member:
    """One running server and what was noted of it."""

    instance: Started
    starts: list[float]
    place: Place
    stock: Stock | None = None
    registered: int = CLIENTS


@dataclass(slots=True)
class Fleet:
    """Every server that could be started. *left_out* and *broken* say why others are not here."""

    stack: ExitStack
    folder: Path
    members: dict[str, Member] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    _cluster: tuple[str, int] | None = None

    def add(self, name: str, server: Server, *, restarts: int, driver: Generator) -> None:
        """Start *server*, *restarts* times more on its own store, and give it its clients."""
        try:
            server.prepare()
            place, database_pid = self._place(name, server)
            stock = stocked(place, server.stock) if server.stock else None
            starts = []
            for _ in range(restarts):
                with started(server, place) as instance:
                    starts.append(instance.start_seconds)
            instance = self.stack.enter_context(started(server, place, database_pid=database_pid))
            populate(instance, driver.take_numbers(CLIENTS))
            instance.known = stock.known if stock else []
        except Missing as missing:
            self.left_out[name] = str(missing)
        except (Broken, OSError) as error:
            self.broken[name] = str(error)
        else:
            starts.append(instance.start_seconds)
            self.members[name] = Member(instance, starts, place, stock)

    def able(self, operation: str) -> list[str]:
        """Return the names of those that have *operation*."""
        return [name for name, member in self.members.items() if member.instance.offers(operation)]

    def footprints(self) -> list[Footprint]:
        """Return what every server holds now."""
        return [
            Footprint(
                server=name,
                first_start_seconds=member.starts[0],
                restart_seconds=tuple(member.starts[1:]),
                idle_bytes=member.instance.idle_bytes,
                loaded_bytes=sum(map(resident_bytes, member.instance.pids)),
                clients=member.registered,
                holding=_holding(member),
            )
            for name, member in self.members.items()
        ]

    def _place(self, name: str, server: Server) -> tuple[Place, int]:
        folder = self.folder / name
        folder.mkdir()
        url, pid = self._database(name) if server.needs_postgres else ("", 0)
        return Place(tuple(free_port() for _ in range(server.nodes)), folder, url), pid

    def _database(self, name: str) -> tuple[str, int]:
        """Make a database for *name* in the one cluster of the run."""
        if self._cluster is None:
            self._cluster = self.stack.enter_context(postgres.cluster(self.folder / "pg"))
        url, pid = self._cluster
        ask(url, f'CREATE DATABASE "{name}"')
        return url.replace("@/postgres?", f"@/{name}?"), pid


def _holding(member: Member) -> Holding | None:
    if member.stock is None:
        return None
    return holding(member.place, member.stock, database_pid=member.instance.database_pid)


@contextmanager
def fleet() -> Iterator[Fleet]:
    """Make a fleet whose servers and files are gone after the block.

    Its folder is under ``/var/tmp``: on a file system in memory ``fsync`` would cost nothing.
    """
    with (
        tempfile.TemporaryDirectory(prefix="registrary-bench-", dir="/var/tmp") as name,
        ExitStack() as stack,
    ):
        folder = Path(name)
        folder.chmod(0o711)  # another user's PostgreSQL passes through to its own folder
        yield Fleet(stack, folder)
