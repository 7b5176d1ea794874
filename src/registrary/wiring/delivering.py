"""What is owed to others: a store that tells of it at once, and who delivers it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from registrary.core.changes import Changes
from registrary.core.deliveries import Message
from registrary.core.issuer import Issuer
from registrary.outbound.policy import OutboundPolicy
from registrary.ports.limiter import Rate
from registrary.ports.store import PageOf, Store

R = TypeVar("R")

MESSAGES_PER_FETCH: Final = 10  # a receiver is told as often as things happen to its people


class AlertingStore:
    """A `Store` that calls *alert* with the issuer's id once a message of it is on disk.

    What other processes write is found by looking around every now and then.
    """

    def __init__(self, store: Store, alert: Callable[[str], None]) -> None:
        self._store = store
        self._alert = alert

    async def commit(self, changes: Changes) -> None:
        """Make all of *changes* durable, or nothing."""
        await self._store.commit(changes)
        for put in changes.puts:
            if put.expected is None and put.record.kind == Message.kind:
                self._alert(put.record.issuer)

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
        """Let go of the store; who opened it closes it."""
        await self._store.close()


def for_messages(policy: OutboundPolicy) -> OutboundPolicy:
    """Return *policy* as it holds for what is posted."""
    per_host, per_address = policy.host_rate, policy.address_rate
    return replace(
        policy,
        host_rate=Rate(MESSAGES_PER_FETCH * per_host.count, per_host.period),
        address_rate=Rate(MESSAGES_PER_FETCH * per_address.count, per_address.period),
    )
