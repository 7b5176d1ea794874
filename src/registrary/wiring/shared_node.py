"""One process of several on one PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from registrary.jobs.schedule import Job
from registrary.ports.clock import Clock
from registrary.ports.kept_store import KeptStore
from registrary.ports.store import Store
from registrary.storage.memory.limiter import MemoryLimiter
from registrary.storage.postgres import PostgresStore
from registrary.storage.postgres.node.node import Node
from registrary.wiring.store_metrics import StoreMetrics, show_leader

SWEEP_EVERY: Final = timedelta(minutes=1)
PARTITION_EVERY: Final = timedelta(hours=6)  # months ahead


class SharedNode:
    """A process that follows what others do on *kept*."""

    def __init__(self, kept: PostgresStore, store: Store, clock: Clock) -> None:
        self._kept = kept
        self._node = Node(kept.database, store, local=MemoryLimiter(), clock=clock)
        self.store: Store = self._node.store
        self.exact = self._node.store.exact
        self.leadership = self._node.leadership
        self.limiter = self._node.limiter
        self.key_seconds = 0.0  # they are in memory, and forgotten when they change
        self.start = self._node.start
        self.stop = self._node.stop

    async def agreed(self, now: datetime) -> datetime:
        """Return *now*, or what time it is at the database where that is earlier."""
        return min(now, await self._node.upkeep.time())

    def jobs(self) -> Sequence[Job]:
        """Return what the leader does for all nodes."""
        return (
            Job("feed", SWEEP_EVERY, self._node.upkeep.sweep, single=True),
            Job("partitions", PARTITION_EVERY, self._prepare, at_once=True, single=True),
        )

    def show_in(self, metrics: StoreMetrics) -> None:
        """Show who leads, what is in memory, and how its connections are used."""
        show_leader(metrics, self.leadership)
        cache, database = self._node.cache, self._kept.database
        database.note_batch = metrics.note_batch
        metrics.show(
            "store_connections_in_use",
            "Connections to the database that serve somebody.",
            lambda: database.connections_in_use,
        )
        metrics.show(
            "store_connections_open",
            "Connections to the database.",
            lambda: database.connections,
        )
        metrics.show(
            "store_connections_limit",
            "Connections to the database that a process may open.",
            lambda: database.options.connections,
        )
        metrics.show_count(
            "cache_reads",
            "Reads of what may be kept in memory, by whether it was.",
            [("hit", lambda: cache.hits), ("miss", lambda: cache.misses)],
        )
        metrics.show("cache_entries", "Records and lists in memory.", lambda: len(cache))
        metrics.show(
            "poll_age_seconds",
            "Time since the last look at what other nodes changed began.",
            lambda: cache.age_seconds,
        )

    async def _prepare(self) -> None:
        await self._kept.prepare_partitions()


def shared_node(kept: KeptStore, *, store: Store, clock: Clock) -> SharedNode:
    """Return what this process is among others on *kept*, which it reads and writes as *store*."""
    if not isinstance(kept, PostgresStore):
        raise TypeError("only processes on PostgreSQL share a store so")
    return SharedNode(kept, store, clock)
