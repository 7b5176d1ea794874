"""One issuer's audit log, kept in memory."""

from collections.abc import Iterator, Sequence

from registrary.audit.record import record_of
from registrary.core.events import Event
from registrary.ports.audit_log import LoggedEvent, Sequencing, Tile, WaitingEvent
from registrary.ports.store import Conflict


class MemoryLog:
    """Events in the order they were committed; the first *size* of them have that index."""

    def __init__(self) -> None:
        self.size = 0
        self.tiles: dict[tuple[int, int], Tile] = {}
        self._events: list[LoggedEvent] = []
        self._places: dict[str, int] = {}
        self._checkpoints: dict[int, str] = {}

    def append(self, event: Event) -> None:
        """Keep *event*; raises `Conflict` when there is one with its id."""
        if event.id in self._places:
            raise Conflict("event")
        record = record_of(event)
        self._places[event.id] = len(self._events)
        self._events.append(
            LoggedEvent(
                event_id=event.id,
                index=None,
                time=event.time,
                client_id=event.client_id,
                body=record.body,
                salt=record.salt,
                leaf_hash=record.leaf_hash,
            )
        )

    def take_back(self) -> None:
        """Forget the event that was appended last."""
        del self._places[self._events.pop().event_id]

    def waiting(self, limit: int) -> list[WaitingEvent]:
        """Return up to *limit* events without an index."""
        return [
            WaitingEvent(event_id=event.event_id, leaf_hash=event.leaf_hash, time=event.time)
            for event in self._events[self.size : self.size + limit]
        ]

    def sequence(self, sequencing: Sequencing) -> None:
        """Give indexes to the events that have waited longest."""
        due = self._events[self.size : self.size + len(sequencing.event_ids)]
        size = self.size + len(due)
        if sequencing.size != self.size:
            raise Conflict("event_log")
        if sequencing.event_ids != tuple(event.event_id for event in due):
            raise Conflict("event_log")
        if sequencing.checkpoint is not None:
            if size in self._checkpoints:
                raise Conflict("checkpoint")
            self._checkpoints[size] = sequencing.checkpoint
        self.size = size
        self.tiles.update({(tile.level, tile.index): tile for tile in sequencing.tiles})

    def event(self, event_id: str) -> LoggedEvent | None:
        """Return the event with *event_id*, or None."""
        place = self._places.get(event_id)
        return None if place is None else self._at(place)

    def indexed(self, first: int, limit: int) -> list[LoggedEvent]:
        """Return up to *limit* events that have an index, from *first* on."""
        return [self._at(place) for place in range(first, min(first + limit, self.size))]

    def newest_first(self) -> Iterator[LoggedEvent]:
        """Yield every event, greatest id first."""
        return (self._at(self._places[event_id]) for event_id in sorted(self._places, reverse=True))

    def checkpoint(self, size: int | None) -> str | None:
        """Return the note over *size* leaves; the newest when *size* is None."""
        return self._checkpoints.get(max(self._checkpoints, default=0) if size is None else size)

    def checkpoints(self, after_size: int, limit: int) -> Sequence[str]:
        """Return up to *limit* notes over more than *after_size* leaves."""
        sizes = sorted(size for size in self._checkpoints if size > after_size)
        return [self._checkpoints[size] for size in sizes[:limit]]

    def _at(self, place: int) -> LoggedEvent:
        event = self._events[place]
        return LoggedEvent(
            event_id=event.event_id,
            index=place if place < self.size else None,
            time=event.time,
            client_id=event.client_id,
            body=event.body,
            salt=event.salt,
            leaf_hash=event.leaf_hash,
        )
