"""Addresses in proofs: one address has many spellings, and another address has none of them."""

import pytest

from registrary.core.jose.htu import is_address

TOKEN = "https://as.example/tenant/token"


@pytest.mark.parametrize(
    "htu",
    [
        TOKEN,
        "HTTPS://AS.example/tenant/token",
        "https://as.example:443/tenant/token",
        "https://as.example/tenant/token?a=b",
        "https://as.example/tenant/token#part",
        "https://as.example/%74enant/token",
        "https://as.example/other/../tenant/./token",
        "https://as.example/%2e%2E/tenant/token",
    ],
    ids=["same", "case", "default-port", "query", "fragment", "escaped", "dots", "escaped-dots"],
)
@pytest.mark.spec("J-008")
def test_another_spelling_is_the_same_address(htu):
    """RFC 9449 §4.3 wants false alarms avoided: libraries spell one address differently."""
    assert is_address(htu, TOKEN)


@pytest.mark.parametrize(
    "htu",
    [
        "http://as.example/tenant/token",
        "https://as.example.evil.example/tenant/token",
        "https://as.example:8443/tenant/token",
        "https://as.example:80/tenant/token",
        "https://as.example/tenant/Token",
        "https://as.example/tenant/token/",
        "https://as.example/tenant%2Ftoken",
        "https://as.example/tenant//token",
        "https://as.example/tenant/token/..",
        "https://user@as.example/tenant/token",
        "https://evil.example\\@as.example/tenant/token",
        "/tenant/token",
        "as.example/tenant/token",
        "https://as.example/tenant/token ",
        "https://\uff41s.example/tenant/token",
        "https://as.example/tenant/token%",
        "https://as.example/" + "a" * 3000,
    ],
    ids=[
        "scheme",
        "suffix",
        "port",
        "port-of-http",
        "case-of-path",
        "final-slash",
        "escaped-slash",
        "double-slash",
        "up",
        "user",
        "backslash",
        "relative",
        "no-scheme",
        "space",
        "full-width",
        "bad-escape",
        "long",
    ],
)
@pytest.mark.spec("J-003")
def test_another_address_is_not_taken_for_it(htu):
    """A proof caught at one endpoint must not open another."""
    assert not is_address(htu, TOKEN)


@pytest.mark.parametrize(
    ("htu", "uri"),
    [
        ("https://as.example", "https://as.example/"),
        ("http://[::1]:8080/token", "http://[::1]:8080/token"),
        ("http://localhost:80/token", "http://localhost/token"),
        ("https://as.example/a%c3%a9", "https://as.example/a%C3%A9"),
        ("https://as.example/a/b/..", "https://as.example/a/"),
    ],
    ids=["empty-path", "ipv6", "http-port", "case-of-escape", "last-dots"],
)
def test_addresses_of_every_kind_are_compared(htu, uri):
    """Development servers and internal paths use proofs, too."""
    assert is_address(htu, uri)
