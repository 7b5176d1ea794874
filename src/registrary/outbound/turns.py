"""Taking turns: so many connections at once, so many of them to one host."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Lets *limit* holders in at once, and *host_limit* of them for one host.

    Waiting for a host's turn holds no place of the whole, so one slow host cannot keep the
    others out.
    """

    def __init__(self, limit: int, *, host_limit: int) -> None:
        self._all = asyncio.Semaphore(limit)
        self._host_limit = host_limit
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def of(self, host: str) -> AsyncIterator[None]:
        """Hold a turn of *host*, waiting for it as long as it takes."""
        turn = self._hosts.setdefault(host, asyncio.Semaphore(self._host_limit))
        self._users[host] += 1
        try:
            async with turn, self._all:
                yield
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host], self._hosts[host]
