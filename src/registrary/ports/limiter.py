"""How often a principal may do something."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """At most *count* acts in each *period*, in bursts of up to *count*."""

    count: int
    period: timedelta


class Limiter(Protocol):
    """Counts acts by key."""

    def take(self, key: str, rate: Rate, *, now: datetime) -> timedelta | None:
        """Count one act of *key*.

        Returns None when it is allowed, else how long to wait; a refused act is not counted.
        """
        ...
