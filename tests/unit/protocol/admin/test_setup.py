"""The first administrator comes in by a link that works once, and not by following it."""

import asyncio
from datetime import timedelta

import pytest

from registrary.registrar.first_administrator import FirstAdministrator
from registrary.registrar.permissions import EVERYTHING
from registrary.web.pages.rendering import render_page
from tests.unit.protocol.admin.kit import Office, Reply

pytestmark = pytest.mark.anyio


@pytest.fixture
async def unattended() -> Office:
    """Open a server that nobody administers yet."""
    return await Office(operator_token=None).open()


async def a_link(office: Office) -> str:
    """Return the path of a new link."""
    text = await FirstAdministrator(office.services).open_link(office.context)
    assert text is not None
    return f"/setup/{text.reveal()}"


def token_on(reply: Reply) -> str:
    """Return the token that a page shows."""
    assert reply.page is not None
    return str(reply.page.values["token"])


async def test_the_link_gives_the_first_token_with_every_permission(unattended):
    """Whoever starts the server administers it, without a password that others know."""
    link = await a_link(unattended)

    done = await unattended.send("POST", link)
    answer = await unattended.call("GET /admin-tokens", token=token_on(done))

    assert ("setup_done", 200) == (done.page.name, answer.status)
    assert [("first administrator", ["*"])] == [
        (one["name"], one["permissions"])
        for one in answer.body["items"]
        if one["revoked_at"] is None
    ]


async def test_looking_at_the_link_spends_nothing(unattended):
    """Mail scanners and browsers follow links before people do."""
    link = await a_link(unattended)
    looks = [await unattended.send("GET", link) for _ in range(3)]

    done = await unattended.send("POST", link)

    assert ["setup"] * 3 == [look.page.name for look in looks]
    assert "setup_done" == done.page.name


async def test_the_link_works_once(unattended):
    """Whoever finds it in a scrollback later finds nothing."""
    link = await a_link(unattended)
    await unattended.send("POST", link)

    again = [await unattended.send(method, link) for method in ("GET", "POST")]

    assert [("error", 404)] * 2 == [(one.page.name, one.status) for one in again]


async def test_of_two_at_once_one_gets_the_token(unattended):
    """Two people with the same link are one too many."""
    link = await a_link(unattended)

    replies = await asyncio.gather(*(unattended.send("POST", link) for _ in range(8)))

    names = sorted(reply.page.name for reply in replies)
    assert ["error"] * 7 + ["setup_done"] == names
    live = [token for token in await unattended.tokens() if token.revoked_at is None]
    assert [(EVERYTHING,)] == [token.permissions for token in live]


async def test_the_link_is_good_for_an_hour(unattended):
    """A server that was set up by other means keeps no door open."""
    link = await a_link(unattended)
    unattended.clock.advance(timedelta(minutes=59))
    before = await unattended.send("GET", link)

    unattended.clock.advance(timedelta(minutes=1))
    after = [await unattended.send(method, link) for method in ("GET", "POST")]

    assert "setup" == before.page.name
    assert ["error", "error"] == [one.page.name for one in after]


async def test_a_new_link_replaces_the_old(unattended):
    """After three starts there is one link, the one on the screen."""
    links = [await a_link(unattended) for _ in range(3)]

    replies = [await unattended.send("POST", link) for link in links]

    assert ["error", "error", "setup_done"] == [reply.page.name for reply in replies]


async def test_there_is_no_link_once_somebody_has_a_token(unattended):
    """A restart must not be a way in for whoever reads the output."""
    link = await a_link(unattended)
    await unattended.a_token("clients:read")

    text = await FirstAdministrator(unattended.services).open_link(unattended.context)
    reply = await unattended.send("POST", link)

    assert text is None
    assert "error" == reply.page.name


async def test_there_is_a_link_again_once_no_token_is_good_any_more(unattended):
    """An operator whose only token ran out is not locked out for ever."""
    await unattended.a_token(EVERYTHING, lifetime=timedelta(hours=1))
    unattended.clock.advance(timedelta(hours=1))

    reply = await unattended.send("POST", await a_link(unattended))

    assert "setup_done" == reply.page.name


async def test_the_text_of_a_link_opens_nothing_else(unattended):
    """It stands in an address, and addresses get about."""
    text = (await a_link(unattended)).removeprefix("/setup/")

    answer = await unattended.call("GET /clients", token=text)

    assert 401 == answer.status
    assert not any(event["tag"] == "admin:refused" for event in await unattended.events())


async def test_an_admin_token_is_no_link(unattended):
    """A limited token must not become one with every permission."""
    token = await unattended.a_token("clients:read", lifetime=timedelta(minutes=1))
    unattended.clock.advance(timedelta(seconds=30))

    reply = await unattended.send("POST", f"/setup/{token}")

    assert "error" == reply.page.name


async def test_with_a_token_in_the_settings_there_is_no_such_address(office):
    """An operator who chose a token chose the way in."""
    link = await a_link(office)

    found = office.directory.find("registry.example", link)

    assert found is None


async def test_the_log_tells_how_the_first_administrator_came_in_and_no_secret(unattended):
    """The beginning of a log is where auditors begin."""
    link = await a_link(unattended)
    done = await unattended.send("POST", link)

    events = await unattended.events()

    assert ["admin_token:created", "admin_token:created", "admin_token:revoked"] == sorted(
        event["tag"] for event in events
    )
    assert "192.0.2.7" in str(events)
    assert link.removeprefix("/setup/") not in str(events)
    assert token_on(done) not in str(events)


async def test_guesses_are_counted(unattended):
    """Somebody who tries addresses is seen by the operator."""
    await unattended.send("POST", "/setup/guessed")

    assert ["invalid_setup_link"] == [tally.what for tally in unattended.refusals.drain()]


async def test_the_pages_keep_the_secret_to_themselves(unattended):
    """Neither cache, frame, script nor the next site may have it."""
    link = await a_link(unattended)
    pages = [(await unattended.send(method, link)).page for method in ("GET", "POST")]

    answers = [render_page(page) for page in pages if page is not None]

    for answer in answers:
        headers = dict(answer.headers)
        assert (b"no-store", b"no-referrer") == (
            headers[b"cache-control"],
            headers[b"referrer-policy"],
        )
        assert b"default-src 'none'" in headers[b"content-security-policy"]
        assert b"form-action 'self'" in headers[b"content-security-policy"]
        assert b"<script" not in answer.body
    assert b'<form method="post">' in answers[0].body
    assert link.removeprefix("/setup/").encode() not in answers[0].body + answers[1].body
