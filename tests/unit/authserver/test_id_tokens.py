"""An ID token says who signed in, to the client that asked, in the way it registered."""

from typing import Any

import pytest

from registrary.authserver.client_encryption import NoClientKey
from registrary.authserver.id_tokens import IdTokens
from registrary.core.issuer import RuleSet
from registrary.core.jose import ClaimRules, parse_jws, verify_jwt
from registrary.core.jose.hashes import left_half_hash
from registrary.testing.clock import MOMENT
from tests.unit.authserver.grants.kit import Grants, claims_of

pytestmark = pytest.mark.anyio

NOW = int(MOMENT.timestamp())


async def issued(server, client, *, allowed=None, **beside: Any) -> str:
    """Return an ID token of the person."""
    return await IdTokens(server.services).issue(
        server.context,
        client,
        server.allowed(client, **(allowed or {})),
        person=server.person,
        **beside,
    )


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
@pytest.mark.spec("C-012", "C-041", "G-110")
async def test_it_is_signed_as_registered(alg):
    """A client verifies with the one algorithm it knows, and the published keys."""
    server = await Grants.ready()
    client = await server.web(id_token_signed_response_alg=alg)

    token = await issued(server, client)

    jwks = await server.signer.public_jwks(server.context.id)
    rules = ClaimRules(issuer=server.context.issuer.url, audiences=frozenset({client.client_id}))
    claims = verify_jwt(token, jwks, algorithms=[alg], rules=rules, now=server.clock.now())
    assert "a-subject" == claims.members["sub"]


@pytest.mark.spec("C-012", "C-041")
async def test_without_a_word_it_is_rs256():
    """Core §15.1: the one algorithm that every client has."""
    server = await Grants.ready()

    token = await issued(server, await server.web())

    assert "RS256" == parse_jws(token).alg


@pytest.mark.spec("C-012")
async def test_an_unsigned_one_is_for_who_registered_it():
    """Core §2: only from the token endpoint, and never by default."""
    server = await Grants.ready(rule_set=RuleSet.OIDF_DYNAMIC)
    client = await server.web(id_token_signed_response_alg="none")

    token = await issued(server, client, access_token="an-access-token")

    assert token.endswith(".")
    assert "at_hash" not in claims_of(token + "AA"), "nothing vouches for it"


@pytest.mark.spec("C-020", "D-006", "G-110")
async def test_what_it_says():
    """Core §2: who, to whom, by whom, when, how; and for how long."""
    server = await Grants.ready()
    client = await server.web()
    allowed = {"nonce": "n", "acr": "gold", "amr": ("pwd", "otp"), "session_id": "s"}

    claims = claims_of(await issued(server, client, allowed=allowed, access_token="a"))

    assert {
        "iss": "https://registry.example",
        "sub": "a-subject",
        "aud": client.client_id,
        "iat": NOW,
        "exp": NOW + 600,
        "auth_time": NOW,
        "nonce": "n",
        "acr": "gold",
        "amr": ["pwd", "otp"],
        "sid": "s",
        "at_hash": left_half_hash("a", alg="RS256"),
    } == claims


@pytest.mark.spec("G-111")
async def test_it_vouches_for_what_comes_beside_it():
    """Core §3.3.2.11: a code or token that was swapped on the way is noticed."""
    server = await Grants.ready()
    client = await server.web(id_token_signed_response_alg="ES256")

    claims = claims_of(await issued(server, client, access_token="a", code="c", state="s"))

    expected = {"at_hash": "a", "c_hash": "c", "s_hash": "s"}
    assert {name: left_half_hash(text, alg="ES256") for name, text in expected.items()} == {
        name: claims[name] for name in expected
    }


@pytest.mark.parametrize(
    ("beside", "claims_parameter", "expected"),
    [
        ({"access_token": "a"}, {}, set()),
        ({"code": "c"}, {}, set()),
        ({}, {}, {"email", "email_verified"}),
        ({"access_token": "a"}, {"id_token": {"name": None}}, {"name"}),
        ({"access_token": "a"}, {"id_token": {"nickname": {"essential": True}}}, set()),
        ({"access_token": "a"}, {"userinfo": {"name": None}}, set()),
    ],
    ids=["token", "code", "alone", "asked-for", "not-known", "elsewhere"],
)
@pytest.mark.spec("G-112")
async def test_claims_about_the_person(beside, claims_parameter, expected):
    """Core §5.4: whoever can ask the UserInfo endpoint does; §5.5: unless they asked by name."""
    server = await Grants.ready()
    client = await server.web()
    allowed = {"scope": ("openid", "email"), "claims": claims_parameter}

    claims = claims_of(await issued(server, client, allowed=allowed, **beside))

    about = {"name", "email", "email_verified", "nickname", "updated_at"}
    assert expected == about & set(claims)


@pytest.mark.spec("C-013", "G-045")
async def test_without_a_key_of_the_client_nothing_is_sent():
    """What should be secret must not go out open because a key could not be had."""
    server = await Grants.ready()
    asked = {"id_token_encrypted_response_alg": "RSA-OAEP-256"}
    clients = [
        await server.web(**asked),
        await server.web(**asked, jwks={"keys": []}),
        await server.web(**asked, jwks_uri="https://client.example/jwks"),
    ]

    for client in clients:
        with pytest.raises(NoClientKey):
            await issued(server, client)
