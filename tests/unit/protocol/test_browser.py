"""Cookies that no other host can plant and no script can read."""

import pytest

from registrary.core.secrets import Secret
from registrary.protocol.browser import (
    browser_cookie,
    browser_cookie_name,
    browser_of,
    cookie,
    session_cookie,
    session_cookie_name,
)
from registrary.protocol.http import HttpRequest
from tests.unit.authserver.people.kit import House

HTTPS = House.context_of(url="https://id.example/tenant")
HTTP = House.context_of(url="http://127.0.0.1:8400")
VALUE = "b" * 43


def sent(*cookies: str) -> HttpRequest:
    """Return a request with the headers ``Cookie`` *cookies*."""
    headers = tuple((b"cookie", one.encode()) for one in cookies)
    return HttpRequest("GET", "/authorize", headers=headers)


@pytest.mark.spec("P-027")
def test_over_https_a_cookie_belongs_to_this_host_alone():
    """A neighbour below the same domain must not be able to set it (RFC 6265bis §4.1.3.2)."""
    name, value = session_cookie(HTTPS, Secret("rgy_ss_1"))

    assert b"set-cookie" == name
    assert (
        b"__Host-rgy_session_0123456789=rgy_ss_1; Path=/; HttpOnly; SameSite=Lax; Secure" == value
    )


def test_over_http_on_loopback_a_cookie_has_no_prefix():
    """Browsers drop the prefixed one without Secure, and nobody could sign in."""
    assert (
        b"rgy_browser_0123456789=b; Path=/; HttpOnly; SameSite=Lax" == browser_cookie(HTTP, "b")[1]
    )


def test_a_session_is_taken_away_by_the_name_it_was_given():
    """Signing out that leaves the cookie is half of it."""
    _, value = session_cookie(HTTPS, None)

    assert value.startswith(b"__Host-rgy_session_0123456789=; Path=/; ")
    assert b"; Max-Age=0" in value


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        (["a=1; b=2"], "2"),
        (["a=1", "b=2"], "2"),
        (["b=2=3"], "2=3"),
        (["a=1"], None),
        ([], None),
        (["xb=1; bx=2"], None),
        (["b=1; b=2"], None),
        (["b"], ""),
    ],
    ids=["one-header", "two-headers", "equals", "other", "none", "alike", "twice", "bare"],
)
def test_a_cookie_is_read_as_browsers_send_it(cookies, expected):
    """Of two with one name nobody can tell which one is ours."""
    assert expected == cookie(sent(*cookies), "b")


def test_a_browser_is_known_by_a_whole_value_alone():
    """An empty one would make all browsers the same."""
    name = browser_cookie_name(HTTPS)

    found = [browser_of(sent(f"{name}={value}"), HTTPS) for value in (VALUE, "", "short")]

    assert [VALUE, None, None] == found


def test_the_two_cookies_have_two_names():
    """One must not be taken for the other."""
    assert browser_cookie_name(HTTP) != session_cookie_name(HTTP)
