"""Codes by the clock are those every app shows, and none is good twice."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from registrary.authserver.people.one_time_codes import (
    address_for_apps,
    code_at,
    step_of,
    typed_secret,
)

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
@pytest.mark.spec("P-020")
def test_codes_are_those_of_the_standard(seconds, code):
    """The values are RFC 6238's own (Appendix B, SHA-1, its last six digits)."""
    assert code == code_at(SECRET, seconds // 30)


NOW = datetime.fromtimestamp(1111111111, UTC)
HERE = 1111111111 // 30


@pytest.mark.parametrize(
    ("typed", "after", "expected"),
    [
        (code_at(SECRET, HERE), 0, HERE),
        (" 050 471 ", 0, HERE),
        (code_at(SECRET, HERE - 1), 0, HERE - 1),
        (code_at(SECRET, HERE + 1), 0, HERE + 1),
        (code_at(SECRET, HERE - 2), 0, None),
        (code_at(SECRET, HERE + 2), 0, None),
        (code_at(SECRET, HERE), HERE, None),
        (code_at(SECRET, HERE - 1), HERE, None),
        ("", 0, None),
        ("٠٥٠٤٧١", 0, None),
        ("0504711", 0, None),
    ],
    ids=[
        "now",
        "with-blanks",
        "a-step-ago",
        "a-step-ahead",
        "long-ago",
        "far-ahead",
        "spent",
        "before-the-spent",
        "empty",
        "other-digits",
        "longer",
    ],
)
def test_a_code_is_good_about_now_and_once(typed, after, expected):
    """A telephone's clock is a little off; a code read over a shoulder is spent."""
    assert expected == step_of(SECRET, typed, now=NOW, after=after)


def test_apps_read_who_it_is_for():
    """Somebody with thirty entries has to find this one."""
    address = address_for_apps(SECRET, issuer="id.example:8443", person="anna@example.com")

    parts = urlsplit(address)
    assert ("otpauth", "totp") == (parts.scheme, parts.netloc)
    assert "/id.example%3A8443:anna%40example.com" == parts.path
    assert {"secret": [typed_secret(SECRET)], "issuer": ["id.example:8443"]} == parse_qs(
        parts.query
    )


def test_the_secret_can_be_typed():
    """Not every telephone can read a code off its own screen."""
    assert "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" == typed_secret(SECRET)
