"""A status list over HTTP, read by a decoder of this test's own."""

import base64
import json
import zlib
from urllib.parse import quote

import httpx2
import pytest
from joserfc import jwt as other_jwt
from joserfc.jwk import KeySet

from tests.protocol.flows import an_app
from tests.protocol.kit import OPERATOR, SERVICE, bearer, eventually
from tests.protocol.people import Browser, authorize_path


def client_of(register, **members):
    """Return a client that gets tokens in its own name."""
    made = register(**{**SERVICE, "scope": "read", **members})
    assert made.status_code == 201, made.text
    return made.json()


def token_of(http, client):
    """Return an access token of *client*."""
    answer = http.post(
        "/token",
        data={"grant_type": "client_credentials"},
        auth=(client["client_id"], client["client_secret"]),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def place_of(token):
    """Return the address of the list and the place in it that *token* names."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    named = claims["status"]["status_list"]
    return named["uri"], named["idx"]


def listed(http, uri):
    """Return header and claims of the list at *uri*, verified by another library."""
    keys = KeySet.import_key_set(http.get("/jwks").json())
    answer = httpx2.get(uri, headers={"accept": "application/statuslist+jwt"}, trust_env=False)
    assert answer.status_code == 200, answer.text
    decoded = other_jwt.decode(answer.text, keys, algorithms=["ES256"])
    return decoded.header, decoded.claims


def bit(http, place):
    """Return the bit at *place*: the lowest bit of the first octet is the first place."""
    uri, index = place
    _, claims = listed(http, uri)
    lst = claims["status_list"]["lst"]
    octets = zlib.decompress(base64.urlsafe_b64decode(lst + "=" * (-len(lst) % 4)))
    return octets[index // 8] >> (index % 8) & 1


def flips(http, place, wanted):
    """Tell whether the bit at *place* becomes *wanted*.

    That this takes less than a second is what `StatusLists` is tested for under a clock that
    stands still: a busy machine may be slow.
    """
    return eventually(lambda: bit(http, place), wanted) == wanted


@pytest.mark.spec("J-056", "L-030", "L-031")
def test_a_list_is_what_the_draft_says(http, register, server):
    """Libraries look at type, subject and width before they believe a bit."""
    uri, _ = place_of(token_of(http, client_of(register)))

    header, claims = listed(http, uri)

    assert ("statuslist+jwt", uri, 1) == (
        header["typ"],
        claims["sub"],
        claims["status_list"]["bits"],
    )
    assert uri.startswith(f"{server.url}/status-lists/clients-")
    assert {"iss", "sub", "iat", "exp", "ttl", "status_list"} == set(claims)
    assert claims["exp"] > claims["iat"]


@pytest.mark.spec("L-032")
def test_a_suspended_client_shows_at_once(http, register):
    """An incident is over for resource servers as soon as the button is pressed."""
    client = client_of(register)
    place = place_of(token_of(http, client))
    before = bit(http, place)
    holds = f"/api/v1/clients/{client['client_id']}/holds"

    placed = http.post(holds, json={"kind": "dormant", "reason": "asleep"}, headers=OPERATOR)
    is_revoked = flips(http, place, 1)
    http.delete(f"{holds}/dormant", headers=OPERATOR)

    assert (0, 201, True, True) == (before, placed.status_code, is_revoked, flips(http, place, 0))


@pytest.mark.parametrize("by", ["itself", "an administrator"])
def test_a_client_that_ended_shows_at_once(by, http, register):
    """Whoever ends it, nobody is to serve its tokens."""
    client = client_of(register)
    place = place_of(token_of(http, client))
    before = bit(http, place)

    if by == "itself":
        address = client["registration_client_uri"]
        ended = http.delete(address, headers=bearer(client["registration_access_token"]))
    else:
        address = f"/api/v1/clients/{client['client_id']}"
        ended = http.request("DELETE", address, json={"reason": "gone"}, headers=OPERATOR)

    assert ended.status_code in {200, 204}
    assert (0, True) == (before, flips(http, place, 1))


@pytest.fixture(scope="module")
def offline(http):
    """Return a resource that verifies offline; the server follows within a second."""
    uri = "https://offline.example/"
    added = http.put(
        f"/api/v1/resources/{quote(uri, safe='')}",
        json={"name": "Gate", "verifies_offline": True},
        headers=OPERATOR,
    )
    assert added.status_code == 200, added.text
    return uri


@pytest.mark.parametrize("button", ["disconnect", "sign_out_everywhere"])
def test_what_a_person_takes_back_shows_at_once(button, http, server, offline):
    """A gate that asks nobody learns of it from its list, and of nobody else's token."""
    apps = [an_app(http), an_app(http)]
    with Browser(server.url) as browser:
        tokens = [eventually_for(offline, app, browser) for app in apps]
        places = [place_of(token) for token in tokens]
        before = [bit(http, place) for place in places]
        page = browser.open("/account")
        (pressed,) = [
            one
            for one in page.form.buttons
            if one[0] == button and (button != "disconnect" or one[1] == apps[0].body["client_id"])
        ]
        browser.press(page, pressed)

    assert {True} == {"/status-lists/grants-" in uri for uri, _ in places}
    assert [0, 0] == before
    assert flips(http, places[0], 1)
    assert (1 if button == "sign_out_everywhere" else 0) == bit(http, places[1])


def eventually_for(resource, app, browser):
    """Return an access token of *app* for *resource*, once the server knows it."""
    address, codes = authorize_path(app.body, resource=resource), []

    def is_known():
        shown = browser.go_through(address)
        codes.append(shown.result.get("code") if shown.status == 303 else None)
        return codes[-1] is not None

    assert eventually(is_known, wanted=True)
    answer = app.redeem(codes[-1], resource=resource)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def test_a_copy_that_is_still_true_is_not_sent_again(http, register):
    """A resource server that asks each second costs a line, not a list."""
    uri, _ = place_of(token_of(http, client_of(register)))
    first = http.get(uri)

    again = http.get(uri, headers={"if-none-match": first.headers["etag"]})

    assert (304, b"") == (again.status_code, again.content)
    assert "application/statuslist+jwt" == first.headers["content-type"]
    assert "public, max-age=1" == first.headers["cache-control"]
    assert "*" == first.headers["access-control-allow-origin"]


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/status-lists/clients-9999", {}, (404, "not_found")),
        ("/status-lists/..", {}, (404, "not_found")),
        ("/status-lists/clients-0?time=1", {}, (501, "not_implemented")),
        ("/status-lists/clients-0?time=1&time=2", {}, (400, "invalid_request")),
        (
            "/status-lists/clients-0",
            {"accept": "application/statuslist+cwt"},
            (406, "not_acceptable"),
        ),
    ],
    ids=["no-such-list", "no-list", "of-the-past", "repeated", "cbor"],
)
def test_what_is_not_there_is_said(path, headers, expected, http, register):
    """A verifier that gets something else would take it for a list."""
    token_of(http, client_of(register))

    answer = http.get(path, headers=headers)

    assert expected == (answer.status_code, answer.json()["error"])


def test_all_lists_are_named_in_one_place(http, register):
    """A gate that goes offline fetches them before (§9)."""
    uri, _ = place_of(token_of(http, client_of(register)))
    metadata = http.get("/.well-known/oauth-authorization-server").json()

    named = http.get(metadata["status_list_aggregation_endpoint"])

    assert uri in named.json()["status_lists"]
