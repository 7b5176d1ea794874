"""The audit log as kept: events that wait for their index, leaves, tiles and checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """A durable event that has no index in the log yet."""

    event_id: str
    leaf_hash: bytes
    time: datetime


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as kept. *index* is None while it waits for the sequencer.

    *body* is the canonical JSON that was hashed, byte for byte; *body* and *salt* are None
    once personal data was erased, and the leaf stays.
    """

    event_id: str
    index: int | None
    time: datetime
    client_id: str | None
    body: bytes | None
    salt: bytes | None
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Tile:
    """Hashes of one stretch of one level of the tree (C2SP tlog-tiles, height 8).

    Entry *i* of the tile covers ``256**level`` leaves from ``(index * 256 + i) * 256**level``
    on. *hashes* holds up to 256 entries of 32 bytes; a shorter one is the level's right edge.
    """

    level: int
    index: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Sequencing:
    """Give the next indexes to *event_ids*, in order, if the log still has *size* leaves.

    *tiles* replaces the tiles that grew. *checkpoint* is the signed note over the new size,
    None when only indexes are given.
    """

    issuer: str
    size: int
    event_ids: tuple[str, ...]
    tiles: tuple[Tile, ...]
    checkpoint: str | None = None


class AuditLog(Protocol):
    """Reads and sequences the log that `Store.commit` fills."""

    async def waiting(self, issuer: str, *, limit: int) -> Sequence[WaitingEvent]:
        """Return up to *limit* events without an index, in the order they were committed."""
        ...

    async def sequence(self, sequencing: Sequencing) -> None:
        """Store *sequencing* atomically; raises `Conflict` when the size is another by now."""
        ...

    async def log_size(self, issuer: str) -> int:
        """Return how many leaves the log has."""
        ...

    async def tile(self, issuer: str, level: int, index: int) -> Tile | None:
        """Return a tile, or None when no leaf has reached it."""
        ...

    async def event(self, issuer: str, event_id: str) -> LoggedEvent | None:
        """Return one event by its id."""
        ...

    async def events(self, issuer: str, *, first: int, limit: int) -> Sequence[LoggedEvent]:
        """Return sequenced events in index order, from index *first* on."""
        ...

    async def recent_events(
        self,
        issuer: str,
        *,
        client_id: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[LoggedEvent]:
        """Return the newest events with ids below *before*, newest first.

        With *client_id* only those about that client.
        """
        ...

    async def checkpoint(self, issuer: str, *, size: int | None = None) -> str | None:
        """Return the signed note over *size* leaves, or the newest one; None when absent."""
        ...

    async def checkpoints(self, issuer: str, *, after_size: int, limit: int) -> Sequence[str]:
        """Return signed notes over more than *after_size* leaves, smallest first."""
        ...
