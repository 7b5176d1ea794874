"""Sessions begin anew at each sign-in and end in every way they should."""

from datetime import timedelta

import msgspec
import pytest

from registrary.core.changes import Changes, Put
from registrary.core.events import Tag
from registrary.core.issuer import Lifetimes
from registrary.core.people import Person, SessionOfPerson
from registrary.testing.clock import MOMENT
from tests.unit.authserver.people.kit import VISIT, House

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
LIFETIMES = Lifetimes(session_idle=HOUR, session=3 * HOUR)


async def test_a_session_is_known_by_its_token():
    """The cookie is all a browser brings."""
    house = House()
    anna = await house.person()
    signed_in, token = await house.sign_in(anna)

    found = await house.sessions.current(house.context, token)

    assert signed_in == found
    assert [Tag.PERSON_CREATED, Tag.PERSON_SIGNED_IN] == await house.tags()


async def test_the_token_is_not_in_the_store():
    """Who reads a backup must not be signed in by it."""
    house = House()
    signed_in, token = await house.sign_in(await house.person())

    assert token[-49:] not in msgspec.json.encode(signed_in.session).decode()


async def test_a_token_with_another_secret_part_opens_nothing():
    """The first half of a token names the record and is no secret."""
    house, other = House(), House()
    await house.sign_in(await house.person())
    other.entropy.token_bytes(7)
    _, foreign = await other.sign_in(await other.person())

    found = [
        await house.sessions.current(house.context, text) for text in (foreign, "", None, "rgy_ss_")
    ]

    assert [None] * 4 == found


async def test_a_session_ends_when_it_is_not_used():
    """Somebody left the library an hour ago."""
    house = House(lifetimes=LIFETIMES)
    _, token = await house.sign_in(await house.person())

    house.clock.advance(HOUR)

    assert await house.sessions.current(house.context, token) is None


async def test_use_keeps_a_session_until_its_absolute_end():
    """A page that reloads itself must not keep a session for ever."""
    house = House(lifetimes=LIFETIMES)
    _, token = await house.sign_in(await house.person())

    found = []
    for _ in range(4):
        house.clock.advance(timedelta(minutes=50))
        found.append(await house.sessions.current(house.context, token) is not None)

    assert [True, True, True, False] == found


async def test_a_session_is_written_once_a_minute_at_most():
    """Reading a page must not cost a write each time."""
    house = House(lifetimes=LIFETIMES)
    signed_in, token = await house.sign_in(await house.person())

    house.clock.advance(timedelta(seconds=59))
    await house.sessions.current(house.context, token)
    unwritten = await house.stored(signed_in.session)
    house.clock.advance(timedelta(seconds=1))
    await house.sessions.current(house.context, token)
    written = await house.stored(signed_in.session)

    assert (1, 2) == (unwritten.revision, written.revision)
    assert MOMENT + timedelta(minutes=61) == written.expires_at


@pytest.mark.spec("P-026")
async def test_another_sign_in_gives_another_token_and_ends_the_first():
    """A token that somebody planted in a browser must not become that person's session."""
    house = House()
    anna = await house.person()
    first, planted = await house.sign_in(anna)

    second, token = await house.sign_in(anna, replaces=first.session)

    assert token != planted
    assert await house.sessions.current(house.context, planted) is None
    assert second == await house.sessions.current(house.context, token)


async def test_proving_oneself_again_keeps_the_session_that_clients_know():
    """Clients that were told a sid learn of the end of that one."""
    house = House()
    anna, bert = await house.person(), await house.person("bert")
    first, _ = await house.sign_in(anna)
    noted = await house.sessions.note_client(house.context, first.session, "a-client")

    again, _ = await house.sign_in(anna, replaces=noted)
    other, _ = await house.sign_in(bert, replaces=again.session)

    assert (noted.session_id, ("a-client",)) == (again.session.session_id, again.session.clients)
    assert noted.session_id != other.session.session_id
    assert () == other.session.clients


async def test_clients_are_noted_once():
    """Each of them is told once."""
    house = House()
    signed_in, _ = await house.sign_in(await house.person())
    stale = signed_in.session

    first = await house.sessions.note_client(house.context, stale, "one")
    second = await house.sessions.note_client(house.context, stale, "two")
    third = await house.sessions.note_client(house.context, second, "one")

    assert ("one",) == first.clients
    assert ("one", "two") == second.clients == third.clients


async def test_an_ended_session_leaves_nothing_but_its_event():
    """Signing out is signing out."""
    house = House()
    signed_in, token = await house.sign_in(await house.person())

    await house.sessions.end(house.context, signed_in.session, visit=VISIT)
    await house.sessions.end(house.context, signed_in.session, visit=VISIT)

    assert await house.sessions.current(house.context, token) is None
    left = await house.store.page(SessionOfPerson, house.context.id)
    assert () == left.records
    assert 1 == (await house.tags()).count(Tag.PERSON_SIGNED_OUT)


async def test_signing_out_everywhere_ends_every_session_at_once():
    """Somebody lost a phone."""
    house = House()
    anna, bert = await house.person(), await house.person("bert")
    tokens = [(await house.sign_in(anna))[1] for _ in range(3)]
    _, berts = await house.sign_in(bert)

    after = await house.sessions.end_all(house.context, anna, visit=VISIT)

    found = [await house.sessions.current(house.context, token) for token in tokens]
    assert [None] * 3 == found
    assert anna.generation + 1 == after.generation
    assert [] == list(await house.sessions.of_person(house.context.id, anna.id))
    assert await house.sessions.current(house.context, berts) is not None


@pytest.mark.parametrize(
    "changed", [{"disabled_at": MOMENT}, {"generation": 1}], ids=["disabled", "generation"]
)
async def test_a_session_ends_with_what_became_of_its_person(changed):
    """Whoever is locked out is out, at their next click."""
    house = House()
    anna = await house.person()
    _, token = await house.sign_in(anna)

    other = msgspec.structs.replace(anna, revision=2, **changed)
    await house.store.commit(Changes(puts=(Put(other, expected=1),)))

    assert await house.sessions.current(house.context, token) is None


async def test_the_sessions_of_a_person_are_told_without_those_that_expired():
    """A list of where one is signed in shows no ghosts, and nobody else's."""
    house = House(lifetimes=LIFETIMES)
    anna: Person = await house.person()
    await house.sign_in(anna)
    house.clock.advance(HOUR)
    signed_in, _ = await house.sign_in(anna)
    await house.sign_in(await house.person("bert"))

    found = await house.sessions.of_person(house.context.id, anna.id)

    assert [signed_in.session] == list(found)
