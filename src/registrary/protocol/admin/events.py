"""Events of the audit log in the admin API: which ones are wanted, and how they are shown."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from registrary.audit.record import event_id_octets
from registrary.core.events import Tag
from registrary.core.ids import milliseconds
from registrary.ports.audit_log import AuditLog, LoggedEvent
from registrary.ports.store import PageOf
from registrary.protocol.admin.lists import PAGE_LIMIT, Span, scan
from registrary.protocol.admin.operations import PAGED, QueryParameter
from registrary.protocol.parameters import Parameters
from registrary.registrar.administration import NotPossible

EVENT_FILTERS: Final = (
    *PAGED,
    QueryParameter("tag", "Only events of these kinds, separated by commas."),
    QueryParameter("from", "Only events from this moment on: a date, or RFC 3339."),
    QueryParameter("to", "Only events before this moment: a date, or RFC 3339."),
)


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its place in the log; *event* verbatim, as it was hashed.

    *index* is null for the second it may take until the log is sequenced, *event* once it was
    erased. Octets are hexadecimal.
    """

    id: str
    index: int | None
    time: datetime
    leaf_hash: str
    event: msgspec.Raw | None


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some events, newest first, and where to go on."""

    items: list[EventView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted: of any client, kind and time where nothing is said."""

    client_id: str | None = None
    tags: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    before: str | None = None


class _Kind(msgspec.Struct):
    """What is read of an event to tell its kind."""

    tag: str


class _Found(msgspec.Struct, frozen=True):
    """An event under the name that a cursor gives it."""

    logged: LoggedEvent

    @property
    def key(self) -> str:
        return self.logged.event_id


_kind: Final = msgspec.json.Decoder(_Kind)


def event_filter(query: Parameters, *, client_id: str | None = None) -> EventFilter:
    """Return the events that *query* asks for; raises `NotPossible`."""
    tags = frozenset((query.get("tag") or "").split(",")) - {""}
    if not tags <= set(Tag):
        raise NotPossible("tag: must be kinds of events, separated by commas")
    cursor = query.get("cursor")
    if cursor is not None:
        _check_cursor(cursor)
    return EventFilter(
        client_id=client_id or query.get("client_id"),
        tags=tags,
        since=parse_moment(query.get("from"), "from"),
        until=parse_moment(query.get("to"), "to"),
        before=cursor,
    )


def parse_moment(text: str | None, member: str) -> datetime | None:
    """Return the moment *text* names, a date meaning its first; raises `NotPossible`."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotPossible(f"{member}: must be like 2026-11-21 or 2026-11-21T12:00:00Z") from error
    if len(text) > len("2026-11-21"):
        raise NotPossible(f"{member}: must end with Z or an offset")
    return moment.replace(tzinfo=UTC)


async def find_events(log: AuditLog, issuer: str, wanted: EventFilter, *, limit: int) -> EventPage:
    """Return the newest *limit* events that are *wanted*."""
    size = PAGE_LIMIT if wanted.tags else limit

    async def read(before: str | None) -> PageOf[_Found]:
        events = await log.recent_events(
            issuer, client_id=wanted.client_id, before=before, limit=size
        )
        recent = [event for event in events if not _is_before(event, wanted.since)]
        is_last = len(recent) < size
        found = tuple(_Found(event) for event in recent)
        return PageOf(found, None if is_last else found[-1].key)

    span = Span(_start(wanted), limit)
    found, cursor = await scan(read, lambda one: _matches(one.logged, wanted), span)
    return EventPage(items=[event_view(one.logged) for one in found], next_cursor=cursor)


def event_view(event: LoggedEvent) -> EventView:
    """Return an event as it is shown."""
    return EventView(
        id=event.event_id,
        index=event.index,
        time=event.time,
        leaf_hash=event.leaf_hash.hex(),
        event=None if event.body is None else msgspec.Raw(event.body),
    )


def _start(wanted: EventFilter) -> str | None:
    """Return the id before which events are wanted.

    Ids begin with the milliseconds of their time (RFC 9562 §5.7), so that nothing later is read.
    """
    if wanted.until is None:
        return wanted.before
    digits = max(0, milliseconds(wanted.until) + 1).to_bytes(6, "big").hex()
    bound = f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"
    return bound if wanted.before is None else min(bound, wanted.before)


def _is_before(event: LoggedEvent, moment: datetime | None) -> bool:
    # Ids are ordered by the millisecond, so one that is a moment earlier may still come later.
    return moment is not None and event.time < moment - timedelta(milliseconds=1)


def _matches(event: LoggedEvent, wanted: EventFilter) -> bool:
    if wanted.since is not None and event.time < wanted.since:
        return False
    if wanted.until is not None and event.time >= wanted.until:
        return False
    if not wanted.tags:
        return True
    return event.body is not None and _kind.decode(event.body).tag in wanted.tags


def _check_cursor(cursor: str) -> None:
    try:
        event_id_octets(cursor)
    except ValueError as error:
        raise NotPossible("cursor: must be the next_cursor of a page before") from error
