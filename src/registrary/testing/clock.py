"""A clock that stands still until it is told to move."""

from datetime import UTC, datetime, timedelta
from typing import Final

MOMENT: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
"""When the tests of this project take place, unless they say otherwise."""


class FakeClock:
    """A `Clock` that a test moves by hand."""

    def __init__(self, start: datetime = MOMENT) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the moment the clock was last set to."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move the clock on and return the new moment."""
        self._now += by
        return self._now

    def set(self, moment: datetime) -> None:
        """Move the clock to *moment*, back also."""
        self._now = moment
