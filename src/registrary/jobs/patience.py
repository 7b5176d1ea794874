"""How long to wait before trying again: a message, and a host that does not answer."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from registrary.ports.clock import Entropy

FIRST_DELAY: Final = timedelta(seconds=2)
LONGEST_DELAY: Final = timedelta(hours=1)  # of a message
LONGEST_ABSENCE: Final = timedelta(minutes=5)  # of a host: one of its messages tells of its return
HOSTS_LIMIT: Final = 10_000  # remembered to be away


class Patience:
    """Draws delays at random, so that what failed together does not come again together."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def after(self, failures: int) -> timedelta:
        """Return how long a message waits that failed so often: twice as long each time."""
        return self.some_of(_grown(failures, longest=LONGEST_DELAY))

    def some_of(self, delay: timedelta) -> timedelta:
        """Return half of *delay*, and a random part of the other half."""
        return delay / 2 + delay / 2 * (self._entropy.token_bytes(1)[0] / 255)


class Absences:
    """Knows which hosts did not answer lately, so that their messages keep nobody else waiting."""

    def __init__(self) -> None:
        self._away: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def until(self, host: str) -> datetime | None:
        """Return until when *host* is left alone, None when it was never missed."""
        known = self._away.get(host)
        return known and known[1]

    def missed(self, host: str, *, now: datetime) -> None:
        """Note that *host* did not answer at *now*, once more."""
        failures = self._away.pop(host, (0, now))[0] + 1
        self._away[host] = failures, now + _grown(failures, longest=LONGEST_ABSENCE)
        if len(self._away) > HOSTS_LIMIT:
            self._away.popitem(last=False)

    def returned(self, host: str) -> None:
        """Note that *host* answered."""
        self._away.pop(host, None)


def _grown(failures: int, *, longest: timedelta) -> timedelta:
    # The exponent is bounded too: two to the thousandth seconds is no timedelta.
    doublings: int = min(failures - 1, 20)
    return min(FIRST_DELAY * (1 << doublings), longest)
