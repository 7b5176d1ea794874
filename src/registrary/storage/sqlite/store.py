"""Records in SQLite: reads on the event loop's own connection, writes through the writer."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import apsw

from registrary.core.changes import Changes
from registrary.core.issuer import Issuer
from registrary.ports.store import PageOf
from registrary.storage.sqlite.kinds import decode, microseconds, statements_for
from registrary.storage.sqlite.log import SqliteLog
from registrary.storage.sqlite.plan import steps_of
from registrary.storage.sqlite.writer import Writer

R = TypeVar("R")


class SqliteStore(SqliteLog):
    """A `Store` and `AuditLog` in one file. Reads take microseconds and change no thread."""

    def __init__(self, writing: apsw.Connection, reading: apsw.Connection) -> None:
        super().__init__(Writer(writing), reading)

    async def commit(self, changes: Changes) -> None:
        """Queue *changes* for the next COMMIT and wait until it is on disk."""
        steps = steps_of(changes)
        if steps:
            await self._writer.submit(steps)

    async def get(self, record_type: type[R], issuer: str, key: str) -> R | None:
        """Return the record of *record_type* with *key*, or None."""
        rows = self._query(statements_for(record_type).get, (issuer, key))
        return decode(record_type, rows[0][0]) if rows else None

    async def counter(self, issuer: str, name: str) -> int:
        """Return the value of a counter."""
        rows = self._query(
            "SELECT value FROM counter WHERE issuer = ? AND name = ?", (issuer, name)
        )
        return int(rows[0][0]) if rows else 0

    async def page(
        self,
        record_type: type[R],
        issuer: str,
        *,
        after: str | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> PageOf[R]:
        """Return up to *limit* records with keys behind *after*."""
        statements = statements_for(record_type)
        if after is None:
            statement = statements.last if descending else statements.first
            rows = self._query(statement, (issuer, limit + 1))
        else:
            statement = statements.before if descending else statements.after
            rows = self._query(statement, (issuer, after, limit + 1))
        records = tuple(decode(record_type, text) for _, text in rows[:limit])
        return PageOf(records, rows[limit - 1][0] if len(rows) > limit else None)

    async def expired(
        self, record_type: type[R], issuer: str, *, now: datetime, limit: int
    ) -> Sequence[R]:
        """Return up to *limit* records whose ``expires_at`` has passed, oldest first."""
        if "expires_at" not in vars(record_type):
            raise ValueError("records of this kind do not expire")
        statement = statements_for(record_type).expired
        rows = self._query(statement, (issuer, microseconds(now), limit))
        return [decode(record_type, text) for (text,) in rows]

    async def issuers(self) -> Sequence[Issuer]:
        """Return every issuer, oldest first."""
        rows = self._query("SELECT record FROM issuer", ())
        issuers: list[Issuer] = [decode(Issuer, text) for (text,) in rows]
        return sorted(issuers, key=lambda issuer: (issuer.created_at, issuer.id))

    async def close(self) -> None:
        """Finish the writes under way and let go of the file."""
        if self._is_closed:
            return
        self._is_closed = True
        await self._writer.close()
        self._reading.close()
