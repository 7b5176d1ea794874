"""What credentials are worth: tokens, introspection, revocation (RFC 6749, 7523, 7662, 7009)."""

import json
import time
import uuid
from base64 import urlsafe_b64decode
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from registrary.testing.server import ADMIN_TOKEN

ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def a_service(register, **members: Any) -> dict[str, Any]:
    """Return a client that gets tokens in its own name."""
    wanted = {"grant_types": ["client_credentials"], "redirect_uris": None, "scope": "read write"}
    body: dict[str, Any] = register(**wanted | members).json()
    return body


def credentials(body: dict[str, Any]) -> tuple[str, str]:
    """Return id and secret, for Basic authentication."""
    return body["client_id"], body["client_secret"]


def get_token(http: httpx2.Client, body: dict[str, Any], **form: str) -> httpx2.Response:
    """Ask for a token with Basic authentication."""
    data = {"grant_type": "client_credentials"} | form
    return http.post("/token", data=data, auth=credentials(body))


def is_active(http: httpx2.Client, body: dict[str, Any], token: str) -> bool:
    """Introspect *token* as the client itself."""
    answer = http.post("/introspect", data={"token": token}, auth=credentials(body))
    assert 200 == answer.status_code
    return bool(answer.json()["active"])


def an_assertion(http: httpx2.Client, body: dict[str, Any], key: Any, **changes: Any) -> str:
    """Return a client assertion signed with *key*."""
    issuer = http.get("/.well-known/oauth-authorization-server").json()["issuer"]
    now = int(time.time())
    claims = {
        "iss": body["client_id"],
        "sub": body["client_id"],
        "aud": issuer,
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    } | changes
    algorithm = "HS256" if isinstance(key, OctKey) else "ES256"
    header = {"alg": algorithm} | ({"kid": key.kid} if key.kid else {})
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def with_assertion(http: httpx2.Client, assertion: str) -> httpx2.Response:
    """Ask for a token with a client assertion."""
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    return http.post("/token", data=form)


def test_a_service_gets_a_token_that_verifies(http: httpx2.Client, register) -> None:
    """A resource server verifies it with the published keys and nothing else (RFC 9068)."""
    body = a_service(register)
    answer = get_token(http, body, scope="read", resource="https://api.example/")

    keys = KeySet.import_key_set(http.get("/jwks").json())
    token = jwt.decode(answer.json()["access_token"], keys, algorithms=["ES256"])
    assert (200, "Bearer", "read") == (
        answer.status_code,
        answer.json()["token_type"],
        answer.json()["scope"],
    )
    assert "no-store" == answer.headers["cache-control"]
    assert "at+jwt" == token.header["typ"]
    assert ("https://api.example/", body["client_id"], body["client_id"], "read") == (
        token.claims["aud"],
        token.claims["sub"],
        token.claims["client_id"],
        token.claims["scope"],
    )


def test_without_a_resource_the_issuer_is_the_audience(http: httpx2.Client, register) -> None:
    """A token always says whom it is for."""
    token = get_token(http, a_service(register)).json()["access_token"]
    payload = token.split(".")[1]
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    assert claims["iss"] == claims["aud"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "unheard_of"}, "invalid_scope"),
        ({"resource": "https://other.example/"}, "invalid_target"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
    ],
    ids=str,
)
def test_what_cannot_be_granted_is_refused(
    http: httpx2.Client, register, form: dict[str, str], error: str
) -> None:
    """A client learns what it asked for in vain."""
    response = get_token(http, a_service(register), **form)

    assert (400, error) == (response.status_code, response.json()["error"])


def test_a_repeated_parameter_is_refused(http: httpx2.Client, register) -> None:
    """A proxy and this server must not read two different values."""
    response = http.post(
        "/token",
        content="grant_type=client_credentials&grant_type=client_credentials",
        headers={"content-type": "application/x-www-form-urlencoded"},
        auth=credentials(a_service(register)),
    )

    assert (400, "invalid_request") == (response.status_code, response.json()["error"])


def test_a_client_uses_only_the_grants_it_registered(http: httpx2.Client, register) -> None:
    """The server holds a client to what it registered."""
    response = get_token(http, register().json())

    assert (400, "unauthorized_client") == (response.status_code, response.json()["error"])


@pytest.mark.spec("C-017", "T-18")
def test_basic_and_post_stand_for_each_other(http: httpx2.Client, register) -> None:
    """Libraries choose one or the other without asking."""
    body = a_service(register, token_endpoint_auth_method="client_secret_post")
    form = {
        "grant_type": "client_credentials",
        "client_id": body["client_id"],
        "client_secret": body["client_secret"],
    }

    statuses = [http.post("/token", data=form).status_code, get_token(http, body).status_code]

    assert [200, 200] == statuses


def test_refused_clients_cannot_be_told_apart(http: httpx2.Client, register) -> None:
    """Nobody learns which client ids exist."""
    body = a_service(register)
    wrong = [
        (body["client_id"], "wrong"),
        ("0" * 32, "wrong"),
        ("nobody", body["client_secret"]),
    ]

    answers = [
        http.post("/token", data={"grant_type": "client_credentials"}, auth=pair) for pair in wrong
    ]

    assert {401} == {answer.status_code for answer in answers}
    assert 1 == len({answer.content for answer in answers})
    assert answers[0].headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("way", ["header_and_form", "form_and_assertion"])
def test_two_ways_at_once_are_refused(http: httpx2.Client, register, way: str) -> None:
    """RFC 6749 §2.3: one method in each request."""
    body = a_service(register)
    form = {"grant_type": "client_credentials", "client_secret": body["client_secret"]}
    if way == "form_and_assertion":
        form |= {"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE}
        response = http.post("/token", data=form)
    else:
        response = http.post("/token", data=form, auth=credentials(body))

    assert (400, "invalid_request") == (response.status_code, response.json()["error"])


@pytest.mark.spec("E-100", "E-103")
def test_a_signed_assertion_proves_a_client_once(http: httpx2.Client, register) -> None:
    """Replaying an assertion that leaked gets nothing (threat 31)."""
    key = ECKey.generate_key("P-256", {"kid": "one"})
    jwks = {"keys": [key.as_dict(private=False)]}
    body = a_service(register, token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    assertion = an_assertion(http, body, key)

    first, second = with_assertion(http, assertion), with_assertion(http, assertion)

    assert "client_secret" not in body
    assert [200, 401] == [first.status_code, second.status_code]


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": ["https://other.example", "x"]},
        {"exp": 1},
        {"jti": None},
        {"sub": "another"},
    ],
    ids=str,
)
@pytest.mark.spec("E-100", "E-103")
def test_a_bad_assertion_proves_nothing(
    http: httpx2.Client, register, changes: dict[str, Any]
) -> None:
    """An assertion for somebody else, or without an end, is worth nothing here."""
    key = ECKey.generate_key("P-256", {"kid": "one"})
    jwks = {"keys": [key.as_dict(private=False)]}
    body = a_service(register, token_endpoint_auth_method="private_key_jwt", jwks=jwks)

    response = with_assertion(http, an_assertion(http, body, key, **changes))

    assert (401, "invalid_client") == (response.status_code, response.json()["error"])


@pytest.mark.spec("C-026", "T-05", "T-07")
def test_a_secret_may_sign_instead_of_travelling(http: httpx2.Client, register) -> None:
    """client_secret_jwt works, because such a secret is kept sealed and not only digested."""
    body = a_service(register, token_endpoint_auth_method="client_secret_jwt")
    key = OctKey.import_key(body["client_secret"])

    by_assertion = with_assertion(http, an_assertion(http, body, key))
    by_secret = get_token(http, body)

    assert [200, 401] == [by_assertion.status_code, by_secret.status_code]


@pytest.mark.parametrize("before", ["client_secret_basic", "none"])
@pytest.mark.spec("B-050", "T-05", "T-07")
def test_a_client_that_will_sign_gets_a_secret_that_can(
    http: httpx2.Client, register, before: str
) -> None:
    """Of a secret that only travelled a digest is kept, and no digest verifies a signature."""
    wanted = {"redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": before}
    body = register(**wanted).json()
    document = wanted | {
        "client_id": body["client_id"],
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_jwt",
    }
    headers = {"authorization": f"Bearer {body['registration_access_token']}"}
    changed = http.put(body["registration_client_uri"], json=document, headers=headers).json()

    key = OctKey.import_key(changed["client_secret"])
    answer = with_assertion(http, an_assertion(http, changed, key))

    assert body.get("client_secret") != changed["client_secret"]
    assert 200 == answer.status_code


def test_a_client_introspects_its_own_tokens_only(http: httpx2.Client, register) -> None:
    """What others hold is not its business."""
    mine, other = a_service(register), a_service(register)
    token = get_token(http, mine).json()["access_token"]

    assert [True, False] == [is_active(http, mine, token), is_active(http, other, token)]


def test_introspection_wants_a_confidential_client(http: httpx2.Client, register) -> None:
    """RFC 7662 §2.1: it must not become a scanner for tokens."""
    public = register(token_endpoint_auth_method="none").json()
    form = {"token": "x", "client_id": public["client_id"]}

    assert 401 == http.post("/introspect", data=form).status_code
    assert 401 == http.post("/introspect", data={"token": "x"}, headers=ADMIN).status_code


def test_a_revoked_token_is_inactive_at_once(http: httpx2.Client, register) -> None:
    """RFC 7009: revoking twice does no harm, and nobody revokes another's token."""
    mine, other = a_service(register), a_service(register)
    token = get_token(http, mine).json()["access_token"]
    data = {"token": token}

    foreign = http.post("/revoke", data=data, auth=credentials(other)).status_code
    statuses = [http.post("/revoke", data=data, auth=credentials(mine)).status_code for _ in "12"]
    unknown = http.post("/revoke", data={"token": "x"}, auth=credentials(mine)).status_code

    assert (400, [200, 200], 200) == (foreign, statuses, unknown)
    assert not is_active(http, mine, token)


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [("admin", "invalid_client", 401), ("dormant", "unauthorized_client", 400)],
)
def test_a_held_client_stops_everywhere(
    http: httpx2.Client, register, kind: str, error: str, status: int
) -> None:
    """A suspended client's tokens end at once; a soft hold says that help is possible."""
    body, watcher = a_service(register), a_service(register)
    token = get_token(http, body).json()["access_token"]
    path = f"/api/v1/clients/{body['client_id']}/holds"
    http.post(path, json={"reason": "test", "kind": kind}, headers=ADMIN)

    held = get_token(http, body)
    http.delete(f"{path}/{kind}", headers=ADMIN)

    assert (status, error) == (held.status_code, held.json()["error"])
    assert is_active(http, body, token) is (kind == "dormant")
    assert 200 == get_token(http, body).status_code
    assert not is_active(http, watcher, token)


@pytest.mark.spec("B-060", "B-061", "B-064")
def test_a_deleted_client_cannot_authenticate(http: httpx2.Client, register) -> None:
    """Deletion kills everything (RFC 7592 §2.3)."""
    body = a_service(register)
    headers = {"authorization": f"Bearer {body['registration_access_token']}"}
    http.delete(body["registration_client_uri"], headers=headers)

    response = get_token(http, body)

    assert (401, "invalid_client") == (response.status_code, response.json()["error"])


def test_a_rotated_secret_overlaps_until_the_new_one_is_used(http: httpx2.Client, register) -> None:
    """A fleet changes its secret without an outage."""
    body = a_service(register)
    headers = {"authorization": f"Bearer {body['registration_access_token']}"}
    document = {
        "client_id": body["client_id"],
        "grant_types": ["client_credentials"],
        "scope": "read write",
    }
    uri = f"{body['registration_client_uri']}?rotate=client_secret"
    fresh = http.put(uri, json=document, headers=headers).json()

    statuses = [get_token(http, client).status_code for client in (body, fresh, body)]

    assert [200, 200, 401] == statuses
