"""Quotas count the clients that are there, whenever they came."""

import asyncio
from typing import Any

import pytest

from registrary.core.changes import Changes
from registrary.core.draft import Applicant, PresentedToken
from registrary.core.issuer import Limits, RegistrationMode
from registrary.policy.decision import Accepted, Decision, Refused
from registrary.policy.quotas import counted
from registrary.policy.registering import Previewed
from registrary.registrar.administration import Administrator
from registrary.registrar.initial_access_tokens import InitialAccessTokens, TokenWish
from tests.unit.registrar.desk import OPERATOR, PEER, Desk, visit

pytestmark = pytest.mark.anyio

OPEN = RegistrationMode.OPEN
DOCUMENT = {"redirect_uris": ["https://client.example/cb"]}


def asking(token: str | None = None) -> Applicant:
    """Return who asks, with or without a token."""
    return Applicant(PresentedToken(token) if token else None, PEER)


async def register(desk: Desk, token: str | None = None) -> Decision:
    """Register one more client."""
    entry = await desk.registrar.enter(desk.context, asking(token))
    if isinstance(entry, Refused):
        return entry
    return await desk.registrar.register(desk.context, entry, DOCUMENT)


async def registered(desk: Desk, token: str | None = None) -> Accepted:
    """Register one more client, for whom there is room."""
    decision = await register(desk, token)
    assert isinstance(decision, Accepted)
    return decision


async def a_token(desk: Desk, **wish: Any) -> str:
    """Return the text of an initial access token."""
    _, token = await InitialAccessTokens(desk.services).create(
        desk.context, TokenWish(**wish), actor=OPERATOR
    )
    return token.reveal()


def limited(desk: Desk, **limits: Any) -> None:
    """Let an operator set *limits* while the issuer is in use."""
    desk.context = desk.of(mode=desk.context.issuer.mode, limits=Limits(**limits))


def code_of(decision: Decision) -> str:
    """Return what became of a request."""
    return decision.code if isinstance(decision, Refused) else "accepted"


async def test_a_quota_set_later_counts_who_came_before():
    """An operator who sees the flood and sets a quota of what there is has stopped it."""
    desk = Desk(mode=OPEN)
    first = await registered(desk)
    await registered(desk)

    limited(desk, client_quota=2)
    full = await register(desk)
    token = first.registration_access_token
    assert token
    await desk.manager.delete(desk.context, visit(first.client, token.reveal()))
    again = await register(desk)

    assert ("access_denied", "accepted") == (code_of(full), code_of(again))


async def test_who_went_without_a_quota_makes_room_all_the_same():
    """Whoever was revoked before the quota was set is not there either."""
    desk = Desk(mode=OPEN)
    gone, _ = await registered(desk), await registered(desk)
    administrator = Administrator(desk.services)
    await administrator.revoke(desk.context, gone.client.client_id, reason="test", actor=OPERATOR)

    limited(desk, client_quota=2)

    assert ["accepted", "access_denied"] == [code_of(await register(desk)) for _ in range(2)]


async def test_a_quota_of_organizations_set_later_counts_theirs():
    """One partner's thousand clients are known, and so is that the other has none."""
    desk = Desk()
    full, free = [await a_token(desk, organization=name) for name in ("acme", "umbrella")]
    await registered(desk, full)

    limited(desk, organization_quota=1)

    codes = [code_of(await register(desk, token)) for token in (full, free, await a_token(desk))]
    assert ["access_denied", "accepted", "accepted"] == codes


async def test_a_full_issuer_writes_nothing_and_reads_no_document():
    """It is asked by everybody who was late, again and again."""
    desk = Desk(mode=OPEN, limits=Limits(client_quota=1))
    await registered(desk)
    desk.store.commits = 0

    entries = [await desk.registrar.enter(desk.context, asking()) for _ in range(3)]

    assert ["access_denied"] * 3 == [isinstance(one, Refused) and one.code for one in entries]
    assert 0 == desk.store.commits
    assert {(PEER, "access_denied"): 3} == desk.counted()


async def test_a_refusal_for_the_quota_of_a_known_token_is_written_down():
    """The operator who gave the token away hears that it is of no use."""
    desk = Desk(limits=Limits(client_quota=0))
    token = await a_token(desk)

    await register(desk, token)

    [event] = await desk.events("registration:refused")
    assert ("refused", "access_denied") == (event["outcome"], event["reason"])


async def test_a_place_taken_meanwhile_is_refused_at_once():
    """The last place is taken inside the write; trying again would not bring it back."""
    desk = Desk(mode=OPEN, limits=Limits(client_quota=1))
    desk.store.meanwhile = [Changes(consumptions=counted(desk.context.issuer, None))]

    answer = await register(desk)

    assert ("access_denied", 1) == (code_of(answer), desk.store.commits)
    assert {(PEER, "access_denied"): 1} == desk.counted()


async def test_a_full_quota_takes_one_turn_of_the_rate():
    """Being told so must not cost a client the turns it needs when there is room again."""
    limits = Limits(client_quota=0, anonymous_registrations_per_minute=3)
    desk = Desk(mode=OPEN, limits=limits)

    codes = [code_of(await register(desk)) for _ in range(4)]

    assert ["access_denied"] * 3 + ["too_many_requests"] == codes


async def test_a_preview_tells_of_a_full_quota():
    """Whoever asks first would otherwise be promised a place that is not there."""
    desk = Desk(mode=OPEN, limits=Limits(client_quota=1))
    before = await desk.registrar.enter_to_preview(desk.context, asking())
    assert not isinstance(before, Refused)
    promised = await desk.registrar.preview(desk.context, before, DOCUMENT)
    await registered(desk)

    after = await desk.registrar.enter_to_preview(desk.context, asking())

    assert isinstance(promised, Previewed)
    assert isinstance(after, Refused)
    assert ("access_denied", ["failed"]) == (
        after.code,
        [check.outcome.value for check in after.checks],
    )


async def test_who_is_refused_counts_for_nothing():
    """A thousand bad documents must not fill a quota."""
    desk = Desk(mode=OPEN, limits=Limits(client_quota=1))
    entries = [await desk.registrar.enter(desk.context, asking()) for _ in range(3)]

    for entry in entries:
        assert not isinstance(entry, Refused)
        await desk.registrar.register(desk.context, entry, {"redirect_uris": ["x"]})

    assert "accepted" == code_of(await register(desk))


async def test_the_last_place_goes_to_one():
    """However many come at once."""
    desk = Desk(mode=OPEN, limits=Limits(client_quota=1))

    answers = await asyncio.gather(*(register(desk) for _ in range(10)))

    assert ["accepted"] + ["access_denied"] * 9 == sorted(map(code_of, answers))
