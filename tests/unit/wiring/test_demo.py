"""A development server can be tried at once; any other has no password of ours."""

import asyncio

import pytest

from registrary.core.people import Person, SignInName
from registrary.storage.sqlite import open_sqlite
from tests.unit.wiring.kit import ADMIN, development, production, serving

pytestmark = pytest.mark.anyio


async def people_of(folder) -> list[str | None]:
    """Return the user names in the store in *folder*."""
    store = open_sqlite(folder / "registrary.db")
    [issuer] = await store.issuers()
    names = await store.page(SignInName, issuer.id)
    people = [await store.get(Person, issuer.id, name.person) for name in names.records]
    await store.close()
    return [person.username for person in people if person is not None]


async def test_a_development_server_knows_the_demo_person(tmp_path):
    """The first authorization must not need a manual; and a second start makes no second one."""
    for _ in range(2):
        async with serving(development(tmp_path)):
            pass

    assert ["demo"] == await people_of(tmp_path)


async def test_an_issuer_that_is_added_knows_the_demo_person_too(tmp_path):
    """Whoever tries a second rule set signs in there as well."""
    new = {"url": "http://127.0.0.1:8400/second", "mode": "open"}
    async with serving(development(tmp_path)) as http:
        made = await http.post("/api/v1/issuers", json=new, headers=ADMIN)
        store = open_sqlite(tmp_path / "registrary.db")
        known = None
        for _ in range(200):
            known = await store.get(SignInName, made.json()["id"], "local:demo")
            if known is not None:
                break
            await asyncio.sleep(0.05)
        await store.close()

    assert known is not None


async def test_a_real_server_knows_nobody(tmp_path):
    """A default password would be found by the first scanner."""
    async with serving(production(tmp_path)):
        pass

    assert [] == await people_of(tmp_path)
