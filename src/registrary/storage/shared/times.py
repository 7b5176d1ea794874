"""Moments as databases keep them: whole microseconds since 1970."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Return the number that stands for *moment*."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(number: int) -> datetime:
    """Return the moment that *number* stands for; one that no calendar has is the last there is."""
    try:
        return _EPOCH + timedelta(microseconds=number)
    except OverflowError:  # what we wrote cannot be so: the number was changed
        return _LAST
