"""Clients are told that a session ended (OpenID Connect Back-Channel Logout), over HTTP."""

from urllib.parse import urlencode

import httpx2
import pytest

from registrary.testing.server import running_server
from tests.protocol.flows import an_app, claims_of
from tests.protocol.people import Browser
from tests.protocol.receiver import a_receiver

EVENT = "http://schemas.openid.net/event/backchannel-logout"
BACK = "https://app.example/signed-out"


@pytest.fixture
def receiver():
    """Run the back channel of a client."""
    with a_receiver() as running:
        yield running


@pytest.fixture
def browser(server):
    """Return a browser that was never here."""
    with Browser(server.url) as browser:
        yield browser


def told_app(http, receiver, path="/logout", **members):
    """Register a client that is told of logouts at *path* of *receiver*."""
    return an_app(
        http,
        backchannel_logout_uri=f"{receiver.url}{path}",
        backchannel_logout_session_required=True,
        post_logout_redirect_uris=[BACK],
        **members,
    )


def sign_out(browser, id_token):
    """Sign out as a client asks for."""
    sent = {"id_token_hint": id_token, "post_logout_redirect_uri": BACK, "state": "s"}
    shown = browser.open(f"/logout?{urlencode(sent)}")
    assert f"{BACK}?state=s" == shown.location


@pytest.mark.spec("C-059", "J-051", "J-052", "L-010", "L-011", "L-012", "L-013")
def test_a_logout_token_arrives_at_once(http, server, browser, receiver):
    """oidcc-backchannel-rp-initiated-logout: the client verifies it and ends its session."""
    app = told_app(http, receiver)
    id_token = claims_of(hint := app.sign_in(browser)["id_token"])

    sign_out(browser, hint)

    (posted,) = receiver.wait_for(1)
    header, claims = posted.verified(server.url)
    assert "logout+jwt" == header["typ"]
    assert {
        "iss": server.url,
        "aud": app.body["client_id"],
        "sub": id_token["sub"],
        "sid": id_token["sid"],
        "events": {EVENT: {}},
    } == {name: claims[name] for name in ("iss", "aud", "sub", "sid", "events")}
    assert {"iss", "aud", "sub", "sid", "events", "iat", "exp", "jti"} == set(claims)


def test_every_client_of_the_session_is_told_once(http, browser, receiver):
    """Leaving one of them is leaving them all."""
    apps = [told_app(http, receiver, path) for path in ("/one", "/two", "/three")]
    hints = [app.sign_in(browser)["id_token"] for app in apps]

    sign_out(browser, hints[0])

    told = receiver.wait_for(3)
    assert {app.body["client_id"] for app in apps} == {one.claims["aud"] for one in told}
    assert 1 == len({one.claims["sid"] for one in told})


def test_a_client_of_another_session_is_not_told(http, server, browser, receiver):
    """Signing out at work leaves the phone signed in."""
    here, elsewhere = told_app(http, receiver, "/here"), told_app(http, receiver, "/elsewhere")
    hint = here.sign_in(browser)["id_token"]
    with Browser(server.url) as other:
        elsewhere.sign_in(other)

    sign_out(browser, hint)

    assert ["/here"] == [one.path for one in receiver.wait_for(1)]


def test_a_person_who_signs_out_everywhere_is_gone_everywhere(http, server, browser, receiver):
    """The button for the lost laptop."""
    app = told_app(http, receiver)
    first = claims_of(app.sign_in(browser)["id_token"])["sid"]
    with Browser(server.url) as other:
        second = claims_of(app.sign_in(other)["id_token"])["sid"]
    page = browser.open("/account")
    (button,) = [button for button in page.form.buttons if button[0] == "sign_out_everywhere"]

    browser.press(page, button)

    sids = {one.claims["sid"] for one in receiver.wait_for(2)}
    assert {first, second} <= sids


@pytest.mark.spec("L-014")
def test_refresh_tokens_of_the_session_end_with_it(http, browser, receiver):
    """Back-Channel Logout §2.7: but for those that were to work when nobody is there."""
    app = told_app(http, receiver)
    online = app.sign_in(browser, scope="openid")
    offline = app.sign_in(browser, scope="openid offline_access")

    sign_out(browser, online["id_token"])

    answers = [app.refresh(tokens["refresh_token"]) for tokens in (online, offline)]
    assert [400, 200] == [answer.status_code for answer in answers]
    assert not app.is_active(online["access_token"])


def test_a_client_that_fails_is_told_again(http, browser, receiver):
    """It was being deployed; its person is signed out all the same."""
    receiver.status = 503
    app = told_app(http, receiver)
    sign_out(browser, app.sign_in(browser)["id_token"])
    receiver.wait_for(1)

    receiver.status = 200

    first, second = receiver.wait_for(2)[:2]
    assert first.claims["sid"] == second.claims["sid"]
    assert first.claims["jti"] != second.claims["jti"]


def test_what_is_owed_survives_the_death_of_the_server(tmp_path, receiver, stores):
    """At least once: whoever was promised to be told is told by the next server."""
    receiver.status = 503
    with running_server(tmp_path, stores=stores) as server, Browser(server.url) as browser:
        with httpx2.Client(base_url=server.url, trust_env=False, timeout=20) as http:
            app = told_app(http, receiver)
            hint = app.sign_in(browser)["id_token"]
        sid = claims_of(hint)["sid"]
        sign_out(browser, hint)
        receiver.wait_for(1)
        server.kill()
        port = int(server.url.rpartition(":")[2])
    before = len(receiver.posted)

    receiver.status = 200
    with running_server(tmp_path, port=port, stores=stores) as server:
        told = receiver.wait_for(before + 1)
        _, claims = told[-1].verified(server.url)

    assert sid == claims["sid"]
