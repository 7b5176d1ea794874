"""The kit's clock stands still, its randomness repeats, and its factories make no doubles."""

from datetime import timedelta

import pytest

from registrary.testing.clock import MOMENT, FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import a_client, an_event, full_metadata


def test_the_clock_moves_only_by_hand():
    """A test about expiry says how late it is."""
    clock = FakeClock()

    before, after = clock.now(), clock.advance(timedelta(hours=1))
    clock.set(before)

    assert (MOMENT, MOMENT + timedelta(hours=1), MOMENT) == (before, after, clock.now())


def test_seeded_entropy_repeats_whatever_the_sizes():
    """A test that failed once can be run again with the same secrets."""
    whole = SeededEntropy(1).token_bytes(200)
    entropy = SeededEntropy(1)

    parts = entropy.token_bytes(1) + entropy.draw(63).take(63) + entropy.token_bytes(136)

    assert whole == parts
    assert whole != SeededEntropy(2).token_bytes(200)


def test_factories_make_no_doubles():
    """Two clients that share an id by accident would hide a bug or make one."""
    assert a_client().client_id < a_client().client_id
    assert an_event().id < an_event().id


def test_factories_know_their_fields():
    """A misspelt field would leave the test to check the default."""
    with pytest.raises(TypeError):
        a_client(metdata={})


def test_full_metadata_is_what_the_benches_promise():
    """Figures compare only when the document stays the same."""
    assert 25 == len(full_metadata())
