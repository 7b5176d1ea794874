"""An access token says who it is for, what it may do and until when; asking in vain is told."""

import json
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any

import pytest

from registrary.authserver.grants.client_credentials import granted_scope
from registrary.authserver.grants.request import TokenAnswer, TokenRequest
from registrary.authserver.presented import Refusal
from registrary.authserver.resources import resources_asked_for
from registrary.core.issuer import Lifetimes, Resource
from registrary.core.jose import ClaimRules, verify_jwt
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.ports.keys import NoSigningKey
from registrary.testing.factories import a_client, an_issuer, some_metadata
from tests.unit.authserver.kit import Server

API = "https://api.example/"
OTHER = "https://other.example/v1"
REFUSED = "invalid_scope"


def claims_of(token: str) -> dict[str, Any]:
    """Return what *token* says."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


@pytest.mark.parametrize(
    ("registered", "asked", "granted"),
    [
        ("read write", None, "read write"),
        ("read write", "", "read write"),
        ("read write", "  ", "read write"),
        ("read write", "read", "read"),
        ("read write", "write read", "write read"),
        ("read write", "read read", "read"),
        ("read write", "read admin", "read"),
        ("read write", "read unheard_of", "read"),
        ("read write", "READ", REFUSED),
        ("read write", "admin", REFUSED),
        ("read write", "unheard_of", REFUSED),
        ("read write admin", "admin", "admin"),
        ("read", "write", REFUSED),
        ("openid profile", None, ""),
        ("openid profile", "openid", ""),
        ("openid read", None, "read"),
        ("openid read", "openid", ""),
        ("openid read", "openid read", "read"),
        ("openid read", "openid admin", REFUSED),
        ("read gone_from_the_catalogue", None, "read"),
        ("read gone_from_the_catalogue", "gone_from_the_catalogue", REFUSED),
        ("", None, ""),
        ("", "read", REFUSED),
        ("read", 'read"', REFUSED),
        ("read", "read\\", REFUSED),
        ("read", "read\n", REFUSED),
        ("read", "réad", REFUSED),
        ("read", " ".join(f"s{n}" for n in range(300)), REFUSED),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_scope_in_a_clients_own_name(registered, asked, granted):
    """It gets what it registered and asked for; OpenID scopes mean nothing without a person."""
    client = a_client(metadata=some_metadata(scope=registered))

    found = granted_scope(an_issuer(scopes=DEVELOPMENT_SCOPES), client, asked)

    assert granted == (found.code if isinstance(found, Refusal) else found)


@pytest.mark.parametrize(
    ("uri", "is_dev", "expected"),
    [
        (API, False, True),
        (API, True, True),
        ("https://api.example", False, True),
        ("https://API.example/", False, True),
        ("https://other.api.example/", False, False),
        ("https://api.example/x", False, False),
        ("http://localhost:9000/mcp", False, False),
        ("http://localhost:9000/mcp", True, True),
        ("http://127.0.0.1:9000", True, True),
        ("http://[::1]:9000/", True, True),
        ("http://localhost.evil.example/", True, False),
        ("http://127.0.0.1@evil.example/", True, False),
        ("http://127.0.0.2/", True, False),
        ("http://evil.example/", True, False),
        ("https://evil.example/", True, False),
        ("http://localhost/#fragment", True, False),
        ("localhost:9000", True, False),
        ("", True, False),
        ("http://localhost/\n", True, False),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_which_resources_tokens_may_be_meant_for(uri, is_dev, expected):
    """A token for whatever a client names would be good at an attacker's API (RFC 8707 §3)."""
    issuer = an_issuer(resources=(Resource(uri=API),), dev=is_dev)

    found = resources_asked_for(issuer, [uri])

    assert expected is isinstance(found, tuple)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("resources", "audience"),
    [
        ((), "https://registry.example"),
        ((API,), API),
        ((API, OTHER), [API, OTHER]),
        ((API, "https://evil.example/"), "invalid_target"),
        (("",), "invalid_target"),
    ],
    ids=str,
)
async def test_a_token_is_for_the_resources_asked_for(resources, audience):
    """One bad resource refuses the request: a narrower token would surprise later, elsewhere."""
    server = Server(resources=(Resource(uri=API), Resource(uri=OTHER)))
    await server.make_key()
    client = await server.service()

    found = await server.grants.client_credentials.redeem(
        server.context, TokenRequest(client=client, resources=resources)
    )

    shown = found.code if isinstance(found, Refusal) else claims_of(found.access_token)["aud"]
    assert audience == shown


@pytest.mark.anyio
@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
async def test_a_token_says_what_rfc_9068_demands(alg):
    """A resource server that knows only the standard verifies it with the published keys."""
    lifetimes = Lifetimes(access_token=timedelta(minutes=5))
    server = Server(access_token_signing_alg=alg, lifetimes=lifetimes)
    await server.make_key(alg)
    client = await server.service()

    token = await server.token(client)

    rules = ClaimRules(types=frozenset({"at+jwt"}), issuer="https://registry.example")
    jwks = await server.signer.public_jwks(server.context.id)
    claims = verify_jwt(token, jwks, algorithms=[alg], rules=rules, now=server.clock.now())
    demanded = {"iss", "sub", "client_id", "aud", "iat", "exp", "jti", "scope"}
    assert demanded | {"status"} == set(claims.members)
    assert (client.client_id, client.client_id) == (
        claims.members["sub"],
        claims.members["client_id"],
    )
    assert 300 == claims.members["exp"] - claims.members["iat"]


@pytest.mark.anyio
async def test_every_token_has_its_own_id():
    """Revoking one token must not end another."""
    server = Server()
    await server.make_key()
    client = await server.service()

    ids = {claims_of(await server.token(client))["jti"] for _ in range(50)}

    assert 50 == len(ids)


@pytest.mark.anyio
async def test_an_empty_scope_is_left_out():
    """RFC 6749 §3.3 has no empty scope; a client with OpenID scopes alone gets a bare token."""
    server = Server()
    await server.make_key()
    client = await server.service(scope="openid profile")

    found = await server.grants.client_credentials.redeem(
        server.context, TokenRequest(client=client, resources=())
    )

    assert isinstance(found, TokenAnswer)
    assert found.scope is None
    assert "scope" not in claims_of(found.access_token)


@pytest.mark.anyio
async def test_a_client_gets_only_what_its_grants_allow():
    """A web application's secret is not a service account."""
    server = Server()
    await server.make_key()
    client = await server.service(grant_types=["authorization_code"])

    found = await server.grants.client_credentials.redeem(
        server.context, TokenRequest(client=client, resources=())
    )

    assert isinstance(found, Refusal)
    assert "unauthorized_client" == found.code
    assert {} == dict(server.issues.noted)


@pytest.mark.anyio
async def test_issues_are_counted_by_client():
    """One row per token would let a busy service fill the log."""
    server = Server()
    await server.make_key()
    client = await server.service()

    for _ in range(3):
        await server.token(client)

    assert {(server.context.id, client.client_id, "client_credentials"): 3} == dict(
        server.issues.noted
    )
    assert [] == await server.events()


@pytest.mark.anyio
async def test_without_a_key_nothing_is_issued():
    """An outage is said to be one; a token signed by nobody never leaves."""
    server = Server()
    client = await server.service()

    with pytest.raises(NoSigningKey):
        await server.token(client)
