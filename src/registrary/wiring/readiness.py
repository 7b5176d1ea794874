"""Whether the store can be written, which only a write can tell."""

from datetime import datetime, timedelta
from typing import Final

from registrary.core.changes import Changes, Consume
from registrary.ports.clock import Clock
from registrary.ports.store import Store, StoreUnavailable

EVERY: Final = timedelta(seconds=1)  # at most: anybody may ask, and each write is forced to disk
COUNTER: Final = "readiness"
_NO_LIMIT: Final = 1 << 62


class WriteProbe:
    """Tries the store by counting one up; what it found is good for a second.

    A full disk is read from as before, so a read would find nothing wrong.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tried_at: datetime | None = None
        self._problem: str | None = None

    async def problem(self, store: Store) -> str | None:
        """Return what is wrong with *store*, in words for operators, or None."""
        now = self._clock.now()
        if self._tried_at is None or not timedelta() <= now - self._tried_at < EVERY:
            self._tried_at = now
            self._problem = await _try(store)
        return self._problem


async def _try(store: Store) -> str | None:
    try:
        issuers = await store.issuers()
        if issuers:
            count = Consume(issuers[0].id, COUNTER, limit=_NO_LIMIT)
            await store.commit(Changes(consumptions=(count,)))
    except StoreUnavailable as error:
        return str(error)
    return None
