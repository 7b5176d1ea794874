"""Removes what has no further meaning, and writes down what was only counted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from registrary.core.changes import Changes, Delete, Record
from registrary.core.deliveries import StatusPlace
from registrary.core.entropy import Draw
from registrary.core.grants import (
    AuthorizationCode,
    DeviceAuthorization,
    DeviceUserCode,
    Grant,
    GrantOfPerson,
    OpaqueAccessToken,
    PushedRequest,
)
from registrary.core.issuer import Issuer
from registrary.core.people import Session, SessionOfPerson, SignInAttempt
from registrary.core.records import RevokedToken, SpentAssertion
from registrary.ports.clock import Clock, Entropy
from registrary.ports.store import Store, StoreUnavailable
from registrary.registrar.counting import DRAW_BYTES, Counting, counted_event

BATCH: Final = 500  # records in one commit
_EXPIRING: Final[tuple[type[Record], ...]] = (
    SpentAssertion,
    RevokedToken,
    AuthorizationCode,
    PushedRequest,
    DeviceAuthorization,
    DeviceUserCode,
    OpaqueAccessToken,
    GrantOfPerson,
    Grant,
    SessionOfPerson,
    Session,
    SignInAttempt,
    StatusPlace,
)


def uncounted(kind: str, count: int) -> None:
    """Nobody counts what is removed."""
    del kind, count


async def sweep_expired(
    store: Store,
    clock: Clock,
    issuer: Issuer,
    *,
    note: Callable[[str, int], None] = uncounted,
) -> int:
    """Remove the records that have expired and mean nothing any more; return how many.

    *note* is told of each commit: which kind of record, and how many.
    """
    removed = 0
    for record_type in _EXPIRING:
        while True:
            expired = await store.expired(record_type, issuer.id, now=clock.now(), limit=BATCH)
            if not expired:
                break
            deletions = tuple(Delete(record.kind, issuer.id, record.key) for record in expired)
            await store.commit(Changes(deletions=deletions))
            note(deletions[0].kind, len(deletions))
            removed += len(deletions)
    return removed


class CountKeeper:
    """Turns counts into events, one an interval for each issuer that has any."""

    def __init__(self, store: Store, clock: Clock, entropy: Entropy) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy

    async def write(self, counting: Counting, interval: timedelta) -> None:
        """Write what *counting* counted since the last time; in an outage it stays counted."""
        tallies = counting.drain()
        events = tuple(
            counted_event(
                counting.tag,
                issuer,
                tallies,
                now=self._clock.now(),
                interval=interval,
                draw=Draw(self._entropy.token_bytes(DRAW_BYTES)),
            )
            for issuer in sorted({tally.issuer for tally in tallies})
        )
        try:
            if events:
                await self._store.commit(Changes(events=events))
        except StoreUnavailable:
            counting.put_back(tallies)
            raise
