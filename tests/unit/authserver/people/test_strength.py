"""What a sign-in is worth is said in one word."""

import pytest

from registrary.authserver.people.strength import acr_of, satisfies


@pytest.mark.parametrize(
    ("amr", "acr"),
    [
        (("pwd",), "pwd"),
        (("pwd", "otp", "mfa"), "mfa"),
        (("hwk", "user", "mfa"), "phr"),
        (("fed",), "fed"),
    ],
)
def test_ways_to_sign_in_have_a_strength(amr, acr):
    """Clients ask for the strength, not for the way."""
    assert acr == acr_of(amr)


@pytest.mark.parametrize(
    ("acr", "wanted", "expected"),
    [
        ("phr", ("mfa",), True),
        ("mfa", ("pwd", "phr"), True),
        ("pwd", ("mfa",), False),
        ("fed", ("pwd",), False),
        (None, ("pwd",), False),
        ("pwd", (), False),
    ],
)
def test_a_stronger_sign_in_does_for_a_weaker_one(acr, wanted, expected):
    """A person with a passkey is not sent back for a password."""
    assert expected == satisfies(acr, wanted)
