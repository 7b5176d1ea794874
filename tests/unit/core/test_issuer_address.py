"""Issuer addresses: one spelling each, and no two that answer the same requests."""

import pytest

from registrary.core.errors import FieldError
from registrary.core.issuer_address import (
    RESERVED_SEGMENTS,
    IssuerAddress,
    address_of,
    check_free_path,
    check_spelling,
)


@pytest.mark.parametrize(
    "url",
    [
        "https://id.example",
        "https://id.example:8443",
        "https://id.example:80",
        "https://id.example/tenant",
        "https://id.example/auth/realms/Main_1",
        "https://id.example/~a.b/c-d",
        "https://[2001:db8::1]:8443/x",
        "http://localhost:8400",
        "http://[::1]:8400",
    ],
)
def test_the_usual_spelling_is_taken(url):
    """An issuer identifier is compared byte for byte, so only one spelling may be in use."""
    check_spelling(url)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("HTTPS://id.example", "lower case"),
        ("https://ID.example", "lower case"),
        ("https://id.example:443", "port"),
        ("http://localhost:80", "port"),
        ("https://id.example/", "final slash"),
        ("https://id.example/a/", "final slash"),
        ("https://id.example?a", "query"),
        ("https://id.example?", "query"),
        ("https://id.example#", "fragment"),
        ("https://id.example//a", "path"),
        ("https://id.example/a//b", "path"),
        ("https://id.example/%61", "path"),
        ("https://id.example/a;b", "path"),
        ("https://id.example/a:b", "path"),
        ("https://id.example/a@b", "path"),
        ("https://id.example/.", "dot segments"),
        ("https://id.example/a/../b", "dot segments"),
        ("id.example", "absolute"),
    ],
)
def test_another_spelling_is_refused(url, says):
    """Under it, a second issuer once answered in the place of the first."""
    with pytest.raises(FieldError, match=says):
        check_spelling(url)


@pytest.mark.parametrize("segment", ["register", "api", ".well-known", "Token", "METRICS"])
@pytest.mark.parametrize("path", ["/{}", "/{}/a", "/a/{}"])
def test_the_words_of_routes_are_not_those_of_issuers(segment, path):
    """At /register an issuer would take what clients send to the one at the root."""
    with pytest.raises(FieldError, match="address of its own"):
        check_free_path(f"https://id.example{path.format(segment)}")


def test_words_that_only_begin_alike_are_free():
    """The rule is about whole segments."""
    check_free_path("https://id.example/registers/tokens")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://id.example", ("id.example", "")),
        ("https://ID.example:443/a", ("id.example", "/a")),
        ("https://id.example:8443", ("id.example:8443", "")),
        ("http://id.example:443", ("id.example:443", "")),
        ("http://localhost:80", ("localhost", "")),
        ("https://[::1]:443", ("[::1]", "")),
    ],
)
def test_requests_know_an_issuer_by_host_and_path(url, address):
    """Records made before spellings were judged are compared as they are served."""
    assert IssuerAddress(*address) == address_of(url)


@pytest.mark.parametrize(
    ("one", "other", "collides"),
    [
        ("https://id.example", "https://id.example", True),
        ("https://id.example", "https://ID.example:443", True),
        ("https://id.example/a", "http://id.example/a", True),
        ("https://id.example", "https://id.example:8443", False),
        ("https://id.example", "https://id.example/a", False),
        ("https://id.example/a", "https://id.example/a/b", False),
        ("https://id.example/a", "https://id.example/ab", False),
        ("https://id.example/a", "https://other.example/a", False),
        ("https://id.example", "https://id.example/register", True),
        ("https://id.example/a", "https://id.example/a/register", True),
        ("https://id.example/a", "https://id.example/a/register/b", True),
        ("https://id.example/a", "https://other.example/a/register", False),
    ],
)
def test_two_issuers_collide_when_one_request_could_reach_either(one, other, collides):
    """Which of them then answers would depend on who was stored last."""
    first, second = address_of(one), address_of(other)

    assert [collides] * 2 == [first.collides(second), second.collides(first)]


def test_reserved_words_are_lower_case():
    """They are compared with what was lowered."""
    assert RESERVED_SEGMENTS == {segment.lower() for segment in RESERVED_SEGMENTS}
