"""Readiness is judged by writing, and asking often costs nothing."""

from datetime import timedelta

import pytest

from registrary.core.changes import Changes, Put
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import FakeClock
from registrary.testing.factories import ISSUER_ID, an_issuer
from registrary.wiring.readiness import COUNTER, WriteProbe

pytestmark = pytest.mark.anyio
SECOND = timedelta(seconds=1)


async def a_store() -> MemoryStore:
    """Return a store with an issuer."""
    store = MemoryStore()
    await store.commit(Changes(puts=(Put(an_issuer()),)))
    return store


async def test_a_store_that_takes_a_write_is_ready() -> None:
    """Reading goes on when a disk is full, so a read would prove nothing."""
    store, probe = await a_store(), WriteProbe(FakeClock())

    assert await probe.problem(store) is None
    assert 1 == await store.counter(ISSUER_ID, COUNTER)


async def test_who_asks_often_causes_one_write_a_second() -> None:
    """Anybody may ask, and each write is forced to disk."""
    store, clock = await a_store(), FakeClock()
    probe = WriteProbe(clock)

    for _ in range(10):
        await probe.problem(store)
    clock.advance(SECOND)
    await probe.problem(store)

    assert 2 == await store.counter(ISSUER_ID, COUNTER)


async def test_an_outage_is_found_within_a_second() -> None:
    """What was found before it is not told for longer."""
    store, clock = await a_store(), FakeClock()
    probe = WriteProbe(clock)
    await probe.problem(store)
    await store.close()

    told = [await probe.problem(store)]
    clock.advance(SECOND)
    told.append(await probe.problem(store))

    assert [None, "the store is closed"] == told


@pytest.mark.parametrize("step", [SECOND, -SECOND], ids=["on", "back"])
async def test_a_clock_that_is_set_stops_no_probe(step: timedelta) -> None:
    """Set back by an hour, it would else tell the last finding for an hour."""
    store, clock = await a_store(), FakeClock()
    probe = WriteProbe(clock)
    await probe.problem(store)
    await store.close()

    clock.advance(step)

    assert await probe.problem(store) is not None


async def test_a_store_without_an_issuer_is_ready() -> None:
    """There is nothing to count for, and nothing wrong."""
    assert await WriteProbe(FakeClock()).problem(MemoryStore()) is None
