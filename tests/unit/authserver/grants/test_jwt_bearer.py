"""The organisation's identity provider may speak for its people, to clients it names, once."""

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from registrary.authserver.grants.jwt_bearer import JwtBearerGrant
from registrary.authserver.grants.request import TokenAnswer, TokenRequest
from registrary.authserver.people.provider_metadata import ProviderDirectory
from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.grants import GrantOfPerson
from registrary.core.issuer import Resource
from registrary.core.jose import mac_handle, sign_jwt
from registrary.core.metadata.grants import JWT_BEARER
from registrary.core.people import IdentityProvider, Person
from registrary.core.secrets import Secret
from registrary.ports.fetcher import Fetched
from registrary.testing.clock import MOMENT
from registrary.testing.factories import ISSUER_ID
from tests.unit.authserver.grants.kit import Grants, claims_of, outcome
from tests.unit.authserver.kit import VISIT, a_key_pair

pytestmark = pytest.mark.anyio

IDP = "https://login.example"
JWKS = f"{IDP}/jwks"
API = "https://api.example/"
HANDLE, KEYS = a_key_pair()
METADATA = {
    "issuer": IDP,
    "authorization_endpoint": f"{IDP}/authorize",
    "token_endpoint": f"{IDP}/token",
    "jwks_uri": JWKS,
}


class Documents:
    """A `Fetcher` that has what the provider says of itself."""

    async def fetch(self, url, *, purpose):
        """Return the metadata."""
        return Fetched(json.dumps(METADATA).encode(), "application/json")


class Enterprise(Grants):
    """A server that trusts one identity provider, and a client with the grant."""

    client: Client
    grant: JwtBearerGrant

    @classmethod
    async def ready(cls, **provider: Any) -> "Enterprise":
        """Return one; *provider* are fields of the identity provider."""
        server = await super().ready(resources=(Resource(uri=API),))
        assert isinstance(server, cls)
        trusted: dict[str, Any] = {
            "issuer": ISSUER_ID,
            "id": "staff",
            "name": "Staff",
            "url": IDP,
            "client_id": "registrary",
            "created_at": MOMENT,
            "updated_at": MOMENT,
        }
        record = IdentityProvider(**trusted | provider)
        await server.store.commit(Changes(puts=(Put(record),)))
        server.remote.published[JWKS] = KEYS
        server.client = await server.web(grant_types=[JWT_BEARER], redirect_uris=[])
        directory = ProviderDirectory(Documents(), loopback_http=False)
        server.grant = JwtBearerGrant(server.grants.jwt_bearer.desk, directory)
        return server

    def id_jag(self, *, handle=HANDLE, typ="oauth-id-jag+jwt", **changes: Any) -> str:
        """Return an assertion about somebody; None removes a claim."""
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": IDP,
            "sub": "staff-1",
            "aud": self.context.issuer.url,
            "client_id": self.client.client_id,
            "resource": API,
            "scope": "read write",
            "iat": now,
            "exp": now + 300,
            "jti": self.entropy.token_bytes(8).hex(),
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return sign_jwt(claims, handle, typ=typ)

    async def present(self, assertion, *, client=None, **request):
        """Present *assertion* as the token endpoint does."""
        asked = TokenRequest(client=client or self.client, visit=VISIT, **request)
        return await self.grant.redeem(self.context, asked, assertion)


@pytest.mark.spec("G-090", "G-091")
async def test_the_provider_lets_a_client_act():
    """Nobody is asked here: the organisation decided, and the token is for what it said."""
    server = await Enterprise.ready()

    answer = await server.present(server.id_jag())

    claims = claims_of(answer.access_token)
    leads = (await server.store.page(GrantOfPerson, ISSUER_ID)).records
    assert (API, "read write") == (claims["aud"], claims["scope"])
    assert [claims["sub"]] == [lead.person for lead in leads]
    assert (None, None) == (answer.refresh_token, answer.id_token)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "https://other.example"},
        {"aud": ["https://registry.example", "https://other.example"]},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"exp": None},
        {"iat": None},
        {"jti": None},
        {"client_id": "another"},
        {"client_id": None},
        {"resource": "https://evil.example/"},
        {"resource": {"a": 1}},
        {"scope": "admin"},
        {"scope": ["read"]},
        {"exp": 4_000_000_000},
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"handle": a_key_pair("one")[0]},
        {"handle": mac_handle(Secret("a" * 32))},
    ],
    ids=str,
)
@pytest.mark.spec("G-090", "G-092")
async def test_anything_else_is_refused(changes):
    """An ID token, an assertion for another server or client, or one nobody signed."""
    server = await Enterprise.ready()

    found = await server.present(server.id_jag(**changes))

    assert "invalid_grant" == outcome(found)
    assert () == (await server.store.page(GrantOfPerson, ISSUER_ID)).records


@pytest.mark.spec("G-092")
async def test_an_assertion_is_good_once():
    """RFC 7523 §3: whoever records one cannot use it again."""
    server = await Enterprise.ready()
    assertion = server.id_jag()

    found = [outcome(await server.present(assertion)) for _ in range(2)]

    assert ["issued", "invalid_grant"] == found


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, "read write"), ("read", "read"), ("read admin", "read"), ("admin", "invalid_grant")],
    ids=str,
)
@pytest.mark.spec("G-091")
async def test_the_scope_is_what_all_of_them_allow(asked, expected):
    """Provider, request and registration each only take away."""
    server = await Enterprise.ready()

    found = await server.present(server.id_jag(), scope=asked)

    assert expected == (found.scope if isinstance(found, TokenAnswer) else found.code)


@pytest.mark.spec("G-093")
async def test_the_person_is_the_one_of_that_provider():
    """Whoever comes again is the same person, and a disabled one does not come."""
    server = await Enterprise.ready()
    first = claims_of((await server.present(server.id_jag())).access_token)["sub"]
    second = claims_of((await server.present(server.id_jag())).access_token)["sub"]
    other = claims_of((await server.present(server.id_jag(sub="staff-2"))).access_token)["sub"]
    person = await server.store.get(Person, ISSUER_ID, first)
    assert person is not None
    gone = msgspec.structs.replace(person, disabled_at=MOMENT, revision=person.revision + 1)
    await server.store.commit(Changes(puts=(Put(gone, expected=person.revision),)))

    assert (first, True) == (second, first != other)
    assert "invalid_grant" == outcome(await server.present(server.id_jag()))


@pytest.mark.spec("G-093")
async def test_a_provider_that_makes_nobody_known():
    """An organisation that invites its people one by one keeps it so."""
    server = await Enterprise.ready(creates_people=False)

    assert "invalid_grant" == outcome(await server.present(server.id_jag()))


@pytest.mark.spec("G-090")
async def test_a_provider_that_was_switched_off():
    """What it signed before is worth nothing from then on."""
    server = await Enterprise.ready(disabled_at=MOMENT)

    assert "invalid_grant" == outcome(await server.present(server.id_jag()))


@pytest.mark.spec("G-090")
async def test_only_clients_that_authenticate_and_registered():
    """Whoever names the client's id must not get its tokens."""
    server = await Enterprise.ready()
    public = await server.public(grant_types=[JWT_BEARER])
    plain = await server.web()

    found = [
        outcome(await server.present(server.id_jag(client_id=client.client_id), client=client))
        for client in (public, plain)
    ]

    assert ["unauthorized_client"] * 2 == found


async def test_tokens_of_an_assertion_are_short():
    """The provider is asked again: that is how it takes access away."""
    server = await Enterprise.ready()
    client = await server.web(grant_types=[JWT_BEARER, "refresh_token"])

    answer = await server.present(server.id_jag(client_id=client.client_id), client=client)
    server.clock.advance(timedelta(minutes=10))
    known = await server.inspector.introspect(server.context, client, answer.access_token)

    assert (None, False) == (answer.refresh_token, known["active"])
