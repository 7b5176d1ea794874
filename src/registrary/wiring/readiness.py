"""Whether requests can be served: by a store that writes, with the keys it was written with."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final

from registrary.core.changes import NO_LIMIT, Changes, Consume
from registrary.ports.clock import Clock
from registrary.ports.store import Store, StoreUnavailable
from registrary.wiring.adapters import Vault
from registrary.wiring.health import keys_problem

EVERY: Final = timedelta(seconds=1)  # at most: anybody may ask, and each write is forced to disk
WITHIN: Final = timedelta(seconds=2)  # a load balancer that asks does not wait for long
COUNTER: Final = "readiness"
_log: Final = logging.getLogger("registrary.keys")


class WriteProbe:
    """Tries the store by counting one up; what it found is good for a second.

    A full disk is read from as before, so a read would find nothing wrong.
    """

    def __init__(self, clock: Clock, *, within: timedelta = WITHIN) -> None:
        self._clock = clock
        self._within = within
        self._tried_at: datetime | None = None
        self._problem: str | None = None

    @property
    def found(self) -> str | None:
        """Return what was wrong when it was last tried."""
        return self._problem

    async def problem(self, store: Store) -> str | None:
        """Return what is wrong with *store*, in words for operators, or None."""
        now = self._clock.now()
        if self._tried_at is None or not timedelta() <= now - self._tried_at < EVERY:
            self._tried_at = now
            self._problem = await _try(store, self._within)
        return self._problem


async def _try(store: Store, within: timedelta) -> str | None:
    try:
        async with asyncio.timeout(within.total_seconds()):
            issuers = await store.issuers()
            if issuers:
                count = Consume(issuers[0].id, COUNTER, limit=NO_LIMIT)
                await store.commit(Changes(consumptions=(count,)))
    except StoreUnavailable as error:
        return str(error)
    except TimeoutError:
        return f"it has not answered within {within.total_seconds():g} seconds"
    return None


class KeyWatch:
    """Looks at the kept keys, and tells operators once when they go bad and when they are good.

    The keys read before stay in use meanwhile, so that no client is told its secret is wrong.
    *found* is what was wrong when they were last looked at.
    """

    def __init__(self) -> None:
        self.found: str | None = None

    async def problem(self, vault: Vault) -> str | None:
        """Return what is wrong with the keys of *vault*, in words for operators, or None.

        A store that does not answer says nothing of its keys: then it is what was found before.
        """
        try:
            async with asyncio.timeout(WITHIN.total_seconds()):
                await vault.keys.follow()
                problem = await keys_problem(vault)
        except (StoreUnavailable, TimeoutError):
            return self.found
        self._tell(None if problem is None else str(problem), vault.keys.name)
        return self.found

    def _tell(self, problem: str | None, name: str) -> None:
        """Tell operators what is new."""
        if problem == self.found:
            return
        self.found = problem
        if problem is None:
            _log.warning("the %s is good again", name)
        else:
            _log.error("the keys read before stay in use: %s", problem)
