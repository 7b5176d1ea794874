"""Hosts that are probably in one hand."""

import pytest

from registrary.outbound.sites import site_of


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("app.example", "app.example"),
        ("a.b.app.example", "app.example"),
        ("localhost", "localhost"),
        ("uk", "uk"),
        ("co.uk", "co.uk"),
        ("app.co.uk", "app.co.uk"),
        ("a.b.app.co.uk", "app.co.uk"),
        ("a.b.app.io", "app.io"),
        ("a.com.io", "a.com.io"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff", "2001:db8::/64"),
    ],
)
def test_hosts_of_one_domain_are_one_site(host, site):
    """Names below a domain cost nothing, so they must not buy places."""
    assert site == site_of(host)
