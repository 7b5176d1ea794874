"""What a revoked client left is erased when it was kept long enough, and never before."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from registrary.core.changes import Changes, Put
from registrary.core.client import Client, Door, revoke
from registrary.core.issuer import Lifetimes
from registrary.core.lifecycle import ClientState
from registrary.jobs import purging
from registrary.jobs.purging import Purge
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import MOMENT, FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import a_client, a_hold, an_issuer
from tests.unit.jobs.kit import events

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
ISSUER = an_issuer(lifetimes=Lifetimes(revoked_client=30 * DAY))


class Yard:
    """A store with clients, and a process that purges it."""

    def __init__(self):
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.purge = Purge(self.store, self.clock, SeededEntropy())

    async def add(self, client: Client) -> Client:
        """Store *client*."""
        await self.store.commit(Changes(puts=(Put(client),)))
        return client

    async def revoked(self, **members) -> Client:
        """Store and return a client that is revoked now."""
        return await self.add(revoke(a_client(**members), now=self.clock.now()))

    async def look(self, client: Client) -> Client:
        """Return *client* as it is stored."""
        found = await self.store.get(Client, client.issuer, client.client_id)
        assert found is not None
        return found


async def test_a_tombstone_is_all_that_is_left():
    """Contacts and addresses are personal data; that the id is taken is not."""
    yard = Yard()
    door = Door(mode="protected", initial_access_token="token-1", policies=("strict",))
    client = await yard.revoked(door=door, provenance={"scope": "default"})
    yard.clock.advance(30 * DAY)

    purged = await yard.purge.run(ISSUER)

    left = await yard.look(client)
    assert (1, ClientState.PURGED) == (purged, left.state)
    assert ({}, {}, (), (), ()) == (
        left.metadata,
        left.provenance,
        left.secrets,
        left.registration_access_tokens,
        left.holds,
    )
    assert (client.client_id, door, MOMENT) == (left.client_id, left.door, left.revoked_at)


async def test_the_log_says_that_it_was_purged_and_not_what():
    """What was erased would otherwise have moved, not gone."""
    yard = Yard()
    client = await yard.revoked()
    yard.clock.advance(30 * DAY)

    await yard.purge.run(ISSUER)

    [event] = await events(yard.store, ISSUER.id)
    assert ("client:purged", client.client_id) == (event["tag"], event["client_id"])
    assert [] == [name for name in ("changes", "detail") if event.get(name)]


@pytest.mark.parametrize(
    ("waited", "is_purged"),
    [(timedelta(), False), (30 * DAY - timedelta(seconds=1), False), (30 * DAY, True)],
    ids=["at-once", "a-second-early", "due"],
)
async def test_it_is_kept_as_long_as_the_issuer_says(waited, is_purged):
    """An operator who revoked the wrong one has that long to see it."""
    yard = Yard()
    client = await yard.revoked()
    yard.clock.advance(waited)

    await yard.purge.run(ISSUER)

    assert is_purged == (ClientState.PURGED is (await yard.look(client)).state)


@pytest.mark.parametrize(
    "client",
    [
        a_client(),
        a_client(state=ClientState.SUSPENDED, holds=(a_hold(),)),
        a_client(state=ClientState.PENDING),
        a_client(state=ClientState.PURGED, revoked_at=MOMENT),
    ],
    ids=["active", "held", "pending", "purged-before"],
)
async def test_nobody_else_is_touched(client):
    """However old it is, a client that is not revoked keeps everything."""
    yard = Yard()
    await yard.add(client)
    yard.clock.advance(1000 * DAY)

    purged = await yard.purge.run(ISSUER)

    assert (0, client) == (purged, await yard.look(client))
    assert [] == await events(yard.store, ISSUER.id)


async def test_every_client_is_seen_within_one_round():
    """Page by page, and then from the front again: nobody is left out, nothing is read at once."""
    yard = Yard()
    clients = [await yard.revoked() for _ in range(2 * purging.PAGE + 1)]
    yard.clock.advance(30 * DAY)

    counts = [await yard.purge.run(ISSUER) for _ in range(4)]

    assert [purging.PAGE, purging.PAGE, 1, 0] == counts
    assert {ClientState.PURGED} == {(await yard.look(client)).state for client in clients}


async def test_clients_that_are_not_due_are_passed_quickly():
    """A page in five minutes would take a week for a million clients, and years for more."""
    yard = Yard()
    for _ in range(2 * purging.PAGE):
        await yard.add(a_client())
    await yard.revoked()
    yard.clock.advance(30 * DAY)

    purged = await yard.purge.run(ISSUER)

    assert 1 == purged


async def test_issuers_keep_their_own_places_and_times():
    """One with a million clients does not make the others wait, nor decide for them."""
    yard = Yard()
    other = an_issuer(
        id="9876543210",
        url="https://other.example",
        lifetimes=Lifetimes(revoked_client=DAY),
    )
    ours, theirs = await yard.revoked(), await yard.revoked(issuer=other.id)
    yard.clock.advance(2 * DAY)

    counts = [await yard.purge.run(issuer) for issuer in (ISSUER, other)]

    assert [0, 1] == counts
    assert ClientState.REVOKED is (await yard.look(ours)).state
    assert ClientState.PURGED is (await yard.look(theirs)).state


async def test_processes_that_purge_at_once_purge_each_once():
    """Every worker does this; the log must not say it twice."""
    yard = Yard()
    for _ in range(20):
        await yard.revoked()
    yard.clock.advance(30 * DAY)
    others = [Purge(yard.store, yard.clock, SeededEntropy(seed)) for seed in range(1, 4)]

    counts = await asyncio.gather(*(one.run(ISSUER) for one in (yard.purge, *others)))

    assert 20 == sum(counts)
    assert 20 == len(await events(yard.store, ISSUER.id))


class RacedStore(MemoryStore):
    """A store where somebody else writes a client first, once."""

    async def commit(self, changes):
        """Raise the revision of the first client to be put, then write."""
        for put in changes.puts:
            if put.expected == 2:
                stored = await self.get(Client, put.record.issuer, put.record.key)
                assert stored is not None
                newer = msgspec.structs.replace(stored, revision=3)
                await super().commit(Changes(puts=(Put(newer, expected=2),)))
        await super().commit(changes)


async def test_a_client_that_changes_meanwhile_is_left_for_the_next_round():
    """Whoever restored it at the last moment wins."""
    yard = Yard()
    yard.store = RacedStore()
    yard.purge = Purge(yard.store, yard.clock, SeededEntropy())
    client = await yard.revoked()
    yard.clock.advance(30 * DAY)

    counts = [await yard.purge.run(ISSUER) for _ in range(2)]

    assert [0, 1] == counts
    assert 4 == (await yard.look(client)).revision
