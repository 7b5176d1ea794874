"""A store that passes everything on, for those that add something to a part of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from registrary.core.changes import Changes
from registrary.core.issuer import Issuer
from registrary.ports.store import PageOf, Store

R = TypeVar("R")


class PassingStore:
    """A `Store` that is another; who opened that one closes it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def commit(self, changes: Changes) -> None:
        """Make all of *changes* durable, or nothing."""
        await self._store.commit(changes)

    async def get(self, record_type: type[R], issuer: str, key: str) -> R | None:
        """Return the record of *record_type* with *key*, or None."""
        return await self._store.get(record_type, issuer, key)

    async def counter(self, issuer: str, name: str) -> int:
        """Return the value of a counter."""
        return await self._store.counter(issuer, name)

    async def page(
        self,
        record_type: type[R],
        issuer: str,
        *,
        after: str | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> PageOf[R]:
        """Return up to *limit* records with keys behind *after*."""
        return await self._store.page(
            record_type, issuer, after=after, limit=limit, descending=descending
        )

    async def expired(
        self, record_type: type[R], issuer: str, *, now: datetime, limit: int
    ) -> Sequence[R]:
        """Return up to *limit* records whose ``expires_at`` has passed, oldest first."""
        return await self._store.expired(record_type, issuer, now=now, limit=limit)

    async def issuers(self) -> Sequence[Issuer]:
        """Return every issuer, oldest first."""
        return await self._store.issuers()

    async def close(self) -> None:
        """Let go of the store."""
        await self._store.close()
