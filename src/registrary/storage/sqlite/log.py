"""Reads of the audit log."""

from collections.abc import Sequence
from typing import Any, Final

from registrary.audit.record import event_id_octets, event_id_text
from registrary.ports.audit_log import LoggedEvent, Tile, WaitingEvent
from registrary.storage.shared.statements import statements
from registrary.storage.shared.times import moment_of
from registrary.storage.sqlite.connection import Reader

_SQL: Final = statements(__package__, "log")
_BEHIND_EVERY_ID: Final = b"\xff" * 17


class LogReader:
    """What an `AuditLog` can be asked, answered at once."""

    def __init__(self, reader: Reader) -> None:
        self._rows = reader.rows

    def waiting(self, issuer: str, limit: int) -> list[WaitingEvent]:
        """Return up to *limit* events without an index, in the order of their commits."""
        return [
            WaitingEvent(event_id_text(event_id), leaf_hash, moment_of(time))
            for event_id, leaf_hash, time in self._rows(_SQL["waiting"], (issuer, limit))
        ]

    def size(self, issuer: str) -> int:
        """Return how many leaves the log has."""
        rows = self._rows(_SQL["size"], (issuer,))
        return rows[0][0] if rows else 0

    def tile(self, issuer: str, level: int, index: int) -> Tile | None:
        """Return a tile, or None."""
        rows = self._rows(_SQL["tile"], (issuer, level, index))
        return Tile(level, index, rows[0][0]) if rows else None

    def event(self, issuer: str, event_id: str) -> LoggedEvent | None:
        """Return one event; None also for what is no event id."""
        rows = self._rows(_SQL["by_id"], (issuer, _octets(event_id)))
        return _event(rows[0]) if rows else None

    def indexed(self, issuer: str, first: int, limit: int) -> list[LoggedEvent]:
        """Return up to *limit* events that have an index, from *first* on."""
        return [_event(row) for row in self._rows(_SQL["sequenced"], (issuer, first, limit))]

    def recent(
        self, issuer: str, *, client_id: str | None, before: str | None, limit: int
    ) -> Sequence[LoggedEvent]:
        """Return the newest events with ids below *before*, newest first."""
        end = _BEHIND_EVERY_ID if before is None else _octets(before)
        if client_id is None:
            rows = self._rows(_SQL["recent"], (issuer, end, limit))
        else:
            rows = self._rows(_SQL["recent_of_client"], (issuer, end, limit, client_id))
        return [_event(row) for row in rows]

    def checkpoint(self, issuer: str, size: int | None) -> str | None:
        """Return the note over *size* leaves, or the newest one."""
        if size is None:
            rows = self._rows(_SQL["newest_checkpoint"], (issuer,))
        else:
            rows = self._rows(_SQL["checkpoint"], (issuer, size))
        return rows[0][0] if rows else None

    def checkpoints(self, issuer: str, after_size: int, limit: int) -> list[str]:
        """Return up to *limit* notes over more than *after_size* leaves."""
        rows = self._rows(_SQL["checkpoints"], (issuer, after_size, limit))
        return [note for (note,) in rows]


def _octets(event_id: str) -> bytes:
    """Return the bytes of an id; of what is none, those before every id and equal to none."""
    try:
        return event_id_octets(event_id)
    except ValueError:
        return b""


def _event(row: tuple[Any, ...]) -> LoggedEvent:  # Any: the columns that all log reads select
    place, size, event_id, time, client_id, body, salt, leaf_hash = row
    return LoggedEvent(
        event_id=event_id_text(event_id),
        index=place if place < size else None,
        time=moment_of(time),
        client_id=client_id,
        body=body,
        salt=salt,
        leaf_hash=leaf_hash,
    )
