"""Tokens for tokens over HTTP (RFC 8693), and what is asked of who may."""

import pytest

from tests.protocol.flows import EVERYTHING, an_app, claims_of
from tests.protocol.kit import error_of
from tests.protocol.people import Browser

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
GRANTS = ["authorization_code", "refresh_token", EXCHANGE]
API = "https://api.example/"


@pytest.fixture
def browser(server):
    """Return a browser."""
    with Browser(server.url) as browser:
        yield browser


def exchange(app, token, **form):
    """Exchange *token* as *app*."""
    named = {"subject_token": token, "subject_token_type": ACCESS_TOKEN} | form
    return app.ask("/token", grant_type=EXCHANGE, **named)


@pytest.mark.spec("G-080", "G-081", "G-084")
def test_a_token_is_narrowed_and_ends_with_the_first(browser, http):
    """The whole way: sign in, narrow, use, disconnect."""
    app = an_app(http, grant_types=GRANTS)
    tokens = app.sign_in(browser, scope=EVERYTHING, resource=API)

    answer = exchange(app, tokens["access_token"], scope="read", audience=API)
    narrow = answer.json()
    before = app.is_active(narrow["access_token"])
    app.ask("/revoke", token=tokens["refresh_token"])

    assert {"access_token", "issued_token_type", "token_type", "expires_in", "scope"} == set(narrow)
    assert (ACCESS_TOKEN, "read") == (narrow["issued_token_type"], narrow["scope"])
    assert claims_of(tokens["access_token"])["sub"] == claims_of(narrow["access_token"])["sub"]
    assert (True, False) == (before, app.is_active(narrow["access_token"]))


@pytest.mark.spec("G-081", "G-082")
def test_what_is_refused(browser, http):
    """More than there is, for elsewhere, or for a token of another kind."""
    app = an_app(http, grant_types=GRANTS)
    tokens = app.sign_in(browser, scope="openid read", resource=API)
    token = tokens["access_token"]

    refused = [
        exchange(app, token, scope="write"),
        exchange(app, token, resource="http://localhost:9999/"),
        exchange(app, token, audience="somebody"),
        exchange(app, tokens["id_token"]),
        exchange(app, token, subject_token_type="urn:ietf:params:oauth:token-type:jwt"),
        app.ask("/token", grant_type=EXCHANGE),
        an_app(http).ask("/token", grant_type=EXCHANGE, subject_token=token),
    ]

    assert [
        "invalid_scope",
        "invalid_target",
        "invalid_target",
        "invalid_request",
        "invalid_request",
        "invalid_request",
        "unauthorized_client",
    ] == [answer.json()["error"] for answer in refused]


@pytest.mark.spec("G-095")
def test_profiles_of_grants_are_published(http):
    """A client finds out that enterprise-managed authorization works here."""
    metadata = http.get("/.well-known/oauth-authorization-server").json()

    assert ["urn:ietf:params:oauth:grant-profile:id-jag"] == metadata[
        "authorization_grant_profiles_supported"
    ]
    assert {EXCHANGE, JWT_BEARER} <= set(metadata["grant_types_supported"])


def test_an_assertion_of_nobody_is_refused(http):
    """Without an identity provider nobody's word counts."""
    app = an_app(http, grant_types=[JWT_BEARER], redirect_uris=[])

    found = [
        app.ask("/token", grant_type=JWT_BEARER),
        app.ask("/token", grant_type=JWT_BEARER, assertion="e30.e30.e30"),
    ]

    assert [(400, "invalid_request"), (400, "invalid_grant")] == [error_of(one) for one in found]
