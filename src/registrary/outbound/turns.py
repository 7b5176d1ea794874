"""Taking turns: so many connections at once, so many of them to one place."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from registrary.outbound.policy import OutboundPolicy
from registrary.outbound.sites import site_of
from registrary.outbound.standing import Standing


class KeyedTurns:
    """Lets *limit* holders of one key in at once; the others wait, first come, first served."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many keys are held or waited for."""
        return len(self._turns)

    async def take(self, key: str) -> None:
        """Take a turn of *key*, waiting for it as long as it takes."""
        turn = self._turns.setdefault(key, asyncio.Semaphore(self._limit))
        self._users[key] += 1
        try:
            await turn.acquire()
        except asyncio.CancelledError:
            self._leave(key)
            raise

    def give_back(self, key: str) -> None:
        """Let the next one in."""
        self._turns[key].release()
        self._leave(key)

    @asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        """Hold a turn of *key*."""
        await self.take(key)
        try:
            yield
        finally:
            self.give_back(key)

    def _leave(self, key: str) -> None:
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key], self._turns[key]


class Turns:
    """Hands out the connections of one purpose, as a policy bounds them.

    Waiting for a host's turn holds no place of its site, and waiting for a site's none of the
    whole. Hosts that were late share a few places, and all that have not proved themselves leave
    some free: whoever points us to silent servers keeps out others like them.
    """

    def __init__(self, policy: OutboundPolicy) -> None:
        self._hosts = KeyedTurns(policy.host_connections)
        self._sites = KeyedTurns(policy.site_connections)
        self._late = KeyedTurns(policy.late_connections)
        self._unproved = KeyedTurns(policy.unproved_connections)
        self._all = KeyedTurns(policy.connections)

    @asynccontextmanager
    async def of(self, host: str, standing: Standing) -> AsyncIterator[None]:
        """Hold a turn of *host*, waiting for it as long as it takes."""
        is_proved = standing is Standing.PROMPT
        async with AsyncExitStack() as held:
            await held.enter_async_context(self._hosts.of(host))
            # Apart, so that silent hosts of a shared domain do not keep its good ones out.
            await held.enter_async_context(self._sites.of(f"{site_of(host)} {is_proved}"))
            if standing is Standing.LATE:
                await held.enter_async_context(self._late.of(""))
            if not is_proved:
                await held.enter_async_context(self._unproved.of(""))
            await held.enter_async_context(self._all.of(""))
            yield
