"""The audit log: what can be read of it, and how events get their places."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg
from asyncpg import exceptions

from registrary.audit.record import event_id_octets
from registrary.ports.audit_log import LoggedEvent, Sequencing, Tile, WaitingEvent
from registrary.ports.store import Conflict
from registrary.storage.postgres.connecting import Database, Rows
from registrary.storage.postgres.errors import ENTANGLED, outage, state_of
from registrary.storage.postgres.storable import is_storable
from registrary.storage.shared.statements import statements
from registrary.storage.shared.times import moment_of

_SQL: Final = statements(__package__, "log")
_BEHIND_EVERY_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_LOOKS: Final = 4  # at the queue: of the sequencer, and of others who only look
_Arrivals = list[tuple[int, str]]


class Log:
    """What an `AuditLog` does.

    Events queue in the order in which their commits asked for a number, and two commits may end
    in the other order. So one can come to light before others that were seen already, and what
    `waiting` returned is remembered: those who were first in line then may still be sequenced.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database.rows
        self._seen: defaultdict[str, deque[_Arrivals]] = defaultdict(_last_looks)

    async def waiting(self, issuer: str, limit: int) -> list[WaitingEvent]:
        """Return up to *limit* events without an index, in the order of their commits."""
        rows = await self._rows(_SQL["waiting"], issuer, limit)
        self._seen[issuer].append(_arrivals(rows))
        return [
            WaitingEvent(str(event_id), leaf_hash, moment_of(time))
            for _, event_id, leaf_hash, time in rows
        ]

    async def size(self, issuer: str) -> int:
        """Return how many leaves the log has."""
        rows = await self._rows(_SQL["size"], issuer)
        return rows[0][0] if rows else 0

    async def tile(self, issuer: str, level: int, index: int) -> Tile | None:
        """Return a tile, or None."""
        rows = await self._rows(_SQL["tile"], issuer, level, index)
        return Tile(level, index, rows[0][0]) if rows else None

    async def event(self, issuer: str, event_id: str) -> LoggedEvent | None:
        """Return one event; None also for what is no event id."""
        if not _is_event_id(event_id):
            return None
        rows = await self._rows(_SQL["by_id"], issuer, event_id)
        return _event(rows[0]) if rows else None

    async def indexed(self, issuer: str, first: int, limit: int) -> list[LoggedEvent]:
        """Return up to *limit* events that have an index, from *first* on."""
        return [_event(row) for row in await self._rows(_SQL["sequenced"], issuer, first, limit)]

    async def recent(
        self, issuer: str, *, client_id: str | None, before: str | None, limit: int
    ) -> Sequence[LoggedEvent]:
        """Return the newest events with ids below *before*, newest first."""
        end = _BEHIND_EVERY_ID if before is None else before
        if not _is_event_id(end) or not is_storable(client_id or ""):
            return []
        if client_id is None:
            rows = await self._rows(_SQL["recent"], issuer, end, limit)
        else:
            rows = await self._rows(_SQL["recent_of_client"], issuer, end, limit, client_id)
        return [_event(row) for row in rows]

    async def checkpoint(self, issuer: str, size: int | None) -> str | None:
        """Return the note over *size* leaves, or the newest one."""
        if size is None:
            rows = await self._rows(_SQL["newest_checkpoint"], issuer)
        else:
            rows = await self._rows(_SQL["checkpoint"], issuer, size)
        return rows[0][0] if rows else None

    async def checkpoints(self, issuer: str, after_size: int, limit: int) -> list[str]:
        """Return up to *limit* notes over more than *after_size* leaves."""
        rows = await self._rows(_SQL["checkpoints"], issuer, after_size, limit)
        return [note for (note,) in rows]

    async def sequence(self, step: Sequencing) -> None:
        """Check that nobody else was here, then keep places, tiles, checkpoint and size."""
        seen = self._seen.pop(step.issuer, _last_looks())
        end = self._database.now() + self._database.options.commit_seconds
        try:
            await self._database.demand_flow(end=end)
            async with self._database.line(end=end) as line:
                line.doubt = None
                async with line.connection.transaction():
                    await _sequence(line.connection, step, seen)
                self._database.trust(line)
        except exceptions.PostgresError as error:
            if state_of(error) in ENTANGLED:
                raise Conflict("event_log") from error
            unavailable = outage(error, str(self._database.address))
            if unavailable is None:
                raise
            raise unavailable from error


async def _sequence(
    connection: asyncpg.Connection, step: Sequencing, seen: Iterable[_Arrivals]
) -> None:
    issuer, count = step.issuer, len(step.event_ids)
    await connection.execute(_SQL["start"], issuer)
    number, size = await connection.fetchrow(_SQL["head"], issuer)
    if size != step.size:
        raise Conflict("event_log")
    if count:
        await _give_places(connection, step, seen=seen, log=number)
    if step.checkpoint is not None:
        kept = await connection.fetchval(
            _SQL["keep_checkpoint"], issuer, size + count, step.checkpoint
        )
        if not kept:
            raise Conflict("checkpoint")
    if step.tiles:
        columns = zip(*((tile.level, tile.index, tile.hashes) for tile in step.tiles), strict=True)
        await connection.execute(_SQL["keep_tiles"], issuer, *columns)
    await connection.execute(_SQL["grow"], issuer, size + count)


async def _give_places(
    connection: asyncpg.Connection, step: Sequencing, *, seen: Iterable[_Arrivals], log: int
) -> None:
    count = len(step.event_ids)
    due = next((look[:count] for look in seen if _ids(look[:count]) == step.event_ids), None)
    if due is None:
        due = _arrivals(await connection.fetch(_SQL["waiting"], step.issuer, count))
    if _ids(due) != step.event_ids:
        raise Conflict("event_log")
    taken = await connection.fetchval(
        _SQL["take_from_queue"], [arrival for arrival, _ in due], step.event_ids
    )
    if taken != len(due):
        raise Conflict("event_log")
    await connection.execute(_SQL["give_places"], log, step.size, step.event_ids)


def _last_looks() -> deque[_Arrivals]:
    return deque(maxlen=_LOOKS)


def _ids(arrivals: _Arrivals) -> tuple[str, ...]:
    return tuple(event_id for _, event_id in arrivals)


def _arrivals(rows: Rows) -> _Arrivals:
    return [(row["arrival"], str(row["event_id"])) for row in rows]


def _is_event_id(text: str) -> bool:
    try:
        event_id_octets(text)
    except ValueError:
        return False
    return True


def _event(row: asyncpg.Record) -> LoggedEvent:
    index, event_id, time, client_id, body, salt, leaf_hash = row
    return LoggedEvent(
        event_id=str(event_id),
        index=index,
        time=moment_of(time),
        client_id=client_id,
        body=None if body is None else body.encode(),
        salt=salt,
        leaf_hash=leaf_hash,
    )
