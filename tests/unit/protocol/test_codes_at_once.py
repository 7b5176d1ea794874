"""A code is good once, also for two browsers at one moment, and for its owner alone."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from registrary.authserver.people.one_time_codes import code_at
from registrary.authserver.people.services import by_person
from registrary.authserver.people.ways_in import WaysIn
from registrary.core.changes import Changes, Put
from registrary.core.people import Person
from registrary.protocol.conversation import Reached
from registrary.protocol.http import Page
from tests.unit.authserver.people.kit import PASSWORD, VISIT, House
from tests.unit.protocol.desk_kit import Browser

pytestmark = pytest.mark.anyio

SECRET = b"12345678901234567890"


async def a_house() -> tuple[House, Person]:
    """Return a house where Anna proves codes of an app beside her password."""
    house = House()
    anna = await house.person("anna")
    occasion = by_person(house.services, house.context.id, anna.id, visit=VISIT)
    enrolled = await WaysIn(house.services).enrol_codes(occasion, anna, SECRET, step=0)
    return house, enrolled


def code_now(house: House) -> str:
    """Return the code that the app shows."""
    return code_at(SECRET, int(house.clock.now().timestamp()) // 30)


async def asked_for_a_code(browser: Browser) -> Page:
    """Return the page that *browser* gets after the password."""
    page = await browser.answer(await browser.ask(), username="anna", password=PASSWORD)
    assert isinstance(page, Page)
    assert "one_time_code" == page.name
    return page


async def test_one_code_lets_one_of_two_browsers_in():
    """A page in between that passes the code on at once comes too late, or the owner sees it."""
    house, _ = await a_house()
    browsers = [Browser(house), Browser(house)]
    pages = [await asked_for_a_code(browser) for browser in browsers]

    answers = await asyncio.gather(
        *(
            browser.answer(page, one_time_code=code_now(house))
            for browser, page in zip(browsers, pages, strict=True)
        )
    )

    assert 1 == sum(isinstance(answer, Reached) for answer in answers)
    [refused] = [answer for answer in answers if isinstance(answer, Page)]
    assert "used before" in str(refused.values["problem"])


async def test_guesses_of_a_code_are_slowed_down():
    """There are a million codes, and three of them are good."""
    house, _ = await a_house()
    browser = Browser(house)
    page = await asked_for_a_code(browser)

    statuses = [(await browser.answer(page, one_time_code="000000")).status for _ in range(6)]

    assert [200] * 5 + [429] == statuses


async def test_another_password_ends_what_the_old_one_began():
    """Who proved the old one stands before the second door no longer."""
    house, anna = await a_house()
    browser = Browser(house)
    page = await asked_for_a_code(browser)
    changed = msgspec.structs.replace(anna, generation=1, revision=anna.revision + 1)
    await house.store.commit(Changes(puts=(Put(changed, expected=anna.revision),)))

    answer = await browser.answer(page, one_time_code=code_now(house))

    assert isinstance(answer, Page)


async def test_the_page_for_the_code_is_good_for_an_hour():
    """A password proved yesterday is not half of a sign-in today."""
    house, _ = await a_house()
    browser = Browser(house)
    page = await asked_for_a_code(browser)

    house.clock.advance(timedelta(minutes=61))
    answer = await browser.answer(page, one_time_code=code_now(house))

    assert isinstance(answer, Page)
    assert 403 == answer.status


async def test_a_sign_in_by_password_and_code_is_of_two_factors():
    """Clients that want two are told so."""
    house, _ = await a_house()
    browser = Browser(house)

    reached = await browser.answer(await asked_for_a_code(browser), one_time_code=code_now(house))

    assert isinstance(reached, Reached)
    session = reached.signed_in.session
    assert (("pwd", "otp", "mfa"), "mfa") == (session.amr, session.acr)
