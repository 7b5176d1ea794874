"""Where a page may lead, and what it may load, said as browsers understand it."""

import pytest

from registrary.protocol.http import Page
from registrary.web.pages.policy import source_of
from registrary.web.pages.rendering import render_page
from tests.unit.web.pages.examples import EXAMPLES, client_with


def directives(case, **values):
    """Return the directives of the page of the example *case* with *values*, by name."""
    name, own = EXAMPLES[case]
    headers = dict(render_page(Page(name, 200, {**own, **values})).headers)
    parts = headers[b"content-security-policy"].decode().split("; ")
    return {name: sources for name, _, sources in (part.partition(" ") for part in parts)}


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://app.example/cb?x=1", "https://app.example"),
        ("https://app.example:8443/cb", "https://app.example:8443"),
        ("http://127.0.0.1:4321/cb", "http://127.0.0.1:4321"),
        ("http://localhost:4321/cb", "http://localhost:4321"),
        ("http://[::1]:4321/cb", "http:"),
        ("com.example.app:/cb", "com.example.app:"),
        ("com.example.app://host/cb", "com.example.app:"),
    ],
    ids=["https", "port", "loopback", "localhost", "ipv6", "private", "private-host"],
)
def test_a_source_is_an_origin_or_a_scheme(url, source):
    """The grammar of sources knows no IPv6 address, and private schemes have no origin."""
    assert source == source_of(url)


@pytest.mark.parametrize(
    ("form_action", "expected"),
    [
        (None, "'self'"),
        ("https://app.example:8443", "'self' https://app.example:8443"),
        ("http:", "'self' http:"),
        ("com.example.app:", "'self' com.example.app:"),
    ],
    ids=["self", "origin", "ipv6", "private"],
)
@pytest.mark.parametrize("case", ["login", "consent", "one-time-code", "logout"])
def test_a_form_leads_to_us_and_to_the_way_back_alone(case, form_action, expected):
    """Chromium holds the redirect after a form to the policy of its page (CSP level 3 §6.3.1)."""
    assert expected == directives(case, form_action=form_action)["form-action"]


@pytest.mark.parametrize(
    "form_action",
    [
        "*",
        "https://a.example; script-src *",
        "https://a.example https://b.example",
        "",
        "https://*",
    ],
)
def test_a_policy_takes_no_word_that_would_widen_it(form_action):
    """A blank or a semicolon in a value would write a policy of somebody else's."""
    with pytest.raises(ValueError, match="must be an origin"):
        directives("login", form_action=form_action)


def test_the_form_that_goes_back_leads_there_alone():
    """Not even to us: what it carries is for one client."""
    assert "https://calendar.example" == directives("form-post")["form-action"]


@pytest.mark.parametrize(
    ("case", "values"),
    [
        ("form-post", {}),
        ("enrol-passkey", {}),
        ("login", {"passkey": "{}"}),
        ("logged-out", {"frames": ["https://a.example/out"], "goes_on": True}),
    ],
    ids=["form-post", "enrol-passkey", "passkey", "frames"],
)
def test_a_page_with_a_script_admits_it(case, values):
    """Of these pages alone something happens without a click."""
    assert directives(case, **values)["script-src"].startswith("'sha256-")


@pytest.mark.parametrize("case", ["login", "consent", "account", "device", "logout", "logged-out"])
def test_a_page_without_a_script_admits_none(case):
    """What is not needed is not open to who finds a hole."""
    assert "script-src" not in directives(case)


def test_nobody_is_sent_on_for_a_client_that_did_not_prove_it_asked():
    """Anybody can write an address; a person may follow the link (RP-Initiated Logout §3)."""
    assert "script-src" not in directives("logged-out", frames=["https://a.example/out"])


def test_images_are_admitted_where_there_is_a_logo():
    """And from us alone: a logo elsewhere would tell its owner who signs in."""
    client = client_with(logo=None)

    assert "'self'" == directives("consent")["img-src"]
    assert "img-src" not in directives("consent", client=client)
    assert "'self'" == directives("login")["img-src"]
    assert "img-src" not in directives("login-account")


def test_frames_are_admitted_by_origin():
    """Each client that is told of a logout has its own (OIDC Front-Channel Logout §2)."""
    frames = ["https://a.example/out?sid=1", "https://b.example:8443/out", "https://a.example/x"]

    admitted = directives("logged-out-alone", frames=frames)

    assert "https://a.example https://b.example:8443" == admitted["frame-src"]
    assert "frame-src" not in directives("logged-out-alone")
