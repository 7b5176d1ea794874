"""Where rows in bulk go: an SQLite file by one transaction a page, PostgreSQL by ``COPY``."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import apsw

from bench.filling import ClientRow, EventRow
from bench.postgres import find_binaries
from registrary.storage.sqlite.opening import connect

_CLIENT: Final = "INSERT INTO client (issuer, key, revision, record) VALUES (?, ?, ?, ?)"
_EVENT: Final = """
INSERT INTO event (issuer, event_id, time, client_id, body, salt, leaf_hash, sequence)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
# Places of a log begin at its number times 2**40; the next one is behind the last.
_NEXT: Final = """
SELECT coalesce(max(event.sequence) + 1, log.number << 40)
FROM event_log AS log
LEFT JOIN event ON event.sequence BETWEEN log.number << 40 AND (log.number << 40) + 1099511627775
WHERE log.issuer = ?
"""


@dataclass(slots=True)
class SqliteSink:
    """The file of a store that nobody has open."""

    issuer: str
    connection: apsw.Connection

    def add(self, clients: Sequence[ClientRow], events: Sequence[EventRow]) -> None:
        """Insert rows in one transaction."""
        with self.connection:
            found: Any = self.connection.execute(_NEXT, (self.issuer,)).get  # a number
            place = int(found)
            self.connection.executemany(
                _CLIENT,
                [(self.issuer, one.key, one.revision, one.record.decode()) for one in clients],
            )
            self.connection.executemany(
                _EVENT,
                [
                    (
                        self.issuer,
                        one.event_id,
                        one.time,
                        one.client_id,
                        one.body.decode(),
                        one.salt,
                        one.leaf_hash,
                        place + offset,
                    )
                    for offset, one in enumerate(events)
                ],
            )


@contextmanager
def sqlite_sink(path: Path, issuer: str) -> Iterator[SqliteSink]:
    """Open the file *path* for filling."""
    with closing(connect(path)) as connection:
        yield SqliteSink(issuer, connection)


_COPIES: Final = (
    "registrary.client (issuer, key, revision, record)",
    "registrary.event (issuer, event_id, time, client_id, body, salt, leaf_hash)",
    "registrary.waiting_event (issuer, event_id, leaf_hash, time)",
)


@dataclass(slots=True)
class PostgresSink:
    """Three ``COPY`` at once, each by a ``psql`` of its own."""

    issuer: str
    pipes: list[IO[bytes]] = field(default_factory=list)

    def add(self, clients: Sequence[ClientRow], events: Sequence[EventRow]) -> None:
        """Write rows in the text format of ``COPY``."""
        issuer = self.issuer.encode()
        client, event, waiting = self.pipes
        client.writelines(
            b"%b\t%b\t%d\t%b\n" % (issuer, one.key.encode(), one.revision, _escaped(one.record))
            for one in clients
        )
        event.writelines(
            b"%b\t%b\t%d\t%b\t%b\t\\\\x%b\t\\\\x%b\n"
            % (
                issuer,
                one.event_id.hex().encode(),
                one.time,
                one.client_id.encode(),
                _escaped(one.body),
                one.salt.hex().encode(),
                one.leaf_hash.hex().encode(),
            )
            for one in events
        )
        waiting.writelines(
            b"%b\t%b\t\\\\x%b\t%d\n"
            % (issuer, one.event_id.hex().encode(), one.leaf_hash.hex().encode(), one.time)
            for one in events
        )


@contextmanager
def postgres_sink(url: str, issuer: str) -> Iterator[PostgresSink]:
    """Open the database *url* for filling; everything is committed on leaving."""
    with ExitStack() as stack:
        sink, running = PostgresSink(issuer), []
        for target in _COPIES:
            process = subprocess.Popen(
                psql(url, f"COPY {target} FROM STDIN"), stdin=subprocess.PIPE
            )
            assert process.stdin
            sink.pipes.append(stack.enter_context(process.stdin))
            running.append(process)
        yield sink
    for process in running:
        if process.wait():
            raise RuntimeError("psql could not copy")


def psql(url: str, *statements: str) -> list[str]:
    """Return the command that runs *statements* one after another, each by itself."""
    command = [str(find_binaries() / "psql"), url, "-q", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    return [*command, *(part for statement in statements for part in ("-c", statement))]


def ask(url: str, *statements: str) -> str:
    """Run *statements* and return what they printed, values separated by ``|``."""
    done = subprocess.run(psql(url, *statements), check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _escaped(text: bytes) -> bytes:
    """Return JSON as ``COPY`` wants it; it has no raw tab or line end, but there may be escapes."""
    return text.replace(b"\\", b"\\\\")
