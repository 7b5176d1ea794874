"""Answers go to the address that was compared, and nothing slips in beside them."""

import pytest

from registrary.authserver.authorization.way_back import (
    ProvedUri,
    form_action_source,
    shown_place,
    with_fragment,
    with_query,
)

FIELDS = [("code", "a b&c=d+e"), ("state", "ü\r\nset-cookie: x=y#")]
ENCODED = "code=a%20b%26c%3Dd%2Be&state=%C3%BC%0D%0Aset-cookie%3A%20x%3Dy%23"


@pytest.mark.parametrize(
    ("uri", "before"),
    [
        ("https://a.example/cb", "https://a.example/cb?"),
        ("https://a.example/cb?", "https://a.example/cb?"),
        ("https://a.example/cb?x=1", "https://a.example/cb?x=1&"),
        ("https://a.example/cb?x=1&", "https://a.example/cb?x=1&"),
        ("https://a.example", "https://a.example?"),
        ("com.example.app:/cb", "com.example.app:/cb?"),
    ],
)
@pytest.mark.spec("AZ-004")
def test_a_query_is_kept_and_added_to(uri, before):
    """Clients tell their users apart by parameters of their own (RFC 6749 §3.1.2)."""
    address = with_query(ProvedUri(uri), FIELDS)

    assert before + ENCODED == address


def test_a_fragment_holds_what_a_query_would():
    """No character of an answer ends it early or begins a header."""
    address = with_fragment(ProvedUri("https://a.example/cb?x=1"), FIELDS)

    assert "https://a.example/cb?x=1#" + ENCODED == address


@pytest.mark.parametrize(
    ("uri", "source", "place"),
    [
        ("https://a.example/cb", "https://a.example", "a.example"),
        ("https://A.example:8443/cb?x", "https://a.example:8443", "a.example:8443"),
        ("http://127.0.0.1:49152/cb", "http://127.0.0.1:49152", "127.0.0.1:49152"),
        ("http://localhost/cb", "http://localhost", "localhost"),
        ("http://[::1]:5000/cb", "http:", "[::1]:5000"),
        ("https://[2001:db8::1]/cb", "https:", "[2001:db8::1]"),
        ("com.example.app:/cb", "com.example.app:", "com.example.app:"),
        ("cursor://anysphere.cursor-retrieval/cb", "cursor:", "cursor:"),
    ],
)
def test_a_page_admits_exactly_the_way_back(uri, source, place):
    """A wider policy would let a form lead elsewhere; a narrower one breaks the redirect."""
    assert (source, place) == (form_action_source(uri), shown_place(uri))
