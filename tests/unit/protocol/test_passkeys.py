"""A passkey signs in who made it, on our own pages, with a person in front of it."""

import json
from datetime import timedelta

import msgspec
import pytest

from registrary.core.changes import Changes, Put
from registrary.core.events import Tag
from registrary.core.people import Person, UpstreamIdentity
from registrary.protocol.account import PASSKEY_PATH
from registrary.protocol.conversation import Reached
from registrary.protocol.enrolment import PasskeyEnrolment
from registrary.protocol.http import HttpResponse, Page
from registrary.testing.clock import MOMENT
from tests.unit.authserver.people.authenticator import (
    BACKED_UP,
    ELIGIBLE,
    PRESENT,
    VERIFIED,
    Authenticator,
)
from tests.unit.authserver.people.kit import House
from tests.unit.protocol.desk_kit import Browser

pytestmark = pytest.mark.anyio

ORIGIN, HOST = "https://registry.example", "registry.example"


class Device:
    """A browser with an authenticator, and the house it comes to."""

    def __init__(self, house: House, **authenticator):
        self.house = house
        self.browser = Browser(house)
        self.key = Authenticator(**{"origin": ORIGIN, "host": HOST} | authenticator)
        self.enrolment = PasskeyEnrolment(house.services, house.context, self.browser.desk)

    async def enrol(self, name: str = "My phone", **changes: str) -> HttpResponse | Page:
        """Sign in and add the passkey; return the answer."""
        await self.browser.sign_in()
        page = await self.enrolment.show(self.browser.request(path=PASSKEY_PATH))
        assert isinstance(page, Page)
        made = self.key.create(str(page.values["options"]))
        fields = {"csrf": str(page.values["csrf"]), "passkey": made, "name": name} | changes
        return await self.enrolment.act(self.browser.post(PASSKEY_PATH, fields))

    async def sign_in(self, **changes):
        """Sign in with the passkey; *changes* are of the device's answer."""
        page = await self.browser.ask()
        answer = self.key.get(str(page.values["passkey"]), **changes)
        return await self.browser.answer(page, username="", passkey=answer)

    async def person(self) -> Person:
        """Return Anna as she is stored now."""
        page = await self.house.store.page(Person, self.house.context.id)
        return page.records[0]


async def a_device(**authenticator) -> Device:
    """Return a device of Anna's."""
    house = House()
    await house.person("anna")
    return Device(house, **authenticator)


async def test_a_passkey_signs_in_who_made_it():
    """No user name, no password, and nothing a false page could ask for."""
    device = await a_device()
    await device.enrol()

    reached = await device.sign_in()

    assert isinstance(reached, Reached)
    session = reached.signed_in.session
    assert ("anna", ("hwk", "user", "mfa"), "phr") == (
        reached.signed_in.person.username,
        session.amr,
        session.acr,
    )
    assert Tag.PASSKEY_ADDED in await device.house.tags()


async def test_a_passkey_that_is_copied_between_devices_is_no_hardware():
    """Clients that insist on hardware are told the truth (RFC 8176 §2)."""
    device = await a_device(flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP)
    await device.enrol()

    reached = await device.sign_in()

    assert isinstance(reached, Reached)
    assert ("swk", "user", "mfa") == reached.signed_in.session.amr


@pytest.mark.parametrize(
    "what",
    [{"flags": PRESENT}, {"origin": "https://registry.example.evil"}, {"host": "evil.example"}],
    ids=["nobody-recognised", "origin", "host"],
)
async def test_a_passkey_of_another_place_is_not_added(what):
    """A page that looks like ours must not make a key for ours."""
    device = await a_device(**what)

    answer = await device.enrol()

    assert isinstance(answer, Page)
    assert () == (await device.person()).passkeys


@pytest.mark.parametrize(
    "what",
    [{"flags": PRESENT}, {"origin": "https://registry.example.evil"}, {"host": "evil.example"}],
    ids=["nobody-recognised", "origin", "host"],
)
@pytest.mark.spec("P-023")
async def test_an_answer_of_another_place_signs_nobody_in(what):
    """Phishing: what was signed for another page is worth nothing here."""
    device = await a_device()
    await device.enrol()
    for name, value in what.items():
        setattr(device.key, name, value)

    assert isinstance(await device.sign_in(), Page)


async def test_an_answer_is_good_once():
    """Whoever reads it in a log or on the wire comes too late."""
    device = await a_device()
    await device.enrol()
    page = await device.browser.ask()
    answer = device.key.get(str(page.values["passkey"]))

    first = await device.browser.answer(page, username="", passkey=answer)
    second = await device.browser.answer(page, username="", passkey=answer)

    assert isinstance(first, Reached)
    assert isinstance(second, Page)


async def test_an_answer_to_another_page_signs_nobody_in():
    """The challenge is that of the page, not one the sender chose."""
    device = await a_device()
    await device.enrol()
    other = await Browser(device.house).ask()
    page = await device.browser.ask()

    answer = device.key.get(str(other.values["passkey"]))

    assert isinstance(await device.browser.answer(page, username="", passkey=answer), Page)


@pytest.mark.spec("P-024")
async def test_a_counter_that_went_back_signs_nobody_in():
    """A copied key is behind the one it was copied from (WebAuthn §6.1.1)."""
    device = await a_device()
    await device.enrol()
    device.key.count = 7
    await device.sign_in()
    device.key.count = 3

    assert isinstance(await device.sign_in(), Page)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{}",
        "[]",
        "null",
        "{",
        '{"rawId": 1}',
        '{"rawId": "AAAA"}',
        '{"rawId": "="}',
        "a" * 20_000,
    ],
    ids=["empty", "nothing", "list", "null", "broken", "number", "unknown", "odd", "long"],
)
async def test_what_is_no_answer_signs_nobody_in(answer):
    """Whatever stands in the field gets the login page again."""
    device = await a_device()
    await device.enrol()
    page = await device.browser.ask()

    done = await device.browser.answer(page, username="", passkey=answer or "{}")

    assert isinstance(done, Page)
    assert "passkey" in str(done.values["problem"])


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "AAAA"},
        {"authenticatorData": "AAAA"},
        {"clientDataJSON": "AAAA"},
        {"userHandle": "AAAA"},
    ],
    ids=["signature", "data", "client-data", "user"],
)
async def test_a_changed_answer_signs_nobody_in(changes):
    """Each part is signed, or names somebody else."""
    device = await a_device()
    await device.enrol()

    assert isinstance(await device.sign_in(**changes), Page)


async def test_a_disabled_person_has_no_passkey():
    """Locked out is locked out, whatever they hold."""
    device = await a_device()
    await device.enrol()
    anna = await device.person()
    locked = msgspec.structs.replace(anna, disabled_at=MOMENT, revision=anna.revision + 1)
    await device.house.store.commit(Changes(puts=(Put(locked, expected=anna.revision),)))

    assert isinstance(await device.sign_in(), Page)


@pytest.mark.parametrize("name", ["", " ", "a" * 81, "a\x00"], ids=["none", "blank", "long", "odd"])
async def test_a_passkey_has_a_name_to_know_it_by(name):
    """Two passkeys without names cannot be told apart when one is lost."""
    device = await a_device()

    answer = await device.enrol(name=name)

    assert isinstance(answer, Page)
    assert "name" in str(answer.values["problem"])


async def test_the_same_passkey_is_added_once():
    """It would sign in two people, or one by chance."""
    device = await a_device()
    await device.enrol()

    assert isinstance(await device.enrol(), Page)
    assert 1 == len((await device.person()).passkeys)


async def test_only_who_signed_in_a_moment_ago_adds_one():
    """A browser left open must not give a passer-by a way in that lasts."""
    device = await a_device()
    await device.browser.sign_in()
    device.house.clock.advance(timedelta(minutes=16))

    page = await device.enrolment.show(device.browser.request(path=PASSKEY_PATH))

    assert isinstance(page, Page)
    assert "login" == page.name


async def test_who_comes_through_an_organisation_adds_none():
    """Who leaves the organisation leaves us too; a passkey of ours would stay."""
    device = await a_device()
    reached = await device.browser.sign_in()
    anna = reached.signed_in.person
    identity = UpstreamIdentity(provider="work", subject="1", linked_at=MOMENT)
    federated = msgspec.structs.replace(anna, identities=(identity,), revision=2)
    await device.house.store.commit(Changes(puts=(Put(federated, expected=1),)))

    page = await device.enrolment.show(device.browser.request(path=PASSKEY_PATH))

    assert isinstance(page, Page)
    assert 403 == page.status


async def test_where_the_host_is_an_address_there_are_no_passkeys():
    """Browsers refuse to make them, so nobody is offered a button that fails."""
    house = House(url="http://127.0.0.1:8400", dev=True)

    page = await Browser(house).ask()

    assert page.values["passkey"] is None


async def test_the_options_ask_for_a_recognised_person_and_no_name():
    """That makes one passkey two factors, and a user name unnecessary."""
    house = House()

    options = json.loads(str((await Browser(house).ask()).values["passkey"]))

    assert ("required", [], HOST) == (
        options["userVerification"],
        options["allowCredentials"],
        options["rpId"],
    )
