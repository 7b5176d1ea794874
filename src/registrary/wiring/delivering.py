"""What is owed to others: a store that tells of it at once, and who delivers it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from registrary.core.changes import Changes
from registrary.core.deliveries import Message
from registrary.outbound.policy import OutboundPolicy
from registrary.ports.limiter import Rate
from registrary.ports.store import Store
from registrary.storage.shared.passing import PassingStore

MESSAGES_PER_FETCH: Final = 10  # a receiver is told as often as things happen to its people


class AlertingStore(PassingStore):
    """A `Store` that calls *alert* with the issuer's id once a message of it is on disk.

    What other processes write is found by looking around every now and then.
    """

    def __init__(self, store: Store, alert: Callable[[str], None]) -> None:
        super().__init__(store)
        self._alert = alert

    async def commit(self, changes: Changes) -> None:
        """Make all of *changes* durable, or nothing."""
        await self._store.commit(changes)
        for put in changes.puts:
            if put.expected is None and put.record.kind == Message.kind:
                self._alert(put.record.issuer)


def for_messages(policy: OutboundPolicy) -> OutboundPolicy:
    """Return *policy* as it holds for what is posted."""
    per_host, per_address = policy.host_rate, policy.address_rate
    return replace(
        policy,
        host_rate=Rate(MESSAGES_PER_FETCH * per_host.count, per_host.period),
        address_rate=Rate(MESSAGES_PER_FETCH * per_address.count, per_address.period),
    )
