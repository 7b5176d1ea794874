"""Readiness is judged by writing, and asking often costs nothing."""

import asyncio
from datetime import timedelta

import pytest

from registrary.core.changes import Changes, Put
from registrary.keys.local import MemoryKeys
from registrary.ports.kept_store import KeysUnusable
from registrary.ports.store import StoreUnavailable
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import FakeClock
from registrary.testing.factories import ISSUER_ID, an_issuer
from registrary.wiring.adapters import Vault
from registrary.wiring.readiness import COUNTER, KeyWatch, WriteProbe

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


class SilentStore(MemoryStore):
    """A store at the other end of a network that carries nothing any more."""

    async def commit(self, changes: Changes) -> None:
        """Wait for an answer that does not come."""
        if changes.consumptions:
            await asyncio.Event().wait()
        await super().commit(changes)


async def test_a_store_that_does_not_answer_is_not_waited_for() -> None:
    """A load balancer gives up on a readiness check sooner than a driver on a connection."""
    store = SilentStore()
    await store.commit(Changes(puts=(Put(an_issuer()),)))
    probe = WriteProbe(FakeClock(), within=timedelta(milliseconds=10))

    problem = await probe.problem(store)

    assert "it has not answered within 0.01 seconds" == problem == probe.found


class Keys(MemoryKeys):
    """Keys in a store that may be away."""

    name = "key document in the store"
    problem: KeysUnusable | None = None

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    async def follow(self) -> None:
        """Look at the store."""
        if self.away:
            raise StoreUnavailable("it is away")


class Kept(MemoryStore):
    """A store in memory, as if it were kept."""

    async def problems(self) -> list[str]:
        """Return that nothing is wrong."""
        return []

    async def damage_of_log(self) -> list[str]:
        """Return that nothing is wrong."""
        return []

    async def strays_of_log(self) -> list[str]:
        """Return that nothing is wrong."""
        return []


async def test_a_store_that_is_away_says_nothing_of_its_keys(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An operator who is told of bad keys in every outage stops believing it."""
    keys, watch = Keys(), KeyWatch()
    vault = Vault(Kept(), keys)
    told = [await watch.problem(vault)]

    keys.away = True
    told.append(await watch.problem(vault))
    keys.away, keys.problem = False, KeysUnusable(keys.name, "it is gone; restore it")
    told.append(await watch.problem(vault))
    keys.away = True
    told.append(await watch.problem(vault))

    gone = "key document in the store: it is gone; restore it"
    assert [None, None, gone, gone] == told
    assert 1 == len(caplog.records)
