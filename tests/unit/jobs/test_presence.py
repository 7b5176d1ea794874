"""A log says from when to when somebody kept it."""

import pytest

from registrary.jobs.presence import Presence
from registrary.ports.store import StoreUnavailable
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import an_issuer
from tests.unit.jobs.kit import events

pytestmark = pytest.mark.anyio

ONE, OTHER = an_issuer(), an_issuer(id="9876543210", url="https://other.example")


def process(store: MemoryStore, seed: int = 0) -> Presence:
    """Return the presence of one process."""
    return Presence(store, FakeClock(), SeededEntropy(seed))


async def told(store: MemoryStore, issuer=ONE):
    """Return kind and process of every event of *issuer*."""
    return [(event["tag"], event["detail"]["process"]) for event in await events(store, issuer.id)]


async def test_begin_and_end_are_told_once_under_one_name():
    """Only a pair of the same name says that nothing was cut off in between."""
    store = MemoryStore()
    presence = process(store)

    for _ in range(3):
        await presence.begin([ONE])
    await presence.end()
    await presence.end()

    [(began, name), (ended, again)] = await told(store)
    assert ("server:started", "server:stopped") == (began, ended)
    assert name == again


async def test_two_processes_have_two_names():
    """Two starts in a row are two workers, or one that crashed: the names tell."""
    store = MemoryStore()

    for seed in (1, 2):
        await process(store, seed).begin([ONE])

    assert 2 == len({name for _, name in await told(store)})


async def test_an_issuer_that_comes_later_is_told_too():
    """Each log stands alone: whoever reads it sees no other."""
    store = MemoryStore()
    presence = process(store)
    await presence.begin([ONE])

    await presence.begin([ONE, OTHER])
    await presence.end()

    assert ["server:started", "server:stopped"] == [tag for tag, _ in await told(store)]
    assert ["server:started", "server:stopped"] == [tag for tag, _ in await told(store, OTHER)]


async def test_who_was_told_of_no_begin_is_told_of_no_end():
    """A server that stops before it kept anything leaves nothing behind."""
    store = MemoryStore()

    await process(store).end()

    assert [] == await told(store)


class FailingStore(MemoryStore):
    """A store whose disk is full for a while."""

    is_full = True

    async def commit(self, changes):
        """Refuse while the disk is full."""
        if self.is_full:
            raise StoreUnavailable("the disk is full")
        await super().commit(changes)


async def test_a_begin_that_could_not_be_written_is_tried_again():
    """A full disk keeps no server from serving reads, nor the log from its beginning later."""
    store = FailingStore()
    presence = process(store)
    with pytest.raises(StoreUnavailable):
        await presence.begin([ONE])

    store.is_full = False
    await presence.begin([ONE])

    assert ["server:started"] == [tag for tag, _ in await told(store)]
