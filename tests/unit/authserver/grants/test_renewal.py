"""A refresh token renews what was allowed, and gives itself away when two have it."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from registrary.authserver.grants.request import NOT_GOOD, TokenAnswer, TokenRequest
from registrary.core.changes import Changes, Put
from registrary.core.grants import Confirmation
from registrary.core.issuer import Lifetimes, Resource
from registrary.core.records import SpentAssertion
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.core.secrets import Prefix, mint_token
from registrary.testing.clock import MOMENT
from registrary.testing.factories import a_hold, an_issuer
from tests.unit.authserver.grants.kit import REFUSED, Grants, claims_of, outcome
from tests.unit.authserver.kit import VISIT

pytestmark = pytest.mark.anyio

API = "https://api.example/"
OTHER = "https://other.example/"


async def renew(server, client, token, **changes):
    """Present *token* as the token endpoint does."""
    request = TokenRequest(client=client, visit=VISIT, **changes)
    return await server.grants.refresh.redeem(server.context, request, token)


async def public(**issuer):
    """Return a server, a public client of it, and its first tokens."""
    server = await Grants.ready(**issuer)
    client = await server.public()
    return server, client, await server.signed_in(client)


async def ended(server, answer) -> bool:
    """Tell whether the grant of *answer* was ended."""
    return (await server.grant_of(answer)).revoked_at is not None


@pytest.mark.spec("E-123", "G-020")
async def test_a_public_client_gets_a_new_one_each_time():
    """RFC 9700 §4.14.2: a stolen token shows by being used twice."""
    server, client, first = await public()

    second = await renew(server, client, first.refresh_token)
    third = await renew(server, client, second.refresh_token)

    tokens = [one.refresh_token for one in (first, second, third)]
    assert 3 == len(set(tokens))
    assert 3 == len({one.access_token for one in (first, second, third)})


@pytest.mark.spec("G-020")
async def test_a_confidential_client_keeps_its_own():
    """It proves itself with every use; replacing the token would only lose it."""
    server = await Grants.ready()
    client = await server.web()
    first = await server.signed_in(client)

    second = await renew(server, client, first.refresh_token)
    third = await renew(server, client, first.refresh_token)

    assert [first.refresh_token] * 2 == [second.refresh_token, third.refresh_token]
    assert second.access_token != third.access_token


@pytest.mark.spec("G-021")
async def test_who_lost_the_answer_gets_the_same_again():
    """A phone in a tunnel is no thief: it asks again, and is not thrown out."""
    server, client, first = await public()

    lost = await renew(server, client, first.refresh_token)
    server.clock.advance(timedelta(seconds=59))
    again = await renew(server, client, first.refresh_token)
    later = await renew(server, client, again.refresh_token)

    assert lost == again
    assert "issued" == outcome(later)


@pytest.mark.parametrize("seconds", [61, 86_400], ids=str)
@pytest.mark.spec("G-022")
async def test_an_old_one_after_the_window_ends_the_grant(seconds):
    """Whoever still has it did not get it from a lost answer."""
    server, client, first = await public()
    second = await renew(server, client, first.refresh_token)
    server.clock.advance(timedelta(seconds=seconds))

    replayed = await renew(server, client, first.refresh_token)
    honest = await renew(server, client, second.refresh_token)

    assert (NOT_GOOD, NOT_GOOD) == (replayed, honest)
    assert await ended(server, second)


@pytest.mark.spec("G-022")
async def test_an_old_one_whose_successor_was_used_ends_the_grant():
    """The successor arrived, so nobody has to ask again: threat 42, also within the window."""
    server, client, first = await public()
    second = await renew(server, client, first.refresh_token)
    third = await renew(server, client, second.refresh_token)

    replayed = await renew(server, client, first.refresh_token)

    assert replayed is NOT_GOOD
    assert await ended(server, third)
    assert ["grant:ended"] == [one["tag"] for one in await server.events("grant:ended")]


@pytest.mark.spec("G-022")
async def test_one_of_long_ago_ends_the_grant_too():
    """A thief may sit on a token until dozens have followed it."""
    server, client, first = await public()
    latest = first
    for _ in range(12):
        latest = await renew(server, client, latest.refresh_token)

    await renew(server, client, first.refresh_token)

    assert await ended(server, latest)


@pytest.mark.spec("G-023")
async def test_one_that_was_made_up_ends_nothing():
    """Access tokens name their grant; whoever has seen one must not be able to end it."""
    server, client, first = await public()
    locator = bytes.fromhex((await server.grant_of(first)).id)
    invented = mint_token(Prefix.REFRESH_TOKEN, server.entropy.draw(), locator).reveal()

    found = await renew(server, client, invented)

    assert found is NOT_GOOD
    assert not await ended(server, first)


@pytest.mark.spec("G-024")
async def test_of_many_at_once_all_get_the_one_answer():
    """Two tabs refresh at once; there is one successor, and both learn it (threat 42)."""
    server, client, first = await public()

    found = await asyncio.gather(*(renew(server, client, first.refresh_token) for _ in range(5)))

    assert 1 == len({one.refresh_token for one in found})
    assert 1 == len({one.access_token for one in found})
    assert not await ended(server, first)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, "openid read"),
        ("read", "read"),
        ("openid", "openid"),
        ("read write", "invalid_scope"),
        ("admin", "invalid_scope"),
        ('"', "invalid_scope"),
    ],
    ids=str,
)
@pytest.mark.spec("G-025")
async def test_a_scope_within_the_grant_is_for_this_token_alone(asked, expected):
    """RFC 6749 §6: asking for less once does not give anything up, asking for more is refused."""
    server, client, first = await public()

    found = await renew(server, client, first.refresh_token, scope=asked)

    shown = found.scope if isinstance(found, TokenAnswer) else found.code
    kept = found.refresh_token if isinstance(found, TokenAnswer) else first.refresh_token
    assert expected == shown
    assert "openid read" == (await renew(server, client, kept)).scope


@pytest.mark.parametrize(
    ("asked", "expected"),
    [((), [API, OTHER]), ((API,), API), (("https://evil.example/",), "invalid_target")],
    ids=str,
)
@pytest.mark.spec("G-026")
async def test_resources_are_those_of_the_grant(asked, expected):
    """Threat 43: `resource` may be missing on refresh, and may not name anything new."""
    server = await Grants.ready(resources=(Resource(uri=API), Resource(uri=OTHER)))
    client = await server.public()
    first = await server.signed_in(client, resources=(API, OTHER))

    found = await renew(server, client, first.refresh_token, resources=asked)

    shown = claims_of(found.access_token)["aud"] if isinstance(found, TokenAnswer) else found.code
    assert expected == shown


@pytest.mark.parametrize(
    ("proved", "expected"),
    [
        (Confirmation(), REFUSED),
        (Confirmation(jkt="other"), REFUSED),
        (Confirmation(jkt="key"), "issued"),
    ],
    ids=["none", "other", "same"],
)
@pytest.mark.spec("G-027")
async def test_a_public_clients_token_is_bound_to_its_key(proved, expected):
    """RFC 9449 §5: a refresh token out of a browser's storage is no use without the key."""
    server = await Grants.ready()
    client = await server.public()
    code = await server.a_code(client)
    first = await server.redeem(client, code, confirmation=Confirmation(jkt="key"))

    found = await renew(server, client, first.refresh_token, confirmation=proved)

    assert ("DPoP", expected) == (first.token_type, outcome(found))
    assert not await ended(server, first)


async def test_another_clients_token_is_no_token():
    """A refresh token is bound to its client, public or not (RFC 6749 §10.4)."""
    server, client, first = await public()

    stolen = await renew(server, await server.public(), first.refresh_token)

    assert stolen is NOT_GOOD
    assert "issued" == outcome(await renew(server, client, first.refresh_token))


async def test_without_the_grant_registered_it_is_no_use():
    """An update of the registration takes effect at once."""
    server, client, first = await public()
    less = client.metadata | {"grant_types": ["authorization_code"]}
    client = await server.change(client, metadata=less)

    found = await renew(server, client, first.refresh_token)

    assert "unauthorized_client" == outcome(found)


@pytest.mark.parametrize(
    "change",
    [{"token_generation": 1}, {"holds": (a_hold(),), "state": "suspended"}],
    ids=["generation", "held"],
)
async def test_it_dies_with_its_client(change):
    """A hard hold ends every family at once, and no lifted hold brings one back."""
    server, client, first = await public()
    client = await server.change(client, **change)

    assert await renew(server, client, first.refresh_token) is NOT_GOOD


@pytest.mark.spec("G-028")
async def test_it_ends_when_it_is_not_used_and_at_last_with_its_grant():
    """A device in a drawer is disconnected after a month, and everything after a year."""
    lifetimes = Lifetimes(refresh_token=timedelta(days=30), grant=timedelta(days=50))
    server, client, used = await public(lifetimes=lifetimes)
    unused = await server.signed_in(client)

    seen = []
    for _ in range(3):
        server.clock.advance(timedelta(days=20))
        used = await renew(server, client, used.refresh_token)
        seen.append(outcome(used))
        if seen[-1] != "issued":
            break
    late = await renew(server, client, unused.refresh_token)

    assert (["issued", "issued", REFUSED], REFUSED) == (seen, outcome(late))


@pytest.mark.spec("G-029")
async def test_a_token_with_nothing_left_to_do_is_not_given():
    """An API that looks at the audience alone would take it for one that may do everything."""
    server = await Grants.ready()
    client = await server.web()
    answer = await server.signed_in(client, scope=("read",))
    scopes = tuple(one for one in server.context.issuer.scopes if one.name != "read")
    server.context = server.context_of(
        msgspec.structs.replace(server.context.issuer, scopes=scopes)
    )

    renewed = await renew(server, client, answer.refresh_token)

    assert "invalid_scope" == outcome(renewed)


@pytest.mark.spec("G-029")
async def test_what_a_client_lost_since_is_not_in_new_tokens():
    """A scope taken from a registration is not kept alive by an old consent."""
    server, client, first = await public()
    client = await server.change(client, metadata=client.metadata | {"scope": "openid"})

    found = await renew(server, client, first.refresh_token)

    assert "openid" == found.scope


async def test_an_id_token_that_comes_later_has_no_nonce():
    """OpenID Connect Core §12.2: the nonce was for the answer to one request."""
    server = await Grants.ready()
    client = await server.public()
    first = await server.signed_in(client, nonce="n")

    second = await renew(server, client, first.refresh_token)

    nonces = [claims_of(one.id_token or "").get("nonce") for one in (first, second)]
    assert ["n", None] == nonces
    times = {claims_of(one.id_token or "")["auth_time"] for one in (first, second)}
    assert 1 == len(times)


async def test_the_kept_answer_is_sealed():
    """Whoever reads the store must not find tokens in it."""
    server, client, first = await public()

    second = await renew(server, client, first.refresh_token)

    kept = (await server.grant_of(second)).refresh_token
    assert second.refresh_token.encode() not in kept.sealed_answer
    assert b"rgy_rt_" not in kept.sealed_answer


async def test_somebody_who_writes_between_is_heard():
    """The answer follows what is stored, not what was read before it changed."""
    server, client, first = await public()
    grant = await server.grant_of(first)
    gone = msgspec.structs.replace(grant, revoked_at=MOMENT, revision=grant.revision + 1)
    server.store.meanwhile = Changes(puts=(Put(gone, expected=grant.revision),))

    assert await renew(server, client, first.refresh_token) is NOT_GOOD
    assert [] == list((await server.store.page(SpentAssertion, server.context.id)).records)


@pytest.mark.spec("G-020")
async def test_many_threads_of_a_confidential_client_renew_at_once():
    """A busy service must not be told of a conflict with itself."""
    server = await Grants.ready()
    client = await server.web()
    first = await server.signed_in(client)
    server.clock.advance(timedelta(hours=1))

    found = await asyncio.gather(*(renew(server, client, first.refresh_token) for _ in range(30)))

    assert ["issued"] * 30 == [outcome(one) for one in found]
    assert server.clock.now() == (await server.grant_of(first)).used_at


@pytest.mark.parametrize("kind", ["code", "refresh", "access"])
async def test_at_another_issuer_it_means_nothing(kind):
    """Two issuers on one store are two servers to everybody outside."""
    server, client, first = await public()
    code = await server.a_code(client)
    twin = msgspec.structs.replace(client, issuer="9876543210")
    await server.add(twin)
    elsewhere = an_issuer(id=twin.issuer, url="https://other.example", scopes=DEVELOPMENT_SCOPES)
    home, server.context = server.context, server.context_of(elsewhere)

    match kind:
        case "code":
            found = outcome(await server.redeem(twin, code))
        case "refresh":
            found = outcome(await renew(server, twin, first.refresh_token))
        case _:
            known = await server.inspector.introspect(server.context, twin, first.access_token)
            found = str(known)
    server.context = home

    assert found in (REFUSED, "{'active': False}")
    assert not await ended(server, first)
    assert "issued" == outcome(await renew(server, client, first.refresh_token))
