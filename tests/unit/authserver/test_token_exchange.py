"""A token is exchanged for less, by who may use it, and the new one ends with the old one."""

from datetime import timedelta

import pytest

from registrary.authserver.grants.ending import end_grant
from registrary.authserver.grants.request import TokenAnswer, TokenRequest
from registrary.authserver.token_exchange import ACCESS_TOKEN, Exchange
from registrary.core.client import Client
from registrary.core.grants import Confirmation
from registrary.core.issuer import Resource
from registrary.core.metadata.grants import TOKEN_EXCHANGE
from registrary.testing.factories import an_issuer
from tests.unit.authserver.grants.kit import Grants, claims_of, outcome
from tests.unit.authserver.kit import VISIT

pytestmark = pytest.mark.anyio

API = "https://api.example/"
DEEPER = "https://deeper.example/"
OTHER = "https://other.example/"
GRANTS = ["authorization_code", "client_credentials", "refresh_token", TOKEN_EXCHANGE]


class Exchanges(Grants):
    """A server with an application, and a resource server that exchanges what it is shown."""

    app: Client
    api: Client

    @classmethod
    async def ready(cls, **issuer):
        """Return one with an application and a resource server."""
        server = await super().ready(**issuer)
        assert isinstance(server, cls)
        server.app = await server.web(grant_types=GRANTS)
        server.api = await server.web(grant_types=GRANTS, redirect_uris=[])
        resources = (
            Resource(uri=API, introspecting_clients=(server.api.client_id,)),
            Resource(uri=DEEPER),
            Resource(uri=OTHER),
        )
        server.context = server.context_of(
            an_issuer(scopes=server.context.issuer.scopes, resources=resources)
        )
        return server

    async def exchange(self, client, token, *, request=None, **members):
        """Exchange *token* as the token endpoint does."""
        named = {"subject_token": token, "subject_token_type": ACCESS_TOKEN} | members
        asked = TokenRequest(client=client, visit=VISIT, **(request or {}))
        return await self.grants.exchange.redeem(self.context, asked, Exchange(**named))

    async def is_active(self, client, answer):
        """Introspect the token of *answer*."""
        known = await self.inspector.introspect(self.context, client, answer.access_token)
        return known["active"]


async def shown():
    """Return a server, and a token for its API and one behind it, of three that were allowed."""
    server = await Exchanges.ready()
    answer = await server.signed_in(server.app, resources=(API, DEEPER, OTHER))
    renewed = TokenRequest(client=server.app, resources=(API, DEEPER), visit=VISIT)
    token = await server.grants.refresh.redeem(server.context, renewed, answer.refresh_token)
    return server, token


@pytest.mark.spec("G-080", "G-081")
async def test_a_resource_server_goes_on_to_the_next():
    """It calls an API behind it for the same person, with less, and its own name in the token."""
    server, token = await shown()

    found = await server.exchange(
        server.api, token.access_token, request={"resources": (DEEPER,), "scope": "read"}
    )

    claims = claims_of(found.access_token)
    assert ("a-subject", server.api.client_id, DEEPER, "read") == (
        claims["sub"],
        claims["client_id"],
        claims["aud"],
        claims["scope"],
    )
    assert (ACCESS_TOKEN, None) == (found.issued_token_type, found.refresh_token)
    assert await server.is_active(server.api, found)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"scope": "read write"}, "invalid_scope"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"resources": (OTHER,)}, "invalid_target"),
        ({"resources": ("https://evil.example/",)}, "invalid_target"),
        ({}, "issued"),
    ],
    ids=str,
)
@pytest.mark.spec("G-081")
async def test_it_only_ever_becomes_less(request_, expected):
    """Threat 43: no chain of exchanges reaches what the person never allowed."""
    server, token = await shown()

    assert expected == outcome(
        await server.exchange(server.api, token.access_token, request=request_)
    )


@pytest.mark.parametrize(
    ("target", "expected"), [(API, "issued"), ("https://evil.example/", "invalid_target")]
)
@pytest.mark.spec("G-081")
async def test_an_application_whose_person_was_asked_for_no_api_chooses_one_here(target, expected):
    """Many applications name an API only where they need its token; a scope still bounds it."""
    server = await Exchanges.ready()
    answer = await server.signed_in(server.app, resources=())

    found = await server.exchange(
        server.app, answer.access_token, request={"resources": (target,), "scope": "read"}
    )

    assert expected == outcome(found)
    if expected == "issued":
        assert (target, "read") == tuple(
            claims_of(found.access_token)[name] for name in ("aud", "scope")
        )


@pytest.mark.spec("G-081")
async def test_the_application_itself_may_go_where_its_person_allowed():
    """It could ask for such a token without an exchange, by its refresh token."""
    server, token = await shown()
    elsewhere = {"resources": (OTHER,)}

    found = [
        outcome(await server.exchange(client, token.access_token, request=elsewhere))
        for client in (server.app, server.api)
    ]

    assert ["issued", "invalid_target"] == found


@pytest.mark.parametrize(
    "changes",
    [
        {"subject_token_type": None},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"subject_token": "nonsense"},
        {"actor_token": "nonsense", "actor_token_type": ACCESS_TOKEN},
        {"actor_token": "nonsense"},
        {"actor_token_type": ACCESS_TOKEN},
    ],
    ids=str,
)
@pytest.mark.spec("G-082")
async def test_what_cannot_be_exchanged_is_an_invalid_request(changes):
    """RFC 8693 §2.2.2: whatever is wrong with the tokens has this code."""
    server, token = await shown()

    assert "invalid_request" == outcome(
        await server.exchange(server.api, token.access_token, **changes)
    )


@pytest.mark.spec("G-083")
async def test_who_may_exchange():
    """A token that a client merely found is not its to exchange."""
    server, token = await shown()
    stranger = await server.web(grant_types=GRANTS)
    unregistered = await server.web()
    public = await server.public(grant_types=GRANTS)

    found = [
        outcome(await server.exchange(client, token.access_token))
        for client in (server.app, server.api, stranger, unregistered, public)
    ]

    assert [
        "issued",
        "issued",
        "invalid_request",
        "unauthorized_client",
        "unauthorized_client",
    ] == found


@pytest.mark.spec("G-084")
async def test_the_new_token_ends_with_the_old_grant():
    """Whoever disconnects the application cuts off what came of it behind its back."""
    server, token = await shown()
    found = await server.exchange(server.api, token.access_token)
    again = await server.exchange(server.api, found.access_token, request={"scope": "read"})

    grant = await server.grant_of(token)
    await end_grant(server.services, server.context, grant, because="test", visit=VISIT)

    assert [False, False] == [await server.is_active(server.api, one) for one in (found, again)]
    assert "invalid_request" == outcome(await server.exchange(server.api, token.access_token))


@pytest.mark.spec("G-084")
async def test_the_new_token_ends_with_the_old_client():
    """A hold on the application stops what others got with its tokens."""
    server, token = await shown()
    found = await server.exchange(server.api, token.access_token)

    await server.change(server.app, token_generation=1)

    assert not await server.is_active(server.api, found)


@pytest.mark.spec("G-084")
async def test_the_new_token_lasts_no_longer_than_the_old_one():
    """Exchanging again and again must not keep a token alive."""
    server, token = await shown()
    server.clock.advance(timedelta(minutes=7))

    found = await server.exchange(server.api, token.access_token)

    assert 180 == found.expires_in


@pytest.mark.spec("G-085")
async def test_who_acts_is_named():
    """RFC 8693 §4.1: a log shows who did something for whom, the whole way down."""
    server, token = await shown()
    own = await server.grants.client_credentials.redeem(
        server.context, TokenRequest(client=server.api, visit=VISIT)
    )
    actor = {"actor_token": own.access_token, "actor_token_type": ACCESS_TOKEN}

    found = await server.exchange(server.api, token.access_token, **actor)
    again = await server.exchange(server.api, found.access_token, **actor)
    foreign = await server.exchange(server.app, token.access_token, **actor)

    assert {"sub": server.api.client_id} == claims_of(found.access_token)["act"]
    assert {"sub": server.api.client_id, "act": {"sub": server.api.client_id}} == claims_of(
        again.access_token
    )["act"]
    assert "invalid_request" == outcome(foreign)


async def test_a_clients_own_token_is_exchanged_too():
    """A service narrows what it hands to a part of itself, and the part ends with it."""
    server = await Exchanges.ready()
    own = await server.grants.client_credentials.redeem(
        server.context, TokenRequest(client=server.app, resources=(API,), visit=VISIT)
    )

    found = await server.exchange(server.api, own.access_token, request={"scope": "read"})
    alive = await server.is_active(server.api, found)
    await server.change(server.app, token_generation=1)

    assert isinstance(found, TokenAnswer)
    assert server.app.client_id == claims_of(found.access_token)["sub"]
    assert (True, False) == (alive, await server.is_active(server.api, found))


async def test_a_bound_token_is_exchanged_by_its_key():
    """Who stole a token bound to a key must not get an unbound one for it."""
    server = await Exchanges.ready()
    code = await server.a_code(server.app)
    bound = Confirmation(jkt="key")
    token = await server.redeem(server.app, code, confirmation=bound)

    found = [
        outcome(
            await server.exchange(
                server.app, token.access_token, request={"confirmation": confirmation}
            )
        )
        for confirmation in (Confirmation(), Confirmation(jkt="other"), bound)
    ]

    assert ["invalid_request", "invalid_request", "issued"] == found
