"""One process of several on one PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from registrary.jobs.schedule import Job
from registrary.ports.clock import Clock
from registrary.ports.kept_store import KeptStore
from registrary.ports.store import Store
from registrary.storage.memory.limiter import MemoryLimiter
from registrary.storage.postgres import PostgresStore
from registrary.storage.postgres.node.node import Node

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

    def jobs(self) -> Sequence[Job]:
        """Return what the leader does for all nodes."""
        return (
            Job("feed", SWEEP_EVERY, self._node.upkeep.sweep, single=True),
            Job("partitions", PARTITION_EVERY, self._prepare, at_once=True, single=True),
        )

    async def _prepare(self) -> None:
        await self._kept.prepare_partitions()


def shared_node(kept: KeptStore, *, store: Store, clock: Clock) -> SharedNode:
    """Return what this process is among others on *kept*, which it reads and writes as *store*."""
    if not isinstance(kept, PostgresStore):
        raise TypeError("only processes on PostgreSQL share a store so")
    return SharedNode(kept, store, clock)
