"""Subscribers are told of what ended (RFC 8417 over RFC 8935), over HTTP."""

import time

import pytest

from tests.protocol.flows import an_app
from tests.protocol.kit import OPERATOR, SERVERS_OWN, SERVICE, bearer
from tests.protocol.people import Browser
from tests.protocol.receiver import (
    PATIENCE_SECONDS,
    Posted,
    a_receiver,
)

CAEP = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
OURS = "urn:registrary:event:client-"
KEY = "Bearer of-the-receiver"


@pytest.fixture
def receiver():
    """Run somebody who wants to be told."""
    with a_receiver() as running:
        yield running


@pytest.fixture
def stream(http, receiver):
    """Return the address of a stream to *receiver*, which is gone after the test."""
    made = subscribe(http, receiver, authorization=KEY)
    address = f"/api/v1/event-streams/{made['id']}"
    yield address
    http.delete(address, headers=OPERATOR)


def subscribe(http, receiver, **members):
    """Add a stream, and return what is shown of it."""
    wish = {"url": f"{receiver.url}/events", "audience": "https://receiver.example"} | members
    answer = http.post("/api/v1/event-streams", json=wish, headers=OPERATOR)
    assert answer.status_code == 201, answer.text
    return answer.json()


def of_client(receiver, client, count):
    """Return the types of events about *client*, in order of what happened, once they are there."""
    found: list[Posted] = []
    end = time.monotonic() + PATIENCE_SECONDS
    while len(found) < count and time.monotonic() < end:
        found = [one for one in receiver.posted if one.claims["sub_id"].get("id") == client]
        time.sleep(0.02)
    return [kind for one in sorted(found, key=lambda one: one.claims["iat"]) for kind in one.events]


@pytest.mark.spec("J-053", "L-040", "L-041")
@pytest.mark.usefixtures("stream")
def test_a_revoked_client_is_told_of_at_once(http, server, register, receiver):
    """A gateway that keeps tokens it has seen drops those of this client."""
    client = register(**SERVICE).json()["client_id"]
    address = f"/api/v1/clients/{client}"

    http.request("DELETE", address, json={"reason": "gone"}, headers=OPERATOR)

    assert [f"{OURS}revoked"] == of_client(receiver, client, 1)
    (posted,) = [one for one in receiver.posted if one.claims["sub_id"].get("id") == client]
    header, claims = posted.verified(server.url)
    assert ("secevent+jwt", "RS256") == (header["typ"], header["alg"])
    assert ("application/secevent+jwt", KEY) == (
        posted.headers["content-type"],
        posted.headers["authorization"],
    )
    assert (server.url, "https://receiver.example") == (claims["iss"], claims["aud"])
    assert {"iss", "aud", "iat", "jti", "sub_id", "events"} == set(claims)
    assert {"format": "opaque", "id": client} == claims["sub_id"]
    assert "admin" == claims["events"][f"{OURS}revoked"]["initiating_entity"]


@pytest.mark.usefixtures("stream")
def test_a_client_is_suspended_resumed_and_deleted(http, register, receiver):
    """Each change of what its tokens are worth, and none of those that change nothing."""
    made = register(**SERVICE).json()
    client = made["client_id"]
    holds = f"/api/v1/clients/{client}/holds"

    for kind in ("dormant", "review_overdue"):
        http.post(holds, json={"kind": kind, "reason": "asleep"}, headers=OPERATOR)
    of_client(receiver, client, 1)
    for kind in ("dormant", "review_overdue"):
        http.delete(f"{holds}/{kind}", headers=OPERATOR)
    of_client(receiver, client, 2)
    http.delete(made["registration_client_uri"], headers=bearer(made["registration_access_token"]))

    told = of_client(receiver, client, 3)
    assert sorted(f"{OURS}{what}" for what in ("suspended", "resumed", "deleted")) == sorted(told)


@pytest.mark.usefixtures("stream")
def test_a_client_that_lost_something_is_told_of(http, register, receiver):
    """A cache drops tokens that allow more than the client still may."""
    made = register(**SERVICE, scope="read write").json()
    kept = {name: value for name, value in made.items() if name not in SERVERS_OWN}

    updated = http.put(
        made["registration_client_uri"],
        json=kept | {"scope": "read"},
        headers=bearer(made["registration_access_token"]),
    )

    assert 200 == updated.status_code
    assert [f"{OURS}tokens-ended"] == of_client(receiver, made["client_id"], 1)


@pytest.mark.usefixtures("stream")
def test_a_session_that_ended_is_told_of(http, server, receiver):
    """A resource server with sessions of its own ends the one that came of this."""
    app = an_app(http)
    with Browser(server.url) as browser:
        app.sign_in(browser)
        page = browser.open("/account")
        (button,) = [one for one in page.form.buttons if one[0] == "sign_out_everywhere"]
        browser.press(page, button)

    told = [one for one in receiver.wait_for(1) if one.events == [CAEP]]
    assert "iss_sub" == told[0].claims["sub_id"]["format"]


@pytest.mark.usefixtures("stream")
def test_a_disconnected_app_is_told_of(http, server, receiver):
    """Whoever keeps tokens of this person from this app drops them, and no other's."""
    app = an_app(http)
    with Browser(server.url) as browser:
        app.sign_in(browser)
        page = browser.open("/account")
        browser.press(page, ("disconnect", app.body["client_id"]))

    (told,) = [
        one
        for one in receiver.wait_for(1)
        if one.claims["sub_id"].get("application", {}).get("id") == app.body["client_id"]
    ]
    assert [CAEP] == told.events
    assert "iss_sub" == told.claims["sub_id"]["user"]["format"]


def test_only_what_was_asked_for_is_told(http, register, receiver):
    """Who wants revocations alone is not woken by suspensions."""
    made = subscribe(http, receiver, events=[f"{OURS}revoked"])
    client = register(**SERVICE).json()["client_id"]
    address = f"/api/v1/clients/{client}"

    http.post(f"{address}/holds", json={"kind": "admin", "reason": "x"}, headers=OPERATOR)
    http.request("DELETE", address, json={"reason": "gone"}, headers=OPERATOR)

    assert [f"{OURS}revoked"] == of_client(receiver, client, 1)
    http.delete(f"/api/v1/event-streams/{made['id']}", headers=OPERATOR)


def test_a_verification_event_comes_on_demand(http, stream, receiver):
    """Whoever sets a receiver up wants to see something arrive."""
    asked = http.post(f"{stream}/verification", json={"state": "x-1"}, headers=OPERATOR)

    told = receiver.wait_for(1)
    assert 204 == asked.status_code
    assert {"state": "x-1"} == told[0].claims["events"][VERIFICATION]


def test_what_is_shown_of_a_stream_holds_no_credentials(http, stream):
    """The header lets events in; an administrator who may read must not be able to send."""
    shown = http.get(stream, headers=OPERATOR)
    listed = http.get("/api/v1/event-streams", headers=OPERATOR)

    assert shown.json()["has_authorization"]
    assert not [answer for answer in (shown, listed) if "of-the-receiver" in answer.text]


def test_what_lets_events_in_goes_to_no_other_host(http, stream, receiver):
    """An administrator points the stream at a host of their own, to learn what nobody is shown."""
    with a_receiver() as elsewhere:
        within = http.patch(stream, json={"url": f"{receiver.url}/events?v=2"}, headers=OPERATOR)
        moved = http.patch(stream, json={"url": f"{elsewhere.url}/events"}, headers=OPERATOR)
        http.post(f"{stream}/verification", json={}, headers=OPERATOR)
        told = elsewhere.wait_for(1)

    assert within.json()["has_authorization"]
    assert not moved.json()["has_authorization"]
    assert [] == [one for one in told if "authorization" in one.headers]


def test_a_paused_stream_gets_nothing(http, stream, register, receiver):
    """While a receiver is repaired its events wait for it."""
    http.patch(stream, json={"paused": True}, headers=OPERATOR)
    client = register(**SERVICE).json()["client_id"]
    http.request("DELETE", f"/api/v1/clients/{client}", json={"reason": "x"}, headers=OPERATOR)

    other = subscribe(http, receiver, url=f"{receiver.url}/other")
    http.post(f"/api/v1/event-streams/{other['id']}/verification", json={}, headers=OPERATOR)
    receiver.wait_for(1, path="/other")

    assert [] == receiver.at("/events")
    http.delete(f"/api/v1/event-streams/{other['id']}", headers=OPERATOR)


REFUSED = {
    "http": {"url": "http://receiver.example/"},
    "no-url": {"url": "receiver"},
    "fragment": {"url": "https://receiver.example/#x"},
    "another-event": {"events": ["urn:other"]},
    "verification": {"events": [VERIFICATION]},
    "two-lines": {"authorization": "Bearer a\r\nX: y"},
    "no-scheme": {"authorization": "secret"},
    "no-audience": {"audience": ""},
    "unknown": {"secret": "x"},
}


@pytest.mark.parametrize("members", REFUSED.values(), ids=REFUSED.keys())
def test_what_no_stream_can_be_is_refused(members, http):
    """What is registered with addresses is judged like any other address (threat 44)."""
    wish = {"url": "https://receiver.example/"} | members

    answer = http.post("/api/v1/event-streams", json=wish, headers=OPERATOR)

    assert 400 == answer.status_code
    assert not [
        value
        for value in members.values()
        if isinstance(value, str) and value and value in answer.text
    ]


def test_the_transmitter_describes_itself(http, server):
    """Receivers find the keys without being told where they are (Shared Signals §7.1)."""
    document = http.get("/.well-known/ssf-configuration").json()

    assert (server.url, f"{server.url}/jwks", ["urn:ietf:rfc:8935"]) == (
        document["issuer"],
        document["jwks_uri"],
        document["delivery_methods_supported"],
    )
