"""One process of several on one store: what it reads, whether it leads, how it counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from registrary.config import Settings
from registrary.config.store_url import is_postgres, store_url
from registrary.jobs.schedule import Job
from registrary.keys.signer import REFRESH_INTERVAL_SECONDS
from registrary.ports.clock import Clock
from registrary.ports.kept_store import KeptStore
from registrary.ports.leadership import EverybodyLeads, Leadership
from registrary.ports.limiter import Limiter
from registrary.ports.store import Store
from registrary.storage.memory.limiter import MemoryLimiter
from registrary.wiring.store_metrics import StoreMetrics, show_leader


class ProcessNode(Protocol):
    """What a process has besides its store.

    Reads of *store* may be as old as a second, those of *exact* are not; what is written
    through either is seen in both. Signing keys are read again each *key_seconds*.
    """

    @property
    def store(self) -> Store: ...  # noqa: D102 - see above
    @property
    def exact(self) -> Store: ...  # noqa: D102 - see above
    @property
    def leadership(self) -> Leadership: ...  # noqa: D102 - see above
    @property
    def limiter(self) -> Limiter: ...  # noqa: D102 - see above
    @property
    def key_seconds(self) -> float: ...  # noqa: D102 - see above

    async def agreed(self, now: datetime) -> datetime:
        """Return *now*, or what time it is for all where that is earlier."""
        ...

    def jobs(self) -> Sequence[Job]:
        """Return what has to be done by the clock for the node's own sake."""
        ...

    def show_in(self, metrics: StoreMetrics) -> None:
        """Show how the process is among others."""
        ...

    async def start(self) -> None:
        """Begin to follow others."""
        ...

    async def stop(self) -> None:
        """Leave what one process does for all to another."""
        ...


class LoneNode:
    """A process that reads what it asks for, on a store that is a file of this machine."""

    def __init__(self, store: Store) -> None:
        self.store = self.exact = store
        self.leadership: Leadership = EverybodyLeads()
        self.limiter: Limiter = MemoryLimiter()
        self.key_seconds = REFRESH_INTERVAL_SECONDS

    async def agreed(self, now: datetime) -> datetime:
        """Return *now*: the machine has one clock."""
        return now

    def jobs(self) -> Sequence[Job]:
        """Return nothing: there is nobody to follow."""
        return ()

    def show_in(self, metrics: StoreMetrics) -> None:
        """Show that it does what one process is enough for."""
        show_leader(metrics, self.leadership)

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""


def node_of(settings: Settings, kept: KeptStore, *, store: Store, clock: Clock) -> ProcessNode:
    """Return what this process is among others on *kept*, which it reads and writes as *store*."""
    if not is_postgres(store_url(settings)):
        return LoneNode(store)
    # Imported here: who stays with SQLite need not wait for it.
    from registrary.wiring.shared_node import shared_node  # noqa: PLC0415 - see above

    return shared_node(kept, store=store, clock=clock)
