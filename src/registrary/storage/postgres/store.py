"""The store in PostgreSQL: reads by prepared statements, writes by group commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from registrary.core.changes import Changes
from registrary.core.issuer import Issuer
from registrary.ports.audit_log import LoggedEvent, Sequencing, Tile, WaitingEvent
from registrary.ports.store import PageOf, StoreUnavailable
from registrary.storage.postgres import log_check, partitions, schema
from registrary.storage.postgres.connecting import Database
from registrary.storage.postgres.key_document import KeyDocument
from registrary.storage.postgres.log import Log
from registrary.storage.postgres.reading import Fetcher
from registrary.storage.postgres.storable import cursor_of, is_storable
from registrary.storage.postgres.tables import BY_TYPE, Table
from registrary.storage.postgres.work import ChangesWork
from registrary.storage.postgres.writer import Writer
from registrary.storage.shared.statements import statements
from registrary.storage.shared.times import microseconds

R = TypeVar("R")

_USED: Final = statements(__package__, "counters")["used"]
_ISSUERS: Final = BY_TYPE[Issuer].sql["all"]


class PostgresStore:
    """A `Store` and `AuditLog` in one database, which other processes use at the same time."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._rows = database.rows
        self._fetcher = Fetcher(database)
        self._log = Log(database)
        self._writer = Writer(database)
        self._key_document = KeyDocument(database)

    async def commit(self, changes: Changes) -> None:
        """Make all of *changes* durable, or nothing; several commits share one statement."""
        await self._writer.write(ChangesWork(changes))

    async def get(self, record_type: type[R], issuer: str, key: str) -> R | None:
        """Return the record of *record_type* with *key*, or None."""
        if not is_storable(key):
            return None
        table = BY_TYPE[record_type]
        record = await self._fetcher.fetch(table, issuer, key)
        return None if record is None else self._decoded(table, record)

    async def counter(self, issuer: str, name: str) -> int:
        """Return the value of a counter."""
        if not is_storable(name):
            return 0
        rows = await self._rows(_USED, issuer, name)
        return rows[0][0] if rows else 0

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
        table = BY_TYPE[record_type]
        name = f"{'first' if after is None else 'next'}_{'down' if descending else 'up'}"
        bindings: tuple[str | int, ...] = (issuer, limit + 1)
        if after is not None:
            bindings = (*bindings, cursor_of(after, descending=descending))
        rows = await self._rows(table.sql[name], *bindings)
        records = tuple(self._decoded(table, record) for _, record in rows[:limit])
        return PageOf(records, rows[limit - 1][0] if len(rows) > limit else None)

    async def expired(
        self, record_type: type[R], issuer: str, *, now: datetime, limit: int
    ) -> Sequence[R]:
        """Return up to *limit* records whose ``expires_at`` has passed, oldest first."""
        table = BY_TYPE[record_type]
        if not table.ends:
            raise ValueError("records of this kind do not expire")
        rows = await self._rows(table.sql["expired"], issuer, microseconds(now), limit)
        return [self._decoded(table, record) for (record,) in rows]

    async def issuers(self) -> Sequence[Issuer]:
        """Return every issuer, oldest first."""
        table = BY_TYPE[Issuer]
        rows = await self._rows(_ISSUERS)
        issuers: list[Issuer] = [self._decoded(table, record) for (record,) in rows]
        return sorted(issuers, key=lambda issuer: (issuer.created_at, issuer.id))

    def _decoded(self, table: Table, record: str) -> Any:  # noqa: ANN401 - of the table's kind
        try:
            return table.decoder.decode(record)
        except msgspec.DecodeError as error:
            text = f"{self.database.address}: a record of {table.kind} is damaged"
            raise StoreUnavailable(text) from error

    async def waiting(self, issuer: str, *, limit: int) -> Sequence[WaitingEvent]:
        """Return up to *limit* events without an index."""
        return await self._log.waiting(issuer, limit)

    async def sequence(self, sequencing: Sequencing) -> None:
        """Give indexes to the events that have waited longest, and keep what proves them."""
        await self._log.sequence(sequencing)

    async def log_size(self, issuer: str) -> int:
        """Return how many leaves the log has."""
        return await self._log.size(issuer)

    async def tile(self, issuer: str, level: int, index: int) -> Tile | None:
        """Return a tile, or None when no leaf has reached it."""
        return await self._log.tile(issuer, level, index)

    async def event(self, issuer: str, event_id: str) -> LoggedEvent | None:
        """Return one event by its id."""
        return await self._log.event(issuer, event_id)

    async def events(self, issuer: str, *, first: int, limit: int) -> Sequence[LoggedEvent]:
        """Return sequenced events in index order, from index *first* on."""
        return await self._log.indexed(issuer, first, limit)

    async def recent_events(
        self,
        issuer: str,
        *,
        client_id: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[LoggedEvent]:
        """Return the newest events with ids below *before*, newest first."""
        return await self._log.recent(issuer, client_id=client_id, before=before, limit=limit)

    async def checkpoint(self, issuer: str, *, size: int | None = None) -> str | None:
        """Return the signed note over *size* leaves, or the newest one."""
        return await self._log.checkpoint(issuer, size)

    async def checkpoints(self, issuer: str, *, after_size: int, limit: int) -> Sequence[str]:
        """Return signed notes over more than *after_size* leaves, smallest first."""
        return await self._log.checkpoints(issuer, after_size, limit)

    async def key_document(self) -> tuple[int, bytes] | None:
        """Return the sealed keys and their revision, None when there never were any."""
        return await self._key_document.read()

    async def replace_key_document(self, document: bytes, *, expected: int | None) -> None:
        """Put *document* in the place of revision *expected* (None: of nothing)."""
        await self._key_document.replace(document, expected=expected)

    async def problems(self) -> list[str]:
        """Return what is wrong with how the store is kept; every table is read whole for it."""
        return await log_check.damage_of_store(self.database)

    async def damage_of_log(self) -> list[str]:
        """Return which tables of the log cannot be read; see `log_check`."""
        return await log_check.damage_of_log(self.database)

    async def strays_of_log(self) -> list[str]:
        """Return which rows of the log stand where they do not belong; see `log_check`."""
        return await log_check.strays_of_log(self.database)

    async def prepare_partitions(self, *, ahead: int = schema.PARTITIONS_AHEAD) -> int:
        """Make the partitions of events of the months to come; return how many are new."""
        return await partitions.prepare_partitions(self.database, ahead)

    async def close(self) -> None:
        """Finish the writes under way and let go of every connection."""
        await self._writer.close()
        await self.database.close()
