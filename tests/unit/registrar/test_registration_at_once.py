"""Registering while somebody takes back what let the client in."""

from datetime import timedelta

import pytest

from registrary.core.client import Client
from registrary.core.draft import Applicant, PresentedToken
from registrary.policy.decision import Accepted, Refused
from registrary.registrar.initial_access_tokens import InitialAccessTokens, TokenWish
from tests.unit.registrar.desk import OPERATOR, PEER, Desk

pytestmark = pytest.mark.anyio
DOCUMENT = {"redirect_uris": ["https://client.example/cb"]}


async def entered(desk: Desk, **wish):
    """Return a token's record, its bearer let in to register, and its text."""
    record, token = await InitialAccessTokens(desk.services).create(
        desk.context, TokenWish(**wish), actor=OPERATOR
    )
    who = Applicant(PresentedToken(token.reveal()), PEER)
    entry = await desk.registrar.enter(desk.context, who)
    assert not isinstance(entry, Refused)
    return record, entry


async def clients(desk: Desk):
    """Return every client that is stored."""
    return (await desk.store.page(Client, desk.context.id, limit=10)).records


@pytest.mark.parametrize("uses", [None, 1, 5])
@pytest.mark.spec("A-006", "A-117", "T-45")
async def test_a_token_revoked_meanwhile_lets_nobody_in(uses):
    """Whoever revokes a token has seen the last client it made."""
    desk = Desk()
    record, entry = await entered(desk, uses=uses)
    desk.store.meanwhile = [desk.changes(record, revoked_at=desk.clock.now())]

    decision = await desk.registrar.register(desk.context, entry, DOCUMENT)

    assert isinstance(decision, Refused)
    assert "invalid_token" == decision.code
    assert [] == list(await clients(desk))


@pytest.mark.spec("A-006")
async def test_a_token_whose_end_was_moved_meanwhile_is_judged_by_the_new_one():
    """A token is what it is when the client is stored, not what it was a moment ago."""
    desk = Desk()
    record, entry = await entered(desk)
    desk.store.meanwhile = [
        desk.changes(record, expires_at=desk.clock.now() - timedelta(seconds=1))
    ]

    decision = await desk.registrar.register(desk.context, entry, DOCUMENT)

    assert isinstance(decision, Refused)
    assert [] == list(await clients(desk))


async def test_a_note_changed_meanwhile_keeps_nobody_out():
    """A race that is lost without a reason is decided anew, and won."""
    desk = Desk()
    record, entry = await entered(desk, uses=1)
    desk.store.meanwhile = [desk.changes(record, note="for the clinic")]

    decision = await desk.registrar.register(desk.context, entry, DOCUMENT)

    assert isinstance(decision, Accepted)
    assert 1 == len(await clients(desk))
