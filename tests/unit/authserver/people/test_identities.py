"""What a provider says of somebody makes them who they are here, and no more than that."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from registrary.authserver.people.attempts import Attempts, Departure
from registrary.authserver.people.identities import CLAIMS_BYTES, Identities, mapped
from registrary.authserver.people.provider_metadata import ProviderMetadata
from registrary.core.changes import Changes, Put
from registrary.core.events import Tag
from registrary.core.people import IdentityProvider, Person, SignInAttempt
from registrary.core.secrets import Secret
from registrary.testing.clock import MOMENT
from registrary.testing.factories import ISSUER_ID
from tests.unit.authserver.people.kit import VISIT, House

pytestmark = pytest.mark.anyio

WORK = IdentityProvider(
    issuer=ISSUER_ID,
    id="work",
    name="Work",
    url="https://login.example",
    client_id="registrary",
    created_at=MOMENT,
    updated_at=MOMENT,
)
METADATA = ProviderMetadata(
    issuer=WORK.url,
    authorization_endpoint="https://login.example/authorize?tenant=1",
    token_endpoint="https://login.example/token",
    jwks_uri="https://login.example/jwks",
)
LEAVING = Departure(
    browser="a-browser", request="authorize:digest", return_to="/account", started_at=MOMENT
)


async def test_somebody_who_comes_for_the_first_time_becomes_a_person():
    """Nobody has to be invited twice."""
    house = House()

    anna = await Identities(house.services).person(
        house.context, WORK, {"sub": "1", "email": "anna@work.example"}, visit=VISIT
    )

    assert anna is not None
    assert (None, {"email": "anna@work.example"}) == (anna.username, anna.claims)
    assert [("work", "1")] == [(each.provider, each.subject) for each in anna.identities]


async def test_the_same_sub_is_the_same_person_and_another_is_not():
    """Also with the same e-mail address: it may have been given to somebody else."""
    house = House()
    known = Identities(house.services)
    claims = {"sub": "1", "email": "anna@work.example"}

    first = await known.person(house.context, WORK, claims, visit=VISIT)
    again = await known.person(house.context, WORK, claims, visit=VISIT)
    other = await known.person(house.context, WORK, claims | {"sub": "2"}, visit=VISIT)
    elsewhere = msgspec.structs.replace(WORK, id="partner")
    foreign = await known.person(house.context, elsewhere, claims, visit=VISIT)

    assert first is not None
    assert first == again
    assert 3 == len({one.id for one in (first, other, foreign) if one is not None})


async def test_two_browsers_at_once_make_one_person():
    """Somebody opens two tabs on the first morning."""
    house = House()
    known = Identities(house.services)

    people = await asyncio.gather(
        *(known.person(house.context, WORK, {"sub": "1"}, visit=VISIT) for _ in range(2))
    )

    assert 1 == len({one.id for one in people if one is not None})
    stored = await house.store.page(Person, ISSUER_ID)
    assert 1 == len(stored.records)


async def test_what_changed_there_changes_here_and_what_is_not_named_stays():
    """Somebody married; what an administrator noted here is theirs still."""
    house = House()
    known = Identities(house.services)
    anna = await known.person(house.context, WORK, {"sub": "1", "name": "Anna A."}, visit=VISIT)
    assert anna is not None
    noted = msgspec.structs.replace(anna, claims=anna.claims | {"locale": "de"}, revision=2)
    await house.store.commit(Changes(puts=(Put(noted, expected=1),)))

    after = await known.person(house.context, WORK, {"sub": "1", "name": "Anna B."}, visit=VISIT)

    assert after is not None
    assert {"name": "Anna B.", "locale": "de"} == after.claims
    assert [Tag.PERSON_CREATED, Tag.PERSON_UPDATED] == await house.tags()


@pytest.mark.parametrize(
    ("name", "proof"),
    [("email", "email_verified"), ("phone_number", "phone_number_verified")],
)
async def test_what_was_proved_of_one_address_is_not_said_of_the_next(name, proof):
    """Somebody changes their address at the provider to the director's, and is not the director."""
    house = House()
    known = Identities(house.services)
    mine = {"sub": "1", name: "mine", proof: True}
    theirs = {"sub": "1", name: "the director's"}

    before = await known.person(house.context, WORK, mine, visit=VISIT)
    again = await known.person(house.context, WORK, {"sub": "1", name: "mine"}, visit=VISIT)
    after = await known.person(house.context, WORK, theirs, visit=VISIT)

    assert before is not None
    assert before == again
    assert after is not None
    assert {name: "the director's"} == after.claims


@pytest.mark.parametrize(
    ("said", "expected"),
    [(True, True), ("true", True), (False, False), ("false", False), ("no", False), (1, False)],
)
def test_verified_is_yes_or_no(said, expected):
    """Some providers write a word, and to many a client any word is a yes."""
    assert {"email_verified": expected} == mapped(WORK, {"email_verified": said})


async def test_an_event_names_the_claims_that_changed_and_not_their_values():
    """The log is kept for ever; a name is the person's own."""
    house = House()
    known = Identities(house.services)
    for name in ("Anna A.", "Anna B."):
        await known.person(house.context, WORK, {"sub": "1", "name": name}, visit=VISIT)

    body = (await house.bodies())[-1]

    assert ["name"] == body["detail"]["claims"]
    assert "Anna" not in str(body)


def test_claims_are_mapped_by_our_names():
    """Every directory has its own words."""
    provider = msgspec.structs.replace(WORK, claims={"preferred_username": "upn", "name": "cn"})
    said = {"upn": "anna", "cn": "Anna A.", "name": "ignored", "email": "a@work.example"}

    told = mapped(provider, said | {"groups": ["admins"], "updated_at": 7, "sub": "1"})

    assert {"preferred_username": "anna", "name": "Anna A.", "email": "a@work.example"} == told


def test_what_is_too_much_is_left_out_from_the_longest_on():
    """Who may edit their own profile there must not fill our store."""
    told = mapped(WORK, {"name": "Anna", "picture": "p" * CLAIMS_BYTES, "email": "a@b.example"})

    assert {"name": "Anna", "email": "a@b.example"} == told


async def test_an_attempt_comes_back_once_of_two_at_once():
    """Two redirects with one state: one of them is a copy."""
    house = House()
    attempts = Attempts(house.services)
    address = await attempts.begin(house.context, WORK, METADATA, leaving=LEAVING)
    state = Secret(address.partition("state=")[2].partition("&")[0])

    came = await asyncio.gather(
        *(attempts.end(house.context, state=state, browser="a-browser") for _ in range(2))
    )

    assert [True, False] == sorted((one is not None for one in came), reverse=True)


async def test_an_attempt_is_forgotten_after_ten_minutes():
    """Who comes back later has been somewhere else."""
    house = House()
    attempts = Attempts(house.services)
    address = await attempts.begin(house.context, WORK, METADATA, leaving=LEAVING)
    state = Secret(address.partition("state=")[2].partition("&")[0])

    [attempt] = (await house.store.page(SignInAttempt, ISSUER_ID)).records
    house.clock.set(attempt.expires_at)

    assert await attempts.end(house.context, state=state, browser="a-browser") is None


async def test_what_an_attempt_must_keep_secret_is_not_in_the_store():
    """Who reads a backup must not finish somebody's sign-in."""
    house = House()
    leaving = replace(LEAVING, login_hint="anna@work.example")
    address = await Attempts(house.services).begin(house.context, WORK, METADATA, leaving=leaving)

    [attempt] = (await house.store.page(SignInAttempt, ISSUER_ID)).records

    kept = msgspec.json.encode(attempt).decode()
    sent = dict(pair.split("=", 1) for pair in address.partition("?")[2].split("&"))
    assert [] == [name for name in ("state", "nonce") if sent[name] in kept]
    assert ("1", "anna%40work.example") == (sent["tenant"], sent["login_hint"])
