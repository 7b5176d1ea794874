"""Passwords are kept so that who steals the store has to pay for every guess."""

import pytest

from registrary.authserver.people.passwords import fits, hashed, is_acceptable
from registrary.core.secrets import Secret

pytestmark = pytest.mark.anyio


async def test_a_password_fits_what_was_made_of_it_and_no_other():
    """The one thing a password is for."""
    kept = await hashed(Secret("correct horse"))

    found = [await fits(Secret(text), kept) for text in ("correct horse", "correct horsE", "")]

    assert [True, False, False] == found


async def test_what_is_kept_is_argon2id_and_salted():
    """Two people with one password must not be seen to have it."""
    first, second = await hashed(Secret("demo")), await hashed(Secret("demo"))

    assert first.startswith("$argon2id$")
    assert first != second


async def test_an_accent_typed_in_two_ways_is_one_password():
    """Somebody who changes from a Mac to Linux keeps their password."""
    kept = await hashed(Secret("caf\u00e9 au lait"))

    assert await fits(Secret("cafe\u0301 au lait"), kept)


async def test_nobodys_password_never_fits():
    """An unknown user name takes the same way and must not come in by it."""
    found = [await fits(Secret(text), None) for text in ("", "\0", "demo")]

    assert [False, False, False] == found


async def test_a_damaged_record_is_a_refusal():
    """An import that went wrong locks one person out, and breaks no page."""
    assert not await fits(Secret("demo"), "not a hash")


async def test_endless_passwords_are_refused_unread():
    """A megabyte in the field must not cost a second of a processor."""
    kept = await hashed(Secret("a" * 300))

    assert not await fits(Secret("a" * 300), kept)


@pytest.mark.parametrize(
    ("text", "expected"), [("a" * 7, False), ("a" * 8, True), ("a" * 256, True), ("a" * 257, False)]
)
def test_a_password_has_a_length(text, expected):
    """Shorter ones are guessed, longer ones could never be used again."""
    assert expected == is_acceptable(Secret(text))
