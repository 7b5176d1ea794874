"""Whether requests can be served: by a store that writes, with the keys it was written with."""

import logging
from datetime import datetime, timedelta
from typing import Final

from registrary.core.changes import NO_LIMIT, Changes, Consume
from registrary.ports.clock import Clock
from registrary.ports.store import Store, StoreUnavailable
from registrary.wiring.adapters import Vault
from registrary.wiring.health import keys_problem

EVERY: Final = timedelta(seconds=1)  # at most: anybody may ask, and each write is forced to disk
COUNTER: Final = "readiness"
_log: Final = logging.getLogger("registrary.keys")


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
            count = Consume(issuers[0].id, COUNTER, limit=NO_LIMIT)
            await store.commit(Changes(consumptions=(count,)))
    except StoreUnavailable as error:
        return str(error)
    return None


class KeyWatch:
    """Looks at the key file, and tells operators once when it goes bad and when it is good again.

    The keys read before stay in use meanwhile, so that no client is told its secret is wrong.
    """

    def __init__(self) -> None:
        self._told: str | None = None

    async def problem(self, vault: Vault) -> str | None:
        """Return what is wrong with the keys of *vault*, in words for operators, or None."""
        vault.keys.peppers()  # whoever asks for keys sees a changed file
        found = await keys_problem(vault)
        problem = None if found is None else str(found)
        if problem != self._told:
            self._told = problem
            if problem is None:
                _log.warning("the key file is good again")
            else:
                _log.error("the keys read before stay in use: %s", problem)
        return problem
