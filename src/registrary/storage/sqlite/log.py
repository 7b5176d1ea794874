"""The audit log in SQLite."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import apsw

from registrary.ports.audit_log import LoggedEvent, Sequencing, Tile, WaitingEvent
from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite.plan import Step
from registrary.storage.sqlite.writer import Writer

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = "SELECT last_event FROM log_head WHERE issuer = ?"
_COLUMNS: Final = (
    "event.event_id, event.leaf_index, event.time, event.client_id, event.body, event.salt, "
    "event.leaf_hash"
)
_WAITING: Final = (
    "SELECT event_id, leaf_hash, time FROM event WHERE issuer = ? AND id > ? ORDER BY id LIMIT ?"
)
_EVENTS: Final = (
    f"SELECT {_COLUMNS} FROM log_leaf JOIN event ON event.id = log_leaf.event "  # noqa: S608
    "WHERE log_leaf.issuer = ? AND log_leaf.leaf_index >= ? ORDER BY log_leaf.leaf_index LIMIT ?"
)
_RECENT: Final = (
    f"SELECT {_COLUMNS} FROM event WHERE issuer = ? AND event_id < ? "  # noqa: S608
    "ORDER BY event_id DESC LIMIT ?"
)
_RECENT_OF: Final = (
    f"SELECT {_COLUMNS} FROM event WHERE issuer = ? AND client_id = ? AND event_id < ? "  # noqa: S608
    "ORDER BY event_id DESC LIMIT ?"
)
_START: Final = (
    "INSERT INTO log_head (issuer, size, last_event) VALUES (?, 0, 0) ON CONFLICT DO NOTHING"
)
# Fails, and with it the whole sequencing, when somebody else sequenced meanwhile.
_GROW: Final = "UPDATE log_head SET size = size + ? WHERE issuer = ? AND size = ?"
# The order of the log is the order of commits: only the event that waited longest is next.
_REACH: Final = (
    "UPDATE log_head SET last_event = (SELECT id FROM event WHERE event_id = ?1 AND issuer = ?2) "
    "WHERE issuer = ?2 AND (SELECT id FROM event WHERE event_id = ?1 AND issuer = ?2) = "
    "(SELECT min(id) FROM event WHERE issuer = ?2 AND id > last_event)"
)
_INDEX: Final = "UPDATE event SET leaf_index = ? WHERE event_id = ? AND leaf_index IS NULL"
_LEAF: Final = (
    "INSERT INTO log_leaf (issuer, leaf_index, event) SELECT ?, ?, id FROM event WHERE event_id = ?"
)
_TILE: Final = (
    "INSERT INTO log_tile (issuer, level, tile_index, hashes) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET hashes = excluded.hashes"
)
_CHECKPOINT: Final = (
    "INSERT INTO log_checkpoint (issuer, size, note) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
_HIGHEST: Final = b"\xff" * 16


class SqliteLog:
    """Reads and sequences the log; the part of the store that is an `AuditLog`."""

    def __init__(self, writer: Writer, reading: apsw.Connection) -> None:
        self._writer = writer
        self._reading = reading
        self._cursor = reading.cursor()
        self._is_closed = False

    def _query(self, statement: str, values: tuple[Any, ...]) -> list[Any]:  # Any: SQL values
        if self._is_closed:
            raise StoreUnavailable("the store is closed")
        try:
            return self._cursor.execute(statement, values).fetchall()
        except apsw.Error as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error

    async def waiting(self, issuer: str, *, limit: int) -> Sequence[WaitingEvent]:
        """Return up to *limit* events without an index, in the order of their commits."""
        head = self._query(_LAST, (issuer,))
        rows = self._query(_WAITING, (issuer, head[0][0] if head else 0, limit))
        return [WaitingEvent(_text(row[0]), row[1], _moment(row[2])) for row in rows]

    async def sequence(self, sequencing: Sequencing) -> None:
        """Store *sequencing* atomically, if the log still has its size."""
        issuer, ids = sequencing.issuer, sequencing.event_ids
        steps = [
            Step(_START, (issuer,)),
            Step(_GROW, (len(ids), issuer, sequencing.size), "log"),
        ]
        for index, event_id in enumerate(ids, start=sequencing.size):
            octets = _octets(event_id)
            steps.append(Step(_INDEX, (index, octets), "log"))
            steps.append(Step(_LEAF, (issuer, index, octets), "log"))
            steps.append(Step(_REACH, (octets, issuer), "log"))
        steps += [
            Step(_TILE, (issuer, tile.level, tile.index, tile.hashes)) for tile in sequencing.tiles
        ]
        if sequencing.checkpoint is not None:
            size = sequencing.size + len(ids)
            steps.append(Step(_CHECKPOINT, (issuer, size, sequencing.checkpoint), "log"))
        await self._writer.submit(steps)

    async def log_size(self, issuer: str) -> int:
        """Return how many leaves the log has."""
        rows = self._query("SELECT size FROM log_head WHERE issuer = ?", (issuer,))
        return int(rows[0][0]) if rows else 0

    async def tile(self, issuer: str, level: int, index: int) -> Tile | None:
        """Return a tile, or None when no leaf has reached it."""
        statement = "SELECT hashes FROM log_tile WHERE issuer = ? AND level = ? AND tile_index = ?"
        rows = self._query(statement, (issuer, level, index))
        return Tile(level, index, rows[0][0]) if rows else None

    async def event(self, issuer: str, event_id: str) -> LoggedEvent | None:
        """Return one event by its id."""
        statement = f"SELECT {_COLUMNS} FROM event WHERE issuer = ? AND event_id = ?"  # noqa: S608
        rows = self._query(statement, (issuer, _octets(event_id)))
        return _logged(rows[0]) if rows else None

    async def events(self, issuer: str, *, first: int, limit: int) -> Sequence[LoggedEvent]:
        """Return sequenced events in index order."""
        return [_logged(row) for row in self._query(_EVENTS, (issuer, first, limit))]

    async def recent_events(
        self, issuer: str, *, client_id: str | None = None, before: str | None = None, limit: int
    ) -> Sequence[LoggedEvent]:
        """Return the newest events with ids below *before*, newest first."""
        below = _HIGHEST if before is None else _octets(before)
        if client_id is None:
            rows = self._query(_RECENT, (issuer, below, limit))
        else:
            rows = self._query(_RECENT_OF, (issuer, client_id, below, limit))
        return [_logged(row) for row in rows]

    async def checkpoint(self, issuer: str, *, size: int | None = None) -> str | None:
        """Return the signed note over *size* leaves, or the newest one."""
        wanted = "AND size = ?" if size is not None else "ORDER BY size DESC LIMIT 1"
        statement = f"SELECT note FROM log_checkpoint WHERE issuer = ? {wanted}"  # noqa: S608
        rows = self._query(statement, (issuer,) if size is None else (issuer, size))
        return rows[0][0] if rows else None

    async def checkpoints(self, issuer: str, *, after_size: int, limit: int) -> Sequence[str]:
        """Return signed notes over more than *after_size* leaves, smallest first."""
        statement = (
            "SELECT note FROM log_checkpoint WHERE issuer = ? AND size > ? ORDER BY size LIMIT ?"
        )
        return [note for (note,) in self._query(statement, (issuer, after_size, limit))]


def _logged(row: tuple[Any, ...]) -> LoggedEvent:  # Any: SQL values
    event_id, index, time, client_id, body, salt, leaf_hash = row
    return LoggedEvent(_text(event_id), index, _moment(time), client_id, body, salt, leaf_hash)


def _octets(event_id: str) -> bytes:
    """Return the 16 bytes of an id; an id that is none names no event."""
    try:
        return uuid.UUID(event_id).bytes
    except ValueError:
        return b""


def _text(octets: bytes) -> str:
    return str(uuid.UUID(bytes=octets))


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
