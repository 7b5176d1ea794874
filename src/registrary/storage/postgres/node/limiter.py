"""Rates that all nodes count together: each decides at once, and they compare notes."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol

from registrary.ports.clock import Clock
from registrary.ports.limiter import Limiter, Rate
from registrary.ports.store import StoreUnavailable
from registrary.storage.postgres.node.cache import steady_seconds

GAP_SECONDS: Final = 0.05  # between two comparisons
KEY_LIMIT: Final = 10_000  # keys compared at once; of others this node counts alone
BARRED_LIMIT: Final = 100_000
DEBT_PERIODS: Final = 16  # what nodes let through too much together is remembered for so long
_MICROSECOND: Final = timedelta(microseconds=1)
_ZERO: Final = timedelta(0)

_log: Final = logging.getLogger("registrary.node")


@dataclass(frozen=True, slots=True)
class Count:
    """What one key used up: *cost* is how much later it is at rest."""

    digest: bytes
    cost: timedelta


class RateTable(Protocol):
    """Where all nodes add up what they counted."""

    async def add(self, counts: Sequence[Count], *, period: timedelta) -> Mapping[bytes, timedelta]:
        """Add *counts*, and return in how long each key is at rest. *period* is that of its rate.

        Raises `StoreUnavailable` when nothing may have been added.
        """
        ...


class LocalLimiter(Limiter, Protocol):
    """A limiter of one process that takes over what others counted."""

    def delay(self, key: str, rest: datetime) -> None:
        """Let *key* be at rest no earlier than *rest*."""
        ...


@dataclass(slots=True)
class _Pending:
    """What was counted for a key since the last comparison."""

    rate: Rate
    acts: int = 0


class SharedLimiter:
    """A `Limiter` that knows within a moment what other nodes let through.

    An act is judged at once by what this node knows, and what it let through is added in the
    database a moment later, which tells what all did. So nodes may let a burst through too much
    together while they compare, and that is paid back: the key waits until it would have been
    its turn. Without the database each node counts alone.
    """

    def __init__(
        self,
        local: LocalLimiter,
        table: RateTable,
        clock: Clock,
        *,
        steady: Callable[[], float] = steady_seconds,
    ) -> None:
        self._local = local
        self._table = table
        self._clock = clock
        self._steady = steady
        self._pending: dict[str, _Pending] = {}
        self._barred: dict[str, float] = {}
        self._counted = asyncio.Event()

    def take(self, key: str, rate: Rate, *, now: datetime) -> timedelta | None:
        """Count one act of *key*; return None when it is allowed, else how long to wait."""
        barred_until = self._barred.get(key)
        if barred_until is not None:
            wait = barred_until - self._steady()
            if wait > 0:
                return timedelta(seconds=wait)
            del self._barred[key]
        wait_here = self._local.take(key, rate, now=now)
        if wait_here is None:
            self._note(key, rate)
        return wait_here

    async def run(self) -> None:
        """Compare, again and again, as soon as something was counted."""
        while True:
            await self._counted.wait()
            try:
                await self.compare()
            except Exception:  # noqa: BLE001 - the boundary of this work: rates stay counted here
                _log.exception("rates could not be compared")
            await asyncio.sleep(GAP_SECONDS)

    async def compare(self) -> None:
        """Add what was counted here, and take over what was counted everywhere.

        What cannot be added is dropped: it would be held against its key long after.
        """
        self._counted.clear()
        pending, self._pending = self._pending, {}
        self._barred = {key: until for key, until in self._barred.items() if until > self._steady()}
        for period in {one.rate.period for one in pending.values()}:
            keys = {_digest(key): key for key, one in pending.items() if one.rate.period == period}
            counts = [
                Count(digest, _cost(pending[key].rate) * pending[key].acts)
                for digest, key in keys.items()
            ]
            try:
                remaining = await self._table.add(counts, period=period)
            except StoreUnavailable as error:
                _log.warning("rates are counted by this node alone: %s", error)
                return
            for digest, left in remaining.items():
                self._take_over(keys[digest], pending[keys[digest]].rate, left)

    def _note(self, key: str, rate: Rate) -> None:
        known = self._pending.get(key)
        if known is None:
            if len(self._pending) >= KEY_LIMIT:
                return
            known = self._pending[key] = _Pending(rate)
        known.acts += 1
        self._counted.set()

    def _take_over(self, key: str, rate: Rate, left: timedelta) -> None:
        """Let *key* be at rest in *left*, as all nodes count, and later by what came meanwhile."""
        since = self._pending.get(key)
        if since is not None:
            left += _cost(rate) * since.acts
        self._local.delay(key, self._clock.now() + left)
        excess = left + _cost(rate) - rate.period
        if excess > _ZERO and len(self._barred) < BARRED_LIMIT:
            self._barred[key] = self._steady() + excess.total_seconds()


def _cost(rate: Rate) -> timedelta:
    return rate.period // rate.count


def _digest(key: str) -> bytes:
    """Return what stands for *key* in the database: who reads it learns no address of a caller."""
    return sha256(key.encode("utf-8", "surrogatepass")).digest()[:16]


def in_microseconds(duration: timedelta) -> int:
    """Return *duration* as the database counts it."""
    return duration // _MICROSECOND
