"""A development server can be tried at once; any other has no password of ours."""

import asyncio

import pytest

from registrary.core.people import Person, SignInName
from registrary.testing.stores import opened
from tests.unit.wiring.kit import ADMIN, development, production, serving

pytestmark = pytest.mark.anyio


async def people_of(place) -> list[str | None]:
    """Return the user names in the store at *place*."""
    async with opened(place) as store:
        [issuer] = await store.issuers()
        names = await store.page(SignInName, issuer.id)
        people = [await store.get(Person, issuer.id, name.person) for name in names.records]
    return [person.username for person in people if person is not None]


async def test_a_development_server_knows_the_demo_person(place):
    """The first authorization must not need a manual; and a second start makes no second one."""
    for _ in range(2):
        async with serving(development(place)):
            pass

    assert ["demo"] == await people_of(place)


async def test_an_issuer_that_is_added_knows_the_demo_person_too(place):
    """Whoever tries a second rule set signs in there as well."""
    new = {"url": "http://127.0.0.1:8400/second", "mode": "open"}
    known = None
    async with serving(development(place)) as http, opened(place) as store:
        made = await http.post("/api/v1/issuers", json=new, headers=ADMIN)
        for _ in range(200):
            known = await store.get(SignInName, made.json()["id"], "local:demo")
            if known is not None:
                break
            await asyncio.sleep(0.05)

    assert known is not None


async def test_a_real_server_knows_nobody(place):
    """A default password would be found by the first scanner."""
    async with serving(production(place)):
        pass

    assert [] == await people_of(place)
