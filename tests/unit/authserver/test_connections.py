"""A person sees which applications they let in, and sends one away."""

from datetime import timedelta

import pytest

from registrary.authserver.connections import Connections
from registrary.core.changes import Changes, Put, Record
from registrary.core.events import Tag
from registrary.core.grants import Consent, Grant, GrantOfPerson
from registrary.testing.clock import MOMENT
from registrary.testing.factories import ISSUER_ID, a_client, some_metadata
from registrary.testing.people_factories import a_grant, an_authorization
from tests.unit.authserver.people.kit import VISIT, House

pytestmark = pytest.mark.anyio

LATER = MOMENT + timedelta(hours=1)


def consented(person: str, client_id: str) -> Consent:
    """Return that *person* allowed *client_id* to know who they are."""
    return Consent(
        issuer=ISSUER_ID,
        person=person,
        client_id=client_id,
        redirect_host="app.example",
        scope=("openid",),
        metadata_hash="hash",
        given_at=MOMENT,
    )


def granted(person: str, client_id: str, **members) -> tuple[Grant, GrantOfPerson]:
    """Return a grant of *person* to *client_id*, and what leads to it."""
    authorization = an_authorization(person=person, client_id=client_id, scope=("openid", "read"))
    grant = a_grant(**{"authorization": authorization} | members)
    lead = GrantOfPerson(
        issuer=ISSUER_ID,
        person=person,
        client_id=client_id,
        grant=grant.id,
        expires_at=grant.expires_at,
    )
    return grant, lead


async def a_house():
    """Return a house, Anna's id and two clients that she let in."""
    house = House()
    anna = (await house.person()).id
    clients = [
        a_client(metadata=some_metadata(redirect_uris=[uri]))
        for uri in ("https://app.example/cb", "com.example.app:/cb")
    ]
    records: list[Record] = [
        *clients,
        consented(anna, clients[0].client_id),
        *granted(anna, clients[0].client_id, created_at=LATER, used_at=LATER),
        *granted(anna, clients[1].client_id),
        *granted("f" * 32, clients[1].client_id),
    ]
    await house.store.commit(Changes(puts=tuple(Put(record) for record in records)))
    return house, anna, [client.client_id for client in clients]


async def test_a_connection_is_told_once_with_all_it_may():
    """What was remembered and what was issued belong to one application."""
    house, anna, (web, native) = await a_house()

    told = await Connections(house.services).of_person(house.context, anna)

    assert [
        (web, "app.example", ("openid", "read"), MOMENT, LATER),
        (native, "com.example.app", ("openid", "read"), MOMENT, None),
    ] == [(each.client.client_id, each.host, each.scope, each.since, each.used_at) for each in told]


async def test_what_was_disconnected_has_no_tokens_and_must_ask_again():
    """Pressing the button ends it, at once and for good."""
    house, anna, (web, native) = await a_house()
    connections = Connections(house.services)

    await connections.end(house.context, anna, web, visit=VISIT)

    told = await connections.of_person(house.context, anna)
    assert [native] == [each.client.client_id for each in told]
    left = await house.store.page(Consent, ISSUER_ID)
    assert () == left.records
    assert [Tag.PERSON_CREATED, Tag.CONSENT_WITHDRAWN, Tag.GRANT_ENDED] == await house.tags()


async def test_what_has_ended_is_not_told():
    """A list of ghosts hides the one that matters."""
    house, anna, (_, native) = await a_house()
    house.clock.advance(timedelta(days=2))

    told = await Connections(house.services).of_person(house.context, anna)

    assert native not in [each.client.client_id for each in told]


async def test_what_is_somebody_elses_stays():
    """A client id in the form is what the sender chose."""
    house, anna, (_, native) = await a_house()

    await Connections(house.services).end(house.context, anna, native, visit=VISIT)

    others = await Connections(house.services).of_person(house.context, "f" * 32)
    assert [native] == [each.client.client_id for each in others]
