"""What is counted of the store can be alerted on."""

from datetime import timedelta

import pytest

from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.ports.store import Conflict, StoreUnavailable
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import MOMENT, FakeClock
from registrary.testing.factories import ISSUER_ID, a_client, an_event, an_issuer
from registrary.web.metrics import Metrics
from registrary.wiring.store_metrics import MeasuredStore, StoreMetrics

pytestmark = pytest.mark.anyio


class AbsentStore(MemoryStore):
    """A store that is away."""

    async def commit(self, changes):
        """Refuse."""
        raise StoreUnavailable("away")

    async def get(self, record_type, issuer, key):
        """Refuse."""
        raise StoreUnavailable("away")

    async def page(self, record_type, issuer, **range_):
        """Refuse."""
        raise StoreUnavailable("away")


def lines(metrics: Metrics) -> set[str]:
    """Return what Prometheus reads, a sample a line."""
    return set(metrics.text().decode().splitlines())


async def test_commits_are_counted_by_what_came_of_them():
    """Conflicts are work done twice, and outages are pages at night."""
    metrics = Metrics()
    store = MeasuredStore(MemoryStore(), StoreMetrics(metrics))
    put = Changes(puts=(Put(a_client()),))

    await store.commit(put)
    with pytest.raises(Conflict):
        await store.commit(put)

    shown = lines(metrics)
    assert 'registrary_store_commits_total{outcome="done"} 1.0' in shown
    assert 'registrary_store_commits_total{outcome="conflict"} 1.0' in shown
    assert "registrary_store_commit_seconds_count 2.0" in shown


async def test_outages_are_counted_for_reads_and_for_commits():
    """A primary that takes no writes answers reads all day."""
    metrics = Metrics()
    store = MeasuredStore(AbsentStore(), StoreMetrics(metrics))

    with pytest.raises(StoreUnavailable):
        await store.commit(Changes())
    with pytest.raises(StoreUnavailable):
        await store.get(Client, ISSUER_ID, "c")
    with pytest.raises(StoreUnavailable):
        await store.page(Client, ISSUER_ID)

    shown = lines(metrics)
    assert 'registrary_store_outages_total{operation="commit"} 1.0' in shown
    assert 'registrary_store_outages_total{operation="read"} 2.0' in shown
    assert 'registrary_store_commits_total{outcome="unavailable"} 1.0' in shown


async def test_events_that_wait_are_counted_with_the_age_of_the_oldest():
    """A log that nobody sequences proves nothing, and callers do not notice."""
    metrics, clock, store = Metrics(), FakeClock(), MemoryStore()
    watch = StoreMetrics(metrics)
    for age in (90, 30):
        event = an_event(time=MOMENT - timedelta(seconds=age))
        await store.commit(Changes(events=(event,)))

    await watch.look_at_log(store, [an_issuer().id], clock)
    waiting = lines(metrics)
    await watch.look_at_log(store, [], clock)

    assert "registrary_events_waiting 2.0" in waiting
    assert "registrary_events_waiting_oldest_seconds 90.0" in waiting
    assert "registrary_events_waiting_oldest_seconds 0.0" in lines(metrics)


async def test_each_process_shows_its_own():
    """Whoever reads meets one process now and another then."""
    metrics = Metrics("4711")
    watch = StoreMetrics(metrics)

    watch.note_batch(3)
    watch.note_swept("grant", 7)
    watch.note_job_failure("sweep")
    watch.show("leader", "Whether this process leads.", lambda: 1.0)
    watch.show_count("cache_reads", "Reads.", [("hit", lambda: 5.0)])

    shown = lines(metrics)
    assert 'registrary_store_batch_commits_sum{process="4711"} 3.0' in shown
    assert 'registrary_swept_total{kind="grant",process="4711"} 7.0' in shown
    assert 'registrary_job_failures_total{job="sweep",process="4711"} 1.0' in shown
    assert 'registrary_leader{process="4711"} 1.0' in shown
    assert 'registrary_cache_reads_total{outcome="hit",process="4711"} 5.0' in shown
