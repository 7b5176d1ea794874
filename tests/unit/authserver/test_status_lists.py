"""What lists say of tokens, and when they say it."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from registrary.authserver.status_lists import KEPT, SIGNED_FOR, StatusLists
from registrary.authserver.status_places import (
    FILLED_TO,
    LIST_LIFETIME,
    PLACES,
    filling_counter,
    place_of_client,
    place_of_grant,
)
from registrary.authserver.tokens import AccessTokens, IssuedToken
from registrary.core.changes import NO_LIMIT, Changes, Consume, Put
from registrary.core.client import hold, lift_hold, revoke
from registrary.core.deliveries import StatusOfClient, StatusPlace, revocation_of
from registrary.core.issuer import Resource
from registrary.core.jose import ClaimRules, verify_jwt
from registrary.core.jose.jws import parse_jws
from registrary.core.jose.jwt import parse_claims
from registrary.core.lifecycle import HoldKind
from registrary.core.status_list import decode_status_list, status_at
from registrary.jobs.sweeps import sweep_expired
from registrary.policy.endings import revocations_by
from registrary.testing.clock import MOMENT
from registrary.testing.factories import a_hold, an_issuer
from registrary.testing.people_factories import a_grant, a_person, an_authorization
from tests.unit.authserver.kit import Server

pytestmark = pytest.mark.anyio

OFFLINE = "https://offline.example/"
ONLINE = "https://online.example/"
HOUR = timedelta(hours=1)


class Office(Server):
    """A server whose lists a test reads."""

    def __init__(self, **issuer):
        super().__init__(**issuer)
        self.lists = StatusLists(self.services)

    async def open(self, **metadata):
        """Make the keys, and return a client that gets tokens."""
        await self.make_key()
        return await self.service(**metadata)

    async def status(self, reference):
        """Return what the list says at *reference*, read as a stranger does."""
        list_id = reference.uri.rpartition("/")[2]
        published = await self.lists.published(self.context, list_id)
        assert published is not None
        claims = await self.claims(published.token)
        assert (reference.uri, 1) == (claims["sub"], claims["status_list"]["bits"])
        return status_at(decode_status_list(claims["status_list"]["lst"]), reference.index, bits=1)

    async def claims(self, token):
        """Return the claims of a list, verified."""
        rules = ClaimRules(types=frozenset({"statuslist+jwt"}), issuer=self.context.issuer.url)
        jwks = await self.signer.public_jwks(self.context.id)
        now = self.clock.now()
        return verify_jwt(token, jwks, algorithms=["ES256"], rules=rules, now=now).members

    async def become(self, before, after):
        """Store what became of a client, as use cases do, and wait until lists are made anew."""
        await self.store.commit(
            Changes(
                puts=(Put(after, expected=before.revision),),
                consumptions=revocations_by(before, after),
            )
        )
        self.clock.advance(KEPT)
        return after

    async def granted(self, client, *, resources=(), **what_matters):
        """Store a person, and a grant that *client* has of them."""
        person = a_person(issuer=self.context.id)
        authorization = an_authorization(
            client_id=client.client_id, person=person.id, resources=resources
        )
        grant = a_grant(issuer=self.context.id, authorization=authorization, **what_matters)
        await self.store.commit(Changes(puts=(Put(person), Put(grant))))
        return person, grant

    async def end(self, record, **members):
        """Store *record* with other *members*, in a commit that ends tokens."""
        changed = msgspec.structs.replace(record, revision=record.revision + 1, **members)
        put = Put(changed, expected=record.revision)
        counted = (revocation_of(self.context.id),)
        await self.store.commit(Changes(puts=(put,), consumptions=counted))
        self.clock.advance(KEPT)


async def ready(**issuer):
    """Return a server and a client of it."""
    office = Office(**issuer)
    return office, await office.open()


# --- Clients ------------------------------------------------------------------------------------


async def test_tokens_of_a_client_share_a_place():
    """A bit per client is what every resource server can afford to look at."""
    office, client = await ready()

    first = await place_of_client(office.services, office.context, client)
    second = await place_of_client(office.services, office.context, client)

    assert first == second
    assert f"{office.context.issuer.url}/status-lists/clients-0" == first.uri


async def test_an_access_token_says_where_its_status_is():
    """Whoever verifies it needs nothing else to know whether it was revoked."""
    office, client = await ready()

    token = await office.token(client)

    place = await place_of_client(office.services, office.context, client)
    claims = parse_claims(parse_jws(token).payload)
    assert {"status_list": {"idx": place.index, "uri": place.uri}} == claims["status"]


async def test_a_full_disk_keeps_no_client_from_its_tokens():
    """What needs no write to be right is not refused for want of one."""
    office, client = await ready()
    office.store.is_full = True

    token = await office.token(client)

    assert "status" not in parse_claims(parse_jws(token).payload)


@pytest.mark.parametrize("kind", [HoldKind.ADMIN, HoldKind.DORMANT], ids=["hard", "soft"])
async def test_a_held_client_is_revoked_in_its_list(kind):
    """A resource server that asks nobody stops serving it all the same."""
    office, client = await ready()
    place = await place_of_client(office.services, office.context, client)
    before = await office.status(place)

    await office.become(client, hold(client, a_hold(kind=kind)))

    assert (0, 1) == (before, await office.status(place))


async def test_a_soft_hold_that_is_lifted_brings_the_tokens_back():
    """They were not ended, only not served."""
    office, client = await ready()
    place = await place_of_client(office.services, office.context, client)
    held = await office.become(client, hold(client, a_hold(kind=HoldKind.DORMANT)))

    await office.become(held, lift_hold(held, HoldKind.DORMANT, now=MOMENT))

    assert 0 == await office.status(place)


async def test_tokens_that_a_hold_ended_stay_ended_when_it_is_lifted():
    """What was stolen before the incident is not good again after it."""
    office, client = await ready()
    old = await place_of_client(office.services, office.context, client)
    held = await office.become(client, hold(client, a_hold(kind=HoldKind.INCIDENT)))
    lifted = await office.become(held, lift_hold(held, HoldKind.INCIDENT, now=MOMENT))

    new = await place_of_client(office.services, office.context, lifted)

    assert (1, 0) == (await office.status(old), await office.status(new))


async def test_a_revoked_client_is_revoked_in_its_list():
    """For good."""
    office, client = await ready()
    place = await place_of_client(office.services, office.context, client)

    await office.become(client, revoke(client, now=MOMENT))

    assert 1 == await office.status(place)


@pytest.mark.spec("L-033")
async def test_nobody_else_is_revoked():
    """One bit is one client's."""
    office, client = await ready()
    others = [await office.service() for _ in range(20)]
    places = [await place_of_client(office.services, office.context, one) for one in others]
    await place_of_client(office.services, office.context, client)

    await office.become(client, revoke(client, now=MOMENT))

    assert 20 == len(set(places))
    assert [0] * 20 == [await office.status(place) for place in places]


async def test_two_that_take_the_first_place_of_a_client_get_one():
    """Two tokens asked for at once are two tokens of one client."""
    office, client = await ready()
    other = StatusOfClient(
        issuer=office.context.id, client_id=client.client_id, list_id="clients-0", index=7
    )
    office.store.meanwhile = Changes(puts=(Put(other),))

    place = await place_of_client(office.services, office.context, client)

    assert 7 == place.index


async def test_a_taken_place_is_not_given_twice():
    """Or one client's revocation would be another's."""
    office, client = await ready()
    half = [
        StatusPlace(issuer=office.context.id, list_id="clients-0", index=index, subject="client:x")
        for index in range(0, PLACES, 2)
    ]
    await office.store.commit(Changes(puts=tuple(Put(place) for place in half)))

    place = await place_of_client(office.services, office.context, client)

    assert 1 == place.index % 2


async def test_a_list_that_is_half_full_is_followed_by_another():
    """A place in a full list would be searched for in vain."""
    office, client = await ready()
    filled = Consume(office.context.id, filling_counter("clients"), NO_LIMIT, amount=FILLED_TO)
    await office.store.commit(Changes(consumptions=(filled,)))

    place = await place_of_client(office.services, office.context, client)

    assert place.uri.endswith("/status-lists/clients-1")
    assert 0 == await office.status(place)


# --- Grants -------------------------------------------------------------------------------------


async def test_a_token_for_a_resource_that_verifies_offline_has_its_own_place():
    """A person who disconnects one app is not to wait for ten minutes there."""
    known = (Resource(uri=OFFLINE, verifies_offline=True), Resource(uri=ONLINE))
    office, client = await ready(resources=known)
    _, grant = await office.granted(client, resources=(OFFLINE, ONLINE), expires_at=MOMENT + HOUR)

    issued = [
        await AccessTokens(office.services).issue(
            office.context,
            client,
            grant.authorization,
            grant=grant,
            scope=(),
            resources=resources,
            confirmation=grant.confirmation,
        )
        for resources in ((OFFLINE,), (OFFLINE,), (ONLINE,))
    ]

    tokens = [one.access_token for one in issued if isinstance(one, IssuedToken)]
    claims = [parse_claims(parse_jws(token).payload) for token in tokens]
    places = [one["status"]["status_list"] for one in claims]
    assert ["grants-0", "grants-0", "clients-0"] == [
        place["uri"].rpartition("/")[2] for place in places
    ]
    assert places[0]["idx"] != places[1]["idx"]


@pytest.mark.parametrize("what", ["grant", "client", "person", "generation"])
async def test_a_token_ends_with_whatever_it_stands_on(what):
    """Whoever is no longer trusted, the token is not."""
    office, client = await ready()
    person, grant = await office.granted(client, expires_at=MOMENT + 2 * HOUR)
    place = await place_of_grant(office.services, office.context, grant, expires_at=MOMENT + HOUR)
    before = await office.status(place)

    match what:
        case "grant":
            await office.end(grant, revoked_at=MOMENT)
        case "client":
            await office.become(client, revoke(client, now=MOMENT))
        case "person":
            await office.end(person, disabled_at=MOMENT)
        case _:
            await office.end(person, generation=1)

    assert (0, 1) == (before, await office.status(place))


async def test_a_place_is_taken_before_its_grant_is_stored():
    """A list made in that moment must not call the token revoked for minutes."""
    office, _ = await ready()
    unborn = a_grant(issuer=office.context.id)

    place = await place_of_grant(office.services, office.context, unborn, expires_at=MOMENT + HOUR)

    assert 0 == await office.status(place)


async def test_a_place_is_free_again_when_no_copy_of_a_list_speaks_of_it():
    """A place given too early to another token would be born revoked."""
    office, client = await ready()
    _, grant = await office.granted(client, expires_at=MOMENT + 2 * HOUR)
    place = await place_of_grant(office.services, office.context, grant, expires_at=MOMENT + HOUR)
    await office.end(grant, revoked_at=MOMENT)
    moments = (HOUR - SIGNED_FOR, HOUR, HOUR + LIST_LIFETIME)

    seen = []
    for moment in moments:
        office.clock.set(MOMENT + moment)
        await sweep_expired(office.store, office.clock, office.context.issuer)
        kept = await office.store.page(StatusPlace, office.context.id)
        seen.append((await office.status(place), len(kept.records)))

    assert [(1, 1), (0, 1), (0, 0)] == seen


# --- The list -----------------------------------------------------------------------------------


async def test_a_list_says_how_long_it_is_good():
    """Whoever keeps a copy knows when to look again, and when to go by it no longer."""
    office, client = await ready()
    await place_of_client(office.services, office.context, client)

    published = await office.lists.published(office.context, "clients-0")

    claims = await office.claims(published.token)
    assert ({"iss", "sub", "iat", "exp", "ttl", "status_list"}, 5) == (set(claims), claims["ttl"])
    assert LIST_LIFETIME.total_seconds() == claims["exp"] - claims["iat"]
    assert PLACES // 8 == len(decode_status_list(claims["status_list"]["lst"]))


async def test_an_unchanged_list_is_signed_once():
    """A thousand resource servers cost one signature."""
    office, client = await ready()
    await place_of_client(office.services, office.context, client)

    first = await office.lists.published(office.context, "clients-0")
    office.clock.advance(SIGNED_FOR - KEPT)
    second = await office.lists.published(office.context, "clients-0")
    office.clock.advance(KEPT)
    third = await office.lists.published(office.context, "clients-0")

    assert first.etag == second.etag
    assert first.etag != third.etag


async def test_a_clock_that_was_set_back_makes_no_list_last():
    """A copy from the future would be shown until the clock comes there again."""
    office, client = await ready()
    await place_of_client(office.services, office.context, client)
    first = await office.lists.published(office.context, "clients-0")

    office.clock.set(MOMENT - HOUR)
    second = await office.lists.published(office.context, "clients-0")

    assert first.etag != second.etag


async def test_those_who_ask_at_once_share_the_making():
    """A list that moved is asked for by everybody in the same second."""
    office, client = await ready()
    await place_of_client(office.services, office.context, client)

    published = await asyncio.gather(
        *(office.lists.published(office.context, "clients-0") for _ in range(20))
    )

    assert 1 == len({one.etag for one in published})


@pytest.mark.parametrize(
    "name",
    ["clients-1", "grants-0", "clients-00", "clients--1", "clients", "", "x-0", "clients-0 "],
)
async def test_there_is_no_other_list(name):
    """A list for every name would sign whatever strangers think of."""
    office, client = await ready()
    await place_of_client(office.services, office.context, client)

    assert await office.lists.published(office.context, name) is None


async def test_every_list_is_named():
    """Who goes offline fetches them all before (§9)."""
    office, client = await ready()
    before = await office.lists.uris(office.context)
    place = await place_of_client(office.services, office.context, client)

    assert ([], [place.uri]) == (before, await office.lists.uris(office.context))


async def test_the_lists_of_issuers_are_apart():
    """One issuer's operator says nothing about another's clients."""
    office, client = await ready()
    await place_of_client(office.services, office.context, client)
    other = office.context_of(an_issuer(id="9876543210", url="https://other.example"))

    assert await office.lists.published(other, "clients-0") is None
