"""Nonces that every node makes alike and nobody has to keep."""

from datetime import UTC, datetime, timedelta

import pytest

from registrary.core.jose.nonces import NONCE_SLOT, Nonces

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = b"k" * 32


@pytest.mark.spec("J-009")
def test_another_node_takes_what_one_gave_out():
    """Behind a balancer the answer and the next request meet different processes."""
    given = Nonces(KEY).current(NOW)

    assert Nonces(KEY).takes(given, NOW)


@pytest.mark.parametrize(
    ("age", "is_taken"),
    [
        (timedelta(0), True),
        (NONCE_SLOT, True),
        (-NONCE_SLOT, True),
        (2 * NONCE_SLOT, False),
        (-2 * NONCE_SLOT, False),
    ],
    ids=["now", "a-slot-ago", "neighbour-runs-ahead", "old", "from-the-future"],
)
def test_a_nonce_is_taken_for_a_short_while(age, is_taken):
    """A nonce bounds how long ago a proof can have been made; a slot's end must not surprise."""
    given = Nonces(KEY).current(NOW - age)

    assert is_taken is Nonces(KEY).takes(given, NOW)


@pytest.mark.parametrize("nonce", ["", "x", "é", "\ud800"], ids=["empty", "short", "é", "lone"])
def test_what_nobody_gave_out_is_not_taken(nonce):
    """A nonce that can be made up shows no freshness; an odd one must not be an error of ours."""
    assert not Nonces(KEY).takes(nonce, NOW)


def test_nonces_of_another_key_are_not_taken():
    """Issuers keep apart: each one's key is its own."""
    given = Nonces(b"o" * 32).current(NOW)

    assert not Nonces(KEY).takes(given, NOW)


def test_a_nonce_fits_the_wire():
    """RFC 9449 §8.1 allows visible characters without quotes and backslashes."""
    given = Nonces(KEY).current(NOW)

    assert given.replace("-", "").replace("_", "").isalnum()


def test_the_key_is_not_shown():
    """Whoever has the key makes nonces for years ahead."""
    assert "kkk" not in repr(Nonces(KEY))
