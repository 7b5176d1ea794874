"""One node of several: what it reads, who leads and what is counted, on one database."""

import asyncio
from dataclasses import replace

from registrary.ports.clock import Clock
from registrary.ports.leadership import EverybodyLeads, Leadership
from registrary.ports.store import Store
from registrary.storage.postgres.connecting import Database
from registrary.storage.postgres.node.cache import RecordCache
from registrary.storage.postgres.node.caching import CachingStore
from registrary.storage.postgres.node.freshness import Freshness
from registrary.storage.postgres.node.leadership import LockLeadership
from registrary.storage.postgres.node.limiter import LocalLimiter, SharedLimiter
from registrary.storage.postgres.node.session import Session
from registrary.storage.postgres.node.upkeep import Rates, Upkeep


class Node:
    """What a process keeps besides *database*, from `start` to `stop`.

    *store* is what reads and writes there; it may do more than that. *local* counts acts of
    this process.
    """

    def __init__(
        self, database: Database, store: Store, *, local: LocalLimiter, clock: Clock
    ) -> None:
        self.cache = cache = RecordCache()
        url, options = database.address.url, database.options
        if options.direct is not None:
            url, options = options.direct, replace(options, pooled=False)
        lock = None if options.pooled else LockLeadership()
        self.store = CachingStore(store, cache)
        self.leadership: Leadership = lock or EverybodyLeads()
        self.limiter = SharedLimiter(local, Rates(database), clock)
        self.upkeep = Upkeep(database)
        self._session = Session(
            url, options, freshness=Freshness(cache), leadership=lock, store=database
        )
        self._comparing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow the other nodes."""
        self._comparing = asyncio.create_task(self.limiter.run(), name="shared rates")
        await self._session.start()

    async def stop(self) -> None:
        """Stop following, and leave the lead to another node."""
        if self._comparing is not None:
            self._comparing.cancel()
            await asyncio.gather(self._comparing, return_exceptions=True)
        await self._session.stop()
