"""An issuer has the endpoints it announces, and announces no others."""

import asyncio
from urllib.parse import urlsplit

import httpx2
import msgspec
import pytest

from registrary.config import Settings
from registrary.core.changes import Changes, Put
from registrary.core.issuer import Issuer, RegistrationMode, RuleSet
from registrary.testing.clock import MOMENT
from registrary.testing.stores import opened
from registrary.wiring.contexts import offer_of
from registrary.wiring.issuers import issuer_of
from tests.unit.wiring.kit import ADMIN, development, production, serving

pytestmark = pytest.mark.anyio

DEV = Settings(dev=True)
DOCUMENT = {"redirect_uris": ["https://app.example/cb"]}
DISCOVERY = "/.well-known/oauth-authorization-server"


async def until(ask, *, status: int) -> httpx2.Response:
    """Return the first answer with *status*."""
    for _ in range(200):
        answer: httpx2.Response = await ask()
        if answer.status_code == status:
            return answer
        await asyncio.sleep(0.05)
    raise TimeoutError("it does not come true")


async def changed(place, **members) -> Issuer:
    """Give the issuer stored at *place* other members, as an administrator does."""
    async with opened(place) as store:
        [issuer] = await store.issuers()
        new = msgspec.structs.replace(issuer, revision=issuer.revision + 1, **members)
        await store.commit(Changes(puts=(Put(new, expected=issuer.revision),)))
    return new


@pytest.mark.parametrize("dev", [True, False], ids=["development", "production"])
@pytest.mark.spec("D-034")
async def test_every_address_that_is_announced_is_served(place, dev):
    """A client that reads the metadata and meets a 404 cannot tell whose fault it is."""
    settings = development(place) if dev else production(place)

    async with serving(settings) as http:
        metadata = (await http.get(DISCOVERY)).json()
        addresses = {
            name: value
            for name, value in metadata.items()
            if name.endswith("_endpoint") or name == "jwks_uri"
        }
        statuses = {
            name: (await http.get(urlsplit(address).path)).status_code
            for name, address in addresses.items()
        }

    assert len(addresses) >= 6
    assert {} == {name: status for name, status in statuses.items() if status == 404}
    assert {metadata["issuer"]} == {
        address.removesuffix(urlsplit(address).path) for address in addresses.values()
    }


async def test_both_metadata_documents_are_one(place):
    """RFC 8414 §2 and OpenID Connect Discovery: who reads either registers alike."""
    async with serving(development(place)) as http:
        documents = [
            (await http.get(f"/.well-known/{name}")).json()
            for name in ("oauth-authorization-server", "openid-configuration")
        ]

    assert documents[0] == documents[1]


async def test_a_closed_issuer_announces_no_registration(place):
    """What is not offered is not promised; the address itself still answers."""
    async with serving(development(place)):
        pass
    await changed(place, mode=RegistrationMode.CLOSED)

    async with serving(development(place)) as http:
        metadata = (await http.get(DISCOVERY)).json()
        refused = await http.post("/register", json={})

    assert "registration_endpoint" not in metadata
    assert (403, "access_denied") == (refused.status_code, refused.json()["error"])


async def test_a_change_of_the_issuer_is_served_while_it_runs(place):
    """A command's effect is seen within a second, without a restart."""
    async with serving(development(place)) as http:
        before = await http.post("/register", json=DOCUMENT)
        await changed(place, mode=RegistrationMode.PROTECTED)
        after = await until(lambda: http.post("/register", json=DOCUMENT), status=401)

    assert (201, "invalid_token") == (before.status_code, after.json()["error"])


async def test_an_issuer_made_by_the_api_is_served_with_keys_of_its_own(place):
    """One process serves many; what one signs nobody takes for another's."""
    async with serving(development(place)) as http:
        made = await http.post(
            "/api/v1/issuers", json={"url": "http://localhost:1/tenant"}, headers=ADMIN
        )
        host = {"Host": "localhost:1"}
        keys = await until(lambda: http.get("/tenant/jwks", headers=host), status=200)
        own = await http.get("/jwks", headers={"Host": "127.0.0.1:8400"})
        elsewhere = await http.get("/jwks", headers={"Host": "evil.example"})

    assert 201 == made.status_code
    ids = [{key["kid"] for key in answer.json()["keys"]} for answer in (keys, own)]
    assert [4, 4, 0] == [len(ids[0]), len(ids[1]), len(ids[0] & ids[1])]
    assert 404 == elsewhere.status_code


def test_only_a_developers_offer_lets_plain_http_through():
    """The one switch that relaxes what is fetched follows the issuer's record."""
    issuer = issuer_of(DEV, now=MOMENT)
    real = msgspec.structs.replace(issuer, dev=False)

    assert [True, False] == [offer_of(one).loopback_http for one in (issuer, real)]


def test_the_rule_set_decides_what_is_offered():
    """Certification needs what the current practice advises against; nobody gets it unasked."""
    issuer = issuer_of(DEV, now=MOMENT)
    certified = msgspec.structs.replace(issuer, rule_set=RuleSet.OIDF_DYNAMIC)

    assert [False, True] == ["implicit" in offer_of(one).grant_types for one in (issuer, certified)]
