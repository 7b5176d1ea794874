"""Who a client is gets proved in one way everywhere, and failures cannot be told apart."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from registrary.authserver.client_authentication import HELD, NOT_PROVED, ClientAuthenticator
from registrary.authserver.presented import PresentedId, PresentedSecret
from registrary.core.changes import Changes, Put
from registrary.core.client import Client, revoke
from registrary.core.jose import SigningHandle, mac_handle
from registrary.core.lifecycle import HARD_HOLDS, ClientState, HoldKind
from registrary.core.secrets import Secret
from registrary.keys.local import MemoryKeys
from registrary.policy.credentials import secret_place, succeed
from registrary.ports.keys import UnsealError
from registrary.storage.memory.store import MemoryStore
from registrary.testing.factories import a_client, a_hold, an_issuer, some_metadata
from tests.unit.authserver.kit import Server, a_key_pair, asserted, basic

pytestmark = pytest.mark.anyio

METHODS = [
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "none",
]
BY_SECRET = METHODS[:2]


@pytest.mark.parametrize("is_strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize("presented", [*BY_SECRET, "none"])
@pytest.mark.parametrize("registered", METHODS)
@pytest.mark.spec("C-017", "T-18")
async def test_a_client_comes_by_the_method_it_registered(registered, presented, is_strict):
    """A client that asked for keys must not be entered with a password, nor with nothing."""
    server = Server(strict_authentication_method=is_strict)
    client = await server.service(token_endpoint_auth_method=registered)
    client, secret = await server.with_secret(client)
    is_same = registered == presented
    are_both_secrets = registered in BY_SECRET and presented in BY_SECRET
    is_welcome = is_same or (are_both_secrets and not is_strict)

    if presented == "none":
        found = await server.prove(PresentedId(client.client_id))
    else:
        found = await server.prove(PresentedSecret(client.client_id, secret, presented))

    assert found == (client if is_welcome else NOT_PROVED)


@pytest.mark.parametrize(
    ("state", "holds", "expected"),
    [
        (ClientState.ACTIVE, (), None),
        (ClientState.OBSERVED, (), None),
        (ClientState.PENDING, (), HELD),
        (ClientState.EXPIRED, (), HELD),
        (ClientState.REVOKED, (), NOT_PROVED),
        (ClientState.REJECTED, (), NOT_PROVED),
        *[
            (
                ClientState.SUSPENDED,
                (a_hold(kind=kind),),
                NOT_PROVED if kind in HARD_HOLDS else HELD,
            )
            for kind in HoldKind
        ],
        (
            ClientState.SUSPENDED,
            (a_hold(kind=HoldKind.DORMANT), a_hold(kind=HoldKind.INCIDENT)),
            NOT_PROVED,
        ),
    ],
    ids=lambda value: (
        "+".join(held.kind for held in value) if isinstance(value, tuple) else str(value)[:12]
    ),
)
async def test_only_the_client_itself_learns_how_it_stands(state, holds, expected):
    """A stranger who guesses ids must not learn which client an incident concerns."""
    server = Server()
    client, secret = await server.with_secret(await server.service())
    client = await server.change(client, state=state, holds=holds)

    own = await server.prove(basic(client, secret))
    stranger = await server.prove(basic(client, "guessed"))

    assert (expected or client) == own
    assert NOT_PROVED == stranger


@pytest.mark.parametrize(
    "client_id",
    [
        "",
        "0" * 32,
        "a" * 10_000,
        "\0",
        "%00",
        "'; drop table client",
        "ünïcode",
        "../admin",
        "\ud800",
    ],
    ids=lambda value: ascii(value)[:20],
)
async def test_whatever_a_stranger_calls_itself_is_refused(client_id):
    """No spelling of an id finds a client or breaks the server."""
    server = Server()
    presented = [
        PresentedSecret(client_id, "\ud800", "client_secret_basic"),
        PresentedId(client_id),
        asserted(client_id, client_id),
    ]

    answers = [await server.prove(one) for one in presented]

    assert [NOT_PROVED] * 3 == answers


async def test_a_client_of_another_issuer_is_a_stranger():
    """Issuers in one process share nothing."""
    server = Server()
    client, secret = await server.with_secret(await server.service())
    elsewhere = server.context_of(an_issuer(id="9876543210", url="https://other.example"))

    found = await server.prove(basic(client, secret), context=elsewhere)

    assert NOT_PROVED == found


async def test_a_secret_ends_when_its_client_was_told():
    """``client_secret_expires_at`` is a promise to everybody who reads a leaked one later."""
    server = Server()
    client, secret = await server.with_secret(await server.service(), lifetime=timedelta(days=1))

    server.clock.advance(timedelta(days=1) - timedelta(seconds=1))
    before = await server.prove(basic(client, secret))
    server.clock.advance(timedelta(seconds=1))
    after = await server.prove(basic(client, secret))

    assert (client, NOT_PROVED) == (before, after)


async def rotated(server: Server, **metadata) -> tuple[Client, str, str]:
    """Return a client whose secret was just replaced, with the old secret and the new one."""
    client, old = await server.with_secret(await server.service(**metadata))
    new, kept = server.secret_for(client)
    both = succeed(client.secrets, kept, overlap=timedelta(days=7))
    return await server.change(client, secrets=both), old, new


async def test_the_old_secret_is_good_until_the_new_one_arrives():
    """A fleet changes its secret without an outage, and a leaked old one ends soon."""
    server = Server()
    client, old, new = await rotated(server)

    answers = [await server.prove(basic(client, secret)) for secret in (old, new, old, new)]

    retired = await server.events("client:secret_retired")
    assert [True, True, False, True] == [isinstance(one, Client) for one in answers]
    assert [(client.client_id, "192.0.2.1")] == [
        (event["client_id"], event["actor"]["address"]) for event in retired
    ]


@pytest.mark.spec("C-026")
async def test_a_new_secret_that_signs_ends_the_old_one_too():
    """``client_secret_jwt`` never shows the secret, but its first use is a use all the same."""
    server = Server()
    client, old, new = await rotated(server, token_endpoint_auth_method="client_secret_jwt")

    answers = [
        await server.prove(asserted(server.assertion(client, mac_handle(Secret(secret)))))
        for secret in (old, new, old, new)
    ]

    assert [True, True, False, True] == [isinstance(one, Client) for one in answers]


async def test_a_secret_that_cannot_be_opened_is_our_outage_and_not_the_clients_fault():
    """Told that it is unknown, a client would register again; told to wait, it waits."""
    server = Server()
    client, secret = await server.with_secret(
        await server.service(token_endpoint_auth_method="client_secret_jwt")
    )
    good = asserted(server.assertion(client, mac_handle(Secret(secret))))
    [kept] = client.secrets
    place = secret_place(client.issuer, client.client_id)
    foreign = MemoryKeys().sealer().seal(secret.encode(), place, server.entropy.draw())
    lost = msgspec.structs.replace(kept, sealed=foreign)
    client = await server.change(client, secrets=(lost,))

    with pytest.raises(UnsealError):
        await server.prove(good)
    client = await server.change(client, secrets=(kept,))
    found = await server.prove(good)

    assert client == found, "the assertion was not used up meanwhile"
    assert {} == server.refusals.noted
    assert [] == await server.events()


async def test_many_first_uses_at_once_all_succeed():
    """A fleet restarts together; the log says once that the old secret ended."""
    server = Server()
    client, _, new = await rotated(server)

    answers = await asyncio.gather(*(server.prove(basic(client, new)) for _ in range(20)))

    assert [1] * 20 == [len(one.secrets) for one in answers]
    assert 1 == len(await server.events("client:secret_retired"))


async def test_a_first_use_that_loses_to_an_update_goes_on():
    """An update at the wrong moment is no reason to refuse a good secret."""
    server = Server()
    client, old, new = await rotated(server)
    renamed = some_metadata(**client.metadata | {"client_name": "New"})
    updated = msgspec.structs.replace(client, revision=client.revision + 1, metadata=renamed)
    server.store.meanwhile = Changes(puts=(Put(updated, expected=client.revision),))

    found = await server.prove(basic(client, new))

    assert ("New", 1) == (found.metadata["client_name"], len(found.secrets))
    assert NOT_PROVED == await server.prove(basic(client, old))


async def test_a_first_use_that_loses_to_a_revocation_is_refused():
    """Whoever pulled the plug a moment ago must not see one more token."""
    server = Server()
    client, _, new = await rotated(server)
    ended = revoke(client, now=server.clock.now())
    server.store.meanwhile = Changes(puts=(Put(ended, expected=client.revision),))

    assert NOT_PROVED == await server.prove(basic(client, new))


async def test_a_first_use_that_loses_to_a_new_secret_is_refused():
    """A secret that was taken away a moment ago proves nothing, though its client is well."""
    server = Server()
    client, _, new = await rotated(server)
    _, other = server.secret_for(client)
    changed = msgspec.structs.replace(client, revision=client.revision + 1, secrets=(other,))
    server.store.meanwhile = Changes(puts=(Put(changed, expected=client.revision),))

    assert NOT_PROVED == await server.prove(basic(client, new))


async def keyed(server: Server, **metadata) -> tuple[Client, SigningHandle]:
    """Return a client with a key pair, and what signs with it."""
    handle, jwks = a_key_pair()
    members = {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks} | metadata
    return await server.service(**members), handle


@pytest.mark.parametrize(
    ("changes", "is_good"),
    [
        ({}, True),
        ({"aud": ["https://registry.example"]}, True),
        ({"aud": "https://registry.example/token"}, True),
        ({"aud": ["https://registry.example", "https://registry.example/token"]}, False),
        ({"aud": "https://registry.example/"}, False),
        ({"aud": "https://other.example"}, False),
        ({"aud": []}, False),
        ({"aud": None}, False),
        ({"iss": "another"}, False),
        ({"sub": "another", "iss": "another"}, False),
        ({"sub": 7, "iss": 7}, False),
        ({"jti": None}, False),
        ({"jti": ""}, False),
        ({"exp": None}, False),
        ({"exp": 1}, False),
        ({"exp": 10**12}, False),
        ({"exp": "soon"}, False),
        ({"exp": True}, False),
        ({"nbf": 10**11}, False),
    ],
    ids=str,
)
@pytest.mark.spec("E-100", "E-103")
async def test_an_assertion_says_who_to_whom_until_when(changes, is_good):
    """Each claim stops one way of using an assertion that was meant for something else."""
    server = Server()
    client, handle = await keyed(server)

    found = await server.prove(asserted(server.assertion(client, handle, **changes)))

    assert (client if is_good else NOT_PROVED) == found


@pytest.mark.spec("E-103")
async def test_an_assertion_sent_fifty_times_at_once_counts_once():
    """Two processes that look and then write would both let it pass (GHSA-3p3g-vpw6-4w66)."""
    server = Server()
    client, handle = await keyed(server)
    assertion = server.assertion(client, handle, jti="same")

    answers = await asyncio.gather(*(server.prove(asserted(assertion)) for _ in range(50)))

    assert 1 == sum(isinstance(one, Client) for one in answers)


async def test_clients_do_not_spend_each_others_assertions():
    """A ``jti`` belongs to its client: nobody can lock another out by using it first."""
    server = Server()
    pairs = [await keyed(server), await keyed(server)]

    answers = [
        await server.prove(asserted(server.assertion(client, handle, jti="same")))
        for client, handle in pairs
    ]

    assert [client for client, _ in pairs] == answers


async def test_an_assertion_proves_the_client_it_names():
    """The form's ``client_id`` and the assertion must not speak of two clients."""
    server = Server()
    client, handle = await keyed(server)
    first, second = server.assertion(client, handle), server.assertion(client, handle)

    answers = [
        await server.prove(asserted(first, "another")),
        await server.prove(asserted(second, client.client_id)),
    ]

    assert [NOT_PROVED, client] == answers


async def test_a_registered_algorithm_is_the_only_one():
    """A client that registered RS256 does not want its forgotten ES256 key to count."""
    server = Server()
    client, handle = await keyed(server, token_endpoint_auth_signing_alg="RS256")

    assert NOT_PROVED == await server.prove(asserted(server.assertion(client, handle)))


async def test_a_public_key_is_no_secret_to_sign_with():
    """HS256 keyed with the public key is the oldest trick against JWTs (RFC 8725 §2.1)."""
    server = Server()
    client, _ = await keyed(server)
    public = Secret(client.metadata["jwks"]["keys"][0]["x"] * 2)

    found = await server.prove(asserted(server.assertion(client, mac_handle(public))))

    assert NOT_PROVED == found


async def test_a_secret_kept_for_a_key_pair_signs_nothing():
    """A client with ``private_key_jwt`` is not entered with a leftover secret."""
    server = Server()
    client, _ = await keyed(server)
    client, secret = await server.with_secret(client)

    found = await server.prove(asserted(server.assertion(client, mac_handle(Secret(secret)))))

    assert NOT_PROVED == found


async def test_published_keys_are_fetched_again_when_they_changed():
    """A client rotates its keys at its own address, without telling us."""
    server = Server()
    url = "https://client.example/jwks.json"
    (_, old), (handle, new) = a_key_pair(), a_key_pair()
    server.remote.stale[url], server.remote.published[url] = old, new
    client = await server.service(token_endpoint_auth_method="private_key_jwt", jwks_uri=url)

    found = await server.prove(asserted(server.assertion(client, handle)))

    assert (client, 1) == (found, server.remote.fetches)


@pytest.mark.spec("E-130")
async def test_keys_that_cannot_be_fetched_look_like_a_bad_signature():
    """An error that differed would let strangers map the network we are in."""
    server = Server()
    handle, _ = a_key_pair()
    client = await server.service(
        token_endpoint_auth_method="private_key_jwt", jwks_uri="https://client.example/gone"
    )

    found = await server.prove(asserted(server.assertion(client, handle)))

    assert NOT_PROVED == found


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "e30.e30.", "e30.e30.e30", "x" * 20_000])
async def test_what_is_no_assertion_proves_nothing(text):
    """Garbage from strangers is a refusal, never an error of ours."""
    assert NOT_PROVED == await Server().prove(asserted(text))


async def test_refusals_of_strangers_are_counted_and_those_of_clients_told():
    """Strangers cannot grow the log; what a known client was refused is in it."""
    server = Server()
    held = {"state": ClientState.SUSPENDED, "holds": (a_hold(),)}
    client, secret = await server.with_secret(await server.service())
    client = await server.change(client, **held)
    public = await server.add(
        a_client(metadata=some_metadata(token_endpoint_auth_method="none"), **held)
    )

    await server.prove(basic(client, "guessed"))
    await server.prove(PresentedId(public.client_id))
    await server.prove(basic(client, secret))

    refused = await server.events()
    source = (server.context.id, "192.0.2.1", "invalid_client")
    assert {source: 2} == dict(server.refusals.noted)
    assert [("token:refused", client.client_id, "invalid_client", "hard_hold")] == [
        (event["tag"], event["client_id"], event["reason"], event["detail"]["standing"])
        for event in refused
    ]


async def test_what_a_known_client_repeats_is_counted():
    """A client in a loop, or one that means harm, writes one line a minute and a number."""
    server = Server()
    client, secret = await server.with_secret(await server.service())
    client = await server.change(client, state=ClientState.SUSPENDED, holds=(a_hold(),))
    for _ in range(5):
        await server.prove(basic(client, secret))
    told = len(await server.events("token:refused"))
    counted = dict(server.refusals.noted)

    server.refusals.drain()
    await server.prove(basic(client, secret))

    key = (server.context.id, client.client_id, "token:refused invalid_client")
    assert (1, {key: 4}) == (told, counted)
    assert 2 == len(await server.events("token:refused")), "another minute, another line"


async def old_reads(server: Server) -> ClientAuthenticator:
    """Return an authenticator whose reads are from before anything that happens from now on."""
    before = MemoryStore()
    page = await server.store.page(Client, server.context.id)
    await before.commit(Changes(puts=tuple(Put(client) for client in page.records)))
    return replace(server.authenticator, store=before, exact=server.store)


@pytest.mark.parametrize("method", BY_SECRET)
async def test_a_new_secret_holds_where_reads_are_old(method):
    """A client that has just been given a secret is right, whatever a node remembers."""
    server = Server()
    client, _ = await server.with_secret(await server.service(token_endpoint_auth_method=method))
    server.authenticator = await old_reads(server)
    client, new = await server.with_secret(client)

    found = await server.prove(PresentedSecret(client.client_id, new, method))

    assert client == found


async def test_a_wrong_secret_is_wrong_where_reads_are_old():
    """Looking twice lets nobody in."""
    server = Server()
    client, _ = await server.with_secret(await server.service())
    server.authenticator = await old_reads(server)

    found = await server.prove(basic(client, "rgy_cs_wrong"))

    assert NOT_PROVED == found
