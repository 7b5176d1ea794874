"""One parser reads bearer tokens, and no spelling of the header makes it stumble."""

import pytest

from registrary.protocol.bearer import BearerToken, Unusable, bearer_token
from registrary.protocol.http import HttpRequest


def request_with(*values: bytes) -> HttpRequest:
    """Return a request with these Authorization headers."""
    headers = tuple((b"authorization", value) for value in values)
    return HttpRequest("POST", "/register", headers=headers)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Bearer abc", BearerToken("abc")),
        (b"bearer abc==", BearerToken("abc==")),
        (b"BEARER   a-._~+/9", BearerToken("a-._~+/9")),
        (b"Bearer", Unusable.MALFORMED),
        (b"Bearer ", Unusable.MALFORMED),
        (b"Bearer a b", Unusable.MALFORMED),
        (b"Bearer a,b", Unusable.MALFORMED),
        (b"Bearer \xff", Unusable.MALFORMED),
        (b"Bearer =a", Unusable.MALFORMED),
        (b"Bearer " + b"a" * 9000, Unusable.MALFORMED),
        (b"Basic abc", Unusable.OTHER_SCHEME),
        (b"", Unusable.OTHER_SCHEME),
        (b"Bearer\tabc", Unusable.OTHER_SCHEME),
    ],
    ids=lambda value: repr(value)[:30],
)
@pytest.mark.spec("A-005")
def test_each_spelling_of_the_header(value: bytes, expected: BearerToken | Unusable) -> None:
    """A header without a token crashed a peer at every registration endpoint (CVE-2026-9803)."""
    assert expected == bearer_token(request_with(value))


def test_no_header_is_told_from_a_bad_one() -> None:
    """Only a request without credentials may count as anonymous."""
    assert Unusable.ABSENT is bearer_token(request_with())


@pytest.mark.spec("A-008")
def test_two_headers_are_never_chosen_from() -> None:
    """A proxy and this server must not read two different tokens."""
    assert Unusable.REPEATED is bearer_token(request_with(b"Bearer a", b"Bearer a"))


def test_a_token_does_not_show_in_tracebacks() -> None:
    """A token in a log is a leaked token."""
    assert "secret" not in repr(BearerToken("secret"))
