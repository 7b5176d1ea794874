"""How much is fetched from one place, and which places were refused lately."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from registrary.ports.limiter import Rate

KEYS_LIMIT: Final = 10_000  # keys held by one budget or memory

Monotonic = Callable[[], float]
"""Tells seconds since some fixed moment; never runs backwards."""


class Budget:
    """Lets at most *rate* acts through for each key (generic cell rate algorithm).

    When more keys are in use than can be held, the one unused for longest starts afresh.
    """

    def __init__(self, rate: Rate, monotonic: Monotonic) -> None:
        self._period = rate.period.total_seconds()
        self._interval = self._period / rate.count
        self._monotonic = monotonic
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> bool:
        """Count one act of *key* and return True, or return False and count nothing."""
        full_at = self._full_after(key)
        if full_at is None:
            return False
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > KEYS_LIMIT:
            self._full_at.popitem(last=False)
        return True

    def is_spent(self, key: str) -> bool:
        """Tell whether one more act of *key* would be too many; counts nothing."""
        return self._full_after(key) is None

    def _full_after(self, key: str) -> float | None:
        """Return when *key* has its whole budget again after one more act, None if too many."""
        now = self._monotonic()
        full_at = max(self._full_at.get(key, now), now) + self._interval
        # Rounding must not cost the last act.
        return None if full_at - now > self._period * (1 + 1e-9) else full_at


class Memory:
    """Remembers keys for a while; the oldest are forgotten first when there are too many."""

    def __init__(self, lifetime: timedelta, monotonic: Monotonic) -> None:
        self._lifetime = lifetime.total_seconds()
        self._monotonic = monotonic
        self._until: OrderedDict[str, float] = OrderedDict()

    def note(self, key: str) -> None:
        """Remember *key* from now on."""
        self._until[key] = self._monotonic() + self._lifetime
        self._until.move_to_end(key)
        if len(self._until) > KEYS_LIMIT:
            self._until.popitem(last=False)

    def forget(self, key: str) -> None:
        """Remember *key* no longer."""
        self._until.pop(key, None)

    def holds(self, key: str) -> bool:
        """Tell whether *key* was noted less than the lifetime ago."""
        until = self._until.get(key)
        return until is not None and self._monotonic() < until
