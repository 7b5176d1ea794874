"""What a token is worth now, told to those it concerns and to nobody else."""

import asyncio
import json
from datetime import timedelta

import pytest

from registrary.authserver.inspection import FOREIGN, INACTIVE
from registrary.core import base64url
from registrary.core.changes import Changes, Put
from registrary.core.issuer import Resource
from registrary.core.jose import mac_handle, sign_jwt
from registrary.core.lifecycle import EFFECTS, ClientState, HoldKind, standing
from registrary.core.records import RevokedToken
from registrary.core.secrets import Secret
from registrary.core.signing_key import withdraw
from registrary.testing.factories import a_hold, an_issuer
from tests.unit.authserver.kit import VISIT, Server

pytestmark = pytest.mark.anyio

API = "https://api.example/"


async def is_active(server, caller, token, context=None) -> bool:
    """Tell what *caller* is told about *token*."""
    known = await server.inspector.introspect(context or server.context, caller, token)
    if not known["active"]:
        assert INACTIVE == known
    return bool(known["active"])


async def ready(**issuer):
    """Return a server with a key, and a client of it."""
    server = Server(**issuer)
    await server.make_key()
    return server, await server.service()


async def test_a_client_sees_its_own_token():
    """A client may look up what it holds, and the answer says what the token says."""
    server, client = await ready()
    token = await server.token(client)

    known = await server.inspector.introspect(server.context, client, token)

    assert {
        "active",
        "token_type",
        "iss",
        "sub",
        "aud",
        "client_id",
        "iat",
        "exp",
        "jti",
        "scope",
    } == set(known)
    assert ("Bearer", client.client_id) == (known["token_type"], known["client_id"])


async def test_a_resource_server_sees_tokens_meant_for_it_alone():
    """RFC 7662 §4: an introspecting client must not become a window onto everybody's tokens."""
    server, client = await ready()
    api, other_api = await server.service(), await server.service()
    resources = (
        Resource(uri=API, introspecting_clients=(api.client_id,)),
        Resource(uri="https://two.example/", introspecting_clients=(other_api.client_id,)),
    )
    context = server.context_of(an_issuer(resources=resources))
    meant = await server.token(client, context=context, resources=[API])
    for_both = await server.token(client, context=context, resources=[API, "https://two.example/"])
    for_nobody = await server.token(client, context=context)

    seen = [
        [await is_active(server, caller, token, context) for token in (meant, for_both, for_nobody)]
        for caller in (client, api, other_api)
    ]

    assert [[True, True, True], [True, True, False], [False, True, False]] == seen


@pytest.mark.parametrize(
    ("state", "holds"),
    [
        *[(state, ()) for state in ClientState if state is not ClientState.SUSPENDED],
        *[(ClientState.SUSPENDED, (a_hold(kind=kind),)) for kind in HoldKind],
    ],
    ids=lambda value: value[0].kind if value and isinstance(value, tuple) else str(value),
)
@pytest.mark.spec("B-060")
async def test_a_token_lives_only_while_its_client_stands_well(state, holds):
    """Suspending or deleting a client stops its tokens at once, not when they expire."""
    server, client = await ready()
    watcher = await server.service()
    resources = (Resource(uri=API, introspecting_clients=(watcher.client_id,)),)
    context = server.context_of(an_issuer(resources=resources))
    token = await server.token(client, context=context, resources=[API])
    await server.change(client, state=state, holds=holds)

    found = await is_active(server, watcher, token, context)

    assert EFFECTS[standing(state, holds)].tokens_active is found


async def test_a_raised_generation_ends_every_token_before_it():
    """After an incident all tokens end at once, though none is known by its id."""
    server, client = await ready()
    before = await server.token(client)
    client = await server.change(client, token_generation=1)
    after = await server.token(client)

    seen = [await is_active(server, client, token) for token in (before, after)]

    assert [False, True] == seen


async def test_a_token_ends_on_the_second():
    """No leeway: a resource server that asks later than ``exp`` gets a no."""
    server, client = await ready()
    token = await server.token(client)

    server.clock.advance(timedelta(minutes=10) - timedelta(seconds=1))
    before = await is_active(server, client, token)
    server.clock.advance(timedelta(seconds=1))
    after = await is_active(server, client, token)

    assert [True, False] == [before, after]


async def test_a_withdrawn_key_takes_its_tokens_along():
    """Whoever stole a signing key could make tokens; none of them counts any more."""
    server = Server()
    key = await server.make_key()
    client = await server.service()
    token = await server.token(client)
    gone = withdraw(key, now=server.clock.now())
    await server.store.commit(Changes(puts=(Put(gone, expected=key.revision),)))

    server.clock.advance(timedelta(seconds=2))

    assert not await is_active(server, client, token)


async def test_issuers_do_not_know_each_others_tokens():
    """Two tenants in one process share neither keys nor clients."""
    server, client = await ready()
    token = await server.token(client)
    elsewhere = server.context_of(an_issuer(id="9876543210", url="https://other.example"))
    await server.make_key(context=elsewhere)

    assert not await is_active(server, client, token, elsewhere)


@pytest.mark.parametrize("typ", ["JWT", "id+jwt", "logout+jwt"])
async def test_only_access_tokens_are_access_tokens(typ):
    """An ID token has the same issuer and key, and must not open an API (RFC 9068 §4)."""
    server, client = await ready()
    now = int(server.clock.now().timestamp())
    claims = {
        "iss": server.context.issuer.url,
        "sub": client.client_id,
        "client_id": client.client_id,
        "aud": server.context.issuer.url,
        "iat": now,
        "exp": now + 60,
        "jti": "1",
    }

    other = await server.signer.sign_jwt(server.context.id, claims, alg="ES256", typ=typ)
    same = await server.signer.sign_jwt(server.context.id, claims, alg="ES256", typ="at+jwt")

    assert [False, True] == [await is_active(server, client, token) for token in (other, same)]


def spoilt(token: str) -> list[str]:
    """Return what a stranger may make of *token*, and of nothing."""
    header, payload, signature = token.split(".")
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0"  # alg none
    return [
        "",
        ".",
        "x" * 20_000,
        "\ud800.\ud800.\ud800",
        token + "x",
        token[:-2],
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}.{payload[:-1]}A.{signature}",
        f"{unsigned}.{payload}.",
        f"{unsigned}.{payload}.{signature}",
        f"{header}..{signature}",
        f" {token}",
        f"{token}\n",
    ]


async def test_what_is_not_ours_is_inactive_and_revoking_it_does_nothing():
    """No byte of a token can be changed, and no garbage is more than inactive."""
    server, client = await ready()
    token = await server.token(client)
    with_public_key = sign_jwt({"iss": "x"}, mac_handle(Secret("x" * 64)), typ="at+jwt")

    for bad in [*spoilt(token), with_public_key]:
        assert not await is_active(server, client, bad)
        assert None is await server.inspector.revoke(server.context, client, bad, visit=VISIT)

    assert await is_active(server, client, token)
    assert [] == await server.events()


async def test_revoking_ends_one_token_at_once():
    """RFC 7009 §2: it is over for everybody who asks; the client's other tokens live on."""
    server, client = await ready()
    ended, other = await server.token(client), await server.token(client)

    for _ in range(2):
        refusal = await server.inspector.revoke(server.context, client, ended, visit=VISIT)
        assert None is refusal

    events = await server.events("token:revoked")
    seen = [await is_active(server, client, token) for token in (ended, other)]
    assert [False, True] == seen
    assert [(client.client_id, "192.0.2.1", "request-1")] == [
        (event["client_id"], event["actor"]["address"], event["request_id"]) for event in events
    ]


async def test_revoking_at_once_from_everywhere_is_one_revocation():
    """A client that retries its logout must not meet an error, nor fill the log."""
    server, client = await ready()
    token = await server.token(client)

    answers = await asyncio.gather(
        *(server.inspector.revoke(server.context, client, token, visit=VISIT) for _ in range(20))
    )

    assert {None} == set(answers)
    assert 1 == len(await server.events("token:revoked"))


async def test_nobody_revokes_anothers_token():
    """RFC 7009 §2.1 has the caller told: a token that was stolen lives on."""
    server, client = await ready()
    token = await server.token(client)

    answer = await server.inspector.revoke(
        server.context, await server.service(), token, visit=VISIT
    )

    assert FOREIGN == answer
    assert await is_active(server, client, token)


async def test_whose_token_another_client_holds_is_written_down():
    """It was leaked or stolen: whoever looks into it needs the token, its owner and its holder."""
    server, client = await ready()
    holder = await server.service()
    token = await server.token(client)

    await server.inspector.revoke(server.context, holder, token, visit=VISIT)

    [event] = await server.events()
    claims = json.loads(base64url.decode(token.split(".")[1]))
    assert ("token:revocation_refused", "refused", "invalid_grant") == (
        event["tag"],
        event["outcome"],
        event["reason"],
    )
    assert (holder.client_id, VISIT.peer) == (event["client_id"], event["actor"]["address"])
    assert {
        "endpoint": VISIT.endpoint,
        "standing": "good",
        "jti": claims["jti"],
        "issued_to": client.client_id,
    } == event["detail"]
    assert token not in json.dumps(event)


async def test_anybody_may_say_a_public_id_so_such_revocations_are_only_counted():
    """Whoever has one token and knows a public id could otherwise fill the log with it."""
    server, client = await ready()
    public = await server.service(token_endpoint_auth_method="none")
    token = await server.token(client)

    answer = await server.inspector.revoke(server.context, public, token, visit=VISIT)

    assert FOREIGN == answer
    assert [] == await server.events()
    assert {(server.context.id, VISIT.peer, "invalid_grant"): 1} == dict(server.refusals.noted)


async def test_a_revocation_is_kept_until_the_token_has_expired():
    """Swept earlier, a revoked token would come back to life."""
    server, client = await ready()
    token = await server.token(client)
    await server.inspector.revoke(server.context, client, token, visit=VISIT)

    end = server.clock.advance(timedelta(minutes=10))
    swept = await server.store.expired(RevokedToken, server.context.id, now=end, limit=10)

    assert [] == swept
    assert not await is_active(server, client, token)
