"""A partition of events is a month, and no event is refused for want of one."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from registrary.core.changes import Changes
from registrary.storage.postgres import PostgresStore
from registrary.testing.audit_log_contract import a_sequencing
from registrary.testing.factories import ISSUER_ID, an_event

pytestmark = pytest.mark.anyio

MILLISECONDS = 1000
FAR = datetime(2099, 6, 15, tzinfo=UTC)
NAMES = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
HOMES = "SELECT tableoid::regclass::text, event_id::text FROM registrary.event"


def id_at(moment: datetime, number: int = 0) -> str:
    """Return the id of an event at *moment*."""
    digits = f"{int(moment.timestamp() * MILLISECONDS):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"


async def homes(store: PostgresStore) -> dict[str, str]:
    """Return which partition keeps which event."""
    return {event_id: name for name, event_id in await store.database.rows(HOMES)}


def month_of(moment: datetime) -> str:
    """Return the name of the partition of *moment*."""
    return f"registrary.event_{moment:%Y_%m}"


async def log(store: PostgresStore, ids: Iterable[str]) -> None:
    """Commit an event for each of *ids*."""
    for event_id in ids:
        await store.commit(Changes(events=(an_event(id=event_id),)))


async def test_an_event_is_kept_in_its_month(store):
    """An old month can be moved to slower disks, or its pages be read by nobody."""
    now = datetime.now(UTC)

    await log(store, [id_at(now)])

    assert {id_at(now): month_of(now)} == await homes(store)


async def test_an_event_of_no_prepared_month_is_kept_too(store):
    """A clock that is wrong, or a job that never ran, must not stop registrations."""
    await log(store, [id_at(FAR)])

    assert {id_at(FAR): "registrary.event_otherwise"} == await homes(store)
    assert [id_at(FAR)] == [
        event.event_id for event in await store.recent_events(ISSUER_ID, limit=5)
    ]


async def test_months_are_prepared_once_by_the_role_of_a_server(store):
    """Every node may try, and none needs the right to make tables."""
    made = await asyncio.gather(*(store.prepare_partitions(ahead=5) for _ in range(3)))
    names = await store.database.rows(NAMES)

    assert [0, 0, 2] == sorted(made)
    assert 7 == len(names)


async def test_a_month_that_began_without_a_partition_stays_where_it_is(store):
    """Moving rows of the log is nothing that happens on its own."""
    soon = datetime.now(UTC).replace(day=15)
    month = soon.month + 4
    later = soon.replace(year=soon.year + (month - 1) // 12, month=(month - 1) % 12 + 1)
    await log(store, [id_at(later)])

    made = await store.prepare_partitions(ahead=6)

    assert 2 == made
    assert {id_at(later): "registrary.event_otherwise"} == await homes(store)


async def test_a_log_over_several_months_reads_as_one(store):
    """Nobody who reads the log knows of partitions."""
    now = datetime.now(UTC)
    ids = [id_at(now, 1), id_at(FAR, 2), id_at(now, 3)]
    await log(store, ids)

    await store.sequence(a_sequencing([an_event(id=event_id) for event_id in ids]))

    logged = await store.events(ISSUER_ID, first=0, limit=10)
    recent = await store.recent_events(ISSUER_ID, limit=10)
    assert ids == [event.event_id for event in logged]
    assert sorted(ids, reverse=True) == [event.event_id for event in recent]
