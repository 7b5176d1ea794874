"""A store in the memory of one process; what it holds ends with the process."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import msgspec

from registrary.audit.record import event_id_octets
from registrary.core.changes import Changes, Consume, Delete, Put, Unchanged
from registrary.core.events import Event
from registrary.core.issuer import Issuer
from registrary.ports.audit_log import LoggedEvent, Sequencing, Tile, WaitingEvent
from registrary.ports.store import Conflict, PageOf, StoreUnavailable
from registrary.storage.memory.log import MemoryLog

R = TypeVar("R")

_encode = msgspec.json.Encoder().encode


class _Kept(NamedTuple):
    """A record as kept: encoded, so that nobody alters what is stored by altering a value."""

    revision: int
    encoded: bytes


class MemoryStore:
    """A `Store` and `AuditLog` for tests and trials.

    Every commit is done in one go on the event loop, so that nothing can come between its
    checks and its writes. Paging looks at every key of a kind: this store is not for many.
    """

    def __init__(self) -> None:
        self._shelves: defaultdict[tuple[str, str], dict[str, _Kept]] = defaultdict(dict)
        self._counters: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._logs: defaultdict[str, MemoryLog] = defaultdict(MemoryLog)
        # Any: a decoder gives what it was made for, and is found under that type.
        self._decoders: dict[type, msgspec.json.Decoder[Any]] = {}
        self._closed = False

    async def commit(self, changes: Changes) -> None:
        """Apply all of *changes*, or nothing when a part of it conflicts."""
        self._check_open()
        refuse_misuse(changes)
        undo: list[Callable[[], object]] = []
        try:
            self._apply(changes, undo)
        except BaseException:
            for step in reversed(undo):
                step()
            raise

    async def get(self, record_type: type[R], issuer: str, key: str) -> R | None:
        """Return the record of *record_type* with *key*, or None."""
        kept = self._shelf(record_type, issuer).get(key)
        return None if kept is None else self._decode(record_type, kept)

    async def counter(self, issuer: str, name: str) -> int:
        """Return the value of a counter."""
        self._check_open()
        return self._counters.get((issuer, name), 0)

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
        shelf = self._shelf(record_type, issuer)
        if descending:
            behind = heapq.nlargest(limit + 1, (k for k in shelf if after is None or k < after))
        else:
            behind = heapq.nsmallest(limit + 1, (k for k in shelf if after is None or k > after))
        shown = behind[:limit]
        records = tuple(self._decode(record_type, shelf[key]) for key in shown)
        return PageOf(records, shown[-1] if len(behind) > limit else None)

    async def expired(
        self, record_type: type[R], issuer: str, *, now: datetime, limit: int
    ) -> Sequence[R]:
        """Return up to *limit* records whose ``expires_at`` has passed, oldest first."""
        if "expires_at" not in vars(record_type):
            raise ValueError("records of this kind do not expire")
        ended: list[tuple[datetime, str, R]] = []
        for key, kept in self._shelf(record_type, issuer).items():
            record = self._decode(record_type, kept)
            moment: datetime | None = getattr(record, "expires_at", None)
            if moment is not None and moment <= now:
                ended.append((moment, key, record))
        return [record for _, _, record in sorted(ended, key=lambda entry: entry[:2])[:limit]]

    async def issuers(self) -> Sequence[Issuer]:
        """Return every issuer, oldest first."""
        self._check_open()
        shelves = [shelf for (kind, _), shelf in self._shelves.items() if kind == Issuer.kind]
        found = [self._decode(Issuer, kept) for shelf in shelves for kept in shelf.values()]
        return sorted(found, key=lambda issuer: (issuer.created_at, issuer.id))

    async def waiting(self, issuer: str, *, limit: int) -> Sequence[WaitingEvent]:
        """Return up to *limit* events without an index."""
        return self._log(issuer).waiting(limit)

    async def sequence(self, sequencing: Sequencing) -> None:
        """Give indexes to the events that have waited longest, and keep what proves them."""
        self._log(sequencing.issuer).sequence(sequencing)

    async def log_size(self, issuer: str) -> int:
        """Return how many leaves the log has."""
        return self._log(issuer).size

    async def tile(self, issuer: str, level: int, index: int) -> Tile | None:
        """Return a tile, or None when no leaf has reached it."""
        return self._log(issuer).tiles.get((level, index))

    async def event(self, issuer: str, event_id: str) -> LoggedEvent | None:
        """Return one event by its id."""
        return self._log(issuer).event(event_id)

    async def events(self, issuer: str, *, first: int, limit: int) -> Sequence[LoggedEvent]:
        """Return sequenced events in index order, from index *first* on."""
        return self._log(issuer).indexed(first, limit)

    async def recent_events(
        self,
        issuer: str,
        *,
        client_id: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[LoggedEvent]:
        """Return the newest events with ids below *before*, newest first."""
        end = before if before is None or is_event_id(before) else ""
        wanted = (
            event
            for event in self._log(issuer).newest_first()
            if (end is None or event.event_id < end)
            and (client_id is None or event.client_id == client_id)
        )
        return list(islice(wanted, limit))

    async def checkpoint(self, issuer: str, *, size: int | None = None) -> str | None:
        """Return the signed note over *size* leaves, or the newest one."""
        return self._log(issuer).checkpoint(size)

    async def checkpoints(self, issuer: str, *, after_size: int, limit: int) -> Sequence[str]:
        """Return signed notes over more than *after_size* leaves, smallest first."""
        return self._log(issuer).checkpoints(after_size, limit)

    async def close(self) -> None:
        """Let nobody read or write any more."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _log(self, issuer: str) -> MemoryLog:
        self._check_open()
        return self._logs[issuer]

    def _shelf(self, record_type: type[R], issuer: str) -> dict[str, _Kept]:
        self._check_open()
        return self._shelves[vars(record_type)["kind"], issuer]

    def _decode(self, record_type: type[R], kept: _Kept) -> R:
        decoder = self._decoders.get(record_type)
        if decoder is None:
            decoder = self._decoders[record_type] = msgspec.json.Decoder(record_type)
        record: R = decoder.decode(kept.encoded)
        return record

    def _apply(self, changes: Changes, undo: list[Callable[[], object]]) -> None:
        for part in changes.unchanged:
            self._demand(part)
        # `extend` keeps what the steps before a failing one have to undo.
        undo.extend(self._consume(consumption) for consumption in changes.consumptions)
        undo.extend(self._put(put) for put in changes.puts)
        undo.extend(self._delete(deletion) for deletion in changes.deletions)
        undo.extend(self._append(event) for event in changes.events)

    def _demand(self, part: Unchanged) -> None:
        kept = self._shelves[part.kind, part.issuer].get(part.key)
        if kept is None or kept.revision != part.revision:
            raise Conflict(part.kind)

    def _consume(self, part: Consume) -> Callable[[], object]:
        name = (part.issuer, part.counter)
        before = self._counters[name]
        if part.amount > 0 and before + part.amount > part.limit:
            raise Conflict(part.counter)
        self._counters[name] = max(0, before + part.amount)
        return lambda: self._counters.update({name: before})

    def _put(self, put: Put) -> Callable[[], object]:
        record = put.record
        shelf = self._shelves[record.kind, record.issuer]
        before = shelf.get(record.key)
        if (None if before is None else before.revision) != put.expected:
            raise Conflict(record.kind)
        shelf[record.key] = _Kept(record.revision, _encode(record))
        if before is None:
            return lambda: shelf.pop(record.key)
        return lambda: shelf.update({record.key: before})

    def _delete(self, part: Delete) -> Callable[[], object]:
        shelf = self._shelves[part.kind, part.issuer]
        before = shelf.pop(part.key, None)
        return lambda: None if before is None else shelf.update({part.key: before})

    def _append(self, event: Event) -> Callable[[], object]:
        log = self._logs[event.issuer]
        log.append(event)
        return log.take_back


def is_event_id(text: str) -> bool:
    """Tell whether *text* can be the id of an event."""
    try:
        event_id_octets(text)
    except ValueError:
        return False
    return True


def refuse_misuse(changes: Changes) -> None:
    """Raise `ValueError` for what no caller may ask, whatever is stored."""
    if any(part.kind == "client" for part in changes.deletions):
        raise ValueError("clients are never removed: their ids stay taken")
    for put in changes.puts:
        if put.expected is not None and put.record.revision <= put.expected:
            raise ValueError("a record is put with a revision above the one it replaces")
