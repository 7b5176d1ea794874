"""A device without a browser is let in from another one, over HTTP (RFC 8628)."""

import re

import pytest

from tests.protocol.flows import PUBLIC, an_app
from tests.protocol.kit import URI, error_of
from tests.protocol.people import Browser

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE = {"grant_types": [GRANT, "refresh_token"], "redirect_uris": [], **PUBLIC}


@pytest.fixture
def browser(server):
    """Return a browser that was never here."""
    with Browser(server.url) as browser:
        yield browser


@pytest.fixture(scope="module")
def app(http):
    """Return a device without a secret."""
    return an_app(http, **DEVICE)


def begin(app, **form):
    """Begin as a device does."""
    answer = app.ask("/device_authorization", **{"scope": "openid read write"} | form)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def poll(app, begun):
    """Ask as a device does."""
    return app.ask("/token", grant_type=GRANT, device_code=begun["device_code"])


def to_consent(browser, begun, typed=None):
    """Type the code, sign in, and return the page that asks."""
    entry = browser.open("/device")
    code = typed or begun["user_code"]
    moved = browser.press(entry, ("continue", "continue"), user_code=code)
    shown = browser.follow(moved)
    return browser.sign_in(shown) if shown.asks_to_sign_in else shown


@pytest.mark.spec("E-080", "G-070", "G-071")
def test_a_device_is_let_in(browser, app):
    """The whole way: the device shows a code, somebody allows it, the device gets tokens."""
    begun = begin(app)
    waiting = poll(app, begun)

    consent = to_consent(browser, begun, begun["user_code"].lower().replace("-", " "))
    done = browser.allow(consent)
    tokens = poll(app, begun)
    again = poll(app, begun)

    assert (400, "authorization_pending") == error_of(waiting)
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", begun["user_code"])
    assert f"{app.url}/device?user_code={begun['user_code']}" == begun["verification_uri_complete"]
    assert begun["user_code"] in consent.text
    assert "Your device is connected" in done.text
    assert "openid read write" == tokens.json()["scope"]
    assert 200 == app.userinfo(tokens.json()["access_token"]).status_code
    assert 200 == app.refresh(tokens.json()["refresh_token"]).status_code
    assert (400, "invalid_grant") == error_of(again)


@pytest.mark.spec("G-072")
def test_who_says_no_is_heard(browser, app):
    """The device stops waiting, and says so."""
    begun = begin(app)

    done = browser.deny(to_consent(browser, begun))

    assert "Nothing was allowed" in done.text
    assert (400, "access_denied") == error_of(poll(app, begun))


@pytest.mark.spec("G-073")
def test_a_device_that_asks_too_often_has_to_wait(app):
    """§3.5: five seconds more, every time."""
    begun = begin(app)

    found = [error_of(poll(app, begun)) for _ in range(2)]

    assert [(400, "authorization_pending"), (400, "slow_down")] == found


@pytest.mark.spec("G-074")
def test_a_code_is_decided_once(browser, server, app):
    """What one person allowed, nobody else changes."""
    begun = begin(app)
    with Browser(server.url) as other:
        first, second = to_consent(browser, begun), to_consent(other, begun)
        browser.allow(first)
        late = other.deny(second)

    assert "No device waits with this code" in late.text
    assert 200 == poll(app, begun).status_code


@pytest.mark.parametrize("typed", ["", "BCDF", "AAAA-AAAA", "BCDF-GHJK", "x" * 500], ids=ascii)
def test_a_code_that_nobody_waits_with(browser, typed):
    """A typing error is told, and nothing else."""
    entry = browser.open("/device")

    shown = browser.press(entry, ("continue", "continue"), user_code=typed)

    assert 200 == shown.status
    assert "No device waits with this code" in shown.text


@pytest.mark.spec("G-075")
def test_a_link_with_the_code_still_asks(browser, app):
    """§5.4: who is sent a link must see what they are letting in; following it decides nothing."""
    begun = begin(app)

    entry = browser.open(begun["verification_uri_complete"])

    assert ("user_code", begun["user_code"]) in entry.form.fields
    assert ("continue", "continue") in entry.form.buttons
    assert (400, "authorization_pending") == error_of(poll(app, begun))


@pytest.mark.spec("G-075")
def test_an_answer_without_its_page_counts_for_nothing(browser, server, app):
    """Another site must not be able to let a device in for who is signed in here."""
    begun = begin(app)
    consent = to_consent(browser, begun)

    forged = browser.post(consent.address, [("csrf", "x"), ("decision", "allow")])
    with Browser(server.url) as other:
        mine = to_consent(other, begun)
        stolen = [("csrf", dict(mine.form.fields)["csrf"]), ("decision", "allow")]
        crossed = browser.post(consent.address, stolen)

    assert [403, 403] == [forged.status, crossed.status]
    assert (400, "authorization_pending") == error_of(poll(app, begun))


@pytest.mark.spec("G-070")
def test_what_cannot_begin(app, http):
    """A client that did not register for it, or asks for what it cannot have."""
    other = an_app(http)

    refused = [
        other.ask("/device_authorization"),
        app.ask("/device_authorization", scope="admin"),
        app.ask("/device_authorization", resource="https://evil.example/"),
        app.ask("/token", grant_type=GRANT),
        app.ask("/token", grant_type=GRANT, device_code="rgy_dc_x"),
    ]

    assert [
        "unauthorized_client",
        "invalid_scope",
        "invalid_target",
        "invalid_request",
        "invalid_grant",
    ] == [answer.json()["error"] for answer in refused]


@pytest.mark.spec("G-074")
def test_anothers_device_code_is_none(browser, app, http):
    """A device code that leaks is no use to another client."""
    begun, other = begin(app), an_app(http, **DEVICE)
    browser.allow(to_consent(browser, begun))

    assert (400, "invalid_grant") == error_of(poll(other, begun))
    assert 200 == poll(app, begun).status_code


@pytest.mark.spec("E-080")
def test_a_device_needs_no_redirect_uri(app):
    """§3: nothing comes back through a browser."""
    assert URI not in app.body.get("redirect_uris", [])
    assert [] == app.body.get("response_types", [])


@pytest.mark.parametrize(("scope", "expected"), [("openid", 400), ("openid offline_access", 200)])
@pytest.mark.spec("L-014")
def test_a_device_that_waits_does_not_outlive_the_session(browser, http, scope, expected):
    """It asks when it likes, so somebody who has signed out would be let in after all."""
    app = an_app(http, **DEVICE)
    begun = begin(app, scope=scope)
    browser.allow(to_consent(browser, begun))

    browser.press(browser.open("/logout"), ("decision", "logout"))

    assert expected == poll(app, begun).status_code
