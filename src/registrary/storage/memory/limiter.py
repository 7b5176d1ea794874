"""Rates by the generic cell rate algorithm: one moment for each key, and no queue."""

from datetime import datetime, timedelta
from typing import Final

from registrary.ports.limiter import Rate

KEY_LIMIT: Final = 100_000  # keys held at the same time, about 15 MB
SWEEP_EVERY: Final = 4096  # acts between two sweeps

_ZERO: Final = timedelta(0)


class MemoryLimiter:
    """A `Limiter` for one process, of bounded size.

    For each key it holds the moment at which the key is at rest again: from then on a whole
    burst is free, and nothing needs to be known about the key. Keys at rest are swept out.
    Where more than *key_limit* keys are busy at once, a new key waits for the first of them
    to come to rest: a flood of made-up keys costs strangers their turn, never memory, and
    no key that is known gains by it.
    """

    def __init__(self, key_limit: int = KEY_LIMIT) -> None:
        self._rests: dict[str, datetime] = {}
        self._key_limit = key_limit
        self._acts = 0
        self._full_until: datetime | None = None

    def take(self, key: str, rate: Rate, *, now: datetime) -> timedelta | None:
        """Count one act of *key*; return None when it is allowed, else how long to wait.

        Two rates with one key are one count: callers put what is counted into the key.
        """
        self._sweep_now_and_then(now)
        rest = self._rests.get(key)
        if rest is None and len(self._rests) >= self._key_limit:
            wait = self._make_room(now)
            if wait is not None:
                return wait
        if rate.count < 1:
            return rate.period
        rest = max(rest or now, now)
        if rest > now + rate.period:
            # No act leaves a rest as late as this, except under a clock that was set back since.
            self._rests[key] = rest = now + rate.period
        # Rounded down: rounded up, a burst of the whole count would not fit into the period.
        rest += rate.period // rate.count
        excess = rest - now - rate.period
        if excess > _ZERO:
            return excess
        self._rests[key] = rest
        return None

    def delay(self, key: str, rest: datetime) -> None:
        """Let *key*, if it is held, be at rest no earlier than *rest*: others counted it too."""
        known = self._rests.get(key)
        if known is not None and known < rest:
            self._rests[key] = rest

    def __len__(self) -> int:
        """Return how many keys are held."""
        return len(self._rests)

    def _make_room(self, now: datetime) -> timedelta | None:
        """Sweep, and return how long a new key has to wait when that made no room."""
        if self._full_until is None or self._full_until <= now:
            self._sweep(now)
            if len(self._rests) < self._key_limit:
                return None
            # Remembered, so that a flood does not pay for its own sweeps.
            self._full_until = min(self._rests.values())
        return self._full_until - now

    def _sweep_now_and_then(self, now: datetime) -> None:
        self._acts += 1
        if self._acts >= SWEEP_EVERY:
            self._acts = 0
            self._sweep(now)

    def _sweep(self, now: datetime) -> None:
        self._rests = {key: rest for key, rest in self._rests.items() if rest > now}
        self._full_until = None
