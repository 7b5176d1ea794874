"""Whoever sits in front of the page that was shown is who signs in, and nobody else."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from registrary.core.changes import Changes, Put
from registrary.core.events import Tag
from registrary.protocol.conversation import Reached, digest_of
from registrary.protocol.http import Page
from registrary.protocol.parameters import parse_parameters
from registrary.testing.clock import MOMENT
from registrary.web.pages.rendering import render_page
from tests.unit.authserver.people.kit import PASSWORD, House
from tests.unit.protocol.desk_kit import ABOUT, Browser

pytestmark = pytest.mark.anyio


async def a_house(**issuer) -> House:
    """Return a house where Anna is known."""
    house = House(**issuer)
    await house.person("anna")
    return house


async def test_a_person_signs_in_with_a_password():
    """The plainest way in."""
    house = await a_house()
    browser = Browser(house)

    reached = await browser.sign_in("Anna")

    assert ("anna", MOMENT) == (reached.signed_in.person.username, reached.started_at)
    assert (("pwd",), "pwd") == (reached.signed_in.session.amr, reached.signed_in.session.acr)
    assert "anna" == await browser.who()


async def test_the_login_page_is_one_the_renderer_knows():
    """A value that a template misses shows when somebody signs in."""
    browser = Browser(await a_house())

    page = await browser.ask(replace(ABOUT, login_hint="anna"))

    body = render_page(page).body.decode()
    assert 'value="anna"' in body
    assert 'name="csrf"' in body


async def test_every_sign_in_gives_another_session():
    """A session cookie that was planted beforehand opens nothing afterwards (fixation)."""
    browser = Browser(await a_house())
    await browser.sign_in()
    planted = dict(browser.cookies)

    await browser.sign_in()
    other = Browser(browser.house)
    other.cookies = planted

    assert (None, "anna") == (await other.who(), await browser.who())


@pytest.mark.parametrize(
    ("username", "password"),
    [("anna", "wrong horse"), ("nobody", PASSWORD), ("", ""), ("locked", PASSWORD), ("fed", "")],
    ids=["password", "unknown", "empty", "disabled", "no-password"],
)
@pytest.mark.spec("P-025")
async def test_whatever_was_wrong_the_answer_is_the_same(username, password):
    """A page that tells user names from no user names gives a list away."""
    house = await a_house()
    locked = await house.person("locked")
    disabled = msgspec.structs.replace(locked, disabled_at=MOMENT, revision=2)
    await house.store.commit(Changes(puts=(Put(disabled, expected=1),)))
    await house.person("fed", password=None)
    browser = Browser(house)

    answer = await browser.answer(await browser.ask(), username=username, password=password)

    assert isinstance(answer, Page)
    shown = {
        name: answer.values[name] for name in answer.values if name not in {"csrf", "username"}
    }
    assert 200 == answer.status
    assert "The user name or the password is not right." == shown["problem"]
    assert {
        "passkey",
        "links",
        "client",
        "has_password",
        "providers",
        "form_action",
        "problem",
    } == (shown.keys())
    assert await browser.who() is None


async def test_failed_attempts_leave_counts_and_no_events():
    """Strangers must not be able to fill the record."""
    house = await a_house()
    browser = Browser(house)

    for _ in range(3):
        await browser.answer(await browser.ask(), username="anna", password="guess")

    assert 3 == house.refusals.noted[house.context.id, "192.0.2.1", "invalid_credentials"]
    assert [Tag.PERSON_CREATED] == await house.tags()


async def attempts(house: House, *, username: str, source: str, count: int) -> list[int]:
    """Return the statuses of *count* attempts; in *username* and *source* {} is the number."""
    statuses = []
    for number in range(count):
        browser = Browser(house, peer=source.format(number % 250 + 1))
        page = await browser.ask()
        answer = await browser.answer(page, username=username.format(number), password="guess")
        statuses.append(answer.status)
    return statuses


@pytest.mark.parametrize(
    ("username", "source", "limit"),
    [("anna", "192.0.2.{}", 20), ("nobody", "192.0.2.{}", 20), ("user{}", "192.0.2.1", 60)],
    ids=["name", "unknown-name", "source"],
)
@pytest.mark.spec("P-022")
async def test_guessing_is_slowed_down(username, source, limit):
    """A list of the thousand commonest passwords must take hours, for one name or for many."""
    house = await a_house()

    statuses = await attempts(house, username=username, source=source, count=limit + 1)

    assert [200] * limit + [429] == statuses


async def test_who_is_slowed_down_is_told_for_how_long():
    """The right password waits as well, or the wait would tell that it is right."""
    house = await a_house()
    await attempts(house, username="anna", source="192.0.2.{}", count=20)
    browser = Browser(house)

    answer = await browser.answer(await browser.ask(), username="anna", password=PASSWORD)

    assert 429 == answer.status
    assert dict(answer.headers)[b"retry-after"].isdigit()
    house.clock.advance(timedelta(minutes=1))
    assert "anna" == (await browser.sign_in()).signed_in.person.username


async def test_developers_are_not_slowed_down():
    """Test suites sign in hundreds of times a minute."""
    house = await a_house(dev=True)

    statuses = await attempts(house, username="anna", source="127.0.0.1", count=80)

    assert [200] * 80 == statuses


async def test_a_page_of_another_browser_is_no_answer():
    """Else a page of somebody else's site could sign the visitor in as the attacker."""
    house = await a_house()
    attacker, victim = Browser(house), Browser(house)
    await victim.ask()

    answer = await victim.answer(await attacker.ask(), username="anna", password=PASSWORD)

    assert (403, None) == (answer.status, await victim.who())


async def test_a_browser_without_cookies_is_told_so():
    """A loop of login pages explains nothing."""
    browser = Browser(await a_house())
    page = await browser.ask()
    browser.cookies.clear()

    answer = await browser.answer(page, username="anna", password=PASSWORD)

    assert 403 == answer.status
    assert "cookies" in str(answer.values["problem"])


async def test_a_page_about_something_else_is_no_answer():
    """What was asked for one client must not be answered for another."""
    browser = Browser(await a_house())
    page = await browser.ask()

    answer = await browser.answer(
        page, replace(ABOUT, digest="another"), username="anna", password=PASSWORD
    )

    assert 403 == answer.status


async def test_a_page_is_no_answer_an_hour_later():
    """It may be somebody else who finds the laptop open."""
    house = await a_house()
    browser = Browser(house)
    page = await browser.ask()

    house.clock.advance(timedelta(minutes=61))
    answer = await browser.answer(page, username="anna", password=PASSWORD)

    assert 403 == answer.status


async def test_the_beginning_is_remembered_through_failures():
    """A sign-in after it is a fresh one, however many attempts it took."""
    house = await a_house()
    browser = Browser(house)
    page = await browser.ask()

    house.clock.advance(timedelta(minutes=5))
    page = await browser.answer(page, username="anna", password="guess")
    house.clock.advance(timedelta(minutes=5))
    reached = await browser.answer(page, username="anna", password=PASSWORD)

    assert isinstance(reached, Reached)
    assert (MOMENT, MOMENT + timedelta(minutes=10)) == (
        reached.started_at,
        reached.signed_in.session.auth_time,
    )


async def test_a_further_page_comes_back_with_its_beginning_and_its_session():
    """A consent shown to one person is not given by the next one at this computer."""
    house = await a_house()
    browser = Browser(house)
    reached = await browser.sign_in()
    csrf, headers = browser.desk.seal(
        browser.request(), ABOUT, started_at=MOMENT, session=reached.signed_in.session
    )

    opened = browser.desk.open(browser.request("POST"), parse_parameters(f"csrf={csrf}"), ABOUT)

    assert () == headers
    assert opened is not None
    assert (MOMENT, reached.signed_in.session.id) == (opened.started_at, opened.session)


async def test_a_login_page_is_no_answer_to_a_further_one():
    """Who never saw the question cannot have answered it."""
    browser = Browser(await a_house())
    page = await browser.ask()
    form = parse_parameters(f"csrf={page.values['csrf']}")

    assert browser.desk.open(browser.request("POST"), form, ABOUT) is None


def test_what_a_page_is_about_has_one_digest():
    """Parts that run together must not make two questions look the same."""
    assert digest_of("ab", "c") != digest_of("a", "bc")
