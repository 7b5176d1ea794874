"""How credentials succeed each other: what is in use goes on until its successor arrives."""

from datetime import timedelta

import pytest

from registrary.core.client import Credential
from registrary.policy.credentials import succeed
from registrary.testing.clock import MOMENT
from registrary.testing.factories import a_credential

DAY = timedelta(days=1)


def issued(name: str, after: timedelta = timedelta(0)) -> Credential:
    """Return the credential *name*, made so long after the first moment."""
    return a_credential(mac=name.encode(), issued_at=MOMENT + after)


def told(kept):
    """Return the names of *kept*, each with the time after which it is no longer taken."""
    return [
        (one.mac.decode(), None if one.retire_at is None else one.retire_at - MOMENT)
        for one in kept
    ]


def test_a_successor_that_was_never_used_gives_way():
    """Two answers in a row that are lost must not end the credential their client uses."""
    kept: tuple[Credential, ...] = (issued("used"),)

    for number, hours in enumerate((0, 1, 23)):
        successor = issued(f"lost-{number}", timedelta(hours=hours))
        kept = succeed(kept, successor, overlap=DAY)

    assert [("used", DAY), ("lost-2", None)] == told(kept)


def test_asking_again_does_not_prolong_what_is_to_retire():
    """A thief who keeps rotating would otherwise keep a leaked credential alive for ever."""
    once = succeed((issued("used"),), issued("first"), overlap=DAY)

    again = succeed(once, issued("second", timedelta(hours=12)), overlap=7 * DAY)

    assert [("used", DAY), ("second", None)] == told(again)


def test_a_shorter_overlap_ends_the_one_in_use_sooner():
    """In an emergency nothing older is good any more, whatever an earlier rotation promised."""
    once = succeed((issued("leaked"),), issued("first"), overlap=7 * DAY)

    again = succeed(once, issued("second", DAY), overlap=timedelta(0))

    assert [("leaked", DAY), ("second", None)] == told(again)
    assert not again[0].is_usable(MOMENT + DAY)


@pytest.mark.parametrize(
    "ended", [{"retire_at": MOMENT + DAY}, {"expires_at": MOMENT + DAY}], ids=["retired", "expired"]
)
def test_the_only_one_that_is_good_is_the_one_in_use(ended):
    """Who rotated and then said nothing for a day has the successor, and nothing else."""
    kept = (a_credential(mac=b"old", **ended), issued("unused"))

    again = succeed(kept, issued("newest", 2 * DAY), overlap=DAY)

    assert [("unused", 3 * DAY), ("newest", None)] == told(again)
