"""Applications and people register clients with access tokens of their own (scope ``dcr``)."""

from typing import Any

import httpx2
import pytest

from registrary.testing.server import Stores, running_server
from tests.protocol.flows import App, Proofs, an_app
from tests.protocol.kit import OPERATOR, bearer, error_of, eventually
from tests.protocol.people import Browser

REGISTRATION = "/register"
DOCUMENT = {"redirect_uris": ["https://made.example/cb"]}
GRANTS = ["authorization_code", "client_credentials"]
SPENT_OR_BAD = (401, "invalid_token")


@pytest.fixture(scope="module")
def http(tmp_path_factory, stores: Stores):
    """Return a client of a server where applications and people may register."""
    with (
        running_server(tmp_path_factory.mktemp("by-token"), stores=stores) as server,
        httpx2.Client(base_url=server.url, trust_env=False, timeout=20) as client,
    ):
        (issuer,) = client.get("/api/v1/issuers", headers=OPERATOR).json()["items"]
        allow(client, issuer["id"], people_may_register=True, clients_may_register=True)
        yield client


@pytest.fixture(scope="module")
def app(http):
    """Return a client that an administrator allowed to register others."""
    made = an_app(http, scope="openid read", grant_types=GRANTS)
    path = f"/api/v1/clients/{made.body['client_id']}"
    answer = http.patch(path, json={"approved_scope": "dcr"}, headers=OPERATOR)
    assert answer.status_code == 200, answer.text
    return made


def allow(http, issuer_id, **switches):
    """Set *switches*, and wait until the server goes by them."""
    path = f"/api/v1/issuers/{issuer_id}"
    answer = http.patch(path, json=switches, headers=OPERATOR)
    assert answer.status_code == 200, answer.text
    probe = an_app(http, grant_types=GRANTS)
    token = own_token(probe, scope="read")
    # One without the scope tells when switches are seen: 403 then, 401 before.
    eventually(lambda: register(http, token).status_code, 403)


def own_token(app: App, **form: Any) -> str:  # Any: as `App.ask` takes it
    """Return a token that *app* gets in its own name."""
    answer = app.ask("/token", grant_type="client_credentials", **form)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def persons_token(app: App, url: str) -> str:
    """Return a token that somebody's sign-in gives *app*."""
    with Browser(url) as browser:
        token: str = app.sign_in(browser, scope="dcr")["access_token"]
    return token


def register(http, token, **members):
    """Register with *token*."""
    return http.post(REGISTRATION, json=DOCUMENT | members, headers=bearer(token))


def test_a_client_registers_one_other_with_its_own_token(http, app):
    """`interfaces`: a client's own credentials open the door, once for each token."""
    token = own_token(app, scope="dcr")

    first, second = register(http, token), register(http, token)

    assert 201 == first.status_code, first.text
    assert SPENT_OR_BAD == error_of(second)


def test_a_person_registers_one_client_after_signing_in(http, app):
    """`interfaces`: a person's login opens the door as well."""
    token = persons_token(app, str(http.base_url).rstrip("/"))

    first, second = register(http, token), register(http, token)

    assert 201 == first.status_code, first.text
    assert SPENT_OR_BAD == error_of(second)


def test_it_is_known_who_registered(http, app):
    """Who is responsible for a client is the first question about it."""
    made = register(http, own_token(app, scope="dcr")).json()

    record = http.get(f"/api/v1/clients/{made['client_id']}", headers=OPERATOR).json()

    assert app.body["client_id"] in str(record)


def test_a_refused_registration_leaves_the_token(http, app):
    """A typing error must not cost a second sign-in."""
    token = own_token(app, scope="dcr")

    refused = register(http, token, redirect_uris=["http://plain.example/cb"])
    made = register(http, token)

    assert (400, "invalid_redirect_uri") == error_of(refused)
    assert 201 == made.status_code, made.text


@pytest.mark.spec("A-007")
def test_a_token_without_the_scope_is_told_what_it_lacks(http, app):
    """RFC 6750 §3.1: a good token that may not do this is a 403, with the scope's code."""
    answer = register(http, own_token(app, scope="read"))

    assert (403, "insufficient_scope") == error_of(answer)
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_a_revoked_token_registers_nobody(http, app):
    """Revocation holds at every door that tokens open."""
    token = own_token(app, scope="dcr")
    app.ask("/revoke", token=token)

    assert SPENT_OR_BAD == error_of(register(http, token))


def test_a_token_for_another_api_registers_nobody(http, app):
    """RFC 8707 §3: an API that is shown a token must not register clients with it."""
    token = own_token(app, scope="dcr", resource="https://api.example/")

    assert SPENT_OR_BAD == error_of(register(http, token))


def test_a_bound_token_is_not_taken_from_its_mere_bearer(http, app):
    """RFC 9449 §7: nothing proves here who holds the key."""
    proof = Proofs().prove("POST", f"{app.url}/token")
    form = {"grant_type": "client_credentials", "scope": "dcr"}
    token = app.ask("/token", headers={"dpop": proof}, **form).json()["access_token"]

    assert SPENT_OR_BAD == error_of(register(http, token))


def test_a_token_is_refused_where_neither_may_register(server):
    """Each way in is a decision of the operator, and nobody is taken for a stranger."""
    with httpx2.Client(base_url=server.url, trust_env=False, timeout=20) as elsewhere:
        token = own_token(an_app(elsewhere, grant_types=GRANTS))

        assert SPENT_OR_BAD == error_of(register(elsewhere, token))


def test_the_scope_is_asked_for_by_name(http, app):
    """`interfaces`: restricted scopes are in no default set, also of those who may have them."""
    url = str(http.base_url).rstrip("/")
    with Browser(url) as browser:
        tokens = [app.ask("/token", grant_type="client_credentials").json()]
        tokens.append(app.sign_in(browser, scope=None))

    assert ["read", "openid read"] == [each["scope"] for each in tokens]
