"""What expired goes, what is good stays, and counts reach the log."""

from datetime import timedelta

import pytest

from registrary.core.changes import Changes, Put
from registrary.core.events import Tag
from registrary.core.records import RevokedToken, SpentAssertion
from registrary.jobs import sweeps
from registrary.jobs.sweeps import CountKeeper, sweep_expired
from registrary.ports.store import StoreUnavailable
from registrary.registrar.counting import Counting
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import MOMENT, FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import a_revoked_token, a_spent_assertion, an_issuer
from tests.unit.jobs.kit import events

pytestmark = pytest.mark.anyio

ISSUER, OTHER = an_issuer(), an_issuer(id="9876543210", url="https://other.example")
MINUTE = timedelta(minutes=1)


class FullDisk(MemoryStore):
    """A store that cannot write for a while."""

    is_full = False

    async def commit(self, changes):
        """Refuse while the disk is full."""
        if self.is_full:
            raise StoreUnavailable("the disk is full")
        await super().commit(changes)


async def keep(store: MemoryStore, *records: RevokedToken | SpentAssertion) -> None:
    """Store *records*."""
    await store.commit(Changes(puts=tuple(Put(record) for record in records)))


async def is_kept(store: MemoryStore, record: RevokedToken | SpentAssertion) -> bool:
    """Tell whether *record* is still there."""
    return await store.get(type(record), record.issuer, record.key) is not None


@pytest.mark.parametrize("make", [a_revoked_token, a_spent_assertion])
@pytest.mark.parametrize(
    ("ends", "stays"),
    [(-MINUTE, False), (timedelta(), False), (timedelta(microseconds=1), True), (MINUTE, True)],
    ids=["past", "now", "a-moment-later", "later"],
)
async def test_what_expired_is_removed_and_nothing_else(make, ends, stays):
    """Swept early, a revoked token would live again and an assertion would be good twice."""
    store = MemoryStore()
    record = make(expires_at=MOMENT + ends)
    await keep(store, record)

    removed = await sweep_expired(store, FakeClock(), ISSUER)

    assert (stays, int(not stays)) == (await is_kept(store, record), removed)


async def test_more_than_one_commit_holds_is_removed_all_the_same():
    """After a busy day the table must not keep growing by what one run left over."""
    store = MemoryStore()
    records = [a_spent_assertion() for _ in range(2 * sweeps.BATCH + 1)]
    await keep(store, *records)
    clock = FakeClock(MOMENT + MINUTE)

    removed = [await sweep_expired(store, clock, ISSUER) for _ in range(2)]

    assert [len(records), 0] == removed


async def test_each_issuer_is_swept_by_itself():
    """A tenant that is not shown here is somebody else's to sweep."""
    store = MemoryStore()
    ours, theirs = (a_spent_assertion(issuer=one.id) for one in (ISSUER, OTHER))
    await keep(store, ours, theirs)

    await sweep_expired(store, FakeClock(MOMENT + MINUTE), ISSUER)

    assert [False, True] == [await is_kept(store, record) for record in (ours, theirs)]


def keeper(store: MemoryStore) -> CountKeeper:
    """Return what writes counts into *store*."""
    return CountKeeper(store, FakeClock(), SeededEntropy())


async def test_counts_become_one_event_for_each_issuer_that_has_any():
    """An interval without an incident leaves nothing in the log."""
    store, counting = MemoryStore(), Counting(Tag.REFUSALS_COUNTED)
    for issuer, source in ((ISSUER.id, "a"), (ISSUER.id, "b"), (OTHER.id, "a")):
        counting.note(issuer, source, "invalid_token")

    for _ in range(3):
        await keeper(store).write(counting, MINUTE)

    told = [await events(store, issuer.id) for issuer in (ISSUER, OTHER)]
    assert [1, 1] == [len(bodies) for bodies in told]
    assert [2, 1] == [len(bodies[0]["detail"]["counts"]) for bodies in told]
    assert {"registration:refusals_counted"} == {bodies[0]["tag"] for bodies in told}


async def test_what_an_outage_kept_from_the_log_is_told_after_it():
    """The minutes in which the disk was full may be the ones that matter."""
    store, counting = FullDisk(), Counting(Tag.REFUSALS_COUNTED)
    counting.note(ISSUER.id, "a", "invalid_token")
    store.is_full = True
    with pytest.raises(StoreUnavailable):
        await keeper(store).write(counting, MINUTE)
    counting.note(ISSUER.id, "a", "invalid_token")
    store.is_full = False

    await keeper(store).write(counting, MINUTE)

    [event] = await events(store, ISSUER.id)
    assert [["a", "invalid_token", 2]] == event["detail"]["counts"]
